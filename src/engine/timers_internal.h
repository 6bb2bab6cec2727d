#pragma once
/*
 * Which scheduled row is due next: a binary heap of (due, table, id), with a hash from (table, id) to the entry, so that a row that goes
 * away takes its timer with it. Rows due at the same instant come in the order in which they were armed.
 *
 * Invariants
 *   T1  At most one timer per (table, id); arming again moves it.
 *   T2  Arming, moving and removing cost O(log n) and allocate only while the number of timers grows.
 * Owner: whoever holds the struct. Zero-initialised is empty and valid. Threads: one at a time.
 */
#include "base/vec.h"
#include "base/bytes.h"

typedef struct lc__timer {
  int64_t due_micros;
  uint64_t order; /* when it was armed, as a count */
  uint64_t row_id;
  uint32_t table_id;
  uint32_t heap_position;
  uint32_t next; /* in its hash chain, or in the list of free entries */
} lc__timer;

typedef struct lc__timers {
  LC_VEC(lc__timer) entries;
  LC_VEC(uint32_t) heap;    /* entries, the earliest first */
  uint32_t *chains;         /* first entry per hash, TIMER_NONE for none */
  uint32_t chain_count;     /* a power of two, or 0 */
  uint32_t free_entry;      /* 1 + first free entry, 0 for none */
  uint64_t order;
} lc__timers;

void lc__timers_deinit(lc__timers *timers);
void lc__timers_clear(lc__timers *timers);
void lc__timers_arm(lc__timers *timers, uint32_t table_id, uint64_t row_id, int64_t due_micros);
/* False when there was none. */
bool lc__timers_remove(lc__timers *timers, uint32_t table_id, uint64_t row_id);
/* The earliest one; false when there is none. Stays until it is removed or armed again. */
bool lc__timers_first(const lc__timers *timers, lc__timer *first);
