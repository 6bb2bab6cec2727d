#include <stdlib.h>

#include "base/assert.h"
#include "store/direct_internal.h"

void lc__direct_deinit(lc__direct *direct) {
  for (uint32_t i = 0; i < direct->page_cap; i++) free(direct->pages[i]);
  free(direct->pages);
  *direct = (lc__direct){0};
}

static bool direct_add_page(lc__direct *direct, uint64_t page) {
  uint64_t slots = ((uint64_t)direct->pages_used + 1) * LC__DIRECT_PAGE;
  if (direct->pages_used >= LC__DIRECT_FREE_PAGES && slots > (direct->count + 1) * LC__DIRECT_SPARSE) return false;
  if (page >= direct->page_cap) {
    /* The directory itself may be long only when the rows are many: eight bytes of it per LC__DIRECT_PAGE values. */
    if (page > (uint64_t)LC__DIRECT_PAGE * (direct->pages_used + LC__DIRECT_FREE_PAGES)) return false;
    uint32_t cap = direct->page_cap ? direct->page_cap : 4;
    while (cap <= page) cap *= 2;
    direct->pages = realloc(direct->pages, cap * sizeof *direct->pages);
    lc_assert(direct->pages != NULL);
    memset(direct->pages + direct->page_cap, 0, (cap - direct->page_cap) * sizeof *direct->pages);
    direct->page_cap = cap;
  }
  uint32_t *rows = malloc(LC__DIRECT_PAGE * sizeof *rows);
  lc_assert(rows != NULL);
  memset(rows, 0xff, LC__DIRECT_PAGE * sizeof *rows); /* LC_ROW_NONE */
  direct->pages[page] = rows;
  direct->pages_used++;
  return true;
}

bool lc__direct_add(lc__direct *direct, uint64_t value, uint32_t row) {
  uint64_t page = value >> LC__DIRECT_SHIFT;
  if (value > UINT32_MAX) return false;
  if ((page >= direct->page_cap || direct->pages[page] == NULL) && !direct_add_page(direct, page)) return false;
  lc_assert(direct->pages[page][value & (LC__DIRECT_PAGE - 1)] == LC_ROW_NONE);
  direct->pages[page][value & (LC__DIRECT_PAGE - 1)] = row;
  direct->count++;
  return true;
}

bool lc__direct_remove(lc__direct *direct, uint64_t value, uint32_t row) {
  if (lc__direct_find(direct, value) != row) return false;
  direct->pages[value >> LC__DIRECT_SHIFT][value & (LC__DIRECT_PAGE - 1)] = LC_ROW_NONE;
  direct->count--;
  return true;
}

uint32_t lc__direct_next(const lc__direct *direct, uint64_t *value, uint64_t last) {
  while (*value <= last) {
    uint64_t page = *value >> LC__DIRECT_SHIFT;
    if (page >= direct->page_cap) break;
    if (direct->pages[page] == NULL) {
      *value = (page + 1) << LC__DIRECT_SHIFT;
      continue;
    }
    uint32_t row = direct->pages[page][*value & (LC__DIRECT_PAGE - 1)];
    ++*value;
    if (row != LC_ROW_NONE) return row;
  }
  *value = UINT64_MAX; /* values end at UINT32_MAX, so this is over any `last` that matters */
  return LC_ROW_NONE;
}
