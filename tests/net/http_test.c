/* N1 to N3: requests that two readers could understand differently are refused; bytes may arrive in any portions. */
#include "net/http.h"

#include "harness.h"

static lc_http_request request;

static int parse(const char *text, size_t *used) {
  size_t scanned = 0;
  int status = 0;
  static uint8_t *copy; /* of exactly the text's length, borrowed by `request` until the next call */
  free(copy);
  copy = malloc(strlen(text));
  memcpy(copy, text, strlen(text));
  lc_http_progress progress = lc_http_parse((lc_span){copy, strlen(text)}, &scanned, &request, used, &status);
  return progress == LC_HTTP_DONE ? 0 : progress == LC_HTTP_MORE ? 1 : status;
}

static int status_of(const char *text) {
  size_t used;
  return parse(text, &used);
}

TEST(a_request_is_taken_apart) {
  size_t used;
  expect_equal(
      parse("POST /v1/database/x/sql?a=1&b=%20 HTTP/1.1\r\nHost: localhost\r\nContent-Length:  5 \r\nX-A: b, c\r\n\r\nhello", &used), 0);
  expect_equal(used, strlen("POST /v1/database/x/sql?a=1&b=%20 HTTP/1.1\r\nHost: localhost\r\nContent-Length:  5 \r\nX-A: b, c\r\n\r\n"));
  expect_equal(request.method, LC_HTTP_POST);
  expect(lc_str_is(request.path, "/v1/database/x/sql"));
  expect(lc_str_is(request.query, "a=1&b=%20"));
  expect_equal(request.content_length, 5);
  expect(request.keep_alive);
  expect(lc_http_header_has_token(&request, "x-a", "C"));
  lc_str rest = request.path, segment;
  const char *const segments[] = {"v1", "database", "x", "sql"};
  for (int i = 0; i < 4; i++) expect(lc_http_segment(&rest, &segment) && lc_str_is(segment, segments[i]));
  expect(!lc_http_segment(&rest, &segment));
}

TEST(keep_alive_follows_version_and_header) {
  status_of("GET / HTTP/1.0\r\n\r\n");
  expect(!request.keep_alive);
  status_of("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  expect(request.keep_alive);
  status_of("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n");
  expect(!request.keep_alive);
}

TEST(N2_what_two_readers_could_read_differently_is_refused) {
  static const struct {
    const char *request;
    int status;
  } cases[] = {
      {"hello\r\n\r\n", 400},
      {"hello\n\n", 400},
      {"GET  / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1 \r\n\r\n", 400},
      {"GET /a b HTTP/1.1\r\n\r\n", 400},
      {"GET x HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/2.0\r\n\r\n", 505},
      {"GET / http/1.1\r\n\r\n", 400},
      {"G(T / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\nHost: a\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nX: \x01\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
      {"POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n", 501},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nContent-Length: +5\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nContent-Length: 5, 5\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nContent-Length:\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nExpect: tea\r\n\r\n", 417},
      {"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", 0},
      {"GET http://localhost/v1/ping HTTP/1.1\r\nHost: localhost\r\n\r\n", 0},
      {"GET /v1/ping HTTP/1.1\r\n\r\n", 0}, /* recorded: no Host is fine */
      {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 0},
      {"\r\nGET / HTTP/1.1\r\n\r\n", 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int status = status_of(cases[i].request);
    if (status != cases[i].status) lc_test_fail("%s gave %d, expected %d", cases[i].request, status, cases[i].status);
  }
}

TEST(N1_a_head_that_does_not_end_is_refused_at_64_KiB) {
  static char text[LC_HTTP_HEAD_MAX + 1];
  int start = snprintf(text, sizeof text, "GET / HTTP/1.1\r\nX: ");
  memset(text + start, 'x', sizeof text - (size_t)start - 1);
  expect_equal(status_of(text), 431);
  lc_buf many = {0};
  lc_buf_put_text(&many, "GET / HTTP/1.1\r\n");
  for (int i = 0; i <= LC_HTTP_HEADERS_MAX; i++) lc_buf_put_text(&many, "a: b\r\n");
  lc_buf_put_text(&many, "\r\n");
  expect_equal(status_of(lc_buf_cstr(&many)), 431);
  lc_buf_deinit(&many);
}

TEST(a_head_may_arrive_byte_by_byte) {
  const char *text = "GET /a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  size_t scanned = 0, used = 0;
  int status = 0;
  for (size_t len = 0; len < strlen(text); len++) {
    expect_equal(lc_http_parse((lc_span){(const uint8_t *)text, len}, &scanned, &request, &used, &status), LC_HTTP_MORE);
  }
  expect_equal(lc_http_parse((lc_span){(const uint8_t *)text, strlen(text)}, &scanned, &request, &used, &status), LC_HTTP_DONE);
  expect_equal(used, strlen(text));
  expect(!request.keep_alive);
}

static const char chunked_body[] = "5\r\nhello\r\n1;ext=\"x\"\r\n \r\n00a\r\nhow are yo\r\n0\r\nTrailer: x\r\n\r\nrest";

TEST(a_chunked_body_is_decoded_in_place_however_it_is_cut) {
  for (size_t cut = 0; cut <= sizeof chunked_body - 5; cut++) {
    uint8_t bytes[sizeof chunked_body];
    memcpy(bytes, chunked_body, sizeof chunked_body);
    lc_http_chunks chunks = {.limit = 100};
    size_t used, decoded = 0, at;
    int status = 0;
    lc_http_progress progress = lc_http_chunks_decode(&chunks, bytes, cut, bytes, &used, &decoded, &status);
    at = used;
    if (progress == LC_HTTP_MORE) {
      expect_equal(used, cut);
      progress = lc_http_chunks_decode(&chunks, bytes + at, sizeof chunked_body - 1 - at, bytes + decoded, &used, &decoded, &status);
      at += used;
    }
    expect_equal(progress, LC_HTTP_DONE);
    expect_equal(at, sizeof chunked_body - 1 - strlen("rest"));
    expect_bytes(bytes, decoded, "hello how are yo", 16);
  }
}

TEST(bad_chunks_are_refused) {
  static const struct {
    const char *body;
    int status;
  } cases[] = {
      {"g\r\n", 400},
      {"\r\n", 400},
      {"5\nhello", 400},
      {"5\r\nhelloX", 400},
      {"5\r\nhello\r5", 400},
      {"-1\r\n", 400},
      {"0x5\r\n", 400},
      {"11\r\n", 413},
      {"8\r\n12345678\r\n9\r\n", 413},
      {"fffffffffffffffffff\r\n", 400},
      {"00000000000000000005\r\n", 400},
      {"0\r\na\nb\r\n\r\n", 400},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint8_t bytes[64];
    size_t len = strlen(cases[i].body), used, decoded = 0;
    memcpy(bytes, cases[i].body, len);
    lc_http_chunks chunks = {.limit = 16};
    int status = 0;
    if (lc_http_chunks_decode(&chunks, bytes, len, bytes, &used, &decoded, &status) != LC_HTTP_REFUSED || status != cases[i].status) {
      lc_test_fail("%s gave %d, expected %d", cases[i].body, status, cases[i].status);
    }
  }
}

TEST(percent_escapes_and_parameters) {
  lc_arena arena = {0};
  lc_str text;
  expect(lc_http_decode(&arena, LC_STR("a%2Fb+%c3%a9"), false, &text) && lc_str_is(text, "a/b+\xc3\xa9"));
  expect(lc_http_decode(&arena, LC_STR("a+b"), true, &text) && lc_str_is(text, "a b"));
  expect(!lc_http_decode(&arena, LC_STR("%"), false, &text));
  expect(!lc_http_decode(&arena, LC_STR("%2"), false, &text));
  expect(!lc_http_decode(&arena, LC_STR("%zz"), false, &text));
  expect(!lc_http_decode(&arena, LC_STR("%00"), false, &text));
  expect(!lc_http_decode(&arena, LC_STR("%ff"), false, &text));
  bool found;
  lc_str query = LC_STR("a=1&&b&to%6ben=x%3D=y&a=2");
  expect(lc_http_query_get(&arena, query, "token", &text, &found) && found && lc_str_is(text, "x==y"));
  expect(lc_http_query_get(&arena, query, "a", &text, &found) && found && lc_str_is(text, "1"));
  expect(lc_http_query_get(&arena, query, "b", &text, &found) && found && text.len == 0);
  expect(lc_http_query_get(&arena, query, "c", &text, &found) && !found);
  expect(!lc_http_query_get(&arena, LC_STR("a=%"), "a", &text, &found));
  lc_arena_deinit(&arena);
}

TEST(N3_a_handler_cannot_break_the_framing) {
  lc_http_header headers[] = {
      {LC_STR("x-good"), LC_STR("1")},
      {LC_STR("x-bad"), LC_STR("1\r\nset-cookie: a=b")},
      {LC_STR("x\nbad"), LC_STR("1")},
      {LC_STR("Content-Length"), LC_STR("77")},
      {LC_STR("transfer-encoding"), LC_STR("chunked")},
      {LC_STR("Connection"), LC_STR("upgrade")},
  };
  lc_http_response response = {.status = 404, .content_type = LC_STR("text/plain; charset=utf-8"), .headers = headers, .header_count = 6};
  lc_buf out = {0};
  lc_http_put_head(&out, &response, LC_HTTP_FIXED, 3, false, LC_STR("Sun, 06 Nov 1994 08:49:37 GMT"));
  expect_text(lc_buf_cstr(&out),
              "HTTP/1.1 404 Not Found\r\ncontent-type: text/plain; charset=utf-8\r\nx-good: 1\r\ncontent-length: 3\r\nconnection: close\r\n"
              "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n");
  lc_buf_deinit(&out);
}

TEST(the_date_is_the_example_of_RFC_9110) {
  char date[30];
  lc_http_date(date, 784111777);
  expect_text(date, "Sun, 06 Nov 1994 08:49:37 GMT");
}
