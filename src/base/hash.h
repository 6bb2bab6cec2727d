#pragma once
/* 64-bit hashing of keys and rows (XXH3), never stored on disk, and CRC32C for what is. */
#include "base/bytes.h"

uint64_t lc_hash64(const void *bytes, size_t len);
/* A good mix of one machine word, for integer keys. */
static inline uint64_t lc_hash_u64(uint64_t key) {
  __uint128_t product = (__uint128_t)(key ^ 0x9e3779b97f4a7c15u) * 0xd6e8feb86659fd93u;
  return (uint64_t)product ^ (uint64_t)(product >> 64);
}
/* CRC32C (Castagnoli), by the processor's instruction where there is one. `crc` is 0 or the result over what came before. */
uint32_t lc_crc32c(uint32_t crc, const void *bytes, size_t len);
