#pragma once
/*
 * The ordered index: a B+-tree of (key, row id), so that equal keys lie side by side and each entry can be found again in O(log n) however
 * many rows share its key. Nodes hold no keys but their 8-byte heads (key_internal.h); where heads are equal and do not settle it, the
 * comparison goes through the rows.
 *
 *   leaf    count entries {head, row}, in order; leaves are a doubly linked list
 *   branch  count children, each with the first entry {head, row} of its subtree
 *
 * Invariants
 *   T1  Entries are strictly ascending by (key, row id) over all leaves.
 *   T2  The entry that a branch holds for a child is the first entry of that child's subtree, exactly: separators always name rows that
 *       are in the tree, so comparing through them is safe.
 *   T3  No node is empty but a root leaf; all leaves have the same depth. A node that a removal leaves a quarter full is merged with a neighbour of the
 *       same parent when both fit into one.
 * A row must be in place, with the key it has in the tree, from its insertion until its removal.
 */
#include "store/key_internal.h"

typedef struct lc__tree_node lc__tree_node;

typedef struct lc__tree {
  const lc__key_spec *key;
  const lc__rows *rows;
  bool hashed; /* heads are hashes: no ranges */
  lc__tree_node *root;
  uint64_t count;
  uint64_t node_count;
} lc__tree;

typedef struct lc__tree_position { /* before this entry; leaf NULL: the end */
  lc__tree_node *leaf;
  uint32_t at;
} lc__tree_position;

void lc__tree_init(lc__tree *tree, const lc__key_spec *key, const lc__rows *rows, bool hashed);
void lc__tree_deinit(lc__tree *tree);
void lc__tree_add(lc__tree *tree, uint32_t row);
/* False when the entry is not there. */
bool lc__tree_remove(lc__tree *tree, uint32_t row);
/* The first entry whose given columns are not below the probe (`after`: are above it). */
lc__tree_position lc__tree_seek(const lc__tree *tree, const lc__probe *probe, bool after);
lc__tree_position lc__tree_first(const lc__tree *tree);
/* The row at the position, which moves on; LC_ROW_NONE at the end. */
uint32_t lc__tree_next(lc__tree_position *position);
uint64_t lc__tree_memory(const lc__tree *tree);
/* For lc_store_check: T1, T2, T3 and the count. */
lc_err lc__tree_check(const lc__tree *tree);
