/* Client messages, v2: what decodes encodes to a message that decodes to the same (W1). */
#include "base/assert.h"
#include "wire/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  lc_arena arena = {0};
  lc_buf once = {0}, twice = {0};
  lc_cursor from = lc_cursor_of((lc_span){data, size});
  do {
    lc_client_message message, again;
    lc_err err = lc_client_message_decode(LC_PROTOCOL_V3, false, &from, &arena, &message);
    if (lc_failed(err)) break;
    lc_buf_clear(&once);
    lc_buf_clear(&twice);
    lc_client_message_encode(LC_PROTOCOL_V3, &message, &once);
    lc_cursor second = lc_cursor_of(lc_buf_span(&once));
    err = lc_client_message_decode(LC_PROTOCOL_V3, false, &second, &arena, &again);
    lc_assert(!lc_failed(err) && lc_cursor_left(&second) == 0);
    lc_client_message_encode(LC_PROTOCOL_V3, &again, &twice);
    lc_assert(lc_span_equal(lc_buf_span(&once), lc_buf_span(&twice)));
  } while (lc_cursor_left(&from));
  lc_buf_deinit(&once);
  lc_buf_deinit(&twice);
  lc_arena_deinit(&arena);
  return 0;
}
