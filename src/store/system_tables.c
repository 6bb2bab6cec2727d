/*
 * The system tables (datastore-and-lifecycle.md 1.1), as a table: columns, keys, and the published ids of indexes, constraints and
 * sequences. A new store has their rows, describing themselves, from the start; they are not logged.
 */
#include <stdlib.h>

#include "store/table_internal.h"

/* Types of columns beyond the primitive ones. */
typedef enum column_type {
  U8,
  U16,
  U32,
  U64,
  U128,
  U256,
  I64,
  I128,
  BOOL,
  STRING,
  BYTES,
  LIST_U16,
  OPTION_LIST_U16,
  OPTION_U8,
  OPTION_U32,
  OPTION_STRING,
  OPTION_BYTES,
  INDEX_ALGORITHM,
  CONSTRAINT_DATA,
  VARIABLE_VALUE,
} column_type;

enum { COLUMNS_MAX = 9, INDEXES_MAX = 3, KEY_MAX = 3, NOT_UNIQUE = 0 };

typedef struct system_index {
  uint8_t id, constraint_id; /* NOT_UNIQUE: no constraint */
  uint8_t column_count;
  uint8_t columns[KEY_MAX];
} system_index;

typedef struct system_table {
  const char *name;
  int8_t primary_key;  /* column, -1 none */
  uint8_t sequence_id; /* on column 0; 0 none */
  bool is_private;
  struct {
    const char *name;
    column_type type;
  } columns[COLUMNS_MAX];
  system_index indexes[INDEXES_MAX];
} system_table;

/* clang-format off */
static const system_table system_tables[LC_ST_END] = {
  [LC_ST_TABLE] = {"st_table", 0, 1, false,
    {{"table_id", U32}, {"table_name", STRING}, {"table_type", STRING}, {"table_access", STRING}, {"table_primary_key", OPTION_LIST_U16}},
    {{1, 1, 1, {0}}, {2, 2, 1, {1}}}},
  [LC_ST_COLUMN] = {"st_column", -1, 0, false,
    {{"table_id", U32}, {"col_pos", U16}, {"col_name", STRING}, {"col_type", BYTES}},
    {{3, 3, 2, {0, 1}}}},
  [LC_ST_SEQUENCE] = {"st_sequence", 0, 5, false,
    {{"sequence_id", U32}, {"sequence_name", STRING}, {"table_id", U32}, {"col_pos", U16}, {"increment", I128}, {"start", I128},
     {"min_value", I128}, {"max_value", I128}, {"allocated", I128}},
    {{4, 4, 1, {0}}}},
  [LC_ST_INDEX] = {"st_index", 0, 2, false,
    {{"index_id", U32}, {"table_id", U32}, {"index_name", STRING}, {"index_algorithm", INDEX_ALGORITHM}},
    {{5, 5, 1, {0}}}},
  [LC_ST_CONSTRAINT] = {"st_constraint", 0, 3, false,
    {{"constraint_id", U32}, {"constraint_name", STRING}, {"table_id", U32}, {"constraint_data", CONSTRAINT_DATA}},
    {{6, 6, 1, {0}}}},
  [LC_ST_MODULE] = {"st_module", -1, 0, false,
    {{"database_identity", U256}, {"owner_identity", U256}, {"program_kind", U8}, {"program_hash", U256}, {"program_bytes", BYTES},
     {"module_version", STRING}},
    {{0}}},
  [LC_ST_CLIENT] = {"st_client", -1, 0, false, {{"identity", U256}, {"connection_id", U128}}, {{7, 7, 2, {0, 1}}}},
  [LC_ST_VAR] = {"st_var", 0, 0, false, {{"name", STRING}, {"value", VARIABLE_VALUE}}, {{8, 8, 1, {0}}}},
  [LC_ST_SCHEDULED] = {"st_scheduled", 0, 4, false,
    {{"schedule_id", U32}, {"table_id", U32}, {"reducer_name", STRING}, {"schedule_name", STRING}, {"at_column", U16}},
    {{9, 9, 1, {0}}, {10, 10, 1, {1}}}},
  [LC_ST_ROW_LEVEL_SECURITY] = {"st_row_level_security", 1, 0, false,
    {{"table_id", U32}, {"sql", STRING}},
    {{11, NOT_UNIQUE, 1, {0}}, {12, 11, 1, {1}}}},
  [LC_ST_CONNECTION_CREDENTIALS] = {"st_connection_credentials", 0, 0, true,
    {{"connection_id", U128}, {"jwt_payload", STRING}},
    {{13, 12, 1, {0}}}},
  [LC_ST_VIEW] = {"st_view", 0, 6, false,
    {{"view_id", U32}, {"view_name", STRING}, {"table_id", OPTION_U32}, {"is_public", BOOL}, {"is_anonymous", BOOL}},
    {{14, 13, 1, {0}}, {15, 14, 1, {1}}}},
  [LC_ST_VIEW_PARAM] = {"st_view_param", -1, 0, false,
    {{"view_id", U32}, {"param_pos", U16}, {"param_name", STRING}, {"param_type", BYTES}},
    {{16, 15, 2, {0, 1}}}},
  [LC_ST_VIEW_COLUMN] = {"st_view_column", -1, 0, false,
    {{"view_id", U32}, {"col_pos", U16}, {"col_name", STRING}, {"col_type", BYTES}},
    {{17, 16, 2, {0, 1}}}},
  [LC_ST_VIEW_SUB] = {"st_view_sub", -1, 0, false,
    {{"view_id", U32}, {"arg_id", U64}, {"identity", U256}, {"num_subscribers", U64}, {"has_subscribers", BOOL}, {"last_called", I64}},
    {{18, NOT_UNIQUE, 1, {2}}, {19, NOT_UNIQUE, 1, {4}}, {20, NOT_UNIQUE, 3, {0, 1, 2}}}},
  [LC_ST_VIEW_ARG] = {"st_view_arg", 0, 7, false, {{"id", U64}, {"bytes", BYTES}}, {{21, 17, 1, {0}}, {22, 18, 1, {1}}}},
  [LC_ST_EVENT_TABLE] = {"st_event_table", 0, 0, false, {{"table_id", U32}}, {{23, 19, 1, {0}}}},
  [LC_ST_TABLE_ACCESSOR] = {"st_table_accessor", -1, 0, false,
    {{"table_name", STRING}, {"accessor_name", STRING}},
    {{24, 20, 1, {0}}, {25, 21, 1, {1}}}},
  [LC_ST_INDEX_ACCESSOR] = {"st_index_accessor", -1, 0, false,
    {{"index_name", STRING}, {"accessor_name", STRING}},
    {{26, 22, 1, {0}}, {27, 23, 1, {1}}}},
  [LC_ST_COLUMN_ACCESSOR] = {"st_column_accessor", -1, 0, false,
    {{"table_name", STRING}, {"col_name", STRING}, {"accessor_name", STRING}},
    {{28, 24, 2, {0, 1}}, {29, 25, 2, {0, 2}}}},
  [LC_ST_ENV] = {"st_env", 0, 0, true, {{"key", STRING}, {"value", STRING}}, {{30, 26, 1, {0}}}},
  [LC_ST_OUTBOUND_STREAM] = {"st_outbound_stream", 0, 8, true,
    {{"stream_id", U64}, {"outbox_table_id", U32}, {"target_identity", U256}, {"next_seq", U64}, {"ack_prefix", U64}},
    {{31, 27, 1, {0}}, {32, 28, 2, {1, 2}}}},
  [LC_ST_OUTBOUND_MSG] = {"st_outbound_msg", -1, 0, true,
    {{"stream_id", U64}, {"msg_id", U64}, {"seq", U64}, {"retry_count", U32}, {"last_transport_error", OPTION_STRING},
     {"result_status", OPTION_U8}, {"result_payload", OPTION_BYTES}},
    {{33, 29, 2, {0, 2}}, {36, 32, 2, {0, 1}}}},
  [LC_ST_INBOUND_STREAM] = {"st_inbound_stream", -1, 0, true,
    {{"sender_identity", U256}, {"stream_id", U64}, {"applied_prefix", U64}},
    {{34, 30, 2, {0, 1}}}},
  [LC_ST_INBOUND_MSG] = {"st_inbound_msg", -1, 0, true,
    {{"sender_identity", U256}, {"stream_id", U64}, {"seq", U64}, {"result_status", U8}, {"result_payload", BYTES}},
    {{35, 31, 3, {0, 1, 2}}}},
  [LC_ST_OUTBOX] = {"st_outbox", 0, 0, true,
    {{"table_id", U32}, {"remote_reducer", STRING}, {"target_column", U16}, {"arg_columns", LIST_U16},
     {"on_result_reducer", OPTION_STRING}, {"signature_hash", STRING}},
    {{37, 33, 1, {0}}}},
};
/* clang-format on */

/* ---- types ---- */

static const lc_type *sum_of(lc_arena *arena, const lc_field *variants, uint32_t count) {
  return lc_type_sum(arena, lc_arena_copy(arena, variants, count * sizeof *variants), count);
}

static const lc_type *option_of(lc_arena *arena, const lc_type *type) {
  return sum_of(arena, (lc_field[]){{LC_STR("some"), type}, {LC_STR("none"), lc_type_product(arena, NULL, 0)}}, 2);
}

static const lc_type *primitive(column_type type) {
  static const lc_type_kind kinds[] = {[U8] = LC_TYPE_U8,     [U16] = LC_TYPE_U16,      [U32] = LC_TYPE_U32, [U64] = LC_TYPE_U64,
                                       [U128] = LC_TYPE_U128, [U256] = LC_TYPE_U256,    [I64] = LC_TYPE_I64, [I128] = LC_TYPE_I128,
                                       [BOOL] = LC_TYPE_BOOL, [STRING] = LC_TYPE_STRING};
  return lc_type_primitive(kinds[type]);
}

static const lc_type *variable_value(lc_arena *arena) {
  static const struct {
    const char *name;
    lc_type_kind kind;
  } variants[] = {
      {"Bool", LC_TYPE_BOOL}, {"I8", LC_TYPE_I8},   {"U8", LC_TYPE_U8},   {"I16", LC_TYPE_I16},       {"U16", LC_TYPE_U16},
      {"I32", LC_TYPE_I32},   {"U32", LC_TYPE_U32}, {"I64", LC_TYPE_I64}, {"U64", LC_TYPE_U64},       {"I128", LC_TYPE_I128},
      {"U128", LC_TYPE_U128}, {"F32", LC_TYPE_F32}, {"F64", LC_TYPE_F64}, {"String", LC_TYPE_STRING},
  };
  lc_field fields[sizeof variants / sizeof *variants];
  for (size_t i = 0; i < sizeof variants / sizeof *variants; i++)
    fields[i] = (lc_field){lc_str_of(variants[i].name), lc_type_primitive(variants[i].kind)};
  return sum_of(arena, fields, sizeof variants / sizeof *variants);
}

static const lc_type *type_of(lc_arena *arena, column_type type) {
  const lc_type *bytes = lc_type_array(arena, lc_type_primitive(LC_TYPE_U8)), *list = lc_type_array(arena, lc_type_primitive(LC_TYPE_U16));
  switch (type) {
    case BYTES:
      return bytes;
    case LIST_U16:
      return list;
    case OPTION_LIST_U16:
      return option_of(arena, list);
    case OPTION_U8:
      return option_of(arena, primitive(U8));
    case OPTION_U32:
      return option_of(arena, primitive(U32));
    case OPTION_STRING:
      return option_of(arena, primitive(STRING));
    case OPTION_BYTES:
      return option_of(arena, bytes);
    case INDEX_ALGORITHM:
      return sum_of(
          arena,
          (lc_field[]){
              {LC_STR("Unused"), primitive(U128)}, {LC_STR("BTree"), list}, {LC_STR("Direct"), primitive(U16)}, {LC_STR("Hash"), list}},
          4);
    case CONSTRAINT_DATA:
      return sum_of(arena, (lc_field[]){{LC_STR("Unused"), primitive(U128)}, {LC_STR("Unique"), list}}, 2);
    case VARIABLE_VALUE:
      return variable_value(arena);
    default:
      return primitive(type);
  }
}

/* ---- definitions ---- */

/* <table>_<column>_..._<suffix>, the pattern of generated names. */
static lc_str generated_name(lc_arena *arena, const system_table *spec, const uint8_t *columns, uint8_t count, const char *suffix) {
  lc_str name = lc_str_of(spec->name);
  for (uint8_t i = 0; i < count; i++) name = lc_arena_printf(arena, "%.*s_%s", LC_STR_ARGS(name), spec->columns[columns[i]].name);
  return lc_arena_printf(arena, "%.*s_%s", LC_STR_ARGS(name), suffix);
}

static void define_keys(lc_arena *arena, const system_table *spec, lc_table_def *def) {
  def->indexes = LC_ARENA_ARRAY(arena, lc_index_def, INDEXES_MAX);
  def->constraints = LC_ARENA_ARRAY(arena, lc_constraint_def, INDEXES_MAX);
  for (const system_index *index = spec->indexes; index < spec->indexes + INDEXES_MAX && index->id; index++) {
    uint16_t *columns = LC_ARENA_ARRAY(arena, uint16_t, KEY_MAX);
    for (uint8_t i = 0; i < index->column_count; i++) columns[i] = index->columns[i];
    def->indexes[def->index_count++] = (lc_index_def){.name = generated_name(arena, spec, index->columns, index->column_count, "idx_btree"),
                                                      .kind = LC_INDEX_BTREE,
                                                      .columns = columns,
                                                      .column_count = index->column_count};
    if (index->constraint_id == NOT_UNIQUE) continue;
    def->constraints[def->constraint_count++] =
        (lc_constraint_def){generated_name(arena, spec, index->columns, index->column_count, "key"), columns, index->column_count};
  }
}

static void define(lc_arena *arena, const system_table *spec, lc_table_def *def) {
  *def = (lc_table_def){.name = lc_str_of(spec->name), .primary_key = spec->primary_key, .is_public = !spec->is_private, .is_system = true};
  def->columns = LC_ARENA_ARRAY(arena, lc_column_def, COLUMNS_MAX);
  for (; def->column_count < COLUMNS_MAX && spec->columns[def->column_count].name; def->column_count++) {
    lc_column_def *column = &def->columns[def->column_count];
    column->name = lc_str_of(spec->columns[def->column_count].name);
    column->type = type_of(arena, spec->columns[def->column_count].type);
  }
  define_keys(arena, spec, def);
  if (spec->sequence_id == 0) return;
  static const uint8_t first_column[] = {0};
  def->sequences = LC_ARENA_ARRAY(arena, lc_sequence_def, 1);
  def->sequence_count = 1;
  def->sequences[0] = (lc_sequence_def){.name = generated_name(arena, spec, first_column, 1, "seq"),
                                        .start = LC_ST_FIRST_USER + 1,
                                        .min_value = 1,
                                        .max_value = (__int128)(~(unsigned __int128)0 >> 1),
                                        .increment = 1};
}

static void create_one(lc_store *store, uint32_t id) {
  const system_table *spec = &system_tables[id];
  lc_arena arena = {0};
  lc_table_def def;
  define(&arena, spec, &def);
  lc__shape *shape;
  lc_err err = lc__shape_create(&def, &shape);
  lc_assert(!lc_failed(err));
  lc_table *table = lc__table_create(store, id, shape);
  for (uint32_t i = 0, constraint = 0; i < def.index_count; i++) {
    bool unique = spec->indexes[i].constraint_id != NOT_UNIQUE;
    shape->indexes[shape->index_count++] = lc__index_create(table, shape->layout, spec->indexes[i].id, &shape->def.indexes[i], unique);
    if (unique) shape->constraint_ids[constraint++] = spec->indexes[i].constraint_id;
  }
  if (def.sequence_count) shape->sequences[0].id = spec->sequence_id;
  lc__table_set_shape(table, shape);
  lc__catalogue_publish(store, table);
  lc_arena_deinit(&arena);
}

static lc_err describe_one(lc_store *store, lc_table *table) {
  lc__shape *shape = table->shape;
  uint32_t id = table->id;
  LC_TRY(lc__catalogue_insert_table(store, &shape->def, &id));
  LC_TRY(lc__catalogue_insert_columns(store, id, &shape->def));
  for (uint32_t i = 0; i < shape->index_count; i++)
    LC_TRY(lc__catalogue_insert_index(store, id, &shape->indexes[i]->def, &shape->indexes[i]->id));
  for (uint32_t i = 0; i < shape->def.constraint_count; i++)
    LC_TRY(lc__catalogue_insert_constraint(store, id, &shape->def.constraints[i], &shape->constraint_ids[i]));
  if (shape->def.sequence_count == 0) return lc_ok();
  /* `start` 4097 but the next value 4096, as recorded: ids of user objects begin with LC_ST_FIRST_USER. */
  return lc__catalogue_insert_sequence(store, id, &shape->def.sequences[0], LC_ST_FIRST_USER, &shape->sequences[0]);
}

void lc__system_tables_create(lc_store *store) {
  for (uint32_t id = LC_ST_TABLE; id < LC_ST_END; id++) create_one(store, id);
  lc_store_begin(store);
  for (uint32_t id = LC_ST_TABLE; id < LC_ST_END; id++) {
    lc_err err = describe_one(store, store->tables.items[id]);
    lc_assert(!lc_failed(err)); /* the rows are our own */
  }
  lc_store_commit(store, NULL);
  lc_store_release(store);
}
