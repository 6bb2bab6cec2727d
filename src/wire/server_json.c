/*
 * Fields of the messages of v1.json (client-protocol 6.7). Rows travel as JSON strings that hold JSON text: rows of a table as objects,
 * rows of a transaction as arrays, like the reference; clients accept both.
 */
#include "sats/json.h"
#include "wire/wire_internal.h"

/* `text` is reused from row to row. */
static void put_row(lc_buf *to, lc_buf *text, const lc_type *type, const uint8_t *at, lc_json_style style) {
  lc_buf_clear(text);
  lc_value_print_json(text, type, &at, style);
  lc_json_put_string(to, lc_buf_str(text));
}

static void put_row_list(lc_buf *to, const lc_table *table, const lc_row_list *rows, lc_json_style style) {
  lc_buf text = {0};
  lc_buf_put8(to, '[');
  for (uint32_t i = 0; rows && i < rows->count; i++) {
    if (i) lc_buf_put8(to, ',');
    put_row(to, &text, lc_table_layout(table)->row, lc_row_list_get(rows, i).ptr, style);
  }
  lc_buf_put8(to, ']');
  lc_buf_deinit(&text);
}

static void put_query_update(lc_buf *to, const lc_table *table, const lc_row_list *deletes, const lc_row_list *inserts,
                             lc_json_style style) {
  lc_buf_put_text(to, "{\"deletes\":");
  put_row_list(to, table, deletes, style);
  lc_buf_put_text(to, ",\"inserts\":");
  put_row_list(to, table, inserts, style);
  lc_buf_put8(to, '}');
}

static void put_table_head(lc_buf *to, const lc_table *table) {
  lc_buf_printf(to, "{\"table_id\":%u,\"table_name\":", lc_table_id(table));
  lc_json_put_string(to, lc_table_name(table));
}

static void put_num_rows(lc_buf *to, uint64_t rows) {
  lc_buf_printf(to, ",\"num_rows\":%llu,\"updates\":[", (unsigned long long)rows);
}

static void put_table_update(lc_buf *to, const lc_table *table, const lc_row_list *rows, bool as_deletes) {
  put_table_head(to, table);
  put_num_rows(to, lc__row_count(rows));
  put_query_update(to, table, as_deletes ? rows : NULL, as_deletes ? NULL : rows, LC_JSON_NAMED);
  lc_buf_put_text(to, "]}");
}

static void put_update(lc_buf *to, const lc_client_update *update) {
  lc_merge merge;
  lc__merge_begin(&merge, update);
  lc_buf_put_text(to, "{\"tables\":[");
  uint32_t first, count;
  for (uint32_t t = 0; (count = lc__merge_next(&merge, &first)); t++) {
    const lc_table *table = lc__merge_get(&merge, first)->table;
    uint64_t rows = 0;
    for (uint32_t i = 0; i < count; i++) {
      const lc_query_update *query = lc__merge_get(&merge, first + i);
      rows += lc__row_count(query->inserts) + lc__row_count(query->deletes);
    }
    if (t) lc_buf_put8(to, ',');
    put_table_head(to, table);
    put_num_rows(to, rows);
    for (uint32_t i = 0; i < count; i++) {
      const lc_query_update *query = lc__merge_get(&merge, first + i);
      if (i) lc_buf_put8(to, ',');
      put_query_update(to, table, query->deletes, query->inserts, LC_JSON_POSITIONAL);
    }
    lc_buf_put_text(to, "]}");
  }
  lc_buf_put_text(to, "]}");
  lc__merge_end(&merge);
}

static void put_rows(lc_buf *to, const lc_subscription_rows *rows, bool as_deletes) {
  lc_buf_put_text(to, "{\"tables\":[");
  for (uint32_t i = 0; rows && i < rows->count; i++) {
    if (i) lc_buf_put8(to, ',');
    put_table_update(to, rows->entries[i].table, &rows->entries[i].rows, as_deletes);
  }
  lc_buf_put_text(to, "]}");
}

static void put_single(lc_buf *to, const lc_server_message *message, bool as_deletes) {
  bool has_entry = message->rows && message->rows->count;
  const lc_table *table = has_entry ? message->rows->entries[0].table : message->table;
  put_table_head(to, table);
  lc_buf_put_text(to, ",\"table_rows\":");
  put_table_update(to, table, has_entry ? &message->rows->entries[0].rows : NULL, as_deletes);
  lc_buf_put8(to, '}');
}

static void put_one_off_tables(lc_buf *to, const lc_subscription_rows *rows) {
  lc_buf_put8(to, '[');
  for (uint32_t i = 0; rows && i < rows->count; i++) {
    if (i) lc_buf_put8(to, ',');
    lc_buf_put_text(to, "{\"table_name\":");
    lc_json_put_string(to, lc_table_name(rows->entries[i].table));
    lc_buf_put_text(to, ",\"rows\":");
    put_row_list(to, rows->entries[i].table, &rows->entries[i].rows, LC_JSON_NAMED);
    lc_buf_put8(to, '}');
  }
  lc_buf_put8(to, ']');
}

static void put_identity(lc_buf *to, const lc_identity *identity) {
  char hex[65];
  lc_u256_hex(hex, identity);
  const char *digits = hex; /* minimal: no leading zeros */
  while (*digits == '0' && digits[1]) digits++;
  lc_buf_printf(to, "{\"__identity__\":\"0x%s\"}", digits);
}

/* A 128-bit number in decimal. */
static void put_connection(lc_buf *to, lc_connection_id connection) {
  unsigned __int128 value = (unsigned __int128)connection.high << 64 | connection.low;
  char digits[40], *at = digits + sizeof digits - 1;
  *at = 0;
  do {
    *--at = (char)('0' + (int)(value % 10));
    value /= 10;
  } while (value);
  lc_buf_printf(to, "{\"__connection_id__\":%s}", at);
}

/* A value as a string that holds JSON; without a type it is an empty list. */
static void put_json_of(lc_buf *to, const lc_type *type, lc_span value) {
  if (type == NULL) {
    lc_buf_put_text(to, "\"[]\"");
    return;
  }
  lc_buf text = {0};
  put_row(to, &text, type, value.ptr, LC_JSON_POSITIONAL);
  lc_buf_deinit(&text);
}

static void put_call(lc_buf *to, const lc_call_info *call) {
  lc_buf_put_text(to, "{\"reducer_name\":");
  lc_json_put_string(to, call->reducer);
  lc_buf_printf(to, ",\"reducer_id\":%u,\"args\":", call->reducer_id);
  if (call->arguments_json.ptr) {
    lc_json_put_string(to, call->arguments_json);
  } else {
    put_json_of(to, call->arguments_type, call->arguments);
  }
  lc_buf_printf(to, ",\"request_id\":%u}", call->request_id);
}

static void put_failure(lc_buf *to, lc_outcome status, const char *failed, lc_str error) {
  if (status == LC_OUTCOME_BUDGET) {
    lc_buf_put_text(to, "{\"OutOfEnergy\":[]}");
    return;
  }
  lc_buf_printf(to, "{\"%s\":", failed);
  lc_json_put_string(to, error);
  lc_buf_put8(to, '}');
}

static void put_status(lc_buf *to, const lc_server_message *message) {
  if (message->status != LC_OUTCOME_OK) {
    put_failure(to, message->status, "Failed", message->error);
    return;
  }
  lc_buf_put_text(to, "{\"Committed\":");
  put_update(to, message->update);
  lc_buf_put8(to, '}');
}

static void put_procedure_status(lc_buf *to, const lc_server_message *message) {
  if (message->status != LC_OUTCOME_OK) {
    put_failure(to, message->status, "InternalError", message->error);
    return;
  }
  lc_buf_put_text(to, "{\"Returned\":");
  put_json_of(to, message->returned_type, message->returned);
  lc_buf_put8(to, '}');
}

static void put_opt32(lc_buf *to, bool some, uint32_t value) {
  if (some) {
    lc_buf_printf(to, "{\"some\":%u}", value);
  } else {
    lc_buf_put_text(to, "{\"none\":[]}");
  }
}

static void put_opt_error(lc_buf *to, const lc_server_message *message) {
  if (message->rows) {
    lc_buf_put_text(to, "{\"none\":[]}");
    return;
  }
  lc_buf_put_text(to, "{\"some\":");
  lc_json_put_string(to, message->error);
  lc_buf_put8(to, '}');
}

static void put_hex(lc_buf *to, lc_span bytes) {
  lc_buf_put8(to, '"');
  for (size_t i = 0; i < bytes.len; i++) lc_buf_printf(to, "%02x", bytes.ptr[i]);
  lc_buf_put8(to, '"');
}

void lc__put_json(lc_buf *to, lc_server_field_kind kind, const lc_server_message *message) {
  switch (kind) {
    case LC_OUT_REQUEST_ID:
      lc_buf_printf(to, "%u", message->request_id);
      break;
    case LC_OUT_QUERY_SET_ID:
      lc_buf_printf(to, "{\"id\":%u}", message->query_set_id);
      break;
    case LC_OUT_IDENTITY:
      put_identity(to, message->identity);
      break;
    case LC_OUT_CONNECTION:
      put_connection(to, message->connection);
      break;
    case LC_OUT_TOKEN:
      lc_json_put_string(to, message->token);
      break;
    case LC_OUT_ERROR:
      lc_json_put_string(to, message->error);
      break;
    case LC_OUT_MESSAGE_ID:
      put_hex(to, message->message_id);
      break;
    case LC_OUT_OPT_REQUEST_ID:
      put_opt32(to, message->has_request_id, message->request_id);
      break;
    case LC_OUT_OPT_QUERY_SET_ID:
      put_opt32(to, message->has_query_set_id, message->query_set_id);
      break;
    case LC_OUT_NO_TABLE_ID:
      put_opt32(to, false, 0);
      break;
    case LC_OUT_OPT_ERROR:
      put_opt_error(to, message);
      break;
    case LC_OUT_TIMESTAMP:
      lc_buf_printf(to, "{\"__timestamp_micros_since_unix_epoch__\":%lld}", (long long)message->timestamp_micros);
      break;
    case LC_OUT_DURATION:
      lc_buf_printf(to, "{\"__time_duration_micros__\":%lld}", (long long)message->duration_micros);
      break;
    case LC_OUT_DURATION_MICROS:
      lc_buf_printf(to, "%lld", (long long)message->duration_micros);
      break;
    case LC_OUT_V1_STATUS:
      put_status(to, message);
      break;
    case LC_OUT_V1_PROCEDURE_STATUS:
      put_procedure_status(to, message);
      break;
    case LC_OUT_CALLER:
      put_identity(to, &message->call->caller);
      break;
    case LC_OUT_CALLER_CONNECTION:
      put_connection(to, message->call->caller_connection);
      break;
    case LC_OUT_CALL:
      put_call(to, message->call);
      break;
    case LC_OUT_ENERGY:
      lc_buf_put_text(to, "{\"quanta\":0}");
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
      lc_assert(!"a field of another protocol");
  }
}
