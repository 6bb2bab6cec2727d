/* What a module must and may export, and which ABI version it asks for. The texts are those that publishers know from the reference. */
#include <stdio.h>
#include <stdlib.h>

#include "host/wasm/wasm_internal.h"

enum { ABI_MAJOR = 10, ABI_MINOR_MAX = 6 };

/* ---- ABI version ---- */

/* `u16.u16` and nothing else. */
static bool parse_version(lc_str text, uint32_t *major, uint32_t *minor) {
  uint32_t *part = major;
  *major = *minor = 0;
  size_t digits = 0;
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    if (c == '.' && part == major && digits) {
      part = minor;
      digits = 0;
    } else if (c >= '0' && c <= '9') {
      *part = *part * 10 + (uint32_t)(c - '0');
      if (*part > UINT16_MAX) return false;
      digits++;
    } else {
      return false;
    }
  }
  return part == minor && digits;
}

static lc_err check_import_versions(const wasm_importtype_vec_t *imports) {
  static const char prefix[] = "spacetime_";
  bool found = false;
  uint32_t major = 0, minor = 0;
  for (size_t i = 0; i < imports->size; i++) {
    if (wasm_externtype_kind(wasm_importtype_type(imports->data[i])) != WASM_EXTERN_FUNC) continue;
    const wasm_name_t *module = wasm_importtype_module(imports->data[i]);
    if (module->size < sizeof prefix - 1 || memcmp(module->data, prefix, sizeof prefix - 1) != 0) continue;
    uint32_t this_major, this_minor;
    if (!parse_version((lc_str){module->data + sizeof prefix - 1, module->size - sizeof prefix + 1}, &this_major, &this_minor)) {
      return lc_fail(LC_ERR_WASM, "import module \"%.*s\" has malformed version string", (int)module->size, module->data);
    }
    if (found && this_major != major) {
      return lc_fail(LC_ERR_WASM, "module cannot depend on both major version %u and major version %u", major, this_major);
    }
    if (!found || this_minor > minor) minor = this_minor;
    major = this_major;
    found = true;
  }
  if (!found) return lc_fail(LC_ERR_WASM, "unable to determine ABI of module: it imports nothing from `spacetime_10.0` or later");
  if (major != ABI_MAJOR || minor > ABI_MINOR_MAX) {
    return lc_fail(LC_ERR_WASM, "abi version %u.%u is not supported (host implements %d.%d)", major, minor, ABI_MAJOR, ABI_MINOR_MAX);
  }
  return lc_ok();
}

lc_err lc__wasm_check_abi_version(const wasmtime_module_t *module) {
  wasm_importtype_vec_t imports;
  wasmtime_module_imports(module, &imports);
  lc_err err = check_import_versions(&imports);
  wasm_importtype_vec_delete(&imports);
  return err;
}

/* ---- exports ---- */

/* A signature as text, one letter per value: i is i32, I is i64. */
typedef struct export_rule {
  const char *name, *role, *params, *results, *other_params; /* other_params: a second accepted form, or NULL */
  bool required;
} export_rule;

static const export_rule rules[] = {
    {"__describe_module__", "describe_module", "i", "", NULL, true},
    {"__call_reducer__", "call_reducer", "iIIIIIIIii", "i", NULL, true},
    {"__call_procedure__", "call_procedure", "iIIIIIIIii", "i", NULL, false},
    {"__call_view__", "call_view", "iIIIIii", "i", NULL, false},
    {"__call_view_anon__", "call_view_anon", "iii", "i", NULL, false},
    {"__call_http_handler__", "call_http_handler", "iIiiii", "i", "iIIIIiIiiii", false},
    {"__setup__", "setup", "i", "i", NULL, false},
};

static void put_values(lc_buf *to, const char *label, const char *kinds) {
  if (*kinds == 0) return;
  lc_buf_printf(to, " (%s", label);
  for (; *kinds; kinds++) {
    lc_buf_put_text(to, *kinds == 'i'   ? " i32"
                        : *kinds == 'I' ? " i64"
                        : *kinds == 'f' ? " f32"
                        : *kinds == 'F' ? " f64"
                        : *kinds == 'v' ? " v128"
                                        : " ref");
  }
  lc_buf_put_text(to, ")");
}

/* As text; "" when there are none. */
static void kinds_of(char *to, size_t cap, const wasm_valtype_vec_t *types) {
  size_t count = types->size < cap - 1 ? types->size : cap - 1;
  for (size_t i = 0; i < count; i++) {
    wasm_valkind_t kind = wasm_valtype_kind(types->data[i]);
    to[i] = kind == WASM_I32 ? 'i' : kind == WASM_I64 ? 'I' : kind == WASM_F32 ? 'f' : kind == WASM_F64 ? 'F' : '?';
  }
  to[count] = 0;
}

static lc_err check_type(const wasm_exporttype_t *export, const char *name, const char *role, const char *params, const char *other_params,
                         const char *results) {
  const wasm_functype_t *function = wasm_externtype_as_functype_const(wasm_exporttype_type(export));
  if (function == NULL)
    return lc_fail(LC_ERR_WASM, "expected \"%s\" export to be a %s function, but it wasn't a function at all", name, role);
  char actual_params[40], actual_results[40];
  kinds_of(actual_params, sizeof actual_params, wasm_functype_params(function));
  kinds_of(actual_results, sizeof actual_results, wasm_functype_results(function));
  bool same_params = strcmp(actual_params, params) == 0 || (other_params && strcmp(actual_params, other_params) == 0);
  if (same_params && strcmp(actual_results, results) == 0) return lc_ok();
  lc_buf text = {0};
  lc_buf_put_text(&text, "expected (func");
  put_values(&text, "param", params);
  put_values(&text, "result", results);
  lc_buf_put_text(&text, ") got (func");
  put_values(&text, "param", actual_params);
  put_values(&text, "result", actual_results);
  lc_buf_put_text(&text, ")");
  lc_err err = lc_fail(LC_ERR_WASM, "bad %s signature for \"%s\"; %s", role, name, lc_buf_cstr(&text));
  lc_buf_deinit(&text);
  return err;
}

static const wasm_exporttype_t *find_export(const wasm_exporttype_vec_t *exports, const char *name) {
  for (size_t i = 0; i < exports->size; i++) {
    const wasm_name_t *candidate = wasm_exporttype_name(exports->data[i]);
    if (candidate->size == strlen(name) && memcmp(candidate->data, name, candidate->size) == 0) return exports->data[i];
  }
  return NULL;
}

static int by_name(const void *a, const void *b) {
  return lc_str_compare(*(const lc_str *)a, *(const lc_str *)b);
}

static lc_err collect_preinits(const wasm_exporttype_vec_t *types, lc_wasm_exports *exports) {
  static const char prefix[] = "__preinit__";
  static_assert(sizeof prefix - 1 == LC_PREINIT_PREFIX_LEN, "the prefix");
  exports->preinit = LC_ARENA_ARRAY(&exports->arena, lc_str, types->size);
  for (size_t i = 0; i < types->size; i++) {
    const wasm_name_t *name = wasm_exporttype_name(types->data[i]);
    if (name->size < sizeof prefix - 1 || memcmp(name->data, prefix, sizeof prefix - 1) != 0) continue;
    lc_str full = lc_arena_str(&exports->arena, (lc_str){name->data, name->size});
    LC_TRY(check_type(types->data[i], full.ptr + LC_PREINIT_PREFIX_LEN, "preinit", "", NULL, ""));
    exports->preinit[exports->preinit_count++] = full;
  }
  qsort(exports->preinit, exports->preinit_count, sizeof *exports->preinit, by_name);
  return lc_ok();
}

static lc_err check_all(const wasm_exporttype_vec_t *types, lc_wasm_exports *exports) {
  const wasm_exporttype_t *memory = find_export(types, "memory");
  if (memory == NULL || wasm_externtype_kind(wasm_exporttype_type(memory)) != WASM_EXTERN_MEMORY) {
    return lc_fail(LC_ERR_WASM, "there should be a memory export called \"memory\" but it does not exist");
  }
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    const export_rule *rule = &rules[i];
    const wasm_exporttype_t *export = find_export(types, rule->name);
    if (export) {
      LC_TRY(check_type(export, rule->name, rule->role, rule->params, rule->other_params, rule->results));
    } else if (rule->required) {
      return lc_fail(LC_ERR_WASM, "there should be a function called \"%s\" but it does not exist", rule->name);
    }
  }
  exports->has_setup = find_export(types, "__setup__") != NULL;
  /* Started only when it takes and gives nothing; with another type it is just an export of that name. */
  const wasm_exporttype_t *initialize = find_export(types, "_initialize");
  exports->has_initialize = initialize && !lc_failed(check_type(initialize, "_initialize", "", "", NULL, ""));
  return collect_preinits(types, exports);
}

lc_err lc__wasm_check_exports(const wasmtime_module_t *module, lc_wasm_exports *exports) {
  wasm_exporttype_vec_t types;
  wasmtime_module_exports(module, &types);
  lc_err err = check_all(&types, exports);
  wasm_exporttype_vec_delete(&types);
  return err;
}
