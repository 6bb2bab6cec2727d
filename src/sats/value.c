/*
 * Values as bytes: validation of untrusted ones, size and order of trusted ones (type.h and layout.h say what a value may be).
 * Formats: module-abi 5.1. Every number is little endian; a string is u32 length + UTF-8; an array u32 count + elements; a sum one
 * tag byte + payload; a product its fields, nothing between them.
 */
#include "sats/sats_internal.h"

/* ------------------------------------------------------------------------------------------------ reading */

const char *lc__kind_name(lc_type_kind kind) {
  static const char *const names[LC_TYPE_KIND_COUNT] = {
      [LC_TYPE_REF] = "ref",       [LC_TYPE_SUM] = "sum",   [LC_TYPE_PRODUCT] = "product", [LC_TYPE_ARRAY] = "array",
      [LC_TYPE_STRING] = "string", [LC_TYPE_BOOL] = "u8", /* a bool is read as a byte, and so called */
      [LC_TYPE_I8] = "i8",         [LC_TYPE_U8] = "u8",     [LC_TYPE_I16] = "i16",         [LC_TYPE_U16] = "u16",
      [LC_TYPE_I32] = "i32",       [LC_TYPE_U32] = "u32",   [LC_TYPE_I64] = "i64",         [LC_TYPE_U64] = "u64",
      [LC_TYPE_I128] = "i128",     [LC_TYPE_U128] = "u128", [LC_TYPE_I256] = "i256",       [LC_TYPE_U256] = "u256",
      [LC_TYPE_F32] = "u32",       [LC_TYPE_F64] = "u64",
  };
  return names[kind];
}

lc_err lc__too_short(const char *what, size_t expected, size_t given) {
  return lc_fail(LC_ERR_BSATN, "data too short for %s: Expected %zu, given %zu", what, expected, given);
}

lc_err lc__read_u8(lc_cursor *from, uint8_t *value) {
  if (lc_cursor_left(from) < 1) return lc__too_short("u8", 1, 0);
  *value = *from->at++;
  return lc_ok();
}

lc_err lc__read_u32(lc_cursor *from, uint32_t *value) {
  if (lc_cursor_left(from) < 4) return lc__too_short("u32", 4, lc_cursor_left(from));
  *value = lc_load32(from->at);
  from->at += 4;
  return lc_ok();
}

lc_err lc__read_string(lc_cursor *from, lc_str *value) {
  uint32_t len;
  LC_TRY(lc__read_u32(from, &len));
  if (lc_cursor_left(from) < len) return lc__too_short("[u8]", len, lc_cursor_left(from));
  if (!lc_utf8_valid(from->at, len)) return lc_fail(LC_ERR_BSATN, "invalid utf8");
  *value = (lc_str){(const char *)from->at, len};
  from->at += len;
  return lc_ok();
}

/* ------------------------------------------------------------------------------------------------ validation */

static lc_err validate(const lc_type *type, lc_cursor *from, uint32_t depth);

static lc_err validate_array(const lc_type *type, lc_cursor *from, uint32_t depth) {
  const lc_type *element = lc_type_resolve(type->element);
  uint32_t count;
  LC_TRY(lc__read_u32(from, &count));
  if (element->fixed && element->fixed_size == 0) {
    if (count > LC__EMPTY_ELEMENTS_MAX)
      return lc_fail(LC_ERR_BSATN, "an array holds %u elements without content; at most %d are allowed", count, LC__EMPTY_ELEMENTS_MAX);
    return lc_ok();
  }
  if (element->plain && (uint64_t)count * element->fixed_size <= lc_cursor_left(from)) {
    from->at += (size_t)count * element->fixed_size;
    return lc_ok();
  }
  if (element->kind == LC_TYPE_U8) return lc__too_short("[u8]", count, lc_cursor_left(from));
  for (uint32_t i = 0; i < count; i++) LC_TRY(validate(element, from, depth + 1));
  return lc_ok();
}

static lc_err validate_sum(const lc_type *type, lc_cursor *from, uint32_t depth) {
  uint8_t tag;
  LC_TRY(lc__read_u8(from, &tag));
  if (tag >= type->field_count) return lc_fail(LC_ERR_BSATN, "unknown tag 0x%x for sum type <unknown>", tag);
  return validate(type->fields[tag].type, from, depth + 1);
}

/* The unnamed recursion of lc_value_validate; stops at LC__VALUE_DEPTH_MAX, so untrusted nesting cannot exhaust the stack (L13). */
static lc_err validate(const lc_type *type, lc_cursor *from, uint32_t depth) {
  type = lc_type_resolve(type);
  if (type->plain && type->fixed_size <= lc_cursor_left(from)) {
    from->at += type->fixed_size;
    return lc_ok();
  }
  if (depth > LC__VALUE_DEPTH_MAX) return lc_fail(LC_ERR_BSATN, "the value is nested more than %d levels deep", LC__VALUE_DEPTH_MAX);
  switch (type->kind) {
    case LC_TYPE_SUM:
      return validate_sum(type, from, depth);
    case LC_TYPE_ARRAY:
      return validate_array(type, from, depth);
    case LC_TYPE_PRODUCT:
      for (uint32_t i = 0; i < type->field_count; i++) LC_TRY(validate(type->fields[i].type, from, depth + 1));
      return lc_ok();
    case LC_TYPE_STRING: {
      lc_str text;
      return lc__read_string(from, &text);
    }
    case LC_TYPE_BOOL: {
      uint8_t value;
      LC_TRY(lc__read_u8(from, &value));
      if (value > 1) return lc_fail(LC_ERR_BSATN, "byte %u not a valid bool", value);
      return lc_ok();
    }
    default: /* a number: plain, so it is here only because bytes are missing */
      return lc__too_short(lc__kind_name(type->kind), type->fixed_size, lc_cursor_left(from));
  }
}

lc_err lc_value_validate(const lc_type *type, lc_cursor *from) {
  return validate(type, from, 0);
}

/* ------------------------------------------------------------------------------------------------ size */

size_t lc_value_size(const lc_type *type, const uint8_t *at) {
  type = lc_type_resolve(type);
  if (type->fixed) return type->fixed_size;
  switch (type->kind) {
    case LC_TYPE_STRING:
      return 4 + (size_t)lc_load32(at);
    case LC_TYPE_SUM:
      return 1 + lc_value_size(type->fields[at[0]].type, at + 1);
    case LC_TYPE_PRODUCT: {
      size_t size = 0;
      for (uint32_t i = 0; i < type->field_count; i++) size += lc_value_size(type->fields[i].type, at + size);
      return size;
    }
    case LC_TYPE_ARRAY: {
      const lc_type *element = lc_type_resolve(type->element);
      uint32_t count = lc_load32(at);
      if (element->fixed) return 4 + (size_t)count * element->fixed_size;
      size_t size = 4;
      for (uint32_t i = 0; i < count; i++) size += lc_value_size(element, at + size);
      return size;
    }
    default:
      lc_assert(!"a primitive that is neither fixed nor a string");
      return 0;
  }
}

/* ------------------------------------------------------------------------------------------------ order */

static int compare_wide(const uint8_t *a, const uint8_t *b, uint32_t size, bool is_signed) {
  if (is_signed) {
    int8_t top_a = (int8_t)a[size - 1], top_b = (int8_t)b[size - 1];
    if (top_a != top_b) return top_a < top_b ? -1 : 1;
  }
  for (uint32_t i = size; i-- > 0;)
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  return 0;
}

static int compare_float(double a, double b) {
  bool nan_a = a != a, nan_b = b != b;
  if (nan_a || nan_b) return nan_a - nan_b;
  return (a > b) - (a < b);
}

static int compare_primitive(lc_type_kind kind, const uint8_t *a, const uint8_t *b) {
#define ORDER(type)           \
  do {                        \
    type x, y;                \
    memcpy(&x, a, sizeof x);  \
    memcpy(&y, b, sizeof y);  \
    return (x > y) - (x < y); \
  } while (0)
  switch (kind) {
    case LC_TYPE_BOOL:
    case LC_TYPE_U8:
      ORDER(uint8_t);
    case LC_TYPE_I8:
      ORDER(int8_t);
    case LC_TYPE_U16:
      ORDER(uint16_t);
    case LC_TYPE_I16:
      ORDER(int16_t);
    case LC_TYPE_U32:
      ORDER(uint32_t);
    case LC_TYPE_I32:
      ORDER(int32_t);
    case LC_TYPE_U64:
      ORDER(uint64_t);
    case LC_TYPE_I64:
      ORDER(int64_t);
    case LC_TYPE_U128:
      ORDER(unsigned __int128);
    case LC_TYPE_I128:
      ORDER(__int128);
    case LC_TYPE_U256:
      return compare_wide(a, b, 32, false);
    case LC_TYPE_I256:
      return compare_wide(a, b, 32, true);
    case LC_TYPE_F32: {
      float x, y;
      memcpy(&x, a, 4);
      memcpy(&y, b, 4);
      return compare_float((double)x, (double)y);
    }
    case LC_TYPE_F64: {
      double x, y;
      memcpy(&x, a, 8);
      memcpy(&y, b, 8);
      return compare_float(x, y);
    }
    default:
      lc_assert(!"not a primitive");
      return 0;
  }
#undef ORDER
}

static int compare(const lc_type *type, const uint8_t **a, const uint8_t **b);

static int compare_array(const lc_type *type, const uint8_t **a, const uint8_t **b) {
  uint32_t count_a = lc_load32(*a), count_b = lc_load32(*b);
  *a += 4;
  *b += 4;
  if (lc_type_resolve(type->element)->kind == LC_TYPE_U8) {
    int order = memcmp(*a, *b, count_a < count_b ? count_a : count_b);
    if (order) return order;
    *a += count_a;
    *b += count_b;
  } else {
    for (uint32_t i = 0; i < count_a && i < count_b; i++) {
      int order = compare(type->element, a, b);
      if (order) return order;
    }
  }
  return (count_a > count_b) - (count_a < count_b);
}

/* Both positions end behind their values as long as the values are equal; after a difference they are of no use. */
static int compare(const lc_type *type, const uint8_t **a, const uint8_t **b) {
  type = lc_type_resolve(type);
  switch (type->kind) {
    case LC_TYPE_STRING: {
      uint32_t len_a = lc_load32(*a), len_b = lc_load32(*b);
      int order = memcmp(*a + 4, *b + 4, len_a < len_b ? len_a : len_b);
      *a += 4 + (size_t)len_a;
      *b += 4 + (size_t)len_b;
      return order ? order : (len_a > len_b) - (len_a < len_b);
    }
    case LC_TYPE_ARRAY:
      return compare_array(type, a, b);
    case LC_TYPE_SUM: {
      uint8_t tag_a = *(*a)++, tag_b = *(*b)++;
      if (tag_a != tag_b) return tag_a < tag_b ? -1 : 1;
      return compare(type->fields[tag_a].type, a, b);
    }
    case LC_TYPE_PRODUCT:
      if (type->fixed && type->fixed_size == 0) return 0;
      for (uint32_t i = 0; i < type->field_count; i++) {
        int order = compare(type->fields[i].type, a, b);
        if (order) return order;
      }
      return 0;
    default: {
      int order = compare_primitive(type->kind, *a, *b);
      *a += type->fixed_size;
      *b += type->fixed_size;
      return order;
    }
  }
}

int lc_value_compare(const lc_type *type, const uint8_t *a, const uint8_t *b) {
  return compare(type, &a, &b);
}
