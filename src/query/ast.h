#pragma once
/* The syntax tree of one statement: what the text says, before names and types mean anything. In the arena of the parse. */
#include "base/arena.h"
#include "base/error.h"
#include "query/query.h"

typedef enum lc__literal_class { LC__LITERAL_NUMBER, LC__LITERAL_STRING, LC__LITERAL_HEX, LC__LITERAL_BOOL } lc__literal_class;
typedef enum lc__compare { LC__EQ, LC__NE, LC__LT, LC__LE, LC__GT, LC__GE } lc__compare;
typedef enum lc__expr_kind {
  LC__EXPR_LITERAL,
  LC__EXPR_SENDER,
  LC__EXPR_COLUMN,
  LC__EXPR_COMPARE,
  LC__EXPR_AND,
  LC__EXPR_OR
} lc__expr_kind;

typedef struct lc__expr lc__expr;
struct lc__expr {
  lc__expr_kind kind;
  lc__literal_class literal;
  lc__compare compare;
  lc_str text;            /* LITERAL: its text, sign included; COLUMN: its name */
  lc_str qualifier;       /* COLUMN: ptr NULL when there is none */
  lc__expr *left, *right; /* COMPARE */
  lc__expr **terms;       /* AND, OR: flat */
  uint32_t term_count;
  uint32_t height; /* levels of the tree below and including this one */
};

typedef struct lc__relation {
  lc_str table, alias; /* alias: ptr NULL when there is none */
} lc__relation;

typedef enum lc__projection_kind {
  LC__PROJECT_ALL,
  LC__PROJECT_RELATION /* t.* */,
  LC__PROJECT_COUNT,
  LC__PROJECT_COLUMNS
} lc__projection_kind;

typedef struct lc__projection_item {
  lc__expr *column;
  lc_str alias; /* ptr NULL when there is none */
} lc__projection_item;

typedef struct lc__assignment {
  lc_str column;
  lc__expr *value;
} lc__assignment;

typedef enum lc__statement_kind { LC__SELECT, LC__INSERT, LC__UPDATE, LC__DELETE, LC__SET, LC__SHOW } lc__statement_kind;

typedef struct lc__statement {
  lc__statement_kind kind;
  /* SELECT */
  lc__projection_kind projection;
  lc_str projected_relation; /* of t.* */
  lc_str count_alias;
  lc__projection_item *items;
  uint32_t item_count;
  bool has_limit;
  uint64_t limit;
  /* SELECT, INSERT, UPDATE, DELETE */
  lc__relation from;
  lc__expr *where; /* NULL when there is none */
  /* INSERT: rows of `insert_columns` values each */
  uint32_t insert_columns, row_count;
  lc__expr **values;
  /* UPDATE */
  lc__assignment *assignments;
  uint32_t assignment_count;
  /* SET, SHOW */
  lc_str variable;
  lc__expr *variable_value;
} lc__statement;

enum {
  LC__SQL_TEXT_MAX = 50000,
  LC__SQL_DEPTH_MAX = 47,
  LC__SQL_TERMS_MAX = 1600,
  LC__SQL_HEIGHT_MAX = 200 /* of a WHERE clause: what walks it recurses */
};

/* Parses exactly one statement of the dialect. Errors: LC_ERR_SQL with the text clients see. */
lc_err lc__sql_parse(lc_arena *arena, lc_dialect dialect, lc_str sql, lc__statement *statement);
