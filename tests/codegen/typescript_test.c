/*
 * The worked example of the bindings: an enum, a table with a key, an index and an option, a view, a
 * reducer, a procedure. Expected texts are those that were type-checked and run against npm 2.10.1.
 */
#include "codegen/codegen.h"
#include "harness.h"

static lc_arena arena;
static lc_module_def def;

static lc_column_def column(const char *name, const lc_type *type) {
  return (lc_column_def){.name = lc_str_of(name), .source_name = lc_str_of(name), .type = type};
}

static lc_type *fields_type(lc_type *(*make)(lc_arena *, const lc_field *, uint32_t), uint32_t count, const char *const *names,
                            const lc_type *const *types) {
  lc_field *fields = LC_ARENA_ARRAY(&arena, lc_field, count + 1);
  for (uint32_t i = 0; i < count; i++) fields[i] = (lc_field){lc_str_of(names[i]), types[i]};
  return make(&arena, fields, count);
}
#define PRODUCT(count, ...) fields_type(lc_type_product, count, NAMES, (const lc_type *[]){__VA_ARGS__})
#define SUM(count, ...) fields_type(lc_type_sum, count, NAMES, (const lc_type *[]){__VA_ARGS__})

static lc_type *option_of(const lc_type *type) {
  const char *const NAMES[] = {"some", "none"};
  return SUM(2, type, lc_type_product(&arena, NULL, 0));
}

static void build_example(void) {
  static uint16_t id_column[] = {0}, owner_column[] = {1};
  static lc_index_def indexes[2];
  static lc_constraint_def constraint;
  static lc_column_def columns[4];
  static lc_table_def table;
  static lc_reducer_def reducer;
  static lc_procedure_def procedure;
  static lc_view_def view;
  static lc_type_def types[2];
  const lc_type *unit = lc_type_product(&arena, NULL, 0), *u64 = lc_type_primitive(LC_TYPE_U64), *u32 = lc_type_primitive(LC_TYPE_U32);
  lc_type *rarity_ref = lc_type_ref(&arena, 1), *item_ref = lc_type_ref(&arena, 0), *name = option_of(lc_type_primitive(LC_TYPE_STRING));
  const char *const *NAMES = (const char *const[]){"__identity__"};
  lc_type *identity = PRODUCT(1, lc_type_primitive(LC_TYPE_U256));
  NAMES = (const char *const[]){"id", "owner", "nick_name", "rarity"};
  lc_type *item = PRODUCT(4, u64, identity, name, rarity_ref);
  NAMES = (const char *const[]){"Common", "Rare"};
  lc_type *rarity = SUM(2, unit, unit);
  NAMES = (const char *const[]){"nick_name", "rarity"};
  lc_type *params = PRODUCT(2, name, rarity_ref);
  NAMES = (const char *const[]){"sides"};
  lc_type *sides = PRODUCT(1, u32);

  lc_type **space = LC_ARENA_ARRAY(&arena, lc_type *, 2);
  space[0] = item, space[1] = rarity;
  def.typespace = (lc_typespace){space, 2};
  expect_ok(lc_typespace_link(&def.typespace));
  expect_ok(lc_type_link(&def.typespace, params));
  expect_ok(lc_type_link(&def.typespace, item_ref));
  types[0] = (lc_type_def){.name = LC_STR("Item"), .source_name = LC_STR("Item"), .ref = 0};
  types[1] = (lc_type_def){.name = LC_STR("Rarity"), .source_name = LC_STR("Rarity"), .ref = 1};
  indexes[0] = (lc_index_def){LC_STR("item_id_idx_btree"), LC_STR("item_id_idx_btree"), LC_STR("id"), LC_INDEX_BTREE, id_column, 1};
  indexes[1] =
      (lc_index_def){LC_STR("item_owner_idx_btree"), LC_STR("item_owner_idx_btree"), LC_STR("by_owner"), LC_INDEX_BTREE, owner_column, 1};
  constraint = (lc_constraint_def){LC_STR("item_id_key"), id_column, 1};
  columns[0] = column("id", u64), columns[1] = column("owner", identity), columns[2] = column("nick_name", name),
  columns[3] = column("rarity", rarity_ref);
  table = (lc_table_def){.name = LC_STR("item"),
                         .source_name = LC_STR("item"),
                         .row = item,
                         .columns = columns,
                         .column_count = 4,
                         .primary_key = 0,
                         .indexes = indexes,
                         .index_count = 2,
                         .constraints = &constraint,
                         .constraint_count = 1,
                         .is_public = true};
  reducer = (lc_reducer_def){.name = LC_STR("add_item"),
                             .source_name = LC_STR("add_item"),
                             .params = params,
                             .lifecycle = LC_LIFECYCLE_NONE,
                             .client_callable = true};
  procedure = (lc_procedure_def){
      .name = LC_STR("roll_dice"), .source_name = LC_STR("roll_dice"), .params = sides, .return_type = u32, .client_callable = true};
  view = (lc_view_def){.name = LC_STR("my_items"),
                       .source_name = LC_STR("my_items"),
                       .is_public = true,
                       .params = unit,
                       .return_type = lc_type_array(&arena, item_ref),
                       .row = item,
                       .columns = columns,
                       .column_count = 4};
  def.types = types, def.type_count = 2;
  def.tables = &table, def.table_count = 1;
  def.reducers = &reducer, def.reducer_count = 1;
  def.procedures = &procedure, def.procedure_count = 1;
  def.views = &view, def.view_count = 1;
}

/* What follows the heading (up to the first empty line behind it) of a file, blanks squeezed so that layout does not matter. */
static const char *content(lc_codegen_output *output, const char *path) {
  for (size_t i = 0; i < output->files.count; i++) {
    if (!lc_str_is(output->files.items[i].path, path)) continue;
    const char *text = lc_buf_cstr(&output->files.items[i].text);
    expect(strncmp(text, LC_CODEGEN_MARKER, strlen(LC_CODEGEN_MARKER)) == 0);
    const char *start = strstr(text, "/* tslint:disable */\n");
    expect(start != NULL);
    lc_buf squeezed = {0};
    for (start += strlen("/* tslint:disable */\n"); *start; start++) {
      bool blank = *start == ' ' || *start == '\n';
      if (blank && (squeezed.len == 0 || squeezed.data[squeezed.len - 1] == ' ')) continue;
      lc_buf_put8(&squeezed, blank ? ' ' : (uint8_t)*start);
    }
    if (squeezed.len && squeezed.data[squeezed.len - 1] == ' ') squeezed.len--;
    const char *result = lc_arena_str(&arena, lc_buf_str(&squeezed)).ptr;
    lc_buf_deinit(&squeezed);
    return result;
  }
  lc_test_fail("there is no file %s", path);
}

static void expect_contains(const char *text, const char *part) {
  if (!strstr(text, part)) lc_test_fail("the text\n  %s\nlacks\n  %s", text, part);
}

static lc_codegen_output generate(bool include_private) {
  lc_codegen_output output = {0};
  lc_codegen_options options = {.include_private = include_private};
  build_example();
  lc_codegen_typescript(&def, &options, &output);
  return output;
}

TEST(small_files_are_as_in_the_worked_example) {
  lc_codegen_output output = generate(false);
  expect_text(content(&output, "item_table.ts"),
              "import { t as __t } from \"spacetimedb\"; import { Rarity } from \"./types\"; export default __t.row({ id: "
              "__t.u64().primaryKey(), owner: __t.identity(), "
              "nickName: __t.option(__t.string()).name(\"nick_name\"), get rarity() { return Rarity; }, });");
  expect_text(content(&output, "my_items_table.ts"),
              "import { t as __t } from \"spacetimedb\"; import { Rarity } from \"./types\"; export default __t.row({ id: __t.u64(), "
              "owner: __t.identity(), "
              "nickName: __t.option(__t.string()).name(\"nick_name\"), get rarity() { return Rarity; }, });");
  expect_text(content(&output, "add_item_reducer.ts"),
              "import { t as __t } from \"spacetimedb\"; import { Rarity } from \"./types\"; export default { nickName: "
              "__t.option(__t.string()), get rarity() { return Rarity; }, };");
  expect_text(
      content(&output, "roll_dice_procedure.ts"),
      "import { t as __t } from \"spacetimedb\"; export const params = { sides: __t.u32(), }; export const returnType = __t.u32();");
  expect_text(content(&output, "types/reducers.ts"),
              "import { type Infer as __Infer } from \"spacetimedb\"; import AddItemReducer from \"../add_item_reducer\"; export type "
              "AddItemParams = __Infer<typeof AddItemReducer>;");
  expect_text(content(&output, "types/procedures.ts"),
              "import { type Infer as __Infer } from \"spacetimedb\"; import * as RollDiceProcedure from \"../roll_dice_procedure\"; "
              "export type RollDiceArgs = __Infer<typeof RollDiceProcedure.params>; export type RollDiceResult = __Infer<typeof "
              "RollDiceProcedure.returnType>;");
  lc_codegen_output_deinit(&output);
}

TEST(types_come_in_order_of_name_and_refs_are_getters) {
  lc_codegen_output output = generate(false);
  expect_contains(
      content(&output, "types.ts"),
      "export const Item = __t.object(\"Item\", { id: __t.u64(), owner: __t.identity(), nickName: __t.option(__t.string()), get rarity() { "
      "return Rarity; }, }); "
      "export type Item = __Infer<typeof Item>; export const Rarity = __t.enum(\"Rarity\", { Common: __t.unit(), Rare: __t.unit(), }); "
      "export type Rarity = __Infer<typeof Rarity>;");
  lc_codegen_output_deinit(&output);
}

TEST(index_lists_the_schema_with_canonical_names) {
  lc_codegen_output output = generate(false);
  const char *text = content(&output, "index.ts");
  expect_contains(text,
                  "const tablesSchema = __schema({ item: __table({ name: \"item\", indexes: [ { accessor: \"by_owner\", name: "
                  "\"item_owner_idx_btree\", algorithm: \"btree\", columns: "
                  "[\"owner\"] }, { accessor: \"id\", name: \"item_id_idx_btree\", algorithm: \"btree\", columns: [\"id\"] }, ], "
                  "constraints: [ { name: \"item_id_key\", constraint: "
                  "\"unique\", columns: [\"id\"] }, ], }, ItemRow), myItems: __table({ name: \"my_items\", indexes: [], constraints: [], "
                  "}, MyItemsRow), });");
  expect_contains(text, "const reducersSchema = __reducers( __reducerSchema(\"add_item\", AddItemReducer), );");
  expect_contains(text, "__procedureSchema(\"roll_dice\", RollDiceProcedure.params, RollDiceProcedure.returnType),");
  expect_contains(text, "versionInfo: { cliVersion: \"2.8.3\" as const },");
  expect_contains(text, "const __aliases = { \"my_items\": \"myItems\", } as const;"); /* the spelling of older applications */
  lc_codegen_output_deinit(&output);
}

TEST(private_things_need_the_option) {
  build_example();
  def.tables[0].is_public = false;
  def.reducers[0].client_callable = false;
  lc_codegen_output without = {0}, with = {0};
  lc_codegen_typescript(&def, &(lc_codegen_options){0}, &without);
  lc_codegen_typescript(&def, &(lc_codegen_options){.include_private = true}, &with);
  expect(strstr(content(&without, "index.ts"), "add_item") == NULL);
  expect(strstr(content(&without, "index.ts"), "ItemRow from") == NULL);
  expect_contains(content(&without, "types.ts"), "export const Item = "); /* types are never filtered */
  expect_contains(content(&with, "index.ts"), "__reducerSchema(\"add_item\", AddItemReducer)");
  expect_contains(content(&with, "index.ts"), "import ItemRow from \"./item_table\";");
  def.reducers[0].lifecycle = LC_LIFECYCLE_CONNECT; /* nobody can call these */
  lc_codegen_output_deinit(&with);
  with = (lc_codegen_output){0};
  lc_codegen_typescript(&def, &(lc_codegen_options){.include_private = true}, &with);
  expect(strstr(content(&with, "index.ts"), "add_item") == NULL);
  lc_codegen_output_deinit(&without);
  lc_codegen_output_deinit(&with);
}

TEST(the_same_definition_gives_the_same_bytes) {
  lc_codegen_output first = generate(false), second = generate(false);
  expect_equal(first.files.count, second.files.count);
  for (size_t i = 0; i < first.files.count; i++) {
    expect(lc_str_equal(first.files.items[i].path, second.files.items[i].path));
    expect_bytes(first.files.items[i].text.data, first.files.items[i].text.len, second.files.items[i].text.data,
                 second.files.items[i].text.len);
  }
  lc_codegen_output_deinit(&first);
  lc_codegen_output_deinit(&second);
}

/* A type that contains itself: its getter needs an annotation, or strict type checking fails (TS7022). */
TEST(recursive_types_are_annotated) {
  build_example();
  lc_type *list = lc_type_array(&arena, lc_type_ref(&arena, 0));
  const char *const NAMES[] = {"children"};
  def.typespace.types[0] = PRODUCT(1, list);
  expect_ok(lc_typespace_link(&def.typespace));
  lc_codegen_output output = {0};
  lc_codegen_typescript(&def, &(lc_codegen_options){0}, &output);
  expect_contains(content(&output, "types.ts"), "get children(): __TypeBuilder<any, __AlgebraicTypeType> { return __t.array(Item); },");
  lc_codegen_output_deinit(&output);
}

/* A result column has no `.name`, a type without values is an enum without variants, and a byte array is one. */
TEST(unusual_types) {
  build_example();
  const char *const NAMES[] = {"ok", "err"};
  lc_type *result = SUM(2, lc_type_primitive(LC_TYPE_U32), lc_type_primitive(LC_TYPE_STRING));
  def.tables[0].columns[2].type = result;
  def.tables[0].columns[1].type = lc_type_sum(&arena, NULL, 0);
  def.tables[0].columns[0].type = lc_type_array(&arena, lc_type_primitive(LC_TYPE_U8));
  def.tables[0].primary_key = -1;
  lc_codegen_output output = {0};
  lc_codegen_typescript(&def, &(lc_codegen_options){0}, &output);
  const char *text = content(&output, "item_table.ts");
  expect_contains(text, "nickName: __t.result(__t.u32(), __t.string()),");
  expect_contains(text, "owner: __t.enum(\"Never\", []),");
  expect_contains(text, "id: __t.byteArray(),"); /* no index key, so no `.unique` */
  lc_codegen_output_deinit(&output);
}
