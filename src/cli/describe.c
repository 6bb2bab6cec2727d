/* `lightcone describe`: the schema for people, or as the server's JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/definition.h"

const lc_option lc_options_describe[] = {
    LC_OPTION_SERVER,    {"json", NULL, 0, LC_OPTION_FLAG, NULL, "the definition as JSON"},
    LC_OPTION_ANONYMOUS, LC_OPTION_YES,
    LC_OPTION_NO_CONFIG, LC_OPTION_END,
};

/* ---- JSON ---- */

/* The entry of a section whose source_name is `name`; NULL: none. */
static json_t *find_entry(json_t *definition, const char *section_name, const char *name) {
  size_t index, entry_index;
  json_t *section, *entry;
  json_array_foreach(json_object_get(definition, "sections"), index, section)
      json_array_foreach(json_object_get(section, section_name), entry_index, entry) {
    const char *entry_name = json_string_value(json_object_get(entry, "source_name"));
    if (entry_name && strcmp(entry_name, name) == 0) return entry;
  }
  return NULL;
}

static lc_err print_json(lc_cli *cli, const lc_remote *remote, const char *identity, const char *kind, const char *name) {
  json_t *definition;
  LC_TRY(
      lc_remote_json(cli, remote, "GET", (lc_span){0}, NULL, &definition, "getting the schema", "database/%s/schema?version=10", identity));
  json_t *what = kind ? find_entry(definition, strcmp(kind, "table") == 0 ? "Tables" : "Reducers", name) : definition;
  lc_err err = what ? lc_ok() : lc_fail(LC_ERR_NOT_FOUND, "the database has no %s called %s", kind, name);
  if (what) json_dumpf(what, stdout, JSON_INDENT(2)), putchar('\n');
  json_decref(definition);
  return err;
}

/* ---- text ---- */

static void put_columns(lc_buf *to, const lc_module_def *def, const lc_table_def *table) {
  size_t name_width = 0, type_width = 0;
  lc_buf *types = calloc(table->column_count + 1u, sizeof *types);
  lc_assert(types != NULL);
  for (uint16_t c = 0; c < table->column_count; c++) {
    lc_definition_put_type(&types[c], def, table->columns[c].type);
    if (table->columns[c].name.len > name_width) name_width = table->columns[c].name.len;
    if (types[c].len > type_width) type_width = types[c].len;
  }
  for (uint16_t c = 0; c < table->column_count; c++) {
    lc_buf traits = {0};
    if (table->primary_key == c) lc_buf_put_text(&traits, ", primary key");
    for (uint32_t s = 0; s < table->sequence_count; s++)
      if (table->sequences[s].column == c) lc_buf_put_text(&traits, ", auto-increment");
    for (uint32_t u = 0; u < table->constraint_count; u++)
      if (table->primary_key != c && table->constraints[u].column_count == 1 && table->constraints[u].columns[0] == c)
        lc_buf_put_text(&traits, ", unique");
    if (traits.len)
      lc_buf_printf(to, "      %-*.*s  %-*.*s  %s\n", (int)name_width, LC_STR_ARGS(table->columns[c].name), (int)type_width,
                    LC_STR_ARGS(lc_buf_str(&types[c])), lc_buf_cstr(&traits) + 2);
    else
      lc_buf_printf(to, "      %-*.*s  %.*s\n", (int)name_width, LC_STR_ARGS(table->columns[c].name), LC_STR_ARGS(lc_buf_str(&types[c])));
    lc_buf_deinit(&traits);
    lc_buf_deinit(&types[c]);
  }
  free(types);
}

static void put_table(lc_buf *to, const lc_module_def *def, const lc_table_def *table) {
  static const char *const kinds[] = {[LC_INDEX_BTREE] = "btree", [LC_INDEX_HASH] = "hash", [LC_INDEX_DIRECT] = "direct"};
  lc_buf_printf(to, "  %.*s (%s%s)\n    Columns:\n", LC_STR_ARGS(table->name), table->is_public ? "public" : "private",
                table->is_event ? ", event" : "");
  put_columns(to, def, table);
  if (table->index_count) lc_buf_put_text(to, "    Indexes:\n");
  for (uint32_t i = 0; i < table->index_count; i++) {
    lc_buf_printf(to, "      %.*s  %s (", LC_STR_ARGS(table->indexes[i].name), kinds[table->indexes[i].kind]);
    for (uint16_t c = 0; c < table->indexes[i].column_count; c++)
      lc_buf_printf(to, "%s%.*s", c ? ", " : "", LC_STR_ARGS(table->columns[table->indexes[i].columns[c]].name));
    lc_buf_put_text(to, ")\n");
  }
  if (table->schedule)
    lc_buf_printf(to, "    Schedule: calls %s %.*s\n", table->schedule->is_procedure ? "procedure" : "reducer",
                  LC_STR_ARGS(table->schedule->function_name));
}

static void put_signature(lc_buf *to, const lc_module_def *def, lc_str name, const lc_type *params) {
  lc_buf_printf(to, "  %.*s(", LC_STR_ARGS(name));
  for (uint32_t i = 0; i < params->field_count; i++) {
    lc_buf_printf(to, "%s%.*s: ", i ? ", " : "", LC_STR_ARGS(params->fields[i].name));
    lc_definition_put_type(to, def, params->fields[i].type);
  }
  lc_buf_put8(to, ')');
}

static void put_reducer(lc_buf *to, const lc_module_def *def, const lc_reducer_def *reducer) {
  static const char *const events[] = {"init", "client connected", "client disconnected"};
  put_signature(to, def, reducer->name, reducer->params);
  if (reducer->lifecycle != LC_LIFECYCLE_NONE)
    lc_buf_printf(to, "  [lifecycle: %s]", events[reducer->lifecycle]);
  else if (!reducer->client_callable)
    lc_buf_put_text(to, "  [private]");
  lc_buf_put8(to, '\n');
}

static void put_heading(lc_buf *to, const char *heading, bool any) {
  if (any) lc_buf_printf(to, "%s%s\n", to->len ? "\n" : "", heading);
}

/* Named types, apart from those of rows, whose columns are listed with their tables. */
static void put_types(lc_buf *to, const lc_module_def *def) {
  bool any = false;
  for (uint32_t i = 0; i < def->type_count; i++) {
    const lc_type *type = def->typespace.types[def->types[i].ref];
    bool is_row = false;
    for (uint32_t t = 0; t < def->table_count; t++) is_row |= def->tables[t].type_ref == def->types[i].ref;
    if (is_row) continue;
    if (!any) put_heading(to, "Types", true);
    any = true;
    bool is_sum = type->kind == LC_TYPE_SUM;
    lc_buf_printf(to, "  %.*s = %s", LC_STR_ARGS(def->types[i].name), is_sum ? "" : "{ ");
    for (uint32_t f = 0; f < type->field_count; f++) {
      const lc_field *field = &type->fields[f];
      bool has_value = field->type->kind != LC_TYPE_PRODUCT || field->type->field_count;
      lc_buf_printf(to, "%s%.*s%s", f == 0 ? "" : is_sum ? " | " : ", ", LC_STR_ARGS(field->name), !is_sum ? ": " : has_value ? "(" : "");
      if (!is_sum || has_value) lc_definition_put_type(to, def, field->type);
      if (is_sum && has_value) lc_buf_put8(to, ')');
    }
    lc_buf_put_text(to, is_sum ? "\n" : " }\n");
  }
}

static void put_all(lc_buf *to, const lc_module_def *def) {
  put_heading(to, "Tables", def->table_count);
  for (uint32_t i = 0; i < def->table_count; i++) put_table(to, def, &def->tables[i]);
  put_heading(to, "Views", def->view_count);
  for (uint32_t i = 0; i < def->view_count; i++) {
    put_signature(to, def, def->views[i].name, def->views[i].params);
    lc_buf_put_text(to, " -> ");
    lc_definition_put_type(to, def, def->views[i].return_type);
    lc_buf_printf(to, "%s%s\n", def->views[i].is_public ? "  [public]" : "", def->views[i].is_anonymous ? "  [anonymous]" : "");
  }
  put_heading(to, "Reducers", def->reducer_count);
  for (uint32_t i = 0; i < def->reducer_count; i++) put_reducer(to, def, &def->reducers[i]);
  put_heading(to, "Procedures", def->procedure_count);
  for (uint32_t i = 0; i < def->procedure_count; i++) {
    put_signature(to, def, def->procedures[i].name, def->procedures[i].params);
    lc_buf_put_text(to, " -> ");
    lc_definition_put_type(to, def, def->procedures[i].return_type);
    lc_buf_put8(to, '\n');
  }
  put_types(to, def);
  put_heading(to, "Row-level security", def->row_rule_count);
  for (uint32_t i = 0; i < def->row_rule_count; i++) lc_buf_printf(to, "  %.*s\n", LC_STR_ARGS(def->row_rules[i].sql));
}

static lc_err put_one(lc_buf *to, const lc_module_def *def, const char *kind, const char *name) {
  uint64_t id;
  const lc_table_def *table = strcmp(kind, "table") == 0 ? lc_module_def_table(def, lc_str_of(name)) : NULL;
  if (table)
    put_table(to, def, table);
  else if (strcmp(kind, "reducer") == 0 && lc_map_get(&def->reducer_ids, lc_str_of(name), &id))
    put_reducer(to, def, &def->reducers[id]);
  else
    return lc_fail(LC_ERR_NOT_FOUND, "the database has no %s called %s", kind, name);
  return lc_ok();
}

lc_err lc_command_describe(lc_cli *cli, const lc_args *args) {
  lc_remote remote = {0};
  const char *name, *identity;
  size_t rest;
  LC_TRY(lc_remote_target(cli, args, 0, &remote, &name, &identity, &rest));
  const char *kind = lc_args_positional(args, rest), *entity = lc_args_positional(args, rest + 1);
  if (kind && (!entity || (strcmp(kind, "table") != 0 && strcmp(kind, "reducer") != 0)))
    return lc_fail(LC_ERR_USAGE, "describe DATABASE [table NAME | reducer NAME]");
  if (lc_args_has(args, "json")) return print_json(cli, &remote, identity, kind, entity);
  lc_module_def *def = NULL;
  lc_buf text = {0};
  lc_err err = lc_definition_from_server(cli, &remote, identity, &def);
  if (!lc_failed(err)) {
    if (kind)
      err = put_one(&text, def, kind, entity);
    else
      put_all(&text, def);
  }
  fwrite(text.data ? text.data : (const uint8_t *)"", 1, text.len, stdout);
  lc_buf_deinit(&text);
  if (def) lc_module_def_destroy(def);
  return err;
}
