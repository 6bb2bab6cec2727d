#include <stdlib.h>

#include "base/assert.h"
#include "store/tree_internal.h"

enum { NODE_MAX = 64, NODE_MIN = NODE_MAX / 4, DEPTH_MAX = 24 };

struct lc__tree_node {
  uint16_t count;
  bool is_leaf;
  lc__tree_node *previous, *next; /* leaves */
  uint64_t heads[NODE_MAX];
  uint32_t rows[NODE_MAX];
  lc__tree_node *children[]; /* branches: NODE_MAX */
};

typedef struct path { /* from the root: which child of which node */
  lc__tree_node *nodes[DEPTH_MAX];
  uint32_t at[DEPTH_MAX];
  uint32_t depth; /* index of the leaf's entry */
} path;

void lc__tree_init(lc__tree *tree, const lc__key_spec *key, const lc__rows *rows, bool hashed) {
  *tree = (lc__tree){.key = key, .rows = rows, .hashed = hashed};
}

static lc__tree_node *node_create(lc__tree *tree, bool is_leaf) {
  size_t size = sizeof(lc__tree_node) + (is_leaf ? 0 : NODE_MAX * sizeof(lc__tree_node *));
  lc__tree_node *node = malloc(size);
  lc_assert(node != NULL);
  node->count = 0;
  node->is_leaf = is_leaf;
  node->previous = node->next = NULL;
  tree->node_count++;
  return node;
}

static void node_destroy(lc__tree *tree, lc__tree_node *node) {
  tree->node_count--;
  free(node);
}

static void destroy_below(lc__tree *tree, lc__tree_node *node) {
  for (uint32_t i = 0; !node->is_leaf && i < node->count; i++) destroy_below(tree, node->children[i]);
  node_destroy(tree, node);
}

void lc__tree_deinit(lc__tree *tree) {
  if (tree->root) destroy_below(tree, tree->root);
  tree->root = NULL;
  tree->count = 0;
}

uint64_t lc__tree_memory(const lc__tree *tree) {
  return tree->node_count * (sizeof(lc__tree_node) + 16);
}

/* ---- order ---- */

static int probe_compare(const lc__tree *tree, const lc__probe *probe, uint64_t head, uint32_t row) {
  if (!probe->blind) {
    head >>= probe->shift;
    if (probe->head != head) return probe->head < head ? -1 : 1;
    if (probe->exact) return 0;
  }
  return lc__probe_compare_row(tree->key, probe, lc__rows_bytes(tree->rows, row));
}

/* The order of whole entries: key, then row id. `row` is that of the probe. */
static int entry_compare(const lc__tree *tree, const lc__probe *probe, uint32_t row, uint64_t head, uint32_t other) {
  if (row == other) return 0;
  int order = probe_compare(tree, probe, head, other);
  return order ? order : (row > other) - (row < other);
}

/* How many entries of the node are below (`after`: not above) the probe. */
static uint32_t node_seek(const lc__tree *tree, const lc__tree_node *node, const lc__probe *probe, bool after) {
  uint32_t low = 0, high = node->count;
  while (low < high) {
    uint32_t middle = (low + high) / 2;
    int order = probe_compare(tree, probe, node->heads[middle], node->rows[middle]);
    if (order > 0 || (after && order == 0))
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* How many entries of the node are below the entry (probe, row). */
static uint32_t node_seek_entry(const lc__tree *tree, const lc__tree_node *node, const lc__probe *probe, uint32_t row) {
  uint32_t low = 0, high = node->count;
  while (low < high) {
    uint32_t middle = (low + high) / 2;
    if (entry_compare(tree, probe, row, node->heads[middle], node->rows[middle]) > 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* ---- node surgery ---- */

static void node_insert(lc__tree_node *node, uint32_t at, uint64_t head, uint32_t row, lc__tree_node *child) {
  lc_assert(node->count < NODE_MAX && at <= node->count);
  uint32_t behind = node->count - at;
  memmove(&node->heads[at + 1], &node->heads[at], behind * sizeof *node->heads);
  memmove(&node->rows[at + 1], &node->rows[at], behind * sizeof *node->rows);
  if (!node->is_leaf) memmove(&node->children[at + 1], &node->children[at], behind * sizeof *node->children);
  node->heads[at] = head;
  node->rows[at] = row;
  if (!node->is_leaf) node->children[at] = child;
  node->count++;
}

static void node_erase(lc__tree_node *node, uint32_t at) {
  uint32_t behind = node->count - at - 1u;
  memmove(&node->heads[at], &node->heads[at + 1], behind * sizeof *node->heads);
  memmove(&node->rows[at], &node->rows[at + 1], behind * sizeof *node->rows);
  if (!node->is_leaf) memmove(&node->children[at], &node->children[at + 1], behind * sizeof *node->children);
  node->count--;
}

/* Moves the entries from `at` on to the end of `to`. */
static void node_move(lc__tree_node *from, uint32_t at, lc__tree_node *to) {
  uint32_t moved = from->count - at;
  memcpy(&to->heads[to->count], &from->heads[at], moved * sizeof *from->heads);
  memcpy(&to->rows[to->count], &from->rows[at], moved * sizeof *from->rows);
  if (!from->is_leaf) memcpy(&to->children[to->count], &from->children[at], moved * sizeof *from->children);
  to->count = (uint16_t)(to->count + moved);
  from->count = (uint16_t)at;
}

static void leaf_unlink(lc__tree_node *leaf) {
  if (leaf->previous) leaf->previous->next = leaf->next;
  if (leaf->next) leaf->next->previous = leaf->previous;
}

/* Descends to the leaf where the entry is or belongs. */
static void tree_descend(const lc__tree *tree, const lc__probe *probe, uint32_t row, path *way) {
  way->depth = 0;
  lc__tree_node *node = tree->root;
  for (; !node->is_leaf; way->depth++) {
    lc_assert(way->depth + 1 < DEPTH_MAX);
    uint32_t at = node_seek_entry(tree, node, probe, row);
    /* The child that begins with this very entry, or else the one before it. */
    if (at == node->count || entry_compare(tree, probe, row, node->heads[at], node->rows[at]) != 0) at -= at > 0;
    way->nodes[way->depth] = node;
    way->at[way->depth] = at;
    node = node->children[at];
  }
  way->nodes[way->depth] = node;
  way->at[way->depth] = node_seek_entry(tree, node, probe, row);
}

/* The first entry of the node at `depth` changed: says so in the branches above (T2). */
static void refresh_above(path *way, uint32_t depth) {
  const lc__tree_node *node = way->nodes[depth];
  for (uint32_t level = depth; level-- > 0;) {
    way->nodes[level]->heads[way->at[level]] = node->heads[0];
    way->nodes[level]->rows[way->at[level]] = node->rows[0];
    if (way->at[level] != 0) return;
  }
}

/* Splits the full node at `depth`; the path then leads to the half where its position lies. Ascending insertion leaves full leaves behind.
 */
static void tree_split(lc__tree *tree, path *way, uint32_t depth) {
  lc__tree_node *node = way->nodes[depth];
  if (depth == 0) {
    lc_assert(way->depth + 2 < DEPTH_MAX);
    lc__tree_node *root = node_create(tree, false);
    node_insert(root, 0, node->heads[0], node->rows[0], node);
    tree->root = root;
    for (uint32_t level = ++way->depth; level > 0; level--) {
      way->nodes[level] = way->nodes[level - 1];
      way->at[level] = way->at[level - 1];
    }
    way->nodes[0] = root;
    way->at[0] = 0;
    depth = 1;
  } else if (way->nodes[depth - 1]->count == NODE_MAX) {
    uint32_t before = way->depth;
    tree_split(tree, way, depth - 1);
    depth += way->depth - before;
  }
  uint32_t keep = way->at[depth] == NODE_MAX && (!node->is_leaf || node->next == NULL) ? NODE_MAX - 1 : NODE_MAX / 2;
  lc__tree_node *right = node_create(tree, node->is_leaf);
  node_move(node, keep, right);
  if (node->is_leaf) {
    right->previous = node;
    right->next = node->next;
    if (right->next) right->next->previous = right;
    node->next = right;
  }
  node_insert(way->nodes[depth - 1], way->at[depth - 1] + 1, right->heads[0], right->rows[0], right);
  if (way->at[depth] >= keep) {
    way->nodes[depth] = right;
    way->at[depth] -= keep;
    way->at[depth - 1]++;
  }
}

void lc__tree_add(lc__tree *tree, uint32_t row) {
  lc__probe probe = lc__probe_of_row(tree->key, tree->hashed, lc__rows_bytes(tree->rows, row));
  if (tree->root == NULL) tree->root = node_create(tree, true);
  path way;
  tree_descend(tree, &probe, row, &way);
  if (way.nodes[way.depth]->count == NODE_MAX) tree_split(tree, &way, way.depth);
  node_insert(way.nodes[way.depth], way.at[way.depth], probe.head, row, NULL);
  if (way.at[way.depth] == 0) refresh_above(&way, way.depth);
  tree->count++;
}

/* Takes the empty or merged-away child at `at[depth]` out of the branch at `depth`, and what becomes empty above it. */
static void branch_drop(lc__tree *tree, path *way, uint32_t depth) {
  lc__tree_node *branch = way->nodes[depth];
  node_erase(branch, way->at[depth]);
  if (branch->count == 0) {
    if (depth == 0) {
      node_destroy(tree, branch);
      tree->root = NULL;
    } else {
      branch_drop(tree, way, depth - 1);
      node_destroy(tree, branch);
    }
  } else if (way->at[depth] == 0) {
    refresh_above(way, depth);
  }
}

/* Merges the sparse node at `depth` with a neighbour when both fit; then looks at the branch above (T3). */
static void tree_merge(lc__tree *tree, path *way, uint32_t depth) {
  while (depth > 0) {
    lc__tree_node *node = way->nodes[depth], *branch = way->nodes[depth - 1];
    if (node->count > NODE_MIN) return;
    uint32_t at = way->at[depth - 1];
    uint32_t left = at > 0 && branch->children[at - 1]->count + node->count <= NODE_MAX ? at - 1 : at;
    if (left + 1 >= branch->count || branch->children[left]->count + branch->children[left + 1]->count > NODE_MAX) return;
    lc__tree_node *kept = branch->children[left], *gone = branch->children[left + 1];
    if (gone->is_leaf) leaf_unlink(gone);
    node_move(gone, 0, kept);
    node_destroy(tree, gone);
    node_erase(branch, left + 1);
    depth--;
  }
  while (!tree->root->is_leaf && tree->root->count == 1) {
    lc__tree_node *old = tree->root;
    tree->root = old->children[0];
    node_destroy(tree, old);
  }
}

bool lc__tree_remove(lc__tree *tree, uint32_t row) {
  if (tree->root == NULL) return false;
  lc__probe probe = lc__probe_of_row(tree->key, tree->hashed, lc__rows_bytes(tree->rows, row));
  path way;
  tree_descend(tree, &probe, row, &way);
  lc__tree_node *leaf = way.nodes[way.depth];
  uint32_t at = way.at[way.depth];
  if (at >= leaf->count || leaf->rows[at] != row) return false;
  node_erase(leaf, at);
  tree->count--;
  if (leaf->count == 0) {
    if (way.depth == 0) {
      tree->root = NULL;
    } else {
      leaf_unlink(leaf);
      branch_drop(tree, &way, way.depth - 1);
    }
    node_destroy(tree, leaf);
    return true;
  }
  if (at == 0) refresh_above(&way, way.depth);
  if (leaf->count <= NODE_MIN) tree_merge(tree, &way, way.depth);
  return true;
}

/* ---- reading ---- */

lc__tree_position lc__tree_seek(const lc__tree *tree, const lc__probe *probe, bool after) {
  lc__tree_node *node = tree->root;
  if (node == NULL) return (lc__tree_position){0};
  while (!node->is_leaf) {
    uint32_t at = node_seek(tree, node, probe, after);
    node = node->children[at - (at > 0)];
  }
  lc__tree_position position = {node, node_seek(tree, node, probe, after)};
  if (position.at == node->count) position = (lc__tree_position){node->next, 0};
  return position;
}

lc__tree_position lc__tree_first(const lc__tree *tree) {
  lc__tree_node *node = tree->root;
  while (node && !node->is_leaf) node = node->children[0];
  return (lc__tree_position){node, 0};
}

uint32_t lc__tree_next(lc__tree_position *position) {
  if (position->leaf == NULL) return LC_ROW_NONE;
  uint32_t row = position->leaf->rows[position->at];
  if (++position->at == position->leaf->count) *position = (lc__tree_position){position->leaf->next, 0};
  return row;
}

/* ---- checking ---- */

static lc_err check_below(const lc__tree *tree, const lc__tree_node *node, uint32_t depth, uint32_t *leaf_depth, uint32_t *previous,
                          uint64_t *count) {
  if (node->count == 0 || node->count > NODE_MAX) return lc_fail(LC_ERR_INTERNAL, "a tree node holds %u entries", node->count);
  if (node->is_leaf && *leaf_depth == UINT32_MAX) *leaf_depth = depth;
  if (node->is_leaf && depth != *leaf_depth) return lc_fail(LC_ERR_INTERNAL, "leaves at depths %u and %u", depth, *leaf_depth);
  for (uint32_t i = 0; i < node->count; i++) {
    uint32_t row = node->rows[i];
    if (!lc__rows_is_live(tree->rows, row)) return lc_fail(LC_ERR_INTERNAL, "the tree holds row %u, which is not in the table", row);
    if (!node->is_leaf) {
      const lc__tree_node *child = node->children[i];
      if (child->count == 0 || child->heads[0] != node->heads[i] || child->rows[0] != row)
        return lc_fail(LC_ERR_INTERNAL, "a separator is not the first entry of its child");
      LC_TRY(check_below(tree, child, depth + 1, leaf_depth, previous, count));
      continue;
    }
    lc__probe probe = lc__probe_of_row(tree->key, tree->hashed, lc__rows_bytes(tree->rows, row));
    if (probe.head != node->heads[i]) return lc_fail(LC_ERR_INTERNAL, "the head of row %u is out of date", row);
    if (*previous != LC_ROW_NONE) {
      lc__probe before = lc__probe_of_row(tree->key, tree->hashed, lc__rows_bytes(tree->rows, *previous));
      if (entry_compare(tree, &before, *previous, node->heads[i], row) >= 0)
        return lc_fail(LC_ERR_INTERNAL, "rows %u and %u are out of order", *previous, row);
    }
    *previous = row;
    ++*count;
  }
  return lc_ok();
}

lc_err lc__tree_check(const lc__tree *tree) {
  uint64_t count = 0, linked = 0;
  uint32_t leaf_depth = UINT32_MAX, previous = LC_ROW_NONE;
  if (tree->root) LC_TRY(check_below(tree, tree->root, 0, &leaf_depth, &previous, &count));
  lc__tree_position position = lc__tree_first(tree);
  while (lc__tree_next(&position) != LC_ROW_NONE) linked++;
  if (count != tree->count || linked != count) {
    return lc_fail(LC_ERR_INTERNAL, "the tree counts %llu entries, holds %llu and links %llu", (unsigned long long)tree->count,
                   (unsigned long long)count, (unsigned long long)linked);
  }
  return lc_ok();
}
