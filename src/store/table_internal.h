#pragma once
/*
 * What the files of this directory share: tables, indexes, sequences, the transaction, the catalogue.
 *
 *   lc_store      the catalogue (arrays by id, maps by name) and the one transaction
 *   lc_table      rows (rows.c), and a shape: definition, layout, indexes, sequences. A schema change makes a new shape and keeps the old
 *                 one for undo, so that undoing it is putting a pointer back
 *   lc_index      unique: a hash or direct array, plus a tree from the first range scan on; not unique: a tree (index.c)
 *   lc__undo      one thing to take back; the undo list is also what the delta is made from (transaction.c, delta.c)
 */
#include "base/arena.h"
#include "base/map.h"
#include "base/vec.h"
#include "store/direct_internal.h"
#include "store/hash_internal.h"
#include "store/tree_internal.h"

typedef enum lc__index_mode { LC__INDEX_HASH, LC__INDEX_TREE, LC__INDEX_DIRECT } lc__index_mode;

struct lc_index {
  lc_table *table;
  uint32_t id;
  bool unique;
  bool exact_hash; /* the hash holds words, not hashes of keys */
  bool has_tree;   /* kept up to date: always in mode TREE, from the first range scan on otherwise */
  lc__index_mode mode;
  lc__key_spec key;
  lc__hash hash;
  lc__direct direct;
  lc__tree tree;
  lc_index_def def;
  lc_arena arena;
};

/* The state of a sequence is its row of st_sequence, `allocated` being the next value: nothing else to undo, log or recover (sequence.c).
 */
typedef struct lc__sequence {
  uint32_t id;
  uint32_t row_id; /* in st_sequence */
  uint16_t column;
  uint8_t size; /* bytes of the column */
  __int128 increment, min_value, max_value;
} lc__sequence;

typedef struct lc__shape {
  struct lc__shape *previous; /* kept as long as the table: indexes that outlive a change still use its layout */
  lc_arena arena;
  lc_table_def def;
  lc_layout *layout;
  lc_index **indexes; /* ascending id */
  uint32_t index_count;
  uint32_t *constraint_ids; /* as def.constraints */
  lc__sequence *sequences;  /* as def.sequences */
} lc__shape;

struct lc_table {
  lc_store *store;
  uint32_t id;
  lc__shape *shape;
  /* Copies from the shape, for the hot path. */
  const lc_layout *layout;
  lc_index **indexes;
  uint32_t index_count, sequence_count;
  lc_index *first_unique;
  lc__rows rows;
  uint64_t row_count;
  uint64_t tag;
  lc__hash row_hash; /* tables without a unique index: 32-bit hashes of whole rows (S1) */
  bool has_row_hash;
  bool updates_simply; /* inlined rows of any bytes, one index, on one integer: lc_table_update has a short way */
  /* What the open transaction did here. */
  bool tx_listed, tx_repeated; /* in store->tx_tables; some row was changed more than once */
  bool dropped;
  uint32_t tx_inserts, tx_deletes, tx_updates;
  uint32_t tx_position; /* in the list of deltas, while that is made */
};

typedef enum lc__undo_kind {
  LC__UNDO_INSERT,
  LC__UNDO_DELETE,
  LC__UNDO_UPDATE,  /* rows */
  LC__UNDO_PATCH,   /* 16 bytes of a row of st_sequence, which an UPDATE before it has saved whole */
  LC__UNDO_CREATE,  /* table came into being */
  LC__UNDO_DROP,    /* table went away */
  LC__UNDO_RESHAPE, /* table had the shape and rows of the lc__reshape `object` */
} lc__undo_kind;

enum { LC__CLASS_ARENA = 254 }; /* old bytes that lie in the transaction's arena, not in a block */

typedef struct lc__reshape {
  struct lc__shape *from, *to;
  lc__rows rows; /* as they were stored before, when `converted` */
  bool converted;
} lc__reshape;

typedef struct lc__undo {
  uint8_t kind;
  bool repeated; /* the transaction had changed this row before */
  uint32_t row;
  lc_table *table;
  void *object;        /* UPDATE: the old bytes; PATCH: the old 16 bytes; RESHAPE: an lc__reshape */
  uint32_t len, class; /* UPDATE: of the old bytes */
} lc__undo;
static_assert(sizeof(lc__undo) == 32, "undo entries are half a cache line");

struct lc_store {
  LC_VEC(lc_table *) tables;  /* by id */
  LC_VEC(lc_index *) indexes; /* by id */
  lc_map table_names, table_aliases, index_names, index_aliases;
  /* The open transaction, or the committed one until release. */
  bool in_transaction, committed;
  bool delta_ready;   /* lc_store_delta was asked already: nothing may change until the end */
  bool release_frees; /* the undo list has rows, blocks or tables that release must free */
  bool recovering, recovery_dirty;
  LC_VEC(lc__undo) undo;
  LC_VEC(lc_table *) tx_tables;
  lc_arena arena; /* old row images, deltas */
  lc_delta delta;
  lc_buf key_scratch, generated, row_scratch, sequence_row, catalogue_row;
};

/* ---- index.c ---- */

lc_index *lc__index_create(lc_table *table, const lc_layout *layout, uint32_t id, const lc_index_def *def, bool unique);
void lc__index_destroy(lc_index *index);
void lc__index_add(lc_index *index, uint32_t row);
void lc__index_remove(lc_index *index, uint32_t row);
void lc__index_clear(lc_index *index);
/* Unique indexes: the row of the table that has the same key as `row` (a row's bytes), or LC_ROW_NONE. */
uint32_t lc__index_find_row(const lc_index *index, const uint8_t *row);
/* The same, for indexes with exact_hash. */
static inline uint32_t lc__index_find_word(const lc_index *index, uint64_t word) {
  return index->mode == LC__INDEX_DIRECT ? lc__direct_find(&index->direct, word) : lc__hash_find(&index->hash, word);
}
/* Cuts `key` to the whole key that it begins with; for integers a length check is all. Errors: LC_ERR_BSATN. */
lc_err lc__index_check_key(const lc_index *index, lc_span *key);
/* Unique indexes: the row with this (checked) key, or LC_ROW_NONE. */
uint32_t lc__index_find_key(const lc_index *index, lc_span key);
/* From now on the index has a tree, for range scans. */
void lc__index_want_tree(lc_index *index);
/* Fills it from the table's rows. Errors: LC_ERR_UNIQUE. */
lc_err lc__index_build(lc_index *index);
/* The error that users see. */
lc_err lc__index_violation(const lc_index *index, const uint8_t *row);
uint64_t lc__index_memory(const lc_index *index);
lc_err lc__index_check(const lc_index *index);
static inline const uint8_t *lc__row_bytes(const lc_table *table, uint32_t row) {
  return lc__rows_bytes(&table->rows, row);
}

/* ---- table.c ---- */

void lc__table_row_hash_add(lc_table *table, uint32_t row);
void lc__table_row_hash_remove(lc_table *table, uint32_t row);
uint32_t lc__table_find_equal(lc_table *table, lc_span row);
/* Into indexes, live bit and count, and out of them; nothing is recorded. */
void lc__table_link(lc_table *table, uint32_t row);
void lc__table_unlink(lc_table *table, uint32_t row);
/* Inserts without drawing sequences. */
lc_err lc__table_insert_as_is(lc_table *table, lc_span row, uint32_t *row_id);
/* Writes `row` (same key in every unique index or checked) over the stored one and records it. */
void lc__table_replace(lc_table *table, uint32_t row_id, lc_span row);
void lc__table_swap_bytes(lc_table *table, lc__undo *entry);

/* ---- transaction.c ---- */

/* Records what has just happened to a row. */
static inline void lc__undo_row(lc_table *table, lc__undo_kind kind, uint32_t row, void *old, uint32_t len, uint32_t class) {
  lc_store *store = table->store;
  bool repeated = lc__bit(table->rows.touched, row);
  lc_assert(!store->delta_ready);
  lc_vec_push(&store->undo, ((lc__undo){(uint8_t)kind, repeated, row, table, old, len, class}));
  lc__bit_set(table->rows.touched, row);
  table->tx_repeated |= repeated;
  table->tx_inserts += kind == LC__UNDO_INSERT;
  table->tx_deletes += kind == LC__UNDO_DELETE;
  table->tx_updates += kind == LC__UNDO_UPDATE;
  store->release_frees |= kind == LC__UNDO_DELETE || (kind == LC__UNDO_UPDATE && class != LC__CLASS_ARENA);
  if (__builtin_expect(!table->tx_listed, 0)) {
    table->tx_listed = true;
    lc_vec_push(&store->tx_tables, table);
  }
}
lc__undo *lc__undo_push(lc_store *store, lc__undo_kind kind, lc_table *table);
/* Makes the delta of the open transaction, and forgets which rows it touched. */
void lc__delta_build(lc_store *store);

/* ---- sequence.c ---- */

/* Fills the zero columns of `row` (the table's own copy) that have sequences; their bytes go to store->generated. Errors: LC_ERR_SEQUENCE.
 */
lc_err lc__sequences_fill(lc_table *table, uint8_t *row);
/* Its row of st_sequence; false when it has none any more. */
bool lc__sequence_row(lc_store *store, const lc__sequence *sequence, lc_row *row);
lc_err lc__sequence_draw(lc_store *store, const lc__sequence *sequence, __int128 *value);

/* ---- shape.c ---- */

/* Copies the definition, types with refs resolved inline; no indexes yet. Errors: LC_ERR_NOT_SUPPORTED for recursive types,
 * LC_ERR_TOO_LARGE. */
lc_err lc__shape_create(const lc_table_def *def, lc__shape **shape);
void lc__shape_destroy(lc__shape *shape); /* not its indexes */
/* Whether a unique constraint covers exactly the index's columns, in any order. */
bool lc__index_def_is_unique(const lc_table_def *def, const lc_index_def *index);

/* ---- catalogue.c ---- */

lc_table *lc__table_create(lc_store *store, uint32_t id, lc__shape *shape); /* takes the shape */
void lc__table_destroy(lc_table *table);
/* Makes the shape (with its indexes) the table's. */
void lc__table_set_shape(lc_table *table, lc__shape *shape);
void lc__shape_sort_indexes(lc__shape *shape);
void lc__catalogue_publish(lc_store *store, lc_table *table); /* ids and names lead to it */
void lc__catalogue_unpublish(lc_store *store, lc_table *table);
void lc__catalogue_undo(lc_store *store, lc__undo *entry);
void lc__catalogue_release(lc_store *store, lc__undo *entry);
/* Whole-row hash for tables that need one, filled from the rows; none for others. */
void lc__table_fit_row_hash(lc_table *table, bool needed);

/* ---- system_tables.c ---- */

void lc__system_tables_create(lc_store *store);

/* ---- catalogue_rows.c: rows of the system tables that describe a table ---- */

lc_err lc__catalogue_insert_table(lc_store *store, const lc_table_def *def, uint32_t *id);
lc_err lc__catalogue_update_table(lc_store *store, uint32_t id, const lc_table_def *def);
lc_err lc__catalogue_insert_columns(lc_store *store, uint32_t table_id, const lc_table_def *def);
lc_err lc__catalogue_insert_index(lc_store *store, uint32_t table_id, const lc_index_def *def, uint32_t *id);
lc_err lc__catalogue_insert_constraint(lc_store *store, uint32_t table_id, const lc_constraint_def *def, uint32_t *id);
/* Fills in `sequence`; its id is drawn when 0. */
lc_err lc__catalogue_insert_sequence(lc_store *store, uint32_t table_id, const lc_sequence_def *def, __int128 allocated,
                                     lc__sequence *sequence);
lc_err lc__catalogue_insert_schedule(lc_store *store, uint32_t table_id, const lc_schedule_def *def);
lc_err lc__catalogue_insert_event(lc_store *store, uint32_t table_id);
lc_err lc__catalogue_insert_accessors(lc_store *store, const lc_table_def *def);
/* Deletes the rows of a system table whose first index key begins with this id or name. */
void lc__catalogue_delete_id(lc_store *store, uint32_t system_table, uint32_t id);
void lc__catalogue_delete_columns(lc_store *store, uint32_t table_id);
void lc__catalogue_delete_accessors(lc_store *store, const lc_table_def *def);
void lc__catalogue_delete_schedule(lc_store *store, uint32_t table_id);

/* ---- catalogue_load.c ---- */

/* The definition of a table as the system tables have it, in `arena`. Ids of indexes and constraints, rows of sequences, are stored aside.
 */
typedef struct lc__loaded {
  lc_table_def def;
  uint32_t *index_ids, *constraint_ids;
  lc__sequence *sequences;
} lc__loaded;
/* `columns_only`: no indexes, constraints, sequences. Errors: LC_ERR_LOG_CORRUPT. */
lc_err lc__catalogue_load(lc_store *store, lc_arena *arena, uint32_t table_id, bool columns_only, lc__loaded *loaded);

/* ---- check.c ---- */

/* Whether the system tables and the tables in memory say the same (C1), and every row of the former speaks of a table that is there. */
lc_err lc__catalogue_check(lc_store *store);
