/* Listening, accepting, and what happens once per turn. */
#include <stdlib.h>

#include "net/connection_internal.h"

static void on_accept(lc_watch *watch, uint32_t events);
static void on_resume(lc_timer *timer);

static void set_default(uint32_t *value, uint32_t otherwise) {
  if (*value == 0) *value = otherwise;
}

lc_err lc_net_create(const lc_net_options *options, lc_net **net) {
  lc_net *self = calloc(1, sizeof *self);
  if (self == NULL) return lc_error(LC_ERR_NO_MEMORY);
  self->options = *options;
  lc_assert(options->loop && options->handler && options->handler->request);
  set_default(&self->options.ping_interval_ms, 15000);
  set_default(&self->options.idle_timeout_ms, 30000);
  set_default(&self->options.close_timeout_ms, 250);
  set_default(&self->options.http_idle_timeout_ms, 60000);
  set_default(&self->options.outgoing_messages_max, 16384);
  if (self->options.outgoing_bytes_max == 0) self->options.outgoing_bytes_max = 256 << 20;
  if (self->options.message_max == 0) self->options.message_max = LC_WEBSOCKET_MESSAGE_MAX;
  self->resume.due = on_resume;
  *net = self;
  return lc_ok();
}

void lc_net_stop_listening(lc_net *net) {
  while (net->listeners) {
    struct lc_listener *listener = net->listeners;
    net->listeners = listener->next;
    lc_loop_remove(net->options.loop, &listener->watch);
    lc_socket_close(listener->fd);
    free(listener);
  }
}

void lc_net_destroy(lc_net *net) {
  lc_net_stop_listening(net);
  for (lc_connection *connection = net->connections; connection; connection = connection->next) lc__connection_kill(connection);
  lc_net_flush(net);
  lc_assert(net->connections == NULL);
  lc_timer_stop(net->options.loop, &net->resume);
  free(net);
}

lc_err lc_net_listen(lc_net *net, const char *address, uint16_t port, uint16_t *bound) {
  struct lc_listener *listener = calloc(1, sizeof *listener);
  if (listener == NULL) return lc_error(LC_ERR_NO_MEMORY);
  listener->net = net;
  listener->watch.ready = on_accept;
  lc_err err = lc_socket_listen(address, port, &listener->fd, bound);
  if (lc_failed(err)) {
    free(listener);
    return err;
  }
  err = lc_loop_add(net->options.loop, &listener->watch, listener->fd, LC_READABLE);
  if (lc_failed(err)) {
    lc_socket_close(listener->fd);
    free(listener);
    return err;
  }
  listener->next = net->listeners;
  net->listeners = listener;
  return lc_ok();
}

lc_err lc_net_adopt(lc_net *net, int fd, const lc_peer *peer) {
  bool full = net->options.connections_max && net->connection_count >= net->options.connections_max;
  if (full || lc__connection_create(net, fd, peer) == NULL) {
    net->counters.refused++;
    lc_socket_close(fd);
    return lc_fail(LC_ERR_TOO_LARGE, "no room for another connection beside %u", net->connection_count);
  }
  net->counters.accepted++;
  return lc_ok();
}

static void on_accept(lc_watch *watch, uint32_t events) {
  struct lc_listener *listener = LC_CONTAINER_OF(watch, struct lc_listener, watch);
  for (int i = 0; i < LC_ACCEPT_TURN; i++) {
    lc_peer peer;
    int fd = lc_socket_accept(listener->fd, &peer);
    if (fd < 0) return;
    lc_err err = lc_net_adopt(listener->net, fd, &peer);
    if (lc_failed(err)) return; /* counted, and the peer sees the end of the connection */
  }
}

/* Input that had to wait although it was in the buffer: behind an unanswered request, or behind a pause. */
static void on_resume(lc_timer *timer) {
  lc_net *net = LC_CONTAINER_OF(timer, lc_net, resume);
  lc_connection *connection = net->resumed;
  net->resumed = NULL;
  while (connection) {
    lc_connection *next = connection->resumed_next;
    connection->resumed = false;
    lc__connection_process(connection);
    connection = next;
  }
}

void lc_net_flush(lc_net *net) {
  lc_assert(!net->flushing); /* N12 */
  net->flushing = true;
  while (net->touched) {
    lc_connection *connection = net->touched;
    net->touched = connection->touched_next;
    connection->touched = false;
    lc__connection_flush(connection);
  }
  net->flushing = false;
}

lc_str lc__net_date(lc_net *net) {
  if (net->options.io == NULL) return (lc_str){0};
  int64_t second = lc_io_now_micros(net->options.io) / 1000000;
  if (second != net->date_second) lc_http_date(net->date, second);
  net->date_second = second;
  return (lc_str){net->date, 29};
}

void *lc_net_context(const lc_net *net) {
  return net->options.context;
}
uint32_t lc_net_connection_count(const lc_net *net) {
  return net->connection_count;
}
const lc_net_counters *lc_net_counters_of(const lc_net *net) {
  return &net->counters;
}
