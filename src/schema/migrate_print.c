/*
 * The text of a plan, as pre-publish shows it and the published CLI prints it (datastore-and-lifecycle 3.5). Colours are runs of
 * `ESC[0m`, attributes, text, `ESC[0m`.
 */
#include "sats/number.h"
#include "schema/migrate_internal.h"

typedef enum colour { TITLE, CREATED, REMOVED, CHANGED, TABLE, TYPE, COLUMN, ACCESS, SQL, WARNING } colour;

static const char *const attributes[] = {
    [TITLE] = "\033[1m\033[34m", [CREATED] = "\033[1m\033[32m", [REMOVED] = "\033[1m\033[31m", [CHANGED] = "\033[1m\033[33m",
    [TABLE] = "\033[1m\033[36m", [TYPE] = "\033[35m",           [COLUMN] = "\033[1m\033[35m",  [ACCESS] = "\033[32m",
    [SQL] = "\033[34m",          [WARNING] = "\033[1m\033[41m",
};

typedef struct printing {
  lc_buf *to;
  bool colours;
} printing;

static void put(const printing *p, const char *text) {
  lc_buf_put_text(p->to, text);
}
static void put_name(const printing *p, lc_str name) {
  lc_buf_put_str(p->to, name);
}

static void put_coloured(const printing *p, colour c, lc_str text) {
  if (p->colours) lc_buf_printf(p->to, "\033[0m%s", attributes[c]);
  lc_buf_put_str(p->to, text);
  if (p->colours) put(p, "\033[0m");
}

static void put_word(const printing *p, colour c) {
  static const char *const words[] = {[CREATED] = "Created", [REMOVED] = "Removed", [CHANGED] = "Changed"};
  put(p, "▸ ");
  put_coloured(p, c, lc_str_of(words[c]));
}

static void put_type(const printing *p, const lc_type *type) {
  lc_buf text = {0};
  lc_type_print(&text, type);
  put_coloured(p, TYPE, lc_buf_str(&text));
  lc_buf_deinit(&text);
}

static void put_columns(const printing *p, const lc_table_def *table, const uint16_t *columns, uint16_t count) {
  put(p, "[");
  for (uint16_t i = 0; i < count; i++) {
    if (i) put(p, ", ");
    put_name(p, table->columns[columns[i]].name);
  }
  put(p, "]");
}

static void put_section(const printing *p, const char *title) {
  put(p, "    ");
  put_coloured(p, TITLE, lc_str_of(title));
  put(p, "\n");
}

/* ------------------------------------------------------------------------------------------------ default values */

static void put_indent(const printing *p, uint32_t level) {
  for (uint32_t i = 0; i < level; i++) put(p, "    ");
}

static void put_line_start(const printing *p, uint32_t level, const char *text) {
  put_indent(p, level);
  put(p, text);
}

static void put_debug(const printing *p, const lc_type *type, const uint8_t **at, uint32_t level);

static void put_debug_string(const printing *p, const uint8_t **at) {
  uint32_t len = lc_load32(*at);
  put(p, "\"");
  for (uint32_t i = 0; i < len; i++) {
    uint8_t c = (*at)[4 + i];
    if (c == '\n')
      put(p, "\\n");
    else if (c == '\r')
      put(p, "\\r");
    else if (c == '\t')
      put(p, "\\t");
    else if (c == '"' || c == '\\')
      lc_buf_printf(p->to, "\\%c", c);
    else
      lc_buf_put8(p->to, c);
  }
  put(p, "\"");
  *at += 4 + (size_t)len;
}

static void put_debug_list(const printing *p, const lc_type *type, const uint8_t **at, uint32_t level) {
  uint32_t count = type->kind == LC_TYPE_PRODUCT ? type->field_count : lc_load32(*at);
  if (type->kind == LC_TYPE_ARRAY) *at += 4;
  put(p, "[");
  for (uint32_t i = 0; i < count; i++) {
    put(p, "\n");
    put_indent(p, level + 1);
    put_debug(p, type->kind == LC_TYPE_PRODUCT ? type->fields[i].type : type->element, at, level + 1);
    put(p, ",");
  }
  if (count) {
    put(p, "\n");
    put_indent(p, level);
  }
  put(p, "]");
}

static void put_debug_number(const printing *p, const lc_type *type, const uint8_t *at) {
  if (type->kind == LC_TYPE_BOOL) {
    put(p, *at ? "true" : "false");
  } else if (type->kind == LC_TYPE_F32) {
    float value;
    memcpy(&value, at, 4);
    lc_f32_print_json(p->to, value);
  } else if (type->kind == LC_TYPE_F64) {
    double value;
    memcpy(&value, at, 8);
    lc_f64_print_json(p->to, value);
  } else {
    lc_integer_print(p->to, at, lc_type_primitive_size(type->kind), lc_type_is_signed(type->kind));
  }
}

/* A value over several lines, as the reference's language prints its value trees: `U8(⏎    7,⏎)`. */
static void put_debug(const printing *p, const lc_type *type, const uint8_t **at, uint32_t level) {
  type = lc_type_resolve(type);
  lc_buf_printf(p->to, "%s(\n", lc_type_kind_name(type->kind));
  put_indent(p, level + 1);
  switch (type->kind) {
    case LC_TYPE_SUM: {
      uint8_t tag = *(*at)++;
      put(p, "SumValue {\n");
      put_indent(p, level + 2);
      lc_buf_printf(p->to, "tag: %u,\n", tag);
      put_line_start(p, level + 2, "value: ");
      put_debug(p, type->fields[tag].type, at, level + 2);
      put(p, ",\n");
      put_line_start(p, level + 1, "}");
      break;
    }
    case LC_TYPE_PRODUCT:
      put(p, "ProductValue {\n");
      put_line_start(p, level + 2, "elements: ");
      put_debug_list(p, type, at, level + 2);
      put(p, ",\n");
      put_line_start(p, level + 1, "}");
      break;
    case LC_TYPE_ARRAY:
      put_debug_list(p, type, at, level + 1);
      break;
    case LC_TYPE_STRING:
      put_debug_string(p, at);
      break;
    default:
      put_debug_number(p, type, *at);
      *at += lc_type_primitive_size(type->kind);
  }
  put(p, ",\n");
  put_line_start(p, level, ")");
}

/* ------------------------------------------------------------------------------------------------ steps */

static void print_row(const printing *p, const lc_column_def *columns, uint16_t count) {
  if (count == 0) return;
  put_section(p, "Columns:");
  for (uint16_t i = 0; i < count; i++) {
    put(p, "        • ");
    put_name(p, columns[i].name);
    put(p, ": ");
    put_type(p, columns[i].type);
    put(p, "\n");
  }
}

static void print_new_table(const printing *p, const lc_table_def *table) {
  put_word(p, CREATED);
  put(p, table->is_system ? " system table: " : " user table: ");
  put_coloured(p, TABLE, table->name);
  put(p, " (");
  put_coloured(p, ACCESS, table->is_public ? LC_STR("public") : LC_STR("private"));
  put(p, ")\n");
  print_row(p, table->columns, table->column_count);
  if (table->constraint_count) put_section(p, "Unique constraints:");
  for (uint32_t i = 0; i < table->constraint_count; i++) {
    lc_buf_printf(p->to, "        • %.*s on ", LC_STR_ARGS(table->constraints[i].name));
    put_columns(p, table, table->constraints[i].columns, table->constraints[i].column_count);
    put(p, "\n");
  }
  if (table->index_count) put_section(p, "Indexes:");
  for (uint32_t i = 0; i < table->index_count; i++) {
    lc_buf_printf(p->to, "        • %.*s on ", LC_STR_ARGS(table->indexes[i].name));
    put_columns(p, table, table->indexes[i].columns, table->indexes[i].column_count);
    put(p, "\n");
  }
  if (table->sequence_count) put_section(p, "Auto-increment constraints:");
  for (uint32_t i = 0; i < table->sequence_count; i++) {
    lc_str column = table->columns[table->sequences[i].column].name;
    lc_buf_printf(p->to, "        • %.*s on %.*s\n", LC_STR_ARGS(table->sequences[i].name), LC_STR_ARGS(column));
  }
  if (table->schedule) {
    put_section(p, "Schedule:");
    lc_buf_printf(p->to, "        • Calls %s: %.*s\n", table->schedule->is_procedure ? "procedure" : "reducer",
                  LC_STR_ARGS(table->schedule->function_name));
  }
  put(p, "\n");
}

static void print_view(const printing *p, colour c, const lc_view_def *view) {
  put(p, "▸ ");
  put_word(p, c);
  put(p, view->is_anonymous ? " anonymous view: " : " view: ");
  put_coloured(p, TABLE, view->name);
  put(p, "\n");
  if (view->params->field_count) put_section(p, "Parameters:");
  for (uint32_t i = 0; i < view->params->field_count; i++) {
    lc_buf_printf(p->to, "        • %.*s: ", LC_STR_ARGS(view->params->fields[i].name));
    put_type(p, view->params->fields[i].type);
    put(p, "\n");
  }
  print_row(p, view->columns, view->column_count);
  put(p, "\n");
}

static void put_access(const printing *p, bool was_public) {
  put(p, " (");
  put_coloured(p, ACCESS, was_public ? LC_STR("public → private") : LC_STR("private → public"));
  put(p, ")\n");
}

/* "<word> <what> <name> on [columns] of table <table>" */
static void print_part(const printing *p, colour c, const char *what, lc_str name, const lc_table_def *table, const uint16_t *columns,
                       uint16_t count) {
  put_word(p, c);
  lc_buf_printf(p->to, " %s %.*s on ", what, LC_STR_ARGS(name));
  put_columns(p, table, columns, count);
  put(p, " of table ");
  put_coloured(p, TABLE, table->name);
  put(p, "\n");
}

static void print_sequence(const printing *p, colour c, const lc_table_def *table, const lc_sequence_def *sequence) {
  put_word(p, c);
  lc_buf_printf(p->to, " auto-increment constraint %.*s on column %.*s of table ", LC_STR_ARGS(sequence->name),
                LC_STR_ARGS(table->columns[sequence->column].name));
  put_coloured(p, TABLE, table->name);
  put(p, "\n");
}

static void print_schedule(const printing *p, colour c, const lc_table_def *table) {
  put_word(p, c);
  put(p, " schedule for table ");
  put_coloured(p, TABLE, table->name);
  lc_buf_printf(p->to, " calling %s %.*s\n", table->schedule->is_procedure ? "procedure" : "reducer",
                LC_STR_ARGS(table->schedule->function_name));
}

static void print_rule(const printing *p, colour c, const lc_rls_def *rule) {
  put_word(p, c);
  put(p, " row level security policy:\n    `");
  put_coloured(p, SQL, rule->sql);
  put(p, "`\n");
}

static void print_primary_key(const printing *p, const lc_table_def *old, const lc_table_def *new_table) {
  put_word(p, CHANGED);
  put(p, " primary key on table ");
  put_coloured(p, TABLE, new_table->name);
  if (new_table->primary_key < 0)
    put(p, " (removed)\n");
  else if (old->primary_key < 0)
    lc_buf_printf(p->to, " (added on column %d)\n", new_table->primary_key);
  else
    lc_buf_printf(p->to, " (changed to column %d)\n", new_table->primary_key);
}

static void print_added_columns(const printing *p, const lc_table_def *old, const lc_table_def *new_table) {
  put_word(p, CREATED);
  put(p, new_table->column_count - old->column_count > 1 ? " columns in table " : " column in table ");
  put_coloured(p, TABLE, new_table->name);
  put(p, "\n");
  for (uint16_t i = old->column_count; i < new_table->column_count; i++) {
    const lc_column_def *column = &new_table->columns[i];
    lc_buf_printf(p->to, "    + %.*s: ", LC_STR_ARGS(column->name));
    put_type(p, column->type);
    put(p, " (default: ");
    const uint8_t *at = column->default_value.ptr;
    put_debug(p, column->type, &at, 0);
    put(p, ")\n");
  }
}

/* "Changed <what> <table>" and, for a column, ".<column>" */
static void print_changed(const printing *p, const char *what, const lc_table_def *table, const lc_column_def *column) {
  put_word(p, CHANGED);
  lc_buf_printf(p->to, " %s ", what);
  put_coloured(p, TABLE, table->name);
  if (column) {
    put(p, ".");
    put_coloured(p, COLUMN, column->name);
  }
  put(p, "\n");
}

static void print_table_part(const printing *p, const lc_migration_step *step) {
  const lc_table_def *old = step->old_table, *new_table = step->new_table;
  const lc_index_def *index;
  const lc_constraint_def *constraint;
  switch (step->kind) {
    case LC_MIGRATE_REMOVE_INDEX:
      index = &old->indexes[step->object];
      print_part(p, REMOVED, "index", index->name, old, index->columns, index->column_count);
      return;
    case LC_MIGRATE_ADD_INDEX:
    case LC_MIGRATE_CHANGE_INDEX_SOURCE:
      index = &new_table->indexes[step->object];
      print_part(p, step->kind == LC_MIGRATE_ADD_INDEX ? CREATED : CHANGED, "index", index->name, new_table, index->columns,
                 index->column_count);
      return;
    case LC_MIGRATE_REMOVE_CONSTRAINT:
      constraint = &old->constraints[step->object];
      print_part(p, REMOVED, "unique constraint", constraint->name, old, constraint->columns, constraint->column_count);
      return;
    case LC_MIGRATE_ADD_CONSTRAINT:
      constraint = &new_table->constraints[step->object];
      print_part(p, CREATED, "unique constraint", constraint->name, new_table, constraint->columns, constraint->column_count);
      return;
    case LC_MIGRATE_REMOVE_SEQUENCE:
      print_sequence(p, REMOVED, old, &old->sequences[step->object]);
      return;
    case LC_MIGRATE_ADD_SEQUENCE:
      print_sequence(p, CREATED, new_table, &new_table->sequences[step->object]);
      return;
    case LC_MIGRATE_REMOVE_SCHEDULE:
      print_schedule(p, REMOVED, old);
      return;
    case LC_MIGRATE_ADD_SCHEDULE:
      print_schedule(p, CREATED, new_table);
      return;
    default:
      return;
  }
}

static void print_step(const printing *p, const lc_migration_step *step) {
  const lc_table_def *old = step->old_table, *new_table = step->new_table;
  switch (step->kind) {
    case LC_MIGRATE_ADD_TABLE:
      print_new_table(p, new_table);
      return;
    case LC_MIGRATE_REMOVE_TABLE:
      put_word(p, REMOVED);
      put(p, " table: ");
      put_coloured(p, TABLE, old->name);
      put(p, "\n\n");
      return;
    case LC_MIGRATE_CHANGE_COLUMN_TYPE:
      print_changed(p, "columns for table", new_table, NULL);
      return;
    case LC_MIGRATE_CHANGE_EVENT_TABLE:
      print_changed(p, "schema of event table", new_table, NULL);
      return;
    case LC_MIGRATE_ADD_COLUMNS:
      print_added_columns(p, old, new_table);
      return;
    case LC_MIGRATE_CHANGE_ACCESSOR:
      print_changed(p, "table accessor name for", new_table, NULL);
      return;
    case LC_MIGRATE_CHANGE_COLUMN_ACCESSOR:
      print_changed(p, "column accessor name for", new_table, &new_table->columns[step->object]);
      return;
    case LC_MIGRATE_CHANGE_ACCESS:
      put_word(p, CHANGED);
      put(p, " access for table ");
      put_coloured(p, TABLE, new_table->name);
      put_access(p, old->is_public);
      return;
    case LC_MIGRATE_CHANGE_PRIMARY_KEY:
      print_primary_key(p, old, new_table);
      return;
    case LC_MIGRATE_ADD_VIEW:
      print_view(p, CREATED, step->new_view);
      return;
    case LC_MIGRATE_REMOVE_VIEW:
      print_view(p, REMOVED, step->old_view);
      return;
    case LC_MIGRATE_UPDATE_VIEW: /* silent, but for its access */
      if (step->old_view->is_public == step->new_view->is_public) return;
      put_word(p, CHANGED);
      put(p, " access for view ");
      put_coloured(p, TABLE, step->new_view->name);
      put_access(p, step->old_view->is_public);
      return;
    case LC_MIGRATE_ADD_ROW_RULE:
      print_rule(p, CREATED, step->rule);
      return;
    case LC_MIGRATE_REMOVE_ROW_RULE:
      print_rule(p, REMOVED, step->rule);
      return;
    case LC_MIGRATE_DISCONNECT_CLIENTS:
      put_coloured(p, WARNING, LC_STR("!!! Warning: All clients will be disconnected due to breaking schema changes"));
      put(p, "\n");
      return;
    default:
      print_table_part(p, step);
  }
}

void lc_migration_print(lc_buf *to, const lc_migration *plan, bool colours) {
  printing p = {to, colours};
  char rule[60 * 3 + 2] = "";
  for (int i = 0; i < 60; i++) memcpy(rule + 3 * i, "━", 3);
  rule[180] = '\n';
  put(&p, rule);
  put_coloured(&p, TITLE, LC_STR("Database Migration Plan"));
  put(&p, "\n");
  put(&p, rule);
  put(&p, "\n");
  for (uint32_t i = 0; i < plan->step_count; i++) print_step(&p, &plan->steps[i]);
}
