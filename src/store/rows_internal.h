#pragma once
/*
 * The rows of one table by id. A row is the exact BSATN that was inserted.
 *
 *   id     page (high bits) and slot (low bits); pages never move, so row bytes stay where they are while the row lives
 *   slot   fixed-size rows: the bytes themselves, in a slot of 8, 16, 32 or 64 bytes (never across a cache line) or a multiple of 8;
 *          others (and fixed rows over LC__ROW_INLINE_MAX): {pointer, length, size class} of a heap block
 *
 * Invariants
 *   P1  `live` has a bit per id: the row is in the table. A slot that is neither live nor free holds a row that the open transaction
 *       deleted: its bytes stay readable until lc__rows_free (S4).
 *   P2  `touched` has a bit per id: the open transaction has changed this row already. All zero outside a transaction.
 *   P3  Free slots are a list through their first four bytes, ended by LC_ROW_NONE.
 */
#include "store/heap_internal.h"
#include "store/store.h"

enum { LC__ROW_INLINE_MAX = 1024 };

typedef struct lc__row_block { /* the slot of a row that lies in the heap */
  uint8_t *bytes;
  uint32_t len;
  uint32_t class;
} lc__row_block;

typedef struct lc__rows {
  uint8_t **pages;
  uint64_t *live, *touched;
  uint32_t page_count, page_cap;
  uint32_t stride;
  uint8_t page_shift; /* log2 of slots per page */
  bool inlined;       /* slots hold the bytes */
  uint32_t row_len;   /* when inlined */
  uint32_t end;       /* ids below have been handed out at some time */
  uint32_t free_head;
  uint8_t *chunk_at, *chunk_end; /* of the newest run of pages */
  struct lc__rows_chunk *chunks;
  uint64_t chunk_bytes;
  lc__heap heap;
} lc__rows;

void lc__rows_init(lc__rows *rows, const lc_layout *layout, bool small);
void lc__rows_deinit(lc__rows *rows);
/* A slot holding a copy of `row`; neither live nor touched. Errors: LC_ERR_TOO_LARGE when the table has no ids left. */
lc_err lc__rows_put(lc__rows *rows, lc_span row, uint32_t *id);
/* Frees slot and block; the row must not be live. */
void lc__rows_free(lc__rows *rows, uint32_t id);
/* The same rows under the same ids, stored as `layout` needs it. `from` stays as it is. */
void lc__rows_convert(lc__rows *to, const lc__rows *from, const lc_layout *layout);
/* Whether rows of `layout` can lie where these do. */
bool lc__rows_fit(const lc__rows *rows, const lc_layout *layout);
/* The lowest live id that is at least `from`, or LC_ROW_NONE. */
uint32_t lc__rows_next(const lc__rows *rows, uint32_t from);
uint64_t lc__rows_memory(const lc__rows *rows);

static inline uint8_t *lc__rows_slot(const lc__rows *rows, uint32_t id) {
  return rows->pages[id >> rows->page_shift] + (size_t)(id & ((1u << rows->page_shift) - 1)) * rows->stride;
}
static inline const uint8_t *lc__rows_bytes(const lc__rows *rows, uint32_t id) {
  uint8_t *slot = lc__rows_slot(rows, id);
  return rows->inlined ? slot : ((lc__row_block *)(void *)slot)->bytes;
}
static inline lc_row lc__rows_get(const lc__rows *rows, uint32_t id) {
  uint8_t *slot = lc__rows_slot(rows, id);
  if (rows->inlined) return (lc_row){slot, rows->row_len, id};
  const lc__row_block *block = (const lc__row_block *)(const void *)slot;
  return (lc_row){block->bytes, block->len, id};
}
static inline lc__row_block *lc__rows_block(const lc__rows *rows, uint32_t id) {
  return (lc__row_block *)(void *)lc__rows_slot(rows, id);
}

static inline bool lc__bit(const uint64_t *bits, uint32_t id) {
  return bits[id >> 6] >> (id & 63) & 1;
}
static inline void lc__bit_set(uint64_t *bits, uint32_t id) {
  bits[id >> 6] |= 1ull << (id & 63);
}
static inline void lc__bit_clear(uint64_t *bits, uint32_t id) {
  bits[id >> 6] &= ~(1ull << (id & 63));
}
static inline bool lc__rows_is_live(const lc__rows *rows, uint32_t id) {
  return id < rows->end && lc__bit(rows->live, id);
}
