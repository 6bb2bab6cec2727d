#pragma once
/*
 * SQL. Text goes through lexer, parser (syntax tree), binder (names and types against the catalogue, for one caller) and planner (a tree of
 * operators with the index to use) to an executor; a subscription keeps the plan and evaluates it against deltas.
 *
 * Two dialects share all of it: statements (HTTP /sql, CLI, later PostgreSQL) and subscriptions (SELECT * only).
 * Trees live in an arena of the query. Rows are never decoded: predicates read columns through the table's layout.
 * Threads: the core thread that owns the store.
 */
#include "store/store.h"

typedef enum lc_dialect { LC_DIALECT_STATEMENT, LC_DIALECT_SUBSCRIPTION } lc_dialect;

/* Who asks, and what the engine knows that the store does not. Borrowed during compilation. */
typedef struct lc_query_context {
  lc_store *store;
  lc_identity caller;
  bool is_owner;
  /* Whether rows of this table are subject to row rules (refused to everyone but the owner until they are evaluated, L10). May be NULL. */
  bool (*has_row_rules)(void *engine, const lc_table *table);
  void *engine;
  size_t rows_max; /* bytes that the rows of one answer may take; 0: LC_QUERY_ROWS_MAX */
} lc_query_context;

/* An answer is held in memory whole; a larger one is LC_ERR_TOO_LARGE. */
enum { LC_QUERY_ROWS_MAX = 1 << 30 };

typedef struct lc_query lc_query;

/* Rows as they go to clients: BSATN back to back. `offsets` is filled only while rows differ in length. */
typedef struct lc_row_list {
  lc_buf bytes;
  uint32_t count;
  uint32_t row_size; /* length of every row so far, 0 when they differ (then offsets has one start per row) */
  uint64_t *offsets;
  size_t offsets_cap;
} lc_row_list;
void lc_row_list_deinit(lc_row_list *list);
void lc_row_list_clear(lc_row_list *list);
void lc_row_list_add(lc_row_list *list, const uint8_t *row, uint32_t len);
/* Adds a row, unless the list would then take more than `max` bytes. */
lc_err lc_row_list_add_within(lc_row_list *list, size_t max, const uint8_t *row, size_t len);
/* The start of row `i` and its length. */
lc_span lc_row_list_get(const lc_row_list *list, uint32_t i);

/*
 * Compiles one SELECT of the subscription dialect. Two texts that mean the same have the same lc_query_key, so they share one query.
 * Errors: LC_ERR_SQL with the text clients see (sql-and-subscriptions.md 1.9), LC_ERR_DENIED.
 */
lc_err lc_query_compile(const lc_query_context *context, lc_str sql, lc_query **query);
void lc_query_destroy(lc_query *query);
/* Canonical text of the plan, for sharing; borrowed. */
lc_str lc_query_key(const lc_query *query);
/* The table whose rows it returns, and all tables it reads (ids). */
lc_table *lc_query_table(const lc_query *query);
const uint32_t *lc_query_tables(const lc_query *query, uint32_t *count);
/* Current result, added to `rows`. Errors: LC_ERR_TOO_LARGE. */
lc_err lc_query_rows(lc_query *query, lc_row_list *rows);
/* Whether any table it reads is empty: such a query contributes no entry to SubscribeApplied. */
bool lc_query_reads_empty_table(const lc_query *query);
/*
 * What entered and left the result in a committed transaction (after commit, before release). With multiplicities; an insert and a delete
 * of the same row cancel.
 */
lc_err lc_query_delta(lc_query *query, const lc_delta *delta, lc_row_list *inserts, lc_row_list *deletes);
/*
 * The pruning key: when the query has the form `column = literal` on its only table, `*column` and `*value` (BSATN, borrowed) say so and
 * the engine finds affected queries by hashing the changed rows' column instead of evaluating each query.
 */
bool lc_query_equality(const lc_query *query, uint32_t *column, lc_span *value);

/* ---- statements ---- */

typedef struct lc_sql_column {
  lc_str name; /* ptr NULL when it has none */
  const lc_type *type;
} lc_sql_column;

/* The answer of one statement. Owned by the caller (lc_sql_result_deinit). */
typedef struct lc_sql_result {
  lc_arena arena;
  lc_sql_column *columns;
  uint32_t column_count;
  lc_row_list rows;
  uint64_t rows_inserted, rows_deleted, rows_updated;
} lc_sql_result;
void lc_sql_result_deinit(lc_sql_result *result);

/* Whether the text is a statement that writes (so that the engine opens a transaction that it will commit). LC_ERR_SQL when it does not
 * parse. */
lc_err lc_sql_writes(lc_str sql, bool *writes);
/*
 * Runs exactly one statement, inside the transaction that the caller opened (and aborts when this fails). Errors: LC_ERR_SQL with the text
 * clients see; LC_ERR_DENIED; LC_ERR_TOO_LARGE for a SELECT with too many rows or an UPDATE of too many; what inserting a row can fail
 * with.
 */
lc_err lc_sql_run(const lc_query_context *context, lc_str sql, lc_sql_result *result);
