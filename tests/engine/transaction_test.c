/* The steps of a transaction where the log has the last word: a change that cannot be logged is taken back whole (E2, L12). */
#include "fixture.h"
#include "io/sim/sim.h"

/* The delta is made before the log is asked for room; giving up after that must undo as before. */
TEST(giving_up_after_the_delta_is_made_leaves_nothing) {
  fixture f;
  fixture_open(&f, true);
  publish_bank(&f, 1);
  lc_store *store = lc_database_store(f.database);
  lc_table *account = lc_store_table_by_name(store, LC_STR("account")), *note = lc_store_table_by_name(store, LC_STR("note"));
  lc_insert_result result;
  for (int round = 0; round < 3; round++) {
    lc_store_begin(store);
    expect_ok(lc_table_insert(note, lc_span_of("\0\0\0\0\0\0\0\0\1\0\0\0x", 13), &result));
    uint64_t drawn = lc_load64(result.row.bytes);
    expect_ok(lc_table_insert(account, lc_span_of("\3\0\0\0\1\0\0\0\0\0\0\0", 12), &result));
    expect_ok(lc_table_update(account, lc_table_index(account, 0), lc_span_of("\1\0\0\0\2\0\0\0\0\0\0\0", 12), &result));
    expect(lc_table_delete_equal(account, lc_span_of("\2\0\0\0\x64\0\0\0\0\0\0\0", 12)));
    const lc_delta *delta = lc_store_delta(store);
    expect_equal(delta->table_count, 3); /* st_sequence, account, note */
    if (round == 1) {
      lc_store_commit(store, &delta);
      expect_equal(delta->table_count, 3);
      lc_store_release(store);
      expect_equal(balance(&f, 1), 2);
      expect_ok(lc_store_check(store));
      break;
    }
    lc_store_abort(store);
    expect_equal(drawn, 1); /* given back */
    expect_equal(balance(&f, 1), 100);
    expect_equal(balance(&f, 2), 100);
    expect_equal(balance(&f, 3), INT64_MIN);
    expect_equal(lc_table_row_count(note), 0);
    expect_ok(lc_store_check(store));
  }
  fixture_close(&f);
}

/* The disk fills while a turn is being made: whichever call finds the ring full is refused and rolled back, none before it is lost. */
TEST(the_call_that_finds_the_ring_full_is_refused_whole) {
  fixture f = {.now = START, .io = lc_sim_create(3)};
  expect_ok(lc_host_init(NULL));
  fixture_reopen(&f);
  publish_bank(&f, 1);
  fixture_settle(&f);
  lc_sim_set_capacity(f.io, 0);
  lc_reducer_result result = {0};
  int64_t made = 0;
  while (result.outcome == LC_OUTCOME_OK && made < 1000000) { /* no turn ends: only a full ring can stop it */
    result = call(&f, NULL, "transfer", "wwq", 1u, 2u, (uint64_t)(made % 2 ? -1 : 1));
    made += result.outcome == LC_OUTCOME_OK;
  }
  expect_equal(result.outcome, LC_OUTCOME_REFUSED);
  expect_equal(balance(&f, 2), 100 + made % 2);
  expect_ok(lc_store_check(lc_database_store(f.database)));
  lc_sim_set_capacity(f.io, UINT64_MAX);
  for (int i = 0; i < 100000 && lc_database_is_full(f.database); i++) {
    expect_ok(lc_database_turn_end(f.database));
    expect_ok(lc_database_poll(f.database));
    usleep(10);
  }
  fixture_settle(&f);
  lc_database_abandon(f.database);
  lc_sim_crash(f.io);
  fixture_reopen(&f);
  expect_equal(balance(&f, 2), 100 + made % 2);
  fixture_close(&f);
}
