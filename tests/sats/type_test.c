/* Types: encoding (module-abi 5.3), special types by their exact names, linking, equality, printing. */
#include "sats/type.h"

#include "harness.h"

static lc_arena arena;

static const lc_type *p(lc_type_kind kind) {
  return lc_type_primitive(kind);
}
static const lc_type *unit(void) {
  return lc_type_product(&arena, NULL, 0);
}
static const lc_type *one(const char *name, const lc_type *type) {
  return lc_type_product(&arena, &(lc_field){lc_str_of(name), type}, 1);
}
static const lc_type *two(const char *a, const lc_type *x, const char *b, const lc_type *y) {
  return lc_type_sum(&arena, (lc_field[]){{lc_str_of(a), x}, {lc_str_of(b), y}}, 2);
}

static lc_err decode(const char *hex, lc_type **type) {
  uint8_t bytes[4096];
  size_t len = strlen(hex) / 2;
  expect(lc_hex_decode(bytes, len, lc_str_of(hex)));
  lc_cursor cursor = lc_cursor_of((lc_span){bytes, len});
  return lc_type_decode(&arena, &cursor, type);
}

TEST(the_example_of_the_specification_is_encoded_and_decoded) { /* product { id: U32 } */
  static const char hex[] =
      "020100000000020000006964"
      "0b";
  lc_type *type;
  expect_ok(decode(hex, &type));
  expect_equal(type->kind, LC_TYPE_PRODUCT);
  expect(lc_str_is(type->fields[0].name, "id") && type->fields[0].type->kind == LC_TYPE_U32);
  lc_buf bytes = {0};
  lc_type_encode(&bytes, type);
  char text[64];
  lc_hex(text, bytes.data, bytes.len);
  expect_text(text, hex);
  lc_buf_deinit(&bytes);
}

TEST(malformed_types_are_refused) {
  lc_type *type;
  expect_error(decode("14", &type), LC_ERR_BSATN);         /* no such tag */
  expect_error(decode("02ffffffff", &type), LC_ERR_BSATN); /* a count that the bytes cannot hold */
  expect_error(decode("0201000000", &type), LC_ERR_BSATN);
  expect_error(decode("02010000000201", &type), LC_ERR_BSATN);           /* option tag 2 */
  expect_error(decode("02010000000001000000ff0b", &type), LC_ERR_BSATN); /* a name that is no UTF-8 */
  char deep[1001];
  for (int i = 0; i < 500; i++) memcpy(deep + 2 * i, "03", 3); /* Array of Array of … */
  expect_error(decode(deep, &type), LC_ERR_BSATN);
}

TEST(special_types_are_recognised_by_exact_names_and_never_through_a_ref) {
  expect_equal(one("__identity__", p(LC_TYPE_U256))->special, LC_SPECIAL_IDENTITY);
  expect_equal(one("__identity__", p(LC_TYPE_U128))->special, LC_SPECIAL_NONE);
  expect_equal(one("__connection_id__", p(LC_TYPE_U128))->special, LC_SPECIAL_CONNECTION_ID);
  expect_equal(one("__uuid__", p(LC_TYPE_U128))->special, LC_SPECIAL_UUID);
  expect_equal(one("__query__", lc_type_ref(&arena, 0))->special, LC_SPECIAL_QUERY);
  const lc_type *duration = one("__time_duration_micros__", p(LC_TYPE_I64)),
                *time = one("__timestamp_micros_since_unix_epoch__", p(LC_TYPE_I64));
  expect_equal(duration->special, LC_SPECIAL_TIME_DURATION);
  expect_equal(time->special, LC_SPECIAL_TIMESTAMP);
  expect_equal(two("Interval", duration, "Time", time)->special, LC_SPECIAL_SCHEDULE_AT);
  expect_equal(two("Time", time, "Interval", duration)->special, LC_SPECIAL_NONE);
  expect_equal(two("Interval", lc_type_ref(&arena, 0), "Time", time)->special, LC_SPECIAL_NONE);
  expect_equal(two("some", p(LC_TYPE_U8), "none", unit())->special, LC_SPECIAL_OPTION);
  expect_equal(two("Some", p(LC_TYPE_U8), "None", unit())->special, LC_SPECIAL_NONE);
  expect_equal(two("none", unit(), "some", p(LC_TYPE_U8))->special, LC_SPECIAL_NONE);
  expect_equal(two("ok", p(LC_TYPE_U8), "err", p(LC_TYPE_STRING))->special, LC_SPECIAL_RESULT);
}

TEST(sizes_are_known_for_types_of_one_length) {
  uint32_t size;
  expect(lc_type_is_fixed(one("__identity__", p(LC_TYPE_U256)), &size) && size == 32);
  expect(lc_type_is_fixed(unit(), &size) && size == 0);
  expect(!lc_type_is_fixed(p(LC_TYPE_STRING), &size));
  expect(!lc_type_is_fixed(lc_type_array(&arena, p(LC_TYPE_U8)), &size));
  expect(lc_type_is_fixed(two("a", p(LC_TYPE_U16), "b", p(LC_TYPE_I16)), &size) && size == 3);
  expect(!lc_type_is_fixed(two("a", p(LC_TYPE_U16), "b", p(LC_TYPE_I32)), &size));
}

TEST(refs_are_linked_or_refused) {
  lc_type *types[3] = {(lc_type *)one("next", lc_type_array(&arena, lc_type_ref(&arena, 2))), lc_type_ref(&arena, 0),
                       lc_type_ref(&arena, 1)};
  lc_typespace space = {types, 3};
  expect_ok(lc_typespace_link(&space));
  expect(types[0]->fields[0].type->element->target == types[0]); /* chains of refs are followed to the end */
  lc_type *outside = lc_type_ref(&arena, 7);
  expect_error(lc_type_link(&space, outside), LC_ERR_MODULE_DEF);
  lc_type *circle[2] = {lc_type_ref(&arena, 1), lc_type_ref(&arena, 0)};
  space = (lc_typespace){circle, 2};
  expect_ok(lc_typespace_link(&space)); /* unused circles exist; nothing walks in them */
  expect_equal(lc_type_resolve(circle[0])->kind, LC_TYPE_SUM);
  enum { MANY = 5000 };
  static lc_type *chain[MANY];
  chain[0] = (lc_type *)one("a", p(LC_TYPE_U8));
  for (uint32_t i = 1; i < MANY; i++) chain[i] = (lc_type *)one("a", lc_type_ref(&arena, i - 1));
  space = (lc_typespace){chain, MANY};
  expect_error(lc_typespace_link(&space), LC_ERR_MODULE_DEF); /* too high to walk */
}

TEST(equality_is_structural_and_follows_refs) {
  lc_type *a[1] = {(lc_type *)one("next", lc_type_array(&arena, lc_type_ref(&arena, 0)))};
  lc_type *b[2] = {(lc_type *)one("next", lc_type_array(&arena, lc_type_ref(&arena, 1))),
                   (lc_type *)one("next", lc_type_array(&arena, lc_type_ref(&arena, 0)))};
  lc_typespace x = {a, 1}, y = {b, 2};
  expect_ok(lc_typespace_link(&x));
  expect_ok(lc_typespace_link(&y));
  expect(lc_type_equal(a[0], b[0])); /* the same infinite unfolding */
  expect(!lc_type_equal(one("a", p(LC_TYPE_U8)), one("b", p(LC_TYPE_U8))));
  expect(!lc_type_equal(one("a", p(LC_TYPE_U8)), one("a", p(LC_TYPE_I8))));
  const lc_type *copy;
  expect_failure(lc_type_inline(&arena, a[0], &copy)); /* contains itself */
}

TEST(types_are_printed_as_tools_know_them) {
  const lc_type *type = lc_type_product(&arena,
                                        (lc_field[]){{LC_STR("id"), p(LC_TYPE_U32)},
                                                     {LC_STR("o"), two("some", p(LC_TYPE_STRING), "none", unit())},
                                                     {{0}, lc_type_array(&arena, lc_type_ref(&arena, 3))}},
                                        3);
  lc_buf text = {0};
  lc_type_print_refs(&text, type);
  expect_text(lc_buf_cstr(&text), "(id: U32, o: (some: String | none: ()), 2: Array<&3>)");
  lc_buf_clear(&text);
  lc_type_print_json(&text, one("id", p(LC_TYPE_U32)));
  expect_text(lc_buf_cstr(&text), "{\"Product\":{\"elements\":[{\"name\":{\"some\":\"id\"},\"algebraic_type\":{\"U32\":[]}}]}}");
  lc_buf_clear(&text);
  lc_type_print_json(&text, lc_type_array(&arena, lc_type_ref(&arena, 3)));
  expect_text(lc_buf_cstr(&text), "{\"Array\":{\"Ref\":3}}");
  lc_buf_deinit(&text);
}
