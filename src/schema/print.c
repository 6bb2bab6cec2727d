/*
 * The body of GET schema: a validated definition written again as RawModuleDef V9 or V10 in SATS-JSON (http-api 9), whatever version the
 * module itself used. V9 shows the root module only. Lists that the reference emits in no particular order (types and tables of V10) come
 * sorted by name.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "sats/json.h"
#include "schema/module_def.h"

/* ------------------------------------------------------------------------------------------------ JSON pieces */

static void put_key(lc_buf *to, const char *key) {
  lc_buf_printf(to, "\"%s\":", key);
}

/* `,` unless something was just opened. */
static void put_separator(lc_buf *to) {
  uint8_t last = to->data[to->len - 1];
  if (last != '[' && last != '{') lc_buf_put8(to, ',');
}

static void put_string_field(lc_buf *to, const char *key, lc_str value) {
  put_separator(to);
  put_key(to, key);
  lc_json_put_string(to, value);
}

static void put_optional_field(lc_buf *to, const char *key, lc_str value) {
  put_separator(to);
  put_key(to, key);
  if (value.ptr == NULL) {
    lc_buf_put_text(to, "{\"none\":[]}");
    return;
  }
  lc_buf_put_text(to, "{\"some\":");
  lc_json_put_string(to, value);
  lc_buf_put8(to, '}');
}

static void put_number_field(lc_buf *to, const char *key, uint32_t value) {
  put_separator(to);
  lc_buf_printf(to, "\"%s\":%u", key, value);
}

static void put_bool_field(lc_buf *to, const char *key, bool value) {
  put_separator(to);
  lc_buf_printf(to, "\"%s\":%s", key, value ? "true" : "false");
}

/* `"key":{"Variant":[]}` */
static void put_variant_field(lc_buf *to, const char *key, const char *variant) {
  put_separator(to);
  lc_buf_printf(to, "\"%s\":{\"%s\":[]}", key, variant);
}

static void put_type_field(lc_buf *to, const char *key, const lc_type *type) {
  put_separator(to);
  put_key(to, key);
  lc_type_print_json(to, type);
}

static void put_params_field(lc_buf *to, const lc_type *params) {
  put_separator(to);
  lc_buf_put_text(to, "\"params\":{\"elements\":");
  lc_type_print_fields_json(to, params);
  lc_buf_put8(to, '}');
}

static void put_columns(lc_buf *to, const uint16_t *columns, uint32_t count) {
  lc_buf_put8(to, '[');
  for (uint32_t i = 0; i < count; i++) lc_buf_printf(to, i ? ",%u" : "%u", columns[i]);
  lc_buf_put8(to, ']');
}

static void put_hex_field(lc_buf *to, const char *key, lc_span bytes) {
  put_separator(to);
  put_key(to, key);
  lc_buf_put8(to, '"');
  for (size_t i = 0; i < bytes.len; i++) lc_buf_printf(to, "%02x", bytes.ptr[i]);
  lc_buf_put8(to, '"');
}

/* ------------------------------------------------------------------------------------------------ one module of a definition */

typedef struct printing {
  lc_buf *to;
  const lc_module_def *def;
  uint32_t module;
  int version;
} printing;

static const lc_submodule_def *module_of(const printing *p) {
  return &p->def->modules[p->module];
}
/* Names without the path of the module that is printed. */
static lc_str local(const printing *p, lc_str name) {
  size_t n = module_of(p)->path.len;
  return (lc_str){name.ptr + n, name.len - n};
}
static lc_str local_source(const printing *p, lc_str name) {
  size_t n = module_of(p)->accessor_path.len;
  return (lc_str){name.ptr + n, name.len - n};
}
/* What a thing is called in this version of the definition: V10 shows what code asks for, V9 the canonical name. */
static lc_str shown(const printing *p, lc_str name, lc_str source) {
  return p->version == 10 ? local_source(p, source) : local(p, name);
}
static const char *name_key(const printing *p) {
  return p->version == 10 ? "source_name" : "name";
}

static void print_index(const printing *p, const lc_index_def *index) {
  static const char *const kinds[] = {[LC_INDEX_BTREE] = "BTree", [LC_INDEX_HASH] = "Hash", [LC_INDEX_DIRECT] = "Direct"};
  lc_buf_put8(p->to, '{');
  put_optional_field(p->to, name_key(p), shown(p, index->name, index->source_name));
  put_optional_field(p->to, "accessor_name", index->accessor_name);
  lc_buf_printf(p->to, ",\"algorithm\":{\"%s\":", kinds[index->kind]);
  if (index->kind == LC_INDEX_DIRECT)
    lc_buf_printf(p->to, "%u", index->columns[0]);
  else
    put_columns(p->to, index->columns, index->column_count);
  lc_buf_put_text(p->to, "}}");
}

static void print_constraint(const printing *p, const lc_constraint_def *constraint) {
  lc_buf_put8(p->to, '{');
  put_optional_field(p->to, name_key(p), local(p, constraint->name));
  lc_buf_put_text(p->to, ",\"data\":{\"Unique\":{\"columns\":");
  put_columns(p->to, constraint->columns, constraint->column_count);
  lc_buf_put_text(p->to, "}}}");
}

static void print_sequence(const printing *p, const lc_sequence_def *sequence) {
  lc_buf_put8(p->to, '{');
  put_optional_field(p->to, name_key(p), local(p, sequence->name));
  put_number_field(p->to, "column", sequence->column);
  put_variant_field(p->to, "start", "none");
  put_variant_field(p->to, "min_value", "none");
  put_variant_field(p->to, "max_value", "none");
  put_number_field(p->to, "increment", 1);
  lc_buf_put8(p->to, '}');
}

static void print_v9_schedule(const printing *p, const lc_table_def *table) {
  lc_buf_put_text(p->to, ",\"schedule\":");
  if (table->schedule == NULL) {
    lc_buf_put_text(p->to, "{\"none\":[]}");
    return;
  }
  lc_buf_put_text(p->to, "{\"some\":{");
  put_optional_field(p->to, "name", table->schedule->name);
  put_string_field(p->to, "reducer_name", local(p, table->schedule->function_name));
  put_number_field(p->to, "scheduled_at_column", table->schedule->at_column);
  lc_buf_put_text(p->to, "}}");
}

static void print_v10_defaults(const printing *p, const lc_table_def *table) {
  lc_buf_put_text(p->to, ",\"default_values\":[");
  for (uint16_t i = 0; i < table->column_count; i++) {
    if (table->columns[i].default_value.ptr == NULL) continue;
    put_separator(p->to);
    lc_buf_put8(p->to, '{');
    put_number_field(p->to, "col_id", i);
    put_hex_field(p->to, "value", table->columns[i].default_value);
    lc_buf_put8(p->to, '}');
  }
  lc_buf_put8(p->to, ']');
}

#define PRINT_LIST(p, key, count, print_one, item) \
  do {                                             \
    put_separator((p)->to);                        \
    lc_buf_printf((p)->to, "\"%s\":[", (key));     \
    for (uint32_t i_ = 0; i_ < (count); i_++) {    \
      if (i_) lc_buf_put8((p)->to, ',');           \
      print_one((p), &(item)[i_]);                 \
    }                                              \
    lc_buf_put8((p)->to, ']');                     \
  } while (0)

static void print_table(const printing *p, const lc_table_def *table) {
  lc_buf *to = p->to;
  lc_buf_put8(to, '{');
  put_string_field(to, name_key(p), shown(p, table->name, table->source_name));
  put_number_field(to, "product_type_ref", table->type_ref);
  lc_buf_put_text(to, ",\"primary_key\":[");
  if (table->primary_key >= 0) lc_buf_printf(to, "%d", table->primary_key);
  lc_buf_put8(to, ']');
  PRINT_LIST(p, "indexes", table->index_count, print_index, table->indexes);
  PRINT_LIST(p, "constraints", table->constraint_count, print_constraint, table->constraints);
  PRINT_LIST(p, "sequences", table->sequence_count, print_sequence, table->sequences);
  if (p->version == 9) print_v9_schedule(p, table);
  put_variant_field(to, "table_type", table->is_system ? "System" : "User");
  put_variant_field(to, "table_access", table->is_public ? "Public" : "Private");
  if (p->version == 10) {
    print_v10_defaults(p, table);
    put_bool_field(to, "is_event", table->is_event);
  }
  lc_buf_put8(to, '}');
}

static const char *const lifecycle_names[LC_LIFECYCLE_COUNT] = {"Init", "OnConnect", "OnDisconnect"};

static void print_reducer(const printing *p, const lc_reducer_def *reducer) {
  lc_buf *to = p->to;
  lc_buf_put8(to, '{');
  put_string_field(to, name_key(p), shown(p, reducer->name, reducer->source_name));
  put_params_field(to, reducer->params);
  if (p->version == 10) {
    put_variant_field(to, "visibility", reducer->client_callable ? "ClientCallable" : "Private");
    put_type_field(to, "ok_return_type", reducer->ok_type);
    put_type_field(to, "err_return_type", reducer->err_type);
  } else if (reducer->lifecycle == LC_LIFECYCLE_NONE) {
    put_variant_field(to, "lifecycle", "none");
  } else {
    lc_buf_printf(to, ",\"lifecycle\":{\"some\":{\"%s\":[]}}", lifecycle_names[reducer->lifecycle]);
  }
  lc_buf_put8(to, '}');
}

static void print_procedure(const printing *p, const lc_procedure_def *procedure) {
  lc_buf_put8(p->to, '{');
  put_string_field(p->to, name_key(p), shown(p, procedure->name, procedure->source_name));
  put_params_field(p->to, procedure->params);
  put_type_field(p->to, "return_type", procedure->return_type);
  if (p->version == 10) put_variant_field(p->to, "visibility", procedure->client_callable ? "ClientCallable" : "Private");
  lc_buf_put8(p->to, '}');
}

static void print_view(const printing *p, const lc_view_def *view) {
  lc_buf_put8(p->to, '{');
  put_string_field(p->to, name_key(p), shown(p, view->name, view->source_name));
  put_number_field(p->to, "index", view->source_index);
  put_bool_field(p->to, "is_public", view->is_public);
  put_bool_field(p->to, "is_anonymous", view->is_anonymous);
  put_params_field(p->to, view->params);
  put_type_field(p->to, "return_type", view->return_type);
  lc_buf_put8(p->to, '}');
}

static int compare_types(const void *a, const void *b) {
  const lc_type_def *x = *(const lc_type_def *const *)a, *y = *(const lc_type_def *const *)b;
  for (uint32_t i = 0; i < x->scope_count && i < y->scope_count; i++) {
    int order = lc_str_compare(x->scope[i], y->scope[i]);
    if (order) return order;
  }
  if (x->scope_count != y->scope_count) return x->scope_count < y->scope_count ? -1 : 1;
  return lc_str_compare(x->name, y->name);
}

static void print_types(const printing *p) {
  const lc_submodule_def *module = module_of(p);
  const lc_type_def **sorted = calloc(module->type_count + 1, sizeof *sorted);
  lc_assert(sorted != NULL);
  for (uint32_t i = 0; i < module->type_count; i++) sorted[i] = &module->types[i];
  qsort(sorted, module->type_count, sizeof *sorted, compare_types);
  lc_buf_put8(p->to, '[');
  for (uint32_t i = 0; i < module->type_count; i++) {
    put_separator(p->to);
    lc_buf_printf(p->to, "{\"%s\":{\"scope\":[", name_key(p));
    for (uint32_t k = 0; k < sorted[i]->scope_count; k++) {
      if (k) lc_buf_put8(p->to, ',');
      lc_json_put_string(p->to, sorted[i]->scope[k]);
    }
    lc_buf_put8(p->to, ']');
    put_string_field(p->to, name_key(p), sorted[i]->name);
    lc_buf_put8(p->to, '}');
    put_number_field(p->to, "ty", sorted[i]->ref);
    put_bool_field(p->to, "custom_ordering", sorted[i]->custom_ordering);
    lc_buf_put8(p->to, '}');
  }
  lc_buf_put8(p->to, ']');
  free(sorted);
}

static void print_typespace(const printing *p) {
  const lc_typespace *space = &module_of(p)->typespace;
  lc_buf_put_text(p->to, "{\"types\":[");
  for (uint32_t i = 0; i < space->count; i++) {
    if (i) lc_buf_put8(p->to, ',');
    lc_type_print_json(p->to, space->types[i]);
  }
  lc_buf_put_text(p->to, "]}");
}

/* Prints those of a list that the module declares, with commas between. */
#define PRINT_OWN(p, list, count, print_one)        \
  for (uint32_t i_ = 0; i_ < (count); i_++) {       \
    if ((list)[i_].module != (p)->module) continue; \
    put_separator((p)->to);                         \
    print_one((p), &(list)[i_]);                    \
  }

/* ------------------------------------------------------------------------------------------------ version 9 */

static void print_v9_misc(const printing *p) {
  const lc_module_def *def = p->def;
  lc_buf *to = p->to;
  for (uint32_t i = 0; i < def->table_count; i++) {
    const lc_table_def *table = &def->tables[i];
    for (uint16_t k = 0; k < table->column_count && table->module == p->module; k++) {
      if (table->columns[k].default_value.ptr == NULL) continue;
      put_separator(to);
      lc_buf_put_text(to, "{\"ColumnDefaultValue\":{");
      put_string_field(to, "table", table->name);
      put_number_field(to, "col_id", k);
      put_hex_field(to, "value", table->columns[k].default_value);
      lc_buf_put_text(to, "}}");
    }
  }
  for (uint32_t i = 0; i < def->procedure_count; i++) {
    if (def->procedures[i].module != p->module) continue;
    put_separator(to);
    lc_buf_put_text(to, "{\"Procedure\":");
    print_procedure(p, &def->procedures[i]);
    lc_buf_put8(to, '}');
  }
  for (uint32_t i = 0; i < def->view_count; i++) {
    if (def->views[i].module != p->module) continue;
    put_separator(to);
    lc_buf_put_text(to, "{\"View\":");
    print_view(p, &def->views[i]);
    lc_buf_put8(to, '}');
  }
}

static void print_row_rule(const printing *p, const lc_rls_def *rule) {
  lc_buf_put8(p->to, '{');
  put_string_field(p->to, "sql", rule->sql);
  lc_buf_put8(p->to, '}');
}

static void print_v9(const printing *p) {
  const lc_module_def *def = p->def;
  lc_buf *to = p->to;
  lc_buf_put_text(to, "{\"typespace\":");
  print_typespace(p);
  lc_buf_put_text(to, ",\"tables\":[");
  PRINT_OWN(p, def->tables, def->table_count, print_table)
  lc_buf_put_text(to, "],\"reducers\":[");
  PRINT_OWN(p, def->reducers, def->reducer_count, print_reducer)
  lc_buf_put_text(to, "],\"types\":");
  print_types(p);
  lc_buf_put_text(to, ",\"misc_exports\":[");
  print_v9_misc(p);
  lc_buf_put_text(to, "],\"row_level_security\":[");
  PRINT_OWN(p, def->row_rules, def->row_rule_count, print_row_rule)
  lc_buf_put_text(to, "]}");
}

/* ------------------------------------------------------------------------------------------------ version 10 */

static void print_handler(const printing *p, const lc_http_handler_def *handler) {
  lc_buf_put8(p->to, '{');
  put_string_field(p->to, "source_name", handler->source_name);
  lc_buf_put8(p->to, '}');
}

static void print_route(const printing *p, const lc_http_route_def *route) {
  lc_buf *to = p->to;
  lc_buf_put8(to, '{');
  put_string_field(to, "handler_function", route->handler);
  if (route->method.ptr == NULL) {
    lc_buf_put_text(to, ",\"method\":{\"Any\":[]}");
  } else if (route->method_extension) {
    lc_buf_put_text(to, ",\"method\":{\"Method\":{\"Extension\":");
    lc_json_put_string(to, route->method);
    lc_buf_put_text(to, "}}");
  } else { /* GET → Get */
    lc_buf_put_text(to, ",\"method\":{\"Method\":{\"");
    for (size_t i = 0; i < route->method.len; i++) lc_buf_put8(to, (uint8_t)(i ? route->method.ptr[i] | 0x20 : route->method.ptr[i]));
    lc_buf_put_text(to, "\":[]}}");
  }
  put_string_field(to, "path", route->path);
  lc_buf_put8(to, '}');
}

static void print_view_keys(const printing *p) {
  for (uint32_t i = 0; i < p->def->view_count; i++) {
    const lc_view_def *view = &p->def->views[i];
    if (view->module != p->module || view->is_query || !view->has_explicit_key) continue;
    put_separator(p->to);
    lc_buf_put8(p->to, '{');
    put_string_field(p->to, "view_source_name", local_source(p, view->source_name));
    lc_buf_put_text(p->to, ",\"columns\":[");
    lc_json_put_string(p->to, view->columns[view->primary_key[0]].name);
    lc_buf_put_text(p->to, "]}");
  }
}

static void print_schedules(const printing *p) {
  for (uint32_t i = 0; i < p->def->table_count; i++) {
    const lc_table_def *table = &p->def->tables[i];
    if (table->module != p->module || table->schedule == NULL) continue;
    put_separator(p->to);
    lc_buf_put8(p->to, '{');
    put_optional_field(p->to, "source_name", table->schedule->name);
    put_string_field(p->to, "table_name", local(p, table->name));
    put_number_field(p->to, "schedule_at_col", table->schedule->at_column);
    put_string_field(p->to, "function_name", local(p, table->schedule->function_name));
    lc_buf_put8(p->to, '}');
  }
}

static void print_lifecycles(const printing *p) {
  for (int event = 0; event < LC_LIFECYCLE_COUNT && p->module == 0; event++) {
    if (p->def->lifecycle[event] < 0) continue;
    put_separator(p->to);
    lc_buf_put8(p->to, '{');
    put_variant_field(p->to, "lifecycle_spec", lifecycle_names[event]);
    put_string_field(p->to, "function_name", p->def->reducers[p->def->lifecycle[event]].name);
    lc_buf_put8(p->to, '}');
  }
}

static void print_explicit_name(const printing *p, const char *kind, lc_str name, lc_str source) {
  put_separator(p->to);
  lc_buf_printf(p->to, "{\"%s\":{", kind);
  put_string_field(p->to, "source_name", local_source(p, source));
  put_string_field(p->to, "canonical_name", local(p, name));
  lc_buf_put_text(p->to, "}}");
}

static void print_explicit_names(const printing *p) {
  const lc_module_def *def = p->def;
  for (uint32_t i = 0; i < def->table_count; i++)
    if (def->tables[i].module == p->module) print_explicit_name(p, "Table", def->tables[i].name, def->tables[i].source_name);
  for (uint32_t i = 0; i < def->reducer_count; i++)
    if (def->reducers[i].module == p->module) print_explicit_name(p, "Function", def->reducers[i].name, def->reducers[i].source_name);
  for (uint32_t i = 0; i < def->procedure_count; i++)
    if (def->procedures[i].module == p->module) print_explicit_name(p, "Function", def->procedures[i].name, def->procedures[i].source_name);
  for (uint32_t i = 0; i < def->view_count; i++)
    if (def->views[i].module == p->module) print_explicit_name(p, "Function", def->views[i].name, def->views[i].source_name);
}

static void print_environment(const printing *p, const lc_environment_def *variable) {
  lc_buf *to = p->to;
  lc_buf_put8(to, '{');
  put_string_field(to, "name", variable->name);
  if (variable->kind == LC_ENVIRONMENT_STRING) {
    put_variant_field(to, "ty", "String");
  } else {
    bool is_union = variable->kind == LC_ENVIRONMENT_UNION;
    lc_buf_put_text(to, is_union ? ",\"ty\":{\"Union\":[" : ",\"ty\":{\"StringLiteral\":");
    for (uint32_t i = 0; i < variable->literal_count; i++) {
      if (i) lc_buf_put8(to, ',');
      lc_json_put_string(to, variable->literals[i]);
    }
    lc_buf_put_text(to, is_union ? "]}" : "}");
  }
  put_bool_field(to, "optional", !variable->required);
  lc_buf_put8(to, '}');
}

static void print_outboxes(const printing *p) {
  const lc_module_def *def = p->def;
  for (uint32_t i = 0; i < def->outbox_count; i++) {
    const lc_outbox_def *outbox = &def->outboxes[i];
    if (def->tables[outbox->table].module != p->module) continue;
    put_separator(p->to);
    lc_buf_put8(p->to, '{');
    put_string_field(p->to, "table_name", local(p, def->tables[outbox->table].name));
    put_string_field(p->to, "remote_reducer", outbox->remote_reducer);
    put_number_field(p->to, "target_column", outbox->target_column);
    lc_buf_put_text(p->to, ",\"arg_columns\":");
    put_columns(p->to, outbox->argument_columns, outbox->argument_count);
    put_optional_field(p->to, "on_result_reducer", outbox->on_result < 0 ? (lc_str){0} : local(p, def->reducers[outbox->on_result].name));
    char hex[65];
    lc_u256_hex(hex, &outbox->signature_hash);
    const char *digits = hex;
    while (digits[0] == '0' && digits[1]) digits++;
    lc_buf_printf(p->to, ",\"signature_hash\":\"0x%s\"}", digits);
  }
}

static void print_v10(const printing *p);

static void print_submodules(const printing *p) {
  for (uint32_t i = 1; i < p->def->module_count; i++) {
    if (p->def->modules[i].parent != p->module) continue;
    put_separator(p->to);
    lc_buf_put8(p->to, '{');
    put_string_field(p->to, "namespace", p->def->modules[i].accessor_name);
    lc_buf_put_text(p->to, ",\"module\":");
    print_v10(&(printing){p->to, p->def, i, 10});
    lc_buf_put8(p->to, '}');
  }
}

/* A section is left out when nothing was printed into it. */
static size_t section_begin(lc_buf *to, const char *name) {
  size_t before = to->len;
  put_separator(to);
  lc_buf_printf(to, "{\"%s\":[", name);
  return before;
}

static void section_end(lc_buf *to, size_t before) {
  if (to->data[to->len - 1] == '[')
    to->len = before;
  else
    lc_buf_put_text(to, "]}");
}

#define SECTION(p, name, body)                       \
  do {                                               \
    size_t before_ = section_begin((p)->to, (name)); \
    body;                                            \
    section_end((p)->to, before_);                   \
  } while (0)

static void print_v10_root_lists(const printing *p) {
  const lc_module_def *def = p->def;
  if (p->module != 0) return;
  if (def->http_handler_count) {
    lc_buf_put_text(p->to, ",{");
    PRINT_LIST(p, "HttpHandlers", def->http_handler_count, print_handler, def->http_handlers);
    lc_buf_put8(p->to, '}');
  }
  if (def->http_route_count) {
    lc_buf_put_text(p->to, ",{");
    PRINT_LIST(p, "HttpRoutes", def->http_route_count, print_route, def->http_routes);
    lc_buf_put8(p->to, '}');
  }
}

static void print_v10(const printing *p) {
  const lc_module_def *def = p->def;
  lc_buf *to = p->to;
  lc_buf_put_text(to, "{\"sections\":[{\"Typespace\":");
  print_typespace(p);
  lc_buf_put8(to, '}');
  if (module_of(p)->type_count) {
    lc_buf_put_text(to, ",{\"Types\":");
    print_types(p);
    lc_buf_put8(to, '}');
  }
  SECTION(p, "Tables", PRINT_OWN(p, def->tables, def->table_count, print_table));
  SECTION(p, "Reducers", PRINT_OWN(p, def->reducers, def->reducer_count, print_reducer));
  SECTION(p, "Procedures", PRINT_OWN(p, def->procedures, def->procedure_count, print_procedure));
  print_v10_root_lists(p);
  SECTION(p, "Views", PRINT_OWN(p, def->views, def->view_count, print_view));
  SECTION(p, "ViewPrimaryKeys", print_view_keys(p));
  SECTION(p, "Schedules", print_schedules(p));
  SECTION(p, "LifeCycleReducers", print_lifecycles(p));
  SECTION(p, "RowLevelSecurity", PRINT_OWN(p, def->row_rules, def->row_rule_count, print_row_rule));
  lc_buf_put_text(to, ",{\"ExplicitNames\":{\"entries\":[");
  print_explicit_names(p);
  lc_buf_put_text(to, "]}}");
  SECTION(p, "Submodules", print_submodules(p));
  if (p->module == 0 && def->environment_count) {
    lc_buf_put_text(to, ",{");
    PRINT_LIST(p, "Environment", def->environment_count, print_environment, def->environment);
    lc_buf_put8(to, '}');
  }
  SECTION(p, "Outboxes", print_outboxes(p));
  lc_buf_put_text(to, "]}");
}

void lc_module_def_print_json(lc_buf *to, const lc_module_def *def, int version) {
  lc_assert(version == 9 || version == 10);
  printing p = {to, def, 0, version};
  if (version == 9)
    print_v9(&p);
  else
    print_v10(&p);
}
