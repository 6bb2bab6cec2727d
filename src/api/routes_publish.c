/*
 * Publishing: a new database, an update of one that is there, a fresh start with `clear`, a look at the plan (http-api 6.1 to 6.3).
 *
 * The name of a new database is bound before its program is looked at: a publish that fails keeps the name, and the next attempt gets the
 * same identity. Programs compile on a worker thread; the exchange waits for the callback.
 */
#include "api/api_internal.h"
#include "base/keccak.h"
#include "sats/json.h"

static const char *const host_types[] = {"Wasm", "Js", NULL};
static const char *const policies[] = {"Compatible", "BreakClients", NULL};
static const char *const styles[] = {"AnsiColor", "NoColor", NULL};
enum { HOST_JS = 1, POLICY_BREAK = 1, STYLE_PLAIN = 1 };

typedef struct publish_target {
  lc_identity identity;
  lc_str name; /* ptr NULL: published by identity, or without a name */
  bool clear, has_parent, has_token, token_fits, break_clients;
  lc_hash256 token;
} publish_target;

/* ---- parameters ---- */

static bool read_hash(lc_exchange *exchange, const char *name, lc_hash256 *hash, bool *found) {
  lc_str text;
  if (!lc__query_text(exchange, name, &text, found)) return false;
  if (!*found || lc__parse_hash(text, hash)) return true;
  lc__text(exchange, 400, "Failed to deserialize query string: invalid digit found in string");
  return false;
}

/* `5s`, `250ms`, `1m`: checked, and otherwise without effect; publishing waits for the disk however long it takes. */
static bool check_timeout(lc_exchange *exchange) {
  lc_str text;
  bool found;
  if (!lc__query_text(exchange, "update_confirmation_timeout", &text, &found)) return false;
  if (!found) return true;
  size_t digits = 0;
  while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9') digits++;
  lc_str unit = {text.ptr + digits, text.len - digits};
  if (digits && (lc_str_is(unit, "s") || lc_str_is(unit, "ms") || lc_str_is(unit, "m") || lc_str_is(unit, "us") || lc_str_is(unit, "h")))
    return true;
  lc__text(exchange, 400, "Failed to deserialize query string: expected number at %zu", digits ? digits : 0);
  return false;
}

static bool read_host_type(lc_exchange *exchange) {
  int host_type = 0;
  if (!lc__query_choice(exchange, "host_type", host_types, &host_type)) return false;
  if (host_type != HOST_JS) return true;
  lc__text(exchange, 400, "JavaScript modules are not supported yet: publish a WebAssembly module (host_type=Wasm).");
  return false;
}

static bool read_parameters(lc_exchange *exchange, publish_target *publication) {
  int policy = 0;
  if (!lc__query_bool(exchange, "clear", &publication->clear) || !lc__query_choice(exchange, "policy", policies, &policy)) return false;
  if (!read_host_type(exchange) || !check_timeout(exchange)) return false;
  if (!read_hash(exchange, "token", &publication->token, &publication->has_token)) return false;
  publication->break_clients = policy == POLICY_BREAK;
  return true;
}

/* `parent` and `organization` are resolved, and then mean nothing on a single server. */
static bool check_relative(lc_exchange *exchange, const char *parameter, bool *found) {
  lc_str text;
  lc_identity identity;
  if (!lc__query_text(exchange, parameter, &text, found)) return false;
  if (!*found || lc__is_identity_text(text, &identity)) return true;
  const lc_site *site = &exchange->api->site;
  if (site->ops->name_find(site->server, text, &identity)) return true;
  lc__text(exchange, 404, "`%.*s` not found", LC_STR_ARGS(text));
  return false;
}

static bool check_relatives(lc_exchange *exchange) {
  bool found;
  uint32_t replicas = 0;
  if (!check_relative(exchange, "parent", &found) || !check_relative(exchange, "organization", &found) ||
      !check_relative(exchange, "org", &found))
    return false;
  if (!lc__query_u32(exchange, "num_replicas", &replicas, &found)) return false;
  if (replicas <= 255) return true;
  lc__text(exchange, 400, "Replication factor %u out of bounds", replicas);
  return false;
}

/* ---- the answer ---- */

static void answer_success(lc_exchange *exchange, const char *operation) {
  const publish_target *publication = exchange->state;
  char hex[65];
  lc_u256_hex(hex, &publication->identity);
  lc_buf *json = lc__json(exchange, 200);
  lc_buf_put_text(json, "{\"Success\":{\"domain\":");
  if (publication->name.ptr) {
    lc_json_put_string(json, publication->name);
  } else {
    lc_buf_put_text(json, "null");
  }
  lc_buf_printf(json, ",\"database_identity\":\"%s\",\"op\":\"%s\"}}", hex, operation);
}

static void created(void *context, const lc_publish_result *result) {
  lc_exchange *exchange = context;
  const publish_target *publication = exchange->state;
  if (lc_failed(result->err)) {
    lc__failure(exchange, result->err);
  } else {
    answer_success(exchange, publication->clear ? "updated" : "created");
  }
  lc__exchange_finish(exchange);
}

static int failure_status(lc_err err) {
  switch (err.code) {
    case LC_ERR_MIGRATION:
      return 400;
    case LC_ERR_EXISTS:
      return 409;
    case LC_ERR_NOT_FOUND:
      return 503;
    default:
      return 500;
  }
}

static void updated(void *context, const lc_publish_result *result) {
  lc_exchange *exchange = context;
  const publish_target *publication = exchange->state;
  if (lc_failed(result->err)) {
    bool is_wrong_token = result->breaks_clients && publication->break_clients && !publication->token_fits;
    if (is_wrong_token) {
      lc__text(exchange, 400, "Failed to create or update the database: Token provided is invalid or does not match expected hash");
    } else {
      lc__text(exchange, failure_status(result->err), "%s", lc_err_text(result->err));
    }
    lc__exchange_finish(exchange);
    return;
  }
  answer_success(exchange, "updated");
  lc__exchange_finish_when_durable(exchange, result->offset);
}

lc_hash256 lc__migration_token(const lc_identity *identity, const lc_hash256 *old_program, const lc_hash256 *new_program) {
  char text[193];
  lc_u256_hex(text, identity);
  lc_hex(text + 64, old_program->bytes, 32);
  lc_hex(text + 128, new_program->bytes, 32);
  lc_hash256 token;
  lc_keccak256(token.bytes, text, 192);
  return token;
}

/* ---- publishing ---- */

static void update(lc_exchange *exchange, lc_hosted *hosted) {
  publish_target *publication = exchange->state;
  if (publication->has_token && publication->break_clients) {
    lc_hash256 present = lc_database_program_hash(hosted->database), program;
    lc_keccak256(program.bytes, exchange->upload.ptr, exchange->upload.len);
    lc_hash256 expected = lc__migration_token(&hosted->identity, &present, &program);
    publication->token_fits = lc_u256_equal(&expected, &publication->token);
  }
  lc__exchange_refer(exchange, hosted);
  exchange->is_deferred = true;
  lc_database_publish(
      hosted->database,
      &(lc_publish_request){.program = exchange->upload, .break_clients = publication->token_fits, .done = updated, .context = exchange});
}

static void create(lc_exchange *exchange, const lc_identity *owner) {
  const lc_site *site = &exchange->api->site;
  const publish_target *publication = exchange->state;
  exchange->is_deferred = true;
  site->ops->create(site->server, &publication->identity, owner, exchange->upload, created, exchange);
}

static bool check_may_reset(lc_exchange *exchange, const lc_hosted *hosted) {
  if (!lc__check_owner(exchange, hosted, "reset database")) return false;
  if (!exchange->api->site.ops->is_locked(exchange->api->site.server, &hosted->identity)) return true;
  lc__text(exchange, 403, "Database is locked and cannot be reset with --delete-data. Run `spacetime unlock` first.");
  return false;
}

static void publish_to(lc_exchange *exchange) {
  publish_target *publication = exchange->state;
  const lc_site *site = &exchange->api->site;
  lc_hosted *hosted = site->ops->find(site->server, &publication->identity);
  if (publication->clear && hosted) {
    if (publication->has_parent) {
      lc__text(exchange, 400, "Setting the parent of an existing database is not supported");
    } else if (check_may_reset(exchange, hosted)) {
      create(exchange, &hosted->owner);
    }
    return;
  }
  publication->clear = false; /* of what? */
  if (!check_relatives(exchange)) return;
  if (hosted && !lc__check_owner(exchange, hosted, "update database")) return;
  if (publication->break_clients && !publication->has_token) {
    lc__text(exchange, 400, "Migration policy is set to `BreakClients`, but no migration token was provided.");
  } else if (hosted == NULL) {
    create(exchange, &exchange->caller.identity);
  } else if (hosted->database == NULL) {
    lc__text(exchange, 503, "The database could not be opened: %s", hosted->trouble ? hosted->trouble : "it is closing");
  } else {
    lc_hosted_enter(hosted);
    update(exchange, hosted);
  }
}

/* Takes a free name for the caller and a fresh identity. */
static bool take_name(lc_exchange *exchange, lc_str name, lc_identity *identity) {
  const lc_site *site = &exchange->api->site;
  lc_identity holder;
  if (!check_relatives(exchange)) return false;
  if (site->ops->name_holder(site->server, name, &holder) && !lc_u256_equal(&holder, &exchange->caller.identity)) {
    lc_buf_printf(lc__json(exchange, 401), "{\"PermissionDenied\":{\"name\":\"%.*s\"}}", LC_STR_ARGS(name));
    return false;
  }
  *identity = lc_identity_random(site->io);
  lc_err err = site->ops->name_add(site->server, name, identity, &exchange->caller.identity);
  if (!lc_failed(err)) return true;
  lc__failure(exchange, err);
  return false;
}

void lc__route_publish(lc_exchange *exchange) {
  publish_target *publication = exchange->state = LC_ARENA_NEW(&exchange->arena, struct publish_target);
  lc_str text = exchange->parameters[0];
  bool found;
  if (!lc__is_identity_text(text, &publication->identity)) {
    const char *problem = lc__name_problem(text);
    if (problem) {
      lc__text(exchange, 400, "Invalid URL: %s", problem);
      return;
    }
    publication->name = text;
  }
  if (!read_parameters(exchange, publication) || !lc__query_text(exchange, "parent", &text, &publication->has_parent)) return;
  const lc_site *site = &exchange->api->site;
  found = publication->name.ptr == NULL || site->ops->name_find(site->server, publication->name, &publication->identity);
  if (found || take_name(exchange, publication->name, &publication->identity)) publish_to(exchange);
}

void lc__route_publish_unnamed(lc_exchange *exchange) {
  publish_target *publication = exchange->state = LC_ARENA_NEW(&exchange->arena, struct publish_target);
  if (!read_parameters(exchange, publication)) return;
  if (publication->clear) {
    lc__text(exchange, 400, "Clear database requires database name or identity");
    return;
  }
  publication->identity = lc_identity_random(exchange->api->site.io);
  publish_to(exchange);
}

/* Without a program the present one is kept, as the reference meant to do. */
void lc__route_reset(lc_exchange *exchange) {
  lc_hosted *hosted;
  publish_target *publication = exchange->state = LC_ARENA_NEW(&exchange->arena, struct publish_target);
  if (!read_host_type(exchange) || !lc__hosted(exchange, &hosted) || !check_may_reset(exchange, hosted)) return;
  publication->identity = hosted->identity;
  publication->clear = true;
  if (!lc__is_identity_text(exchange->parameters[0], &publication->identity)) publication->name = exchange->parameters[0];
  if (exchange->upload.len == 0 && !lc_database_program(hosted->database, &exchange->upload)) {
    lc__text(exchange, 404, "The database has no program to keep: send one.");
    return;
  }
  create(exchange, &hosted->owner);
}

/* ---- plans ---- */

static void planned(void *context, const lc_publish_result *result) {
  lc_exchange *exchange = context;
  const char *major = result->is_major_upgrade ? "true" : "false";
  if (lc_failed(result->err) && result->err.code != LC_ERR_MIGRATION) {
    lc__text(exchange, result->err.code == LC_ERR_EXISTS ? 409 : 500, "%s", lc_err_text(result->err));
  } else if (lc_failed(result->err)) {
    lc_buf *json = lc__json(exchange, 200);
    lc_buf_put_text(json, "{\"ManualMigrate\":{\"reason\":");
    lc_json_put_string(json, lc_str_of(lc_err_text(result->err)));
    lc_buf_printf(json, ",\"major_version_upgrade\":%s}}", major);
  } else {
    const lc_hosted *hosted = exchange->hosted;
    lc_hash256 present = lc_database_program_hash(hosted->database);
    lc_hash256 token = lc__migration_token(&hosted->identity, &present, &result->program_hash);
    lc_buf *json = lc__json(exchange, 200);
    lc_buf_put_text(json, "{\"AutoMigrate\":{\"migrate_plan\":");
    lc_json_put_string(json, lc_str_of(result->plan));
    lc_buf_printf(json, ",\"break_clients\":%s,\"token\":\"", result->breaks_clients ? "true" : "false");
    lc__put_hash(json, &token);
    lc_buf_printf(json, "\",\"major_version_upgrade\":%s}}", major);
  }
  lc__exchange_finish(exchange);
}

void lc__route_pre_publish(lc_exchange *exchange) {
  lc_hosted *hosted;
  int style = 0;
  if (!lc__query_choice(exchange, "style", styles, &style) || !read_host_type(exchange) || !lc__owned(exchange, &hosted, "update database"))
    return;
  lc__exchange_refer(exchange, hosted);
  exchange->is_deferred = true;
  lc_database_plan(hosted->database, &(lc_publish_request){.program = exchange->upload, .done = planned, .context = exchange},
                   style != STYLE_PLAIN);
}
