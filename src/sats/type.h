#pragma once
/*
 * Algebraic types: what a module says its rows, arguments and results look like (docs/formats.md; tags as in BSATN's AlgebraicType).
 *
 * Types are immutable once built and live in the arena of whoever decoded them (a module definition, the catalogue). A typespace is
 * linked after decoding: every LC_TYPE_REF then has its `target`, so no walk needs the typespace; types may be recursive through refs.
 * Threads: read from any.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/cursor.h"
#include "base/error.h"

typedef enum lc_type_kind {
  LC_TYPE_REF,
  LC_TYPE_SUM,
  LC_TYPE_PRODUCT,
  LC_TYPE_ARRAY,
  LC_TYPE_STRING,
  LC_TYPE_BOOL,
  LC_TYPE_I8,
  LC_TYPE_U8,
  LC_TYPE_I16,
  LC_TYPE_U16,
  LC_TYPE_I32,
  LC_TYPE_U32,
  LC_TYPE_I64,
  LC_TYPE_U64,
  LC_TYPE_I128,
  LC_TYPE_U128,
  LC_TYPE_I256,
  LC_TYPE_U256,
  LC_TYPE_F32,
  LC_TYPE_F64,
  LC_TYPE_KIND_COUNT
} lc_type_kind;

/* Structures that tools print and clients map in their own way, recognised by exact names (never through a ref). */
typedef enum lc_special {
  LC_SPECIAL_NONE,
  LC_SPECIAL_IDENTITY,
  LC_SPECIAL_CONNECTION_ID,
  LC_SPECIAL_TIMESTAMP,
  LC_SPECIAL_TIME_DURATION,
  LC_SPECIAL_UUID,
  LC_SPECIAL_SCHEDULE_AT,
  LC_SPECIAL_OPTION,
  LC_SPECIAL_RESULT,
  LC_SPECIAL_QUERY,
} lc_special;

typedef struct lc_type lc_type;

/* A product's element or a sum's variant. */
typedef struct lc_field {
  lc_str name; /* ptr is NULL when it has none */
  const lc_type *type;
} lc_field;

struct lc_type {
  lc_type_kind kind;
  lc_special special;
  uint32_t ref;           /* REF: index in the typespace */
  uint32_t field_count;   /* SUM, PRODUCT */
  const lc_field *fields; /* SUM, PRODUCT */
  const lc_type *element; /* ARRAY */
  const lc_type *target;  /* REF: what it refers to, after lc_typespace_link */
  /* The measure, known once every ref below is linked. Walks rely on it: empty parts are skipped in one step, so the work of a walk is
   * bounded by the bytes walked, however the type is put together. */
  uint32_t fixed_size; /* bytes of every value, when `fixed` */
  uint16_t height;     /* levels below, refs followed, cycles cut; at most LC_TYPE_HEIGHT_MAX */
  uint8_t measured;    /* lc__measure_state */
  bool fixed;          /* every value takes fixed_size bytes */
  bool plain;          /* fixed, and every byte string of that length is a value (numbers only) */
};

typedef struct lc_typespace {
  lc_type **types;
  uint32_t count;
} lc_typespace;

/* The type behind any chain of refs. */
static inline const lc_type *lc_type_resolve(const lc_type *type) {
  while (type->kind == LC_TYPE_REF) type = type->target;
  return type;
}

/* One immutable type per primitive kind (STRING, BOOL, integers, floats); static storage. */
const lc_type *lc_type_primitive(lc_type_kind kind);
/* Builders, in `arena`; `special` is recognised. Names are borrowed. */
lc_type *lc_type_array(lc_arena *arena, const lc_type *element);
lc_type *lc_type_product(lc_arena *arena, const lc_field *fields, uint32_t count);
lc_type *lc_type_sum(lc_arena *arena, const lc_field *fields, uint32_t count);
lc_type *lc_type_ref(lc_arena *arena, uint32_t index);

/*
 * Decodes one BSATN AlgebraicType (untrusted; nesting at most LC_TYPE_DEPTH_MAX) into `arena`, names copied.
 * Errors: LC_ERR_BSATN.
 */
enum { LC_TYPE_DEPTH_MAX = 256, LC_TYPE_HEIGHT_MAX = 1024 };
lc_err lc_type_decode(lc_arena *arena, lc_cursor *from, lc_type **type);
/* The same for a ProductType alone, which is encoded without a tag: the parameters of a function. */
lc_err lc_type_decode_product(lc_arena *arena, lc_cursor *from, lc_type **type);
/* Encodes a type as BSATN, refs as their index. */
void lc_type_encode(lc_buf *to, const lc_type *type);
/* Sets `target` of every ref inside `type` and measures it; the space must be linked. Errors: LC_ERR_MODULE_DEF for an index out of
 * range or a type more than LC_TYPE_HEIGHT_MAX levels high. */
lc_err lc_type_link(const lc_typespace *space, lc_type *type);
/* The same for all types of the space. A ref that leads only to itself is allowed (the reference accepts unused ones): it becomes an
 * empty sum, so that nothing walks in circles. */
lc_err lc_typespace_link(lc_typespace *space);

/*
 * A copy of a linked type without refs, as the catalogue and query results describe rows. Names are borrowed. Errors: LC_ERR_MODULE_DEF
 * when the type contains itself, or has more than LC_TYPE_INLINE_MAX parts.
 */
enum { LC_TYPE_INLINE_MAX = 1 << 16 };
lc_err lc_type_inline(lc_arena *arena, const lc_type *type, const lc_type **copy);

/* Same structure, refs followed; field names count. Recursive types compare equal when their refs are the same pair. */
bool lc_type_equal(const lc_type *a, const lc_type *b);
static inline bool lc_type_is_integer(lc_type_kind kind) {
  return kind >= LC_TYPE_I8 && kind <= LC_TYPE_U256;
}
static inline bool lc_type_is_signed(lc_type_kind kind) {
  return lc_type_is_integer(kind) && (kind - LC_TYPE_I8) % 2 == 0;
}
/* Bytes of a primitive number or bool, 0 for anything else. */
uint32_t lc_type_primitive_size(lc_type_kind kind);
/* Bytes that every value takes, or 0 when values differ in length or take none (see lc_type_is_fixed). */
uint32_t lc_type_fixed_size(const lc_type *type);
/* Whether every value takes the same number of bytes, which is stored in `*size`. */
bool lc_type_is_fixed(const lc_type *type, uint32_t *size);
/* `U32`, `Product` and so on. */
const char *lc_type_kind_name(lc_type_kind kind);
/* The SATS-JSON form of a type (http-api 1.3): `{"Product":{"elements":[…]}}`. */
void lc_type_print_json(lc_buf *to, const lc_type *type);
/* The list of a product's elements or a sum's variants alone: `[{"name":{"some":"id"},"algebraic_type":{"U32":[]}}]`. */
void lc_type_print_fields_json(lc_buf *to, const lc_type *type);
/* The short form of messages and migration plans: `U32`, `Array<U8>`, `(some: String | none: ())`, `(id: U32, name: String)`. Refs are
 * followed (as far as the text stays short), or with _refs written `&3`. */
void lc_type_print(lc_buf *to, const lc_type *type);
void lc_type_print_refs(lc_buf *to, const lc_type *type);
