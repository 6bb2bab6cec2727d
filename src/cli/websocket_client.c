#define _GNU_SOURCE
#include "cli/websocket_client.h"

#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

#include "cli/cli.h"

struct lc_websocket_client {
  CURL *curl;
  curl_socket_t socket;
  lc_buf received; /* bytes not looked at yet */
  lc_buf message;  /* fragments so far */
};

enum {
  OP_CONTINUE,
  OP_TEXT,
  OP_BINARY,
  OP_CLOSE = 8,
  OP_PING,
  OP_PONG,
  OP_MASK = 15,
  FINAL = 0x80,
  MASKED = 0x80,
  MESSAGE_MAX = 512 << 20
};

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool wait_for(lc_websocket_client *client, short events, int64_t timeout_ms) {
  struct pollfd wait = {.fd = client->socket, .events = events};
  int result = poll(&wait, 1, timeout_ms < 0 ? -1 : (int)timeout_ms);
  return result > 0;
}

static lc_err send_all(lc_websocket_client *client, lc_span bytes) {
  while (bytes.len) {
    size_t sent = 0;
    CURLcode code = curl_easy_send(client->curl, bytes.ptr, bytes.len, &sent);
    if (code == CURLE_AGAIN)
      wait_for(client, POLLOUT, -1);
    else if (code != CURLE_OK)
      return lc_fail(LC_ERR_HTTP, "sending to the server: %s", curl_easy_strerror(code));
    bytes.ptr += sent;
    bytes.len -= sent;
  }
  return lc_ok();
}

/* Appends what has arrived. `*ended`: the server has closed the connection; `*timeout`: nothing came. */
static lc_err receive_some(lc_websocket_client *client, int64_t deadline_ms, bool *ended, bool *timeout) {
  for (;;) {
    size_t got = 0;
    lc_buf_reserve(&client->received, 64 << 10);
    CURLcode code =
        curl_easy_recv(client->curl, client->received.data + client->received.len, client->received.cap - client->received.len, &got);
    client->received.len += got;
    if (code == CURLE_OK) {
      *ended = got == 0;
      return lc_ok();
    }
    if (code != CURLE_AGAIN) return lc_fail(LC_ERR_HTTP, "reading from the server: %s", curl_easy_strerror(code));
    int64_t left = deadline_ms < 0 ? -1 : deadline_ms - now_ms();
    if (deadline_ms >= 0 && left <= 0) {
      *timeout = true;
      return lc_ok();
    }
    wait_for(client, POLLIN, left);
  }
}

/* ---- handshake ---- */

static void put_key(lc_buf *to) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  uint8_t random[16] = {0};
  if (getrandom(random, sizeof random, 0) < 0) random[0] = 1;
  for (int i = 0; i < 22; i++) { /* 16 bytes in base64: the last digit has two bits */
    uint32_t bit = (uint32_t)i * 6, high = random[bit / 8], low = bit / 8 + 1 < 16 ? random[bit / 8 + 1] : 0;
    lc_buf_put8(to, (uint8_t)digits[((high << 8 | low) >> (10 - bit % 8)) & 63]);
  }
  lc_buf_put_text(to, "==");
}

static lc_err handshake(lc_websocket_client *client, const char *url, const char *token, const char *protocol) {
  const char *host = strstr(url, "://") + 3, *path = strchr(host, '/');
  size_t host_len = path ? (size_t)(path - host) : strlen(host);
  lc_buf request = {0};
  lc_buf_printf(&request,
                "GET %s HTTP/1.1\r\nHost: %.*s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: "
                "13\r\nSec-WebSocket-Protocol: %s\r\n",
                path ? path : "/", (int)host_len, host, protocol);
  lc_buf_printf(&request, "User-Agent: lightcone-cli/" LC_VERSION "\r\n");
  if (token) lc_buf_printf(&request, "Authorization: Bearer %s\r\n", token);
  lc_buf_put_text(&request, "Sec-WebSocket-Key: ");
  put_key(&request);
  lc_buf_put_text(&request, "\r\n\r\n");
  lc_err err = send_all(client, lc_buf_span(&request));
  lc_buf_deinit(&request);
  const uint8_t *end = NULL;
  int64_t deadline = now_ms() + 30000;
  while (!lc_failed(err) && !end) {
    bool ended = false, timeout = false;
    err = receive_some(client, deadline, &ended, &timeout);
    end = client->received.len ? memmem(client->received.data, client->received.len, "\r\n\r\n", 4) : NULL;
    if (!lc_failed(err) && !end && (ended || timeout))
      err = lc_fail(LC_ERR_HTTP, "connecting to %s: the server did not answer the handshake", url);
  }
  if (lc_failed(err)) return err;
  size_t head = (size_t)(end - client->received.data) + 4;
  lc_str answer = {(const char *)client->received.data, head};
  if (answer.len < 12 || memcmp(answer.ptr + 9, "101", 3) != 0)
    return lc_fail(LC_ERR_SERVER, "connecting to %s: %.*s %.*s", url, (int)strcspn(answer.ptr, "\r"), answer.ptr,
                   (int)(client->received.len - head), answer.ptr + head);
  lc_buf_append(&client->message, answer.ptr, head);
  bool agreed = strcasestr(lc_buf_cstr(&client->message), protocol) != NULL;
  lc_buf_clear(&client->message);
  memmove(client->received.data, client->received.data + head, client->received.len - head);
  client->received.len -= head;
  return agreed ? lc_ok() : lc_fail(LC_ERR_PROTOCOL, "connecting to %s: the server does not speak %s", url, protocol);
}

lc_err lc_websocket_client_open(const char *url, const char *token, const char *protocol, lc_websocket_client **client) {
  lc_websocket_client *self = calloc(1, sizeof *self);
  lc_assert(self != NULL);
  self->curl = curl_easy_init();
  curl_easy_setopt(self->curl, CURLOPT_URL, url);
  curl_easy_setopt(self->curl, CURLOPT_CONNECT_ONLY, 1L);
  curl_easy_setopt(self->curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(self->curl, CURLOPT_NOPROXY, "localhost,127.0.0.1,::1");
  CURLcode code = curl_easy_perform(self->curl);
  lc_err err = lc_ok();
  if (code != CURLE_OK)
    err = lc_fail(LC_ERR_HTTP, "no server answers at %s: %s. Is it running? `lightcone start` runs one.", url, curl_easy_strerror(code));
  if (!lc_failed(err)) {
    curl_easy_getinfo(self->curl, CURLINFO_ACTIVESOCKET, &self->socket);
    err = handshake(self, url, token, protocol);
  }
  if (lc_failed(err))
    lc_websocket_client_close(self);
  else
    *client = self;
  return err;
}

void lc_websocket_client_close(lc_websocket_client *client) {
  curl_easy_cleanup(client->curl);
  lc_buf_deinit(&client->received);
  lc_buf_deinit(&client->message);
  free(client);
}

/* ---- frames ---- */

static lc_err send_frame(lc_websocket_client *client, uint8_t opcode, lc_span payload) {
  lc_buf frame = {0};
  uint8_t mask[4] = {0x5a, 0x17, 0xc3, 0x9e};
  if (getrandom(mask, sizeof mask, 0) < 0) mask[0]++;
  lc_buf_put8(&frame, FINAL | opcode);
  if (payload.len < 126) {
    lc_buf_put8(&frame, (uint8_t)(MASKED | payload.len));
  } else {
    int bytes = payload.len <= UINT16_MAX ? 2 : 8;
    lc_buf_put8(&frame, (uint8_t)(MASKED | (bytes == 2 ? 126 : 127)));
    for (int i = bytes - 1; i >= 0; i--) lc_buf_put8(&frame, (uint8_t)(payload.len >> (8 * i)));
  }
  lc_buf_append(&frame, mask, 4);
  uint8_t *to = lc_buf_extend(&frame, payload.len);
  for (size_t i = 0; i < payload.len; i++) to[i] = payload.ptr[i] ^ mask[i % 4];
  lc_err err = send_all(client, lc_buf_span(&frame));
  lc_buf_deinit(&frame);
  return err;
}

lc_err lc_websocket_client_send(lc_websocket_client *client, lc_span message) {
  return send_frame(client, OP_BINARY, message);
}

/* The next whole frame in what was received; its size, or 0 when more bytes are needed. */
static size_t parse_frame(const lc_buf *received, uint8_t *first, lc_span *payload) {
  const uint8_t *bytes = received->data;
  if (received->len < 2) return 0;
  size_t head = 2;
  uint64_t len = bytes[1] & 0x7f;
  if (len >= 126) {
    size_t extra = len == 126 ? 2 : 8;
    if (received->len < 2 + extra) return 0;
    len = 0;
    for (size_t i = 0; i < extra; i++) len = len << 8 | bytes[2 + i];
    head += extra;
  }
  if (len > MESSAGE_MAX || received->len < head + len) return 0;
  *first = bytes[0];
  *payload = lc_span_of(bytes + head, (size_t)len);
  return head + (size_t)len;
}

/* Handles one frame; `*done` when it completes something for the caller. */
static lc_err take_frame(lc_websocket_client *client, uint8_t first, lc_span payload, lc_buf *message, lc_websocket_got *got, bool *done) {
  switch (first & OP_MASK) {
    case OP_PING:
      return send_frame(client, OP_PONG, payload);
    case OP_PONG:
      return lc_ok();
    case OP_CLOSE:
      lc_buf_clear(message);
      if (payload.len > 2) lc_buf_append(message, payload.ptr + 2, payload.len - 2);
      *got = LC_GOT_CLOSE;
      *done = true;
      return send_frame(client, OP_CLOSE, payload);
    default:
      break;
  }
  lc_buf_put_span(&client->message, payload);
  if (!(first & FINAL)) return lc_ok();
  lc_buf_clear(message);
  lc_buf_put_span(message, lc_buf_span(&client->message));
  lc_buf_clear(&client->message);
  *got = LC_GOT_MESSAGE;
  *done = true;
  return lc_ok();
}

lc_err lc_websocket_client_receive(lc_websocket_client *client, int64_t timeout_ms, lc_buf *message, lc_websocket_got *got) {
  int64_t deadline = timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
  for (bool done = false; !done;) {
    uint8_t first;
    lc_span payload;
    size_t size = parse_frame(&client->received, &first, &payload);
    if (size) {
      LC_TRY(take_frame(client, first, payload, message, got, &done));
      memmove(client->received.data, client->received.data + size, client->received.len - size);
      client->received.len -= size;
      continue;
    }
    bool ended = false, timeout = false;
    LC_TRY(receive_some(client, deadline, &ended, &timeout));
    if (!ended && !timeout) continue;
    lc_buf_clear(message);
    *got = timeout ? LC_GOT_TIMEOUT : LC_GOT_CLOSE;
    done = true;
  }
  return lc_ok();
}
