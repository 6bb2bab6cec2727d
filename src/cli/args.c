#include "cli/args.h"

#include <stdlib.h>
#include <string.h>

static const lc_option *find_long(const lc_option *const *tables, size_t table_count, const char *name, size_t len) {
  for (size_t t = 0; t < table_count; t++)
    for (const lc_option *option = tables[t]; option && option->name; option++) {
      if (strlen(option->name) == len && memcmp(option->name, name, len) == 0) return option;
      if (option->alias && strlen(option->alias) == len && memcmp(option->alias, name, len) == 0) return option;
    }
  return NULL;
}

static const lc_option *find_letter(const lc_option *const *tables, size_t table_count, char letter) {
  for (size_t t = 0; t < table_count; t++)
    for (const lc_option *option = tables[t]; option && option->name; option++)
      if (option->letter == letter) return option;
  return NULL;
}

/* Whether the first `len` bytes of `text` are one of the words of `words`, which `|` separates. */
static bool is_one_of(const char *words, const char *text, size_t len) {
  for (; *words; words += strcspn(words, "|"), words += *words == '|')
    if (strcspn(words, "|") == len && memcmp(words, text, len) == 0) return true;
  return false;
}

static bool is_number(const char *text, bool whole) {
  char *end;
  if (text[0] < '0' || text[0] > '9' || text[strspn(text, whole ? "0123456789" : "0123456789.")]) return false;
  strtod(text, &end);
  return *end == 0;
}

static lc_err give(lc_args *args, const lc_option *option, const char *value) {
  struct lc_given given = {option, value};
  lc_vec_push(&args->given, given);
  if (!value || !option->value) return lc_ok();
  bool seconds = strcmp(option->value, "SECONDS") == 0;
  if ((seconds || strcmp(option->value, "N") == 0) && !is_number(value, !seconds))
    return lc_fail(LC_ERR_USAGE, "--%s %s: a %snumber is expected", option->name, value, seconds ? "" : "whole ");
  if (!strchr(option->value, '|')) return lc_ok();
  const char *item = value;
  do { /* several words, separated by commas, only where the option may stand alone */
    size_t len = strcspn(item, option->kind == LC_OPTION_OPTIONAL ? "," : "");
    if (!is_one_of(option->value, item, len)) return lc_fail(LC_ERR_USAGE, "--%s %s: expected is %s", option->name, value, option->value);
    item += len;
  } while (*item++ == ',');
  return lc_ok();
}

/* `text` is the argument without its dashes; `next` the argument behind it or NULL. `*used_next` tells whether that was taken. */
static lc_err parse_long(lc_args *args, const lc_option *const *tables, size_t table_count, const char *text, const char *next,
                         bool *used_next) {
  const char *equals = strchr(text, '=');
  size_t len = equals ? (size_t)(equals - text) : strlen(text);
  const lc_option *option = find_long(tables, table_count, text, len);
  if (!option) return lc_fail(LC_ERR_USAGE, "unknown option --%.*s", (int)len, text);
  if (equals) {
    if (option->kind == LC_OPTION_FLAG) return lc_fail(LC_ERR_USAGE, "option --%s takes no value", option->name);
    LC_TRY(give(args, option, equals + 1));
  } else if (option->kind == LC_OPTION_VALUE) {
    if (!next) return lc_fail(LC_ERR_USAGE, "option --%s needs a value: <%s>", option->name, option->value);
    LC_TRY(give(args, option, next));
    *used_next = true;
  } else {
    LC_TRY(give(args, option, NULL));
  }
  return lc_ok();
}

static lc_err parse_short(lc_args *args, const lc_option *const *tables, size_t table_count, const char *text, const char *next,
                          bool *used_next) {
  for (; *text; text++) {
    const lc_option *option = find_letter(tables, table_count, *text);
    if (!option) return lc_fail(LC_ERR_USAGE, "unknown option -%c", *text);
    if (option->kind == LC_OPTION_FLAG || (option->kind == LC_OPTION_OPTIONAL && text[1] != '=')) {
      LC_TRY(give(args, option, NULL));
      continue;
    }
    const char *value = text[1] == '=' ? text + 2 : text[1] ? text + 1 : next;
    if (!value) return lc_fail(LC_ERR_USAGE, "option -%c needs a value: <%s>", *text, option->value);
    *used_next = value == next;
    LC_TRY(give(args, option, value));
    break;
  }
  return lc_ok();
}

lc_err lc_args_parse(lc_args *args, const lc_option *const *tables, size_t table_count, int argc, char **argv) {
  bool options = true;
  for (int i = 0; i < argc; i++) {
    const char *next = i + 1 < argc ? argv[i + 1] : NULL;
    bool used_next = false;
    if (!options || argv[i][0] != '-' || argv[i][1] == 0) {
      lc_vec_push(&args->positionals, argv[i]);
    } else if (strcmp(argv[i], "--") == 0) {
      options = false;
    } else if (argv[i][1] == '-') {
      LC_TRY(parse_long(args, tables, table_count, argv[i] + 2, next, &used_next));
    } else if (argv[i][1] >= '0' && argv[i][1] <= '9') {
      lc_vec_push(&args->positionals, argv[i]); /* a negative number is an argument of `call` */
    } else {
      LC_TRY(parse_short(args, tables, table_count, argv[i] + 1, next, &used_next));
    }
    i += used_next;
  }
  return lc_ok();
}

void lc_args_deinit(lc_args *args) {
  lc_vec_deinit(&args->positionals);
  lc_vec_deinit(&args->given);
}

static const struct lc_given *find_given(const lc_args *args, const char *name) {
  for (size_t i = args->given.count; i-- > 0;)
    if (strcmp(args->given.items[i].option->name, name) == 0) return &args->given.items[i];
  return NULL;
}

bool lc_args_has(const lc_args *args, const char *name) {
  return find_given(args, name) != NULL;
}

const char *lc_args_value(const lc_args *args, const char *name) {
  const struct lc_given *given = find_given(args, name);
  return given ? given->value : NULL;
}

const char *lc_args_positional(const lc_args *args, size_t index) {
  return index < args->positionals.count ? args->positionals.items[index] : NULL;
}
