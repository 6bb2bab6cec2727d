/*
 * Programs: compiled, checked, imports resolved. Code comes from the cache when it is there; else it is compiled, first fast and later
 * well for large modules (a 10 MB game module takes 2 s with the baseline compiler, 12 s with the optimising one).
 */
#include <stdlib.h>

#include "base/blake3.h"
#include "base/logging.h"
#include "host/wasm/wasm_internal.h"

enum {
  BASELINE_WORTH_BYTES = 512 << 10, /* smaller modules are optimised in well under a second */
  PROGRAM_BYTES_MAX = 256 << 20,
};

static lc_err compile(lc_span wasm, const lc_hash256 *hash, lc_code_tier tier, wasmtime_module_t **module) {
  wasm_engine_t *engine = lc__wasm_engine(tier)->engine;
  *module = lc__code_cache_load(engine, hash, tier);
  if (*module) return lc_ok();
  wasmtime_error_t *error = wasmtime_module_new(engine, wasm.ptr, wasm.len, module);
  if (error) return lc__wasm_fail(LC_ERR_WASM, error, "%s", "");
  lc__code_cache_store(*module, hash, tier);
  return lc_ok();
}

/* Baseline code only where it is worth it and nothing better lies in the cache; optimised code where the baseline compiler refuses. */
static lc_err compile_for(lc_span wasm, lc_code_tier *tier, wasmtime_module_t **module) {
  lc_hash256 hash;
  lc_blake3(hash.bytes, wasm.ptr, wasm.len);
  if (*tier == LC_TIER_BASELINE && wasm.len >= BASELINE_WORTH_BYTES) {
    *module = lc__code_cache_load(lc__wasm_engine(LC_TIER_OPTIMISED)->engine, &hash, LC_TIER_OPTIMISED);
    if (*module) {
      *tier = LC_TIER_OPTIMISED;
      return lc_ok();
    }
    lc_err err = compile(wasm, &hash, LC_TIER_BASELINE, module);
    if (!lc_failed(err)) return err;
    lc_log_debug("the baseline compiler refuses the module: %s", lc_err_text(err));
  }
  *tier = LC_TIER_OPTIMISED;
  return compile(wasm, &hash, LC_TIER_OPTIMISED, module);
}

static lc_err prepare(lc_program *program) {
  LC_TRY(lc__wasm_check_abi_version(program->module));
  LC_TRY(lc__wasm_check_exports(program->module, &program->exports));
  wasmtime_error_t *error = wasmtime_linker_instantiate_pre(lc__wasm_engine(program->tier)->linker, program->module, &program->prepared);
  return error ? lc__wasm_fail(LC_ERR_WASM, error, "%s", "") : lc_ok();
}

lc_err lc_program_compile(lc_span wasm, lc_code_tier tier, lc_program **program) {
  if (wasm.len > PROGRAM_BYTES_MAX)
    return lc_fail(LC_ERR_TOO_LARGE, "the module has %zu bytes; at most %d are allowed", wasm.len, PROGRAM_BYTES_MAX);
  /* Wasmtime also takes text; a module is binary. */
  if (wasm.len < 4 || memcmp(wasm.ptr, "\0asm", 4) != 0) {
    return lc_fail(LC_ERR_WASM, "failed to parse WebAssembly module: %s",
                   wasm.len ? "it does not begin with the magic number" : "it is empty");
  }
  wasmtime_module_t *module;
  LC_TRY(compile_for(wasm, &tier, &module));
  lc_program *made = calloc(1, sizeof *made);
  lc_assert(made != NULL);
  atomic_init(&made->references, 1);
  made->tier = tier;
  made->module = module;
  uint32_t memories = lc__wasm_outline(wasm).memory_count;
  made->memory_max = lc__wasm_memory_max() / (memories ? memories : 1);
  lc_err err = prepare(made);
  if (lc_failed(err)) {
    lc_program_unref(made);
    return err;
  }
  *program = made;
  return lc_ok();
}

lc_code_tier lc_program_tier(const lc_program *program) {
  return program->tier;
}

lc_program *lc_program_ref(lc_program *program) {
  atomic_fetch_add_explicit(&program->references, 1, memory_order_relaxed);
  return program;
}

void lc_program_unref(lc_program *program) {
  if (program == NULL || atomic_fetch_sub_explicit(&program->references, 1, memory_order_acq_rel) != 1) return;
  if (program->prepared) wasmtime_instance_pre_delete(program->prepared);
  wasmtime_module_delete(program->module);
  lc_arena_deinit(&program->exports.arena);
  free(program);
}
