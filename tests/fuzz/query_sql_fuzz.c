/*
 * Any bytes as SQL, in both dialects and for the owner and a stranger, against a store with its system tables and a table `t` that has a
 * column of every comparable type and every kind of index. Statements are rolled back. What reaches a client must be valid text.
 */
#include "base/assert.h"
#include "query/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const lc_type *special(lc_arena *arena, const char *element, lc_type_kind kind) {
  lc_field *field = LC_ARENA_NEW(arena, lc_field);
  *field = (lc_field){lc_str_of(element), lc_type_primitive(kind)};
  return lc_type_product(arena, field, 1);
}

static lc_store *make_store(void) {
  enum { COLUMNS = 14 };
  static lc_arena arena;
  const lc_field columns[COLUMNS] = {
      {LC_STR("id"), lc_type_primitive(LC_TYPE_U32)},
      {LC_STR("a"), lc_type_primitive(LC_TYPE_U8)},
      {LC_STR("b"), lc_type_primitive(LC_TYPE_I64)},
      {LC_STR("w"), lc_type_primitive(LC_TYPE_I256)},
      {LC_STR("u"), lc_type_primitive(LC_TYPE_U128)},
      {LC_STR("f"), lc_type_primitive(LC_TYPE_F32)},
      {LC_STR("d"), lc_type_primitive(LC_TYPE_F64)},
      {LC_STR("s"), lc_type_primitive(LC_TYPE_STRING)},
      {LC_STR("x"), lc_type_primitive(LC_TYPE_BOOL)},
      {LC_STR("y"), lc_type_array(&arena, lc_type_primitive(LC_TYPE_U8))},
      {LC_STR("i"), special(&arena, "__identity__", LC_TYPE_U256)},
      {LC_STR("c"), special(&arena, "__connection_id__", LC_TYPE_U128)},
      {LC_STR("at"), special(&arena, "__timestamp_micros_since_unix_epoch__", LC_TYPE_I64)},
      {LC_STR("z"), special(&arena, "__uuid__", LC_TYPE_U128)},
  };
  lc_field *fields = lc_arena_copy(&arena, columns, sizeof columns);
  lc_column_def *defs = LC_ARENA_ARRAY(&arena, lc_column_def, COLUMNS);
  for (int i = 0; i < COLUMNS; i++)
    defs[i] = (lc_column_def){.name = fields[i].name, .source_name = fields[i].name, .type = fields[i].type};
  lc_type *row = lc_type_product(&arena, fields, COLUMNS);
  lc_typespace space = {.types = &row, .count = 1};
  static uint16_t id[] = {0}, ab[] = {1, 2}, s[] = {7}, d[] = {6}, a[] = {1};
  lc_index_def indexes[] = {
      {.name = LC_STR("by_id"), .source_name = LC_STR("by_id"), .kind = LC_INDEX_DIRECT, .columns = id, .column_count = 1},
      {.name = LC_STR("by_ab"), .source_name = LC_STR("by_ab"), .kind = LC_INDEX_BTREE, .columns = ab, .column_count = 2},
      {.name = LC_STR("by_s"), .source_name = LC_STR("by_s"), .kind = LC_INDEX_BTREE, .columns = s, .column_count = 1},
      {.name = LC_STR("by_d"), .source_name = LC_STR("by_d"), .kind = LC_INDEX_BTREE, .columns = d, .column_count = 1},
      {.name = LC_STR("by_a"), .source_name = LC_STR("by_a"), .kind = LC_INDEX_HASH, .columns = a, .column_count = 1},
  };
  lc_constraint_def unique = {LC_STR("unique_id"), id, 1};
  lc_err err = lc_typespace_link(&space);
  lc_assert(!lc_failed(err));
  lc_table_def def = {.name = LC_STR("t"),
                      .source_name = LC_STR("t"),
                      .row = row,
                      .layout = lc_layout_create(&arena, row),
                      .columns = defs,
                      .column_count = COLUMNS,
                      .primary_key = 0,
                      .indexes = indexes,
                      .index_count = sizeof indexes / sizeof *indexes,
                      .constraints = &unique,
                      .constraint_count = 1,
                      .is_public = true};
  lc_store *store = lc_store_create();
  lc_store_begin(store);
  lc_table *table;
  err = lc_store_create_table(store, &def, &table);
  lc_assert(!lc_failed(err));
  for (uint32_t i = 0; i < 40; i++) {
    lc_buf bytes = {0};
    lc_insert_result inserted;
    for (int c = 0; c < COLUMNS; c++) { /* zeros but for a small number in front; strings and bytes of one character */
      uint32_t fixed = lc_type_fixed_size(fields[c].type);
      size_t start = bytes.len;
      if (fixed == 0)
        lc_buf_put_sized(&bytes, "x", 1);
      else
        memset(lc_buf_extend(&bytes, fixed), 0, fixed);
      if (fixed) bytes.data[start] = (uint8_t)(fields[c].type->kind == LC_TYPE_BOOL ? i % 2 : c == 0 ? i : i % 5);
    }
    err = lc_table_insert(table, lc_buf_span(&bytes), &inserted);
    lc_assert(!lc_failed(err));
    lc_buf_deinit(&bytes);
  }
  const lc_delta *delta;
  lc_store_commit(store, &delta);
  return store;
}

static void check_message(lc_err err) {
  const char *text = lc_err_text(err);
  lc_assert(lc_utf8_valid((const uint8_t *)text, strlen(text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static lc_store *store;
  if (store == NULL) store = make_store();
  lc_str sql = {(const char *)data, size};
  for (int owner = 0; owner < 2; owner++) {
    lc_query_context context = {.store = store, .is_owner = owner != 0};
    lc_query *query;
    lc_err err = lc_query_compile(&context, sql, &query);
    if (lc_failed(err)) {
      check_message(err);
    } else {
      lc_row_list rows = {0};
      err = lc_query_rows(query, &rows);
      lc_assert(!lc_failed(err));
      lc_row_list_deinit(&rows);
      lc_query_destroy(query);
    }
    lc_sql_result result;
    lc_store_begin(store);
    err = lc_sql_run(&context, sql, &result);
    if (lc_failed(err))
      check_message(err);
    else
      lc_sql_result_deinit(&result);
    lc_store_abort(store);
  }
  return 0;
}
