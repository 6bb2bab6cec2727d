/*
 * What clients send in v1.json: `{"CallReducer":{"reducer":"add","args":"[1]","request_id":7,"flags":0}}`. A small reader that walks the
 * message's row: fields in any order, each exactly once, none unknown. Strings without escapes are borrowed from the text; others are
 * unescaped into the arena. Nothing here recurses, so nesting needs no limit: the only containers are those of the tables.
 */
#include "sats/json.h"
#include "wire/wire_internal.h"

typedef struct json_reader {
  const char *start, *at, *end;
  lc_arena *arena;
} json_reader;

#define JSON_FAIL(reader, format, ...) \
  lc_fail(LC_ERR_PROTOCOL, format " at line %u column %zu", ##__VA_ARGS__, json_line(reader), json_column(reader))

static unsigned json_line(const json_reader *reader) {
  unsigned line = 1;
  for (const char *at = reader->start; at < reader->at; at++) line += *at == '\n';
  return line;
}

static size_t json_column(const json_reader *reader) {
  const char *line = reader->at;
  while (line > reader->start && line[-1] != '\n') line--;
  return (size_t)(reader->at - line);
}

static char peek(json_reader *reader) {
  while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\n' || *reader->at == '\t' || *reader->at == '\r'))
    reader->at++;
  return reader->at < reader->end ? *reader->at : 0;
}

static bool take(json_reader *reader, char c) {
  if (peek(reader) != c || reader->at == reader->end) return false;
  reader->at++;
  return true;
}

/* What stands here instead of what was expected, in the words of the reference. */
static lc_err wrong_type(json_reader *reader, const char *expected) {
  char c = peek(reader);
  if (reader->at == reader->end) return JSON_FAIL(reader, "EOF while parsing a value");
  const char *is = c == '{'               ? "map"
                   : c == '['             ? "sequence"
                   : c == '"'             ? "string"
                   : c == 't' || c == 'f' ? "boolean"
                   : c == 'n'             ? "null"
                                          : NULL;
  if (is) return JSON_FAIL(reader, "invalid type: %s, expected %s", is, expected);
  if (c != '-' && (c < '0' || c > '9')) {
    reader->at++;
    return JSON_FAIL(reader, "expected value");
  }
  const char *digits = reader->at;
  while (reader->at < reader->end && strchr("+-.eE0123456789", *reader->at) && *reader->at) reader->at++;
  size_t len = (size_t)(reader->at - digits) < 32 ? (size_t)(reader->at - digits) : 32;
  const char *kind = memchr(digits, '.', len) || memchr(digits, 'e', len) ? "floating point" : "integer";
  return JSON_FAIL(reader, "invalid type: %s `%.*s`, expected %s", kind, (int)len, digits, expected);
}

static int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

static bool take_hex4(const char **at, const char *end, uint32_t *code) {
  if (end - *at < 4) return false;
  *code = 0;
  for (int i = 0; i < 4; i++) {
    int digit = hex_value(*(*at)++);
    if (digit < 0) return false;
    *code = *code * 16 + (uint32_t)digit;
  }
  return true;
}

static size_t put_utf8(char *to, uint32_t code) {
  if (code < 0x80) return to[0] = (char)code, 1;
  if (code < 0x800) return to[0] = (char)(0xc0 | code >> 6), to[1] = (char)(0x80 | (code & 0x3f)), 2;
  if (code < 0x10000)
    return to[0] = (char)(0xe0 | code >> 12), to[1] = (char)(0x80 | (code >> 6 & 0x3f)), to[2] = (char)(0x80 | (code & 0x3f)), 3;
  to[0] = (char)(0xf0 | code >> 18), to[1] = (char)(0x80 | (code >> 12 & 0x3f)), to[2] = (char)(0x80 | (code >> 6 & 0x3f));
  return to[3] = (char)(0x80 | (code & 0x3f)), 4;
}

/* \uXXXX, a pair of them beyond U+FFFF. False for half a pair. */
static bool take_unicode(const char **at, const char *end, uint32_t *code) {
  if (!take_hex4(at, end, code)) return false;
  if (*code < 0xd800 || *code > 0xdfff) return true;
  uint32_t low;
  if (*code > 0xdbff || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u') return false;
  *at += 2;
  if (!take_hex4(at, end, &low) || low < 0xdc00 || low > 0xdfff) return false;
  *code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);
  return true;
}

/* Unescapes [at, end); an unescaped text is never longer. */
static bool unescape(const char *at, const char *end, char *to, size_t *len) {
  static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
  *len = 0;
  while (at < end) {
    if (*at != '\\') {
      to[(*len)++] = *at++;
      continue;
    }
    if (++at == end) return false;
    const char *escape = *at ? strchr(from, *at) : NULL;
    char kind = *at++;
    uint32_t code;
    if (escape) {
      to[(*len)++] = into[escape - from];
    } else if (kind == 'u' && take_unicode(&at, end, &code)) {
      *len += put_utf8(to + *len, code);
    } else {
      return false;
    }
  }
  return true;
}

static lc_err take_string(json_reader *reader, const char *expected, lc_str *text) {
  if (peek(reader) != '"') return wrong_type(reader, expected);
  const char *start = ++reader->at;
  bool escaped = false;
  for (; reader->at < reader->end && *reader->at != '"'; reader->at++) {
    if ((uint8_t)*reader->at < ' ') return JSON_FAIL(reader, "control character (\\u0000-\\u001F) found while parsing a string");
    if (*reader->at != '\\') continue;
    escaped = true;
    if (++reader->at == reader->end) break;
  }
  if (reader->at == reader->end) return JSON_FAIL(reader, "EOF while parsing a string");
  *text = (lc_str){start, (size_t)(reader->at++ - start)};
  if (!escaped) return lc_ok();
  char *to = lc_arena_alloc(reader->arena, text->len);
  size_t len;
  if (!unescape(start, start + text->len, to, &len)) return JSON_FAIL(reader, "invalid escape");
  *text = (lc_str){to, len};
  return lc_ok();
}

static lc_err take_number(json_reader *reader, const char *type, uint32_t max, uint32_t *value) {
  char c = peek(reader);
  if (c < '0' || c > '9') return wrong_type(reader, type);
  const char *start = reader->at;
  uint64_t number = 0;
  for (; reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9' && number <= UINT32_MAX; reader->at++)
    number = number * 10 + (uint64_t)(*reader->at - '0');
  if (reader->at - start > 1 && *start == '0') return JSON_FAIL(reader, "invalid number");
  if (reader->at < reader->end && (*reader->at == '.' || (*reader->at | 0x20) == 'e')) {
    reader->at = start;
    return wrong_type(reader, type);
  }
  if (number > max) return JSON_FAIL(reader, "invalid value: integer `%.*s`, expected %s", (int)(reader->at - start), start, type);
  *value = (uint32_t)number;
  return lc_ok();
}

/* Between the elements of a list or the members of an object: `*more` tells whether another follows. */
static lc_err take_separator(json_reader *reader, char close, bool first, bool *more) {
  if (take(reader, close)) {
    *more = false;
    return lc_ok();
  }
  *more = true;
  if (first) return lc_ok();
  if (take(reader, ',')) return lc_ok();
  if (reader->at < reader->end) reader->at++;
  return JSON_FAIL(reader, "expected `,` or `%c`", close);
}

static lc_err take_strings(json_reader *reader, lc_str **texts, uint32_t *count) {
  if (!take(reader, '[')) return wrong_type(reader, "a sequence");
  size_t cap = 0;
  bool more;
  for (*count = 0;; (*count)++) {
    LC_TRY(take_separator(reader, ']', *count == 0, &more));
    if (!more) return lc_ok();
    if (*count == cap) {
      cap = cap ? cap * 2 : 8;
      lc_str *grown = lc_arena_alloc(reader->arena, cap * sizeof *grown);
      if (*count) memcpy(grown, *texts, *count * sizeof *grown);
      *texts = grown;
    }
    LC_TRY(take_string(reader, "a string", &(*texts)[*count]));
  }
}

static lc_err take_query_id(json_reader *reader, uint32_t *id) {
  if (!take(reader, '{')) return wrong_type(reader, "a QuerySetId tuple");
  lc_str key;
  LC_TRY(take_string(reader, "an identifier", &key));
  if (!lc_str_is(key, "id")) return JSON_FAIL(reader, "unknown field `%.*s`, expected `id`", LC_STR_ARGS(key));
  if (!take(reader, ':')) return JSON_FAIL(reader, "expected `:`");
  LC_TRY(take_number(reader, "u32", UINT32_MAX, id));
  if (!take(reader, '}')) return JSON_FAIL(reader, "expected `}`");
  return lc_ok();
}

/* Bytes: hex text or a list of numbers. */
static lc_err take_bytes(json_reader *reader, lc_span *bytes) {
  if (peek(reader) == '"') {
    lc_str hex;
    LC_TRY(take_string(reader, "bytes", &hex));
    uint8_t *to = lc_arena_alloc(reader->arena, hex.len / 2 + 1);
    if (hex.len % 2 || !lc_hex_decode(to, hex.len / 2, hex)) return JSON_FAIL(reader, "invalid hex string");
    *bytes = (lc_span){to, hex.len / 2};
    return lc_ok();
  }
  if (!take(reader, '[')) return wrong_type(reader, "bytes");
  uint8_t *to =
      lc_arena_alloc(reader->arena, (size_t)(reader->end - reader->at) / 2 + 1); /* every element has a digit and a comma or bracket */
  size_t count = 0;
  for (bool more;; count++) {
    LC_TRY(take_separator(reader, ']', count == 0, &more));
    if (!more) break;
    uint32_t value;
    LC_TRY(take_number(reader, "u8", UINT8_MAX, &value));
    to[count] = (uint8_t)value;
  }
  *bytes = (lc_span){to, count};
  return lc_ok();
}

static lc_err take_flags(json_reader *reader, uint8_t *flags) {
  uint32_t value;
  LC_TRY(take_number(reader, "u8", UINT8_MAX, &value));
  *flags = (uint8_t)value;
  return lc_ok();
}

static lc_err take_field(json_reader *reader, lc_client_field_kind kind, lc_client_message *message) {
  lc_str text;
  switch (kind) {
    case LC_FIELD_REQUEST_ID:
      return take_number(reader, "u32", UINT32_MAX, &message->request_id);
    case LC_FIELD_QUERY_SET_ID:
      return take_query_id(reader, &message->query_set_id);
    case LC_FIELD_FLAGS:
      return take_flags(reader, &message->flags);
    case LC_FIELD_FUNCTION:
      return take_string(reader, "a string", &message->function);
    case LC_FIELD_QUERY:
      return take_string(reader, "a string", &message->query);
    case LC_FIELD_QUERIES:
      return take_strings(reader, &message->queries, &message->query_count);
    case LC_FIELD_MESSAGE_ID:
      return take_bytes(reader, &message->message_id);
    case LC_FIELD_ARGUMENTS:
      LC_TRY(take_string(reader, "a string", &text));
      message->arguments = lc_str_span(text);
      message->arguments_are_json = true;
      return lc_ok();
    case LC_FIELD_SETS: /* v2 has no JSON form */
    case LC_FIELD_END:
      break;
  }
  return lc_ok();
}

static int find_field(const lc_client_row *row, lc_str name) {
  for (int i = 0; i < LC_CLIENT_FIELDS && row->fields[i].kind != LC_FIELD_END; i++) {
    if (lc_str_is(name, row->fields[i].name)) return i;
  }
  return -1;
}

static lc_err take_message(json_reader *reader, const lc_client_row *row, lc_client_message *message) {
  if (!take(reader, '{')) return wrong_type(reader, "struct");
  unsigned seen = 0;
  for (bool first = true, more;; first = false) {
    LC_TRY(take_separator(reader, '}', first, &more));
    if (!more) break;
    lc_str name;
    LC_TRY(take_string(reader, "a field name", &name));
    int field = find_field(row, name);
    if (field < 0) return JSON_FAIL(reader, "unknown field `%.*s` of %s", (int)(name.len < 64 ? name.len : 64), name.ptr, row->name);
    if (seen & 1u << field) return JSON_FAIL(reader, "duplicate field `%s`", row->fields[field].name);
    seen |= 1u << field;
    if (!take(reader, ':')) return JSON_FAIL(reader, "expected `:`");
    LC_TRY(take_field(reader, row->fields[field].kind, message));
  }
  for (int i = 0; i < LC_CLIENT_FIELDS && row->fields[i].kind != LC_FIELD_END; i++) {
    if (!(seen & 1u << i)) return JSON_FAIL(reader, "missing field `%s`", row->fields[i].name);
  }
  if (message->flags <= row->flags_max) return lc_ok();
  lc_err err = lc_fail(LC_ERR_PROTOCOL, row->flags_wrong, message->flags);
  return JSON_FAIL(reader, "%s", lc_err_text(err));
}

lc_err lc__client_json_decode(lc_str text, lc_arena *arena, lc_client_message *message) {
  json_reader reader = {text.ptr, text.ptr, text.ptr + text.len, arena};
  if (!lc_utf8_valid((const uint8_t *)text.ptr, text.len)) return lc_fail(LC_ERR_PROTOCOL, "invalid utf8");
  if (!take(&reader, '{')) return wrong_type(&reader, "enum ClientMessage");
  lc_str name;
  LC_TRY(take_string(&reader, "variant identifier", &name));
  const lc_client_row *row = NULL;
  for (uint32_t i = 0; i < lc__client_v1.count; i++) {
    if (lc_str_is(name, lc__client_v1.rows[i].name)) row = &lc__client_v1.rows[i];
  }
  if (row == NULL) return JSON_FAIL(&reader, "unknown variant `%.*s` of ClientMessage", (int)(name.len < 64 ? name.len : 64), name.ptr);
  if (!take(&reader, ':')) return JSON_FAIL(&reader, "expected `:`");
  message->kind = row->kind;
  LC_TRY(take_message(&reader, row, message));
  if (!take(&reader, '}')) return JSON_FAIL(&reader, "expected value");
  peek(&reader);
  return reader.at == reader.end ? lc_ok() : JSON_FAIL(&reader, "trailing characters");
}

/* ---- encoding ---- */

static void put_strings(lc_buf *to, const lc_str *texts, uint32_t count) {
  lc_buf_put8(to, '[');
  for (uint32_t i = 0; i < count; i++) {
    if (i) lc_buf_put8(to, ',');
    lc_json_put_string(to, texts[i]);
  }
  lc_buf_put8(to, ']');
}

static void put_field(lc_client_field_kind kind, const lc_client_message *message, lc_buf *to) {
  switch (kind) {
    case LC_FIELD_REQUEST_ID:
      lc_buf_printf(to, "%u", message->request_id);
      break;
    case LC_FIELD_QUERY_SET_ID:
      lc_buf_printf(to, "{\"id\":%u}", message->query_set_id);
      break;
    case LC_FIELD_FLAGS:
      lc_buf_printf(to, "%u", message->flags);
      break;
    case LC_FIELD_FUNCTION:
      lc_json_put_string(to, message->function);
      break;
    case LC_FIELD_ARGUMENTS:
      lc_json_put_string(to, (lc_str){(const char *)message->arguments.ptr, message->arguments.len});
      break;
    case LC_FIELD_QUERY:
      lc_json_put_string(to, message->query);
      break;
    case LC_FIELD_QUERIES:
      put_strings(to, message->queries, message->query_count);
      break;
    case LC_FIELD_MESSAGE_ID:
      lc_buf_put8(to, '"');
      for (size_t i = 0; i < message->message_id.len; i++) lc_buf_printf(to, "%02x", message->message_id.ptr[i]);
      lc_buf_put8(to, '"');
      break;
    case LC_FIELD_SETS:
    case LC_FIELD_END:
      break;
  }
}

void lc__client_json_encode(const lc_client_row *row, const lc_client_message *message, lc_buf *to) {
  lc_buf_printf(to, "{\"%s\":{", row->name);
  for (int i = 0; i < LC_CLIENT_FIELDS && row->fields[i].kind != LC_FIELD_END; i++) {
    lc_buf_printf(to, "%s\"%s\":", i ? "," : "", row->fields[i].name);
    put_field(row->fields[i].kind, message, to);
  }
  lc_buf_put_text(to, "}}");
}
