#pragma once
/* Where a module definition can come from: a server, or a compiled module. */
#include "cli/remote.h"
#include "schema/module_def.h"

/* GET …/schema?version=10, and what it says as a definition (canonical names). `*def` is freed with lc_module_def_destroy. */
lc_err lc_definition_from_server(lc_cli *cli, const lc_remote *remote, const char *identity, lc_module_def **def);
/* Runs the module's description function. Errors: LC_ERR_WASM, LC_ERR_TRAP, LC_ERR_MODULE_INVALID with every violation. */
lc_err lc_definition_from_wasm(lc_span wasm, lc_module_def **def);
/* The raw definition in SATS-JSON as BSATN; `to` gets what __describe_module__ would have written. */
lc_err lc_definition_json_to_bsatn(lc_str json, lc_buf *to);
/* A type as people write it: `U64`, `Array<T>`, `Option<T>`, `Identity`, `()`, or the name of a definition. */
void lc_definition_put_type(lc_buf *to, const lc_module_def *def, const lc_type *type);
/* One value in the typed form of SATS-JSON: products as objects, sums as `{"variant":value}`. Trusted; moves `*at` behind it. */
void lc_definition_put_value(lc_buf *to, const lc_type *type, const uint8_t **at);
