/*
 * The part of the C module SDK that is not generated: memory, the calls to the host, the module definition and the two entry points.
 *
 * Invariants
 *   C1  Memory is handed out from __heap_base upwards and taken back at the start of the next call: nothing is freed in between.
 *   C2  Table and index numbers are asked for once per instance; the host keeps them stable for its life.
 *   C3  A host call that fails in a way that no correct module can cause traps, which rolls the transaction back.
 */
#include "lightcone.h"

/* ---- what the host offers ---- */

#define HOST(version, name) __attribute__((import_module("spacetime_" version), import_name(#name))) extern
HOST("10.0", table_id_from_name) uint32_t table_id_from_name(const char *name, size_t len, uint32_t *id);
HOST("10.0", index_id_from_name) uint32_t index_id_from_name(const char *name, size_t len, uint32_t *id);
HOST("10.0", datastore_table_row_count) uint32_t datastore_table_row_count(uint32_t table, uint64_t *count);
HOST("10.0", datastore_table_scan_bsatn) uint32_t datastore_table_scan_bsatn(uint32_t table, uint32_t *iter);
HOST("10.0", datastore_index_scan_range_bsatn)
uint32_t datastore_index_scan_range_bsatn(uint32_t index, const void *prefix, size_t prefix_len, uint32_t prefix_elems, const void *low,
                                          size_t low_len, const void *high, size_t high_len, uint32_t *iter);
HOST("10.4", datastore_index_scan_point_bsatn)
uint32_t datastore_index_scan_point_bsatn(uint32_t index, const void *point, size_t len, uint32_t *iter);
HOST("10.4", datastore_delete_by_index_scan_point_bsatn)
uint32_t datastore_delete_by_index_scan_point_bsatn(uint32_t index, const void *point, size_t len, uint32_t *deleted);
HOST("10.0", datastore_delete_all_by_eq_bsatn)
uint32_t datastore_delete_all_by_eq_bsatn(uint32_t table, const void *rows, size_t len, uint32_t *deleted);
HOST("10.5", datastore_clear) uint32_t datastore_clear(uint32_t table, uint64_t *deleted);
HOST("10.0", datastore_insert_bsatn) uint32_t datastore_insert_bsatn(uint32_t table, void *row, size_t *len);
HOST("10.0", datastore_update_bsatn) uint32_t datastore_update_bsatn(uint32_t table, uint32_t index, void *row, size_t *len);
HOST("10.0", row_iter_bsatn_advance) int32_t row_iter_bsatn_advance(uint32_t iter, void *buffer, size_t *len);
HOST("10.0", row_iter_bsatn_close) uint32_t row_iter_bsatn_close(uint32_t iter);
HOST("10.0", bytes_source_read) int32_t bytes_source_read(uint32_t source, void *buffer, size_t *len);
HOST("10.1", bytes_source_remaining_length) int32_t bytes_source_remaining_length(uint32_t source, uint32_t *len);
HOST("10.0", bytes_sink_write) uint32_t bytes_sink_write(uint32_t sink, const void *bytes, size_t *len);
HOST("10.0", console_log)
void console_log(uint32_t level, const char *target, size_t target_len, const char *file, size_t file_len, uint32_t line,
                 const char *message, size_t message_len);
HOST("10.0", identity) void host_identity(void *to);

enum { HOST_EXHAUSTED = -1, HOST_BUFFER_TOO_SMALL = 11, HOST_UNIQUE = 12 };
enum { PANIC_LEVEL = 101, ROWS_AT_ONCE = 64 << 10, PAGE = 64 << 10 };

/* ---- memory ---- */

extern uint8_t __heap_base;
static uint8_t *heap_at;

static void heap_reset(void) {
  heap_at = &__heap_base;
}

static void *heap_take(size_t size) {
  uintptr_t start = ((uintptr_t)heap_at + 15) & ~(uintptr_t)15, end = start + size;
  uintptr_t have = (uintptr_t)__builtin_wasm_memory_size(0) * PAGE;
  if (end < start) __builtin_trap();
  if (end > have && __builtin_wasm_memory_grow(0, (end - have + PAGE - 1) / PAGE) == (size_t)-1) __builtin_trap();
  heap_at = (uint8_t *)end;
  return (void *)start;
}

void *lc_alloc(size_t size) {
  return __builtin_memset(heap_take(size), 0, size);
}

/* The compiler calls these for copies of structs. */
#define LIBC __attribute__((used, no_builtin("memcpy", "memmove", "memset", "memcmp")))
LIBC void *memcpy(void *restrict to, const void *restrict from, size_t len) {
  for (size_t i = 0; i < len; i++) ((uint8_t *)to)[i] = ((const uint8_t *)from)[i];
  return to;
}
LIBC void *memmove(void *to, const void *from, size_t len) {
  if ((uintptr_t)to <= (uintptr_t)from) return memcpy(to, from, len);
  while (len--) ((uint8_t *)to)[len] = ((const uint8_t *)from)[len];
  return to;
}
LIBC void *memset(void *to, int byte, size_t len) {
  for (size_t i = 0; i < len; i++) ((uint8_t *)to)[i] = (uint8_t)byte;
  return to;
}
LIBC int memcmp(const void *a, const void *b, size_t len) {
  for (size_t i = 0; i < len; i++) {
    int order = ((const uint8_t *)a)[i] - ((const uint8_t *)b)[i];
    if (order) return order;
  }
  return 0;
}
LIBC size_t strlen(const char *text) {
  size_t len = 0;
  while (text[len]) len++;
  return len;
}

/* ---- encoding ---- */

uint8_t *lc__extend(lc_writer *writer, uint32_t len) {
  if (writer->cap - writer->len < len) {
    uint32_t cap = writer->cap * 2 > writer->len + len ? writer->cap * 2 : writer->len + len + 64;
    uint8_t *data = heap_take(cap);
    if (writer->len) __builtin_memcpy(data, writer->data, writer->len);
    writer->data = data;
    writer->cap = cap;
  }
  writer->len += len;
  return writer->data + writer->len - len;
}

const uint8_t *lc__take(lc_reader *reader, uint32_t len) {
  if ((uint32_t)(reader->end - reader->at) < len) __builtin_trap(); /* the host checks what it passes on */
  reader->at += len;
  return reader->at - len;
}

/* ---- text ---- */

lc_string lc_string_of(const char *text) {
  return (lc_string){text, strlen(text)};
}
bool lc_string_equal(lc_string a, lc_string b) {
  return a.len == b.len && __builtin_memcmp(a.ptr, b.ptr, a.len) == 0;
}

lc_string lc_identity_hex(lc_identity id) {
  char *text = heap_take(64);
  for (int i = 0; i < 32; i++) {
    text[2 * i] = "0123456789abcdef"[id.bytes[31 - i] >> 4];
    text[2 * i + 1] = "0123456789abcdef"[id.bytes[31 - i] & 15];
  }
  return (lc_string){text, 64};
}

static void put_number(lc_writer *to, uint64_t value, bool negative, uint32_t base) {
  char digits[24];
  uint32_t at = sizeof digits;
  do digits[--at] = "0123456789abcdef"[value % base];
  while (value /= base);
  if (negative) digits[--at] = '-';
  lc__put(to, digits + at, sizeof digits - at);
}

static void put_conversion(lc_writer *to, const char **format, int32_t precision, uint32_t longs, va_list *arguments) {
  switch (*(*format)++) {
    case '%':
      lc__put8(to, '%');
      break;
    case 'c':
      lc__put8(to, (uint8_t)va_arg(*arguments, int));
      break;
    case 's': {
      const char *text = va_arg(*arguments, const char *);
      lc__put(to, text, precision >= 0 ? (uint32_t)precision : strlen(text));
      break;
    }
    case 'd':
    case 'i': {
      int64_t value = longs >= 2 ? va_arg(*arguments, long long) : va_arg(*arguments, int);
      put_number(to, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, value < 0, 10);
      break;
    }
    case 'u':
      put_number(to, longs >= 2 ? va_arg(*arguments, unsigned long long) : va_arg(*arguments, unsigned), false, 10);
      break;
    case 'x':
      put_number(to, longs >= 2 ? va_arg(*arguments, unsigned long long) : va_arg(*arguments, unsigned), false, 16);
      break;
    default:
      __builtin_trap(); /* the compiler's format check knows more conversions than this does */
  }
}

static lc_string format_arguments(const char *format, va_list *arguments) {
  lc_writer to = {0};
  while (*format) {
    if (*format != '%') {
      lc__put8(&to, (uint8_t)*format++);
      continue;
    }
    format++;
    int32_t precision = -1;
    uint32_t longs = 0;
    if (format[0] == '.' && format[1] == '*') precision = va_arg(*arguments, int), format += 2;
    for (; *format == 'l' || *format == 'h' || *format == 'z'; format++) longs += *format == 'l';
    put_conversion(&to, &format, precision, longs, arguments);
  }
  return (lc_string){(const char *)to.data, to.len};
}

#define FORMAT(text, format)                                    \
  va_list arguments_##text;                                     \
  va_start(arguments_##text, format);                           \
  lc_string text = format_arguments(format, &arguments_##text); \
  va_end(arguments_##text)

lc_string lc_format(const char *format, ...) {
  FORMAT(text, format);
  return text;
}

lc_result lc_error(const char *format, ...) {
  FORMAT(text, format);
  return (lc_result){text.len ? text.ptr : "", text.len};
}

static void log_text(uint32_t level, const char *file, uint32_t line, lc_string text) {
  console_log(level, NULL, 0, file, strlen(file), line, text.len ? text.ptr : "", text.len);
}

void lc_log_at(lc_level level, const char *file, uint32_t line, const char *format, ...) {
  FORMAT(text, format);
  log_text(level, file, line, text);
}

_Noreturn void lc_panic_at(const char *file, uint32_t line, const char *format, ...) {
  FORMAT(text, format);
  log_text(PANIC_LEVEL, file, line, text);
  __builtin_trap();
}

lc_identity lc_database_identity(void) {
  lc_identity id;
  host_identity(&id);
  return id;
}

/* ---- tables ---- */

static void check(uint32_t error, const char *what, const char *name) {
  static const char *const texts[] = {"",
                                      "host call failure",
                                      "not in a transaction",
                                      "malformed value",
                                      "no such table",
                                      "no such index",
                                      "no such iterator",
                                      "",
                                      "no such bytes",
                                      "no space",
                                      "",
                                      "buffer too small",
                                      "a row with this key exists already",
                                      "the delay is too long",
                                      "the index is not unique",
                                      "no such row"};
  if (error) lc_panic("%s %s: %s (error %u)", what, name, error < sizeof texts / sizeof *texts ? texts[error] : "failed", error);
}

static uint32_t table_id(lc__table *table) {
  if (!table->id) {
    check(table_id_from_name(table->name, strlen(table->name), &table->id), "looking for table", table->name);
    table->id++;
  }
  return table->id - 1;
}

static uint32_t index_id(lc__index *index) {
  if (!index->id) {
    check(index_id_from_name(index->name, strlen(index->name), &index->id), "looking for index", index->name);
    index->id++;
  }
  return index->id - 1;
}

/* The host does not take a null pointer, even for nothing. */
static const void *not_null(const lc_writer *writer) {
  return writer->data ? (const void *)writer->data : "";
}

bool lc__insert(lc__table *table, lc_writer *row, lc_reader *generated) {
  size_t len = row->len;
  if (!row->data) row->data = heap_take(1); /* a row without columns */
  uint32_t error = datastore_insert_bsatn(table_id(table), row->data, &len);
  if (error == HOST_UNIQUE) return false;
  check(error, "inserting into", table->name);
  *generated = (lc_reader){row->data, row->data + len};
  return true;
}

void lc__update(lc__table *table, lc__index *index, lc_writer *row, lc_reader *generated) {
  size_t len = row->len;
  check(datastore_update_bsatn(table_id(table), index_id(index), row->data, &len), "updating", table->name);
  *generated = (lc_reader){row->data, row->data + len};
}

uint32_t lc__delete_equal(lc__table *table, const lc_writer *rows) {
  uint32_t deleted;
  check(datastore_delete_all_by_eq_bsatn(table_id(table), rows->data, rows->len, &deleted), "deleting from", table->name);
  return deleted;
}

uint32_t lc__delete_point(lc__index *index, const lc_writer *key) {
  uint32_t deleted;
  check(datastore_delete_by_index_scan_point_bsatn(index_id(index), not_null(key), key->len, &deleted), "deleting by", index->name);
  return deleted;
}

uint64_t lc__count(lc__table *table) {
  uint64_t count;
  check(datastore_table_row_count(table_id(table), &count), "counting", table->name);
  return count;
}

uint64_t lc__clear(lc__table *table) {
  uint64_t deleted;
  check(datastore_clear(table_id(table), &deleted), "clearing", table->name);
  return deleted;
}

lc_scan lc__scan_table(lc__table *table) {
  lc_scan scan = {0};
  check(datastore_table_scan_bsatn(table_id(table), &scan.handle), "scanning", table->name);
  return scan;
}

lc_scan lc__scan_point(lc__index *index, const lc_writer *key) {
  lc_scan scan = {0};
  check(datastore_index_scan_point_bsatn(index_id(index), not_null(key), key->len, &scan.handle), "looking in", index->name);
  return scan;
}

lc_scan lc__scan_range(lc__index *index, const lc_writer *low, const lc_writer *high) {
  lc_scan scan = {0};
  check(datastore_index_scan_range_bsatn(index_id(index), "", 0, 0, low->data, low->len, high->data, high->len, &scan.handle), "looking in",
        index->name);
  return scan;
}

/* The buffer is cut to what arrived, so that a point lookup costs the row and not ROWS_AT_ONCE. */
bool lc__scan_more(lc_scan *scan) {
  size_t want = ROWS_AT_ONCE;
  while (scan->rows.at == scan->rows.end) {
    if (!scan->handle) return false;
    uint8_t *buffer = heap_take(want);
    size_t len = want;
    int32_t result = row_iter_bsatn_advance(scan->handle, buffer, &len);
    if (result == HOST_BUFFER_TOO_SMALL) {
      heap_at = buffer;
      want = len;
      continue;
    }
    if (result == HOST_EXHAUSTED)
      scan->handle = 0;
    else
      check((uint32_t)result, "reading", "rows");
    heap_at = buffer + len;
    scan->rows = (lc_reader){buffer, buffer + len};
  }
  return true;
}

void lc_scan_close(lc_scan *scan) {
  if (scan->handle) (void)row_iter_bsatn_close(scan->handle);
  scan->handle = 0;
}

/* ---- the definition ---- */

static lc__table *tables, **tables_end = &tables;
static lc__reducer *reducers, **reducers_end = &reducers;
static lc__schedule *schedules, **schedules_end = &schedules;
static uint32_t table_count, reducer_count, schedule_count;

void lc__register_table(lc__table *table) {
  *tables_end = table, tables_end = &table->next, table_count++;
}
void lc__register_reducer(lc__reducer *reducer) {
  *reducers_end = reducer, reducers_end = &reducer->next, reducer_count++;
}
void lc__register_schedule(lc__schedule *schedule) {
  *schedules_end = schedule, schedules_end = &schedule->next, schedule_count++;
}
void lc__register_index(lc__table *table, lc__index *index) {
  lc__index **end = &table->indexes;
  while (*end) end = &(*end)->next;
  *end = index;
}

static void put_text(lc_writer *to, const char *text) {
  uint32_t len = strlen(text);
  lc__put32(to, len);
  lc__put(to, text, len);
}
static void put_some_text(lc_writer *to, const char *text) {
  lc__put8(to, 0), put_text(to, text);
}
static void put_none(lc_writer *to) {
  lc__put8(to, 1);
}
static void put16(lc_writer *to, uint16_t v) {
  lc__put(to, &v, 2);
}
static void put_column_list(lc_writer *to, uint16_t column) {
  lc__put32(to, 1), put16(to, column);
}

void lc__describe_tag(lc_describer *describer, enum lc__tag tag) {
  lc__put8(describer->out, (uint8_t)tag);
}

void lc__describe_elements(lc_describer *describer, enum lc__tag product_or_sum, const lc__element *elements, uint32_t count) {
  lc__put8(describer->out, (uint8_t)product_or_sum);
  lc__put32(describer->out, count);
  for (uint32_t i = 0; i < count; i++) {
    put_some_text(describer->out, elements[i].name);
    elements[i].describe(describer);
  }
}

void lc__describe_one_field(lc_describer *describer, const char *name, enum lc__tag tag) {
  lc__put8(describer->out, LC__PRODUCT_TYPE);
  lc__put32(describer->out, 1);
  put_some_text(describer->out, name);
  lc__put8(describer->out, (uint8_t)tag);
}

void lc_describe_unit(lc_describer *describer) {
  lc__describe_elements(describer, LC__PRODUCT_TYPE, NULL, 0);
}

void lc_describe_schedule_at(lc_describer *describer) {
  static const lc__element variants[] = {{"Interval", lc_describe_time_duration}, {"Time", lc_describe_timestamp}};
  lc__describe_elements(describer, LC__SUM_TYPE, variants, 2);
}

void lc__describe_option(lc_describer *describer, lc_describe_fn *value) {
  const lc__element variants[] = {{"some", value}, {"none", lc_describe_unit}};
  lc__describe_elements(describer, LC__SUM_TYPE, variants, 2);
}

void lc__describe_array(lc_describer *describer, lc_describe_fn *element) {
  lc__put8(describer->out, LC__ARRAY_TYPE);
  element(describer);
}

static uint32_t type_number(lc_describer *describer, lc__named_type *type) {
  if (!type->number) {
    type->number = ++describer->count;
    if (describer->last)
      describer->last->next = type;
    else
      describer->first = type;
    describer->last = type;
  }
  return type->number - 1;
}

void lc__describe_named(lc_describer *describer, lc__named_type *type) {
  lc__put8(describer->out, LC__REF);
  lc__put32(describer->out, type_number(describer, type));
}

static uint32_t count_columns(const lc__table *table, uint8_t flag) {
  uint32_t count = 0;
  for (uint16_t c = 0; c < table->column_count; c++) count += (table->columns[c].flags & flag) != 0;
  return count;
}

static void put_indexes(lc_writer *to, const lc__table *table) {
  uint32_t count = count_columns(table, LC__ORDERED | LC__HASHED);
  for (const lc__index *index = table->indexes; index; index = index->next) count++;
  lc__put32(to, count);
  for (uint16_t c = 0; c < table->column_count; c++) {
    const lc__column *column = &table->columns[c];
    if (!(column->flags & (LC__ORDERED | LC__HASHED))) continue;
    bool hashed = column->flags & LC__HASHED;
    lc_string name = lc_format("%s_%s_idx_%s", table->name, column->name, hashed ? "hash" : "btree");
    lc__put8(to, 0);
    lc__put32(to, name.len);
    lc__put(to, name.ptr, name.len);
    put_some_text(to, column->name);
    lc__put8(to, hashed ? 1 : 0);
    put_column_list(to, c);
  }
  for (const lc__index *index = table->indexes; index; index = index->next) {
    put_some_text(to, index->name);
    put_some_text(to, index->accessor);
    lc__put8(to, 0);
    lc__put32(to, index->column_count);
    for (uint16_t c = 0; c < index->column_count; c++) put16(to, index->columns[c]);
  }
}

static void put_table(lc_describer *describer, const lc__table *table) {
  lc_writer *to = describer->out;
  put_text(to, table->name);
  lc__put32(to, type_number(describer, table->row));
  lc__put32(to, count_columns(table, LC__KEY));
  for (uint16_t c = 0; c < table->column_count; c++)
    if (table->columns[c].flags & LC__KEY) put16(to, c);
  put_indexes(to, table);
  lc__put32(to, count_columns(table, LC__UNIQUE));
  for (uint16_t c = 0; c < table->column_count; c++) {
    if (!(table->columns[c].flags & LC__UNIQUE)) continue;
    put_none(to);
    lc__put8(to, 0);
    put_column_list(to, c);
  }
  lc__put32(to, count_columns(table, LC__AUTO));
  for (uint16_t c = 0; c < table->column_count; c++) {
    if (!(table->columns[c].flags & LC__AUTO)) continue;
    __int128 increment = 1;
    put_none(to);
    put16(to, c);
    put_none(to), put_none(to), put_none(to);
    lc__put(to, &increment, 16);
  }
  lc__put8(to, 1); /* a user's table */
  lc__put8(to, table->visibility & LC__public ? 0 : 1);
  lc__put32(to, 0); /* default values */
  lc__put8(to, table->visibility & LC__private_event ? 1 : 0);
}

static void put_reducer(lc_describer *describer, const lc__reducer *reducer) {
  lc_writer *to = describer->out;
  put_text(to, reducer->name);
  lc__put32(to, reducer->param_count);
  for (uint32_t p = 0; p < reducer->param_count; p++) {
    put_some_text(to, reducer->params[p].name);
    reducer->params[p].describe(describer);
  }
  lc__put8(to, reducer->visibility);
  lc_describe_unit(describer);             /* result */
  lc__describe_tag(describer, LC__STRING); /* error */
}

enum { TYPESPACE, TYPES, TABLES, REDUCERS, SCHEDULES = 6, LIFECYCLES, EXPLICIT_NAMES = 10, SECTION_COUNT = 7, DEFINITION_V10 = 2 };

static void section(lc_writer *to, uint8_t kind, uint32_t count) {
  lc__put8(to, kind), lc__put32(to, count);
}

/* Everything that can mention a type comes first, so that the list of types is complete when it is written. */
static void describe_functions_and_tables(lc_describer *describer) {
  lc_writer *to = describer->out;
  section(to, TABLES, table_count);
  for (const lc__table *table = tables; table; table = table->next) put_table(describer, table);
  section(to, REDUCERS, reducer_count);
  for (const lc__reducer *reducer = reducers; reducer; reducer = reducer->next) put_reducer(describer, reducer);
  section(to, SCHEDULES, schedule_count);
  for (const lc__schedule *schedule = schedules; schedule; schedule = schedule->next) {
    put_none(to);
    put_text(to, schedule->table);
    put16(to, schedule->at_column);
    put_text(to, schedule->reducer);
  }
  uint32_t lifecycle_count = 0;
  for (const lc__reducer *reducer = reducers; reducer; reducer = reducer->next) lifecycle_count += reducer->lifecycle != LC__NO_LIFECYCLE;
  section(to, LIFECYCLES, lifecycle_count);
  for (const lc__reducer *reducer = reducers; reducer; reducer = reducer->next) {
    if (reducer->lifecycle == LC__NO_LIFECYCLE) continue;
    lc__put8(to, reducer->lifecycle);
    put_text(to, reducer->name);
  }
  section(to, EXPLICIT_NAMES, 0);
}

static void sink_write(uint32_t sink, const uint8_t *bytes, size_t len) {
  while (len) {
    size_t written = len;
    check(bytes_sink_write(sink, bytes, &written), "writing to", "the host");
    bytes += written;
    len -= written;
  }
}

__attribute__((export_name("__describe_module__"))) void lc__describe_module(uint32_t sink) {
  heap_reset();
  lc_writer body = {0}, types = {0}, out = {0};
  lc_describer describer = {.out = &body};
  describe_functions_and_tables(&describer);
  describer.out = &types;
  for (const lc__named_type *type = describer.first; type; type = type->next) type->body(&describer);

  lc__put8(&out, DEFINITION_V10);
  lc__put32(&out, SECTION_COUNT);
  section(&out, TYPESPACE, describer.count);
  if (types.len) lc__put(&out, types.data, types.len);
  section(&out, TYPES, describer.count);
  for (const lc__named_type *type = describer.first; type; type = type->next) {
    lc__put32(&out, 0); /* scope */
    put_text(&out, type->name);
    lc__put32(&out, type->number - 1);
    lc__put8(&out, 1); /* the order of elements is ours */
  }
  lc__put(&out, body.data, body.len);
  sink_write(sink, out.data, out.len);
}

/* ---- calls ---- */

static lc_reader read_arguments(uint32_t source) {
  uint32_t len;
  if (!source) return (lc_reader){0};
  check((uint32_t)bytes_source_remaining_length(source, &len), "reading", "arguments");
  uint8_t *bytes = heap_take(len ? len : 1);
  for (uint32_t have = 0; have < len;) {
    size_t part = len - have;
    int32_t result = bytes_source_read(source, bytes + have, &part);
    have += part;
    if (result == HOST_EXHAUSTED) break;
    check((uint32_t)result, "reading", "arguments");
  }
  return (lc_reader){bytes, bytes + len};
}

__attribute__((export_name("__call_reducer__"))) int32_t lc__call_reducer(uint32_t id, uint64_t sender_0, uint64_t sender_1,
                                                                          uint64_t sender_2, uint64_t sender_3, uint64_t connection_0,
                                                                          uint64_t connection_1, int64_t timestamp, uint32_t args,
                                                                          uint32_t error) {
  heap_reset();
  const lc__reducer *reducer = reducers;
  while (reducer && id--) reducer = reducer->next;
  if (!reducer) lc_panic("there is no reducer with this number");
  const uint64_t sender[4] = {sender_0, sender_1, sender_2, sender_3}, connection[2] = {connection_0, connection_1};
  lc_context ctx = {.has_connection = connection_0 || connection_1, .timestamp = {timestamp}};
  __builtin_memcpy(&ctx.sender, sender, sizeof sender);
  __builtin_memcpy(&ctx.connection, connection, sizeof connection);
  lc_reader arguments = read_arguments(args);
  lc_result result = reducer->call(&ctx, &arguments);
  if (!result.error) return 0;
  sink_write(error, (const uint8_t *)result.error, result.len);
  return 1;
}
