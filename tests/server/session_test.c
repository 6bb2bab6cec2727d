/*
 * Sessions and calls against a whole server with the engine tests' module: replies in order (client-protocol 7), refusals, disconnects,
 * resets and restarts. Message tags are those of client-protocol 5: 0 InitialConnection, 1 SubscribeApplied, 4 TransactionUpdate, 6
 * ReducerResult.
 */
#include "fixture.h"

enum { RESULT_LEN = 22 /* of a ReducerResult Ok without rows */, RESULT_OUTCOME_AT = 13 };

static lc_buf body;

static void begin(fixture *self) {
  fixture_begin(self);
  if (publish_bank(self, 1, "", &body) != 200) lc_test_fail("publish: %s", lc_buf_cstr(&body));
}

static void put_transfer(lc_buf *to, uint32_t request_id, uint32_t from, uint32_t into, int64_t amount) {
  uint8_t arguments[16];
  memcpy(arguments, &from, 4);
  memcpy(arguments + 4, &into, 4);
  memcpy(arguments + 8, &amount, 8);
  put_call(to, request_id, "transfer", arguments, sizeof arguments);
}

static void open_accounts(fixture *self) {
  expect_equal(call(self, "open_account", "[11,1000]", &body), 200);
  expect_equal(call(self, "open_account", "[12,0]", &body), 200);
}

static void expect_initial(ws_client *client) {
  lc_span message = session_read(client);
  expect_equal(message.ptr[0], 0);
}

TEST(forty_calls_in_a_frame_give_forty_results_in_order) {
  fixture self;
  ws_client client;
  lc_buf out = {0};
  begin(&self);
  open_accounts(&self);
  session_open(&self, &client, "v3.bsatn.spacetimedb", "");
  expect_initial(&client);
  for (uint32_t i = 0; i < 40; i++) put_transfer(&out, 100 + i, 11, 12, 1);
  session_send(&client, &out);
  for (uint32_t next = 0; next < 40;) {
    lc_span messages = session_read(&client);
    expect(messages.len % RESULT_LEN == 0);
    for (size_t at = 0; at < messages.len; at += RESULT_LEN, next++) {
      expect_equal(messages.ptr[at], 6);
      expect_equal(lc_load32(messages.ptr + at + 1), 100 + next);
      expect_equal(messages.ptr[at + RESULT_OUTCOME_AT], 0);
    }
  }
  expect_text(rows_of(&self, "SELECT * FROM account WHERE id = 12", &body), "\"rows\":[[12,40]]");
  ws_disconnect(&client);
  fixture_end(&self);
  lc_buf_deinit(&out);
}

TEST(a_subscriber_sees_what_another_client_does) {
  fixture self;
  ws_client watcher, caller;
  lc_buf out = {0};
  begin(&self);
  open_accounts(&self);
  session_open(&self, &watcher, "v2.bsatn.spacetimedb", "");
  session_open(&self, &caller, "v3.bsatn.spacetimedb", "");
  expect_initial(&watcher);
  expect_initial(&caller);
  put_subscribe(&out, 1, 7, "SELECT * FROM account WHERE id = 12");
  session_send(&watcher, &out);
  expect_equal(session_read(&watcher).ptr[0], 1);
  put_transfer(&out, 1, 11, 12, 5);
  put_transfer(&out, 2, 12, 11, 5);
  session_send(&caller, &out);
  for (int i = 0; i < 2; i++) {
    lc_span update = session_read(&watcher);
    expect_equal(update.ptr[0], 4);
    expect_equal(lc_load32(update.ptr + 1), 1); /* one query set, */
    expect_equal(lc_load32(update.ptr + 5), 7); /* that one */
  }
  ws_disconnect(&watcher);
  ws_disconnect(&caller);
  fixture_end(&self);
  lc_buf_deinit(&out);
}

TEST(messages_before_a_broken_one_run_and_then_the_connection_closes) {
  fixture self;
  ws_client client;
  lc_buf out = {0};
  begin(&self);
  open_accounts(&self);
  session_open(&self, &client, "v3.bsatn.spacetimedb", "");
  expect_initial(&client);
  put_transfer(&out, 1, 11, 12, 10);
  put_transfer(&out, 2, 11, 12, 10);
  lc_buf_put8(&out, 0xff);
  session_send(&client, &out);
  for (size_t results = 0; results < 2;) results += session_read(&client).len / RESULT_LEN;
  expect_close(&client, 1011);
  ws_disconnect(&client);
  expect_text(rows_of(&self, "SELECT * FROM account WHERE id = 12", &body), "\"rows\":[[12,20]]");
  fixture_end(&self);
  lc_buf_deinit(&out);
}

TEST(a_client_that_the_module_refuses_gets_the_101_and_the_end) {
  fixture self;
  ws_client client;
  begin(&self);
  expect_equal(call(&self, "open_account", "[4040,0]", &body), 200);
  session_open(&self, &client, "v2.bsatn.spacetimedb", "");
  expect(ws_wait_end(&client));
  ws_disconnect(&client);
  expect_equal(call(&self, "open_account", "[1,0]", &body), 403);
  expect_text(lc_buf_cstr(&body), "closed today");
  fixture_end(&self);
}

TEST(a_client_that_vanishes_is_disconnected) {
  fixture self;
  ws_client client;
  begin(&self);
  session_open(&self, &client, "v2.bsatn.spacetimedb", "&connection_id=0000000000000000000000000000000a");
  expect_initial(&client);
  ws_disconnect(&client);
  for (int i = 0; strstr(rows_of(&self, "SELECT connection_id FROM st_client", &body), "[[10]]") != NULL; i++) {
    if (i == 500) lc_test_fail("still connected: %s", lc_buf_cstr(&body));
    usleep(10000);
  }
  fixture_end(&self);
}

TEST(every_outcome_of_a_call_has_its_status) {
  static const struct {
    const char *reducer, *arguments;
    int status;
    const char *text;
  } calls[] = {
      {"open_account", "[4,5]", 200, ""},
      {"open_account", "{\"a\":5,\"b\":5}", 200, ""},
      {"transfer", "[1,9,1]", 530, "account_missing"},
      {"fail", "[\"no such luck\"]", 530, "no such luck"},
      {"crash", "[]", 530, "The instance encountered a fatal error."},
      {"spin", "[]", 402, "Module energy budget exhausted."},
      {"init", "[]", 400, "can't directly call special Init lifecycle reducer"},
      {"nothing", "[]", 404, "No such procedure"},
      {"transfer", "[1]", 400, NULL},
      {"transfer", "", 400, NULL},
      {"transfer", "[1,2,3] x", 400, NULL},
      {"transfer", "[1,2,3]", 530, "insufficient_funds"},
  };
  fixture self;
  begin(&self);
  expect_equal(call(&self, "open_account", "[3,0]", &body), 200);
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    const char *arguments = strcmp(calls[i].arguments, "[1,2,3]") == 0 ? "[3,2,3]" : calls[i].arguments;
    int status = call(&self, calls[i].reducer, arguments, &body);
    if (status != calls[i].status) lc_test_fail("%s%s gave %d %s", calls[i].reducer, calls[i].arguments, status, lc_buf_cstr(&body));
    if (calls[i].text) expect_text(lc_buf_cstr(&body), calls[i].text);
  }
  expect_text(rows_of(&self, "SELECT COUNT(*) AS n FROM account", &body), "\"rows\":[[5]]"); /* failures left nothing */
  fixture_end(&self);
}

TEST(what_was_answered_is_there_after_a_restart_and_clients_are_told_to_go) {
  fixture self;
  ws_client client;
  begin(&self);
  open_accounts(&self);
  session_open(&self, &client, "v3.bsatn.spacetimedb", "");
  expect_initial(&client);
  lc_server_stop(self.server);
  pthread_join(self.thread, NULL);
  lc_server *closing = self.server;
  pthread_t closer;
  expect_equal(pthread_create(&closer, NULL, (void *(*)(void *))(void *)lc_server_close, closing), 0);
  expect_close(&client, 1001);
  ws_disconnect(&client);
  pthread_join(closer, NULL);
  fixture_start(&self);
  expect_text(rows_of(&self, "SELECT * FROM account WHERE id = 11", &body), "\"rows\":[[11,1000]]");
  expect_equal(call(&self, "transfer", "[11,12,1]", &body), 200);
  fixture_end(&self);
}

TEST(a_reset_replaces_everything_and_a_failed_one_nothing) {
  fixture self;
  ws_client client;
  begin(&self);
  open_accounts(&self);
  expect_equal(publish_bank(&self, 5, "?clear=true", &body), 500); /* its init fails */
  expect_text(rows_of(&self, "SELECT * FROM account WHERE id = 11", &body), "\"rows\":[[11,1000]]");
  session_open(&self, &client, "v3.bsatn.spacetimedb", "");
  expect_initial(&client);
  expect_equal(publish_bank(&self, 2, "?clear=true", &body), 200);
  expect_close(&client, 1001);
  ws_disconnect(&client);
  expect_text(rows_of(&self, "SELECT * FROM account WHERE id = 11", &body), "\"rows\":[]");
  expect_equal(call(&self, "answer", "[]", &body), 530); /* only that edition has it */
  fixture_stop(&self);
  fixture_start(&self);
  expect_text(rows_of(&self, "SELECT * FROM account WHERE id = 11", &body), "\"rows\":[]");
  fixture_end(&self);
}

TEST(a_deleted_database_is_gone_and_its_name_is_kept) {
  fixture self;
  ws_client client;
  begin(&self);
  session_open(&self, &client, "v2.bsatn.spacetimedb", "");
  expect_initial(&client);
  expect_equal(request(&self, "DELETE", "/v1/database/bank", "", "", &body), 403);
  expect_equal(request(&self, "POST", "/v1/database/bank/lock", owner(&self), "", &body), 200);
  expect_equal(request(&self, "DELETE", "/v1/database/bank", owner(&self), "", &body), 403);
  expect_equal(request(&self, "POST", "/v1/database/bank/unlock", owner(&self), "", &body), 200);
  expect_equal(request(&self, "DELETE", "/v1/database/bank", owner(&self), "", &body), 200);
  expect_close(&client, 1001);
  ws_disconnect(&client);
  expect_equal(request(&self, "GET", "/v1/database/bank", "", "", &body), 404);
  expect_equal(request(&self, "GET", "/v1/database/bank/identity", "", "", &body), 200);
  expect_equal(publish_bank(&self, 1, "", &body), 200);
  expect(strstr(lc_buf_cstr(&body), "\"op\":\"created\"") != NULL);
  fixture_end(&self);
}

TEST(the_log_of_a_module_can_be_followed) {
  fixture self;
  ws_client follower;
  begin(&self);
  lc_buf text = {0};
  expect(ws_connect(&follower, lc_server_port(self.server)));
  lc_buf_printf(&text, "GET /v1/database/bank/logs?follow=true HTTP/1.1\r\nHost: x\r\n%s\r\n", owner(&self));
  expect(ws_write(&follower, text.data, text.len));
  const char *head = http_read_head(&follower);
  expect(head != NULL && strstr(head, "application/x-ndjson") != NULL);
  expect_equal(call(&self, "say", "[\"good morning\"]", &body), 200);
  for (size_t len = 1;; len++) { /* it comes in a chunk of its own */
    expect(ws_fill(&follower, len));
    lc_buf_clear(&text);
    lc_buf_append(&text, follower.in.data + follower.at, len);
    if (strstr(lc_buf_cstr(&text), "\"message\":\"good morning\"}\n") != NULL) break;
  }
  ws_disconnect(&follower);
  expect_equal(request(&self, "GET", "/v1/database/bank/logs?num_lines=1", "", "", &body), 403);
  expect_equal(request(&self, "GET", "/v1/database/bank/logs?num_lines=0", owner(&self), "", &body), 200);
  expect_text(lc_buf_cstr(&body), "");
  fixture_end(&self);
  lc_buf_deinit(&text);
}
