/*
 * Opening a log: every record is read and checked, in order, through all segments. Where reading ends in the last one, F4 (segment.h) tells
 * a write that a crash tore, which is cut off, from damage, which is reported and left for `check` and `salvage` to look at (L3).
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/assert.h"
#include "base/logging.h"
#include "log/log_internal.h"

typedef struct segment_reader {
  lc_log *log;
  lc_log_replay replay;
  void *context;
  char path[LC__PATH_MAX + 32]; /* of the segment at hand */
  lc_buf bytes;                 /* its content */
  uint32_t salt;
  size_t end; /* behind its last whole frame */
} segment_reader;

static lc_err corrupt(const segment_reader *reader, size_t position, const char *what) {
  return lc_fail(LC_ERR_LOG_CORRUPT, "the log is damaged: %s, byte %zu: %s. Nothing was changed on disk", reader->path, position, what);
}

static lc_err read_segment(segment_reader *reader, uint64_t first) {
  lc_log *log = reader->log;
  char name[LC_SEGMENT_NAME_SIZE];
  lc_segment_name(name, first);
  lc__log_path(log, name, reader->path);
  lc_buf_clear(&reader->bytes);
  LC_TRY(lc_path_read(log->io, reader->path, SIZE_MAX / 4, &reader->bytes));
  uint64_t named = 0;
  lc_err err = lc_segment_header_read(lc_buf_span(&reader->bytes), &named, &reader->salt);
  if (lc_failed(err)) return lc_err_context(err, "the log is damaged: %s", reader->path);
  if (named != first) return corrupt(reader, 16, "the file is named after another offset than its header says");
  return lc_ok();
}

/* Replays whole frames from the start; `end` is where they stop. */
static lc_err replay_segment(segment_reader *reader) {
  lc_log *log = reader->log;
  reader->end = LC_SEGMENT_HEADER_SIZE;
  for (;;) {
    lc_frame frame;
    lc_span rest = {reader->bytes.data + reader->end, reader->bytes.len - reader->end};
    if (lc_frame_read(rest, reader->salt, &frame) != LC_FRAME_WHOLE) return lc_ok();
    if (frame.offset != log->next) {
      char what[96];
      snprintf(what, sizeof what, "record %llu stands where %llu must follow", (unsigned long long)frame.offset,
               (unsigned long long)log->next);
      return corrupt(reader, reader->end, what);
    }
    if (frame.kind == LC_FRAME_RECORD) {
      if (reader->replay) {
        lc_err err = reader->replay(reader->context, frame.offset, frame.payload);
        if (lc_failed(err))
          return lc_err_context(err, "record %llu (%s, byte %zu)", (unsigned long long)frame.offset, reader->path, reader->end);
      }
      log->next++;
    }
    log->unmarked = frame.kind == LC_FRAME_RECORD;
    reader->end += frame.size;
  }
}

static size_t used_bytes(lc_span bytes) {
  while (bytes.len > 0 && bytes.ptr[bytes.len - 1] == 0) bytes.len--;
  return bytes.len;
}

/* Zeros instead of a shorter file, because the space was written in advance; they are durable before anything new is written, so that bytes
 * of the torn write never stand behind a new record. */
static lc_err cut_off(segment_reader *reader, lc_file *file, size_t used) {
  lc_log_warn("%s: a crash tore the last write: %zu bytes from record %llu on, never acknowledged, are cut off", reader->path,
              used - reader->end, (unsigned long long)reader->log->next);
  size_t len = used - reader->end;
  memset(reader->bytes.data + reader->end, 0, len);
  LC_TRY(lc_file_write(file, reader->end, reader->bytes.data + reader->end, len));
  reader->log->unmarked = true;
  return lc_file_sync(file);
}

/* The last segment: decides what its end is, and goes on writing there. */
static lc_err adopt_segment(segment_reader *reader, uint64_t first) {
  lc_log *log = reader->log;
  size_t used = used_bytes(lc_buf_span(&reader->bytes)), at;
  lc_frame later;
  if (used > reader->end && lc_segment_find_later(lc_buf_span(&reader->bytes), reader->end, reader->salt, log->next, &at, &later)) {
    char what[160];
    snprintf(what, sizeof what, "record %llu cannot be read, but a later write is there (record %llu at byte %zu)",
             (unsigned long long)log->next, (unsigned long long)later.offset, at);
    return corrupt(reader, reader->end, what);
  }
  LC_TRY(lc_file_open(log->io, reader->path, LC_OPEN_WRITE, &log->file));
  if (used > reader->end) LC_TRY(cut_off(reader, log->file, used));

  lc__batch *batch = &log->batches[0];
  log->count = 1;
  log->file_first = batch->segment_first = first;
  batch->salt = reader->salt;
  batch->position = reader->end & ~(uint64_t)(LC_IO_ALIGN - 1);
  batch->len = batch->start = reader->end - (size_t)batch->position;
  batch->cap = 64 << 10;
  batch->data = lc__log_alloc(batch->cap);
  memcpy(batch->data, reader->bytes.data + batch->position, batch->len);
  batch->first = log->durable = log->next;
  if (reader->bytes.len > log->fill_limit) log->fill_limit = reader->bytes.len;
  if (log->fill_limit > log->segment_size) log->fill_limit = log->segment_size;
  return lc_ok();
}

/* The first segment of all, in one go: nothing is to be kept yet, so a crash on the way may leave anything but a named file without a
 * header. */
static lc_err create_first(lc_log *log) {
  char name[LC_SEGMENT_NAME_SIZE], path[LC__PATH_MAX + 32], temporary[LC__PATH_MAX + 32];
  lc_segment_name(name, 0);
  lc__log_path(log, name, path);
  lc__log_path(log, LC__SPARE_NAME, temporary);
  uint32_t salt;
  do lc_io_random(log->io, &salt, sizeof salt);
  while (salt == 0);
  lc_segment_header_write(log->header_block, 0, salt);

  lc_file *file;
  LC_TRY(lc_dir_create(log->io, log->directory));
  LC_TRY(lc__log_create_spare(log, &file));
  lc_err err = lc_file_write(file, 0, log->header_block, LC_SEGMENT_HEADER_SIZE);
  if (!lc_failed(err)) err = lc_file_allocate(file, log->fill_limit);
  if (!lc_failed(err)) err = lc_file_sync(file);
  lc_file_close(file);
  if (!lc_failed(err)) err = lc_path_rename(log->io, temporary, path);
  if (lc_failed(err)) return err;
  return lc_dir_sync(log->io, log->directory);
}

static lc_err recover_all(segment_reader *reader, const uint64_t *firsts, size_t count) {
  lc_log *log = reader->log;
  for (size_t i = 0; i < count; i++) {
    if (firsts[i] != log->next) {
      char what[160];
      snprintf(what, sizeof what, "records end at offset %llu here, but the next segment begins with %llu", (unsigned long long)log->next,
               (unsigned long long)firsts[i]);
      if (i > 0) return corrupt(reader, reader->end, what);
      return lc_fail(LC_ERR_LOG_CORRUPT, "the log in %s is damaged: its first segment is missing (the earliest begins with offset %llu)",
                     log->directory, (unsigned long long)firsts[0]);
    }
    LC_TRY(read_segment(reader, firsts[i]));
    LC_TRY(replay_segment(reader));
    if (i + 1 < count) log->closed_bytes += reader->end;
  }
  return adopt_segment(reader, firsts[count - 1]);
}

static lc_err list_segments(lc_log *log, lc_arena *arena, uint64_t **firsts, size_t *count) {
  lc_str *names;
  size_t name_count;
  *count = 0;
  LC_TRY(lc_dir_list(log->io, log->directory, arena, &names, &name_count));
  *firsts = LC_ARENA_ARRAY(arena, uint64_t, name_count + 1);
  for (size_t i = 0; i < name_count; i++) {
    if (lc_segment_name_parse(names[i], &(*firsts)[*count])) ++*count;
  }
  return lc_ok();
}

lc_err lc__log_recover(lc_log *log, lc_log_replay replay, void *context) {
  lc_arena arena = {0};
  uint64_t *firsts = NULL;
  size_t count = 0;
  lc_err err = lc_path_exists(log->io, log->directory) ? list_segments(log, &arena, &firsts, &count) : lc_ok();
  if (!lc_failed(err) && count == 0) {
    err = create_first(log);
    if (!lc_failed(err)) err = list_segments(log, &arena, &firsts, &count);
  }
  if (!lc_failed(err)) {
    segment_reader reader = {.log = log, .replay = replay, .context = context};
    err = recover_all(&reader, firsts, count);
    lc_buf_deinit(&reader.bytes);
  }
  lc_arena_deinit(&arena);
  return err;
}
