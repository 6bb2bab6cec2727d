/*
 * The definition that a server sends as JSON is the one that the module wrote as BSATN. The expected bytes were written by a real module
 * (crate 2.11.0: a table `accounts`, reducers `seed` and `transfer`).
 */
#include "cli/definition.h"

#include "harness.h"

static const char json[] =
    "{\"sections\":[{\"Typespace\":{\"types\":[{\"Product\":{\"elements\":[{\"name\":{\"some\":\"id\"},\"algebraic_type\":{\"U32\":[]}},"
    "{\"name\":{\"some\":\"balance\"},\"algebraic_type\":{\"I64\":[]}}]}}]}},"
    "{\"Types\":[{\"source_name\":{\"scope\":[],\"source_name\":\"Account\"},\"ty\":0,\"custom_ordering\":true}]},"
    "{\"Tables\":[{\"source_name\":\"accounts\",\"product_type_ref\":0,\"primary_key\":[0],\"indexes\":[{\"source_name\":{\"some\":"
    "\"accounts_id_idx_btree\"},"
    "\"accessor_name\":{\"some\":\"id\"},\"algorithm\":{\"BTree\":[0]}}],\"constraints\":[{\"source_name\":{\"none\":[]},\"data\":{"
    "\"Unique\":{\"columns\":[0]}}}],"
    "\"sequences\":[],\"table_type\":{\"User\":[]},\"table_access\":{\"Public\":[]},\"default_values\":[],\"is_event\":false}]},"
    "{\"ExplicitNames\":{\"entries\":[]}},"
    "{\"Reducers\":[{\"source_name\":\"seed\",\"params\":{\"elements\":[{\"name\":{\"some\":\"n\"},\"algebraic_type\":{\"U32\":[]}},"
    "{\"name\":{\"some\":\"balance\"},\"algebraic_type\":{\"I64\":[]}}]},\"visibility\":{\"ClientCallable\":[]},"
    "\"ok_return_type\":{\"Product\":{\"elements\":[]}},\"err_return_type\":{\"String\":[]}},"
    "{\"source_name\":\"transfer\",\"params\":{\"elements\":[{\"name\":{\"some\":\"from\"},\"algebraic_type\":{\"U32\":[]}},{\"name\":{"
    "\"some\":\"to\"},"
    "\"algebraic_type\":{\"U32\":[]}},{\"name\":{\"some\":\"amount\"},\"algebraic_type\":{\"I64\":[]}}]},\"visibility\":{"
    "\"ClientCallable\":[]},"
    "\"ok_return_type\":{\"Product\":{\"elements\":[]}},\"err_return_type\":{\"String\":[]}}]}]}";

/* Behind the tag and the number of sections. */
static const char module_wrote[] =
    "0001000000"
    "0202000000"
    "0002000000"
    "69640b"
    "0007000000"
    "62616c616e63650c"
    "0101000000"
    "00000000"
    "07000000"
    "4163636f756e74"
    "00000000"
    "01"
    "0201000000"
    "08000000"
    "6163636f756e7473"
    "00000000"
    "010000000000"
    "01000000"
    "0015000000"
    "6163636f756e74735f69645f6964785f6274726565"
    "0002000000"
    "6964"
    "00010000000000"
    "01000000"
    "0100010000000000"
    "00000000"
    "0100"
    "0000000000"
    "0a00000000"
    "0302000000"
    "04000000"
    "73656564"
    "02000000"
    "0001000000"
    "6e0b"
    "0007000000"
    "62616c616e63650c"
    "01"
    "020000000004"
    "08000000"
    "7472616e73666572"
    "03000000"
    "0004000000"
    "66726f6d0b"
    "0002000000"
    "746f0b"
    "0006000000"
    "616d6f756e740c"
    "01"
    "020000000004";

TEST(json_becomes_what_the_module_wrote) {
  lc_buf bytes = {0};
  uint8_t expected[512] = {0x02, 6, 0, 0, 0, 9, 0}; /* V10, six sections, the first: names are canonical already */
  size_t len = strlen(module_wrote) / 2;
  expect(lc_hex_decode(expected + 7, len, lc_str_of(module_wrote)));
  expect_equal(len + 5, 257);
  expect_ok(lc_definition_json_to_bsatn(lc_str_of(json), &bytes));
  expect_bytes(bytes.data, bytes.len, expected, len + 7);
  lc_buf_deinit(&bytes);
}

TEST(a_policy_that_the_server_sends_is_kept) {
  lc_buf bytes = {0};
  static const uint8_t expected[] = {2, 1, 0, 0, 0, 9, 1};
  expect_ok(lc_definition_json_to_bsatn(LC_STR("{\"sections\":[{\"CaseConversionPolicy\":{\"SnakeCase\":[]}}]}"), &bytes));
  expect_bytes(bytes.data, bytes.len, expected, sizeof expected);
  lc_buf_deinit(&bytes);
}

TEST(nonsense_from_a_server_is_an_error) {
  static const char *const texts[] = {
      "", "[]", "{}", "{\"sections\":[{\"Tables\":[{\"source_name\":1}]}]}", "{\"sections\":[{\"Future\":[]}]}", "{\"sections\":"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    lc_buf bytes = {0};
    expect_failure(lc_definition_json_to_bsatn(lc_str_of(texts[i]), &bytes));
    lc_buf_deinit(&bytes);
  }
}

TEST(identity_of_a_token) {
  lc_arena arena = {0};
  /* {"hex_identity":"c200ab","sub":"s?>","iss":"i"}: base64url with - and _ */
  expect_text(lc_token_identity(&arena, "h.eyJoZXhfaWRlbnRpdHkiOiJjMjAwYWIiLCJzdWIiOiJzPz4iLCJpc3MiOiJpIn0.s"), "c200ab");
  expect_null(lc_token_identity(&arena, "not-a-token"));
  expect_null(lc_token_identity(&arena, "a.!!.c"));
  lc_arena_deinit(&arena);
}
