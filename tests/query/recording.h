#pragma once
/*
 * What the replays of recorded SQL share: the lines of a recording with their status, and the comparison of rows.
 *
 * A recording is a file of JSON lines. tests/vectors/sql/status.tsv lists the lines that do not come out as recorded: `not yet` (the
 * capability they wait for) or `differs` (why, on purpose). Every line that is not in the table must pass, and a line that is in it must
 * not, so the table stays true. A file that is `not yet` as a whole is not run.
 */
#include "base/vec.h"
#include "fixture.h"
#include "sats/json.h"

/* ---- text ---- */

/* JSON with integers of any size: those over 15 digits become strings, since the library holds 64 bits. */
static json_t *parse_json(const char *text) {
  lc_buf quoted = {0};
  bool in_string = false;
  char before = 0;
  while (*text) {
    size_t digits = strspn(text, "0123456789"), sign = digits == 0 && *text == '-' ? 1 : 0;
    if (sign) digits = strspn(text + 1, "0123456789");
    char behind = text[sign + digits];
    bool number = !in_string && digits > 15 && before != '.' && behind != '.' && behind != 'e';
    size_t len = digits ? sign + digits : 1;
    if (number) lc_buf_put8(&quoted, '"');
    lc_buf_append(&quoted, text, len);
    if (number) lc_buf_put8(&quoted, '"');
    if (*text == '\\' && in_string)
      lc_buf_append(&quoted, text + len++, 1);
    else if (*text == '"')
      in_string = !in_string;
    before = text[len - 1];
    text += len;
  }
  json_t *value = json_loads(lc_buf_cstr(&quoted), JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
  lc_buf_deinit(&quoted);
  return value;
}

static void replace_all(lc_buf *text, const char *what, const char *with) {
  lc_buf replaced = {0};
  const char *from = lc_buf_cstr(text);
  for (const char *hit; (hit = strstr(from, what)); from = hit + strlen(what)) {
    lc_buf_append(&replaced, from, (size_t)(hit - from));
    lc_buf_put_text(&replaced, with);
  }
  lc_buf_put_text(&replaced, from);
  lc_buf_deinit(text);
  *text = replaced;
}

/* The statement of a line; recordings shorten very long ones, whose sections tell how to put them together again. */
static void sql_of(json_t *entry, lc_buf *sql) {
  const char *section = text_of(entry, "section"), *chained = "OR id = 1";
  int count;
  char word[4];
  const char *text = text_of(entry, "sql");
  if (section == NULL || strstr(text, " bytes)") == NULL) {
    lc_buf_append(sql, text, json_string_length(json_object_get(entry, "sql"))); /* one has a NUL in it */
  } else if (sscanf(section, "chain of %d %3s", &count, word) == 2) {
    if (strcmp(word, "AND") == 0) chained = "AND id > 1";
    lc_buf_put_text(sql, "SELECT id FROM guild WHERE id = 10");
    for (int i = 0; i < count; i++) lc_buf_printf(sql, " %s", chained);
  } else if (sscanf(section, "length %d", &count) == 1) {
    lc_buf_printf(sql, "%-*s", count, "SELECT id FROM guild WHERE id = 10");
  } else if (sscanf(section, "%d joins", &count) == 1) {
    lc_buf_put_text(sql, "SELECT a0.id FROM guild a0");
    for (int i = 1; i <= count; i++) lc_buf_printf(sql, " JOIN guild a%d ON a%d.id = a%d.id", i, i - 1, i);
  } else {
    lc_test_fail("do not know how to put together section %s", section);
  }
}

/* ---- rows ---- */

/* Rows as JSON values in one style. Clients of the reference see both, depending on what a row was last used for. */
static json_t *rows_json(const lc_row_list *rows, const lc_type *row_type, lc_json_style style) {
  json_t *values = json_array();
  for (uint32_t i = 0; i < rows->count; i++) {
    lc_buf text = {0};
    const uint8_t *at = lc_row_list_get(rows, i).ptr;
    lc_value_print_json(&text, row_type, &at, style);
    json_t *value = parse_json(lc_buf_cstr(&text));
    if (value == NULL) lc_test_fail("not JSON: %s", lc_buf_cstr(&text));
    json_array_append_new(values, value);
    lc_buf_deinit(&text);
  }
  return values;
}

static json_t *rows_hex(const lc_row_list *rows) {
  json_t *values = json_array();
  for (uint32_t i = 0; i < rows->count; i++) {
    lc_span row = lc_row_list_get(rows, i);
    char *hex = malloc(2 * row.len + 1);
    lc_hex(hex, row.ptr, row.len);
    json_array_append_new(values, json_string(hex));
    free(hex);
  }
  return values;
}

static bool is_either(json_t *wanted, json_t *a, json_t *b) {
  return json_equal(wanted, a) || json_equal(wanted, b);
}

/* Whether the arrays hold equal values, in any order; each value of `actual` may appear as it stands in `alternative` (same length). */
static bool same_bag(json_t *expected, json_t *actual, json_t *alternative) {
  size_t count = json_array_size(expected);
  if (count != json_array_size(actual)) return false;
  bool *used = calloc(count + 1, sizeof *used), same = true;
  for (size_t e = 0; e < count && same; e++) {
    json_t *wanted = json_array_get(expected, e);
    size_t a = 0;
    while (a < count && (used[a] || !is_either(wanted, json_array_get(actual, a), json_array_get(alternative, a)))) a++;
    if (a < count)
      used[a] = true;
    else
      same = false;
  }
  free(used);
  return same;
}

static void note_difference(lc_buf *differences, const char *what, json_t *expected, json_t *actual) {
  char *e = expected ? json_dumps(expected, JSON_ENCODE_ANY | JSON_COMPACT) : NULL,
       *a = actual ? json_dumps(actual, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
  lc_buf_printf(differences, "  %s\n    expected %.400s\n    actual   %.400s\n", what, e ? e : "-", a ? a : "-");
  free(e);
  free(a);
}

static void note_acceptance(lc_buf *differences, const char *what, json_t *expected, lc_err err) {
  json_t *message = json_string(lc_failed(err) ? lc_err_text(err) : "accepted");
  note_difference(differences, what, expected, message);
  json_decref(message);
}

/* Compares the rows with recorded JSON rows, or with hex of their BSATN. */
static void compare_rows(lc_buf *differences, const char *what, json_t *expected, const lc_row_list *rows, const lc_type *row_type) {
  bool hex = json_is_string(json_array_get(expected, 0));
  json_t *actual = hex ? rows_hex(rows) : rows_json(rows, row_type, LC_JSON_POSITIONAL);
  json_t *named = hex ? json_incref(actual) : rows_json(rows, row_type, LC_JSON_NAMED);
  if (!same_bag(expected, actual, named)) note_difference(differences, what, expected, actual);
  json_decref(actual);
  json_decref(named);
}

/* ---- lines and their status ---- */

/* Whether `line` is in a list such as `3,7-9`. */
static bool lists_line(const char *list, int line) {
  for (;;) {
    char *end;
    long first = strtol(list, &end, 10), last = first;
    if (end == list) lc_test_fail("%s is not a list of lines", list);
    if (*end == '-') last = strtol(end + 1, &end, 10);
    if (line >= first && line <= last) return true;
    if (*end != ',') return false;
    list = end + 1;
  }
}

/* The row of status.tsv for this line that is not `must pass`: whether there is one, and its text. Line 0 asks for the whole file. */
static bool status_of(const char *file, int line, char *status, size_t size) {
  FILE *table = fopen(SQL_VECTORS "status.tsv", "r");
  if (table == NULL) lc_test_fail("no status.tsv");
  char row[4096];
  bool found = false, known = false;
  while (fgets(row, sizeof row, table)) {
    char *rest = row, *name = strsep(&rest, "\t\n"), *lines = strsep(&rest, "\t\n"), *text = strsep(&rest, "\n");
    if (*name == '#' || strcmp(name, file) != 0) continue;
    known = true;
    if (text == NULL) lc_test_fail("a row of status.tsv for %s has no status", file);
    if (strcmp(text, "must pass") == 0) continue;
    if (strncmp(text, "not yet ", 8) != 0 && strncmp(text, "differs ", 8) != 0) lc_test_fail("status.tsv says %s of %s", text, file);
    if (strcmp(lines, "all") == 0 ? line != 0 : line == 0 || !lists_line(lines, line)) continue;
    snprintf(status, size, "%s", text);
    found = true;
  }
  if (!known) lc_test_fail("status.tsv does not list %s", file);
  fclose(table);
  return found;
}

typedef void (*recording_check)(json_t *entry, lc_buf *differences);

/* Runs `check` on every line of a recording and holds the outcome against status.tsv. Says how many lines passed. */
__attribute__((unused)) static int replay(const char *file, recording_check check) {
  char status[512], path[512];
  if (status_of(file, 0, status, sizeof status)) return 0;
  snprintf(path, sizeof path, SQL_VECTORS "%s", file);
  FILE *lines = fopen(path, "r");
  if (lines == NULL) lc_test_fail("cannot open %s", path);
  int number = 0, passed = 0, wrong = 0;
  char *line = NULL;
  size_t cap = 0;
  while (getline(&line, &cap, lines) > 0) {
    number++;
    lc_buf text = {0}, differences = {0};
    lc_buf_put_text(&text, line);
    replace_all(&text, "<OWNER>", owner_hex);
    replace_all(&text, "<OTHER>", other_hex);
    json_t *entry = parse_json(lc_buf_cstr(&text));
    if (entry == NULL) lc_test_fail("%s:%d is not JSON", file, number);
    check(entry, &differences);
    bool listed = status_of(file, number, status, sizeof status);
    if (listed && differences.len == 0) fprintf(stderr, "%s:%d passes, but status.tsv says: %s\n", file, number, status);
    if (!listed && differences.len) fprintf(stderr, "%s:%d: %.300s\n%s", file, number, line, lc_buf_cstr(&differences));
    wrong += listed == (differences.len == 0);
    passed += differences.len == 0;
    json_decref(entry);
    lc_buf_deinit(&text);
    lc_buf_deinit(&differences);
  }
  free(line);
  fclose(lines);
  expect_equal(wrong, 0);
  return passed;
}
