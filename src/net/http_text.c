/* Paths and query strings: taking them apart and undoing percent escapes. */
#include "net/http.h"

bool lc_http_segment(lc_str *rest, lc_str *segment) {
  if (rest->len == 0 || rest->ptr[0] != '/') return false;
  rest->ptr++;
  rest->len--;
  const char *slash = rest->len ? memchr(rest->ptr, '/', rest->len) : NULL;
  segment->ptr = rest->ptr;
  segment->len = slash ? (size_t)(slash - rest->ptr) : rest->len;
  rest->ptr += segment->len;
  rest->len -= segment->len;
  return true;
}

static int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool lc_http_decode(lc_arena *arena, lc_str text, bool plus_is_space, lc_str *decoded) {
  char *to = lc_arena_alloc(arena, text.len + 1);
  size_t len = 0;
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    if (c == '%') {
      if (text.len - i < 3) return false;
      int high = hex_value(text.ptr[i + 1]), low = hex_value(text.ptr[i + 2]);
      if (high < 0 || low < 0) return false;
      c = (char)(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if (c == 0) return false; /* names end up in messages and paths */
    to[len++] = c;
  }
  to[len] = 0;
  *decoded = (lc_str){to, len};
  return lc_utf8_valid((const uint8_t *)to, len);
}

bool lc_http_query_next(lc_str *rest, lc_str *name, lc_str *value) {
  while (rest->len) {
    const char *end = memchr(rest->ptr, '&', rest->len);
    lc_str pair = {rest->ptr, end ? (size_t)(end - rest->ptr) : rest->len};
    size_t taken = pair.len + (end ? 1 : 0);
    rest->ptr += taken;
    rest->len -= taken;
    if (pair.len == 0) continue;
    const char *equals = memchr(pair.ptr, '=', pair.len);
    *name = (lc_str){pair.ptr, equals ? (size_t)(equals - pair.ptr) : pair.len};
    *value = equals ? (lc_str){equals + 1, pair.len - name->len - 1} : (lc_str){pair.ptr + pair.len, 0};
    return true;
  }
  return false;
}

bool lc_http_query_get(lc_arena *arena, lc_str query, const char *name, lc_str *value, bool *found) {
  lc_str raw_name, raw_value, decoded;
  *found = false;
  *value = (lc_str){"", 0};
  while (lc_http_query_next(&query, &raw_name, &raw_value)) {
    if (!lc_http_decode(arena, raw_name, true, &decoded)) return false;
    if (!lc_str_is(decoded, name)) continue;
    *found = true;
    return lc_http_decode(arena, raw_value, true, value);
  }
  return true;
}
