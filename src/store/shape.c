/*
 * The store's own copy of a table definition. Types are copied with every ref replaced by what it refers to, because that is the form the
 * catalogue stores (st_column.col_type) and so the form in which a table comes back after a restart. A recursive type has no such form: a
 * table with one is refused (the reference dies of it).
 */
#include <stdlib.h>

#include "store/table_internal.h"

enum { TYPE_NODES_MAX = 1 << 16 }; /* inlining can blow a small definition up without bound */

static lc_err type_copy(lc_arena *arena, const lc_type *type, uint32_t depth, uint32_t *nodes, const lc_type **copy);

static lc_err fields_copy(lc_arena *arena, const lc_type *type, uint32_t depth, uint32_t *nodes, lc_field **copy) {
  lc_field *fields = LC_ARENA_ARRAY(arena, lc_field, type->field_count + 1u);
  for (uint32_t i = 0; i < type->field_count; i++) {
    if (type->fields[i].name.ptr) fields[i].name = lc_arena_str(arena, type->fields[i].name);
    LC_TRY(type_copy(arena, type->fields[i].type, depth, nodes, &fields[i].type));
  }
  *copy = fields;
  return lc_ok();
}

static lc_err type_copy(lc_arena *arena, const lc_type *type, uint32_t depth, uint32_t *nodes, const lc_type **copy) {
  type = lc_type_resolve(type);
  if (depth >= LC_TYPE_DEPTH_MAX)
    return lc_fail(LC_ERR_NOT_SUPPORTED, "the type contains itself (or nests over %d levels): columns of such types are not supported",
                   LC_TYPE_DEPTH_MAX);
  if (++*nodes > TYPE_NODES_MAX) return lc_fail(LC_ERR_TOO_LARGE, "the type has over %d parts when written out", TYPE_NODES_MAX);
  lc_field *fields;
  const lc_type *element;
  switch (type->kind) {
    case LC_TYPE_SUM:
      LC_TRY(fields_copy(arena, type, depth + 1, nodes, &fields));
      *copy = lc_type_sum(arena, fields, type->field_count);
      return lc_ok();
    case LC_TYPE_PRODUCT:
      LC_TRY(fields_copy(arena, type, depth + 1, nodes, &fields));
      *copy = lc_type_product(arena, fields, type->field_count);
      return lc_ok();
    case LC_TYPE_ARRAY:
      LC_TRY(type_copy(arena, type->element, depth + 1, nodes, &element));
      *copy = lc_type_array(arena, element);
      return lc_ok();
    default:
      *copy = lc_type_primitive(type->kind);
      return lc_ok();
  }
}

static lc_str str_copy(lc_arena *arena, lc_str text) {
  return text.ptr ? lc_arena_str(arena, text) : text;
}
static uint16_t *columns_copy(lc_arena *arena, const uint16_t *columns, uint16_t count) {
  return lc_arena_copy(arena, columns, count * sizeof *columns);
}

static lc_err columns_create(lc__shape *shape, const lc_table_def *def) {
  lc_arena *arena = &shape->arena;
  lc_field *fields = LC_ARENA_ARRAY(arena, lc_field, def->column_count + 1u);
  shape->def.columns = LC_ARENA_ARRAY(arena, lc_column_def, def->column_count + 1u);
  uint32_t nodes = 0;
  for (uint16_t i = 0; i < def->column_count; i++) {
    lc_column_def *column = &shape->def.columns[i];
    column->name = str_copy(arena, def->columns[i].name);
    column->source_name = str_copy(arena, def->columns[i].source_name);
    lc_err err = type_copy(arena, def->columns[i].type, 0, &nodes, &column->type);
    LC_TRY(lc_err_context(err, "table %.*s, column %.*s", LC_STR_ARGS(def->name), LC_STR_ARGS(def->columns[i].name)));
    lc_span value = def->columns[i].default_value;
    if (value.ptr) column->default_value = (lc_span){lc_arena_copy(arena, value.ptr, value.len), value.len};
    fields[i] = (lc_field){column->name, column->type};
  }
  shape->def.row = lc_type_product(arena, fields, def->column_count);
  shape->layout = lc_layout_create(arena, shape->def.row);
  shape->def.layout = shape->layout;
  return lc_ok();
}

static void indexes_copy(lc__shape *shape, const lc_table_def *def) {
  lc_arena *arena = &shape->arena;
  shape->def.indexes = LC_ARENA_ARRAY(arena, lc_index_def, def->index_count + 1u);
  for (uint32_t i = 0; i < def->index_count; i++) {
    lc_index_def *index = &shape->def.indexes[i];
    *index = def->indexes[i];
    index->name = str_copy(arena, index->name);
    index->source_name = str_copy(arena, index->source_name);
    index->accessor_name = str_copy(arena, index->accessor_name);
    index->columns = columns_copy(arena, index->columns, index->column_count);
  }
  shape->def.constraints = LC_ARENA_ARRAY(arena, lc_constraint_def, def->constraint_count + 1u);
  for (uint32_t i = 0; i < def->constraint_count; i++) {
    lc_constraint_def *constraint = &shape->def.constraints[i];
    *constraint = def->constraints[i];
    constraint->name = str_copy(arena, constraint->name);
    constraint->columns = columns_copy(arena, constraint->columns, constraint->column_count);
  }
}

/* By column, so that generated values come in column order. */
static void sequences_copy(lc__shape *shape, const lc_table_def *def) {
  shape->def.sequences = LC_ARENA_ARRAY(&shape->arena, lc_sequence_def, def->sequence_count + 1u);
  for (uint32_t i = 0; i < def->sequence_count; i++) {
    uint32_t at = i;
    for (; at > 0 && shape->def.sequences[at - 1].column > def->sequences[i].column; at--)
      shape->def.sequences[at] = shape->def.sequences[at - 1];
    shape->def.sequences[at] = def->sequences[i];
    shape->def.sequences[at].name = str_copy(&shape->arena, def->sequences[i].name);
  }
}

static lc_err columns_in_range(const lc_table_def *def, const uint16_t *columns, uint16_t count) {
  bool ok = count > 0;
  for (uint16_t i = 0; i < count; i++) ok &= columns[i] < def->column_count;
  return ok ? lc_ok()
            : lc_fail(LC_ERR_INVALID, "an index or constraint of table %.*s names a column that it does not have", LC_STR_ARGS(def->name));
}

static lc_err def_check(const lc_table_def *def) {
  for (uint32_t i = 0; i < def->index_count; i++) LC_TRY(columns_in_range(def, def->indexes[i].columns, def->indexes[i].column_count));
  for (uint32_t i = 0; i < def->constraint_count; i++)
    LC_TRY(columns_in_range(def, def->constraints[i].columns, def->constraints[i].column_count));
  for (uint32_t i = 0; i < def->sequence_count; i++) {
    const lc_sequence_def *sequence = &def->sequences[i];
    LC_TRY(columns_in_range(def, &sequence->column, 1));
    if (!lc_type_is_integer(lc_type_resolve(def->columns[sequence->column].type)->kind) || sequence->increment == 0 ||
        sequence->min_value >= sequence->max_value || sequence->start < sequence->min_value || sequence->start > sequence->max_value) {
      return lc_fail(LC_ERR_INVALID, "sequence %.*s of table %.*s has impossible parameters", LC_STR_ARGS(sequence->name),
                     LC_STR_ARGS(def->name));
    }
  }
  return lc_ok();
}

static lc_err shape_fill(lc__shape *shape, const lc_table_def *def) {
  LC_TRY(def_check(def));
  lc_arena *arena = &shape->arena;
  shape->def = *def;
  shape->def.name = str_copy(arena, def->name);
  shape->def.source_name = str_copy(arena, def->source_name);
  LC_TRY(columns_create(shape, def));
  indexes_copy(shape, def);
  sequences_copy(shape, def);
  if (def->schedule) {
    lc_schedule_def *schedule = lc_arena_copy(arena, def->schedule, sizeof *schedule);
    schedule->name = str_copy(arena, schedule->name);
    schedule->function_name = str_copy(arena, schedule->function_name);
    shape->def.schedule = schedule;
  }
  shape->indexes = LC_ARENA_ARRAY(arena, lc_index *, def->index_count + 1u);
  shape->constraint_ids = LC_ARENA_ARRAY(arena, uint32_t, def->constraint_count + 1u);
  shape->sequences = LC_ARENA_ARRAY(arena, lc__sequence, def->sequence_count + 1u);
  for (uint32_t i = 0; i < def->sequence_count; i++) {
    const lc_sequence_def *sequence = &shape->def.sequences[i];
    uint8_t size = (uint8_t)lc_type_primitive_size(lc_type_resolve(shape->def.columns[sequence->column].type)->kind);
    shape->sequences[i] =
        (lc__sequence){0, LC_ROW_NONE, sequence->column, size, sequence->increment, sequence->min_value, sequence->max_value};
  }
  return lc_ok();
}

lc_err lc__shape_create(const lc_table_def *def, lc__shape **created) {
  lc__shape *shape = calloc(1, sizeof *shape);
  lc_assert(shape != NULL);
  lc_err err = shape_fill(shape, def);
  if (lc_failed(err)) {
    lc__shape_destroy(shape);
    return err;
  }
  *created = shape;
  return lc_ok();
}

void lc__shape_destroy(lc__shape *shape) {
  lc_arena_deinit(&shape->arena);
  free(shape);
}

static bool has_column(const uint16_t *columns, uint16_t count, uint16_t column) {
  for (uint16_t i = 0; i < count; i++) {
    if (columns[i] == column) return true;
  }
  return false;
}

bool lc__index_def_is_unique(const lc_table_def *def, const lc_index_def *index) {
  for (uint32_t i = 0; i < def->constraint_count; i++) {
    const lc_constraint_def *constraint = &def->constraints[i];
    bool same = constraint->column_count == index->column_count;
    for (uint16_t c = 0; same && c < index->column_count; c++)
      same = has_column(constraint->columns, constraint->column_count, index->columns[c]);
    if (same) return true;
  }
  return false;
}
