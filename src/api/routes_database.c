/* A database from outside: what it is, what it is called, locking and deleting it (http-api 6.4 to 6.6, 7). */
#include <jansson.h>

#include "api/api_internal.h"
#include "sats/json.h"

void lc__route_info(lc_exchange *exchange) {
  lc_hosted *hosted;
  if (!lc__hosted(exchange, &hosted)) return;
  lc_buf *json = lc__json(exchange, 200);
  lc_buf_put_text(json, "{\"database_identity\":{\"__identity__\":\"");
  lc__put_hash(json, &hosted->identity);
  lc_buf_put_text(json, "\"},\"owner_identity\":{\"__identity__\":\"");
  lc__put_hash(json, &hosted->owner);
  lc_buf_put_text(json, "\"},\"host_type\":{\"Wasm\":[]},\"initial_program\":\"");
  lc__put_hash(json, &hosted->initial_program);
  lc_buf_put_text(json, "\"}");
}

void lc__route_delete(lc_exchange *exchange) {
  lc_identity identity;
  bool is_name;
  if (!lc__target(exchange, &identity, &is_name)) return;
  const lc_site *site = &exchange->api->site;
  lc_hosted *hosted = site->ops->find(site->server, &identity);
  lc__empty(exchange, 200);
  if (hosted == NULL || !lc__check_owner(exchange, hosted, "delete database")) return;
  if (site->ops->is_locked(site->server, &identity)) {
    lc__text(exchange, 403, "Database is locked and cannot be deleted. Run `spacetime unlock` first.");
    return;
  }
  lc_err err = site->ops->remove(site->server, hosted);
  if (lc_failed(err)) lc__failure(exchange, err);
}

static void set_locked(lc_exchange *exchange, bool locked) {
  lc_hosted *hosted;
  if (!lc__owned(exchange, &hosted, "delete database")) return;
  const lc_site *site = &exchange->api->site;
  lc_err err = site->ops->set_locked(site->server, &hosted->identity, locked);
  lc__empty(exchange, 200);
  if (lc_failed(err)) lc__failure(exchange, err);
}
void lc__route_lock(lc_exchange *exchange) {
  set_locked(exchange, true);
}
void lc__route_unlock(lc_exchange *exchange) {
  set_locked(exchange, false);
}

void lc__route_timestamp(lc_exchange *exchange) {
  lc_hosted *hosted;
  if (!lc__hosted(exchange, &hosted)) return;
  lc_buf_printf(lc__json(exchange, 200), "{\"__timestamp_micros_since_unix_epoch__\":%lld}",
                (long long)lc_io_now_micros(exchange->api->site.io));
}

/* ---- names ---- */

static lc_str identity_text(lc_exchange *exchange, const lc_identity *identity) {
  char hex[65];
  lc_u256_hex(hex, identity);
  return lc_arena_str(&exchange->arena, lc_str_of(hex));
}

/* No newline: the CLI reads the whole body as digits. */
void lc__route_identity(lc_exchange *exchange) {
  lc_identity identity;
  bool is_name;
  if (lc__target(exchange, &identity, &is_name)) lc__text(exchange, 200, "%s", identity_text(exchange, &identity).ptr);
}

void lc__route_names(lc_exchange *exchange) {
  lc_hosted *hosted;
  if (!lc__hosted(exchange, &hosted)) return;
  const lc_site *site = &exchange->api->site;
  lc_str *names;
  uint32_t count = site->ops->names_of(site->server, &hosted->identity, &exchange->arena, &names);
  lc_buf *json = lc__json(exchange, 200);
  lc_buf_put_text(json, "{\"names\":[");
  for (uint32_t i = 0; i < count; i++) lc_buf_printf(json, "%s\"%.*s\"", i ? "," : "", LC_STR_ARGS(names[i]));
  lc_buf_put_text(json, "]}");
}

void lc__route_names_add(lc_exchange *exchange) {
  lc_hosted *hosted;
  if (!lc__hosted(exchange, &hosted)) return;
  const lc_site *site = &exchange->api->site;
  if (!lc_utf8_valid(exchange->upload.ptr, exchange->upload.len)) {
    lc__text(exchange, 400, "Request body didn't contain valid UTF-8");
    return;
  }
  lc_str name = {(const char *)exchange->upload.ptr, exchange->upload.len};
  const char *problem = lc__name_problem(name);
  lc_identity taken, holder;
  if (problem) {
    lc__text(exchange, 400, "%s", problem);
  } else if (site->ops->name_find(site->server, name, &taken)) {
    lc__text(exchange, 500, "record with the name %.*s already exists", LC_STR_ARGS(name));
  } else if (site->ops->name_holder(site->server, name, &holder) && !lc_u256_equal(&holder, &exchange->caller.identity)) {
    lc_buf_printf(lc__json(exchange, 401), "{\"PermissionDenied\":{\"domain\":\"%.*s\"}}", LC_STR_ARGS(name));
  } else {
    lc_err err = site->ops->name_add(site->server, name, &hosted->identity, &exchange->caller.identity);
    lc_buf_printf(lc__json(exchange, 200), "{\"Success\":{\"domain\":\"%.*s\",\"database_identity\":\"%s\"}}", LC_STR_ARGS(name),
                  identity_text(exchange, &hosted->identity).ptr);
    if (lc_failed(err)) lc__failure(exchange, err);
  }
}

static bool has_json_content_type(lc_exchange *exchange) {
  lc_str type;
  if (lc_http_header_get(exchange->request, "content-type", &type) && lc_str_equal_nocase(type, LC_STR("application/json"))) return true;
  lc__text(exchange, 415, "Expected request with `Content-Type: application/json`");
  return false;
}

/* The upload as a list of names, in the arena. */
static bool read_name_list(lc_exchange *exchange, lc_str **names, uint32_t *count) {
  json_error_t error;
  json_t *list = json_loadb((const char *)exchange->upload.ptr, exchange->upload.len, JSON_DECODE_ANY, &error);
  if (list == NULL) {
    lc__text(exchange, 400, "Failed to parse the request body as JSON: %s", error.text);
    return false;
  }
  *count = 0;
  bool ok = json_is_array(list);
  *names = LC_ARENA_ARRAY(&exchange->arena, lc_str, json_array_size(list) + 1);
  for (size_t i = 0; ok && i < json_array_size(list); i++) {
    const json_t *name = json_array_get(list, i);
    ok = json_is_string(name);
    if (ok) (*names)[(*count)++] = lc_arena_str(&exchange->arena, (lc_str){json_string_value(name), json_string_length(name)});
  }
  json_decref(list);
  if (!ok) lc__text(exchange, 422, "Failed to deserialize the JSON body into the target type: expected a list of names");
  return ok;
}

static bool check_new_names(lc_exchange *exchange, const lc_hosted *hosted, const lc_str *names, uint32_t count) {
  const lc_site *site = &exchange->api->site;
  for (uint32_t i = 0; i < count; i++) {
    const char *problem = lc__name_problem(names[i]);
    if (problem == NULL) continue;
    lc__text(exchange, 400, "Error parsing `%.*s`: %s", LC_STR_ARGS(names[i]), problem);
    return false;
  }
  if (!lc_u256_equal(&hosted->owner, &exchange->caller.identity)) {
    lc_buf_printf(lc__json(exchange, 401), "{\"NotYourDatabase\":{\"database\":\"%s\"}}", identity_text(exchange, &hosted->identity).ptr);
    return false;
  }
  for (uint32_t i = 0; i < count; i++) {
    lc_identity taken;
    if (!site->ops->name_find(site->server, names[i], &taken)) continue;
    lc_buf_printf(lc__json(exchange, 400), "{\"OtherError\":\"Cannot rename to %.*s because it already is in use.\"}",
                  LC_STR_ARGS(names[i]));
    return false;
  }
  return true;
}

/* Present and future names must be the caller's to give away and to take. */
static bool check_holders(lc_exchange *exchange, const lc_str *names, uint32_t count) {
  const lc_site *site = &exchange->api->site;
  for (uint32_t i = 0; i < count; i++) {
    lc_identity holder;
    if (!site->ops->name_holder(site->server, names[i], &holder) || lc_u256_equal(&holder, &exchange->caller.identity)) continue;
    lc_buf_printf(lc__json(exchange, 401), "{\"PermissionDenied\":{\"domain\":\"%.*s\"}}", LC_STR_ARGS(names[i]));
    return false;
  }
  return true;
}

void lc__route_names_replace(lc_exchange *exchange) {
  lc_hosted *hosted;
  lc_str *names, *present;
  uint32_t count;
  if (!has_json_content_type(exchange) || !read_name_list(exchange, &names, &count) || !lc__hosted(exchange, &hosted)) return;
  if (!check_new_names(exchange, hosted, names, count)) return;
  const lc_site *site = &exchange->api->site;
  uint32_t present_count = site->ops->names_of(site->server, &hosted->identity, &exchange->arena, &present);
  if (!check_holders(exchange, present, present_count) || !check_holders(exchange, names, count)) return;
  lc_err err = site->ops->names_replace(site->server, &hosted->identity, names, count, &exchange->caller.identity);
  lc_buf_put_text(lc__json(exchange, 200), "\"Success\"");
  if (lc_failed(err)) lc__failure(exchange, err);
}
