/*
 * The one open transaction: what it changed, in order, so that it can be taken back (to a savepoint or wholly) or handed out as the delta.
 *
 *            begin                commit                         release / begin
 *   idle ────────────▶ open ─────────────────▶ committed ─────────────────────────▶ idle
 *                       │  abort: entries are undone from the last to the first
 *                       └────────────────────────────────────────────────────────▶ idle
 *
 * Rows that the transaction deleted and blocks that its updates replaced are freed at release, not before (S4): until then no row id is
 * used twice, so an id means one row throughout.
 */
#include "store/table_internal.h"

lc__undo *lc__undo_push(lc_store *store, lc__undo_kind kind, lc_table *table) {
  lc_assert(!store->delta_ready);
  lc_vec_push(&store->undo, ((lc__undo){.kind = (uint8_t)kind, .table = table}));
  store->release_frees |= kind > LC__UNDO_PATCH;
  return &store->undo.items[store->undo.count - 1];
}

/* ---- taking back ---- */

static void undo_insert(lc_table *table, uint32_t row) {
#ifdef LC_PLANT_SKIP_UNDO_OF_INDEX
  /* The planted defect: the entry in the last index stays behind. */
  lc_index *last = table->index_count ? table->indexes[table->index_count - 1] : NULL;
  if (last && table->id >= LC_ST_FIRST_USER) {
    for (uint32_t i = 0; i + 1 < table->index_count; i++) lc__index_remove(table->indexes[i], row);
    if (table->has_row_hash) lc__table_row_hash_remove(table, row);
    lc__bit_clear(table->rows.live, row);
    table->row_count--;
    return; /* and with it the slot, so that reading through the stale entry is wrong but not wild */
  }
#endif
  lc__table_unlink(table, row);
  lc__rows_free(&table->rows, row);
}

static void undo_entry(lc_store *store, lc__undo *entry) {
  lc_table *table = entry->table;
  switch ((lc__undo_kind)entry->kind) {
    case LC__UNDO_INSERT:
      if (!entry->repeated) lc__bit_clear(table->rows.touched, entry->row);
      table->tx_inserts--;
      undo_insert(table, entry->row);
      return;
    case LC__UNDO_DELETE:
      if (!entry->repeated) lc__bit_clear(table->rows.touched, entry->row);
      table->tx_deletes--;
      lc__table_link(table, entry->row);
      return;
    case LC__UNDO_UPDATE:
      if (!entry->repeated) lc__bit_clear(table->rows.touched, entry->row);
      table->tx_updates--;
      lc__table_swap_bytes(table, entry);
      return;
    case LC__UNDO_PATCH: {
      const lc__row_block *block = lc__rows_block(&table->rows, entry->row);
      memcpy(block->bytes + block->len - 16, entry->object, 16);
      return;
    }
    case LC__UNDO_CREATE:
    case LC__UNDO_DROP:
    case LC__UNDO_RESHAPE:
      lc__catalogue_undo(store, entry);
      return;
  }
}

static void undo_to(lc_store *store, size_t len) {
  lc_assert(len <= store->undo.count);
  while (store->undo.count > len) undo_entry(store, &store->undo.items[--store->undo.count]);
}

lc_savepoint lc_store_savepoint(lc_store *store) {
  lc_assert(store->in_transaction);
  return (lc_savepoint){store->undo.count};
}

void lc_store_rollback_to(lc_store *store, lc_savepoint savepoint) {
  lc_assert(store->in_transaction && !store->delta_ready);
  undo_to(store, savepoint.undo_len);
}

/* ---- begin and end ---- */

static void forget_transaction(lc_store *store) {
  for (size_t i = 0; i < store->tx_tables.count; i++) {
    lc_table *table = store->tx_tables.items[i];
    table->tx_listed = table->tx_repeated = false;
    table->tx_inserts = table->tx_deletes = table->tx_updates = 0;
  }
  lc_vec_clear(&store->tx_tables);
}

void lc_store_begin(lc_store *store) {
  lc_assert(!store->in_transaction && !store->recovering);
  lc_store_release(store);
  store->in_transaction = true;
}

bool lc_store_in_transaction(const lc_store *store) {
  return store->in_transaction;
}
bool lc_store_has_changes(const lc_store *store) {
  return store->in_transaction && store->undo.count > 0;
}

/* Rows of event tables leave with the transaction; what is recorded here frees them at release. */
static void end_events(lc_store *store) {
  for (size_t i = 0; i < store->tx_tables.count; i++) {
    lc_table *table = store->tx_tables.items[i];
    if (table->shape->def.is_event && table->row_count > 0 && !table->dropped) lc_table_clear(table);
  }
}

const lc_delta *lc_store_delta(lc_store *store) {
  lc_assert(store->in_transaction);
  if (!store->delta_ready) lc__delta_build(store);
  store->delta_ready = true;
  return &store->delta;
}

void lc_store_commit(lc_store *store, const lc_delta **delta) {
  (void)lc_store_delta(store);
  store->delta_ready = false;
  size_t changes = store->undo.count;
  end_events(store);
  for (size_t i = changes; i < store->undo.count; i++) { /* of the others, making the delta has forgotten it */
    const lc__undo *entry = &store->undo.items[i];
    lc__bit_clear(entry->table->rows.touched, entry->row);
  }
  forget_transaction(store);
  store->in_transaction = false;
  store->committed = true;
  if (delta) *delta = &store->delta;
}

void lc_store_abort(lc_store *store) {
  lc_assert(store->in_transaction);
  store->delta_ready = false;
  undo_to(store, 0);
  forget_transaction(store);
  lc_arena_reset(&store->arena);
  store->release_frees = false;
  store->in_transaction = false;
}

static void release_entries(lc_store *store) {
  for (size_t i = 0; i < store->undo.count; i++) {
    lc__undo *entry = &store->undo.items[i];
    lc_table *table = entry->table;
    if (entry->kind == LC__UNDO_DELETE) {
      lc__rows_free(&table->rows, entry->row);
    } else if (entry->kind == LC__UNDO_UPDATE && entry->class != LC__CLASS_ARENA) {
      lc__heap_free(&table->rows.heap, entry->object, entry->len, entry->class);
    }
  }
  /* Tables that went away go last: entries above still spoke of their rows. */
  for (size_t i = 0; i < store->undo.count; i++) {
    if (store->undo.items[i].kind > LC__UNDO_PATCH) lc__catalogue_release(store, &store->undo.items[i]);
  }
}

void lc_store_release(lc_store *store) {
  if (!store->committed) return;
  if (store->release_frees) release_entries(store);
  store->release_frees = false;
  lc_vec_clear(&store->undo);
  lc_arena_reset(&store->arena);
  store->delta = (lc_delta){0};
  store->committed = false;
}
