#pragma once
/*
 * Part of lightcone.h: what the declarations expand to. Everything is static and generated from the one list of (kind, type, name), so
 * the struct, its encoding, the definition that the database sees and the typed functions cannot disagree.
 *
 * Things register themselves in functions exported as __preinit__20_register_describer_<name>; the host calls those in the order of their
 * names, so the number of a reducer is its position in that order, as it is for modules in Rust.
 */

/* ---- for each: LC__EACH(m, ctx, (a, b), (c, d)) is m(ctx, a, b) m(ctx, c, d), up to 255 of them ---- */
#define LC__PARENS ()
#define LC__EXPAND(...) LC__EXPAND3(LC__EXPAND3(LC__EXPAND3(LC__EXPAND3(__VA_ARGS__))))
#define LC__EXPAND3(...) LC__EXPAND2(LC__EXPAND2(LC__EXPAND2(LC__EXPAND2(__VA_ARGS__))))
#define LC__EXPAND2(...) LC__EXPAND1(LC__EXPAND1(LC__EXPAND1(LC__EXPAND1(__VA_ARGS__))))
#define LC__EXPAND1(...) LC__EXPAND0(LC__EXPAND0(LC__EXPAND0(LC__EXPAND0(__VA_ARGS__))))
#define LC__EXPAND0(...) __VA_ARGS__
#define LC__EACH(m, ctx, ...) __VA_OPT__(LC__EXPAND(LC__EACH_NEXT(m, ctx, __VA_ARGS__)))
#define LC__EACH_NEXT(m, ctx, item, ...) LC__CALL(m, (ctx, LC__UNWRAP item)) __VA_OPT__(LC__EACH_AGAIN LC__PARENS(m, ctx, __VA_ARGS__))
#define LC__EACH_AGAIN() LC__EACH_NEXT
#define LC__EACH_NAME(m, ctx, ...) __VA_OPT__(LC__EXPAND(LC__EACH_NAME_NEXT(m, ctx, __VA_ARGS__)))
#define LC__EACH_NAME_NEXT(m, ctx, item, ...) m(ctx, item) __VA_OPT__(LC__EACH_NAME_AGAIN LC__PARENS(m, ctx, __VA_ARGS__))
#define LC__EACH_NAME_AGAIN() LC__EACH_NAME_NEXT
#define LC__CALL(m, args) m args
#define LC__UNWRAP(...) __VA_ARGS__

#define LC__PREINIT(name, statement)                                                                              \
  __attribute__((export_name("__preinit__20_register_describer_" #name))) void lc__register_##name(void);          \
  void lc__register_##name(void) { statement; }

/* ---- products, sums, enums ---- */
#define LC__DEFINE_NAMED(Name, filterable)                                                                        \
  typedef Name lc_c_##Name;                                                                                       \
  enum { lc_filterable_##Name = filterable, lc_integer_##Name = 0 };                                              \
  static lc__named_type lc__type_##Name = {#Name, lc__body_##Name, 0, NULL};                                      \
  LC__FN void lc_describe_##Name(lc_describer *describer) { lc__describe_named(describer, &lc__type_##Name); }

#define LC__FIELD(ctx, T, name) lc_c_##T name;
#define LC__FIELD_PUT(ctx, T, name) lc_put_##T(writer, &value->name);
#define LC__FIELD_GET(ctx, T, name) lc_get_##T(reader, &value->name);
#define LC__FIELD_ELEMENT(ctx, T, name) {#name, lc_describe_##T},
#define LC__PRODUCT(Name, ...)                                                                                    \
  typedef struct Name { LC__EACH(LC__FIELD, ~, __VA_ARGS__) } Name;                                               \
  LC__FN void lc_put_##Name(lc_writer *writer, const Name *value) { (void)writer, (void)value; LC__EACH(LC__FIELD_PUT, ~, __VA_ARGS__) } \
  LC__FN void lc_get_##Name(lc_reader *reader, Name *value) { (void)reader, (void)value; LC__EACH(LC__FIELD_GET, ~, __VA_ARGS__) }       \
  static const lc__element lc__elements_##Name[] = {LC__EACH(LC__FIELD_ELEMENT, ~, __VA_ARGS__){NULL, NULL}};     \
  static void lc__body_##Name(lc_describer *describer) {                                                          \
    lc__describe_elements(describer, LC__PRODUCT_TYPE, lc__elements_##Name, sizeof lc__elements_##Name / sizeof(lc__element) - 1); \
  }                                                                                                               \
  LC__DEFINE_NAMED(Name, 0)

#define LC__VARIANT_TAG(Name, T, variant) Name##_##variant,
#define LC__VARIANT_PUT(Name, T, variant) case Name##_##variant: lc_put_##T(writer, &value->variant); break;
#define LC__VARIANT_GET(Name, T, variant) case Name##_##variant: lc_get_##T(reader, &value->variant); break;
#define LC__SUM(Name, ...)                                                                                        \
  typedef enum Name##_tag : uint8_t { LC__EACH(LC__VARIANT_TAG, Name, __VA_ARGS__) } Name##_tag;                  \
  typedef struct Name { Name##_tag tag; union { LC__EACH(LC__FIELD, ~, __VA_ARGS__) }; } Name;                    \
  LC__FN void lc_put_##Name(lc_writer *writer, const Name *value) {                                               \
    lc__put8(writer, value->tag);                                                                                 \
    switch (value->tag) { LC__EACH(LC__VARIANT_PUT, Name, __VA_ARGS__) }                                          \
  }                                                                                                               \
  LC__FN void lc_get_##Name(lc_reader *reader, Name *value) {                                                     \
    value->tag = (Name##_tag)lc__get8(reader);                                                                    \
    switch (value->tag) { LC__EACH(LC__VARIANT_GET, Name, __VA_ARGS__) }                                          \
  }                                                                                                               \
  static const lc__element lc__elements_##Name[] = {LC__EACH(LC__FIELD_ELEMENT, ~, __VA_ARGS__)};                 \
  static void lc__body_##Name(lc_describer *describer) {                                                          \
    lc__describe_elements(describer, LC__SUM_TYPE, lc__elements_##Name, sizeof lc__elements_##Name / sizeof(lc__element)); \
  }                                                                                                               \
  LC__DEFINE_NAMED(Name, 0)

#define LC__ENUM_TAG(Name, variant) Name##_##variant,
#define LC__ENUM_ELEMENT(Name, variant) {#variant, lc_describe_unit},
#define LC__ENUM(Name, ...)                                                                                       \
  typedef enum Name : uint8_t { LC__EACH_NAME(LC__ENUM_TAG, Name, __VA_ARGS__) } Name;                            \
  LC__FN void lc_put_##Name(lc_writer *writer, const Name *value) { lc__put8(writer, *value); }                   \
  LC__FN void lc_get_##Name(lc_reader *reader, Name *value) { *value = (Name)lc__get8(reader); }                  \
  static const lc__element lc__elements_##Name[] = {LC__EACH_NAME(LC__ENUM_ELEMENT, Name, __VA_ARGS__)};          \
  static void lc__body_##Name(lc_describer *describer) {                                                          \
    lc__describe_elements(describer, LC__SUM_TYPE, lc__elements_##Name, sizeof lc__elements_##Name / sizeof(lc__element)); \
  }                                                                                                               \
  LC__DEFINE_NAMED(Name, 1)

/* ---- tables ---- */

enum { LC__KEY = 1, LC__AUTO = 2, LC__UNIQUE = 4, LC__ORDERED = 8, LC__HASHED = 16 };
#define LC__KIND_column 0
#define LC__KIND_key (LC__KEY | LC__UNIQUE | LC__ORDERED)
#define LC__KIND_auto_key (LC__KEY | LC__UNIQUE | LC__ORDERED | LC__AUTO)
#define LC__KIND_hash_key (LC__KEY | LC__UNIQUE | LC__HASHED)
#define LC__KIND_unique (LC__UNIQUE | LC__ORDERED)
#define LC__KIND_index LC__ORDERED
#define LC__KIND_hash_index LC__HASHED
enum { LC__public = 1, LC__private = 0, LC__event = 3, LC__private_event = 2 };

typedef struct lc__column { const char *name; uint8_t flags; } lc__column;
typedef struct lc__index {
  const char *name, *accessor; /* the name that the database looks for; what bindings call it */
  const uint16_t *columns;
  uint16_t column_count;
  uint32_t id; /* plus 1; 0: not asked for yet */
  struct lc__index *next;
} lc__index;
typedef struct lc__table {
  const char *name;
  lc__named_type *row;
  const lc__column *columns;
  uint16_t column_count;
  uint8_t visibility;
  uint32_t id; /* plus 1; 0: not asked for yet */
  lc__index *indexes; /* over several columns */
  struct lc__table *next;
} lc__table;
typedef struct lc__bound { enum : uint8_t { LC__INCLUDED, LC__EXCLUDED, LC__UNBOUNDED } kind; } lc__bound;

/* Rows of a scan that have not been looked at yet. */
typedef struct lc_scan { uint32_t handle; lc_reader rows; } lc_scan;
void lc_scan_close(lc_scan *scan);

void lc__register_table(lc__table *table);
void lc__register_index(lc__table *table, lc__index *index);
bool lc__scan_more(lc_scan *scan); /* whether there is a row at scan->rows.at */
lc_scan lc__scan_table(lc__table *table);
lc_scan lc__scan_point(lc__index *index, const lc_writer *key);
lc_scan lc__scan_range(lc__index *index, const lc_writer *low, const lc_writer *high);
uint32_t lc__delete_point(lc__index *index, const lc_writer *key);
/* Both leave the generated columns in *row; insert is false when a unique constraint is violated. */
bool lc__insert(lc__table *table, lc_writer *row, lc_reader *generated);
void lc__update(lc__table *table, lc__index *index, lc_writer *row, lc_reader *generated);
uint32_t lc__delete_equal(lc__table *table, const lc_writer *rows);
uint64_t lc__count(lc__table *table);
uint64_t lc__clear(lc__table *table);

#define LC__COLUMN_FIELD(ctx, kind, T, column) lc_c_##T column;
#define LC__COLUMN_PUT(ctx, kind, T, column) lc_put_##T(writer, &value->column);
#define LC__COLUMN_GET(ctx, kind, T, column) lc_get_##T(reader, &value->column);
#define LC__COLUMN_ELEMENT(ctx, kind, T, column) {#column, lc_describe_##T},
#define LC__COLUMN_FLAGS(ctx, kind, T, column) {#column, LC__KIND_##kind},
#define LC__COLUMN_NUMBER(table, kind, T, column) LC__COLUMN_OF_##table##_##column,
#define LC__COLUMN_GENERATED(ctx, kind, T, column) \
  if ((LC__KIND_##kind & LC__AUTO) && lc__is_zero(&row->column, sizeof row->column)) lc_get_##T(&generated, &row->column);
#define LC__COLUMN_CHECK(table, kind, T, column)                                                                  \
  _Static_assert(LC__KIND_##kind == 0 || lc_filterable_##T, "column " #column " of table " #table ": a " #T " cannot be an index key"); \
  _Static_assert(!(LC__KIND_##kind & LC__AUTO) || lc_integer_##T,                                                 \
                 "column " #column " of table " #table ": only integers can be numbered automatically");
#define LC__COLUMN_API(table, kind, T, column) LC__API_##kind(table, T, column)

static inline bool lc__is_zero(const void *value, size_t len) {
  for (size_t i = 0; i < len; i++) if (((const uint8_t *)value)[i]) return false;
  return true;
}

#define LC__TABLE(table, Row, visible, ...)                                                                       \
  typedef struct Row { LC__EACH(LC__COLUMN_FIELD, ~, __VA_ARGS__) } Row;                                          \
  typedef Row table##_row;                                                                                        \
  LC__FN void lc_put_##Row(lc_writer *writer, const Row *value) { LC__EACH(LC__COLUMN_PUT, ~, __VA_ARGS__) }      \
  LC__FN void lc_get_##Row(lc_reader *reader, Row *value) { LC__EACH(LC__COLUMN_GET, ~, __VA_ARGS__) }            \
  static const lc__element lc__elements_##Row[] = {LC__EACH(LC__COLUMN_ELEMENT, ~, __VA_ARGS__)};                 \
  static void lc__body_##Row(lc_describer *describer) {                                                           \
    lc__describe_elements(describer, LC__PRODUCT_TYPE, lc__elements_##Row, sizeof lc__elements_##Row / sizeof(lc__element)); \
  }                                                                                                               \
  LC__DEFINE_NAMED(Row, 0)                                                                                        \
  enum { LC__EACH(LC__COLUMN_NUMBER, table, __VA_ARGS__) LC__COLUMN_COUNT_OF_##table };                           \
  LC__EACH(LC__COLUMN_CHECK, table, __VA_ARGS__)                                                                  \
  static const lc__column lc__columns_##table[] = {LC__EACH(LC__COLUMN_FLAGS, ~, __VA_ARGS__)};                   \
  static lc__table lc__table_##table = {                                                                          \
      #table, &lc__type_##Row, lc__columns_##table, LC__COLUMN_COUNT_OF_##table, LC__##visible, 0, NULL, NULL};   \
  LC__PREINIT(table, lc__register_table(&lc__table_##table))                                                      \
  LC__FN bool table##_try_insert(Row *row) {                                                                      \
    lc_writer writer = {0};                                                                                       \
    lc_reader generated;                                                                                          \
    lc_put_##Row(&writer, row);                                                                                   \
    if (!lc__insert(&lc__table_##table, &writer, &generated)) return false;                                       \
    LC__EACH(LC__COLUMN_GENERATED, ~, __VA_ARGS__)                                                                \
    return true;                                                                                                  \
  }                                                                                                               \
  LC__FN void table##_insert(Row *row) {                                                                          \
    if (!table##_try_insert(row)) lc_panic("inserting into " #table ": a row with this key exists already");      \
  }                                                                                                               \
  LC__FN void lc__update_##table(lc__index *index, Row *row) {                                                    \
    lc_writer writer = {0};                                                                                       \
    lc_reader generated;                                                                                          \
    lc_put_##Row(&writer, row);                                                                                   \
    lc__update(&lc__table_##table, index, &writer, &generated);                                                   \
    LC__EACH(LC__COLUMN_GENERATED, ~, __VA_ARGS__)                                                                \
  }                                                                                                               \
  LC__FN bool table##_delete(const Row *row) {                                                                    \
    lc_writer writer = {0};                                                                                       \
    lc__put32(&writer, 1);                                                                                        \
    lc_put_##Row(&writer, row);                                                                                   \
    return lc__delete_equal(&lc__table_##table, &writer) != 0;                                                    \
  }                                                                                                               \
  LC__FN uint64_t table##_count(void) { return lc__count(&lc__table_##table); }                                   \
  LC__FN uint64_t table##_clear(void) { return lc__clear(&lc__table_##table); }                                   \
  LC__FN lc_scan table##_scan(void) { return lc__scan_table(&lc__table_##table); }                                \
  LC__FN bool table##_next(lc_scan *scan, Row *row) {                                                             \
    if (!lc__scan_more(scan)) return false;                                                                       \
    lc_get_##Row(&scan->rows, row);                                                                               \
    return true;                                                                                                  \
  }                                                                                                               \
  LC__EACH(LC__COLUMN_API, table, __VA_ARGS__)

#define LC__API_column(table, T, column)
#define LC__API_key(table, T, column) LC__API_UNIQUE(table, T, column, "btree") LC__API_RANGE(table, T, column)
#define LC__API_auto_key(table, T, column) LC__API_UNIQUE(table, T, column, "btree") LC__API_RANGE(table, T, column)
#define LC__API_unique(table, T, column) LC__API_UNIQUE(table, T, column, "btree") LC__API_RANGE(table, T, column)
#define LC__API_hash_key(table, T, column) LC__API_UNIQUE(table, T, column, "hash")
#define LC__API_index(table, T, column) LC__API_INDEXED(table, T, column, "btree") LC__API_RANGE(table, T, column)
#define LC__API_hash_index(table, T, column) LC__API_INDEXED(table, T, column, "hash")

#define LC__COLUMN_INDEX(table, T, column, algorithm) \
  static lc__index lc__index_##table##_##column = {#table "_" #column "_idx_" algorithm, #column, NULL, 1, 0, NULL};

#define LC__API_UNIQUE(table, T, column, algorithm)                                                               \
  LC__COLUMN_INDEX(table, T, column, algorithm)                                                                   \
  LC__FN bool table##_find_by_##column(lc_c_##T column, table##_row *row) {                                       \
    lc_writer key = {0};                                                                                          \
    lc_put_##T(&key, &column);                                                                                    \
    lc_scan scan __attribute__((cleanup(lc_scan_close))) = lc__scan_point(&lc__index_##table##_##column, &key);   \
    return table##_next(&scan, row);                                                                              \
  }                                                                                                               \
  LC__FN void table##_update_by_##column(table##_row *row) { lc__update_##table(&lc__index_##table##_##column, row); } \
  LC__FN bool table##_delete_by_##column(lc_c_##T column) {                                                       \
    lc_writer key = {0};                                                                                          \
    lc_put_##T(&key, &column);                                                                                    \
    return lc__delete_point(&lc__index_##table##_##column, &key) != 0;                                            \
  }

#define LC__API_INDEXED(table, T, column, algorithm)                                                              \
  LC__COLUMN_INDEX(table, T, column, algorithm)                                                                   \
  LC__FN lc_scan table##_filter_by_##column(lc_c_##T column) {                                                    \
    lc_writer key = {0};                                                                                          \
    lc_put_##T(&key, &column);                                                                                    \
    return lc__scan_point(&lc__index_##table##_##column, &key);                                                   \
  }                                                                                                               \
  LC__FN uint32_t table##_delete_by_##column(lc_c_##T column) {                                                   \
    lc_writer key = {0};                                                                                          \
    lc_put_##T(&key, &column);                                                                                    \
    return lc__delete_point(&lc__index_##table##_##column, &key);                                                 \
  }

/* From low up to but without high; NULL: no bound on that side. */
#define LC__API_RANGE(table, T, column)                                                                           \
  LC__FN lc_scan table##_range_by_##column(const lc_c_##T *low, const lc_c_##T *high) {                           \
    lc_writer from = {0}, to = {0};                                                                               \
    lc__put8(&from, low ? LC__INCLUDED : LC__UNBOUNDED);                                                          \
    if (low) lc_put_##T(&from, low);                                                                              \
    lc__put8(&to, high ? LC__EXCLUDED : LC__UNBOUNDED);                                                           \
    if (high) lc_put_##T(&to, high);                                                                              \
    return lc__scan_range(&lc__index_##table##_##column, &from, &to);                                             \
  }

#define LC__INDEX_CHECK(table, T, column)                                                                         \
  _Static_assert(__builtin_types_compatible_p(lc_c_##T, __typeof__(((table##_row *)0)->column)),                  \
                 "index over " #table "." #column ": the column has another type than " #T);                      \
  _Static_assert(lc_filterable_##T, "index over " #table "." #column ": a " #T " cannot be an index key");
#define LC__INDEX_NAME(table, T, column) "_" #column
#define LC__INDEX_COLUMN(table, T, column) LC__COLUMN_OF_##table##_##column,
#define LC__INDEX_PARAM(ctx, T, column) , lc_c_##T column
#define LC__INDEX_KEY(ctx, T, column) lc_put_##T(&key, &column);
#define LC__INDEX(table, accessor, ...)                                                                           \
  LC__EACH(LC__INDEX_CHECK, table, __VA_ARGS__)                                                                   \
  static const uint16_t lc__index_columns_##table##_##accessor[] = {LC__EACH(LC__INDEX_COLUMN, table, __VA_ARGS__)}; \
  static lc__index lc__index_##table##_##accessor = {                                                             \
      #table LC__EACH(LC__INDEX_NAME, table, __VA_ARGS__) "_idx_btree", #accessor, lc__index_columns_##table##_##accessor, \
      sizeof lc__index_columns_##table##_##accessor / sizeof(uint16_t), 0, NULL};                                 \
  LC__PREINIT(table##_##accessor, lc__register_index(&lc__table_##table, &lc__index_##table##_##accessor))        \
  LC__FN lc_writer lc__key_##table##_##accessor(int lc__none LC__EACH(LC__INDEX_PARAM, ~, __VA_ARGS__)) {         \
    lc_writer key = {0};                                                                                          \
    (void)lc__none;                                                                                               \
    LC__EACH(LC__INDEX_KEY, ~, __VA_ARGS__)                                                                       \
    return key;                                                                                                   \
  }
/* The typed arguments of a lookup go through the function above, so that the macro below can take any number of them. */
#define LC_FILTER(table, accessor, ...) lc__filter(&lc__index_##table##_##accessor, lc__key_##table##_##accessor(0, __VA_ARGS__))
static inline lc_scan lc__filter(lc__index *index, lc_writer key) { return lc__scan_point(index, &key); }

/* ---- reducers ---- */

enum { LC__NO_LIFECYCLE = 255, LC__PRIVATE = 0, LC__CLIENT = 1 };
typedef struct lc__reducer {
  const char *name;
  lc_result (*call)(const lc_context *ctx, lc_reader *args);
  const lc__element *params;
  uint32_t param_count;
  uint8_t visibility, lifecycle;
  struct lc__reducer *next;
} lc__reducer;
void lc__register_reducer(lc__reducer *reducer);
typedef struct lc__schedule {
  const char *table, *reducer;
  uint16_t at_column;
  struct lc__schedule *next;
} lc__schedule;
void lc__register_schedule(lc__schedule *schedule);

#define LC__PARAM(ctx, T, name) , lc_c_##T name
#define LC__PARAM_READ(ctx, T, name) lc_c_##T name; lc_get_##T(lc__args, &name);
#define LC__PARAM_PASS(ctx, T, name) , name
#define LC__PARAM_ELEMENT(ctx, T, name) {#name, lc_describe_##T},
#define LC__REDUCER(name, visible, lifecycle, ...)                                                                \
  static lc_result name(const lc_context *ctx LC__EACH(LC__PARAM, ~, __VA_ARGS__));                               \
  static lc_result lc__call_##name(const lc_context *lc__ctx, lc_reader *lc__args) {                              \
    (void)lc__args;                                                                                               \
    LC__EACH(LC__PARAM_READ, ~, __VA_ARGS__)                                                                      \
    return name(lc__ctx LC__EACH(LC__PARAM_PASS, ~, __VA_ARGS__));                                                \
  }                                                                                                               \
  static const lc__element lc__params_##name[] = {LC__EACH(LC__PARAM_ELEMENT, ~, __VA_ARGS__){NULL, NULL}};       \
  static lc__reducer lc__reducer_##name = {                                                                       \
      #name, lc__call_##name, lc__params_##name, sizeof lc__params_##name / sizeof(lc__element) - 1, visible, lifecycle, NULL}; \
  LC__PREINIT(name, lc__register_reducer(&lc__reducer_##name))                                                    \
  static lc_result name(const lc_context *ctx LC__EACH(LC__PARAM, ~, __VA_ARGS__))

#define LC__SCHEDULE(table_name, at, reducer_name)                                                                \
  _Static_assert(__builtin_types_compatible_p(lc_schedule_at, __typeof__(((table_name##_row *)0)->at)),           \
                 "schedule of " #table_name ": column " #at " must be a schedule_at");                            \
  static lc__schedule lc__schedule_##table_name = {#table_name, #reducer_name, LC__COLUMN_OF_##table_name##_##at, NULL}; \
  LC__PREINIT(schedule_of_##table_name, lc__register_schedule(&lc__schedule_##table_name))
