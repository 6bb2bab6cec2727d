/* Connecting and disconnecting (datastore-and-lifecycle.md 4.3). Accounts 4040 – 4042 are switches of the test module: they make its
 * reducers refuse. */
#include "fixture.h"

TEST(a_client_has_its_rows_while_it_is_there) {
  fixture f;
  listener a;
  fixture_open(&f, true);
  publish_bank(&f, 1);
  connect_client(&f, &a, alice, 1);
  expect_equal(count_rows(&f, "st_client"), 1);
  expect_equal(count_rows(&f, "st_connection_credentials"), 1);
  expect_equal(count_rows(&f, "note"), 1);
  /* What the connect reducer wrote: the payload that it found under its connection. */
  lc_scan scan;
  lc_row row;
  lc_table_scan(lc_store_table_by_name(lc_database_store(f.database), LC_STR("note")), &scan);
  expect(lc_scan_next(&scan, &row));
  expect_bytes(row.bytes + 12, row.len - 12, "hello {\"sub\":\"x\"}", 17);
  disconnect_client(&a);
  expect_equal(count_rows(&f, "st_client"), 0);
  expect_equal(count_rows(&f, "st_connection_credentials"), 0);
  expect_equal(count_rows(&f, "note"), 2);
  fixture_close(&f);
}

TEST(a_refused_client_leaves_nothing) {
  fixture f;
  listener a;
  fixture_open(&f, true);
  publish_bank(&f, 1);
  call(&f, NULL, "open_account", "wq", 4040u, 0ull);
  lc_err err = try_connect(&f, &a, alice, 1);
  expect_error(err, LC_ERR_USER);
  expect_text(lc_err_text(err), "closed today");
  expect_null(a.client);
  expect_equal(count_rows(&f, "st_client"), 0);
  expect_equal(count_rows(&f, "st_connection_credentials"), 0);
  expect_equal(count_rows(&f, "note"), 0);
  fixture_close(&f);
}

TEST(a_disconnect_reducer_cannot_veto) {
  fixture f;
  listener a;
  fixture_open(&f, true);
  publish_bank(&f, 1);
  connect_client(&f, &a, alice, 1);
  call(&f, NULL, "open_account", "wq", 4041u, 0ull);
  disconnect_client(&a);
  expect_equal(count_rows(&f, "st_client"), 0);
  expect_equal(count_rows(&f, "note"), 1); /* its own note rolled back */
  fixture_close(&f);
}

TEST(two_connections_with_one_id_are_two_subscribers) {
  fixture f;
  listener a, b;
  fixture_open(&f, true);
  publish_bank(&f, 1);
  connect_client(&f, &a, alice, 1);
  connect_client(&f, &b, alice, 1);
  expect_equal(count_rows(&f, "st_client"), 1);
  subscribe(&a, LC_SUBSCRIBE_SET, 1, "SELECT * FROM account WHERE id = 1");
  subscribe(&b, LC_SUBSCRIBE_SET, 1, "SELECT * FROM account WHERE id = 2");
  call(&f, NULL, "transfer", "wwq", 1u, 2u, 1ull);
  expect_equal(a.updates, 1);
  expect_equal(b.updates, 1);
  disconnect_client(&a);
  call(&f, NULL, "transfer", "wwq", 1u, 2u, 1ull);
  expect_equal(b.updates, 2);
  disconnect_client(&b);
  expect_equal(count_rows(&f, "note"), 3); /* hello, hello, and one goodbye: the row was gone at the second */
  fixture_close(&f);
}

TEST(closing_tells_everybody_and_leaves_the_handle_to_the_session) {
  fixture f;
  listener a;
  fixture_open(&f, true);
  publish_bank(&f, 1);
  connect_client(&f, &a, alice, 1);
  lc_database_close(f.database);
  f.database = NULL;
  expect_equal(a.closed, 1);
  lc_subscription_rows rows;
  expect_failure(lc_client_query(a.client, LC_STR("SELECT * FROM account"), &rows));
  disconnect_client(&a);
  fixture_close(&f);
}
