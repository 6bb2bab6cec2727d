#pragma once
/*
 * Names: which are identifiers, and how a module's spelling becomes the canonical one (module-abi 6.6). The rules are those of the
 * published Rust crates (convert_case 0.6), since clients are generated against their results.
 */
#include "base/arena.h"
#include "base/buf.h"

typedef enum lc_case { LC_CASE_SNAKE, LC_CASE_CAMEL, LC_CASE_PASCAL } lc_case;

/* In `arena`. Words are split at `_`, `-`, space, lower→Upper, letter→digit, digit→letter and before the last capital of an acronym. */
lc_str lc_name_convert(lc_arena *arena, lc_str name, lc_case style);
/* Non-empty, in normalization form C, first character XID_Start or `_`, the others XID_Continue. Otherwise appends why not. */
bool lc_name_is_identifier(lc_str name, lc_buf *why);
