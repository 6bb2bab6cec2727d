#pragma once
/*
 * Identities and tokens (http-api.md 2): identities are derived from issuer and subject; local tokens are ES256 JWTs signed by this
 * server's key. Threads: an lc_auth is immutable after opening; any thread may use it.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "io/io.h"

typedef struct lc_auth lc_auth;

/* The identity that `issuer` and `subject` give (BLAKE3 over both, `c200` prefix and checksum). */
lc_identity lc_identity_from_claims(lc_str issuer, lc_str subject);
/* A fresh identity for a database: local issuer, random UUID as subject. */
lc_identity lc_identity_random(lc_io *io);

/* Loads the key pair (PEM) from these files of `io`, or makes and stores one when both are missing. */
lc_err lc_auth_open(lc_io *io, const char *private_key_path, const char *public_key_path, lc_auth **auth);
void lc_auth_close(lc_auth *auth);
lc_str lc_auth_public_key_pem(const lc_auth *auth);

/* Who a token speaks for. Text lies in the arena given to lc_auth_verify. */
typedef struct lc_claims {
  lc_identity identity;
  lc_str issuer, subject, payload_json, token;
  int64_t issued_at, expires_at; /* seconds since the epoch; 0: absent */
} lc_claims;

/* Errors: LC_ERR_TOKEN with the reason that goes to the client. */
lc_err lc_auth_verify(const lc_auth *auth, lc_arena *arena, lc_str token, int64_t now_seconds, lc_claims *claims);
/* A new identity with its token: subject is a fresh random UUID, issuer is `localhost`. */
lc_err lc_auth_issue(const lc_auth *auth, lc_arena *arena, lc_io *io, int64_t now_seconds, lc_claims *claims);
/* Another token for the same claims that expires after `lifetime_seconds` (websocket-token). 0: never. */
lc_err lc_auth_reissue(const lc_auth *auth, lc_arena *arena, const lc_claims *of, int64_t now_seconds, int64_t lifetime_seconds,
                       lc_str *token);
