/*
 * Clients that subscribe, and keep a cache per query set from what they are told. The queries are evaluated a second time over the model,
 * one row after the other (L9).
 */
#include <stdlib.h>
#include <string.h>

#include "sim/database_world.h"

typedef struct bank_query {
  const char *sql;
  int table;                                              /* of the model; -1: one that is always empty */
  bool (*keeps)(const bank_world *w, const uint8_t *row); /* NULL: every row */
  int edition;                                            /* in which it compiles; 0: any */
} bank_query;

static int64_t balance_of(const uint8_t *account) {
  return (int64_t)lc_load64(account + 4);
}
static bool is_3(const bank_world *w, const uint8_t *row) {
  return lc_load32(row) == 3;
}
static bool is_4(const bank_world *w, const uint8_t *row) {
  return lc_load32(row) == 4;
}
static bool is_over_100(const bank_world *w, const uint8_t *row) {
  return balance_of(row) > 100;
}
static bool is_100(const bank_world *w, const uint8_t *row) {
  return balance_of(row) == 100;
}
static bool is_poor_from_3(const bank_world *w, const uint8_t *row) {
  return lc_load32(row) >= 3 && balance_of(row) < 150;
}
static bool is_goodbye(const bank_world *w, const uint8_t *row) {
  return lc_load32(row + 8) == 7 && memcmp(row + 12, "goodbye", 7) == 0;
}
static bool is_5(const bank_world *w, const uint8_t *row) {
  return lc_load64(row) == 5;
}
static bool is_from_4(const bank_world *w, const uint8_t *row) {
  return lc_load64(row) >= 4;
}
static const bank_query queries[] = {
    {"SELECT * FROM account", BANK_ACCOUNT, NULL, 0},
    {"SELECT * FROM account WHERE id = 3", BANK_ACCOUNT, is_3, 0},
    {"SELECT * FROM account WHERE id = 4", BANK_ACCOUNT, is_4, 0},
    {"SELECT * FROM account WHERE balance > 100", BANK_ACCOUNT, is_over_100, 0},
    {"SELECT * FROM account WHERE balance = 100", BANK_ACCOUNT, is_100, 0},
    {"SELECT * FROM account WHERE id >= 3 AND balance < 150", BANK_ACCOUNT, is_poor_from_3, 0},
    {"SELECT * FROM note", BANK_NOTE, NULL, 0},
    {"SELECT * FROM note WHERE id = 5", BANK_NOTE, is_5, 0},
    {"SELECT * FROM note WHERE text = 'goodbye'", BANK_NOTE, is_goodbye, 0},
    {"SELECT * FROM alarm", BANK_ALARM, NULL, 0},
    {"SELECT * FROM alarm WHERE id >= 4", BANK_ALARM, is_from_4, 0},
    {"SELECT * FROM st_client", BANK_CLIENT, NULL, 0},
    {"SELECT * FROM extra", -1, NULL, EDITION_MORE},
    {"SELECT * FROM rung", -1, NULL, EDITIONS}, /* private */
};
enum { QUERIES = sizeof queries / sizeof *queries };

static bool compiles(const bank_world *w, const bank_query *query) {
  return query->edition == 0 || query->edition == bank_edition(w);
}

/* ---- caches ---- */

static void cache_add(bank_set *set, lc_span row) {
  model_row copy = {malloc(row.len + 1), (uint32_t)row.len};
  if (copy.bytes == NULL) abort();
  if (row.len) memcpy(copy.bytes, row.ptr, row.len);
  lc_vec_push(&set->rows, copy);
}

static bool cache_remove(bank_set *set, lc_span row) {
  for (size_t i = 0; i < set->rows.count; i++) {
    if (set->rows.items[i].len != row.len || memcmp(set->rows.items[i].bytes, row.ptr, row.len) != 0) continue;
    free(set->rows.items[i].bytes);
    lc_vec_remove_swap(&set->rows, i);
    return true;
  }
  return false;
}

static void cache_clear(bank_set *set) {
  for (size_t i = 0; i < set->rows.count; i++) free(set->rows.items[i].bytes);
  lc_vec_deinit(&set->rows);
  set->is_live = false;
}

void client_forget_sets(bank_client *client) {
  for (int i = 0; i < BANK_SETS; i++) cache_clear(&client->sets[i]);
}

/* As clients do: inserts before deletes. */
void client_apply(bank_client *client, const lc_client_update *update) {
  const bank_world *w = client->world;
  for (uint32_t s = 0; s < update->set_count; s++) {
    const lc_set_update *told = &update->sets[s];
    if (told->query_set_id >= BANK_SETS || !client->sets[told->query_set_id].is_live)
      broken(w, "L9", "a client is told of set %u, which it does not have", told->query_set_id);
    if (s > 0 && told->query_set_id <= update->sets[s - 1].query_set_id) broken(w, "L9", "the sets of an update are not ascending");
    bank_set *set = &client->sets[told->query_set_id];
    for (uint32_t q = 0; q < told->query_count; q++) {
      const lc_query_update *changed = &told->queries[q];
      if (changed->inserts->count + changed->deletes->count == 0) broken(w, "L9", "a client is told of nothing");
      for (uint32_t i = 0; i < changed->inserts->count; i++) cache_add(set, lc_row_list_get(changed->inserts, i));
      for (uint32_t i = 0; i < changed->deletes->count; i++)
        if (!cache_remove(set, lc_row_list_get(changed->deletes, i))) broken(w, "L9", "a client loses a row that it never had");
    }
  }
}

static void on_update(void *session, const lc_client_update *update) {
  bank_client *client = session;
  if (update->set_count == 0) broken(client->world, "L9", "a client is told of nothing");
  if (update->offset != lc__database_seen(client->world->database))
    broken(client->world, "E1", "an update names offset %llu", (unsigned long long)update->offset);
  client_apply(client, update);
}
static void on_failed(void *session, uint32_t set, const char *reason) {
  broken(((bank_client *)session)->world, "L9", "set %u: %s", set, reason);
}
static void on_closed(void *session, lc_close_reason reason) {
  bank_client *client = session;
  client->is_closed = true;
  client_forget_sets(client);
}
const lc_client_events bank_client_events = {on_update, on_failed, on_closed};

/* ---- subscribing ---- */

static void subscribe(bank_client *client, uint32_t id) {
  const bank_world *w = client->world;
  bank_set *set = &client->sets[id];
  lc_str texts[BANK_SET_QUERIES];
  bool is_fine = true;
  set->queries[0] = (int)pick(w, QUERIES);
  set->queries[1] = (set->queries[0] + 1 + (int)pick(w, QUERIES - 1)) % QUERIES;
  for (int i = 0; i < BANK_SET_QUERIES; i++) {
    texts[i] = lc_str_of(queries[set->queries[i]].sql);
    is_fine &= compiles(w, &queries[set->queries[i]]);
  }
  lc_subscription_rows rows;
  lc_err err = lc_client_subscribe(client->client, LC_SUBSCRIBE_SET, id, texts, BANK_SET_QUERIES, &rows);
  if (lc_failed(err) == is_fine) broken(w, "L9", "subscribing to %s and %s: %s", texts[0].ptr, texts[1].ptr, lc_err_text(err));
  if (!is_fine) return;
  if (rows.offset + 1 != w->model.count) broken(w, "L1", "a subscription depends on offset %llu", (unsigned long long)rows.offset);
  set->is_live = true;
  for (uint32_t i = 0; i < rows.count; i++)
    for (uint32_t k = 0; k < rows.entries[i].rows.count; k++) cache_add(set, lc_row_list_get(&rows.entries[i].rows, k));
  lc_subscription_rows_deinit(&rows);
}

/* What is dropped is what was held. */
static void unsubscribe(bank_client *client, uint32_t id) {
  bank_set *set = &client->sets[id];
  lc_subscription_rows rows;
  lc_err err = lc_client_unsubscribe(client->client, id, true, &rows);
  if (lc_failed(err)) broken(client->world, "L9", "unsubscribing: %s", lc_err_text(err));
  for (uint32_t i = 0; i < rows.count; i++)
    for (uint32_t k = 0; k < rows.entries[i].rows.count; k++)
      if (!cache_remove(set, lc_row_list_get(&rows.entries[i].rows, k))) broken(client->world, "L9", "a set drops a row that it never had");
  if (set->rows.count) broken(client->world, "L9", "a set that ends keeps %zu rows", set->rows.count);
  lc_subscription_rows_deinit(&rows);
  cache_clear(set);
}

void client_toggle_set(bank_client *client) {
  uint32_t id = (uint32_t)pick(client->world, BANK_SETS);
  if (client->sets[id].is_live)
    unsubscribe(client, id);
  else
    subscribe(client, id);
}

/* ---- comparing ---- */

/* Takes the rows of the query's answer out of `rows`, whose first `count` are still to be explained. */
static size_t explain(const bank_world *w, const bank_query *query, model_row *rows, size_t count) {
  for (size_t i = 0; query->table >= 0 && i < w->model.tables[query->table].count; i++) {
    const model_row *row = &w->model.tables[query->table].rows[i];
    if (query->keeps && !query->keeps(w, row->bytes)) continue;
    size_t at = 0;
    while (at < count && (rows[at].len != row->len || memcmp(rows[at].bytes, row->bytes, row->len) != 0)) at++;
    if (at == count) broken(w, "L9", "a row of %s is missing", query->sql);
    model_row found = rows[at];
    rows[at] = rows[--count];
    rows[count] = found;
  }
  return count;
}

void clients_compare(bank_world *w) {
  for (int c = 0; c < BANK_CLIENTS; c++) {
    for (int s = 0; s < BANK_SETS; s++) {
      bank_set *set = &w->clients[c].sets[s];
      if (!set->is_live) continue;
      size_t left = set->rows.count;
      for (int q = 0; q < BANK_SET_QUERIES; q++) left = explain(w, &queries[set->queries[q]], set->rows.items, left);
      if (left) broken(w, "L9", "%zu rows too many for %s and %s", left, queries[set->queries[0]].sql, queries[set->queries[1]].sql);
    }
  }
}

void client_query(bank_client *client) {
  const bank_world *w = client->world;
  const bank_query *query = &queries[pick(w, QUERIES)];
  bank_set answer = {0};
  lc_subscription_rows rows;
  lc_err err = lc_client_query(client->client, lc_str_of(query->sql), &rows);
  if (lc_failed(err) == compiles(w, query)) broken(w, "L9", "%s: %s", query->sql, lc_err_text(err));
  if (lc_failed(err)) return;
  for (uint32_t k = 0; k < rows.entries[0].rows.count; k++) cache_add(&answer, lc_row_list_get(&rows.entries[0].rows, k));
  size_t left = explain(w, query, answer.rows.items, answer.rows.count);
  if (left) broken(w, "L9", "%s answers with %zu rows too many", query->sql, left);
  cache_clear(&answer);
  lc_subscription_rows_deinit(&rows);
}
