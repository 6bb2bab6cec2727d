/* `lightcone server …`: the servers that cli.toml knows. */
#include <stdio.h>
#include <string.h>

#include "cli/remote.h"

const lc_option lc_options_server[] = {
    {"url", NULL, 0, LC_OPTION_VALUE, "URL", "of the server to add, such as http://127.0.0.1:3000"},
    {"default", NULL, 'd', LC_OPTION_FLAG, NULL, "make it the default"},
    {"no-fingerprint", NULL, 0, LC_OPTION_FLAG, NULL, NULL},
    LC_OPTION_YES,
    LC_OPTION_END,
};

static lc_err list(lc_cli *cli, const lc_args *args, const char *name) {
  lc_str fallback = lc_config_get(&cli->config, "default_server");
  bool people = lc_cli_is_terminal(1);
  if (people) printf("%-8s %-32s %-9s %s\n", "DEFAULT", "HOSTNAME", "PROTOCOL", "NICKNAME");
  for (size_t i = 0; i < cli->config.servers.count; i++) {
    const lc_server_config *server = &cli->config.servers.items[i];
    bool is_default = fallback.ptr && (lc_str_equal(fallback, server->nickname) || lc_str_equal(fallback, server->host));
    printf(people ? "%-8s %-32.*s %-9.*s %.*s\n" : "%s\t%.*s\t%.*s\t%.*s\n", is_default ? "***" : "", LC_STR_ARGS(server->host),
           LC_STR_ARGS(server->protocol), LC_STR_ARGS(server->nickname));
  }
  return lc_ok();
}

static lc_err add(lc_cli *cli, const lc_args *args, const char *name) {
  const char *url = lc_args_value(args, "url");
  if (!name || !url) return lc_fail(LC_ERR_USAGE, "server add NICKNAME --url URL");
  const char *host = strstr(url, "://");
  lc_str protocol = host ? lc_arena_str(&cli->arena, (lc_str){url, (size_t)(host - url)}) : LC_STR("");
  if (!lc_str_is(protocol, "http") && !lc_str_is(protocol, "https"))
    return lc_fail(LC_ERR_USAGE, "--url %s: an address that begins with http:// or https:// is expected", url);
  lc_str address = lc_arena_str(&cli->arena, (lc_str){host + 3, strcspn(host + 3, "/")});
  if (address.len == 0 || strpbrk(address.ptr, " \t\"<>"))
    return lc_fail(LC_ERR_USAGE, "--url %s: a host is expected behind %.*s://", url, LC_STR_ARGS(protocol));
  LC_TRY(lc_config_add_server(&cli->config, name, address.ptr, protocol.ptr));
  if (lc_args_has(args, "default")) lc_config_set(&cli->config, "default_server", name);
  return lc_config_save(&cli->config);
}

static lc_err set_default(lc_cli *cli, const lc_args *args, const char *name) {
  if (!name) return lc_fail(LC_ERR_USAGE, "server set-default NICKNAME");
  if (!lc_config_server(&cli->config, name))
    return lc_fail(LC_ERR_NOT_FOUND, "there is no server called %s; `lightcone server list` shows them", name);
  lc_config_set(&cli->config, "default_server", name);
  return lc_config_save(&cli->config);
}

static lc_err remove_server(lc_cli *cli, const lc_args *args, const char *name) {
  if (!name) return lc_fail(LC_ERR_USAGE, "server remove NICKNAME");
  const lc_server_config *server = lc_config_server(&cli->config, name);
  lc_str fallback = lc_config_get(&cli->config, "default_server");
  if (server && fallback.ptr && (lc_str_equal(fallback, server->nickname) || lc_str_equal(fallback, server->host)))
    lc_config_set(&cli->config, "default_server", NULL);
  LC_TRY(lc_config_remove_server(&cli->config, name));
  return lc_config_save(&cli->config);
}

static lc_err ping(lc_cli *cli, const lc_args *args, const char *name) {
  lc_remote remote = {0};
  lc_http_result result = {0};
  LC_TRY(lc_remote_server(cli, args, name, &remote));
  lc_err err = lc_remote_request(cli, &remote, "GET", (lc_span){0}, NULL, &result, "ping", "ping");
  if (lc_failed(err) && result.status)
    err = (printf("%s answers with status %ld: is that a Lightcone server?\n", remote.url, result.status), lc_ok());
  else if (!lc_failed(err))
    printf("Server is online: %s\n", remote.url);
  lc_http_result_deinit(&result);
  return err;
}

lc_err lc_command_server(lc_cli *cli, const lc_args *args) {
  static const struct {
    const char *name;
    lc_err (*run)(lc_cli *, const lc_args *, const char *);
  } commands[] = {{"list", list}, {"add", add}, {"set-default", set_default}, {"remove", remove_server}, {"ping", ping}};
  const char *which = lc_args_positional(args, 0);
  for (size_t i = 0; which && i < sizeof commands / sizeof *commands; i++)
    if (strcmp(which, commands[i].name) == 0) return commands[i].run(cli, args, lc_args_positional(args, 1));
  return lc_fail(LC_ERR_USAGE, "server what? list, add, remove, set-default or ping");
}
