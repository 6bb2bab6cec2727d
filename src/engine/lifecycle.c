/*
 * Clients come and go. Connecting and disconnecting are one transaction each: the rows of st_client and st_connection_credentials together
 * with the module's reducer. A connect reducer that fails leaves nothing; a disconnect reducer that fails cannot veto: its effects roll
 * back and a second transaction takes the rows away.
 *
 *   st_client                  identity u256, connection_id u128
 *   st_connection_credentials  connection_id u128, jwt_payload string
 */
#include "base/logging.h"
#include "engine/engine_internal.h"

enum { CLIENT_ROW_SIZE = 48 };

static void put_client_row(uint8_t row[static CLIENT_ROW_SIZE], const lc_identity *identity, lc_connection_id connection) {
  memcpy(row, identity->bytes, 32);
  memcpy(row + 32, &connection, 16);
}

static lc_table *client_table(lc_database *database) {
  return lc_store_table(database->store, LC_ST_CLIENT);
}
static lc_table *credentials_table(lc_database *database) {
  return lc_store_table(database->store, LC_ST_CONNECTION_CREDENTIALS);
}

static bool find_credentials(lc_database *database, lc_connection_id connection, lc_row *row) {
  bool found = false;
  lc_err err = lc_index_find(lc_table_index(credentials_table(database), 0), lc_span_of(&connection, 16), row, &found);
  return !lc_failed(err) && found;
}

bool lc__credentials_find(lc_database *database, lc_connection_id connection, lc_str *payload) {
  lc_row row;
  if (!find_credentials(database, connection, &row)) return false;
  *payload = (lc_str){(const char *)row.bytes + 20, lc_load32(row.bytes + 16)};
  return true;
}

static lc_err insert_rows(lc_database *database, const lc_client *client, lc_str jwt_payload) {
  lc_insert_result inserted;
  uint8_t row[CLIENT_ROW_SIZE];
  put_client_row(row, &client->identity, client->connection);
  LC_TRY(lc_table_insert(client_table(database), lc_span_of(row, sizeof row), &inserted));
  /* The client chooses its connection id, so another live connection may have left its credentials under it: the newest count. */
  lc_row old;
  if (find_credentials(database, client->connection, &old)) lc_table_delete(credentials_table(database), old.id);
  lc_buf credentials = {0};
  lc_buf_append(&credentials, &client->connection, 16);
  lc_buf_put_sized(&credentials, jwt_payload.ptr, jwt_payload.len);
  lc_err err = lc_table_insert(credentials_table(database), lc_buf_span(&credentials), &inserted);
  lc_buf_deinit(&credentials);
  return err;
}

static void delete_rows(lc_database *database, const lc_identity *identity, lc_connection_id connection) {
  uint8_t row[CLIENT_ROW_SIZE];
  lc_row credentials;
  put_client_row(row, identity, connection);
  lc_table_delete_equal(client_table(database), lc_span_of(row, sizeof row));
  if (find_credentials(database, connection, &credentials)) lc_table_delete(credentials_table(database), credentials.id);
}

/* A transaction of this client: the event's reducer, or a name for the log where the module has none. */
static lc__cause lifecycle_cause(const lc_database *database, lc_lifecycle event, const lc_identity *identity,
                                 lc_connection_id connection) {
  lc__cause cause = {
      .inputs = {.kind = LC_RECORD_SYSTEM, .timestamp_micros = database->now_micros, .caller = *identity, .connection = connection},
      .reducer_id = LC__NO_REDUCER};
  int32_t reducer = database->module ? database->module->def->lifecycle[event] : -1;
  if (reducer >= 0) {
    cause.reducer_id = (uint32_t)reducer;
    cause.inputs.kind = LC_RECORD_REDUCER;
    cause.inputs.function = database->module->def->reducers[reducer].name;
  } else {
    cause.inputs.function = event == LC_LIFECYCLE_CONNECT ? LC_STR("__identity_connected__") : LC_STR("__identity_disconnected__");
  }
  return cause;
}

static lc_outcome run_reducer(lc_database *database, const lc__cause *cause) {
  if (cause->reducer_id == LC__NO_REDUCER) return LC_OUTCOME_OK;
  /* Nothing checks at publish that such a reducer takes no arguments: one that does fails at every call. */
  lc_err err = lc__reducer_check_arguments(&database->module->def->reducers[cause->reducer_id], (lc_span){0});
  if (lc_failed(err)) {
    lc__database_set_error(database, "%s", lc_err_text(err));
    return LC_OUTCOME_INTERNAL_ERROR;
  }
  return lc__database_invoke(database, &(lc__invocation){.reducer = cause->reducer_id,
                                                         .sender = cause->inputs.caller,
                                                         .connection = cause->inputs.connection,
                                                         .timestamp_micros = cause->inputs.timestamp_micros,
                                                         .budget_micros = database->call_budget_micros});
}

static lc_err connect(lc_client *client, lc_str jwt_payload) {
  lc_database *database = client->database;
  if (database->module == NULL)
    return lc_fail(LC_ERR_NOT_FOUND, "%s",
                   database->module_error ? database->module_error : "the database has no module yet: publish one first");
  lc__cause cause = lifecycle_cause(database, LC_LIFECYCLE_CONNECT, &client->identity, client->connection);
  LC_TRY(lc__transaction_begin(database));
  lc_err err = insert_rows(database, client, jwt_payload);
  if (!lc_failed(err)) err = lc__outcome_error(database, run_reducer(database, &cause));
  if (lc_failed(err)) {
    lc__transaction_abort(database);
    return err;
  }
  return lc__transaction_commit(database, &cause, true, NULL);
}

lc_err lc_client_connect(lc_database *database, lc_identity identity, lc_connection_id connection, lc_str jwt_payload,
                         const lc_client_events *events, void *session, lc_client **client) {
  lc_client *made = calloc(1, sizeof *made);
  lc_assert(made != NULL);
  made->database = database;
  made->identity = identity;
  made->connection = connection;
  made->events = events;
  made->session = session;
  lc_err err = connect(made, jwt_payload);
  if (lc_failed(err)) {
    free(made);
    *client = NULL;
    return err;
  }
  made->position = (uint32_t)database->clients.count;
  lc_vec_push(&database->clients, made);
  *client = made;
  return lc_ok();
}

/* Ends what st_client says of this client. Nothing happens when the row is gone already. */
static lc_err disconnect(lc_database *database, const lc_identity *identity, lc_connection_id connection) {
  uint8_t row[CLIENT_ROW_SIZE];
  lc_row found;
  put_client_row(row, identity, connection);
  if (!lc_table_find_equal(client_table(database), lc_span_of(row, sizeof row), &found)) return lc_ok();
  lc__cause cause = lifecycle_cause(database, LC_LIFECYCLE_DISCONNECT, identity, connection);
  LC_TRY(lc__transaction_begin(database));
  lc_outcome outcome = run_reducer(database, &cause);
  if (outcome != LC_OUTCOME_OK) {
    lc__transaction_abort(database);
    LC_TRY(lc__transaction_begin(database));
    cause.inputs.kind = LC_RECORD_SYSTEM;
    cause.reducer_id = LC__NO_REDUCER;
  }
  delete_rows(database, identity, connection);
  return lc__transaction_commit(database, &cause, true, NULL);
}

void lc__client_forget(lc_client *client) {
  lc_database *database = client->database;
  lc__client_drop_subscriptions(client);
  lc_vec_deinit(&client->changed);
  lc_vec_remove_swap(&database->clients, client->position);
  if (client->position < database->clients.count) database->clients.items[client->position]->position = client->position;
  client->database = NULL;
}

void lc__client_detach(lc_client *client) {
  lc_database *database = client->database;
  lc__client_forget(client); /* first: a client is told nothing of its own end */
  lc_err err = disconnect(database, &client->identity, client->connection);
  /* The row stays until the next start takes it for that of a crash. */
  if (lc_failed(err)) lc_log_warn("a client that left is still in st_client: %s", lc_err_text(err));
}

void lc_client_disconnect(lc_client *client) {
  if (client->database) lc__client_detach(client);
  free(client);
}

void lc__database_drop_leftover_clients(lc_database *database) {
  LC_VEC(lc_row) rows = {0};
  lc_arena copies = {0};
  lc_scan scan;
  lc_row row;
  lc_table_scan(client_table(database), &scan);
  while (lc_scan_next(&scan, &row)) {
    row.bytes = lc_arena_copy(&copies, row.bytes, row.len);
    lc_vec_push(&rows, row);
  }
  for (size_t i = 0; i < rows.count; i++) {
    lc_identity identity;
    lc_connection_id connection;
    memcpy(&identity, rows.items[i].bytes, 32);
    memcpy(&connection, rows.items[i].bytes + 32, 16);
    lc_err err = disconnect(database, &identity, connection);
    if (lc_failed(err)) lc_log_warn("a client of before the restart stays in st_client: %s", lc_err_text(err));
  }
  lc_vec_deinit(&rows);
  lc_arena_deinit(&copies);
}
