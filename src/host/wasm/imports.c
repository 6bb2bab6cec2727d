/* Binds the import table (abi_imports.def) to Wasmtime: one small adapter per row, and one definition per row in a linker. */
#include "host/wasm/wasm_internal.h"

static inline lc_abi *abi_of(wasmtime_caller_t *caller) {
  return wasmtime_context_get_data(wasmtime_caller_context(caller));
}

static inline wasm_trap_t *trap_of(const lc_abi *abi) {
  return __builtin_expect(abi->trap != NULL, 0) ? wasmtime_trap_new(abi->trap, strlen(abi->trap)) : NULL;
}

#define A(n) (uint32_t)arguments[n].i32
#define LC_PASS_0
#define LC_PASS_1 , A(0)
#define LC_PASS_2 LC_PASS_1, A(1)
#define LC_PASS_3 LC_PASS_2, A(2)
#define LC_PASS_4 LC_PASS_3, A(3)
#define LC_PASS_5 LC_PASS_4, A(4)
#define LC_PASS_8 LC_PASS_5, A(5), A(6), A(7)
#define LC_PASS_9 LC_PASS_8, A(8)

#define LC_ADAPTER(name) \
  static wasm_trap_t *call_##name(void *unused, wasmtime_caller_t *caller, wasmtime_val_raw_t *arguments, size_t count)
#define LC_IMPORT(minor, name, arity)                      \
  LC_ADAPTER(name) {                                       \
    lc_abi *abi = abi_of(caller);                          \
    uint32_t result = lc__abi_##name(abi LC_PASS_##arity); \
    arguments[0].i32 = (int32_t)result;                    \
    return trap_of(abi);                                   \
  }
#define LC_IMPORT_VOID(minor, name, arity) \
  LC_ADAPTER(name) {                       \
    lc_abi *abi = abi_of(caller);          \
    lc__abi_##name(abi LC_PASS_##arity);   \
    return trap_of(abi);                   \
  }
#define LC_IMPORT_I64(minor, name)                            \
  LC_ADAPTER(name) {                                          \
    lc_abi *abi = abi_of(caller);                             \
    arguments[0].i64 = lc__abi_##name(abi, arguments[0].i64); \
    return trap_of(abi);                                      \
  }
#include "host/abi_imports.def"
#undef LC_IMPORT
#undef LC_IMPORT_VOID
#undef LC_IMPORT_I64

typedef struct import_row {
  const char *name;
  uint8_t minor, arity;
  wasm_valkind_t kind;
  bool has_result;
  wasmtime_func_unchecked_callback_t adapter;
} import_row;

static const import_row rows[] = {
#define LC_IMPORT(minor, name, arity) {#name, minor, arity, WASM_I32, true, call_##name},
#define LC_IMPORT_VOID(minor, name, arity) {#name, minor, arity, WASM_I32, false, call_##name},
#define LC_IMPORT_I64(minor, name) {#name, minor, 1, WASM_I64, true, call_##name},
#include "host/abi_imports.def"
#undef LC_IMPORT
#undef LC_IMPORT_VOID
#undef LC_IMPORT_I64
};

static wasm_functype_t *type_of(const import_row *row) {
  wasm_valtype_t *params[10];
  for (uint8_t i = 0; i < row->arity; i++) params[i] = wasm_valtype_new(row->kind);
  wasm_valtype_vec_t param_types, result_types;
  wasm_valtype_vec_new(&param_types, row->arity, params);
  if (row->has_result) {
    wasm_valtype_t *result = wasm_valtype_new(row->kind);
    wasm_valtype_vec_new(&result_types, 1, &result);
  } else {
    wasm_valtype_vec_new_empty(&result_types);
  }
  return wasm_functype_new(&param_types, &result_types);
}

lc_err lc__wasm_define_imports(wasmtime_linker_t *linker) {
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const import_row *row = &rows[i];
    char space[] = "spacetime_10.0";
    space[sizeof space - 2] = (char)('0' + row->minor);
    wasm_functype_t *type = type_of(row);
    wasmtime_error_t *error = wasmtime_linker_define_func_unchecked(linker, space, sizeof space - 1, row->name, strlen(row->name), type,
                                                                    row->adapter, NULL, NULL);
    wasm_functype_delete(type);
    if (error) return lc__wasm_fail(LC_ERR_INTERNAL, error, "defining the import %s: ", row->name);
  }
  return lc_ok();
}
