/* config.toml: the keys of the reference's file, and what is wrong with a bad one. */
#include "server/config.h"

#include "base/logging.h"
#include "harness.h"

static lc_err parse(lc_server_settings *config, const char *text) {
  lc_server_settings_init(config);
  return lc_server_settings_parse(config, lc_str_of(text));
}

TEST(an_empty_file_gives_the_defaults) {
  lc_server_settings config;
  expect_ok(parse(&config, ""));
  expect_text(config.private_key_path, "");
  expect_equal(config.ping_interval_ms, 0);
  expect_equal(config.log_level, LC_LOG_INFO);
}

TEST(the_keys_of_the_reference_are_read) {
  lc_server_settings config;
  expect_ok(parse(&config,
                  "# a comment\n"
                  "[certificate-authority]\n"
                  "jwt-priv-key-path = \"/etc/keys/a \\\"b\\\" # no comment\" # a comment\n"
                  "jwt-pub-key-path='/etc/keys/a.pub'\r\n"
                  "\n"
                  "[logs]\n"
                  "level = \"warn\"\n"
                  "directives = [\n  \"a=debug\", # one\n  \"b=info\",\n]\n"
                  "[websocket]\n"
                  "  ping-interval = \"15s\"\n"
                  "\tidle-timeout = \"2m\"\n"
                  "close-handshake-timeout = \"250ms\"\n"
                  "incoming-queue-length = 2048\n"
                  "[commitlog]\n"
                  "preallocate-segments = false\n"
                  "[v8-heap-policy]\n"
                  "heap-gc-trigger-fraction = 0.67"));
  expect_text(config.private_key_path, "/etc/keys/a \"b\" # no comment");
  expect_text(config.public_key_path, "/etc/keys/a.pub");
  expect_equal(config.log_level, LC_LOG_WARN);
  expect_equal(config.ping_interval_ms, 15000);
  expect_equal(config.idle_timeout_ms, 120000);
  expect_equal(config.close_timeout_ms, 250);
}

TEST(unknown_keys_are_ignored) {
  lc_server_settings config;
  lc_log_set_level(LC_LOG_ERROR);
  expect_ok(parse(&config, "[future]\nkey = 1\n[logs]\nother = \"x\"\nlevel = \"debug\"\n"));
  expect_equal(config.log_level, LC_LOG_DEBUG);
}

TEST(a_wrong_line_is_named) {
  static const struct {
    const char *text, *start;
  } bad[] = {
      {"[logs\n", "line 1: "},
      {"\n[logs]\nlevel\n", "line 3: "},
      {"[logs]\nlevel = \n", "line 2: "},
      {"[logs]\nlevel = loud\n", "line 2: `level` in [logs] wants "},
      {"[logs]\nlevel = \"loud\"\n", "line 2: `level` in [logs] wants "},
      {"[websocket]\nping-interval = 15\n", "line 2: `ping-interval` in [websocket] wants a duration"},
      {"[websocket]\nping-interval = \"15\"\n", "line 2: "},
      {"[websocket]\nping-interval = \"0s\"\n", "line 2: "},
      {"[websocket]\nping-interval = \"99999999999999999999s\"\n", "line 2: "},
      {"[websocket]\nping-interval = \"-1s\"\n", "line 2: "},
      {"[certificate-authority]\njwt-pub-key-path = \"open\n", "line 2: "},
      {"[certificate-authority]\njwt-pub-key-path = \"bad \\q\"\n", "line 2: "},
      {"a b = 1\n", "line 1: "},
      {"[logs]\ndirectives = [\"a\"\n", "the last list is not closed"},
      {"\xff\n", "the file is not valid UTF-8"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    lc_server_settings config;
    lc_err err = parse(&config, bad[i].text);
    expect_equal(err.code, LC_ERR_INVALID);
    if (strncmp(lc_err_text(err), bad[i].start, strlen(bad[i].start)) != 0) lc_test_fail("%zu: %s", i, lc_err_text(err));
  }
}

/* Every prefix of a good file is either good or refused; nothing reads past its end (with the sanitizers). */
TEST(a_file_cut_anywhere_is_harmless) {
  const char *text = "[certificate-authority]\njwt-priv-key-path = \"a\\\\b\" # c\n[logs]\ndirectives = ['x', \"y\"]\nlevel='info'";
  for (size_t len = 0; len <= strlen(text); len++) {
    char *cut = malloc(len + 1);
    memcpy(cut, text, len);
    lc_server_settings config;
    lc_server_settings_init(&config);
    lc_err err = lc_server_settings_parse(&config, (lc_str){cut, len});
    expect(err.code == LC_OK || err.code == LC_ERR_INVALID);
    free(cut);
  }
}
