#pragma once
/*
 * Messages of one WebSocket on their way out: a queue in which each message may wait for a transaction to become durable, and the packing
 * of what may go into frames.
 *
 *   bytes    [message][message][message]…      one contiguous buffer, encoded in place
 *   entries  {end of the message, offset it waits for}
 *
 * Invariants
 *   N8  First in, first out: a message that waits holds back everything behind it (L1, client-protocol 7 and 9).
 *   N9  A message with commit offset t leaves only after lc_outbox_release was given a durable offset above t (L1).
 *   N10 A frame of LC_FRAMING_PACKED carries at most LC_PACKED_MAX bytes of messages, or one message that is larger.
 *   N11 Once a frame of a connection was compressed, every later data frame of it is compressed: the TypeScript SDK inflates
 *       asynchronously, so that a plain frame would overtake a compressed one. Plain is always legal, and the default whatever the client
 *       asked for.
 *
 * Compression: LC_COMPRESS_LARGE starts with the first frame of more than LC_COMPRESS_MIN bytes and then stays on. Text is never
 * compressed.
 *
 * Threads: one at a time.
 */
#include "base/buf.h"
#include "base/vec.h"
#include "net/websocket.h"

enum { LC_PACKED_MAX = 512 << 10, LC_COMPRESS_MIN = 1024 };
#define LC_NO_OFFSET UINT64_MAX /* the message waits for nothing */

typedef enum lc_framing {
  LC_FRAMING_TEXT,   /* v1.json: one text frame per message, no tag */
  LC_FRAMING_SINGLE, /* v1.bsatn, v2: tag byte and one message per binary frame */
  LC_FRAMING_PACKED, /* v3: tag byte and as many messages as fit */
} lc_framing;

typedef enum lc_compression {
  LC_COMPRESSION_NONE = 0,
  LC_COMPRESSION_BROTLI = 1,
  LC_COMPRESSION_GZIP = 2 /* the tags on the wire */
} lc_compression;
typedef enum lc_compress_policy { LC_COMPRESS_NEVER, LC_COMPRESS_LARGE } lc_compress_policy;

typedef struct lc_outbox_entry {
  size_t end;      /* in `bytes` */
  uint64_t offset; /* LC_NO_OFFSET: none */
} lc_outbox_entry;

typedef struct lc_outbox {
  lc_framing framing;
  lc_compression compression;
  lc_compress_policy policy;
  bool compressing; /* N11 */
  lc_buf bytes;
  size_t sent; /* bytes of messages already packed, at the front of `bytes` */
  LC_VEC(lc_outbox_entry) entries;
  size_t first;   /* entries before it are packed */
  lc_buf scratch; /* compression */
} lc_outbox;

void lc_outbox_deinit(lc_outbox *outbox);
/* Encode one message at the end of the returned buffer (append only), then commit it with the offset it depends on. */
static inline lc_buf *lc_outbox_begin(lc_outbox *outbox) {
  return &outbox->bytes;
}
static inline void lc_outbox_commit(lc_outbox *outbox, uint64_t offset) {
  lc_outbox_entry entry = {outbox->bytes.len, offset};
  lc_vec_push(&outbox->entries, entry);
}
/* Takes back what was appended since the last commit. */
static inline void lc_outbox_cancel(lc_outbox *outbox) {
  outbox->bytes.len = outbox->entries.count > outbox->first ? outbox->entries.items[outbox->entries.count - 1].end : outbox->sent;
}
static inline size_t lc_outbox_count(const lc_outbox *outbox) {
  return outbox->entries.count - outbox->first;
}
static inline size_t lc_outbox_bytes(const lc_outbox *outbox) {
  return outbox->bytes.len - outbox->sent;
}
/* Whether the first message may go when offsets below `durable` are durable. */
static inline bool lc_outbox_is_ready(const lc_outbox *outbox, uint64_t durable) {
  if (outbox->first == outbox->entries.count) return false;
  uint64_t offset = outbox->entries.items[outbox->first].offset;
  return offset == LC_NO_OFFSET || offset < durable;
}
/*
 * Packs the messages at the front that may go into frames at the end of `to`, until `to` holds `room` bytes or more. Returns how many
 * messages were packed.
 */
size_t lc_outbox_release(lc_outbox *outbox, uint64_t durable, lc_buf *to, size_t room);
/* Forgets all waiting messages. */
void lc_outbox_clear(lc_outbox *outbox);
