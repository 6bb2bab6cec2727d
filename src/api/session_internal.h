#pragma once
/* What session.c and session_v1.c share. */
#include <stdio.h>

#include "api/api_internal.h"
#include "sats/json.h"
#include "wire/wire.h"

typedef struct lc_session {
  lc__attachment attachment;
  lc_api *api;
  lc_connection *connection; /* NULL: gone */
  lc_hosted *hosted;         /* referenced */
  lc_client *client;         /* NULL: refused, or taken from the database */
  lc_protocol protocol;
  bool light;      /* v1: others' transactions without their callers */
  bool is_closing; /* a Close is on its way: nothing more is read */
  bool is_listed, is_refused, has_waited;
  lc_identity identity;
  lc_connection_id connection_id;
  lc_buf arguments; /* v1.json: BSATN of the present call's arguments */
} lc_session;

void lc__session_send(lc_session *session, const lc_server_message *message, uint64_t offset);
/* Close 1011, behind the replies that are queued. */
void lc__session_fail(lc_session *session, lc_str reason);
/* Why this procedure cannot be called. */
const char *lc__procedure_problem(const lc_session *session, lc_str name);

/* ---- session_v1.c ---- */
void lc__v1_call(lc_session *session, const lc_client_message *message);
void lc__v1_update(lc_session *session, const lc_client_update *update);
void lc__v1_subscribe(lc_session *session, const lc_client_message *message);
void lc__v1_subscribe_single(lc_session *session, const lc_client_message *message);
void lc__v1_subscribe_multi(lc_session *session, const lc_client_message *message);
void lc__v1_unsubscribe(lc_session *session, const lc_client_message *message);
void lc__v1_unsubscribe_multi(lc_session *session, const lc_client_message *message);
