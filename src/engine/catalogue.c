/*
 * The rows of system tables that belong to the module as a whole; those of tables, indexes, constraints and sequences are the store's.
 *
 *   st_module              database_identity u256, owner_identity u256, program_kind u8 (0: wasm), program_hash u256 (Keccak-256 of the
 * bytes, as they come), program_bytes bytes, module_version string `0.0.1` st_view                view_id u32, view_name string, table_id
 * option<u32>, is_public bool, is_anonymous bool st_view_param          view_id u32, param_pos u16, param_name string, param_type bytes
 *   st_view_column         view_id u32, col_pos u16, col_name string, col_type bytes
 *   st_row_level_security  table_id u32, sql string
 *   st_env                 key string, value string
 */
#include "engine/engine_internal.h"

enum { MODULE_HASH_AT = 65, MODULE_PROGRAM_AT = 97 };
#define MODULE_VERSION "0.0.1"

static lc_table *system_table(lc_database *database, uint32_t id) {
  return lc_store_table(database->store, id);
}

static lc_err insert(lc_database *database, uint32_t table, lc_buf *row, lc_insert_result *result) {
  lc_insert_result ignored;
  lc_err err = lc_table_insert(system_table(database, table), lc_buf_span(row), result ? result : &ignored);
  lc_buf_clear(row);
  return err;
}

/* Deletes the rows of a table that begin with these bytes. */
static void delete_where(lc_table *table, lc_span beginning) {
  LC_VEC(uint32_t) ids = {0};
  lc_scan scan;
  lc_row row;
  lc_table_scan(table, &scan);
  while (lc_scan_next(&scan, &row))
    if (row.len >= beginning.len && (beginning.len == 0 || memcmp(row.bytes, beginning.ptr, beginning.len) == 0)) lc_vec_push(&ids, row.id);
  for (size_t i = 0; i < ids.count; i++) lc_table_delete(table, ids.items[i]);
  lc_vec_deinit(&ids);
}

/* ---- st_module ---- */

lc_err lc__catalogue_put_module(lc_database *database, const lc_hash256 *hash, lc_span program) {
  lc_buf row = {0};
  delete_where(system_table(database, LC_ST_MODULE), (lc_span){0});
  lc_buf_append(&row, database->identity.bytes, 32);
  lc_buf_append(&row, database->owner.bytes, 32);
  lc_buf_put8(&row, 0);
  lc_buf_append(&row, hash->bytes, 32);
  lc_buf_put_sized(&row, program.ptr, program.len);
  lc_buf_put_sized(&row, MODULE_VERSION, strlen(MODULE_VERSION));
  lc_err err = insert(database, LC_ST_MODULE, &row, NULL);
  lc_buf_deinit(&row);
  return err;
}

bool lc__catalogue_get_module(lc_database *database, lc_hash256 *hash, lc_span *program) {
  lc_scan scan;
  lc_row row;
  lc_table_scan(system_table(database, LC_ST_MODULE), &scan);
  if (!lc_scan_next(&scan, &row)) return false;
  memcpy(hash->bytes, row.bytes + MODULE_HASH_AT, 32);
  *program = lc_span_of(row.bytes + MODULE_PROGRAM_AT + 4, lc_load32(row.bytes + MODULE_PROGRAM_AT));
  return true;
}

/* ---- views ---- */

static void put_type(lc_buf *row, const lc_type *type) {
  lc_buf encoded = {0};
  lc_type_encode(&encoded, type);
  lc_buf_put_sized(row, encoded.data, encoded.len);
  lc_buf_deinit(&encoded);
}

static lc_err add_view_part(lc_database *database, uint32_t table, uint32_t view_id, uint32_t position, lc_str name, const lc_type *type,
                            lc_buf *row) {
  lc_buf_put32(row, view_id);
  lc_buf_put16(row, (uint16_t)position);
  lc_buf_put_sized(row, name.ptr, name.len);
  put_type(row, type);
  return insert(database, table, row, NULL);
}

static lc_err add_view(lc_database *database, const lc_view_def *view, lc_buf *row) {
  lc_insert_result inserted;
  lc_buf_put32(row, 0); /* drawn from the sequence */
  lc_buf_put_sized(row, view->name.ptr, view->name.len);
  lc_buf_put8(row, 1); /* none: views are not materialised yet */
  lc_buf_put8(row, view->is_public);
  lc_buf_put8(row, view->is_anonymous);
  LC_TRY(insert(database, LC_ST_VIEW, row, &inserted));
  uint32_t view_id = lc_load32(inserted.row.bytes);
  for (uint32_t i = 0; i < view->params->field_count; i++)
    LC_TRY(add_view_part(database, LC_ST_VIEW_PARAM, view_id, i, view->params->fields[i].name, view->params->fields[i].type, row));
  for (uint32_t i = 0; i < view->column_count; i++)
    LC_TRY(add_view_part(database, LC_ST_VIEW_COLUMN, view_id, i, view->columns[i].name, view->columns[i].type, row));
  return lc_ok();
}

lc_err lc__catalogue_add_view(lc_database *database, const lc_view_def *view) {
  lc_buf row = {0};
  lc_err err = add_view(database, view, &row);
  lc_buf_deinit(&row);
  return lc_err_context(err, "view `%.*s`", LC_STR_ARGS(view->name));
}

void lc__catalogue_remove_view(lc_database *database, lc_str name) {
  lc_scan scan;
  lc_row row;
  lc_table_scan(system_table(database, LC_ST_VIEW), &scan);
  while (lc_scan_next(&scan, &row)) {
    lc_str found = {(const char *)row.bytes + 8, lc_load32(row.bytes + 4)};
    if (!lc_str_equal(found, name)) continue;
    uint32_t view_id = lc_load32(row.bytes);
    lc_table_delete(system_table(database, LC_ST_VIEW), row.id);
    delete_where(system_table(database, LC_ST_VIEW_PARAM), lc_span_of(&view_id, sizeof view_id));
    delete_where(system_table(database, LC_ST_VIEW_COLUMN), lc_span_of(&view_id, sizeof view_id));
    return;
  }
}

/* ---- row rules ---- */

static bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (c & 0x80);
}

/* Cuts the next word, quoted name or single sign off `text`; empty at the end. */
static lc_str next_token(lc_str *text) {
  while (text->len && (text->ptr[0] == ' ' || text->ptr[0] == '\t' || text->ptr[0] == '\n' || text->ptr[0] == '\r'))
    text->ptr++, text->len--;
  if (text->len == 0) return (lc_str){0};
  lc_str token = {text->ptr, 1};
  if (text->ptr[0] == '"') {
    while (token.len < text->len && text->ptr[token.len] != '"') token.len++;
    text->ptr += token.len + (token.len < text->len);
    text->len -= token.len + (token.len < text->len);
    return (lc_str){token.ptr + 1, token.len - 1};
  }
  if (is_word(text->ptr[0]))
    while (token.len < text->len && is_word(text->ptr[token.len])) token.len++;
  text->ptr += token.len;
  text->len -= token.len;
  return token;
}

/*
 * The table whose rows a rule returns: `SELECT * FROM t …`, or `SELECT x.* FROM … [AS] x …`. Rules may join, which the query layer need
 * not know yet to know which table they protect.
 */
static lc_err rule_table(lc_database *database, lc_str sql, lc_table **table) {
  lc_str left = sql, returned, name = {0}, before = {0}, token;
  next_token(&left);
  returned = next_token(&left);
  while ((token = next_token(&left)).len) {
    bool is_source = lc_str_equal_nocase(before, LC_STR("FROM")) || lc_str_equal_nocase(before, LC_STR("JOIN"));
    before = token;
    if (!is_source) continue;
    lc_str rest = left, alias = next_token(&rest);
    if (lc_str_equal_nocase(alias, LC_STR("AS"))) alias = next_token(&rest);
    if (lc_str_is(returned, "*") || lc_str_equal(returned, token) || lc_str_equal(returned, alias)) {
      name = token;
      break;
    }
  }
  *table = name.len ? lc_store_table_by_name(database->store, name) : NULL;
  if (*table == NULL)
    return lc_fail(LC_ERR_MODULE_INVALID, "no such table: `%.*s`. If the table exists, it may be marked private.", LC_STR_ARGS(name));
  if (!lc_table_def_of(*table)->is_public)
    return lc_fail(LC_ERR_MODULE_INVALID, "Cannot define RLS rule on private table: %.*s", LC_STR_ARGS(name));
  return lc_ok();
}

lc_err lc__catalogue_replace_rules(lc_database *database, const lc_module_def *def) {
  lc_err err = lc_ok();
  lc_buf row = {0};
  delete_where(system_table(database, LC_ST_ROW_LEVEL_SECURITY), (lc_span){0});
  for (uint32_t i = 0; i < def->row_rule_count && !lc_failed(err); i++) {
    lc_str sql = def->row_rules[i].sql;
    lc_table *table;
    err = rule_table(database, sql, &table);
    if (lc_failed(err)) break;
    lc_buf_put32(&row, lc_table_id(table));
    lc_buf_put_sized(&row, sql.ptr, sql.len);
    err = insert(database, LC_ST_ROW_LEVEL_SECURITY, &row, NULL);
  }
  lc_buf_deinit(&row);
  return err;
}

void lc__rules_reload(lc_database *database) {
  lc_scan scan;
  lc_row row;
  lc_vec_clear(&database->ruled_tables);
  lc_table_scan(system_table(database, LC_ST_ROW_LEVEL_SECURITY), &scan);
  while (lc_scan_next(&scan, &row)) lc_vec_push(&database->ruled_tables, lc_load32(row.bytes));
}

bool lc__rules_cover(void *context, const lc_table *table) {
  const lc_database *database = context;
  for (size_t i = 0; i < database->ruled_tables.count; i++)
    if (database->ruled_tables.items[i] == lc_table_id(table)) return true;
  return false;
}

/* ---- environment ---- */

bool lc__environment_find(void *context, lc_str key, lc_str *value) {
  lc_database *database = context;
  lc_buf encoded = {0};
  lc_row row;
  bool found = false;
  lc_buf_put_sized(&encoded, key.ptr, key.len);
  lc_err err = lc_index_find(lc_table_index(system_table(database, LC_ST_ENV), 0), lc_buf_span(&encoded), &row, &found);
  lc_buf_deinit(&encoded);
  if (lc_failed(err) || !found) return false;
  const uint8_t *at = row.bytes + 4 + key.len;
  *value = (lc_str){(const char *)at + 4, lc_load32(at)};
  return true;
}
