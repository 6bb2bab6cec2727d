/* Files, directories and durable writes of the real machine, in a scratch directory. Each way of writing durably is tested: io_uring with
 * O_DIRECT, io_uring without, and the thread. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "harness.h"
#include "io/io.h"
#include "io/linux/linux.h"

static char root[sizeof "/tmp/lc_file_test_XXXXXX"];

static lc_io *scratch(void) {
  memcpy(root, "/tmp/lc_file_test_XXXXXX", sizeof root);
  expect(mkdtemp(root) != NULL);
  lc_io *io;
  expect_ok(lc_io_linux_open(root, &io));
  return io;
}

static void finish(lc_io *io) {
  lc_arena arena = {0};
  lc_str *names;
  size_t count;
  expect_ok(lc_dir_list(io, ".", &arena, &names, &count));
  for (size_t i = 0; i < count; i++) expect_ok(lc_dir_remove_all(io, names[i].ptr));
  lc_arena_deinit(&arena);
  lc_io_close(io);
  expect_equal(rmdir(root), 0);
}

TEST(what_is_written_is_read_and_reads_are_short_only_at_the_end) {
  lc_io *io = scratch();
  lc_file *file;
  uint8_t bytes[16];
  size_t got;
  uint64_t size;
  expect_error(lc_file_open(io, "a", LC_OPEN_READ, &file), LC_ERR_FILE_MISSING);
  expect_error(lc_file_open(io, "a", LC_OPEN_WRITE, &file), LC_ERR_FILE_MISSING);
  expect_ok(lc_file_open(io, "a", LC_OPEN_CREATE, &file));
  expect_ok(lc_file_write(file, 3, "hello", 5));
  expect_ok(lc_file_sync(file));
  expect_ok(lc_file_size(file, &size));
  expect_equal(size, 8);
  expect_ok(lc_file_read(file, 1, bytes, sizeof bytes, &got));
  expect_bytes(bytes, got, "\0\0hello", 7);
  expect_ok(lc_file_truncate(file, 5));
  expect_ok(lc_file_allocate(file, 300000));
  expect_ok(lc_file_size(file, &size));
  expect_equal(size, 300000);
  expect_ok(lc_file_read(file, 3, bytes, 4, &got));
  expect_bytes(bytes, got, "he\0\0", 4);
  lc_file_close(file);
  expect_error(lc_file_open(io, "a", LC_OPEN_CREATE, &file), LC_ERR_FILE_EXISTS);
  finish(io);
}

TEST(directories_are_listed_in_bytewise_order_and_removed_with_all_that_is_in_them) {
  lc_io *io = scratch();
  expect_ok(lc_dir_create(io, "d/e/f"));
  expect_ok(lc_dir_create(io, "d/e/f"));
  expect_ok(lc_path_publish(io, "d/b", lc_span_of("x", 1), 0600));
  expect_ok(lc_path_publish(io, "d/B", lc_span_of("x", 1), 0600));
  expect_ok(lc_path_publish(io, "d/a.long.name", lc_span_of("x", 1), 0600));
  lc_arena arena = {0};
  lc_str *names;
  size_t count;
  expect_ok(lc_dir_list(io, "d", &arena, &names, &count));
  expect_equal(count, 4);
  static const char *const expected[] = {"B", "a.long.name", "b", "e"};
  for (size_t i = 0; i < 4; i++) expect_text(names[i].ptr, expected[i]);
  lc_arena_deinit(&arena);
  expect_error(lc_path_remove(io, "d"), LC_ERR_FILE_EXISTS);
  expect_ok(lc_path_remove(io, "d/b"));
  expect_error(lc_path_remove(io, "d/b"), LC_ERR_FILE_MISSING);
  expect_ok(lc_dir_remove_all(io, "d"));
  expect_ok(lc_dir_remove_all(io, "d"));
  expect(!lc_path_exists(io, "d"));
  finish(io);
}

TEST(publishing_replaces_a_file_and_sets_its_mode) {
  lc_io *io = scratch();
  lc_buf content = {0};
  expect_ok(lc_path_publish(io, "key", lc_span_of("old", 3), 0600));
  expect_ok(lc_path_publish(io, "key.tmp", lc_span_of("left by a crash", 15), 0644));
  expect_ok(lc_path_publish(io, "key", lc_span_of("newer", 5), 0600));
  expect_ok(lc_path_read(io, "key", 100, &content));
  expect_bytes(content.data, content.len, "newer", 5);
  expect(!lc_path_exists(io, "key.tmp"));
  expect_error(lc_path_read(io, "key", 4, &content), LC_ERR_TOO_LARGE);
  expect_equal(content.len, 5);
  char path[128];
  snprintf(path, sizeof path, "%s/key", root);
  struct stat info;
  expect_equal(stat(path, &info), 0);
  expect_equal(info.st_mode & 0777, 0600);
  lc_buf_deinit(&content);
  finish(io);
}

static bool is_readable(int fd, int timeout_ms) {
  struct pollfd entry = {.fd = fd, .events = POLLIN};
  return poll(&entry, 1, timeout_ms) == 1;
}

/* One path of durable writes: waiting, polling, the event descriptor, and two files that share it. */
static void check_durable_writes(bool no_direct, bool no_ring) {
  lc_io *io = scratch();
  lc_io_linux_refuse(io, no_direct, no_ring);
  lc_file *file, *second;
  expect_ok(lc_file_open(io, "log", LC_OPEN_CREATE, &file));
  uint8_t *block = aligned_alloc(LC_IO_ALIGN, 2 * LC_IO_ALIGN), *zeros = aligned_alloc(LC_IO_ALIGN, LC_IO_ALIGN), back[LC_IO_ALIGN];
  memset(zeros, 0, LC_IO_ALIGN);
  bool done;
  size_t got;
  expect_ok(lc_file_poll(file, &done));
  expect(done);
  int fd = lc_file_event_fd(file);
  expect(fd >= 0 && !is_readable(fd, 0));
  for (int round = 0; round < 50; round++) {
    memset(block, round + 1, 2 * LC_IO_ALIGN);
    expect_ok(lc_file_write_durable(file, (uint64_t)round * LC_IO_ALIGN, block, 2 * LC_IO_ALIGN));
    if (round % 2) {
      expect_ok(lc_file_wait(file));
    } else {
      expect(is_readable(fd, 10000));
      for (done = false; !done;) expect_ok(lc_file_poll(file, &done));
    }
    expect(!is_readable(fd, 0)); /* lowered by the poll: a loop must not spin on it */
    expect_ok(lc_file_read(file, (uint64_t)round * LC_IO_ALIGN, back, sizeof back, &got));
    expect_bytes(back, got, block, LC_IO_ALIGN);
  }
  expect_ok(lc_file_open(io, "next.tmp", LC_OPEN_CREATE, &second));
  lc_file_share_events(second, file);
  expect_equal(lc_file_event_fd(second), fd);
  expect_ok(lc_file_write_durable(file, 0, block, LC_IO_ALIGN));
  expect_ok(lc_file_write_durable(second, 0, zeros, LC_IO_ALIGN));
  expect_ok(lc_file_wait(file));
  expect_ok(lc_file_wait(second));
  expect_ok(lc_file_publish_durable(second, "next"));
  lc_file_close(file); /* the ring lives on with the other file */
  expect(is_readable(fd, 10000));
  expect_ok(lc_file_wait(second));
  expect(lc_path_exists(io, "next") && !lc_path_exists(io, "next.tmp"));
  expect_ok(lc_file_write_durable(second, LC_IO_ALIGN, block, LC_IO_ALIGN));
  lc_file_close(second); /* waits for the write before its memory may go */
  free(block);
  free(zeros);
  finish(io);
}

TEST(durable_writes_through_a_ring_with_direct_io) {
  check_durable_writes(false, false);
}
TEST(durable_writes_through_a_ring_where_direct_io_is_refused) {
  check_durable_writes(true, false);
}
TEST(durable_writes_through_a_thread_where_rings_are_refused) {
  check_durable_writes(true, true);
}
TEST(durable_writes_through_a_thread_on_a_direct_descriptor) {
  check_durable_writes(false, true);
}

/* The file size limit is the portable way to make a write fail. EFBIG is no lack of space, so the process must stop (L12). */
static void write_beyond_the_limit(lc_io *io) {
  lc_file *file;
  struct rlimit limit = {.rlim_cur = LC_IO_ALIGN, .rlim_max = LC_IO_ALIGN};
  signal(SIGXFSZ, SIG_IGN);
  uint8_t *block = aligned_alloc(LC_IO_ALIGN, LC_IO_ALIGN);
  memset(block, 1, LC_IO_ALIGN);
  lc_io_linux_refuse(io, true, true);
  expect_ok(lc_file_open(io, "log", LC_OPEN_CREATE, &file));
  expect_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
  expect_ok(lc_file_write_durable(file, 0, block, LC_IO_ALIGN));
  expect_ok(lc_file_wait(file));
  expect_ok(lc_file_write_durable(file, LC_IO_ALIGN, block, LC_IO_ALIGN));
  lc_err err = lc_file_wait(file);
  (void)err;
  exit(0); /* not reached */
}

TEST(L12_a_failed_durable_write_stops_the_process) {
  lc_io *io = scratch();
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    int sink = open("/dev/null", O_WRONLY);
    dup2(sink, 2);
    expect_equal(setrlimit(RLIMIT_CORE, &(struct rlimit){0}), 0);
    write_beyond_the_limit(io);
  }
  int status = 0;
  waitpid(child, &status, 0);
  expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  finish(io);
}

TEST(clocks_go_forward_and_random_bytes_differ) {
  lc_io *io = scratch();
  uint64_t before = lc_io_monotonic_nanos(io);
  expect(lc_io_monotonic_nanos(io) >= before);
  expect(lc_io_now_micros(io) > 1600000000000000);
  uint8_t a[16], b[16];
  lc_io_random(io, a, sizeof a);
  lc_io_random(io, b, sizeof b);
  expect(memcmp(a, b, sizeof a) != 0);
  finish(io);
}
