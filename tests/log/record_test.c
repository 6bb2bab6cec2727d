/* Commit records: the bytes against ones written by hand from the tables in record.h, what a store makes of them, and every way to damage
 * one. */
#include "log/record.h"

#include "harness.h"

/* ---- two tables: rows of one length, rows of any length, and one of events ---- */

typedef struct fixture {
  lc_arena arena;
  lc_store *store;
  lc_table *points, *notes, *events;
} fixture;

static lc_table *create_table(fixture *f, const char *name, const lc_type *first, const lc_type *second, bool is_event) {
  lc_column_def *columns = LC_ARENA_ARRAY(&f->arena, lc_column_def, 2);
  columns[0] = (lc_column_def){.name = LC_STR("a"), .source_name = LC_STR("a"), .type = first};
  columns[1] = (lc_column_def){.name = LC_STR("b"), .source_name = LC_STR("b"), .type = second};
  lc_table_def def = {.name = lc_str_of(name),
                      .source_name = lc_str_of(name),
                      .columns = columns,
                      .column_count = 2,
                      .primary_key = -1,
                      .is_event = is_event};
  lc_table *table;
  expect_ok(lc_store_create_table(f->store, &def, &table));
  return table;
}

static void create_tables(fixture *f) {
  const lc_type *u32 = lc_type_primitive(LC_TYPE_U32), *text = lc_type_primitive(LC_TYPE_STRING);
  f->points = create_table(f, "points", u32, u32, false);
  f->notes = create_table(f, "notes", u32, text, false);
  f->events = create_table(f, "events", u32, u32, true);
}

static fixture make(void) {
  fixture f = {.store = lc_store_create()};
  lc_store_begin(f.store);
  create_tables(&f);
  lc_store_commit(f.store, NULL);
  return f;
}

static void drop(fixture *f) {
  lc_store_destroy(f->store);
  lc_arena_deinit(&f->arena);
}

static void insert(lc_table *table, const void *row, size_t len) {
  lc_insert_result result;
  expect_ok(lc_table_insert(table, lc_span_of(row, len), &result));
}
#define INSERT(table, literal) insert(table, literal, sizeof(literal) - 1)
#define DELETE(table, literal) expect(lc_table_delete_equal(table, lc_span_of(literal, sizeof(literal) - 1)))
#define POINT(a, b) a "\0\0\0" b "\0\0\0"
#define NOTE(a, len, text) a "\0\0\0" len "\0\0\0" text

static bool holds(lc_table *table, const void *row, size_t len) {
  lc_row found;
  return lc_table_find_equal(table, lc_span_of(row, len), &found);
}
#define HOLDS(table, literal) holds(table, literal, sizeof(literal) - 1)

static lc_record_inputs inputs_of_a_call(void) {
  lc_record_inputs inputs = {.kind = LC_RECORD_REDUCER,
                             .timestamp_micros = 0x0102030405060708,
                             .connection = {0x1111, 0x2222},
                             .function = LC_STR("move"),
                             .arguments = lc_span_of("\7\0\0\0", 4)};
  for (int i = 0; i < 32; i++) inputs.caller.bytes[i] = (uint8_t)(0xa0 + i);
  return inputs;
}

/* Commits and encodes; checks that the size is the one foretold. */
static void commit(fixture *f, const lc_record_inputs *inputs, lc_buf *record) {
  const lc_delta *delta;
  lc_store_commit(f->store, &delta);
  size_t size = lc_record_size(inputs, delta);
  lc_buf_clear(record);
  expect_equal(lc_record_encode(lc_buf_extend(record, size), inputs, delta), size);
  lc_store_release(f->store);
}

/* One point moves, one note appears, an event happens. */
static void make_changes(fixture *f, lc_buf *record) {
  lc_record_inputs inputs = inputs_of_a_call();
  lc_store_begin(f->store);
  INSERT(f->points, POINT("\1", "\2"));
  INSERT(f->points, POINT("\3", "\4"));
  commit(f, &inputs, record);
  lc_store_begin(f->store);
  DELETE(f->points, POINT("\1", "\2"));
  INSERT(f->points, POINT("\1", "\5"));
  INSERT(f->notes, NOTE("\11", "\2", "hi"));
  INSERT(f->events, POINT("\1", "\1"));
  commit(f, &inputs, record);
}

static const uint8_t expected[] = {
    1,    0,                                     /* format, reducer */
    8,    7,    6,    5,    4,    3,    2,    1, /* timestamp */
    0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf, 0xb0, 0xb1,
    0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xbb, 0xbc, 0xbd, 0xbe, 0xbf,                /* caller */
    0x11, 0x11, 0,    0,    0,    0,    0,    0,    0x22, 0x22, 0,    0,    0,    0,    0,    0,       /* connection */
    4,    0,    0,    0,    'm',  'o',  'v',  'e',  4,    0,    0,    0,    7,    0,    0,    0,       /* function, arguments */
    2,    0,    0,    0,                                                                               /* tables; no event is kept */
    0,    0x10, 0,    0,    2,    8,    0,    0,    0,    1,    0,    0,    0,    1,    0,    0,    0, /* 4096, fixed rows of 8 bytes, one
                                                                                                          deleted, one inserted */
    1,    0,    0,    0,    2,    0,    0,    0,    1,    0,    0,    0,    5,    0,    0,    0,    1,    0x10,
    0,    0,    0,    0,    0,    0,    0,    1,    0,    0,    0, /* 4097, none deleted, one inserted, with its length */
    10,   0,    0,    0,    9,    0,    0,    0,    2,    0,    0,    0,    'h',  'i',
};

TEST(the_bytes_are_those_of_the_format_document) {
  fixture f = make();
  lc_buf record = {0};
  make_changes(&f, &record);
  expect_bytes(record.data, record.len, expected, sizeof expected);
  lc_buf_deinit(&record);
  drop(&f);
}

TEST(a_record_has_its_effect_and_its_inputs_come_back) {
  fixture f = make();
  lc_store_begin(f.store);
  INSERT(f.points, POINT("\1", "\2"));
  lc_store_commit(f.store, NULL);
  lc_record_inputs inputs;
  expect_ok(lc_record_apply(lc_span_of(expected, sizeof expected), f.store, &inputs));
  expect_ok(lc_store_recovered(f.store));
  expect(HOLDS(f.points, POINT("\1", "\5")) && !HOLDS(f.points, POINT("\1", "\2")));
  expect(HOLDS(f.notes, NOTE("\11", "\2", "hi")));
  expect_equal(lc_table_row_count(f.events), 0);
  lc_record_inputs wanted = inputs_of_a_call();
  expect(inputs.kind == wanted.kind && inputs.timestamp_micros == wanted.timestamp_micros);
  expect(lc_u256_equal(&inputs.caller, &wanted.caller) && lc_u128_equal(inputs.connection, wanted.connection));
  expect(lc_str_equal(inputs.function, wanted.function) && lc_span_equal(inputs.arguments, wanted.arguments));
  drop(&f);
}

TEST(a_truncated_table_is_one_flag_however_many_rows_it_had) {
  fixture f = make(), mirror = make();
  lc_buf record = {0};
  lc_record_inputs inputs = {.kind = LC_RECORD_SQL};
  for (int round = 0; round < 2; round++) { /* with rows inserted behind it, and without */
    lc_store_begin(f.store);
    for (int i = 0; i < 100; i++) insert(f.points, (uint32_t[2]){(uint32_t)i + 1, 7}, 8);
    commit(&f, &inputs, &record);
    expect_ok(lc_record_apply(lc_buf_span(&record), mirror.store, NULL));
    lc_store_begin(f.store);
    lc_table_clear(f.points);
    if (round == 0) INSERT(f.points, POINT("\xff", "\1"));
    commit(&f, &inputs, &record);
    expect(record.len < 120);
    expect_ok(lc_record_apply(lc_buf_span(&record), mirror.store, NULL));
    expect_ok(lc_store_recovered(mirror.store));
    expect_equal(lc_table_row_count(mirror.points), lc_table_row_count(f.points));
  }
  lc_buf_deinit(&record);
  drop(&f);
  drop(&mirror);
}

/* A first publish: tables and their first rows come in one record, into a store that has neither; then a table goes. */
TEST(tables_come_and_go_with_their_rows) {
  fixture f = {.store = lc_store_create()};
  lc_store *mirror = lc_store_create();
  lc_buf record = {0};
  lc_record_inputs inputs = {.kind = LC_RECORD_PUBLISH};
  lc_store_begin(f.store);
  create_tables(&f);
  INSERT(f.notes, NOTE("\1", "\1", "x"));
  commit(&f, &inputs, &record);
  expect_ok(lc_record_apply(lc_buf_span(&record), mirror, NULL));
  expect_ok(lc_store_recovered(mirror));
  expect_ok(lc_store_check(mirror));
  lc_table *notes = lc_store_table_by_name(mirror, LC_STR("notes"));
  expect(notes && HOLDS(notes, NOTE("\1", "\1", "x")));

  lc_store_begin(f.store);
  lc_store_drop_table(f.store, f.notes);
  commit(&f, &inputs, &record);
  expect_ok(lc_record_apply(lc_buf_span(&record), mirror, NULL));
  expect_ok(lc_store_recovered(mirror));
  expect_ok(lc_store_check(mirror));
  expect_null(lc_store_table_by_name(mirror, LC_STR("notes")));
  lc_buf_deinit(&record);
  lc_store_destroy(mirror);
  drop(&f);
}

/* ---- damage ---- */

/* Applies damaged bytes, copied to exactly their size so that a sanitizer sees a read past them. */
static lc_err apply_damaged(const uint8_t *bytes, size_t len, fixture *f) {
  uint8_t *copy = malloc(len ? len : 1);
  if (len) memcpy(copy, bytes, len);
  lc_err err = lc_record_apply(lc_span_of(copy, len), f->store, NULL);
  free(copy);
  return err;
}

TEST(L13_every_truncation_is_an_error_and_changes_nothing) {
  fixture f = make();
  for (size_t kept = 0; kept < sizeof expected; kept++) expect_error(apply_damaged(expected, kept, &f), LC_ERR_LOG_CORRUPT);
  uint8_t longer[sizeof expected + 1] = {0};
  memcpy(longer, expected, sizeof expected);
  expect_error(apply_damaged(longer, sizeof longer, &f), LC_ERR_LOG_CORRUPT);
  expect_equal(lc_table_row_count(f.points) + lc_table_row_count(f.notes), 0);
  drop(&f);
}

TEST(L13_a_flipped_bit_is_an_error_or_another_record_never_a_crash) {
  uint8_t bytes[sizeof expected];
  size_t refused = 0;
  for (size_t bit = 0; bit < 8 * sizeof expected; bit++) {
    fixture f = make();
    memcpy(bytes, expected, sizeof bytes);
    bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    lc_err err = apply_damaged(bytes, sizeof bytes, &f);
    if (lc_failed(err)) {
      expect_equal(err.code, LC_ERR_LOG_CORRUPT);
      refused++;
    }
    drop(&f);
  }
  expect(refused > 8 * 40); /* of the fields that carry structure, nearly every bit matters */
}

TEST(L13_counts_that_the_bytes_cannot_hold_are_refused_at_once) {
  fixture f = make();
  static const size_t count_at[] = {2 + 8 + 32 + 16 + 16, 2 + 8 + 32 + 16 + 20 + 9, 2 + 8 + 32 + 16 + 20 + 13};
  for (size_t i = 0; i < sizeof count_at / sizeof *count_at; i++) {
    uint8_t bytes[sizeof expected];
    memcpy(bytes, expected, sizeof bytes);
    memset(bytes + count_at[i], 0xff, 4);
    expect_error(apply_damaged(bytes, sizeof bytes, &f), LC_ERR_LOG_CORRUPT);
    if (i == 0) continue;
    memset(bytes + 2 + 8 + 32 + 16 + 20 + 5, 0, 4); /* rows of no bytes: as many as you like would fit */
    expect_error(apply_damaged(bytes, sizeof bytes, &f), LC_ERR_LOG_CORRUPT);
  }
  drop(&f);
}

TEST(rows_that_do_not_fit_their_table_and_tables_that_are_not_there_are_corrupt) {
  fixture f = make();
  uint8_t bytes[sizeof expected];
  memcpy(bytes, expected, sizeof bytes);
  bytes[2 + 8 + 32 + 16 + 20] = 0x77; /* table 0x1077: ascending is broken */
  expect_error(apply_damaged(bytes, sizeof bytes, &f), LC_ERR_LOG_CORRUPT);
  memcpy(bytes, expected, sizeof bytes);
  bytes[sizeof bytes - 1] = 0xff; /* not UTF-8 */
  expect_error(apply_damaged(bytes, sizeof bytes, &f), LC_ERR_LOG_CORRUPT);
  drop(&f);
}
