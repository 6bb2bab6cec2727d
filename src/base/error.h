#pragma once
/*
 * Errors. A function that can fail returns lc_err, and the compiler complains when it is dropped. The code has a class to branch
 * on (error_codes.def is the table of both); the message says what failed, on what, why, and what to do next.
 *
 * Messages live in a small per-thread ring, so making one never allocates: read lc_err_text before the thread has failed another
 * LC_ERR_RING times, or copy it. Threads: everything here is thread-local or constant.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum lc_err_class {
  LC_CLASS_NONE, LC_CLASS_INPUT, LC_CLASS_NOT_FOUND, LC_CLASS_DENIED, LC_CLASS_CONFLICT,
  LC_CLASS_LIMIT, LC_CLASS_CORRUPT, LC_CLASS_SYSTEM, LC_CLASS_GUEST, LC_CLASS_INTERNAL,
} lc_err_class;

typedef enum lc_err_code {
#define LC_ERROR(code, class, text) code,
#include "base/error_codes.def"
#undef LC_ERROR
  LC_ERR_COUNT
} lc_err_code;

enum { LC_ERR_RING = 16, LC_ERR_TEXT_MAX = 2048 };

typedef struct [[nodiscard]] lc_err {
  lc_err_code code;
  uint32_t detail; /* 0: the table's text; otherwise which message of this thread */
} lc_err;

static inline lc_err lc_ok(void) { return (lc_err){LC_OK, 0}; }
static inline lc_err lc_error(lc_err_code code) { return (lc_err){code, 0}; }
static inline bool lc_failed(lc_err err) { return __builtin_expect(err.code != LC_OK, 0); }

/* Makes an error with a message of its own (cut at LC_ERR_TEXT_MAX). */
lc_err lc_fail(lc_err_code code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts `format`'s text and ": " before the message of `err`; the code stays. Returns `err` untouched when it did not fail. */
lc_err lc_err_context(lc_err err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The message, never NULL. Borrowed from the thread's ring. */
const char *lc_err_text(lc_err err);
lc_err_class lc_err_class_of(lc_err err);
const char *lc_err_name(lc_err_code code);

/* Leaves early: `LC_TRY(lc_thing_do(...))` returns the error when there is one. */
#define LC_TRY(expression)                 \
  do {                                     \
    lc_err lc_try_err_ = (expression);     \
    if (lc_failed(lc_try_err_)) return lc_try_err_; \
  } while (0)
