/* F1–F5 of log/segment.h on bytes in memory: whatever happens to a frame, a reader sees all of it or none, and takes nothing else for one.
 */
#include "log/segment.h"

#include "harness.h"
#include "log/log.h"

enum { SALT = 0x12345678 };

static size_t write_record(uint8_t *at, const char *payload, uint64_t offset, uint64_t write_first) {
  memcpy(at + LC_FRAME_HEADER_SIZE, payload, strlen(payload));
  return lc_frame_finish(at, LC_FRAME_RECORD, (uint32_t)strlen(payload), offset, write_first, SALT);
}

/* CRC32C bit by bit from its definition, so that a mistake of the program cannot agree with itself. */
static uint32_t crc_by_bits(uint32_t crc, const uint8_t *bytes, size_t len) {
  crc = ~crc;
  for (size_t i = 0; i < 8 * len; i++) {
    bool one = (crc ^ (uint32_t)(bytes[i / 8] >> i % 8)) & 1;
    crc = crc >> 1 ^ (one ? 0x82f63b78u : 0);
  }
  return ~crc;
}

/* Computed with another implementation of CRC32C (a table in Python, checked against e3069283 for "123456789"). */
TEST(the_bytes_are_those_of_the_format_document) {
  static const uint8_t header[32] = {'L', 'C', 'L', 'O', 'G', 0, 0, 0, 1, 0, 0, 0, 0x78, 0x56, 0x34, 0x12,
                                     7,   0,   0,   0,   0,   0, 0, 0, 0, 0, 0, 0, 0x49, 0xac, 0xc7, 0xd5};
  static const uint8_t record[32] = {0x20, 0x1e, 0x09, 0xdc, 0x05, 0x00, 0x00, 0x00, 0x09, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                                     0x02, 0x00, 0x00, 0x00, 0x01, 0xac, 0xe1, 0xf3, 0x68, 0x65, 0x6c, 0x6c, 0x6f, 0x00, 0x00, 0x00};
  uint8_t bytes[32];
  lc_segment_header_write(bytes, 7, SALT);
  expect_bytes(bytes, 32, header, 32);
  memset(bytes, 0xff, sizeof bytes);
  expect_equal(write_record(bytes, "hello", 9, 7), 32);
  expect_bytes(bytes, 32, record, 32);
}

TEST(checksums_agree_with_the_definition_for_every_length) {
  static uint8_t frame[400];
  for (uint32_t len = 1; len < 300; len++) {
    for (uint32_t i = 0; i < len; i++) frame[LC_FRAME_HEADER_SIZE + i] = (uint8_t)(i * 7 + len);
    size_t size = lc_frame_finish(frame, LC_FRAME_RECORD, len, 1000 + len, 1000, SALT);
    expect_equal(size % LC_FRAME_ALIGN, 0);
    expect_equal(lc_load32(frame), crc_by_bits(SALT, frame + 4, LC_FRAME_HEADER_SIZE - 4 + len));
    expect_equal(lc_load32(frame + 20) >> 8, crc_by_bits(SALT, frame + 4, 17) & 0xffffff);
  }
}

TEST(a_frame_reads_back_as_it_was_written) {
  uint8_t bytes[64] = {0};
  lc_frame frame;
  size_t size = write_record(bytes, "hello", 9, 7);
  expect_equal(lc_frame_read(lc_span_of(bytes, sizeof bytes), SALT, &frame), LC_FRAME_WHOLE);
  expect_bytes(frame.payload.ptr, frame.payload.len, "hello", 5);
  expect_equal(frame.offset, 9);
  expect_equal(frame.write_first, 7);
  expect_equal(frame.kind, LC_FRAME_RECORD);
  expect_equal(frame.size, size);
  expect_equal(lc_frame_finish(bytes, LC_FRAME_MARK, 0, 10, 10, SALT), LC_FRAME_HEADER_SIZE);
  expect_equal(lc_frame_read(lc_span_of(bytes, sizeof bytes), SALT, &frame), LC_FRAME_WHOLE);
  expect_equal(frame.kind, LC_FRAME_MARK);
}

TEST(F1_every_truncation_and_every_flipped_bit_is_seen) {
  uint8_t bytes[64] = {0};
  lc_frame frame;
  size_t size = write_record(bytes, "hello", 9, 7);
  for (size_t kept = 1; kept < size; kept++) expect_equal(lc_frame_read(lc_span_of(bytes, kept), SALT, &frame), LC_FRAME_BROKEN);
  for (size_t bit = 0; bit < 8 * size; bit++) {
    bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    expect_equal(lc_frame_read(lc_span_of(bytes, sizeof bytes), SALT, &frame), LC_FRAME_BROKEN);
    bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
}

TEST(F2_zeros_are_the_end) {
  uint8_t bytes[64] = {0};
  lc_frame frame;
  for (size_t len = 0; len <= sizeof bytes; len++) expect_equal(lc_frame_read(lc_span_of(bytes, len), SALT, &frame), LC_FRAME_NONE);
}

TEST(F4_a_later_write_is_found_and_the_same_write_is_not) {
  uint8_t bytes[256] = {0};
  lc_frame frame;
  size_t first = write_record(bytes, "zero", 0, 0), at;
  size_t second = first + write_record(bytes + first, "one", 1, 0), third = second + write_record(bytes + second, "two", 2, 2);
  bytes[first + LC_FRAME_HEADER_SIZE] ^= 1; /* record 1, of the same write as 0 */
  expect_equal(lc_frame_read(lc_span_of(bytes + first, sizeof bytes - first), SALT, &frame), LC_FRAME_BROKEN);
  expect(lc_segment_find_later(lc_span_of(bytes, sizeof bytes), first, SALT, 1, &at, &frame));
  expect_equal(at, second);
  expect_equal(frame.offset, 2);
  expect(lc_segment_find_later(lc_span_of(bytes, sizeof bytes), first, SALT, 2, &at, &frame)); /* the wanted record itself */
  expect(!lc_segment_find_later(lc_span_of(bytes, sizeof bytes), first, SALT, 3, &at, &frame));
  memset(bytes + second, 0, third - second);
  write_record(bytes + second, "two", 2, 0);
  expect(!lc_segment_find_later(lc_span_of(bytes, sizeof bytes), first, SALT, 1, &at, &frame));
}

TEST(F5_another_salt_makes_every_frame_unreadable) {
  uint8_t bytes[64] = {0};
  lc_frame frame;
  write_record(bytes, "hello", 9, 7);
  for (uint32_t bit = 0; bit < 32; bit++) {
    expect_equal(lc_frame_read(lc_span_of(bytes, sizeof bytes), SALT ^ 1u << bit, &frame), LC_FRAME_BROKEN);
  }
}

TEST(names_are_those_of_the_format_document) {
  char name[LC_SEGMENT_NAME_SIZE];
  uint64_t first;
  lc_segment_name(name, 1234567);
  expect_text(name, "00000000000001234567.log");
  expect(lc_segment_name_parse(lc_str_of(name), &first) && first == 1234567);
  lc_segment_name(name, UINT64_MAX);
  expect(lc_segment_name_parse(lc_str_of(name), &first) && first == UINT64_MAX);
  static const char *const others[] = {
      "next.tmp", "1234567.log", "0000000000000123456x.log", "99999999999999999999.log", "00000000000001234567.lob", ""};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) expect(!lc_segment_name_parse(lc_str_of(others[i]), &first));
}

TEST(every_flipped_bit_of_a_segment_header_is_an_error) {
  uint8_t bytes[LC_SEGMENT_HEADER_SIZE];
  uint64_t first;
  uint32_t salt;
  lc_segment_header_write(bytes, 7, SALT);
  expect_ok(lc_segment_header_read(lc_span_of(bytes, sizeof bytes), &first, &salt));
  expect(first == 7 && salt == SALT);
  for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
    bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    expect_error(lc_segment_header_read(lc_span_of(bytes, sizeof bytes), &first, &salt), LC_ERR_LOG_CORRUPT);
    bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  for (size_t kept = 0; kept < sizeof bytes; kept++) {
    expect_error(lc_segment_header_read(lc_span_of(bytes, kept), &first, &salt), LC_ERR_LOG_CORRUPT);
  }
}
