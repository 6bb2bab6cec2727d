/* Command lines: every way to write an option, and what is refused. */
#include "cli/args.h"

#include "harness.h"

static const lc_option options[] = {
    {"server", NULL, 's', LC_OPTION_VALUE, "SERVER", ""},
    {"delete-data", "clear-database", 'c', LC_OPTION_OPTIONAL, "HOW", ""},
    {"follow", NULL, 'f', LC_OPTION_FLAG, NULL, ""},
    {"num-lines", NULL, 'n', LC_OPTION_VALUE, "N", ""},
    {0},
};

static lc_err parse(lc_args *args, int count, char **argv) {
  const lc_option *tables[] = {options};
  return lc_args_parse(args, tables, 1, count, argv);
}
#define PARSE(args, ...) parse(args, sizeof((char *[]){__VA_ARGS__}) / sizeof(char *), (char *[]){__VA_ARGS__})

TEST(values_may_be_attached_or_follow) {
  struct {
    char *argv[3];
    int count;
  } cases[] = {{{"--server", "x"}, 2}, {{"--server=x"}, 1}, {{"-s", "x"}, 2}, {{"-sx"}, 1}, {{"-s=x"}, 1}, {{"-fs", "x"}, 2}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    lc_args args = {0};
    expect_ok(parse(&args, cases[i].count, cases[i].argv));
    expect_text(lc_args_value(&args, "server"), "x");
    expect_equal(args.positionals.count, 0);
    lc_args_deinit(&args);
  }
}

TEST(optional_values_are_taken_only_with_equals) {
  lc_args args = {0};
  expect_ok(PARSE(&args, "--delete-data", "chat", "-c=never"));
  expect_text(lc_args_positional(&args, 0), "chat");
  expect_text(lc_args_value(&args, "delete-data"), "never"); /* the last one counts */
  lc_args_deinit(&args);
  args = (lc_args){0};
  expect_ok(PARSE(&args, "--clear-database=on-conflict", "-c"));
  expect(lc_args_has(&args, "delete-data"));
  expect_null(lc_args_value(&args, "delete-data"));
  lc_args_deinit(&args);
}

TEST(positionals_in_between_and_after_dashes) {
  lc_args args = {0};
  expect_ok(PARSE(&args, "chat", "-f", "add", "-5", "--", "--server"));
  expect_equal(args.positionals.count, 4);
  expect_text(lc_args_positional(&args, 2), "-5"); /* a number */
  expect_text(lc_args_positional(&args, 3), "--server");
  expect(lc_args_has(&args, "follow"));
  expect_null(lc_args_positional(&args, 4));
  lc_args_deinit(&args);
}

TEST(mistakes_are_usage_errors) {
  struct {
    char *argv[2];
    int count;
    const char *says;
  } cases[] = {
      {{"--nope"}, 1, "unknown option --nope"},
      {{"-x"}, 1, "unknown option -x"},
      {{"--server"}, 1, "option --server needs a value: <SERVER>"},
      {{"-n"}, 1, "option -n needs a value: <N>"},
      {{"--follow=yes"}, 1, "option --follow takes no value"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    lc_args args = {0};
    lc_err err = parse(&args, cases[i].count, cases[i].argv);
    expect_equal(err.code, LC_ERR_USAGE);
    expect_text(lc_err_text(err), cases[i].says);
    lc_args_deinit(&args);
  }
}
