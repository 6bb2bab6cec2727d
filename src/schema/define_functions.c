/* What a module can be called with: reducers and their lifecycle events, procedures, views, and the schedules that call some of them. */
#include "schema/define_internal.h"

static const char *const lifecycle_names[LC_LIFECYCLE_COUNT] = {"Init", "OnConnect", "OnDisconnect"};

/* ------------------------------------------------------------------------------------------------ reducers and procedures */

static bool is_unit(const lc_type *type) {
  return type->kind == LC_TYPE_PRODUCT && type->field_count == 0;
}

static void define_reducer(lc__scope *scope, const lc__raw_reducer *raw) {
  lc_str name = lc__define_name(scope, LC__EXPLICIT_FUNCTION, raw->name);
  lc__define_claim_function(scope, name);
  lc_reducer_def def = {.name = lc__define_full(scope, name),
                        .source_name = lc__define_full_source(scope, raw->name),
                        .params = raw->params,
                        .ok_type = raw->ok_type,
                        .err_type = raw->err_type,
                        .lifecycle = LC_LIFECYCLE_NONE,
                        .client_callable = raw->client_callable,
                        .module = scope->module};
  if (!is_unit(raw->ok_type) || raw->err_type->kind != LC_TYPE_STRING) {
    lc_buf ok = {0}, err = {0};
    lc_type_print_refs(&ok, raw->ok_type);
    lc_type_print_refs(&err, raw->err_type);
    lc__define_error(scope->d, "reducer %.*s has invalid return type: found Result<%s, %s>", LC_STR_ARGS(name), lc_buf_cstr(&ok),
                     lc_buf_cstr(&err));
    lc_buf_deinit(&ok);
    lc_buf_deinit(&err);
  }
  if (lc__define_params(scope, raw->params, "reducer", name)) def.params_layout = lc_layout_create(scope->d->arena, raw->params);
  lc_vec_push(&scope->d->reducers, def);
}

static void define_procedure(lc__scope *scope, const lc__raw_procedure *raw) {
  lc_str name = lc__define_name(scope, LC__EXPLICIT_FUNCTION, raw->name);
  lc__define_claim_function(scope, name);
  lc_procedure_def def = {.name = lc__define_full(scope, name),
                          .source_name = lc__define_full_source(scope, raw->name),
                          .params = raw->params,
                          .return_type = raw->return_type,
                          .client_callable = raw->client_callable,
                          .module = scope->module};
  if (lc__define_params(scope, raw->params, "procedure", name)) def.params_layout = lc_layout_create(scope->d->arena, raw->params);
  (void)lc__define_result(scope, raw->return_type, "procedure", name);
  lc_vec_push(&scope->d->procedures, def);
}

static void define_lifecycle(lc__scope *scope, const lc__raw_lifecycle *raw) {
  const char *event = lifecycle_names[raw->event];
  if (scope->module != 0) {
    lc__define_error(scope->d,
                     "lifecycle event %s is not permitted in submodule under namespace `%.*s`; lifecycle reducers may only be declared in "
                     "the root module",
                     event, (int)(scope->accessor_path.len - 1), scope->accessor_path.ptr);
    return;
  }
  int64_t reducer = lc__define_find_reducer(scope, raw->function);
  if (reducer < 0) {
    lc__define_error(scope->d, "lifecycle event %s without reducer", event);
    return;
  }
  lc_reducer_def *def = &scope->d->reducers.items[reducer];
  if (scope->d->def->lifecycle[raw->event] >= 0 || def->lifecycle != LC_LIFECYCLE_NONE) {
    lc__define_error(scope->d, "Multiple reducers defined for lifecycle event %s", event);
    return;
  }
  scope->d->def->lifecycle[raw->event] = (int32_t)reducer;
  def->lifecycle = raw->event;
  if (scope->raw->version == 10) def->client_callable = false;
}

/* ------------------------------------------------------------------------------------------------ views */

/* Option<Ref>, Array<Ref> or a query of Ref: stores which row type. */
static bool view_row(const lc__scope *scope, const lc_type *type, uint32_t *ref, bool *is_query) {
  *is_query = type->special == LC_SPECIAL_QUERY;
  const lc_type *row = type->kind == LC_TYPE_ARRAY                       ? type->element
                       : type->special == LC_SPECIAL_OPTION || *is_query ? type->fields[0].type
                                                                         : NULL;
  if (row == NULL || row->kind != LC_TYPE_REF || row->ref >= scope->space.count) return false;
  *ref = row->ref;
  return lc_type_resolve(scope->space.types[row->ref])->kind == LC_TYPE_PRODUCT;
}

static void check_view_params(lc__scope *scope, lc_str name, const lc_type *params) {
  for (uint32_t i = 0; i < params->field_count; i++) {
    const lc_type *type = lc_type_resolve(params->fields[i].type);
    if (type->kind == LC_TYPE_F32 || type->kind == LC_TYPE_F64)
      lc__define_error(scope->d, "View %.*s has a floating point parameter `%.*s`; such values cannot be compared for equality",
                       LC_STR_ARGS(name), LC_STR_ARGS(params->fields[i].name));
  }
}

/* A query takes over the primary key of the tables whose rows it returns, if they agree. */
static void inherit_primary_key(lc__scope *scope, lc_view_def *view) {
  int32_t key = -1;
  bool ambiguous = false, found = false;
  for (size_t i = scope->first_table; i < scope->d->tables.count; i++) {
    const lc_table_def *table = &scope->d->tables.items[i];
    if (table->type_ref != view->row_ref) continue;
    ambiguous |= found && table->primary_key != key;
    key = table->primary_key;
    found = true;
  }
  if (!found || ambiguous || key < 0) return;
  view->primary_key = lc_arena_alloc(scope->d->arena, sizeof(uint16_t));
  view->primary_key[0] = (uint16_t)key;
  view->primary_key_count = 1;
}

static void define_view(lc__scope *scope, const lc__raw_view *raw) {
  lc_str name = lc__define_name(scope, LC__EXPLICIT_FUNCTION, raw->name);
  lc__define_claim_function(scope, name);
  lc__define_claim(scope, name);
  uint32_t before = raw->is_anonymous ? scope->d->anonymous_views : scope->d->sender_views;
  lc_view_def def = {.name = lc__define_full(scope, name),
                     .source_name = lc__define_full_source(scope, raw->name),
                     .index = before + raw->index,
                     .source_index = raw->index,
                     .is_public = raw->is_public,
                     .is_anonymous = raw->is_anonymous,
                     .params = raw->params,
                     .return_type = raw->return_type,
                     .module = scope->module};
  if (lc__define_params(scope, raw->params, "view", name)) check_view_params(scope, name, raw->params);
  if (!view_row(scope, raw->return_type, &def.row_ref, &def.is_query)) {
    lc_buf type = {0};
    lc_type_print_refs(&type, raw->return_type);
    lc__define_error(scope->d, "View %.*s has invalid return type %s", LC_STR_ARGS(name), lc_buf_cstr(&type));
    lc_buf_deinit(&type);
    return;
  }
  if (!lc__define_result(scope, raw->return_type, "view", name)) return;
  if (!lc__define_columns(scope, def.row_ref, &def.row, &def.columns, &def.column_count, "View", name)) return;
  if (def.is_query && raw->params->field_count == 0) inherit_primary_key(scope, &def);
  lc_vec_push(&scope->d->views, def);
}

static void define_view_key(lc__scope *scope, const lc__raw_view_key *raw, uint32_t position) {
  lc_str full = lc__define_full_source(scope, raw->view);
  lc_view_def *view = NULL;
  for (size_t i = scope->first_view; i < scope->d->views.count; i++)
    if (lc_str_equal(scope->d->views.items[i].source_name, full)) view = &scope->d->views.items[i];
  if (view == NULL) {
    lc__define_error(scope->d, "View %.*s referenced by primary key definition not found", LC_STR_ARGS(raw->view));
    return;
  }
  for (uint32_t i = 0; i < position; i++) {
    if (!lc_str_equal(scope->raw->view_keys[i].view, raw->view)) continue;
    lc__define_error(scope->d, "View %.*s has multiple primary key definitions", LC_STR_ARGS(raw->view));
    return;
  }
  if (raw->column_count > 1) {
    lc_buf list = {0};
    for (uint32_t i = 0; i < raw->column_count; i++) lc_buf_printf(&list, "%s\"%.*s\"", i ? ", " : "", LC_STR_ARGS(raw->columns[i]));
    lc__define_error(scope->d, "View %.*s has multiple primary key columns: [%s]", LC_STR_ARGS(raw->view), lc_buf_cstr(&list));
    lc_buf_deinit(&list);
    return;
  }
  if (raw->column_count == 0) return;
  if (view->params->field_count) {
    lc__define_error(scope->d, "View %.*s has parameters and a primary key; a view with parameters cannot have one",
                     LC_STR_ARGS(raw->view));
    return;
  }
  uint16_t column = 0;
  while (column < view->column_count && !lc_str_equal(view->columns[column].source_name, raw->columns[0])) column++;
  if (column == view->column_count) {
    lc__define_error(scope->d, "Primary key column %.*s for view %.*s not found", LC_STR_ARGS(raw->columns[0]), LC_STR_ARGS(raw->view));
    return;
  }
  view->primary_key = lc_arena_alloc(scope->d->arena, sizeof(uint16_t));
  view->primary_key[0] = column;
  view->primary_key_count = 1;
  view->has_explicit_key = true;
}

void lc__define_functions(lc__scope *scope) {
  const lc__raw_module *raw = scope->raw;
  for (uint32_t i = 0; i < raw->reducers_count; i++) define_reducer(scope, &raw->reducers[i]);
  for (uint32_t i = 0; i < raw->procedures_count; i++) define_procedure(scope, &raw->procedures[i]);
  uint32_t sender = 0, anonymous = 0;
  for (uint32_t i = 0; i < raw->views_count; i++) {
    define_view(scope, &raw->views[i]);
    if (raw->views[i].is_anonymous)
      anonymous++;
    else
      sender++;
  }
  scope->d->sender_views += sender;
  scope->d->anonymous_views += anonymous;
  for (uint32_t i = 0; i < raw->view_keys_count; i++) define_view_key(scope, &raw->view_keys[i], i);
  for (uint32_t i = 0; i < raw->lifecycles_count; i++) define_lifecycle(scope, &raw->lifecycles[i]);
}

/* ------------------------------------------------------------------------------------------------ schedules */

static bool has_schedule_columns(const lc_table_def *table, uint16_t at_column) {
  if (table->primary_key < 0 || table->columns[table->primary_key].type->kind != LC_TYPE_U64) return false;
  return at_column < table->column_count && at_column != table->primary_key &&
         table->columns[at_column].type->special == LC_SPECIAL_SCHEDULE_AT;
}

/* The function takes exactly the row. */
static void check_scheduled_params(lc__scope *scope, const lc_type *params, const char *kind, lc_str function, uint32_t row_ref) {
  if (params->field_count == 1 && params->fields[0].type->kind == LC_TYPE_REF && params->fields[0].type->ref == row_ref) return;
  lc_buf type = {0};
  lc_type_print_refs(&type, params);
  lc__define_error(scope->d, "Scheduled %s %.*s expected to have type (0: &%u), but has type %s", kind, LC_STR_ARGS(function), row_ref,
                   lc_buf_cstr(&type));
  lc_buf_deinit(&type);
}

static void define_schedule(lc__scope *scope, const lc__raw_schedule *raw) {
  lc__definer *d = scope->d;
  lc_table_def *table = lc__define_find_table(scope, raw->table);
  if (table == NULL) {
    lc__define_error(d, "Table %.*s not found", LC_STR_ARGS(raw->table));
    return;
  }
  lc_str local = {table->name.ptr + scope->path.len, table->name.len - scope->path.len};
  lc_schedule_def *schedule = LC_ARENA_NEW(d->arena, lc_schedule_def);
  schedule->name = scope->raw->version == 9 && raw->name.ptr ? raw->name : lc_arena_printf(d->arena, "%.*s_sched", LC_STR_ARGS(local));
  lc__define_claim(scope, schedule->name);
  if (table->is_event) lc__define_error(d, "Table %.*s is an event table, which cannot have a schedule", LC_STR_ARGS(local));
  if (!has_schedule_columns(table, raw->at_column)) {
    lc_buf type = {0};
    lc_type_print(&type, table->row);
    lc__define_error(
        d, "A scheduled table must have columns `scheduled_id: u64` and `scheduled_at: ScheduledAt`, but table `%.*s` has columns %.1000s",
        LC_STR_ARGS(local), lc_buf_cstr(&type));
    lc_buf_deinit(&type);
    return;
  }
  schedule->at_column = raw->at_column;
  schedule->id_column = (uint16_t)table->primary_key;
  int64_t reducer = lc__define_find_reducer(scope, raw->function), procedure = lc__define_find_procedure(scope, raw->function);
  bool hide = scope->raw->version == 10;
  if (reducer >= 0) {
    lc_reducer_def *def = &d->reducers.items[reducer];
    check_scheduled_params(scope, def->params, "reducer", raw->function, table->type_ref);
    schedule->function = (uint32_t)reducer;
    schedule->function_name = def->name;
    if (hide) def->client_callable = false;
  } else if (procedure >= 0) {
    lc_procedure_def *def = &d->procedures.items[procedure];
    check_scheduled_params(scope, def->params, "procedure", raw->function, table->type_ref);
    schedule->function = (uint32_t)procedure;
    schedule->function_name = def->name;
    schedule->is_procedure = true;
    if (hide) def->client_callable = false;
  } else {
    lc__define_error(d, "Schedule %.*s refers to a scheduled reducer or procedure %.*s that does not exist", LC_STR_ARGS(schedule->name),
                     LC_STR_ARGS(raw->function));
    return;
  }
  table->schedule = schedule;
}

void lc__define_schedules(lc__scope *scope) {
  for (uint32_t i = 0; i < scope->raw->schedules_count; i++) define_schedule(scope, &scope->raw->schedules[i]);
}
