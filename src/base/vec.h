#pragma once
/* A growable array of any element type: `LC_VEC(uint32_t) ids = {0};`. Running out of memory stops the process. */
#include <stddef.h>
#include <stdlib.h>

#include "base/assert.h"

#define LC_VEC(type) struct { type *items; size_t count, cap; }

#define lc_vec_push(vec, item)                                                           \
  do {                                                                                   \
    if ((vec)->count == (vec)->cap) {                                                    \
      (vec)->cap = (vec)->cap ? (vec)->cap * 2 : 8;                                      \
      void *lc_vec_grown_ = realloc((vec)->items, (vec)->cap * sizeof *(vec)->items);    \
      lc_assert(lc_vec_grown_ != NULL);                                                  \
      (vec)->items = lc_vec_grown_;                                                      \
    }                                                                                    \
    (vec)->items[(vec)->count++] = (item);                                               \
  } while (0)
/* Fills the gap with the last element: order is lost, nothing else moves. */
#define lc_vec_remove_swap(vec, index) ((vec)->items[index] = (vec)->items[--(vec)->count])
#define lc_vec_clear(vec) ((vec)->count = 0)
#define lc_vec_deinit(vec) (free((vec)->items), (vec)->items = NULL, (vec)->count = (vec)->cap = 0)
