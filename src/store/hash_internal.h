#pragma once
/*
 * Open addressing, linear probing, at most half full: key → row id, for keys of which each is there once (unique indexes, whole rows).
 *
 *   narrow  8-byte slots  {u32 key, u32 row}: keys of up to 4 bytes, or a 32-bit hash of a longer key (then the caller compares through the
 * row) wide    16-byte slots {u64 key, u32 row}: keys of up to 8 bytes
 *
 * A free slot has row LC_ROW_NONE. Removal moves later entries back, so there are no tombstones and no degradation. Doubling copies all
 * slots at once: amortised constant, and the table never shrinks.
 */
#include "base/hash.h"
#include "store/store.h"

typedef struct lc__hash {
  uint64_t *slots; /* narrow: key in the low half, row in the high half; wide: pairs {key, row} */
  uint64_t mask;   /* slots - 1 */
  uint64_t count;
  bool wide;
} lc__hash;

typedef struct lc__hash_cursor {
  uint64_t at;
} lc__hash_cursor;

void lc__hash_init(lc__hash *hash, bool wide);
void lc__hash_deinit(lc__hash *hash);
void lc__hash_clear(lc__hash *hash);
/* Adds without looking for an equal key. */
void lc__hash_add(lc__hash *hash, uint64_t key, uint32_t row);
/* Removes the entry of this key and row; false when there is none. */
bool lc__hash_remove(lc__hash *hash, uint64_t key, uint32_t row);
static inline uint64_t lc__hash_memory(const lc__hash *hash) {
  return hash->slots ? (hash->mask + 1) * (hash->wide ? 16 : 8) : 0;
}

static inline lc__hash_cursor lc__hash_start(const lc__hash *hash, uint64_t key) {
  return (lc__hash_cursor){lc_hash_u64(key) & hash->mask};
}
/* The next row with this key, or LC_ROW_NONE. */
static inline uint32_t lc__hash_next(const lc__hash *hash, uint64_t key, lc__hash_cursor *cursor) {
  if (__builtin_expect(hash->slots == NULL, 0)) return LC_ROW_NONE;
  for (;; cursor->at = (cursor->at + 1) & hash->mask) {
    uint64_t found, row;
    if (hash->wide) {
      found = hash->slots[2 * cursor->at];
      row = hash->slots[2 * cursor->at + 1];
    } else {
      found = (uint32_t)hash->slots[cursor->at];
      row = hash->slots[cursor->at] >> 32;
    }
    if (row == LC_ROW_NONE) return LC_ROW_NONE;
    if (found == key) {
      cursor->at = (cursor->at + 1) & hash->mask;
      return (uint32_t)row;
    }
  }
}
/* For exact keys. */
static inline uint32_t lc__hash_find(const lc__hash *hash, uint64_t key) {
  lc__hash_cursor cursor = lc__hash_start(hash, key);
  return lc__hash_next(hash, key, &cursor);
}
static inline void lc__hash_prefetch(const lc__hash *hash, uint64_t key) {
  if (hash->slots) __builtin_prefetch(&hash->slots[(lc_hash_u64(key) & hash->mask) << hash->wide]);
}
