#pragma once
/* The tables that decoders and encoders walk: one row per message, one entry per field (tables.c). */
#include "base/assert.h"
#include "wire/wire.h"

/* ---- client messages ---- */

/* How a field travels, and which member of lc_client_message it is. */
typedef enum lc_client_field_kind {
  LC_FIELD_END,
  LC_FIELD_REQUEST_ID,   /* u32 */
  LC_FIELD_QUERY_SET_ID, /* u32; JSON {"id":n} */
  LC_FIELD_FLAGS,        /* u8 */
  LC_FIELD_FUNCTION,     /* str */
  LC_FIELD_ARGUMENTS,    /* bytes; JSON a string holding JSON */
  LC_FIELD_QUERY,        /* str */
  LC_FIELD_QUERIES,      /* str[] */
  LC_FIELD_SETS,         /* {query_set_id u32, str[]}[] */
  LC_FIELD_MESSAGE_ID,   /* bytes; JSON hex */
} lc_client_field_kind;

enum { LC_CLIENT_FIELDS = 5 };

typedef struct lc_client_row {
  const char *name;
  lc_client_message_kind kind;
  struct {
    lc_client_field_kind kind;
    const char *name;
  } fields[LC_CLIENT_FIELDS];
  uint8_t flags_max;
  const char *flags_wrong; /* format of the error for a larger flag */
} lc_client_row;

/* Rows by tag. */
typedef struct lc_client_table {
  const lc_client_row *rows;
  uint32_t count;
} lc_client_table;
extern const lc_client_table lc__client_v1, lc__client_v2;

lc_err lc__client_json_decode(lc_str text, lc_arena *arena, lc_client_message *message);
void lc__client_json_encode(const lc_client_row *row, const lc_client_message *message, lc_buf *to);

/* ---- server messages ---- */

/* A field: what is written, from which members of lc_server_message. The type names are those of client-protocol 5.2 and 6.2. */
typedef enum lc_server_field_kind {
  LC_OUT_END,
  LC_OUT_REQUEST_ID,
  LC_OUT_QUERY_SET_ID,
  LC_OUT_IDENTITY,
  LC_OUT_CONNECTION,
  LC_OUT_TOKEN,
  LC_OUT_ERROR,
  LC_OUT_MESSAGE_ID,
  LC_OUT_OPT_REQUEST_ID,
  LC_OUT_OPT_QUERY_SET_ID,
  LC_OUT_NO_TABLE_ID,
  LC_OUT_OPT_ERROR,
  LC_OUT_TIMESTAMP,
  LC_OUT_DURATION,
  LC_OUT_DURATION_MICROS,
  /* v2 */
  LC_OUT_ROWS,          /* QueryRows */
  LC_OUT_OPT_ROWS,      /* opt<QueryRows> */
  LC_OUT_ROWS_OR_ERROR, /* result<QueryRows, str> */
  LC_OUT_QUERY_SETS,    /* QuerySetUpdate[] */
  LC_OUT_OUTCOME,       /* ReducerOutcome */
  LC_OUT_PROCEDURE_STATUS,
  LC_OUT_SET_RESULTS, /* {query_set_id, SubscribeSetOutcome}[] */
  /* v1 */
  LC_OUT_V1_STATUS, /* UpdateStatus */
  LC_OUT_V1_PROCEDURE_STATUS,
  LC_OUT_CALLER,
  LC_OUT_CALLER_CONNECTION,
  LC_OUT_CALL,
  LC_OUT_ENERGY,
  LC_OUT_UPDATE, /* DatabaseUpdate of a transaction */
  LC_OUT_INSERTS,
  LC_OUT_DELETES, /* DatabaseUpdate of a subscription that starts, ends */
  LC_OUT_SINGLE_INSERTS,
  LC_OUT_SINGLE_DELETES, /* SubscribeRows */
  LC_OUT_ONE_OFF_TABLES,
} lc_server_field_kind;

enum { LC_SERVER_FIELDS = 8 };

typedef struct lc_server_row {
  const char *name; /* NULL: the protocol has no such message */
  uint8_t tag;
  struct {
    lc_server_field_kind kind;
    const char *name;
  } fields[LC_SERVER_FIELDS];
} lc_server_row;
extern const lc_server_row lc__server_v1[LC_SERVER_MESSAGE_KINDS], lc__server_v2[LC_SERVER_MESSAGE_KINDS];

/* Field writers. */
void lc__put_common(lc_buf *to, lc_server_field_kind kind, const lc_server_message *message); /* those that v1 and v2 share */
void lc__put_v2(lc_buf *to, lc_server_field_kind kind, const lc_server_message *message);
void lc__put_v1(lc_buf *to, lc_server_field_kind kind, const lc_server_message *message);
void lc__put_json(lc_buf *to, lc_server_field_kind kind, const lc_server_message *message);

/*
 * v1 wants one entry per table, whatever the number of subscriptions: visits the queries of an update table by table. Initialise with
 * lc__merge_begin; `scratch` is allocated only when there are several sets.
 */
typedef struct lc_merge_entry {
  uint32_t table_id, ordinal; /* among equal tables: as they came */
  const lc_query_update *query;
} lc_merge_entry;
typedef struct lc_merge {
  const lc_query_update *single; /* of the only set */
  lc_merge_entry *scratch;
  uint32_t count, at, tables;
} lc_merge;
void lc__merge_begin(lc_merge *merge, const lc_client_update *update);
/* The next table's run: `*first` is its position, to be read with lc__merge_get. 0 at the end. */
uint32_t lc__merge_next(lc_merge *merge, uint32_t *first);
static inline const lc_query_update *lc__merge_get(const lc_merge *merge, uint32_t i) {
  return merge->scratch ? merge->scratch[i].query : &merge->single[i];
}
void lc__merge_end(lc_merge *merge);
static inline uint64_t lc__row_count(const lc_row_list *rows) {
  return rows ? rows->count : 0;
}
