#pragma once
/* Shared inside src/schema by the files of migrate.h. */
#include "schema/migrate.h"

/*
 * Compares a column's old type with the new one. True when it changed in a way that leaves every stored row valid (variants appended to
 * an enum, at any depth). For every other change one message per line is appended to `errors`.
 */
bool lc__migrate_column_type(lc_buf *errors, const lc_table_def *table, const lc_column_def *column, const lc_type *new_type);
