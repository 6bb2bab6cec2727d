/* P1–P3 of io/loop.h, timers against a sorted model, and sockets over the loopback. */
#include "io/loop.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include "harness.h"

typedef struct probe {
  lc_watch watch;
  lc_loop *loop;
  struct probe *victim; /* removed when this one is called */
  uint32_t events;
  int calls;
} probe;

static void probe_ready(lc_watch *watch, uint32_t events) {
  probe *self = LC_CONTAINER_OF(watch, probe, watch);
  self->calls++;
  self->events = events;
  if (self->victim) lc_loop_remove(self->loop, &self->victim->watch);
}

static lc_loop *new_loop(void) {
  lc_loop *loop;
  expect_ok(lc_loop_create(&loop));
  return loop;
}

TEST(P3_events_are_reported_until_they_are_dealt_with) {
  lc_loop *loop = new_loop();
  int ends[2];
  expect_equal(pipe(ends), 0);
  probe reader = {.watch.ready = probe_ready};
  expect_ok(lc_loop_add(loop, &reader.watch, ends[0], LC_READABLE));
  expect_equal(lc_loop_run_once(loop, 0), 0);
  expect_equal(write(ends[1], "x", 1), 1);
  expect_equal(lc_loop_run_once(loop, UINT64_MAX), 1);
  expect_equal(lc_loop_run_once(loop, UINT64_MAX), 1);
  expect_equal(reader.events, LC_READABLE);
  lc_loop_modify(loop, &reader.watch, 0);
  expect(lc_watch_is_added(&reader.watch));
  expect_equal(lc_loop_run_once(loop, 0), 0);
  lc_loop_modify(loop, &reader.watch, LC_READABLE);
  expect_equal(lc_loop_run_once(loop, 0), 1);
  close(ends[1]);
  expect_equal(lc_loop_run_once(loop, 0), 1);
  expect(reader.events & LC_HANGUP);
  lc_loop_remove(loop, &reader.watch);
  lc_loop_remove(loop, &reader.watch);
  expect_equal(lc_loop_run_once(loop, 0), 0);
  close(ends[0]);
  lc_loop_destroy(loop);
}

TEST(P1_a_watch_removed_by_another_callback_of_the_same_turn_is_not_called) {
  lc_loop *loop = new_loop();
  enum { COUNT = 10 };
  probe probes[COUNT] = {0};
  int ends[COUNT][2];
  for (int i = 0; i < COUNT; i++) {
    expect_equal(pipe(ends[i]), 0);
    probes[i] = (probe){.watch.ready = probe_ready, .loop = loop, .victim = &probes[i ^ 1]};
    expect_ok(lc_loop_add(loop, &probes[i].watch, ends[i][0], LC_READABLE));
    expect_equal(write(ends[i][1], "x", 1), 1);
  }
  expect_equal(lc_loop_run_once(loop, 0), COUNT / 2);
  for (int i = 0; i < COUNT; i += 2) expect_equal(probes[i].calls + probes[i + 1].calls, 1);
  for (int i = 0; i < COUNT; i++) {
    lc_loop_remove(loop, &probes[i].watch);
    close(ends[i][0]);
    close(ends[i][1]);
  }
  lc_loop_destroy(loop);
}

static void *wake_thousand_times(void *loop) {
  for (int i = 0; i < 1000; i++) lc_loop_wake(loop);
  return NULL;
}

TEST(P2_wakes_end_the_wait_and_fold_into_one) {
  lc_loop *loop = new_loop();
  pthread_t thread;
  expect_equal(pthread_create(&thread, NULL, wake_thousand_times, loop), 0);
  expect_equal(lc_loop_run_once(loop, UINT64_MAX), 0);
  pthread_join(thread, NULL);
  lc_loop_wake(loop);
  lc_loop_wake(loop);
  expect_equal(lc_loop_run_once(loop, UINT64_MAX), 0);
  uint64_t before = lc_loop_now(loop);
  lc_loop_run_once(loop, 2000000); /* nothing is pending any more: it waits */
  expect(lc_loop_now(loop) - before >= 2000000);
  lc_loop_destroy(loop);
}

/* ---- timers ---- */

typedef struct alarm_probe {
  lc_timer timer;
  uint64_t order;
} alarm_probe;
static uint64_t rung;

static void alarm_due(lc_timer *timer) {
  LC_CONTAINER_OF(timer, alarm_probe, timer)->order = ++rung;
}

TEST(timers_run_in_order_of_their_time_through_random_starts_and_stops) {
  enum { COUNT = 500 };
  static alarm_probe alarms[COUNT];
  lc_loop *loop = new_loop();
  srand(7);
  for (int i = 0; i < COUNT; i++) alarms[i].timer.due = alarm_due;
  for (int step = 0; step < 5000; step++) {
    alarm_probe *alarm = &alarms[rand() % COUNT];
    if (rand() % 3)
      lc_timer_start(loop, &alarm->timer, (uint64_t)(rand() % 1000 + 1));
    else
      lc_timer_stop(loop, &alarm->timer);
    uint64_t earliest = UINT64_MAX;
    for (int i = 0; i < COUNT; i++) {
      if (alarms[i].timer.started && alarms[i].timer.at < earliest) earliest = alarms[i].timer.at;
    }
    expect(lc_loop_next_due(loop) == earliest);
  }
  bool was_started[COUNT];
  for (int i = 0; i < COUNT; i++) was_started[i] = alarms[i].timer.started;
  while (lc_loop_run_once(loop, 0) > 0) {
  }
  for (int i = 0; i < COUNT; i++) {
    expect_equal(alarms[i].order > 0, was_started[i]);
    for (int j = 0; j < COUNT; j++) {
      if (alarms[i].order && alarms[j].order && alarms[i].timer.at < alarms[j].timer.at) expect(alarms[i].order < alarms[j].order);
    }
  }
  expect(lc_loop_next_due(loop) == UINT64_MAX);
  lc_loop_destroy(loop);
}

TEST(a_wait_ends_when_a_timer_is_due_and_never_before) {
  lc_loop *loop = new_loop();
  alarm_probe alarm = {.timer.due = alarm_due};
  uint64_t at = lc_loop_now(loop) + 3000000;
  lc_timer_start(loop, &alarm.timer, at);
  expect_equal(lc_loop_run_once(loop, UINT64_MAX), 1);
  expect(lc_loop_now(loop) >= at);
  lc_loop_destroy(loop);
}

/* ---- sockets ---- */

static int accept_soon(int listener, lc_peer *peer) {
  for (int i = 0; i < 1000; i++) {
    int fd = lc_socket_accept(listener, peer);
    if (fd >= 0) return fd;
    usleep(1000);
  }
  return -1;
}

static ssize_t receive_soon(int fd, void *to, size_t len) {
  for (int i = 0; i < 1000; i++) {
    ssize_t got = lc_socket_receive(fd, to, len);
    if (got != LC_SOCKET_AGAIN) return got;
    usleep(1000);
  }
  return LC_SOCKET_AGAIN;
}

TEST(bytes_pass_between_sockets_and_ends_are_told_from_breaks) {
  int listener, client, server;
  uint16_t port;
  lc_peer peer;
  char bytes[16];
  expect_ok(lc_socket_listen("127.0.0.1", 0, &listener, &port));
  expect_equal(lc_socket_accept(listener, NULL), -1);
  expect_ok(lc_socket_connect("localhost", port, &client));
  server = accept_soon(listener, &peer);
  expect(server >= 0);
  expect_text(peer.address, "127.0.0.1");
  expect(peer.port != 0);
  expect_ok(lc_socket_connected(client));
  expect_equal(lc_socket_receive(server, bytes, sizeof bytes), LC_SOCKET_AGAIN);
  struct iovec parts[2] = {{"hel", 3}, {"lo", 2}};
  expect_equal(lc_socket_send_parts(client, parts, 2), 5);
  ssize_t got = receive_soon(server, bytes, sizeof bytes);
  expect_bytes(bytes, (size_t)got, "hello", 5);
  lc_socket_shutdown(client);
  expect_equal(receive_soon(server, bytes, sizeof bytes), 0);
  expect_equal(lc_socket_send(server, "x", 1), 1); /* the other direction is open still */
  lc_socket_close(client);
  for (int i = 0; i < 1000 && lc_socket_send(server, "x", 1) != LC_SOCKET_GONE; i++) usleep(1000);
  expect_equal(lc_socket_send(server, "x", 1), LC_SOCKET_GONE); /* and no SIGPIPE */
  lc_socket_close(server);
  lc_socket_close(listener);
}

TEST(a_taken_port_and_a_bad_address_are_errors_with_the_reason) {
  int listener, other;
  uint16_t port;
  expect_ok(lc_socket_listen("127.0.0.1", 0, &listener, &port));
  lc_err err = lc_socket_listen("127.0.0.1", port, &other, NULL);
  expect_equal(err.code, LC_ERR_IO);
  expect(strstr(lc_err_text(err), "is another server running there?") != NULL);
  expect_error(lc_socket_listen("nowhere.example", 1, &other, NULL), LC_ERR_IO);
  lc_socket_close(listener);
  expect_ok(lc_socket_connect("127.0.0.1", port, &other));
  usleep(10000);
  expect_error(lc_socket_connected(other), LC_ERR_IO);
  lc_socket_close(other);
}

TEST(without_free_descriptors_connections_are_refused_and_the_listener_becomes_quiet) {
  int listener, client, spare[2];
  uint16_t port;
  char byte;
  lc_loop *loop = new_loop();
  probe waiting = {.watch.ready = probe_ready};
  expect_ok(lc_socket_listen("127.0.0.1", 0, &listener, &port));
  expect_ok(lc_loop_add(loop, &waiting.watch, listener, LC_READABLE));
  expect_equal(lc_socket_accept(listener, NULL), -1);
  expect_ok(lc_socket_connect("127.0.0.1", port, &client));
  struct rlimit before, limit;
  expect_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  limit = (struct rlimit){.rlim_cur = 64, .rlim_max = before.rlim_max};
  expect_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
  while (pipe(spare) == 0) {
  }
  while (open("/dev/null", O_RDONLY) >= 0) {
  }
  expect_equal(lc_loop_run_once(loop, 5000000000), 1);
  expect_equal(lc_socket_accept(listener, NULL), -1);
  expect_equal(lc_loop_run_once(loop, 0), 0);
  expect(receive_soon(client, &byte, 1) != LC_SOCKET_AGAIN);
  expect_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  lc_loop_remove(loop, &waiting.watch);
  lc_loop_destroy(loop);
}
