/* What clients get: the walk over the message's row, and the fields that v1 and v2 share. */
#include <stdlib.h>

#include "wire/wire_internal.h"

static void put_opt32(lc_buf *to, bool some, uint32_t value) {
  lc_buf_put8(to, some ? 0 : 1);
  if (some) lc_buf_put32(to, value);
}

void lc__put_common(lc_buf *to, lc_server_field_kind kind, const lc_server_message *message) {
  switch (kind) {
    case LC_OUT_REQUEST_ID:
      lc_buf_put32(to, message->request_id);
      break;
    case LC_OUT_QUERY_SET_ID:
      lc_buf_put32(to, message->query_set_id);
      break;
    case LC_OUT_IDENTITY:
      lc_buf_append(to, message->identity->bytes, sizeof message->identity->bytes);
      break;
    case LC_OUT_CONNECTION:
      lc_buf_append(to, &message->connection, sizeof message->connection);
      break;
    case LC_OUT_TOKEN:
      lc_buf_put_sized(to, message->token.ptr, message->token.len);
      break;
    case LC_OUT_ERROR:
      lc_buf_put_sized(to, message->error.ptr, message->error.len);
      break;
    case LC_OUT_MESSAGE_ID:
      lc_buf_put_sized(to, message->message_id.ptr, message->message_id.len);
      break;
    case LC_OUT_OPT_REQUEST_ID:
      put_opt32(to, message->has_request_id, message->request_id);
      break;
    case LC_OUT_OPT_QUERY_SET_ID:
      put_opt32(to, message->has_query_set_id, message->query_set_id);
      break;
    case LC_OUT_NO_TABLE_ID:
      lc_buf_put8(to, 1);
      break;
    case LC_OUT_OPT_ERROR:
      lc_buf_put8(to, message->rows ? 1 : 0);
      if (!message->rows) lc_buf_put_sized(to, message->error.ptr, message->error.len);
      break;
    case LC_OUT_TIMESTAMP:
      lc_buf_put64(to, (uint64_t)message->timestamp_micros);
      break;
    case LC_OUT_DURATION:
    case LC_OUT_DURATION_MICROS:
      lc_buf_put64(to, (uint64_t)message->duration_micros);
      break;
    default:
      lc_assert(!"a field of another protocol");
  }
}

/* ---- lists of rows (W3) ---- */

void lc_encode_row_list(lc_buf *to, const lc_row_list *rows) {
  uint32_t count = rows ? rows->count : 0;
  size_t len = count ? rows->bytes.len : 0;
  if (count && rows->row_size && rows->row_size <= UINT16_MAX) {
    lc_buf_put8(to, 0);
    lc_buf_put16(to, (uint16_t)rows->row_size);
  } else {
    lc_buf_put8(to, 1);
    lc_buf_put32(to, count);
    uint8_t *at = lc_buf_extend(to, (size_t)count * 8);
    for (uint32_t i = 0; i < count; i++) lc_store64(at + (size_t)i * 8, rows->row_size ? (uint64_t)i * rows->row_size : rows->offsets[i]);
  }
  lc_buf_put_sized(to, len ? rows->bytes.data : NULL, len);
}

/* ---- v1: one entry per table ---- */

static int by_table(const void *a, const void *b) {
  const lc_merge_entry *left = a, *right = b;
  if (left->table_id != right->table_id) return left->table_id < right->table_id ? -1 : 1;
  return left->ordinal < right->ordinal ? -1 : 1;
}

void lc__merge_begin(lc_merge *merge, const lc_client_update *update) {
  *merge = (lc_merge){0};
  if (update == NULL || update->set_count == 0) return;
  if (update->set_count == 1) {
    merge->single = update->sets[0].queries;
    merge->count = update->sets[0].query_count;
  } else {
    for (uint32_t i = 0; i < update->set_count; i++) merge->count += update->sets[i].query_count;
    merge->scratch = malloc((merge->count ? merge->count : 1) * sizeof *merge->scratch);
    lc_assert(merge->scratch != NULL);
    uint32_t filled = 0;
    for (uint32_t i = 0; i < update->set_count; i++) {
      for (uint32_t q = 0; q < update->sets[i].query_count; q++) {
        const lc_query_update *query = &update->sets[i].queries[q];
        merge->scratch[filled] = (lc_merge_entry){lc_table_id(query->table), filled, query};
        filled++;
      }
    }
    qsort(merge->scratch, merge->count, sizeof *merge->scratch, by_table);
  }
  uint32_t first;
  while (lc__merge_next(merge, &first)) merge->tables++;
  merge->at = 0;
}

uint32_t lc__merge_next(lc_merge *merge, uint32_t *first) {
  if (merge->at == merge->count) return 0;
  *first = merge->at++;
  const lc_table *table = lc__merge_get(merge, *first)->table;
  while (merge->at < merge->count && lc__merge_get(merge, merge->at)->table == table) merge->at++;
  return merge->at - *first;
}

void lc__merge_end(lc_merge *merge) {
  free(merge->scratch);
}

/* ---- messages ---- */

void lc_server_message_encode(lc_protocol protocol, const lc_server_message *message, lc_buf *to) {
  bool v1 = lc_protocol_is_v1(protocol), json = protocol == LC_PROTOCOL_V1_JSON;
  const lc_server_row *row = &(v1 ? lc__server_v1 : lc__server_v2)[message->kind];
  lc_assert(row->name != NULL);
  if (json) {
    lc_buf_printf(to, "{\"%s\":{", row->name);
  } else {
    lc_buf_put8(to, row->tag);
  }
  for (int i = 0; i < LC_SERVER_FIELDS && row->fields[i].kind != LC_OUT_END; i++) {
    if (json) {
      lc_buf_printf(to, "%s\"%s\":", i ? "," : "", row->fields[i].name);
      lc__put_json(to, row->fields[i].kind, message);
    } else if (v1) {
      lc__put_v1(to, row->fields[i].kind, message);
    } else {
      lc__put_v2(to, row->fields[i].kind, message);
    }
  }
  if (json) lc_buf_put_text(to, "}}");
}
