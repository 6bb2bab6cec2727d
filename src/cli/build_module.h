#pragma once
/*
 * Compiling a module directory to WebAssembly. Cargo.toml makes it Rust; otherwise .c files make it C.
 *
 * Rust: with the wasm32-unknown-unknown target of the toolchain when it has one, otherwise the standard library is built from the
 * toolchain's sources. C: the newest clang with WebAssembly support, wasm-ld, and the SDK's lightcone.c.
 */
#include "base/arena.h"
#include "base/error.h"

typedef struct lc_build_options {
  bool debug;
  const char *features;       /* of cargo; NULL */
  const char *lint_directory; /* NULL: src; "": none */
} lc_build_options;

/* The path of the compiled module, in `arena`. Errors: LC_ERR_BUILD; what the compiler said has gone to standard error. */
lc_err lc_build_module(lc_arena *arena, const char *directory, const lc_build_options *options, const char **wasm_path);
/* Whether a directory looks like a module. */
bool lc_build_is_module(const char *directory);
