#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

void lc_buf_deinit(lc_buf *buf) {
  free(buf->data);
  *buf = (lc_buf){0};
}

void lc_buf_grow(lc_buf *buf, size_t extra) {
  lc_assert(extra < SIZE_MAX / 4 && buf->len < SIZE_MAX / 4);
  size_t cap = buf->cap ? buf->cap : 64;
  while (cap - buf->len < extra) cap *= 2;
  uint8_t *data = realloc(buf->data, cap);
  lc_assert(data != NULL);
  buf->data = data;
  buf->cap = cap;
}

void lc_buf_printf(lc_buf *buf, const char *format, ...) {
  va_list arguments, again;
  va_start(arguments, format);
  va_copy(again, arguments);
  int len = vsnprintf(NULL, 0, format, arguments);
  lc_assert(len >= 0);
  lc_buf_reserve(buf, (size_t)len + 1);
  vsnprintf((char *)buf->data + buf->len, (size_t)len + 1, format, again);
  buf->len += (size_t)len;
  va_end(again);
  va_end(arguments);
}

const char *lc_buf_cstr(lc_buf *buf) {
  lc_buf_reserve(buf, 1);
  buf->data[buf->len] = 0;
  return (const char *)buf->data;
}
