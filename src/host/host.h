#pragma once
/*
 * Running modules. The ABI (host/abi.c) is written once against guest memory and an lc_call; the engine that executes the code stands behind
 * lc_program and lc_instance (host/wasm: Wasmtime; a JavaScript engine will sit beside it).
 *
 *   program   compiled code of one module, immutable, shared, any thread
 *   instance  a running copy with its memory, used by one thread, replaced after a trap
 *
 * Invariants
 *   H1  Guest memory is only touched through base + length checks; a bad pointer traps the guest and nothing else (L11, L13).
 *   H2  Handles (sources, sinks, iterators, timers) never outlive the call that made them, except iterators and timers, which die with the instance.
 *   H3  Nothing on the path of a reducer call allocates once the instance is warm.
 */
#include "schema/module_def.h"
#include "store/store.h"

typedef struct lc_program lc_program;
typedef struct lc_instance lc_instance;

/* ---- programs ---- */

typedef struct lc_host_options {
  const char *cache_directory; /* compiled code by hash; NULL: none */
  uint64_t memory_max;         /* bytes per instance, 0: 4 GiB */
} lc_host_options;

/* One engine per process. `options` may be NULL. */
lc_err lc_host_init(const lc_host_options *options);
void lc_host_deinit(void);

typedef enum lc_code_tier { LC_TIER_BASELINE, LC_TIER_OPTIMISED } lc_code_tier;
/*
 * Checks (format, imports, exports, ABI version) and compiles. Slow: call it on a worker thread. With LC_TIER_BASELINE the code is there
 * soon and slower to run; falls back to optimised where the baseline compiler refuses a feature. Small modules are always optimised.
 * Errors: LC_ERR_WASM with what is wrong. The program has one reference; `wasm` is borrowed for the call.
 */
lc_err lc_program_compile(lc_span wasm, lc_code_tier tier, lc_program **program);
lc_code_tier lc_program_tier(const lc_program *program);
lc_program *lc_program_ref(lc_program *program);
void lc_program_unref(lc_program *program);

/* ---- what the engine provides to the ABI ---- */

typedef enum lc_module_log_level {
  LC_MODULE_ERROR,
  LC_MODULE_WARN,
  LC_MODULE_INFO,
  LC_MODULE_DEBUG,
  LC_MODULE_TRACE,
  LC_MODULE_PANIC = 101
} lc_module_log_level;

typedef struct lc_module_log_record {
  lc_module_log_level level;
  lc_str target, filename, function, message; /* ptr NULL: absent */
  uint32_t line_number;                       /* UINT32_MAX: absent */
  lc_str trace_json;                          /* of a panic: a JSON array of frames; ptr NULL: absent */
} lc_module_log_record;

/* Callbacks of the database that owns the instance. `database` is passed back. All are called on the instance's thread. */
typedef struct lc_host_services {
  void *database;
  lc_store *store;
  lc_identity identity; /* of the database */
  void (*log)(void *database, const lc_module_log_record *record);
  /* The JWT payload (JSON text) stored for a connection; false when there is none. Borrowed until the call ends. */
  bool (*jwt)(void *database, lc_connection_id connection, lc_str *payload);
  /* A row of a scheduled table was inserted or updated: arm its timer. LC_ERR_TOO_LARGE: the delay is too long (errno 13). */
  lc_err (*schedule_row)(void *database, lc_table *table, lc_row row);
  void (*schedule_immediate)(void *database, lc_str function, lc_span arguments);
  /* Environment: false when the key has no value. */
  bool (*env)(void *database, lc_str key, lc_str *value);
  const lc_module_def *(*def)(void *database); /* for env declarations; may return NULL */
  int64_t (*now_micros)(void *database);
  uint64_t (*monotonic_nanos)(void *database); /* for console timers; NULL: now_micros is used */
} lc_host_services;

/* ---- instances ---- */

/*
 * Instantiates in the order of module-abi.md 1.4 and appends what __describe_module__ wrote to `description` (NULL: discarded).
 * `services` is copied; its store must outlive the instance. Errors: LC_ERR_WASM, LC_ERR_TRAP, LC_ERR_BUDGET, each with the reason.
 */
lc_err lc_instance_create(lc_program *program, const lc_host_services *services, lc_buf *description, lc_instance **instance);
void lc_instance_destroy(lc_instance *instance);
/* After a trap: an instance must not be called again. */
bool lc_instance_is_dead(const lc_instance *instance);
uint64_t lc_instance_memory(const lc_instance *instance);

typedef struct lc_call_context {
  lc_identity sender;
  lc_connection_id connection;
  int64_t timestamp_micros;
  lc_str function;        /* its name, for log records; borrowed for the call */
  uint64_t budget_micros; /* CPU time until the call is interrupted; 0: 10 s */
} lc_call_context;

/*
 * Calls a reducer inside the transaction that the caller has opened. LC_OK: the guest returned 0. LC_ERR_USER: it returned 1, and its message
 * (UTF-8, made valid) is in `error`. LC_ERR_TRAP: trap or bad return code (instance dead only after a trap). LC_ERR_BUDGET: interrupted, instance dead.
 */
lc_err lc_instance_call_reducer(lc_instance *instance, uint32_t reducer, const lc_call_context *context, lc_span arguments, lc_buf *error);
/* The name of the last trap with its wasm backtrace, for the server's log; borrowed. */
const char *lc_instance_trap_text(const lc_instance *instance);
