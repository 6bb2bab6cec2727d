#pragma once
/*
 * Blocks for rows of variable length: size classes 16, 24, 32, 48, 64, 96 ... 32768 bytes (each power of two and the half-way step), carved
 * from chunks that double from 4 KiB to 1 MiB; larger blocks come from the system one by one. A freed block goes to the list of its class
 * and is never returned before the heap goes, so a warmed-up heap does not call malloc (S5). One heap per table: dropping the table frees
 * it at once.
 */
#include "base/bytes.h"

enum { LC__HEAP_CLASSES = 23, LC__HEAP_LARGE = 255, LC__HEAP_SMALL_MAX = 32768 };

typedef struct lc__heap {
  void *free[LC__HEAP_CLASSES];
  struct lc__heap_chunk *chunks;
  uint8_t *at, *end; /* what is left of the newest chunk */
  size_t chunk_size;
  uint64_t bytes; /* taken from the system */
} lc__heap;

/* A block of at least `size` bytes, aligned to 8; `*class` is needed to free it. */
void *lc__heap_alloc(lc__heap *heap, size_t size, uint32_t *class);
void lc__heap_free(lc__heap *heap, void *block, size_t size, uint32_t class);
/* Large blocks that were not freed must have been freed by the owner before. */
void lc__heap_deinit(lc__heap *heap);
