#pragma once
/*
 * The simulated database of a run: a whole engine with the module of tests/engine/bank.c on a simulated machine, beside it the model of
 * what that module does, and clients that keep caches.
 */
#include "base/vec.h"
#include "engine/engine_internal.h"
#include "io/sim/sim.h"
#include "sim/model.h"

/* The tables of the model. BANK_PROGRAM is the edition that runs: one row of one byte, none before the first publish. */
enum { BANK_ACCOUNT, BANK_NOTE, BANK_ALARM, BANK_RUNG, BANK_CLIENT, BANK_CREDENTIALS, BANK_PROGRAM, BANK_TABLES };
/* Of the editions in bank.c: the usual one, one with more in it, one that cannot follow them, one whose init fails, one that traps, one
 * with an index more. */
enum { EDITION_NONE, EDITION_FIRST, EDITION_MORE, EDITION_OTHER_TYPE, EDITION_NO_INIT = 5, EDITION_TRAPS = 6, EDITION_INDEX = 9, EDITIONS };
/* Accounts whose presence makes a reducer refuse: connect, disconnect, the scheduled one. */
enum { GATE_CONNECT = 4040, GATE_DISCONNECT = 4041, GATE_RING = 4042 };
enum { BANK_CLIENTS = 4, BANK_SETS = 3, BANK_SET_QUERIES = 2, ALARMS_MAX = 8 };

/* ---- clients ---- */

typedef struct bank_set {
  bool is_live;
  int queries[BANK_SET_QUERIES];
  LC_VEC(model_row) rows; /* what the client holds: a bag, a row of both queries is there twice */
} bank_set;

typedef struct bank_client {
  struct bank_world *world;
  lc_client *client; /* NULL: not connected */
  lc_identity identity;
  lc_connection_id connection;
  bool is_closed; /* told so; it still has to drop the connection */
  bank_set sets[BANK_SETS];
} bank_client;

/* ---- the rest ---- */

/* When a row of the alarm table is due next. */
typedef struct bank_timer {
  uint64_t row;
  int64_t next_micros;
} bank_timer;

typedef struct bank_job {
  void (*work)(void *job), (*done)(void *job);
  void *job;
} bank_job;

typedef struct bank_publish {
  bool is_wanted, is_done; /* under way; the publisher has been told */
  int edition;
  bool break_clients;
  lc_err_code code;
  char text[512];
  bool created, updated;
} bank_publish;

typedef struct bank_totals {
  uint64_t calls, commits, crashes, stops, refusals, firings, publishes, updates, leftovers, full;
} bank_totals;

typedef struct bank_world {
  uint64_t seed;
  lc_io *io;
  lc_database *database;
  int64_t now_micros;
  model model;
  LC_VEC(bank_timer) timers; /* in the order they were armed in */
  uint32_t immediates;       /* calls queued by `later` */
  uint64_t said, heard;      /* lines that those calls are to write, and that arrived in the module's log */
  bank_client clients[BANK_CLIENTS];
  uint64_t connections, alarms; /* made in all, for numbers that never meet again */
  LC_VEC(bank_job) jobs;
  bank_publish publish;
  uint64_t acknowledged; /* offsets below it have been reported durable */
  uint64_t acknowledged_drawn[MODEL_TABLES_MAX];
  bool is_filling; /* this life writes a lot, to run out of space */
  bool may_stop;   /* an operation of the disk fails in this life */
  bank_totals totals;
} bank_world;

/* Ends the run: which promise was broken, and how. */
_Noreturn void broken(const bank_world *w, const char *rule, const char *format, ...) __attribute__((format(printf, 3, 4)));
static inline uint64_t pick(const bank_world *w, uint64_t limit) {
  return lc_sim_random(w->io, limit);
}

/* ---- bank_model.c: what the module does, once more ---- */

typedef struct bank_call {
  const struct bank_reducer *reducer;
  lc_buf arguments;
  uint64_t numbers[3];
} bank_call;

/* What is to come of a transaction. `text` is what the caller is told, NULL: nothing. */
typedef struct bank_outcome {
  lc_outcome outcome;
  const char *text;
} bank_outcome;

int bank_edition(const bank_world *w);
const model_row *bank_account(const bank_world *w, uint32_t id);
/* Puts a random call together; the arguments belong to the caller. */
void bank_call_choose(bank_world *w, bank_call *call);
const char *bank_call_name(const bank_call *call);
/* Does in the open transaction of the model what the call is to do; the caller commits or aborts. */
bank_outcome bank_call_run(bank_world *w, const bank_call *call);
void bank_init(bank_world *w, int edition);
void bank_update(bank_world *w, int edition);
bank_outcome bank_connect(bank_world *w, const bank_client *client, lc_str payload);
/* Ends this row of st_client: its reducer cannot veto. */
void bank_disconnect(bank_world *w, const model_row *client_row);
void bank_put_account(bank_world *w, uint32_t id, int64_t balance);
void bank_remove(bank_world *w, int table, size_t position);
/* A row whose first column is numbered by the table's sequence. */
void bank_add_numbered(bank_world *w, int table, const void *columns, size_t len);

/* Timers are a function of the alarm rows: new rows are armed now, those of rows that went go. */
void bank_timers_follow(bank_world *w);
/* All are armed anew, as at start and after a publish. */
void bank_timers_reload(bank_world *w);
/* What is due runs, each in transactions of its own, which are committed here while there are less than `limit`. */
void bank_run_due(bank_world *w, uint64_t limit);
int64_t bank_next_due(const bank_world *w);

/* ---- clients.c ---- */

extern const lc_client_events bank_client_events;
void client_apply(bank_client *client, const lc_client_update *update);
/* A random set of queries comes or goes. */
void client_toggle_set(bank_client *client);
void client_forget_sets(bank_client *client);
/* The cache of every set against its queries, evaluated over the model (L9). */
void clients_compare(bank_world *w);
/* One query without a subscription. */
void client_query(bank_client *client);

/* ---- compare.c: the database against the model ---- */

const char *database_table_name(int table);
/* All tables, the module and the store's own check; `rule` is what a difference breaks. */
void database_compare(const bank_world *w, const char *rule);
/* What has run, and what is due next (L8). */
void schedules_compare(const bank_world *w);
/* The numbers that the model's open transaction drew, before it is committed there (L7). */
void numbers_compare(const bank_world *w);

/* ---- program.c ---- */

/* The bytes of an edition of bank.c, compiled on first use; they stay until the end of the process. */
lc_span program(int edition);
/* Where they are compiled, and machine code is kept; removed at exit. */
const char *program_directory(void);
