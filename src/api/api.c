/* The API as the server sees it: creation, what net calls, and the end of sessions. */
#include <stdlib.h>

#include "api/api_internal.h"

lc_api *lc_api_create(const lc_site *site) {
  lc_api *api = calloc(1, sizeof *api);
  lc_assert(api != NULL);
  api->site = *site;
  return api;
}

void lc_api_destroy(lc_api *api) {
  if (api == NULL) return;
  lc_assert(api->ended.count == 0);
  lc_vec_deinit(&api->ended);
  lc_arena_deinit(&api->scratch);
  free(api);
}

bool lc_api_turn(lc_api *api) {
  size_t kept = 0, count = api->ended.count; /* ending one may drop its connection, but `closed` of that one does not come here again */
  for (size_t i = 0; i < count; i++) {
    struct lc_session *session = api->ended.items[i];
    if (lc__session_is_due(session)) {
      lc__session_end(session);
    } else {
      api->ended.items[kept++] = session;
    }
  }
  for (size_t i = count; i < api->ended.count; i++) api->ended.items[kept++] = api->ended.items[i];
  api->ended.count = kept;
  return kept > 0;
}

bool lc_api_has_ended(const lc_api *api) {
  return api->ended.count > 0;
}

static void connection_message(lc_connection *connection, bool is_text, uint8_t *payload, size_t len) {
  lc__attachment *attachment = lc_connection_data(connection);
  if (attachment && attachment->ops->message) attachment->ops->message(attachment, is_text, payload, len);
}

static void connection_drained(lc_connection *connection) {
  lc__attachment *attachment = lc_connection_data(connection);
  if (attachment && attachment->ops->drained) attachment->ops->drained(attachment);
}

static void connection_closed(lc_connection *connection) {
  lc__attachment *attachment = lc_connection_data(connection);
  if (attachment) attachment->ops->closed(attachment);
}

const lc_net_handler *lc_api_handler(void) {
  static const lc_net_handler handler = {.body_limit = lc__body_limit,
                                         .request = lc__request,
                                         .message = connection_message,
                                         .drained = connection_drained,
                                         .closed = connection_closed};
  return &handler;
}
