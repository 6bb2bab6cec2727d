#pragma once
/* One server per data directory: a file that holds the process id under an exclusive lock, which the kernel drops with the process. */
#include "base/error.h"

/* `*fd` stays open for as long as the lock is held. Errors: LC_ERR_EXISTS when another process has it, with its id; LC_ERR_IO. */
lc_err lc_lock_acquire(const char *path, int *fd);
void lc_lock_release(int fd);
