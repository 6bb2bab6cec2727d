/* Types: builders, fields, and types.ts. */
#include <stdlib.h>

#include "codegen/typescript_internal.h"

lc_buf *lc__ts_file(lc__ts *ts, lc_str path) {
  lc_codegen_file file = {.path = lc_arena_str(ts->arena, path)};
  lc_vec_push(&ts->output->files, file);
  lc_buf *text = &ts->output->files.items[ts->output->files.count - 1].text;
  lc_buf_put_text(text, LC_CODEGEN_MARKER
                  ". EDITS TO THIS FILE\n// WILL NOT BE SAVED. CHANGE THE TABLES AND REDUCERS OF YOUR MODULE INSTEAD.\n\n/* eslint-disable "
                  "*/\n/* tslint:disable */\n");
  return text;
}

static bool is_unit(const lc_type *type) {
  return type->kind == LC_TYPE_PRODUCT && type->field_count == 0;
}
static bool is_never(const lc_type *type) {
  return type->kind == LC_TYPE_SUM && type->field_count == 0;
}

/* The definition that a ref stands for; refs without one are followed. NULL when it ends at something that is no ref. */
static const lc_str *named(lc__ts *ts, const lc_type **type) {
  while ((*type)->kind == LC_TYPE_REF) {
    const lc_str *name = &ts->type_names[(*type)->ref];
    if (name->ptr) return name;
    *type = (*type)->target;
  }
  return NULL;
}

static const char *const special_builders[] = {
    [LC_SPECIAL_IDENTITY] = "identity",   [LC_SPECIAL_CONNECTION_ID] = "connectionId",
    [LC_SPECIAL_TIMESTAMP] = "timestamp", [LC_SPECIAL_TIME_DURATION] = "timeDuration",
    [LC_SPECIAL_UUID] = "uuid",           [LC_SPECIAL_SCHEDULE_AT] = "scheduleAt",
};
static const char *const primitive_builders[LC_TYPE_KIND_COUNT] = {
    [LC_TYPE_STRING] = "string", [LC_TYPE_BOOL] = "bool", [LC_TYPE_I8] = "i8",     [LC_TYPE_U8] = "u8",
    [LC_TYPE_I16] = "i16",       [LC_TYPE_U16] = "u16",   [LC_TYPE_I32] = "i32",   [LC_TYPE_U32] = "u32",
    [LC_TYPE_I64] = "i64",       [LC_TYPE_U64] = "u64",   [LC_TYPE_I128] = "i128", [LC_TYPE_U128] = "u128",
    [LC_TYPE_I256] = "i256",     [LC_TYPE_U256] = "u256", [LC_TYPE_F32] = "f32",   [LC_TYPE_F64] = "f64",
};

void lc__ts_put_type(lc__ts *ts, lc_buf *to, const lc_type *type) {
  const lc_str *name = named(ts, &type);
  if (name) {
    lc_buf_put_str(to, *name);
  } else if (type->special == LC_SPECIAL_OPTION || type->special == LC_SPECIAL_RESULT) {
    lc_buf_put_text(to, type->special == LC_SPECIAL_OPTION ? "__t.option(" : "__t.result(");
    lc__ts_put_type(ts, to, type->fields[0].type);
    if (type->special == LC_SPECIAL_RESULT) {
      lc_buf_put_text(to, ", ");
      lc__ts_put_type(ts, to, type->fields[1].type);
    }
    lc_buf_put_text(to, ")");
  } else if (type->special > LC_SPECIAL_NONE && type->special <= LC_SPECIAL_SCHEDULE_AT) {
    lc_buf_printf(to, "__t.%s()", special_builders[type->special]);
  } else if (is_unit(type)) {
    lc_buf_put_text(to, "__t.unit()");
  } else if (is_never(type)) {
    lc_buf_put_text(to, "__t.enum(\"Never\", [])");
  } else if (type->kind == LC_TYPE_ARRAY) {
    if (type->element->kind == LC_TYPE_U8) {
      lc_buf_put_text(to, "__t.byteArray()");
      return;
    }
    lc_buf_put_text(to, "__t.array(");
    lc__ts_put_type(ts, to, type->element);
    lc_buf_put_text(to, ")");
  } else {
    const char *builder = primitive_builders[type->kind];
    lc_buf_printf(to, "__t.%s()", builder ? builder : "unit"); /* validation leaves no other anonymous structure */
  }
}

/* Calls `visit` for every definition that `type` mentions directly. */
typedef bool visit_fn(lc__ts *ts, uint32_t ref, void *context);
static bool visit_named(lc__ts *ts, const lc_type *type, visit_fn *visit, void *context) {
  if (named(ts, &type)) return visit(ts, type->ref, context);
  if (type->kind == LC_TYPE_ARRAY) return visit_named(ts, type->element, visit, context);
  for (uint32_t i = 0; i < type->field_count; i++)
    if (visit_named(ts, type->fields[i].type, visit, context)) return true;
  return false;
}

static bool found(lc__ts *ts, uint32_t ref, void *context) {
  return true;
}
bool lc__ts_mentions_named(lc__ts *ts, const lc_type *type) {
  return visit_named(ts, type, found, NULL);
}

typedef struct reach {
  uint32_t goal;
  bool *seen;
} reach;
static bool reaches(lc__ts *ts, uint32_t ref, void *context) {
  reach *search = context;
  if (ref == search->goal) return true;
  if (search->seen[ref]) return false;
  search->seen[ref] = true;
  const lc_type *type = ts->def->typespace.types[ref];
  for (uint32_t i = 0; i < type->field_count; i++)
    if (visit_named(ts, type->fields[i].type, reaches, search)) return true;
  return false;
}

static void put_field(lc__ts *ts, lc_buf *to, lc_str key, const lc_type *type, const char *suffix, bool recursive) {
  if (lc__ts_mentions_named(ts, type)) {
    lc_buf_printf(to, "  get %.*s()%s { return ", LC_STR_ARGS(key), recursive ? ": __TypeBuilder<any, __AlgebraicTypeType>" : "");
    lc__ts_put_type(ts, to, type);
    lc_buf_printf(to, "%s; },\n", suffix);
  } else {
    lc_buf_printf(to, "  %.*s: ", LC_STR_ARGS(key));
    lc__ts_put_type(ts, to, type);
    lc_buf_printf(to, "%s,\n", suffix);
  }
}

void lc__ts_put_field(lc__ts *ts, lc_buf *to, lc_str key, const lc_type *type, const char *suffix) {
  put_field(ts, to, key, type, suffix, false);
}

void lc__ts_put_params(lc__ts *ts, lc_buf *to, const lc_type *params) {
  if (params->field_count == 0) {
    lc_buf_put_text(to, "{}");
    return;
  }
  lc_buf_put_text(to, "{\n");
  for (uint32_t i = 0; i < params->field_count; i++)
    lc__ts_put_field(ts, to, lc_name_convert(ts->arena, params->fields[i].name, LC_CASE_CAMEL), params->fields[i].type, "");
  lc_buf_put_text(to, "}");
}

static bool mark(lc__ts *ts, uint32_t ref, void *context) {
  ((bool *)context)[ref] = true;
  return false;
}

static int compare_names(const void *a, const void *b) {
  return lc_str_compare(*(const lc_str *)a, *(const lc_str *)b);
}

void lc__ts_put_type_imports(lc__ts *ts, lc_buf *to, const lc_type *const *types, size_t count, const char *from) {
  bool *mentioned = LC_ARENA_ARRAY(ts->arena, bool, ts->def->typespace.count + 1);
  for (size_t i = 0; i < count; i++) visit_named(ts, types[i], mark, mentioned);
  lc_str *names = LC_ARENA_ARRAY(ts->arena, lc_str, ts->def->typespace.count + 1);
  size_t name_count = 0;
  for (uint32_t ref = 0; ref < ts->def->typespace.count; ref++)
    if (mentioned[ref]) names[name_count++] = ts->type_names[ref];
  if (name_count == 0) return;
  qsort(names, name_count, sizeof *names, compare_names);
  lc_buf_put_text(to, "import { ");
  for (size_t i = 0; i < name_count; i++) lc_buf_printf(to, "%s%.*s", i ? ", " : "", LC_STR_ARGS(names[i]));
  lc_buf_printf(to, " } from \"%s\";\n", from);
}

typedef struct named_type {
  lc_str name;
  uint32_t ref;
} named_type;
static int compare_named_types(const void *a, const void *b) {
  return lc_str_compare(((const named_type *)a)->name, ((const named_type *)b)->name);
}

static void put_definition(lc__ts *ts, lc_buf *to, const named_type *entry) {
  const lc_type *type = ts->def->typespace.types[entry->ref];
  bool is_sum = type->kind == LC_TYPE_SUM && type->special == LC_SPECIAL_NONE;
  lc_buf_printf(to, "\nexport const %.*s = ", LC_STR_ARGS(entry->name));
  if (is_never(type)) {
    lc_buf_printf(to, "__t.enum(\"%.*s\", [])", LC_STR_ARGS(entry->name));
  } else if (!is_sum && (type->kind != LC_TYPE_PRODUCT || type->special != LC_SPECIAL_NONE)) {
    lc__ts_put_type(ts, to, type); /* a name for a built-in type */
  } else {
    lc_buf_printf(to, "__t.%s(\"%.*s\", {%s", is_sum ? "enum" : "object", LC_STR_ARGS(entry->name), type->field_count ? "\n" : "");
    for (uint32_t i = 0; i < type->field_count; i++) {
      lc_str key = lc_name_convert(ts->arena, type->fields[i].name, is_sum ? LC_CASE_PASCAL : LC_CASE_CAMEL);
      reach search = {entry->ref, LC_ARENA_ARRAY(ts->arena, bool, ts->def->typespace.count)};
      put_field(ts, to, key, type->fields[i].type, "", visit_named(ts, type->fields[i].type, reaches, &search));
    }
    lc_buf_put_text(to, "})");
  }
  lc_buf_printf(to, ";\nexport type %.*s = __Infer<typeof %.*s>;\n", LC_STR_ARGS(entry->name), LC_STR_ARGS(entry->name));
}

void lc__ts_types_file(lc__ts *ts) {
  lc_buf *to = lc__ts_file(ts, LC_STR("types.ts"));
  lc_buf_put_text(to,
                  "import {\n  t as __t,\n  type AlgebraicTypeType as __AlgebraicTypeType,\n  type Infer as __Infer,\n  type TypeBuilder "
                  "as __TypeBuilder,\n} from \"spacetimedb\";\n");
  named_type *entries = LC_ARENA_ARRAY(ts->arena, named_type, ts->def->typespace.count + 1);
  size_t count = 0;
  for (uint32_t ref = 0; ref < ts->def->typespace.count; ref++)
    if (ts->type_names[ref].ptr) entries[count++] = (named_type){ts->type_names[ref], ref};
  qsort(entries, count, sizeof *entries, compare_named_types);
  for (size_t i = 0; i < count; i++) put_definition(ts, to, &entries[i]);
}
