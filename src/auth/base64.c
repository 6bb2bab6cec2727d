/* base64url without padding (RFC 4648 section 5), as compact JWS wants it. */
#include "auth/auth_internal.h"

static const char alphabet[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void lc__base64url_encode(lc_buf *to, lc_span bytes) {
  uint32_t bits = 0;
  int count = 0;
  for (size_t i = 0; i < bytes.len; i++) {
    bits = bits << 8 | bytes.ptr[i];
    for (count += 8; count >= 6; count -= 6) lc_buf_put8(to, (uint8_t)alphabet[bits >> (count - 6) & 63]);
  }
  if (count > 0) lc_buf_put8(to, (uint8_t)alphabet[bits << (6 - count) & 63]);
}

static int digit_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '-' ? 62 : c == '_' ? 63 : -1;
}

bool lc__base64url_decode(lc_arena *arena, lc_str text, lc_span *bytes) {
  uint8_t *to = lc_arena_alloc(arena, text.len / 4 * 3 + 4);
  size_t len = 0;
  uint32_t bits = 0;
  int count = 0;
  for (size_t i = 0; i < text.len; i++) {
    int value = digit_value(text.ptr[i]);
    if (value < 0) return false;
    bits = bits << 6 | (uint32_t)value;
    count += 6;
    if (count >= 8) {
      count -= 8;
      to[len++] = (uint8_t)(bits >> count);
    }
  }
  /* One character alone, or bits that no encoder writes: the same bytes must not have two spellings. */
  if (count >= 6 || (bits & ((1u << count) - 1)) != 0) return false;
  to[len] = 0;
  *bytes = lc_span_of(to, len);
  return true;
}
