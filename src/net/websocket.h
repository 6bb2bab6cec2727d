#pragma once
/*
 * WebSocket, server side (RFC 6455), as bytes in memory: handshake, frames in, frames out. No sockets here.
 *
 *   frame   FIN·RSV3·opcode4 | MASK·len7 | [len16 | len64, big endian] | [mask 4, client to server only] | payload
 *
 * Invariants
 *   N4  Payloads are unmasked and joined where they lie in the receive buffer; nothing is copied elsewhere and nothing is allocated.
 *   N5  A message is at most `message_max` bytes after joining; the header alone is enough to refuse a longer one.
 *   N6  The same bytes give the same events however they are cut into receives.
 *   N7  The server never sends a malformed frame: close reasons are cut at 123 bytes on a character boundary.
 */
#include "net/http.h"

enum { LC_WEBSOCKET_MESSAGE_MAX = 32 << 20, LC_WEBSOCKET_HEADER_MAX = 10 /* unmasked */, LC_WEBSOCKET_CONTROL_MAX = 125 };

typedef enum lc_opcode { LC_OP_CONTINUE = 0, LC_OP_TEXT = 1, LC_OP_BINARY = 2, LC_OP_CLOSE = 8, LC_OP_PING = 9, LC_OP_PONG = 10 } lc_opcode;

enum {
  LC_WS_NORMAL = 1000,
  LC_WS_GOING_AWAY = 1001,
  LC_WS_PROTOCOL_ERROR = 1002,
  LC_WS_NO_CODE = 1005 /* an empty close frame */,
  LC_WS_INTERNAL = 1011,
  LC_WS_TRY_LATER = 1013,
  LC_WS_SESSION_BUSY = 4000,
};

/* ---- handshake ---- */

/* What an upgrade request lacks, in the order of the reference (client-protocol 2.3 step 4). OK: status 0, `key` is set. */
typedef struct lc_websocket_request {
  int status;          /* 0, 405, 426, 400 */
  const char *message; /* body of the refusal; for 405 add `Allow: GET,HEAD`, for 426 `Connection: upgrade` and `Upgrade: websocket` */
  lc_str key;
} lc_websocket_request;
lc_websocket_request lc_websocket_check(const lc_http_request *request);
/* The first of `offers` (our preference, NULL-terminated) that the client lists in Sec-WebSocket-Protocol; -1 when none. */
int lc_websocket_choose(const lc_http_request *request, const char *const *offers);
void lc_websocket_accept(char accept[static 29], lc_str key);

/* ---- frames in ---- */

typedef enum lc_websocket_event_kind {
  LC_WS_EVENT_NONE,      /* more bytes are needed (at least `reader->need` in the buffer) */
  LC_WS_EVENT_MESSAGE,   /* a whole message: opcode TEXT or BINARY */
  LC_WS_EVENT_CONTROL,   /* CLOSE, PING or PONG, payload validated */
  LC_WS_EVENT_VIOLATION, /* drop the connection; `reason` says why */
} lc_websocket_event_kind;

typedef struct lc_websocket_event {
  lc_websocket_event_kind kind;
  lc_opcode opcode;
  uint8_t *payload; /* unmasked, in the receive buffer; may be changed by the receiver */
  size_t len;
  const char *reason;
  uint16_t close_code; /* of a CLOSE: LC_WS_NO_CODE when it has none; LC_WS_PROTOCOL_ERROR when it is one that must not be sent */
} lc_websocket_event;

/* Zero-initialise and set `message_max`. Positions count from the start of the receive buffer. */
typedef struct lc_websocket_reader {
  size_t message_max;
  size_t at;         /* the next unread byte */
  size_t start, len; /* the unfinished fragmented message */
  size_t need;       /* buffer length needed for progress, after LC_WS_EVENT_NONE */
  uint8_t opcode;    /* of the unfinished message, 0 when there is none */
} lc_websocket_reader;

/* The next event in `bytes[0, len)`. Payloads stay valid until lc_websocket_compact. */
lc_websocket_event lc_websocket_next(lc_websocket_reader *reader, uint8_t *bytes, size_t len);
/* Moves what is still needed to the front of the buffer; returns the new length. */
size_t lc_websocket_compact(lc_websocket_reader *reader, uint8_t *bytes, size_t len);
void lc_websocket_unmask(uint8_t *bytes, size_t len, const uint8_t mask[static 4]);

/* ---- frames out ---- */

/* Writes a final, unmasked frame header and returns its length. */
size_t lc_websocket_put_header(uint8_t to[static LC_WEBSOCKET_HEADER_MAX], lc_opcode opcode, uint64_t payload_len);
void lc_websocket_put_frame(lc_buf *to, lc_opcode opcode, lc_span payload);
/* `code` LC_WS_NO_CODE: an empty close frame. */
void lc_websocket_put_close(lc_buf *to, uint16_t code, lc_str reason);
