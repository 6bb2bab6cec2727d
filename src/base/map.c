#include "base/map.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/hash.h"

void lc_map_deinit(lc_map *map) {
  free(map->slots);
  *map = (lc_map){0};
}

/* The slot of `key`, or the free one where it belongs. */
static struct lc_map_slot *map_find(const lc_map *map, lc_str key, uint32_t hash) {
  for (size_t i = hash & (map->cap - 1);; i = (i + 1) & (map->cap - 1)) {
    struct lc_map_slot *slot = &map->slots[i];
    if (!slot->used || (slot->hash == hash && lc_str_equal(slot->key, key))) return slot;
  }
}

static void map_grow(lc_map *map) {
  lc_map old = *map;
  map->cap = old.cap ? old.cap * 2 : 16;
  map->slots = calloc(map->cap, sizeof *map->slots);
  lc_assert(map->slots != NULL);
  for (size_t i = 0; i < old.cap; i++) {
    if (old.slots[i].used) *map_find(map, old.slots[i].key, old.slots[i].hash) = old.slots[i];
  }
  free(old.slots);
}

void lc_map_put(lc_map *map, lc_str key, uint64_t value) {
  if (map->count * 2 >= map->cap) map_grow(map);
  uint32_t hash = (uint32_t)lc_hash64(key.ptr, key.len);
  struct lc_map_slot *slot = map_find(map, key, hash);
  if (!slot->used) map->count++;
  *slot = (struct lc_map_slot){key, value, hash, true};
}

bool lc_map_get(const lc_map *map, lc_str key, uint64_t *value) {
  if (map->count == 0) return false;
  const struct lc_map_slot *slot = map_find(map, key, (uint32_t)lc_hash64(key.ptr, key.len));
  if (slot->used && value) *value = slot->value;
  return slot->used;
}

bool lc_map_remove(lc_map *map, lc_str key) {
  if (map->count == 0) return false;
  struct lc_map_slot *slot = map_find(map, key, (uint32_t)lc_hash64(key.ptr, key.len));
  if (!slot->used) return false;
  slot->used = false;
  map->count--;
  /* Close the gap: everything that probed past this slot moves back. */
  size_t gap = (size_t)(slot - map->slots);
  for (size_t i = (gap + 1) & (map->cap - 1); map->slots[i].used; i = (i + 1) & (map->cap - 1)) {
    size_t home = map->slots[i].hash & (map->cap - 1);
    if (((i - home) & (map->cap - 1)) >= ((i - gap) & (map->cap - 1))) {
      map->slots[gap] = map->slots[i];
      map->slots[i].used = false;
      gap = i;
    }
  }
  return true;
}
