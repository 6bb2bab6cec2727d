/*
 * A WebSocket client of a database: its messages become engine calls, what the engine tells it becomes messages in its connection's queue,
 * each tagged with the commit that it reveals.
 *
 *   (upgrade) ──▶ LIVE ──▶ ENDED ──▶ freed
 *                  │ the connection or the database is gone: listed in api->ended, taken from the database at the next lc_api_turn
 *      REFUSED ────┘ the connect reducer said no: the client first gets its 101, then the end of the connection
 *
 * Invariants
 *   A3  The engine is never called from inside one of its own callbacks, nor from lc_net_flush: both only list the session.
 *   A4  A frame's messages run in order; the first that cannot be decoded ends the connection, after those before it have run.
 *   A5  A call of v2 or v3 allocates nothing here once the buffers are warm.
 */
#include <stdlib.h>

#include "api/session_internal.h"

/* Messages of a v3 frame that are decoded before the first runs, so that the engine can fetch what they will touch. */
enum { DECODE_AHEAD = 32 };

/* ---- sending ---- */

void lc__session_send(lc_session *session, const lc_server_message *message, uint64_t offset) {
  lc_server_message_encode(session->protocol, message, lc_connection_message_begin(session->connection));
  lc_connection_message_end(session->connection, offset);
}

void lc__session_fail(lc_session *session, lc_str reason) {
  session->is_closing = true;
  lc_connection_close(session->connection, LC_WS_INTERNAL, reason, true);
}

/* ---- what the engine tells ---- */

static void transaction_update(void *context, const lc_client_update *update) {
  lc_session *session = context;
  if (session->connection == NULL) return;
  if (lc_protocol_is_v1(session->protocol)) {
    lc__v1_update(session, update);
    return;
  }
  lc_encode_update(lc_connection_message_begin(session->connection), update);
  lc_connection_message_end(session->connection, update->offset);
}

static void subscription_failed(void *context, uint32_t query_set_id, const char *reason) {
  lc_session *session = context;
  if (session->connection == NULL) return;
  lc_server_message message = {.kind = LC_SUBSCRIPTION_ERROR,
                               .has_query_set_id = !lc_protocol_is_v1(session->protocol),
                               .query_set_id = query_set_id,
                               .error = lc_str_of(reason)};
  lc__session_send(session, &message, LC_NO_OFFSET);
}

static void list_as_ended(lc_session *session) {
  if (session->is_listed) return;
  session->is_listed = true;
  lc_vec_push(&session->api->ended, session);
}

static void database_closed(void *context, lc_close_reason reason) {
  lc_session *session = context;
  if (session->connection && !session->is_closing)
    lc_connection_close(session->connection, LC_WS_GOING_AWAY, LC_STR("module exited"), true);
  session->is_closing = true;
  list_as_ended(session);
}

static const lc_client_events client_events = {
    .transaction_update = transaction_update, .subscription_failed = subscription_failed, .closed = database_closed};

/* ---- what the client asks, v2 and v3 ---- */

static void send_subscription_error(lc_session *session, const lc_client_message *message, lc_err err) {
  lc__session_send(session,
                   &(lc_server_message){.kind = LC_SUBSCRIPTION_ERROR,
                                        .has_request_id = true,
                                        .request_id = message->request_id,
                                        .has_query_set_id = true,
                                        .query_set_id = message->query_set_id,
                                        .error = lc_str_of(lc_err_text(err))},
                   LC_NO_OFFSET);
}

static void call_reducer(lc_session *session, const lc_client_message *message) {
  lc_reducer_call call = {.reducer = message->function, .arguments = message->arguments, .request_id = message->request_id};
  lc_reducer_result result;
  lc_database_call(session->hosted->database, session->client, session->identity, session->connection_id, &call, &result);
  lc_encode_reducer_result(lc_connection_message_begin(session->connection), message->request_id, &result);
  lc_connection_message_end(session->connection, result.outcome == LC_OUTCOME_OK ? result.offset : LC_NO_OFFSET);
}

const char *lc__procedure_problem(const lc_session *session, lc_str name) {
  const lc_module_def *def = lc_database_def(session->hosted->database);
  uint64_t id;
  bool exists = def && lc_map_get(&def->procedure_ids, name, &id) &&
                (def->procedures[id].client_callable || lc_u256_equal(&session->identity, &session->hosted->owner));
  return exists ? "Procedures cannot be called yet." : "No such procedure";
}

static void call_procedure(lc_session *session, const lc_client_message *message) {
  lc__session_send(session,
                   &(lc_server_message){.kind = LC_PROCEDURE_RESULT,
                                        .status = LC_OUTCOME_INTERNAL_ERROR,
                                        .request_id = message->request_id,
                                        .error = lc_str_of(lc__procedure_problem(session, message->function))},
                   LC_NO_OFFSET);
}

static void one_off_query(lc_session *session, const lc_client_message *message) {
  lc_subscription_rows rows = {0};
  lc_err err = lc_client_query(session->client, message->query, &rows);
  lc_server_message reply = {.kind = LC_ONE_OFF_RESULT,
                             .request_id = message->request_id,
                             .message_id = message->message_id,
                             .duration_micros = rows.duration_micros};
  if (lc_failed(err)) {
    reply.error = lc_str_of(lc_err_text(err));
  } else {
    reply.rows = &rows;
  }
  lc__session_send(session, &reply, lc_failed(err) ? LC_NO_OFFSET : rows.offset);
  lc_subscription_rows_deinit(&rows);
}

static void subscribe(lc_session *session, const lc_client_message *message) {
  lc_subscription_rows rows = {0};
  lc_err err = lc_client_subscribe(session->client, LC_SUBSCRIBE_SET, message->query_set_id, message->queries, message->query_count, &rows);
  if (lc_failed(err)) {
    send_subscription_error(session, message, err);
  } else {
    lc__session_send(
        session,
        &(lc_server_message){
            .kind = LC_SUBSCRIBE_APPLIED, .request_id = message->request_id, .query_set_id = message->query_set_id, .rows = &rows},
        rows.offset);
  }
  lc_subscription_rows_deinit(&rows);
}

static void unsubscribe(lc_session *session, const lc_client_message *message) {
  lc_subscription_rows rows = {0};
  bool wants_rows = message->flags & LC_SEND_DROPPED_ROWS;
  lc_err err = lc_client_unsubscribe(session->client, message->query_set_id, wants_rows, &rows);
  if (lc_failed(err)) {
    send_subscription_error(session, message, err);
  } else {
    lc__session_send(session,
                     &(lc_server_message){.kind = LC_UNSUBSCRIBE_APPLIED,
                                          .request_id = message->request_id,
                                          .query_set_id = message->query_set_id,
                                          .rows = wants_rows ? &rows : NULL},
                     rows.offset);
  }
  lc_subscription_rows_deinit(&rows);
}

/* No transaction can run between the sets, so all of them show the same snapshot. */
static void subscribe_batch(lc_session *session, const lc_client_message *message) {
  lc_arena *arena = &session->api->scratch;
  lc_query_set_result *results = LC_ARENA_ARRAY(arena, lc_query_set_result, message->set_count + 1);
  lc_subscription_rows *rows = LC_ARENA_ARRAY(arena, lc_subscription_rows, message->set_count + 1);
  uint64_t offset = LC_NO_OFFSET;
  for (uint32_t i = 0; i < message->set_count; i++) {
    const lc_query_set_request *set = &message->sets[i];
    results[i].query_set_id = set->query_set_id;
    lc_err err = lc_client_subscribe(session->client, LC_SUBSCRIBE_SET, set->query_set_id, set->queries, set->query_count, &rows[i]);
    if (lc_failed(err)) {
      results[i].error = lc_arena_str(arena, lc_str_of(lc_err_text(err)));
    } else {
      results[i].rows = &rows[i];
      offset = rows[i].offset;
    }
  }
  lc__session_send(
      session,
      &(lc_server_message){
          .kind = LC_SUBSCRIBE_BATCH_APPLIED, .request_id = message->request_id, .results = results, .result_count = message->set_count},
      offset);
  for (uint32_t i = 0; i < message->set_count; i++) lc_subscription_rows_deinit(&rows[i]);
}

typedef void (*message_handler)(lc_session *session, const lc_client_message *message);
static const message_handler handlers[LC_CLIENT_MESSAGE_KINDS] = {
    [LC_CALL_REDUCER] = call_reducer,
    [LC_CALL_PROCEDURE] = call_procedure,
    [LC_ONE_OFF_QUERY] = one_off_query,
    [LC_SUBSCRIBE] = subscribe,
    [LC_UNSUBSCRIBE] = unsubscribe,
    [LC_SUBSCRIBE_BATCH] = subscribe_batch,
    [LC_V1_SUBSCRIBE] = lc__v1_subscribe,
    [LC_V1_SUBSCRIBE_SINGLE] = lc__v1_subscribe_single,
    [LC_V1_SUBSCRIBE_MULTI] = lc__v1_subscribe_multi,
    [LC_V1_UNSUBSCRIBE] = lc__v1_unsubscribe,
    [LC_V1_UNSUBSCRIBE_MULTI] = lc__v1_unsubscribe_multi,
};

static void run(lc_session *session, const lc_client_message *message) {
  if (message->kind == LC_CALL_REDUCER && lc_protocol_is_v1(session->protocol)) {
    lc__v1_call(session, message);
  } else {
    handlers[message->kind](session, message);
  }
}

/* Tells the engine which calls come next, so that their rows are on their way when they run. */
static void prefetch(lc_session *session, const lc_client_message *messages, size_t count) {
  lc_reducer_call calls[DECODE_AHEAD];
  size_t call_count = 0;
  for (size_t i = 0; i < count; i++) {
    if (messages[i].kind == LC_CALL_REDUCER)
      calls[call_count++] = (lc_reducer_call){.reducer = messages[i].function, .arguments = messages[i].arguments};
  }
  if (call_count > 1) lc_database_prefetch(session->hosted->database, calls, call_count);
}

static void session_message(lc__attachment *attachment, bool is_text, uint8_t *payload, size_t len) {
  lc_session *session = (lc_session *)attachment;
  if (session->client == NULL || session->is_closing) return;
  lc_hosted_enter(session->hosted);
  lc_cursor cursor = lc_cursor_of(lc_span_of(payload, len));
  bool has_more = true;
  while (has_more && !session->is_closing) {
    lc_client_message messages[DECODE_AHEAD];
    size_t count = 0;
    lc_err err = lc_ok();
    lc_arena_reset(&session->api->scratch);
    do {
      err = lc_client_message_decode(session->protocol, is_text, &cursor, &session->api->scratch, &messages[count]);
      if (lc_failed(err)) break;
      count++;
      has_more = session->protocol == LC_PROTOCOL_V3 && cursor.at < cursor.end;
    } while (has_more && count < DECODE_AHEAD);
    char reason[LC_WEBSOCKET_CONTROL_MAX] = "";
    if (lc_failed(err)) snprintf(reason, sizeof reason, "%s", lc_err_text(err)); /* running messages may reuse the text's place */
    if (count > 1) prefetch(session, messages, count);
    for (size_t i = 0; i < count && !session->is_closing; i++) run(session, &messages[i]);
    if (!lc_failed(err)) continue;
    if (!session->is_closing) lc__session_fail(session, lc_str_of(reason));
    return;
  }
}

/* ---- life ---- */

static void session_closed(lc__attachment *attachment) {
  lc_session *session = (lc_session *)attachment;
  session->connection = NULL;
  list_as_ended(session);
}

static const struct lc__attachment_ops session_ops = {.closed = session_closed, .message = session_message};

static void send_initial_message(lc_session *session, const lc_exchange *exchange) {
  lc__session_send(session,
                   &(lc_server_message){.kind = LC_INITIAL_CONNECTION,
                                        .identity = &session->identity,
                                        .connection = session->connection_id,
                                        .token = exchange->caller.token},
                   LC_NO_OFFSET);
}

void lc__session_begin(lc_exchange *exchange, lc_hosted *hosted, const lc__session_options *options) {
  lc_session *session = calloc(1, sizeof *session);
  lc_assert(session != NULL);
  session->attachment.ops = &session_ops;
  session->api = exchange->api;
  session->connection = exchange->connection;
  session->hosted = hosted;
  hosted->references++;
  session->protocol = (lc_protocol)options->protocol;
  session->light = options->light;
  session->identity = exchange->caller.identity;
  session->connection_id = options->connection_id;

  static const lc_framing framings[LC_PROTOCOL_COUNT] = {LC_FRAMING_PACKED, LC_FRAMING_SINGLE, LC_FRAMING_SINGLE, LC_FRAMING_TEXT};
  lc__exchange_common_headers(exchange);
  lc_connection_upgrade(exchange->connection, &(lc_upgrade){.key = options->key,
                                                            .protocol = lc_str_of(lc_protocol_tokens[session->protocol]),
                                                            .headers = exchange->headers,
                                                            .header_count = exchange->header_count,
                                                            .framing = framings[session->protocol],
                                                            .compression = options->compression,
                                                            .policy = options->compression ? LC_COMPRESS_LARGE : LC_COMPRESS_NEVER,
                                                            .group = options->confirmed ? &hosted->group : NULL});
  lc_connection_set_data(exchange->connection, session);
  lc_err err = lc_client_connect(hosted->database, session->identity, session->connection_id, exchange->caller.payload_json, &client_events,
                                 session, &session->client);
  if (lc_failed(err)) {
    session->is_refused = true;
    list_as_ended(session);
  } else {
    send_initial_message(session, exchange);
  }
  lc__exchange_discard(exchange);
}

bool lc__session_is_due(lc_session *session) {
  if (session->is_refused && session->connection && !session->has_waited) {
    session->has_waited = true;
    return false;
  }
  return true;
}

void lc__session_end(lc_session *session) {
  session->is_listed = false;
  if (session->client) {
    if (session->hosted->database) lc_hosted_enter(session->hosted);
    lc_client_disconnect(session->client);
    session->client = NULL;
  }
  if (session->connection) {
    if (session->is_refused) lc_connection_drop(session->connection);
    return; /* `closed` comes and lists it again */
  }
  session->hosted->ops->unref(session->hosted->server, session->hosted);
  lc_buf_deinit(&session->arguments);
  free(session);
}
