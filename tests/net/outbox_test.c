/* N8 to N11: order, durability, packing, compression. */
#include "net/outbox.h"

#include "harness.h"
#include "net/compress.h"

static void add(lc_outbox *outbox, const char *text, uint64_t offset) {
  lc_buf_put_text(lc_outbox_begin(outbox), text);
  lc_outbox_commit(outbox, offset);
}

static void add_sized(lc_outbox *outbox, char fill, size_t len) {
  memset(lc_buf_extend(lc_outbox_begin(outbox), len), fill, len);
  lc_outbox_commit(outbox, LC_NO_OFFSET);
}

/* Takes one server frame off the front; its payload. */
static lc_span take_frame(lc_buf *out, size_t *at) {
  expect(*at + 2 <= out->len);
  const uint8_t *frame = out->data + *at;
  size_t len = frame[1], header = 2;
  expect(!(frame[1] & 0x80));
  if (len == 126) len = (size_t)frame[2] << 8 | frame[3], header = 4;
  if (len == 127) {
    len = 0;
    for (int i = 0; i < 8; i++) len = len << 8 | frame[2 + i];
    header = 10;
  }
  *at += header + len;
  expect(*at <= out->len);
  return (lc_span){frame + header, len};
}

TEST(N8_N9_nothing_passes_a_message_that_waits) {
  lc_outbox outbox = {.framing = LC_FRAMING_PACKED};
  lc_buf out = {0};
  add(&outbox, "initial", LC_NO_OFFSET);
  add(&outbox, "five", 5);
  add(&outbox, "free", LC_NO_OFFSET);
  add(&outbox, "seven", 7);
  size_t at = 0;
  expect_equal(lc_outbox_release(&outbox, 0, &out, 1 << 20), 1);
  lc_span payload = take_frame(&out, &at);
  expect_bytes(payload.ptr, payload.len, "\0initial", 8);
  expect_equal(lc_outbox_release(&outbox, 5, &out, 1 << 20), 0); /* offset 5 is durable when `durable` is 6 */
  expect_equal(lc_outbox_release(&outbox, 6, &out, 1 << 20), 2);
  payload = take_frame(&out, &at);
  expect_bytes(payload.ptr, payload.len, "\0fivefree", 9);
  expect(!lc_outbox_is_ready(&outbox, 7));
  expect_equal(lc_outbox_release(&outbox, 8, &out, 1 << 20), 1);
  expect_equal(lc_outbox_count(&outbox), 0);
  expect_equal(lc_outbox_bytes(&outbox), 0);
  lc_buf_deinit(&out);
  lc_outbox_deinit(&outbox);
}

TEST(single_framing_sends_one_message_per_frame_and_text_has_no_tag) {
  lc_outbox outbox = {.framing = LC_FRAMING_SINGLE};
  lc_buf out = {0};
  add(&outbox, "a", LC_NO_OFFSET);
  add(&outbox, "bc", LC_NO_OFFSET);
  lc_outbox_release(&outbox, 0, &out, 1 << 20);
  expect_bytes(out.data, out.len, "\x82\x02\0a\x82\x03\0bc", 9);
  outbox.framing = LC_FRAMING_TEXT;
  lc_buf_clear(&out);
  add(&outbox, "{}", LC_NO_OFFSET);
  lc_outbox_release(&outbox, 0, &out, 1 << 20);
  expect_bytes(out.data, out.len, "\x81\x02{}", 4);
  lc_buf_deinit(&out);
  lc_outbox_deinit(&outbox);
}

TEST(N10_a_packed_frame_holds_at_most_512_KiB_or_one_message) {
  lc_outbox outbox = {.framing = LC_FRAMING_PACKED};
  lc_buf out = {0};
  add_sized(&outbox, 'a', LC_PACKED_MAX - 10);
  add_sized(&outbox, 'b', 10);
  add_sized(&outbox, 'c', 1);
  add_sized(&outbox, 'd', LC_PACKED_MAX + 1);
  add_sized(&outbox, 'e', 1);
  expect_equal(lc_outbox_release(&outbox, 0, &out, SIZE_MAX), 5);
  size_t at = 0;
  static const size_t lengths[] = {LC_PACKED_MAX, 1, LC_PACKED_MAX + 1, 1};
  for (int i = 0; i < 4; i++) expect_equal(take_frame(&out, &at).len, lengths[i] + 1);
  expect_equal(at, out.len);
  lc_buf_deinit(&out);
  lc_outbox_deinit(&outbox);
}

TEST(packing_stops_at_the_room_and_goes_on_later) {
  lc_outbox outbox = {.framing = LC_FRAMING_SINGLE};
  lc_buf out = {0};
  for (int i = 0; i < 10; i++) add_sized(&outbox, (char)('0' + i), 100000);
  size_t frames = 0;
  for (int i = 0; i < 10; i++) {
    lc_buf_clear(&out);
    expect_equal(lc_outbox_release(&outbox, 0, &out, 1), 1);
    size_t at = 0;
    lc_span payload = take_frame(&out, &at);
    expect_equal(payload.len, 100001);
    expect_equal(payload.ptr[1], '0' + i);
    frames++;
  }
  expect_equal(frames, 10);
  expect_equal(lc_outbox_release(&outbox, 0, &out, 1), 0);
  lc_buf_deinit(&out);
  lc_outbox_deinit(&outbox);
}

TEST(a_cancelled_message_leaves_nothing) {
  lc_outbox outbox = {.framing = LC_FRAMING_SINGLE};
  lc_buf out = {0};
  lc_buf_put_text(lc_outbox_begin(&outbox), "half");
  lc_outbox_cancel(&outbox);
  add(&outbox, "a", LC_NO_OFFSET);
  lc_buf_put_text(lc_outbox_begin(&outbox), "half");
  lc_outbox_cancel(&outbox);
  add(&outbox, "b", LC_NO_OFFSET);
  lc_outbox_release(&outbox, 0, &out, 1 << 20);
  expect_bytes(out.data, out.len, "\x82\x02\0a\x82\x02\0b", 8);
  lc_buf_deinit(&out);
  lc_outbox_deinit(&outbox);
}

TEST(nothing_is_compressed_by_default) {
  lc_outbox outbox = {.framing = LC_FRAMING_SINGLE, .compression = LC_COMPRESSION_GZIP};
  lc_buf out = {0};
  add_sized(&outbox, 'x', 5000);
  lc_outbox_release(&outbox, 0, &out, 1 << 20);
  size_t at = 0;
  expect_equal(take_frame(&out, &at).ptr[0], 0);
  lc_buf_deinit(&out);
  lc_outbox_deinit(&outbox);
}

TEST(N11_no_plain_frame_follows_a_compressed_one) {
  static const size_t sizes[] = {10, 1024, 1025, 10, 5000, 1};
  for (int algorithm = LC_COMPRESSION_BROTLI; algorithm <= LC_COMPRESSION_GZIP; algorithm++) {
    lc_outbox outbox = {.framing = LC_FRAMING_SINGLE, .compression = (lc_compression)algorithm, .policy = LC_COMPRESS_LARGE};
    lc_buf out = {0}, plain = {0};
    for (size_t i = 0; i < 6; i++) add_sized(&outbox, (char)('a' + i), sizes[i]);
    lc_outbox_release(&outbox, 0, &out, SIZE_MAX);
    size_t at = 0;
    for (size_t i = 0; i < 6; i++) {
      lc_span payload = take_frame(&out, &at);
      expect_equal(payload.ptr[0], i < 2 ? 0 : algorithm);
      if (i < 2) continue;
      lc_buf_clear(&plain);
      expect_ok(lc_decompress((lc_compression)algorithm, (lc_span){payload.ptr + 1, payload.len - 1}, 1 << 20, &plain));
      expect_equal(plain.len, sizes[i]);
      for (size_t b = 0; b < plain.len; b++) expect_equal(plain.data[b], 'a' + (int)i);
      lc_buf_clear(&plain);
      if (sizes[i] > 1)
        expect_error(lc_decompress((lc_compression)algorithm, (lc_span){payload.ptr + 1, payload.len - 1}, sizes[i] - 1, &plain),
                     LC_ERR_TOO_LARGE);
      expect_failure(lc_decompress((lc_compression)algorithm, (lc_span){payload.ptr + 1, 2}, 1 << 20, &plain));
    }
    lc_buf_deinit(&out);
    lc_buf_deinit(&plain);
    lc_outbox_deinit(&outbox);
  }
}

/* Against the plainest model: a list of messages, of which the longest releasable prefix leaves. */
TEST(N8_random_messages_and_offsets_leave_in_order) {
  uint64_t seed = 7;
  lc_outbox outbox = {.framing = LC_FRAMING_PACKED};
  lc_buf out = {0}, sent = {0}, expected = {0};
  uint64_t offsets[2000], durable = 0, next = 0;
  size_t added = 0, released = 0;
  char text[32];
  while (added < 2000) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    unsigned roll = (unsigned)(seed >> 60);
    if (roll < 10) {
      offsets[added] = roll < 3 ? LC_NO_OFFSET : next++;
      snprintf(text, sizeof text, "m%zu;", added);
      add(&outbox, text, offsets[added++]);
      continue;
    }
    durable += (seed >> 32) % 8;
    lc_buf_clear(&out);
    lc_outbox_release(&outbox, durable, &out, SIZE_MAX);
    for (; released < added && (offsets[released] == LC_NO_OFFSET || offsets[released] < durable); released++) {
      snprintf(text, sizeof text, "m%zu;", released);
      lc_buf_put_text(&expected, text);
    }
    for (size_t at = 0; at < out.len;) {
      lc_span payload = take_frame(&out, &at);
      lc_buf_append(&sent, payload.ptr + 1, payload.len - 1);
    }
    expect_bytes(sent.data, sent.len, expected.data, expected.len);
  }
  lc_buf_deinit(&out);
  lc_buf_deinit(&sent);
  lc_buf_deinit(&expected);
  lc_outbox_deinit(&outbox);
}
