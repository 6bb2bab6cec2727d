/* Open files of the simulated machine, and their durable operations, which end after a random number of polls. */
#include <stdlib.h>

#include "io/sim/sim_internal.h"

static sim_io *io_of(lc_file *file) {
  return (sim_io *)file->io;
}

/* Counts the operation and refuses handles from before a crash. */
static lc_err begin(lc_file *file, const char *what) {
  sim_file *self = (sim_file *)file;
  if (self->epoch != io_of(file)->epoch)
    return lc_fail(LC_ERR_IO, "cannot %s %s: the machine went down since it was opened", what, self->path);
  return lc__sim_operation(io_of(file), what, self->path);
}

/* The disk's capacity counts what files hold, as far as it can be seen now. */
static lc_err check_space(sim_file *self, uint64_t end) {
  sim_io *io = (sim_io *)self->base.io;
  if (io->capacity == UINT64_MAX || end <= self->inode->now.len) return lc_ok();
  uint64_t used = 0;
  for (size_t i = 0; i < io->now.count; i++) used += io->now.items[i].inode ? io->now.items[i].inode->now.len : 0;
  if (used + (end - self->inode->now.len) <= io->capacity) return lc_ok();
  return lc_fail(LC_ERR_NO_SPACE, "cannot write %s: no space left on the device", self->path);
}

static void file_close(lc_file *file) {
  sim_file *self = (sim_file *)file;
  sim_file **link = &io_of(file)->files;
  while (*link != self) link = &(*link)->next;
  *link = self->next;
  /* Left behind on the way: may or may not have arrived. */
  if (self->operation == SIM_OP_WRITE && self->epoch == io_of(file)->epoch && !lc_failed(self->failure)) {
    lc__sim_inode_write_torn(self->inode, self->offset, self->from, self->len);
  }
  lc__sim_inode_unref(self->inode);
  free(self->path);
  free(self);
}

static lc_err file_size(lc_file *file, uint64_t *size) {
  LC_TRY(begin(file, "look at"));
  *size = ((sim_file *)file)->inode->now.len;
  return lc_ok();
}

static lc_err file_read(lc_file *file, uint64_t offset, void *to, size_t len, size_t *read) {
  sim_file *self = (sim_file *)file;
  *read = 0;
  LC_TRY(begin(file, "read"));
  if (offset >= self->inode->now.len) return lc_ok();
  size_t left = self->inode->now.len - (size_t)offset;
  *read = len < left ? len : left;
  if (*read) memcpy(to, self->inode->now.bytes + offset, *read);
  return lc_ok();
}

static lc_err file_write(lc_file *file, uint64_t offset, const void *from, size_t len) {
  sim_file *self = (sim_file *)file;
  LC_TRY(begin(file, "write"));
  LC_TRY(check_space(self, offset + len));
  lc__sim_inode_write(self->inode, offset, from, len, false);
  return lc_ok();
}

static lc_err file_sync(lc_file *file) {
  lc_err err = begin(file, "sync");
  if (lc_failed(err)) return lc_fail(LC_ERR_IO, "%s", lc_err_text(err)); /* never "no space": see lc_file_sync */
  lc__sim_inode_sync(((sim_file *)file)->inode);
  return lc_ok();
}

static lc_err file_truncate(lc_file *file, uint64_t size) {
  LC_TRY(begin(file, "truncate"));
  LC_TRY(check_space((sim_file *)file, size));
  lc__sim_inode_truncate(((sim_file *)file)->inode, size);
  return lc_ok();
}

/* ---- durable operations ---- */

static void start(sim_file *self, int operation) {
  lc_assert(self->operation == SIM_OP_NONE);
  self->operation = operation;
  self->polls_left = (unsigned)lc__sim_random((sim_io *)self->base.io, 4);
  self->failure = lc_ok();
}

static lc_err file_write_durable(lc_file *file, uint64_t offset, const void *from, size_t len) {
  sim_file *self = (sim_file *)file;
  LC_TRY(begin(file, "start a durable write of"));
  start(self, SIM_OP_WRITE);
  self->offset = offset;
  self->from = from;
  self->len = len;
  self->failure = check_space(self, offset + len);
  return lc_ok();
}

static lc_err file_publish_durable(lc_file *file, const char *path) {
  sim_file *self = (sim_file *)file;
  LC_TRY(begin(file, "publish"));
  LC_TRY(lc__sim_rename(io_of(file), self->path, path));
  free(self->path);
  self->path = strdup(path);
  lc_assert(self->path != NULL);
  start(self, SIM_OP_PUBLISH);
  return lc_ok();
}

static lc_err complete(sim_file *self) {
  sim_io *io = (sim_io *)self->base.io;
  if (lc_failed(self->failure)) {
    self->operation = SIM_OP_NONE;
    /* made again: the message of the failure may have left the thread's ring of messages since */
    return lc_fail(LC_ERR_NO_SPACE, "cannot write %s: no space left on the device", self->path);
  }
  lc_err err = begin(&self->base, "complete a durable operation of");
  if (io->down) return err; /* what is under way stays so, for lc_sim_crash */
  int operation = self->operation;
  self->operation = SIM_OP_NONE;
  if (lc_failed(err)) {
    if (operation == SIM_OP_WRITE) lc__sim_inode_write_torn(self->inode, self->offset, self->from, self->len); /* failed half-way */
    return operation == SIM_OP_PUBLISH ? lc_fail(LC_ERR_IO, "%s", lc_err_text(err)) : err; /* a failed sync is never "no space" */
  }
  if (operation == SIM_OP_WRITE) {
    lc__sim_inode_write(self->inode, self->offset, self->from, self->len, true);
  } else {
    char parent[LC_IO_PATH_MAX];
    lc__path_parent(self->path, parent);
    lc__sim_sync_names(io, parent);
  }
  return lc_ok();
}

static lc_err file_poll(lc_file *file, bool *done) {
  sim_file *self = (sim_file *)file;
  *done = self->operation == SIM_OP_NONE;
  if (*done || (self->polls_left > 0 && self->polls_left--)) return lc_ok();
  *done = true;
  return complete(self);
}

static lc_err file_wait(lc_file *file) {
  sim_file *self = (sim_file *)file;
  return self->operation == SIM_OP_NONE ? lc_ok() : complete(self);
}

static int file_event_fd(lc_file *file) {
  return -1;
}
static void file_share_events(lc_file *file, lc_file *with) {}

static const lc_file_ops file_ops = {
    .close = file_close,
    .size = file_size,
    .read = file_read,
    .write = file_write,
    .sync = file_sync,
    .truncate = file_truncate,
    .write_durable = file_write_durable,
    .publish_durable = file_publish_durable,
    .poll = file_poll,
    .wait = file_wait,
    .event_fd = file_event_fd,
    .share_events = file_share_events,
};

lc_err lc__sim_file_open(sim_io *io, const char *path, sim_inode *inode, lc_file **file) {
  sim_file *self = calloc(1, sizeof *self);
  lc_assert(self != NULL);
  *self =
      (sim_file){.base = {.ops = &file_ops, .io = &io->base}, .inode = inode, .path = strdup(path), .epoch = io->epoch, .next = io->files};
  lc_assert(self->path != NULL);
  inode->users++;
  io->files = self;
  *file = &self->base;
  return lc_ok();
}

void lc__sim_files_crash(sim_io *io) {
  for (sim_file *file = io->files; file; file = file->next) {
    if (file->epoch != io->epoch || file->operation != SIM_OP_WRITE || lc_failed(file->failure)) continue;
    lc__sim_inode_write_torn(file->inode, file->offset, file->from, file->len);
  }
}
