/*
 * Decoding of RawModuleDef (module-abi 6.1–6.3). Input is untrusted: a list's memory is taken only after its count was compared with
 * the bytes left, so a definition can ask for no more than a small multiple of its own length.
 */
#include "schema/raw_def.h"

typedef struct reader {
  lc_arena *arena;
  lc_cursor at;
  uint32_t depth; /* of submodules */
} reader;

/* ------------------------------------------------------------------------------------------------ primitives */

static lc_err too_short(const char *what, size_t expected, size_t given) {
  return lc_fail(LC_ERR_MODULE_DEF, "data too short for %s: Expected %zu, given %zu", what, expected, given);
}

static lc_err unknown_tag(uint8_t tag, const char *of) {
  return lc_fail(LC_ERR_MODULE_DEF, "unknown tag 0x%x for sum type %s", tag, of);
}

static lc_err read_bytes(reader *r, const char *what, void *to, size_t size) {
  size_t left = lc_cursor_left(&r->at);
  if (left < size) return too_short(what, size, left);
  memcpy(to, lc_cursor_take(&r->at, size), size);
  return lc_ok();
}

static lc_err read_u8(reader *r, uint8_t *value) {
  return read_bytes(r, "u8", value, 1);
}
static lc_err read_u16(reader *r, uint16_t *value) {
  return read_bytes(r, "u16", value, 2);
}
static lc_err read_u32(reader *r, uint32_t *value) {
  return read_bytes(r, "u32", value, 4);
}

static lc_err read_bool(reader *r, bool *value) {
  uint8_t byte;
  LC_TRY(read_u8(r, &byte));
  if (byte > 1) return lc_fail(LC_ERR_MODULE_DEF, "byte %u not a valid bool", byte);
  *value = byte;
  return lc_ok();
}

/* A tag below `count`. */
static lc_err read_tag(reader *r, const char *of, uint8_t count, uint8_t *tag) {
  LC_TRY(read_u8(r, tag));
  return *tag < count ? lc_ok() : unknown_tag(*tag, of);
}

/* An option's tag: `*some` tells whether the value follows. */
static lc_err read_option(reader *r, bool *some) {
  uint8_t tag;
  LC_TRY(read_tag(r, "Option", 2, &tag));
  *some = tag == 0;
  return lc_ok();
}

static lc_err read_span(reader *r, lc_span *value) {
  uint32_t len;
  LC_TRY(read_u32(r, &len));
  if (lc_cursor_left(&r->at) < len) return too_short("[u8]", len, lc_cursor_left(&r->at));
  value->ptr = lc_arena_copy(r->arena, lc_cursor_take(&r->at, len), len);
  value->len = len;
  return lc_ok();
}

static lc_err read_str(reader *r, lc_str *value) {
  lc_span bytes;
  LC_TRY(read_span(r, &bytes));
  if (!lc_utf8_valid(bytes.ptr, bytes.len)) return lc_fail(LC_ERR_MODULE_DEF, "invalid utf8");
  *value = (lc_str){(const char *)bytes.ptr, bytes.len};
  return lc_ok();
}

static lc_err read_optional_str(reader *r, lc_str *value) {
  bool some;
  *value = (lc_str){0};
  LC_TRY(read_option(r, &some));
  return some ? read_str(r, value) : lc_ok();
}

static lc_err read_type(reader *r, lc_type **type) {
  lc_err err = lc_type_decode(r->arena, &r->at, type);
  if (lc_failed(err)) err.code = LC_ERR_MODULE_DEF;
  return err;
}

static lc_err read_params(reader *r, lc_type **params) {
  lc_err err = lc_type_decode_product(r->arena, &r->at, params);
  if (lc_failed(err)) err.code = LC_ERR_MODULE_DEF;
  return err;
}

/* The count of a list whose elements take at least `least` bytes each. */
static lc_err read_count(reader *r, size_t least, uint32_t *count) {
  LC_TRY(read_u32(r, count));
  size_t left = lc_cursor_left(&r->at);
  return *count <= left / least ? lc_ok() : too_short("u8", (size_t)*count * least, left);
}

/* Reads a list with one function per element. `least` is the shortest encoding of an element. */
#define READ_LIST(r, list, list_count, least, read_one)                          \
  do {                                                                           \
    uint32_t count_;                                                             \
    LC_TRY(read_count((r), (least), &count_));                                   \
    (list) = lc_arena_zalloc((r)->arena, sizeof *(list) * count_);               \
    (list_count) = count_;                                                       \
    for (uint32_t i_ = 0; i_ < count_; i_++) LC_TRY(read_one((r), &(list)[i_])); \
  } while (0)

static lc_err read_columns(reader *r, lc__columns *columns) {
  READ_LIST(r, columns->items, columns->count, 2, read_u16);
  return lc_ok();
}

/* ------------------------------------------------------------------------------------------------ records of both versions */

static lc_err read_typespace(reader *r, lc_typespace *space) {
  READ_LIST(r, space->types, space->count, 1, read_type);
  return lc_ok();
}

static lc_err read_type_def(reader *r, lc__raw_type *type) {
  READ_LIST(r, type->scope, type->scope_count, 4, read_str);
  LC_TRY(read_str(r, &type->name));
  LC_TRY(read_u32(r, &type->ref));
  return read_bool(r, &type->custom_ordering);
}

static lc_err read_index(reader *r, lc__raw_index *index) {
  uint8_t tag;
  LC_TRY(read_optional_str(r, &index->name));
  LC_TRY(read_optional_str(r, &index->accessor));
  LC_TRY(read_tag(r, "RawIndexAlgorithm", 3, &tag));
  index->kind = tag == 0 ? LC_INDEX_BTREE : tag == 1 ? LC_INDEX_HASH : LC_INDEX_DIRECT;
  if (tag < 2) return read_columns(r, &index->columns);
  index->columns = (lc__columns){LC_ARENA_NEW(r->arena, uint16_t), 1};
  return read_u16(r, index->columns.items);
}

static lc_err read_constraint(reader *r, lc__raw_constraint *constraint) {
  uint8_t tag;
  LC_TRY(read_optional_str(r, &constraint->name));
  LC_TRY(read_tag(r, "RawConstraintData", 1, &tag));
  return read_columns(r, &constraint->columns);
}

static lc_err read_sequence(reader *r, lc__raw_sequence *sequence) {
  LC_TRY(read_optional_str(r, &sequence->name));
  LC_TRY(read_u16(r, &sequence->column));
  for (int i = 0; i < 3; i++) {
    bool some;
    __int128 value;
    LC_TRY(read_option(r, &some));
    if (some) LC_TRY(read_bytes(r, "i128", &value, 16));
    sequence->has_options |= some;
  }
  return read_bytes(r, "i128", &sequence->increment, 16);
}

static lc_err read_default(reader *r, lc__raw_default *value) {
  LC_TRY(read_u16(r, &value->column));
  return read_span(r, &value->value);
}

/* The fields that tables of both versions begin with. */
static lc_err read_table_start(reader *r, lc__raw_table *table) {
  LC_TRY(read_str(r, &table->name));
  LC_TRY(read_u32(r, &table->type_ref));
  LC_TRY(read_columns(r, &table->primary_key));
  READ_LIST(r, table->indexes, table->index_count, 5, read_index);
  READ_LIST(r, table->constraints, table->constraint_count, 6, read_constraint);
  READ_LIST(r, table->sequences, table->sequence_count, 22, read_sequence);
  return lc_ok();
}

static lc_err read_table_kind(reader *r, lc__raw_table *table) {
  uint8_t type, access;
  LC_TRY(read_tag(r, "TableType", 2, &type));
  LC_TRY(read_tag(r, "TableAccess", 2, &access));
  table->is_system = type == 0;
  table->is_public = access == 0;
  return lc_ok();
}

static lc_err read_view(reader *r, lc__raw_view *view) {
  LC_TRY(read_str(r, &view->name));
  LC_TRY(read_u32(r, &view->index));
  LC_TRY(read_bool(r, &view->is_public));
  LC_TRY(read_bool(r, &view->is_anonymous));
  LC_TRY(read_params(r, &view->params));
  return read_type(r, &view->return_type);
}

/* ------------------------------------------------------------------------------------------------ V9 */

static lc_err read_v9_tables(reader *r, lc__raw_module *module) {
  LC_TRY(read_count(r, 27, &module->tables_count));
  module->tables = LC_ARENA_ARRAY(r->arena, lc__raw_table, module->tables_count);
  module->schedules = LC_ARENA_ARRAY(r->arena, lc__raw_schedule, module->tables_count);
  for (uint32_t i = 0; i < module->tables_count; i++) {
    lc__raw_table *table = &module->tables[i];
    bool some;
    LC_TRY(read_table_start(r, table));
    LC_TRY(read_option(r, &some));
    if (some) {
      lc__raw_schedule *schedule = &module->schedules[module->schedules_count++];
      schedule->table = table->name;
      LC_TRY(read_optional_str(r, &schedule->name));
      LC_TRY(read_str(r, &schedule->function));
      LC_TRY(read_u16(r, &schedule->at_column));
    }
    LC_TRY(read_table_kind(r, table));
  }
  return lc_ok();
}

static lc_err read_v9_reducers(reader *r, lc__raw_module *module) {
  LC_TRY(read_count(r, 9, &module->reducers_count));
  module->reducers = LC_ARENA_ARRAY(r->arena, lc__raw_reducer, module->reducers_count);
  module->lifecycles = LC_ARENA_ARRAY(r->arena, lc__raw_lifecycle, module->reducers_count);
  for (uint32_t i = 0; i < module->reducers_count; i++) {
    lc__raw_reducer *reducer = &module->reducers[i];
    bool some;
    LC_TRY(read_str(r, &reducer->name));
    LC_TRY(read_params(r, &reducer->params));
    LC_TRY(read_option(r, &some));
    if (some) {
      uint8_t event;
      LC_TRY(read_tag(r, "Lifecycle", LC_LIFECYCLE_COUNT, &event));
      module->lifecycles[module->lifecycles_count++] = (lc__raw_lifecycle){(lc_lifecycle)event, reducer->name};
    }
    reducer->ok_type = lc_type_product(r->arena, NULL, 0);
    reducer->err_type = (lc_type *)lc_type_primitive(LC_TYPE_STRING);
    reducer->client_callable = true; /* V9 knows no visibility */
  }
  return lc_ok();
}

static lc_err read_v9_misc(reader *r, lc__raw_module *module) {
  uint32_t count;
  LC_TRY(read_count(r, 10, &count));
  module->default_values = LC_ARENA_ARRAY(r->arena, lc__raw_default_value, count);
  module->procedures = LC_ARENA_ARRAY(r->arena, lc__raw_procedure, count);
  module->views = LC_ARENA_ARRAY(r->arena, lc__raw_view, count);
  for (uint32_t i = 0; i < count; i++) {
    uint8_t tag;
    LC_TRY(read_tag(r, "RawMiscModuleExportV9", 3, &tag));
    if (tag == 0) {
      lc__raw_default_value *value = &module->default_values[module->default_values_count++];
      LC_TRY(read_str(r, &value->table));
      LC_TRY(read_default(r, &value->value));
    } else if (tag == 1) {
      lc__raw_procedure *procedure = &module->procedures[module->procedures_count++];
      LC_TRY(read_str(r, &procedure->name));
      LC_TRY(read_params(r, &procedure->params));
      LC_TRY(read_type(r, &procedure->return_type));
      procedure->client_callable = true;
    } else {
      LC_TRY(read_view(r, &module->views[module->views_count++]));
    }
  }
  return lc_ok();
}

static lc_err read_v9(reader *r, lc__raw_module *module) {
  module->version = 9;
  LC_TRY(read_typespace(r, &module->typespace));
  LC_TRY(read_v9_tables(r, module));
  LC_TRY(read_v9_reducers(r, module));
  READ_LIST(r, module->types, module->types_count, 13, read_type_def);
  LC_TRY(read_v9_misc(r, module));
  READ_LIST(r, module->row_rules, module->row_rules_count, 4, read_str);
  return lc_ok();
}

/* ------------------------------------------------------------------------------------------------ V10 records */

static lc_err read_v10_table(reader *r, lc__raw_table *table) {
  LC_TRY(read_table_start(r, table));
  LC_TRY(read_table_kind(r, table));
  READ_LIST(r, table->defaults, table->default_count, 6, read_default);
  return read_bool(r, &table->is_event);
}

static lc_err read_visibility(reader *r, bool *client_callable) {
  uint8_t tag;
  LC_TRY(read_tag(r, "FunctionVisibility", 2, &tag));
  *client_callable = tag == 1;
  return lc_ok();
}

static lc_err read_v10_reducer(reader *r, lc__raw_reducer *reducer) {
  LC_TRY(read_str(r, &reducer->name));
  LC_TRY(read_params(r, &reducer->params));
  LC_TRY(read_visibility(r, &reducer->client_callable));
  LC_TRY(read_type(r, &reducer->ok_type));
  return read_type(r, &reducer->err_type);
}

static lc_err read_v10_procedure(reader *r, lc__raw_procedure *procedure) {
  LC_TRY(read_str(r, &procedure->name));
  LC_TRY(read_params(r, &procedure->params));
  LC_TRY(read_type(r, &procedure->return_type));
  return read_visibility(r, &procedure->client_callable);
}

static lc_err read_v10_schedule(reader *r, lc__raw_schedule *schedule) {
  LC_TRY(read_optional_str(r, &schedule->name));
  LC_TRY(read_str(r, &schedule->table));
  LC_TRY(read_u16(r, &schedule->at_column));
  return read_str(r, &schedule->function);
}

static lc_err read_v10_lifecycle(reader *r, lc__raw_lifecycle *lifecycle) {
  uint8_t event;
  LC_TRY(read_tag(r, "Lifecycle", LC_LIFECYCLE_COUNT, &event));
  lifecycle->event = (lc_lifecycle)event;
  return read_str(r, &lifecycle->function);
}

static lc_err read_explicit_name(reader *r, lc__raw_explicit *entry) {
  uint8_t kind;
  LC_TRY(read_tag(r, "ExplicitNameEntry", LC__EXPLICIT_COUNT, &kind));
  entry->kind = (lc__explicit_kind)kind;
  LC_TRY(read_str(r, &entry->source));
  return read_str(r, &entry->canonical);
}

static lc_err read_route(reader *r, lc__raw_route *route) {
  static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"};
  enum { METHODS = sizeof methods / sizeof methods[0] };
  uint8_t tag;
  LC_TRY(read_str(r, &route->handler));
  LC_TRY(read_tag(r, "MethodOrAny", 2, &tag));
  if (tag == 1) {
    LC_TRY(read_tag(r, "HttpMethod", METHODS + 1, &tag));
    route->extension = tag == METHODS;
    if (route->extension)
      LC_TRY(read_str(r, &route->method));
    else
      route->method = lc_str_of(methods[tag]);
  }
  return read_str(r, &route->path);
}

static lc_err read_view_key(reader *r, lc__raw_view_key *key) {
  LC_TRY(read_str(r, &key->view));
  READ_LIST(r, key->columns, key->column_count, 4, read_str);
  return lc_ok();
}

static lc_err read_environment(reader *r, lc_environment_def *declaration) {
  uint8_t kind;
  bool optional;
  LC_TRY(read_str(r, &declaration->name));
  LC_TRY(read_tag(r, "RawEnvVarType", 3, &kind));
  declaration->kind = (lc_environment_kind)kind;
  if (kind == LC_ENVIRONMENT_LITERAL) {
    declaration->literals = LC_ARENA_NEW(r->arena, lc_str);
    declaration->literal_count = 1;
    LC_TRY(read_str(r, declaration->literals));
  } else if (kind == LC_ENVIRONMENT_UNION) {
    READ_LIST(r, declaration->literals, declaration->literal_count, 4, read_str);
  }
  LC_TRY(read_bool(r, &optional));
  declaration->required = !optional;
  return lc_ok();
}

static lc_err read_outbox(reader *r, lc__raw_outbox *outbox) {
  const uint8_t *from = r->at.at;
  LC_TRY(read_str(r, &outbox->table));
  LC_TRY(read_str(r, &outbox->remote_reducer));
  LC_TRY(read_u16(r, &outbox->target_column));
  LC_TRY(read_columns(r, &outbox->arguments));
  LC_TRY(read_optional_str(r, &outbox->on_result));
  LC_TRY(read_bytes(r, "u256", outbox->signature_hash.bytes, 32));
  size_t len = (size_t)(r->at.at - from);
  outbox->raw = (lc_span){lc_arena_copy(r->arena, from, len), len};
  return lc_ok();
}

static lc_err read_v10(reader *r, lc__raw_module *module);

static lc_err read_submodule(reader *r, lc__raw_submodule *submodule) {
  LC_TRY(read_str(r, &submodule->name));
  if (r->depth == LC__SUBMODULE_DEPTH_MAX)
    return lc_fail(LC_ERR_MODULE_DEF, "submodules are nested more than %d levels deep", LC__SUBMODULE_DEPTH_MAX);
  submodule->module = LC_ARENA_NEW(r->arena, lc__raw_module);
  r->depth++;
  LC_TRY(read_v10(r, submodule->module));
  r->depth--;
  return lc_ok();
}

/* ------------------------------------------------------------------------------------------------ V10 sections */

static lc_err section_typespace(reader *r, lc__raw_module *m) {
  return read_typespace(r, &m->typespace);
}
static lc_err section_policy(reader *r, lc__raw_module *m) {
  uint8_t policy;
  LC_TRY(read_tag(r, "CaseConversionPolicy", 2, &policy));
  m->snake_case = policy == 1;
  return lc_ok();
}

#define LIST_SECTION(name, least, read_one)                    \
  static lc_err section_##name(reader *r, lc__raw_module *m) { \
    READ_LIST(r, m->name, m->name##_count, least, read_one);   \
    return lc_ok();                                            \
  }
LIST_SECTION(types, 13, read_type_def)
LIST_SECTION(tables, 31, read_v10_table)
LIST_SECTION(reducers, 11, read_v10_reducer)
LIST_SECTION(procedures, 10, read_v10_procedure)
LIST_SECTION(views, 15, read_view)
LIST_SECTION(schedules, 11, read_v10_schedule)
LIST_SECTION(lifecycles, 5, read_v10_lifecycle)
LIST_SECTION(row_rules, 4, read_str)
LIST_SECTION(explicit_names, 9, read_explicit_name)
LIST_SECTION(handlers, 4, read_str)
LIST_SECTION(routes, 9, read_route)
LIST_SECTION(view_keys, 8, read_view_key)
LIST_SECTION(submodules, 8, read_submodule)
LIST_SECTION(environment, 6, read_environment)
LIST_SECTION(outboxes, 47, read_outbox)
#undef LIST_SECTION

/* By tag. */
static lc_err (*const sections[])(reader *, lc__raw_module *) = {
    section_typespace, section_types,      section_tables,     section_reducers,    section_procedures,     section_views,
    section_schedules, section_lifecycles, section_row_rules,  section_policy,      section_explicit_names, section_handlers,
    section_routes,    section_view_keys,  section_submodules, section_environment, section_outboxes,
};
enum { SECTIONS = sizeof sections / sizeof sections[0] };

static lc_err read_v10(reader *r, lc__raw_module *module) {
  uint32_t count;
  module->version = 10;
  module->snake_case = true;
  LC_TRY(read_count(r, 2, &count));
  for (uint32_t i = 0; i < count; i++) {
    uint8_t tag;
    LC_TRY(read_tag(r, "RawModuleDefV10Section", SECTIONS, &tag));
    /* Of several sections of one kind the first counts; the others are decoded all the same. */
    bool repeated = module->present & 1u << tag;
    lc__raw_module ignored = {0};
    LC_TRY(sections[tag](r, repeated ? &ignored : module));
    module->present |= 1u << tag;
  }
  return lc_ok();
}

lc_err lc__raw_module_decode(lc_arena *arena, lc_span bytes, lc__raw_module **module) {
  reader r = {arena, lc_cursor_of(bytes), 0};
  uint8_t version;
  *module = LC_ARENA_NEW(arena, lc__raw_module);
  LC_TRY(read_tag(&r, "RawModuleDef", 3, &version));
  switch (version) {
    case 0:
      return lc_fail(LC_ERR_MODULE_DEF,
                     "the module describes itself in definition version 8, which crates before 1.0 wrote; "
                     "build it with crate `spacetimedb` 1.6 to 1.12 or 2.x");
    case 1:
      return read_v9(&r, *module);
    default:
      return read_v10(&r, *module);
  }
}
