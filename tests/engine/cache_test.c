/*
 * L9 by brute force: clients keep a cache per query set from what they are told, and after every random transaction each cache equals the
 * set's queries evaluated anew. Sets come and go, clients come and go, calls fail in between.
 */
#include "base/logging.h"
#include "fixture.h"

enum { CLIENTS = 5, SETS = 3, ROWS_MAX = 4096, ROW_BYTES = 48 };

/* A bag of rows. */
typedef struct row_bag {
  uint8_t rows[ROWS_MAX][ROW_BYTES];
  size_t lens[ROWS_MAX], count;
} row_bag;

typedef struct cached_set {
  bool live;
  const char *queries[2];
  row_bag rows;
} cached_set;

typedef struct cached_client {
  lc_client *client;
  cached_set sets[SETS];
} cached_client;

static void bag_add(row_bag *bag, lc_span row) {
  expect(bag->count < ROWS_MAX && row.len <= ROW_BYTES);
  memcpy(bag->rows[bag->count], row.ptr, row.len);
  bag->lens[bag->count++] = row.len;
}
static bool bag_remove(row_bag *bag, lc_span row) {
  for (size_t i = 0; i < bag->count; i++) {
    if (bag->lens[i] != row.len || memcmp(bag->rows[i], row.ptr, row.len) != 0) continue;
    bag->count--;
    memmove(bag->rows[i], bag->rows[bag->count], ROW_BYTES);
    bag->lens[i] = bag->lens[bag->count];
    return true;
  }
  return false;
}

static void apply(cached_client *client, const lc_client_update *update) {
  for (uint32_t s = 0; s < update->set_count; s++) {
    const lc_set_update *set = &update->sets[s];
    expect(set->query_set_id < SETS && client->sets[set->query_set_id].live);
    expect(s == 0 || set->query_set_id > update->sets[s - 1].query_set_id);
    row_bag *rows = &client->sets[set->query_set_id].rows;
    for (uint32_t q = 0; q < set->query_count; q++) { /* as clients do: inserts before deletes */
      const lc_query_update *changed = &set->queries[q];
      expect(changed->inserts->count + changed->deletes->count > 0);
      for (uint32_t i = 0; i < changed->inserts->count; i++) bag_add(rows, lc_row_list_get(changed->inserts, i));
      for (uint32_t i = 0; i < changed->deletes->count; i++) expect(bag_remove(rows, lc_row_list_get(changed->deletes, i)));
    }
  }
}

static void cache_update(void *session, const lc_client_update *update) {
  expect(update->set_count > 0); /* never sent empty */
  apply(session, update);
}
static void cache_failed(void *session, uint32_t set, const char *reason) {
  lc_test_fail("set %u: %s", set, reason);
}
static void cache_closed(void *session, lc_close_reason reason) {}
static const lc_client_events cache_events = {cache_update, cache_failed, cache_closed};

static uint64_t state;
static uint32_t below(uint32_t limit) {
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return (uint32_t)(state >> 32) % limit;
}

static const char *const texts[] = {
    "SELECT * FROM account",
    "SELECT * FROM account WHERE id = 3",
    "SELECT * FROM account WHERE id = 4",
    "SELECT * FROM account WHERE balance > 100",
    "SELECT * FROM account WHERE balance = 100",
    "SELECT * FROM account WHERE id >= 3 AND balance < 150",
    "SELECT * FROM note WHERE id = 2",
    "SELECT * FROM st_client",
};

static void toggle_set(cached_client *client, uint32_t id) {
  cached_set *set = &client->sets[id];
  lc_subscription_rows rows;
  if (set->live) {
    set->live = false;
    expect_ok(lc_client_unsubscribe(client->client, id, true, &rows));
    for (uint32_t i = 0; i < rows.count; i++)
      for (uint32_t k = 0; k < rows.entries[i].rows.count; k++) expect(bag_remove(&set->rows, lc_row_list_get(&rows.entries[i].rows, k)));
    expect_equal(set->rows.count, 0); /* what is dropped is what was held */
  } else {
    lc_str queries[2];
    uint32_t first = below(8), second = (first + 1 + below(7)) % 8;
    set->queries[0] = texts[first];
    set->queries[1] = texts[second];
    for (int i = 0; i < 2; i++) queries[i] = lc_str_of(set->queries[i]);
    set->rows.count = 0;
    set->live = true;
    expect_ok(lc_client_subscribe(client->client, LC_SUBSCRIBE_SET, id, queries, 2, &rows));
    for (uint32_t i = 0; i < rows.count; i++)
      for (uint32_t k = 0; k < rows.entries[i].rows.count; k++) bag_add(&set->rows, lc_row_list_get(&rows.entries[i].rows, k));
  }
  lc_subscription_rows_deinit(&rows);
}

static void compare(cached_client *client) {
  for (uint32_t id = 0; id < SETS; id++) {
    cached_set *set = &client->sets[id];
    if (!set->live) continue;
    static row_bag left;
    left = set->rows;
    for (int q = 0; q < 2; q++) {
      lc_subscription_rows rows;
      expect_ok(lc_client_query(client->client, lc_str_of(set->queries[q]), &rows));
      for (uint32_t k = 0; k < rows.entries[0].rows.count; k++)
        if (!bag_remove(&left, lc_row_list_get(&rows.entries[0].rows, k))) lc_test_fail("a row of %s is missing", set->queries[q]);
      lc_subscription_rows_deinit(&rows);
    }
    if (left.count) lc_test_fail("%zu rows too many for %s and %s", left.count, set->queries[0], set->queries[1]);
  }
}

static void toggle_client(fixture *f, cached_client *client, uint32_t number) {
  if (client->client) {
    lc_client *old = client->client;
    client->client = NULL;
    lc_client_disconnect(old);
    for (uint32_t i = 0; i < SETS; i++) client->sets[i].live = false;
  } else {
    expect_ok(
        lc_client_connect(f->database, alice, (lc_connection_id){number + 1, 0}, LC_STR("{}"), &cache_events, client, &client->client));
  }
}

static void random_call(fixture *f, cached_client *caller) {
  static const char *const reducers[] = {"transfer", "open_account", "wipe", "fail", "crash"};
  uint32_t choice = below(20);
  uint32_t which = choice < 12 ? 0 : choice < 15 ? 1 : choice < 17 ? 2 : choice < 19 ? 3 : 4;
  uint8_t arguments[32] = {0};
  uint32_t first = which == 1 ? 3 + below(12) : 1 + below(14), second = 1 + below(14);
  lc_store32(arguments, which == 3 ? 2 : first);
  if (which == 0) lc_store32(arguments + 4, second), lc_store64(arguments + 8, below(40));
  if (which == 1) lc_store64(arguments + 4, 80 + 10 * below(5));
  lc_reducer_call call = {.reducer = lc_str_of(reducers[which]), .arguments = lc_span_of(arguments, 16)};
  lc_reducer_result result;
  lc_database_call(f->database, caller ? caller->client : NULL, bob, (lc_connection_id){0}, &call, &result);
  if (caller && result.outcome == LC_OUTCOME_OK) apply(caller, &result.update);
}

TEST(caches_equal_queries_after_every_transaction) {
  static cached_client clients[CLIENTS];
  fixture f;
  fixture_open(&f, true);
  lc_log_set_level(LC_LOG_ERROR);
  publish_bank(&f, 1);
  state = 0x2545f4914f6cdd1d;
  for (int step = 0; step < 3000; step++) {
    cached_client *client = &clients[below(CLIENTS)];
    uint32_t choice = below(40);
    if (choice == 0 || client->client == NULL) {
      toggle_client(&f, client, (uint32_t)(client - clients));
    } else if (choice < 6) {
      toggle_set(client, below(SETS));
    } else {
      random_call(&f, choice & 1 ? client : NULL);
    }
    for (uint32_t i = 0; i < CLIENTS; i++)
      if (clients[i].client) compare(&clients[i]);
  }
  for (uint32_t i = 0; i < CLIENTS; i++)
    if (clients[i].client) toggle_client(&f, &clients[i], i);
  expect_equal(f.database->queries.count, 0);
  expect_equal(f.database->watches.count, 1); /* the scheduled table's */
  fixture_close(&f);
}
