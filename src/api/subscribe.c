/*
 * GET /v1/database/:n/subscribe: from an HTTP request to a session. The order of the checks is that of client-protocol.md 2.3, because it
 * decides which refusal a client sees: (authentication, in the router) · path · query · upgrade headers · zero connection id · database ·
 * subprotocol.
 */
#include "api/api_internal.h"
#include "wire/wire.h"

static const char *const compressions[] = {"None", "Brotli", "Gzip", NULL};
static const lc_compression compression_values[] = {LC_COMPRESSION_NONE, LC_COMPRESSION_BROTLI, LC_COMPRESSION_GZIP};
enum { DEFAULT_COMPRESSION = 1 };

typedef struct subscribe_query {
  int compression;
  bool light, has_confirmed, confirmed, has_connection_id;
  lc_connection_id connection_id;
} subscribe_query;

static bool read_connection_id(lc_exchange *exchange, subscribe_query *query) {
  lc_str text;
  if (!lc__query_text(exchange, "connection_id", &text, &query->has_connection_id)) return false;
  if (!query->has_connection_id || lc_u128_from_hex(&query->connection_id, text)) return true;
  lc__text(exchange, 400, "Failed to deserialize query string: invalid value: string \"%.*s\", expected a byte array or hex string",
           LC_STR_ARGS(text));
  return false;
}

static bool read_query(lc_exchange *exchange, subscribe_query *query) {
  lc_str text;
  query->compression = DEFAULT_COMPRESSION;
  return lc__query_choice(exchange, "compression", compressions, &query->compression) && lc__query_bool(exchange, "light", &query->light) &&
         lc__query_text(exchange, "confirmed", &text, &query->has_confirmed) && lc__query_bool(exchange, "confirmed", &query->confirmed) &&
         read_connection_id(exchange, query);
}

/* An identity, or a legal name: whether something is called that is asked later. */
static bool check_path(lc_exchange *exchange) {
  lc_identity identity;
  if (lc__is_identity_text(exchange->parameters[0], &identity)) return true;
  const char *problem = lc__name_problem(exchange->parameters[0]);
  if (problem) lc__text(exchange, 400, "Invalid URL: %s", problem);
  return problem == NULL;
}

static bool check_upgrade(lc_exchange *exchange, lc_websocket_request *upgrade) {
  *upgrade = lc_websocket_check(exchange->request);
  if (upgrade->status == 0) return true;
  lc__text(exchange, upgrade->status, "%s", upgrade->message);
  if (upgrade->status == 405) {
    lc__empty(exchange, 405);
    lc__header(exchange, "allow", LC_STR("GET,HEAD"));
  }
  if (upgrade->status == 426) {
    lc__header(exchange, "connection", LC_STR("upgrade"));
    lc__header(exchange, "upgrade", LC_STR("websocket"));
  }
  return false;
}

static bool choose_connection_id(lc_exchange *exchange, subscribe_query *query) {
  bool is_zero = query->connection_id.low == 0 && query->connection_id.high == 0;
  if (query->has_connection_id && is_zero) {
    lc__text(exchange, 400, "Invalid connection ID: the all-zeros ConnectionId is reserved.");
    return false;
  }
  while (query->connection_id.low == 0 && query->connection_id.high == 0) lc_io_random(exchange->api->site.io, &query->connection_id, 16);
  return true;
}

void lc__route_subscribe(lc_exchange *exchange) {
  subscribe_query query = {0};
  lc_websocket_request upgrade;
  lc_hosted *hosted;
  if (!check_path(exchange) || !read_query(exchange, &query) || !check_upgrade(exchange, &upgrade)) return;
  if (!choose_connection_id(exchange, &query) || !lc__hosted(exchange, &hosted)) return;
  int protocol = lc_websocket_choose(exchange->request, lc_protocol_tokens);
  if (protocol < 0) {
    lc__text(exchange, 400, "no valid protocol selected");
    return;
  }
  lc__session_begin(exchange, hosted,
                    &(lc__session_options){
                        .protocol = protocol,
                        .light = query.light,
                        .confirmed = query.has_confirmed ? query.confirmed : !lc_protocol_is_v1((lc_protocol)protocol),
                        .compression = compression_values[query.compression],
                        .connection_id = query.connection_id,
                        .key = upgrade.key,
                    });
}
