/* Module logs (module_log_internal.h; format: docs/formats.md). */
#include <stdarg.h>
#include <stdio.h>

#include "base/logging.h"
#include "engine/module_log_internal.h"
#include "sats/json.h"

static const int64_t MICROS_PER_DAY = 86400ll * 1000 * 1000;

static const char *level_name(lc_module_log_level level) {
  switch (level) {
    case LC_MODULE_ERROR:
      return "Error";
    case LC_MODULE_WARN:
      return "Warn";
    case LC_MODULE_INFO:
      return "Info";
    case LC_MODULE_TRACE:
      return "Trace";
    case LC_MODULE_PANIC:
      return "Panic";
    default:
      return "Debug"; /* unknown levels count as debug */
  }
}

/* The civil date of a day number (Howard Hinnant, "chrono-compatible low-level date algorithms"). */
static void date_of(int64_t day, int *year, unsigned *month, unsigned *day_of_month) {
  day += 719468;
  int64_t era = (day >= 0 ? day : day - 146096) / 146097;
  unsigned of_era = (unsigned)(day - era * 146097);
  unsigned year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  unsigned of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  unsigned shifted = (5 * of_year + 2) / 153; /* months from March on */
  *day_of_month = of_year - (153 * shifted + 2) / 5 + 1;
  *month = shifted < 10 ? shifted + 3 : shifted - 9;
  *year = (int)(year_of_era + era * 400) + (*month <= 2);
}

static int64_t day_of(int64_t micros) {
  return micros >= 0 ? micros / MICROS_PER_DAY : (micros - MICROS_PER_DAY + 1) / MICROS_PER_DAY;
}

static void file_path(const lc__module_log *log, int64_t day, lc_buf *path) {
  int year;
  unsigned month, day_of_month;
  date_of(day, &year, &month, &day_of_month);
  lc_buf_printf(path, "%s/%04d-%02u-%02u.log", log->directory, year, month, day_of_month);
}

/* Reads the end of today's file, so that a reader sees what was there before the restart. */
static lc_err load_tail(lc__module_log *log) {
  uint64_t from = log->file_size > LC__LOG_BYTES_MAX ? log->file_size - LC__LOG_BYTES_MAX : 0;
  size_t len = (size_t)(log->file_size - from), read = 0;
  lc_err err = lc_file_read(log->file, from, lc_buf_extend(&log->lines, len), len, &read);
  log->lines.len = lc_failed(err) ? 0 : read;
  const uint8_t *first_end = from ? memchr(log->lines.data, '\n', log->lines.len) : NULL;
  log->start = first_end ? (size_t)(first_end - log->lines.data) + 1 : 0;
  log->written = log->lines.len;
  return err;
}

static lc_err open_file(lc__module_log *log, int64_t day) {
  if (log->file) lc_file_close(log->file);
  log->file = NULL;
  log->file_size = 0;
  lc_buf path = {0};
  file_path(log, day, &path);
  lc_err err = lc_dir_create(log->io, log->directory);
  if (!lc_failed(err)) {
    err = lc_file_open(log->io, lc_buf_cstr(&path), LC_OPEN_WRITE, &log->file);
    if (err.code == LC_ERR_FILE_MISSING) err = lc_file_open(log->io, lc_buf_cstr(&path), LC_OPEN_CREATE, &log->file);
  }
  if (!lc_failed(err)) err = lc_file_size(log->file, &log->file_size);
  if (!lc_failed(err)) log->file_day = day;
  lc_buf_deinit(&path);
  return err;
}

static void report(lc__module_log *log, lc_err err) {
  if (!lc_failed(err)) {
    log->file_failed = false;
    return;
  }
  if (!log->file_failed) lc_log_warn("the module log in %s is kept in memory only: %s", log->directory, lc_err_text(err));
  log->file_failed = true;
}

void lc__module_log_open(lc__module_log *log, lc_io *io, const char *directory, int64_t now_micros) {
  *log = (lc__module_log){.io = io, .next_handle = 1};
  if (io == NULL) return;
  lc_buf path = {0};
  lc_buf_printf(&path, "%s/module_logs", directory);
  lc_buf_cstr(&path);
  log->directory = (char *)path.data;
  lc_err err = open_file(log, day_of(now_micros));
  if (!lc_failed(err)) err = load_tail(log);
  report(log, err);
}

void lc__module_log_close(lc__module_log *log) {
  if (log->file) lc_file_close(log->file);
  lc_vec_deinit(&log->followers);
  lc_buf_deinit(&log->lines);
  free(log->directory);
  *log = (lc__module_log){0};
}

/* M1: drops the older half once too much is held. */
static void trim(lc__module_log *log) {
  if (log->lines.len - log->start <= LC__LOG_BYTES_MAX) return;
  size_t from = log->start + (log->lines.len - log->start) / 2;
  const uint8_t *end = memchr(log->lines.data + from, '\n', log->lines.len - from);
  from = end ? (size_t)(end - log->lines.data) + 1 : log->lines.len;
  memmove(log->lines.data, log->lines.data + from, log->lines.len - from);
  log->lines.len -= from;
  log->written = log->written > from ? log->written - from : 0;
  log->start = 0;
}

static void put_text(lc_buf *to, const char *name, lc_str text) {
  if (text.ptr == NULL) return;
  lc_buf_printf(to, ",\"%s\":", name);
  lc_json_put_string(to, text);
}

void lc__module_log_add(lc__module_log *log, int64_t now_micros, const lc_module_log_record *record) {
  trim(log);
  size_t start = log->lines.len;
  lc_buf_printf(&log->lines, "{\"level\":\"%s\",\"ts\":%lld", level_name(record->level), (long long)now_micros);
  put_text(&log->lines, "target", record->target);
  put_text(&log->lines, "filename", record->filename);
  if (record->line_number != UINT32_MAX) lc_buf_printf(&log->lines, ",\"line_number\":%u", record->line_number);
  put_text(&log->lines, "function", record->function);
  put_text(&log->lines, "message", record->message);
  if (record->trace_json.ptr) {
    lc_buf_put_text(&log->lines, ",\"trace\":");
    lc_buf_put_str(&log->lines, record->trace_json);
  }
  lc_buf_put_text(&log->lines, "}\n");
  lc_str line = {(const char *)log->lines.data + start, log->lines.len - start};
  for (size_t i = 0; i < log->followers.count; i++) log->followers.items[i].call(log->followers.items[i].context, line);
}

void lc__module_log_note(lc__module_log *log, int64_t now_micros, lc_module_log_level level, lc_str function, const char *format, ...) {
  char text[LC_ERR_TEXT_MAX];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  lc_module_log_record record = {.level = level,
                                 .target = LC_STR(LC__LOG_HOST),
                                 .filename = LC_STR(LC__LOG_HOST),
                                 .line_number = UINT32_MAX,
                                 .function = function,
                                 .message = lc_str_of(text)};
  lc__module_log_add(log, now_micros, &record);
}

void lc__module_log_flush(lc__module_log *log, int64_t now_micros) {
  if (!lc__module_log_has_news(log)) return;
  lc_err err = lc_ok();
  if (log->file == NULL || log->file_day != day_of(now_micros)) err = open_file(log, day_of(now_micros));
  if (!lc_failed(err)) {
    size_t len = log->lines.len - log->written;
    err = lc_file_write(log->file, log->file_size, log->lines.data + log->written, len);
    if (!lc_failed(err)) log->file_size += len;
  }
  log->written = log->lines.len; /* M3: what could not be written is not tried again */
  report(log, err);
}

void lc__module_log_read(const lc__module_log *log, uint32_t count, lc_buf *to) {
  size_t from = log->start;
  if (count) {
    from = log->lines.len;
    while (from > log->start && count) {
      from--; /* onto the newline that ends the line before */
      while (from > log->start && log->lines.data[from - 1] != '\n') from--;
      count--;
    }
  }
  lc_buf_append(to, log->lines.data + from, log->lines.len - from);
}

uint32_t lc__module_log_follow(lc__module_log *log, lc_log_follower follower, void *context) {
  struct lc__follower entry = {log->next_handle++, follower, context};
  lc_vec_push(&log->followers, entry);
  return entry.handle;
}

void lc__module_log_unfollow(lc__module_log *log, uint32_t handle) {
  for (size_t i = 0; i < log->followers.count; i++) {
    if (log->followers.items[i].handle != handle) continue;
    lc_vec_remove_swap(&log->followers, i);
    return;
  }
}
