/*
 * Indexes: which structure serves which kind, and the operations that are the same for all.
 *
 *   unique, any kind         hash of words (keys of numbers up to 8 bytes) or of 32-bit key hashes that are compared through the rows;
 *                            a point lookup is one slot and one row. BTree and Direct also get a tree at their first range scan
 *   unique Direct            an array by value while it is dense enough, then as above
 *   not unique BTree, Direct a tree by (key, row id)
 *   not unique Hash          a tree by (hash of the key, key, row id): a million rows under one key are no worse than any others
 */
#include <stdlib.h>

#include "sats/json.h"
#include "store/table_internal.h"

static bool is_direct_column(const lc_type *type) {
  switch (type->kind) {
    case LC_TYPE_U8:
    case LC_TYPE_U16:
    case LC_TYPE_U32:
    case LC_TYPE_U64:
      return true;
    default:
      return lc__type_is_plain_enum(type);
  }
}

lc_index *lc__index_create(lc_table *table, const lc_layout *layout, uint32_t id, const lc_index_def *def, bool unique) {
  lc_index *index = calloc(1, sizeof *index);
  lc_assert(index != NULL);
  index->table = table;
  index->id = id;
  index->unique = unique;
  index->def = *def;
  index->def.name = lc_arena_str(&index->arena, def->name);
  if (def->source_name.ptr) index->def.source_name = lc_arena_str(&index->arena, def->source_name);
  if (def->accessor_name.ptr) index->def.accessor_name = lc_arena_str(&index->arena, def->accessor_name);
  index->def.columns = lc_arena_copy(&index->arena, def->columns, def->column_count * sizeof *def->columns);
  lc__key_init(&index->key, &index->arena, layout, def->columns, def->column_count, &table->store->key_scratch);
  index->mode = unique ? LC__INDEX_HASH : LC__INDEX_TREE;
  if (unique && def->kind == LC_INDEX_DIRECT && def->column_count == 1 && is_direct_column(layout->columns[def->columns[0]].type))
    index->mode = LC__INDEX_DIRECT;
  index->exact_hash = index->key.is_word;
  lc__hash_init(&index->hash, index->exact_hash && index->key.word_size > 4);
  bool hashed = def->kind == LC_INDEX_HASH && !index->key.is_word;
  lc__tree_init(&index->tree, &index->key, &table->rows, hashed);
  index->has_tree = index->mode == LC__INDEX_TREE;
  return index;
}

void lc__index_clear(lc_index *index) {
  lc__hash_clear(&index->hash);
  lc__direct_deinit(&index->direct);
  lc__tree_deinit(&index->tree);
  index->has_tree = index->mode == LC__INDEX_TREE;
}

void lc__index_destroy(lc_index *index) {
  lc__index_clear(index);
  lc_arena_deinit(&index->arena);
  free(index);
}

static uint64_t hash_key_of_row(const lc_index *index, const uint8_t *row) {
  if (index->exact_hash) return lc__key_word_of_row(&index->key, row);
  return (uint32_t)lc__key_hash(&index->key, lc__key_of_row(&index->key, row));
}

/* A direct array that grew too sparse becomes a hash, for good. */
static void direct_give_up(lc_index *index) {
  uint64_t value = 0;
  for (uint32_t row; (row = lc__direct_next(&index->direct, &value, UINT32_MAX)) != LC_ROW_NONE;) {
    lc__hash_add(&index->hash, hash_key_of_row(index, lc__row_bytes(index->table, row)), row);
  }
  lc__direct_deinit(&index->direct);
  index->mode = LC__INDEX_HASH;
}

void lc__index_add(lc_index *index, uint32_t row) {
  const uint8_t *bytes = lc__row_bytes(index->table, row);
  if (index->mode == LC__INDEX_DIRECT) {
    if (!lc__direct_add(&index->direct, lc__key_word_of_row(&index->key, bytes), row)) direct_give_up(index);
  }
  if (index->mode == LC__INDEX_HASH) lc__hash_add(&index->hash, hash_key_of_row(index, bytes), row);
  if (index->has_tree) lc__tree_add(&index->tree, row);
}

void lc__index_remove(lc_index *index, uint32_t row) {
  const uint8_t *bytes = lc__row_bytes(index->table, row);
  bool found = true;
  if (index->mode == LC__INDEX_DIRECT) found = lc__direct_remove(&index->direct, lc__key_word_of_row(&index->key, bytes), row);
  if (index->mode == LC__INDEX_HASH) found = lc__hash_remove(&index->hash, hash_key_of_row(index, bytes), row);
  if (index->has_tree) found = lc__tree_remove(&index->tree, row) && found;
  lc_assert(found);
}

static uint32_t hash_find_key(const lc_index *index, uint64_t hash_key, lc_span key) {
  lc__hash_cursor cursor = lc__hash_start(&index->hash, hash_key);
  for (uint32_t row; (row = lc__hash_next(&index->hash, hash_key, &cursor)) != LC_ROW_NONE;) {
    if (lc__key_equals_row(&index->key, key, lc__row_bytes(index->table, row))) return row;
  }
  return LC_ROW_NONE;
}

uint32_t lc__index_find_row(const lc_index *index, const uint8_t *row) {
  if (__builtin_expect(index->exact_hash, 1)) return lc__index_find_word(index, lc__key_word_of_row(&index->key, row));
  lc_span key = lc__key_of_row(&index->key, row);
  return hash_find_key(index, (uint32_t)lc__key_hash(&index->key, key), key);
}

lc_err lc__index_check_key(const lc_index *index, lc_span *key) {
  const lc__key_spec *spec = &index->key;
  if (spec->is_fast) {
    if (__builtin_expect(key->len < spec->fast_size, 0)) {
      return lc_fail(LC_ERR_BSATN, "data too short for %s: Expected %u, given %zu", lc_type_kind_name(lc_type_resolve(spec->type)->kind),
                     spec->fast_size, key->len);
    }
    key->len = spec->fast_size;
    return lc_ok();
  }
  size_t used;
  LC_TRY(lc__key_validate(spec, 0, spec->column_count, *key, &used));
  key->len = used;
  return lc_ok();
}

static uint64_t word_of_key(const lc_index *index, lc_span key) {
  const lc__key_spec *spec = &index->key;
  return spec->is_fast ? lc__load_sized(key.ptr, spec->fast_size) ^ spec->fast_sign
                       : lc__key_word_of_bytes(spec, key.ptr, spec->column_count);
}

uint32_t lc__index_find_key(const lc_index *index, lc_span key) {
  if (__builtin_expect(index->exact_hash, 1)) return lc__index_find_word(index, word_of_key(index, key));
  return hash_find_key(index, (uint32_t)lc__key_hash(&index->key, key), key);
}

lc_err lc_index_find(lc_index *index, lc_span key, lc_row *row, bool *found) {
  if (!index->unique) return lc_fail(LC_ERR_INDEX_NOT_UNIQUE, "index %.*s is not unique", LC_STR_ARGS(index->def.name));
  LC_TRY(lc__index_check_key(index, &key));
  uint32_t id = lc__index_find_key(index, key);
  *found = id != LC_ROW_NONE;
  if (*found) *row = lc__rows_get(&index->table->rows, id);
  return lc_ok();
}

void lc_index_prefetch(lc_index *index, lc_span key) {
  /* The slot is loaded here, not prefetched: several of these in a row overlap, and the row's own line can then be asked for too. */
  if (!index->unique || !index->key.is_fast || key.len < index->key.fast_size) return;
  uint32_t row = lc__index_find_word(index, word_of_key(index, key));
  if (row != LC_ROW_NONE) __builtin_prefetch(lc__rows_slot(&index->table->rows, row), 1);
}

lc_err lc__index_build(lc_index *index) {
  lc_table *table = index->table;
  for (uint32_t row = lc__rows_next(&table->rows, 0); row != LC_ROW_NONE; row = lc__rows_next(&table->rows, row + 1)) {
    if (index->unique && lc__index_find_row(index, lc__row_bytes(table, row)) != LC_ROW_NONE)
      return lc__index_violation(index, lc__row_bytes(table, row));
    lc__index_add(index, row);
  }
  return lc_ok();
}

void lc__index_want_tree(lc_index *index) {
  if (index->has_tree) return;
  lc_table *table = index->table;
  for (uint32_t row = lc__rows_next(&table->rows, 0); row != LC_ROW_NONE; row = lc__rows_next(&table->rows, row + 1))
    lc__tree_add(&index->tree, row);
  index->has_tree = true;
}

lc_err lc__index_violation(const lc_index *index, const uint8_t *row) {
  const lc_table *table = index->table;
  lc_buf text = {0}, key = {0};
  for (uint16_t i = 0; i < index->def.column_count; i++) {
    uint16_t column = index->def.columns[i];
    lc_buf_printf(&text, "%s\"%.*s\"", i ? ", " : "", LC_STR_ARGS(table->shape->def.columns[column].name));
    lc_buf_put_span(&key, lc_layout_column(table->layout, row, column));
  }
  lc_buf_put_text(&text, "]' value: ");
  const uint8_t *at = key.data;
  lc_value_print_satn(&text, index->key.type, &at);
  lc_err err = lc_fail(LC_ERR_UNIQUE, "Unique constraint violation '%.*s' in table '%.*s': column(s): '[%s", LC_STR_ARGS(index->def.name),
                       LC_STR_ARGS(table->shape->def.name), lc_buf_cstr(&text));
  lc_buf_deinit(&text);
  lc_buf_deinit(&key);
  return err;
}

uint64_t lc__index_memory(const lc_index *index) {
  return lc__hash_memory(&index->hash) + lc__direct_memory(&index->direct) + lc__tree_memory(&index->tree);
}

lc_err lc__index_check(const lc_index *index) {
  const lc_table *table = index->table;
  uint64_t count = index->mode == LC__INDEX_HASH     ? index->hash.count
                   : index->mode == LC__INDEX_DIRECT ? index->direct.count
                                                     : index->tree.count;
  if (count != table->row_count) {
    return lc_fail(LC_ERR_INTERNAL, "index %.*s has %llu entries for %llu rows", LC_STR_ARGS(index->def.name), (unsigned long long)count,
                   (unsigned long long)table->row_count);
  }
  if (index->has_tree) {
    LC_TRY(lc_err_context(lc__tree_check(&index->tree), "index %.*s", LC_STR_ARGS(index->def.name)));
    if (index->tree.count != table->row_count)
      return lc_fail(LC_ERR_INTERNAL, "the tree of index %.*s misses rows", LC_STR_ARGS(index->def.name));
  }
  for (uint32_t row = lc__rows_next(&table->rows, 0); index->unique && row != LC_ROW_NONE; row = lc__rows_next(&table->rows, row + 1)) {
    uint32_t found = lc__index_find_row(index, lc__row_bytes(table, row));
    if (found != row)
      return lc_fail(LC_ERR_INTERNAL, "index %.*s leads from the key of row %u to row %u", LC_STR_ARGS(index->def.name), row, found);
  }
  return lc_ok();
}

/* ---- what it is ---- */

uint32_t lc_index_id(const lc_index *index) {
  return index->id;
}
lc_table *lc_index_table(const lc_index *index) {
  return index->table;
}
const lc_index_def *lc_index_def_of(const lc_index *index) {
  return &index->def;
}
bool lc_index_is_unique(const lc_index *index) {
  return index->unique;
}
bool lc_index_has_ranges(const lc_index *index) {
  return index->def.kind != LC_INDEX_HASH;
}
