/*
 * Statements recorded on the reference (tests/vectors/sql): the same tables and rows, the same statements; acceptance, schema, rows (as a
 * bag, order is not promised), counts and the tables afterwards must agree. The prose of errors is not compared.
 */
#include <math.h>

#include "recording.h"

static json_t *schema_json(const lc_sql_result *result) {
  lc_buf text = {0};
  lc_buf_put_text(&text, "{\"elements\":[");
  for (uint32_t c = 0; c < result->column_count; c++) {
    lc_buf_printf(&text, "%s{\"name\":{\"some\":", c ? "," : "");
    lc_json_put_string(&text, result->columns[c].name);
    lc_buf_put_text(&text, "},\"algebraic_type\":");
    lc_type_print_json(&text, result->columns[c].type);
    lc_buf_put8(&text, '}');
  }
  lc_buf_put_text(&text, "]}");
  json_t *schema = json_loads(lc_buf_cstr(&text), 0, NULL);
  if (schema == NULL) lc_test_fail("not JSON: %s", lc_buf_cstr(&text));
  lc_buf_deinit(&text);
  return schema;
}

/* The type of the result's rows. */
static const lc_type *row_type(lc_sql_result *result) {
  lc_field *fields = LC_ARENA_ARRAY(&result->arena, lc_field, result->column_count + 1);
  for (uint32_t i = 0; i < result->column_count; i++) fields[i] = (lc_field){result->columns[i].name, result->columns[i].type};
  return lc_type_product(&result->arena, fields, result->column_count);
}

/* With rules in force, the tables that have some: to be on the safe side, all. */
static bool rules_in_force;
static bool has_row_rules(void *engine, const lc_table *table) {
  return rules_in_force;
}

/* One statement in a transaction of its own. */
static lc_err run(const char *as, const char *sql, lc_sql_result *result) {
  lc_query_context context = context_of(as);
  context.has_row_rules = has_row_rules;
  lc_store_begin(store);
  lc_err err = lc_sql_run(&context, lc_str_of(sql), result);
  const lc_delta *delta;
  if (lc_failed(err))
    lc_store_abort(store);
  else
    lc_store_commit(store, &delta);
  return err;
}

static void check_table_after(json_t *entry, const char *sql, lc_buf *differences) {
  json_t *expected = json_object_get(entry, "table_after");
  if (expected == NULL) return;
  char table[64] = "", text[128];
  if (sscanf(sql, "INSERT INTO %63[A-Za-z_0-9\"]", table) != 1 && sscanf(sql, "UPDATE %63[A-Za-z_0-9\"]", table) != 1 &&
      sscanf(sql, "DELETE FROM %63[A-Za-z_0-9\"]", table) != 1)
    return;
  snprintf(text, sizeof text, "SELECT * FROM %s", table);
  lc_sql_result result;
  if (lc_failed(run("owner", text, &result))) return;
  compare_rows(differences, "table afterwards", expected, &result.rows, row_type(&result));
  lc_sql_result_deinit(&result);
}

static void check_statement(json_t *entry, lc_buf *differences) {
  lc_buf sql = {0};
  sql_of(entry, &sql);
  bool accepted = json_integer_value(json_object_get(entry, "status")) == 200;
  lc_sql_result result;
  lc_err err = run(text_of(entry, "as"), lc_buf_cstr(&sql), &result);
  if (accepted == lc_failed(err)) note_acceptance(differences, "acceptance", json_object_get(entry, "error"), err);
  if (accepted && !lc_failed(err)) {
    json_t *schema = schema_json(&result);
    json_t *stats = json_pack("{s:I,s:I,s:I}", "rows_inserted", (json_int_t)result.rows_inserted, "rows_deleted",
                              (json_int_t)result.rows_deleted, "rows_updated", (json_int_t)result.rows_updated);
    compare_rows(differences, "rows", json_object_get(entry, "rows"), &result.rows, row_type(&result));
    if (!json_equal(json_object_get(entry, "schema"), schema))
      note_difference(differences, "schema", json_object_get(entry, "schema"), schema);
    if (!json_equal(json_object_get(entry, "stats"), stats)) note_difference(differences, "stats", json_object_get(entry, "stats"), stats);
    json_decref(schema);
    json_decref(stats);
  }
  if (!lc_failed(err)) lc_sql_result_deinit(&result);
  check_table_after(entry, lc_buf_cstr(&sql), differences);
  lc_buf_deinit(&sql);
}

TEST(recorded_queries_give_the_recorded_answers) {
  set_up();
  expect(replay("oneoff.jsonl", check_statement) > 450);
}

TEST(recorded_writes_leave_the_recorded_tables) {
  set_up();
  expect(replay("dml.jsonl", check_statement) > 100);
}

/* ---- row rules ---- */

/* A row of `player` as the recorder added it for each of the two identities. */
static void insert_player(uint32_t id, const char *identity) {
  lc_identity caller;
  lc_buf row = {0}, hex = {0};
  char name[8];
  expect(lc_u256_from_hex(&caller, lc_str_of(identity)));
  int len = snprintf(name, sizeof name, "me%u", id);
  lc_buf_put32(&row, id);
  lc_buf_put_sized(&row, name, (size_t)len);
  lc_buf_put32(&row, 7);
  lc_buf_put32(&row, 10);
  lc_buf_put8(&row, 1);
  lc_buf_put64(&row, 5);
  lc_buf_append(&row, &caller, sizeof caller);
  lc_hex((char *)lc_buf_extend(&hex, 2 * row.len + 1), row.data, row.len);
  insert_hex("player", (const char *)hex.data);
  lc_buf_deinit(&row);
  lc_buf_deinit(&hex);
}

/* A line with rules starts a database of its own, and says whether it could be published, which is not tested here; the lines behind it
 * are queries on it. Rules do not bind the owner, and until they are evaluated nobody else may read (L10). */
static void check_rule_line(json_t *entry, lc_buf *differences) {
  if (json_object_get(entry, "rules") == NULL) {
    check_statement(entry, differences);
    return;
  }
  if (store) lc_store_destroy(store);
  set_up();
  rules_in_force = true;
  lc_store_begin(store);
  insert_player(11, owner_hex);
  insert_player(12, other_hex);
  const lc_delta *delta;
  lc_store_commit(store, &delta);
}

TEST(L10_row_rules_bind_everyone_but_the_owner) {
  expect(replay("rls.jsonl", check_rule_line) > 60);
}

/* ---- decimal text as floats ---- */

/* Runs `format` with the literal in place of its %s; says whether it was accepted, and for a SELECT of one float which it was. */
static lc_err run_literal(const char *format, const char *literal, lc_span *first, uint8_t bytes[static 8]) {
  char sql[512];
  lc_buf text = {0};
  lc_buf_put_text(&text, format);
  replace_all(&text, "%s", literal);
  snprintf(sql, sizeof sql, "%s", lc_buf_cstr(&text));
  lc_buf_deinit(&text);
  lc_sql_result result;
  LC_TRY(run("owner", sql, &result));
  *first = (lc_span){0};
  if (result.rows.count) {
    lc_span row = lc_row_list_get(&result.rows, 0);
    expect(row.len <= 8);
    memcpy(bytes, row.ptr, row.len);
    *first = lc_span_of(bytes, row.len);
  }
  lc_sql_result_deinit(&result);
  return lc_ok();
}

/* What was read back, as it was recorded: null for infinities. */
static json_t *float_json(lc_span value) {
  double number = 0;
  float narrow = 0;
  if (value.len == 4) {
    memcpy(&narrow, value.ptr, 4);
    number = narrow;
  } else {
    expect_equal(value.len, 8);
    memcpy(&number, value.ptr, 8);
  }
  lc_buf text = {0};
  const uint8_t *at = value.ptr;
  lc_value_print_json(&text, lc_type_primitive(value.len == 4 ? LC_TYPE_F32 : LC_TYPE_F64), &at, LC_JSON_POSITIONAL);
  json_t *json = isfinite(number) ? json_pack("[[f]]", strtod(lc_buf_cstr(&text), NULL)) : json_pack("[[n]]");
  lc_buf_deinit(&text);
  return json;
}

static void compare_float(lc_buf *differences, const char *what, json_t *expected, lc_span value) {
  json_t *actual = float_json(value);
  if (!json_equal(expected, actual)) note_difference(differences, what, expected, actual);
  json_decref(actual);
}

static void check_float(json_t *entry, lc_buf *differences) {
  const char *literal = text_of(entry, "literal");
  bool inserted = json_is_integer(json_object_get(entry, "insert F64"));
  uint8_t bytes[8];
  lc_span value;
  expect_ok(run_literal("DELETE FROM f_key WHERE n = 4000", literal, &value, bytes));
  lc_err err = run_literal("INSERT INTO f_key (k, n) VALUES (%s, 4000)", literal, &value, bytes);
  if (lc_failed(err) == inserted) note_acceptance(differences, "insert", json_object_get(entry, "insert F64"), err);
  if (!lc_failed(err)) {
    expect_ok(run_literal("SELECT k FROM f_key WHERE n = 4000", literal, &value, bytes));
    compare_float(differences, "F64 read back", json_object_get(entry, "F64 read back"), value);
    /* Whatever the reference made of it, ours is the nearest double, as another language read it. */
    double nearest = strtod(text_of(entry, "nearest double"), NULL), stored;
    memcpy(&stored, bytes, 8);
    if (stored != nearest) lc_test_fail("%s became %.17g, the nearest double is %.17g", literal, stored, nearest);
    expect_ok(run_literal("SELECT n FROM f_key WHERE k = %s", literal, &value, bytes));
    expect_equal(value.len, 4);
    expect_equal(lc_load32(value.ptr), 4000);
  }
  expect_ok(run_literal("UPDATE vals SET f = %s WHERE id = 1", literal, &value, bytes));
  expect_ok(run_literal("SELECT f FROM vals WHERE id = 1", literal, &value, bytes));
  compare_float(differences, "F32 read back", json_object_get(entry, "F32 read back"), value);
}

TEST(decimal_text_becomes_the_recorded_float) {
  set_up();
  expect(replay("float-literals.jsonl", check_float) > 20);
}

/* ---- keywords as names ---- */

/* A store with one table: `name`, with the columns `id` (unique, indexed) and `name`. */
static lc_store *store_with_table(lc_arena *arena, const char *name) {
  lc_field *fields = LC_ARENA_ARRAY(arena, lc_field, 2);
  fields[0] = (lc_field){LC_STR("id"), lc_type_primitive(LC_TYPE_U32)};
  fields[1] = (lc_field){lc_str_of(name), lc_type_primitive(LC_TYPE_U32)};
  lc_type *row = lc_type_product(arena, fields, 2);
  lc_typespace space = {.types = &row, .count = 1};
  expect_ok(lc_typespace_link(&space));
  static uint16_t first[] = {0};
  lc_column_def columns[] = {{fields[0].name, fields[0].name, fields[0].type, {0}}, {fields[1].name, fields[1].name, fields[1].type, {0}}};
  lc_index_def index = {.name = LC_STR("ix"), .source_name = LC_STR("ix"), .kind = LC_INDEX_BTREE, .columns = first, .column_count = 1};
  lc_constraint_def unique = {.name = LC_STR("unique"), .columns = first, .column_count = 1};
  lc_table_def def = {.name = lc_str_of(name),
                      .source_name = lc_str_of(name),
                      .row = row,
                      .layout = lc_layout_create(arena, row),
                      .columns = columns,
                      .column_count = 2,
                      .primary_key = 0,
                      .indexes = &index,
                      .index_count = 1,
                      .constraints = &unique,
                      .constraint_count = 1,
                      .is_public = true};
  lc_store *made = lc_store_create();
  lc_table *table;
  lc_store_begin(made);
  expect_ok(lc_store_create_table(made, &def, &table));
  const lc_delta *delta;
  lc_store_commit(made, &delta);
  return made;
}

/* The key in the recording and the statement; @ stands for the name. `star form` is missing: the engine expands it (with quoted names). */
static const struct {
  const char *key, *sql;
} name_uses[] = {
    {"select * from", "SELECT * FROM @"},
    {"quoted", "SELECT * FROM \"@\""},
    {"column item", "SELECT @ FROM \"@\""},
    {"column in where", "SELECT * FROM \"@\" WHERE @ = 1"},
    {"quoted column in where", "SELECT * FROM \"@\" WHERE \"@\" = 1"},
    {"qualified", "SELECT * FROM @ WHERE @.id = 1"},
    {"alias without AS", "SELECT * FROM \"@\" @"},
    {"alias with AS", "SELECT * FROM \"@\" AS @"},
    {"insert", "INSERT INTO @ (id, @) VALUES (1, 2)"},
    {"update", "UPDATE @ SET @ = 3"},
    {"delete", "DELETE FROM @ WHERE id = 1"},
};

static void check_name(json_t *entry, lc_buf *differences) {
  lc_arena arena = {0};
  store = store_with_table(&arena, text_of(entry, "name"));
  for (size_t i = 0; i < sizeof name_uses / sizeof *name_uses; i++) {
    lc_buf sql = {0};
    lc_buf_put_text(&sql, name_uses[i].sql);
    replace_all(&sql, "@", text_of(entry, "name"));
    lc_sql_result result;
    lc_err err = run("owner", lc_buf_cstr(&sql), &result);
    json_t *expected = json_object_get(entry, name_uses[i].key);
    if (lc_failed(err) == (strcmp(json_string_value(expected), "ok") == 0)) note_acceptance(differences, lc_buf_cstr(&sql), expected, err);
    if (!lc_failed(err)) lc_sql_result_deinit(&result);
    lc_buf_deinit(&sql);
  }
  lc_store_destroy(store);
  lc_arena_deinit(&arena);
}

TEST(keywords_are_names_where_they_were_recorded_to_be) {
  expect(replay("table-names.jsonl", check_name) > 30);
}
