/* The timer heap against a list that is searched: random arming, moving and removing, and the order in which equal times come (T1). */
#include "engine/timers_internal.h"
#include "harness.h"

typedef struct model {
  uint32_t table;
  uint64_t row;
  int64_t due;
  uint64_t order;
  bool used;
} model;

static const model *model_first(const model *timers, size_t count) {
  const model *first = NULL;
  for (size_t i = 0; i < count; i++) {
    const model *t = &timers[i];
    if (t->used && (!first || t->due < first->due || (t->due == first->due && t->order < first->order))) first = t;
  }
  return first;
}

TEST(behaves_like_a_searched_list) {
  enum { KEYS = 300 };
  static model timers[KEYS];
  lc__timers heap = {0};
  uint64_t random = 88172645463325252u, order = 0;
  for (size_t i = 0; i < KEYS; i++) timers[i] = (model){.table = 4096 + (uint32_t)(i % 3), .row = i / 3};
  for (int step = 0; step < 20000; step++) {
    random ^= random << 13, random ^= random >> 7, random ^= random << 17;
    model *t = &timers[random % KEYS];
    if (random >> 60 < 9) {
      t->due = (int64_t)(random >> 20 & 63);
      t->order = order++;
      t->used = true;
      lc__timers_arm(&heap, t->table, t->row, t->due);
    } else {
      expect_equal(lc__timers_remove(&heap, t->table, t->row), t->used);
      t->used = false;
    }
    lc__timer first;
    const model *expected = model_first(timers, KEYS);
    expect_equal(lc__timers_first(&heap, &first), expected != NULL);
    if (!expected) continue;
    expect_equal(first.table_id, expected->table);
    expect_equal(first.row_id, expected->row);
    expect_equal(first.due_micros, expected->due);
  }
  lc__timers_clear(&heap);
  lc__timer first;
  expect(!lc__timers_first(&heap, &first));
  lc__timers_arm(&heap, 1, 2, 3);
  expect(lc__timers_first(&heap, &first) && first.row_id == 2);
  lc__timers_deinit(&heap);
}
