/* A binary heap with a hash beside it (timers_internal.h). Entries never move; the heap and the chains hold their numbers. */
#include "base/hash.h"
#include "engine/timers_internal.h"

enum { TIMER_NONE = UINT32_MAX };

static uint32_t *chain_of(const lc__timers *timers, uint32_t table_id, uint64_t row_id) {
  return &timers->chains[lc_hash_u64(row_id + lc_hash_u64(table_id)) & (timers->chain_count - 1)];
}

static bool earlier(const lc__timers *timers, uint32_t a, uint32_t b) {
  const lc__timer *x = &timers->entries.items[a], *y = &timers->entries.items[b];
  return x->due_micros != y->due_micros ? x->due_micros < y->due_micros : x->order < y->order;
}

static void place(lc__timers *timers, uint32_t position, uint32_t entry) {
  timers->heap.items[position] = entry;
  timers->entries.items[entry].heap_position = position;
}

static void sift_up(lc__timers *timers, uint32_t position) {
  uint32_t entry = timers->heap.items[position];
  while (position > 0) {
    uint32_t parent = (position - 1) / 2;
    if (!earlier(timers, entry, timers->heap.items[parent])) break;
    place(timers, position, timers->heap.items[parent]);
    position = parent;
  }
  place(timers, position, entry);
}

static void sift_down(lc__timers *timers, uint32_t position) {
  uint32_t entry = timers->heap.items[position], count = (uint32_t)timers->heap.count;
  for (;;) {
    uint32_t child = 2 * position + 1;
    if (child >= count) break;
    if (child + 1 < count && earlier(timers, timers->heap.items[child + 1], timers->heap.items[child])) child++;
    if (!earlier(timers, timers->heap.items[child], entry)) break;
    place(timers, position, timers->heap.items[child]);
    position = child;
  }
  place(timers, position, entry);
}

static uint32_t find(const lc__timers *timers, uint32_t table_id, uint64_t row_id) {
  if (timers->chain_count == 0) return TIMER_NONE;
  uint32_t entry = *chain_of(timers, table_id, row_id);
  while (entry != TIMER_NONE && (timers->entries.items[entry].row_id != row_id || timers->entries.items[entry].table_id != table_id))
    entry = timers->entries.items[entry].next;
  return entry;
}

static void grow_chains(lc__timers *timers) {
  timers->chain_count = timers->chain_count ? timers->chain_count * 2 : 64;
  free(timers->chains);
  timers->chains = malloc(timers->chain_count * sizeof *timers->chains);
  lc_assert(timers->chains != NULL);
  memset(timers->chains, 0xff, timers->chain_count * sizeof *timers->chains);
  for (size_t i = 0; i < timers->heap.count; i++) {
    lc__timer *timer = &timers->entries.items[timers->heap.items[i]];
    uint32_t *chain = chain_of(timers, timer->table_id, timer->row_id);
    timer->next = *chain;
    *chain = timers->heap.items[i];
  }
}

static uint32_t take_entry(lc__timers *timers) {
  if (timers->free_entry) {
    uint32_t entry = timers->free_entry - 1;
    timers->free_entry = timers->entries.items[entry].next;
    return entry;
  }
  lc_vec_push(&timers->entries, (lc__timer){0});
  return (uint32_t)timers->entries.count - 1;
}

void lc__timers_arm(lc__timers *timers, uint32_t table_id, uint64_t row_id, int64_t due_micros) {
  uint32_t entry = find(timers, table_id, row_id);
  if (entry == TIMER_NONE) {
    if (timers->heap.count >= timers->chain_count) grow_chains(timers);
    entry = take_entry(timers);
    uint32_t *chain = chain_of(timers, table_id, row_id);
    timers->entries.items[entry] = (lc__timer){.row_id = row_id, .table_id = table_id, .next = *chain};
    *chain = entry;
    lc_vec_push(&timers->heap, entry);
    timers->entries.items[entry].heap_position = (uint32_t)timers->heap.count - 1;
  }
  lc__timer *timer = &timers->entries.items[entry];
  timer->due_micros = due_micros;
  timer->order = timers->order++;
  sift_up(timers, timer->heap_position);
  sift_down(timers, timer->heap_position);
}

bool lc__timers_remove(lc__timers *timers, uint32_t table_id, uint64_t row_id) {
  uint32_t entry = find(timers, table_id, row_id);
  if (entry == TIMER_NONE) return false;
  uint32_t *link = chain_of(timers, table_id, row_id);
  while (*link != entry) link = &timers->entries.items[*link].next;
  *link = timers->entries.items[entry].next;

  uint32_t position = timers->entries.items[entry].heap_position;
  uint32_t last = timers->heap.items[--timers->heap.count];
  if (last != entry) {
    place(timers, position, last);
    sift_up(timers, position);
    sift_down(timers, timers->entries.items[last].heap_position);
  }
  timers->entries.items[entry].next = timers->free_entry;
  timers->free_entry = entry + 1;
  return true;
}

bool lc__timers_first(const lc__timers *timers, lc__timer *first) {
  if (timers->heap.count == 0) return false;
  *first = timers->entries.items[timers->heap.items[0]];
  return true;
}

void lc__timers_clear(lc__timers *timers) {
  lc_vec_clear(&timers->entries);
  lc_vec_clear(&timers->heap);
  timers->free_entry = 0;
  if (timers->chain_count) memset(timers->chains, 0xff, timers->chain_count * sizeof *timers->chains);
}

void lc__timers_deinit(lc__timers *timers) {
  lc_vec_deinit(&timers->entries);
  lc_vec_deinit(&timers->heap);
  free(timers->chains);
  *timers = (lc__timers){0};
}
