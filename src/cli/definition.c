/*
 * The definition that a server sends is SATS-JSON of the same structure that modules encode as BSATN. So its structure is written down
 * once more here, as a text, turned into a type, and the ordinary decoder of JSON values and of definitions do the rest.
 */
#define _GNU_SOURCE
#include "cli/definition.h"

#include <string.h>

#include "host/host.h"
#include "sats/json.h"

/*
 * One line per type: Name ( field:type … is a product, Name < variant:type … a sum (no type: unit). [T] is an array, T? an option.
 * Names in capitals refer to other lines.
 */
static const char structure[] =
    "ModuleDef ( sections:[Section]\n"
    "Section < Typespace:Typespace Types:[TypeDef] Tables:[Table] Reducers:[Reducer] Procedures:[Procedure] Views:[View] "
    "Schedules:[Schedule]"
    " LifeCycleReducers:[LifeCycle] RowLevelSecurity:[Rls] CaseConversionPolicy:CasePolicy ExplicitNames:ExplicitNames "
    "HttpHandlers:[Handler]"
    " HttpRoutes:[Route] ViewPrimaryKeys:[ViewKey] Submodules:[Submodule] Environment:[EnvVar] Outboxes:[Outbox]\n"
    "AlgebraicType < Ref:u32 Sum:SumType Product:ProductType Array:AlgebraicType String Bool I8 U8 I16 U16 I32 U32 I64 U64 I128 U128 I256 "
    "U256 F32 F64\n"
    "SumType ( variants:[Element]\n"
    "ProductType ( elements:[Element]\n"
    "Element ( name:str? algebraic_type:AlgebraicType\n"
    "Typespace ( types:[AlgebraicType]\n"
    "TypeDef ( source_name:ScopedName ty:u32 custom_ordering:bool\n"
    "ScopedName ( scope:[str] source_name:str\n"
    "Table ( source_name:str product_type_ref:u32 primary_key:[u16] indexes:[Index] constraints:[Constraint] sequences:[Sequence]"
    " table_type:TableType table_access:Access default_values:[Default] is_event:bool\n"
    "Index ( source_name:str? accessor_name:str? algorithm:Algorithm\n"
    "Algorithm < BTree:[u16] Hash:[u16] Direct:u16\n"
    "Constraint ( source_name:str? data:ConstraintData\n"
    "ConstraintData < Unique:Unique\n"
    "Unique ( columns:[u16]\n"
    "Sequence ( source_name:str? column:u16 start:i128? min_value:i128? max_value:i128? increment:i128\n"
    "TableType < System User\n"
    "Access < Public Private\n"
    "Default ( col_id:u16 value:[u8]\n"
    "Reducer ( source_name:str params:ProductType visibility:Visibility ok_return_type:AlgebraicType err_return_type:AlgebraicType\n"
    "Visibility < Private ClientCallable\n"
    "Procedure ( source_name:str params:ProductType return_type:AlgebraicType visibility:Visibility\n"
    "View ( source_name:str index:u32 is_public:bool is_anonymous:bool params:ProductType return_type:AlgebraicType\n"
    "Schedule ( source_name:str? table_name:str schedule_at_col:u16 function_name:str\n"
    "LifeCycle ( lifecycle_spec:Lifecycle function_name:str\n"
    "Lifecycle < Init OnConnect OnDisconnect\n"
    "Rls ( sql:str\n"
    "CasePolicy < None SnakeCase\n"
    "ExplicitNames ( entries:[NameEntry]\n"
    "NameEntry < Table:NameMapping Function:NameMapping Index:NameMapping Namespace:NameMapping\n"
    "NameMapping ( source_name:str canonical_name:str\n"
    "Handler ( source_name:str\n"
    "Route ( handler_function:str method:MethodOrAny path:str\n"
    "MethodOrAny < Any Method:HttpMethod\n"
    "HttpMethod < Get Head Post Put Delete Connect Options Trace Patch Extension:str\n"
    "ViewKey ( view_source_name:str columns:[str]\n"
    "Submodule ( namespace:str module:ModuleDef\n"
    "EnvVar ( name:str ty:EnvVarType optional:bool\n"
    "EnvVarType < String StringLiteral:str Union:[str]\n"
    "Outbox ( table_name:str remote_reducer:str target_column:u16 arg_columns:[u16] on_result_reducer:str? signature_hash:u256\n";

enum { DEFINITION_V10 = 2, FIELDS_MAX = 32 };

typedef struct type_grammar {
  lc_arena *arena;
  lc_map numbers; /* of lines by name */
} type_grammar;

static lc_str word(const char **at, const char *stops) {
  size_t len = strcspn(*at, stops);
  lc_str found = {*at, len};
  *at += len;
  return found;
}

static const lc_type *parse_type(type_grammar *grammar, lc_str text) {
  static const struct {
    const char *name;
    lc_type_kind kind;
  } primitives[] = {{"str", LC_TYPE_STRING}, {"bool", LC_TYPE_BOOL}, {"u8", LC_TYPE_U8},    {"u16", LC_TYPE_U16},
                    {"u32", LC_TYPE_U32},    {"i128", LC_TYPE_I128}, {"u256", LC_TYPE_U256}};
  uint64_t number;
  if (text.ptr[text.len - 1] == '?') {
    lc_field *fields = LC_ARENA_ARRAY(grammar->arena, lc_field, 2);
    fields[0] = (lc_field){LC_STR("some"), parse_type(grammar, (lc_str){text.ptr, text.len - 1})};
    fields[1] = (lc_field){LC_STR("none"), lc_type_product(grammar->arena, NULL, 0)};
    return lc_type_sum(grammar->arena, fields, 2);
  }
  if (text.ptr[0] == '[') return lc_type_array(grammar->arena, parse_type(grammar, (lc_str){text.ptr + 1, text.len - 2}));
  for (size_t i = 0; i < sizeof primitives / sizeof *primitives; i++)
    if (lc_str_is(text, primitives[i].name)) return lc_type_primitive(primitives[i].kind);
  bool known = lc_map_get(&grammar->numbers, text, &number);
  lc_assert(known);
  return lc_type_ref(grammar->arena, (uint32_t)number);
}

static lc_type *parse_line(type_grammar *grammar, const char *at) {
  lc_field *fields = LC_ARENA_ARRAY(grammar->arena, lc_field, FIELDS_MAX);
  uint32_t count = 0;
  word(&at, " ");
  bool is_sum = at[1] == '<';
  for (at += 2; *at == ' ';) {
    at++;
    lc_assert(count < FIELDS_MAX);
    fields[count].name = word(&at, ": \n");
    if (*at == ':') {
      at++;
      fields[count].type = parse_type(grammar, word(&at, " \n"));
    } else {
      fields[count].type = lc_type_product(grammar->arena, NULL, 0);
    }
    count++;
  }
  return is_sum ? lc_type_sum(grammar->arena, fields, count) : lc_type_product(grammar->arena, fields, count);
}

/* The type of a whole V10 definition. */
static lc_err definition_type(lc_arena *arena, const lc_type **type) {
  type_grammar grammar = {.arena = arena};
  lc_typespace *space = LC_ARENA_NEW(arena, lc_typespace);
  for (const char *line = structure; *line; line = strchr(line, '\n') + 1) {
    const char *at = line;
    lc_map_put(&grammar.numbers, word(&at, " "), space->count++);
  }
  space->types = LC_ARENA_ARRAY(arena, lc_type *, space->count);
  uint32_t i = 0;
  for (const char *line = structure; *line; line = strchr(line, '\n') + 1) space->types[i++] = parse_line(&grammar, line);
  lc_map_deinit(&grammar.numbers);
  lc_err err = lc_typespace_link(space);
  *type = space->types[0];
  return err;
}

/*
 * What a server sends has been converted already, so it must not be converted again: a server says so from 2.14 on, and for the others
 * the section is put in front here.
 */
static void put_policy(lc_str json, lc_buf *to) {
  const char *list = memmem(json.ptr, json.len, "\"sections\":[", 12);
  if (!list || memmem(json.ptr, json.len, "\"CaseConversionPolicy\"", 22)) {
    lc_buf_put_str(to, json);
    return;
  }
  size_t head = (size_t)(list + 12 - json.ptr);
  bool empty = json.ptr[head] == ']';
  lc_buf_append(to, json.ptr, head);
  lc_buf_put_text(to, empty ? "{\"CaseConversionPolicy\":{\"None\":[]}}" : "{\"CaseConversionPolicy\":{\"None\":[]}},");
  lc_buf_append(to, json.ptr + head, json.len - head);
}

lc_err lc_definition_json_to_bsatn(lc_str json, lc_buf *to) {
  lc_arena arena = {0};
  lc_buf text = {0};
  const lc_type *type;
  lc_err err = definition_type(&arena, &type);
  put_policy(json, &text);
  lc_buf_put8(to, DEFINITION_V10);
  if (!lc_failed(err)) err = lc_value_parse_json(to, type, lc_buf_str(&text));
  lc_buf_deinit(&text);
  lc_arena_deinit(&arena);
  return err;
}

static lc_err decode(lc_span bytes, lc_module_def **def) {
  lc_buf errors = {0};
  lc_err err = lc_module_def_decode(bytes, def, &errors);
  if (err.code == LC_ERR_MODULE_INVALID)
    err = lc_fail(LC_ERR_MODULE_INVALID, "the module's definition is invalid:\n%.*s", LC_STR_ARGS(lc_buf_str(&errors)));
  lc_buf_deinit(&errors);
  return err;
}

lc_err lc_definition_from_server(lc_cli *cli, const lc_remote *remote, const char *identity, lc_module_def **def) {
  lc_http_result result = {0};
  lc_buf bytes = {0};
  lc_err err =
      lc_remote_request(cli, remote, "GET", (lc_span){0}, NULL, &result, "getting the schema", "database/%s/schema?version=10", identity);
  if (!lc_failed(err))
    err = lc_err_context(lc_definition_json_to_bsatn(lc_buf_str(&result.body), &bytes), "reading the schema that %s sent", remote->url);
  if (!lc_failed(err)) err = decode(lc_buf_span(&bytes), def);
  lc_buf_deinit(&bytes);
  lc_http_result_deinit(&result);
  return err;
}

/* A module may log while it starts. */
static void drop_log(void *database, const lc_module_log_record *record) {}
static int64_t no_time(void *database) {
  return 0;
}

lc_err lc_definition_from_wasm(lc_span wasm, lc_module_def **def) {
  lc_program *program = NULL;
  lc_instance *instance = NULL;
  lc_buf description = {0};
  LC_TRY(lc_host_init(NULL));
  lc_store *store = lc_store_create();
  lc_host_services services = {.store = store, .log = drop_log, .now_micros = no_time};
  lc_err err = lc_program_compile(wasm, LC_TIER_BASELINE, &program);
  if (!lc_failed(err)) err = lc_instance_create(program, &services, &description, &instance);
  if (!lc_failed(err)) err = decode(lc_buf_span(&description), def);
  if (instance) lc_instance_destroy(instance);
  if (program) lc_program_unref(program);
  lc_store_destroy(store);
  lc_host_deinit();
  lc_buf_deinit(&description);
  return err;
}
