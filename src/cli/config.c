#include "cli/config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cli/cli.h"

/* ---- paths ---- */

static char *join(const char *a, const char *b) {
  lc_buf path = {0};
  lc_buf_printf(&path, "%s/%s", a, b);
  lc_buf_put8(&path, 0);
  return (char *)path.data; /* freed with the configuration */
}

/* $variable/lightcone or ~/fallback/lightcone */
static char *xdg(const char *variable, const char *fallback) {
  const char *base = getenv(variable);
  if (base && base[0] == '/') return join(base, "lightcone");
  const char *home = getenv("HOME");
  char *under = join(home ? home : ".", fallback);
  char *path = join(under, "lightcone");
  free(under);
  return path;
}

/* ---- lines ---- */

static lc_str trim(lc_str s) {
  while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) s.ptr++, s.len--;
  while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t' || s.ptr[s.len - 1] == '\r')) s.len--;
  return s;
}

/* `key = "value"`; false for anything else. Escapes that TOML and JSON share are understood. */
static bool parse_pair(lc_config *config, lc_str line, lc_str *key, lc_str *value) {
  const char *equals = memchr(line.ptr, '=', line.len);
  line = trim(line);
  if (!equals || line.len == 0 || line.ptr[0] == '#' || line.ptr[0] == '[') return false;
  *key = trim((lc_str){line.ptr, (size_t)(equals - line.ptr)});
  lc_str text = trim((lc_str){equals + 1, (size_t)(line.ptr + line.len - equals - 1)});
  if (text.len < 2 || (text.ptr[0] != '"' && text.ptr[0] != '\'')) return false;
  char quote = text.ptr[0];
  char *out = lc_arena_alloc(&config->arena, text.len);
  size_t len = 0, i = 1;
  for (; i < text.len && text.ptr[i] != quote; i++) {
    char c = text.ptr[i];
    if (quote == '"' && c == '\\' && i + 1 < text.len) {
      c = text.ptr[++i];
      c = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
    }
    out[len++] = c;
  }
  *value = (lc_str){out, len};
  return i < text.len;
}

/* Text as it stands between the quotes of a TOML string. */
static const char *quoted(lc_config *config, const char *text) {
  char *out = lc_arena_alloc(&config->arena, strlen(text) * 2 + 1);
  size_t len = 0;
  for (; *text; text++) {
    if (*text == '"' || *text == '\\') out[len++] = '\\';
    out[len++] = *text;
  }
  out[len] = 0;
  return out;
}

static bool is_server_header(lc_str line) {
  return lc_str_is(trim(line), "[[server_configs]]");
}
static bool is_header(lc_str line) {
  line = trim(line);
  return line.len && line.ptr[0] == '[';
}

static void parse_servers(lc_config *config) {
  lc_vec_clear(&config->servers);
  bool inside = false;
  for (size_t i = 0; i < config->lines.count; i++) {
    lc_str key, value, line = config->lines.items[i];
    if (is_header(line)) {
      inside = is_server_header(line);
      lc_server_config server = {0};
      if (inside) lc_vec_push(&config->servers, server);
    } else if (inside && parse_pair(config, line, &key, &value)) {
      lc_server_config *server = &config->servers.items[config->servers.count - 1];
      if (lc_str_is(key, "nickname")) server->nickname = value;
      if (lc_str_is(key, "host")) server->host = value;
      if (lc_str_is(key, "protocol")) server->protocol = value;
    }
  }
}

/* What the commands read must be readable: a mistake there would look like a missing server or a missing login. The rest is not judged. */
static lc_err check_lines(lc_config *config) {
  static const char *const top[] = {"default_server", "listen_addr", "spacetimedb_token", NULL}, *const server[] = {"nickname", "host", "protocol", NULL},
                                  *const none[] = {NULL};
  const char *const *keys = top;
  for (size_t i = 0; i < config->lines.count; i++) {
    lc_str line = trim(config->lines.items[i]), key, value;
    if (is_header(line)) keys = is_server_header(line) ? server : none;
    for (size_t k = 0; keys[k]; k++) {
      size_t len = strlen(keys[k]);
      if (line.len < len || memcmp(line.ptr, keys[k], len) != 0) continue;
      lc_str rest = trim((lc_str){line.ptr + len, line.len - len});
      if (rest.len && rest.ptr[0] != '=') continue; /* a longer key */
      if (!rest.len || !parse_pair(config, line, &key, &value))
        return lc_fail(LC_ERR_INVALID, "%s, line %zu: %s needs a value in quotes, as in %s = \"…\"", config->path, i + 1, keys[k], keys[k]);
    }
  }
  for (size_t i = 0; i < config->servers.count; i++) {
    lc_server_config *one = &config->servers.items[i];
    if (!one->protocol.len) one->protocol = LC_STR("http");
    if (!one->host.len)
      return lc_fail(LC_ERR_INVALID, "%s: [[server_configs]] number %zu (%.*s) has no host", config->path, i + 1, LC_STR_ARGS(one->nickname));
  }
  return lc_ok();
}

static void add_line(lc_config *config, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add_line(lc_config *config, const char *format, ...) {
  char text[4096];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  lc_str line = lc_arena_str(&config->arena, lc_str_of(text));
  lc_vec_push(&config->lines, line);
}

static void default_lines(lc_config *config) {
  add_line(config, "default_server = \"local\"");
  add_line(config, "%s", "");
  add_line(config, "[[server_configs]]");
  add_line(config, "nickname = \"local\"");
  add_line(config, "host = \"127.0.0.1:3000\"");
  add_line(config, "protocol = \"http\"");
}

lc_err lc_config_open(lc_config *config, const char *root_directory, const char *config_path) {
  config->directory = root_directory ? join(root_directory, "config") : xdg("XDG_CONFIG_HOME", ".config");
  config->path = config_path ? strdup(config_path) : join(config->directory, "cli.toml");
  char *data = root_directory ? strdup(root_directory) : xdg("XDG_DATA_HOME", ".local/share");
  config->data_directory = join(data, "data");
  free(data);
  lc_buf text = {0};
  lc_err err = lc_cli_read_file(config->path, &text);
  if (err.code == LC_ERR_FILE_MISSING) {
    default_lines(config);
  } else if (lc_failed(err)) {
    lc_buf_deinit(&text);
    return err;
  }
  lc_str rest = lc_arena_str(&config->arena, lc_buf_str(&text));
  while (rest.len) {
    const char *end = memchr(rest.ptr, '\n', rest.len);
    size_t len = end ? (size_t)(end - rest.ptr) : rest.len;
    lc_str line = {rest.ptr, len};
    lc_vec_push(&config->lines, line);
    rest.ptr += len + (end != NULL);
    rest.len -= len + (end != NULL);
  }
  lc_buf_deinit(&text);
  parse_servers(config);
  return check_lines(config);
}

void lc_config_close(lc_config *config) {
  free(config->path);
  free(config->directory);
  free(config->data_directory);
  lc_vec_deinit(&config->lines);
  lc_vec_deinit(&config->servers);
  lc_arena_deinit(&config->arena);
}

lc_err lc_config_save(lc_config *config) {
  lc_buf text = {0};
  for (size_t i = 0; i < config->lines.count; i++) {
    lc_buf_put_str(&text, config->lines.items[i]);
    lc_buf_put8(&text, '\n');
  }
  char *slash = strrchr(config->path, '/');
  lc_err err = lc_ok();
  if (slash) {
    char *directory = strndup(config->path, (size_t)(slash - config->path));
    err = lc_cli_make_directory(directory);
    free(directory);
  }
  if (!lc_failed(err)) err = lc_cli_write_file(config->path, lc_buf_span(&text), 0600); /* it holds a token */
  lc_buf_deinit(&text);
  if (!lc_failed(err)) lc_cli_say("Saving configuration to %s", config->path);
  return err;
}

/* ---- keys ---- */

/* The line of a top-level key, or the number of lines before the first table. */
static size_t find_key(const lc_config *config, const char *key, bool *found) {
  size_t i = 0;
  for (; i < config->lines.count && !is_header(config->lines.items[i]); i++) {
    lc_str line = trim(config->lines.items[i]);
    size_t len = strlen(key);
    if (line.len > len && memcmp(line.ptr, key, len) == 0 && trim((lc_str){line.ptr + len, line.len - len}).ptr[0] == '=') {
      *found = true;
      return i;
    }
  }
  *found = false;
  while (i && trim(config->lines.items[i - 1]).len == 0) i--;
  return i;
}

lc_str lc_config_get(const lc_config *config, const char *key) {
  bool found;
  size_t at = find_key(config, key, &found);
  lc_str name, value;
  return found && parse_pair((lc_config *)config, config->lines.items[at], &name, &value) ? value : (lc_str){0};
}

static void insert_line(lc_config *config, size_t at, lc_str line) {
  lc_vec_push(&config->lines, line);
  memmove(&config->lines.items[at + 1], &config->lines.items[at], (config->lines.count - 1 - at) * sizeof(lc_str));
  config->lines.items[at] = line;
}

static void remove_line(lc_config *config, size_t at) {
  memmove(&config->lines.items[at], &config->lines.items[at + 1], (config->lines.count - 1 - at) * sizeof(lc_str));
  config->lines.count--;
}

void lc_config_set(lc_config *config, const char *key, const char *value) {
  bool found;
  size_t at = find_key(config, key, &found);
  if (!value) {
    if (found) remove_line(config, at);
    return;
  }
  lc_str line = lc_arena_printf(&config->arena, "%s = \"%s\"", key, quoted(config, value));
  if (found)
    config->lines.items[at] = line;
  else
    insert_line(config, at, line);
}

/* ---- servers ---- */

const lc_server_config *lc_config_server(const lc_config *config, const char *name) {
  for (size_t i = 0; i < config->servers.count; i++) {
    const lc_server_config *server = &config->servers.items[i];
    if (lc_str_is(server->nickname, name) || lc_str_is(server->host, name)) return server;
  }
  return NULL;
}

lc_err lc_config_add_server(lc_config *config, const char *nickname, const char *host, const char *protocol) {
  if (lc_config_server(config, nickname))
    return lc_fail(LC_ERR_EXISTS, "there is a server called %s already; `lightcone server list` shows them", nickname);
  if (lc_config_server(config, host))
    return lc_fail(LC_ERR_EXISTS, "the server at %s is known already; `lightcone server list` shows them", host);
  add_line(config, "%s", "");
  add_line(config, "[[server_configs]]");
  add_line(config, "nickname = \"%s\"", quoted(config, nickname));
  add_line(config, "host = \"%s\"", quoted(config, host));
  add_line(config, "protocol = \"%s\"", quoted(config, protocol));
  parse_servers(config);
  return lc_ok();
}

lc_err lc_config_remove_server(lc_config *config, const char *name) {
  const lc_server_config *server = lc_config_server(config, name);
  if (!server) return lc_fail(LC_ERR_NOT_FOUND, "there is no server called %s; `lightcone server list` shows them", name);
  size_t which = (size_t)(server - config->servers.items), header = 0;
  for (size_t i = 0, seen = 0; i < config->lines.count; i++)
    if (is_server_header(config->lines.items[i]) && seen++ == which) header = i;
  do remove_line(config, header);
  while (header < config->lines.count && !is_header(config->lines.items[header]));
  parse_servers(config);
  return lc_ok();
}
