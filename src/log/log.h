#pragma once
/*
 * The commit log of one database: a sequence of records, each one transaction, numbered by offset from 0. Format: log/segment.h,
 * docs/formats.md.
 *
 * Records go to a small ring of aligned buffers. Once per turn the owner calls lc_log_submit: everything new is handed to the disk in one
 * asynchronous durable write; while it is under way the next turn's records gather in the next buffer. lc_log_poll collects completions;
 * then lc_log_durable says which offsets may be acknowledged (L1). The caller never waits.
 *
 * Invariants: L1, L2, L3, L12 (a failed sync stops the process), and
 *   G1  Records are durable in order: offset k durable implies every offset below k durable.
 *   G2  A segment's directory entry is durable before any record in it is reported durable (before it is written, even).
 *   G3  Whoever polls only when lc_log_event_fd says so learns of every completion.
 *
 * A full disk: what is in memory stays there unacknowledged and is written when there is space again; lc_log_reserve answers
 * LC_ERR_NO_SPACE meanwhile, so transactions are refused and reads go on. The write is tried again by lc_log_submit and lc_log_poll, at
 * most ten times a second. Threads: the core thread that owns the database.
 */
#include "io/io.h"

typedef struct lc_log lc_log;

typedef struct lc_log_options {
  uint64_t segment_size; /* bytes, 0: the default of 64 MiB. The first segments are smaller: a small database takes 1 MiB */
  size_t ring_size;      /* bytes of memory, 0: the default of 16 MiB; larger records grow it */
} lc_log_options;

/* Called for each record in order during open. A failure stops the replay and the open with that error. */
typedef lc_err (*lc_log_replay)(void *context, uint64_t offset, lc_span record);

/*
 * Opens (or starts) the log in `directory` of `io` and replays every whole record. A torn end is cut off; damage with valid records behind
 * it is LC_ERR_LOG_CORRUPT and nothing is changed on disk (L3). `io` must outlive the log.
 */
lc_err lc_log_open(lc_io *io, const char *directory, const lc_log_options *options, lc_log_replay replay, void *context, lc_log **log);
/* Submits and waits for everything, then frees. */
lc_err lc_log_close(lc_log *log);
/* Frees without writing what is not on disk yet: for tests of crashes. */
void lc_log_abandon(lc_log *log);

/* Room for a record of at most `size` bytes in the ring; write it there, then commit with the true length. Waits for the disk only when the
 * ring is full. Errors: LC_ERR_TOO_LARGE over LC_LOG_RECORD_MAX, LC_ERR_NO_SPACE. */
enum { LC_LOG_RECORD_MAX = 1 << 30 };
lc_err lc_log_reserve(lc_log *log, size_t size, uint8_t **at);
/* Returns the record's offset. `len` > 0. */
uint64_t lc_log_commit(lc_log *log, size_t len);

/* The offset that the next record gets: all below it are in the ring or on disk. */
uint64_t lc_log_next(const lc_log *log);
/* Number of records that are durable: offsets below it may be acknowledged. */
uint64_t lc_log_durable(const lc_log *log);
/* Starts a write when none is under way and something is new. */
lc_err lc_log_submit(lc_log *log);
/* Collects a finished write, starts the next. */
lc_err lc_log_poll(lc_log *log);
/* Waits until everything committed so far is durable. LC_ERR_NO_SPACE: the disk is full, even now; what was committed stays in the ring and
 * may become durable later. */
lc_err lc_log_flush(lc_log *log);
/* Whether writes wait for space on the disk. While they do, call lc_log_poll from time to time: no event comes. */
bool lc_log_is_full(const lc_log *log);
/* Readable when lc_log_poll has something to collect. The same descriptor from open to close; -1 when the io has no such thing
 * (simulation). */
int lc_log_event_fd(lc_log *log);
uint64_t lc_log_bytes(const lc_log *log); /* on disk, for metrics */
