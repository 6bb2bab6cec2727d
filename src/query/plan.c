/*
 * Choosing the access path, and running a plan.
 *
 * Of the conjuncts `column op constant`, each index can use those on its leading columns: equality as long as it goes, and on the column
 * after that a range, when the index has an order. The one that fixes most columns wins; a unique index fixed on all of them always does.
 */
#include "query/plan.h"

#include "base/assert.h"

/* Calls `visit` for each conjunct of the form `column op constant`. */
typedef void (*conjunct_visitor)(void *context, const lc__bound *compare);

static void each_conjunct(const lc__bound *filter, conjunct_visitor visit, void *context) {
  if (filter == NULL) return;
  if (filter->kind == LC__BOUND_AND) {
    for (uint32_t i = 0; i < filter->term_count; i++) each_conjunct(filter->terms[i], visit, context);
  } else if (filter->kind == LC__BOUND_COMPARE && filter->left->kind == LC__BOUND_COLUMN && filter->right->kind == LC__BOUND_CONSTANT) {
    visit(context, filter);
  }
}

typedef struct column_limits {
  const lc__bound *equal;         /* the first equality with the column */
  const lc__bound *lower, *upper; /* the tightest of each */
} column_limits;

/* Whether `other` lets fewer values through than `kept`, both being lower limits (sign 1) or upper ones (sign -1). */
static bool is_tighter(const lc__bound *other, const lc__bound *kept, int sign) {
  if (kept == NULL) return true;
  int order = sign * lc_value_compare(kept->left->type, other->right->value.ptr, kept->right->value.ptr);
  return order > 0 || (order == 0 && (other->compare == LC__GT || other->compare == LC__LT));
}

static void note_limit(void *context, const lc__bound *compare) {
  column_limits *limits = (column_limits *)context + compare->left->column;
  switch (compare->compare) {
    case LC__EQ:
      if (!limits->equal) limits->equal = compare;
      break;
    case LC__GT:
    case LC__GE:
      if (is_tighter(compare, limits->lower, 1)) limits->lower = compare;
      break;
    case LC__LT:
    case LC__LE:
      if (is_tighter(compare, limits->upper, -1)) limits->upper = compare;
      break;
    case LC__NE:
      break;
  }
}

/* What an index can do for a filter. */
typedef struct candidate {
  lc_index *index;
  uint32_t fixed;                 /* leading columns that an equality fixes */
  bool is_point, is_unique_point; /* all are */
  const lc__bound *lower, *upper; /* on the next column */
} candidate;

static bool index_serves(lc_index *index, const column_limits *limits, candidate *found) {
  const lc_index_def *def = lc_index_def_of(index);
  *found = (candidate){.index = index};
  while (found->fixed < def->column_count && limits[def->columns[found->fixed]].equal) found->fixed++;
  found->is_point = found->fixed == def->column_count;
  found->is_unique_point = found->is_point && lc_index_is_unique(index);
  if (found->is_point) return true;
  if (!lc_index_has_ranges(index)) return false;
  found->lower = limits[def->columns[found->fixed]].lower;
  found->upper = limits[def->columns[found->fixed]].upper;
  return found->fixed || found->lower || found->upper;
}

static bool is_better(const candidate *a, const candidate *b) {
  if (a->is_unique_point != b->is_unique_point) return a->is_unique_point;
  if (a->fixed != b->fixed) return a->fixed > b->fixed;
  int a_bounds = (a->lower != NULL) + (a->upper != NULL), b_bounds = (b->lower != NULL) + (b->upper != NULL);
  return a_bounds != b_bounds ? a_bounds > b_bounds : a->is_point && !b->is_point;
}

static lc_bound range_end(const lc__bound *compare, lc__compare excluded) {
  if (compare == NULL) return (lc_bound){LC_BOUND_UNBOUNDED, {0}};
  return (lc_bound){compare->compare == excluded ? LC_BOUND_EXCLUDED : LC_BOUND_INCLUDED, compare->right->value};
}

static void use_index(lc_arena *arena, const candidate *best, const column_limits *limits, lc__plan *plan) {
  const lc_index_def *def = lc_index_def_of(best->index);
  lc_buf key = {0};
  for (uint32_t i = 0; i < best->fixed; i++) lc_buf_put_span(&key, limits[def->columns[i]].equal->right->value);
  plan->index_id = lc_index_id(best->index);
  plan->access = best->is_point ? LC__ACCESS_POINT : LC__ACCESS_RANGE;
  plan->key = lc_span_of(lc_arena_copy(arena, key.data, key.len), key.len);
  plan->key_columns = best->fixed;
  plan->from = range_end(best->lower, LC__GT);
  plan->to = range_end(best->upper, LC__LT);
  lc_buf_deinit(&key);
}

void lc__plan_access(lc_arena *arena, lc_table *table, lc__bound *filter, lc__plan *plan) {
  plan->table_id = lc_table_id(table);
  plan->layout = lc_table_layout(table);
  plan->filter = filter;
  plan->access = LC__ACCESS_SCAN;
  if (filter == NULL || lc_table_index_count(table) == 0) return;
  column_limits *limits = LC_ARENA_ARRAY(arena, column_limits, plan->layout->column_count + 1);
  each_conjunct(filter, note_limit, limits);
  candidate best = {0}, found;
  for (uint32_t i = 0; i < lc_table_index_count(table); i++) {
    if (index_serves(lc_table_index(table, i), limits, &found) && (best.index == NULL || is_better(&found, &best))) best = found;
  }
  if (best.index) use_index(arena, &best, limits, plan);
}

/* ---- evaluation ---- */

static bool eval_bool(const lc__plan *plan, const lc__bound *bound, const lc_row *row);

static const uint8_t *eval_value(const lc__plan *plan, const lc__bound *bound, const lc_row *row) {
  static const uint8_t truth[2] = {0, 1};
  if (bound->kind == LC__BOUND_CONSTANT) return bound->value.ptr;
  if (bound->kind == LC__BOUND_COLUMN) return lc_layout_column(plan->layout, row->bytes, bound->column).ptr;
  return &truth[eval_bool(plan, bound, row)];
}

static bool eval_bool(const lc__plan *plan, const lc__bound *bound, const lc_row *row) {
  switch (bound->kind) {
    case LC__BOUND_AND:
      for (uint32_t i = 0; i < bound->term_count; i++) {
        if (!eval_bool(plan, bound->terms[i], row)) return false;
      }
      return true;
    case LC__BOUND_OR:
      for (uint32_t i = 0; i < bound->term_count; i++) {
        if (eval_bool(plan, bound->terms[i], row)) return true;
      }
      return false;
    case LC__BOUND_COMPARE: {
      int order = lc_value_compare(bound->left->type, eval_value(plan, bound->left, row), eval_value(plan, bound->right, row));
      switch (bound->compare) {
        case LC__EQ:
          return order == 0;
        case LC__NE:
          return order != 0;
        case LC__LT:
          return order < 0;
        case LC__LE:
          return order <= 0;
        case LC__GT:
          return order > 0;
        case LC__GE:
          return order >= 0;
      }
      return false;
    }
    default:
      return *eval_value(plan, bound, row) != 0;
  }
}

bool lc__plan_matches(const lc__plan *plan, const lc_row *row) {
  return plan->filter == NULL || eval_bool(plan, plan->filter, row);
}

lc_err lc__plan_run(const lc__plan *plan, lc__row_visitor visit, void *context) {
  lc_table *table = lc_store_table(plan->store, plan->table_id);
  if (table == NULL) return lc_fail(LC_ERR_SQL, "the table of this query is gone");
  lc_index *index = plan->access == LC__ACCESS_SCAN ? NULL : lc_store_index(plan->store, plan->index_id);
  if (index && lc_index_table(index) != table) index = NULL; /* it went away, and its id with it (P1) */
  lc_scan scan;
  if (index == NULL)
    lc_table_scan(table, &scan);
  else if (plan->access == LC__ACCESS_POINT)
    LC_TRY(lc_index_scan_point(index, plan->key, &scan));
  else
    LC_TRY(lc_index_scan_range(index, plan->key, plan->key_columns, plan->from, plan->to, &scan));
  lc_row row;
  while (lc_scan_next(&scan, &row)) {
    if (lc__plan_matches(plan, &row) && !visit(context, &row)) break;
  }
  return lc_ok();
}

static void print_bound(lc_buf *to, const lc__bound *bound) {
  static const char *const symbols[] = {"=", "<>", "<", "<=", ">", ">="};
  switch (bound->kind) {
    case LC__BOUND_CONSTANT: {
      lc_buf_put8(to, '#');
      char *hex = (char *)lc_buf_extend(to, 2 * bound->value.len + 1);
      lc_hex(hex, bound->value.ptr, bound->value.len);
      to->len--;
      break;
    }
    case LC__BOUND_COLUMN:
      lc_buf_printf(to, "c%u", bound->column);
      break;
    case LC__BOUND_COMPARE:
      lc_buf_put8(to, '(');
      print_bound(to, bound->left);
      lc_buf_put_text(to, symbols[bound->compare]);
      print_bound(to, bound->right);
      lc_buf_put8(to, ')');
      break;
    case LC__BOUND_AND:
    case LC__BOUND_OR:
      lc_buf_put_text(to, bound->kind == LC__BOUND_AND ? "and(" : "or(");
      for (uint32_t i = 0; i < bound->term_count; i++) print_bound(to, bound->terms[i]);
      lc_buf_put8(to, ')');
      break;
  }
}

void lc__plan_print(lc_buf *to, const lc__plan *plan) {
  lc_buf_printf(to, "t%u ", plan->table_id);
  if (plan->filter) print_bound(to, plan->filter);
}
