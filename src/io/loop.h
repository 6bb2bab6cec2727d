#pragma once
/*
 * The event loop of a thread, its timers, and non-blocking TCP sockets. Thin on purpose: epoll underneath, the structs below are
 * embedded in their owners, nothing is allocated per event, connection or timer.
 *
 *   struct connection { lc_watch watch; lc_timer idle; ... };
 *   connection->watch = (lc_watch){.ready = connection_ready};
 *   LC_TRY(lc_loop_add(loop, &connection->watch, fd, LC_READABLE));
 *   static void connection_ready(lc_watch *watch, uint32_t events) {
 *     connection *self = LC_CONTAINER_OF(watch, connection, watch); ...
 *
 * Invariants
 *   P1  After lc_loop_remove (lc_timer_stop) returns, the watch (timer) is not called again, even for events that had been collected
 *       already: its owner may be freed at once, also from inside a callback, its own or another's.
 *   P2  lc_loop_wake from any thread makes the current or the next lc_loop_run_once return without waiting; wakes in between fold into one.
 *   P3  Events are level-triggered: what a callback leaves unread is reported again by the next run.
 *
 * Threads: a loop, its watches and timers belong to one thread; only lc_loop_wake may be called from others.
 */
#include <sys/types.h>
#include <sys/uio.h>

#include "base/bytes.h"
#include "base/error.h"

#define LC_CONTAINER_OF(pointer, type, member) ((type *)(void *)((char *)(pointer) - offsetof(type, member)))

typedef struct lc_loop lc_loop;

/* ---- descriptors ---- */

/* LC_HANGUP: the peer is gone or the descriptor has an error; reported whether asked for or not. */
enum { LC_READABLE = 1, LC_WRITABLE = 2, LC_HANGUP = 4 };

typedef struct lc_watch lc_watch;
typedef void (*lc_watch_ready)(lc_watch *watch, uint32_t events);
struct lc_watch {
  lc_watch_ready ready; /* set by the owner */
  int fd;               /* the rest is the loop's */
  uint32_t events;
};

lc_err lc_loop_create(lc_loop **loop);
/* Watches and timers must have been removed. */
void lc_loop_destroy(lc_loop *loop);
/* Borrows `fd`: the owner closes it, after lc_loop_remove. `watch->ready` must be set. */
lc_err lc_loop_add(lc_loop *loop, lc_watch *watch, int fd, uint32_t events);
/* Free of cost when `events` are those already asked for. 0 pauses (LC_HANGUP still comes). */
void lc_loop_modify(lc_loop *loop, lc_watch *watch, uint32_t events);
/* Fine when the watch was never added or is removed already, as long as it was zeroed before. */
void lc_loop_remove(lc_loop *loop, lc_watch *watch);
static inline bool lc_watch_is_added(const lc_watch *watch) {
  return watch->events != 0;
} /* paused ones too */

/* ---- timers ---- */

typedef struct lc_timer lc_timer;
typedef void (*lc_timer_due)(lc_timer *timer);
struct lc_timer {
  lc_timer_due due;                  /* set by the owner; zero the rest */
  uint64_t at;                       /* lc_loop_now when it is due */
  lc_timer *child, *next, *previous; /* the loop's: a pairing heap; previous is the elder sibling, or the parent of a first child */
  bool started;
};
/* Starts or moves. `at` is in nanoseconds of lc_loop_now; a time in the past is due at the next run. */
void lc_timer_start(lc_loop *loop, lc_timer *timer, uint64_t at);
void lc_timer_stop(lc_loop *loop, lc_timer *timer); /* fine when it is not started */

/* ---- running ---- */

/* Monotonic nanoseconds, read once per run (after the wait): callbacks need no clock of their own. */
uint64_t lc_loop_now(const lc_loop *loop);
/* When the earliest timer is due (UINT64_MAX: none). lc_loop_run_once takes it into account by itself. */
uint64_t lc_loop_next_due(const lc_loop *loop);
/*
 * Waits until a descriptor is ready, a timer is due, a wake arrives or `timeout_nanos` have passed (0: only looks, UINT64_MAX: no limit),
 * calls every watch that is ready (up to a few hundred; the rest come next time) and then every timer that is due. Returns how many
 * callbacks ran, so that an owner can tell an idle turn. A signal ends the wait.
 */
size_t lc_loop_run_once(lc_loop *loop, uint64_t timeout_nanos);
/* Thread-safe and async-signal-safe. No system call when a wake is pending already. */
void lc_loop_wake(lc_loop *loop);

/* ---- sockets ---- */

/* What receive and send give instead of a byte count. */
enum { LC_SOCKET_AGAIN = -1 /* nothing now: wait for the event */, LC_SOCKET_GONE = -2 /* reset or broken: close it */ };

/* A numeric address and port of a peer, IPv4 without the mapped-IPv6 prefix. */
typedef struct lc_peer {
  char address[46];
  uint16_t port;
} lc_peer;

/*
 * Listens on `address` (numeric, "localhost", or "" for all interfaces) and `port` (0: any free one; `*bound`, when not NULL, tells which).
 * SO_REUSEADDR, non-blocking, close-on-exec. Errors: LC_ERR_IO with address, port and the system's reason.
 */
lc_err lc_socket_listen(const char *address, uint16_t port, int *fd, uint16_t *bound);
/* The next waiting connection, non-blocking with TCP_NODELAY, or -1 when there is none. `peer` may be NULL.
 * When the process is out of descriptors the connection is refused and -1 returned, rather than the loop spinning on it. */
int lc_socket_accept(int listener, lc_peer *peer);
/* Starts a connection (numeric address or "localhost"); writable means established or failed: see lc_socket_connected. */
lc_err lc_socket_connect(const char *address, uint16_t port, int *fd);
/* After the first LC_WRITABLE of a connecting socket. */
lc_err lc_socket_connected(int fd);
/* Bytes received, 0 at the peer's orderly end, LC_SOCKET_AGAIN, LC_SOCKET_GONE. */
ssize_t lc_socket_receive(int fd, void *to, size_t len);
/* Bytes sent (may be fewer than given), LC_SOCKET_AGAIN, LC_SOCKET_GONE. No SIGPIPE. */
ssize_t lc_socket_send(int fd, const void *from, size_t len);
ssize_t lc_socket_send_parts(int fd, const struct iovec *parts, int count);
/* No more sending; the peer sees the end after what was sent. */
void lc_socket_shutdown(int fd);
void lc_socket_close(int fd); /* -1 is fine */
