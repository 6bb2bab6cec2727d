/*
 * Random transactions against a brute-force model: an array of rows per table. After each transaction the contents, the delta, counts,
 * point and range scans of every index and the store's own check are compared, and the deltas are applied to a second store, which must end
 * up equal. The model knows nothing of indexes: it compares keys with lc_value_compare and looks at all rows.
 */
#include "store/support.h"

enum { MODEL_ROWS = 400, TABLES = 8 };

typedef struct model_row {
  lc_buf bytes;
} model_row;
typedef struct model { /* a set of rows */
  model_row rows[MODEL_ROWS];
  uint32_t count;
  __int128 next; /* of the sequence */
} model;

static uint64_t seed_state;
static uint32_t below(uint32_t limit) {
  seed_state ^= seed_state << 13;
  seed_state ^= seed_state >> 7;
  seed_state ^= seed_state << 17;
  return (uint32_t)((seed_state >> 32) * limit >> 32);
}

static lc_store *store, *mirror;
static test_def defs[TABLES];
static lc_table *tables[TABLES];
static model models[TABLES], saved[TABLES], before[TABLES];

/* ---- the model ---- */

static void model_copy(model *to, const model *from) {
  for (uint32_t i = 0; i < from->count; i++) {
    lc_buf_clear(&to->rows[i].bytes);
    lc_buf_put_span(&to->rows[i].bytes, lc_buf_span(&from->rows[i].bytes));
  }
  to->count = from->count;
  to->next = from->next;
}

static int model_find(const model *m, lc_span row) {
  for (uint32_t i = 0; i < m->count; i++) {
    if (lc_span_equal(lc_buf_span(&m->rows[i].bytes), row)) return (int)i;
  }
  return -1;
}

static void model_add(model *m, lc_span row) {
  expect(m->count < MODEL_ROWS);
  lc_buf_clear(&m->rows[m->count].bytes);
  lc_buf_put_span(&m->rows[m->count++].bytes, row);
}

static void model_remove(model *m, uint32_t at) {
  model_row gone = m->rows[at];
  m->rows[at] = m->rows[--m->count];
  m->rows[m->count] = gone;
}

static int key_order(uint32_t t, const uint16_t *columns, uint16_t count, const uint8_t *a, const uint8_t *b) {
  const lc_layout *layout = lc_table_layout(tables[t]);
  for (uint16_t i = 0; i < count; i++) {
    int order = lc_value_compare(layout->columns[columns[i]].type, lc_layout_column(layout, a, columns[i]).ptr,
                                 lc_layout_column(layout, b, columns[i]).ptr);
    if (order) return order;
  }
  return 0;
}

/* The row with which `row` would clash, other than `except`; -1 when none. */
static int model_clash(uint32_t t, lc_span row, int except) {
  for (uint32_t c = 0; c < defs[t].def.constraint_count; c++) {
    const lc_constraint_def *unique = &defs[t].def.constraints[c];
    for (uint32_t i = 0; i < models[t].count; i++) {
      if ((int)i != except && key_order(t, unique->columns, unique->column_count, models[t].rows[i].bytes.data, row.ptr) == 0)
        return (int)i;
    }
  }
  return -1;
}

/* ---- tables and rows of many shapes ---- */

static lc_type *an_enum(lc_arena *arena) {
  lc_field *fields = LC_ARENA_ARRAY(arena, lc_field, 3);
  const char *names[] = {"a", "b", "c"};
  for (int i = 0; i < 3; i++) fields[i] = (lc_field){lc_str_of(names[i]), lc_type_product(arena, NULL, 0)};
  return lc_type_sum(arena, fields, 3);
}

static lc_type *an_option(lc_arena *arena, const lc_type *type) {
  lc_field *fields = LC_ARENA_ARRAY(arena, lc_field, 2);
  fields[0] = (lc_field){LC_STR("some"), type};
  fields[1] = (lc_field){LC_STR("none"), lc_type_product(arena, NULL, 0)};
  return lc_type_sum(arena, fields, 2);
}

static void make_tables(void) {
  test_def *t = &defs[0]; /* the account: fixed, unique btree on an integer */
  def_begin(t, "account");
  def_column(t, "id", type_u32());
  def_column(t, "balance", type_i64());
  def_index(t, LC_INDEX_BTREE, "0", true);
  t = &defs[1]; /* several unique indexes and one that is not, variable rows */
  def_begin(t, "person");
  def_column(t, "id", type_u64());
  def_column(t, "name", type_string());
  def_column(t, "age", lc_type_primitive(LC_TYPE_I16));
  def_index(t, LC_INDEX_HASH, "0", true);
  def_index(t, LC_INDEX_BTREE, "1", true);
  def_index(t, LC_INDEX_BTREE, "2", false);
  t = &defs[2]; /* no unique index: set semantics by whole rows; indexes of two columns */
  def_begin(t, "link");
  def_column(t, "a", lc_type_primitive(LC_TYPE_I8));
  def_column(t, "b", type_string());
  def_column(t, "c", type_u32());
  def_index(t, LC_INDEX_BTREE, "0,1,2", false);
  def_index(t, LC_INDEX_HASH, "1,0", false);
  def_index(t, LC_INDEX_BTREE, "2,0", false);
  t = &defs[3]; /* floats as keys */
  def_begin(t, "floats");
  def_column(t, "f", lc_type_primitive(LC_TYPE_F64));
  def_column(t, "g", lc_type_primitive(LC_TYPE_F32));
  def_column(t, "n", type_u32());
  def_index(t, LC_INDEX_BTREE, "0", true);
  def_index(t, LC_INDEX_HASH, "1,0", true);
  def_index(t, LC_INDEX_BTREE, "1,2", false);
  t = &defs[4]; /* direct, dense and sparse, and an enum */
  def_begin(t, "direct");
  def_column(t, "a", type_u8());
  def_column(t, "b", type_u64());
  def_column(t, "c", an_enum(&t->arena));
  def_index(t, LC_INDEX_DIRECT, "0", true);
  def_index(t, LC_INDEX_DIRECT, "1", true);
  def_index(t, LC_INDEX_DIRECT, "2", false);
  t = &defs[5]; /* auto-increment */
  def_begin(t, "auto");
  def_column(t, "text", type_string());
  def_column(t, "id", lc_type_primitive(LC_TYPE_U16));
  def_column(t, "w", lc_type_primitive(LC_TYPE_I256));
  def_index(t, LC_INDEX_BTREE, "1", true);
  def_sequence(t, 1);
  t = &defs[6]; /* 256-bit keys, options, a unique index of two columns */
  def_begin(t, "wide");
  def_column(t, "who", lc_type_primitive(LC_TYPE_U256));
  def_column(t, "o", an_option(&t->arena, type_u32()));
  def_column(t, "k", lc_type_primitive(LC_TYPE_I128));
  def_index(t, LC_INDEX_BTREE, "0,1", true);
  def_index(t, LC_INDEX_BTREE, "1", false);
  def_index(t, LC_INDEX_BTREE, "2,0", false);
  t = &defs[7]; /* an event table */
  def_begin(t, "event");
  def_column(t, "id", type_u32());
  def_column(t, "text", type_string());
  def_index(t, LC_INDEX_BTREE, "0", true);
  t->def.is_event = true;
}

static void put_random_value(lc_buf *row, const lc_type *type) {
  static const double doubles[] = {0.0, -0.0, 1.5, -1.5, 1e300, -1e300, 3.0};
  uint32_t size = lc_type_primitive_size(type->kind);
  if (type->kind == LC_TYPE_STRING) {
    uint32_t len = below(20) == 0 ? 500 + below(800) : below(12);
    lc_buf_put32(row, len);
    for (uint32_t i = 0; i < len; i++) lc_buf_put8(row, (uint8_t)("ab\0z"[i < 8 ? below(2) * 3 : below(4)]));
  } else if (type->kind == LC_TYPE_SUM) {
    bool option = lc_type_resolve(type->fields[0].type)->kind == LC_TYPE_U32;
    uint8_t tag = (uint8_t)below(type->field_count);
    lc_buf_put8(row, tag);
    if (option && tag == 0) lc_buf_put32(row, below(4));
  } else if (type->kind == LC_TYPE_F64) {
    double value = doubles[below(7)];
    uint64_t nan = below(2) ? 0x7ff8000000000001u : 0xfff8000000000000u;
    if (below(4) == 0)
      lc_buf_put64(row, nan);
    else
      lc_buf_append(row, &value, 8);
  } else if (type->kind == LC_TYPE_F32) {
    float value = (float)doubles[below(4)];
    lc_buf_append(row, &value, 4);
  } else { /* integers: small ones, some negative, some that differ only in the highest byte */
    uint8_t bytes[32] = {(uint8_t)below(size == 1 ? 40 : 120)};
    if (lc_type_is_signed(type->kind) && below(3) == 0) memset(bytes + 1, 0xff, 31);
    if (size > 1 && below(6) == 0) bytes[size - 1] ^= (uint8_t)below(3);
    lc_buf_append(row, bytes, size);
  }
}

static void random_row(uint32_t t, lc_buf *row) {
  lc_buf_clear(row);
  const lc_layout *layout = lc_table_layout(tables[t]);
  for (uint32_t i = 0; i < layout->column_count; i++) put_random_value(row, layout->columns[i].type);
  if (t == 5 && below(2)) lc_store16(row->data + 4 + lc_load32(row->data), 0); /* have it generated */
  if (t == 3) { /* the whole row must not be all that differs between NaNs: a small number too */
    lc_store32(row->data + 12, below(6));
  }
}

/* ---- operations ---- */

/* What the sequence of table 5 makes of the row. */
static void model_generate(lc_buf *row) {
  uint8_t *at = row->data + 4 + lc_load32(row->data);
  if (lc_load16(at) == 0) lc_store16(at, (uint16_t)models[5].next++);
}

static void op_insert(uint32_t t, lc_buf *row) {
  if (models[t].count >= MODEL_ROWS - 1) return;
  random_row(t, row);
  lc_insert_result result;
  lc_err err = lc_table_insert(tables[t], lc_buf_span(row), &result);
  if (t == 5) model_generate(row);
  int same = model_find(&models[t], lc_buf_span(row));
  int clash = same >= 0 ? -1 : model_clash(t, lc_buf_span(row), -1);
  if (clash >= 0) {
    expect_error(err, LC_ERR_UNIQUE);
    return;
  }
  expect_ok(err);
  expect_equal(result.existed, same >= 0);
  expect_bytes(result.row.bytes, result.row.len, row->data, row->len);
  if (same < 0) model_add(&models[t], lc_buf_span(row));
}

static void op_update(uint32_t t, lc_buf *row) {
  lc_index *index = lc_table_index(tables[t], below(lc_table_index_count(tables[t])));
  random_row(t, row);
  if (models[t].count && below(3)) { /* aim: the key of a row that is there */
    const lc_buf *old = &models[t].rows[below(models[t].count)].bytes;
    lc_buf aimed = {0};
    const lc_layout *layout = lc_table_layout(tables[t]);
    for (uint16_t c = 0; c < layout->column_count; c++) {
      bool in_key = false;
      for (uint16_t k = 0; k < lc_index_def_of(index)->column_count; k++) in_key |= lc_index_def_of(index)->columns[k] == c;
      lc_buf_put_span(&aimed, lc_layout_column(layout, in_key || below(2) ? old->data : row->data, c));
    }
    lc_buf_clear(row);
    lc_buf_put_span(row, lc_buf_span(&aimed));
    lc_buf_deinit(&aimed);
  }
  lc_insert_result result;
  lc_err err = lc_table_update(tables[t], index, lc_buf_span(row), &result);
  if (!lc_index_is_unique(index)) {
    expect_error(err, LC_ERR_INDEX_NOT_UNIQUE);
    return;
  }
  if (t == 5) model_generate(row);
  int old = -1;
  for (uint32_t i = 0; i < models[t].count && old < 0; i++) {
    if (key_order(t, lc_index_def_of(index)->columns, lc_index_def_of(index)->column_count, models[t].rows[i].bytes.data, row->data) == 0)
      old = (int)i;
  }
  if (old < 0) {
    expect_error(err, LC_ERR_NO_SUCH_ROW);
  } else if (model_clash(t, lc_buf_span(row), old) >= 0) {
    expect_error(err, LC_ERR_UNIQUE);
  } else {
    expect_ok(err);
    model_remove(&models[t], (uint32_t)old);
    model_add(&models[t], lc_buf_span(row));
  }
}

static void op_delete(uint32_t t, lc_buf *row) {
  if (models[t].count && below(4)) {
    uint32_t at = below(models[t].count);
    lc_buf_clear(row);
    lc_buf_put_span(row, lc_buf_span(&models[t].rows[at].bytes));
  } else {
    random_row(t, row);
  }
  int at = model_find(&models[t], lc_buf_span(row));
  expect_equal(lc_table_delete_equal(tables[t], lc_buf_span(row)), at >= 0);
  if (at >= 0) {
    model_remove(&models[t], (uint32_t)at);
    if (below(3) == 0) { /* and back again */
      lc_insert_result result;
      expect_ok(lc_table_insert(tables[t], lc_buf_span(row), &result));
      if (t == 5) model_generate(row);
      model_add(&models[t], lc_buf_span(row));
    }
  }
}

static void random_op(lc_buf *row) {
  uint32_t t = below(TABLES), what = below(100);
  if (what < 45)
    op_insert(t, row);
  else if (what < 75)
    op_update(t, row);
  else if (what < 98)
    op_delete(t, row);
  else if (what == 98) {
    expect_equal(lc_table_clear(tables[t]), models[t].count);
    models[t].count = 0;
  } else if (below(2)) {
    lc_savepoint savepoint = lc_store_savepoint(store);
    for (uint32_t i = 0; i < TABLES; i++) model_copy(&saved[i], &models[i]);
    for (uint32_t i = below(6); i > 0; i--) {
      uint32_t u = below(TABLES);
      if (below(2))
        op_insert(u, row);
      else
        op_delete(u, row);
    }
    lc_store_rollback_to(store, savepoint);
    for (uint32_t i = 0; i < TABLES; i++) model_copy(&models[i], &saved[i]);
  }
}

/* ---- comparisons ---- */

static void compare_contents(uint32_t t) {
  expect_equal(lc_table_row_count(tables[t]), models[t].count);
  lc_scan scan;
  uint32_t seen = 0;
  lc_table_scan(tables[t], &scan);
  for (lc_row row; lc_scan_next(&scan, &row); seen++) expect(model_find(&models[t], lc_span_of(row.bytes, row.len)) >= 0);
  expect_equal(seen, models[t].count);
}

/* Rows of the model whose first `prefix` key columns equal those of `probe`, and whose next lies between those of `from` and `to`. */
static bool in_range(uint32_t t, const lc_index_def *def, uint16_t prefix, const uint8_t *probe, const uint8_t *from,
                     lc_bound_kind from_kind, const uint8_t *to, lc_bound_kind to_kind, const uint8_t *row) {
  if (key_order(t, def->columns, prefix, probe, row) != 0) return false;
  int low = from_kind == LC_BOUND_UNBOUNDED ? 1 : key_order(t, def->columns + prefix, 1, row, from);
  int high = to_kind == LC_BOUND_UNBOUNDED ? -1 : key_order(t, def->columns + prefix, 1, row, to);
  return (low > 0 || (low == 0 && from_kind == LC_BOUND_INCLUDED)) && (high < 0 || (high == 0 && to_kind == LC_BOUND_INCLUDED));
}

static lc_bound bound_of(uint32_t t, const lc_index_def *def, uint16_t column, const uint8_t *row, lc_bound_kind kind) {
  lc_bound bound = {.kind = kind};
  if (kind != LC_BOUND_UNBOUNDED) bound.value = lc_layout_column(lc_table_layout(tables[t]), row, def->columns[column]);
  return bound;
}

static void compare_range(uint32_t t, lc_index *index, const uint8_t *probe, const uint8_t *from, const uint8_t *to) {
  const lc_index_def *def = lc_index_def_of(index);
  uint16_t prefix = (uint16_t)below(def->column_count);
  lc_bound_kind from_kind = (lc_bound_kind)below(3), to_kind = (lc_bound_kind)below(3);
  lc_buf bytes = {0};
  for (uint16_t i = 0; i < prefix; i++) lc_buf_put_span(&bytes, lc_layout_column(lc_table_layout(tables[t]), probe, def->columns[i]));
  lc_scan scan;
  lc_err err = lc_index_scan_range(index, lc_buf_span(&bytes), prefix, bound_of(t, def, prefix, from, from_kind),
                                   bound_of(t, def, prefix, to, to_kind), &scan);
  lc_buf_deinit(&bytes);
  if (!lc_index_has_ranges(index)) {
    expect_error(err, LC_ERR_INDEX_KIND);
    return;
  }
  expect_ok(err);
  uint32_t expected = 0, seen = 0;
  for (uint32_t i = 0; i < models[t].count; i++)
    expected += in_range(t, def, prefix, probe, from, from_kind, to, to_kind, models[t].rows[i].bytes.data);
  const uint8_t *last = NULL;
  for (lc_row row; lc_scan_next(&scan, &row); seen++) {
    expect(in_range(t, def, prefix, probe, from, from_kind, to, to_kind, row.bytes));
    if (last) expect(key_order(t, def->columns, def->column_count, last, row.bytes) <= 0);
    last = row.bytes;
  }
  expect_equal(seen, expected);
}

static void compare_point(uint32_t t, lc_index *index, const uint8_t *probe) {
  const lc_index_def *def = lc_index_def_of(index);
  lc_buf key = {0};
  for (uint16_t i = 0; i < def->column_count; i++)
    lc_buf_put_span(&key, lc_layout_column(lc_table_layout(tables[t]), probe, def->columns[i]));
  lc_buf_put8(&key, 0x77); /* trailing bytes are ignored */
  uint32_t expected = 0, seen = 0;
  for (uint32_t i = 0; i < models[t].count; i++)
    expected += key_order(t, def->columns, def->column_count, probe, models[t].rows[i].bytes.data) == 0;
  lc_scan scan;
  expect_ok(lc_index_scan_point(index, lc_buf_span(&key), &scan));
  for (lc_row row; lc_scan_next(&scan, &row); seen++) expect_equal(key_order(t, def->columns, def->column_count, probe, row.bytes), 0);
  expect_equal(seen, expected);
  if (lc_index_is_unique(index)) {
    lc_row row;
    bool found;
    lc_index_prefetch(index, lc_buf_span(&key));
    expect_ok(lc_index_find(index, lc_buf_span(&key), &row, &found));
    expect_equal(found, expected);
  }
  lc_buf_deinit(&key);
}

static void compare_indexes(uint32_t t) {
  lc_buf probe = {0}, from = {0}, to = {0};
  for (uint32_t i = 0; i < lc_table_index_count(tables[t]); i++) {
    random_row(t, &probe);
    random_row(t, &from);
    random_row(t, &to);
    lc_index *index = lc_table_index(tables[t], i);
    const uint8_t *near = models[t].count ? models[t].rows[below(models[t].count)].bytes.data : probe.data;
    compare_point(t, index, below(2) ? near : probe.data);
    compare_range(t, index, near, below(4) ? from.data : near, below(4) ? to.data : near);
  }
  lc_buf_deinit(&probe);
  lc_buf_deinit(&from);
  lc_buf_deinit(&to);
}

/* S3: the rows that were there and are not, and those that are there and were not, each once. */
static void compare_delta(const lc_delta *delta) {
  uint32_t previous = 0;
  bool seen[TABLES] = {0};
  for (uint32_t d = 0; d < delta->table_count; d++) {
    const lc_table_delta *changes = &delta->tables[d];
    expect(lc_table_id(changes->table) > previous);
    previous = lc_table_id(changes->table);
    if (previous < LC_ST_FIRST_USER) {
      expect_equal(previous, LC_ST_SEQUENCE);
      expect_equal(changes->insert_count, 1);
      expect_equal(changes->delete_count, 1);
      continue;
    }
    uint32_t t = 0;
    while (tables[t] != changes->table) t++;
    seen[t] = true;
    expect(changes->insert_count + changes->delete_count > 0);
    uint32_t gone = 0, come = 0;
    for (uint32_t i = 0; i < before[t].count; i++) gone += model_find(&models[t], lc_buf_span(&before[t].rows[i].bytes)) < 0;
    for (uint32_t i = 0; i < models[t].count; i++) come += model_find(&before[t], lc_buf_span(&models[t].rows[i].bytes)) < 0;
    expect_equal(changes->delete_count, gone);
    expect_equal(changes->insert_count, come);
    expect_equal(changes->truncated, gone > 0 && gone == before[t].count);
    for (uint32_t i = 0; i < gone; i++) {
      lc_span row = lc_span_of(changes->deletes[i].bytes, changes->deletes[i].len);
      expect(model_find(&before[t], row) >= 0 && model_find(&models[t], row) < 0);
      for (uint32_t k = 0; k < i; k++) expect(!lc_span_equal(row, lc_span_of(changes->deletes[k].bytes, changes->deletes[k].len)));
    }
    for (uint32_t i = 0; i < come; i++) {
      lc_span row = lc_span_of(changes->inserts[i].bytes, changes->inserts[i].len);
      expect(model_find(&models[t], row) >= 0 && model_find(&before[t], row) < 0);
      for (uint32_t k = 0; k < i; k++) expect(!lc_span_equal(row, lc_span_of(changes->inserts[k].bytes, changes->inserts[k].len)));
    }
  }
  for (uint32_t t = 0; t < TABLES; t++) { /* a table that is not listed has not changed */
    if (seen[t]) continue;
    expect_equal(models[t].count, before[t].count);
    for (uint32_t i = 0; i < models[t].count; i++) expect(model_find(&before[t], lc_buf_span(&models[t].rows[i].bytes)) >= 0);
  }
}

/* ---- runs ---- */

static void one_transaction(lc_buf *row) {
  for (uint32_t t = 0; t < TABLES; t++) model_copy(&before[t], &models[t]);
  lc_store_begin(store);
  uint32_t ops = below(5) == 0 ? 60 : 1 + below(8);
  for (uint32_t i = 0; i < ops; i++) random_op(row);
  compare_indexes(below(TABLES)); /* reads its own writes */
  if (below(4) == 0) {
    lc_store_abort(store);
    for (uint32_t t = 0; t < TABLES; t++) model_copy(&models[t], &before[t]);
    return;
  }
  const lc_delta *delta;
  lc_store_commit(store, &delta);
  compare_delta(delta);
  apply_delta(mirror, delta);
  lc_store_release(store);
  models[7].count = 0; /* events are gone */
}

static void run(uint64_t seed, uint32_t transactions) {
  seed_state = seed * 0x9e3779b97f4a7c15u + 1;
  store = lc_store_create();
  mirror = lc_store_create();
  make_tables();
  lc_store_begin(store);
  for (uint32_t t = 0; t < TABLES; t++) expect_ok(lc_store_create_table(store, &defs[t].def, &tables[t]));
  commit_to(store, mirror);
  for (uint32_t t = 0; t < TABLES; t++) models[t].count = 0, models[t].next = 1;
  lc_buf row = {0};
  for (uint32_t i = 0; i < transactions; i++) {
    one_transaction(&row);
    for (uint32_t t = 0; t < TABLES; t++) {
      compare_contents(t);
      compare_indexes(t);
    }
    if (i % 8 == 0) expect_ok(lc_store_check(store));
  }
  expect_ok(lc_store_check(store));
  expect_ok(lc_store_recovered(mirror));
  expect_ok(lc_store_check(mirror));
  lc_buf a = {0}, b = {0};
  dump_store(store, &a);
  dump_store(mirror, &b);
  expect_bytes(b.data, b.len, a.data, a.len);
  lc_buf_deinit(&a);
  lc_buf_deinit(&b);
  lc_buf_deinit(&row);
  lc_store_destroy(store);
  lc_store_destroy(mirror);
  for (uint32_t t = 0; t < TABLES; t++) {
    lc_arena_deinit(&defs[t].arena);
    for (uint32_t i = 0; i < MODEL_ROWS; i++) {
      lc_buf_deinit(&models[t].rows[i].bytes);
      lc_buf_deinit(&saved[t].rows[i].bytes);
      lc_buf_deinit(&before[t].rows[i].bytes);
    }
  }
}

TEST(random_transactions_agree_with_the_model_1) {
  run(1, 1500);
}
TEST(random_transactions_agree_with_the_model_2) {
  run(2, 1500);
}
TEST(random_transactions_agree_with_the_model_3) {
  run(3, 1500);
}
