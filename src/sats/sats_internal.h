#pragma once
/* Shared inside src/sats: reads of untrusted bytes whose messages name what was expected, as clients of the protocol know them. */
#include <stdlib.h>

#include "base/assert.h"
#include "base/hash.h"
#include "sats/layout.h"

typedef enum lc__measure_state { LC__UNMEASURED, LC__MEASURING, LC__MEASURED } lc__measure_state;

enum {
  LC__FIXED_SIZE_MAX = 1 << 20,  /* types with larger values are walked as variable ones; nothing real comes near */
  LC__VALUE_DEPTH_MAX = 1024,    /* nested values, counted in levels of the type; what an 8 MiB stack bears with sanitizers on */
  LC__EMPTY_ELEMENTS_MAX = 1024, /* elements without bytes in one array: their count is not bounded by the input */
};

lc_err lc__too_short(const char *what, size_t expected, size_t given);
lc_err lc__read_u8(lc_cursor *from, uint8_t *value);
lc_err lc__read_u32(lc_cursor *from, uint32_t *value);
/* A BSATN string, UTF-8 checked; borrowed from the input. */
lc_err lc__read_string(lc_cursor *from, lc_str *value);
/* Lower-case name of a number's kind, such as `u32`. */
const char *lc__kind_name(lc_type_kind kind);
