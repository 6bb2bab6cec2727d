#pragma once
/*
 * Compression of whole frames as the reference does it: brotli quality 1, gzip level 1. Threads: no state.
 */
#include "base/buf.h"
#include "base/error.h"
#include "net/outbox.h"

/* Appends the compressed form of `bytes`. `algorithm` is not LC_COMPRESSION_NONE. */
void lc_compress(lc_compression algorithm, lc_span bytes, lc_buf *to);
/* The inverse, for clients and tests, up to `max` bytes. Errors: LC_ERR_INVALID, LC_ERR_TOO_LARGE. */
lc_err lc_decompress(lc_compression algorithm, lc_span bytes, size_t max, lc_buf *to);
