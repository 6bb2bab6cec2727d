#pragma once
/*
 * The simulated machine: a disk and a clock in memory, driven by a seed. The same seed and the same calls give the same run.
 *
 * The disk keeps what POSIX promises and no more:
 *   * What was not synced may be lost at a crash, sector by sector (512 bytes), in any combination; a file that grew may keep the old size,
 * or have the new one with zeros or garbage where data did not arrive.
 *   * A durable write that is under way may have reached the disk in part.
 *   * Names that were made, removed or renamed may be as before unless their directory was synced; each such change by itself is atomic.
 *   * Syncing a file says nothing about its name.
 * Durable operations complete after a random number of polls. The wall clock jumps, also backwards; the monotonic clock does not.
 *
 * After a crash, or after lc_io_stop, every operation fails with LC_ERR_IO until lc_sim_crash. Files opened before it stay closable, no
 * more. Threads: one.
 */
#include "io/io.h"

lc_io *lc_sim_create(uint64_t seed);

/* What came to pass. An operation is anything that may touch the disk: open, write, sync, start or completion of a durable operation ... */
uint64_t lc_sim_operations(const lc_io *io);
bool lc_sim_is_down(const lc_io *io);     /* crashed or stopped */
bool lc_sim_was_stopped(const lc_io *io); /* by lc_io_stop, since the last lc_sim_crash */

/* The machine goes down at the n-th operation from now (1: the next), before it takes effect. 0: no more. */
void lc_sim_crash_after(lc_io *io, uint64_t operations);
/* Goes down now if it is not, loses what a crash loses, and comes up again: the disk is what would be found. */
void lc_sim_crash(lc_io *io);

/* The n-th operation from now fails with this code (LC_ERR_IO or LC_ERR_NO_SPACE), once. 0: no more. */
void lc_sim_fail_after(lc_io *io, uint64_t operations, lc_err_code code);
/* Bytes that all files together may have; UINT64_MAX at first. */
void lc_sim_set_capacity(lc_io *io, uint64_t bytes);
/* Flips one bit of a file, as the medium might: for tests of damage. */
void lc_sim_flip_bit(lc_io *io, const char *path, uint64_t byte, unsigned bit);
/* A number below `limit`, from the same seed: for the caller's own decisions. */
uint64_t lc_sim_random(lc_io *io, uint64_t limit);
