/* Any bytes as the only segment of a log: opening either fails with a reason and leaves the file as it was, or gives records that are the
 * same at the next opening (L3, L13). */
#include <stdlib.h>

#include "base/assert.h"
#include "base/hash.h"
#include "base/logging.h"
#include "io/sim/sim.h"
#include "log/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static lc_err add_up(void *context, uint64_t offset, lc_span record) {
  uint32_t *sum = context;
  *sum = lc_crc32c(lc_crc32c(*sum, &offset, sizeof offset), record.ptr, record.len);
  return lc_ok();
}

static void must(lc_err err) {
  lc_assert(!lc_failed(err));
}

static uint32_t content(lc_io *io) {
  lc_buf bytes = {0};
  must(lc_path_read(io, "log/00000000000000000000.log", 1 << 24, &bytes));
  uint32_t sum = lc_crc32c(0, bytes.data, bytes.len);
  lc_buf_deinit(&bytes);
  return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  lc_log_set_level(LC_LOG_ERROR);
  lc_io *io = lc_sim_create(1);
  must(lc_dir_create(io, "log"));
  must(lc_path_publish(io, "log/00000000000000000000.log", lc_span_of(data, size), 0644));
  uint32_t before = content(io), first = 0, second = 0;
  lc_log *log;
  lc_err err = lc_log_open(io, "log", NULL, add_up, &first, &log);
  if (lc_failed(err)) {
    lc_assert(err.code == LC_ERR_LOG_CORRUPT && content(io) == before);
  } else {
    uint64_t count = lc_log_next(log);
    must(lc_log_close(log));
    must(lc_log_open(io, "log", NULL, add_up, &second, &log));
    lc_assert(lc_log_next(log) == count && first == second);
    must(lc_log_close(log));
  }
  lc_io_close(io);
  return 0;
}
