/* Any bytes as a commit record, applied to a store with tables of several kinds: an error or an effect, and a store that can be walked
 * after one (L13). */
#include "base/assert.h"
#include "log/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void create_table(lc_store *store, lc_arena *arena, lc_str name, const lc_type *second, bool is_event) {
  lc_column_def *columns = LC_ARENA_ARRAY(arena, lc_column_def, 2);
  columns[0] = (lc_column_def){.name = LC_STR("a"), .source_name = LC_STR("a"), .type = lc_type_primitive(LC_TYPE_U32)};
  columns[1] = (lc_column_def){.name = LC_STR("b"), .source_name = LC_STR("b"), .type = second};
  lc_table_def def = {.name = name, .source_name = name, .columns = columns, .column_count = 2, .primary_key = -1, .is_event = is_event};
  lc_table *table;
  lc_assert(!lc_failed(lc_store_create_table(store, &def, &table)));
}

static void apply_to(lc_store *store, const uint8_t *data, size_t size) {
  lc_record_inputs inputs;
  lc_err err = lc_record_apply(lc_span_of(data, size), store, &inputs);
  lc_assert(!lc_failed(err) || err.code == LC_ERR_LOG_CORRUPT);
  if (!lc_failed(err) && !lc_failed(lc_store_recovered(store))) {
    lc_err sound = lc_store_check(store); /* walks everything; may find a catalogue that contradicts itself, as the bytes said */
    (void)sound;
  }
  lc_store_destroy(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  lc_arena arena = {0};
  lc_store *store = lc_store_create();
  lc_store_begin(store);
  create_table(store, &arena, LC_STR("points"), lc_type_primitive(LC_TYPE_U32), false);
  create_table(store, &arena, LC_STR("notes"), lc_type_primitive(LC_TYPE_STRING), false);
  create_table(store, &arena, LC_STR("events"), lc_type_primitive(LC_TYPE_U32), true);
  lc_store_commit(store, NULL);
  apply_to(store, data, size);
  if (size > 1 && data[1] == LC_RECORD_PUBLISH) apply_to(lc_store_create(), data, size); /* tables that the record itself brings */
  lc_arena_deinit(&arena);
  return 0;
}
