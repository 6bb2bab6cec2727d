#include "net/outbox.h"

#include "net/compress.h"

enum { OUTBOX_KEEP = 256 << 10 /* memory an empty outbox keeps */, OUTBOX_COMPACT = 64 << 10 };

void lc_outbox_deinit(lc_outbox *outbox) {
  lc_buf_deinit(&outbox->bytes);
  lc_buf_deinit(&outbox->scratch);
  lc_vec_deinit(&outbox->entries);
}

void lc_outbox_clear(lc_outbox *outbox) {
  lc_buf_clear(&outbox->bytes);
  lc_vec_clear(&outbox->entries);
  outbox->sent = outbox->first = 0;
  if (outbox->bytes.cap <= OUTBOX_KEEP) return;
  lc_buf_deinit(&outbox->bytes);
  lc_buf_deinit(&outbox->scratch);
}

/* Drops the packed part in front, when it is large enough to pay for the move. */
static void compact(lc_outbox *outbox) {
  if (outbox->first == outbox->entries.count) {
    lc_outbox_clear(outbox);
    return;
  }
  if (outbox->sent < OUTBOX_COMPACT || outbox->sent < outbox->bytes.len / 2) return;
  outbox->bytes.len -= outbox->sent;
  memmove(outbox->bytes.data, outbox->bytes.data + outbox->sent, outbox->bytes.len);
  outbox->entries.count -= outbox->first;
  for (size_t i = 0; i < outbox->entries.count; i++) {
    outbox->entries.items[i] = outbox->entries.items[outbox->first + i];
    outbox->entries.items[i].end -= outbox->sent;
  }
  outbox->first = outbox->sent = 0;
}

static bool wants_compression(lc_outbox *outbox, size_t len) {
  if (outbox->framing == LC_FRAMING_TEXT || outbox->compression == LC_COMPRESSION_NONE || outbox->policy == LC_COMPRESS_NEVER) return false;
  if (len > LC_COMPRESS_MIN) outbox->compressing = true;
  return outbox->compressing; /* N11 */
}

static void put_data_frame(lc_outbox *outbox, lc_buf *to, lc_span body) {
  if (outbox->framing == LC_FRAMING_TEXT) {
    lc_websocket_put_frame(to, LC_OP_TEXT, body);
    return;
  }
  lc_compression tag = LC_COMPRESSION_NONE;
  if (wants_compression(outbox, body.len)) {
    tag = outbox->compression;
    lc_buf_clear(&outbox->scratch);
    lc_compress(tag, body, &outbox->scratch);
    body = lc_buf_span(&outbox->scratch);
  }
  lc_buf_reserve(to, LC_WEBSOCKET_HEADER_MAX + 1 + body.len);
  to->len += lc_websocket_put_header(to->data + to->len, LC_OP_BINARY, body.len + 1);
  lc_buf_put8(to, (uint8_t)tag);
  lc_buf_put_span(to, body);
}

/* How many messages at the front go into one frame. */
static size_t frame_count(const lc_outbox *outbox, uint64_t durable) {
  if (outbox->framing != LC_FRAMING_PACKED) return 1;
  const lc_outbox_entry *entries = outbox->entries.items + outbox->first;
  size_t left = outbox->entries.count - outbox->first, count = 1;
  while (count < left && entries[count].end - outbox->sent <= LC_PACKED_MAX &&
         (entries[count].offset == LC_NO_OFFSET || entries[count].offset < durable)) {
    count++;
  }
  return count;
}

size_t lc_outbox_release(lc_outbox *outbox, uint64_t durable, lc_buf *to, size_t room) {
  size_t packed = 0;
  while (to->len < room && lc_outbox_is_ready(outbox, durable)) {
    size_t count = frame_count(outbox, durable);
    size_t end = outbox->entries.items[outbox->first + count - 1].end;
    put_data_frame(outbox, to, (lc_span){outbox->bytes.data + outbox->sent, end - outbox->sent});
    outbox->sent = end;
    outbox->first += count;
    packed += count;
  }
  if (packed) compact(outbox);
  return packed;
}
