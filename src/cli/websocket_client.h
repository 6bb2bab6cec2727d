#pragma once
/* A small WebSocket client (RFC 6455) over a connection that libcurl makes (so TLS works): whole messages, one thread. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

typedef struct lc_websocket_client lc_websocket_client;

/* `url` is http(s)://…; `token` may be NULL. Errors: LC_ERR_HTTP, LC_ERR_SERVER with the server's words. */
lc_err lc_websocket_client_open(const char *url, const char *token, const char *protocol, lc_websocket_client **client);
void lc_websocket_client_close(lc_websocket_client *client);
lc_err lc_websocket_client_send(lc_websocket_client *client, lc_span message);
typedef enum lc_websocket_got { LC_GOT_MESSAGE, LC_GOT_CLOSE, LC_GOT_TIMEOUT } lc_websocket_got;
/* Waits for the next message, at most `timeout_ms` (negative: for ever). After LC_GOT_CLOSE `message` holds the reason. */
lc_err lc_websocket_client_receive(lc_websocket_client *client, int64_t timeout_ms, lc_buf *message, lc_websocket_got *got);
