#include <stdlib.h>
#include <sys/mman.h>

#include "base/assert.h"
#include "store/rows_internal.h"

enum {
  PAGE_BYTES = 64 << 10,
  PAGE_BYTES_SMALL = 4 << 10, /* system tables: most hold a few rows */
  HUGE_BYTES = 2 << 20,       /* tables beyond this get their pages in runs that the kernel may back with huge pages */
};

struct lc__rows_chunk {
  struct lc__rows_chunk *next;
  void *memory;
};

static uint32_t stride_of(uint32_t len) {
  uint32_t stride = 8;
  if (len <= 64) {
    while (stride < len) stride *= 2;
    return stride;
  }
  return (len + 7) & ~7u;
}

void lc__rows_init(lc__rows *rows, const lc_layout *layout, bool small) {
  *rows = (lc__rows){.free_head = LC_ROW_NONE};
  rows->inlined = layout->fixed && layout->fixed_size <= LC__ROW_INLINE_MAX;
  rows->row_len = rows->inlined ? layout->fixed_size : 0;
  rows->stride = rows->inlined ? stride_of(layout->fixed_size) : sizeof(lc__row_block);
  /* At least 64 slots a page, so that a page's bits are whole words. */
  uint32_t page_bytes = small ? PAGE_BYTES_SMALL : PAGE_BYTES;
  rows->page_shift = 6;
  while ((rows->stride << (rows->page_shift + 1)) <= page_bytes) rows->page_shift++;
}

/* A bit per id that is on the free list; the caller frees it. */
static uint8_t *free_ids(const lc__rows *rows) {
  uint8_t *bits = calloc(rows->end / 8 + 1, 1);
  lc_assert(bits != NULL);
  for (uint32_t id = rows->free_head; id != LC_ROW_NONE; id = lc_load32(lc__rows_slot(rows, id))) bits[id / 8] |= (uint8_t)(1u << id % 8);
  return bits;
}

void lc__rows_deinit(lc__rows *rows) {
  if (!rows->inlined) { /* small blocks go with the heap, large ones have to be freed one by one */
    uint8_t *is_free = free_ids(rows);
    for (uint32_t id = 0; id < rows->end; id++) {
      const lc__row_block *block = lc__rows_block(rows, id);
      if (!(is_free[id / 8] >> id % 8 & 1) && block->class == LC__HEAP_LARGE)
        lc__heap_free(&rows->heap, block->bytes, block->len, block->class);
    }
    free(is_free);
  }
  lc__heap_deinit(&rows->heap);
  for (struct lc__rows_chunk *chunk = rows->chunks, *next; chunk; chunk = next) {
    next = chunk->next;
    free(chunk->memory);
    free(chunk);
  }
  free(rows->pages);
  free(rows->live);
  free(rows->touched);
  *rows = (lc__rows){0};
}

static void rows_add_chunk(lc__rows *rows, size_t page_size) {
  bool huge = (size_t)rows->page_count * page_size >= HUGE_BYTES;
  size_t size = huge ? (page_size + HUGE_BYTES - 1) / HUGE_BYTES * HUGE_BYTES : page_size;
  struct lc__rows_chunk *chunk = malloc(sizeof *chunk);
  void *memory = aligned_alloc(huge ? HUGE_BYTES : 64, (size + 63) & ~(size_t)63);
  lc_assert(chunk != NULL && memory != NULL);
  if (huge) (void)!madvise(memory, size, MADV_HUGEPAGE); /* a hint: refusal costs nothing but speed */
  *chunk = (struct lc__rows_chunk){rows->chunks, memory};
  rows->chunks = chunk;
  rows->chunk_bytes += size;
  rows->chunk_at = memory;
  rows->chunk_end = rows->chunk_at + size;
}

static void rows_add_page(lc__rows *rows) {
  size_t slots = (size_t)1 << rows->page_shift, page_size = slots * rows->stride;
  if ((size_t)(rows->chunk_end - rows->chunk_at) < page_size) rows_add_chunk(rows, page_size);
  if (rows->page_count == rows->page_cap) {
    rows->page_cap = rows->page_cap ? rows->page_cap * 2 : 1;
    size_t words = rows->page_cap * slots / 64, used = rows->page_count * slots / 64;
    rows->pages = realloc(rows->pages, rows->page_cap * sizeof *rows->pages);
    rows->live = realloc(rows->live, words * sizeof(uint64_t));
    rows->touched = realloc(rows->touched, words * sizeof(uint64_t));
    lc_assert(rows->pages && rows->live && rows->touched);
    memset(rows->live + used, 0, (words - used) * sizeof(uint64_t));
    memset(rows->touched + used, 0, (words - used) * sizeof(uint64_t));
  }
  rows->pages[rows->page_count++] = rows->chunk_at;
  rows->chunk_at += page_size;
}

static void rows_fill(lc__rows *rows, uint8_t *slot, lc_span row) {
  uint8_t *to = slot;
  if (rows->inlined) {
    lc_assert(row.len == rows->row_len);
  } else {
    lc__row_block *block = (lc__row_block *)(void *)slot;
    block->bytes = to = lc__heap_alloc(&rows->heap, row.len, &block->class);
    block->len = (uint32_t)row.len;
  }
  if (row.len) memcpy(to, row.ptr, row.len);
}

lc_err lc__rows_put(lc__rows *rows, lc_span row, uint32_t *id) {
  uint8_t *slot;
  if (rows->free_head != LC_ROW_NONE) {
    *id = rows->free_head;
    slot = lc__rows_slot(rows, *id);
    rows->free_head = lc_load32(slot);
  } else {
    /* The last page is never used to its end, so that no id equals LC_ROW_NONE and `end` does not wrap. */
    if (rows->end >= UINT32_MAX - (1u << rows->page_shift))
      return lc_fail(LC_ERR_TOO_LARGE, "the table holds %u rows: it has no room for another", rows->end);
    if (rows->end >> rows->page_shift == rows->page_count) rows_add_page(rows);
    *id = rows->end++;
    slot = lc__rows_slot(rows, *id);
  }
  rows_fill(rows, slot, row);
  return lc_ok();
}

void lc__rows_free(lc__rows *rows, uint32_t id) {
  lc_assert(id < rows->end && !lc__bit(rows->live, id));
  uint8_t *slot = lc__rows_slot(rows, id);
  if (!rows->inlined) {
    const lc__row_block *block = (const lc__row_block *)(const void *)slot;
    lc__heap_free(&rows->heap, block->bytes, block->len, block->class);
  }
  lc_store32(slot, rows->free_head);
  rows->free_head = id;
}

bool lc__rows_fit(const lc__rows *rows, const lc_layout *layout) {
  return rows->inlined == (layout->fixed && layout->fixed_size <= LC__ROW_INLINE_MAX) &&
         (!rows->inlined || rows->row_len == layout->fixed_size);
}

void lc__rows_convert(lc__rows *to, const lc__rows *from, const lc_layout *layout) {
  lc__rows_init(to, layout, false);
  while ((uint64_t)to->page_count << to->page_shift < from->end) rows_add_page(to);
  to->end = from->end;
  uint8_t *is_free = free_ids(from);
  for (uint32_t id = 0; id < from->end; id++) {
    if (is_free[id / 8] >> id % 8 & 1) {
      lc_store32(lc__rows_slot(to, id), to->free_head);
      to->free_head = id;
      continue;
    }
    /* Live, or deleted by the open transaction and still to be seen in its delta (P1). */
    lc_row row = lc__rows_get(from, id);
    rows_fill(to, lc__rows_slot(to, id), (lc_span){row.bytes, row.len});
    if (lc__bit(from->live, id)) lc__bit_set(to->live, id);
    if (lc__bit(from->touched, id)) lc__bit_set(to->touched, id);
  }
  free(is_free);
}

uint32_t lc__rows_next(const lc__rows *rows, uint32_t from) {
  if (from >= rows->end) return LC_ROW_NONE;
  uint32_t word = from >> 6, last = (rows->end - 1) >> 6;
  uint64_t bits = rows->live[word] & ~0ull << (from & 63);
  while (bits == 0) {
    if (word++ == last) return LC_ROW_NONE;
    bits = rows->live[word];
  }
  return (word << 6) + (uint32_t)__builtin_ctzll(bits);
}

uint64_t lc__rows_memory(const lc__rows *rows) {
  return rows->chunk_bytes + rows->heap.bytes + rows->page_cap * (sizeof *rows->pages + ((uint64_t)1 << rows->page_shift) / 4);
}
