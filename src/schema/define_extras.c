/* What else a module declares: row rules, outboxes, HTTP handlers and routes, the environment. */
#include "schema/define_internal.h"

void lc__define_row_rules(lc__scope *scope) {
  for (uint32_t i = 0; i < scope->raw->row_rules_count; i++) {
    lc_rls_def rule = {scope->raw->row_rules[i], scope->module};
    lc_vec_push(&scope->d->row_rules, rule);
  }
}

/* ------------------------------------------------------------------------------------------------ outboxes */

/* One or more identifiers with dots between. */
static bool is_dotted_identifier(lc_str name, lc_buf *why) {
  size_t from = 0;
  for (size_t i = 0; i <= name.len; i++) {
    if (i < name.len && name.ptr[i] != '.') continue;
    if (!lc_name_is_identifier((lc_str){name.ptr + from, i - from}, why)) return false;
    from = i + 1;
  }
  return true;
}

static bool is_unit_or_text_result(const lc_type *type) {
  return type->special == LC_SPECIAL_RESULT && type->fields[0].type->kind == LC_TYPE_PRODUCT && type->fields[0].type->field_count == 0 &&
         type->fields[1].type->kind == LC_TYPE_STRING;
}

static void define_outbox_callback(lc__scope *scope, const lc__raw_outbox *raw, const lc_table_def *table, lc_outbox_def *outbox) {
  lc__definer *d = scope->d;
  outbox->on_result = -1;
  if (raw->on_result.ptr == NULL) return;
  if (memchr(raw->on_result.ptr, '.', raw->on_result.len)) {
    lc__define_error(d, "The on_result reducer %.*s of the outbox %.*s must be one of the same module", LC_STR_ARGS(raw->on_result),
                     LC_STR_ARGS(raw->table));
    return;
  }
  int64_t reducer = lc__define_find_reducer(scope, raw->on_result);
  if (reducer < 0) {
    lc__define_error(d, "The on_result reducer %.*s of the outbox %.*s does not exist", LC_STR_ARGS(raw->on_result),
                     LC_STR_ARGS(raw->table));
    return;
  }
  lc_reducer_def *def = &d->reducers.items[reducer];
  const lc_type *params = def->params;
  bool fits = params->field_count == 2 && params->fields[0].type->kind == LC_TYPE_REF && params->fields[0].type->ref == table->type_ref &&
              is_unit_or_text_result(params->fields[1].type);
  if (!fits)
    lc__define_error(d, "The on_result reducer %.*s of the outbox %.*s must take the row and a Result<(), String>",
                     LC_STR_ARGS(raw->on_result), LC_STR_ARGS(raw->table));
  def->client_callable = false;
  outbox->on_result = (int32_t)reducer;
}

static void check_outbox_columns(lc__scope *scope, const lc__raw_outbox *raw, const lc_table_def *table) {
  lc__definer *d = scope->d;
  if (table->primary_key < 0) {
    lc__define_error(d, "The outbox table %.*s needs a primary key", LC_STR_ARGS(raw->table));
  } else if (table->columns[table->primary_key].type->kind != LC_TYPE_U64) {
    lc__define_error(d, "The primary key of the outbox table %.*s must be of type U64", LC_STR_ARGS(raw->table));
  }
  const lc_type *target = raw->target_column < table->column_count ? table->columns[raw->target_column].type : NULL;
  bool is_target =
      target && raw->target_column != table->primary_key && (target->kind == LC_TYPE_U256 || target->special == LC_SPECIAL_IDENTITY);
  if (!is_target)
    lc__define_error(d, "The outbox table %.*s has no target column %u of type Identity or U256 beside its key", LC_STR_ARGS(raw->table),
                     raw->target_column);
  for (uint32_t i = 0; i < raw->arguments.count; i++)
    if (raw->arguments.items[i] >= table->column_count)
      lc__define_error(d, "Argument column %u of the outbox table %.*s does not exist", raw->arguments.items[i], LC_STR_ARGS(raw->table));
}

static void define_outbox(lc__scope *scope, const lc__raw_outbox *raw, uint32_t position) {
  lc__definer *d = scope->d;
  const lc_table_def *table = lc__define_find_table(scope, raw->table);
  if (table == NULL) {
    lc__define_error(d, "The outbox table %.*s does not exist", LC_STR_ARGS(raw->table));
    return;
  }
  for (uint32_t i = 0; i < position; i++)
    if (lc_str_equal(scope->raw->outboxes[i].table, raw->table))
      lc__define_error(d, "Table %.*s has more than one outbox", LC_STR_ARGS(raw->table));
  if (table->is_event) lc__define_error(d, "Table %.*s is an event table, which cannot be an outbox", LC_STR_ARGS(raw->table));
  if (table->schedule) lc__define_error(d, "Table %.*s has a schedule and cannot be an outbox as well", LC_STR_ARGS(raw->table));
  lc_buf why = {0};
  if (!is_dotted_identifier(raw->remote_reducer, &why))
    lc__define_error(d, "The remote reducer of the outbox %.*s has no valid name: %s", LC_STR_ARGS(raw->table), lc_buf_cstr(&why));
  lc_buf_deinit(&why);
  check_outbox_columns(scope, raw, table);
  lc_outbox_def outbox = {.raw = raw->raw,
                          .remote_reducer = raw->remote_reducer,
                          .target_column = raw->target_column,
                          .argument_columns = raw->arguments.items,
                          .argument_count = raw->arguments.count,
                          .signature_hash = raw->signature_hash};
  define_outbox_callback(scope, raw, table, &outbox);
  lc_vec_push(&d->outboxes, outbox);
  lc_vec_push(&d->outbox_tables, table->name);
}

void lc__define_outboxes(lc__scope *scope) {
  for (uint32_t i = 0; i < scope->raw->outboxes_count; i++) define_outbox(scope, &scope->raw->outboxes[i], i);
}

/* ------------------------------------------------------------------------------------------------ HTTP */

static bool path_is_good(lc_str path) {
  if (path.len && path.ptr[0] != '/') return false;
  for (size_t i = 0; i < path.len; i++) {
    char c = path.ptr[i];
    bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '~' || c == '/';
    if (!good) return false;
  }
  return true;
}

static void define_route(lc__scope *scope, const lc__raw_route *raw, uint32_t position) {
  lc__definer *d = scope->d;
  if (!path_is_good(raw->path)) {
    if (raw->path.len && raw->path.ptr[0] != '/')
      lc__define_error(d, "HTTP route path `%.*s` is invalid; it must be empty or start with `/`", LC_STR_ARGS(raw->path));
    else
      lc__define_error(d, "HTTP route path `%.*s` is invalid; allowed characters are ASCII lowercase letters, digits and `-_~/`",
                       LC_STR_ARGS(raw->path));
  }
  for (uint32_t i = 0; i < position; i++) {
    const lc__raw_route *other = &scope->raw->routes[i];
    bool overlaps = raw->method.ptr == NULL || other->method.ptr == NULL || lc_str_equal(raw->method, other->method);
    if (!overlaps || !lc_str_equal(raw->path, other->path)) continue;
    lc_str method = raw->method.ptr ? raw->method : LC_STR("Any");
    lc__define_error(d, "HTTP route duplicates method %.*s for path %.*s", LC_STR_ARGS(method), LC_STR_ARGS(raw->path));
    break;
  }
  uint32_t handler = 0;
  while (handler < scope->raw->handlers_count && !lc_str_equal(scope->raw->handlers[handler], raw->handler)) handler++;
  if (handler == scope->raw->handlers_count)
    lc__define_error(d, "HTTP route refers to unknown HTTP handler `%.*s`", LC_STR_ARGS(raw->handler));
  if (scope->module != 0) return; /* routers of submodules are checked and then ignored */
  d->def->http_routes[d->def->http_route_count++] = (lc_http_route_def){
      .handler = raw->handler, .path = raw->path, .handler_index = handler, .method = raw->method, .method_extension = raw->extension};
}

void lc__define_http(lc__scope *scope) {
  const lc__raw_module *raw = scope->raw;
  lc_module_def *def = scope->d->def;
  if (scope->module == 0) {
    def->http_handlers = LC_ARENA_ARRAY(scope->d->arena, lc_http_handler_def, raw->handlers_count);
    def->http_routes = LC_ARENA_ARRAY(scope->d->arena, lc_http_route_def, raw->routes_count);
  }
  lc_map names = {0};
  for (uint32_t i = 0; i < raw->handlers_count; i++) {
    lc_str name = lc__define_name(scope, LC__EXPLICIT_FUNCTION, raw->handlers[i]);
    uint64_t other;
    if (lc_map_get(&names, name, &other))
      lc__define_error(scope->d, "HTTP handler name %.*s is used for multiple HTTP handlers", LC_STR_ARGS(name));
    lc_map_put(&names, name, i);
    if (scope->module == 0) def->http_handlers[def->http_handler_count++] = (lc_http_handler_def){raw->handlers[i]};
  }
  lc_map_deinit(&names);
  for (uint32_t i = 0; i < raw->routes_count; i++) define_route(scope, &raw->routes[i], i);
}

/* ------------------------------------------------------------------------------------------------ environment */

enum { DECLARATIONS_MAX = 256, UNION_MAX = 256, NAME_BYTES_MAX = 256, LITERAL_BYTES_MAX = 8192, ENVIRONMENT_BYTES_MAX = 2 << 20 };

static bool is_environment_name(lc_str name) {
  if (name.len == 0 || name.len > NAME_BYTES_MAX) return false;
  for (size_t i = 0; i < name.len; i++) {
    char c = name.ptr[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    if (!letter && (i == 0 || c < '0' || c > '9')) return false;
  }
  return true;
}

static int compare_literals(const void *a, const void *b) {
  return lc_str_compare(*(const lc_str *)a, *(const lc_str *)b);
}

static size_t define_declaration(lc__scope *scope, lc_environment_def *def) {
  lc__definer *d = scope->d;
  size_t bytes = def->name.len;
  if (!is_environment_name(def->name)) lc__define_error(d, "Environment variable `%.*s` has an invalid name", LC_STR_ARGS(def->name));
  if (def->kind == LC_ENVIRONMENT_UNION && (def->literal_count == 0 || def->literal_count > UNION_MAX))
    lc__define_error(d, "Environment variable `%.*s` has %u allowed values; between 1 and %d are possible", LC_STR_ARGS(def->name),
                     def->literal_count, UNION_MAX);
  for (uint32_t i = 0; i < def->literal_count; i++) {
    bytes += def->literals[i].len;
    if (def->literals[i].len > LITERAL_BYTES_MAX)
      lc__define_error(d, "Environment variable `%.*s` has an allowed value of more than %d bytes", LC_STR_ARGS(def->name),
                       LITERAL_BYTES_MAX);
  }
  uint32_t kept = 0;
  if (def->literal_count) qsort(def->literals, def->literal_count, sizeof(lc_str), compare_literals);
  for (uint32_t i = 0; i < def->literal_count; i++)
    if (i == 0 || !lc_str_equal(def->literals[i], def->literals[i - 1])) def->literals[kept++] = def->literals[i];
  def->literal_count = kept;
  return bytes;
}

void lc__define_environment(lc__scope *scope) {
  const lc__raw_module *raw = scope->raw;
  if (raw->environment_count == 0) return;
  if (scope->module != 0) {
    lc__define_error(scope->d, "submodule `%.*s` declares environment variables; only the root module may",
                     (int)(scope->accessor_path.len - 1), scope->accessor_path.ptr);
    return;
  }
  if (raw->environment_count > DECLARATIONS_MAX)
    lc__define_error(scope->d, "the module declares %u environment variables; at most %d are possible", raw->environment_count,
                     DECLARATIONS_MAX);
  lc_map names = {0};
  size_t bytes = 0;
  for (uint32_t i = 0; i < raw->environment_count; i++) {
    uint64_t other;
    if (lc_map_get(&names, raw->environment[i].name, &other))
      lc__define_error(scope->d, "Environment variable `%.*s` is declared more than once", LC_STR_ARGS(raw->environment[i].name));
    lc_map_put(&names, raw->environment[i].name, i);
    bytes += define_declaration(scope, &raw->environment[i]);
  }
  lc_map_deinit(&names);
  if (bytes > ENVIRONMENT_BYTES_MAX)
    lc__define_error(scope->d, "the environment declarations take more than %d bytes", ENVIRONMENT_BYTES_MAX);
  scope->d->def->environment = raw->environment;
  scope->d->def->environment_count = raw->environment_count;
}
