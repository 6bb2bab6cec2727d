/*
 * Names to ids, and changes of rows. The store validates what the guest sends; here its errors become the errnos or traps that the ABI
 * names for each import.
 *
 * st_env is closed to modules: by name it does not exist, by id it is "no such table", index included. Tables that describe the schema
 * can be changed as far as the module can tell, and fail the call when it is over.
 */
#include "host/abi_internal.h"

static bool is_closed(const lc_table *table) {
  return lc_table_id(table) == LC_ST_ENV;
}

uint32_t lc__abi_table_id_from_name(lc_abi *abi, uint32_t name, uint32_t name_len, uint32_t out) {
  lc_str text;
  if (!lc__guest_text(abi, name, name_len, &text)) return 0;
  if (!lc__abi_in_transaction(abi)) return LC_GUEST_NOT_IN_TRANSACTION;
  const lc_table *table = lc_store_table_by_name(abi->services.store, text);
  if (table == NULL || is_closed(table)) return LC_GUEST_NO_SUCH_TABLE;
  uint8_t *to = lc__guest_slice(abi, out, 4);
  if (to) lc_store32(to, lc_table_id(table));
  return LC_GUEST_OK;
}

uint32_t lc__abi_index_id_from_name(lc_abi *abi, uint32_t name, uint32_t name_len, uint32_t out) {
  lc_str text;
  if (!lc__guest_text(abi, name, name_len, &text)) return 0;
  if (!lc__abi_in_transaction(abi)) return LC_GUEST_NOT_IN_TRANSACTION;
  const lc_index *index = lc_store_index_by_name(abi->services.store, text);
  if (index == NULL || is_closed(lc_index_table(index))) return LC_GUEST_NO_SUCH_INDEX;
  uint8_t *to = lc__guest_slice(abi, out, 4);
  if (to) lc_store32(to, lc_index_id(index));
  return LC_GUEST_OK;
}

uint32_t lc__abi_datastore_table_row_count(lc_abi *abi, uint32_t table_id, uint32_t out) {
  if (!lc__abi_in_transaction(abi)) return LC_GUEST_NOT_IN_TRANSACTION;
  const lc_table *table = lc_store_table(abi->services.store, table_id);
  if (table == NULL || is_closed(table)) return LC_GUEST_NO_SUCH_TABLE;
  uint8_t *to = lc__guest_slice(abi, out, 8);
  if (to) lc_store64(to, lc_table_row_count(table));
  return LC_GUEST_OK;
}

/* Where an error of insert or update leads; everything not named here is a trap. */
static uint32_t change_failed(lc_abi *abi, const char *what, lc_err err) {
  switch (err.code) {
    case LC_ERR_UNIQUE:
      return LC_GUEST_UNIQUE_ALREADY_EXISTS;
    case LC_ERR_SEQUENCE:
      return LC_GUEST_AUTO_INC_OVERFLOW;
    case LC_ERR_NO_SUCH_INDEX:
      return LC_GUEST_NO_SUCH_INDEX;
    case LC_ERR_INDEX_NOT_UNIQUE:
      return LC_GUEST_INDEX_NOT_UNIQUE;
    case LC_ERR_NO_SUCH_ROW:
      return LC_GUEST_NO_SUCH_ROW;
    default:
      return lc__abi_trap_store(abi, what, err);
  }
}

/* Arms the timer of a scheduled row, then hands the generated columns back at the start of the guest's row buffer. */
static uint32_t change_finish(lc_abi *abi, lc_table *table, const lc_insert_result *result, uint32_t row, uint8_t *len_at) {
  if (__builtin_expect(lc_table_def_of(table)->schedule != NULL, 0) && abi->services.schedule_row) {
    lc_err err = abi->services.schedule_row(abi->services.database, table, result->row);
    if (err.code == LC_ERR_TOO_LARGE) return LC_GUEST_SCHEDULE_AT_DELAY_TOO_LONG;
    if (lc_failed(err)) return lc__abi_trap_store(abi, "the row's schedule", err);
  }
  uint32_t len = (uint32_t)result->generated.len;
  if (len) {
    uint8_t *to = lc__guest_slice(abi, row, len);
    if (to == NULL) return 0;
    memcpy(to, result->generated.ptr, len);
  }
  lc_store32(len_at, len);
  return LC_GUEST_OK;
}

uint32_t lc__abi_datastore_insert_bsatn(lc_abi *abi, uint32_t table_id, uint32_t row, uint32_t row_len_ptr) {
  uint8_t *len_at = lc__guest_slice(abi, row_len_ptr, 4);
  if (len_at == NULL) return 0;
  uint32_t len = lc_load32(len_at);
  const uint8_t *bytes = lc__guest_slice(abi, row, len);
  if (bytes == NULL) return 0;
  if (!lc__abi_in_transaction(abi)) return LC_GUEST_NOT_IN_TRANSACTION;
  lc_table *table = lc_store_table(abi->services.store, table_id);
  if (table == NULL) return lc__abi_trap(abi, "datastore_insert_bsatn: there is no table %u", table_id);
  if (!lc__abi_may_change(abi, table)) return LC_GUEST_NO_SUCH_TABLE;
  lc_insert_result result;
  lc_err err = lc_table_insert(table, lc_span_of(bytes, len), &result);
  if (lc_failed(err)) return change_failed(abi, "datastore_insert_bsatn", err);
  return change_finish(abi, table, &result, row, len_at);
}

uint32_t lc__abi_datastore_update_bsatn(lc_abi *abi, uint32_t table_id, uint32_t index_id, uint32_t row, uint32_t row_len_ptr) {
  uint8_t *len_at = lc__guest_slice(abi, row_len_ptr, 4);
  if (len_at == NULL) return 0;
  uint32_t len = lc_load32(len_at);
  const uint8_t *bytes = lc__guest_slice(abi, row, len);
  if (bytes == NULL) return 0;
  if (!lc__abi_in_transaction(abi)) return LC_GUEST_NOT_IN_TRANSACTION;
  lc_table *table = lc_store_table(abi->services.store, table_id);
  if (table == NULL) return lc__abi_trap(abi, "datastore_update_bsatn: there is no table %u", table_id);
  if (!lc__abi_may_change(abi, table)) return LC_GUEST_NO_SUCH_TABLE;
  lc_index *index = lc_store_index(abi->services.store, index_id);
  if (index == NULL || lc_index_table(index) != table) return LC_GUEST_NO_SUCH_INDEX;
  lc_insert_result result;
  lc_err err = lc_table_update(table, index, lc_span_of(bytes, len), &result);
  if (lc_failed(err)) return change_failed(abi, "datastore_update_bsatn", err);
  return change_finish(abi, table, &result, row, len_at);
}

/* Reads one row of a relation; trailing bytes of a fixed-size row belong to the next one. */
static bool relation_next(const lc_layout *layout, lc_cursor *from, lc_span *row) {
  size_t used = 0;
  lc_span left = {from->at, lc_cursor_left(from)};
  if (layout->fixed && left.len > layout->fixed_size) left.len = layout->fixed_size;
  if (lc_failed(lc_layout_validate(layout, left, &used))) return false;
  *row = (lc_span){from->at, used};
  from->at += used;
  return true;
}

/* Deletes the rows of a relation (u32 count, rows). All of it is checked before anything is deleted. */
uint32_t lc__abi_datastore_delete_all_by_eq_bsatn(lc_abi *abi, uint32_t table_id, uint32_t relation, uint32_t relation_len, uint32_t out) {
  const uint8_t *bytes = lc__guest_slice(abi, relation, relation_len);
  if (bytes == NULL) return 0;
  if (!lc__abi_in_transaction(abi)) return LC_GUEST_NOT_IN_TRANSACTION;
  lc_table *table = lc_store_table(abi->services.store, table_id);
  if (table == NULL || !lc__abi_may_change(abi, table)) return LC_GUEST_NO_SUCH_TABLE;
  const lc_layout *layout = lc_table_layout(table);
  lc_cursor cursor = lc_cursor_of(lc_span_of(bytes, relation_len));
  uint32_t count = lc_cursor_u32(&cursor);
  if (cursor.failed) return LC_GUEST_BSATN_DECODE_ERROR;
  /* Rows without bytes are all the same one, and there may be 2^32 of them: one round is enough. */
  if (layout->fixed && layout->fixed_size == 0 && count > 1) count = 1;
  lc_cursor rows = cursor;
  lc_span row;
  for (uint32_t i = 0; i < count; i++) {
    if (!relation_next(layout, &cursor, &row)) return LC_GUEST_BSATN_DECODE_ERROR;
  }
  uint32_t deleted = 0;
  for (uint32_t i = 0; i < count && relation_next(layout, &rows, &row); i++) deleted += lc_table_delete_equal(table, row);
  uint8_t *to = lc__guest_slice(abi, out, 4);
  if (to) lc_store32(to, deleted);
  return LC_GUEST_OK;
}

uint32_t lc__abi_datastore_clear(lc_abi *abi, uint32_t table_id, uint32_t out) {
  if (!lc__abi_in_transaction(abi)) return LC_GUEST_NOT_IN_TRANSACTION;
  lc_table *table = lc_store_table(abi->services.store, table_id);
  if (table == NULL) return lc__abi_trap(abi, "datastore_clear: there is no table %u", table_id);
  if (!lc__abi_may_change(abi, table)) return LC_GUEST_NO_SUCH_TABLE;
  uint64_t deleted = lc_table_clear(table);
  uint8_t *to = lc__guest_slice(abi, out, 8);
  if (to) lc_store64(to, deleted);
  return LC_GUEST_OK;
}
