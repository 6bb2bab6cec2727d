#pragma once
/*
 * Part of lightcone.h: BSATN, the encoding of rows and arguments, and how each type describes itself.
 *
 * A type token T (u64, string, option_u32, a declared name, …) stands for five things:
 *   lc_c_T                      its C type
 *   lc_put_T, lc_get_T          encode and decode a value
 *   lc_describe_T               writes its AlgebraicType
 *   lc_filterable_T             whether it can be an index key
 *   lc_integer_T                whether the database can number it
 *
 * Values are little endian; a string is u32 length and bytes, an array u32 count and elements, a product its fields, a sum one tag byte
 * and the variant. Bytes from the host are valid: it checks rows and arguments before a module sees them.
 */

typedef struct lc_writer { uint8_t *data; uint32_t len, cap; } lc_writer;
typedef struct lc_reader { const uint8_t *at, *end; } lc_reader;

uint8_t *lc__extend(lc_writer *writer, uint32_t len);
static inline void lc__put(lc_writer *writer, const void *bytes, uint32_t len) { __builtin_memcpy(lc__extend(writer, len), bytes, len); }
static inline void lc__put8(lc_writer *writer, uint8_t v) { *lc__extend(writer, 1) = v; }
static inline void lc__put32(lc_writer *writer, uint32_t v) { lc__put(writer, &v, 4); }
const uint8_t *lc__take(lc_reader *reader, uint32_t len);
static inline uint32_t lc__get32(lc_reader *reader) { uint32_t v; __builtin_memcpy(&v, lc__take(reader, 4), 4); return v; }
static inline uint8_t lc__get8(lc_reader *reader) { return *lc__take(reader, 1); }

/* ---- descriptions ---- */

enum lc__tag {
  LC__REF, LC__SUM_TYPE, LC__PRODUCT_TYPE, LC__ARRAY_TYPE, LC__STRING, LC__BOOL, LC__I8, LC__U8, LC__I16, LC__U16, LC__I32, LC__U32,
  LC__I64, LC__U64, LC__I128, LC__U128, LC__I256, LC__U256, LC__F32, LC__F64
};

typedef struct lc_describer lc_describer;
typedef void lc_describe_fn(lc_describer *describer);
/* A type with a name: described once in the typespace, referred to by number. */
typedef struct lc__named_type {
  const char *name;
  lc_describe_fn *body;
  uint32_t number; /* in the typespace, plus 1; 0: not used yet */
  struct lc__named_type *next;
} lc__named_type;
struct lc_describer {
  lc_writer *out;
  lc__named_type *first, *last;
  uint32_t count;
};

typedef struct lc__element { const char *name; lc_describe_fn *describe; } lc__element;
void lc__describe_tag(lc_describer *describer, enum lc__tag tag);
void lc__describe_elements(lc_describer *describer, enum lc__tag product_or_sum, const lc__element *elements, uint32_t count);
void lc__describe_one_field(lc_describer *describer, const char *name, enum lc__tag tag);
void lc__describe_named(lc_describer *describer, lc__named_type *type);
void lc__describe_option(lc_describer *describer, lc_describe_fn *value);
void lc__describe_array(lc_describer *describer, lc_describe_fn *element);
void lc_describe_unit(lc_describer *describer);
void lc_describe_schedule_at(lc_describer *describer);

#define LC__FN static inline __attribute__((unused))

/* ---- types of a fixed size: their memory is their encoding ---- */

#define LC__DEFINE_FIXED(T, C, filterable, integer, description)                                                     \
  typedef C lc_c_##T;                                                                                                \
  enum { lc_filterable_##T = filterable, lc_integer_##T = integer };                                                 \
  LC__FN void lc_put_##T(lc_writer *writer, const lc_c_##T *value) { lc__put(writer, value, sizeof *value); }        \
  LC__FN void lc_get_##T(lc_reader *reader, lc_c_##T *value) {                                                       \
    __builtin_memcpy(value, lc__take(reader, sizeof *value), sizeof *value);                                         \
  }                                                                                                                  \
  LC__FN void lc_describe_##T(lc_describer *describer) { description; }                                              \
  LC__DEFINE_CONTAINERS(T)

/* option_T and array_T of any T */
#define LC__DEFINE_CONTAINERS(T) LC__DEFINE_OPTION(T) LC__DEFINE_ARRAY(T)
#define LC__DEFINE_OPTION(T)                                                                                         \
  typedef struct option_##T { bool some; lc_c_##T value; } option_##T;                                               \
  typedef option_##T lc_c_option_##T;                                                                                \
  enum { lc_filterable_option_##T = 0, lc_integer_option_##T = 0 };                                                  \
  LC__FN void lc_put_option_##T(lc_writer *writer, const option_##T *option) {                                       \
    lc__put8(writer, option->some ? 0 : 1);                                                                          \
    if (option->some) lc_put_##T(writer, &option->value);                                                            \
  }                                                                                                                  \
  LC__FN void lc_get_option_##T(lc_reader *reader, option_##T *option) {                                             \
    *option = (option_##T){.some = lc__get8(reader) == 0};                                                           \
    if (option->some) lc_get_##T(reader, &option->value);                                                            \
  }                                                                                                                  \
  LC__FN void lc_describe_option_##T(lc_describer *describer) { lc__describe_option(describer, lc_describe_##T); }
#define LC__DEFINE_ARRAY(T)                                                                                          \
  typedef struct array_##T { const lc_c_##T *items; uint32_t count; } array_##T;                                     \
  typedef array_##T lc_c_array_##T;                                                                                  \
  enum { lc_filterable_array_##T = 0, lc_integer_array_##T = 0 };                                                    \
  LC__FN void lc_put_array_##T(lc_writer *writer, const array_##T *array) {                                          \
    lc__put32(writer, array->count);                                                                                 \
    for (uint32_t i = 0; i < array->count; i++) lc_put_##T(writer, &array->items[i]);                                \
  }                                                                                                                  \
  LC__FN void lc_get_array_##T(lc_reader *reader, array_##T *array) {                                                \
    uint32_t count = lc__get32(reader);                                                                              \
    lc_c_##T *items = lc_alloc(count * sizeof(lc_c_##T));                                                            \
    for (uint32_t i = 0; i < count; i++) lc_get_##T(reader, &items[i]);                                              \
    *array = (array_##T){items, count};                                                                              \
  }                                                                                                                  \
  LC__FN void lc_describe_array_##T(lc_describer *describer) { lc__describe_array(describer, lc_describe_##T); }
#define LC_OPTION(T) LC__DEFINE_OPTION(T)
#define LC_ARRAY(T) LC__DEFINE_ARRAY(T)

#define LC__DEFINE_NUMBER(T, C, filterable, integer, TAG) LC__DEFINE_FIXED(T, C, filterable, integer, lc__describe_tag(describer, TAG))
#define LC__DEFINE_SPECIAL(T, C, field, TAG) LC__DEFINE_FIXED(T, C, 1, 0, lc__describe_one_field(describer, field, TAG))

/* `bool` is a macro before C23, and then arrives here as _Bool. */
LC__DEFINE_NUMBER(_Bool, _Bool, 1, 0, LC__BOOL)
#ifndef bool
LC__DEFINE_NUMBER(bool, bool, 1, 0, LC__BOOL)
#endif
LC__DEFINE_NUMBER(u8, uint8_t, 1, 1, LC__U8)
LC__DEFINE_NUMBER(i8, int8_t, 1, 1, LC__I8)
LC__DEFINE_NUMBER(u16, uint16_t, 1, 1, LC__U16)
LC__DEFINE_NUMBER(i16, int16_t, 1, 1, LC__I16)
LC__DEFINE_NUMBER(u32, uint32_t, 1, 1, LC__U32)
LC__DEFINE_NUMBER(i32, int32_t, 1, 1, LC__I32)
LC__DEFINE_NUMBER(u64, uint64_t, 1, 1, LC__U64)
LC__DEFINE_NUMBER(i64, int64_t, 1, 1, LC__I64)
LC__DEFINE_NUMBER(u128, unsigned __int128, 1, 1, LC__U128)
LC__DEFINE_NUMBER(i128, __int128, 1, 1, LC__I128)
LC__DEFINE_NUMBER(u256, lc_u256, 1, 0, LC__U256)
LC__DEFINE_NUMBER(i256, lc_u256, 1, 0, LC__I256)
LC__DEFINE_NUMBER(f32, float, 0, 0, LC__F32)
LC__DEFINE_NUMBER(f64, double, 0, 0, LC__F64)
LC__DEFINE_SPECIAL(identity, lc_identity, "__identity__", LC__U256)
LC__DEFINE_SPECIAL(connection_id, lc_connection_id, "__connection_id__", LC__U128)
LC__DEFINE_SPECIAL(timestamp, lc_timestamp, "__timestamp_micros_since_unix_epoch__", LC__I64)
LC__DEFINE_SPECIAL(time_duration, lc_time_duration, "__time_duration_micros__", LC__I64)
LC__DEFINE_SPECIAL(uuid, lc_uuid, "__uuid__", LC__U128)

/* ---- the others ---- */

typedef lc_unit lc_c_unit;
enum { lc_filterable_unit = 0, lc_integer_unit = 0 };
LC__FN void lc_put_unit(lc_writer *writer, const lc_unit *value) { (void)writer, (void)value; }
LC__FN void lc_get_unit(lc_reader *reader, lc_unit *value) { (void)reader, (void)value; }

typedef lc_string lc_c_string;
enum { lc_filterable_string = 1, lc_integer_string = 0 };
LC__FN void lc_put_string(lc_writer *writer, const lc_string *value) {
  lc__put32(writer, value->len);
  lc__put(writer, value->ptr, value->len);
}
LC__FN void lc_get_string(lc_reader *reader, lc_string *value) {
  uint32_t len = lc__get32(reader);
  *value = (lc_string){(const char *)lc__take(reader, len), len};
}
LC__FN void lc_describe_string(lc_describer *describer) { lc__describe_tag(describer, LC__STRING); }
LC__DEFINE_CONTAINERS(string)

typedef lc_bytes lc_c_bytes;
enum { lc_filterable_bytes = 0, lc_integer_bytes = 0 };
LC__FN void lc_put_bytes(lc_writer *writer, const lc_bytes *value) {
  lc__put32(writer, value->len);
  lc__put(writer, value->ptr, value->len);
}
LC__FN void lc_get_bytes(lc_reader *reader, lc_bytes *value) {
  uint32_t len = lc__get32(reader);
  *value = (lc_bytes){lc__take(reader, len), len};
}
LC__FN void lc_describe_bytes(lc_describer *describer) { lc__describe_array(describer, lc_describe_u8); }
LC__DEFINE_CONTAINERS(bytes)

typedef lc_schedule_at lc_c_schedule_at;
enum { lc_filterable_schedule_at = 0, lc_integer_schedule_at = 0 };
LC__FN void lc_put_schedule_at(lc_writer *writer, const lc_schedule_at *value) {
  lc__put8(writer, value->kind);
  lc__put(writer, &value->micros, 8);
}
LC__FN void lc_get_schedule_at(lc_reader *reader, lc_schedule_at *value) {
  value->kind = (enum lc_schedule_kind)lc__get8(reader);
  __builtin_memcpy(&value->micros, lc__take(reader, 8), 8);
}
