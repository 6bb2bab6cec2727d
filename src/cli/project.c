#define _GNU_SOURCE
#include "cli/project.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

/* ---- JSON5 ---- */

static size_t copy_string(lc_str text, size_t at, lc_buf *to) {
  char quote = text.ptr[at++];
  lc_buf_put8(to, '"');
  for (; at < text.len && text.ptr[at] != quote; at++) {
    if (text.ptr[at] == '\\' && at + 1 < text.len) {
      if (text.ptr[at + 1] != '\'') lc_buf_put8(to, '\\'); /* \' is no escape in JSON */
      at++;
    } else if (text.ptr[at] == '"') {
      lc_buf_put8(to, '\\');
    }
    lc_buf_put8(to, (uint8_t)text.ptr[at]);
  }
  lc_buf_put8(to, '"');
  return at + 1;
}

static bool is_key_character(char c) {
  return isalnum((unsigned char)c) || c == '_' || c == '$';
}

void lc_json5_to_json(lc_str text, lc_buf *to) {
  size_t comma = SIZE_MAX; /* where an undecided comma lies in `to` */
  for (size_t at = 0; at < text.len;) {
    char c = text.ptr[at];
    lc_str rest = {text.ptr + at, text.len - at};
    if (rest.len >= 2 && c == '/' && rest.ptr[1] == '/') {
      while (at < text.len && text.ptr[at] != '\n') at++;
      continue;
    }
    if (rest.len >= 2 && c == '/' && rest.ptr[1] == '*') {
      const char *end = memmem(rest.ptr + 2, rest.len - 2, "*/", 2);
      at = end ? (size_t)(end + 2 - text.ptr) : text.len;
      continue;
    }
    if (isspace((unsigned char)c)) {
      lc_buf_put8(to, (uint8_t)c);
      at++;
      continue;
    }
    if ((c == '}' || c == ']') && comma != SIZE_MAX) to->data[comma] = ' ';
    comma = SIZE_MAX;
    if (c == '"' || c == '\'') {
      at = copy_string(text, at, to);
    } else if (isalpha((unsigned char)c) || c == '_' || c == '$') {
      size_t end = at;
      while (end < text.len && is_key_character(text.ptr[end])) end++;
      size_t colon = end;
      while (colon < text.len && isspace((unsigned char)text.ptr[colon])) colon++;
      bool is_key = colon < text.len && text.ptr[colon] == ':';
      lc_buf_printf(to, is_key ? "\"%.*s\"" : "%.*s", (int)(end - at), text.ptr + at);
      at = end;
    } else {
      if (c == ',') comma = to->len;
      lc_buf_put8(to, (uint8_t)c);
      at++;
    }
  }
}

/* ---- files ---- */

static lc_err load_file(const char *path, json_t **json) {
  lc_buf text = {0}, plain = {0};
  *json = NULL;
  lc_err err = lc_cli_read_file(path, &text);
  if (!lc_failed(err)) {
    json_error_t why;
    lc_json5_to_json(lc_buf_str(&text), &plain);
    *json = json_loadb((const char *)plain.data, plain.len, 0, &why);
    if (!json_is_object(*json)) err = lc_fail(LC_ERR_JSON, "%s, line %d: %s", path, why.line, *json ? "an object is expected" : why.text);
  }
  lc_buf_deinit(&text);
  lc_buf_deinit(&plain);
  return err;
}

/* Children of both are merged by position; more of them in the overlay are ignored. */
static void overlay(json_t *base, json_t *over) {
  const char *key;
  json_t *value;
  json_object_foreach(over, key, value) {
    json_t *mine = json_object_get(base, key);
    if (strcmp(key, "children") == 0 && json_is_array(mine) && json_is_array(value)) {
      for (size_t i = 0; i < json_array_size(mine) && i < json_array_size(value); i++)
        overlay(json_array_get(mine, i), json_array_get(value, i));
    } else {
      json_object_set(base, key, value);
    }
  }
}

static lc_err load_layers(lc_project *project, const char *directory, const char *env) {
  char path[PATH_MAX];
  char names[3][64];
  snprintf(names[0], 64, "spacetime.local.json");
  snprintf(names[1], 64, "spacetime.%s.json", env ? env : "");
  snprintf(names[2], 64, "spacetime.%s.local.json", env ? env : "");
  snprintf(path, sizeof path, "%s/spacetime.json", directory);
  LC_TRY(load_file(path, &project->root));
  for (int i = 0; i < (env ? 3 : 1); i++) {
    json_t *layer;
    snprintf(path, sizeof path, "%s/%s", directory, names[i]);
    lc_err err = load_file(path, &layer);
    if (err.code == LC_ERR_FILE_MISSING) continue;
    if (lc_failed(err)) {
      json_decref(layer);
      return err;
    }
    overlay(project->root, layer);
    json_decref(layer);
  }
  return lc_ok();
}

/* ---- targets ---- */

/* Keys may be written with `-` or `_`. */
static json_t *get(json_t *object, const char *key) {
  json_t *value = json_object_get(object, key);
  char other[64];
  snprintf(other, sizeof other, "%s", key);
  for (char *c = other; *c; c++) *c = *c == '-' ? '_' : *c;
  return value ? value : json_object_get(object, other);
}

static const char *const known_keys[] = {
    "database", "server",       "module-path", "build-options",  "wasm-file", "js-file", "num-replicas", "break-clients", "anon-identity",
    "parent",   "organization", "native-aot",  "dotnet-version", "env",       "dev",     "generate",     "children",      "_source-config"};

static lc_err check_keys(json_t *object) {
  const char *key;
  json_t *value;
  json_object_foreach(object, key, value) {
    bool known = false;
    for (size_t i = 0; i < sizeof known_keys / sizeof *known_keys; i++) {
      size_t at = 0;
      while (known_keys[i][at] && (known_keys[i][at] == key[at] || (known_keys[i][at] == '-' && key[at] == '_'))) at++;
      known |= known_keys[i][at] == 0 && key[at] == 0;
    }
    if (!known)
      return lc_fail(LC_ERR_INVALID,
                     "spacetime.json: unknown key %s. Known: database, server, module-path, wasm-file, build-options, break-clients, "
                     "anon-identity, generate, children",
                     key);
  }
  return lc_ok();
}

static lc_err collect(lc_project *project, json_t *object, const lc_target *parent) {
  LC_TRY(check_keys(object));
  lc_target target = parent ? *parent : (lc_target){0};
  const char *module_path = json_string_value(get(object, "module-path")), *wasm_file = json_string_value(get(object, "wasm-file"));
  if (module_path || wasm_file) target.module_path = module_path, target.wasm_file = wasm_file;
  struct {
    const char *key, **to;
  } strings[] = {{"database", &target.database}, {"server", &target.server}, {"build-options", &target.build_options}};
  if (parent) target.database = NULL;
  for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
    const char *value = json_string_value(get(object, strings[i].key));
    if (value) *strings[i].to = value;
  }
  json_t *flag = get(object, "break-clients");
  if (flag) target.break_clients = json_is_true(flag);
  flag = get(object, "anon-identity");
  if (flag) target.anonymous = json_is_true(flag);
  target.generate = json_object_get(object, "generate");
  lc_vec_push(&project->targets, target);
  size_t index;
  json_t *child;
  json_array_foreach(json_object_get(object, "children"), index, child) LC_TRY(collect(project, child, &target));
  return lc_ok();
}

lc_err lc_project_load(lc_project *project, lc_arena *arena, const char *from_directory, const char *env) {
  char directory[PATH_MAX], path[PATH_MAX + 32];
  if (!realpath(from_directory, directory)) return lc_ok();
  for (;;) {
    snprintf(path, sizeof path, "%s/spacetime.json", directory);
    if (access(path, R_OK) == 0) break;
    char *slash = strrchr(directory, '/');
    if (!slash || slash == directory) return lc_ok();
    *slash = 0;
  }
  project->directory = lc_arena_str(arena, lc_str_of(directory)).ptr;
  LC_TRY(load_layers(project, directory, env));
  return collect(project, project->root, NULL);
}

void lc_project_deinit(lc_project *project) {
  json_decref(project->root);
  lc_vec_deinit(&project->targets);
}

const lc_target *lc_project_target(const lc_project *project, const char *database) {
  for (size_t i = 0; i < project->targets.count; i++)
    if (project->targets.items[i].database && strcmp(project->targets.items[i].database, database) == 0) return &project->targets.items[i];
  return NULL;
}
