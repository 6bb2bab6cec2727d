/*
 * Imports that the recordings of tests/vectors/abi do not show: env_get (module-abi 3.11), the closed table st_env (3.7), tokens (3.9),
 * the errno of a schedule that is too far away (3.7).
 */
#include "host_fixture.h"

static bool env_value(void *database, lc_str key, lc_str *value) {
  if (lc_str_is(key, "EMPTY"))
    *value = LC_STR("");
  else if (lc_str_is(key, "GREETING"))
    *value = LC_STR("hi\0you");
  else
    return false;
  return true;
}

static const lc_module_def *env_def(void *database) {
  return ((fixture *)database)->def;
}

static bool any_jwt(void *database, lc_connection_id connection, lc_str *payload) {
  *payload = LC_STR("{}");
  return connection.low == 7;
}

static lc_buf scheduled_name, scheduled_arguments;
static void schedule_immediate(void *database, lc_str function, lc_span arguments) {
  lc_buf_put_str(&scheduled_name, function);
  lc_buf_put_span(&scheduled_arguments, arguments);
}

static lc_environment_def declared[] = {{.name = LC_STR("EMPTY")},
                                        {.name = LC_STR("GREETING"), .required = true},
                                        {.name = LC_STR("OPTIONAL")},
                                        {.name = LC_STR("REQUIRED"), .required = true}};

static void open_fixture(fixture *fx) {
  expect_ok(lc_host_init(NULL));
  fixture_init(fx);
  fx->def->environment = declared;
  fx->def->environment_count = sizeof declared / sizeof *declared;
  fx->services.env = env_value;
  fx->services.def = env_def;
  fx->services.jwt = any_jwt;
  fx->services.schedule_immediate = schedule_immediate;
}

static void close_fixture(fixture *fx) {
  fixture_deinit(fx);
  lc_host_deinit();
}

#define IMPORTS                                                                                                          \
  "(module (import \"spacetime_10.6\" \"env_get\" (func $env (param i32 i32 i32) (result i32)))"                         \
  "(import \"spacetime_10.2\" \"get_jwt\" (func $jwt (param i32 i32) (result i32)))"                                     \
  "(import \"spacetime_10.0\" \"bytes_source_read\" (func $read (param i32 i32 i32) (result i32)))"                      \
  "(import \"spacetime_10.1\" \"bytes_source_remaining_length\" (func $left (param i32 i32) (result i32)))"              \
  "(import \"spacetime_10.0\" \"table_id_from_name\" (func $table (param i32 i32 i32) (result i32)))"                    \
  "(import \"spacetime_10.0\" \"index_id_from_name\" (func $index (param i32 i32 i32) (result i32)))"                    \
  "(import \"spacetime_10.0\" \"datastore_table_row_count\" (func $count (param i32 i32) (result i32)))"                 \
  "(import \"spacetime_10.0\" \"datastore_table_scan_bsatn\" (func $scan (param i32 i32) (result i32)))"                 \
  "(import \"spacetime_10.0\" \"datastore_insert_bsatn\" (func $insert (param i32 i32 i32) (result i32)))"               \
  "(import \"spacetime_10.0\" \"datastore_update_bsatn\" (func $update (param i32 i32 i32 i32) (result i32)))"           \
  "(import \"spacetime_10.0\" \"datastore_delete_all_by_eq_bsatn\" (func $delete (param i32 i32 i32 i32) (result i32)))" \
  "(import \"spacetime_10.4\" \"datastore_index_scan_point_bsatn\" (func $point (param i32 i32 i32 i32) (result i32)))"  \
  "(import \"spacetime_10.5\" \"datastore_clear\" (func $clear (param i32 i32) (result i32)))"                           \
  "(import \"spacetime_10.0\" \"volatile_nonatomic_schedule_immediate\" (func $later (param i32 i32 i32 i32)))" WAT_MEMORY

/* What the reducer's body leaves on the stack, as an errno; a trap fails the test. */
static int errno_of(fixture *fx, const char *data, const char *body) {
  lc_buf text = {0};
  lc_buf_printf(&text,
                IMPORTS WAT_DESCRIBE "(data (i32.const 64) \"%s\") (func (export \"__call_reducer__\") " WAT_REDUCER_TYPE
                                     " (i32.add (i32.const 1000) %s)))",
                data, body);
  lc_err err = run_wat(fx, lc_buf_cstr(&text));
  lc_buf_deinit(&text);
  int code;
  if (err.code != LC_ERR_TRAP || sscanf(lc_err_text(err), "__call_reducer__ returned the unknown code %d", &code) != 1)
    lc_test_fail("%s: %s", body, lc_err_text(err));
  return code - 1000;
}

static lc_err trap_of(fixture *fx, const char *data, const char *body) {
  lc_buf text = {0};
  lc_buf_printf(&text, IMPORTS WAT_DESCRIBE "(data (i32.const 64) \"%s\") (func (export \"__call_reducer__\") " WAT_REDUCER_TYPE " %s))",
                data, body);
  lc_err err = run_wat(fx, lc_buf_cstr(&text));
  lc_buf_deinit(&text);
  return err;
}

#define ENV(len) "(call $env (i32.const 64) (i32.const " #len ") (i32.const 16))"

TEST(env_get_checks_the_key_first) {
  fixture fx;
  open_fixture(&fx);
  expect_equal(errno_of(&fx, "", "(call $env (i32.const -16) (i32.const 0) (i32.const 16))"), 1); /* before the pointer is looked at */
  expect_equal(errno_of(&fx, "", "(call $env (i32.const -16) (i32.const 257) (i32.const 16))"), 1);
  expect_equal(errno_of(&fx, "1A", ENV(2)), 1);
  expect_equal(errno_of(&fx, "A-B", ENV(3)), 1);
  expect_message(trap_of(&fx, "A\\ff", ENV(2)), "not valid UTF-8");
  expect_message(trap_of(&fx, "", "(call $env (i32.const -16) (i32.const 4) (i32.const 16))"), "outside of its memory");
  expect_message(trap_of(&fx, "OTHER", ENV(5)), "does not declare `OTHER`");
  expect_message(trap_of(&fx, "REQUIRED", ENV(8)), "`REQUIRED` is required but has no value");
  close_fixture(&fx);
}

/* 0 means "no value"; an empty value is a source all the same. */
TEST(env_get_tells_empty_from_absent) {
  fixture fx;
  open_fixture(&fx);
  expect_equal(errno_of(&fx, "OPTIONAL", "(i32.add " ENV(8) "(i32.load (i32.const 16)))"), 0);
  expect_equal(errno_of(&fx, "EMPTY", "(i32.add " ENV(5) "(i32.load (i32.const 16)))"), 1);
  expect_equal(
      errno_of(
          &fx, "EMPTY",
          "(drop " ENV(
              5) ") (i32.store (i32.const 20) (i32.const 9)) "
                 "(i32.mul (call $read (i32.const 1) (i32.const 1024) (i32.const 20)) (i32.add (i32.load (i32.const 20)) (i32.const 1)))"),
      -1);
  expect_equal(errno_of(&fx, "GREETING", "(drop " ENV(8) ") (drop (call $left (i32.const 1) (i32.const 20))) (i32.load (i32.const 20))"),
               6); /* NUL included */
  close_fixture(&fx);
}

/* The 257th unread source is refused; reading one makes room. */
TEST(env_get_stops_at_256_unread_sources) {
  fixture fx;
  open_fixture(&fx);
#define FILL                       \
  "(local $i i32) (loop (if " ENV( \
      5) " (then unreachable)) (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 256))))"
  lc_buf text = {0};
  lc_buf_put_text(
      &text, IMPORTS WAT_DESCRIBE "(data (i32.const 64) \"EMPTY\")" WAT_REDUCER(FILL "(if (i32.ne " ENV(
                 5) " (i32.const 9)) (then unreachable)) (drop (call $read (i32.const 3) (i32.const 1024) (i32.const 16))) " ENV(5)) ")");
  expect_ok(run_wat(&fx, lc_buf_cstr(&text)));
  lc_buf_clear(&text);
  lc_buf_put_text(&text, IMPORTS WAT_DESCRIBE "(data (i32.const 64) \"EMPTY\")" WAT_REDUCER(
                             FILL "(i32.store (i32.const 32) (i32.const 7)) (call $jwt (i32.const 32) (i32.const 16))") ")");
  expect_message(run_wat(&fx, lc_buf_cstr(&text)), "byte sources are still unread");
  lc_buf_deinit(&text);
  close_fixture(&fx);
}

TEST(env_get_needs_a_call) {
  fixture fx;
  open_fixture(&fx);
  lc_instance *instance;
  lc_err err =
      start_wat(&fx,
                IMPORTS WAT_DESCRIBE
                "(data (i32.const 64) \"EMPTY\") (func (export \"__preinit__x\") (drop " ENV(5) "))" WAT_REDUCER("(i32.const 0)") ")",
                &instance);
  expect_message(err, "only a function that the host has called");
  close_fixture(&fx);
}

TEST(the_environment_table_is_closed_to_modules) {
  fixture fx;
  open_fixture(&fx);
  lc_table *env = lc_store_table(fx.store, LC_ST_ENV);
  expect(env != NULL && lc_table_index_count(env) > 0);
  lc_index *index = lc_table_index(env, 0);
  char data[128], body[160];
  expect_equal(errno_of(&fx, "st_env", "(call $table (i32.const 64) (i32.const 6) (i32.const 16))"), 4);
  lc_str name = lc_index_def_of(index)->name;
  snprintf(data, sizeof data, "%.*s", LC_STR_ARGS(name));
  snprintf(body, sizeof body, "(call $index (i32.const 64) (i32.const %zu) (i32.const 16))", name.len);
  expect_equal(errno_of(&fx, data, body), 5);
  static const char *const by_table[] = {"(call $count (i32.const 21) (i32.const 16))",
                                         "(call $scan (i32.const 21) (i32.const 16))",
                                         "(call $insert (i32.const 21) (i32.const 1024) (i32.const 16))",
                                         "(call $clear (i32.const 21) (i32.const 16))",
                                         "(call $update (i32.const 21) (i32.const 30) (i32.const 1024) (i32.const 16))",
                                         "(call $delete (i32.const 21) (i32.const 1024) (i32.const 4) (i32.const 16))"};
  for (size_t i = 0; i < sizeof by_table / sizeof *by_table; i++) expect_equal(errno_of(&fx, "", by_table[i]), 4);
  snprintf(body, sizeof body, "(call $point (i32.const %u) (i32.const 1024) (i32.const 4) (i32.const 16))", lc_index_id(index));
  expect_equal(errno_of(&fx, "", body), 4);
  close_fixture(&fx);
}

TEST(an_immediate_schedule_reaches_the_database) {
  fixture fx;
  open_fixture(&fx);
  expect_ok(run_wat(&fx, IMPORTS WAT_DESCRIBE "(data (i32.const 64) \"otherabc\") (func (export \"__call_reducer__\") " WAT_REDUCER_TYPE
                                              "(call $later (i32.const 64) (i32.const 5) (i32.const 69) (i32.const 3)) (i32.const 0)))"));
  expect_text(lc_buf_cstr(&scheduled_name), "other");
  expect_bytes(scheduled_arguments.data, scheduled_arguments.len, "abc", 3);
  lc_buf_deinit(&scheduled_name);
  lc_buf_deinit(&scheduled_arguments);
  close_fixture(&fx);
}

/* Names, tables, sources and the rest outside of a transaction: errno 2, never a crash. */
TEST(start_up_code_has_no_transaction) {
  fixture fx;
  open_fixture(&fx);
  lc_instance *instance;
  expect_ok(start_wat(
      &fx,
      IMPORTS WAT_DESCRIBE
      "(func $is2 (param i32) (if (i32.ne (local.get 0) (i32.const 2)) (then unreachable)))"
      "(func (export \"__preinit__x\") (call $is2 (call $table (i32.const 64) (i32.const 0) (i32.const 16))) (call $is2 (call $count "
      "(i32.const 4096) (i32.const 16)))"
      "(call $is2 (call $insert (i32.const 4096) (i32.const 64) (i32.const 16))) (call $is2 (call $clear (i32.const 4096) (i32.const 16)))"
      "(call $is2 (call $jwt (i32.const 64) (i32.const 16))))" WAT_REDUCER("(i32.const 0)") ")",
      &instance));
  lc_instance_destroy(instance);
  close_fixture(&fx);
}

static lc_err_code schedule_answer;
static int schedule_count;
static lc_err schedule_row(void *database, lc_table *table, lc_row row) {
  schedule_count++;
  return lc_error(schedule_answer);
}

/* The row of a scheduled table arms its timer; a delay that is too long is errno 13, with the row inserted. */
TEST(rows_of_scheduled_tables_arm_timers) {
  fixture fx;
  open_fixture(&fx);
  fx.services.schedule_row = schedule_row;
  lc_schedule_def schedule = {.name = LC_STR("s"), .function_name = LC_STR("seed")};
  lc_table_def def = fx.def->tables[0];
  def.name = def.source_name = LC_STR("timers");
  def.schedule = &schedule;
  lc_index_def index = def.indexes[0];
  index.name = index.source_name = LC_STR("timers_id_idx_btree");
  def.indexes = &index;
  lc_constraint_def constraint = def.constraints[0];
  constraint.name = LC_STR("timers_id_key");
  def.constraints = &constraint;
  lc_table *table;
  const lc_delta *delta;
  lc_store_begin(fx.store);
  expect_ok(lc_store_create_table(fx.store, &def, &table));
  lc_store_commit(fx.store, &delta);
  char body[300];
  snprintf(body, sizeof body, "(i32.store (i32.const 16) (i32.const 12)) (call $insert (i32.const %u) (i32.const 1024) (i32.const 16))",
           lc_table_id(table));
  schedule_answer = LC_ERR_TOO_LARGE;
  expect_equal(errno_of(&fx, "", body), 13);
  schedule_answer = LC_OK;
  expect_equal(errno_of(&fx, "", body), 0);
  expect_equal(schedule_count, 2);
  schedule_answer = LC_ERR_INTERNAL;
  expect_message(trap_of(&fx, "", body), "the row's schedule");
  close_fixture(&fx);
}

/* An instance that takes the place of a dead one starts inside the transaction of the failed call: that is not its transaction. */
TEST(start_up_code_has_no_part_in_an_open_transaction) {
  fixture fx;
  open_fixture(&fx);
  lc_instance *instance;
  lc_store_begin(fx.store);
  expect_ok(start_wat(&fx,
                      IMPORTS WAT_DESCRIBE "(func (export \"__preinit__x\") (if (i32.ne (call $clear (i32.const 4096) (i32.const 16)) "
                                           "(i32.const 2)) (then unreachable)))" WAT_REDUCER("(i32.const 0)") ")",
                      &instance));
  lc_store_abort(fx.store);
  lc_instance_destroy(instance);
  close_fixture(&fx);
}

/* Tables that describe the schema: the import answers as the reference's does, and the call fails when it is over. */
TEST(a_call_cannot_change_the_catalogue) {
  fixture fx;
  open_fixture(&fx);
#define ROW "\\28\\23\\00\\00\\02\\00\\00\\00zz\\04\\00\\00\\00user\\06\\00\\00\\00public\\01"
  static const char insert[] = "(i32.store (i32.const 16) (i32.const 29)) (call $insert (i32.const 1) (i32.const 64) (i32.const 16))";
  expect_equal(errno_of(&fx, ROW, insert), 0); /* abi probe "insert into st_table" */
  lc_buf text = {0}, message = {0};
  static const char *const changes[] = {insert, "(call $clear (i32.const 3) (i32.const 16))", "(call $clear (i32.const 6) (i32.const 16))",
                                        "(call $clear (i32.const 9) (i32.const 16))"};
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
    lc_buf_clear(&text);
    lc_buf_clear(&message);
    lc_buf_printf(&text,
                  IMPORTS WAT_DESCRIBE "(data (i32.const 64) \"" ROW "\") (func (export \"__call_reducer__\") " WAT_REDUCER_TYPE " %s))",
                  changes[i]);
    lc_instance *instance;
    expect_ok(start_wat(&fx, lc_buf_cstr(&text), &instance));
    expect_error(call_reducer(&fx, instance, (lc_span){0}, &message), LC_ERR_USER);
    expect(strstr(lc_buf_cstr(&message), "it can only be changed by publishing") != NULL);
    expect(!lc_instance_is_dead(instance));
    lc_instance_destroy(instance);
    expect_ok(lc_store_check(fx.store));
  }
  expect_null(lc_store_table_by_name(fx.store, LC_STR("zz")));
  lc_buf_clear(&text);
  lc_buf_put_text(&text, IMPORTS WAT_DESCRIBE WAT_REDUCER("(call $clear (i32.const 7) (i32.const 16))") ")");
  expect_ok(run_wat(&fx, lc_buf_cstr(&text))); /* st_client only says who is there */
  lc_buf_deinit(&text);
  lc_buf_deinit(&message);
  close_fixture(&fx);
}
