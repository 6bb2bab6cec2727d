/* spacetime.json: JSON5, layers, inheritance. */
#include "cli/project.h"

#include <sys/stat.h>

#include "cli/cli.h"
#include "harness.h"

static void expect_json(const char *json5, const char *json) {
  lc_buf text = {0};
  lc_json5_to_json(lc_str_of(json5), &text);
  expect_text(lc_buf_cstr(&text), json);
  lc_buf_deinit(&text);
}

TEST(json5_becomes_json) {
  expect_json("{a: 1, /* x, */ 'b-c': 'it\\'s \"so\"', // end\n d: [true, null,],}",
              "{\"a\": 1,  \"b-c\": \"it's \\\"so\\\"\", \n \"d\": [true, null ] }");
  expect_json("{\"url\": \"http://h/*no*/\"}", "{\"url\": \"http://h/*no*/\"}"); /* comments end at strings */
  expect_json("{,}", "{ }");
  expect_json("{a: \"x\\", "{\"a\": \"x\\\""); /* cut off: an error for the parser, not for us */
}

static char directory[] = "/tmp/lightcone-project-XXXXXX";
static void put(const char *name, const char *text) {
  char path[128];
  if (strstr(directory, "XXXXXX")) expect(mkdtemp(directory) != NULL);
  snprintf(path, sizeof path, "%s/%s", directory, name);
  expect_ok(lc_cli_write_file(path, lc_str_span(lc_str_of(text)), 0600));
}
static void clean(void) {
  static const char *const names[] = {"spacetime.json", "spacetime.local.json", "spacetime.dev.json", "sub"};
  char path[128];
  for (int i = 0; i < 4; i++) {
    snprintf(path, sizeof path, "%s/%s", directory, names[i]);
    if (unlink(path) != 0) rmdir(path);
  }
  rmdir(directory);
}

TEST(layers_replace_keys_and_children_inherit) {
  lc_arena arena = {0};
  lc_project project = {0};
  put("spacetime.json",
      "{server: 'local', 'module-path': 'm', database: 'root', generate: [{language: 'typescript'}], children: [{database: 'a'}, "
      "{database: 'b', wasm_file: 'b.wasm'}]}");
  put("spacetime.local.json", "{database: 'mine', children: [{server: 'other'}, {}, {database: 'ignored'}]}");
  put("spacetime.dev.json", "{server: 'dev-server'}");
  char sub[128];
  snprintf(sub, sizeof sub, "%s/sub", directory);
  expect(mkdir(sub, 0700) == 0);
  expect_ok(lc_project_load(&project, &arena, sub, "dev")); /* found above */
  expect_equal(project.targets.count, 3);
  expect_text(project.targets.items[0].database, "mine");
  expect_text(project.targets.items[0].server, "dev-server");
  expect(project.targets.items[0].generate != NULL);
  expect_text(project.targets.items[1].server, "other");
  expect_text(project.targets.items[1].module_path, "m");
  expect_null(project.targets.items[1].generate); /* never inherited */
  expect_text(project.targets.items[2].wasm_file, "b.wasm");
  expect_null(project.targets.items[2].module_path); /* a source of its own */
  expect(lc_project_target(&project, "b") == &project.targets.items[2]);
  expect_null(lc_project_target(&project, "ignored"));
  lc_project_deinit(&project);
  lc_arena_deinit(&arena);
  clean();
}

TEST(unknown_keys_and_broken_files_are_errors) {
  lc_arena arena = {0};
  lc_project project = {0};
  put("spacetime.json", "{databse: 'x'}");
  lc_err err = lc_project_load(&project, &arena, directory, NULL);
  expect_equal(err.code, LC_ERR_INVALID);
  expect(strstr(lc_err_text(err), "unknown key databse") != NULL);
  lc_project_deinit(&project);
  project = (lc_project){0};
  put("spacetime.json", "{database: ");
  expect_error(lc_project_load(&project, &arena, directory, NULL), LC_ERR_JSON);
  lc_project_deinit(&project);
  lc_arena_deinit(&arena);
  clean();
}
