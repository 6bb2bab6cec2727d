/* N4 to N7 and the rules of client-protocol 3.1 and 10. */
#define _GNU_SOURCE
#include "net/websocket.h"

#include "harness.h"
#include "support/ws_client.h"

TEST(the_accept_key_is_that_of_RFC_6455_and_of_the_recordings) {
  char accept[29];
  lc_websocket_accept(accept, LC_STR("dGhlIHNhbXBsZSBub25jZQ=="));
  expect_text(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  lc_websocket_accept(accept, LC_STR("MDEyMzQ1Njc4OWFiY2RlZg=="));
  expect_text(accept, "BACScCJPNqyz+UBoqMH89VmURoA=");
}

static lc_http_request request;
static const char upgrade[] =
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
    "k\r\n";

static lc_websocket_request check(const char *text) {
  size_t scanned = 0, used;
  int status;
  expect_equal(lc_http_parse((lc_span){(const uint8_t *)text, strlen(text)}, &scanned, &request, &used, &status), LC_HTTP_DONE);
  return lc_websocket_check(&request);
}

TEST(upgrade_requests_are_refused_in_the_order_of_the_reference) {
  char good[512];
  snprintf(good, sizeof good, "%s\r\n", upgrade);
  expect_equal(check(good).status, 0);
  expect(lc_str_is(check(good).key, "k"));
  expect_equal(check("POST / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n").status, 405);
  expect_equal(check("GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n").status, 426);
  expect_equal(check("GET / HTTP/1.1\r\nConnection: upgrade\r\n\r\n").status, 426);
  expect_text(check("GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n").message,
              "`Sec-WebSocket-Version` header did not include '13'");
  lc_websocket_request no_key = check("GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n");
  expect_equal(no_key.status, 400);
  expect_text(no_key.message, "`Sec-WebSocket-Key` header missing");
}

TEST(the_servers_preference_decides_the_subprotocol) {
  static const char *const offers[] = {"v3", "v2", "v1", NULL};
  char text[512];
  snprintf(text, sizeof text, "%sSec-WebSocket-Protocol: v1,v2\r\nSec-WebSocket-Protocol: , x\r\n\r\n", upgrade);
  check(text);
  expect_equal(lc_websocket_choose(&request, offers), 1);
  snprintf(text, sizeof text, "%sSec-WebSocket-Protocol: V1\r\n\r\n", upgrade);
  check(text);
  expect_equal(lc_websocket_choose(&request, offers), -1);
}

/* ---- frames in ---- */

/* Feeds the stream in two portions, compacting in between as the connection does, and writes down the events as text. */
static void read_events(const lc_buf *stream, size_t cut, size_t message_max, lc_buf *events) {
  uint8_t *buffer = malloc(stream->len + 1);
  lc_websocket_reader reader = {.message_max = message_max};
  size_t len = 0, given = 0;
  lc_buf_clear(events);
  for (int portion = 0; portion < 2; portion++) {
    size_t end = portion == 0 ? cut : stream->len;
    memcpy(buffer + len, stream->data + given, end - given);
    len += end - given;
    given = end;
    for (;;) {
      lc_websocket_event event = lc_websocket_next(&reader, buffer, len);
      if (event.kind == LC_WS_EVENT_NONE) {
        expect(reader.need > len);
        break;
      }
      if (event.kind == LC_WS_EVENT_VIOLATION) {
        lc_buf_printf(events, "violation: %s;", event.reason);
        free(buffer);
        lc_buf_cstr(events);
        return;
      }
      lc_buf_printf(events, "%d:%.*s", event.opcode, (int)event.len, event.payload);
      if (event.opcode == LC_OP_CLOSE) lc_buf_printf(events, "(%d)", event.close_code);
      lc_buf_put_text(events, ";");
    }
    len = lc_websocket_compact(&reader, buffer, len);
  }
  free(buffer);
  lc_buf_cstr(events);
}

TEST(N6_the_same_events_however_the_bytes_are_cut) {
  lc_buf stream = {0}, events = {0};
  ws_options part = {.unfinished = true}, whole = {0};
  char big[70000];
  memset(big, 'b', sizeof big);
  ws_put_frame(&stream, LC_OP_BINARY, "first", 5, whole);
  ws_put_frame(&stream, LC_OP_TEXT, "fr\xc3", 3, part); /* a character cut in two by the fragments */
  ws_put_frame(&stream, LC_OP_PING, "hi", 2, whole);
  ws_put_frame(&stream, LC_OP_CONTINUE, "", 0, part);
  ws_put_frame(&stream, LC_OP_CONTINUE,
               "\xa9"
               "ag",
               3, part);
  ws_put_frame(&stream, LC_OP_PONG, "", 0, whole);
  ws_put_frame(&stream, LC_OP_CONTINUE, "ment", 4, whole);
  ws_put_frame(&stream, LC_OP_BINARY, big, 200, whole);
  ws_put_frame(&stream, LC_OP_CLOSE,
               "\x03\xe8"
               "bye",
               5, whole);
  const char *expected =
      "2:first;9:hi;10:;1:fr\xc3\xa9"
      "agment;2:bbbb";
  lc_buf uncut = {0};
  read_events(&stream, stream.len, 1000, &uncut);
  expect(strncmp(lc_buf_cstr(&uncut), expected, strlen(expected)) == 0);
  expect(strstr(lc_buf_cstr(&uncut),
                ";8:\x03\xe8"
                "bye(1000);") != NULL);
  for (size_t cut = 0; cut < stream.len; cut++) {
    read_events(&stream, cut, 1000, &events);
    expect_bytes(events.data, events.len, uncut.data, uncut.len);
  }
  lc_buf_clear(&stream);
  ws_put_frame(&stream, LC_OP_BINARY, big, sizeof big, whole);
  for (size_t cut = 0; cut < stream.len; cut += 997) {
    read_events(&stream, cut, sizeof big, &events);
    expect_equal(events.len, sizeof big + 3);
  }
  lc_buf_deinit(&stream);
  lc_buf_deinit(&events);
  lc_buf_deinit(&uncut);
}

static const char *events_of(lc_buf *stream) {
  static lc_buf events;
  read_events(stream, stream->len, LC_WEBSOCKET_MESSAGE_MAX, &events);
  lc_buf_clear(stream);
  return lc_buf_cstr(&events);
}

TEST(frame_violations_drop_the_connection) {
  lc_buf stream = {0};
  static const char long_payload[126];
  ws_options part = {.unfinished = true}, whole = {0};
  ws_put_frame(&stream, 2, "x", 1, (ws_options){.unmasked = true});
  expect_text(events_of(&stream), "violation: a client frame is not masked;");
  for (uint8_t bit = 1; bit <= 4; bit *= 2) {
    ws_put_frame(&stream, 2, "x", 1, (ws_options){.reserved_bits = bit});
    expect_text(events_of(&stream), "violation: a reserved bit is set;");
  }
  static const uint8_t reserved[] = {3, 4, 5, 6, 7, 11, 12, 13, 14, 15};
  for (size_t i = 0; i < sizeof reserved; i++) {
    ws_put_frame(&stream, reserved[i], "x", 1, whole);
    expect_text(events_of(&stream), "violation: a reserved opcode;");
  }
  ws_put_frame(&stream, 0, "x", 1, whole);
  expect_text(events_of(&stream), "violation: a continuation without a start;");
  ws_put_frame(&stream, 2, "x", 1, part);
  ws_put_frame(&stream, 2, "x", 1, whole);
  expect_text(events_of(&stream), "violation: a new message inside a message;");
  ws_put_frame(&stream, 9, long_payload, 126, whole);
  expect_text(events_of(&stream), "violation: a control frame is longer than 125 bytes;");
  ws_put_frame(&stream, 9, "x", 1, part);
  expect_text(events_of(&stream), "violation: a control frame is fragmented;");
  ws_put_frame(&stream, 1, "\xff\xfe", 2, whole);
  expect_text(events_of(&stream), "violation: text that is not UTF-8;");
  ws_put_frame(&stream, 8, "\x03", 1, whole);
  expect_text(events_of(&stream), "violation: a close payload of one byte;");
  ws_put_frame(&stream, 8, "\x03\xe8\xff\xfe", 4, whole);
  expect_text(events_of(&stream), "violation: a close reason that is not UTF-8;");
  lc_buf_deinit(&stream);
}

TEST(close_codes_that_must_not_be_sent_become_1002) {
  lc_buf stream = {0};
  static const uint16_t forbidden[] = {0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535};
  for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++) {
    uint8_t payload[2] = {(uint8_t)(forbidden[i] >> 8), (uint8_t)forbidden[i]};
    ws_put_frame(&stream, 8, payload, 2, (ws_options){0});
    expect(strstr(events_of(&stream), "(1002);") != NULL || forbidden[i] < 256); /* a zero byte ends the text */
  }
  ws_put_frame(&stream, 8, "", 0, (ws_options){0});
  expect_text(events_of(&stream), "8:(1005);");
  lc_buf_deinit(&stream);
}

TEST(N5_a_message_of_exactly_32_MiB_passes_and_one_more_byte_does_not) {
  uint8_t head[14] = {0x82, 0xff, 0, 0, 0, 0, 2, 0, 0, 0};
  lc_websocket_reader reader = {.message_max = LC_WEBSOCKET_MESSAGE_MAX};
  expect_equal(lc_websocket_next(&reader, head, 14).kind, LC_WS_EVENT_NONE);
  expect_equal(reader.need, 14 + LC_WEBSOCKET_MESSAGE_MAX);
  head[9] = 1;
  reader = (lc_websocket_reader){.message_max = LC_WEBSOCKET_MESSAGE_MAX};
  expect_equal(lc_websocket_next(&reader, head, 14).kind, LC_WS_EVENT_VIOLATION);
  memset(head + 2, 0xff, 8);
  reader = (lc_websocket_reader){.message_max = LC_WEBSOCKET_MESSAGE_MAX};
  expect_equal(lc_websocket_next(&reader, head, 10).kind, LC_WS_EVENT_VIOLATION);
  lc_buf stream = {0}, events = {0}; /* the sum of the fragments counts */
  ws_put_frame(&stream, 2, "12345", 5, (ws_options){.unfinished = true});
  ws_put_frame(&stream, 0, "12345", 5, (ws_options){.unfinished = true});
  ws_put_frame(&stream, 0, "1", 1, (ws_options){0});
  read_events(&stream, 3, 10, &events);
  expect_text(lc_buf_cstr(&events), "violation: the message is too long;");
  lc_buf_deinit(&stream);
  lc_buf_deinit(&events);
}

TEST(random_bytes_never_read_outside) {
  uint64_t seed = 42;
  for (int round = 0; round < 20000; round++) {
    uint8_t bytes[64];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)((seed = seed * 6364136223846793005u + 1442695040888963407u) >> 56);
    bytes[0] &= 0x8f;
    bytes[1] = (uint8_t)(0x80 | (bytes[1] & 31));
    lc_websocket_reader reader = {.message_max = 100};
    lc_websocket_event event;
    size_t len = sizeof bytes;
    do {
      event = lc_websocket_next(&reader, bytes, len);
      if (event.kind == LC_WS_EVENT_MESSAGE) expect(event.payload >= bytes && event.payload + event.len <= bytes + len);
    } while (event.kind == LC_WS_EVENT_MESSAGE || event.kind == LC_WS_EVENT_CONTROL);
    if (event.kind == LC_WS_EVENT_NONE) len = lc_websocket_compact(&reader, bytes, len);
    expect(len <= sizeof bytes);
  }
}

/* ---- frames out ---- */

TEST(headers_of_every_length_form) {
  uint8_t header[LC_WEBSOCKET_HEADER_MAX];
  expect_bytes(header, lc_websocket_put_header(header, LC_OP_BINARY, 125), "\x82\x7d", 2);
  expect_bytes(header, lc_websocket_put_header(header, LC_OP_BINARY, 126), "\x82\x7e\x00\x7e", 4);
  expect_bytes(header, lc_websocket_put_header(header, LC_OP_TEXT, 65535), "\x81\x7e\xff\xff", 4);
  expect_bytes(header, lc_websocket_put_header(header, LC_OP_BINARY, 65536), "\x82\x7f\0\0\0\0\0\1\0\0", 10);
}

TEST(N7_a_close_reason_is_cut_at_123_bytes_and_never_inside_a_character) {
  char reason[200];
  memset(reason, 'r', sizeof reason);
  lc_buf out = {0};
  lc_websocket_put_close(&out, 1011, (lc_str){reason, sizeof reason});
  expect_equal(out.len, 2 + 125);
  expect_bytes(out.data, 4, "\x88\x7d\x03\xf3", 4);
  memcpy(reason + 121, "\xe2\x82\xac", 3); /* three bytes, of which two would fit */
  lc_buf_clear(&out);
  lc_websocket_put_close(&out, 1011, (lc_str){reason, sizeof reason});
  expect_equal(out.len, 2 + 2 + 121);
  lc_buf_clear(&out);
  lc_websocket_put_close(&out, LC_WS_NO_CODE, LC_STR("ignored"));
  expect_bytes(out.data, out.len, "\x88\x00", 2);
  lc_buf_deinit(&out);
}
