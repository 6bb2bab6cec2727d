#pragma once
/*
 * The bound and planned form of a query over one table: a predicate whose names are column numbers and whose literals are BSATN of the
 * column's type, and the way to reach the rows. In the arena of the query.
 *
 * Invariants
 *   P1  The filter holds the whole predicate: the access path only narrows what is looked at, so a plan stays right when its index goes
 * away. P2  Column positions and types stay valid while the table lives; a table that is rebuilt gets a new id, and its old plans end.
 */
#include "query/ast.h"
#include "store/store.h"

typedef enum lc__bound_kind { LC__BOUND_CONSTANT, LC__BOUND_COLUMN, LC__BOUND_COMPARE, LC__BOUND_AND, LC__BOUND_OR } lc__bound_kind;

typedef struct lc__bound lc__bound;
struct lc__bound {
  lc__bound_kind kind;
  const lc_type *type; /* of the value; Bool for COMPARE, AND, OR */
  lc__compare compare;
  uint32_t column;
  lc_span value; /* CONSTANT */
  lc__bound *left, *right;
  lc__bound **terms;
  uint32_t term_count;
};

typedef enum lc__access { LC__ACCESS_SCAN, LC__ACCESS_POINT, LC__ACCESS_RANGE } lc__access;

typedef struct lc__plan {
  lc_store *store;
  uint32_t table_id;
  const lc_layout *layout;
  lc__bound *filter; /* NULL: every row */
  lc__access access;
  uint32_t index_id;
  lc_span key;          /* BSATN of the leading index columns that are fixed: all of them for POINT */
  uint32_t key_columns; /* how many */
  lc_bound from, to;    /* RANGE: over the column behind them */
} lc__plan;

/* Finds the table that `from` names for this caller. Errors: LC_ERR_SQL (also for tables the caller may not see), LC_ERR_DENIED. */
lc_err lc__bind_table(const lc_query_context *context, lc_str name, lc_table **table);
/* Types the WHERE clause (may be NULL) over `table` as `relation` names it. */
lc_err lc__bind_where(lc_arena *arena, const lc_query_context *context, lc_table *table, const lc__relation *relation,
                      const lc__expr *where, lc__bound **bound);
/* The column that a reference means: alias first, then canonical name. */
lc_err lc__bind_column(lc_table *table, const lc__relation *relation, lc_str qualifier, lc_str name, uint32_t *column);
/* Types one literal as a value of a column. */
lc_err lc__bind_literal(lc_arena *arena, const lc_type *type, const lc__expr *literal, lc_span *value);

/* Chooses the access path. */
void lc__plan_access(lc_arena *arena, lc_table *table, lc__bound *filter, lc__plan *plan);

/* Whether the row passes the filter (trusted row). */
bool lc__plan_matches(const lc__plan *plan, const lc_row *row);
/* Visits the rows that match, in no order; stops when `visit` returns false. The table must not change meanwhile. */
typedef bool (*lc__row_visitor)(void *context, const lc_row *row);
lc_err lc__plan_run(const lc__plan *plan, lc__row_visitor visit, void *context);
/* Appends a canonical text of table and filter. */
void lc__plan_print(lc_buf *to, const lc__plan *plan);
