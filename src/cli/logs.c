/* `lightcone logs`: what a module logged, line by line as it comes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "cli/remote.h"

const lc_option lc_options_logs[] = {
    LC_OPTION_SERVER,
    {"num-lines", NULL, 'n', LC_OPTION_VALUE, "N", "the last N lines (default: all; 10 with --follow)"},
    {"follow", NULL, 'f', LC_OPTION_FLAG, NULL, "go on as more comes"},
    {"format", NULL, 0, LC_OPTION_VALUE, "text|json", "json: the records as the server sends them"},
    {"json", NULL, 0, LC_OPTION_FLAG, NULL, "the same as --format json"},
    {"level", NULL, 'l', LC_OPTION_VALUE, "LEVEL", "trace, debug, info, warn, error or panic, and what is more severe"},
    {"level-exact", NULL, 0, LC_OPTION_FLAG, NULL, "only the level itself"},
    LC_OPTION_YES,
    LC_OPTION_NO_CONFIG,
    LC_OPTION_END,
};

static const struct {
  const char *name, *color;
} levels[] = {{"Trace", "\033[2m"}, {"Debug", "\033[36m"}, {"Info", "\033[32m"},
              {"Warn", "\033[33m"}, {"Error", "\033[31m"}, {"Panic", "\033[1;31m"}};
enum { LEVEL_COUNT = sizeof levels / sizeof *levels };

typedef struct log_printer {
  lc_buf pending; /* a line that has not ended yet */
  bool json, exact;
  int least;
} log_printer;

static int level_number(const char *name) {
  for (int i = 0; name && i < LEVEL_COUNT; i++)
    if (strcasecmp(levels[i].name, name) == 0) return i;
  return -1;
}

/* The host writes this where a record is its own. */
static const char *shown(json_t *record, const char *key) {
  const char *text = json_string_value(json_object_get(record, key));
  return text && strcmp(text, "__spacetimedb__") != 0 ? text : NULL;
}

static void print_text(json_t *record, int level) {
  int64_t micros = json_integer_value(json_object_get(record, "ts"));
  time_t when = (time_t)(micros / 1000000);
  struct tm parts;
  char stamp[40];
  gmtime_r(&when, &parts);
  strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &parts);
  const char *function = shown(record, "function"), *file = shown(record, "filename"),
             *message = json_string_value(json_object_get(record, "message"));
  printf("%s.%06dZ %s%5s%s: ", stamp, (int)(micros % 1000000), lc_cli_color(1, levels[level].color), levels[level].name,
         lc_cli_color(1, "\033[0m"));
  if (function) printf("%s%s", function, file ? " " : ": ");
  if (file) printf("%s:%lld: ", file, (long long)json_integer_value(json_object_get(record, "line_number")));
  printf("%s\n", message ? message : "");
  size_t index;
  json_t *frame;
  json_array_foreach(json_object_get(record, "trace"), index, frame) {
    const char *module = json_string_value(json_object_get(frame, "module_name")),
               *name = json_string_value(json_object_get(frame, "func_name"));
    printf("    in %s :: %s\n", module ? module : "?", name ? name : "?");
  }
}

static void print_line(const log_printer *printer, lc_str line) {
  json_t *record = json_loadb(line.ptr, line.len, 0, NULL);
  int level = level_number(json_string_value(json_object_get(record, "level")));
  bool wanted = level >= 0 && (printer->exact ? level == printer->least : level >= printer->least);
  if (wanted && printer->json)
    printf("%.*s\n", LC_STR_ARGS(line));
  else if (wanted)
    print_text(record, level);
  json_decref(record);
}

static bool receive(void *context, lc_span part) {
  log_printer *printer = context;
  lc_buf_put_span(&printer->pending, part);
  size_t at = 0;
  for (const uint8_t *end; (end = memchr(printer->pending.data + at, '\n', printer->pending.len - at));) {
    size_t len = (size_t)(end - printer->pending.data) - at;
    if (len) print_line(printer, (lc_str){(const char *)printer->pending.data + at, len});
    at += len + 1;
  }
  memmove(printer->pending.data, printer->pending.data + at, printer->pending.len - at);
  printer->pending.len -= at;
  fflush(stdout);
  return !ferror(stdout);
}

lc_err lc_command_logs(lc_cli *cli, const lc_args *args) {
  lc_remote remote = {0};
  const char *name, *identity, *count = lc_args_value(args, "num-lines"), *format = lc_args_value(args, "format"),
                               *level = lc_args_value(args, "level");
  bool follow = lc_args_has(args, "follow");
  size_t rest;
  log_printer printer = {.json = lc_args_has(args, "json") || (format && strcmp(format, "json") == 0),
                         .exact = lc_args_has(args, "level-exact")};
  if (level && (printer.least = level_number(level)) < 0)
    return lc_fail(LC_ERR_USAGE, "--level %s: trace, debug, info, warn, error or panic is expected", level);
  if (printer.exact && !level) return lc_fail(LC_ERR_USAGE, "--level-exact needs --level");
  LC_TRY(lc_remote_target(cli, args, 0, &remote, &name, &identity, &rest));
  if (follow && !count) count = "10";
  lc_http_call call = {.method = "GET", .token = remote.token, .receive = receive, .context = &printer};
  call.url = lc_arena_printf(&cli->arena, "%s/v1/database/%s/logs?follow=%s%s%s", remote.url, identity, follow ? "true" : "false",
                             count ? "&num_lines=" : "", count ? count : "")
                 .ptr;
  lc_http_result result = {0};
  lc_err err = lc_http_perform(&call, &result);
  if (!lc_failed(err)) err = lc_http_check(&result, "reading the log");
  if (printer.pending.len) print_line(&printer, lc_buf_str(&printer.pending));
  lc_buf_deinit(&printer.pending);
  lc_http_result_deinit(&result);
  return err;
}
