/*
 * Runs durable operations without blocking the caller: an io_uring, or where the system has none for us, a helper thread with pwrite and
 * fdatasync. The event descriptor is the ring's own, readable exactly while completions wait in it; the thread's is an eventfd, raised and
 * lowered under its mutex. So neither can be seen late or be left behind. A ring has a few entries only: a log has one write under way,
 * and now and then a spare segment being filled beside it.
 *
 * A descriptor without O_DSYNC needs a sync of its own once the write is done. It is a step of its own (not a linked entry), because only a
 * failed sync is the end of the world: a write that found no space may be tried again.
 */
#include <errno.h>
#include <liburing.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/logging.h"
#include "io/linux/linux_internal.h"

enum { RING_ENTRIES = 8 };

struct lc__writer {
  unsigned users, under_way;
  bool has_ring, has_thread;
  struct io_uring ring;
  pthread_t thread;
  int event_fd;          /* of the thread */
  pthread_mutex_t mutex; /* guards what follows */
  pthread_cond_t wanted, completed;
  lc__operation *queue, *queue_end; /* for the thread */
  lc__operation *finished;          /* by the thread */
  bool stopping;
};

/* ---- the thread ---- */

static void run_write(lc__operation *operation) {
  while (operation->len > 0) {
    ssize_t put = pwrite(operation->fd, operation->from, operation->len, (off_t)operation->offset);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) {
      operation->error = errno;
      return;
    }
    operation->from += put;
    operation->offset += (uint64_t)put;
    operation->len -= (size_t)put;
  }
  if (operation->sync_after && fdatasync(operation->fd) != 0) {
    operation->error = errno;
    operation->in_sync = true;
  }
}

static void *thread_main(void *context) {
  lc__writer *writer = context;
  pthread_mutex_lock(&writer->mutex);
  for (;;) {
    while (writer->queue == NULL && !writer->stopping) pthread_cond_wait(&writer->wanted, &writer->mutex);
    if (writer->queue == NULL) break;
    lc__operation *operation = writer->queue;
    writer->queue = operation->next;
    pthread_mutex_unlock(&writer->mutex);

    if (operation->kind == LC__OP_WRITE)
      run_write(operation);
    else if (fsync(operation->fd) != 0)
      operation->error = errno;

    pthread_mutex_lock(&writer->mutex);
    operation->next = writer->finished;
    writer->finished = operation;
    pthread_cond_signal(&writer->completed);
    lc_assert(eventfd_write(writer->event_fd, 1) == 0);
  }
  pthread_mutex_unlock(&writer->mutex);
  return NULL;
}

static lc_err thread_start(lc__writer *writer, lc__operation *operation) {
  if (!writer->has_thread) {
    int error = pthread_create(&writer->thread, NULL, thread_main, writer);
    if (error) return lc_fail(LC_ERR_IO, "cannot start a thread for durable writes: %s", strerror(error));
    writer->has_thread = true;
  }
  pthread_mutex_lock(&writer->mutex);
  operation->next = NULL;
  if (writer->queue)
    writer->queue_end->next = operation;
  else
    writer->queue = operation;
  writer->queue_end = operation;
  pthread_cond_signal(&writer->wanted);
  pthread_mutex_unlock(&writer->mutex);
  return lc_ok();
}

/* Takes over what the thread has finished; how many. */
static unsigned thread_collect(lc__writer *writer, bool wait) {
  pthread_mutex_lock(&writer->mutex);
  while (wait && writer->finished == NULL) pthread_cond_wait(&writer->completed, &writer->mutex);
  unsigned count = 0;
  for (lc__operation *operation = writer->finished; operation; operation = operation->next) {
    operation->done = true;
    count++;
  }
  eventfd_t raised;
  if (writer->finished) lc_assert(eventfd_read(writer->event_fd, &raised) == 0);
  writer->finished = NULL;
  pthread_mutex_unlock(&writer->mutex);
  return count;
}

/* ---- the ring ---- */

static lc_err ring_start(lc__writer *writer, lc__operation *operation) {
  struct io_uring_sqe *entry = io_uring_get_sqe(&writer->ring);
  lc_assert(entry != NULL); /* fewer files share a ring than it has entries, and each submission is handed over at once */
  if (operation->kind == LC__OP_SYNC_DIRECTORY) {
    io_uring_prep_fsync(entry, operation->fd, 0);
  } else if (operation->len > 0) {
    io_uring_prep_write(entry, operation->fd, operation->from, (unsigned)operation->len, operation->offset);
  } else {
    operation->in_sync = true;
    io_uring_prep_fsync(entry, operation->fd, IORING_FSYNC_DATASYNC);
  }
  io_uring_sqe_set_data(entry, operation);
  int submitted;
  do submitted = io_uring_submit(&writer->ring);
  while (submitted == -EINTR || submitted == -EAGAIN);
  if (submitted < 0) return lc_fail(LC_ERR_IO, "cannot submit a durable write: %s", strerror(-submitted));
  return lc_ok();
}

/* A short write is not an end: the rest goes out as another write, whose error then says why. */
static lc_err ring_complete(lc__writer *writer, lc__operation *operation, int result, unsigned *count) {
  bool again = (result == -EINTR || result == -EAGAIN) && !operation->in_sync;
  if (operation->kind == LC__OP_WRITE && !operation->in_sync && result >= 0) {
    if (result == 0)
      result = -EIO;
    else
      operation->from += result, operation->offset += (uint64_t)result, operation->len -= (size_t)result;
    again = result > 0 && (operation->len > 0 || operation->sync_after);
  }
  if (again) return ring_start(writer, operation);
  operation->error = result < 0 ? -result : 0;
  operation->done = true;
  ++*count;
  return lc_ok();
}

static lc_err ring_collect(lc__writer *writer, bool wait, unsigned *count) {
  struct io_uring_cqe *completion;
  do {
    while (io_uring_peek_cqe(&writer->ring, &completion) == 0) {
      lc__operation *operation = io_uring_cqe_get_data(completion);
      int result = completion->res;
      io_uring_cqe_seen(&writer->ring, completion);
      LC_TRY(ring_complete(writer, operation, result, count));
    }
    if (*count || !wait) return lc_ok();
    int waited = io_uring_wait_cqe(&writer->ring, &completion);
    if (waited < 0 && waited != -EINTR && waited != -EAGAIN) {
      return lc_fail(LC_ERR_IO, "cannot wait for a durable write: %s", strerror(-waited));
    }
  } while (true);
}

/* ---- both ---- */

lc_err lc__writer_create(bool want_ring, lc__writer **created) {
  lc__writer *writer = calloc(1, sizeof *writer);
  lc_assert(writer != NULL);
  writer->users = 1;
  writer->has_ring = want_ring && io_uring_queue_init(RING_ENTRIES, &writer->ring, 0) == 0;
  if (!writer->has_ring) {
    static atomic_flag said = ATOMIC_FLAG_INIT;
    if (want_ring && !atomic_flag_test_and_set(&said)) {
      lc_log_info("io_uring is not available here: durable writes use a thread with pwrite and fdatasync");
    }
    writer->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (writer->event_fd < 0) {
      int error = errno;
      free(writer);
      return lc_fail(LC_ERR_IO, "cannot create an event descriptor: %s", strerror(error));
    }
    pthread_mutex_init(&writer->mutex, NULL);
    pthread_cond_init(&writer->wanted, NULL);
    pthread_cond_init(&writer->completed, NULL);
  }
  *created = writer;
  return lc_ok();
}

void lc__writer_ref(lc__writer *writer) {
  writer->users++;
}

void lc__writer_unref(lc__writer *writer) {
  if (--writer->users > 0) return;
  if (writer->has_ring) {
    io_uring_queue_exit(&writer->ring);
    free(writer);
    return;
  }
  if (writer->has_thread) {
    pthread_mutex_lock(&writer->mutex);
    writer->stopping = true;
    pthread_cond_signal(&writer->wanted);
    pthread_mutex_unlock(&writer->mutex);
    pthread_join(writer->thread, NULL);
  }
  pthread_mutex_destroy(&writer->mutex);
  pthread_cond_destroy(&writer->wanted);
  pthread_cond_destroy(&writer->completed);
  close(writer->event_fd);
  free(writer);
}

bool lc__writer_has_ring(const lc__writer *writer) {
  return writer->has_ring;
}
int lc__writer_event_fd(const lc__writer *writer) {
  return writer->has_ring ? writer->ring.ring_fd : writer->event_fd;
}

lc_err lc__writer_start(lc__writer *writer, lc__operation *operation) {
  LC_TRY(writer->has_ring ? ring_start(writer, operation) : thread_start(writer, operation));
  writer->under_way++;
  return lc_ok();
}

lc_err lc__writer_collect(lc__writer *writer, bool wait) {
  unsigned count = 0;
  if (writer->under_way == 0) return lc_ok();
  if (writer->has_ring)
    LC_TRY(ring_collect(writer, wait, &count));
  else
    count = thread_collect(writer, wait);
  writer->under_way -= count;
  return lc_ok();
}
