/*
 * The head of a request (N1, N2). The parser first finds the empty line that ends the head, refusing control characters on the way, then
 * takes the lines apart; so that a head which arrives byte by byte costs one pass, `scanned` remembers how far the first step came.
 */
#include "net/http.h"

typedef struct method_name {
  const char *name;
  lc_http_method method;
} method_name;
static const method_name methods[] = {
    {"GET", LC_HTTP_GET},     {"HEAD", LC_HTTP_HEAD},       {"POST", LC_HTTP_POST},
    {"PUT", LC_HTTP_PUT},     {"DELETE", LC_HTTP_DELETE},   {"OPTIONS", LC_HTTP_OPTIONS},
    {"PATCH", LC_HTTP_PATCH}, {"CONNECT", LC_HTTP_CONNECT}, {"TRACE", LC_HTTP_TRACE},
};

/* RFC 9110 token characters. */
static bool is_token_char(uint8_t c) {
  if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return true;
  return c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static bool is_token(lc_str text) {
  for (size_t i = 0; i < text.len; i++) {
    if (!is_token_char((uint8_t)text.ptr[i])) return false;
  }
  return text.len > 0;
}

static lc_str trim(lc_str text) {
  while (text.len && (text.ptr[0] == ' ' || text.ptr[0] == '\t')) text.ptr++, text.len--;
  while (text.len && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t')) text.len--;
  return text;
}

/* Takes the text before `separator`, or all of it; false when the separator is missing. */
static bool split(lc_str *rest, char separator, lc_str *before) {
  const char *at = rest->len ? memchr(rest->ptr, separator, rest->len) : NULL;
  if (at == NULL) {
    *before = *rest;
    *rest = (lc_str){rest->ptr + rest->len, 0};
    return false;
  }
  *before = (lc_str){rest->ptr, (size_t)(at - rest->ptr)};
  rest->len -= before->len + 1;
  rest->ptr = at + 1;
  return true;
}

/*
 * The length of the head with its final empty line; 0 when it is not there yet, SIZE_MAX when the bytes cannot be one. Every line ends with
 * CR LF and neither character occurs otherwise: whoever takes a bare LF for a line end sees other headers than we do.
 */
static size_t find_head_end(const uint8_t *bytes, size_t len, size_t *scanned) {
  size_t i = *scanned;
  for (; i < len; i++) {
    uint8_t c = bytes[i];
    if (c >= ' ' && c != 127) continue;
    if (c == '\t') continue;
    if (c == '\r') {
      if (i + 1 == len) break; /* decide when the next byte is there */
      if (bytes[i + 1] != '\n') return SIZE_MAX;
      if (i >= 2 && bytes[i - 1] == '\n') return i + 2;
      i++;
      continue;
    }
    return SIZE_MAX;
  }
  *scanned = i;
  return 0;
}

static bool parse_decimal(lc_str text, uint64_t *value) {
  if (text.len == 0 || text.len > 18) return false; /* 18 digits cannot overflow */
  *value = 0;
  for (size_t i = 0; i < text.len; i++) {
    if (text.ptr[i] < '0' || text.ptr[i] > '9') return false;
    *value = *value * 10 + (uint64_t)(text.ptr[i] - '0');
  }
  return true;
}

static int parse_target(lc_http_request *request) {
  lc_str target = request->target;
  if (target.len == 0) return 400;
  for (size_t i = 0; i < target.len; i++) {
    if ((uint8_t)target.ptr[i] <= ' ' || (uint8_t)target.ptr[i] >= 127) return 400;
  }
  if (target.ptr[0] != '/' && target.len > 7 && lc_str_equal_nocase((lc_str){target.ptr, 7}, LC_STR("http://"))) {
    lc_str rest = {target.ptr + 7, target.len - 7};
    const char *slash = memchr(rest.ptr, '/', rest.len);
    target = slash ? (lc_str){slash, (size_t)(rest.ptr + rest.len - slash)} : LC_STR("/");
  } else if (target.ptr[0] != '/' && !(request->method == LC_HTTP_OPTIONS && lc_str_is(target, "*"))) {
    return 400;
  }
  request->query = target;
  split(&request->query, '?', &request->path);
  return 0;
}

static int parse_request_line(lc_str line, lc_http_request *request) {
  if (!split(&line, ' ', &request->method_name) || !is_token(request->method_name)) return 400;
  if (!split(&line, ' ', &request->target)) return 400;
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
    if (lc_str_is(request->method_name, methods[i].name)) request->method = methods[i].method;
  }
  if (line.len != 8 || memcmp(line.ptr, "HTTP/", 5) != 0 || line.ptr[6] != '.') return 400;
  if (line.ptr[5] != '1' || line.ptr[7] < '0' || line.ptr[7] > '9') return 505;
  request->minor = line.ptr[7] == '0' ? 0 : 1;
  return parse_target(request);
}

static int parse_header(lc_str line, lc_http_request *request) {
  if (request->header_count == LC_HTTP_HEADERS_MAX) return 431;
  lc_http_header *header = &request->headers[request->header_count++];
  if (!split(&line, ':', &header->name) || !is_token(header->name)) return 400; /* also a space before the colon and folded lines */
  header->value = trim(line);
  return 0;
}

/* How long the body is (N2). */
static int find_body_length(lc_http_request *request) {
  bool encoded = false;
  for (uint32_t i = 0; i < request->header_count; i++) {
    const lc_http_header *header = &request->headers[i];
    if (lc_str_equal_nocase(header->name, LC_STR("transfer-encoding"))) {
      if (encoded || request->minor == 0) return 400;
      if (!lc_str_equal_nocase(header->value, LC_STR("chunked"))) return 501;
      encoded = true;
    } else if (lc_str_equal_nocase(header->name, LC_STR("content-length"))) {
      uint64_t length;
      if (!parse_decimal(header->value, &length)) return 400;
      if (request->has_length && length != request->content_length) return 400;
      request->has_length = true;
      request->content_length = length;
    }
  }
  if (encoded && request->has_length) return 400;
  request->chunked = encoded;
  return 0;
}

/* What the connection headers ask for. Two Host headers could be routed in two ways; none is fine, the server is the same for every host.
 */
static int read_connection_headers(lc_http_request *request) {
  uint32_t hosts = 0;
  for (uint32_t i = 0; i < request->header_count; i++) hosts += lc_str_equal_nocase(request->headers[i].name, LC_STR("host"));
  if (hosts > 1) return 400;
  request->keep_alive = request->minor == 1 ? !lc_http_header_has_token(request, "connection", "close")
                                            : lc_http_header_has_token(request, "connection", "keep-alive");
  lc_str expect;
  if (lc_http_header_get(request, "expect", &expect)) {
    if (!lc_str_equal_nocase(expect, LC_STR("100-continue"))) return 417;
    request->expects_continue = request->minor == 1;
  }
  return 0;
}

static int parse_head(lc_str head, lc_http_request *request) {
  bool first = true;
  while (head.len) {
    lc_str line;
    split(&head, '\n', &line);
    line.len--; /* the CR, which find_head_end has seen */
    if (line.len == 0) break;
    int status = first ? parse_request_line(line, request) : parse_header(line, request);
    if (status) return status;
    first = false;
  }
  if (first) return 400;
  int status = find_body_length(request);
  return status ? status : read_connection_headers(request);
}

lc_http_progress lc_http_parse(lc_span bytes, size_t *scanned, lc_http_request *request, size_t *used, int *status) {
  /* RFC 9112 2.2: an empty line before a request line is to be ignored; some clients send one after a body. */
  size_t skipped = 0;
  while (bytes.len - skipped >= 2 && skipped < 8 && bytes.ptr[skipped] == '\r' && bytes.ptr[skipped + 1] == '\n') skipped += 2;
  if (*scanned < skipped) *scanned = skipped;
  size_t end = find_head_end(bytes.ptr, bytes.len < LC_HTTP_HEAD_MAX ? bytes.len : LC_HTTP_HEAD_MAX, scanned);
  if (end == SIZE_MAX) {
    *status = 400;
    return LC_HTTP_REFUSED;
  }
  if (end == 0) {
    if (bytes.len < LC_HTTP_HEAD_MAX) return LC_HTTP_MORE;
    *status = 431;
    return LC_HTTP_REFUSED;
  }
  memset(request, 0, offsetof(lc_http_request, headers));
  *used = end;
  *status = parse_head((lc_str){(const char *)bytes.ptr + skipped, end - skipped}, request);
  return *status ? LC_HTTP_REFUSED : LC_HTTP_DONE;
}

/* ---- chunked bodies ---- */

enum {
  CHUNK_SIZE_LINE,
  CHUNK_DATA,
  CHUNK_DATA_CR,
  CHUNK_DATA_LF,
  CHUNK_SIZE_LF,
  CHUNK_EXTENSION,
  CHUNK_TRAILER,
  CHUNK_TRAILER_LF,
  CHUNK_END
};
enum { CHUNK_LINE_MAX = 256, CHUNK_TRAILERS_MAX = 8 << 10 };

static int hex_digit(uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One byte of framing; 0 or the status to refuse with. `line` counts the bytes of the size line, and of all trailers; in trailers `left` is
 * the length of the line. */
static int chunk_framing_byte(lc_http_chunks *chunks, uint8_t c) {
  switch (chunks->state) {
    case CHUNK_SIZE_LINE: {
      int digit = hex_digit(c);
      if (digit >= 0) {
        if (chunks->left >> 58) return 400;
        chunks->left = chunks->left * 16 + (uint64_t)digit;
        return ++chunks->line > 17 ? 400 : 0;
      }
      if (chunks->line == 0) return 400;
      chunks->state = c == '\r' ? CHUNK_SIZE_LF : CHUNK_EXTENSION;
      return c == '\r' || c == ';' || c == ' ' || c == '\t' ? 0 : 400;
    }
    case CHUNK_EXTENSION:
      if (c == '\r') chunks->state = CHUNK_SIZE_LF;
      return c == '\n' || ++chunks->line > CHUNK_LINE_MAX ? 400 : 0;
    case CHUNK_SIZE_LF:
      chunks->state = chunks->left ? CHUNK_DATA : CHUNK_TRAILER;
      chunks->line = 0;
      return c == '\n' ? 0 : 400;
    case CHUNK_DATA_CR:
      chunks->state = CHUNK_DATA_LF;
      return c == '\r' ? 0 : 400;
    case CHUNK_DATA_LF:
      chunks->state = CHUNK_SIZE_LINE;
      return c == '\n' ? 0 : 400;
    case CHUNK_TRAILER:
      if (++chunks->line > CHUNK_TRAILERS_MAX) return 431;
      if (c == '\r') {
        chunks->state = CHUNK_TRAILER_LF;
      } else {
        chunks->left++;
      }
      return c == '\n' ? 400 : 0;
    default: /* CHUNK_TRAILER_LF */
      if (c != '\n') return 400;
      chunks->state = chunks->left == 0 ? CHUNK_END : CHUNK_TRAILER;
      chunks->left = 0;
      return 0;
  }
}

lc_http_progress lc_http_chunks_decode(lc_http_chunks *chunks, uint8_t *bytes, size_t len, uint8_t *to, size_t *used, size_t *decoded,
                                       int *status) {
  size_t at = 0;
  *used = 0;
  while (at < len && chunks->state != CHUNK_END) {
    if (chunks->state == CHUNK_DATA) {
      size_t take = chunks->left < len - at ? (size_t)chunks->left : len - at;
      memmove(to, bytes + at, take);
      to += take;
      *decoded += take;
      at += take;
      chunks->left -= take;
      if (chunks->left == 0) chunks->state = CHUNK_DATA_CR;
      continue;
    }
    *status = chunk_framing_byte(chunks, bytes[at++]);
    if (*status == 0 && chunks->state == CHUNK_DATA) {
      if (chunks->left > chunks->limit) {
        *status = 413;
      } else {
        chunks->limit -= chunks->left;
      }
    }
    if (*status) {
      *used = at;
      return LC_HTTP_REFUSED;
    }
  }
  *used = at;
  return chunks->state == CHUNK_END ? LC_HTTP_DONE : LC_HTTP_MORE;
}

/* ---- headers ---- */

bool lc_http_header_get(const lc_http_request *request, const char *name, lc_str *value) {
  for (uint32_t i = 0; i < request->header_count; i++) {
    if (!lc_str_equal_nocase(request->headers[i].name, lc_str_of(name))) continue;
    *value = request->headers[i].value;
    return true;
  }
  return false;
}

bool lc_http_header_list(const lc_http_request *request, const char *name, size_t *at, lc_str *element) {
  /* `*at` counts elements of all occurrences together; lists are short, so starting over each time is fine. */
  size_t seen = 0;
  for (uint32_t i = 0; i < request->header_count; i++) {
    if (!lc_str_equal_nocase(request->headers[i].name, lc_str_of(name))) continue;
    lc_str rest = request->headers[i].value;
    while (rest.len) {
      split(&rest, ',', element);
      *element = trim(*element);
      if (element->len == 0 || seen++ < *at) continue;
      *at = seen;
      return true;
    }
  }
  return false;
}

bool lc_http_header_has_token(const lc_http_request *request, const char *name, const char *token) {
  lc_str element;
  for (size_t at = 0; lc_http_header_list(request, name, &at, &element);) {
    if (lc_str_equal_nocase(element, lc_str_of(token))) return true;
  }
  return false;
}
