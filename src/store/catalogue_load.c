/*
 * A table's definition, read back from the rows of the system tables: the other direction of catalogue_rows.c. Used by recovery and by
 * lc_store_check. What the catalogue does not hold (default values, the ref of the row type, the position of a schedule's function) stays
 * empty; the engine takes it from the module definition.
 *
 * The rows have been validated against their tables' layouts, so reading them cannot fail; what they say may still make no sense, which is
 * LC_ERR_LOG_CORRUPT.
 */
#include "store/table_internal.h"

typedef struct loader {
  lc_store *store;
  lc_arena *arena;
  uint32_t table_id;
  lc__loaded *out;
} loader;

static lc_str take_str(lc_cursor *row, lc_arena *arena) {
  lc_span text = lc_cursor_sized(row);
  return lc_arena_str(arena, (lc_str){(const char *)text.ptr, text.len});
}

static uint16_t *take_columns(lc_cursor *row, lc_arena *arena, uint16_t *count) {
  uint32_t len = lc_cursor_u32(row);
  uint16_t *columns = LC_ARENA_ARRAY(arena, uint16_t, len + 1u);
  for (uint32_t i = 0; i < len; i++) columns[i] = lc_cursor_u16(row);
  *count = (uint16_t)len;
  return columns;
}

static __int128 take_i128(lc_cursor *row) {
  __int128 value = 0;
  const uint8_t *at = lc_cursor_take(row, 16);
  if (at) memcpy(&value, at, 16);
  return value;
}

static lc_err corrupt(const loader *load, const char *what) {
  return lc_fail(LC_ERR_LOG_CORRUPT, "the catalogue is inconsistent: table %u %s", load->table_id, what);
}

/* Visits the rows of a system table. */
static bool next_row(lc_scan *scan, lc_cursor *row, uint32_t *row_id) {
  lc_row found;
  if (!lc_scan_next(scan, &found)) return false;
  *row = lc_cursor_of((lc_span){found.bytes, found.len});
  *row_id = found.id;
  return true;
}

static lc_scan scan_of(const loader *load, uint32_t system_table) {
  lc_scan scan;
  lc_table_scan(load->store->tables.items[system_table], &scan);
  return scan;
}

static lc_err load_table(loader *load) {
  lc_table_def *def = &load->out->def;
  lc_scan scan = scan_of(load, LC_ST_TABLE);
  lc_cursor row;
  uint32_t row_id;
  while (next_row(&scan, &row, &row_id)) {
    if (lc_cursor_u32(&row) != load->table_id) continue;
    def->name = take_str(&row, load->arena);
    def->is_system = lc_str_is(take_str(&row, load->arena), "system");
    def->is_public = lc_str_is(take_str(&row, load->arena), "public");
    def->primary_key = -1;
    if (lc_cursor_u8(&row) == 0) {
      uint16_t count;
      const uint16_t *columns = take_columns(&row, load->arena, &count);
      if (count == 1) def->primary_key = columns[0];
    }
    return lc_ok();
  }
  return corrupt(load, "has no row in st_table");
}

static lc_err load_column(loader *load, lc_cursor *row) {
  lc_table_def *def = &load->out->def;
  uint16_t position = lc_cursor_u16(row);
  if (position >= def->column_count) return corrupt(load, "has gaps between its columns");
  lc_column_def *column = &def->columns[position];
  column->name = take_str(row, load->arena);
  lc_cursor encoded = lc_cursor_of(lc_cursor_sized(row));
  lc_type *type;
  lc_typespace none = {0};
  lc_err err = lc_type_decode(load->arena, &encoded, &type);
  if (!lc_failed(err)) err = lc_type_link(&none, type);
  if (lc_failed(err)) return corrupt(load, "has a column whose type cannot be read");
  column->type = type;
  return lc_ok();
}

static lc_err load_columns(loader *load) {
  lc_table_def *def = &load->out->def;
  lc_cursor row;
  uint32_t row_id, count = 0;
  for (lc_scan scan = scan_of(load, LC_ST_COLUMN); next_row(&scan, &row, &row_id);) count += lc_cursor_u32(&row) == load->table_id;
  if (count > UINT16_MAX) return corrupt(load, "has too many columns");
  def->column_count = (uint16_t)count;
  def->columns = LC_ARENA_ARRAY(load->arena, lc_column_def, count + 1u);
  for (lc_scan scan = scan_of(load, LC_ST_COLUMN); next_row(&scan, &row, &row_id);) {
    if (lc_cursor_u32(&row) == load->table_id) LC_TRY(load_column(load, &row));
  }
  for (uint32_t i = 0; i < count; i++) {
    if (def->columns[i].type == NULL) return corrupt(load, "misses a column");
  }
  return lc_ok();
}

static lc_err load_indexes(loader *load) {
  lc_table_def *def = &load->out->def;
  lc_table *system = load->store->tables.items[LC_ST_INDEX];
  def->indexes = LC_ARENA_ARRAY(load->arena, lc_index_def, system->row_count + 1);
  load->out->index_ids = LC_ARENA_ARRAY(load->arena, uint32_t, system->row_count + 1);
  lc_cursor row;
  uint32_t row_id;
  for (lc_scan scan = scan_of(load, LC_ST_INDEX); next_row(&scan, &row, &row_id);) {
    uint32_t id = lc_cursor_u32(&row);
    if (lc_cursor_u32(&row) != load->table_id) continue;
    lc_index_def *index = &def->indexes[def->index_count];
    index->name = take_str(&row, load->arena);
    uint8_t algorithm = lc_cursor_u8(&row);
    if (algorithm == 0) return corrupt(load, "has an index without an algorithm");
    index->kind = algorithm == 1 ? LC_INDEX_BTREE : algorithm == 2 ? LC_INDEX_DIRECT : LC_INDEX_HASH;
    if (algorithm == 2) {
      index->columns = LC_ARENA_ARRAY(load->arena, uint16_t, 1);
      index->columns[0] = lc_cursor_u16(&row);
      index->column_count = 1;
    } else {
      index->columns = take_columns(&row, load->arena, &index->column_count);
    }
    load->out->index_ids[def->index_count++] = id;
  }
  return lc_ok();
}

static lc_err load_constraints(loader *load) {
  lc_table_def *def = &load->out->def;
  lc_table *system = load->store->tables.items[LC_ST_CONSTRAINT];
  def->constraints = LC_ARENA_ARRAY(load->arena, lc_constraint_def, system->row_count + 1);
  load->out->constraint_ids = LC_ARENA_ARRAY(load->arena, uint32_t, system->row_count + 1);
  lc_cursor row;
  uint32_t row_id;
  for (lc_scan scan = scan_of(load, LC_ST_CONSTRAINT); next_row(&scan, &row, &row_id);) {
    uint32_t id = lc_cursor_u32(&row);
    lc_span name = lc_cursor_sized(&row);
    if (lc_cursor_u32(&row) != load->table_id) continue;
    if (lc_cursor_u8(&row) != 1) return corrupt(load, "has a constraint of unknown kind");
    lc_constraint_def *constraint = &def->constraints[def->constraint_count];
    constraint->name = lc_arena_str(load->arena, (lc_str){(const char *)name.ptr, name.len});
    constraint->columns = take_columns(&row, load->arena, &constraint->column_count);
    load->out->constraint_ids[def->constraint_count++] = id;
  }
  return lc_ok();
}

static void load_sequence(loader *load, uint32_t id, uint32_t row_id, lc_str name, lc_cursor *row) {
  lc_table_def *def = &load->out->def;
  lc_sequence_def sequence = {.name = name, .column = lc_cursor_u16(row)};
  sequence.increment = take_i128(row);
  sequence.start = take_i128(row);
  sequence.min_value = take_i128(row);
  sequence.max_value = take_i128(row);
  /* By column, as in a shape, so that positions agree. */
  uint32_t at = def->sequence_count++;
  for (; at > 0 && def->sequences[at - 1].column > sequence.column; at--) {
    def->sequences[at] = def->sequences[at - 1];
    load->out->sequences[at] = load->out->sequences[at - 1];
  }
  def->sequences[at] = sequence;
  load->out->sequences[at] = (lc__sequence){.id = id, .row_id = row_id};
}

static void load_sequences(loader *load) {
  lc_table *system = load->store->tables.items[LC_ST_SEQUENCE];
  load->out->def.sequences = LC_ARENA_ARRAY(load->arena, lc_sequence_def, system->row_count + 1);
  load->out->sequences = LC_ARENA_ARRAY(load->arena, lc__sequence, system->row_count + 1);
  lc_cursor row;
  uint32_t row_id;
  for (lc_scan scan = scan_of(load, LC_ST_SEQUENCE); next_row(&scan, &row, &row_id);) {
    uint32_t id = lc_cursor_u32(&row);
    lc_str name = take_str(&row, load->arena);
    if (lc_cursor_u32(&row) == load->table_id) load_sequence(load, id, row_id, name, &row);
  }
}

static void load_schedule(loader *load) {
  lc_cursor row;
  uint32_t row_id;
  for (lc_scan scan = scan_of(load, LC_ST_SCHEDULED); next_row(&scan, &row, &row_id);) {
    lc_cursor_u32(&row);
    if (lc_cursor_u32(&row) != load->table_id) continue;
    lc_schedule_def *schedule = LC_ARENA_NEW(load->arena, lc_schedule_def);
    schedule->function_name = take_str(&row, load->arena);
    schedule->name = take_str(&row, load->arena);
    schedule->at_column = lc_cursor_u16(&row);
    schedule->function = UINT32_MAX; /* known only to the module definition */
    if (load->out->def.primary_key >= 0) schedule->id_column = (uint16_t)load->out->def.primary_key;
    load->out->def.schedule = schedule;
  }
  for (lc_scan scan = scan_of(load, LC_ST_EVENT_TABLE); next_row(&scan, &row, &row_id);) {
    if (lc_cursor_u32(&row) == load->table_id) load->out->def.is_event = true;
  }
}

static void load_accessors(loader *load) {
  lc_table_def *def = &load->out->def;
  lc_cursor row;
  uint32_t row_id;
  for (lc_scan scan = scan_of(load, LC_ST_TABLE_ACCESSOR); next_row(&scan, &row, &row_id);) {
    if (lc_str_equal(take_str(&row, load->arena), def->name)) def->source_name = take_str(&row, load->arena);
  }
  for (lc_scan scan = scan_of(load, LC_ST_INDEX_ACCESSOR); next_row(&scan, &row, &row_id);) {
    lc_str name = take_str(&row, load->arena), alias = take_str(&row, load->arena);
    for (uint32_t i = 0; i < def->index_count; i++) {
      if (lc_str_equal(def->indexes[i].name, name)) def->indexes[i].source_name = alias;
    }
  }
  for (lc_scan scan = scan_of(load, LC_ST_COLUMN_ACCESSOR); next_row(&scan, &row, &row_id);) {
    if (!lc_str_equal(take_str(&row, load->arena), def->name)) continue;
    lc_str name = take_str(&row, load->arena), alias = take_str(&row, load->arena);
    for (uint16_t i = 0; i < def->column_count; i++) {
      if (lc_str_equal(def->columns[i].name, name)) def->columns[i].source_name = alias;
    }
  }
}

lc_err lc__catalogue_load(lc_store *store, lc_arena *arena, uint32_t table_id, bool columns_only, lc__loaded *loaded) {
  *loaded = (lc__loaded){0};
  loader load = {store, arena, table_id, loaded};
  LC_TRY(load_table(&load));
  LC_TRY(load_columns(&load));
  if (columns_only) return lc_ok();
  LC_TRY(load_indexes(&load));
  LC_TRY(load_constraints(&load));
  load_sequences(&load);
  load_schedule(&load);
  load_accessors(&load);
  return lc_ok();
}
