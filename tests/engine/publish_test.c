/* Updates of the module (datastore-and-lifecycle.md 3.3, 3.4): what is applied, what is refused, and that a refused one touches nothing
 * (E3). */
#include "fixture.h"

static void expect_running(fixture *f, listener *a) {
  expect_equal(call(f, NULL, "transfer", "wwq", 1u, 2u, 1ull).outcome, LC_OUTCOME_OK);
  expect(strstr(told(a), "set 1 [account:"));
  expect_equal(a->closed, 0);
}

TEST(an_additive_update_keeps_clients_and_data) {
  fixture f;
  listener a;
  fixture_open(&f, true);
  publish_bank(&f, 1);
  connect_client(&f, &a, alice, 1);
  subscribe(&a, LC_SUBSCRIBE_SET, 1, "SELECT * FROM account WHERE id = 1");
  expect_text(call(&f, NULL, "answer", "").error, "no such reducer");
  published result = publish(&f, bank(2), false);
  expect_text(result.text, "ok");
  expect(result.updated && !result.created && !result.breaks_clients);
  expect(strstr(result.plan, "Created user table: extra (public)"));
  expect_equal(count_rows(&f, "extra"), 0);
  expect_equal(count_rows(&f, "account"), 2);
  expect_text(call(&f, NULL, "answer", "").error, "The instance encountered a fatal error."); /* it is there, and returns 7 */
  expect_running(&f, &a);
  subscribe(&a, LC_SUBSCRIBE_SET, 2, "SELECT * FROM extra");
  disconnect_client(&a);
  expect_ok(lc_store_check(lc_database_store(f.database)));
  fixture_close(&f);
}

TEST(what_is_refused_leaves_module_and_clients_as_they_were) {
  fixture f;
  listener a;
  fixture_open(&f, true);
  publish_bank(&f, 1);
  connect_client(&f, &a, alice, 1);
  subscribe(&a, LC_SUBSCRIBE_SET, 1, "SELECT * FROM account");
  lc_hash256 hash = lc_database_program_hash(f.database), after;

  published result = publish(&f, bank(3), true); /* balance: i64 → u64 */
  expect_equal(result.code, LC_ERR_MIGRATION);
  expect_text(
      result.text,
      "Database update rejected: Errors occurred:\nChanging the type of column balance in table account from I64 to U64 requires a manual "
      "migration\n\n");
  expect_running(&f, &a);
  result = publish(&f, bank(6), true); /* traps while it starts */
  expect(result.code != LC_OK);
  expect_running(&f, &a);
  result = publish(&f, lc_span_of("\0asm\1\0\0\0", 7), true);
  expect(result.code != LC_OK);
  expect_running(&f, &a);
  result = publish(&f, bank(4), false); /* breaks clients */
  expect_text(
      result.text,
      "Failed to create or update the database: Migration plan contains a client-breaking change which is disallowed under current policy");
  expect(result.breaks_clients);
  expect_running(&f, &a);
  result = publish(&f, bank(7), true); /* `note` has rows */
  expect_text(result.text,
              "Failed to create or update the database: Cannot remove table `note`: table contains data. Clear the table's rows (e.g. via "
              "a reducer) "
              "before removing it from your schema.");
  expect_running(&f, &a);
  after = lc_database_program_hash(f.database);
  expect(lc_u256_equal(&hash, &after));
  expect_equal(count_rows(&f, "st_module"), 1);
  expect_ok(lc_store_check(lc_database_store(f.database)));
  disconnect_client(&a);
  fixture_close(&f);
}

TEST(a_breaking_update_rewrites_rows_then_disconnects) {
  fixture f;
  listener a;
  fixture_open(&f, true);
  publish_bank(&f, 1);
  connect_client(&f, &a, alice, 1);
  subscribe(&a, LC_SUBSCRIBE_SET, 1, "SELECT * FROM account WHERE id = 1");
  published result = publish(&f, bank(4), true);
  expect_text(result.text, "ok");
  expect(result.updated && result.breaks_clients);
  expect(strstr(result.plan, "!!! Warning: All clients will be disconnected"));
  expect_text(told(&a), "set 1 [account: -010000006400000000000000]; ");
  expect_equal(a.closed, 1);
  expect_equal(count_rows(&f, "account"), 2);
  uint32_t id = 2;
  lc_row row;
  bool found;
  lc_table *account = lc_store_table_by_name(lc_database_store(f.database), LC_STR("account"));
  expect_ok(lc_index_find(lc_table_index(account, 0), lc_span_of(&id, 4), &row, &found));
  expect(found);
  expect_bytes(row.bytes, row.len, "\2\0\0\0\x64\0\0\0\0\0\0\0\xf4\1\0\0\0\0\0\0", 20);
  disconnect_client(&a);
  expect_equal(count_rows(&f, "st_client"), 0);
  fixture_close(&f);
}

TEST(a_failing_init_leaves_an_empty_database) {
  fixture f;
  fixture_open(&f, true);
  published result = publish(&f, bank(5), false);
  expect_equal(result.code, LC_ERR_USER);
  expect_text(result.text, "init says no");
  expect_null(lc_database_def(f.database));
  expect_null(lc_store_table_by_name(lc_database_store(f.database), LC_STR("account")));
  expect_equal(count_rows(&f, "st_module"), 0);
  publish_bank(&f, 1);
  expect_equal(lc_table_id(lc_store_table_by_name(lc_database_store(f.database), LC_STR("account"))), 4096);
  fixture_close(&f);
}

TEST(a_plan_changes_nothing) {
  fixture f;
  fixture_open(&f, true);
  publish_bank(&f, 1);
  published result = {0};
  lc_database_plan(f.database, &(lc_publish_request){.program = bank(2), .done = published_done, .context = &result}, false);
  expect_equal(result.code, LC_OK);
  expect(strstr(result.plan, "Created user table: extra (public)"));
  expect(!result.updated && !result.created);
  expect_null(lc_store_table_by_name(lc_database_store(f.database), LC_STR("extra")));
  lc_database_plan(f.database, &(lc_publish_request){.program = bank(3), .done = published_done, .context = &result}, false);
  expect_text(result.text,
              "Errors occurred:\nChanging the type of column balance in table account from I64 to U64 requires a manual migration\n\n");
  lc_database_plan(f.database, &(lc_publish_request){.program = bank(1), .done = published_done, .context = &result}, false);
  expect_equal(result.code, LC_OK);
  fixture_close(&f);
}

/* L10: until the rules are evaluated, nobody but the owner sees anything of a table that has some. */
TEST(a_table_with_row_rules_is_the_owners_alone) {
  fixture f;
  listener a, owner;
  fixture_open(&f, true);
  publish_bank(&f, 8);
  expect_equal(count_rows(&f, "st_row_level_security"), 1);
  connect_client(&f, &a, alice, 1);
  connect_client(&f, &owner, owner_identity, 2);
  expect_error(try_subscribe(&a, LC_SUBSCRIBE_SET, 1, "SELECT * FROM note", NULL), LC_ERR_DENIED);
  lc_subscription_rows rows;
  expect_error(lc_client_query(a.client, LC_STR("SELECT * FROM note"), &rows), LC_ERR_DENIED);
  const char *text = subscribe(&a, LC_SUBSCRIBE_SET, 1, "SELECT * FROM *");
  expect(strstr(text, "account:") && !strstr(text, "note"));
  expect(strstr(subscribe(&owner, LC_SUBSCRIBE_SET, 1, "SELECT * FROM note"), "note: ="));
  disconnect_client(&owner);
  expect_text(told(&a), "");
  disconnect_client(&a);
  fixture_close(&f);
}

TEST(views_are_in_the_catalogue_and_using_one_says_that_they_do_not_run) {
  fixture f;
  listener a;
  fixture_open(&f, true);
  publish_bank(&f, 8);
  expect_equal(count_rows(&f, "st_view"), 1);
  expect_equal(count_rows(&f, "st_view_column"), 2);
  expect_equal(count_rows(&f, "st_view_param"), 0);
  connect_client(&f, &a, alice, 1);
  lc_err err = try_subscribe(&a, LC_SUBSCRIBE_SET, 1, "SELECT * FROM all_notes", NULL);
  expect_error(err, LC_ERR_SQL);
  expect(strstr(lc_err_text(err), "view"));
  disconnect_client(&a);
  /* Taking the rule away disconnects everybody, and then the table is open. */
  connect_client(&f, &a, alice, 1);
  published result = publish(&f, bank(1), true);
  expect_text(result.text, "ok");
  expect(result.breaks_clients);
  expect_equal(a.closed, 1);
  disconnect_client(&a);
  expect_equal(count_rows(&f, "st_view"), 0);
  expect_equal(count_rows(&f, "st_view_column"), 0);
  connect_client(&f, &a, alice, 1);
  expect(strstr(subscribe(&a, LC_SUBSCRIBE_SET, 1, "SELECT * FROM note"), "note: ="));
  disconnect_client(&a);
  fixture_close(&f);
}

/* Work that the server runs later: here, when the test says so. */
static void (*later_work)(void *), (*later_done)(void *);
static void *later_job;
static void run_later(void *server, void (*work)(void *job), void (*done)(void *job), void *job) {
  later_work = work;
  later_done = done;
  later_job = job;
}

TEST(one_publish_at_a_time_and_calls_go_on_meanwhile) {
  fixture f;
  fixture_open(&f, true);
  publish_bank(&f, 1);
  f.database->run_in_background = run_later;
  published first = {0}, second = {0};
  lc_database_publish(f.database, &(lc_publish_request){.program = bank(2), .done = published_done, .context = &first});
  lc_database_publish(f.database, &(lc_publish_request){.program = bank(2), .done = published_done, .context = &second});
  expect(!first.done && second.done);
  expect_equal(second.code, LC_ERR_EXISTS);
  expect_equal(call(&f, NULL, "transfer", "wwq", 1u, 2u, 1ull).outcome, LC_OUTCOME_OK);
  later_work(later_job);
  later_done(later_job);
  expect(first.done && first.updated);
  fixture_close(&f);
}

TEST(a_publisher_hears_that_the_database_closed) {
  fixture f;
  fixture_open(&f, true);
  f.database->run_in_background = run_later;
  published result = {0};
  lc_database_publish(f.database, &(lc_publish_request){.program = bank(1), .done = published_done, .context = &result});
  lc_database_close(f.database);
  f.database = NULL;
  expect(result.done && result.code != LC_OK);
  later_work(later_job);
  later_done(later_job);
  fixture_close(&f);
}

TEST(faster_code_takes_over_between_calls) {
  fixture f;
  fixture_open(&f, true);
  publish_bank(&f, 1);
  lc__module_optimise(f.database, bank(1));
  expect_equal(call(&f, NULL, "transfer", "wwq", 1u, 2u, 1ull).outcome, LC_OUTCOME_OK);
  f.database->run_in_background = run_later;
  lc__module_optimise(f.database, bank(1));
  const lc_instance *before = f.database->module->instance;
  later_work(later_job);
  expect_equal(call(&f, NULL, "transfer", "wwq", 1u, 2u, 1ull).outcome, LC_OUTCOME_OK);
  expect(f.database->module->instance == before); /* only `done`, on the core thread, may swap */
  later_done(later_job);
  expect(f.database->module->instance != before);
  expect_equal(call(&f, NULL, "transfer", "wwq", 1u, 2u, 1ull).outcome, LC_OUTCOME_OK);
  expect_equal(balance(&f, 2), 103);
  lc__module_optimise(f.database, bank(1));
  lc_database_close(f.database);
  f.database = NULL;
  later_work(later_job);
  later_done(later_job);
  fixture_close(&f);
}
