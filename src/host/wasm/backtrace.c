/*
 * The guest's stack while it is inside an import: the log record of a panic carries it. Wasmtime takes a stack only when guest code traps, so
 * a second instance in the same store, which does nothing but trap, is called; its trap then tells of all guest frames below.
 *
 * The stack is read from the error's text, because only there are names demangled. A frame is one line,
 *   `    0:   0x1a2b - module!function`  (or `- function` where debug information has a better name)
 * with `<unknown>` for a module and `<wasm function 7>` for a function that have no name.
 */
#define _GNU_SOURCE /* memmem */
#include <string.h>

#include "host/wasm/wasm_internal.h"
#include "sats/json.h"

static lc_str take_line(lc_str *text) {
  const char *end = memchr(text->ptr, '\n', text->len);
  lc_str line = {text->ptr, end ? (size_t)(end - text->ptr) : text->len};
  size_t used = line.len + (end != NULL);
  *text = (lc_str){text->ptr + used, text->len - used};
  return line;
}

static const char *find(lc_str in, const char *what) {
  return in.len ? memmem(in.ptr, in.len, what, strlen(what)) : NULL;
}

/* `<index>: 0x<offset> - <rest>`: whether the line is a frame, and its rest. */
static bool frame_of(lc_str line, lc_str *rest) {
  const char *colon = find(line, ": "), *dash = find(line, " - ");
  if (colon == NULL || dash == NULL || dash < colon) return false;
  for (const char *at = line.ptr; at < colon; at++) {
    if (*at != ' ' && (*at < '0' || *at > '9')) return false;
  }
  *rest = (lc_str){dash + 3, line.len - (size_t)(dash + 3 - line.ptr)};
  return true;
}

static void put_frame(lc_buf *json, lc_str rest) {
  const char *mark = find(rest, "!");
  lc_str module = {0}, function = rest;
  if (mark) {
    module = (lc_str){rest.ptr, (size_t)(mark - rest.ptr)};
    function = (lc_str){mark + 1, rest.len - module.len - 1};
  }
  if (module.len && module.ptr[0] == '<') module.len = 0;
  if (find(function, "<wasm function") == function.ptr) function.len = 0;
  lc_buf_put_text(json, json->data[json->len - 1] == '[' ? "{" : ",{");
  if (module.len) {
    lc_buf_put_text(json, "\"module_name\":");
    lc_json_put_string(json, module);
  }
  if (function.len) {
    lc_buf_put_text(json, module.len ? ",\"func_name\":" : "\"func_name\":");
    lc_json_put_string(json, function);
  }
  lc_buf_put_text(json, "}");
}

wasmtime_error_t *lc__wasm_compile_trapper(wasm_engine_t *engine, wasmtime_module_t **module) {
  /* (module (func (export "f") unreachable)) */
  static const uint8_t trapper[] = {0, 'a', 's', 'm', 1, 0, 0,   0, 1, 4,  1, 0x60, 0, 0, 3, 2,
                                    1, 0,   7,   5,   1, 1, 'f', 0, 0, 10, 5, 1,    3, 0, 0, 11};
  return wasmtime_module_new(engine, trapper, sizeof trapper, module);
}

/* False when there is no room for the second instance; then there is no stack to show. */
static bool trapper_start(lc_instance *instance) {
  wasm_trap_t *trap = NULL;
  wasmtime_instance_t trapper;
  wasmtime_error_t *error =
      wasmtime_instance_new(instance->context, lc__wasm_engine(instance->program->tier)->trapper, NULL, 0, &trapper, &trap);
  if (trap) wasm_trap_delete(trap);
  if (error) wasmtime_error_delete(error);
  wasmtime_extern_t function;
  if (error || trap || !wasmtime_instance_export_get(instance->context, &trapper, "f", 1, &function)) return false;
  instance->trapper = function.of.func;
  return instance->has_trapper = true;
}

static void put_frames(lc_buf *json, const wasm_trap_t *trap) {
  wasm_message_t message;
  wasm_trap_message(trap, &message);
  lc_str text = {message.data, message.size}, rest;
  bool first = true; /* the trapper's own */
  while (text.len) {
    if (!frame_of(take_line(&text), &rest)) continue;
    if (!first) put_frame(json, rest);
    first = false;
  }
  wasm_byte_vec_delete(&message);
}

void lc__wasm_backtrace_json(lc_abi *abi, lc_buf *json) {
  lc_instance *instance = (lc_instance *)abi;
  lc_buf_put_text(json, "[");
  if (instance->has_trapper || trapper_start(instance)) {
    wasm_trap_t *trap = NULL;
    wasmtime_val_raw_t nothing;
    wasmtime_error_t *error = wasmtime_func_call_unchecked(instance->context, &instance->trapper, &nothing, 1, &trap);
    if (trap) put_frames(json, trap);
    if (trap) wasm_trap_delete(trap);
    if (error) wasmtime_error_delete(error);
  }
  lc_buf_put_text(json, "]");
}
