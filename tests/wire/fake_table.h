#pragma once
/*
 * Tables for tests of encoders, without a store: what encoders ask of a table is its name, id, row type and whether it is an event table.
 * These definitions take the place of the store's, which is not linked here.
 */
#include "store/store.h"

struct lc_table {
  uint32_t id;
  lc_str name;
  lc_table_def def;
  const lc_layout *layout;
};

uint32_t lc_table_id(const lc_table *table) {
  return table->id;
}
lc_str lc_table_name(const lc_table *table) {
  return table->name;
}
const lc_table_def *lc_table_def_of(const lc_table *table) {
  return &table->def;
}
const lc_layout *lc_table_layout(const lc_table *table) {
  return table->layout;
}
