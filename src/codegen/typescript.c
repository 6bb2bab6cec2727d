/* The TypeScript generator: which files there are, and the small ones. */
#include <stdlib.h>

#include "codegen/typescript_internal.h"

void lc_codegen_output_deinit(lc_codegen_output *output) {
  for (size_t i = 0; i < output->files.count; i++) lc_buf_deinit(&output->files.items[i].text);
  lc_vec_deinit(&output->files);
  lc_arena_deinit(&output->arena);
}

bool lc__ts_includes_reducer(const lc__ts *ts, const lc_reducer_def *reducer) {
  return reducer->lifecycle == LC_LIFECYCLE_NONE && (reducer->client_callable || ts->options.include_private);
}

bool lc__ts_includes_procedure(const lc__ts *ts, const lc_procedure_def *procedure) {
  return procedure->client_callable || ts->options.include_private;
}

bool lc__ts_is_unique(const lc_table_def *table, uint32_t column) {
  for (uint32_t i = 0; i < table->constraint_count; i++)
    if (table->constraints[i].column_count == 1 && table->constraints[i].columns[0] == column) return true;
  return false;
}

/* Scoped names are joined: Namespace.TestC is NamespaceTestC. */
static void name_types(lc__ts *ts) {
  ts->type_names = LC_ARENA_ARRAY(ts->arena, lc_str, ts->def->typespace.count + 1);
  for (uint32_t i = 0; i < ts->def->type_count; i++) {
    const lc_type_def *type = &ts->def->types[i];
    lc_buf name = {0};
    for (uint32_t s = 0; s < type->scope_count; s++) lc_buf_put_str(&name, lc_name_convert(ts->arena, type->scope[s], LC_CASE_PASCAL));
    lc_buf_put_str(&name, lc_name_convert(ts->arena, type->source_name.ptr ? type->source_name : type->name, LC_CASE_PASCAL));
    if (type->ref < ts->def->typespace.count && !ts->type_names[type->ref].ptr)
      ts->type_names[type->ref] = lc_arena_str(ts->arena, lc_buf_str(&name));
    lc_buf_deinit(&name);
  }
}

static int compare_relations(const void *a, const void *b) {
  return lc_str_compare(((const lc__ts_relation *)a)->source_name, ((const lc__ts_relation *)b)->source_name);
}

static size_t collect_relations(lc__ts *ts, lc__ts_relation *relations) {
  size_t count = 0;
  for (uint32_t i = 0; i < ts->def->table_count; i++) {
    const lc_table_def *table = &ts->def->tables[i];
    if (table->is_system || (!table->is_public && !ts->options.include_private)) continue;
    relations[count++] = (lc__ts_relation){.name = table->name,
                                           .source_name = table->source_name,
                                           .columns = table->columns,
                                           .column_count = table->column_count,
                                           .table = table};
  }
  for (uint32_t i = 0; i < ts->def->view_count; i++) {
    const lc_view_def *view = &ts->def->views[i];
    relations[count++] = (lc__ts_relation){
        .name = view->name, .source_name = view->source_name, .columns = view->columns, .column_count = view->column_count, .view = view};
  }
  for (size_t i = 0; i < count; i++) relations[i].accessor = lc_name_convert(ts->arena, relations[i].source_name, LC_CASE_CAMEL);
  qsort(relations, count, sizeof *relations, compare_relations);
  return count;
}

static bool is_key(const lc__ts_relation *relation, uint32_t column) {
  if (relation->table) return relation->table->primary_key == (int32_t)column;
  return relation->view->primary_key_count == 1 && relation->view->primary_key[0] == column;
}

/* Builders of results and units have no `.name`, and those of user types no `.unique`. */
static bool has_name(const lc_type *type) {
  type = lc_type_resolve(type);
  return type->special != LC_SPECIAL_RESULT && !(type->kind == LC_TYPE_PRODUCT && type->field_count == 0);
}
static bool has_unique(const lc_type *type) {
  return type->kind >= LC_TYPE_STRING || (type->special >= LC_SPECIAL_IDENTITY && type->special <= LC_SPECIAL_UUID);
}

static void table_file(lc__ts *ts, const lc__ts_relation *relation) {
  lc_str path = lc_arena_printf(ts->arena, "%.*s_table.ts", LC_STR_ARGS(lc_name_convert(ts->arena, relation->source_name, LC_CASE_SNAKE)));
  lc_buf *to = lc__ts_file(ts, path);
  const lc_type **types = LC_ARENA_ARRAY(ts->arena, const lc_type *, relation->column_count + 1u);
  for (uint16_t c = 0; c < relation->column_count; c++) types[c] = relation->columns[c].type;
  lc_buf_put_text(to, "import { t as __t } from \"spacetimedb\";\n");
  lc__ts_put_type_imports(ts, to, types, relation->column_count, "./types");
  lc_buf_put_text(to, "\nexport default __t.row({\n");
  for (uint16_t c = 0; c < relation->column_count; c++) {
    const lc_column_def *column = &relation->columns[c];
    lc_str key = lc_name_convert(ts->arena, column->source_name, LC_CASE_CAMEL);
    lc_buf suffix = {0};
    if (is_key(relation, c))
      lc_buf_put_text(&suffix, ".primaryKey()");
    else if (relation->table && lc__ts_is_unique(relation->table, c) && has_unique(column->type))
      lc_buf_put_text(&suffix, ".unique()");
    if (!lc_str_equal(key, column->name) && has_name(column->type)) lc_buf_printf(&suffix, ".name(\"%.*s\")", LC_STR_ARGS(column->name));
    lc__ts_put_field(ts, to, key, column->type, lc_buf_cstr(&suffix));
    lc_buf_deinit(&suffix);
  }
  lc_buf_put_text(to, "});\n");
}

static void reducer_file(lc__ts *ts, const lc_reducer_def *reducer) {
  lc_str path = lc_arena_printf(ts->arena, "%.*s_reducer.ts", LC_STR_ARGS(lc_name_convert(ts->arena, reducer->source_name, LC_CASE_SNAKE)));
  lc_buf *to = lc__ts_file(ts, path);
  lc_buf_put_text(to, "import { t as __t } from \"spacetimedb\";\n");
  lc__ts_put_type_imports(ts, to, &reducer->params, 1, "./types");
  lc_buf_put_text(to, "\nexport default ");
  lc__ts_put_params(ts, to, reducer->params);
  lc_buf_put_text(to, ";\n");
}

static void procedure_file(lc__ts *ts, const lc_procedure_def *procedure) {
  lc_str path =
      lc_arena_printf(ts->arena, "%.*s_procedure.ts", LC_STR_ARGS(lc_name_convert(ts->arena, procedure->source_name, LC_CASE_SNAKE)));
  lc_buf *to = lc__ts_file(ts, path);
  const lc_type *types[] = {procedure->params, procedure->return_type};
  lc_buf_put_text(to, "import { t as __t } from \"spacetimedb\";\n");
  lc__ts_put_type_imports(ts, to, types, 2, "./types");
  lc_buf_put_text(to, "\nexport const params = ");
  lc__ts_put_params(ts, to, procedure->params);
  lc_buf_put_text(to, ";\nexport const returnType = ");
  lc__ts_put_type(ts, to, procedure->return_type);
  lc_buf_put_text(to, ";\n");
}

static void reducer_types_file(lc__ts *ts) {
  lc_buf *to = lc__ts_file(ts, LC_STR("types/reducers.ts"));
  lc_buf types = {0};
  lc_buf_put_text(to, "import { type Infer as __Infer } from \"spacetimedb\";\n\n");
  for (uint32_t i = 0; i < ts->def->reducer_count; i++) {
    const lc_reducer_def *reducer = &ts->def->reducers[i];
    if (!lc__ts_includes_reducer(ts, reducer)) continue;
    lc_str pascal = lc_name_convert(ts->arena, reducer->source_name, LC_CASE_PASCAL),
           snake = lc_name_convert(ts->arena, reducer->source_name, LC_CASE_SNAKE);
    lc_buf_printf(to, "import %.*sReducer from \"../%.*s_reducer\";\n", LC_STR_ARGS(pascal), LC_STR_ARGS(snake));
    lc_buf_printf(&types, "export type %.*sParams = __Infer<typeof %.*sReducer>;\n", LC_STR_ARGS(pascal), LC_STR_ARGS(pascal));
  }
  lc_buf_put_text(to, "\n");
  lc_buf_put_str(to, lc_buf_str(&types));
  lc_buf_deinit(&types);
}

static void procedure_types_file(lc__ts *ts) {
  lc_buf *to = lc__ts_file(ts, LC_STR("types/procedures.ts"));
  lc_buf types = {0};
  lc_buf_put_text(to, "import { type Infer as __Infer } from \"spacetimedb\";\n\n");
  for (uint32_t i = 0; i < ts->def->procedure_count; i++) {
    const lc_procedure_def *procedure = &ts->def->procedures[i];
    if (!lc__ts_includes_procedure(ts, procedure)) continue;
    lc_str pascal = lc_name_convert(ts->arena, procedure->source_name, LC_CASE_PASCAL),
           snake = lc_name_convert(ts->arena, procedure->source_name, LC_CASE_SNAKE);
    lc_buf_printf(to, "import * as %.*sProcedure from \"../%.*s_procedure\";\n", LC_STR_ARGS(pascal), LC_STR_ARGS(snake));
    lc_buf_printf(&types, "export type %.*sArgs = __Infer<typeof %.*sProcedure.params>;\n", LC_STR_ARGS(pascal), LC_STR_ARGS(pascal));
    lc_buf_printf(&types, "export type %.*sResult = __Infer<typeof %.*sProcedure.returnType>;\n", LC_STR_ARGS(pascal), LC_STR_ARGS(pascal));
  }
  lc_buf_put_text(to, "\n");
  lc_buf_put_str(to, lc_buf_str(&types));
  lc_buf_deinit(&types);
}

void lc_codegen_typescript(const lc_module_def *def, const lc_codegen_options *options, lc_codegen_output *output) {
  lc__ts ts = {.def = def, .options = *options, .output = output, .arena = &output->arena};
  name_types(&ts);
  lc__ts_relation *relations = LC_ARENA_ARRAY(ts.arena, lc__ts_relation, def->table_count + def->view_count + 1);
  size_t relation_count = collect_relations(&ts, relations);
  for (size_t i = 0; i < relation_count; i++) table_file(&ts, &relations[i]);
  for (uint32_t i = 0; i < def->reducer_count; i++)
    if (lc__ts_includes_reducer(&ts, &def->reducers[i])) reducer_file(&ts, &def->reducers[i]);
  for (uint32_t i = 0; i < def->procedure_count; i++)
    if (lc__ts_includes_procedure(&ts, &def->procedures[i])) procedure_file(&ts, &def->procedures[i]);
  lc__ts_types_file(&ts);
  reducer_types_file(&ts);
  procedure_types_file(&ts);
  lc__ts_index_file(&ts, relations, relation_count);
}
