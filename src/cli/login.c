/* `lightcone login` and `logout`: the saved token. */
#include <stdio.h>
#include <string.h>

#include "cli/remote.h"

const lc_option lc_options_login[] = {
    {"server-issued-login", NULL, 0, LC_OPTION_VALUE, "SERVER", "get a new identity from this server"},
    {"token", NULL, 0, LC_OPTION_OPTIONAL, "JWT", "save this token; with `login show`: show it too"},
    LC_OPTION_END,
};

static lc_err show(lc_cli *cli, bool with_token) {
  lc_str token = lc_config_get(&cli->config, "spacetimedb_token");
  if (!token.len) {
    printf("You are not logged in.\n");
    return lc_ok();
  }
  const char *text = lc_arena_str(&cli->arena, token).ptr, *identity = lc_token_identity(&cli->arena, text);
  printf("You are logged in as %s\n", identity ? identity : "(the token cannot be read)");
  if (with_token) printf("Your token is %s\n", text);
  return lc_ok();
}

lc_err lc_command_login(lc_cli *cli, const lc_args *args) {
  const char *word = lc_args_positional(args, 0), *token = lc_args_value(args, "token"),
             *server = lc_args_value(args, "server-issued-login"), *identity;
  if (word && strcmp(word, "show") == 0) return show(cli, lc_args_has(args, "token"));
  if (!token && lc_args_has(args, "token")) token = word; /* --token JWT */
  else if (word && !token)
    return lc_fail(LC_ERR_USAGE, "login %s: only `show` may stand there", word);
  lc_str old = lc_config_get(&cli->config, "spacetimedb_token");
  const char *before = old.len ? lc_token_identity(&cli->arena, lc_arena_str(&cli->arena, old).ptr) : NULL;
  if (token) {
    identity = lc_token_identity(&cli->arena, token);
    lc_config_set(&cli->config, "spacetimedb_token", token);
    LC_TRY(lc_config_save(&cli->config));
    if (identity)
      printf("Logged in with identity %s\n", identity);
    else
      printf("Token saved.\n");
    return lc_ok();
  }
  lc_remote remote = {0};
  LC_TRY(lc_remote_server(cli, args, server, &remote));
  LC_TRY(lc_remote_login(cli, &remote, &identity));
  if (before) lc_cli_say("The token of %s, which was saved before, is forgotten.", before);
  printf("Logged in with identity %s\n", identity);
  return lc_ok();
}

const lc_option lc_options_logout[] = {{"auth-host", NULL, 0, LC_OPTION_VALUE, "URL", NULL}, LC_OPTION_END};

lc_err lc_command_logout(lc_cli *cli, const lc_args *args) {
  lc_str token = lc_config_get(&cli->config, "spacetimedb_token");
  if (!token.len) {
    printf("You are not logged in.\n");
    return lc_ok();
  }
  const char *identity = lc_token_identity(&cli->arena, lc_arena_str(&cli->arena, token).ptr);
  lc_config_set(&cli->config, "spacetimedb_token", NULL);
  lc_config_set(&cli->config, "web_session_token", NULL);
  LC_TRY(lc_config_save(&cli->config));
  printf("Logged out (identity %s)\n", identity ? identity : "unknown");
  return lc_ok();
}
