/* The database against the model: rows, module, numbers, timers, and the store's own check of itself. */
#include <string.h>

#include "sim/database_world.h"

static const char *const table_names[] = {
    [BANK_ACCOUNT] = "account", [BANK_NOTE] = "note",        [BANK_ALARM] = "alarm",
    [BANK_RUNG] = "rung",       [BANK_CLIENT] = "st_client", [BANK_CREDENTIALS] = "st_connection_credentials",
};

const char *database_table_name(int table) {
  return table_names[table];
}

static lc_table *find(const bank_world *w, int table) {
  return lc_store_table_by_name(lc_database_store(w->database), lc_str_of(table_names[table]));
}

/* The first row of the store that the model does not have. */
static bool find_stray(const bank_world *w, int number, lc_table *table, lc_row *row) {
  lc_scan scan;
  lc_table_scan(table, &scan);
  while (lc_scan_next(&scan, row))
    if (!model_has(&w->model, number, row->bytes, row->len)) return true;
  return false;
}

static void table_compare(const bank_world *w, int number, const char *rule) {
  lc_table *table = find(w, number);
  size_t count = w->model.tables[number].count;
  bool belongs_to_module = number < BANK_CLIENT;
  lc_row stray;
  if ((table == NULL) != (belongs_to_module && bank_edition(w) == EDITION_NONE))
    broken(w, rule, "table %s is %s", table_names[number], table ? "there" : "gone");
  if (table == NULL) return;
  if (find_stray(w, number, table, &stray)) broken(w, rule, "%s holds a row that it should not", table_names[number]);
  if (lc_table_row_count(table) != count)
    broken(w, rule, "%s has %llu rows, the model %zu", table_names[number], (unsigned long long)lc_table_row_count(table), count);
}

static void module_compare(const bank_world *w, const char *rule) {
  int edition = bank_edition(w);
  bool has_extra = lc_store_table_by_name(lc_database_store(w->database), LC_STR("extra")) != NULL;
  bool has_index = lc_store_index_by_name(lc_database_store(w->database), LC_STR("account_balance_idx_btree")) != NULL;
  if (has_extra != (edition == EDITION_MORE)) broken(w, rule, "table extra is %s", has_extra ? "there" : "gone");
  if (has_index != (edition == EDITION_INDEX)) broken(w, rule, "the index on the balance is %s", has_index ? "there" : "gone");
  if ((lc_database_def(w->database) == NULL) != (edition == EDITION_NONE)) broken(w, rule, "the module is there, or gone");
  lc_span stored;
  bool is_stored = lc_database_program(w->database, &stored);
  if (is_stored != (edition != EDITION_NONE)) broken(w, rule, "the program is %s", is_stored ? "there" : "gone");
  if (is_stored && (stored.len != program(edition).len || memcmp(stored.ptr, program(edition).ptr, stored.len) != 0))
    broken(w, rule, "another program is stored than was published");
}

void database_compare(const bank_world *w, const char *rule) {
  lc_err err = lc_store_check(lc_database_store(w->database));
  if (lc_failed(err)) broken(w, "L6", "%s", lc_err_text(err));
  for (int i = 0; i <= BANK_CREDENTIALS; i++) table_compare(w, i, rule);
  module_compare(w, rule);
}

/* A row that the model does not have, under a number that somebody was told belongs to another. */
static void reissue_check(const bank_world *w, int table) {
  lc_row stray;
  if (bank_edition(w) == EDITION_NONE || !find_stray(w, table, find(w, table), &stray)) return;
  unsigned long long number = lc_load64(stray.bytes);
  if (number <= w->acknowledged_drawn[table]) broken(w, "L7", "%s gave out %llu again", table_names[table], number);
}

void schedules_compare(const bank_world *w) {
  reissue_check(w, BANK_RUNG);
  table_compare(w, BANK_RUNG, "L8");
  table_compare(w, BANK_ALARM, "L8");
  int64_t due = lc_database_next_due(w->database), expected = bank_next_due(w);
  if (due != expected && !lc_database_is_full(w->database))
    broken(w, "L8", "the next schedule is due in %lld us, expected %lld", (long long)(due - w->now_micros),
           (long long)(expected - w->now_micros));
}

void numbers_compare(const bank_world *w) {
  for (int table = BANK_NOTE; table <= BANK_RUNG; table++) {
    lc_row stray;
    if (w->model.last_drawn[table] == w->model.commits[w->model.count - 1].last_drawn[table]) continue;
    reissue_check(w, table);
    if (find_stray(w, table, find(w, table), &stray))
      broken(w, "L6", "%s gave out %llu, expected %llu", table_names[table], (unsigned long long)lc_load64(stray.bytes),
             (unsigned long long)w->model.last_drawn[table]);
  }
}
