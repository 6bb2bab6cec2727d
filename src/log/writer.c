/*
 * What goes to disk, and when: one step at a time for the segment that is being written, and beside it the next segment's file being filled
 * with zeros, so that log writes change no metadata.
 *
 *   idle ── the oldest batch holds something ──▶ writing ──▶ durable advances, the batch is free ──▶ idle
 *   idle ── that batch begins a segment ──▶ (spare busy) ──▶ header ──▶ publishing ──▶ writing
 *
 * The header is durable before the file gets its name, and the name before the first record is written (G2): a segment that exists is
 * readable, and all records of the one before are durable, since their writes came first (G1).
 *
 * A step that finds the disk full is started again, with the very same bytes (F4 wants a write to keep its extent), until it succeeds.
 */
#include <stdio.h>

#include "base/assert.h"
#include "base/logging.h"
#include "log/log_internal.h"

enum { ZEROS = 1 << 20 };
static const uint64_t retry_nanos = 100000000;
static _Alignas(LC_IO_ALIGN) const uint8_t zeros[ZEROS];

void lc__log_path(const lc_log *log, const char *name, char path[static LC__PATH_MAX + 32]) {
  snprintf(path, LC__PATH_MAX + 32, "%s/%s", log->directory, name);
}

/* ---- the spare file ---- */

lc_err lc__log_create_spare(lc_log *log, lc_file **file) {
  char path[LC__PATH_MAX + 32];
  lc__log_path(log, LC__SPARE_NAME, path);
  lc_err err = lc_file_open(log->io, path, LC_OPEN_CREATE, file);
  if (err.code != LC_ERR_FILE_EXISTS) return err;
  LC_TRY(lc_path_remove(log->io, path)); /* never reuse it: its blocks may hold anything */
  return lc_file_open(log->io, path, LC_OPEN_CREATE, file);
}

/* Best effort: whoever needs the name removes what has it. */
void lc__log_remove_spare(lc_log *log) {
  char path[LC__PATH_MAX + 32];
  lc__log_path(log, LC__SPARE_NAME, path);
  lc_file_close(log->spare);
  log->spare = NULL;
  log->spare_busy = false;
  if (!lc_path_exists(log->io, path)) return;
  lc_err ignored = lc_path_remove(log->io, path);
  (void)ignored;
}

static void give_up_spare(lc_log *log) {
  lc__log_remove_spare(log);
  log->spare_given_up = true;
  if (log->step == LC__SPARE_BUSY) log->step = LC__IDLE;
}

/* Creates the spare once the segment is used enough that another will follow. Without one the next segment grows as it is written. */
static void want_spare(lc_log *log) {
  lc__batch *filling = lc__log_filling(log);
  bool wanted = lc__log_position(filling) > log->fill_limit / LC__SEGMENT_GROWTH && filling->segment_first == log->file_first;
  if (!wanted || log->spare_given_up || log->is_full) return;
  log->spare_given_up = lc_failed(lc__log_create_spare(log, &log->spare));
  if (log->spare_given_up) return;
  lc_file_share_events(log->spare, log->file);
  uint64_t size = log->fill_limit * LC__SEGMENT_GROWTH;
  log->spare_size = (size < log->segment_size ? size : log->segment_size) & ~(uint64_t)(LC_IO_ALIGN - 1);
  log->spare_filled = 0;
}

/*
 * Learns of zeros that were written. Both files announce completions on one descriptor, and polling either collects for both: what is
 * collected for the other file is not announced again. So this comes before the step's own poll and never behind it (G3).
 */
static lc_err collect_spare(lc_log *log) {
  if (!log->spare_busy) return lc_ok();
  bool done;
  lc_err err = lc_file_poll(log->spare, &done);
  if (err.code == LC_ERR_NO_SPACE) give_up_spare(log);
  if (lc_failed(err)) return err.code == LC_ERR_NO_SPACE ? lc_ok() : err;
  if (done) log->spare_busy = false;
  return lc_ok();
}

/* Starts another write of zeros. */
static lc_err fill_spare(lc_log *log) {
  if (log->spare == NULL) want_spare(log);
  if (log->spare == NULL || log->spare_busy) return lc_ok();
  bool wanted_now = log->step != LC__IDLE && log->step != LC__WRITING;
  if (log->spare_filled >= log->spare_size || wanted_now) return lc_ok();
  uint64_t left = log->spare_size - log->spare_filled;
  size_t len = left < ZEROS ? (size_t)left : ZEROS;
  lc_err err = lc_file_write_durable(log->spare, log->spare_filled, zeros, len);
  if (err.code == LC_ERR_NO_SPACE) { /* the spare is a convenience: doing without it is not a failure */
    give_up_spare(log);
    return lc_ok();
  }
  LC_TRY(err);
  log->spare_filled += len;
  log->spare_busy = true;
  return lc_ok();
}

/* ---- starting a step ---- */

static lc_err start_header(lc_log *log, const lc__batch *batch) {
  LC_TRY(collect_spare(log)); /* its end may have been collected already, then nothing would wake us for it */
  if (log->spare == NULL) {
    /* Whatever kept the file from being made (no space, no descriptor), nothing is lost: try again later. */
    lc_err err = lc__log_create_spare(log, &log->spare);
    if (lc_failed(err)) return lc_fail(LC_ERR_NO_SPACE, "no new log segment: %s", lc_err_text(err));
    lc_file_share_events(log->spare, log->file);
    log->spare_filled = log->spare_size = 0;
  }
  if (log->spare_busy) {
    log->step = LC__SPARE_BUSY;
    return lc_ok();
  }
  memset(log->header_block, 0, LC_IO_ALIGN);
  lc_segment_header_write(log->header_block, batch->segment_first, batch->salt);
  LC_TRY(lc_file_write_durable(log->spare, 0, log->header_block, LC_IO_ALIGN));
  log->step = LC__HEADER;
  return lc_ok();
}

static lc_err start_publishing(lc_log *log) {
  char name[LC_SEGMENT_NAME_SIZE], path[LC__PATH_MAX + 32];
  lc_segment_name(name, log->batches[log->oldest].segment_first);
  lc__log_path(log, name, path);
  LC_TRY(lc_file_publish_durable(log->spare, path));
  log->step = LC__PUBLISHING;
  return lc_ok();
}

static lc_err start_write(lc_log *log, lc__batch *batch) {
  size_t whole = (batch->len + LC_IO_ALIGN - 1) & ~(size_t)(LC_IO_ALIGN - 1);
  memset(batch->data + batch->len, 0, whole - batch->len); /* F2 */
  LC_TRY(lc_file_write_durable(log->file, batch->position, batch->data, whole));
  log->step = LC__WRITING;
  return lc_ok();
}

static lc_err start_next(lc_log *log) {
  lc__batch *batch = &log->batches[log->oldest];
  log->step = LC__IDLE;
  if (batch->len == batch->start) return lc_ok();
  if (log->is_full && lc_io_monotonic_nanos(log->io) < log->retry_at) return lc_ok();
  if (log->count == 1) lc__log_next_batch(log);
  return batch->segment_first == log->file_first ? start_write(log, batch) : start_header(log, batch);
}

/* ---- ending a step ---- */

static lc_err step_done(lc_log *log) {
  if (log->is_full) lc_log_info("the log in %s has space again", log->directory);
  log->is_full = false;
  switch (log->step) {
    case LC__WRITING:
      log->durable = log->batches[log->oldest].end;
      log->oldest = (log->oldest + 1) % LC__BATCHES;
      log->count--;
      return start_next(log);
    case LC__SPARE_BUSY:
      log->spare_busy = false;
      return start_next(log);
    case LC__HEADER:
      return start_publishing(log);
    case LC__PUBLISHING:
      lc_file_close(log->file);
      log->file = log->spare;
      log->file_first = log->batches[log->oldest].segment_first;
      log->spare = NULL;
      log->spare_given_up = false;
      return start_next(log);
    case LC__IDLE:
      break;
  }
  lc_assert(false);
  return lc_ok();
}

static void become_full(lc_log *log, lc_err err) {
  if (!log->is_full) lc_log_warn("%s; transactions are refused until there is space again", lc_err_text(err));
  if (log->step == LC__SPARE_BUSY) give_up_spare(log);
  log->step = LC__IDLE;
  log->is_full = true;
  log->retry_at = lc_io_monotonic_nanos(log->io) + retry_nanos;
}

static lc_err advance(lc_log *log, bool wait) {
  LC_TRY(collect_spare(log));
  lc_err err = lc_ok();
  if (log->step == LC__IDLE) {
    err = start_next(log);
  } else {
    lc_file *file = log->step == LC__WRITING ? log->file : log->spare;
    bool done = true;
    err = wait ? lc_file_wait(file) : lc_file_poll(file, &done);
    if (!lc_failed(err) && done) err = step_done(log);
  }
  if (err.code == LC_ERR_NO_SPACE) {
    become_full(log, err);
    err = lc_ok();
  }
  return lc_failed(err) ? err : fill_spare(log);
}

lc_err lc__log_advance(lc_log *log, bool wait) {
  if (log->stopped) return lc_fail(LC_ERR_IO, "the log in %s has stopped after a failed write", log->directory);
  lc_err err = advance(log, wait);
  if (!lc_failed(err)) return err;
  /* Whatever failed, what is on disk is not known any more (L12). On the machine the process is gone at the latest now. */
  log->stopped = true;
  lc_io_stop(log->io, err);
  return err;
}
