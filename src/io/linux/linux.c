/*
 * The io of the real machine: clock, randomness, directories and paths below a root directory that is held open, so that the server keeps
 * its data when the path to it is renamed.
 */
#include "io/linux/linux.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/logging.h"
#include "io/linux/linux_internal.h"

lc_err lc__linux_error(int error, const char *what, const linux_io *io, const char *path) {
  lc_err_code code = error == ENOENT                         ? LC_ERR_FILE_MISSING
                     : error == EEXIST || error == ENOTEMPTY ? LC_ERR_FILE_EXISTS
                     : error == ENOSPC || error == EDQUOT    ? LC_ERR_NO_SPACE
                                                             : LC_ERR_IO;
  return lc_fail(code, "cannot %s %s/%s: %s", what, io->directory, path, strerror(error));
}

static void linux_close(lc_io *io) {
  linux_io *self = (linux_io *)io;
  close(self->root);
  free(self->directory);
  free(self);
}

static void linux_stop(lc_io *io, lc_err why) {
  lc_log_error(
      "the disk failed to keep what it was told to keep: %s. The process stops, because going on could lose acknowledged data; "
      "check the disk and start again: everything acknowledged before this message is on it",
      lc_err_text(why));
  abort();
}

static int64_t linux_now_micros(lc_io *io) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static uint64_t linux_monotonic_nanos(lc_io *io) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void linux_random(lc_io *io, void *to, size_t len) {
  for (uint8_t *at = to; len > 0;) {
    ssize_t got = getrandom(at, len, 0);
    lc_assert(got > 0 || errno == EINTR);
    if (got > 0) at += got, len -= (size_t)got;
  }
}

static lc_path_kind linux_kind(lc_io *io, const char *path) {
  struct stat info;
  if (fstatat(((linux_io *)io)->root, path, &info, AT_SYMLINK_NOFOLLOW) != 0) return LC_PATH_MISSING;
  return S_ISDIR(info.st_mode) ? LC_PATH_DIRECTORY : LC_PATH_FILE;
}

static lc_err linux_dir_make(lc_io *io, const char *path) {
  linux_io *self = (linux_io *)io;
  if (mkdirat(self->root, path, 0755) != 0) return lc__linux_error(errno, "create directory", self, path);
  return lc_ok();
}

static lc_err linux_dir_sync(lc_io *io, const char *path) {
  linux_io *self = (linux_io *)io;
  int fd = openat(self->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return lc__linux_error(errno, "open directory", self, path);
  /* EINVAL: a file system whose directories need no sync and have none. */
  int error = fsync(fd) == 0 || errno == EINVAL ? 0 : errno;
  close(fd);
  if (error) return lc_fail(LC_ERR_IO, "cannot sync directory %s/%s: %s", self->directory, path, strerror(error));
  return lc_ok();
}

static int compare_names(const void *a, const void *b) {
  return lc_str_compare(*(const lc_str *)a, *(const lc_str *)b);
}

static lc_err linux_dir_list(lc_io *io, const char *path, lc_arena *arena, lc_str **names, size_t *count) {
  linux_io *self = (linux_io *)io;
  *names = NULL;
  *count = 0;
  int fd = openat(self->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return lc__linux_error(errno, "open directory", self, path);
  DIR *directory = fdopendir(fd);
  lc_assert(directory != NULL);
  size_t room = 0;
  struct dirent *entry;
  for (errno = 0; (entry = readdir(directory)) != NULL; errno = 0) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (*count == room) {
      lc_str *grown = LC_ARENA_ARRAY(arena, lc_str, room = room ? 2 * room : 16);
      if (*count) memcpy(grown, *names, *count * sizeof **names);
      *names = grown;
    }
    (*names)[(*count)++] = lc_arena_str(arena, lc_str_of(entry->d_name));
  }
  int error = errno;
  closedir(directory);
  if (error) return lc__linux_error(error, "list directory", self, path);
  if (*count) qsort(*names, *count, sizeof **names, compare_names);
  return lc_ok();
}

lc_err lc__linux_rename(lc_io *io, const char *from, const char *to) {
  linux_io *self = (linux_io *)io;
  if (renameat(self->root, from, self->root, to) == 0) return lc_ok();
  int error = errno;
  return lc_err_context(lc__linux_error(error, "rename", self, from), "to %s", to);
}

static lc_err linux_remove(lc_io *io, const char *path, lc_path_kind kind) {
  linux_io *self = (linux_io *)io;
  if (unlinkat(self->root, path, kind == LC_PATH_DIRECTORY ? AT_REMOVEDIR : 0) != 0) return lc__linux_error(errno, "remove", self, path);
  return lc_ok();
}

static const lc_io_ops linux_ops = {
    .close = linux_close,
    .stop = linux_stop,
    .now_micros = linux_now_micros,
    .monotonic_nanos = linux_monotonic_nanos,
    .random = linux_random,
    .open = lc__linux_file_open,
    .kind = linux_kind,
    .dir_make = linux_dir_make,
    .dir_sync = linux_dir_sync,
    .dir_list = linux_dir_list,
    .rename = lc__linux_rename,
    .remove = linux_remove,
};

/* mkdir -p, with every new entry synced into its parent. */
static int make_path(const char *path) {
  char prefix[4096];
  size_t len = strlen(path);
  if (len == 0 || len >= sizeof prefix) return len == 0 ? ENOENT : ENAMETOOLONG;
  for (size_t end = 1; end <= len; end++) {
    if (path[end] != '/' && path[end] != 0) continue;
    memcpy(prefix, path, end);
    prefix[end] = 0;
    if (mkdir(prefix, 0755) != 0) {
      if (errno == EEXIST) continue;
      return errno;
    }
    char *slash = strrchr(prefix, '/');
    if (slash) *(slash == prefix ? slash + 1 : slash) = 0;
    int parent = open(slash ? prefix : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0) continue; /* a parent that may be entered but not read cannot be synced */
    int error = fsync(parent) == 0 || errno == EINVAL ? 0 : errno;
    close(parent);
    if (error) return error;
  }
  return 0;
}

lc_err lc_io_linux_open(const char *directory, lc_io **io) {
  int error = make_path(directory);
  if (error) return lc_fail(LC_ERR_IO, "cannot create the directory %s: %s", directory, strerror(error));
  int root = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) return lc_fail(LC_ERR_IO, "cannot open the directory %s: %s", directory, strerror(errno));
  linux_io *self = calloc(1, sizeof *self);
  lc_assert(self != NULL);
  *self = (linux_io){.base.ops = &linux_ops, .root = root, .directory = strdup(directory)};
  lc_assert(self->directory != NULL);
  *io = &self->base;
  return lc_ok();
}

void lc_io_linux_refuse(lc_io *io, bool direct, bool ring) {
  linux_io *self = (linux_io *)io;
  self->refuse_direct = direct;
  self->refuse_ring = ring;
}
