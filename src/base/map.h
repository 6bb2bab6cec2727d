#pragma once
/*
 * Name → number, for catalogues: a small open-addressing table. Keys are borrowed and must outlive the map (they lie in the same
 * arena or struct as what they name). Zero-initialised is empty and valid. Threads: one at a time.
 */
#include "base/bytes.h"

typedef struct lc_map {
  struct lc_map_slot { lc_str key; uint64_t value; uint32_t hash; bool used; } *slots;
  size_t count, cap;
} lc_map;

void lc_map_deinit(lc_map *map);
/* Adds or replaces. */
void lc_map_put(lc_map *map, lc_str key, uint64_t value);
bool lc_map_get(const lc_map *map, lc_str key, uint64_t *value);
bool lc_map_remove(lc_map *map, lc_str key);
