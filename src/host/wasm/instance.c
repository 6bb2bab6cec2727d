/*
 * Instances: started in the order of the module ABI (instantiate, _initialize, __preinit__*, __setup__, __describe_module__), then
 * called again and again; after a trap never again.
 *
 * Budget: the ticker (engine.c) moves the epoch on every 10 ms; the first guest code to notice calls on_tick, which compares the CPU time
 * that the call has used since it was first seen there with what it may use. A call that ends within a tick pays nothing for it.
 */
#include <stdlib.h>
#include <time.h>

#include "host/wasm/wasm_internal.h"

enum {
  BUDGET_MICROS_DEFAULT = 10 * 1000 * 1000,
  INSTANCES_MAX = 2, /* the module's and the one behind backtraces */
  TABLE_ELEMENTS_MAX = 24 << 20,
  TABLES_MAX = 16,
  MEMORIES_MAX = 16,
};

/* ---- running guest code ---- */

static uint64_t thread_cpu_nanos(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static wasmtime_error_t *on_tick(wasmtime_context_t *context, void *data, uint64_t *ticks, wasmtime_update_deadline_kind_t *kind) {
  lc_instance *instance = data;
  uint64_t now = thread_cpu_nanos();
  if (instance->metered_call != instance->call_number) {
    instance->metered_call = instance->call_number;
    instance->cpu_used_nanos = 0;
  } else {
    instance->cpu_used_nanos += now - instance->cpu_mark_nanos;
  }
  instance->cpu_mark_nanos = now;
  *ticks = 1;
  *kind = WASMTIME_UPDATE_DEADLINE_CONTINUE;
  if (instance->cpu_used_nanos < instance->budget_nanos) return NULL;
  instance->over_budget = true;
  return wasmtime_error_new("the call used up its budget of CPU time");
}

static void refresh_memory(lc_abi *abi) {
  lc_instance *instance = (lc_instance *)abi;
  if (!instance->has_memory) return;
  abi->memory.base = wasmtime_memory_data(instance->context, &instance->memory);
  abi->memory.len = wasmtime_memory_data_size(instance->context, &instance->memory);
}

/* Takes `error` or `trap`: the instance is dead, its trap text says why. */
static lc_err stopped(lc_instance *instance, wasmtime_error_t *error, wasm_trap_t *trap) {
  instance->dead = true;
  lc_buf_clear(&instance->trap_text);
  wasm_byte_vec_t message;
  if (trap) {
    wasm_trap_message(trap, &message);
    wasm_trap_delete(trap);
    if (message.size) message.size--; /* its NUL */
  } else {
    wasmtime_error_message(error, &message);
    wasmtime_error_delete(error);
  }
  lc_buf_append(&instance->trap_text, message.data, message.size);
  wasm_byte_vec_delete(&message);
  const char *text = lc_buf_cstr(&instance->trap_text);
  if (instance->over_budget) {
    return lc_fail(LC_ERR_BUDGET, "the call used up its budget of %llu ms of CPU time",
                   (unsigned long long)(instance->budget_nanos / 1000000));
  }
  return lc_fail(LC_ERR_TRAP, "%s", text);
}

/* Calls with what is in `arguments`; the result is in the first of them. */
static inline lc_err run_guest(lc_instance *instance, const wasmtime_func_t *function, size_t count) {
  wasm_trap_t *trap = NULL;
  instance->call_number++;
  wasmtime_error_t *error = wasmtime_func_call_unchecked(instance->context, function, instance->arguments, count, &trap);
  if (__builtin_expect(error == NULL && trap == NULL, 1)) return lc_ok();
  return stopped(instance, error, trap);
}

/* ---- starting ---- */

static wasmtime_func_t export_function(lc_instance *instance, lc_str name) {
  wasmtime_extern_t item;
  bool found = wasmtime_instance_export_get(instance->context, &instance->instance, name.ptr, name.len, &item);
  lc_assert(found && item.kind == WASMTIME_EXTERN_FUNC); /* lc__wasm_check_exports saw it */
  return item.of.func;
}

static lc_err start_step(lc_instance *instance, lc_str name, size_t argument_count) {
  wasmtime_func_t function = export_function(instance, name);
  lc_err err = run_guest(instance, &function, argument_count);
  return lc_err_context(err, "wasm trap while calling \"%.*s\"", LC_STR_ARGS(name));
}

static lc_err setup(lc_instance *instance) {
  uint32_t sink = lc__abi_sink_add(&instance->abi);
  instance->arguments[0].i32 = (int32_t)sink;
  LC_TRY(start_step(instance, LC_STR("__setup__"), 1));
  if (instance->arguments[0].i32 == 0) return lc_ok();
  if (instance->arguments[0].i32 != 1) return lc_fail(LC_ERR_TRAP, "wasm trap while calling \"__setup__\": unknown return code");
  lc_buf scratch = {0};
  lc_str text = lc__text_lossy(lc_buf_span(lc__abi_sink(&instance->abi, sink)), &scratch);
  lc_err err = lc_fail(LC_ERR_WASM, "setup function returned an error: %.*s", LC_STR_ARGS(text));
  lc_buf_deinit(&scratch);
  return err;
}

static lc_err describe(lc_instance *instance, lc_buf *description) {
  uint32_t sink = lc__abi_sink_add(&instance->abi);
  instance->arguments[0].i32 = (int32_t)sink;
  LC_TRY(lc_err_context(start_step(instance, LC_STR("__describe_module__"), 1), "error getting module description"));
  if (description) lc_buf_put_span(description, lc_buf_span(lc__abi_sink(&instance->abi, sink)));
  return lc_ok();
}

static lc_err instantiate(lc_instance *instance) {
  wasm_trap_t *trap = NULL;
  instance->call_number++; /* a start section runs in here */
  wasmtime_error_t *error = wasmtime_instance_pre_instantiate(instance->program->prepared, instance->context, &instance->instance, &trap);
  if (trap) return stopped(instance, NULL, trap);
  if (error && (instance->over_budget || instance->abi.trap)) return stopped(instance, error, NULL);
  if (error) return lc__wasm_fail(LC_ERR_WASM, error, "the module cannot be instantiated: ");
  wasmtime_extern_t memory;
  bool found = wasmtime_instance_export_get(instance->context, &instance->instance, "memory", 6, &memory);
  lc_assert(found && memory.kind == WASMTIME_EXTERN_MEMORY);
  instance->memory = memory.of.memory;
  instance->has_memory = true;
  refresh_memory(&instance->abi);
  instance->call_reducer = export_function(instance, LC_STR("__call_reducer__"));
  return lc_ok();
}

static lc_err start(lc_instance *instance, lc_buf *description) {
  const lc_wasm_exports *exports = &instance->program->exports;
  LC_TRY(instantiate(instance));
  if (exports->has_initialize) LC_TRY(start_step(instance, LC_STR("_initialize"), 1));
  for (uint32_t i = 0; i < exports->preinit_count; i++) LC_TRY(start_step(instance, exports->preinit[i], 1));
  if (exports->has_setup) LC_TRY(setup(instance));
  return describe(instance, description);
}

lc_err lc_instance_create(lc_program *program, const lc_host_services *services, lc_buf *description, lc_instance **instance) {
  lc_instance *made = calloc(1, sizeof *made);
  lc_assert(made != NULL);
  lc__abi_init(&made->abi, services, lc__wasm_memory_max());
  made->abi.services.store = NULL; /* while it starts there is no transaction for it, even where an instance is replaced inside one */
  made->abi.refresh_memory = refresh_memory;
  made->abi.backtrace = lc__wasm_backtrace_json;
  made->program = lc_program_ref(program);
  made->store = wasmtime_store_new(lc__wasm_engine(program->tier)->engine, made, NULL);
  made->context = wasmtime_store_context(made->store);
  made->budget_nanos = (uint64_t)BUDGET_MICROS_DEFAULT * 1000;
  wasmtime_store_limiter(made->store, (int64_t)program->memory_max, TABLE_ELEMENTS_MAX, INSTANCES_MAX, TABLES_MAX, MEMORIES_MAX);
  wasmtime_store_epoch_deadline_callback(made->store, on_tick, made, NULL);
  wasmtime_context_set_epoch_deadline(made->context, 1);
  lc__abi_call_begin(&made->abi, (lc_str){0});
  lc_err err = start(made, description);
  lc__abi_call_end(&made->abi);
  if (lc_failed(err)) {
    lc_instance_destroy(made);
    return err;
  }
  made->abi.services.store = services->store;
  *instance = made;
  return lc_ok();
}

void lc_instance_destroy(lc_instance *instance) {
  if (instance == NULL) return;
  wasmtime_store_delete(instance->store);
  lc_program_unref(instance->program);
  lc__abi_deinit(&instance->abi);
  lc_buf_deinit(&instance->trap_text);
  free(instance);
}

bool lc_instance_is_dead(const lc_instance *instance) {
  return instance->dead;
}

uint64_t lc_instance_memory(const lc_instance *instance) {
  return wasmtime_memory_data_size(instance->context, &instance->memory) + instance->abi.iterator_bytes;
}

const char *lc_instance_trap_text(const lc_instance *instance) {
  return instance->trap_text.len ? (const char *)instance->trap_text.data : "";
}

/* ---- reducers ---- */

/* What a reducer that ran to its end says: 0 is success, 1 an error with its message in the sink, anything else is the module's mistake. */
static lc_err reducer_result(lc_instance *instance, uint32_t sink, lc_buf *error) {
  int32_t code = instance->arguments[0].i32;
  if (code == 0 && __builtin_expect(instance->abi.changed_catalogue != NULL, 0)) {
    lc_buf_printf(error, "the system table `%.*s` describes the schema; it can only be changed by publishing",
                  LC_STR_ARGS(lc_table_name(instance->abi.changed_catalogue)));
    return lc_error(LC_ERR_USER);
  }
  if (__builtin_expect(code == 0, 1)) return lc_ok();
  if (code != 1) return lc_fail(LC_ERR_TRAP, "__call_reducer__ returned the unknown code %d", code);
  lc_str text = lc__text_lossy(lc_buf_span(lc__abi_sink(&instance->abi, sink)), &instance->abi.scratch[0]);
  lc_buf_put_str(error, text);
  return lc_error(LC_ERR_USER);
}

lc_err lc_instance_call_reducer(lc_instance *instance, uint32_t reducer, const lc_call_context *context, lc_span arguments, lc_buf *error) {
  lc_assert(!instance->dead);
  lc_abi *abi = &instance->abi;
  lc__abi_call_begin(abi, context->function);
  uint32_t source = arguments.len ? lc__abi_source_add(abi, arguments) : 0;
  uint32_t sink = lc__abi_sink_add(abi);
  wasmtime_val_raw_t *raw = instance->arguments;
  raw[0].i32 = (int32_t)reducer;
  for (int i = 0; i < 4; i++) raw[1 + i].i64 = (int64_t)lc_load64(context->sender.bytes + 8 * i);
  raw[5].i64 = (int64_t)context->connection.low;
  raw[6].i64 = (int64_t)context->connection.high;
  raw[7].i64 = context->timestamp_micros;
  raw[8].i32 = (int32_t)source;
  raw[9].i32 = (int32_t)sink;
  instance->budget_nanos = (context->budget_micros ? context->budget_micros : BUDGET_MICROS_DEFAULT) * 1000;
  lc_err err = run_guest(instance, &instance->call_reducer, 10);
  if (!lc_failed(err)) err = reducer_result(instance, sink, error);
  lc__abi_call_end(abi);
  return err;
}
