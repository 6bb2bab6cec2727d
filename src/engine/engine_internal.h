#pragma once
/* What the files of src/engine share: the database itself, its module, and the steps of every transaction. README.md walks through them. */
#include "base/map.h"
#include "base/vec.h"
#include "engine/database.h"
#include "engine/module_log_internal.h"
#include "engine/timers_internal.h"
#include "log/log.h"
#include "log/record.h"
#include "schema/migrate.h"

enum {
  LC__CALL_BUDGET_MICROS = 10 * 1000 * 1000,
  LC__INIT_BUDGET_MICROS = 60 * 1000 * 1000,
  LC__NO_REDUCER = UINT32_MAX,
};
#define LC__FATAL_TEXT "The instance encountered a fatal error."
#define LC__BUDGET_TEXT "reducer ran out of energy"

/* ---- the module that runs ---- */

typedef struct lc__module {
  lc_program *program;
  lc_instance *instance; /* NULL when its replacement after a trap could not be made; the next call tries again */
  lc_module_def *def;
  lc_hash256 hash;
  struct lc__reducer_hints *hints; /* one per reducer, prefetch.c */
} lc__module;

/* Makes an instance, reads and validates its description. Takes the reference to `program`, also when it fails. `errors`: one validation
 * error per line. */
lc_err lc__module_create(lc_database *database, lc_program *program, const lc_hash256 *hash, lc__module **module, lc_buf *errors);
void lc__module_destroy(lc__module *module);
/* A fresh instance in the place of the present one (after a trap, or of faster code). The old one stays when that fails. */
lc_err lc__module_renew(lc_database *database, lc__module *module, lc_program *program);

/* ---- subscriptions (subscription.c, delivery.c) ---- */

typedef struct lc__query lc__query;
typedef struct lc__set lc__set;

/* One query text of one set. */
typedef struct lc__item {
  lc__query *query;
  lc__set *set;
  uint32_t position;   /* in the set, for the order of updates */
  uint32_t place;      /* in the query's list */
  uint32_t references; /* v1: how many subscriptions of the client hold it */
  lc_str text;         /* as the client wrote it, without blanks around; owned */
} lc__item;

/* What a client is told together. v2: one per query set. v1: `shared` for all Multi and Single subscriptions, `legacy` for Subscribe. */
struct lc__set {
  lc_client *client;
  uint32_t id;
  LC_VEC(lc__item *) items;
  lc_map texts; /* of `shared`: text → item */
};

/* One distinct query, whoever holds it: evaluated at most once per transaction, its rows encoded once (L9). */
struct lc__query {
  lc_query *plan;
  lc_table *table; /* whose rows it returns; also while a publish that drops it is delivered */
  lc_str sql;      /* owned, with `caller` for compiling it again after a publish */
  lc_identity caller;
  LC_VEC(lc__item *) items;
  lc_row_list inserts, deletes; /* of the last transaction that touched it */
  uint64_t serial;              /* of that transaction */
  uint32_t position;            /* in the list of all queries */
  uint32_t watch_place;         /* in the watch of its first table */
  int32_t search_column;        /* listed under the value of this column, or -1: evaluated at every change of its tables */
};

/* A v1 Multi or Single subscription: references to items of the shared set. */
typedef struct lc__multi {
  uint32_t id;
  bool single;
  LC_VEC(lc__item *) items;
} lc__multi;

/* Queries of the form `column = literal` on one table, by the literal's bytes. */
typedef struct lc__search {
  uint32_t column;
  lc_map queries; /* BSATN of the literal → lc__query */
} lc__search;

/* What has to be done when a table changes; lc_table_tag points to it, and is 0 for tables of which nobody wants to know. */
typedef struct lc__watch {
  lc_table *table;
  const lc_schedule_def *schedule; /* of the store's definition; NULL: not a scheduled table */
  lc_index *id_index;              /* scheduled tables: the unique index of the id column */
  LC_VEC(lc__query *) queries;
  LC_VEC(lc__search) searches;
} lc__watch;

struct lc_client {
  lc_database *database; /* NULL once the database closed */
  lc_identity identity;
  lc_connection_id connection;
  const lc_client_events *events;
  void *session;
  uint32_t position; /* in database->clients */
  bool has_subscribed;
  LC_VEC(lc__set *) sets;     /* v2, ascending id */
  LC_VEC(lc__multi) multis;   /* v1 */
  lc__set *shared, *legacy;   /* v1 */
  LC_VEC(lc__item *) changed; /* while a transaction is delivered */
};

/* ---- schedules ---- */

typedef struct lc__immediate {
  lc_str function;
  lc_span arguments;
} lc__immediate; /* both in one allocation, at function.ptr */

/* ---- the database ---- */

struct lc_database {
  /* read or written by every call */
  lc_store *store;
  lc_log *log; /* NULL: in memory */
  lc__module *module;
  int64_t now_micros;
  uint64_t serial;          /* transactions committed since it was opened */
  uint64_t memory_offset;   /* in memory: the next offset */
  lc_arena arena;           /* of the present transaction */
  lc_buf error;             /* text of the last failed call */
  uint32_t last_reducer;    /* the id found by the last call: most calls repeat it */
  bool is_delivering;       /* queries that nobody holds any more are kept until the end of it */
  bool has_idle_queries;    /* there are such */
  LC_VEC(lc_client *) touched; /* while a transaction is delivered */
  LC_VEC(lc__query *) affected;

  /* the rest */
  lc_io *io;
  char *directory;
  lc_identity identity, owner;
  uint64_t call_budget_micros, init_budget_micros;
  void (*run_in_background)(void *server, void (*work)(void *job), void (*done)(void *job), void *job);
  void *server;
  char *module_error; /* why the stored module does not run, or NULL */
  LC_VEC(lc_client *) clients;
  LC_VEC(lc__query *) queries;
  lc_map query_positions; /* plan key → position */
  LC_VEC(lc__watch *) watches;
  LC_VEC(uint32_t) ruled_tables; /* ids of tables with row rules */
  lc__timers timers;
  LC_VEC(lc__immediate) immediates;
  size_t immediate_bytes; /* held by them, within a limit */
  bool drops_immediates;  /* since the queue was last emptied */
  lc__module_log module_log;
  LC_VEC(struct lc__job *) jobs; /* in the background */
  struct lc__job *publishing; /* one at a time; NULL: none */
};

/* Work in the background. The first member of every job; `database` becomes NULL when the database closes before it is done. */
typedef struct lc__job {
  lc_database *database;
} lc__job;
void lc__job_start(lc_database *database, lc__job *job, void (*work)(void *job), void (*done)(void *job));
/* First thing in `done`: takes the job off the database's list. False when the database is gone. */
bool lc__job_finish(lc__job *job);

/* ---- transactions (transaction.c) ---- */

/* What a transaction is for: the log's inputs, and what clients are told of it. */
typedef struct lc__cause {
  lc_record_inputs inputs;
  uint32_t reducer_id, request_id;
  lc_client *client;    /* whose changes go to `own` instead of to its session */
  uint64_t start_nanos; /* 0: not measured */
} lc__cause;

/* Errors: LC_ERR_NO_SPACE while the log cannot write. */
lc_err lc__transaction_begin(lc_database *database);
void lc__transaction_abort(lc_database *database);
/*
 * Commits, logs, follows schedules and tells subscribers. With `always_logged` an offset is used even if nothing changed. `own` (may be
 * NULL) gets the changes that the cause's client is to see. On failure everything is rolled back.
 */
lc_err lc__transaction_commit(lc_database *database, const lc__cause *cause, bool always_logged, lc_client_update *own);
/* What clients are told of it, without any changes. */
void lc__transaction_describe(lc_database *database, const lc__cause *cause, lc_client_update *update);
/* Offset of the newest record: what a reader has seen. */
uint64_t lc__database_seen(const lc_database *database);

/* ---- calls (call.c) ---- */

typedef struct lc__invocation {
  uint32_t reducer;
  lc_identity sender;
  lc_connection_id connection;
  int64_t timestamp_micros;
  lc_span arguments;
  uint64_t budget_micros;
} lc__invocation;
/* Runs a reducer in the open transaction. Everything but LC_OUTCOME_OK leaves a text in database->error and asks for an abort. */
lc_outcome lc__database_invoke(lc_database *database, const lc__invocation *invocation);
/* The text as an error of the class that fits the outcome. */
lc_err lc__outcome_error(const lc_database *database, lc_outcome outcome);
void lc__database_set_error(lc_database *database, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Whether `arguments` begin with valid parameters of the reducer; LC_ERR_ARGUMENTS with the text clients see. */
lc_err lc__reducer_check_arguments(const lc_reducer_def *reducer, lc_span arguments);

/* ---- lifecycle (lifecycle.c) ---- */

/* Everything of lc_client_disconnect but freeing the struct, which its session still holds. */
void lc__client_detach(lc_client *client);
/* Off the database's list, without its subscriptions; nothing runs. */
void lc__client_forget(lc_client *client);
/* Ends what a crash has left in st_client: disconnect reducers, then the rows. */
void lc__database_drop_leftover_clients(lc_database *database);
bool lc__credentials_find(lc_database *database, lc_connection_id connection, lc_str *payload);

/* ---- schedules (schedule.c) ---- */

lc_err lc__schedule_check_row(void *database, lc_table *table, lc_row row);
void lc__schedule_immediate(void *database, lc_str function, lc_span arguments);
/* Arms and disarms after a commit: the timers are a function of the rows. */
void lc__schedule_follow(lc_database *database, const lc__watch *watch, const lc_table_delta *delta);
/* Reads all rows of all scheduled tables anew (start, publish). */
void lc__schedules_reload(lc_database *database);
void lc__immediates_clear(lc_database *database);

/* ---- subscriptions ---- */

/* The table's watch; made when it has none. */
lc__watch *lc__watch_of(lc_database *database, lc_table *table);
/* Evaluates the queries that `delta` affects and tells their holders, each with its part of `update`; the part of `caller` goes to `own`
 * (either may be NULL). */
void lc__deliver(lc_database *database, lc_client *caller, const lc_client_update *update, const lc_delta *delta, lc_client_update *own);
/* The query with the meaning of `sql` for this caller, made when nobody has it. It may have no holder: then lc__query_release frees it. */
lc_err lc__query_acquire(lc_database *database, lc_identity caller, lc_str sql, lc__query **query);
/* Destroys the query when nobody holds it. */
void lc__query_release(lc_database *database, lc__query *query);
/* Tells its holders that it failed and takes their sets (v1: all their subscriptions) away. */
void lc__query_fail(lc__query *query, lc_err err);
/* After a publish: everything that points into the old catalogue is made again. */
void lc__subscriptions_rebind(lc_database *database);
void lc__client_drop_subscriptions(lc_client *client);
void lc__set_drop(lc__set *set);
/* Destroys the queries that lost their last holder during a delivery. */
void lc__queries_sweep(lc_database *database);
void lc__watches_destroy(lc_database *database);
/* The context in which `caller` asks. */
lc_query_context lc__query_context(lc_database *database, lc_identity caller);

/* ---- catalogue rows that belong to the module (catalogue.c) ---- */

lc_err lc__catalogue_put_module(lc_database *database, const lc_hash256 *hash, lc_span program);
/* The stored program; false before the first publish. Borrows the row. */
bool lc__catalogue_get_module(lc_database *database, lc_hash256 *hash, lc_span *program);
lc_err lc__catalogue_add_view(lc_database *database, const lc_view_def *view);
void lc__catalogue_remove_view(lc_database *database, lc_str name);
/* Puts the definition's row rules in the place of those that are there. */
lc_err lc__catalogue_replace_rules(lc_database *database, const lc_module_def *def);
/* Reads which tables have row rules. */
void lc__rules_reload(lc_database *database);
bool lc__rules_cover(void *database, const lc_table *table);
bool lc__environment_find(void *database, lc_str key, lc_str *value);

/* ---- publishing (publish.c, migration.c) ---- */

lc_err lc__migration_execute(lc_database *database, const lc_migration *plan, const lc_module_def *def);
/* Starts the stored module when the database opens. */
lc_err lc__database_start_module(lc_database *database);
/* Tells the publisher that the database closes. */
void lc__publish_cancel(lc_database *database);
/* Compiles faster code in the background and swaps it in between two transactions. Copies `wasm`. */
void lc__module_optimise(lc_database *database, lc_span wasm);

/* ---- prefetching (prefetch.c) ---- */

/* Learns which argument bytes are keys of which index from what a call changed. */
void lc__hints_learn(lc_database *database, uint32_t reducer, lc_span arguments, const lc_delta *delta);
void lc__hints_destroy(lc__module *module);
