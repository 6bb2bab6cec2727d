#include "query/literal.h"

#include <stdlib.h>

static lc_err unparsable(const lc_type *type, lc_str text) {
  lc_buf name = {0};
  lc_type_print(&name, type);
  lc_err err = lc_fail(LC_ERR_SQL, "The literal expression `%.*s` cannot be parsed as type `%.*s`", LC_STR_ARGS(text),
                       LC_STR_ARGS(lc_buf_str(&name)));
  lc_buf_deinit(&name);
  return err;
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* [sign] digits [. digits] [e [sign] digits], with at least one digit; the whole text. */
typedef struct decimal {
  bool negative;
  lc_str whole, fraction;
  int exponent;
} decimal;

static bool decimal_parse(lc_str text, decimal *number) {
  *number = (decimal){0};
  size_t at = 0;
  if (at < text.len && (text.ptr[at] == '-' || text.ptr[at] == '+')) number->negative = text.ptr[at++] == '-';
  size_t start = at;
  while (at < text.len && is_digit(text.ptr[at])) at++;
  number->whole = (lc_str){text.ptr + start, at - start};
  if (at < text.len && text.ptr[at] == '.') {
    start = ++at;
    while (at < text.len && is_digit(text.ptr[at])) at++;
    number->fraction = (lc_str){text.ptr + start, at - start};
  }
  if (number->whole.len + number->fraction.len == 0) return false;
  if (at < text.len && (text.ptr[at] == 'e' || text.ptr[at] == 'E')) {
    bool negative = ++at < text.len && text.ptr[at] == '-';
    if (at < text.len && (text.ptr[at] == '-' || text.ptr[at] == '+')) at++;
    if (at == text.len) return false;
    int exponent = 0;
    for (; at < text.len && is_digit(text.ptr[at]); at++) {
      if (exponent < 100000) exponent = exponent * 10 + (text.ptr[at] - '0');
    }
    number->exponent = negative ? -exponent : exponent;
  }
  return at == text.len;
}

/* magnitude = magnitude * 10 + digit over 32 little-endian bytes; false on overflow. */
static bool magnitude_push(uint8_t magnitude[static 32], unsigned digit) {
  unsigned carry = digit;
  for (int i = 0; i < 32; i++) {
    carry += magnitude[i] * 10u;
    magnitude[i] = (uint8_t)carry;
    carry >>= 8;
  }
  return carry == 0;
}

/* The integral value of a decimal, or false when it has a fractional part or is too large for 256 bits. */
static bool decimal_magnitude(const decimal *number, uint8_t magnitude[static 32]) {
  memset(magnitude, 0, 32);
  size_t digits = number->whole.len + number->fraction.len;
  long long integral = (long long)number->whole.len + number->exponent; /* how many of the digits lie before the point */
  for (size_t i = 0; i < digits; i++) {
    char c = i < number->whole.len ? number->whole.ptr[i] : number->fraction.ptr[i - number->whole.len];
    if ((long long)i < integral) {
      if (!magnitude_push(magnitude, (unsigned)(c - '0'))) return false;
    } else if (c != '0') {
      return false;
    }
  }
  static const uint8_t zero[32];
  if (memcmp(magnitude, zero, 32) == 0) return true;
  for (long long i = (long long)digits; i < integral; i++) {
    if (!magnitude_push(magnitude, 0)) return false;
  }
  return true;
}

static lc_err encode_integer(lc_buf *to, const lc_type *type, lc_str text) {
  decimal number;
  uint8_t value[33] = {0}; /* one byte more than the widest type, so that the sign never hides */
  if (!decimal_parse(text, &number) || !decimal_magnitude(&number, value)) return unparsable(type, text);
  if (number.negative) { /* two's complement over 33 bytes */
    unsigned carry = 1;
    for (int i = 0; i < 33; i++) {
      carry += (uint8_t)~value[i];
      value[i] = (uint8_t)carry;
      carry >>= 8;
    }
  }
  uint32_t size = lc_type_primitive_size(type->kind);
  bool is_signed = lc_type_is_signed(type->kind);
  uint8_t filler = is_signed && (value[size - 1] & 0x80) ? 0xff : 0x00;
  for (uint32_t i = size; i < 33; i++) {
    if (value[i] != filler) return unparsable(type, text);
  }
  lc_buf_append(to, value, size);
  return lc_ok();
}

static lc_err encode_float(lc_buf *to, const lc_type *type, lc_str text) {
  decimal number;
  char copy[LC__SQL_TEXT_MAX / 10];
  if (!decimal_parse(text, &number) || text.len >= sizeof copy) return unparsable(type, text);
  memcpy(copy, text.ptr, text.len);
  copy[text.len] = 0;
  if (type->kind == LC_TYPE_F32) {
    float value = strtof(copy, NULL);
    lc_buf_append(to, &value, sizeof value);
  } else {
    double value = strtod(copy, NULL);
    lc_buf_append(to, &value, sizeof value);
  }
  return lc_ok();
}

static lc_str without_0x(lc_str text) {
  return text.len >= 2 && text.ptr[0] == '0' && text.ptr[1] == 'x' ? (lc_str){text.ptr + 2, text.len - 2} : text;
}

static lc_err encode_bytes(lc_buf *to, const lc_type *type, lc_str text) {
  lc_str digits = without_0x(text);
  if (digits.len % 2) return unparsable(type, text);
  lc_buf_put32(to, (uint32_t)(digits.len / 2));
  return lc_hex_decode(lc_buf_extend(to, digits.len / 2), digits.len / 2, digits) ? lc_ok() : unparsable(type, text);
}

/* 32 hex digits, with or without hyphens at the usual places, in braces or behind urn:uuid: too. */
static bool uuid_parse(lc_str text, lc_u128 *value) {
  char digits[32];
  if (text.len == 38 && text.ptr[0] == '{' && text.ptr[37] == '}') text = (lc_str){text.ptr + 1, 36};
  if (text.len == 45 && memcmp(text.ptr, "urn:uuid:", 9) == 0) text = (lc_str){text.ptr + 9, 36};
  if (text.len == 32) return lc_u128_from_hex(value, text);
  if (text.len != 36) return false;
  size_t len = 0;
  for (size_t i = 0; i < 36; i++) {
    bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    if (hyphen != (text.ptr[i] == '-')) return false;
    if (!hyphen) digits[len++] = text.ptr[i];
  }
  return lc_u128_from_hex(value, (lc_str){digits, 32});
}

static bool digits_number(lc_str text, size_t at, size_t len, int *value) {
  *value = 0;
  if (at + len > text.len) return false;
  for (size_t i = 0; i < len; i++) {
    if (!is_digit(text.ptr[at + i])) return false;
    *value = *value * 10 + (text.ptr[at + i] - '0');
  }
  return true;
}

/* Days since 1970-01-01 of a proleptic Gregorian date. */
static int64_t days_from_civil(int year, int month, int day) {
  int64_t y = year - (month <= 2);
  int64_t era = (y >= 0 ? y : y - 399) / 400;
  int64_t year_of_era = y - era * 400;
  int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

/* RFC 3339 with an offset; a leap second counts as the second after it; `T` or a blank between date and time; any fraction, cut to
 * microseconds. */
static bool timestamp_parse(lc_str text, int64_t *micros) {
  static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  int year, month, day, hour, minute, second, offset_hour, offset_minute;
  if (text.len < 20 || !digits_number(text, 0, 4, &year) || text.ptr[4] != '-' || !digits_number(text, 5, 2, &month) ||
      text.ptr[7] != '-' || !digits_number(text, 8, 2, &day) || (text.ptr[10] != 'T' && text.ptr[10] != 't' && text.ptr[10] != ' ') ||
      !digits_number(text, 11, 2, &hour) || text.ptr[13] != ':' || !digits_number(text, 14, 2, &minute) || text.ptr[16] != ':' ||
      !digits_number(text, 17, 2, &second)) {
    return false;
  }
  bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  if (month < 1 || month > 12 || day < 1 || day > month_days[month - 1] + (month == 2 && leap) || hour > 23 || minute > 59 || second > 60)
    return false;
  size_t at = 19;
  int64_t fraction = 0;
  if (text.ptr[at] == '.') {
    int64_t unit = 100000;
    size_t start = ++at;
    for (; at < text.len && is_digit(text.ptr[at]); at++, unit /= 10) fraction += unit * (text.ptr[at] - '0');
    if (at == start) return false;
  }
  int64_t offset = 0;
  if (at + 1 == text.len && (text.ptr[at] == 'Z' || text.ptr[at] == 'z')) {
    at++;
  } else if (at + 6 == text.len && (text.ptr[at] == '+' || text.ptr[at] == '-') && digits_number(text, at + 1, 2, &offset_hour) &&
             text.ptr[at + 3] == ':' && digits_number(text, at + 4, 2, &offset_minute) && offset_hour < 24 && offset_minute < 60) {
    offset = (offset_hour * 60 + offset_minute) * (text.ptr[at] == '-' ? -60 : 60);
  } else {
    return false;
  }
  *micros = ((days_from_civil(year, month, day) * 24 + hour) * 60 + minute) * 60 + second - offset;
  *micros = *micros * 1000000 + fraction;
  return true;
}

static lc_err encode_special(lc_buf *to, const lc_type *type, lc_str text) {
  lc_str digits = without_0x(text);
  lc_u256 wide;
  lc_u128 narrow;
  int64_t micros;
  switch (type->special) {
    case LC_SPECIAL_IDENTITY:
      if (!lc_u256_from_hex(&wide, digits)) break;
      lc_buf_append(to, &wide, sizeof wide);
      return lc_ok();
    case LC_SPECIAL_CONNECTION_ID:
      if (!lc_u128_from_hex(&narrow, digits)) break;
      lc_buf_append(to, &narrow, sizeof narrow);
      return lc_ok();
    case LC_SPECIAL_UUID:
      if (!uuid_parse(text, &narrow)) break;
      lc_buf_append(to, &narrow, sizeof narrow);
      return lc_ok();
    case LC_SPECIAL_TIMESTAMP:
      if (!timestamp_parse(text, &micros)) break;
      lc_buf_put64(to, (uint64_t)micros);
      return lc_ok();
    default:
      break;
  }
  return unparsable(type, text);
}

bool lc__type_is_bytes(const lc_type *type) {
  return type->kind == LC_TYPE_ARRAY && lc_type_resolve(type->element)->kind == LC_TYPE_U8;
}

bool lc__type_is_comparable(const lc_type *type) {
  return lc_type_is_integer(type->kind) || type->kind == LC_TYPE_BOOL || type->kind == LC_TYPE_STRING || type->kind == LC_TYPE_F32 ||
         type->kind == LC_TYPE_F64 || lc__type_is_bytes(type) || type->special == LC_SPECIAL_IDENTITY ||
         type->special == LC_SPECIAL_CONNECTION_ID || type->special == LC_SPECIAL_TIMESTAMP || type->special == LC_SPECIAL_UUID;
}

lc_err lc__literal_encode(lc_buf *to, const lc_type *type, lc_str text) {
  if (lc_type_is_integer(type->kind)) return encode_integer(to, type, text);
  if (type->kind == LC_TYPE_F32 || type->kind == LC_TYPE_F64) return encode_float(to, type, text);
  if (type->kind == LC_TYPE_STRING) {
    lc_buf_put_sized(to, text.ptr, text.len);
    return lc_ok();
  }
  return lc__type_is_bytes(type) ? encode_bytes(to, type, text) : encode_special(to, type, text);
}
