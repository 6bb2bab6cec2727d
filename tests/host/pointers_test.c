/*
 * H1: a bad pointer to any import traps the guest and nothing else. Every pointer parameter of every import is tried with null, with an
 * address beyond memory and with a range that crosses its end, all other arguments being good.
 */
#include "host_fixture.h"

/* Per parameter: p pointer to the following length, o out pointer of 4 bytes or more, n length, v value. An upper-case letter is a pointer
 * that may be null. Values are those of a call that succeeds; `T` and `X` stand for table and index id. */
typedef struct import_case {
  int minor;
  const char *name, *kinds, *before; /* before: code that makes the arguments good */
  const char *arguments[9];
  enum { RESULT_I32, RESULT_NONE } result;
} import_case;

/* Memory: 1024 a row (7, 5), 1040 its length, 1044 "accounts", 1056 a relation of one row, 1072 the unbounded bound, 1076 a BSATN of the
 * key 7, 1080 scratch. */
#define OPEN_ITERATOR "(drop (call $scan (i32.const T) (i32.const 1084)))"
static const import_case cases[] = {
    {0, "table_id_from_name", "pno", "", {"1044", "8", "1080"}, RESULT_I32},
    {0, "index_id_from_name", "pno", "", {"1100", "21", "1080"}, RESULT_I32},
    {0, "datastore_table_row_count", "vo", "", {"T", "1080"}, RESULT_I32},
    {0, "datastore_table_scan_bsatn", "vo", "", {"T", "1080"}, RESULT_I32},
    {0, "datastore_index_scan_range_bsatn", "vpnvpnpno", "", {"X", "1024", "0", "0", "1072", "1", "1072", "1", "1080"}, RESULT_I32},
    {0, "datastore_btree_scan_bsatn", "vpnvpnpno", "", {"X", "1024", "0", "0", "1072", "1", "1072", "1", "1080"}, RESULT_I32},
    {0,
     "datastore_delete_by_index_scan_range_bsatn",
     "vpnvpnpno",
     "",
     {"X", "1024", "0", "0", "1072", "1", "1072", "1", "1080"},
     RESULT_I32},
    {0, "datastore_delete_by_btree_scan_bsatn", "vpnvpnpno", "", {"X", "1024", "0", "0", "1072", "1", "1072", "1", "1080"}, RESULT_I32},
    {0, "datastore_delete_all_by_eq_bsatn", "vpno", "", {"T", "1056", "16", "1080"}, RESULT_I32},
    {0, "datastore_insert_bsatn", "vpo", "", {"T", "1024", "1040"}, RESULT_I32},
    {0,
     "datastore_update_bsatn",
     "vvpo",
     "(drop (call $insert (i32.const T) (i32.const 1024) (i32.const 1040))) (i32.store (i32.const 1040) (i32.const 12))",
     {"T", "X", "1024", "1040"},
     RESULT_I32},
    {0, "row_iter_bsatn_advance", "vpo", OPEN_ITERATOR, {"1", "1200", "1040"}, RESULT_I32},
    {0, "row_iter_bsatn_close", "v", OPEN_ITERATOR, {"1"}, RESULT_I32},
    {0, "bytes_source_read", "vpo", "", {"1", "1200", "1040"}, RESULT_I32},
    {0, "bytes_sink_write", "vpo", "", {"1", "1024", "1040"}, RESULT_I32},
    {0, "console_timer_start", "pn", "", {"1044", "8"}, RESULT_I32},
    {0, "identity", "o", "", {"1200"}, RESULT_NONE},
    {0, "volatile_nonatomic_schedule_immediate", "pnpn", "", {"1044", "8", "1024", "12"}, RESULT_NONE},
    {1, "bytes_source_remaining_length", "vo", "", {"1", "1080"}, RESULT_I32},
    {2, "get_jwt", "oo", "", {"1200", "1080"}, RESULT_I32},
    {4, "datastore_index_scan_point_bsatn", "vpno", "", {"X", "1076", "4", "1080"}, RESULT_I32},
    {4, "datastore_delete_by_index_scan_point_bsatn", "vpno", "", {"X", "1076", "4", "1080"}, RESULT_I32},
    {5, "datastore_clear", "vo", "", {"T", "1080"}, RESULT_I32},
};

static void put_number(lc_buf *to, const fixture *fx, const char *text) {
  if (strcmp(text, "T") == 0)
    lc_buf_printf(to, "%u", fx->table_id);
  else if (strcmp(text, "X") == 0)
    lc_buf_printf(to, "%u", fx->index_id);
  else
    lc_buf_put_text(to, text);
}

static void put_code(lc_buf *to, const fixture *fx, const char *code) {
  for (; *code; code++) {
    if (*code == 'T')
      lc_buf_printf(to, "%u", fx->table_id);
    else
      lc_buf_put8(to, (uint8_t)*code);
  }
}

/* The module that calls `test` once with parameter `bad` (-1: none) replaced by `value`. */
static lc_buf module_of(const fixture *fx, const import_case *test, int bad, const char *value) {
  lc_buf text = {0};
  size_t arity = strlen(test->kinds);
  lc_buf_put_text(&text,
                  "(module (import \"spacetime_10.0\" \"datastore_table_scan_bsatn\" (func $scan (param i32 i32) (result i32)))"
                  "(import \"spacetime_10.0\" \"datastore_insert_bsatn\" (func $insert (param i32 i32 i32) (result i32)))");
  lc_buf_printf(&text, "(import \"spacetime_10.%d\" \"%s\" (func $test (param", test->minor, test->name);
  for (size_t i = 0; i < arity; i++) lc_buf_put_text(&text, " i32");
  lc_buf_put_text(&text, test->result == RESULT_I32 ? ") (result i32)))" : ")))");
  lc_buf_put_text(&text, WAT_MEMORY WAT_DESCRIBE
                  "(data (i32.const 1024) \"\\07\\00\\00\\00\\05\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\0c\\00\\00\\00accounts"
                  "\\00\\00\\00\\00\\01\\00\\00\\00\\07\\00\\00\\00\\05\\00\\00\\00\\00\\00\\00\\00\\02\\00\\00\\00\\07\\00\\00\\00\")"
                  "(data (i32.const 1100) \"accounts_id_idx_btree\")");
  lc_buf_put_text(&text, "(func (export \"__call_reducer__\") " WAT_REDUCER_TYPE);
  put_code(&text, fx, test->before);
  lc_buf_put_text(&text, "(call $test");
  for (size_t i = 0; i < arity; i++) {
    lc_buf_put_text(&text, "(i32.const ");
    put_number(&text, fx, (int)i == bad ? value : test->arguments[i]);
    lc_buf_put_text(&text, ")");
  }
  lc_buf_put_text(&text, test->result == RESULT_I32 ? ") drop" : ")");
  lc_buf_put_text(&text, "(i32.const 0)))");
  return text;
}

static lc_err run_case(fixture *fx, const import_case *test, int bad, const char *value) {
  lc_buf text = module_of(fx, test, bad, value);
  lc_instance *instance;
  expect_ok(start_wat(fx, lc_buf_cstr(&text), &instance));
  lc_err err = call_reducer(fx, instance, lc_span_of("args", 4), NULL);
  expect_equal(lc_instance_is_dead(instance), lc_failed(err));
  lc_instance_destroy(instance);
  lc_buf_deinit(&text);
  expect_ok(lc_store_check(fx->store));
  return err;
}

TEST(every_bad_pointer_traps) {
  fixture fx;
  expect_ok(lc_host_init(NULL));
  fixture_init(&fx);
  static const char *values[] = {"0", "-16", "65535", "65537"}; /* null, near 4 GiB, the last byte, just behind the end */
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const import_case *test = &cases[i];
    lc_err good = run_case(&fx, test, -1, NULL);
    if (lc_failed(good)) lc_test_fail("%s with good arguments: %s", test->name, lc_err_text(good));
    for (int parameter = 0; test->kinds[parameter]; parameter++) {
      if (test->kinds[parameter] != 'p' && test->kinds[parameter] != 'o') continue;
      if (strstr(test->name, "range") || strstr(test->name, "btree")) {
        if (parameter == 1) continue; /* without prefix columns the prefix is not looked at */
      }
      for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
        if (v == 2 && test->kinds[parameter] == 'p' && strcmp(test->arguments[parameter + 1], "1") == 0) continue; /* one byte fits there */
        lc_err err = run_case(&fx, test, parameter, values[v]);
        if (err.code != LC_ERR_TRAP) lc_test_fail("%s, parameter %d = %s: %s", test->name, parameter, values[v], lc_err_text(err));
        if (strstr(lc_err_text(err), "the module passed a") == NULL) lc_test_fail("%s: %s", test->name, lc_err_text(err));
      }
    }
  }
  fixture_deinit(&fx);
  lc_host_deinit();
}

/* console_log drops the record instead. */
TEST(console_log_drops_records_with_bad_pointers) {
  fixture fx;
  expect_ok(lc_host_init(NULL));
  fixture_init(&fx);
#define CALL_LOG(target, file, message)                                                                                                \
  "(call $log (i32.const 2) (i32.const " target ") (i32.const 9) (i32.const " file ") (i32.const 9) (i32.const 1) (i32.const " message \
  ") (i32.const 9))"
  expect_ok(run_wat(&fx, WAT_MODULE("", CALL_LOG("-16", "16", "16") CALL_LOG("16", "65530", "16") CALL_LOG("16", "16", "-1")
                                            CALL_LOG("16", "16", "0") "(i32.const 0)")));
  expect_equal(fx.log_count, 0);
  expect_ok(run_wat(&fx, WAT_MODULE("", CALL_LOG("0", "0", "16") "(i32.const 0)")));
  expect_equal(fx.log_count, 1);
  fixture_deinit(&fx);
  lc_host_deinit();
}
