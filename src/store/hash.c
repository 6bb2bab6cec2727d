#include <stdlib.h>
#include <sys/mman.h>

#include "base/assert.h"
#include "store/hash_internal.h"

enum { SLOTS_MIN = 16, HUGE_BYTES = 2 << 20 };

void lc__hash_init(lc__hash *hash, bool wide) {
  *hash = (lc__hash){.wide = wide};
}

void lc__hash_deinit(lc__hash *hash) {
  free(hash->slots);
  hash->slots = NULL;
  hash->mask = hash->count = 0;
}

void lc__hash_clear(lc__hash *hash) {
  lc__hash_deinit(hash);
}

static uint64_t slot_key(const lc__hash *hash, uint64_t at) {
  return hash->wide ? hash->slots[2 * at] : (uint32_t)hash->slots[at];
}
static uint32_t slot_row(const lc__hash *hash, uint64_t at) {
  return hash->wide ? (uint32_t)hash->slots[2 * at + 1] : (uint32_t)(hash->slots[at] >> 32);
}

static void slot_set(lc__hash *hash, uint64_t at, uint64_t key, uint32_t row) {
  if (hash->wide) {
    hash->slots[2 * at] = key;
    hash->slots[2 * at + 1] = row;
  } else {
    hash->slots[at] = (uint64_t)row << 32 | (uint32_t)key;
  }
}

static void hash_place(lc__hash *hash, uint64_t key, uint32_t row) {
  uint64_t at = lc_hash_u64(key) & hash->mask;
  while (slot_row(hash, at) != LC_ROW_NONE) at = (at + 1) & hash->mask;
  slot_set(hash, at, key, row);
}

static void hash_grow(lc__hash *hash) {
  lc__hash old = *hash;
  uint64_t slots = old.slots ? (old.mask + 1) * 2 : SLOTS_MIN;
  size_t size = slots * (hash->wide ? 16 : 8);
  hash->slots = aligned_alloc(size >= HUGE_BYTES ? HUGE_BYTES : 64, size);
  lc_assert(hash->slots != NULL);
  if (size >= HUGE_BYTES) (void)!madvise(hash->slots, size, MADV_HUGEPAGE);
  memset(hash->slots, 0xff, size); /* row LC_ROW_NONE */
  hash->mask = slots - 1;
  /* The wide slot's upper half of `row` is 0xffffffff here; only its low half is ever looked at. */
  if (hash->wide) {
    for (uint64_t at = 0; at < slots; at++) hash->slots[2 * at + 1] = LC_ROW_NONE;
  }
  if (old.slots == NULL) return;
  for (uint64_t at = 0; at <= old.mask; at++) {
    if (slot_row(&old, at) != LC_ROW_NONE) hash_place(hash, slot_key(&old, at), slot_row(&old, at));
  }
  free(old.slots);
}

void lc__hash_add(lc__hash *hash, uint64_t key, uint32_t row) {
  if (hash->slots == NULL || (hash->count + 1) * 2 > hash->mask + 1) hash_grow(hash);
  hash_place(hash, key, row);
  hash->count++;
}

bool lc__hash_remove(lc__hash *hash, uint64_t key, uint32_t row) {
  if (hash->slots == NULL) return false;
  uint64_t at = lc_hash_u64(key) & hash->mask;
  while (slot_row(hash, at) != row || slot_key(hash, at) != key) {
    if (slot_row(hash, at) == LC_ROW_NONE) return false;
    at = (at + 1) & hash->mask;
  }
  /* Close the gap: an entry whose home lies at or before the gap moves into it. */
  uint64_t gap = at;
  for (at = (at + 1) & hash->mask; slot_row(hash, at) != LC_ROW_NONE; at = (at + 1) & hash->mask) {
    uint64_t home = lc_hash_u64(slot_key(hash, at)) & hash->mask;
    if (((at - home) & hash->mask) < ((at - gap) & hash->mask)) continue;
    slot_set(hash, gap, slot_key(hash, at), slot_row(hash, at));
    gap = at;
  }
  slot_set(hash, gap, 0, LC_ROW_NONE);
  hash->count--;
  return true;
}
