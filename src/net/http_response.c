/* Answers: status line, headers, chunks (N3). */
#include <stdio.h>
#include <time.h>

#include "net/http.h"

static const struct {
  int status;
  const char *reason;
} reasons[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Payload Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {418, "I'm a teapot"},
    {422, "Unprocessable Entity"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
    {530, "Module Error"},
};

const char *lc_http_reason(int status) {
  for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
    if (reasons[i].status == status) return reasons[i].reason;
  }
  return "";
}

static bool is_safe(lc_str text) {
  for (size_t i = 0; i < text.len; i++) {
    if (text.ptr[i] == '\r' || text.ptr[i] == '\n' || text.ptr[i] == 0) return false;
  }
  return true;
}

static void put_header(lc_buf *to, lc_str name, lc_str value) {
  if (name.len == 0 || !is_safe(name) || !is_safe(value)) return;
  lc_buf_put_str(to, name);
  lc_buf_put_text(to, ": ");
  lc_buf_put_str(to, value);
  lc_buf_put_text(to, "\r\n");
}

/* Headers that say how long the message is and what becomes of the connection are this file's alone: a module's handler must not contradict
 * them. */
static bool is_framing_header(lc_str name) {
  static const char *const names[] = {"content-length", "transfer-encoding", "connection", "date", "keep-alive"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (lc_str_equal_nocase(name, lc_str_of(names[i]))) return true;
  }
  return false;
}

void lc_http_put_head(lc_buf *to, const lc_http_response *response, lc_http_framing framing, uint64_t length, bool keep_alive,
                      lc_str date) {
  lc_buf_printf(to, "HTTP/1.1 %d %s\r\n", response->status, lc_http_reason(response->status));
  if (response->content_type.len) put_header(to, LC_STR("content-type"), response->content_type);
  bool upgrade = response->status == 101 || response->status == 426; /* here the caller says what goes into Connection */
  for (uint32_t i = 0; i < response->header_count; i++) {
    const lc_http_header *header = &response->headers[i];
    bool own_connection = upgrade && lc_str_equal_nocase(header->name, LC_STR("connection"));
    if (own_connection || !is_framing_header(header->name)) put_header(to, header->name, header->value);
  }
  if (framing == LC_HTTP_FIXED) lc_buf_printf(to, "content-length: %llu\r\n", (unsigned long long)length);
  if (framing == LC_HTTP_CHUNKED) lc_buf_put_text(to, "transfer-encoding: chunked\r\n");
  if (!keep_alive && !upgrade) lc_buf_put_text(to, "connection: close\r\n");
  if (date.len) put_header(to, LC_STR("date"), date);
  lc_buf_put_text(to, "\r\n");
}

void lc_http_put_chunk(lc_buf *to, lc_span bytes) {
  if (bytes.len == 0) return;
  lc_buf_printf(to, "%zx\r\n", bytes.len);
  lc_buf_put_span(to, bytes);
  lc_buf_put_text(to, "\r\n");
}

void lc_http_put_last_chunk(lc_buf *to) {
  lc_buf_put_text(to, "0\r\n\r\n");
}

void lc_http_date(char to[static 30], int64_t unix_seconds) {
  static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  time_t seconds = (time_t)unix_seconds;
  struct tm utc;
  char text[96];
  if (gmtime_r(&seconds, &utc) == NULL) memset(&utc, 0, sizeof utc);
  /* Not strftime: its names follow the locale. */
  snprintf(text, sizeof text, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", days + 3 * utc.tm_wday, utc.tm_mday, months + 3 * utc.tm_mon,
           utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
  memcpy(to, text, 29);
  to[29] = 0;
}
