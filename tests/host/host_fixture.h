#pragma once
/*
 * What the tests of host/ share: modules written as WebAssembly text, a store with the table of the specification's example module
 * (accounts: id u32 primary key, balance i64), and services that record what the module logs.
 */
#include <stdarg.h>
#include <wasmtime.h>

#include "harness.h"
#include "host/host.h"

/* module-abi 8.1b: `accounts` with a unique index on id, reducers seed and transfer. */
static const char fixture_definition_hex[] =
    "020500000000010000000202000000000200000069640b000700000062616c616e63650c010100000000000000070000004163636f756e740000000001020100"
    "0000080000006163636f756e7473000000000100000000000100000000150000006163636f756e74735f69645f6964785f627472656500020000006964000100"
    "0000000001000000010001000000000000000000010000000000000a00000000030200000004000000736565640200000000010000006e0b000700000062616c"
    "616e63650c01020000000004080000007472616e7366657203000000000400000066726f6d0b0002000000746f0b0006000000616d6f756e740c010200000000"
    "04";

typedef struct fixture {
  lc_store *store;
  lc_module_def *def;
  uint32_t table_id, index_id;
  lc_buf log; /* one line per record: level, target, filename, line, function, message, trace */
  uint32_t log_count;
  uint64_t budget_micros; /* of call_reducer */
  lc_host_services services;
} fixture;

__attribute__((unused)) static lc_buf fixture_definition(void) {
  size_t len = strlen(fixture_definition_hex) / 2;
  lc_buf bytes = {0};
  expect(lc_hex_decode(lc_buf_extend(&bytes, len), len, (lc_str){fixture_definition_hex, len * 2}));
  return bytes;
}

static void fixture_put_field(lc_buf *to, const char *name, lc_str text) {
  if (text.ptr == NULL) return;
  lc_buf_printf(to, " %s=", name);
  lc_buf_put_str(to, text);
}

static void fixture_log(void *database, const lc_module_log_record *record) {
  fixture *fx = database;
  fx->log_count++;
  lc_buf_printf(&fx->log, "%d", (int)record->level);
  fixture_put_field(&fx->log, "target", record->target);
  fixture_put_field(&fx->log, "file", record->filename);
  if (record->line_number != UINT32_MAX) lc_buf_printf(&fx->log, " line=%u", record->line_number);
  fixture_put_field(&fx->log, "function", record->function);
  fixture_put_field(&fx->log, "trace", record->trace_json);
  fixture_put_field(&fx->log, "message", record->message);
  lc_buf_put_text(&fx->log, "\n");
}

static int64_t fixture_now(void *database) {
  return 1700000000000000;
}

__attribute__((unused)) static void fixture_init(fixture *fx) {
  *fx = (fixture){.store = lc_store_create(), .budget_micros = 20000000};
  lc_buf bytes = fixture_definition(), errors = {0};
  expect_ok(lc_module_def_decode(lc_buf_span(&bytes), &fx->def, &errors));
  lc_store_begin(fx->store);
  lc_table *table;
  expect_ok(lc_store_create_table(fx->store, &fx->def->tables[0], &table));
  const lc_delta *delta;
  lc_store_commit(fx->store, &delta);
  lc_store_release(fx->store);
  fx->table_id = lc_table_id(table);
  fx->index_id = lc_index_id(lc_table_index(table, 0));
  fx->services = (lc_host_services){.database = fx, .store = fx->store, .log = fixture_log, .now_micros = fixture_now};
  for (int i = 0; i < 32; i++) fx->services.identity.bytes[i] = (uint8_t)(i + 1);
  lc_buf_deinit(&bytes);
  lc_buf_deinit(&errors);
}

__attribute__((unused)) static void fixture_deinit(fixture *fx) {
  lc_store_destroy(fx->store);
  lc_module_def_destroy(fx->def);
  lc_buf_deinit(&fx->log);
}

__attribute__((unused)) static lc_buf wat_to_wasm(const char *text) {
  wasm_byte_vec_t bytes;
  wasmtime_error_t *error = wasmtime_wat2wasm(text, strlen(text), &bytes);
  if (error) {
    wasm_name_t message;
    wasmtime_error_message(error, &message);
    lc_test_fail("%.*s\nin %s", (int)message.size, message.data, text);
  }
  lc_buf wasm = {0};
  lc_buf_append(&wasm, bytes.data, bytes.size);
  wasm_byte_vec_delete(&bytes);
  return wasm;
}

#define WAT_REDUCER_TYPE "(param i32 i64 i64 i64 i64 i64 i64 i64 i32 i32) (result i32)"
#define WAT_IMPORT_LOG "(import \"spacetime_10.0\" \"console_log\" (func $log (param i32 i32 i32 i32 i32 i32 i32 i32)))"
#define WAT_DESCRIBE "(func (export \"__describe_module__\") (param i32))"
#define WAT_MEMORY "(memory (export \"memory\") 1)"
/* A reducer with this body; what it returns must be on the stack. */
#define WAT_REDUCER(body) "(func (export \"__call_reducer__\") " WAT_REDUCER_TYPE body ")"
/* A complete module whose reducer has this body, with other fields before it. */
#define WAT_MODULE(fields, body) "(module " WAT_IMPORT_LOG WAT_MEMORY WAT_DESCRIBE fields WAT_REDUCER(body) ")"

__attribute__((unused)) static lc_err compile_wat(const char *text, lc_program **program) {
  lc_buf wasm = wat_to_wasm(text);
  lc_err err = lc_program_compile(lc_buf_span(&wasm), LC_TIER_OPTIMISED, program);
  lc_buf_deinit(&wasm);
  return err;
}

/* Compiles and starts; the instance keeps the program. */
__attribute__((unused)) static lc_err start_wat(fixture *fx, const char *text, lc_instance **instance) {
  lc_program *program;
  LC_TRY(compile_wat(text, &program));
  lc_err err = lc_instance_create(program, &fx->services, NULL, instance);
  lc_program_unref(program);
  return err;
}

/* Runs the reducer in a transaction of its own, which is rolled back unless it succeeds. */
__attribute__((unused)) static lc_err call_reducer(fixture *fx, lc_instance *instance, lc_span arguments, lc_buf *message) {
  lc_call_context context = {.function = LC_STR("run"), .timestamp_micros = 5, .budget_micros = fx->budget_micros};
  lc_buf ignored = {0};
  lc_store_begin(fx->store);
  lc_err err = lc_instance_call_reducer(instance, 0, &context, arguments, message ? message : &ignored);
  if (lc_failed(err)) {
    lc_store_abort(fx->store);
  } else {
    const lc_delta *delta;
    lc_store_commit(fx->store, &delta);
    lc_store_release(fx->store);
  }
  lc_buf_deinit(&ignored);
  return err;
}

/* Starts a module, calls its reducer once and throws it away. */
__attribute__((unused)) static lc_err run_wat(fixture *fx, const char *text) {
  lc_instance *instance;
  LC_TRY(start_wat(fx, text, &instance));
  lc_err err = call_reducer(fx, instance, (lc_span){0}, NULL);
  lc_instance_destroy(instance);
  return err;
}

#define expect_message(result, part)                                                                                                \
  do {                                                                                                                              \
    lc_err lc_m_ = (result);                                                                                                        \
    if (!lc_failed(lc_m_)) lc_test_fail("%s did not fail", #result);                                                                \
    if (strstr(lc_err_text(lc_m_), part) == NULL) lc_test_fail("%s says\n  %s\nexpected\n  %s", #result, lc_err_text(lc_m_), part); \
  } while (0)
