/* What no recording shows: bounds on what untrusted text can cost, queries kept equal by deltas, and rules of later versions. */
#include "fixture.h"
#include "query/ast.h"

static const lc_query_context *owner(void) {
  static lc_query_context context;
  context = context_of("owner");
  return &context;
}

static void expect_count(const char *sql, uint32_t rows) {
  lc_query_context context = context_of("owner");
  lc_sql_result result;
  lc_err err = lc_sql_run(&context, lc_str_of(sql), &result);
  if (lc_failed(err)) lc_test_fail("%.100s: %s", sql, lc_err_text(err));
  expect_equal(result.rows.count, rows);
  lc_sql_result_deinit(&result);
}

TEST(Q1_ranges_of_an_index_give_what_a_scan_gives) {
  set_up();
  expect_count("SELECT * FROM player WHERE level > 1 AND level < 5", 3);
  expect_count("SELECT * FROM player WHERE level >= 2 AND level <= 5 AND alive = true", 3);
  expect_count("SELECT * FROM player WHERE level > 5", 0);
  expect_count("SELECT * FROM player WHERE 3 <= level", 3);
  expect_count("SELECT * FROM player WHERE level = 2 OR level = 5", 4);
}

TEST(Q4_chains_and_nesting_are_bounded) {
  set_up();
  lc_query_context context = context_of("owner");
  lc_query *query;
  for (int terms = 1599; terms <= 1602; terms++) {
    lc_buf sql = {0};
    lc_buf_put_text(&sql, "SELECT * FROM guild WHERE id = 10");
    for (int i = 1; i < terms; i++) lc_buf_put_text(&sql, " OR id = 1");
    lc_err err = lc_query_compile(&context, lc_buf_str(&sql), &query);
    expect_equal(lc_failed(err), terms > 1600);
    if (!lc_failed(err)) lc_query_destroy(query);
    lc_buf_deinit(&sql);
  }
  lc_buf deep = {0};
  lc_buf_put_text(&deep, "SELECT * FROM guild WHERE ");
  for (int i = 0; i < 20000; i++) lc_buf_put8(&deep, '(');
  expect_error(lc_query_compile(&context, lc_buf_str(&deep), &query), LC_ERR_SQL);
  lc_buf_deinit(&deep);
}

/* L9 for one query: what the client holds plus the deltas is what the query gives, through random changes. */
TEST(L9_deltas_keep_a_copy_equal_to_the_result) {
  set_up();
  lc_query_context context = context_of("owner");
  lc_query *query;
  expect_ok(lc_query_compile(&context, LC_STR("SELECT * FROM noidx WHERE b > 20 AND (a < 500 OR a = 700)"), &query));
  lc_table *table = lc_store_table_by_name(store, LC_STR("noidx"));
  enum { KEYS = 1000 };
  static bool held[KEYS][64];
  lc_row_list rows = {0};
  expect_ok(lc_query_rows(query, &rows));
  for (uint32_t i = 0; i < rows.count; i++)
    held[lc_load32(lc_row_list_get(&rows, i).ptr)][lc_load32(lc_row_list_get(&rows, i).ptr + 4)] = true;
  srand(7);
  for (int step = 0; step < 3000; step++) {
    lc_store_begin(store);
    for (int change = 0; change < 5; change++) {
      uint32_t row[2] = {(uint32_t)rand() % KEYS, (uint32_t)rand() % 64};
      lc_insert_result inserted;
      if (rand() % 2)
        expect_ok(lc_table_insert(table, lc_span_of(row, sizeof row), &inserted));
      else
        lc_table_delete_equal(table, lc_span_of(row, sizeof row));
    }
    if (rand() % 4 == 0) {
      lc_store_abort(store);
      continue;
    }
    const lc_delta *delta;
    lc_store_commit(store, &delta);
    lc_row_list inserts = {0}, deletes = {0};
    expect_ok(lc_query_delta(query, delta, &inserts, &deletes));
    for (uint32_t i = 0; i < deletes.count; i++) {
      bool *slot = &held[lc_load32(lc_row_list_get(&deletes, i).ptr)][lc_load32(lc_row_list_get(&deletes, i).ptr + 4)];
      expect(*slot);
      *slot = false;
    }
    for (uint32_t i = 0; i < inserts.count; i++) {
      bool *slot = &held[lc_load32(lc_row_list_get(&inserts, i).ptr)][lc_load32(lc_row_list_get(&inserts, i).ptr + 4)];
      expect(!*slot);
      *slot = true;
    }
    lc_row_list_deinit(&inserts);
    lc_row_list_deinit(&deletes);
  }
  uint32_t count = 0;
  for (int a = 0; a < KEYS; a++)
    for (int b = 0; b < 64; b++) count += held[a][b];
  lc_row_list_clear(&rows);
  expect_ok(lc_query_rows(query, &rows));
  expect_equal(rows.count, count);
  for (uint32_t i = 0; i < rows.count; i++)
    expect(held[lc_load32(lc_row_list_get(&rows, i).ptr)][lc_load32(lc_row_list_get(&rows, i).ptr + 4)]);
  lc_row_list_deinit(&rows);
  lc_query_destroy(query);
}

TEST(row_lists_keep_offsets_only_when_rows_differ_in_length) {
  lc_row_list list = {0};
  lc_row_list_add(&list, (const uint8_t *)"ab", 2);
  lc_row_list_add(&list, (const uint8_t *)"cd", 2);
  expect_equal(list.row_size, 2);
  lc_row_list_add(&list, (const uint8_t *)"efg", 3);
  lc_row_list_add(&list, (const uint8_t *)"", 0);
  expect_equal(list.row_size, 0);
  expect_equal(list.count, 4);
  lc_span second = lc_row_list_get(&list, 1), third = lc_row_list_get(&list, 2), last = lc_row_list_get(&list, 3);
  expect_bytes(second.ptr, second.len, "cd", 2);
  expect_bytes(third.ptr, third.len, "efg", 3);
  expect_equal(last.len, 0);
  lc_row_list_deinit(&list);
}

/* ---- bounds ---- */

/* As recorded of the reference: 47 levels are taken, 48 are not. */
TEST(Q4_parentheses_nest_as_deep_as_recorded) {
  set_up();
  for (int depth = 47; depth <= 48; depth++) {
    lc_buf sql = {0};
    lc_query *query = NULL;
    lc_buf_put_text(&sql, "SELECT * FROM guild WHERE ");
    for (int i = 0; i < depth; i++) lc_buf_put8(&sql, '(');
    lc_buf_put_text(&sql, "id = 10");
    for (int i = 0; i < depth; i++) lc_buf_put8(&sql, ')');
    lc_err err = lc_query_compile(owner(), lc_buf_str(&sql), &query);
    expect_equal(lc_failed(err), depth > 47);
    lc_query_destroy(query);
    lc_buf_deinit(&sql);
  }
}

TEST(Q4_a_where_clause_has_bounded_height) {
  set_up();
  lc_query *query;
  lc_buf chain = {0}, nested = {0};
  lc_buf_put_text(&chain, "SELECT * FROM player WHERE alive");
  for (int i = 0; i < 5000; i++) lc_buf_put_text(&chain, " = alive");
  expect_error(lc_query_compile(owner(), lc_buf_str(&chain), &query), LC_ERR_SQL);
  /* What builders write, one parenthesis and two operators a level, stays far below. */
  lc_buf_put_text(&nested, "SELECT * FROM player WHERE ");
  for (int i = 0; i < 47; i++) lc_buf_put_text(&nested, "(id = 1 OR level = 2 AND ");
  lc_buf_put_text(&nested, "alive");
  for (int i = 0; i < 47; i++) lc_buf_put8(&nested, ')');
  expect_ok(lc_query_compile(owner(), lc_buf_str(&nested), &query));
  lc_query_destroy(query);
  lc_buf_deinit(&chain);
  lc_buf_deinit(&nested);
}

/* A parse takes memory in proportion to its text, whatever the text. */
TEST(Q4_a_parse_takes_memory_in_proportion_to_its_text) {
  static const struct {
    const char *head, *part, *tail;
  } texts[] = {
      {"INSERT INTO t (a) VALUES ('')", ",('')", ""},
      {"SELECT * FROM t WHERE a = 1", " OR a=''", " x"},
      {"SELECT \"\"", ",\"\"", " FROM t"},
      {"SELECT a", ".a", " FROM t"},
      {"UPDATE t SET a=1", ",a=1", ""},
      {"SELECT * FROM t WHERE ", "(", ""},
      {"SELECT * FROM t WHERE a = '", "''", "'"},
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    lc_buf sql = {0};
    lc_arena arena = {0};
    lc__statement statement;
    lc_buf_put_text(&sql, texts[i].head);
    while (sql.len + strlen(texts[i].part) + strlen(texts[i].tail) <= LC__SQL_TEXT_MAX) lc_buf_put_text(&sql, texts[i].part);
    lc_buf_put_text(&sql, texts[i].tail);
    (void)lc_failed(lc__sql_parse(&arena, LC_DIALECT_STATEMENT, lc_buf_str(&sql), &statement));
    if (lc_arena_size(&arena) > 200 * (size_t)LC__SQL_TEXT_MAX)
      lc_test_fail("%s%s… took %zu bytes", texts[i].head, texts[i].part, lc_arena_size(&arena));
    lc_arena_deinit(&arena);
    lc_buf_deinit(&sql);
  }
}

TEST(an_answer_is_bounded) {
  set_up();
  lc_query_context context = context_of("owner");
  lc_sql_result result;
  lc_query *query;
  lc_row_list rows = {0};
  context.rows_max = 100;
  expect_ok(lc_sql_run(&context, LC_STR("SELECT id FROM player"), &result)); /* 6 rows of 4 bytes, and 8 for each row */
  lc_sql_result_deinit(&result);
  expect_error(lc_sql_run(&context, LC_STR("SELECT id, level, guild FROM player"), &result), LC_ERR_TOO_LARGE);
  expect_error(lc_sql_run(&context, LC_STR("SELECT * FROM player"), &result), LC_ERR_TOO_LARGE);
  expect_ok(lc_sql_run(&context, LC_STR("SELECT * FROM player LIMIT 1"), &result));
  lc_sql_result_deinit(&result);
  expect_ok(lc_sql_run(&context, LC_STR("SELECT COUNT(*) AS n FROM player"), &result));
  lc_sql_result_deinit(&result);
  expect_ok(lc_query_compile(&context, LC_STR("SELECT * FROM player"), &query));
  expect_error(lc_query_rows(query, &rows), LC_ERR_TOO_LARGE);
  lc_row_list_deinit(&rows);
  lc_query_destroy(query);
  lc_store_begin(store);
  expect_error(lc_sql_run(&context, LC_STR("UPDATE player SET level = 9"), &result), LC_ERR_TOO_LARGE);
  expect(!lc_store_has_changes(store));
  lc_store_abort(store);
}

/* One column chosen thousands of times: the row alone would be over the limit, and is never built. */
TEST(a_row_of_an_answer_is_bounded) {
  set_up();
  lc_sql_result result;
  lc_buf sql = {0}, row = {0};
  lc_buf_put32(&row, 900);
  lc_buf_put32(&row, 1 << 20);
  memset(lc_buf_extend(&row, 1 << 20), 'x', 1 << 20);
  lc_insert_result inserted;
  lc_store_begin(store);
  expect_ok(lc_table_insert(lc_store_table_by_name(store, LC_STR("priv_t")), lc_buf_span(&row), &inserted));
  lc_buf_put_text(&sql, "SELECT id");
  for (int i = 0; i < 2000; i++) lc_buf_printf(&sql, ", x AS x%d", i);
  lc_buf_put_text(&sql, " FROM priv_t WHERE id = 900");
  lc_query_context context = context_of("owner");
  context.rows_max = 8 << 20;
  lc_err err = lc_sql_run(&context, lc_buf_str(&sql), &result);
  expect_error(err, LC_ERR_TOO_LARGE);
  expect(strncmp(lc_err_text(err), "a row of the answer", 19) == 0);
  lc_store_abort(store);
  lc_buf_deinit(&sql);
  lc_buf_deinit(&row);
}

TEST(messages_stay_valid_text_however_long_the_statement) {
  set_up();
  lc_query *query;
  for (int shift = 0; shift < 4; shift++) {
    static const int lengths[] = {500, 4000};
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
      lc_buf sql = {0};
      lc_buf_printf(&sql, "%*sSELECT * FROM \"", shift, "");
      for (int i = 0; i < lengths[l]; i++) lc_buf_put_text(&sql, i % 2 ? "\xf0\x9f\x98\x80" : "\xe2\x82\xac");
      lc_buf_put_text(&sql, "\" JOIN x");
      lc_err err = lc_query_compile(owner(), lc_buf_str(&sql), &query);
      expect_error(err, LC_ERR_SQL);
      expect(lc_utf8_valid((const uint8_t *)lc_err_text(err), strlen(lc_err_text(err))));
      while (sql.len <= LC__SQL_TEXT_MAX) lc_buf_put_text(&sql, "\xc3\xa9");
      err = lc_query_compile(owner(), lc_buf_str(&sql), &query);
      expect(lc_utf8_valid((const uint8_t *)lc_err_text(err), strlen(lc_err_text(err))));
      lc_buf_deinit(&sql);
    }
  }
}

/* ---- rules of versions after the recordings ---- */

/* Outbox tables are refused as in 2.12, whatever rows would match; scheduled tables are written, on purpose (docs/compatibility.md). */
TEST(outbox_tables_are_not_written_by_sql_and_scheduled_tables_are) {
  set_up();
  lc_query_context context = context_of("owner");
  lc_sql_result result;
  lc_store_begin(store);
  expect_ok(lc_sql_run(&context, LC_STR("DELETE FROM sched WHERE scheduled_id = 12345"), &result));
  lc_sql_result_deinit(&result);
  expect_ok(lc_sql_run(&context, LC_STR("DELETE FROM guild WHERE id = 12345"), &result));
  lc_sql_result_deinit(&result);
  /* table_id, remote_reducer, target_column, no arg_columns, no on_result_reducer, no signature_hash */
  lc_buf row = {0};
  lc_buf_put32(&row, lc_table_id(lc_store_table_by_name(store, LC_STR("guild"))));
  lc_buf_put_sized(&row, "r", 1);
  lc_buf_put16(&row, 0);
  lc_buf_put32(&row, 0);
  lc_buf_put8(&row, 1);
  lc_buf_put_sized(&row, "", 0);
  lc_insert_result inserted;
  expect_ok(lc_table_insert(lc_store_table(store, LC_ST_OUTBOX), lc_buf_span(&row), &inserted));
  expect_error(lc_sql_run(&context, LC_STR("DELETE FROM guild WHERE id = 12345"), &result), LC_ERR_SQL);
  lc_store_abort(store);
  lc_buf_deinit(&row);
}
