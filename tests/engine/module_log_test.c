/* The module log by itself (M1 – M3): files by day, what a restart finds, bounded memory, the newest lines. */
#include "fixture.h"

static const int64_t DAY = 86400ll * 1000 * 1000;

static void add(lc__module_log *log, int64_t now, const char *text) {
  lc__module_log_note(log, now, LC_MODULE_INFO, LC_STR("f"), "%s", text);
}

static const char *read_file(lc_io *io, const char *path) {
  static lc_buf text;
  lc_buf_clear(&text);
  expect_ok(lc_path_read(io, path, 1 << 20, &text));
  return lc_buf_cstr(&text);
}

static const char *read_last(const lc__module_log *log, uint32_t count) {
  static lc_buf text;
  lc_buf_clear(&text);
  lc__module_log_read(log, count, &text);
  return lc_buf_cstr(&text);
}

static lc_io *open_io(void) {
  char directory[128];
  lc_io *io;
  snprintf(directory, sizeof directory, "%s/%s", fixture_directory, lc_test_now);
  expect_ok(lc_io_linux_open(directory, &io));
  return io;
}

#define LINE(ts, text)             \
  "{\"level\":\"Info\",\"ts\":" ts \
  ",\"target\":\"__spacetimedb__\",\"filename\":\"__spacetimedb__\",\"function\":\"f\",\"message\":\"" text "\"}\n"

/* START is 2023-11-14T22:13:20Z. */
TEST(a_file_per_day_in_universal_time) {
  lc_io *io = open_io();
  lc__module_log log;
  lc__module_log_open(&log, io, "db", START);
  add(&log, START, "tuesday");
  lc__module_log_flush(&log, START);
  add(&log, START + DAY, "wednesday");
  lc__module_log_flush(&log, START + DAY);
  add(&log, START + 108 * DAY, "leap day comes before this");
  lc__module_log_flush(&log, START + 108 * DAY);
  expect_text(read_file(io, "db/module_logs/2023-11-14.log"), LINE("1700000000000000", "tuesday"));
  expect_text(read_file(io, "db/module_logs/2023-11-15.log"), LINE("1700086400000000", "wednesday"));
  expect_text(read_file(io, "db/module_logs/2024-03-01.log"), LINE("1709331200000000", "leap day comes before this"));
  lc__module_log_close(&log);
  lc_io_close(io);
}

TEST(a_restart_goes_on_where_it_was) {
  lc_io *io = open_io();
  lc__module_log log;
  lc__module_log_open(&log, io, "db", START);
  add(&log, START, "one");
  lc__module_log_flush(&log, START);
  lc__module_log_close(&log);
  lc__module_log_open(&log, io, "db", START + 1);
  add(&log, START + 1, "two");
  lc__module_log_flush(&log, START + 1);
  expect_text(read_last(&log, 0), LINE("1700000000000000", "one") LINE("1700000000000001", "two"));
  expect_text(read_file(io, "db/module_logs/2023-11-14.log"), LINE("1700000000000000", "one") LINE("1700000000000001", "two"));
  expect_text(read_last(&log, 1), LINE("1700000000000001", "two"));
  expect_text(read_last(&log, 5), LINE("1700000000000000", "one") LINE("1700000000000001", "two"));
  lc__module_log_close(&log);
  lc_io_close(io);
}

TEST(memory_is_bounded_and_the_newest_lines_stay) {
  lc__module_log log;
  lc__module_log_open(&log, NULL, "", START);
  char text[2000];
  for (int i = 0; i < 20000; i++) { /* 40 MB */
    memset(text, 'x', sizeof text - 1);
    snprintf(text, sizeof text, "%d", i);
    text[strlen(text)] = ' ';
    text[sizeof text - 1] = 0;
    add(&log, START, text);
    expect(log.lines.len - log.start <= LC__LOG_BYTES_MAX + 4096);
  }
  expect(strstr(read_last(&log, 1), "\"message\":\"19999 x"));
  const char *all = read_last(&log, 0);
  expect(strncmp(all, "{\"level\"", 8) == 0);
  expect(strlen(all) > LC__LOG_BYTES_MAX / 4);
  lc__module_log_close(&log);
}
