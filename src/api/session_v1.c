/*
 * What v1 clients ask and are told differently (client-protocol.md 6): three kinds of subscription, updates that name the call which caused
 * them, and reducer outcomes that come as such updates.
 */
#include "api/session_internal.h"

/* ---- updates ---- */

static const lc_type *parameters_of(const lc_session *session, uint32_t reducer) {
  const lc_module_def *def = lc_database_def(session->hosted->database);
  return def && reducer < def->reducer_count ? def->reducers[reducer].params : NULL;
}

static lc_call_info describe(const lc_session *session, const lc_client_update *update) {
  return (lc_call_info){.caller = update->caller,
                        .caller_connection = update->caller_connection,
                        .reducer = update->reducer,
                        .reducer_id = update->reducer_id,
                        .request_id = update->request_id,
                        .arguments = update->arguments,
                        .arguments_type = parameters_of(session, update->reducer_id)};
}

static void send_full(lc_session *session, const lc_client_update *update, const lc_call_info *call) {
  lc__session_send(session,
                   &(lc_server_message){.kind = LC_TRANSACTION_UPDATE,
                                        .status = LC_OUTCOME_OK,
                                        .timestamp_micros = update->timestamp_micros,
                                        .duration_micros = update->duration_micros,
                                        .update = update,
                                        .call = call},
                   update->offset);
}

void lc__v1_update(lc_session *session, const lc_client_update *update) {
  if (session->light || update->hides_caller) {
    lc__session_send(session, &(lc_server_message){.kind = LC_V1_UPDATE_LIGHT, .request_id = update->request_id, .update = update},
                     update->offset);
    return;
  }
  lc_call_info call = describe(session, update);
  send_full(session, update, &call);
}

/* ---- calls ---- */

static bool is_identifier(lc_str name) {
  for (size_t i = 0; i < name.len; i++) {
    char c = name.ptr[i];
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80);
    if (!is_letter && !(i > 0 && c >= '0' && c <= '9')) return false;
  }
  return name.len > 0;
}

static void send_failure(lc_session *session, lc_outcome status, lc_str error, int64_t timestamp, int64_t duration,
                         const lc_call_info *call, uint64_t offset) {
  lc__session_send(session,
                   &(lc_server_message){.kind = LC_TRANSACTION_UPDATE,
                                        .status = status,
                                        .error = error,
                                        .timestamp_micros = timestamp,
                                        .duration_micros = duration,
                                        .call = call},
                   offset);
}

/* The place of the reducer of this name, private or not: to v1 the number is no secret. */
static uint32_t reducer_id_of(const lc_session *session, lc_str name) {
  const lc_module_def *def = lc_database_def(session->hosted->database);
  uint64_t id;
  return def && lc_map_get(&def->reducer_ids, name, &id) ? (uint32_t)id : UINT32_MAX;
}

/* A call that did not run names itself, but repeats neither its arguments nor its request. */
static void send_refusal(lc_session *session, const lc_client_message *message, lc_str error) {
  lc_call_info call = {.caller = session->identity,
                       .caller_connection = session->connection_id,
                       .reducer = is_identifier(message->function) ? message->function : (lc_str){0},
                       .reducer_id = reducer_id_of(session, message->function)};
  send_failure(session, LC_OUTCOME_USER_ERROR, error, lc_database_now(session->hosted->database), 0, &call, LC_NO_OFFSET);
}

/* v1 prints the whole chain of an argument error: the same reason three times, each with the path that it starts with. */
static lc_str chained_argument_error(lc_arena *arena, lc_str reducer, lc_str reason, lc_str path) {
  return lc_arena_printf(arena, "invalid arguments for reducer %.*s: %.*s: invalid arguments for function %.*s: %.*s: %.*s",
                         LC_STR_ARGS(reducer), LC_STR_ARGS(path), LC_STR_ARGS(reducer), LC_STR_ARGS(path), LC_STR_ARGS(reason));
}

static lc_str refusal_text(lc_session *session, const lc_client_message *message, const char *error) {
  lc_str prefix = lc_arena_printf(&session->api->scratch, "invalid arguments for reducer %.*s: ", LC_STR_ARGS(message->function));
  if (strncmp(error, prefix.ptr, prefix.len) != 0) return lc_str_of(error);
  lc_str reason = lc_str_of(error + prefix.len);
  return chained_argument_error(&session->api->scratch, message->function, reason, reason);
}

/* BSATN of a JSON call's arguments, in session->arguments. False: the client has been told why not. */
static bool parse_arguments(lc_session *session, const lc_client_message *message, lc_span *arguments) {
  const lc_module_def *def = lc_database_def(session->hosted->database);
  uint64_t id;
  *arguments = (lc_span){0};
  if (def == NULL || !lc_map_get(&def->reducer_ids, message->function, &id)) return true; /* the call itself says so */
  const lc_reducer_def *reducer = &def->reducers[id];
  bool is_owner = lc_u256_equal(&session->identity, &session->hosted->owner);
  if (reducer->lifecycle != LC_LIFECYCLE_NONE || (!reducer->client_callable && !is_owner)) return true;
  lc_buf_clear(&session->arguments);
  lc_err err =
      lc_arguments_parse_json(&session->arguments, reducer->params, (lc_str){(const char *)message->arguments.ptr, message->arguments.len});
  *arguments = lc_buf_span(&session->arguments);
  if (!lc_failed(err)) return true;
  const char *reason = lc_err_text(err), *colon = strstr(reason, ": ");
  lc_str path = colon ? (lc_str){reason, (size_t)(colon - reason)} : LC_STR(".");
  send_refusal(session, message, chained_argument_error(&session->api->scratch, message->function, lc_str_of(reason), path));
  return false;
}

void lc__v1_call(lc_session *session, const lc_client_message *message) {
  lc_reducer_call call = {
      .reducer = message->function, .arguments = message->arguments, .request_id = message->request_id, .measure_duration = true};
  if (message->arguments_are_json && !parse_arguments(session, message, &call.arguments)) return;
  lc_reducer_result result;
  lc_database_call(session->hosted->database, session->client, session->identity, session->connection_id, &call, &result);
  if (result.outcome == LC_OUTCOME_REFUSED) {
    send_refusal(session, message, refusal_text(session, message, result.error));
    return;
  }
  bool is_silent = message->flags & LC_NO_SUCCESS_NOTIFY;
  if (is_silent) { /* an ordinary subscriber: told when its rows changed, and not of failures */
    if (result.outcome == LC_OUTCOME_OK && result.update.set_count) lc__v1_update(session, &result.update);
    return;
  }
  lc_call_info info = describe(session, &result.update);
  if (message->arguments_are_json) info.arguments_json = (lc_str){(const char *)message->arguments.ptr, message->arguments.len};
  if (result.outcome == LC_OUTCOME_OK) {
    send_full(session, &result.update, &info);
  } else {
    send_failure(session, result.outcome, lc_str_of(result.error), result.timestamp_micros, result.duration_micros, &info,
                 result.has_offset ? result.offset : LC_NO_OFFSET);
  }
}

/* ---- subscriptions ---- */

static void send_error(lc_session *session, const lc_client_message *message, lc_err err, bool has_query_id) {
  lc__session_send(session,
                   &(lc_server_message){.kind = LC_SUBSCRIPTION_ERROR,
                                        .has_request_id = true,
                                        .request_id = message->request_id,
                                        .has_query_set_id = has_query_id,
                                        .query_set_id = message->query_set_id,
                                        .error = lc_str_of(lc_err_text(err))},
                   LC_NO_OFFSET);
}

static void send_rows(lc_session *session, lc_server_message_kind kind, const lc_client_message *message, const lc_subscription_rows *rows,
                      const lc_table *table) {
  lc__session_send(session,
                   &(lc_server_message){.kind = kind,
                                        .request_id = message->request_id,
                                        .query_set_id = message->query_set_id,
                                        .duration_micros = rows->duration_micros,
                                        .rows = rows,
                                        .table = table},
                   rows->offset);
}

static void subscribe(lc_session *session, const lc_client_message *message, lc_subscription_kind kind, lc_server_message_kind reply) {
  lc_subscription_rows rows = {0};
  lc_err err = lc_client_subscribe(session->client, kind, message->query_set_id, message->queries, message->query_count, &rows);
  if (lc_failed(err)) {
    send_error(session, message, err, kind != LC_SUBSCRIBE_LEGACY);
  } else {
    send_rows(session, reply, message, &rows, rows.count ? rows.entries[0].table : NULL);
  }
  lc_subscription_rows_deinit(&rows);
}

static void unsubscribe(lc_session *session, const lc_client_message *message, lc_server_message_kind reply) {
  lc_subscription_rows rows = {0};
  lc_err err = lc_client_unsubscribe(session->client, message->query_set_id, true, &rows);
  /* Unsubscribe is answered in the form of one query; a subscription of several can only be answered in the other. */
  if (rows.only_table == NULL) reply = LC_V1_UNSUBSCRIBE_MULTI_APPLIED;
  if (lc_failed(err)) {
    send_error(session, message, err, true);
  } else {
    send_rows(session, reply, message, &rows, rows.only_table);
  }
  lc_subscription_rows_deinit(&rows);
}

void lc__v1_subscribe(lc_session *session, const lc_client_message *message) {
  subscribe(session, message, LC_SUBSCRIBE_LEGACY, LC_V1_INITIAL_SUBSCRIPTION);
}
void lc__v1_subscribe_single(lc_session *session, const lc_client_message *message) {
  subscribe(session, message, LC_SUBSCRIBE_SINGLE, LC_V1_SUBSCRIBE_APPLIED);
}
void lc__v1_subscribe_multi(lc_session *session, const lc_client_message *message) {
  subscribe(session, message, LC_SUBSCRIBE_MULTI, LC_V1_SUBSCRIBE_MULTI_APPLIED);
}
void lc__v1_unsubscribe(lc_session *session, const lc_client_message *message) {
  unsubscribe(session, message, LC_V1_UNSUBSCRIBE_APPLIED);
}
void lc__v1_unsubscribe_multi(lc_session *session, const lc_client_message *message) {
  unsubscribe(session, message, LC_V1_UNSUBSCRIBE_MULTI_APPLIED);
}
