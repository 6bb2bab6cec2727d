#include "schema/names.h"

#include "base/vec.h"
#include "schema/unicode.h"

/* ------------------------------------------------------------------------------------------------ identifiers */

bool lc_name_is_identifier(lc_str name, lc_buf *why) {
  if (name.len == 0) {
    lc_buf_put_text(why, "Empty identifiers are forbidden.");
    return false;
  }
  if (!lc__is_nfc(name)) {
    lc_buf_printf(why,
                  "Identifier `%.*s` is not in normalization form C according to Unicode Standard Annex 15 "
                  "(http://www.unicode.org/reports/tr15/) and cannot be used for entities in a module.",
                  LC_STR_ARGS(name));
    return false;
  }
  const char *at = name.ptr, *end = name.ptr + name.len, *before = at;
  uint32_t c = lc__utf8_next(&at);
  if (c != '_' && !lc__xid_start(c)) {
    lc_buf_printf(
        why,
        "Identifier `%.*s`'s starting character '%.*s' is neither an underscore ('_') nor a Unicode XID_start character (according to "
        "Unicode Standard Annex 31, https://www.unicode.org/reports/tr31/) and cannot be used for entities in a module.",
        LC_STR_ARGS(name), (int)(at - before), before);
    return false;
  }
  while (at < end) {
    before = at;
    c = lc__utf8_next(&at);
    if (lc__xid_continue(c)) continue;
    lc_buf_printf(why,
                  "Identifier `%.*s` contains a character '%.*s' that is not an XID_continue character (according to Unicode Standard "
                  "Annex 31, https://www.unicode.org/reports/tr31/) and cannot be used for entities in a module.",
                  LC_STR_ARGS(name), (int)(at - before), before);
    return false;
  }
  return true;
}

/* ------------------------------------------------------------------------------------------------ words */

typedef enum letter { LETTER_OTHER, LETTER_LOWER, LETTER_UPPER, LETTER_DIGIT, LETTER_SEPARATOR } letter;

/* A user-perceived character: bytes [from, to) of the name. */
typedef struct grapheme {
  uint32_t from, to;
  letter kind;
} grapheme;

/* A letter has a case when its two mappings differ; it is upper (lower) when that mapping leaves it alone. */
static letter letter_of(lc_str text) {
  if (text.len == 1) {
    char c = text.ptr[0];
    if (c == '_' || c == '-' || c == ' ') return LETTER_SEPARATOR;
    if (c >= '0' && c <= '9') return LETTER_DIGIT;
  }
  bool same_lower = true, same_upper = true, differ = false;
  for (const char *at = text.ptr; at < text.ptr + text.len;) {
    uint32_t c = lc__utf8_next(&at), lower[3], upper[3];
    uint32_t lower_count = lc__to_lower(c, lower), upper_count = lc__to_upper(c, upper);
    same_lower = same_lower && lower_count == 1 && lower[0] == c;
    same_upper = same_upper && upper_count == 1 && upper[0] == c;
    differ = differ || lower_count != upper_count || lower[0] != upper[0];
  }
  return !differ ? LETTER_OTHER : same_upper ? LETTER_UPPER : same_lower ? LETTER_LOWER : LETTER_OTHER;
}

typedef LC_VEC(grapheme) graphemes;

static graphemes split_graphemes(lc_str name) {
  graphemes list = {0};
  for (const char *at = name.ptr; at < name.ptr + name.len;) {
    uint32_t from = (uint32_t)(at - name.ptr);
    uint32_t c = lc__utf8_next(&at);
    uint32_t to = (uint32_t)(at - name.ptr);
    if (list.count > 0 && lc__grapheme_extends(c)) {
      list.items[list.count - 1].to = to;
    } else {
      lc_vec_push(&list, ((grapheme){from, to, LETTER_OTHER}));
    }
  }
  for (size_t i = 0; i < list.count; i++)
    list.items[i].kind = letter_of((lc_str){name.ptr + list.items[i].from, list.items[i].to - list.items[i].from});
  return list;
}

/* Whether a word ends between `i - 1` and `i`. */
static bool word_ends(const graphemes *list, size_t i) {
  letter before = list->items[i - 1].kind, here = list->items[i].kind;
  letter next = i + 1 < list->count ? list->items[i + 1].kind : LETTER_OTHER;
  bool before_letter = before == LETTER_LOWER || before == LETTER_UPPER, here_letter = here == LETTER_LOWER || here == LETTER_UPPER;
  return (before == LETTER_LOWER && here == LETTER_UPPER) || (before_letter && here == LETTER_DIGIT) ||
         (before == LETTER_DIGIT && here_letter) || (before == LETTER_UPPER && here == LETTER_UPPER && next == LETTER_LOWER);
}

/* ------------------------------------------------------------------------------------------------ spelling */

enum { CAPITAL_SIGMA = 0x3a3, SMALL_SIGMA = 0x3c3, FINAL_SIGMA = 0x3c2 };

static void put_mapped(lc_buf *to, uint32_t c, bool upper) {
  uint32_t mapped[3], count = upper ? lc__to_upper(c, mapped) : lc__to_lower(c, mapped);
  for (uint32_t i = 0; i < count; i++) lc__utf8_put(to, mapped[i]);
}

static void put_lower(lc_buf *to, lc_str word) {
  const char *end = word.ptr + word.len;
  for (const char *at = word.ptr; at < end;) {
    bool first = at == word.ptr;
    uint32_t c = lc__utf8_next(&at);
    if (c == CAPITAL_SIGMA)
      lc__utf8_put(to, !first && at == end ? FINAL_SIGMA : SMALL_SIGMA);
    else
      put_mapped(to, c, false);
  }
}

static void put_word(lc_buf *to, lc_str word, lc_case style, bool first) {
  if (style == LC_CASE_SNAKE) {
    if (!first) lc_buf_put8(to, '_');
    put_lower(to, word);
    return;
  }
  if (style == LC_CASE_CAMEL && first) {
    put_lower(to, word);
    return;
  }
  const char *at = word.ptr;
  put_mapped(to, lc__utf8_next(&at), true);
  put_lower(to, (lc_str){at, word.len - (size_t)(at - word.ptr)});
}

lc_str lc_name_convert(lc_arena *arena, lc_str name, lc_case style) {
  graphemes list = split_graphemes(name);
  lc_buf text = {0};
  for (size_t i = 0, first = 0; i < list.count; i++) {
    if (list.items[i].kind == LETTER_SEPARATOR) {
      first = i + 1;
      continue;
    }
    bool ends = i + 1 == list.count || list.items[i + 1].kind == LETTER_SEPARATOR || word_ends(&list, i + 1);
    if (!ends) continue;
    uint32_t from = list.items[first].from;
    put_word(&text, (lc_str){name.ptr + from, list.items[i].to - from}, style, text.len == 0);
    first = i + 1;
  }
  lc_str result = lc_arena_str(arena, lc_buf_str(&text));
  lc_buf_deinit(&text);
  lc_vec_deinit(&list);
  return result;
}
