/*
 * Tokens: compact JWS, `base64url(header).base64url(claims).base64url(signature)`, ES256 (RFC 7515, 7518, 7519).
 *
 * Everything in a token is untrusted until its signature has been checked, and its claims are still checked afterwards. The algorithm
 * is that of our key: a header that names another one is refused, so a public key is never taken for a shared secret.
 */
#include <jansson.h>

#include "auth/auth_internal.h"
#include "base/blake3.h"

enum { CLAIM_MAX = 128, EXPIRY_LEEWAY_SECONDS = 60 };
static const char local_issuer[] = "localhost";
static const char encoded_header[] = "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9"; /* {"typ":"JWT","alg":"ES256"} */

/* ---- reading ---- */

typedef struct token_parts {
  lc_str signed_text; /* header.claims */
  lc_span header, claims, signature;
} token_parts;

static bool split_token(lc_arena *arena, lc_str token, token_parts *parts) {
  const char *first = memchr(token.ptr, '.', token.len);
  if (first == NULL) return false;
  size_t header_len = (size_t)(first - token.ptr);
  const char *second = memchr(first + 1, '.', token.len - header_len - 1);
  if (second == NULL) return false;
  size_t signed_len = (size_t)(second - token.ptr);
  lc_str signature = {second + 1, token.len - signed_len - 1};
  if (memchr(signature.ptr, '.', signature.len) != NULL) return false;
  parts->signed_text = (lc_str){token.ptr, signed_len};
  return lc__base64url_decode(arena, (lc_str){token.ptr, header_len}, &parts->header) &&
         lc__base64url_decode(arena, (lc_str){first + 1, signed_len - header_len - 1}, &parts->claims) &&
         lc__base64url_decode(arena, signature, &parts->signature);
}

static json_t *parse_object(lc_span text) {
  json_t *object = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
  if (object != NULL && !json_is_object(object)) {
    json_decref(object);
    object = NULL;
  }
  return object;
}

static lc_err check_algorithm(lc_span header) {
  json_t *object = parse_object(header);
  if (object == NULL) return lc_fail(LC_ERR_TOKEN, "Invalid token: InvalidToken");
  const char *algorithm = json_string_value(json_object_get(object, "alg"));
  bool known = algorithm != NULL && strcmp(algorithm, "ES256") == 0;
  json_decref(object);
  return known ? lc_ok() : lc_fail(LC_ERR_TOKEN, "Invalid token: InvalidAlgorithm");
}

/* Checking a signature costs more than everything else at a reconnect, and a right one stays right: remember the token's hash. */
static bool signature_is_right(lc_auth *auth, lc_str token, const token_parts *parts) {
  if (parts->signature.len != LC_SIGNATURE_LEN) return false;
  uint8_t hash[32];
  lc_blake3(hash, token.ptr, token.len);
  uint8_t *slot = auth->verified[lc_load32(hash) % LC_VERIFIED_SLOTS];
  pthread_mutex_lock(&auth->verified_mutex);
  bool known = memcmp(slot, hash, sizeof hash) == 0;
  pthread_mutex_unlock(&auth->verified_mutex);
  if (known) return true;
  if (!lc__keys_verify(auth, parts->signed_text, parts->signature.ptr)) return false;
  pthread_mutex_lock(&auth->verified_mutex);
  memcpy(slot, hash, sizeof hash);
  pthread_mutex_unlock(&auth->verified_mutex);
  return true;
}

static lc_err read_text_claim(lc_arena *arena, const json_t *object, const char *name, const char *title, lc_str *text) {
  const json_t *value = json_object_get(object, name);
  if (!json_is_string(value)) return lc_fail(LC_ERR_TOKEN, "Invalid token: JSON error: missing field `%s`", name);
  *text = lc_arena_str(arena, (lc_str){json_string_value(value), json_string_length(value)});
  if (text->len == 0) return lc_fail(LC_ERR_TOKEN, "%s empty", title);
  if (text->len > CLAIM_MAX) return lc_fail(LC_ERR_TOKEN, "%s too long: \"%.*s\"", title, LC_STR_ARGS(*text));
  return lc_ok();
}

static lc_err read_claims(lc_arena *arena, const json_t *object, lc_claims *claims) {
  LC_TRY(read_text_claim(arena, object, "sub", "Subject", &claims->subject));
  LC_TRY(read_text_claim(arena, object, "iss", "Issuer", &claims->issuer));
  const json_t *issued = json_object_get(object, "iat"), *expires = json_object_get(object, "exp");
  if (!json_is_integer(issued)) return lc_fail(LC_ERR_TOKEN, "Invalid token: JSON error: missing field `iat`");
  claims->issued_at = json_integer_value(issued);
  if (expires != NULL && !json_is_null(expires)) {
    if (!json_is_integer(expires)) return lc_fail(LC_ERR_TOKEN, "Invalid token: JSON error: `exp` is no number of seconds");
    claims->expires_at = json_integer_value(expires);
    if (claims->expires_at <= 0) return lc_fail(LC_ERR_TOKEN, "Invalid token: ExpiredSignature"); /* 0 means never, in lc_claims */
  }
  return lc_ok();
}

static lc_err check_identity(const json_t *object, const lc_claims *claims) {
  const json_t *claimed = json_object_get(object, "hex_identity");
  if (claimed == NULL) return lc_ok();
  lc_identity identity;
  if (!json_is_string(claimed) || !lc_u256_from_hex(&identity, (lc_str){json_string_value(claimed), json_string_length(claimed)})) {
    return lc_fail(LC_ERR_TOKEN, "Invalid token: JSON error: `hex_identity` is no identity");
  }
  if (lc_u256_equal(&identity, &claims->identity)) return lc_ok();
  char token_hex[65], computed_hex[65];
  lc_u256_hex(token_hex, &identity);
  lc_u256_hex(computed_hex, &claims->identity);
  return lc_fail(LC_ERR_TOKEN, "Identity mismatch: token identity Identity(%s) does not match computed identity Identity(%s)", token_hex,
                 computed_hex);
}

lc_err lc_auth_verify(const lc_auth *auth, lc_arena *arena, lc_str token, int64_t now_seconds, lc_claims *claims) {
  *claims = (lc_claims){0};
  token_parts parts;
  if (token.len > LC_TOKEN_MAX || token.len == 0 || !split_token(arena, token, &parts))
    return lc_fail(LC_ERR_TOKEN, "Invalid token: InvalidToken");
  LC_TRY(check_algorithm(parts.header));
  json_t *object = parse_object(parts.claims);
  /* The cache is the only part of lc_auth that changes, under its own lock. */
  if (!signature_is_right((lc_auth *)auth, token, &parts)) {
    const char *issuer = json_string_value(json_object_get(object, "iss"));
    lc_err err = issuer == NULL || strcmp(issuer, local_issuer) == 0
                     ? lc_fail(LC_ERR_TOKEN, "Invalid token: InvalidSignature")
                     : lc_fail(LC_ERR_TOKEN, "Error fetching public key for issuer %.*s: only tokens signed by this server are accepted",
                               CLAIM_MAX, issuer);
    json_decref(object);
    return err;
  }
  if (object == NULL) return lc_fail(LC_ERR_TOKEN, "Invalid token: JSON error: the claims are no JSON object");
  lc_err err = read_claims(arena, object, claims);
  if (!lc_failed(err)) {
    claims->identity = lc_identity_from_claims(claims->issuer, claims->subject);
    err = check_identity(object, claims);
  }
  json_decref(object);
  LC_TRY(err);
  if (claims->expires_at != 0 && claims->expires_at < now_seconds - EXPIRY_LEEWAY_SECONDS)
    return lc_fail(LC_ERR_TOKEN, "Invalid token: ExpiredSignature");
  claims->payload_json = (lc_str){(const char *)parts.claims.ptr, parts.claims.len};
  claims->token = lc_arena_str(arena, token);
  return lc_ok();
}

/* ---- writing ---- */

static lc_err sign_claims(const lc_auth *auth, lc_arena *arena, lc_str claims_json, lc_str *token) {
  lc_buf text = {0};
  lc_buf_put_text(&text, encoded_header);
  lc_buf_put8(&text, '.');
  lc__base64url_encode(&text, lc_str_span(claims_json));
  uint8_t signature[LC_SIGNATURE_LEN];
  lc_err err = lc__keys_sign(auth, lc_buf_str(&text), signature);
  if (!lc_failed(err)) {
    lc_buf_put8(&text, '.');
    lc__base64url_encode(&text, lc_span_of(signature, sizeof signature));
    *token = lc_arena_str(arena, lc_buf_str(&text));
  }
  lc_buf_deinit(&text);
  return err;
}

/* A random UUID (RFC 9562, version 4), 36 characters. */
static void random_uuid(lc_io *io, char text[static 37]) {
  uint8_t bytes[16];
  lc_io_random(io, bytes, sizeof bytes);
  bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
  bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
  char digits[33];
  lc_hex(digits, bytes, sizeof bytes);
  snprintf(text, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", digits, digits + 8, digits + 12, digits + 16, digits + 20);
}

lc_identity lc_identity_random(lc_io *io) {
  char subject[37];
  random_uuid(io, subject);
  return lc_identity_from_claims(LC_STR("localhost"), lc_str_of(subject));
}

lc_err lc_auth_issue(const lc_auth *auth, lc_arena *arena, lc_io *io, int64_t now_seconds, lc_claims *claims) {
  char subject[37], hex[65];
  random_uuid(io, subject);
  *claims = (lc_claims){.issuer = lc_str_of(local_issuer), .subject = lc_arena_str(arena, lc_str_of(subject)), .issued_at = now_seconds};
  claims->identity = lc_identity_from_claims(claims->issuer, claims->subject);
  lc_u256_hex(hex, &claims->identity);
  claims->payload_json =
      lc_arena_printf(arena, "{\"hex_identity\":\"%s\",\"sub\":\"%s\",\"iss\":\"%s\",\"aud\":[\"spacetimedb\"],\"iat\":%lld,\"exp\":null}",
                      hex, subject, local_issuer, (long long)now_seconds);
  return sign_claims(auth, arena, claims->payload_json, &claims->token);
}

/* The claims in the order of issued tokens, then what else `of` holds in its own order. */
static char *reissued_claims(const lc_claims *of, int64_t now_seconds, int64_t lifetime_seconds) {
  json_t *from = parse_object(lc_str_span(of->payload_json)), *to = json_object();
  char hex[65];
  lc_u256_hex(hex, &of->identity);
  const json_t *audience = json_object_get(from, "aud");
  json_t *audience_list = json_is_array(audience) ? json_deep_copy(audience) : json_array();
  if (json_is_string(audience)) json_array_append(audience_list, (json_t *)audience);
  bool failed = json_object_set_new(to, "hex_identity", json_string(hex)) != 0;
  failed |= json_object_set_new(to, "sub", json_stringn(of->subject.ptr, of->subject.len)) != 0;
  failed |= json_object_set_new(to, "iss", json_stringn(of->issuer.ptr, of->issuer.len)) != 0;
  failed |= json_object_set_new(to, "aud", audience_list) != 0;
  failed |= json_object_set_new(to, "iat", json_integer(now_seconds)) != 0;
  failed |= json_object_set_new(to, "exp", lifetime_seconds ? json_integer(now_seconds + lifetime_seconds) : json_null()) != 0;
  const char *key;
  json_t *value;
  json_object_foreach(from, key, value) {
    if (json_object_get(to, key) == NULL) failed |= json_object_set(to, key, value) != 0;
  }
  char *text = failed ? NULL : json_dumps(to, JSON_COMPACT);
  json_decref(from);
  json_decref(to);
  return text;
}

lc_err lc_auth_reissue(const lc_auth *auth, lc_arena *arena, const lc_claims *of, int64_t now_seconds, int64_t lifetime_seconds,
                       lc_str *token) {
  char *text = reissued_claims(of, now_seconds, lifetime_seconds);
  if (text == NULL) return lc_fail(LC_ERR_INTERNAL, "cannot write the claims of a token");
  lc_err err = sign_claims(auth, arena, lc_str_of(text), token);
  free(text);
  return err;
}
