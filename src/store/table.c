/*
 * Rows of one table: insert, update, delete, with set semantics (S1), unique constraints, and everything recorded for undo and delta.
 *
 * An update keeps the row's id and writes over its bytes: indexes whose key does not change are not touched, others are moved. The old
 * bytes stay in the undo list: inlined rows are copied there, others hand over their block.
 */
#include "store/table_internal.h"

/* ---- whole rows by hash, for tables without a unique index ---- */

static uint64_t row_hash_key(lc_span row) {
  return (uint32_t)(lc_hash64(row.ptr, row.len) >> 32);
}
static lc_span row_span(const lc_table *table, uint32_t row_id) {
  lc_row row = lc__rows_get(&table->rows, row_id);
  return (lc_span){row.bytes, row.len};
}

void lc__table_row_hash_add(lc_table *table, uint32_t row) {
  lc__hash_add(&table->row_hash, row_hash_key(row_span(table, row)), row);
}
void lc__table_row_hash_remove(lc_table *table, uint32_t row) {
  bool found = lc__hash_remove(&table->row_hash, row_hash_key(row_span(table, row)), row);
  lc_assert(found);
}

uint32_t lc__table_find_equal(lc_table *table, lc_span row) {
  if (!table->has_row_hash) {
    uint32_t id = lc__index_find_row(table->first_unique, row.ptr);
    return id != LC_ROW_NONE && lc_span_equal(row_span(table, id), row) ? id : LC_ROW_NONE;
  }
  uint64_t key = row_hash_key(row);
  lc__hash_cursor cursor = lc__hash_start(&table->row_hash, key);
  for (uint32_t id; (id = lc__hash_next(&table->row_hash, key, &cursor)) != LC_ROW_NONE;) {
    if (lc_span_equal(row_span(table, id), row)) return id;
  }
  return LC_ROW_NONE;
}

void lc__table_link(lc_table *table, uint32_t row) {
  for (uint32_t i = 0; i < table->index_count; i++) lc__index_add(table->indexes[i], row);
  if (table->has_row_hash) lc__table_row_hash_add(table, row);
  lc__bit_set(table->rows.live, row);
  table->row_count++;
}

void lc__table_unlink(lc_table *table, uint32_t row) {
  lc_assert(lc__rows_is_live(&table->rows, row));
  for (uint32_t i = 0; i < table->index_count; i++) lc__index_remove(table->indexes[i], row);
  if (table->has_row_hash) lc__table_row_hash_remove(table, row);
  lc__bit_clear(table->rows.live, row);
  table->row_count--;
}

/* ---- what comes in ---- */

/* Cuts `row` to the row that it holds. Errors: LC_ERR_BSATN. */
static lc_err row_check(const lc_table *table, lc_span *row) {
  const lc_layout *layout = table->layout;
  if (layout->plain && row->len == layout->fixed_size) return lc_ok();
  if (row->len > UINT32_MAX) return lc_fail(LC_ERR_TOO_LARGE, "a row of %zu bytes is over the limit of 4 GiB", row->len);
  size_t used;
  LC_TRY(lc_layout_validate(layout, *row, &used));
  row->len = used;
  return lc_ok();
}

/* The row with its generated columns: `*row` then points to the store's copy when the table has sequences. */
static lc_err row_generate(lc_table *table, lc_span *row) {
  lc_store *store = table->store;
  lc_buf_clear(&store->generated);
  if (__builtin_expect(table->sequence_count == 0, 1)) return lc_ok();
  lc_buf_clear(&store->row_scratch);
  lc_buf_put_span(&store->row_scratch, *row);
  *row = lc_buf_span(&store->row_scratch);
  return lc__sequences_fill(table, store->row_scratch.data);
}

/* Whether the row may enter: sets `*existing` when it is there already. `except` is the row that it replaces, or LC_ROW_NONE. */
static lc_err row_admit(lc_table *table, lc_span row, uint32_t except, uint32_t *existing) {
  *existing = LC_ROW_NONE;
  if (table->has_row_hash) *existing = lc__table_find_equal(table, row);
  for (uint32_t i = 0; i < table->index_count && *existing == LC_ROW_NONE; i++) {
    lc_index *index = table->indexes[i];
    if (!index->unique) continue;
    uint32_t id = lc__index_find_row(index, row.ptr);
    if (id == LC_ROW_NONE || id == except) continue;
    /* An identical row has the same key in every unique index, so the first one that finds anything finds it. */
    if (!lc_span_equal(row_span(table, id), row)) return lc__index_violation(index, row.ptr);
    *existing = id;
  }
  return lc_ok();
}

lc_err lc__table_insert_as_is(lc_table *table, lc_span row, uint32_t *row_id) {
  LC_TRY(lc__rows_put(&table->rows, row, row_id));
  lc__table_link(table, *row_id);
  lc__undo_row(table, LC__UNDO_INSERT, *row_id, NULL, 0, 0);
  return lc_ok();
}

lc_err lc_table_insert(lc_table *table, lc_span row, lc_insert_result *result) {
  lc_assert(table->store->in_transaction && !table->dropped);
  LC_TRY(row_check(table, &row));
  LC_TRY(row_generate(table, &row));
  uint32_t id;
  LC_TRY(row_admit(table, row, LC_ROW_NONE, &id));
  bool existed = id != LC_ROW_NONE;
  if (!existed) LC_TRY(lc__table_insert_as_is(table, row, &id));
  if (result) *result = (lc_insert_result){lc__rows_get(&table->rows, id), existed, lc_buf_span(&table->store->generated)};
  return lc_ok();
}

/* ---- update ---- */

/* Whether the two rows have the same bytes in all columns of the index. */
static bool same_key_bytes(const lc_index *index, const uint8_t *a, const uint8_t *b) {
  const lc__key_spec *spec = &index->key;
  if (spec->is_fast)
    return lc__load_sized(a + spec->fast_offset, spec->fast_size) == lc__load_sized(b + spec->fast_offset, spec->fast_size);
  for (uint16_t i = 0; i < spec->column_count; i++) {
    if (!lc_span_equal(lc_layout_column(spec->layout, a, spec->columns[i]), lc_layout_column(spec->layout, b, spec->columns[i])))
      return false;
  }
  return true;
}

static void write_bytes(lc_table *table, uint32_t row_id, lc_span row, void **old, uint32_t *old_len, uint32_t *old_class) {
  uint8_t *slot = lc__rows_slot(&table->rows, row_id);
  if (table->rows.inlined) {
    *old = lc_arena_copy(&table->store->arena, slot, row.len);
    *old_len = (uint32_t)row.len;
    *old_class = LC__CLASS_ARENA;
    if (row.len) memcpy(slot, row.ptr, row.len);
    return;
  }
  lc__row_block *block = (lc__row_block *)(void *)slot;
  *old = block->bytes;
  *old_len = block->len;
  *old_class = block->class;
  block->bytes = lc__heap_alloc(&table->rows.heap, row.len, &block->class);
  block->len = (uint32_t)row.len;
  if (row.len) memcpy(block->bytes, row.ptr, row.len);
}

/* `others`: there are indexes besides `by` whose keys may change. */
static void replace_row(lc_table *table, const lc_index *by, uint32_t row_id, lc_span row) {
  const uint8_t *old_bytes = lc__row_bytes(table, row_id);
  uint64_t moved = 0; /* bit per index; with more than 64 of them the others are always moved */
  for (uint32_t i = 0; i < table->index_count; i++) {
    lc_index *index = table->indexes[i];
    if (index == by || (i < 64 && same_key_bytes(index, old_bytes, row.ptr))) continue;
    if (i < 64) moved |= 1ull << i;
    lc__index_remove(index, row_id);
  }
  if (table->has_row_hash) lc__table_row_hash_remove(table, row_id);
  void *old = NULL;
  uint32_t len = 0, class = 0;
  write_bytes(table, row_id, row, &old, &len, &class);
  for (uint32_t i = 0; i < table->index_count && (moved || table->index_count > 64); i++) {
    lc_index *index = table->indexes[i];
    if (index != by && (i >= 64 || moved >> i & 1)) lc__index_add(index, row_id);
  }
  if (table->has_row_hash) lc__table_row_hash_add(table, row_id);
  lc__undo_row(table, LC__UNDO_UPDATE, row_id, old, len, class);
}

void lc__table_replace(lc_table *table, uint32_t row_id, lc_span row) {
  replace_row(table, NULL, row_id, row);
}

void lc__table_swap_bytes(lc_table *table, lc__undo *entry) {
  uint32_t row_id = entry->row;
  uint64_t moved = 0;
  const uint8_t *old = entry->object;
  for (uint32_t i = 0; i < table->index_count; i++) {
    if (i < 64 && same_key_bytes(table->indexes[i], lc__row_bytes(table, row_id), old)) continue;
    if (i < 64) moved |= 1ull << i;
    lc__index_remove(table->indexes[i], row_id);
  }
  if (table->has_row_hash) lc__table_row_hash_remove(table, row_id);
  uint8_t *slot = lc__rows_slot(&table->rows, row_id);
  if (table->rows.inlined) {
    if (entry->len) memcpy(slot, old, entry->len);
  } else {
    lc__row_block *block = (lc__row_block *)(void *)slot;
    lc__heap_free(&table->rows.heap, block->bytes, block->len, block->class);
    *block = (lc__row_block){entry->object, entry->len, entry->class};
  }
  for (uint32_t i = 0; i < table->index_count; i++) {
    if (i >= 64 || moved >> i & 1) lc__index_add(table->indexes[i], row_id);
  }
  if (table->has_row_hash) lc__table_row_hash_add(table, row_id);
}

/* Short rows without a call: two words that may overlap. */
static inline bool short_equal(const uint8_t *a, const uint8_t *b, size_t len) {
  if (len < 8 || len > 16) return memcmp(a, b, len) == 0;
  return lc_load64(a) == lc_load64(b) && lc_load64(a + len - 8) == lc_load64(b + len - 8);
}
static inline void short_copy(uint8_t *to, const uint8_t *from, size_t len) {
  if (len < 8 || len > 16) {
    memcpy(to, from, len);
    return;
  }
  uint64_t first = lc_load64(from), last = lc_load64(from + len - 8);
  lc_store64(to, first);
  lc_store64(to + len - 8, last);
}

/* The commonest update, for tables that say so: nothing to validate, generate or check, no index to touch. False: take the long way. */
static inline bool update_simply(lc_table *table, lc_index *index, lc_span row, lc_insert_result *result) {
  if (row.len != table->rows.row_len) return false;
  uint32_t id = lc__index_find_word(index, lc__key_word_of_row(&index->key, row.ptr));
  if (id == LC_ROW_NONE) return false;
  uint8_t *slot = lc__rows_slot(&table->rows, id);
  bool same = short_equal(slot, row.ptr, row.len);
  if (!same) {
    uint8_t *old = lc_arena_alloc(&table->store->arena, row.len);
    short_copy(old, slot, row.len);
    short_copy(slot, row.ptr, row.len);
    lc__undo_row(table, LC__UNDO_UPDATE, id, old, (uint32_t)row.len, LC__CLASS_ARENA);
  }
  if (result) *result = (lc_insert_result){{slot, (uint32_t)row.len, id}, same, {0}};
  return true;
}

lc_err lc_table_update(lc_table *table, lc_index *index, lc_span row, lc_insert_result *result) {
  lc_assert(table->store->in_transaction && !table->dropped);
  if (table->updates_simply && index == table->indexes[0] && update_simply(table, index, row, result)) return lc_ok();
  if (index->table != table) {
    return lc_fail(LC_ERR_NO_SUCH_INDEX, "index %.*s does not belong to table %.*s", LC_STR_ARGS(index->def.name),
                   LC_STR_ARGS(table->shape->def.name));
  }
  if (!index->unique)
    return lc_fail(LC_ERR_INDEX_NOT_UNIQUE, "index %.*s is not unique: it does not say which row to update", LC_STR_ARGS(index->def.name));
  LC_TRY(row_check(table, &row));
  LC_TRY(row_generate(table, &row));
  uint32_t id = lc__index_find_row(index, row.ptr), existing = LC_ROW_NONE;
  if (id == LC_ROW_NONE)
    return lc_fail(LC_ERR_NO_SUCH_ROW, "no row of table %.*s has this key in index %.*s", LC_STR_ARGS(table->shape->def.name),
                   LC_STR_ARGS(index->def.name));
  bool same = lc_span_equal(row_span(table, id), row);
  if (!same) {
    if (table->index_count > 1) LC_TRY(row_admit(table, row, id, &existing));
    lc_assert(existing == LC_ROW_NONE); /* an identical row would have the same key in `index` */
    replace_row(table, index, id, row);
  }
  if (result) *result = (lc_insert_result){lc__rows_get(&table->rows, id), same, lc_buf_span(&table->store->generated)};
  return lc_ok();
}

/* ---- delete, find ---- */

void lc_table_delete(lc_table *table, uint32_t row_id) {
  lc_assert(table->store->in_transaction && !table->dropped);
  lc__table_unlink(table, row_id);
  lc__undo_row(table, LC__UNDO_DELETE, row_id, NULL, 0, 0);
}

bool lc_table_find_equal(lc_table *table, lc_span row, lc_row *found) {
  if (lc_failed(row_check(table, &row))) return false;
  uint32_t id = lc__table_find_equal(table, row);
  if (id == LC_ROW_NONE) return false;
  if (found) *found = lc__rows_get(&table->rows, id);
  return true;
}

bool lc_table_delete_equal(lc_table *table, lc_span row) {
  lc_row found;
  if (!lc_table_find_equal(table, row, &found)) return false;
  lc_table_delete(table, found.id);
  return true;
}

uint64_t lc_table_clear(lc_table *table) {
  uint64_t count = table->row_count;
  for (uint32_t row = lc__rows_next(&table->rows, 0); row != LC_ROW_NONE; row = lc__rows_next(&table->rows, row + 1))
    lc_table_delete(table, row);
  return count;
}

/* ---- what it is ---- */

uint32_t lc_table_id(const lc_table *table) {
  return table->id;
}
lc_str lc_table_name(const lc_table *table) {
  return table->shape->def.name;
}
const lc_table_def *lc_table_def_of(const lc_table *table) {
  return &table->shape->def;
}
const lc_layout *lc_table_layout(const lc_table *table) {
  return table->layout;
}
uint64_t lc_table_row_count(const lc_table *table) {
  return table->row_count;
}
uint32_t lc_table_index_count(const lc_table *table) {
  return table->index_count;
}
lc_index *lc_table_index(const lc_table *table, uint32_t position) {
  return position < table->index_count ? table->indexes[position] : NULL;
}
uint64_t *lc_table_tag(lc_table *table) {
  return &table->tag;
}

uint64_t lc_table_memory(const lc_table *table) {
  uint64_t bytes = lc__rows_memory(&table->rows) + lc__hash_memory(&table->row_hash);
  for (uint32_t i = 0; i < table->index_count; i++) bytes += lc__index_memory(table->indexes[i]);
  return bytes;
}
