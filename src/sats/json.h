#pragma once
/*
 * The JSON form of values (SATS-JSON, http-api.md 1.2) and the text that tools print. Only at the edges: the HTTP API, v1.json, the CLI.
 * Large integers are read and printed exactly (jansson alone holds 64 bits, so numbers are read as text where a type is wide).
 */
#include <jansson.h>

#include "sats/layout.h"

typedef enum lc_json_style {
  LC_JSON_NAMED,      /* products as objects with column names, as rows of stored tables are sent */
  LC_JSON_POSITIONAL, /* products as arrays */
} lc_json_style;

/* Trusted: appends the JSON text of the value at `*at` and moves `*at` behind it. */
void lc_value_print_json(lc_buf *to, const lc_type *type, const uint8_t **at, lc_json_style style);
/* Encodes JSON text (untrusted) as BSATN of `type`. Products may come as arrays or as objects. Errors: LC_ERR_JSON with the path. */
lc_err lc_value_parse_json(lc_buf *to, const lc_type *type, lc_str text);
/* The same for a whole argument list: a JSON array of the product's elements (or an object with their names). */
lc_err lc_arguments_parse_json(lc_buf *to, const lc_type *product, lc_str text);
/* Trusted: SATN, the form of error messages: `(0 = "t", 1 = "x")`, `"text"`, `17`. Moves `*at` behind the value. */
void lc_value_print_satn(lc_buf *to, const lc_type *type, const uint8_t **at);
/* JSON string escapes with quotes. */
void lc_json_put_string(lc_buf *to, lc_str text);
