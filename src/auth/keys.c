/*
 * The key pair: EC P-256, the private half as PKCS#8 PEM, the public half as SPKI PEM. Both files or none: with one missing the server
 * refuses to start, because a fresh pair would silently invalidate every token that clients have stored.
 */
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/pem.h>

#include "auth/auth_internal.h"

enum { KEY_FILE_MAX = 16384 };

static lc_err pem_of(EVP_PKEY *key, bool private_half, lc_buf *pem) {
  BIO *bio = BIO_new(BIO_s_mem());
  if (bio == NULL) return lc_error(LC_ERR_NO_MEMORY);
  int ok = private_half ? PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) : PEM_write_bio_PUBKEY(bio, key);
  char *text = NULL;
  long len = BIO_get_mem_data(bio, &text);
  if (ok == 1 && len > 0) lc_buf_append(pem, text, (size_t)len);
  BIO_free(bio);
  return ok == 1 ? lc_ok() : lc_fail(LC_ERR_INTERNAL, "cannot write a key as PEM");
}

static lc_err generate(lc_auth *auth, lc_io *io, const char *private_key_path, const char *public_key_path) {
  auth->private_key = EVP_EC_gen("P-256");
  if (auth->private_key == NULL) return lc_fail(LC_ERR_INTERNAL, "cannot generate an EC P-256 key pair");
  lc_buf private_pem = {0};
  lc_err err = pem_of(auth->private_key, true, &private_pem);
  if (!lc_failed(err)) err = pem_of(auth->private_key, false, &auth->public_pem);
  if (!lc_failed(err)) err = lc_path_publish(io, private_key_path, lc_buf_span(&private_pem), 0600);
  if (!lc_failed(err)) err = lc_path_publish(io, public_key_path, lc_buf_span(&auth->public_pem), 0644);
  if (private_pem.len) OPENSSL_cleanse(private_pem.data, private_pem.len);
  lc_buf_deinit(&private_pem);
  if (lc_failed(err)) return lc_err_context(err, "storing the new signing keys");
  if (EVP_PKEY_up_ref(auth->private_key) != 1) return lc_error(LC_ERR_NO_MEMORY);
  auth->public_key = auth->private_key;
  return lc_ok();
}

static bool is_p256(EVP_PKEY *key) {
  char group[32] = "";
  size_t len = 0;
  return EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof group, &len) == 1 && strcmp(group, "prime256v1") == 0;
}

static EVP_PKEY *key_from_pem(const lc_buf *pem, bool private_half) {
  BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
  if (bio == NULL) return NULL;
  EVP_PKEY *key = private_half ? PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"") : PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
  BIO_free(bio);
  return key;
}

static lc_err load(lc_auth *auth, lc_io *io, const char *private_key_path, const char *public_key_path) {
  lc_buf private_pem = {0};
  lc_err err = lc_path_read(io, private_key_path, KEY_FILE_MAX, &private_pem);
  if (!lc_failed(err)) err = lc_path_read(io, public_key_path, KEY_FILE_MAX, &auth->public_pem);
  if (!lc_failed(err)) {
    auth->private_key = key_from_pem(&private_pem, true);
    auth->public_key = key_from_pem(&auth->public_pem, false);
  }
  if (private_pem.len) OPENSSL_cleanse(private_pem.data, private_pem.len);
  lc_buf_deinit(&private_pem);
  LC_TRY(err);
  if (auth->private_key == NULL || !is_p256(auth->private_key))
    return lc_fail(LC_ERR_INVALID, "%s holds no EC P-256 private key in PEM", private_key_path);
  if (auth->public_key == NULL || !is_p256(auth->public_key))
    return lc_fail(LC_ERR_INVALID, "%s holds no EC P-256 public key in PEM", public_key_path);
  if (EVP_PKEY_eq(auth->private_key, auth->public_key) != 1)
    return lc_fail(LC_ERR_INVALID, "%s and %s are not a pair", private_key_path, public_key_path);
  return lc_ok();
}

lc_err lc__keys_open(lc_auth *auth, lc_io *io, const char *private_key_path, const char *public_key_path) {
  bool has_private = lc_path_exists(io, private_key_path), has_public = lc_path_exists(io, public_key_path);
  if (!has_private && !has_public) return generate(auth, io, private_key_path, public_key_path);
  if (has_private != has_public) {
    return lc_fail(LC_ERR_INVALID,
                   "%s is missing although %s exists: restore it, or remove both to get new keys (tokens issued so far will be invalid)",
                   has_private ? public_key_path : private_key_path, has_private ? private_key_path : public_key_path);
  }
  return load(auth, io, private_key_path, public_key_path);
}

void lc__keys_close(lc_auth *auth) {
  EVP_PKEY_free(auth->private_key);
  EVP_PKEY_free(auth->public_key);
  lc_buf_deinit(&auth->public_pem);
}

/* OpenSSL speaks DER, JWS wants both numbers with 32 bytes each. */
static bool signature_to_raw(const uint8_t *der, size_t der_len, uint8_t raw[static LC_SIGNATURE_LEN]) {
  ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)der_len);
  if (signature == NULL) return false;
  bool ok = BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, 32) == 32 && BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + 32, 32) == 32;
  ECDSA_SIG_free(signature);
  return ok;
}

static int signature_to_der(const uint8_t raw[static LC_SIGNATURE_LEN], uint8_t **der) {
  ECDSA_SIG *signature = ECDSA_SIG_new();
  BIGNUM *r = BN_bin2bn(raw, 32, NULL), *s = BN_bin2bn(raw + 32, 32, NULL);
  if (signature == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(signature, r, s) != 1) {
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(signature);
    return 0;
  }
  int len = i2d_ECDSA_SIG(signature, der);
  ECDSA_SIG_free(signature);
  return len;
}

lc_err lc__keys_sign(const lc_auth *auth, lc_str text, uint8_t signature[static LC_SIGNATURE_LEN]) {
  uint8_t der[128];
  size_t der_len = sizeof der;
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  bool ok = ctx != NULL && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, auth->private_key) == 1 &&
            EVP_DigestSign(ctx, der, &der_len, (const uint8_t *)text.ptr, text.len) == 1 && signature_to_raw(der, der_len, signature);
  EVP_MD_CTX_free(ctx);
  return ok ? lc_ok() : lc_fail(LC_ERR_INTERNAL, "cannot sign a token");
}

bool lc__keys_verify(const lc_auth *auth, lc_str text, const uint8_t signature[static LC_SIGNATURE_LEN]) {
  uint8_t *der = NULL;
  int der_len = signature_to_der(signature, &der);
  if (der_len <= 0) return false;
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  bool ok = ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, auth->public_key) == 1 &&
            EVP_DigestVerify(ctx, der, (size_t)der_len, (const uint8_t *)text.ptr, text.len) == 1;
  EVP_MD_CTX_free(ctx);
  OPENSSL_free(der);
  return ok;
}
