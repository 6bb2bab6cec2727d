#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
  const char *name, *text;
  lc_err_class class;
} table[LC_ERR_COUNT] = {
#define LC_ERROR(code, cls, message) [code] = {#code, message, LC_CLASS_##cls},
#include "base/error_codes.def"
#undef LC_ERROR
};

static _Thread_local struct {
  uint32_t last; /* number of the last message; messages count from 1 */
  char text[LC_ERR_RING][LC_ERR_TEXT_MAX];
} ring;

static char *ring_next(uint32_t *detail) {
  *detail = ++ring.last ? ring.last : ++ring.last;
  return ring.text[*detail % LC_ERR_RING];
}

/* A message that did not fit ends between two characters: it goes to clients, who take only valid UTF-8. */
static void cut_to_characters(char *text) {
  size_t len = LC_ERR_TEXT_MAX - 1, start = len;
  while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80) start--;
  if (start == 0 || (unsigned char)text[start - 1] < 0xc0) return;
  unsigned char lead = (unsigned char)text[start - 1];
  size_t wanted = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (len - start + 1 < wanted) text[start - 1] = 0;
}

lc_err lc_fail(lc_err_code code, const char *format, ...) {
  lc_err err = {code, 0};
  char *text = ring_next(&err.detail);
  va_list arguments;
  va_start(arguments, format);
  int len = vsnprintf(text, LC_ERR_TEXT_MAX, format, arguments);
  if (len >= LC_ERR_TEXT_MAX) cut_to_characters(text);
  va_end(arguments);
  return err;
}

lc_err lc_err_context(lc_err err, const char *format, ...) {
  if (!lc_failed(err)) return err;
  const char *inner = lc_err_text(err);
  lc_err outer = {err.code, 0};
  char *text = ring_next(&outer.detail);
  va_list arguments;
  va_start(arguments, format);
  int used = vsnprintf(text, LC_ERR_TEXT_MAX, format, arguments);
  va_end(arguments);
  if (used >= 0 && used < LC_ERR_TEXT_MAX) used += snprintf(text + used, LC_ERR_TEXT_MAX - (size_t)used, ": %s", inner);
  if (used >= LC_ERR_TEXT_MAX) cut_to_characters(text);
  return outer;
}

const char *lc_err_text(lc_err err) {
  if (err.detail != 0) return ring.text[err.detail % LC_ERR_RING];
  return (unsigned)err.code < LC_ERR_COUNT ? table[err.code].text : "unknown error";
}

lc_err_class lc_err_class_of(lc_err err) { return (unsigned)err.code < LC_ERR_COUNT ? table[err.code].class : LC_CLASS_INTERNAL; }

const char *lc_err_name(lc_err_code code) { return (unsigned)code < LC_ERR_COUNT ? table[code].name : "?"; }
