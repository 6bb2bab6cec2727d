/*
 * The plan of a schema change (migrate.h). Things are the same when their names are: tables, columns, indexes, constraints, sequences and
 * views by canonical name, row rules by text. What differs is either a step or a message that says why it cannot be one.
 */
#include "schema/migrate.h"

#include <stdlib.h>

#include "base/vec.h"
#include "schema/migrate_internal.h"

typedef struct planner {
  const lc_module_def *old, *new_def;
  LC_VEC(lc_migration_step) steps;
  lc_buf *errors;
  bool breaks_clients;
} planner;

/* ------------------------------------------------------------------------------------------------ steps in order */

/* The place of each kind in a plan: things go before what they depend on goes, and come after it came. */
static const uint8_t ranks[LC_MIGRATE_KIND_COUNT] = {
    [LC_MIGRATE_REMOVE_INDEX] = 0,         [LC_MIGRATE_REMOVE_CONSTRAINT] = 1,
    [LC_MIGRATE_REMOVE_SEQUENCE] = 2,      [LC_MIGRATE_REMOVE_SCHEDULE] = 3,
    [LC_MIGRATE_REMOVE_VIEW] = 4,          [LC_MIGRATE_REMOVE_ROW_RULE] = 5,
    [LC_MIGRATE_REMOVE_TABLE] = 6,         [LC_MIGRATE_CHANGE_COLUMN_TYPE] = 7,
    [LC_MIGRATE_CHANGE_EVENT_TABLE] = 8,   [LC_MIGRATE_ADD_COLUMNS] = 9,
    [LC_MIGRATE_CHANGE_INDEX_SOURCE] = 10, [LC_MIGRATE_CHANGE_ACCESSOR] = 11,
    [LC_MIGRATE_CHANGE_OUTBOX] = 12,       [LC_MIGRATE_CHANGE_COLUMN_ACCESSOR] = 13,
    [LC_MIGRATE_ADD_TABLE] = 14,           [LC_MIGRATE_ADD_INDEX] = 15,
    [LC_MIGRATE_ADD_CONSTRAINT] = 16,      [LC_MIGRATE_ADD_SEQUENCE] = 17,
    [LC_MIGRATE_ADD_SCHEDULE] = 18,        [LC_MIGRATE_ADD_VIEW] = 19,
    [LC_MIGRATE_ADD_ROW_RULE] = 20,        [LC_MIGRATE_CHANGE_ACCESS] = 21,
    [LC_MIGRATE_CHANGE_PRIMARY_KEY] = 22,  [LC_MIGRATE_UPDATE_VIEW] = 23,
    [LC_MIGRATE_DISCONNECT_CLIENTS] = 24,
};

static lc_str object_name(const lc_migration_step *step) {
  const lc_table_def *table = step->new_table ? step->new_table : step->old_table;
  switch (step->kind) {
    case LC_MIGRATE_ADD_INDEX:
    case LC_MIGRATE_CHANGE_INDEX_SOURCE:
      return step->new_table->indexes[step->object].name;
    case LC_MIGRATE_REMOVE_INDEX:
      return step->old_table->indexes[step->object].name;
    case LC_MIGRATE_ADD_CONSTRAINT:
      return step->new_table->constraints[step->object].name;
    case LC_MIGRATE_REMOVE_CONSTRAINT:
      return step->old_table->constraints[step->object].name;
    case LC_MIGRATE_ADD_SEQUENCE:
      return step->new_table->sequences[step->object].name;
    case LC_MIGRATE_REMOVE_SEQUENCE:
      return step->old_table->sequences[step->object].name;
    default:
      if (step->rule) return step->rule->sql;
      if (step->new_view || step->old_view) return (step->new_view ? step->new_view : step->old_view)->name;
      return table ? table->name : LC_STR("");
  }
}

static int compare_steps(const void *a, const void *b) {
  const lc_migration_step *x = a, *y = b;
  if (ranks[x->kind] != ranks[y->kind]) return ranks[x->kind] - ranks[y->kind];
  int order = lc_str_compare(object_name(x), object_name(y));
  return order ? order : (x->object > y->object) - (x->object < y->object);
}

static void add_step(planner *p, lc_migration_kind kind, const lc_table_def *old, const lc_table_def *new_table, uint32_t object) {
  lc_migration_step step = {.kind = kind, .old_table = old, .new_table = new_table, .object = object};
  lc_vec_push(&p->steps, step);
}

/* ------------------------------------------------------------------------------------------------ columns */

/* The column of that name; where a name is repeated (which is allowed), the one at the same place counts first. */
static int column_find(const lc_table_def *table, lc_str name, uint16_t place) {
  if (place < table->column_count && lc_str_equal(table->columns[place].name, name)) return place;
  for (uint16_t i = 0; i < table->column_count; i++)
    if (lc_str_equal(table->columns[i].name, name)) return i;
  return -1;
}

static bool same_row(const lc_table_def *a, const lc_table_def *b) {
  return lc_type_equal(a->row, b->row);
}

/* Rows of an event table are never stored, so its columns may change at will; clients have to learn the new ones. */
static void plan_event_columns(planner *p, const lc_table_def *old, const lc_table_def *new_table) {
  if (same_row(old, new_table)) return;
  add_step(p, LC_MIGRATE_CHANGE_EVENT_TABLE, old, new_table, 0);
  p->breaks_clients = true;
}

static void plan_columns(planner *p, const lc_table_def *old, const lc_table_def *new_table) {
  bool changed = false, added = false;
  for (uint16_t i = 0; i < old->column_count; i++) {
    const lc_column_def *column = &old->columns[i];
    int at = column_find(new_table, column->name, i);
    if (at < 0) {
      lc_buf_printf(p->errors, "Removing a column %.*s from table %.*s requires a manual migration\n", LC_STR_ARGS(column->name),
                    LC_STR_ARGS(old->name));
      continue;
    }
    if (at != i) lc_buf_printf(p->errors, "Reordering table %.*s requires a manual migration\n", LC_STR_ARGS(old->name));
    changed |= lc__migrate_column_type(p->errors, old, column, new_table->columns[at].type);
  }
  for (uint16_t i = 0; i < new_table->column_count; i++) {
    const lc_column_def *column = &new_table->columns[i];
    if (column_find(old, column->name, i) >= 0) continue;
    added = true;
    if (column->default_value.ptr == NULL)
      lc_buf_printf(p->errors, "Adding a column %.*s to table %.*s requires a default value annotation\n", LC_STR_ARGS(column->name),
                    LC_STR_ARGS(old->name));
  }
  if (added) {
    add_step(p, LC_MIGRATE_ADD_COLUMNS, old, new_table, old->column_count);
    p->breaks_clients = true;
  } else if (changed) {
    add_step(p, LC_MIGRATE_CHANGE_COLUMN_TYPE, old, new_table, 0);
  }
}

static void plan_accessors(planner *p, const lc_table_def *old, const lc_table_def *new_table) {
  if (!lc_str_equal(old->source_name, new_table->source_name)) add_step(p, LC_MIGRATE_CHANGE_ACCESSOR, old, new_table, 0);
  for (uint16_t i = 0; i < new_table->column_count; i++) {
    int at = column_find(old, new_table->columns[i].name, i);
    if (at >= 0 && !lc_str_equal(old->columns[at].source_name, new_table->columns[i].source_name))
      add_step(p, LC_MIGRATE_CHANGE_COLUMN_ACCESSOR, old, new_table, i);
  }
}

/* ------------------------------------------------------------------------------------------------ what belongs to a table */

static bool same_columns(const uint16_t *a, uint16_t a_count, const uint16_t *b, uint16_t b_count) {
  return a_count == b_count && (a_count == 0 || memcmp(a, b, sizeof *a * a_count) == 0);
}

#define FIND_NAMED(list, count, wanted)                                       \
  ({                                                                          \
    uint32_t at_ = 0;                                                         \
    while (at_ < (count) && !lc_str_equal((list)[at_].name, (wanted))) at_++; \
    at_ < (count) ? &(list)[at_] : NULL;                                      \
  })

static void put_optional(lc_buf *to, lc_str name) {
  if (name.ptr)
    lc_buf_printf(to, "Some(\"%.*s\")", LC_STR_ARGS(name));
  else
    lc_buf_put_text(to, "None");
}

static void plan_kept_index(planner *p, const lc_table_def *old, const lc_table_def *new_table, const lc_index_def *a, uint32_t position) {
  const lc_index_def *b = &new_table->indexes[position];
  bool same_accessor = (a->accessor_name.ptr == NULL) == (b->accessor_name.ptr == NULL) && lc_str_equal(a->accessor_name, b->accessor_name);
  if (!same_accessor) {
    lc_buf_printf(p->errors, "Changing the accessor name on index %.*s from ", LC_STR_ARGS(a->name));
    put_optional(p->errors, a->accessor_name);
    lc_buf_put_text(p->errors, " to ");
    put_optional(p->errors, b->accessor_name);
    lc_buf_put_text(p->errors, " requires a manual migration\n");
  }
  if (a->kind != b->kind || !same_columns(a->columns, a->column_count, b->columns, b->column_count)) {
    add_step(p, LC_MIGRATE_REMOVE_INDEX, old, new_table, (uint32_t)(a - old->indexes));
    add_step(p, LC_MIGRATE_ADD_INDEX, old, new_table, position);
  } else if (!lc_str_equal(a->source_name, b->source_name)) {
    add_step(p, LC_MIGRATE_CHANGE_INDEX_SOURCE, old, new_table, position);
  }
}

static void plan_indexes(planner *p, const lc_table_def *old, const lc_table_def *new_table) {
  for (uint32_t i = 0; i < old->index_count; i++)
    if (FIND_NAMED(new_table->indexes, new_table->index_count, old->indexes[i].name) == NULL)
      add_step(p, LC_MIGRATE_REMOVE_INDEX, old, new_table, i);
  for (uint32_t i = 0; i < new_table->index_count; i++) {
    const lc_index_def *kept = FIND_NAMED(old->indexes, old->index_count, new_table->indexes[i].name);
    if (kept)
      plan_kept_index(p, old, new_table, kept, i);
    else
      add_step(p, LC_MIGRATE_ADD_INDEX, old, new_table, i);
  }
}

static void plan_constraints(planner *p, const lc_table_def *old, const lc_table_def *new_table) {
  for (uint32_t i = 0; i < old->constraint_count; i++)
    if (FIND_NAMED(new_table->constraints, new_table->constraint_count, old->constraints[i].name) == NULL)
      add_step(p, LC_MIGRATE_REMOVE_CONSTRAINT, old, new_table, i);
  for (uint32_t i = 0; i < new_table->constraint_count; i++) {
    const lc_constraint_def *b = &new_table->constraints[i], *a = FIND_NAMED(old->constraints, old->constraint_count, b->name);
    if (a == NULL)
      add_step(p, LC_MIGRATE_ADD_CONSTRAINT, old, new_table, i);
    else if (!same_columns(a->columns, a->column_count, b->columns, b->column_count))
      lc_buf_printf(p->errors, "Changing the unique constraint %.*s requires a manual migration\n", LC_STR_ARGS(b->name));
  }
}

static void plan_sequences(planner *p, const lc_table_def *old, const lc_table_def *new_table) {
  for (uint32_t i = 0; i < old->sequence_count; i++) {
    const lc_sequence_def *b = FIND_NAMED(new_table->sequences, new_table->sequence_count, old->sequences[i].name);
    if (b == NULL || b->column != old->sequences[i].column) add_step(p, LC_MIGRATE_REMOVE_SEQUENCE, old, new_table, i);
  }
  for (uint32_t i = 0; i < new_table->sequence_count; i++) {
    const lc_sequence_def *a = FIND_NAMED(old->sequences, old->sequence_count, new_table->sequences[i].name);
    if (a == NULL || a->column != new_table->sequences[i].column) add_step(p, LC_MIGRATE_ADD_SEQUENCE, old, new_table, i);
  }
}

static void plan_schedule(planner *p, const lc_table_def *old, const lc_table_def *new_table) {
  const lc_schedule_def *a = old->schedule, *b = new_table->schedule;
  bool same =
      (a == NULL) == (b == NULL) && (a == NULL || (lc_str_equal(a->name, b->name) && lc_str_equal(a->function_name, b->function_name) &&
                                                   a->at_column == b->at_column && a->is_procedure == b->is_procedure));
  if (same) return;
  if (a) add_step(p, LC_MIGRATE_REMOVE_SCHEDULE, old, new_table, 0);
  if (b) add_step(p, LC_MIGRATE_ADD_SCHEDULE, old, new_table, 0);
}

static int64_t outbox_find(const lc_module_def *def, const lc_table_def *table) {
  for (uint32_t i = 0; i < def->outbox_count; i++)
    if (&def->tables[def->outboxes[i].table] == table) return i;
  return -1;
}

/* Rows wait in an outbox for their receiver; what identifies them must not change under them. */
static void plan_outbox(planner *p, const lc_table_def *old, const lc_table_def *new_table) {
  int64_t a = outbox_find(p->old, old), b = outbox_find(p->new_def, new_table);
  if (a < 0 && b < 0) return;
  if (a < 0 || b < 0) {
    lc_buf_printf(p->errors, "%s the outbox of table %.*s requires a manual migration\n", a < 0 ? "Adding" : "Removing",
                  LC_STR_ARGS(old->name));
    return;
  }
  const lc_outbox_def *x = &p->old->outboxes[a], *y = &p->new_def->outboxes[b];
  if (x->target_column != y->target_column || old->primary_key != new_table->primary_key)
    lc_buf_printf(p->errors, "Changing the target column or the primary key of the outbox table %.*s requires a manual migration\n",
                  LC_STR_ARGS(old->name));
  else if (!lc_span_equal(x->raw, y->raw))
    add_step(p, LC_MIGRATE_CHANGE_OUTBOX, old, new_table, (uint32_t)b);
}

static void plan_table(planner *p, const lc_table_def *old, const lc_table_def *new_table) {
  if (old->is_system != new_table->is_system)
    lc_buf_printf(p->errors, "Changing the type of table %.*s from %s to %s requires a manual migration\n", LC_STR_ARGS(old->name),
                  old->is_system ? "System" : "User", new_table->is_system ? "System" : "User");
  if (old->is_event != new_table->is_event)
    lc_buf_printf(p->errors, "Changing the event flag of table %.*s requires a manual migration\n", LC_STR_ARGS(old->name));
  else if (old->is_event)
    plan_event_columns(p, old, new_table);
  else
    plan_columns(p, old, new_table);
  plan_accessors(p, old, new_table);
  plan_indexes(p, old, new_table);
  plan_constraints(p, old, new_table);
  plan_sequences(p, old, new_table);
  plan_schedule(p, old, new_table);
  plan_outbox(p, old, new_table);
  if (old->is_public != new_table->is_public) add_step(p, LC_MIGRATE_CHANGE_ACCESS, old, new_table, 0);
  if (old->primary_key != new_table->primary_key) add_step(p, LC_MIGRATE_CHANGE_PRIMARY_KEY, old, new_table, 0);
}

static void plan_tables(planner *p) {
  for (uint32_t i = 0; i < p->old->table_count; i++) {
    const lc_table_def *old = &p->old->tables[i], *new_table = lc_module_def_table(p->new_def, old->name);
    if (new_table) {
      plan_table(p, old, new_table);
    } else {
      add_step(p, LC_MIGRATE_REMOVE_TABLE, old, NULL, i);
      p->breaks_clients = true;
    }
  }
  for (uint32_t i = 0; i < p->new_def->table_count; i++)
    if (lc_module_def_table(p->old, p->new_def->tables[i].name) == NULL) add_step(p, LC_MIGRATE_ADD_TABLE, NULL, &p->new_def->tables[i], i);
}

/* ------------------------------------------------------------------------------------------------ views and row rules */

static const lc_view_def *view_find(const lc_module_def *def, lc_str name) {
  return FIND_NAMED(def->views, def->view_count, name);
}

static bool same_parameters(const lc_type *a, const lc_type *b) {
  return lc_type_equal(a, b);
}

static bool same_view(const lc_view_def *a, const lc_view_def *b) {
  return a->is_anonymous == b->is_anonymous && same_parameters(a->params, b->params) && lc_type_equal(a->row, b->row) &&
         same_columns(a->primary_key, a->primary_key_count, b->primary_key, b->primary_key_count);
}

static void add_view_step(planner *p, lc_migration_kind kind, const lc_view_def *old, const lc_view_def *new_view) {
  uint32_t position = new_view ? (uint32_t)(new_view - p->new_def->views) : (uint32_t)(old - p->old->views);
  lc_migration_step step = {.kind = kind, .object = position, .old_view = old, .new_view = new_view};
  lc_vec_push(&p->steps, step);
}

static void plan_views(planner *p) {
  for (uint32_t i = 0; i < p->old->view_count; i++) {
    const lc_view_def *old = &p->old->views[i], *new_view = view_find(p->new_def, old->name);
    if (new_view && same_view(old, new_view)) {
      add_view_step(p, LC_MIGRATE_UPDATE_VIEW, old, new_view); /* its code may differ, which nothing shows */
      continue;
    }
    add_view_step(p, LC_MIGRATE_REMOVE_VIEW, old, NULL);
    if (new_view) add_view_step(p, LC_MIGRATE_ADD_VIEW, NULL, new_view);
    p->breaks_clients = true;
  }
  for (uint32_t i = 0; i < p->new_def->view_count; i++)
    if (view_find(p->old, p->new_def->views[i].name) == NULL) add_view_step(p, LC_MIGRATE_ADD_VIEW, NULL, &p->new_def->views[i]);
}

/* Rules are a set of texts: repetitions and order say nothing. */
static bool has_rule(const lc_rls_def *rules, uint32_t count, lc_str sql) {
  for (uint32_t i = 0; i < count; i++)
    if (lc_str_equal(rules[i].sql, sql)) return true;
  return false;
}

static void plan_rules(planner *p, lc_migration_kind kind, const lc_module_def *from, const lc_module_def *other) {
  for (uint32_t i = 0; i < from->row_rule_count; i++) {
    lc_str sql = from->row_rules[i].sql;
    if (has_rule(other->row_rules, other->row_rule_count, sql) || has_rule(from->row_rules, i, sql)) continue;
    lc_migration_step step = {.kind = kind, .object = i, .rule = &from->row_rules[i]};
    lc_vec_push(&p->steps, step);
    p->breaks_clients = true;
  }
}

/* ------------------------------------------------------------------------------------------------ the plan */

lc_err lc_migration_plan(const lc_module_def *old, const lc_module_def *new_def, lc_migration *plan, lc_buf *errors) {
  planner p = {.old = old, .new_def = new_def, .errors = errors};
  size_t before = errors->len;
  *plan = (lc_migration){0};
  plan_tables(&p);
  plan_views(&p);
  plan_rules(&p, LC_MIGRATE_REMOVE_ROW_RULE, old, new_def);
  plan_rules(&p, LC_MIGRATE_ADD_ROW_RULE, new_def, old);
  lc_err err = lc_ok();
  if (errors->len > before) {
    err = lc_fail(LC_ERR_MIGRATION, "the schema change requires a manual migration");
  } else {
    if (p.breaks_clients) add_step(&p, LC_MIGRATE_DISCONNECT_CLIENTS, NULL, NULL, 0);
    if (p.steps.count) qsort(p.steps.items, p.steps.count, sizeof *p.steps.items, compare_steps);
    plan->step_count = (uint32_t)p.steps.count;
    plan->steps = lc_arena_copy(&plan->arena, p.steps.items, sizeof *p.steps.items * p.steps.count);
    plan->breaks_clients = p.breaks_clients;
  }
  lc_vec_deinit(&p.steps);
  return err;
}

void lc_migration_deinit(lc_migration *plan) {
  lc_arena_deinit(&plan->arena);
  *plan = (lc_migration){0};
}
