/* WebSocket connections: the upgrade, frames in, the outbox, pings, closing, and groups that wait for a durable offset. */
#include "net/connection_internal.h"

static uint64_t now_of(const lc_connection *connection) {
  return lc_loop_now(connection->net->options.loop);
}

/* ---- upgrade ---- */

enum { UPGRADE_HEADERS_OWN = 4, UPGRADE_HEADERS_MAX = 32 };

void lc_connection_upgrade(lc_connection *connection, const lc_upgrade *upgrade) {
  if (connection->state == LC_DEAD) return;
  lc_assert(connection->state == LC_ANSWERING);
  lc_assert(upgrade->header_count <= UPGRADE_HEADERS_MAX - UPGRADE_HEADERS_OWN);
  char accept[29];
  lc_websocket_accept(accept, upgrade->key);
  lc_http_header headers[UPGRADE_HEADERS_MAX] = {
      {LC_STR("connection"), LC_STR("upgrade")},
      {LC_STR("upgrade"), LC_STR("websocket")},
      {LC_STR("sec-websocket-accept"), {accept, 28}},
  };
  uint32_t count = 3;
  if (upgrade->protocol.len) headers[count++] = (lc_http_header){LC_STR("sec-websocket-protocol"), upgrade->protocol};
  for (uint32_t i = 0; i < upgrade->header_count; i++) headers[count++] = upgrade->headers[i];
  lc_http_response response = {.status = 101, .headers = headers, .header_count = count};
  lc_http_put_head(&connection->out, &response, LC_HTTP_NO_BODY, 0, true, lc__net_date(connection->net));

  connection->state = LC_IN_WEBSOCKET;
  connection->reader = (lc_websocket_reader){.message_max = connection->net->options.message_max};
  connection->outbox.framing = upgrade->framing;
  connection->outbox.compression = upgrade->compression;
  connection->outbox.policy = upgrade->policy;
  connection->group = upgrade->group;
  lc_websocket_put_frame(&connection->out, LC_OP_PING, (lc_span){0}); /* the first one at once, so that a dead peer is known soon */
  connection->pinged_at = connection->received_at = now_of(connection);
  connection->awaits_pong = true;
  lc__connection_arm(connection);
  if (!connection->processing && connection->in.len) lc__connection_resume(connection);
  lc__connection_touch(connection);
}

/* ---- in ---- */

static void start_closing(lc_connection *connection, uint16_t code, lc_str reason) {
  lc_websocket_put_close(&connection->out, code, reason);
  lc_outbox_clear(&connection->outbox);
  connection->state = LC_CLOSING;
  connection->close_queued = true;
  connection->closed_at = now_of(connection);
  lc__connection_arm(connection);
  lc__connection_touch(connection);
}

static void take_close(lc_connection *connection, const lc_websocket_event *event) {
  if (connection->state == LC_IN_WEBSOCKET) {
    bool forbidden = event->len >= 2 && event->close_code != (event->payload[0] << 8 | event->payload[1]);
    lc_str reason = event->len >= 2 ? (lc_str){(const char *)event->payload + 2, event->len - 2} : (lc_str){0};
    start_closing(connection, event->close_code, forbidden ? LC_STR("Protocol violation") : reason);
  }
  connection->finish = true; /* both have said it */
}

static void take_control(lc_connection *connection, const lc_websocket_event *event) {
  if (event->opcode == LC_OP_CLOSE) take_close(connection, event);
  if (event->opcode == LC_OP_PONG) connection->awaits_pong = false;
  if (event->opcode == LC_OP_PING && connection->state == LC_IN_WEBSOCKET) {
    lc_websocket_put_frame(&connection->out, LC_OP_PONG, (lc_span){event->payload, event->len});
  }
}

static bool take_event(lc_connection *connection) {
  lc_websocket_event event = lc_websocket_next(&connection->reader, connection->in.data, connection->in.len);
  switch (event.kind) {
    case LC_WS_EVENT_NONE:
      return false;
    case LC_WS_EVENT_CONTROL:
      take_control(connection, &event);
      return true;
    case LC_WS_EVENT_VIOLATION:
      connection->net->counters.violations++;
      lc__connection_kill(connection);
      return false;
    case LC_WS_EVENT_MESSAGE:
      break;
  }
  if (connection->state != LC_IN_WEBSOCKET || connection->close_queued) return true; /* discarded */
  connection->net->counters.messages_in++;
  connection->net->options.handler->message(connection, event.opcode == LC_OP_TEXT, event.payload, event.len);
  return true;
}

void lc__websocket_process(lc_connection *connection) {
  if (connection->in.len == 0) return;
  while (connection->state == LC_IN_WEBSOCKET || connection->state == LC_CLOSING) {
    if (connection->finish || lc__connection_is_paused(connection) || !take_event(connection)) break;
  }
  if (connection->state == LC_DEAD) return;
  connection->in.len = lc_websocket_compact(&connection->reader, connection->in.data, connection->in.len);
}

/* ---- out ---- */

static uint64_t durable_of(const lc_connection *connection) {
  return connection->group ? connection->group->durable : UINT64_MAX;
}

static void join_group(lc_connection *connection) {
  lc_release_group *group = connection->group;
  if (connection->in_group) return;
  connection->in_group = true;
  connection->group_previous = NULL;
  connection->group_next = group->first;
  if (group->first) group->first->group_previous = connection;
  group->first = connection;
}

void lc__release_group_leave(lc_connection *connection) {
  if (!connection->in_group) return;
  connection->in_group = false;
  if (connection->group_previous) {
    connection->group_previous->group_next = connection->group_next;
  } else {
    connection->group->first = connection->group_next;
  }
  if (connection->group_next) connection->group_next->group_previous = connection->group_previous;
}

void lc_release_group_durable(lc_release_group *group, uint64_t durable) {
  if (durable <= group->durable) return;
  group->durable = durable;
  for (lc_connection *connection = group->first; connection; connection = connection->group_next) {
    if (lc_outbox_is_ready(&connection->outbox, durable)) lc__connection_touch(connection);
  }
}

void lc_release_group_end(lc_release_group *group) {
  group->is_ended = true;
  for (lc_connection *connection = group->first; connection; connection = connection->group_next) lc__connection_touch(connection);
}

void lc__websocket_pack(lc_connection *connection) {
  lc_outbox_release(&connection->outbox, durable_of(connection), &connection->out, connection->out_sent + LC_SEND_ROOM);
  bool waits = lc_outbox_count(&connection->outbox) && !lc_outbox_is_ready(&connection->outbox, durable_of(connection));
  if (waits && connection->group->is_ended) {
    lc__connection_kill(connection);
    return;
  }
  if (waits) {
    join_group(connection);
  } else {
    lc__release_group_leave(connection);
  }
  if (connection->close_queued && lc_outbox_count(&connection->outbox) == 0) {
    start_closing(connection, connection->close_code, (lc_str){connection->close_reason, connection->close_reason_len});
  }
}

lc_buf *lc_connection_message_begin(lc_connection *connection) {
  return lc_outbox_begin(&connection->outbox);
}
void lc_connection_message_cancel(lc_connection *connection) {
  lc_outbox_cancel(&connection->outbox);
}

void lc_connection_message_end(lc_connection *connection, uint64_t offset) {
  if (connection->state != LC_IN_WEBSOCKET || connection->close_queued) {
    lc_outbox_cancel(&connection->outbox);
    return;
  }
  size_t before = lc_outbox_count(&connection->outbox) ? connection->outbox.entries.items[connection->outbox.entries.count - 1].end
                                                       : connection->outbox.sent;
  lc_outbox_commit(&connection->outbox, offset);
  connection->net->counters.messages_out++;
  lc__connection_touch(connection);
  if (before - connection->outbox.sent + lc__connection_unsent(connection) <= connection->net->options.outgoing_bytes_max) return;
  connection->net->counters.overflows++;
  lc__connection_kill(connection);
}

void lc_connection_send(lc_connection *connection, lc_span message, uint64_t offset) {
  lc_buf_put_span(lc_connection_message_begin(connection), message);
  lc_connection_message_end(connection, offset);
}

void lc_connection_close(lc_connection *connection, uint16_t code, lc_str reason, bool after_queued) {
  if (connection->state != LC_IN_WEBSOCKET || connection->close_queued) return;
  connection->close_queued = true;
  connection->close_code = code;
  connection->close_reason_len = (uint8_t)(reason.len < sizeof connection->close_reason ? reason.len : sizeof connection->close_reason);
  if (reason.len) memcpy(connection->close_reason, reason.ptr, connection->close_reason_len);
  if (!after_queued) lc_outbox_clear(&connection->outbox);
  lc__connection_touch(connection);
}

/* ---- time ---- */

/* Idle is who sends nothing, unless it is we who do not read: then, who takes nothing of what is there for him. */
static uint64_t idle_since(const lc_connection *connection, uint64_t now) {
  if (!lc__connection_is_paused(connection)) return connection->received_at;
  if (lc__connection_unsent(connection) == 0) return now;
  return connection->sent_at > connection->received_at ? connection->sent_at : connection->received_at;
}

uint64_t lc__websocket_timer(lc_connection *connection, uint64_t now) {
  const lc_net_options *options = &connection->net->options;
  uint64_t due = connection->state == LC_CLOSING ? connection->closed_at + lc__ms(options->close_timeout_ms)
                                                 : idle_since(connection, now) + lc__ms(options->idle_timeout_ms);
  if (now >= due) {
    lc__connection_kill(connection);
    return UINT64_MAX;
  }
  if (connection->state == LC_CLOSING) return due;
  uint64_t ping_due = connection->pinged_at + lc__ms(options->ping_interval_ms);
  if (now >= ping_due) {
    connection->pinged_at = now;
    ping_due = now + lc__ms(options->ping_interval_ms);
    if (!connection->awaits_pong && !connection->close_queued) {
      lc_websocket_put_frame(&connection->out, LC_OP_PING, (lc_span){0});
      connection->awaits_pong = true;
      lc__connection_touch(connection);
    }
  }
  return ping_due < due ? ping_due : due;
}
