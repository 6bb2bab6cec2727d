/*
 * Plans: which index a filter uses, and that whatever it uses the answer is that of a model which knows neither indexes nor BSATN: random
 * predicates over random rows, evaluated here on plain structs.
 */
#include "query/plan.h"

#include <math.h>

#include "harness.h"

typedef struct row {
  uint32_t id, a, b;
  int16_t c;
  double f;
  char s[8];
  uint32_t d;
} row;

enum { ROWS_MAX = 300, COLUMNS = 7 };
static const char *const column_names[COLUMNS] = {"id", "a", "b", "c", "f", "s", "d"};
static lc_store *store;
static lc_table *table;
static row rows[ROWS_MAX];
static uint32_t row_count;
static lc_arena fixture;

static lc_index_def index_def(const char *name, lc_index_kind kind, uint16_t count, const uint16_t *columns) {
  lc_index_def def = {.name = lc_str_of(name), .source_name = lc_str_of(name), .kind = kind, .column_count = count};
  def.columns = lc_arena_copy(&fixture, columns, count * sizeof *columns);
  return def;
}
#define COLUMN_LIST(...)                                                           \
  (uint16_t)(sizeof((uint16_t[]){__VA_ARGS__}) / sizeof(uint16_t)), (uint16_t[]) { \
    __VA_ARGS__                                                                    \
  }

static void set_up(void) {
  static const lc_type_kind kinds[COLUMNS] = {LC_TYPE_U32, LC_TYPE_U32, LC_TYPE_U32, LC_TYPE_I16, LC_TYPE_F64, LC_TYPE_STRING, LC_TYPE_U32};
  lc_field *fields = LC_ARENA_ARRAY(&fixture, lc_field, COLUMNS);
  lc_column_def columns[COLUMNS] = {0};
  for (int i = 0; i < COLUMNS; i++) {
    fields[i] = (lc_field){lc_str_of(column_names[i]), lc_type_primitive(kinds[i])};
    columns[i] = (lc_column_def){fields[i].name, fields[i].name, fields[i].type, {0}};
  }
  lc_type *type = lc_type_product(&fixture, fields, COLUMNS);
  lc_typespace space = {.types = &type, .count = 1};
  expect_ok(lc_typespace_link(&space));
  lc_index_def indexes[] = {
      index_def("by_id", LC_INDEX_BTREE, COLUMN_LIST(0)),        index_def("by_abc", LC_INDEX_BTREE, COLUMN_LIST(1, 2, 3)),
      index_def("by_b_hash", LC_INDEX_HASH, COLUMN_LIST(2)),     index_def("by_f", LC_INDEX_BTREE, COLUMN_LIST(4)),
      index_def("by_fs_hash", LC_INDEX_HASH, COLUMN_LIST(4, 5)), index_def("by_sf", LC_INDEX_BTREE, COLUMN_LIST(5, 4)),
      index_def("by_d", LC_INDEX_DIRECT, COLUMN_LIST(6)),
  };
  static uint16_t id_column[] = {0}, d_column[] = {6};
  lc_constraint_def unique[] = {{LC_STR("unique_id"), id_column, 1}, {LC_STR("unique_d"), d_column, 1}};
  lc_table_def def = {.name = LC_STR("t"),
                      .source_name = LC_STR("t"),
                      .row = type,
                      .layout = lc_layout_create(&fixture, type),
                      .columns = columns,
                      .column_count = COLUMNS,
                      .primary_key = 0,
                      .indexes = indexes,
                      .index_count = sizeof indexes / sizeof *indexes,
                      .constraints = unique,
                      .constraint_count = 2,
                      .is_public = true};
  store = lc_store_create();
  lc_store_begin(store);
  expect_ok(lc_store_create_table(store, &def, &table));
  const lc_delta *delta;
  lc_store_commit(store, &delta);
  row_count = 0;
}

static void encode(lc_buf *to, const row *r) {
  lc_buf_put32(to, r->id);
  lc_buf_put32(to, r->a);
  lc_buf_put32(to, r->b);
  lc_buf_put16(to, (uint16_t)r->c);
  lc_buf_append(to, &r->f, 8);
  lc_buf_put_sized(to, r->s, strlen(r->s));
  lc_buf_put32(to, r->d);
}

static const double floats[] = {-INFINITY, -1.5, -0.0, 0.0, 1, 2.5, 1e300, INFINITY, NAN};
static const char *const float_texts[] = {"-1e999", "-1.5", "-0.0", "0", "1.0", "25e-1", "1e300", "1e999"}; /* NaN cannot be written */
static const char *const strings[] = {"", "a", "aa", "ab", "b", "it's"};
static uint32_t pick(uint32_t count) {
  return (uint32_t)rand() % count;
}
#define PICK(array) (array)[pick(sizeof(array) / sizeof *(array))]

static void change_rows(int changes) {
  static uint32_t next_id = 1;
  lc_store_begin(store);
  for (int i = 0; i < changes; i++) {
    bool insert = row_count < ROWS_MAX && (row_count < 50 || pick(2));
    row r = insert ? (row){.id = next_id,
                           .a = pick(4),
                           .b = pick(4),
                           .c = (int16_t)((int)pick(5) - 2),
                           .f = PICK(floats),
                           .d = next_id + pick(2) * 1000}
                   : rows[pick(row_count)];
    if (insert) {
      next_id++;
      snprintf(r.s, sizeof r.s, "%s", PICK(strings));
    }
    lc_buf bytes = {0};
    encode(&bytes, &r);
    if (insert) {
      lc_insert_result inserted;
      lc_err err = lc_table_insert(table, lc_buf_span(&bytes), &inserted);
      if (!lc_failed(err)) rows[row_count++] = r; /* d may be taken */
    } else {
      expect(lc_table_delete_equal(table, lc_buf_span(&bytes)));
      uint32_t at = 0;
      while (rows[at].id != r.id) at++;
      rows[at] = rows[--row_count];
    }
    lc_buf_deinit(&bytes);
  }
  const lc_delta *delta;
  lc_store_commit(store, &delta);
}

/* ---- the model ---- */

typedef struct predicate predicate;
struct predicate {
  enum { TERM, ALL_OF, ANY_OF } kind;
  int column, compare; /* of a term; compare as lc__compare */
  bool with_column;    /* a with b, instead of a column with a constant */
  row constant;
  const char *float_text;
  predicate *parts[4];
  int part_count;
};

static int order_of(double a, double b) {
  if (isnan(a) || isnan(b)) return isnan(a) - isnan(b);
  return (a > b) - (a < b);
}

static int model_compare(int column, const row *x, const row *y) {
  switch (column) {
    case 0:
      return (x->id > y->id) - (x->id < y->id);
    case 1:
      return (x->a > y->a) - (x->a < y->a);
    case 2:
      return (x->b > y->b) - (x->b < y->b);
    case 3:
      return (x->c > y->c) - (x->c < y->c);
    case 4:
      return order_of(x->f, y->f);
    case 5:
      return strcmp(x->s, y->s);
    default:
      return (x->d > y->d) - (x->d < y->d);
  }
}

static bool model_matches(const predicate *p, const row *r) {
  if (p->kind == TERM) {
    row crossed = {.a = r->b};
    int order = p->with_column ? model_compare(1, r, &crossed) : model_compare(p->column, r, &p->constant);
    const bool results[] = {order == 0, order != 0, order < 0, order <= 0, order > 0, order >= 0};
    return results[p->compare];
  }
  for (int i = 0; i < p->part_count; i++) {
    if (model_matches(p->parts[i], r) != (p->kind == ALL_OF)) return p->kind != ALL_OF;
  }
  return p->kind == ALL_OF;
}

static predicate *random_predicate(lc_arena *arena, int depth) {
  predicate *p = LC_ARENA_NEW(arena, predicate);
  p->kind = depth == 0 || pick(5) == 0 ? TERM : pick(3) == 0 ? ANY_OF : ALL_OF;
  if (p->kind == TERM) {
    p->column = (int)pick(COLUMNS);
    p->compare = pick(2) ? LC__EQ : (int)pick(6);
    p->with_column = pick(20) == 0;
    const row *model = row_count && pick(2) ? &rows[pick(row_count)] : NULL;
    uint32_t f = pick(sizeof float_texts / sizeof *float_texts);
    p->constant = (row){.id = model ? model->id : pick(3000),
                        .a = pick(5),
                        .b = pick(5),
                        .c = (int16_t)((int)pick(7) - 3),
                        .f = floats[f],
                        .d = model ? model->d : pick(3000)};
    p->float_text = float_texts[f];
    snprintf(p->constant.s, sizeof p->constant.s, "%s", PICK(strings));
    return p;
  }
  p->part_count = 2 + (int)pick(3);
  for (int i = 0; i < p->part_count; i++) p->parts[i] = random_predicate(arena, depth - 1);
  return p;
}

static void print_constant(lc_buf *to, const predicate *p) {
  switch (p->column) {
    case 0:
      lc_buf_printf(to, "%u", p->constant.id);
      break;
    case 1:
      lc_buf_printf(to, "%u", p->constant.a);
      break;
    case 2:
      lc_buf_printf(to, "%u", p->constant.b);
      break;
    case 3:
      lc_buf_printf(to, "%d", p->constant.c);
      break;
    case 4:
      lc_buf_put_text(to, p->float_text);
      break;
    case 5:
      lc_buf_put8(to, '\'');
      for (const char *c = p->constant.s; *c; c++) lc_buf_printf(to, *c == '\'' ? "''" : "%c", *c);
      lc_buf_put8(to, '\'');
      break;
    default:
      lc_buf_printf(to, "%u", p->constant.d);
  }
}

static void print_predicate(lc_buf *to, const predicate *p) {
  static const char *const symbols[] = {"=", "<>", "<", "<=", ">", ">="}, *const flipped[] = {"=", "!=", ">", ">=", "<", "<="};
  if (p->kind == TERM && p->with_column) {
    lc_buf_printf(to, "a %s b", symbols[p->compare]);
  } else if (p->kind == TERM && pick(4) == 0) { /* the constant in front */
    print_constant(to, p);
    lc_buf_printf(to, " %s %s", flipped[p->compare], column_names[p->column]);
  } else if (p->kind == TERM) {
    lc_buf_printf(to, "%s %s ", column_names[p->column], symbols[p->compare]);
    print_constant(to, p);
  }
  for (int i = 0; i < p->part_count; i++) {
    if (i) lc_buf_put_text(to, p->kind == ALL_OF ? " AND " : " OR ");
    lc_buf_put8(to, '(');
    print_predicate(to, p->parts[i]);
    lc_buf_put8(to, ')');
  }
}

/* ---- plans ---- */

static void make_plan(lc_arena *arena, const char *where, lc__plan *plan) {
  lc_query_context context = {.store = store, .is_owner = true};
  lc__statement statement;
  lc__bound *filter;
  lc_str sql = lc_arena_printf(arena, "SELECT * FROM t WHERE %s", where);
  expect_ok(lc__sql_parse(arena, LC_DIALECT_SUBSCRIPTION, sql, &statement));
  expect_ok(lc__bind_where(arena, &context, table, &statement.from, statement.where, &filter));
  *plan = (lc__plan){.store = store};
  lc__plan_access(arena, table, filter, plan);
}

static bool mark(void *context, const lc_row *found) {
  uint8_t *seen = context;
  uint32_t id = lc_load32(found->bytes);
  for (uint32_t i = 0; i < row_count; i++) {
    if (rows[i].id != id) continue;
    seen[i]++;
    return true;
  }
  lc_test_fail("row %u is not there any more", id);
}

static void expect_model(const lc__plan *plan, const predicate *p, const char *where) {
  uint8_t seen[ROWS_MAX] = {0};
  expect_ok(lc__plan_run(plan, mark, seen));
  for (uint32_t i = 0; i < row_count; i++) {
    bool wanted = model_matches(p, &rows[i]);
    if (seen[i] != wanted)
      lc_test_fail("WHERE %s gave row %u %u times instead of %u (access %d)", where, rows[i].id, seen[i], wanted, plan->access);
  }
}

TEST(Q1_any_plan_gives_what_a_model_without_indexes_gives) {
  set_up();
  srand(11);
  int used[3] = {0}, prefixes = 0;
  for (int round = 0; round < 4000; round++) {
    if (round % 20 == 0) change_rows(30);
    lc_arena arena = {0};
    lc_buf where = {0};
    lc__plan plan;
    predicate *p = random_predicate(&arena, 2);
    print_predicate(&where, p);
    make_plan(&arena, lc_buf_cstr(&where), &plan);
    used[plan.access]++;
    prefixes += plan.access == LC__ACCESS_RANGE && plan.key_columns > 0;
    expect_model(&plan, p, lc_buf_cstr(&where));
    plan.access = LC__ACCESS_SCAN;
    expect_model(&plan, p, lc_buf_cstr(&where));
    lc_buf_deinit(&where);
    lc_arena_deinit(&arena);
  }
  expect(used[LC__ACCESS_SCAN] > 400 && used[LC__ACCESS_POINT] > 400 && used[LC__ACCESS_RANGE] > 400 && prefixes > 50);
  lc_store_destroy(store);
  lc_arena_deinit(&fixture);
}

TEST(the_index_that_fixes_most_columns_is_used) {
  static const struct {
    const char *where, *index;
    lc__access access;
    uint32_t key_columns;
    lc_bound_kind from, to;
  } cases[] = {
      {"id = 5", "by_id", LC__ACCESS_POINT, 1, LC_BOUND_UNBOUNDED, LC_BOUND_UNBOUNDED},
      {"5 = id AND b = 2", "by_id", LC__ACCESS_POINT, 1, LC_BOUND_UNBOUNDED, LC_BOUND_UNBOUNDED},
      {"a = 1 AND b = 2 AND c = 3", "by_abc", LC__ACCESS_POINT, 3, LC_BOUND_UNBOUNDED, LC_BOUND_UNBOUNDED},
      {"a = 1 AND b = 2 AND c = 3 AND d = 4", "by_d", LC__ACCESS_POINT, 1, LC_BOUND_UNBOUNDED, LC_BOUND_UNBOUNDED},
      {"a = 1 AND (b = 2 AND c > 3)", "by_abc", LC__ACCESS_RANGE, 2, LC_BOUND_EXCLUDED, LC_BOUND_UNBOUNDED},
      {"c <= 3 AND a = 1 AND b = 2 AND c >= 0", "by_abc", LC__ACCESS_RANGE, 2, LC_BOUND_INCLUDED, LC_BOUND_INCLUDED},
      {"a = 1 AND b > 2 AND c = 3", "by_abc", LC__ACCESS_RANGE, 1, LC_BOUND_EXCLUDED, LC_BOUND_UNBOUNDED},
      {"a = 1 AND c = 3", "by_abc", LC__ACCESS_RANGE, 1, LC_BOUND_UNBOUNDED, LC_BOUND_UNBOUNDED},
      {"a < 3 AND b <> 2", "by_abc", LC__ACCESS_RANGE, 0, LC_BOUND_UNBOUNDED, LC_BOUND_EXCLUDED},
      {"a = 1 AND b = 2", "by_abc", LC__ACCESS_RANGE, 2, LC_BOUND_UNBOUNDED, LC_BOUND_UNBOUNDED},
      {"b = 2 AND a > 1", "by_b_hash", LC__ACCESS_POINT, 1, LC_BOUND_UNBOUNDED, LC_BOUND_UNBOUNDED},
      {"f = 0 AND s = 'x'", "by_fs_hash", LC__ACCESS_POINT, 2, LC_BOUND_UNBOUNDED, LC_BOUND_UNBOUNDED},
      {"f > 0 AND f >= 1 AND f < 5", "by_f", LC__ACCESS_RANGE, 0, LC_BOUND_INCLUDED, LC_BOUND_EXCLUDED},
      {"s = 'x' AND f > 0 AND f < 5", "by_sf", LC__ACCESS_RANGE, 1, LC_BOUND_EXCLUDED, LC_BOUND_EXCLUDED},
      {"d >= 7", "by_d", LC__ACCESS_RANGE, 0, LC_BOUND_INCLUDED, LC_BOUND_UNBOUNDED},
      {"c = 3", NULL, LC__ACCESS_SCAN, 0, 0, 0},
      {"b > 3", NULL, LC__ACCESS_SCAN, 0, 0, 0},
      {"id = 5 OR id = 6", NULL, LC__ACCESS_SCAN, 0, 0, 0},
      {"a = b", NULL, LC__ACCESS_SCAN, 0, 0, 0},
      {"id <> 5", NULL, LC__ACCESS_SCAN, 0, 0, 0},
  };
  set_up();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    lc_arena arena = {0};
    lc__plan plan;
    make_plan(&arena, cases[i].where, &plan);
    lc_str used = cases[i].index ? lc_index_def_of(lc_store_index(store, plan.index_id))->name : (lc_str){0};
    bool same = plan.access == cases[i].access &&
                (cases[i].index == NULL || (lc_str_is(used, cases[i].index) && plan.key_columns == cases[i].key_columns));
    if (same && plan.access == LC__ACCESS_RANGE) same = plan.from.kind == cases[i].from && plan.to.kind == cases[i].to;
    if (!same)
      lc_test_fail("WHERE %s: access %d by %.*s with %u columns", cases[i].where, plan.access, LC_STR_ARGS(used), plan.key_columns);
    lc_arena_deinit(&arena);
  }
}

TEST(the_tightest_bound_counts) {
  set_up();
  lc_arena arena = {0};
  lc__plan plan;
  make_plan(&arena, "f > 1 AND f >= 3 AND f > 3 AND f > 2 AND f < 9 AND f <= 7 AND f < 8", &plan);
  double from = 3, to = 7;
  expect_equal(plan.access, LC__ACCESS_RANGE);
  expect_equal(plan.from.kind, LC_BOUND_EXCLUDED);
  expect_bytes(plan.from.value.ptr, plan.from.value.len, &from, 8);
  expect_equal(plan.to.kind, LC_BOUND_INCLUDED);
  expect_bytes(plan.to.value.ptr, plan.to.value.len, &to, 8);
  lc_arena_deinit(&arena);
}

TEST(P1_a_plan_stays_right_when_its_index_goes_away) {
  set_up();
  srand(5);
  change_rows(100);
  lc_arena arena = {0};
  lc__plan plan;
  predicate p = {.kind = TERM, .column = 1, .compare = LC__LT, .constant = {.a = 2}};
  make_plan(&arena, "a < 2", &plan);
  expect_equal(plan.access, LC__ACCESS_RANGE);
  lc_store_begin(store);
  expect_ok(lc_table_remove_index(table, LC_STR("by_abc")));
  const lc_delta *delta;
  lc_store_commit(store, &delta);
  expect_model(&plan, &p, "a < 2");
  lc_arena_deinit(&arena);
}
