/* Values as text: SATS-JSON and SATN (json.h). The bytes are trusted; nesting was bounded when they were validated. */
#include "sats/json.h"
#include "sats/number.h"
#include "sats/sats_internal.h"

void lc_json_put_string(lc_buf *to, lc_str text) {
  static const char *const short_escapes[256] = {['"'] = "\\\"", ['\\'] = "\\\\", ['\b'] = "\\b", ['\f'] = "\\f",
                                                 ['\n'] = "\\n", ['\r'] = "\\r",  ['\t'] = "\\t"};
  lc_buf_put8(to, '"');
  size_t from = 0;
  for (size_t i = 0; i < text.len; i++) {
    uint8_t c = (uint8_t)text.ptr[i];
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    lc_buf_append(to, text.ptr + from, i - from);
    if (short_escapes[c])
      lc_buf_put_text(to, short_escapes[c]);
    else
      lc_buf_printf(to, "\\u%04x", c);
    from = i + 1;
  }
  lc_buf_append(to, text.ptr + from, text.len - from);
  lc_buf_put8(to, '"');
}

static void put_hex(lc_buf *to, const uint8_t *bytes, size_t len) {
  static const char digits[] = "0123456789abcdef";
  uint8_t *at = lc_buf_extend(to, 2 * len);
  for (size_t i = 0; i < len; i++) {
    at[2 * i] = (uint8_t)digits[bytes[i] >> 4];
    at[2 * i + 1] = (uint8_t)digits[bytes[i] & 15];
  }
}

static void print_float(lc_buf *to, const lc_type *type, const uint8_t *at, bool json) {
  if (type->kind == LC_TYPE_F32) {
    float value;
    memcpy(&value, at, 4);
    if (json)
      lc_f32_print_json(to, value);
    else
      lc_f32_print_plain(to, value == 0 ? 0 : value); /* keys do not tell -0 from 0, and SATN prints keys */
  } else {
    double value;
    memcpy(&value, at, 8);
    if (json)
      lc_f64_print_json(to, value);
    else
      lc_f64_print_plain(to, value == 0 ? 0 : value);
  }
}

/* ------------------------------------------------------------------------------------------------ JSON */

static bool all_named(const lc_type *product) {
  for (uint32_t i = 0; i < product->field_count; i++)
    if (product->fields[i].name.ptr == NULL) return false;
  return true;
}

static void print_json_product(lc_buf *to, const lc_type *type, const uint8_t **at, lc_json_style style) {
  bool named = style == LC_JSON_NAMED && all_named(type);
  lc_buf_put8(to, named ? '{' : '[');
  for (uint32_t i = 0; i < type->field_count; i++) {
    if (i) lc_buf_put8(to, ',');
    if (named) {
      lc_json_put_string(to, type->fields[i].name);
      lc_buf_put8(to, ':');
    }
    lc_value_print_json(to, type->fields[i].type, at, style);
  }
  lc_buf_put8(to, named ? '}' : ']');
}

static void print_json_array(lc_buf *to, const lc_type *type, const uint8_t **at) {
  uint32_t count = lc_load32(*at);
  *at += 4;
  if (lc_type_resolve(type->element)->kind == LC_TYPE_U8) {
    lc_buf_put8(to, '"');
    put_hex(to, *at, count);
    lc_buf_put8(to, '"');
    *at += count;
    return;
  }
  lc_buf_put8(to, '[');
  for (uint32_t i = 0; i < count; i++) {
    if (i) lc_buf_put8(to, ',');
    lc_value_print_json(to, type->element, at, LC_JSON_POSITIONAL); /* whatever sits inside an array is positional (client-protocol 6.7) */
  }
  lc_buf_put8(to, ']');
}

void lc_value_print_json(lc_buf *to, const lc_type *type, const uint8_t **at, lc_json_style style) {
  type = lc_type_resolve(type);
  switch (type->kind) {
    case LC_TYPE_PRODUCT:
      print_json_product(to, type, at, style);
      return;
    case LC_TYPE_SUM: {
      uint8_t tag = *(*at)++;
      lc_buf_printf(to, "[%u,", tag);
      lc_value_print_json(to, type->fields[tag].type, at, style);
      lc_buf_put8(to, ']');
      return;
    }
    case LC_TYPE_ARRAY:
      print_json_array(to, type, at);
      return;
    case LC_TYPE_STRING: {
      uint32_t len = lc_load32(*at);
      lc_json_put_string(to, (lc_str){(const char *)*at + 4, len});
      *at += 4 + (size_t)len;
      return;
    }
    case LC_TYPE_BOOL:
      lc_buf_put_text(to, **at ? "true" : "false");
      break;
    case LC_TYPE_F32:
    case LC_TYPE_F64:
      print_float(to, type, *at, true);
      break;
    case LC_TYPE_I256:
    case LC_TYPE_U256:
      lc_buf_put8(to, '"');
      lc_u256_print_0x(to, *at, type->kind == LC_TYPE_I256);
      lc_buf_put8(to, '"');
      break;
    default:
      lc_integer_print(to, *at, type->fixed_size, lc_type_is_signed(type->kind));
  }
  *at += type->fixed_size;
}

/* ------------------------------------------------------------------------------------------------ SATN */

static void put_big_endian_hex(lc_buf *to, const uint8_t *bytes, size_t len) {
  lc_buf_put_text(to, "0x");
  for (size_t i = len; i-- > 0;) put_hex(to, bytes + i, 1);
}

static void print_satn_fields(lc_buf *to, const lc_type *type, const uint8_t **at) {
  lc_buf_put8(to, '(');
  for (uint32_t i = 0; i < type->field_count; i++) {
    if (i) lc_buf_put_text(to, ", ");
    if (type->fields[i].name.ptr)
      lc_buf_put_str(to, type->fields[i].name);
    else
      lc_buf_printf(to, "%u", i);
    lc_buf_put_text(to, " = ");
    lc_value_print_satn(to, type->fields[i].type, at);
  }
  lc_buf_put8(to, ')');
}

void lc_value_print_satn(lc_buf *to, const lc_type *type, const uint8_t **at) {
  type = lc_type_resolve(type);
  switch (type->kind) {
    case LC_TYPE_PRODUCT:
      if (type->special == LC_SPECIAL_IDENTITY || type->special == LC_SPECIAL_CONNECTION_ID) {
        put_big_endian_hex(to, *at, type->fixed_size);
        break;
      }
      print_satn_fields(to, type, at);
      return;
    case LC_TYPE_SUM: {
      uint8_t tag = *(*at)++;
      const lc_field *variant = &type->fields[tag];
      lc_buf_put8(to, '(');
      if (variant->name.ptr)
        lc_buf_put_str(to, variant->name);
      else
        lc_buf_printf(to, "%u", tag);
      lc_buf_put_text(to, " = ");
      lc_value_print_satn(to, variant->type, at);
      lc_buf_put8(to, ')');
      return;
    }
    case LC_TYPE_ARRAY: {
      uint32_t count = lc_load32(*at);
      *at += 4;
      if (lc_type_resolve(type->element)->kind == LC_TYPE_U8) {
        lc_buf_put_text(to, "0x");
        put_hex(to, *at, count);
        *at += count;
        return;
      }
      lc_buf_put8(to, '[');
      for (uint32_t i = 0; i < count; i++) {
        if (i) lc_buf_put_text(to, ", ");
        lc_value_print_satn(to, type->element, at);
      }
      lc_buf_put8(to, ']');
      return;
    }
    case LC_TYPE_STRING: {
      uint32_t len = lc_load32(*at);
      lc_buf_put8(to, '"');
      lc_buf_append(to, *at + 4, len);
      lc_buf_put8(to, '"');
      *at += 4 + (size_t)len;
      return;
    }
    case LC_TYPE_BOOL:
      lc_buf_put_text(to, **at ? "true" : "false");
      break;
    case LC_TYPE_F32:
    case LC_TYPE_F64:
      print_float(to, type, *at, false);
      break;
    default:
      lc_integer_print(to, *at, type->fixed_size, lc_type_is_signed(type->kind));
  }
  *at += type->fixed_size;
}
