/*
 * Rebuilding a store from logged effects.
 *
 * Effects are absolute (this row present, that row absent), and a fuzzy snapshot may already hold later ones: so for a while two rows may
 * share a unique key, and a row to delete may not be there. Therefore no index is kept during recovery, only the whole-row hash of each
 * table; lc_store_recovered builds everything from the rows, once, and that is also where a violated constraint shows up.
 *
 * Tables appear as soon as a record with rows of st_table and st_column goes on to rows of user tables (ids ascend, so those rows come
 * first); they go at the end of the record, because their own rows are deleted in it.
 */
#include <stdlib.h>

#include "store/table_internal.h"

static lc_err corrupt(uint32_t table_id, const char *what) {
  return lc_fail(LC_ERR_LOG_CORRUPT, "a logged row of table %u %s", table_id, what);
}

static lc_err corrupt_definition(uint32_t table_id, const char *how) {
  return lc_fail(LC_ERR_LOG_CORRUPT, "the catalogue describes table %u in a way that cannot be: %s", table_id, how);
}

void lc_store_apply_begin(lc_store *store) {
  lc_assert(!store->in_transaction);
  lc_store_release(store);
  if (store->recovering) return;
  store->recovering = true;
  for (lc_table *table = lc_store_next_table(store, NULL); table; table = lc_store_next_table(store, table)) {
    for (uint32_t i = 0; i < table->index_count; i++) lc__index_clear(table->indexes[i]);
    lc__table_fit_row_hash(table, true);
  }
}

/* ---- tables that come, change and go ---- */

enum { ID_MAX = 1 << 22 }; /* ids of tables and indexes are array positions here; a larger one is damage */

/* What a shape does not check, because definitions from outside have been validated (src/schema): here nobody has. */
static lc_err check_loaded(uint32_t table_id, const lc__loaded *loaded) {
  const lc_table_def *def = &loaded->def;
  if (def->is_system) return corrupt_definition(table_id, "as a system table");
  if (def->primary_key >= (int32_t)def->column_count) return corrupt_definition(table_id, "with a primary key that is no column");
  for (uint32_t i = 0; i < def->index_count; i++) {
    if (loaded->index_ids[i] >= ID_MAX) return corrupt_definition(table_id, "with an index of an impossible id");
  }
  const lc_schedule_def *schedule = def->schedule;
  if (schedule == NULL) return lc_ok();
  if (def->primary_key < 0 || lc_type_resolve(def->columns[def->primary_key].type)->kind != LC_TYPE_U64 ||
      schedule->at_column >= def->column_count ||
      lc_type_resolve(def->columns[schedule->at_column].type)->special != LC_SPECIAL_SCHEDULE_AT)
    return corrupt_definition(table_id, "as scheduled, without the columns of a schedule");
  return lc_ok();
}

static lc_err shape_of_loaded(uint32_t table_id, const lc__loaded *loaded, lc__shape **shape) {
  LC_TRY(check_loaded(table_id, loaded));
  lc_err err = lc__shape_create(&loaded->def, shape);
  return lc_failed(err) ? corrupt_definition(table_id, lc_err_text(err)) : lc_ok();
}

/* Whether the rows that are there are rows of the new layout too. */
static lc_err rows_keep_valid(const lc_table *table, const lc_layout *layout) {
  for (uint32_t id = lc__rows_next(&table->rows, 0); id != LC_ROW_NONE; id = lc__rows_next(&table->rows, id + 1)) {
    lc_row row = lc__rows_get(&table->rows, id);
    size_t used = 0;
    lc_err err = lc_layout_validate(layout, (lc_span){row.bytes, row.len}, &used);
    if (lc_failed(err) || used != row.len) return corrupt(table->id, "does not fit the column types that a later record gives its table");
  }
  return lc_ok();
}

/* Gives the table a shape made of `loaded`; its indexes are made with the recorded ids and left empty. */
static lc_err set_loaded_shape(lc_store *store, uint32_t table_id, const lc__loaded *loaded) {
  lc__shape *shape;
  LC_TRY(shape_of_loaded(table_id, loaded, &shape));
  lc_table *table = store->tables.items[table_id];
  lc_err err = lc_type_equal(table->shape->def.row, shape->def.row) ? lc_ok() : rows_keep_valid(table, shape->layout);
  if (lc_failed(err)) {
    lc__shape_destroy(shape);
    return err;
  }
  lc__shape *old = table->shape;
  lc__catalogue_unpublish(store, table);
  if (!lc__rows_fit(&table->rows, shape->layout)) {
    lc__rows before = table->rows;
    lc__rows_convert(&table->rows, &before, shape->layout);
    lc__rows_deinit(&before);
  }
  for (uint32_t i = 0; i < shape->def.index_count; i++) {
    const lc_index_def *def = &shape->def.indexes[i];
    shape->indexes[shape->index_count++] =
        lc__index_create(table, shape->layout, loaded->index_ids[i], def, lc__index_def_is_unique(&shape->def, def));
  }
  for (uint32_t i = 0; i < shape->def.constraint_count; i++) shape->constraint_ids[i] = loaded->constraint_ids[i];
  for (uint32_t i = 0; i < shape->def.sequence_count; i++) {
    shape->sequences[i].id = loaded->sequences[i].id;
    shape->sequences[i].row_id = loaded->sequences[i].row_id;
  }
  lc__shape_sort_indexes(shape);
  for (uint32_t i = 0; i < old->index_count; i++) lc__index_destroy(old->indexes[i]);
  lc__table_set_shape(table, shape);
  lc__shape_destroy(old);
  lc__catalogue_publish(store, table);
  return lc_ok();
}

static lc_err follow_table(lc_store *store, uint32_t table_id) {
  lc_arena arena = {0};
  lc__loaded loaded;
  lc_table *table = lc_store_table(store, table_id);
  lc_err err =
      table_id < ID_MAX ? lc__catalogue_load(store, &arena, table_id, true, &loaded) : corrupt(LC_ST_TABLE, "has an impossible id");
  if (!lc_failed(err) && table == NULL) {
    lc__shape *shape;
    err = shape_of_loaded(table_id, &loaded, &shape);
    if (!lc_failed(err)) lc__catalogue_publish(store, lc__table_create(store, table_id, shape));
  } else if (!lc_failed(err)) {
    lc_field *fields = LC_ARENA_ARRAY(&arena, lc_field, loaded.def.column_count + 1u);
    for (uint16_t i = 0; i < loaded.def.column_count; i++) fields[i] = (lc_field){loaded.def.columns[i].name, loaded.def.columns[i].type};
    if (!lc_type_equal(table->shape->def.row, lc_type_product(&arena, fields, loaded.def.column_count)))
      err = set_loaded_shape(store, table_id, &loaded);
  }
  lc_arena_deinit(&arena);
  return err;
}

/* Brings the tables in line with st_table and st_column, but lets none go yet. */
static lc_err follow_catalogue(lc_store *store) {
  lc_scan scan;
  lc_table_scan(store->tables.items[LC_ST_TABLE], &scan);
  for (lc_row row; lc_scan_next(&scan, &row);) {
    uint32_t id = lc_load32(row.bytes);
    if (id >= LC_ST_FIRST_USER) LC_TRY(follow_table(store, id));
  }
  return lc_ok();
}

static bool is_described(lc_store *store, uint32_t table_id) {
  lc_scan scan;
  lc_table_scan(store->tables.items[LC_ST_TABLE], &scan);
  for (lc_row row; lc_scan_next(&scan, &row);) {
    if (lc_load32(row.bytes) == table_id) return true;
  }
  return false;
}

lc_err lc_store_apply_end(lc_store *store) {
  lc_assert(store->recovering);
  if (!store->recovery_dirty) return lc_ok();
  for (size_t id = LC_ST_FIRST_USER; id < store->tables.count; id++) {
    lc_table *table = store->tables.items[id];
    if (table == NULL || is_described(store, (uint32_t)id)) continue;
    lc__catalogue_unpublish(store, table);
    lc__table_destroy(table);
  }
  store->recovery_dirty = false;
  return follow_catalogue(store);
}

/* ---- rows ---- */

static lc_err apply_to(lc_store *store, uint32_t table_id, lc_table **table) {
  lc_assert(store->recovering);
  if (store->recovery_dirty && table_id >= LC_ST_FIRST_USER) {
    LC_TRY(follow_catalogue(store));
    /* Tables that go are still to be looked for at the end of the record; what came is known now. */
  }
  *table = lc_store_table(store, table_id);
  return *table ? lc_ok() : corrupt(table_id, "belongs to no table");
}

static lc_err apply_check(const lc_table *table, lc_span row) {
  size_t used = 0;
  lc_err err = lc_layout_validate(table->layout, row, &used);
  if (lc_failed(err)) return lc_fail(LC_ERR_LOG_CORRUPT, "a logged row of table %u does not fit it: %s", table->id, lc_err_text(err));
  return used == row.len ? lc_ok() : corrupt(table->id, "has bytes behind it");
}

static void note_catalogue_change(lc_store *store, uint32_t table_id) {
  if (table_id == LC_ST_TABLE || table_id == LC_ST_COLUMN) store->recovery_dirty = true;
}

static void apply_remove(lc_table *table, uint32_t row_id) {
  lc__table_row_hash_remove(table, row_id);
  lc__bit_clear(table->rows.live, row_id);
  table->row_count--;
  lc__rows_free(&table->rows, row_id);
}

lc_err lc_store_apply_delete(lc_store *store, uint32_t table_id, lc_span row) {
  lc_table *table;
  LC_TRY(apply_to(store, table_id, &table));
  LC_TRY(apply_check(table, row));
  uint32_t id = lc__table_find_equal(table, row);
  if (id == LC_ROW_NONE) return lc_ok();
  apply_remove(table, id);
  note_catalogue_change(store, table_id);
  return lc_ok();
}

lc_err lc_store_apply_insert(lc_store *store, uint32_t table_id, lc_span row) {
  lc_table *table;
  LC_TRY(apply_to(store, table_id, &table));
  LC_TRY(apply_check(table, row));
  if (lc__table_find_equal(table, row) != LC_ROW_NONE) return lc_ok();
  uint32_t id;
  LC_TRY(lc__rows_put(&table->rows, row, &id));
  lc__bit_set(table->rows.live, id);
  lc__table_row_hash_add(table, id);
  table->row_count++;
  note_catalogue_change(store, table_id);
  return lc_ok();
}

lc_err lc_store_apply_truncate(lc_store *store, uint32_t table_id) {
  lc_table *table;
  LC_TRY(apply_to(store, table_id, &table));
  for (uint32_t row = lc__rows_next(&table->rows, 0); row != LC_ROW_NONE; row = lc__rows_next(&table->rows, row + 1))
    apply_remove(table, row);
  note_catalogue_change(store, table_id);
  return lc_ok();
}

/* ---- the end ---- */

static lc_err finish_table(lc_store *store, lc_table *table) {
  if (table->shape->def.is_event && table->row_count) return corrupt(table->id, "is there, but event tables keep none");
  for (uint32_t i = 0; i < table->index_count; i++) {
    lc_err err = lc__index_build(table->indexes[i]);
    if (lc_failed(err)) return lc_fail(LC_ERR_LOG_CORRUPT, "recovered rows break a constraint: %s", lc_err_text(err));
  }
  lc__table_fit_row_hash(table, table->first_unique == NULL);
  return lc_ok();
}

static lc_err finish_definition(lc_store *store, lc_table *table) {
  lc_arena arena = {0};
  lc__loaded loaded;
  lc_err err = lc__catalogue_load(store, &arena, table->id, false, &loaded);
  if (!lc_failed(err) && table->id >= LC_ST_FIRST_USER) {
    err = set_loaded_shape(store, table->id, &loaded);
  } else if (!lc_failed(err)) { /* system tables are what they are, but the rows of their sequences may lie elsewhere now */
    lc__shape *shape = table->shape;
    if (loaded.def.sequence_count != shape->def.sequence_count)
      err = corrupt(LC_ST_SEQUENCE, "for a system table is missing or one too many");
    else if (shape->def.sequence_count)
      shape->sequences[0].row_id = loaded.sequences[0].row_id;
  }
  lc_arena_deinit(&arena);
  return err;
}

lc_err lc_store_recovered(lc_store *store) {
  if (!store->recovering) return lc_ok();
  LC_TRY(lc_store_apply_end(store));
  for (lc_table *table = lc_store_next_table(store, NULL); table; table = lc_store_next_table(store, table))
    LC_TRY(finish_definition(store, table));
  store->recovering = false;
  for (lc_table *table = lc_store_next_table(store, NULL); table; table = lc_store_next_table(store, table))
    LC_TRY(finish_table(store, table));
  lc_err err = lc__catalogue_check(store);
  return lc_failed(err) ? lc_fail(LC_ERR_LOG_CORRUPT, "recovered rows contradict each other: %s", lc_err_text(err)) : lc_ok();
}
