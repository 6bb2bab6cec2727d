/*
 * Publishing a program. Hashing and compiling run in the background; the rest runs on the core thread, between two transactions:
 *
 *   background   Keccak-256 of the bytes; unless that program runs already, compile (baseline code, which is there soon)
 *   core         instance and definition → first publish: tables, views, rules, st_module, `init`, one transaction
 *                                        → update: plan, check that the publisher accepts it, one transaction, swap
 *   background   optimised code, swapped in between two transactions when it is ready
 *
 * E3: the new module is complete before the transaction starts, and takes the place of the old one only after it has committed.
 */
#include "base/keccak.h"
#include "base/logging.h"
#include "engine/engine_internal.h"

typedef struct publish_job {
  lc__job job;
  lc_publish_request request; /* `program` borrows `bytes` */
  lc_buf bytes;
  bool is_plan_only, has_colours;
  bool has_running;
  lc_hash256 running, hash;
  lc_program *program; /* NULL: the same as the running one, or not acceptable */
  lc_err_code failure;
  char *failure_text; /* messages do not cross threads */
} publish_job;

/* Everything that a publish tells and makes on its way. */
typedef struct publish_run {
  publish_job *job;
  lc__module *module;
  lc_buf details, plan;
  lc_publish_result result;
} publish_run;

/* ---- background work ---- */

void lc__job_start(lc_database *database, lc__job *job, void (*work)(void *job), void (*done)(void *job)) {
  job->database = database;
  lc_vec_push(&database->jobs, job);
  if (database->run_in_background) {
    database->run_in_background(database->server, work, done, job);
  } else {
    work(job);
    done(job);
  }
}

bool lc__job_finish(lc__job *job) {
  lc_database *database = job->database;
  if (database == NULL) return false;
  for (size_t i = 0; i < database->jobs.count; i++) {
    if (database->jobs.items[i] != job) continue;
    lc_vec_remove_swap(&database->jobs, i);
    break;
  }
  return true;
}

static void compile_work(void *context) {
  publish_job *job = context;
  lc_keccak256(job->hash.bytes, job->bytes.data, job->bytes.len);
  if (job->has_running && lc_u256_equal(&job->hash, &job->running)) return;
  lc_err err = lc_program_compile(lc_buf_span(&job->bytes), LC_TIER_BASELINE, &job->program);
  if (!lc_failed(err)) return;
  job->program = NULL;
  job->failure = err.code;
  job->failure_text = strdup(lc_err_text(err));
}

/* ---- the transactions ---- */

static lc__cause publish_cause(const lc_database *database, lc_str function) {
  return (lc__cause){
      .inputs = {.kind = LC_RECORD_PUBLISH, .timestamp_micros = database->now_micros, .caller = database->owner, .function = function},
      .reducer_id = LC__NO_REDUCER};
}

static void note(lc_database *database, const char *text) {
  lc__module_log_note(&database->module_log, database->now_micros, LC_MODULE_INFO, LC_STR(LC__LOG_HOST), "%s", text);
}

static lc_err create_objects(lc_database *database, const lc_module_def *def) {
  lc_table *table;
  for (uint32_t i = 0; i < def->table_count; i++) {
    lc__module_log_note(&database->module_log, database->now_micros, LC_MODULE_INFO, LC_STR(LC__LOG_HOST), "Creating table `%.*s`",
                        LC_STR_ARGS(def->tables[i].name));
    LC_TRY(lc_store_create_table(database->store, &def->tables[i], &table));
  }
  for (uint32_t i = 0; i < def->view_count; i++) LC_TRY(lc__catalogue_add_view(database, &def->views[i]));
  return lc__catalogue_replace_rules(database, def);
}

static lc_err run_init(lc_database *database, const lc_module_def *def) {
  int32_t init = def->lifecycle[LC_LIFECYCLE_INIT];
  if (init < 0) return lc_ok();
  LC_TRY(lc__reducer_check_arguments(&def->reducers[init], (lc_span){0}));
  note(database, "Invoking `init` reducer");
  lc_outcome outcome = lc__database_invoke(database, &(lc__invocation){.reducer = (uint32_t)init,
                                                                       .sender = database->owner,
                                                                       .timestamp_micros = database->now_micros,
                                                                       .budget_micros = database->init_budget_micros});
  return lc__outcome_error(database, outcome);
}

static lc_err create(lc_database *database, publish_run *run) {
  lc__module *module = run->module;
  lc__cause cause = publish_cause(database, LC_STR("init"));
  LC_TRY(lc__transaction_begin(database));
  database->module = module; /* what `init` calls back for; taken back on failure */
  lc_err err = create_objects(database, module->def);
  if (!lc_failed(err)) err = lc__catalogue_put_module(database, &module->hash, lc_buf_span(&run->job->bytes));
  if (!lc_failed(err)) err = run_init(database, module->def);
  if (lc_failed(err)) lc__transaction_abort(database);
  if (!lc_failed(err)) err = lc__transaction_commit(database, &cause, true, NULL);
  if (lc_failed(err)) {
    database->module = NULL;
    lc__immediates_clear(database);
    return err;
  }
  note(database, "Database initialized");
  run->module = NULL;
  run->result.created = true;
  return lc_ok();
}

static void disconnect_everybody(lc_database *database) {
  for (size_t i = 0; i < database->clients.count; i++) lc__client_drop_subscriptions(database->clients.items[i]);
  for (size_t i = 0; i < database->clients.count; i++) {
    lc_client *client = database->clients.items[i];
    client->events->closed(client->session, LC_CLOSE_MODULE_EXITED);
  }
}

/* Everything that looks into the catalogue looks again. */
static void follow_catalogue(lc_database *database) {
  lc__rules_reload(database);
  lc__subscriptions_rebind(database);
  lc__schedules_reload(database);
  database->last_reducer = 0;
}

/* One transaction; when it fails everything is as it was. */
static lc_err run_migration(lc_database *database, const publish_run *run, const lc_migration *plan) {
  lc__cause cause = publish_cause(database, LC_STR(""));
  LC_TRY(lc__transaction_begin(database));
  lc_err err = lc__migration_execute(database, plan, run->module->def);
  if (!lc_failed(err)) err = lc__catalogue_put_module(database, &run->module->hash, lc_buf_span(&run->job->bytes));
  if (!lc_failed(err)) return lc__transaction_commit(database, &cause, true, NULL);
  lc__transaction_abort(database);
  return lc_fail(LC_ERR_MIGRATION, "%s", lc_err_text(err));
}

static lc_err migrate(lc_database *database, publish_run *run, const lc_migration *plan) {
  lc_err err = run_migration(database, run, plan);
  if (lc_failed(err)) {
    lc__subscriptions_rebind(database); /* the tables and indexes that came back may be others than those the plans know */
    return lc_err_context(err, "Failed to create or update the database");
  }
  lc__module *old = database->module;
  database->module = run->module;
  run->module = NULL;
  run->result.updated = true;
  lc__immediates_clear(database);
  if (plan->breaks_clients) disconnect_everybody(database);
  lc__module_destroy(old);
  return lc_ok();
}

/* The stored program did not start when the database opened, and now it does (a newer server, more memory): it just takes its place. */
static lc_err revive(lc_database *database, publish_run *run) {
  lc_hash256 stored;
  lc_span program;
  if (!lc__catalogue_get_module(database, &stored, &program) || !lc_u256_equal(&stored, &run->module->hash))
    return lc_fail(LC_ERR_MIGRATION, "Failed to create or update the database: %s; publish that program once more, or reset the database",
                   database->module_error);
  if (run->job->is_plan_only) return lc_ok();
  database->module = run->module;
  run->module = NULL;
  run->result.updated = true;
  free(database->module_error);
  database->module_error = NULL;
  lc__database_drop_leftover_clients(database);
  return lc_ok();
}

/* ---- the steps on the core thread ---- */

/* `Errors occurred:`, then each text with an empty line behind it, as publishers know it. */
static lc_err reject(const publish_run *run, lc_err err, const char *prefix) {
  lc_buf text = {0};
  lc_buf_printf(&text, "%sErrors occurred:\n", prefix);
  for (size_t at = 0; at < run->details.len;) {
    const uint8_t *line = run->details.data + at, *end = memchr(line, '\n', run->details.len - at);
    size_t len = end ? (size_t)(end - line) : run->details.len - at;
    lc_buf_append(&text, line, len);
    lc_buf_put_text(&text, "\n\n");
    at += len + 1;
  }
  err = lc_fail(err.code, "%s", lc_buf_cstr(&text));
  lc_buf_deinit(&text);
  return err;
}

static lc_err update(lc_database *database, publish_run *run) {
  publish_job *job = run->job;
  const lc_module_def *old = database->module->def, *def = run->module->def;
  lc_migration plan = {0};
  lc_err err = lc_migration_plan(old, def, &plan, &run->details);
  run->result.is_major_upgrade = old->version == 9 && def->version == 10;
  if (lc_failed(err)) {
    lc_migration_deinit(&plan);
    return run->details.len ? reject(run, err, job->is_plan_only ? "" : "Database update rejected: ") : err;
  }
  lc_migration_print(&run->plan, &plan, job->has_colours);
  run->result.breaks_clients = plan.breaks_clients;
  if (job->is_plan_only) {
    err = lc_ok();
  } else if (plan.breaks_clients && !job->request.break_clients) {
    err = lc_fail(LC_ERR_MIGRATION,
                  "Failed to create or update the database: Migration plan contains a client-breaking change which is disallowed under "
                  "current policy");
  } else {
    err = migrate(database, run, &plan);
  }
  lc_migration_deinit(&plan);
  return err;
}

static lc_err publish(lc_database *database, publish_run *run) {
  publish_job *job = run->job;
  if (job->failure) return lc_fail(job->failure, "%s", job->failure_text);
  if (job->program == NULL) {
    if (job->is_plan_only) {
      lc_migration plan = {0};
      LC_TRY(lc_migration_plan(database->module->def, database->module->def, &plan, &run->details));
      lc_migration_print(&run->plan, &plan, job->has_colours);
      lc_migration_deinit(&plan);
    }
    return lc_ok(); /* the program that runs already */
  }
  lc_program *program = job->program;
  job->program = NULL;
  lc_err err = lc__module_create(database, program, &job->hash, &run->module, &run->details);
  if (lc_failed(err)) return run->details.len ? reject(run, err, "") : err;
  if (database->module) return update(database, run);
  if (database->module_error) return revive(database, run);
  return job->is_plan_only ? lc_ok() : create(database, run);
}

static void job_destroy(publish_job *job) {
  if (job->program) lc_program_unref(job->program);
  lc_buf_deinit(&job->bytes);
  free(job->failure_text);
  free(job);
}

static void publish_done(void *context) {
  publish_job *job = context;
  lc_database *database = job->job.database;
  if (!lc__job_finish(&job->job)) { /* the publisher was told when the database closed */
    job_destroy(job);
    return;
  }
  publish_run run = {.job = job};
  lc_publish_result *result = &run.result;
  result->program_hash = job->hash;
  result->err = publish(database, &run);
  lc__module_destroy(run.module); /* still here when it did not become the database's */
  if (result->created || result->updated) {
    follow_catalogue(database);
    if (lc_program_tier(database->module->program) == LC_TIER_BASELINE) lc__module_optimise(database, lc_buf_span(&job->bytes));
  }
  result->offset = lc__database_seen(database);
  result->details = lc_buf_cstr(&run.details);
  result->plan = lc_buf_cstr(&run.plan);
  database->publishing = NULL;
  job->request.done(job->request.context, result);
  lc_buf_deinit(&run.details);
  lc_buf_deinit(&run.plan);
  job_destroy(job);
}

static void start(lc_database *database, const lc_publish_request *request, bool is_plan_only, bool has_colours) {
  if (database->publishing) {
    lc_publish_result result = {.err = lc_fail(LC_ERR_EXISTS, "another publish of this database is under way; try again when it is done"),
                                .details = "",
                                .plan = ""};
    request->done(request->context, &result);
    return;
  }
  publish_job *job = calloc(1, sizeof *job);
  lc_assert(job != NULL);
  job->request = *request;
  lc_buf_put_span(&job->bytes, request->program);
  job->is_plan_only = is_plan_only;
  job->has_colours = has_colours;
  if (database->module) {
    job->has_running = true;
    job->running = database->module->hash;
  }
  database->publishing = &job->job;
  lc__job_start(database, &job->job, compile_work, publish_done);
}

void lc_database_publish(lc_database *database, const lc_publish_request *request) {
  start(database, request, false, false);
}
void lc_database_plan(lc_database *database, const lc_publish_request *request, bool colours) {
  start(database, request, true, colours);
}

void lc__publish_cancel(lc_database *database) {
  if (database->publishing == NULL) return;
  const publish_job *job = (const publish_job *)database->publishing;
  lc_publish_result result = {
      .err = lc_fail(LC_ERR_NOT_FOUND, "the database was closed before its program was ready"), .details = "", .plan = ""};
  database->publishing = NULL;
  job->request.done(job->request.context, &result);
}

/* ---- faster code ---- */

typedef struct optimise_job {
  lc__job job;
  lc_buf bytes;
  lc_hash256 hash;
  lc_program *program;
  char *failure_text;
} optimise_job;

static void optimise_work(void *context) {
  optimise_job *job = context;
  lc_err err = lc_program_compile(lc_buf_span(&job->bytes), LC_TIER_OPTIMISED, &job->program);
  if (!lc_failed(err)) return;
  job->program = NULL;
  job->failure_text = strdup(lc_err_text(err));
}

static void optimise_done(void *context) {
  optimise_job *job = context;
  lc_database *database = job->job.database;
  bool is_open = lc__job_finish(&job->job);
  if (is_open && job->program && database->module && lc_u256_equal(&database->module->hash, &job->hash)) {
    lc_err err = lc__module_renew(database, database->module, job->program);
    if (lc_failed(err)) lc_log_warn("the module goes on with its first code: %s", lc_err_text(err));
  }
  if (job->failure_text) lc_log_warn("the module goes on with its first code: %s", job->failure_text);
  if (job->program) lc_program_unref(job->program);
  lc_buf_deinit(&job->bytes);
  free(job->failure_text);
  free(job);
}

void lc__module_optimise(lc_database *database, lc_span wasm) {
  optimise_job *job = calloc(1, sizeof *job);
  lc_assert(job != NULL);
  lc_buf_put_span(&job->bytes, wasm);
  job->hash = database->module->hash;
  lc__job_start(database, &job->job, optimise_work, optimise_done);
}

/* ---- at start ---- */

lc_err lc__database_start_module(lc_database *database) {
  lc_hash256 hash;
  lc_span wasm;
  if (!lc__catalogue_get_module(database, &hash, &wasm)) return lc_ok();
  lc_program *program;
  lc_buf errors = {0};
  lc_err err = lc_program_compile(wasm, LC_TIER_BASELINE, &program);
  if (!lc_failed(err)) err = lc__module_create(database, program, &hash, &database->module, &errors);
  if (lc_failed(err)) {
    /* The data is whole; only what runs on it is missing. Reads and SQL go on, calls are told why they do not (E3). */
    lc_log_error("the module of database %s does not start: %s%s%.*s", database->directory, lc_err_text(err), errors.len ? "\n" : "",
                 (int)errors.len, (const char *)errors.data);
    lc_buf text = {0};
    lc_buf_printf(&text, "the stored module does not start: %s", lc_err_text(err));
    lc_buf_cstr(&text);
    database->module_error = (char *)text.data;
    lc_buf_deinit(&errors);
    return lc_ok();
  }
  follow_catalogue(database);
  lc__database_drop_leftover_clients(database);
  if (lc_program_tier(program) == LC_TIER_BASELINE) lc__module_optimise(database, wasm);
  lc_buf_deinit(&errors);
  return lc_ok();
}
