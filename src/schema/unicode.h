#pragma once
/*
 * What names need of Unicode: identifier classes (UAX 31), normalization form C (UAX 15), full case mappings. The C library offers
 * these only through locales, which a server must not depend on. Shared inside src/schema.
 */
#include "base/buf.h"

/* Reads one scalar value of valid UTF-8 at `*at` and moves it. */
uint32_t lc__utf8_next(const char **at);
void lc__utf8_put(lc_buf *to, uint32_t scalar);

bool lc__xid_start(uint32_t scalar);
bool lc__xid_continue(uint32_t scalar);
/* Continues the user-perceived character before it (combining marks, joiners). */
bool lc__grapheme_extends(uint32_t scalar);
/* Up to three scalars; returns how many. */
uint32_t lc__to_lower(uint32_t scalar, uint32_t to[3]);
uint32_t lc__to_upper(uint32_t scalar, uint32_t to[3]);
/* Whether valid UTF-8 text is in normalization form C. */
bool lc__is_nfc(lc_str text);
