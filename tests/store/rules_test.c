/* The rules of docs on rows, constraints, sequences and transactions (datastore-and-lifecycle 1.2 to 1.7, module-abi 3.6 and 3.7), one by
 * one. */
#include <malloc.h>

#include "store/support.h"

static lc_store *store;
static test_def t;
static lc_table *table;

static void start(void) {
  store = lc_store_create();
}
static void finish(void) {
  expect_ok(lc_store_check(store));
  lc_store_destroy(store);
  lc_arena_deinit(&t.arena);
}

/* {u32 id unique, string name unique, u32 group not unique} */
static void start_people(void) {
  start();
  def_begin(&t, "person");
  def_column(&t, "id", type_u32());
  def_column(&t, "name", type_string());
  def_column(&t, "group", type_u32());
  def_index(&t, LC_INDEX_BTREE, "0", true);
  def_index(&t, LC_INDEX_BTREE, "1", true);
  def_index(&t, LC_INDEX_BTREE, "2", false);
  table = def_create(&t, store);
}

static lc_span person(uint32_t id, const char *name, uint32_t group) {
  static lc_buf rows[4];
  static int next;
  lc_buf *row = &rows[next++ % 4];
  lc_buf_clear(row);
  lc_buf_put32(row, id);
  lc_buf_put_sized(row, name, strlen(name));
  lc_buf_put32(row, group);
  return lc_buf_span(row);
}

static void expect_delta(const lc_delta *delta, uint32_t table_id, uint32_t inserts, uint32_t deletes) {
  for (uint32_t i = 0; i < delta->table_count; i++) {
    if (lc_table_id(delta->tables[i].table) != table_id) continue;
    expect_equal(delta->tables[i].insert_count, inserts);
    expect_equal(delta->tables[i].delete_count, deletes);
    return;
  }
  expect_equal(inserts + deletes, 0);
}

/* ---- 1.2 sets ---- */

TEST(an_identical_row_is_no_change_even_where_it_would_violate) {
  start_people();
  lc_store_begin(store);
  lc_insert_result result;
  expect_ok(lc_table_insert(table, person(1, "Ann", 5), &result));
  expect(!result.existed);
  uint32_t id = result.row.id;
  expect_ok(lc_table_insert(table, person(1, "Ann", 5), &result));
  expect(result.existed);
  expect_equal(result.row.id, id);
  commit_to(store, NULL);
  lc_store_begin(store);
  expect_ok(lc_table_insert(table, person(1, "Ann", 5), &result));
  expect(result.existed);
  expect(!lc_store_has_changes(store));
  const lc_delta *delta;
  lc_store_commit(store, &delta);
  expect_equal(delta->table_count, 0);
  finish();
}

TEST(changes_that_cancel_are_not_in_the_delta) {
  start_people();
  const lc_delta *delta;
  lc_store_begin(store);
  expect_ok(lc_table_insert(table, person(1, "Ann", 5), NULL));
  expect_ok(lc_table_insert(table, person(2, "Bob", 5), NULL));
  commit_to(store, NULL);
  lc_store_begin(store); /* delete and insert again */
  expect(lc_table_delete_equal(table, person(1, "Ann", 5)));
  expect_ok(lc_table_insert(table, person(1, "Ann", 5), NULL));
  lc_store_commit(store, &delta);
  expect_equal(delta->table_count, 0);
  lc_store_begin(store); /* insert and delete */
  expect_ok(lc_table_insert(table, person(3, "Cid", 5), NULL));
  expect(lc_table_delete_equal(table, person(3, "Cid", 5)));
  lc_store_commit(store, &delta);
  expect_equal(delta->table_count, 0);
  lc_store_begin(store); /* there and back */
  expect_ok(lc_table_update(table, lc_table_index(table, 0), person(1, "Ann", 6), NULL));
  expect_ok(lc_table_update(table, lc_table_index(table, 0), person(1, "Ann", 5), NULL));
  lc_store_commit(store, &delta);
  expect_equal(delta->table_count, 0);
  lc_store_begin(store); /* several updates of one row: one pair */
  for (uint32_t group = 6; group < 12; group++) expect_ok(lc_table_update(table, lc_table_index(table, 0), person(1, "Ann", group), NULL));
  lc_store_commit(store, &delta);
  expect_delta(delta, lc_table_id(table), 1, 1);
  expect(lc_span_equal(lc_span_of(delta->tables[0].deletes[0].bytes, delta->tables[0].deletes[0].len), person(1, "Ann", 5)));
  expect(lc_span_equal(lc_span_of(delta->tables[0].inserts[0].bytes, delta->tables[0].inserts[0].len), person(1, "Ann", 11)));
  lc_store_begin(store); /* deleted under one id, back under another, with an update between */
  expect_ok(lc_table_update(table, lc_table_index(table, 0), person(2, "Bob", 9), NULL));
  expect(lc_table_delete_equal(table, person(2, "Bob", 9)));
  expect_ok(lc_table_insert(table, person(2, "Bob", 5), NULL));
  lc_store_commit(store, &delta);
  expect_equal(delta->table_count, 0);
  finish();
}

TEST(many_cancelling_changes_are_netted_too) {
  start_people();
  lc_store_begin(store);
  char name[16];
  for (uint32_t i = 0; i < 300; i++) {
    snprintf(name, sizeof name, "p%u", i);
    expect_ok(lc_table_insert(table, person(i, name, i), NULL));
  }
  commit_to(store, NULL);
  lc_store_begin(store);
  expect_equal(lc_table_clear(table), 300);
  for (uint32_t i = 100; i < 400; i++) {
    snprintf(name, sizeof name, "p%u", i);
    expect_ok(lc_table_insert(table, person(i, name, i), NULL));
  }
  const lc_delta *delta;
  lc_store_commit(store, &delta);
  expect_delta(delta, lc_table_id(table), 100, 100);
  finish();
}

TEST(rows_are_equal_by_bytes_but_float_keys_by_order) {
  start();
  def_begin(&t, "f");
  def_column(&t, "k", lc_type_primitive(LC_TYPE_F64));
  table = def_create(&t, store); /* no index */
  double zero = 0.0, minus = -0.0;
  lc_store_begin(store);
  lc_insert_result result;
  expect_ok(lc_table_insert(table, lc_span_of(&zero, 8), NULL));
  expect_ok(lc_table_insert(table, lc_span_of(&minus, 8), &result));
  expect(!result.existed);
  expect_equal(lc_table_row_count(table), 2);
  commit_to(store, NULL);
  test_def keyed;
  def_begin(&keyed, "f_key");
  def_column(&keyed, "k", lc_type_primitive(LC_TYPE_F64));
  def_index(&keyed, LC_INDEX_BTREE, "0", true);
  lc_table *unique = def_create(&keyed, store);
  lc_store_begin(store);
  expect_ok(lc_table_insert(unique, lc_span_of(&minus, 8), NULL));
  lc_err err = lc_table_insert(unique, lc_span_of(&zero, 8), NULL);
  expect_text(lc_err_text(err),
              "Unique constraint violation 'f_key_k_idx_btree' in table 'f_key': column(s): '[\"k\"]' value: 0"); /* recorded: sql/dml */
  double infinity = 1e308 * 10;
  expect_ok(lc_table_insert(unique, lc_span_of(&infinity, 8), NULL));
  uint64_t nans[] = {0x7ff8000000000000, 0xfff8000000000123};
  expect_ok(lc_table_insert(unique, lc_span_of(&nans[0], 8), NULL));
  expect_error(lc_table_insert(unique, lc_span_of(&nans[1], 8), NULL), LC_ERR_UNIQUE);
  commit_to(store, NULL);
  lc_arena_deinit(&keyed.arena);
  finish();
}

/* ---- 1.3 operations and errors ---- */

TEST(unique_violations_have_the_text_users_see) {
  start_people();
  lc_store_begin(store);
  expect_ok(lc_table_insert(table, person(50, "Ann", 5), NULL));
  lc_err err = lc_table_insert(table, person(50, "Bob", 5), NULL);
  expect_error(err, LC_ERR_UNIQUE);
  expect_text(lc_err_text(err), "Unique constraint violation 'person_id_idx_btree' in table 'person': column(s): '[\"id\"]' value: 50");
  err = lc_table_insert(table, person(51, "Ann", 5), NULL);
  expect_text(lc_err_text(err),
              "Unique constraint violation 'person_name_idx_btree' in table 'person': column(s): '[\"name\"]' value: \"Ann\"");
  expect_equal(lc_table_row_count(table), 1); /* the transaction goes on, unharmed */
  expect_ok(lc_table_insert(table, person(51, "Bob", 5), NULL));
  commit_to(store, NULL);
  finish();
}

TEST(a_key_of_a_deleted_row_is_free_again) {
  start_people();
  lc_store_begin(store);
  expect_ok(lc_table_insert(table, person(1, "Ann", 5), NULL));
  commit_to(store, NULL);
  lc_store_begin(store);
  expect(lc_table_delete_equal(table, person(1, "Ann", 5)));
  expect_ok(lc_table_insert(table, person(1, "Eve", 6), NULL));
  const lc_delta *delta;
  lc_store_commit(store, &delta);
  expect_delta(delta, lc_table_id(table), 1, 1);
  finish();
}

TEST(update_finds_its_row_and_checks_the_other_indexes) {
  start_people();
  lc_store_begin(store);
  expect_ok(lc_table_insert(table, person(1, "Ann", 5), NULL));
  expect_ok(lc_table_insert(table, person(2, "Bob", 5), NULL));
  lc_insert_result result;
  expect_error(lc_table_update(table, lc_table_index(table, 0), person(3, "Cid", 5), NULL), LC_ERR_NO_SUCH_ROW);
  expect_error(lc_table_update(table, lc_table_index(table, 2), person(1, "Ann", 6), NULL), LC_ERR_INDEX_NOT_UNIQUE);
  expect_error(lc_table_update(table, lc_store_index(store, 1), person(1, "Ann", 6), NULL), LC_ERR_NO_SUCH_INDEX);
  expect_error(lc_table_update(table, lc_table_index(table, 0), person(1, "Bob", 6), NULL), LC_ERR_UNIQUE);
  expect_ok(lc_table_update(table, lc_table_index(table, 0), person(1, "Ann", 5), &result));
  expect(result.existed);
  expect_ok(lc_table_update(table, lc_table_index(table, 1), person(9, "Ann", 7), &result)); /* by name: the id changes */
  expect(!result.existed);
  expect(lc_table_find_equal(table, person(9, "Ann", 7), NULL));
  expect_error(lc_table_update(table, lc_table_index(table, 0), person(1, "Ann", 6), NULL), LC_ERR_NO_SUCH_ROW);
  commit_to(store, NULL);
  finish();
}

TEST(rows_must_be_valid_and_fixed_rows_exact) {
  start_people();
  lc_store_begin(store);
  expect_error(lc_table_insert(table, lc_span_of("abc", 3), NULL), LC_ERR_BSATN);
  expect_error(lc_table_insert(table, lc_span_of("\1\0\0\0\1\0\0\0\xff\2\0\0\0", 13), NULL), LC_ERR_BSATN); /* not UTF-8 */
  lc_insert_result result;
  expect_ok(lc_table_insert(table, lc_span_of("\1\0\0\0\1\0\0\0a\2\0\0\0tail", 17), &result)); /* what is behind is ignored */
  expect_equal(result.row.len, 13);
  lc_store_abort(store);
  test_def fixed;
  def_begin(&fixed, "fixed");
  def_column(&fixed, "a", type_u32());
  lc_table *numbers = def_create(&fixed, store);
  lc_store_begin(store);
  expect_error(lc_table_insert(numbers, lc_span_of("12345", 5), NULL), LC_ERR_BSATN);
  expect_ok(lc_table_insert(numbers, lc_span_of("1234", 4), NULL));
  lc_store_abort(store);
  lc_arena_deinit(&fixed.arena);
  finish();
}

/* ---- 1.4 indexes ---- */

TEST(scans_check_their_keys) {
  start();
  def_begin(&t, "k");
  lc_field variants[2] = {{LC_STR("a"), lc_type_product(&t.arena, NULL, 0)}, {LC_STR("b"), lc_type_product(&t.arena, NULL, 0)}};
  def_column(&t, "id", type_u32());
  def_column(&t, "kind", lc_type_sum(&t.arena, variants, 2));
  def_column(&t, "yes", lc_type_primitive(LC_TYPE_BOOL));
  def_index(&t, LC_INDEX_BTREE, "0", true);
  def_index(&t, LC_INDEX_BTREE, "1", false);
  def_index(&t, LC_INDEX_HASH, "2", false);
  def_index(&t, LC_INDEX_BTREE, "0,1", false);
  table = def_create(&t, store);
  lc_scan scan;
  lc_row row;
  bool found;
  lc_bound none = {.kind = LC_BOUND_UNBOUNDED};
  expect_error(lc_index_find(lc_table_index(table, 0), lc_span_of("123", 3), &row, &found), LC_ERR_BSATN);
  expect_error(lc_index_scan_point(lc_table_index(table, 2), lc_span_of("\2", 1), &scan), LC_ERR_BSATN);
  expect_ok(lc_index_scan_point(lc_table_index(table, 1), lc_span_of("\7", 1), &scan)); /* recorded: an unknown tag just finds nothing */
  expect(!lc_scan_next(&scan, &row));
  expect_error(lc_index_scan_range(lc_table_index(table, 2), lc_span_of("", 0), 0, none, none, &scan), LC_ERR_INDEX_KIND);
  expect_error(lc_index_scan_range(lc_table_index(table, 0), lc_span_of("1234", 4), 1, none, none, &scan), LC_ERR_BSATN);
  expect_error(lc_index_scan_range(lc_table_index(table, 3), lc_span_of("1", 1), 1, none, none, &scan), LC_ERR_BSATN);
  expect_ok(lc_index_scan_range(lc_table_index(table, 3), lc_span_of("garbage that is not looked at", 29), 0, none, none, &scan));
  finish();
}

TEST(a_million_rows_under_one_key_do_not_slow_deletion) {
  start();
  def_begin(&t, "many");
  def_column(&t, "id", type_u32());
  def_column(&t, "group", type_string());
  def_index(&t, LC_INDEX_BTREE, "0", true);
  def_index(&t, LC_INDEX_HASH, "1", false);
  table = def_create(&t, store);
  enum { ROWS = 60000 };
  lc_store_begin(store);
  for (uint32_t i = 0; i < ROWS; i++) {
    lc_span row = person(i, "", 0);
    expect_ok(lc_table_insert(table, lc_span_of(row.ptr, 8), NULL));
  }
  commit_to(store, NULL);
  expect_ok(lc_store_check(store));
  lc_store_begin(store); /* quadratic deletion would take minutes */
  for (uint32_t i = 0; i < ROWS; i++) {
    lc_span row = person(i * 7919u % ROWS, "", 0);
    expect(lc_table_delete_equal(table, lc_span_of(row.ptr, 8)));
  }
  commit_to(store, NULL);
  expect_equal(lc_table_row_count(table), 0);
  finish();
}

TEST(a_sparse_direct_index_stays_small) {
  start();
  def_begin(&t, "d");
  def_column(&t, "k", type_u64());
  def_index(&t, LC_INDEX_DIRECT, "0", true);
  table = def_create(&t, store);
  lc_store_begin(store);
  for (uint64_t i = 0; i < 4000; i++) {
    uint64_t key = i % 2 ? i : i * 0x9e3779b97f4a7c15u >> (i % 40);
    lc_err err = lc_table_insert(table, lc_span_of(&key, 8), NULL);
    expect(!lc_failed(err));
  }
  commit_to(store, NULL);
  expect(lc_table_memory(table) < (2u << 20));
  lc_scan scan;
  lc_row row;
  uint64_t from = 1, last = 0, count = 0;
  lc_bound low = {LC_BOUND_EXCLUDED, lc_span_of(&from, 8)}, none = {.kind = LC_BOUND_UNBOUNDED};
  expect_ok(lc_index_scan_range(lc_table_index(table, 0), lc_span_of("", 0), 0, low, none, &scan));
  for (; lc_scan_next(&scan, &row); count++) {
    expect(lc_load64(row.bytes) > last);
    last = lc_load64(row.bytes);
  }
  expect_equal(count, lc_table_row_count(table) - 2); /* all but 0 and 1 */
  finish();
}

TEST(large_rows_are_fine) {
  start();
  def_begin(&t, "blob");
  def_column(&t, "id", type_u32());
  def_column(&t, "data", lc_type_array(&t.arena, type_u8()));
  def_index(&t, LC_INDEX_BTREE, "0", true);
  table = def_create(&t, store);
  enum { SIZE = 10 << 20 };
  uint8_t *row = calloc(1, SIZE + 8);
  lc_store32(row + 4, SIZE);
  uint64_t empty = lc_table_memory(table);
  lc_store_begin(store);
  expect_ok(lc_table_insert(table, lc_span_of(row, SIZE + 8), NULL));
  commit_to(store, NULL);
  expect(lc_table_memory(table) >= empty + SIZE);
  lc_store_begin(store);
  row[SIZE + 7] = 1;
  expect_ok(lc_table_update(table, lc_table_index(table, 0), lc_span_of(row, SIZE + 8), NULL));
  const lc_delta *delta;
  lc_store_commit(store, &delta);
  expect_equal(delta->tables[0].deletes[0].bytes[SIZE + 7], 0);
  expect_equal(delta->tables[0].inserts[0].bytes[SIZE + 7], 1);
  lc_store_begin(store);
  expect_equal(lc_table_clear(table), 1);
  commit_to(store, NULL);
  expect(lc_table_memory(table) < empty + SIZE);
  free(row);
  finish();
}

/* ---- 1.5 sequences ---- */

static void start_auto(const lc_type *type) {
  start();
  def_begin(&t, "auto");
  def_column(&t, "id", type);
  def_column(&t, "n", type_u32());
  def_index(&t, LC_INDEX_BTREE, "0", true);
  def_sequence(&t, 0);
}

/* Inserts a row with the id given; returns the error, and the id that it got as its lowest 64 bits. */
static lc_err insert_auto(uint64_t id, uint32_t n, int64_t *got) {
  uint8_t row[36] = {0};
  uint32_t size = lc_table_layout(table)->columns[0].size;
  memcpy(row, &id, size < 8 ? size : 8);
  lc_store32(row + size, n);
  lc_insert_result result;
  lc_err err = lc_table_insert(table, lc_span_of(row, size + 4), &result);
  if (lc_failed(err)) return err;
  *got = 0;
  memcpy(got, result.row.bytes, size < 8 ? size : 8);
  expect_equal(result.generated.len, id == 0 ? size : 0);
  if (id == 0) expect_bytes(result.generated.ptr, size, result.row.bytes, size);
  return err;
}

TEST(a_sequence_counts_from_one_and_ignores_explicit_values) {
  start_auto(type_u64());
  table = def_create(&t, store);
  int64_t id;
  lc_store_begin(store);
  expect_ok(insert_auto(0, 1, &id));
  expect_equal(id, 1);
  expect_ok(insert_auto(3, 2, &id));
  expect_ok(insert_auto(0, 3, &id));
  expect_equal(id, 2);
  expect_error(insert_auto(0, 4, &id), LC_ERR_UNIQUE); /* collides with the explicit 3 */
  expect_ok(insert_auto(0, 5, &id));
  expect_equal(id, 4);
  commit_to(store, NULL);
  finish();
}

TEST(a_u8_sequence_goes_on_through_zero) {
  start_auto(type_u8());
  table = def_create(&t, store);
  int64_t id;
  lc_store_begin(store);
  for (int64_t i = 1; i < 256; i++) {
    expect_ok(insert_auto(0, (uint32_t)i, &id));
    expect_equal(id, i);
  }
  expect_ok(insert_auto(0, 256, &id));
  expect_equal(id, 0); /* stored literally */
  expect_error(insert_auto(0, 257, &id), LC_ERR_UNIQUE);
  lc_store_abort(store);
  finish();
}

TEST(every_integer_width_can_be_generated) {
  for (lc_type_kind kind = LC_TYPE_I8; kind <= LC_TYPE_U256; kind++) {
    start_auto(lc_type_primitive(kind));
    t.def.sequences[0].start = 3;
    t.def.sequences[0].min_value = -5;
    t.def.sequences[0].max_value = 10;
    t.def.sequences[0].increment = -2;
    table = def_create(&t, store);
    static const int expected[] = {3, 1, -1, -3, -5, 9}; /* -7 lies one below -6, that is one below the end: the other end is 10 */
    lc_store_begin(store);
    for (int i = 0; i < 6; i++) {
      uint8_t row[36] = {0}, wanted[32];
      uint32_t size = lc_type_primitive_size(kind);
      memset(wanted, expected[i] < 0 ? 0xff : 0, sizeof wanted);
      wanted[0] = (uint8_t)expected[i];
      lc_store32(row + size, (uint32_t)i);
      lc_insert_result result;
      expect_ok(lc_table_insert(table, lc_span_of(row, size + 4), &result));
      expect_bytes(result.row.bytes, size, wanted, size);
    }
    lc_store_abort(store);
    finish();
  }
}

TEST(a_sequence_wraps_at_its_maximum_and_ends_with_128_bits) {
  start_auto(lc_type_primitive(LC_TYPE_I128));
  t.def.sequences[0].max_value = 3;
  t.def.indexes[0].name = LC_STR("i");
  t.def.constraint_count = 0;
  table = def_create(&t, store);
  int64_t id;
  lc_store_begin(store);
  for (int64_t i = 0; i < 7; i++) {
    expect_ok(insert_auto(0, (uint32_t)i, &id));
    expect_equal(id, i % 3 + 1);
  }
  lc_store_abort(store);
  finish();
  start_auto(lc_type_primitive(LC_TYPE_I128));
  t.def.sequences[0].start = TEST_I128_MAX - 1;
  table = def_create(&t, store);
  lc_store_begin(store);
  expect_ok(insert_auto(0, 1, &id));
  expect_error(insert_auto(0, 2, &id), LC_ERR_SEQUENCE);
  lc_store_abort(store);
  finish();
}

TEST(an_abort_or_rollback_gives_numbers_back) {
  start_auto(type_u64());
  table = def_create(&t, store);
  int64_t id;
  lc_store_begin(store);
  for (uint32_t i = 0; i < 5; i++) expect_ok(insert_auto(0, i, &id));
  lc_store_abort(store);
  lc_store_begin(store);
  expect_ok(insert_auto(0, 1, &id));
  expect_equal(id, 1);
  lc_savepoint savepoint = lc_store_savepoint(store);
  expect_ok(insert_auto(0, 2, &id));
  expect_ok(insert_auto(0, 3, &id));
  lc_store_rollback_to(store, savepoint);
  expect_ok(insert_auto(0, 4, &id));
  expect_equal(id, 2);
  commit_to(store, NULL);
  lc_store_begin(store);
  savepoint = lc_store_savepoint(store);
  expect_ok(insert_auto(0, 5, &id)); /* the first draw of a transaction, rolled back: the next is a first draw again */
  lc_store_rollback_to(store, savepoint);
  expect(!lc_store_has_changes(store));
  expect_ok(insert_auto(0, 6, &id));
  expect_equal(id, 3);
  commit_to(store, NULL);
  finish();
}

/* L7, and no gap: the row of st_sequence is in the delta, once however many values were drawn. */
TEST(numbering_goes_on_after_recovery) {
  start_auto(type_u64());
  lc_store *mirror = lc_store_create();
  lc_store_begin(store);
  expect_ok(lc_store_create_table(store, &t.def, &table));
  commit_to(store, mirror);
  int64_t id;
  lc_store_begin(store);
  for (uint32_t i = 0; i < 10; i++) expect_ok(insert_auto(0, i, &id));
  lc_table_clear(table); /* no row tells any more what was handed out */
  const lc_delta *delta;
  lc_store_commit(store, &delta);
  expect_equal(delta->table_count, 1);
  expect_delta(delta, LC_ST_SEQUENCE, 1, 1);
  apply_delta(mirror, delta);
  expect_ok(lc_store_recovered(mirror));
  table = lc_store_table(mirror, 4096);
  lc_store_begin(mirror);
  expect_ok(insert_auto(0, 1, &id));
  expect_equal(id, 11);
  lc_store_abort(mirror);
  lc_store_destroy(mirror);
  finish();
}

TEST(updating_by_a_generated_key_finds_no_row) {
  start_auto(type_u64());
  table = def_create(&t, store);
  int64_t id;
  lc_store_begin(store);
  expect_ok(insert_auto(0, 1, &id));
  uint8_t row[12] = {0};
  expect_error(lc_table_update(table, lc_table_index(table, 0), lc_span_of(row, 12), NULL), LC_ERR_NO_SUCH_ROW);
  expect_ok(insert_auto(0, 2, &id));
  expect_equal(id, 3); /* the number is used up all the same */
  lc_store_abort(store);
  finish();
}

/* ---- 1.6, 1.7 ---- */

TEST(event_rows_live_as_long_as_their_transaction) {
  start_people();
  test_def e;
  def_begin(&e, "event");
  def_column(&e, "id", type_u32());
  def_column(&e, "text", type_string());
  def_index(&e, LC_INDEX_BTREE, "0", true);
  e.def.is_event = true;
  lc_table *events = def_create(&e, store);
  lc_store_begin(store);
  lc_span a = lc_span_of("\1\0\0\0\1\0\0\0a", 9), b = lc_span_of("\1\0\0\0\1\0\0\0b", 9), c = lc_span_of("\2\0\0\0\1\0\0\0c", 9);
  expect_ok(lc_table_insert(events, a, NULL));
  expect_error(lc_table_insert(events, b, NULL), LC_ERR_UNIQUE);
  expect_ok(lc_table_update(events, lc_table_index(events, 0), b, NULL));
  expect_ok(lc_table_insert(events, c, NULL));
  expect(lc_table_delete_equal(events, c));
  expect_equal(lc_table_row_count(events), 1);
  const lc_delta *delta;
  lc_store_commit(store, &delta);
  expect_delta(delta, lc_table_id(events), 1, 0);
  expect_bytes(delta->tables[0].inserts[0].bytes, delta->tables[0].inserts[0].len, b.ptr, b.len);
  expect_equal(delta->tables[0].inserts[0].id, LC_ROW_NONE);
  expect_equal(lc_table_row_count(events), 0);
  lc_store_release(store);
  lc_store_begin(store);
  expect_ok(lc_table_insert(events, a, NULL)); /* the key is free */
  lc_store_commit(store, &delta);
  lc_arena_deinit(&e.arena);
  finish();
}

/* S4 */
TEST(deleted_rows_stay_readable_until_release) {
  start_people();
  lc_store_begin(store);
  char name[16];
  for (uint32_t i = 0; i < 100; i++) {
    snprintf(name, sizeof name, "p%u", i);
    expect_ok(lc_table_insert(table, person(i, name, i), NULL));
  }
  commit_to(store, NULL);
  lc_store_begin(store);
  for (uint32_t i = 0; i < 100; i++) {
    snprintf(name, sizeof name, "p%u", i);
    expect(lc_table_delete_equal(table, person(i, name, i)));
  }
  for (uint32_t i = 100; i < 300; i++) {
    snprintf(name, sizeof name, "q%u", i);
    expect_ok(lc_table_insert(table, person(i, name, i), NULL));
  }
  const lc_delta *delta;
  lc_store_commit(store, &delta);
  expect_delta(delta, lc_table_id(table), 200, 100);
  expect(delta->tables[0].truncated);
  for (uint32_t i = 0; i < 100; i++) {
    snprintf(name, sizeof name, "p%u", i);
    expect(lc_span_equal(lc_span_of(delta->tables[0].deletes[i].bytes, delta->tables[0].deletes[i].len), person(i, name, i)));
  }
  finish();
}

/* S5: once warm, transactions of the same kind take nothing from the system. */
TEST(warm_transactions_do_not_allocate) {
  start_auto(type_u64());
  table = def_create(&t, store);
  test_def people;
  def_begin(&people, "person");
  def_column(&people, "id", type_u32());
  def_column(&people, "name", type_string());
  def_index(&people, LC_INDEX_BTREE, "0", true);
  lc_table *other = def_create(&people, store);
  size_t before = 0;
  for (int round = 0; round < 200; round++) {
    if (round == 20) before = mallinfo2().uordblks;
    int64_t id;
    lc_store_begin(store);
    for (uint32_t i = 0; i < 10; i++) {
      expect_ok(insert_auto(0, i, &id));
      lc_span row = person(i, round % 2 ? "a name" : "another, longer name", 0);
      lc_insert_result result;
      expect_ok(lc_table_insert(other, lc_span_of(row.ptr, row.len - 4), &result));
      row = person(i, round % 2 ? "changed" : "b", 0);
      expect_ok(lc_table_update(other, lc_table_index(other, 0), lc_span_of(row.ptr, row.len - 4), &result));
    }
    if (round % 3 == 0) {
      lc_store_abort(store);
      continue;
    }
    commit_to(store, NULL);
    lc_store_begin(store);
    lc_table_clear(table);
    lc_table_clear(other);
    commit_to(store, NULL);
  }
  expect_equal(mallinfo2().uordblks, before);
  lc_arena_deinit(&people.arena);
  finish();
}

TEST(the_delta_can_be_had_before_the_end_whatever_the_end_is) {
  start_people();
  for (int round = 0; round < 2; round++) {
    lc_store_begin(store);
    expect_ok(lc_table_insert(table, person(1, "Ann", 5), NULL));
    expect_ok(lc_table_update(table, lc_table_index(table, 0), person(1, "Ann", 6), NULL));
    const lc_delta *early = lc_store_delta(store), *late;
    expect_delta(early, lc_table_id(table), 1, 0);
    if (round == 0) {
      lc_store_abort(store);
      expect_equal(lc_table_row_count(table), 0);
      continue;
    }
    lc_store_commit(store, &late);
    expect(early == late);
    expect_delta(late, lc_table_id(table), 1, 0);
  }
  finish();
}

/* The owner may do that by SQL (recorded); it must harm nobody but him. */
TEST(rows_deleted_from_the_catalogue_are_errors_later_not_crashes) {
  start_auto(type_u64());
  table = def_create(&t, store);
  int64_t id;
  lc_store_begin(store);
  lc_table_clear(lc_store_table(store, LC_ST_SEQUENCE));
  commit_to(store, NULL);
  lc_store_begin(store);
  expect_error(insert_auto(0, 1, &id), LC_ERR_SEQUENCE);
  expect_ok(insert_auto(7, 1, &id));
  expect_error(lc_store_create_table(store, &t.def, NULL), LC_ERR_SEQUENCE); /* its id comes from a sequence, too */
  lc_store_drop_table(store, table);
  commit_to(store, NULL);
  expect_error(lc_store_check(store), LC_ERR_INTERNAL); /* which is what a check is for */
  lc_store_destroy(store);
  lc_arena_deinit(&t.arena);
}

/* A tree of several levels whose keys agree in their first eight bytes, so that order is settled through the rows: grown and cut down in
 * random order, checked on the way (T1 to T3), and small again when its rows are few. */
TEST(a_deep_tree_survives_growth_and_decay) {
  start();
  def_begin(&t, "deep");
  def_column(&t, "id", type_u32());
  def_column(&t, "text", type_string());
  def_index(&t, LC_INDEX_BTREE, "0", true);
  def_index(&t, LC_INDEX_BTREE, "1", false);
  def_index(&t, LC_INDEX_HASH, "1", false);
  table = def_create(&t, store);
  enum { ROWS = 20000, KEPT = 100 };
  char text[32];
  uint64_t full = 0;
  for (uint32_t step = 0; step < 2 * ROWS - KEPT; step++) {
    bool grows = step < ROWS;
    uint32_t id = (uint32_t)((uint64_t)(grows ? step : step - ROWS) * (grows ? 7919 : 4973) % ROWS);
    snprintf(text, sizeof text, "the same start %u", id / 3); /* three rows a key */
    lc_span row = person(id, text, 0);
    lc_store_begin(store);
    if (grows)
      expect_ok(lc_table_insert(table, lc_span_of(row.ptr, row.len - 4), NULL));
    else
      expect(lc_table_delete_equal(table, lc_span_of(row.ptr, row.len - 4)));
    if (step % 5 == 0) { /* the undo of either comes back to the same tree */
      lc_store_abort(store);
      lc_store_begin(store);
      if (grows)
        expect_ok(lc_table_insert(table, lc_span_of(row.ptr, row.len - 4), NULL));
      else
        expect(lc_table_delete_equal(table, lc_span_of(row.ptr, row.len - 4)));
    }
    commit_to(store, NULL);
    if (step % 2500 == 0 || step == ROWS - 1) expect_ok(lc_store_check(store));
    if (step == ROWS - 1) full = lc_table_memory(table);
  }
  expect_equal(lc_table_row_count(table), KEPT);
  /* Rows and hashes keep their room for the next growth; the two trees, a third of the whole, give theirs back. */
  expect(lc_table_memory(table) + (full >> 2) < full);
  lc_scan scan;
  lc_row found;
  uint32_t seen = 0;
  lc_bound none = {.kind = LC_BOUND_UNBOUNDED};
  expect_ok(lc_index_scan_range(lc_table_index(table, 1), lc_span_of("", 0), 0, none, none, &scan));
  while (lc_scan_next(&scan, &found)) seen++;
  expect_equal(seen, KEPT);
  finish();
}
