/*
 * Schedules. A scheduled table has a u64 key and a ScheduleAt column, `Interval` (tag 0) or `Time` (tag 1), an i64 of microseconds each:
 *
 *   row appears or changes → armed at the commit that made it so      Time      at that time, at once when it is past
 *   row goes               → its timer goes                           Interval  one interval after the commit, then every interval
 *
 * The timers are a function of the rows: they follow the delta of every commit, whoever made it, and are read anew from the tables at start
 * and after a publish. So a call that rolls back leaves no trace (E2), and a row changed while it waits fires as it reads now.
 *
 * Intervals keep the grid of their first intended time, without drift; ticks that have passed are skipped (L8). A Time row is deleted in a
 * transaction of its own after its reducer ran, however that ended, and only if the reducer left it as it was.
 */
#include "base/logging.h"
#include "engine/engine_internal.h"

enum { SCHEDULE_INTERVAL = 0, SCHEDULE_TIME = 1 };
enum { IMMEDIATE_BYTES_MAX = 16 << 20 };
static const int64_t RETRY_MICROS = 100 * 1000; /* while the log has no room */
/* What the timers of the reference reach (2.18 years): longer delays are refused at insert, with errno 13. */
static const int64_t DELAY_MICROS_MAX = ((1ll << 36) - 1) * 1000;

typedef struct schedule_at {
  bool is_interval;
  int64_t micros; /* of an interval its magnitude */
} schedule_at;

static schedule_at read_schedule(const lc_table *table, const lc_schedule_def *schedule, const uint8_t *row) {
  lc_span at = lc_layout_column(lc_table_layout(table), row, schedule->at_column);
  int64_t micros = (int64_t)lc_load64(at.ptr + 1);
  if (at.ptr[0] == SCHEDULE_TIME) return (schedule_at){.micros = micros};
  if (micros < 0) micros = micros == INT64_MIN ? INT64_MAX : -micros;
  return (schedule_at){.is_interval = true, .micros = micros};
}

static uint64_t read_id(const lc_table *table, const lc_schedule_def *schedule, const uint8_t *row) {
  return lc_load64(lc_layout_column(lc_table_layout(table), row, schedule->id_column).ptr);
}

static int64_t add_clamped(int64_t a, int64_t b) {
  int64_t sum;
  return __builtin_add_overflow(a, b, &sum) ? (b < 0 ? INT64_MIN : INT64_MAX) : sum;
}

/* ---- arming ---- */

lc_err lc__schedule_check_row(void *context, lc_table *table, lc_row row) {
  const lc_database *database = context;
  const lc_schedule_def *schedule = lc_table_def_of(table)->schedule;
  if (schedule == NULL) return lc_ok();
  schedule_at at = read_schedule(table, schedule, row.bytes);
  int64_t delay =
      at.is_interval ? at.micros : add_clamped(at.micros, database->now_micros == INT64_MIN ? INT64_MAX : -database->now_micros);
  if (delay <= DELAY_MICROS_MAX) return lc_ok();
  return lc_fail(LC_ERR_TOO_LARGE, "a row of %.*s is scheduled more than 2.18 years ahead", LC_STR_ARGS(lc_table_name(table)));
}

static void arm(lc_database *database, lc_table *table, const lc_schedule_def *schedule, const uint8_t *row) {
  schedule_at at = read_schedule(table, schedule, row);
  int64_t due = at.is_interval ? add_clamped(database->now_micros, at.micros) : at.micros;
  lc__timers_arm(&database->timers, lc_table_id(table), read_id(table, schedule, row), due);
}

void lc__schedule_follow(lc_database *database, const lc__watch *watch, const lc_table_delta *delta) {
  for (uint32_t i = 0; i < delta->delete_count; i++)
    lc__timers_remove(&database->timers, lc_table_id(delta->table), read_id(delta->table, watch->schedule, delta->deletes[i].bytes));
  if (delta->dropped) return;
  for (uint32_t i = 0; i < delta->insert_count; i++) arm(database, delta->table, watch->schedule, delta->inserts[i].bytes);
}

void lc__schedules_reload(lc_database *database) {
  lc__timers_clear(&database->timers);
  for (lc_table *table = lc_store_next_table(database->store, NULL); table; table = lc_store_next_table(database->store, table)) {
    if (lc_table_def_of(table)->schedule == NULL) continue;
    const lc__watch *watch = lc__watch_of(database, table);
    lc_scan scan;
    lc_row row;
    lc_table_scan(table, &scan);
    while (lc_scan_next(&scan, &row)) arm(database, table, watch->schedule, row.bytes);
  }
}

/* ---- immediate calls: `volatile_nonatomic_schedule_immediate` ---- */

void lc__schedule_immediate(void *context, lc_str function, lc_span arguments) {
  lc_database *database = context;
  size_t bytes = function.len + arguments.len + sizeof(lc__immediate);
  if (bytes > IMMEDIATE_BYTES_MAX - database->immediate_bytes) { /* calls that queue calls may do so without end (L11) */
    if (!database->drops_immediates)
      lc__module_log_note(&database->module_log, database->now_micros, LC_MODULE_ERROR, function,
                          "too many immediate calls wait: some are lost");
    database->drops_immediates = true;
    return;
  }
  database->immediate_bytes += bytes;
  char *copy = malloc(function.len + arguments.len + 1);
  lc_assert(copy != NULL);
  if (function.len) memcpy(copy, function.ptr, function.len);
  if (arguments.len) memcpy(copy + function.len, arguments.ptr, arguments.len);
  lc__immediate immediate = {{copy, function.len}, lc_span_of(copy + function.len, arguments.len)};
  lc_vec_push(&database->immediates, immediate);
}

void lc__immediates_clear(lc_database *database) {
  for (size_t i = 0; i < database->immediates.count; i++) free((char *)database->immediates.items[i].function.ptr);
  lc_vec_deinit(&database->immediates);
  database->immediate_bytes = 0;
  database->drops_immediates = false;
}

/* ---- running ---- */

/* A call by the database itself. Failures are in the module's log; nobody else hears of them. False: the log had no room for it, and
 * nothing has happened. */
static bool run(lc_database *database, uint32_t reducer, lc_span arguments, int64_t timestamp_micros) {
  lc__cause cause = {.inputs = {.kind = LC_RECORD_REDUCER,
                                .timestamp_micros = timestamp_micros,
                                .caller = database->identity,
                                .function = database->module->def->reducers[reducer].name,
                                .arguments = arguments},
                     .reducer_id = reducer};
  lc_err err = lc__transaction_begin(database);
  if (!lc_failed(err)) {
    /* The bytes may be a row that the reducer changes: it gets a copy. */
    cause.inputs.arguments.ptr = lc_arena_copy(&database->arena, arguments.ptr, arguments.len);
    lc_outcome outcome = lc__database_invoke(database, &(lc__invocation){.reducer = reducer,
                                                                         .sender = database->identity,
                                                                         .timestamp_micros = timestamp_micros,
                                                                         .arguments = cause.inputs.arguments,
                                                                         .budget_micros = database->call_budget_micros});
    if (outcome == LC_OUTCOME_OK) {
      err = lc__transaction_commit(database, &cause, false, NULL);
    } else {
      lc__transaction_abort(database);
    }
  }
  if (lc_failed(err)) lc_log_warn("a scheduled call of %.*s did not run: %s", LC_STR_ARGS(cause.inputs.function), lc_err_text(err));
  return err.code != LC_ERR_NO_SPACE;
}

static void run_immediates(lc_database *database) {
  size_t count = database->immediates.count; /* those that these calls queue wait for the next turn */
  for (size_t i = 0; i < count; i++) {
    lc__immediate immediate = database->immediates.items[i];
    uint64_t id;
    if (lc_map_get(&database->module->def->reducer_ids, immediate.function, &id) &&
        !lc_failed(lc__reducer_check_arguments(&database->module->def->reducers[id], immediate.arguments)))
      run(database, (uint32_t)id, immediate.arguments, database->now_micros);
    database->immediate_bytes -= immediate.function.len + immediate.arguments.len + sizeof immediate;
    free((char *)immediate.function.ptr);
  }
  database->drops_immediates = false;
  size_t left = database->immediates.count - count;
  memmove(database->immediates.items, database->immediates.items + count, left * sizeof *database->immediates.items);
  database->immediates.count = left;
}

static bool find_row(const lc__watch *watch, uint64_t id, lc_row *row) {
  bool found = false;
  if (watch->id_index == NULL) return false;
  lc_err err = lc_index_find(watch->id_index, lc_span_of(&id, sizeof id), row, &found);
  return !lc_failed(err) && found;
}

/* The row of a Time schedule has had its run: it goes, in a transaction of its own, unless its reducer changed it. False: no room in the
 * log. */
static bool delete_fired(lc_database *database, lc_table *table, lc_span row) {
  lc__cause cause = {.inputs = {.kind = LC_RECORD_SYSTEM, .timestamp_micros = database->now_micros, .caller = database->identity},
                     .reducer_id = LC__NO_REDUCER};
  lc_row still;
  if (!lc_table_find_equal(table, row, &still)) return true;
  lc_err err = lc__transaction_begin(database);
  if (!lc_failed(err)) {
    lc_table_delete_equal(table, row);
    err = lc__transaction_commit(database, &cause, false, NULL);
  }
  if (lc_failed(err))
    lc_log_warn("a schedule of %.*s that has run is still there: %s", LC_STR_ARGS(lc_table_name(table)), lc_err_text(err));
  return err.code != LC_ERR_NO_SPACE;
}

/* The first instant of the grid `intended + k * interval` that is later than now. */
static int64_t next_tick(int64_t intended, int64_t interval, int64_t now) {
  if (interval == 0) return now;
  int64_t next = add_clamped(intended, interval);
  if (next > now) return next;
  return add_clamped(next, ((now - next) / interval + 1) * interval);
}

static void fire(lc_database *database, const lc__timer *timer) {
  lc_table *table = lc_store_table(database->store, timer->table_id);
  const lc__watch *watch = table ? (const lc__watch *)(uintptr_t)*lc_table_tag(table) : NULL;
  lc_row row;
  if (watch == NULL || watch->schedule == NULL || !find_row(watch, timer->row_id, &row)) {
    lc__timers_remove(&database->timers, timer->table_id, timer->row_id);
    return;
  }
  schedule_at at = read_schedule(table, watch->schedule, row.bytes);
  /* Moved before the call: what the call does to its own row then counts. */
  if (at.is_interval) {
    lc__timers_arm(&database->timers, timer->table_id, timer->row_id, next_tick(timer->due_micros, at.micros, database->now_micros));
  } else {
    lc__timers_remove(&database->timers, timer->table_id, timer->row_id);
  }
  lc_buf copy = {0};
  lc_buf_append(&copy, row.bytes, row.len);
  const lc_schedule_def *schedule = watch->schedule;
  uint64_t id;
  bool had_room = true;
  if (lc_map_get(&database->module->def->reducer_ids, schedule->function_name, &id)) {
    int64_t timestamp = timer->due_micros > database->now_micros ? timer->due_micros : database->now_micros;
    had_room = run(database, (uint32_t)id, lc_buf_span(&copy), timestamp);
  } else {
    lc__module_log_note(&database->module_log, database->now_micros, LC_MODULE_ERROR, schedule->function_name,
                        "the schedule of table %.*s calls a procedure, which this server cannot run yet",
                        LC_STR_ARGS(lc_table_name(table)));
  }
  if (had_room && !at.is_interval) had_room = delete_fired(database, table, lc_buf_span(&copy));
  /* The row is as it was, so its timer is too (E4): it fires again when the disk has space, at least once like after a crash. */
  if (!had_room) lc__timers_arm(&database->timers, timer->table_id, timer->row_id, timer->due_micros);
  lc_buf_deinit(&copy);
}

int64_t lc_database_next_due(const lc_database *database) {
  if (database->module == NULL) return INT64_MAX;
  if (lc_database_is_full(database)) return add_clamped(database->now_micros, RETRY_MICROS);
  if (database->immediates.count) return INT64_MIN;
  lc__timer first;
  return lc__timers_first(&database->timers, &first) ? first.due_micros : INT64_MAX;
}

void lc_database_run_due(lc_database *database) {
  if (database->module == NULL || lc_database_is_full(database)) return;
  if (database->immediates.count) run_immediates(database);
  /* One round: a schedule with a zero interval is due again at once, and waits for the next turn like everybody else. */
  for (size_t left = database->timers.heap.count; left > 0; left--) {
    lc__timer first;
    if (!lc__timers_first(&database->timers, &first) || first.due_micros > database->now_micros || lc_database_is_full(database)) return;
    fire(database, &first);
  }
}
