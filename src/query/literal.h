#pragma once
/*
 * Literal text to BSATN, by the type it has to have (sql-and-subscriptions.md 1.7): the class of the token is ignored, so '5' is a valid
 * U32 and 5 a valid String. Untrusted text; nothing is kept.
 */
#include "query/ast.h"

/* Appends the value's BSATN. Errors: LC_ERR_SQL. */
lc_err lc__literal_encode(lc_buf *to, const lc_type *type, lc_str text);
/* Whether all six comparison operators work on the type. */
bool lc__type_is_comparable(const lc_type *type);
bool lc__type_is_bytes(const lc_type *type); /* Array<U8> */
