/* Reducer calls: every outcome of client-protocol.md 5.8 with its text, and that a failed call leaves nothing (E2). */
#include "fixture.h"

TEST(init_runs_once_at_the_first_publish) {
  fixture f;
  fixture_open(&f, true);
  published first = publish(&f, bank(1), false);
  expect(first.created && !first.updated);
  expect_equal(balance(&f, 1), 100);
  expect_equal(count_rows(&f, "account"), 2);
  published again = publish(&f, bank(1), false);
  expect_equal(again.code, LC_OK);
  expect(!again.created && !again.updated);
  expect_equal(count_rows(&f, "account"), 2);
  fixture_close(&f);
}

TEST(a_call_that_returns_commits) {
  fixture f;
  fixture_open(&f, true);
  publish_bank(&f, 1);
  lc_reducer_result before = call(&f, NULL, "transfer", "wwq", 1u, 2u, 0ull);
  lc_reducer_result result = call(&f, NULL, "transfer", "wwq", 1u, 2u, 30ull);
  expect_equal(result.outcome, LC_OUTCOME_OK);
  expect_text(result.error, "");
  expect(result.has_offset);
  expect_equal(result.offset, before.offset + 1); /* the transfer of nothing changed nothing: no offset of its own */
  expect_equal(result.timestamp_micros, START);
  expect_equal(result.reducer_id, 4);
  expect_equal(result.update.request_id, 7);
  expect_equal(result.update.set_count, 0);
  expect_equal(balance(&f, 1), 70);
  expect_equal(balance(&f, 2), 130);
  fixture_close(&f);
}

TEST(failures_leave_nothing_and_say_what_clients_know) {
  static const struct {
    const char *reducer, *format;
    lc_outcome outcome;
    const char *text;
  } cases[] = {
      {"crash", "", LC_OUTCOME_INTERNAL_ERROR, "The instance encountered a fatal error."},
      {"spin", "", LC_OUTCOME_BUDGET, "reducer ran out of energy"},
      {"odd", "", LC_OUTCOME_INTERNAL_ERROR, "The instance encountered a fatal error."},
      {"nobody", "", LC_OUTCOME_REFUSED, "no such reducer"},
      {"", "", LC_OUTCOME_REFUSED, "no such reducer"},
      {"init", "", LC_OUTCOME_REFUSED, "can't directly call special Init lifecycle reducer"},
      {"hello", "", LC_OUTCOME_REFUSED, "can't directly call special OnConnect lifecycle reducer"},
      {"goodbye", "", LC_OUTCOME_REFUSED, "can't directly call special OnDisconnect lifecycle reducer"},
      {"open_account", "", LC_OUTCOME_REFUSED, "invalid arguments for reducer open_account: data too short for u32: Expected 4, given 0"},
      {"open_account", "w", LC_OUTCOME_REFUSED, "invalid arguments for reducer open_account: data too short for i64: Expected 8, given 0"},
      {"say", "", LC_OUTCOME_REFUSED, "invalid arguments for reducer say: data too short for u32: Expected 4, given 0"},
  };
  fixture f;
  fixture_open(&f, true);
  publish_bank(&f, 1);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    lc_reducer_result result = call(&f, NULL, cases[i].reducer, cases[i].format, 5u);
    if (result.outcome != cases[i].outcome) lc_test_fail("%s: outcome %d, %s", cases[i].reducer, result.outcome, result.error);
    expect_text(result.error, cases[i].text);
    expect_equal(result.has_offset, cases[i].outcome != LC_OUTCOME_REFUSED);
    expect_equal(count_rows(&f, "account"), 2);
    expect(!lc_store_in_transaction(lc_database_store(f.database)));
    expect_ok(lc_store_check(lc_database_store(f.database)));
  }
  lc_reducer_result result = call(&f, NULL, "fail", "s", "no such luck");
  expect_equal(result.outcome, LC_OUTCOME_USER_ERROR);
  expect_text(result.error, "no such luck");
  expect_equal(result.reducer_id, 5);
  expect_equal(count_rows(&f, "account"), 2);
  expect_equal(call(&f, NULL, "transfer", "wwq", 1u, 2u, 1ull).outcome, LC_OUTCOME_OK); /* on a fresh instance */
  fixture_close(&f);
}

TEST(bytes_behind_the_arguments_are_tolerated) {
  fixture f;
  fixture_open(&f, true);
  publish_bank(&f, 1);
  expect_equal(call(&f, NULL, "transfer", "wwqw", 1u, 2u, 5ull, 77u).outcome, LC_OUTCOME_OK);
  expect_equal(call(&f, NULL, "say", "sw", "hi", 77u).outcome, LC_OUTCOME_OK);
  expect_equal(balance(&f, 1), 95);
  fixture_close(&f);
}

TEST(without_a_module_calls_and_clients_are_refused_clearly) {
  fixture f;
  listener a;
  fixture_open(&f, true);
  lc_reducer_result result = call(&f, NULL, "transfer", "");
  expect_equal(result.outcome, LC_OUTCOME_REFUSED);
  expect_text(result.error, "the database has no module yet: publish one first");
  expect_failure(try_connect(&f, &a, alice, 1));
  expect_null(lc_database_def(f.database));
  fixture_close(&f);
}

/* Learned prefetching is a hint: it must not change what calls do, whatever bytes it sees. */
TEST(prefetching_changes_nothing) {
  fixture f;
  fixture_open(&f, true);
  publish_bank(&f, 1);
  uint8_t arguments[16] = {1, 0, 0, 0, 2, 0, 0, 0, 1};
  for (int i = 0; i < 40; i++) {
    lc_reducer_call calls[3] = {{.reducer = LC_STR("transfer"), .arguments = lc_span_of(arguments, 16)},
                                {.reducer = LC_STR("transfer"), .arguments = lc_span_of(arguments, 3)},
                                {.reducer = LC_STR("nobody"), .arguments = lc_span_of(arguments, 16)}};
    lc_database_prefetch(f.database, calls, 3);
    expect_equal(call(&f, NULL, "transfer", "wwq", 1u, 2u, 1ull).outcome, LC_OUTCOME_OK);
  }
  expect_equal(balance(&f, 1), 60);
  expect_equal(balance(&f, 2), 140);
  fixture_close(&f);
}

TEST(the_module_log_has_what_happened) {
  fixture f;
  fixture_open(&f, true);
  publish_bank(&f, 1);
  call(&f, NULL, "say", "s", "hello \"you\"\n");
  call(&f, NULL, "fail", "s", "no");
  call(&f, NULL, "nobody", "");
  lc_buf last = {0};
  lc_database_read_log(f.database, 2, &last);
  const char *lines = lc_buf_cstr(&last);
  expect(strstr(lines, "\"target\":\"__spacetimedb__\",\"filename\":\"__spacetimedb__\",\"function\":\"fail\",\"message\":\"no\"}\n"));
  expect(strstr(lines, "\"level\":\"Error\",\"ts\":1700000000000000,"));
  expect(strstr(lines, "External attempt to call nonexistent reducer \\\"nobody\\\" failed."));
  expect(!strstr(lines, "hello"));
  lc_buf_deinit(&last);
  const char *all = log_text(&f);
  expect(strstr(all, "Creating table `account`"));
  expect(strstr(all, "Invoking `init` reducer"));
  expect(strstr(all, "Database initialized"));
  expect(strstr(
      all, "\"target\":\"bank\",\"filename\":\"bank.c\",\"line_number\":12,\"function\":\"say\",\"message\":\"hello \\\"you\\\"\\n\"}\n"));
  fixture_close(&f);
}

static void follow(void *context, lc_str line) {
  lc_buf_put_str(context, line);
}

TEST(followers_get_new_lines_until_they_leave) {
  fixture f;
  lc_buf seen = {0};
  fixture_open(&f, true);
  publish_bank(&f, 1);
  uint32_t handle = lc_database_follow_log(f.database, follow, &seen);
  call(&f, NULL, "say", "s", "one");
  lc_database_unfollow_log(f.database, handle);
  call(&f, NULL, "say", "s", "two");
  const char *text = lc_buf_cstr(&seen);
  expect(strstr(text, "\"message\":\"one\"}\n") && !strstr(text, "two") && strchr(text, '\n')[1] == 0);
  lc_buf_deinit(&seen);
  fixture_close(&f);
}
