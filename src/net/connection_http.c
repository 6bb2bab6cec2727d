/* Requests and answers of a connection (N15). */
#include "net/connection_internal.h"

static size_t input_left(const lc_connection *connection) {
  return connection->in.len - connection->in_at;
}

/* ---- refusing ---- */

static void refuse(lc_connection *connection, int status) {
  lc_http_response response = {.status = status, .close = true};
  lc_http_put_head(&connection->out, &response, LC_HTTP_FIXED, 0, false, lc__net_date(connection->net));
  connection->finish = true;
  connection->net->counters.violations++;
  lc__connection_touch(connection);
}

/* Reads past a body that nobody wants: a client that is still sending would not see the answer otherwise. True when its end was reached. */
static bool skip_body(lc_connection *connection) {
  if (connection->discard) {
    size_t skipped = connection->discard < input_left(connection) ? (size_t)connection->discard : input_left(connection);
    connection->in_at += skipped;
    connection->discard -= skipped;
  }
  if (connection->discard_chunks) {
    size_t used, decoded = 0;
    int status;
    uint8_t *bytes = connection->in.data + connection->in_at;
    lc_http_progress progress = lc_http_chunks_decode(&connection->chunks, bytes, input_left(connection), bytes, &used, &decoded, &status);
    connection->in_at += used;
    if (progress == LC_HTTP_DONE) connection->discard_chunks = false;
    if (progress == LC_HTTP_REFUSED) lc__connection_kill(connection);
  }
  return connection->discard == 0 && !connection->discard_chunks;
}

/* ---- requests ---- */

static void deliver(lc_connection *connection, const lc_http_request *request, lc_span body, size_t used) {
  connection->in_at += used; /* the bytes stay where they are until the buffer is compacted */
  connection->scanned = 0;
  connection->state = LC_ANSWERING;
  connection->seen = true;
  connection->net->counters.requests++;
  connection->net->options.handler->request(connection, request, body);
}

static void deliver_too_large(lc_connection *connection, lc_http_request *request, uint64_t discard) {
  request->too_large = true;
  connection->discard = discard;
  if (request->expects_continue) { /* it waits for a word that does not come: what it does next is anybody's guess */
    connection->discard = 0;
    connection->keep_alive = false;
  }
  deliver(connection, request, (lc_span){0}, connection->head_len);
}

static uint64_t body_limit(lc_connection *connection, const lc_http_request *request) {
  const lc_net_handler *handler = connection->net->options.handler;
  if (handler->body_limit == NULL) return LC_HTTP_BODY_DEFAULT;
  connection->seen = true;
  uint64_t limit = handler->body_limit(connection, request);
  return limit < LC_HTTP_BODY_MAX ? limit : LC_HTTP_BODY_MAX;
}

/* True when it came further. */
static bool take_head(lc_connection *connection) {
  lc_http_request *request = &connection->net->request;
  int status;
  lc_span bytes = {connection->in.data + connection->in_at, input_left(connection)};
  switch (lc_http_parse(bytes, &connection->scanned, request, &connection->head_len, &status)) {
    case LC_HTTP_MORE:
      return false;
    case LC_HTTP_REFUSED:
      refuse(connection, status);
      return false;
    case LC_HTTP_DONE:
      break;
  }
  connection->keep_alive = request->keep_alive;
  connection->head_only = request->method == LC_HTTP_HEAD;
  connection->http10 = request->minor == 0;
  connection->chunked = request->chunked;
  connection->body_len = 0;
  connection->raw_at = connection->head_len;
  if (!request->chunked && request->content_length == 0) {
    deliver(connection, request, (lc_span){0}, connection->head_len);
    return true;
  }
  uint64_t limit = body_limit(connection, request);
  if (connection->state != LC_AT_HEAD) return false; /* dropped */
  if (request->content_length > limit) {
    deliver_too_large(connection, request, request->content_length);
    return true;
  }
  connection->chunks = (lc_http_chunks){.limit = limit};
  connection->discard = 0;
  connection->state = LC_AT_BODY;
  if (request->expects_continue && bytes.len == connection->head_len) lc_buf_put_text(&connection->out, "HTTP/1.1 100 Continue\r\n\r\n");
  return true;
}

/* The head again, as the buffer may have moved since. */
static lc_http_request *parse_again(lc_connection *connection) {
  lc_http_request *request = &connection->net->request;
  size_t scanned = 0, used;
  int status;
  lc_span bytes = {connection->in.data + connection->in_at, connection->head_len};
  lc_http_progress progress = lc_http_parse(bytes, &scanned, request, &used, &status);
  lc_assert(progress == LC_HTTP_DONE && used == connection->head_len);
  return request;
}

static bool take_sized_body(lc_connection *connection) {
  lc_http_request *request = parse_again(connection);
  if (input_left(connection) - connection->head_len < request->content_length) return false;
  size_t len = (size_t)request->content_length;
  deliver(connection, request, (lc_span){connection->in.data + connection->in_at + connection->head_len, len}, connection->head_len + len);
  return true;
}

static bool take_chunked_body(lc_connection *connection) {
  uint8_t *start = connection->in.data + connection->in_at, *raw = start + connection->raw_at;
  size_t used;
  int status;
  lc_http_progress progress =
      lc_http_chunks_decode(&connection->chunks, raw, input_left(connection) - connection->raw_at,
                            start + connection->head_len + connection->body_len, &used, &connection->body_len, &status);
  connection->raw_at += used;
  if (progress == LC_HTTP_DONE) {
    deliver(connection, parse_again(connection), (lc_span){start + connection->head_len, connection->body_len}, connection->raw_at);
    return true;
  }
  if (progress == LC_HTTP_REFUSED && status == 413) {
    connection->chunks.limit = UINT64_MAX;
    connection->discard_chunks = true;
    lc_http_request *request = parse_again(connection);
    request->too_large = true;
    deliver(connection, request, (lc_span){0}, connection->raw_at);
    return true;
  }
  if (progress == LC_HTTP_REFUSED) {
    refuse(connection, status);
    return false;
  }
  /* All that came is decoded: close the gap that the framing left, so that the buffer grows with the body only. */
  connection->raw_at = connection->head_len + connection->body_len;
  connection->in.len = connection->in_at + connection->raw_at;
  return false;
}

static bool step(lc_connection *connection) {
  if (connection->finish) {
    connection->in_at = connection->in.len; /* nothing behind the last request counts */
    return false;
  }
  if (connection->state != LC_AT_BODY && !skip_body(connection)) return false;
  if (input_left(connection) == 0) return false;
  if (connection->state == LC_AT_HEAD) return take_head(connection);
  if (connection->state == LC_AT_BODY) return connection->chunked ? take_chunked_body(connection) : take_sized_body(connection);
  return false;
}

void lc__http_process(lc_connection *connection) {
  connection->processing = true;
  while (step(connection)) continue;
  connection->processing = false;
  if (connection->in_at) {
    connection->in.len -= connection->in_at;
    if (connection->in.len) memmove(connection->in.data, connection->in.data + connection->in_at, connection->in.len);
    connection->in_at = 0;
  }
  if (connection->state == LC_IN_WEBSOCKET) lc__websocket_process(connection);
}

/* ---- answers ---- */

static bool has_no_body(int status) {
  return status < 200 || status == 204 || status == 304;
}

static void end_answer(lc_connection *connection) {
  connection->state = LC_AT_HEAD;
  connection->wants_drained = false;
  if (!connection->keep_alive || connection->peer_ended) connection->finish = true;
  if (!connection->processing && connection->in.len) lc__connection_resume(connection);
  lc__connection_touch(connection);
}

void lc_connection_respond(lc_connection *connection, const lc_http_response *response) {
  if (connection->state == LC_DEAD) return;
  lc_assert(connection->state == LC_ANSWERING);
  if (response->close) connection->keep_alive = false;
  lc_http_framing framing = has_no_body(response->status) ? LC_HTTP_NO_BODY : LC_HTTP_FIXED;
  bool says_keep_alive = connection->keep_alive && !connection->peer_ended;
  lc_http_put_head(&connection->out, response, framing, response->body.len, says_keep_alive, lc__net_date(connection->net));
  if (framing == LC_HTTP_FIXED && !connection->head_only) lc_buf_put_span(&connection->out, response->body);
  end_answer(connection);
}

void lc_connection_stream_begin(lc_connection *connection, const lc_http_response *response) {
  if (connection->state == LC_DEAD) return;
  lc_assert(connection->state == LC_ANSWERING && !has_no_body(response->status));
  if (response->close || connection->http10) connection->keep_alive = false;
  lc_http_framing framing = connection->http10 ? LC_HTTP_UNTIL_CLOSE : LC_HTTP_CHUNKED;
  lc_http_put_head(&connection->out, response, framing, 0, connection->keep_alive, lc__net_date(connection->net));
  connection->state = LC_STREAMING;
  lc__connection_touch(connection);
  lc_connection_stream_write(connection, response->body);
}

bool lc_connection_stream_write(lc_connection *connection, lc_span bytes) {
  if (connection->state != LC_STREAMING || connection->head_only) return true;
  if (connection->http10) {
    lc_buf_put_span(&connection->out, bytes);
  } else {
    lc_http_put_chunk(&connection->out, bytes);
  }
  lc__connection_touch(connection);
  size_t unsent = lc__connection_unsent(connection);
  if (unsent > connection->net->options.outgoing_bytes_max) {
    connection->net->counters.overflows++;
    lc__connection_kill(connection);
  }
  if (unsent <= LC_STREAM_ROOM) return true;
  connection->wants_drained = true;
  return false;
}

void lc_connection_stream_end(lc_connection *connection) {
  if (connection->state != LC_STREAMING) return;
  if (!connection->http10 && !connection->head_only) lc_http_put_last_chunk(&connection->out);
  end_answer(connection);
}
