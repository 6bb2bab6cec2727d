#pragma once
/*
 * Segments and frames: how records lie in the files of the commit log. All numbers little endian. docs/formats.md has the same tables.
 *
 * A segment is a file named after the offset of its first record, `<20 digits>.log`:
 *
 *   offset  size  field
 *   0       8     magic      "LCLOG", three zeros
 *   8       4     version    1
 *   12      4     salt       random, not zero; seeds every checksum of the segment
 *   16      8     first      offset of the first record, as in the name
 *   24      4     zeros
 *   28      4     checksum   CRC32C of bytes 0..27
 *   32            frames, back to back; then zeros to the end of the file
 *
 * A frame:
 *
 *   0       4     checksum   CRC32C of bytes 4 to the end of the payload, continued from the salt
 *   4       4     length     bytes of payload: 1..LC_LOG_RECORD_MAX, 0 for a mark
 *   8       8     offset     number of the record; of a mark: of the record that comes next
 *   16      4     back       how many records before it went to disk in the same write: that write began with record `offset - back`
 *   20      1     kind       1 record, 2 mark
 *   21      3     check      low 24 bits of the CRC32C of bytes 4..20, continued from the salt: guards the length before it is used
 *   24      n     payload    log/record.h
 *   24+n    0..7  padding    zeros up to a multiple of 8
 *
 * Invariants
 *   F1  A frame is either whole or it is not there: no reader sees part of one (L3).
 *   F2  Unused space is zero, so a header of zeros means "nothing written here yet".
 *   F3  A frame never crosses a segment.
 *   F4  One write is under way at a time. So a valid frame whose write began behind record k proves that record k had reached the disk: if
 * k cannot be read now, it was damaged. Without such a frame k belongs to the last write, which a crash tore: it was never acknowledged.
 *      (Record k itself, whole but further on, is damage too: then it was the mark before it that cannot be read.)
 *   F5  Salt and offset number keep bytes of an earlier use of the space, of another segment or of a payload from being taken for a frame.
 *
 * A mark carries no record; it is written when the log is closed or reopened, to prove by F4 that all before it is complete.
 * Threads: none of this keeps state.
 */
#include "base/bytes.h"
#include "base/error.h"

enum { LC_SEGMENT_HEADER_SIZE = 32, LC_SEGMENT_NAME_SIZE = 25, LC_FRAME_HEADER_SIZE = 24, LC_FRAME_ALIGN = 8 };

/* ---- segments ---- */

void lc_segment_name(char name[static LC_SEGMENT_NAME_SIZE], uint64_t first);
/* The first offset, when `name` is that of a segment. */
bool lc_segment_name_parse(lc_str name, uint64_t *first);
void lc_segment_header_write(uint8_t to[static LC_SEGMENT_HEADER_SIZE], uint64_t first, uint32_t salt);
/* Errors: LC_ERR_LOG_CORRUPT with what is wrong with it. */
lc_err lc_segment_header_read(lc_span segment, uint64_t *first, uint32_t *salt);

/* ---- frames ---- */

typedef enum lc_frame_kind { LC_FRAME_RECORD = 1, LC_FRAME_MARK = 2 } lc_frame_kind;

/* Borrows the segment's memory. */
typedef struct lc_frame {
  lc_frame_kind kind;
  uint64_t offset, write_first; /* write_first: the first record of the write that it was part of */
  lc_span payload;
  size_t size; /* with header and padding: where the next frame starts */
} lc_frame;

static inline size_t lc_frame_size(size_t payload_len) {
  return (LC_FRAME_HEADER_SIZE + payload_len + LC_FRAME_ALIGN - 1) & ~(size_t)(LC_FRAME_ALIGN - 1);
}

/* Completes the frame at `at`, whose payload is in place behind the header: header and padding. Returns its size. */
size_t lc_frame_finish(uint8_t *at, lc_frame_kind kind, uint32_t payload_len, uint64_t offset, uint64_t write_first, uint32_t salt);

typedef enum lc_frame_state {
  LC_FRAME_WHOLE,
  LC_FRAME_NONE,  /* nothing but zeros where the header would be (F2), or the bytes end */
  LC_FRAME_BROKEN /* something, but no whole frame (F1) */
} lc_frame_state;
/* Reads the frame at the start of `bytes` (untrusted, L13). `*frame` is set only when it is whole. */
lc_frame_state lc_frame_read(lc_span bytes, uint32_t salt, lc_frame *frame);

/* Looks in `segment` from byte `from` on, where record `offset` should be and is not, for a frame that proves it was there (F4). */
bool lc_segment_find_later(lc_span segment, size_t from, uint32_t salt, uint64_t offset, size_t *at, lc_frame *frame);
