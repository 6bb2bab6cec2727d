/*
 * The wire part of the hot path: decoding a v3 frame of 40 CallReducer messages, encoding 40 small ReducerResults, packing them into one
 * frame, and parsing the masked frame itself. Prints nanoseconds per message.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/assert.h"
#include "net/outbox.h"
#include "wire/wire.h"

enum { MESSAGES = 40, ROUNDS = 20000, REPEATS = 7 };

static double now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static uint64_t sink;

static void decode_frame(lc_span frame) {
  static lc_arena arena;
  lc_cursor from = lc_cursor_of(frame);
  lc_client_message message;
  while (lc_cursor_left(&from)) {
    lc_err err = lc_client_message_decode(LC_PROTOCOL_V3, false, &from, &arena, &message);
    lc_assert(!lc_failed(err));
    sink += message.request_id + message.arguments.len + message.function.len;
  }
}

static void encode_replies(lc_outbox *outbox, lc_buf *out) {
  lc_reducer_result result = {.outcome = LC_OUTCOME_OK, .timestamp_micros = 1700000000000000};
  for (uint32_t i = 0; i < MESSAGES; i++) {
    lc_encode_reducer_result(lc_outbox_begin(outbox), i, &result);
    lc_outbox_commit(outbox, i);
  }
  lc_buf_clear(out);
  lc_outbox_release(outbox, MESSAGES, out, SIZE_MAX);
  sink += out->len;
}

static void parse_frame(const lc_buf *stream, uint8_t *copy) {
  memcpy(copy, stream->data, stream->len); /* unmasking changes the bytes */
  lc_websocket_reader reader = {.message_max = LC_WEBSOCKET_MESSAGE_MAX};
  lc_websocket_event event = lc_websocket_next(&reader, copy, stream->len);
  lc_assert(event.kind == LC_WS_EVENT_MESSAGE);
  sink += event.len;
}

#define MEASURE(name, statement)                                       \
  do {                                                                 \
    double best = 1e18;                                                \
    for (int repeat = 0; repeat < REPEATS; repeat++) {                 \
      double start = now_ns();                                         \
      for (int round = 0; round < ROUNDS; round++) statement;          \
      double spent = (now_ns() - start) / ((double)ROUNDS * MESSAGES); \
      if (spent < best) best = spent;                                  \
    }                                                                  \
    printf("%-44s %6.1f ns per message\n", name, best);                \
  } while (0)

int main(void) {
  static const uint8_t arguments[20] = {1, 0, 0, 0, 2, 0, 0, 0, 100};
  lc_buf payload = {0}, stream = {0}, out = {0};
  lc_outbox outbox = {.framing = LC_FRAMING_PACKED};
  for (uint32_t i = 0; i < MESSAGES; i++) {
    lc_client_message call = {
        .kind = LC_CALL_REDUCER, .request_id = i, .function = LC_STR("transfer"), .arguments = {arguments, sizeof arguments}};
    lc_client_message_encode(LC_PROTOCOL_V3, &call, &payload);
  }
  lc_buf_reserve(&stream, payload.len + 16);
  uint8_t head[LC_WEBSOCKET_HEADER_MAX];
  size_t head_len = lc_websocket_put_header(head, LC_OP_BINARY, payload.len);
  head[1] |= 0x80;
  lc_buf_append(&stream, head, head_len);
  lc_buf_append(&stream, "mask", 4);
  size_t body_at = stream.len;
  lc_buf_put_span(&stream, lc_buf_span(&payload));
  lc_websocket_unmask(stream.data + body_at, payload.len, (const uint8_t *)"mask");
  uint8_t *copy = malloc(stream.len);
  lc_assert(copy != NULL);
  MEASURE("parse and unmask a frame of 40 calls", parse_frame(&stream, copy));
  MEASURE("decode 40 CallReducer", decode_frame(lc_buf_span(&payload)));
  MEASURE("encode 40 ReducerResult and pack one frame", encode_replies(&outbox, &out));
  free(copy);
  lc_buf_deinit(&payload);
  lc_buf_deinit(&stream);
  lc_buf_deinit(&out);
  lc_outbox_deinit(&outbox);
  return sink == 0;
}
