/*
 * Compiled code on disk, so that a restart does not compile. Loading machine code means trusting it, so the directory must be the
 * server's own, and what was damaged there is found before it is used (W3).
 *
 * File `<BLAKE3 of the module, hex>-<tier>`:
 *   0   8   magic "LCCODE01"
 *   8   32  BLAKE3 of all that follows
 *   40  16  Wasmtime's version, padded with zeros (its own header names version, processor and settings too, and is checked by it)
 *   56  …   what wasmtime_module_serialize gave
 *
 * Threads: any; one file operation at a time.
 */
#include <stdio.h>

#include "base/blake3.h"
#include "base/logging.h"
#include "host/wasm/wasm_internal.h"
#include "io/io.h"

enum { HASH_AT = 8, HASHED_FROM = 40, VERSION_BYTES = 16, HEADER_BYTES = HASHED_FROM + VERSION_BYTES };
#define CODE_BYTES_MAX ((size_t)1 << 30)
static const char magic[HASH_AT] = {'L', 'C', 'C', 'O', 'D', 'E', '0', '1'};
static const char version[VERSION_BYTES] = WASMTIME_VERSION;

static struct {
  lc_io *io; /* NULL: no cache */
  pthread_mutex_t lock;
} cache = {.lock = PTHREAD_MUTEX_INITIALIZER};

lc_err lc__code_cache_open(const char *directory) {
  return lc_err_context(lc_io_linux_open(directory, &cache.io), "the directory for compiled modules");
}

void lc__code_cache_close(void) {
  if (cache.io) lc_io_close(cache.io);
  cache.io = NULL;
}

static void file_name(char to[80], const lc_hash256 *program_hash, lc_code_tier tier) {
  char hex[65];
  lc_hex(hex, program_hash->bytes, 32);
  snprintf(to, 80, "%s-%s", hex, tier == LC_TIER_BASELINE ? "baseline" : "optimised");
}

static bool is_intact(lc_span file) {
  if (file.len < HEADER_BYTES || memcmp(file.ptr, magic, sizeof magic) != 0) return false;
  if (memcmp(file.ptr + HASHED_FROM, version, VERSION_BYTES) != 0) return false;
  uint8_t hash[32];
  lc_blake3(hash, file.ptr + HASHED_FROM, file.len - HASHED_FROM);
  return memcmp(hash, file.ptr + HASH_AT, sizeof hash) == 0;
}

wasmtime_module_t *lc__code_cache_load(wasm_engine_t *engine, const lc_hash256 *program_hash, lc_code_tier tier) {
  if (cache.io == NULL) return NULL;
  char name[80];
  file_name(name, program_hash, tier);
  lc_buf file = {0};
  pthread_mutex_lock(&cache.lock);
  lc_err err = lc_path_read(cache.io, name, CODE_BYTES_MAX, &file);
  pthread_mutex_unlock(&cache.lock);
  wasmtime_module_t *module = NULL;
  if (!lc_failed(err)) {
    wasmtime_error_t *error = NULL;
    if (!is_intact(lc_buf_span(&file))) {
      lc_log_warn("the compiled module %s is damaged or of another version: compiling it anew", name);
    } else if ((error = wasmtime_module_deserialize(engine, file.data + HEADER_BYTES, file.len - HEADER_BYTES, &module)) != NULL) {
      module = NULL;
      lc_log_info("%s", lc_err_text(lc__wasm_fail(LC_ERR_WASM, error, "the compiled module %s does not fit this server: ", name)));
    }
  }
  lc_buf_deinit(&file);
  return module;
}

void lc__code_cache_store(const wasmtime_module_t *module, const lc_hash256 *program_hash, lc_code_tier tier) {
  if (cache.io == NULL) return;
  wasm_byte_vec_t code;
  wasmtime_error_t *error = wasmtime_module_serialize(module, &code);
  if (error) {
    lc_log_warn("%s", lc_err_text(lc__wasm_fail(LC_ERR_WASM, error, "a compiled module cannot be kept: ")));
    return;
  }
  lc_buf file = {0};
  lc_buf_append(&file, magic, sizeof magic);
  uint8_t *hash = lc_buf_extend(&file, HASHED_FROM - HASH_AT);
  memset(hash, 0, HASHED_FROM - HASH_AT);
  lc_buf_append(&file, version, VERSION_BYTES);
  lc_buf_append(&file, code.data, code.size);
  wasm_byte_vec_delete(&code);
  lc_blake3(file.data + HASH_AT, file.data + HASHED_FROM, file.len - HASHED_FROM);
  char name[80];
  file_name(name, program_hash, tier);
  pthread_mutex_lock(&cache.lock);
  lc_err err = lc_path_publish(cache.io, name, lc_buf_span(&file), 0600);
  pthread_mutex_unlock(&cache.lock);
  if (lc_failed(err)) lc_log_warn("a compiled module cannot be kept: %s", lc_err_text(err));
  lc_buf_deinit(&file);
}
