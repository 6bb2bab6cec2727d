/* Input: text that claims to be the JSON of a value with a bit of everything in it. What is accepted must be valid BSATN. */
#include "base/assert.h"
#include "sats/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const lc_type *build(lc_arena *arena) {
  static lc_type *types[1];
  const lc_type *unit = lc_type_product(arena, NULL, 0);
  const lc_type *option = lc_type_sum(arena, (lc_field[]){{LC_STR("some"), lc_type_ref(arena, 0)}, {LC_STR("none"), unit}}, 2);
  const lc_type *shape = lc_type_sum(
      arena,
      (lc_field[]){
          {LC_STR("circle"), lc_type_primitive(LC_TYPE_F64)}, {LC_STR("text"), lc_type_primitive(LC_TYPE_STRING)}, {LC_STR("unit"), unit}},
      3);
  types[0] = lc_type_product(arena,
                             (lc_field[]){{LC_STR("u"), lc_type_primitive(LC_TYPE_U8)},
                                          {LC_STR("wide"), lc_type_primitive(LC_TYPE_I256)},
                                          {LC_STR("big"), lc_type_primitive(LC_TYPE_I128)},
                                          {LC_STR("bytes"), lc_type_array(arena, lc_type_primitive(LC_TYPE_U8))},
                                          {LC_STR("shapes"), lc_type_array(arena, shape)},
                                          {LC_STR("next"), option}},
                             6);
  lc_typespace space = {types, 1};
  lc_err err = lc_typespace_link(&space);
  lc_assert(!lc_failed(err));
  return types[0];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  lc_arena arena = {0};
  const lc_type *type = build(&arena);
  lc_buf bytes = {0}, text = {0};
  if (!lc_failed(lc_value_parse_json(&bytes, type, (lc_str){(const char *)data, size}))) {
    lc_cursor cursor = lc_cursor_of(lc_buf_span(&bytes));
    lc_err err = lc_value_validate(type, &cursor);
    lc_assert(!lc_failed(err) && lc_cursor_left(&cursor) == 0);
    const uint8_t *at = bytes.data;
    lc_value_print_json(&text, type, &at, LC_JSON_NAMED);
    lc_assert(at == bytes.data + bytes.len);
  } else {
    lc_assert(bytes.len == 0);
  }
  lc_buf_deinit(&bytes);
  lc_buf_deinit(&text);
  lc_arena_deinit(&arena);
  return 0;
}
