/*
 * Changes of a table's definition. Each public function writes down the definition as it shall be; table_alter compares it with the one
 * that is, changes the rows of the system tables accordingly, and makes the new shape. Indexes that stay the same stay the same objects.
 */
#include <stdlib.h>

#include "store/table_internal.h"

static bool same_columns(const uint16_t *a, uint16_t a_count, const uint16_t *b, uint16_t b_count) {
  return a_count == b_count && memcmp(a, b, a_count * sizeof *a) == 0;
}

static bool same_index(const lc_index_def *a, const lc_index_def *b) {
  return lc_str_equal(a->name, b->name) && a->kind == b->kind && same_columns(a->columns, a->column_count, b->columns, b->column_count);
}

static bool same_sequence(const lc_sequence_def *a, const lc_sequence_def *b) {
  return lc_str_equal(a->name, b->name) && a->column == b->column && a->increment == b->increment && a->start == b->start &&
         a->min_value == b->min_value && a->max_value == b->max_value;
}

static bool same_constraint(const lc_constraint_def *a, const lc_constraint_def *b) {
  return lc_str_equal(a->name, b->name) && same_columns(a->columns, a->column_count, b->columns, b->column_count);
}

/* The index object of the old shape for this definition, or NULL. */
static lc_index *find_index(const lc__shape *shape, const lc_index_def *def) {
  for (uint32_t i = 0; i < shape->index_count; i++) {
    if (same_index(&shape->indexes[i]->def, def)) return shape->indexes[i];
  }
  return NULL;
}

static bool keeps_index(const lc_table_def *def, const lc_index *index) {
  for (uint32_t i = 0; i < def->index_count; i++) {
    if (same_index(&def->indexes[i], &index->def)) return true;
  }
  return false;
}

/* An index stays when its definition, its uniqueness, its alias and the layout of the rows stay. One whose id stays is built anew
 * otherwise. */
static lc_err alter_indexes(lc_table *table, lc__shape *from, lc__shape *to, bool new_layout) {
  lc_store *store = table->store;
  for (uint32_t i = 0; i < from->index_count; i++) {
    if (!keeps_index(&to->def, from->indexes[i])) lc__catalogue_delete_id(store, LC_ST_INDEX, from->indexes[i]->id);
  }
  for (uint32_t i = 0; i < to->def.index_count; i++) {
    const lc_index_def *def = &to->def.indexes[i];
    bool unique = lc__index_def_is_unique(&to->def, def);
    lc_index *old = find_index(from, def);
    uint32_t id = old ? old->id : 0;
    if (old && old->unique == unique && !new_layout && lc_str_equal(old->def.source_name, def->source_name)) {
      to->indexes[to->index_count++] = old;
      continue;
    }
    if (!old) LC_TRY(lc__catalogue_insert_index(store, table->id, def, &id));
    lc_index *index = lc__index_create(table, to->layout, id, def, unique);
    to->indexes[to->index_count++] = index;
  }
  lc__shape_sort_indexes(to);
  return lc_ok();
}

static lc_err alter_constraints(lc_table *table, lc__shape *from, lc__shape *to) {
  for (uint32_t i = 0; i < from->def.constraint_count; i++) {
    bool kept = false;
    for (uint32_t k = 0; k < to->def.constraint_count && !kept; k++) {
      kept = same_constraint(&from->def.constraints[i], &to->def.constraints[k]);
      if (kept) to->constraint_ids[k] = from->constraint_ids[i];
    }
    if (!kept) lc__catalogue_delete_id(table->store, LC_ST_CONSTRAINT, from->constraint_ids[i]);
  }
  for (uint32_t i = 0; i < to->def.constraint_count; i++) {
    if (to->constraint_ids[i] == 0)
      LC_TRY(lc__catalogue_insert_constraint(table->store, table->id, &to->def.constraints[i], &to->constraint_ids[i]));
  }
  return lc_ok();
}

static lc_err alter_sequences(lc_table *table, lc__shape *from, lc__shape *to) {
  for (uint32_t i = 0; i < from->def.sequence_count; i++) {
    bool kept = false;
    for (uint32_t k = 0; k < to->def.sequence_count && !kept; k++) {
      kept = same_sequence(&from->def.sequences[i], &to->def.sequences[k]);
      if (kept) to->sequences[k] = from->sequences[i];
    }
    if (!kept) lc__catalogue_delete_id(table->store, LC_ST_SEQUENCE, from->sequences[i].id);
  }
  for (uint32_t i = 0; i < to->def.sequence_count; i++) {
    const lc_sequence_def *sequence = &to->def.sequences[i];
    if (to->sequences[i].id == 0)
      LC_TRY(lc__catalogue_insert_sequence(table->store, table->id, sequence, sequence->start, &to->sequences[i]));
  }
  return lc_ok();
}

static bool same_accessors(const lc_table_def *a, const lc_table_def *b) {
  if (!lc_str_equal(a->source_name, b->source_name) || a->index_count != b->index_count) return false;
  for (uint16_t i = 0; i < a->column_count; i++) {
    if (!lc_str_equal(a->columns[i].source_name, b->columns[i].source_name) || !lc_str_equal(a->columns[i].name, b->columns[i].name))
      return false;
  }
  for (uint32_t i = 0; i < a->index_count; i++) {
    if (!lc_str_equal(a->indexes[i].name, b->indexes[i].name) || !lc_str_equal(a->indexes[i].source_name, b->indexes[i].source_name))
      return false;
  }
  return true;
}

static lc_err alter_rows(lc_table *table, lc__shape *from, lc__shape *to, bool new_layout) {
  lc_store *store = table->store;
  if (new_layout) {
    lc__catalogue_delete_columns(store, table->id);
    LC_TRY(lc__catalogue_insert_columns(store, table->id, &to->def));
  }
  LC_TRY(alter_indexes(table, from, to, new_layout));
  LC_TRY(alter_constraints(table, from, to));
  LC_TRY(alter_sequences(table, from, to));
  if (!same_accessors(&from->def, &to->def)) {
    lc__catalogue_delete_accessors(store, &from->def);
    LC_TRY(lc__catalogue_insert_accessors(store, &to->def));
  }
  return lc__catalogue_update_table(store, table->id, &to->def);
}

/* Indexes that the old shape does not have are filled from the rows. */
static lc_err build_new_indexes(const lc__shape *from, const lc__shape *to) {
  for (uint32_t i = 0; i < to->index_count; i++) {
    bool is_new = true;
    for (uint32_t k = 0; k < from->index_count; k++) is_new &= from->indexes[k] != to->indexes[i];
    if (is_new) LC_TRY(lc__index_build(to->indexes[i]));
  }
  return lc_ok();
}

static lc_err table_alter(lc_table *table, const lc_table_def *def) {
  lc_store *store = table->store;
  lc_assert(store->in_transaction && !table->dropped && table->id >= LC_ST_FIRST_USER);
  lc_savepoint savepoint = lc_store_savepoint(store);
  lc__shape *from = table->shape, *to;
  LC_TRY(lc__shape_create(def, &to));
  bool new_layout = !lc_type_equal(from->def.row, to->def.row);
  bool convert = !lc__rows_fit(&table->rows, to->layout);
  if (convert && !table->rows.inlined) {
    lc__shape_destroy(to);
    return lc_fail(LC_ERR_MIGRATION, "rows of table %.*s would have to be rewritten for the new column types", LC_STR_ARGS(from->def.name));
  }
  lc_err err = alter_rows(table, from, to, new_layout);
  /* From here on the change is in the undo list, and going back to the savepoint takes the new shape away, whole or not. */
  lc__catalogue_unpublish(store, table);
  lc__reshape *change = LC_ARENA_NEW(&store->arena, lc__reshape);
  *change = (lc__reshape){.from = from, .to = to, .converted = convert};
  if (convert) {
    change->rows = table->rows;
    lc__rows_convert(&table->rows, &change->rows, to->layout);
  }
  to->previous = from;
  lc__table_set_shape(table, to);
  lc__catalogue_publish(store, table);
  lc__undo_push(store, LC__UNDO_RESHAPE, table)->object = change;
  if (!lc_failed(err)) err = build_new_indexes(from, to);
  if (lc_failed(err)) lc_store_rollback_to(store, savepoint);
  return err;
}

/* ---- one thing more ---- */

/* The definition that is, with room for one more of everything: `into` borrows from the table and owns three arrays. */
static void def_copy(const lc_table *table, lc_table_def *into) {
  *into = table->shape->def;
  into->indexes = malloc((into->index_count + 1u) * sizeof *into->indexes);
  into->constraints = malloc((into->constraint_count + 1u) * sizeof *into->constraints);
  into->sequences = malloc((into->sequence_count + 1u) * sizeof *into->sequences);
  lc_assert(into->indexes && into->constraints && into->sequences);
  memcpy(into->indexes, table->shape->def.indexes, into->index_count * sizeof *into->indexes);
  memcpy(into->constraints, table->shape->def.constraints, into->constraint_count * sizeof *into->constraints);
  memcpy(into->sequences, table->shape->def.sequences, into->sequence_count * sizeof *into->sequences);
}

static lc_err def_apply(lc_table *table, lc_table_def *def) {
  lc_err err = table_alter(table, def);
  free(def->indexes);
  free(def->constraints);
  free(def->sequences);
  return err;
}

#define HAS_NAMED(items, count, wanted)                                                                   \
  ({                                                                                                      \
    bool found_ = false;                                                                                  \
    for (uint32_t i_ = 0; i_ < (count) && !found_; i_++) found_ = lc_str_equal((items)[i_].name, wanted); \
    found_;                                                                                               \
  })

/* Takes the named one out of an array; false when there is none. */
#define TAKE_NAMED(items, count, wanted)                                           \
  ({                                                                               \
    uint32_t kept_ = 0, before_ = (count);                                         \
    for (uint32_t i_ = 0; i_ < before_; i_++) {                                    \
      if (!lc_str_equal((items)[i_].name, wanted)) (items)[kept_++] = (items)[i_]; \
    }                                                                              \
    (count) = kept_;                                                               \
    kept_ < before_;                                                               \
  })

static lc_err fail_named(lc_err_code code, const lc_table *table, const char *what, lc_str name) {
  return lc_fail(code, "table %.*s %s %s %.*s", LC_STR_ARGS(table->shape->def.name), code == LC_ERR_EXISTS ? "already has the" : "has no",
                 what, LC_STR_ARGS(name));
}

lc_err lc_table_add_index(lc_table *table, const lc_index_def *added) {
  if (HAS_NAMED(table->shape->def.indexes, table->shape->def.index_count, added->name))
    return fail_named(LC_ERR_EXISTS, table, "index", added->name);
  lc_table_def def;
  def_copy(table, &def);
  def.indexes[def.index_count++] = *added;
  return def_apply(table, &def);
}

lc_err lc_table_remove_index(lc_table *table, lc_str name) {
  if (!HAS_NAMED(table->shape->def.indexes, table->shape->def.index_count, name))
    return fail_named(LC_ERR_NO_SUCH_INDEX, table, "index", name);
  lc_table_def def;
  def_copy(table, &def);
  (void)TAKE_NAMED(def.indexes, def.index_count, name);
  return def_apply(table, &def);
}

lc_err lc_table_add_constraint(lc_table *table, const lc_constraint_def *added) {
  if (HAS_NAMED(table->shape->def.constraints, table->shape->def.constraint_count, added->name))
    return fail_named(LC_ERR_EXISTS, table, "constraint", added->name);
  lc_table_def def;
  def_copy(table, &def);
  def.constraints[def.constraint_count++] = *added;
  return def_apply(table, &def);
}

lc_err lc_table_remove_constraint(lc_table *table, lc_str name) {
  if (!HAS_NAMED(table->shape->def.constraints, table->shape->def.constraint_count, name))
    return fail_named(LC_ERR_NOT_FOUND, table, "constraint", name);
  lc_table_def def;
  def_copy(table, &def);
  (void)TAKE_NAMED(def.constraints, def.constraint_count, name);
  return def_apply(table, &def);
}

lc_err lc_table_add_sequence(lc_table *table, const lc_sequence_def *added) {
  if (HAS_NAMED(table->shape->def.sequences, table->shape->def.sequence_count, added->name))
    return fail_named(LC_ERR_EXISTS, table, "sequence", added->name);
  lc_table_def def;
  def_copy(table, &def);
  def.sequences[def.sequence_count++] = *added;
  return def_apply(table, &def);
}

lc_err lc_table_remove_sequence(lc_table *table, lc_str name) {
  if (!HAS_NAMED(table->shape->def.sequences, table->shape->def.sequence_count, name))
    return fail_named(LC_ERR_NOT_FOUND, table, "sequence", name);
  lc_table_def def;
  def_copy(table, &def);
  (void)TAKE_NAMED(def.sequences, def.sequence_count, name);
  return def_apply(table, &def);
}

lc_err lc_table_set_access(lc_table *table, bool is_public) {
  lc_table_def def;
  def_copy(table, &def);
  def.is_public = is_public;
  return def_apply(table, &def);
}

lc_err lc_table_set_primary_key(lc_table *table, int32_t column) {
  lc_table_def def;
  def_copy(table, &def);
  if (column >= (int32_t)def.column_count) column = -1;
  def.primary_key = column;
  lc_schedule_def schedule;
  if (def.schedule && column >= 0) { /* its rows are known by their primary key, here and after a restart (catalogue_load.c) */
    schedule = *def.schedule;
    schedule.id_column = (uint16_t)column;
    def.schedule = &schedule;
  }
  return def_apply(table, &def);
}

/* Whether every stored value of type `from` is a value of type `to`: the same, but for variants appended to sums. */
static bool type_extends(const lc_type *from, const lc_type *to) {
  from = lc_type_resolve(from);
  to = lc_type_resolve(to);
  if (from->kind != to->kind) return false;
  if (from->kind == LC_TYPE_ARRAY) return type_extends(from->element, to->element);
  if (from->kind != LC_TYPE_SUM && from->kind != LC_TYPE_PRODUCT) return true;
  if (to->field_count < from->field_count || (from->kind == LC_TYPE_PRODUCT && to->field_count != from->field_count)) return false;
  for (uint32_t i = 0; i < from->field_count; i++) {
    if (!type_extends(from->fields[i].type, to->fields[i].type)) return false;
  }
  return true;
}

lc_err lc_table_set_columns(lc_table *table, const lc_table_def *wanted) {
  const lc_table_def *old = &table->shape->def;
  bool fits = wanted->column_count == old->column_count;
  for (uint16_t i = 0; fits && i < old->column_count; i++) fits = type_extends(old->columns[i].type, wanted->columns[i].type);
  if (!fits)
    return lc_fail(LC_ERR_MIGRATION, "the new column types of table %.*s do not hold its rows as they are", LC_STR_ARGS(old->name));
  lc_table_def def;
  def_copy(table, &def);
  def.columns = wanted->columns;
  def.source_name = wanted->source_name;
  for (uint32_t i = 0; i < def.index_count; i++) { /* aliases of indexes too, where both have the index */
    for (uint32_t k = 0; k < wanted->index_count; k++) {
      if (lc_str_equal(def.indexes[i].name, wanted->indexes[k].name)) def.indexes[i].source_name = wanted->indexes[k].source_name;
    }
  }
  return def_apply(table, &def);
}
