#pragma once
/*
 * What one commit record holds: the effects (rows deleted and inserted per table, absolute) and the inputs (what called it).
 * Replaying effects never needs the module.
 *
 *   size  field
 *   1     format       1
 *   1     kind         lc_record_kind
 *   8     timestamp    microseconds since the epoch
 *   32    caller       identity
 *   16    connection   id, zero for none
 *   4+n   function     name of the reducer, empty for none
 *   4+n   arguments    BSATN as the module got them
 *   4     tables       count, then per table, ascending id:
 *         4  table id
 *         1  flags     1: every earlier row of the table is gone (then deletes is 0)
 *         4  deletes   count, 4 bytes of total length, then the rows: without lengths when the table's rows are fixed, else u32 length each
 *         4  inserts   the same
 * Rows carry a u32 length each unless flag 2 (fixed) is set; then a u32 row size stands before the counts.
 */
#include "base/buf.h"
#include "base/error.h"
#include "store/store.h"

typedef enum lc_record_kind { LC_RECORD_REDUCER, LC_RECORD_PUBLISH, LC_RECORD_SQL, LC_RECORD_PROCEDURE, LC_RECORD_SYSTEM } lc_record_kind;

typedef struct lc_record_inputs {
  lc_record_kind kind;
  int64_t timestamp_micros;
  lc_identity caller;
  lc_connection_id connection;
  lc_str function;
  lc_span arguments;
} lc_record_inputs;

/* Exact number of bytes that lc_record_encode writes. */
size_t lc_record_size(const lc_record_inputs *inputs, const lc_delta *delta);
/* Writes the record; returns its length. Tables whose rows are not kept (event tables) are left out. */
size_t lc_record_encode(uint8_t *to, const lc_record_inputs *inputs, const lc_delta *delta);
/* Applies a record (untrusted bytes) to a store. Errors: LC_ERR_LOG_CORRUPT. `inputs` may be NULL; what it borrows lies in `record`. */
lc_err lc_record_apply(lc_span record, lc_store *store, lc_record_inputs *inputs);
