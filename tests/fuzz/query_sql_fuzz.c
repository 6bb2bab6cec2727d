/* Any bytes as SQL: compiled against a store with its system tables, in both dialects; the statement is run and rolled back. */
#include "query/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static lc_store *store;
  if (store == NULL) store = lc_store_create();
  lc_query_context context = {.store = store, .is_owner = true};
  lc_str sql = {(const char *)data, size};
  lc_query *query;
  if (!lc_failed(lc_query_compile(&context, sql, &query))) {
    lc_row_list rows = {0};
    (void)lc_failed(lc_query_rows(query, &rows));
    lc_row_list_deinit(&rows);
    lc_query_destroy(query);
  }
  lc_sql_result result;
  lc_store_begin(store);
  if (!lc_failed(lc_sql_run(&context, sql, &result))) lc_sql_result_deinit(&result);
  lc_store_abort(store);
  return 0;
}
