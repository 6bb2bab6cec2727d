#pragma once
/*
 * The brute-force model that the simulation compares a store or a database with: every table a plain list of rows, every commit remembered
 * as what it did, so that the state after any number of commits can be had by doing them again from the start. No index, no hashing, no
 * sharing of code with the store but the byte order of numbers.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MODEL_TABLES_MAX = 8 }; /* which of them mean what is the simulation's business */

typedef struct model_row {
  uint8_t *bytes; /* owned */
  uint32_t len;
} model_row;

typedef struct model_table {
  model_row *rows;
  size_t count, cap;
} model_table;

/* One thing that a commit did. */
typedef struct model_change {
  int table;
  bool is_insert;
  model_row row;
} model_change;

typedef struct model_commit {
  model_change *changes;
  size_t count, cap;
  uint64_t last_drawn[MODEL_TABLES_MAX]; /* the highest number that the table's sequence has given out up to here */
} model_commit;

typedef struct model {
  model_table tables[MODEL_TABLES_MAX]; /* with the open transaction's changes */
  uint64_t last_drawn[MODEL_TABLES_MAX];
  model_commit *commits;
  size_t count, cap;
  model_commit open; /* what the open transaction did so far */
} model;

void model_deinit(model *m);
/* Changes of the open transaction. Inserting a row that is there, or deleting one that is not, is a mistake of the caller. */
void model_insert(model *m, int table, const void *bytes, size_t len);
void model_delete(model *m, int table, const void *bytes, size_t len);
bool model_has(const model *m, int table, const void *bytes, size_t len);
void model_commit_open(model *m);
/* Undoes the open transaction, or what it did after its first `kept` changes. The numbers drawn stay drawn. */
void model_rollback(model *m, size_t kept);
/* Undoes the open transaction; its numbers are free again. */
void model_abort(model *m);
/* Forgets all commits but the first `kept`: the state is that after them. */
void model_cut(model *m, size_t kept);
