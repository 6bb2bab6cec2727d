/* Starting, calling and stopping instances; what a hostile module can do to the host: nothing (L11, L13). */
#include "host_fixture.h"

#define HOSTED(fx)               \
  fixture fx;                    \
  expect_ok(lc_host_init(NULL)); \
  fixture_init(&fx)
#define DONE(fx) fixture_deinit(&fx), lc_host_deinit()

#define LOG(at, len)                                                                                                                       \
  "(call $log (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const -1) (i32.const " at ") (i32.const " len ")" \
                                                                                                                                       ")"

/* module-abi 1.4: _initialize, __preinit__* in byte order of their names (upper case first), __setup__, __describe_module__. */
TEST(an_instance_starts_in_the_order_of_the_abi) {
  HOSTED(fx);
  lc_instance *instance;
  expect_ok(start_wat(
      &fx,
      "(module " WAT_IMPORT_LOG WAT_MEMORY
      "(data (i32.const 16) \"IABCsd\")"
      "(func (export \"__describe_module__\") (param i32) " LOG(
          "21", "1") ")"
                     "(func (export \"__setup__\") (param i32) (result i32) " LOG(
                         "20", "1") "(i32.const 0))"
                                    "(func (export \"__preinit__20_b\") " LOG(
                                        "19", "1") ")"
                                                   "(func (export \"__preinit__20_B\") " LOG(
                                                       "18", "1") ")"
                                                                  "(func (export \"__preinit__10_z\") " LOG(
                                                                      "17", "1") ")"
                                                                                 "(func (export \"_start\") unreachable)"
                                                                                 "(func (export \"_initialize\") " LOG(
                                                                                     "16", "1") ")" WAT_REDUCER("(i32.const 0)") ")",
      &instance));
  expect_text(lc_buf_cstr(&fx.log), "2 message=I\n2 message=A\n2 message=B\n2 message=C\n2 message=s\n2 message=d\n");
  lc_instance_destroy(instance);
  DONE(fx);
}

TEST(the_description_is_what_the_module_wrote) {
  HOSTED(fx);
  lc_program *program;
  expect_ok(compile_wat("(module (import \"spacetime_10.0\" \"bytes_sink_write\" (func $w (param i32 i32 i32) (result i32)))" WAT_MEMORY
                        "(data (i32.const 16) \"\\03\\00\\00\\00abc\")"
                        "(func (export \"__describe_module__\") (param i32)"
                        "  (drop (call $w (local.get 0) (i32.const 20) (i32.const 16))) (drop (call $w (local.get 0) (i32.const 20) "
                        "(i32.const 16))))" WAT_REDUCER("(i32.const 0)") ")",
                        &program));
  lc_buf description = {0};
  lc_instance *instance;
  expect_ok(lc_instance_create(program, &fx.services, &description, &instance));
  expect_bytes(description.data, description.len, "abcabc", 6);
  lc_instance_destroy(instance);
  lc_program_unref(program);
  lc_buf_deinit(&description);
  DONE(fx);
}

TEST(every_step_of_starting_may_fail) {
  HOSTED(fx);
  lc_instance *instance;
  expect_message(start_wat(&fx, WAT_MODULE("(func $s unreachable) (start $s)", "(i32.const 0)"), &instance), "unreachable");
  expect_message(start_wat(&fx, WAT_MODULE("(func (export \"_initialize\") unreachable)", "(i32.const 0)"), &instance),
                 "wasm trap while calling \"_initialize\"");
  expect_message(start_wat(&fx, WAT_MODULE("(func (export \"__preinit__x\") unreachable)", "(i32.const 0)"), &instance),
                 "wasm trap while calling \"__preinit__x\"");
  expect_message(
      start_wat(&fx, WAT_MODULE("(func (export \"__setup__\") (param i32) (result i32) unreachable)", "(i32.const 0)"), &instance),
      "wasm trap while calling \"__setup__\"");
  expect_message(
      start_wat(&fx, WAT_MODULE("(func (export \"__setup__\") (param i32) (result i32) (i32.const 2))", "(i32.const 0)"), &instance),
      "unknown return code");
  lc_err err = start_wat(
      &fx,
      "(module (import \"spacetime_10.0\" \"bytes_sink_write\" (func $w (param i32 i32 i32) (result i32)))" WAT_MEMORY WAT_DESCRIBE
      "(data (i32.const 16) \"\\05\\00\\00\\00oh no\")"
      "(func (export \"__setup__\") (param i32) (result i32) (drop (call $w (local.get 0) (i32.const 20) (i32.const 16))) (i32.const "
      "1))" WAT_REDUCER("(i32.const 0)") ")",
      &instance);
  expect_equal(err.code, LC_ERR_WASM);
  expect_text(lc_err_text(err), "setup function returned an error: oh no");
  expect_message(start_wat(&fx,
                           "(module " WAT_IMPORT_LOG WAT_MEMORY
                           "(func (export \"__describe_module__\") (param i32) unreachable)" WAT_REDUCER("(i32.const 0)") ")",
                           &instance),
                 "error getting module description");
  expect_message(start_wat(&fx, WAT_MODULE("(data (i32.const 65535) \"xx\")", "(i32.const 0)"), &instance), "out of bounds");
  DONE(fx);
}

/* module-abi 4.1, 8.3: how identity, connection and time become words. */
TEST(a_reducer_gets_its_context_as_words) {
  HOSTED(fx);
  lc_instance *instance;
  expect_ok(start_wat(
      &fx,
      WAT_MODULE(
          "",
          "(i64.store (i32.const 16) (local.get 1)) (i64.store (i32.const 24) (local.get 2)) (i64.store (i32.const 32) (local.get 3))"
          "(i64.store (i32.const 40) (local.get 4)) (i64.store (i32.const 48) (local.get 5)) (i64.store (i32.const 56) (local.get 6))"
          "(i64.store (i32.const 64) (local.get 7)) (i32.store (i32.const 72) (local.get 0)) (i32.store (i32.const 76) (local.get 8)) "
          "(i32.store (i32.const 80) (local.get 9))" LOG("16", "68") "(i32.const 0)"),
      &instance));
  lc_call_context context = {.timestamp_micros = 1700000000000000, .function = LC_STR("add")};
  expect(lc_u256_from_hex(&context.sender, LC_STR("c2000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e")));
  expect(lc_u128_from_hex(&context.connection, LC_STR("000102030405060708090a0b0c0d0e0f")));
  lc_buf error = {0};
  expect_ok(lc_instance_call_reducer(instance, 7, &context, lc_span_of("abc", 3), &error));
  static const uint64_t words[] = {0x1718191a1b1c1d1e, 0x0f10111213141516, 0x0708090a0b0c0d0e, 0xc200010203040506,
                                   0x08090a0b0c0d0e0f, 0x0001020304050607, 0x00060a24181e4000};
  static const uint32_t tail[] = {7, 1, 1}; /* id, args source, error sink */
  lc_buf expected = {0};
  lc_buf_append(&expected, words, sizeof words);
  lc_buf_append(&expected, tail, sizeof tail);
  lc_buf line = {0}, scratch = {0};
  lc_buf_put_text(&line, "2 function=add message=");
  /* The log is lossy text; none of these bytes is a text, so compare what became of them. */
  static lc_buf lossy;
  lc_buf_clear(&lossy);
  for (size_t i = 0; i < expected.len; i++) {
    if (expected.data[i] < 0x80)
      lc_buf_put8(&lossy, expected.data[i]);
    else
      lc_buf_put_text(&lossy, "\xef\xbf\xbd");
  }
  lc_buf_put_str(&line, lc_buf_str(&lossy));
  lc_buf_put_text(&line, "\n");
  expect_bytes(fx.log.data, fx.log.len, line.data, line.len);
  lc_instance_destroy(instance);
  lc_buf_deinit(&error), lc_buf_deinit(&expected), lc_buf_deinit(&line), lc_buf_deinit(&scratch), lc_buf_deinit(&lossy);
  DONE(fx);
}

TEST(results_become_errors) {
  HOSTED(fx);
  lc_instance *instance;
  lc_buf message = {0};
  expect_ok(start_wat(
      &fx,
      "(module (import \"spacetime_10.0\" \"bytes_sink_write\" (func $w (param i32 i32 i32) (result i32)))" WAT_MEMORY WAT_DESCRIBE
      "(data (i32.const 16) \"\\04\\00\\00\\00b\\ffad\") (global $n (mut i32) (i32.const -1))" WAT_REDUCER(
          "(drop (call $w (local.get 9) (i32.const 20) (i32.const 16)))"
          "(global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)") ")",
      &instance));
  expect_ok(call_reducer(&fx, instance, (lc_span){0}, &message)); /* 0 */
  expect_equal(message.len, 0);
  expect_error(call_reducer(&fx, instance, (lc_span){0}, &message), LC_ERR_USER); /* 1 */
  expect_text(lc_buf_cstr(&message),
              "b\xef\xbf\xbd"
              "ad");
  expect_error(call_reducer(&fx, instance, (lc_span){0}, &message), LC_ERR_TRAP); /* 2: the instance stays */
  expect(!lc_instance_is_dead(instance));
  expect_error(call_reducer(&fx, instance, (lc_span){0}, &message), LC_ERR_TRAP);
  lc_instance_destroy(instance);
  lc_buf_deinit(&message);
  DONE(fx);
}

TEST(a_trap_kills_the_instance_and_says_where) {
  HOSTED(fx);
  lc_instance *instance;
  expect_ok(start_wat(&fx, WAT_MODULE("(func $inner unreachable)", "(call $inner) (i32.const 0)"), &instance));
  expect_error(call_reducer(&fx, instance, (lc_span){0}, NULL), LC_ERR_TRAP);
  expect(lc_instance_is_dead(instance));
  expect(strstr(lc_instance_trap_text(instance), "inner") != NULL);
  expect(strstr(lc_instance_trap_text(instance), "wasm `unreachable` instruction executed") != NULL);
  lc_instance_destroy(instance);
  DONE(fx);
}

TEST(an_endless_loop_is_interrupted) {
  HOSTED(fx);
  lc_instance *instance;
  fx.budget_micros = 100000;
  expect_ok(start_wat(&fx, WAT_MODULE("", "(loop (br 0)) (i32.const 0)"), &instance));
  expect_error(call_reducer(&fx, instance, (lc_span){0}, NULL), LC_ERR_BUDGET);
  expect(lc_instance_is_dead(instance));
  lc_instance_destroy(instance);
  DONE(fx);
}

/* Each call has its own budget: together these use several times what one may. */
TEST(the_budget_is_per_call) {
  HOSTED(fx);
  fx.budget_micros = 100000;
  lc_instance *instance;
  expect_ok(start_wat(&fx,
                      WAT_MODULE("",
                                 "(local $i i32) (loop (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if 0 (i32.lt_u (local.get "
                                 "$i) (i32.const 20000000)))) (i32.const 0)"),
                      &instance));
  for (int i = 0; i < 60; i++) expect_ok(call_reducer(&fx, instance, (lc_span){0}, NULL));
  lc_instance_destroy(instance);
  DONE(fx);
}

TEST(endless_recursion_traps) {
  HOSTED(fx);
  expect_message(run_wat(&fx, WAT_MODULE("(func $f (result i32) (i32.add (call $f) (i32.const 1)))", "(call $f)")), "call stack exhausted");
  DONE(fx);
}

/* memory.grow is refused beyond the cap; what was there before stays usable. */
TEST(memory_is_bounded_per_instance) {
  fixture fx;
  expect_ok(lc_host_init(&(lc_host_options){.memory_max = 4 << 20}));
  fixture_init(&fx);
  lc_instance *instance;
  expect_ok(start_wat(&fx,
                      WAT_MODULE("",
                                 "(if (i32.ne (memory.grow (i32.const 63)) (i32.const 1)) (then unreachable))"
                                 "(if (i32.ne (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))"
                                 "(loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) (memory.size)"),
                      &instance));
  expect_message(call_reducer(&fx, instance, (lc_span){0}, NULL), "unknown code 64");
  expect_equal(lc_instance_memory(instance), 4 << 20);
  lc_instance_destroy(instance);
  expect_message(
      start_wat(&fx, "(module " WAT_IMPORT_LOG "(memory (export \"memory\") 65)" WAT_DESCRIBE WAT_REDUCER("(i32.const 0)") ")", &instance),
      "cannot be instantiated");
  /* Two memories share the cap. */
  expect_message(
      start_wat(&fx, "(module " WAT_IMPORT_LOG "(memory (export \"memory\") 33) (memory 1)" WAT_DESCRIBE WAT_REDUCER("(i32.const 0)") ")",
                &instance),
      "cannot be instantiated");
  DONE(fx);
}

#define IMPORT(minor, name, type) "(import \"spacetime_10." #minor "\" \"" #name "\" (func $" #name " " type "))"
#define ENDLESS(import, call)               \
  "(module " import WAT_MEMORY WAT_DESCRIBE \
  "(data (i32.const 16) \"\\00\\80\\00\\00\") " WAT_REDUCER("(loop " call " (br 0)) (i32.const 0)") ")"

/* Whatever a module makes the host hold is bounded, and the trap says by what. */
TEST(host_resources_of_a_call_are_bounded) {
  HOSTED(fx);
  expect_message(run_wat(&fx, ENDLESS(WAT_IMPORT_LOG, LOG("1024", "60000"))), "bytes to the module's log");
  expect_message(run_wat(&fx, ENDLESS(IMPORT(0, bytes_sink_write, "(param i32 i32 i32) (result i32)"),
                                      "(drop (call $bytes_sink_write (i32.const 1) (i32.const 1024) (i32.const 16)))")),
                 "a result may have at most");
  expect_message(run_wat(&fx, ENDLESS(IMPORT(0, console_timer_start, "(param i32 i32) (result i32)"),
                                      "(drop (call $console_timer_start (i32.const 1024) (i32.const 8)))")),
                 "console timers");
  expect_message(run_wat(&fx, ENDLESS(IMPORT(0, datastore_table_scan_bsatn, "(param i32 i32) (result i32)"),
                                      "(drop (call $datastore_table_scan_bsatn (i32.const 4096) (i32.const 1024)))")),
                 "open row iterators");
  DONE(fx);
}

/* A panic's record carries the stack, taken while the guest is still running. */
TEST(a_panic_record_has_a_backtrace) {
  HOSTED(fx);
  lc_instance *instance;
  expect_ok(start_wat(&fx,
                      "(module $mod " WAT_IMPORT_LOG WAT_MEMORY WAT_DESCRIBE
                      "(func $_ZN4core9panicking5panic17h0123456789abcdefE (call $log (i32.const 101) (i32.const 0) (i32.const 0) "
                      "(i32.const 0) (i32.const 0) (i32.const -1) (i32.const 16) (i32.const 0)))"
                      "(func $run " WAT_REDUCER_TYPE
                      " (call $_ZN4core9panicking5panic17h0123456789abcdefE) (i32.const 0)) (export \"__call_reducer__\" (func $run)))",
                      &instance));
  expect_ok(call_reducer(&fx, instance, (lc_span){0}, NULL));
  expect_text(lc_buf_cstr(&fx.log),
              "101 function=run "
              "trace=[{\"module_name\":\"mod\",\"func_name\":\"core::panicking::panic::h0123456789abcdef\"},{\"module_name\":\"mod\","
              "\"func_name\":\"run\"}] message=\n");
  expect_ok(call_reducer(&fx, instance, (lc_span){0}, NULL)); /* logging a panic is no trap */
  lc_instance_destroy(instance);
  DONE(fx);
}

/* After a trap a new instance starts from the module's own memory, not from what the dead one left. */
TEST(a_fresh_instance_has_fresh_memory) {
  HOSTED(fx);
  lc_program *program;
  expect_ok(compile_wat(
      WAT_MODULE("(data (i32.const 16) \"\\07\")",
                 "(if (i32.ne (i32.load8_u (i32.const 16)) (i32.const 7)) (then (return (i32.const 9))))"
                 "(i32.store8 (i32.const 16) (i32.const 1)) (memory.fill (i32.const 100) (i32.const 255) (i32.const 60000)) unreachable"),
      &program));
  for (int i = 0; i < 50; i++) {
    lc_instance *instance;
    expect_ok(lc_instance_create(program, &fx.services, NULL, &instance));
    expect_message(call_reducer(&fx, instance, (lc_span){0}, NULL), "unreachable");
    lc_instance_destroy(instance);
  }
  lc_program_unref(program);
  DONE(fx);
}

/* Guest memory that grew after the host last looked is reachable all the same. */
TEST(pointers_into_grown_memory_are_good) {
  HOSTED(fx);
  lc_instance *instance;
  expect_ok(start_wat(&fx,
                      WAT_MODULE("", "(drop (memory.grow (i32.const 3))) (i32.store8 (i32.const 250000) (i32.const 65))" LOG(
                                         "250000", "1") "(i32.const 0)"),
                      &instance));
  expect_ok(call_reducer(&fx, instance, (lc_span){0}, NULL));
  expect_text(lc_buf_cstr(&fx.log), "2 function=run message=A\n");
  lc_instance_destroy(instance);
  DONE(fx);
}
