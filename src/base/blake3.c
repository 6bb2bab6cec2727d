/*
 * BLAKE3, portable, one pass, 32-byte output.
 *
 * The input is cut into chunks of 1024 bytes, each a chain of 64-byte blocks; chunks are the leaves of a binary tree whose left
 * subtrees are always full. A stack holds the chaining values of finished subtrees: after chunk n as many pairs are merged as n has
 * trailing zero bits, so the stack never holds more than one value per bit of the chunk count.
 */
#include "base/blake3.h"

enum { CHUNK_LEN = 1024, BLOCK_LEN = 64, STACK_DEPTH = 54 };
enum { CHUNK_START = 1, CHUNK_END = 2, PARENT = 4, ROOT = 8 };

static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
static const uint8_t permutation[16] = {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8};

static uint32_t rotate_right(uint32_t word, int bits) {
  return word >> bits | word << (32 - bits);
}

static void mix(uint32_t v[16], int a, int b, int c, int d, uint32_t x, uint32_t y) {
  v[a] += v[b] + x, v[d] = rotate_right(v[d] ^ v[a], 16);
  v[c] += v[d], v[b] = rotate_right(v[b] ^ v[c], 12);
  v[a] += v[b] + y, v[d] = rotate_right(v[d] ^ v[a], 8);
  v[c] += v[d], v[b] = rotate_right(v[b] ^ v[c], 7);
}

/* `chain` becomes the next chaining value. */
static void compress(uint32_t chain[8], const uint8_t block[BLOCK_LEN], uint32_t block_len, uint64_t counter, uint32_t flags) {
  uint32_t v[16] = {chain[0],  chain[1],   chain[2],   chain[3],   chain[4],   chain[5],          chain[6],
                    chain[7],  initial[0], initial[1], initial[2], initial[3], (uint32_t)counter, (uint32_t)(counter >> 32),
                    block_len, flags};
  uint32_t m[16], permuted[16];
  memcpy(m, block, BLOCK_LEN);
  for (int round = 0; round < 7; round++) {
    mix(v, 0, 4, 8, 12, m[0], m[1]);
    mix(v, 1, 5, 9, 13, m[2], m[3]);
    mix(v, 2, 6, 10, 14, m[4], m[5]);
    mix(v, 3, 7, 11, 15, m[6], m[7]);
    mix(v, 0, 5, 10, 15, m[8], m[9]);
    mix(v, 1, 6, 11, 12, m[10], m[11]);
    mix(v, 2, 7, 8, 13, m[12], m[13]);
    mix(v, 3, 4, 9, 14, m[14], m[15]);
    for (int i = 0; i < 16; i++) permuted[i] = m[permutation[i]];
    memcpy(m, permuted, sizeof m);
  }
  for (int i = 0; i < 8; i++) chain[i] = v[i] ^ v[i + 8];
}

/* The chaining value of one chunk; `root` is 0 or ROOT when it is the whole input. */
static void hash_chunk(uint32_t chain[8], const uint8_t *bytes, size_t len, uint64_t index, uint32_t root) {
  memcpy(chain, initial, sizeof initial);
  uint32_t flags = CHUNK_START;
  for (; len > BLOCK_LEN; bytes += BLOCK_LEN, len -= BLOCK_LEN) {
    compress(chain, bytes, BLOCK_LEN, index, flags);
    flags = 0;
  }
  uint8_t last[BLOCK_LEN] = {0};
  if (len) memcpy(last, bytes, len);
  compress(chain, last, (uint32_t)len, index, flags | CHUNK_END | root);
}

/* `right` becomes the chaining value of the parent of both. */
static void hash_parent(const uint32_t left[8], uint32_t right[8], uint32_t root) {
  uint8_t block[BLOCK_LEN];
  memcpy(block, left, 32);
  memcpy(block + 32, right, 32);
  memcpy(right, initial, sizeof initial);
  compress(right, block, BLOCK_LEN, 0, PARENT | root);
}

void lc_blake3(uint8_t out[static 32], const void *bytes, size_t len) {
  const uint8_t *at = bytes;
  uint32_t stack[STACK_DEPTH][8], chain[8];
  size_t depth = 0;
  uint64_t index = 0;
  for (; len > CHUNK_LEN; at += CHUNK_LEN, len -= CHUNK_LEN) {
    hash_chunk(chain, at, CHUNK_LEN, index++, 0);
    for (uint64_t chunks = index; (chunks & 1) == 0; chunks >>= 1) hash_parent(stack[--depth], chain, 0);
    memcpy(stack[depth++], chain, sizeof chain);
  }
  hash_chunk(chain, at, len, index, depth == 0 ? ROOT : 0);
  while (depth > 0) {
    depth--;
    hash_parent(stack[depth], chain, depth == 0 ? ROOT : 0);
  }
  memcpy(out, chain, 32);
}
