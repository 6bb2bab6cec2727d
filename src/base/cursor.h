#pragma once
/*
 * Reads untrusted bytes front to back. The first read past the end sets `failed` and every read after it gives zeros, so a parser
 * may read a whole record and check once. It never allocates. Owner: borrows the bytes.
 */
#include "base/bytes.h"

typedef struct lc_cursor {
  const uint8_t *at, *end;
  bool failed;
} lc_cursor;

static inline lc_cursor lc_cursor_of(lc_span span) { return (lc_cursor){span.ptr, span.ptr + span.len, false}; }
static inline size_t lc_cursor_left(const lc_cursor *cursor) { return (size_t)(cursor->end - cursor->at); }
static inline const uint8_t *lc_cursor_take(lc_cursor *cursor, size_t len) {
  if (__builtin_expect(lc_cursor_left(cursor) < len, 0)) {
    cursor->failed = true;
    cursor->at = cursor->end;
    return NULL;
  }
  const uint8_t *at = cursor->at;
  cursor->at += len;
  return at;
}
static inline uint8_t lc_cursor_u8(lc_cursor *cursor) { const uint8_t *at = lc_cursor_take(cursor, 1); return at ? *at : 0; }
static inline uint16_t lc_cursor_u16(lc_cursor *cursor) { const uint8_t *at = lc_cursor_take(cursor, 2); return at ? lc_load16(at) : 0; }
static inline uint32_t lc_cursor_u32(lc_cursor *cursor) { const uint8_t *at = lc_cursor_take(cursor, 4); return at ? lc_load32(at) : 0; }
static inline uint64_t lc_cursor_u64(lc_cursor *cursor) { const uint8_t *at = lc_cursor_take(cursor, 8); return at ? lc_load64(at) : 0; }
/* u32 length, then that many bytes: a BSATN string (UTF-8 is not checked here) or byte array. */
static inline lc_span lc_cursor_sized(lc_cursor *cursor) {
  uint32_t len = lc_cursor_u32(cursor);
  const uint8_t *at = lc_cursor_take(cursor, len);
  return at ? (lc_span){at, len} : (lc_span){0};
}
