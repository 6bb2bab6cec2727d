#include "base/logging.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

static _Atomic lc_log_level log_level = LC_LOG_INFO;

void lc_log_set_level(lc_log_level level) { atomic_store(&log_level, level); }

void lc_logf(lc_log_level level, const char *format, ...) {
  static const char *const names[] = {"error", "warn", "info", "debug"};
  if (level > atomic_load(&log_level)) return;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  struct tm utc;
  gmtime_r(&now.tv_sec, &utc);
  char line[4096];
  size_t used = strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%S", &utc);
  used += (size_t)snprintf(line + used, sizeof line - used, ".%03ldZ %-5s ", now.tv_nsec / 1000000, names[level]);
  va_list arguments;
  va_start(arguments, format);
  int len = vsnprintf(line + used, sizeof line - used - 1, format, arguments);
  va_end(arguments);
  used += len < 0 ? 0 : (size_t)len;
  if (used > sizeof line - 2) used = sizeof line - 2;
  line[used++] = '\n';
  fwrite(line, 1, used, stderr);
}
