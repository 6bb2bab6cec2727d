#pragma once
/* Shared by the files of io/sim: sim.c (machine, clock), names.c (directories), file.c (open files), disk.c (what a crash leaves of
 * contents). */
#include "base/vec.h"
#include "io/io_internal.h"
#include "io/sim/sim.h"

enum { LC__SECTOR = 512 };

typedef struct sim_file sim_file;

/* A change of a file's content that a crash may lose, whole or in part. */
typedef struct sim_change {
  bool is_truncate, certain; /* certain: durable already, but behind changes that are not */
  uint64_t offset;           /* truncate: the new size */
  size_t len;
  uint8_t *bytes; /* owned */
} sim_change;

typedef struct sim_image {
  uint8_t *bytes;
  size_t len, cap;
} sim_image;

/* The content of a file: as programs see it, as it is on the medium for certain, and what lies between. Counted. */
typedef struct sim_inode {
  unsigned users;
  sim_image now, durable;
  LC_VEC(sim_change) changes;
} sim_inode;

typedef struct sim_entry {
  char *path;
  sim_inode *inode; /* NULL: a directory */
} sim_entry;
typedef LC_VEC(sim_entry) sim_names;

typedef struct sim_name_change {
  enum { SIM_LINK, SIM_UNLINK, SIM_RENAME } kind;
  char *path, *to;  /* to: of a rename */
  sim_inode *inode; /* of a link or rename; NULL: a directory */
  bool certain;
} sim_name_change;

typedef struct sim_io {
  lc_io base;
  uint64_t random_state;
  uint64_t operations, crash_at, fail_at;
  lc_err_code fail_code;
  uint64_t epoch; /* counts crashes: handles of earlier ones are dead */
  bool down, stopped;
  uint64_t capacity;
  int64_t wall_micros;
  uint64_t monotonic_nanos;
  sim_names now, durable;
  LC_VEC(sim_name_change) name_changes;
  sim_file *files;
} sim_io;

struct sim_file {
  lc_file base;
  sim_inode *inode;
  char *path;
  uint64_t epoch;
  /* The durable operation under way. */
  enum { SIM_OP_NONE, SIM_OP_WRITE, SIM_OP_PUBLISH } operation;
  unsigned polls_left;
  uint64_t offset;
  const uint8_t *from;
  size_t len;
  lc_err failure; /* what it will end with */
  sim_file *next; /* all open files, for what is under way at a crash */
};

/* sim.c */
uint64_t lc__sim_random(sim_io *io, uint64_t limit);
/* Counts an operation; the error when the machine is down, goes down now, or the operation is the one to fail. */
lc_err lc__sim_operation(sim_io *io, const char *what, const char *path);

/* names.c */
sim_inode *lc__sim_find_file(sim_io *io, const char *path); /* NULL when there is none */
lc_path_kind lc__sim_kind(sim_io *io, const char *path);
lc_err lc__sim_create(sim_io *io, const char *path, sim_inode *inode); /* NULL: a directory */
lc_err lc__sim_remove(sim_io *io, const char *path);
lc_err lc__sim_rename(sim_io *io, const char *from, const char *to);
lc_err lc__sim_list(sim_io *io, const char *path, lc_arena *arena, lc_str **names, size_t *count);
void lc__sim_sync_names(sim_io *io, const char *directory);
void lc__sim_names_crash(sim_io *io);
void lc__sim_names_deinit(sim_io *io);

/* file.c */
lc_err lc__sim_file_open(sim_io *io, const char *path, sim_inode *inode, lc_file **file);
/* What was under way in any file reaches the disk in part. */
void lc__sim_files_crash(sim_io *io);

/* disk.c */
sim_inode *lc__sim_inode_create(void);
void lc__sim_inode_unref(sim_inode *inode);
void lc__sim_inode_write(sim_inode *inode, uint64_t offset, const uint8_t *from, size_t len, bool certain);
void lc__sim_inode_truncate(sim_inode *inode, uint64_t size);
void lc__sim_inode_sync(sim_inode *inode);
/* A durable write that a crash interrupts: counts as not synced. */
void lc__sim_inode_write_torn(sim_inode *inode, uint64_t offset, const uint8_t *from, size_t len);
void lc__sim_inode_crash(sim_io *io, sim_inode *inode);
