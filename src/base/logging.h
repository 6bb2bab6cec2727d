#pragma once
/*
 * The server's own log (modules have theirs, src/engine): one line per event on standard error, `time level message`. Not for the
 * hot path. Never holds a row, a token or an environment value (L10). Threads: any.
 */
typedef enum lc_log_level { LC_LOG_OFF = -1 /* only as the level to show */, LC_LOG_ERROR, LC_LOG_WARN, LC_LOG_INFO, LC_LOG_DEBUG } lc_log_level;

void lc_log_set_level(lc_log_level level);
void lc_logf(lc_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define lc_log_error(...) lc_logf(LC_LOG_ERROR, __VA_ARGS__)
#define lc_log_warn(...) lc_logf(LC_LOG_WARN, __VA_ARGS__)
#define lc_log_info(...) lc_logf(LC_LOG_INFO, __VA_ARGS__)
#define lc_log_debug(...) lc_logf(LC_LOG_DEBUG, __VA_ARGS__)
