#pragma once
/*
 * The tables of one database, in memory: rows, indexes, constraints, sequences, the catalogue, and the one open transaction.
 *
 * One writer, undo instead of versions: a transaction changes tables in place and records how to undo it. What it inserted and
 * deleted is the delta, which subscriptions and the log both read. There is no concurrency control because there is no concurrency:
 * every function is called by the core thread that owns the database.
 *
 * Invariants
 *   S1  A table is a set of rows: inserting a row that is there changes nothing.
 *   S2  After commit, abort and recovery, indexes, counts and sequences are functions of the rows (L6).
 *   S3  The delta holds each row at most once, on one side: a row deleted and inserted again, or inserted and deleted, is not in it.
 *   S4  Rows in the delta, deleted ones too, stay readable until lc_store_release.
 *   S5  Between begin and commit or abort no allocation is made once the arenas are warm.
 */
#include "schema/module_def.h"

typedef struct lc_store lc_store;
typedef struct lc_table lc_table;
typedef struct lc_index lc_index;

/* A stored row. Borrows the table's memory: valid until the next change of the table, or until release for rows of a delta. */
typedef struct lc_row {
  const uint8_t *bytes;
  uint32_t len;
  uint32_t id; /* where the row lies in its table; LC_ROW_NONE when it does not any more */
} lc_row;
enum { LC_ROW_NONE = UINT32_MAX };

/* Ids of system tables (datastore-and-lifecycle.md 1.1); the first user table is LC_ST_FIRST_USER. */
enum {
  LC_ST_TABLE = 1, LC_ST_COLUMN, LC_ST_SEQUENCE, LC_ST_INDEX, LC_ST_CONSTRAINT, LC_ST_MODULE, LC_ST_CLIENT, LC_ST_VAR, LC_ST_SCHEDULED,
  LC_ST_ROW_LEVEL_SECURITY, LC_ST_CONNECTION_CREDENTIALS, LC_ST_VIEW, LC_ST_VIEW_PARAM, LC_ST_VIEW_COLUMN, LC_ST_VIEW_SUB, LC_ST_VIEW_ARG,
  LC_ST_EVENT_TABLE, LC_ST_TABLE_ACCESSOR, LC_ST_INDEX_ACCESSOR, LC_ST_COLUMN_ACCESSOR, LC_ST_ENV, LC_ST_OUTBOUND_STREAM, LC_ST_OUTBOUND_MSG,
  LC_ST_INBOUND_STREAM, LC_ST_INBOUND_MSG, LC_ST_OUTBOX, LC_ST_END,
  LC_ST_FIRST_USER = 4096,
};
/* System tables that the catalogue in memory follows only when the schema changes: a row changed by anybody else would leave the two apart,
 * and a database that does not open (C1). */
static inline bool lc_store_is_catalogue(uint32_t table_id) {
  return table_id < LC_ST_FIRST_USER && table_id != LC_ST_VAR && table_id != LC_ST_CLIENT && table_id != LC_ST_CONNECTION_CREDENTIALS;
}

/* ---- life ---- */

/* A store with the system tables and their bootstrap rows. Never fails but for memory (then the process stops). */
lc_store *lc_store_create(void);
void lc_store_destroy(lc_store *store);

/* ---- catalogue (read at any time) ---- */

lc_table *lc_store_table(lc_store *store, uint32_t table_id);                /* NULL when there is none */
lc_table *lc_store_table_by_name(lc_store *store, lc_str name);              /* canonical name, then alias */
lc_index *lc_store_index(lc_store *store, uint32_t index_id);
lc_index *lc_store_index_by_name(lc_store *store, lc_str name);              /* canonical name, then alias */
/* Visits tables by ascending id: pass NULL first. */
lc_table *lc_store_next_table(lc_store *store, const lc_table *after);

uint32_t lc_table_id(const lc_table *table);
lc_str lc_table_name(const lc_table *table);
const lc_table_def *lc_table_def_of(const lc_table *table); /* the store's own copy */
const lc_layout *lc_table_layout(const lc_table *table);
uint64_t lc_table_row_count(const lc_table *table);
uint64_t lc_table_memory(const lc_table *table);            /* bytes of rows and indexes */
uint32_t lc_table_index_count(const lc_table *table);
lc_index *lc_table_index(const lc_table *table, uint32_t position);
/* A number for the engine's use per table (e.g. whether anybody subscribes), read on the hot path. 0 at first. */
uint64_t *lc_table_tag(lc_table *table);

uint32_t lc_index_id(const lc_index *index);
lc_table *lc_index_table(const lc_index *index);
const lc_index_def *lc_index_def_of(const lc_index *index);
bool lc_index_is_unique(const lc_index *index);
bool lc_index_has_ranges(const lc_index *index);

/* ---- transactions ---- */

typedef struct lc_table_delta {
  lc_table *table;
  lc_row *inserts, *deletes;
  uint32_t insert_count, delete_count;
  bool truncated; /* every row that was there before was deleted (deletes lists them all the same) */
  bool dropped;   /* the table itself went away in this transaction */
} lc_table_delta;

/* Tables in ascending id; only those with rows on either side. Owned by the store, valid until release. */
typedef struct lc_delta {
  lc_table_delta *tables;
  uint32_t table_count;
} lc_delta;

void lc_store_begin(lc_store *store);
bool lc_store_in_transaction(const lc_store *store);
/* The delta that commit will give, for those who must make room for it first: nothing may be changed between this and commit or abort. */
const lc_delta *lc_store_delta(lc_store *store);
/* Ends the transaction. Rows of event tables are in the delta, then gone. */
void lc_store_commit(lc_store *store, const lc_delta **delta);
/* Plays the undo list back. Sequences return to where they were (2.12 model). */
void lc_store_abort(lc_store *store);
/* Frees what only the last committed delta kept; call it once the delta has been logged and delivered. Implied by the next begin. */
void lc_store_release(lc_store *store);
/* Whether anything changed so far in the open transaction, catalogue included. */
bool lc_store_has_changes(const lc_store *store);
/* A point inside the open transaction to come back to (for view refresh and the like). */
typedef struct lc_savepoint { size_t undo_len; } lc_savepoint;
lc_savepoint lc_store_savepoint(lc_store *store);
void lc_store_rollback_to(lc_store *store, lc_savepoint savepoint);

/* ---- rows (inside a transaction) ---- */

typedef struct lc_insert_result {
  lc_row row;        /* as stored (generated columns filled in) */
  bool existed;      /* an identical row was there: nothing changed */
  lc_span generated; /* BSATN of the generated columns only, in column order; borrowed until the next call */
} lc_insert_result;

/*
 * Inserts `row` (untrusted BSATN): validates, draws sequences for zero columns, checks S1 and unique constraints.
 * Errors: LC_ERR_BSATN; LC_ERR_UNIQUE with the text users see (datastore-and-lifecycle.md 1.3); LC_ERR_SEQUENCE; LC_ERR_TOO_LARGE.
 */
lc_err lc_table_insert(lc_table *table, lc_span row, lc_insert_result *result);
/*
 * Replaces the row that has the same key in `index`. Where no indexed column changes, the bytes are written in place.
 * Errors: as insert, and LC_ERR_INDEX_NOT_UNIQUE, LC_ERR_NO_SUCH_INDEX (not of this table), LC_ERR_NO_SUCH_ROW.
 */
lc_err lc_table_update(lc_table *table, lc_index *index, lc_span row, lc_insert_result *result);
/* Deletes the row with this id (from a scan). */
void lc_table_delete(lc_table *table, uint32_t row_id);
/* Deletes the row equal to these bytes; false when there is none. */
bool lc_table_delete_equal(lc_table *table, lc_span row);
bool lc_table_find_equal(lc_table *table, lc_span row, lc_row *found);
/* Deletes all rows and says how many. */
uint64_t lc_table_clear(lc_table *table);

/* ---- scans ---- */

/* A position in a scan, by value, no allocation. The table must not change while it is in use: collect ids first, then delete. */
typedef struct lc_scan {
  lc_table *table;
  lc_index *index;
  uint64_t state[6];
} lc_scan;
void lc_table_scan(lc_table *table, lc_scan *scan);
bool lc_scan_next(lc_scan *scan, lc_row *row);

/* The row of a unique index with this key; `key` is BSATN of the key columns, concatenated. Errors: LC_ERR_BSATN for an undecodable key. */
lc_err lc_index_find(lc_index *index, lc_span key, lc_row *row, bool *found);
/* A hint: the slot and row of `key` will be wanted soon. Any bytes. */
void lc_index_prefetch(lc_index *index, lc_span key);
/* All rows whose key equals `key`, any index kind. Trailing bytes of `key` are ignored. Errors: LC_ERR_BSATN. */
lc_err lc_index_scan_point(lc_index *index, lc_span key, lc_scan *scan);

typedef enum lc_bound_kind { LC_BOUND_INCLUDED, LC_BOUND_EXCLUDED, LC_BOUND_UNBOUNDED } lc_bound_kind;
typedef struct lc_bound {
  lc_bound_kind kind;
  lc_span value; /* BSATN of the column after the prefix */
} lc_bound;
/* Rows in key order: the first `prefix_columns` key columns equal `prefix`, the next one lies within the bounds.
 * Errors: LC_ERR_BSATN; LC_ERR_INDEX_KIND for a hash index. */
lc_err lc_index_scan_range(lc_index *index, lc_span prefix, uint32_t prefix_columns, lc_bound from, lc_bound to, lc_scan *scan);

/* ---- schema changes (inside a transaction; undone by abort) ---- */

/* Creates the table with its indexes, constraints and sequences, and their rows in the system tables. `def` is copied. */
lc_err lc_store_create_table(lc_store *store, const lc_table_def *def, lc_table **table);
void lc_store_drop_table(lc_store *store, lc_table *table);
lc_err lc_table_add_index(lc_table *table, const lc_index_def *def);           /* fills it from the rows */
lc_err lc_table_remove_index(lc_table *table, lc_str name);
lc_err lc_table_add_constraint(lc_table *table, const lc_constraint_def *def); /* LC_ERR_UNIQUE when rows violate it */
lc_err lc_table_remove_constraint(lc_table *table, lc_str name);
lc_err lc_table_add_sequence(lc_table *table, const lc_sequence_def *def);
lc_err lc_table_remove_sequence(lc_table *table, lc_str name);
lc_err lc_table_set_access(lc_table *table, bool is_public);
lc_err lc_table_set_primary_key(lc_table *table, int32_t column);
/* Column types that keep every stored byte valid (variants appended to a sum), and column or table aliases. */
lc_err lc_table_set_columns(lc_table *table, const lc_table_def *def);
/*
 * Rewrites every row for `def` (same table plus columns at the end that have defaults): the table is dropped and created anew, with a
 * new id, and all rows are inserted into it.
 */
lc_err lc_store_rebuild_table(lc_store *store, lc_table *old, const lc_table_def *def, lc_table **rebuilt);

/* ---- recovery ---- */

/*
 * Applies the effects of one logged transaction: rows are absolute (present, absent), constraints are not checked. Call for each
 * table of the record, deletes before inserts, ascending table id; then lc_store_apply_end, which follows changes of system tables in
 * the catalogue (tables and indexes appear or go). Errors: LC_ERR_LOG_CORRUPT when a row does not fit its table.
 */
void lc_store_apply_begin(lc_store *store);
lc_err lc_store_apply_delete(lc_store *store, uint32_t table_id, lc_span row);
lc_err lc_store_apply_insert(lc_store *store, uint32_t table_id, lc_span row);
lc_err lc_store_apply_truncate(lc_store *store, uint32_t table_id);
lc_err lc_store_apply_end(lc_store *store);
/* After the last record: sequences continue behind every value that was handed out (L7). */
lc_err lc_store_recovered(lc_store *store);

/* For tests: recomputes every index, count and sequence from the rows and compares (L6). LC_ERR_INTERNAL says what differs. */
lc_err lc_store_check(lc_store *store);
