/* A whole server in this process: one per directory (lock), keys and names outlive it, and a stop ends it with nothing lost. */
#include "fixture.h"

TEST(a_server_answers_on_a_free_port) {
  fixture self;
  lc_buf body = {0};
  fixture_begin(&self);
  expect_equal(request(&self, "GET", "/v1/ping", "", "", &body), 200);
  expect_equal(request(&self, "GET", "/v1/nothing", "", "", &body), 404);
  expect_equal(request(&self, "PATCH", "/v1/ping", "", "", &body), 405);
  fixture_end(&self);
  lc_buf_deinit(&body);
}

TEST(a_data_directory_has_one_server) {
  fixture self;
  fixture_begin(&self);
  lc_server *second = NULL;
  lc_err err = lc_server_open(&(lc_server_options){.data_directory = self.directory}, &second);
  expect_equal(err.code, LC_ERR_EXISTS);
  expect(strstr(lc_err_text(err), "another server") != NULL);
  fixture_stop(&self);
  fixture_start(&self); /* the lock went with the first */
  fixture_end(&self);
}

TEST(tokens_and_names_outlive_a_restart) {
  fixture self;
  lc_buf body = {0};
  fixture_begin(&self);
  expect_equal(request(&self, "POST", "/v1/identity", "", "", &body), 200);
  char token[1024], authorization[1100], identity[65] = "", first[80] = "";
  const char *at = strstr(lc_buf_cstr(&body), "\"token\":\"") + 9;
  snprintf(token, sizeof token, "%.*s", (int)strcspn(at, "\""), at);
  snprintf(identity, sizeof identity, "%.64s", lc_buf_cstr(&body) + strlen("{\"identity\":\""));
  snprintf(authorization, sizeof authorization, "Authorization: Bearer %s\r\n", token);

  /* A publish that fails keeps the name, and with it the identity that the next attempt will get. */
  expect_equal(request(&self, "PUT", "/v1/database/some-name", authorization, "no program", &body), 500);
  expect_equal(request(&self, "GET", "/v1/database/some-name/identity", "", "", &body), 200);
  snprintf(first, sizeof first, "%s", lc_buf_cstr(&body));
  expect_equal(strlen(first), 64);
  expect_equal(request(&self, "GET", "/v1/database/some-name", "", "", &body), 404);
  fixture_stop(&self);
  fixture_start(&self);
  expect_equal(request(&self, "GET", "/v1/database/some-name/identity", "", "", &body), 200);
  expect_text(lc_buf_cstr(&body), first);
  char path[128];
  snprintf(path, sizeof path, "/v1/identity/%s/verify", identity);
  expect_equal(request(&self, "GET", path, authorization, "", &body), 204);
  fixture_end(&self);
  lc_buf_deinit(&body);
}

/* Requests that arrive while others are half there: nobody waits for anybody else. */
TEST(a_slow_client_holds_up_nobody) {
  fixture self;
  lc_buf body = {0};
  ws_client slow[20];
  fixture_begin(&self);
  for (int i = 0; i < 20; i++) {
    expect(ws_connect(&slow[i], lc_server_port(self.server)));
    expect(ws_write_text(&slow[i], "POST /v1/identity HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345"));
  }
  expect_equal(request(&self, "GET", "/v1/ping", "", "", &body), 200);
  for (int i = 0; i < 20; i++) {
    expect(ws_write_text(&slow[i], "67890"));
    expect_equal(http_read_answer(&slow[i], &body, NULL), 200);
    ws_disconnect(&slow[i]);
  }
  fixture_end(&self);
  lc_buf_deinit(&body);
}

TEST(a_directory_that_cannot_be_used_is_named) {
  lc_server *server = NULL;
  lc_err err = lc_server_open(&(lc_server_options){.data_directory = "/proc/lightcone"}, &server);
  expect(lc_failed(err));
  expect(strstr(lc_err_text(err), "/proc/lightcone") != NULL);
}
