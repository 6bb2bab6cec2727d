#pragma once
/* The state of a log, shared by log.c (appending), writer.c (what goes to disk and when) and recover.c (opening). */
#include "log/log.h"
#include "log/segment.h"

enum { LC__BATCHES = 4, LC__PATH_MAX = 480, LC__SEGMENT_GROWTH = 4 /* each segment is so many times the one before, up to the limit */ };

/*
 * Records that go to disk in one write: an image of the segment from `position` on (a multiple of LC_IO_ALIGN). Where the last write ended
 * inside a block, that block's bytes come first and are written again.
 */
typedef struct lc__batch {
  uint8_t *data;
  size_t cap, len; /* multiples of LC_IO_ALIGN: cap */
  size_t start;    /* where its own frames begin: nothing to write while len is equal */
  uint64_t position;
  uint64_t first, end;    /* offsets of its records; end is set when it is closed */
  uint64_t segment_first; /* which segment it belongs to */
  uint32_t salt;
} lc__batch;

typedef enum lc__step {
  LC__IDLE,
  LC__WRITING,    /* the oldest batch */
  LC__SPARE_BUSY, /* a new segment is wanted, but zeros are still being written to the file */
  LC__HEADER,     /* of a new segment */
  LC__PUBLISHING, /* its name (G2) */
} lc__step;

struct lc_log {
  lc_io *io;
  char directory[LC__PATH_MAX];
  uint64_t segment_size; /* the limit that segments grow to */
  size_t batch_max;

  /* Appending. The newest batch is being filled; the others are closed. */
  lc__batch batches[LC__BATCHES];
  unsigned oldest, count;
  uint64_t next;
  uint64_t fill_limit;   /* size of the segment that is being filled */
  uint64_t closed_bytes; /* of segments before that one */
  size_t reserved;       /* largest length that lc_log_commit may get; 0: nothing reserved */
  bool unmarked;         /* records (or a crash) came after the last mark */

  /* Writing. */
  lc__step step;
  uint64_t durable;
  lc_file *file; /* the segment that is being written: */
  uint64_t file_first;
  lc_file *spare; /* the next one, NULL before it is needed */
  uint64_t spare_filled, spare_size;
  bool spare_busy, spare_given_up;
  uint8_t *header_block; /* LC_IO_ALIGN bytes, aligned */
  bool is_full;
  uint64_t retry_at; /* monotonic nanoseconds: when to try a full disk again */
  bool stopped;      /* a durable write failed (simulation only: elsewhere the process is gone) */
};

static inline lc__batch *lc__log_filling(lc_log *log) {
  return &log->batches[(log->oldest + log->count - 1) % LC__BATCHES];
}
static inline uint64_t lc__log_position(const lc__batch *batch) {
  return batch->position + batch->len;
}

/* log.c */
void *lc__log_alloc(size_t size); /* aligned to LC_IO_ALIGN */
/* Closes the batch that is being filled and starts the next, in the same segment. There must be room for one. */
void lc__log_next_batch(lc_log *log);
void lc__log_mark(lc_log *log);

/* writer.c */
/* Does what can be done without waiting; with `wait`, waits for one step. Errors: LC_ERR_IO once the log has stopped. */
lc_err lc__log_advance(lc_log *log, bool wait);
void lc__log_remove_spare(lc_log *log);
/* Creates the empty spare file, in place of one that a crash may have left. */
lc_err lc__log_create_spare(lc_log *log, lc_file **file);
void lc__log_path(const lc_log *log, const char *name, char path[static LC__PATH_MAX + 32]);
#define LC__SPARE_NAME "next.tmp"

/* recover.c */
lc_err lc__log_recover(lc_log *log, lc_log_replay replay, void *context);
