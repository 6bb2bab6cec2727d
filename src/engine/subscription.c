/*
 * Subscribing and unsubscribing. Everything here runs between two transactions, so the rows of a reply are the state at its offset, and the
 * first update that follows is that of the next transaction.
 *
 *   client ── sets (v2, by id) ────────┐
 *          ── shared (v1 Single, Multi)├─ items ── query (shared by all clients, queries.c)
 *          ── legacy (v1 Subscribe) ───┘
 *          ── multis (v1, by id) ── references to items of `shared`
 *
 * Two texts of one set are the same query when they are equal without the blanks around them; equal plans are shared below that.
 */
#include "engine/engine_internal.h"

/* ---- the request: texts, trimmed and expanded ---- */

typedef struct wanted_query {
  lc_str text, sql; /* what the client is told about, what is compiled */
  lc__query *query;
  bool is_made_here; /* the query is new, and this entry answers for it until it has a holder */
} wanted_query;

typedef struct wanted_set {
  lc_arena arena;
  LC_VEC(wanted_query) wanted;
  lc_map texts; /* those in `wanted`, to find repetitions */
} wanted_set;

static bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static lc_str trim(lc_str text) {
  while (text.len && is_blank(text.ptr[0])) text.ptr++, text.len--;
  while (text.len && is_blank(text.ptr[text.len - 1])) text.len--;
  return text;
}

/* `SELECT * FROM *`, in any case and spacing. */
static bool is_select_all(lc_str text) {
  static const char *const words[] = {"SELECT", "*", "FROM", "*"};
  for (size_t i = 0; i < 4; i++) {
    text = trim(text);
    size_t len = strlen(words[i]);
    if (text.len < len || !lc_str_equal_nocase((lc_str){text.ptr, len}, lc_str_of(words[i]))) return false;
    text.ptr += len;
    text.len -= len;
  }
  return trim(text).len == 0;
}

static void want(wanted_set *request, lc_str text, lc_str sql, bool merge) {
  uint64_t known;
  if (merge && lc_map_get(&request->texts, text, &known)) return;
  if (merge) lc_map_put(&request->texts, text, request->wanted.count);
  wanted_query wanted = {.text = text, .sql = sql};
  lc_vec_push(&request->wanted, wanted);
}

/* One query per user table that the caller may read, by table id. Tables under row rules are left out for all but the owner (L10). */
static void want_all_tables(lc_client *client, wanted_set *request, bool merge) {
  lc_database *database = client->database;
  bool is_owner = lc_u256_equal(&client->identity, &database->owner);
  for (lc_table *table = lc_store_next_table(database->store, NULL); table; table = lc_store_next_table(database->store, table)) {
    const lc_table_def *def = lc_table_def_of(table);
    if (def->is_system || def->is_event || lc_table_id(table) < LC_ST_FIRST_USER) continue;
    if (!is_owner && (!def->is_public || lc__rules_cover(database, table))) continue;
    lc_str name = lc_table_name(table);
    want(request, lc_arena_printf(&request->arena, "SELECT * FROM %.*s", LC_STR_ARGS(name)),
         lc_arena_printf(&request->arena, "SELECT * FROM \"%.*s\"", LC_STR_ARGS(name)), merge);
  }
}

static void request_deinit(lc_database *database, wanted_set *request) {
  for (size_t i = 0; i < request->wanted.count; i++)
    if (request->wanted.items[i].is_made_here) lc__query_release(database, request->wanted.items[i].query);
  lc_vec_deinit(&request->wanted);
  lc_map_deinit(&request->texts);
  lc_arena_deinit(&request->arena);
}

static lc_err compile_wanted(lc_client *client, lc_subscription_kind kind, wanted_query *wanted) {
  if (wanted->text.len == 0) return lc_fail(LC_ERR_SQL, "SubscriptionError: Empty string, executing: ``");
  size_t queries = client->database->queries.count;
  lc_err err = lc__query_acquire(client->database, client->identity, wanted->sql, &wanted->query);
  wanted->is_made_here = client->database->queries.count > queries;
  if (lc_failed(err)) return lc_fail(err.code, "%s, executing: `%.*s`", lc_err_text(err), LC_STR_ARGS(wanted->text));
  if (kind != LC_SUBSCRIBE_SET && lc_table_def_of(lc_query_table(wanted->query->plan))->is_event)
    return lc_fail(
        LC_ERR_SQL,
        "Subscribing to event tables requires WebSocket v2. Please upgrade your client SDK and regenerate your module bindings.");
  return lc_ok();
}

static lc_err request_compile(lc_client *client, lc_subscription_kind kind, const lc_str *queries, uint32_t count, wanted_set *request) {
  bool merge = kind != LC_SUBSCRIBE_LEGACY;
  for (uint32_t i = 0; i < count; i++) {
    if (is_select_all(queries[i])) {
      want_all_tables(client, request, merge);
    } else {
      want(request, trim(queries[i]), trim(queries[i]), merge);
    }
  }
  for (size_t i = 0; i < request->wanted.count; i++) LC_TRY(compile_wanted(client, kind, &request->wanted.items[i]));
  return lc_ok();
}

/* ---- sets and items ---- */

static lc__set *set_create(lc_client *client, uint32_t id) {
  lc__set *set = calloc(1, sizeof *set);
  lc_assert(set != NULL);
  set->client = client;
  set->id = id;
  return set;
}

static lc__item *set_add(lc__set *set, const wanted_query *wanted) {
  lc__item *item = calloc(1, sizeof *item + wanted->text.len);
  lc_assert(item != NULL);
  char *text = (char *)(item + 1);
  memcpy(text, wanted->text.ptr, wanted->text.len);
  *item = (lc__item){.query = wanted->query, .set = set, .place = (uint32_t)wanted->query->items.count, .text = {text, wanted->text.len}};
  if (set->items.count) item->position = set->items.items[set->items.count - 1]->position + 1;
  lc_vec_push(&set->items, item);
  lc_vec_push(&wanted->query->items, item);
  return item;
}

/* Off its query; the caller takes it off its set. */
static void item_destroy(lc_database *database, lc__item *item) {
  lc__query *query = item->query;
  uint32_t place = item->place;
  lc_vec_remove_swap(&query->items, place);
  if (place < query->items.count) query->items.items[place]->place = place;
  free(item);
  lc__query_release(database, query);
}

static void set_destroy(lc__set *set) {
  if (set == NULL) return;
  for (size_t i = 0; i < set->items.count; i++) item_destroy(set->client->database, set->items.items[i]);
  lc_map_deinit(&set->texts);
  lc_vec_deinit(&set->items);
  free(set);
}

/* The shared set of a v1 client knows its items by text. */
static lc__item *shared_find(const lc__set *shared, lc_str text) {
  uint64_t item;
  return shared && lc_map_get(&shared->texts, text, &item) ? (lc__item *)(uintptr_t)item : NULL;
}

static lc__item *shared_add(lc__set *shared, const wanted_query *wanted) {
  lc__item *item = shared_find(shared, wanted->text);
  if (item == NULL) {
    item = set_add(shared, wanted);
    lc_map_put(&shared->texts, item->text, (uintptr_t)item);
  }
  item->references++;
  return item;
}

static void shared_drop_unreferenced(lc__set *shared) {
  size_t kept = 0;
  for (size_t i = 0; i < shared->items.count; i++) {
    lc__item *item = shared->items.items[i];
    if (item->references) {
      shared->items.items[kept++] = item;
      continue;
    }
    lc_map_remove(&shared->texts, item->text);
    item_destroy(shared->client->database, item);
  }
  shared->items.count = kept;
}

/* Where the set with this id is, or would be. */
static size_t find_set(const lc_client *client, uint32_t id, bool *found) {
  size_t low = 0, high = client->sets.count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (client->sets.items[middle]->id < id)
      low = middle + 1;
    else
      high = middle;
  }
  *found = low < client->sets.count && client->sets.items[low]->id == id;
  return low;
}

static void insert_set(lc_client *client, lc__set *set) {
  bool found;
  size_t at = find_set(client, set->id, &found);
  lc_assert(!found);
  lc_vec_push(&client->sets, set);
  memmove(&client->sets.items[at + 1], &client->sets.items[at], (client->sets.count - 1 - at) * sizeof set);
  client->sets.items[at] = set;
}

void lc__set_drop(lc__set *set) {
  lc_client *client = set->client;
  bool found;
  size_t at = find_set(client, set->id, &found);
  lc_assert(found && client->sets.items[at] == set);
  memmove(&client->sets.items[at], &client->sets.items[at + 1], (client->sets.count - 1 - at) * sizeof set);
  client->sets.count--;
  set_destroy(set);
}

static lc__multi *find_multi(lc_client *client, uint32_t id) {
  for (size_t i = 0; i < client->multis.count; i++)
    if (client->multis.items[i].id == id) return &client->multis.items[i];
  return NULL;
}

void lc__client_drop_subscriptions(lc_client *client) {
  for (size_t i = 0; i < client->sets.count; i++) set_destroy(client->sets.items[i]);
  for (size_t i = 0; i < client->multis.count; i++) lc_vec_deinit(&client->multis.items[i].items);
  set_destroy(client->shared);
  set_destroy(client->legacy);
  lc_vec_deinit(&client->sets);
  lc_vec_deinit(&client->multis);
  client->shared = client->legacy = NULL;
}

/* ---- rows of a reply ---- */

void lc_subscription_rows_deinit(lc_subscription_rows *rows) {
  for (uint32_t i = 0; i < rows->count; i++) lc_row_list_deinit(&rows->entries[i].rows);
  free(rows->entries);
  *rows = (lc_subscription_rows){0};
}

static void rows_begin(lc_database *database, size_t capacity, lc_subscription_rows *rows) {
  *rows = (lc_subscription_rows){.offset = lc__database_seen(database)};
  rows->entries = calloc(capacity ? capacity : 1, sizeof *rows->entries);
  lc_assert(rows->entries != NULL);
}

/* A query that reads an empty table leaves no entry, unless `always`. */
static lc_err rows_add(lc_query *plan, bool always, lc_subscription_rows *rows) {
  if (!always && lc_query_reads_empty_table(plan)) return lc_ok();
  lc_subscription_entry *entry = &rows->entries[rows->count++];
  entry->table = lc_query_table(plan);
  lc_err err = lc_query_rows(plan, &entry->rows);
  if (err.code == LC_ERR_TOO_LARGE) return err; /* the client can ask for less */
  return lc_failed(err) ? lc_fail(LC_ERR_INTERNAL, "Internal error evaluating queries") : lc_ok();
}

/* ---- requests ---- */

static lc_err fail_exists(const lc_client *client, uint32_t id) {
  char identity[65], connection[33];
  lc_u256_hex(identity, &client->identity);
  lc_u128_hex(connection, client->connection);
  return lc_fail(LC_ERR_EXISTS, "Subscription with id QuerySetId { id: %u } already exists for client: (Identity(%s), ConnectionId(%s))",
                 id, identity, connection);
}

static lc_err fail_unknown(const lc_client *client, uint32_t id) {
  char identity[65], connection[33];
  lc_u256_hex(identity, &client->identity);
  lc_u128_hex(connection, client->connection);
  if (!client->has_subscribed) return lc_fail(LC_ERR_NOT_FOUND, "Client not found: (Identity(%s), ConnectionId(%s))", identity, connection);
  return lc_fail(LC_ERR_NOT_FOUND, "Subscription not found: ((Identity(%s), ConnectionId(%s)), QuerySetId { id: %u })", identity,
                 connection, id);
}

static void register_set(lc_client *client, lc_subscription_kind kind, uint32_t id, const wanted_set *request) {
  lc__set *set = set_create(client, kind == LC_SUBSCRIBE_SET ? id : 0);
  for (size_t i = 0; i < request->wanted.count; i++) set_add(set, &request->wanted.items[i]);
  if (kind == LC_SUBSCRIBE_SET) {
    insert_set(client, set);
  } else {
    set_destroy(client->legacy);
    client->legacy = set;
  }
}

static void register_multi(lc_client *client, bool single, uint32_t id, const wanted_set *request) {
  if (client->shared == NULL) client->shared = set_create(client, 0);
  lc__multi multi = {.id = id, .single = single};
  for (size_t i = 0; i < request->wanted.count; i++) {
    lc__item *item = shared_add(client->shared, &request->wanted.items[i]);
    lc_vec_push(&multi.items, item);
  }
  lc_vec_push(&client->multis, multi);
}

static lc_err subscribe(lc_client *client, lc_subscription_kind kind, uint32_t id, const lc_str *queries, uint32_t count,
                        wanted_set *request, lc_subscription_rows *rows) {
  LC_TRY(request_compile(client, kind, queries, count, request));
  bool is_taken;
  find_set(client, id, &is_taken);
  if (kind != LC_SUBSCRIBE_LEGACY && (is_taken || find_multi(client, id))) return fail_exists(client, id);

  rows_begin(client->database, request->wanted.count, rows);
  for (size_t i = 0; i < request->wanted.count; i++) {
    const wanted_query *wanted = &request->wanted.items[i];
    if (kind == LC_SUBSCRIBE_MULTI && shared_find(client->shared, wanted->text)) continue;
    LC_TRY(rows_add(wanted->query->plan, kind == LC_SUBSCRIBE_SINGLE, rows));
  }
  client->has_subscribed = true;
  if (kind == LC_SUBSCRIBE_MULTI || kind == LC_SUBSCRIBE_SINGLE) {
    register_multi(client, kind == LC_SUBSCRIBE_SINGLE, id, request);
  } else {
    register_set(client, kind, id, request);
  }
  return lc_ok();
}

lc_err lc_client_subscribe(lc_client *client, lc_subscription_kind kind, uint32_t query_set_id, const lc_str *queries, uint32_t query_count,
                           lc_subscription_rows *rows) {
  *rows = (lc_subscription_rows){0};
  if (client->database == NULL) return lc_fail(LC_ERR_NOT_FOUND, "the database is closed");
  wanted_set request = {0};
  lc_err err = subscribe(client, kind, query_set_id, queries, query_count, &request, rows);
  if (lc_failed(err)) lc_subscription_rows_deinit(rows);
  request_deinit(client->database, &request);
  return err;
}

static lc_err unsubscribe_multi(lc_client *client, lc__multi *multi, bool want_rows, lc_subscription_rows *rows) {
  lc_err err = lc_ok();
  rows_begin(client->database, multi->items.count, rows);
  if (multi->items.count == 1) rows->only_table = lc_query_table(multi->items.items[0]->query->plan);
  for (size_t i = 0; i < multi->items.count; i++) {
    lc__item *item = multi->items.items[i];
    bool is_last = --item->references == 0;
    if (!want_rows || lc_failed(err)) continue;
    if (is_last) {
      err = rows_add(item->query->plan, multi->single, rows);
    } else if (multi->single) {
      rows->entries[rows->count++].table = lc_query_table(item->query->plan); /* its reply names the table even when nothing is dropped */
    }
  }
  lc_vec_deinit(&multi->items);
  lc_vec_remove_swap(&client->multis, (size_t)(multi - client->multis.items));
  shared_drop_unreferenced(client->shared);
  return err;
}

lc_err lc_client_unsubscribe(lc_client *client, uint32_t query_set_id, bool want_rows, lc_subscription_rows *rows) {
  *rows = (lc_subscription_rows){0};
  if (client->database == NULL) return lc_fail(LC_ERR_NOT_FOUND, "the database is closed");
  lc_err err = lc_ok();
  bool found;
  size_t at = find_set(client, query_set_id, &found);
  if (found) {
    lc__set *set = client->sets.items[at];
    rows_begin(client->database, set->items.count, rows);
    for (size_t i = 0; want_rows && i < set->items.count && !lc_failed(err); i++)
      err = rows_add(set->items.items[i]->query->plan, false, rows);
    lc__set_drop(set);
  } else {
    lc__multi *multi = find_multi(client, query_set_id);
    if (multi == NULL) return fail_unknown(client, query_set_id);
    err = unsubscribe_multi(client, multi, want_rows, rows);
  }
  if (lc_failed(err)) lc_subscription_rows_deinit(rows);
  return err;
}

lc_err lc_client_query(lc_client *client, lc_str sql, lc_subscription_rows *rows) {
  *rows = (lc_subscription_rows){0};
  if (client->database == NULL) return lc_fail(LC_ERR_NOT_FOUND, "the database is closed");
  if (trim(sql).len == 0) return lc_fail(LC_ERR_SQL, "Empty SQL query");
  lc_query_context context = lc__query_context(client->database, client->identity);
  lc_query *plan;
  LC_TRY(lc_query_compile(&context, sql, &plan));
  rows_begin(client->database, 1, rows);
  lc_err err = rows_add(plan, true, rows);
  lc_query_destroy(plan);
  if (lc_failed(err)) lc_subscription_rows_deinit(rows);
  return err;
}
