/* `lightcone start`: the server, in this process. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "server/server.h"

enum { DEFAULT_PORT = 3000, PORTS_TO_TRY = 100 };

const lc_option lc_options_start[] = {
    {"listen-addr", NULL, 'l', LC_OPTION_VALUE, "ADDRESS:PORT", "where to listen (default 127.0.0.1:3000; port 0: a free one)"},
    {"data-dir", NULL, 0, LC_OPTION_VALUE, "DIR", "where the databases live (default $XDG_DATA_HOME/lightcone/data)"},
    {"jwt-key-dir", NULL, 0, LC_OPTION_VALUE, "DIR", "directory with the keys id_ecdsa and id_ecdsa.pub (default: of cli.toml)"},
    {"jwt-pub-key-path", NULL, 0, LC_OPTION_VALUE, "FILE", "public key (PEM); needs the private one too"},
    {"jwt-priv-key-path", NULL, 0, LC_OPTION_VALUE, "FILE", "private key (PEM)"},
    {"in-memory", NULL, 0, LC_OPTION_FLAG, NULL, "keep nothing on disk"},
    {"call-budget", NULL, 0, LC_OPTION_VALUE, "SECONDS", "CPU time of one call (default 10); of init six times as much"},
    {"non-interactive", NULL, 0, LC_OPTION_FLAG, NULL, "fail rather than ask when the port is taken"},
    {"edition", NULL, 0, LC_OPTION_VALUE, "NAME", NULL},
    LC_OPTION_END,
};

static lc_server *running;
static void stop(int signal_number) {
  lc_server_stop(running);
}

/* `host:port`, `[v6]:port` or a port alone. */
static lc_err parse_address(lc_arena *arena, const char *text, const char **host, uint16_t *port) {
  const char *colon = strrchr(text, ':');
  const char *digits = colon ? colon + 1 : text;
  char *end;
  unsigned long value = strtoul(digits, &end, 10);
  if (*digits == 0 || *end != 0 || value > UINT16_MAX)
    return lc_fail(LC_ERR_USAGE, "--listen-addr %s: ADDRESS:PORT is expected, such as 127.0.0.1:3000", text);
  *port = (uint16_t)value;
  if (!colon) return lc_ok();
  size_t len = (size_t)(colon - text);
  if (len >= 2 && text[0] == '[' && text[len - 1] == ']') text++, len -= 2;
  *host = lc_arena_printf(arena, "%.*s", (int)len, text).ptr;
  if (strcmp(*host, "localhost") == 0) *host = "127.0.0.1";
  return lc_ok();
}

/* Opens the server; when the port is taken and somebody is there to be asked, offers the next free one. */
static lc_err open_server(lc_server_options *options, bool interactive) {
  lc_err err = lc_server_open(options, &running);
  if (!lc_failed(err) || !strstr(lc_err_text(err), "in use") || options->listen_port == 0) return err;
  uint16_t wanted = options->listen_port;
  if (!interactive) return lc_err_context(err, "starting (choose another port with --listen-addr 127.0.0.1:%d)", wanted + 1);
  for (int i = 1; i <= PORTS_TO_TRY && wanted + i <= UINT16_MAX; i++) {
    options->listen_port = (uint16_t)(wanted + i);
    lc_err again = lc_server_open(options, &running);
    if (lc_failed(again)) continue;
    char question[128];
    snprintf(question, sizeof question, "Port %d is taken. Listen on %d instead?", wanted, wanted + i);
    if (lc_cli_ask(question, false)) return lc_ok();
    lc_server_close(running);
    return err;
  }
  return err;
}

lc_err lc_command_start(lc_cli *cli, const lc_args *args) {
  lc_str configured = lc_config_get(&cli->config, "listen_addr");
  const char *address = lc_args_value(args, "listen-addr"), *budget = lc_args_value(args, "call-budget");
  lc_server_options options = {
      .data_directory = lc_args_value(args, "data-dir"),
      .key_directory = lc_args_value(args, "jwt-key-dir"),
      .public_key_path = lc_args_value(args, "jwt-pub-key-path"),
      .private_key_path = lc_args_value(args, "jwt-priv-key-path"),
      .listen_host = "127.0.0.1",
      .listen_port = DEFAULT_PORT,
      .in_memory = lc_args_has(args, "in-memory"),
      .call_budget_micros = budget ? (uint64_t)(strtod(budget, NULL) * 1e6) : 0,
  };
  if (!options.public_key_path != !options.private_key_path)
    return lc_fail(LC_ERR_USAGE, "--jwt-pub-key-path and --jwt-priv-key-path go together");
  if (!options.data_directory) options.data_directory = cli->config.data_directory;
  if (!options.key_directory) {
    options.key_directory = cli->config.directory;
    LC_TRY(lc_cli_make_directory(options.key_directory));
  }
  if (!address && configured.len) address = lc_arena_str(&cli->arena, configured).ptr;
  if (address) LC_TRY(parse_address(&cli->arena, address, &options.listen_host, &options.listen_port));
  LC_TRY(open_server(&options, lc_cli_is_terminal(0) && !lc_args_has(args, "non-interactive")));

  signal(SIGPIPE, SIG_IGN);
  signal(SIGINT, stop);
  signal(SIGTERM, stop);
  bool v6 = strchr(options.listen_host, ':') != NULL;
  printf("lightcone " LC_VERSION "\ndata directory: %s%s\nlistening on http://%s%s%s:%d\n", options.data_directory,
         options.in_memory ? " (databases in memory only)" : "", v6 ? "[" : "", options.listen_host, v6 ? "]" : "",
         lc_server_port(running));
  fflush(stdout);
  lc_err err = lc_server_run(running);
  signal(SIGINT, SIG_IGN); /* it is ending: a second signal must not reach for a server that is gone */
  signal(SIGTERM, SIG_IGN);
  lc_server_close(running);
  return err;
}
