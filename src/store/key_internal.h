#pragma once
/*
 * Keys of indexes. The key of a row is its indexed columns in the index's order; on the wire the BSATN of those columns, back to back.
 *
 * Three forms are derived from it:
 *   word  when all columns are numbers, bools or enums without payload of at most 8 bytes together: one integer whose order is the key's
 *         order (big-endian concatenation, signs flipped, floats mapped to a total order). Equal words, equal keys.
 *   head  for any key: its first 8 bytes in such an order, left-aligned. Different heads order the keys; equal heads say nothing.
 *   hash  for any key: 64 bits of the BSATN, after giving all NaN one form and -0.0 that of 0.0 (so equal keys have equal hashes).
 *
 * Invariant K1: comparing keys by word, or by head and then column by column with lc_value_compare, is the same order.
 */
#include "base/buf.h"
#include "store/rows_internal.h"

typedef struct lc__atom {
  uint8_t kind; /* lc_type_kind; LC_TYPE_U8 for the tag of an enum */
  uint8_t size;
} lc__atom;

typedef struct lc__key_spec {
  const lc_layout *layout;
  const lc_type *type; /* the column's type, or the product of several, fields without names */
  const uint16_t *columns;
  uint16_t column_count;
  const bool *is_plain_enum; /* per column: any byte may be looked for, also one that is no tag */
  bool is_word;
  bool contiguous; /* the columns lie side by side in the row, in the index's order */
  bool has_floats; /* somewhere inside */
  /* One integer column at a known offset: the hot path. word = load(size) ^ sign. */
  bool is_fast;
  uint8_t fast_size;
  uint32_t fast_offset;
  uint64_t fast_sign;
  uint32_t word_size;     /* bytes of key and word, when is_word */
  lc__atom *atoms;        /* when is_word */
  uint16_t *column_atoms; /* atoms before each column, and in all: column_count + 1 numbers */
  lc_buf *scratch;        /* of the store: gathered and canonical keys */
} lc__key_spec;

/* A whole or partial key to look for. */
typedef struct lc__probe {
  uint64_t head;         /* of the given columns, already shifted right by `shift` */
  uint8_t shift;         /* bits of an entry's head that the given columns do not determine */
  bool exact;            /* equal heads (after the shift) mean equal on the given columns */
  bool blind;            /* the given columns have no byte in the head (empty products): it must not be compared */
  uint16_t column_count; /* how many columns are given */
  const uint8_t *bytes;  /* their BSATN; NULL: take them from `row` */
  const uint8_t *row;
} lc__probe;

/* `columns` and what is derived live in `arena`. */
void lc__key_init(lc__key_spec *spec, lc_arena *arena, const lc_layout *layout, const uint16_t *columns, uint16_t column_count,
                  lc_buf *scratch);

/* Checks `bytes` as the first `column_count` columns of a key and stores their length. Errors: LC_ERR_BSATN. */
lc_err lc__key_validate(const lc__key_spec *spec, uint16_t first, uint16_t column_count, lc_span bytes, size_t *used);

uint64_t lc__key_word_of_bytes(const lc__key_spec *spec, const uint8_t *bytes, uint16_t column_count);
uint64_t lc__key_word_of_row_slow(const lc__key_spec *spec, const uint8_t *row);
static inline uint64_t lc__load_sized(const uint8_t *at, uint8_t size) {
  switch (size) {
    case 1:
      return *at;
    case 2:
      return lc_load16(at);
    case 4:
      return lc_load32(at);
    default:
      return lc_load64(at);
  }
}
static inline uint64_t lc__key_word_of_row(const lc__key_spec *spec, const uint8_t *row) {
  if (__builtin_expect(spec->is_fast, 1)) return lc__load_sized(row + spec->fast_offset, spec->fast_size) ^ spec->fast_sign;
  return lc__key_word_of_row_slow(spec, row);
}

/* The key of a row as BSATN: borrowed from the row, or gathered into the scratch buffer until the next gathering. */
lc_span lc__key_of_row(const lc__key_spec *spec, const uint8_t *row);
uint64_t lc__key_hash(const lc__key_spec *spec, lc_span key);
/* Probes: for all columns of a row, and for the first `column_count` columns given as bytes. `hashed` trees order by hash first. */
lc__probe lc__probe_of_row(const lc__key_spec *spec, bool hashed, const uint8_t *row);
lc__probe lc__probe_of_bytes(const lc__key_spec *spec, bool hashed, const uint8_t *bytes, size_t len, uint16_t column_count);
/* The columns of the probe against those of a row. */
int lc__probe_compare_row(const lc__key_spec *spec, const lc__probe *probe, const uint8_t *row);
/* Whether the key in `key` equals that of the row. */
bool lc__key_equals_row(const lc__key_spec *spec, lc_span key, const uint8_t *row);
/* Of one key column, for values that lc__key_validate accepted. */
int lc__key_value_compare(const lc__key_spec *spec, uint16_t position, const uint8_t *a, const uint8_t *b);
bool lc__type_is_plain_enum(const lc_type *type);
