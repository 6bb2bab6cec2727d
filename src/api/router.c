/*
 * From a request to its handler. The routes are one table, one row per method and pattern; what a route shares with others (CORS, `Allow`,
 * authentication) is looked up in the same rows, so a new route is a new line.
 *
 * Order: unknown path 404 · OPTIONS · the auto layer authenticates · wrong method 405 · other authentication · body too long 413 · handler.
 */
#include "api/api_internal.h"

typedef enum route_body { BODY_SMALL, BODY_UNLIMITED } route_body;

typedef struct route {
  const char *pattern; /* `:x` stands for one segment, decoded */
  lc_http_method method;
  lc__auth auth;
  route_body body;
  lc__handler handler;
} route;

#define DATABASE "/v1/database/:database"
/* The rows of one path stand together, in the order in which `Allow` lists them. */
static const route routes[] = {
    {"/v1/ping", LC_HTTP_GET, LC__AUTH_CHECKED, BODY_SMALL, lc__route_ping},
    {"/v1/health", LC_HTTP_GET, LC__AUTH_NONE, BODY_SMALL, lc__route_health},
    {"/v1/identity", LC_HTTP_POST, LC__AUTH_NONE, BODY_SMALL, lc__route_identity_create},
    {"/v1/identity/public-key", LC_HTTP_GET, LC__AUTH_NONE, BODY_SMALL, lc__route_public_key},
    {"/v1/identity/websocket-token", LC_HTTP_POST, LC__AUTH_REQUIRED, BODY_SMALL, lc__route_websocket_token},
    {"/v1/identity/:identity/verify", LC_HTTP_GET, LC__AUTH_REQUIRED, BODY_SMALL, lc__route_verify},
    {"/v1/identity/:identity/databases", LC_HTTP_GET, LC__AUTH_NONE, BODY_SMALL, lc__route_databases},
    {"/v1/database", LC_HTTP_POST, LC__AUTH_AUTO, BODY_UNLIMITED, lc__route_publish_unnamed},
    {DATABASE, LC_HTTP_GET, LC__AUTH_AUTO, BODY_SMALL, lc__route_info},
    {DATABASE, LC_HTTP_PUT, LC__AUTH_AUTO, BODY_UNLIMITED, lc__route_publish},
    {DATABASE, LC_HTTP_DELETE, LC__AUTH_AUTO, BODY_SMALL, lc__route_delete},
    {DATABASE "/pre_publish", LC_HTTP_POST, LC__AUTH_AUTO, BODY_UNLIMITED, lc__route_pre_publish},
    {DATABASE "/reset", LC_HTTP_PUT, LC__AUTH_AUTO, BODY_UNLIMITED, lc__route_reset},
    {DATABASE "/lock", LC_HTTP_POST, LC__AUTH_AUTO, BODY_SMALL, lc__route_lock},
    {DATABASE "/unlock", LC_HTTP_POST, LC__AUTH_AUTO, BODY_SMALL, lc__route_unlock},
    {DATABASE "/names", LC_HTTP_GET, LC__AUTH_AUTO, BODY_SMALL, lc__route_names},
    {DATABASE "/names", LC_HTTP_POST, LC__AUTH_AUTO, BODY_SMALL, lc__route_names_add},
    {DATABASE "/names", LC_HTTP_PUT, LC__AUTH_AUTO, BODY_SMALL, lc__route_names_replace},
    {DATABASE "/identity", LC_HTTP_GET, LC__AUTH_AUTO, BODY_SMALL, lc__route_identity},
    {DATABASE "/subscribe", LC_HTTP_GET, LC__AUTH_AUTO, BODY_SMALL, lc__route_subscribe},
    {DATABASE "/call/:function", LC_HTTP_POST, LC__AUTH_AUTO, BODY_SMALL, lc__route_call},
    {DATABASE "/schema", LC_HTTP_GET, LC__AUTH_AUTO, BODY_SMALL, lc__route_schema},
    {DATABASE "/logs", LC_HTTP_GET, LC__AUTH_AUTO, BODY_SMALL, lc__route_logs},
    {DATABASE "/sql", LC_HTTP_POST, LC__AUTH_AUTO, BODY_SMALL, lc__route_sql},
    {DATABASE "/unstable/timestamp", LC_HTTP_GET, LC__AUTH_AUTO, BODY_SMALL, lc__route_timestamp},
};
enum { ROUTE_COUNT = sizeof routes / sizeof *routes };

static const char *const method_names[] = {
    [LC_HTTP_GET] = "GET,HEAD", [LC_HTTP_POST] = "POST", [LC_HTTP_PUT] = "PUT", [LC_HTTP_DELETE] = "DELETE"};

static bool path_matches(const char *pattern, lc_str path, lc_str parameters[2]) {
  int found = 0;
  while (*pattern) { /* both at a `/` */
    if (path.len == 0 || path.ptr[0] != '/') return false;
    size_t pattern_len = strcspn(pattern + 1, "/"), len = 0;
    while (len < path.len - 1 && path.ptr[1 + len] != '/') len++;
    lc_str segment = {path.ptr + 1, len};
    if (pattern[1] == ':') {
      if (len == 0) return false;
      parameters[found++] = segment;
    } else if (!lc_str_equal(segment, (lc_str){pattern + 1, pattern_len})) {
      return false;
    }
    pattern += 1 + pattern_len;
    path = (lc_str){path.ptr + 1 + len, path.len - 1 - len};
  }
  return path.len == 0;
}

/* The first row of the path's group, or NULL. */
static const route *find_path(lc_str path, lc_str parameters[2]) {
  for (int i = 0; i < ROUTE_COUNT; i++) {
    bool is_new = i == 0 || strcmp(routes[i].pattern, routes[i - 1].pattern) != 0;
    if (is_new && path_matches(routes[i].pattern, path, parameters)) return &routes[i];
  }
  return NULL;
}

static bool is_same_path(const route *group, const route *row) {
  return row < routes + ROUTE_COUNT && strcmp(row->pattern, group->pattern) == 0;
}

static const route *find_method(const route *group, lc_http_method method) {
  if (method == LC_HTTP_HEAD) method = LC_HTTP_GET;
  for (const route *row = group; is_same_path(group, row); row++) {
    if (row->method == method) return row;
  }
  return NULL;
}

static void put_allow(lc_exchange *exchange, const route *group) {
  lc_str allow = {0};
  for (const route *row = group; is_same_path(group, row); row++) {
    allow = lc_arena_printf(&exchange->arena, "%.*s%s%s", LC_STR_ARGS(allow), allow.len ? "," : "", method_names[row->method]);
  }
  lc__header(exchange, "allow", allow);
}

uint64_t lc__body_limit(lc_connection *connection, const lc_http_request *request) {
  lc_str parameters[2];
  const route *group = find_path(request->path, parameters), *row = group ? find_method(group, request->method) : NULL;
  return row && row->body == BODY_UNLIMITED ? UINT64_MAX : LC_HTTP_BODY_DEFAULT;
}

static bool decode_parameters(lc_exchange *exchange) {
  for (int i = 0; i < 2; i++) {
    lc_str raw = exchange->parameters[i];
    if (raw.ptr && !lc_http_decode(&exchange->arena, raw, false, &exchange->parameters[i])) {
      lc__text(exchange, 400, "Invalid URL: invalid escape in `%.*s`", LC_STR_ARGS(raw));
      return false;
    }
  }
  return true;
}

static void answer_options(lc_exchange *exchange, const route *group) {
  lc__empty(exchange, 200);
  lc__header(exchange, "access-control-allow-methods", LC_STR("*"));
  lc__header(exchange, "access-control-allow-headers",
             LC_STR("authorization,accept,content-type,spacetime-environment,spacetime-environment-remove"));
  put_allow(exchange, group);
}

static void answer(lc_exchange *exchange, const route *group) {
  if (exchange->request->method == LC_HTTP_OPTIONS) {
    answer_options(exchange, group);
    return;
  }
  if (group->auth == LC__AUTH_AUTO && !lc__authenticate(exchange, LC__AUTH_AUTO)) return;
  const route *row = find_method(group, exchange->request->method);
  if (row == NULL) {
    lc__empty(exchange, 405);
    put_allow(exchange, group);
    return;
  }
  if (row->auth != LC__AUTH_AUTO && !lc__authenticate(exchange, row->auth)) return;
  if (exchange->request->too_large) {
    lc__text(exchange, 413, "Failed to buffer the request body: length limit exceeded");
    return;
  }
  if (decode_parameters(exchange)) row->handler(exchange);
}

void lc__request(lc_connection *connection, const lc_http_request *request, lc_span body) {
  lc_api *api = lc_net_context(lc_connection_net(connection));
  lc_exchange *exchange = lc__exchange_create(api, connection, request, body);
  const route *group = find_path(request->path, exchange->parameters);
  exchange->status = 404;
  exchange->has_cors = group != NULL;
  exchange->in_handler = true;
  if (group) answer(exchange, group);
  exchange->in_handler = false;
  exchange->request = NULL;
  exchange->upload = (lc_span){0};
  if (exchange->is_discarded) {
    lc__exchange_discard(exchange);
  } else if (!exchange->is_deferred) {
    lc__exchange_finish(exchange);
  }
}
