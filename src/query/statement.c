/* Statements: SELECT with projections, COUNT and LIMIT, and the writes INSERT, UPDATE, DELETE, SET; each inside the caller's transaction.
 */
#include "base/map.h"
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

static size_t rows_max(const lc_query_context *context) {
  return context->rows_max ? context->rows_max : LC_QUERY_ROWS_MAX;
}

typedef struct projector {
  lc_sql_result *result;
  size_t rows_max;
  const lc_layout *layout;
  const uint32_t *columns; /* NULL: the whole row */
  uint32_t column_count;
  uint64_t limit, count;
  bool counting;
  lc_buf row;
  lc_err err;
} projector;

/* The chosen columns one after the other in p->row. One column may be chosen often, so the row is measured while it grows. */
static lc_err gather_row(projector *p, const lc_row *row) {
  lc_buf_clear(&p->row);
  for (uint32_t i = 0; i < p->column_count; i++) {
    lc_span value = lc_layout_column(p->layout, row->bytes, p->columns[i]);
    if (value.len > p->rows_max - p->row.len)
      return lc_fail(LC_ERR_TOO_LARGE, "a row of the answer is larger than %zu bytes: ask for fewer columns", p->rows_max);
    lc_buf_put_span(&p->row, value);
  }
  return lc_ok();
}

static bool project_row(void *context, const lc_row *row) {
  projector *p = context;
  if (p->count == p->limit) return false;
  p->count++;
  if (p->counting) return true;
  lc_span chosen = {row->bytes, row->len};
  if (p->columns) {
    p->err = gather_row(p, row);
    chosen = lc_buf_span(&p->row);
  }
  if (!lc_failed(p->err)) p->err = lc_row_list_add_within(&p->result->rows, p->rows_max, chosen.ptr, chosen.len);
  return !lc_failed(p->err) && p->count < p->limit;
}

static lc_err project_columns(lc_table *table, const lc__statement *statement, lc_sql_result *result, uint32_t **columns) {
  const lc_table_def *def = lc_table_def_of(table);
  const lc_layout *layout = lc_table_layout(table);
  bool whole = statement->projection != LC__PROJECT_COLUMNS;
  result->column_count = whole ? def->column_count : statement->item_count;
  result->columns = LC_ARENA_ARRAY(&result->arena, lc_sql_column, result->column_count + 1);
  *columns = whole ? NULL : LC_ARENA_ARRAY(&result->arena, uint32_t, statement->item_count);
  lc_map names = {0};
  lc_err err = lc_ok();
  for (uint32_t i = 0; i < result->column_count && !lc_failed(err); i++) {
    uint32_t column = i;
    lc_str name = def->columns[i < def->column_count ? i : 0].name;
    if (!whole) {
      const lc__projection_item *item = &statement->items[i];
      err = lc__bind_column(table, &statement->from, item->column->qualifier, item->column->text, &column);
      if (lc_failed(err)) break;
      (*columns)[i] = column;
      name = item->alias.ptr ? item->alias : item->column->text;
    }
    uint64_t other;
    if (lc_map_get(&names, name, &other)) err = lc_fail(LC_ERR_SQL, "Duplicate name `%.*s`", LC_STR_ARGS(name));
    lc_map_put(&names, name, i);
    result->columns[i] = (lc_sql_column){lc_arena_str(&result->arena, name), layout->columns[column].type};
  }
  lc_map_deinit(&names);
  return err;
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
  projector p = {.result = result,
                 .rows_max = rows_max(context),
                 .layout = plan.layout,
                 .limit = limit,
                 .counting = statement->projection == LC__PROJECT_COUNT};
  if (!p.counting) {
    uint32_t *columns;
    LC_TRY(project_columns(table, statement, result, &columns));
    p.columns = columns;
    p.column_count = result->column_count;
    lc_err err = limit == 0 ? lc_ok() : lc__plan_run(&plan, project_row, &p);
    lc_buf_deinit(&p.row);
    return lc_failed(err) ? err : p.err;
  }
  /* A limit applies to the one row of the count, not to what is counted. */
  p.limit = UINT64_MAX;
  if (filter == NULL)
    p.count = lc_table_row_count(table);
  else
    LC_TRY(lc__plan_run(&plan, project_row, &p));
  result->column_count = 1;
  result->columns = LC_ARENA_NEW(arena, lc_sql_column);
  result->columns[0] = (lc_sql_column){lc_arena_str(arena, statement->count_alias), lc_type_primitive(LC_TYPE_U64)};
  if (limit > 0) lc_row_list_add(&result->rows, (const uint8_t *)&p.count, sizeof p.count);
  return lc_ok();
}

/* ---- writes ---- */

static bool is_outbox(lc_store *store, uint32_t table_id) {
  lc_table *outboxes = lc_store_table(store, LC_ST_OUTBOX);
  lc_scan scan;
  lc_row row;
  lc_table_scan(outboxes, &scan);
  while (lc_scan_next(&scan, &row)) {
    if (lc_load32(row.bytes) == table_id) return true; /* the first column is table_id */
  }
  return false;
}

static lc_err check_write(const lc_query_context *context, lc_table *table) {
  if (!context->is_owner) {
    char hex[65];
    lc_u256_hex(hex, &context->caller);
    return lc_fail(LC_ERR_DENIED, "Caller %s is not authorized to run SQL DML statements", hex);
  }
  if (lc_table_id(table) == LC_ST_ENV) return lc_fail(LC_ERR_SQL, "Database environment variables can only be changed by publishing");
  uint32_t id = lc_table_id(table);
  if (is_outbox(context->store, id)) return lc_fail(LC_ERR_SQL, "SQL writes to outbox tables are not supported");
  if (lc_store_is_catalogue(id)) { /* the tables in memory follow these rows only when the schema changes them */
    return lc_fail(LC_ERR_SQL, "The system table `%.*s` describes the schema; it can only be changed by publishing",
                   LC_STR_ARGS(lc_table_name(table)));
  }
  return lc_ok();
}

static lc_err index_error(lc_err err) {
  return err.code == LC_ERR_UNIQUE ? lc_fail(LC_ERR_UNIQUE, "IndexError: %s", lc_err_text(err)) : err;
}

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

/* What an UPDATE or DELETE found: the rows to delete, and with `values` the changed copies to insert. A table may not change during a scan.
 */
typedef struct matches {
  LC_VEC(uint32_t) ids;
  lc_row_list copies;
  lc_buf row;
  const lc_layout *layout;
  const lc_span *values; /* per column: the new value, ptr NULL to keep the old. NULL for DELETE */
  size_t copies_max;
  lc_err err;
} matches;

static bool collect_match(void *context, const lc_row *row) {
  matches *m = context;
  lc_vec_push(&m->ids, row->id);
  if (m->values == NULL) return true;
  lc_buf_clear(&m->row);
  for (uint32_t i = 0; i < m->layout->column_count; i++) {
    lc_buf_put_span(&m->row, m->values[i].ptr ? m->values[i] : lc_layout_column(m->layout, row->bytes, i));
  }
  m->err = lc_row_list_add_within(&m->copies, m->copies_max, m->row.data, m->row.len);
  if (!lc_failed(m->err)) return true;
  m->err = lc_fail(LC_ERR_TOO_LARGE, "the UPDATE changes more than %zu bytes of rows: change fewer at a time", m->copies_max);
  return false;
}

static void matches_deinit(matches *m) {
  lc_vec_deinit(&m->ids);
  lc_row_list_deinit(&m->copies);
  lc_buf_deinit(&m->row);
}

/* Deletes all of them, then inserts the copies: a copy may take the key of a row that changes too. */
static lc_err apply_matches(lc_table *table, const matches *m) {
  for (size_t i = 0; i < m->ids.count; i++) lc_table_delete(table, m->ids.items[i]);
  for (uint32_t i = 0; i < m->copies.count; i++) {
    lc_insert_result inserted;
    LC_TRY(index_error(lc_table_insert(table, lc_row_list_get(&m->copies, i), &inserted)));
  }
  return lc_ok();
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
  matches found = {.layout = lc_table_layout(table), .copies_max = rows_max(context)};
  lc_span *values = LC_ARENA_ARRAY(arena, lc_span, found.layout->column_count + 1);
  if (statement->kind == LC__UPDATE) found.values = values;
  LC_TRY(bind_assignments(table, statement, arena, values));
  LC_TRY(lc__bind_where(arena, context, table, &statement->from, statement->where, &filter));
  LC_TRY(check_write(context, table));
  lc__plan plan = {.store = context->store};
  lc__plan_access(arena, table, filter, &plan);
  lc_err err = lc__plan_run(&plan, collect_match, &found);
  if (!lc_failed(err)) err = found.err;
  if (!lc_failed(err)) err = apply_matches(table, &found);
  *(statement->kind == LC__DELETE ? &result->rows_deleted : &result->rows_updated) = found.ids.count;
  matches_deinit(&found);
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
    lc_span name = lc_layout_column(layout, row.bytes, 0), value = lc_layout_column(layout, row.bytes, 1);
    if (!lc_str_equal((lc_str){(const char *)name.ptr + 4, name.len - 4}, statement->variable)) continue;
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
      case LC__SELECT:
        err = run_select(context, &statement, result);
        break;
      case LC__INSERT:
        err = run_insert(context, &statement, result);
        break;
      case LC__UPDATE:
      case LC__DELETE:
        err = run_update_or_delete(context, &statement, result);
        break;
      case LC__SET:
        err = run_set(context, &statement, result);
        break;
      case LC__SHOW:
        err = run_show(context, &statement, result);
        break;
    }
  }
  if (lc_failed(err)) lc_sql_result_deinit(result);
  return err;
}
