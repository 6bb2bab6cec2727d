#include "server/control.h"

#include <stdlib.h>

#include "base/assert.h"
#include "log/log.h"
#include "log/record.h"
#include "store/store.h"

enum { TABLE_DATABASE, TABLE_NAME, TABLE_DOMAIN, TABLE_LOCK, TABLE_COUNT };
enum { DATABASE_ROW = 3 * 32 + 8 };

struct lc_control {
  lc_io *io;
  lc_store *store;
  lc_log *log;
  lc_table *tables[TABLE_COUNT];
  lc_buf row; /* being put together */
};

/* ---- its tables ---- */

typedef struct table_plan {
  const char *name, *index;
  struct {
    const char *name;
    lc_type_kind kind;
  } columns[4]; /* the first is the key */
} table_plan;

static const table_plan plans[TABLE_COUNT] = {
    [TABLE_DATABASE] =
        {"database",
         "database_identity_idx_hash",
         {{"identity", LC_TYPE_U256}, {"owner", LC_TYPE_U256}, {"initial_program", LC_TYPE_U256}, {"generation", LC_TYPE_U64}}},
    [TABLE_NAME] = {"name", "name_name_idx_hash", {{"name", LC_TYPE_STRING}, {"database", LC_TYPE_U256}}},
    [TABLE_DOMAIN] = {"domain", "domain_name_idx_hash", {{"name", LC_TYPE_STRING}, {"holder", LC_TYPE_U256}}},
    [TABLE_LOCK] = {"lock", "lock_identity_idx_hash", {{"identity", LC_TYPE_U256}}},
};

static lc_err create_table(lc_control *control, lc_arena *arena, const table_plan *plan) {
  uint16_t count = 0;
  while (count < 4 && plan->columns[count].name) count++;
  lc_field *fields = LC_ARENA_ARRAY(arena, lc_field, count);
  lc_column_def *columns = LC_ARENA_ARRAY(arena, lc_column_def, count);
  for (uint16_t i = 0; i < count; i++) {
    lc_str name = lc_str_of(plan->columns[i].name);
    const lc_type *type = lc_type_primitive(plan->columns[i].kind);
    fields[i] = (lc_field){name, type};
    columns[i] = (lc_column_def){.name = name, .source_name = name, .type = type};
  }
  uint16_t key = 0;
  lc_str index_name = lc_str_of(plan->index);
  lc_index_def index = {.name = index_name, .source_name = index_name, .kind = LC_INDEX_HASH, .columns = &key, .column_count = 1};
  lc_constraint_def constraint = {.name = lc_arena_printf(arena, "%s_key", plan->index), .columns = &key, .column_count = 1};
  const lc_type *row = lc_type_product(arena, fields, count);
  lc_table_def def = {.name = lc_str_of(plan->name),
                      .source_name = lc_str_of(plan->name),
                      .row = row,
                      .layout = lc_layout_create(arena, row),
                      .columns = columns,
                      .column_count = count,
                      .primary_key = 0,
                      .indexes = &index,
                      .index_count = 1,
                      .constraints = &constraint,
                      .constraint_count = 1};
  lc_table *table;
  return lc_store_create_table(control->store, &def, &table);
}

/* ---- transactions ---- */

/* Commits and waits for the disk (C1). LC_ERR_NOT_DURABLE: it has happened, but not on disk; any other failure: nothing has. */
static lc_err commit(lc_control *control) {
  uint8_t *at;
  lc_record_inputs inputs = {.kind = LC_RECORD_SYSTEM, .timestamp_micros = lc_io_now_micros(control->io)};
  /* Nobody polls this log: a disk that was full is tried again by who needs it next. */
  lc_err err = lc_log_is_full(control->log) ? lc_log_flush(control->log) : lc_ok();
  const lc_delta *delta = lc_store_delta(control->store);
  if (!lc_failed(err)) err = lc_log_reserve(control->log, lc_record_size(&inputs, delta), &at);
  if (lc_failed(err)) {
    lc_store_abort(control->store);
    return err;
  }
  lc_store_commit(control->store, &delta);
  lc_log_commit(control->log, lc_record_encode(at, &inputs, delta));
  lc_store_release(control->store);
  err = lc_log_flush(control->log);
  return err.code == LC_ERR_NO_SPACE ? lc_error(LC_ERR_NOT_DURABLE) : err;
}

static lc_err finish(lc_control *control, lc_err err) {
  if (!lc_failed(err)) return commit(control);
  lc_store_abort(control->store);
  return err;
}

static lc_err replay(void *context, uint64_t offset, lc_span record) {
  lc_control *control = context;
  return lc_record_apply(record, control->store, NULL);
}

static lc_err create_tables(lc_control *control) {
  lc_arena arena = {0};
  lc_store_begin(control->store);
  lc_err err = lc_ok();
  for (int i = 0; i < TABLE_COUNT && !lc_failed(err); i++) {
    if (lc_store_table_by_name(control->store, lc_str_of(plans[i].name)) == NULL) err = create_table(control, &arena, &plans[i]);
  }
  err = finish(control, err);
  lc_arena_deinit(&arena);
  return err;
}

static bool has_tables(const lc_control *control) {
  for (int i = 0; i < TABLE_COUNT; i++) {
    if (lc_store_table_by_name(control->store, lc_str_of(plans[i].name)) == NULL) return false;
  }
  return true;
}

lc_err lc_control_open(lc_io *io, const char *directory, lc_control **control) {
  lc_control *opened = calloc(1, sizeof *opened);
  lc_assert(opened != NULL);
  opened->io = io;
  opened->store = lc_store_create();
  lc_err err = lc_log_open(io, directory, NULL, replay, opened, &opened->log);
  if (!lc_failed(err)) err = lc_store_recovered(opened->store);
  if (!lc_failed(err) && !has_tables(opened)) err = create_tables(opened);
  if (lc_failed(err)) {
    lc_control_close(opened);
    return lc_err_context(err, "the control database");
  }
  for (int i = 0; i < TABLE_COUNT; i++) opened->tables[i] = lc_store_table_by_name(opened->store, lc_str_of(plans[i].name));
  *control = opened;
  return lc_ok();
}

void lc_control_close(lc_control *control) {
  if (control == NULL) return;
  if (control->log) {
    lc_err err = lc_log_close(control->log);
    (void)err; /* every change was flushed when it was made */
  }
  lc_store_destroy(control->store);
  lc_buf_deinit(&control->row);
  free(control);
}

/* ---- rows ---- */

static bool find(lc_control *control, int table, lc_span key, lc_row *row) {
  bool found = false;
  lc_err err = lc_index_find(lc_table_index(control->tables[table], 0), key, row, &found);
  lc_assert(!lc_failed(err)); /* keys are made here */
  return found;
}

/* A name as a key: BSATN of a string. Borrowed until the next one. */
static lc_span name_key(lc_control *control, lc_str name) {
  lc_buf_clear(&control->row);
  lc_buf_put_sized(&control->row, name.ptr, name.len);
  return lc_buf_span(&control->row);
}

/* The identity behind a name, in tables of names and identities. */
static bool find_named(lc_control *control, int table, lc_str name, lc_identity *identity) {
  lc_row row;
  if (!find(control, table, name_key(control, name), &row)) return false;
  memcpy(identity->bytes, row.bytes + row.len - 32, 32);
  return true;
}

static lc_err insert(lc_control *control, int table, lc_span row) {
  lc_insert_result result;
  return lc_table_insert(control->tables[table], row, &result);
}

static lc_err insert_named(lc_control *control, int table, lc_str name, const lc_identity *identity) {
  name_key(control, name);
  lc_buf_append(&control->row, identity->bytes, 32);
  return insert(control, table, lc_buf_span(&control->row));
}

/* ---- databases ---- */

uint32_t lc_control_databases(lc_control *control, lc_arena *arena, lc_control_database **databases) {
  uint32_t count = 0;
  *databases = LC_ARENA_ARRAY(arena, lc_control_database, lc_table_row_count(control->tables[TABLE_DATABASE]) + 1);
  lc_scan scan;
  lc_row row;
  lc_table_scan(control->tables[TABLE_DATABASE], &scan);
  while (lc_scan_next(&scan, &row)) {
    lc_control_database *database = &(*databases)[count++];
    memcpy(database->identity.bytes, row.bytes, 32);
    memcpy(database->owner.bytes, row.bytes + 32, 32);
    memcpy(database->initial_program.bytes, row.bytes + 64, 32);
    database->generation = lc_load64(row.bytes + 96);
  }
  return count;
}

lc_err lc_control_put_database(lc_control *control, const lc_control_database *database) {
  uint8_t bytes[DATABASE_ROW];
  memcpy(bytes, database->identity.bytes, 32);
  memcpy(bytes + 32, database->owner.bytes, 32);
  memcpy(bytes + 64, database->initial_program.bytes, 32);
  lc_store64(bytes + 96, database->generation);
  lc_row old;
  lc_store_begin(control->store);
  if (find(control, TABLE_DATABASE, lc_span_of(database->identity.bytes, 32), &old))
    lc_table_delete(control->tables[TABLE_DATABASE], old.id);
  return finish(control, insert(control, TABLE_DATABASE, lc_span_of(bytes, sizeof bytes)));
}

lc_err lc_control_remove_database(lc_control *control, const lc_identity *identity) {
  lc_row row;
  if (!find(control, TABLE_DATABASE, lc_span_of(identity->bytes, 32), &row)) return lc_ok();
  lc_store_begin(control->store);
  lc_table_delete(control->tables[TABLE_DATABASE], row.id);
  return commit(control);
}

/* ---- names ---- */

bool lc_control_name(lc_control *control, lc_str name, lc_identity *database) {
  return find_named(control, TABLE_NAME, name, database);
}
bool lc_control_holder(lc_control *control, lc_str name, lc_identity *holder) {
  return find_named(control, TABLE_DOMAIN, name, holder);
}

/* Inside a transaction. */
static lc_err bind_name(lc_control *control, lc_str name, const lc_identity *database, const lc_identity *holder) {
  lc_identity other;
  if (lc_control_name(control, name, &other)) return lc_fail(LC_ERR_EXISTS, "record with the name %.*s already exists", LC_STR_ARGS(name));
  if (!lc_control_holder(control, name, &other)) {
    LC_TRY(insert_named(control, TABLE_DOMAIN, name, holder));
  } else if (!lc_u256_equal(&other, holder)) {
    return lc_fail(LC_ERR_DENIED, "the name %.*s belongs to somebody else", LC_STR_ARGS(name));
  }
  return insert_named(control, TABLE_NAME, name, database);
}

lc_err lc_control_add_name(lc_control *control, lc_str name, const lc_identity *database, const lc_identity *holder) {
  lc_store_begin(control->store);
  return finish(control, bind_name(control, name, database, holder));
}

lc_err lc_control_replace_names(lc_control *control, const lc_identity *database, const lc_str *names, uint32_t count,
                                const lc_identity *holder) {
  lc_arena arena = {0};
  lc_str *old;
  uint32_t old_count = lc_control_names(control, database, &arena, &old);
  lc_store_begin(control->store);
  for (uint32_t i = 0; i < old_count; i++) {
    lc_row row;
    bool found = find(control, TABLE_NAME, name_key(control, old[i]), &row);
    lc_assert(found);
    lc_table_delete(control->tables[TABLE_NAME], row.id);
  }
  lc_err err = lc_ok();
  for (uint32_t i = 0; i < count && !lc_failed(err); i++) err = bind_name(control, names[i], database, holder);
  lc_arena_deinit(&arena);
  return finish(control, err);
}

static int compare_names(const void *a, const void *b) {
  return lc_str_compare(*(const lc_str *)a, *(const lc_str *)b);
}

uint32_t lc_control_names(lc_control *control, const lc_identity *database, lc_arena *arena, lc_str **names) {
  uint32_t count = 0;
  *names = LC_ARENA_ARRAY(arena, lc_str, lc_table_row_count(control->tables[TABLE_NAME]) + 1);
  lc_scan scan;
  lc_row row;
  lc_table_scan(control->tables[TABLE_NAME], &scan);
  while (lc_scan_next(&scan, &row)) {
    if (memcmp(row.bytes + row.len - 32, database->bytes, 32) != 0) continue;
    (*names)[count++] = lc_arena_str(arena, (lc_str){(const char *)row.bytes + 4, lc_load32(row.bytes)});
  }
  qsort(*names, count, sizeof **names, compare_names);
  return count;
}

/* ---- locks ---- */

bool lc_control_is_locked(lc_control *control, const lc_identity *identity) {
  lc_row row;
  return find(control, TABLE_LOCK, lc_span_of(identity->bytes, 32), &row);
}

lc_err lc_control_set_locked(lc_control *control, const lc_identity *identity, bool locked) {
  lc_row row;
  bool is_locked = find(control, TABLE_LOCK, lc_span_of(identity->bytes, 32), &row);
  if (is_locked == locked) return lc_ok();
  lc_store_begin(control->store);
  if (locked) return finish(control, insert(control, TABLE_LOCK, lc_span_of(identity->bytes, 32)));
  lc_table_delete(control->tables[TABLE_LOCK], row.id);
  return commit(control);
}
