/*
 * Opening, closing and the turns of a database.
 *
 *   <directory>/log/…           the commit log (src/log)
 *   <directory>/module_logs/…   the module's log (module_log_internal.h)
 *
 * The first record of a log is empty: it marks where the database begins, so that every reply has an offset to depend on.
 */
#include "base/logging.h"
#include "engine/engine_internal.h"

/* ---- opening ---- */

static lc_err replay(void *context, uint64_t offset, lc_span record) {
  lc_database *database = context;
  return lc_record_apply(record, database->store, NULL);
}

static lc_err write_first_record(lc_database *database) {
  lc_delta nothing = {0};
  lc_record_inputs inputs = {.kind = LC_RECORD_SYSTEM, .timestamp_micros = database->now_micros, .caller = database->owner};
  uint8_t *at;
  LC_TRY(lc_log_reserve(database->log, lc_record_size(&inputs, &nothing), &at));
  lc_log_commit(database->log, lc_record_encode(at, &inputs, &nothing));
  return lc_log_flush(database->log);
}

static lc_err open_log(lc_database *database) {
  lc_buf path = {0};
  lc_buf_printf(&path, "%s/log", database->directory);
  lc_log_options options = {0};
  lc_err err = lc_dir_create(database->io, lc_buf_cstr(&path));
  if (!lc_failed(err)) err = lc_log_open(database->io, lc_buf_cstr(&path), &options, replay, database, &database->log);
  lc_buf_deinit(&path);
  LC_TRY(lc_err_context(err, "the log of database %s", database->directory));
  LC_TRY(lc_store_recovered(database->store));
  return lc_log_next(database->log) == 0 ? write_first_record(database) : lc_ok();
}

static lc_err open_parts(lc_database *database) {
  if (database->memory_offset == 0) LC_TRY(open_log(database));
  lc__module_log_open(&database->module_log, database->memory_offset ? NULL : database->io, database->directory, database->now_micros);
  lc__rules_reload(database);
  return lc__database_start_module(database);
}

static void destroy(lc_database *database) {
  for (size_t i = 0; i < database->jobs.count; i++) database->jobs.items[i]->database = NULL;
  lc_vec_deinit(&database->jobs);
  lc__module_destroy(database->module);
  lc__watches_destroy(database);
  lc_vec_deinit(&database->watches);
  lc_vec_deinit(&database->queries);
  lc_map_deinit(&database->query_positions);
  lc_vec_deinit(&database->clients);
  lc_vec_deinit(&database->touched);
  lc_vec_deinit(&database->affected);
  lc_vec_deinit(&database->ruled_tables);
  lc__timers_deinit(&database->timers);
  lc__immediates_clear(database);
  lc__module_log_close(&database->module_log);
  lc_store_destroy(database->store);
  lc_arena_deinit(&database->arena);
  lc_buf_deinit(&database->error);
  free(database->module_error);
  free(database->directory);
  free(database);
}

lc_err lc_database_open(const lc_database_options *options, lc_database **database) {
  lc_database *made = calloc(1, sizeof *made);
  lc_assert(made != NULL);
  made->io = options->io;
  made->directory = strdup(options->directory ? options->directory : "");
  made->identity = options->identity;
  made->owner = options->owner;
  made->call_budget_micros = options->call_budget_micros ? options->call_budget_micros : LC__CALL_BUDGET_MICROS;
  made->init_budget_micros = options->init_budget_micros ? options->init_budget_micros : LC__INIT_BUDGET_MICROS;
  made->run_in_background = options->run_in_background;
  made->server = options->server;
  made->memory_offset = options->in_memory ? 1 : 0;
  made->now_micros = lc_io_now_micros(options->io);
  made->store = lc_store_create();
  lc_err err = open_parts(made);
  if (lc_failed(err)) {
    if (made->log) lc_log_abandon(made->log);
    destroy(made);
    made = NULL;
  }
  *database = made;
  return err;
}

static void flush_module_log(lc_database *database) {
  if (lc__module_log_has_news(&database->module_log)) lc__module_log_flush(&database->module_log, lc_io_now_micros(database->io));
}

/* ---- closing ---- */

static void release_clients(lc_database *database, bool runs_reducers) {
  while (database->clients.count) {
    lc_client *client = database->clients.items[database->clients.count - 1];
    if (runs_reducers) {
      client->events->closed(client->session, LC_CLOSE_MODULE_EXITED);
      lc__client_detach(client);
    } else {
      lc__client_forget(client);
    }
  }
}

uint64_t lc_database_close(lc_database *database) {
  lc__publish_cancel(database);
  release_clients(database, true);
  flush_module_log(database);
  uint64_t durable = lc_database_durable(database);
  if (database->log) {
    lc_err err = lc_log_flush(database->log);
    durable = lc_log_durable(database->log);
    lc_err closed = lc_log_close(database->log);
    if (!lc_failed(err)) err = closed;
    if (lc_failed(err)) lc_log_error("the log of database %s did not close cleanly: %s", database->directory, lc_err_text(err));
  }
  destroy(database);
  return durable;
}

void lc_database_abandon(lc_database *database) {
  lc__publish_cancel(database);
  release_clients(database, false);
  if (database->log) lc_log_abandon(database->log);
  destroy(database);
}

/* ---- what it is ---- */

lc_identity lc_database_identity(const lc_database *database) {
  return database->identity;
}
lc_identity lc_database_owner(const lc_database *database) {
  return database->owner;
}
lc_store *lc_database_store(lc_database *database) {
  return database->store;
}
const lc_module_def *lc_database_def(const lc_database *database) {
  return database->module ? database->module->def : NULL;
}
bool lc_database_program(lc_database *database, lc_span *program) {
  lc_hash256 hash;
  return lc__catalogue_get_module(database, &hash, program);
}
lc_hash256 lc_database_program_hash(const lc_database *database) {
  return database->module ? database->module->hash : (lc_hash256){0};
}
const char *lc_database_module_error(const lc_database *database) {
  return database->module_error;
}

/* ---- turns ---- */

void lc_database_turn_begin(lc_database *database, int64_t now_micros) {
  database->now_micros = now_micros;
}
int64_t lc_database_now(const lc_database *database) {
  return database->now_micros;
}

lc_err lc_database_turn_end(lc_database *database) {
  flush_module_log(database);
  return database->log ? lc_log_submit(database->log) : lc_ok();
}

lc_err lc_database_poll(lc_database *database) {
  return database->log ? lc_log_poll(database->log) : lc_ok();
}
bool lc_database_is_full(const lc_database *database) {
  return database->log && lc_log_is_full(database->log);
}
uint64_t lc_database_durable(const lc_database *database) {
  return database->log ? lc_log_durable(database->log) : database->memory_offset;
}
int lc_database_event_fd(lc_database *database) {
  return database->log ? lc_log_event_fd(database->log) : -1;
}

/* ---- SQL ---- */

/* Queries of one text are one transaction, which a SELECT leaves without a trace. */
static lc_err run_sql(lc_database *database, const lc_query_context *context, lc_str sql, bool writes, lc_sql_result *result) {
  lc__cause cause = {.inputs = {.kind = LC_RECORD_SQL, .timestamp_micros = database->now_micros, .caller = context->caller},
                     .reducer_id = LC__NO_REDUCER};
  if (writes) {
    LC_TRY(lc__transaction_begin(database));
  } else {
    lc_store_begin(database->store); /* reads go on while the log refuses writes */
  }
  lc_err err = lc_sql_run(context, sql, result);
  if (!writes || lc_failed(err)) {
    lc_store_abort(database->store);
    return err;
  }
  return lc__transaction_commit(database, &cause, false, NULL);
}

lc_err lc_database_sql(lc_database *database, lc_identity caller, lc_str sql, lc_sql_result *result, uint64_t *offset) {
  *result = (lc_sql_result){0};
  lc_query_context context = lc__query_context(database, caller);
  bool writes;
  lc_err err = lc_sql_writes(sql, &writes);
  if (!lc_failed(err)) err = run_sql(database, &context, sql, writes, result);
  *offset = lc__database_seen(database);
  return err;
}

/* ---- module logs ---- */

void lc_database_read_log(lc_database *database, uint32_t count, lc_buf *to) {
  lc__module_log_read(&database->module_log, count, to);
}
uint32_t lc_database_follow_log(lc_database *database, lc_log_follower follower, void *context) {
  return lc__module_log_follow(&database->module_log, follower, context);
}
void lc_database_unfollow_log(lc_database *database, uint32_t handle) {
  lc__module_log_unfollow(&database->module_log, handle);
}
