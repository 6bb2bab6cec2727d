/*
 * Recorded updates, executed (tests/vectors/migrate: one line per pair of definitions with the rows
 * before and after): create the first definition's objects, fill them, plan and execute the second one, and compare tables, columns, rows,
 * indexes, constraints and sequences with what the recorded server had then. Refused updates must leave everything as it was (E3). Then the
 * machine goes down, and recovery must find the same.
 */
#include <jansson.h>

#include "fixture.h"
#include "io/sim/sim.h"
#include "sats/json.h"

/* Cases that do not apply here, and why. */
static const struct {
  const char *name, *why;
} left_out[] = {
    {"add auto-increment start above data", "options of sequences are refused at publish, as since 2.12"},
    {"change auto-increment start", "the same"},
};

typedef struct replay {
  fixture f;
  const char *name;
  lc_module_def *old, *new_def;
  lc__module module; /* all that the migration looks at: the definition */
} replay;

static lc_module_def *decode_definition(const replay *r, const char *hex) {
  size_t len = strlen(hex) / 2;
  uint8_t *bytes = malloc(len + 1);
  lc_module_def *def;
  lc_buf errors = {0};
  expect(lc_hex_decode(bytes, len, lc_str_of(hex)));
  lc_err err = lc_module_def_decode(lc_span_of(bytes, len), &def, &errors);
  if (lc_failed(err)) lc_test_fail("%s: %s %s", r->name, lc_err_text(err), lc_buf_cstr(&errors));
  lc_buf_deinit(&errors);
  free(bytes);
  return def;
}

static lc_table *table_of(const replay *r, const char *name) {
  return lc_store_table_by_name(lc_database_store(r->f.database), lc_str_of(name));
}

static void encode_row(const replay *r, const lc_table *table, json_t *row, lc_buf *to) {
  char *text = json_dumps(row, JSON_COMPACT);
  lc_err err = lc_value_parse_json(to, lc_table_def_of(table)->row, lc_str_of(text));
  if (lc_failed(err)) lc_test_fail("%s: %s: %s", r->name, text, lc_err_text(err));
  free(text);
}

static void fill(const replay *r, json_t *tables) {
  const char *name;
  json_t *content, *row;
  size_t i;
  json_object_foreach(tables, name, content) {
    lc_table *table = table_of(r, name);
    json_array_foreach(json_object_get(content, "rows"), i, row) {
      lc_buf bytes = {0};
      lc_insert_result result;
      encode_row(r, table, row, &bytes);
      expect_ok(lc_table_insert(table, lc_buf_span(&bytes), &result));
      lc_buf_deinit(&bytes);
    }
  }
}

static lc__cause some_cause(void) {
  return (lc__cause){.inputs = {.kind = LC_RECORD_PUBLISH}, .reducer_id = LC__NO_REDUCER};
}

static void create(replay *r, json_t *before) {
  lc__cause cause = some_cause();
  lc_table *table;
  expect_ok(lc__transaction_begin(r->f.database));
  for (uint32_t i = 0; i < r->old->table_count; i++)
    expect_ok(lc_store_create_table(lc_database_store(r->f.database), &r->old->tables[i], &table));
  for (uint32_t i = 0; i < r->old->view_count; i++) expect_ok(lc__catalogue_add_view(r->f.database, &r->old->views[i]));
  expect_ok(lc__catalogue_replace_rules(r->f.database, r->old));
  fill(r, before);
  expect_ok(lc__transaction_commit(r->f.database, &cause, true, NULL));
}

/* Plans and executes; true when it was applied. */
static bool update(replay *r) {
  lc__cause cause = some_cause();
  lc_migration plan = {0};
  lc_buf errors = {0};
  r->module.def = r->old;
  r->f.database->module = &r->module;
  lc_err err = lc_migration_plan(r->old, r->new_def, &plan, &errors);
  bool is_planned = !lc_failed(err);
  if (is_planned) {
    expect_ok(lc__transaction_begin(r->f.database));
    err = lc__migration_execute(r->f.database, &plan, r->new_def);
    if (lc_failed(err))
      lc__transaction_abort(r->f.database);
    else
      expect_ok(lc__transaction_commit(r->f.database, &cause, true, NULL));
  }
  r->f.database->module = NULL;
  lc_migration_deinit(&plan);
  lc_buf_deinit(&errors);
  return !lc_failed(err);
}

/* ---- comparing ---- */

static void compare_table(const replay *r, const char *name, json_t *expected) {
  lc_table *table = table_of(r, name);
  if (json_is_string(expected)) { /* no such table */
    if (table) lc_test_fail("%s: there is a table %s", r->name, name);
    return;
  }
  if (table == NULL) lc_test_fail("%s: there is no table %s", r->name, name);
  const lc_table_def *def = lc_table_def_of(table);
  json_t *columns = json_object_get(expected, "columns"), *rows = json_object_get(expected, "rows"), *row;
  size_t i;
  if (json_array_size(columns) != def->column_count) lc_test_fail("%s: %s has %u columns", r->name, name, def->column_count);
  for (i = 0; i < def->column_count; i++)
    if (!lc_str_is(def->columns[i].name, json_string_value(json_array_get(columns, i))))
      lc_test_fail("%s: column %.*s of %s", r->name, LC_STR_ARGS(def->columns[i].name), name);
  if (json_array_size(rows) != lc_table_row_count(table)) lc_test_fail("%s: %s has %d rows", r->name, name, (int)lc_table_row_count(table));
  json_array_foreach(rows, i, row) {
    lc_buf bytes = {0};
    lc_row found;
    encode_row(r, table, row, &bytes);
    if (!lc_table_find_equal(table, lc_buf_span(&bytes), &found)) lc_test_fail("%s: row %d of %s is missing", r->name, (int)i, name);
    lc_buf_deinit(&bytes);
  }
}

/* Names in a system table, against names in position `at` of the recorded rows; ids differ. Backing tables of views do not exist here. */
static void compare_names(const replay *r, uint32_t system_table, size_t name_offset, json_t *expected, size_t at) {
  lc_store *store = lc_database_store(r->f.database);
  lc_scan scan;
  lc_row row;
  size_t found = 0, wanted = 0, i;
  json_t *entry;
  lc_table_scan(lc_store_table(store, system_table), &scan);
  while (lc_scan_next(&scan, &row)) found += lc_load32(row.bytes) >= LC_ST_FIRST_USER;
  json_array_foreach(expected, i, entry) {
    const char *name = json_string_value(json_array_get(entry, at));
    if (strstr(name, "arg_hash")) continue;
    wanted++;
    bool is_there = false;
    lc_table_scan(lc_store_table(store, system_table), &scan);
    while (!is_there && lc_scan_next(&scan, &row))
      is_there = lc_str_is((lc_str){(const char *)row.bytes + name_offset + 4, lc_load32(row.bytes + name_offset)}, name);
    if (!is_there) lc_test_fail("%s: %s is missing", r->name, name);
  }
  if (found != wanted) lc_test_fail("%s: table %u has %zu rows, not %zu", r->name, system_table, found, wanted);
}

static void compare(const replay *r, json_t *expected) {
  static const char *const tables[] = {"item", "other", "timer", "extra"};
  for (size_t i = 0; i < 4; i++)
    if (json_object_get(expected, tables[i])) compare_table(r, tables[i], json_object_get(expected, tables[i]));
  compare_names(r, LC_ST_INDEX, 8, json_object_get(expected, "indexes"), 2);
  compare_names(r, LC_ST_CONSTRAINT, 4, json_object_get(expected, "constraints"), 1);
  compare_names(r, LC_ST_SEQUENCE, 4, json_object_get(expected, "sequences"), 1);
  compare_names(r, LC_ST_VIEW, 4, json_object_get(expected, "views"), 1);
  if (count_rows((fixture *)&r->f, "st_row_level_security") != json_array_size(json_object_get(expected, "rls")))
    lc_test_fail("%s: row rules", r->name);
  lc_err err = lc_store_check(lc_database_store(r->f.database));
  if (lc_failed(err)) lc_test_fail("%s: %s", r->name, lc_err_text(err));
}

static void replay_case(json_t *value) {
  replay r = {.f = {.now = START, .io = lc_sim_create(5)}, .name = json_string_value(json_object_get(value, "case"))};
  for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++)
    if (strcmp(left_out[i].name, r.name) == 0) return lc_io_close(r.f.io);
  json_t *before = json_object_get(value, "before"), *after = json_object_get(value, "after");
  fixture_reopen(&r.f);
  r.old = decode_definition(&r, json_string_value(json_object_get(value, "v1_hex")));
  r.new_def = decode_definition(&r, json_string_value(json_object_get(value, "v2_hex")));
  create(&r, before);
  compare(&r, before);
  bool is_applied = update(&r), is_recorded = json_integer_value(json_object_get(value, "status")) == 200;
  if (is_applied != is_recorded)
    lc_test_fail("%s: applied %d, recorded %d %s", r.name, is_applied, is_recorded, json_string_value(json_object_get(value, "text")));
  if (!json_is_object(after)) after = before;
  compare(&r, after);
  fixture_settle(&r.f);
  lc_database_abandon(r.f.database);
  lc_sim_crash(r.f.io);
  fixture_reopen(&r.f);
  compare(&r, after);
  lc_database_close(r.f.database);
  lc_io_close(r.f.io);
  lc_module_def_destroy(r.old);
  lc_module_def_destroy(r.new_def);
}

static void replay_file(const char *name) {
  char path[512];
  json_error_t error;
  snprintf(path, sizeof path, "%s/tests/vectors/migrate/%s", LC_SOURCE_DIR, name);
  FILE *file = fopen(path, "r");
  expect(file != NULL);
  json_t *value;
  size_t cases = 0;
  while ((value = json_loadf(file, JSON_DISABLE_EOF_CHECK, &error)) != NULL) {
    replay_case(value);
    json_decref(value);
    cases++;
  }
  fclose(file);
  expect_equal(cases, 48);
}

TEST(the_first_half_of_the_recorded_updates) {
  replay_file("executed-1.jsonl");
}
TEST(the_second_half_of_the_recorded_updates) {
  replay_file("executed-2.jsonl");
}
