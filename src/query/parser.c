/*
 * A recursive-descent parser for one statement. The grammar is that of docs/sql.md; what the dialect of the reference has and this one does
 * not execute yet (joins) is recognised and refused by name, so that nobody has to guess why a query fails.
 */
#include "query/ast.h"
#include "query/lexer.h"
#include "query/literal.h"

typedef struct parser {
  lc_arena *arena;
  lc__lexer lexer;
  lc__token token; /* the one to look at */
  lc_str sql;
  uint32_t depth;
} parser;

static lc_err advance(parser *p) {
  return lc__lexer_next(&p->lexer, &p->token);
}

static bool at_word(const parser *p, const char *keyword) {
  return lc__token_is_word(&p->token, keyword);
}
static bool at_symbol(const parser *p, const char *symbol) {
  return lc__token_is_symbol(&p->token, symbol);
}

static lc_err unexpected(const parser *p, const char *wanted) {
  if (p->token.kind == LC__TOKEN_END) return lc_fail(LC_ERR_SQL, "sql parser error: Expected %s, found: EOF", wanted);
  return lc_fail(LC_ERR_SQL, "sql parser error: Expected %s, found: %.*s", wanted, LC_STR_ARGS(p->token.text));
}

static lc_err quote_keyword(const parser *p) {
  return lc_fail(LC_ERR_SQL, "sql parser error: `%.*s` is a keyword here; as a table's name it needs double quotes",
                 LC_STR_ARGS(p->token.text));
}

static lc_err unsupported(const parser *p) {
  return lc_fail(LC_ERR_SQL, "Unsupported: %.*s", LC_STR_ARGS(p->sql));
}

static lc_err expect_word(parser *p, const char *keyword) {
  return at_word(p, keyword) ? advance(p) : unexpected(p, keyword);
}
static lc_err expect_symbol(parser *p, const char *symbol) {
  return at_symbol(p, symbol) ? advance(p) : unexpected(p, symbol);
}

static lc_err accept_word(parser *p, const char *keyword, bool *accepted) {
  *accepted = at_word(p, keyword);
  return *accepted ? advance(p) : lc_ok();
}

static bool at_name(const parser *p) {
  return p->token.kind == LC__TOKEN_WORD || p->token.kind == LC__TOKEN_QUOTED;
}

/* One of a list of words; the tables below are those of sql-and-subscriptions.md 1.2. */
static bool at_one_of(const parser *p, const char *const *words) {
  for (; *words; words++) {
    if (at_word(p, *words)) return true;
  }
  return false;
}

static const char *const not_an_alias[] = {"WITH",    "EXPLAIN", "ANALYZE",   "SELECT",    "WHERE",   "GROUP",      "SORT",   "HAVING",
                                           "ORDER",   "PIVOT",   "TOP",       "LATERAL",   "VIEW",    "LIMIT",      "OFFSET", "FETCH",
                                           "UNION",   "EXCEPT",  "INTERSECT", "ON",        "JOIN",    "INNER",      "CROSS",  "FULL",
                                           "LEFT",    "RIGHT",   "NATURAL",   "USING",     "CLUSTER", "DISTRIBUTE", "OUTER",  "SET",
                                           "QUALIFY", "WINDOW",  "END",       "PARTITION", "FOR",     NULL};
static const char *const not_a_column[] = {"CASE",
                                           "CAST",
                                           "TRY_CAST",
                                           "SAFE_CAST",
                                           "EXISTS",
                                           "EXTRACT",
                                           "CEIL",
                                           "FLOOR",
                                           "POSITION",
                                           "SUBSTRING",
                                           "OVERLAY",
                                           "TRIM",
                                           "INTERVAL",
                                           "LISTAGG",
                                           "ARRAY_AGG",
                                           "NOT",
                                           "USER",
                                           "SESSION_USER",
                                           "CURRENT_USER",
                                           "CURRENT_CATALOG",
                                           "CURRENT_DATE",
                                           "CURRENT_TIME",
                                           "CURRENT_TIMESTAMP",
                                           "LOCALTIME",
                                           "LOCALTIMESTAMP",
                                           "NULL",
                                           NULL};
static const char *const not_a_table[] = {"TABLE", "UNNEST", "LATERAL", NULL};
static const char *const join_words[] = {"JOIN", "INNER", "CROSS", "LEFT", "RIGHT", "FULL", "NATURAL", NULL};

/* name { "." name }: the parts joined with dots. With `star`, stops in front of ".*" and says so. */
static lc_err dotted_name(parser *p, bool allow_string, lc_str *name, lc_str *last, bool *star) {
  lc_buf joined = {0};
  lc_str part = {0};
  size_t before_last = 0;
  lc_err err = lc_ok();
  if (star) *star = false;
  for (;;) {
    bool usable = at_name(p) || (allow_string && p->token.kind == LC__TOKEN_STRING);
    if (!usable) {
      err = unexpected(p, "identifier");
      break;
    }
    part = lc_arena_str(p->arena, p->token.text);
    before_last = joined.len;
    if (joined.len) lc_buf_put8(&joined, '.');
    lc_buf_put_str(&joined, part);
    if (lc_failed(err = advance(p)) || !at_symbol(p, ".")) break;
    if (lc_failed(err = advance(p))) break;
    if (star && at_symbol(p, "*")) {
      *star = true;
      err = advance(p);
      break;
    }
  }
  if (!lc_failed(err)) {
    lc_str whole = lc_arena_str(p->arena, lc_buf_str(&joined));
    if (last) { /* a column reference: the last part is the column, the rest the relation */
      *last = part;
      *name = before_last ? (lc_str){whole.ptr, before_last} : (lc_str){0};
    } else {
      *name = whole;
    }
    if (star && *star) *name = whole;
  }
  lc_buf_deinit(&joined);
  return err;
}

static lc__expr *expr_new(parser *p, lc__expr_kind kind) {
  lc__expr *expr = LC_ARENA_NEW(p->arena, lc__expr);
  expr->kind = kind;
  expr->height = 1;
  return expr;
}

/* Counts `child` in the height of `node`. */
static lc_err add_height(lc__expr *node, const lc__expr *child) {
  if (child->height >= node->height) node->height = child->height + 1;
  return node->height <= LC__SQL_HEIGHT_MAX ? lc_ok() : lc_fail(LC_ERR_SQL, "sql parser error: recursion limit exceeded");
}

static lc_err literal(parser *p, lc__expr **expr) {
  bool negative = at_symbol(p, "-"), sign = negative || at_symbol(p, "+");
  if (sign) LC_TRY(advance(p));
  *expr = expr_new(p, LC__EXPR_LITERAL);
  switch (p->token.kind) {
    case LC__TOKEN_NUMBER:
      (*expr)->literal = LC__LITERAL_NUMBER;
      break;
    case LC__TOKEN_STRING:
      (*expr)->literal = LC__LITERAL_STRING;
      break;
    case LC__TOKEN_HEX:
      (*expr)->literal = LC__LITERAL_HEX;
      break;
    default:
      if (!at_word(p, "TRUE") && !at_word(p, "FALSE")) {
        return p->token.kind == LC__TOKEN_END ? unexpected(p, "an expression")
                                              : lc_fail(LC_ERR_SQL, "Unsupported literal expression: %.*s", LC_STR_ARGS(p->token.text));
      }
      (*expr)->literal = LC__LITERAL_BOOL;
  }
  if (sign && (*expr)->literal != LC__LITERAL_NUMBER)
    return lc_fail(LC_ERR_SQL, "Unsupported expression: a sign may only precede a number");
  (*expr)->text =
      sign ? lc_arena_printf(p->arena, "%c%.*s", negative ? '-' : '+', LC_STR_ARGS(p->token.text)) : lc_arena_str(p->arena, p->token.text);
  return advance(p);
}

static lc_err disjunction(parser *p, lc__expr **expr);

static lc_err primary(parser *p, lc__expr **expr) {
  if (at_symbol(p, "(")) {
    if (++p->depth > LC__SQL_DEPTH_MAX) return lc_fail(LC_ERR_SQL, "sql parser error: recursion limit exceeded");
    LC_TRY(advance(p));
    LC_TRY(disjunction(p, expr));
    p->depth--;
    return expect_symbol(p, ")");
  }
  if (p->token.kind == LC__TOKEN_PARAMETER) {
    if (!lc_str_is(p->token.text, "sender"))
      return lc_fail(LC_ERR_SQL, "Unsupported literal expression: :%.*s", LC_STR_ARGS(p->token.text));
    *expr = expr_new(p, LC__EXPR_SENDER);
    return advance(p);
  }
  if (!at_name(p) || at_word(p, "TRUE") || at_word(p, "FALSE")) return literal(p, expr);
  if (at_one_of(p, not_a_column)) return lc_fail(LC_ERR_SQL, "Unsupported expression: %.*s", LC_STR_ARGS(p->token.text));
  *expr = expr_new(p, LC__EXPR_COLUMN);
  LC_TRY(dotted_name(p, false, &(*expr)->qualifier, &(*expr)->text, NULL));
  if (at_symbol(p, "(")) return lc_fail(LC_ERR_SQL, "Unsupported expression: %.*s(…)", LC_STR_ARGS((*expr)->text));
  return lc_ok();
}

static bool comparison_of(const parser *p, lc__compare *compare) {
  static const char *const symbols[] = {[LC__EQ] = "=", [LC__NE] = "!=", [LC__LT] = "<", [LC__LE] = "<=", [LC__GT] = ">", [LC__GE] = ">="};
  for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
    if (at_symbol(p, symbols[i])) {
      *compare = (lc__compare)i;
      return true;
    }
  }
  *compare = LC__EQ;
  return at_symbol(p, "==");
}

static lc_err comparison(parser *p, lc__expr **expr) {
  LC_TRY(primary(p, expr));
  lc__compare compare;
  while (comparison_of(p, &compare)) {
    LC_TRY(advance(p));
    lc__expr *node = expr_new(p, LC__EXPR_COMPARE);
    node->compare = compare;
    node->left = *expr;
    LC_TRY(primary(p, &node->right));
    LC_TRY(add_height(node, node->left));
    LC_TRY(add_height(node, node->right));
    *expr = node;
  }
  if (at_symbol(p, "+") || at_symbol(p, "-") || at_symbol(p, "*")) {
    return lc_fail(LC_ERR_SQL, "Unsupported binary operator: %.*s", LC_STR_ARGS(p->token.text));
  }
  static const char *const refused[] = {"IS", "IN", "LIKE", "ILIKE", "BETWEEN", "SIMILAR", NULL};
  if (at_one_of(p, refused) || at_word(p, "NOT")) return lc_fail(LC_ERR_SQL, "Unsupported expression: %.*s", LC_STR_ARGS(p->token.text));
  return lc_ok();
}

/* operand { word operand }, flat. */
static lc_err chain(parser *p, const char *word, lc__expr_kind kind, lc_err (*operand)(parser *, lc__expr **), lc__expr **expr) {
  LC_TRY(operand(p, expr));
  if (!at_word(p, word)) return lc_ok();
  lc__expr *node = expr_new(p, kind);
  uint32_t cap = 8;
  node->terms = LC_ARENA_ARRAY(p->arena, lc__expr *, cap);
  node->terms[node->term_count++] = *expr;
  LC_TRY(add_height(node, *expr));
  while (at_word(p, word)) {
    LC_TRY(advance(p));
    if (node->term_count == LC__SQL_TERMS_MAX)
      return lc_fail(LC_ERR_SQL, "sql parser error: recursion limit exceeded (more than %d terms)", LC__SQL_TERMS_MAX);
    if (node->term_count == cap) {
      lc__expr **grown = LC_ARENA_ARRAY(p->arena, lc__expr *, cap * 2);
      memcpy(grown, node->terms, cap * sizeof *grown);
      node->terms = grown;
      cap *= 2;
    }
    LC_TRY(operand(p, &node->terms[node->term_count]));
    LC_TRY(add_height(node, node->terms[node->term_count]));
    node->term_count++;
  }
  *expr = node;
  return lc_ok();
}

static lc_err conjunction(parser *p, lc__expr **expr) {
  return chain(p, "AND", LC__EXPR_AND, comparison, expr);
}
static lc_err disjunction(parser *p, lc__expr **expr) {
  return chain(p, "OR", LC__EXPR_OR, conjunction, expr);
}

static lc_err relation(parser *p, bool allow_alias, lc__relation *relation) {
  if (at_one_of(p, not_a_table)) return quote_keyword(p);
  LC_TRY(dotted_name(p, true, &relation->table, NULL, NULL));
  if (at_symbol(p, "(")) {
    LC_TRY(advance(p));
    if (!at_symbol(p, ")"))
      return lc_fail(LC_ERR_SQL, "Reading the view `%.*s` with arguments is not supported yet", LC_STR_ARGS(relation->table));
    LC_TRY(advance(p));
  }
  if (!allow_alias) return lc_ok();
  bool as;
  LC_TRY(accept_word(p, "AS", &as));
  if (as || (at_name(p) && !at_one_of(p, not_an_alias))) {
    if (!at_name(p)) return unexpected(p, "an identifier after AS");
    relation->alias = lc_arena_str(p->arena, p->token.text);
    LC_TRY(advance(p));
  }
  if (at_symbol(p, "(")) return unsupported(p);
  if (at_symbol(p, ",")) return lc_fail(LC_ERR_SQL, "Implicit joins are not supported");
  if (at_one_of(p, join_words)) return lc_fail(LC_ERR_SQL, "Joins are not supported yet: %.*s", LC_STR_ARGS(p->sql));
  return lc_ok();
}

static lc_err where_clause(parser *p, lc__statement *statement) {
  bool present;
  LC_TRY(accept_word(p, "WHERE", &present));
  return present ? disjunction(p, &statement->where) : lc_ok();
}

static lc_err count_projection(parser *p, lc__statement *statement) {
  LC_TRY(expect_symbol(p, "("));
  if (!at_symbol(p, "*")) return lc_fail(LC_ERR_SQL, "Unsupported aggregate function: %.*s", LC_STR_ARGS(p->sql));
  LC_TRY(advance(p));
  LC_TRY(expect_symbol(p, ")"));
  bool as;
  LC_TRY(accept_word(p, "AS", &as));
  if (!at_name(p) || (!as && at_word(p, "FROM"))) return lc_fail(LC_ERR_SQL, "Aggregate expressions must have column aliases");
  statement->projection = LC__PROJECT_COUNT;
  statement->count_alias = lc_arena_str(p->arena, p->token.text);
  LC_TRY(advance(p));
  return at_symbol(p, ",") ? lc_fail(LC_ERR_SQL, "Unsupported projection: %.*s", LC_STR_ARGS(p->sql)) : lc_ok();
}

static lc_err projection_columns(parser *p, lc__statement *statement) {
  uint32_t cap = 0;
  statement->projection = LC__PROJECT_COLUMNS;
  for (;;) {
    if (statement->item_count == cap) {
      lc__projection_item *grown = LC_ARENA_ARRAY(p->arena, lc__projection_item, cap ? cap * 2 : 8);
      if (cap) memcpy(grown, statement->items, cap * sizeof *grown);
      statement->items = grown;
      cap = cap ? cap * 2 : 8;
    }
    if (at_symbol(p, "*")) return lc_fail(LC_ERR_SQL, "Mixed wildcard projections are not supported");
    if (!at_name(p)) return lc_fail(LC_ERR_SQL, "Unsupported projection expression: %.*s", LC_STR_ARGS(p->token.text));
    lc__projection_item *item = &statement->items[statement->item_count++];
    item->column = expr_new(p, LC__EXPR_COLUMN);
    bool star, is_keyword = at_one_of(p, not_a_column) || at_word(p, "TRUE") || at_word(p, "FALSE");
    lc_str whole = p->token.text;
    LC_TRY(dotted_name(p, false, &item->column->qualifier, &item->column->text, &star));
    if (star) {
      if (statement->item_count > 1 || at_symbol(p, ",")) return lc_fail(LC_ERR_SQL, "Mixed wildcard projections are not supported");
      statement->projection = LC__PROJECT_RELATION;
      statement->projected_relation = item->column->qualifier;
      return lc_ok();
    }
    if (is_keyword)
      return lc_fail(LC_ERR_SQL, "Unsupported projection expression: %.*s", LC_STR_ARGS(whole)); /* but user.* is a relation */
    if (at_symbol(p, "(")) {
      if (lc_str_equal_nocase(whole, LC_STR("COUNT")) && statement->item_count == 1) return count_projection(p, statement);
      return lc_fail(LC_ERR_SQL, "Unsupported projection expression: %.*s", LC_STR_ARGS(whole));
    }
    bool as;
    LC_TRY(accept_word(p, "AS", &as));
    if (as || (at_name(p) && !at_word(p, "FROM"))) {
      if (!at_name(p)) return unexpected(p, "an identifier after AS");
      item->alias = lc_arena_str(p->arena, p->token.text);
      LC_TRY(advance(p));
    }
    if (!at_symbol(p, ",")) return lc_ok();
    LC_TRY(advance(p));
  }
}

static lc_err limit_clause(parser *p, lc__statement *statement) {
  bool present, all;
  LC_TRY(accept_word(p, "LIMIT", &present));
  if (!present) return lc_ok();
  LC_TRY(accept_word(p, "ALL", &all));
  if (all) return lc_ok();
  if (p->token.kind != LC__TOKEN_NUMBER) return unsupported(p);
  lc_buf limit = {0};
  lc_err err = lc__literal_encode(&limit, lc_type_primitive(LC_TYPE_U64), p->token.text); /* integral in any spelling: 2, 2.0, 2e0 */
  if (!lc_failed(err)) statement->limit = lc_load64(limit.data);
  lc_buf_deinit(&limit);
  LC_TRY(err);
  statement->has_limit = true;
  return advance(p);
}

static lc_err select_statement(parser *p, lc__statement *statement) {
  statement->kind = LC__SELECT;
  bool all;
  LC_TRY(accept_word(p, "ALL", &all));
  if (at_word(p, "DISTINCT")) return lc_fail(LC_ERR_SQL, "Unsupported SELECT: %.*s", LC_STR_ARGS(p->sql));
  if (at_symbol(p, "*")) {
    statement->projection = LC__PROJECT_ALL;
    LC_TRY(advance(p));
    if (at_symbol(p, ",")) return lc_fail(LC_ERR_SQL, "Mixed wildcard projections are not supported");
  } else {
    LC_TRY(projection_columns(p, statement));
  }
  if (p->token.kind == LC__TOKEN_END) return lc_fail(LC_ERR_SQL, "A FROM clause is required");
  LC_TRY(expect_word(p, "FROM"));
  LC_TRY(relation(p, true, &statement->from));
  LC_TRY(where_clause(p, statement));
  return limit_clause(p, statement);
}

/* "(" item { "," item } ")" into an array of expressions; appended to *items. */
static lc_err value_list(parser *p, lc__expr ***items, uint32_t *count, uint32_t *cap) {
  LC_TRY(expect_symbol(p, "("));
  for (;;) {
    if (*count == *cap) {
      lc__expr **grown = LC_ARENA_ARRAY(p->arena, lc__expr *, *cap ? *cap * 2 : 16);
      if (*count) memcpy(grown, *items, *count * sizeof *grown);
      *items = grown;
      *cap = *cap ? *cap * 2 : 16;
    }
    LC_TRY(literal(p, &(*items)[*count]));
    (*count)++;
    if (!at_symbol(p, ",")) return expect_symbol(p, ")");
    LC_TRY(advance(p));
  }
}

static lc_err insert_statement(parser *p, lc__statement *statement) {
  statement->kind = LC__INSERT;
  bool into;
  LC_TRY(accept_word(p, "INTO", &into));
  if (at_word(p, "TABLE")) return quote_keyword(p);
  LC_TRY(dotted_name(p, false, &statement->from.table, NULL, NULL));
  LC_TRY(expect_symbol(p, "("));
  for (;;) { /* the names are neither checked nor used: values are positional */
    if (!at_name(p)) return unexpected(p, "identifier");
    statement->insert_columns++;
    LC_TRY(advance(p));
    if (!at_symbol(p, ",")) break;
    LC_TRY(advance(p));
  }
  LC_TRY(expect_symbol(p, ")"));
  LC_TRY(expect_word(p, "VALUES"));
  uint32_t count = 0, cap = 0;
  for (;;) {
    uint32_t before = count;
    LC_TRY(value_list(p, &statement->values, &count, &cap));
    if (count - before != statement->insert_columns) {
      return lc_fail(LC_ERR_SQL, "Inserting a row with %u values into `%.*s` which has %u fields", count - before,
                     LC_STR_ARGS(statement->from.table), statement->insert_columns);
    }
    statement->row_count++;
    if (!at_symbol(p, ",")) return lc_ok();
    LC_TRY(advance(p));
  }
}

static lc_err update_statement(parser *p, lc__statement *statement) {
  statement->kind = LC__UPDATE;
  LC_TRY(relation(p, false, &statement->from));
  LC_TRY(expect_word(p, "SET"));
  uint32_t cap = 16;
  statement->assignments = LC_ARENA_ARRAY(p->arena, lc__assignment, cap);
  for (;;) {
    if (statement->assignment_count == cap) {
      lc__assignment *grown = LC_ARENA_ARRAY(p->arena, lc__assignment, cap * 2);
      memcpy(grown, statement->assignments, cap * sizeof *grown);
      statement->assignments = grown;
      cap *= 2;
    }
    if (!at_name(p)) return unexpected(p, "identifier");
    lc__assignment *assignment = &statement->assignments[statement->assignment_count++];
    assignment->column = lc_arena_str(p->arena, p->token.text);
    LC_TRY(advance(p));
    LC_TRY(expect_symbol(p, "="));
    LC_TRY(literal(p, &assignment->value));
    if (!at_symbol(p, ",")) break;
    LC_TRY(advance(p));
  }
  return where_clause(p, statement);
}

static lc_err delete_statement(parser *p, lc__statement *statement) {
  statement->kind = LC__DELETE;
  LC_TRY(expect_word(p, "FROM"));
  LC_TRY(relation(p, false, &statement->from));
  return where_clause(p, statement);
}

static lc_err variable_statement(parser *p, lc__statement *statement, bool set) {
  statement->kind = set ? LC__SET : LC__SHOW;
  if (!at_name(p)) return unexpected(p, "identifier");
  statement->variable = lc_arena_str(p->arena, p->token.text);
  LC_TRY(advance(p));
  if (!set) return lc_ok();
  if (!at_symbol(p, "=") && !at_word(p, "TO")) return unexpected(p, "equals sign or TO");
  LC_TRY(advance(p));
  return literal(p, &statement->variable_value);
}

static lc_err any_statement(parser *p, lc_dialect dialect, lc__statement *statement) {
  lc__token first = p->token;
  if (first.kind != LC__TOKEN_WORD) return unexpected(p, "an SQL statement");
  LC_TRY(advance(p));
  if (lc__token_is_word(&first, "SELECT")) return select_statement(p, statement);
  if (dialect == LC_DIALECT_SUBSCRIPTION) return lc_fail(LC_ERR_SQL, "Unsupported: Non-SELECT queries");
  if (lc__token_is_word(&first, "INSERT")) return insert_statement(p, statement);
  if (lc__token_is_word(&first, "UPDATE")) return update_statement(p, statement);
  if (lc__token_is_word(&first, "DELETE")) return delete_statement(p, statement);
  if (lc__token_is_word(&first, "SET")) return variable_statement(p, statement, true);
  if (lc__token_is_word(&first, "SHOW")) return variable_statement(p, statement, false);
  return unsupported(p);
}

lc_err lc__sql_parse(lc_arena *arena, lc_dialect dialect, lc_str sql, lc__statement *statement) {
  *statement = (lc__statement){0};
  if (!lc_utf8_valid((const uint8_t *)sql.ptr, sql.len)) return lc_fail(LC_ERR_SQL, "sql parser error: the text is not valid UTF-8");
  if (sql.len > LC__SQL_TEXT_MAX) {
    int shown = 120;
    while (((unsigned char)sql.ptr[shown] & 0xc0) == 0x80) shown--; /* up to a whole character */
    return lc_fail(LC_ERR_SQL, "SQL query exceeds maximum allowed length: \"%.*s...\"", shown, sql.ptr);
  }
  parser p = {.arena = arena, .lexer = {.arena = arena, .text = sql}, .sql = sql};
  LC_TRY(advance(&p));
  while (at_symbol(&p, ";")) LC_TRY(advance(&p));
  if (p.token.kind == LC__TOKEN_END) return lc_fail(LC_ERR_SQL, "Empty SQL query");
  LC_TRY(any_statement(&p, dialect, statement));
  if (dialect == LC_DIALECT_SUBSCRIPTION && statement->has_limit) return lc_fail(LC_ERR_SQL, "Unsupported SELECT: %.*s", LC_STR_ARGS(sql));

  bool separated = at_symbol(&p, ";");
  while (at_symbol(&p, ";")) LC_TRY(advance(&p));
  if (p.token.kind == LC__TOKEN_END || at_word(&p, "END")) return lc_ok();
  if (separated) return lc_fail(LC_ERR_SQL, "Multiple SQL statements are not supported");
  if (at_word(&p, "UNION") || at_word(&p, "EXCEPT") || at_word(&p, "INTERSECT")) {
    return lc_fail(LC_ERR_SQL, "Unsupported set operation: %.*s", LC_STR_ARGS(sql));
  }
  static const char *const clauses[] = {"GROUP", "HAVING", "ORDER", "OFFSET", "FETCH", "FOR", "QUALIFY", "WINDOW", "RETURNING", "ON", NULL};
  return at_one_of(&p, clauses) ? unsupported(&p) : unexpected(&p, "end of statement");
}
