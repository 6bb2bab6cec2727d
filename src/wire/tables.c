/* Which messages there are and what they consist of (client-protocol 5.1, 5.2, 6.1, 6.2). Adding a message is adding a row. */
#include "wire/wire_internal.h"

const char *const lc_protocol_tokens[LC_PROTOCOL_COUNT + 1] = {
    [LC_PROTOCOL_V3] = "v3.bsatn.spacetimedb",
    [LC_PROTOCOL_V2] = "v2.bsatn.spacetimedb",
    [LC_PROTOCOL_V1_BSATN] = "v1.bsatn.spacetimedb",
    [LC_PROTOCOL_V1_JSON] = "v1.json.spacetimedb",
};

#define REQUEST_ID {LC_FIELD_REQUEST_ID, "request_id"}
#define FLAGS {LC_FIELD_FLAGS, "flags"}
#define ARGUMENTS {LC_FIELD_ARGUMENTS, "args"}
#define QUERY_ID {LC_FIELD_QUERY_SET_ID, "query_id"}
#define QUERY_SET_ID {LC_FIELD_QUERY_SET_ID, "query_set_id"}
#define QUERIES {LC_FIELD_QUERIES, "query_strings"}

static const char reducer_flag[] = "invalid call reducer flag %u", procedure_flag[] = "invalid call procedure flag %u";

static const lc_client_row client_v2[] = {
    {"Subscribe", LC_SUBSCRIBE, {REQUEST_ID, QUERY_SET_ID, QUERIES}, 0, NULL},
    {"Unsubscribe",
     LC_UNSUBSCRIBE,
     {REQUEST_ID, QUERY_SET_ID, FLAGS},
     LC_SEND_DROPPED_ROWS,
     "unknown tag 0x%x for sum type UnsubscribeFlags"},
    {"OneOffQuery", LC_ONE_OFF_QUERY, {REQUEST_ID, {LC_FIELD_QUERY, "query_string"}}, 0, NULL},
    {"CallReducer", LC_CALL_REDUCER, {REQUEST_ID, FLAGS, {LC_FIELD_FUNCTION, "reducer"}, ARGUMENTS}, 0, reducer_flag},
    {"CallProcedure", LC_CALL_PROCEDURE, {REQUEST_ID, FLAGS, {LC_FIELD_FUNCTION, "procedure"}, ARGUMENTS}, 0, procedure_flag},
    {"SubscribeBatch", LC_SUBSCRIBE_BATCH, {REQUEST_ID, {LC_FIELD_SETS, "sets"}}, 0, NULL},
};
const lc_client_table lc__client_v2 = {client_v2, sizeof client_v2 / sizeof *client_v2};

static const lc_client_row client_v1[] = {
    {"CallReducer", LC_CALL_REDUCER, {{LC_FIELD_FUNCTION, "reducer"}, ARGUMENTS, REQUEST_ID, FLAGS}, LC_NO_SUCCESS_NOTIFY, reducer_flag},
    {"Subscribe", LC_V1_SUBSCRIBE, {QUERIES, REQUEST_ID}, 0, NULL},
    {"OneOffQuery", LC_ONE_OFF_QUERY, {{LC_FIELD_MESSAGE_ID, "message_id"}, {LC_FIELD_QUERY, "query_string"}}, 0, NULL},
    {"SubscribeSingle", LC_V1_SUBSCRIBE_SINGLE, {{LC_FIELD_QUERY, "query"}, REQUEST_ID, QUERY_ID}, 0, NULL},
    {"SubscribeMulti", LC_V1_SUBSCRIBE_MULTI, {QUERIES, REQUEST_ID, QUERY_ID}, 0, NULL},
    {"Unsubscribe", LC_V1_UNSUBSCRIBE, {REQUEST_ID, QUERY_ID}, 0, NULL},
    {"UnsubscribeMulti", LC_V1_UNSUBSCRIBE_MULTI, {REQUEST_ID, QUERY_ID}, 0, NULL},
    {"CallProcedure", LC_CALL_PROCEDURE, {{LC_FIELD_FUNCTION, "procedure"}, ARGUMENTS, REQUEST_ID, FLAGS}, 0, procedure_flag},
};
const lc_client_table lc__client_v1 = {client_v1, sizeof client_v1 / sizeof *client_v1};

const char *lc_client_message_name(lc_client_message_kind kind) {
  static const lc_client_table *const tables[] = {&lc__client_v2, &lc__client_v1};
  for (size_t t = 0; t < 2; t++) {
    for (uint32_t i = 0; i < tables[t]->count; i++) {
      if (tables[t]->rows[i].kind == kind) return tables[t]->rows[i].name;
    }
  }
  return "?";
}

#undef REQUEST_ID
#undef QUERY_SET_ID
#undef QUERY_ID
#define REQUEST_ID {LC_OUT_REQUEST_ID, "request_id"}
#define QUERY_SET_ID {LC_OUT_QUERY_SET_ID, "query_set_id"}
#define QUERY_ID {LC_OUT_QUERY_SET_ID, "query_id"}
#define DURATION {LC_OUT_DURATION, "total_host_execution_duration"}
#define DURATION_MICROS {LC_OUT_DURATION_MICROS, "total_host_execution_duration_micros"}
#define TIMESTAMP {LC_OUT_TIMESTAMP, "timestamp"}
#define ERROR {LC_OUT_ERROR, "error"}
#define IDENTITY {LC_OUT_IDENTITY, "identity"}
#define CONNECTION {LC_OUT_CONNECTION, "connection_id"}
#define TOKEN {LC_OUT_TOKEN, "token"}

const lc_server_row lc__server_v2[LC_SERVER_MESSAGE_KINDS] = {
    [LC_INITIAL_CONNECTION] = {"InitialConnection", 0, {IDENTITY, CONNECTION, TOKEN}},
    [LC_SUBSCRIBE_APPLIED] = {"SubscribeApplied", 1, {REQUEST_ID, QUERY_SET_ID, {LC_OUT_ROWS, "rows"}}},
    [LC_UNSUBSCRIBE_APPLIED] = {"UnsubscribeApplied", 2, {REQUEST_ID, QUERY_SET_ID, {LC_OUT_OPT_ROWS, "rows"}}},
    [LC_SUBSCRIPTION_ERROR] = {"SubscriptionError", 3, {{LC_OUT_OPT_REQUEST_ID, "request_id"}, QUERY_SET_ID, ERROR}},
    [LC_TRANSACTION_UPDATE] = {"TransactionUpdate", 4, {{LC_OUT_QUERY_SETS, "query_sets"}}},
    [LC_ONE_OFF_RESULT] = {"OneOffQueryResult", 5, {REQUEST_ID, {LC_OUT_ROWS_OR_ERROR, "result"}}},
    [LC_REDUCER_RESULT] = {"ReducerResult", 6, {REQUEST_ID, TIMESTAMP, {LC_OUT_OUTCOME, "result"}}},
    [LC_PROCEDURE_RESULT] = {"ProcedureResult", 7, {{LC_OUT_PROCEDURE_STATUS, "status"}, TIMESTAMP, DURATION, REQUEST_ID}},
    [LC_SUBSCRIBE_BATCH_APPLIED] = {"SubscribeBatchApplied", 8, {REQUEST_ID, {LC_OUT_SET_RESULTS, "results"}}},
};

const lc_server_row lc__server_v1[LC_SERVER_MESSAGE_KINDS] = {
    [LC_V1_INITIAL_SUBSCRIPTION] = {"InitialSubscription", 0, {{LC_OUT_INSERTS, "database_update"}, REQUEST_ID, DURATION}},
    [LC_TRANSACTION_UPDATE] = {"TransactionUpdate",
                               1,
                               {{LC_OUT_V1_STATUS, "status"},
                                TIMESTAMP,
                                {LC_OUT_CALLER, "caller_identity"},
                                {LC_OUT_CALLER_CONNECTION, "caller_connection_id"},
                                {LC_OUT_CALL, "reducer_call"},
                                {LC_OUT_ENERGY, "energy_quanta_used"},
                                DURATION}},
    [LC_V1_UPDATE_LIGHT] = {"TransactionUpdateLight", 2, {REQUEST_ID, {LC_OUT_UPDATE, "update"}}},
    [LC_INITIAL_CONNECTION] = {"IdentityToken", 3, {IDENTITY, TOKEN, CONNECTION}},
    [LC_ONE_OFF_RESULT] = {"OneOffQueryResponse",
                           4,
                           {{LC_OUT_MESSAGE_ID, "message_id"}, {LC_OUT_OPT_ERROR, "error"}, {LC_OUT_ONE_OFF_TABLES, "tables"}, DURATION}},
    [LC_V1_SUBSCRIBE_APPLIED] = {"SubscribeApplied", 5, {REQUEST_ID, DURATION_MICROS, QUERY_ID, {LC_OUT_SINGLE_INSERTS, "rows"}}},
    [LC_V1_UNSUBSCRIBE_APPLIED] = {"UnsubscribeApplied", 6, {REQUEST_ID, DURATION_MICROS, QUERY_ID, {LC_OUT_SINGLE_DELETES, "rows"}}},
    [LC_SUBSCRIPTION_ERROR] = {"SubscriptionError",
                               7,
                               {DURATION_MICROS,
                                {LC_OUT_OPT_REQUEST_ID, "request_id"},
                                {LC_OUT_OPT_QUERY_SET_ID, "query_id"},
                                {LC_OUT_NO_TABLE_ID, "table_id"},
                                ERROR}},
    [LC_V1_SUBSCRIBE_MULTI_APPLIED] = {"SubscribeMultiApplied", 8, {REQUEST_ID, DURATION_MICROS, QUERY_ID, {LC_OUT_INSERTS, "update"}}},
    [LC_V1_UNSUBSCRIBE_MULTI_APPLIED] = {"UnsubscribeMultiApplied", 9, {REQUEST_ID, DURATION_MICROS, QUERY_ID, {LC_OUT_DELETES, "update"}}},
    [LC_PROCEDURE_RESULT] = {"ProcedureResult", 10, {{LC_OUT_V1_PROCEDURE_STATUS, "status"}, TIMESTAMP, DURATION, REQUEST_ID}},
};
