/* host/text.c against what Rust's standard library documents and prints. */
#include "harness.h"
#include "host/abi_internal.h"

static const char *lossy(const char *bytes, size_t len) {
  static lc_buf scratch, text;
  lc_buf_clear(&text);
  lc_buf_put_str(&text, lc__text_lossy(lc_span_of(bytes, len), &scratch));
  return lc_buf_cstr(&text);
}

/* The examples of String::from_utf8_lossy and of Unicode 15, section 3.9, table 3-8 (maximal subparts). */
TEST(lossy_text_replaces_maximal_ill_formed_parts) {
#define R "\xef\xbf\xbd"
  expect_text(lossy("plain", 5), "plain");
  expect_text(lossy("Hello \xF0\x90\x80World", 14), "Hello " R "World");
  expect_text(lossy("bad \xff\xfe end", 10), "bad " R R " end");
  expect_text(lossy("a\xF1\x80\x80\xE1\x80\xC2"
                    "b\x80"
                    "c\x80\xBF"
                    "d",
                    13),
              "a" R R R "b" R "c" R R "d");
  expect_text(lossy("\xed\xa0\x80", 3), R R R);       /* a surrogate: no part of it is well-formed */
  expect_text(lossy("\xf4\x90\x80\x80", 4), R R R R); /* above U+10FFFF */
  expect_text(lossy("\xc0\xaf", 2), R R);             /* overlong */
  expect_text(lossy("\xe2\x82", 2), R);               /* cut at the end */
}

static const char *duration(uint64_t nanos) {
  static lc_buf text;
  lc_buf_clear(&text);
  lc__text_put_duration(&text, nanos);
  return lc_buf_cstr(&text);
}

/* As `{:?}` prints std::time::Duration; the first three are from recorded logs. */
TEST(durations_print_as_in_rust) {
  expect_text(duration(19075), "19.075\xc2\xb5s");
  expect_text(duration(20280), "20.28\xc2\xb5s");
  expect_text(duration(31235790), "31.23579ms");
  expect_text(duration(0), "0ns");
  expect_text(duration(999), "999ns");
  expect_text(duration(1000), "1\xc2\xb5s");
  expect_text(duration(1500000000), "1.5s");
  expect_text(duration(61000000001), "61.000000001s");
}
