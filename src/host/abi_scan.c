/*
 * Scans and row iterators. A scan is evaluated at once into the iterator's own buffer, so later changes in the transaction do not
 * show; buffers are kept and used again. Rows are handed out in chunks: a chunk ends with the row that takes it over 32 KiB, and an
 * advance copies whole chunks. "Done" comes together with the last rows: `find` of the published crates depends on it.
 */
#include "host/abi_internal.h"

/* ---- iterators ---- */

static lc_abi_iterator *iterator_find(lc_abi *abi, uint32_t id) {
  if (id == 0 || id > abi->iterators.count || !abi->iterators.items[id - 1].open) return NULL;
  return &abi->iterators.items[id - 1];
}

/* The id of a fresh iterator, the one closed last if there is any; 0: the guest traps. */
static uint32_t iterator_open(lc_abi *abi) {
  uint32_t id = abi->iterator_free;
  if (__builtin_expect(id != 0, 1)) {
    abi->iterator_free = abi->iterators.items[id - 1].next_free;
  } else {
    if (abi->iterators.count == LC_ITERATOR_COUNT_MAX)
      return lc__abi_trap(abi, "a module may have at most %d open row iterators", LC_ITERATOR_COUNT_MAX);
    lc_vec_push(&abi->iterators, (lc_abi_iterator){0});
    id = (uint32_t)abi->iterators.count;
  }
  lc_abi_iterator *iterator = &abi->iterators.items[id - 1];
  iterator->open = true;
  iterator->chunk_start = iterator->taken = iterator->next_end = 0;
  lc_buf_clear(&iterator->rows);
  lc_vec_clear(&iterator->ends);
  return id;
}

static void iterator_close(lc_abi *abi, uint32_t id) {
  lc_abi_iterator *iterator = &abi->iterators.items[id - 1];
  iterator->open = false;
  if (abi->iterator_bytes > LC_ITERATOR_BYTES_KEPT_MAX) {
    abi->iterator_bytes -= iterator->rows.cap;
    lc_buf_deinit(&iterator->rows);
  }
  iterator->next_free = abi->iterator_free;
  abi->iterator_free = id;
}

/* False: the guest traps, because its iterators would hold more than an instance may. */
static bool iterator_add(lc_abi *abi, lc_abi_iterator *iterator, lc_row row) {
  size_t before = iterator->rows.cap;
  if (__builtin_expect(before - iterator->rows.len < row.len, 0)) {
    if (abi->iterator_bytes + iterator->rows.len + row.len > abi->iterator_bytes_max) {
      lc__abi_trap(abi, "the row iterators of a module may hold at most %llu bytes", (unsigned long long)abi->iterator_bytes_max);
      return false;
    }
    lc_buf_reserve(&iterator->rows, row.len);
    abi->iterator_bytes += iterator->rows.cap - before;
  }
  if (iterator->rows.len - iterator->chunk_start > LC_ITERATOR_CHUNK_BYTES) {
    lc_vec_push(&iterator->ends, iterator->rows.len);
    iterator->chunk_start = iterator->rows.len;
  }
  lc_buf_append(&iterator->rows, row.bytes, row.len);
  return true;
}

/* Takes a snapshot of the whole scan and writes the iterator's handle to `out`. */
static uint32_t iterator_from_scan(lc_abi *abi, lc_scan *scan, uint32_t out) {
  uint32_t id = iterator_open(abi);
  if (id == 0) return 0;
  lc_abi_iterator *iterator = &abi->iterators.items[id - 1];
  lc_row row;
  while (lc_scan_next(scan, &row)) {
    if (!iterator_add(abi, iterator, row)) return 0;
  }
  uint8_t *to = lc__guest_slice(abi, out, 4);
  if (to) lc_store32(to, id);
  return LC_GUEST_OK;
}

uint32_t lc__abi_row_iter_bsatn_advance(lc_abi *abi, uint32_t id, uint32_t buffer, uint32_t len_ptr) {
  lc_abi_iterator *iterator = iterator_find(abi, id);
  if (iterator == NULL) return LC_GUEST_NO_SUCH_ITER;
  uint8_t *len_at = lc__guest_slice(abi, len_ptr, 4);
  if (len_at == NULL) return 0;
  uint32_t cap = lc_load32(len_at);
  uint8_t *to = lc__guest_slice(abi, buffer, cap);
  if (to == NULL) return 0;
  size_t from = iterator->taken, until = from;
  while (until < iterator->rows.len) {
    size_t end = iterator->next_end < iterator->ends.count ? iterator->ends.items[iterator->next_end] : iterator->rows.len;
    if (end - from > cap) {
      if (until != from) break;
      lc_store32(len_at, (uint32_t)(end - from));
      return LC_GUEST_BUFFER_TOO_SMALL;
    }
    until = end;
    iterator->next_end++;
  }
  if (until != from) memcpy(to, iterator->rows.data + from, until - from);
  lc_store32(len_at, (uint32_t)(until - from));
  iterator->taken = until;
  if (until < iterator->rows.len) return LC_GUEST_OK;
  iterator_close(abi, id);
  return LC_GUEST_DONE;
}

uint32_t lc__abi_row_iter_bsatn_close(lc_abi *abi, uint32_t id) {
  if (iterator_find(abi, id) == NULL) return LC_GUEST_NO_SUCH_ITER;
  iterator_close(abi, id);
  return LC_GUEST_OK;
}

/* ---- table scans and index points ---- */

uint32_t lc__abi_datastore_table_scan_bsatn(lc_abi *abi, uint32_t table_id, uint32_t out) {
  if (!lc__abi_in_transaction(abi)) return LC_GUEST_NOT_IN_TRANSACTION;
  lc_table *table = lc_store_table(abi->services.store, table_id);
  if (table == NULL || table_id == LC_ST_ENV) return LC_GUEST_NO_SUCH_TABLE;
  lc_scan scan;
  lc_table_scan(table, &scan);
  return iterator_from_scan(abi, &scan, out);
}

/* LC_GUEST_OK and the index, or the errno. The closed table answers "no such table" here too. */
static uint32_t index_by_id(lc_abi *abi, uint32_t index_id, lc_index **index) {
  if (!lc__abi_in_transaction(abi)) return LC_GUEST_NOT_IN_TRANSACTION;
  *index = lc_store_index(abi->services.store, index_id);
  if (*index == NULL) return LC_GUEST_NO_SUCH_INDEX;
  return lc_table_id(lc_index_table(*index)) == LC_ST_ENV ? LC_GUEST_NO_SUCH_TABLE : LC_GUEST_OK;
}

static uint32_t scan_failed(lc_abi *abi, const char *what, lc_err err) {
  if (err.code == LC_ERR_BSATN) return LC_GUEST_BSATN_DECODE_ERROR;
  return lc__abi_trap_store(abi, what, err);
}

/* The common case of a whole application: one lookup, one row, no scan. */
static uint32_t find_unique(lc_abi *abi, lc_index *index, lc_span key, uint32_t out) {
  lc_row row;
  bool found;
  lc_err err = lc_index_find(index, key, &row, &found);
  if (__builtin_expect(lc_failed(err), 0)) return scan_failed(abi, "datastore_index_scan_point_bsatn", err);
  uint32_t id = iterator_open(abi);
  if (id == 0) return 0;
  if (found && !iterator_add(abi, &abi->iterators.items[id - 1], row)) return 0;
  uint8_t *to = lc__guest_slice(abi, out, 4);
  if (to) lc_store32(to, id);
  return LC_GUEST_OK;
}

uint32_t lc__abi_datastore_index_scan_point_bsatn(lc_abi *abi, uint32_t index_id, uint32_t point, uint32_t point_len, uint32_t out) {
  const uint8_t *key = lc__guest_slice(abi, point, point_len);
  if (key == NULL) return 0;
  lc_index *index;
  uint32_t code = index_by_id(abi, index_id, &index);
  if (code) return code;
  if (lc_index_is_unique(index)) return find_unique(abi, index, lc_span_of(key, point_len), out);
  lc_scan scan;
  lc_err err = lc_index_scan_point(index, lc_span_of(key, point_len), &scan);
  if (lc_failed(err)) return scan_failed(abi, "datastore_index_scan_point_bsatn", err);
  return iterator_from_scan(abi, &scan, out);
}

/* ---- ranges ---- */

typedef struct range_arguments {
  uint32_t index_id, prefix, prefix_len, prefix_columns, start, start_len, end, end_len;
} range_arguments;

/* A bound is a tag byte and, unless it is open, the BSATN of a value, which the store decodes. */
static bool bound_of(lc_span bytes, lc_bound *bound) {
  if (bytes.len == 0 || bytes.ptr[0] > LC_BOUND_UNBOUNDED) return false;
  *bound = (lc_bound){(lc_bound_kind)bytes.ptr[0], lc_span_of(bytes.ptr + 1, bytes.len - 1)};
  return true;
}

typedef struct range_scan {
  lc_index *index;
  lc_scan scan;     /* unless find_key is set */
  lc_span find_key; /* a lookup of the one column of a unique index: the crates of 1.x write every find as a range from a value to itself */
} range_scan;

static bool range_is_find(const lc_index *index, lc_bound from, lc_bound to) {
  return lc_index_def_of(index)->column_count == 1 && lc_index_is_unique(index) && from.kind == LC_BOUND_INCLUDED &&
         to.kind == LC_BOUND_INCLUDED && from.value.len && lc_span_equal(from.value, to.value);
}

/* True: started. False: what the import answers is in `*code`, or the guest traps. */
static bool range_start(lc_abi *abi, const range_arguments *range, range_scan *started, uint32_t *code) {
  *started = (range_scan){0};
  *code = LC_GUEST_OK;
  if (range->prefix_columns > UINT16_MAX) {
    lc__abi_trap(abi, "index scan: prefix_elems %u is more than %d", range->prefix_columns, UINT16_MAX);
    return false;
  }
  lc_span prefix = {0};
  if (range->prefix_columns) prefix = lc_span_of(lc__guest_slice(abi, range->prefix, range->prefix_len), range->prefix_len);
  const uint8_t *start = lc__guest_slice(abi, range->start, range->start_len), *end = lc__guest_slice(abi, range->end, range->end_len);
  if (abi->trap) return false;
  if ((*code = index_by_id(abi, range->index_id, &started->index)) != LC_GUEST_OK) return false;
  if (!lc_index_has_ranges(started->index)) {
    lc__abi_trap(abi, "index scan: index %u is a hash index, which has no ranges", range->index_id);
    return false;
  }
  lc_bound from, to;
  if (range->prefix_columns >= lc_index_def_of(started->index)->column_count || !bound_of(lc_span_of(start, range->start_len), &from) ||
      !bound_of(lc_span_of(end, range->end_len), &to)) {
    *code = LC_GUEST_BSATN_DECODE_ERROR;
    return false;
  }
  if (range_is_find(started->index, from, to)) {
    started->find_key = from.value;
    return true;
  }
  lc_err err = lc_index_scan_range(started->index, prefix, range->prefix_columns, from, to, &started->scan);
  if (lc_failed(err)) *code = scan_failed(abi, "index scan", err);
  return !lc_failed(err);
}

uint32_t lc__abi_datastore_index_scan_range_bsatn(lc_abi *abi, uint32_t index_id, uint32_t prefix, uint32_t prefix_len,
                                                  uint32_t prefix_columns, uint32_t start, uint32_t start_len, uint32_t end,
                                                  uint32_t end_len, uint32_t out) {
  range_arguments range = {index_id, prefix, prefix_len, prefix_columns, start, start_len, end, end_len};
  range_scan started;
  uint32_t code;
  if (!range_start(abi, &range, &started, &code)) return code;
  return started.find_key.len ? find_unique(abi, started.index, started.find_key, out) : iterator_from_scan(abi, &started.scan, out);
}

uint32_t lc__abi_datastore_btree_scan_bsatn(lc_abi *abi, uint32_t index_id, uint32_t prefix, uint32_t prefix_len, uint32_t prefix_columns,
                                            uint32_t start, uint32_t start_len, uint32_t end, uint32_t end_len, uint32_t out) {
  return lc__abi_datastore_index_scan_range_bsatn(abi, index_id, prefix, prefix_len, prefix_columns, start, start_len, end, end_len, out);
}

/* ---- deletes by scan ---- */

/* A table must not change under a scan: first which rows, then away with them. */
static uint32_t delete_scanned(lc_abi *abi, lc_index *index, lc_scan *scan, uint32_t out) {
  lc_vec_clear(&abi->row_ids);
  lc_row row;
  while (lc_scan_next(scan, &row)) lc_vec_push(&abi->row_ids, row.id);
  if (abi->row_ids.count) (void)lc__abi_may_change(abi, lc_index_table(index)); /* that it is not closed is known */
  for (size_t i = 0; i < abi->row_ids.count; i++) lc_table_delete(lc_index_table(index), abi->row_ids.items[i]);
  uint8_t *to = lc__guest_slice(abi, out, 4);
  if (to) lc_store32(to, (uint32_t)abi->row_ids.count);
  return LC_GUEST_OK;
}

uint32_t lc__abi_datastore_delete_by_index_scan_point_bsatn(lc_abi *abi, uint32_t index_id, uint32_t point, uint32_t point_len,
                                                            uint32_t out) {
  const uint8_t *key = lc__guest_slice(abi, point, point_len);
  if (key == NULL) return 0;
  lc_index *index;
  uint32_t code = index_by_id(abi, index_id, &index);
  if (code) return code;
  lc_scan scan;
  lc_err err = lc_index_scan_point(index, lc_span_of(key, point_len), &scan);
  if (lc_failed(err)) return scan_failed(abi, "datastore_delete_by_index_scan_point_bsatn", err);
  return delete_scanned(abi, index, &scan, out);
}

uint32_t lc__abi_datastore_delete_by_index_scan_range_bsatn(lc_abi *abi, uint32_t index_id, uint32_t prefix, uint32_t prefix_len,
                                                            uint32_t prefix_columns, uint32_t start, uint32_t start_len, uint32_t end,
                                                            uint32_t end_len, uint32_t out) {
  range_arguments range = {index_id, prefix, prefix_len, prefix_columns, start, start_len, end, end_len};
  range_scan started;
  uint32_t code;
  if (!range_start(abi, &range, &started, &code)) return code;
  if (started.find_key.len) {
    lc_err err = lc_index_scan_point(started.index, started.find_key, &started.scan);
    if (lc_failed(err)) return scan_failed(abi, "datastore_delete_by_index_scan_range_bsatn", err);
  }
  return delete_scanned(abi, started.index, &started.scan, out);
}

uint32_t lc__abi_datastore_delete_by_btree_scan_bsatn(lc_abi *abi, uint32_t index_id, uint32_t prefix, uint32_t prefix_len,
                                                      uint32_t prefix_columns, uint32_t start, uint32_t start_len, uint32_t end,
                                                      uint32_t end_len, uint32_t out) {
  return lc__abi_datastore_delete_by_index_scan_range_bsatn(abi, index_id, prefix, prefix_len, prefix_columns, start, start_len, end,
                                                            end_len, out);
}
