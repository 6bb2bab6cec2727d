/*
 * JSON text (untrusted) to BSATN, directed by the type: the text is read once and the bytes are appended as they become known, with no
 * tree in between, so integers of every width are exact and a message can name the line and column. Objects whose keys come in another
 * order are encoded field by field into a scratch buffer.
 *
 * Messages follow serde_json's, which the published tools parse: `PATH: REASON at line L column C`, PATH as `[1].name`, `.` for the
 * whole text. Columns count bytes consumed.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sats/json.h"
#include "sats/number.h"
#include "sats/sats_internal.h"

enum { JSON_DEPTH_MAX = 128 }; /* the nesting that serde_json allows */

typedef struct parser {
  const char *start, *at, *end;
  lc_buf path;
  lc_buf token; /* the last string, unescaped */
  uint32_t depth;
} parser;

/* ------------------------------------------------------------------------------------------------ errors */

/* `extra` is 1 where the offending character was only looked at. */
static lc_err fail_at(const parser *p, size_t extra, const char *reason) {
  size_t line = 1, column = 0;
  for (const char *at = p->start; at < p->at; at++) {
    column++;
    if (*at == '\n') line++, column = 0;
  }
  column += extra;
  if (p->path.len == 0) return lc_fail(LC_ERR_JSON, ".: %s at line %zu column %zu", reason, line, column);
  return lc_fail(LC_ERR_JSON, "%.*s: %s at line %zu column %zu", (int)p->path.len, (const char *)p->path.data, reason, line, column);
}

#define FAIL(p, extra, ...)                         \
  do {                                              \
    char reason_[512];                              \
    snprintf(reason_, sizeof reason_, __VA_ARGS__); \
    return fail_at((p), (extra), reason_);          \
  } while (0)

static size_t path_push_index(parser *p, uint32_t index) {
  size_t before = p->path.len;
  lc_buf_printf(&p->path, "[%u]", index);
  return before;
}

static size_t path_push_name(parser *p, lc_str name) {
  size_t before = p->path.len;
  if (before) lc_buf_put8(&p->path, '.');
  lc_buf_append(&p->path, name.ptr, name.len < 64 ? name.len : 64);
  return before;
}

/* ------------------------------------------------------------------------------------------------ tokens */

static void skip_space(parser *p) {
  while (p->at < p->end && (*p->at == ' ' || *p->at == '\n' || *p->at == '\r' || *p->at == '\t')) p->at++;
}

static char peek(parser *p) {
  skip_space(p);
  return p->at < p->end ? *p->at : 0;
}

static lc_err parse_hex4(parser *p, uint32_t *code) {
  *code = 0;
  for (int i = 0; i < 4; i++) {
    if (p->at == p->end) FAIL(p, 0, "EOF while parsing a string");
    char c = *p->at++;
    uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                     : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                     : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                            : 99;
    if (digit == 99) FAIL(p, 0, "invalid escape");
    *code = *code << 4 | digit;
  }
  return lc_ok();
}

static void put_utf8(lc_buf *to, uint32_t code) {
  if (code < 0x80) {
    lc_buf_put8(to, (uint8_t)code);
  } else if (code < 0x800) {
    lc_buf_put8(to, (uint8_t)(0xc0 | code >> 6));
    lc_buf_put8(to, (uint8_t)(0x80 | (code & 63)));
  } else if (code < 0x10000) {
    lc_buf_put8(to, (uint8_t)(0xe0 | code >> 12));
    lc_buf_put8(to, (uint8_t)(0x80 | (code >> 6 & 63)));
    lc_buf_put8(to, (uint8_t)(0x80 | (code & 63)));
  } else {
    lc_buf_put8(to, (uint8_t)(0xf0 | code >> 18));
    lc_buf_put8(to, (uint8_t)(0x80 | (code >> 12 & 63)));
    lc_buf_put8(to, (uint8_t)(0x80 | (code >> 6 & 63)));
    lc_buf_put8(to, (uint8_t)(0x80 | (code & 63)));
  }
}

static lc_err parse_unicode_escape(parser *p) {
  uint32_t code, low;
  LC_TRY(parse_hex4(p, &code));
  if (code >= 0xdc00 && code <= 0xdfff) FAIL(p, 0, "lone leading surrogate in hex escape");
  if (code >= 0xd800 && code <= 0xdbff) {
    if (p->end - p->at < 2 || p->at[0] != '\\' || p->at[1] != 'u') FAIL(p, 0, "unexpected end of hex escape");
    p->at += 2;
    LC_TRY(parse_hex4(p, &low));
    if (low < 0xdc00 || low > 0xdfff) FAIL(p, 0, "lone leading surrogate in hex escape");
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }
  put_utf8(&p->token, code);
  return lc_ok();
}

/* Reads a string (the next character is a quote) into `token`. */
static lc_err parse_string(parser *p) {
  static const char escapes[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
  lc_buf_clear(&p->token);
  p->at++;
  for (;;) {
    const char *run = p->at;
    while (p->at < p->end && *p->at != '"' && *p->at != '\\' && (uint8_t)*p->at >= 0x20) p->at++;
    lc_buf_append(&p->token, run, (size_t)(p->at - run));
    if (p->at == p->end) FAIL(p, 0, "EOF while parsing a string");
    char c = *p->at++;
    if (c == '"') return lc_ok();
    if (c != '\\') FAIL(p, 0, "control character (\\u0000-\\u001F) found while parsing a string");
    if (p->at == p->end) FAIL(p, 0, "EOF while parsing a string");
    char escape = *p->at++;
    if (escape == 'u') {
      LC_TRY(parse_unicode_escape(p));
      continue;
    }
    size_t i = 0;
    while (escapes[i] && escapes[i] != escape) i += 2;
    if (!escapes[i]) FAIL(p, 0, "invalid escape");
    lc_buf_put8(&p->token, (uint8_t)escapes[i + 1]);
  }
}

typedef struct number {
  lc_str text;
  bool is_integer; /* no fraction, no exponent */
} number;

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static lc_err parse_number(parser *p, number *out) {
  const char *from = p->at;
  out->is_integer = true;
  if (*p->at == '-') p->at++;
  if (p->at == p->end) FAIL(p, 0, "EOF while parsing a value");
  if (!is_digit(*p->at)) FAIL(p, 1, "invalid number");
  if (*p->at == '0') {
    p->at++;
    if (p->at < p->end && is_digit(*p->at)) FAIL(p, 1, "invalid number");
  }
  while (p->at < p->end && is_digit(*p->at)) p->at++;
  if (p->at < p->end && *p->at == '.') {
    out->is_integer = false;
    p->at++;
    if (p->at == p->end) FAIL(p, 0, "EOF while parsing a value");
    if (!is_digit(*p->at)) FAIL(p, 1, "invalid number");
    while (p->at < p->end && is_digit(*p->at)) p->at++;
  }
  if (p->at < p->end && (*p->at == 'e' || *p->at == 'E')) {
    out->is_integer = false;
    p->at++;
    if (p->at < p->end && (*p->at == '+' || *p->at == '-')) p->at++;
    if (p->at == p->end) FAIL(p, 0, "EOF while parsing a value");
    if (!is_digit(*p->at)) FAIL(p, 1, "invalid number");
    while (p->at < p->end && is_digit(*p->at)) p->at++;
  }
  out->text = (lc_str){from, (size_t)(p->at - from)};
  return lc_ok();
}

/* `single`: rounded once, straight from the text. False when the number is beyond the largest double. */
static bool number_value(const number *n, double *value) {
  char small[64], *text = n->text.len < sizeof small ? small : malloc(n->text.len + 1);
  lc_assert(text != NULL);
  memcpy(text, n->text.ptr, n->text.len);
  text[n->text.len] = 0;
  *value = strtod(text, NULL);
  if (text != small) free(text);
  return !isinf(*value);
}

static lc_err expect_word(parser *p, const char *word) {
  for (size_t i = 0; word[i]; i++) {
    if (p->at == p->end) FAIL(p, 0, "EOF while parsing a value");
    if (*p->at != word[i]) FAIL(p, 1, "expected ident");
    p->at++;
  }
  return lc_ok();
}

/* Fails with what stands there instead of what was expected. */
static lc_err wrong_type(parser *p, const char *expected) {
  char c = peek(p);
  if (p->at == p->end) FAIL(p, 0, "EOF while parsing a value");
  switch (c) {
    case '"':
      LC_TRY(parse_string(p));
      FAIL(p, 0, "invalid type: string \"%.*s\", expected %s", (int)(p->token.len < 200 ? p->token.len : 200),
           p->token.len ? (char *)p->token.data : "", expected);
    case '[':
      FAIL(p, 0, "invalid type: sequence, expected %s", expected);
    case '{':
      FAIL(p, 0, "invalid type: map, expected %s", expected);
    case 'n':
      LC_TRY(expect_word(p, "null"));
      FAIL(p, 0, "invalid type: null, expected %s", expected);
    case 't':
      LC_TRY(expect_word(p, "true"));
      FAIL(p, 0, "invalid type: boolean `true`, expected %s", expected);
    case 'f':
      LC_TRY(expect_word(p, "false"));
      FAIL(p, 0, "invalid type: boolean `false`, expected %s", expected);
    default:
      if (c != '-' && !is_digit(c)) FAIL(p, 1, "expected value");
  }
  number n;
  double value;
  uint8_t narrow[8];
  LC_TRY(parse_number(p, &n));
  if (n.is_integer && (lc_integer_parse(narrow, 8, false, n.text, 10) || lc_integer_parse(narrow, 8, true, n.text, 10)) &&
      !lc_str_is(n.text, "-0"))
    FAIL(p, 0, "invalid type: integer `%.*s`, expected %s", LC_STR_ARGS(n.text), expected);
  if (!number_value(&n, &value)) FAIL(p, 0, "number out of range");
  lc_buf text = {0};
  lc_f64_print_json(&text, value);
  char reason[512];
  snprintf(reason, sizeof reason, "invalid type: floating point `%s`, expected %s", lc_buf_cstr(&text), expected);
  lc_buf_deinit(&text);
  return fail_at(p, 0, reason);
}

/* ------------------------------------------------------------------------------------------------ scalars */

static lc_err parse_integer(parser *p, lc_buf *to, const lc_type *type) {
  const char *name = lc__kind_name(type->kind);
  char c = peek(p);
  if (c != '-' && !is_digit(c)) return wrong_type(p, name);
  const char *from = p->at;
  number n;
  LC_TRY(parse_number(p, &n));
  uint8_t bytes[16], wide[8];
  bool negative_zero = lc_str_is(n.text, "-0"); /* a floating point number to serde_json */
  if (n.is_integer && !negative_zero && lc_integer_parse(bytes, type->fixed_size, lc_type_is_signed(type->kind), n.text, 10)) {
    lc_buf_append(to, bytes, type->fixed_size);
    return lc_ok();
  }
  if (type->fixed_size == 16 && n.is_integer) FAIL(p, 0, "number out of range");
  bool fits_64 =
      n.is_integer && !negative_zero && (lc_integer_parse(wide, 8, false, n.text, 10) || lc_integer_parse(wide, 8, true, n.text, 10));
  if (fits_64) FAIL(p, 0, "invalid value: integer `%.*s`, expected %s", LC_STR_ARGS(n.text), name);
  p->at = from;
  return wrong_type(p, name);
}

static lc_err parse_wide_integer(parser *p, lc_buf *to, const lc_type *type) {
  if (peek(p) != '"') return wrong_type(p, "a formatted 256-bit integer");
  LC_TRY(parse_string(p));
  lc_str text = lc_buf_str(&p->token);
  bool negative = text.len > 0 && text.ptr[0] == '-';
  size_t sign = negative;
  uint8_t bytes[32];
  char digits[80];
  if (text.len < sign + 3 || text.ptr[sign] != '0' || text.ptr[sign + 1] != 'x' || text.len - sign - 2 > 64)
    FAIL(p, 0, "invalid digit found in string");
  if (text.ptr[sign + 2] == '-' || text.ptr[sign + 2] == '+') FAIL(p, 0, "invalid digit found in string");
  int len = snprintf(digits, sizeof digits, "%s%.*s", negative ? "-" : "", (int)(text.len - sign - 2), text.ptr + sign + 2);
  if (!lc_integer_parse(bytes, 32, type->kind == LC_TYPE_I256, (lc_str){digits, (size_t)len}, 16))
    FAIL(p, 0, "invalid digit found in string");
  lc_buf_append(to, bytes, 32);
  return lc_ok();
}

static lc_err parse_float(parser *p, lc_buf *to, const lc_type *type) {
  const char *name = type->kind == LC_TYPE_F32 ? "f32" : "f64";
  char c = peek(p);
  if (c != '-' && !is_digit(c)) return wrong_type(p, name);
  number n;
  double value;
  LC_TRY(parse_number(p, &n));
  if (!number_value(&n, &value)) FAIL(p, 0, "number out of range");
  if (type->kind == LC_TYPE_F32) {
    float narrow = (float)value;
    lc_buf_append(to, &narrow, 4);
  } else {
    lc_buf_append(to, &value, 8);
  }
  return lc_ok();
}

static lc_err parse_bool(parser *p, lc_buf *to) {
  char c = peek(p);
  if (c != 't' && c != 'f') return wrong_type(p, "a boolean");
  LC_TRY(expect_word(p, c == 't' ? "true" : "false"));
  lc_buf_put8(to, c == 't');
  return lc_ok();
}

/* ------------------------------------------------------------------------------------------------ containers */

static lc_err parse_value(parser *p, lc_buf *to, const lc_type *type);

static lc_err enter(parser *p) {
  if (++p->depth > JSON_DEPTH_MAX) FAIL(p, 1, "recursion limit exceeded");
  p->at++;
  return lc_ok();
}

/* Between elements: eats a comma or the closing bracket (`*more` = false). */
static lc_err next_element(parser *p, char close, bool first, bool *more) {
  char c = peek(p);
  if (p->at == p->end) FAIL(p, 0, "EOF while parsing %s", close == ']' ? "a list" : "an object");
  if (c == close) {
    p->at++;
    *more = false;
    return lc_ok();
  }
  if (!first) {
    if (c != ',') FAIL(p, 1, "expected `,` or `%c`", close);
    p->at++;
    if (peek(p) == close) FAIL(p, 1, "trailing comma");
  }
  *more = true;
  return lc_ok();
}

static lc_err parse_array(parser *p, lc_buf *to, const lc_type *type) {
  bool is_bytes = lc_type_resolve(type->element)->kind == LC_TYPE_U8;
  if (is_bytes && peek(p) == '"') {
    LC_TRY(parse_string(p));
    size_t len = p->token.len / 2;
    lc_buf_put32(to, (uint32_t)len);
    uint8_t *bytes = lc_buf_extend(to, len);
    if (p->token.len % 2 != 0 || !lc_hex_decode(bytes, len, lc_buf_str(&p->token)))
      FAIL(p, 0, "invalid value: string \"%.*s\", expected a byte array or hex string", (int)(p->token.len < 200 ? p->token.len : 200),
           p->token.data ? (char *)p->token.data : "");
    return lc_ok();
  }
  if (peek(p) != '[') return wrong_type(p, is_bytes ? "a byte array or hex string" : "an array");
  LC_TRY(enter(p));
  size_t count_at = to->len;
  lc_buf_put32(to, 0);
  for (uint32_t count = 0;; count++) {
    bool more;
    LC_TRY(next_element(p, ']', count == 0, &more));
    if (!more) {
      lc_store32(to->data + count_at, count);
      break;
    }
    if (count == LC__EMPTY_ELEMENTS_MAX && type->element->fixed && type->element->fixed_size == 0)
      FAIL(p, 0, "too many elements without content");
    size_t before = path_push_index(p, count);
    LC_TRY(parse_value(p, to, type->element));
    p->path.len = before;
  }
  p->depth--;
  return lc_ok();
}

/* What to call things in messages: products in values, or the arguments of a function. */
typedef struct product_words {
  const char *expected; /* after "expected", when it is no array or object at all */
  const char *length;   /* after "expected", when the array is too short */
  const char *field;    /* a missing, unknown or repeated key */
} product_words;

static lc_err parse_product_array(parser *p, lc_buf *to, const lc_type *type, const product_words *words) {
  LC_TRY(enter(p));
  for (uint32_t i = 0; i < type->field_count; i++) {
    bool more;
    LC_TRY(next_element(p, ']', i == 0, &more));
    if (!more) FAIL(p, 0, "invalid length %u, expected %s", i, words->length);
    size_t before = path_push_index(p, i);
    LC_TRY(parse_value(p, to, type->fields[i].type));
    p->path.len = before;
  }
  char c = peek(p);
  if (p->at == p->end) FAIL(p, 0, "EOF while parsing a list");
  if (c == ',') p->at++, (void)peek(p);
  if (c != ']') FAIL(p, 1, "trailing characters");
  p->at++;
  p->depth--;
  return lc_ok();
}

static uint32_t field_find(const lc_type *type, lc_str name) {
  uint32_t i = 0;
  while (i < type->field_count && (type->fields[i].name.ptr == NULL || !lc_str_equal(type->fields[i].name, name))) i++;
  return i;
}

typedef struct field_bytes {
  size_t from, to;
  bool present;
} field_bytes;

/* Fields in any order go to `scratch` first; `places` tells where each one lies. */
static lc_err parse_product_fields(parser *p, lc_buf *scratch, field_bytes *places, const lc_type *type, const product_words *words) {
  for (uint32_t seen = 0;; seen++) {
    bool more;
    if (seen == type->field_count && peek(p) == ',') FAIL(p, 1, "trailing comma");
    LC_TRY(next_element(p, '}', seen == 0, &more));
    if (!more) break;
    if (peek(p) != '"') FAIL(p, 1, "key must be a string");
    LC_TRY(parse_string(p));
    uint32_t i = field_find(type, lc_buf_str(&p->token));
    if (i == type->field_count)
      FAIL(p, 0, "unknown %s `%.*s`", words->field, (int)(p->token.len < 200 ? p->token.len : 200),
           p->token.len ? (char *)p->token.data : "");
    lc_str name = type->fields[i].name;
    if (places[i].present) FAIL(p, 0, "duplicate %s `%.*s`", words->field, LC_STR_ARGS(name));
    if (peek(p) != ':') FAIL(p, 1, "expected `:`");
    p->at++;
    size_t before = path_push_name(p, name);
    places[i] = (field_bytes){scratch->len, 0, true};
    LC_TRY(parse_value(p, scratch, type->fields[i].type));
    places[i].to = scratch->len;
    p->path.len = before;
  }
  for (uint32_t i = 0; i < type->field_count; i++)
    if (!places[i].present) FAIL(p, 0, "missing %s `%.*s`", words->field, LC_STR_ARGS(type->fields[i].name));
  return lc_ok();
}

static lc_err parse_product_object(parser *p, lc_buf *to, const lc_type *type, const product_words *words) {
  LC_TRY(enter(p));
  lc_buf scratch = {0};
  field_bytes *places = calloc(type->field_count + 1, sizeof *places);
  lc_assert(places != NULL);
  lc_err err = parse_product_fields(p, &scratch, places, type, words);
  for (uint32_t i = 0; i < type->field_count && !lc_failed(err); i++)
    lc_buf_append(to, scratch.data + places[i].from, places[i].to - places[i].from);
  free(places);
  lc_buf_deinit(&scratch);
  p->depth--;
  return err;
}

static lc_err parse_product(parser *p, lc_buf *to, const lc_type *type, const product_words *words) {
  char c = peek(p);
  if (c == '[') return parse_product_array(p, to, type, words);
  if (c == '{') return parse_product_object(p, to, type, words);
  return wrong_type(p, words->expected);
}

static lc_err unknown_variant(parser *p, const lc_type *type, lc_str name) {
  lc_buf names = {0};
  for (uint32_t i = 0; i < type->field_count; i++)
    if (type->fields[i].name.ptr) lc_buf_printf(&names, "%s`%.*s`", names.len ? ", " : "", LC_STR_ARGS(type->fields[i].name));
  char reason[512];
  snprintf(reason, sizeof reason, "unknown variant `%.*s`, expected one of %s", (int)(name.len < 64 ? name.len : 64), name.ptr,
           lc_buf_cstr(&names));
  lc_buf_deinit(&names);
  return fail_at(p, 0, reason);
}

/* {"Name": payload} or {"<tag>": payload}. */
static lc_err parse_sum_object(parser *p, lc_buf *to, const lc_type *type) {
  LC_TRY(enter(p));
  if (peek(p) == '}') FAIL(p, 1, "expected value");
  if (peek(p) != '"') FAIL(p, 1, "key must be a string");
  LC_TRY(parse_string(p));
  lc_str key = lc_buf_str(&p->token);
  uint32_t tag = field_find(type, key);
  uint8_t tag_number = 0;
  if (tag == type->field_count && key.len > 0 && lc_integer_parse(&tag_number, 1, false, key, 10)) tag = tag_number;
  size_t before = path_push_name(p, key);
  if (tag >= type->field_count) return unknown_variant(p, type, key);
  if (peek(p) != ':') FAIL(p, 1, "expected `:`");
  p->at++;
  lc_buf_put8(to, (uint8_t)tag);
  LC_TRY(parse_value(p, to, type->fields[tag].type));
  p->path.len = before;
  if (peek(p) != '}') FAIL(p, 1, "expected value");
  p->at++;
  p->depth--;
  return lc_ok();
}

/* [tag, payload] */
static lc_err parse_sum_array(parser *p, lc_buf *to, const lc_type *type) {
  static const lc_type tag_type = {.kind = LC_TYPE_U8, .fixed_size = 1, .fixed = true, .plain = true, .measured = LC__MEASURED};
  LC_TRY(enter(p));
  size_t before = path_push_index(p, 0), tag_at = to->len;
  if (peek(p) == ']') FAIL(p, 1, "invalid length 0, expected sum type");
  LC_TRY(parse_integer(p, to, &tag_type));
  uint8_t tag = to->data[tag_at];
  if (tag >= type->field_count) FAIL(p, 0, "invalid value: integer `%u`, expected a variant tag below %u", tag, type->field_count);
  p->path.len = before;
  if (peek(p) != ',') FAIL(p, 1, "invalid length 1, expected sum type");
  p->at++;
  before = path_push_index(p, 1);
  LC_TRY(parse_value(p, to, type->fields[tag].type));
  p->path.len = before;
  if (peek(p) != ']') FAIL(p, 1, "trailing characters");
  p->at++;
  p->depth--;
  return lc_ok();
}

static lc_err parse_sum(parser *p, lc_buf *to, const lc_type *type) {
  char c = peek(p);
  if (c == 'n' && type->special == LC_SPECIAL_OPTION) {
    LC_TRY(expect_word(p, "null"));
    lc_buf_put8(to, 1);
    return lc_ok();
  }
  if (c == '{') return parse_sum_object(p, to, type);
  if (c == '[') return parse_sum_array(p, to, type);
  return wrong_type(p, "sum type");
}

static lc_err parse_value(parser *p, lc_buf *to, const lc_type *type) {
  type = lc_type_resolve(type);
  switch (type->kind) {
    case LC_TYPE_SUM:
      return parse_sum(p, to, type);
    case LC_TYPE_PRODUCT: {
      char expected[40];
      snprintf(expected, sizeof expected, "a %u-element tuple", type->field_count);
      return parse_product(p, to, type, &(product_words){expected, expected, "field"});
    }
    case LC_TYPE_ARRAY:
      return parse_array(p, to, type);
    case LC_TYPE_STRING:
      if (peek(p) != '"') return wrong_type(p, "a string");
      LC_TRY(parse_string(p));
      lc_buf_put_sized(to, p->token.data, p->token.len);
      return lc_ok();
    case LC_TYPE_BOOL:
      return parse_bool(p, to);
    case LC_TYPE_F32:
    case LC_TYPE_F64:
      return parse_float(p, to, type);
    case LC_TYPE_I256:
    case LC_TYPE_U256:
      return parse_wide_integer(p, to, type);
    default:
      return parse_integer(p, to, type);
  }
}

/* ------------------------------------------------------------------------------------------------ whole texts */

static lc_err parse_text(lc_buf *to, const lc_type *type, lc_str text, const product_words *words) {
  if (!lc_utf8_valid((const uint8_t *)text.ptr, text.len)) return lc_fail(LC_ERR_JSON, "invalid unicode code point");
  parser p = {.start = text.ptr, .at = text.ptr, .end = text.ptr + text.len};
  size_t before = to->len;
  lc_err err = words ? parse_product(&p, to, lc_type_resolve(type), words) : parse_value(&p, to, type);
  if (!lc_failed(err)) {
    (void)peek(&p);
    if (p.at != p.end) {
      err = fail_at(&p, 1, "trailing characters");
      err = lc_fail(LC_ERR_JSON, "%s", lc_err_text(err) + 3); /* no path: nothing inside is wrong */
    }
  }
  if (lc_failed(err)) to->len = before;
  lc_buf_deinit(&p.path);
  lc_buf_deinit(&p.token);
  return err;
}

lc_err lc_value_parse_json(lc_buf *to, const lc_type *type, lc_str text) {
  return parse_text(to, type, text, NULL);
}

lc_err lc_call_parse_json(lc_buf *to, const lc_type *product, lc_str function, lc_str text) {
  char expected[160], length[200];
  snprintf(expected, sizeof expected, "a %.*s tuple", (int)(function.len < 120 ? function.len : 120), function.ptr);
  snprintf(length, sizeof length, "reducer args for %.*s with %u elements", (int)(function.len < 120 ? function.len : 120), function.ptr,
           product->field_count);
  return parse_text(to, product, text, &(product_words){expected, length, "reducer argument"});
}

lc_err lc_arguments_parse_json(lc_buf *to, const lc_type *product, lc_str text) {
  return lc_call_parse_json(to, product, LC_STR("call"), text);
}
