#pragma once
/*
 * Layouts: where the columns of a BSATN row lie. A row is stored as the exact bytes that the module encoded; a layout, computed once
 * per table, gives the offset of each column before the first variable-length one, and a cheap walk for the rest.
 *
 * Invariants
 *   R1  A row that lc_layout_validate accepted is walked without further checks: every function marked "trusted" relies on it.
 *   R2  Two values are equal exactly when their bytes are; order is lc_value_compare.
 */
#include "sats/type.h"

enum { LC_OFFSET_UNKNOWN = UINT32_MAX };

typedef struct lc_column_layout {
  const lc_type *type; /* refs followed */
  uint32_t offset;     /* from the start of the row, LC_OFFSET_UNKNOWN behind a variable-length column */
  uint32_t size;       /* 0 when variable (or empty: see `fixed`) */
  bool fixed;          /* every value takes `size` bytes */
} lc_column_layout;

typedef struct lc_layout {
  const lc_type *row; /* the product */
  uint32_t column_count;
  uint32_t fixed_size; /* of the whole row when `fixed` */
  bool fixed;          /* every row takes `fixed_size` bytes */
  bool plain;          /* fixed, and every byte string of that length is a valid row (numbers only) */
  lc_column_layout columns[];
} lc_layout;

/* In `arena`. `product` must be linked and outlive the layout. */
lc_layout *lc_layout_create(lc_arena *arena, const lc_type *product);

/*
 * Checks that `bytes` begins with a valid row and stores its length in `*used`. Fixed layouts require exactly `fixed_size` bytes;
 * for others bytes behind the row are left alone (`used` tells). Arguments of calls may always have bytes behind them: use
 * lc_value_validate for those. Errors: LC_ERR_BSATN, with the reason and the column's name.
 */
lc_err lc_layout_validate(const lc_layout *layout, lc_span bytes, size_t *used);
/* Trusted: the bytes of one column. */
lc_span lc_layout_column(const lc_layout *layout, const uint8_t *row, uint32_t column);
/* Trusted: offsets of all columns and, last, the length of the row: column_count + 1 numbers. */
void lc_layout_offsets(const lc_layout *layout, const uint8_t *row, uint32_t *offsets);

/* Moves `from` past one valid value. Errors: LC_ERR_BSATN with the reason, e.g. `data too short for u32: Expected 4, given 3`,
 * `unknown tag 0x7 for sum type Kind`, `invalid utf8`; nesting is bounded. */
lc_err lc_value_validate(const lc_type *type, lc_cursor *from);
/* Trusted: the length of the value at `at`. */
size_t lc_value_size(const lc_type *type, const uint8_t *at);
/* Trusted. Order of index keys: integers by number, strings and arrays lexicographically, sums by tag then payload, products field by
 * field, floats by a total order (all NaN equal and last, -0.0 equal to 0.0). Returns <0, 0, >0. */
int lc_value_compare(const lc_type *type, const uint8_t *a, const uint8_t *b);
