/* Routes about the server itself. */
#include "api/api_internal.h"

void lc__route_ping(lc_exchange *exchange) {
  lc__empty(exchange, 200);
}

/* The name is what scripts look for; the version is that of the surface that we are compatible with. */
void lc__route_health(lc_exchange *exchange) {
  lc_buf_put_text(lc__json(exchange, 200),
                  "{\"package_name\":\"spacetimedb-client-api\",\"version\":\"2.14.0\",\"nodes\":[0],\"schedulable\":true}");
}
