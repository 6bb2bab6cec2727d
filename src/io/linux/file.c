/*
 * Files of the real machine. Each has a plain descriptor, and for durable writes a second one with O_DIRECT|O_DSYNC. Where O_DIRECT is
 * refused (at open, or by the first write) the plain descriptor serves, with an fdatasync behind each write; see writer.c.
 */
#define _GNU_SOURCE /* O_DIRECT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "io/linux/linux_internal.h"

static lc_err file_error(linux_file *self, int error, const char *what) {
  return lc__linux_error(error, what, (linux_io *)self->base.io, self->path);
}

static void file_close(lc_file *file) {
  linux_file *self = (linux_file *)file;
  while (self->operation.kind != LC__OP_NONE && !self->operation.done) {
    if (lc_failed(lc__writer_collect(self->writer, true))) break; /* memory of a write must not go before the write has ended */
  }
  if (self->operation.kind == LC__OP_SYNC_DIRECTORY) close(self->operation.fd);
  if (self->writer) lc__writer_unref(self->writer);
  if (self->direct_fd >= 0) close(self->direct_fd);
  close(self->fd);
  free(self->path);
  free(self);
}

static lc_err file_size(lc_file *file, uint64_t *size) {
  linux_file *self = (linux_file *)file;
  struct stat info;
  if (fstat(self->fd, &info) != 0) return file_error(self, errno, "look at");
  *size = (uint64_t)info.st_size;
  return lc_ok();
}

static lc_err file_read(lc_file *file, uint64_t offset, void *to, size_t len, size_t *read) {
  linux_file *self = (linux_file *)file;
  *read = 0;
  while (*read < len) {
    ssize_t got = pread(self->fd, (uint8_t *)to + *read, len - *read, (off_t)(offset + *read));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error(self, errno, "read");
    if (got == 0) break;
    *read += (size_t)got;
  }
  return lc_ok();
}

static lc_err file_write(lc_file *file, uint64_t offset, const void *from, size_t len) {
  linux_file *self = (linux_file *)file;
  for (size_t written = 0; written < len;) {
    ssize_t put = pwrite(self->fd, (const uint8_t *)from + written, len - written, (off_t)(offset + written));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return file_error(self, errno, "write");
    written += (size_t)put;
  }
  return lc_ok();
}

/* Never LC_ERR_NO_SPACE: a sync that fails for lack of space has lost what was written before it. */
static lc_err file_sync(lc_file *file) {
  linux_file *self = (linux_file *)file;
  if (fdatasync(self->fd) == 0) return lc_ok();
  return lc_fail(LC_ERR_IO, "cannot sync %s/%s: %s", ((linux_io *)self->base.io)->directory, self->path, strerror(errno));
}

static lc_err file_truncate(lc_file *file, uint64_t size) {
  linux_file *self = (linux_file *)file;
  while (ftruncate(self->fd, (off_t)size) != 0) {
    if (errno != EINTR) return file_error(self, errno, "truncate");
  }
  return lc_ok();
}

/* ---- durable operations ---- */

static lc_err need_writer(linux_file *self) {
  if (self->writer) return lc_ok();
  return lc__writer_create(!((linux_io *)self->base.io)->refuse_ring, &self->writer);
}

/* Opens the direct descriptor the first time; leaves it -1 where there is no such thing. */
static void need_direct(linux_file *self) {
  linux_io *io = (linux_io *)self->base.io;
  if (self->direct_fd >= 0 || self->no_direct) return;
  if (!io->refuse_direct) self->direct_fd = openat(io->root, self->path, O_WRONLY | O_DIRECT | O_DSYNC | O_CLOEXEC);
  self->no_direct = self->direct_fd < 0;
}

static lc_err file_write_durable(lc_file *file, uint64_t offset, const void *from, size_t len) {
  linux_file *self = (linux_file *)file;
  lc_assert(self->operation.kind == LC__OP_NONE);
  LC_TRY(need_writer(self));
  if (lc__writer_has_ring(self->writer)) need_direct(self);
  self->operation = (lc__operation){.kind = LC__OP_WRITE, .fd = self->direct_fd, .from = from, .offset = offset, .len = len};
  if (self->direct_fd < 0) self->operation.fd = self->fd, self->operation.sync_after = true;
  return lc__writer_start(self->writer, &self->operation);
}

static lc_err file_publish_durable(lc_file *file, const char *path) {
  linux_file *self = (linux_file *)file;
  linux_io *io = (linux_io *)self->base.io;
  lc_assert(self->operation.kind == LC__OP_NONE);
  LC_TRY(need_writer(self));
  char parent[LC_IO_PATH_MAX];
  lc__path_parent(path, parent);
  int directory = openat(io->root, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return lc__linux_error(errno, "open directory", io, parent);
  lc_err err = lc__linux_rename(self->base.io, self->path, path);
  if (lc_failed(err)) {
    close(directory);
    return err;
  }
  char *renamed = strdup(path);
  lc_assert(renamed != NULL);
  free(self->path);
  self->path = renamed;
  self->operation = (lc__operation){.kind = LC__OP_SYNC_DIRECTORY, .fd = directory};
  return lc__writer_start(self->writer, &self->operation);
}

static bool refused_direct(linux_file *self, int error) {
  return self->operation.kind == LC__OP_WRITE && self->operation.fd == self->direct_fd && self->direct_fd >= 0 &&
         (error == EINVAL || error == EOPNOTSUPP);
}

/* What to do about an operation that has ended: the result, or once more without O_DIRECT. */
static lc_err finish(linux_file *self, bool *done) {
  lc__operation *operation = &self->operation;
  if (!operation->done) return lc_ok();
  if (refused_direct(self, operation->error)) {
    close(self->direct_fd);
    self->direct_fd = -1;
    self->no_direct = true;
    operation->fd = self->fd;
    operation->sync_after = true;
    operation->done = false;
    operation->error = 0;
    return lc__writer_start(self->writer, operation);
  }
  int error = operation->error;
  bool was_write = operation->kind == LC__OP_WRITE, in_sync = operation->in_sync;
  if (!was_write) close(operation->fd);
  *operation = (lc__operation){.kind = LC__OP_NONE};
  *done = true;
  if (error == 0 || (!was_write && error == EINVAL)) return lc_ok();
  if (was_write && !in_sync) return file_error(self, error, "write");
  return lc_fail(LC_ERR_IO, "cannot sync %s%s/%s: %s", was_write ? "" : "the directory of ", ((linux_io *)self->base.io)->directory,
                 self->path, strerror(error));
}

static lc_err file_poll(lc_file *file, bool *done) {
  linux_file *self = (linux_file *)file;
  *done = self->operation.kind == LC__OP_NONE;
  if (*done) return lc_ok();
  if (!self->operation.done) LC_TRY(lc__writer_collect(self->writer, false));
  return finish(self, done);
}

static lc_err file_wait(lc_file *file) {
  linux_file *self = (linux_file *)file;
  bool done = self->operation.kind == LC__OP_NONE;
  while (!done) {
    if (!self->operation.done) LC_TRY(lc__writer_collect(self->writer, true));
    LC_TRY(finish(self, &done));
  }
  return lc_ok();
}

static int file_event_fd(lc_file *file) {
  linux_file *self = (linux_file *)file;
  if (lc_failed(need_writer(self))) return -1;
  return lc__writer_event_fd(self->writer);
}

static void file_share_events(lc_file *file, lc_file *with) {
  linux_file *self = (linux_file *)file, *other = (linux_file *)with;
  lc_assert(self->writer == NULL);
  if (lc_failed(need_writer(other))) return; /* then each operation of `with` fails and says so */
  lc__writer_ref(other->writer);
  self->writer = other->writer;
}

static const lc_file_ops file_ops = {
    .close = file_close,
    .size = file_size,
    .read = file_read,
    .write = file_write,
    .sync = file_sync,
    .truncate = file_truncate,
    .write_durable = file_write_durable,
    .publish_durable = file_publish_durable,
    .poll = file_poll,
    .wait = file_wait,
    .event_fd = file_event_fd,
    .share_events = file_share_events,
};

lc_err lc__linux_file_open(lc_io *io, const char *path, lc_open_mode mode, unsigned permissions, lc_file **file) {
  static const int flags[] = {[LC_OPEN_READ] = O_RDONLY, [LC_OPEN_WRITE] = O_RDWR, [LC_OPEN_CREATE] = O_RDWR | O_CREAT | O_EXCL};
  linux_io *self = (linux_io *)io;
  int fd = openat(self->root, path, flags[mode] | O_CLOEXEC, permissions);
  if (fd < 0) return lc__linux_error(errno, mode == LC_OPEN_CREATE ? "create" : "open", self, path);
  linux_file *opened = calloc(1, sizeof *opened);
  lc_assert(opened != NULL);
  *opened = (linux_file){.base = {.ops = &file_ops, .io = io}, .fd = fd, .direct_fd = -1, .path = strdup(path)};
  lc_assert(opened->path != NULL);
  *file = &opened->base;
  return lc_ok();
}
