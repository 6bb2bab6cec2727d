/*
 * The store alone on the hot path: find and update by primary key, and inserts. Accounts as in the transfer benchmark: {u32 id, i64
 * balance} with an ordered primary key, which is what `#[primary_key]` of Rust modules declares.
 *
 *   store_point_bench [accounts, default 100000]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "store/store.h"

static double now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void must(lc_err err) {
  if (!lc_failed(err)) return;
  fprintf(stderr, "%s\n", lc_err_text(err));
  exit(1);
}

static lc_table *create(lc_store *store) {
  uint16_t id = 0;
  lc_column_def columns[] = {{.name = LC_STR("id"), .type = lc_type_primitive(LC_TYPE_U32)},
                             {.name = LC_STR("balance"), .type = lc_type_primitive(LC_TYPE_I64)}};
  lc_index_def index = {.name = LC_STR("account_id_idx_btree"), .kind = LC_INDEX_BTREE, .columns = &id, .column_count = 1};
  lc_constraint_def constraint = {LC_STR("account_id_key"), &id, 1};
  lc_table_def def = {.name = LC_STR("account"),
                      .columns = columns,
                      .column_count = 2,
                      .primary_key = 0,
                      .indexes = &index,
                      .index_count = 1,
                      .constraints = &constraint,
                      .constraint_count = 1};
  lc_table *table;
  lc_store_begin(store);
  must(lc_store_create_table(store, &def, &table));
  lc_store_commit(store, NULL);
  return table;
}

static uint64_t random_state = 88172645463325252ull;
static uint32_t random_below(uint32_t limit) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return (uint32_t)((random_state >> 32) * limit >> 32);
}

static void insert_all(lc_store *store, lc_table *table, uint32_t accounts) {
  double start = now_ns();
  for (uint32_t id = 0; id < accounts;) {
    lc_store_begin(store);
    for (uint32_t i = 0; i < 100 && id < accounts; i++, id++) {
      uint8_t row[12];
      lc_store32(row, id);
      lc_store64(row + 4, 1000);
      must(lc_table_insert(table, lc_span_of(row, 12), NULL));
    }
    lc_store_commit(store, NULL);
  }
  lc_store_release(store);
  printf("insert                 %6.1f ns/row (100 a transaction), %.1f MB\n", (now_ns() - start) / accounts,
         (double)lc_table_memory(table) / 1e6);
}

static uint64_t run_finds(lc_index *index, uint32_t accounts, uint32_t rounds) {
  uint64_t sum = 0;
  double start = now_ns();
  for (uint32_t i = 0; i < rounds; i++) {
    uint8_t key[4];
    lc_store32(key, random_below(accounts));
    lc_row row;
    bool found;
    must(lc_index_find(index, lc_span_of(key, 4), &row, &found));
    sum += found ? lc_load64(row.bytes + 4) : 0;
  }
  printf("find                   %6.1f ns\n", (now_ns() - start) / rounds);
  return sum;
}

/* Two accounts read and written in one transaction, as a transfer does. */
static void run_transfers(lc_store *store, lc_table *table, lc_index *index, uint32_t accounts, uint32_t rounds, bool prefetch) {
  enum { AHEAD = 16 };
  uint32_t ids[AHEAD][2];
  double start = now_ns();
  for (uint32_t i = 0; i < rounds; i += AHEAD) {
    for (uint32_t k = 0; k < AHEAD; k++) {
      for (uint32_t side = 0; side < 2; side++) {
        ids[k][side] = random_below(accounts);
        if (prefetch) lc_index_prefetch(index, lc_span_of(&ids[k][side], 4));
      }
    }
    for (uint32_t k = 0; k < AHEAD; k++) {
      lc_store_begin(store);
      for (uint32_t side = 0; side < 2; side++) {
        lc_row row;
        bool found;
        must(lc_index_find(index, lc_span_of(&ids[k][side], 4), &row, &found));
        uint8_t changed[12];
        memcpy(changed, row.bytes, 12);
        lc_store64(changed + 4, lc_load64(changed + 4) + (side ? 1 : (uint64_t)-1));
        must(lc_table_update(table, index, lc_span_of(changed, 12), NULL));
      }
      const lc_delta *delta;
      lc_store_commit(store, &delta);
      lc_store_release(store);
    }
  }
  printf("transfer%s %6.1f ns (2 finds, 2 updates, begin, commit with delta, release)\n", prefetch ? ", prefetched   " : "               ",
         (now_ns() - start) / rounds);
}

static void run_updates(lc_store *store, lc_table *table, lc_index *index, uint32_t accounts, uint32_t rounds) {
  double start = now_ns();
  for (uint32_t i = 0; i < rounds;) {
    lc_store_begin(store);
    for (uint32_t k = 0; k < 100; k++, i++) {
      uint8_t row[12];
      lc_store32(row, random_below(accounts));
      lc_store64(row + 4, i);
      must(lc_table_update(table, index, lc_span_of(row, 12), NULL));
    }
    lc_store_commit(store, NULL);
  }
  lc_store_release(store);
  printf("update                 %6.1f ns (100 a transaction, commit included)\n", (now_ns() - start) / rounds);
}

int main(int argc, char **argv) {
  uint32_t accounts = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 100000;
  lc_store *store = lc_store_create();
  lc_table *table = create(store);
  lc_index *index = lc_table_index(table, 0);
  insert_all(store, table, accounts);
  uint64_t sum = run_finds(index, accounts, 2000000);
  sum += run_finds(index, accounts, 2000000);
  run_updates(store, table, index, accounts, 2000000);
  run_transfers(store, table, index, accounts, 1000000, false);
  run_transfers(store, table, index, accounts, 1000000, true);
  must(lc_store_check(store));
  lc_store_destroy(store);
  return sum == 0;
}
