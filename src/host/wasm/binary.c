/*
 * A look at the section headers of a WebAssembly binary, for the one thing Wasmtime's C API does not tell: how many memories a module has.
 *
 *   file     "\0asm" u32 version, then sections
 *   section  u8 id, LEB128 size, `size` bytes; the memory section (id 5) begins with a LEB128 count
 */
#include "base/cursor.h"
#include "host/wasm/wasm_internal.h"

enum { HEADER_BYTES = 8, SECTION_MEMORY = 5 };

static uint32_t leb128(lc_cursor *from) {
  uint32_t value = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    uint8_t byte = lc_cursor_u8(from);
    value |= (uint32_t)(byte & 0x7f) << shift;
    if (!(byte & 0x80)) break;
  }
  return value;
}

lc_wasm_outline lc__wasm_outline(lc_span wasm) {
  lc_wasm_outline outline = {0};
  lc_cursor cursor = lc_cursor_of(wasm);
  lc_cursor_take(&cursor, HEADER_BYTES);
  while (lc_cursor_left(&cursor) && !cursor.failed) {
    uint8_t id = lc_cursor_u8(&cursor);
    uint32_t size = leb128(&cursor);
    const uint8_t *content = lc_cursor_take(&cursor, size);
    if (content == NULL || id != SECTION_MEMORY) continue;
    lc_cursor section = lc_cursor_of(lc_span_of(content, size));
    outline.memory_count = leb128(&section);
  }
  return outline;
}
