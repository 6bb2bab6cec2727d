#pragma once
/*
 * HTTP/1.1 messages (RFC 9110, 9112) as bytes in memory: no sockets here, connection.h has those.
 *
 * Strict where leniency has hurt others: a request that two readers could understand differently is refused.
 *
 * Invariants
 *   N1  The head of a request is at most LC_HTTP_HEAD_MAX bytes and LC_HTTP_HEADERS_MAX fields; more is answered with 431.
 *   N2  A body has exactly one length: Content-Length with Transfer-Encoding, two different Content-Lengths, a Transfer-Encoding
 *       other than `chunked`, a bare CR or LF, a space before the colon or a folded line are all refused (no request smuggling).
 *   N3  Nothing that comes from a handler can break the framing: header values with CR or LF are left out of an answer.
 *
 * Threads: no state outside the arguments.
 */
#include "base/arena.h"
#include "base/buf.h"

enum { LC_HTTP_HEAD_MAX = 64 << 10, LC_HTTP_HEADERS_MAX = 100, LC_HTTP_BODY_DEFAULT = 2 << 20 };

typedef enum lc_http_method {
  LC_HTTP_OTHER,
  LC_HTTP_GET,
  LC_HTTP_HEAD,
  LC_HTTP_POST,
  LC_HTTP_PUT,
  LC_HTTP_DELETE,
  LC_HTTP_OPTIONS,
  LC_HTTP_PATCH,
  LC_HTTP_CONNECT,
  LC_HTTP_TRACE,
} lc_http_method;

typedef struct lc_http_header {
  lc_str name, value;
} lc_http_header;

/* A request. All text is borrowed from the receive buffer and valid until the callback that got it returns. */
typedef struct lc_http_request {
  lc_http_method method;
  lc_str method_name;
  lc_str target; /* as sent */
  lc_str path;   /* before `?`, still percent-encoded (lc_http_segment, lc_http_decode); of an absolute target, without scheme and host */
  lc_str query;  /* behind `?`, empty when there is none */
  uint8_t minor; /* HTTP/1.minor */
  bool keep_alive, expects_continue, chunked, has_length;
  bool too_large;          /* set by the connection: the body is longer than the route allows and was not kept; answer with 413 */
  uint64_t content_length; /* 0 when `!has_length` */
  uint32_t header_count;
  lc_http_header headers[LC_HTTP_HEADERS_MAX]; /* names as sent: compare with lc_str_equal_nocase */
} lc_http_request;

/* ---- reading ---- */

typedef enum lc_http_progress { LC_HTTP_MORE /* incomplete so far */, LC_HTTP_DONE, LC_HTTP_REFUSED } lc_http_progress;

/*
 * Parses the head of a request at the front of `bytes` (untrusted). `*scanned` starts at 0 and lets repeated calls on a growing buffer
 * continue where they were. DONE: `*used` bytes are the head. REFUSED: `*status` is what to answer before closing (400, 431, 501, 505).
 */
lc_http_progress lc_http_parse(lc_span bytes, size_t *scanned, lc_http_request *request, size_t *used, int *status);

/* Decodes a chunked body in place, as it arrives. Zero-initialised is the start; set `limit`. */
typedef struct lc_http_chunks {
  uint64_t limit;       /* of the decoded length */
  uint64_t left;        /* of the present chunk */
  uint32_t state, line; /* line: bytes of the present size line or of the trailers */
} lc_http_chunks;
/*
 * Takes `len` new bytes at `bytes` and moves the decoded ones to `to` (at or before `bytes`), adding to `*decoded`; `*used` is what was
 * consumed. DONE at the end of the body, REFUSED with `*status` 400, 431 or 413 (then, with a higher limit, decoding may go on behind
 * `*used` to get rid of the rest).
 */
lc_http_progress lc_http_chunks_decode(lc_http_chunks *chunks, uint8_t *bytes, size_t len, uint8_t *to, size_t *used, size_t *decoded,
                                       int *status);

/* The first header of this name; false when there is none. */
bool lc_http_header_get(const lc_http_request *request, const char *name, lc_str *value);
/* Whether a comma-separated list header (all occurrences) contains `token`, letter case ignored. */
bool lc_http_header_has_token(const lc_http_request *request, const char *name, const char *token);
/* Visits every element of a list header, trimmed: start with `*at` = 0. */
bool lc_http_header_list(const lc_http_request *request, const char *name, size_t *at, lc_str *element);

/* The next segment of a path: `/v1/database/x` gives `v1`, `database`, `x` (raw). `*rest` starts as the path. False at the end. */
bool lc_http_segment(lc_str *rest, lc_str *segment);
/* Percent-decodes into the arena. False for a malformed escape, a NUL or invalid UTF-8. */
bool lc_http_decode(lc_arena *arena, lc_str text, bool plus_is_space, lc_str *decoded);
/* The first parameter of this name in a query string, decoded; `*found` tells whether there is one. False when it is malformed. */
bool lc_http_query_get(lc_arena *arena, lc_str query, const char *name, lc_str *value, bool *found);
/* Visits all parameters: `*rest` starts as the query. Raw text, not decoded; a parameter without `=` has an empty value. */
bool lc_http_query_next(lc_str *rest, lc_str *name, lc_str *value);

/* ---- writing ---- */

typedef struct lc_http_response {
  int status;
  lc_str content_type; /* empty: no such header */
  const lc_http_header *headers;
  uint32_t header_count;
  lc_span body;
  bool close; /* end the connection after it */
} lc_http_response;

/* The reason phrase, "" when unknown. */
const char *lc_http_reason(int status);
typedef enum lc_http_framing { LC_HTTP_FIXED, LC_HTTP_CHUNKED, LC_HTTP_UNTIL_CLOSE, LC_HTTP_NO_BODY /* 1xx, 204, 304 */ } lc_http_framing;
/* Appends status line and headers. `date` may be empty. */
void lc_http_put_head(lc_buf *to, const lc_http_response *response, lc_http_framing framing, uint64_t length, bool keep_alive, lc_str date);
void lc_http_put_chunk(lc_buf *to, lc_span bytes); /* nothing for an empty span: an empty chunk would end the body */
void lc_http_put_last_chunk(lc_buf *to);
/* `Sun, 06 Nov 1994 08:49:37 GMT` and a NUL. */
void lc_http_date(char to[static 30], int64_t unix_seconds);
