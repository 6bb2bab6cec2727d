#include "base/assert.h"
#include "base/hash.h"
#include "store/key_internal.h"

/* ---- types ---- */

bool lc__type_is_plain_enum(const lc_type *type) {
  type = lc_type_resolve(type);
  if (type->kind != LC_TYPE_SUM || type->field_count == 0) return false;
  for (uint32_t i = 0; i < type->field_count; i++) {
    const lc_type *payload = lc_type_resolve(type->fields[i].type);
    if (payload->kind != LC_TYPE_PRODUCT || payload->field_count != 0) return false;
  }
  return true;
}

static bool type_has_floats(const lc_type *type, uint32_t depth) {
  type = lc_type_resolve(type);
  if (type->kind == LC_TYPE_F32 || type->kind == LC_TYPE_F64) return true;
  if (depth > LC_TYPE_DEPTH_MAX) return true; /* recursive: assume the worst, canonicalising is only slower */
  if (type->kind == LC_TYPE_ARRAY) return type_has_floats(type->element, depth + 1);
  if (type->kind != LC_TYPE_SUM && type->kind != LC_TYPE_PRODUCT) return false;
  for (uint32_t i = 0; i < type->field_count; i++) {
    if (type_has_floats(type->fields[i].type, depth + 1)) return true;
  }
  return false;
}

/* Appends the atoms of `type`; false when it is not made of numbers only or more than 8 bytes are together. */
static bool flatten(const lc_type *type, lc__atom *atoms, uint32_t *count, uint32_t *bytes) {
  type = lc_type_resolve(type);
  if (type->kind == LC_TYPE_PRODUCT) {
    for (uint32_t i = 0; i < type->field_count; i++) {
      if (!flatten(type->fields[i].type, atoms, count, bytes)) return false;
    }
    return true;
  }
  uint32_t size = lc__type_is_plain_enum(type) ? 1 : lc_type_primitive_size(type->kind);
  if (size == 0 || *bytes + size > 8) return false;
  atoms[(*count)++] = (lc__atom){(uint8_t)(type->kind == LC_TYPE_SUM ? LC_TYPE_U8 : type->kind), (uint8_t)size};
  *bytes += size;
  return true;
}

static void key_init_word(lc__key_spec *spec, lc_arena *arena) {
  lc__atom atoms[8];
  uint32_t count = 0, bytes = 0;
  spec->column_atoms = LC_ARENA_ARRAY(arena, uint16_t, spec->column_count + 1u);
  for (uint16_t i = 0; i < spec->column_count; i++) {
    if (!flatten(spec->layout->columns[spec->columns[i]].type, atoms, &count, &bytes)) return;
    spec->column_atoms[i + 1] = (uint16_t)count;
  }
  if (count == 0) return; /* only empty products: no number to speak of */
  spec->is_word = true;
  spec->word_size = bytes;
  spec->atoms = lc_arena_copy(arena, atoms, count * sizeof *atoms);
  const lc_column_layout *column = &spec->layout->columns[spec->columns[0]];
  bool integer = lc_type_is_integer((lc_type_kind)atoms[0].kind);
  if (spec->column_count == 1 && count == 1 && integer && column->offset != LC_OFFSET_UNKNOWN) {
    spec->is_fast = true;
    spec->fast_size = atoms[0].size;
    spec->fast_offset = column->offset;
    spec->fast_sign = lc_type_is_signed((lc_type_kind)atoms[0].kind) ? 1ull << (8 * atoms[0].size - 1) : 0;
  }
}

void lc__key_init(lc__key_spec *spec, lc_arena *arena, const lc_layout *layout, const uint16_t *columns, uint16_t column_count,
                  lc_buf *scratch) {
  lc_assert(column_count > 0);
  *spec = (lc__key_spec){.layout = layout,
                         .columns = lc_arena_copy(arena, columns, column_count * sizeof *columns),
                         .column_count = column_count,
                         .contiguous = true,
                         .scratch = scratch};
  lc_field *fields = LC_ARENA_ARRAY(arena, lc_field, column_count);
  bool *is_plain_enum = LC_ARENA_ARRAY(arena, bool, column_count);
  spec->is_plain_enum = is_plain_enum;
  for (uint16_t i = 0; i < column_count; i++) {
    fields[i].type = layout->columns[columns[i]].type;
    is_plain_enum[i] = lc__type_is_plain_enum(fields[i].type);
    spec->has_floats |= type_has_floats(fields[i].type, 0);
    if (i > 0 && columns[i] != columns[i - 1] + 1) spec->contiguous = false;
  }
  spec->type = column_count == 1 ? fields[0].type : lc_type_product(arena, fields, column_count);
  key_init_word(spec, arena);
}

lc_err lc__key_validate(const lc__key_spec *spec, uint16_t first, uint16_t column_count, lc_span bytes, size_t *used) {
  lc_cursor cursor = lc_cursor_of(bytes);
  for (uint16_t i = first; i < first + column_count; i++) {
    const lc_type *type = spec->layout->columns[spec->columns[i]].type;
    if (spec->is_plain_enum[i]) {
      /* Any byte will do: an unknown tag just finds nothing (recorded of the reference). */
      (void)lc_cursor_u8(&cursor);
      if (cursor.failed) return lc_fail(LC_ERR_BSATN, "data too short for the tag of key column %u", i);
      continue;
    }
    LC_TRY(lc_value_validate(type, &cursor));
  }
  *used = (size_t)(cursor.at - bytes.ptr);
  return lc_ok();
}

/* ---- order-preserving numbers ---- */

static uint64_t order_f32(uint32_t bits) {
  if ((bits & 0x7fffffff) > 0x7f800000) return UINT32_MAX; /* NaN */
  if (bits == 0x80000000) bits = 0;
  return bits & 0x80000000 ? (uint32_t)~bits : bits | 0x80000000;
}

static uint64_t order_f64(uint64_t bits) {
  if ((bits & INT64_MAX) > 0x7ff0000000000000) return UINT64_MAX;
  if (bits == 1ull << 63) bits = 0;
  return bits >> 63 ? ~bits : bits | 1ull << 63;
}

static uint64_t atom_order(lc_type_kind kind, uint8_t size, const uint8_t *at) {
  uint64_t value = lc__load_sized(at, size);
  if (kind == LC_TYPE_F32) return order_f32((uint32_t)value);
  if (kind == LC_TYPE_F64) return order_f64(value);
  return lc_type_is_signed(kind) ? value ^ 1ull << (8 * size - 1) : value;
}

static uint64_t word_add(uint64_t word, const lc__atom *atom, const uint8_t *at) {
  uint64_t value = atom_order((lc_type_kind)atom->kind, atom->size, at);
  return atom->size == 8 ? value : word << (8 * atom->size) | value;
}

uint64_t lc__key_word_of_bytes(const lc__key_spec *spec, const uint8_t *bytes, uint16_t column_count) {
  uint64_t word = 0;
  for (uint16_t i = 0; i < spec->column_atoms[column_count]; i++) {
    word = word_add(word, &spec->atoms[i], bytes);
    bytes += spec->atoms[i].size;
  }
  return word;
}

uint64_t lc__key_word_of_row_slow(const lc__key_spec *spec, const uint8_t *row) {
  uint64_t word = 0;
  for (uint16_t i = 0; i < spec->column_count; i++) {
    const uint8_t *at = lc_layout_column(spec->layout, row, spec->columns[i]).ptr;
    for (uint16_t atom = spec->column_atoms[i]; atom < spec->column_atoms[i + 1]; atom++) {
      word = word_add(word, &spec->atoms[atom], at);
      at += spec->atoms[atom].size;
    }
  }
  return word;
}

/* ---- heads ---- */

typedef struct head_writer {
  uint64_t head;
  uint32_t bytes; /* of 8, from the left */
  bool stopped;   /* what comes next has no fixed place any more */
  bool exact;
} head_writer;

static void head_stop(head_writer *writer) {
  writer->stopped = true;
  writer->exact = false;
}

static void head_emit(head_writer *writer, uint64_t value, uint32_t size) {
  uint32_t room = 8 - writer->bytes;
  if (size <= room) {
    writer->head |= value << 8 * (room - size);
    writer->bytes += size;
  } else {
    if (room) writer->head |= value >> 8 * (size - room);
    writer->bytes = 8;
    head_stop(writer);
  }
}

static void head_wide(head_writer *writer, lc_type_kind kind, const uint8_t *at, uint32_t size) {
  for (uint32_t i = size; i-- > 0 && !writer->stopped;)
    head_emit(writer, at[i] ^ (i == size - 1 && lc_type_is_signed(kind) ? 0x80u : 0u), 1);
}

static void head_value(head_writer *writer, const lc_type *type, const uint8_t *at) {
  type = lc_type_resolve(type);
  uint32_t size = lc_type_primitive_size(type->kind);
  if (writer->stopped) return;
  if (size > 8) {
    head_wide(writer, type->kind, at, size);
  } else if (size > 0) {
    head_emit(writer, atom_order(type->kind, (uint8_t)size, at), size);
  } else if (type->kind == LC_TYPE_SUM) {
    head_emit(writer, *at, 1);
    if (*at < type->field_count) head_value(writer, type->fields[*at].type, at + 1);
  } else if (type->kind == LC_TYPE_PRODUCT) {
    for (uint32_t i = 0; i < type->field_count && !writer->stopped; i++) {
      head_value(writer, type->fields[i].type, at);
      if (i + 1 < type->field_count) at += lc_value_size(type->fields[i].type, at);
    }
  } else {
    /* Text and byte arrays: what is there of them, then zeros; other arrays: nothing. Equal prefixes are settled by comparison. */
    bool bytes = type->kind == LC_TYPE_STRING || lc_type_resolve(type->element)->kind == LC_TYPE_U8;
    uint32_t len = bytes ? lc_load32(at) : 0;
    for (uint32_t i = 0; i < len && writer->bytes < 8; i++) head_emit(writer, at[4 + i], 1);
    writer->bytes = 8;
    head_stop(writer);
  }
}

static lc__probe probe_of_head(const head_writer *writer, uint16_t column_count, bool all) {
  if (writer->bytes == 0) return (lc__probe){.blind = true, .column_count = column_count};
  /* When the columns given end inside the head, the rest of an entry's head belongs to later columns and is shifted away. */
  uint8_t shift = all ? 0 : (uint8_t)(8 * (8 - writer->bytes));
  return (lc__probe){.head = writer->head >> shift, .shift = shift, .exact = writer->exact, .column_count = column_count};
}

/* ---- bytes, hashes ---- */

lc_span lc__key_of_row(const lc__key_spec *spec, const uint8_t *row) {
  if (spec->column_count == 1) return lc_layout_column(spec->layout, row, spec->columns[0]);
  if (spec->contiguous) {
    lc_span first = lc_layout_column(spec->layout, row, spec->columns[0]);
    lc_span last = lc_layout_column(spec->layout, row, spec->columns[spec->column_count - 1]);
    return (lc_span){first.ptr, (size_t)(last.ptr + last.len - first.ptr)};
  }
  lc_buf_clear(spec->scratch);
  for (uint16_t i = 0; i < spec->column_count; i++) lc_buf_put_span(spec->scratch, lc_layout_column(spec->layout, row, spec->columns[i]));
  return lc_buf_span(spec->scratch);
}

/* Rewrites the floats of one value in place; returns what follows it. */
static uint8_t *canonicalise(const lc_type *type, uint8_t *at) {
  type = lc_type_resolve(type);
  switch (type->kind) {
    case LC_TYPE_F32: {
      uint32_t bits = lc_load32(at);
      if ((bits & 0x7fffffff) > 0x7f800000)
        lc_store32(at, 0x7fc00000);
      else if (bits == 0x80000000)
        lc_store32(at, 0);
      return at + 4;
    }
    case LC_TYPE_F64: {
      uint64_t bits = lc_load64(at);
      if ((bits & INT64_MAX) > 0x7ff0000000000000)
        lc_store64(at, 0x7ff8000000000000);
      else if (bits == 1ull << 63)
        lc_store64(at, 0);
      return at + 8;
    }
    case LC_TYPE_PRODUCT:
      for (uint32_t i = 0; i < type->field_count; i++) at = canonicalise(type->fields[i].type, at);
      return at;
    case LC_TYPE_SUM: {
      uint8_t tag = *at++;
      return tag < type->field_count ? canonicalise(type->fields[tag].type, at) : at;
    }
    case LC_TYPE_ARRAY: {
      if (!type_has_floats(type->element, 0)) return at + lc_value_size(type, at);
      uint32_t count = lc_load32(at);
      at += 4;
      for (uint32_t i = 0; i < count; i++) at = canonicalise(type->element, at);
      return at;
    }
    default:
      return at + lc_value_size(type, at);
  }
}

uint64_t lc__key_hash(const lc__key_spec *spec, lc_span key) {
  if (!spec->has_floats) return lc_hash64(key.ptr, key.len);
  if (key.ptr != spec->scratch->data) {
    lc_buf_clear(spec->scratch);
    lc_buf_put_span(spec->scratch, key);
  }
  (void)canonicalise(spec->type, spec->scratch->data);
  return lc_hash64(spec->scratch->data, key.len);
}

/* ---- probes ---- */

static size_t key_value_size(const lc__key_spec *spec, uint16_t position, const uint8_t *at) {
  return spec->is_plain_enum[position] ? 1 : lc_value_size(spec->layout->columns[spec->columns[position]].type, at);
}

int lc__key_value_compare(const lc__key_spec *spec, uint16_t position, const uint8_t *a, const uint8_t *b) {
  if (spec->is_plain_enum[position]) return (*a > *b) - (*a < *b);
  return lc_value_compare(spec->layout->columns[spec->columns[position]].type, a, b);
}

lc__probe lc__probe_of_row(const lc__key_spec *spec, bool hashed, const uint8_t *row) {
  lc__probe probe = {.exact = true, .column_count = spec->column_count};
  if (spec->is_word) {
    probe.head = lc__key_word_of_row(spec, row);
  } else if (hashed) {
    probe.head = lc__key_hash(spec, lc__key_of_row(spec, row));
    probe.exact = false;
  } else {
    head_writer writer = {.exact = true};
    for (uint16_t i = 0; i < spec->column_count && !writer.stopped; i++) {
      uint16_t column = spec->columns[i];
      head_value(&writer, spec->layout->columns[column].type, lc_layout_column(spec->layout, row, column).ptr);
    }
    probe.head = writer.head;
    probe.exact = writer.exact;
  }
  probe.row = row;
  return probe;
}

lc__probe lc__probe_of_bytes(const lc__key_spec *spec, bool hashed, const uint8_t *bytes, size_t len, uint16_t column_count) {
  lc__probe probe = {.exact = true, .column_count = column_count};
  if (spec->is_word) {
    uint32_t used = 0;
    for (uint16_t i = 0; i < spec->column_atoms[column_count]; i++) used += spec->atoms[i].size;
    probe.head = lc__key_word_of_bytes(spec, bytes, column_count);
    probe.blind = used == 0;
    probe.shift = used ? (uint8_t)(8 * (spec->word_size - used)) : 0;
  } else if (hashed) {
    lc_assert(column_count == spec->column_count);
    probe.head = lc__key_hash(spec, (lc_span){bytes, len});
    probe.exact = false;
  } else {
    head_writer writer = {.exact = true};
    const uint8_t *at = bytes;
    for (uint16_t i = 0; i < column_count && !writer.stopped; i++) {
      head_value(&writer, spec->layout->columns[spec->columns[i]].type, at);
      at += key_value_size(spec, i, at);
    }
    probe = probe_of_head(&writer, column_count, column_count == spec->column_count);
  }
  probe.bytes = bytes;
  return probe;
}

int lc__probe_compare_row(const lc__key_spec *spec, const lc__probe *probe, const uint8_t *row) {
  const uint8_t *at = probe->bytes;
  for (uint16_t i = 0; i < probe->column_count; i++) {
    uint16_t column = spec->columns[i];
    const uint8_t *mine = at ? at : lc_layout_column(spec->layout, probe->row, column).ptr;
    int order = lc__key_value_compare(spec, i, mine, lc_layout_column(spec->layout, row, column).ptr);
    if (order) return order;
    if (at && i + 1 < probe->column_count) at += key_value_size(spec, i, at);
  }
  return 0;
}

bool lc__key_equals_row(const lc__key_spec *spec, lc_span key, const uint8_t *row) {
  if (spec->has_floats) {
    lc__probe probe = {.column_count = spec->column_count, .bytes = key.ptr};
    return lc__probe_compare_row(spec, &probe, row) == 0;
  }
  for (uint16_t i = 0; i < spec->column_count; i++) {
    lc_span column = lc_layout_column(spec->layout, row, spec->columns[i]);
    if (key.len < column.len || (column.len && memcmp(key.ptr, column.ptr, column.len) != 0)) return false;
    key.ptr += column.len;
    key.len -= column.len;
  }
  return key.len == 0;
}
