#pragma once
/* Shared by the files of io/linux: the io and file structs, and the writer, which runs durable operations. */
#include "io/io_internal.h"

typedef struct linux_io {
  lc_io base;
  int root;           /* descriptor of the root directory */
  char *directory;    /* its path, for messages */
  bool refuse_direct; /* tests: behave as where the system refuses O_DIRECT ... */
  bool refuse_ring;   /* ... or io_uring */
} linux_io;

/* A durable operation that is under way. One per file. */
typedef struct lc__operation {
  enum { LC__OP_NONE, LC__OP_WRITE, LC__OP_SYNC_DIRECTORY } kind;
  int fd;              /* write: the direct descriptor or the plain one; else the directory, closed at the end */
  const uint8_t *from; /* what is still to be written */
  uint64_t offset;
  size_t len;
  bool sync_after; /* fdatasync once it is written: the descriptor has no O_DSYNC */
  bool done;
  bool in_sync;               /* the write is done, its sync is under way: an error now means that nothing is known */
  int error;                  /* errno of the failure, 0 */
  struct lc__operation *next; /* in the thread's queue */
} lc__operation;

/* A ring or a thread, with the event descriptor that announces completions. Shared by files (lc_file_share_events), counted. */
typedef struct lc__writer lc__writer;
lc_err lc__writer_create(bool want_ring, lc__writer **writer);
void lc__writer_ref(lc__writer *writer);
void lc__writer_unref(lc__writer *writer); /* no operation may be under way */
bool lc__writer_has_ring(const lc__writer *writer);
int lc__writer_event_fd(const lc__writer *writer);
/* Starts `operation`; it must stay where it is until it is done. */
lc_err lc__writer_start(lc__writer *writer, lc__operation *operation);
/* Collects what has completed: sets `done` and `error` of those operations. With `wait`, until at least one has. */
lc_err lc__writer_collect(lc__writer *writer, bool wait);

typedef struct linux_file {
  lc_file base;
  int fd;         /* plain */
  int direct_fd;  /* O_DIRECT|O_DSYNC, -1 before the first durable write or where it is refused */
  bool no_direct; /* O_DIRECT was refused */
  char *path;
  lc__writer *writer; /* NULL before the first durable operation */
  lc__operation operation;
} linux_file;

lc_err lc__linux_file_open(lc_io *io, const char *path, lc_open_mode mode, unsigned permissions, lc_file **file);
/* The error for `what` (a verb) on `path` with this errno. */
lc_err lc__linux_error(int error, const char *what, const linux_io *io, const char *path);
lc_err lc__linux_rename(lc_io *io, const char *from, const char *to);
