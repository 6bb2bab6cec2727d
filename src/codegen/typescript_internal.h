#pragma once
/* Shared by the parts of the TypeScript generator: the run's state, names, and how a type is written. */
#include "codegen/codegen.h"
#include "schema/names.h"

typedef struct lc__ts {
  const lc_module_def *def;
  lc_codegen_options options;
  lc_codegen_output *output;
  lc_arena *arena;    /* of the output */
  lc_str *type_names; /* by ref: the name in types.ts, ptr NULL for a type without a definition */
} lc__ts;

/* A table or a view: what the client sees as a set of rows. */
typedef struct lc__ts_relation {
  lc_str name, source_name, accessor;
  const lc_column_def *columns;
  uint16_t column_count;
  const lc_table_def *table; /* NULL for a view */
  const lc_view_def *view;   /* NULL for a table */
} lc__ts_relation;

/* ---- typescript_types.c ---- */
/* A new file with the marker; borrowed until the next one is begun. */
lc_buf *lc__ts_file(lc__ts *ts, lc_str path);
/* The builder of a type, such as `__t.option(__t.string())`. */
void lc__ts_put_type(lc__ts *ts, lc_buf *to, const lc_type *type);
/* Whether a type mentions one of types.ts: then its field must be a getter, because those are declared in order of name. */
bool lc__ts_mentions_named(lc__ts *ts, const lc_type *type);
/* `  key: builder suffix,` or `  get key() { return builder suffix; },` */
void lc__ts_put_field(lc__ts *ts, lc_buf *to, lc_str key, const lc_type *type, const char *suffix);
/* `import { A, B } from "<from>";` for the named types that `types` mention; nothing when there are none. */
void lc__ts_put_type_imports(lc__ts *ts, lc_buf *to, const lc_type *const *types, size_t count, const char *from);
/* The object of parameter builders, with braces. */
void lc__ts_put_params(lc__ts *ts, lc_buf *to, const lc_type *params);
void lc__ts_types_file(lc__ts *ts);

/* ---- typescript_index.c ---- */
void lc__ts_index_file(lc__ts *ts, const lc__ts_relation *relations, size_t count);

bool lc__ts_includes_reducer(const lc__ts *ts, const lc_reducer_def *reducer);
bool lc__ts_includes_procedure(const lc__ts *ts, const lc_procedure_def *procedure);
/* The only column of a unique constraint over one column. */
bool lc__ts_is_unique(const lc_table_def *table, uint32_t column);
