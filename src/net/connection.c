/* Bytes in, bytes out, timers and the end of a connection. What the bytes mean is in connection_http.c and connection_websocket.c. */
#include <stdlib.h>

#include "net/connection_internal.h"

static void on_ready(lc_watch *watch, uint32_t events);
static void on_timer(lc_timer *timer);

/* ---- life ---- */

lc_connection *lc__connection_create(lc_net *net, int fd, const lc_peer *peer) {
  lc_connection *connection = calloc(1, sizeof *connection);
  if (connection == NULL) return NULL;
  connection->net = net;
  connection->fd = fd;
  connection->serial = ++net->next_serial;
  if (peer) connection->peer = *peer;
  connection->watch.ready = on_ready;
  connection->timer.due = on_timer;
  connection->received_at = connection->sent_at = lc_loop_now(net->options.loop);
  if (lc_failed(lc_loop_add(net->options.loop, &connection->watch, fd, LC_READABLE))) {
    free(connection);
    return NULL;
  }
  connection->next = net->connections;
  if (net->connections) net->connections->previous = connection;
  net->connections = connection;
  net->connection_count++;
  lc__connection_arm(connection);
  return connection;
}

static void destroy(lc_connection *connection) {
  lc_net *net = connection->net;
  lc_assert(!connection->seen && !connection->touched);
  lc__release_group_leave(connection);
  if (connection->resumed) {
    lc_connection **at = &net->resumed;
    while (*at != connection) at = &(*at)->resumed_next;
    *at = connection->resumed_next;
  }
  lc_loop_remove(net->options.loop, &connection->watch);
  lc_timer_stop(net->options.loop, &connection->timer);
  lc_socket_close(connection->fd);
  if (connection->previous) {
    connection->previous->next = connection->next;
  } else {
    net->connections = connection->next;
  }
  if (connection->next) connection->next->previous = connection->previous;
  net->connection_count--;
  lc_buf_deinit(&connection->in);
  lc_buf_deinit(&connection->out);
  lc_outbox_deinit(&connection->outbox);
  free(connection);
}

void lc__connection_touch(lc_connection *connection) {
  if (connection->touched) return;
  connection->touched = true;
  connection->touched_next = connection->net->touched;
  connection->net->touched = connection;
}

void lc__connection_resume(lc_connection *connection) {
  if (connection->resumed) return;
  lc_net *net = connection->net;
  connection->resumed = true;
  connection->resumed_next = net->resumed;
  net->resumed = connection;
  lc_timer_start(net->options.loop, &net->resume, 0);
}

void lc__connection_kill(lc_connection *connection) {
  if (connection->state == LC_DEAD) return;
  connection->state = LC_DEAD;
  lc_loop_remove(connection->net->options.loop, &connection->watch); /* not another event, whatever the flush is late for */
  lc__connection_touch(connection);
}

static void tell_closed(lc_connection *connection) {
  if (!connection->seen) return;
  connection->seen = false;
  lc__release_group_leave(connection);
  lc_outbox_clear(&connection->outbox);
  if (connection->net->options.handler->closed) connection->net->options.handler->closed(connection);
}

/* Everything is sent: end our side and wait for the peer's end. */
static void start_linger(lc_connection *connection) {
  if (connection->peer_ended) {
    lc__connection_kill(connection);
    return;
  }
  connection->state = LC_LINGERING;
  lc_buf_clear(&connection->in);
  lc_socket_shutdown(connection->fd);
  connection->closed_at = connection->received_at = lc_loop_now(connection->net->options.loop);
  lc__connection_arm(connection);
  tell_closed(connection);
}

/* ---- in ---- */

bool lc__connection_is_paused(const lc_connection *connection) {
  if (connection->state == LC_ANSWERING || connection->state == LC_STREAMING) {
    /* Input behind an unanswered request waits; some is taken in so that an early end of the peer is noticed. */
    return connection->discard == 0 && !connection->discard_chunks && connection->in.len >= LC_RECEIVE_STEP;
  }
  if (connection->state != LC_IN_WEBSOCKET) return lc__connection_unsent(connection) > LC_UNSENT_PAUSE;
  return lc__connection_unsent(connection) > LC_UNSENT_PAUSE ||
         lc_outbox_count(&connection->outbox) > connection->net->options.outgoing_messages_max / 2;
}

/* Room for the next recv: doubles as long as the peer fills what it is given, up to what one message needs. */
static void make_room(lc_connection *connection) {
  lc_buf *in = &connection->in;
  size_t room = in->cap - in->len, wanted = LC_RECEIVE_FIRST / 2;
  if (in->cap == 0) wanted = LC_RECEIVE_FIRST;
  if (room >= wanted) return;
  size_t step = in->cap < LC_RECEIVE_STEP ? in->cap : LC_RECEIVE_STEP;
  lc_buf_reserve(in, step > wanted ? step : wanted);
}

static void receive(lc_connection *connection) {
  lc_net *net = connection->net;
  make_room(connection);
  lc_buf *in = &connection->in;
  size_t room = in->cap - in->len;
  if (room > LC_RECEIVE_STEP) room = LC_RECEIVE_STEP;
  ssize_t got = lc_socket_receive(connection->fd, in->data + in->len, room);
  if (got == LC_SOCKET_AGAIN) return;
  if (got == LC_SOCKET_GONE) {
    lc__connection_kill(connection);
    return;
  }
  if (got == 0) {
    connection->peer_ended = true;
  } else {
    in->len += (size_t)got;
    net->counters.bytes_in += (uint64_t)got;
    connection->received_at = lc_loop_now(net->options.loop);
    if ((size_t)got == room && room < LC_RECEIVE_STEP) lc_buf_reserve(in, room * 2); /* there is more: take it in one go next time */
  }
  lc__connection_process(connection);
}

/* An empty buffer gives its memory back: at once when it is huge, otherwise when the connection idles (see on_timer). */
static void shrink(lc_connection *connection, size_t keep) {
  if (connection->in.len == 0 && connection->in.cap > keep) lc_buf_deinit(&connection->in);
  if (lc__connection_unsent(connection) == 0 && connection->out.cap > keep) {
    lc_buf_deinit(&connection->out);
    connection->out_sent = 0;
  }
}

void lc__connection_process(lc_connection *connection) {
  switch (connection->state) {
    case LC_AT_HEAD:
    case LC_AT_BODY:
    case LC_ANSWERING:
    case LC_STREAMING:
      lc__http_process(connection);
      break;
    case LC_IN_WEBSOCKET:
    case LC_CLOSING:
      lc__websocket_process(connection);
      break;
    case LC_LINGERING:
      lc_buf_clear(&connection->in);
      break;
    case LC_DEAD:
      return;
  }
  if (connection->peer_ended) {
    /* A client may end its side and still wait for the answer; nobody else has a use for half a connection. */
    bool owed = connection->state == LC_ANSWERING || (connection->finish && lc__connection_unsent(connection));
    if (!owed) lc__connection_kill(connection);
  }
  shrink(connection, LC_RECEIVE_KEEP);
  lc__connection_touch(connection);
}

static void on_ready(lc_watch *watch, uint32_t events) {
  lc_connection *connection = LC_CONTAINER_OF(watch, lc_connection, watch);
  if (events & LC_WRITABLE) lc__connection_touch(connection);
  if ((events & LC_READABLE) && !connection->peer_ended) {
    receive(connection);
  } else if (events & LC_HANGUP) {
    lc__connection_kill(connection);
  }
}

/* ---- out ---- */

static bool has_more_to_send(const lc_connection *connection) {
  uint64_t durable = connection->group ? connection->group->durable : UINT64_MAX;
  return connection->state == LC_IN_WEBSOCKET && lc_outbox_is_ready(&connection->outbox, durable);
}

/* Whatever is left to send, packed or not, is sent when the socket takes more: without that interest nothing would come back for it. */
static void update_interest(lc_connection *connection) {
  uint32_t events = 0;
  bool paused = connection->peer_ended || lc__connection_is_paused(connection);
  if (!paused) events |= LC_READABLE;
  if (lc__connection_unsent(connection) || has_more_to_send(connection)) events |= LC_WRITABLE;
  if (events != connection->watch.events) lc_loop_modify(connection->net->options.loop, &connection->watch, events);
}

/* A buffer that never runs empty must not keep what was sent. */
static void drop_sent(lc_buf *out, size_t *sent) {
  if (*sent < LC_SEND_ROOM || *sent < out->len / 2) return;
  out->len -= *sent;
  memmove(out->data, out->data + *sent, out->len);
  *sent = 0;
}

/* One send; true when all of it went. */
static bool send_once(lc_connection *connection, size_t *sent) {
  size_t unsent = lc__connection_unsent(connection);
  if (unsent == 0) return true;
  ssize_t took = lc_socket_send(connection->fd, connection->out.data + connection->out_sent, unsent);
  if (took == LC_SOCKET_GONE) lc__connection_kill(connection);
  if (took <= 0) return false;
  *sent += (size_t)took;
  connection->out_sent += (size_t)took;
  connection->net->counters.bytes_out += (uint64_t)took;
  connection->sent_at = lc_loop_now(connection->net->options.loop);
  if ((size_t)took < unsent) {
    drop_sent(&connection->out, &connection->out_sent);
    return false;
  }
  lc_buf_clear(&connection->out);
  connection->out_sent = 0;
  return true;
}

static void send_all(lc_connection *connection) {
  size_t sent = 0;
  do {
    if (connection->state == LC_IN_WEBSOCKET) lc__websocket_pack(connection);
    if (connection->state == LC_DEAD) return;
    if (!send_once(connection, &sent)) break;
  } while (has_more_to_send(connection) && sent < LC_SEND_TURN);
}

/* A peer that does not read what is ready for it. (Messages that wait for the disk do not count: the pause in reading bounds those.) */
static bool is_overflowing(const lc_connection *connection) {
  return connection->state == LC_IN_WEBSOCKET && lc__connection_unsent(connection) > 0 &&
         lc_outbox_count(&connection->outbox) > connection->net->options.outgoing_messages_max;
}

static void tell_drained(lc_connection *connection) {
  if (!connection->wants_drained || connection->state != LC_STREAMING || lc__connection_unsent(connection) > LC_STREAM_ROOM / 2) return;
  connection->wants_drained = false;
  if (connection->net->options.handler->drained) connection->net->options.handler->drained(connection);
}

void lc__connection_flush(lc_connection *connection) {
  if (connection->state != LC_DEAD) {
    bool was_paused = lc__connection_is_paused(connection);
    send_all(connection);
    tell_drained(connection);
    if (is_overflowing(connection)) {
      connection->net->counters.overflows++;
      lc__connection_kill(connection);
    }
    if (connection->finish && connection->state < LC_LINGERING && lc__connection_unsent(connection) == 0) start_linger(connection);
    if (connection->state != LC_DEAD) {
      update_interest(connection);
      if (was_paused && !lc__connection_is_paused(connection) && connection->in.len) lc__connection_resume(connection);
      shrink(connection, LC_RECEIVE_KEEP);
    }
  }
  if (connection->state == LC_DEAD) {
    tell_closed(connection);
    if (!connection->touched) destroy(connection); /* otherwise it is in the list again, and comes here again */
  }
}

/* ---- time ---- */

/* The timer is not moved when something arrives: it goes off when something might be due, looks at the stamps, and starts again. */
static uint64_t check_timer(lc_connection *connection, uint64_t now) {
  const lc_net_options *options = &connection->net->options;
  uint64_t progress = connection->received_at > connection->sent_at ? connection->received_at : connection->sent_at;
  uint64_t limit = lc__ms(connection->state == LC_LINGERING ? LC_LINGER_MS : options->http_idle_timeout_ms);
  switch (connection->state) {
    case LC_IN_WEBSOCKET:
    case LC_CLOSING:
      return lc__websocket_timer(connection, now);
    case LC_LINGERING:
      progress = connection->received_at;
      if (now >= connection->closed_at + lc__ms(LC_LINGER_MS_MAX)) progress = 0;
      break;
    case LC_ANSWERING:
    case LC_STREAMING:
      if (lc__connection_unsent(connection) == 0) return now + limit; /* we are the ones who are slow */
      break;
    case LC_DEAD:
      return UINT64_MAX;
    default:
      break;
  }
  if (now < progress + limit) return progress + limit;
  lc__connection_kill(connection);
  return UINT64_MAX;
}

void lc__connection_arm(lc_connection *connection) {
  uint64_t due = check_timer(connection, lc_loop_now(connection->net->options.loop));
  if (due == UINT64_MAX) return;
  lc_timer_start(connection->net->options.loop, &connection->timer, due);
}

static void on_timer(lc_timer *timer) {
  lc_connection *connection = LC_CONTAINER_OF(timer, lc_connection, timer);
  lc__connection_arm(connection);
  shrink(connection, LC_RECEIVE_FIRST);
}

/* ---- public ---- */

lc_net *lc_connection_net(const lc_connection *connection) {
  return connection->net;
}
uint64_t lc_connection_serial(const lc_connection *connection) {
  return connection->serial;
}
const lc_peer *lc_connection_peer(const lc_connection *connection) {
  return &connection->peer;
}
void lc_connection_set_data(lc_connection *connection, void *data) {
  connection->data = data;
}
void *lc_connection_data(const lc_connection *connection) {
  return connection->data;
}
void lc_connection_drop(lc_connection *connection) {
  lc__connection_kill(connection);
}
bool lc_connection_is_closing(const lc_connection *connection) {
  return connection->state >= LC_CLOSING || connection->finish || connection->close_queued;
}
