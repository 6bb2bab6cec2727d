/* The state of a guest call: what is set up before it, what is torn down after it, and the way to guest memory. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "host/abi_internal.h"

/* A buffer that one call made large does not stay so. */
enum { BUFFER_KEPT_MAX = 1 << 20 };

void lc__abi_init(lc_abi *abi, const lc_host_services *services, uint64_t iterator_bytes_max) {
  *abi = (lc_abi){.services = *services, .iterator_bytes_max = iterator_bytes_max};
}

void lc__abi_deinit(lc_abi *abi) {
  for (size_t i = 0; i < abi->iterators.count; i++) {
    lc_buf_deinit(&abi->iterators.items[i].rows);
    lc_vec_deinit(&abi->iterators.items[i].ends);
  }
  lc_vec_deinit(&abi->iterators);
  for (size_t i = 0; i < abi->timers.count; i++) free(abi->timers.items[i].name);
  lc_vec_deinit(&abi->timers);
  lc_vec_deinit(&abi->row_ids);
  for (size_t i = 0; i < LC_SINK_COUNT; i++) lc_buf_deinit(&abi->sinks[i]);
  for (size_t i = 0; i < sizeof abi->scratch / sizeof *abi->scratch; i++) lc_buf_deinit(&abi->scratch[i]);
}

void lc__abi_call_begin(lc_abi *abi, lc_str function) {
  abi->function = function;
  abi->trap = NULL;
  abi->log_bytes = 0;
  abi->changed_catalogue = NULL;
}

void lc__abi_call_end(lc_abi *abi) {
  abi->function = (lc_str){0};
  abi->source_count = abi->source_last_id = 0;
  bool was_large = abi->log_bytes > BUFFER_KEPT_MAX;
  for (uint32_t i = 0; i < abi->sink_count; i++) {
    lc_buf_clear(&abi->sinks[i]);
    if (abi->sinks[i].cap <= BUFFER_KEPT_MAX) continue;
    was_large = true;
    lc_buf_deinit(&abi->sinks[i]);
  }
  abi->sink_count = 0;
  for (size_t i = 0; was_large && i < sizeof abi->scratch / sizeof *abi->scratch; i++) lc_buf_deinit(&abi->scratch[i]);
}

uint32_t lc__abi_source_add(lc_abi *abi, lc_span bytes) {
  if (abi->source_count == LC_SOURCE_COUNT_MAX) return 0;
  abi->sources[abi->source_count++] = (lc_abi_source){++abi->source_last_id, bytes};
  return abi->source_last_id;
}

uint32_t lc__abi_sink_add(lc_abi *abi) {
  lc_assert(abi->sink_count < LC_SINK_COUNT);
  return ++abi->sink_count;
}

uint32_t lc__abi_trap(lc_abi *abi, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(abi->trap_text, sizeof abi->trap_text, format, arguments);
  va_end(arguments);
  abi->trap = abi->trap_text;
  return 0;
}

uint32_t lc__abi_trap_store(lc_abi *abi, const char *what, lc_err err) {
  return lc__abi_trap(abi, "%s: %s", what, lc_err_text(err));
}

bool lc__guest_slice_is_valid(lc_abi *abi, uint32_t ptr, uint32_t len) {
  if (ptr == 0) return false;
  if ((uint64_t)ptr + len <= abi->memory.len) return true;
  abi->refresh_memory(abi);
  return (uint64_t)ptr + len <= abi->memory.len;
}

uint8_t *lc__guest_slice_slow(lc_abi *abi, uint32_t ptr, uint32_t len) {
  if (lc__guest_slice_is_valid(abi, ptr, len)) return abi->memory.base + ptr;
  if (ptr == 0) {
    lc__abi_trap(abi, "the module passed a null pointer to the host");
  } else {
    lc__abi_trap(abi, "the module passed a pointer outside of its memory to the host: %u bytes at %u, memory has %llu", len, ptr,
                 (unsigned long long)abi->memory.len);
  }
  return NULL;
}

bool lc__guest_text(lc_abi *abi, uint32_t ptr, uint32_t len, lc_str *text) {
  const uint8_t *bytes = lc__guest_slice(abi, ptr, len);
  if (bytes == NULL) return false;
  if (!lc_utf8_valid(bytes, len)) {
    lc__abi_trap(abi, "the module passed a text to the host that is not valid UTF-8");
    return false;
  }
  *text = (lc_str){(const char *)bytes, len};
  return true;
}
