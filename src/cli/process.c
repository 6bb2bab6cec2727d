#include "cli/process.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"

bool lc_process_find(const char *name, char *path, size_t capacity) {
  if (strchr(name, '/')) {
    snprintf(path, capacity, "%s", name);
    return access(path, X_OK) == 0;
  }
  const char *directories = getenv("PATH");
  while (directories && *directories) {
    size_t len = strcspn(directories, ":");
    snprintf(path, capacity, "%.*s/%s", (int)len, directories, name);
    if (len && access(path, X_OK) == 0) return true;
    directories += len + (directories[len] == ':');
  }
  return false;
}

static void child(const char *const *argv, const char *directory, int output) {
  if (directory && chdir(directory) != 0) {
    fprintf(stderr, "entering %s: %s\n", directory, strerror(errno));
    _exit(126);
  }
  dup2(output, STDOUT_FILENO);
  execvp(argv[0], (char *const *)argv);
  fprintf(stderr, "running %s: %s\n", argv[0], strerror(errno));
  _exit(127);
}

/* What a waiting person sees; drawn over itself. */
static void show_progress(const char *doing, time_t start, bool done) {
  if (!doing || !lc_cli_is_terminal(2)) return;
  if (done)
    fprintf(stderr, "\r\033[K");
  else
    fprintf(stderr, "\r\033[K%s %lds\r", doing, (long)(time(NULL) - start));
}

lc_err lc_process_run(const char *const *argv, const char *directory, const char *doing, lc_buf *output, int *status) {
  int pipe_ends[2];
  if (pipe(pipe_ends) != 0) return lc_fail(LC_ERR_IO, "running %s: %s", argv[0], strerror(errno));
  time_t start = time(NULL);
  if (doing && !lc_cli_is_terminal(2)) lc_cli_say("%s", doing);
  pid_t pid = fork();
  if (pid == 0) {
    close(pipe_ends[0]);
    child(argv, directory, pipe_ends[1]);
  }
  close(pipe_ends[1]);
  lc_err err = pid < 0 ? lc_fail(LC_ERR_IO, "running %s: %s", argv[0], strerror(errno)) : lc_ok();
  for (ssize_t got = 1; pid > 0 && got > 0;) {
    struct pollfd wait = {.fd = pipe_ends[0], .events = POLLIN};
    show_progress(doing, start, false);
    if (poll(&wait, 1, 1000) == 0) continue;
    lc_buf_reserve(output, 64 << 10);
    got = read(pipe_ends[0], output->data + output->len, output->cap - output->len);
    if (got < 0 && errno == EINTR)
      got = 1;
    else if (got > 0)
      output->len += (size_t)got;
  }
  close(pipe_ends[0]);
  if (pid > 0) {
    int state = 0;
    while (waitpid(pid, &state, 0) < 0 && errno == EINTR) {
    }
    *status = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
  }
  show_progress(doing, start, true);
  return err;
}
