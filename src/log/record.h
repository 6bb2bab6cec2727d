#pragma once
/*
 * What one commit record holds: the inputs (what called it) and the effects (rows deleted and inserted per table, absolute: present,
 * absent). Replaying effects never needs the module. All numbers little endian. docs/formats.md has the same tables.
 *
 *   size   field
 *   1      format       1
 *   1      kind         lc_record_kind
 *   8      timestamp    microseconds since the epoch
 *   32     caller       identity
 *   16     connection   id, zero for none
 *   4+n    function     length, name of the reducer; empty for none
 *   4+n    arguments    length, BSATN as the module got them
 *   4      tables       how many follow, by ascending id; none without a row or the truncated flag
 *
 * A table:
 *
 *   4      table id
 *   1      flags        1 truncated: every earlier row of the table is gone, and deletes is 0
 *                       2 fixed: all rows have the same length
 *   4      row size     only with the fixed flag
 *   4      deletes      how many rows
 *   4      inserts      how many rows
 *   n      rows         the deleted, then the inserted: BSATN; each with its length (4 bytes) before it unless the fixed flag is set
 *
 * Rows of event tables are not kept, nor those of a table that was dropped in the same transaction (its rows in the system tables say so).
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

/* Exact number of bytes that lc_record_encode writes for the same arguments. */
size_t lc_record_size(const lc_record_inputs *inputs, const lc_delta *delta);
/* Writes the record; returns its length. */
size_t lc_record_encode(uint8_t *to, const lc_record_inputs *inputs, const lc_delta *delta);
/* Checks the structure of a record (untrusted bytes) and reads its inputs. Errors: LC_ERR_LOG_CORRUPT. What `inputs` borrows lies in
 * `record`. */
lc_err lc_record_inputs_read(lc_span record, lc_record_inputs *inputs);
/*
 * Applies a record (untrusted bytes) to a store, which must not be in a transaction. A malformed record changes nothing; where the rows do
 * not fit the tables the store is left half-way and must be thrown away. Errors: LC_ERR_LOG_CORRUPT. `inputs` may be NULL.
 */
lc_err lc_record_apply(lc_span record, lc_store *store, lc_record_inputs *inputs);
