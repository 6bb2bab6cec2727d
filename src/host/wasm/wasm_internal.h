#pragma once
/*
 * The Wasmtime binding of the module ABI. What Wasmtime gives out (errors, traps, vectors) is owned by whoever received it and freed here;
 * nothing of it is seen outside of host/wasm.
 *
 * Invariants
 *   W1  Linear memory never moves while an instance lives (memory_may_move is off): lc_abi.memory.base stays right, only its length ages.
 *   W2  Guest code runs only inside instance.c, under the epoch deadline: at each tick the CPU time of the call is held against its budget.
 *   W3  A cache file is only handed to Wasmtime after its BLAKE3 hash was checked; anything else is compiled anew.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <wasmtime.h>

#include "host/abi_internal.h"

/* ---- engine.c: one engine per tier, shared by all programs ---- */

typedef struct lc_wasm_engine {
  wasm_engine_t *engine;
  wasmtime_linker_t *linker;  /* with every import; read by any thread */
  wasmtime_module_t *trapper; /* see backtrace.c */
} lc_wasm_engine;

enum { LC_TIER_COUNT = 2 };

/* Asserts that lc_host_init was called. */
const lc_wasm_engine *lc__wasm_engine(lc_code_tier tier);
uint64_t lc__wasm_memory_max(void);

/* Takes `error` and makes an lc_err of its message; an empty `format` adds nothing before it. */
lc_err lc__wasm_fail(lc_err_code code, wasmtime_error_t *error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* ---- code_cache.c ---- */

lc_err lc__code_cache_open(const char *directory);
void lc__code_cache_close(void);
/* NULL when there is no usable file. Any thread. */
wasmtime_module_t *lc__code_cache_load(wasm_engine_t *engine, const lc_hash256 *program_hash, lc_code_tier tier);
/* Failures are logged, not returned: the cache only saves time. */
void lc__code_cache_store(const wasmtime_module_t *module, const lc_hash256 *program_hash, lc_code_tier tier);

/* ---- imports.c ---- */

lc_err lc__wasm_define_imports(wasmtime_linker_t *linker);

/* ---- binary.c ---- */

typedef struct lc_wasm_outline {
  uint32_t memory_count; /* defined, not imported */
} lc_wasm_outline;
/* Reads section headers of bytes that Wasmtime has accepted. */
lc_wasm_outline lc__wasm_outline(lc_span wasm);

/* ---- exports.c ---- */

enum { LC_PREINIT_PREFIX_LEN = 11 }; /* "__preinit__" */

typedef struct lc_wasm_exports {
  lc_arena arena;
  lc_str *preinit; /* full names, in the order in which they run */
  uint32_t preinit_count;
  bool has_initialize, has_setup;
} lc_wasm_exports;

/* Checks presence and types of what the host calls. `exports` is owned by the caller also after a failure. */
lc_err lc__wasm_check_exports(const wasmtime_module_t *module, lc_wasm_exports *exports);
/* ABI version negotiation over the function imports. */
lc_err lc__wasm_check_abi_version(const wasmtime_module_t *module);

/* ---- program.c ---- */

struct lc_program {
  atomic_uint references;
  lc_code_tier tier;
  wasmtime_module_t *module;
  wasmtime_instance_pre_t *prepared; /* imports resolved and type-checked */
  lc_wasm_exports exports;
  uint64_t memory_max; /* of each linear memory of an instance */
};

/* ---- instance.c ---- */

struct lc_instance {
  lc_abi abi; /* first: imports get from one to the other */
  lc_program *program;
  wasmtime_store_t *store;
  wasmtime_context_t *context;
  wasmtime_instance_t instance;
  wasmtime_memory_t memory;
  wasmtime_func_t call_reducer;
  bool has_memory; /* false until instantiation has finished */
  bool dead;
  lc_buf trap_text;
  wasmtime_val_raw_t arguments[16]; /* and the result, in the first */

  /* The budget of the running call; looked at by the epoch callback only. */
  uint64_t call_number, metered_call; /* which call `cpu_mark` belongs to */
  uint64_t budget_nanos, cpu_used_nanos, cpu_mark_nanos;
  bool over_budget;

  wasmtime_func_t trapper; /* see backtrace.c */
  bool has_trapper;
};

/* ---- backtrace.c ---- */

/* The module whose function "f" traps. */
wasmtime_error_t *lc__wasm_compile_trapper(wasm_engine_t *engine, wasmtime_module_t **module);
/* The guest's stack from inside an import, as a JSON array of `{"module_name":…,"func_name":…}`, unknown names left out. */
void lc__wasm_backtrace_json(lc_abi *abi, lc_buf *json);
