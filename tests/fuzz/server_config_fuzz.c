/* config.toml: any bytes are settings or an error. */
#include <stdlib.h>

#include "base/assert.h"
#include "base/logging.h"
#include "server/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  lc_log_set_level(LC_LOG_ERROR);
  lc_server_settings settings;
  lc_server_settings_init(&settings);
  lc_err err = lc_server_settings_parse(&settings, (lc_str){(const char *)data, size});
  lc_assert(err.code == LC_OK || err.code == LC_ERR_INVALID);
  return 0;
}
