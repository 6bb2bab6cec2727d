/* Types and values for people and scripts. */
#include "cli/definition.h"
#include "sats/json.h"

static const char *const special_names[] = {
    [LC_SPECIAL_IDENTITY] = "Identity",   [LC_SPECIAL_CONNECTION_ID] = "ConnectionId",
    [LC_SPECIAL_TIMESTAMP] = "Timestamp", [LC_SPECIAL_TIME_DURATION] = "TimeDuration",
    [LC_SPECIAL_UUID] = "Uuid",           [LC_SPECIAL_SCHEDULE_AT] = "ScheduleAt",
    [LC_SPECIAL_OPTION] = "Option",       [LC_SPECIAL_RESULT] = "Result",
};

/* NULL when the ref has no definition. */
static const lc_type_def *definition_of(const lc_module_def *def, uint32_t ref) {
  for (uint32_t i = 0; i < def->type_count; i++)
    if (def->types[i].ref == ref) return &def->types[i];
  return NULL;
}

void lc_definition_put_type(lc_buf *to, const lc_module_def *def, const lc_type *type) {
  while (type->kind == LC_TYPE_REF) {
    const lc_type_def *named = definition_of(def, type->ref);
    if (named) {
      lc_buf_put_str(to, named->name);
      return;
    }
    type = type->target;
  }
  if (type->special == LC_SPECIAL_OPTION || type->special == LC_SPECIAL_RESULT) {
    lc_buf_printf(to, "%s<", special_names[type->special]);
    lc_definition_put_type(to, def, type->fields[0].type);
    if (type->special == LC_SPECIAL_RESULT) {
      lc_buf_put_text(to, ", ");
      lc_definition_put_type(to, def, type->fields[1].type);
    }
    lc_buf_put8(to, '>');
  } else if (type->special > LC_SPECIAL_NONE && type->special <= LC_SPECIAL_SCHEDULE_AT) {
    lc_buf_put_text(to, special_names[type->special]);
  } else if (type->kind == LC_TYPE_ARRAY) {
    lc_buf_put_text(to, "Array<");
    lc_definition_put_type(to, def, type->element);
    lc_buf_put8(to, '>');
  } else if (type->kind == LC_TYPE_PRODUCT && type->field_count == 0) {
    lc_buf_put_text(to, "()");
  } else {
    lc_type_print(to, type);
  }
}

static void put_fields(lc_buf *to, const lc_type *type, const uint8_t **at) {
  lc_buf_put8(to, '{');
  for (uint32_t i = 0; i < type->field_count; i++) {
    if (i) lc_buf_put8(to, ',');
    lc_json_put_string(to, type->fields[i].name);
    lc_buf_put8(to, ':');
    lc_definition_put_value(to, type->fields[i].type, at);
  }
  lc_buf_put8(to, '}');
}

void lc_definition_put_value(lc_buf *to, const lc_type *type, const uint8_t **at) {
  type = lc_type_resolve(type);
  bool named = type->field_count == 0 || type->fields[0].name.ptr;
  if (type->kind == LC_TYPE_PRODUCT && type->field_count && named) {
    put_fields(to, type, at);
  } else if (type->kind == LC_TYPE_SUM && named) {
    const lc_field *variant = &type->fields[*(*at)++];
    const lc_type *payload = lc_type_resolve(variant->type);
    lc_buf_put8(to, '{');
    lc_json_put_string(to, variant->name);
    lc_buf_put8(to, ':');
    if (payload->kind == LC_TYPE_PRODUCT && payload->field_count == 0)
      lc_buf_put_text(to, "[]");
    else
      lc_definition_put_value(to, payload, at);
    lc_buf_put8(to, '}');
  } else if (type->kind == LC_TYPE_ARRAY && lc_type_resolve(type->element)->kind != LC_TYPE_U8) {
    uint32_t count = lc_load32(*at);
    *at += 4;
    lc_buf_put8(to, '[');
    for (uint32_t i = 0; i < count; i++) {
      if (i) lc_buf_put8(to, ',');
      lc_definition_put_value(to, type->element, at);
    }
    lc_buf_put8(to, ']');
  } else {
    lc_value_print_json(to, type, at, LC_JSON_POSITIONAL);
  }
}
