#pragma once
/*
 * A database: one store, one log, one module, its clients, subscriptions and schedules. Transactions run one at a time on the core thread
 * that owns it; nothing here blocks but opening and closing (and waiting for a full log ring).
 *
 * A turn is an epoch: the owner calls lc_database_turn_begin once (one clock read), runs calls, then lc_database_turn_end (log submission).
 * Replies carry the commit offset they depend on; the session holds those of confirmed clients until lc_database_durable is greater (L1).
 *
 * Invariants
 *   E1  What a client is told of a transaction is computed before the next transaction starts (L9).
 *   E2  A failed call leaves store, schedules and subscriptions as they were.
 *   E3  A publish that fails leaves the running module and its clients untouched.
 */
#include "host/host.h"
#include "io/io.h"
#include "query/query.h"

typedef struct lc_database lc_database;
typedef struct lc_client lc_client;

/* ---- life ---- */

typedef struct lc_database_options {
  lc_io *io;                 /* must outlive the database */
  const char *directory;     /* of this database, inside io */
  lc_identity identity, owner;
  uint64_t call_budget_micros, init_budget_micros; /* 0: 10 s and 60 s */
  bool in_memory;            /* no log: nothing survives, every offset is durable at once */
  /* Runs `work` on a worker thread and then `done` on the core thread. NULL: both at once, in the caller (tests, simulation). */
  void (*run_in_background)(void *server, void (*work)(void *job), void (*done)(void *job), void *job);
  void *server;
} lc_database_options;

/*
 * Opens the database in its directory: replays the log into the store and, when it has a module, starts it (compiled code comes from
 * the cache or is made now). Clients left in st_client by a crash get their disconnect reducer. Errors: LC_ERR_LOG_CORRUPT quarantines
 * it (the caller keeps serving the others); LC_ERR_IO. A stored module that does not start is not an error: see lc_database_module_error.
 */
lc_err lc_database_open(const lc_database_options *options, lc_database **database);
/*
 * Disconnects everybody (`closed` with reason `module exited`, then the disconnect reducers), flushes the log, frees. An lc_client stays
 * with its session, which calls lc_client_disconnect when it has dropped the connection, as after any `closed`; until then its requests
 * fail. Returns the durable offset at the end: everything, unless a full disk kept the last records out of the log; what depends on those
 * must not be acknowledged (L1).
 */
uint64_t lc_database_close(lc_database *database);
/* Frees without writing anything more, as a crash would: for tests. */
void lc_database_abandon(lc_database *database);

lc_identity lc_database_identity(const lc_database *database);
lc_identity lc_database_owner(const lc_database *database);
lc_store *lc_database_store(lc_database *database);
const lc_module_def *lc_database_def(const lc_database *database); /* NULL before the first publish */
lc_hash256 lc_database_program_hash(const lc_database *database);
/* The stored program, borrowed until the next publish; false when there is none. */
bool lc_database_program(lc_database *database, lc_span *program);
/* Why the stored module does not run, or NULL: the data is served all the same, calls and connections are refused with this text. */
const char *lc_database_module_error(const lc_database *database);

/* ---- turns ---- */

void lc_database_turn_begin(lc_database *database, int64_t now_micros);
int64_t lc_database_now(const lc_database *database);
lc_err lc_database_turn_end(lc_database *database);
/* Collects finished log writes. Cheap when there is nothing. */
lc_err lc_database_poll(lc_database *database);
/* Whether changes are refused because the disk of the log is full (L12). While they are, poll from time to time: no event comes. */
bool lc_database_is_full(const lc_database *database);
uint64_t lc_database_durable(const lc_database *database); /* offsets below it may be acknowledged */
int lc_database_event_fd(lc_database *database);           /* see lc_log_event_fd */
/* When the next schedule is due (microseconds since the epoch; INT64_MAX: none), and running what is due. */
int64_t lc_database_next_due(const lc_database *database);
void lc_database_run_due(lc_database *database);

/* ---- clients ---- */

/* The changes of one transaction as one client sees them. Borrowed until the callback returns. Lists are shared between clients: equal
 * pointers within one transaction hold equal rows (encode once). */
typedef struct lc_query_update {
  const lc_table *table; /* name, id, whether it is an event table */
  const lc_row_list *inserts, *deletes;
} lc_query_update;
typedef struct lc_set_update {
  uint32_t query_set_id; /* v1: 0, for the shared queries of Multi and Single, and once more for those of the legacy Subscribe */
  const lc_query_update *queries; /* ascending by table name */
  uint32_t query_count;
} lc_set_update;
typedef struct lc_client_update {
  const lc_set_update *sets; /* ascending by query set id */
  uint32_t set_count;
  /* What caused it, for v1's TransactionUpdate. */
  int64_t timestamp_micros, duration_micros;
  lc_identity caller;
  lc_connection_id caller_connection;
  lc_str reducer;      /* empty: none */
  uint32_t reducer_id; /* UINT32_MAX: none */
  lc_span arguments;
  uint32_t request_id; /* of the originating call, or 0 */
  bool hides_caller;   /* the module is V10: non-callers on v1 get the light form */
  uint64_t offset;     /* of the transaction */
} lc_client_update;

typedef enum lc_close_reason { LC_CLOSE_MODULE_EXITED } lc_close_reason;

/* How the engine talks to a session. Called on the core thread, inside some other call into the engine; must not call back into it. */
typedef struct lc_client_events {
  void (*transaction_update)(void *session, const lc_client_update *update);
  /* A query of this set failed mid-life: the set is gone. v1: all subscriptions of the client are, and the id is 0. */
  void (*subscription_failed)(void *session, uint32_t query_set_id, const char *reason);
  /* The module went away; the session sends what it must and calls lc_client_disconnect later (not from here). */
  void (*closed)(void *session, lc_close_reason reason);
} lc_client_events;

/*
 * Connects a client: st_client and credentials rows, then the module's client_connected reducer, in one transaction. On failure nothing
 * remains and the session must drop the connection. `jwt_payload` is copied. `events` must outlive the client.
 */
lc_err lc_client_connect(lc_database *database, lc_identity identity, lc_connection_id connection, lc_str jwt_payload,
                         const lc_client_events *events, void *session, lc_client **client);
/* Drops its subscriptions, runs client_disconnected, removes its rows, frees it. */
void lc_client_disconnect(lc_client *client);

/* ---- calls ---- */

typedef enum lc_outcome {
  LC_OUTCOME_OK, LC_OUTCOME_USER_ERROR, LC_OUTCOME_INTERNAL_ERROR, LC_OUTCOME_BUDGET,
  LC_OUTCOME_REFUSED, /* before it ran, or because the log has no room */
} lc_outcome;

typedef struct lc_reducer_call {
  lc_str reducer;      /* canonical name */
  lc_span arguments;   /* BSATN; borrowed */
  uint32_t request_id;
  bool measure_duration; /* reads the clock twice; otherwise duration_micros is 0 */
} lc_reducer_call;

typedef struct lc_reducer_result {
  lc_outcome outcome;
  const char *error;        /* the text clients see; borrowed until the next call */
  uint64_t offset;          /* of the commit; for failures the offset at which the state was seen */
  bool has_offset;          /* whether the reply must wait for it under confirmed reads */
  int64_t timestamp_micros, duration_micros;
  uint32_t reducer_id;
  lc_client_update update;  /* the caller's own changes (outcome OK); borrowed until the next call */
} lc_reducer_result;

/*
 * Runs one reducer as one transaction and delivers updates to all other clients. `client` is NULL for HTTP calls; then `identity` and
 * `connection` are the caller's. Never fails: every outcome is in the result.
 */
void lc_database_call(lc_database *database, lc_client *client, lc_identity identity, lc_connection_id connection,
                      const lc_reducer_call *call, lc_reducer_result *result);

/* The next calls of this connection, decoded ahead of time: a hint for prefetching (perf). */
void lc_database_prefetch(lc_database *database, const lc_reducer_call *calls, size_t count);

/* ---- subscriptions ---- */

typedef enum lc_subscription_kind {
  LC_SUBSCRIBE_SET,     /* v2, v3: every set has its own full rows */
  LC_SUBSCRIBE_MULTI,   /* v1 SubscribeMulti: identical queries of a client are shared */
  LC_SUBSCRIBE_LEGACY,  /* v1 Subscribe: replaces the client's legacy set */
  LC_SUBSCRIBE_SINGLE,  /* v1 SubscribeSingle: as Multi, but always one entry with all rows, even if the query is held or the table empty */
} lc_subscription_kind;

/* Rows of a subscription as it starts or ends: one entry per query, none for one that reads an empty table (Single: always one).
 * Owned by the caller, freed by lc_subscription_rows_deinit. */
typedef struct lc_subscription_entry { lc_table *table; lc_row_list rows; } lc_subscription_entry;
typedef struct lc_subscription_rows {
  lc_subscription_entry *entries;
  uint32_t count;
  lc_table *only_table; /* at the end of a v1 subscription of exactly one query: what it returned, also when there is no entry */
  uint64_t offset; /* the reply depends on this offset */
  int64_t duration_micros;
} lc_subscription_rows;
void lc_subscription_rows_deinit(lc_subscription_rows *rows);

/* Compiles, registers and evaluates, all or nothing. Errors: LC_ERR_SQL, LC_ERR_DENIED, LC_ERR_EXISTS with the client's text. */
lc_err lc_client_subscribe(lc_client *client, lc_subscription_kind kind, uint32_t query_set_id, const lc_str *queries, uint32_t query_count,
                           lc_subscription_rows *rows);
/* `want_rows`: evaluate what is dropped. Errors: LC_ERR_NOT_FOUND with the client's text. */
lc_err lc_client_unsubscribe(lc_client *client, uint32_t query_set_id, bool want_rows, lc_subscription_rows *rows);
/* One-off SELECT of the subscription dialect. */
lc_err lc_client_query(lc_client *client, lc_str sql, lc_subscription_rows *rows);

/* ---- SQL over HTTP ---- */
/* Runs one statement as `caller`; DML is a transaction of its own whose changes reach subscribers. */
lc_err lc_database_sql(lc_database *database, lc_identity caller, lc_str sql, lc_sql_result *result, uint64_t *offset);

/* ---- publishing ---- */

typedef struct lc_publish_result lc_publish_result;

typedef struct lc_publish_request {
  lc_span program;      /* wasm bytes; copied */
  bool break_clients;   /* the caller accepts a plan that disconnects clients */
  void (*done)(void *context, const lc_publish_result *result); /* on the core thread; may be called before lc_database_publish returns */
  void *context;
} lc_publish_request;
struct lc_publish_result {
  lc_err err;                 /* its text is what the publisher sees; all validation errors, one per line, in `details` */
  const char *details;        /* never NULL */
  const char *plan;           /* text of the migration plan, empty for a first publish */
  bool created, updated;      /* updated: false when the same program was there already */
  bool breaks_clients;        /* the plan disconnects everybody */
  bool is_major_upgrade;      /* from a V9 definition to a V10 one */
  lc_hash256 program_hash;    /* of the program given: Keccak-256 of its bytes */
  uint64_t offset;
};
/* First publish (creates tables, runs init) or update (migrates). Compilation happens in the background. One at a time per database. */
void lc_database_publish(lc_database *database, const lc_publish_request *request);
/* The plan only; runs on the core thread but for compilation. `plan` in the result, nothing is changed. */
void lc_database_plan(lc_database *database, const lc_publish_request *request, bool colours);

/* ---- module logs ---- */
/* Appends the newest `count` lines (0: all), each JSON with a newline. */
void lc_database_read_log(lc_database *database, uint32_t count, lc_buf *to);
/* Called with every new line (terminated by a newline) until cancelled; returns a handle. */
typedef void (*lc_log_follower)(void *context, lc_str line);
uint32_t lc_database_follow_log(lc_database *database, lc_log_follower follower, void *context);
void lc_database_unfollow_log(lc_database *database, uint32_t handle);
