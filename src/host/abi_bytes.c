/* Byte strings that pass between host and guest: sources (arguments, tokens, configuration) and sinks (results, error texts). */
#include "host/abi_internal.h"

/* Newest first: the guest mostly reads what it was given last. */
static lc_abi_source *source_find(lc_abi *abi, uint32_t id) {
  for (uint32_t i = abi->source_count; i-- > 0;) {
    if (abi->sources[i].id == id) return &abi->sources[i];
  }
  return NULL;
}

/* "Done" comes together with the last bytes, and then the source is gone: guests of the published crates rely on it. */
uint32_t lc__abi_bytes_source_read(lc_abi *abi, uint32_t id, uint32_t buffer, uint32_t len_ptr) {
  lc_abi_source *source = source_find(abi, id);
  if (source == NULL) return LC_GUEST_NO_SUCH_BYTES;
  uint8_t *len_at = lc__guest_slice(abi, len_ptr, 4);
  if (len_at == NULL) return 0;
  uint32_t len = lc_load32(len_at);
  uint8_t *to = lc__guest_slice(abi, buffer, len);
  if (to == NULL) return 0;
  if (len > source->rest.len) len = (uint32_t)source->rest.len;
  if (len) memcpy(to, source->rest.ptr, len);
  lc_store32(len_at, len);
  source->rest.ptr += len;
  source->rest.len -= len;
  if (source->rest.len) return LC_GUEST_OK;
  *source = abi->sources[--abi->source_count];
  return LC_GUEST_DONE;
}

uint32_t lc__abi_bytes_source_remaining_length(lc_abi *abi, uint32_t id, uint32_t out) {
  lc_abi_source *source = source_find(abi, id);
  if (source == NULL) return LC_GUEST_NO_SUCH_BYTES;
  uint8_t *to = lc__guest_slice(abi, out, 4);
  if (to) lc_store32(to, (uint32_t)source->rest.len);
  return LC_GUEST_OK;
}

/* Takes everything, so the length stays as the guest wrote it. */
uint32_t lc__abi_bytes_sink_write(lc_abi *abi, uint32_t id, uint32_t buffer, uint32_t len_ptr) {
  if (id == 0 || id > abi->sink_count) return LC_GUEST_NO_SUCH_BYTES;
  const uint8_t *len_at = lc__guest_slice(abi, len_ptr, 4);
  if (len_at == NULL) return 0;
  uint32_t len = lc_load32(len_at);
  const uint8_t *from = lc__guest_slice(abi, buffer, len);
  if (from == NULL) return 0;
  lc_buf *sink = lc__abi_sink(abi, id);
  if (len > LC_SINK_BYTES_MAX - sink->len)
    return lc__abi_trap(abi, "bytes_sink_write: a result may have at most %d bytes", LC_SINK_BYTES_MAX);
  lc_buf_append(sink, from, len);
  return LC_GUEST_OK;
}
