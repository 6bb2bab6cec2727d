/* What requests say in their path and query: database names and identities, numbers, choices, hashes (http-api 1.1, 3.2, 3.4). */
#include "api/api_internal.h"

static const char *const bad_query = "Failed to deserialize query string: ";

/* ---- names and identities ---- */

static bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

const char *lc__name_problem(lc_str name) {
  lc_identity identity;
  if (lc__is_identity_text(name, &identity)) return "database names cannot be identities";
  if (name.len == 0) return "database names cannot be empty";
  for (size_t i = 0; i < name.len; i++) {
    if (!is_name_character(name.ptr[i]) && name.ptr[i] != '-') return "invalid characters in database name";
  }
  for (size_t i = 0; i < name.len; i++) {
    bool is_lonely = name.ptr[i] == '-' && (i == 0 || i + 1 == name.len || name.ptr[i + 1] == '-');
    if (is_lonely) return "invalid hyphen in database name";
  }
  return NULL;
}

bool lc__is_identity_text(lc_str text, lc_identity *identity) {
  if (text.len == 66 && text.ptr[0] == '0' && text.ptr[1] == 'x') text = (lc_str){text.ptr + 2, 64};
  return text.len == 64 && lc_u256_from_hex(identity, text);
}

bool lc__target(lc_exchange *exchange, lc_identity *identity, bool *is_name) {
  lc_str text = exchange->parameters[0];
  *is_name = false;
  if (lc__is_identity_text(text, identity)) return true;
  const char *problem = lc__name_problem(text);
  if (problem) {
    lc__text(exchange, 400, "Invalid URL: %s", problem);
    return false;
  }
  *is_name = true;
  const lc_site *site = &exchange->api->site;
  if (site->ops->name_find(site->server, text, identity)) return true;
  lc__text(exchange, 404, "`%.*s` not found", LC_STR_ARGS(text));
  return false;
}

bool lc__hosted(lc_exchange *exchange, lc_hosted **hosted) {
  lc_identity identity;
  bool is_name;
  if (!lc__target(exchange, &identity, &is_name)) return false;
  const lc_site *site = &exchange->api->site;
  *hosted = site->ops->find(site->server, &identity);
  if (*hosted == NULL) {
    lc__text(exchange, 404, "No such database.");
    return false;
  }
  if ((*hosted)->database == NULL) {
    lc__text(exchange, 503, "The database could not be opened: %s", (*hosted)->trouble ? (*hosted)->trouble : "it is closing");
    return false;
  }
  lc_hosted_enter(*hosted);
  return true;
}

bool lc__check_owner(lc_exchange *exchange, const lc_hosted *hosted, const char *action) {
  if (lc_u256_equal(&hosted->owner, &exchange->caller.identity)) return true;
  char caller[65], database[65];
  lc_u256_hex(caller, &exchange->caller.identity);
  lc_u256_hex(database, &hosted->identity);
  lc__text(exchange, 403, "%s is not authorized to perform action on database %s: %s", caller, database, action);
  return false;
}

bool lc__owned(lc_exchange *exchange, lc_hosted **hosted, const char *action) {
  return lc__hosted(exchange, hosted) && lc__check_owner(exchange, *hosted, action);
}

/* ---- query strings ---- */

bool lc__query_text(lc_exchange *exchange, const char *name, lc_str *value, bool *found) {
  lc_str rest = exchange->request->query, raw_name, raw_value;
  int count = 0;
  while (lc_http_query_next(&rest, &raw_name, &raw_value)) count += lc_str_is(raw_name, name);
  if (count > 1) {
    lc__text(exchange, 400, "%sduplicate field `%s`", bad_query, name);
    return false;
  }
  if (lc_http_query_get(&exchange->arena, exchange->request->query, name, value, found)) return true;
  lc__text(exchange, 400, "%sinvalid escape in `%s`", bad_query, name);
  return false;
}

bool lc__query_bool(lc_exchange *exchange, const char *name, bool *value) {
  lc_str text;
  bool found;
  if (!lc__query_text(exchange, name, &text, &found)) return false;
  if (!found) return true;
  *value = lc_str_is(text, "true");
  if (*value || lc_str_is(text, "false")) return true;
  lc__text(exchange, 400, "%sprovided string was not `true` or `false`", bad_query);
  return false;
}

bool lc__query_u32(lc_exchange *exchange, const char *name, uint32_t *value, bool *found) {
  lc_str text;
  if (!lc__query_text(exchange, name, &text, found)) return false;
  if (!*found) return true;
  uint64_t number = 0;
  bool ok = text.len > 0 && text.len <= 10;
  for (size_t i = 0; ok && i < text.len; i++) {
    ok = text.ptr[i] >= '0' && text.ptr[i] <= '9';
    number = number * 10 + (uint64_t)(text.ptr[i] - '0');
  }
  if (ok && number <= UINT32_MAX) {
    *value = (uint32_t)number;
    return true;
  }
  lc__text(exchange, 400, "%s%s", bad_query, text.len == 0 ? "cannot parse integer from empty string" : "invalid digit found in string");
  return false;
}

static void put_choices(lc_buf *to, const char *const *choices) {
  int count = 0;
  while (choices[count]) count++;
  if (count > 2) lc_buf_put_text(to, "one of ");
  for (int i = 0; i < count; i++) lc_buf_printf(to, "%s`%s`", i == 0 ? "" : count == 2 ? " or " : ", ", choices[i]);
}

bool lc__query_choice(lc_exchange *exchange, const char *name, const char *const *choices, int *value) {
  lc_str text;
  bool found;
  if (!lc__query_text(exchange, name, &text, &found)) return false;
  if (!found) return true;
  for (int i = 0; choices[i]; i++) {
    if (!lc_str_is(text, choices[i])) continue;
    *value = i;
    return true;
  }
  lc_buf expected = {0};
  put_choices(&expected, choices);
  lc__text(exchange, 400, "%sunknown variant `%.*s`, expected %s", bad_query, LC_STR_ARGS(text), lc_buf_cstr(&expected));
  lc_buf_deinit(&expected);
  return false;
}

/* ---- hashes ---- */

void lc__put_hash(lc_buf *to, const lc_hash256 *hash) {
  char hex[65];
  lc_u256_hex(hex, hash);
  const char *digits = hex;
  while (digits[0] == '0' && digits[1]) digits++;
  lc_buf_printf(to, "0x%s", digits);
}

bool lc__parse_hash(lc_str text, lc_hash256 *hash) {
  if (text.len < 3 || text.len > 66 || text.ptr[0] != '0' || text.ptr[1] != 'x') return false;
  char padded[65];
  size_t digits = text.len - 2;
  memset(padded, '0', 64);
  memcpy(padded + 64 - digits, text.ptr + 2, digits);
  return lc_u256_from_hex(hash, (lc_str){padded, 64});
}
