/* Tokens: no bytes but those that the key has signed are believed, and none do harm. */
#include <stdlib.h>

#include "auth/auth.h"
#include "base/assert.h"

static lc_auth *open_auth(void) {
  static char directory[] = "/tmp/lc-fuzz-XXXXXX";
  lc_io *io = NULL;
  lc_auth *auth = NULL;
  lc_assert(mkdtemp(directory) != NULL);
  lc_err err = lc_io_linux_open(directory, &io);
  if (!lc_failed(err)) err = lc_auth_open(io, "key", "key.pub", &auth);
  lc_assert(!lc_failed(err));
  err = lc_path_remove(io, "key");
  if (!lc_failed(err)) err = lc_path_remove(io, "key.pub");
  lc_assert(!lc_failed(err));
  lc_io_close(io);
  err = lc_io_linux_open("/tmp", &io);
  if (!lc_failed(err)) err = lc_dir_remove_all(io, directory + 5);
  lc_assert(!lc_failed(err));
  lc_io_close(io);
  return auth;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static lc_auth *auth;
  static lc_arena arena;
  if (auth == NULL) auth = open_auth();
  lc_arena_reset(&arena);
  lc_claims claims;
  lc_err err = lc_auth_verify(auth, &arena, (lc_str){(const char *)data, size}, 1700000000, &claims);
  lc_assert(err.code == LC_ERR_TOKEN);
  return 0;
}
