#include "server/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

lc_err lc_lock_acquire(const char *path, int *fd) {
  *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (*fd < 0) return lc_fail(LC_ERR_IO, "cannot open the lock file %s: %s", path, strerror(errno));
  char text[32] = "";
  if (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
    ssize_t len = read(*fd, text, sizeof text - 1);
    if (len > 0) text[strcspn(text, "\n")] = 0;
    close(*fd);
    *fd = -1;
    return lc_fail(LC_ERR_EXISTS, "another server (process %s) uses this data directory: stop it, or choose another directory",
                   *text ? text : "unknown");
  }
  int len = snprintf(text, sizeof text, "%d\n", (int)getpid());
  if (ftruncate(*fd, 0) != 0 || pwrite(*fd, text, (size_t)len, 0) != len) {
    lc_err err = lc_fail(LC_ERR_IO, "cannot write the lock file %s: %s", path, strerror(errno));
    lc_lock_release(*fd);
    *fd = -1;
    return err;
  }
  return lc_ok();
}

void lc_lock_release(int fd) {
  if (fd >= 0) close(fd);
}
