#pragma once
/*
 * Every effect on the outside world: files, directories, clocks, randomness. Two implementations stand behind this interface, Linux
 * (io/linux) and a simulation (io/sim) that runs from a seed, forgets what was not synced at a crash, tears writes, fills up and errs.
 * Sockets and the event loop are in io/loop.h.
 *
 * Paths are relative to the root directory that the io was opened on. Threads: each io object is used by one thread, unless said.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

typedef struct lc_io lc_io;
typedef struct lc_file lc_file;

/* The real machine, rooted at `directory` (made if missing, with its parents). */
lc_err lc_io_linux_open(const char *directory, lc_io **io);
void lc_io_close(lc_io *io);
/* L12: a write that was to be durable failed, so nothing is known about the disk any more. Logs why and ends the process; the
 * simulation instead fails every later operation, until lc_sim_crash. */
void lc_io_stop(lc_io *io, lc_err why);

/* ---- clock and randomness ---- */
int64_t lc_io_now_micros(lc_io *io); /* wall clock, since the Unix epoch */
uint64_t lc_io_monotonic_nanos(lc_io *io);
void lc_io_random(lc_io *io, void *to, size_t len);

/* ---- files ---- */
typedef enum lc_open_mode { LC_OPEN_READ, LC_OPEN_WRITE /* must exist */, LC_OPEN_CREATE /* must not exist */ } lc_open_mode;
/* Errors of all: LC_ERR_FILE_MISSING, LC_ERR_FILE_EXISTS, LC_ERR_NO_SPACE, LC_ERR_IO with the path and the system's reason. */
lc_err lc_file_open(lc_io *io, const char *path, lc_open_mode mode, lc_file **file);
void lc_file_close(lc_file *file);
lc_err lc_file_size(lc_file *file, uint64_t *size);
lc_err lc_file_read(lc_file *file, uint64_t offset, void *to, size_t len, size_t *read); /* short only at the end */
lc_err lc_file_write(lc_file *file, uint64_t offset, const void *from, size_t len);
lc_err lc_file_sync(lc_file *file); /* fdatasync */
lc_err lc_file_truncate(lc_file *file, uint64_t size);
lc_err lc_file_allocate(lc_file *file, uint64_t size); /* writes zeros up to `size`, so that later writes change no metadata */

/*
 * One durable operation at a time per file, without blocking the caller (io_uring with O_DIRECT|O_DSYNC where the system allows it,
 * otherwise a helper thread with pwrite and fdatasync). `from` and `offset` are multiples of LC_IO_ALIGN, `len` too; the memory must stay
 * as it is until the write completes. lc_file_poll gives `*done` and the result (done without an error when nothing was started);
 * lc_file_event_fd becomes readable when an operation has completed and stays so until a poll (-1 where there is none, as in simulation).
 *
 * A failed durable operation or sync stops the process (L12, lc_io_stop): the error is seen only in simulation. LC_ERR_NO_SPACE is the
 * exception: then nothing was promised, and the same operation may be started again.
 */
enum { LC_IO_ALIGN = 4096 };
lc_err lc_file_write_durable(lc_file *file, uint64_t offset, const void *from, size_t len);
/* Durable like a write, in the same queue of one: renames the open file to `path` (same directory) and syncs the directory. */
lc_err lc_file_publish_durable(lc_file *file, const char *path);
lc_err lc_file_poll(lc_file *file, bool *done);
lc_err lc_file_wait(lc_file *file);
int lc_file_event_fd(lc_file *file);
/* From now on `file` uses the ring (or thread) and the event descriptor of `with`, which stay open until the last of them is closed:
 * one descriptor announces the completions of both. `file` must not have had a durable operation yet. */
void lc_file_share_events(lc_file *file, lc_file *with);

/* ---- directories ---- */
lc_err lc_dir_create(lc_io *io, const char *path); /* parents too; fine when it exists; entries made durable */
lc_err lc_dir_sync(lc_io *io, const char *path);
lc_err lc_dir_list(lc_io *io, const char *path, lc_arena *arena, lc_str **names, size_t *count); /* sorted bytewise, without . and .. */
lc_err lc_dir_remove_all(lc_io *io, const char *path);                                           /* a directory tree; fine when missing */
lc_err lc_path_rename(lc_io *io, const char *from, const char *to);
lc_err lc_path_remove(lc_io *io, const char *path);
bool lc_path_exists(lc_io *io, const char *path);
/* Puts a whole file in place atomically and durably: temporary file, sync, rename, directory sync. `mode` as in open(2). */
lc_err lc_path_publish(lc_io *io, const char *path, lc_span content, unsigned mode);
/* Reads a whole file of at most `max` bytes. */
lc_err lc_path_read(lc_io *io, const char *path, size_t max, lc_buf *to);
