#pragma once
/* Shared inside src/api: the exchange (one HTTP request and its answer), parameters, and what hangs on a connection. */
#include "api/api.h"
#include "base/assert.h"
#include "base/vec.h"

struct lc_session;

struct lc_api {
  lc_site site;
  LC_VEC(struct lc_session *) ended; /* to be taken from their databases, next turn */
  lc_arena scratch;                  /* reset per message */
};

/* ---- what hangs on a connection ---- */

/* The first member of everything that lc_connection_data can point to. */
typedef struct lc__attachment {
  const struct lc__attachment_ops {
    void (*closed)(struct lc__attachment *attachment);
    void (*message)(struct lc__attachment *attachment, bool is_text, uint8_t *payload, size_t len); /* NULL: not a WebSocket */
    void (*drained)(struct lc__attachment *attachment);                                             /* NULL: nothing to do */
  } *ops;
} lc__attachment;

/* ---- exchanges (exchange.c) ---- */

enum { LC__EXCHANGE_HEADERS_MAX = 12 };

/*
 * One request and its answer. A handler fills in status and body and returns; with `is_deferred` it answers later, by lc__exchange_finish.
 * `request` and `upload` are borrowed and gone once the handler has returned.
 */
typedef struct lc_exchange {
  lc__attachment attachment;
  lc_api *api;
  lc_connection *connection; /* NULL: the client is gone, the answer goes nowhere */
  const lc_http_request *request;
  lc_span upload;
  lc_arena arena;
  bool has_cors, has_caller, shows_caller, is_deferred;
  bool in_handler, is_discarded; /* finishing and discarding wait until the handler has returned */
  lc_claims caller;
  lc_str parameters[2]; /* path segments that the route's pattern names, decoded, in order */

  int status;
  lc_str content_type;
  lc_buf body;
  lc_http_header headers[LC__EXCHANGE_HEADERS_MAX];
  uint32_t header_count;

  lc_hosted *hosted; /* referenced while not NULL */
  uint64_t offset;   /* of the commit that the answer waits for */
  struct lc_exchange *next_waiting;
  void *state; /* of the handler, in the arena */
} lc_exchange;

typedef void (*lc__handler)(lc_exchange *exchange);

lc_exchange *lc__exchange_create(lc_api *api, lc_connection *connection, const lc_http_request *request, lc_span upload);
/* Sends the answer as it is and frees the exchange. */
void lc__exchange_finish(lc_exchange *exchange);
/* Frees without an answer: the connection has got it in another way (upgrade, stream). */
void lc__exchange_discard(lc_exchange *exchange);
/* Finishes when `offset` of the exchange's hosted database is durable. Sets is_deferred. */
void lc__exchange_finish_when_durable(lc_exchange *exchange, uint64_t offset);
/* The caller's and the CORS headers, for handlers that send the head themselves. */
void lc__exchange_common_headers(lc_exchange *exchange);
void lc__exchange_refer(lc_exchange *exchange, lc_hosted *hosted);
/* The values are borrowed (arena or static). */
void lc__header(lc_exchange *exchange, const char *name, lc_str value);
void lc__header_number(lc_exchange *exchange, const char *name, int64_t value);
void lc__text(lc_exchange *exchange, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The answer is JSON; write it to exchange->body. */
lc_buf *lc__json(lc_exchange *exchange, int status);
void lc__empty(lc_exchange *exchange, int status);
/* 500, with the error's text. */
void lc__failure(lc_exchange *exchange, lc_err err);

/* Authentication. False: the exchange has its refusal. */
typedef enum lc__auth {
  LC__AUTH_NONE,
  LC__AUTH_CHECKED /* a bad token is refused, none is fine */,
  LC__AUTH_REQUIRED,
  LC__AUTH_AUTO /* none: a new identity */
} lc__auth;
bool lc__authenticate(lc_exchange *exchange, lc__auth mode);

/* ---- parameters (params.c). False: the exchange has its refusal. ---- */

/* The reason why a text is no database name, or NULL. */
const char *lc__name_problem(lc_str name);
bool lc__is_identity_text(lc_str text, lc_identity *identity);
/* `parameters[0]`: what it names, alive or not; and whether it was a name. */
bool lc__target(lc_exchange *exchange, lc_identity *identity, bool *is_name);
/* The same, and there must be such a database. Enters it. */
bool lc__hosted(lc_exchange *exchange, lc_hosted **hosted);
/* The same, and the caller must be its owner. `action`: for the text of the refusal. */
bool lc__owned(lc_exchange *exchange, lc_hosted **hosted, const char *action);
bool lc__check_owner(lc_exchange *exchange, const lc_hosted *hosted, const char *action);
bool lc__query_text(lc_exchange *exchange, const char *name, lc_str *value, bool *found);
bool lc__query_bool(lc_exchange *exchange, const char *name, bool *value); /* keeps the default when absent */
bool lc__query_u32(lc_exchange *exchange, const char *name, uint32_t *value, bool *found);
/* One of `choices` (NULL-terminated); keeps the default when absent. */
bool lc__query_choice(lc_exchange *exchange, const char *name, const char *const *choices, int *value);
/* The form of hashes in JSON: `0x` and the bytes read little-endian, without leading zeros. */
void lc__put_hash(lc_buf *to, const lc_hash256 *hash);
bool lc__parse_hash(lc_str text, lc_hash256 *hash);
/* Accepts one certain change: keccak256 of three texts of 64 digits, identity, present program, new program (routes_publish.c). */
lc_hash256 lc__migration_token(const lc_identity *identity, const lc_hash256 *old_program, const lc_hash256 *new_program);

/* ---- routes (router.c) ---- */

uint64_t lc__body_limit(lc_connection *connection, const lc_http_request *request);
void lc__request(lc_connection *connection, const lc_http_request *request, lc_span body);

/* The handlers, by file. */
void lc__route_ping(lc_exchange *exchange); /* routes_general.c */
void lc__route_health(lc_exchange *exchange);
void lc__route_identity_create(lc_exchange *exchange); /* routes_identity.c */
void lc__route_public_key(lc_exchange *exchange);
void lc__route_websocket_token(lc_exchange *exchange);
void lc__route_verify(lc_exchange *exchange);
void lc__route_databases(lc_exchange *exchange);
void lc__route_info(lc_exchange *exchange); /* routes_database.c */
void lc__route_delete(lc_exchange *exchange);
void lc__route_lock(lc_exchange *exchange);
void lc__route_unlock(lc_exchange *exchange);
void lc__route_identity(lc_exchange *exchange);
void lc__route_names(lc_exchange *exchange);
void lc__route_names_add(lc_exchange *exchange);
void lc__route_names_replace(lc_exchange *exchange);
void lc__route_timestamp(lc_exchange *exchange);
void lc__route_publish(lc_exchange *exchange); /* routes_publish.c */
void lc__route_publish_unnamed(lc_exchange *exchange);
void lc__route_pre_publish(lc_exchange *exchange);
void lc__route_reset(lc_exchange *exchange);
void lc__route_call(lc_exchange *exchange);   /* routes_call.c */
void lc__route_schema(lc_exchange *exchange); /* routes_data.c */
void lc__route_sql(lc_exchange *exchange);
void lc__route_logs(lc_exchange *exchange);      /* routes_logs.c */
void lc__route_subscribe(lc_exchange *exchange); /* subscribe.c */

/* A client of its own for one HTTP request: connect hook, then what the caller does, then the disconnect hook. False: refused. */
bool lc__visit_begin(lc_exchange *exchange, lc_hosted *hosted, lc_client **client, lc_connection_id *connection);
void lc__visit_end(lc_client *client);

/* ---- sessions (session.c) ---- */

typedef struct lc__session_options {
  int protocol; /* lc_protocol */
  bool light, confirmed;
  lc_compression compression;
  lc_connection_id connection_id;
  lc_str key;
} lc__session_options;
/* Upgrades the exchange's connection and connects the client to its database. */
void lc__session_begin(lc_exchange *exchange, lc_hosted *hosted, const lc__session_options *options);
/* Takes it from its database and frees it; its connection is gone or dropped here. */
void lc__session_end(struct lc_session *session);
/* Whether it can be ended now; a refused client first has to get the 101. */
bool lc__session_is_due(struct lc_session *session);
