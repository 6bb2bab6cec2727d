#pragma once
/* Borrowed ranges of bytes and text, little-endian loads and stores. Everything on the wire, in rows and in the log is little endian. */
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "loads and stores below assume a little-endian machine");

/* Borrowed bytes. `ptr` may be NULL only when `len` is 0. */
typedef struct lc_span {
  const uint8_t *ptr;
  size_t len;
} lc_span;

/* Borrowed text, UTF-8, not terminated. */
typedef struct lc_str {
  const char *ptr;
  size_t len;
} lc_str;

#define LC_STR(literal) ((lc_str){"" literal, sizeof(literal) - 1})
#define LC_STR_ARGS(s) (int)(s).len, (s).ptr /* for "%.*s" */

static inline lc_span lc_span_of(const void *ptr, size_t len) { return (lc_span){(const uint8_t *)ptr, len}; }
static inline lc_str lc_str_of(const char *text) { return (lc_str){text, strlen(text)}; }
static inline lc_span lc_str_span(lc_str s) { return (lc_span){(const uint8_t *)s.ptr, s.len}; }
static inline bool lc_str_equal(lc_str a, lc_str b) { return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0); }
static inline bool lc_str_is(lc_str a, const char *text) { return lc_str_equal(a, lc_str_of(text)); }
static inline bool lc_span_equal(lc_span a, lc_span b) { return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0); }
/* Bytewise order, then length: the order of names in the catalogue. */
static inline int lc_str_compare(lc_str a, lc_str b) {
  size_t shorter = a.len < b.len ? a.len : b.len;
  int order = shorter ? memcmp(a.ptr, b.ptr, shorter) : 0;
  return order ? order : (a.len > b.len) - (a.len < b.len);
}
bool lc_str_equal_nocase(lc_str a, lc_str b); /* ASCII letters only */

#define LC_DEFINE_LOAD(bits)                                                                                                            \
  static inline uint##bits##_t lc_load##bits(const void *from) { uint##bits##_t v; memcpy(&v, from, sizeof v); return v; }               \
  static inline void lc_store##bits(void *to, uint##bits##_t v) { memcpy(to, &v, sizeof v); }
LC_DEFINE_LOAD(16)
LC_DEFINE_LOAD(32)
LC_DEFINE_LOAD(64)
#undef LC_DEFINE_LOAD

/* 256-bit values as they lie in memory: 32 bytes, little endian. Text is big-endian hex, so its digits come out reversed. */
typedef struct lc_u256 {
  uint8_t bytes[32];
} lc_u256;
typedef struct lc_u128 {
  uint64_t low, high;
} lc_u128;

typedef lc_u256 lc_identity;
typedef lc_u128 lc_connection_id;
typedef lc_u256 lc_hash256;

static inline bool lc_u256_equal(const lc_u256 *a, const lc_u256 *b) { return memcmp(a->bytes, b->bytes, 32) == 0; }
static inline bool lc_u256_is_zero(const lc_u256 *a) { static const lc_u256 zero; return lc_u256_equal(a, &zero); }
static inline bool lc_u128_equal(lc_u128 a, lc_u128 b) { return a.low == b.low && a.high == b.high; }

/* Writes 2*len lower-case digits and a NUL. */
void lc_hex(char *to, const uint8_t *bytes, size_t len);
/* Big-endian text of a little-endian value: 64 (32) digits and a NUL. */
void lc_u256_hex(char to[static 65], const lc_u256 *value);
void lc_u128_hex(char to[static 33], lc_u128 value);
/* Digits to bytes in text order; false when a character is no hex digit or the count is not 2*len. */
bool lc_hex_decode(uint8_t *to, size_t len, lc_str text);
bool lc_u256_from_hex(lc_u256 *value, lc_str text);
bool lc_u128_from_hex(lc_u128 *value, lc_str text);

bool lc_utf8_valid(const uint8_t *bytes, size_t len);
