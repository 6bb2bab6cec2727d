/* The simulated machine: clock, randomness, counting and failing operations, crashes. */
#include <stdlib.h>

#include "io/sim/sim_internal.h"

/* ---- randomness ---- */

static uint64_t next_random(sim_io *io) { /* splitmix64 */
  uint64_t z = io->random_state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

uint64_t lc__sim_random(sim_io *io, uint64_t limit) {
  return limit > 1 ? next_random(io) % limit : 0;
}
uint64_t lc_sim_random(lc_io *io, uint64_t limit) {
  return lc__sim_random((sim_io *)io, limit);
}

static void sim_random_bytes(lc_io *io, void *to, size_t len) {
  for (size_t i = 0; i < len; i++) ((uint8_t *)to)[i] = (uint8_t)next_random((sim_io *)io);
}

/* ---- clock ---- */

static int64_t sim_now_micros(lc_io *io) {
  sim_io *self = (sim_io *)io;
  self->wall_micros += (int64_t)lc__sim_random(self, 1000);
  if (lc__sim_random(self, 1000) == 0) self->wall_micros += (int64_t)lc__sim_random(self, 7200000000u) - 3600000000;
  return self->wall_micros;
}

static uint64_t sim_monotonic_nanos(lc_io *io) {
  sim_io *self = (sim_io *)io;
  return self->monotonic_nanos += lc__sim_random(self, 100000000);
}

/* ---- operations ---- */

lc_err lc__sim_operation(sim_io *io, const char *what, const char *path) {
  if (!io->down) {
    io->operations++;
    if (io->operations == io->crash_at) io->down = true;
  }
  if (io->down) return lc_fail(LC_ERR_IO, "cannot %s %s: the machine is down", what, path);
  if (io->operations == io->fail_at) {
    return lc_fail(io->fail_code, "cannot %s %s: %s", what, path,
                   io->fail_code == LC_ERR_NO_SPACE ? "no space left on the device" : "I/O error");
  }
  return lc_ok();
}

static void sim_stop(lc_io *io, lc_err why) {
  sim_io *self = (sim_io *)io;
  self->stopped = self->stopped || !self->down;
  self->down = true;
}

static lc_err sim_open(lc_io *io, const char *path, lc_open_mode mode, unsigned permissions, lc_file **file) {
  sim_io *self = (sim_io *)io;
  LC_TRY(lc__sim_operation(self, "open", path));
  if (mode != LC_OPEN_CREATE) {
    sim_inode *inode = lc__sim_find_file(self, path);
    if (inode == NULL) return lc_fail(LC_ERR_FILE_MISSING, "cannot open %s: no such file", path);
    return lc__sim_file_open(self, path, inode, file);
  }
  sim_inode *inode = lc__sim_inode_create();
  lc_err err = lc__sim_create(self, path, inode);
  if (!lc_failed(err)) err = lc__sim_file_open(self, path, inode, file);
  lc__sim_inode_unref(inode);
  return err;
}

static lc_path_kind sim_kind(lc_io *io, const char *path) {
  return lc__sim_kind((sim_io *)io, path);
}

static lc_err sim_dir_make(lc_io *io, const char *path) {
  LC_TRY(lc__sim_operation((sim_io *)io, "create directory", path));
  return lc__sim_create((sim_io *)io, path, NULL);
}

static lc_err sim_dir_sync(lc_io *io, const char *path) {
  lc_err err = lc__sim_operation((sim_io *)io, "sync directory", path);
  if (lc_failed(err)) return lc_fail(LC_ERR_IO, "%s", lc_err_text(err)); /* never "no space", as for files */
  lc__sim_sync_names((sim_io *)io, path);
  return lc_ok();
}

static lc_err sim_dir_list(lc_io *io, const char *path, lc_arena *arena, lc_str **names, size_t *count) {
  LC_TRY(lc__sim_operation((sim_io *)io, "list", path));
  return lc__sim_list((sim_io *)io, path, arena, names, count);
}

static lc_err sim_rename(lc_io *io, const char *from, const char *to) {
  LC_TRY(lc__sim_operation((sim_io *)io, "rename", from));
  return lc__sim_rename((sim_io *)io, from, to);
}

static lc_err sim_remove(lc_io *io, const char *path, lc_path_kind kind) {
  LC_TRY(lc__sim_operation((sim_io *)io, "remove", path));
  return lc__sim_remove((sim_io *)io, path);
}

static void sim_close(lc_io *io) {
  sim_io *self = (sim_io *)io;
  lc_assert(self->files == NULL);
  lc__sim_names_deinit(self);
  free(self);
}

static const lc_io_ops sim_ops = {
    .close = sim_close,
    .stop = sim_stop,
    .now_micros = sim_now_micros,
    .monotonic_nanos = sim_monotonic_nanos,
    .random = sim_random_bytes,
    .open = sim_open,
    .kind = sim_kind,
    .dir_make = sim_dir_make,
    .dir_sync = sim_dir_sync,
    .dir_list = sim_dir_list,
    .rename = sim_rename,
    .remove = sim_remove,
};

/* ---- the outside ---- */

lc_io *lc_sim_create(uint64_t seed) {
  sim_io *self = calloc(1, sizeof *self);
  lc_assert(self != NULL);
  *self = (sim_io){.base.ops = &sim_ops, .random_state = seed, .capacity = UINT64_MAX, .wall_micros = 1700000000000000};
  return &self->base;
}

uint64_t lc_sim_operations(const lc_io *io) {
  return ((const sim_io *)io)->operations;
}
bool lc_sim_is_down(const lc_io *io) {
  return ((const sim_io *)io)->down;
}
bool lc_sim_was_stopped(const lc_io *io) {
  return ((const sim_io *)io)->stopped;
}

void lc_sim_crash_after(lc_io *io, uint64_t operations) {
  sim_io *self = (sim_io *)io;
  self->crash_at = operations ? self->operations + operations : 0;
}

void lc_sim_fail_after(lc_io *io, uint64_t operations, lc_err_code code) {
  sim_io *self = (sim_io *)io;
  self->fail_at = operations ? self->operations + operations : 0;
  self->fail_code = code;
}

void lc_sim_crash(lc_io *io) {
  sim_io *self = (sim_io *)io;
  lc__sim_files_crash(self);
  lc__sim_names_crash(self);
  self->epoch++;
  self->crash_at = self->fail_at = 0;
  self->down = self->stopped = false;
}

void lc_sim_set_capacity(lc_io *io, uint64_t bytes) {
  ((sim_io *)io)->capacity = bytes;
}

void lc_sim_flip_bit(lc_io *io, const char *path, uint64_t byte, unsigned bit) {
  sim_inode *inode = lc__sim_find_file((sim_io *)io, path);
  lc_assert(inode != NULL && byte < inode->now.len);
  uint8_t flipped = inode->now.bytes[byte] ^ (uint8_t)(1u << bit);
  lc__sim_inode_write(inode, byte, &flipped, 1, true);
}
