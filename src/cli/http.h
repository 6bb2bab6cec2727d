#pragma once
/* HTTP requests of the commands, through libcurl. One at a time, from the main thread. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

typedef struct lc_http_call {
  const char *method, *url;
  const char *token;        /* NULL: no Authorization header */
  const char *content_type; /* NULL: none */
  lc_span body;
  /* When set, the body of a 200 answer goes here piece by piece instead of into `body` of the result; false stops. */
  bool (*receive)(void *context, lc_span part);
  void *context;
  long timeout_seconds; /* 0: none */
} lc_http_call;

typedef struct lc_http_result {
  long status;
  char content_type[64];
  lc_buf body;
} lc_http_result;

/* Errors: LC_ERR_HTTP when there is no answer, with the URL, the reason and what to do. */
lc_err lc_http_perform(const lc_http_call *call, lc_http_result *result);
void lc_http_result_deinit(lc_http_result *result);
/* LC_OK for 2xx; otherwise LC_ERR_SERVER: `doing: <text of the answer>`. */
lc_err lc_http_check(const lc_http_result *result, const char *doing);
/* Percent-encodes everything but ASCII letters, digits, `_` and `-`. */
lc_str lc_http_escape(lc_arena *arena, lc_str text);
