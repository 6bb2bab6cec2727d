/*
 * Identities from claims. Most significant byte first, an identity is
 *
 *   size  field
 *   2     c2 00
 *   4     checksum   BLAKE3(c2 00 || hash)
 *   26    hash       BLAKE3(issuer || '|' || subject)
 *
 * and lies in memory, rows and messages the other way round.
 */
#include "auth/auth.h"
#include "base/blake3.h"

enum { HASH_LEN = 26, CHECKSUM_LEN = 4 };

lc_identity lc_identity_from_claims(lc_str issuer, lc_str subject) {
  lc_buf text = {0};
  lc_buf_put_str(&text, issuer);
  lc_buf_put8(&text, '|');
  lc_buf_put_str(&text, subject);
  uint8_t hash[32], checksum[32], checked[2 + HASH_LEN] = {0xc2, 0x00};
  lc_blake3(hash, text.data, text.len);
  lc_buf_deinit(&text);
  memcpy(checked + 2, hash, HASH_LEN);
  lc_blake3(checksum, checked, sizeof checked);

  lc_identity identity;
  for (int i = 0; i < HASH_LEN; i++) identity.bytes[i] = hash[HASH_LEN - 1 - i];
  for (int i = 0; i < CHECKSUM_LEN; i++) identity.bytes[HASH_LEN + i] = checksum[CHECKSUM_LEN - 1 - i];
  identity.bytes[30] = 0x00;
  identity.bytes[31] = 0xc2;
  return identity;
}
