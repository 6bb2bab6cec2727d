/* A store's life. */
#include <stdlib.h>

#include "store/table_internal.h"

lc_store *lc_store_create(void) {
  lc_store *store = calloc(1, sizeof *store);
  lc_assert(store != NULL);
  lc__system_tables_create(store);
  return store;
}

void lc_store_destroy(lc_store *store) {
  if (store == NULL) return;
  if (store->in_transaction) lc_store_abort(store);
  lc_store_release(store);
  for (size_t i = 0; i < store->tables.count; i++) {
    if (store->tables.items[i]) lc__table_destroy(store->tables.items[i]);
  }
  lc_vec_deinit(&store->tables);
  lc_vec_deinit(&store->indexes);
  lc_vec_deinit(&store->undo);
  lc_vec_deinit(&store->tx_tables);
  lc_map_deinit(&store->table_names);
  lc_map_deinit(&store->table_aliases);
  lc_map_deinit(&store->index_names);
  lc_map_deinit(&store->index_aliases);
  lc_arena_deinit(&store->arena);
  lc_buf_deinit(&store->key_scratch);
  lc_buf_deinit(&store->generated);
  lc_buf_deinit(&store->row_scratch);
  lc_buf_deinit(&store->sequence_row);
  lc_buf_deinit(&store->catalogue_row);
  free(store);
}
