#pragma once
/*
 * Client messages of every protocol version (client-protocol 3 to 6): bytes to structs for what clients send, structs to bytes for what
 * they get. One set of structs for all versions; what differs is in tables, one row per message and per field (tables.c).
 *
 *   protocol   frames   in                                out (the net adds the compression tag and the frame)
 *   v1.json    text     one JSON object                   one JSON object
 *   v1.bsatn   binary   one message, rest ignored         one message
 *   v2         binary   one message, rest ignored         one message
 *   v3         binary   one or more messages back to back one message (the net packs several)
 *
 * Invariants
 *   W1  Decoding untrusted bytes never reads past them, and takes memory in proportion to their number only.
 *   W2  Names, arguments and query texts of BSATN messages are borrowed from the received bytes: a decoded call copies nothing.
 *   W3  A list of rows is never sent as FixedSize(0), nor FixedSize of more than 65535 bytes a row.
 *   W4  Encoding appends only, never fails, and allocates nothing beyond the growth of the buffer (but for v1 updates
 *       of several subscriptions).
 *
 * Threads: no state but constant tables.
 */
#include "engine/database.h"

typedef enum lc_protocol { LC_PROTOCOL_V3, LC_PROTOCOL_V2, LC_PROTOCOL_V1_BSATN, LC_PROTOCOL_V1_JSON, LC_PROTOCOL_COUNT } lc_protocol;

/* Subprotocol tokens in the order of preference, NULL-terminated: lc_websocket_choose gives the lc_protocol. */
extern const char *const lc_protocol_tokens[LC_PROTOCOL_COUNT + 1];
static inline bool lc_protocol_is_v1(lc_protocol protocol) {
  return protocol >= LC_PROTOCOL_V1_BSATN;
}

/* ---- what clients send ---- */

typedef enum lc_client_message_kind {
  LC_CALL_REDUCER,
  LC_CALL_PROCEDURE,
  LC_ONE_OFF_QUERY,       /* queries[0] */
  LC_SUBSCRIBE,           /* v2 and v3: a query set */
  LC_UNSUBSCRIBE,         /* v2 and v3: `flags` LC_SEND_DROPPED_ROWS */
  LC_SUBSCRIBE_BATCH,     /* v2 and v3: `sets` */
  LC_V1_SUBSCRIBE,        /* legacy, replaces */
  LC_V1_SUBSCRIBE_SINGLE, /* queries[0] */
  LC_V1_SUBSCRIBE_MULTI,
  LC_V1_UNSUBSCRIBE,
  LC_V1_UNSUBSCRIBE_MULTI,
  LC_CLIENT_MESSAGE_KINDS
} lc_client_message_kind;

enum { LC_SEND_DROPPED_ROWS = 1 /* Unsubscribe */, LC_NO_SUCCESS_NOTIFY = 1 /* v1 CallReducer */ };

typedef struct lc_query_set_request {
  uint32_t query_set_id;
  uint32_t query_count;
  lc_str *queries;
} lc_query_set_request;

/* Fields that a message does not have are zero. */
typedef struct lc_client_message {
  lc_client_message_kind kind;
  uint8_t flags;
  bool arguments_are_json; /* `arguments` is the text of a JSON array (lc_arguments_parse_json), not BSATN */
  uint32_t request_id;
  uint32_t query_set_id; /* v1: query id */
  uint32_t query_count, set_count;
  lc_str function; /* reducer or procedure; UTF-8 checked */
  lc_span arguments;
  lc_str query; /* where there is exactly one; `queries` then points here, so a message must not be copied */
  lc_str *queries;
  lc_query_set_request *sets;
  lc_span message_id; /* v1 OneOffQuery */
} lc_client_message;

/*
 * Decodes the next message of a frame; v3: call again while bytes are left; other protocols: ignore what is left. `is_text` is the kind of
 * the frame: v1 connections take either kind (JSON in text frames, BSATN in binary ones), v2 and v3 refuse text. Lists and unescaped JSON
 * texts go to `arena`; everything else is borrowed from the frame. Errors: LC_ERR_PROTOCOL with the reason of the Close 1011.
 */
lc_err lc_client_message_decode(lc_protocol protocol, bool is_text, lc_cursor *from, lc_arena *arena, lc_client_message *message);
/* Encodes what a client would send: the inverse, for tests, benchmarks and the C client. JSON for LC_PROTOCOL_V1_JSON. */
void lc_client_message_encode(lc_protocol protocol, const lc_client_message *message, lc_buf *to);
/* `CallReducer` and so on, for logs and metrics. */
const char *lc_client_message_name(lc_client_message_kind kind);

/* ---- what clients get ---- */

typedef enum lc_server_message_kind {
  LC_INITIAL_CONNECTION,      /* v1: IdentityToken */
  LC_SUBSCRIBE_APPLIED,       /* v2, v3: `rows` */
  LC_UNSUBSCRIBE_APPLIED,     /* v2, v3: `rows` or NULL (none) */
  LC_SUBSCRIPTION_ERROR,      /* all; `error`, request id and query set id where `has_…` */
  LC_TRANSACTION_UPDATE,      /* v2, v3: `update`; v1: full form, `status` and `update`, or `call` of a failed reducer */
  LC_ONE_OFF_RESULT,          /* all; `rows`, or `error` when rows is NULL */
  LC_REDUCER_RESULT,          /* v2, v3: `status`, `update` (may be NULL: nothing changed) or `error` */
  LC_PROCEDURE_RESULT,        /* all; `status`, `returned` or `error` */
  LC_SUBSCRIBE_BATCH_APPLIED, /* v2, v3: `results` */
  LC_V1_INITIAL_SUBSCRIPTION,
  LC_V1_UPDATE_LIGHT,      /* `update` */
  LC_V1_SUBSCRIBE_APPLIED, /* `rows` of one query; `table` when rows has no entry */
  LC_V1_UNSUBSCRIBE_APPLIED,
  LC_V1_SUBSCRIBE_MULTI_APPLIED,
  LC_V1_UNSUBSCRIBE_MULTI_APPLIED,
  LC_SERVER_MESSAGE_KINDS
} lc_server_message_kind;

typedef struct lc_query_set_result {
  uint32_t query_set_id;
  const lc_subscription_rows *rows; /* NULL: `error` */
  lc_str error;
} lc_query_set_result;

/* v1: what TransactionUpdate says of the call. */
typedef struct lc_call_info {
  lc_identity caller;
  lc_connection_id caller_connection; /* zero: none */
  lc_str reducer;                     /* empty: none */
  uint32_t reducer_id;                /* UINT32_MAX: none */
  uint32_t request_id;
  lc_span arguments;             /* BSATN */
  lc_str arguments_json;         /* v1.json: the text as it came in; ptr NULL: printed from `arguments` by `arguments_type` */
  const lc_type *arguments_type; /* product; NULL: `[]` */
} lc_call_info;

/* Everything is borrowed for the call. Fields that the kind does not use are ignored. */
typedef struct lc_server_message {
  lc_server_message_kind kind;
  lc_outcome status;                     /* LC_REDUCER_RESULT, LC_PROCEDURE_RESULT, v1 LC_TRANSACTION_UPDATE */
  bool has_request_id, has_query_set_id; /* LC_SUBSCRIPTION_ERROR only */
  uint32_t request_id;
  uint32_t query_set_id;
  int64_t timestamp_micros, duration_micros;
  const lc_identity *identity; /* LC_INITIAL_CONNECTION */
  lc_connection_id connection;
  lc_str token;
  lc_str error;
  lc_span message_id; /* v1 LC_ONE_OFF_RESULT */
  lc_span returned;   /* LC_PROCEDURE_RESULT: BSATN; v1.json prints it by `returned_type` (NULL: `[]`) */
  const lc_type *returned_type;
  const lc_subscription_rows *rows;
  const lc_table *table;
  const lc_client_update *update;
  const lc_call_info *call; /* v1 LC_TRANSACTION_UPDATE */
  const lc_query_set_result *results;
  uint32_t result_count;
} lc_server_message;

/* Appends the message. It must be one that the protocol has. */
void lc_server_message_encode(lc_protocol protocol, const lc_server_message *message, lc_buf *to);

/* The hot ones, without filling in a struct; the same bytes. */
void lc_encode_reducer_result(lc_buf *to, uint32_t request_id, const lc_reducer_result *result); /* v2, v3 */
void lc_encode_update(lc_buf *to, const lc_client_update *update);                               /* v2, v3 TransactionUpdate */

/* BsatnRowList; NULL is an empty list. */
void lc_encode_row_list(lc_buf *to, const lc_row_list *rows);
