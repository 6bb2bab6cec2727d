#include "net/compress.h"

#include <brotli/decode.h>
#include <brotli/encode.h>
#include <zlib.h>

#include "base/assert.h"

enum { GZIP_WINDOW = 15 + 16 /* 16: the gzip wrapper */, BROTLI_QUALITY = 1, GZIP_LEVEL = 1, STEP = 64 << 10 };

static void compress_brotli(lc_span bytes, lc_buf *to) {
  size_t size = BrotliEncoderMaxCompressedSize(bytes.len);
  lc_buf_reserve(to, size);
  BROTLI_BOOL ok =
      BrotliEncoderCompress(BROTLI_QUALITY, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_GENERIC, bytes.len, bytes.ptr, &size, to->data + to->len);
  lc_assert(ok); /* the room is enough for any input */
  to->len += size;
}

static void compress_gzip(lc_span bytes, lc_buf *to) {
  z_stream stream = {0};
  int status = deflateInit2(&stream, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY);
  lc_assert(status == Z_OK);
  size_t bound = deflateBound(&stream, bytes.len);
  lc_assert(bytes.len <= UINT32_MAX && bound <= UINT32_MAX);
  lc_buf_reserve(to, bound);
  stream.next_in = (Bytef *)(uintptr_t)bytes.ptr;
  stream.avail_in = (uInt)bytes.len;
  stream.next_out = to->data + to->len;
  stream.avail_out = (uInt)bound;
  status = deflate(&stream, Z_FINISH);
  lc_assert(status == Z_STREAM_END);
  to->len += stream.total_out;
  deflateEnd(&stream);
}

void lc_compress(lc_compression algorithm, lc_span bytes, lc_buf *to) {
  lc_assert(algorithm != LC_COMPRESSION_NONE);
  if (algorithm == LC_COMPRESSION_BROTLI) {
    compress_brotli(bytes, to);
  } else {
    compress_gzip(bytes, to);
  }
}

static lc_err decompress_brotli(lc_span bytes, size_t max, lc_buf *to) {
  BrotliDecoderState *state = BrotliDecoderCreateInstance(NULL, NULL, NULL);
  if (state == NULL) return lc_error(LC_ERR_NO_MEMORY);
  size_t start = to->len;
  lc_err err = lc_ok();
  for (;;) {
    lc_buf_reserve(to, STEP);
    size_t room = STEP;
    uint8_t *out = to->data + to->len;
    BrotliDecoderResult result = BrotliDecoderDecompressStream(state, &bytes.len, &bytes.ptr, &room, &out, NULL);
    to->len += STEP - room;
    if (to->len - start > max) err = lc_fail(LC_ERR_TOO_LARGE, "the decompressed bytes are more than %zu", max);
    if (result == BROTLI_DECODER_RESULT_SUCCESS || lc_failed(err)) break;
    if (result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT) continue;
    err = lc_fail(LC_ERR_INVALID, "the bytes are not a brotli stream");
    break;
  }
  BrotliDecoderDestroyInstance(state);
  return err;
}

static lc_err decompress_gzip(lc_span bytes, size_t max, lc_buf *to) {
  z_stream stream = {0};
  if (bytes.len > UINT32_MAX) return lc_fail(LC_ERR_TOO_LARGE, "a gzip stream of %zu bytes", bytes.len);
  if (inflateInit2(&stream, GZIP_WINDOW) != Z_OK) return lc_error(LC_ERR_NO_MEMORY);
  stream.next_in = (Bytef *)(uintptr_t)bytes.ptr;
  stream.avail_in = (uInt)bytes.len;
  size_t start = to->len;
  lc_err err = lc_ok();
  for (;;) {
    lc_buf_reserve(to, STEP);
    stream.next_out = to->data + to->len;
    stream.avail_out = STEP;
    int status = inflate(&stream, Z_NO_FLUSH);
    to->len += STEP - stream.avail_out;
    if (to->len - start > max) err = lc_fail(LC_ERR_TOO_LARGE, "the decompressed bytes are more than %zu", max);
    if (status == Z_STREAM_END || lc_failed(err)) break;
    if (status == Z_OK && (stream.avail_in || stream.avail_out == 0)) continue;
    err = lc_fail(LC_ERR_INVALID, "the bytes are not a gzip stream");
    break;
  }
  inflateEnd(&stream);
  return err;
}

lc_err lc_decompress(lc_compression algorithm, lc_span bytes, size_t max, lc_buf *to) {
  lc_assert(algorithm != LC_COMPRESSION_NONE);
  return algorithm == LC_COMPRESSION_BROTLI ? decompress_brotli(bytes, max, to) : decompress_gzip(bytes, max, to);
}
