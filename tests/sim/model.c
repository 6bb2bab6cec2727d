/* See model.h. Slow and obvious on purpose. */
#include "sim/model.h"

#include <stdlib.h>
#include <string.h>

static model_row row_copy(const void *bytes, size_t len) {
  model_row row = {malloc(len ? len : 1), (uint32_t)len};
  if (row.bytes == NULL) abort();
  if (len) memcpy(row.bytes, bytes, len);
  return row;
}

static void *grown(void *items, size_t *cap, size_t size) {
  *cap = *cap ? 2 * *cap : 16;
  items = realloc(items, *cap * size);
  if (items == NULL) abort();
  return items;
}

static size_t position_of(const model_table *table, const void *bytes, size_t len) {
  size_t i = 0;
  while (i < table->count && (table->rows[i].len != len || memcmp(table->rows[i].bytes, bytes, len) != 0)) i++;
  return i;
}

static void table_add(model_table *table, const void *bytes, size_t len) {
  if (position_of(table, bytes, len) < table->count) abort();
  if (table->count == table->cap) table->rows = grown(table->rows, &table->cap, sizeof *table->rows);
  table->rows[table->count++] = row_copy(bytes, len);
}

static void table_remove(model_table *table, const void *bytes, size_t len) {
  size_t at = position_of(table, bytes, len);
  if (at == table->count) abort();
  free(table->rows[at].bytes);
  table->rows[at] = table->rows[--table->count];
}

static void apply(model *m, const model_change *change, bool backwards) {
  model_table *table = &m->tables[change->table];
  if (change->is_insert != backwards)
    table_add(table, change->row.bytes, change->row.len);
  else
    table_remove(table, change->row.bytes, change->row.len);
}

static void note(model *m, int table, bool is_insert, const void *bytes, size_t len) {
  model_commit *open = &m->open;
  if (open->count == open->cap) open->changes = grown(open->changes, &open->cap, sizeof *open->changes);
  open->changes[open->count] = (model_change){table, is_insert, row_copy(bytes, len)};
  apply(m, &open->changes[open->count++], false);
}

void model_insert(model *m, int table, const void *bytes, size_t len) {
  note(m, table, true, bytes, len);
}
void model_delete(model *m, int table, const void *bytes, size_t len) {
  note(m, table, false, bytes, len);
}
bool model_has(const model *m, int table, const void *bytes, size_t len) {
  return position_of(&m->tables[table], bytes, len) < m->tables[table].count;
}

void model_commit_open(model *m) {
  if (m->count == m->cap) m->commits = grown(m->commits, &m->cap, sizeof *m->commits);
  memcpy(m->open.last_drawn, m->last_drawn, sizeof m->last_drawn);
  m->commits[m->count++] = m->open;
  m->open = (model_commit){0};
}

void model_rollback(model *m, size_t kept) {
  while (m->open.count > kept) {
    model_change *change = &m->open.changes[--m->open.count];
    apply(m, change, true);
    free(change->row.bytes);
  }
}

static void restore_drawn(model *m) {
  if (m->count)
    memcpy(m->last_drawn, m->commits[m->count - 1].last_drawn, sizeof m->last_drawn);
  else
    memset(m->last_drawn, 0, sizeof m->last_drawn);
}

void model_abort(model *m) {
  model_rollback(m, 0);
  restore_drawn(m);
}

static void commit_deinit(model_commit *commit) {
  for (size_t i = 0; i < commit->count; i++) free(commit->changes[i].row.bytes);
  free(commit->changes);
  *commit = (model_commit){0};
}

static void table_clear(model_table *table) {
  while (table->count) free(table->rows[--table->count].bytes);
}

void model_cut(model *m, size_t kept) {
  commit_deinit(&m->open);
  while (m->count > kept) commit_deinit(&m->commits[--m->count]);
  for (int i = 0; i < MODEL_TABLES_MAX; i++) table_clear(&m->tables[i]);
  for (size_t i = 0; i < m->count; i++) {
    for (size_t k = 0; k < m->commits[i].count; k++) apply(m, &m->commits[i].changes[k], false);
  }
  restore_drawn(m);
}

void model_deinit(model *m) {
  model_cut(m, 0);
  for (int i = 0; i < MODEL_TABLES_MAX; i++) free(m->tables[i].rows);
  free(m->commits);
}
