/*
 * Keccak-256 as submitted to the SHA-3 competition (Bertoni, Daemen, Peeters, Van Assche: "The Keccak reference", 3.0): the permutation
 * Keccak-f[1600], rate 136 bytes, padding 0x01 … 0x80. The standard's SHA3-256 differs only in the first padding byte.
 */
#include "base/keccak.h"

enum { LANES = 25, ROUNDS = 24, RATE = 136 };

static const uint64_t round_constants[ROUNDS] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b, 0x0000000080000001,
    0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003, 0x8000000000008002, 0x8000000000000080,
    0x000000000000800a, 0x800000008000000a, 0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};
/* Along the path that pi takes through the lanes, starting at lane 1: the lane, and how far rho turns what lands there. */
static const uint8_t path[LANES - 1] = {10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1};
static const uint8_t turns[LANES - 1] = {1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 2, 14, 27, 41, 56, 8, 25, 43, 62, 18, 39, 61, 20, 44};

static inline uint64_t rotate_left(uint64_t lane, unsigned by) { return lane << by | lane >> (64 - by); }

static void permute(uint64_t lanes[static LANES]) {
  for (int round = 0; round < ROUNDS; round++) {
    uint64_t parity[5];
    for (int x = 0; x < 5; x++) parity[x] = lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20];
    for (int x = 0; x < 5; x++) {
      uint64_t mix = parity[(x + 4) % 5] ^ rotate_left(parity[(x + 1) % 5], 1);
      for (int y = 0; y < LANES; y += 5) lanes[y + x] ^= mix;
    }
    uint64_t moving = lanes[1];
    for (int step = 0; step < LANES - 1; step++) {
      uint64_t next = lanes[path[step]];
      lanes[path[step]] = rotate_left(moving, turns[step]);
      moving = next;
    }
    for (int y = 0; y < LANES; y += 5) {
      uint64_t row[5];
      memcpy(row, lanes + y, sizeof row);
      for (int x = 0; x < 5; x++) lanes[y + x] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
    }
    lanes[0] ^= round_constants[round];
  }
}

static void absorb(uint64_t lanes[static LANES], const uint8_t *block) {
  for (int i = 0; i < RATE / 8; i++) lanes[i] ^= lc_load64(block + 8 * i);
  permute(lanes);
}

void lc_keccak256(uint8_t out[static 32], const void *bytes, size_t len) {
  uint64_t lanes[LANES] = {0};
  const uint8_t *at = bytes;
  for (; len >= RATE; at += RATE, len -= RATE) absorb(lanes, at);
  uint8_t last[RATE] = {0};
  if (len) memcpy(last, at, len);
  last[len] ^= 0x01;
  last[RATE - 1] ^= 0x80;
  absorb(lanes, last);
  memcpy(out, lanes, 32);
}
