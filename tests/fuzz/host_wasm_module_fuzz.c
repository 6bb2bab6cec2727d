/* Any bytes as a module: compiled, checked and, when acceptable, started with a small budget of everything. Text is taken as WebAssembly text. */
#include <wasmtime.h>

#include "host/host.h"

static lc_store *store;

static void start(lc_program *program) {
  lc_host_services services = {.store = store};
  lc_instance *instance;
  if (lc_failed(lc_instance_create(program, &services, NULL, &instance))) return;
  lc_instance_destroy(instance);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (store == NULL) {
    store = lc_store_create();
    if (lc_failed(lc_host_init(&(lc_host_options){.memory_max = 16 << 20}))) return 0;
  }
  lc_program *program;
  if (!lc_failed(lc_program_compile(lc_span_of(data, size), LC_TIER_OPTIMISED, &program))) {
    start(program);
    lc_program_unref(program);
  }
  wasm_byte_vec_t wasm;
  wasmtime_error_t *error = wasmtime_wat2wasm((const char *)data, size, &wasm);
  if (error) {
    wasmtime_error_delete(error);
    return 0;
  }
  if (!lc_failed(lc_program_compile(lc_span_of(wasm.data, wasm.size), LC_TIER_OPTIMISED, &program))) {
    start(program);
    lc_program_unref(program);
  }
  wasm_byte_vec_delete(&wasm);
  return 0;
}
