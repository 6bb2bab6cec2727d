#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

enum { BLOCK_SIZE = 16 << 10 };

struct lc_arena_block {
  lc_arena_block *next;
  size_t size;
  uint8_t data[];
};

static void arena_use(lc_arena *arena, lc_arena_block *block) {
  arena->current = block;
  arena->at = block ? block->data : NULL;
  arena->end = block ? block->data + block->size : NULL;
}

void lc_arena_deinit(lc_arena *arena) {
  for (lc_arena_block *block = arena->first, *next; block; block = next) {
    next = block->next;
    free(block);
  }
  *arena = (lc_arena){0};
}

void lc_arena_reset(lc_arena *arena) { arena_use(arena, arena->first); }

void *lc_arena_grow(lc_arena *arena, size_t size) {
  /* A later block may be left from before a reset. */
  lc_arena_block *next = arena->current ? arena->current->next : arena->first;
  if (next == NULL || next->size < size) {
    size_t block_size = size > BLOCK_SIZE ? size : BLOCK_SIZE;
    lc_arena_block *block = malloc(sizeof *block + block_size);
    lc_assert(block != NULL);
    block->size = block_size;
    block->next = next;
    if (arena->current) arena->current->next = block;
    else arena->first = block;
    next = block;
  }
  arena_use(arena, next);
  void *memory = arena->at;
  arena->at += size;
  return memory;
}

void *lc_arena_zalloc(lc_arena *arena, size_t size) {
  void *memory = lc_arena_alloc(arena, size);
  if (size) memset(memory, 0, size); /* an empty arena has no memory to give for nothing */
  return memory;
}

void *lc_arena_copy(lc_arena *arena, const void *bytes, size_t len) {
  void *memory = lc_arena_alloc(arena, len);
  if (len) memcpy(memory, bytes, len);
  return memory;
}

lc_str lc_arena_str(lc_arena *arena, lc_str text) {
  char *copy = lc_arena_alloc(arena, text.len + 1);
  if (text.len) memcpy(copy, text.ptr, text.len);
  copy[text.len] = 0;
  return (lc_str){copy, text.len};
}

lc_str lc_arena_printf(lc_arena *arena, const char *format, ...) {
  va_list arguments, again;
  va_start(arguments, format);
  va_copy(again, arguments);
  int len = vsnprintf(NULL, 0, format, arguments);
  lc_assert(len >= 0);
  char *text = lc_arena_alloc(arena, (size_t)len + 1);
  vsnprintf(text, (size_t)len + 1, format, again);
  va_end(again);
  va_end(arguments);
  return (lc_str){text, (size_t)len};
}

size_t lc_arena_size(const lc_arena *arena) {
  size_t size = 0;
  for (const lc_arena_block *block = arena->first; block; block = block->next) size += sizeof *block + block->size;
  return size;
}
