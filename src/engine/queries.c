/*
 * The distinct queries of a database and where they are looked up when a table changes: compiled once per plan key, shared by every client
 * that holds them, destroyed with their last holder.
 *
 * Each query is listed in the watch of every table that it reads; one of the form `column = literal` is found by the literal's bytes
 * instead, so that a change costs one hash per searched column however many such queries there are.
 */
#include "engine/engine_internal.h"

lc_query_context lc__query_context(lc_database *database, lc_identity caller) {
  return (lc_query_context){.store = database->store,
                            .caller = caller,
                            .is_owner = lc_u256_equal(&caller, &database->owner),
                            .has_row_rules = lc__rules_cover,
                            .engine = database};
}

/* ---- watches ---- */

static lc_index *unique_index_on(const lc_table *table, uint16_t column) {
  for (uint32_t i = 0; i < lc_table_index_count(table); i++) {
    lc_index *index = lc_table_index(table, i);
    const lc_index_def *def = lc_index_def_of(index);
    if (lc_index_is_unique(index) && def->column_count == 1 && def->columns[0] == column) return index;
  }
  return NULL;
}

lc__watch *lc__watch_of(lc_database *database, lc_table *table) {
  uint64_t *tag = lc_table_tag(table);
  if (*tag) return (lc__watch *)(uintptr_t)*tag;
  lc__watch *watch = calloc(1, sizeof *watch);
  lc_assert(watch != NULL);
  watch->table = table;
  watch->schedule = lc_table_def_of(table)->schedule;
  if (watch->schedule) watch->id_index = unique_index_on(table, watch->schedule->id_column);
  lc_vec_push(&database->watches, watch);
  *tag = (uintptr_t)watch;
  return watch;
}

static void watch_destroy(lc__watch *watch) {
  for (size_t i = 0; i < watch->searches.count; i++) lc_map_deinit(&watch->searches.items[i].queries);
  lc_vec_deinit(&watch->searches);
  lc_vec_deinit(&watch->queries);
  free(watch);
}

/* Takes the watch off when nothing is left to watch for, so that writers of the table are back at one branch. */
static void watch_drop_if_idle(lc_database *database, lc__watch *watch) {
  if (watch->schedule || watch->queries.count || watch->searches.count) return;
  *lc_table_tag(watch->table) = 0;
  for (size_t i = 0; i < database->watches.count; i++) {
    if (database->watches.items[i] != watch) continue;
    lc_vec_remove_swap(&database->watches, i);
    break;
  }
  watch_destroy(watch);
}

void lc__watches_destroy(lc_database *database) {
  /* Through the living tables: a watch may be of a table that a publish has dropped. */
  for (lc_table *table = lc_store_next_table(database->store, NULL); table; table = lc_store_next_table(database->store, table))
    *lc_table_tag(table) = 0;
  for (size_t i = 0; i < database->watches.count; i++) watch_destroy(database->watches.items[i]);
  lc_vec_clear(&database->watches);
}

static lc__search *search_of(lc__watch *watch, uint32_t column, bool make) {
  for (size_t i = 0; i < watch->searches.count; i++)
    if (watch->searches.items[i].column == column) return &watch->searches.items[i];
  if (!make) return NULL;
  lc_vec_push(&watch->searches, ((lc__search){.column = column}));
  return &watch->searches.items[watch->searches.count - 1];
}

static void list_query(lc_database *database, lc__query *query) {
  uint32_t column, table_count;
  lc_span value;
  uint64_t other;
  query->search_column = -1;
  const uint32_t *tables = lc_query_tables(query->plan, &table_count);
  if (table_count == 1 && lc_query_equality(query->plan, &column, &value)) {
    lc__search *search = search_of(lc__watch_of(database, lc_query_table(query->plan)), column, true);
    lc_str key = {(const char *)value.ptr, value.len};
    if (!lc_map_get(&search->queries, key, &other)) {
      lc_map_put(&search->queries, key, (uintptr_t)query);
      query->search_column = (int32_t)column;
      return;
    }
  }
  for (uint32_t i = 0; i < table_count; i++) {
    lc__watch *watch = lc__watch_of(database, lc_store_table(database->store, tables[i]));
    if (i == 0) query->watch_place = (uint32_t)watch->queries.count;
    lc_vec_push(&watch->queries, query);
  }
}

/* The first table's place is known; that of others is searched, which joins pay for. */
static void unlist_from(lc__watch *watch, const lc__query *query, uint32_t table_id, bool is_first) {
  size_t place = is_first ? query->watch_place : 0;
  while (place < watch->queries.count && watch->queries.items[place] != query) place++;
  if (place == watch->queries.count) return; /* the table was dropped and its name taken by another */
  lc_vec_remove_swap(&watch->queries, place);
  if (place == watch->queries.count) return;
  uint32_t table_count;
  lc__query *moved = watch->queries.items[place];
  if (lc_query_tables(moved->plan, &table_count)[0] == table_id) moved->watch_place = (uint32_t)place;
}

static void unlist_query(lc_database *database, lc__query *query) {
  uint32_t column, table_count;
  lc_span value;
  const uint32_t *tables = lc_query_tables(query->plan, &table_count);
  for (uint32_t i = 0; i < table_count; i++) {
    lc_table *table = lc_store_table(database->store, tables[i]);
    lc__watch *watch = table ? (lc__watch *)(uintptr_t)*lc_table_tag(table) : NULL;
    if (watch == NULL) continue;
    if (query->search_column >= 0 && lc_query_equality(query->plan, &column, &value)) {
      lc__search *search = search_of(watch, column, false);
      lc_map_remove(&search->queries, (lc_str){(const char *)value.ptr, value.len});
      if (search->queries.count == 0) {
        lc_map_deinit(&search->queries);
        lc_vec_remove_swap(&watch->searches, (size_t)(search - watch->searches.items));
      }
    }
    if (query->search_column < 0) unlist_from(watch, query, tables[i], i == 0);
    watch_drop_if_idle(database, watch);
  }
}

/* ---- queries ---- */

static lc_str copy_text(lc_str text) {
  char *copy = malloc(text.len + 1);
  lc_assert(copy != NULL);
  if (text.len) memcpy(copy, text.ptr, text.len);
  copy[text.len] = 0;
  return (lc_str){copy, text.len};
}

lc_err lc__query_acquire(lc_database *database, lc_identity caller, lc_str sql, lc__query **query) {
  lc_query_context context = lc__query_context(database, caller);
  lc_query *plan;
  uint64_t position;
  LC_TRY(lc_query_compile(&context, sql, &plan));
  if (lc_map_get(&database->query_positions, lc_query_key(plan), &position)) {
    lc_query_destroy(plan);
    *query = database->queries.items[position];
    return lc_ok();
  }
  lc__query *made = calloc(1, sizeof *made);
  lc_assert(made != NULL);
  made->plan = plan;
  made->table = lc_query_table(plan);
  made->sql = copy_text(sql);
  made->caller = caller;
  made->position = (uint32_t)database->queries.count;
  lc_vec_push(&database->queries, made);
  lc_map_put(&database->query_positions, lc_query_key(plan), made->position);
  list_query(database, made);
  *query = made;
  return lc_ok();
}

static void query_free(lc__query *query) {
  lc_query_destroy(query->plan);
  lc_row_list_deinit(&query->inserts);
  lc_row_list_deinit(&query->deletes);
  lc_vec_deinit(&query->items);
  free((char *)query->sql.ptr);
  free(query);
}

static void query_destroy(lc_database *database, lc__query *query) {
  unlist_query(database, query);
  lc_map_remove(&database->query_positions, lc_query_key(query->plan));
  uint32_t position = query->position;
  lc_vec_remove_swap(&database->queries, position);
  if (position < database->queries.count) {
    lc__query *moved = database->queries.items[position];
    moved->position = position;
    lc_map_put(&database->query_positions, lc_query_key(moved->plan), position);
  }
  query_free(query);
}

void lc__query_release(lc_database *database, lc__query *query) {
  if (query->items.count) return;
  if (database->is_delivering) {
    database->has_idle_queries = true;
  } else {
    query_destroy(database, query);
  }
}

void lc__queries_sweep(lc_database *database) {
  if (!database->has_idle_queries) return;
  database->has_idle_queries = false;
  for (size_t i = database->queries.count; i-- > 0;)
    if (database->queries.items[i]->items.count == 0) query_destroy(database, database->queries.items[i]);
}

/* A plan that cannot be made any more ends the subscriptions that hold it. Run as the owner: hiding a table does not end what streams
 * already. */
static void recompile(lc_database *database, lc__query *query) {
  lc_query_context context = lc__query_context(database, query->caller);
  context.is_owner = true;
  lc_query *plan;
  lc_err err = lc_query_compile(&context, query->sql, &plan);
  if (lc_failed(err)) {
    lc__query_fail(query, err);
    return;
  }
  lc_query_destroy(query->plan);
  query->plan = plan;
  query->table = lc_query_table(plan);
}

void lc__subscriptions_rebind(lc_database *database) {
  lc__watches_destroy(database);
  lc_map_deinit(&database->query_positions);
  database->query_positions = (lc_map){0};
  database->is_delivering = true; /* so that failing queries only lose their holders here */
  for (size_t i = 0; i < database->queries.count; i++)
    if (database->queries.items[i]->items.count) recompile(database, database->queries.items[i]);
  database->is_delivering = false;
  database->has_idle_queries = false;

  size_t kept = 0;
  for (size_t i = 0; i < database->queries.count; i++) {
    lc__query *query = database->queries.items[i];
    if (query->items.count == 0) {
      query_free(query);
      continue;
    }
    query->position = (uint32_t)kept;
    database->queries.items[kept++] = query;
    lc_map_put(&database->query_positions, lc_query_key(query->plan), query->position);
    list_query(database, query);
  }
  database->queries.count = kept;
  for (lc_table *table = lc_store_next_table(database->store, NULL); table; table = lc_store_next_table(database->store, table))
    if (lc_table_def_of(table)->schedule) lc__watch_of(database, table);
}
