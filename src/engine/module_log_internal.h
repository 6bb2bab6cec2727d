#pragma once
/*
 * The log of one module: a JSON object per line, in memory (the newest 16 MiB) and, unless the database lives in memory, in a file per day,
 * `module_logs/YYYY-MM-DD.log` (UTC), from which the memory is filled when the database opens.
 *
 *   {"level":"Info","ts":<µs since the epoch>,"target":…,"filename":…,"line_number":…,"function":…,"message":…,"trace":[…]}
 *
 * Fields that are absent are left out. Lines that the server itself writes have `__spacetimedb__` for target and filename.
 *
 * Invariants
 *   M1  Memory is bounded by LC__LOG_BYTES_MAX plus the longest line.
 *   M2  Adding a line makes no system call: the file is written once per turn. A line stays when its transaction rolls back.
 *   M3  A file that cannot be written costs its lines on disk, never the call.
 * Threads: the core thread of the database.
 */
#include "base/vec.h"
#include "engine/database.h"

enum { LC__LOG_BYTES_MAX = 16 << 20 };
#define LC__LOG_HOST "__spacetimedb__"

typedef struct lc__module_log {
  lc_io *io;       /* NULL: memory only */
  char *directory; /* of the files; owned */
  lc_buf lines;    /* the newest, whole lines, from `start` */
  size_t start;
  size_t written;  /* up to here the lines are in the file */
  lc_file *file;
  uint64_t file_size;
  int64_t file_day; /* days since the epoch */
  bool file_failed; /* reported once per failure */
  uint32_t next_handle;
  LC_VEC(struct lc__follower { uint32_t handle; lc_log_follower call; void *context; }) followers;
} lc__module_log;

/* `io` may be NULL. `directory` is that of the database. */
void lc__module_log_open(lc__module_log *log, lc_io *io, const char *directory, int64_t now_micros);
void lc__module_log_close(lc__module_log *log);
void lc__module_log_add(lc__module_log *log, int64_t now_micros, const lc_module_log_record *record);
/* A line of the server's own. */
void lc__module_log_note(lc__module_log *log, int64_t now_micros, lc_module_log_level level, lc_str function, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* Whether lc__module_log_flush has something to do. */
static inline bool lc__module_log_has_news(const lc__module_log *log) { return log->written != log->lines.len && log->io != NULL; }
/* Writes what is new to the file of the day of `now_micros`, by the machine's clock. */
void lc__module_log_flush(lc__module_log *log, int64_t now_micros);
/* Appends the newest `count` lines, 0: all. */
void lc__module_log_read(const lc__module_log *log, uint32_t count, lc_buf *to);
uint32_t lc__module_log_follow(lc__module_log *log, lc_log_follower follower, void *context);
void lc__module_log_unfollow(lc__module_log *log, uint32_t handle);
