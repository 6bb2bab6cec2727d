/* Queries of the subscription dialect: compiled once, evaluated in full or against the delta of a transaction. */
#include "query/query.h"

#include <stdlib.h>

#include "base/assert.h"
#include "query/plan.h"

struct lc_query {
  lc_arena arena;
  lc__plan plan;
  lc_str key;
  size_t rows_max;
};

static lc_err check_projection(const lc__statement *statement) {
  lc_str scope = statement->from.alias.ptr ? statement->from.alias : statement->from.table;
  switch (statement->projection) {
    case LC__PROJECT_ALL:
      return lc_ok();
    case LC__PROJECT_RELATION:
      if (lc_str_equal(statement->projected_relation, scope)) return lc_ok();
      return lc_fail(LC_ERR_SQL, "`%.*s` is not in scope", LC_STR_ARGS(statement->projected_relation));
    default:
      return lc_fail(LC_ERR_SQL, "Column projections are not supported in subscriptions; Subscriptions must return a table type");
  }
}

static lc_err compile(lc_query *query, const lc_query_context *context, lc_str sql) {
  lc__statement statement;
  LC_TRY(lc__sql_parse(&query->arena, LC_DIALECT_SUBSCRIPTION, sql, &statement));
  lc_table *table;
  lc__bound *filter;
  LC_TRY(lc__bind_table(context, statement.from.table, &table));
  LC_TRY(lc__bind_where(&query->arena, context, table, &statement.from, statement.where, &filter));
  LC_TRY(check_projection(&statement));
  query->plan.store = context->store;
  query->rows_max = context->rows_max ? context->rows_max : LC_QUERY_ROWS_MAX;
  lc__plan_access(&query->arena, table, filter, &query->plan);
  lc_buf key = {0};
  lc__plan_print(&key, &query->plan);
  query->key = lc_arena_str(&query->arena, lc_buf_str(&key));
  lc_buf_deinit(&key);
  return lc_ok();
}

lc_err lc_query_compile(const lc_query_context *context, lc_str sql, lc_query **query) {
  *query = calloc(1, sizeof **query);
  lc_assert(*query != NULL);
  lc_err err = compile(*query, context, sql);
  if (!lc_failed(err)) return lc_ok();
  lc_query_destroy(*query);
  *query = NULL;
  return err;
}

void lc_query_destroy(lc_query *query) {
  if (query == NULL) return;
  lc_arena_deinit(&query->arena);
  free(query);
}

lc_str lc_query_key(const lc_query *query) {
  return query->key;
}

lc_table *lc_query_table(const lc_query *query) {
  return lc_store_table(query->plan.store, query->plan.table_id);
}

const uint32_t *lc_query_tables(const lc_query *query, uint32_t *count) {
  *count = 1;
  return &query->plan.table_id;
}

typedef struct collector {
  lc_row_list *rows;
  size_t rows_max;
  lc_err err;
} collector;

static bool collect_row(void *context, const lc_row *row) {
  collector *c = context;
  c->err = lc_row_list_add_within(c->rows, c->rows_max, row->bytes, row->len);
  return !lc_failed(c->err);
}

lc_err lc_query_rows(lc_query *query, lc_row_list *rows) {
  collector c = {.rows = rows, .rows_max = query->rows_max};
  LC_TRY(lc__plan_run(&query->plan, collect_row, &c));
  return c.err;
}

bool lc_query_reads_empty_table(const lc_query *query) {
  lc_table *table = lc_query_table(query);
  return table == NULL || lc_table_row_count(table) == 0;
}

lc_err lc_query_delta(lc_query *query, const lc_delta *delta, lc_row_list *inserts, lc_row_list *deletes) {
  for (uint32_t t = 0; t < delta->table_count; t++) {
    const lc_table_delta *change = &delta->tables[t];
    if (lc_table_id(change->table) != query->plan.table_id) continue;
    for (uint32_t i = 0; i < change->insert_count; i++) {
      if (lc__plan_matches(&query->plan, &change->inserts[i])) lc_row_list_add(inserts, change->inserts[i].bytes, change->inserts[i].len);
    }
    for (uint32_t i = 0; i < change->delete_count; i++) {
      if (lc__plan_matches(&query->plan, &change->deletes[i])) lc_row_list_add(deletes, change->deletes[i].bytes, change->deletes[i].len);
    }
  }
  return lc_ok();
}

bool lc_query_equality(const lc_query *query, uint32_t *column, lc_span *value) {
  const lc__bound *filter = query->plan.filter;
  if (filter == NULL || filter->kind != LC__BOUND_COMPARE || filter->compare != LC__EQ || filter->left->kind != LC__BOUND_COLUMN ||
      filter->right->kind != LC__BOUND_CONSTANT) {
    return false;
  }
  /* Floats that are equal may differ in their bytes (-0.0 and 0.0), so hashing the bytes would miss rows. */
  if (filter->left->type->kind == LC_TYPE_F32 || filter->left->type->kind == LC_TYPE_F64) return false;
  *column = filter->left->column;
  *value = filter->right->value;
  return true;
}
