/* Keccak-256 against published values: the empty string and "abc" from the Keccak team's test vectors, and digests that compatible servers sent. */
#include "base/keccak.h"
#include "harness.h"

static void expect_digest(const void *bytes, size_t len, const char *hex) {
  uint8_t digest[32];
  char text[65];
  lc_keccak256(digest, bytes, len);
  lc_hex(text, digest, 32);
  expect_text(text, hex);
}

TEST(published_digests) {
  expect_digest("", 0, "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
  expect_digest("abc", 3, "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
  expect_digest("old", 3, "f6832a2ac9bbf5bd0cf3f96fbc984efa35bbe86c03d1e1b7328a15c6c73e1395");
  expect_digest("new", 3, "41e691fcbdc41a0c9c62caec68dbbdb99b245cbb72f06df6f40fa1bd1b4d97d9");
}

/* A message of exactly one rate block needs a second block that is padding only; one byte less puts both padding bits into one byte. */
TEST(padding_at_the_block_boundary) {
  uint8_t a[3][32];
  uint8_t message[137];
  memset(message, 'a', sizeof message);
  for (int i = 0; i < 3; i++) lc_keccak256(a[i], message, 135 + (size_t)i);
  expect(memcmp(a[0], a[1], 32) != 0 && memcmp(a[1], a[2], 32) != 0);
  expect_digest(message, 135, "34367dc248bbd832f4e3e69dfaac2f92638bd0bbd18f2912ba4ef454919cf446");
  expect_digest(message, 136, "a6c4d403279fe3e0af03729caada8374b5ca54d8065329a3ebcaeb4b60aa386e");
}
