#pragma once
/* Keccak-256 with the original padding (not SHA3-256): the hash of programs and of migration tokens (docs/formats.md). */
#include "base/bytes.h"

void lc_keccak256(uint8_t out[static 32], const void *bytes, size_t len);
