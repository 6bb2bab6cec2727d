#include "schema/unicode.h"

#include <stdlib.h>

#include "base/vec.h"

typedef struct range {
  uint32_t first, last;
} range;
typedef struct class_range {
  uint32_t first, last;
  uint8_t class;
} class_range;
typedef struct composite {
  uint32_t first, second, whole;
} composite;
typedef struct case_range {
  uint32_t first, last, step;
  int32_t distance;
} case_range;
typedef struct case_many {
  uint32_t from, to[3];
} case_many;

#include "schema/unicode_tables.inc"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ------------------------------------------------------------------------------------------------ UTF-8 */

uint32_t lc__utf8_next(const char **at) {
  const uint8_t *p = (const uint8_t *)*at;
  if (p[0] < 0x80) {
    *at += 1;
    return p[0];
  }
  if (p[0] < 0xe0) {
    *at += 2;
    return (uint32_t)(p[0] & 31) << 6 | (p[1] & 63);
  }
  if (p[0] < 0xf0) {
    *at += 3;
    return (uint32_t)(p[0] & 15) << 12 | (uint32_t)(p[1] & 63) << 6 | (p[2] & 63);
  }
  *at += 4;
  return (uint32_t)(p[0] & 7) << 18 | (uint32_t)(p[1] & 63) << 12 | (uint32_t)(p[2] & 63) << 6 | (p[3] & 63);
}

void lc__utf8_put(lc_buf *to, uint32_t c) {
  if (c < 0x80) {
    lc_buf_put8(to, (uint8_t)c);
    return;
  }
  if (c < 0x800) {
    lc_buf_put8(to, (uint8_t)(0xc0 | c >> 6));
  } else {
    if (c < 0x10000) {
      lc_buf_put8(to, (uint8_t)(0xe0 | c >> 12));
    } else {
      lc_buf_put8(to, (uint8_t)(0xf0 | c >> 18));
      lc_buf_put8(to, (uint8_t)(0x80 | (c >> 12 & 63)));
    }
    lc_buf_put8(to, (uint8_t)(0x80 | (c >> 6 & 63)));
  }
  lc_buf_put8(to, (uint8_t)(0x80 | (c & 63)));
}

/* ------------------------------------------------------------------------------------------------ classes */

static bool in_ranges(const range *ranges, size_t count, uint32_t c) {
  size_t low = 0, high = count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (c > ranges[middle].last)
      low = middle + 1;
    else
      high = middle;
  }
  return low < count && c >= ranges[low].first;
}

bool lc__xid_start(uint32_t c) {
  return in_ranges(xid_start, COUNT(xid_start), c);
}
bool lc__xid_continue(uint32_t c) {
  return lc__xid_start(c) || in_ranges(xid_continue_only, COUNT(xid_continue_only), c);
}
bool lc__grapheme_extends(uint32_t c) {
  return in_ranges(grapheme_extend, COUNT(grapheme_extend), c);
}

static uint8_t combining_class(uint32_t c) {
  size_t low = 0, high = COUNT(combining_classes);
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (c > combining_classes[middle].last)
      low = middle + 1;
    else
      high = middle;
  }
  return low < COUNT(combining_classes) && c >= combining_classes[low].first ? combining_classes[low].class : 0;
}

/* ------------------------------------------------------------------------------------------------ case */

static uint32_t map_case(const case_range *ranges, size_t range_count, const case_many *many, size_t many_count, uint32_t c,
                         uint32_t to[3]) {
  for (size_t i = 0; i < many_count; i++) {
    if (many[i].from != c) continue;
    uint32_t used = 0;
    while (used < 3 && many[i].to[used]) to[used] = many[i].to[used], used++;
    return used;
  }
  to[0] = c;
  for (size_t i = 0; i < range_count && ranges[i].first <= c; i++)
    if (c <= ranges[i].last && (c - ranges[i].first) % ranges[i].step == 0) to[0] = (uint32_t)((int32_t)c + ranges[i].distance);
  return 1;
}

uint32_t lc__to_lower(uint32_t c, uint32_t to[3]) {
  return map_case(lower_ranges, COUNT(lower_ranges), lower_many, COUNT(lower_many), c, to);
}
uint32_t lc__to_upper(uint32_t c, uint32_t to[3]) {
  return map_case(upper_ranges, COUNT(upper_ranges), upper_many, COUNT(upper_many), c, to);
}

/* ------------------------------------------------------------------------------------------------ normalization form C */

/*
 * Text without a character of Quick_Check=No is in form C exactly when decomposing it fully, sorting the marks and composing again gives
 * it back. Only primary composites can occur in it, so their table serves both directions.
 */
enum {
  HANGUL = 0xac00,
  HANGUL_COUNT = 11172,
  LEADING = 0x1100,
  VOWEL = 0x1161,
  TRAILING = 0x11a7,
  VOWELS = 21,
  TRAILINGS = 28,
  LEADINGS = 19
};

typedef LC_VEC(uint32_t) scalars;

static void decompose(scalars *to, uint32_t c) {
  if (c - HANGUL < HANGUL_COUNT) {
    uint32_t index = c - HANGUL;
    lc_vec_push(to, LEADING + index / (VOWELS * TRAILINGS));
    lc_vec_push(to, VOWEL + index / TRAILINGS % VOWELS);
    if (index % TRAILINGS) lc_vec_push(to, TRAILING + index % TRAILINGS);
    return;
  }
  for (size_t i = 0; c >= 0xc0 && i < COUNT(composites); i++) {
    if (composites[i].whole != c) continue;
    decompose(to, composites[i].first); /* nests three deep at most */
    decompose(to, composites[i].second);
    return;
  }
  lc_vec_push(to, c);
}

static void sort_marks(scalars *text) {
  for (size_t i = 1; i < text->count; i++) {
    uint32_t c = text->items[i];
    uint8_t class = combining_class(c);
    size_t at = i;
    while (class != 0 && at > 0 && combining_class(text->items[at - 1]) > class) text->items[at] = text->items[at - 1], at--;
    text->items[at] = c;
  }
}

static uint32_t compose_pair(uint32_t a, uint32_t b) {
  if (a - LEADING < LEADINGS && b - VOWEL < VOWELS) return HANGUL + ((a - LEADING) * VOWELS + (b - VOWEL)) * TRAILINGS;
  if (a - HANGUL < HANGUL_COUNT && (a - HANGUL) % TRAILINGS == 0 && b - TRAILING - 1 < TRAILINGS - 1) return a + (b - TRAILING);
  for (size_t i = 0; i < COUNT(composites) && composites[i].first <= a; i++)
    if (composites[i].first == a && composites[i].second == b) return composites[i].whole;
  return 0;
}

static void compose(scalars *text) {
  size_t kept = 0, starter = SIZE_MAX;
  uint8_t last_class = 0;
  for (size_t i = 0; i < text->count; i++) {
    uint32_t c = text->items[i];
    uint8_t class = combining_class(c);
    bool blocked = starter == SIZE_MAX || (kept > starter + 1 && (last_class >= class || last_class == 0));
    uint32_t whole = blocked ? 0 : compose_pair(text->items[starter], c);
    if (whole) {
      text->items[starter] = whole;
      continue;
    }
    if (class == 0) starter = kept;
    last_class = class;
    text->items[kept++] = c;
  }
  text->count = kept;
}

bool lc__is_nfc(lc_str text) {
  const char *at = text.ptr, *end = text.ptr + text.len;
  bool ascii = true;
  while (at < end && ascii) ascii = (uint8_t)*at++ < 0x80;
  if (ascii) return true;
  scalars decomposed = {0};
  bool result = true;
  for (at = text.ptr; at < end && result;) {
    uint32_t c = lc__utf8_next(&at);
    result = !in_ranges(nfc_no, COUNT(nfc_no), c);
    decompose(&decomposed, c);
  }
  if (result) {
    sort_marks(&decomposed);
    compose(&decomposed);
    size_t i = 0;
    for (at = text.ptr; at < end && result; i++) result = i < decomposed.count && decomposed.items[i] == lc__utf8_next(&at);
    result = result && i == decomposed.count;
  }
  lc_vec_deinit(&decomposed);
  return result;
}
