/* `lightcone publish`: build, show what would change, upload. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/build_module.h"
#include "cli/project.h"
#include "cli/remote.h"

const lc_option lc_options_publish[] = {
    LC_OPTION_SERVER,
    {"module-path", NULL, 'p', LC_OPTION_VALUE, "DIR", "the module's directory (default ./spacetimedb if there is one, else .)"},
    {"bin-path", NULL, 'b', LC_OPTION_VALUE, "WASM", "publish this compiled module"},
    {"build-options", "build-opts", 0, LC_OPTION_VALUE, "TEXT", "options for `lightcone build`"},
    {"delete-data", "clear-database", 'c', LC_OPTION_OPTIONAL, "always|on-conflict|never", "delete what the database holds (bare: always)"},
    {"break-clients", NULL, 0, LC_OPTION_FLAG, NULL, "accept changes that existing clients cannot cope with"},
    {"yes", NULL, 'y', LC_OPTION_OPTIONAL, "all|remote|migrate|break-clients|skip-login|delete-data",
     "answer these questions with yes (bare: all)"},
    LC_OPTION_ANONYMOUS,
    LC_OPTION_NO_CONFIG,
    {"env", NULL, 0, LC_OPTION_VALUE, "ENV", "also read spacetime.ENV.json"},
    {"num-replicas", NULL, 0, LC_OPTION_VALUE, "N", NULL},
    {"parent", NULL, 0, LC_OPTION_VALUE, "DATABASE", NULL},
    {"organization", "org", 0, LC_OPTION_VALUE, "NAME", NULL},
    LC_OPTION_END,
};

typedef struct publication {
  const char *name; /* or identity; NULL: unnamed */
  const char *server, *module_path, *wasm_file, *build_options;
  bool break_clients;
} publication;

/* Whether a category of questions is answered with yes. */
static bool yes_to(const lc_args *args, const char *category) {
  size_t len = strlen(category);
  for (size_t i = 0; i < args->given.count; i++) {
    if (strcmp(args->given.items[i].option->name, "yes") != 0) continue;
    const char *value = args->given.items[i].value;
    if (!value) return true;
    for (; *value; value += strcspn(value, ","), value += *value == ',') {
      size_t item = strcspn(value, ",");
      if ((item == 3 && memcmp(value, "all", 3) == 0) || (item == len && memcmp(value, category, len) == 0)) return true;
    }
  }
  return false;
}

static lc_err ask(const char *question, bool yes) {
  return lc_cli_ask(question, yes) ? lc_ok() : lc_fail(LC_ERR_ABORTED, "aborted; nothing was published");
}

static lc_err check_name(const char *name) {
  lc_u256 identity;
  if (lc_u256_from_hex(&identity, lc_str_of(strncmp(name, "0x", 2) == 0 ? name + 2 : name))) return lc_ok();
  bool letter = false;
  for (const char *c = name; *c; c++) {
    bool plain = (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9');
    if (!plain && !(*c == '-' && letter && c[1])) goto invalid;
    letter = plain;
  }
  if (name[0]) return lc_ok();
invalid:
  return lc_fail(LC_ERR_USAGE, "%s is no name for a database: lower-case letters and digits, in groups separated by single hyphens",
                 name[0] ? name : "(nothing)");
}

static lc_err parse_build_options(lc_arena *arena, const char *text, lc_build_options *options) {
  lc_str copy = lc_arena_str(arena, lc_str_of(text ? text : ""));
  char *rest = (char *)copy.ptr;
  for (char *word; (word = strsep(&rest, " "));) {
    if (word[0] == 0) continue;
    if (strcmp(word, "--debug") == 0 || strcmp(word, "-d") == 0)
      options->debug = true;
    else if (strncmp(word, "--lint-dir=", 11) == 0)
      options->lint_directory = word + 11;
    else if (strncmp(word, "--features=", 11) == 0)
      options->features = word + 11;
    else
      return lc_fail(LC_ERR_USAGE, "unknown build option %s: --debug, --lint-dir=DIR, --features=LIST", word);
  }
  return lc_ok();
}

static lc_err load_module(lc_cli *cli, const publication *what, lc_buf *wasm) {
  const char *path = what->wasm_file;
  if (!path) {
    lc_build_options options = {0};
    const char *directory = what->module_path;
    if (!directory) directory = access("spacetimedb", F_OK) == 0 ? "spacetimedb" : ".";
    LC_TRY(parse_build_options(&cli->arena, what->build_options, &options));
    LC_TRY(lc_build_module(&cli->arena, directory, &options, &path));
  }
  LC_TRY(lc_cli_read_file(path, wasm));
  if (wasm->len < 4 || memcmp(wasm->data, "\0asm", 4) != 0)
    return lc_fail(LC_ERR_WASM, "%s is no WebAssembly module. --bin-path takes what `lightcone build` prints; --module-path takes sources.", path);
  return lc_ok();
}

static bool is_local(const char *url) {
  const char *host = strstr(url, "://");
  host = host ? host + 3 : url;
  size_t len = strcspn(host, ":/");
  return (len == 9 && (memcmp(host, "localhost", 9) == 0 || memcmp(host, "127.0.0.1", 9) == 0)) || host[0] == '[';
}

/* What the server says about the change; adds the parameters that the upload then needs. */
static lc_err judge_plan(const lc_args *args, const publication *what, json_t *plan, const char *delete_data, lc_buf *query) {
  json_t *automatic = json_object_get(plan, "AutoMigrate"), *manual = json_object_get(plan, "ManualMigrate"),
         *either = automatic ? automatic : manual;
  if (json_is_true(json_object_get(either, "major_version_upgrade"))) {
    char answer[32] = "";
    fprintf(stderr,
            "This is a major version upgrade: the running module was built with 1.x bindings, the new one with 2.x. Names change, and old "
            "clients may stop working.\n");
    if (!yes_to(args, "migrate")) {
      fprintf(stderr, "Type `upgrade` to go on: ");
      if (!fgets(answer, sizeof answer, stdin) || strncmp(answer, "upgrade", 7) != 0)
        return lc_fail(LC_ERR_ABORTED, "aborted; nothing was published");
    }
  }
  if (automatic) {
    const char *text = json_string_value(json_object_get(automatic, "migrate_plan")),
               *token = json_string_value(json_object_get(automatic, "token"));
    if (text && text[strspn(text, " \n")]) fprintf(stderr, "%s\n", text);
    if (json_is_true(json_object_get(automatic, "break_clients")) && !what->break_clients)
      LC_TRY(ask("These changes break existing clients: they are disconnected, and need new bindings. Publish?",
                 yes_to(args, "break-clients")));
    if (token) lc_buf_printf(query, "&policy=BreakClients&token=%s", token);
    return lc_ok();
  }
  const char *reason = json_string_value(json_object_get(manual, "reason"));
  if (strcmp(delete_data, "never") == 0)
    return lc_fail(LC_ERR_MIGRATION,
                   "the database cannot be migrated to this module automatically: %s\nEither change the module, or give up the data with "
                   "--delete-data=on-conflict.",
                   reason ? reason : "the server gave no reason");
  fprintf(stderr, "%s\n", reason ? reason : "");
  LC_TRY(ask("The data cannot be kept. Delete everything that the database holds?", yes_to(args, "delete-data")));
  lc_buf_put_text(query, "&clear=true");
  return lc_ok();
}

static lc_err prepare(lc_cli *cli, const lc_args *args, const lc_remote *remote, const publication *what, lc_span wasm,
                      const char *delete_data, lc_buf *query) {
  if (!what->name) return lc_ok();
  lc_str name = lc_http_escape(&cli->arena, lc_str_of(what->name));
  if (strcmp(delete_data, "always") == 0) {
    char question[512];
    snprintf(question, sizeof question, "This deletes everything that the database %s at %s holds. Go on?", what->name, remote->url);
    LC_TRY(ask(question, yes_to(args, "delete-data")));
    lc_buf_put_text(query, "&clear=true");
    return lc_ok();
  }
  lc_http_result result = {0};
  const char *style = lc_cli_is_terminal(2) && !getenv("NO_COLOR") ? "AnsiColor" : "NoColor";
  lc_err err =
      lc_remote_request(cli, remote, "POST", wasm, NULL, &result, "planning the migration",
                        "database/%.*s/pre_publish?style=%s&pretty_print_style=%s&host_type=Wasm", LC_STR_ARGS(name), style, style);
  if (lc_failed(err) && result.status == 404) {
    err = lc_ok(); /* a new database */
  } else if (!lc_failed(err)) {
    json_t *plan = json_loadb((const char *)result.body.data, result.body.len, 0, NULL);
    err = plan ? judge_plan(args, what, plan, delete_data, query)
               : lc_fail(LC_ERR_SERVER, "planning the migration: the answer of %s is no JSON", remote->url);
    json_decref(plan);
  }
  lc_http_result_deinit(&result);
  return err;
}

static lc_err report(lc_cli *cli, const lc_remote *remote, json_t *answer) {
  json_t *success = json_object_get(answer, "Success");
  const char *identity = json_string_value(json_object_get(success, "database_identity")),
             *domain = json_string_value(json_object_get(success, "domain"));
  const char *op = json_string_value(json_object_get(success, "op"));
  if (!identity || !op) return lc_fail(LC_ERR_SERVER, "publishing: %s gave an answer that makes no sense", remote->url);
  const char *did = strcmp(op, "created") == 0 ? "Created new" : "Updated";
  if (domain)
    printf("%s database with name: %s, identity: %s\n", did, domain, identity);
  else
    printf("%s database with identity: %s\n", did, identity);
  return lc_ok();
}

/* A name that belongs to somebody else. */
static lc_err explain_refusal(lc_cli *cli, const lc_remote *remote, const publication *what, const lc_http_result *result, lc_err err) {
  json_t *body = json_loadb((const char *)result->body.data, result->body.len, 0, NULL);
  json_t *missing = json_object_get(json_object_get(json_object_get(body, "EnvironmentError"), "MissingRequiredEnvironment"), "keys");
  if (json_object_get(body, "PermissionDenied")) {
    const char *identity = remote->token ? lc_token_identity(&cli->arena, remote->token) : NULL;
    err = lc_fail(LC_ERR_DENIED, "the name %s belongs to somebody else. Choose another one, such as %s-%.12s.", what->name, what->name,
                  identity ? identity : "mine");
  } else if (missing) {
    char *keys = json_dumps(missing, 0);
    err = lc_fail(LC_ERR_SERVER, "publishing: the module needs environment values that are not set: %s", keys);
    free(keys);
  }
  json_decref(body);
  return err;
}

static lc_err upload(lc_cli *cli, const lc_remote *remote, const publication *what, lc_span wasm, lc_buf *query) {
  lc_http_result result = {0};
  lc_err err;
  lc_str name = lc_http_escape(&cli->arena, lc_str_of(what->name ? what->name : ""));
  if (what->name)
    err = lc_remote_request(cli, remote, "PUT", wasm, NULL, &result, "publishing", "database/%.*s?host_type=Wasm%s", LC_STR_ARGS(name),
                            lc_buf_cstr(query));
  else
    err = lc_remote_request(cli, remote, "POST", wasm, NULL, &result, "publishing", "database?host_type=Wasm%s", lc_buf_cstr(query));
  if (lc_failed(err)) {
    err = explain_refusal(cli, remote, what, &result, err);
  } else {
    json_t *answer = json_loadb((const char *)result.body.data, result.body.len, 0, NULL);
    err = report(cli, remote, answer);
    json_decref(answer);
  }
  lc_http_result_deinit(&result);
  return err;
}

static lc_err publish_one(lc_cli *cli, const lc_args *args, const publication *what) {
  const char *delete_data = "never";
  if (lc_args_has(args, "delete-data")) delete_data = lc_args_value(args, "delete-data") ? lc_args_value(args, "delete-data") : "always";
  if (strcmp(delete_data, "always") != 0 && strcmp(delete_data, "on-conflict") != 0 && strcmp(delete_data, "never") != 0)
    return lc_fail(LC_ERR_USAGE, "--delete-data=%s: always, on-conflict or never is expected", delete_data);
  lc_remote remote = {0};
  lc_buf wasm = {0}, query = {0};
  if (what->name) LC_TRY(check_name(what->name));
  LC_TRY(lc_remote_open(cli, args, what->server, &remote));
  lc_err err = load_module(cli, what, &wasm);
  if (!lc_failed(err) && !is_local(remote.url)) {
    char question[512];
    snprintf(question, sizeof question, "You are about to publish to %s, which is not this machine. Go on?", remote.url);
    err = ask(question, yes_to(args, "remote"));
  }
  if (!lc_failed(err)) {
    lc_cli_say("Publishing %zu KiB to %s", (wasm.len + 1023) / 1024, remote.url);
    err = prepare(cli, args, &remote, what, lc_buf_span(&wasm), delete_data, &query);
  }
  if (!lc_failed(err)) err = upload(cli, &remote, what, lc_buf_span(&wasm), &query);
  lc_buf_deinit(&wasm);
  lc_buf_deinit(&query);
  return err;
}

/* What the command line says beats the project's file. */
static void override(const lc_args *args, publication *what) {
  if (lc_args_value(args, "module-path")) what->module_path = lc_args_value(args, "module-path"), what->wasm_file = NULL;
  if (lc_args_value(args, "bin-path")) what->wasm_file = lc_args_value(args, "bin-path");
  if (lc_args_value(args, "build-options")) what->build_options = lc_args_value(args, "build-options");
  if (lc_args_has(args, "break-clients")) what->break_clients = true;
}

static lc_err publish_targets(lc_cli *cli, const lc_args *args, const lc_project *project) {
  const char *name = lc_args_positional(args, 0);
  bool any = false;
  for (size_t i = 0; i < project->targets.count; i++) {
    const lc_target *target = &project->targets.items[i];
    bool only = project->targets.count == 1;
    if (!target->database && !(only && name)) continue;
    if (name && !only && strcmp(name, "*") != 0 && strcmp(name, target->database) != 0) continue;
    publication what = {.name = only && name ? name : target->database,
                        .server = target->server,
                        .build_options = target->build_options,
                        .wasm_file = target->wasm_file,
                        .break_clients = target->break_clients};
    if (target->module_path)
      what.module_path = target->module_path[0] == '/' ? target->module_path
                                                       : lc_arena_printf(&cli->arena, "%s/%s", project->directory, target->module_path).ptr;
    override(args, &what);
    lc_cli_say("Using configuration from %s/spacetime.json for %s", project->directory, what.name);
    LC_TRY(publish_one(cli, args, &what));
    any = true;
  }
  if (!any)
    return lc_fail(LC_ERR_NOT_FOUND, "%s/spacetime.json has no database%s%s. --no-config ignores that file.", project->directory,
                   name ? " called " : "", name ? name : "");
  return lc_ok();
}

lc_err lc_command_publish(lc_cli *cli, const lc_args *args) {
  if (lc_args_has(args, "bin-path") && (lc_args_has(args, "module-path") || lc_args_has(args, "build-options")))
    return lc_fail(LC_ERR_USAGE, "--bin-path names a compiled module; --module-path and --build-options are for building one");
  lc_project project = {0};
  lc_err err = lc_args_has(args, "no-config") ? lc_ok() : lc_project_load(&project, &cli->arena, ".", lc_args_value(args, "env"));
  if (!lc_failed(err) && !project.root && !lc_args_has(args, "no-config") && lc_args_value(args, "module-path"))
    err = lc_project_load(&project, &cli->arena, lc_args_value(args, "module-path"), lc_args_value(args, "env"));
  if (!lc_failed(err) && project.root) {
    err = publish_targets(cli, args, &project);
  } else if (!lc_failed(err)) {
    publication what = {.name = lc_args_positional(args, 0)};
    override(args, &what);
    err = publish_one(cli, args, &what);
  }
  lc_project_deinit(&project);
  return err;
}
