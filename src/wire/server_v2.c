/* Fields of the messages of v2 and v3 (client-protocol 5.2), and the replies of the hot path. */
#include "wire/wire_internal.h"

static void put_table_name(lc_buf *to, const lc_table *table) {
  lc_str name = lc_table_name(table);
  lc_buf_put_sized(to, name.ptr, name.len);
}

static void put_rows(lc_buf *to, const lc_subscription_rows *rows) {
  uint32_t count = rows ? rows->count : 0;
  lc_buf_put32(to, count);
  for (uint32_t i = 0; i < count; i++) {
    put_table_name(to, rows->entries[i].table);
    lc_encode_row_list(to, &rows->entries[i].rows);
  }
}

static void put_query_update(lc_buf *to, const lc_query_update *query, bool is_event) {
  lc_buf_put8(to, is_event ? 1 : 0);
  lc_encode_row_list(to, query->inserts); /* inserts first; an event table has nothing else */
  if (!is_event) lc_encode_row_list(to, query->deletes);
}

/* Queries come sorted by table: one TableUpdate per run. */
static void put_set_update(lc_buf *to, const lc_set_update *set) {
  lc_buf_put32(to, set->query_set_id);
  size_t count_at = to->len;
  uint32_t tables = 0;
  lc_buf_put32(to, 0);
  for (uint32_t i = 0; i < set->query_count; tables++) {
    const lc_table *table = set->queries[i].table;
    bool is_event = lc_table_def_of(table)->is_event;
    uint32_t end = i + 1;
    while (end < set->query_count && set->queries[end].table == table) end++;
    put_table_name(to, table);
    lc_buf_put32(to, end - i);
    for (; i < end; i++) put_query_update(to, &set->queries[i], is_event);
  }
  lc_store32(to->data + count_at, tables);
}

static void put_query_sets(lc_buf *to, const lc_client_update *update) {
  uint32_t count = update ? update->set_count : 0;
  lc_buf_put32(to, count);
  for (uint32_t i = 0; i < count; i++) put_set_update(to, &update->sets[i]);
}

/* enum{0 …, 1 error}: result<QueryRows, str> and SubscribeSetOutcome alike. */
static void put_rows_or_error(lc_buf *to, const lc_subscription_rows *rows, lc_str error) {
  lc_buf_put8(to, rows ? 0 : 1);
  if (rows) {
    put_rows(to, rows);
  } else {
    lc_buf_put_sized(to, error.ptr, error.len);
  }
}

static void put_set_results(lc_buf *to, const lc_server_message *message) {
  lc_buf_put32(to, message->result_count);
  for (uint32_t i = 0; i < message->result_count; i++) {
    lc_buf_put32(to, message->results[i].query_set_id);
    put_rows_or_error(to, message->results[i].rows, message->results[i].error);
  }
}

/* ReducerOutcome 0 Ok, 2 Err, 3 InternalError; OkEmpty is never sent, as the reference does not. */
static void put_outcome(lc_buf *to, lc_outcome status, lc_str error, const lc_client_update *update) {
  if (status == LC_OUTCOME_OK) {
    lc_buf_put8(to, 0);
    lc_buf_put32(to, 0); /* ret_value: must be empty, the Rust SDK asserts it */
    put_query_sets(to, update);
  } else if (status == LC_OUTCOME_USER_ERROR) {
    lc_buf_put8(to, 2);
    lc_buf_put32(to, (uint32_t)error.len + 4); /* bytes that hold the BSATN of a str: two lengths */
    lc_buf_put_sized(to, error.ptr, error.len);
  } else {
    lc_buf_put8(to, 3);
    lc_buf_put_sized(to, error.ptr, error.len);
  }
}

static void put_procedure_status(lc_buf *to, const lc_server_message *message) {
  bool ok = message->status == LC_OUTCOME_OK;
  lc_buf_put8(to, ok ? 0 : 1);
  lc_span body = ok ? message->returned : lc_str_span(message->error);
  lc_buf_put_sized(to, body.ptr, body.len);
}

void lc__put_v2(lc_buf *to, lc_server_field_kind kind, const lc_server_message *message) {
  switch (kind) {
    case LC_OUT_ROWS:
      put_rows(to, message->rows);
      break;
    case LC_OUT_OPT_ROWS:
      lc_buf_put8(to, message->rows ? 0 : 1);
      if (message->rows) put_rows(to, message->rows);
      break;
    case LC_OUT_ROWS_OR_ERROR:
      put_rows_or_error(to, message->rows, message->error);
      break;
    case LC_OUT_QUERY_SETS:
      put_query_sets(to, message->update);
      break;
    case LC_OUT_OUTCOME:
      put_outcome(to, message->status, message->error, message->update);
      break;
    case LC_OUT_PROCEDURE_STATUS:
      put_procedure_status(to, message);
      break;
    case LC_OUT_SET_RESULTS:
      put_set_results(to, message);
      break;
    default:
      lc__put_common(to, kind, message);
  }
}

/* ---- the hot path ---- */

void lc_encode_update(lc_buf *to, const lc_client_update *update) {
  lc_buf_put8(to, lc__server_v2[LC_TRANSACTION_UPDATE].tag);
  put_query_sets(to, update);
}

enum { REDUCER_OK_SIZE = 1 + 4 + 8 + 1 + 4 + 4 };

void lc_encode_reducer_result(lc_buf *to, uint32_t request_id, const lc_reducer_result *result) {
  lc_buf_reserve(to, REDUCER_OK_SIZE);
  uint8_t *at = to->data + to->len;
  at[0] = 6; /* lc__server_v2[LC_REDUCER_RESULT].tag; the tests compare both ways */
  lc_store32(at + 1, request_id);
  lc_store64(at + 5, (uint64_t)result->timestamp_micros);
  if (__builtin_expect(result->outcome == LC_OUTCOME_OK && result->update.set_count == 0, 1)) {
    memset(at + 13, 0, 9); /* Ok, no value, no query sets */
    to->len += REDUCER_OK_SIZE;
    return;
  }
  to->len += 13;
  lc_str error = result->error ? lc_str_of(result->error) : (lc_str){"", 0};
  put_outcome(to, result->outcome, error, &result->update);
}
