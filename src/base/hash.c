#include "base/hash.h"

#include <xxhash.h>
#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

uint64_t lc_hash64(const void *bytes, size_t len) { return XXH3_64bits(bytes, len); }

static uint32_t crc_table[256];

__attribute__((constructor)) static void crc_table_init(void) {
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
    crc_table[i] = crc;
  }
}

static uint32_t crc_portable(uint32_t crc, const uint8_t *at, size_t len) {
  while (len--) crc = crc >> 8 ^ crc_table[(crc ^ *at++) & 255];
  return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc_hardware(uint32_t crc, const uint8_t *at, size_t len) {
  uint64_t wide = crc;
  for (; len >= 8; at += 8, len -= 8) wide = _mm_crc32_u64(wide, lc_load64(at));
  crc = (uint32_t)wide;
  while (len--) crc = _mm_crc32_u8(crc, *at++);
  return crc;
}
#endif

uint32_t lc_crc32c(uint32_t crc, const void *bytes, size_t len) {
  crc = ~crc;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) return ~crc_hardware(crc, bytes, len);
#endif
  return ~crc_portable(crc, bytes, len);
}
