/*
 * Reducer calls: one call is one transaction (architecture, "Life of a reducer call"). Once warm, a call that subscribers do not care about
 * makes no allocation, takes no lock, reads no clock and enters no kernel here.
 *
 * Outcomes and the texts that clients see (client-protocol.md 5.8) are the rows of this table:
 *   before it ran     no such reducer | can't directly call special X lifecycle reducer | invalid arguments for reducer R: …
 *   while it ran      the module's own text | The instance encountered a fatal error. | reducer ran out of energy
 *   at its commit     why the log has no room
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/logging.h"
#include "engine/engine_internal.h"

static const char *const lifecycle_names[LC_LIFECYCLE_COUNT] = {"Init", "OnConnect", "OnDisconnect"};

void lc__database_set_error(lc_database *database, const char *format, ...) {
  char text[LC_ERR_TEXT_MAX];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  lc_buf_clear(&database->error);
  lc_buf_put_text(&database->error, text);
}

/* ---- running a reducer ---- */

/* A trap spoils the instance: the next call finds a fresh one. */
static void replace_dead_instance(lc_database *database) {
  lc__module *module = database->module;
  if (module->instance && !lc_instance_is_dead(module->instance)) return;
  lc_err err = lc__module_renew(database, module, module->program);
  if (!lc_failed(err)) return;
  lc_log_error("no new instance of the module: %s", lc_err_text(err));
  if (module->instance) lc_instance_destroy(module->instance);
  module->instance = NULL;
}

static lc_outcome report_failure(lc_database *database, const lc_reducer_def *reducer, const lc__invocation *invocation, lc_err err) {
  if (err.code == LC_ERR_USER) {
    lc__module_log_note(&database->module_log, invocation->timestamp_micros, LC_MODULE_ERROR, reducer->name, "%.*s",
                        (int)database->error.len, (const char *)database->error.data);
    return LC_OUTCOME_USER_ERROR;
  }
  lc_log_info("reducer %.*s failed: %s", LC_STR_ARGS(reducer->name), lc_err_text(err));
  lc__database_set_error(database, "%s", err.code == LC_ERR_BUDGET ? LC__BUDGET_TEXT : LC__FATAL_TEXT);
  replace_dead_instance(database);
  return err.code == LC_ERR_BUDGET ? LC_OUTCOME_BUDGET : LC_OUTCOME_INTERNAL_ERROR;
}

lc_outcome lc__database_invoke(lc_database *database, const lc__invocation *invocation) {
  lc__module *module = database->module;
  const lc_reducer_def *reducer = &module->def->reducers[invocation->reducer];
  if (__builtin_expect(module->instance == NULL, 0)) replace_dead_instance(database);
  if (__builtin_expect(module->instance == NULL, 0)) {
    lc__database_set_error(database, LC__FATAL_TEXT);
    return LC_OUTCOME_INTERNAL_ERROR;
  }
  lc_call_context context = {.sender = invocation->sender,
                             .connection = invocation->connection,
                             .timestamp_micros = invocation->timestamp_micros,
                             .function = reducer->name,
                             .budget_micros = invocation->budget_micros};
  lc_buf_clear(&database->error);
  lc_err err = lc_instance_call_reducer(module->instance, invocation->reducer, &context, invocation->arguments, &database->error);
  if (__builtin_expect(err.code == LC_OK, 1)) return LC_OUTCOME_OK;
  return report_failure(database, reducer, invocation, err);
}

lc_err lc__outcome_error(const lc_database *database, lc_outcome outcome) {
  static const lc_err_code codes[] = {[LC_OUTCOME_OK] = LC_OK,
                                      [LC_OUTCOME_USER_ERROR] = LC_ERR_USER,
                                      [LC_OUTCOME_INTERNAL_ERROR] = LC_ERR_TRAP,
                                      [LC_OUTCOME_BUDGET] = LC_ERR_BUDGET,
                                      [LC_OUTCOME_REFUSED] = LC_ERR_DENIED};
  if (outcome == LC_OUTCOME_OK) return lc_ok();
  return lc_fail(codes[outcome], "%.*s", (int)database->error.len, (const char *)database->error.data);
}

lc_err lc__reducer_check_arguments(const lc_reducer_def *reducer, lc_span arguments) {
  const lc_layout *layout = reducer->params_layout;
  /* Bytes behind the parameters are tolerated; a fixed layout checks the length, so it is shown only its own. */
  lc_span own = arguments;
  if (layout->fixed && own.len > layout->fixed_size) own.len = layout->fixed_size;
  if (layout->plain && own.len == layout->fixed_size) return lc_ok();
  size_t used;
  lc_err err = lc_layout_validate(layout, own, &used);
  if (__builtin_expect(!lc_failed(err), 1)) return lc_ok();
  /* The text of the value that is wrong, without the column that a row's error would name. */
  lc_cursor cursor = lc_cursor_of(arguments);
  lc_err reason = lc_value_validate(reducer->params, &cursor);
  return lc_fail(LC_ERR_ARGUMENTS, "invalid arguments for reducer %.*s: %s", LC_STR_ARGS(reducer->name),
                 lc_err_text(lc_failed(reason) ? reason : err));
}

/* ---- calls from outside ---- */

/* The position of the reducer, or LC__NO_REDUCER. Calls tend to repeat the name of the one before. */
static uint32_t find_reducer(lc_database *database, lc_str name) {
  const lc_module_def *def = database->module->def;
  if (database->last_reducer < def->reducer_count && lc_str_equal(def->reducers[database->last_reducer].name, name))
    return database->last_reducer;
  uint64_t id;
  if (!lc_map_get(&def->reducer_ids, name, &id)) return LC__NO_REDUCER;
  return database->last_reducer = (uint32_t)id;
}

/* Whether the call may run; if not, the text is in database->error. */
static bool accept(lc_database *database, const lc_identity *caller, const lc_reducer_call *call, uint32_t *id) {
  *id = LC__NO_REDUCER;
  if (__builtin_expect(database->module == NULL, 0)) {
    lc__database_set_error(database, "%s",
                           database->module_error ? database->module_error : "the database has no module yet: publish one first");
    return false;
  }
  *id = find_reducer(database, call->reducer);
  const lc_reducer_def *reducer = *id == LC__NO_REDUCER ? NULL : &database->module->def->reducers[*id];
  if (__builtin_expect(reducer != NULL && reducer->lifecycle != LC_LIFECYCLE_NONE, 0)) {
    lc__database_set_error(database, "can't directly call special %s lifecycle reducer", lifecycle_names[reducer->lifecycle]);
    return false;
  }
  if (__builtin_expect(reducer == NULL || (!reducer->client_callable && !lc_u256_equal(caller, &database->owner)), 0)) {
    *id = LC__NO_REDUCER; /* a private reducer looks as if it did not exist */
    lc__module_log_note(&database->module_log, database->now_micros, LC_MODULE_ERROR, call->reducer,
                        "External attempt to call nonexistent reducer \"%.*s\" failed. Have you run `lightcone generate` recently?",
                        call->reducer.len > 256 ? 256 : (int)call->reducer.len, call->reducer.ptr);
    lc__database_set_error(database, "no such reducer");
    return false;
  }
  lc_err err = lc__reducer_check_arguments(reducer, call->arguments);
  if (lc_failed(err)) {
    lc__database_set_error(database, "%s", lc_err_text(err));
    return false;
  }
  return true;
}

/* The log has no room: an answer that depends on no offset, for none will become durable soon. */
static lc_outcome refuse(lc_database *database, lc_err err) {
  lc__database_set_error(database, "%s", lc_err_text(err));
  return LC_OUTCOME_REFUSED;
}

static lc_outcome run_call(lc_database *database, const lc__cause *cause, lc_client_update *own) {
  lc_err err = lc__transaction_begin(database);
  if (lc_failed(err)) return refuse(database, err);
  lc__invocation invocation = {.reducer = cause->reducer_id,
                               .sender = cause->inputs.caller,
                               .connection = cause->inputs.connection,
                               .timestamp_micros = cause->inputs.timestamp_micros,
                               .arguments = cause->inputs.arguments,
                               .budget_micros = database->call_budget_micros};
  lc_outcome outcome = lc__database_invoke(database, &invocation);
  if (outcome != LC_OUTCOME_OK) {
    lc__transaction_abort(database);
    return outcome;
  }
  err = lc__transaction_commit(database, cause, false, own);
  return lc_failed(err) ? refuse(database, err) : LC_OUTCOME_OK;
}

void lc_database_call(lc_database *database, lc_client *client, lc_identity identity, lc_connection_id connection,
                      const lc_reducer_call *call, lc_reducer_result *result) {
  lc__cause cause = {.inputs = {.kind = LC_RECORD_REDUCER,
                                .timestamp_micros = database->now_micros,
                                .caller = client ? client->identity : identity,
                                .connection = client ? client->connection : connection,
                                .function = call->reducer,
                                .arguments = call->arguments},
                     .request_id = call->request_id,
                     .client = client,
                     .start_nanos = call->measure_duration ? lc_io_monotonic_nanos(database->io) : 0};
  bool is_accepted = accept(database, &cause.inputs.caller, call, &cause.reducer_id);
  result->outcome = is_accepted ? run_call(database, &cause, &result->update) : LC_OUTCOME_REFUSED;
  if (__builtin_expect(result->outcome != LC_OUTCOME_OK, 0)) lc__transaction_describe(database, &cause, &result->update);
  result->error = result->outcome == LC_OUTCOME_OK ? "" : lc_buf_cstr(&database->error);
  result->offset = result->update.offset;
  result->has_offset = result->outcome != LC_OUTCOME_REFUSED;
  result->timestamp_micros = cause.inputs.timestamp_micros;
  result->duration_micros = result->update.duration_micros;
  result->reducer_id = cause.reducer_id;
}
