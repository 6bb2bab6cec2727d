/* Schedules (datastore-and-lifecycle.md 4.4, L8), over days of time that the tests give. `rung` holds (id, alarm, timestamp) per firing. */
#include "fixture.h"

static void expect_rung(fixture *f, const int64_t *times, size_t count) {
  lc_scan scan;
  lc_row row;
  int64_t found[512];
  size_t n = 0;
  lc_table_scan(lc_store_table_by_name(lc_database_store(f->database), LC_STR("rung")), &scan);
  while (lc_scan_next(&scan, &row) && n < 512) found[n++] = (int64_t)lc_load64(row.bytes + 16);
  for (size_t i = 1; i < n; i++)
    for (size_t k = i; k > 0 && found[k - 1] > found[k]; k--) {
      int64_t t = found[k];
      found[k] = found[k - 1];
      found[k - 1] = t;
    }
  expect_equal(n, count);
  for (size_t i = 0; i < count; i++) expect_equal(found[i] - START, times[i] - START);
}

static void advance_to(fixture *f, int64_t now) {
  f->now = now;
  fixture_turn(f);
}

TEST(a_time_fires_once_then_its_row_goes) {
  fixture f;
  fixture_open(&f, true);
  publish_bank(&f, 1);
  expect_equal(lc_database_next_due(f.database), INT64_MAX);
  call(&f, NULL, "set_alarm", "bq", 1, (uint64_t)(START + 10 * SECOND));
  expect_equal(lc_database_next_due(f.database), START + 10 * SECOND);
  advance_to(&f, START + 10 * SECOND - 1);
  expect_rung(&f, NULL, 0);
  advance_to(&f, START + 10 * SECOND + 5);
  advance_to(&f, START + 20 * SECOND);
  expect_rung(&f, (int64_t[]){START + 10 * SECOND + 5}, 1); /* max(intended, now) */
  expect_equal(count_rows(&f, "alarm"), 0);
  expect_equal(lc_database_next_due(f.database), INT64_MAX);
  fixture_close(&f);
}

TEST(a_past_time_fires_at_once_and_a_failing_reducer_is_not_retried) {
  fixture f;
  fixture_open(&f, true);
  publish_bank(&f, 1);
  call(&f, NULL, "open_account", "wq", 4042u, 0ull); /* ring refuses */
  call(&f, NULL, "set_alarm", "bq", 1, (uint64_t)(START - 5));
  fixture_turn(&f);
  expect_rung(&f, NULL, 0);
  expect_equal(count_rows(&f, "alarm"), 0);
  expect(strstr(log_text(&f), "no ringing"));
  fixture_close(&f);
}

TEST(an_interval_keeps_its_grid_over_days_without_drift) {
  fixture f;
  fixture_open(&f, true);
  publish_bank(&f, 1);
  const int64_t hour = 3600 * SECOND;
  int64_t expected[72];
  call(&f, NULL, "set_alarm", "bq", 0, (uint64_t)hour);
  for (int i = 0; i < 72; i++) { /* every turn is late, by ever other amounts */
    int64_t late = (i * 7919) % (50 * SECOND);
    expect_equal(lc_database_next_due(f.database), START + (i + 1) * hour);
    advance_to(&f, START + (i + 1) * hour + late);
    expected[i] = f.now;
  }
  expect_rung(&f, expected, 72);
  /* Ticks that were slept through are skipped, and the grid stays. */
  advance_to(&f, START + 100 * hour + 5 * SECOND);
  expect_equal(count_rows(&f, "rung"), 73);
  expect_equal(lc_database_next_due(f.database), START + 101 * hour);
  expect_equal(count_rows(&f, "alarm"), 1);
  fixture_close(&f);
}

TEST(zero_and_negative_intervals) {
  fixture f;
  fixture_open(&f, true);
  publish_bank(&f, 1);
  call(&f, NULL, "set_alarm", "bq", 0, (uint64_t)-SECOND); /* its magnitude counts */
  expect_equal(lc_database_next_due(f.database), START + SECOND);
  call(&f, NULL, "clear_alarm", "Q", 1ull);
  expect_equal(lc_database_next_due(f.database), INT64_MAX);
  call(&f, NULL, "set_alarm", "bq", 0, 0ull); /* once a turn, never a loop */
  for (int i = 1; i <= 5; i++) {
    advance_to(&f, START + i);
    expect_equal(count_rows(&f, "rung"), i);
    expect(lc_database_next_due(f.database) <= f.now);
  }
  fixture_close(&f);
}

TEST(rows_that_roll_back_or_go_never_fire) {
  fixture f;
  fixture_open(&f, true);
  publish_bank(&f, 1);
  expect_equal(call(&f, NULL, "set_alarm_and_fail", "bq", 1, (uint64_t)START).outcome, LC_OUTCOME_USER_ERROR);
  expect_equal(lc_database_next_due(f.database), INT64_MAX);
  call(&f, NULL, "set_alarm", "bq", 1, (uint64_t)(START + SECOND));
  call(&f, NULL, "clear_alarm", "Q", 1ull);
  advance_to(&f, START + 2 * SECOND);
  expect_rung(&f, NULL, 0);
  fixture_close(&f);
}

TEST(delays_beyond_two_years_are_refused) {
  fixture f;
  fixture_open(&f, true);
  publish_bank(&f, 1);
  const int64_t most = ((1ll << 36) - 1) * 1000;
  static const uint64_t absurd[] = {(uint64_t)INT64_MAX, (uint64_t)INT64_MIN};
  expect_equal(call(&f, NULL, "set_alarm", "bq", 0, (uint64_t)most).outcome, LC_OUTCOME_OK);
  expect_text(call(&f, NULL, "set_alarm", "bq", 0, (uint64_t)(most + 1)).error, "too long");
  expect_equal(call(&f, NULL, "set_alarm", "bq", 1, (uint64_t)(START + most)).outcome, LC_OUTCOME_OK);
  expect_text(call(&f, NULL, "set_alarm", "bq", 1, (uint64_t)(START + most + 1)).error, "too long");
  expect_text(call(&f, NULL, "set_alarm", "bq", 0, absurd[0]).error, "too long");
  expect_text(call(&f, NULL, "set_alarm", "bq", 0, absurd[1]).error, "too long");
  expect_text(call(&f, NULL, "set_alarm", "bq", 1, absurd[0]).error, "too long");
  expect_equal(count_rows(&f, "alarm"), 2);
  fixture_close(&f);
}

TEST(schedules_survive_a_restart) {
  fixture f;
  fixture_open(&f, false);
  publish_bank(&f, 1);
  call(&f, NULL, "set_alarm", "bq", 1, (uint64_t)(START + SECOND));
  call(&f, NULL, "set_alarm", "bq", 0, (uint64_t)(60 * SECOND));
  fixture_settle(&f);
  lc_database_abandon(f.database);
  fixture_reopen(&f);
  expect_equal(count_rows(&f, "alarm"), 2);
  advance_to(&f, START + SECOND);
  expect_rung(&f, (int64_t[]){START + SECOND}, 1);
  expect_equal(count_rows(&f, "alarm"), 1);
  expect(lc_database_next_due(f.database) != INT64_MAX);
  fixture_close(&f);
}

TEST(immediate_calls_run_soon_even_if_their_caller_failed) {
  fixture f;
  fixture_open(&f, true);
  publish_bank(&f, 1);
  expect_equal(call(&f, NULL, "later", "s", "said later").outcome, LC_OUTCOME_USER_ERROR);
  expect(lc_database_next_due(f.database) <= f.now);
  expect(!strstr(log_text(&f), "said later"));
  fixture_turn(&f);
  expect(strstr(log_text(&f), "said later"));
  expect_equal(lc_database_next_due(f.database), INT64_MAX);
  fixture_close(&f);
}

/* L11: calls that queue calls hold a bounded amount of memory; what does not fit is lost, as `volatile` says, and the log says so. */
TEST(immediate_calls_that_wait_are_bounded) {
  enum { TEXT = 4000, CALLS = 5000 };
  fixture f;
  fixture_open(&f, true);
  publish_bank(&f, 1);
  char text[TEXT + 1];
  memset(text, 'x', TEXT);
  text[TEXT] = 0;
  for (int i = 0; i < CALLS; i++) call(&f, NULL, "later", "s", text);
  expect(f.database->immediates.count < CALLS);
  expect(f.database->immediates.count * TEXT > 8 << 20);
  expect(f.database->immediate_bytes <= 16 << 20);
  expect(strstr(log_text(&f), "too many immediate calls"));
  fixture_turn(&f);
  expect_equal(f.database->immediates.count, 0);
  expect_equal(f.database->immediate_bytes, 0);
  call(&f, NULL, "later", "s", "again");
  fixture_turn(&f);
  expect(strstr(log_text(&f), "again"));
  fixture_close(&f);
}
