#pragma once
/* Names that are nearly right: what somebody meant who mistyped a command or a function. */
#include "base/bytes.h"

/* Insertions, deletions, replacements and swaps of neighbours that turn one name into the other; SIZE_MAX for very long names. */
size_t lc_similar_distance(lc_str a, lc_str b);
/* How many of those still pass for a slip in a name of this length. */
size_t lc_similar_allowed(size_t len);
