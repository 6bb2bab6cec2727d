/* The promises of io/sim/sim.h: what a crash may lose is lost sometimes, what it may not lose never is. Each rule runs over many seeds, and
 * where something may go either way both ways must have been seen: a simulation that never loses anything proves nothing. */
#include "io/sim/sim.h"

#include "harness.h"

enum { SEEDS = 200 };

static lc_file *create(lc_io *io, const char *path) {
  lc_file *file;
  expect_ok(lc_file_open(io, path, LC_OPEN_CREATE, &file));
  return file;
}

static size_t read_file(lc_io *io, const char *path, uint8_t *to, size_t room) {
  lc_buf bytes = {0};
  expect_ok(lc_path_read(io, path, room, &bytes));
  if (bytes.len) memcpy(to, bytes.data, bytes.len);
  size_t len = bytes.len;
  lc_buf_deinit(&bytes);
  return len;
}

TEST(without_a_crash_it_behaves_as_a_disk_does) {
  lc_io *io = lc_sim_create(1);
  uint8_t bytes[64];
  size_t got;
  uint64_t size;
  lc_file *file = create(io, "a"), *other;
  expect_error(lc_file_open(io, "b", LC_OPEN_READ, &other), LC_ERR_FILE_MISSING);
  expect_ok(lc_file_write(file, 3, "hello", 5));
  expect_ok(lc_file_read(file, 1, bytes, sizeof bytes, &got));
  expect_bytes(bytes, got, "\0\0hello", 7);
  expect_ok(lc_file_truncate(file, 4));
  expect_ok(lc_file_size(file, &size));
  expect_equal(size, 4);
  lc_file_close(file);
  expect_error(lc_file_open(io, "a", LC_OPEN_CREATE, &other), LC_ERR_FILE_EXISTS);
  expect_error(lc_file_open(io, "no/such", LC_OPEN_CREATE, &other), LC_ERR_FILE_MISSING);
  expect_ok(lc_dir_create(io, "d/e"));
  expect_ok(lc_path_rename(io, "a", "d/e/a"));
  expect_error(lc_path_remove(io, "d/e"), LC_ERR_FILE_EXISTS);
  lc_arena arena = {0};
  lc_str *names;
  size_t count;
  expect_ok(lc_dir_list(io, "d/e", &arena, &names, &count));
  expect(count == 1 && lc_str_is(names[0], "a"));
  lc_arena_deinit(&arena);
  expect_ok(lc_path_rename(io, "d", "f"));
  expect(lc_path_exists(io, "f/e/a") && !lc_path_exists(io, "d"));
  expect_ok(lc_path_rename(io, "f/e/a", "f/e/a"));
  expect(lc_path_exists(io, "f/e/a"));
  expect_ok(lc_dir_remove_all(io, "f"));
  expect(!lc_path_exists(io, "f"));
  lc_io_close(io);
}

TEST(what_was_synced_stays_and_what_was_not_is_kept_or_lost_by_sectors) {
  bool seen_old = false, seen_new = false, seen_mixed = false;
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    lc_io *io = lc_sim_create(seed);
    static uint8_t bytes[4096];
    lc_file *file = create(io, "a");
    memset(bytes, 1, sizeof bytes);
    expect_ok(lc_file_write(file, 0, bytes, sizeof bytes));
    expect_ok(lc_file_sync(file));
    expect_ok(lc_dir_sync(io, "."));
    memset(bytes, 2, sizeof bytes);
    expect_ok(lc_file_write(file, 0, bytes, sizeof bytes));
    lc_sim_crash(io);
    lc_file_close(file);
    expect_equal(read_file(io, "a", bytes, sizeof bytes), sizeof bytes);
    int changed = 0;
    for (size_t sector = 0; sector < 8; sector++) {
      for (size_t i = 1; i < 512; i++) expect(bytes[sector * 512 + i] == bytes[sector * 512]); /* never within a sector */
      expect(bytes[sector * 512] == 1 || bytes[sector * 512] == 2);
      changed += bytes[sector * 512] == 2;
    }
    seen_old = seen_old || changed == 0;
    seen_new = seen_new || changed == 8;
    seen_mixed = seen_mixed || (changed > 0 && changed < 8);
    lc_io_close(io);
  }
  expect(seen_old && seen_new && seen_mixed);
}

TEST(a_name_stays_once_its_directory_was_synced_and_syncing_the_file_is_not_enough) {
  int kept = 0;
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    lc_io *io = lc_sim_create(seed);
    expect_ok(lc_dir_create(io, "d"));
    lc_file *synced = create(io, "d/synced");
    expect_ok(lc_dir_sync(io, "d"));
    lc_file *unsynced = create(io, "d/unsynced");
    expect_ok(lc_file_sync(unsynced));
    lc_sim_crash(io);
    lc_file_close(synced);
    lc_file_close(unsynced);
    expect(lc_path_exists(io, "d/synced"));
    kept += lc_path_exists(io, "d/unsynced");
    lc_io_close(io);
  }
  expect(kept > SEEDS / 4 && kept < SEEDS * 3 / 4);
}

TEST(publishing_gives_the_old_content_or_the_new_whenever_the_crash_comes) {
  int old_seen = 0, new_seen = 0;
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    lc_io *io = lc_sim_create(seed);
    uint8_t bytes[3000];
    memset(bytes, 'n', sizeof bytes);
    expect_ok(lc_path_publish(io, "key", lc_span_of("old", 3), 0600));
    lc_sim_crash_after(io, 1 + lc_sim_random(io, 6));
    lc_err err = lc_path_publish(io, "key", lc_span_of(bytes, sizeof bytes), 0600);
    bool promised = !lc_failed(err);
    lc_sim_crash(io);
    size_t len = read_file(io, "key", bytes, sizeof bytes);
    bool is_new = len == sizeof bytes;
    if (is_new) {
      for (size_t i = 0; i < len; i++) expect(bytes[i] == 'n');
    } else {
      expect_bytes(bytes, len, "old", 3);
    }
    expect(is_new || !promised);
    old_seen += !is_new;
    new_seen += is_new;
    lc_io_close(io);
  }
  expect(old_seen > 0 && new_seen > 0);
}

TEST(a_durable_write_is_there_once_it_is_done_and_perhaps_in_part_before) {
  int done_seen = 0, parts_seen = 0;
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    lc_io *io = lc_sim_create(seed);
    uint8_t *block = aligned_alloc(LC_IO_ALIGN, LC_IO_ALIGN), bytes[LC_IO_ALIGN] = {0};
    lc_file *file = create(io, "log");
    expect_ok(lc_file_allocate(file, LC_IO_ALIGN));
    expect_ok(lc_file_sync(file));
    expect_ok(lc_dir_sync(io, "."));
    memset(block, 7, LC_IO_ALIGN);
    expect_ok(lc_file_write_durable(file, 0, block, LC_IO_ALIGN));
    bool done = false;
    for (uint64_t polls = lc_sim_random(io, 6); polls > 0 && !done; polls--) expect_ok(lc_file_poll(file, &done));
    lc_sim_crash(io);
    lc_file_close(file);
    expect_equal(read_file(io, "log", bytes, sizeof bytes), LC_IO_ALIGN);
    size_t arrived = 0;
    for (size_t sector = 0; sector < 8; sector++) arrived += bytes[sector * 512] == 7;
    if (done) expect_equal(arrived, 8);
    done_seen += done;
    parts_seen += arrived > 0 && arrived < 8;
    free(block);
    lc_io_close(io);
  }
  expect(done_seen > 0 && parts_seen > 0);
}

TEST(after_a_crash_everything_fails_until_the_machine_is_up_and_old_files_stay_dead) {
  lc_io *io = lc_sim_create(1);
  lc_file *file = create(io, "a"), *again;
  lc_sim_crash_after(io, 2);
  expect_ok(lc_file_write(file, 0, "x", 1));
  expect_error(lc_file_write(file, 1, "y", 1), LC_ERR_IO);
  expect(lc_sim_is_down(io) && !lc_sim_was_stopped(io));
  expect_error(lc_file_open(io, "a", LC_OPEN_READ, &again), LC_ERR_IO);
  lc_sim_crash(io);
  expect(!lc_sim_is_down(io));
  expect_error(lc_file_write(file, 0, "z", 1), LC_ERR_IO);
  lc_file_close(file);
  lc_io_close(io);
}

TEST(L12_a_failed_sync_stops_the_machine) {
  lc_io *io = lc_sim_create(1);
  lc_file *file = create(io, "a");
  lc_sim_fail_after(io, 1, LC_ERR_NO_SPACE); /* even for lack of space: what was written before it may be gone */
  expect_error(lc_file_sync(file), LC_ERR_IO);
  expect(lc_sim_was_stopped(io));
  lc_sim_crash(io);
  lc_file_close(file);
  lc_io_close(io);
}

TEST(a_full_disk_refuses_what_makes_files_longer) {
  lc_io *io = lc_sim_create(1);
  lc_file *file = create(io, "a");
  lc_sim_set_capacity(io, 1000);
  static uint8_t bytes[2000];
  expect_error(lc_file_write(file, 0, bytes, 2000), LC_ERR_NO_SPACE);
  expect_ok(lc_file_write(file, 0, bytes, 1000));
  expect_ok(lc_file_write(file, 0, bytes, 1000));
  expect_error(lc_file_write(file, 1000, bytes, 1), LC_ERR_NO_SPACE);
  lc_file_close(file);
  expect_ok(lc_path_remove(io, "a"));
  file = create(io, "b");
  expect_ok(lc_file_write(file, 0, bytes, 1000));
  lc_file_close(file);
  lc_io_close(io);
}

TEST(the_same_seed_gives_the_same_run_and_the_wall_clock_jumps) {
  bool went_back = false;
  lc_io *a = lc_sim_create(42), *b = lc_sim_create(42);
  int64_t before = 0;
  uint64_t ticks = 0;
  for (int i = 0; i < 10000; i++) {
    int64_t now = lc_io_now_micros(a);
    expect(now == lc_io_now_micros(b));
    expect_equal(lc_sim_random(a, 1000), lc_sim_random(b, 1000));
    uint64_t tick = lc_io_monotonic_nanos(a);
    expect(tick == lc_io_monotonic_nanos(b) && tick >= ticks);
    went_back = went_back || now < before;
    before = now;
    ticks = tick;
  }
  expect(went_back);
  lc_io_close(a);
  lc_io_close(b);
}
