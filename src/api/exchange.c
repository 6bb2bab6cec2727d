/* One HTTP request and its answer: building it, authenticating the caller, waiting for durability, sending. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/api_internal.h"

static void client_left(lc__attachment *attachment) {
  ((lc_exchange *)attachment)->connection = NULL;
}
static const struct lc__attachment_ops exchange_ops = {.closed = client_left};

lc_exchange *lc__exchange_create(lc_api *api, lc_connection *connection, const lc_http_request *request, lc_span upload) {
  lc_exchange *exchange = calloc(1, sizeof *exchange);
  lc_assert(exchange != NULL);
  exchange->attachment.ops = &exchange_ops;
  exchange->api = api;
  exchange->connection = connection;
  exchange->request = request;
  exchange->upload = upload;
  lc_connection_set_data(connection, exchange);
  return exchange;
}

void lc__exchange_discard(lc_exchange *exchange) {
  if (exchange->in_handler) { /* the router does it, when the handler has returned */
    exchange->is_discarded = true;
    return;
  }
  if (exchange->connection && lc_connection_data(exchange->connection) == exchange) lc_connection_set_data(exchange->connection, NULL);
  if (exchange->hosted) exchange->hosted->ops->unref(exchange->hosted->server, exchange->hosted);
  lc_arena_deinit(&exchange->arena);
  lc_buf_deinit(&exchange->body);
  free(exchange);
}

void lc__exchange_common_headers(lc_exchange *exchange) {
  if (exchange->shows_caller) {
    char hex[65];
    lc_u256_hex(hex, &exchange->caller.identity);
    lc__header(exchange, "spacetime-identity", lc_arena_str(&exchange->arena, lc_str_of(hex)));
    lc__header(exchange, "spacetime-identity-token", exchange->caller.token);
  }
  if (exchange->has_cors) {
    lc__header(exchange, "vary", LC_STR("origin, access-control-request-method, access-control-request-headers"));
    lc__header(exchange, "access-control-allow-origin", LC_STR("*"));
  }
}

void lc__exchange_finish(lc_exchange *exchange) {
  if (exchange->in_handler) {
    exchange->is_deferred = false;
    return;
  }
  if (exchange->connection) {
    lc__exchange_common_headers(exchange);
    lc_connection_respond(exchange->connection, &(lc_http_response){.status = exchange->status,
                                                                    .content_type = exchange->content_type,
                                                                    .headers = exchange->headers,
                                                                    .header_count = exchange->header_count,
                                                                    .body = lc_buf_span(&exchange->body)});
  }
  lc__exchange_discard(exchange);
}

void lc__exchange_refer(lc_exchange *exchange, lc_hosted *hosted) {
  hosted->references++;
  if (exchange->hosted) exchange->hosted->ops->unref(exchange->hosted->server, exchange->hosted);
  exchange->hosted = hosted;
}

/* What it would report was committed, but the database closed before the disk had room for it (L1). */
static void answer_lost(lc_exchange *exchange) {
  lc__text(exchange, 503, "the database was closed while its disk was full: the change was not made durable");
}

void lc__exchange_finish_when_durable(lc_exchange *exchange, uint64_t offset) {
  lc_hosted *hosted = exchange->hosted;
  uint64_t durable = hosted->database ? lc_database_durable(hosted->database) : hosted->group.durable;
  if (hosted->database == NULL && durable <= offset) answer_lost(exchange);
  if (hosted->database == NULL || durable > offset) {
    if (exchange->is_deferred) lc__exchange_finish(exchange);
    return;
  }
  exchange->is_deferred = true;
  exchange->offset = offset;
  if (hosted->waiting) {
    hosted->last_waiting->next_waiting = exchange;
  } else {
    hosted->waiting = exchange;
  }
  hosted->last_waiting = exchange;
}

void lc_api_durable(lc_hosted *hosted, uint64_t durable) {
  lc_release_group_durable(&hosted->group, durable);
  /* Offsets do not fall with the order of arrival, so the first that still waits ends it. */
  while (hosted->waiting && hosted->waiting->offset < durable) {
    lc_exchange *exchange = hosted->waiting;
    hosted->waiting = exchange->next_waiting;
    lc__exchange_finish(exchange);
  }
}

void lc_api_ended(lc_hosted *hosted) {
  lc_release_group_end(&hosted->group);
  while (hosted->waiting) {
    lc_exchange *exchange = hosted->waiting;
    hosted->waiting = exchange->next_waiting;
    answer_lost(exchange);
    lc__exchange_finish(exchange);
  }
}

/* ---- the answer ---- */

void lc__header(lc_exchange *exchange, const char *name, lc_str value) {
  lc_assert(exchange->header_count < LC__EXCHANGE_HEADERS_MAX);
  exchange->headers[exchange->header_count++] = (lc_http_header){lc_str_of(name), value};
}

void lc__header_number(lc_exchange *exchange, const char *name, int64_t value) {
  lc__header(exchange, name, lc_arena_printf(&exchange->arena, "%lld", (long long)value));
}

void lc__text(lc_exchange *exchange, int status, const char *format, ...) {
  exchange->status = status;
  exchange->content_type = LC_STR("text/plain; charset=utf-8");
  lc_buf_clear(&exchange->body);
  va_list arguments, again;
  va_start(arguments, format);
  va_copy(again, arguments);
  int len = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  lc_assert(len >= 0);
  lc_buf_reserve(&exchange->body, (size_t)len + 1);
  vsnprintf((char *)exchange->body.data, (size_t)len + 1, format, again);
  va_end(again);
  exchange->body.len = (size_t)len;
}

lc_buf *lc__json(lc_exchange *exchange, int status) {
  exchange->status = status;
  exchange->content_type = LC_STR("application/json");
  lc_buf_clear(&exchange->body);
  return &exchange->body;
}

void lc__empty(lc_exchange *exchange, int status) {
  exchange->status = status;
  exchange->content_type = (lc_str){0};
  lc_buf_clear(&exchange->body);
}

void lc__failure(lc_exchange *exchange, lc_err err) {
  bool is_full = err.code == LC_ERR_NO_SPACE || err.code == LC_ERR_NOT_DURABLE;
  lc__text(exchange, is_full ? 503 : 500, "%s", lc_err_text(err));
}

/* ---- the caller ---- */

/* The token of the Authorization header; false when the header is there but is no bearer token. */
static bool bearer_token(lc_exchange *exchange, lc_str *token, bool *found) {
  lc_str value;
  *found = lc_http_header_get(exchange->request, "authorization", &value);
  if (!*found) return true;
  enum { SCHEME_LEN = 7 };
  if (value.len < SCHEME_LEN || !lc_str_equal_nocase((lc_str){value.ptr, SCHEME_LEN}, LC_STR("Bearer "))) return false;
  *token = (lc_str){value.ptr + SCHEME_LEN, value.len - SCHEME_LEN};
  while (token->len && token->ptr[0] == ' ') token->ptr++, token->len--;
  while (token->len && token->ptr[token->len - 1] == ' ') token->len--;
  return true;
}

bool lc__authenticate(lc_exchange *exchange, lc__auth mode) {
  if (mode == LC__AUTH_NONE) return true;
  lc_str token = {0};
  bool found;
  if (!bearer_token(exchange, &token, &found)) {
    lc__text(exchange, 400, "Authorization is invalid: malformed token");
    return false;
  }
  if (!found && !lc__query_text(exchange, "token", &token, &found)) return false;
  const lc_site *site = &exchange->api->site;
  int64_t now = lc_io_now_micros(site->io) / 1000000;
  lc_err err = lc_ok();
  if (found) {
    err = lc_auth_verify(site->auth, &exchange->arena, token, now, &exchange->caller);
  } else if (mode == LC__AUTH_AUTO) {
    err = lc_auth_issue(site->auth, &exchange->arena, site->io, now, &exchange->caller);
  } else {
    if (mode == LC__AUTH_REQUIRED) lc__text(exchange, 401, "Authorization required");
    return mode != LC__AUTH_REQUIRED;
  }
  if (lc_failed(err)) {
    lc__text(exchange, err.code == LC_ERR_TOKEN ? 401 : 500, "%s", lc_err_text(err));
    return false;
  }
  exchange->has_caller = true;
  exchange->shows_caller = mode == LC__AUTH_AUTO;
  return true;
}
