#pragma once
/* What an implementation of the io interface provides: the primitives. Everything composed of them (publishing a file, removing a tree) is
 * in io.c, so that the simulation runs the very sequence of steps that the machine does. */
#include "io/io.h"

typedef enum lc_path_kind { LC_PATH_MISSING, LC_PATH_FILE, LC_PATH_DIRECTORY } lc_path_kind;

typedef struct lc_io_ops {
  void (*close)(lc_io *io);
  void (*stop)(lc_io *io, lc_err why);
  int64_t (*now_micros)(lc_io *io);
  uint64_t (*monotonic_nanos)(lc_io *io);
  void (*random)(lc_io *io, void *to, size_t len);
  lc_err (*open)(lc_io *io, const char *path, lc_open_mode mode, unsigned permissions, lc_file **file);
  lc_path_kind (*kind)(lc_io *io, const char *path);
  lc_err (*dir_make)(lc_io *io, const char *path); /* one level; LC_ERR_FILE_EXISTS */
  lc_err (*dir_sync)(lc_io *io, const char *path); /* "." is the root */
  lc_err (*dir_list)(lc_io *io, const char *path, lc_arena *arena, lc_str **names, size_t *count);
  lc_err (*rename)(lc_io *io, const char *from, const char *to);
  lc_err (*remove)(lc_io *io, const char *path, lc_path_kind kind); /* a file or an empty directory */
} lc_io_ops;

typedef struct lc_file_ops {
  void (*close)(lc_file *file);
  lc_err (*size)(lc_file *file, uint64_t *size);
  lc_err (*read)(lc_file *file, uint64_t offset, void *to, size_t len, size_t *read);
  lc_err (*write)(lc_file *file, uint64_t offset, const void *from, size_t len);
  lc_err (*sync)(lc_file *file);
  lc_err (*truncate)(lc_file *file, uint64_t size);
  lc_err (*write_durable)(lc_file *file, uint64_t offset, const void *from, size_t len);
  lc_err (*publish_durable)(lc_file *file, const char *path);
  lc_err (*poll)(lc_file *file, bool *done);
  lc_err (*wait)(lc_file *file);
  int (*event_fd)(lc_file *file);
  void (*share_events)(lc_file *file, lc_file *with);
} lc_file_ops;

/* The first field of each implementation's own struct. */
struct lc_io {
  const lc_io_ops *ops;
};
struct lc_file {
  const lc_file_ops *ops;
  lc_io *io;
};

/* The directory part of a path, "." when it has none. */
enum { LC_IO_PATH_MAX = 512 };
void lc__path_parent(const char *path, char parent[static LC_IO_PATH_MAX]);
