/* Heads of requests and chunked bodies: no read outside, and a head that is accepted is accepted in any two portions with the same result.
 */
#include "base/assert.h"
#include "net/http.h"

static void chunks(const uint8_t *data, size_t size) {
  uint8_t bytes[4096];
  if (size > sizeof bytes) size = sizeof bytes;
  if (size) memcpy(bytes, data, size);
  lc_http_chunks state = {.limit = 1000};
  size_t used, decoded = 0;
  int status;
  lc_http_chunks_decode(&state, bytes, size, bytes, &used, &decoded, &status);
  lc_assert(used <= size && decoded <= 1000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static lc_http_request request;
  size_t scanned = 0, used = 0, again;
  int status;
  chunks(data, size);
  if (lc_http_parse((lc_span){data, size}, &scanned, &request, &used, &status) != LC_HTTP_DONE) return 0;
  lc_assert(used <= size && !(request.chunked && request.has_length));
  scanned = 0;
  lc_assert(lc_http_parse((lc_span){data, used / 2}, &scanned, &request, &again, &status) == LC_HTTP_MORE);
  lc_assert(lc_http_parse((lc_span){data, size}, &scanned, &request, &again, &status) == LC_HTTP_DONE && again == used);
  lc_arena arena = {0};
  lc_str text, rest = request.path, segment;
  bool found;
  while (lc_http_segment(&rest, &segment)) (void)lc_http_decode(&arena, segment, false, &text);
  (void)lc_http_query_get(&arena, request.query, "token", &text, &found);
  lc_arena_deinit(&arena);
  return 0;
}
