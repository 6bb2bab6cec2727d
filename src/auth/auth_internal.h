#pragma once
/* Shared inside src/auth: the key pair, base64url, the cache of verified tokens. */
#include <openssl/evp.h>
#include <pthread.h>

#include "auth/auth.h"

enum { LC_SIGNATURE_LEN = 64 }; /* r || s of P-256 */
enum { LC_TOKEN_MAX = 16384 };  /* bytes of text; longer ones are no tokens of ours and not worth the work */
enum { LC_VERIFIED_SLOTS = 4096 };

struct lc_auth {
  EVP_PKEY *private_key, *public_key;
  lc_buf public_pem;
  pthread_mutex_t verified_mutex;
  uint8_t verified[LC_VERIFIED_SLOTS][32]; /* BLAKE3 of tokens whose signature was right; a slot is chosen by the hash's first bytes */
};

/* ---- keys.c ---- */
lc_err lc__keys_open(lc_auth *auth, lc_io *io, const char *private_key_path, const char *public_key_path);
void lc__keys_close(lc_auth *auth);
lc_err lc__keys_sign(const lc_auth *auth, lc_str text, uint8_t signature[static LC_SIGNATURE_LEN]);
bool lc__keys_verify(const lc_auth *auth, lc_str text, const uint8_t signature[static LC_SIGNATURE_LEN]);

/* ---- base64.c ---- */
void lc__base64url_encode(lc_buf *to, lc_span bytes);
/* In `arena`, with a NUL behind. False for any character outside the alphabet, padding, or bits left over. */
bool lc__base64url_decode(lc_arena *arena, lc_str text, lc_span *bytes);
