/* What a restart finds: the rows, the module, the clients of before, the module's log (L2, L4, L7). */
#include "fixture.h"

TEST(a_clean_restart_finds_everything) {
  fixture f;
  fixture_open(&f, false);
  publish_bank(&f, 1);
  call(&f, NULL, "transfer", "wwq", 1u, 2u, 40ull);
  call(&f, NULL, "say", "s", "before the restart");
  lc_hash256 hash = lc_database_program_hash(f.database), after;
  lc_database_close(f.database);
  fixture_reopen(&f);
  after = lc_database_program_hash(f.database);
  expect(lc_u256_equal(&hash, &after));
  expect_equal(balance(&f, 1), 60);
  expect_equal(balance(&f, 2), 140);
  expect_equal(count_rows(&f, "account"), 2); /* init did not run again */
  expect(strstr(log_text(&f), "before the restart"));
  expect_equal(call(&f, NULL, "transfer", "wwq", 2u, 1u, 40ull).outcome, LC_OUTCOME_OK);
  published again = publish(&f, bank(1), false);
  expect(again.code == LC_OK && !again.updated);
  expect_ok(lc_store_check(lc_database_store(f.database)));
  fixture_close(&f);
}

TEST(after_a_crash_everything_durable_is_there) {
  fixture f;
  fixture_open(&f, false);
  publish_bank(&f, 1);
  uint64_t last = 0;
  for (int i = 0; i < 50; i++) {
    lc_reducer_result result = call(&f, NULL, "transfer", "wwq", 1u, 2u, 1ull);
    expect_equal(result.outcome, LC_OUTCOME_OK);
    expect(result.offset > last);
    last = result.offset;
  }
  fixture_settle(&f);
  for (int i = 0; i < 5; i++) call(&f, NULL, "transfer", "wwq", 1u, 2u, 1ull); /* never handed to the disk */
  lc_database_abandon(f.database);
  fixture_reopen(&f);
  expect_equal(balance(&f, 1), 50);
  expect_equal(balance(&f, 2), 150);
  expect_ok(lc_store_check(lc_database_store(f.database)));
  fixture_close(&f);
}

TEST(clients_that_a_crash_left_get_their_disconnect) {
  fixture f;
  listener a, b;
  fixture_open(&f, false);
  publish_bank(&f, 1);
  connect_client(&f, &a, alice, 1);
  connect_client(&f, &b, bob, 2);
  fixture_settle(&f);
  lc_database_abandon(f.database);
  disconnect_client(&a);
  disconnect_client(&b);
  fixture_reopen(&f);
  expect_equal(count_rows(&f, "st_client"), 0);
  expect_equal(count_rows(&f, "st_connection_credentials"), 0);
  expect_equal(count_rows(&f, "note"), 4); /* two hellos, two goodbyes */
  fixture_close(&f);
}

TEST(sequences_and_updates_survive) {
  fixture f;
  fixture_open(&f, false);
  publish_bank(&f, 1);
  call(&f, NULL, "set_alarm", "bq", 1, (uint64_t)(START + 1000 * SECOND));
  publish_bank(&f, 2);
  fixture_settle(&f);
  lc_database_abandon(f.database);
  fixture_reopen(&f);
  expect(lc_module_def_table(lc_database_def(f.database), LC_STR("extra")) != NULL);
  expect_equal(count_rows(&f, "extra"), 0);
  expect_equal(call(&f, NULL, "set_alarm", "bq", 1, (uint64_t)(START + 1000 * SECOND)).outcome, LC_OUTCOME_OK);
  expect_equal(count_rows(&f, "alarm"), 2); /* another id than before */
  expect_ok(lc_store_check(lc_database_store(f.database)));
  fixture_close(&f);
}

TEST(the_first_record_marks_the_beginning) {
  fixture f;
  fixture_open(&f, false);
  expect_equal(lc_database_durable(f.database), 1);
  expect_equal(lc__database_seen(f.database), 0);
  lc_database_close(f.database);
  fixture_reopen(&f);
  expect_equal(lc_database_durable(f.database), 1);
  fixture_close(&f);
}

/* What a server finds that cannot run the stored program any more. */
static void spoil_module(fixture *f) {
  lc_hash256 hash = lc_database_program_hash(f->database);
  lc__cause cause = {.inputs = {.kind = LC_RECORD_SYSTEM}, .reducer_id = LC__NO_REDUCER};
  expect_ok(lc__transaction_begin(f->database));
  expect_ok(lc__catalogue_put_module(f->database, &hash, lc_span_of("\0asm", 4)));
  expect_ok(lc__transaction_commit(f->database, &cause, true, NULL));
}

TEST(a_module_that_does_not_start_leaves_the_data_served) {
  fixture f;
  listener a;
  fixture_open(&f, false);
  publish_bank(&f, 1);
  spoil_module(&f);
  lc_database_close(f.database);
  fixture_reopen(&f);
  expect(lc_database_module_error(f.database) != NULL);
  expect_null(lc_database_def(f.database));
  expect_equal(balance(&f, 1), 100);
  lc_reducer_result result = call(&f, NULL, "transfer", "wwq", 1u, 2u, 1ull);
  expect_equal(result.outcome, LC_OUTCOME_REFUSED);
  expect(strstr(result.error, "the stored module does not start") == result.error);
  expect_failure(try_connect(&f, &a, alice, 1));
  lc_sql_result rows;
  uint64_t offset;
  expect_ok(lc_database_sql(f.database, owner_identity, LC_STR("SELECT * FROM account"), &rows, &offset));
  expect_equal(rows.rows.count, 2);
  lc_sql_result_deinit(&rows);
  published other = publish(&f, bank(2), true); /* there is no definition to plan from */
  expect_equal(other.code, LC_ERR_MIGRATION);
  published same = publish(&f, bank(1), false);
  expect_text(same.text, "ok");
  expect_null(lc_database_module_error(f.database));
  expect_equal(call(&f, NULL, "transfer", "wwq", 1u, 2u, 1ull).outcome, LC_OUTCOME_OK);
  fixture_close(&f);
}
