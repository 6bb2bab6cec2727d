/* Client frames: the same events whether the bytes come at once or in two portions (N6), and nothing outside the buffer. */
#include <stdlib.h>

#include "base/assert.h"
#include "base/hash.h"
#include "net/websocket.h"

/* A number that stands for all events in their order. */
static uint64_t events_of(const uint8_t *data, size_t size, size_t cut) {
  uint8_t *bytes = malloc(size ? size : 1);
  lc_assert(bytes != NULL);
  lc_websocket_reader reader = {.message_max = 1000};
  uint64_t seen = 0;
  size_t len = 0, given = 0;
  for (int portion = 0; portion < 2; portion++) {
    size_t end = portion ? size : cut;
    if (end > given) memcpy(bytes + len, data + given, end - given);
    len += end - given;
    given = end;
    lc_websocket_event event;
    do {
      event = lc_websocket_next(&reader, bytes, len);
      if (event.kind == LC_WS_EVENT_NONE) break;
      lc_assert(event.len == 0 || (event.payload >= bytes && event.payload + event.len <= bytes + len));
      seen = lc_hash_u64(seen ^ lc_hash64(event.payload, event.len) ^ (uint64_t)(event.kind * 16 + event.opcode));
    } while (event.kind != LC_WS_EVENT_VIOLATION);
    if (event.kind == LC_WS_EVENT_VIOLATION) break;
    len = lc_websocket_compact(&reader, bytes, len);
  }
  free(bytes);
  return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  uint64_t whole = events_of(data, size, size);
  lc_assert(events_of(data, size, size / 2) == whole);
  lc_assert(events_of(data, size, size / 3) == whole);
  return 0;
}
