/* Identities and their tokens (http-api 5). */
#include "api/api_internal.h"
#include "sats/json.h"

enum { WEBSOCKET_TOKEN_SECONDS = 60 };

static int64_t now_seconds(const lc_exchange *exchange) {
  return lc_io_now_micros(exchange->api->site.io) / 1000000;
}

void lc__route_identity_create(lc_exchange *exchange) {
  lc_claims claims;
  lc_err err = lc_auth_issue(exchange->api->site.auth, &exchange->arena, exchange->api->site.io, now_seconds(exchange), &claims);
  if (lc_failed(err)) {
    lc__failure(exchange, err);
    return;
  }
  char hex[65];
  lc_u256_hex(hex, &claims.identity);
  lc_buf_printf(lc__json(exchange, 200), "{\"identity\":\"%s\",\"token\":\"%.*s\"}", hex, LC_STR_ARGS(claims.token));
}

void lc__route_public_key(lc_exchange *exchange) {
  lc__empty(exchange, 200);
  exchange->content_type = LC_STR("application/pem-certificate-chain");
  lc_buf_put_str(&exchange->body, lc_auth_public_key_pem(exchange->api->site.auth));
}

void lc__route_websocket_token(lc_exchange *exchange) {
  lc_str token;
  lc_err err = lc_auth_reissue(exchange->api->site.auth, &exchange->arena, &exchange->caller, now_seconds(exchange),
                               WEBSOCKET_TOKEN_SECONDS, &token);
  if (lc_failed(err)) {
    lc__failure(exchange, err);
    return;
  }
  lc_buf_printf(lc__json(exchange, 200), "{\"token\":\"%.*s\"}", LC_STR_ARGS(token));
}

/* Exactly 64 digits here: no prefix (http-api 1.1). */
static bool path_identity(lc_exchange *exchange, lc_identity *identity) {
  if (lc_u256_from_hex(identity, exchange->parameters[0])) return true;
  lc__text(exchange, 400, "Invalid URL: invalid value: string \"%.*s\", expected a byte array or hex string",
           LC_STR_ARGS(exchange->parameters[0]));
  return false;
}

void lc__route_verify(lc_exchange *exchange) {
  lc_identity identity;
  if (path_identity(exchange, &identity)) lc__empty(exchange, lc_u256_equal(&identity, &exchange->caller.identity) ? 204 : 400);
}

void lc__route_databases(lc_exchange *exchange) {
  lc_identity owner, *databases;
  if (!path_identity(exchange, &owner)) return;
  const lc_site *site = &exchange->api->site;
  uint32_t count = site->ops->owned_by(site->server, &owner, &exchange->arena, &databases);
  lc_buf *json = lc__json(exchange, 200);
  lc_buf_put_text(json, "{\"identities\":[");
  for (uint32_t i = 0; i < count; i++) {
    char hex[65];
    lc_u256_hex(hex, &databases[i]);
    lc_buf_printf(json, "%s\"%s\"", i ? "," : "", hex);
  }
  lc_buf_put_text(json, "]}");
}
