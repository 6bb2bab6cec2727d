/*
 * H3: a warm reducer call allocates nothing, in the host, in the store, and in Wasmtime. This program's malloc counts. Sanitizers bring their
 * own allocator, so there the test only runs the calls.
 */
#include "host_fixture.h"

static unsigned long allocations;

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
void *malloc(size_t size) {
  return allocations++, __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
  return allocations++, __libc_calloc(count, size);
}
void *realloc(void *memory, size_t size) {
  return allocations++, __libc_realloc(memory, size);
}
#endif

/* Reads its arguments, finds a row, updates it, inserts and deletes another, scans and counts: the imports of the hot path. */
static const char text[] =
    "(module (import \"spacetime_10.0\" \"bytes_source_read\" (func $read (param i32 i32 i32) (result i32)))"
    "(import \"spacetime_10.4\" \"datastore_index_scan_point_bsatn\" (func $point (param i32 i32 i32 i32) (result i32)))"
    "(import \"spacetime_10.4\" \"datastore_delete_by_index_scan_point_bsatn\" (func $delete (param i32 i32 i32 i32) (result i32)))"
    "(import \"spacetime_10.0\" \"row_iter_bsatn_advance\" (func $advance (param i32 i32 i32) (result i32)))"
    "(import \"spacetime_10.0\" \"datastore_table_scan_bsatn\" (func $scan (param i32 i32) (result i32)))"
    "(import \"spacetime_10.0\" \"datastore_insert_bsatn\" (func $insert (param i32 i32 i32) (result i32)))"
    "(import \"spacetime_10.0\" \"datastore_update_bsatn\" (func $update (param i32 i32 i32 i32) (result i32)))" WAT_MEMORY WAT_DESCRIBE
    "(func $ok (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))" WAT_REDUCER(
        "(i32.store (i32.const 16) (i32.const 12)) (call $ok (call $read (local.get 8) (i32.const 32) (i32.const 16)) (i32.const -1))"
        "(call $ok (call $point (i32.const %2$u) (i32.const 32) (i32.const 4) (i32.const 20)) (i32.const 0))"
        "(i32.store (i32.const 16) (i32.const 1000)) (call $ok (call $advance (i32.load (i32.const 20)) (i32.const 100) (i32.const 16)) "
        "(i32.const -1))"
        "(i64.store (i32.const 36) (i64.add (i64.load (i32.const 104)) (i64.const 1))) (i32.store (i32.const 16) (i32.const 12))"
        "(call $ok (call $update (i32.const %1$u) (i32.const %2$u) (i32.const 32) (i32.const 16)) (i32.const 0))"
        "(i32.store (i32.const 48) (i32.const 99)) (i32.store (i32.const 16) (i32.const 12))"
        "(call $ok (call $insert (i32.const %1$u) (i32.const 48) (i32.const 16)) (i32.const 0))"
        "(call $ok (call $scan (i32.const %1$u) (i32.const 20)) (i32.const 0))"
        "(i32.store (i32.const 16) (i32.const 1000)) (call $ok (call $advance (i32.load (i32.const 20)) (i32.const 100) (i32.const 16)) "
        "(i32.const -1))"
        "(call $ok (i32.load (i32.const 16)) (i32.const 24))"
        "(call $ok (call $delete (i32.const %2$u) (i32.const 48) (i32.const 4) (i32.const 20)) (i32.const 0)) (i32.const 0)") ")";

TEST(a_warm_reducer_call_allocates_nothing) {
  fixture fx;
  expect_ok(lc_host_init(NULL));
  fixture_init(&fx);
  char module[8192];
  snprintf(module, sizeof module, text, fx.table_id, fx.index_id);
  lc_instance *instance;
  expect_ok(start_wat(&fx, module, &instance));
  static const uint8_t row[12] = {7, 0, 0, 0, 5};
  lc_store_begin(fx.store);
  lc_insert_result result;
  const lc_delta *delta;
  expect_ok(lc_table_insert(lc_store_table(fx.store, fx.table_id), lc_span_of(row, sizeof row), &result));
  lc_store_commit(fx.store, &delta);
  lc_store_release(fx.store);
  for (int i = 0; i < 100; i++) expect_ok(call_reducer(&fx, instance, lc_span_of(row, sizeof row), NULL));
  unsigned long before = allocations;
  for (int i = 0; i < 1000; i++) expect_ok(call_reducer(&fx, instance, lc_span_of(row, sizeof row), NULL));
  expect_equal(allocations - before, 0);
  lc_instance_destroy(instance);
  fixture_deinit(&fx);
  lc_host_deinit();
}
