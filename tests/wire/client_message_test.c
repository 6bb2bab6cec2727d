/* W1, W2: what clients send, against the worked examples of client-protocol 12, every recorded message, and every recorded refusal. */
#define _GNU_SOURCE
#include "harness.h"
#include "vectors.h"

static lc_err decode(lc_protocol protocol, bool is_text, lc_span bytes, lc_arena *arena, lc_client_message *message) {
  lc_cursor from = lc_cursor_of(bytes);
  return lc_client_message_decode(protocol, is_text, &from, arena, message);
}

typedef struct worked_example {
  lc_protocol protocol;
  const char *hex;
  lc_client_message message;
} worked_example;

static lc_str user_query[1] = {{"SELECT * FROM user", 18}};

/* Decoding gives these fields, and encoding them gives the bytes. */
static void expect_example(const worked_example *example) {
  lc_buf bytes = {0}, again = {0};
  lc_arena arena = {0};
  lc_client_message decoded;
  put_hex_text(&bytes, example->hex);
  expect_ok(decode(example->protocol, false, lc_buf_span(&bytes), &arena, &decoded));
  const lc_client_message *expected = &example->message;
  expect_equal(decoded.kind, expected->kind);
  expect_equal(decoded.request_id, expected->request_id);
  expect_equal(decoded.query_set_id, expected->query_set_id);
  expect_equal(decoded.flags, expected->flags);
  expect(lc_str_equal(decoded.function, expected->function));
  expect(lc_span_equal(decoded.arguments, expected->arguments));
  uint32_t count = expected->query.ptr ? 1 : expected->query_count;
  expect_equal(decoded.query_count, count);
  for (uint32_t i = 0; i < count; i++) expect(lc_str_is(decoded.queries[i], "SELECT * FROM user"));
  if (decoded.arguments.len) expect(decoded.arguments.ptr >= bytes.data && decoded.arguments.ptr < bytes.data + bytes.len); /* W2 */
  lc_client_message_encode(example->protocol, expected, &again);
  expect_bytes(again.data, again.len, bytes.data, bytes.len);
  lc_buf_deinit(&bytes);
  lc_buf_deinit(&again);
  lc_arena_deinit(&arena);
}

TEST(worked_examples_of_client_messages) {
  static const uint8_t bob[] = {3, 0, 0, 0, 'B', 'o', 'b'};
  lc_span arguments = {bob, sizeof bob};
  lc_str query = user_query[0];
  const worked_example examples[] = {
      {LC_PROTOCOL_V2,
       "00 01000000 07000000 01000000 12000000 \"SELECT * FROM user\"",
       {.kind = LC_SUBSCRIBE, .request_id = 1, .query_set_id = 7, .queries = user_query, .query_count = 1}},
      {LC_PROTOCOL_V2,
       "01 02000000 07000000 01",
       {.kind = LC_UNSUBSCRIBE, .request_id = 2, .query_set_id = 7, .flags = LC_SEND_DROPPED_ROWS}},
      {LC_PROTOCOL_V3,
       "03 04000000 00 08000000 7365745f6e616d65 07000000 03000000426f62",
       {.kind = LC_CALL_REDUCER, .request_id = 4, .function = LC_STR("set_name"), .arguments = arguments}},
      {LC_PROTOCOL_V3, "02 03000000 12000000 \"SELECT * FROM user\"", {.kind = LC_ONE_OFF_QUERY, .request_id = 3, .query = query}},
      {LC_PROTOCOL_V3,
       "04 05000000 00 04000000 70696e67 00000000",
       {.kind = LC_CALL_PROCEDURE, .request_id = 5, .function = LC_STR("ping")}},
      {LC_PROTOCOL_V1_BSATN,
       "04 01000000 12000000 \"SELECT * FROM user\" 01000000 07000000",
       {.kind = LC_V1_SUBSCRIBE_MULTI, .request_id = 1, .query_set_id = 7, .queries = user_query, .query_count = 1}},
      {LC_PROTOCOL_V1_BSATN,
       "00 08000000 7365745f6e616d65 07000000 03000000426f62 04000000 00",
       {.kind = LC_CALL_REDUCER, .request_id = 4, .function = LC_STR("set_name"), .arguments = arguments}},
  };
  for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) expect_example(&examples[i]);
}

TEST(the_example_of_a_subscribe_batch) {
  lc_buf bytes = {0}, again = {0};
  lc_arena arena = {0};
  lc_client_message message;
  put_hex_text(&bytes, "05 07000000 02000000 01000000 01000000 12000000 53454c454354202a2046524f4d2075736572 02000000 00000000");
  expect_ok(decode(LC_PROTOCOL_V3, false, lc_buf_span(&bytes), &arena, &message));
  expect_equal(message.kind, LC_SUBSCRIBE_BATCH);
  expect_equal(message.request_id, 7);
  expect_equal(message.set_count, 2);
  expect_equal(message.sets[0].query_set_id, 1);
  expect_equal(message.sets[0].query_count, 1);
  expect(lc_str_is(message.sets[0].queries[0], "SELECT * FROM user"));
  expect_equal(message.sets[1].query_set_id, 2);
  expect_equal(message.sets[1].query_count, 0);
  lc_client_message_encode(LC_PROTOCOL_V3, &message, &again);
  expect_bytes(again.data, again.len, bytes.data, bytes.len);
  bytes.data[5] = 0xff; /* more sets than there can be */
  expect_error(decode(LC_PROTOCOL_V3, false, lc_buf_span(&bytes), &arena, &message), LC_ERR_PROTOCOL);
  lc_buf_deinit(&bytes);
  lc_buf_deinit(&again);
  lc_arena_deinit(&arena);
}

/* Every recorded message decodes, encodes to the same bytes, and no cut of it does harm. */
TEST(recorded_messages_survive_a_round_trip) {
  static vector_file vectors;
  int count = 0;
  lc_arena arena = {0};
  lc_buf bytes = {0}, again = {0};
  for (vector_open(&vectors, "client_messages.tsv"); vector_next(&vectors); count++) {
    lc_protocol protocol = vector_protocol(vectors.fields[0]);
    bool is_text = strcmp(vectors.fields[1], "text") == 0;
    lc_buf_clear(&bytes);
    lc_buf_clear(&again);
    if (is_text) {
      lc_buf_put_text(&bytes, vectors.fields[2]);
    } else {
      put_hex_text(&bytes, vectors.fields[2]);
    }
    lc_cursor from = lc_cursor_of(lc_buf_span(&bytes));
    do {
      lc_client_message message;
      lc_err err = lc_client_message_decode(protocol, is_text, &from, &arena, &message);
      if (lc_failed(err)) lc_test_fail("%s %s: %s", vectors.fields[0], vectors.fields[2], lc_err_text(err));
      lc_client_message_encode(is_text                           ? LC_PROTOCOL_V1_JSON
                               : protocol == LC_PROTOCOL_V1_JSON ? LC_PROTOCOL_V1_BSATN
                                                                 : protocol,
                               &message, &again);
    } while (lc_cursor_left(&from));
    expect_bytes(again.data, again.len, bytes.data, bytes.len);
    for (size_t cut = 0; cut < bytes.len; cut++) {
      uint8_t *exact = malloc(cut ? cut : 1); /* a sanitizer sees a read past it */
      memcpy(exact, bytes.data, cut);
      lc_client_message message;
      lc_err err = decode(protocol, is_text, (lc_span){exact, cut}, &arena, &message);
      if (protocol != LC_PROTOCOL_V3) expect_failure(err);
      free(exact);
    }
    lc_arena_reset(&arena);
  }
  expect(count > 700);
  lc_buf_deinit(&bytes);
  lc_buf_deinit(&again);
  lc_arena_deinit(&arena);
}

/* The reasons are the reference's, but for two whose recorded text is garbled ("expected , `x`one of"). */
TEST(recorded_garbage_is_refused_with_the_same_reason) {
  static vector_file vectors;
  int count = 0;
  lc_arena arena = {0};
  lc_buf bytes = {0};
  for (vector_open(&vectors, "refused.tsv"); vector_next(&vectors); count++) {
    lc_protocol protocol = vector_protocol(vectors.fields[0]);
    bool is_text = strcmp(vectors.fields[1], "text") == 0;
    lc_buf_clear(&bytes);
    if (is_text) {
      lc_buf_put_text(&bytes, vectors.fields[2]);
    } else {
      put_hex_text(&bytes, vectors.fields[2]);
    }
    lc_cursor from = lc_cursor_of(lc_buf_span(&bytes));
    lc_client_message message;
    lc_err err;
    do err = lc_client_message_decode(protocol, is_text, &from, &arena, &message);
    while (!lc_failed(err) && lc_cursor_left(&from));
    expect_error(err, LC_ERR_PROTOCOL);
    const char *expected = vectors.fields[3];
    if (strstr(expected, "expected , ")) {
      expect(strncmp(lc_err_text(err), expected, 12) == 0);
    } else {
      expect_text(lc_err_text(err), expected);
    }
  }
  expect(count > 40);
  lc_buf_deinit(&bytes);
  lc_arena_deinit(&arena);
}

TEST(v1_and_v2_ignore_bytes_behind_the_message_and_v3_takes_them_as_the_next) {
  static const char hex[] = "03 01000000 00 04000000 6e6f6f70 00000000 ff";
  lc_buf bytes = {0};
  lc_arena arena = {0};
  lc_client_message message;
  put_hex_text(&bytes, hex);
  lc_cursor from = lc_cursor_of(lc_buf_span(&bytes));
  expect_ok(lc_client_message_decode(LC_PROTOCOL_V2, false, &from, &arena, &message));
  expect_equal(lc_cursor_left(&from), 1);
  lc_err err = lc_client_message_decode(LC_PROTOCOL_V3, false, &from, &arena, &message);
  expect_text(lc_err_text(err), "unknown tag 0xff for sum type ClientMessage");
  lc_buf_deinit(&bytes);
  lc_arena_deinit(&arena);
}

static lc_err decode_json(const char *text, lc_arena *arena, lc_client_message *message) {
  return decode(LC_PROTOCOL_V1_JSON, true, lc_span_of(text, strlen(text)), arena, message);
}

TEST(json_fields_come_in_any_order_and_strings_may_be_escaped) {
  lc_arena arena = {0};
  lc_client_message message;
  expect_ok(
      decode_json(" { \"CallReducer\" : { \"flags\":1 , \"request_id\":4294967295,\n\"args\":\"[\\\"B\\u00f6b \\ud83d\\ude00\\\"]\", "
                  "\"reducer\":\"a\\\\b\\/\" } } ",
                  &arena, &message));
  expect_equal(message.kind, LC_CALL_REDUCER);
  expect_equal(message.request_id, UINT32_MAX);
  expect_equal(message.flags, LC_NO_SUCCESS_NOTIFY);
  expect(message.arguments_are_json);
  expect_bytes(message.arguments.ptr, message.arguments.len,
               "[\"B\xc3\xb6"
               "b \xf0\x9f\x98\x80\"]",
               13);
  expect(lc_str_is(message.function, "a\\b/"));
  expect_ok(decode_json("{\"OneOffQuery\":{\"message_id\":[1,255],\"query_string\":\"\"}}", &arena, &message));
  expect_bytes(message.message_id.ptr, message.message_id.len, "\x01\xff", 2);
  expect_equal(message.query_count, 1);
  expect_ok(decode_json("{\"OneOffQuery\":{\"message_id\":\"01Ff\",\"query_string\":\"q\"}}", &arena, &message));
  expect_bytes(message.message_id.ptr, message.message_id.len, "\x01\xff", 2);
  lc_arena_deinit(&arena);
}

TEST(malformed_json_is_refused) {
  static const char *const cases[] = {
      "{",
      "{}",
      "[]",
      "null",
      "{\"Unsubscribe\"}",
      "{\"Unsubscribe\":1}",
      "{\"Unsubscribe\":{}}",
      "{\"Unsubscribe\":{\"request_id\":1,\"query_id\":{\"id\":1}}",
      "{\"Unsubscribe\":{\"request_id\":1,\"query_id\":{\"id\":1}}}x",
      "{\"Unsubscribe\":{\"request_id\":1,\"request_id\":1,\"query_id\":{\"id\":1}}}",
      "{\"Unsubscribe\":{\"request_id\":1,,\"query_id\":{\"id\":1}}}",
      "{\"Unsubscribe\":{\"request_id\":1,\"query_id\":{\"id\":1},}}",
      "{\"Unsubscribe\":{\"request_id\":-1,\"query_id\":{\"id\":1}}}",
      "{\"Unsubscribe\":{\"request_id\":4294967296,\"query_id\":{\"id\":1}}}",
      "{\"Unsubscribe\":{\"request_id\":1.0,\"query_id\":{\"id\":1}}}",
      "{\"Unsubscribe\":{\"request_id\":01,\"query_id\":{\"id\":1}}}",
      "{\"Unsubscribe\":{\"request_id\":1,\"query_id\":{\"x\":1}}}",
      "{\"Unsubscribe\":{\"request_id\":1,\"query_id\":{\"id\":1},\"a\":1}}",
      "{\"Subscribe\":{\"query_strings\":[1],\"request_id\":1}}",
      "{\"Subscribe\":{\"query_strings\":[\"a\",],\"request_id\":1}}",
      "{\"Subscribe\":{\"query_strings\":[\"a\"\"b\"],\"request_id\":1}}",
      "{\"Subscribe\":{\"query_strings\":[\"\\ud800\"],\"request_id\":1}}",
      "{\"Subscribe\":{\"query_strings\":[\"\\x\"],\"request_id\":1}}",
      "{\"Subscribe\":{\"query_strings\":[\"\t\"],\"request_id\":1}}",
      "{\"OneOffQuery\":{\"message_id\":[256],\"query_string\":\"\"}}",
      "{\"OneOffQuery\":{\"message_id\":\"0\",\"query_string\":\"\"}}",
      "{\"SubscribeBatch\":{}}",
      "\xff",
  };
  lc_arena arena = {0};
  lc_client_message message;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    if (!lc_failed(decode_json(cases[i], &arena, &message))) lc_test_fail("%s was accepted", cases[i]);
  }
  lc_arena_deinit(&arena);
}
