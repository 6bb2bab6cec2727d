/*
 * What the simulated transactions do. Every call into the store has a counterpart in the model, and both must agree on what came of it.
 *
 *   accounts  id u64 (primary key, ordered, numbered by a sequence), owner u32 (hash), balance i64   rows of one length
 *   notes     id u32 (unique, hash), text String, tag u8 (ordered), also ordered by (tag, id)        rows of any length
 *   bag       a u8, b String                                                                         no index: a set of rows
 *   slots     key u8 (unique, direct), value u64
 *   events    a u32                                                                                  event table: never logged
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/world.h"

#define COUNT_OF(array) (uint32_t)(sizeof(array) / sizeof *(array))

/* ---- definitions ---- */

typedef struct index_plan {
  const char *name;
  lc_index_kind kind;
  uint16_t columns[2], count;
  bool is_unique;
} index_plan;
typedef struct table_plan {
  const char *name;
  struct {
    const char *name;
    lc_type_kind kind;
  } columns[3];
  uint16_t column_count;
  index_plan indexes[3];
  uint32_t index_count;
  bool has_sequence, is_event;
} table_plan;

static const table_plan plans[MODEL_TABLES + 1] = {
    [MODEL_ACCOUNTS] = {"accounts",
                        {{"id", LC_TYPE_U64}, {"owner", LC_TYPE_U32}, {"balance", LC_TYPE_I64}},
                        3,
                        {{"accounts_id_idx_btree", LC_INDEX_BTREE, {0}, 1, true},
                         {"accounts_owner_idx_hash", LC_INDEX_HASH, {1}, 1, false}},
                        2,
                        true,
                        false},
    [MODEL_NOTES] = {"notes",
                     {{"id", LC_TYPE_U32}, {"text", LC_TYPE_STRING}, {"tag", LC_TYPE_U8}},
                     3,
                     {{"notes_id_idx_hash", LC_INDEX_HASH, {0}, 1, true},
                      {"notes_tag_idx_btree", LC_INDEX_BTREE, {2}, 1, false},
                      {"notes_tag_id_idx_btree", LC_INDEX_BTREE, {2, 0}, 2, false}},
                     3,
                     false,
                     false},
    [MODEL_BAG] = {"bag", {{"a", LC_TYPE_U8}, {"b", LC_TYPE_STRING}}, 2, {{0}}, 0, false, false},
    [MODEL_SLOTS] = {"slots",
                     {{"key", LC_TYPE_U8}, {"value", LC_TYPE_U64}},
                     2,
                     {{"slots_key_idx_direct", LC_INDEX_DIRECT, {0}, 1, true}},
                     1,
                     false,
                     false},
    [MODEL_TABLES] = {"events", {{"a", LC_TYPE_U32}}, 1, {{0}}, 0, false, true},
};

static void create_table(world *w, const table_plan *plan, lc_table **table) {
  lc_column_def columns[3] = {0};
  lc_index_def indexes[3] = {0};
  lc_constraint_def constraints[3] = {0};
  char constraint_names[3][64];
  lc_sequence_def sequence = {
      .name = LC_STR("accounts_id_seq"), .column = 0, .start = 1, .min_value = 1, .max_value = INT64_MAX, .increment = 1};
  lc_table_def def = {.name = lc_str_of(plan->name),
                      .source_name = lc_str_of(plan->name),
                      .columns = columns,
                      .column_count = plan->column_count,
                      .primary_key = plan->has_sequence ? 0 : -1,
                      .indexes = indexes,
                      .index_count = plan->index_count,
                      .constraints = constraints,
                      .sequences = &sequence,
                      .sequence_count = plan->has_sequence,
                      .is_event = plan->is_event};
  for (uint16_t i = 0; i < plan->column_count; i++) {
    lc_str name = lc_str_of(plan->columns[i].name);
    columns[i] = (lc_column_def){.name = name, .source_name = name, .type = lc_type_primitive(plan->columns[i].kind)};
  }
  for (uint32_t i = 0; i < plan->index_count; i++) {
    const index_plan *from = &plan->indexes[i];
    lc_str name = lc_str_of(from->name);
    indexes[i] = (lc_index_def){.name = name,
                                .source_name = name,
                                .kind = from->kind,
                                .columns = (uint16_t *)(uintptr_t)from->columns,
                                .column_count = from->count};
    if (!from->is_unique) continue;
    snprintf(constraint_names[i], sizeof constraint_names[i], "%s_key", from->name);
    constraints[def.constraint_count++] = (lc_constraint_def){lc_str_of(constraint_names[i]), indexes[i].columns, from->count};
  }
  lc_err err = lc_store_create_table(w->store, &def, table);
  if (lc_failed(err)) broken(w, "setup", "%s", lc_err_text(err));
}

void world_create_tables(world *w) {
  for (int i = 0; i < MODEL_TABLES; i++) create_table(w, &plans[i], &w->tables[i]);
  create_table(w, &plans[MODEL_TABLES], &w->events);
}

void world_find_tables(world *w) {
  for (int i = 0; i <= MODEL_TABLES; i++) {
    lc_table *table = lc_store_table_by_name(w->store, lc_str_of(plans[i].name));
    if (table == NULL) broken(w, "L2", "table %s is gone", plans[i].name);
    *(i < MODEL_TABLES ? &w->tables[i] : &w->events) = table;
  }
}

/* ---- rows ---- */

typedef struct row_buffer {
  uint8_t bytes[9000];
  size_t len;
} row_buffer;

static void put(row_buffer *row, const void *bytes, size_t len) {
  memcpy(row->bytes + row->len, bytes, len);
  row->len += len;
}
static void put_number(row_buffer *row, uint64_t value, size_t size) {
  put(row, &value, size);
}
static void put_text(world *w, row_buffer *row) {
  uint32_t len = (uint32_t)(pick(w, 20) ? pick(w, 30) : pick(w, 6000));
  put_number(row, len, 4);
  uint64_t first = pick(w, 26);
  for (uint32_t i = 0; i < len; i++) row->bytes[row->len++] = (uint8_t)('a' + (first + i * 7) % 26);
}

/* Keys come from small ranges, so that they meet. */
static void random_row(world *w, int table, row_buffer *row) {
  row->len = 0;
  switch (table) {
    case MODEL_ACCOUNTS:
      put_number(row, pick(w, 3) ? 0 : 1000000 + pick(w, 20), 8); /* 0: the sequence decides */
      put_number(row, pick(w, 6), 4);
      put_number(row, pick(w, 3), 8);
      break;
    case MODEL_NOTES:
      put_number(row, pick(w, 30), 4);
      put_text(w, row);
      put_number(row, pick(w, 4), 1);
      break;
    case MODEL_BAG:
      put_number(row, pick(w, 3), 1);
      put_text(w, row);
      if (pick(w, 2)) row->len = 5, memset(row->bytes + 1, 0, 4); /* often the same */
      break;
    default:
      put_number(row, pick(w, 30), 1);
      put_number(row, pick(w, 2), 8);
      break;
  }
}

static size_t key_size(int table) {
  return table == MODEL_ACCOUNTS ? 8 : table == MODEL_NOTES ? 4 : table == MODEL_SLOTS ? 1 : 0;
}

/* The model's row with the same unique key; all of them begin with it. */
static const model_row *same_key(const world *w, int table, const uint8_t *key) {
  const model_table *rows = &w->model.tables[table];
  for (size_t i = 0; i < rows->count; i++) {
    if (key_size(table) && memcmp(rows->rows[i].bytes, key, key_size(table)) == 0) return &rows->rows[i];
  }
  return NULL;
}

/* ---- changes ---- */

static void note_drawn(world *w, uint64_t value) {
  if (value <= w->acknowledged_drawn) {
    broken(w, "L7", "the sequence gave out %llu again, an acknowledged transaction has %llu", (unsigned long long)value,
           (unsigned long long)w->acknowledged_drawn);
  }
  if (value != w->model.last_drawn[MODEL_ACCOUNTS] + 1) {
    broken(w, "L6", "the sequence gave out %llu behind %llu", (unsigned long long)value,
           (unsigned long long)w->model.last_drawn[MODEL_ACCOUNTS]);
  }
  w->model.last_drawn[MODEL_ACCOUNTS] = value;
}

static void expect_code(world *w, const char *what, int table, lc_err err, lc_err_code expected) {
  if (err.code == expected) return;
  broken(w, "L6", "%s in %s gave %s (%s), the model says %s", what, plans[table].name, lc_err_name(err.code), lc_err_text(err),
         lc_err_name(expected));
}

static void do_insert(world *w, int table) {
  row_buffer row;
  random_row(w, table, &row);
  bool draws = table == MODEL_ACCOUNTS && lc_load64(row.bytes) == 0;
  lc_insert_result result;
  lc_err err = lc_table_insert(w->tables[table], lc_span_of(row.bytes, row.len), &result);
  if (draws) {
    expect_code(w, "an insert", table, err, LC_OK);
    note_drawn(w, lc_load64(result.row.bytes));
    memcpy(row.bytes, result.row.bytes, 8);
  }
  bool is_there = model_has(&w->model, table, row.bytes, row.len);
  expect_code(w, "an insert", table, err, !is_there && same_key(w, table, row.bytes) ? LC_ERR_UNIQUE : LC_OK);
  if (lc_failed(err)) return;
  if (result.existed != is_there)
    broken(w, "L6", "an insert into %s took a row for %s", plans[table].name, result.existed ? "there" : "new");
  if (!is_there) model_insert(&w->model, table, row.bytes, row.len);
}

static void do_update(world *w, int table) {
  if (key_size(table) == 0) return;
  row_buffer row;
  random_row(w, table, &row);
  const model_table *rows = &w->model.tables[table];
  if (rows->count && pick(w, 4)) memcpy(row.bytes, rows->rows[pick(w, rows->count)].bytes, key_size(table)); /* mostly one that is there */
  if (table == MODEL_ACCOUNTS && lc_load64(row.bytes) == 0) return;
  lc_index *index = lc_store_index_by_name(w->store, lc_str_of(plans[table].indexes[0].name));
  const model_row *old = same_key(w, table, row.bytes);
  lc_insert_result result;
  lc_err err = lc_table_update(w->tables[table], index, lc_span_of(row.bytes, row.len), &result);
  expect_code(w, "an update", table, err, old ? LC_OK : LC_ERR_NO_SUCH_ROW);
  if (!old || model_has(&w->model, table, row.bytes, row.len)) return;
  row_buffer copy = {.len = old->len};
  memcpy(copy.bytes, old->bytes, old->len);
  model_delete(&w->model, table, copy.bytes, copy.len);
  model_insert(&w->model, table, row.bytes, row.len);
}

static void do_delete(world *w, int table) {
  row_buffer row;
  random_row(w, table, &row);
  const model_table *rows = &w->model.tables[table];
  if (rows->count && pick(w, 4)) {
    const model_row *victim = &rows->rows[pick(w, rows->count)];
    row.len = victim->len;
    memcpy(row.bytes, victim->bytes, victim->len);
  }
  bool was_there = model_has(&w->model, table, row.bytes, row.len);
  if (lc_table_delete_equal(w->tables[table], lc_span_of(row.bytes, row.len)) != was_there) {
    broken(w, "L6", "a delete in %s %s its row", plans[table].name, was_there ? "did not find" : "found");
  }
  if (was_there) model_delete(&w->model, table, row.bytes, row.len);
}

static void do_clear(world *w, int table) {
  uint64_t count = w->model.tables[table].count;
  if (lc_table_clear(w->tables[table]) != count) broken(w, "L6", "clearing %s removed another number of rows", plans[table].name);
  for (row_buffer row; w->model.tables[table].count;) {
    const model_row *first = &w->model.tables[table].rows[0];
    memcpy(row.bytes, first->bytes, row.len = first->len);
    model_delete(&w->model, table, row.bytes, row.len);
  }
}

/* ---- reads ---- */

/* Rows with this value of a column that every row has at a place of its own: found through an index, and one by one. */
static void read_index(world *w, int table) {
  if (plans[table].index_count == 0) return;
  const index_plan *plan = &plans[table].indexes[pick(w, plans[table].index_count)];
  lc_index *index = lc_store_index_by_name(w->store, lc_str_of(plan->name));
  row_buffer sample;
  random_row(w, table, &sample);
  uint64_t expected = 0, found = 0;
  uint16_t column = plan->columns[0];
  bool from_end = table == MODEL_NOTES && column == 2; /* the tag is the last byte */
  size_t at = table == MODEL_ACCOUNTS && column == 1 ? 8 : 0, size = from_end ? 1 : column == 1 ? 4 : key_size(table);
  uint8_t key[8];
  memcpy(key, from_end ? sample.bytes + sample.len - 1 : sample.bytes + at, size);
  for (size_t i = 0; i < w->model.tables[table].count; i++) {
    const model_row *row = &w->model.tables[table].rows[i];
    expected += memcmp(from_end ? row->bytes + row->len - 1 : row->bytes + at, key, size) == 0;
  }
  lc_scan scan;
  lc_err err = plan->count == 1 ? lc_index_scan_point(index, lc_span_of(key, size), &scan)
                                : lc_index_scan_range(index, lc_span_of(key, size), 1, (lc_bound){LC_BOUND_UNBOUNDED, {0}},
                                                      (lc_bound){LC_BOUND_UNBOUNDED, {0}}, &scan);
  expect_code(w, "a scan", table, err, LC_OK);
  for (lc_row row; lc_scan_next(&scan, &row); found++) {
    if (!model_has(&w->model, table, row.bytes, row.len)) broken(w, "L6", "index %s leads to a row that is not there", plan->name);
  }
  if (found != expected) {
    broken(w, "L6", "index %s has %llu rows of a key, the model %llu", plan->name, (unsigned long long)found, (unsigned long long)expected);
  }
}

void world_change(world *w) {
  for (uint64_t left = 1 + pick(w, 8); left > 0; left--) {
    int table = (int)pick(w, MODEL_TABLES);
    uint64_t what = pick(w, 100);
    if (what < 50)
      do_insert(w, table);
    else if (what < 70)
      do_update(w, table);
    else if (what < 85)
      do_delete(w, table);
    else if (what < 87)
      do_clear(w, table);
    else
      read_index(w, table);
  }
  if (pick(w, 5) == 0) {
    lc_insert_result result;
    uint32_t event = (uint32_t)pick(w, 1000);
    lc_err err = lc_table_insert(w->events, lc_span_of(&event, 4), &result);
    if (lc_failed(err)) broken(w, "L6", "an event: %s", lc_err_text(err));
  }
}

void world_compare(world *w) {
  lc_err err = lc_store_check(w->store);
  if (lc_failed(err)) broken(w, "L6", "%s", lc_err_text(err));
  for (int table = 0; table < MODEL_TABLES; table++) {
    uint64_t count = 0;
    lc_scan scan;
    lc_table_scan(w->tables[table], &scan);
    for (lc_row row; lc_scan_next(&scan, &row); count++) {
      if (!model_has(&w->model, table, row.bytes, row.len))
        broken(w, "L2", "%s holds a row that no surviving transaction left there", plans[table].name);
    }
    if (count != w->model.tables[table].count || count != lc_table_row_count(w->tables[table])) {
      broken(w, "L2", "%s has %llu rows, the model %zu", plans[table].name, (unsigned long long)count, w->model.tables[table].count);
    }
  }
  if (lc_table_row_count(w->events) != 0) broken(w, "L2", "an event outlived its transaction");
}
