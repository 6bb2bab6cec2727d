/* Input: a RawModuleDef. What is accepted must print in both versions, and the plan from it to itself must change nothing. */
#include "base/assert.h"
#include "schema/migrate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  lc_buf errors = {0}, text = {0};
  lc_module_def *def;
  lc_err err = lc_module_def_decode((lc_span){data, size}, &def, &errors);
  if (!lc_failed(err)) {
    lc_module_def_print_json(&text, def, 9);
    lc_module_def_print_json(&text, def, 10);
    lc_migration plan;
    err = lc_migration_plan(def, def, &plan, &errors);
    lc_assert(!lc_failed(err) && !plan.breaks_clients);
    for (uint32_t i = 0; i < plan.step_count; i++) lc_assert(plan.steps[i].kind == LC_MIGRATE_UPDATE_VIEW);
    lc_migration_print(&text, &plan, true);
    lc_migration_deinit(&plan);
    lc_module_def_destroy(def);
  } else {
    lc_assert((err.code == LC_ERR_MODULE_INVALID) == (errors.len > 0));
  }
  lc_buf_deinit(&errors);
  lc_buf_deinit(&text);
  return 0;
}
