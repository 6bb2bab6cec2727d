/* Frames in and out (N4 to N7). */
#include "net/websocket.h"

/* ---- frames in ---- */

void lc_websocket_unmask(uint8_t *bytes, size_t len, const uint8_t mask[static 4]) {
  uint32_t mask32;
  memcpy(&mask32, mask, 4);
  uint64_t mask64 = (uint64_t)mask32 << 32 | mask32;
  size_t i = 0;
  for (; i + 8 <= len; i += 8) lc_store64(bytes + i, lc_load64(bytes + i) ^ mask64);
  for (; i < len; i++) bytes[i] ^= mask[i & 3];
}

static lc_websocket_event violation(const char *reason) {
  return (lc_websocket_event){.kind = LC_WS_EVENT_VIOLATION, .reason = reason};
}

/* Codes that may appear in a close frame (RFC 6455 7.4; 1012 to 1014 from the registry). */
static bool is_sendable_code(uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

static lc_websocket_event control_event(lc_opcode opcode, uint8_t *payload, size_t len) {
  lc_websocket_event event = {.kind = LC_WS_EVENT_CONTROL, .opcode = opcode, .payload = payload, .len = len};
  if (opcode != LC_OP_CLOSE) return event;
  if (len == 1) return violation("a close payload of one byte");
  if (len == 0) {
    event.close_code = LC_WS_NO_CODE;
    return event;
  }
  if (!lc_utf8_valid(payload + 2, len - 2)) return violation("a close reason that is not UTF-8");
  uint16_t code = (uint16_t)(payload[0] << 8 | payload[1]);
  event.close_code = is_sendable_code(code) ? code : LC_WS_PROTOCOL_ERROR;
  return event;
}

typedef struct frame_header {
  bool final, control;
  uint8_t opcode;
  size_t size; /* of the header with its mask */
  uint64_t len;
  const uint8_t *mask;
} frame_header;

/* Checks what the first bytes tell, as soon as they are there. NULL, or what is wrong. `header->size` 0: more bytes are needed, `*need` of
 * them. */
static const char *read_header(const lc_websocket_reader *reader, const uint8_t *bytes, size_t len, frame_header *header, size_t *need) {
  *header = (frame_header){0};
  *need = 2;
  if (len < 2) return NULL;
  header->final = bytes[0] & 0x80;
  header->opcode = bytes[0] & 0x0f;
  header->control = header->opcode & 8;
  uint8_t short_len = bytes[1] & 0x7f;
  if (bytes[0] & 0x70) return "a reserved bit is set";
  if ((header->opcode > LC_OP_BINARY && !header->control) || header->opcode > LC_OP_PONG) return "a reserved opcode";
  if (!(bytes[1] & 0x80)) return "a client frame is not masked";
  if (header->control && !header->final) return "a control frame is fragmented";
  if (header->control && short_len > LC_WEBSOCKET_CONTROL_MAX) return "a control frame is longer than 125 bytes";
  if (header->opcode == LC_OP_CONTINUE && reader->opcode == 0) return "a continuation without a start";
  if (!header->control && header->opcode != LC_OP_CONTINUE && reader->opcode != 0) return "a new message inside a message";
  size_t length_size = short_len == 126 ? 2 : short_len == 127 ? 8 : 0;
  *need = 2 + length_size + 4;
  if (len < 2 + length_size) return NULL;
  header->len = short_len;
  if (length_size) {
    header->len = 0;
    for (size_t i = 0; i < length_size; i++) header->len = header->len << 8 | bytes[2 + i];
  }
  if (!header->control && header->len > reader->message_max - reader->len) return "the message is too long"; /* N5 */
  if (len < *need) return NULL;
  header->mask = bytes + 2 + length_size;
  header->size = *need;
  *need += (size_t)header->len;
  return NULL;
}

static lc_websocket_event message_event(lc_opcode opcode, uint8_t *payload, size_t len) {
  if (opcode == LC_OP_TEXT && !lc_utf8_valid(payload, len)) return violation("text that is not UTF-8");
  return (lc_websocket_event){.kind = LC_WS_EVENT_MESSAGE, .opcode = opcode, .payload = payload, .len = len};
}

/* A part of a fragmented message: joined to what is there. Returns an event with the last part. */
static bool take_fragment(lc_websocket_reader *reader, uint8_t *bytes, const frame_header *header, uint8_t *payload,
                          lc_websocket_event *event) {
  if (reader->opcode == 0) {
    reader->opcode = header->opcode;
    reader->start = (size_t)(payload - bytes);
    reader->len = 0;
  }
  if (header->len) memmove(bytes + reader->start + reader->len, payload, (size_t)header->len);
  reader->len += (size_t)header->len;
  if (!header->final) return false;
  *event = message_event((lc_opcode)reader->opcode, bytes + reader->start, reader->len);
  reader->opcode = 0;
  reader->len = 0;
  return true;
}

lc_websocket_event lc_websocket_next(lc_websocket_reader *reader, uint8_t *bytes, size_t len) {
  for (;;) {
    frame_header header;
    size_t need;
    uint8_t *frame = bytes + reader->at;
    const char *wrong = read_header(reader, frame, len - reader->at, &header, &need);
    if (wrong) return violation(wrong);
    if (header.size == 0 || len - reader->at < need) {
      reader->need = reader->at + need;
      return (lc_websocket_event){.kind = LC_WS_EVENT_NONE};
    }
    uint8_t *payload = frame + header.size;
    lc_websocket_unmask(payload, (size_t)header.len, header.mask);
    reader->at += need;
    if (header.control) return control_event((lc_opcode)header.opcode, payload, (size_t)header.len);
    if (header.final && reader->opcode == 0) return message_event((lc_opcode)header.opcode, payload, (size_t)header.len);
    lc_websocket_event event;
    if (take_fragment(reader, bytes, &header, payload, &event)) return event;
  }
}

size_t lc_websocket_compact(lc_websocket_reader *reader, uint8_t *bytes, size_t len) {
  size_t kept = reader->opcode ? reader->len : 0;
  if (kept && reader->start) memmove(bytes, bytes + reader->start, kept);
  size_t tail = len - reader->at;
  if (tail && reader->at != kept) memmove(bytes + kept, bytes + reader->at, tail);
  reader->need -= reader->need > reader->at - kept ? reader->at - kept : reader->need;
  reader->start = 0;
  reader->at = kept;
  return kept + tail;
}

/* ---- frames out ---- */

size_t lc_websocket_put_header(uint8_t to[static LC_WEBSOCKET_HEADER_MAX], lc_opcode opcode, uint64_t payload_len) {
  to[0] = (uint8_t)(0x80 | opcode);
  if (payload_len < 126) {
    to[1] = (uint8_t)payload_len;
    return 2;
  }
  size_t length_size = payload_len <= UINT16_MAX ? 2 : 8;
  to[1] = length_size == 2 ? 126 : 127;
  for (size_t i = 0; i < length_size; i++) to[2 + i] = (uint8_t)(payload_len >> 8 * (length_size - 1 - i));
  return 2 + length_size;
}

void lc_websocket_put_frame(lc_buf *to, lc_opcode opcode, lc_span payload) {
  lc_buf_reserve(to, LC_WEBSOCKET_HEADER_MAX + payload.len);
  to->len += lc_websocket_put_header(to->data + to->len, opcode, payload.len);
  lc_buf_put_span(to, payload);
}

void lc_websocket_put_close(lc_buf *to, uint16_t code, lc_str reason) {
  uint8_t payload[LC_WEBSOCKET_CONTROL_MAX];
  if (code == LC_WS_NO_CODE) {
    lc_websocket_put_frame(to, LC_OP_CLOSE, (lc_span){0});
    return;
  }
  size_t len = reason.len;
  if (len > sizeof payload - 2) {
    len = sizeof payload - 2;
    while (len && ((uint8_t)reason.ptr[len] & 0xc0) == 0x80) len--; /* never half a character */
  }
  payload[0] = (uint8_t)(code >> 8);
  payload[1] = (uint8_t)code;
  if (len) memcpy(payload + 2, reason.ptr, len);
  lc_websocket_put_frame(to, LC_OP_CLOSE, (lc_span){payload, len + 2});
}
