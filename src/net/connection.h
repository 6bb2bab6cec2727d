#pragma once
/*
 * Server connections: TCP from accept to close, speaking HTTP/1.1 and, after an upgrade, WebSocket. Knows nothing of databases; what
 * arrives goes to a table of handlers, what is to be sent is queued and leaves with lc_net_flush: one send per connection and turn.
 *
 * A turn of the owner's loop:
 *   lc_loop_run_once        receives (one recv per readable connection), parses every complete request or message, calls the handlers
 *   ...                     the owner runs the engine, submits the log, learns what is durable
 *   lc_release_group_durable for each database whose durable offset moved
 *   lc_net_flush            packs and sends, then frees what is closed
 *
 * Invariants
 *   N12 Handlers are only called from lc_loop_run_once and lc_net_flush, never from inside a function of this header that a handler calls.
 *   N13 `closed` is the last call for a connection, exactly once, and comes for every connection that any handler has seen. The pointer is
 *       valid until it returns.
 *   N14 Memory per peer is bounded: the receive buffer by the largest legal message or body, what is not yet sent by `outgoing_bytes_max`
 *       plus one message and by `outgoing_messages_max` messages (beyond those that wait for the disk). A peer that does not read is not
 *       read from either.
 *   N15 Answers leave in the order of their requests; the next request is parsed only after the answer to the last.
 *
 * Threads: a net and its connections belong to the thread of its loop.
 */
#include "io/io.h"
#include "io/loop.h"
#include "net/http.h"
#include "net/outbox.h"
#include "net/websocket.h"

typedef struct lc_net lc_net;
typedef struct lc_connection lc_connection;

typedef struct lc_net_handler {
  /*
   * The head of a request with a body is there: how long the body may be at most (1 GiB is the limit of all). A longer one comes
   * to `request` with `too_large` and without its body. NULL: LC_HTTP_BODY_DEFAULT. Bodies are held in memory whole.
   */
  uint64_t (*body_limit)(lc_connection *connection, const lc_http_request *request);
  /*
   * A whole request. Answer it with lc_connection_respond, lc_connection_stream_begin or lc_connection_upgrade, now or later (then copy
   * what is needed of `request` and `body` first).
   */
  void (*request)(lc_connection *connection, const lc_http_request *request, lc_span body);
  /* A WebSocket message, UTF-8 checked when it is text. The bytes are the receiver's to change until it returns. */
  void (*message)(lc_connection *connection, bool is_text, uint8_t *payload, size_t len);
  /* A stream's unsent bytes fell below half of LC_STREAM_ROOM after lc_connection_stream_write had said false. May be NULL. */
  void (*drained)(lc_connection *connection);
  /* Gone, for any reason. Pending answers need not be given. Called by lc_net_flush, so what it writes to a log is of the next turn. May be
   * NULL. */
  void (*closed)(lc_connection *connection);
} lc_net_handler;

typedef struct lc_net_options {
  lc_loop *loop;
  lc_io *io; /* for the Date header; may be NULL: then there is none */
  const lc_net_handler *handler;
  void *context;                              /* lc_net_context */
  uint32_t connections_max;                   /* 0: no limit but the system's */
  uint32_t ping_interval_ms, idle_timeout_ms; /* WebSocket; 0: 15000 and 30000 */
  uint32_t close_timeout_ms;                  /* 0: 250 */
  uint32_t http_idle_timeout_ms;              /* between requests and while one arrives without progress; 0: 60000 */
  uint32_t outgoing_messages_max;             /* 0: 16384 */
  size_t outgoing_bytes_max;                  /* 0: 256 MiB */
  size_t message_max;                         /* 0: 32 MiB */
} lc_net_options;

/* `options` is copied; loop, io and handler must outlive the net. */
lc_err lc_net_create(const lc_net_options *options, lc_net **net);
/* Drops all connections (calling `closed`) and stops listening. */
void lc_net_destroy(lc_net *net);
/* May be called for several addresses. Errors: LC_ERR_IO. */
lc_err lc_net_listen(lc_net *net, const char *address, uint16_t port, uint16_t *bound);
/* Takes over a connected non-blocking socket (tests, other listeners). `peer` may be NULL. */
lc_err lc_net_adopt(lc_net *net, int fd, const lc_peer *peer);
/* Stops accepting; for shutdown. */
void lc_net_stop_listening(lc_net *net);
/* Sends what the turn produced on every connection touched by it, and frees closed connections. */
void lc_net_flush(lc_net *net);
void *lc_net_context(const lc_net *net);
uint32_t lc_net_connection_count(const lc_net *net);

typedef struct lc_net_counters {
  uint64_t accepted, refused, requests, messages_in, messages_out, bytes_in, bytes_out, violations, overflows;
} lc_net_counters;
const lc_net_counters *lc_net_counters_of(const lc_net *net);

/* ---- any connection ---- */

lc_net *lc_connection_net(const lc_connection *connection);
/* A number that no other connection of this net ever had. */
uint64_t lc_connection_serial(const lc_connection *connection);
const lc_peer *lc_connection_peer(const lc_connection *connection);
/* The owner's pointer, NULL at first. */
void lc_connection_set_data(lc_connection *connection, void *data);
void *lc_connection_data(const lc_connection *connection);
/* Ends it without another byte. */
void lc_connection_drop(lc_connection *connection);
bool lc_connection_is_closing(const lc_connection *connection); /* dropped, or a Close was sent */

/* ---- HTTP ---- */

/* The whole answer to the present request; copied. Adds content-length, date, connection. HEAD gets no body. */
void lc_connection_respond(lc_connection *connection, const lc_http_response *response);
enum { LC_STREAM_ROOM = 256 << 10 };
/* An answer of unknown length (chunked); the body of `response` goes first. */
void lc_connection_stream_begin(lc_connection *connection, const lc_http_response *response);
/* Copies. False: LC_STREAM_ROOM bytes are unsent, stop and wait for `drained` (what was given is kept all the same). */
bool lc_connection_stream_write(lc_connection *connection, lc_span bytes);
void lc_connection_stream_end(lc_connection *connection);

/* ---- WebSocket ---- */

/*
 * Those of one database whose messages wait for its durable offset. Embedded in the owner; zero-initialised is empty. Connections leave it
 * by themselves when they close.
 */
typedef struct lc_release_group {
  lc_connection *first; /* connections that hold messages back */
  uint64_t durable;     /* offsets below it may be sent */
  bool is_ended;        /* nothing more becomes durable */
} lc_release_group;
/* More has become durable: releases what waited for it (sent by the next lc_net_flush). Cheap when nobody waits. */
void lc_release_group_durable(lc_release_group *group, uint64_t durable);
/* Nothing more will: connections that still hold messages back are cut, for those must never be sent. */
void lc_release_group_end(lc_release_group *group);

typedef struct lc_upgrade {
  lc_str key;                    /* of lc_websocket_check */
  lc_str protocol;               /* echoed; empty: none */
  const lc_http_header *headers; /* further ones */
  uint32_t header_count;
  lc_framing framing;
  lc_compression compression; /* what the client asked for */
  lc_compress_policy policy;  /* whether to do it; see outbox.h */
  lc_release_group *group;    /* NULL: offsets are ignored, messages go at once (unconfirmed reads) */
} lc_upgrade;
/* Answers 101 and switches: from here on `message` is called. The first Ping follows by itself. */
void lc_connection_upgrade(lc_connection *connection, const lc_upgrade *upgrade);

/*
 * One message: append its encoding (without tag byte) to the buffer that begin returns, then end it with the commit offset that it reveals,
 * or LC_NO_OFFSET. Nothing else may be called for this connection in between. Too many waiting messages drop the connection, silently here:
 * `closed` follows. On a connection that is closing, the message is thrown away.
 */
lc_buf *lc_connection_message_begin(lc_connection *connection);
void lc_connection_message_end(lc_connection *connection, uint64_t offset);
/* Takes back what was appended since begin; for encoders that can fail. */
void lc_connection_message_cancel(lc_connection *connection);
/* The same for an encoded message; copied. */
void lc_connection_send(lc_connection *connection, lc_span message, uint64_t offset);
/*
 * Sends Close and waits for the peer's, at most `close_timeout_ms`; then `closed`. `after_queued`: behind the messages queued so far
 * (waiting for their durability), otherwise those that are not yet packed are dropped. No `message` call follows either way.
 */
void lc_connection_close(lc_connection *connection, uint16_t code, lc_str reason, bool after_queued);
