/* Tables of one module with what belongs to them: columns, keys, indexes, sequences, default values. */
#include "schema/define_internal.h"

/* "t_a_b": the table's and the columns' canonical names; a column that does not exist is called col_<n>. */
static void put_table_and_columns(lc_buf *to, lc_str table, const lc_table_def *def, const uint16_t *columns, uint32_t count) {
  lc_buf_put_str(to, table);
  lc_buf_put8(to, '_');
  for (uint32_t i = 0; i < count; i++) {
    if (i) lc_buf_put8(to, '_');
    if (columns[i] < def->column_count)
      lc_buf_put_str(to, def->columns[columns[i]].name);
    else
      lc_buf_printf(to, "col_%u", columns[i]);
  }
}

static lc_str generated_name(lc__scope *scope, lc_str table, const lc_table_def *def, const uint16_t *columns, uint32_t count,
                             const char *suffix) {
  lc_buf text = {0};
  put_table_and_columns(&text, table, def, columns, count);
  lc_buf_put_text(&text, suffix);
  lc_str name = lc_arena_str(scope->d->arena, lc_buf_str(&text));
  lc_buf_deinit(&text);
  return name;
}

/* ------------------------------------------------------------------------------------------------ columns of things */

/* Whether all exist and none is named twice. `of` is the thing that names them. */
static bool columns_are_good(lc__scope *scope, lc_str table, const lc_table_def *def, lc_str of, const uint16_t *columns, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    if (columns[i] >= def->column_count) {
      lc__define_error(scope->d, "column `%u` referenced by def %.*s not found in table `%.*s`", columns[i], LC_STR_ARGS(of),
                       LC_STR_ARGS(table));
      return false;
    }
  }
  uint8_t *seen = lc_arena_zalloc(scope->d->arena, (size_t)def->column_count + 1);
  for (uint32_t i = 0; i < count; i++) {
    if (seen[columns[i]]++ == 0) continue;
    lc_buf list = {0};
    for (uint32_t k = 0; k < count; k++) lc_buf_printf(&list, "%sColId(%u)", k ? ", " : "", columns[k]);
    lc__define_error(scope->d, "def `%.*s` has duplicate columns: [%s]", LC_STR_ARGS(of), lc_buf_cstr(&list));
    lc_buf_deinit(&list);
    return false;
  }
  return true;
}

static bool is_plain_enum(const lc_type *type) {
  if (type->kind != LC_TYPE_SUM || type->field_count == 0) return false;
  for (uint32_t i = 0; i < type->field_count; i++) {
    const lc_type *payload = type->fields[i].type;
    if (payload->kind != LC_TYPE_PRODUCT || payload->field_count != 0) return false;
  }
  return true;
}

static bool direct_is_possible(const lc_type *type) {
  return type->kind == LC_TYPE_U8 || type->kind == LC_TYPE_U16 || type->kind == LC_TYPE_U32 || type->kind == LC_TYPE_U64 ||
         is_plain_enum(type);
}

/* ------------------------------------------------------------------------------------------------ indexes and constraints */

static void define_index(lc__scope *scope, lc_str table, const lc_table_def *def, const lc__raw_index *raw, lc_index_def *index) {
  static const char *const suffixes[] = {[LC_INDEX_BTREE] = "_idx_btree", [LC_INDEX_HASH] = "_idx_hash", [LC_INDEX_DIRECT] = "_idx_direct"};
  lc_str name = generated_name(scope, table, def, raw->columns.items, raw->columns.count, suffixes[raw->kind]), source;
  if (scope->raw->version == 9) {
    if (raw->name.ptr) name = raw->name;
    source = name;
  } else if (raw->name.ptr == NULL) {
    lc__define_error(scope->d, "index `%.*s` has no source name", LC_STR_ARGS(name));
    return;
  } else {
    source = raw->name;
    if (lc__define_explicit(scope, LC__EXPLICIT_INDEX, source, &name)) (void)lc__define_identifier(scope, name);
  }
  lc__define_claim(scope, name);
  if (!lc_str_equal(name, source)) lc__define_claim(scope, source);
  if (raw->accessor.ptr) (void)lc__define_identifier(scope, raw->accessor);
  *index = (lc_index_def){.name = lc__define_full(scope, name),
                          .source_name = lc__define_full_source(scope, source),
                          .accessor_name = raw->accessor,
                          .kind = raw->kind,
                          .columns = raw->columns.items,
                          .column_count = (uint16_t)raw->columns.count};
  if (!columns_are_good(scope, table, def, name, raw->columns.items, raw->columns.count) || raw->kind != LC_INDEX_DIRECT) return;
  const lc_column_def *column = &def->columns[raw->columns.items[0]];
  if (direct_is_possible(column->type)) return;
  lc_buf type = {0};
  lc_type_print(&type, column->type);
  lc__define_error(scope->d, "Direct index does not support type `%s` in column `%.*s` in index `%.*s`", lc_buf_cstr(&type),
                   LC_STR_ARGS(column->name), LC_STR_ARGS(name));
  lc_buf_deinit(&type);
}

static bool has_column(const uint16_t *columns, uint32_t count, uint16_t column) {
  for (uint32_t i = 0; i < count; i++)
    if (columns[i] == column) return true;
  return false;
}

/* Both lists are free of repetitions. */
static bool same_columns(const uint16_t *a, uint32_t a_count, const uint16_t *b, uint32_t b_count) {
  bool same = a_count == b_count;
  for (uint32_t i = 0; i < a_count && same; i++) same = has_column(b, b_count, a[i]);
  return same;
}

static int compare_columns(const void *a, const void *b) {
  return *(const uint16_t *)a - *(const uint16_t *)b;
}

static void define_constraint(lc__scope *scope, lc_str table, const lc_table_def *def, const lc__raw_constraint *raw,
                              lc_constraint_def *constraint) {
  const lc__columns *columns = &raw->columns;
  lc_str name = generated_name(scope, table, def, columns->items, columns->count, "_key");
  if (scope->raw->version == 9 && raw->name.ptr) name = raw->name; /* V10 always generates it */
  lc__define_claim(scope, name);
  if (!columns_are_good(scope, table, def, name, columns->items, columns->count)) return;
  /* The columns of a constraint are a set; its name keeps the order in which they were given. */
  if (columns->count) qsort(columns->items, columns->count, sizeof(uint16_t), compare_columns);
  *constraint =
      (lc_constraint_def){.name = lc__define_full(scope, name), .columns = columns->items, .column_count = (uint16_t)columns->count};
  for (uint32_t i = 0; i < def->index_count; i++)
    if (def->indexes[i].name.ptr && same_columns(def->indexes[i].columns, def->indexes[i].column_count, columns->items, columns->count))
      return;
  lc_buf list = {0};
  for (uint32_t i = 0; i < columns->count; i++) lc_buf_printf(&list, "%sColId(%u)", i ? ", " : "", columns->items[i]);
  lc__define_error(scope->d, "No index found to support unique constraint `%.*s` for columns `{%s}`", LC_STR_ARGS(name),
                   lc_buf_cstr(&list));
  lc_buf_deinit(&list);
}

static void define_primary_key(lc__scope *scope, lc_str table, lc_table_def *def, const lc__columns *key) {
  def->primary_key = -1;
  if (key->count == 0) return;
  if (key->count > 1) {
    lc__define_error(scope->d, "table `%.*s` has multiple primary key annotations", LC_STR_ARGS(table));
    return;
  }
  if (!columns_are_good(scope, table, def, table, key->items, 1)) return;
  for (uint32_t i = 0; i < def->constraint_count; i++)
    if (def->constraints[i].column_count == 1 && def->constraints[i].columns[0] == key->items[0]) def->primary_key = key->items[0];
  if (def->primary_key < 0)
    lc__define_error(scope->d, "table `%.*s` column `%.*s` is primary key but has no unique constraint", LC_STR_ARGS(table),
                     LC_STR_ARGS(def->columns[key->items[0]].name));
}

/* ------------------------------------------------------------------------------------------------ sequences and default values */

static void define_sequence(lc__scope *scope, lc_str table, const lc_table_def *def, const lc__raw_sequence *raw, lc_sequence_def *sequence,
                            uint8_t *seen) {
  lc_str name = raw->name.ptr ? raw->name : generated_name(scope, table, def, &raw->column, 1, "_seq");
  lc__define_claim(scope, name);
  *sequence = (lc_sequence_def){.name = lc__define_full(scope, name),
                                .column = raw->column,
                                .start = 1,
                                .min_value = 1,
                                .max_value = (__int128)(~(unsigned __int128)0 >> 1),
                                .increment = 1};
  if (raw->has_options || raw->increment != 1)
    lc__define_error(scope->d, "sequence `%.*s` sets start, min_value, max_value or an increment other than 1, which is no longer possible",
                     LC_STR_ARGS(name));
  if (!columns_are_good(scope, table, def, name, &raw->column, 1)) return;
  const lc_column_def *column = &def->columns[raw->column];
  if (!lc_type_is_integer(column->type->kind)) {
    lc_buf type = {0};
    lc_type_print(&type, column->type);
    lc__define_error(scope->d, "invalid sequence column type: table `%.*s` column `%.*s` with type `%s` in sequence `%.*s`",
                     LC_STR_ARGS(table), LC_STR_ARGS(column->name), lc_buf_cstr(&type), LC_STR_ARGS(name));
    lc_buf_deinit(&type);
  }
  if (seen[raw->column]++)
    lc__define_error(scope->d, "Attempt to define table `%.*s` column `%.*s` with more than 1 auto_inc sequence", LC_STR_ARGS(table),
                     LC_STR_ARGS(column->name));
}

static void define_default(lc__scope *scope, lc_str table, lc_table_def *def, const lc__raw_default *raw) {
  if (!columns_are_good(scope, table, def, table, &raw->column, 1)) return;
  lc_column_def *column = &def->columns[raw->column];
  lc_cursor cursor = lc_cursor_of(raw->value);
  lc_err err = lc_value_validate(column->type, &cursor);
  if (lc_failed(err)) {
    lc__define_error(scope->d, "Failed to deserialize default value for table %.*s column %u: %s", LC_STR_ARGS(table), raw->column,
                     lc_err_text(err));
    return;
  }
  if (scope->raw->version == 9 && column->default_value.ptr)
    lc__define_error(scope->d, "Table %.*s has multiple default values for column %u", LC_STR_ARGS(table), raw->column);
  column->default_value = (lc_span){raw->value.ptr, raw->value.len - lc_cursor_left(&cursor)};
}

/* ------------------------------------------------------------------------------------------------ tables */

static void check_column_names(lc__scope *scope, lc_str table, const lc_table_def *def) {
  lc_map canonical = {0}, source = {0};
  for (uint16_t i = 0; i < def->column_count; i++) {
    const lc_column_def *column = &def->columns[i];
    if (lc__define_identifier(scope, column->source_name) && !lc_str_equal(column->name, column->source_name))
      (void)lc__define_identifier(scope, column->name);
    /* Columns of one and the same spelling are let through, as the reference does; two spellings that become one name are not. */
    uint64_t other;
    bool repeated = lc_map_get(&canonical, column->name, &other);
    if (repeated && !lc_map_get(&source, column->source_name, &other))
      lc__define_error(scope->d, "columns of table `%.*s` have the same name `%.*s` after conversion", LC_STR_ARGS(table),
                       LC_STR_ARGS(column->name));
    lc_map_put(&canonical, column->name, i);
    lc_map_put(&source, column->source_name, i);
  }
  lc_map_deinit(&canonical);
  lc_map_deinit(&source);
}

static void define_parts(lc__scope *scope, lc_str name, const lc__raw_table *raw, lc_table_def *def) {
  lc_arena *arena = scope->d->arena;
  def->index_count = raw->index_count;
  def->indexes = LC_ARENA_ARRAY(arena, lc_index_def, raw->index_count);
  for (uint32_t i = 0; i < raw->index_count; i++) define_index(scope, name, def, &raw->indexes[i], &def->indexes[i]);
  def->constraint_count = raw->constraint_count;
  def->constraints = LC_ARENA_ARRAY(arena, lc_constraint_def, raw->constraint_count);
  for (uint32_t i = 0; i < raw->constraint_count; i++) define_constraint(scope, name, def, &raw->constraints[i], &def->constraints[i]);
  define_primary_key(scope, name, def, &raw->primary_key);
  def->sequence_count = raw->sequence_count;
  def->sequences = LC_ARENA_ARRAY(arena, lc_sequence_def, raw->sequence_count);
  uint8_t *seen = lc_arena_zalloc(arena, (size_t)def->column_count + 1);
  for (uint32_t i = 0; i < raw->sequence_count; i++) define_sequence(scope, name, def, &raw->sequences[i], &def->sequences[i], seen);
  for (uint32_t i = 0; i < raw->default_count; i++) define_default(scope, name, def, &raw->defaults[i]);
}

static void define_table(lc__scope *scope, const lc__raw_table *raw) {
  lc_str name = lc__define_name(scope, LC__EXPLICIT_TABLE, raw->name);
  lc_table_def def = {.name = lc__define_full(scope, name),
                      .source_name = lc__define_full_source(scope, raw->name),
                      .type_ref = raw->type_ref,
                      .primary_key = -1,
                      .is_public = raw->is_public,
                      .is_event = raw->is_event,
                      .is_system = raw->is_system,
                      .module = scope->module};
  lc__define_claim(scope, name);
  if (!lc_str_equal(name, raw->name)) lc__define_claim(scope, raw->name);
  if (!raw->is_system && name.len >= 3 && memcmp(name.ptr, "st_", 3) == 0)
    lc__define_error(scope->d, "Table name is reserved for system use: %.*s", LC_STR_ARGS(name));
  if (raw->type_ref >= scope->space.count || lc_type_resolve(scope->space.types[raw->type_ref])->kind != LC_TYPE_PRODUCT) {
    lc__define_error(scope->d, "Table %.*s has invalid product_type_ref &%u", LC_STR_ARGS(name), raw->type_ref);
    return;
  }
  if (!lc__define_columns(scope, raw->type_ref, &def.row, &def.columns, &def.column_count, "Table", name)) return;
  def.layout = lc_layout_create(scope->d->arena, def.row);
  check_column_names(scope, name, &def);
  define_parts(scope, name, raw, &def);
  lc_vec_push(&scope->d->tables, def);
}

void lc__define_tables(lc__scope *scope) {
  const lc__raw_module *raw = scope->raw;
  for (uint32_t i = 0; i < raw->tables_count; i++) define_table(scope, &raw->tables[i]);
  for (uint32_t i = 0; i < raw->default_values_count; i++) {
    const lc__raw_default_value *value = &raw->default_values[i];
    lc_table_def *table = lc__define_find_table(scope, value->table);
    if (table)
      define_default(scope, value->table, table, &value->value);
    else
      lc__define_error(scope->d, "Table %.*s not found", LC_STR_ARGS(value->table));
  }
}
