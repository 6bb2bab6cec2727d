/* Values as BSATN (module-abi 5): what is accepted, what is refused with which words, layouts, order. */
#include <math.h>

#include "harness.h"
#include "sats/layout.h"

static lc_arena arena;

static const lc_type *p(lc_type_kind kind) {
  return lc_type_primitive(kind);
}
static lc_type *product(uint32_t count, const lc_field *fields) {
  return lc_type_product(&arena, fields, count);
}
static lc_type *sum(uint32_t count, const lc_field *fields) {
  return lc_type_sum(&arena, fields, count);
}
static const lc_type *unit(void) {
  return product(0, NULL);
}
static const lc_type *option(const lc_type *some) {
  return sum(2, (lc_field[]){{LC_STR("some"), some}, {LC_STR("none"), unit()}});
}

static size_t from_hex(uint8_t *to, const char *hex) {
  size_t len = 0;
  for (; *hex; hex++) {
    if (*hex == ' ') continue;
    expect(lc_hex_decode(to + len++, 1, (lc_str){hex, 2}));
    hex++;
  }
  return len;
}

static lc_err validate(const lc_type *type, const char *hex, size_t *used) {
  uint8_t bytes[512], *exact;
  size_t len = from_hex(bytes, hex);
  exact = malloc(len + 1); /* so that a sanitizer sees a read past the end */
  memcpy(exact, bytes, len);
  lc_cursor cursor = {exact, exact + len, false};
  lc_err err = lc_value_validate(type, &cursor);
  *used = len - lc_cursor_left(&cursor);
  if (!lc_failed(err)) expect_equal(lc_value_size(type, exact), *used);
  free(exact);
  return err;
}

static void expect_valid(const lc_type *type, const char *hex, size_t size) {
  size_t used;
  expect_ok(validate(type, hex, &used));
  expect_equal(used, size);
}

static void expect_refused(const lc_type *type, const char *hex, const char *message) {
  size_t used;
  lc_err err = validate(type, hex, &used);
  expect_equal(err.code, LC_ERR_BSATN);
  expect_text(lc_err_text(err), message);
}

TEST(values_take_the_bytes_of_their_type_and_leave_the_rest) {
  expect_valid(p(LC_TYPE_BOOL), "01 ff", 1);
  expect_valid(p(LC_TYPE_U32), "01020304 ff", 4);
  expect_valid(p(LC_TYPE_I256), "0000000000000000 0000000000000000 0000000000000000 0000000000000080", 32);
  expect_valid(p(LC_TYPE_F32), "0100c07f", 4); /* any NaN is kept */
  expect_valid(p(LC_TYPE_STRING), "02000000 c3a9 ff", 6);
  expect_valid(lc_type_array(&arena, p(LC_TYPE_U8)), "03000000 010203 ff", 7);
  expect_valid(lc_type_array(&arena, p(LC_TYPE_STRING)), "02000000 00000000 01000000 61", 13);
  expect_valid(unit(), "", 0);
  expect_valid(option(p(LC_TYPE_U16)), "00 0102", 3);
  expect_valid(option(p(LC_TYPE_U16)), "01 0102", 1);
}

TEST(malformed_values_are_refused_in_the_words_clients_know) {
  expect_refused(p(LC_TYPE_U32), "010203", "data too short for u32: Expected 4, given 3");
  expect_refused(p(LC_TYPE_I64), "01020304050607", "data too short for i64: Expected 8, given 7");
  expect_refused(p(LC_TYPE_BOOL), "", "data too short for u8: Expected 1, given 0");
  expect_refused(p(LC_TYPE_BOOL), "02", "byte 2 not a valid bool");
  expect_refused(p(LC_TYPE_STRING), "ffffffff", "data too short for [u8]: Expected 4294967295, given 0");
  expect_refused(p(LC_TYPE_STRING), "02000000 c328", "invalid utf8");
  expect_refused(p(LC_TYPE_STRING), "03000000 eda080", "invalid utf8"); /* a surrogate */
  expect_refused(option(p(LC_TYPE_U8)), "09", "unknown tag 0x9 for sum type <unknown>");
  expect_refused(option(p(LC_TYPE_U8)), "00", "data too short for u8: Expected 1, given 0");
  expect_refused(lc_type_array(&arena, p(LC_TYPE_U32)), "02000000 01000000 0200", "data too short for u32: Expected 4, given 2");
  expect_refused(lc_type_array(&arena, p(LC_TYPE_U8)), "ffffff7f 010203", "data too short for [u8]: Expected 2147483647, given 3");
  expect_refused(sum(0, NULL), "00", "unknown tag 0x0 for sum type <unknown>"); /* never */
}

TEST(arrays_of_nothing_are_bounded) {
  expect_valid(lc_type_array(&arena, unit()), "00040000", 4);
  size_t used;
  expect_error(validate(lc_type_array(&arena, unit()), "ffffffff", &used), LC_ERR_BSATN);
}

/* struct List { next: Option<List> } */
static const lc_type *linked_list(lc_typespace *space) {
  static lc_type *types[1];
  types[0] = product(1, (lc_field[]){{LC_STR("next"), option(lc_type_ref(&arena, 0))}});
  *space = (lc_typespace){types, 1};
  expect_ok(lc_typespace_link(space));
  return types[0];
}

TEST(nesting_of_untrusted_values_is_bounded) {
  lc_typespace space;
  const lc_type *list = linked_list(&space);
  enum { DEEP = 1000000 };
  uint8_t *bytes = calloc(DEEP + 1, 1);
  bytes[DEEP] = 1;
  lc_cursor cursor = {bytes, bytes + DEEP + 1, false};
  expect_error(lc_value_validate(list, &cursor), LC_ERR_BSATN);
  cursor = (lc_cursor){bytes + DEEP - 300, bytes + DEEP + 1, false};
  expect_ok(lc_value_validate(list, &cursor));
  expect_equal(lc_value_size(list, bytes + DEEP - 300), 301);
  free(bytes);
}

/* Type i is a product of type i-1 twice: 2^40 parts, none of which has a byte. */
TEST(types_that_double_cost_no_time) {
  enum { LEVELS = 40 };
  lc_type *types[LEVELS];
  lc_type *again[LEVELS];
  types[0] = product(0, NULL);
  again[0] = product(0, NULL);
  for (uint32_t i = 1; i < LEVELS; i++) {
    types[i] = product(2, (lc_field[]){{LC_STR("a"), lc_type_ref(&arena, i - 1)}, {LC_STR("b"), lc_type_ref(&arena, i - 1)}});
    again[i] = product(2, (lc_field[]){{LC_STR("a"), lc_type_ref(&arena, i - 1)}, {LC_STR("b"), lc_type_ref(&arena, i - 1)}});
  }
  lc_typespace space = {types, LEVELS}, other = {again, LEVELS};
  expect_ok(lc_typespace_link(&space));
  expect_ok(lc_typespace_link(&other));
  expect_valid(types[LEVELS - 1], "", 0);
  expect_equal(lc_value_compare(types[LEVELS - 1], (const uint8_t *)"", (const uint8_t *)""), 0);
  expect(lc_type_equal(types[LEVELS - 1], again[LEVELS - 1]));
  const lc_type *copy;
  expect_failure(lc_type_inline(&arena, types[LEVELS - 1], &copy));
  lc_buf text = {0};
  lc_type_print(&text, types[LEVELS - 1]);
  expect(text.len < 1 << 20);
  lc_buf_deinit(&text);
}

TEST(layouts_know_where_columns_lie) {
  const lc_type *row = product(5, (lc_field[]){{LC_STR("a"), p(LC_TYPE_U32)},
                                               {LC_STR("b"), p(LC_TYPE_BOOL)},
                                               {LC_STR("s"), p(LC_TYPE_STRING)},
                                               {LC_STR("c"), p(LC_TYPE_U16)},
                                               {LC_STR("d"), option(p(LC_TYPE_U8))}});
  lc_layout *layout = lc_layout_create(&arena, row);
  expect(!layout->fixed && !layout->plain);
  expect_equal(layout->columns[0].offset, 0);
  expect_equal(layout->columns[1].offset, 4);
  expect_equal(layout->columns[2].offset, 5);
  expect_equal(layout->columns[3].offset, LC_OFFSET_UNKNOWN);
  uint8_t bytes[64];
  size_t len = from_hex(bytes, "01000000 01 02000000 6869 0700 00 09"), used;
  expect_ok(lc_layout_validate(layout, (lc_span){bytes, len}, &used));
  expect_equal(used, len);
  uint32_t offsets[6], expected[6] = {0, 4, 5, 11, 13, 15};
  lc_layout_offsets(layout, bytes, offsets);
  for (int i = 0; i < 6; i++) expect_equal(offsets[i], expected[i]);
  for (uint32_t i = 0; i < 5; i++) {
    lc_span column = lc_layout_column(layout, bytes, i);
    expect_equal(column.ptr - bytes, expected[i]);
    expect_equal(column.len, expected[i + 1] - expected[i]);
  }
  bytes[4] = 7;
  lc_err err = lc_layout_validate(layout, (lc_span){bytes, len}, &used);
  expect_text(lc_err_text(err), "column `b`: byte 7 not a valid bool");
}

TEST(fixed_rows_have_exactly_their_length) {
  const lc_type *row = product(2, (lc_field[]){{LC_STR("a"), p(LC_TYPE_U32)}, {LC_STR("b"), p(LC_TYPE_I64)}});
  lc_layout *layout = lc_layout_create(&arena, row);
  expect(layout->fixed && layout->plain);
  expect_equal(layout->fixed_size, 12);
  uint8_t bytes[16] = {0};
  size_t used;
  expect_ok(lc_layout_validate(layout, (lc_span){bytes, 12}, &used));
  expect_equal(used, 12);
  expect_error(lc_layout_validate(layout, (lc_span){bytes, 13}, &used), LC_ERR_BSATN);
  expect_error(lc_layout_validate(layout, (lc_span){bytes, 11}, &used), LC_ERR_BSATN);
  /* An enum without payloads, and one whose payloads are equally long, are fixed as well, but not every byte will do. */
  const lc_type *plain_enum = sum(2, (lc_field[]){{LC_STR("a"), unit()}, {LC_STR("b"), unit()}});
  layout = lc_layout_create(&arena, product(1, (lc_field[]){{LC_STR("e"), plain_enum}}));
  expect(layout->fixed && !layout->plain);
  expect_equal(layout->fixed_size, 1);
  bytes[0] = 2;
  expect_error(lc_layout_validate(layout, (lc_span){bytes, 1}, &used), LC_ERR_BSATN);
}

static int compare_hex(const lc_type *type, const char *a, const char *b) {
  uint8_t x[128], y[128];
  from_hex(x, a);
  from_hex(y, b);
  int order = lc_value_compare(type, x, y), back = lc_value_compare(type, y, x);
  expect((order < 0) == (back > 0) && (order == 0) == (back == 0));
  return order;
}

TEST(values_are_ordered_like_index_keys) {
  expect(compare_hex(p(LC_TYPE_I32), "ffffffff", "00000000") < 0);
  expect(compare_hex(p(LC_TYPE_U32), "ffffffff", "00000000") > 0);
  expect(compare_hex(p(LC_TYPE_I128), "00000000000000000000000000000080", "00000000000000000000000000000000") < 0);
  expect(compare_hex(p(LC_TYPE_U256), "0000000000000000000000000000000000000000000000000000000000000001",
                     "ff00000000000000000000000000000000000000000000000000000000000000") > 0);
  expect(compare_hex(p(LC_TYPE_I256), "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
                     "0100000000000000000000000000000000000000000000000000000000000000") < 0);
  expect(compare_hex(p(LC_TYPE_STRING), "01000000 62", "02000000 6161") > 0);
  expect(compare_hex(p(LC_TYPE_STRING), "01000000 61", "02000000 6161") < 0);
  expect(compare_hex(lc_type_array(&arena, p(LC_TYPE_I8)), "02000000 ff01", "01000000 00") < 0);
  expect(compare_hex(lc_type_array(&arena, p(LC_TYPE_U8)), "02000000 ff01", "01000000 00") > 0);
  expect(compare_hex(option(p(LC_TYPE_U8)), "00 ff", "01") < 0);
  const lc_type *pair = product(2, (lc_field[]){{LC_STR("a"), p(LC_TYPE_STRING)}, {LC_STR("b"), p(LC_TYPE_I16)}});
  expect(compare_hex(pair, "01000000 61 ffff", "01000000 61 0000") < 0);
  expect(compare_hex(pair, "01000000 61 0000", "01000000 61 0000") == 0);
}

TEST(floats_have_a_total_order) {
  double order[] = {-INFINITY, -1.5, -0.0, 0.0, 1e-300, INFINITY, NAN}, other_nan = -NAN;
  const lc_type *type = p(LC_TYPE_F64);
  for (size_t i = 0; i < 7; i++) {
    for (size_t k = 0; k < 7; k++) {
      int expected = (i > k) - (i < k);
      if ((i == 2 && k == 3) || (i == 3 && k == 2)) expected = 0;
      expect_equal(lc_value_compare(type, (uint8_t *)&order[i], (uint8_t *)&order[k]), expected);
    }
  }
  expect_equal(lc_value_compare(type, (uint8_t *)&order[6], (uint8_t *)&other_nan), 0);
}
