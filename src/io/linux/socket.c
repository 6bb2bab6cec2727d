/* Non-blocking TCP sockets: the few calls that src/net needs, with errors reduced to what a connection can do about them. */
#define _GNU_SOURCE /* accept4 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/loop.h"

typedef union socket_address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
} socket_address;

static bool address_of(const char *text, uint16_t port, socket_address *address, socklen_t *len) {
  memset(address, 0, sizeof *address);
  if (strcmp(text, "localhost") == 0) text = "127.0.0.1";
  if (inet_pton(AF_INET, *text ? text : "0.0.0.0", &address->v4.sin_addr) == 1) {
    address->v4.sin_family = AF_INET;
    address->v4.sin_port = htons(port);
    *len = sizeof address->v4;
    return true;
  }
  char plain[64];
  size_t text_len = strlen(text);
  if (text[0] == '[' && text[text_len - 1] == ']' && text_len < sizeof plain) { /* as in a URL */
    memcpy(plain, text + 1, text_len - 2);
    plain[text_len - 2] = 0;
    text = plain;
  }
  if (inet_pton(AF_INET6, text, &address->v6.sin6_addr) != 1) return false;
  address->v6.sin6_family = AF_INET6;
  address->v6.sin6_port = htons(port);
  *len = sizeof address->v6;
  return true;
}

static lc_err socket_error(int fd, const char *what, const char *address, uint16_t port) {
  int error = errno;
  if (fd >= 0) close(fd);
  const char *hint = error == EADDRINUSE ? " (is another server running there?)"
                     : error == EACCES   ? " (ports below 1024 need a privilege)"
                                         : "";
  return lc_fail(LC_ERR_IO, "cannot %s %s:%u: %s%s", what, *address ? address : "0.0.0.0", port, strerror(error), hint);
}

lc_err lc_socket_listen(const char *address, uint16_t port, int *listener, uint16_t *bound) {
  socket_address to;
  socklen_t len;
  if (!address_of(address, port, &to, &len)) return lc_fail(LC_ERR_IO, "cannot listen on %s: not a numeric address", address);
  int fd = socket(to.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int on = 1;
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 || bind(fd, &to.any, len) != 0 || listen(fd, 1024) != 0 ||
      getsockname(fd, &to.any, &len) != 0) {
    return socket_error(fd, "listen on", address, port);
  }
  if (bound) *bound = ntohs(to.any.sa_family == AF_INET ? to.v4.sin_port : to.v6.sin6_port);
  *listener = fd;
  return lc_ok();
}

static void describe_peer(const socket_address *from, lc_peer *peer) {
  *peer = (lc_peer){0};
  if (from->any.sa_family == AF_INET) {
    inet_ntop(AF_INET, &from->v4.sin_addr, peer->address, sizeof peer->address);
    peer->port = ntohs(from->v4.sin_port);
  } else if (from->any.sa_family == AF_INET6) {
    bool mapped = IN6_IS_ADDR_V4MAPPED(&from->v6.sin6_addr);
    if (mapped)
      inet_ntop(AF_INET, from->v6.sin6_addr.s6_addr + 12, peer->address, sizeof peer->address);
    else
      inet_ntop(AF_INET6, &from->v6.sin6_addr, peer->address, sizeof peer->address);
    peer->port = ntohs(from->v6.sin6_port);
  }
}

/* Held back so that there is always one more: see refuse_connection. Per thread, since each may accept. */
static _Thread_local int reserve = -1;

/* Out of descriptors: the listener would stay readable and the loop would spin. The reserve takes the connection and drops it, so the peer
 * learns at once. */
static void refuse_connection(int listener) {
  if (reserve >= 0) close(reserve);
  int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) close(fd);
  reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int lc_socket_accept(int listener, lc_peer *peer) {
  socket_address from;
  if (reserve < 0) reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
  for (int attempt = 0; attempt < 64; attempt++) {
    socklen_t len = sizeof from;
    int fd = accept4(listener, &from.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      int on = 1;
      (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      if (peer) describe_peer(&from, peer);
      return fd;
    }
    if (errno == EMFILE || errno == ENFILE) {
      refuse_connection(listener);
      return -1;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EBADF || errno == EINVAL || errno == ENOTSOCK) return -1;
    /* anything else is about the connection that just went away again: look at the next */
  }
  return -1;
}

lc_err lc_socket_connect(const char *address, uint16_t port, int *connecting) {
  socket_address to;
  socklen_t len;
  if (!address_of(address, port, &to, &len)) return lc_fail(LC_ERR_IO, "cannot connect to %s: not a numeric address", address);
  int fd = socket(to.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int on = 1;
  if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 || (connect(fd, &to.any, len) != 0 && errno != EINPROGRESS)) {
    return socket_error(fd, "connect to", address, port);
  }
  *connecting = fd;
  return lc_ok();
}

lc_err lc_socket_connected(int fd) {
  int error = 0;
  socklen_t len = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0) error = errno;
  return error ? lc_fail(LC_ERR_IO, "cannot connect: %s", strerror(error)) : lc_ok();
}

static ssize_t result_of(ssize_t result) {
  if (result >= 0) return result;
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? LC_SOCKET_AGAIN : LC_SOCKET_GONE;
}

ssize_t lc_socket_receive(int fd, void *to, size_t len) {
  return result_of(recv(fd, to, len, 0));
}
ssize_t lc_socket_send(int fd, const void *from, size_t len) {
  return result_of(send(fd, from, len, MSG_NOSIGNAL));
}
ssize_t lc_socket_send_parts(int fd, const struct iovec *parts, int count) {
  struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = (size_t)count};
  return result_of(sendmsg(fd, &message, MSG_NOSIGNAL));
}

void lc_socket_shutdown(int fd) {
  (void)shutdown(fd, SHUT_WR);
}
void lc_socket_close(int fd) {
  if (fd >= 0) close(fd);
}
