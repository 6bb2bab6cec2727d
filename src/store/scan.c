/*
 * Scans: a position by value, no allocation. lc_scan.state[0] says what is scanned, the others where it is:
 *
 *   ROWS    1 the next id
 *   ONE     1 the row
 *   TREE    1, 2 leaf and position; 3, 4 leaf and position of the end
 *   DIRECT  1 the next value; 2 the last
 *
 * Positions point into the table, so it must not change while a scan is in use.
 */
#include "store/table_internal.h"

enum { SCAN_EMPTY, SCAN_ROWS, SCAN_ONE, SCAN_TREE, SCAN_DIRECT };

void lc_table_scan(lc_table *table, lc_scan *scan) {
  *scan = (lc_scan){.table = table, .state = {SCAN_ROWS, 0}};
}

static void scan_one(lc_scan *scan, uint32_t row) {
  if (row == LC_ROW_NONE) return;
  scan->state[0] = SCAN_ONE;
  scan->state[1] = row;
}

static void scan_tree(lc_scan *scan, lc__tree_position from, lc__tree_position to) {
  scan->state[0] = SCAN_TREE;
  scan->state[1] = (uint64_t)(uintptr_t)from.leaf;
  scan->state[2] = from.at;
  scan->state[3] = (uint64_t)(uintptr_t)to.leaf;
  scan->state[4] = to.at;
}

bool lc_scan_next(lc_scan *scan, lc_row *row) {
  uint32_t id = LC_ROW_NONE;
  switch (scan->state[0]) {
    case SCAN_ROWS:
      id = lc__rows_next(&scan->table->rows, (uint32_t)scan->state[1]);
      if (id != LC_ROW_NONE) scan->state[1] = id + 1;
      break;
    case SCAN_ONE:
      id = (uint32_t)scan->state[1];
      scan->state[0] = SCAN_EMPTY;
      break;
    case SCAN_TREE: {
      if (scan->state[1] == scan->state[3] && scan->state[2] == scan->state[4]) break;
      lc__tree_position at = {(lc__tree_node *)(uintptr_t)scan->state[1], (uint32_t)scan->state[2]};
      id = lc__tree_next(&at);
      scan->state[1] = (uint64_t)(uintptr_t)at.leaf;
      scan->state[2] = at.at;
      break;
    }
    case SCAN_DIRECT:
      id = lc__direct_next(&scan->index->direct, &scan->state[1], scan->state[2]);
      break;
    default:
      break;
  }
  if (id == LC_ROW_NONE) return false;
  *row = lc__rows_get(&scan->table->rows, id);
  return true;
}

lc_err lc_index_scan_point(lc_index *index, lc_span key, lc_scan *scan) {
  *scan = (lc_scan){.table = index->table, .index = index};
  LC_TRY(lc__index_check_key(index, &key));
  if (index->unique) {
    scan_one(scan, lc__index_find_key(index, key));
    return lc_ok();
  }
  lc__probe probe = lc__probe_of_bytes(&index->key, index->tree.hashed, key.ptr, key.len, index->key.column_count);
  scan_tree(scan, lc__tree_seek(&index->tree, &probe, false), lc__tree_seek(&index->tree, &probe, true));
  return lc_ok();
}

static void scan_direct(lc_index *index, lc_bound from, lc_bound to, lc_scan *scan) {
  uint64_t first = 0, last = UINT64_MAX - 1;
  if (from.kind != LC_BOUND_UNBOUNDED) {
    first = lc__key_word_of_bytes(&index->key, from.value.ptr, 1);
    if (from.kind == LC_BOUND_EXCLUDED && first++ == UINT64_MAX) return;
  }
  if (to.kind != LC_BOUND_UNBOUNDED) {
    last = lc__key_word_of_bytes(&index->key, to.value.ptr, 1);
    if (to.kind == LC_BOUND_EXCLUDED && last-- == 0) return;
    if (last == UINT64_MAX) last--; /* the array ends at UINT32_MAX anyway */
  }
  if (first > last) return;
  scan->state[0] = SCAN_DIRECT;
  scan->state[1] = first;
  scan->state[2] = last;
}

/* The position at one end of a range: of the bound under the prefix, or of the whole prefix when there is no bound. */
static lc__tree_position range_end(lc_index *index, lc_span prefix, uint16_t prefix_columns, lc_bound bound, bool is_upper) {
  if (bound.kind == LC_BOUND_UNBOUNDED && prefix_columns == 0) return is_upper ? (lc__tree_position){0} : lc__tree_first(&index->tree);
  lc_buf *bytes = &index->table->store->row_scratch;
  lc_buf_clear(bytes);
  lc_buf_put_span(bytes, prefix);
  bool bounded = bound.kind != LC_BOUND_UNBOUNDED;
  if (bounded) lc_buf_put_span(bytes, bound.value);
  lc_buf_reserve(bytes, 1); /* a key of empty products has no bytes, but needs an address */
  lc__probe probe = lc__probe_of_bytes(&index->key, false, bytes->data, bytes->len, (uint16_t)(prefix_columns + bounded));
  bool after = bounded ? (bound.kind == LC_BOUND_EXCLUDED) != is_upper : is_upper;
  return lc__tree_seek(&index->tree, &probe, after);
}

/* Whether no value lies within the bounds: from over to, or equal with an exclusive side. */
static bool range_is_empty(const lc_index *index, uint16_t column, lc_bound from, lc_bound to) {
  if (from.kind == LC_BOUND_UNBOUNDED || to.kind == LC_BOUND_UNBOUNDED) return false;
  int order = lc__key_value_compare(&index->key, column, from.value.ptr, to.value.ptr);
  return order > 0 || (order == 0 && (from.kind == LC_BOUND_EXCLUDED || to.kind == LC_BOUND_EXCLUDED));
}

static lc_err bound_check(const lc_index *index, uint16_t column, lc_bound *bound) {
  if (bound->kind == LC_BOUND_UNBOUNDED) return lc_ok();
  size_t used;
  LC_TRY(lc__key_validate(&index->key, column, 1, bound->value, &used));
  bound->value.len = used;
  return lc_ok();
}

lc_err lc_index_scan_range(lc_index *index, lc_span prefix, uint32_t prefix_columns, lc_bound from, lc_bound to, lc_scan *scan) {
  *scan = (lc_scan){.table = index->table, .index = index};
  if (!lc_index_has_ranges(index))
    return lc_fail(LC_ERR_INDEX_KIND, "index %.*s is a hash index: it has no order to scan a range of", LC_STR_ARGS(index->def.name));
  if (prefix_columns >= index->def.column_count) {
    return lc_fail(LC_ERR_BSATN, "the prefix has %u columns, but index %.*s has only %u", prefix_columns, LC_STR_ARGS(index->def.name),
                   index->def.column_count);
  }
  uint16_t column = (uint16_t)prefix_columns;
  if (column == 0) prefix.len = 0;
  LC_TRY(lc__key_validate(&index->key, 0, column, prefix, &prefix.len));
  LC_TRY(bound_check(index, column, &from));
  LC_TRY(bound_check(index, column, &to));
  if (range_is_empty(index, column, from, to)) return lc_ok();
  bool whole = column + 1 == index->def.column_count && from.kind == LC_BOUND_INCLUDED && to.kind == LC_BOUND_INCLUDED;
  if (whole && column == 0 && lc_span_equal(from.value, to.value)) return lc_index_scan_point(index, from.value, scan);
  if (index->mode == LC__INDEX_DIRECT) {
    scan_direct(index, from, to, scan);
    return lc_ok();
  }
  lc__index_want_tree(index);
  scan_tree(scan, range_end(index, prefix, column, from, false), range_end(index, prefix, column, to, true));
  return lc_ok();
}
