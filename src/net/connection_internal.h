#pragma once
/*
 * What the files of connection.h share: net.c (listening, the turn), connection.c (bytes in and out, timers, the end), connection_http.c
 * and connection_websocket.c (what the bytes mean).
 *
 *   HEAD ──▶ BODY ──▶ ANSWERING ──▶ HEAD …            keep-alive
 *    │        │         ├──▶ STREAMING ──▶ HEAD …      chunked answer
 *    │        │         ├──▶ WEBSOCKET ──▶ CLOSING     Close was sent, the peer's is awaited
 *    ▼        ▼         ▼                   ▼
 *   LINGER ◀──┴─────────┴───────────────────┘          all was sent, our side is shut down, the peer's end is awaited
 *    ▼
 *   DEAD                                               from every state; freed by the next flush
 *
 * LINGER is there because closing a socket with unread input resets it, which can destroy the last bytes on their way to the peer.
 */
#include "base/assert.h"
#include "net/connection.h"

typedef enum lc_connection_state {
  LC_AT_HEAD,
  LC_AT_BODY,
  LC_ANSWERING,
  LC_STREAMING,
  LC_IN_WEBSOCKET,
  LC_CLOSING,
  LC_LINGERING,
  LC_DEAD
} lc_connection_state;

enum {
  LC_RECEIVE_FIRST = 4 << 10,  /* a receive buffer's first size */
  LC_RECEIVE_STEP = 256 << 10, /* most bytes per recv */
  LC_RECEIVE_KEEP = 256 << 10, /* an empty receive buffer above this is freed at once, above LC_RECEIVE_FIRST when idle */
  LC_SEND_ROOM = 512 << 10,    /* packed bytes wanted per send */
  LC_SEND_TURN = 4 << 20,      /* most bytes per connection and turn: the others want to be served, too */
  LC_UNSENT_PAUSE = 1 << 20,   /* a peer that leaves so much unread is not read from */
  LC_ACCEPT_TURN = 64,
  LC_LINGER_MS = 1000, /* without input */
  LC_LINGER_MS_MAX = 10000,
  LC_HTTP_BODY_MAX = 1 << 30,
};

struct lc_connection {
  lc_watch watch;
  lc_timer timer;
  lc_net *net;
  lc_connection *next, *previous;             /* all of the net */
  lc_connection *touched_next, *resumed_next; /* what flush and the next turn have to look at */
  lc_connection *group_next, *group_previous; /* those of `group` that wait */
  lc_connection_state state;
  bool touched, resumed, in_group, processing;
  bool seen;       /* a handler knows it: `closed` is owed */
  bool finish;     /* when all is sent: LINGER */
  bool peer_ended; /* no more input will come */
  int fd;
  uint64_t serial;
  lc_peer peer;
  void *data;

  lc_buf in;
  lc_buf out;
  size_t out_sent;
  uint64_t received_at, sent_at; /* progress, stamped once per turn */
  uint64_t closed_at;            /* when Close was sent, or lingering began */

  /* HTTP: the request at in[in_at] */
  size_t in_at, head_len, scanned;
  size_t body_len;  /* of what is decoded so far */
  size_t raw_at;    /* chunked: where undecoded bytes start, from in_at */
  uint64_t discard; /* bytes of a refused body still to come */
  lc_http_chunks chunks;
  bool chunked, discard_chunks, keep_alive, head_only, http10, wants_drained;

  /* WebSocket */
  lc_websocket_reader reader;
  lc_outbox outbox;
  lc_release_group *group;
  uint64_t pinged_at;
  bool awaits_pong, close_queued;
  uint16_t close_code;
  uint8_t close_reason_len;
  char close_reason[LC_WEBSOCKET_CONTROL_MAX];
};

struct lc_listener {
  lc_watch watch;
  lc_net *net;
  int fd;
  struct lc_listener *next;
};

struct lc_net {
  lc_net_options options;
  lc_net_counters counters;
  struct lc_listener *listeners;
  lc_connection *connections, *touched, *resumed;
  uint32_t connection_count;
  uint64_t next_serial;
  lc_timer resume;
  bool flushing;
  int64_t date_second;
  char date[30];
  lc_http_request request; /* the one being parsed: 3 KB that no idle connection needs */
};

/* ---- connection.c ---- */
lc_connection *lc__connection_create(lc_net *net, int fd, const lc_peer *peer);
void lc__connection_touch(lc_connection *connection);  /* flush will look at it */
void lc__connection_resume(lc_connection *connection); /* input that is already there will be looked at next turn */
void lc__connection_kill(lc_connection *connection);
void lc__connection_flush(lc_connection *connection);
void lc__connection_process(lc_connection *connection);
bool lc__connection_is_paused(const lc_connection *connection);
void lc__connection_arm(lc_connection *connection);
static inline size_t lc__connection_unsent(const lc_connection *connection) {
  return connection->out.len - connection->out_sent;
}
static inline uint64_t lc__ms(uint64_t ms) {
  return ms * 1000000;
}

/* ---- connection_http.c ---- */
void lc__http_process(lc_connection *connection);

/* ---- connection_websocket.c ---- */
void lc__websocket_process(lc_connection *connection);
void lc__websocket_pack(lc_connection *connection);
/* What is due at `now`; returns when to look again. */
uint64_t lc__websocket_timer(lc_connection *connection, uint64_t now);
void lc__release_group_leave(lc_connection *connection);
lc_str lc__net_date(lc_net *net);
