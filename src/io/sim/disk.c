/* Contents of simulated files: what is seen, what is durable, the changes between, and what a crash makes of them. */
#include <stdlib.h>

#include "io/sim/sim_internal.h"

/* ---- images ---- */

static void image_resize(sim_image *image, size_t len) {
  if (len > image->cap) {
    image->cap = image->cap ? image->cap : 4096;
    while (image->cap < len) image->cap *= 2;
    image->bytes = realloc(image->bytes, image->cap);
    lc_assert(image->bytes != NULL);
  }
  if (len > image->len) memset(image->bytes + image->len, 0, len - image->len);
  image->len = len;
}

static void image_write(sim_image *image, uint64_t offset, const uint8_t *from, size_t len) {
  if (offset + len > image->len) image_resize(image, (size_t)offset + len);
  if (len) memcpy(image->bytes + offset, from, len);
}

static void image_apply(sim_image *image, const sim_change *change) {
  if (change->is_truncate)
    image_resize(image, (size_t)change->offset);
  else
    image_write(image, change->offset, change->bytes, change->len);
}

/* ---- inodes ---- */

sim_inode *lc__sim_inode_create(void) {
  sim_inode *inode = calloc(1, sizeof *inode);
  lc_assert(inode != NULL);
  inode->users = 1;
  return inode;
}

static void forget_changes(sim_inode *inode) {
  for (size_t i = 0; i < inode->changes.count; i++) free(inode->changes.items[i].bytes);
  inode->changes.count = 0;
}

void lc__sim_inode_unref(sim_inode *inode) {
  if (inode == NULL || --inode->users > 0) return;
  forget_changes(inode);
  lc_vec_deinit(&inode->changes);
  free(inode->now.bytes);
  free(inode->durable.bytes);
  free(inode);
}

/* Changes at the front that are certain belong to the durable image. */
static void settle(sim_inode *inode) {
  size_t settled = 0;
  while (settled < inode->changes.count && inode->changes.items[settled].certain) {
    image_apply(&inode->durable, &inode->changes.items[settled]);
    free(inode->changes.items[settled++].bytes);
  }
  inode->changes.count -= settled;
  if (settled && inode->changes.count) {
    memmove(inode->changes.items, inode->changes.items + settled, inode->changes.count * sizeof *inode->changes.items);
  }
}

void lc__sim_inode_write(sim_inode *inode, uint64_t offset, const uint8_t *from, size_t len, bool certain) {
  image_write(&inode->now, offset, from, len);
  sim_change change = {.certain = certain, .offset = offset, .len = len, .bytes = malloc(len ? len : 1)};
  lc_assert(change.bytes != NULL);
  if (len) memcpy(change.bytes, from, len);
  lc_vec_push(&inode->changes, change);
  settle(inode);
}

void lc__sim_inode_truncate(sim_inode *inode, uint64_t size) {
  image_resize(&inode->now, (size_t)size);
  lc_vec_push(&inode->changes, ((sim_change){.is_truncate = true, .offset = size}));
}

void lc__sim_inode_sync(sim_inode *inode) {
  for (size_t i = 0; i < inode->changes.count; i++) inode->changes.items[i].certain = true;
  settle(inode);
}

/* ---- crashes ---- */

/* Any combination of the sectors of a write. The size may arrive without the data: then zeros, rarely garbage, stand in its place. */
static void apply_torn(sim_io *io, sim_image *image, uint64_t offset, const uint8_t *from, size_t len) {
  size_t old_len = image->len;
  if (offset + len > old_len) {
    switch (lc__sim_random(io, 3)) {
      case 0: /* the old size: nothing behind it */
        if (offset >= old_len) return;
        len = old_len - (size_t)offset;
        break;
      case 1: /* the new size, whatever arrives */
        image_resize(image, (size_t)offset + len);
        if (lc__sim_random(io, 4) == 0) {
          for (size_t i = old_len; i < image->len; i++) image->bytes[i] = (uint8_t)lc__sim_random(io, 256);
        }
        break;
      default: /* as far as data arrives */
        break;
    }
  }
  /* All, none, or a coin for each sector. */
  uint64_t mode = lc__sim_random(io, 4);
  for (size_t at = 0; at < len;) {
    size_t sector_end = LC__SECTOR - (size_t)((offset + at) % LC__SECTOR), piece = len - at < sector_end ? len - at : sector_end;
    bool arrives = mode == 0 || (mode > 1 && lc__sim_random(io, 2));
    if (arrives) image_write(image, offset + at, from + at, piece);
    at += piece;
  }
}

void lc__sim_inode_write_torn(sim_inode *inode, uint64_t offset, const uint8_t *from, size_t len) {
  sim_change change = {.offset = offset, .len = len, .bytes = malloc(len)};
  lc_assert(change.bytes != NULL);
  memcpy(change.bytes, from, len);
  lc_vec_push(&inode->changes, change);
}

void lc__sim_inode_crash(sim_io *io, sim_inode *inode) {
  for (size_t i = 0; i < inode->changes.count; i++) {
    const sim_change *change = &inode->changes.items[i];
    if (change->certain)
      image_apply(&inode->durable, change);
    else if (!change->is_truncate)
      apply_torn(io, &inode->durable, change->offset, change->bytes, change->len);
    else if (lc__sim_random(io, 2))
      image_apply(&inode->durable, change);
  }
  forget_changes(inode);
  image_resize(&inode->now, 0);
  image_write(&inode->now, 0, inode->durable.bytes, inode->durable.len);
}
