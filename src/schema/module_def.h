#pragma once
/*
 * A module definition, decoded from what __describe_module__ wrote (V9 or V10, module-abi.md 6) and validated: names are canonical,
 * generated names are filled in, refs are linked, layouts are computed. Everything else in the server works on this form.
 *
 * Invariants
 *   D1  A definition that lc_module_def_decode returned satisfies every rule of datastore-and-lifecycle.md 2; nothing later checks again.
 *   D2  Function ids are positions: reducers[i] is called with id i (views: with their `index`).
 *   D3  Both names of a thing are kept: `name` is canonical (catalogue, clients), `source_name` is what the module's code asks for.
 *   D4  No row type contains itself, even through an array; so rows have bounded nesting.
 * Owner: one arena, freed by lc_module_def_destroy; immutable; read from any thread.
 */
#include "base/map.h"
#include "sats/layout.h"

typedef enum lc_index_kind { LC_INDEX_BTREE, LC_INDEX_HASH, LC_INDEX_DIRECT } lc_index_kind;

typedef struct lc_column_def {
  lc_str name, source_name;
  const lc_type *type;
  lc_span default_value; /* BSATN; ptr NULL when there is none */
} lc_column_def;

typedef struct lc_index_def {
  lc_str name;          /* canonical, generated: <table>_<cols>_idx_<kind> */
  lc_str source_name;   /* the alias that the module asks for; equal to name when there is none */
  lc_str accessor_name; /* what generated bindings call it; ptr NULL when there is none */
  lc_index_kind kind;
  uint16_t *columns;
  uint16_t column_count;
} lc_index_def;

typedef struct lc_constraint_def { /* unique */
  lc_str name;
  uint16_t *columns;
  uint16_t column_count;
} lc_constraint_def;

typedef struct lc_sequence_def { /* options other than the defaults are refused, so these are the same for all: 1, 1, 2¹²⁷-1, 1 */
  lc_str name;
  uint16_t column;
  __int128 start, min_value, max_value, increment;
} lc_sequence_def;

typedef struct lc_schedule_def {
  lc_str name, function_name; /* a reducer or procedure, canonical; the name alone has no submodule's namespace in front */
  uint32_t function;          /* its position in reducers or procedures */
  bool is_procedure;
  uint16_t at_column, id_column;
} lc_schedule_def;

typedef struct lc_table_def {
  lc_str name, source_name;
  uint32_t type_ref; /* of the row type in the typespace */
  const lc_type *row;
  const lc_layout *layout;
  lc_column_def *columns;
  uint16_t column_count;
  int32_t primary_key; /* column, or -1 */
  lc_index_def *indexes;
  uint32_t index_count;
  lc_constraint_def *constraints;
  uint32_t constraint_count;
  lc_sequence_def *sequences;
  uint32_t sequence_count;
  const lc_schedule_def *schedule; /* NULL when the table is not scheduled */
  bool is_public, is_event, is_system;
  uint32_t module; /* the module that declares it, in lc_module_def.modules */
} lc_table_def;

typedef enum lc_lifecycle {
  LC_LIFECYCLE_NONE = -1,
  LC_LIFECYCLE_INIT,
  LC_LIFECYCLE_CONNECT,
  LC_LIFECYCLE_DISCONNECT,
  LC_LIFECYCLE_COUNT
} lc_lifecycle;

typedef struct lc_reducer_def {
  lc_str name, source_name;
  const lc_type *params; /* product */
  const lc_layout *params_layout;
  const lc_type *ok_type, *err_type; /* V10; unit and String for V9 */
  lc_lifecycle lifecycle;
  bool client_callable;
  uint32_t module;
} lc_reducer_def;

typedef struct lc_procedure_def {
  lc_str name, source_name;
  const lc_type *params, *return_type;
  const lc_layout *params_layout;
  bool client_callable;
  uint32_t module;
} lc_procedure_def;

typedef struct lc_view_def {
  lc_str name, source_name;
  uint32_t index;        /* the id it is called with, within its own list: sender views and anonymous views count apart */
  uint32_t source_index; /* as its own module gave it; equal to `index` outside submodules */
  bool is_public, is_anonymous;
  bool is_query; /* returns a query instead of rows */
  bool
      has_explicit_key; /* the module gave the primary key; otherwise it was inherited from the tables of that row type, or there is none */
  const lc_type *params, *return_type; /* return_type: Array<Row>, Option<Row> or Query<Row> */
  const lc_type *row;
  lc_column_def *columns;
  uint16_t column_count;
  uint16_t *primary_key;
  uint16_t primary_key_count;
  uint32_t row_ref; /* of the row type in its module's typespace */
  uint32_t module;
} lc_view_def;

typedef struct lc_type_def { /* a named type, for code generation */
  lc_str *scope;
  uint32_t scope_count;
  lc_str name, source_name;
  uint32_t ref;
  bool custom_ordering;
} lc_type_def;

typedef struct lc_http_handler_def {
  lc_str source_name;
} lc_http_handler_def;

typedef struct lc_http_route_def {
  lc_str handler, path;
  uint32_t handler_index;
  lc_str method;         /* `GET`; ptr NULL: any */
  bool method_extension; /* a method that HTTP itself does not name */
} lc_http_route_def;

typedef enum lc_environment_kind { LC_ENVIRONMENT_STRING, LC_ENVIRONMENT_LITERAL, LC_ENVIRONMENT_UNION } lc_environment_kind;

typedef struct lc_environment_def {
  lc_str name;
  bool required;
  lc_environment_kind kind;
  lc_str *literals; /* what the value may be: one for LITERAL, sorted and distinct for UNION */
  uint32_t literal_count;
} lc_environment_def;

typedef struct lc_rls_def {
  lc_str sql;
  uint32_t module;
} lc_rls_def;

typedef struct lc_outbox_def {
  lc_span raw;            /* BSATN RawOutboxDef, as the module wrote it */
  uint32_t table;         /* position in tables */
  lc_str remote_reducer;  /* canonical name in the receiving database */
  uint16_t target_column; /* Identity or U256 */
  uint16_t *argument_columns;
  uint32_t argument_count;
  int32_t on_result; /* position in reducers, or -1 */
  lc_u256 signature_hash;
} lc_outbox_def;

/* The root module (position 0) and every mounted submodule, each before its own children, in declaration order: the order in which
 * function ids run. Things declared by a submodule appear in the lists of lc_module_def with its path in front of their names. */
typedef struct lc_submodule_def {
  uint32_t parent;
  lc_str accessor_name, name; /* the last part of the path; empty for the root */
  lc_str accessor_path, path; /* with the dot behind, `myLib.deepLib.` and `my_lib.deep_lib.`; empty for the root */
  lc_typespace typespace;
  lc_type_def *types;
  uint32_t type_count;
} lc_submodule_def;

typedef struct lc_module_def {
  lc_arena arena;
  int version; /* 9 or 10 */
  lc_submodule_def *modules;
  uint32_t module_count;
  lc_typespace typespace; /* of the root module */
  lc_type_def *types;     /* of the root module, in the order of the definition */
  uint32_t type_count;
  lc_table_def *tables; /* sorted by canonical name, bytewise */
  uint32_t table_count;
  lc_reducer_def *reducers;
  uint32_t reducer_count;
  int32_t lifecycle[LC_LIFECYCLE_COUNT]; /* reducer of each event, or -1 */
  lc_procedure_def *procedures;
  uint32_t procedure_count;
  lc_view_def *views;
  uint32_t view_count;
  lc_rls_def *row_rules;
  uint32_t row_rule_count;
  lc_http_handler_def *http_handlers; /* of the root module, as routes, environment and outboxes' callbacks are */
  uint32_t http_handler_count;
  lc_http_route_def *http_routes;
  uint32_t http_route_count;
  lc_environment_def *environment;
  uint32_t environment_count;
  lc_outbox_def *outboxes;
  uint32_t outbox_count;
  bool has_submodules;
  lc_map reducer_ids; /* canonical name → position */
  lc_map procedure_ids;
  lc_map table_ids;
} lc_module_def;

/*
 * Decodes and validates `bytes` (untrusted BSATN RawModuleDef). All validation errors are reported together: on failure `errors`
 * (never NULL) holds one message per line and the result is LC_ERR_MODULE_INVALID; undecodable bytes give LC_ERR_MODULE_DEF,
 * V8 gives LC_ERR_MODULE_DEF with a message that says which crate versions to use.
 */
lc_err lc_module_def_decode(lc_span bytes, lc_module_def **def, lc_buf *errors);
void lc_module_def_destroy(lc_module_def *def);

/* The body of GET /v1/database/:n/schema?version=9|10 (http-api.md 9). */
void lc_module_def_print_json(lc_buf *to, const lc_module_def *def, int version);

const lc_table_def *lc_module_def_table(const lc_module_def *def, lc_str canonical_name);
