/*
 * SATS-JSON both ways (http-api 1.2) and SATN. Expected texts are those that the reference was recorded with (calls of a procedure that
 * returns every type, rows of v1.json, argument errors), or that Rust's shortest float printing gives.
 */
#include "sats/json.h"

#include <math.h>

#include "harness.h"
#include "sats/number.h"

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
static const lc_type *sum(uint32_t count, const lc_field *fields) {
  return lc_type_sum(&arena, fields, count);
}
static const lc_type *option(const lc_type *some) {
  return sum(2, (lc_field[]){{LC_STR("some"), some}, {LC_STR("none"), unit()}});
}

/* Parses, prints positionally and compares: `expected` NULL means the same text again. */
static void expect_round(const lc_type *type, const char *json, const char *expected) {
  lc_buf bytes = {0}, text = {0};
  expect_ok(lc_value_parse_json(&bytes, type, lc_str_of(json)));
  lc_cursor cursor = lc_cursor_of(lc_buf_span(&bytes));
  expect_ok(lc_value_validate(type, &cursor));
  expect_equal(lc_cursor_left(&cursor), 0);
  const uint8_t *at = bytes.data;
  lc_value_print_json(&text, type, &at, LC_JSON_POSITIONAL);
  expect(at == bytes.data + bytes.len);
  expect_text(lc_buf_cstr(&text), expected ? expected : json);
  lc_buf_deinit(&bytes);
  lc_buf_deinit(&text);
}

static void expect_refused(const lc_type *type, const char *json, const char *message) {
  lc_buf bytes = {0};
  lc_err err = lc_value_parse_json(&bytes, type, lc_str_of(json));
  expect_equal(err.code, LC_ERR_JSON);
  if (message) expect_text(lc_err_text(err), message);
  expect_equal(bytes.len, 0);
  lc_buf_deinit(&bytes);
}

TEST(integers_of_every_width_are_exact) {
  static const struct {
    lc_type_kind kind;
    const char *least, *most, *below, *above;
  } table[] = {
      {LC_TYPE_I8, "-128", "127", "-129", "128"},
      {LC_TYPE_U8, "0", "255", "-1", "256"},
      {LC_TYPE_I16, "-32768", "32767", "-32769", "32768"},
      {LC_TYPE_U16, "0", "65535", "-1", "65536"},
      {LC_TYPE_I32, "-2147483648", "2147483647", "-2147483649", "2147483648"},
      {LC_TYPE_U32, "0", "4294967295", "-1", "4294967296"},
      {LC_TYPE_I64, "-9223372036854775808", "9223372036854775807", "-9223372036854775809", "9223372036854775808"},
      {LC_TYPE_U64, "0", "18446744073709551615", "-1", "18446744073709551616"},
      {LC_TYPE_I128, "-170141183460469231731687303715884105728", "170141183460469231731687303715884105727",
       "-170141183460469231731687303715884105729", "170141183460469231731687303715884105728"},
      {LC_TYPE_U128, "0", "340282366920938463463374607431768211455", "-1", "340282366920938463463374607431768211456"},
      {LC_TYPE_I256, "\"-0x8000000000000000000000000000000000000000000000000000000000000000\"",
       "\"0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\"",
       "\"-0x8000000000000000000000000000000000000000000000000000000000000001\"",
       "\"0x8000000000000000000000000000000000000000000000000000000000000000\""},
      {LC_TYPE_U256, "\"0x0\"", "\"0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\"", "\"-0x1\"",
       "\"0x10000000000000000000000000000000000000000000000000000000000000000\""},
  };
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    expect_round(p(table[i].kind), table[i].least, NULL);
    expect_round(p(table[i].kind), table[i].most, NULL);
    expect_refused(p(table[i].kind), table[i].below, NULL);
    expect_refused(p(table[i].kind), table[i].above, NULL);
  }
  expect_round(p(LC_TYPE_I256), "\"-0x1\"", NULL);
  expect_round(p(LC_TYPE_U256), "\"0x00DEADbeef\"", "\"0xdeadbeef\"");
}

TEST(floats_are_printed_with_the_fewest_digits) {
  static const struct {
    double value;
    const char *json, *plain;
  } table[] = {
      {0.0, "0.0", "0"},
      {-0.0, "-0.0", "-0"},
      {1.0, "1.0", "1"},
      {0.1, "0.1", "0.1"},
      {-1.5, "-1.5", "-1.5"},
      {1e15, "1000000000000000.0", "1000000000000000"},
      {1e16, "1e16", "10000000000000000"},
      {123456789012345680.0, "1.2345678901234568e17", "123456789012345680"},
      {1e-5, "0.00001", "0.00001"},
      {1e-6, "1e-6", "0.000001"},
      {1e300, "1e300", NULL},
      {2.2250738585072014e-308, "2.2250738585072014e-308", NULL},
      {5e-324, "5e-324", NULL},
      {1.7976931348623157e308, "1.7976931348623157e308", NULL},
      {9007199254740993.0, "9007199254740992.0", "9007199254740992"},
      {0.30000000000000004, "0.30000000000000004", "0.30000000000000004"},
  };
  lc_buf text = {0};
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    lc_buf_clear(&text);
    lc_f64_print_json(&text, table[i].value);
    expect_text(lc_buf_cstr(&text), table[i].json);
    lc_buf_clear(&text);
    lc_f64_print_plain(&text, table[i].value);
    if (table[i].plain) expect_text(lc_buf_cstr(&text), table[i].plain);
  }
  static const struct {
    float value;
    const char *json;
  } single[] = {{0.1f, "0.1"},   {3.4028235e38f, "3.4028235e38"}, {1.5f, "1.5"},   {16777216.0f, "16777216.0"},
                {1e13f, "1e13"}, {1e12f, "1000000000000.0"},      {1e-7f, "1e-7"}, {1e-45f, "1e-45"}};
  for (size_t i = 0; i < sizeof single / sizeof single[0]; i++) {
    lc_buf_clear(&text);
    lc_f32_print_json(&text, single[i].value);
    expect_text(lc_buf_cstr(&text), single[i].json);
  }
  lc_buf_clear(&text);
  lc_f64_print_json(&text, NAN);
  lc_f64_print_json(&text, -INFINITY);
  lc_f64_print_plain(&text, INFINITY);
  expect_text(lc_buf_cstr(&text), "nullnullinf");
  lc_buf_deinit(&text);
}

TEST(printed_floats_read_back_to_the_same_bits) {
  uint64_t state = 88172645463325252u;
  lc_buf text = {0};
  for (int i = 0; i < 20000; i++) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    uint64_t bits = i % 8 == 0 ? (state & 0x7ff0000000000000u) : state; /* powers of two among them */
    double value, back;
    memcpy(&value, &bits, 8);
    if (isnan(value) || isinf(value)) continue;
    lc_buf_clear(&text);
    lc_f64_print_json(&text, value);
    back = strtod(lc_buf_cstr(&text), NULL);
    expect(memcmp(&back, &value, 8) == 0);
    float narrow = (float)value, narrow_back;
    if (isinf(narrow)) continue;
    lc_buf_clear(&text);
    lc_f32_print_json(&text, narrow);
    narrow_back = strtof(lc_buf_cstr(&text), NULL);
    expect(memcmp(&narrow_back, &narrow, 4) == 0);
  }
  lc_buf_deinit(&text);
}

TEST(containers_are_accepted_in_every_spelling) {
  const lc_type *shape =
      sum(3, (lc_field[]){{LC_STR("empty"), unit()}, {LC_STR("circle"), p(LC_TYPE_F64)}, {LC_STR("spot"), one("x", p(LC_TYPE_U8))}});
  const lc_type *identity = one("__identity__", p(LC_TYPE_U256));
  expect_round(option(p(LC_TYPE_U32)), "{\"some\": 1}", "[0,1]");
  expect_round(option(p(LC_TYPE_U32)), "null", "[1,[]]");
  expect_round(option(p(LC_TYPE_U32)), "[0, 5]", "[0,5]");
  expect_round(option(p(LC_TYPE_U32)), "{\"none\": []}", "[1,[]]");
  expect_round(shape, "{\"empty\": {}}", "[0,[]]");
  expect_round(shape, "{\"1\": 2.5}", "[1,2.5]");
  expect_round(shape, "{\"spot\": {\"x\": 3}}", "[2,[3]]");
  expect_round(identity, "[\"0xff\"]", NULL);
  expect_round(identity, "{\"__identity__\": \"0xff\"}", "[\"0xff\"]");
  expect_round(lc_type_array(&arena, p(LC_TYPE_U8)), "\"00ff\"", NULL);
  expect_round(lc_type_array(&arena, p(LC_TYPE_U8)), "[0, 255]", "\"00ff\"");
  expect_round(lc_type_array(&arena, p(LC_TYPE_I8)), " [ -1 , 0 ] ", "[-1,0]");
  expect_round(p(LC_TYPE_STRING), "\"na\\u00efve \\ud83d\\ude80 \\\"q\\\" \\\\ \\n\\u0001\"",
               "\"na\xc3\xafve \xf0\x9f\x9a\x80 \\\"q\\\" \\\\ \\n\\u0001\"");
  expect_round(unit(), "{}", "[]");
}

/* Texts of http/call and http/schema recordings. */
TEST(errors_name_the_place) {
  const lc_type *args = lc_type_product(
      &arena, (lc_field[]){{LC_STR("name"), p(LC_TYPE_STRING)}, {LC_STR("age"), p(LC_TYPE_U8)}, {LC_STR("city"), p(LC_TYPE_STRING)}}, 3);
  const lc_type *none = unit();
  static const struct {
    bool none;
    const char *json, *message;
  } table[] = {
      {false, "{\"name\":\"Bea\",\"age\":18}", ".: missing reducer argument `city` at line 1 column 23"},
      {false, "{\"name\":\"Bea\",\"age\":18,\"city\":\"Rome\",\"x\":1}", ".: trailing comma at line 1 column 37"},
      {false, "{\"name\":\"Bea\",\"name\":\"Bea\",\"age\":18,\"city\":\"Rome\"}",
       ".: duplicate reducer argument `name` at line 1 column 20"},
      {false, "[\"Ann\"]", ".: invalid length 1, expected reducer args for add_person with 3 elements at line 1 column 7"},
      {false, "[\"Ann\",17,\"Oslo\",1]", ".: trailing characters at line 1 column 18"},
      {false, "[\"Cy\",300,\"Oslo\"]", "[1]: invalid value: integer `300`, expected u8 at line 1 column 9"},
      {false, "[\"Cy\",\"17\",\"Oslo\"]", "[1]: invalid type: string \"17\", expected u8 at line 1 column 10"},
      {false, "[1,17,\"Oslo\"]", "[0]: invalid type: integer `1`, expected a string at line 1 column 2"},
      {false, "[\"Cy\",1.5,\"Oslo\"]", "[1]: invalid type: floating point `1.5`, expected u8 at line 1 column 9"},
      {false, "[null,17,\"Oslo\"]", "[0]: invalid type: null, expected a string at line 1 column 5"},
      {false, "hello", ".: expected value at line 1 column 1"},
      {true, "", ".: EOF while parsing a value at line 1 column 0"},
      {true, "null", ".: invalid type: null, expected a add_person tuple at line 1 column 4"},
      {true, "[] []", "trailing characters at line 1 column 4"},
  };
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    lc_buf bytes = {0};
    lc_err err = lc_call_parse_json(&bytes, table[i].none ? none : args, LC_STR("add_person"), lc_str_of(table[i].json));
    expect_equal(err.code, LC_ERR_JSON);
    expect_text(lc_err_text(err), table[i].message);
    lc_buf_deinit(&bytes);
  }
  expect_refused(p(LC_TYPE_U64), "1e3", ".: invalid type: floating point `1000.0`, expected u64 at line 1 column 3");
  expect_refused(p(LC_TYPE_U64), "18446744073709551616",
                 ".: invalid type: floating point `1.8446744073709552e19`, expected u64 at line 1 column 20");
  expect_refused(p(LC_TYPE_U256), "7", ".: invalid type: integer `7`, expected a formatted 256-bit integer at line 1 column 1");
  expect_refused(p(LC_TYPE_U256), "\"ff\"", ".: invalid digit found in string at line 1 column 4");
  expect_refused(lc_type_array(&arena, p(LC_TYPE_U8)), "\"abc\"",
                 ".: invalid value: string \"abc\", expected a byte array or hex string at line 1 column 5");
  expect_refused(option(p(LC_TYPE_U8)), "5", ".: invalid type: integer `5`, expected sum type at line 1 column 1");
  expect_refused(one("__identity__", p(LC_TYPE_U256)), "\"c2\"",
                 ".: invalid type: string \"c2\", expected a 1-element tuple at line 1 column 4");
}

TEST(hostile_texts_are_refused) {
  static const char *const texts[] = {"\"\\ud800\"", "\"\\udc00x\"",
                                      "\"\\q\"",     "\"a\nb\"",
                                      "\"open",      "[1,]",
                                      "[1 2]",       "[",
                                      "01",          "-",
                                      "1.",          "1e",
                                      "+1",          "nul",
                                      "{\"some\"}",  "{\"some\":1,\"none\":[]}",
                                      "[9,0]",       "[0]",
                                      "{\"256\":1}"};
  const lc_type *types[] = {p(LC_TYPE_STRING), option(p(LC_TYPE_U8)), lc_type_array(&arena, p(LC_TYPE_U32)), p(LC_TYPE_F64),
                            p(LC_TYPE_I32)};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
    for (size_t k = 0; k < sizeof types / sizeof types[0]; k++)
      if (k != 2 || (texts[i] != texts[16] && texts[i] != texts[17]))
        expect_refused(types[k], texts[i], NULL); /* [9,0] and [0] are arrays of numbers */
  lc_type *list[1] = {(lc_type *)lc_type_array(&arena, lc_type_ref(&arena, 0))};
  lc_typespace space = {list, 1};
  expect_ok(lc_typespace_link(&space));
  char deep[100001];
  memset(deep, '[', 100000);
  deep[100000] = 0;
  expect_refused(list[0], deep, NULL);
}

TEST(stored_rows_are_printed_with_names) {
  const lc_type *inner = lc_type_product(&arena, (lc_field[]){{LC_STR("on"), p(LC_TYPE_BOOL)}, {LC_STR("tag"), p(LC_TYPE_STRING)}}, 2);
  const lc_type *row = lc_type_product(&arena,
                                       (lc_field[]){{LC_STR("who"), one("__identity__", p(LC_TYPE_U256))},
                                                    {LC_STR("mood"), option(p(LC_TYPE_U8))},
                                                    {LC_STR("inner"), inner},
                                                    {LC_STR("list"), lc_type_array(&arena, inner)},
                                                    {LC_STR("nothing"), unit()}},
                                       5);
  lc_buf bytes = {0}, text = {0};
  expect_ok(lc_value_parse_json(&bytes, row, LC_STR("[[\"0x1\"],null,[true,\"in\"],[[false,\"t\"]],[]]")));
  const uint8_t *at = bytes.data;
  lc_value_print_json(&text, row, &at, LC_JSON_NAMED);
  expect_text(lc_buf_cstr(&text),
              "{\"who\":{\"__identity__\":\"0x1\"},\"mood\":[1,{}],\"inner\":{\"on\":true,\"tag\":\"in\"},\"list\":[[false,\"t\"]],"
              "\"nothing\":{}}");
  lc_buf_deinit(&bytes);
  lc_buf_deinit(&text);
}

TEST(satn_is_what_error_messages_show) {
  const lc_type *key = lc_type_product(&arena, (lc_field[]){{{0}, p(LC_TYPE_STRING)}, {{0}, p(LC_TYPE_STRING)}}, 2);
  static const struct {
    lc_type_kind kind;
    const char *json, *satn;
  } table[] = {{LC_TYPE_U8, "17", "17"},    {LC_TYPE_STRING, "\"same\"", "\"same\""}, {LC_TYPE_F64, "-0.0", "0"},
               {LC_TYPE_F64, "1.5", "1.5"}, {LC_TYPE_BOOL, "true", "true"},           {LC_TYPE_I128, "-5", "-5"}};
  lc_buf bytes = {0}, text = {0};
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    lc_buf_clear(&bytes);
    lc_buf_clear(&text);
    expect_ok(lc_value_parse_json(&bytes, p(table[i].kind), lc_str_of(table[i].json)));
    const uint8_t *at = bytes.data;
    lc_value_print_satn(&text, p(table[i].kind), &at);
    expect_text(lc_buf_cstr(&text), table[i].satn);
  }
  lc_buf_clear(&bytes);
  lc_buf_clear(&text);
  expect_ok(lc_value_parse_json(&bytes, key, LC_STR("[\"t\",\"x\"]")));
  const uint8_t *at = bytes.data;
  lc_value_print_satn(&text, key, &at);
  expect_text(lc_buf_cstr(&text), "(0 = \"t\", 1 = \"x\")");
  lc_buf_deinit(&bytes);
  lc_buf_deinit(&text);
}
