/* Frames and segment headers: the byte layouts of segment.h, nothing that touches a file. */
#include "log/segment.h"

#include <stdio.h>

#include "base/assert.h"
#include "base/hash.h"
#include "log/log.h"

static const uint8_t magic[8] = "LCLOG\0\0";
enum { FORMAT_VERSION = 1 };

static_assert(LC_FRAME_HEADER_SIZE % LC_FRAME_ALIGN == 0 && LC_SEGMENT_HEADER_SIZE % LC_FRAME_ALIGN == 0, "payloads start aligned");

/* ---- segments ---- */

void lc_segment_name(char name[static LC_SEGMENT_NAME_SIZE], uint64_t first) {
  snprintf(name, LC_SEGMENT_NAME_SIZE, "%020llu.log", (unsigned long long)first);
}

bool lc_segment_name_parse(lc_str name, uint64_t *first) {
  if (name.len != LC_SEGMENT_NAME_SIZE - 1 || memcmp(name.ptr + 20, ".log", 4) != 0) return false;
  uint64_t value = 0;
  for (int i = 0; i < 20; i++) {
    if (name.ptr[i] < '0' || name.ptr[i] > '9') return false;
    if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, (uint64_t)(name.ptr[i] - '0'), &value)) return false;
  }
  *first = value;
  return true;
}

void lc_segment_header_write(uint8_t to[static LC_SEGMENT_HEADER_SIZE], uint64_t first, uint32_t salt) {
  lc_assert(salt != 0);
  memset(to, 0, LC_SEGMENT_HEADER_SIZE);
  memcpy(to, magic, sizeof magic);
  lc_store32(to + 8, FORMAT_VERSION);
  lc_store32(to + 12, salt);
  lc_store64(to + 16, first);
  lc_store32(to + 28, lc_crc32c(0, to, 28));
}

lc_err lc_segment_header_read(lc_span segment, uint64_t *first, uint32_t *salt) {
  if (segment.len < LC_SEGMENT_HEADER_SIZE)
    return lc_fail(LC_ERR_LOG_CORRUPT, "the file has %zu bytes, too few for a segment", segment.len);
  const uint8_t *at = segment.ptr;
  if (memcmp(at, magic, sizeof magic) != 0) return lc_fail(LC_ERR_LOG_CORRUPT, "it does not begin as a log segment does (byte 0)");
  if (lc_crc32c(0, at, 28) != lc_load32(at + 28)) return lc_fail(LC_ERR_LOG_CORRUPT, "the checksum of its header is wrong (byte 28)");
  if (lc_load32(at + 8) != FORMAT_VERSION) {
    return lc_fail(LC_ERR_LOG_CORRUPT, "it has format version %u, this program reads version %d", lc_load32(at + 8), FORMAT_VERSION);
  }
  *salt = lc_load32(at + 12);
  *first = lc_load64(at + 16);
  if (*salt == 0 || lc_load32(at + 24) != 0) return lc_fail(LC_ERR_LOG_CORRUPT, "its header holds an impossible value");
  return lc_ok();
}

/* ---- frames ---- */

/* Of bytes 4..20; the frame's checksum goes on from here, so that one pass gives both. */
static inline uint32_t header_checksum(const uint8_t *at, uint32_t salt) {
  return lc_crc32c(salt, at + 4, 17);
}

size_t lc_frame_finish(uint8_t *at, lc_frame_kind kind, uint32_t payload_len, uint64_t offset, uint64_t write_first, uint32_t salt) {
  lc_assert(payload_len <= LC_LOG_RECORD_MAX && (payload_len > 0) == (kind == LC_FRAME_RECORD));
  lc_assert(write_first <= offset && offset - write_first <= UINT32_MAX);
  size_t size = lc_frame_size(payload_len);
  lc_store32(at + 4, payload_len);
  lc_store64(at + 8, offset);
  lc_store32(at + 16, (uint32_t)(offset - write_first));
  at[20] = (uint8_t)kind;
  uint32_t check = header_checksum(at, salt);
  lc_store32(at + 20, (uint32_t)kind | check << 8);
  lc_store32(at, lc_crc32c(check, at + 21, 3 + (size_t)payload_len));
  memset(at + LC_FRAME_HEADER_SIZE + payload_len, 0, size - LC_FRAME_HEADER_SIZE - payload_len);
  return size;
}

static bool all_zero(const uint8_t *at, size_t len) {
  uint8_t any = 0;
  for (size_t i = 0; i < len; i++) any |= at[i];
  return any == 0;
}

/* Whether the header at `at` is one that this log wrote: only then is its length worth following. */
static bool header_holds(const uint8_t *at, uint32_t salt) {
  uint32_t len = lc_load32(at + 4), tail = lc_load32(at + 20);
  uint8_t kind = (uint8_t)tail;
  if (kind != LC_FRAME_RECORD && kind != LC_FRAME_MARK) return false;
  if (len > LC_LOG_RECORD_MAX || (len > 0) != (kind == LC_FRAME_RECORD)) return false;
  if (lc_load32(at + 16) > lc_load64(at + 8)) return false;
  return (header_checksum(at, salt) & 0xffffff) == tail >> 8;
}

lc_frame_state lc_frame_read(lc_span bytes, uint32_t salt, lc_frame *frame) {
  size_t header = bytes.len < LC_FRAME_HEADER_SIZE ? bytes.len : LC_FRAME_HEADER_SIZE;
  if (header == 0 || all_zero(bytes.ptr, header)) return LC_FRAME_NONE;
  const uint8_t *at = bytes.ptr;
  if (header < LC_FRAME_HEADER_SIZE || !header_holds(at, salt)) return LC_FRAME_BROKEN;
  uint32_t len = lc_load32(at + 4), check = header_checksum(at, salt);
  size_t size = lc_frame_size(len);
  if (size > bytes.len) return LC_FRAME_BROKEN;
#ifndef LC_PLANT_ACCEPT_TORN_RECORD
  if (lc_crc32c(check, at + 21, 3 + (size_t)len) != lc_load32(at)) return LC_FRAME_BROKEN;
  if (!all_zero(at + LC_FRAME_HEADER_SIZE + len, size - LC_FRAME_HEADER_SIZE - len)) return LC_FRAME_BROKEN;
#else
  (void)check;
#endif
  uint64_t offset = lc_load64(at + 8);
  *frame = (lc_frame){.kind = (lc_frame_kind)at[20],
                      .offset = offset,
                      .write_first = offset - lc_load32(at + 16),
                      .payload = {at + LC_FRAME_HEADER_SIZE, len},
                      .size = size};
  return LC_FRAME_WHOLE;
}

bool lc_segment_find_later(lc_span segment, size_t from, uint32_t salt, uint64_t offset, size_t *at, lc_frame *frame) {
  from = (from + LC_FRAME_ALIGN - 1) & ~(size_t)(LC_FRAME_ALIGN - 1);
  for (; from + LC_FRAME_HEADER_SIZE <= segment.len; from += LC_FRAME_ALIGN) {
    lc_span rest = {segment.ptr + from, segment.len - from};
    if (lc_load64(rest.ptr + 8) < offset) continue; /* most of what is not a frame ends here */
    if (lc_frame_read(rest, salt, frame) != LC_FRAME_WHOLE) continue;
    bool is_wanted = frame->kind == LC_FRAME_RECORD && frame->offset == offset;
    if (frame->write_first <= offset && !is_wanted) continue;
    *at = from;
    return true;
  }
  return false;
}
