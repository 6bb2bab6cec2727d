#pragma once
/* The tables, rows and callers of the recorded SQL (tests/vectors/sql): what queries are tested on. */
#include <jansson.h>

#include "harness.h"
#include "query/query.h"

#define SQL_VECTORS LC_SOURCE_DIR "/tests/vectors/sql/"

static const char owner_hex[] = "c200aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
static const char other_hex[] = "c200bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

static const char *text_of(json_t *entry, const char *key) {
  return json_string_value(json_object_get(entry, key));
}

static lc_store *store;

static lc_buf read_hex_file(const char *path) {
  lc_buf bytes = {0};
  FILE *file = fopen(path, "r");
  if (file == NULL) lc_test_fail("cannot open %s", path);
  unsigned byte;
  while (fscanf(file, "%2x", &byte) == 1) lc_buf_put8(&bytes, (uint8_t)byte);
  fclose(file);
  return bytes;
}

static lc_buf hex_bytes(const char *hex) {
  lc_buf bytes = {0};
  size_t len = strlen(hex) / 2;
  expect(lc_hex_decode(lc_buf_extend(&bytes, len), len, lc_str_of(hex)));
  return bytes;
}

static void insert_hex(const char *table_name, const char *hex) {
  lc_table *table = lc_store_table_by_name(store, lc_str_of(table_name));
  if (table == NULL) lc_test_fail("no table %s", table_name);
  lc_buf row = hex_bytes(hex);
  lc_insert_result inserted;
  expect_ok(lc_table_insert(table, lc_buf_span(&row), &inserted));
  lc_buf_deinit(&row);
}

/* The tables and rows on which everything was recorded. */
__attribute__((unused)) static void set_up(void) {
  lc_module_def *def;
  lc_buf bytes = read_hex_file(SQL_VECTORS "definition.hex"), errors = {0};
  expect_ok(lc_module_def_decode(lc_buf_span(&bytes), &def, &errors));
  store = lc_store_create();
  lc_store_begin(store);
  for (uint32_t i = 0; i < def->table_count; i++) {
    lc_table *table;
    expect_ok(lc_store_create_table(store, &def->tables[i], &table));
  }
  FILE *file = fopen(SQL_VECTORS "rows.jsonl", "r");
  char line[8192];
  while (fgets(line, sizeof line, file)) {
    json_t *entry = json_loads(line, 0, NULL);
    insert_hex(text_of(entry, "table"), text_of(entry, "row"));
    json_decref(entry);
  }
  fclose(file);
  const lc_delta *delta;
  lc_store_commit(store, &delta);
  lc_module_def_destroy(def); /* the store has copies */
  lc_buf_deinit(&bytes);
  lc_buf_deinit(&errors);
}

static lc_query_context context_of(const char *who) {
  lc_query_context context = {.store = store, .is_owner = strcmp(who, "owner") == 0};
  expect(lc_u256_from_hex(&context.caller, lc_str_of(context.is_owner ? owner_hex : other_hex)));
  return context;
}
