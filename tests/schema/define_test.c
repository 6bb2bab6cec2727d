/*
 * Definitions byte by byte: the worked examples of module-abi 8, and rules for which no recording exists (environment, outboxes,
 * namespaces, view parameters, hostile input).
 */
#include "harness.h"
#include "schema/module_def.h"

/* Hex with spaces, and text in double quotes. */
static void put_bytes(lc_buf *to, const char *text) {
  while (*text) {
    if (*text == ' ') {
      text++;
    } else if (*text == '"') {
      const char *end = strchr(text + 1, '"');
      lc_buf_append(to, text + 1, (size_t)(end - text - 1));
      text = end + 1;
    } else {
      expect(lc_hex_decode(lc_buf_extend(to, 1), 1, (lc_str){text, 2}));
      text += 2;
    }
  }
}

static lc_module_def *decode_good(const char *bytes, size_t expected_len) {
  lc_buf buf = {0}, errors = {0};
  lc_module_def *def = NULL;
  put_bytes(&buf, bytes);
  if (expected_len) expect_equal(buf.len, expected_len);
  lc_err err = lc_module_def_decode(lc_buf_span(&buf), &def, &errors);
  if (lc_failed(err)) lc_test_fail("%s\n%s", lc_err_text(err), lc_buf_cstr(&errors));
  lc_buf_deinit(&buf);
  lc_buf_deinit(&errors);
  return def;
}

static void expect_text_equal(lc_str actual, const char *expected) {
  if (!lc_str_is(actual, expected)) lc_test_fail("%.*s, expected %s", LC_STR_ARGS(actual), expected);
}

/* ------------------------------------------------------------------------------------------------ module-abi 8 */

#define PERSON_TABLE                                                                                                             \
  "06000000 \"person\" 00000000 01000000 0000 01000000 00 13000000 \"person_id_idx_btree\" 00 02000000 \"id\" 00 01000000 0000 " \
  "01000000 01 00 01000000 0000 01000000 01 0000 010101 01000000000000000000000000000000 01 00 00000000 00 "

TEST(example_8_1_of_version_10) {
  lc_module_def *def = decode_good(
      "02 05000000 "
      "00 01000000 02 02000000 00 02000000 \"id\" 0b 00 04000000 \"name\" 04 "
      "01 01000000 00000000 06000000 \"Person\" 00000000 01 "
      "03 01000000 03000000 \"add\" 01000000 00 04000000 \"name\" 04 01 02 00000000 04 "
      "0a 00000000 "
      "02 01000000 " PERSON_TABLE,
      0xcf);
  expect_equal(def->version, 10);
  expect_equal(def->table_count, 1);
  const lc_table_def *table = lc_module_def_table(def, LC_STR("person"));
  expect(table == &def->tables[0]);
  expect_equal(table->primary_key, 0);
  expect(table->is_public && !table->is_event && !table->is_system && table->schedule == NULL);
  expect_equal(table->column_count, 2);
  expect_text_equal(table->columns[1].name, "name");
  expect_text_equal(table->indexes[0].name, "person_id_idx_btree");
  expect_text_equal(table->indexes[0].accessor_name, "id");
  expect_text_equal(table->constraints[0].name, "person_id_key");
  expect_text_equal(table->sequences[0].name, "person_id_seq");
  expect_equal(def->reducer_count, 1);
  uint64_t id;
  expect(lc_map_get(&def->reducer_ids, LC_STR("add"), &id) && id == 0);
  expect(def->reducers[0].client_callable);
  expect_text_equal(def->types[0].name, "Person");
  /* http-api 16.4 shows the same module without its sequence. */
  lc_buf json = {0};
  lc_module_def_print_json(&json, def, 10);
  expect_text(
      lc_buf_cstr(&json),
      "{\"sections\":[{\"Typespace\":{\"types\":[{\"Product\":{\"elements\":[{\"name\":{\"some\":\"id\"},\"algebraic_type\":{\"U32\":[]}},{"
      "\"name\":{\"some\":\"name\"},\"algebraic_type\":{\"String\":[]}}]}}]}},"
      "{\"Types\":[{\"source_name\":{\"scope\":[],\"source_name\":\"Person\"},\"ty\":0,\"custom_ordering\":true}]},"
      "{\"Tables\":[{\"source_name\":\"person\",\"product_type_ref\":0,\"primary_key\":[0],"
      "\"indexes\":[{\"source_name\":{\"some\":\"person_id_idx_btree\"},\"accessor_name\":{\"some\":\"id\"},\"algorithm\":{\"BTree\":[0]}}]"
      ","
      "\"constraints\":[{\"source_name\":{\"some\":\"person_id_key\"},\"data\":{\"Unique\":{\"columns\":[0]}}}],"
      "\"sequences\":[{\"source_name\":{\"some\":\"person_id_seq\"},\"column\":0,\"start\":{\"none\":[]},\"min_value\":{\"none\":[]},\"max_"
      "value\":{\"none\":[]},\"increment\":1}],"
      "\"table_type\":{\"User\":[]},\"table_access\":{\"Public\":[]},\"default_values\":[],\"is_event\":false}]},"
      "{\"Reducers\":[{\"source_name\":\"add\",\"params\":{\"elements\":[{\"name\":{\"some\":\"name\"},\"algebraic_type\":{\"String\":[]}}]"
      "},"
      "\"visibility\":{\"ClientCallable\":[]},\"ok_return_type\":{\"Product\":{\"elements\":[]}},\"err_return_type\":{\"String\":[]}}]},"
      "{\"ExplicitNames\":{\"entries\":[{\"Table\":{\"source_name\":\"person\",\"canonical_name\":\"person\"}},{\"Function\":{\"source_"
      "name\":\"add\",\"canonical_name\":\"add\"}}]}}]}");
  lc_buf_deinit(&json);
  lc_module_def_destroy(def);
}

TEST(example_8_1b_of_version_10) {
  lc_module_def *def = decode_good(
      "02 05000000 "
      "00 01000000 02 02000000 00 02000000 \"id\" 0b 00 07000000 \"balance\" 0c "
      "01 01000000 00000000 07000000 \"Account\" 00000000 01 "
      "02 01000000 08000000 \"accounts\" 00000000 01000000 0000 01000000 00 15000000 \"accounts_id_idx_btree\" 00 02000000 \"id\" 00 "
      "01000000 0000 "
      "01000000 01 00 01000000 0000 00000000 01 00 00000000 00 "
      "0a 00000000 "
      "03 02000000 04000000 \"seed\" 02000000 00 01000000 \"n\" 0b 00 07000000 \"balance\" 0c 01 02 00000000 04 "
      "08000000 \"transfer\" 03000000 00 04000000 \"from\" 0b 00 02000000 \"to\" 0b 00 06000000 \"amount\" 0c 01 02 00000000 04",
      0x101);
  expect_equal(def->reducer_count, 2);
  expect_text_equal(def->reducers[1].name, "transfer");
  expect(def->reducers[1].params_layout->plain);
  expect_equal(def->reducers[1].params_layout->fixed_size, 16);
  expect(def->tables[0].layout->plain);
  expect_equal(def->tables[0].layout->fixed_size, 12);
  expect_equal(def->tables[0].sequence_count, 0);
  lc_module_def_destroy(def);
}

TEST(example_8_2_of_version_9) {
  lc_module_def *def = decode_good("01 00000000 00000000 01000000 04000000 \"noop\" 00000000 01 00000000 00000000 00000000", 38);
  expect_equal(def->version, 9);
  expect_equal(def->reducer_count, 1);
  expect_text_equal(def->reducers[0].name, "noop");
  expect_equal(def->reducers[0].lifecycle, LC_LIFECYCLE_NONE);
  lc_module_def_destroy(def);
}

/* ------------------------------------------------------------------------------------------------ rules without a recording */

/* Type &0 is `Row`, product { id: U64, to: Identity, at: ScheduleAt, n: I128 }. */
#define ROW_TYPE                                                                                                     \
  "00 01000000 02 04000000 00 02000000 \"id\" 0d 00 02000000 \"to\" 02 01000000 00 0c000000 \"__identity__\" 11 "    \
  "00 02000000 \"at\" 01 02000000 00 08000000 \"Interval\" 02 01000000 00 18000000 \"__time_duration_micros__\" 0c " \
  "00 04000000 \"Time\" 02 01000000 00 25000000 \"__timestamp_micros_since_unix_epoch__\" 0c 00 01000000 \"n\" 0e "  \
  "01 01000000 00000000 03000000 \"Row\" 00000000 01 "
/* Table `t` of that row with primary key `id`; no sequences, public. */
#define TABLE_T(event)                                                                                                             \
  "02 01000000 01000000 \"t\" 00000000 01000000 0000 01000000 00 01000000 \"x\" 01 00 01000000 0000 01000000 01 00 01000000 0000 " \
  "00000000 01 00 00000000 " event " "

static void expect_invalid(const char *bytes, const char *message) {
  lc_buf buf = {0}, errors = {0};
  lc_module_def *def;
  put_bytes(&buf, bytes);
  lc_err err = lc_module_def_decode(lc_buf_span(&buf), &def, &errors);
  if (err.code != LC_ERR_MODULE_INVALID) lc_test_fail("%s (expected %s)", lc_failed(err) ? lc_err_text(err) : "accepted", message);
  if (!strstr(lc_buf_cstr(&errors), message)) lc_test_fail("%s\nexpected %s", lc_buf_cstr(&errors), message);
  lc_buf_deinit(&buf);
  lc_buf_deinit(&errors);
}

TEST(environment_declarations) {
  lc_module_def *def = decode_good(
      "02 01000000 0f 02000000 04000000 \"MODE\" 02 03000000 01000000 \"b\" 01000000 \"a\" 01000000 \"b\" 00 02000000 \"K1\" 00 01", 0);
  expect_equal(def->environment_count, 2);
  expect(def->environment[0].required && !def->environment[1].required);
  expect_equal(def->environment[0].literal_count, 2); /* a set */
  expect_text_equal(def->environment[0].literals[0], "a");
  lc_module_def_destroy(def);
  lc_module_def_destroy(decode_good("02 01000000 0f 00000000", 0));
  expect_invalid("02 01000000 0f 01000000 02000000 \"1K\" 00 01", "invalid name");
  expect_invalid("02 01000000 0f 01000000 01000000 \"K\" 02 00000000 01", "allowed values");
  expect_invalid("02 01000000 0f 02000000 01000000 \"K\" 00 01 01000000 \"K\" 00 01", "more than once");
  expect_invalid("02 01000000 0e 01000000 03000000 \"lib\" 01000000 0f 01000000 01000000 \"K\" 00 01", "only the root module");
}

#define HASH "0000000000000000000000000000000000000000000000000000000000000000 "
#define OUTBOX(target) "10 01000000 01000000 \"t\" 07000000 \"lib.add\" " target " 01000000 0300 01 " HASH

TEST(outboxes) {
  lc_module_def *def = decode_good("02 04000000 " ROW_TYPE TABLE_T("00") OUTBOX("0100"), 0);
  expect_equal(def->outbox_count, 1);
  expect_equal(def->outboxes[0].table, 0);
  expect_equal(def->outboxes[0].target_column, 1);
  expect_equal(def->outboxes[0].on_result, -1);
  lc_module_def_destroy(def);
  expect_invalid("02 04000000 " ROW_TYPE TABLE_T("00") OUTBOX("0000"), "no target column 0");
  expect_invalid("02 04000000 " ROW_TYPE TABLE_T("00") OUTBOX("0300"), "no target column 3");
  expect_invalid("02 04000000 " ROW_TYPE TABLE_T("01") OUTBOX("0100"), "event table");
  expect_invalid("02 01000000 " OUTBOX("0100"), "does not exist");
}

TEST(scheduled_event_tables_are_refused) {
  static const char reducer[] = "03 01000000 04000000 \"tick\" 01000000 00 03000000 \"row\" 00 00000000 01 02 00000000 04 ";
  static const char schedule[] = "06 01000000 01 01000000 \"t\" 0200 04000000 \"tick\" ";
  char text[4096];
  snprintf(text, sizeof text, "02 05000000 " ROW_TYPE TABLE_T("00") "%s%s", reducer, schedule);
  lc_module_def *def = decode_good(text, 0);
  expect(def->tables[0].schedule != NULL);
  expect_equal(def->tables[0].schedule->function, 0);
  expect_equal(def->tables[0].schedule->id_column, 0);
  expect_equal(def->tables[0].schedule->at_column, 2);
  expect_text_equal(def->tables[0].schedule->name, "t_sched");
  expect(!def->reducers[0].client_callable);
  lc_module_def_destroy(def);
  snprintf(text, sizeof text, "02 05000000 " ROW_TYPE TABLE_T("01") "%s%s", reducer, schedule);
  expect_invalid(text, "event table");
}

TEST(namespaces_are_converted_for_names_and_kept_for_aliases) {
  lc_module_def *def = decode_good("02 01000000 0e 01000000 05000000 \"myLib\" 04000000 " ROW_TYPE TABLE_T(
                                       "00") "03 01000000 05000000 \"doSth\" 00000000 01 02 00000000 04 ",
                                   0);
  expect(def->has_submodules);
  expect_equal(def->module_count, 2);
  expect_text_equal(def->tables[0].name, "my_lib.t");
  expect_text_equal(def->tables[0].source_name, "myLib.t");
  expect_text_equal(def->tables[0].indexes[0].name, "my_lib.t_id_idx_btree");
  expect_text_equal(def->tables[0].indexes[0].source_name, "myLib.x");
  expect_text_equal(def->reducers[0].name, "my_lib.do_sth");
  lc_module_def_destroy(def);
  def = decode_good(
      "02 02000000 0a 01000000 03 05000000 \"myLib\" 01000000 \"L\" 0e 01000000 05000000 \"myLib\" 03000000 " ROW_TYPE TABLE_T("00"), 0);
  expect_text_equal(def->tables[0].name, "L.t");
  lc_module_def_destroy(def);
  expect_invalid("02 01000000 0e 02000000 05000000 \"myLib\" 00000000 06000000 \"my_lib\" 00000000", "used more than once");
}

TEST(submodule_ids_run_through_the_root_first_and_depth_first) {
  /* root: r; submodule a: ra, with a submodule b: rb; submodule c: rc. Views of a: index 0 anonymous, after the root's one. */
#define REDUCER(name) "03 01000000 02000000 \"" name "\" 00000000 01 02 00000000 04 "
  lc_module_def *def = decode_good("02 02000000 " REDUCER("rr") "0e 02000000 "
                                   "01000000 \"a\" 02000000 " REDUCER("ra") "0e 01000000 01000000 \"b\" 01000000 " REDUCER("rb")
                                   "01000000 \"c\" 01000000 " REDUCER("rc"), 0);
  static const char *const names[] = {"rr", "a.ra", "a.b.rb", "c.rc"};
  expect_equal(def->reducer_count, 4);
  for (uint32_t i = 0; i < 4; i++) {
    uint64_t id;
    expect(lc_map_get(&def->reducer_ids, lc_str_of(names[i]), &id) && id == i);
  }
  expect_equal(def->modules[2].parent, 1);
  expect_equal(def->modules[3].parent, 0);
  lc_module_def_destroy(def);
}

TEST(views_with_parameters) {
  static const char view[] = "05 01000000 01000000 \"v\" 00000000 01 01 01000000 00 01000000 \"a\" %s 03 00 00000000 ";
  char text[2048], part[256];
  snprintf(part, sizeof part, view, "0b");
  snprintf(text, sizeof text, "02 03000000 " ROW_TYPE "%s", part);
  lc_module_def *def = decode_good(text, 0);
  expect_equal(def->views[0].column_count, 4);
  expect_equal(def->views[0].primary_key_count, 0);
  lc_module_def_destroy(def);
  snprintf(part, sizeof part, view, "13");
  snprintf(text, sizeof text, "02 03000000 " ROW_TYPE "%s", part);
  expect_invalid(text, "floating point parameter");
  snprintf(part, sizeof part, view, "0b");
  snprintf(text, sizeof text, "02 04000000 " ROW_TYPE "%s 0d 01000000 01000000 \"v\" 01000000 02000000 \"id\"", part);
  expect_invalid(text, "cannot have one");
}

TEST(sums_of_256_variants_are_accepted) {
  lc_buf buf = {0}, errors = {0};
  put_bytes(&buf, "02 02000000 00 01000000 01 00010000");
  for (int i = 0; i < 256; i++) {
    char name[8];
    snprintf(name, sizeof name, "v%d", i);
    lc_buf_put8(&buf, 0);
    lc_buf_put_sized(&buf, name, strlen(name));
    lc_buf_put8(&buf, 7);
  }
  put_bytes(&buf, "01 01000000 00000000 01000000 \"E\" 00000000 01");
  lc_module_def *def;
  expect_ok(lc_module_def_decode(lc_buf_span(&buf), &def, &errors));
  expect_equal(def->typespace.types[0]->field_count, 256);
  lc_module_def_destroy(def);
  lc_buf_deinit(&buf);
  lc_buf_deinit(&errors);
}

TEST(all_errors_are_reported_together) {
  lc_buf buf = {0}, errors = {0};
  put_bytes(&buf,
            "02 01000000 03 03000000 "
            "01000000 \"1\" 00000000 01 02 00000000 04 "
            "01000000 \"a\" 00000000 01 0b 04 "
            "01000000 \"a\" 01000000 01 0b 01 02 00000000 04");
  lc_module_def *def;
  expect_error(lc_module_def_decode(lc_buf_span(&buf), &def, &errors), LC_ERR_MODULE_INVALID);
  const char *text = lc_buf_cstr(&errors);
  expect(strstr(text, "starting character '1'") && strstr(text, "found Result<U32, String>") && strstr(text, "used for multiple") &&
         strstr(text, "require names"));
  lc_buf_deinit(&buf);
  lc_buf_deinit(&errors);
}

TEST(definitions_of_version_8_and_garbage_are_refused) {
  lc_buf errors = {0};
  lc_module_def *def;
  lc_err err = lc_module_def_decode((lc_span){(const uint8_t *)"\0\0\0\0\0", 5}, &def, &errors);
  expect_equal(err.code, LC_ERR_MODULE_DEF);
  expect(strstr(lc_err_text(err), "crate `spacetimedb`") != NULL);
  err = lc_module_def_decode((lc_span){(const uint8_t *)"\3", 1}, &def, &errors);
  expect_text(lc_err_text(err), "unknown tag 0x3 for sum type RawModuleDef");
  err = lc_module_def_decode((lc_span){(const uint8_t *)"\2\1\0\0\0\xc8", 6}, &def, &errors);
  expect_equal(err.code, LC_ERR_MODULE_DEF);
  expect_equal(errors.len, 0);
  lc_buf_deinit(&errors);
}

TEST(submodules_are_not_nested_without_bound) {
  lc_buf buf = {0}, errors = {0};
  put_bytes(&buf, "02");
  for (int i = 0; i < 5000; i++) put_bytes(&buf, "01000000 0e 01000000 01000000 \"a\"");
  put_bytes(&buf, "00000000");
  lc_module_def *def;
  expect_error(lc_module_def_decode(lc_buf_span(&buf), &def, &errors), LC_ERR_MODULE_DEF);
  lc_buf_deinit(&buf);
  lc_buf_deinit(&errors);
}
