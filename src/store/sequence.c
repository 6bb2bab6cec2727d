/*
 * Auto-increment. A sequence is its row of st_sequence and nothing else: `allocated`, the last 16 bytes of the row, is the next value.
 *
 * A draw returns it and writes its successor into the row, within the transaction. So an aborted transaction gives its numbers back, a
 * restart leaves no gap, and a value that an acknowledged transaction received is never given out again (L7), because the record that
 * acknowledged it holds the row. The record is needed: what was drawn cannot be told from the rows inserted (a row may be gone again, or
 * have failed), and explicit values must not move the sequence. Its cost is one row image per sequence and *transaction*: the first draw
 * saves the row like any update, later ones only patch it, and the delta has one delete and one insert however many values were drawn.
 */
#include "store/table_internal.h"

static lc_err sequence_next(const lc__sequence *sequence, __int128 value, __int128 *next) {
  if (__builtin_add_overflow(value, sequence->increment, next)) {
    return lc_fail(LC_ERR_SEQUENCE, "sequence %u is exhausted: the value after its last does not fit 128 bits", sequence->id);
  }
  /* Beyond an end it goes on from the other; unsigned arithmetic, since the range may be wider than a signed number. */
  unsigned __int128 range = (unsigned __int128)sequence->max_value - (unsigned __int128)sequence->min_value + 1;
  if (*next > sequence->max_value && range != 0) {
    *next = (__int128)((unsigned __int128)sequence->min_value +
                       ((unsigned __int128)*next - (unsigned __int128)sequence->max_value - 1) % range);
  } else if (*next < sequence->min_value && range != 0) {
    *next = (__int128)((unsigned __int128)sequence->max_value -
                       ((unsigned __int128)sequence->min_value - (unsigned __int128)*next - 1) % range);
  }
  return lc_ok();
}

/* Owners may delete rows of system tables by SQL, so the row need not be there, and its place may hold another one. */
bool lc__sequence_row(lc_store *store, const lc__sequence *sequence, lc_row *row) {
  const lc_table *table = store->tables.items[LC_ST_SEQUENCE];
  if (!lc__rows_is_live(&table->rows, sequence->row_id)) return false;
  *row = lc__rows_get(&table->rows, sequence->row_id);
  return lc_load32(row->bytes) == sequence->id;
}

lc_err lc__sequence_draw(lc_store *store, const lc__sequence *sequence, __int128 *value) {
  lc_table *table = store->tables.items[LC_ST_SEQUENCE];
  lc_row row;
  if (!lc__sequence_row(store, sequence, &row)) {
    return lc_fail(LC_ERR_SEQUENCE, "the row of sequence %u is gone from st_sequence: nothing can be generated", sequence->id);
  }
  __int128 next;
  memcpy(value, row.bytes + row.len - 16, 16);
  LC_TRY(sequence_next(sequence, *value, &next));
  if (lc__bit(table->rows.touched, sequence->row_id)) {
    lc__undo *entry = lc__undo_push(store, LC__UNDO_PATCH, table);
    entry->row = sequence->row_id;
    entry->object = lc_arena_copy(&store->arena, value, 16);
    memcpy(lc__rows_block(&table->rows, sequence->row_id)->bytes + row.len - 16, &next, 16);
    return lc_ok();
  }
  lc_buf *changed = &store->sequence_row;
  lc_buf_clear(changed);
  lc_buf_append(changed, row.bytes, row.len - 16);
  lc_buf_append(changed, &next, 16);
  lc__table_replace(table, sequence->row_id, lc_buf_span(changed));
  return lc_ok();
}

static bool is_zero(const uint8_t *at, uint8_t size) {
  for (uint8_t i = 0; i < size; i++) {
    if (at[i]) return false;
  }
  return true;
}

lc_err lc__sequences_fill(lc_table *table, uint8_t *row) {
  for (uint32_t i = 0; i < table->sequence_count; i++) {
    const lc__sequence *sequence = &table->shape->sequences[i];
    uint8_t *at = (uint8_t *)(uintptr_t)lc_layout_column(table->layout, row, sequence->column).ptr;
    if (!is_zero(at, sequence->size)) continue;
    __int128 value;
    LC_TRY(lc__sequence_draw(table->store, sequence, &value));
    /* Truncated to the column, or extended by its sign to 256 bits. */
    if (sequence->size > 16) memset(at + 16, value < 0 ? 0xff : 0, sequence->size - 16u);
    memcpy(at, &value, sequence->size < 16 ? sequence->size : 16);
    lc_buf_append(&table->store->generated, at, sequence->size);
  }
  return lc_ok();
}
