#pragma once
/*
 * A small blocking client for tests and benchmarks: HTTP requests and WebSocket frames over one socket, good or deliberately wrong. Sizes
 * of answers are not bounded; the server under test is ours. Include it once per program. Functions return false when the peer ended or the
 * receive timeout (10 s) passed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/buf.h"

typedef struct ws_client {
  int fd;
  lc_buf in; /* received, not yet taken */
  size_t at;
  bool ended; /* the peer's orderly end was seen */
} ws_client;

typedef struct ws_frame {
  uint8_t opcode;
  bool final;
  uint8_t *payload; /* valid until the next call */
  size_t len;
} ws_frame;

__attribute__((unused)) static void ws_adopt(ws_client *client, int fd) {
  *client = (ws_client){.fd = fd};
  struct timeval limit = {10, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

__attribute__((unused)) static bool ws_connect(ws_client *client, uint16_t port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
    if (fd >= 0) close(fd);
    return false;
  }
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ws_adopt(client, fd);
  return true;
}

__attribute__((unused)) static void ws_disconnect(ws_client *client) {
  if (client->fd >= 0) close(client->fd);
  client->fd = -1;
  lc_buf_deinit(&client->in);
}

__attribute__((unused)) static bool ws_write(ws_client *client, const void *bytes, size_t len) {
  for (size_t done = 0; done < len;) {
    ssize_t took = send(client->fd, (const char *)bytes + done, len - done, MSG_NOSIGNAL);
    if (took < 0 && errno == EINTR) continue;
    if (took <= 0) return false;
    done += (size_t)took;
  }
  return true;
}
__attribute__((unused)) static bool ws_write_text(ws_client *client, const char *text) {
  return ws_write(client, text, strlen(text));
}

/* Makes sure that `len` bytes lie at client->in.data + client->at. */
__attribute__((unused)) static bool ws_fill(ws_client *client, size_t len) {
  if (client->at) {
    client->in.len -= client->at;
    if (client->in.len) memmove(client->in.data, client->in.data + client->at, client->in.len);
    client->at = 0;
  }
  while (client->in.len < len) {
    size_t room = len - client->in.len < 65536 ? 65536 : len - client->in.len;
    lc_buf_reserve(&client->in, room);
    ssize_t got = recv(client->fd, client->in.data + client->in.len, room, 0);
    if (got < 0 && errno == EINTR) continue; /* a server in the same process starts and ends threads and rings */
    if (got == 0) client->ended = true;
    if (got <= 0) return false;
    client->in.len += (size_t)got;
  }
  return true;
}

/* Whether the peer ended the connection (an end or a reset), reading past what it sent before. */
__attribute__((unused)) static bool ws_wait_end(ws_client *client) {
  char bytes[4096];
  for (;;) {
    ssize_t got = recv(client->fd, bytes, sizeof bytes, 0);
    if (got > 0) continue;
    return got == 0 || errno == ECONNRESET;
  }
}

/* ---- HTTP ---- */

/* The head of an answer, up to and with the empty line, terminated; valid until the next call. NULL when it does not come. */
__attribute__((unused)) static char *http_read_head(ws_client *client) {
  for (size_t len = 1;; len++) {
    if (!ws_fill(client, len)) return NULL;
    if (len < 4 || memcmp(client->in.data + len - 4, "\r\n\r\n", 4) != 0) continue;
    static char head[65536];
    if (len >= sizeof head) return NULL;
    memcpy(head, client->in.data, len);
    head[len] = 0;
    client->at = len;
    return head;
  }
}

/* Reads a head and a body of `content-length` bytes into `body` (terminated). Returns the status, 0 on failure. `head` may be NULL. */
__attribute__((unused)) static int http_read_answer(ws_client *client, lc_buf *body, const char **head) {
  char *text = http_read_head(client);
  if (text == NULL) return 0;
  if (head) *head = text;
  int status = (int)strtol(text + 9, NULL, 10);
  const char *length = strstr(text, "\r\ncontent-length: ");
  size_t len = length ? (size_t)strtoll(length + 18, NULL, 10) : 0;
  if (!ws_fill(client, len)) return 0;
  lc_buf_clear(body);
  lc_buf_append(body, client->in.data, len);
  lc_buf_cstr(body);
  client->at = len;
  return status;
}

/* ---- WebSocket ---- */

typedef struct ws_options {
  bool unfinished, unmasked;
  uint8_t reserved_bits;
} ws_options;

/* Appends one client frame. */
__attribute__((unused)) static void ws_put_frame(lc_buf *to, uint8_t opcode, const void *payload, size_t len, ws_options options) {
  static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
  lc_buf_put8(to, (uint8_t)((options.unfinished ? 0 : 0x80) | options.reserved_bits << 4 | opcode));
  uint8_t masked = options.unmasked ? 0 : 0x80;
  if (len < 126) {
    lc_buf_put8(to, (uint8_t)(masked | len));
  } else if (len <= UINT16_MAX) {
    lc_buf_put8(to, masked | 126);
    for (int shift = 8; shift >= 0; shift -= 8) lc_buf_put8(to, (uint8_t)(len >> shift));
  } else {
    lc_buf_put8(to, masked | 127);
    for (int shift = 56; shift >= 0; shift -= 8) lc_buf_put8(to, (uint8_t)((uint64_t)len >> shift));
  }
  if (masked) lc_buf_append(to, mask, 4);
  uint8_t *at = lc_buf_extend(to, len);
  for (size_t i = 0; i < len; i++) at[i] = (uint8_t)(((const uint8_t *)payload)[i] ^ (masked ? mask[i % 4] : 0));
}

__attribute__((unused)) static bool ws_send_frame(ws_client *client, uint8_t opcode, const void *payload, size_t len, ws_options options) {
  lc_buf frame = {0};
  ws_put_frame(&frame, opcode, payload, len, options);
  bool ok = ws_write(client, frame.data, frame.len);
  lc_buf_deinit(&frame);
  return ok;
}
__attribute__((unused)) static bool ws_send(ws_client *client, const void *payload, size_t len) {
  return ws_send_frame(client, 2, payload, len, (ws_options){0});
}

/* The next frame, whatever it is. */
__attribute__((unused)) static bool ws_read_frame(ws_client *client, ws_frame *frame) {
  if (!ws_fill(client, 2)) return false;
  uint8_t *at = client->in.data;
  frame->opcode = at[0] & 15;
  frame->final = at[0] & 0x80;
  uint64_t len = at[1] & 127;
  size_t extra = len == 126 ? 2 : len == 127 ? 8 : 0;
  if (!ws_fill(client, 2 + extra)) return false;
  if (extra) len = 0;
  for (size_t i = 0; i < extra; i++) len = len << 8 | client->in.data[2 + i];
  if (!ws_fill(client, 2 + extra + (size_t)len)) return false;
  frame->payload = client->in.data + 2 + extra;
  frame->len = (size_t)len;
  client->at = 2 + extra + (size_t)len;
  return true;
}

/* The next frame that is no Ping or Pong. */
__attribute__((unused)) static bool ws_read(ws_client *client, ws_frame *frame) {
  do {
    if (!ws_read_frame(client, frame)) return false;
  } while (frame->opcode == 9 || frame->opcode == 10);
  return true;
}

/* Upgrades; returns the status (101 on success). */
__attribute__((unused)) static int ws_upgrade(ws_client *client, const char *path, const char *protocol) {
  lc_buf request = {0};
  lc_buf_printf(&request,
                "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: %s\r\n\r\n",
                path, protocol);
  bool sent = ws_write(client, request.data, request.len);
  lc_buf_deinit(&request);
  char *head = sent ? http_read_head(client) : NULL;
  return head ? (int)strtol(head + 9, NULL, 10) : 0;
}
