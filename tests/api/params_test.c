/* Names, identities and hashes as requests write them; expected values are the worked examples of the HTTP API's description. */
#include "api/api_internal.h"
#include "base/keccak.h"
#include "harness.h"

TEST(database_names_are_groups_of_letters_and_digits_with_single_hyphens) {
  static const char *const good[] = {"a", "1", "a-b", "quickstart-chat", "a1-2-b3", "6e61c3af7665"};
  static const struct {
    const char *name, *problem;
  } bad[] = {
      {"", "database names cannot be empty"},
      {"-a", "invalid hyphen in database name"},
      {"a-", "invalid hyphen in database name"},
      {"a--b", "invalid hyphen in database name"},
      {"-", "invalid hyphen in database name"},
      {"Bad_Name", "invalid characters in database name"},
      {"a b", "invalid characters in database name"},
      {"a.b", "invalid characters in database name"},
      {"a/b", "invalid characters in database name"},
      {"\xc3\xa9", "invalid characters in database name"},
      {"c200edff7793ad1cc741713faf48528d4d6b7bd0d7798c5ff600d375fdc9a9fb", "database names cannot be identities"},
  };
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) expect_null(lc__name_problem(lc_str_of(good[i])));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) expect_text(lc__name_problem(lc_str_of(bad[i].name)), bad[i].problem);
}

TEST(identities_come_with_and_without_a_prefix_in_either_case) {
  static const char *const same[] = {"c200b3ce65d91b79ecfb7d881cd65bf8da2f647d590af1474ad19faa7aa87e38",
                                     "C200B3CE65D91B79ECFB7D881CD65BF8DA2F647D590AF1474AD19FAA7AA87E38",
                                     "0xc200b3ce65d91b79ecfb7d881cd65bf8da2f647d590af1474ad19faa7aa87e38"};
  static const char *const none[] = {"",
                                     "c200",
                                     "0x",
                                     "x'c200b3ce65d91b79ecfb7d881cd65bf8da2f647d590af1474ad19faa7aa87e38'",
                                     "g200b3ce65d91b79ecfb7d881cd65bf8da2f647d590af1474ad19faa7aa87e38",
                                     "c200b3ce65d91b79ecfb7d881cd65bf8da2f647d590af1474ad19faa7aa87e380"};
  lc_identity expected = lc_identity_from_claims(LC_STR("localhost"), LC_STR("test-subject")), identity;
  for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
    expect(lc__is_identity_text(lc_str_of(same[i]), &identity));
    expect(lc_u256_equal(&identity, &expected));
  }
  for (size_t i = 0; i < sizeof none / sizeof *none; i++) expect(!lc__is_identity_text(lc_str_of(none[i]), &identity));
}

static void expect_hash_text(const lc_hash256 *hash, const char *expected) {
  lc_buf text = {0};
  lc__put_hash(&text, hash);
  expect_text(lc_buf_cstr(&text), expected);
  lc_hash256 back;
  expect(lc__parse_hash(lc_buf_str(&text), &back));
  expect(lc_u256_equal(hash, &back));
  lc_buf_deinit(&text);
}

TEST(hashes_are_written_reversed_without_leading_zeros) {
  lc_hash256 hash = {{0}};
  expect_hash_text(&hash, "0x0");
  hash.bytes[0] = 0x12;
  expect_hash_text(&hash, "0x12");
  hash.bytes[1] = 0x03;
  expect_hash_text(&hash, "0x312");
  static const char *const bad[] = {"", "0x", "12", "hello", "0xg", "0x11111111111111111111111111111111111111111111111111111111111111111"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) expect(!lc__parse_hash(lc_str_of(bad[i]), &hash));
}

/* Example 16.3: programs of three bytes, `old` and `new`. */
TEST(a_migration_token_binds_database_and_both_programs) {
  lc_identity identity = lc_identity_from_claims(LC_STR("localhost"), LC_STR("test-subject"));
  lc_hash256 old_program, new_program;
  lc_keccak256(old_program.bytes, "old", 3);
  lc_keccak256(new_program.bytes, "new", 3);
  lc_hash256 token = lc__migration_token(&identity, &old_program, &new_program);
  expect_hash_text(&token, "0xd83b21dbf0b90741776b286a962b9000b5f630e8952f8181c13eedfecea23832");
}
