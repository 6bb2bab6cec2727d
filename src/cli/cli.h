#pragma once
/*
 * The `lightcone` command. A command is one row of the table in commands.c and one file; what they share is here.
 *
 * Exit codes (docs/exit-codes.md): 0 success, 1 failure (one message on standard error), 2 wrong usage.
 * Data goes to standard output, everything said to people to standard error.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "cli/args.h"
#include "cli/config.h"

#define LC_VERSION "0.1.0"

/* What one run of the program knows. Text lies in `arena`, which lives until the end. */
typedef struct lc_cli {
  lc_arena arena;
  lc_config config;
  const char *root_directory, *config_path; /* global options; NULL */
} lc_cli;

typedef struct lc_command {
  const char *name, *usage, *summary;
  const lc_option *options; /* may be NULL */
  lc_err (*run)(lc_cli *cli, const lc_args *args);
  const char *details; /* more help; may be NULL */
  size_t arguments_max; /* more arguments than this are a mistake */
} lc_command;

extern const lc_command lc_commands[]; /* ends with a row without a name */

int lc_cli_main(int argc, char **argv);
void lc_cli_print_help(const lc_command *command); /* NULL: of the program */

/* `LC_COMMAND(start)` in commands.c needs lc_command_start and lc_options_start. */
#define LC_DECLARE_COMMAND(name)              \
  extern const lc_option lc_options_##name[]; \
  lc_err lc_command_##name(lc_cli *cli, const lc_args *args);
LC_DECLARE_COMMAND(start)
LC_DECLARE_COMMAND(publish)
LC_DECLARE_COMMAND(build)
LC_DECLARE_COMMAND(call)
LC_DECLARE_COMMAND(sql)
LC_DECLARE_COMMAND(subscribe)
LC_DECLARE_COMMAND(logs)
LC_DECLARE_COMMAND(describe)
LC_DECLARE_COMMAND(list)
LC_DECLARE_COMMAND(delete)
LC_DECLARE_COMMAND(lock)
LC_DECLARE_COMMAND(unlock)
LC_DECLARE_COMMAND(rename)
LC_DECLARE_COMMAND(login)
LC_DECLARE_COMMAND(logout)
LC_DECLARE_COMMAND(generate)
LC_DECLARE_COMMAND(server)
LC_DECLARE_COMMAND(version)
LC_DECLARE_COMMAND(help)

/* Options that several commands have. */
#define LC_OPTION_SERVER \
  {"server", NULL, 's', LC_OPTION_VALUE, "SERVER", "nickname, host or URL of the server (default: the configured one)"}
#define LC_OPTION_YES {"yes", NULL, 'y', LC_OPTION_FLAG, NULL, "do not ask; answer every question with yes"}
#define LC_OPTION_ANONYMOUS {"anonymous", NULL, 0, LC_OPTION_FLAG, NULL, "send no token"}
#define LC_OPTION_NO_CONFIG {"no-config", NULL, 0, LC_OPTION_FLAG, NULL, "ignore spacetime.json"}
#define LC_OPTION_CONFIRMED {"confirmed", NULL, 0, LC_OPTION_VALUE, "true|false", "whether to wait until what is read is durable"}
#define LC_OPTION_END {0}

/* Asks `question [y/N]` on the terminal; `yes` answers it. */
bool lc_cli_ask(const char *question, bool yes);
/* A line on standard error. */
void lc_cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool lc_cli_is_terminal(int fd);
/* "" unless standard output is a terminal that wants colour. */
const char *lc_cli_color(int fd, const char *escape);

/* Reads a whole file. Errors: LC_ERR_FILE_MISSING, LC_ERR_IO with the path. */
lc_err lc_cli_read_file(const char *path, lc_buf *to);
/* Replaces a file atomically; `mode` as in open(2). */
lc_err lc_cli_write_file(const char *path, lc_span content, unsigned mode);
/* mkdir -p */
lc_err lc_cli_make_directory(const char *path);
