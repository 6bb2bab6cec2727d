/*
 * Replays the recordings of tests/vectors/abi: scripts for a probe module that calls every import with any bytes, and what the reference
 * server answered. The module runs here against a store made from its own definition. Per call the errno (or the trap), the memory behind
 * its pointers afterwards, and what the host wrote to the module's log are compared; rows of a scan are compared as a set, because their
 * order is not promised.
 *
 * status.tsv names the cases that are not run, each with its reason; a case that is neither run nor named there fails the test.
 * Not compared: ids of tables and indexes, connection ids, times, and durations in log lines, which differ from run to run.
 */
#include <jansson.h>

#include "host_fixture.h"

static const char *const files[] = {"probe-1-insert.jsonl",        "probe-2-update-scan.jsonl",   "probe-3-index.jsonl",
                                    "probe-4-sources-sinks.jsonl", "probe-5-context-traps.jsonl", "probe-6-views.jsonl"};

/* The probe's numbers of the imports. */
static const char *const imports[] = {
    "",
    "table_id_from_name",
    "index_id_from_name",
    "datastore_table_row_count",
    "datastore_table_scan_bsatn",
    "datastore_index_scan_range_bsatn",
    "datastore_btree_scan_bsatn",
    "datastore_delete_by_index_scan_range_bsatn",
    "datastore_delete_by_btree_scan_bsatn",
    "datastore_delete_all_by_eq_bsatn",
    "datastore_insert_bsatn",
    "datastore_update_bsatn",
    "row_iter_bsatn_advance",
    "row_iter_bsatn_close",
    "bytes_source_read",
    "bytes_sink_write",
    "console_log",
    "console_timer_start",
    "console_timer_end",
    "identity",
    "volatile_nonatomic_schedule_immediate",
    "bytes_source_remaining_length",
    "get_jwt",
    "procedure_sleep_until",
    "procedure_start_mut_tx",
    "procedure_commit_mut_tx",
    "procedure_abort_mut_tx",
    "procedure_http_request",
    "datastore_index_scan_point_bsatn",
    "datastore_delete_by_index_scan_point_bsatn",
    "datastore_clear",
};

enum { REDUCER_RUN, REDUCER_INIT, REDUCER_CONNECTED, REDUCER_DISCONNECTED, REDUCER_RAW = 8 };
enum { RETURN_REPORT_AS_ERROR, RETURN_SUCCESS };

typedef struct replay {
  lc_store *store;
  lc_module_def *def;
  lc_program *program;
  lc_instance *instance;
  lc_host_services services;
  lc_identity owner, second;
  lc_buf jwt;
  json_t *log;           /* records since the last clear, in the form of the recordings */
  json_t *status;        /* case → reason */
  const json_t *scanned; /* the first argument of the last scan of the case */
  int run, skipped, failed;
} replay;

/* ---- services ---- */

static void put_text(json_t *object, const char *key, lc_str text) {
  if (text.ptr) json_object_set_new(object, key, json_stringn(text.ptr, text.len));
}

static void on_log(void *database, const lc_module_log_record *record) {
  static const char *const levels[] = {"Error", "Warn", "Info", "Debug", "Trace"};
  json_t *line = json_object();
  json_object_set_new(line, "level", json_string(record->level == LC_MODULE_PANIC ? "Panic" : levels[record->level]));
  put_text(line, "target", record->target);
  put_text(line, "filename", record->filename);
  if (record->line_number != UINT32_MAX) json_object_set_new(line, "line_number", json_integer(record->line_number));
  put_text(line, "function", record->function);
  put_text(line, "message", record->message);
  if (record->trace_json.ptr) json_object_set_new(line, "trace", json_loadb(record->trace_json.ptr, record->trace_json.len, 0, NULL));
  json_array_append_new(((replay *)database)->log, line);
}

static const lc_connection_id own_connection = {0x1122334455667788, 0x99aabbccddeeff00};

static bool on_jwt(void *database, lc_connection_id connection, lc_str *payload) {
  *payload = lc_buf_str(&((replay *)database)->jwt);
  return lc_u128_equal(connection, own_connection);
}

static int64_t on_now(void *database) {
  return 1700000000000000;
}

/* ---- comparing ---- */

static void mismatch(replay *rp, const json_t *record, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void mismatch(replay *rp, const json_t *record, const char *format, ...) {
  rp->failed++;
  fprintf(stderr, "case %s, %s: ", json_string_value(json_object_get(record, "case")), json_string_value(json_object_get(record, "call")));
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
}

static lc_buf unhex(const char *hex, size_t len) {
  lc_buf bytes = {0};
  expect(lc_hex_decode(lc_buf_extend(&bytes, len / 2), len / 2, (lc_str){hex, len}));
  return bytes;
}

/* The table that a scan's first argument names: `id of table 'x'`, `id of index 'x'`, or a number. */
static lc_table *table_of_scan(replay *rp) {
  const char *label = json_string_value(rp->scanned);
  if (label == NULL) return NULL;
  const char *from = strchr(label, '\''), *to = strrchr(label, '\'');
  if (from == NULL || to <= from) return NULL;
  lc_str name = {from + 1, (size_t)(to - from - 1)};
  if (strncmp(label, "id of table", 11) == 0) return lc_store_table_by_name(rp->store, name);
  lc_index *index = lc_store_index_by_name(rp->store, name);
  return index ? lc_index_table(index) : NULL;
}

static int by_bytes(const void *a, const void *b) {
  const lc_span *left = a, *right = b;
  return lc_str_compare((lc_str){(const char *)left->ptr, left->len}, (lc_str){(const char *)right->ptr, right->len});
}

static size_t split_rows(const lc_layout *layout, lc_span bytes, lc_span *rows, size_t max) {
  size_t count = 0;
  while (bytes.len && count < max) {
    lc_span row = bytes;
    if (layout->fixed && row.len > layout->fixed_size) row.len = layout->fixed_size;
    size_t used;
    if (lc_failed(lc_layout_validate(layout, row, &used)) || used == 0) return SIZE_MAX;
    rows[count++] = lc_span_of(bytes.ptr, used);
    bytes.ptr += used;
    bytes.len -= used;
  }
  qsort(rows, count, sizeof *rows, by_bytes);
  return count;
}

static bool same_rows(replay *rp, const char *actual, const char *expected) {
  if (strcmp(actual, expected) == 0) return true;
  lc_table *table = table_of_scan(rp);
  if (table == NULL || strlen(actual) != strlen(expected)) return false;
  lc_buf a = unhex(actual, strlen(actual)), b = unhex(expected, strlen(expected));
  static lc_span rows_a[4096], rows_b[4096];
  size_t count_a = split_rows(lc_table_layout(table), lc_buf_span(&a), rows_a, 4096);
  size_t count_b = split_rows(lc_table_layout(table), lc_buf_span(&b), rows_b, 4096);
  bool same = count_a == count_b && count_a != SIZE_MAX;
  for (size_t i = 0; same && i < count_a; i++) same = lc_span_equal(rows_a[i], rows_b[i]);
  lc_buf_deinit(&a);
  lc_buf_deinit(&b);
  return same;
}

/* Sender, connection, timestamp, function id, source, sink, argument length as the probe keeps them. */
static bool same_context(const char *actual, const char *expected) {
  enum { SENDER = 64, VARYING_END = 112, WORDS_END = 136 };
  if (strlen(actual) != strlen(expected)) return false;
  return strncmp(actual, expected, SENDER) == 0 && strncmp(actual + VARYING_END, expected + VARYING_END, WORDS_END - VARYING_END) == 0;
}

static bool same_memory(replay *rp, const char *what, const char *actual, const char *expected) {
  if (strcmp(what, "rows") == 0) return same_rows(rp, actual, expected);
  if (strncmp(what, "sender, connection", 18) == 0 || strcmp(what, "ctx") == 0) return same_context(actual, expected);
  return strcmp(actual, expected) == 0;
}

typedef struct report {
  json_t *lines;
  size_t at;
} report;

static const char *report_next(report *rep) {
  const char *line = json_string_value(json_array_get(rep->lines, rep->at));
  if (line) rep->at++;
  return line;
}

static bool gives_an_id(const json_t *record) {
  return strstr(json_string_value(json_object_get(record, "call")), "_id_from_name") != NULL;
}

static void compare_memory(replay *rp, const json_t *record, report *rep, bool rows_are_there) {
  size_t i;
  json_t *out;
  json_array_foreach(json_object_get(record, "out"), i, out) {
    const char *line = report_next(rep), *what = json_string_value(json_object_get(out, "what")),
               *expected = json_string_value(json_object_get(out, "hex"));
    if (line == NULL || line[0] != 'D') {
      mismatch(rp, record, "no memory dump for `%s`, but %s", what, line ? line : "the end");
      return;
    }
    const char *actual = strrchr(line, ' ') + 1, *cut = strstr(expected, "...(");
    if (gives_an_id(record) || (strcmp(what, "rows") == 0 && !rows_are_there)) continue;
    if (cut) {
      if (strlen(actual) != 2 * strtoul(cut + 4, NULL, 10))
        mismatch(rp, record, "`%s` has %zu bytes, expected %s", what, strlen(actual) / 2, cut);
    } else if (!same_memory(rp, what, actual, expected)) {
      mismatch(rp, record, "`%s` is\n  %s\nexpected\n  %s", what, actual, expected);
    }
  }
}

/* Views have tables in the reference, which the engine will make; until then their names are the one answer that is not compared. */
static bool names_a_view(const json_t *record) {
  const char *bytes = json_string_value(json_object_get(json_array_get(json_object_get(record, "args"), 0), "bytes"));
  return bytes && strncmp(bytes, "765f", 4) == 0; /* v_ */
}

static void compare_call(replay *rp, const json_t *record, report *rep, bool trapped) {
  const json_t *wanted = json_object_get(record, "errno");
  const char *call = json_string_value(json_object_get(record, "call")), *line = report_next(rep);
  if (strstr(call, "_scan_") && !strstr(call, "delete")) rp->scanned = json_array_get(json_object_get(record, "args"), 0);
  if (json_is_string(wanted)) { /* "trap" */
    if (line || !trapped) mismatch(rp, record, "expected a trap, got %s", line ? line : "none");
    return;
  }
  int number;
  long long code;
  if (line == NULL || sscanf(line, "C %d %lld", &number, &code) != 2 || strcmp(imports[number], call) != 0) {
    mismatch(rp, record, "expected the call to return %lld, got %s", json_integer_value(wanted),
             line      ? line
             : trapped ? "a trap"
                       : "the end");
    return;
  }
  bool of_view = names_a_view(record);
  if (code != json_integer_value(wanted) && !of_view)
    mismatch(rp, record, "returned %lld, expected %lld", code, json_integer_value(wanted));
  compare_memory(rp, record, rep, code == 0 || code == -1);
}

static void compare_step(replay *rp, const json_t *record, report *rep, bool trapped) {
  const char *call = json_string_value(json_object_get(record, "call")), *note = json_string_value(json_object_get(record, "note"));
  char expected[256] = "";
  if (strcmp(call, "(log afterwards)") == 0) return;
  if (strcmp(call, "(marker)") == 0) {
    snprintf(expected, sizeof expected, "M %s", note);
  } else if (strcmp(call, "(guest global counter)") == 0) {
    snprintf(expected, sizeof expected, "G %lld", json_integer_value(json_object_get(record, "value")));
  } else if (strcmp(call, "(guest action)") == 0) {
    long long kind, value;
    expect_equal(sscanf(note, "kind %lld value %lld", &kind, &value), 2);
    snprintf(expected, sizeof expected, "T %lld %lld", kind, value);
  } else {
    compare_call(rp, record, rep, trapped);
    return;
  }
  const char *line = report_next(rep);
  if (line == NULL || strcmp(line, expected) != 0) mismatch(rp, record, "reported %s, expected %s", line ? line : "nothing", expected);
  compare_memory(rp, record, rep, true);
}

/* The probe's report is what it logs at Info without a file; everything else is the host's or the script's own logging. */
static bool is_report(const json_t *line) {
  const char *message = json_string_value(json_object_get(line, "message"));
  return json_object_get(line, "filename") == NULL && strcmp(json_string_value(json_object_get(line, "level")), "Info") == 0 &&
         message[0] && strchr("CDGTM", message[0]) && message[1] == ' ';
}

static bool same_log_line(const json_t *actual, const json_t *expected) {
  static const char timing[] = "Timing span ";
  const char *a = json_string_value(json_object_get(actual, "message")), *e = json_string_value(json_object_get(expected, "message"));
  if ((json_object_get(actual, "trace") != NULL) != (json_object_get(expected, "trace") != NULL)) return false;
  json_t *left = json_copy((json_t *)actual), *right = json_copy((json_t *)expected);
  json_object_del(left, "trace");
  json_object_del(right, "trace");
  if (strncmp(e, timing, sizeof timing - 1) == 0 && strncmp(a, e, (size_t)(strrchr(e, '"') - e)) == 0) {
    json_object_del(left, "message");
    json_object_del(right, "message");
  }
  bool same = json_equal(left, right);
  json_decref(left);
  json_decref(right);
  return same;
}

/* Lines with the server's own sentinel are written by the engine, which is not here. */
static void compare_log(replay *rp, const json_t *summary, json_t *host_lines) {
  json_t *expected, *wanted = json_array();
  size_t i;
  json_array_foreach(json_object_get(summary, "log"), i, expected) {
    const char *target = json_string_value(json_object_get(expected, "target"));
    if (target == NULL || strcmp(target, "__spacetimedb__") != 0) json_array_append(wanted, expected);
  }
  if (json_array_size(wanted) != json_array_size(host_lines)) {
    mismatch(rp, summary, "%zu log lines, expected %zu", json_array_size(host_lines), json_array_size(wanted));
  } else {
    json_array_foreach(wanted, i, expected) {
      if (same_log_line(json_array_get(host_lines, i), expected)) continue;
      char *a = json_dumps(json_array_get(host_lines, i), JSON_SORT_KEYS), *e = json_dumps(expected, JSON_SORT_KEYS);
      mismatch(rp, summary, "log line\n  %s\nexpected\n  %s", a, e);
      free(a);
      free(e);
    }
  }
  json_decref(wanted);
}

/* Compares the records of one case with what was logged between two positions; `summary` may be NULL. */
static void compare_case(replay *rp, json_t *records, json_t *log, size_t from, size_t to, bool trapped) {
  report rep = {json_array(), 0};
  json_t *host_lines = json_array();
  for (size_t i = from; i < to; i++) {
    json_t *line = json_array_get(log, i);
    if (is_report(line)) {
      json_array_append(rep.lines, json_object_get(line, "message"));
    } else {
      json_array_append(host_lines, line);
    }
  }
  rp->scanned = NULL;
  int failed_before = rp->failed;
  json_t *record, *summary = NULL;
  size_t i;
  /* Dumps before the first step were not recorded. */
  while (rep.at < json_array_size(rep.lines) && json_string_value(json_array_get(rep.lines, rep.at))[0] == 'D') rep.at++;
  json_array_foreach(records, i, record) {
    if (strcmp(json_string_value(json_object_get(record, "call")), "(summary)") == 0) {
      summary = record;
    } else if (rp->failed == failed_before) { /* one difference shifts all that follows */
      compare_step(rp, record, &rep, trapped);
    }
  }
  if (summary && rp->failed == failed_before) {
    if (rep.at != json_array_size(rep.lines)) mismatch(rp, summary, "more was reported: %s", report_next(&rep));
    compare_log(rp, summary, host_lines);
  }
  json_decref(rep.lines);
  json_decref(host_lines);
}

/* ---- running ---- */

static void start_instance(replay *rp, lc_buf *description) {
  if (rp->instance) lc_instance_destroy(rp->instance);
  expect_ok(lc_instance_create(rp->program, &rp->services, description, &rp->instance));
}

static lc_err call(replay *rp, uint32_t reducer, const char *name, const lc_identity *sender, lc_connection_id connection,
                   lc_span arguments, bool commit, lc_buf *error) {
  lc_call_context context = {
      .sender = *sender, .connection = connection, .timestamp_micros = 1700000000000000, .function = lc_str_of(name)};
  lc_store_begin(rp->store);
  lc_err err = lc_instance_call_reducer(rp->instance, reducer, &context, arguments, error);
  if (commit && !lc_failed(err)) {
    const lc_delta *delta;
    lc_store_commit(rp->store, &delta);
    lc_store_release(rp->store);
  } else {
    lc_store_abort(rp->store);
  }
  return err;
}

/* What the recorded HTTP status and body of the call say about its outcome. */
static void compare_outcome(replay *rp, const json_t *summary, lc_err err, const lc_buf *error) {
  const char *body = json_string_value(json_object_get(summary, "body"));
  lc_err_code wanted = json_integer_value(json_object_get(summary, "status")) == 200  ? LC_OK
                       : strcmp(body, "The instance encountered a fatal error.") == 0 ? LC_ERR_TRAP
                                                                                      : LC_ERR_USER;
  if (err.code != wanted)
    mismatch(rp, summary, "the call ended with %s (%s), expected %s", lc_err_name(err.code), lc_err_text(err), lc_err_name(wanted));
  if (wanted != LC_ERR_USER || strcmp(body, "(report)") == 0) return;
  size_t len = json_string_length(json_object_get(summary, "body"));
  if (!lc_str_equal(lc_buf_str(error), (lc_str){body, len})) mismatch(rp, summary, "the error is `%.60s`", (const char *)error->data);
}

static void put_poke(lc_buf *script, uint32_t address, const void *bytes, uint32_t len) {
  lc_buf_put8(script, 0x01);
  lc_buf_put32(script, address);
  lc_buf_put_sized(script, bytes, len);
}

/* The one script that was too long to be recorded: a text of 100,000 bytes goes into the sink. */
static lc_buf long_text_script(void) {
  enum { LEN = 100000, TEXT_AT = 0x100000, LEN_AT = TEXT_AT + (LEN + 15) / 16 * 16, IMMEDIATE = 0, SINK = 3, BYTES_SINK_WRITE = 15 };
  static char text[LEN];
  memset(text, 'x', LEN);
  lc_buf script = {0};
  put_poke(&script, TEXT_AT, text, LEN);
  put_poke(&script, LEN_AT, &(uint32_t){LEN}, 4);
  static const struct {
    uint8_t kind;
    uint32_t value;
  } arguments[] = {{SINK, 0}, {IMMEDIATE, TEXT_AT}, {IMMEDIATE, LEN_AT}};
  lc_buf_append(&script, (uint8_t[]){0x02, BYTES_SINK_WRITE, 3}, 3);
  for (size_t i = 0; i < 3; i++) {
    lc_buf_put8(&script, arguments[i].kind);
    lc_buf_put64(&script, arguments[i].value);
  }
  lc_buf_put8(&script, 0x03); /* dump the length */
  lc_buf_put32(&script, LEN_AT);
  lc_buf_put32(&script, 4);
  lc_buf_append(&script, (uint8_t[]){0x0b, 1, 0, 0, 0, 0}, 6); /* return 1 */
  return script;
}

static void run_script(replay *rp, json_t *records, const json_t *summary) {
  const json_t *hex = json_object_get(summary, "script");
  bool commit = json_is_true(json_object_get(summary, "committed"));
  lc_buf script = json_string_value(hex)[0] == '(' ? long_text_script() : unhex(json_string_value(hex), json_string_length(hex));
  lc_buf arguments = {0}, error = {0};
  lc_buf_put8(&script, 0x0b);
  lc_buf_put32(&script, commit ? 0 : 1);
  lc_buf_put8(&script, commit ? 0 : 1);
  lc_buf_put_sized(&arguments, script.data, script.len);
  bool second = strstr(json_string_value(json_object_get(summary, "case")), "second identity") != NULL;
  json_array_clear(rp->log);
  lc_err err = call(rp, REDUCER_RUN, "run", second ? &rp->second : &rp->owner, own_connection, lc_buf_span(&arguments), commit, &error);
  int failed_before = rp->failed;
  compare_outcome(rp, summary, err, &error);
  if (rp->failed == failed_before) compare_case(rp, records, rp->log, 0, json_array_size(rp->log), err.code == LC_ERR_TRAP);
  if (lc_instance_is_dead(rp->instance)) start_instance(rp, NULL);
  lc_buf_deinit(&script);
  lc_buf_deinit(&arguments);
  lc_buf_deinit(&error);
}

/* `context:<entry point>`: what the entry point's own script saw. The first four ran when the instance started. */
static void run_context(replay *rp, json_t *records, const char *entry, json_t *start_log) {
  static const struct {
    const char *entry;
    uint32_t reducer;
    const char *name;
  } reducers[] = {{"connected", REDUCER_CONNECTED, "client_connected"}, {"disconnected", REDUCER_DISCONNECTED, "client_disconnected"}};
  for (size_t i = 0; i < sizeof reducers / sizeof *reducers; i++) {
    if (strcmp(reducers[i].entry, entry) != 0) continue;
    json_array_clear(rp->log);
    lc_buf error = {0};
    expect_ok(call(rp, reducers[i].reducer, reducers[i].name, &rp->owner, own_connection, (lc_span){0}, true, &error));
    compare_case(rp, records, rp->log, 0, json_array_size(rp->log), false);
    return;
  }
  char first[64];
  snprintf(first, sizeof first, "M in %s", entry);
  size_t count = json_array_size(start_log), from = 0;
  while (from < count && strcmp(json_string_value(json_object_get(json_array_get(start_log, from), "message")), first) != 0) from++;
  size_t to = from + 1;
  while (to < count && strncmp(json_string_value(json_object_get(json_array_get(start_log, to), "message")), "M in ", 5) != 0) to++;
  compare_case(rp, records, start_log, from, to, false);
}

static void run_raw(replay *rp, json_t *records, const json_t *summary) {
  lc_buf arguments = {0}, error = {0};
  lc_buf_put32(&arguments, 7);
  lc_buf_put_sized(&arguments, "hello", 5);
  json_array_clear(rp->log);
  expect_error(call(rp, REDUCER_RAW, "raw", &rp->owner, own_connection, lc_buf_span(&arguments), false, &error), LC_ERR_USER);
  compare_case(rp, records, rp->log, 0, json_array_size(rp->log), false);
  lc_buf_deinit(&arguments);
  lc_buf_deinit(&error);
}

/* Rows that cases which cannot run yet left behind for the cases after them. */
static void apply_effects(replay *rp, const char *name) {
  static const struct {
    const char *name, *table, *row;
    size_t len;
  } effects[] = {
      {"procedure tx", "plain", "\xc8\0\0\0\x0c\0\0\0by procedure", 20},
      {"view inserts", "counter", "\x09\x03\0\0\1\0\0\0\0\0\0\0", 12},
  };
  for (size_t i = 0; i < sizeof effects / sizeof *effects; i++) {
    if (strcmp(effects[i].name, name) != 0) continue;
    lc_insert_result result;
    const lc_delta *delta;
    lc_store_begin(rp->store);
    expect_ok(lc_table_insert(lc_store_table_by_name(rp->store, lc_str_of(effects[i].table)), lc_span_of(effects[i].row, effects[i].len),
                              &result));
    lc_store_commit(rp->store, &delta);
    lc_store_release(rp->store);
  }
}

static void run_case(replay *rp, json_t *records, json_t *start_log) {
  const json_t *last = json_array_get(records, json_array_size(records) - 1);
  const char *name = json_string_value(json_object_get(last, "case")), *context = json_string_value(json_object_get(last, "context"));
  if (json_object_get(rp->status, name)) {
    rp->skipped++;
    apply_effects(rp, name);
    return;
  }
  rp->run++;
  if (strncmp(name, "context:", 8) == 0) {
    run_context(rp, records, name + 8, start_log);
  } else if (strncmp(name, "bytes_source protocol", 21) == 0) {
    run_raw(rp, records, last);
  } else if (context && strcmp(context, "reducer") == 0) {
    run_script(rp, records, last);
  } else {
    mismatch(rp, last, "the case cannot be run here and status.tsv does not say why");
  }
}

/* ---- files ---- */

static json_t *read_status(void) {
  FILE *file = fopen(LC_SOURCE_DIR "/tests/vectors/abi/status.tsv", "r");
  expect(file != NULL);
  json_t *status = json_object();
  char line[1024];
  while (fgets(line, sizeof line, file)) {
    char *tab = strchr(line, '\t');
    if (line[0] == '#' || tab == NULL) continue;
    *tab = 0;
    expect(strncmp(tab + 1, "not yet ", 8) == 0 || strncmp(tab + 1, "differs ", 8) == 0);
    json_object_set_new(status, line, json_string(tab + 1));
  }
  fclose(file);
  return status;
}

static json_t *read_lines(const char *name) {
  char path[512];
  snprintf(path, sizeof path, LC_SOURCE_DIR "/tests/vectors/abi/%s", name);
  FILE *file = fopen(path, "r");
  expect(file != NULL);
  json_t *lines = json_array();
  char *line = NULL;
  size_t cap = 0;
  while (getline(&line, &cap, file) > 0) {
    json_t *record = json_loads(line, JSON_ALLOW_NUL, NULL);
    expect(record != NULL);
    json_array_append_new(lines, record);
  }
  free(line);
  fclose(file);
  return lines;
}

static json_t *read_records(void) {
  json_t *all = json_array();
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    json_t *lines = read_lines(files[i]);
    json_array_extend(all, lines);
    json_decref(lines);
  }
  return all;
}

/* The note of the first record tells whose run was recorded; the token's payload is where get_jwt dumped it. */
static void take_identities(replay *rp, json_t *all) {
  const char *note = json_string_value(json_object_get(json_array_get(all, 0), "note"));
  char owner[65], second[65], database[65];
  expect_equal(sscanf(strstr(note, "owner "), "owner %64[0-9a-f]", owner), 1);
  expect_equal(sscanf(strstr(note, "second identity "), "second identity %64[0-9a-f]", second), 1);
  expect_equal(sscanf(strstr(note, "database "), "database %64[0-9a-f]", database), 1);
  expect(lc_u256_from_hex(&rp->owner, (lc_str){owner, 64}));
  expect(lc_u256_from_hex(&rp->second, (lc_str){second, 64}));
  expect(lc_u256_from_hex(&rp->services.identity, (lc_str){database, 64}));
  size_t i, k;
  json_t *record, *out;
  json_array_foreach(all, i, record) {
    json_array_foreach(json_object_get(record, "out"), k, out) {
      if (strcmp(json_string_value(json_object_get(out, "what")), "payload") != 0) continue;
      rp->jwt = unhex(json_string_value(json_object_get(out, "hex")), json_string_length(json_object_get(out, "hex")));
      return;
    }
  }
}

static lc_buf build_probe(void) {
  char self[400], command[1200], path[500];
  ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
  expect(len > 0);
  self[len] = 0;
  snprintf(path, sizeof path, "%s.wasm", self);
  snprintf(command, sizeof command, "sh '%s/tests/vectors/modules/probe/build.sh' '%s'", LC_SOURCE_DIR, path);
  if (system(command) != 0) lc_test_fail("the probe module does not build: %s", command);
  FILE *file = fopen(path, "rb");
  expect(file != NULL);
  lc_buf wasm = {0};
  size_t got;
  while ((got = fread(lc_buf_extend(&wasm, 65536), 1, 65536, file)) > 0) wasm.len -= 65536 - got;
  wasm.len -= 65536;
  fclose(file);
  return wasm;
}

/* Publishing, as far as the host and the store go: instance, definition, tables, init, in this order. */
static json_t *publish(replay *rp) {
  lc_buf wasm = build_probe(), description = {0}, errors = {0};
  expect_ok(lc_program_compile(lc_buf_span(&wasm), LC_TIER_OPTIMISED, &rp->program));
  start_instance(rp, &description);
  lc_err err = lc_module_def_decode(lc_buf_span(&description), &rp->def, &errors);
  if (lc_failed(err)) lc_test_fail("%s: %s", lc_err_text(err), lc_buf_cstr(&errors));
  lc_store_begin(rp->store);
  lc_table *table;
  for (uint32_t i = 0; i < rp->def->table_count; i++) expect_ok(lc_store_create_table(rp->store, &rp->def->tables[i], &table));
  const lc_delta *delta;
  lc_store_commit(rp->store, &delta);
  lc_store_release(rp->store);
  expect_ok(call(rp, REDUCER_INIT, "init", &rp->owner, (lc_connection_id){0}, (lc_span){0}, true, &errors));
  json_t *start_log = json_copy(rp->log);
  lc_buf_deinit(&wasm);
  lc_buf_deinit(&description);
  lc_buf_deinit(&errors);
  return start_log;
}

TEST(recorded_calls_are_answered_as_by_the_reference) {
  replay rp = {.store = lc_store_create(), .log = json_array(), .status = read_status()};
  rp.services = (lc_host_services){.database = &rp, .store = rp.store, .log = on_log, .jwt = on_jwt, .now_micros = on_now};
  json_t *all = read_records();
  take_identities(&rp, all);
  expect_ok(lc_host_init(NULL));
  json_t *start_log = publish(&rp);
  json_t *records = json_array(), *record;
  size_t i, count = json_array_size(all);
  json_array_foreach(all, i, record) {
    const char *name = json_string_value(json_object_get(record, "case")),
               *next = json_string_value(json_object_get(json_array_get(all, i + 1), "case"));
    if (strcmp(name, "(setup)") == 0 || strcmp(name, "(end)") == 0) continue;
    json_array_append(records, record);
    bool closes = strcmp(json_string_value(json_object_get(record, "call")), "(summary)") == 0 || i + 1 == count || strcmp(name, next) != 0;
    if (!closes) continue;
    /* What was logged later belongs to a case that is closed already. */
    if (!(json_array_size(records) == 1 && strcmp(json_string_value(json_object_get(record, "call")), "(log afterwards)") == 0))
      run_case(&rp, records, start_log);
    json_array_clear(records);
  }
  expect_ok(lc_store_check(rp.store));
  printf("%d cases run, %d listed in status.tsv\n", rp.run, rp.skipped);
  expect_equal(rp.failed, 0);
  expect(rp.run > 250);
  lc_instance_destroy(rp.instance);
  lc_program_unref(rp.program);
  lc_module_def_destroy(rp.def);
  lc_store_destroy(rp.store);
  lc_host_deinit();
  lc_buf_deinit(&rp.jwt);
  json_decref(all), json_decref(records), json_decref(start_log), json_decref(rp.log), json_decref(rp.status);
}
