#pragma once
/*
 * A growable byte buffer, the way bytes are put together before they go to a socket, a file or a caller. Growing beyond available
 * memory stops the process, so callers bound what untrusted input may make them append (L13). Zero-initialised is empty and valid.
 * Owner: whoever holds the struct; lc_buf_deinit frees. Threads: one at a time.
 */
#include "base/bytes.h"

typedef struct lc_buf {
  uint8_t *data;
  size_t len, cap;
} lc_buf;

void lc_buf_deinit(lc_buf *buf);
/* Makes room for `extra` more bytes (at least doubling). */
void lc_buf_grow(lc_buf *buf, size_t extra);
static inline void lc_buf_clear(lc_buf *buf) { buf->len = 0; }
static inline void lc_buf_reserve(lc_buf *buf, size_t extra) { if (__builtin_expect(buf->cap - buf->len < extra, 0)) lc_buf_grow(buf, extra); }
/* `extra` uninitialised bytes at the end, to be filled by the caller. */
static inline uint8_t *lc_buf_extend(lc_buf *buf, size_t extra) { lc_buf_reserve(buf, extra); uint8_t *at = buf->data + buf->len; buf->len += extra; return at; }
static inline void lc_buf_append(lc_buf *buf, const void *bytes, size_t len) { if (len) memcpy(lc_buf_extend(buf, len), bytes, len); }
static inline void lc_buf_put8(lc_buf *buf, uint8_t v) { *lc_buf_extend(buf, 1) = v; }
static inline void lc_buf_put16(lc_buf *buf, uint16_t v) { lc_store16(lc_buf_extend(buf, 2), v); }
static inline void lc_buf_put32(lc_buf *buf, uint32_t v) { lc_store32(lc_buf_extend(buf, 4), v); }
static inline void lc_buf_put64(lc_buf *buf, uint64_t v) { lc_store64(lc_buf_extend(buf, 8), v); }
static inline void lc_buf_put_span(lc_buf *buf, lc_span span) { lc_buf_append(buf, span.ptr, span.len); }
static inline void lc_buf_put_str(lc_buf *buf, lc_str s) { lc_buf_append(buf, s.ptr, s.len); }
static inline void lc_buf_put_text(lc_buf *buf, const char *text) { lc_buf_append(buf, text, strlen(text)); }
/* BSATN string or byte array: u32 length, then the bytes. */
static inline void lc_buf_put_sized(lc_buf *buf, const void *bytes, size_t len) { lc_buf_put32(buf, (uint32_t)len); lc_buf_append(buf, bytes, len); }
void lc_buf_printf(lc_buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Terminates without counting the NUL; the text stays owned by the buffer. */
const char *lc_buf_cstr(lc_buf *buf);
static inline lc_span lc_buf_span(const lc_buf *buf) { return (lc_span){buf->data, buf->len}; }
static inline lc_str lc_buf_str(const lc_buf *buf) { return (lc_str){(const char *)buf->data, buf->len}; }
