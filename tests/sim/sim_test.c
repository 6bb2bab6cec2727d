/*
 * Runs from seeds: a store and its log on a simulated machine that crashes at random steps, compared with a brute-force model (L2, L3, L6,
 * L7).
 *
 *   sim_test [--seeds N] [--first S] [--verbose]
 *
 * A run is a row of lives. In each the log is opened and replayed, the outcome compared with the model; then transactions commit and abort,
 * the log is submitted and polled at random, and the machine goes down: at a random step of its disk, by a failed write, or by an orderly
 * end. The first broken promise ends the program with its name and the seed; the same seed shows it again.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/logging.h"
#include "sim/world.h"

enum { LIVES = 6, TRANSACTIONS_MAX = 120 };
static bool verbose;

_Noreturn void broken(const world *w, const char *rule, const char *format, ...) {
  fprintf(stderr, "BROKEN %s (seed %llu, after %llu transactions and %llu crashes): ", rule, (unsigned long long)w->seed,
          (unsigned long long)w->transactions, (unsigned long long)w->crashes);
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  exit(1);
}

static lc_err replay(void *context, uint64_t offset, lc_span record) {
  return lc_record_apply(record, ((world *)context)->store, NULL);
}

static void note_acknowledged(world *w) {
  uint64_t durable = lc_log_durable(w->log);
  if (durable < w->acknowledged || durable > lc_log_next(w->log))
    broken(w, "L1", "the durable offset went to %llu", (unsigned long long)durable);
  w->acknowledged = durable;
  if (durable) w->acknowledged_drawn = w->model.commits[durable - 1].last_drawn[MODEL_ACCOUNTS];
}

/* ---- transactions ---- */

/* Logs and commits what is open; takes it back when the log refuses. */
static void commit(world *w, lc_record_kind kind) {
  lc_record_inputs inputs = {.kind = kind, .timestamp_micros = lc_io_now_micros(w->io), .function = LC_STR("change"), .arguments = {0}};
  const lc_delta *delta = lc_store_delta(w->store);
  uint8_t *at;
  lc_err err = lc_log_reserve(w->log, lc_record_size(&inputs, delta), &at);
  if (lc_failed(err)) {
    lc_store_abort(w->store);
    model_abort(&w->model);
    w->refusals++;
    return;
  }
  lc_store_commit(w->store, &delta);
  uint64_t offset = lc_log_commit(w->log, lc_record_encode(at, &inputs, delta));
  if (offset != w->model.count) broken(w, "L2", "a record got offset %llu", (unsigned long long)offset);
  model_commit_open(&w->model);
  lc_store_release(w->store);
}

static void transaction(world *w) {
  w->transactions++;
  lc_store_begin(w->store);
  world_change(w);
  if (pick(w, 6) == 0) {
    lc_savepoint savepoint = lc_store_savepoint(w->store);
    size_t kept = w->model.open.count;
    uint64_t drawn_there = w->model.last_drawn[MODEL_ACCOUNTS];
    world_change(w);
    if (pick(w, 2)) {
      lc_store_rollback_to(w->store, savepoint);
      model_rollback(&w->model, kept);
      w->model.last_drawn[MODEL_ACCOUNTS] = drawn_there;
    }
  }
  if (pick(w, 4)) {
    commit(w, LC_RECORD_REDUCER);
  } else {
    lc_store_abort(w->store);
    model_abort(&w->model);
    if (pick(w, 4) == 0) world_compare(w);
  }
}

/* ---- lives ---- */

/* Opens until it works: the machine may go down on the way. */
static void open_world(world *w) {
  static const uint64_t segment_sizes[] = {8192, 16384, 65536};
  for (;;) {
    w->store = lc_store_create();
    lc_log_options options = {.segment_size = segment_sizes[pick(w, 3)], .ring_size = 16384 << pick(w, 4)};
    lc_err err = lc_log_open(w->io, "db/log", &options, replay, w, &w->log);
    if (!lc_failed(err)) err = lc_store_recovered(w->store);
    if (!lc_failed(err)) break;
    if (!lc_sim_is_down(w->io)) broken(w, "L3", "recovery failed: %s", lc_err_text(err));
    lc_store_destroy(w->store);
    lc_sim_crash(w->io);
  }
  uint64_t recovered = lc_log_next(w->log);
  if (recovered < w->acknowledged) {
    broken(w, "L2", "%llu records came back, %llu were acknowledged", (unsigned long long)recovered, (unsigned long long)w->acknowledged);
  }
  if (recovered > w->model.count)
    broken(w, "L2", "%llu records came back, %zu were committed", (unsigned long long)recovered, w->model.count);
  model_cut(&w->model, recovered);
  if (recovered == 0) {
    lc_store_begin(w->store);
    world_create_tables(w);
    commit(w, LC_RECORD_PUBLISH);
    if (w->model.count == 0) return; /* down again, or no space: an empty life */
  } else {
    world_find_tables(w);
  }
  world_compare(w);
  note_acknowledged(w);
}

/* How the life will end, or that it will run out of space meanwhile. */
static void choose_fate(world *w) {
  uint64_t fate = pick(w, 10);
  if (fate < 6)
    lc_sim_crash_after(w->io, 1 + pick(w, 150));
  else if (fate == 6)
    lc_sim_fail_after(w->io, 1 + pick(w, 100), LC_ERR_IO);
  else if (fate == 7)
    lc_sim_fail_after(w->io, 1 + pick(w, 100), LC_ERR_NO_SPACE);
  else if (fate == 8)
    lc_sim_set_capacity(w->io, 20000 + pick(w, 100000));
}

static void live(world *w) {
  if (pick(w, 3) == 0) lc_sim_crash_after(w->io, 1 + pick(w, 25));
  open_world(w);
  choose_fate(w);
  for (uint64_t left = pick(w, TRANSACTIONS_MAX); left > 0 && !lc_sim_is_down(w->io) && w->model.count > 0; left--) {
    transaction(w);
    lc_err err = lc_ok();
    for (uint64_t turns = pick(w, 4); turns > 0 && !lc_failed(err); turns--) err = pick(w, 2) ? lc_log_submit(w->log) : lc_log_poll(w->log);
    if (lc_failed(err) && !lc_sim_is_down(w->io)) broken(w, "L1", "%s", lc_err_text(err));
    note_acknowledged(w);
  }
  if (!lc_sim_is_down(w->io)) world_compare(w);
  w->stops += lc_sim_was_stopped(w->io);
  bool orderly = !lc_sim_is_down(w->io) && pick(w, 2);
  if (orderly) {
    uint64_t next = lc_log_next(w->log);
    lc_err err = lc_log_close(w->log);
    if (!lc_failed(err)) w->acknowledged = next; /* closed: all of it is durable */
    if (!lc_failed(err) && next) w->acknowledged_drawn = w->model.commits[next - 1].last_drawn[MODEL_ACCOUNTS];
  } else {
    lc_log_abandon(w->log);
  }
  lc_store_destroy(w->store);
  lc_sim_set_capacity(w->io, UINT64_MAX);
  lc_sim_crash(w->io);
  w->crashes++;
}

static void run(uint64_t seed, uint64_t totals[4]) {
  world w = {.seed = seed, .io = lc_sim_create(seed)};
  for (int life = 0; life < LIVES; life++) live(&w);
  lc_log *last;
  w.store = lc_store_create();
  lc_err err = lc_log_open(w.io, "db/log", NULL, replay, &w, &last);
  if (lc_failed(err) || lc_log_next(last) < w.acknowledged) broken(&w, "L2", "the last opening: %s", lc_err_text(err));
  lc_log_abandon(last);
  lc_store_destroy(w.store);
  if (verbose)
    printf("seed %llu: %llu transactions, %zu commits kept\n", (unsigned long long)seed, (unsigned long long)w.transactions, w.model.count);
  totals[0] += w.transactions, totals[1] += w.crashes, totals[2] += w.stops, totals[3] += w.refusals;
  model_deinit(&w.model);
  lc_io_close(w.io);
}

int main(int argc, char **argv) {
  uint64_t seeds = 200, first = 1, totals[4] = {0};
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc)
      seeds = strtoull(argv[++i], NULL, 10);
    else if (strcmp(argv[i], "--first") == 0 && i + 1 < argc)
      first = strtoull(argv[++i], NULL, 10);
    else if (strcmp(argv[i], "--verbose") == 0)
      verbose = true;
    else
      return fprintf(stderr, "usage: sim_test [--seeds N] [--first S] [--verbose]\n"), 2;
  }
  lc_log_set_level(LC_LOG_ERROR);
  for (uint64_t seed = first; seed < first + seeds; seed++) run(seed, totals);
  printf(
      "%llu seeds: %llu transactions, %llu crashes (%llu by a failed write), %llu refused by a full disk or a dead one; every promise "
      "kept\n",
      (unsigned long long)seeds, (unsigned long long)totals[0], (unsigned long long)totals[1], (unsigned long long)totals[2],
      (unsigned long long)totals[3]);
  return 0;
}
