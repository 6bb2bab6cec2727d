/*
 * The engines: one that optimises (Cranelift) and one that compiles fast (Winch), because a Wasmtime engine has one compiler. Both
 * accept the features recorded for the reference server (its engine's defaults without garbage collection and threads).
 *
 * Time: a ticker thread advances the epoch of both engines every 10 ms; running guest code then calls back (instance.c).
 * Memory: optimised instances come from a pool of address space with copy-on-write start images, so a fresh one after a trap costs
 * microseconds. Baseline code runs for seconds only, until the optimised one is there, and its instances are mapped on demand.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "base/logging.h"
#include "host/wasm/wasm_internal.h"

enum {
  TICK_NANOS = 10 * 1000 * 1000,
  STACK_BYTES_OPTIMISED = 512 << 10, /* as the reference */
  STACK_BYTES_BASELINE = 2 << 20,    /* frames of unoptimised code are larger */
  POOL_INSTANCES = 1000,
  POOL_TABLE_ELEMENTS = 24 << 20,
  MODULE_MEMORIES_MAX = 16,
  MODULE_TABLES_MAX = 16,
};
#define WASM32_BYTES_MAX ((uint64_t)4 << 30)

static struct {
  bool open;
  lc_wasm_engine engines[LC_TIER_COUNT];
  uint64_t memory_max;
  pthread_t ticker;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  bool stop;
} host = {.lock = PTHREAD_MUTEX_INITIALIZER};

const lc_wasm_engine *lc__wasm_engine(lc_code_tier tier) {
  lc_assert(host.open);
  return &host.engines[tier];
}

uint64_t lc__wasm_memory_max(void) {
  return host.memory_max;
}

lc_err lc__wasm_fail(lc_err_code code, wasmtime_error_t *error, const char *format, ...) {
  char before[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(before, sizeof before, format, arguments);
  va_end(arguments);
  wasm_name_t message;
  wasmtime_error_message(error, &message);
  lc_err err = lc_fail(code, "%s%.*s", before, (int)message.size, message.data);
  wasm_name_delete(&message);
  wasmtime_error_delete(error);
  return err;
}

/* Whether this process may reserve the pool's address space: an engine that cannot ends the process, so ask before. */
static bool can_reserve(uint64_t bytes) {
  void *at = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) return false;
  munmap(at, bytes);
  return true;
}

static void configure_pool(wasm_config_t *config) {
  uint64_t slot = WASM32_BYTES_MAX + ((uint64_t)64 << 20);
  uint64_t tables = (uint64_t)POOL_TABLE_ELEMENTS * sizeof(void *) * POOL_INSTANCES;
  if (!can_reserve(slot * POOL_INSTANCES + tables)) {
    lc_log_warn("no address space for %d pooled module instances: they are mapped one by one", POOL_INSTANCES);
    return;
  }
  wasmtime_pooling_allocation_config_t *pool = wasmtime_pooling_allocation_config_new();
  wasmtime_pooling_allocation_config_total_core_instances_set(pool, POOL_INSTANCES);
  wasmtime_pooling_allocation_config_total_memories_set(pool, POOL_INSTANCES);
  wasmtime_pooling_allocation_config_total_tables_set(pool, POOL_INSTANCES);
  wasmtime_pooling_allocation_config_max_memories_per_module_set(pool, MODULE_MEMORIES_MAX);
  wasmtime_pooling_allocation_config_max_tables_per_module_set(pool, MODULE_TABLES_MAX);
  wasmtime_pooling_allocation_config_table_elements_set(pool, POOL_TABLE_ELEMENTS);
  wasmtime_pooling_allocation_config_max_memory_size_set(pool, WASM32_BYTES_MAX);
  wasmtime_pooling_allocation_config_max_core_instance_size_set(pool, 64 << 20);
  wasmtime_pooling_allocation_strategy_set(config, pool);
  wasmtime_pooling_allocation_config_delete(pool);
}

static lc_err engine_open(lc_code_tier tier) {
  wasm_config_t *config = wasm_config_new();
  wasmtime_config_strategy_set(config, tier == LC_TIER_BASELINE ? WASMTIME_STRATEGY_WINCH : WASMTIME_STRATEGY_CRANELIFT);
  wasmtime_config_epoch_interruption_set(config, true);
  wasmtime_config_max_wasm_stack_set(config, tier == LC_TIER_BASELINE ? STACK_BYTES_BASELINE : STACK_BYTES_OPTIMISED);
  wasmtime_config_memory_may_move_set(config, false);
  wasmtime_config_memory_reservation_set(config, WASM32_BYTES_MAX);
  if (tier == LC_TIER_OPTIMISED) configure_pool(config);
  lc_wasm_engine *engine = &host.engines[tier];
  engine->engine = wasm_engine_new_with_config(config);
  engine->linker = wasmtime_linker_new(engine->engine);
  wasmtime_error_t *error = lc__wasm_compile_trapper(engine->engine, &engine->trapper);
  if (error) return lc__wasm_fail(LC_ERR_INTERNAL, error, "compiling the module behind backtraces: ");
  return lc__wasm_define_imports(engine->linker);
}

static void *tick(void *unused) {
  struct timespec next;
  clock_gettime(CLOCK_MONOTONIC, &next);
  pthread_mutex_lock(&host.lock);
  while (!host.stop) {
    next.tv_nsec += TICK_NANOS;
    if (next.tv_nsec >= 1000000000) {
      next.tv_nsec -= 1000000000;
      next.tv_sec++;
    }
    if (pthread_cond_timedwait(&host.wake, &host.lock, &next) != ETIMEDOUT) continue;
    for (int tier = 0; tier < LC_TIER_COUNT; tier++) wasmtime_engine_increment_epoch(host.engines[tier].engine);
  }
  pthread_mutex_unlock(&host.lock);
  return NULL;
}

static lc_err ticker_start(void) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&host.wake, &attributes);
  pthread_condattr_destroy(&attributes);
  host.stop = false;
  int code = pthread_create(&host.ticker, NULL, tick, NULL);
  if (code) return lc_fail(LC_ERR_IO, "cannot start the thread that limits the run time of modules: %s", strerror(code));
  return lc_ok();
}

static void engines_close(void) {
  for (int tier = 0; tier < LC_TIER_COUNT; tier++) {
    if (host.engines[tier].trapper) wasmtime_module_delete(host.engines[tier].trapper);
    if (host.engines[tier].linker) wasmtime_linker_delete(host.engines[tier].linker);
    if (host.engines[tier].engine) wasm_engine_delete(host.engines[tier].engine);
    host.engines[tier] = (lc_wasm_engine){0};
  }
}

lc_err lc_host_init(const lc_host_options *options) {
  lc_assert(!host.open);
  uint64_t memory_max = options ? options->memory_max : 0;
  host.memory_max = memory_max == 0 || memory_max > WASM32_BYTES_MAX ? WASM32_BYTES_MAX : memory_max;
  lc_err err = lc_ok();
  for (int tier = 0; tier < LC_TIER_COUNT && !lc_failed(err); tier++) err = engine_open((lc_code_tier)tier);
  if (!lc_failed(err) && options && options->cache_directory) err = lc__code_cache_open(options->cache_directory);
  if (!lc_failed(err)) err = ticker_start();
  if (lc_failed(err)) {
    lc__code_cache_close();
    engines_close();
    return err;
  }
  host.open = true;
  return lc_ok();
}

void lc_host_deinit(void) {
  if (!host.open) return;
  pthread_mutex_lock(&host.lock);
  host.stop = true;
  pthread_cond_signal(&host.wake);
  pthread_mutex_unlock(&host.lock);
  pthread_join(host.ticker, NULL);
  pthread_cond_destroy(&host.wake);
  lc__code_cache_close();
  engines_close();
  host.open = false;
}
