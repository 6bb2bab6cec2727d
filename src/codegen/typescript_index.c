/*
 * index.ts: the schema, the module object, and what applications import. A table whose accessor is not camelCase is also reachable by its
 * old spelling (`conn.db.my_items`, deprecated), which applications written before the client package changed its names rely on.
 */
#include <stdlib.h>

#include "codegen/typescript_internal.h"

/* The client package insists on a version of at least 1.4.0; this is the one whose bindings these are. */
#define COMPATIBLE_VERSION "2.8.3"

static const char imports[] =
    "import {\n"
    "  DbConnectionBuilder as __DbConnectionBuilder,\n"
    "  DbConnectionImpl as __DbConnectionImpl,\n"
    "  SubscriptionBuilderImpl as __SubscriptionBuilderImpl,\n"
    "  convertToAccessorMap as __convertToAccessorMap,\n"
    "  makeQueryBuilder as __makeQueryBuilder,\n"
    "  procedureSchema as __procedureSchema,\n"
    "  procedures as __procedures,\n"
    "  reducerSchema as __reducerSchema,\n"
    "  reducers as __reducers,\n"
    "  schema as __schema,\n"
    "  table as __table,\n"
    "  type DbConnectionConfig as __DbConnectionConfig,\n"
    "  type ErrorContextInterface as __ErrorContextInterface,\n"
    "  type EventContextInterface as __EventContextInterface,\n"
    "  type QueryBuilder as __QueryBuilder,\n"
    "  type ReducerEventContextInterface as __ReducerEventContextInterface,\n"
    "  type RemoteModule as __RemoteModule,\n"
    "  type SubscriptionEventContextInterface as __SubscriptionEventContextInterface,\n"
    "  type SubscriptionHandleImpl as __SubscriptionHandleImpl,\n"
    "} from \"spacetimedb\";\n";

static const char module_object[] =
    "const REMOTE_MODULE = {\n"
    "  versionInfo: { cliVersion: \"" COMPATIBLE_VERSION
    "\" as const },\n"
    "  tables: tablesSchema.schemaType.tables%s,\n"
    "  reducers: reducersSchema.reducersType.reducers,\n"
    "  ...proceduresSchema,\n"
    "} satisfies __RemoteModule<\n"
    "  typeof tablesSchema.schemaType,\n"
    "  typeof reducersSchema.reducersType,\n"
    "  typeof proceduresSchema\n"
    ">;\n"
    "type __Module = typeof REMOTE_MODULE;\n\n";

/* An object that forwards to another one and answers to more names. */
static const char alias_helper[] =
    "function __withAliases<T extends object>(target: T, aliases: Record<string, string>): any {\n"
    "  const copy = Object.create(Object.getPrototypeOf(target), Object.getOwnPropertyDescriptors(target));\n"
    "  for (const [alias, name] of Object.entries(aliases))\n"
    "    Object.defineProperty(copy, alias, { get: () => (target as any)[name], enumerable: false, configurable: true });\n"
    "  return copy;\n"
    "}\n\n";

static const char contexts[] =
    "export type EventContext = __EventContextInterface<__Module>;\n"
    "export type ReducerEventContext = __ReducerEventContextInterface<__Module>;\n"
    "export type SubscriptionEventContext = __SubscriptionEventContextInterface<__Module>;\n"
    "export type ErrorContext = __ErrorContextInterface<__Module>;\n";

static const char builders[] =
    "export type SubscriptionHandle = __SubscriptionHandleImpl<__Module>;\n"
    "export class SubscriptionBuilder extends __SubscriptionBuilderImpl<__Module> {}\n"
    "export class DbConnectionBuilder extends __DbConnectionBuilder<DbConnection> {}\n\n"
    "export class DbConnection extends __DbConnectionImpl<__Module> {\n";

static const char connection_end[] =
    "  static builder = (): DbConnectionBuilder =>\n"
    "    new DbConnectionBuilder(REMOTE_MODULE, (config: __DbConnectionConfig<__Module>) => new DbConnection(config));\n\n"
    "  override subscriptionBuilder = (): SubscriptionBuilder => new SubscriptionBuilder(this);\n"
    "}\n";

static void put_columns(lc__ts *ts, lc_buf *to, const lc_table_def *table, const uint16_t *columns, uint16_t count) {
  lc_buf_put_text(to, "[");
  for (uint16_t i = 0; i < count; i++) {
    lc_str key = lc_name_convert(ts->arena, table->columns[columns[i]].source_name, LC_CASE_CAMEL);
    lc_buf_printf(to, "%s\"%.*s\"", i ? ", " : "", LC_STR_ARGS(key));
  }
  lc_buf_put_text(to, "]");
}

static int compare_indexes(const void *a, const void *b) {
  const lc_index_def *left = *(const lc_index_def *const *)a, *right = *(const lc_index_def *const *)b;
  int order = lc_str_compare(left->accessor_name, right->accessor_name);
  return order ? order : lc_str_compare(left->name, right->name);
}
static int compare_constraints(const void *a, const void *b) {
  return lc_str_compare((*(const lc_constraint_def *const *)a)->name, (*(const lc_constraint_def *const *)b)->name);
}

/* Clients know one kind of index, whatever the server uses. */
static void put_indexes(lc__ts *ts, lc_buf *to, const lc_table_def *table) {
  const lc_index_def **indexes = LC_ARENA_ARRAY(ts->arena, const lc_index_def *, table->index_count + 1);
  size_t count = 0;
  for (uint32_t i = 0; i < table->index_count; i++)
    if (table->indexes[i].accessor_name.len) indexes[count++] = &table->indexes[i];
  qsort(indexes, count, sizeof *indexes, compare_indexes);
  lc_buf_printf(to, "    indexes: [%s", count ? "\n" : "");
  for (size_t i = 0; i < count; i++) {
    lc_buf_printf(to, "      { accessor: \"%.*s\", name: \"%.*s\", algorithm: \"btree\", columns: ", LC_STR_ARGS(indexes[i]->accessor_name),
                  LC_STR_ARGS(indexes[i]->name));
    put_columns(ts, to, table, indexes[i]->columns, indexes[i]->column_count);
    lc_buf_put_text(to, " },\n");
  }
  lc_buf_printf(to, "%s],\n", count ? "    " : "");
}

/* The package's types take constraints over one column only. */
static void put_constraints(lc__ts *ts, lc_buf *to, const lc_table_def *table) {
  const lc_constraint_def **constraints = LC_ARENA_ARRAY(ts->arena, const lc_constraint_def *, table->constraint_count + 1);
  size_t count = 0;
  for (uint32_t i = 0; i < table->constraint_count; i++)
    if (table->constraints[i].column_count == 1) constraints[count++] = &table->constraints[i];
  qsort(constraints, count, sizeof *constraints, compare_constraints);
  lc_buf_printf(to, "    constraints: [%s", count ? "\n" : "");
  for (size_t i = 0; i < count; i++) {
    lc_buf_printf(to, "      { name: \"%.*s\", constraint: \"unique\", columns: ", LC_STR_ARGS(constraints[i]->name));
    put_columns(ts, to, table, constraints[i]->columns, 1);
    lc_buf_put_text(to, " },\n");
  }
  lc_buf_printf(to, "%s],\n", count ? "    " : "");
}

static void put_schema(lc__ts *ts, lc_buf *to, const lc__ts_relation *relations, size_t count) {
  lc_buf_put_text(to, "const tablesSchema = __schema({\n");
  for (size_t i = 0; i < count; i++) {
    const lc__ts_relation *relation = &relations[i];
    lc_buf_printf(to, "  %.*s: __table({\n    name: \"%.*s\",\n", LC_STR_ARGS(relation->accessor), LC_STR_ARGS(relation->name));
    if (relation->table) {
      put_indexes(ts, to, relation->table);
      put_constraints(ts, to, relation->table);
      if (relation->table->is_event) lc_buf_put_text(to, "    event: true,\n");
    } else {
      lc_buf_put_text(to, "    indexes: [],\n    constraints: [],\n");
    }
    lc_buf_printf(to, "  }, %.*sRow),\n", LC_STR_ARGS(lc_name_convert(ts->arena, relation->source_name, LC_CASE_PASCAL)));
  }
  lc_buf_put_text(to, "});\n\n");
}

static void put_functions(lc__ts *ts, lc_buf *to) {
  lc_buf_put_text(to, "const reducersSchema = __reducers(\n");
  for (uint32_t i = 0; i < ts->def->reducer_count; i++) {
    const lc_reducer_def *reducer = &ts->def->reducers[i];
    if (!lc__ts_includes_reducer(ts, reducer)) continue;
    lc_str pascal = lc_name_convert(ts->arena, reducer->source_name, LC_CASE_PASCAL);
    lc_buf_printf(to, "  __reducerSchema(\"%.*s\", %.*sReducer),\n", LC_STR_ARGS(reducer->name), LC_STR_ARGS(pascal));
  }
  lc_buf_put_text(to, ");\n\nconst proceduresSchema = __procedures(\n");
  for (uint32_t i = 0; i < ts->def->procedure_count; i++) {
    const lc_procedure_def *procedure = &ts->def->procedures[i];
    if (!lc__ts_includes_procedure(ts, procedure)) continue;
    lc_str pascal = lc_name_convert(ts->arena, procedure->source_name, LC_CASE_PASCAL);
    lc_buf_printf(to, "  __procedureSchema(\"%.*s\", %.*sProcedure.params, %.*sProcedure.returnType),\n", LC_STR_ARGS(procedure->name),
                  LC_STR_ARGS(pascal), LC_STR_ARGS(pascal));
  }
  lc_buf_put_text(to, ");\n\n");
}

static void put_file_imports(lc__ts *ts, lc_buf *to, const lc__ts_relation *relations, size_t count) {
  for (uint32_t i = 0; i < ts->def->reducer_count; i++) {
    const lc_reducer_def *reducer = &ts->def->reducers[i];
    if (!lc__ts_includes_reducer(ts, reducer)) continue;
    lc_buf_printf(to, "import %.*sReducer from \"./%.*s_reducer\";\n",
                  LC_STR_ARGS(lc_name_convert(ts->arena, reducer->source_name, LC_CASE_PASCAL)),
                  LC_STR_ARGS(lc_name_convert(ts->arena, reducer->source_name, LC_CASE_SNAKE)));
  }
  for (uint32_t i = 0; i < ts->def->procedure_count; i++) {
    const lc_procedure_def *procedure = &ts->def->procedures[i];
    if (!lc__ts_includes_procedure(ts, procedure)) continue;
    lc_buf_printf(to, "import * as %.*sProcedure from \"./%.*s_procedure\";\n",
                  LC_STR_ARGS(lc_name_convert(ts->arena, procedure->source_name, LC_CASE_PASCAL)),
                  LC_STR_ARGS(lc_name_convert(ts->arena, procedure->source_name, LC_CASE_SNAKE)));
  }
  for (size_t i = 0; i < count; i++)
    lc_buf_printf(to, "import %.*sRow from \"./%.*s_table\";\n",
                  LC_STR_ARGS(lc_name_convert(ts->arena, relations[i].source_name, LC_CASE_PASCAL)),
                  LC_STR_ARGS(lc_name_convert(ts->arena, relations[i].source_name, LC_CASE_SNAKE)));
  lc_buf_put_text(to, "\n");
}

static bool needs_alias(const lc__ts_relation *relations, size_t count, size_t which) {
  lc_str old = relations[which].source_name;
  for (size_t i = 0; i < count; i++)
    if (lc_str_equal(old, relations[i].accessor)) return false; /* itself, or somebody else's real name */
  return true;
}

/* Whether there is any. */
static bool put_aliases(lc_buf *to, const lc__ts_relation *relations, size_t count) {
  bool any = false;
  for (size_t i = 0; i < count; i++) {
    if (!needs_alias(relations, count, i)) continue;
    if (!any) lc_buf_put_text(to, "/** Old spellings of accessors. @deprecated */\nconst __aliases = {\n");
    any = true;
    lc_buf_printf(to, "  \"%.*s\": \"%.*s\",\n", LC_STR_ARGS(relations[i].source_name), LC_STR_ARGS(relations[i].accessor));
  }
  if (any)
    lc_buf_put_text(
        to,
        "} as const;\n"
        "type __Aliases = typeof __aliases;\n"
        "type __AliasedTables<T> = T & { [K in keyof __Aliases]: __Aliases[K] extends keyof T ? Omit<T[__Aliases[K]], \"accessorName\"> & "
        "{ accessorName: K } : never };\n"
        "type __AliasedView<T> = T & { readonly [K in keyof __Aliases]: __Aliases[K] extends keyof T ? T[__Aliases[K]] : never };\n\n");
  return any;
}

void lc__ts_index_file(lc__ts *ts, const lc__ts_relation *relations, size_t count) {
  lc_buf *to = lc__ts_file(ts, LC_STR("index.ts"));
  lc_buf_put_text(to, "\n// Generated by lightcone for clients of version " COMPATIBLE_VERSION ".\n\n");
  lc_buf_put_text(to, imports);
  put_file_imports(ts, to, relations, count);
  put_schema(ts, to, relations, count);
  put_functions(ts, to);
  bool aliased = put_aliases(to, relations, count);
  if (aliased) lc_buf_put_text(to, alias_helper);
  lc_buf_printf(to, module_object, aliased ? " as __AliasedTables<typeof tablesSchema.schemaType.tables>" : "");
  const char *tables = aliased ? "export type Tables = __AliasedView<__QueryBuilder<typeof tablesSchema.schemaType>>;\n"
                                 "export const tables: Tables = __withAliases(__makeQueryBuilder(tablesSchema.schemaType), __aliases);\n"
                               : "export type Tables = __QueryBuilder<typeof tablesSchema.schemaType>;\n"
                                 "export const tables: Tables = __makeQueryBuilder(tablesSchema.schemaType);\n";
  lc_buf_put_text(to, "export type DbView = __DbConnectionImpl<__Module>[\"db\"];\n");
  lc_buf_put_text(to, tables);
  lc_buf_put_text(to,
                  "export const reducers = __convertToAccessorMap(reducersSchema.reducersType.reducers);\n"
                  "export const procedures = __convertToAccessorMap(proceduresSchema.procedures);\n\n");
  lc_buf_put_text(to, contexts);
  lc_buf_put_text(to, builders);
  if (aliased)
    lc_buf_put_text(to,
                    "  constructor(config: __DbConnectionConfig<__Module>) {\n    super(config);\n"
                    "    this.db = __withAliases(this.db, __aliases);\n  }\n\n");
  lc_buf_put_text(to, connection_end);
}
