/*
 * The two-account transfer through lc_database_call, in process: the module of tests/engine/bank.c (wasm, 8 host calls a transfer), a real
 * log in a directory that the first argument names (default: a temporary one), turns of 1,024 calls. Prints nanoseconds per call (the best
 * and the middle round) and how often the core thread allocated.
 *
 *   engine_transfer_bench [directory] [accounts]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "engine/database.h"

enum { ROUNDS = 15, TURNS = 100, TURN_CALLS = 1024, KEYS = 1 << 20 };

/* ---- counting allocations ---- */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
static _Thread_local uint64_t allocations;
void *malloc(size_t size) {
  return allocations++, __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
  return allocations++, __libc_calloc(count, size);
}
void *realloc(void *memory, size_t size) {
  return allocations++, __libc_realloc(memory, size);
}

/* ---- set-up ---- */

static void check(lc_err err, const char *what) {
  if (!lc_failed(err)) return;
  fprintf(stderr, "%s: %s\n", what, lc_err_text(err));
  exit(1);
}

static uint64_t now_nanos(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void compile(const char *directory, lc_buf *wasm) {
  char command[2048], source[1024];
  snprintf(source, sizeof source, "%s", __FILE__);
  char *end = strstr(source, "bench/engine_transfer_bench.c");
  if (end) *end = 0;
  snprintf(command, sizeof command,
           "clang-22 --target=wasm32-unknown-unknown -nostdlib -fno-builtin -O3 -DEDITION=1 -Wl,--no-entry,--strip-all -o %s/bank.wasm "
           "%stests/engine/bank.c",
           directory, source);
  if (system(command) != 0) exit(1);
  snprintf(source, sizeof source, "%s/bank.wasm", directory);
  FILE *file = fopen(source, "rb");
  if (file == NULL) exit(1);
  size_t got;
  while ((got = fread(lc_buf_extend(wasm, 65536), 1, 65536, file)) > 0) wasm->len -= 65536 - got;
  wasm->len -= 65536;
  fclose(file);
}

static void published(void *context, const lc_publish_result *result) {
  check(result->err, "publish");
}

static lc_database *open_database(lc_io *io, const char *name, bool in_memory, lc_span wasm, uint32_t accounts) {
  lc_database *database;
  lc_database_options options = {.io = io, .directory = name, .in_memory = in_memory};
  check(lc_database_open(&options, &database), "open");
  lc_database_turn_begin(database, lc_io_now_micros(io));
  lc_database_publish(database, &(lc_publish_request){.program = wasm, .done = published});
  for (uint32_t id = 3; id <= accounts; id++) {
    uint8_t arguments[12];
    lc_reducer_result result;
    lc_store32(arguments, id);
    lc_store64(arguments + 4, 1000000000);
    lc_reducer_call call = {.reducer = LC_STR("open_account"), .arguments = lc_span_of(arguments, sizeof arguments)};
    lc_database_call(database, NULL, (lc_identity){0}, (lc_connection_id){0}, &call, &result);
    if (result.outcome != LC_OUTCOME_OK) exit(1);
    if (id % TURN_CALLS == 0) check(lc_database_turn_end(database), "turn"), check(lc_database_poll(database), "poll");
  }
  return database;
}

/* ---- the run ---- */

static uint8_t keys[KEYS][16];

static void make_keys(uint32_t accounts) {
  uint64_t random = 0x12345678;
  for (size_t i = 0; i < KEYS; i++) {
    random ^= random << 13, random ^= random >> 7, random ^= random << 17;
    uint32_t from = 3 + (uint32_t)(random >> 33) % (accounts - 2), to = 3 + (uint32_t)random % (accounts - 2);
    if (from == to) to = from == 3 ? 4 : from - 1;
    lc_store32(keys[i], from);
    lc_store32(keys[i] + 4, to);
    lc_store64(keys[i] + 8, 1);
  }
}

static void run_turn(lc_database *database, lc_io *io, bool prefetch, size_t *at) {
  lc_reducer_call calls[TURN_CALLS];
  for (size_t i = 0; i < TURN_CALLS; i++)
    calls[i] = (lc_reducer_call){.reducer = LC_STR("transfer"), .arguments = lc_span_of(keys[(*at)++ % KEYS], 16)};
  lc_database_turn_begin(database, lc_io_now_micros(io));
  for (size_t i = 0; i < TURN_CALLS; i++) {
    lc_reducer_result result;
    if (prefetch && i % 8 == 0 && i + 16 <= TURN_CALLS) lc_database_prefetch(database, &calls[i + 8], 8);
    lc_database_call(database, NULL, (lc_identity){{1}}, (lc_connection_id){2, 3}, &calls[i], &result);
    if (result.outcome != LC_OUTCOME_OK) {
      fprintf(stderr, "transfer: %s\n", result.error);
      exit(1);
    }
  }
  check(lc_database_turn_end(database), "turn");
  check(lc_database_poll(database), "poll");
}

static int by_time(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void measure(const char *name, lc_database *database, lc_io *io, bool prefetch) {
  double nanos[ROUNDS];
  size_t at = 0;
  for (int turn = 0; turn < TURNS; turn++) run_turn(database, io, prefetch, &at);
  uint64_t allocated = allocations;
  for (int round = 0; round < ROUNDS; round++) {
    uint64_t start = now_nanos();
    for (int turn = 0; turn < TURNS; turn++) run_turn(database, io, prefetch, &at);
    nanos[round] = (double)(now_nanos() - start) / (TURNS * TURN_CALLS);
  }
  allocated = allocations - allocated;
  qsort(nanos, ROUNDS, sizeof *nanos, by_time);
  printf("%-28s %7.0f ns/call best %7.0f middle   %llu allocations in %d calls\n", name, nanos[0], nanos[ROUNDS / 2],
         (unsigned long long)allocated, ROUNDS * TURNS * TURN_CALLS);
}

int main(int argc, char **argv) {
  char temporary[] = "/tmp/lc-bench-XXXXXX";
  const char *directory = argc > 1 ? argv[1] : mkdtemp(temporary);
  uint32_t accounts = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 100000;
  lc_io *io;
  lc_buf wasm = {0};
  check(lc_host_init(NULL), "host");
  check(lc_io_linux_open(directory, &io), "io");
  compile(directory, &wasm);
  make_keys(accounts);
  lc_database *memory = open_database(io, "memory", true, lc_buf_span(&wasm), accounts);
  measure("in memory", memory, io, false);
  measure("in memory, prefetch", memory, io, true);
  lc_database_close(memory);
  lc_database *disk = open_database(io, "disk", false, lc_buf_span(&wasm), accounts);
  measure("with log", disk, io, false);
  measure("with log, prefetch", disk, io, true);
  lc_database_close(disk);
  lc_buf_deinit(&wasm);
  lc_io_close(io);
  if (argc <= 1) {
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", directory);
    if (system(command) != 0) return 1;
  }
  return 0;
}
