#pragma once
/* Table definitions by hand, rows as BSATN, and stores compared: for the tests of this directory. */
#include "harness.h"
#include "sats/layout.h"
#include "store/store.h"

typedef struct test_def { /* a definition under construction; its arena lives as long as the test */
  lc_arena arena;
  lc_table_def def;
} test_def;

__attribute__((unused)) static const lc_type *type_u8(void) {
  return lc_type_primitive(LC_TYPE_U8);
}
__attribute__((unused)) static const lc_type *type_u32(void) {
  return lc_type_primitive(LC_TYPE_U32);
}
__attribute__((unused)) static const lc_type *type_u64(void) {
  return lc_type_primitive(LC_TYPE_U64);
}
__attribute__((unused)) static const lc_type *type_i64(void) {
  return lc_type_primitive(LC_TYPE_I64);
}
__attribute__((unused)) static const lc_type *type_string(void) {
  return lc_type_primitive(LC_TYPE_STRING);
}

__attribute__((unused)) static void def_begin(test_def *t, const char *name) {
  *t = (test_def){0};
  t->def.name = t->def.source_name = lc_str_of(name);
  t->def.primary_key = -1;
  t->def.is_public = true;
  t->def.columns = LC_ARENA_ARRAY(&t->arena, lc_column_def, 32);
  t->def.indexes = LC_ARENA_ARRAY(&t->arena, lc_index_def, 16);
  t->def.constraints = LC_ARENA_ARRAY(&t->arena, lc_constraint_def, 16);
  t->def.sequences = LC_ARENA_ARRAY(&t->arena, lc_sequence_def, 16);
}

__attribute__((unused)) static void def_column(test_def *t, const char *name, const lc_type *type) {
  t->def.columns[t->def.column_count++] = (lc_column_def){.name = lc_str_of(name), .source_name = lc_str_of(name), .type = type};
}

__attribute__((unused)) static lc_str def_generated(test_def *t, const uint16_t *columns, uint16_t count, const char *suffix) {
  lc_str name = t->def.name;
  for (uint16_t i = 0; i < count; i++)
    name = lc_arena_printf(&t->arena, "%.*s_%.*s", LC_STR_ARGS(name), LC_STR_ARGS(t->def.columns[columns[i]].name));
  return lc_arena_printf(&t->arena, "%.*s_%s", LC_STR_ARGS(name), suffix);
}

/* An index over the columns given as text: "0", "2,1". */
__attribute__((unused)) static void def_index(test_def *t, lc_index_kind kind, const char *columns, bool unique) {
  static const char *const suffixes[] = {"idx_btree", "idx_hash", "idx_direct"};
  uint16_t *at = LC_ARENA_ARRAY(&t->arena, uint16_t, 8), count = 0;
  for (const char *c = columns; *c; c++) {
    if (*c != ',') at[count++] = (uint16_t)(*c - '0');
  }
  lc_str name = def_generated(t, at, count, suffixes[kind]);
  t->def.indexes[t->def.index_count++] =
      (lc_index_def){.name = name, .source_name = name, .kind = kind, .columns = at, .column_count = count};
  if (unique) t->def.constraints[t->def.constraint_count++] = (lc_constraint_def){def_generated(t, at, count, "key"), at, count};
}

#define TEST_I128_MAX ((__int128)(~(unsigned __int128)0 >> 1))
__attribute__((unused)) static void def_sequence(test_def *t, uint16_t column) {
  t->def.sequences[t->def.sequence_count++] = (lc_sequence_def){.name = def_generated(t, &column, 1, "seq"),
                                                                .column = column,
                                                                .start = 1,
                                                                .min_value = 1,
                                                                .max_value = TEST_I128_MAX,
                                                                .increment = 1};
}

/* Creates it in a transaction of its own. */
__attribute__((unused)) static lc_table *def_create(test_def *t, lc_store *store) {
  lc_table *table;
  lc_store_begin(store);
  expect_ok(lc_store_create_table(store, &t->def, &table));
  lc_store_commit(store, NULL);
  lc_store_release(store);
  return table;
}

__attribute__((unused)) static lc_span bytes_of(const lc_buf *row) {
  return lc_buf_span(row);
}

/* All rows of the table, each with its length before it, sorted bytewise: equal for equal contents. */
static int test_row_order(const void *a, const void *b) {
  const lc_row *x = a, *y = b;
  uint32_t shorter = x->len < y->len ? x->len : y->len;
  int order = shorter ? memcmp(x->bytes, y->bytes, shorter) : 0;
  return order ? order : (x->len > y->len) - (x->len < y->len);
}
__attribute__((unused)) static void dump_table(lc_table *table, lc_buf *to) {
  size_t count = 0, cap = lc_table_row_count(table) + 1;
  lc_row *rows = malloc(cap * sizeof *rows);
  lc_scan scan;
  lc_table_scan(table, &scan);
  for (lc_row row; lc_scan_next(&scan, &row);) {
    expect(count < cap);
    rows[count++] = row;
  }
  expect_equal(count, lc_table_row_count(table));
  qsort(rows, count, sizeof *rows, test_row_order);
  lc_buf_put32(to, lc_table_id(table));
  for (size_t i = 0; i < count; i++) lc_buf_put_sized(to, rows[i].bytes, rows[i].len);
  free(rows);
}

__attribute__((unused)) static void dump_store(lc_store *store, lc_buf *to) {
  lc_buf_clear(to);
  for (lc_table *table = lc_store_next_table(store, NULL); table; table = lc_store_next_table(store, table)) dump_table(table, to);
}

/* What a log would do with a delta: its rows, absolute, into another store. */
__attribute__((unused)) static void apply_delta(lc_store *to, const lc_delta *delta) {
  lc_store_apply_begin(to);
  for (uint32_t i = 0; i < delta->table_count; i++) {
    const lc_table_delta *table = &delta->tables[i];
    uint32_t id = lc_table_id(table->table);
    if (lc_table_def_of(table->table)->is_event) continue;
    if (table->truncated) expect_ok(lc_store_apply_truncate(to, id));
    for (uint32_t k = 0; k < table->delete_count && !table->truncated; k++)
      expect_ok(lc_store_apply_delete(to, id, lc_span_of(table->deletes[k].bytes, table->deletes[k].len)));
    for (uint32_t k = 0; k < table->insert_count; k++)
      expect_ok(lc_store_apply_insert(to, id, lc_span_of(table->inserts[k].bytes, table->inserts[k].len)));
  }
  expect_ok(lc_store_apply_end(to));
}

/* Commits, and applies the delta to `mirror` when there is one. */
__attribute__((unused)) static void commit_to(lc_store *store, lc_store *mirror) {
  const lc_delta *delta;
  lc_store_commit(store, &delta);
  if (mirror) apply_delta(mirror, delta);
  lc_store_release(store);
}
