/*
 * Building, decoding, linking and measuring types. A definition is untrusted and may nest deeply, refer in circles, or double in size
 * with every ref; therefore nothing here recurses further than LC_TYPE_DEPTH_MAX inside one type and LC_TYPE_HEIGHT_MAX through refs,
 * and nothing looks at a type twice.
 */
#include "sats/type.h"

#include "sats/sats_internal.h"

/* ------------------------------------------------------------------------------------------------ primitives */

#define PRIMITIVE(k, size, is_plain) \
  [k] = {.kind = k, .fixed_size = (size), .measured = LC__MEASURED, .fixed = (size) != 0, .plain = (is_plain)}
static const lc_type primitives[LC_TYPE_KIND_COUNT] = {
    PRIMITIVE(LC_TYPE_STRING, 0, false), PRIMITIVE(LC_TYPE_BOOL, 1, false), PRIMITIVE(LC_TYPE_I8, 1, true),
    PRIMITIVE(LC_TYPE_U8, 1, true),      PRIMITIVE(LC_TYPE_I16, 2, true),   PRIMITIVE(LC_TYPE_U16, 2, true),
    PRIMITIVE(LC_TYPE_I32, 4, true),     PRIMITIVE(LC_TYPE_U32, 4, true),   PRIMITIVE(LC_TYPE_I64, 8, true),
    PRIMITIVE(LC_TYPE_U64, 8, true),     PRIMITIVE(LC_TYPE_I128, 16, true), PRIMITIVE(LC_TYPE_U128, 16, true),
    PRIMITIVE(LC_TYPE_I256, 32, true),   PRIMITIVE(LC_TYPE_U256, 32, true), PRIMITIVE(LC_TYPE_F32, 4, true),
    PRIMITIVE(LC_TYPE_F64, 8, true),
};
#undef PRIMITIVE

const lc_type *lc_type_primitive(lc_type_kind kind) {
  lc_assert(kind >= LC_TYPE_STRING && kind < LC_TYPE_KIND_COUNT);
  return &primitives[kind];
}

uint32_t lc_type_primitive_size(lc_type_kind kind) {
  return kind > LC_TYPE_STRING && kind < LC_TYPE_KIND_COUNT ? primitives[kind].fixed_size : 0;
}

/* ------------------------------------------------------------------------------------------------ special types */

static bool field_is(const lc_field *field, const char *name) {
  return field->name.ptr != NULL && lc_str_is(field->name, name);
}

static lc_special special_of_product(const lc_type *type) {
  static const struct {
    const char *field;
    lc_type_kind kind;
    lc_special special;
  } table[] = {
      {"__identity__", LC_TYPE_U256, LC_SPECIAL_IDENTITY},
      {"__connection_id__", LC_TYPE_U128, LC_SPECIAL_CONNECTION_ID},
      {"__timestamp_micros_since_unix_epoch__", LC_TYPE_I64, LC_SPECIAL_TIMESTAMP},
      {"__time_duration_micros__", LC_TYPE_I64, LC_SPECIAL_TIME_DURATION},
      {"__uuid__", LC_TYPE_U128, LC_SPECIAL_UUID},
      {"__query__", LC_TYPE_REF, LC_SPECIAL_QUERY},
  };
  if (type->field_count != 1) return LC_SPECIAL_NONE;
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
    if (type->fields[0].type->kind == table[i].kind && field_is(&type->fields[0], table[i].field)) return table[i].special;
  return LC_SPECIAL_NONE;
}

static lc_special special_of_sum(const lc_type *type) {
  if (type->field_count != 2) return LC_SPECIAL_NONE;
  const lc_field *a = &type->fields[0], *b = &type->fields[1];
  if (field_is(a, "some") && field_is(b, "none") && b->type->kind == LC_TYPE_PRODUCT && b->type->field_count == 0) return LC_SPECIAL_OPTION;
  if (field_is(a, "ok") && field_is(b, "err")) return LC_SPECIAL_RESULT;
  if (field_is(a, "Interval") && field_is(b, "Time") && a->type->special == LC_SPECIAL_TIME_DURATION &&
      b->type->special == LC_SPECIAL_TIMESTAMP)
    return LC_SPECIAL_SCHEDULE_AT;
  return LC_SPECIAL_NONE;
}

/* ------------------------------------------------------------------------------------------------ the measure */

/* Computes the measure of `type` when all parts are measured already; otherwise leaves it to the linker. */
static void measure_from_parts(lc_type *type) {
  uint32_t part_count = type->kind == LC_TYPE_ARRAY ? 1 : type->field_count;
  uint32_t height = 0;
  for (uint32_t i = 0; i < part_count; i++) {
    const lc_type *part = type->kind == LC_TYPE_ARRAY ? type->element : type->fields[i].type;
    if (part->measured == LC__UNMEASURED) return;
    /* A part still being measured is one that `type` itself is a part of: a recursive type, never fixed. */
    if (part->height + 1u > height) height = part->height + 1u;
  }
  bool fixed = type->kind != LC_TYPE_ARRAY, plain = type->kind == LC_TYPE_PRODUCT;
  uint64_t size = 0;
  if (type->kind == LC_TYPE_PRODUCT) {
    for (uint32_t i = 0; i < part_count && fixed; i++) {
      const lc_type *part = type->fields[i].type;
      fixed = part->fixed;
      plain = plain && part->plain;
      size += part->fixed_size;
      if (size > LC__FIXED_SIZE_MAX) fixed = false;
    }
  } else if (type->kind == LC_TYPE_SUM) {
    fixed = part_count > 0 && type->fields[0].type->fixed;
    for (uint32_t i = 1; i < part_count && fixed; i++)
      fixed = type->fields[i].type->fixed && type->fields[i].type->fixed_size == type->fields[0].type->fixed_size;
    if (fixed) size = 1 + (uint64_t)type->fields[0].type->fixed_size;
  }
  type->fixed = fixed;
  type->plain = fixed && plain;
  type->fixed_size = fixed ? (uint32_t)size : 0;
  type->height = (uint16_t)(height > LC_TYPE_HEIGHT_MAX + 1 ? LC_TYPE_HEIGHT_MAX + 1 : height);
  type->measured = LC__MEASURED;
}

static lc_err link_measure(lc_type *type, uint32_t level) {
  if (type->measured == LC__MEASURED || type->measured == LC__MEASURING) return lc_ok();
  if (level > LC_TYPE_HEIGHT_MAX)
    return lc_fail(LC_ERR_MODULE_DEF, "types refer to each other more than %d levels deep", LC_TYPE_HEIGHT_MAX);
  type->measured = LC__MEASURING;
  if (type->kind == LC_TYPE_REF) {
    LC_TRY(link_measure((lc_type *)type->target, level + 1));
    type->fixed = type->target->fixed;
    type->plain = type->target->plain;
    type->fixed_size = type->target->fixed_size;
    type->height = type->target->height;
    type->measured = LC__MEASURED;
  } else if (type->kind == LC_TYPE_ARRAY) {
    LC_TRY(link_measure((lc_type *)type->element, level + 1));
    measure_from_parts(type);
  } else {
    for (uint32_t i = 0; i < type->field_count; i++) LC_TRY(link_measure((lc_type *)type->fields[i].type, level + 1));
    measure_from_parts(type);
  }
  if (type->height > LC_TYPE_HEIGHT_MAX) return lc_fail(LC_ERR_MODULE_DEF, "a type is more than %d levels high", LC_TYPE_HEIGHT_MAX);
  return lc_ok();
}

uint32_t lc_type_fixed_size(const lc_type *type) {
  return type->fixed ? type->fixed_size : 0;
}

bool lc_type_is_fixed(const lc_type *type, uint32_t *size) {
  lc_assert(type->measured == LC__MEASURED);
  *size = type->fixed_size;
  return type->fixed;
}

/* ------------------------------------------------------------------------------------------------ builders */

lc_type *lc_type_array(lc_arena *arena, const lc_type *element) {
  lc_type *type = LC_ARENA_NEW(arena, lc_type);
  type->kind = LC_TYPE_ARRAY;
  type->element = element;
  measure_from_parts(type);
  return type;
}

static lc_type *type_of_fields(lc_arena *arena, lc_type_kind kind, const lc_field *fields, uint32_t count) {
  lc_type *type = LC_ARENA_NEW(arena, lc_type);
  type->kind = kind;
  type->field_count = count;
  type->fields = lc_arena_copy(arena, fields, sizeof *fields * count);
  type->special = kind == LC_TYPE_SUM ? special_of_sum(type) : special_of_product(type);
  measure_from_parts(type);
  return type;
}

lc_type *lc_type_product(lc_arena *arena, const lc_field *fields, uint32_t count) {
  return type_of_fields(arena, LC_TYPE_PRODUCT, fields, count);
}
lc_type *lc_type_sum(lc_arena *arena, const lc_field *fields, uint32_t count) {
  return type_of_fields(arena, LC_TYPE_SUM, fields, count);
}

lc_type *lc_type_ref(lc_arena *arena, uint32_t index) {
  lc_type *type = LC_ARENA_NEW(arena, lc_type);
  type->kind = LC_TYPE_REF;
  type->ref = index;
  return type;
}

/* ------------------------------------------------------------------------------------------------ BSATN */

static lc_err decode_fields(lc_arena *arena, lc_cursor *from, lc_type_kind kind, uint32_t depth, lc_type **type);

static lc_err decode_type(lc_arena *arena, lc_cursor *from, uint32_t depth, lc_type **type) {
  if (depth > LC_TYPE_DEPTH_MAX) return lc_fail(LC_ERR_BSATN, "a type is nested more than %d levels deep", LC_TYPE_DEPTH_MAX);
  uint8_t tag;
  LC_TRY(lc__read_u8(from, &tag));
  if (tag >= LC_TYPE_KIND_COUNT) return lc_fail(LC_ERR_BSATN, "unknown tag 0x%x for sum type AlgebraicType", tag);
  switch ((lc_type_kind)tag) {
    case LC_TYPE_REF: {
      uint32_t index;
      LC_TRY(lc__read_u32(from, &index));
      *type = lc_type_ref(arena, index);
      return lc_ok();
    }
    case LC_TYPE_SUM:
    case LC_TYPE_PRODUCT:
      return decode_fields(arena, from, (lc_type_kind)tag, depth, type);
    case LC_TYPE_ARRAY: {
      lc_type *element;
      LC_TRY(decode_type(arena, from, depth + 1, &element));
      *type = lc_type_array(arena, element);
      return lc_ok();
    }
    default:
      *type = (lc_type *)&primitives[tag]; /* shared and never written: it is measured already */
      return lc_ok();
  }
}

static lc_err decode_fields(lc_arena *arena, lc_cursor *from, lc_type_kind kind, uint32_t depth, lc_type **type) {
  uint32_t count;
  LC_TRY(lc__read_u32(from, &count));
  /* Every field takes at least two bytes, so a count beyond the input fails before memory is taken for it. */
  if (count > lc_cursor_left(from) / 2)
    return lc_fail(LC_ERR_BSATN, "data too short for u8: Expected %u, given %zu", count, lc_cursor_left(from));
  lc_field *fields = LC_ARENA_ARRAY(arena, lc_field, count);
  for (uint32_t i = 0; i < count; i++) {
    uint8_t none;
    LC_TRY(lc__read_u8(from, &none));
    if (none > 1) return lc_fail(LC_ERR_BSATN, "unknown tag 0x%x for sum type Option", none);
    if (!none) {
      lc_str name;
      LC_TRY(lc__read_string(from, &name));
      fields[i].name = lc_arena_str(arena, name);
    }
    lc_type *part;
    LC_TRY(decode_type(arena, from, depth + 1, &part));
    fields[i].type = part;
  }
  *type = type_of_fields(arena, kind, fields, count);
  return lc_ok();
}

lc_err lc_type_decode(lc_arena *arena, lc_cursor *from, lc_type **type) {
  return decode_type(arena, from, 0, type);
}

lc_err lc_type_decode_product(lc_arena *arena, lc_cursor *from, lc_type **type) {
  return decode_fields(arena, from, LC_TYPE_PRODUCT, 0, type);
}

void lc_type_encode(lc_buf *to, const lc_type *type) {
  lc_buf_put8(to, (uint8_t)type->kind);
  if (type->kind == LC_TYPE_REF) {
    lc_buf_put32(to, type->ref);
  } else if (type->kind == LC_TYPE_ARRAY) {
    lc_type_encode(to, type->element);
  } else if (type->kind == LC_TYPE_SUM || type->kind == LC_TYPE_PRODUCT) {
    lc_buf_put32(to, type->field_count);
    for (uint32_t i = 0; i < type->field_count; i++) {
      const lc_field *field = &type->fields[i];
      lc_buf_put8(to, field->name.ptr == NULL);
      if (field->name.ptr != NULL) lc_buf_put_sized(to, field->name.ptr, field->name.len);
      lc_type_encode(to, field->type);
    }
  }
}

/* ------------------------------------------------------------------------------------------------ linking */

/* `targets[i]` is the first type that is no ref behind type i of the space, or NULL when the refs lead in a circle. */
static lc_err link_refs(const lc_typespace *space, lc_type *const *targets, lc_type *type) {
  if (type->measured == LC__MEASURED) return lc_ok(); /* no unlinked ref below */
  if (type->kind == LC_TYPE_REF) {
    if (type->ref >= space->count)
      return lc_fail(LC_ERR_MODULE_DEF, "type reference &%u is out of range: the typespace has %u types", type->ref, space->count);
    type->target = targets[type->ref];
    return lc_ok();
  }
  if (type->kind == LC_TYPE_ARRAY) return link_refs(space, targets, (lc_type *)type->element);
  for (uint32_t i = 0; i < type->field_count; i++) LC_TRY(link_refs(space, targets, (lc_type *)type->fields[i].type));
  return lc_ok();
}

static const lc_type empty_sum = {.kind = LC_TYPE_SUM, .measured = LC__MEASURED};

static lc_err find_targets(const lc_typespace *space, lc_type **targets) {
  for (uint32_t i = 0; i < space->count; i++) {
    const lc_type *at = space->types[i];
    for (uint32_t steps = 0; at->kind == LC_TYPE_REF; steps++) {
      if (at->ref >= space->count)
        return lc_fail(LC_ERR_MODULE_DEF, "type reference &%u is out of range: the typespace has %u types", at->ref, space->count);
      if (steps > LC_TYPE_HEIGHT_MAX || steps > space->count) {
        at = &empty_sum;
        break;
      }
      at = space->types[at->ref];
    }
    targets[i] = (lc_type *)at;
  }
  return lc_ok();
}

lc_err lc_typespace_link(lc_typespace *space) {
  lc_arena scratch = {0};
  lc_type **targets = LC_ARENA_ARRAY(&scratch, lc_type *, space->count + 1);
  lc_err err = find_targets(space, targets);
  for (uint32_t i = 0; i < space->count && !lc_failed(err); i++) err = link_refs(space, targets, space->types[i]);
  for (uint32_t i = 0; i < space->count && !lc_failed(err); i++) err = link_measure(space->types[i], 0);
  lc_arena_deinit(&scratch);
  return err;
}

static lc_err link_one(const lc_typespace *space, lc_type *type) {
  if (type->measured == LC__MEASURED) return lc_ok();
  if (type->kind == LC_TYPE_REF) {
    if (type->ref >= space->count)
      return lc_fail(LC_ERR_MODULE_DEF, "type reference &%u is out of range: the typespace has %u types", type->ref, space->count);
    const lc_type *target = space->types[type->ref];
    lc_assert(target->measured == LC__MEASURED);
    type->target = target->kind == LC_TYPE_REF ? target->target : target;
    return lc_ok();
  }
  if (type->kind == LC_TYPE_ARRAY) return link_one(space, (lc_type *)type->element);
  for (uint32_t i = 0; i < type->field_count; i++) LC_TRY(link_one(space, (lc_type *)type->fields[i].type));
  return lc_ok();
}

lc_err lc_type_link(const lc_typespace *space, lc_type *type) {
  LC_TRY(link_one(space, type));
  return link_measure(type, 0);
}

/* ------------------------------------------------------------------------------------------------ without refs */

typedef struct inline_frame { /* the refs that lead to where the copy is */
  const lc_type *target;
  const struct inline_frame *outer;
} inline_frame;

static lc_err inline_type(lc_arena *arena, const lc_type *type, const inline_frame *outer, uint32_t *parts, const lc_type **copy) {
  inline_frame frame = {type, outer};
  if (type->kind == LC_TYPE_REF) {
    type = frame.target = lc_type_resolve(type);
    for (const inline_frame *at = outer; at; at = at->outer)
      if (at->target == type) return lc_fail(LC_ERR_MODULE_DEF, "the type contains itself");
    outer = &frame;
  }
  if (++*parts > LC_TYPE_INLINE_MAX) return lc_fail(LC_ERR_MODULE_DEF, "the type has more than %d parts", LC_TYPE_INLINE_MAX);
  if (type->kind == LC_TYPE_ARRAY) {
    const lc_type *element;
    LC_TRY(inline_type(arena, type->element, outer, parts, &element));
    *copy = lc_type_array(arena, element);
  } else if (type->kind == LC_TYPE_SUM || type->kind == LC_TYPE_PRODUCT) {
    lc_field *fields = LC_ARENA_ARRAY(arena, lc_field, type->field_count);
    for (uint32_t i = 0; i < type->field_count; i++) {
      fields[i].name = type->fields[i].name;
      LC_TRY(inline_type(arena, type->fields[i].type, outer, parts, &fields[i].type));
    }
    *copy = type_of_fields(arena, type->kind, fields, type->field_count);
  } else {
    *copy = type;
  }
  return lc_ok();
}

lc_err lc_type_inline(lc_arena *arena, const lc_type *type, const lc_type **copy) {
  uint32_t parts = 0;
  return inline_type(arena, type, NULL, &parts, copy);
}

/* ------------------------------------------------------------------------------------------------ equality */

/* Pairs that are being compared or were found equal: a recursive pair is equal unless something else differs, so none is looked at
 * twice. The table is open addressing over the two pointers. */
typedef struct pair_set {
  struct {
    const lc_type *a, *b;
  } *slots;
  size_t count, cap;
} pair_set;

static size_t pair_slot(const pair_set *set, const lc_type *a, const lc_type *b) {
  size_t at = (size_t)lc_hash_u64((uint64_t)(uintptr_t)a * 31 + (uint64_t)(uintptr_t)b) & (set->cap - 1);
  while (set->slots[at].a != NULL && (set->slots[at].a != a || set->slots[at].b != b)) at = (at + 1) & (set->cap - 1);
  return at;
}

/* False when the pair was there already. */
static bool pair_add(pair_set *set, const lc_type *a, const lc_type *b) {
  if (set->count * 2 >= set->cap) {
    pair_set old = *set;
    set->cap = old.cap ? old.cap * 2 : 64;
    set->slots = calloc(set->cap, sizeof *set->slots);
    lc_assert(set->slots != NULL);
    for (size_t i = 0; i < old.cap; i++)
      if (old.slots[i].a != NULL) set->slots[pair_slot(set, old.slots[i].a, old.slots[i].b)] = old.slots[i];
    free(old.slots);
  }
  size_t at = pair_slot(set, a, b);
  if (set->slots[at].a != NULL) return false;
  set->slots[at].a = a;
  set->slots[at].b = b;
  set->count++;
  return true;
}

static bool equal(pair_set *seen, const lc_type *a, const lc_type *b, uint32_t level) {
  bool through_ref = a->kind == LC_TYPE_REF || b->kind == LC_TYPE_REF;
  a = lc_type_resolve(a);
  b = lc_type_resolve(b);
  if (a == b) return true;
  if (a->kind != b->kind || a->field_count != b->field_count || level > 2 * LC_TYPE_HEIGHT_MAX) return false;
  if (through_ref && !pair_add(seen, a, b)) return true;
  if (a->kind == LC_TYPE_ARRAY) return equal(seen, a->element, b->element, level + 1);
  for (uint32_t i = 0; i < a->field_count; i++) {
    const lc_field *x = &a->fields[i], *y = &b->fields[i];
    if ((x->name.ptr == NULL) != (y->name.ptr == NULL) || !lc_str_equal(x->name, y->name)) return false;
    if (!equal(seen, x->type, y->type, level + 1)) return false;
  }
  return true;
}

bool lc_type_equal(const lc_type *a, const lc_type *b) {
  pair_set seen = {0};
  bool result = equal(&seen, a, b, 0);
  free(seen.slots);
  return result;
}
