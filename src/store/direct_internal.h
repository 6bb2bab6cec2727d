#pragma once
/*
 * The direct index: an array from value to row id, in pages of LC__DIRECT_PAGE values that exist only where there are rows. For unique
 * columns of small unsigned integers or enums. Memory is bounded: when a page would make the array sparser than one row in
 * LC__DIRECT_SPARSE slots, or a value does not fit 32 bits, lc__direct_add refuses and the index becomes a hash (index.c).
 */
#include "store/store.h"

enum { LC__DIRECT_SHIFT = 10, LC__DIRECT_PAGE = 1 << LC__DIRECT_SHIFT, LC__DIRECT_SPARSE = 32, LC__DIRECT_FREE_PAGES = 16 };

typedef struct lc__direct {
  uint32_t **pages; /* NULL where no value was ever set */
  uint32_t page_cap, pages_used;
  uint64_t count;
} lc__direct;

void lc__direct_deinit(lc__direct *direct);
bool lc__direct_add(lc__direct *direct, uint64_t value, uint32_t row);
bool lc__direct_remove(lc__direct *direct, uint64_t value, uint32_t row);
static inline uint32_t lc__direct_find(const lc__direct *direct, uint64_t value) {
  uint64_t page = value >> LC__DIRECT_SHIFT;
  if (page >= direct->page_cap || direct->pages[page] == NULL) return LC_ROW_NONE;
  return direct->pages[page][value & (LC__DIRECT_PAGE - 1)];
}
/* The next value from `*value` to `last` that has a row; moves `*value` behind it. `*value` over `last` means the end. */
uint32_t lc__direct_next(const lc__direct *direct, uint64_t *value, uint64_t last);
static inline uint64_t lc__direct_memory(const lc__direct *direct) {
  return (uint64_t)direct->page_cap * sizeof *direct->pages + (uint64_t)direct->pages_used * LC__DIRECT_PAGE * sizeof(uint32_t);
}
