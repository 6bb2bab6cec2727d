/* Subscriptions (client-protocol.md 5.5 – 5.11, 6.3, 6.4; sql-and-subscriptions.md 4): rows at the start, updates, sharing, ends, refusals.
 */
#include "fixture.h"

#define ROW_1_100 "010000006400000000000000"
#define ROW_2_100 "020000006400000000000000"
#define ROW_1_99 "010000006300000000000000"
#define ROW_2_101 "020000006500000000000000"

static bool same_rows(const char *text, const char *a, const char *b) {
  char one[256], other[256];
  snprintf(one, sizeof one, "account: =%s =%s", a, b);
  snprintf(other, sizeof other, "account: =%s =%s", b, a);
  return strcmp(text, one) == 0 || strcmp(text, other) == 0;
}

TEST(both_clients_see_a_transfer_the_caller_in_its_result) {
  fixture f;
  listener a, b;
  fixture_open(&f, true);
  publish_bank(&f, 1);
  connect_client(&f, &a, alice, 1);
  connect_client(&f, &b, bob, 2);
  expect(same_rows(subscribe(&a, LC_SUBSCRIBE_SET, 1, "SELECT * FROM account"), ROW_1_100, ROW_2_100));
  expect_text(subscribe(&b, LC_SUBSCRIBE_SET, 9, "SELECT * FROM account WHERE id = 2"), "account: =" ROW_2_100);

  lc_reducer_result result = call(&f, &a, "transfer", "wwq", 1u, 2u, 1ull);
  expect_equal(result.outcome, LC_OUTCOME_OK);
  lc_buf own = {0};
  tell_update(&own, &result.update);
  const char *text = lc_buf_cstr(&own);
  expect(strstr(text, "set 1 [account:") == text);
  expect(strstr(text, " +" ROW_1_99) && strstr(text, " +" ROW_2_101) && strstr(text, " -" ROW_1_100) && strstr(text, " -" ROW_2_100));
  expect_text(told(&a), "");
  expect_text(told(&b), "set 9 [account: +" ROW_2_101 " -" ROW_2_100 "]; ");
  expect_text(b.last_reducer, "transfer");
  expect_equal(b.last_offset, result.offset);

  /* An update that concerns nobody's rows is told to nobody. */
  call(&f, NULL, "open_account", "wq", 3u, 1ull);
  expect_text(told(&b), "");
  expect_equal(b.updates, 1);
  expect_equal(a.updates, 1);
  lc_buf_deinit(&own);
  disconnect_client(&a);
  disconnect_client(&b);
  fixture_close(&f);
}

TEST(a_failed_call_is_told_to_nobody) {
  fixture f;
  listener a;
  fixture_open(&f, true);
  publish_bank(&f, 1);
  connect_client(&f, &a, alice, 1);
  subscribe(&a, LC_SUBSCRIBE_SET, 1, "SELECT * FROM account");
  call(&f, NULL, "fail", "s", "x");
  call(&f, NULL, "crash", "");
  call(&f, NULL, "spin", "");
  expect_equal(a.updates, 0);
  disconnect_client(&a);
  fixture_close(&f);
}

TEST(sets_come_by_id_and_queries_by_table_name) {
  fixture f;
  listener a, b;
  fixture_open(&f, true);
  publish_bank(&f, 1);
  connect_client(&f, &a, alice, 1);
  subscribe(&a, LC_SUBSCRIBE_SET, 7, "SELECT * FROM note;SELECT * FROM st_client");
  subscribe(&a, LC_SUBSCRIBE_SET, 3, "SELECT * FROM note");
  connect_client(&f, &b, bob, 2); /* writes note, st_client and credentials */
  const char *text = told(&a);
  const char *set3 = strstr(text, "set 3 [note: +"), *set7 = strstr(text, "set 7 [note: +"), *client = strstr(text, ", st_client: +");
  expect(set3 == text && set7 && client && set3 < set7 && set7 < client);
  expect_equal(a.updates, 1);
  disconnect_client(&b);
  disconnect_client(&a);
  fixture_close(&f);
}

TEST(every_set_of_v2_has_its_own_rows_and_equal_texts_of_one_set_count_once) {
  fixture f;
  listener a;
  fixture_open(&f, true);
  publish_bank(&f, 1);
  connect_client(&f, &a, alice, 1);
  expect_text(subscribe(&a, LC_SUBSCRIBE_SET, 1, "SELECT * FROM account WHERE id = 1; SELECT * FROM account WHERE id = 1 "),
              "account: =" ROW_1_100);
  expect_text(subscribe(&a, LC_SUBSCRIBE_SET, 2, "SELECT * FROM account WHERE id = 1;SELECT  * FROM account WHERE id = 1"),
              "account: =" ROW_1_100 ", account: =" ROW_1_100);
  call(&f, NULL, "transfer", "wwq", 1u, 2u, 1ull);
  expect_text(told(&a), "set 1 [account: +" ROW_1_99 " -" ROW_1_100 "]; set 2 [account: +" ROW_1_99 " -" ROW_1_100 ", account: +" ROW_1_99
                        " -" ROW_1_100 "]; ");
  expect_text(unsubscribe(&a, 2), "account: =" ROW_1_99 ", account: =" ROW_1_99);
  call(&f, NULL, "transfer", "wwq", 2u, 1u, 1ull);
  expect_text(told(&a), "set 1 [account: +" ROW_1_100 " -" ROW_1_99 "]; ");
  expect_text(unsubscribe(&a, 1), "account: =" ROW_1_100);
  call(&f, NULL, "transfer", "wwq", 1u, 2u, 1ull);
  expect_text(told(&a), "");
  disconnect_client(&a);
  fixture_close(&f);
}

TEST(a_query_over_an_empty_table_has_no_entry_but_a_match_of_nothing_has) {
  fixture f;
  listener a;
  fixture_open(&f, true);
  publish_bank(&f, 1);
  connect_client(&f, &a, alice, 1);
  expect_text(subscribe(&a, LC_SUBSCRIBE_SET, 1, "SELECT * FROM alarm;SELECT * FROM account WHERE id = 77"), "account:");
  expect_text(subscribe(&a, LC_SUBSCRIBE_SET, 2, ""), "");
  lc_subscription_rows rows;
  expect_ok(lc_client_query(a.client, LC_STR("SELECT * FROM alarm"), &rows));
  expect_equal(rows.count, 1);
  expect_equal(rows.entries[0].rows.count, 0);
  lc_subscription_rows_deinit(&rows);
  disconnect_client(&a);
  fixture_close(&f);
}

static const char *error_of(lc_err err) {
  return lc_err_text(err);
}

TEST(refusals_have_the_known_texts_and_change_nothing) {
  fixture f;
  listener a, b;
  fixture_open(&f, true);
  publish_bank(&f, 1);
  connect_client(&f, &a, alice, 0xa);
  connect_client(&f, &b, bob, 0xb);
  lc_subscription_rows rows;
  subscribe(&a, LC_SUBSCRIBE_SET, 51, "SELECT * FROM account");
  expect_text(error_of(try_subscribe(&a, LC_SUBSCRIBE_SET, 51, "SELECT * FROM note", NULL)),
              "Subscription with id QuerySetId { id: 51 } already exists for client: "
              "(Identity(00000000000000000000000000000000000000000000000000000000000003a1), "
              "ConnectionId(0000000000000000000000000000000a))");
  expect_text(error_of(lc_client_unsubscribe(a.client, 77, true, &rows)),
              "Subscription not found: ((Identity(00000000000000000000000000000000000000000000000000000000000003a1), "
              "ConnectionId(0000000000000000000000000000000a)), "
              "QuerySetId { id: 77 })");
  expect_text(error_of(lc_client_unsubscribe(b.client, 1, true, &rows)),
              "Client not found: (Identity(00000000000000000000000000000000000000000000000000000000000004b0), "
              "ConnectionId(0000000000000000000000000000000b))");
  lc_str empty = LC_STR("  ");
  expect_text(error_of(lc_client_subscribe(a.client, LC_SUBSCRIBE_SET, 2, &empty, 1, &rows)),
              "SubscriptionError: Empty string, executing: ``");
  expect_text(error_of(try_subscribe(&a, LC_SUBSCRIBE_SET, 2, "SELECT * FROM account;SELECT * FROM nowhere", NULL)),
              "no such table: `nowhere`. If the table exists, it may be marked private., executing: `SELECT * FROM nowhere`");
  /* `rung` is private: for all but the owner it does not exist. */
  expect_text(error_of(try_subscribe(&a, LC_SUBSCRIBE_SET, 2, "SELECT * FROM rung", NULL)),
              "no such table: `rung`. If the table exists, it may be marked private., executing: `SELECT * FROM rung`");
  expect_text(error_of(lc_client_query(a.client, LC_STR(""), &rows)), "Empty SQL query");
  call(&f, NULL, "transfer", "wwq", 1u, 2u, 1ull);
  expect(strstr(told(&a), "set 51 [account:"));
  disconnect_client(&a);
  disconnect_client(&b);
  fixture_close(&f);
}

TEST(select_everything_takes_the_tables_that_the_caller_may_read) {
  fixture f;
  listener a, owner;
  fixture_open(&f, true);
  publish_bank(&f, 1);
  connect_client(&f, &a, alice, 1);
  connect_client(&f, &owner, owner_identity, 2);
  const char *text = subscribe(&a, LC_SUBSCRIBE_SET, 1, "select *\tfrom  *;SELECT * FROM account");
  expect(strstr(text, "account: =") == text);
  expect(strstr(text, ", note: ="));
  expect(!strstr(text, "st_") && !strstr(text + 1, "account:")); /* no system tables; `account` is in it already */
  expect_equal(call(&f, NULL, "set_alarm", "bq", 1, (uint64_t)START).outcome, LC_OUTCOME_OK);
  fixture_turn(&f); /* rings: a row of the private table */
  expect(!strstr(told(&a), "rung"));
  expect(strstr(subscribe(&owner, LC_SUBSCRIBE_SET, 1, "SELECT * FROM *"), "rung: ="));
  disconnect_client(&a);
  disconnect_client(&owner);
  fixture_close(&f);
}

/* client-protocol.md 6.4 */
TEST(multi_subscriptions_of_v1_share_equal_queries) {
  fixture f;
  listener a;
  fixture_open(&f, true);
  publish_bank(&f, 1);
  connect_client(&f, &a, alice, 1);
#define ONE "SELECT * FROM account WHERE id = 1"
#define TWO "SELECT * FROM account WHERE id = 2"
  expect_text(subscribe(&a, LC_SUBSCRIBE_MULTI, 1, ONE), "account: =" ROW_1_100);
  expect_text(subscribe(&a, LC_SUBSCRIBE_MULTI, 2, ONE ";" TWO), "account: =" ROW_2_100);
  expect_text(subscribe(&a, LC_SUBSCRIBE_MULTI, 3, ONE ";" ONE), "");
  call(&f, NULL, "transfer", "wwq", 1u, 2u, 1ull);
  expect_text(told(&a), "set 0 [account: +" ROW_1_99 " -" ROW_1_100 ", account: +" ROW_2_101 " -" ROW_2_100 "]; ");
  expect_text(unsubscribe(&a, 1), "");
  expect_text(unsubscribe(&a, 2), "account: =" ROW_2_101);
  expect_text(unsubscribe(&a, 3), "account: =" ROW_1_99);
  call(&f, NULL, "transfer", "wwq", 2u, 1u, 1ull);
  expect_text(told(&a), "");
  disconnect_client(&a);
  fixture_close(&f);
}

/* client-protocol.md 6.3 */
TEST(single_always_has_its_entry_and_legacy_replaces_itself) {
  fixture f;
  listener a;
  fixture_open(&f, true);
  publish_bank(&f, 1);
  connect_client(&f, &a, alice, 1);
  expect_text(subscribe(&a, LC_SUBSCRIBE_MULTI, 1, ONE), "account: =" ROW_1_100);
  expect_text(subscribe(&a, LC_SUBSCRIBE_SINGLE, 2, ONE), "account: =" ROW_1_100);
  expect_text(subscribe(&a, LC_SUBSCRIBE_SINGLE, 3, "SELECT * FROM alarm"), "alarm:");
  expect_text(unsubscribe(&a, 2), "account:"); /* the other one still holds it */
  expect_text(unsubscribe(&a, 3), "alarm:");
  expect_text(subscribe(&a, LC_SUBSCRIBE_LEGACY, 0, ONE ";" ONE), "account: =" ROW_1_100 ", account: =" ROW_1_100);
  expect_text(subscribe(&a, LC_SUBSCRIBE_LEGACY, 0, ONE), "account: =" ROW_1_100);
  call(&f, NULL, "transfer", "wwq", 1u, 2u, 1ull);
  /* Held both ways, delivered twice. */
  expect_text(told(&a), "set 0 [account: +" ROW_1_99 " -" ROW_1_100 "]; set 0 [account: +" ROW_1_99 " -" ROW_1_100 "]; ");
  expect_text(subscribe(&a, LC_SUBSCRIBE_LEGACY, 0, ""), "");
  call(&f, NULL, "transfer", "wwq", 2u, 1u, 1ull);
  expect_text(told(&a), "set 0 [account: +" ROW_1_100 " -" ROW_1_99 "]; ");
  disconnect_client(&a);
  fixture_close(&f);
}

/* Many `id = n` queries are found by the changed rows' ids; what each client sees must not depend on that. */
TEST(pruned_queries_see_exactly_their_rows) {
  enum { CLIENTS = 40 };
  fixture f;
  static listener clients[CLIENTS];
  fixture_open(&f, true);
  publish_bank(&f, 1);
  for (uint32_t i = 0; i < CLIENTS; i++) {
    char sql[128];
    if (i >= 3) call(&f, NULL, "open_account", "wq", i, 100ull);
    connect_client(&f, &clients[i], alice, i + 1);
    snprintf(sql, sizeof sql, "SELECT * FROM account WHERE id = %u", i % 20); /* two clients each */
    subscribe(&clients[i], LC_SUBSCRIBE_SET, i, sql);
  }
  for (uint32_t from = 3; from < 20; from++) {
    call(&f, NULL, "transfer", "wwq", from, 30u, 1ull);
    for (uint32_t i = 0; i < CLIENTS; i++) {
      char expected[128] = "";
      if (i % 20 == from)
        snprintf(expected, sizeof expected, "set %u [account: +%02x0000006300000000000000 -%02x0000006400000000000000]; ", i, from, from);
      expect_text(told(&clients[i]), expected);
    }
  }
  for (uint32_t i = 0; i < CLIENTS; i++) disconnect_client(&clients[i]);
  /* Nobody is left: writers are back at the one branch. */
  expect_equal(*lc_table_tag(lc_store_table_by_name(lc_database_store(f.database), LC_STR("account"))), 0);
  fixture_close(&f);
}

TEST(sql_changes_reach_subscribers) {
  fixture f;
  listener a;
  fixture_open(&f, true);
  publish_bank(&f, 1);
  connect_client(&f, &a, alice, 1);
  subscribe(&a, LC_SUBSCRIBE_SET, 1, "SELECT * FROM account WHERE id = 2");
  lc_sql_result result;
  uint64_t offset;
  expect_ok(lc_database_sql(f.database, owner_identity, LC_STR("DELETE FROM account WHERE id = 2"), &result, &offset));
  expect_equal(result.rows_deleted, 1);
  lc_sql_result_deinit(&result);
  expect_text(told(&a), "set 1 [account: -" ROW_2_100 "]; ");
  expect_text(a.last_reducer, "");
  expect_equal(a.last_offset, offset);
  expect_failure(lc_database_sql(f.database, alice, LC_STR("DELETE FROM account WHERE id = 1"), &result, &offset));
  lc_sql_result_deinit(&result);
  expect_equal(count_rows(&f, "account"), 1);
  disconnect_client(&a);
  fixture_close(&f);
}

/* client-protocol.md 5.11, 6.5: v2 loses the set that failed, v1 everything; others go on. */
TEST(a_query_that_fails_in_mid_life_ends_its_sets) {
  fixture f;
  listener v2, v1, other;
  fixture_open(&f, true);
  publish_bank(&f, 1);
  connect_client(&f, &v2, alice, 1);
  connect_client(&f, &v1, bob, 2);
  connect_client(&f, &other, bob, 3);
  subscribe(&v2, LC_SUBSCRIBE_SET, 4, ONE);
  subscribe(&v2, LC_SUBSCRIBE_SET, 5, TWO);
  subscribe(&v1, LC_SUBSCRIBE_MULTI, 1, ONE);
  subscribe(&v1, LC_SUBSCRIBE_MULTI, 2, TWO ";SELECT * FROM alarm");
  subscribe(&other, LC_SUBSCRIBE_SET, 1, TWO);
  lc__query *query = v2.client->sets.items[0]->items.items[0]->query;
  expect(query == v1.client->shared->items.items[0]->query); /* shared by clients of both protocols */
  f.database->is_delivering = true;
  lc__query_fail(query, lc_fail(LC_ERR_INTERNAL, "of all things"));
  f.database->is_delivering = false;
  lc__queries_sweep(f.database);
  expect_text(told(&v2), "failed 4; ");
  expect_text(told(&v1), "failed 0; ");
  call(&f, NULL, "transfer", "wwq", 1u, 2u, 1ull);
  expect_text(told(&v2), "set 5 [account: +" ROW_2_101 " -" ROW_2_100 "]; ");
  expect_text(told(&v1), "");
  expect_text(told(&other), "set 1 [account: +" ROW_2_101 " -" ROW_2_100 "]; ");
  expect_text(subscribe(&v1, LC_SUBSCRIBE_MULTI, 1, ONE), "account: =" ROW_1_99);
  disconnect_client(&v2);
  disconnect_client(&v1);
  disconnect_client(&other);
  expect_equal(f.database->queries.count, 0);
  fixture_close(&f);
}
