/*
 * Queries of the subscription dialect recorded on the reference (tests/vectors/sql): which are accepted, their initial rows, and what each
 * statement of a transaction adds to their results and takes from them.
 */
#include "recording.h"

typedef LC_VEC(lc_query *) query_set;

static void set_destroy(query_set *set) {
  for (size_t i = 0; i < set->count; i++) lc_query_destroy(set->items[i]);
  lc_vec_deinit(set);
}

/* Compiles one more query of a set; one that means the same as another is kept once, as subscriptions share them. */
static lc_err set_add(query_set *set, const char *as, json_t *sql) {
  lc_query_context context = context_of(as);
  lc_query *query;
  LC_TRY(lc_query_compile(&context, (lc_str){json_string_value(sql), json_string_length(sql)}, &query));
  for (size_t i = 0; i < set->count; i++) {
    lc_str known = lc_query_key(set->items[i]);
    if (!lc_str_equal(known, lc_query_key(query))) continue;
    lc_query_destroy(query);
    return lc_ok();
  }
  lc_vec_push(set, query);
  return lc_ok();
}

static bool reads_events(const query_set *set) {
  for (size_t i = 0; i < set->count; i++) {
    if (lc_table_def_of(lc_query_table(set->items[i]))->is_event) return true;
  }
  return false;
}

/* The result of every query against the recorded list of `{table, rows}`; a query that reads an empty table has no entry unless `always`.
 */
static void compare_tables(lc_buf *differences, const char *what, json_t *expected, const query_set *set, bool always) {
  size_t entry = 0;
  for (size_t i = 0; i < set->count; i++) {
    if (!always && lc_query_reads_empty_table(set->items[i])) continue;
    json_t *recorded = json_array_get(expected, entry++);
    lc_table *table = lc_query_table(set->items[i]);
    lc_row_list rows = {0};
    expect_ok(lc_query_rows(set->items[i], &rows));
    const char *name = text_of(recorded, "table");
    if (name == NULL || !lc_str_is(lc_table_name(table), name))
      lc_buf_printf(differences, "  %s: rows of %.*s\n", what, LC_STR_ARGS(lc_table_name(table)));
    else
      compare_rows(differences, what, json_object_get(recorded, "rows"), &rows, lc_table_layout(table)->row);
    lc_row_list_deinit(&rows);
  }
  if (entry != json_array_size(expected))
    lc_buf_printf(differences, "  %s: %zu tables, expected %zu\n", what, entry, json_array_size(expected));
}

/* ---- acceptance and first rows ---- */

/* One column of a recording: `outcome` is {"error"} or {"ok", "tables"}. */
static void check_outcome(json_t *outcome, const char *as, json_t *texts, bool is_subscription, lc_buf *differences) {
  const char *what = is_subscription ? "subscribe" : "one_off_query";
  query_set set = {0};
  lc_err err = lc_ok();
  size_t i;
  json_t *text;
  json_array_foreach(texts, i, text) if (!lc_failed(err)) err = set_add(&set, as, text);
  bool accepted = json_is_true(json_object_get(outcome, "ok"));
  /* It was recorded over v1, on which the engine refuses event tables (tests/engine). */
  if (is_subscription && !lc_failed(err) && reads_events(&set)) err = lc_fail(LC_ERR_SQL, "event table over v1");
  if (accepted == lc_failed(err))
    note_acceptance(differences, what, json_object_get(outcome, "error"), err);
  else if (accepted)
    compare_tables(differences, what, json_object_get(outcome, "tables"), &set, !is_subscription);
  set_destroy(&set);
}

static void check_query(json_t *entry, lc_buf *differences) {
  json_t *sql = json_object_get(entry, "sql"), *subscribe = json_object_get(entry, "subscribe"),
         *one_off = json_object_get(entry, "one_off_query");
  json_t *texts = json_array();
  if (json_is_array(sql)) {
    json_array_extend(texts, sql);
  } else {
    lc_buf text = {0};
    sql_of(entry, &text);
    json_array_append_new(texts, json_stringn(lc_buf_cstr(&text), text.len));
    lc_buf_deinit(&text);
  }
  check_outcome(subscribe, text_of(entry, "as"), texts, true, differences);
  if (one_off) check_outcome(json_is_string(one_off) ? subscribe : one_off, text_of(entry, "as"), texts, false, differences);
  json_decref(texts);
}

TEST(recorded_subscriptions_are_accepted_and_give_the_recorded_rows) {
  set_up();
  expect(replay("subscribe-1.jsonl", check_query) > 180);
}

TEST(recorded_subscriptions_are_accepted_and_give_the_recorded_rows_continued) {
  set_up();
  expect(replay("subscribe-2.jsonl", check_query) > 150);
}

/* ---- deltas ---- */

/* Changes that were not made by SQL, by the name of the step: rows inserted (+) and deleted (-) in one transaction. */
static void make_changes(const char *step) {
  FILE *file = fopen(SQL_VECTORS "deltas-v2-steps.jsonl", "r");
  char line[4096];
  bool found = false;
  while (fgets(line, sizeof line, file)) {
    json_t *entry = json_loads(line, 0, NULL), *change;
    size_t i;
    if (strcmp(text_of(entry, "do"), step) == 0) {
      found = true;
      json_array_foreach(json_object_get(entry, "changes"), i, change) {
        const char *table = json_string_value(json_array_get(change, 1)), *hex = json_string_value(json_array_get(change, 2));
        if (strcmp(json_string_value(json_array_get(change, 0)), "+") == 0) {
          insert_hex(table, hex);
          continue;
        }
        lc_buf row = hex_bytes(hex);
        expect(lc_table_delete_equal(lc_store_table_by_name(store, lc_str_of(table)), lc_buf_span(&row)));
        lc_buf_deinit(&row);
      }
    }
    json_decref(entry);
  }
  fclose(file);
  if (!found) lc_test_fail("no changes for step %s", step);
}

/* Runs a step in a transaction of its own; the delta is valid until the next one begins. */
static lc_err run_step(const char *step, const lc_delta **delta) {
  static const char *const verbs[] = {"INSERT ", "UPDATE ", "DELETE "};
  bool is_sql = false;
  for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) is_sql |= strncmp(step, verbs[i], strlen(verbs[i])) == 0;
  lc_query_context context = context_of("owner");
  lc_store_begin(store);
  if (is_sql) {
    lc_sql_result result;
    lc_err err = lc_sql_run(&context, lc_str_of(step), &result);
    if (lc_failed(err)) {
      lc_store_abort(store);
      return err;
    }
    lc_sql_result_deinit(&result);
  } else {
    make_changes(step);
  }
  lc_store_commit(store, delta);
  return lc_ok();
}

/* Whether a recorded update ({inserts, deletes} or {events}) is this delta. */
static bool is_update(json_t *update, const lc_row_list *inserts, const lc_row_list *deletes, const lc_type *type) {
  lc_buf differences = {0};
  json_t *none = json_array(), *events = json_object_get(update, "events");
  json_t *expected_deletes = json_object_get(update, "deletes");
  compare_rows(&differences, "inserts", events ? events : json_object_get(update, "inserts"), inserts, type);
  compare_rows(&differences, "deletes", expected_deletes ? expected_deletes : none, deletes, type);
  bool same = differences.len == 0;
  json_decref(none);
  lc_buf_deinit(&differences);
  return same;
}

/* All updates of the recorded messages of one step, in one list; their order is not promised. */
static json_t *updates_of(json_t *messages) {
  json_t *updates = json_array(), *message, *set, *table;
  size_t m, s, t;
  json_array_foreach(messages, m, message) {
    json_t *sets = json_object_get(message, "TransactionUpdate"), *v1_tables = json_object_get(message, "tables");
    json_array_foreach(v1_tables, t, table) json_array_extend(updates, json_object_get(table, "updates"));
    json_array_foreach(sets, s, set) {
      json_array_foreach(json_object_get(set, "tables"), t, table) json_array_extend(updates, json_object_get(table, "updates"));
    }
  }
  return updates;
}

static void compare_deltas(const char *step, json_t *messages, const query_set *set, const lc_delta *delta, lc_buf *differences) {
  json_t *updates = updates_of(messages);
  for (size_t i = 0; i < set->count; i++) {
    lc_row_list inserts = {0}, deletes = {0};
    const lc_type *type = lc_table_layout(lc_query_table(set->items[i]))->row;
    expect_ok(lc_query_delta(set->items[i], delta, &inserts, &deletes));
    if (inserts.count || deletes.count) {
      size_t u = 0;
      while (u < json_array_size(updates) && !is_update(json_array_get(updates, u), &inserts, &deletes, type)) u++;
      if (u < json_array_size(updates))
        json_array_remove(updates, u);
      else
        lc_buf_printf(differences, "  %s: query %zu has %u inserts and %u deletes that were not recorded\n", step, i, inserts.count,
                      deletes.count);
    }
    lc_row_list_deinit(&inserts);
    lc_row_list_deinit(&deletes);
  }
  if (json_array_size(updates)) note_difference(differences, step, updates, NULL);
  json_decref(updates);
}

/* A case: its queries, their first rows, then its steps. Every step runs, since the cases share one database. */
static void check_deltas(json_t *entry, lc_buf *differences) {
  json_t *applied = json_object_get(entry, "initial"), *text, *step; /* v1: the rows, or the error */
  if (applied == NULL) applied = json_object_get(json_object_get(entry, "subscribe"), "SubscribeApplied");
  bool is_v1 = json_object_get(entry, "initial") != NULL, accepted = json_is_array(applied);
  query_set set = {0};
  lc_err err = lc_ok();
  size_t i;
  json_array_foreach(json_object_get(entry, "queries"), i, text) if (!lc_failed(err)) err = set_add(&set, "owner", text);
  if (is_v1 && !lc_failed(err) && reads_events(&set)) err = lc_fail(LC_ERR_SQL, "event table over v1");
  if (accepted == lc_failed(err)) note_acceptance(differences, "subscribe", applied, err);
  if (lc_failed(err))
    set_destroy(&set);
  else
    compare_tables(differences, "first rows", applied, &set, false);

  json_array_foreach(json_object_get(entry, "steps"), i, step) {
    const lc_delta *delta;
    const char *what = text_of(step, is_v1 ? "sql" : "do");
    err = run_step(what, &delta);
    if (lc_failed(err) == (json_integer_value(json_object_get(step, "status")) == 200))
      note_acceptance(differences, what, json_object_get(step, "error"), err);
    if (!lc_failed(err)) compare_deltas(what, json_object_get(step, "messages"), &set, delta, differences);
  }
  set_destroy(&set);
}

TEST(recorded_transactions_change_results_as_recorded) {
  set_up();
  expect(replay("deltas.jsonl", check_deltas) >= 5);
}

TEST(recorded_events_and_sets_change_results_as_recorded) {
  set_up();
  expect(replay("deltas-v2.jsonl", check_deltas) >= 5);
}
