/* The engine on a simulated disk: full disks refuse changes and come back (L12), crashes at any operation lose nothing that was durable
 * (L2). */
#include "fixture.h"
#include "io/sim/sim.h"

static void sim_open(fixture *f, uint64_t seed) {
  *f = (fixture){.now = START, .io = lc_sim_create(seed)};
  expect_ok(lc_host_init(NULL));
  fixture_reopen(f);
}

static void turn(fixture *f) {
  expect_ok(lc_database_turn_end(f->database));
  expect_ok(lc_database_poll(f->database));
  lc_database_turn_begin(f->database, f->now += 1000);
}

TEST(a_full_disk_refuses_changes_and_keeps_reads) {
  fixture f;
  listener a;
  sim_open(&f, 7);
  publish_bank(&f, 1);
  connect_client(&f, &a, alice, 1);
  fixture_settle(&f);
  lc_sim_set_capacity(f.io, 0);
  lc_reducer_result result = {0};
  for (int i = 0; i < 200000 && result.outcome == LC_OUTCOME_OK; i++) {
    result = call(&f, NULL, "transfer", "wwq", 1u, 2u, (uint64_t)(i % 2 ? -1 : 1));
    if (i % 100 == 0) turn(&f);
  }
  expect_equal(result.outcome, LC_OUTCOME_REFUSED);
  expect(strstr(result.error, "no space left"));
  expect(!result.has_offset);
  expect(lc_database_is_full(f.database));
  expect_equal(balance(&f, 1) + balance(&f, 2), 200); /* reads go on */
  lc_subscription_rows rows;
  expect_ok(lc_client_query(a.client, LC_STR("SELECT * FROM account WHERE id = 1"), &rows));
  expect_equal(rows.entries[0].rows.count, 1);
  lc_subscription_rows_deinit(&rows);
  lc_sim_set_capacity(f.io, UINT64_MAX);
  for (int i = 0; i < 100000 && lc_database_is_full(f.database); i++) {
    turn(&f);
    usleep(10);
  }
  expect_equal(call(&f, NULL, "transfer", "wwq", 1u, 2u, 0ull).outcome, LC_OUTCOME_OK);
  fixture_settle(&f);
  disconnect_client(&a);
  fixture_close(&f);
}

/*
 * One client moves 1 from account 1 to account 2 again and again; the machine goes down at some operation. What is found has both sides of
 * every transfer, at least all that were durable, at most all that were made.
 */
static void crash_once(uint64_t seed) {
  fixture f;
  sim_open(&f, seed);
  publish_bank(&f, 1);
  for (int i = 0; i < 1000 && lc_database_durable(f.database) <= lc__database_seen(f.database); i++) turn(&f);
  uint64_t first = lc__database_seen(f.database), durable = 0;
  int64_t made = 0;
  lc_sim_crash_after(f.io, 1 + lc_sim_random(f.io, 60));
  for (int i = 0; i < 100 && !lc_sim_is_down(f.io); i++) {
    if (call(&f, NULL, "transfer", "wwq", 1u, 2u, 1ull).outcome == LC_OUTCOME_OK && made < 100) made++;
    if (lc_sim_random(f.io, 3)) continue;
    lc_err ended = lc_database_turn_end(f.database), polled = lc_database_poll(f.database);
    if (lc_failed(ended) || lc_failed(polled)) break;
    if (lc_database_durable(f.database) > first) durable = lc_database_durable(f.database) - first - 1;
  }
  lc_database_abandon(f.database);
  lc_sim_crash_after(f.io, 0);
  lc_sim_crash(f.io);
  fixture_reopen(&f);
  int64_t moved = balance(&f, 2) - 100;
  expect_equal(balance(&f, 1), 100 - moved);
  if (moved < (int64_t)durable || moved > made)
    lc_test_fail("seed %llu: %lld moved, %llu durable, %lld made", (unsigned long long)seed, (long long)moved, (unsigned long long)durable,
                 (long long)made);
  expect_ok(lc_store_check(lc_database_store(f.database)));
  fixture_close(&f);
}

TEST(a_crash_at_any_operation_keeps_what_was_durable) {
  for (uint64_t seed = 1; seed <= 40; seed++) crash_once(seed);
}

static void fill_disk(fixture *f) {
  lc_sim_set_capacity(f->io, 0);
  for (int i = 0; i < 200000 && !lc_database_is_full(f->database); i++) {
    call(f, NULL, "transfer", "wwq", 1u, 2u, (uint64_t)(i % 2 ? -1 : 1));
    if (i % 100 == 0) turn(f);
  }
  expect(lc_database_is_full(f->database));
}

/* L1: what closing could not write is not counted as durable, so that nobody acknowledges it. */
TEST(closing_on_a_full_disk_says_what_is_durable) {
  fixture f;
  sim_open(&f, 11);
  publish_bank(&f, 1);
  fixture_settle(&f);
  fill_disk(&f);
  uint64_t seen = lc__database_seen(f.database), durable = lc_database_close(f.database);
  expect(durable <= seen);
  lc_sim_set_capacity(f.io, UINT64_MAX);
  fixture_reopen(&f);
  fixture_settle(&f);
  seen = lc__database_seen(f.database);
  expect_equal(lc_database_close(f.database), seen + 1);
  f.database = NULL;
  fixture_close(&f);
}

/* Whoever is told of the 100th firing makes the disk full, in the midst of the round. */
typedef struct spoiler {
  fixture *f;
  int updates;
} spoiler;
static void spoil(void *session, const lc_client_update *update) {
  spoiler *self = session;
  if (++self->updates != 100) return;
  expect_ok(lc_database_turn_end(self->f->database));
  for (int i = 0; i < 1000 && !lc_database_is_full(self->f->database); i++) {
    lc_sim_fail_after(self->f->io, 1, LC_ERR_NO_SPACE);
    expect_ok(lc_database_poll(self->f->database));
  }
  lc_sim_fail_after(self->f->io, 0, LC_ERR_NO_SPACE);
  expect(lc_database_is_full(self->f->database));
}
static void ignore_failed(void *session, uint32_t query_set_id, const char *reason) {}
static void ignore_closed(void *session, lc_close_reason reason) {}

/* L8, E4: a disk that fills up while schedules fire takes none of them away. */
TEST(schedules_that_find_the_disk_full_fire_later) {
  enum { ALARMS = 300 };
  static const lc_client_events events = {spoil, ignore_failed, ignore_closed};
  fixture f;
  sim_open(&f, 12);
  publish_bank(&f, 1);
  spoiler self = {.f = &f};
  lc_client *client;
  expect_ok(lc_client_connect(f.database, owner_identity, (lc_connection_id){1, 0}, LC_STR("{}"), &events, &self, &client));
  listener as = {.client = client};
  subscribe(&as, LC_SUBSCRIBE_SET, 1, "SELECT * FROM rung");
  for (int i = 0; i < ALARMS; i++) call(&f, NULL, "set_alarm", "bq", i % 2, (uint64_t)(i % 2 ? START + 100 * SECOND : 100 * SECOND));
  fixture_settle(&f);
  f.now = START + 100 * SECOND;
  fixture_turn(&f);
  expect(lc_database_is_full(f.database));
  expect_equal(count_rows(&f, "rung"), 100);
  for (int i = 0; i < 100000 && (lc_database_is_full(f.database) || lc_database_next_due(f.database) <= f.now); i++) {
    expect_ok(lc_database_turn_end(f.database));
    expect_ok(lc_database_poll(f.database));
    fixture_turn(&f);
  }
  expect(count_rows(&f, "rung") >= ALARMS && count_rows(&f, "rung") <= ALARMS + 1); /* one had run, but its row was still there */
  expect_equal(count_rows(&f, "alarm"), ALARMS / 2);                                /* the intervals */
  lc_client_disconnect(client);
  fixture_close(&f);
}
