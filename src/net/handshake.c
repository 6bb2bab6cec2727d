/* The upgrade from HTTP to WebSocket (RFC 6455 4.2), with the refusals of the reference (client-protocol 2.3). */
#include <openssl/evp.h>

#include "base/assert.h"
#include "net/websocket.h"

lc_websocket_request lc_websocket_check(const lc_http_request *request) {
  lc_str version, key;
  if (request->method != LC_HTTP_GET) return (lc_websocket_request){.status = 405, .message = ""};
  if (request->minor != 1 || !lc_http_header_has_token(request, "connection", "upgrade") ||
      !lc_http_header_has_token(request, "upgrade", "websocket")) {
    return (lc_websocket_request){.status = 426, .message = "This service requires use of the websocket protocol"};
  }
  if (!lc_http_header_get(request, "sec-websocket-version", &version) || !lc_str_is(version, "13")) {
    return (lc_websocket_request){.status = 400, .message = "`Sec-WebSocket-Version` header did not include '13'"};
  }
  if (!lc_http_header_get(request, "sec-websocket-key", &key)) {
    return (lc_websocket_request){.status = 400, .message = "`Sec-WebSocket-Key` header missing"};
  }
  return (lc_websocket_request){.key = key};
}

int lc_websocket_choose(const lc_http_request *request, const char *const *offers) {
  for (int i = 0; offers[i]; i++) {
    lc_str element;
    for (size_t at = 0; lc_http_header_list(request, "sec-websocket-protocol", &at, &element);) {
      if (lc_str_is(element, offers[i])) return i;
    }
  }
  return -1;
}

void lc_websocket_accept(char accept[static 29], lc_str key) {
  static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  uint8_t digest[EVP_MAX_MD_SIZE];
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  lc_assert(ctx != NULL);
  bool ok = EVP_DigestInit_ex(ctx, EVP_sha1(), NULL) == 1 && EVP_DigestUpdate(ctx, key.ptr, key.len) == 1 &&
            EVP_DigestUpdate(ctx, magic, sizeof magic - 1) == 1 && EVP_DigestFinal_ex(ctx, digest, NULL) == 1;
  EVP_MD_CTX_free(ctx);
  lc_assert(ok);
  EVP_EncodeBlock((unsigned char *)accept, digest, 20);
}
