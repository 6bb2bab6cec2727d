/*
 * The rows of the system tables that describe tables (datastore-and-lifecycle.md 1.1): encoded here, inserted and deleted like any other
 * rows, so that undo, delta, log and recovery need nothing special. An id of 0 is drawn from the table's sequence.
 */
#include "store/table_internal.h"

static lc_table *system_table(lc_store *store, uint32_t id) {
  return store->tables.items[id];
}

static lc_buf *row_begin(lc_store *store) {
  lc_buf_clear(&store->catalogue_row);
  return &store->catalogue_row;
}
static void put_str(lc_buf *row, lc_str text) {
  lc_buf_put_sized(row, text.ptr, text.len);
}
static void put_i128(lc_buf *row, __int128 value) {
  lc_buf_append(row, &value, 16);
}
static void put_columns(lc_buf *row, const uint16_t *columns, uint16_t count) {
  lc_buf_put32(row, count);
  for (uint16_t i = 0; i < count; i++) lc_buf_put16(row, columns[i]);
}

static lc_err row_end(lc_store *store, uint32_t table_id, lc_insert_result *result) {
  return lc_table_insert(system_table(store, table_id), lc_buf_span(&store->catalogue_row), result);
}
/* For tables whose first column is an id: the one given, or the one drawn for 0. */
static lc_err row_end_with_id(lc_store *store, uint32_t table_id, uint32_t *id) {
  lc_insert_result result;
  LC_TRY(row_end(store, table_id, &result));
  *id = lc_load32(result.row.bytes);
  return lc_ok();
}

/* ---- tables and columns ---- */

static void put_table(lc_buf *row, uint32_t id, const lc_table_def *def) {
  lc_buf_put32(row, id);
  put_str(row, def->name);
  put_str(row, def->is_system ? LC_STR("system") : LC_STR("user"));
  put_str(row, def->is_public ? LC_STR("public") : LC_STR("private"));
  uint16_t key = (uint16_t)def->primary_key;
  lc_buf_put8(row, def->primary_key < 0); /* 0 some, 1 none */
  if (def->primary_key >= 0) put_columns(row, &key, 1);
}

lc_err lc__catalogue_insert_table(lc_store *store, const lc_table_def *def, uint32_t *id) {
  put_table(row_begin(store), *id, def);
  return row_end_with_id(store, LC_ST_TABLE, id);
}

lc_err lc__catalogue_update_table(lc_store *store, uint32_t id, const lc_table_def *def) {
  lc_table *table = system_table(store, LC_ST_TABLE);
  put_table(row_begin(store), id, def);
  return lc_table_update(table, table->indexes[0], lc_buf_span(&store->catalogue_row), NULL);
}

lc_err lc__catalogue_insert_columns(lc_store *store, uint32_t table_id, const lc_table_def *def) {
  for (uint16_t i = 0; i < def->column_count; i++) {
    lc_buf *row = row_begin(store);
    lc_buf_put32(row, table_id);
    lc_buf_put16(row, i);
    put_str(row, def->columns[i].name);
    size_t len_at = row->len;
    lc_buf_put32(row, 0);
    lc_type_encode(row, def->columns[i].type);
    lc_store32(row->data + len_at, (uint32_t)(row->len - len_at - 4));
    LC_TRY(row_end(store, LC_ST_COLUMN, NULL));
  }
  return lc_ok();
}

/* ---- indexes, constraints, sequences ---- */

/* st_index.index_algorithm: a sum {0 Unused, 1 BTree{columns}, 2 Direct{column}, 3 Hash{columns}}. */
static const uint8_t algorithm_tag[] = {[LC_INDEX_BTREE] = 1, [LC_INDEX_DIRECT] = 2, [LC_INDEX_HASH] = 3};

lc_err lc__catalogue_insert_index(lc_store *store, uint32_t table_id, const lc_index_def *def, uint32_t *id) {
  lc_buf *row = row_begin(store);
  lc_buf_put32(row, *id);
  lc_buf_put32(row, table_id);
  put_str(row, def->name);
  lc_buf_put8(row, algorithm_tag[def->kind]);
  if (def->kind == LC_INDEX_DIRECT)
    lc_buf_put16(row, def->columns[0]);
  else
    put_columns(row, def->columns, def->column_count);
  return row_end_with_id(store, LC_ST_INDEX, id);
}

lc_err lc__catalogue_insert_constraint(lc_store *store, uint32_t table_id, const lc_constraint_def *def, uint32_t *id) {
  lc_buf *row = row_begin(store);
  lc_buf_put32(row, *id);
  put_str(row, def->name);
  lc_buf_put32(row, table_id);
  lc_buf_put8(row, 1); /* 0 Unused, 1 Unique */
  put_columns(row, def->columns, def->column_count);
  return row_end_with_id(store, LC_ST_CONSTRAINT, id);
}

lc_err lc__catalogue_insert_sequence(lc_store *store, uint32_t table_id, const lc_sequence_def *def, __int128 allocated,
                                     lc__sequence *sequence) {
  lc_buf *row = row_begin(store);
  lc_buf_put32(row, sequence->id);
  put_str(row, def->name);
  lc_buf_put32(row, table_id);
  lc_buf_put16(row, def->column);
  put_i128(row, def->increment);
  put_i128(row, def->start);
  put_i128(row, def->min_value);
  put_i128(row, def->max_value);
  put_i128(row, allocated); /* last: sequence.c patches it there */
  lc_insert_result result;
  LC_TRY(row_end(store, LC_ST_SEQUENCE, &result));
  sequence->id = lc_load32(result.row.bytes);
  sequence->row_id = result.row.id;
  return lc_ok();
}

/* ---- what else there is to know ---- */

lc_err lc__catalogue_insert_schedule(lc_store *store, uint32_t table_id, const lc_schedule_def *def) {
  lc_buf *row = row_begin(store);
  lc_buf_put32(row, 0);
  lc_buf_put32(row, table_id);
  put_str(row, def->function_name);
  put_str(row, def->name);
  lc_buf_put16(row, def->at_column);
  return row_end(store, LC_ST_SCHEDULED, NULL);
}

lc_err lc__catalogue_insert_event(lc_store *store, uint32_t table_id) {
  lc_buf_put32(row_begin(store), table_id);
  return row_end(store, LC_ST_EVENT_TABLE, NULL);
}

static lc_err insert_names(lc_store *store, uint32_t system_table_id, lc_str a, lc_str b, lc_str c) {
  lc_buf *row = row_begin(store);
  put_str(row, a);
  put_str(row, b);
  if (c.ptr) put_str(row, c);
  return row_end(store, system_table_id, NULL);
}

lc_err lc__catalogue_insert_accessors(lc_store *store, const lc_table_def *def) {
  if (def->source_name.ptr) LC_TRY(insert_names(store, LC_ST_TABLE_ACCESSOR, def->name, def->source_name, (lc_str){0}));
  for (uint32_t i = 0; i < def->index_count; i++) {
    const lc_index_def *index = &def->indexes[i];
    if (index->source_name.ptr) LC_TRY(insert_names(store, LC_ST_INDEX_ACCESSOR, index->name, index->source_name, (lc_str){0}));
  }
  for (uint16_t i = 0; i < def->column_count; i++) {
    const lc_column_def *column = &def->columns[i];
    if (column->source_name.ptr) LC_TRY(insert_names(store, LC_ST_COLUMN_ACCESSOR, def->name, column->name, column->source_name));
  }
  return lc_ok();
}

/* ---- deleting ---- */

static void delete_found(lc_table *table, lc_scan *scan) {
  uint32_t ids[64]; /* deleting changes the index under the scan: in batches, each found by a scan of its own */
  uint32_t count = 0;
  for (lc_row row; count < 64 && lc_scan_next(scan, &row);) ids[count++] = row.id;
  for (uint32_t i = 0; i < count; i++) lc_table_delete(table, ids[i]);
}

/* Rows whose key in the index at `position` begins with `prefix` (one column of several, or the only one). */
static void delete_by_prefix(lc_store *store, uint32_t system_table_id, uint32_t position, lc_span prefix) {
  lc_table *table = system_table(store, system_table_id);
  lc_index *index = table->indexes[position];
  for (uint64_t before = UINT64_MAX; before != table->row_count;) {
    before = table->row_count;
    lc_scan scan;
    lc_bound open = {.kind = LC_BOUND_UNBOUNDED};
    lc_err err =
        index->def.column_count == 1 ? lc_index_scan_point(index, prefix, &scan) : lc_index_scan_range(index, prefix, 1, open, open, &scan);
    lc_assert(!lc_failed(err)); /* the key is our own */
    delete_found(table, &scan);
  }
}

static void delete_by_name(lc_store *store, uint32_t system_table_id, lc_str name) {
  lc_buf *key = row_begin(store);
  put_str(key, name);
  delete_by_prefix(store, system_table_id, 0, lc_buf_span(key));
}

static void delete_by_number(lc_store *store, uint32_t system_table_id, uint32_t position, uint32_t number) {
  uint8_t key[4];
  lc_store32(key, number);
  delete_by_prefix(store, system_table_id, position, (lc_span){key, 4});
}

void lc__catalogue_delete_id(lc_store *store, uint32_t system_table_id, uint32_t id) {
  delete_by_number(store, system_table_id, 0, id);
}
void lc__catalogue_delete_columns(lc_store *store, uint32_t table_id) {
  delete_by_number(store, LC_ST_COLUMN, 0, table_id);
}
void lc__catalogue_delete_schedule(lc_store *store, uint32_t table_id) {
  delete_by_number(store, LC_ST_SCHEDULED, 1, table_id);
}

void lc__catalogue_delete_accessors(lc_store *store, const lc_table_def *def) {
  delete_by_name(store, LC_ST_TABLE_ACCESSOR, def->name);
  delete_by_name(store, LC_ST_COLUMN_ACCESSOR, def->name);
  for (uint32_t i = 0; i < def->index_count; i++) delete_by_name(store, LC_ST_INDEX_ACCESSOR, def->indexes[i].name);
}
