#pragma once
/* Reading tests/vectors/wire: lines of fields separated by tabs. Include after harness.h. */
#include "base/buf.h"
#include "wire/wire.h"

enum { VECTOR_FIELDS = 4, VECTOR_LINE_MAX = 64 << 10 };

typedef struct vector_file {
  FILE *file;
  char line[VECTOR_LINE_MAX];
  char *fields[VECTOR_FIELDS];
} vector_file;

__attribute__((unused)) static void vector_open(vector_file *vectors, const char *name) {
  char path[512];
  snprintf(path, sizeof path, "%s/tests/vectors/wire/%s", LC_SOURCE_DIR, name);
  vectors->file = fopen(path, "r");
  if (vectors->file == NULL) lc_test_fail("%s is missing", path);
}

__attribute__((unused)) static bool vector_next(vector_file *vectors) {
  if (fgets(vectors->line, sizeof vectors->line, vectors->file) == NULL) {
    fclose(vectors->file);
    return false;
  }
  vectors->line[strcspn(vectors->line, "\n")] = 0;
  char *rest = vectors->line;
  for (int i = 0; i < VECTOR_FIELDS; i++) vectors->fields[i] = rest ? strsep(&rest, "\t") : (char *)(uintptr_t)"";
  return true;
}

__attribute__((unused)) static lc_protocol vector_protocol(const char *name) {
  if (strcmp(name, "v3") == 0) return LC_PROTOCOL_V3;
  if (strcmp(name, "v2") == 0) return LC_PROTOCOL_V2;
  if (strcmp(name, "v1") == 0) return LC_PROTOCOL_V1_BSATN;
  expect_text(name, "v1j");
  return LC_PROTOCOL_V1_JSON;
}

/* Hex text with spaces, lines and `"literal text"` in between. */
__attribute__((unused)) static void put_hex_text(lc_buf *to, const char *text) {
  for (; *text; text++) {
    if (*text == ' ' || *text == '\n' || *text == '|') continue;
    if (*text == '"') {
      for (text++; *text != '"'; text++) lc_buf_put8(to, (uint8_t)*text);
      continue;
    }
    uint8_t byte;
    if (!lc_hex_decode(&byte, 1, (lc_str){text, 2})) lc_test_fail("bad hex at %s", text);
    lc_buf_put8(to, byte);
    text++;
  }
}

__attribute__((unused)) static void expect_hex(const lc_buf *actual, const char *expected) {
  lc_buf bytes = {0};
  put_hex_text(&bytes, expected);
  expect_bytes(actual->data, actual->len, bytes.data, bytes.len);
  lc_buf_deinit(&bytes);
}
