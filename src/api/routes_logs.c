/*
 * The module's log, once or followed (http-api 10). A follower that does not keep up loses lines; the module never waits for it.
 */
#include <stdlib.h>

#include "api/api_internal.h"

enum { FOLLOW_LINES_MAX = 2500 };

struct lc_log_stream {
  lc__attachment attachment;
  lc_connection *connection;
  lc_hosted *hosted; /* referenced */
  uint32_t handle;
  bool is_full;                           /* the client is behind: lines are skipped until it has drained */
  struct lc_log_stream *next, **previous; /* of the hosted database */
};

static void stream_destroy(struct lc_log_stream *stream) {
  if (stream->hosted->database) lc_database_unfollow_log(stream->hosted->database, stream->handle);
  *stream->previous = stream->next;
  if (stream->next) stream->next->previous = stream->previous;
  stream->hosted->ops->unref(stream->hosted->server, stream->hosted);
  free(stream);
}

static void stream_closed(lc__attachment *attachment) {
  stream_destroy((struct lc_log_stream *)attachment);
}
static void stream_drained(lc__attachment *attachment) {
  ((struct lc_log_stream *)attachment)->is_full = false;
}
static const struct lc__attachment_ops stream_ops = {.closed = stream_closed, .drained = stream_drained};

static void stream_line(void *context, lc_str line) {
  struct lc_log_stream *stream = context;
  if (!stream->is_full) stream->is_full = !lc_connection_stream_write(stream->connection, lc_str_span(line));
}

void lc_api_close_streams(lc_hosted *hosted) {
  while (hosted->log_streams) {
    struct lc_log_stream *stream = hosted->log_streams;
    lc_connection_set_data(stream->connection, NULL);
    lc_connection_stream_end(stream->connection);
    stream_destroy(stream);
  }
}

static void follow(lc_exchange *exchange, lc_hosted *hosted) {
  struct lc_log_stream *stream = calloc(1, sizeof *stream);
  lc_assert(stream != NULL);
  stream->attachment.ops = &stream_ops;
  stream->connection = exchange->connection;
  stream->hosted = hosted;
  hosted->references++;
  stream->previous = &hosted->log_streams;
  stream->next = hosted->log_streams;
  if (stream->next) stream->next->previous = &stream->next;
  hosted->log_streams = stream;
  lc__exchange_common_headers(exchange);
  lc_connection_stream_begin(exchange->connection, &(lc_http_response){.status = exchange->status,
                                                                       .content_type = exchange->content_type,
                                                                       .headers = exchange->headers,
                                                                       .header_count = exchange->header_count,
                                                                       .body = lc_buf_span(&exchange->body)});
  lc_connection_set_data(exchange->connection, stream);
  stream->handle = lc_database_follow_log(hosted->database, stream_line, stream);
  lc__exchange_discard(exchange);
}

void lc__route_logs(lc_exchange *exchange) {
  lc_hosted *hosted;
  uint32_t lines = 0;
  bool has_lines, follows = false;
  if (!lc__query_u32(exchange, "num_lines", &lines, &has_lines) || !lc__query_bool(exchange, "follow", &follows)) return;
  if (!lc__owned(exchange, &hosted, "view module logs")) return;
  lc__empty(exchange, 200);
  exchange->content_type = LC_STR("application/x-ndjson");
  lc__header(exchange, "cache-control", LC_STR("no-cache"));
  if (follows && lines > FOLLOW_LINES_MAX) lines = FOLLOW_LINES_MAX;
  bool wants_old = follows || has_lines ? lines > 0 : true;
  if (wants_old) lc_database_read_log(hosted->database, lines, &exchange->body);
  if (follows) follow(exchange, hosted);
}
