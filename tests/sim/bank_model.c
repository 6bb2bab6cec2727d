/*
 * tests/engine/bank.c said a second time, over the brute-force model: what each reducer does to which rows, what its caller is told, and
 * when what is scheduled runs (L8). Rows are BSATN, as the module writes them:
 *
 *   account  id u32, balance i64
 *   note     id u64 (numbered), text String
 *   alarm    id u64 (numbered), tag u8 (0 Interval, 1 Time), micros i64
 *   rung     id u64 (numbered), alarm u64, at i64      one row per call of `ring`
 *   st_client                  identity u256, connection u128
 *   st_connection_credentials  connection u128, payload String
 */
#include <stdlib.h>
#include <string.h>

#include "sim/database_world.h"

#define FATAL "The instance encountered a fatal error."
static const int64_t DELAY_MICROS_MAX = ((1ll << 36) - 1) * 1000;

static const bank_outcome fine = {LC_OUTCOME_OK, NULL}, fatal = {LC_OUTCOME_INTERNAL_ERROR, FATAL};
static bank_outcome refuse(const char *text) {
  return (bank_outcome){LC_OUTCOME_USER_ERROR, text};
}

/* ---- rows ---- */

void bank_remove(bank_world *w, int table, size_t position) {
  const model_row *row = &w->model.tables[table].rows[position];
  uint8_t *copy = malloc(row->len + 1); /* the row goes while it is removed */
  uint32_t len = row->len;
  if (copy == NULL) abort();
  memcpy(copy, row->bytes, len);
  model_delete(&w->model, table, copy, len);
  free(copy);
}

void bank_add_numbered(bank_world *w, int table, const void *columns, size_t len) {
  uint8_t *row = malloc(8 + len);
  if (row == NULL) abort();
  lc_store64(row, ++w->model.last_drawn[table]);
  memcpy(row + 8, columns, len);
  model_insert(&w->model, table, row, 8 + len);
  free(row);
}

int bank_edition(const bank_world *w) {
  const model_table *programs = &w->model.tables[BANK_PROGRAM];
  return programs->count ? programs->rows[0].bytes[0] : EDITION_NONE;
}

static size_t account_position(const bank_world *w, uint32_t id) {
  const model_table *accounts = &w->model.tables[BANK_ACCOUNT];
  size_t i = 0;
  while (i < accounts->count && lc_load32(accounts->rows[i].bytes) != id) i++;
  return i;
}
const model_row *bank_account(const bank_world *w, uint32_t id) {
  size_t at = account_position(w, id);
  return at < w->model.tables[BANK_ACCOUNT].count ? &w->model.tables[BANK_ACCOUNT].rows[at] : NULL;
}

void bank_put_account(bank_world *w, uint32_t id, int64_t balance) {
  uint8_t row[12];
  lc_store32(row, id);
  lc_store64(row + 4, (uint64_t)balance);
  if (model_has(&w->model, BANK_ACCOUNT, row, sizeof row)) return;
  if (bank_account(w, id)) bank_remove(w, BANK_ACCOUNT, account_position(w, id));
  model_insert(&w->model, BANK_ACCOUNT, row, sizeof row);
}

static void add_note(bank_world *w, lc_str first, lc_str second) {
  lc_buf columns = {0};
  lc_buf_put32(&columns, (uint32_t)(first.len + second.len));
  lc_buf_put_str(&columns, first);
  lc_buf_put_str(&columns, second);
  bank_add_numbered(w, BANK_NOTE, columns.data, columns.len);
  lc_buf_deinit(&columns);
}

/* ---- publishing ---- */

static void set_edition(bank_world *w, int edition) {
  uint8_t byte = (uint8_t)edition;
  if (w->model.tables[BANK_PROGRAM].count) bank_remove(w, BANK_PROGRAM, 0);
  model_insert(&w->model, BANK_PROGRAM, &byte, 1);
}
void bank_init(bank_world *w, int edition) {
  set_edition(w, edition);
  bank_put_account(w, 1, 100);
  bank_put_account(w, 2, 100);
}
void bank_update(bank_world *w, int edition) {
  set_edition(w, edition);
}

/* ---- clients ---- */

bank_outcome bank_connect(bank_world *w, const bank_client *client, lc_str payload) {
  lc_buf row = {0};
  if (bank_account(w, GATE_CONNECT)) return refuse("closed today");
  lc_buf_append(&row, client->identity.bytes, 32);
  lc_buf_append(&row, &client->connection, 16);
  model_insert(&w->model, BANK_CLIENT, row.data, row.len);
  lc_buf_clear(&row);
  lc_buf_append(&row, &client->connection, 16);
  lc_buf_put_sized(&row, payload.ptr, payload.len);
  model_insert(&w->model, BANK_CREDENTIALS, row.data, row.len);
  lc_buf_deinit(&row);
  add_note(w, LC_STR("hello "), payload);
  return fine;
}

void bank_disconnect(bank_world *w, const model_row *client_row) {
  const model_table *credentials = &w->model.tables[BANK_CREDENTIALS];
  if (bank_account(w, GATE_DISCONNECT) == NULL) add_note(w, LC_STR("goodbye"), LC_STR(""));
  for (size_t i = 0; i < credentials->count; i++) {
    if (memcmp(credentials->rows[i].bytes, client_row->bytes + 32, 16) != 0) continue;
    bank_remove(w, BANK_CREDENTIALS, i);
    break;
  }
  bank_remove(w, BANK_CLIENT, (size_t)(client_row - w->model.tables[BANK_CLIENT].rows));
}

/* ---- reducers ---- */

typedef struct bank_reducer {
  const char *name;
  unsigned weight;
  void (*choose)(bank_world *w, bank_call *call); /* the arguments; NULL: none */
  bank_outcome (*run)(bank_world *w, const bank_call *call);
} bank_reducer;

static uint32_t some_account(bank_world *w) {
  return pick(w, 60) ? 1 + (uint32_t)pick(w, 14) : GATE_CONNECT + (uint32_t)pick(w, 3);
}

static void choose_transfer(bank_world *w, bank_call *call) {
  uint64_t amount = pick(w, 10) ? pick(w, 40) : 10000;
  lc_buf_put32(&call->arguments, (uint32_t)(call->numbers[0] = some_account(w)));
  lc_buf_put32(&call->arguments, (uint32_t)(call->numbers[1] = some_account(w)));
  lc_buf_put64(&call->arguments, call->numbers[2] = amount);
}
static bank_outcome run_transfer(bank_world *w, const bank_call *call) {
  uint32_t from = (uint32_t)call->numbers[0], to = (uint32_t)call->numbers[1];
  int64_t amount = (int64_t)call->numbers[2];
  const model_row *payer = bank_account(w, from), *payee = bank_account(w, to);
  if (payer == NULL || payee == NULL) return refuse("account_missing");
  int64_t from_balance = (int64_t)lc_load64(payer->bytes + 4), to_balance = (int64_t)lc_load64(payee->bytes + 4);
  if (from_balance < amount) return refuse("insufficient_funds");
  bank_put_account(w, from, from_balance - amount);
  bank_put_account(w, to, to_balance + amount);
  return fine;
}

static void choose_account(bank_world *w, bank_call *call) {
  lc_buf_put32(&call->arguments, (uint32_t)(call->numbers[0] = some_account(w)));
  lc_buf_put64(&call->arguments, call->numbers[1] = 80 + 10 * pick(w, 5));
}
static bank_outcome run_open_account(bank_world *w, const bank_call *call) {
  const model_row *old = bank_account(w, (uint32_t)call->numbers[0]);
  if (old && lc_load64(old->bytes + 4) != call->numbers[1]) return fatal; /* the key is taken, and the module traps */
  bank_put_account(w, (uint32_t)call->numbers[0], (int64_t)call->numbers[1]);
  return fine;
}
static void choose_wipe(bank_world *w, bank_call *call) {
  uint32_t id = GATE_CONNECT + (uint32_t)pick(w, 3);
  if (bank_account(w, id) == NULL || pick(w, 4) == 0) id = some_account(w);
  lc_buf_put32(&call->arguments, (uint32_t)(call->numbers[0] = id));
}
static bank_outcome run_wipe(bank_world *w, const bank_call *call) {
  if (bank_account(w, (uint32_t)call->numbers[0])) bank_remove(w, BANK_ACCOUNT, account_position(w, (uint32_t)call->numbers[0]));
  return fine;
}

static void choose_text(bank_world *w, bank_call *call) {
  lc_buf_put_sized(&call->arguments, "not today", 9);
}
static bank_outcome run_fail(bank_world *w, const bank_call *call) {
  bank_put_account(w, 999, 1);
  return refuse("not today");
}
static bank_outcome run_crash(bank_world *w, const bank_call *call) {
  bank_put_account(w, 998, 1);
  return fatal;
}
static bank_outcome run_odd(bank_world *w, const bank_call *call) {
  return fatal;
}
static bank_outcome run_say(bank_world *w, const bank_call *call) {
  return fine;
}
static void choose_said(bank_world *w, bank_call *call) {
  lc_buf_put_sized(&call->arguments, "said later", 10);
}
static bank_outcome run_later(bank_world *w, const bank_call *call) {
  w->immediates++;
  return refuse("but later");
}

/* Micros are never the same twice, so that no two alarms are due at one instant (but after a start, by chance). */
static void choose_alarm(bank_world *w, bank_call *call) {
  uint64_t is_time = pick(w, 2);
  int64_t odd = (int64_t)(w->alarms++ % 997), micros = 1000 + (int64_t)pick(w, 20) * 1000 + odd;
  if (is_time) micros = w->now_micros - 10000 + (int64_t)pick(w, 40) * 1000 + odd;
  if (!is_time && pick(w, 8) == 0) micros = -micros;
  if (w->model.tables[BANK_ALARM].count >= ALARMS_MAX) micros = INT64_MAX - odd;
  lc_buf_put8(&call->arguments, (uint8_t)(call->numbers[0] = is_time));
  lc_buf_put64(&call->arguments, call->numbers[1] = (uint64_t)micros);
}
static bank_outcome run_set_alarm(bank_world *w, const bank_call *call) {
  int64_t micros = (int64_t)call->numbers[1], delay = micros < 0 ? -micros : micros;
  if (call->numbers[0]) delay = micros - w->now_micros;
  bank_add_numbered(w, BANK_ALARM, call->arguments.data, 9);
  return delay > DELAY_MICROS_MAX ? refuse("too long") : fine;
}
static bank_outcome run_set_alarm_and_fail(bank_world *w, const bank_call *call) {
  bank_outcome set = run_set_alarm(w, call);
  return set.outcome == LC_OUTCOME_OK ? refuse("after all not") : set;
}
static void choose_clear(bank_world *w, bank_call *call) {
  const model_table *alarms = &w->model.tables[BANK_ALARM];
  uint64_t id = alarms->count && pick(w, 4) ? lc_load64(alarms->rows[pick(w, alarms->count)].bytes) : pick(w, 20);
  lc_buf_put64(&call->arguments, call->numbers[0] = id);
}
static bank_outcome run_clear_alarm(bank_world *w, const bank_call *call) {
  const model_table *alarms = &w->model.tables[BANK_ALARM];
  for (size_t i = 0; i < alarms->count; i++) {
    if (lc_load64(alarms->rows[i].bytes) != call->numbers[0]) continue;
    bank_remove(w, BANK_ALARM, i);
    break;
  }
  return fine;
}

static bank_outcome run_answer(bank_world *w, const bank_call *call) {
  if (bank_edition(w) != EDITION_MORE) return (bank_outcome){LC_OUTCOME_REFUSED, "no such reducer"};
  return fatal;
}
static bank_outcome run_init(bank_world *w, const bank_call *call) {
  return (bank_outcome){LC_OUTCOME_REFUSED, "can't directly call special Init lifecycle reducer"};
}

static const bank_reducer reducers[] = {
    {"transfer", 40, choose_transfer, run_transfer},
    {"open_account", 12, choose_account, run_open_account},
    {"wipe", 8, choose_wipe, run_wipe},
    {"fail", 4, choose_text, run_fail},
    {"crash", 2, NULL, run_crash},
    {"odd", 1, NULL, run_odd},
    {"say", 1, choose_text, run_say},
    {"later", 2, choose_said, run_later},
    {"set_alarm", 8, choose_alarm, run_set_alarm},
    {"set_alarm_and_fail", 2, choose_alarm, run_set_alarm_and_fail},
    {"clear_alarm", 3, choose_clear, run_clear_alarm},
    {"answer", 2, NULL, run_answer},
    {"init", 1, NULL, run_init},
};

void bank_call_choose(bank_world *w, bank_call *call) {
  uint64_t sum = 0;
  for (size_t i = 0; i < sizeof reducers / sizeof *reducers; i++) sum += reducers[i].weight;
  uint64_t at = pick(w, sum);
  *call = (bank_call){.reducer = reducers};
  for (; at >= call->reducer->weight; call->reducer++) at -= call->reducer->weight;
  if (call->reducer->choose) call->reducer->choose(w, call);
}
const char *bank_call_name(const bank_call *call) {
  return call->reducer->name;
}
bank_outcome bank_call_run(bank_world *w, const bank_call *call) {
  return call->reducer->run(w, call);
}

/* ---- schedules ---- */

static size_t alarm_position(const bank_world *w, uint64_t id) {
  const model_table *alarms = &w->model.tables[BANK_ALARM];
  size_t i = 0;
  while (i < alarms->count && lc_load64(alarms->rows[i].bytes) != id) i++;
  return i;
}

static int64_t period_of(const model_row *alarm) {
  int64_t micros = (int64_t)lc_load64(alarm->bytes + 9);
  return micros < 0 ? -micros : micros;
}

/* An interval runs first one period after it was armed, a time at that time. */
static int64_t first_due(const bank_world *w, const model_row *alarm) {
  return alarm->bytes[8] == 1 ? (int64_t)lc_load64(alarm->bytes + 9) : w->now_micros + period_of(alarm);
}

static void timer_remove(bank_world *w, size_t at) {
  w->timers.count--;
  memmove(&w->timers.items[at], &w->timers.items[at + 1], (w->timers.count - at) * sizeof *w->timers.items);
}

void bank_timers_follow(bank_world *w) {
  const model_table *alarms = &w->model.tables[BANK_ALARM];
  for (size_t i = w->timers.count; i-- > 0;)
    if (alarm_position(w, w->timers.items[i].row) == alarms->count) timer_remove(w, i);
  for (size_t i = 0; i < alarms->count; i++) {
    uint64_t id = lc_load64(alarms->rows[i].bytes);
    bool is_armed = false;
    for (size_t k = 0; k < w->timers.count; k++) is_armed |= w->timers.items[k].row == id;
    bank_timer timer = {id, first_due(w, &alarms->rows[i])};
    if (!is_armed) lc_vec_push(&w->timers, timer);
  }
}

void bank_timers_reload(bank_world *w) {
  lc_vec_clear(&w->timers);
  bank_timers_follow(w);
}

/* The timer that is due first, or SIZE_MAX. */
static size_t first_timer(const bank_world *w) {
  size_t first = SIZE_MAX;
  for (size_t i = 0; i < w->timers.count; i++)
    if (first == SIZE_MAX || w->timers.items[i].next_micros < w->timers.items[first].next_micros) first = i;
  return first;
}

int64_t bank_next_due(const bank_world *w) {
  if (bank_edition(w) == EDITION_NONE) return INT64_MAX;
  if (w->immediates) return INT64_MIN;
  return w->timers.count ? w->timers.items[first_timer(w)].next_micros : INT64_MAX;
}

static bool commit_within(bank_world *w, uint64_t limit) {
  if (w->model.count >= limit) return false;
  model_commit_open(&w->model);
  return true;
}

/* One call of `ring`; a time's row goes in a transaction of its own, however the call ended. False when the log took no more: then the
 * timer stays as it was, and the call comes once more when there is space. */
static bool fire(bank_world *w, size_t at, uint64_t limit) {
  bank_timer timer = w->timers.items[at];
  const model_row *alarm = &w->model.tables[BANK_ALARM].rows[alarm_position(w, timer.row)];
  bool is_time = alarm->bytes[8] == 1;
  int64_t period = period_of(alarm);
  if (bank_account(w, GATE_RING) == NULL) {
    uint8_t columns[16];
    lc_store64(columns, timer.row);
    lc_store64(columns + 8, (uint64_t)w->now_micros);
    bank_add_numbered(w, BANK_RUNG, columns, sizeof columns);
    if (!commit_within(w, limit)) return false;
  }
  w->totals.firings++;
  if (is_time) {
    bank_remove(w, BANK_ALARM, alarm_position(w, timer.row));
    if (!commit_within(w, limit)) return false;
    bank_timers_follow(w);
    return true;
  }
  timer_remove(w, at);
  /* The next point of the grid that is still to come. */
  timer.next_micros += ((w->now_micros - timer.next_micros) / period + 1) * period;
  lc_vec_push(&w->timers, timer);
  return true;
}

void bank_run_due(bank_world *w, uint64_t limit) {
  for (size_t left = w->timers.count; left > 0; left--) {
    size_t first = first_timer(w);
    if (first == SIZE_MAX || w->timers.items[first].next_micros > w->now_micros) return;
    if (fire(w, first, limit)) continue;
    model_abort(&w->model);
    return;
  }
}
