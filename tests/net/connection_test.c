/*
 * The connection object over real sockets: a server thread with a small handler, and a blocking client. Rules of client-protocol 3.1, 9, 10
 * and http-api 3.1, 3.2, and N12 to N15.
 */
#define _GNU_SOURCE
#include "net/connection.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "harness.h"
#include "support/ws_client.h"

/* ---- the server ---- */

typedef struct server {
  lc_loop *loop;
  lc_net *net;
  uint16_t port;
  pthread_t thread;
  atomic_bool stop;
  atomic_int closed, drained, opened;
  atomic_ullong durable; /* what the test says is durable */
  atomic_bool ended;     /* and that this is all */
  lc_release_group group;
  lc_upgrade upgrade;
  lc_net_options options;
  size_t stream_left;
  lc_connection *waiting; /* whose request is answered by the next turn */
} server;

static server *server_of(lc_connection *connection) {
  return lc_net_context(lc_connection_net(connection));
}

static void respond_text(lc_connection *connection, int status, lc_str text) {
  lc_http_response response = {.status = status, .content_type = LC_STR("text/plain; charset=utf-8"), .body = lc_str_span(text)};
  lc_connection_respond(connection, &response);
}

static void write_stream(lc_connection *connection) {
  static char block[32 << 10];
  memset(block, 's', sizeof block);
  server *self = server_of(connection);
  while (self->stream_left) {
    self->stream_left -= sizeof block;
    if (!lc_connection_stream_write(connection, lc_span_of(block, sizeof block))) return;
  }
  lc_connection_stream_end(connection);
}

static uint64_t on_body_limit(lc_connection *connection, const lc_http_request *request) {
  return lc_str_is(request->path, "/big") ? UINT64_MAX : 1000;
}

static void on_request(lc_connection *connection, const lc_http_request *request, lc_span body) {
  server *self = server_of(connection);
  if (lc_connection_data(connection) == NULL) {
    lc_connection_set_data(connection, self);
    self->opened++;
  }
  if (request->too_large) {
    respond_text(connection, 413, LC_STR("length limit exceeded"));
  } else if (lc_str_is(request->path, "/ws")) {
    lc_upgrade upgrade = self->upgrade;
    upgrade.key = lc_websocket_check(request).key;
    lc_connection_upgrade(connection, &upgrade);
    if (request->query.len) lc_connection_send(connection, lc_str_span(request->query), LC_NO_OFFSET);
  } else if (lc_str_is(request->path, "/stream")) {
    self->stream_left = 8 << 20;
    lc_connection_stream_begin(connection, &(lc_http_response){.status = 200});
    write_stream(connection);
  } else if (lc_str_is(request->path, "/later")) {
    self->waiting = connection;
  } else if (lc_str_is(request->path, "/drop")) {
    lc_connection_drop(connection);
  } else {
    lc_buf text = {0};
    lc_buf_printf(&text, "%.*s %.*s %zu ", LC_STR_ARGS(request->method_name), LC_STR_ARGS(request->path), body.len);
    lc_buf_append(&text, body.ptr, body.len < 100 ? body.len : 100);
    respond_text(connection, 200, lc_buf_str(&text));
    lc_buf_deinit(&text);
  }
}

/* Commands in the first byte: 'e' echo, 'd' + digit: echo that depends on this offset, 'c' close, 'C' close behind what is queued, 'x'
 * drop, 'f' flood, else: echo. */
static void on_message(lc_connection *connection, bool is_text, uint8_t *payload, size_t len) {
  switch (len ? payload[0] : 0) {
    case 'd':
      lc_connection_send(connection, lc_span_of(payload, len), payload[1] - '0');
      break;
    case 'c':
      lc_connection_close(connection, 1011, LC_STR("because"), false);
      break;
    case 'C':
      lc_connection_close(connection, 1001, LC_STR("module exited"), true);
      break;
    case 'x':
      lc_connection_drop(connection);
      break;
    case 'f':
      for (int i = 0; i < 200; i++) {
        memset(lc_buf_extend(lc_connection_message_begin(connection), 1 << 20), 'f', 1 << 20);
        lc_connection_message_end(connection, LC_NO_OFFSET);
      }
      break;
    default:
      lc_connection_send(connection, lc_span_of(payload, len), LC_NO_OFFSET);
  }
}

static void on_drained(lc_connection *connection) {
  server_of(connection)->drained++;
  write_stream(connection);
}
static void on_closed(lc_connection *connection) {
  server *self = server_of(connection);
  if (self->waiting == connection) self->waiting = NULL;
  if (lc_connection_data(connection)) self->closed++;
}

static const lc_net_handler handler = {on_body_limit, on_request, on_message, on_drained, on_closed};

static void *serve(void *context) {
  server *self = context;
  while (!self->stop) {
    lc_loop_run_once(self->loop, UINT64_MAX);
    lc_release_group_durable(&self->group, self->durable);
    if (self->ended) lc_release_group_end(&self->group);
    lc_net_flush(self->net);
    if (self->waiting == NULL) continue;
    lc_connection *connection = self->waiting; /* a handler that answers in a later turn */
    self->waiting = NULL;
    respond_text(connection, 200, LC_STR("later"));
    lc_net_flush(self->net);
  }
  return NULL;
}

static void start(server *self) {
  self->options.handler = &handler;
  self->options.context = self;
  expect_ok(lc_loop_create(&self->loop));
  self->options.loop = self->loop;
  expect_ok(lc_net_create(&self->options, &self->net));
  expect_ok(lc_net_listen(self->net, "127.0.0.1", 0, &self->port));
  expect_equal(pthread_create(&self->thread, NULL, serve, self), 0);
}

static void stop(server *self) {
  self->stop = true;
  lc_loop_wake(self->loop);
  pthread_join(self->thread, NULL);
  lc_net_destroy(self->net);
  expect_equal(self->closed, self->opened); /* N13 */
  expect_null(self->group.first);
  lc_loop_destroy(self->loop);
}

static void make_durable(server *self, unsigned long long durable) {
  self->durable = durable;
  lc_loop_wake(self->loop);
}

static void open_ws(server *self, ws_client *client, const char *path) {
  expect(ws_connect(client, self->port));
  expect_equal(ws_upgrade(client, path, "x"), 101);
}

static void expect_message(ws_client *client, const char *expected, size_t len) {
  ws_frame frame;
  expect(ws_read(client, &frame));
  expect_bytes(frame.payload, frame.len, expected, len);
}
#define EXPECT_MESSAGE(client, text) expect_message(client, text, sizeof(text) - 1)

static void expect_echo(ws_client *client) {
  expect(ws_send(client, "e?", 2));
  EXPECT_MESSAGE(client, "\0e?");
}

/* ---- HTTP ---- */

static int ask(ws_client *client, const char *request, lc_buf *body) {
  expect(ws_write_text(client, request));
  return http_read_answer(client, body, NULL);
}

TEST(N15_pipelined_requests_are_answered_in_order_also_when_answers_are_late) {
  server self = {0};
  start(&self);
  ws_client client;
  lc_buf body = {0};
  expect(ws_connect(&client, self.port));
  expect(ws_write_text(
      &client,
      "GET /a HTTP/1.1\r\n\r\nGET /later HTTP/1.1\r\n\r\nPOST /b HTTP/1.1\r\nContent-Length: 5\r\n\r\nhelloPUT /c HTTP/1.1\r\n"
      "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nGET /d HTTP/1.1\r\nConnection: close\r\n\r\nGET /never "
      "HTTP/1.1\r\n\r\n"));
  static const char *const answers[] = {"GET /a 0 ", "later", "POST /b 5 hello", "PUT /c 5 abcde", "GET /d 0 "};
  for (int i = 0; i < 5; i++) {
    expect_equal(http_read_answer(&client, &body, NULL), 200);
    expect_text(lc_buf_cstr(&body), answers[i]);
  }
  expect(ws_wait_end(&client));
  ws_disconnect(&client);
  lc_buf_deinit(&body);
  stop(&self);
}

TEST(requests_cut_anywhere_are_the_same_requests) {
  server self = {0};
  start(&self);
  static const char text[] =
      "PUT /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: x\r\n\r\nPOST /b "
      "HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello";
  ws_client client;
  lc_buf body = {0};
  expect(ws_connect(&client, self.port));
  for (size_t cut = 0; cut <= sizeof text - 1; cut++) {
    expect(ws_write(&client, text, cut));
    sched_yield();
    expect(ws_write(&client, text + cut, sizeof text - 1 - cut));
    expect_equal(http_read_answer(&client, &body, NULL), 200);
    expect_text(lc_buf_cstr(&body), "PUT /c 5 abcde");
    expect_equal(http_read_answer(&client, &body, NULL), 200);
    expect_text(lc_buf_cstr(&body), "POST /b 5 hello");
  }
  ws_disconnect(&client);
  lc_buf_deinit(&body);
  stop(&self);
}

TEST(HEAD_gets_no_body_and_bad_requests_end_the_connection) {
  server self = {0};
  start(&self);
  ws_client client;
  lc_buf body = {0};
  const char *head;
  expect(ws_connect(&client, self.port));
  expect(ws_write_text(&client, "HEAD /a HTTP/1.1\r\n\r\n"));
  head = http_read_head(&client);
  expect(head && strstr(head, "content-length: 10\r\n"));
  expect_equal(ask(&client, "GET /a HTTP/1.1\r\n\r\n", &body), 200); /* the next answer follows directly */
  expect(ws_write_text(&client, "hello\r\n\r\n"));
  expect_equal(http_read_answer(&client, &body, &head), 400);
  expect(strstr(head, "connection: close\r\n") && strstr(head, "content-length: 0\r\n"));
  expect(ws_wait_end(&client));
  ws_disconnect(&client);
  lc_buf_deinit(&body);
  stop(&self);
}

TEST(a_body_over_the_limit_is_read_to_its_end_so_that_the_client_sees_the_answer) {
  server self = {0};
  start(&self);
  ws_client client;
  lc_buf body = {0}, request = {0};
  enum { SIZE = 8 << 20 };
  expect(ws_connect(&client, self.port));
  for (int chunked = 0; chunked < 2; chunked++) {
    lc_buf_clear(&request);
    if (chunked) {
      lc_buf_printf(&request, "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n%x\r\n", SIZE);
    } else {
      lc_buf_printf(&request, "POST /a HTTP/1.1\r\nContent-Length: %d\r\n\r\n", SIZE);
    }
    memset(lc_buf_extend(&request, SIZE), 'x', SIZE);
    if (chunked) lc_buf_put_text(&request, "\r\n0\r\n\r\n");
    expect(ws_write(&client, request.data, request.len));
    expect_equal(http_read_answer(&client, &body, NULL), 413);
    expect_equal(ask(&client, "GET /a HTTP/1.1\r\n\r\n", &body), 200); /* and the connection lives on */
  }
  lc_buf_clear(&request); /* without a limit it arrives */
  lc_buf_printf(&request, "POST /big HTTP/1.1\r\nContent-Length: %d\r\n\r\n", SIZE);
  memset(lc_buf_extend(&request, SIZE), 'y', SIZE);
  expect(ws_write(&client, request.data, request.len));
  expect_equal(http_read_answer(&client, &body, NULL), 200);
  expect(strncmp(lc_buf_cstr(&body), "POST /big 8388608 yyy", 21) == 0);
  ws_disconnect(&client);
  lc_buf_deinit(&body);
  lc_buf_deinit(&request);
  stop(&self);
}

TEST(expect_100_continue) {
  server self = {0};
  start(&self);
  ws_client client;
  lc_buf body = {0};
  expect(ws_connect(&client, self.port));
  expect(ws_write_text(&client, "POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"));
  const char *head = http_read_head(&client);
  expect_text(head, "HTTP/1.1 100 Continue\r\n\r\n");
  expect(ws_write_text(&client, "hello"));
  expect_equal(http_read_answer(&client, &body, NULL), 200);
  expect_text(lc_buf_cstr(&body), "POST /a 5 hello");
  expect_equal(ask(&client, "POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5000\r\n\r\n", &body), 413);
  expect(ws_wait_end(&client));
  ws_disconnect(&client);
  lc_buf_deinit(&body);
  stop(&self);
}

TEST(a_stream_waits_for_a_slow_reader) {
  server self = {0};
  start(&self);
  ws_client client;
  expect(ws_connect(&client, self.port));
  expect(ws_write_text(&client, "GET /stream HTTP/1.1\r\n\r\n"));
  const char *head = http_read_head(&client);
  expect(head && strstr(head, "transfer-encoding: chunked"));
  usleep(50000);
  size_t total = 0;
  for (;;) { /* decodes the chunks, all of the same size but the last */
    expect(ws_fill(&client, 6));
    size_t len = strtoul((char *)client.in.data, NULL, 16), line = len ? 6 : 3;
    expect(ws_fill(&client, line + len + 2));
    client.at = line + len + 2;
    total += len;
    if (len == 0) break;
    if (total == 8 << 20) { /* what follows is shorter than six bytes until the next request is answered */
      expect(ws_fill(&client, 5));
      expect(memcmp(client.in.data, "0\r\n\r\n", 5) == 0);
      break;
    }
  }
  expect_equal(total, 8 << 20);
  expect(self.drained > 0);
  ws_disconnect(&client);
  stop(&self);
}

TEST(a_half_closed_client_gets_its_answer_and_HTTP_1_0_gets_an_end) {
  server self = {0};
  start(&self);
  ws_client client;
  lc_buf body = {0};
  expect(ws_connect(&client, self.port));
  expect(ws_write_text(&client, "GET /later HTTP/1.1\r\n\r\n"));
  shutdown(client.fd, SHUT_WR);
  expect_equal(http_read_answer(&client, &body, NULL), 200);
  expect(ws_wait_end(&client));
  ws_disconnect(&client);
  expect(ws_connect(&client, self.port));
  expect_equal(ask(&client, "GET /a HTTP/1.0\r\n\r\n", &body), 200);
  expect(ws_wait_end(&client));
  ws_disconnect(&client);
  expect(ws_connect(&client, self.port));
  expect(ws_write_text(&client, "GET /drop HTTP/1.1\r\n\r\n"));
  expect(ws_wait_end(&client));
  ws_disconnect(&client);
  lc_buf_deinit(&body);
  stop(&self);
}

TEST(a_slow_request_is_given_up) {
  server self = {.options = {.http_idle_timeout_ms = 50}};
  start(&self);
  ws_client client;
  expect(ws_connect(&client, self.port));
  expect(ws_write_text(&client, "GET /a HT"));
  expect(ws_wait_end(&client));
  ws_disconnect(&client);
  stop(&self);
}

/* ---- WebSocket ---- */

TEST(messages_and_fragments_are_echoed_and_the_first_ping_comes_at_once) {
  server self = {.upgrade = {.framing = LC_FRAMING_SINGLE, .protocol = LC_STR("x")}};
  start(&self);
  ws_client client;
  ws_frame frame;
  open_ws(&self, &client, "/ws?hello");
  expect(ws_read_frame(&client, &frame) && frame.opcode == 9 && frame.len == 0);
  EXPECT_MESSAGE(&client, "\0hello");
  expect_echo(&client);
  expect(ws_send_frame(&client, 2, "e1", 2, (ws_options){.unfinished = true}));
  expect(ws_send_frame(&client, 9, "ping", 4, (ws_options){0}));
  expect(ws_read_frame(&client, &frame) && frame.opcode == 10);
  expect_bytes(frame.payload, frame.len, "ping", 4);
  expect(ws_send_frame(&client, 0, "e2", 2, (ws_options){0}));
  EXPECT_MESSAGE(&client, "\0e1e2");
  char *big = malloc(3 << 20);
  memset(big, 'e', 3 << 20);
  expect(ws_send(&client, big, 3 << 20));
  expect(ws_read(&client, &frame) && frame.len == (3 << 20) + 1 && memcmp(frame.payload + 1, big, 3 << 20) == 0);
  free(big);
  ws_disconnect(&client);
  stop(&self);
}

TEST(frames_sent_together_with_the_upgrade_are_not_lost) {
  server self = {.upgrade = {.framing = LC_FRAMING_SINGLE}};
  start(&self);
  ws_client client;
  lc_buf bytes = {0};
  lc_buf_put_text(
      &bytes, "GET /ws HTTP/1.1\r\nSec-WebSocket-Key: k\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n");
  ws_put_frame(&bytes, 2, "e", 1, (ws_options){0});
  expect(ws_connect(&client, self.port));
  expect(ws_write(&client, bytes.data, bytes.len));
  const char *head = http_read_head(&client);
  expect(head && strncmp(head, "HTTP/1.1 101", 12) == 0);
  EXPECT_MESSAGE(&client, "\0e");
  ws_disconnect(&client);
  lc_buf_deinit(&bytes);
  stop(&self);
}

TEST(every_violation_ends_the_connection_without_a_close_frame) {
  server self = {.upgrade = {.framing = LC_FRAMING_SINGLE}, .options = {.message_max = 1 << 20}};
  start(&self);
  static const struct {
    uint8_t opcode;
    const char *payload;
    size_t len;
    ws_options options;
  } frames[] = {
      {2, "x", 1, {.unmasked = true}},
      {2, "x", 1, {.reserved_bits = 4}},
      {3, "x", 1, {0}},
      {0, "x", 1, {0}},
      {9, "x", 1, {.unfinished = true}},
      {8, "\3", 1, {0}},
      {8, "\3\xe8\xff\xfe", 4, {0}},
      {1, "\xff\xfe", 2, {0}},
  };
  ws_client client;
  ws_frame frame;
  for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
    open_ws(&self, &client, "/ws");
    expect(ws_send_frame(&client, frames[i].opcode, frames[i].payload, frames[i].len, frames[i].options));
    expect(!ws_read(&client, &frame));
    ws_disconnect(&client);
  }
  open_ws(&self, &client, "/ws"); /* one byte more than the limit: refused by its header */
  static const uint8_t head[14] = {0x82, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 1};
  expect(ws_write(&client, head, sizeof head));
  expect(!ws_read(&client, &frame));
  ws_disconnect(&client);
  open_ws(&self, &client, "/ws");
  char *big = calloc(1, 1 << 20);
  expect(ws_send(&client, big, 1 << 20)); /* and the limit itself passes */
  expect(ws_read(&client, &frame) && frame.len == (1 << 20) + 1);
  free(big);
  ws_disconnect(&client);
  stop(&self);
}

static void expect_close(ws_client *client, const char *payload, size_t len) {
  ws_frame frame;
  expect(ws_read(client, &frame));
  expect_equal(frame.opcode, 8);
  expect_bytes(frame.payload, frame.len, payload, len);
}

TEST(the_close_handshake_from_either_side) {
  server self = {.upgrade = {.framing = LC_FRAMING_SINGLE}, .options = {.close_timeout_ms = 30}};
  start(&self);
  ws_client client;
  static const struct {
    const char *sent;
    size_t sent_len;
    const char *answer;
    size_t answer_len;
  } closes[] = {
      {"", 0, "", 0},
      {"\3\xe8", 2, "\3\xe8", 2},
      {"\3\xe9"
       "bye",
       5,
       "\3\xe9"
       "bye",
       5},
      {"\3\xea"
       "x",
       3,
       "\3\xea"
       "x",
       3},
      {"\3\xed", 2, "\3\xeaProtocol violation", 20},
      {"\0\1", 2, "\3\xeaProtocol violation", 20},
  };
  for (size_t i = 0; i < sizeof closes / sizeof *closes; i++) {
    open_ws(&self, &client, "/ws");
    expect(ws_send_frame(&client, 8, closes[i].sent, closes[i].sent_len, (ws_options){0}));
    ws_send(&client, "e", 1); /* a message after close is not looked at */
    expect_close(&client, closes[i].answer, closes[i].answer_len);
    expect(ws_wait_end(&client));
    ws_disconnect(&client);
  }
  open_ws(&self, &client, "/ws");
  expect(ws_send(&client, "c", 1));
  expect(ws_send(&client, "e", 1)); /* no message is handled after our close */
  expect_close(&client,
               "\3\xf3"
               "because",
               9);
  expect(ws_send_frame(&client, 8, "\3\xf3", 2, (ws_options){0}));
  expect(ws_wait_end(&client));
  ws_disconnect(&client);
  open_ws(&self, &client, "/ws"); /* a client that does not answer the close is dropped after the timeout */
  expect(ws_send(&client, "c", 1));
  expect_close(&client,
               "\3\xf3"
               "because",
               9);
  expect(ws_wait_end(&client));
  ws_disconnect(&client);
  open_ws(&self, &client, "/ws");
  expect(ws_send(&client, "x", 1));
  expect(ws_wait_end(&client));
  ws_disconnect(&client);
  stop(&self);
}

TEST(L1_messages_wait_for_their_offset_and_are_packed_when_it_is_durable) {
  server self = {0};
  self.upgrade = (lc_upgrade){.framing = LC_FRAMING_PACKED, .group = &self.group};
  start(&self);
  ws_client client, other;
  open_ws(&self, &client, "/ws");
  open_ws(&self, &other, "/ws");
  expect_echo(&client);
  expect(ws_send(&client, "d1", 2));
  expect(ws_send(&client, "d2", 2));
  expect(ws_send(&client, "e3", 2));
  expect(ws_send(&client, "d4", 2));
  expect(ws_send(&other, "d2", 2));
  struct timeval quiet = {0, 50000};
  setsockopt(client.fd, SOL_SOCKET, SO_RCVTIMEO, &quiet, sizeof quiet);
  ws_frame frame;
  expect(!ws_read(&client, &frame)); /* not yet */
  quiet.tv_sec = 10;
  setsockopt(client.fd, SOL_SOCKET, SO_RCVTIMEO, &quiet, sizeof quiet);
  make_durable(&self, 3);
  EXPECT_MESSAGE(&client, "\0d1d2e3");
  EXPECT_MESSAGE(&other, "\0d2");
  ws_disconnect(&other);            /* while nothing waits */
  expect(ws_send(&client, "C", 1)); /* a close behind what is queued */
  make_durable(&self, 5);
  EXPECT_MESSAGE(&client, "\0d4");
  expect_close(&client, "\3\xe9module exited", 15);
  ws_disconnect(&client);
  open_ws(&self, &client, "/ws");
  expect(ws_send(&client, "d9", 2));
  expect(ws_send_frame(&client, 9, "", 0, (ws_options){0})); /* its pong tells that the message before has been handled */
  do expect(ws_read_frame(&client, &frame));
  while (frame.opcode != 10);
  ws_disconnect(&client); /* a client that goes away while it waits leaves the group (checked by stop) */
  stop(&self);
}

/* The end of the connection, and nothing before it (a timeout would be -1). */
static void expect_cut(ws_client *client) {
  char byte;
  ssize_t got;
  do got = recv(client->fd, &byte, 1, 0);
  while (got < 0 && errno == EINTR);
  expect(got == 0 || (got < 0 && errno == ECONNRESET));
}

/* L1: a database that closes while its disk is full never sends what was not durable; who waits for it is cut. */
TEST(a_group_that_ends_cuts_those_that_wait) {
  server self = {0};
  self.upgrade = (lc_upgrade){.framing = LC_FRAMING_PACKED, .group = &self.group};
  start(&self);
  ws_client client, other, late;
  open_ws(&self, &client, "/ws");
  open_ws(&self, &other, "/ws");
  open_ws(&self, &late, "/ws");
  expect(ws_send(&client, "d2", 2));
  expect(ws_send(&client, "d7", 2));
  expect(ws_send(&other, "d3", 2));
  make_durable(&self, 4);
  EXPECT_MESSAGE(&client, "\0d2");
  EXPECT_MESSAGE(&other, "\0d3");
  self.ended = true;
  lc_loop_wake(self.loop);
  expect_cut(&client);
  expect_echo(&other); /* it waits for nothing */
  expect(ws_send(&late, "d7", 2));
  expect_cut(&late);
  ws_disconnect(&client);
  ws_disconnect(&other);
  ws_disconnect(&late);
  stop(&self);
}

TEST(without_a_group_offsets_do_not_matter) {
  server self = {.upgrade = {.framing = LC_FRAMING_PACKED}};
  start(&self);
  ws_client client;
  open_ws(&self, &client, "/ws");
  expect(ws_send(&client, "d5", 2));
  EXPECT_MESSAGE(&client, "\0d5");
  ws_disconnect(&client);
  stop(&self);
}

TEST(N14_a_peer_that_does_not_read_is_dropped_at_the_byte_limit) {
  server self = {.upgrade = {.framing = LC_FRAMING_SINGLE}, .options = {.outgoing_bytes_max = 16 << 20}};
  start(&self);
  ws_client client;
  open_ws(&self, &client, "/ws");
  expect(ws_send(&client, "f", 1)); /* 200 MiB of answers */
  while (self.closed == 0) sched_yield();
  expect_equal(lc_net_counters_of(self.net)->overflows, 1);
  ws_disconnect(&client);
  stop(&self);
}

TEST(a_large_backlog_arrives_whole_when_it_is_read) {
  server self = {.upgrade = {.framing = LC_FRAMING_PACKED}};
  start(&self);
  ws_client client;
  ws_frame frame;
  open_ws(&self, &client, "/ws");
  expect(ws_send(&client, "f", 1));
  size_t total = 0;
  while (total < (size_t)200 << 20) {
    expect(ws_read(&client, &frame));
    total += frame.len - 1;
  }
  expect_equal(total, (size_t)200 << 20);
  expect_echo(&client);
  ws_disconnect(&client);
  stop(&self);
}

/* The server's end of the client's connection: it is in this process, too. */
static int other_end(const ws_client *client) {
  struct sockaddr_in own, peer;
  socklen_t len = sizeof own;
  expect(getsockname(client->fd, (struct sockaddr *)&own, &len) == 0);
  for (int fd = 3; fd < 1024; fd++) {
    len = sizeof peer;
    if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0 && peer.sin_port == own.sin_port) return fd;
  }
  lc_test_fail("the server has no connection to port %u", ntohs(own.sin_port));
}

/* A socket that takes less than a turn's share, at once: the rest goes when there is room, though most of it is not packed yet. */
TEST(a_backlog_that_fills_the_socket_at_once_arrives_whole) {
  server self = {.upgrade = {.framing = LC_FRAMING_SINGLE}};
  start(&self);
  ws_client client;
  ws_frame frame;
  open_ws(&self, &client, "/ws");
  int small = 64 << 10;
  setsockopt(other_end(&client), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  expect(ws_send(&client, "f", 1));
  for (int i = 0; i < 200; i++) {
    expect(ws_read(&client, &frame));
    expect_equal(frame.len, (1 << 20) + 1);
  }
  ws_disconnect(&client);
  stop(&self);
}

/* A client that sends much and reads late: nothing is lost, and what waits on the server stays bounded because it stops reading. */
TEST(requests_of_a_client_that_reads_late_wait) {
  server self = {.upgrade = {.framing = LC_FRAMING_SINGLE}, .options = {.outgoing_messages_max = 64}};
  start(&self);
  ws_client client;
  open_ws(&self, &client, "/ws");
  lc_buf burst = {0};
  enum { MESSAGES = 20000 };
  char payload[100] = "e";
  for (int i = 0; i < MESSAGES; i++) {
    memcpy(payload + 1, &i, 4);
    ws_put_frame(&burst, 2, payload, sizeof payload, (ws_options){0});
  }
  pid_t writer = fork();
  if (writer == 0) _exit(ws_write(&client, burst.data, burst.len) ? 0 : 1);
  usleep(20000);
  for (int i = 0; i < MESSAGES; i++) {
    ws_frame frame;
    int number;
    expect(ws_read(&client, &frame) && frame.len == sizeof payload + 1);
    memcpy(&number, frame.payload + 2, 4);
    expect_equal(number, i);
  }
  waitpid(writer, NULL, 0);
  expect_equal(lc_net_counters_of(self.net)->overflows, 0);
  lc_buf_deinit(&burst);
  ws_disconnect(&client);
  stop(&self);
}

TEST(pings_come_at_their_interval_and_silence_ends_the_connection) {
  server self = {.upgrade = {.framing = LC_FRAMING_SINGLE}, .options = {.ping_interval_ms = 20, .idle_timeout_ms = 100}};
  start(&self);
  ws_client client;
  ws_frame frame;
  open_ws(&self, &client, "/ws");
  for (int i = 0; i < 3; i++) { /* answered pings keep it alive and are repeated */
    expect(ws_read_frame(&client, &frame) && frame.opcode == 9);
    expect(ws_send_frame(&client, 10, "", 0, (ws_options){0}));
  }
  int pings = 0;
  while (ws_read_frame(&client, &frame)) pings += frame.opcode == 9;
  expect(pings <= 1); /* an unanswered ping is not repeated */
  expect(client.ended);
  ws_disconnect(&client);
  stop(&self);
}

TEST(connections_over_the_limit_are_refused) {
  server self = {.upgrade = {.framing = LC_FRAMING_SINGLE}, .options = {.connections_max = 2}};
  start(&self);
  ws_client a, b, c;
  open_ws(&self, &a, "/ws");
  open_ws(&self, &b, "/ws");
  expect(ws_connect(&c, self.port));
  expect(ws_wait_end(&c));
  ws_disconnect(&c);
  ws_disconnect(&a);
  expect_echo(&b);
  ws_disconnect(&b);
  stop(&self);
}
