/*
 * What a committed transaction means for those who subscribed (L9).
 *
 *   1  collect   per changed table: the queries that every change concerns, and by hash those whose `column = literal` a changed row has
 *   2  evaluate  each distinct query once; its two row lists are what all holders get (encode once)
 *   3  gather    per client the items whose query changed
 *   4  tell      one update per client: sets by id, queries by table name
 *
 * The lists stay as they are until the next transaction that touches the query; everything else of an update lies in the transaction's
 * arena.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/logging.h"
#include "engine/engine_internal.h"

/* ---- 1: which queries ---- */

static void affect(lc_database *database, lc__query *query) {
  if (query->serial == database->serial) return;
  query->serial = database->serial;
  lc_vec_push(&database->affected, query);
}

static void affect_by_value(lc_database *database, const lc__search *search, const lc_layout *layout, const lc_row *rows, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    lc_span value = lc_layout_column(layout, rows[i].bytes, search->column);
    uint64_t query;
    if (lc_map_get(&search->queries, (lc_str){(const char *)value.ptr, value.len}, &query)) affect(database, (lc__query *)(uintptr_t)query);
  }
}

static void collect(lc_database *database, const lc_delta *delta) {
  lc_vec_clear(&database->affected);
  for (uint32_t i = 0; i < delta->table_count; i++) {
    const lc_table_delta *changed = &delta->tables[i];
    const lc__watch *watch = (const lc__watch *)(uintptr_t)*lc_table_tag(changed->table);
    if (watch == NULL) continue;
    for (size_t q = 0; q < watch->queries.count; q++) affect(database, watch->queries.items[q]);
    if (watch->searches.count == 0) continue;
    const lc_layout *layout = lc_table_layout(changed->table);
    for (size_t s = 0; s < watch->searches.count; s++) {
      affect_by_value(database, &watch->searches.items[s], layout, changed->inserts, changed->insert_count);
      affect_by_value(database, &watch->searches.items[s], layout, changed->deletes, changed->delete_count);
    }
  }
}

/* ---- 2: what changed ---- */

/* A query that fails in mid-life ends the set that holds it (v2) or all subscriptions of the client (v1), before the update is told. */
void lc__query_fail(lc__query *query, lc_err err) {
  char reason[LC_ERR_TEXT_MAX];
  snprintf(reason, sizeof reason, "%s", lc_err_text(err));
  lc_log_error("a subscribed query fails on a change (%.*s): %s", LC_STR_ARGS(query->sql), reason);
  while (query->items.count) {
    lc__set *set = query->items.items[0]->set;
    lc_client *client = set->client;
    client->events->subscription_failed(client->session, set->id, reason);
    if (set == client->shared || set == client->legacy) {
      lc__client_drop_subscriptions(client);
    } else {
      lc__set_drop(set);
    }
  }
}

/* Queries that lose their last item here stay in memory until the end of the delivery, so that `affected` stays valid. */
static void evaluate(lc_database *database, const lc_delta *delta) {
  for (size_t i = 0; i < database->affected.count; i++) {
    lc__query *query = database->affected.items[i];
    lc_row_list_clear(&query->inserts);
    lc_row_list_clear(&query->deletes);
    lc_err err = lc_query_delta(query->plan, delta, &query->inserts, &query->deletes);
    if (lc_failed(err)) lc__query_fail(query, err);
  }
}

/* ---- 3: whom it concerns ---- */

static void gather(lc_database *database) {
  lc_vec_clear(&database->touched);
  for (size_t i = 0; i < database->affected.count; i++) {
    lc__query *query = database->affected.items[i];
    if (query->inserts.count == 0 && query->deletes.count == 0) continue;
    for (size_t k = 0; k < query->items.count; k++) {
      lc_client *client = query->items.items[k]->set->client;
      if (client->changed.count == 0) lc_vec_push(&database->touched, client);
      lc_vec_push(&client->changed, query->items.items[k]);
    }
  }
}

/* ---- 4: telling them ---- */

/* v2 sets by id; of a v1 client the shared set, then the legacy one. Inside a set by table name, then in the order of the request. */
static int compare_items(const void *a, const void *b) {
  const lc__item *x = *(lc__item *const *)a, *y = *(lc__item *const *)b;
  if (x->set != y->set) {
    if (x->set->id != y->set->id) return x->set->id < y->set->id ? -1 : 1;
    return x->set == x->set->client->shared ? -1 : 1;
  }
  int by_name = lc_str_compare(lc_table_name(x->query->table), lc_table_name(y->query->table));
  return by_name ? by_name : (x->position > y->position) - (x->position < y->position);
}

/* Insertion sort for the usual handful: qsort may allocate. */
static void sort_items(lc__item **items, size_t count) {
  if (count > 32) {
    qsort(items, count, sizeof *items, compare_items);
    return;
  }
  for (size_t i = 1; i < count; i++) {
    lc__item *item = items[i];
    size_t at = i;
    for (; at > 0 && compare_items(&item, &items[at - 1]) < 0; at--) items[at] = items[at - 1];
    items[at] = item;
  }
}

static void fill_sets(lc_database *database, lc_client *client, lc_client_update *update) {
  sort_items(client->changed.items, client->changed.count);
  lc_set_update *sets = lc_arena_alloc(&database->arena, client->changed.count * sizeof *sets);
  lc_query_update *queries = lc_arena_alloc(&database->arena, client->changed.count * sizeof *queries);
  uint32_t count = 0;
  for (size_t i = 0; i < client->changed.count; i++) {
    const lc__item *item = client->changed.items[i];
    if (i == 0 || item->set != client->changed.items[i - 1]->set)
      sets[count++] = (lc_set_update){.query_set_id = item->set->id, .queries = &queries[i]};
    queries[i] = (lc_query_update){item->query->table, &item->query->inserts, &item->query->deletes};
    sets[count - 1].query_count++;
  }
  update->sets = sets;
  update->set_count = count;
}

void lc__deliver(lc_database *database, lc_client *caller, const lc_client_update *update, const lc_delta *delta, lc_client_update *own) {
  collect(database, delta);
  if (database->affected.count == 0) return;
  database->is_delivering = true;
  evaluate(database, delta);
  gather(database);
  for (size_t i = 0; i < database->touched.count; i++) {
    lc_client *client = database->touched.items[i];
    lc_client_update told = *update;
    fill_sets(database, client, &told);
    lc_vec_clear(&client->changed);
    if (client == caller && own) {
      *own = told;
    } else {
      client->events->transaction_update(client->session, &told);
    }
  }
  database->is_delivering = false;
  lc__queries_sweep(database);
}
