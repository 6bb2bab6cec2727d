/* Reading config.toml: one row per key; a row says how the value is written and where it goes. */
#include "server/config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/logging.h"

typedef enum value_kind { KIND_PATH, KIND_DURATION, KIND_LEVEL, KIND_UNUSED /* known to the reference, without meaning here */ } value_kind;

typedef struct config_key {
  const char *section, *key;
  value_kind kind;
  size_t offset;
} config_key;

static const config_key keys[] = {
    {"certificate-authority", "jwt-priv-key-path", KIND_PATH, offsetof(lc_server_settings, private_key_path)},
    {"certificate-authority", "jwt-pub-key-path", KIND_PATH, offsetof(lc_server_settings, public_key_path)},
    {"logs", "level", KIND_LEVEL, offsetof(lc_server_settings, log_level)},
    {"logs", "directives", KIND_UNUSED, 0},
    {"websocket", "ping-interval", KIND_DURATION, offsetof(lc_server_settings, ping_interval_ms)},
    {"websocket", "idle-timeout", KIND_DURATION, offsetof(lc_server_settings, idle_timeout_ms)},
    {"websocket", "close-handshake-timeout", KIND_DURATION, offsetof(lc_server_settings, close_timeout_ms)},
    {"websocket", "incoming-queue-length", KIND_UNUSED, 0},
    {"module-http", "enabled", KIND_UNUSED, 0},
    {"wasm", "procedure-instance-pool-size", KIND_UNUSED, 0},
    {"v8", "procedure-instance-pool-size", KIND_UNUSED, 0},
    {"v8-heap-policy", "heap-check-request-interval", KIND_UNUSED, 0},
    {"v8-heap-policy", "heap-check-time-interval", KIND_UNUSED, 0},
    {"v8-heap-policy", "heap-gc-trigger-fraction", KIND_UNUSED, 0},
    {"v8-heap-policy", "heap-retire-fraction", KIND_UNUSED, 0},
    {"v8-heap-policy", "heap-limit-mb", KIND_UNUSED, 0},
    {"commitlog", "log-format-version", KIND_UNUSED, 0},
    {"commitlog", "max-segment-size", KIND_UNUSED, 0},
    {"commitlog", "offset-index-interval-bytes", KIND_UNUSED, 0},
    {"commitlog", "offset-interval-bytes", KIND_UNUSED, 0},
    {"commitlog", "offset-index-require-segment-fsync", KIND_UNUSED, 0},
    {"commitlog", "offset-index-require-fsync", KIND_UNUSED, 0},
    {"commitlog", "preallocate-segments", KIND_UNUSED, 0},
    {"commitlog", "write-buffer-size", KIND_UNUSED, 0},
};

void lc_server_settings_init(lc_server_settings *config) {
  *config = (lc_server_settings){.log_level = LC_LOG_INFO};
}

static lc_str trim(lc_str text) {
  while (text.len && (text.ptr[0] == ' ' || text.ptr[0] == '\t')) text.ptr++, text.len--;
  while (text.len && strchr(" \t\r", text.ptr[text.len - 1])) text.len--;
  return text;
}

/* What stands before a comment; `#` inside quotes is none. */
static lc_str strip_comment(lc_str line) {
  char quote = 0;
  for (size_t i = 0; i < line.len; i++) {
    char c = line.ptr[i];
    if (quote) {
      if (c == '\\' && quote == '"') i++;
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '#') {
      return (lc_str){line.ptr, i};
    }
  }
  return line;
}

/* Text between quotes. `"` knows the escapes \\ and \"; `'` none. */
static bool read_string(lc_str value, char *to, size_t cap) {
  if (value.len < 2 || (value.ptr[0] != '"' && value.ptr[0] != '\'')) return false;
  char quote = value.ptr[0];
  size_t len = 0, i = 1;
  for (; i < value.len && value.ptr[i] != quote; i++) {
    if (value.ptr[i] == '\\' && quote == '"') {
      i++;
      if (i >= value.len || (value.ptr[i] != '\\' && value.ptr[i] != '"')) return false;
    }
    if (len + 1 >= cap) return false;
    to[len++] = value.ptr[i];
  }
  to[len] = 0;
  return i + 1 == value.len;
}

/* `15s`, `250ms`, `2m` in quotes. */
static bool read_duration(lc_str value, uint32_t *ms) {
  char text[32], *unit;
  if (!read_string(value, text, sizeof text) || text[0] < '0' || text[0] > '9') return false;
  unsigned long long number = strtoull(text, &unit, 10);
  unsigned long long factor = strcmp(unit, "ms") == 0 ? 1 : strcmp(unit, "s") == 0 ? 1000 : strcmp(unit, "m") == 0 ? 60000 : 0;
  if (factor == 0 || number > UINT32_MAX / factor || number == 0) return false;
  *ms = (uint32_t)(number * factor);
  return true;
}

static bool read_level(lc_str value, uint32_t *level) {
  static const struct {
    const char *name;
    lc_log_level level;
  } levels[] = {{"error", LC_LOG_ERROR}, {"warn", LC_LOG_WARN},   {"info", LC_LOG_INFO},
                {"debug", LC_LOG_DEBUG}, {"trace", LC_LOG_DEBUG}, {"off", LC_LOG_ERROR}};
  char text[16];
  if (!read_string(value, text, sizeof text)) return false;
  for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
    if (strcmp(text, levels[i].name) != 0) continue;
    *level = levels[i].level;
    return true;
  }
  return false;
}

static lc_err set_value(lc_server_settings *config, const config_key *key, lc_str value, int line) {
  void *to = (char *)config + key->offset;
  bool ok = true;
  const char *wanted = "";
  switch (key->kind) {
    case KIND_PATH:
      ok = read_string(value, to, sizeof config->private_key_path), wanted = "a path in quotes";
      break;
    case KIND_DURATION:
      ok = read_duration(value, to), wanted = "a duration such as \"15s\" or \"250ms\"";
      break;
    case KIND_LEVEL:
      ok = read_level(value, to), wanted = "\"error\", \"warn\", \"info\", \"debug\" or \"trace\"";
      break;
    case KIND_UNUSED:
      break;
  }
  if (ok) return lc_ok();
  return lc_fail(LC_ERR_INVALID, "line %d: `%s` in [%s] wants %s, not `%.*s`", line, key->key, key->section, wanted, LC_STR_ARGS(value));
}

static const config_key *find_key(lc_str section, lc_str name) {
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    if (lc_str_is(section, keys[i].section) && lc_str_is(name, keys[i].key)) return &keys[i];
  }
  return NULL;
}

static bool is_plain_key(lc_str name) {
  for (size_t i = 0; i < name.len; i++) {
    char c = name.ptr[i];
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_')) return false;
  }
  return name.len > 0;
}

/* Brackets of a list that are still open at the end of `text`. */
static int open_brackets(lc_str text) {
  int depth = 0;
  char quote = 0;
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    if (quote) {
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else {
      depth += (c == '[') - (c == ']');
    }
  }
  return depth;
}

static lc_err parse_line(lc_server_settings *config, lc_str line, int number, lc_str *section, int *depth) {
  if (*depth > 0) { /* inside a list that goes over several lines */
    *depth += open_brackets(line);
    return lc_ok();
  }
  if (line.len == 0) return lc_ok();
  if (line.ptr[0] == '[') {
    if (line.ptr[line.len - 1] != ']') return lc_fail(LC_ERR_INVALID, "line %d: a section ends with `]`", number);
    *section = trim((lc_str){line.ptr + 1, line.len - 2});
    return is_plain_key(*section) ? lc_ok()
                                  : lc_fail(LC_ERR_INVALID, "line %d: `%.*s` is no name of a section", number, LC_STR_ARGS(*section));
  }
  const char *equals = memchr(line.ptr, '=', line.len);
  if (equals == NULL) return lc_fail(LC_ERR_INVALID, "line %d: expected `key = value` or `[section]`", number);
  lc_str name = trim((lc_str){line.ptr, (size_t)(equals - line.ptr)});
  lc_str value = trim((lc_str){equals + 1, line.len - (size_t)(equals - line.ptr) - 1});
  if (!is_plain_key(name)) return lc_fail(LC_ERR_INVALID, "line %d: `%.*s` is no key", number, LC_STR_ARGS(name));
  if (value.len == 0) return lc_fail(LC_ERR_INVALID, "line %d: `%.*s` has no value", number, LC_STR_ARGS(name));
  *depth = open_brackets(value);
  const config_key *key = find_key(*section, name);
  if (key) return set_value(config, key, value, number);
  lc_log_warn("config.toml, line %d: `%.*s` in [%.*s] is unknown and ignored", number, LC_STR_ARGS(name), LC_STR_ARGS(*section));
  return lc_ok();
}

lc_err lc_server_settings_parse(lc_server_settings *config, lc_str text) {
  lc_str section = {"", 0};
  int number = 1, depth = 0;
  if (!lc_utf8_valid((const uint8_t *)text.ptr, text.len)) return lc_fail(LC_ERR_INVALID, "the file is not valid UTF-8");
  while (text.len) {
    const char *end = memchr(text.ptr, '\n', text.len);
    size_t len = end ? (size_t)(end - text.ptr) : text.len;
    LC_TRY(parse_line(config, trim(strip_comment((lc_str){text.ptr, len})), number++, &section, &depth));
    len += end != NULL;
    text = (lc_str){text.ptr + len, text.len - len};
  }
  return depth == 0 ? lc_ok() : lc_fail(LC_ERR_INVALID, "the last list is not closed");
}
