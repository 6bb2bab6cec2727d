/*
 * Types of one module: names converted, refs linked, declared types checked. What may stand where (module-abi 6.5): a product or sum
 * that is not special must have a name of its own, so that clients in every language can be given a type for it.
 */
#include "schema/define_internal.h"

/* ------------------------------------------------------------------------------------------------ case conversion */

/* A copy with converted names; special types, and whatever is nested in them, keep theirs. */
static lc_type *convert(lc_arena *arena, const lc_type *type) {
  if (type->kind == LC_TYPE_REF) return lc_type_ref(arena, type->ref);
  if (type->special != LC_SPECIAL_NONE || type->kind > LC_TYPE_ARRAY) return (lc_type *)type;
  if (type->kind == LC_TYPE_ARRAY) return lc_type_array(arena, convert(arena, type->element));
  lc_field *fields = LC_ARENA_ARRAY(arena, lc_field, type->field_count);
  for (uint32_t i = 0; i < type->field_count; i++) {
    const lc_field *field = &type->fields[i];
    if (field->name.ptr) fields[i].name = lc_name_convert(arena, field->name, type->kind == LC_TYPE_SUM ? LC_CASE_CAMEL : LC_CASE_SNAKE);
    fields[i].type = convert(arena, field->type);
  }
  return type->kind == LC_TYPE_SUM ? lc_type_sum(arena, fields, type->field_count) : lc_type_product(arena, fields, type->field_count);
}

/* ------------------------------------------------------------------------------------------------ uses */

static bool use_fields(lc__scope *scope, const lc_type *type, lc_buf *why) {
  for (uint32_t i = 0; i < type->field_count; i++)
    if (!lc__define_use(scope, type->fields[i].type, why)) return false;
  return true;
}

static bool use_ref(lc__scope *scope, uint32_t ref, lc_buf *why) {
  if (ref >= scope->space.count) {
    lc_buf_put_text(why, "invalid AlgebraicTypeRef");
    return false;
  }
  if (scope->is_definition[ref] || scope->use_states[ref] == LC__USE_GOOD) return true;
  if (scope->use_states[ref] == LC__USE_UNKNOWN) { /* a type without a name: its parts are used here in its place */
    scope->use_states[ref] = LC__USE_BUSY;
    bool good = lc__define_use(scope, scope->space.types[ref], why);
    scope->use_states[ref] = good ? LC__USE_GOOD : LC__USE_BAD;
    return good;
  }
  lc_buf_put_text(why, "invalid AlgebraicTypeRef");
  return false;
}

bool lc__define_use(lc__scope *scope, const lc_type *type, lc_buf *why) {
  switch (type->kind) {
    case LC_TYPE_REF:
      return use_ref(scope, type->ref, why);
    case LC_TYPE_ARRAY:
      return lc__define_use(scope, type->element, why);
    case LC_TYPE_SUM:
    case LC_TYPE_PRODUCT:
      if (type->special != LC_SPECIAL_NONE) return use_fields(scope, type, why);
      if (type->field_count == 0) return true; /* unit, never */
      lc_buf_put_text(why, "non-special product or sum type ");
      lc_type_print_refs(why, type);
      lc_buf_put_text(why, " cannot be used to generate a client type use");
      return false;
    default:
      return true;
  }
}

/* ------------------------------------------------------------------------------------------------ definitions */

static bool fields_are_sorted(const lc_type *type) {
  for (uint32_t i = 1; i < type->field_count; i++) {
    lc_str a = type->fields[i - 1].name, b = type->fields[i].name;
    if (a.ptr != NULL && (b.ptr == NULL || lc_str_compare(a, b) > 0)) return false;
  }
  return true;
}

static void check_definition_fields(lc__scope *scope, uint32_t ref, const lc_type *type, lc_buf *why) {
  for (uint32_t i = 0; i < type->field_count && why->len == 0; i++) {
    if (type->fields[i].name.ptr != NULL) continue;
    lc_buf_put_text(why, "internal codegen error: all type elements require names: ");
    lc_type_print_refs(why, type);
  }
  for (uint32_t i = 0; i < type->field_count && why->len == 0; i++) {
    if (lc__define_use(scope, type->fields[i].type, why)) continue;
    lc__define_error(scope->d, "error at typespace ref `&%u`: internal codegen error: %s", ref, lc_buf_cstr(why));
    return;
  }
  lc_buf identifier = {0};
  for (uint32_t i = 0; i < type->field_count && why->len == 0; i++) {
    if (lc_name_is_identifier(type->fields[i].name, &identifier)) continue;
    lc_buf_put_text(why, "type ");
    lc_type_print_refs(why, type);
    lc_buf_printf(why, " contains identifier error %s", lc_buf_cstr(&identifier));
  }
  lc_buf_deinit(&identifier);
  if (why->len) lc__define_error(scope->d, "error at typespace ref `&%u`: %s", ref, lc_buf_cstr(why));
}

static void check_definition(lc__scope *scope, uint32_t ref) {
  const lc_type *type = scope->space.types[ref];
  lc_buf why = {0};
  if (type->kind != LC_TYPE_PRODUCT && type->kind != LC_TYPE_SUM) {
    lc_type_print_refs(&why, type);
    lc__define_error(scope->d, "error at typespace ref `&%u`: internal codegen error: type %s is not valid for generating a definition",
                     ref, lc_buf_cstr(&why));
  } else if (type->special == LC_SPECIAL_NONE) {
    check_definition_fields(scope, ref, type, &why);
  }
  lc_buf_deinit(&why);
}

static lc_str type_name(lc__scope *scope, lc_str name) {
  return scope->raw->snake_case ? lc_name_convert(scope->d->arena, name, LC_CASE_PASCAL) : name;
}

static void scoped_name(lc_buf *to, const lc_type_def *type) {
  for (uint32_t i = 0; i < type->scope_count; i++) lc_buf_printf(to, "%.*s::", LC_STR_ARGS(type->scope[i]));
  lc_buf_put_str(to, type->name);
}

static void define_type(lc__scope *scope, const lc__raw_type *raw, lc_type_def *type, lc_map *seen) {
  lc_arena *arena = scope->d->arena;
  *type = (lc_type_def){.scope_count = raw->scope_count,
                        .name = type_name(scope, raw->name),
                        .source_name = raw->name,
                        .ref = raw->ref,
                        .custom_ordering = raw->custom_ordering};
  type->scope = LC_ARENA_ARRAY(arena, lc_str, raw->scope_count);
  for (uint32_t i = 0; i < raw->scope_count; i++) type->scope[i] = type_name(scope, raw->scope[i]);
  lc_buf text = {0};
  scoped_name(&text, type);
  lc_str full = lc_arena_str(arena, lc_buf_str(&text));
  uint64_t taken;
  if (lc_map_get(seen, full, &taken)) lc__define_error(scope->d, "Type \"%.*s\" is defined more than once", LC_STR_ARGS(full));
  lc_map_put(seen, full, 1);
  if (raw->ref >= scope->space.count) {
    lc__define_error(scope->d, "Type \"%.*s\" has invalid ref: &%u", LC_STR_ARGS(full), raw->ref);
  } else if (!raw->custom_ordering && !fields_are_sorted(scope->space.types[raw->ref])) {
    lc_buf_clear(&text);
    lc_type_print_refs(&text, scope->space.types[raw->ref]);
    lc__define_error(scope->d, "type `\"%.*s\"` is not annotated with a custom ordering, but uses one: %s", LC_STR_ARGS(full),
                     lc_buf_cstr(&text));
  }
  lc_buf_deinit(&text);
}

void lc__define_types(lc__scope *scope) {
  lc_arena *arena = scope->d->arena;
  const lc__raw_module *raw = scope->raw;
  scope->space.count = raw->typespace.count;
  scope->space.types = LC_ARENA_ARRAY(arena, lc_type *, scope->space.count);
  for (uint32_t i = 0; i < scope->space.count; i++) {
    lc_type *type = raw->typespace.types[i];
    scope->space.types[i] = raw->snake_case ? convert(arena, type) : type;
  }
  lc_err err = lc_typespace_link(&scope->space);
  scope->linked = !lc_failed(err);
  if (!scope->linked) {
    lc__define_error(scope->d, "error in the typespace: internal codegen error: invalid AlgebraicTypeRef: %s", lc_err_text(err));
    return;
  }
  scope->is_definition = LC_ARENA_ARRAY(arena, bool, scope->space.count);
  scope->use_states = LC_ARENA_ARRAY(arena, uint8_t, scope->space.count);
  lc_submodule_def *module = &scope->d->modules.items[scope->module];
  module->typespace = scope->space;
  module->types = LC_ARENA_ARRAY(arena, lc_type_def, raw->types_count);
  module->type_count = raw->types_count;
  for (uint32_t i = 0; i < raw->types_count; i++)
    if (raw->types[i].ref < scope->space.count) scope->is_definition[raw->types[i].ref] = true;
  for (uint32_t i = 0; i < raw->tables_count; i++)
    if (raw->tables[i].type_ref < scope->space.count) scope->is_definition[raw->tables[i].type_ref] = true;
  lc_map seen = {0};
  for (uint32_t i = 0; i < raw->types_count; i++) define_type(scope, &raw->types[i], &module->types[i], &seen);
  lc_map_deinit(&seen);
  for (uint32_t i = 0; i < scope->space.count; i++)
    if (scope->is_definition[i]) check_definition(scope, i);
}

/* ------------------------------------------------------------------------------------------------ parameters, results, rows */

bool lc__define_result(lc__scope *scope, lc_type *type, const char *kind, lc_str of) {
  lc_buf why = {0};
  bool good = lc__define_use(scope, type, &why);
  if (good) {
    lc_err err = lc_type_link(&scope->space, type);
    good = !lc_failed(err);
    if (!good) lc_buf_put_text(&why, lc_err_text(err));
  }
  if (!good)
    lc__define_error(scope->d, "error at %s `%.*s` return type: internal codegen error: %s", kind, LC_STR_ARGS(of), lc_buf_cstr(&why));
  lc_buf_deinit(&why);
  return good;
}

bool lc__define_params(lc__scope *scope, lc_type *params, const char *kind, lc_str of) {
  bool good = true;
  for (uint32_t i = 0; i < params->field_count; i++) {
    const lc_field *param = &params->fields[i];
    lc_buf why = {0};
    if (param->name.ptr == NULL) {
      lc__define_error(scope->d, "error at %s `%.*s` argument %u: internal codegen error: all %s parameters require names", kind,
                       LC_STR_ARGS(of), i, kind);
      good = false;
    } else if (!lc__define_use(scope, param->type, &why)) {
      lc__define_error(scope->d, "error at %s `%.*s` argument %u (`%.*s`): internal codegen error: %s", kind, LC_STR_ARGS(of), i,
                       LC_STR_ARGS(param->name), lc_buf_cstr(&why));
      good = false;
    }
    lc_buf_deinit(&why);
  }
  if (!good) return false;
  lc_err err = lc_type_link(&scope->space, params);
  if (!lc_failed(err)) return true;
  lc__define_error(scope->d, "error at %s `%.*s`: %s", kind, LC_STR_ARGS(of), lc_err_text(err));
  return false;
}

/* Columns of the row type &ref: converted names with their source names, types without refs. */
bool lc__define_columns(lc__scope *scope, uint32_t ref, const lc_type **row, lc_column_def **columns, uint16_t *count, const char *what,
                        lc_str of) {
  lc_arena *arena = scope->d->arena;
  const lc_type *declared = lc_type_resolve(scope->space.types[ref]);
  const lc_type *source = scope->source.types[ref];
  lc_err err = lc_type_inline(arena, declared, row);
  if (lc_failed(err)) {
    lc__define_error(scope->d, "The row type of %s %.*s cannot be stored: %s", what, LC_STR_ARGS(of), lc_err_text(err));
    return false;
  }
  if (declared->field_count > UINT16_MAX) {
    lc__define_error(scope->d, "%s %.*s has more than %d columns", what, LC_STR_ARGS(of), UINT16_MAX);
    return false;
  }
  *count = (uint16_t)declared->field_count;
  *columns = LC_ARENA_ARRAY(arena, lc_column_def, *count);
  bool same_shape = source->kind == LC_TYPE_PRODUCT && source->field_count == declared->field_count;
  for (uint16_t i = 0; i < *count; i++) {
    lc_column_def *column = &(*columns)[i];
    column->type = (*row)->fields[i].type;
    column->name = declared->fields[i].name;
    if (column->name.ptr == NULL) {
      lc__define_error(scope->d, "%s %.*s has an unnamed column %u", what, LC_STR_ARGS(of), i);
      return false;
    }
    column->source_name = same_shape ? source->fields[i].name : column->name;
  }
  return true;
}
