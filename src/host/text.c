/* Text as the reference's runtime makes it, because modules' logs and error messages are compared with it: lossy UTF-8, durations. */
#include <stdio.h>

#include "host/abi_internal.h"

/*
 * Length of the well-formed sequence at `at`, or 0; then `*ill` is the length of the maximal ill-formed part (Unicode 3.9, table 3-7:
 * a truncated but so far valid sequence is one part, anything else is one byte).
 */
static size_t sequence_len(const uint8_t *at, size_t left, size_t *ill) {
  uint8_t first = at[0];
  *ill = 1;
  if (first < 0x80) return 1;
  size_t len = first >= 0xc2 && first <= 0xdf ? 2 : first >= 0xe0 && first <= 0xef ? 3 : first >= 0xf0 && first <= 0xf4 ? 4 : 0;
  if (len == 0) return 0;
  uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  for (size_t i = 1; i < len; i++) {
    if (i >= left || at[i] < low || at[i] > high) {
      *ill = i;
      return 0;
    }
    low = 0x80;
    high = 0xbf;
  }
  return len;
}

lc_str lc__text_lossy(lc_span bytes, lc_buf *scratch) {
  if (lc_utf8_valid(bytes.ptr, bytes.len)) return (lc_str){(const char *)bytes.ptr, bytes.len};
  lc_buf_clear(scratch);
  for (size_t at = 0; at < bytes.len;) {
    size_t ill, len = sequence_len(bytes.ptr + at, bytes.len - at, &ill);
    if (len) {
      lc_buf_append(scratch, bytes.ptr + at, len);
      at += len;
    } else {
      lc_buf_put_text(scratch, "\xef\xbf\xbd");
      at += ill;
    }
  }
  return lc_buf_str(scratch);
}

void lc__text_put_duration(lc_buf *to, uint64_t nanos) {
  static const struct {
    uint64_t nanos;
    int digits;
    const char *unit;
  } units[] = {{1000000000, 9, "s"}, {1000000, 6, "ms"}, {1000, 3, "\xc2\xb5s"}, {1, 0, "ns"}};
  size_t unit = 0;
  while (unit < 3 && nanos < units[unit].nanos) unit++;
  lc_buf_printf(to, "%llu", (unsigned long long)(nanos / units[unit].nanos));
  uint64_t fraction = nanos % units[unit].nanos;
  if (fraction) {
    char digits[16];
    int len = snprintf(digits, sizeof digits, "%0*llu", units[unit].digits, (unsigned long long)fraction);
    while (len > 0 && digits[len - 1] == '0') len--;
    lc_buf_printf(to, ".%.*s", len, digits);
  }
  lc_buf_put_text(to, units[unit].unit);
}
