#pragma once
/* Running other programs: the compilers. */
#include "base/buf.h"
#include "base/error.h"

/* The path of a program: `name` looked up in PATH; false when there is none. */
bool lc_process_find(const char *name, char *path, size_t capacity);
/*
 * Runs argv (ends with NULL) in `directory` (NULL: here) and collects its standard output; standard error is passed on. While it runs, a
 * terminal shows `doing` with the seconds passed. `*status` is its exit code (128 + signal when it was killed).
 */
lc_err lc_process_run(const char *const *argv, const char *directory, const char *doing, lc_buf *output, int *status);
