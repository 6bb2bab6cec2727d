/* cli.toml: what is not touched stays as it is. */
#include "cli/cli.h"
#include "harness.h"

static char directory[] = "/tmp/lightcone-config-XXXXXX";

static lc_config open_text(const char *text) {
  lc_config config = {0};
  char path[64];
  if (strstr(directory, "XXXXXX")) expect(mkdtemp(directory) != NULL);
  snprintf(path, sizeof path, "%s/cli.toml", directory);
  if (text) expect_ok(lc_cli_write_file(path, lc_str_span(lc_str_of(text)), 0600));
  expect_ok(lc_config_open(&config, directory, path));
  return config;
}

static void expect_saved(lc_config *config, const char *expected) {
  lc_buf text = {0};
  expect_ok(lc_config_save(config));
  expect_ok(lc_cli_read_file(config->path, &text));
  expect_text(lc_buf_cstr(&text), expected);
  lc_buf_deinit(&text);
  unlink(config->path);
  rmdir(directory);
  lc_config_close(config);
}

TEST(without_a_file_there_is_the_server_on_this_machine) {
  lc_config config = open_text(NULL);
  expect(lc_str_is(lc_config_get(&config, "default_server"), "local"));
  const lc_server_config *local = lc_config_server(&config, "local");
  expect(local && lc_str_is(local->host, "127.0.0.1:3000") && lc_str_is(local->protocol, "http"));
  expect(strstr(config.data_directory, directory) != NULL);
  rmdir(directory);
  lc_config_close(&config);
}

TEST(a_key_is_replaced_in_place) {
  lc_config config = open_text(
      "# mine\ndefault_server = \"local\"   # here\nspacetimedb_token = \"a\"\nother = 3\n\n[[server_configs]]\nnickname = \"local\"\nhost "
      "= \"127.0.0.1:3000\"\nprotocol = \"http\"\n");
  expect(lc_str_is(lc_config_get(&config, "default_server"), "local"));
  lc_config_set(&config, "spacetimedb_token", "b.c.d");
  expect(lc_str_is(lc_config_get(&config, "spacetimedb_token"), "b.c.d"));
  expect_saved(&config,
               "# mine\ndefault_server = \"local\"   # here\nspacetimedb_token = \"b.c.d\"\nother = 3\n\n[[server_configs]]\nnickname = "
               "\"local\"\nhost = \"127.0.0.1:3000\"\nprotocol = \"http\"\n");
}

TEST(a_new_key_comes_before_the_tables_and_a_removed_one_is_gone) {
  lc_config config = open_text("a = \"1\"\n[[server_configs]]\nhost = \"h\"\n");
  lc_config_set(&config, "b", "2");
  lc_config_set(&config, "a", NULL);
  expect_null(lc_config_get(&config, "a").ptr);
  expect_saved(&config, "b = \"2\"\n[[server_configs]]\nhost = \"h\"\n");
}

TEST(servers_are_found_by_nickname_or_host_and_removed_alone) {
  lc_config config = open_text(
      "[[server_configs]]\nnickname = 'one'\nhost = \"h:1\"\nprotocol = \"http\"\n\n[[server_configs]]\nhost = \"h:2\"\nprotocol = "
      "\"https\"\n");
  expect(lc_config_server(&config, "one") == lc_config_server(&config, "h:1"));
  expect(lc_config_server(&config, "h:2") != NULL);
  expect_null(lc_config_server(&config, "three"));
  expect_failure(lc_config_add_server(&config, "one", "h:9", "http"));
  expect_ok(lc_config_add_server(&config, "three", "h:3", "http"));
  expect_ok(lc_config_remove_server(&config, "one"));
  expect_saved(&config,
               "[[server_configs]]\nhost = \"h:2\"\nprotocol = \"https\"\n\n[[server_configs]]\nnickname = \"three\"\nhost = "
               "\"h:3\"\nprotocol = \"http\"\n");
}
