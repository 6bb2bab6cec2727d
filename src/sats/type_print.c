/* The two text forms of types: SATS-JSON, which tools and client generators read, and the short form of messages. */
#include "sats/json.h"
#include "sats/sats_internal.h"

static const char *const kind_names[LC_TYPE_KIND_COUNT] = {
    [LC_TYPE_REF] = "Ref",   [LC_TYPE_SUM] = "Sum",   [LC_TYPE_PRODUCT] = "Product", [LC_TYPE_ARRAY] = "Array", [LC_TYPE_STRING] = "String",
    [LC_TYPE_BOOL] = "Bool", [LC_TYPE_I8] = "I8",     [LC_TYPE_U8] = "U8",           [LC_TYPE_I16] = "I16",     [LC_TYPE_U16] = "U16",
    [LC_TYPE_I32] = "I32",   [LC_TYPE_U32] = "U32",   [LC_TYPE_I64] = "I64",         [LC_TYPE_U64] = "U64",     [LC_TYPE_I128] = "I128",
    [LC_TYPE_U128] = "U128", [LC_TYPE_I256] = "I256", [LC_TYPE_U256] = "U256",       [LC_TYPE_F32] = "F32",     [LC_TYPE_F64] = "F64",
};

const char *lc_type_kind_name(lc_type_kind kind) {
  return kind_names[kind];
}

void lc_type_print_fields_json(lc_buf *to, const lc_type *type) {
  lc_buf_put8(to, '[');
  for (uint32_t i = 0; i < type->field_count; i++) {
    const lc_field *field = &type->fields[i];
    lc_buf_put_text(to, i ? ",{\"name\":" : "{\"name\":");
    if (field->name.ptr == NULL) {
      lc_buf_put_text(to, "{\"none\":[]}");
    } else {
      lc_buf_put_text(to, "{\"some\":");
      lc_json_put_string(to, field->name);
      lc_buf_put8(to, '}');
    }
    lc_buf_put_text(to, ",\"algebraic_type\":");
    lc_type_print_json(to, field->type);
    lc_buf_put8(to, '}');
  }
  lc_buf_put8(to, ']');
}

void lc_type_print_json(lc_buf *to, const lc_type *type) {
  lc_buf_printf(to, "{\"%s\":", kind_names[type->kind]);
  switch (type->kind) {
    case LC_TYPE_REF:
      lc_buf_printf(to, "%u", type->ref);
      break;
    case LC_TYPE_ARRAY:
      lc_type_print_json(to, type->element);
      break;
    case LC_TYPE_SUM:
    case LC_TYPE_PRODUCT:
      lc_buf_put_text(to, type->kind == LC_TYPE_SUM ? "{\"variants\":" : "{\"elements\":");
      lc_type_print_fields_json(to, type);
      lc_buf_put8(to, '}');
      break;
    default:
      lc_buf_put_text(to, "[]");
  }
  lc_buf_put8(to, '}');
}

/* `limit` is the length of `to` at which refs are no longer followed: a type of n refs can have 2^n parts. */
static void print_short(lc_buf *to, const lc_type *type, bool follow_refs, size_t limit, uint32_t level) {
  if (type->kind == LC_TYPE_REF && follow_refs && level < LC_TYPE_DEPTH_MAX && to->len < limit) type = lc_type_resolve(type);
  switch (type->kind) {
    case LC_TYPE_REF:
      lc_buf_printf(to, "&%u", type->ref);
      return;
    case LC_TYPE_ARRAY:
      lc_buf_put_text(to, "Array<");
      print_short(to, type->element, follow_refs, limit, level + 1);
      lc_buf_put8(to, '>');
      return;
    case LC_TYPE_SUM:
    case LC_TYPE_PRODUCT:
      if (type->kind == LC_TYPE_SUM && type->field_count == 0) {
        lc_buf_put_text(to, "(|)");
        return;
      }
      lc_buf_put8(to, '(');
      for (uint32_t i = 0; i < type->field_count; i++) {
        if (i) lc_buf_put_text(to, type->kind == LC_TYPE_SUM ? " | " : ", ");
        if (type->fields[i].name.ptr)
          lc_buf_put_str(to, type->fields[i].name);
        else
          lc_buf_printf(to, "%u", i);
        lc_buf_put_text(to, ": ");
        print_short(to, type->fields[i].type, follow_refs, limit, level + 1);
      }
      lc_buf_put8(to, ')');
      return;
    default:
      lc_buf_put_text(to, kind_names[type->kind]);
  }
}

enum { SHORT_FORM_MAX = 16 << 10 };

void lc_type_print(lc_buf *to, const lc_type *type) {
  print_short(to, type, true, to->len + SHORT_FORM_MAX, 0);
}
void lc_type_print_refs(lc_buf *to, const lc_type *type) {
  print_short(to, type, false, 0, 0);
}
