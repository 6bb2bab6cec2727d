/*
 * Which changes of a column's type keep the stored rows valid: a sum may gain variants at its end. The reference also wants the type to
 * keep its size and alignment in its own row format; modules are written to these rules, so they hold here too (datastore-and-lifecycle
 * 3.4), although rows stored as BSATN would not need them.
 */
#include "schema/migrate_internal.h"

/* ------------------------------------------------------------------------------------------------ size in the reference's row format */

typedef struct memory_shape {
  uint64_t size, align;
} memory_shape;

static uint64_t align_to(uint64_t size, uint64_t align) {
  return (size + align - 1) / align * align;
}

/* Numbers lie at their own size, variable-length values are a reference of two 16-bit numbers, a sum is its largest payload and a tag. */
static memory_shape shape_of(const lc_type *type) {
  memory_shape shape = {0, 1};
  switch (type->kind) {
    case LC_TYPE_STRING:
    case LC_TYPE_ARRAY:
      return (memory_shape){4, 2};
    case LC_TYPE_PRODUCT:
      for (uint32_t i = 0; i < type->field_count; i++) {
        memory_shape field = shape_of(type->fields[i].type);
        if (field.align > shape.align) shape.align = field.align;
        shape.size = align_to(shape.size, field.align) + field.size;
      }
      shape.size = align_to(shape.size, shape.align);
      return shape;
    case LC_TYPE_SUM:
      for (uint32_t i = 0; i < type->field_count; i++) {
        memory_shape variant = shape_of(type->fields[i].type);
        if (variant.align > shape.align) shape.align = variant.align;
        if (variant.size > shape.size) shape.size = variant.size;
      }
      shape.size = align_to(shape.size + 1, shape.align);
      return shape;
    default: {
      uint32_t size = lc_type_primitive_size(type->kind);
      return (memory_shape){size, size};
    }
  }
}

/* ------------------------------------------------------------------------------------------------ comparison */

typedef struct comparison {
  lc_buf *errors;
  lc_str table, column;
  bool extended;
} comparison;

/* `reason` stands before, `cause` behind "requires a manual migration". */
static void refuse(comparison *c, const lc_type *old, const lc_type *new_type, const char *reason, const char *cause) {
  lc_buf_printf(c->errors, "Changing the type of column %.*s in table %.*s from ", LC_STR_ARGS(c->column), LC_STR_ARGS(c->table));
  lc_type_print(c->errors, old);
  lc_buf_put_text(c->errors, " to ");
  lc_type_print(c->errors, new_type);
  lc_buf_printf(c->errors, "%s requires a manual migration%s\n", reason, cause);
}

static bool same_name(const lc_field *a, const lc_field *b) {
  return (a->name.ptr == NULL) == (b->name.ptr == NULL) && lc_str_equal(a->name, b->name);
}

static void compare_types(comparison *c, const lc_type *old, const lc_type *new_type);

static void compare_sums(comparison *c, const lc_type *old, const lc_type *new_type) {
  if (new_type->field_count < old->field_count) {
    refuse(c, old, new_type, ", with fewer variants,", "");
    return;
  }
  for (uint32_t i = 0; i < old->field_count; i++) {
    if (!same_name(&old->fields[i], &new_type->fields[i]))
      refuse(c, old, new_type, ", with a renamed variant,", "");
    else
      compare_types(c, old->fields[i].type, new_type->fields[i].type);
  }
  if (new_type->field_count == old->field_count) return;
  c->extended = true;
  memory_shape a = shape_of(old), b = shape_of(new_type);
  if (a.size != b.size) refuse(c, old, new_type, ",", ", due to size mismatch");
  if (a.align != b.align) refuse(c, old, new_type, ",", ", due to alignment mismatch");
}

static void compare_products(comparison *c, const lc_type *old, const lc_type *new_type) {
  if (old->field_count != new_type->field_count) {
    refuse(c, old, new_type, ", with fewer fields,", ""); /* what the reference says of more fields, too */
    return;
  }
  for (uint32_t i = 0; i < old->field_count; i++) {
    if (!same_name(&old->fields[i], &new_type->fields[i]))
      refuse(c, old, new_type, ", with a renamed field,", "");
    else
      compare_types(c, old->fields[i].type, new_type->fields[i].type);
  }
}

static void compare_types(comparison *c, const lc_type *old, const lc_type *new_type) {
  if (old->kind != new_type->kind) {
    refuse(c, old, new_type, "", "");
  } else if (old->kind == LC_TYPE_SUM) {
    compare_sums(c, old, new_type);
  } else if (old->kind == LC_TYPE_PRODUCT) {
    compare_products(c, old, new_type);
  } else if (old->kind == LC_TYPE_ARRAY) {
    compare_types(c, old->element, new_type->element);
  }
}

bool lc__migrate_column_type(lc_buf *errors, const lc_table_def *table, const lc_column_def *column, const lc_type *new_type) {
  comparison c = {errors, table->name, column->name, false};
  compare_types(&c, lc_type_resolve(column->type), lc_type_resolve(new_type)); /* column types have no refs inside (D4) */
  return c.extended;
}
