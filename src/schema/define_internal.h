#pragma once
/*
 * Turning a decoded definition into a checked one. Every rule that fails adds a message and the work goes on, so that a developer sees
 * all of them at once; whatever a message was added for is only as complete as the next rules need. Shared by the define_*.c files.
 */
#include <stdlib.h>

#include "base/vec.h"
#include "schema/names.h"
#include "schema/raw_def.h"

typedef struct lc__definer {
  lc_arena *arena;
  lc_module_def *def;
  LC_VEC(lc_str) errors;
  LC_VEC(lc_submodule_def) modules;
  LC_VEC(lc_table_def) tables;
  LC_VEC(lc_reducer_def) reducers;
  LC_VEC(lc_procedure_def) procedures;
  LC_VEC(lc_view_def) views;
  LC_VEC(lc_rls_def) row_rules;
  LC_VEC(lc_outbox_def) outboxes;
  LC_VEC(lc_str) outbox_tables;           /* canonical names: positions are known once the tables are sorted */
  uint32_t sender_views, anonymous_views; /* of the modules before */
} lc__definer;

typedef enum lc__use_state { LC__USE_UNKNOWN, LC__USE_BUSY, LC__USE_GOOD, LC__USE_BAD } lc__use_state;

/* One module of the definition: the root or a submodule. */
typedef struct lc__scope {
  lc__definer *d;
  const lc__raw_module *raw;
  uint32_t module;
  lc_str path, accessor_path; /* with the dot behind; empty for the root */
  lc_typespace source;        /* types as the module wrote them: their names are source names */
  lc_typespace space;         /* names converted, linked */
  bool linked;
  bool *is_definition;                       /* per type of the space: it has a name of its own, or is a row type */
  uint8_t *use_states;                       /* lc__use_state of each */
  lc_map explicit_names[LC__EXPLICIT_COUNT]; /* source name → index in raw->explicit_names */
  lc_map names;                              /* tables, indexes, constraints, sequences, schedules, views */
  lc_map functions;                          /* reducers, procedures, views */
  uint32_t first_table, first_reducer, first_procedure, first_view;
} lc__scope;

void lc__define_error(lc__definer *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The canonical form of a source name; checks that both are identifiers. `what` picks the explicit names that apply. */
lc_str lc__define_name(lc__scope *scope, lc__explicit_kind what, lc_str source);
bool lc__define_explicit(const lc__scope *scope, lc__explicit_kind kind, lc_str source, lc_str *canonical);
/* False, with a message, when the name is no identifier. */
bool lc__define_identifier(lc__scope *scope, lc_str name);
/* The path of the module in front of a name. */
lc_str lc__define_full(lc__scope *scope, lc_str name);
lc_str lc__define_full_source(lc__scope *scope, lc_str name);
/* Names that exist once per module (table-like things, and functions); a message when they are taken. */
void lc__define_claim(lc__scope *scope, lc_str name);
void lc__define_claim_function(lc__scope *scope, lc_str name);

/* define_types.c */
void lc__define_types(lc__scope *scope);
/* Whether `type` can be used as the type of a field, parameter or result; otherwise appends why not. */
bool lc__define_use(lc__scope *scope, const lc_type *type, lc_buf *why);
/* Links a parameter list or result; a message naming `of` when that, or the use of a part of it, is not possible. */
bool lc__define_params(lc__scope *scope, lc_type *params, const char *kind, lc_str of);
bool lc__define_result(lc__scope *scope, lc_type *type, const char *kind, lc_str of);
bool lc__define_columns(lc__scope *scope, uint32_t ref, const lc_type **row, lc_column_def **columns, uint16_t *count, const char *what,
                        lc_str of);

/* define_tables.c, define_functions.c, define_extras.c; in this order */
void lc__define_tables(lc__scope *scope);
void lc__define_functions(lc__scope *scope);
void lc__define_schedules(lc__scope *scope);
void lc__define_row_rules(lc__scope *scope);
void lc__define_outboxes(lc__scope *scope);
void lc__define_http(lc__scope *scope);
void lc__define_environment(lc__scope *scope);

/* By source name, among what this module declared; NULL or -1 when there is none. */
lc_table_def *lc__define_find_table(lc__scope *scope, lc_str source);
int64_t lc__define_find_reducer(lc__scope *scope, lc_str source);
int64_t lc__define_find_procedure(lc__scope *scope, lc_str source);
