/* The event loop: epoll, an eventfd for wakes, a pairing heap of timers whose nodes are the timers themselves. */
#include "io/loop.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"

enum { BATCH = 256 };
/* Beside the asked-for bits in lc_watch.events, so that a paused watch still counts as added. */
static const uint32_t watch_added = 1u << 31;

struct lc_loop {
  int epoll, wake_fd;
  atomic_bool wake_pending; /* a wake has been written and not been read yet */
  uint64_t now;
  lc_timer *timers; /* root of the heap: the earliest */
  struct epoll_event batch[BATCH];
  int batch_at, batch_count; /* the events being handed out; those of removed watches are blanked (P1) */
};

static uint64_t read_clock(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ---- life ---- */

lc_err lc_loop_create(lc_loop **created) {
  lc_loop *loop = calloc(1, sizeof *loop);
  lc_assert(loop != NULL);
  loop->epoll = epoll_create1(EPOLL_CLOEXEC);
  loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = loop}; /* no watch: tells the wake from the rest */
  if (loop->epoll < 0 || loop->wake_fd < 0 || epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->wake_fd, &event) != 0) {
    lc_err err = lc_fail(LC_ERR_IO, "cannot create an event loop: %s", strerror(errno));
    lc_loop_destroy(loop);
    return err;
  }
  loop->now = read_clock();
  *created = loop;
  return lc_ok();
}

void lc_loop_destroy(lc_loop *loop) {
  if (loop == NULL) return;
  if (loop->wake_fd >= 0) close(loop->wake_fd);
  if (loop->epoll >= 0) close(loop->epoll);
  free(loop);
}

/* ---- descriptors ---- */

static uint32_t to_epoll(uint32_t events) {
  return (events & LC_READABLE ? EPOLLIN | EPOLLRDHUP : 0u) | (events & LC_WRITABLE ? (uint32_t)EPOLLOUT : 0u);
}

static uint32_t from_epoll(uint32_t events) {
  return (events & (EPOLLIN | EPOLLRDHUP) ? (uint32_t)LC_READABLE : 0u) | (events & EPOLLOUT ? (uint32_t)LC_WRITABLE : 0u) |
         (events & (EPOLLERR | EPOLLHUP) ? (uint32_t)LC_HANGUP : 0u);
}

lc_err lc_loop_add(lc_loop *loop, lc_watch *watch, int fd, uint32_t events) {
  lc_assert(watch->ready != NULL && watch->events == 0);
  struct epoll_event event = {.events = to_epoll(events), .data.ptr = watch};
  if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
    return lc_fail(LC_ERR_IO, "cannot watch descriptor %d: %s", fd, strerror(errno));
  }
  watch->fd = fd;
  watch->events = events | watch_added;
  return lc_ok();
}

void lc_loop_modify(lc_loop *loop, lc_watch *watch, uint32_t events) {
  lc_assert(lc_watch_is_added(watch));
  if (watch->events == (events | watch_added)) return;
  struct epoll_event event = {.events = to_epoll(events), .data.ptr = watch};
  int result = epoll_ctl(loop->epoll, EPOLL_CTL_MOD, watch->fd, &event);
  lc_assert(result == 0); /* fails only for a descriptor that was closed before it was removed */
  watch->events = events | watch_added;
}

void lc_loop_remove(lc_loop *loop, lc_watch *watch) {
  if (!lc_watch_is_added(watch)) return;
  struct epoll_event event = {0};
  int result = epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->fd, &event);
  lc_assert(result == 0);
  watch->events = 0;
  for (int i = loop->batch_at; i < loop->batch_count; i++) {
    if (loop->batch[i].data.ptr == watch) loop->batch[i].data.ptr = NULL;
  }
}

/* ---- timers ---- */

/* Makes the later of two roots the first child of the earlier. */
static lc_timer *meld(lc_timer *a, lc_timer *b) {
  if (a == NULL || b == NULL) return a ? a : b;
  if (b->at < a->at) {
    lc_timer *swap = a;
    a = b;
    b = swap;
  }
  b->next = a->child;
  if (b->next) b->next->previous = b;
  b->previous = a;
  a->child = b;
  return a;
}

/* Merges siblings in pairs from the left, then the pairs from the right: what keeps a removal at O(log n) on average. */
static lc_timer *meld_siblings(lc_timer *first) {
  lc_timer *pairs = NULL;
  while (first) {
    lc_timer *a = first, *b = a->next;
    first = b ? b->next : NULL;
    a->next = a->previous = NULL;
    if (b) b->next = b->previous = NULL;
    lc_timer *pair = meld(a, b);
    pair->next = pairs;
    pairs = pair;
  }
  lc_timer *root = NULL;
  while (pairs) {
    lc_timer *pair = pairs;
    pairs = pair->next;
    pair->next = NULL;
    root = meld(root, pair);
  }
  return root;
}

void lc_timer_stop(lc_loop *loop, lc_timer *timer) {
  if (!timer->started) return;
  lc_timer *below = meld_siblings(timer->child);
  if (timer == loop->timers) {
    loop->timers = below;
  } else {
    if (timer->previous->child == timer)
      timer->previous->child = timer->next;
    else
      timer->previous->next = timer->next;
    if (timer->next) timer->next->previous = timer->previous;
    loop->timers = meld(loop->timers, below);
  }
  timer->child = timer->next = timer->previous = NULL;
  timer->started = false;
}

void lc_timer_start(lc_loop *loop, lc_timer *timer, uint64_t at) {
  lc_assert(timer->due != NULL);
  lc_timer_stop(loop, timer);
  timer->at = at;
  timer->started = true;
  loop->timers = meld(loop->timers, timer);
}

uint64_t lc_loop_now(const lc_loop *loop) {
  return loop->now;
}
uint64_t lc_loop_next_due(const lc_loop *loop) {
  return loop->timers ? loop->timers->at : UINT64_MAX;
}

/* A bounded number, so that timers which restart themselves without a delay leave room for descriptors. */
static size_t run_timers(lc_loop *loop) {
  size_t count = 0;
  while (loop->timers && loop->timers->at <= loop->now && count < BATCH) {
    lc_timer *timer = loop->timers;
    lc_timer_stop(loop, timer);
    timer->due(timer);
    count++;
  }
  return count;
}

/* ---- running ---- */

static int wait_millis(const lc_loop *loop, uint64_t timeout_nanos) {
  if (timeout_nanos == 0) return 0;
  uint64_t due = lc_loop_next_due(loop);
  if (due != UINT64_MAX) {
    uint64_t now = read_clock(), left = due > now ? due - now : 0;
    if (left < timeout_nanos) timeout_nanos = left;
  }
  if (timeout_nanos == UINT64_MAX) return -1;
  uint64_t millis = timeout_nanos / 1000000 + (timeout_nanos % 1000000 != 0); /* rounded up: never early, never spinning */
  return millis > 1u << 30 ? 1 << 30 : (int)millis;
}

size_t lc_loop_run_once(lc_loop *loop, uint64_t timeout_nanos) {
  lc_assert(loop->batch_count == 0); /* not from inside a callback */
  int count = epoll_wait(loop->epoll, loop->batch, BATCH, wait_millis(loop, timeout_nanos));
  lc_assert(count >= 0 || errno == EINTR);
  loop->now = read_clock();
  size_t ran = 0;
  loop->batch_count = count < 0 ? 0 : count;
  for (loop->batch_at = 0; loop->batch_at < loop->batch_count;) {
    struct epoll_event *event = &loop->batch[loop->batch_at++];
    if (event->data.ptr == loop) {
      eventfd_t wakes;
      /* Cleared first: a wake that comes between the two lines is then an extra turn, not a lost one. */
      atomic_store(&loop->wake_pending, false);
      (void)!eventfd_read(loop->wake_fd, &wakes);
    } else if (event->data.ptr) {
      lc_watch *watch = event->data.ptr;
      uint32_t events = from_epoll(event->events) & (watch->events | LC_HANGUP);
      if (events) {
        watch->ready(watch, events);
        ran++;
      }
    }
  }
  loop->batch_at = loop->batch_count = 0;
  return ran + run_timers(loop);
}

void lc_loop_wake(lc_loop *loop) {
  if (atomic_exchange(&loop->wake_pending, true)) return;
  int saved = errno;
  (void)!eventfd_write(loop->wake_fd, 1);
  errno = saved;
}
