/* Opening and closing the authority: its keys and the cache of verified tokens. */
#include "auth/auth_internal.h"

lc_err lc_auth_open(lc_io *io, const char *private_key_path, const char *public_key_path, lc_auth **auth) {
  lc_auth *opened = calloc(1, sizeof *opened);
  if (opened == NULL) return lc_error(LC_ERR_NO_MEMORY);
  pthread_mutex_init(&opened->verified_mutex, NULL);
  lc_err err = lc__keys_open(opened, io, private_key_path, public_key_path);
  if (lc_failed(err)) {
    lc_auth_close(opened);
    return err;
  }
  *auth = opened;
  return lc_ok();
}

void lc_auth_close(lc_auth *auth) {
  if (auth == NULL) return;
  lc__keys_close(auth);
  pthread_mutex_destroy(&auth->verified_mutex);
  free(auth);
}

lc_str lc_auth_public_key_pem(const lc_auth *auth) {
  return lc_buf_str(&auth->public_pem);
}
