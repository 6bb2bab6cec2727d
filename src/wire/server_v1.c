/* Fields of the messages of v1.bsatn (client-protocol 6.2). */
#include "wire/wire_internal.h"

static void put_table_head(lc_buf *to, const lc_table *table) {
  lc_str name = lc_table_name(table);
  lc_buf_put32(to, lc_table_id(table));
  lc_buf_put_sized(to, name.ptr, name.len);
}

/* QUpdate, Uncompressed: deletes first, the opposite of v2. */
static void put_query_update(lc_buf *to, const lc_row_list *deletes, const lc_row_list *inserts) {
  lc_buf_put8(to, 0);
  lc_encode_row_list(to, deletes);
  lc_encode_row_list(to, inserts);
}

static void put_table_update(lc_buf *to, const lc_table *table, const lc_row_list *rows, bool as_deletes) {
  put_table_head(to, table);
  lc_buf_put64(to, lc__row_count(rows));
  lc_buf_put32(to, 1);
  put_query_update(to, as_deletes ? rows : NULL, as_deletes ? NULL : rows);
}

static void put_update(lc_buf *to, const lc_client_update *update) {
  lc_merge merge;
  lc__merge_begin(&merge, update);
  lc_buf_put32(to, merge.tables);
  uint32_t first, count;
  while ((count = lc__merge_next(&merge, &first))) {
    uint64_t rows = 0;
    for (uint32_t i = 0; i < count; i++) {
      const lc_query_update *query = lc__merge_get(&merge, first + i);
      rows += lc__row_count(query->inserts) + lc__row_count(query->deletes);
    }
    put_table_head(to, lc__merge_get(&merge, first)->table);
    lc_buf_put64(to, rows);
    lc_buf_put32(to, count);
    for (uint32_t i = 0; i < count; i++) {
      const lc_query_update *query = lc__merge_get(&merge, first + i);
      put_query_update(to, query->deletes, query->inserts);
    }
  }
  lc__merge_end(&merge);
}

static void put_rows(lc_buf *to, const lc_subscription_rows *rows, bool as_deletes) {
  uint32_t count = rows ? rows->count : 0;
  lc_buf_put32(to, count);
  for (uint32_t i = 0; i < count; i++) put_table_update(to, rows->entries[i].table, &rows->entries[i].rows, as_deletes);
}

static void put_single(lc_buf *to, const lc_server_message *message, bool as_deletes) {
  bool has_entry = message->rows && message->rows->count;
  const lc_table *table = has_entry ? message->rows->entries[0].table : message->table;
  put_table_head(to, table);
  put_table_update(to, table, has_entry ? &message->rows->entries[0].rows : NULL, as_deletes);
}

static void put_one_off_tables(lc_buf *to, const lc_subscription_rows *rows) {
  uint32_t count = rows ? rows->count : 0;
  lc_buf_put32(to, count);
  for (uint32_t i = 0; i < count; i++) {
    lc_str name = lc_table_name(rows->entries[i].table);
    lc_buf_put_sized(to, name.ptr, name.len);
    lc_encode_row_list(to, &rows->entries[i].rows);
  }
}

static void put_call(lc_buf *to, const lc_call_info *call) {
  lc_buf_put_sized(to, call->reducer.ptr, call->reducer.len);
  lc_buf_put32(to, call->reducer_id);
  lc_buf_put_sized(to, call->arguments.ptr, call->arguments.len);
  lc_buf_put32(to, call->request_id);
}

/* UpdateStatus 0 Committed, 1 Failed, 2 OutOfEnergy. */
static void put_status(lc_buf *to, const lc_server_message *message) {
  if (message->status == LC_OUTCOME_OK) {
    lc_buf_put8(to, 0);
    put_update(to, message->update);
  } else if (message->status == LC_OUTCOME_BUDGET) {
    lc_buf_put8(to, 2);
  } else {
    lc_buf_put8(to, 1);
    lc_buf_put_sized(to, message->error.ptr, message->error.len);
  }
}

/* ProcedureStatus 0 Returned, 1 OutOfEnergy, 2 InternalError: not that of v2. */
static void put_procedure_status(lc_buf *to, const lc_server_message *message) {
  if (message->status == LC_OUTCOME_OK) {
    lc_buf_put8(to, 0);
    lc_buf_put_sized(to, message->returned.ptr, message->returned.len);
  } else if (message->status == LC_OUTCOME_BUDGET) {
    lc_buf_put8(to, 1);
  } else {
    lc_buf_put8(to, 2);
    lc_buf_put_sized(to, message->error.ptr, message->error.len);
  }
}

void lc__put_v1(lc_buf *to, lc_server_field_kind kind, const lc_server_message *message) {
  static const uint8_t zeros[16];
  switch (kind) {
    case LC_OUT_V1_STATUS:
      put_status(to, message);
      break;
    case LC_OUT_V1_PROCEDURE_STATUS:
      put_procedure_status(to, message);
      break;
    case LC_OUT_CALLER:
      lc_buf_append(to, message->call->caller.bytes, sizeof message->call->caller.bytes);
      break;
    case LC_OUT_CALLER_CONNECTION:
      lc_buf_append(to, &message->call->caller_connection, sizeof message->call->caller_connection);
      break;
    case LC_OUT_CALL:
      put_call(to, message->call);
      break;
    case LC_OUT_ENERGY:
      lc_buf_append(to, zeros, sizeof zeros);
      break;
    case LC_OUT_UPDATE:
      put_update(to, message->update);
      break;
    case LC_OUT_INSERTS:
      put_rows(to, message->rows, false);
      break;
    case LC_OUT_DELETES:
      put_rows(to, message->rows, true);
      break;
    case LC_OUT_SINGLE_INSERTS:
      put_single(to, message, false);
      break;
    case LC_OUT_SINGLE_DELETES:
      put_single(to, message, true);
      break;
    case LC_OUT_ONE_OFF_TABLES:
      put_one_off_tables(to, message->rows);
      break;
    default:
      lc__put_common(to, kind, message);
  }
}
