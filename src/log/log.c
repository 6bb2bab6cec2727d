/*
 * Appending: records are put together in memory in the very bytes that go to disk. A small ring of batches takes the place of a ring of
 * bytes: the oldest is being written, the newest is being filled, and a batch is an aligned, contiguous image of its part of the segment,
 * so a record lies in one piece and the write needs no copy. Beside the writer's steps (writer.c) nothing here makes a system call.
 */
#include "log/log.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "log/log_internal.h"

enum { BATCH_MIN = 64 << 10, SEGMENT_FIRST = 1 << 20, RING_MAX = 256 << 20 };
static const uint64_t segment_default = 64 << 20, ring_default = 16 << 20;

static size_t align_up(size_t size) {
  return (size + LC_IO_ALIGN - 1) & ~(size_t)(LC_IO_ALIGN - 1);
}

void *lc__log_alloc(size_t size) {
  void *memory = aligned_alloc(LC_IO_ALIGN, align_up(size));
  lc_assert(memory != NULL);
  return memory;
}

/* ---- life ---- */

static void log_free(lc_log *log) {
  lc_file_close(log->spare);
  lc_file_close(log->file);
  for (int i = 0; i < LC__BATCHES; i++) free(log->batches[i].data); /* behind the files: closing waits for writes from this memory */
  free(log->header_block);
  free(log);
}

lc_err lc_log_open(lc_io *io, const char *directory, const lc_log_options *options, lc_log_replay replay, void *context, lc_log **opened) {
  lc_log_options given = options ? *options : (lc_log_options){0};
  lc_log *log = calloc(1, sizeof *log);
  lc_assert(log != NULL && strlen(directory) < sizeof log->directory);
  log->io = io;
  memcpy(log->directory, directory, strlen(directory) + 1);
  log->segment_size = given.segment_size ? given.segment_size : segment_default;
  size_t ring_size = given.ring_size ? given.ring_size : ring_default;
  log->batch_max = (ring_size < RING_MAX ? ring_size : RING_MAX) / LC__BATCHES;
  log->fill_limit = log->segment_size < SEGMENT_FIRST ? log->segment_size : SEGMENT_FIRST;
  log->header_block = lc__log_alloc(LC_IO_ALIGN);

  lc_err err = lc__log_recover(log, replay, context);
  if (!lc_failed(err) && log->unmarked) {
    lc__log_mark(log);
    err = lc_log_flush(log);
  }
  if (lc_failed(err)) {
    log_free(log);
    return err;
  }
  if (log->spare == NULL) lc__log_remove_spare(log);
  *opened = log;
  return lc_ok();
}

lc_err lc_log_close(lc_log *log) {
  if (log->unmarked && !log->is_full && !log->stopped) lc__log_mark(log);
  log->retry_at = 0; /* a full disk gets its last chance now */
  lc_err err = lc_log_flush(log);
  if (log->spare) lc__log_remove_spare(log); /* a database at rest takes no more room than it needs */
  log_free(log);
  return err;
}

void lc_log_abandon(lc_log *log) {
  if (log) log_free(log);
}

/* ---- batches ---- */

static void batch_grow(lc__batch *batch, size_t needed) {
  if (needed <= batch->cap) return;
  size_t cap = batch->cap ? batch->cap : BATCH_MIN;
  while (cap < needed) cap *= 2;
  uint8_t *grown = lc__log_alloc(cap);
  if (batch->len) memcpy(grown, batch->data, batch->len);
  free(batch->data);
  batch->data = grown;
  batch->cap = cap;
}

void lc__log_next_batch(lc_log *log) {
  lc_assert(log->count < LC__BATCHES);
  lc__batch *closed = lc__log_filling(log);
  closed->end = log->next;
  log->count++;
  lc__batch *batch = lc__log_filling(log);
  uint64_t end = lc__log_position(closed), block = end & ~(uint64_t)(LC_IO_ALIGN - 1);
  batch->len = 0;
  batch_grow(batch, BATCH_MIN);
  batch->position = block;
  batch->len = batch->start = (size_t)(end - block);
  memcpy(batch->data, closed->data + (block - closed->position), batch->len);
  batch->first = log->next;
  batch->segment_first = closed->segment_first;
  batch->salt = closed->salt;
}

/* Turns the batch that is being filled, which holds nothing yet, into the first of a new segment. */
static void begin_segment(lc_log *log) {
  lc__batch *batch = lc__log_filling(log);
  log->closed_bytes += lc__log_position(batch);
  do lc_io_random(log->io, &batch->salt, sizeof batch->salt);
  while (batch->salt == 0);
  batch->position = 0;
  batch->segment_first = log->next;
  lc_segment_header_write(batch->data, log->next, batch->salt);
  batch->len = batch->start = LC_SEGMENT_HEADER_SIZE;
  uint64_t limit = log->fill_limit * LC__SEGMENT_GROWTH;
  log->fill_limit = limit < log->segment_size ? limit : log->segment_size;
}

static lc_err full_error(const lc_log *log) {
  return lc_fail(LC_ERR_NO_SPACE, "the disk is full: the log in %s cannot take more transactions until space is freed; reads go on",
                 log->directory);
}

/* The slow path of reserve: a new batch, a new segment, or a larger buffer. */
static lc_err make_room(lc_log *log, size_t frame_size) {
  lc__batch *batch = lc__log_filling(log);
  bool holds_records = lc__log_position(batch) > LC_SEGMENT_HEADER_SIZE;
  bool new_segment = holds_records && lc__log_position(batch) + frame_size > log->fill_limit; /* F3; alone it may be larger */
  if (new_segment || (batch->len + frame_size > log->batch_max && batch->len > batch->start)) {
    while (batch->len > batch->start && log->count == LC__BATCHES) {
      if (log->is_full) return full_error(log);
      LC_TRY(lc__log_advance(log, true));
    }
    if (batch->len > batch->start) lc__log_next_batch(log);
    if (new_segment) begin_segment(log);
    LC_TRY(lc__log_advance(log, false));
  }
  batch_grow(lc__log_filling(log), align_up(lc__log_filling(log)->len + frame_size));
  return lc_ok();
}

/* ---- appending ---- */

lc_err lc_log_reserve(lc_log *log, size_t size, uint8_t **at) {
  if (size > LC_LOG_RECORD_MAX) {
    return lc_fail(LC_ERR_TOO_LARGE, "a transaction of %zu bytes is larger than the log takes (%d)", size, LC_LOG_RECORD_MAX);
  }
  if (__builtin_expect(log->is_full, 0)) return full_error(log);
  if (__builtin_expect(log->stopped, 0)) return lc_fail(LC_ERR_IO, "the log in %s has stopped after a failed write", log->directory);
  size_t frame_size = lc_frame_size(size);
  lc__batch *batch = lc__log_filling(log);
  if (__builtin_expect(lc__log_position(batch) + frame_size > log->fill_limit || batch->len + frame_size > log->batch_max ||
                           batch->len + frame_size > batch->cap,
                       0)) {
    LC_TRY(make_room(log, frame_size));
    batch = lc__log_filling(log);
  }
  log->reserved = size;
  *at = batch->data + batch->len + LC_FRAME_HEADER_SIZE;
  return lc_ok();
}

uint64_t lc_log_commit(lc_log *log, size_t len) {
  lc_assert(len > 0 && len <= log->reserved);
  lc__batch *batch = lc__log_filling(log);
  log->reserved = 0;
  log->unmarked = true;
  batch->len += lc_frame_finish(batch->data + batch->len, LC_FRAME_RECORD, (uint32_t)len, log->next, batch->first, batch->salt);
  return log->next++;
}

/* A mark may reach over the segment's limit: it must not begin a segment of its own. */
void lc__log_mark(lc_log *log) {
  lc__batch *batch = lc__log_filling(log);
  batch_grow(batch, align_up(batch->len + LC_FRAME_HEADER_SIZE));
  /* In a batch with records it would prove nothing: F4 wants a write of its own. */
  if (batch->len > batch->start && log->count < LC__BATCHES) {
    lc__log_next_batch(log);
    batch = lc__log_filling(log);
  }
  batch->len += lc_frame_finish(batch->data + batch->len, LC_FRAME_MARK, 0, log->next, batch->first, batch->salt);
  log->unmarked = false;
}

/* ---- progress ---- */

uint64_t lc_log_next(const lc_log *log) {
  return log->next;
}

uint64_t lc_log_durable(const lc_log *log) {
#ifdef LC_PLANT_ACK_BEFORE_SYNC
  return log->next;
#else
  return log->durable;
#endif
}

lc_err lc_log_submit(lc_log *log) {
  return lc__log_advance(log, false);
}
lc_err lc_log_poll(lc_log *log) {
  return lc__log_advance(log, false);
}

lc_err lc_log_flush(lc_log *log) {
  LC_TRY(lc__log_advance(log, false));
  while (log->step != LC__IDLE || log->batches[log->oldest].len > log->batches[log->oldest].start) {
    if (log->is_full && log->step == LC__IDLE) return full_error(log); /* and not when it is being tried again */
    LC_TRY(lc__log_advance(log, true));
  }
  return lc_ok();
}

bool lc_log_is_full(const lc_log *log) {
  return log->is_full;
}
int lc_log_event_fd(lc_log *log) {
  return lc_file_event_fd(log->file);
}

uint64_t lc_log_bytes(const lc_log *log) {
  return log->closed_bytes + lc__log_position(lc__log_filling((lc_log *)(uintptr_t)log));
}
