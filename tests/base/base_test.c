/* The containers and text helpers of src/base, against values computed elsewhere. */
#include "harness.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/cursor.h"
#include "base/hash.h"
#include "base/map.h"

/* "123456789" is the check string of the CRC catalogues: CRC-32C gives e3069283. */
TEST(crc32c_gives_the_catalogue_value) {
  expect_equal(lc_crc32c(0, "123456789", 9), 0xe3069283u);
  expect_equal(lc_crc32c(lc_crc32c(0, "1234", 4), "56789", 5), 0xe3069283u);
}

TEST(utf8_is_that_of_rfc_3629) {
  static const char *const good[] = {"", "plain", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf"};
  static const char *const bad[] = {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "12345678\xff"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) expect(lc_utf8_valid((const uint8_t *)good[i], strlen(good[i])));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) expect(!lc_utf8_valid((const uint8_t *)bad[i], strlen(bad[i])));
}

TEST(identities_are_printed_most_significant_byte_first) {
  lc_u256 value;
  const char *text = "c2000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e";
  expect(lc_u256_from_hex(&value, LC_STR("c2000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e")));
  expect_equal(value.bytes[0], 0x1e);
  expect_equal(value.bytes[31], 0xc2);
  char back[65];
  lc_u256_hex(back, &value);
  expect_text(back, text);
  expect(!lc_u256_from_hex(&value, LC_STR("c2")));
  expect(!lc_u256_from_hex(&value, LC_STR("x2000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e")));
}

TEST(a_map_agrees_with_a_plain_array_through_random_changes) {
  enum { KEYS = 200, STEPS = 20000 };
  static char names[KEYS][8];
  static long long model[KEYS];
  lc_map map = {0};
  for (int i = 0; i < KEYS; i++) snprintf(names[i], sizeof names[i], "k%d", i), model[i] = -1;
  srand(1);
  for (int step = 0; step < STEPS; step++) {
    int key = rand() % KEYS;
    if (rand() % 3) {
      model[key] = step;
      lc_map_put(&map, lc_str_of(names[key]), (uint64_t)step);
    } else {
      expect_equal(lc_map_remove(&map, lc_str_of(names[key])), model[key] >= 0);
      model[key] = -1;
    }
    int probe = rand() % KEYS;
    uint64_t value = 0;
    expect_equal(lc_map_get(&map, lc_str_of(names[probe]), &value), model[probe] >= 0);
    if (model[probe] >= 0) expect_equal(value, model[probe]);
  }
  lc_map_deinit(&map);
}

TEST(an_arena_reuses_its_blocks_after_a_reset) {
  lc_arena arena = {0};
  for (int round = 0; round < 3; round++) {
    for (int i = 0; i < 1000; i++) memset(lc_arena_alloc(&arena, 100), i, 100);
    memset(lc_arena_alloc(&arena, 1 << 20), 1, 1 << 20);
    lc_arena_reset(&arena);
  }
  size_t size = lc_arena_size(&arena);
  for (int i = 0; i < 1000; i++) lc_arena_alloc(&arena, 100);
  expect_equal(lc_arena_size(&arena), size);
  lc_arena_deinit(&arena);
}

TEST(a_cursor_stops_at_the_end_and_says_so) {
  lc_cursor cursor = lc_cursor_of(lc_span_of("\x01\x00\x00\x00x\x09\x00\x00\x00y", 10));
  lc_span text = lc_cursor_sized(&cursor);
  expect_bytes(text.ptr, text.len, "x", 1);
  expect_equal(lc_cursor_sized(&cursor).len, 0);
  expect(cursor.failed);
  expect_equal(lc_cursor_u64(&cursor), 0);
}

TEST(an_error_keeps_its_code_and_gains_context) {
  lc_err err = lc_err_context(lc_fail(LC_ERR_SQL, "no table `%s`", "t"), "query %d", 3);
  expect_equal(err.code, LC_ERR_SQL);
  expect_text(lc_err_text(err), "query 3: no table `t`");
  expect_equal(lc_err_class_of(err), LC_CLASS_INPUT);
  expect_text(lc_err_text(lc_error(LC_ERR_LOG_TORN)), "the bytes end inside a record: a crash tore the last write");
}
