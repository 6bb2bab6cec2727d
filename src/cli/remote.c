#include "cli/remote.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "auth/auth.h"
#include "cli/project.h"

static lc_err check_url(const char *url) {
  size_t scheme = strncasecmp(url, "http://", 7) == 0 ? 7 : strncasecmp(url, "https://", 8) == 0 ? 8 : 0;
  if (scheme && url[scheme] && url[scheme] != '/' && !strpbrk(url, " \t\"<>")) return lc_ok();
  return lc_fail(LC_ERR_INVALID, "%s is no address of a server, such as http://127.0.0.1:3000", url);
}

lc_err lc_remote_server(lc_cli *cli, const lc_args *args, const char *configured, lc_remote *remote) {
  const char *name = lc_args_value(args, "server");
  if (!name) name = configured;
  lc_str fallback = lc_config_get(&cli->config, "default_server");
  if (!name && fallback.ptr) name = lc_arena_str(&cli->arena, fallback).ptr;
  if (!name)
    return lc_fail(LC_ERR_NOT_FOUND,
                   "no server was named and there is no default one. `lightcone server set-default NAME` chooses one, `lightcone server "
                   "add` adds one.");
  if (strstr(name, "://")) {
    lc_str url = lc_arena_str(&cli->arena, lc_str_of(name));
    while (url.len && url.ptr[url.len - 1] == '/') ((char *)url.ptr)[--url.len] = 0;
    remote->url = url.ptr;
    return check_url(remote->url);
  }
  const lc_server_config *server = lc_config_server(&cli->config, name);
  if (!server)
    return lc_fail(LC_ERR_NOT_FOUND,
                   "there is no server called %s in %s. `lightcone server list` shows them; `lightcone server add %s --url URL` adds it.",
                   name, cli->config.path, name);
  remote->url = lc_arena_printf(&cli->arena, "%.*s://%.*s", LC_STR_ARGS(server->protocol), LC_STR_ARGS(server->host)).ptr;
  return lc_err_context(check_url(remote->url), "the server %s of %s", name, cli->config.path);
}

lc_err lc_remote_open(lc_cli *cli, const lc_args *args, const char *configured, lc_remote *remote) {
  LC_TRY(lc_remote_server(cli, args, configured, remote));
  if (lc_args_has(args, "anonymous")) return lc_ok();
  lc_str token = lc_config_get(&cli->config, "spacetimedb_token");
  if (token.len) {
    remote->token = lc_arena_str(&cli->arena, token).ptr;
    return lc_ok();
  }
  const char *identity;
  LC_TRY(lc_remote_login(cli, remote, &identity));
  lc_cli_say("You were not logged in: %s issued the identity %s. It works with this server only.", remote->url, identity);
  return lc_ok();
}

static lc_err request(lc_cli *cli, const lc_remote *remote, const char *method, lc_span body, const char *content_type,
                      lc_http_result *result, const char *doing, const char *path) {
  lc_http_call call = {.method = method, .token = remote->token, .content_type = content_type, .body = body};
  call.url = lc_arena_printf(&cli->arena, "%s/v1/%s", remote->url, path).ptr;
  LC_TRY(lc_http_perform(&call, result));
  if (strncasecmp(result->content_type, "text/html", 9) == 0) /* not a word of it would help */
    return lc_fail(LC_ERR_PROTOCOL, "%s: %s answers with a web page (status %ld): is that a Lightcone server?", doing, remote->url,
                   result->status);
  if (result->status == 401 && remote->token && strncmp(lc_buf_cstr(&result->body), "Invalid token", 13) == 0)
    return lc_fail(LC_ERR_SERVER,
                   "%s: the server at %s does not accept your token: %.*s. `lightcone logout` forgets it; `lightcone login "
                   "--server-issued-login SERVER` gets another.",
                   doing, remote->url, LC_STR_ARGS(lc_buf_str(&result->body)));
  return lc_http_check(result, doing);
}

#define FORMAT_PATH(path, format)                    \
  lc_buf path = {0};                                 \
  {                                                  \
    char text[2048];                                 \
    va_list arguments;                               \
    va_start(arguments, format);                     \
    vsnprintf(text, sizeof text, format, arguments); \
    va_end(arguments);                               \
    lc_buf_put_text(&path, text);                    \
  }

lc_err lc_remote_request(lc_cli *cli, const lc_remote *remote, const char *method, lc_span body, const char *content_type,
                         lc_http_result *result, const char *doing, const char *format, ...) {
  FORMAT_PATH(path, format)
  lc_err err = request(cli, remote, method, body, content_type, result, doing, lc_buf_cstr(&path));
  lc_buf_deinit(&path);
  return err;
}

lc_err lc_remote_json(lc_cli *cli, const lc_remote *remote, const char *method, lc_span body, const char *content_type, json_t **json,
                      const char *doing, const char *format, ...) {
  FORMAT_PATH(path, format)
  lc_http_result result = {0};
  *json = NULL;
  lc_err err = request(cli, remote, method, body, content_type, &result, doing, lc_buf_cstr(&path));
  if (!lc_failed(err)) {
    json_error_t why;
    *json = json_loadb((const char *)result.body.data, result.body.len, JSON_DECODE_ANY, &why);
    if (!*json)
      err = lc_fail(LC_ERR_SERVER, "%s: the answer of %s is no JSON (%s): is that a Lightcone server?", doing, remote->url, why.text);
  }
  lc_http_result_deinit(&result);
  lc_buf_deinit(&path);
  return err;
}

lc_err lc_remote_login(lc_cli *cli, lc_remote *remote, const char **identity) {
  json_t *answer;
  lc_remote nobody = {remote->url, NULL};
  LC_TRY(lc_remote_json(cli, &nobody, "POST", (lc_span){0}, NULL, &answer, "getting an identity", "identity"));
  const char *token = json_string_value(json_object_get(answer, "token")), *hex = json_string_value(json_object_get(answer, "identity"));
  lc_err err = token && hex ? lc_ok() : lc_fail(LC_ERR_SERVER, "getting an identity: %s answered without identity and token", remote->url);
  if (!lc_failed(err)) {
    remote->token = lc_arena_str(&cli->arena, lc_str_of(token)).ptr;
    *identity = lc_arena_str(&cli->arena, lc_str_of(hex)).ptr;
    lc_config_set(&cli->config, "spacetimedb_token", remote->token);
    err = lc_config_save(&cli->config);
  }
  json_decref(answer);
  return err;
}

static bool base64url_decode(lc_str text, lc_buf *to) {
  uint32_t bits = 0, count = 0;
  for (size_t i = 0; i < text.len && text.ptr[i] != '='; i++) {
    char c = text.ptr[i];
    int digit = c >= 'A' && c <= 'Z'   ? c - 'A'
                : c >= 'a' && c <= 'z' ? c - 'a' + 26
                : c >= '0' && c <= '9' ? c - '0' + 52
                : c == '-' || c == '+' ? 62
                : c == '_' || c == '/' ? 63
                                       : -1;
    if (digit < 0) return false;
    bits = bits << 6 | (uint32_t)digit;
    if ((count += 6) >= 8) lc_buf_put8(to, (uint8_t)(bits >> (count -= 8)));
  }
  return true;
}

const char *lc_token_identity(lc_arena *arena, const char *token) {
  const char *first = strchr(token, '.'), *second = first ? strchr(first + 1, '.') : NULL;
  if (!second) return NULL;
  lc_buf payload = {0};
  const char *identity = NULL;
  if (base64url_decode((lc_str){first + 1, (size_t)(second - first - 1)}, &payload)) {
    json_t *claims = json_loadb((const char *)payload.data, payload.len, 0, NULL);
    const char *hex = json_string_value(json_object_get(claims, "hex_identity"));
    const char *issuer = json_string_value(json_object_get(claims, "iss")), *subject = json_string_value(json_object_get(claims, "sub"));
    if (hex) {
      identity = lc_arena_str(arena, lc_str_of(hex)).ptr;
    } else if (issuer && subject) {
      lc_identity value = lc_identity_from_claims(lc_str_of(issuer), lc_str_of(subject));
      char *text = lc_arena_alloc(arena, 65);
      lc_u256_hex(text, &value);
      identity = text;
    }
    json_decref(claims);
  }
  lc_buf_deinit(&payload);
  return identity;
}

/* 64 hex digits, with or without 0x, are an identity; everything else is a name. */
static const char *as_identity(const char *name) {
  if (strncmp(name, "0x", 2) == 0) name += 2;
  lc_u256 value;
  return strlen(name) == 64 && lc_u256_from_hex(&value, lc_str_of(name)) ? name : NULL;
}

lc_err lc_remote_database(lc_cli *cli, const lc_remote *remote, const char *name, const char **identity) {
  *identity = as_identity(name);
  if (*identity) return lc_ok();
  lc_http_result result = {0};
  lc_str escaped = lc_http_escape(&cli->arena, lc_str_of(name));
  lc_err err = lc_remote_request(cli, remote, "GET", (lc_span){0}, NULL, &result, "looking for the database", "database/%.*s/identity",
                                 LC_STR_ARGS(escaped));
  if (err.code == LC_ERR_SERVER && result.status == 404)
    err =
        lc_fail(LC_ERR_NOT_FOUND, "there is no database called %s at %s. `lightcone list` shows yours; `lightcone publish %s` creates it.",
                name, remote->url, name);
  if (!lc_failed(err)) *identity = lc_arena_str(&cli->arena, lc_buf_str(&result.body)).ptr;
  lc_http_result_deinit(&result);
  return err;
}

lc_err lc_remote_target(lc_cli *cli, const lc_args *args, size_t needed, lc_remote *remote, const char **name, const char **identity,
                        size_t *rest) {
  lc_project project = {0};
  const lc_target *target = NULL;
  const char *first = lc_args_positional(args, 0);
  lc_err err = lc_args_has(args, "no-config") ? lc_ok() : lc_project_load(&project, &cli->arena, ".", NULL);
  if (!lc_failed(err)) {
    if (first) target = lc_project_target(&project, first);
    bool only = project.targets.count == 1 && project.targets.items[0].database;
    bool enough = args->positionals.count > needed;
    if (target)
      *name = target->database, *rest = 1;
    else if (only && !enough)
      target = &project.targets.items[0], *name = target->database, *rest = 0;
    else if (first && enough)
      *name = first, *rest = 1;
    else
      err = first ? lc_fail(LC_ERR_USAGE, "something is missing behind the database %s", first) : lc_fail(LC_ERR_USAGE, "which database?");
  }
  if (!lc_failed(err)) err = lc_remote_open(cli, args, target ? target->server : NULL, remote);
  if (!lc_failed(err)) err = lc_remote_database(cli, remote, *name, identity);
  lc_project_deinit(&project);
  return err;
}
