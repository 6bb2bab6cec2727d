/* Layouts (see layout.h). Everything that can be known from the type alone is computed by lc_layout_create. */
#include "sats/layout.h"

#include "sats/sats_internal.h"

lc_layout *lc_layout_create(lc_arena *arena, const lc_type *product) {
  product = lc_type_resolve(product);
  lc_assert(product->kind == LC_TYPE_PRODUCT && product->measured == LC__MEASURED);
  lc_layout *layout = lc_arena_zalloc(arena, sizeof *layout + sizeof(lc_column_layout) * product->field_count);
  layout->row = product;
  layout->column_count = product->field_count;
  layout->fixed = product->fixed;
  layout->plain = product->plain;
  layout->fixed_size = product->fixed_size;
  uint32_t offset = 0;
  for (uint32_t i = 0; i < product->field_count; i++) {
    lc_column_layout *column = &layout->columns[i];
    column->type = lc_type_resolve(product->fields[i].type);
    column->fixed = column->type->fixed;
    column->size = column->type->fixed_size;
    column->offset = offset;
    bool known = offset != LC_OFFSET_UNKNOWN && column->fixed && offset <= LC_OFFSET_UNKNOWN - 1 - column->size;
    offset = known ? offset + column->size : LC_OFFSET_UNKNOWN;
  }
  return layout;
}

lc_err lc_layout_validate(const lc_layout *layout, lc_span bytes, size_t *used) {
  if (__builtin_expect(layout->plain && bytes.len == layout->fixed_size, 1)) {
    *used = bytes.len;
    return lc_ok();
  }
  if (layout->fixed && bytes.len > layout->fixed_size)
    return lc_fail(LC_ERR_BSATN, "the row has %zu bytes; its columns take exactly %u", bytes.len, layout->fixed_size);
  lc_cursor cursor = lc_cursor_of(bytes);
  for (uint32_t i = 0; i < layout->column_count; i++) {
    lc_err err = lc_value_validate(layout->columns[i].type, &cursor);
    if (!lc_failed(err)) continue;
    lc_str name = layout->row->fields[i].name;
    return name.ptr ? lc_err_context(err, "column `%.*s`", LC_STR_ARGS(name)) : lc_err_context(err, "column %u", i);
  }
  *used = bytes.len - lc_cursor_left(&cursor);
  return lc_ok();
}

lc_span lc_layout_column(const lc_layout *layout, const uint8_t *row, uint32_t column) {
  const lc_column_layout *wanted = &layout->columns[column];
  size_t offset = wanted->offset;
  if (offset == LC_OFFSET_UNKNOWN) {
    /* Walk from the last column whose place is known. */
    uint32_t from = column;
    while (layout->columns[from].offset == LC_OFFSET_UNKNOWN) from--;
    offset = layout->columns[from].offset;
    for (; from < column; from++) offset += lc_value_size(layout->columns[from].type, row + offset);
  }
  return (lc_span){row + offset, wanted->fixed ? wanted->size : lc_value_size(wanted->type, row + offset)};
}

void lc_layout_offsets(const lc_layout *layout, const uint8_t *row, uint32_t *offsets) {
  size_t at = 0;
  for (uint32_t i = 0; i < layout->column_count; i++) {
    const lc_column_layout *column = &layout->columns[i];
    offsets[i] = (uint32_t)at;
    at += column->fixed ? column->size : lc_value_size(column->type, row + at);
  }
  offsets[layout->column_count] = (uint32_t)at;
}
