/* Choosing the access path, and running a plan. */
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
  const lc__bound *equal, *lower, *upper; /* comparisons on one column; the first of each sort */
} column_limits;

static void note_limit(void *context, const lc__bound *compare) {
  column_limits *limits = (column_limits *)context + compare->left->column;
  switch (compare->compare) {
    case LC__EQ: if (!limits->equal) limits->equal = compare; break;
    case LC__GT:
    case LC__GE: if (!limits->lower) limits->lower = compare; break;
    case LC__LT:
    case LC__LE: if (!limits->upper) limits->upper = compare; break;
    case LC__NE: break;
  }
}

/* Columns of the index when an equality fixes all of them, else 0. */
static uint32_t covered_columns(const lc_index_def *index, const column_limits *limits) {
  for (uint32_t i = 0; i < index->column_count; i++) {
    if (!limits[index->columns[i]].equal) return 0;
  }
  return index->column_count;
}

static lc_bound range_end(const lc__bound *compare, lc__compare excluded) {
  if (compare == NULL) return (lc_bound){LC_BOUND_UNBOUNDED, {0}};
  return (lc_bound){compare->compare == excluded ? LC_BOUND_EXCLUDED : LC_BOUND_INCLUDED, compare->right->value};
}

void lc__plan_access(lc_arena *arena, lc_table *table, lc__bound *filter, lc__plan *plan) {
  plan->table_id = lc_table_id(table);
  plan->layout = lc_table_layout(table);
  plan->filter = filter;
  plan->access = LC__ACCESS_SCAN;
  column_limits *limits = LC_ARENA_ARRAY(arena, column_limits, plan->layout->column_count + 1);
  each_conjunct(filter, note_limit, limits);

  const lc_index_def *point = NULL;
  bool point_unique = false;
  for (uint32_t i = 0; i < lc_table_index_count(table); i++) {
    lc_index *index = lc_table_index(table, i);
    const lc_index_def *def = lc_index_def_of(index);
    if (covered_columns(def, limits) == 0) continue;
    bool unique = lc_index_is_unique(index);
    if (point == NULL || unique > point_unique || (unique == point_unique && def->column_count > point->column_count)) {
      point = def;
      point_unique = unique;
      plan->index_id = lc_index_id(index);
    }
  }
  if (point != NULL) {
    lc_buf key = {0};
    for (uint32_t i = 0; i < point->column_count; i++) lc_buf_put_span(&key, limits[point->columns[i]].equal->right->value);
    plan->key = lc_span_of(lc_arena_copy(arena, key.data, key.len), key.len);
    plan->access = LC__ACCESS_POINT;
    lc_buf_deinit(&key);
    return;
  }
  for (uint32_t i = 0; i < lc_table_index_count(table); i++) {
    lc_index *index = lc_table_index(table, i);
    const column_limits *first = &limits[lc_index_def_of(index)->columns[0]];
    if (!lc_index_has_ranges(index) || (!first->lower && !first->upper)) continue;
    plan->access = LC__ACCESS_RANGE;
    plan->index_id = lc_index_id(index);
    plan->from = range_end(first->lower, LC__GT);
    plan->to = range_end(first->upper, LC__LT);
    return;
  }
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
        case LC__EQ: return order == 0;
        case LC__NE: return order != 0;
        case LC__LT: return order < 0;
        case LC__LE: return order <= 0;
        case LC__GT: return order > 0;
        case LC__GE: return order >= 0;
      }
      return false;
    }
    default: return *eval_value(plan, bound, row) != 0;
  }
}

bool lc__plan_matches(const lc__plan *plan, const lc_row *row) { return plan->filter == NULL || eval_bool(plan, plan->filter, row); }

lc_err lc__plan_run(const lc__plan *plan, lc__row_visitor visit, void *context) {
  lc_table *table = lc_store_table(plan->store, plan->table_id);
  if (table == NULL) return lc_fail(LC_ERR_SQL, "the table of this query is gone");
  lc_index *index = plan->access == LC__ACCESS_SCAN ? NULL : lc_store_index(plan->store, plan->index_id);
  lc_scan scan;
  if (index == NULL) lc_table_scan(table, &scan);
  else if (plan->access == LC__ACCESS_POINT) LC_TRY(lc_index_scan_point(index, plan->key, &scan));
  else LC_TRY(lc_index_scan_range(index, (lc_span){0}, 0, plan->from, plan->to, &scan));
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
    case LC__BOUND_COLUMN: lc_buf_printf(to, "c%u", bound->column); break;
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
