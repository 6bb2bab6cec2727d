/*
 * Identities and tokens against the worked examples of docs/http.md and the recordings in tests/vectors (keys/tokens.json: tokens made
 * elsewhere with the same key; http/identity.jsonl: what the reference answered to good and bad ones).
 */
#include "auth/auth.h"

#include <jansson.h>
#include <sys/stat.h>

#include "harness.h"

static const int64_t recorded_at = 1795317403; /* the `iat` that the recording shows */

static char directory[64];

static lc_io *open_io(void) {
  snprintf(directory, sizeof directory, "%s", "/tmp/lc-auth-XXXXXX");
  expect(mkdtemp(directory) != NULL);
  lc_io *io = NULL;
  expect_ok(lc_io_linux_open(directory, &io));
  return io;
}

static void close_io(lc_io *io) {
  expect_ok(lc_dir_remove_all(io, "keys"));
  lc_io_close(io);
  expect(rmdir(directory) == 0);
}

static void copy_key(lc_io *io, const char *name) {
  char path[64];
  snprintf(path, sizeof path, "tests/vectors/keys/%s", name);
  FILE *file = fopen(path, "r");
  expect(file != NULL);
  char text[1024];
  size_t len = fread(text, 1, sizeof text, file);
  fclose(file);
  snprintf(path, sizeof path, "keys/%s", name);
  expect_ok(lc_path_publish(io, path, lc_span_of(text, len), 0600));
}

static lc_auth *open_recorded(lc_io *io) {
  expect_ok(lc_dir_create(io, "keys"));
  copy_key(io, "id_ecdsa");
  copy_key(io, "id_ecdsa.pub");
  lc_auth *auth = NULL;
  expect_ok(lc_auth_open(io, "keys/id_ecdsa", "keys/id_ecdsa.pub", &auth));
  return auth;
}

TEST(identities_are_those_of_the_worked_examples) {
  static const struct {
    const char *issuer, *subject, *hex;
  } examples[] = {
      {"localhost", "test-subject", "c200b3ce65d91b79ecfb7d881cd65bf8da2f647d590af1474ad19faa7aa87e38"},
      {"https://auth.spacetimedb.com/oidc", "alice", "c2009b66b1c680bbb63a1a777002af9c704afd4148ecef968e853b55d08871b6"},
  };
  for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
    lc_identity identity = lc_identity_from_claims(lc_str_of(examples[i].issuer), lc_str_of(examples[i].subject));
    char hex[65];
    lc_u256_hex(hex, &identity);
    expect_text(hex, examples[i].hex);
  }
}

TEST(tokens_made_elsewhere_with_our_key_are_believed) {
  lc_io *io = open_io();
  lc_auth *auth = open_recorded(io);
  lc_arena arena = {0};
  json_t *file = json_load_file("tests/vectors/keys/tokens.json", 0, NULL), *person;
  const char *name;
  int checked = 0;
  json_object_foreach(json_object_get(file, "people"), name, person) {
    const char *token = json_string_value(json_object_get(person, "token"));
    for (int round = 0; round < 2; round++) { /* the second time from the cache */
      lc_claims claims;
      expect_ok(lc_auth_verify(auth, &arena, lc_str_of(token), recorded_at, &claims));
      char hex[65];
      lc_u256_hex(hex, &claims.identity);
      expect_text(hex, json_string_value(json_object_get(person, "identity")));
      expect(lc_str_is(claims.subject, name));
      expect(lc_str_is(claims.issuer, "localhost"));
      expect(lc_str_is(claims.token, token));
      expect_equal(claims.issued_at, 1700000000);
      expect_equal(claims.expires_at, 0);
    }
    checked++;
  }
  expect_equal(checked, 4);
  json_decref(file);
  lc_arena_deinit(&arena);
  lc_auth_close(auth);
  close_io(io);
}

/* The bearer token of a recorded request, or NULL when it has none. */
static const char *recorded_token(const json_t *request) {
  size_t i;
  json_t *header;
  json_array_foreach(json_object_get(request, "headers"), i, header) {
    const char *value = json_string_value(json_array_get(header, 1));
    if (strcmp(json_string_value(json_array_get(header, 0)), "Authorization") == 0 && strncasecmp(value, "Bearer ", 7) == 0) {
      value += 7;
      while (*value == ' ') value++;
      return value;
    }
  }
  return NULL;
}

TEST(recorded_tokens_are_accepted_and_refused_as_the_recording_says) {
  lc_io *io = open_io();
  lc_auth *auth = open_recorded(io);
  lc_arena arena = {0};
  FILE *file = fopen("tests/vectors/http/identity.jsonl", "r");
  expect(file != NULL);
  char *line = NULL;
  size_t cap = 0;
  int good = 0, bad = 0;
  while (getline(&line, &cap, file) > 0) {
    json_t *step = json_loads(line, 0, NULL), *request = json_object_get(step, "req");
    const char *token = recorded_token(request), *path = json_string_value(json_object_get(request, "path"));
    const char *status = json_string_value(json_object_get(json_object_get(step, "res"), "status"));
    const char *body = json_string_value(json_object_get(json_object_get(step, "res"), "body"));
    if (token != NULL && token[0] == 'e' && strstr(path, "/verify") != NULL) {
      lc_claims claims;
      lc_err err = lc_auth_verify(auth, &arena, lc_str_of(token), recorded_at, &claims);
      bool refused = strstr(status, " 401 ") != NULL;
      if (lc_failed(err) != refused) lc_test_fail("line %lld: %s", json_integer_value(json_object_get(step, "n")), lc_err_text(err));
      /* The reasons that name what is wrong with a claim. */
      if (refused && (strstr(body, "Subject") || strstr(body, "Identity mismatch") || strstr(body, "ExpiredSignature"))) {
        expect_text(lc_err_text(err), body);
      }
      refused ? bad++ : good++;
    }
    json_decref(step);
  }
  expect(good >= 10);
  expect(bad >= 10);
  free(line);
  fclose(file);
  lc_arena_deinit(&arena);
  lc_auth_close(auth);
  close_io(io);
}

TEST(a_token_with_any_byte_changed_or_missing_is_refused) {
  lc_io *io = open_io();
  lc_auth *auth = open_recorded(io);
  lc_arena arena = {0};
  lc_claims claims, other;
  expect_ok(lc_auth_issue(auth, &arena, io, recorded_at, &claims));
  expect_ok(lc_auth_verify(auth, &arena, claims.token, recorded_at, &other));
  char *text = strndup(claims.token.ptr, claims.token.len);
  for (size_t i = 0; i < claims.token.len; i++) {
    char before = text[i];
    text[i] = before == 'A' ? 'B' : 'A';
    expect_error(lc_auth_verify(auth, &arena, lc_str_of(text), recorded_at, &other), LC_ERR_TOKEN);
    text[i] = before;
    expect_error(lc_auth_verify(auth, &arena, (lc_str){text, i}, recorded_at, &other), LC_ERR_TOKEN);
  }
  free(text);
  lc_arena_deinit(&arena);
  lc_auth_close(auth);
  close_io(io);
}

TEST(issued_tokens_have_the_claims_of_the_recording_in_its_order) {
  lc_io *io = open_io();
  lc_auth *auth = open_recorded(io);
  lc_arena arena = {0};
  lc_claims claims, checked;
  expect_ok(lc_auth_issue(auth, &arena, io, 1700000000, &claims));
  expect_ok(lc_auth_verify(auth, &arena, claims.token, recorded_at, &checked));
  expect(lc_u256_equal(&claims.identity, &checked.identity));
  char hex[65], expected[512];
  lc_u256_hex(hex, &claims.identity);
  snprintf(expected, sizeof expected,
           "{\"hex_identity\":\"%s\",\"sub\":\"%.*s\",\"iss\":\"localhost\",\"aud\":[\"spacetimedb\"],\"iat\":1700000000,\"exp\":null}",
           hex, LC_STR_ARGS(claims.subject));
  expect(lc_str_is(checked.payload_json, expected));
  expect_equal(claims.subject.len, 36);
  expect_equal(claims.subject.ptr[14], '4');
  expect(strncmp(claims.token.ptr, "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.", 37) == 0);

  /* A websocket token: the same claims and extras, 60 seconds, and 60 more of leeway. */
  lc_claims with_extra = checked;
  with_extra.payload_json = LC_STR("{\"role\":\"admin\",\"aud\":\"x\",\"sub\":\"ignored\"}");
  lc_str token;
  expect_ok(lc_auth_reissue(auth, &arena, &with_extra, recorded_at, 60, &token));
  expect_ok(lc_auth_verify(auth, &arena, token, recorded_at + 120, &checked));
  snprintf(expected, sizeof expected,
           "{\"hex_identity\":\"%s\",\"sub\":\"%.*s\",\"iss\":\"localhost\",\"aud\":[\"x\"],\"iat\":%lld,\"exp\":%lld,\"role\":\"admin\"}",
           hex, LC_STR_ARGS(claims.subject), (long long)recorded_at, (long long)recorded_at + 60);
  expect(lc_str_is(checked.payload_json, expected));
  expect_error(lc_auth_verify(auth, &arena, token, recorded_at + 121, &checked), LC_ERR_TOKEN);
  lc_arena_deinit(&arena);
  lc_auth_close(auth);
  close_io(io);
}

TEST(keys_are_made_once_kept_and_never_half_replaced) {
  lc_io *io = open_io();
  lc_arena arena = {0};
  lc_auth *first = NULL, *second = NULL;
  expect_ok(lc_dir_create(io, "keys"));
  expect_ok(lc_auth_open(io, "keys/id_ecdsa", "keys/id_ecdsa.pub", &first));
  char path[128];
  snprintf(path, sizeof path, "%s/keys/id_ecdsa", directory);
  struct stat status;
  expect(stat(path, &status) == 0);
  expect_equal(status.st_mode & 0777, 0600);

  lc_claims claims, checked;
  expect_ok(lc_auth_issue(first, &arena, io, recorded_at, &claims));
  expect_ok(lc_auth_open(io, "keys/id_ecdsa", "keys/id_ecdsa.pub", &second));
  expect(lc_str_equal(lc_auth_public_key_pem(first), lc_auth_public_key_pem(second)));
  expect_ok(lc_auth_verify(second, &arena, claims.token, recorded_at, &checked));
  lc_auth_close(first);
  lc_auth_close(second);

  expect_ok(lc_path_remove(io, "keys/id_ecdsa.pub"));
  expect_error(lc_auth_open(io, "keys/id_ecdsa", "keys/id_ecdsa.pub", &first), LC_ERR_INVALID);
  expect(!lc_path_exists(io, "keys/id_ecdsa.pub"));
  copy_key(io, "id_ecdsa.pub"); /* of another pair */
  expect_error(lc_auth_open(io, "keys/id_ecdsa", "keys/id_ecdsa.pub", &first), LC_ERR_INVALID);
  lc_arena_deinit(&arena);
  close_io(io);
}
