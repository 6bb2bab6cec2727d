#pragma once
/* Reading recorded vectors: whole files, lines of JSON, hex, and the table that says what is left out. Include after harness.h. */
#include <jansson.h>

#include "schema/module_def.h"

#define VECTORS LC_SOURCE_DIR "/tests/vectors/schema/"

static char *vector_read_file(const char *path, size_t *len) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) lc_test_fail("cannot open %s", path);
  fseek(file, 0, SEEK_END);
  *len = (size_t)ftell(file);
  rewind(file);
  char *text = malloc(*len + 1);
  expect_equal(fread(text, 1, *len, file), *len);
  text[*len] = 0;
  fclose(file);
  return text;
}

/* Calls `each` with every line of a .jsonl file; `line` counts from 1. */
static void vector_for_each_line(const char *name, void (*each)(const char *name, int line, json_t *value)) {
  char path[512];
  size_t len;
  snprintf(path, sizeof path, VECTORS "%s", name);
  char *text = vector_read_file(path, &len);
  int line = 0;
  for (char *at = text; *at;) {
    char *end = strchr(at, '\n');
    size_t n = end ? (size_t)(end - at) : strlen(at);
    line++;
    if (n) {
      json_error_t error;
      json_t *value = json_loadb(at, n, 0, &error);
      if (value == NULL) lc_test_fail("%s:%d: %s", name, line, error.text);
      each(name, line, value);
      json_decref(value);
    }
    at += n + (end != NULL);
  }
  free(text);
}

/* Whether status.tsv leaves out this line (0: the whole file). */
static bool vector_left_out(const char *name, int line) {
  size_t len;
  char *text = vector_read_file(VECTORS "status.tsv", &len), *rest = NULL;
  bool result = false;
  for (char *row = strtok_r(text, "\n", &rest); row; row = strtok_r(NULL, "\n", &rest)) {
    char file[128], lines[128], status[32];
    if (row[0] == '#' || sscanf(row, "%127[^\t]\t%127[^\t]\t%31[^\t\n]", file, lines, status) != 3 || strcmp(file, name) != 0) continue;
    if (strncmp(status, "must", 4) == 0) continue;
    if (strcmp(lines, "*") == 0) result = true;
    char *more = NULL;
    for (char *number = strtok_r(lines, ",", &more); number; number = strtok_r(NULL, ",", &more))
      result |= line != 0 && strtol(number, NULL, 10) == line;
  }
  free(text);
  return result;
}

static lc_err vector_decode(const char *hex, lc_module_def **def, lc_buf *errors) {
  size_t len = strlen(hex) / 2;
  uint8_t *bytes = malloc(len + 1);
  expect(lc_hex_decode(bytes, len, lc_str_of(hex)));
  lc_err err = lc_module_def_decode((lc_span){bytes, len}, def, errors);
  free(bytes);
  return err;
}
