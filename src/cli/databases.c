/* `lightcone list`, `delete`, `lock`, `unlock`, `rename`: databases as wholes. */
#include <stdio.h>
#include <string.h>

#include "cli/remote.h"
#include "sats/json.h"

const lc_option lc_options_list[] = {LC_OPTION_SERVER, LC_OPTION_YES, {"json", NULL, 0, LC_OPTION_FLAG, NULL, "as JSON"}, LC_OPTION_END};

/* The names of a database, joined by commas. */
static lc_err names_of(lc_cli *cli, const lc_remote *remote, const char *identity, json_t **names) {
  json_t *answer;
  LC_TRY(lc_remote_json(cli, remote, "GET", (lc_span){0}, NULL, &answer, "getting names", "database/%s/names", identity));
  *names = json_incref(json_object_get(answer, "names"));
  json_decref(answer);
  return lc_ok();
}

static void print_entry(const char *identity, json_t *names, bool people) {
  char joined[256] = "";
  size_t index;
  json_t *name;
  json_array_foreach(names, index, name) {
    size_t len = strlen(joined);
    snprintf(joined + len, sizeof joined - len, "%s%s", index ? ", " : "", json_string_value(name));
  }
  printf(people ? " %-30s | %s\n" : "%s\t%s\n", joined[0] || !people ? joined : "(unnamed)", identity);
}

lc_err lc_command_list(lc_cli *cli, const lc_args *args) {
  lc_remote remote = {0};
  json_t *answer;
  LC_TRY(lc_remote_open(cli, args, NULL, &remote));
  const char *me = lc_token_identity(&cli->arena, remote.token);
  if (!me)
    return lc_fail(
        LC_ERR_TOKEN,
        "the saved token cannot be read, so it is not known who you are. `lightcone login --server-issued-login SERVER` gets another.");
  LC_TRY(lc_remote_json(cli, &remote, "GET", (lc_span){0}, NULL, &answer, "listing databases", "identity/%s/databases", me));
  json_t *identities = json_object_get(answer, "identities"), *identity, *all = json_array();
  bool as_json = lc_args_has(args, "json"), people = lc_cli_is_terminal(1);
  size_t index;
  lc_err err = lc_ok();
  if (!as_json && json_array_size(identities) == 0)
    lc_cli_say("No databases belong to %s at %s.", me, remote.url);
  else if (!as_json && people)
    printf(
        "Databases of %s:\n\n %-30s | "
        "Identity\n--------------------------------+-----------------------------------------------------------------\n",
        me, "Database Name(s)");
  json_array_foreach(identities, index, identity) {
    json_t *names = NULL;
    err = names_of(cli, &remote, json_string_value(identity), &names);
    if (lc_failed(err)) break;
    if (as_json)
      json_array_append_new(all, json_pack("{s:O, s:O}", "identity", identity, "names", names));
    else
      print_entry(json_string_value(identity), names, people);
    json_decref(names);
  }
  if (as_json && !lc_failed(err)) json_dumpf(all, stdout, JSON_INDENT(2)), putchar('\n');
  json_decref(all);
  json_decref(answer);
  return err;
}

const lc_option lc_options_delete[] = {LC_OPTION_SERVER, LC_OPTION_YES, LC_OPTION_NO_CONFIG, LC_OPTION_END};

lc_err lc_command_delete(lc_cli *cli, const lc_args *args) {
  lc_remote remote = {0};
  const char *name, *identity;
  size_t rest;
  LC_TRY(lc_remote_target(cli, args, 0, &remote, &name, &identity, &rest));
  char question[512];
  snprintf(question, sizeof question, "This deletes the database %s (%s) at %s and everything it holds. Go on?", name, identity,
           remote.url);
  if (!lc_cli_ask(question, lc_args_has(args, "yes"))) {
    lc_cli_say("Aborting");
    return lc_ok();
  }
  lc_http_result result = {0};
  lc_err err = lc_remote_request(cli, &remote, "DELETE", (lc_span){0}, NULL, &result, "deleting the database", "database/%s", identity);
  lc_http_result_deinit(&result);
  return err;
}

static lc_err set_lock(lc_cli *cli, const lc_args *args, const char *verb, const char *done) {
  lc_remote remote = {0};
  lc_http_result result = {0};
  const char *name, *identity;
  size_t rest;
  LC_TRY(lc_remote_target(cli, args, 0, &remote, &name, &identity, &rest));
  lc_err err = lc_remote_request(cli, &remote, "POST", (lc_span){0}, NULL, &result, verb, "database/%s/%s", identity, verb);
  if (!lc_failed(err)) printf("Database %s is %s.\n", name, done);
  lc_http_result_deinit(&result);
  return err;
}

const lc_option lc_options_lock[] = {LC_OPTION_SERVER, LC_OPTION_NO_CONFIG, LC_OPTION_END};
lc_err lc_command_lock(lc_cli *cli, const lc_args *args) {
  return set_lock(cli, args, "lock", "locked");
}
const lc_option lc_options_unlock[] = {LC_OPTION_SERVER, LC_OPTION_NO_CONFIG, LC_OPTION_END};
lc_err lc_command_unlock(lc_cli *cli, const lc_args *args) {
  return set_lock(cli, args, "unlock", "unlocked");
}

const lc_option lc_options_rename[] = {
    LC_OPTION_SERVER, LC_OPTION_YES, {"to", NULL, 0, LC_OPTION_VALUE, "NAME", "the new name"}, LC_OPTION_END};

/* The server's answer is JSON for programs: {"NotYourDatabase": …}, {"PermissionDenied": …} or {"OtherError": text}. */
static lc_err explain_rename(const lc_remote *remote, const lc_http_result *result, const char *database, const char *to, lc_err err) {
  json_t *answer = json_loadb((const char *)result->body.data, result->body.len, 0, NULL);
  const char *other = json_string_value(json_object_get(answer, "OtherError"));
  if (json_object_get(answer, "NotYourDatabase"))
    err = lc_fail(LC_ERR_DENIED, "renaming: the database %s at %s belongs to somebody else. `lightcone list` shows yours.", database, remote->url);
  else if (json_object_get(answer, "PermissionDenied"))
    err = lc_fail(LC_ERR_DENIED, "renaming: the name %s belongs to somebody else. Choose another one.", to);
  else if (other)
    err = lc_fail(LC_ERR_SERVER, "renaming: %s", other);
  else if (result->status == 404)
    err = lc_fail(LC_ERR_NOT_FOUND, "renaming: there is no database called %s at %s. `lightcone list` shows yours.", database, remote->url);
  json_decref(answer);
  return err;
}

lc_err lc_command_rename(lc_cli *cli, const lc_args *args) {
  lc_remote remote = {0};
  const char *database = lc_args_positional(args, 0), *to = lc_args_value(args, "to");
  if (!database || !to) return lc_fail(LC_ERR_USAGE, "which database, and --to which name?");
  LC_TRY(lc_remote_open(cli, args, NULL, &remote));
  lc_http_result result = {0};
  lc_buf body = {0};
  lc_buf_put8(&body, '[');
  lc_json_put_string(&body, lc_str_of(to));
  lc_buf_put8(&body, ']');
  lc_str escaped = lc_http_escape(&cli->arena, lc_str_of(database));
  lc_err err = lc_remote_request(cli, &remote, "PUT", lc_buf_span(&body), "application/json", &result, "renaming", "database/%.*s/names",
                                 LC_STR_ARGS(escaped));
  if (lc_failed(err) && result.status) err = explain_rename(&remote, &result, database, to, err);
  if (!lc_failed(err)) printf("Name set to %s for %s\n", to, database);
  lc_buf_deinit(&body);
  lc_http_result_deinit(&result);
  return err;
}
