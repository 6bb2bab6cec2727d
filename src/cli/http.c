#include "cli/http.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cli/cli.h"

typedef struct http_transfer {
  const lc_http_call *call;
  lc_http_result *result;
  CURL *curl;
} http_transfer;

static size_t receive(char *data, size_t size, size_t count, void *user) {
  http_transfer *transfer = user;
  lc_span part = lc_span_of(data, size * count);
  long status = 0;
  curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
  if (transfer->call->receive && status == 200) return transfer->call->receive(transfer->call->context, part) ? part.len : 0;
  lc_buf_put_span(&transfer->result->body, part);
  return part.len;
}

static struct curl_slist *make_headers(const lc_http_call *call) {
  struct curl_slist *headers = NULL;
  lc_buf line = {0};
  if (call->token) {
    lc_buf_printf(&line, "Authorization: Bearer %s", call->token);
    headers = curl_slist_append(headers, lc_buf_cstr(&line));
    lc_buf_clear(&line);
  }
  lc_buf_printf(&line, "Content-Type:%s%s", call->content_type ? " " : "", call->content_type ? call->content_type : "");
  headers = curl_slist_append(headers, lc_buf_cstr(&line));
  headers = curl_slist_append(headers, "Expect:"); /* do not wait for permission to upload */
  lc_buf_deinit(&line);
  return headers;
}

/* The part of a URL that names the server. */
static size_t server_len(const char *url) {
  const char *host = strstr(url, "://");
  host = host ? host + 3 : url;
  return (size_t)(host - url) + strcspn(host, "/");
}

lc_err lc_http_perform(const lc_http_call *call, lc_http_result *result) {
  CURL *curl = curl_easy_init();
  if (!curl) return lc_fail(LC_ERR_HTTP, "starting libcurl failed");
  http_transfer transfer = {call, result, curl};
  struct curl_slist *headers = make_headers(call);
  char reason[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(curl, CURLOPT_URL, call->url);
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call->method);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "lightcone-cli/" LC_VERSION);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "localhost,127.0.0.1,::1");
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 10L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, call->timeout_seconds);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  if (call->body.ptr) {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, (const char *)call->body.ptr);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.len);
  } else if (strcmp(call->method, "GET") != 0) {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
  }
  CURLcode code = curl_easy_perform(curl);
  const char *type = NULL;
  long system_error = 0;
  curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &system_error);
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &result->status);
  curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
  snprintf(result->content_type, sizeof result->content_type, "%s", type ? type : "");
  curl_slist_free_all(headers);
  curl_easy_cleanup(curl);
  if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && call->receive)) return lc_ok();
  if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST)
    return lc_fail(LC_ERR_HTTP,
                   "no server answers at %.*s: %s. Is it running? `lightcone start` runs one; `lightcone server list` shows the known ones.",
                   (int)server_len(call->url), call->url, system_error ? strerror((int)system_error) : reason[0] ? reason : curl_easy_strerror(code));
  return lc_fail(LC_ERR_HTTP, "%s %s: %s", call->method, call->url, reason[0] ? reason : curl_easy_strerror(code));
}

void lc_http_result_deinit(lc_http_result *result) {
  lc_buf_deinit(&result->body);
}

lc_err lc_http_check(const lc_http_result *result, const char *doing) {
  if (result->status >= 200 && result->status < 300) return lc_ok();
  lc_str text = lc_buf_str(&result->body);
  while (text.len && text.ptr[text.len - 1] == '\n') text.len--;
  if (text.len == 0) return lc_fail(LC_ERR_SERVER, "%s: the server answered with status %ld", doing, result->status);
  lc_buf shown = {0};
  for (size_t i = 0; i < text.len; i++) { /* servers speak of the tool by its other name */
    static const char other[] = "`spacetime ";
    bool renamed = text.len - i > sizeof other - 1 && memcmp(text.ptr + i, other, sizeof other - 1) == 0;
    if (renamed) lc_buf_put_text(&shown, "`lightcone"), i += sizeof "`spacetime" - 1;
    lc_buf_put8(&shown, (uint8_t)text.ptr[i]);
  }
  bool stranger = strstr(lc_buf_cstr(&shown), "not authorized") != NULL;
  lc_err err = lc_fail(LC_ERR_SERVER, "%s: %s (status %ld)%s", doing, lc_buf_cstr(&shown), result->status,
                       stranger ? "\nOnly the owner may do that. `lightcone login show` says who you are, `lightcone list` what is yours." : "");
  lc_buf_deinit(&shown);
  return err;
}

lc_str lc_http_escape(lc_arena *arena, lc_str text) {
  char *out = lc_arena_alloc(arena, text.len * 3 + 1);
  size_t len = 0;
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (plain)
      out[len++] = c;
    else
      len += (size_t)snprintf(out + len, 4, "%%%02X", (unsigned char)c);
  }
  out[len] = 0;
  return (lc_str){out, len};
}
