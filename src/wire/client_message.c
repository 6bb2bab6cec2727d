/* What clients send, as BSATN: a walk over the message's row. The error texts are the reference's; they become the reason of Close 1011. */
#include "wire/wire_internal.h"

/* ---- decoding ---- */

static lc_err too_short(const char *what, size_t expected, size_t given) {
  return lc_fail(LC_ERR_PROTOCOL, "data too short for %s: Expected %zu, given %zu", what, expected, given);
}

static inline lc_err take_u32(lc_cursor *from, uint32_t *value) {
  if (__builtin_expect(lc_cursor_left(from) < 4, 0)) return too_short("u32", 4, lc_cursor_left(from));
  *value = lc_load32(from->at);
  from->at += 4;
  return lc_ok();
}

static inline lc_err take_bytes(lc_cursor *from, lc_span *bytes) {
  uint32_t len = 0;
  LC_TRY(take_u32(from, &len));
  if (__builtin_expect(lc_cursor_left(from) < len, 0)) return too_short("[u8]", len, lc_cursor_left(from));
  *bytes = (lc_span){from->at, len};
  from->at += len;
  return lc_ok();
}

/* Names are ASCII nearly always: eight bytes at a time decide that. */
static inline bool is_ascii(lc_span bytes) {
  uint64_t seen = 0;
  size_t i = 0;
  for (; i + 8 <= bytes.len; i += 8) seen |= lc_load64(bytes.ptr + i);
  for (; i < bytes.len; i++) seen |= bytes.ptr[i];
  return (seen & 0x8080808080808080u) == 0;
}

static inline lc_err take_str(lc_cursor *from, lc_str *text) {
  lc_span bytes = {0};
  LC_TRY(take_bytes(from, &bytes));
  if (__builtin_expect(!is_ascii(bytes), 0) && !lc_utf8_valid(bytes.ptr, bytes.len)) return lc_fail(LC_ERR_PROTOCOL, "invalid utf8");
  *text = (lc_str){(const char *)bytes.ptr, bytes.len};
  return lc_ok();
}

/* The count is not believed: the elements are checked first, so that memory is only taken for those that exist (W1). */
static lc_err take_strs(lc_cursor *from, lc_arena *arena, lc_str **texts, uint32_t *count) {
  LC_TRY(take_u32(from, count));
  lc_cursor probe = *from;
  lc_str text = {0};
  for (uint32_t i = 0; i < *count; i++) LC_TRY(take_str(&probe, &text));
  *texts = lc_arena_alloc(arena, *count * sizeof **texts);
  for (uint32_t i = 0; i < *count; i++) LC_TRY(take_str(from, &(*texts)[i]));
  return lc_ok();
}

static lc_err take_set(lc_cursor *from, lc_arena *arena, lc_query_set_request *set) {
  LC_TRY(take_u32(from, &set->query_set_id));
  return take_strs(from, arena, &set->queries, &set->query_count);
}

static lc_err take_sets(lc_cursor *from, lc_arena *arena, lc_client_message *message) {
  LC_TRY(take_u32(from, &message->set_count));
  /* Every set has at least 8 bytes. A count that cannot be true is left to fail where the reference fails: at the first missing field. */
  uint32_t room = (uint32_t)(lc_cursor_left(from) / 8);
  message->sets = lc_arena_alloc(arena, (message->set_count < room ? message->set_count : room) * sizeof *message->sets);
  for (uint32_t i = 0; i < message->set_count; i++) {
    lc_query_set_request set = {0};
    LC_TRY(take_set(from, arena, &set));
    lc_assert(i < room);
    message->sets[i] = set;
  }
  return lc_ok();
}

static inline lc_err take_flags(lc_cursor *from, const lc_client_row *row, uint8_t *flags) {
  if (lc_cursor_left(from) < 1) return too_short("u8", 1, 0);
  *flags = *from->at++;
  if (__builtin_expect(*flags > row->flags_max, 0)) return lc_fail(LC_ERR_PROTOCOL, row->flags_wrong, *flags);
  return lc_ok();
}

static inline lc_err take_field(lc_client_field_kind kind, const lc_client_row *row, lc_cursor *from, lc_arena *arena,
                                lc_client_message *message) {
  switch (kind) {
    case LC_FIELD_REQUEST_ID:
      return take_u32(from, &message->request_id);
    case LC_FIELD_QUERY_SET_ID:
      return take_u32(from, &message->query_set_id);
    case LC_FIELD_FLAGS:
      return take_flags(from, row, &message->flags);
    case LC_FIELD_FUNCTION:
      return take_str(from, &message->function);
    case LC_FIELD_ARGUMENTS:
      return take_bytes(from, &message->arguments);
    case LC_FIELD_MESSAGE_ID:
      return take_bytes(from, &message->message_id);
    case LC_FIELD_QUERY:
      return take_str(from, &message->query);
    case LC_FIELD_QUERIES:
      return take_strs(from, arena, &message->queries, &message->query_count);
    case LC_FIELD_SETS:
      return take_sets(from, arena, message);
    case LC_FIELD_END:
      break;
  }
  return lc_ok();
}

static lc_err decode_bsatn(const lc_client_table *table, lc_cursor *from, lc_arena *arena, lc_client_message *message) {
  if (lc_cursor_left(from) == 0) return too_short("u8", 1, 0);
  uint8_t tag = *from->at++;
  if (tag >= table->count) return lc_fail(LC_ERR_PROTOCOL, "unknown tag 0x%x for sum type ClientMessage", tag);
  const lc_client_row *row = &table->rows[tag];
  message->kind = row->kind;
  for (int i = 0; i < LC_CLIENT_FIELDS && row->fields[i].kind != LC_FIELD_END; i++) {
    LC_TRY(take_field(row->fields[i].kind, row, from, arena, message));
  }
  return lc_ok();
}

/* In two steps, which become a few wide stores; one step of this size becomes a string instruction that costs more than the whole decoding
 * of a call. */
static inline void clear(lc_client_message *message) {
  enum { HALF = 64 };
  static_assert(sizeof *message > HALF && sizeof *message <= 2 * HALF, "both steps must stay small");
  memset(message, 0, HALF);
  memset((uint8_t *)message + HALF, 0, sizeof *message - HALF);
}

lc_err lc_client_message_decode(lc_protocol protocol, bool is_text, lc_cursor *from, lc_arena *arena, lc_client_message *message) {
  clear(message);
  if (lc_protocol_is_v1(protocol)) {
    if (is_text) {
      lc_str text = {(const char *)from->at, lc_cursor_left(from)};
      from->at = from->end;
      LC_TRY(lc__client_json_decode(text, arena, message));
    } else {
      LC_TRY(decode_bsatn(&lc__client_v1, from, arena, message));
    }
  } else {
    if (is_text) return lc_fail(LC_ERR_PROTOCOL, "v%d websocket does not support text messages", protocol == LC_PROTOCOL_V3 ? 3 : 2);
    if (protocol == LC_PROTOCOL_V3 && lc_cursor_left(from) == 0) {
      return lc_fail(LC_ERR_PROTOCOL, "v3 websocket binary payload must contain at least one v2 client message");
    }
    LC_TRY(decode_bsatn(&lc__client_v2, from, arena, message));
  }
  if (message->query.ptr) {
    message->queries = &message->query;
    message->query_count = 1;
  }
  return lc_ok();
}

/* ---- encoding ---- */

static void put_strs(lc_buf *to, const lc_str *texts, uint32_t count) {
  lc_buf_put32(to, count);
  for (uint32_t i = 0; i < count; i++) lc_buf_put_sized(to, texts[i].ptr, texts[i].len);
}

static void put_field(lc_client_field_kind kind, const lc_client_message *message, lc_buf *to) {
  switch (kind) {
    case LC_FIELD_REQUEST_ID:
      lc_buf_put32(to, message->request_id);
      break;
    case LC_FIELD_QUERY_SET_ID:
      lc_buf_put32(to, message->query_set_id);
      break;
    case LC_FIELD_FLAGS:
      lc_buf_put8(to, message->flags);
      break;
    case LC_FIELD_FUNCTION:
      lc_buf_put_sized(to, message->function.ptr, message->function.len);
      break;
    case LC_FIELD_ARGUMENTS:
      lc_buf_put_sized(to, message->arguments.ptr, message->arguments.len);
      break;
    case LC_FIELD_MESSAGE_ID:
      lc_buf_put_sized(to, message->message_id.ptr, message->message_id.len);
      break;
    case LC_FIELD_QUERY:
      lc_buf_put_sized(to, message->query.ptr, message->query.len);
      break;
    case LC_FIELD_QUERIES:
      put_strs(to, message->queries, message->query_count);
      break;
    case LC_FIELD_SETS:
      lc_buf_put32(to, message->set_count);
      for (uint32_t i = 0; i < message->set_count; i++) {
        lc_buf_put32(to, message->sets[i].query_set_id);
        put_strs(to, message->sets[i].queries, message->sets[i].query_count);
      }
      break;
    case LC_FIELD_END:
      break;
  }
}

void lc_client_message_encode(lc_protocol protocol, const lc_client_message *message, lc_buf *to) {
  const lc_client_table *table = lc_protocol_is_v1(protocol) ? &lc__client_v1 : &lc__client_v2;
  uint32_t tag = 0;
  while (tag < table->count && table->rows[tag].kind != message->kind) tag++;
  lc_assert(tag < table->count);
  const lc_client_row *row = &table->rows[tag];
  if (protocol == LC_PROTOCOL_V1_JSON) {
    lc__client_json_encode(row, message, to);
    return;
  }
  lc_buf_put8(to, (uint8_t)tag);
  for (int i = 0; i < LC_CLIENT_FIELDS && row->fields[i].kind != LC_FIELD_END; i++) put_field(row->fields[i].kind, message, to);
}
