#pragma once
/* What the server tests share: a server in this process on a directory of its own, HTTP requests, the engine tests' module, WebSocket
 * clients. */
#include <pthread.h>

#include "harness.h"
#include "server/server.h"
#include "support/ws_client.h"
#include "wire/wire.h"

typedef struct fixture {
  char directory[64];
  lc_server *server;
  pthread_t thread;
  uint64_t call_budget_micros;
  char authorization[1200]; /* of an owner, made on first use */
} fixture;

static void *fixture_run(void *context) {
  fixture *self = context;
  expect_ok(lc_server_run(self->server));
  return NULL;
}

__attribute__((unused)) static void fixture_start(fixture *self) {
  expect_ok(lc_server_open(&(lc_server_options){.data_directory = self->directory, .call_budget_micros = self->call_budget_micros},
                           &self->server));
  expect(lc_server_port(self->server) != 0);
  expect_equal(pthread_create(&self->thread, NULL, fixture_run, self), 0);
}

__attribute__((unused)) static void fixture_stop(fixture *self) {
  lc_server_stop(self->server);
  pthread_join(self->thread, NULL);
  lc_server_close(self->server);
}

__attribute__((unused)) static void fixture_begin(fixture *self) {
  *self = (fixture){.call_budget_micros = 200 * 1000};
  snprintf(self->directory, sizeof self->directory, "/tmp/lc-server-XXXXXX");
  expect(mkdtemp(self->directory) != NULL);
  fixture_start(self);
}

__attribute__((unused)) static void fixture_end(fixture *self) {
  fixture_stop(self);
  lc_io *io = NULL;
  expect_ok(lc_io_linux_open("/tmp", &io));
  expect_ok(lc_dir_remove_all(io, self->directory + strlen("/tmp/")));
  lc_io_close(io);
}

/* ---- HTTP ---- */

/* One request on a connection of its own; returns the status, the body is in `body` (terminated). */
__attribute__((unused)) static int request_bytes(const fixture *self, const char *method, const char *path, const char *headers,
                                                 lc_span upload, lc_buf *body) {
  ws_client client;
  lc_buf text = {0};
  expect(ws_connect(&client, lc_server_port(self->server)));
  lc_buf_printf(&text, "%s %s HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: %zu\r\n\r\n", method, path, headers, upload.len);
  lc_buf_put_span(&text, upload);
  expect(ws_write(&client, text.data, text.len));
  int status = http_read_answer(&client, body, NULL);
  lc_buf_deinit(&text);
  ws_disconnect(&client);
  return status;
}
__attribute__((unused)) static int request(const fixture *self, const char *method, const char *path, const char *headers,
                                           const char *upload, lc_buf *body) {
  return request_bytes(self, method, path, headers, lc_str_span(lc_str_of(upload)), body);
}

/* The owner's header, made when it is wanted first. */
__attribute__((unused)) static const char *owner(fixture *self) {
  lc_buf body = {0};
  if (self->authorization[0] == 0) {
    expect_equal(request(self, "POST", "/v1/identity", "", "", &body), 200);
    const char *token = strstr(lc_buf_cstr(&body), "\"token\":\"") + strlen("\"token\":\"");
    snprintf(self->authorization, sizeof self->authorization, "Authorization: Bearer %.*s\r\n", (int)strcspn(token, "\""), token);
  }
  lc_buf_deinit(&body);
  return self->authorization;
}

/* ---- the module ---- */

/* tests/engine/bank.c, compiled on first use. */
__attribute__((unused)) static lc_span bank(int edition) {
  static lc_buf program;
  char path[] = "/tmp/lc-bank-XXXXXX", command[1024];
  lc_buf_clear(&program);
  int fd = mkstemp(path);
  expect(fd >= 0);
  snprintf(command, sizeof command,
           "clang-22 --target=wasm32-unknown-unknown -nostdlib -fno-builtin -O2 -DEDITION=%d -Wl,--no-entry,--strip-all -o %s "
           "%s/tests/engine/bank.c",
           edition, path, LC_SOURCE_DIR);
  if (system(command) != 0) lc_test_fail("the test module does not compile: %s", command);
  close(fd);
  FILE *file = fopen(path, "rb");
  expect(file != NULL);
  for (size_t got = 1; got > 0;) {
    uint8_t part[4096];
    got = fread(part, 1, sizeof part, file);
    lc_buf_append(&program, part, got);
  }
  fclose(file);
  unlink(path);
  return lc_buf_span(&program);
}

/* Publishes an edition as `bank`, with these query parameters; returns the status. */
__attribute__((unused)) static int publish_bank(fixture *self, int edition, const char *query, lc_buf *body) {
  char path[128];
  snprintf(path, sizeof path, "/v1/database/bank%s", query);
  return request_bytes(self, "PUT", path, owner(self), bank(edition), body);
}

/* A reducer call over HTTP. */
__attribute__((unused)) static int call(const fixture *self, const char *reducer, const char *arguments, lc_buf *body) {
  char path[128];
  snprintf(path, sizeof path, "/v1/database/bank/call/%s", reducer);
  return request(self, "POST", path, "Content-Type: application/json\r\n", arguments, body);
}

/* The answer of a SELECT as the owner, from `"rows":` on. */
__attribute__((unused)) static const char *rows_of(fixture *self, const char *sql, lc_buf *body) {
  if (request(self, "POST", "/v1/database/bank/sql", owner(self), sql, body) != 200) lc_test_fail("%s: %s", sql, lc_buf_cstr(body));
  char *rows = strstr(lc_buf_cstr(body), "\"rows\":"), *end = strstr(rows, ",\"total_duration");
  *end = 0;
  return rows;
}

/* ---- WebSocket ---- */

__attribute__((unused)) static void session_open(const fixture *self, ws_client *client, const char *protocol, const char *query) {
  char path[256];
  snprintf(path, sizeof path, "/v1/database/bank/subscribe?compression=None%s", query);
  expect(ws_connect(client, lc_server_port(self->server)));
  expect_equal(ws_upgrade(client, path, protocol), 101);
}

__attribute__((unused)) static void put_call(lc_buf *to, uint32_t request_id, const char *reducer, const void *arguments, size_t len) {
  lc_client_message message = {
      .kind = LC_CALL_REDUCER, .request_id = request_id, .function = lc_str_of(reducer), .arguments = lc_span_of(arguments, len)};
  lc_client_message_encode(LC_PROTOCOL_V3, &message, to);
}

__attribute__((unused)) static void put_subscribe(lc_buf *to, uint32_t request_id, uint32_t query_set_id, const char *query) {
  lc_str text = lc_str_of(query);
  lc_client_message message = {
      .kind = LC_SUBSCRIBE, .request_id = request_id, .query_set_id = query_set_id, .queries = &text, .query_count = 1};
  lc_client_message_encode(LC_PROTOCOL_V3, &message, to);
}

__attribute__((unused)) static void session_send(ws_client *client, lc_buf *message) {
  expect(ws_send(client, message->data, message->len));
  lc_buf_clear(message);
}

/* The next frame must be binary and uncompressed; its messages. */
__attribute__((unused)) static lc_span session_read(ws_client *client) {
  ws_frame frame;
  expect(ws_read(client, &frame));
  expect_equal(frame.opcode, 2);
  expect_equal(frame.payload[0], 0);
  return lc_span_of(frame.payload + 1, frame.len - 1);
}

/* The next frame must be a Close with this code. */
__attribute__((unused)) static void expect_close(ws_client *client, int code) {
  ws_frame frame;
  expect(ws_read(client, &frame));
  expect_equal(frame.opcode, 8);
  expect(frame.len >= 2);
  expect_equal(frame.payload[0] << 8 | frame.payload[1], code);
}
