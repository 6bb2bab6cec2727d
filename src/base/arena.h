#pragma once
/*
 * A bump allocator for everything that lives as long as one transaction, request, query or schema. Reset keeps the blocks, so a
 * warmed-up arena never calls malloc. Running out of memory stops the process; callers bound what untrusted input can ask for.
 * Owner: whoever holds the struct. Threads: one at a time. Zero-initialised is empty and valid.
 */
#include "base/bytes.h"

typedef struct lc_arena_block lc_arena_block;

typedef struct lc_arena {
  lc_arena_block *first, *current;
  uint8_t *at, *end; /* free space of the current block */
} lc_arena;

void lc_arena_deinit(lc_arena *arena);
void lc_arena_reset(lc_arena *arena);
void *lc_arena_grow(lc_arena *arena, size_t size); /* the slow path of lc_arena_alloc */
/* Uninitialised, aligned to 16 (definitions hold 128-bit numbers). Never NULL. */
static inline void *lc_arena_alloc(lc_arena *arena, size_t size) {
  size = (size + 15) & ~(size_t)15;
  if (__builtin_expect((size_t)(arena->end - arena->at) < size, 0)) return lc_arena_grow(arena, size);
  void *memory = arena->at;
  arena->at += size;
  return memory;
}
void *lc_arena_zalloc(lc_arena *arena, size_t size);
#define LC_ARENA_NEW(arena, type) ((type *)lc_arena_zalloc((arena), sizeof(type)))
#define LC_ARENA_ARRAY(arena, type, count) ((type *)lc_arena_zalloc((arena), sizeof(type) * (size_t)(count)))
void *lc_arena_copy(lc_arena *arena, const void *bytes, size_t len);
/* A copy with a NUL behind it, which `len` does not count. */
lc_str lc_arena_str(lc_arena *arena, lc_str text);
lc_str lc_arena_printf(lc_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Bytes held from the system, for accounting. */
size_t lc_arena_size(const lc_arena *arena);
