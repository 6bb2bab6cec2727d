/*
 * Tables and indexes by id and name, their creation and their end. What the system tables say and what is here always agree
 * (lc_store_check compares them): a change of one is made together with the other, in one transaction, and undone with it.
 */
#include <stdlib.h>

#include "store/table_internal.h"

/* ---- look-up ---- */

lc_table *lc_store_table(lc_store *store, uint32_t table_id) {
  return table_id < store->tables.count ? store->tables.items[table_id] : NULL;
}
lc_index *lc_store_index(lc_store *store, uint32_t index_id) {
  return index_id < store->indexes.count ? store->indexes.items[index_id] : NULL;
}

lc_table *lc_store_table_by_name(lc_store *store, lc_str name) {
  uint64_t id;
  if (!lc_map_get(&store->table_names, name, &id) && !lc_map_get(&store->table_aliases, name, &id)) return NULL;
  return lc_store_table(store, (uint32_t)id);
}

lc_index *lc_store_index_by_name(lc_store *store, lc_str name) {
  uint64_t id;
  if (!lc_map_get(&store->index_names, name, &id) && !lc_map_get(&store->index_aliases, name, &id)) return NULL;
  return lc_store_index(store, (uint32_t)id);
}

lc_table *lc_store_next_table(lc_store *store, const lc_table *after) {
  for (size_t id = after ? after->id + 1u : 0; id < store->tables.count; id++) {
    if (store->tables.items[id]) return store->tables.items[id];
  }
  return NULL;
}

/* ---- ids and names ---- */

static void map_add(lc_map *map, lc_str name, uint32_t id) {
  if (name.ptr) lc_map_put(map, name, id);
}
/* Only when the name still leads to this id: names of indexes are not unique in the store. */
static void map_drop(lc_map *map, lc_str name, uint32_t id) {
  uint64_t found;
  if (name.ptr && lc_map_get(map, name, &found) && found == id) lc_map_remove(map, name);
}

void lc__catalogue_publish(lc_store *store, lc_table *table) {
  while (store->tables.count <= table->id) lc_vec_push(&store->tables, NULL);
  store->tables.items[table->id] = table;
  map_add(&store->table_names, table->shape->def.name, table->id);
  map_add(&store->table_aliases, table->shape->def.source_name, table->id);
  for (uint32_t i = 0; i < table->index_count; i++) {
    lc_index *index = table->indexes[i];
    while (store->indexes.count <= index->id) lc_vec_push(&store->indexes, NULL);
    store->indexes.items[index->id] = index;
    map_add(&store->index_names, index->def.name, index->id);
    map_add(&store->index_aliases, index->def.source_name, index->id);
  }
}

void lc__catalogue_unpublish(lc_store *store, lc_table *table) {
  store->tables.items[table->id] = NULL;
  map_drop(&store->table_names, table->shape->def.name, table->id);
  map_drop(&store->table_aliases, table->shape->def.source_name, table->id);
  for (uint32_t i = 0; i < table->index_count; i++) {
    lc_index *index = table->indexes[i];
    store->indexes.items[index->id] = NULL;
    map_drop(&store->index_names, index->def.name, index->id);
    map_drop(&store->index_aliases, index->def.source_name, index->id);
  }
}

/* ---- tables in memory ---- */

void lc__table_fit_row_hash(lc_table *table, bool needed) {
  if (table->has_row_hash == needed) return;
  table->has_row_hash = needed;
  if (!needed) {
    lc__hash_deinit(&table->row_hash);
    return;
  }
  lc__hash_init(&table->row_hash, false);
  for (uint32_t row = lc__rows_next(&table->rows, 0); row != LC_ROW_NONE; row = lc__rows_next(&table->rows, row + 1))
    lc__table_row_hash_add(table, row);
}

void lc__shape_sort_indexes(lc__shape *shape) {
  for (uint32_t i = 1; i < shape->index_count; i++) {
    lc_index *index = shape->indexes[i];
    uint32_t at = i;
    for (; at > 0 && shape->indexes[at - 1]->id > index->id; at--) shape->indexes[at] = shape->indexes[at - 1];
    shape->indexes[at] = index;
  }
}

void lc__table_set_shape(lc_table *table, lc__shape *shape) {
  table->shape = shape;
  table->layout = shape->layout;
  table->indexes = shape->indexes;
  table->index_count = shape->index_count;
  table->sequence_count = shape->def.sequence_count;
  table->first_unique = NULL;
  for (uint32_t i = shape->index_count; i-- > 0;) {
    if (shape->indexes[i]->unique) table->first_unique = shape->indexes[i];
  }
  table->updates_simply = shape->layout->plain && table->rows.inlined && table->sequence_count == 0 && table->index_count == 1 &&
                          table->indexes[0]->unique && table->indexes[0]->key.is_fast;
  lc__table_fit_row_hash(table, table->first_unique == NULL || table->store->recovering);
}

lc_table *lc__table_create(lc_store *store, uint32_t id, lc__shape *shape) {
  lc_table *table = calloc(1, sizeof *table);
  lc_assert(table != NULL);
  table->store = store;
  table->id = id;
  lc__rows_init(&table->rows, shape->layout, shape->def.is_system);
  lc__table_set_shape(table, shape);
  return table;
}

void lc__table_destroy(lc_table *table) {
  for (uint32_t i = 0; i < table->shape->index_count; i++) lc__index_destroy(table->shape->indexes[i]);
  for (lc__shape *shape = table->shape, *previous; shape; shape = previous) {
    previous = shape->previous;
    lc__shape_destroy(shape);
  }
  lc__hash_deinit(&table->row_hash);
  lc__rows_deinit(&table->rows);
  free(table);
}

/* ---- creation and end, in a transaction ---- */

/* Everything about a new table but its row in st_table. `positions`: where sequences start instead of at their start, or NULL. */
static lc_err create_parts(lc_store *store, lc_table *table, lc__shape *shape, const __int128 *positions) {
  const lc_table_def *def = &shape->def;
  LC_TRY(lc__catalogue_insert_columns(store, table->id, def));
  for (uint32_t i = 0; i < def->index_count; i++) {
    uint32_t id = 0;
    LC_TRY(lc__catalogue_insert_index(store, table->id, &def->indexes[i], &id));
    shape->indexes[shape->index_count++] =
        lc__index_create(table, shape->layout, id, &def->indexes[i], lc__index_def_is_unique(def, &def->indexes[i]));
  }
  lc__shape_sort_indexes(shape);
  lc__table_set_shape(table, shape);
  for (uint32_t i = 0; i < def->constraint_count; i++)
    LC_TRY(lc__catalogue_insert_constraint(store, table->id, &def->constraints[i], &shape->constraint_ids[i]));
  for (uint32_t i = 0; i < def->sequence_count; i++) {
    const lc_sequence_def *sequence = &def->sequences[i];
    LC_TRY(lc__catalogue_insert_sequence(store, table->id, sequence, positions ? positions[i] : sequence->start, &shape->sequences[i]));
  }
  if (def->schedule) LC_TRY(lc__catalogue_insert_schedule(store, table->id, def->schedule));
  if (def->is_event) LC_TRY(lc__catalogue_insert_event(store, table->id));
  return lc__catalogue_insert_accessors(store, def);
}

static lc_err create_table(lc_store *store, lc__shape *shape, const __int128 *positions, lc_table **created) {
  lc_savepoint savepoint = lc_store_savepoint(store);
  uint32_t id = 0;
  lc_err err = lc__catalogue_insert_table(store, &shape->def, &id);
  if (lc_failed(err)) {
    lc_store_rollback_to(store, savepoint);
    lc__shape_destroy(shape);
    return err;
  }
  lc_table *table = lc__table_create(store, id, shape);
  err = create_parts(store, table, shape, positions);
  if (lc_failed(err)) {
    lc_store_rollback_to(store, savepoint);
    lc__table_destroy(table);
    return err;
  }
  lc__catalogue_publish(store, table);
  lc__undo_push(store, LC__UNDO_CREATE, table);
  if (created) *created = table;
  return lc_ok();
}

lc_err lc_store_create_table(lc_store *store, const lc_table_def *def, lc_table **created) {
  lc_assert(store->in_transaction);
  lc__shape *shape;
  LC_TRY(lc__shape_create(def, &shape));
  shape->def.is_system = false;
  return create_table(store, shape, NULL, created);
}

/* Takes the table out of the catalogue; its rows stay. */
static void retire_table(lc_store *store, lc_table *table) {
  const lc__shape *shape = table->shape;
  for (uint32_t i = 0; i < shape->index_count; i++) lc__catalogue_delete_id(store, LC_ST_INDEX, shape->indexes[i]->id);
  for (uint32_t i = 0; i < shape->def.constraint_count; i++) lc__catalogue_delete_id(store, LC_ST_CONSTRAINT, shape->constraint_ids[i]);
  for (uint32_t i = 0; i < shape->def.sequence_count; i++) lc__catalogue_delete_id(store, LC_ST_SEQUENCE, shape->sequences[i].id);
  if (shape->def.schedule) lc__catalogue_delete_schedule(store, table->id);
  if (shape->def.is_event) lc__catalogue_delete_id(store, LC_ST_EVENT_TABLE, table->id);
  lc__catalogue_delete_accessors(store, &shape->def);
  lc__catalogue_delete_columns(store, table->id);
  lc__catalogue_delete_id(store, LC_ST_TABLE, table->id);
  lc__catalogue_unpublish(store, table);
  table->dropped = true;
  lc__undo_push(store, LC__UNDO_DROP, table);
}

void lc_store_drop_table(lc_store *store, lc_table *table) {
  lc_assert(store->in_transaction && !table->dropped && table->id >= LC_ST_FIRST_USER);
  lc_table_clear(table);
  retire_table(store, table);
}

/* ---- rebuilding with more columns ---- */

/* Checks that `def` is the old table with columns behind it, and collects the bytes that each row gets. Errors: LC_ERR_MIGRATION. */
static lc_err added_columns(const lc_table_def *old, const lc_table_def *def, lc_buf *tail) {
  if (def->column_count < old->column_count) return lc_fail(LC_ERR_MIGRATION, "table %.*s would lose columns", LC_STR_ARGS(def->name));
  for (uint16_t i = 0; i < old->column_count; i++) {
    if (!lc_type_equal(old->columns[i].type, def->columns[i].type)) {
      return lc_fail(LC_ERR_MIGRATION, "column %.*s of table %.*s changes its type", LC_STR_ARGS(def->columns[i].name),
                     LC_STR_ARGS(def->name));
    }
  }
  for (uint16_t i = old->column_count; i < def->column_count; i++) {
    const lc_column_def *column = &def->columns[i];
    lc_cursor cursor = lc_cursor_of(column->default_value);
    if (column->default_value.ptr == NULL) {
      return lc_fail(LC_ERR_MIGRATION, "column %.*s is added to table %.*s without a default value", LC_STR_ARGS(column->name),
                     LC_STR_ARGS(def->name));
    }
    LC_TRY(lc_err_context(lc_value_validate(column->type, &cursor), "default value of column %.*s", LC_STR_ARGS(column->name)));
    lc_buf_append(tail, column->default_value.ptr, (size_t)(cursor.at - column->default_value.ptr));
  }
  return lc_ok();
}

/* Where the sequences of `def` go on: at the position of the old one of the same name, else at their start. */
static __int128 *keep_positions(lc_store *store, const lc_table *old, const lc_table_def *def, lc_arena *arena) {
  __int128 *positions = LC_ARENA_ARRAY(arena, __int128, def->sequence_count + 1u);
  for (uint32_t i = 0; i < def->sequence_count; i++) {
    positions[i] = def->sequences[i].start;
    for (uint32_t k = 0; k < old->sequence_count; k++) {
      if (!lc_str_equal(old->shape->def.sequences[k].name, def->sequences[i].name)) continue;
      lc_row row;
      if (lc__sequence_row(store, &old->shape->sequences[k], &row)) memcpy(&positions[i], row.bytes + row.len - 16, 16);
    }
  }
  return positions;
}

/* Inserts every row of `old`, each with `tail` behind it, without drawing sequences. */
static lc_err copy_rows(const lc_table *old, lc_table *rebuilt, lc_span tail) {
  lc_buf bytes = {0};
  lc_err err = lc_ok();
  for (uint32_t id = lc__rows_next(&old->rows, 0); id != LC_ROW_NONE && !lc_failed(err); id = lc__rows_next(&old->rows, id + 1)) {
    lc_row row = lc__rows_get(&old->rows, id);
    lc_buf_clear(&bytes);
    lc_buf_append(&bytes, row.bytes, row.len);
    lc_buf_put_span(&bytes, tail);
    for (uint32_t i = 0; i < rebuilt->index_count && !lc_failed(err); i++) {
      lc_index *index = rebuilt->indexes[i];
      if (index->unique && lc__index_find_row(index, bytes.data) != LC_ROW_NONE) err = lc__index_violation(index, bytes.data);
    }
    uint32_t copied;
    if (!lc_failed(err)) err = lc__table_insert_as_is(rebuilt, lc_buf_span(&bytes), &copied);
  }
  lc_buf_deinit(&bytes);
  return err;
}

static lc_err rebuild_table(lc_store *store, lc_table *old, lc__shape *shape, lc_span tail, lc_arena *arena, lc_table **rebuilt) {
  const __int128 *positions = keep_positions(store, old, &shape->def, arena);
  /* The rows stay until they are copied, but the names must be free for the new table: so first the catalogue, then the rows. */
  retire_table(store, old);
  LC_TRY(create_table(store, shape, positions, rebuilt));
  LC_TRY(copy_rows(old, *rebuilt, tail));
  old->dropped = false;
  lc_table_clear(old);
  old->dropped = true;
  return lc_ok();
}

lc_err lc_store_rebuild_table(lc_store *store, lc_table *old, const lc_table_def *def, lc_table **rebuilt) {
  lc_assert(store->in_transaction && !old->dropped && old->id >= LC_ST_FIRST_USER);
  lc_savepoint savepoint = lc_store_savepoint(store);
  lc_arena arena = {0};
  lc_buf tail = {0};
  lc__shape *shape;
  lc_err err = lc__shape_create(def, &shape);
  if (!lc_failed(err)) {
    err = added_columns(&old->shape->def, &shape->def, &tail);
    if (lc_failed(err))
      lc__shape_destroy(shape);
    else
      err = rebuild_table(store, old, shape, lc_buf_span(&tail), &arena, rebuilt);
  }
  if (lc_failed(err)) lc_store_rollback_to(store, savepoint);
  lc_buf_deinit(&tail);
  lc_arena_deinit(&arena);
  return err;
}

/* ---- undo and release ---- */

static bool shape_has_index(const lc__shape *shape, const lc_index *index) {
  for (uint32_t i = 0; i < shape->index_count; i++) {
    if (shape->indexes[i] == index) return true;
  }
  return false;
}

static void destroy_indexes_only_in(lc__shape *shape, const lc__shape *other) {
  for (uint32_t i = 0; i < shape->index_count; i++) {
    if (!shape_has_index(other, shape->indexes[i])) lc__index_destroy(shape->indexes[i]);
  }
}

static void forget_in_transaction(lc_store *store, const lc_table *table) {
  for (size_t i = 0; i < store->tx_tables.count; i++) {
    if (store->tx_tables.items[i] != table) continue;
    lc_vec_remove_swap(&store->tx_tables, i);
    return;
  }
}

void lc__catalogue_undo(lc_store *store, lc__undo *entry) {
  lc_table *table = entry->table;
  if (entry->kind == LC__UNDO_CREATE) {
    lc__catalogue_unpublish(store, table);
    forget_in_transaction(store, table);
    lc__table_destroy(table);
  } else if (entry->kind == LC__UNDO_DROP) {
    table->dropped = false;
    lc__catalogue_publish(store, table);
  } else {
    lc__reshape *change = entry->object;
    lc__shape *undone = table->shape;
    lc_assert(undone == change->to);
    lc__catalogue_unpublish(store, table);
    if (change->converted) {
      lc__rows_deinit(&table->rows);
      table->rows = change->rows;
    }
    lc__table_set_shape(table, change->from);
    destroy_indexes_only_in(undone, change->from);
    lc__shape_destroy(undone);
    lc__catalogue_publish(store, table);
  }
}

void lc__catalogue_release(lc_store *store, lc__undo *entry) {
  if (entry->kind == LC__UNDO_DROP) {
    lc__table_destroy(entry->table);
  } else if (entry->kind == LC__UNDO_RESHAPE) {
    lc__reshape *change = entry->object;
    destroy_indexes_only_in(change->from, change->to);
    change->from->index_count = 0; /* what is left of it is its layout */
    if (change->converted) lc__rows_deinit(&change->rows);
  }
}
