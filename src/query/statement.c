/* Statements: SELECT with projections, COUNT and LIMIT, and the writes INSERT, UPDATE, DELETE, SET; each inside the caller's transaction. */
#include "base/vec.h"
#include "query/literal.h"
#include "query/plan.h"

void lc_sql_result_deinit(lc_sql_result *result) {
  lc_arena_deinit(&result->arena);
  lc_row_list_deinit(&result->rows);
  *result = (lc_sql_result){0};
}

lc_err lc_sql_writes(lc_str sql, bool *writes) {
  lc_arena arena = {0};
  lc__statement statement;
  lc_err err = lc__sql_parse(&arena, LC_DIALECT_STATEMENT, sql, &statement);
  *writes = !lc_failed(err) && statement.kind != LC__SELECT && statement.kind != LC__SHOW;
  lc_arena_deinit(&arena);
  return err;
}

/* ---- SELECT ---- */

typedef struct projector {
  lc_sql_result *result;
  const lc_layout *layout;
  const uint32_t *columns; /* NULL: the whole row */
  uint32_t column_count;
  uint64_t limit, count;
  bool counting;
  lc_buf row;
} projector;

static bool project_row(void *context, const lc_row *row) {
  projector *p = context;
  if (p->count == p->limit) return false;
  p->count++;
  if (p->counting) return true;
  if (p->columns == NULL) {
    lc_row_list_add(&p->result->rows, row->bytes, row->len);
    return p->count < p->limit;
  }
  lc_buf_clear(&p->row);
  for (uint32_t i = 0; i < p->column_count; i++) lc_buf_put_span(&p->row, lc_layout_column(p->layout, row->bytes, p->columns[i]));
  lc_row_list_add(&p->result->rows, p->row.data, (uint32_t)p->row.len);
  return p->count < p->limit;
}

static lc_err project_columns(lc_table *table, const lc__statement *statement, lc_sql_result *result, uint32_t **columns) {
  const lc_table_def *def = lc_table_def_of(table);
  const lc_layout *layout = lc_table_layout(table);
  bool whole = statement->projection != LC__PROJECT_COLUMNS;
  result->column_count = whole ? def->column_count : statement->item_count;
  result->columns = LC_ARENA_ARRAY(&result->arena, lc_sql_column, result->column_count + 1);
  *columns = whole ? NULL : LC_ARENA_ARRAY(&result->arena, uint32_t, statement->item_count);
  for (uint32_t i = 0; i < result->column_count; i++) {
    uint32_t column = i;
    lc_str name = def->columns[i < def->column_count ? i : 0].name;
    if (!whole) {
      const lc__projection_item *item = &statement->items[i];
      LC_TRY(lc__bind_column(table, &statement->from, item->column->qualifier, item->column->text, &column));
      (*columns)[i] = column;
      name = item->alias.ptr ? item->alias : item->column->text;
    }
    for (uint32_t k = 0; k < i; k++) {
      if (lc_str_equal(result->columns[k].name, name)) return lc_fail(LC_ERR_SQL, "Duplicate name `%.*s`", LC_STR_ARGS(name));
    }
    result->columns[i] = (lc_sql_column){lc_arena_str(&result->arena, name), layout->columns[column].type};
  }
  return lc_ok();
}

static lc_err run_select(const lc_query_context *context, const lc__statement *statement, lc_sql_result *result) {
  lc_arena *arena = &result->arena;
  lc_table *table;
  lc__bound *filter;
  LC_TRY(lc__bind_table(context, statement->from.table, &table));
  LC_TRY(lc__bind_where(arena, context, table, &statement->from, statement->where, &filter));
  lc_str scope = statement->from.alias.ptr ? statement->from.alias : statement->from.table;
  if (statement->projection == LC__PROJECT_RELATION && !lc_str_equal(statement->projected_relation, scope)) {
    return lc_fail(LC_ERR_SQL, "`%.*s` is not in scope", LC_STR_ARGS(statement->projected_relation));
  }
  lc__plan plan = {.store = context->store};
  lc__plan_access(arena, table, filter, &plan);

  uint64_t limit = statement->has_limit ? statement->limit : UINT64_MAX;
  projector p = {.result = result, .layout = plan.layout, .limit = limit, .counting = statement->projection == LC__PROJECT_COUNT};
  if (!p.counting) {
    uint32_t *columns;
    LC_TRY(project_columns(table, statement, result, &columns));
    p.columns = columns;
    p.column_count = result->column_count;
    lc_err err = limit == 0 ? lc_ok() : lc__plan_run(&plan, project_row, &p);
    lc_buf_deinit(&p.row);
    return err;
  }
  /* A limit applies to the one row of the count, not to what is counted. */
  p.limit = UINT64_MAX;
  if (filter == NULL) p.count = lc_table_row_count(table);
  else LC_TRY(lc__plan_run(&plan, project_row, &p));
  result->column_count = 1;
  result->columns = LC_ARENA_NEW(arena, lc_sql_column);
  result->columns[0] = (lc_sql_column){lc_arena_str(arena, statement->count_alias), lc_type_primitive(LC_TYPE_U64)};
  if (limit > 0) lc_row_list_add(&result->rows, (const uint8_t *)&p.count, sizeof p.count);
  return lc_ok();
}

/* ---- writes ---- */

static lc_err check_write(const lc_query_context *context, lc_table *table) {
  if (!context->is_owner) {
    char hex[65];
    lc_u256_hex(hex, &context->caller);
    return lc_fail(LC_ERR_DENIED, "Caller %s is not authorized to run SQL DML statements", hex);
  }
  if (lc_table_id(table) == LC_ST_ENV) return lc_fail(LC_ERR_SQL, "Database environment variables can only be changed by publishing");
  uint32_t id = lc_table_id(table);
  bool catalogue = id < LC_ST_FIRST_USER && id != LC_ST_VAR && id != LC_ST_CLIENT && id != LC_ST_CONNECTION_CREDENTIALS;
  if (catalogue) { /* the tables in memory follow these rows only when the schema changes them */
    return lc_fail(LC_ERR_SQL, "The system table `%.*s` describes the schema; it can only be changed by publishing", LC_STR_ARGS(lc_table_name(table)));
  }
  return lc_ok();
}

static lc_err index_error(lc_err err) { return err.code == LC_ERR_UNIQUE ? lc_fail(LC_ERR_UNIQUE, "IndexError: %s", lc_err_text(err)) : err; }

/* A write types its literals more strictly than a comparison does: quoted text only goes into String columns. */
static lc_err written_value(lc_arena *arena, const lc_type *type, const lc__expr *literal, lc_span *value) {
  if (literal->literal == LC__LITERAL_STRING && type->kind != LC_TYPE_STRING) {
    lc_buf name = {0};
    lc_type_print(&name, type);
    lc_err err = lc_fail(LC_ERR_SQL, "Unexpected type: (expected) String != %.*s (inferred)", LC_STR_ARGS(lc_buf_str(&name)));
    lc_buf_deinit(&name);
    return err;
  }
  return lc__bind_literal(arena, type, literal, value);
}

static lc_err run_insert(const lc_query_context *context, const lc__statement *statement, lc_sql_result *result) {
  lc_table *table;
  LC_TRY(lc__bind_table(context, statement->from.table, &table));
  const lc_layout *layout = lc_table_layout(table);
  if (statement->insert_columns != layout->column_count) {
    return lc_fail(LC_ERR_SQL, "The number of fields (%u) in the INSERT does not match the number of columns (%u) of the table `%.*s`",
                   statement->insert_columns, layout->column_count, LC_STR_ARGS(lc_table_name(table)));
  }
  lc_buf rows = {0};
  lc_err err = lc_ok();
  uint32_t values = statement->row_count * statement->insert_columns;
  size_t *ends = LC_ARENA_ARRAY(&result->arena, size_t, statement->row_count + 1);
  for (uint32_t i = 0; i < values && !lc_failed(err); i++) {
    lc_span value = {0};
    err = written_value(&result->arena, layout->columns[i % layout->column_count].type, statement->values[i], &value);
    lc_buf_put_span(&rows, value);
    ends[i / layout->column_count] = rows.len;
  }
  if (!lc_failed(err)) err = check_write(context, table);
  for (uint32_t r = 0; r < statement->row_count && !lc_failed(err); r++) {
    size_t start = r ? ends[r - 1] : 0;
    lc_insert_result inserted;
    err = index_error(lc_table_insert(table, lc_span_of(rows.data + start, ends[r] - start), &inserted));
    if (!lc_failed(err) && !inserted.existed) result->rows_inserted++;
  }
  lc_buf_deinit(&rows);
  return err;
}

typedef LC_VEC(uint32_t) row_ids;

static bool collect_id(void *context, const lc_row *row) {
  row_ids *ids = context;
  lc_vec_push(ids, row->id);
  return true;
}

typedef struct copies {
  lc_buf bytes;
  LC_VEC(size_t) ends;
  const lc_layout *layout;
  const lc_span *values; /* per column: the new value, ptr NULL to keep the old */
} copies;

static bool collect_copy(void *context, const lc_row *row) {
  copies *c = context;
  for (uint32_t i = 0; i < c->layout->column_count; i++) {
    lc_buf_put_span(&c->bytes, c->values[i].ptr ? c->values[i] : lc_layout_column(c->layout, row->bytes, i));
  }
  lc_vec_push(&c->ends, c->bytes.len);
  return true;
}

/* Deletes what the plan finds; `copied` (may be NULL) first gets the changed copies. */
static lc_err delete_matches(lc_table *table, const lc__plan *plan, copies *copied, uint64_t *count) {
  row_ids ids = {0};
  lc_err err = copied ? lc__plan_run(plan, collect_copy, copied) : lc_ok();
  if (!lc_failed(err)) err = lc__plan_run(plan, collect_id, &ids);
  if (!lc_failed(err)) {
    for (size_t i = 0; i < ids.count; i++) lc_table_delete(table, ids.items[i]);
    *count = ids.count;
  }
  lc_vec_deinit(&ids);
  return err;
}

static lc_err bind_assignments(lc_table *table, const lc__statement *statement, lc_arena *arena, lc_span *values) {
  const lc_table_def *def = lc_table_def_of(table);
  for (uint32_t i = 0; i < statement->assignment_count; i++) {
    const lc__assignment *assignment = &statement->assignments[i];
    uint32_t column;
    lc__relation plain = {.table = statement->from.table};
    if (lc_failed(lc__bind_column(table, &plain, (lc_str){0}, assignment->column, &column))) {
      return lc_fail(LC_ERR_SQL, "`%.*s` does not have a field `%.*s`", LC_STR_ARGS(def->name), LC_STR_ARGS(assignment->column));
    }
    lc_span value;
    LC_TRY(written_value(arena, lc_table_layout(table)->columns[column].type, assignment->value, &value));
    if (values[column].ptr == NULL) values[column] = value; /* of two assignments to one column the first wins */
  }
  return lc_ok();
}

static lc_err run_update_or_delete(const lc_query_context *context, const lc__statement *statement, lc_sql_result *result) {
  lc_arena *arena = &result->arena;
  lc_table *table;
  lc__bound *filter;
  LC_TRY(lc__bind_table(context, statement->from.table, &table));
  copies copied = {.layout = lc_table_layout(table)};
  lc_span *values = LC_ARENA_ARRAY(arena, lc_span, copied.layout->column_count + 1);
  copied.values = values;
  LC_TRY(bind_assignments(table, statement, arena, values));
  LC_TRY(lc__bind_where(arena, context, table, &statement->from, statement->where, &filter));
  LC_TRY(check_write(context, table));
  lc__plan plan = {.store = context->store};
  lc__plan_access(arena, table, filter, &plan);
  if (statement->kind == LC__DELETE) return delete_matches(table, &plan, NULL, &result->rows_deleted);

  lc_err err = delete_matches(table, &plan, &copied, &result->rows_updated);
  for (size_t i = 0; i < copied.ends.count && !lc_failed(err); i++) {
    size_t start = i ? copied.ends.items[i - 1] : 0;
    lc_insert_result inserted;
    err = index_error(lc_table_insert(table, lc_span_of(copied.bytes.data + start, copied.ends.items[i] - start), &inserted));
  }
  lc_buf_deinit(&copied.bytes);
  lc_vec_deinit(&copied.ends);
  return err;
}

/* The variables live in st_var (name, value: a sum whose variant 8 is U64). */
enum { ST_VAR_U64_TAG = 8 };

static lc_err check_variable(lc_str name) {
  return lc_str_is(name, "row_limit") ? lc_ok() : lc_fail(LC_ERR_SQL, "%.*s is not a valid system variable", LC_STR_ARGS(name));
}

static lc_err run_set(const lc_query_context *context, const lc__statement *statement, lc_sql_result *result) {
  LC_TRY(check_variable(statement->variable));
  lc_span value;
  LC_TRY(lc__bind_literal(&result->arena, lc_type_primitive(LC_TYPE_U64), statement->variable_value, &value));
  lc_table *variables = lc_store_table(context->store, LC_ST_VAR);
  LC_TRY(check_write(context, variables));
  lc_buf row = {0};
  lc_buf_put_sized(&row, statement->variable.ptr, statement->variable.len);
  lc_buf_put8(&row, ST_VAR_U64_TAG);
  lc_buf_put_span(&row, value);
  lc_insert_result inserted;
  lc_err err = index_error(lc_table_insert(variables, lc_buf_span(&row), &inserted));
  if (!lc_failed(err) && !inserted.existed) result->rows_inserted++;
  lc_buf_deinit(&row);
  return err;
}

static lc_err run_show(const lc_query_context *context, const lc__statement *statement, lc_sql_result *result) {
  LC_TRY(check_variable(statement->variable));
  lc_table *variables = lc_store_table(context->store, LC_ST_VAR);
  const lc_layout *layout = lc_table_layout(variables);
  result->column_count = 1;
  result->columns = LC_ARENA_NEW(&result->arena, lc_sql_column);
  result->columns[0] = (lc_sql_column){LC_STR("value"), layout->columns[1].type};
  lc_scan scan;
  lc_row row;
  lc_table_scan(variables, &scan);
  while (lc_scan_next(&scan, &row)) {
    lc_span value = lc_layout_column(layout, row.bytes, 1);
    lc_row_list_add(&result->rows, value.ptr, (uint32_t)value.len);
  }
  return lc_ok();
}

lc_err lc_sql_run(const lc_query_context *context, lc_str sql, lc_sql_result *result) {
  *result = (lc_sql_result){0};
  lc__statement statement;
  lc_err err = lc__sql_parse(&result->arena, LC_DIALECT_STATEMENT, sql, &statement);
  if (!lc_failed(err)) {
    switch (statement.kind) {
      case LC__SELECT: err = run_select(context, &statement, result); break;
      case LC__INSERT: err = run_insert(context, &statement, result); break;
      case LC__UPDATE:
      case LC__DELETE: err = run_update_or_delete(context, &statement, result); break;
      case LC__SET: err = run_set(context, &statement, result); break;
      case LC__SHOW: err = run_show(context, &statement, result); break;
    }
  }
  if (lc_failed(err)) lc_sql_result_deinit(result);
  return err;
}
