/* The log on the real machine and on the simulated one: what is committed comes back, in order, whatever the sizes (G1, G2); L1–L3; full
 * disks. */
#include "log/log.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/logging.h"
#include "harness.h"
#include "io/io_internal.h"
#include "io/linux/linux.h"
#include "io/sim/sim.h"
#include "log/log_internal.h"

__attribute__((constructor)) static void quiet(void) {
  lc_log_set_level(LC_LOG_ERROR);
} /* torn writes are what these tests are about */

/* ---- helpers ---- */

/* Record k has a length and a content that follow from k and a seed, so that any mix-up shows. */
static size_t length_of(uint64_t offset, uint64_t seed) {
  uint64_t mixed = (offset + 1) * 0x9e3779b97f4a7c15u ^ seed * 0xd6e8feb86659fd93u;
  mixed ^= mixed >> 29;
  return mixed % 20 == 0 ? 1 + mixed % 9000 : 1 + mixed % 300;
}

static void fill(uint8_t *at, size_t len, uint64_t offset) {
  for (size_t i = 0; i < len; i++) at[i] = (uint8_t)(offset * 31 + i * 7 + len);
}

typedef struct replayed {
  uint64_t count, seed;
  size_t fixed_len; /* 0: length_of */
} replayed;

static lc_err check_record(void *context, uint64_t offset, lc_span record) {
  replayed *seen = context;
  expect_equal(offset, seen->count);
  size_t len = seen->fixed_len ? seen->fixed_len : length_of(offset, seen->seed);
  expect_equal(record.len, len);
  for (size_t i = 0; i < len; i++) expect(record.ptr[i] == (uint8_t)(offset * 31 + i * 7 + len));
  seen->count++;
  return lc_ok();
}

static void append(lc_log *log, size_t len) {
  uint8_t *at;
  uint64_t offset = lc_log_next(log);
  expect_ok(lc_log_reserve(log, len + offset % 50, &at)); /* a bound, not the length */
  fill(at, len, offset);
  expect_equal(lc_log_commit(log, len), offset);
  expect_equal(lc_log_next(log), offset + 1);
}

static lc_log *open_log(lc_io *io, const lc_log_options *options, replayed *seen) {
  lc_log *log;
  seen->count = 0;
  expect_ok(lc_log_open(io, "db/log", options, check_record, seen, &log));
  expect_equal(lc_log_next(log), seen->count);
  expect_equal(lc_log_durable(log), seen->count);
  return log;
}

static size_t count_segments(lc_io *io) {
  lc_arena arena = {0};
  lc_str *names;
  size_t count, segments = 0;
  uint64_t first;
  expect_ok(lc_dir_list(io, "db/log", &arena, &names, &count));
  for (size_t i = 0; i < count; i++) segments += lc_segment_name_parse(names[i], &first);
  lc_arena_deinit(&arena);
  return segments;
}

static char root[sizeof "/tmp/lc_log_test_XXXXXX"];
static lc_io *scratch(void) {
  memcpy(root, "/tmp/lc_log_test_XXXXXX", sizeof root);
  expect(mkdtemp(root) != NULL);
  lc_io *io;
  expect_ok(lc_io_linux_open(root, &io));
  return io;
}
static void finish(lc_io *io) {
  expect_ok(lc_dir_remove_all(io, "db"));
  lc_io_close(io);
  expect_equal(rmdir(root), 0);
}

/* ---- whatever the sizes ---- */

/* Opens many times, appends a random number of records each time, in all ways of pacing. */
static void reopen_many_times(lc_io *io, unsigned seed, int rounds) {
  static const uint64_t segment_sizes[] = {8192, 20000, 65536, 1 << 20};
  static const size_t ring_sizes[] = {16384, 100000, 1 << 20};
  srand(seed);
  replayed seen = {.seed = seed};
  uint64_t written = 0;
  for (int round = 0; round < rounds; round++) {
    lc_log_options options = {.segment_size = segment_sizes[rand() % 4], .ring_size = ring_sizes[rand() % 3]};
    lc_log *log = open_log(io, &options, &seen);
    expect_equal(seen.count, written);
    for (int left = rand() % 300; left > 0; left--) {
      append(log, length_of(lc_log_next(log), seed));
      uint64_t durable = lc_log_durable(log);
      expect(durable <= lc_log_next(log));
      int what = rand() % 20;
      if (what < 4) expect_ok(lc_log_submit(log));
      if (what == 5) expect_ok(lc_log_poll(log));
      if (what == 6 && rand() % 4 == 0) expect_ok(lc_log_flush(log));
      expect(lc_log_durable(log) >= durable);
    }
    written = lc_log_next(log);
    expect_ok(lc_log_close(log));
  }
  expect(count_segments(io) > 1);
}

TEST(a_log_is_reopened_many_times_with_records_of_random_length) {
  lc_io *io = scratch();
  reopen_many_times(io, 1, 25);
  finish(io);
}

TEST(the_same_through_the_thread) {
  lc_io *io = scratch();
  lc_io_linux_refuse(io, true, true);
  reopen_many_times(io, 2, 15);
  finish(io);
}

TEST(the_same_in_simulation) {
  for (unsigned seed = 0; seed < 10; seed++) {
    lc_io *io = lc_sim_create(seed);
    reopen_many_times(io, seed, 10);
    lc_io_close(io);
  }
}

TEST(records_larger_than_ring_and_segment_go_through) {
  lc_io *io = scratch();
  lc_log_options options = {.segment_size = 65536, .ring_size = 16384};
  replayed seen = {.fixed_len = 300000};
  lc_log *log = open_log(io, &options, &seen);
  for (int i = 0; i < 5; i++) append(log, 300000);
  expect_ok(lc_log_flush(log));
  expect_equal(lc_log_durable(log), 5);
  expect_ok(lc_log_close(log));
  expect_equal(count_segments(io), 5); /* each has its own */
  log = open_log(io, &options, &seen);
  expect_equal(seen.count, 5);
  uint8_t *at;
  expect_error(lc_log_reserve(log, (size_t)LC_LOG_RECORD_MAX + 1, &at), LC_ERR_TOO_LARGE);
  expect_ok(lc_log_close(log));
  finish(io);
}

TEST(segments_grow_to_their_limit_so_that_a_small_log_takes_little_room) {
  lc_io *io = scratch();
  replayed seen = {.fixed_len = 100000};
  lc_log *log = open_log(io, NULL, &seen);
  char path[128];
  snprintf(path, sizeof path, "%s/db/log/00000000000000000000.log", root);
  struct stat info;
  expect_equal(stat(path, &info), 0);
  expect_equal(info.st_size, 1 << 20);
  for (int i = 0; i < 120; i++) {
    append(log, 100000);
    expect_ok(lc_log_flush(log));
  }
  expect_ok(lc_log_close(log));
  expect_equal(count_segments(io), 3); /* 1 MiB, 4 MiB, 16 MiB */
  expect(!lc_path_exists(io, "db/log/next.tmp"));
  log = open_log(io, NULL, &seen);
  expect_equal(seen.count, 120);
  lc_log_abandon(log);
  finish(io);
}

TEST(one_event_descriptor_announces_every_completion_through_rotations) {
  lc_io *io = scratch();
  lc_log_options options = {.segment_size = 8192};
  replayed seen = {.fixed_len = 1000};
  lc_log *log = open_log(io, &options, &seen);
  int fd = lc_log_event_fd(log);
  expect(fd >= 0);
  for (int i = 0; i < 100; i++) {
    append(log, 1000);
    expect_ok(lc_log_submit(log));
    while (lc_log_durable(log) < lc_log_next(log)) {
      expect_equal(lc_log_event_fd(log), fd);
      struct pollfd entry = {.fd = fd, .events = POLLIN};
      expect_equal(poll(&entry, 1, 10000), 1);
      expect_ok(lc_log_poll(log));
    }
  }
  expect(count_segments(io) > 5);
  expect_ok(lc_log_close(log));
  finish(io);
}

/*
 * While the next segment is filled with zeros, completions of two files come on one descriptor. Here the spare file's polls are slow, so
 * that both files' writes have ended whenever it is asked, and what is collected beside its own must not be forgotten.
 */
static const lc_file_ops *plain_ops;
static lc_err poll_slowly(lc_file *file, bool *done) {
  usleep(5000);
  return plain_ops->poll(file, done);
}

static void check_that_every_completion_is_announced(bool refuse_ring) {
  lc_io *io = scratch();
  lc_io_linux_refuse(io, false, refuse_ring);
  lc_log_options options = {.segment_size = 8 << 20};
  replayed seen = {.fixed_len = 60000};
  lc_log *log = open_log(io, &options, &seen);
  lc_file_ops slow_ops;
  int slowed = 0;
  for (int i = 0; i < 40; i++) {
    append(log, 60000);
    expect_ok(lc_log_submit(log));
    append(log, 60000); /* its write starts when the one before has ended */
    while (lc_log_durable(log) < lc_log_next(log)) {
      if (log->spare && log->spare->ops->poll != poll_slowly) {
        plain_ops = log->spare->ops;
        slow_ops = *plain_ops;
        slow_ops.poll = poll_slowly;
        log->spare->ops = &slow_ops;
        slowed++;
      }
      struct pollfd entry = {.fd = lc_log_event_fd(log), .events = POLLIN};
      expect_equal(poll(&entry, 1, 10000), 1);
      expect_ok(lc_log_poll(log));
    }
  }
  expect(slowed > 0);
  expect_ok(lc_log_close(log));
  finish(io);
}

TEST(G3_every_completion_is_announced_by_the_ring) {
  check_that_every_completion_is_announced(false);
}

TEST(G3_every_completion_is_announced_by_the_thread) {
  check_that_every_completion_is_announced(true);
}

/* ---- L3: torn and damaged ---- */

enum { COUNT = 120, LEN = 100 }; /* four blocks of 4 KiB: not all are rewritten by what comes next */

/* A log of COUNT records in one segment; with `together`, all in one write. Not closed in order, so without a mark behind them. */
static void write_records(lc_io *io, bool together) {
  replayed seen = {.fixed_len = LEN};
  lc_log_options options = {.segment_size = 65536};
  lc_log *log = open_log(io, &options, &seen);
  for (int i = 0; i < COUNT; i++) {
    append(log, LEN);
    if (!together) expect_ok(lc_log_flush(log));
  }
  if (together) expect_ok(lc_log_flush(log));
  lc_log_abandon(log);
}

static const char first_segment[] = "db/log/00000000000000000000.log";
static uint64_t position_of(uint64_t offset) {
  return LC_SEGMENT_HEADER_SIZE + offset * lc_frame_size(LEN);
}

static void read_all(lc_io *io, lc_buf *bytes) {
  lc_buf_clear(bytes);
  expect_ok(lc_path_read(io, first_segment, 1 << 20, bytes));
}

TEST(L3_damage_with_a_later_write_behind_it_is_reported_and_nothing_is_changed) {
  for (unsigned at = 0; at < COUNT - 1; at += 3) {
    lc_io *io = lc_sim_create(at);
    write_records(io, false);
    lc_sim_flip_bit(io, first_segment, position_of(at) + at % lc_frame_size(LEN), at % 8);
    lc_buf before = {0}, after = {0};
    read_all(io, &before);
    lc_log *log;
    replayed seen = {.fixed_len = LEN};
    lc_err err = lc_log_open(io, "db/log", NULL, check_record, &seen, &log);
    expect_equal(err.code, LC_ERR_LOG_CORRUPT);
    expect_equal(seen.count, at);
    char position[32];
    snprintf(position, sizeof position, "byte %llu", (unsigned long long)position_of(at));
    expect(strstr(lc_err_text(err), first_segment) && strstr(lc_err_text(err), position));
    read_all(io, &after);
    expect_bytes(after.data, after.len, before.data, before.len);
    lc_buf_deinit(&before);
    lc_buf_deinit(&after);
    lc_io_close(io);
  }
}

/* A write of many records can be torn in the middle: what follows in the same write was never acknowledged and is cut off too. */
TEST(L3_a_torn_write_is_cut_off_and_its_bytes_never_come_back) {
  for (unsigned at = 0; at < COUNT; at += 3) {
    lc_io *io = lc_sim_create(at);
    write_records(io, true);
    lc_sim_flip_bit(io, first_segment, position_of(at) + 50, at % 8);
    replayed seen = {.fixed_len = LEN};
    lc_log *log = open_log(io, NULL, &seen);
    expect_equal(seen.count, at);
    lc_buf bytes = {0};
    read_all(io, &bytes);
    for (size_t i = position_of(at) + LC_FRAME_HEADER_SIZE; i < bytes.len; i++)
      expect(bytes.data[i] == 0); /* a mark stands where it ended */
    lc_buf_deinit(&bytes);
    append(log, LEN);
    expect_ok(lc_log_close(log));
    log = open_log(io, NULL, &seen);
    expect_equal(seen.count, at + 1);
    lc_log_abandon(log);
    lc_io_close(io);
  }
}

/* The zeros are durable before anything new is: record 32 of the torn write stands at the start of a block, right where the new record 31
 * ends. */
TEST(L3_what_was_cut_off_does_not_come_back_at_the_next_crash) {
  for (uint64_t seed = 0; seed < 20; seed++) {
    lc_io *io = lc_sim_create(seed);
    lc_log *log;
    expect_ok(lc_log_open(io, "db/log", NULL, NULL, NULL, &log));
    append(log, 68); /* header and first frame: 128 bytes, as every frame after it */
    for (int i = 1; i < 100; i++) append(log, LEN);
    expect_ok(lc_log_flush(log));
    lc_log_abandon(log);
    lc_sim_flip_bit(io, first_segment, 31 * 128 + 50, 0);
    expect_ok(lc_log_open(io, "db/log", NULL, NULL, NULL, &log));
    expect_equal(lc_log_next(log), 31);
    append(log, 4096 - 31 * 128 - 2 * LC_FRAME_HEADER_SIZE); /* a mark stands before it */
    expect_ok(lc_log_flush(log));
    lc_log_abandon(log);
    lc_sim_crash(io);
    expect_ok(lc_log_open(io, "db/log", NULL, NULL, NULL, &log));
    expect_equal(lc_log_next(log), 32);
    lc_log_abandon(log);
    lc_io_close(io);
  }
}

TEST(L3_a_log_that_was_closed_has_no_torn_end_so_damage_anywhere_is_reported) {
  for (unsigned at = 0; at < COUNT; at += 3) {
    lc_io *io = lc_sim_create(at);
    write_records(io, true);
    replayed seen = {.fixed_len = LEN};
    expect_ok(lc_log_close(open_log(io, NULL, &seen)));
    lc_sim_flip_bit(io, first_segment, position_of(at) + 50, at % 8);
    lc_log *log;
    seen.count = 0;
    expect_error(lc_log_open(io, "db/log", NULL, check_record, &seen, &log), LC_ERR_LOG_CORRUPT);
    lc_io_close(io);
  }
}

/* The record behind the mark went to disk in the first write after it: its bytes are whole, and must not be cut off. */
TEST(L3_a_damaged_mark_does_not_take_the_record_behind_it_along) {
  lc_io *io = lc_sim_create(3);
  write_records(io, true);
  replayed seen = {.fixed_len = LEN};
  lc_log *log = open_log(io, NULL, &seen);
  append(log, LEN);
  append(log, LEN);
  expect_ok(lc_log_flush(log));
  lc_log_abandon(log);
  lc_sim_flip_bit(io, first_segment, position_of(COUNT) + 9, 0);
  seen.count = 0;
  expect_error(lc_log_open(io, "db/log", NULL, check_record, &seen, &log), LC_ERR_LOG_CORRUPT);
  lc_io_close(io);
}

static void write_segments(lc_io *io) {
  replayed seen = {.fixed_len = 1000};
  lc_log_options options = {.segment_size = 8192};
  lc_log *log = open_log(io, &options, &seen);
  for (int i = 0; i < 40; i++) append(log, 1000);
  expect_ok(lc_log_close(log));
}

TEST(L3_a_missing_segment_is_reported) {
  for (size_t missing = 0; missing < 5; missing++) {
    lc_io *io = lc_sim_create(missing);
    write_segments(io);
    expect(count_segments(io) >= 6);
    char path[64] = "db/log/";
    lc_segment_name(path + 7, missing * 7); /* 7 records of 1,024 bytes with their frames go into 8,192 */
    expect_ok(lc_path_remove(io, path));
    lc_log *log;
    lc_err err = lc_log_open(io, "db/log", NULL, NULL, NULL, &log);
    expect_equal(err.code, LC_ERR_LOG_CORRUPT);
    lc_io_close(io);
  }
}

TEST(L3_a_torn_end_is_accepted_in_the_last_segment_only) {
  lc_io *io = lc_sim_create(1);
  write_segments(io);
  lc_sim_flip_bit(io, first_segment, LC_SEGMENT_HEADER_SIZE + 6 * lc_frame_size(1000) + 100, 0); /* its last record */
  lc_log *log;
  expect_error(lc_log_open(io, "db/log", NULL, NULL, NULL, &log), LC_ERR_LOG_CORRUPT);
  lc_io_close(io);
}

static lc_err refuse(void *context, uint64_t offset, lc_span record) {
  return offset == 3 ? lc_fail(LC_ERR_LOG_CORRUPT, "no such table") : lc_ok();
}

TEST(an_error_of_the_replay_names_the_record) {
  lc_io *io = lc_sim_create(1);
  write_records(io, false);
  lc_log *log;
  lc_err err = lc_log_open(io, "db/log", NULL, refuse, NULL, &log);
  expect_equal(err.code, LC_ERR_LOG_CORRUPT);
  expect(strncmp(lc_err_text(err), "record 3 (db/log/", 17) == 0);
  lc_io_close(io);
}

/* ---- L1, L12 and full disks ---- */

TEST(L1_nothing_is_durable_before_the_write_has_ended) {
  lc_io *io = lc_sim_create(5);
  replayed seen = {.fixed_len = LEN};
  lc_log *log = open_log(io, NULL, &seen);
  append(log, LEN);
  expect_equal(lc_log_durable(log), 0);
  expect_ok(lc_log_submit(log));
  append(log, LEN); /* gathers for the next write */
  for (int polls = 0; lc_log_durable(log) == 0; polls++) {
    expect(polls < 10);
    expect_ok(lc_log_poll(log));
  }
  expect_equal(lc_log_durable(log), 1);
  expect_ok(lc_log_flush(log));
  expect_equal(lc_log_durable(log), 2);
  lc_log_abandon(log);
  lc_io_close(io);
}

TEST(L12_after_a_failed_write_the_log_takes_nothing_more) {
  lc_io *io = lc_sim_create(6);
  replayed seen = {.fixed_len = LEN};
  lc_log *log = open_log(io, NULL, &seen);
  append(log, LEN);
  lc_sim_fail_after(io, 2, LC_ERR_IO); /* the completion of the write */
  lc_err err = lc_log_flush(log);
  expect_equal(err.code, LC_ERR_IO);
  expect(lc_sim_was_stopped(io));
  expect_equal(lc_log_durable(log), 0);
  uint8_t *at;
  expect_error(lc_log_reserve(log, LEN, &at), LC_ERR_IO);
  expect_error(lc_log_poll(log), LC_ERR_IO);
  lc_log_abandon(log);
  lc_io_close(io);
}

TEST(a_full_disk_refuses_transactions_until_there_is_space_and_loses_nothing) {
  for (unsigned seed = 0; seed < 20; seed++) {
    lc_io *io = lc_sim_create(seed);
    lc_log_options options = {.segment_size = 16384, .ring_size = 16384};
    replayed seen = {.seed = seed};
    lc_log *log = open_log(io, &options, &seen);
    lc_sim_set_capacity(io, 100000);
    uint64_t refused = 0;
    for (int i = 0; i < 2000 && refused < 50; i++) {
      uint8_t *at;
      size_t len = length_of(lc_log_next(log), seed);
      lc_err err = lc_log_reserve(log, len, &at);
      if (err.code == LC_ERR_NO_SPACE) {
        expect(lc_log_is_full(log));
        refused++;
      } else {
        expect_ok(err);
        fill(at, len, lc_log_next(log));
        lc_log_commit(log, len);
      }
      expect_ok(lc_log_submit(log));
    }
    expect_equal(refused, 50);
    expect_error(lc_log_flush(log), LC_ERR_NO_SPACE);
    uint64_t committed = lc_log_next(log);
    expect(lc_log_durable(log) < committed);
    lc_sim_set_capacity(io, UINT64_MAX);
    for (int polls = 0; lc_log_is_full(log); polls++) {
      expect(polls < 1000);
      expect_ok(lc_log_poll(log));
    }
    expect_ok(lc_log_flush(log));
    expect_equal(lc_log_durable(log), committed);
    append(log, length_of(committed, seed));
    expect_ok(lc_log_close(log));
    log = open_log(io, &options, &seen);
    expect_equal(seen.count, committed + 1);
    lc_log_abandon(log);
    lc_io_close(io);
  }
}

TEST(a_flush_tries_a_full_disk_again) {
  lc_io *io = lc_sim_create(8);
  lc_log_options options = {.segment_size = 16384, .ring_size = 1 << 20};
  replayed seen = {.fixed_len = LEN};
  lc_log *log = open_log(io, &options, &seen);
  lc_sim_set_capacity(io, 0);
  while (!lc_log_is_full(log)) {
    append(log, LEN);
    expect_ok(lc_log_submit(log));
  }
  expect_error(lc_log_flush(log), LC_ERR_NO_SPACE);
  lc_sim_set_capacity(io, UINT64_MAX);
  lc_err err;
  for (int i = 0; i < 1000 && lc_failed(err = lc_log_flush(log)); i++) expect_equal(err.code, LC_ERR_NO_SPACE);
  expect_ok(err);
  expect_equal(lc_log_durable(log), lc_log_next(log));
  lc_sim_set_capacity(io, 0);
  while (!lc_log_is_full(log)) {
    append(log, LEN);
    expect_ok(lc_log_submit(log));
  }
  uint64_t committed = lc_log_next(log);
  lc_sim_set_capacity(io, UINT64_MAX);
  expect_ok(lc_log_close(log)); /* its last chance */
  log = open_log(io, &options, &seen);
  expect_equal(seen.count, committed);
  lc_log_abandon(log);
  lc_io_close(io);
}

/* Any operation may find no space, those that only prepare the next segment too: nothing stops, nothing is lost. */
TEST(no_space_at_any_operation_is_not_the_end) {
  for (uint64_t when = 1; when < 400; when++) {
    lc_io *io = lc_sim_create(9); /* one seed, so that each operation has its turn */
    lc_log_options options = {.segment_size = 65536, .ring_size = 1 << 20};
    replayed seen = {.fixed_len = LEN};
    lc_log *log = open_log(io, &options, &seen);
    lc_sim_fail_after(io, when, LC_ERR_NO_SPACE);
    for (int i = 0; i < 300; i++) {
      if (!lc_log_is_full(log)) append(log, LEN);
      expect_ok(lc_log_submit(log));
    }
    lc_err err = lc_ok();
    for (int i = 0; i < 1000 && lc_failed(err = lc_log_flush(log)); i++) expect_equal(err.code, LC_ERR_NO_SPACE);
    expect_ok(err);
    uint64_t committed = lc_log_next(log);
    expect(!lc_sim_was_stopped(io));
    lc_sim_fail_after(io, 0, LC_ERR_NO_SPACE);
    expect_ok(lc_log_close(log));
    log = open_log(io, &options, &seen);
    expect_equal(seen.count, committed);
    lc_log_abandon(log);
    lc_io_close(io);
  }
}

/* ---- L1, L2, G1, G2 under crashes ---- */

typedef struct history {
  uint64_t seed, acknowledged, committed; /* what the log said before the crash */
} history;

/* Opens, checks, appends with random pacing until the machine goes down. */
static void run_until_crash(lc_io *io, history *past, uint64_t steps) {
  static const uint64_t segment_sizes[] = {8192, 20000, 65536};
  lc_log_options options = {.segment_size = segment_sizes[lc_sim_random(io, 3)], .ring_size = 16384 + lc_sim_random(io, 200000)};
  replayed seen = {.seed = past->seed};
  lc_log *log;
  lc_err err = lc_log_open(io, "db/log", &options, check_record, &seen, &log);
  if (lc_failed(err)) {
    if (!lc_sim_is_down(io)) lc_test_fail("seed %llu: %s", (unsigned long long)past->seed, lc_err_text(err));
    return; /* a crash while opening: no news of what is there */
  }
  if (seen.count < past->acknowledged || seen.count > past->committed) {
    lc_test_fail("seed %llu: %llu records came back, %llu were acknowledged, %llu committed", (unsigned long long)past->seed,
                 (unsigned long long)seen.count, (unsigned long long)past->acknowledged, (unsigned long long)past->committed);
  }
  past->acknowledged = past->committed = seen.count;
  lc_sim_crash_after(io, 1 + lc_sim_random(io, steps));
  while (!lc_sim_is_down(io)) {
    uint8_t *at;
    size_t len = length_of(lc_log_next(log), past->seed);
    err = lc_log_reserve(log, len, &at);
    if (!lc_failed(err)) {
      fill(at, len, lc_log_next(log));
      past->committed = lc_log_commit(log, len) + 1;
      if (lc_sim_random(io, 4) == 0) err = lc_sim_random(io, 2) ? lc_log_submit(log) : lc_log_poll(log);
    }
    expect(!lc_failed(err) || lc_sim_is_down(io));
    if (lc_log_durable(log) > past->acknowledged) past->acknowledged = lc_log_durable(log);
  }
  lc_log_abandon(log);
}

TEST(L2_after_a_crash_at_any_step_a_prefix_comes_back_with_all_that_was_acknowledged) {
  for (uint64_t seed = 1; seed <= 150; seed++) {
    lc_io *io = lc_sim_create(seed);
    history past = {.seed = seed};
    for (int life = 0; life < 12; life++) {
      if (lc_sim_random(io, 3) == 0) lc_sim_crash_after(io, 1 + lc_sim_random(io, 20)); /* while opening, too */
      run_until_crash(io, &past, life % 3 ? 60 : 600);
      lc_sim_crash(io);
    }
    lc_io_close(io);
  }
}
