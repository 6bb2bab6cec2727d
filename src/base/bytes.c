#include "base/bytes.h"

static char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

bool lc_str_equal_nocase(lc_str a, lc_str b) {
  if (a.len != b.len) return false;
  for (size_t i = 0; i < a.len; i++) {
    if (ascii_lower(a.ptr[i]) != ascii_lower(b.ptr[i])) return false;
  }
  return true;
}

void lc_hex(char *to, const uint8_t *bytes, size_t len) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < len; i++) {
    to[2 * i] = digits[bytes[i] >> 4];
    to[2 * i + 1] = digits[bytes[i] & 15];
  }
  to[2 * len] = 0;
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = ascii_lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool lc_hex_decode(uint8_t *to, size_t len, lc_str text) {
  if (text.len != 2 * len) return false;
  for (size_t i = 0; i < len; i++) {
    int high = hex_digit(text.ptr[2 * i]), low = hex_digit(text.ptr[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    to[i] = (uint8_t)(high << 4 | low);
  }
  return true;
}

static void reverse(uint8_t *bytes, size_t len) {
  for (size_t i = 0; i < len / 2; i++) {
    uint8_t byte = bytes[i];
    bytes[i] = bytes[len - 1 - i];
    bytes[len - 1 - i] = byte;
  }
}

void lc_u256_hex(char to[static 65], const lc_u256 *value) {
  lc_u256 big_endian = *value;
  reverse(big_endian.bytes, 32);
  lc_hex(to, big_endian.bytes, 32);
}

void lc_u128_hex(char to[static 33], lc_u128 value) {
  uint8_t big_endian[16];
  memcpy(big_endian, &value, 16);
  reverse(big_endian, 16);
  lc_hex(to, big_endian, 16);
}

bool lc_u256_from_hex(lc_u256 *value, lc_str text) {
  if (!lc_hex_decode(value->bytes, 32, text)) return false;
  reverse(value->bytes, 32);
  return true;
}

bool lc_u128_from_hex(lc_u128 *value, lc_str text) {
  uint8_t bytes[16];
  if (!lc_hex_decode(bytes, 16, text)) return false;
  reverse(bytes, 16);
  memcpy(value, bytes, 16);
  return true;
}

/* Length of the sequence that `lead` starts, 0 when no sequence starts so; `low` and `high` bound its second byte (RFC 3629). */
static size_t utf8_sequence(uint8_t lead, uint8_t *low, uint8_t *high) {
  *low = 0x80;
  *high = 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf) return 2;
  if (lead == 0xe0) *low = 0xa0;
  if (lead == 0xed) *high = 0x9f;
  if (lead >= 0xe0 && lead <= 0xef) return 3;
  if (lead == 0xf0) *low = 0x90;
  if (lead == 0xf4) *high = 0x8f;
  return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
}

bool lc_utf8_valid(const uint8_t *bytes, size_t len) {
  size_t i = 0;
  while (i < len) {
    if (i + 8 <= len && (lc_load64(bytes + i) & 0x8080808080808080u) == 0) {
      i += 8;
      continue;
    }
    if (bytes[i] < 0x80) {
      i++;
      continue;
    }
    uint8_t low, high;
    size_t size = utf8_sequence(bytes[i], &low, &high);
    if (size == 0 || len - i < size || bytes[i + 1] < low || bytes[i + 1] > high) return false;
    for (size_t k = 2; k < size; k++) {
      if ((bytes[i + k] & 0xc0) != 0x80) return false;
    }
    i += size;
  }
  return true;
}
