#include "sats/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

/* ------------------------------------------------------------------------------------------------ integers */

enum { LIMBS = 8 }; /* of 32 bits */

/* `magnitude` = |value|; true when the value is negative. */
static bool load_magnitude(uint32_t magnitude[LIMBS], const uint8_t *bytes, uint32_t size, bool is_signed) {
  bool negative = is_signed && (bytes[size - 1] & 0x80);
  uint8_t wide[32];
  memset(wide, negative ? 0xff : 0, sizeof wide);
  memcpy(wide, bytes, size);
  memcpy(magnitude, wide, sizeof wide);
  if (negative) {
    uint64_t carry = 1;
    for (int i = 0; i < LIMBS; i++) {
      carry += (uint32_t)~magnitude[i];
      magnitude[i] = (uint32_t)carry;
      carry >>= 32;
    }
  }
  return negative;
}

void lc_integer_print(lc_buf *to, const uint8_t *bytes, uint32_t size, bool is_signed) {
  uint32_t value[LIMBS];
  bool negative = load_magnitude(value, bytes, size, is_signed);
  uint32_t chunks[LIMBS * 2]; /* nine digits each, lowest first */
  uint32_t count = 0;
  bool zero;
  do {
    uint64_t rest = 0;
    zero = true;
    for (int i = LIMBS - 1; i >= 0; i--) {
      rest = rest << 32 | value[i];
      value[i] = (uint32_t)(rest / 1000000000);
      rest %= 1000000000;
      if (value[i]) zero = false;
    }
    chunks[count++] = (uint32_t)rest;
  } while (!zero);
  lc_buf_printf(to, "%s%u", negative ? "-" : "", chunks[count - 1]);
  while (--count > 0) lc_buf_printf(to, "%09u", chunks[count - 1]);
}

void lc_u256_print_0x(lc_buf *to, const uint8_t *bytes, bool is_signed) {
  uint32_t value[LIMBS];
  bool negative = load_magnitude(value, bytes, 32, is_signed);
  int top = LIMBS - 1;
  while (top > 0 && value[top] == 0) top--;
  lc_buf_printf(to, "%s0x%x", negative ? "-" : "", value[top]);
  while (--top >= 0) lc_buf_printf(to, "%08x", value[top]);
}

static int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 99;
}

bool lc_integer_parse(uint8_t *bytes, uint32_t size, bool is_signed, lc_str digits, uint32_t base) {
  lc_assert(size <= 32);
  size_t at = 0;
  bool negative = false;
  if (digits.len > 0 && (digits.ptr[0] == '-' || digits.ptr[0] == '+')) {
    negative = digits.ptr[0] == '-';
    at = 1;
  }
  if (at == digits.len) return false;
  uint32_t value[LIMBS + 1] = {0}; /* one limb more, to see overflow */
  for (; at < digits.len; at++) {
    uint32_t digit = (uint32_t)digit_of(digits.ptr[at]);
    if (digit >= base) return false;
    uint64_t carry = digit;
    for (int i = 0; i <= LIMBS; i++) {
      carry += (uint64_t)value[i] * base;
      value[i] = (uint32_t)carry;
      carry >>= 32;
    }
    if (value[LIMBS]) return false;
  }
  uint8_t magnitude[32], zeros[32] = {0};
  memcpy(magnitude, value, sizeof magnitude);
  if (memcmp(magnitude + size, zeros, 32 - size) != 0) return false;
  bool top_bit = magnitude[size - 1] & 0x80, is_zero = memcmp(magnitude, zeros, 32) == 0;
  if (!is_signed && negative && !is_zero) return false;
  if (is_signed && top_bit) {
    /* only the least negative number has this magnitude */
    bool least = negative && magnitude[size - 1] == 0x80 && memcmp(magnitude, zeros, size - 1) == 0;
    if (!least) return false;
  }
  if (negative) {
    unsigned carry = 1;
    for (uint32_t i = 0; i < size; i++) {
      carry += (uint8_t)~magnitude[i];
      magnitude[i] = (uint8_t)carry;
      carry >>= 8;
    }
  }
  memcpy(bytes, magnitude, size);
  return true;
}

/* ------------------------------------------------------------------------------------------------ floats */

typedef struct decimal {
  char digits[24];
  int count;    /* of digits, no trailing zeros but at least one digit */
  int exponent; /* value = 0.digits × 10^exponent */
} decimal;

static bool reads_back(const char *digits, int exponent, double value, bool single) {
  char text[48];
  snprintf(text, sizeof text, "0.%se%d", digits, exponent);
  return single ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value;
}

/* One unit in the last place more; the carry of 99 → 100 keeps the count. */
static void digits_increment(char *digits, int count, int *exponent) {
  int i = count - 1;
  while (i >= 0 && digits[i] == '9') digits[i--] = '0';
  if (i >= 0) {
    digits[i]++;
  } else {
    memmove(digits + 1, digits, (size_t)count - 1);
    digits[0] = '1';
    ++*exponent;
  }
}

/* The fewest digits that read back as `value` (finite, positive). The nearest decimal of n digits is tried first; beside a power of two
 * the interval is wider above than below, so the next one up may read back where the nearest does not. */
static decimal shortest(double value, bool single) {
  int most = single ? 9 : 17;
  decimal result = {0};
  for (int count = 1; count <= most; count++) {
    char text[40];
    snprintf(text, sizeof text, "%.*e", count - 1, value);
    int used = 0;
    for (const char *at = text; *at && *at != 'e'; at++)
      if (*at != '.') result.digits[used++] = *at;
    result.digits[used] = 0;
    result.count = used;
    result.exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10) + 1;
    if (reads_back(result.digits, result.exponent, value, single)) break;
    char next[24];
    memcpy(next, result.digits, sizeof next);
    int exponent = result.exponent;
    digits_increment(next, used, &exponent);
    if (count < most && reads_back(next, exponent, value, single)) {
      memcpy(result.digits, next, sizeof next);
      result.exponent = exponent;
      break;
    }
  }
  while (result.count > 1 && result.digits[result.count - 1] == '0') result.digits[--result.count] = 0;
  return result;
}

static void print_plain(lc_buf *to, const decimal *d, bool point_zero) {
  if (d->exponent <= 0) {
    lc_buf_put_text(to, "0.");
    for (int i = d->exponent; i < 0; i++) lc_buf_put8(to, '0');
    lc_buf_append(to, d->digits, (size_t)d->count);
  } else if (d->exponent >= d->count) {
    lc_buf_append(to, d->digits, (size_t)d->count);
    for (int i = d->count; i < d->exponent; i++) lc_buf_put8(to, '0');
    if (point_zero) lc_buf_put_text(to, ".0");
  } else {
    lc_buf_append(to, d->digits, (size_t)d->exponent);
    lc_buf_put8(to, '.');
    lc_buf_append(to, d->digits + d->exponent, (size_t)(d->count - d->exponent));
  }
}

/* The thresholds between plain and exponent form are those of serde_json's printer, which clients compare texts with. */
static void print_json(lc_buf *to, double value, bool single) {
  if (isnan(value) || isinf(value)) {
    lc_buf_put_text(to, "null");
    return;
  }
  if (signbit(value)) lc_buf_put8(to, '-');
  value = fabs(value);
  if (value == 0) {
    lc_buf_put_text(to, "0.0");
    return;
  }
  decimal d = shortest(value, single);
  int largest_plain = single ? 13 : 16, smallest_plain = single ? -6 : -5;
  if (d.exponent <= largest_plain && d.exponent > smallest_plain) {
    print_plain(to, &d, true);
    return;
  }
  lc_buf_put8(to, (uint8_t)d.digits[0]);
  if (d.count > 1) {
    lc_buf_put8(to, '.');
    lc_buf_append(to, d.digits + 1, (size_t)d.count - 1);
  }
  lc_buf_printf(to, "e%d", d.exponent - 1);
}

static void print_display(lc_buf *to, double value, bool single) {
  if (isnan(value)) {
    lc_buf_put_text(to, "NaN");
    return;
  }
  if (signbit(value)) lc_buf_put8(to, '-');
  value = fabs(value);
  if (isinf(value)) {
    lc_buf_put_text(to, "inf");
  } else if (value == 0) {
    lc_buf_put8(to, '0');
  } else {
    decimal d = shortest(value, single);
    print_plain(to, &d, false);
  }
}

void lc_f64_print_json(lc_buf *to, double value) {
  print_json(to, value, false);
}
void lc_f32_print_json(lc_buf *to, float value) {
  print_json(to, (double)value, true);
}
void lc_f64_print_plain(lc_buf *to, double value) {
  print_display(to, value, false);
}
void lc_f32_print_plain(lc_buf *to, float value) {
  print_display(to, (double)value, true);
}
