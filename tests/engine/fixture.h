#pragma once
/*
 * What the engine tests share: the module bank.c in its editions, compiled on first use into a temporary directory; a database there or in
 * memory; clients that write down what they are told; calls in one line.
 */
#include <stdarg.h>

#include "engine/engine_internal.h"
#include "harness.h"

/* ---- files ---- */

static char fixture_directory[64];
static pid_t fixture_owner;

__attribute__((constructor)) static void fixture_begin(void) {
  snprintf(fixture_directory, sizeof fixture_directory, "/tmp/lc-engine-XXXXXX");
  if (mkdtemp(fixture_directory) == NULL) abort();
  fixture_owner = getpid();
}
__attribute__((destructor)) static void fixture_end(void) {
  char command[80];
  snprintf(command, sizeof command, "rm -rf %s", fixture_directory);
  if (getpid() == fixture_owner && system(command) != 0) fprintf(stderr, "%s failed\n", command);
}

/* The bytes of an edition of bank.c. */
__attribute__((unused)) static lc_span bank(int edition) {
  static lc_buf programs[16];
  lc_buf *program = &programs[edition];
  char path[128], command[1024];
  snprintf(path, sizeof path, "%s/bank%d.wasm", fixture_directory, edition);
  if (program->len) return lc_buf_span(program);
  if (access(path, R_OK) != 0) {
    snprintf(command, sizeof command,
             "clang-22 --target=wasm32-unknown-unknown -nostdlib -fno-builtin -O2 -DEDITION=%d -Wl,--no-entry,--strip-all -o %s "
             "%s/tests/engine/bank.c",
             edition, path, LC_SOURCE_DIR);
    if (system(command) != 0) lc_test_fail("the test module does not compile: %s", command);
  }
  FILE *file = fopen(path, "rb");
  expect(file != NULL);
  size_t got;
  do {
    got = fread(lc_buf_extend(program, 4096), 1, 4096, file);
    program->len -= 4096 - got;
  } while (got);
  fclose(file);
  return lc_buf_span(program);
}

/* ---- a database ---- */

static const int64_t SECOND = 1000 * 1000;
static const int64_t START = 1700000000ll * 1000 * 1000;

typedef struct fixture {
  lc_io *io;
  lc_database *database;
  int64_t now;
  bool in_memory;
} fixture;

static const lc_identity database_identity = {{0xdb, 1}}, owner_identity = {{0x0e, 2}}, alice = {{0xa1, 3}}, bob = {{0xb0, 4}};

__attribute__((unused)) static void fixture_turn(fixture *f) {
  lc_database_turn_begin(f->database, f->now);
  lc_database_run_due(f->database);
}

__attribute__((unused)) static void fixture_reopen(fixture *f) {
  lc_database_options options = {.io = f->io,
                                 .directory = "databases/1",
                                 .identity = database_identity,
                                 .owner = owner_identity,
                                 .in_memory = f->in_memory,
                                 .call_budget_micros = 200 * 1000};
  expect_ok(lc_database_open(&options, &f->database));
  lc_database_turn_begin(f->database, f->now);
}

__attribute__((unused)) static void fixture_open(fixture *f, bool in_memory) {
  char directory[128];
  snprintf(directory, sizeof directory, "%s/%s", fixture_directory, lc_test_now);
  *f = (fixture){.now = START, .in_memory = in_memory};
  expect_ok(lc_host_init(NULL));
  expect_ok(lc_io_linux_open(directory, &f->io));
  fixture_reopen(f);
}

__attribute__((unused)) static void fixture_close(fixture *f) {
  if (f->database) lc_database_close(f->database);
  lc_io_close(f->io);
  lc_host_deinit();
}

/* Everything committed so far is on disk after this. */
__attribute__((unused)) static void fixture_settle(fixture *f) {
  for (int i = 0; i < 20000; i++) {
    expect_ok(lc_database_turn_end(f->database));
    expect_ok(lc_database_poll(f->database));
    if (lc_database_durable(f->database) > lc__database_seen(f->database)) return;
    usleep(100);
  }
  lc_test_fail("the log does not become durable");
}

/* ---- publishing ---- */

typedef struct published {
  bool done, created, updated, breaks_clients;
  lc_err_code code;
  char text[4096], details[4096], plan[4096];
} published;

static void published_done(void *context, const lc_publish_result *result) {
  published *to = context;
  *to = (published){.done = true,
                    .created = result->created,
                    .updated = result->updated,
                    .breaks_clients = result->breaks_clients,
                    .code = result->err.code};
  snprintf(to->text, sizeof to->text, "%s", lc_err_text(result->err));
  snprintf(to->details, sizeof to->details, "%s", result->details);
  snprintf(to->plan, sizeof to->plan, "%s", result->plan);
}

__attribute__((unused)) static published publish(fixture *f, lc_span program, bool break_clients) {
  published result = {0};
  lc_database_publish(
      f->database, &(lc_publish_request){.program = program, .break_clients = break_clients, .done = published_done, .context = &result});
  expect(result.done);
  return result;
}

__attribute__((unused)) static void publish_bank(fixture *f, int edition) {
  published result = publish(f, bank(edition), false);
  if (result.code != LC_OK) lc_test_fail("publish: %s %s", result.text, result.details);
}

/* ---- clients ---- */

/* Everything a client is told, as text: `set 1 [account: +01… -02…]; ` per update. */
typedef struct listener {
  lc_client *client;
  lc_buf told;
  uint32_t updates, closed, failed;
  uint64_t last_offset;
  char last_reducer[64];
} listener;

static void tell_rows(lc_buf *to, char sign, const lc_row_list *rows) {
  for (uint32_t i = 0; i < rows->count; i++) {
    lc_span row = lc_row_list_get(rows, i);
    lc_buf_printf(to, " %c", sign);
    for (size_t b = 0; b < row.len; b++) lc_buf_printf(to, "%02x", row.ptr[b]);
  }
}

__attribute__((unused)) static void tell_update(lc_buf *to, const lc_client_update *update) {
  for (uint32_t s = 0; s < update->set_count; s++) {
    lc_buf_printf(to, "set %u [", update->sets[s].query_set_id);
    for (uint32_t q = 0; q < update->sets[s].query_count; q++) {
      const lc_query_update *query = &update->sets[s].queries[q];
      lc_buf_printf(to, "%s%.*s:", q ? ", " : "", LC_STR_ARGS(lc_table_name(query->table)));
      tell_rows(to, '+', query->inserts);
      tell_rows(to, '-', query->deletes);
    }
    lc_buf_put_text(to, "]; ");
  }
}

static void on_update(void *session, const lc_client_update *update) {
  listener *to = session;
  tell_update(&to->told, update);
  to->updates++;
  to->last_offset = update->offset;
  snprintf(to->last_reducer, sizeof to->last_reducer, "%.*s", LC_STR_ARGS(update->reducer));
}
static void on_failed(void *session, uint32_t query_set_id, const char *reason) {
  ((listener *)session)->failed++;
  lc_buf_printf(&((listener *)session)->told, "failed %u; ", query_set_id);
}
static void on_closed(void *session, lc_close_reason reason) {
  ((listener *)session)->closed++;
}
static const lc_client_events listener_events = {on_update, on_failed, on_closed};

__attribute__((unused)) static lc_err try_connect(fixture *f, listener *to, lc_identity identity, uint64_t connection) {
  *to = (listener){0};
  return lc_client_connect(f->database, identity, (lc_connection_id){connection, 0}, LC_STR("{\"sub\":\"x\"}"), &listener_events, to,
                           &to->client);
}
__attribute__((unused)) static void connect_client(fixture *f, listener *to, lc_identity identity, uint64_t connection) {
  expect_ok(try_connect(f, to, identity, connection));
}
__attribute__((unused)) static void disconnect_client(listener *of) {
  lc_client_disconnect(of->client);
  lc_buf_deinit(&of->told);
}
/* What was told since the last time. */
__attribute__((unused)) static const char *told(listener *of) {
  static lc_buf copy;
  lc_buf_clear(&copy);
  lc_buf_put_span(&copy, lc_buf_span(&of->told));
  lc_buf_clear(&of->told);
  return lc_buf_cstr(&copy);
}

__attribute__((unused)) static lc_err try_subscribe(listener *of, lc_subscription_kind kind, uint32_t set, const char *sql,
                                                    lc_buf *rows_text) {
  lc_subscription_rows rows;
  lc_str queries[8];
  uint32_t count = 0;
  for (const char *at = sql; *at; at += *at == ';') { /* several queries, separated by ; */
    size_t len = strcspn(at, ";");
    queries[count++] = (lc_str){at, len};
    at += len;
  }
  lc_err err = lc_client_subscribe(of->client, kind, set, queries, count, &rows);
  for (uint32_t i = 0; rows_text && i < rows.count; i++) {
    lc_buf_printf(rows_text, "%s%.*s:", i ? ", " : "", LC_STR_ARGS(lc_table_name(rows.entries[i].table)));
    tell_rows(rows_text, '=', &rows.entries[i].rows);
  }
  lc_subscription_rows_deinit(&rows);
  return err;
}
__attribute__((unused)) static const char *subscribe(listener *of, lc_subscription_kind kind, uint32_t set, const char *sql) {
  static lc_buf text;
  lc_buf_clear(&text);
  expect_ok(try_subscribe(of, kind, set, sql, &text));
  return lc_buf_cstr(&text);
}
__attribute__((unused)) static const char *unsubscribe(listener *of, uint32_t set) {
  static lc_buf text;
  lc_subscription_rows rows;
  lc_buf_clear(&text);
  expect_ok(lc_client_unsubscribe(of->client, set, true, &rows));
  for (uint32_t i = 0; i < rows.count; i++) {
    lc_buf_printf(&text, "%s%.*s:", i ? ", " : "", LC_STR_ARGS(lc_table_name(rows.entries[i].table)));
    tell_rows(&text, '=', &rows.entries[i].rows);
  }
  lc_subscription_rows_deinit(&rows);
  return lc_buf_cstr(&text);
}

/* ---- calls ---- */

__attribute__((unused)) static lc_reducer_result call_as(fixture *f, listener *by, lc_identity identity, const char *reducer,
                                                         lc_span arguments) {
  lc_reducer_result result;
  lc_reducer_call call = {.reducer = lc_str_of(reducer), .arguments = arguments, .request_id = 7};
  lc_database_call(f->database, by ? by->client : NULL, identity, (lc_connection_id){0}, &call, &result);
  return result;
}
/* Arguments after a format of letters as in bank.c. */
__attribute__((unused)) static lc_reducer_result call(fixture *f, listener *by, const char *reducer, const char *format, ...) {
  static lc_buf arguments;
  lc_buf_clear(&arguments);
  va_list values;
  va_start(values, format);
  for (; *format; format++) {
    if (*format == 'b')
      lc_buf_put8(&arguments, (uint8_t)va_arg(values, int));
    else if (*format == 'w')
      lc_buf_put32(&arguments, va_arg(values, uint32_t));
    else if (*format == 'q' || *format == 'Q')
      lc_buf_put64(&arguments, va_arg(values, uint64_t));
    else {
      const char *text = va_arg(values, const char *);
      lc_buf_put_sized(&arguments, text, strlen(text));
    }
  }
  va_end(values);
  return call_as(f, by, owner_identity, reducer, lc_buf_span(&arguments));
}

/* ---- looking ---- */

__attribute__((unused)) static uint64_t count_rows(fixture *f, const char *table) {
  lc_table *found = lc_store_table_by_name(lc_database_store(f->database), lc_str_of(table));
  if (found == NULL) lc_test_fail("no table %s", table);
  return lc_table_row_count(found);
}
/* account.balance, INT64_MIN when there is no such account. */
__attribute__((unused)) static int64_t balance(fixture *f, uint32_t id) {
  lc_store *store = lc_database_store(f->database);
  lc_row row;
  bool found;
  lc_table *table = lc_store_table_by_name(store, LC_STR("account"));
  expect_ok(lc_index_find(lc_table_index(table, 0), lc_span_of(&id, 4), &row, &found));
  return found ? (int64_t)lc_load64(row.bytes + 4) : INT64_MIN;
}
__attribute__((unused)) static const char *log_text(fixture *f) {
  static lc_buf text;
  lc_buf_clear(&text);
  lc_database_read_log(f->database, 0, &text);
  return lc_buf_cstr(&text);
}
