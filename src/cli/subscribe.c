/*
 * `lightcone subscribe`: one query set over v3.bsatn, each transaction printed as {"table":{"deletes":[…],"inserts":[…]}}.
 * Rows come as BSATN; the schema that the server sends says how to read them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cursor.h"
#include "cli/definition.h"
#include "cli/websocket_client.h"

const lc_option lc_options_subscribe[] = {
    LC_OPTION_SERVER,
    {"num-updates", NULL, 'n', LC_OPTION_VALUE, "N", "stop after N transactions"},
    {"timeout", NULL, 't', LC_OPTION_VALUE, "SECONDS", "stop after this time"},
    {"print-initial-update", NULL, 0, LC_OPTION_FLAG, NULL, "also print the rows there are at the start"},
    LC_OPTION_CONFIRMED,
    LC_OPTION_ANONYMOUS,
    LC_OPTION_YES,
    LC_OPTION_NO_CONFIG,
    LC_OPTION_END,
};

enum { MESSAGE_CONNECTED, MESSAGE_APPLIED, MESSAGE_UNSUBSCRIBED, MESSAGE_ERROR, MESSAGE_UPDATE };
enum { PERSISTENT, EVENT };

/* The rows of one table in one transaction, as JSON texts joined by commas. */
typedef struct table_change {
  lc_str table;
  lc_buf inserts, deletes;
} table_change;

typedef struct follow_session {
  const lc_module_def *def;
  LC_VEC(table_change) changes;
  bool applied, print_initial;
} follow_session;

static const lc_type *row_type(const lc_module_def *def, lc_str name) {
  const lc_table_def *table = lc_module_def_table(def, name);
  if (table) return table->row;
  for (uint32_t i = 0; i < def->view_count; i++)
    if (lc_str_equal(def->views[i].name, name)) return def->views[i].row;
  return NULL;
}

static table_change *change_of(follow_session *session, lc_str table) {
  for (size_t i = 0; i < session->changes.count; i++)
    if (lc_str_equal(session->changes.items[i].table, table)) return &session->changes.items[i];
  table_change change = {.table = table};
  lc_vec_push(&session->changes, change);
  return &session->changes.items[session->changes.count - 1];
}

/* A row list: the hint is not needed, rows are read until the bytes are used up. */
static lc_err read_rows(const lc_type *type, lc_cursor *from, lc_buf *to) {
  uint8_t hint = lc_cursor_u8(from);
  if (hint == 0)
    lc_cursor_u16(from);
  else
    lc_cursor_take(from, 8 * (size_t)lc_cursor_u32(from));
  lc_span rows = lc_cursor_sized(from);
  lc_cursor left = lc_cursor_of(rows);
  while (!from->failed && left.at < left.end) {
    const uint8_t *at = left.at;
    LC_TRY(lc_value_validate(type, &left));
    if (left.at == at) break;
    if (to->len) lc_buf_put8(to, ',');
    lc_definition_put_value(to, type, &at);
  }
  return lc_ok();
}

static lc_err table_type(const follow_session *session, lc_str table, const lc_type **type) {
  *type = row_type(session->def, table);
  if (!*type) return lc_fail(LC_ERR_PROTOCOL, "the server sent rows of %.*s, which its schema does not know", LC_STR_ARGS(table));
  *type = lc_type_resolve(*type);
  return lc_ok();
}

static lc_str text_of(lc_cursor *from) {
  lc_span span = lc_cursor_sized(from);
  return (lc_str){(const char *)span.ptr, span.len};
}

static lc_err read_applied(follow_session *session, lc_cursor *from) {
  const lc_type *type;
  lc_cursor_take(from, 8); /* request, query set */
  for (uint32_t left = lc_cursor_u32(from); left && !from->failed; left--) {
    lc_str table = text_of(from);
    LC_TRY(table_type(session, table, &type));
    LC_TRY(read_rows(type, from, &change_of(session, table)->inserts));
  }
  return lc_ok();
}

static lc_err read_update(follow_session *session, lc_cursor *from) {
  const lc_type *type;
  for (uint32_t sets = lc_cursor_u32(from); sets && !from->failed; sets--) {
    lc_cursor_u32(from); /* query set */
    for (uint32_t tables = lc_cursor_u32(from); tables && !from->failed; tables--) {
      lc_str table = text_of(from);
      LC_TRY(table_type(session, table, &type));
      for (uint32_t parts = lc_cursor_u32(from); parts && !from->failed; parts--) {
        uint8_t kind = lc_cursor_u8(from);
        LC_TRY(read_rows(type, from, &change_of(session, table)->inserts));
        if (kind == PERSISTENT) LC_TRY(read_rows(type, from, &change_of(session, table)->deletes));
      }
    }
  }
  return lc_ok();
}

static void print_changes(follow_session *session, bool print) {
  if (print) putchar('{');
  for (size_t i = 0; i < session->changes.count; i++) {
    table_change *change = &session->changes.items[i];
    if (print)
      printf("%s\"%.*s\":{\"deletes\":[%.*s],\"inserts\":[%.*s]}", i ? "," : "", LC_STR_ARGS(change->table),
             LC_STR_ARGS(lc_buf_str(&change->deletes)), LC_STR_ARGS(lc_buf_str(&change->inserts)));
    lc_buf_deinit(&change->inserts);
    lc_buf_deinit(&change->deletes);
  }
  if (print) printf("}\n"), fflush(stdout);
  lc_vec_clear(&session->changes);
}

/* One message of a frame. `*printed`: a transaction was. */
static lc_err take_message(follow_session *session, lc_cursor *from, bool *printed) {
  switch (lc_cursor_u8(from)) {
    case MESSAGE_CONNECTED:
      lc_cursor_take(from, 32 + 16);
      lc_cursor_sized(from);
      return lc_ok();
    case MESSAGE_APPLIED:
      LC_TRY(read_applied(session, from));
      session->applied = true;
      print_changes(session, session->print_initial);
      return lc_ok();
    case MESSAGE_ERROR: {
      if (lc_cursor_u8(from) == 0) lc_cursor_u32(from);
      lc_cursor_u32(from);
      lc_str text = text_of(from);
      return lc_fail(LC_ERR_SQL, "subscribing: %.*s", LC_STR_ARGS(text));
    }
    case MESSAGE_UPDATE:
      LC_TRY(read_update(session, from));
      print_changes(session, true);
      *printed = true;
      return lc_ok();
    default:
      return lc_fail(LC_ERR_PROTOCOL, "the server sent a message that was not asked for");
  }
}

static int64_t seconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static lc_err follow(follow_session *session, lc_websocket_client *client, int64_t updates, int64_t timeout_ms) {
  lc_buf message = {0};
  lc_err err = lc_ok();
  int64_t deadline = timeout_ms < 0 ? -1 : seconds_now() + timeout_ms;
  while (!lc_failed(err) && updates != 0) {
    lc_websocket_got got;
    int64_t left = deadline < 0 ? -1 : deadline > seconds_now() ? deadline - seconds_now() : 0;
    err = lc_websocket_client_receive(client, left, &message, &got);
    if (lc_failed(err)) break;
    if (got != LC_GOT_MESSAGE) {
      const char *why = got == LC_GOT_TIMEOUT ? "the time is over" : "the server closed the connection";
      lc_str reason = lc_buf_str(&message);
      const char *colon = reason.len ? ": " : "";
      if (updates > 0)
        err = lc_fail(LC_ERR_HTTP, "%s before %lld more transaction(s) came%s%.*s", why, (long long)updates, colon, LC_STR_ARGS(reason));
      else
        lc_cli_say("%s%s%.*s", why, colon, LC_STR_ARGS(reason));
      break;
    }
    lc_cursor from = lc_cursor_of(lc_buf_span(&message));
    if (lc_cursor_u8(&from) != 0) err = lc_fail(LC_ERR_PROTOCOL, "the server sent a compressed message, although none was asked for");
    while (!lc_failed(err) && from.at < from.end && updates != 0) {
      bool printed = false;
      err = take_message(session, &from, &printed);
      if (!lc_failed(err) && from.failed) err = lc_fail(LC_ERR_PROTOCOL, "the server sent a message that ends too early");
      if (printed && updates > 0) updates--;
    }
  }
  lc_buf_deinit(&message);
  return err;
}

static lc_err subscribe(follow_session *session, const lc_args *args, const lc_remote *remote, const char *identity, size_t rest) {
  const char *confirmed = lc_args_value(args, "confirmed"), *count = lc_args_value(args, "num-updates"),
             *timeout = lc_args_value(args, "timeout");
  lc_websocket_client *client;
  lc_buf url = {0}, request = {0};
  lc_buf_printf(&url, "%s/v1/database/%s/subscribe?compression=None%s%s", remote->url, identity, confirmed ? "&confirmed=" : "",
                confirmed ? confirmed : "");
  lc_err err = lc_websocket_client_open(lc_buf_cstr(&url), remote->token, "v3.bsatn.spacetimedb", &client);
  lc_buf_deinit(&url);
  if (lc_failed(err)) return err;
  lc_buf_put8(&request, 0); /* Subscribe: request, query set, queries */
  lc_buf_put32(&request, 0);
  lc_buf_put32(&request, 0);
  lc_buf_put32(&request, (uint32_t)(args->positionals.count - rest));
  for (size_t i = rest; i < args->positionals.count; i++)
    lc_buf_put_sized(&request, args->positionals.items[i], strlen(args->positionals.items[i]));
  err = lc_websocket_client_send(client, lc_buf_span(&request));
  if (!lc_failed(err))
    err = follow(session, client, count ? strtoll(count, NULL, 10) : -1, timeout ? (int64_t)(strtod(timeout, NULL) * 1000) : -1);
  lc_buf_deinit(&request);
  lc_websocket_client_close(client);
  return err;
}

lc_err lc_command_subscribe(lc_cli *cli, const lc_args *args) {
  lc_remote remote = {0};
  lc_module_def *def = NULL;
  const char *name, *identity;
  size_t rest;
  LC_TRY(lc_remote_target(cli, args, 1, &remote, &name, &identity, &rest));
  if (args->positionals.count <= rest) return lc_fail(LC_ERR_USAGE, "which queries?");
  LC_TRY(lc_definition_from_server(cli, &remote, identity, &def));
  follow_session session = {.def = def, .print_initial = lc_args_has(args, "print-initial-update")};
  lc_err err = subscribe(&session, args, &remote, identity, rest);
  print_changes(&session, false);
  lc_vec_deinit(&session.changes);
  lc_module_def_destroy(def);
  return err;
}
