/* Calling a reducer over HTTP (http-api 8), and the short visit that HTTP requests pay to a database: its connect and disconnect hooks run
 * around them. */
#include "api/api_internal.h"
#include "sats/json.h"

/* ---- visits ---- */

static void ignore_update(void *session, const lc_client_update *update) {}
static void ignore_failure(void *session, uint32_t query_set_id, const char *reason) {}
static void ignore_close(void *session, lc_close_reason reason) {}
static const lc_client_events no_events = {
    .transaction_update = ignore_update, .subscription_failed = ignore_failure, .closed = ignore_close};

bool lc__visit_begin(lc_exchange *exchange, lc_hosted *hosted, lc_client **client, lc_connection_id *connection) {
  do {
    lc_io_random(exchange->api->site.io, connection, sizeof *connection);
  } while (connection->low == 0 && connection->high == 0);
  lc_err err =
      lc_client_connect(hosted->database, exchange->caller.identity, *connection, exchange->caller.payload_json, &no_events, NULL, client);
  if (!lc_failed(err)) return true;
  bool has_module = lc_database_def(hosted->database) != NULL;
  int status = err.code == LC_ERR_USER || err.code == LC_ERR_TRAP         ? 403
               : err.code == LC_ERR_BUDGET || err.code == LC_ERR_NO_SPACE ? 503
               : has_module                                               ? 500
                                                                          : 404;
  lc__text(exchange, status, "%s", has_module || lc_database_module_error(hosted->database) ? lc_err_text(err) : "module not found");
  return false;
}

void lc__visit_end(lc_client *client) {
  lc_client_disconnect(client);
}

/* ---- calls ---- */

static const char *const lifecycle_names[LC_LIFECYCLE_COUNT] = {"Init", "OnConnect", "OnDisconnect"};

static bool check_content_type(lc_exchange *exchange) {
  lc_str type;
  if (!lc_http_header_get(exchange->request, "content-type", &type)) {
    lc__text(exchange, 400, "Header of type `content-type` was missing");
  } else if (!lc_str_equal_nocase(type, LC_STR("application/json"))) {
    lc__text(exchange, 415, "Expected request with `Content-Type: application/json`");
  } else if (!lc_utf8_valid(exchange->upload.ptr, exchange->upload.len)) {
    lc__text(exchange, 400, "Request body didn't contain valid UTF-8");
  } else {
    return true;
  }
  return false;
}

/* The reducer that the path names. Reducers come first, so what is neither is reported as a procedure that does not exist. */
static const lc_reducer_def *find_reducer(lc_exchange *exchange, const lc_hosted *hosted) {
  const lc_module_def *def = lc_database_def(hosted->database);
  lc_str name = exchange->parameters[1];
  uint64_t id;
  bool is_owner = lc_u256_equal(&hosted->owner, &exchange->caller.identity);
  if (lc_map_get(&def->reducer_ids, name, &id)) {
    const lc_reducer_def *reducer = &def->reducers[id];
    if (reducer->lifecycle != LC_LIFECYCLE_NONE) {
      lc__text(exchange, 400, "can't directly call special %s lifecycle reducer", lifecycle_names[reducer->lifecycle]);
      return NULL;
    }
    if (reducer->client_callable || is_owner) return reducer;
  }
  if (lc_map_get(&def->procedure_ids, name, &id) && (def->procedures[id].client_callable || is_owner)) {
    lc__text(exchange, 501, "Procedures cannot be called yet.");
  } else {
    lc__text(exchange, 404, "No such procedure");
  }
  return NULL;
}

static void answer_outcome(lc_exchange *exchange, const lc_reducer_result *result) {
  switch (result->outcome) {
    case LC_OUTCOME_OK:
      lc__text(exchange, 200, "%s", "");
      break;
    case LC_OUTCOME_USER_ERROR:
    case LC_OUTCOME_INTERNAL_ERROR:
      lc__text(exchange, 530, "%s", result->error);
      break;
    case LC_OUTCOME_BUDGET:
      lc__text(exchange, 402, "Module energy budget exhausted.");
      break;
    case LC_OUTCOME_REFUSED:
      lc__text(exchange, 503, "%s", result->error);
      return; /* found and with good arguments: the log has no room */
  }
  lc__header(exchange, "spacetime-energy-used", LC_STR("0"));
  lc__header_number(exchange, "spacetime-execution-duration-micros", result->duration_micros);
}

/* Calls, and returns the offset that the answer depends on; 0 when it depends on none. */
static uint64_t call(lc_exchange *exchange, lc_hosted *hosted, lc_client *client) {
  const lc_reducer_def *reducer = find_reducer(exchange, hosted);
  if (reducer == NULL) return 0;
  lc_buf arguments = {0};
  lc_str name = exchange->parameters[1];
  lc_err err = lc_arguments_parse_json(&arguments, reducer->params, (lc_str){(const char *)exchange->upload.ptr, exchange->upload.len});
  lc_reducer_result result = {0};
  if (lc_failed(err)) {
    const char *reason = lc_err_text(err), *colon = strstr(reason, ": ");
    int path_len = colon ? (int)(colon - reason) : 1;
    const char *path = colon ? reason : ".";
    lc__text(exchange, 400, "invalid arguments for reducer %.*s: %.*s: invalid arguments for function %.*s: %.*s: %s", LC_STR_ARGS(name),
             path_len, path, LC_STR_ARGS(name), path_len, path, reason);
  } else {
    lc_reducer_call request = {.reducer = name, .arguments = lc_buf_span(&arguments), .measure_duration = true};
    lc_database_call(hosted->database, client, exchange->caller.identity, (lc_connection_id){0}, &request, &result);
    answer_outcome(exchange, &result);
  }
  lc_buf_deinit(&arguments);
  return result.has_offset ? result.offset : 0;
}

void lc__route_call(lc_exchange *exchange) {
  lc_hosted *hosted;
  lc_client *client;
  lc_connection_id connection;
  if (!check_content_type(exchange) || !lc__hosted(exchange, &hosted)) return;
  if (!lc__visit_begin(exchange, hosted, &client, &connection)) return;
  uint64_t offset = call(exchange, hosted, client);
  lc__visit_end(client);
  lc__exchange_refer(exchange, hosted);
  lc__exchange_finish_when_durable(exchange, offset);
}
