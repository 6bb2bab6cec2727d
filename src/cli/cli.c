/* The program: global options, choosing the command, help, and how failures end. */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/similar.h"

static const lc_option global_options[] = {
    {"root-dir", NULL, 0, LC_OPTION_VALUE, "DIR", "keep configuration and data under this directory"},
    {"config-path", NULL, 0, LC_OPTION_VALUE, "FILE", "use this cli.toml"},
    {"help", NULL, 'h', LC_OPTION_FLAG, NULL, "show help"},
    LC_OPTION_END,
};

/* ---- help ---- */

static void print_options(const lc_option *options) {
  for (const lc_option *option = options; option && option->name; option++) {
    if (!option->help) continue;
    char left[64], letter[6] = "    ";
    if (option->letter) snprintf(letter, sizeof letter, "-%c, ", option->letter);
    const char *value = option->value ? option->value : "";
    if (option->kind == LC_OPTION_FLAG)
      snprintf(left, sizeof left, "%s--%s", letter, option->name);
    else if (option->kind == LC_OPTION_OPTIONAL)
      snprintf(left, sizeof left, "%s--%s[=%s]", letter, option->name, value);
    else
      snprintf(left, sizeof left, "%s--%s %s", letter, option->name, value);
    printf("  %-32s %s\n", left, option->help);
  }
}

void lc_cli_print_help(const lc_command *command) {
  if (command) {
    printf("lightcone %s: %s\n\nUsage: lightcone %s %s\n", command->name, command->summary, command->name, command->usage);
    if (command->details) printf("\n%s\n", command->details);
    printf("\nOptions:\n");
    print_options(command->options);
  } else {
    printf("lightcone " LC_VERSION
           ": a relational database that is also the server\n\nUsage: lightcone [options] COMMAND …\n\nCommands:\n");
    for (command = lc_commands; command->name; command++) printf("  %-12s %s\n", command->name, command->summary);
    printf("\nOptions:\n");
  }
  print_options(global_options);
  printf(
      "\nA first session:\n  lightcone start                                   (in a terminal of its own)\n"
      "  lightcone publish chat --module-path examples/chat-c\n  lightcone call chat send_message Hello\n"
      "  lightcone sql chat 'SELECT * FROM message'\n");
}

/* ---- running ---- */

static const lc_command *find_command(const char *name) {
  for (const lc_command *command = lc_commands; command->name; command++)
    if (strcmp(command->name, name) == 0) return command;
  return NULL;
}

/* Global options may stand before the command, whose index becomes `*at`. */
static lc_err parse_global(lc_cli *cli, int argc, char **argv, int *at) {
  for (*at = 1; *at < argc && argv[*at][0] == '-'; ++*at) {
    char *text = argv[*at];
    size_t len = strcspn(text, "=");
    if (strcmp(text, "--version") == 0 || strcmp(text, "-V") == 0) argv[*at] = (char *)"version";
    if (strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0) argv[*at] = (char *)"help";
    if (argv[*at] != text) break;
    const char **value = len == 10 && memcmp(text, "--root-dir", len) == 0      ? &cli->root_directory
                         : len == 13 && memcmp(text, "--config-path", len) == 0 ? &cli->config_path
                                                                                : NULL;
    if (!value)
      return lc_fail(LC_ERR_USAGE, "unknown option %s. Only --root-dir, --config-path, --version and --help stand before the command.", text);
    if (text[len])
      *value = text + len + 1;
    else if (*at + 1 < argc)
      *value = argv[++*at];
    else
      return lc_fail(LC_ERR_USAGE, "option %s needs a value", text);
  }
  return lc_ok();
}

static lc_err unknown_command(const char *name) {
  const char *meant = NULL;
  size_t best = lc_similar_allowed(strlen(name)) + 1;
  for (const lc_command *command = lc_commands; command->name; command++) {
    size_t distance = lc_similar_distance(lc_str_of(name), lc_str_of(command->name));
    if (distance < best) best = distance, meant = command->name;
  }
  return lc_fail(LC_ERR_USAGE, "there is no command called %s.%s%s%s `lightcone help` lists them.", name, meant ? " Did you mean " : "",
                 meant ? meant : "", meant ? "?" : "");
}

/* What was printed must have arrived, or a script takes half an answer for a whole one. A reader who left is no failure. */
static lc_err check_output(void) {
  if (fflush(stdout) == 0 && !ferror(stdout)) return lc_ok();
  return errno == EPIPE ? lc_ok() : lc_fail(LC_ERR_IO, "writing to the standard output: %s", errno ? strerror(errno) : "failed");
}

static lc_err run(lc_cli *cli, const lc_command *command, int argc, char **argv) {
  lc_args args = {0};
  const lc_option *tables[] = {command->options, global_options};
  lc_err err = lc_args_parse(&args, tables, 2, argc, argv);
  if (lc_args_has(&args, "root-dir")) cli->root_directory = lc_args_value(&args, "root-dir");
  if (lc_args_has(&args, "config-path")) cli->config_path = lc_args_value(&args, "config-path");
  bool help = !lc_failed(err) && lc_args_has(&args, "help");
  if (!lc_failed(err) && !help && args.positionals.count > command->arguments_max)
    err = lc_fail(LC_ERR_USAGE, "one argument too many: %s", args.positionals.items[command->arguments_max]);
  if (help) {
    lc_cli_print_help(command);
  } else if (!lc_failed(err)) {
    err = lc_config_open(&cli->config, cli->root_directory, cli->config_path);
    if (!lc_failed(err)) err = command->run(cli, &args);
    lc_config_close(&cli->config);
  }
  lc_args_deinit(&args);
  return err;
}

int lc_cli_main(int argc, char **argv) {
  lc_cli cli = {0};
  int at;
  lc_err err = parse_global(&cli, argc, argv, &at);
  if (!lc_failed(err) && at >= argc) {
    lc_cli_print_help(NULL);
    return 2;
  }
  const lc_command *command = lc_failed(err) ? NULL : find_command(argv[at]);
  if (command)
    err = run(&cli, command, argc - at - 1, argv + at + 1);
  else if (!lc_failed(err))
    err = unknown_command(argv[at]);
  errno = 0;
  if (lc_failed(err))
    fflush(stdout);
  else
    err = check_output();
  int code = 0;
  if (lc_failed(err)) {
    fprintf(stderr, "%sError:%s %s\n", lc_cli_color(2, "\033[1;31m"), lc_cli_color(2, "\033[0m"), lc_err_text(err));
    if (err.code == LC_ERR_USAGE && command)
      fprintf(stderr, "\nUsage: lightcone %s %s\n`lightcone help %s` shows the options.\n", command->name, command->usage, command->name);
    code = err.code == LC_ERR_USAGE ? 2 : 1;
  }
  lc_arena_deinit(&cli.arena);
  return code;
}

const lc_option lc_options_help[] = {LC_OPTION_END};
lc_err lc_command_help(lc_cli *cli, const lc_args *args) {
  const char *name = lc_args_positional(args, 0);
  const lc_command *command = name ? find_command(name) : NULL;
  if (name && !command) return unknown_command(name);
  lc_cli_print_help(command);
  return lc_ok();
}

const lc_option lc_options_version[] = {LC_OPTION_END};
lc_err lc_command_version(lc_cli *cli, const lc_args *args) {
  printf("lightcone " LC_VERSION "\n");
  return lc_ok();
}

/* ---- people ---- */

bool lc_cli_is_terminal(int fd) {
  return isatty(fd) == 1;
}

const char *lc_cli_color(int fd, const char *escape) {
  return lc_cli_is_terminal(fd) && !getenv("NO_COLOR") ? escape : "";
}

void lc_cli_say(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
}

bool lc_cli_ask(const char *question, bool yes) {
  if (yes) {
    lc_cli_say("%s\nSkipping confirmation due to --yes", question);
    return true;
  }
  char answer[16] = "";
  fprintf(stderr, "%s [y/N] ", question);
  if (!fgets(answer, sizeof answer, stdin)) return false;
  answer[strcspn(answer, " \r\n")] = 0;
  return strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0;
}

/* ---- files ---- */

lc_err lc_cli_read_file(const char *path, lc_buf *to) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return lc_fail(errno == ENOENT || errno == ENOTDIR ? LC_ERR_FILE_MISSING : LC_ERR_IO, "opening %s: %s", path, strerror(errno));
  ssize_t got;
  do {
    lc_buf_reserve(to, 64 << 10);
    got = read(fd, to->data + to->len, to->cap - to->len);
    if (got > 0) to->len += (size_t)got;
  } while (got > 0);
  int error = errno;
  close(fd);
  return got < 0 ? lc_fail(LC_ERR_IO, "reading %s: %s", path, strerror(error)) : lc_ok();
}

lc_err lc_cli_write_file(const char *path, lc_span content, unsigned mode) {
  char temporary[4096];
  snprintf(temporary, sizeof temporary, "%s.%d.tmp", path, (int)getpid());
  int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (fd < 0) return lc_fail(LC_ERR_IO, "creating %s: %s", temporary, strerror(errno));
  size_t done = 0;
  while (done < content.len) {
    ssize_t wrote = write(fd, content.ptr + done, content.len - done);
    if (wrote < 0) break;
    done += (size_t)wrote;
  }
  int error = errno;
  close(fd);
  if (done == content.len && rename(temporary, path) == 0) return lc_ok();
  if (done == content.len) error = errno;
  unlink(temporary);
  return lc_fail(LC_ERR_IO, "writing %s: %s", path, strerror(error));
}

lc_err lc_cli_make_directory(const char *path) {
  char *copy = strdup(path);
  lc_err err = lc_ok();
  for (char *slash = copy + 1; !lc_failed(err); slash++) {
    slash += strcspn(slash, "/");
    bool last = *slash == 0;
    *slash = 0;
    if (mkdir(copy, 0777) != 0 && errno != EEXIST) err = lc_fail(LC_ERR_IO, "making directory %s: %s", copy, strerror(errno));
    if (last) break;
    *slash = '/';
  }
  free(copy);
  return err;
}
