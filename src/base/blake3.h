#pragma once
/* BLAKE3 hashing (the paper of O'Connor, Aumasson, Neves, Wilcox-O'Hearn), default mode, 32-byte output; portable. */
#include "base/bytes.h"

void lc_blake3(uint8_t out[static 32], const void *bytes, size_t len);
