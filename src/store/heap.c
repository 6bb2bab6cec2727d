#include <stdlib.h>

#include "base/assert.h"
#include "store/heap_internal.h"

enum { CHUNK_MIN = 4 << 10, CHUNK_MAX = 1 << 20 };

struct lc__heap_chunk {
  struct lc__heap_chunk *next;
  uint64_t size;
};

/* Class 0 is 16 bytes; class 2k-1 is 3 << (k + 2) and class 2k is 1 << (k + 4). */
static uint32_t class_of(size_t size) {
  if (size <= 16) return 0;
  uint32_t power = 63 - (uint32_t)__builtin_clzll(size - 1); /* 2^power < size <= 2^(power+1) */
  return 2 * (power - 4) + 1 + (size > (size_t)3 << (power - 1));
}

static size_t class_size(uint32_t class) {
  return class % 2 ? (size_t)3 << ((class - 1) / 2 + 3) : (size_t)16 << (class / 2);
}

static void *heap_carve(lc__heap *heap, size_t size) {
  if ((size_t)(heap->end - heap->at) < size) {
    heap->chunk_size = heap->chunk_size ? heap->chunk_size * 2 : CHUNK_MIN;
    if (heap->chunk_size > CHUNK_MAX) heap->chunk_size = CHUNK_MAX;
    while (heap->chunk_size < size + sizeof(struct lc__heap_chunk)) heap->chunk_size *= 2;
    struct lc__heap_chunk *chunk = malloc(heap->chunk_size);
    lc_assert(chunk != NULL);
    chunk->next = heap->chunks;
    chunk->size = heap->chunk_size;
    heap->chunks = chunk;
    heap->bytes += heap->chunk_size;
    heap->at = (uint8_t *)(chunk + 1);
    heap->end = (uint8_t *)chunk + heap->chunk_size;
  }
  void *block = heap->at;
  heap->at += size;
  return block;
}

void *lc__heap_alloc(lc__heap *heap, size_t size, uint32_t *class) {
  if (size > LC__HEAP_SMALL_MAX) {
    *class = LC__HEAP_LARGE;
    void *block = malloc(size);
    lc_assert(block != NULL);
    heap->bytes += size;
    return block;
  }
  *class = class_of(size);
  void *block = heap->free[*class];
  if (block == NULL) return heap_carve(heap, class_size(*class));
  memcpy(&heap->free[*class], block, sizeof(void *));
  return block;
}

void lc__heap_free(lc__heap *heap, void *block, size_t size, uint32_t class) {
  if (class == LC__HEAP_LARGE) {
    heap->bytes -= size;
    free(block);
    return;
  }
  memcpy(block, &heap->free[class], sizeof(void *));
  heap->free[class] = block;
}

void lc__heap_deinit(lc__heap *heap) {
  for (struct lc__heap_chunk *chunk = heap->chunks, *next; chunk; chunk = next) {
    next = chunk->next;
    free(chunk);
  }
  *heap = (lc__heap){0};
}
