/*
 * Recorded module updates (tests/vectors/schema/migrate-*.jsonl): for each pair of definitions the plan as pre-publish showed it, plain and
 * with colours, or the reasons why there is none. status.tsv lists what differs.
 */
#include "schema/migrate.h"

#include <jansson.h>

#include "harness.h"
#include "vectors.h"

static lc_module_def *decode(const char *case_name, const char *hex) {
  lc_module_def *def;
  lc_buf errors = {0};
  lc_err err = vector_decode(hex, &def, &errors);
  if (lc_failed(err)) lc_test_fail("%s: %s\n%s", case_name, lc_err_text(err), lc_buf_cstr(&errors));
  lc_buf_deinit(&errors);
  return def;
}

static void expect_plan(const char *case_name, const lc_migration *plan, bool colours, const char *recorded) {
  lc_buf text = {0};
  lc_migration_print(&text, plan, colours);
  if (strcmp(lc_buf_cstr(&text), recorded) != 0) lc_test_fail("%s:\n%s\nrecorded:\n%s", case_name, lc_buf_cstr(&text), recorded);
  lc_buf_deinit(&text);
}

/* "Errors occurred:", then each message with an empty line behind it. */
static void expect_reasons(const char *case_name, lc_buf *errors, const char *recorded) {
  lc_buf text = {0};
  lc_buf_put_text(&text, "Errors occurred:\n");
  char *rest = NULL;
  for (char *line = strtok_r((char *)lc_buf_cstr(errors), "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
    lc_buf_printf(&text, "%s\n\n", line);
  if (strcmp(lc_buf_cstr(&text), recorded) != 0) lc_test_fail("%s:\n%s\nrecorded:\n%s", case_name, lc_buf_cstr(&text), recorded);
  lc_buf_deinit(&text);
}

static void replay(const char *file, int line, json_t *value) {
  if (vector_left_out(file, line)) return;
  const char *case_name = json_string_value(json_object_get(value, "case"));
  lc_module_def *old = decode(case_name, json_string_value(json_object_get(value, "v1_hex"))),
                *new_def = decode(case_name, json_string_value(json_object_get(value, "v2_hex")));
  json_t *body = json_object_get(value, "pre_publish"), *automatic = json_object_get(body, "AutoMigrate"),
         *manual = json_object_get(body, "ManualMigrate");
  lc_migration plan;
  lc_buf errors = {0};
  lc_err err = lc_migration_plan(old, new_def, &plan, &errors);
  if (automatic) {
    if (lc_failed(err)) lc_test_fail("%s is refused: %s", case_name, lc_buf_cstr(&errors));
    expect_plan(case_name, &plan, false, json_string_value(json_object_get(automatic, "migrate_plan")));
    expect_plan(case_name, &plan, true, json_string_value(json_object_get(value, "pre_publish_ansi")));
    if (plan.breaks_clients != json_is_true(json_object_get(automatic, "break_clients")))
      lc_test_fail("%s: breaks_clients is %d", case_name, plan.breaks_clients);
  } else {
    if (!lc_failed(err)) lc_test_fail("%s is possible here", case_name);
    expect_equal(err.code, LC_ERR_MIGRATION);
    expect_reasons(case_name, &errors, json_string_value(json_object_get(manual, "reason")));
  }
  lc_migration_deinit(&plan);
  lc_buf_deinit(&errors);
  lc_module_def_destroy(old);
  lc_module_def_destroy(new_def);
}

TEST(plans_are_as_recorded) {
  vector_for_each_line("migrate-1.jsonl", replay);
  vector_for_each_line("migrate-2.jsonl", replay);
}
