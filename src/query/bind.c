/* Names and types (sql-and-subscriptions.md 1.6, 1.7, 2.1): from the syntax tree to a bound predicate. */
#include "query/literal.h"
#include "query/plan.h"

static bool names_a_view(const lc_query_context *context, lc_str name) {
  lc_table *views = lc_store_table(context->store, LC_ST_VIEW);
  lc_scan scan;
  lc_row row;
  lc_table_scan(views, &scan);
  while (lc_scan_next(&scan, &row)) {
    lc_span text = lc_layout_column(lc_table_layout(views), row.bytes, 1); /* view_name */
    if (lc_str_equal((lc_str){(const char *)text.ptr + 4, text.len - 4}, name)) return true;
  }
  return false;
}

lc_err lc__bind_table(const lc_query_context *context, lc_str name, lc_table **table) {
  *table = lc_store_table_by_name(context->store, name);
  if (*table == NULL && names_a_view(context, name)) {
    return lc_fail(LC_ERR_SQL, "`%.*s` is a view; reading views is not supported yet", LC_STR_ARGS(name));
  }
  if (*table == NULL || (!context->is_owner && !lc_table_def_of(*table)->is_public)) {
    return lc_fail(LC_ERR_SQL, "no such table: `%.*s`. If the table exists, it may be marked private.", LC_STR_ARGS(name));
  }
  if (!context->is_owner && context->has_row_rules && context->has_row_rules(context->engine, *table)) {
    return lc_fail(LC_ERR_DENIED, "table `%.*s` has row-level security rules, which are not evaluated yet: only the owner may read it",
                   LC_STR_ARGS(name));
  }
  return lc_ok();
}

lc_err lc__bind_column(lc_table *table, const lc__relation *relation, lc_str qualifier, lc_str name, uint32_t *column) {
  lc_str scope = relation->alias.ptr ? relation->alias : relation->table;
  if (qualifier.ptr && !lc_str_equal(qualifier, scope)) return lc_fail(LC_ERR_SQL, "`%.*s` is not in scope", LC_STR_ARGS(qualifier));
  const lc_table_def *def = lc_table_def_of(table);
  for (uint32_t i = 0; i < def->column_count; i++) {
    if (lc_str_equal(def->columns[i].source_name, name)) return *column = i, lc_ok();
  }
  for (uint32_t i = 0; i < def->column_count; i++) {
    if (lc_str_equal(def->columns[i].name, name)) return *column = i, lc_ok();
  }
  return lc_fail(LC_ERR_SQL, "`%.*s` is not in scope", LC_STR_ARGS(name));
}

static lc_err mismatch(const lc_type *expected, const lc_type *inferred) {
  lc_buf names = {0};
  lc_type_print(&names, expected);
  lc_buf_put_text(&names, " != ");
  lc_type_print(&names, inferred);
  lc_err err = lc_fail(LC_ERR_SQL, "Unexpected type: (expected) %.*s (inferred)", LC_STR_ARGS(lc_buf_str(&names)));
  lc_buf_deinit(&names);
  return err;
}

typedef struct binder {
  lc_arena *arena;
  const lc_query_context *context;
  lc_table *table;
  const lc__relation *relation;
} binder;

static lc__bound *bound_new(binder *b, lc__bound_kind kind, const lc_type *type) {
  lc__bound *bound = LC_ARENA_NEW(b->arena, lc__bound);
  bound->kind = kind;
  bound->type = type;
  return bound;
}

lc_err lc__bind_literal(lc_arena *arena, const lc_type *type, const lc__expr *literal, lc_span *value) {
  const lc_type *boolean = lc_type_primitive(LC_TYPE_BOOL);
  if (literal->literal == LC__LITERAL_BOOL) {
    if (type->kind != LC_TYPE_BOOL) return mismatch(type, boolean);
    uint8_t *byte = lc_arena_alloc(arena, 1);
    *byte = lc_str_equal_nocase(literal->text, LC_STR("TRUE"));
    *value = lc_span_of(byte, 1);
    return lc_ok();
  }
  lc_buf encoded = {0};
  lc_err err = lc__literal_encode(&encoded, type, literal->text);
  if (!lc_failed(err)) *value = lc_span_of(lc_arena_copy(arena, encoded.data, encoded.len), encoded.len);
  lc_buf_deinit(&encoded);
  return err;
}

/* `:sender` as an Identity, or as the 32 bytes most significant first. */
static lc_err bind_sender(binder *b, const lc_type *expected, lc__bound **bound) {
  lc_field *field = LC_ARENA_NEW(b->arena, lc_field);
  *field = (lc_field){LC_STR("__identity__"), lc_type_primitive(LC_TYPE_U256)};
  const lc_type *identity = lc_type_product(b->arena, field, 1);
  const lc_type *type = expected ? expected : identity;
  *bound = bound_new(b, LC__BOUND_CONSTANT, type);
  if (type->special == LC_SPECIAL_IDENTITY) {
    (*bound)->value = lc_span_of(lc_arena_copy(b->arena, &b->context->caller, 32), 32);
    return lc_ok();
  }
  if (!lc__type_is_bytes(type)) return mismatch(type, identity);
  uint8_t *bytes = lc_arena_alloc(b->arena, 36);
  lc_store32(bytes, 32);
  for (int i = 0; i < 32; i++) bytes[4 + i] = b->context->caller.bytes[31 - i];
  (*bound)->value = lc_span_of(bytes, 36);
  return lc_ok();
}

static lc_err bind_expr(binder *b, const lc__expr *expr, const lc_type *expected, lc__bound **bound);

static bool is_constant(const lc__expr *expr) {
  return expr->kind == LC__EXPR_LITERAL || expr->kind == LC__EXPR_SENDER;
}

static lc_err bind_compare(binder *b, const lc__expr *expr, lc__bound **bound) {
  static const char *const symbols[] = {"=", "<>", "<", "<=", ">", ">="};
  static const lc__compare flipped[] = {LC__EQ, LC__NE, LC__GT, LC__GE, LC__LT, LC__LE};
  lc__bound *left, *right;
  lc__compare compare = expr->compare;
  if (is_constant(expr->left)) { /* the constant goes to the right, with the operator turned round */
    LC_TRY(bind_expr(b, expr->right, NULL, &left));
    LC_TRY(bind_expr(b, expr->left, left->type, &right));
    compare = flipped[compare];
  } else {
    LC_TRY(bind_expr(b, expr->left, NULL, &left));
    LC_TRY(bind_expr(b, expr->right, left->type, &right));
  }
  if (!lc__type_is_comparable(left->type)) {
    lc_buf name = {0};
    lc_type_print(&name, left->type);
    lc_err err =
        lc_fail(LC_ERR_SQL, "Invalid binary operator `%s` for type `%.*s`", symbols[expr->compare], LC_STR_ARGS(lc_buf_str(&name)));
    lc_buf_deinit(&name);
    return err;
  }
  *bound = bound_new(b, LC__BOUND_COMPARE, lc_type_primitive(LC_TYPE_BOOL));
  (*bound)->compare = compare;
  (*bound)->left = left;
  (*bound)->right = right;
  return lc_ok();
}

static lc_err bind_terms(binder *b, const lc__expr *expr, lc__bound **bound) {
  *bound = bound_new(b, expr->kind == LC__EXPR_AND ? LC__BOUND_AND : LC__BOUND_OR, lc_type_primitive(LC_TYPE_BOOL));
  (*bound)->terms = LC_ARENA_ARRAY(b->arena, lc__bound *, expr->term_count);
  (*bound)->term_count = expr->term_count;
  for (uint32_t i = 0; i < expr->term_count; i++)
    LC_TRY(bind_expr(b, expr->terms[i], lc_type_primitive(LC_TYPE_BOOL), &(*bound)->terms[i]));
  return lc_ok();
}

static lc_err bind_expr(binder *b, const lc__expr *expr, const lc_type *expected, lc__bound **bound) {
  switch (expr->kind) {
    case LC__EXPR_LITERAL:
      if (expected == NULL && expr->literal != LC__LITERAL_BOOL) return lc_fail(LC_ERR_SQL, "Cannot resolve type for literal expression");
      if (expected == NULL) expected = lc_type_primitive(LC_TYPE_BOOL);
      *bound = bound_new(b, LC__BOUND_CONSTANT, expected);
      return lc__bind_literal(b->arena, expected, expr, &(*bound)->value);
    case LC__EXPR_SENDER:
      return bind_sender(b, expected, bound);
    case LC__EXPR_COLUMN: {
      uint32_t column;
      LC_TRY(lc__bind_column(b->table, b->relation, expr->qualifier, expr->text, &column));
      *bound = bound_new(b, LC__BOUND_COLUMN, lc_table_layout(b->table)->columns[column].type);
      (*bound)->column = column;
      break;
    }
    case LC__EXPR_COMPARE:
      LC_TRY(bind_compare(b, expr, bound));
      break;
    case LC__EXPR_AND:
    case LC__EXPR_OR:
      LC_TRY(bind_terms(b, expr, bound));
      break;
  }
  return expected == NULL || lc_type_equal((*bound)->type, expected) ? lc_ok() : mismatch((*bound)->type, expected);
}

lc_err lc__bind_where(lc_arena *arena, const lc_query_context *context, lc_table *table, const lc__relation *relation,
                      const lc__expr *where, lc__bound **bound) {
  *bound = NULL;
  if (where == NULL) return lc_ok();
  binder b = {.arena = arena, .context = context, .table = table, .relation = relation};
  return bind_expr(&b, where, lc_type_primitive(LC_TYPE_BOOL), bound);
}
