/*
 * Runs from seeds: a whole database (store, log, module, clients, subscriptions, schedules) on a simulated machine that crashes, errs and
 * fills up at random steps, compared with a brute-force model after every recovery and every turn.
 *
 *   database_sim_test [--seeds N] [--first S] [--verbose]
 *
 * A run is a row of lives. In each the database is opened, and what came back compared with the model (L2, L6, L7); then turns with random
 * batches of calls, SQL, clients that come, subscribe and go, publishes in the background and scheduled rows, every outcome predicted
 * (E2, E3, L8, L9, L12), until the machine goes down or the life ends in an orderly way. The first broken promise ends the program with its
 * name and the seed; the same seed shows it again.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/logging.h"
#include "sim/database_world.h"

enum { LIVES = 6, TURNS_MAX = 50, BATCH_MAX = 12, FULL_POLLS_MAX = 100000 };
static const lc_identity database_identity = {{0xdb, 1}}, owner_identity = {{0x0e, 2}}, stranger = {{0x57, 3}};
static bool verbose;

_Noreturn void broken(const bank_world *w, const char *rule, const char *format, ...) {
  fprintf(stderr, "BROKEN %s (seed %llu, after %llu calls and %llu crashes): ", rule, (unsigned long long)w->seed,
          (unsigned long long)w->totals.calls, (unsigned long long)w->totals.crashes);
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  exit(1);
}

/* Replies that depend on offsets below `durable` are released. */
static void note_acknowledged(bank_world *w, uint64_t durable) {
  if (durable < w->acknowledged || durable > w->model.count)
    broken(w, "L1", "the durable offset went to %llu", (unsigned long long)durable);
  w->acknowledged = durable;
  memcpy(w->acknowledged_drawn, w->model.commits[durable - 1].last_drawn, sizeof w->acknowledged_drawn);
}

/* ---- transactions ---- */

/* Whether the log may have had to refuse a transaction. */
static bool may_refuse(const bank_world *w) {
  return lc_database_is_full(w->database) || lc_sim_is_down(w->io);
}

/* The engine committed what the model's open transaction did. One that changed nothing may have used an offset or not. */
static void commit(bank_world *w, bool is_always_logged) {
  uint64_t next = lc__database_seen(w->database) + 1;
  bool may_be_silent = !is_always_logged && w->model.open.count == 0;
  if (next != w->model.count + 1 && !(may_be_silent && next == w->model.count))
    broken(w, "L2", "the newest offset is %llu behind %zu commits", (unsigned long long)next - 1, w->model.count);
  if (next == w->model.count) return;
  numbers_compare(w);
  model_commit_open(&w->model);
  bank_timers_follow(w);
  w->totals.commits++;
}

/* The engine took everything back. */
static void rollback(bank_world *w) {
  model_abort(&w->model);
  if (lc__database_seen(w->database) + 1 != w->model.count) broken(w, "E2", "a transaction that failed was logged");
}

static bank_outcome predict(bank_world *w, const bank_call *call) {
  if (bank_edition(w) == EDITION_NONE) return (bank_outcome){LC_OUTCOME_REFUSED, "the database has no module yet: publish one first"};
  uint32_t immediates = w->immediates;
  bank_outcome outcome = bank_call_run(w, call);
  if (outcome.outcome == LC_OUTCOME_REFUSED || !lc_database_is_full(w->database)) return outcome;
  w->immediates = immediates; /* it does not even begin */
  return (bank_outcome){LC_OUTCOME_REFUSED, "no space left on the disk of the log: changes are refused until there is, reads go on"};
}

static void check_call(bank_world *w, const bank_call *call, bank_outcome expected, const lc_reducer_result *result) {
  const char *name = bank_call_name(call);
  if (result->outcome != expected.outcome)
    broken(w, "E2", "%s ended as %d (%s), expected %d (%s)", name, result->outcome, result->error, expected.outcome,
           expected.text ? expected.text : "");
  if (expected.text && strcmp(result->error, expected.text) != 0)
    broken(w, "E2", "%s says `%s`, expected `%s`", name, result->error, expected.text);
  if (result->offset + 1 != w->model.count || result->has_offset != (expected.outcome != LC_OUTCOME_REFUSED))
    broken(w, "L1", "the reply to %s depends on offset %llu, its commit is %zu", name, (unsigned long long)result->offset,
           w->model.count - 1);
  if (expected.outcome != LC_OUTCOME_OK && result->update.set_count) broken(w, "L9", "%s failed and changed something", name);
}

static void do_call(bank_world *w, bank_client *by) {
  bank_call call;
  lc_reducer_result result;
  bank_call_choose(w, &call);
  bank_outcome expected = predict(w, &call);
  lc_reducer_call request = {
      .reducer = lc_str_of(bank_call_name(&call)), .arguments = lc_buf_span(&call.arguments), .request_id = (uint32_t)pick(w, 100)};
  lc_database_call(w->database, by ? by->client : NULL, stranger, (lc_connection_id){0}, &request, &result);
  w->totals.calls++;
  if (result.outcome == LC_OUTCOME_REFUSED && expected.outcome == LC_OUTCOME_OK && may_refuse(w)) {
    w->totals.refusals++;
    rollback(w);
  } else if (expected.outcome == LC_OUTCOME_OK && result.outcome == LC_OUTCOME_OK) {
    commit(w, false);
    check_call(w, &call, expected, &result);
    if (by) client_apply(by, &result.update);
  } else {
    rollback(w);
    check_call(w, &call, expected, &result);
    w->totals.refusals += lc_database_is_full(w->database);
  }
  lc_buf_deinit(&call.arguments);
}

/* ---- SQL by the owner ---- */

/* Everything in the table with a first column below `limit`. */
static void delete_below(bank_world *w, int table, uint64_t limit) {
  for (size_t i = w->model.tables[table].count; i-- > 0;)
    if (lc_load64(w->model.tables[table].rows[i].bytes) < limit) bank_remove(w, table, i);
}

/* A statement, done in the model. False: it is to fail. */
static bool choose_sql(bank_world *w, lc_buf *sql) {
  uint32_t id = 1 + (uint32_t)pick(w, 14);
  int64_t balance = 80 + 10 * (int64_t)pick(w, 5);
  uint64_t what = pick(w, w->is_filling ? 12 : 6);
  const model_row *account = bank_account(w, id);
  if (w->model.tables[BANK_RUNG].count > 60) what = 4;
  if (w->model.tables[BANK_NOTE].count > 40) what = 3;
  if (what == 0) {
    lc_buf_printf(sql, "INSERT INTO account (id, balance) VALUES (%u, %lld)", id, (long long)balance);
    if (account && (int64_t)lc_load64(account->bytes + 4) != balance) return false;
    bank_put_account(w, id, balance);
  } else if (what == 1) {
    lc_buf_printf(sql, "UPDATE account SET balance = %lld WHERE id = %u", (long long)balance, id);
    if (account) bank_put_account(w, id, balance);
  } else if (what == 2) {
    lc_buf_printf(sql, "DELETE FROM account WHERE id = %u", id);
    if (account) bank_remove(w, BANK_ACCOUNT, (size_t)(account - w->model.tables[BANK_ACCOUNT].rows));
  } else if (what == 3 || what == 4) {
    int table = what == 3 ? BANK_NOTE : BANK_RUNG;
    uint64_t drawn = w->model.last_drawn[table], limit = drawn > 10 ? drawn - pick(w, 10) : 0;
    lc_buf_printf(sql, "DELETE FROM %s WHERE id < %llu", database_table_name(table), (unsigned long long)limit);
    delete_below(w, table, limit);
  } else {
    lc_buf columns = {0};
    uint32_t len = (uint32_t)pick(w, w->is_filling ? 40000 : 400);
    lc_buf_put32(&columns, len);
    memset(lc_buf_extend(&columns, len), 'a' + (int)pick(w, 26), len);
    lc_buf_printf(sql, "INSERT INTO note (id, text) VALUES (0, '%.*s')", (int)len, (const char *)columns.data + 4);
    bank_add_numbered(w, BANK_NOTE, columns.data, columns.len);
    lc_buf_deinit(&columns);
  }
  return true;
}

static void do_sql(bank_world *w) {
  if (bank_edition(w) == EDITION_NONE) return;
  lc_buf sql = {0};
  lc_sql_result result;
  uint64_t offset;
  bool is_fine = choose_sql(w, &sql);
  lc_err err = lc_database_sql(w->database, owner_identity, lc_buf_str(&sql), &result, &offset);
  if (!lc_failed(err) && is_fine) {
    commit(w, false);
  } else if (!lc_failed(err) || (is_fine && !may_refuse(w))) {
    broken(w, "E2", "%.60s: %s", lc_buf_cstr(&sql), lc_err_text(err));
  } else {
    rollback(w);
  }
  if (offset + 1 != w->model.count) broken(w, "L1", "the answer of SQL depends on offset %llu", (unsigned long long)offset);
  lc_sql_result_deinit(&result);
  lc_buf_deinit(&sql);
}

/* ---- clients ---- */

static void connect_client(bank_world *w, bank_client *client) {
  char payload[64];
  uint64_t number = ++w->connections;
  int len = snprintf(payload, sizeof payload, "{\"sub\":\"%llu\"}", (unsigned long long)number);
  client->identity = (lc_identity){{0xc1, (uint8_t)pick(w, 3)}};
  client->connection = (lc_connection_id){number, 7};
  client->is_closed = false;
  lc_str jwt = {payload, (size_t)len};
  bank_outcome expected = {LC_OUTCOME_REFUSED, "the database has no module yet: publish one first"};
  if (bank_edition(w) != EDITION_NONE) expected = bank_connect(w, client, jwt);
  lc_err err = lc_client_connect(w->database, client->identity, client->connection, jwt, &bank_client_events, client, &client->client);
  if (lc_failed(err) != (expected.outcome != LC_OUTCOME_OK) && !(lc_failed(err) && may_refuse(w)))
    broken(w, "E2", "a client connects: %s", lc_err_text(err));
  if (expected.text && !may_refuse(w) && strcmp(lc_err_text(err), expected.text) != 0)
    broken(w, "E2", "a client is refused: `%s`, expected `%s`", lc_err_text(err), expected.text);
  if (lc_failed(err))
    rollback(w);
  else
    commit(w, true);
}

/* In the model: the row goes, unless the log has no room; then the next start takes it for that of a crash. */
static void leave(bank_world *w, const bank_client *client, bool was_full) {
  if (was_full) return;
  const model_table *rows = &w->model.tables[BANK_CLIENT];
  for (size_t i = 0; i < rows->count; i++) {
    if (memcmp(rows->rows[i].bytes + 32, &client->connection, 16) != 0) continue;
    bank_disconnect(w, &rows->rows[i]);
    return;
  }
  broken(w, "model", "a client without a row");
}

static void disconnect_client(bank_world *w, bank_client *client) {
  bool was_full = lc_database_is_full(w->database);
  client_forget_sets(client);
  lc_client_disconnect(client->client);
  client->client = NULL;
  leave(w, client, was_full);
  if (was_full || (may_refuse(w) && lc__database_seen(w->database) + 1 == w->model.count))
    rollback(w);
  else
    commit(w, true);
}

static void do_client(bank_world *w, bank_client *client) {
  if (client->client == NULL)
    connect_client(w, client);
  else if (client->is_closed || pick(w, 8) == 0)
    disconnect_client(w, client);
  else if (pick(w, 3) == 0)
    client_query(client);
  else
    client_toggle_set(client);
}

/* ---- publishing ---- */

static void run_in_background(void *server, void (*work)(void *job), void (*done)(void *job), void *job) {
  bank_job queued = {work, done, job};
  lc_vec_push(&((bank_world *)server)->jobs, queued);
}

static void on_published(void *context, const lc_publish_result *result) {
  bank_publish *publish = &((bank_world *)context)->publish;
  publish->is_done = true;
  publish->code = result->err.code;
  publish->created = result->created;
  publish->updated = result->updated;
  snprintf(publish->text, sizeof publish->text, "%s", lc_err_text(result->err));
}

static void on_second(void *context, const lc_publish_result *result) {
  const bank_world *w = context;
  if (result->err.code != LC_ERR_EXISTS) broken(w, "E3", "two publishes at a time");
}

static void start_publish(bank_world *w) {
  static const int firsts[] = {EDITION_FIRST, EDITION_FIRST, EDITION_MORE, EDITION_INDEX, EDITION_NO_INIT, EDITION_TRAPS};
  static const int others[] = {EDITION_FIRST, EDITION_FIRST, EDITION_MORE, EDITION_INDEX, EDITION_INDEX, EDITION_OTHER_TYPE, EDITION_TRAPS};
  bool is_first = bank_edition(w) == EDITION_NONE;
  int edition = is_first ? firsts[pick(w, 6)] : others[pick(w, 7)];
  lc_publish_request request = {.program = program(edition), .break_clients = pick(w, 2), .done = on_published, .context = w};
  if (w->publish.is_wanted) {
    request.done = on_second;
  } else {
    w->publish = (bank_publish){.is_wanted = true, .edition = edition, .break_clients = request.break_clients};
  }
  lc_database_publish(w->database, &request);
}

/* Does what the publish is to do. Whether it changes anything; `*is_fine`: whether it is to succeed. */
static bool predict_publish(bank_world *w, bool *is_fine) {
  int from = bank_edition(w), to = w->publish.edition;
  bool breaks = from == EDITION_MORE && to != from; /* a table goes */
  *is_fine = (to == EDITION_FIRST || to == EDITION_MORE || to == EDITION_INDEX) && (!breaks || w->publish.break_clients);
  if (!*is_fine || from == to) return false;
  if (from == EDITION_NONE)
    bank_init(w, to);
  else
    bank_update(w, to);
  return true;
}

static void end_publish(bank_world *w, bool was_full) {
  bank_publish *publish = &w->publish;
  bool is_fine, is_first = bank_edition(w) == EDITION_NONE;
  bool changes = predict_publish(w, &is_fine);
  publish->is_wanted = false;
  if (changes && publish->code != LC_OK && (was_full || may_refuse(w))) {
    rollback(w);
    return;
  }
  if ((publish->code == LC_OK) != is_fine) broken(w, "E3", "publishing edition %d: %s", publish->edition, publish->text);
  if (publish->created != (changes && is_first) || publish->updated != (changes && !is_first))
    broken(w, "E3", "edition %d was%s created and%s updated", publish->edition, publish->created ? "" : " not",
           publish->updated ? "" : " not");
  if (changes) {
    commit(w, true);
    bank_timers_reload(w);
    if (!is_first) w->immediates = 0;
    w->totals.publishes++;
    w->totals.updates += !is_first;
  } else {
    rollback(w);
  }
}

static void run_job(bank_world *w) {
  if (w->jobs.count == 0) return;
  bank_job job = w->jobs.items[0];
  w->jobs.count--;
  memmove(w->jobs.items, w->jobs.items + 1, w->jobs.count * sizeof job);
  bool was_full = w->database && lc_database_is_full(w->database);
  job.work(job.job);
  job.done(job.job);
  if (w->database && w->publish.is_wanted && w->publish.is_done) end_publish(w, was_full);
}

/* ---- turns ---- */

static void hear(void *context, lc_str line) {
  static const char text[] = "\"message\":\"said later\"";
  for (size_t i = 0; i + sizeof text - 1 <= line.len; i++)
    if (memcmp(line.ptr + i, text, sizeof text - 1) == 0) ((bank_world *)context)->heard++;
}

static void run_schedules(bank_world *w) {
  bool runs = bank_edition(w) != EDITION_NONE && !lc_database_is_full(w->database);
  lc_database_run_due(w->database);
  uint64_t next = lc__database_seen(w->database) + 1;
  if (runs) {
    if (!may_refuse(w)) w->said += w->immediates;
    w->immediates = 0;
    bank_run_due(w, may_refuse(w) ? next : UINT64_MAX);
  }
  if (next != w->model.count) broken(w, "L8", "schedules made %llu commits, expected %zu", (unsigned long long)next, w->model.count);
  if (!may_refuse(w)) {
    schedules_compare(w);
    if (w->heard != w->said)
      broken(w, "L8", "%llu queued calls ran, expected %llu", (unsigned long long)w->heard, (unsigned long long)w->said);
  }
}

static void do_something(bank_world *w) {
  bank_client *client = &w->clients[pick(w, BANK_CLIENTS)];
  uint64_t what = pick(w, 100);
  if (what < 60) {
    do_call(w, pick(w, 3) && client->client ? client : NULL);
  } else if (what < (w->is_filling ? 90 : 70)) {
    do_sql(w);
  } else if (what < 94) {
    do_client(w, client);
  } else if (what < (bank_edition(w) == EDITION_NONE ? 99 : 96)) {
    start_publish(w);
  } else {
    run_job(w);
  }
}

static void turn(bank_world *w) {
  for (uint64_t waited = pick(w, 10); waited > 0; waited--) w->now_micros = lc_io_now_micros(w->io);
  lc_database_turn_begin(w->database, w->now_micros);
  run_schedules(w);
  for (uint64_t left = pick(w, BATCH_MAX); left > 0; left--) {
    do_something(w);
    if (pick(w, 8) == 0) clients_compare(w);
  }
  clients_compare(w);
  if (pick(w, 10) == 0) database_compare(w, "E2");
  lc_err err = pick(w, 5) ? lc_database_turn_end(w->database) : lc_ok();
  for (uint64_t polls = pick(w, 4); polls > 0 && !lc_failed(err); polls--) err = lc_database_poll(w->database);
  if (lc_failed(err) && !lc_sim_is_down(w->io)) broken(w, "L1", "%s", lc_err_text(err));
  note_acknowledged(w, lc_database_durable(w->database));
}

/* There is space again: the log notices by itself, and changes are taken as before (L12). */
static void give_space(bank_world *w) {
  lc_sim_set_capacity(w->io, UINT64_MAX);
  w->is_filling = false;
  w->totals.full += lc_database_is_full(w->database);
  for (int polls = 0; lc_database_is_full(w->database); polls++) {
    lc_err err = lc_database_poll(w->database);
    if (lc_failed(err) && !lc_sim_is_down(w->io)) broken(w, "L12", "%s", lc_err_text(err));
    if (lc_failed(err)) return;
    if (polls == FULL_POLLS_MAX) broken(w, "L12", "there is space again, and changes are refused still");
  }
}

/* ---- lives ---- */

/* What came back is a prefix of what was committed, with all that was acknowledged; then those whom the crash cut off are let go. */
static void meet_recovered(bank_world *w) {
  uint64_t recovered = lc_database_durable(w->database);
  if (recovered < w->acknowledged)
    broken(w, "L2", "%llu transactions came back, %llu were acknowledged", (unsigned long long)recovered,
           (unsigned long long)w->acknowledged);
  if (recovered > w->model.count)
    broken(w, "L2", "%llu transactions came back, %zu were committed", (unsigned long long)recovered, w->model.count);
  model_cut(&w->model, recovered);
  w->now_micros = lc_database_now(w->database);
  w->immediates = 0;
  w->said = w->heard = 0;
  if (lc_database_module_error(w->database)) broken(w, "L2", "%s", lc_database_module_error(w->database));
  bank_timers_reload(w);
  for (const model_table *rows = &w->model.tables[BANK_CLIENT]; rows->count;) {
    bank_disconnect(w, &rows->rows[rows->count - 1]);
    model_commit_open(&w->model);
    w->totals.leftovers++;
  }
  if (lc_sim_is_down(w->io)) return;
  if (lc__database_seen(w->database) + 1 != w->model.count)
    broken(w, "L2", "opening went to %llu commits, expected %zu", (unsigned long long)lc__database_seen(w->database) + 1, w->model.count);
  database_compare(w, "L2");
  schedules_compare(w);
  note_acknowledged(w, lc_database_durable(w->database));
}

/* Opens until it works: the machine may go down on the way. */
static void open_database(bank_world *w) {
  lc_database_options options = {.io = w->io,
                                 .directory = "databases/1",
                                 .identity = database_identity,
                                 .owner = owner_identity,
                                 .run_in_background = run_in_background,
                                 .server = w};
  for (;;) {
    lc_err err = lc_database_open(&options, &w->database);
    if (!lc_failed(err)) break;
    if (!lc_sim_is_down(w->io)) broken(w, "L3", "recovery failed: %s", lc_err_text(err));
    lc_sim_crash(w->io);
    w->totals.crashes++;
  }
  lc_database_follow_log(w->database, hear, w);
  meet_recovered(w);
}

/* How the life will end, or that it will run out of space meanwhile. */
static void choose_fate(bank_world *w) {
  uint64_t fate = pick(w, 12);
  if (fate < 6)
    lc_sim_crash_after(w->io, 1 + pick(w, 150));
  else if (fate == 6)
    lc_sim_fail_after(w->io, 1 + pick(w, 100), LC_ERR_IO);
  else if (fate == 7)
    lc_sim_fail_after(w->io, 1 + pick(w, 100), LC_ERR_NO_SPACE);
  else if (fate < 10)
    w->is_filling = true;
  w->may_stop = fate == 6 || fate == 7; /* no space for a name is a failure, too: it is found out too late */
  if (w->is_filling) lc_sim_set_capacity(w->io, pick(w, 2) * pick(w, 2000000));
}

/* Everybody is disconnected, and everything durable when nothing fails on the way. */
static void close_orderly(bank_world *w) {
  bool is_safe = pick(w, 2);
  if (is_safe) {
    lc_sim_crash_after(w->io, 0);
    lc_sim_fail_after(w->io, 0, LC_OK);
    give_space(w);
  }
  bool was_full = lc_database_is_full(w->database);
  lc_database_turn_begin(w->database, w->now_micros);
  for (int i = 0; i < BANK_CLIENTS; i++) {
    if (w->clients[i].client == NULL) continue;
    leave(w, &w->clients[i], was_full);
    if (!was_full) model_commit_open(&w->model);
  }
  uint64_t durable = lc_database_close(w->database);
  note_acknowledged(w, durable);
  if (is_safe && durable != w->model.count)
    broken(w, "L2", "closing left %llu of %zu commits durable", (unsigned long long)durable, w->model.count);
}

static void end_life(bank_world *w) {
  if (!lc_sim_is_down(w->io) && pick(w, 2))
    close_orderly(w);
  else
    lc_database_abandon(w->database);
  w->database = NULL;
  for (int i = 0; i < BANK_CLIENTS; i++) {
    client_forget_sets(&w->clients[i]);
    if (w->clients[i].client) lc_client_disconnect(w->clients[i].client);
    w->clients[i].client = NULL;
  }
  if (w->publish.is_wanted && !w->publish.is_done) broken(w, "E3", "a publisher does not hear of the end");
  w->publish = (bank_publish){0};
  while (w->jobs.count) run_job(w); /* workers finish what they began */
  w->is_filling = false;
  if (lc_sim_was_stopped(w->io) && !w->may_stop) broken(w, "L12", "a machine without a failure was stopped");
  w->totals.stops += lc_sim_was_stopped(w->io);
  w->totals.crashes++;
  lc_sim_set_capacity(w->io, UINT64_MAX);
  lc_sim_crash(w->io);
}

static void live(bank_world *w) {
  if (pick(w, 3) == 0) lc_sim_crash_after(w->io, 1 + pick(w, 25));
  open_database(w);
  choose_fate(w);
  uint64_t turns = pick(w, TURNS_MAX), until_space = TURNS_MAX;
  if (w->is_filling) turns = TURNS_MAX, until_space = TURNS_MAX / 2 + pick(w, TURNS_MAX / 2);
  for (uint64_t i = 0; i < turns && !lc_sim_is_down(w->io); i++) {
    if (i == until_space) give_space(w);
    turn(w);
  }
  if (!lc_sim_is_down(w->io)) database_compare(w, "E2");
  end_life(w);
}

static void run(uint64_t seed, bank_totals *totals) {
  bank_world w = {.seed = seed, .io = lc_sim_create(seed), .totals = *totals};
  for (int i = 0; i < BANK_CLIENTS; i++) w.clients[i].world = &w;
  model_commit_open(&w.model); /* the first record of a log is empty */
  for (int life = 0; life < LIVES; life++) live(&w);
  open_database(&w);
  lc_database_abandon(w.database);
  if (verbose) printf("seed %llu: %zu commits kept\n", (unsigned long long)seed, w.model.count);
  *totals = w.totals;
  lc_vec_deinit(&w.timers);
  lc_vec_deinit(&w.jobs);
  model_deinit(&w.model);
  lc_io_close(w.io);
}

int main(int argc, char **argv) {
  uint64_t seeds = 250, first = 1;
  bank_totals totals = {0};
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc)
      seeds = strtoull(argv[++i], NULL, 10);
    else if (strcmp(argv[i], "--first") == 0 && i + 1 < argc)
      first = strtoull(argv[++i], NULL, 10);
    else if (strcmp(argv[i], "--verbose") == 0)
      verbose = true;
    else
      return fprintf(stderr, "usage: database_sim_test [--seeds N] [--first S] [--verbose]\n"), 2;
  }
  lc_err err = lc_host_init(&(lc_host_options){.cache_directory = program_directory()});
  if (lc_failed(err)) return fprintf(stderr, "%s\n", lc_err_text(err)), 1;
  lc_log_set_level(verbose ? LC_LOG_WARN : LC_LOG_OFF); /* crashes make errors; what matters is what comes of them */
  for (uint64_t seed = first; seed < first + seeds; seed++) run(seed, &totals);
  lc_host_deinit();
  printf(
      "%llu seeds: %llu calls, %llu commits, %llu scheduled, %llu publishes (%llu updates), %llu crashes (%llu by a failed write), %llu "
      "clients left over, %llu full disks, %llu calls refused; every promise kept\n",
      (unsigned long long)seeds, (unsigned long long)totals.calls, (unsigned long long)totals.commits, (unsigned long long)totals.firings,
      (unsigned long long)totals.publishes, (unsigned long long)totals.updates, (unsigned long long)totals.crashes,
      (unsigned long long)totals.stops, (unsigned long long)totals.leftovers, (unsigned long long)totals.full,
      (unsigned long long)totals.refusals);
  return 0;
}
