#pragma once
/* Text of numbers, exact both ways: integers of any width, floats with the fewest digits that read back to the same bits. */
#include "base/buf.h"
#include "sats/type.h"

/* Decimal of a little-endian integer of 1..32 bytes. */
void lc_integer_print(lc_buf *to, const uint8_t *bytes, uint32_t size, bool is_signed);
/* `0x1f`, `-0x1`: least digits, of a 32-byte integer. */
void lc_u256_print_0x(lc_buf *to, const uint8_t *bytes, bool is_signed);
/* Stores digits (base 10 or 16, with an optional sign) as a little-endian integer of `size` bytes; false when `digits` is empty, holds
 * anything else, or does not fit. */
bool lc_integer_parse(uint8_t *bytes, uint32_t size, bool is_signed, lc_str digits, uint32_t base);
/* JSON: `1.0`, `1e300`, `3.4028235e38`, `-0.0`; NaN and infinities are `null`. */
void lc_f64_print_json(lc_buf *to, double value);
void lc_f32_print_json(lc_buf *to, float value);
/* Plain decimal without exponent: `1`, `0.1`, `inf`, `-inf`, `NaN`, `-0`. */
void lc_f64_print_plain(lc_buf *to, double value);
void lc_f32_print_plain(lc_buf *to, float value);
