/* Commit records: written straight from the delta of a transaction, read back with every length checked. The layout is in record.h. */
#include "log/record.h"

#include "base/assert.h"
#include "base/cursor.h"

enum {
  RECORD_FORMAT = 1,
  FLAG_TRUNCATED = 1,
  FLAG_FIXED = 2,
  FLAGS_ALL = 3,
  PREFIX_SIZE = 1 + 1 + 8 + 32 + 16, /* up to the lengths of function and arguments */
};

/* ---- writing ---- */

static bool is_kept(const lc_table_delta *delta) {
  return !delta->dropped && !lc_table_def_of(delta->table)->is_event && (delta->delete_count > 0 || delta->insert_count > 0);
}

static size_t rows_size(const lc_row *rows, uint32_t count) {
  size_t size = 4 * (size_t)count;
  for (uint32_t i = 0; i < count; i++) size += rows[i].len;
  return size;
}

static size_t table_size(const lc_table_delta *delta) {
  const lc_layout *layout = lc_table_layout(delta->table);
  uint32_t deletes = delta->truncated ? 0 : delta->delete_count;
  if (layout->fixed) return 4 + 1 + 4 + 4 + 4 + layout->fixed_size * ((size_t)deletes + delta->insert_count);
  return 4 + 1 + 4 + 4 + rows_size(delta->deletes, deletes) + rows_size(delta->inserts, delta->insert_count);
}

size_t lc_record_size(const lc_record_inputs *inputs, const lc_delta *delta) {
  size_t size = PREFIX_SIZE + 4 + inputs->function.len + 4 + inputs->arguments.len + 4;
  for (uint32_t i = 0; i < delta->table_count; i++) {
    if (is_kept(&delta->tables[i])) size += table_size(&delta->tables[i]);
  }
  return size;
}

static uint8_t *put32(uint8_t *at, uint32_t value) {
  lc_store32(at, value);
  return at + 4;
}

static uint8_t *put_bytes(uint8_t *at, const void *bytes, size_t len) {
  if (len) memcpy(at, bytes, len);
  return at + len;
}

static uint8_t *put_fixed_rows(uint8_t *at, const lc_row *rows, uint32_t count, uint32_t size) {
  for (uint32_t i = 0; i < count; i++) at = put_bytes(at, rows[i].bytes, size);
  return at;
}

static uint8_t *put_rows(uint8_t *at, const lc_row *rows, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) at = put_bytes(put32(at, rows[i].len), rows[i].bytes, rows[i].len);
  return at;
}

static uint8_t *put_table(uint8_t *at, const lc_table_delta *delta) {
  const lc_layout *layout = lc_table_layout(delta->table);
  uint32_t deletes = delta->truncated ? 0 : delta->delete_count;
  at = put32(at, lc_table_id(delta->table));
  *at++ = (uint8_t)((delta->truncated ? FLAG_TRUNCATED : 0) | (layout->fixed ? FLAG_FIXED : 0));
  if (layout->fixed) at = put32(at, layout->fixed_size);
  at = put32(put32(at, deletes), delta->insert_count);
  if (layout->fixed) {
    at = put_fixed_rows(at, delta->deletes, deletes, layout->fixed_size);
    return put_fixed_rows(at, delta->inserts, delta->insert_count, layout->fixed_size);
  }
  return put_rows(put_rows(at, delta->deletes, deletes), delta->inserts, delta->insert_count);
}

size_t lc_record_encode(uint8_t *to, const lc_record_inputs *inputs, const lc_delta *delta) {
  uint8_t *at = to;
  *at++ = RECORD_FORMAT;
  *at++ = (uint8_t)inputs->kind;
  lc_store64(at, (uint64_t)inputs->timestamp_micros);
  at = put_bytes(at + 8, inputs->caller.bytes, 32);
  lc_store64(at, inputs->connection.low);
  lc_store64(at + 8, inputs->connection.high);
  at = put_bytes(put32(at + 16, (uint32_t)inputs->function.len), inputs->function.ptr, inputs->function.len);
  at = put_bytes(put32(at, (uint32_t)inputs->arguments.len), inputs->arguments.ptr, inputs->arguments.len);
  uint8_t *count_at = at;
  uint32_t count = 0;
  at += 4;
  for (uint32_t i = 0; i < delta->table_count; i++) {
    if (!is_kept(&delta->tables[i])) continue;
    at = put_table(at, &delta->tables[i]);
    count++;
  }
  lc_store32(count_at, count);
  return (size_t)(at - to);
}

/* ---- reading ---- */

static lc_err malformed(const char *what) {
  return lc_fail(LC_ERR_LOG_CORRUPT, "malformed commit record: %s", what);
}

typedef struct table_header {
  uint32_t id, row_size, deletes, inserts;
  bool truncated, fixed;
} table_header;

/* Up to the rows. A count that the rest of the record cannot hold is refused here, before anything loops over it. */
static lc_err read_table_header(lc_cursor *from, table_header *table, int64_t previous_id) {
  *table = (table_header){.id = lc_cursor_u32(from)};
  uint8_t flags = lc_cursor_u8(from);
  table->truncated = flags & FLAG_TRUNCATED;
  table->fixed = flags & FLAG_FIXED;
  if (table->fixed) table->row_size = lc_cursor_u32(from);
  table->deletes = lc_cursor_u32(from);
  table->inserts = lc_cursor_u32(from);
  if (from->failed) return malformed("it ends inside a table");
  if (flags & ~FLAGS_ALL) return malformed("unknown table flags");
  if ((int64_t)table->id <= previous_id) return malformed("its tables are not in ascending order");
  if (table->truncated ? table->deletes != 0 : table->deletes == 0 && table->inserts == 0) return malformed("impossible row counts");
  uint64_t rows = (uint64_t)table->deletes + table->inserts, least = table->fixed ? table->row_size : 4;
  if (table->fixed && table->row_size == 0 && (table->deletes > 1 || table->inserts > 1))
    return malformed("a set of empty rows has one at most");
  /* No overflow: both factors are below 2^33. */
  if (rows > 0 && least > 0 && lc_cursor_left(from) / least < rows) return malformed("it ends inside the rows");
  return lc_ok();
}

typedef lc_err (*apply_row)(lc_store *store, uint32_t table_id, lc_span row);

static lc_err read_rows(lc_cursor *from, const table_header *table, uint32_t count, lc_store *store, apply_row apply) {
  for (uint32_t i = 0; i < count; i++) {
    uint32_t len = table->fixed ? table->row_size : lc_cursor_u32(from);
    const uint8_t *bytes = lc_cursor_take(from, len);
    if (bytes == NULL) return malformed("it ends inside a row");
    if (store) LC_TRY(apply(store, table->id, (lc_span){bytes, len}));
  }
  return lc_ok();
}

static lc_err read_inputs(lc_cursor *from, lc_record_inputs *inputs) {
  if (lc_cursor_u8(from) != RECORD_FORMAT) return malformed("unknown format");
  uint8_t kind = lc_cursor_u8(from);
  if (kind > LC_RECORD_SYSTEM) return malformed("unknown kind");
  inputs->kind = (lc_record_kind)kind;
  inputs->timestamp_micros = (int64_t)lc_cursor_u64(from);
  const uint8_t *caller = lc_cursor_take(from, 32);
  if (caller) memcpy(inputs->caller.bytes, caller, 32);
  inputs->connection.low = lc_cursor_u64(from);
  inputs->connection.high = lc_cursor_u64(from);
  lc_span function = lc_cursor_sized(from);
  inputs->arguments = lc_cursor_sized(from);
  if (from->failed) return malformed("it ends inside its inputs");
  if (!lc_utf8_valid(function.ptr, function.len)) return malformed("its function name is not UTF-8");
  inputs->function = (lc_str){(const char *)function.ptr, function.len};
  return lc_ok();
}

/* Without a store it only checks. */
static lc_err walk(lc_span record, lc_store *store, lc_record_inputs *inputs) {
  lc_cursor from = lc_cursor_of(record);
  *inputs = (lc_record_inputs){0};
  LC_TRY(read_inputs(&from, inputs));
  uint32_t count = lc_cursor_u32(&from);
  int64_t previous_id = -1;
  for (uint32_t i = 0; i < count; i++) {
    table_header table;
    LC_TRY(read_table_header(&from, &table, previous_id));
    previous_id = table.id;
    if (store && table.truncated) LC_TRY(lc_store_apply_truncate(store, table.id));
    LC_TRY(read_rows(&from, &table, table.deletes, store, lc_store_apply_delete));
    LC_TRY(read_rows(&from, &table, table.inserts, store, lc_store_apply_insert));
  }
  if (from.failed) return malformed("it ends before its tables");
  if (lc_cursor_left(&from) != 0) return malformed("bytes are left over at its end");
  return lc_ok();
}

lc_err lc_record_inputs_read(lc_span record, lc_record_inputs *inputs) {
  return walk(record, NULL, inputs);
}

lc_err lc_record_apply(lc_span record, lc_store *store, lc_record_inputs *inputs) {
  lc_record_inputs own;
  if (inputs == NULL) inputs = &own;
  LC_TRY(walk(record, NULL, inputs)); /* all of it first, so that a malformed record changes nothing */
  lc_store_apply_begin(store);
  LC_TRY(walk(record, store, inputs));
  return lc_store_apply_end(store);
}
