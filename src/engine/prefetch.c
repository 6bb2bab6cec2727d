/*
 * Learned prefetching. From what a reducer's calls change, the engine learns which of their argument bytes are the key of which unique
 * index; for calls that wait in the queue it then asks the store to bring that slot and row into the cache. A wrong guess costs a few
 * instructions and changes nothing: a hint is never more than a hint.
 *
 * Only fixed-size parameters in front of the first variable one and unique indexes over one fixed-size column are considered. A pair is
 * believed once it has held in LEARN_HITS samples, and learning stops after LEARN_CALLS calls of the reducer.
 */
#include "engine/engine_internal.h"

enum { HINTS_MAX = 4, LEARN_CALLS = 64, LEARN_HITS = 8 };

typedef struct hint {
  uint32_t index_id;
  uint32_t offset, size; /* of the key in the arguments */
  uint32_t hits;
} hint;

struct lc__reducer_hints {
  uint32_t calls, count;
  hint hints[HINTS_MAX];
};

void lc__hints_destroy(lc__module *module) {
  free(module->hints);
}

static void note(struct lc__reducer_hints *hints, uint32_t index_id, uint32_t offset, uint32_t size) {
  for (uint32_t i = 0; i < hints->count; i++) {
    if (hints->hints[i].index_id != index_id || hints->hints[i].offset != offset) continue;
    hints->hints[i].hits++;
    return;
  }
  if (hints->count < HINTS_MAX) hints->hints[hints->count++] = (hint){index_id, offset, size, 1};
}

/* Looks for the key of a changed row among the parameters. */
static void match(struct lc__reducer_hints *hints, const lc_layout *params, lc_span arguments, const lc_table *table, const lc_row *row) {
  for (uint32_t i = 0; i < lc_table_index_count(table); i++) {
    lc_index *index = lc_table_index(table, i);
    const lc_index_def *def = lc_index_def_of(index);
    if (!lc_index_is_unique(index) || def->column_count != 1) continue;
    const lc_column_layout *key = &lc_table_layout(table)->columns[def->columns[0]];
    if (!key->fixed || key->size < 4 || key->offset == LC_OFFSET_UNKNOWN) continue; /* shorter keys match by chance */
    for (uint32_t p = 0; p < params->column_count; p++) {
      const lc_column_layout *param = &params->columns[p];
      if (param->offset == LC_OFFSET_UNKNOWN || !param->fixed || param->size != key->size || param->offset + param->size > arguments.len)
        continue;
      if (memcmp(arguments.ptr + param->offset, row->bytes + key->offset, key->size) == 0)
        note(hints, lc_index_id(index), param->offset, key->size);
    }
  }
}

void lc__hints_learn(lc_database *database, uint32_t reducer, lc_span arguments, const lc_delta *delta) {
  lc__module *module = database->module;
  if (module->hints == NULL) {
    module->hints = calloc(module->def->reducer_count, sizeof *module->hints);
    lc_assert(module->hints != NULL);
  }
  struct lc__reducer_hints *hints = &module->hints[reducer];
  if (__builtin_expect(hints->calls >= LEARN_CALLS, 1)) return;
  hints->calls++;
  const lc_layout *params = module->def->reducers[reducer].params_layout;
  for (uint32_t t = 0; t < delta->table_count; t++) {
    const lc_table_delta *changed = &delta->tables[t];
    for (uint32_t i = 0; i < changed->insert_count && i < 4; i++) match(hints, params, arguments, changed->table, &changed->inserts[i]);
    for (uint32_t i = 0; i < changed->delete_count && i < 4; i++) match(hints, params, arguments, changed->table, &changed->deletes[i]);
  }
}

void lc_database_prefetch(lc_database *database, const lc_reducer_call *calls, size_t count) {
  const lc__module *module = database->module;
  if (module == NULL || module->hints == NULL) return;
  for (size_t i = 0; i < count; i++) {
    uint32_t id = database->last_reducer;
    uint64_t found;
    if (id >= module->def->reducer_count || !lc_str_equal(module->def->reducers[id].name, calls[i].reducer)) {
      if (!lc_map_get(&module->def->reducer_ids, calls[i].reducer, &found)) continue;
      id = (uint32_t)found;
    }
    const struct lc__reducer_hints *hints = &module->hints[id];
    for (uint32_t h = 0; h < hints->count; h++) {
      const hint *known = &hints->hints[h];
      if (known->hits < LEARN_HITS || known->offset + known->size > calls[i].arguments.len) continue;
      lc_index *index = lc_store_index(database->store, known->index_id);
      if (index) lc_index_prefetch(index, lc_span_of(calls[i].arguments.ptr + known->offset, known->size));
    }
  }
}
