#pragma once
/*
 * A module definition as the module wrote it: the records of V9 and V10 (module-abi 6) in one shape, decoded but not validated. Names
 * are source names, types are not linked. Everything lies in the arena given. Shared inside src/schema.
 *
 * The V9 records that V10 keeps apart are brought into the V10 shape: a table's schedule becomes a schedule, a reducer's lifecycle a
 * lifecycle record, default values go to their table.
 */
#include "base/arena.h"
#include "base/cursor.h"
#include "schema/module_def.h"

typedef struct lc__columns {
  uint16_t *items;
  uint32_t count;
} lc__columns;

typedef struct lc__raw_index {
  lc_str name, accessor; /* ptr NULL: none */
  lc_index_kind kind;
  lc__columns columns;
} lc__raw_index;

typedef struct lc__raw_constraint {
  lc_str name;
  lc__columns columns;
} lc__raw_constraint;

typedef struct lc__raw_sequence {
  lc_str name;
  uint16_t column;
  bool has_options; /* any of start, min_value, max_value is given */
  __int128 increment;
} lc__raw_sequence;

typedef struct lc__raw_default {
  uint16_t column;
  lc_span value;
} lc__raw_default;

typedef struct lc__raw_table {
  lc_str name;
  uint32_t type_ref;
  lc__columns primary_key;
  lc__raw_index *indexes;
  lc__raw_constraint *constraints;
  lc__raw_sequence *sequences;
  lc__raw_default *defaults;
  uint32_t index_count, constraint_count, sequence_count, default_count;
  bool is_system, is_public, is_event;
} lc__raw_table;

typedef struct lc__raw_default_value { /* V9: apart from its table */
  lc_str table;
  lc__raw_default value;
} lc__raw_default_value;

typedef struct lc__raw_reducer {
  lc_str name;
  lc_type *params, *ok_type, *err_type;
  bool client_callable;
} lc__raw_reducer;

typedef struct lc__raw_procedure {
  lc_str name;
  lc_type *params, *return_type;
  bool client_callable;
} lc__raw_procedure;

typedef struct lc__raw_view {
  lc_str name;
  uint32_t index;
  bool is_public, is_anonymous;
  lc_type *params, *return_type;
} lc__raw_view;

typedef struct lc__raw_schedule {
  lc_str name, table, function;
  uint16_t at_column;
} lc__raw_schedule;

typedef struct lc__raw_lifecycle {
  lc_lifecycle event;
  lc_str function;
} lc__raw_lifecycle;

typedef struct lc__raw_type {
  lc_str *scope;
  uint32_t scope_count;
  lc_str name;
  uint32_t ref;
  bool custom_ordering;
} lc__raw_type;

typedef enum lc__explicit_kind {
  LC__EXPLICIT_TABLE,
  LC__EXPLICIT_FUNCTION,
  LC__EXPLICIT_INDEX,
  LC__EXPLICIT_NAMESPACE,
  LC__EXPLICIT_COUNT
} lc__explicit_kind;

typedef struct lc__raw_explicit {
  lc__explicit_kind kind;
  lc_str source, canonical;
} lc__raw_explicit;

typedef struct lc__raw_route {
  lc_str handler, path, method; /* method.ptr NULL: any */
  bool extension;               /* a method that HTTP itself does not name */
} lc__raw_route;

typedef struct lc__raw_view_key {
  lc_str view;
  lc_str *columns;
  uint32_t column_count;
} lc__raw_view_key;

typedef struct lc__raw_outbox {
  lc_str table, remote_reducer, on_result; /* on_result.ptr NULL: none */
  uint16_t target_column;
  lc__columns arguments;
  lc_u256 signature_hash;
  lc_span raw;
} lc__raw_outbox;

typedef struct lc__raw_submodule {
  lc_str name;
  struct lc__raw_module *module;
} lc__raw_submodule;

typedef struct lc__raw_module {
  int version;
  uint32_t present; /* one bit per V10 section that was seen */
  bool snake_case;
  lc_typespace typespace;
#define LC__RAW_LIST(type, name) \
  type *name;                    \
  uint32_t name##_count
  LC__RAW_LIST(lc__raw_type, types);
  LC__RAW_LIST(lc__raw_table, tables);
  LC__RAW_LIST(lc__raw_reducer, reducers);
  LC__RAW_LIST(lc__raw_procedure, procedures);
  LC__RAW_LIST(lc__raw_view, views);
  LC__RAW_LIST(lc__raw_schedule, schedules);
  LC__RAW_LIST(lc__raw_lifecycle, lifecycles);
  LC__RAW_LIST(lc_str, row_rules);
  LC__RAW_LIST(lc__raw_explicit, explicit_names);
  LC__RAW_LIST(lc_str, handlers);
  LC__RAW_LIST(lc__raw_route, routes);
  LC__RAW_LIST(lc__raw_view_key, view_keys);
  LC__RAW_LIST(lc__raw_submodule, submodules);
  LC__RAW_LIST(lc_environment_def, environment);
  LC__RAW_LIST(lc__raw_outbox, outboxes);
  LC__RAW_LIST(lc__raw_default_value, default_values); /* V9 */
#undef LC__RAW_LIST
} lc__raw_module;

enum { LC__SUBMODULE_DEPTH_MAX = 16 };

/* Errors: LC_ERR_MODULE_DEF with the reason, as clients of the reference know it. Bytes behind the definition are ignored. */
lc_err lc__raw_module_decode(lc_arena *arena, lc_span bytes, lc__raw_module **module);
