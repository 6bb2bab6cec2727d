/* `lightcone call`: a reducer or procedure over HTTP. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/definition.h"
#include "cli/similar.h"
#include "sats/json.h"

const lc_option lc_options_call[] = {LC_OPTION_SERVER, LC_OPTION_ANONYMOUS, LC_OPTION_YES, LC_OPTION_NO_CONFIG, LC_OPTION_END};

enum { STATUS_BAD_REQUEST = 400, STATUS_REDUCER_FAILED = 530 };

/* ---- names that are nearly right ---- */

typedef struct candidate {
  lc_str name;
  size_t distance;
} candidate;
static int compare_candidates(const void *a, const void *b) {
  const candidate *left = a, *right = b;
  return (left->distance > right->distance) - (left->distance < right->distance);
}

static void put_list(lc_buf *to, const char *what, candidate *candidates, size_t count) {
  enum { SHOWN = 10 };
  if (count == 0) {
    lc_buf_printf(to, "\n\nThe database has no %ss.", what);
    return;
  }
  qsort(candidates, count, sizeof *candidates, compare_candidates);
  lc_buf_printf(to, "\n\nHere are its %ss:", what);
  for (size_t i = 0; i < count && i < SHOWN; i++) lc_buf_printf(to, "\n- %.*s", LC_STR_ARGS(candidates[i].name));
  if (count > SHOWN) lc_buf_printf(to, "\n(%zu more not shown)", count - SHOWN);
}

static lc_err unknown_function(lc_cli *cli, const lc_module_def *def, lc_str wanted, const char *database, const char *identity) {
  candidate *reducers = LC_ARENA_ARRAY(&cli->arena, candidate, def->reducer_count + 1),
            *procedures = LC_ARENA_ARRAY(&cli->arena, candidate, def->procedure_count + 1);
  size_t reducer_count = 0, procedure_count = 0, allowed = lc_similar_allowed(wanted.len);
  candidate best = {{0}, allowed + 1};
  for (uint32_t i = 0; i < def->reducer_count; i++)
    if (def->reducers[i].lifecycle == LC_LIFECYCLE_NONE)
      reducers[reducer_count++] = (candidate){def->reducers[i].name, lc_similar_distance(wanted, def->reducers[i].name)};
  for (uint32_t i = 0; i < def->procedure_count; i++)
    procedures[procedure_count++] = (candidate){def->procedures[i].name, lc_similar_distance(wanted, def->procedures[i].name)};
  for (size_t i = 0; i < reducer_count; i++)
    if (reducers[i].distance < best.distance) best = reducers[i];
  for (size_t i = 0; i < procedure_count && best.distance > allowed; i++)
    if (procedures[i].distance < best.distance) best = procedures[i];
  lc_buf text = {0};
  lc_buf_printf(&text, "No such reducer or procedure `%.*s` for database `%s` resolving to identity `%s`.", LC_STR_ARGS(wanted), database,
                identity);
  if (best.name.ptr) {
    lc_buf_printf(&text, "\n\nA function with a similar name exists: `%.*s`", LC_STR_ARGS(best.name));
  } else {
    put_list(&text, "reducer", reducers, reducer_count);
    put_list(&text, "procedure", procedures, procedure_count);
  }
  lc_err err = lc_fail(LC_ERR_NO_SUCH_REDUCER, "%s", lc_buf_cstr(&text));
  lc_buf_deinit(&text);
  return err;
}

/* ---- arguments ---- */

/* JSON, except that a string needs no quotes and an identity may be bare hex. */
static void put_argument(lc_buf *to, const lc_type *type, const char *text) {
  type = lc_type_resolve(type);
  size_t len = strlen(text);
  bool quoted = len >= 2 && text[0] == '"' && text[len - 1] == '"';
  if (type->kind == LC_TYPE_STRING && !quoted)
    lc_json_put_string(to, lc_str_of(text));
  else if (type->special == LC_SPECIAL_IDENTITY && strncmp(text, "0x", 2) == 0)
    lc_buf_printf(to, "[\"%s\"]", text);
  else if (type->special == LC_SPECIAL_IDENTITY && strncmp(text, "c200", 4) == 0)
    lc_buf_printf(to, "[\"0x%s\"]", text);
  else
    lc_buf_put_text(to, text);
}

/* `function(name: Type, …)` */
static const char *signature_of(lc_arena *arena, const lc_module_def *def, const lc_type *params, lc_str function) {
  lc_buf text = {0};
  lc_buf_printf(&text, "%.*s(", LC_STR_ARGS(function));
  for (uint32_t i = 0; i < params->field_count; i++) {
    lc_buf_printf(&text, "%s%.*s: ", i ? ", " : "", LC_STR_ARGS(params->fields[i].name));
    lc_definition_put_type(&text, def, params->fields[i].type);
  }
  lc_buf_put8(&text, ')');
  const char *copy = lc_arena_str(arena, lc_buf_str(&text)).ptr;
  lc_buf_deinit(&text);
  return copy;
}

static lc_err put_arguments(lc_buf *to, const lc_args *args, size_t first, const lc_type *params, lc_str function, const char *signature) {
  size_t given = args->positionals.count - first;
  if (given != params->field_count)
    return lc_fail(LC_ERR_ARGUMENTS, "%.*s takes %u argument(s), %zu given: %s", LC_STR_ARGS(function), params->field_count, given,
                   signature);
  lc_buf_put8(to, '[');
  for (uint32_t i = 0; i < params->field_count; i++) {
    if (i) lc_buf_put8(to, ',');
    put_argument(to, params->fields[i].type, args->positionals.items[first + i]);
  }
  lc_buf_put8(to, ']');
  return lc_ok();
}

static lc_err call(lc_cli *cli, const lc_args *args, const lc_remote *remote, const lc_module_def *def, const char *name,
                   const char *identity, size_t rest) {
  lc_str function = lc_str_of(args->positionals.items[rest]);
  uint64_t id;
  const lc_type *params;
  if (lc_map_get(&def->reducer_ids, function, &id))
    params = def->reducers[id].params;
  else if (lc_map_get(&def->procedure_ids, function, &id))
    params = def->procedures[id].params;
  else
    return unknown_function(cli, def, function, name, identity);
  lc_buf body = {0};
  lc_http_result result = {0};
  lc_str escaped = lc_http_escape(&cli->arena, function);
  const char *doing = lc_arena_printf(&cli->arena, "calling %.*s", LC_STR_ARGS(function)).ptr;
  const char *signature = signature_of(&cli->arena, def, params, function);
  lc_err err = put_arguments(&body, args, rest + 1, params, function, signature);
  if (!lc_failed(err))
    err = lc_remote_request(cli, remote, "POST", lc_buf_span(&body), "application/json", &result, doing, "database/%s/call/%.*s", identity,
                            LC_STR_ARGS(escaped));
  if (result.status == STATUS_BAD_REQUEST)
    err = lc_err_context(err, "%s, with arguments in JSON", signature);
  if (result.status == STATUS_REDUCER_FAILED) {
    bool trapped = lc_str_is(lc_buf_str(&result.body), "The instance encountered a fatal error.");
    err = lc_fail(LC_ERR_USER, "%.*s: %.*s%s%s%s", LC_STR_ARGS(function), LC_STR_ARGS(lc_buf_str(&result.body)),
                  trapped ? " `lightcone logs " : "", trapped ? name : "", trapped ? "` shows where." : "");
  }
  if (!lc_failed(err) && result.body.len) printf("%.*s\n", LC_STR_ARGS(lc_buf_str(&result.body)));
  lc_http_result_deinit(&result);
  lc_buf_deinit(&body);
  return err;
}

lc_err lc_command_call(lc_cli *cli, const lc_args *args) {
  lc_remote remote = {0};
  lc_module_def *def = NULL;
  const char *name, *identity;
  size_t rest;
  LC_TRY(lc_remote_target(cli, args, 1, &remote, &name, &identity, &rest));
  if (args->positionals.count <= rest) return lc_fail(LC_ERR_USAGE, "which function of %s?", name);
  LC_TRY(lc_definition_from_server(cli, &remote, identity, &def));
  lc_err err = call(cli, args, &remote, def, name, identity, rest);
  lc_module_def_destroy(def);
  return err;
}
