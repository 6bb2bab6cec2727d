/*
 * The load of the two-account transfer: N WebSocket connections with D calls in flight each, closed loop, against any server that speaks
 * v2.bsatn or v3.bsatn. One thread, epoll. Every reply is checked: ReducerResult, outcome Ok, request ids in order.
 *
 *   transfer_load --port P --database NAME [--connections 64] [--depth 40] [--seconds 10] [--warmup 2] [--accounts 100000]
 *                 [--protocol v3|v2] [--confirmed true|false] [--alpha 0] [--json]
 *
 * Keys: mulberry32 from seed 0x12345678; alpha 0 uniform, otherwise Zipf over ranks with id = rank - 1; pairs are drawn ahead, connection i
 * starts at i * pairs / connections. Reported: calls per second (mean over the window), latency from the send of a call's frame to its reply.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CALL_SIZE = 38, REPLY_SIZE = 22, READ_SIZE = 256 << 10, DEPTH_MAX = 4096, PAIRS = 1 << 20, BUCKETS = 1 << 12 };

static struct {
  int port, connections, depth;
  double seconds, warmup, alpha;
  uint32_t accounts;
  bool v3, json;
  const char *database, *confirmed;
} options = {.port = 3000, .connections = 64, .depth = 40, .seconds = 10, .warmup = 2, .accounts = 100000, .v3 = true, .database = "transfer", .confirmed = "true"};

typedef struct connection {
  int fd;
  uint32_t next_id, next_reply; /* request ids: sent, expected */
  uint32_t pair;
  size_t have;
  uint8_t *in;
  uint8_t out[16 + DEPTH_MAX * (CALL_SIZE + 14)];
  size_t out_len, out_sent;
  uint64_t sent_at[DEPTH_MAX]; /* per request id modulo */
} connection;

static uint32_t (*pairs)[2];
static uint64_t replies, window_replies, failures;
static uint64_t histogram[BUCKETS];
static bool measuring;

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void die(const char *what) {
  fprintf(stderr, "transfer_load: %s: %s\n", what, errno ? strerror(errno) : "unexpected answer");
  exit(1);
}

/* ---- keys ---- */

static uint32_t generator_state = 0x12345678;

static double mulberry32(void) {
  generator_state += 0x6d2b79f5u;
  uint32_t t = generator_state;
  t = (t ^ t >> 15) * (t | 1);
  t ^= t + (t ^ t >> 7) * (t | 61);
  return (double)(t ^ t >> 14) / 4294967296.0;
}

static uint32_t pick(const double *cdf) {
  double u = mulberry32();
  if (cdf == NULL) return (uint32_t)(u * options.accounts);
  uint32_t low = 0, high = options.accounts - 1;
  while (low < high) {
    uint32_t middle = (low + high) / 2;
    if (cdf[middle] < u) low = middle + 1;
    else high = middle;
  }
  return low;
}

static void draw_pairs(void) {
  double *cdf = NULL;
  if (options.alpha > 0) {
    cdf = malloc(sizeof *cdf * options.accounts);
    double sum = 0;
    for (uint32_t i = 0; i < options.accounts; i++) cdf[i] = sum += 1 / pow(i + 1, options.alpha);
    for (uint32_t i = 0; i < options.accounts; i++) cdf[i] /= sum;
  }
  pairs = malloc(sizeof *pairs * PAIRS);
  for (uint32_t i = 0; i < PAIRS; i++) {
    pairs[i][0] = pick(cdf);
    pairs[i][1] = pick(cdf);
    for (int again = 0; again < 32 && pairs[i][0] == pairs[i][1]; again++) pairs[i][1] = pick(cdf);
    if (pairs[i][0] == pairs[i][1]) pairs[i][1] = (pairs[i][0] + 1) % options.accounts;
  }
  free(cdf);
}

/* ---- frames ---- */

/* A masked binary frame header with a zero mask (the payload stays as it is). */
static size_t frame_header(uint8_t *to, size_t len) {
  size_t at = 0;
  to[at++] = 0x82;
  if (len < 126) {
    to[at++] = 0x80 | (uint8_t)len;
  } else if (len < 65536) {
    to[at++] = 0x80 | 126;
    to[at++] = (uint8_t)(len >> 8);
    to[at++] = (uint8_t)len;
  } else {
    to[at++] = 0x80 | 127;
    for (int shift = 56; shift >= 0; shift -= 8) to[at++] = (uint8_t)(len >> shift);
  }
  memset(to + at, 0, 4);
  return at + 4;
}

static uint8_t *put_call(uint8_t *to, connection *c, uint64_t now) {
  const uint32_t *pair = pairs[c->pair++ & (PAIRS - 1)];
  uint32_t name_len = 8, args_len = 16;
  int64_t amount = 1;
  *to++ = 3;
  memcpy(to, &c->next_id, 4), to += 4;
  *to++ = 0;
  memcpy(to, &name_len, 4), to += 4;
  memcpy(to, "transfer", 8), to += 8;
  memcpy(to, &args_len, 4), to += 4;
  memcpy(to, &pair[0], 4), to += 4;
  memcpy(to, &pair[1], 4), to += 4;
  memcpy(to, &amount, 8), to += 8;
  c->sent_at[c->next_id % DEPTH_MAX] = now;
  c->next_id++;
  return to;
}

static void flush_out(connection *c, int epoll) {
  while (c->out_sent < c->out_len) {
    ssize_t sent = send(c->fd, c->out + c->out_sent, c->out_len - c->out_sent, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) {
      struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
      epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event);
      return;
    }
    if (sent < 0) die("send");
    c->out_sent += (size_t)sent;
  }
  c->out_len = c->out_sent = 0;
}

/* Fills the connection up to its depth. */
static void send_calls(connection *c, int epoll) {
  if (c->out_len > 0) return;
  uint32_t calls = (uint32_t)options.depth - (c->next_id - c->next_reply);
  if (calls == 0) return;
  uint64_t now = now_ns();
  uint8_t *at = c->out;
  if (options.v3) {
    at += frame_header(at, (size_t)calls * CALL_SIZE);
    for (uint32_t i = 0; i < calls; i++) at = put_call(at, c, now);
  } else {
    for (uint32_t i = 0; i < calls; i++) {
      at += frame_header(at, CALL_SIZE);
      at = put_call(at, c, now);
    }
  }
  c->out_len = (size_t)(at - c->out);
  flush_out(c, epoll);
}

static void note_latency(uint64_t ns) { /* 64 buckets per power of two */
  int log2 = 63 - __builtin_clzll(ns | 64);
  uint64_t bucket = ((uint64_t)(log2 - 6) << 6) | (ns >> (log2 - 6) & 63);
  histogram[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
}

static double percentile_us(double part) {
  uint64_t total = 0, seen = 0;
  for (int i = 0; i < BUCKETS; i++) total += histogram[i];
  for (int i = 0; i < BUCKETS; i++) {
    seen += histogram[i];
    if (total && (double)seen >= part * (double)total) return (double)((64u + (i & 63u)) << (i >> 6)) / 1000.0;
  }
  return 0;
}

/* The messages of one frame's payload: tag byte 0, then ReducerResults. */
static void take_payload(connection *c, const uint8_t *at, size_t len, uint64_t now) {
  if (len == 0 || at[0] != 0) die("a frame that is not plain");
  const uint8_t *end = at + len;
  for (at++; at < end; at += REPLY_SIZE) {
    uint32_t id, ok_len;
    if (end - at < 14 || at[0] != 6) die("a message that is no ReducerResult");
    memcpy(&id, at + 1, 4);
    if (id != c->next_reply) die("replies out of order");
    if (at[13] == 1) at -= 8; /* OkEmpty is 8 bytes shorter */
    else if (at[13] != 0) { failures++; die("a call that failed"); }
    else { memcpy(&ok_len, at + 14, 4); if (ok_len != 0) die("a return value"); }
    if (measuring) {
      note_latency(now - c->sent_at[id % DEPTH_MAX]);
      window_replies++;
    }
    c->next_reply++;
    replies++;
  }
}

static void take_input(connection *c) {
  ssize_t got = recv(c->fd, c->in + c->have, READ_SIZE - c->have, 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) die("the server closed the connection");
  c->have += (size_t)got;
  uint64_t now = now_ns();
  size_t at = 0;
  for (;;) {
    if (c->have - at < 2) break;
    uint64_t len = c->in[at + 1] & 127;
    size_t header = 2;
    if (len == 126) {
      header = 4;
      if (c->have - at < header) break;
      len = (uint64_t)c->in[at + 2] << 8 | c->in[at + 3];
    } else if (len == 127) {
      header = 10;
      if (c->have - at < header) break;
      len = 0;
      for (int i = 0; i < 8; i++) len = len << 8 | c->in[at + 2 + i];
    }
    if (c->have - at < header + len) break;
    int opcode = c->in[at] & 15;
    if (opcode == 2) take_payload(c, c->in + at + header, len, now);
    else if (opcode == 8) die("the server sent Close");
    else if (opcode == 9 && c->out_len == 0) {
      uint8_t pong[6] = {0x8a, 0x80};
      if (send(c->fd, pong, 6, MSG_NOSIGNAL) != 6) die("pong");
    }
    at += header + len;
  }
  memmove(c->in, c->in + at, c->have - at);
  c->have -= at;
}

static void read_exactly(int fd, uint8_t *to, size_t len) {
  while (len) {
    ssize_t got = recv(fd, to, len, 0);
    if (got <= 0) die("handshake");
    to += got;
    len -= (size_t)got;
  }
}

static connection *open_connection(int index) {
  connection *c = calloc(1, sizeof *c);
  c->in = malloc(READ_SIZE);
  c->pair = (uint32_t)((uint64_t)index * PAIRS / (uint64_t)options.connections);
  c->fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (connect(c->fd, (struct sockaddr *)&address, sizeof address) != 0) die("connect");
  int on = 1;
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  char request[1024];
  int len = snprintf(request, sizeof request,
                     "GET /v1/database/%s/subscribe?compression=None&confirmed=%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                     "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: %s.bsatn.spacetimedb\r\n\r\n",
                     options.database, options.confirmed, options.port, options.v3 ? "v3" : "v2");
  if (send(c->fd, request, (size_t)len, MSG_NOSIGNAL) != len) die("send handshake");
  char answer[4096];
  size_t have = 0;
  while (have < 4 || memcmp(answer + have - 4, "\r\n\r\n", 4) != 0) {
    if (have == sizeof answer) die("handshake answer");
    read_exactly(c->fd, (uint8_t *)answer + have, 1);
    have++;
  }
  if (strncmp(answer, "HTTP/1.1 101", 12) != 0) {
    errno = 0;
    fprintf(stderr, "%.*s\n", (int)have, answer);
    die("the server refused the WebSocket");
  }
  for (;;) { /* the initial message; pings may come before it */
    uint8_t header[4];
    read_exactly(c->fd, header, 2);
    size_t size = header[1] & 127;
    if (size == 126) {
      read_exactly(c->fd, header + 2, 2);
      size = (size_t)header[2] << 8 | header[3];
    }
    uint8_t *payload = malloc(size + 1);
    read_exactly(c->fd, payload, size);
    bool initial = (header[0] & 15) == 2 && size > 1 && payload[1] == 0;
    free(payload);
    if (initial) break;
  }
  fcntl(c->fd, F_SETFL, O_NONBLOCK);
  return c;
}

static void run_for(int epoll, double seconds) {
  uint64_t end = now_ns() + (uint64_t)(seconds * 1e9);
  while (now_ns() < end) {
    struct epoll_event events[256];
    int count = epoll_wait(epoll, events, 256, 100);
    for (int i = 0; i < count; i++) {
      connection *c = events[i].data.ptr;
      if (events[i].events & EPOLLOUT) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event);
        flush_out(c, epoll);
      }
      if (events[i].events & EPOLLIN) take_input(c);
      send_calls(c, epoll);
    }
  }
}

static void parse_options(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
    if (strcmp(name, "--json") == 0) { options.json = true; continue; }
    else if (strcmp(name, "--port") == 0) options.port = (int)strtol(value, NULL, 10);
    else if (strcmp(name, "--database") == 0) options.database = value;
    else if (strcmp(name, "--connections") == 0) options.connections = (int)strtol(value, NULL, 10);
    else if (strcmp(name, "--depth") == 0) options.depth = (int)strtol(value, NULL, 10);
    else if (strcmp(name, "--seconds") == 0) options.seconds = strtod(value, NULL);
    else if (strcmp(name, "--warmup") == 0) options.warmup = strtod(value, NULL);
    else if (strcmp(name, "--accounts") == 0) options.accounts = (uint32_t)strtoul(value, NULL, 10);
    else if (strcmp(name, "--alpha") == 0) options.alpha = strtod(value, NULL);
    else if (strcmp(name, "--confirmed") == 0) options.confirmed = value;
    else if (strcmp(name, "--protocol") == 0) options.v3 = strcmp(value, "v3") == 0;
    else { fprintf(stderr, "transfer_load: unknown option %s (the head of bench/load/transfer_load.c lists them)\n", name); exit(2); }
    i++;
  }
  if (options.depth < 1 || options.depth > DEPTH_MAX || options.connections < 1 || options.accounts < 2) {
    fprintf(stderr, "transfer_load: depth 1..%d, at least 1 connection and 2 accounts\n", DEPTH_MAX);
    exit(2);
  }
}

int main(int argc, char **argv) {
  parse_options(argc, argv);
  draw_pairs();
  int epoll = epoll_create1(0);
  connection **all = calloc((size_t)options.connections, sizeof *all);
  for (int i = 0; i < options.connections; i++) {
    all[i] = open_connection(i);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = all[i]};
    epoll_ctl(epoll, EPOLL_CTL_ADD, all[i]->fd, &event);
  }
  for (int i = 0; i < options.connections; i++) send_calls(all[i], epoll);
  run_for(epoll, options.warmup);
  measuring = true;
  uint64_t began = now_ns();
  struct rusage before, after;
  getrusage(RUSAGE_SELF, &before);
  run_for(epoll, options.seconds);
  double elapsed = (double)(now_ns() - began) / 1e9;
  getrusage(RUSAGE_SELF, &after);
  double cpu = (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec - before.ru_stime.tv_sec) +
               (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec + after.ru_stime.tv_usec - before.ru_stime.tv_usec) / 1e6;
  double rate = (double)window_replies / elapsed;
  const char *format = options.json ? "{\"tps\":%.0f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"replies\":%llu,\"client_cpu_ns\":%.0f}\n"
                                    : "%10.0f transactions/s   p50 %.1f us   p99 %.1f us   %llu replies, client CPU %.0f ns each\n";
  printf(format, rate, percentile_us(0.5), percentile_us(0.99), (unsigned long long)replies, window_replies ? cpu * 1e9 / (double)window_replies : 0);
  return 0;
}
