/*
 * The io interface: hands primitives to the implementation and composes the rest from them. L12 is enforced here, in one place: whatever
 * was to be durable and failed stops the process.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "io/io_internal.h"

void lc_io_close(lc_io *io) {
  if (io) io->ops->close(io);
}
void lc_io_stop(lc_io *io, lc_err why) {
  io->ops->stop(io, why);
}
int64_t lc_io_now_micros(lc_io *io) {
  return io->ops->now_micros(io);
}
uint64_t lc_io_monotonic_nanos(lc_io *io) {
  return io->ops->monotonic_nanos(io);
}
void lc_io_random(lc_io *io, void *to, size_t len) {
  io->ops->random(io, to, len);
}

/* ENOSPC of a durable write promises nothing and loses nothing; any other failure leaves the disk in an unknown state. */
static lc_err stop_if_failed(lc_io *io, lc_err err) {
  if (lc_failed(err) && err.code != LC_ERR_NO_SPACE) lc_io_stop(io, err);
  return err;
}

/* ---- files ---- */

lc_err lc_file_open(lc_io *io, const char *path, lc_open_mode mode, lc_file **file) {
  return io->ops->open(io, path, mode, 0644, file);
}
void lc_file_close(lc_file *file) {
  if (file) file->ops->close(file);
}
lc_err lc_file_size(lc_file *file, uint64_t *size) {
  return file->ops->size(file, size);
}
lc_err lc_file_read(lc_file *file, uint64_t offset, void *to, size_t len, size_t *read) {
  return file->ops->read(file, offset, to, len, read);
}
lc_err lc_file_write(lc_file *file, uint64_t offset, const void *from, size_t len) {
  return file->ops->write(file, offset, from, len);
}
lc_err lc_file_sync(lc_file *file) {
  return stop_if_failed(file->io, file->ops->sync(file));
}
lc_err lc_file_truncate(lc_file *file, uint64_t size) {
  return file->ops->truncate(file, size);
}

lc_err lc_file_allocate(lc_file *file, uint64_t size) {
  enum { CHUNK = 256 << 10 };
  uint64_t at;
  LC_TRY(lc_file_size(file, &at));
  uint8_t *zeros = calloc(1, CHUNK);
  lc_assert(zeros != NULL);
  lc_err err = lc_ok();
  while (at < size && !lc_failed(err)) {
    size_t len = size - at < CHUNK ? (size_t)(size - at) : CHUNK;
    err = lc_file_write(file, at, zeros, len);
    at += len;
  }
  free(zeros);
  return err;
}

lc_err lc_file_write_durable(lc_file *file, uint64_t offset, const void *from, size_t len) {
  lc_assert(offset % LC_IO_ALIGN == 0 && len % LC_IO_ALIGN == 0 && (uintptr_t)from % LC_IO_ALIGN == 0 && len > 0);
  return stop_if_failed(file->io, file->ops->write_durable(file, offset, from, len));
}
lc_err lc_file_publish_durable(lc_file *file, const char *path) {
  return stop_if_failed(file->io, file->ops->publish_durable(file, path));
}
lc_err lc_file_poll(lc_file *file, bool *done) {
  return stop_if_failed(file->io, file->ops->poll(file, done));
}
lc_err lc_file_wait(lc_file *file) {
  return stop_if_failed(file->io, file->ops->wait(file));
}
int lc_file_event_fd(lc_file *file) {
  return file->ops->event_fd(file);
}
void lc_file_share_events(lc_file *file, lc_file *with) {
  file->ops->share_events(file, with);
}

/* ---- paths ---- */

void lc__path_parent(const char *path, char parent[static LC_IO_PATH_MAX]) {
  const char *slash = strrchr(path, '/');
  size_t len = slash ? (size_t)(slash - path) : 0;
  lc_assert(len < LC_IO_PATH_MAX);
  if (slash == NULL) {
    memcpy(parent, ".", 2);
    return;
  }
  memcpy(parent, path, len);
  parent[len] = 0;
}

lc_err lc_dir_sync(lc_io *io, const char *path) {
  return stop_if_failed(io, io->ops->dir_sync(io, path));
}
lc_err lc_path_rename(lc_io *io, const char *from, const char *to) {
  return io->ops->rename(io, from, to);
}
bool lc_path_exists(lc_io *io, const char *path) {
  return io->ops->kind(io, path) != LC_PATH_MISSING;
}

lc_err lc_path_remove(lc_io *io, const char *path) {
  lc_path_kind kind = io->ops->kind(io, path);
  if (kind == LC_PATH_MISSING) return lc_fail(LC_ERR_FILE_MISSING, "cannot remove %s: it does not exist", path);
  return io->ops->remove(io, path, kind);
}

lc_err lc_dir_list(lc_io *io, const char *path, lc_arena *arena, lc_str **names, size_t *count) {
  return io->ops->dir_list(io, path, arena, names, count);
}

/* An entry made by somebody who crashed before syncing it looks like any other, so the parent is synced even when nothing was made. */
lc_err lc_dir_create(lc_io *io, const char *path) {
  if (strcmp(path, ".") == 0) return lc_ok();
  char parent[LC_IO_PATH_MAX];
  lc__path_parent(path, parent);
  if (strcmp(parent, ".") != 0) LC_TRY(lc_dir_create(io, parent));
  lc_err err = io->ops->dir_make(io, path);
  if (lc_failed(err) && err.code != LC_ERR_FILE_EXISTS) return err;
  if (lc_failed(err) && io->ops->kind(io, path) != LC_PATH_DIRECTORY) return err;
  return lc_dir_sync(io, parent);
}

static lc_err remove_tree(lc_io *io, const char *path, lc_arena *arena) {
  lc_path_kind kind = io->ops->kind(io, path);
  if (kind == LC_PATH_MISSING) return lc_ok();
  if (kind == LC_PATH_DIRECTORY) {
    lc_str *names;
    size_t count;
    LC_TRY(lc_dir_list(io, path, arena, &names, &count));
    for (size_t i = 0; i < count; i++) {
      LC_TRY(remove_tree(io, lc_arena_printf(arena, "%s/%.*s", path, LC_STR_ARGS(names[i])).ptr, arena));
    }
  }
  return io->ops->remove(io, path, kind);
}

lc_err lc_dir_remove_all(lc_io *io, const char *path) {
  lc_arena arena = {0};
  char parent[LC_IO_PATH_MAX];
  lc__path_parent(path, parent);
  bool existed = lc_path_exists(io, path);
  lc_err err = remove_tree(io, path, &arena);
  lc_arena_deinit(&arena);
  if (lc_failed(err) || !existed) return err;
  return lc_dir_sync(io, parent);
}

/* The order is what makes it safe: content durable, then the name, then the name durable. */
lc_err lc_path_publish(lc_io *io, const char *path, lc_span content, unsigned mode) {
  char parent[LC_IO_PATH_MAX], temporary[LC_IO_PATH_MAX + 8];
  lc__path_parent(path, parent);
  int len = snprintf(temporary, sizeof temporary, "%s.tmp", path);
  lc_assert(len > 0 && (size_t)len < sizeof temporary);
  if (lc_path_exists(io, temporary)) LC_TRY(lc_path_remove(io, temporary)); /* of a publish that a crash ended */
  lc_file *file;
  LC_TRY(io->ops->open(io, temporary, LC_OPEN_CREATE, mode, &file));
  lc_err err = lc_file_write(file, 0, content.ptr, content.len);
  if (!lc_failed(err)) err = lc_file_sync(file);
  lc_file_close(file);
  if (!lc_failed(err)) err = lc_path_rename(io, temporary, path);
  if (lc_failed(err)) {
    lc_err ignored = io->ops->remove(io, temporary, LC_PATH_FILE); /* best effort: the next publish removes it too */
    (void)ignored;
    return err;
  }
  return lc_dir_sync(io, parent);
}

lc_err lc_path_read(lc_io *io, const char *path, size_t max, lc_buf *to) {
  lc_file *file;
  LC_TRY(lc_file_open(io, path, LC_OPEN_READ, &file));
  uint64_t size = 0;
  lc_err err = lc_file_size(file, &size);
  if (!lc_failed(err) && size > max) {
    err = lc_fail(LC_ERR_TOO_LARGE, "%s has %llu bytes, at most %zu are read", path, (unsigned long long)size, max);
  }
  if (!lc_failed(err) && size > 0) {
    size_t before = to->len, got = 0;
    err = lc_file_read(file, 0, lc_buf_extend(to, (size_t)size), (size_t)size, &got);
    to->len = lc_failed(err) ? before : before + got;
  }
  lc_file_close(file);
  return err;
}
