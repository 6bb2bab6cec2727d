/*
 * Input: a typespace (u32 count, types), then bytes that claim to be a value of its first type. Whatever validates must be walked without
 * a read outside, equal itself, and come back the same from its JSON text.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "sats/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool has_float(const lc_type *type) {
  if (type->kind == LC_TYPE_REF) return true; /* not looked into */
  if (type->kind == LC_TYPE_F32 || type->kind == LC_TYPE_F64) return true;
  if (type->kind == LC_TYPE_ARRAY) return has_float(type->element);
  for (uint32_t i = 0; i < type->field_count; i++)
    if (has_float(type->fields[i].type)) return true;
  return false;
}

static void exercise(lc_arena *arena, const lc_type *type, lc_cursor *cursor) {
  lc_span bytes = {cursor->at, lc_cursor_left(cursor)};
  if (lc_failed(lc_value_validate(type, cursor))) return;
  size_t len = (size_t)(cursor->at - bytes.ptr);
  lc_assert(lc_value_size(type, bytes.ptr) == len);
  lc_assert(lc_value_compare(type, bytes.ptr, bytes.ptr) == 0);
  lc_buf json = {0}, again = {0};
  const uint8_t *at = bytes.ptr;
  lc_value_print_satn(&json, type, &at);
  lc_assert(at == bytes.ptr + len);
  lc_buf_clear(&json);
  at = bytes.ptr;
  lc_value_print_json(&json, type, &at, LC_JSON_POSITIONAL);
  lc_assert(at == bytes.ptr + len);
  bool parsed = !lc_failed(lc_value_parse_json(&again, type, lc_buf_str(&json)));
  if (parsed && !has_float(type)) lc_assert(again.len == len && (len == 0 || memcmp(again.data, bytes.ptr, len) == 0));
  if (type->kind == LC_TYPE_PRODUCT) {
    lc_layout *layout = lc_layout_create(arena, type);
    size_t used;
    if (!lc_failed(lc_layout_validate(layout, bytes, &used))) {
      uint32_t *offsets = lc_arena_alloc(arena, sizeof *offsets * (layout->column_count + 1));
      lc_layout_offsets(layout, bytes.ptr, offsets);
      for (uint32_t i = 0; i < layout->column_count; i++) lc_assert(lc_layout_column(layout, bytes.ptr, i).ptr == bytes.ptr + offsets[i]);
      lc_assert(offsets[layout->column_count] == used);
    }
  }
  lc_buf_deinit(&json);
  lc_buf_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  lc_arena arena = {0};
  lc_cursor cursor = {data, data + size, false};
  uint32_t count = lc_cursor_u32(&cursor);
  if (!cursor.failed && count > 0 && count <= 64) {
    lc_type *types[64];
    bool good = true;
    for (uint32_t i = 0; i < count && good; i++) good = !lc_failed(lc_type_decode(&arena, &cursor, &types[i]));
    lc_typespace space = {types, count};
    if (good && !lc_failed(lc_typespace_link(&space))) exercise(&arena, types[0], &cursor);
  }
  lc_arena_deinit(&arena);
  return 0;
}
