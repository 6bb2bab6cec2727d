/*
 * The delta of a transaction: per table the rows that are gone and the rows that are new, each at most once and on one side (S3).
 *
 * One pass over the undo list. Only the first entry of a row counts: it says what the row was before (an insert: nothing; a delete or
 * update: these bytes), and the table says what it is now. Where every row was changed once, that is already the net result, and it is a
 * straight copy: a unique key separates any old row from any new one, unless rows were both inserted and deleted, or some row changed
 * more than once. Only then are equal bytes looked for on the two sides: in pairs when they are few, else through a hash.
 */
#include "store/table_internal.h"

enum { PAIRS_MAX = 256 };

static inline void delta_add(lc_table_delta *to, const lc__undo *entry) {
  const lc_table *table = entry->table;
  if (entry->kind == LC__UNDO_UPDATE) {
    to->deletes[to->delete_count++] = (lc_row){entry->object, entry->len, LC_ROW_NONE};
  } else if (entry->kind == LC__UNDO_DELETE) {
    lc_row row = lc__rows_get(&table->rows, entry->row);
    row.id = LC_ROW_NONE;
    to->deletes[to->delete_count++] = row;
    return;
  }
  if (!lc__bit(table->rows.live, entry->row)) return;
  lc_row row = lc__rows_get(&table->rows, entry->row);
  if (table->shape->def.is_event) row.id = LC_ROW_NONE; /* it leaves the table before anybody sees the delta */
  to->inserts[to->insert_count++] = row;
}

static bool same_row(const lc_row *a, const lc_row *b) {
  return a->len == b->len && (a->len == 0 || memcmp(a->bytes, b->bytes, a->len) == 0);
}

/* Takes out the rows that are gone, keeping the order of the others. */
static uint32_t compact(lc_row *rows, const bool *gone, uint32_t count) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (!gone[i]) rows[kept++] = rows[i];
  }
  return kept;
}

static uint32_t find_pair(const lc_table_delta *delta, const bool *gone, const lc_row *row) {
  for (uint32_t i = 0; i < delta->delete_count; i++) {
    if (!gone[i] && same_row(&delta->deletes[i], row)) return i;
  }
  return UINT32_MAX;
}

/* Position + 1 of deletes by hash of their bytes, linear probing; at least twice as many slots as deletes. */
typedef struct delete_map {
  uint32_t *slots;
  uint64_t mask;
} delete_map;

static delete_map map_deletes(lc_arena *arena, const lc_table_delta *delta) {
  delete_map map = {.mask = 15};
  while (map.mask + 1 < 2ull * delta->delete_count) map.mask = map.mask * 2 + 1;
  map.slots = LC_ARENA_ARRAY(arena, uint32_t, map.mask + 1);
  for (uint32_t i = 0; i < delta->delete_count; i++) {
    uint64_t at = lc_hash64(delta->deletes[i].bytes, delta->deletes[i].len) & map.mask;
    while (map.slots[at]) at = (at + 1) & map.mask;
    map.slots[at] = i + 1;
  }
  return map;
}

static uint32_t find_mapped(const delete_map *map, const lc_table_delta *delta, const bool *gone, const lc_row *row) {
  for (uint64_t at = lc_hash64(row->bytes, row->len) & map->mask; map->slots[at]; at = (at + 1) & map->mask) {
    uint32_t i = map->slots[at] - 1;
    if (!gone[i] && same_row(&delta->deletes[i], row)) return i;
  }
  return UINT32_MAX;
}

static void delta_net(lc_arena *arena, lc_table_delta *delta) {
  if (delta->insert_count == 0 || delta->delete_count == 0) return;
  bool *gone_deletes = LC_ARENA_ARRAY(arena, bool, delta->delete_count), *gone_inserts = LC_ARENA_ARRAY(arena, bool, delta->insert_count);
  bool mapped = (uint64_t)delta->insert_count * delta->delete_count > PAIRS_MAX;
  delete_map map = {0};
  if (mapped) map = map_deletes(arena, delta);
  for (uint32_t i = 0; i < delta->insert_count; i++) {
    uint32_t pair =
        mapped ? find_mapped(&map, delta, gone_deletes, &delta->inserts[i]) : find_pair(delta, gone_deletes, &delta->inserts[i]);
    if (pair != UINT32_MAX) gone_deletes[pair] = gone_inserts[i] = true;
  }
  delta->delete_count = compact(delta->deletes, gone_deletes, delta->delete_count);
  delta->insert_count = compact(delta->inserts, gone_inserts, delta->insert_count);
}

static void sort_tables(lc_table **tables, size_t count) {
  for (size_t i = 1; i < count; i++) { /* few, and usually in order already */
    lc_table *table = tables[i];
    size_t at = i;
    for (; at > 0 && tables[at - 1]->id > table->id; at--) tables[at] = tables[at - 1];
    tables[at] = table;
  }
}

/* Room for every row that could be listed. */
static lc_table_delta *delta_prepare(lc_store *store) {
  sort_tables(store->tx_tables.items, store->tx_tables.count);
  lc_table_delta *deltas = LC_ARENA_ARRAY(&store->arena, lc_table_delta, store->tx_tables.count);
  for (size_t i = 0; i < store->tx_tables.count; i++) {
    lc_table *table = store->tx_tables.items[i];
    deltas[i].table = table;
    deltas[i].dropped = table->dropped;
    deltas[i].inserts = lc_arena_alloc(&store->arena, ((size_t)table->tx_inserts + table->tx_updates) * sizeof(lc_row));
    deltas[i].deletes = lc_arena_alloc(&store->arena, ((size_t)table->tx_deletes + table->tx_updates) * sizeof(lc_row));
    table->tx_position = (uint32_t)i;
  }
  return deltas;
}

void lc__delta_build(lc_store *store) {
  lc_table_delta *deltas = delta_prepare(store);
  for (size_t i = 0; i < store->undo.count; i++) {
    const lc__undo *entry = &store->undo.items[i];
    if (entry->kind > LC__UNDO_UPDATE || entry->repeated) continue;
    lc__bit_clear(entry->table->rows.touched, entry->row);
    delta_add(&deltas[entry->table->tx_position], entry);
  }
  uint32_t count = 0;
  for (size_t i = 0; i < store->tx_tables.count; i++) {
    lc_table_delta *delta = &deltas[i];
    lc_table *table = delta->table;
    if (table->tx_repeated || (table->tx_inserts > 0 && table->tx_deletes > 0)) delta_net(&store->arena, delta);
    if (delta->insert_count == 0 && delta->delete_count == 0) continue;
    uint64_t before = table->row_count - delta->insert_count + delta->delete_count;
    delta->truncated = delta->delete_count > 0 && delta->delete_count == before;
    deltas[count++] = *delta;
  }
  store->delta = (lc_delta){deltas, count};
}
