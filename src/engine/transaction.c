/*
 * The steps that every transaction takes, whoever caused it:
 *
 *   begin    reset the arena, open the store's transaction
 *   (work)   a reducer, SQL, a migration, the rows of a client
 *   commit   room in the log, store commit, record into the log ring, timers, subscribers, release
 *   abort    the store plays its undo list back
 *
 * E1 holds because the delta is delivered inside commit; E2 because nothing outside the store changes before it.
 */
#include "engine/engine_internal.h"

uint64_t lc__database_seen(const lc_database *database) {
  uint64_t next = database->log ? lc_log_next(database->log) : database->memory_offset;
  return next ? next - 1 : 0;
}

lc_err lc__transaction_begin(lc_database *database) {
  if (__builtin_expect(database->log && lc_log_is_full(database->log), 0))
    return lc_fail(LC_ERR_NO_SPACE, "no space left on the disk of the log: changes are refused until there is, reads go on");
  lc_arena_reset(&database->arena);
  lc_store_begin(database->store);
  return lc_ok();
}

void lc__transaction_abort(lc_database *database) {
  lc_store_abort(database->store);
}

/* Room in the log's ring, before the store commits: from there on nothing can fail (L2). */
static lc_err reserve_record(lc_database *database, const lc_record_inputs *inputs, const lc_delta *delta, uint8_t **at) {
  if (database->log == NULL) return lc_ok();
  return lc_log_reserve(database->log, lc_record_size(inputs, delta), at);
}

/* Its offset is the transaction's. */
static void append_record(lc_database *database, const lc_record_inputs *inputs, const lc_delta *delta, uint8_t *at) {
  database->serial++;
  if (database->log) {
    lc_log_commit(database->log, lc_record_encode(at, inputs, delta));
  } else {
    database->memory_offset++;
  }
}

void lc__transaction_describe(lc_database *database, const lc__cause *cause, lc_client_update *update) {
  *update = (lc_client_update){
      .timestamp_micros = cause->inputs.timestamp_micros,
      .duration_micros = cause->start_nanos ? (int64_t)((lc_io_monotonic_nanos(database->io) - cause->start_nanos) / 1000) : 0,
      .caller = cause->inputs.caller,
      .caller_connection = cause->inputs.connection,
      .reducer = cause->inputs.kind == LC_RECORD_REDUCER ? cause->inputs.function : LC_STR(""),
      .reducer_id = cause->reducer_id,
      .arguments = cause->inputs.arguments,
      .request_id = cause->request_id,
      .hides_caller = database->module && database->module->def->version >= 10,
      .offset = lc__database_seen(database),
  };
}

lc_err lc__transaction_commit(lc_database *database, const lc__cause *cause, bool always_logged, lc_client_update *own) {
  const lc_delta *delta = lc_store_delta(database->store);
  bool is_logged = always_logged || delta->table_count;
  uint8_t *record = NULL;
  lc_err err = is_logged ? reserve_record(database, &cause->inputs, delta, &record) : lc_ok();
  if (lc_failed(err)) {
    lc_store_abort(database->store);
    return lc_err_context(err, "the change cannot be logged");
  }
  lc_store_commit(database->store, &delta);
  if (is_logged) append_record(database, &cause->inputs, delta, record);
  if (own) lc__transaction_describe(database, cause, own);
  bool is_watched = false;
  for (uint32_t i = 0; i < delta->table_count; i++) {
    const lc__watch *watch = (const lc__watch *)(uintptr_t)*lc_table_tag(delta->tables[i].table);
    if (__builtin_expect(watch == NULL, 1)) continue;
    is_watched = true;
    if (watch->schedule) lc__schedule_follow(database, watch, &delta->tables[i]);
  }
  if (is_watched) {
    lc_client_update update;
    lc__transaction_describe(database, cause, &update);
    lc__deliver(database, cause->client, &update, delta, own);
  }
  if (cause->inputs.kind == LC_RECORD_REDUCER && cause->reducer_id != LC__NO_REDUCER)
    lc__hints_learn(database, cause->reducer_id, cause->inputs.arguments, delta);
  lc_store_release(database->store);
  return lc_ok();
}
