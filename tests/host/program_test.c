/* What is refused before a module runs, and with which words (module-abi 1.1 to 1.3). */
#include "host_fixture.h"

static lc_err compile_only(const char *text) {
  expect_ok(lc_host_init(NULL));
  lc_program *program;
  lc_err err = compile_wat(text, &program);
  if (!lc_failed(err)) lc_program_unref(program);
  lc_host_deinit();
  return err;
}

TEST(a_complete_module_compiles) {
  expect_ok(compile_only(WAT_MODULE("", "(i32.const 0)")));
}

TEST(bytes_that_are_no_wasm_are_refused) {
  expect_ok(lc_host_init(NULL));
  lc_program *program;
  static const char text[] = "(module)";
  expect_error(lc_program_compile((lc_span){0}, LC_TIER_OPTIMISED, &program), LC_ERR_WASM);
  expect_error(lc_program_compile(lc_span_of(text, sizeof text), LC_TIER_OPTIMISED, &program), LC_ERR_WASM);
  lc_buf wasm = wat_to_wasm(WAT_MODULE("", "(i32.const 0)"));
  size_t accepted = 0;
  for (size_t len = 0; len < wasm.len; len++) {
    lc_err err = lc_program_compile(lc_span_of(wasm.data, len), LC_TIER_OPTIMISED, &program);
    if (lc_failed(err)) {
      expect_equal(err.code, LC_ERR_WASM);
    } else {
      accepted++;
      lc_program_unref(program);
    }
  }
  expect_equal(accepted, 1); /* without its last section, the names */
  lc_buf_deinit(&wasm);
  lc_host_deinit();
}

#define IMPORTING(module, name, type) \
  "(module (import \"" module "\" \"" name "\" (func " type ")) " WAT_IMPORT_LOG WAT_MEMORY WAT_DESCRIBE WAT_REDUCER("(i32.const 0)") ")"

TEST(imports_must_exist_with_their_name_space_and_type) {
  expect_ok(compile_only(IMPORTING("spacetime_10.6", "env_get", "(param i32 i32 i32) (result i32)")));
  expect_message(compile_only(IMPORTING("spacetime_10.0", "get_jwt", "(param i32 i32) (result i32)")),
                 "unknown import: `spacetime_10.0::get_jwt`");
  expect_message(compile_only(IMPORTING("spacetime_10.1", "identity", "(param i32)")), "unknown import: `spacetime_10.1::identity`");
  expect_message(compile_only(IMPORTING("wasi_snapshot_preview1", "fd_write", "(param i32 i32 i32 i32) (result i32)")), "unknown import");
  expect_message(compile_only(IMPORTING("spacetime_10.0", "identity", "(param i32 i32)")),
                 "incompatible import type for `spacetime_10.0::identity`");
}

TEST(the_abi_version_is_negotiated_over_all_imports) {
  expect_message(compile_only(IMPORTING("spacetime_10.7", "x", "")), "abi version 10.7 is not supported (host implements 10.6)");
  expect_message(compile_only(IMPORTING("spacetime_9.0", "x", "")), "both major version 9 and major version 10");
  expect_message(compile_only("(module (import \"spacetime_11.0\" \"x\" (func)) " WAT_MEMORY WAT_DESCRIBE WAT_REDUCER("(i32.const 0)") ")"),
                 "abi version 11.0 is not supported");
  expect_message(compile_only("(module " WAT_MEMORY WAT_DESCRIBE WAT_REDUCER("(i32.const 0)") ")"), "unable to determine ABI");
  static const char *malformed[] = {"", "10", "a.b", "10.", ".0", "10.0.1", "10.70000", "10.-1", "10.0 "};
  for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
    char text[1024];
    snprintf(text, sizeof text, "(module (import \"spacetime_%s\" \"x\" (func)) " WAT_MEMORY ")", malformed[i]);
    expect_message(compile_only(text), "malformed version string");
  }
}

TEST(exports_must_be_there_with_their_types) {
  expect_message(compile_only("(module " WAT_IMPORT_LOG WAT_DESCRIBE WAT_REDUCER("(i32.const 0)") ")"),
                 "a memory export called \"memory\"");
  expect_message(compile_only("(module " WAT_IMPORT_LOG WAT_MEMORY WAT_REDUCER("(i32.const 0)") ")"),
                 "a function called \"__describe_module__\"");
  expect_message(compile_only("(module " WAT_IMPORT_LOG WAT_MEMORY WAT_DESCRIBE ")"), "a function called \"__call_reducer__\"");
  expect_message(compile_only("(module " WAT_IMPORT_LOG WAT_MEMORY WAT_DESCRIBE "(func (export \"__call_reducer__\")))"),
                 "bad call_reducer signature for \"__call_reducer__\"; expected (func (param i32 i64 i64 i64 i64 i64 i64 i64 i32 i32) "
                 "(result i32)) got (func)");
  expect_message(compile_only(WAT_MODULE("(func (export \"__preinit__x\") (param i32))", "(i32.const 0)")),
                 "bad preinit signature for \"x\"; expected (func) got (func (param i32))");
  expect_message(compile_only(WAT_MODULE("(func (export \"__setup__\"))", "(i32.const 0)")), "bad setup signature");
  expect_message(compile_only(WAT_MODULE("(func (export \"__call_view__\"))", "(i32.const 0)")), "bad call_view signature");
  expect_ok(compile_only(WAT_MODULE("(func (export \"_initialize\") (param i32))", "(i32.const 0)")));
}

/* One name, two types: crates before 2.14 and since. */
TEST(both_types_of_http_handlers_are_accepted) {
  expect_ok(compile_only(
      WAT_MODULE("(func (export \"__call_http_handler__\") (param i32 i64 i32 i32 i32 i32) (result i32) (i32.const 0))", "(i32.const 0)")));
  expect_ok(compile_only(
      WAT_MODULE("(func (export \"__call_http_handler__\") (param i32 i64 i64 i64 i64 i32 i64 i32 i32 i32 i32) (result i32) (i32.const 0))",
                 "(i32.const 0)")));
  expect_message(compile_only(WAT_MODULE("(func (export \"__call_http_handler__\") (param i32 i64 i32 i32 i32) (result i32) (i32.const 0))",
                                         "(i32.const 0)")),
                 "bad call_http_handler signature");
}

/* More than the size from which baseline code is worth it, as one data segment; `body` is the reducer's. */
static lc_buf large_module(const char *fields, const char *body) {
  lc_buf text = {0};
  lc_buf_printf(&text, "(module " WAT_IMPORT_LOG "(memory (export \"memory\") 16)" WAT_DESCRIBE " %s (data (i32.const 4096) \"", fields);
  for (int i = 0; i < 600 * 1024; i++) lc_buf_put8(&text, (uint8_t)('a' + i % 26));
  lc_buf_printf(&text, "\") (func (export \"__call_reducer__\") " WAT_REDUCER_TYPE " %s))", body);
  lc_buf wasm = wat_to_wasm(lc_buf_cstr(&text));
  lc_buf_deinit(&text);
  return wasm;
}

static lc_code_tier tier_of(lc_span wasm, lc_code_tier wanted) {
  lc_program *program;
  expect_ok(lc_program_compile(wasm, wanted, &program));
  lc_code_tier tier = lc_program_tier(program);
  fixture fx;
  fixture_init(&fx);
  lc_instance *instance;
  expect_ok(lc_instance_create(program, &fx.services, NULL, &instance));
  expect_ok(call_reducer(&fx, instance, (lc_span){0}, NULL));
  lc_instance_destroy(instance);
  lc_program_unref(program);
  fixture_deinit(&fx);
  return tier;
}

TEST(baseline_code_is_for_large_modules_and_falls_back_where_it_is_refused) {
  expect_ok(lc_host_init(NULL));
  lc_buf small = wat_to_wasm(WAT_MODULE("", "(i32.const 0)"));
  expect_equal(tier_of(lc_buf_span(&small), LC_TIER_BASELINE), LC_TIER_OPTIMISED);
  lc_buf large = large_module("", "(i32.const 0)");
  expect_equal(tier_of(lc_buf_span(&large), LC_TIER_BASELINE), LC_TIER_BASELINE);
  expect_equal(tier_of(lc_buf_span(&large), LC_TIER_OPTIMISED), LC_TIER_OPTIMISED);
  lc_buf tail = large_module("(func $zero (result i32) (i32.const 0))", "(return_call $zero)");
  expect_equal(tier_of(lc_buf_span(&tail), LC_TIER_BASELINE), LC_TIER_OPTIMISED);
  lc_buf_deinit(&small);
  lc_buf_deinit(&large);
  lc_buf_deinit(&tail);
  lc_host_deinit();
}
