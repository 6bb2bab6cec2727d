#pragma once
/*
 * The JSON form of values (SATS-JSON, http-api.md 1.2) and the text that tools print. Only at the edges: the HTTP API, v1.json, the CLI.
 * Integers of every width are read and printed exactly; floats are printed with the fewest digits that read back to the same bits.
 */
#include "sats/layout.h"

typedef enum lc_json_style {
  LC_JSON_NAMED,      /* products as objects with column names (positional inside arrays), as rows of stored tables are sent */
  LC_JSON_POSITIONAL, /* products as arrays */
} lc_json_style;

/* Trusted: appends the JSON text of the value at `*at` and moves `*at` behind it. */
void lc_value_print_json(lc_buf *to, const lc_type *type, const uint8_t **at, lc_json_style style);
/* Encodes JSON text (untrusted) as BSATN of `type`. Products may come as arrays or as objects. Errors: LC_ERR_JSON; the message is
 * `PATH: REASON at line L column C` with a path such as `[1].name` (`.` for the whole), or without a path when text follows the value. */
lc_err lc_value_parse_json(lc_buf *to, const lc_type *type, lc_str text);
/* The same for a whole argument list: a JSON array of the product's elements (or an object with their names). */
lc_err lc_arguments_parse_json(lc_buf *to, const lc_type *product, lc_str text);
/* The same, with the function's name in messages. */
lc_err lc_call_parse_json(lc_buf *to, const lc_type *product, lc_str function, lc_str text);
/* Trusted: SATN, the form of error messages: `(0 = "t", 1 = "x")`, `"text"`, `17`. Moves `*at` behind the value. */
void lc_value_print_satn(lc_buf *to, const lc_type *type, const uint8_t **at);
/* JSON string escapes with quotes. */
void lc_json_put_string(lc_buf *to, lc_str text);
