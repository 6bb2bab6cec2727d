/* Identifiers (UAX 31, UAX 15) and spellings beyond those that were recorded; expected values from the Unicode standard's own tables. */
#include "schema/names.h"

#include "harness.h"
#include "schema/unicode.h"

static bool is_identifier(const char *name) {
  lc_buf why = {0};
  bool good = lc_name_is_identifier(lc_str_of(name), &why);
  expect(good == (why.len == 0));
  lc_buf_deinit(&why);
  return good;
}

TEST(identifiers) {
  static const char *const good[] = {"a", "_", "_1", "a1", "\xc3\xa9", "\xc2\xaa", "a\xc2\xb7", "\xe6\x95\xb0\xe6\x8d\xae", "\xea\xb0\x80"};
  static const char *const bad[] = {"",
                                    "1",
                                    " ",
                                    "a b",
                                    "a-b",
                                    "a.b",
                                    "a$",
                                    "\xf0\x9f\x98\x80",
                                    ("\xc2\xb7" "a")};
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) expect(is_identifier(good[i]));
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) expect(!is_identifier(bad[i]));
}

/* Lines of the standard's NormalizationTest.txt: the second column is the first in form C. */
TEST(normalization_form_c) {
  static const char *const composed[] = {
      "\xc3\xa9",                 /* é */
      "\xe1\xba\xad",             /* ậ, of a + dot below + circumflex */
      "\xea\xb0\x81",             /* Hangul GAG */
      "e\xcc\x90",                /* e + candrabindu, which has no composite */
      "q\xcc\xa3\xcc\x87",        /* q + dot below + dot above, in order */
      "\xe0\xa4\x95\xe0\xa4\xbc", /* KA + nukta: a composition exclusion */
  };
  for (size_t i = 0; i < sizeof composed / sizeof composed[0]; i++) expect(lc__is_nfc(lc_str_of(composed[i])));
  static const char *const others[] = {
      "e\xcc\x81",                /* e + acute */
      "\xc3\xa2\xcc\xa3",         /* â + dot below: recomposes as ậ */
      "\xe1\xb8\x8b\xcc\xa3",     /* ḋ + dot below: becomes ḍ + dot above */
      "\xe1\x84\x80\xe1\x85\xa1", /* Hangul as jamo */
      "\xea\xb0\x80\xe1\x86\xa8", /* GA + trailing G */
      "q\xcc\x87\xcc\xa3",        /* marks out of order */
      "\xe0\xa5\x98",             /* QA: excluded from composition */
      "\xe2\x84\xa6",             /* OHM SIGN: a singleton */
      "\xcd\x84",                 /* greek dialytika tonos */
  };
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) expect(!lc__is_nfc(lc_str_of(others[i])));
}

TEST(spellings) {
  static const struct {
    const char *name, *snake, *camel, *pascal;
  } table[] = {
      {"playerId", "player_id", "playerId", "PlayerId"},
      {"HTTPRequest", "http_request", "httpRequest", "HttpRequest"},
      {"a-b c", "a_b_c", "aBC", "ABC"},
      {"", "", "", ""},
      {"__", "", "", ""},
      {"OK", "ok", "ok", "Ok"},
      {"e\xcc\x81"
       "A",
       "e\xcc\x81_a",
       "e\xcc\x81"
       "A",
       "E\xcc\x81"
       "A"}, /* a combining mark belongs to its letter */
      {"\xce\x9f\xce\x94\xce\x9f\xce\xa3", "\xce\xbf\xce\xb4\xce\xbf\xcf\x82", "\xce\xbf\xce\xb4\xce\xbf\xcf\x82",
       "\xce\x9f\xce\xb4\xce\xbf\xcf\x82"}, /* ΟΔΟΣ: final sigma */
  };
  lc_arena arena = {0};
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    expect_text(lc_name_convert(&arena, lc_str_of(table[i].name), LC_CASE_SNAKE).ptr, table[i].snake);
    expect_text(lc_name_convert(&arena, lc_str_of(table[i].name), LC_CASE_CAMEL).ptr, table[i].camel);
    expect_text(lc_name_convert(&arena, lc_str_of(table[i].name), LC_CASE_PASCAL).ptr, table[i].pascal);
  }
  lc_arena_deinit(&arena);
}
