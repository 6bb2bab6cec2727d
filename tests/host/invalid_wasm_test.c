/*
 * tests/vectors/abi/invalid-wasm.jsonl: modules that the reference accepted or refused at publish, by wasm features, imports, exports and start-up.
 * The text of a refusal is not compared. Where status.tsv says "differs" under `invalid-wasm: <case>`, the opposite must happen.
 */
#include <jansson.h>

#include "host_fixture.h"

static bool differs(const char *name) {
  FILE *file = fopen(LC_SOURCE_DIR "/tests/vectors/abi/status.tsv", "r");
  expect(file != NULL);
  char line[1024], key[256];
  snprintf(key, sizeof key, "invalid-wasm: %s\tdiffers ", name);
  bool found = false;
  while (!found && fgets(line, sizeof line, file)) found = strncmp(line, key, strlen(key)) == 0;
  fclose(file);
  return found;
}

/* The recordings leave out the definition in their modules' memory. */
static lc_buf module_of(const char *fields) {
  static const char placeholder[] = "<length + definition>";
  lc_buf definition = fixture_definition(), text = {0};
  lc_buf_put_text(&text, "(module ");
  for (const char *at = fields; *at;) {
    if (strncmp(at, placeholder, sizeof placeholder - 1) != 0) {
      lc_buf_put8(&text, (uint8_t)*at++);
      continue;
    }
    uint32_t len = (uint32_t)definition.len;
    for (size_t i = 0; i < 4; i++) lc_buf_printf(&text, "\\%02x", ((uint8_t *)&len)[i]);
    for (size_t i = 0; i < definition.len; i++) lc_buf_printf(&text, "\\%02x", definition.data[i]);
    at += sizeof placeholder - 1;
  }
  lc_buf_put_text(&text, ")");
  lc_buf wasm = wat_to_wasm(lc_buf_cstr(&text));
  lc_buf_deinit(&definition);
  lc_buf_deinit(&text);
  return wasm;
}

static lc_buf body_of(const char *name) {
  static const struct {
    const char *name, *bytes;
    size_t len;
  } bodies[] = {
      {"body: empty body", "", 0},
      {"body: not wasm", "hello", 5},
      {"body: header only", "\0asm\1\0\0\0", 8},
      {"body: component header", "\0asm\x0d\0\1\0", 8},
      {"body: truncated", "\0asm\1\0\0\0\1\x40\1", 11},
      {"body: text format", "(module)", 8},
      {"body: gzip header", "\x1f\x8b\x08\0\0\0\0\0", 8},
  };
  lc_buf bytes = {0};
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
    if (strcmp(bodies[i].name, name) != 0) continue;
    lc_buf_append(&bytes, bodies[i].bytes, bodies[i].len);
    return bytes;
  }
  lc_test_fail("no bytes for the case %s", name);
}

/* Whether the module gets as far as a valid definition. */
static lc_err publish(fixture *fx, lc_span wasm) {
  lc_program *program;
  LC_TRY(lc_program_compile(wasm, LC_TIER_BASELINE, &program));
  lc_buf description = {0}, errors = {0};
  lc_instance *instance = NULL;
  lc_module_def *def = NULL;
  lc_err err = lc_instance_create(program, &fx->services, &description, &instance);
  if (!lc_failed(err)) err = lc_module_def_decode(lc_buf_span(&description), &def, &errors);
  if (def) lc_module_def_destroy(def);
  lc_instance_destroy(instance);
  lc_program_unref(program);
  lc_buf_deinit(&description);
  lc_buf_deinit(&errors);
  return err;
}

TEST(the_same_modules_are_accepted_as_by_the_reference) {
  fixture fx;
  expect_ok(lc_host_init(NULL));
  fixture_init(&fx);
  FILE *file = fopen(LC_SOURCE_DIR "/tests/vectors/abi/invalid-wasm.jsonl", "r");
  expect(file != NULL);
  char *line = NULL;
  size_t cap = 0;
  int failed = 0, run = 0;
  while (getline(&line, &cap, file) > 0) {
    json_t *record = json_loads(line, 0, NULL);
    const char *name = json_string_value(json_object_get(record, "case")), *fields = json_string_value(json_object_get(record, "wat"));
    bool accepted = (json_integer_value(json_object_get(record, "status")) == 200) != differs(name);
    lc_buf wasm = fields ? module_of(fields) : body_of(name);
    lc_err err = publish(&fx, lc_buf_span(&wasm));
    run++;
    if (lc_failed(err) == accepted) {
      failed++;
      fprintf(stderr, "%s: %s, expected to be %s\n", name, lc_err_text(err), accepted ? "accepted" : "refused");
    }
    lc_buf_deinit(&wasm);
    json_decref(record);
  }
  free(line);
  fclose(file);
  expect_equal(failed, 0);
  expect_equal(run, 79);
  fixture_deinit(&fx);
  lc_host_deinit();
}
