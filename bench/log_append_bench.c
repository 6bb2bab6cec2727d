/*
 * The log alone: what an append costs in memory, and how many records a second become durable when at most a window of them may be
 * unacknowledged (closed loop, as with so many clients waiting). 173 bytes are the record of a two-account transfer.
 *
 *   log_append_bench [directory] [record bytes] [window] [seconds]
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/logging.h"
#include "io/io.h"
#include "log/log.h"

static void check(lc_err err) {
  if (!lc_failed(err)) return;
  fprintf(stderr, "%s\n", lc_err_text(err));
  exit(1);
}

static void append(lc_log *log, const uint8_t *record, size_t len) {
  uint8_t *at;
  check(lc_log_reserve(log, len, &at));
  memcpy(at, record, len);
  lc_log_commit(log, len);
}

/* Nanoseconds of an append into buffers that have been used before; the writes between the rounds are not counted. */
static void measure_append(lc_io *io, const uint8_t *record, size_t len) {
  enum { ROUNDS = 200, BYTES = 500000 };
  size_t count = BYTES / (len + 32) + 1;
  double best = 1e9, sum = 0;
  lc_log *log;
  check(lc_dir_remove_all(io, "append"));
  check(lc_log_open(io, "append", NULL, NULL, NULL, &log));
  for (int round = 0; round < ROUNDS; round++) {
    uint64_t start = lc_io_monotonic_nanos(io);
    for (size_t i = 0; i < count; i++) append(log, record, len);
    double nanos = (double)(lc_io_monotonic_nanos(io) - start) / (double)count;
    check(lc_log_flush(log));
    if (round >= ROUNDS / 2) sum += nanos;
    if (nanos < best) best = nanos;
  }
  check(lc_log_close(log));
  check(lc_dir_remove_all(io, "append"));
  printf("append %zu bytes: %.1f ns (best %.1f)\n", len, sum / (ROUNDS - ROUNDS / 2), best);
}

/* Records per second with at most `window` of them not durable. */
static void measure_durable(lc_io *io, const uint8_t *record, size_t len, uint64_t window, double seconds) {
  lc_log *log;
  check(lc_dir_remove_all(io, "durable"));
  check(lc_log_open(io, "durable", NULL, NULL, NULL, &log));
  struct pollfd event = {.fd = lc_log_event_fd(log), .events = POLLIN};
  uint64_t start = lc_io_monotonic_nanos(io), end = start + (uint64_t)(seconds * 1e9), now = start, turns = 0;
  while (now < end) {
    check(lc_log_poll(log));
    bool appended = lc_log_next(log) - lc_log_durable(log) < window;
    while (lc_log_next(log) - lc_log_durable(log) < window) append(log, record, len);
    check(lc_log_submit(log));
    if (!appended) poll(&event, 1, 1000);
    turns++;
    now = lc_io_monotonic_nanos(io);
  }
  double taken = (double)(now - start) / 1e9;
  printf("durable, window %llu: %.0f records/s, %.0f MB/s, %llu turns\n", (unsigned long long)window, (double)lc_log_durable(log) / taken,
         (double)lc_log_bytes(log) / taken / 1e6, (unsigned long long)turns);
  check(lc_log_close(log));
  check(lc_dir_remove_all(io, "durable"));
}

int main(int argc, char **argv) {
  const char *directory = argc > 1 ? argv[1] : "log_append_bench.data";
  size_t len = argc > 2 ? strtoul(argv[2], NULL, 10) : 173;
  uint64_t window = argc > 3 ? strtoull(argv[3], NULL, 10) : 2560;
  double seconds = argc > 4 ? strtod(argv[4], NULL) : 2;
  lc_io *io;
  if (len == 0) len = 1;
  uint8_t *record = malloc(len);
  if (record == NULL) return 1;
  memset(record, 0x5a, len);
  lc_log_set_level(LC_LOG_WARN);
  check(lc_io_linux_open(directory, &io));
  measure_append(io, record, len);
  measure_durable(io, record, len, window, seconds);
  if (argc <= 3) measure_durable(io, record, len, 1, seconds);
  lc_io_close(io);
  free(record);
  remove(directory);
  return 0;
}
