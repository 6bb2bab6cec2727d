/* The whole of a definition: modules in order, names, and the lists that lc_module_def holds (module_def.h, define_internal.h). */
#include <stdarg.h>
#include <stdio.h>

#include "schema/define_internal.h"

/* ------------------------------------------------------------------------------------------------ errors */

void lc__define_error(lc__definer *d, const char *format, ...) {
  char text[2048];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  lc_vec_push(&d->errors, lc_arena_str(d->arena, lc_str_of(text)));
}

static int compare_texts(const void *a, const void *b) {
  return lc_str_compare(*(const lc_str *)a, *(const lc_str *)b);
}

static void report_errors(lc__definer *d, lc_buf *errors) {
  qsort(d->errors.items, d->errors.count, sizeof(lc_str), compare_texts);
  for (size_t i = 0; i < d->errors.count; i++) {
    if (i && lc_str_equal(d->errors.items[i], d->errors.items[i - 1])) continue;
    lc_buf_put_str(errors, d->errors.items[i]);
    lc_buf_put8(errors, '\n');
  }
}

/* ------------------------------------------------------------------------------------------------ names */

bool lc__define_explicit(const lc__scope *scope, lc__explicit_kind kind, lc_str source, lc_str *canonical) {
  uint64_t index;
  if (!lc_map_get(&scope->explicit_names[kind], source, &index)) return false;
  *canonical = scope->raw->explicit_names[index].canonical;
  return true;
}

bool lc__define_identifier(lc__scope *scope, lc_str name) {
  lc_buf why = {0};
  bool good = lc_name_is_identifier(name, &why);
  if (!good) lc__define_error(scope->d, "module contains invalid identifier: %s", lc_buf_cstr(&why));
  lc_buf_deinit(&why);
  return good;
}

lc_str lc__define_name(lc__scope *scope, lc__explicit_kind what, lc_str source) {
  lc_str canonical = source;
  if (!lc__define_explicit(scope, what, source, &canonical) && scope->raw->snake_case)
    canonical = lc_name_convert(scope->d->arena, source, LC_CASE_SNAKE);
  if (lc__define_identifier(scope, canonical) && !lc_str_equal(source, canonical)) (void)lc__define_identifier(scope, source);
  return canonical;
}

static lc_str with_path(lc__scope *scope, lc_str path, lc_str name) {
  return path.len ? lc_arena_printf(scope->d->arena, "%.*s%.*s", LC_STR_ARGS(path), LC_STR_ARGS(name)) : name;
}

lc_str lc__define_full(lc__scope *scope, lc_str name) {
  return with_path(scope, scope->path, name);
}
lc_str lc__define_full_source(lc__scope *scope, lc_str name) {
  return with_path(scope, scope->accessor_path, name);
}

static bool claim(lc_map *map, lc_str name) {
  uint64_t taken;
  if (lc_map_get(map, name, &taken)) return false;
  lc_map_put(map, name, 1);
  return true;
}

void lc__define_claim(lc__scope *scope, lc_str name) {
  if (!claim(&scope->names, name)) lc__define_error(scope->d, "name `%.*s` is used for multiple entities", LC_STR_ARGS(name));
}

void lc__define_claim_function(lc__scope *scope, lc_str name) {
  if (!claim(&scope->functions, name))
    lc__define_error(scope->d, "Name %.*s is used for multiple reducers, procedures and/or views", LC_STR_ARGS(name));
}

lc_table_def *lc__define_find_table(lc__scope *scope, lc_str source) {
  lc_str full = lc__define_full_source(scope, source);
  for (size_t i = scope->first_table; i < scope->d->tables.count; i++)
    if (lc_str_equal(scope->d->tables.items[i].source_name, full)) return &scope->d->tables.items[i];
  return NULL;
}

int64_t lc__define_find_reducer(lc__scope *scope, lc_str source) {
  lc_str full = lc__define_full_source(scope, source);
  for (size_t i = scope->first_reducer; i < scope->d->reducers.count; i++)
    if (lc_str_equal(scope->d->reducers.items[i].source_name, full)) return (int64_t)i;
  return -1;
}

int64_t lc__define_find_procedure(lc__scope *scope, lc_str source) {
  lc_str full = lc__define_full_source(scope, source);
  for (size_t i = scope->first_procedure; i < scope->d->procedures.count; i++)
    if (lc_str_equal(scope->d->procedures.items[i].source_name, full)) return (int64_t)i;
  return -1;
}

/* ------------------------------------------------------------------------------------------------ modules */

static void define_module(lc__definer *d, const lc__raw_module *raw, lc_submodule_def place);

enum { NAMESPACE_BYTES_MAX = 63 };

static bool namespace_is_good(lc__scope *scope, lc_str name) {
  if (!lc__define_identifier(scope, name)) return false;
  if (name.len <= NAMESPACE_BYTES_MAX) return true;
  lc__define_error(scope->d, "submodule namespace `%.*s` is %zu bytes, which exceeds the 63-byte limit", LC_STR_ARGS(name), name.len);
  return false;
}

/* No table or function of the mounting module may be spelled like a namespace beside it: `lib.x` would be ambiguous in its code. */
static void check_namespace_conflict(lc__scope *scope, lc_str accessor) {
  const lc__raw_module *raw = scope->raw;
  bool taken = false;
  for (uint32_t i = 0; i < raw->tables_count; i++) taken |= lc_str_equal(raw->tables[i].name, accessor);
  for (uint32_t i = 0; i < raw->reducers_count; i++) taken |= lc_str_equal(raw->reducers[i].name, accessor);
  for (uint32_t i = 0; i < raw->procedures_count; i++) taken |= lc_str_equal(raw->procedures[i].name, accessor);
  for (uint32_t i = 0; i < raw->views_count; i++) taken |= lc_str_equal(raw->views[i].name, accessor);
  if (taken)
    lc__define_error(scope->d, "submodule namespace `%.*s` has the name of a table or function of the module that mounts it",
                     LC_STR_ARGS(accessor));
}

static void define_submodules(lc__scope *scope) {
  lc_map accessors = {0}, names = {0};
  lc_arena *arena = scope->d->arena;
  for (uint32_t i = 0; i < scope->raw->submodules_count; i++) {
    const lc__raw_submodule *raw = &scope->raw->submodules[i];
    lc_submodule_def place = {.parent = scope->module, .accessor_name = raw->name, .name = raw->name};
    if (!lc__define_explicit(scope, LC__EXPLICIT_NAMESPACE, raw->name, &place.name) && scope->raw->snake_case)
      place.name = lc_name_convert(arena, raw->name, LC_CASE_SNAKE);
    bool good = namespace_is_good(scope, place.name) && namespace_is_good(scope, place.accessor_name);
    bool is_new = claim(&accessors, place.accessor_name);
    is_new = claim(&names, place.name) && is_new;
    if (!is_new) lc__define_error(scope->d, "submodule namespace `%.*s` is used more than once", LC_STR_ARGS(raw->name));
    check_namespace_conflict(scope, place.accessor_name);
    if (!good || !is_new) continue;
    place.path = lc_arena_printf(arena, "%.*s%.*s.", LC_STR_ARGS(scope->path), LC_STR_ARGS(place.name));
    place.accessor_path = lc_arena_printf(arena, "%.*s%.*s.", LC_STR_ARGS(scope->accessor_path), LC_STR_ARGS(place.accessor_name));
    define_module(scope->d, raw->module, place);
  }
  lc_map_deinit(&accessors);
  lc_map_deinit(&names);
}

static void scope_deinit(lc__scope *scope) {
  lc_map_deinit(&scope->names);
  lc_map_deinit(&scope->functions);
  for (int i = 0; i < LC__EXPLICIT_COUNT; i++) lc_map_deinit(&scope->explicit_names[i]);
}

static void define_module(lc__definer *d, const lc__raw_module *raw, lc_submodule_def place) {
  lc__scope scope = {.d = d,
                     .raw = raw,
                     .module = (uint32_t)d->modules.count,
                     .path = place.path,
                     .accessor_path = place.accessor_path,
                     .source = raw->typespace};
  scope.first_table = (uint32_t)d->tables.count;
  scope.first_reducer = (uint32_t)d->reducers.count;
  scope.first_procedure = (uint32_t)d->procedures.count;
  scope.first_view = (uint32_t)d->views.count;
  lc_vec_push(&d->modules, place);
  for (uint32_t i = 0; i < raw->explicit_names_count; i++)
    lc_map_put(&scope.explicit_names[raw->explicit_names[i].kind], raw->explicit_names[i].source, i);
  lc__define_types(&scope);
  if (scope.linked) {
    lc__define_tables(&scope);
    lc__define_functions(&scope);
    lc__define_schedules(&scope);
    lc__define_row_rules(&scope);
    lc__define_outboxes(&scope);
    lc__define_http(&scope);
    lc__define_environment(&scope);
    define_submodules(&scope);
  }
  scope_deinit(&scope);
}

/* ------------------------------------------------------------------------------------------------ the result */

static int compare_tables(const void *a, const void *b) {
  return lc_str_compare(((const lc_table_def *)a)->name, ((const lc_table_def *)b)->name);
}

#define TAKE_LIST(list, name, type)                                                   \
  do {                                                                                \
    def->name##_count = (uint32_t)d->list.count;                                      \
    def->list = lc_arena_copy(d->arena, d->list.items, sizeof(type) * d->list.count); \
  } while (0)

static void take_lists(lc__definer *d) {
  lc_module_def *def = d->def;
  if (d->tables.count) qsort(d->tables.items, d->tables.count, sizeof(lc_table_def), compare_tables);
  TAKE_LIST(modules, module, lc_submodule_def);
  TAKE_LIST(tables, table, lc_table_def);
  TAKE_LIST(reducers, reducer, lc_reducer_def);
  TAKE_LIST(procedures, procedure, lc_procedure_def);
  TAKE_LIST(views, view, lc_view_def);
  TAKE_LIST(row_rules, row_rule, lc_rls_def);
  TAKE_LIST(outboxes, outbox, lc_outbox_def);
  def->has_submodules = def->module_count > 1;
  def->typespace = def->modules[0].typespace;
  def->types = def->modules[0].types;
  def->type_count = def->modules[0].type_count;
  for (uint32_t i = 0; i < def->table_count; i++) lc_map_put(&def->table_ids, def->tables[i].name, i);
  for (uint32_t i = 0; i < def->reducer_count; i++) lc_map_put(&def->reducer_ids, def->reducers[i].name, i);
  for (uint32_t i = 0; i < def->procedure_count; i++) lc_map_put(&def->procedure_ids, def->procedures[i].name, i);
  for (uint32_t i = 0; i < def->outbox_count; i++) {
    uint64_t table;
    bool found = lc_map_get(&def->table_ids, d->outbox_tables.items[i], &table);
    lc_assert(found);
    def->outboxes[i].table = (uint32_t)table;
  }
}

static void definer_deinit(lc__definer *d) {
  lc_vec_deinit(&d->errors);
  lc_vec_deinit(&d->modules);
  lc_vec_deinit(&d->tables);
  lc_vec_deinit(&d->reducers);
  lc_vec_deinit(&d->procedures);
  lc_vec_deinit(&d->views);
  lc_vec_deinit(&d->row_rules);
  lc_vec_deinit(&d->outboxes);
  lc_vec_deinit(&d->outbox_tables);
}

/* Owns everything the definition points to, itself included. */
lc_err lc_module_def_decode(lc_span bytes, lc_module_def **result, lc_buf *errors) {
  lc_arena arena = {0};
  lc__raw_module *raw;
  lc_err err = lc__raw_module_decode(&arena, bytes, &raw);
  if (lc_failed(err)) {
    lc_arena_deinit(&arena);
    return err;
  }
  lc_module_def *def = LC_ARENA_NEW(&arena, lc_module_def);
  def->version = raw->version;
  for (int i = 0; i < LC_LIFECYCLE_COUNT; i++) def->lifecycle[i] = -1;
  lc__definer d = {.arena = &arena, .def = def};
  define_module(
      &d, raw,
      (lc_submodule_def){.parent = 0, .accessor_name = LC_STR(""), .name = LC_STR(""), .path = LC_STR(""), .accessor_path = LC_STR("")});
  if (d.errors.count) {
    report_errors(&d, errors);
    err = lc_fail(LC_ERR_MODULE_INVALID, "the module definition is invalid: %.*s%s", LC_STR_ARGS(d.errors.items[0]),
                  d.errors.count > 1 ? " (and more)" : "");
    definer_deinit(&d);
    lc_arena_deinit(&arena);
    return err;
  }
  take_lists(&d);
  definer_deinit(&d);
  def->arena = arena;
  *result = def;
  return lc_ok();
}

void lc_module_def_destroy(lc_module_def *def) {
  if (def == NULL) return;
  lc_map_deinit(&def->reducer_ids);
  lc_map_deinit(&def->procedure_ids);
  lc_map_deinit(&def->table_ids);
  lc_arena arena = def->arena; /* the definition itself lies in it */
  lc_arena_deinit(&arena);
}

const lc_table_def *lc_module_def_table(const lc_module_def *def, lc_str canonical_name) {
  uint64_t index;
  return lc_map_get(&def->table_ids, canonical_name, &index) ? &def->tables[index] : NULL;
}
