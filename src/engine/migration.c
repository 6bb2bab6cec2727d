/*
 * Executing a migration plan, inside the transaction of the publish. The plan's steps are in the order that datastore-and-lifecycle.md 3.4
 * gives; any failure makes the caller abort, and the store takes everything back (E3).
 *
 * Each kind of step is a row of the table at the end. Not executed, as in the reference: adding or removing the schedule of an existing
 * table.
 */
#include "engine/engine_internal.h"

typedef lc_err (*step_function)(lc_database *database, const lc_migration_step *step, lc_table *table);

/* ---- the steps ---- */

static lc_err add_table(lc_database *database, const lc_migration_step *step, lc_table *table) {
  lc_table *created;
  lc__module_log_note(&database->module_log, database->now_micros, LC_MODULE_INFO, LC_STR(LC__LOG_HOST), "Creating table `%.*s`",
                      LC_STR_ARGS(step->new_table->name));
  return lc_store_create_table(database->store, step->new_table, &created);
}

static lc_err remove_table(lc_database *database, const lc_migration_step *step, lc_table *table) {
  if (lc_table_row_count(table))
    return lc_fail(
        LC_ERR_MIGRATION,
        "Cannot remove table `%.*s`: table contains data. Clear the table's rows (e.g. via a reducer) before removing it from your schema.",
        LC_STR_ARGS(step->old_table->name));
  lc_store_drop_table(database->store, table);
  return lc_ok();
}

static lc_err add_index(lc_database *database, const lc_migration_step *step, lc_table *table) {
  return lc_table_add_index(table, &step->new_table->indexes[step->object]);
}

static lc_err remove_index(lc_database *database, const lc_migration_step *step, lc_table *table) {
  return lc_table_remove_index(table, step->old_table->indexes[step->object].name);
}

static lc_err add_constraint(lc_database *database, const lc_migration_step *step, lc_table *table) {
  return lc_table_add_constraint(table, &step->new_table->constraints[step->object]);
}

static lc_err remove_constraint(lc_database *database, const lc_migration_step *step, lc_table *table) {
  return lc_table_remove_constraint(table, step->old_table->constraints[step->object].name);
}

/* Whether the integer at `at` is one that the sequence could hand out: at least its minimum. Only its sign and size matter. */
static bool in_sequence_range(const lc_type *type, lc_span value, const lc_sequence_def *sequence) {
  bool is_negative = lc_type_is_signed(type->kind) && value.ptr[value.len - 1] & 0x80;
  size_t low_bytes = value.len < 16 ? value.len : 16;
  unsigned __int128 low = is_negative ? ~(unsigned __int128)0 : 0;
  memcpy(&low, value.ptr, low_bytes);
  for (size_t i = 16; i < value.len; i++)
    if (value.ptr[i] != (is_negative ? 0xff : 0)) return false; /* beyond 128 bits, where no sequence reaches */
  if (!is_negative && low >> 127) return false;
  __int128 number = (__int128)low;
  return number >= sequence->min_value && number <= sequence->max_value;
}

/* Run for all such steps before the first step changes anything. A column that the update itself adds holds nothing yet. */
static lc_err precheck_sequence(lc_database *database, const lc_migration_step *step) {
  const lc_sequence_def *sequence = &step->new_table->sequences[step->object];
  lc_table *table = lc_store_table_by_name(database->store, step->old_table->name);
  if (table == NULL || sequence->column >= step->old_table->column_count) return lc_ok();
  const lc_layout *layout = lc_table_layout(table);
  lc_scan scan;
  lc_row row;
  lc_table_scan(table, &scan);
  while (lc_scan_next(&scan, &row))
    if (in_sequence_range(layout->columns[sequence->column].type, lc_layout_column(layout, row.bytes, sequence->column), sequence))
      return lc_fail(LC_ERR_MIGRATION, "Precheck failed: added sequence %.*s already has values in range", LC_STR_ARGS(sequence->name));
  return lc_ok();
}

static lc_err add_sequence(lc_database *database, const lc_migration_step *step, lc_table *table) {
  return lc_table_add_sequence(table, &step->new_table->sequences[step->object]);
}

static lc_err remove_sequence(lc_database *database, const lc_migration_step *step, lc_table *table) {
  return lc_table_remove_sequence(table, step->old_table->sequences[step->object].name);
}

static lc_err change_access(lc_database *database, const lc_migration_step *step, lc_table *table) {
  return lc_table_set_access(table, step->new_table->is_public);
}

static lc_err change_primary_key(lc_database *database, const lc_migration_step *step, lc_table *table) {
  return lc_table_set_primary_key(table, step->new_table->primary_key);
}

static lc_err change_columns(lc_database *database, const lc_migration_step *step, lc_table *table) {
  return lc_table_set_columns(table, step->new_table);
}

/* The table as it is with the columns that it shall have: its new indexes and the like have steps of their own, which follow. */
static lc_table_def with_new_columns(const lc_table *table, const lc_table_def *new_table) {
  lc_table_def def = *lc_table_def_of(table);
  def.row = new_table->row;
  def.layout = new_table->layout;
  def.columns = new_table->columns;
  def.column_count = new_table->column_count;
  return def;
}

static lc_err add_columns(lc_database *database, const lc_migration_step *step, lc_table *table) {
  lc_table_def def = with_new_columns(table, step->new_table);
  lc_table *rebuilt;
  return lc_store_rebuild_table(database->store, table, &def, &rebuilt);
}

/* An event table holds no rows between transactions, so nothing has to be carried over. */
static lc_err change_event_table(lc_database *database, const lc_migration_step *step, lc_table *table) {
  lc_table_def def = with_new_columns(table, step->new_table);
  lc_table *created;
  lc_store_drop_table(database->store, table);
  return lc_store_create_table(database->store, &def, &created);
}

static lc_err add_schedule(lc_database *database, const lc_migration_step *step, lc_table *table) {
  return lc_fail(LC_ERR_MIGRATION, "Adding schedules is not yet implemented");
}
static lc_err remove_schedule(lc_database *database, const lc_migration_step *step, lc_table *table) {
  return lc_fail(LC_ERR_MIGRATION, "Removing schedules is not yet implemented");
}

static lc_err change_views(lc_database *database, const lc_migration_step *step, lc_table *table) {
  return lc_ok();
}
static lc_err nothing(lc_database *database, const lc_migration_step *step, lc_table *table) {
  return lc_ok();
}

static const struct step_kind {
  step_function run;
  bool needs_table; /* acts on a table that is there */
} step_kinds[LC_MIGRATE_KIND_COUNT] = {
    [LC_MIGRATE_ADD_TABLE] = {add_table, false},
    [LC_MIGRATE_REMOVE_TABLE] = {remove_table, true},
    [LC_MIGRATE_ADD_INDEX] = {add_index, true},
    [LC_MIGRATE_REMOVE_INDEX] = {remove_index, true},
    [LC_MIGRATE_ADD_CONSTRAINT] = {add_constraint, true},
    [LC_MIGRATE_REMOVE_CONSTRAINT] = {remove_constraint, true},
    [LC_MIGRATE_ADD_SEQUENCE] = {add_sequence, true},
    [LC_MIGRATE_REMOVE_SEQUENCE] = {remove_sequence, true},
    [LC_MIGRATE_CHANGE_ACCESS] = {change_access, true},
    [LC_MIGRATE_CHANGE_PRIMARY_KEY] = {change_primary_key, true},
    [LC_MIGRATE_CHANGE_COLUMN_TYPE] = {change_columns, true},
    [LC_MIGRATE_ADD_COLUMNS] = {add_columns, true},
    [LC_MIGRATE_ADD_SCHEDULE] = {add_schedule, true},
    [LC_MIGRATE_REMOVE_SCHEDULE] = {remove_schedule, true},
    [LC_MIGRATE_ADD_VIEW] = {change_views, false},
    [LC_MIGRATE_REMOVE_VIEW] = {change_views, false},
    [LC_MIGRATE_UPDATE_VIEW] = {change_views, false},
    [LC_MIGRATE_ADD_ROW_RULE] = {nothing, false},
    [LC_MIGRATE_REMOVE_ROW_RULE] = {nothing, false},
    [LC_MIGRATE_CHANGE_ACCESSOR] = {change_columns, true},
    [LC_MIGRATE_DISCONNECT_CLIENTS] = {nothing, false},
    [LC_MIGRATE_CHANGE_INDEX_SOURCE] = {change_columns, true},
    [LC_MIGRATE_CHANGE_COLUMN_ACCESSOR] = {change_columns, true},
    [LC_MIGRATE_CHANGE_EVENT_TABLE] = {change_event_table, true},
    [LC_MIGRATE_CHANGE_OUTBOX] = {nothing, false},
};

/* ---- the plan ---- */

static lc_err execute_step(lc_database *database, const lc_migration_step *step) {
  const struct step_kind *kind = &step_kinds[step->kind];
  lc_table *table = NULL;
  if (kind->needs_table) {
    lc_str name = step->old_table ? step->old_table->name : step->new_table->name;
    table = lc_store_table_by_name(database->store, name);
    if (table == NULL) return lc_fail(LC_ERR_INTERNAL, "the table %.*s of the migration plan is not there", LC_STR_ARGS(name));
  }
  return kind->run(database, step, table);
}

/* Their rows are nothing but a copy of the definition: they are written anew. */
static lc_err replace_views(lc_database *database, const lc_module_def *old, const lc_module_def *def) {
  for (uint32_t i = 0; i < old->view_count; i++) lc__catalogue_remove_view(database, old->views[i].name);
  for (uint32_t i = 0; i < def->view_count; i++) LC_TRY(lc__catalogue_add_view(database, &def->views[i]));
  return lc_ok();
}

lc_err lc__migration_execute(lc_database *database, const lc_migration *plan, const lc_module_def *def) {
  bool changes_views = false;
  for (uint32_t i = 0; i < plan->step_count; i++)
    if (plan->steps[i].kind == LC_MIGRATE_ADD_SEQUENCE) LC_TRY(precheck_sequence(database, &plan->steps[i]));
  for (uint32_t i = 0; i < plan->step_count; i++) {
    const struct step_kind *kind = &step_kinds[plan->steps[i].kind];
    lc_assert(kind->run != NULL);
    LC_TRY(execute_step(database, &plan->steps[i]));
    changes_views |= kind->run == change_views;
  }
  if (changes_views) LC_TRY(replace_views(database, database->module->def, def));
  return lc__catalogue_replace_rules(database, def);
}
