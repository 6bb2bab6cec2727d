/* Rows as they go to clients: bytes back to back; row starts are kept only once two rows differ in length. */
#include <stdlib.h>

#include "base/assert.h"
#include "query/query.h"

void lc_row_list_deinit(lc_row_list *list) {
  lc_buf_deinit(&list->bytes);
  free(list->offsets);
  *list = (lc_row_list){0};
}

void lc_row_list_clear(lc_row_list *list) {
  lc_buf_clear(&list->bytes);
  list->count = 0;
  list->row_size = 0;
}

static void offsets_reserve(lc_row_list *list, size_t count) {
  if (count <= list->offsets_cap) return;
  list->offsets_cap = count < 16 ? 16 : count * 2;
  list->offsets = realloc(list->offsets, list->offsets_cap * sizeof *list->offsets);
  lc_assert(list->offsets != NULL);
}

void lc_row_list_add(lc_row_list *list, const uint8_t *row, uint32_t len) {
  if (list->count == 0) {
    list->row_size = len;
  } else if (list->row_size != 0 && list->row_size != len) { /* the first row of another length: write down where the others start */
    offsets_reserve(list, list->count + 1);
    for (uint32_t i = 0; i < list->count; i++) list->offsets[i] = (uint64_t)i * list->row_size;
    list->row_size = 0;
  }
  if (list->row_size == 0) {
    offsets_reserve(list, (size_t)list->count + 1);
    list->offsets[list->count] = list->bytes.len;
  }
  lc_buf_append(&list->bytes, row, len);
  list->count++;
}

lc_err lc_row_list_add_within(lc_row_list *list, size_t max, const uint8_t *row, size_t len) {
  size_t taken = list->bytes.len + (size_t)list->count * sizeof *list->offsets;
  if (taken > max || len > max - taken || list->count == UINT32_MAX) {
    return lc_fail(LC_ERR_TOO_LARGE, "the answer is larger than %zu bytes: ask for fewer rows or columns", max);
  }
  lc_row_list_add(list, row, (uint32_t)len);
  return lc_ok();
}

lc_span lc_row_list_get(const lc_row_list *list, uint32_t i) {
  if (list->row_size != 0) return lc_span_of(list->bytes.data + (size_t)i * list->row_size, list->row_size);
  uint64_t end = i + 1 < list->count ? list->offsets[i + 1] : list->bytes.len;
  return lc_span_of(list->bytes.data + list->offsets[i], (size_t)(end - list->offsets[i]));
}
