/*
 * The catalogue: bootstrap rows against those recorded of the reference (tests/vectors/store/bootstrap.txt), tables created, changed and
 * dropped with undo, and built again from the rows of the system tables alone.
 */
#include "store/support.h"

static void expect_same_stores(lc_store *a, lc_store *b) {
  lc_buf x = {0}, y = {0};
  dump_store(a, &x);
  dump_store(b, &y);
  expect_bytes(y.data, y.len, x.data, x.len);
  lc_buf_deinit(&x);
  lc_buf_deinit(&y);
}

static uint64_t rows_with_system_ids(lc_store *store) {
  uint64_t count = 0;
  static const uint32_t described[] = {LC_ST_TABLE, LC_ST_COLUMN, LC_ST_SEQUENCE, LC_ST_INDEX, LC_ST_CONSTRAINT};
  for (size_t i = 0; i < sizeof described / sizeof *described; i++) count += lc_table_row_count(lc_store_table(store, described[i]));
  return count;
}

TEST(bootstrap_rows_are_those_of_the_reference) {
  lc_store *store = lc_store_create();
  FILE *file = fopen(LC_SOURCE_DIR "/tests/vectors/store/bootstrap.txt", "r");
  expect(file != NULL);
  char line[4096], table[64], hex[4000];
  uint32_t checked = 0;
  while (fgets(line, sizeof line, file)) {
    if (line[0] == '#' || sscanf(line, "%63s %3999s", table, hex) != 2) continue;
    uint8_t row[2000];
    expect(lc_hex_decode(row, strlen(hex) / 2, lc_str_of(hex)));
    lc_row found;
    lc_table *in = lc_store_table_by_name(store, lc_str_of(table));
    expect(in != NULL);
    if (!lc_table_find_equal(in, lc_span_of(row, strlen(hex) / 2), &found)) lc_test_fail("%s misses %s", table, hex);
    checked++;
  }
  fclose(file);
  expect_equal(checked, 20 + 74 + 7 + 29 + 25);
  /* What is there besides belongs to the tables 21 to 26, of 2.11 and 2.12: 6 tables, 28 columns, a sequence, 8 indexes, 8 constraints. */
  expect_equal(rows_with_system_ids(store), checked + 6 + 28 + 1 + 8 + 8);
  expect_equal(lc_table_def_of(lc_store_table(store, LC_ST_OUTBOUND_MSG))->column_count, 7);
  expect(!lc_table_def_of(lc_store_table(store, LC_ST_ENV))->is_public);
  expect_equal(lc_index_id(lc_store_index_by_name(store, LC_STR("st_env_key_idx_btree"))), 30);
  expect_equal(lc_index_id(lc_store_index_by_name(store, LC_STR("st_outbound_msg_stream_id_msg_id_idx_btree"))), 36);
  expect_equal(lc_index_id(lc_store_index_by_name(store, LC_STR("st_outbox_table_id_idx_btree"))), 37);
  expect_ok(lc_store_check(store));
  lc_store_destroy(store);
}

static void define_item(test_def *t) {
  def_begin(t, "item");
  def_column(t, "id", type_u64());
  def_column(t, "name", type_string());
  def_column(t, "size", type_u32());
  def_index(t, LC_INDEX_BTREE, "0", true);
  def_index(t, LC_INDEX_HASH, "1", false);
  def_sequence(t, 0);
  t->def.primary_key = 0;
  t->def.source_name = LC_STR("Item");
  t->def.indexes[1].source_name = LC_STR("byName");
}

static void insert_item(lc_table *table, uint64_t id, const char *name, uint32_t size) {
  lc_buf row = {0};
  lc_buf_put64(&row, id);
  lc_buf_put_sized(&row, name, strlen(name));
  lc_buf_put32(&row, size);
  expect_ok(lc_table_insert(table, lc_buf_span(&row), NULL));
  lc_buf_deinit(&row);
}

TEST(the_first_user_objects_have_id_4096_and_both_names) {
  lc_store *store = lc_store_create();
  test_def t;
  define_item(&t);
  lc_table *table = def_create(&t, store);
  expect_equal(lc_table_id(table), 4096);
  expect_equal(lc_index_id(lc_table_index(table, 0)), 4096);
  expect_equal(lc_index_id(lc_table_index(table, 1)), 4097);
  expect(lc_store_table_by_name(store, LC_STR("item")) == table);
  expect(lc_store_table_by_name(store, LC_STR("Item")) == table);
  expect_null(lc_store_table_by_name(store, LC_STR("ITEM")));
  expect(lc_store_index_by_name(store, LC_STR("byName")) == lc_table_index(table, 1));
  expect(lc_store_index_by_name(store, LC_STR("item_name_idx_hash")) == lc_table_index(table, 1));
  expect(lc_store_index(store, 4097) == lc_table_index(table, 1));
  expect_ok(lc_store_check(store));
  lc_arena_deinit(&t.arena);
  lc_store_destroy(store);
}

TEST(a_table_created_or_dropped_in_an_aborted_transaction_leaves_no_trace) {
  lc_store *store = lc_store_create(), *fresh = lc_store_create();
  test_def t;
  define_item(&t);
  lc_store_begin(store);
  lc_table *table;
  expect_ok(lc_store_create_table(store, &t.def, &table));
  insert_item(table, 0, "a", 1);
  lc_store_abort(store);
  expect_same_stores(store, fresh);
  expect_null(lc_store_table_by_name(store, LC_STR("item")));
  expect_null(lc_store_index(store, 4096));
  table = def_create(&t, store);
  expect_equal(lc_table_id(table), 4096); /* given back */
  lc_store_begin(store);
  insert_item(table, 0, "a", 1);
  insert_item(table, 0, "b", 2);
  commit_to(store, NULL);
  lc_buf before = {0}, after = {0};
  dump_store(store, &before);
  lc_store_begin(store);
  insert_item(table, 0, "c", 3);
  lc_store_drop_table(store, table);
  expect_null(lc_store_table(store, 4096));
  lc_store_abort(store);
  dump_store(store, &after);
  expect_bytes(after.data, after.len, before.data, before.len);
  expect(lc_store_table(store, 4096) == table);
  expect_ok(lc_store_check(store));
  lc_store_begin(store);
  lc_store_drop_table(store, table);
  const lc_delta *delta;
  lc_store_commit(store, &delta);
  const lc_table_delta *last = &delta->tables[delta->table_count - 1];
  expect(last->dropped && last->truncated);
  expect_equal(last->delete_count, 2);
  lc_store_release(store);
  expect_ok(lc_store_check(store));
  expect_equal(lc_table_id(def_create(&t, store)), 4097); /* ids are never used twice */
  lc_buf_deinit(&before);
  lc_buf_deinit(&after);
  lc_arena_deinit(&t.arena);
  lc_store_destroy(store);
  lc_store_destroy(fresh);
}

TEST(columns_of_the_same_name_are_refused_with_the_recorded_text) {
  lc_store *store = lc_store_create(), *fresh = lc_store_create();
  test_def t;
  def_begin(&t, "t");
  def_column(&t, "id", type_u32());
  def_column(&t, "a_b", type_u8());
  def_column(&t, "a_b", type_u8());
  t.def.columns[1].source_name = LC_STR("aB");
  lc_store_begin(store);
  lc_err err = lc_store_create_table(store, &t.def, NULL);
  expect_error(err, LC_ERR_UNIQUE);
  expect_text(lc_err_text(err),
              "Unique constraint violation 'st_column_accessor_table_name_col_name_idx_btree' in table 'st_column_accessor': "
              "column(s): '[\"table_name\", \"col_name\"]' value: (0 = \"t\", 1 = \"a_b\")");
  lc_store_abort(store);
  expect_same_stores(store, fresh);
  lc_arena_deinit(&t.arena);
  lc_store_destroy(store);
  lc_store_destroy(fresh);
}

TEST(a_recursive_column_type_is_refused) {
  lc_store *store = lc_store_create();
  test_def t;
  def_begin(&t, "tree");
  lc_field fields[1] = {{LC_STR("children"), NULL}};
  lc_type *ref = lc_type_ref(&t.arena, 0);
  fields[0].type = lc_type_array(&t.arena, ref);
  lc_type *node = lc_type_product(&t.arena, fields, 1);
  lc_type *types[] = {node};
  lc_typespace space = {types, 1};
  expect_ok(lc_typespace_link(&space));
  def_column(&t, "root", node);
  lc_store_begin(store);
  expect_error(lc_store_create_table(store, &t.def, NULL), LC_ERR_NOT_SUPPORTED);
  lc_store_abort(store);
  lc_arena_deinit(&t.arena);
  lc_store_destroy(store);
}

/* One change of the item table, tried three ways: aborted, committed, and applied to a mirror from its delta. */
typedef lc_err (*change)(lc_store *store, lc_table *table);
static lc_str names_idx = {"item_size_idx_btree", 19};
static uint16_t size_column = 2;

static lc_err add_index(lc_store *store, lc_table *table) {
  return lc_table_add_index(
      table,
      &(lc_index_def){.name = names_idx, .source_name = names_idx, .kind = LC_INDEX_BTREE, .columns = &size_column, .column_count = 1});
}
static lc_err remove_index(lc_store *store, lc_table *table) {
  return lc_table_remove_index(table, LC_STR("item_name_idx_hash"));
}
static lc_err remove_unique(lc_store *store, lc_table *table) {
  return lc_table_remove_constraint(table, LC_STR("item_id_key"));
}
static lc_err add_unique(lc_store *store, lc_table *table) {
  lc_err err = add_index(store, table);
  return lc_failed(err) ? err : lc_table_add_constraint(table, &(lc_constraint_def){LC_STR("item_size_key"), &size_column, 1});
}
static lc_err remove_sequence(lc_store *store, lc_table *table) {
  return lc_table_remove_sequence(table, LC_STR("item_id_seq"));
}
static lc_err add_sequence(lc_store *store, lc_table *table) {
  return lc_table_add_sequence(
      table, &(lc_sequence_def){
                 .name = LC_STR("item_size_seq"), .column = 2, .start = 1, .min_value = 1, .max_value = TEST_I128_MAX, .increment = 1});
}
static lc_err make_private(lc_store *store, lc_table *table) {
  return lc_table_set_access(table, false);
}
static lc_err no_primary_key(lc_store *store, lc_table *table) {
  return lc_table_set_primary_key(table, -1);
}
static lc_err new_aliases(lc_store *store, lc_table *table) {
  test_def t;
  define_item(&t);
  t.def.source_name = LC_STR("Renamed");
  t.def.columns[1].source_name = LC_STR("Title");
  t.def.indexes[1].source_name = LC_STR("byTitle");
  lc_err err = lc_table_set_columns(table, &t.def);
  expect_null(lc_store_table_by_name(store, LC_STR("Item")));
  expect(lc_store_table_by_name(store, LC_STR("Renamed")) == table);
  expect(lc_store_index_by_name(store, LC_STR("byTitle")) != NULL);
  lc_arena_deinit(&t.arena);
  return err;
}
static lc_err several(lc_store *store, lc_table *table) {
  lc_err err = add_index(store, table);
  if (!lc_failed(err)) insert_item(table, 0, "in between", 77);
  if (!lc_failed(err)) err = remove_index(store, table);
  if (!lc_failed(err)) err = make_private(store, table);
  if (!lc_failed(err)) lc_table_clear(table);
  if (!lc_failed(err)) insert_item(table, 0, "after", 78);
  return err;
}
static lc_err rebuild(lc_store *store, lc_table *table) {
  test_def t;
  define_item(&t);
  def_column(&t, "extra", type_string());
  t.def.columns[3].default_value = lc_span_of("\3\0\0\0new", 7);
  lc_table *rebuilt = NULL;
  lc_err err = lc_store_rebuild_table(store, table, &t.def, &rebuilt);
  if (!lc_failed(err)) {
    expect_equal(lc_table_id(rebuilt), 4097);
    expect_equal(lc_table_row_count(rebuilt), 3);
    lc_insert_result result;
    lc_buf row = {0};
    lc_buf_append(&row, "\0\0\0\0\0\0\0\0\1\0\0\0z\0\0\0\0\0\0\0\0", 21);
    expect_ok(lc_table_insert(rebuilt, lc_buf_span(&row), &result));
    expect_equal(lc_load64(result.generated.ptr), 4); /* the sequence goes on */
    lc_buf_deinit(&row);
  }
  lc_arena_deinit(&t.arena);
  return err;
}

static void try_change(change apply) {
  lc_store *store = lc_store_create(), *mirror = lc_store_create();
  test_def t;
  define_item(&t);
  lc_table *table;
  lc_store_begin(store);
  expect_ok(lc_store_create_table(store, &t.def, &table));
  for (uint32_t i = 0; i < 3; i++) insert_item(table, 0, "x", 10 + i);
  commit_to(store, mirror);
  lc_buf before = {0}, after = {0};
  dump_store(store, &before);
  lc_store_begin(store);
  expect_ok(apply(store, table));
  lc_store_abort(store);
  dump_store(store, &after);
  expect_bytes(after.data, after.len, before.data, before.len);
  expect_ok(lc_store_check(store));
  lc_store_begin(store);
  expect_ok(apply(store, table));
  commit_to(store, mirror);
  expect_ok(lc_store_check(store));
  expect_ok(lc_store_recovered(mirror));
  expect_ok(lc_store_check(mirror));
  expect_same_stores(store, mirror);
  lc_buf_deinit(&before);
  lc_buf_deinit(&after);
  lc_arena_deinit(&t.arena);
  lc_store_destroy(store);
  lc_store_destroy(mirror);
}

TEST(adding_an_index) {
  try_change(add_index);
}
TEST(removing_an_index) {
  try_change(remove_index);
}
TEST(removing_a_constraint) {
  try_change(remove_unique);
}
TEST(adding_a_constraint) {
  try_change(add_unique);
}
TEST(removing_a_sequence) {
  try_change(remove_sequence);
}
TEST(adding_a_sequence) {
  try_change(add_sequence);
}
TEST(changing_access) {
  try_change(make_private);
}
TEST(dropping_the_primary_key) {
  try_change(no_primary_key);
}
TEST(changing_aliases) {
  try_change(new_aliases);
}
TEST(several_changes_with_rows_between) {
  try_change(several);
}
TEST(rebuilding_with_a_new_column) {
  try_change(rebuild);
}

TEST(a_constraint_that_rows_violate_is_refused_and_nothing_changes) {
  lc_store *store = lc_store_create();
  test_def t;
  define_item(&t);
  lc_table *table = def_create(&t, store);
  lc_store_begin(store);
  insert_item(table, 0, "a", 5);
  insert_item(table, 0, "b", 5);
  expect_ok(add_index(store, table));
  commit_to(store, NULL);
  lc_store_begin(store);
  lc_err err = lc_table_add_constraint(table, &(lc_constraint_def){LC_STR("item_size_key"), &size_column, 1});
  expect_error(err, LC_ERR_UNIQUE);
  expect_text(lc_err_text(err), "Unique constraint violation 'item_size_idx_btree' in table 'item': column(s): '[\"size\"]' value: 5");
  expect(!lc_store_has_changes(store));
  lc_store_abort(store);
  expect_ok(lc_store_check(store));
  lc_arena_deinit(&t.arena);
  lc_store_destroy(store);
}

/* A sum of fixed size that gains a variant of another size: stored rows stay valid, but no longer have one length. */
TEST(appending_a_variant_changes_how_rows_are_stored) {
  lc_store *store = lc_store_create(), *mirror = lc_store_create();
  test_def t;
  def_begin(&t, "shape");
  lc_field variants[3] = {{LC_STR("a"), type_u32()}, {LC_STR("b"), type_u32()}, {LC_STR("c"), type_string()}};
  def_column(&t, "id", type_u32());
  def_column(&t, "kind", lc_type_sum(&t.arena, variants, 2));
  def_index(&t, LC_INDEX_BTREE, "0", true);
  def_index(&t, LC_INDEX_BTREE, "1", false);
  lc_table *table;
  lc_store_begin(store);
  expect_ok(lc_store_create_table(store, &t.def, &table));
  for (uint32_t i = 0; i < 200; i++) {
    uint8_t row[9] = {0};
    lc_store32(row, i);
    row[4] = (uint8_t)(i % 2);
    expect_ok(lc_table_insert(table, lc_span_of(row, 9), NULL));
  }
  commit_to(store, mirror);
  t.def.columns[1].type = lc_type_sum(&t.arena, variants, 3);
  lc_buf row = {0}, before = {0}, after = {0};
  dump_store(store, &before);
  for (int round = 0; round < 2; round++) {
    lc_store_begin(store);
    uint8_t changed[9] = {7, 0, 0, 0, 0, 1, 2, 3, (uint8_t)(4 + round)};
    expect_ok(lc_table_update(table, lc_table_index(table, 0), lc_span_of(changed, 9), NULL));
    expect(lc_table_delete_equal(table, lc_span_of("\x8\0\0\0\0\0\0\0\0", 9)));
    expect_ok(lc_table_set_columns(table, &t.def));
    lc_buf_clear(&row);
    lc_buf_put32(&row, 7);
    lc_buf_put8(&row, 2);
    lc_buf_put_sized(&row, "text", 4);
    expect_ok(lc_table_update(table, lc_table_index(table, 0), lc_buf_span(&row), NULL));
    if (round == 0) {
      lc_store_abort(store);
      dump_store(store, &after);
      expect_bytes(after.data, after.len, before.data, before.len);
    } else {
      commit_to(store, mirror);
    }
    expect_ok(lc_store_check(store));
  }
  expect_ok(lc_store_recovered(mirror));
  expect_ok(lc_store_check(mirror));
  expect_same_stores(store, mirror);
  lc_store_begin(store);
  t.def.columns[1].type = lc_type_sum(&t.arena, variants, 1); /* variants cannot go */
  expect_error(lc_table_set_columns(table, &t.def), LC_ERR_MIGRATION);
  lc_store_abort(store);
  lc_buf_deinit(&row);
  lc_buf_deinit(&before);
  lc_buf_deinit(&after);
  lc_arena_deinit(&t.arena);
  lc_store_destroy(store);
  lc_store_destroy(mirror);
}

static const lc_type *type_schedule_at(lc_arena *arena) {
  lc_field *interval = LC_ARENA_NEW(arena, lc_field), *time = LC_ARENA_NEW(arena, lc_field), *variants = LC_ARENA_ARRAY(arena, lc_field, 2);
  *interval = (lc_field){LC_STR("__time_duration_micros__"), type_i64()};
  *time = (lc_field){LC_STR("__timestamp_micros_since_unix_epoch__"), type_i64()};
  variants[0] = (lc_field){LC_STR("Interval"), lc_type_product(arena, interval, 1)};
  variants[1] = (lc_field){LC_STR("Time"), lc_type_product(arena, time, 1)};
  return lc_type_sum(arena, variants, 2);
}

TEST(schedules_and_event_tables_come_back) {
  lc_store *store = lc_store_create(), *mirror = lc_store_create();
  test_def t, e;
  def_begin(&t, "timer");
  def_column(&t, "id", type_u64());
  def_column(&t, "at", type_schedule_at(&t.arena));
  def_index(&t, LC_INDEX_BTREE, "0", true);
  t.def.primary_key = 0;
  t.def.schedule = &(lc_schedule_def){.name = LC_STR("timer_sched"), .function_name = LC_STR("tick"), .at_column = 1};
  def_begin(&e, "event");
  def_column(&e, "n", type_u32());
  e.def.is_event = true;
  lc_store_begin(store);
  expect_ok(lc_store_create_table(store, &t.def, NULL));
  expect_ok(lc_store_create_table(store, &e.def, NULL));
  commit_to(store, mirror);
  expect_ok(lc_store_recovered(mirror));
  expect_ok(lc_store_check(mirror));
  const lc_table_def *timer = lc_table_def_of(lc_store_table_by_name(mirror, LC_STR("timer")));
  expect(lc_str_is(timer->schedule->function_name, "tick") && lc_str_is(timer->schedule->name, "timer_sched"));
  expect_equal(timer->schedule->at_column, 1);
  expect(lc_table_def_of(lc_store_table_by_name(mirror, LC_STR("event")))->is_event);
  lc_store_begin(store);
  lc_store_drop_table(store, lc_store_table_by_name(store, LC_STR("timer")));
  lc_store_drop_table(store, lc_store_table_by_name(store, LC_STR("event")));
  commit_to(store, mirror);
  expect_ok(lc_store_recovered(mirror));
  expect_same_stores(store, mirror);
  expect_equal(lc_table_row_count(lc_store_table(mirror, LC_ST_SCHEDULED)) + lc_table_row_count(lc_store_table(mirror, LC_ST_EVENT_TABLE)),
               0);
  lc_arena_deinit(&t.arena);
  lc_arena_deinit(&e.arena);
  lc_store_destroy(store);
  lc_store_destroy(mirror);
}

TEST(damaged_effects_are_errors) {
  lc_store *store = lc_store_create();
  test_def t;
  define_item(&t);
  lc_table *table = def_create(&t, store);
  uint32_t id = lc_table_id(table);
  lc_store_apply_begin(store);
  expect_error(lc_store_apply_insert(store, 5000, lc_span_of("", 0)), LC_ERR_LOG_CORRUPT);
  expect_error(lc_store_apply_insert(store, id, lc_span_of("abc", 3)), LC_ERR_LOG_CORRUPT);
  uint8_t row[16 + 1] = {1};
  expect_error(lc_store_apply_insert(store, id, lc_span_of(row, 17)), LC_ERR_LOG_CORRUPT); /* a byte too many */
  expect_ok(lc_store_apply_insert(store, id, lc_span_of(row, 16)));
  expect_ok(lc_store_apply_insert(store, id, lc_span_of(row, 16))); /* absolute: there already */
  row[12] = 9;
  expect_ok(lc_store_apply_delete(store, id, lc_span_of(row, 16))); /* absolute: not there */
  expect_ok(lc_store_apply_insert(store, id, lc_span_of(row, 16))); /* the same key for a while ... */
  expect_ok(lc_store_apply_end(store));
  expect_error(lc_store_recovered(store), LC_ERR_LOG_CORRUPT); /* ... but not at the end */
  lc_arena_deinit(&t.arena);
  lc_store_destroy(store);
}

/* ---- rows of the system tables that contradict each other ---- */

/* A row of a system table, of the parts that its columns need. */
static void put_text(lc_buf *row, const char *text) {
  lc_buf_put_sized(row, text, strlen(text));
}
static void row_of_table(lc_buf *row, uint32_t id, const char *name, const char *kind, int key) {
  lc_buf_clear(row);
  lc_buf_put32(row, id);
  put_text(row, name);
  put_text(row, kind);
  put_text(row, "public");
  lc_buf_put8(row, key < 0);
  if (key < 0) return;
  lc_buf_put32(row, 1);
  lc_buf_put16(row, (uint16_t)key);
}
static void row_of_column(lc_buf *row, uint32_t id, uint16_t position, const lc_type *type) {
  lc_buf encoded = {0};
  lc_type_encode(&encoded, type);
  lc_buf_clear(row);
  lc_buf_put32(row, id);
  lc_buf_put16(row, position);
  put_text(row, position ? "b" : "a");
  lc_buf_put_sized(row, encoded.data, encoded.len);
  lc_buf_deinit(&encoded);
}
static void row_of_index(lc_buf *row, uint32_t id, uint32_t table_id, uint16_t column) {
  lc_buf_clear(row);
  lc_buf_put32(row, id);
  lc_buf_put32(row, table_id);
  put_text(row, "an_index");
  lc_buf_put8(row, 1);
  lc_buf_put32(row, 1);
  lc_buf_put16(row, column);
}
static void row_of_schedule(lc_buf *row, uint32_t table_id, uint16_t column) {
  lc_buf_clear(row);
  lc_buf_put32(row, 77);
  lc_buf_put32(row, table_id);
  put_text(row, "tick");
  put_text(row, "a_schedule");
  lc_buf_put16(row, column);
}

static void apply(lc_store *store, uint32_t table_id, const lc_buf *row) {
  expect_ok(lc_store_apply_insert(store, table_id, lc_buf_span(row)));
}
/* Table 5000 (a: u64, b: u64), whose row of st_table the caller chooses. */
static void apply_table(lc_store *store, lc_buf *row, const char *name, const char *kind, int key) {
  lc_store_apply_begin(store);
  row_of_table(row, 5000, name, kind, key);
  apply(store, LC_ST_TABLE, row);
  for (uint16_t i = 0; i < 2; i++) {
    row_of_column(row, 5000, i, type_u64());
    apply(store, LC_ST_COLUMN, row);
  }
}

static void contradict(lc_store *store, int how, lc_buf *row) {
  switch (how) {
    case 0:
      return apply_table(store, row, "t", "system", -1);
    case 1:
      return apply_table(store, row, "t", "user", 2);
    case 2: /* a name that a system table has: unique in st_table */
      return apply_table(store, row, "st_client", "user", -1);
    case 3:
      apply_table(store, row, "t", "user", -1);
      row_of_index(row, UINT32_MAX, 5000, 0);
      return apply(store, LC_ST_INDEX, row);
    case 4:
      apply_table(store, row, "t", "user", -1);
      row_of_index(row, 6000, 5000, 2);
      return apply(store, LC_ST_INDEX, row);
    case 5: /* of nobody's */
      apply_table(store, row, "t", "user", -1);
      row_of_index(row, 6000, 5001, 0);
      return apply(store, LC_ST_INDEX, row);
    case 6:
      apply_table(store, row, "t", "user", -1);
      row_of_column(row, 5001, 0, type_u8());
      return apply(store, LC_ST_COLUMN, row);
    case 7: /* scheduled by a column that is no time */
      apply_table(store, row, "t", "user", 0);
      row_of_schedule(row, 5000, 1);
      return apply(store, LC_ST_SCHEDULED, row);
    case 8: /* an index more on a system table */
      lc_store_apply_begin(store);
      row_of_index(row, 6000, LC_ST_CLIENT, 0);
      return apply(store, LC_ST_INDEX, row);
    case 9: /* another one in the place of st_module's row */
      lc_store_apply_begin(store);
      row_of_table(row, LC_ST_MODULE, "st_module", "system", -1);
      expect_ok(lc_store_apply_delete(store, LC_ST_TABLE, lc_buf_span(row)));
      row_of_table(row, LC_ST_MODULE, "st_other", "system", -1);
      return apply(store, LC_ST_TABLE, row);
    case 10: /* a system table that there is none */
      lc_store_apply_begin(store);
      row_of_table(row, 1000, "st_more", "system", -1);
      return apply(store, LC_ST_TABLE, row);
  }
}

/* L13, L3: a record whose checksum is right may still be nonsense. It must not open as something else. */
TEST(system_tables_that_contradict_each_other_are_refused) {
  for (int how = 0; how <= 10; how++) {
    lc_store *store = lc_store_create();
    lc_buf row = {0};
    contradict(store, how, &row);
    lc_err err = lc_store_apply_end(store);
    if (!lc_failed(err)) err = lc_store_recovered(store);
    if (err.code != LC_ERR_LOG_CORRUPT) lc_test_fail("contradiction %d: %s", how, lc_err_text(err));
    lc_store_destroy(store);
    lc_buf_deinit(&row);
  }
  lc_store *store = lc_store_create();
  lc_buf row = {0};
  apply_table(store, &row, "t", "user", 1);
  row_of_index(&row, 6000, 5000, 1);
  apply(store, LC_ST_INDEX, &row);
  expect_ok(lc_store_apply_end(store));
  expect_ok(lc_store_recovered(store)); /* without one it opens */
  expect_ok(lc_store_check(store));
  lc_store_destroy(store);
  lc_buf_deinit(&row);
}

TEST(a_record_may_not_give_rows_column_types_that_they_do_not_fit) {
  lc_store *store = lc_store_create();
  lc_buf row = {0};
  apply_table(store, &row, "t", "user", -1);
  uint8_t bytes[16] = {1};
  expect_ok(lc_store_apply_insert(store, 5000, lc_span_of(bytes, 16)));
  expect_ok(lc_store_apply_end(store));
  lc_store_apply_begin(store);
  row_of_column(&row, 5000, 1, type_u64());
  expect_ok(lc_store_apply_delete(store, LC_ST_COLUMN, lc_buf_span(&row)));
  row_of_column(&row, 5000, 1, type_u8());
  apply(store, LC_ST_COLUMN, &row);
  expect_error(lc_store_apply_end(store), LC_ERR_LOG_CORRUPT);
  lc_store_destroy(store);
  lc_buf_deinit(&row);
}

/* The id column of a schedule is the primary key: now, and after a restart. */
TEST(the_key_of_a_schedule_follows_the_primary_key) {
  lc_store *store = lc_store_create(), *mirror = lc_store_create();
  test_def t;
  def_begin(&t, "timer");
  def_column(&t, "id", type_u64());
  def_column(&t, "other", type_u64());
  def_column(&t, "at", type_schedule_at(&t.arena));
  def_index(&t, LC_INDEX_BTREE, "0", true);
  def_index(&t, LC_INDEX_BTREE, "1", true);
  t.def.primary_key = 0;
  t.def.schedule = &(lc_schedule_def){.name = LC_STR("timer_sched"), .function_name = LC_STR("tick"), .at_column = 2};
  lc_store_begin(store);
  lc_table *table;
  expect_ok(lc_store_create_table(store, &t.def, &table));
  expect_ok(lc_table_set_primary_key(table, 1));
  expect_equal(lc_table_def_of(table)->schedule->id_column, 1);
  commit_to(store, mirror);
  expect_ok(lc_store_recovered(mirror));
  expect_equal(lc_table_def_of(lc_store_table_by_name(mirror, LC_STR("timer")))->schedule->id_column, 1);
  lc_arena_deinit(&t.arena);
  lc_store_destroy(store);
  lc_store_destroy(mirror);
}
