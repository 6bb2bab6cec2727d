/*
 * Directories of the simulated machine: one flat list of paths as programs see it, one as it is on the medium for certain, and the changes
 * between, each of which a crash may keep or lose unless its directory was synced since.
 */
#include <stdio.h>
#include <stdlib.h>

#include "io/sim/sim_internal.h"

/* ---- a list of names ---- */

static sim_entry *find(const sim_names *names, const char *path) {
  for (size_t i = 0; i < names->count; i++) {
    if (strcmp(names->items[i].path, path) == 0) return &names->items[i];
  }
  return NULL;
}

static char *copy_text(const char *text) {
  char *copy = strdup(text);
  lc_assert(copy != NULL);
  return copy;
}

static void unlink_name(sim_names *names, const char *path) {
  sim_entry *entry = find(names, path);
  if (entry == NULL) return;
  free(entry->path);
  lc__sim_inode_unref(entry->inode);
  lc_vec_remove_swap(names, (size_t)(entry - names->items));
}

static void link_name(sim_names *names, const char *path, sim_inode *inode) {
  if (inode) inode->users++; /* before the old entry goes: it may hold the same one */
  unlink_name(names, path);
  lc_vec_push(names, ((sim_entry){.path = copy_text(path), .inode = inode}));
}

/*
 * It is this very file that gets the name, also where a crash lost the step that gave it the old one (and something else has that name, or
 * nothing). A directory takes what is below it along.
 */
static void rename_name(sim_names *names, const char *from, const char *to, sim_inode *inode) {
  if (strcmp(from, to) == 0) return;
  sim_entry *old = find(names, from);
  if (inode) {
    bool is_same = old && old->inode == inode;
    link_name(names, to, inode);
    if (is_same) unlink_name(names, from);
    return;
  }
  if (old == NULL) return;
  link_name(names, to, NULL);
  unlink_name(names, from);
  size_t from_len = strlen(from);
  for (size_t i = 0; i < names->count; i++) {
    char *path = names->items[i].path;
    if (strncmp(path, from, from_len) != 0 || path[from_len] != '/') continue;
    size_t size = strlen(to) + strlen(path + from_len) + 1;
    names->items[i].path = malloc(size);
    lc_assert(names->items[i].path != NULL);
    snprintf(names->items[i].path, size, "%s%s", to, path + from_len);
    free(path);
  }
}

static void apply(sim_names *names, const sim_name_change *change) {
  switch (change->kind) {
    case SIM_LINK:
      link_name(names, change->path, change->inode);
      break;
    case SIM_UNLINK:
      unlink_name(names, change->path);
      break;
    case SIM_RENAME:
      rename_name(names, change->path, change->to, change->inode);
      break;
  }
}

/* ---- changes ---- */

static void free_change(sim_name_change *change) {
  free(change->path);
  free(change->to);
  lc__sim_inode_unref(change->inode);
}

static void record(sim_io *io, int kind, const char *path, const char *to, sim_inode *inode) {
  sim_name_change change = {.kind = kind, .path = copy_text(path), .to = to ? copy_text(to) : NULL, .inode = inode};
  if (inode) inode->users++;
  apply(&io->now, &change);
  lc_vec_push(&io->name_changes, change);
}

static bool is_in(const char *path, const char *directory) {
  char parent[LC_IO_PATH_MAX];
  lc__path_parent(path, parent);
  return strcmp(parent, directory) == 0;
}

void lc__sim_sync_names(sim_io *io, const char *directory) {
  size_t settled = 0;
  bool in_front = true;
  for (size_t i = 0; i < io->name_changes.count; i++) {
    sim_name_change *change = &io->name_changes.items[i];
    if (is_in(change->path, directory)) change->certain = true;
    in_front = in_front && change->certain;
    if (!in_front) continue;
    apply(&io->durable, change);
    free_change(change);
    settled++;
  }
  io->name_changes.count -= settled;
  if (settled && io->name_changes.count) {
    memmove(io->name_changes.items, io->name_changes.items + settled, io->name_changes.count * sizeof *io->name_changes.items);
  }
}

/* Names below a directory whose own name was lost are gone with it. */
static void drop_orphans(sim_names *names) {
  for (bool again = true; again;) {
    again = false;
    for (size_t i = 0; i < names->count; i++) {
      char parent[LC_IO_PATH_MAX];
      lc__path_parent(names->items[i].path, parent);
      if (strcmp(parent, ".") == 0 || find(names, parent)) continue;
      unlink_name(names, names->items[i].path);
      again = true;
      break;
    }
  }
}

static void names_clear(sim_names *names) {
  while (names->count) unlink_name(names, names->items[names->count - 1].path);
}

void lc__sim_names_crash(sim_io *io) {
  for (size_t i = 0; i < io->name_changes.count; i++) {
    sim_name_change *change = &io->name_changes.items[i];
    if (change->certain || lc__sim_random(io, 2)) apply(&io->durable, change);
    free_change(change);
  }
  io->name_changes.count = 0;
  drop_orphans(&io->durable);
  names_clear(&io->now);
  for (size_t i = 0; i < io->durable.count; i++) {
    sim_entry *entry = &io->durable.items[i];
    if (entry->inode) lc__sim_inode_crash(io, entry->inode);
    link_name(&io->now, entry->path, entry->inode);
  }
}

void lc__sim_names_deinit(sim_io *io) {
  names_clear(&io->now);
  names_clear(&io->durable);
  for (size_t i = 0; i < io->name_changes.count; i++) free_change(&io->name_changes.items[i]);
  lc_vec_deinit(&io->now);
  lc_vec_deinit(&io->durable);
  lc_vec_deinit(&io->name_changes);
}

/* ---- operations ---- */

sim_inode *lc__sim_find_file(sim_io *io, const char *path) {
  sim_entry *entry = find(&io->now, path);
  return entry ? entry->inode : NULL;
}

lc_path_kind lc__sim_kind(sim_io *io, const char *path) {
  if (strcmp(path, ".") == 0) return LC_PATH_DIRECTORY;
  sim_entry *entry = find(&io->now, path);
  return entry == NULL ? LC_PATH_MISSING : entry->inode ? LC_PATH_FILE : LC_PATH_DIRECTORY;
}

static lc_err need_parent(sim_io *io, const char *path) {
  char parent[LC_IO_PATH_MAX];
  lc__path_parent(path, parent);
  if (lc__sim_kind(io, parent) == LC_PATH_DIRECTORY) return lc_ok();
  return lc_fail(LC_ERR_FILE_MISSING, "cannot create %s: no such directory", path);
}

lc_err lc__sim_create(sim_io *io, const char *path, sim_inode *inode) {
  LC_TRY(need_parent(io, path));
  if (find(&io->now, path)) return lc_fail(LC_ERR_FILE_EXISTS, "cannot create %s: it exists", path);
  record(io, SIM_LINK, path, NULL, inode);
  return lc_ok();
}

lc_err lc__sim_remove(sim_io *io, const char *path) {
  if (find(&io->now, path) == NULL) return lc_fail(LC_ERR_FILE_MISSING, "cannot remove %s: no such file", path);
  for (size_t i = 0; i < io->now.count; i++) {
    if (is_in(io->now.items[i].path, path)) return lc_fail(LC_ERR_FILE_EXISTS, "cannot remove %s: the directory is not empty", path);
  }
  record(io, SIM_UNLINK, path, NULL, NULL);
  return lc_ok();
}

lc_err lc__sim_rename(sim_io *io, const char *from, const char *to) {
  sim_entry *entry = find(&io->now, from);
  if (entry == NULL) return lc_fail(LC_ERR_FILE_MISSING, "cannot rename %s: no such file", from);
  LC_TRY(need_parent(io, to));
  record(io, SIM_RENAME, from, to, entry->inode);
  return lc_ok();
}

static int compare_names(const void *a, const void *b) {
  return lc_str_compare(*(const lc_str *)a, *(const lc_str *)b);
}

lc_err lc__sim_list(sim_io *io, const char *path, lc_arena *arena, lc_str **names, size_t *count) {
  if (lc__sim_kind(io, path) != LC_PATH_DIRECTORY) return lc_fail(LC_ERR_FILE_MISSING, "cannot list %s: no such directory", path);
  *names = LC_ARENA_ARRAY(arena, lc_str, io->now.count + 1);
  *count = 0;
  for (size_t i = 0; i < io->now.count; i++) {
    const char *entry = io->now.items[i].path, *slash = strrchr(entry, '/');
    if (is_in(entry, path)) (*names)[(*count)++] = lc_arena_str(arena, lc_str_of(slash ? slash + 1 : entry));
  }
  qsort(*names, *count, sizeof **names, compare_names);
  return lc_ok();
}
