/* The running module: its code, its one instance, its definition, and what it may ask of the database. */
#include "engine/engine_internal.h"

static void write_log(void *context, const lc_module_log_record *record) {
  lc_database *database = context;
  lc__module_log_add(&database->module_log, lc_io_now_micros(database->io), record);
}

static bool find_jwt(void *context, lc_connection_id connection, lc_str *payload) {
  return lc__credentials_find(context, connection, payload);
}

static const lc_module_def *definition(void *context) {
  const lc_database *database = context;
  return database->module ? database->module->def : NULL;
}

static int64_t now_micros(void *context) {
  return lc_io_now_micros(((lc_database *)context)->io);
}

static uint64_t monotonic_nanos(void *context) {
  return lc_io_monotonic_nanos(((lc_database *)context)->io);
}

static lc_host_services services_of(lc_database *database) {
  return (lc_host_services){.database = database,
                            .store = database->store,
                            .identity = database->identity,
                            .log = write_log,
                            .jwt = find_jwt,
                            .schedule_row = lc__schedule_check_row,
                            .schedule_immediate = lc__schedule_immediate,
                            .env = lc__environment_find,
                            .def = definition,
                            .now_micros = now_micros,
                            .monotonic_nanos = monotonic_nanos};
}

static lc_err describe(lc_database *database, lc__module *module, lc_buf *errors) {
  lc_host_services services = services_of(database);
  lc_buf description = {0};
  lc_err err = lc_instance_create(module->program, &services, &description, &module->instance);
  if (!lc_failed(err)) err = lc_module_def_decode(lc_buf_span(&description), &module->def, errors);
  lc_buf_deinit(&description);
  return err;
}

lc_err lc__module_create(lc_database *database, lc_program *program, const lc_hash256 *hash, lc__module **module, lc_buf *errors) {
  lc__module *made = calloc(1, sizeof *made);
  lc_assert(made != NULL);
  made->program = program;
  made->hash = *hash;
  lc_err err = describe(database, made, errors);
  if (lc_failed(err)) {
    lc__module_destroy(made);
    made = NULL;
  }
  *module = made;
  return err;
}

void lc__module_destroy(lc__module *module) {
  if (module == NULL) return;
  if (module->instance) lc_instance_destroy(module->instance);
  lc__hints_destroy(module);
  if (module->def) lc_module_def_destroy(module->def);
  lc_program_unref(module->program);
  free(module);
}

lc_err lc__module_renew(lc_database *database, lc__module *module, lc_program *program) {
  lc_host_services services = services_of(database);
  lc_instance *instance;
  LC_TRY(lc_instance_create(program, &services, NULL, &instance));
  if (module->instance) lc_instance_destroy(module->instance);
  module->instance = instance;
  if (program != module->program) {
    lc_program_ref(program);
    lc_program_unref(module->program);
    module->program = program;
  }
  return lc_ok();
}
