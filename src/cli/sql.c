/* `lightcone sql`: one statement, printed as a table or as the server's JSON. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/remote.h"

const lc_option lc_options_sql[] = {
    LC_OPTION_SERVER,
    {"format", NULL, 0, LC_OPTION_VALUE, "text|json", "a table, or the server's answer as it is"},
    {"json", NULL, 0, LC_OPTION_FLAG, NULL, "the same as --format json"},
    LC_OPTION_CONFIRMED,
    LC_OPTION_ANONYMOUS,
    LC_OPTION_YES,
    LC_OPTION_NO_CONFIG,
    LC_OPTION_END,
};

/* ---- values: types and values are both JSON here, values positional ---- */

static void put_value(lc_buf *to, json_t *type, json_t *value);

static const char *element_name(json_t *element) {
  return json_string_value(json_object_get(json_object_get(element, "name"), "some"));
}

static void put_time(lc_buf *to, int64_t micros) {
  int64_t seconds = micros / 1000000, rest = micros % 1000000;
  if (rest < 0) seconds--, rest += 1000000;
  time_t when = (time_t)seconds;
  struct tm parts;
  gmtime_r(&when, &parts);
  char text[64];
  strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  lc_buf_printf(to, "%s.%06" PRId64 "+00:00", text, rest);
}

/* Products of one specially named field print as what they mean. */
static bool put_special(lc_buf *to, const char *name, json_t *value) {
  json_t *inner = json_is_object(value) ? json_object_get(value, name) : json_array_get(value, 0);
  int64_t micros = json_integer_value(inner);
  if (strcmp(name, "__identity__") == 0 && json_is_string(inner)) {
    const char *digits = json_string_value(inner) + 2;
    lc_buf_put_text(to, "0x");
    for (size_t i = strlen(digits); i < 64; i++) lc_buf_put8(to, '0');
    lc_buf_put_text(to, digits);
  } else if (strcmp(name, "__timestamp_micros_since_unix_epoch__") == 0) {
    put_time(to, micros);
  } else if (strcmp(name, "__time_duration_micros__") == 0) {
    int64_t size = micros < 0 ? -micros : micros;
    lc_buf_printf(to, "%c%" PRId64 ".%06" PRId64, micros < 0 ? '-' : '+', size / 1000000, size % 1000000);
  } else {
    return false;
  }
  return true;
}

static void put_product(lc_buf *to, json_t *elements, json_t *value) {
  const char *only = json_array_size(elements) == 1 ? element_name(json_array_get(elements, 0)) : NULL;
  if (only && strncmp(only, "__", 2) == 0 && put_special(to, only, value)) return;
  lc_buf_put8(to, '(');
  size_t index;
  json_t *element;
  json_array_foreach(elements, index, element) {
    const char *name = element_name(element);
    if (name)
      lc_buf_printf(to, "%s%s = ", index ? ", " : "", name);
    else
      lc_buf_printf(to, "%scol_%zu = ", index ? ", " : "", index);
    put_value(to, json_object_get(element, "algebraic_type"),
              json_is_object(value) && name ? json_object_get(value, name) : json_array_get(value, index));
  }
  lc_buf_put8(to, ')');
}

static void put_sum(lc_buf *to, json_t *variants, json_t *value) {
  size_t tag = (size_t)json_integer_value(json_array_get(value, 0));
  json_t *variant = json_array_get(variants, tag);
  const char *name = element_name(variant);
  if (name)
    lc_buf_printf(to, "(%s = ", name);
  else
    lc_buf_printf(to, "(%zu = ", tag);
  put_value(to, json_object_get(variant, "algebraic_type"), json_array_get(value, 1));
  lc_buf_put8(to, ')');
}

static void put_value(lc_buf *to, json_t *type, json_t *value) {
  json_t *product = json_object_get(type, "Product"), *sum = json_object_get(type, "Sum"), *array = json_object_get(type, "Array");
  if (product && (json_is_array(value) || json_is_object(value))) {
    put_product(to, json_object_get(product, "elements"), value);
  } else if (sum && json_is_array(value)) {
    put_sum(to, json_object_get(sum, "variants"), value);
  } else if (array && json_is_array(value)) {
    lc_buf_put8(to, '[');
    size_t index;
    json_t *item;
    json_array_foreach(value, index, item) {
      if (index) lc_buf_put_text(to, ", ");
      put_value(to, array, item);
    }
    lc_buf_put8(to, ']');
  } else if (json_is_string(value)) {
    bool hex = json_object_get(type, "U256") || json_object_get(type, "I256");
    lc_buf_printf(to, array ? "0x%s" : hex ? "%s" : "\"%s\"", json_string_value(value));
  } else {
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
    lc_buf_put_text(to, text ? text : "");
    free(text);
  }
}

/* ---- tables ---- */

static size_t width_of(lc_str text) { /* characters, not bytes */
  size_t width = 0;
  for (size_t i = 0; i < text.len; i++) width += ((uint8_t)text.ptr[i] & 0xc0) != 0x80;
  return width;
}

static void put_cell(lc_buf *to, lc_str text, size_t width, bool last) {
  lc_buf_printf(to, " %.*s", LC_STR_ARGS(text));
  for (size_t i = width_of(text); i < width; i++) lc_buf_put8(to, ' ');
  lc_buf_put_text(to, last ? " \n" : " |");
}

static void print_table(lc_cli *cli, json_t *statement) {
  json_t *elements = json_object_get(json_object_get(statement, "schema"), "elements"), *rows = json_object_get(statement, "rows");
  size_t columns = json_array_size(elements), count = json_array_size(rows);
  if (columns == 0) return;
  lc_str *cells = LC_ARENA_ARRAY(&cli->arena, lc_str, (count + 1) * columns);
  size_t *widths = LC_ARENA_ARRAY(&cli->arena, size_t, columns);
  lc_buf text = {0};
  for (size_t r = 0; r <= count; r++)
    for (size_t c = 0; c < columns; c++) {
      json_t *element = json_array_get(elements, c);
      lc_buf_clear(&text);
      if (r > 0)
        put_value(&text, json_object_get(element, "algebraic_type"), json_array_get(json_array_get(rows, r - 1), c));
      else if (element_name(element))
        lc_buf_put_text(&text, element_name(element));
      else
        lc_buf_printf(&text, "column %zu", c);
      cells[r * columns + c] = lc_arena_str(&cli->arena, lc_buf_str(&text));
      size_t width = width_of(cells[r * columns + c]);
      if (width > widths[c]) widths[c] = width;
    }
  lc_buf_clear(&text);
  for (size_t r = 0; r <= count; r++) {
    for (size_t c = 0; c < columns; c++) put_cell(&text, cells[r * columns + c], widths[c], c + 1 == columns);
    if (r > 0) continue;
    for (size_t c = 0; c < columns; c++) {
      for (size_t i = 0; i < widths[c] + 2; i++) lc_buf_put8(&text, '-');
      lc_buf_put_text(&text, c + 1 == columns ? "\n" : "+");
    }
  }
  fwrite(text.data, 1, text.len, stdout);
  lc_buf_deinit(&text);
}

static lc_err print_answer(lc_cli *cli, lc_str body) {
  json_error_t why;
  json_t *answer = json_loadb(body.ptr, body.len, JSON_DECODE_ANY, &why);
  size_t index;
  json_t *statement;
  if (!answer) { /* integers beyond 64 bits: jansson cannot hold them, the server's text can */
    fwrite(body.ptr, 1, body.len, stdout);
    putchar('\n');
    return lc_ok();
  }
  json_array_foreach(answer, index, statement) {
    if (index) putchar('\n');
    print_table(cli, statement);
  }
  json_decref(answer);
  return lc_ok();
}

lc_err lc_command_sql(lc_cli *cli, const lc_args *args) {
  lc_remote remote = {0};
  lc_http_result result = {0};
  lc_buf query = {0};
  const char *name, *identity, *format = lc_args_value(args, "format"), *confirmed = lc_args_value(args, "confirmed");
  size_t rest;
  LC_TRY(lc_remote_target(cli, args, 1, &remote, &name, &identity, &rest));
  for (size_t i = rest; i < args->positionals.count; i++) lc_buf_printf(&query, "%s%s", i > rest ? " " : "", args->positionals.items[i]);
  bool json = lc_args_has(args, "json") || (format && strcmp(format, "json") == 0);
  lc_err err = lc_remote_request(cli, &remote, "POST", lc_buf_span(&query), "text/plain", &result, "running the statement",
                                 "database/%s/sql%s%s", identity, confirmed ? "?confirmed=" : "", confirmed ? confirmed : "");
  if (!lc_failed(err) && json)
    printf("%.*s\n", LC_STR_ARGS(lc_buf_str(&result.body)));
  else if (!lc_failed(err))
    err = print_answer(cli, lc_buf_str(&result.body));
  lc_http_result_deinit(&result);
  lc_buf_deinit(&query);
  return err;
}
