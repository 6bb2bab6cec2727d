/*
 * Recorded definitions against this decoder (tests/vectors/schema): what was published is decoded and printed in both versions, what was
 * refused is refused, spellings are converted as recorded. status.tsv lists what is left out and why; everything else must pass.
 */
#include <jansson.h>

#include "harness.h"
#include "vectors.h"

/* ------------------------------------------------------------------------------------------------ comparing */

static int compare_dumps(const void *a, const void *b) {
  char *x = json_dumps(*(json_t *const *)a, JSON_SORT_KEYS | JSON_ENCODE_ANY),
       *y = json_dumps(*(json_t *const *)b, JSON_SORT_KEYS | JSON_ENCODE_ANY);
  int order = strcmp(x, y);
  free(x);
  free(y);
  return order;
}

/* The reference keeps these in hash maps, so their order says nothing. */
static bool is_unordered(const char *key) {
  static const char *const keys[] = {"Types",
                                     "types",
                                     "Tables",
                                     "tables",
                                     "indexes",
                                     "constraints",
                                     "sequences",
                                     "entries",
                                     "Schedules",
                                     "RowLevelSecurity",
                                     "row_level_security",
                                     "misc_exports",
                                     "LifeCycleReducers"};
  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
    if (strcmp(keys[i], key) == 0) return true;
  return false;
}

static void normalize(json_t *value, const char *key, const char *outer) {
  const char *name;
  json_t *part;
  size_t i;
  if (json_is_object(value)) {
    json_object_foreach(value, name, part) normalize(part, name, key);
  } else if (json_is_array(value)) {
    json_array_foreach(value, i, part) normalize(part, "", key);
    bool is_typespace = strcmp(key, "types") == 0 && (strcmp(outer, "Typespace") == 0 || strcmp(outer, "typespace") == 0);
    if (!is_unordered(key) || is_typespace) return;
    size_t count = json_array_size(value);
    json_t **items = calloc(count + 1, sizeof *items);
    for (i = 0; i < count; i++) items[i] = json_incref(json_array_get(value, i));
    qsort(items, count, sizeof *items, compare_dumps);
    for (i = 0; i < count; i++) json_array_set_new(value, i, items[i]);
    free(items);
  }
}

static void expect_json(const char *name, const lc_module_def *def, int version, json_t *recorded) {
  lc_buf text = {0};
  lc_module_def_print_json(&text, def, version);
  json_error_t error;
  json_t *printed = json_loadb((char *)text.data, text.len, 0, &error);
  if (printed == NULL) lc_test_fail("%s: printed V%d is no JSON: %s\n%s", name, version, error.text, lc_buf_cstr(&text));
  normalize(printed, "", "");
  normalize(recorded, "", "");
  if (!json_equal(printed, recorded)) {
    char *a = json_dumps(printed, JSON_INDENT(1)), *b = json_dumps(recorded, JSON_INDENT(1));
    size_t at = 0;
    while (a[at] == b[at]) at++;
    size_t from = at > 300 ? at - 300 : 0;
    lc_test_fail("%s V%d differs:\nprinted  …%.700s\nrecorded …%.700s", name, version, a + from, b + from);
  }
  json_decref(printed);
  lc_buf_deinit(&text);
}

/* ------------------------------------------------------------------------------------------------ tests */

static void replay_definition(const char *name) {
  if (vector_left_out(name, 0)) return;
  char path[512];
  snprintf(path, sizeof path, VECTORS "%s", name);
  json_error_t error;
  json_t *file = json_load_file(path, 0, &error);
  if (file == NULL) lc_test_fail("%s: %s", name, error.text);
  lc_module_def *def;
  lc_buf errors = {0};
  lc_err err = vector_decode(json_string_value(json_object_get(file, "describe_hex")), &def, &errors);
  if (lc_failed(err)) lc_test_fail("%s: %s\n%s", name, lc_err_text(err), lc_buf_cstr(&errors));
  expect_json(name, def, 9, json_object_get(file, "schema_v9"));
  expect_json(name, def, 10, json_object_get(file, "schema_v10"));
  lc_module_def_destroy(def);
  lc_buf_deinit(&errors);
  json_decref(file);
}

TEST(recorded_definitions_print_as_recorded) {
  static const char *const names[] = {"hand-abi.json",  "hand-policy-none.json", "hand-sql.json",     "hand-submodule.json",
                                      "hand-v8.json",   "hand-v9.json",          "rust-indexes.json", "rust-naming.json",
                                      "rust-rls.json",  "rust-sched.json",       "rust-types.json",   "rust-v9mod.json",
                                      "rust-views.json"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) replay_definition(names[i]);
}

static int wrong_verdicts;

static void replay_verdict(const char *name, int line, json_t *value) {
  if (vector_left_out(name, line)) return;
  bool accepted = strcmp(json_string_value(json_object_get(value, "text")), "accepted") == 0;
  lc_module_def *def = NULL;
  lc_buf errors = {0};
  lc_err err = vector_decode(json_string_value(json_object_get(value, "describe_hex")), &def, &errors);
  if (lc_failed(err) == accepted) {
    fprintf(stderr, "%s:%d %s: recorded %s, here %s %s\n", name, line, json_string_value(json_object_get(value, "case")),
            accepted ? "accepted" : json_string_value(json_object_get(value, "text")), lc_failed(err) ? "refused:" : "accepted",
            lc_failed(err) ? lc_err_text(err) : "");
    wrong_verdicts++;
  }
  if (!lc_failed(err))
    lc_module_def_destroy(def);
  else if (err.code == LC_ERR_MODULE_INVALID)
    expect(errors.len > 0);
  lc_buf_deinit(&errors);
}

TEST(invalid_definitions_are_refused_and_valid_ones_accepted) {
  vector_for_each_line("invalid.jsonl", replay_verdict);
  expect_equal(wrong_verdicts, 0);
}

/* Of a recorded reason with several messages (or none that this decoder words alike) at least one must be found here, literally. */
static int worded_alike, worded_otherwise;

static void replay_message(const char *name, int line, json_t *value) {
  const char *text = json_string_value(json_object_get(value, "text"));
  static const char start[] = "Errors occurred:\n";
  if (vector_left_out(name, line) || strncmp(text, start, sizeof start - 1) != 0) return;
  lc_module_def *def;
  lc_buf errors = {0};
  if (!lc_failed(vector_decode(json_string_value(json_object_get(value, "describe_hex")), &def, &errors)))
    lc_test_fail("%s:%d is accepted", name, line);
  char first[4096];
  snprintf(first, sizeof first, "%s", text + sizeof start - 1);
  char *end = strstr(first, "\n\n");
  if (end) *end = 0;
  if (strstr(lc_buf_cstr(&errors), first)) {
    worded_alike++;
  } else {
    worded_otherwise++;
    if (getenv("LC_TEST_VERBOSE")) fprintf(stderr, "%s:%d\n  recorded %s\n  here     %s\n", name, line, first, lc_buf_cstr(&errors));
  }
  lc_buf_deinit(&errors);
}

TEST(most_messages_are_worded_as_recorded) {
  vector_for_each_line("invalid.jsonl", replay_message);
  if (worded_otherwise * 6 > worded_alike) lc_test_fail("%d messages alike, %d otherwise", worded_alike, worded_otherwise);
}

/* ------------------------------------------------------------------------------------------------ spellings */

static void expect_name(const char *case_name, const char *what, lc_str actual, const char *recorded) {
  if (!lc_str_is(actual, recorded)) lc_test_fail("%s: %s is %.*s, recorded %s", case_name, what, LC_STR_ARGS(actual), recorded);
}

typedef struct writer {
  lc_buf bytes;
} writer;

static void put_text(writer *w, const char *text) {
  lc_buf_put_sized(&w->bytes, text, strlen(text));
}
static void put_u32(writer *w, uint32_t value) {
  lc_buf_put32(&w->bytes, value);
}
static void put_u8(writer *w, uint8_t value) {
  lc_buf_put8(&w->bytes, value);
}

/* A field or variant: its name and a primitive type. */
static void put_field(writer *w, const char *name, lc_type_kind kind) {
  put_u8(w, 0);
  put_text(w, name);
  put_u8(w, (uint8_t)kind);
}

static void put_table(writer *w, const char *name, uint32_t ref, const char *index) {
  put_text(w, name);
  put_u32(w, ref);
  put_u32(w, 1), lc_buf_put16(&w->bytes, 0); /* primary key */
  put_u32(w, 1), put_u8(w, 0), put_text(w, index), put_u8(w, 1), put_u8(w, 0), put_u32(w, 1), lc_buf_put16(&w->bytes, 0);
  put_u32(w, 1), put_u8(w, 1), put_u8(w, 0), put_u32(w, 1), lc_buf_put16(&w->bytes, 0);
  put_u32(w, 0); /* sequences */
  put_u8(w, 1), put_u8(w, 0), put_u32(w, 0), put_u8(w, 0);
}

/* Two tables (`name`, and `tab` with a column of that name), a reducer with such a parameter, and types with such a name and variant. */
static void put_definition(writer *w, const char *name) {
  put_u8(w, 2), put_u32(w, 4);
  put_u8(w, 0), put_u32(w, 3);
  put_u8(w, LC_TYPE_PRODUCT), put_u32(w, 2), put_field(w, "id", LC_TYPE_U32), put_field(w, name, LC_TYPE_U32);
  put_u8(w, LC_TYPE_SUM), put_u32(w, 2), put_field(w, name, LC_TYPE_U8), put_field(w, "OtherOne", LC_TYPE_U8);
  put_u8(w, LC_TYPE_PRODUCT), put_u32(w, 1), put_field(w, "a", LC_TYPE_U32);
  put_u8(w, 1), put_u32(w, 3);
  static const char *const types[] = {"Row", "En", NULL};
  for (uint32_t i = 0; i < 3; i++) put_u32(w, 0), put_text(w, types[i] ? types[i] : name), put_u32(w, i), put_u8(w, 1);
  put_u8(w, 2), put_u32(w, 2);
  put_table(w, name, 0, "source_1");
  put_table(w, "tab", 0, "source_2");
  put_u8(w, 3), put_u32(w, 1);
  put_text(w, name), put_u32(w, 1), put_field(w, name, LC_TYPE_U32), put_u8(w, 1), put_u8(w, LC_TYPE_PRODUCT), put_u32(w, 0),
      put_u8(w, LC_TYPE_STRING);
}

static const char *string_at(json_t *list, size_t i) {
  return json_string_value(json_array_get(list, i));
}

static void replay_spelling(const char *file, int line, json_t *value) {
  if (vector_left_out(file, line)) return;
  const char *name = json_string_value(json_object_get(value, "name"));
  writer w = {0};
  put_definition(&w, name);
  lc_module_def *def;
  lc_buf errors = {0};
  lc_err err = lc_module_def_decode(lc_buf_span(&w.bytes), &def, &errors);
  bool accepted = json_integer_value(json_object_get(value, "publish")) == 200;
  if (lc_failed(err) == accepted)
    lc_test_fail("%s: recorded %s, here: %s %s", name, accepted ? "accepted" : "refused", lc_failed(err) ? lc_err_text(err) : "accepted",
                 lc_buf_cstr(&errors));
  lc_buf_deinit(&w.bytes);
  lc_buf_deinit(&errors);
  if (!accepted) return;
  const lc_table_def *table = lc_module_def_table(def, lc_str_of(string_at(json_object_get(value, "table"), 0)));
  if (table == NULL) lc_test_fail("%s: no table %s", name, string_at(json_object_get(value, "table"), 0));
  expect(lc_str_is(table->source_name, name));
  expect_name(name, "column", table->columns[1].name, string_at(json_object_get(value, "columns"), 1));
  expect_name(name, "column alias", table->columns[1].source_name, name);
  bool indexed = false;
  for (size_t i = 0; i < 2; i++) indexed |= lc_str_is(table->indexes[0].name, string_at(json_object_get(value, "indexes"), i));
  if (!indexed) lc_test_fail("%s: index %.*s was not recorded", name, LC_STR_ARGS(table->indexes[0].name));
  expect_name(name, "reducer", def->reducers[0].name, json_string_value(json_object_get(value, "reducer")));
  expect_name(name, "parameter", def->reducers[0].params->fields[0].name, json_string_value(json_object_get(value, "param")));
  expect_name(name, "variant", def->typespace.types[1]->fields[0].name, string_at(json_object_get(value, "variants"), 0));
  expect_name(name, "other variant", def->typespace.types[1]->fields[1].name, string_at(json_object_get(value, "variants"), 1));
  json_t *types = json_object_get(value, "types"), *type;
  size_t i;
  bool found = false;
  json_array_foreach(types, i, type) found |= lc_str_is(def->types[2].name, json_string_value(json_object_get(type, "name")));
  if (!found) lc_test_fail("%s: type %.*s was not recorded", name, LC_STR_ARGS(def->types[2].name));
  lc_module_def_destroy(def);
}

TEST(names_are_converted_as_recorded) {
  vector_for_each_line("case-conversion.jsonl", replay_spelling);
}
