/*
 * What a reducer call costs on one core: the bare way into the guest, the bare way out of it, and the two-account transfer of the headline
 * benchmark (8 host calls: 2 to read the arguments, 2 lookups and their rows, 2 updates) over 100,000 accounts, store included, log and network not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <wasmtime.h>

#include "host/host.h"

enum { ACCOUNTS = 100000, ROUNDS = 7, CALLS = 300000, HOST_CALLS_PER_CALL = 1000 };

/* The published Rust benchmark's definition: accounts(id u32 primary key, balance i64), reducers seed and transfer (module-abi 8.1b). */
#define DEFINITION                                                                                                                         \
  "\\02\\05\\00\\00\\00\\00\\01\\00\\00\\00\\02\\02\\00\\00\\00\\00\\02\\00\\00\\00id\\0b\\00\\07\\00\\00\\00balance\\0c\\01\\01\\00\\00"  \
  "\\00"                                                                                                                                   \
  "\\00\\00\\00\\00\\07\\00\\00\\00Account\\00\\00\\00\\00\\01\\02\\01\\00\\00\\00\\08\\00\\00\\00accounts\\00\\00\\00\\00\\01\\00\\00\\0" \
  "0\\00\\00"                                                                                                                              \
  "\\01\\00\\00\\00\\00\\15\\00\\00\\00accounts_id_idx_"                                                                                   \
  "btree\\00\\02\\00\\00\\00id\\00\\01\\00\\00\\00\\00\\00\\01\\00\\00\\00\\01\\00\\01\\00\\00\\00\\00\\00"                                \
  "\\00\\00\\00\\00\\01\\00\\00\\00\\00\\00\\00\\0a\\00\\00\\00\\00\\03\\02\\00\\00\\00\\04\\00\\00\\00seed\\02\\00\\00\\00\\00\\01\\00\\" \
  "00\\00n\\0b"                                                                                                                            \
  "\\00\\07\\00\\00\\00balance\\0c\\01\\02\\00\\00\\00\\00\\04\\08\\00\\00\\00transfer\\03\\00\\00\\00\\00\\04\\00\\00\\00from\\0b\\00\\0" \
  "2\\00\\00\\00to\\0b"                                                                                                                    \
  "\\00\\06\\00\\00\\00amount\\0c\\01\\02\\00\\00\\00\\00\\04"

/* Memory: 16 length of the definition, 20 it; 1024 arguments (from, to, amount); 1060.. out-parameters; 2048 and 2064 the rows; 65536 row buffer. */
static const char module_text[] =
    "(module (import \"spacetime_10.0\" \"bytes_sink_write\" (func $sink (param i32 i32 i32) (result i32)))"
    "(import \"spacetime_10.0\" \"table_id_from_name\" (func $table_id (param i32 i32 i32) (result i32)))"
    "(import \"spacetime_10.0\" \"index_id_from_name\" (func $index_id (param i32 i32 i32) (result i32)))"
    "(import \"spacetime_10.0\" \"bytes_source_read\" (func $read (param i32 i32 i32) (result i32)))"
    "(import \"spacetime_10.1\" \"bytes_source_remaining_length\" (func $remaining (param i32 i32) (result i32)))"
    "(import \"spacetime_10.4\" \"datastore_index_scan_point_bsatn\" (func $point (param i32 i32 i32 i32) (result i32)))"
    "(import \"spacetime_10.0\" \"row_iter_bsatn_advance\" (func $advance (param i32 i32 i32) (result i32)))"
    "(import \"spacetime_10.0\" \"row_iter_bsatn_close\" (func $close (param i32) (result i32)))"
    "(import \"spacetime_10.0\" \"datastore_update_bsatn\" (func $update (param i32 i32 i32 i32) (result i32)))"
    "(memory (export \"memory\") 4) (global $table (mut i32) (i32.const 0)) (global $index (mut i32) (i32.const 0))"
    "(data (i32.const 16) \"\\01\\01\\00\\00" DEFINITION
    "\") (data (i32.const 1200) \"accounts\") (data (i32.const 1300) \"accounts_id_idx_btree\")"
    "(func (export \"__describe_module__\") (param $s i32) (drop (call $sink (local.get $s) (i32.const 20) (i32.const 16))))"
    "(func $resolve"
    "  (drop (call $table_id (i32.const 1200) (i32.const 8) (i32.const 1060))) (global.set $table (i32.load (i32.const 1060)))"
    "  (drop (call $index_id (i32.const 1300) (i32.const 21) (i32.const 1060))) (global.set $index (i32.load (i32.const 1060))))"
    "(func $find (param $key i32) (param $row i32)"
    "  (if (call $point (global.get $index) (local.get $key) (i32.const 4) (i32.const 1064)) (then unreachable))"
    "  (i32.store (i32.const 1068) (i32.const 65536))"
    "  (if (i32.ne (call $advance (i32.load (i32.const 1064)) (i32.const 65536) (i32.const 1068)) (i32.const -1)) (then unreachable))"
    "  (if (i32.ne (i32.load (i32.const 1068)) (i32.const 12)) (then unreachable))"
    "  (i32.store (local.get $row) (i32.load (i32.const 65536))) (i64.store offset=4 (local.get $row) (i64.load (i32.const 65540))))"
    "(func $store (param $row i32) (param $amount i64)"
    "  (i64.store offset=4 (local.get $row) (i64.add (i64.load offset=4 (local.get $row)) (local.get $amount)))"
    "  (i32.store (i32.const 1072) (i32.const 12))"
    "  (if (call $update (global.get $table) (global.get $index) (local.get $row) (i32.const 1072)) (then unreachable)))"
    "(func $transfer (param $args i32) (result i32)"
    "  (if (i32.eqz (global.get $table)) (then (call $resolve)))"
    "  (drop (call $remaining (local.get $args) (i32.const 1076))) (i32.store (i32.const 1080) (i32.load (i32.const 1076)))"
    "  (drop (call $read (local.get $args) (i32.const 1024) (i32.const 1080)))"
    "  (call $find (i32.const 1024) (i32.const 2048)) (call $find (i32.const 1028) (i32.const 2064))"
    "  (if (i64.lt_s (i64.load (i32.const 2052)) (i64.load (i32.const 1032))) (then (return (i32.const 1))))"
    "  (call $store (i32.const 2048) (i64.sub (i64.const 0) (i64.load (i32.const 1032)))) (call $store (i32.const 2064) (i64.load "
    "(i32.const 1032)))"
    "  (i32.const 0))"
    "(func $host_calls (result i32) (local $i i32)"
    "  (loop (drop (call $close (i32.const 0))) (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const "
    "1000)))) (i32.const 0))"
    "(func (export \"__call_reducer__\") (param $id i32) (param i64 i64 i64 i64 i64 i64 i64) (param $args i32) (param i32) (result i32)"
    "  (if (i32.eq (local.get $id) (i32.const 1)) (then (return (call $transfer (local.get $args)))))"
    "  (if (i32.eq (local.get $id) (i32.const 2)) (then (return (call $host_calls)))) (i32.const 0)))";

enum { REDUCER_NOTHING, REDUCER_TRANSFER, REDUCER_HOST_CALLS };

static void require(lc_err err) {
  if (!lc_failed(err)) return;
  fprintf(stderr, "%s\n", lc_err_text(err));
  exit(1);
}

static double now_nanos(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static uint32_t random_state = 0x12345678;
static uint32_t random_below(uint32_t limit) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 17;
  random_state ^= random_state << 5;
  return (uint32_t)((uint64_t)random_state * limit >> 32);
}

static int64_t now_micros(void *database) {
  return 0;
}

static lc_store *store;
static lc_table *accounts;
static lc_instance *instance;

static void open_module(void) {
  wasm_byte_vec_t wasm;
  if (wasmtime_wat2wasm(module_text, sizeof module_text - 1, &wasm)) abort();
  require(lc_host_init(NULL));
  lc_program *program;
  require(lc_program_compile(lc_span_of(wasm.data, wasm.size), LC_TIER_OPTIMISED, &program));
  store = lc_store_create();
  lc_buf description = {0}, errors = {0};
  require(lc_instance_create(program, &(lc_host_services){.store = store, .now_micros = now_micros}, &description, &instance));
  lc_module_def *def;
  require(lc_module_def_decode(lc_buf_span(&description), &def, &errors));
  lc_store_begin(store);
  require(lc_store_create_table(store, &def->tables[0], &accounts));
  for (uint32_t id = 0; id < ACCOUNTS; id++) {
    uint8_t row[12];
    lc_store32(row, id);
    lc_store64(row + 4, 1000000000);
    lc_insert_result result;
    require(lc_table_insert(accounts, lc_span_of(row, sizeof row), &result));
  }
  const lc_delta *delta;
  lc_store_commit(store, &delta);
  lc_store_release(store);
  lc_program_unref(program);
  lc_module_def_destroy(def);
  wasm_byte_vec_delete(&wasm);
  lc_buf_deinit(&description);
  lc_buf_deinit(&errors);
}

static void call(uint32_t reducer, lc_span arguments) {
  static lc_buf error;
  lc_call_context context = {.function = LC_STR("transfer")};
  require(lc_instance_call_reducer(instance, reducer, &context, arguments, &error));
}

static void run_calls(uint32_t reducer, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) call(reducer, (lc_span){0});
}

static void run_transfers(uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    uint8_t arguments[16];
    uint32_t from = random_below(ACCOUNTS);
    lc_store32(arguments, from);
    lc_store32(arguments + 4, (from + 1 + random_below(ACCOUNTS - 1)) % ACCOUNTS);
    lc_store64(arguments + 8, 1);
    lc_store_begin(store);
    call(REDUCER_TRANSFER, lc_span_of(arguments, sizeof arguments));
    const lc_delta *delta;
    lc_store_commit(store, &delta);
    lc_store_release(store);
  }
}

static int by_value(const void *a, const void *b) {
  return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

static void report(const char *what, uint32_t reducer, uint32_t count, double per) {
  double rounds[ROUNDS];
  for (int round = 0; round < ROUNDS; round++) {
    double start = now_nanos();
    if (reducer == REDUCER_TRANSFER)
      run_transfers(count);
    else
      run_calls(reducer, count);
    rounds[round] = (now_nanos() - start) / count / per;
  }
  qsort(rounds, ROUNDS, sizeof *rounds, by_value);
  printf("%-44s median %7.1f ns, best %7.1f ns\n", what, rounds[ROUNDS / 2], rounds[0]);
}

static int64_t balances(void) {
  int64_t sum = 0;
  lc_scan scan;
  lc_row row;
  lc_table_scan(accounts, &scan);
  while (lc_scan_next(&scan, &row)) sum += (int64_t)lc_load64(row.bytes + 4);
  return sum;
}

int main(void) {
  open_module();
  run_transfers(CALLS / 10);
  report("host to guest (a reducer that does nothing)", REDUCER_NOTHING, CALLS, 1);
  report("guest to host (the cheapest import)", REDUCER_HOST_CALLS, CALLS / HOST_CALLS_PER_CALL, HOST_CALLS_PER_CALL);
  report("transfer, 100,000 accounts, store included", REDUCER_TRANSFER, CALLS, 1);
  if (balances() != (int64_t)ACCOUNTS * 1000000000) {
    fprintf(stderr, "money was made or lost\n");
    return 1;
  }
  lc_instance_destroy(instance);
  lc_store_destroy(store);
  lc_host_deinit();
  return 0;
}
