/* lc_store_check: everything that is derived, recomputed and compared (S2, L6). */
#include "store/table_internal.h"

static lc_err check_rows(const lc_table *table) {
  uint64_t count = 0;
  for (uint32_t row = lc__rows_next(&table->rows, 0); row != LC_ROW_NONE; row = lc__rows_next(&table->rows, row + 1), count++) {
    lc_row stored = lc__rows_get(&table->rows, row);
    size_t used = 0;
    lc_err err = lc_layout_validate(table->layout, (lc_span){stored.bytes, stored.len}, &used);
    if (lc_failed(err) || used != stored.len) return lc_fail(LC_ERR_INTERNAL, "row %u is not a valid row", row);
  }
  if (count != table->row_count)
    return lc_fail(LC_ERR_INTERNAL, "counts %llu rows and has %llu", (unsigned long long)table->row_count, (unsigned long long)count);
  uint32_t words = table->rows.end / 64 + (table->rows.end % 64 != 0);
  for (uint32_t i = 0; i < words && !table->store->in_transaction; i++) {
    if (table->rows.touched[i]) return lc_fail(LC_ERR_INTERNAL, "some row is marked as changed, but no transaction is open");
  }
  return lc_ok();
}

static lc_err check_row_hash(lc_table *table) {
  if (table->has_row_hash != (table->first_unique == NULL))
    return lc_fail(LC_ERR_INTERNAL, "keeps a hash of whole rows for no reason, or none");
  if (!table->has_row_hash) return lc_ok();
  if (table->row_hash.count != table->row_count) return lc_fail(LC_ERR_INTERNAL, "has a hash of whole rows that misses some");
  for (uint32_t row = lc__rows_next(&table->rows, 0); row != LC_ROW_NONE; row = lc__rows_next(&table->rows, row + 1)) {
    lc_row stored = lc__rows_get(&table->rows, row);
    if (lc__table_find_equal(table, (lc_span){stored.bytes, stored.len}) != row)
      return lc_fail(LC_ERR_INTERNAL, "holds row %u twice, or its hash is wrong", row);
  }
  return lc_ok();
}

/* ---- the catalogue ---- */

static bool same_columns(const uint16_t *a, uint16_t a_count, const uint16_t *b, uint16_t b_count) {
  return a_count == b_count && memcmp(a, b, a_count * sizeof *a) == 0;
}

static const char *differing_columns(const lc_table_def *a, const lc_table_def *b) {
  if (a->column_count != b->column_count) return "the number of columns";
  for (uint16_t i = 0; i < a->column_count; i++) {
    if (!lc_str_equal(a->columns[i].name, b->columns[i].name)) return "a column's name";
    if (!lc_str_equal(a->columns[i].source_name, b->columns[i].source_name)) return "a column's alias";
    if (!lc_type_equal(a->columns[i].type, b->columns[i].type)) return "a column's type";
  }
  return NULL;
}

static const char *differing_indexes(const lc__shape *shape, const lc__loaded *loaded) {
  if (shape->index_count != loaded->def.index_count) return "the number of indexes";
  for (uint32_t i = 0; i < shape->index_count; i++) {
    const lc_index *index = shape->indexes[i];
    uint32_t at = 0;
    while (at < loaded->def.index_count && loaded->index_ids[at] != index->id) at++;
    if (at == loaded->def.index_count) return "an index's id";
    const lc_index_def *def = &loaded->def.indexes[at];
    if (!lc_str_equal(def->name, index->def.name) || !lc_str_equal(def->source_name, index->def.source_name)) return "an index's name";
    if (def->kind != index->def.kind || !same_columns(def->columns, def->column_count, index->def.columns, index->def.column_count))
      return "an index's columns";
    if (index->unique != lc__index_def_is_unique(&loaded->def, def)) return "whether an index is unique";
  }
  return NULL;
}

static const char *differing_parts(const lc__shape *shape, const lc__loaded *loaded) {
  const lc_table_def *def = &shape->def, *other = &loaded->def;
  if (def->constraint_count != other->constraint_count) return "the number of constraints";
  for (uint32_t i = 0; i < def->constraint_count; i++) {
    bool found = false;
    for (uint32_t k = 0; k < other->constraint_count; k++) {
      found |= shape->constraint_ids[i] == loaded->constraint_ids[k] && lc_str_equal(def->constraints[i].name, other->constraints[k].name);
    }
    if (!found) return "a constraint";
  }
  if (def->sequence_count != other->sequence_count) return "the number of sequences";
  for (uint32_t i = 0; i < def->sequence_count; i++) {
    if (shape->sequences[i].id != loaded->sequences[i].id || shape->sequences[i].row_id != loaded->sequences[i].row_id) return "a sequence";
    if (shape->sequences[i].increment != other->sequences[i].increment || shape->sequences[i].column != other->sequences[i].column)
      return "a sequence";
  }
  if ((def->schedule != NULL) != (other->schedule != NULL)) return "whether it is scheduled";
  return NULL;
}

static const char *differing(const lc__shape *shape, const lc__loaded *loaded) {
  const lc_table_def *a = &shape->def, *b = &loaded->def;
  if (!lc_str_equal(a->name, b->name)) return "the name";
  if (!lc_str_equal(a->source_name, b->source_name)) return "the alias";
  if (a->is_public != b->is_public || a->is_system != b->is_system || a->is_event != b->is_event) return "access or kind";
  if (a->primary_key != b->primary_key) return "the primary key";
  const char *what = differing_columns(a, b);
  if (what == NULL) what = differing_indexes(shape, loaded);
  return what ? what : differing_parts(shape, loaded);
}

static lc_err check_definition(lc_store *store, const lc_table *table) {
  lc_arena arena = {0};
  lc__loaded loaded;
  lc_err err = lc__catalogue_load(store, &arena, table->id, false, &loaded);
  if (!lc_failed(err)) {
    const char *what = differing(table->shape, &loaded);
    if (what) err = lc_fail(LC_ERR_INTERNAL, "the system tables disagree about %s", what);
  }
  lc_arena_deinit(&arena);
  return err;
}

static lc_err in_table(const lc_table *table, lc_err err) {
  return lc_failed(err) ? lc_fail(LC_ERR_INTERNAL, "table %.*s: %s", LC_STR_ARGS(table->shape->def.name), lc_err_text(err)) : err;
}

/* System tables whose rows belong to a table, and the column that names it. */
static const struct {
  uint32_t table_id;
  uint16_t column;
} parts_of_tables[] = {{LC_ST_TABLE, 0},    {LC_ST_COLUMN, 0},    {LC_ST_INDEX, 1},      {LC_ST_CONSTRAINT, 2},
                       {LC_ST_SEQUENCE, 2}, {LC_ST_SCHEDULED, 1}, {LC_ST_EVENT_TABLE, 0}};

lc_err lc__catalogue_check(lc_store *store) {
  for (lc_table *table = lc_store_next_table(store, NULL); table; table = lc_store_next_table(store, table)) {
    LC_TRY(in_table(table, check_definition(store, table)));
    if (lc_store_table_by_name(store, table->shape->def.name) != table)
      return in_table(table, lc_fail(LC_ERR_INTERNAL, "it is not found by its name"));
  }
  for (size_t i = 0; i < sizeof parts_of_tables / sizeof *parts_of_tables; i++) {
    lc_table *part = store->tables.items[parts_of_tables[i].table_id];
    lc_scan scan;
    lc_table_scan(part, &scan);
    for (lc_row row; lc_scan_next(&scan, &row);) {
      uint32_t id = lc_load32(lc_layout_column(part->layout, row.bytes, parts_of_tables[i].column).ptr);
      if (lc_store_table(store, id) == NULL)
        return in_table(part, lc_fail(LC_ERR_INTERNAL, "a row is about table %u, which is not there", id));
    }
  }
  return lc_ok();
}

static lc_err check_table(lc_store *store, lc_table *table) {
  LC_TRY(check_rows(table));
  LC_TRY(check_row_hash(table));
  for (uint32_t i = 0; i < table->index_count; i++) {
    LC_TRY(lc__index_check(table->indexes[i]));
    if (lc_store_index(store, table->indexes[i]->id) != table->indexes[i])
      return lc_fail(LC_ERR_INTERNAL, "an index is not found by its id");
  }
  return lc_ok();
}

lc_err lc_store_check(lc_store *store) {
  lc_assert(!store->recovering);
  for (lc_table *table = lc_store_next_table(store, NULL); table; table = lc_store_next_table(store, table))
    LC_TRY(in_table(table, check_table(store, table)));
  return lc__catalogue_check(store);
}
