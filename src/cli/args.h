#pragma once
/*
 * Command lines: options as tables. `--name value`, `--name=value`, `-n value`, `-nvalue`; flags without a value; `--` ends options.
 * Values are borrowed from argv.
 */
#include "base/error.h"
#include "base/vec.h"

typedef enum lc_option_kind {
  LC_OPTION_FLAG,
  LC_OPTION_VALUE,
  LC_OPTION_OPTIONAL, /* a value only when attached with `=` */
} lc_option_kind;

typedef struct lc_option {
  const char *name, *alias; /* without dashes; alias may be NULL */
  char letter;              /* 0: none */
  lc_option_kind kind;
  const char *value; /* what the help calls it, and what it must be: `N` a whole number, `SECONDS` a number, `a|b` one of these words */
  const char *help;  /* NULL: not shown */
} lc_option;

typedef struct lc_args {
  LC_VEC(const char *) positionals;
  LC_VEC(struct lc_given {
    const lc_option *option;
    const char *value;
  })
  given;
} lc_args;

/* `options` ends with a row whose name is NULL. Errors: LC_ERR_USAGE with what is wrong. */
lc_err lc_args_parse(lc_args *args, const lc_option *const *tables, size_t table_count, int argc, char **argv);
void lc_args_deinit(lc_args *args);
/* Whether it was given; its last value (NULL for a flag). */
bool lc_args_has(const lc_args *args, const char *name);
const char *lc_args_value(const lc_args *args, const char *name);
const char *lc_args_positional(const lc_args *args, size_t index); /* NULL when there are fewer */
