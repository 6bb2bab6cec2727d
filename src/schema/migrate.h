#pragma once
/*
 * What has to change in a database when a new definition replaces the old one (datastore-and-lifecycle.md 3.4). The plan is made
 * before anything runs and names every change; engine executes it in one transaction.
 */
#include "schema/module_def.h"

typedef enum lc_migration_kind {
  LC_MIGRATE_ADD_TABLE,
  LC_MIGRATE_REMOVE_TABLE,
  LC_MIGRATE_ADD_INDEX,
  LC_MIGRATE_REMOVE_INDEX,
  LC_MIGRATE_ADD_CONSTRAINT,
  LC_MIGRATE_REMOVE_CONSTRAINT,
  LC_MIGRATE_ADD_SEQUENCE,
  LC_MIGRATE_REMOVE_SEQUENCE,
  LC_MIGRATE_CHANGE_ACCESS,
  LC_MIGRATE_CHANGE_PRIMARY_KEY,
  LC_MIGRATE_CHANGE_COLUMN_TYPE, /* variants appended to a sum: rows stay as they are */
  LC_MIGRATE_ADD_COLUMNS,        /* rows are rewritten with defaults */
  LC_MIGRATE_ADD_SCHEDULE,
  LC_MIGRATE_REMOVE_SCHEDULE,
  LC_MIGRATE_ADD_VIEW,
  LC_MIGRATE_REMOVE_VIEW,
  LC_MIGRATE_UPDATE_VIEW,
  LC_MIGRATE_ADD_ROW_RULE,
  LC_MIGRATE_REMOVE_ROW_RULE,
  LC_MIGRATE_CHANGE_ACCESSOR,
  LC_MIGRATE_DISCONNECT_CLIENTS,
  LC_MIGRATE_CHANGE_INDEX_SOURCE,    /* the alias that code asks for */
  LC_MIGRATE_CHANGE_COLUMN_ACCESSOR, /* of one column */
  LC_MIGRATE_CHANGE_EVENT_TABLE,     /* any change of an event table's columns: it has no rows to keep */
  LC_MIGRATE_CHANGE_OUTBOX,
  LC_MIGRATE_KIND_COUNT
} lc_migration_kind;

typedef struct lc_migration_step {
  lc_migration_kind kind;
  const lc_table_def *old_table, *new_table; /* NULL when there is none on that side */
  uint32_t object; /* index, constraint, sequence, column: its position in the table it is added to or removed from; view, rule, outbox: in
                      the definition (the new one, or the old one for what is removed) */
  const lc_view_def *old_view, *new_view; /* of steps about views */
  const lc_rls_def *rule;                 /* of steps about row rules */
} lc_migration_step;

typedef struct lc_migration {
  lc_arena arena;
  lc_migration_step *steps;
  uint32_t step_count;
  bool breaks_clients;
} lc_migration;

/* The steps are in the order in which they have to be executed. Errors: LC_ERR_MIGRATION with one message per line in `errors` for what
 * cannot be done automatically. Borrows both definitions. */
lc_err lc_migration_plan(const lc_module_def *old, const lc_module_def *new_def, lc_migration *plan, lc_buf *errors);
void lc_migration_deinit(lc_migration *plan);
/* The text that pre-publish shows (datastore-and-lifecycle 3.5); with ANSI colours or without. */
void lc_migration_print(lc_buf *to, const lc_migration *plan, bool colours);
