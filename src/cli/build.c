/* `lightcone build` */
#include <stdio.h>
#include <unistd.h>

#include "cli/build_module.h"
#include "cli/cli.h"

const lc_option lc_options_build[] = {
    {"module-path", NULL, 'p', LC_OPTION_VALUE, "DIR", "the module's directory (default ./spacetimedb if it is one, else .)"},
    {"lint-dir", NULL, 0, LC_OPTION_VALUE, "DIR", "where to look for printing statements (default src; empty: nowhere)"},
    {"debug", NULL, 'd', LC_OPTION_FLAG, NULL, "without optimisation"},
    {"features", NULL, 0, LC_OPTION_VALUE, "LIST", NULL},
    LC_OPTION_END,
};

lc_err lc_command_build(lc_cli *cli, const lc_args *args) {
  const char *directory = lc_args_value(args, "module-path"), *wasm;
  if (!directory) directory = lc_args_positional(args, 0);
  if (!directory) directory = lc_build_is_module("spacetimedb") ? "spacetimedb" : ".";
  lc_build_options options = {
      .debug = lc_args_has(args, "debug"), .features = lc_args_value(args, "features"), .lint_directory = lc_args_value(args, "lint-dir")};
  LC_TRY(lc_build_module(&cli->arena, directory, &options, &wasm));
  lc_cli_say("Build finished successfully.");
  printf("%s\n", wasm);
  return lc_ok();
}
