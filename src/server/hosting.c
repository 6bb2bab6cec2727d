/*
 * The databases of this server: opening, turns, making, replacing and removing them.
 *
 *   databases/<identity>/<generation>/   one directory per incarnation; the control database says which generation is the present one
 *
 * A new database (also one that replaces another: reset) is built in a directory of its own, and the control database switches to it in one
 * durable step. So a crash leaves either the old or the new one, and what is left of the other is swept away at the next start.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/logging.h"
#include "server/server_internal.h"

enum {
  DUE_RECHECK_MICROS = 1000000, /* wall clocks jump: schedules are compared with it at least this often */
  FULL_RETRY_NANOS = 100000000,
  INIT_BUDGETS = 6, /* of calls: what init and the steps of a migration may take, as with the defaults of 10 and 60 s */
};

static void format_directory(char to[static 128], const lc_identity *identity, uint64_t generation) {
  char hex[65];
  lc_u256_hex(hex, identity);
  snprintf(to, 128, "databases/%s/%llu", hex, (unsigned long long)generation);
}

static void fail_server(lc_server *server, lc_err err, const lc_hosted *hosted) {
  char hex[65];
  lc_u256_hex(hex, &hosted->identity);
  if (!lc_failed(server->failure)) server->failure = lc_err_context(err, "database %s", hex);
}

/* ---- hosts ---- */

static int32_t find_host(const lc_server *server, const lc_identity *identity) {
  for (size_t i = 0; i < server->hosts.count; i++) {
    if (lc_u256_equal(&server->hosts.items[i]->hosted.identity, identity)) return (int32_t)i;
  }
  return -1;
}

static void log_written(lc_watch *watch, uint32_t events);
static void schedule_due(lc_timer *timer);
static void retry_due(lc_timer *timer);

static lc__host *host_create(lc_server *server, const lc_control_database *record) {
  lc__host *host = calloc(1, sizeof *host);
  lc_assert(host != NULL);
  host->server = server;
  host->log_fd = -1;
  host->log_watch.ready = log_written;
  host->due.due = schedule_due;
  host->retry.due = retry_due;
  host->hosted = (lc_hosted){.identity = record->identity,
                             .owner = record->owner,
                             .initial_program = record->initial_program,
                             .generation = record->generation,
                             .references = 1,
                             .server = server,
                             .ops = &lc__hosting_ops};
  format_directory(host->directory, &record->identity, record->generation);
  return host;
}

static void host_unref(void *server, lc_hosted *hosted) {
  lc_assert(hosted->references > 0);
  if (--hosted->references) return;
  lc_assert(hosted->database == NULL && hosted->waiting == NULL && hosted->group.first == NULL);
  free(hosted->trouble);
  free(hosted);
}

static void run_in_background(void *server, void (*work)(void *job), void (*done)(void *job), void *job) {
  lc_workers_submit(((lc_server *)server)->workers, work, done, job);
}

static lc_err open_database(lc_server *server, const char *directory, const lc_identity *identity, const lc_identity *owner,
                            lc_database **database) {
  return lc_database_open(&(lc_database_options){.io = server->io,
                                                 .directory = directory,
                                                 .identity = *identity,
                                                 .owner = *owner,
                                                 .call_budget_micros = server->call_budget_micros,
                                                 .init_budget_micros = INIT_BUDGETS * server->call_budget_micros,
                                                 .in_memory = server->in_memory,
                                                 .run_in_background = run_in_background,
                                                 .server = server},
                          database);
}

/* ---- turns ---- */

static void host_enter(void *context, lc_hosted *hosted) {
  lc_server *server = context;
  if (hosted->database == NULL) return;
  if (server->now_micros == 0) server->now_micros = lc_io_now_micros(server->io);
  lc_database_turn_begin(hosted->database, server->now_micros);
  hosted->is_in_turn = true;
  hosted->next_in_turn = server->in_turn;
  server->in_turn = hosted;
}

void lc__hosting_enter_all(lc_server *server) {
  for (size_t i = 0; i < server->hosts.count; i++) lc_hosted_enter(&server->hosts.items[i]->hosted);
  for (size_t i = 0; i < server->creations.count; i++) {
    lc_database_turn_begin(server->creations.items[i]->database, lc_io_now_micros(server->io));
  }
}

/* Follows the log's completion descriptor, which may be another one after a segment is full. */
static void watch_log(lc__host *host) {
  int fd = lc_database_event_fd(host->hosted.database);
  if (fd == host->log_fd) return;
  lc_loop_remove(host->server->loop, &host->log_watch);
  host->log_fd = fd;
  if (fd < 0) return;
  lc_err err = lc_loop_add(host->server->loop, &host->log_watch, fd, LC_READABLE);
  if (lc_failed(err)) fail_server(host->server, err, &host->hosted);
}

static void settle(lc__host *host) {
  lc_err err = lc_database_poll(host->hosted.database);
  if (lc_failed(err)) fail_server(host->server, err, &host->hosted);
  watch_log(host);
  if (lc_database_is_full(host->hosted.database))
    lc_timer_start(host->server->loop, &host->retry, lc_loop_now(host->server->loop) + FULL_RETRY_NANOS);
  lc_api_durable(&host->hosted, lc_database_durable(host->hosted.database));
}

static void log_written(lc_watch *watch, uint32_t events) {
  lc__host *host = LC_CONTAINER_OF(watch, lc__host, log_watch);
  if (host->hosted.database) settle(host);
}

static void retry_due(lc_timer *timer) {
  lc__host *host = LC_CONTAINER_OF(timer, lc__host, retry);
  if (host->hosted.database) settle(host);
}

static void arm_schedule(lc__host *host) {
  int64_t due = lc_database_next_due(host->hosted.database);
  if (due == INT64_MAX) {
    lc_timer_stop(host->server->loop, &host->due);
    return;
  }
  int64_t wait = due - lc_io_now_micros(host->server->io);
  if (wait < 0) wait = 0;
  if (wait > DUE_RECHECK_MICROS) wait = DUE_RECHECK_MICROS;
  lc_timer_start(host->server->loop, &host->due, lc_loop_now(host->server->loop) + (uint64_t)wait * 1000);
}

static void schedule_due(lc_timer *timer) {
  lc__host *host = LC_CONTAINER_OF(timer, lc__host, due);
  lc_hosted_enter(&host->hosted);
  lc_database_run_due(host->hosted.database);
}

void lc__hosting_turn_end(lc_server *server) {
  while (server->in_turn) {
    lc__host *host = (lc__host *)server->in_turn;
    server->in_turn = host->hosted.next_in_turn;
    host->hosted.is_in_turn = false;
    if (host->hosted.database == NULL) continue;
    lc_err err = lc_database_turn_end(host->hosted.database);
    if (lc_failed(err)) fail_server(server, err, &host->hosted);
    settle(host);
    arm_schedule(host);
  }
  server->now_micros = 0;
}

/* ---- closing one ---- */

static void leave_turn(lc_server *server, lc_hosted *hosted) {
  if (!hosted->is_in_turn) return;
  lc_hosted **at = &server->in_turn;
  while (*at != hosted) at = &(*at)->next_in_turn;
  *at = hosted->next_in_turn;
  hosted->is_in_turn = false;
}

/* Tells everybody and closes the database. Sessions and answers may hold on to the host. */
static void retire(lc__host *host) {
  lc_hosted *hosted = &host->hosted;
  lc_server *server = host->server;
  lc_timer_stop(server->loop, &host->due);
  lc_timer_stop(server->loop, &host->retry);
  lc_loop_remove(server->loop, &host->log_watch);
  leave_turn(server, hosted);
  lc_database *database = hosted->database;
  if (database) {
    lc_database_turn_begin(database, lc_io_now_micros(server->io));
    lc_api_close_streams(hosted);
    uint64_t durable = lc_database_close(database);
    hosted->database = NULL;
    lc_api_durable(hosted, durable);
  }
  lc_api_ended(hosted); /* closing flushes the log, so something waits still only if the disk was full to the end */
  host_unref(server, hosted);
}

/* ---- opening all ---- */

static void open_one(lc_server *server, const lc_control_database *record) {
  lc__host *host = host_create(server, record);
  lc_err err = open_database(server, host->directory, &record->identity, &record->owner, &host->hosted.database);
  if (lc_failed(err)) {
    host->hosted.database = NULL;
    host->hosted.trouble = strdup(lc_err_text(err));
    lc_log_error("database %s is not available: %s", host->directory, host->hosted.trouble);
  }
  lc_vec_push(&server->hosts, host);
  if (host->hosted.database == NULL) return;
  lc_hosted_enter(&host->hosted); /* what its start has committed, and its schedules */
}

/* Directories that no record points to: of databases that were never finished, replaced, or deleted. */
static lc_err sweep(lc_server *server) {
  lc_arena arena = {0};
  lc_str *names, *generations;
  size_t count = 0, generation_count;
  lc_err err = lc_dir_create(server->io, "databases");
  if (!lc_failed(err)) err = lc_dir_list(server->io, "databases", &arena, &names, &count);
  for (size_t i = 0; i < count && !lc_failed(err); i++) {
    lc_identity identity;
    int32_t position = lc_u256_from_hex(&identity, names[i]) ? find_host(server, &identity) : -1;
    lc_str parent = lc_arena_printf(&arena, "databases/%.*s", LC_STR_ARGS(names[i]));
    if (position < 0) {
      err = lc_dir_remove_all(server->io, parent.ptr);
      continue;
    }
    err = lc_dir_list(server->io, parent.ptr, &arena, &generations, &generation_count);
    for (size_t j = 0; !lc_failed(err) && j < generation_count; j++) {
      lc_str path = lc_arena_printf(&arena, "%.*s/%.*s", LC_STR_ARGS(parent), LC_STR_ARGS(generations[j]));
      if (!lc_str_is(path, server->hosts.items[position]->directory)) err = lc_dir_remove_all(server->io, path.ptr);
    }
  }
  lc_arena_deinit(&arena);
  return err;
}

lc_err lc__hosting_open(lc_server *server) {
  lc_arena arena = {0};
  lc_control_database *records;
  uint32_t count = lc_control_databases(server->control, &arena, &records);
  for (uint32_t i = 0; i < count; i++) open_one(server, &records[i]);
  lc_arena_deinit(&arena);
  LC_TRY(sweep(server));
  lc__hosting_turn_end(server);
  return server->failure;
}

void lc__hosting_close(lc_server *server) {
  for (size_t i = 0; i < server->creations.count; i++) {
    lc__creation *creation = server->creations.items[i];
    if (creation->database) lc_database_close(creation->database);
    creation->database = NULL;
    creation->is_published = creation->is_failed = true;
    if (creation->failure == LC_OK) creation->failure = LC_ERR_NOT_FOUND;
  }
  lc__hosting_creations(server);
  while (server->hosts.count) {
    lc__host *host = server->hosts.items[server->hosts.count - 1];
    server->hosts.count--;
    retire(host);
  }
  lc_vec_deinit(&server->hosts);
  lc_vec_deinit(&server->creations);
}

/* ---- making ---- */

static void published(void *context, const lc_publish_result *result) {
  lc__creation *creation = context;
  creation->is_published = true;
  creation->offset = result->offset;
  creation->record.initial_program = result->program_hash;
  if (!lc_failed(result->err)) return;
  creation->is_failed = true;
  creation->failure = result->err.code;
  creation->failure_text = strdup(lc_err_text(result->err));
}

static bool is_being_made(const lc_server *server, const lc_identity *identity) {
  for (size_t i = 0; i < server->creations.count; i++) {
    if (lc_u256_equal(&server->creations.items[i]->record.identity, identity)) return true;
  }
  return false;
}

static lc_err begin_creation(lc_server *server, lc__creation *creation) {
  int32_t position = find_host(server, &creation->record.identity);
  creation->record.generation = position < 0 ? 1 : server->hosts.items[position]->hosted.generation + 1;
  format_directory(creation->directory, &creation->record.identity, creation->record.generation);
  LC_TRY(lc_dir_remove_all(server->io, creation->directory));
  LC_TRY(open_database(server, creation->directory, &creation->record.identity, &creation->record.owner, &creation->database));
  lc_database_turn_begin(creation->database, lc_io_now_micros(server->io));
  return lc_ok();
}

static void site_create(void *context, const lc_identity *identity, const lc_identity *owner, lc_span program, lc_site_created created,
                        void *created_context) {
  lc_server *server = context;
  lc__creation *creation = calloc(1, sizeof *creation);
  lc_assert(creation != NULL);
  *creation =
      (lc__creation){.server = server, .record = {.identity = *identity, .owner = *owner}, .created = created, .context = created_context};
  lc_err err = is_being_made(server, identity)
                   ? lc_fail(LC_ERR_EXISTS, "another publish of this database is under way; try again when it is done")
                   : begin_creation(server, creation);
  if (lc_failed(err)) {
    free(creation);
    created(created_context, &(lc_publish_result){.err = err, .details = "", .plan = ""});
    return;
  }
  lc_vec_push(&server->creations, creation);
  lc_database_publish(creation->database, &(lc_publish_request){.program = program, .done = published, .context = creation});
}

/*
 * The new one is complete and durable: it takes the place of the old one. With LC_ERR_NOT_DURABLE it has done so, but the files of the old
 * one stay, for a crash may bring it back; the next start sweeps away whichever lost.
 */
static lc_err switch_over(lc_server *server, lc__creation *creation) {
  lc_err err = lc_control_put_database(server->control, &creation->record);
  bool is_durable = !lc_failed(err);
  if (!is_durable && err.code != LC_ERR_NOT_DURABLE) return err;
  lc__host *host = host_create(server, &creation->record);
  host->hosted.database = creation->database;
  creation->database = NULL;
  int32_t position = find_host(server, &creation->record.identity);
  if (position < 0) {
    lc_vec_push(&server->hosts, host);
  } else {
    lc__host *old = server->hosts.items[position];
    server->hosts.items[position] = host;
    char directory[128];
    memcpy(directory, old->directory, sizeof directory);
    retire(old);
    lc_err swept = is_durable ? lc_dir_remove_all(server->io, directory) : lc_ok();
    if (lc_failed(swept)) lc_log_warn("what is left of a database that was replaced: %s", lc_err_text(swept)); /* swept at the next start */
  }
  lc_hosted_enter(&host->hosted);
  return is_durable ? lc_ok() : lc_error(LC_ERR_NOT_DURABLE);
}

static void end_creation(lc_server *server, lc__creation *creation) {
  lc_err err = lc_ok();
  if (creation->is_failed) {
    err = creation->failure_text ? lc_fail(creation->failure, "%s", creation->failure_text)
                                 : lc_fail(creation->failure, "the server is stopping");
  } else {
    err = switch_over(server, creation);
  }
  lc_publish_result result = {
      .err = err, .details = "", .plan = "", .created = !lc_failed(err), .program_hash = creation->record.initial_program};
  creation->created(creation->context, &result);
  if (creation->database) {
    lc_database_close(creation->database);
    lc_err swept = lc_dir_remove_all(server->io, creation->directory);
    if (lc_failed(swept)) lc_log_warn("what is left of a database that was not made: %s", lc_err_text(swept));
  }
  free(creation->failure_text);
  free(creation);
}

static bool is_ready(lc_server *server, lc__creation *creation) {
  if (!creation->is_published) return false;
  if (creation->is_failed) return true;
  lc_err err = lc_database_turn_end(creation->database);
  if (!lc_failed(err)) err = lc_database_poll(creation->database);
  if (lc_failed(err)) {
    creation->is_failed = true;
    creation->failure = err.code;
    creation->failure_text = strdup(lc_err_text(err));
    return true;
  }
  return lc_database_durable(creation->database) > creation->offset;
}

bool lc__hosting_creations(lc_server *server) {
  bool waits = false;
  for (size_t i = 0; i < server->creations.count;) {
    lc__creation *creation = server->creations.items[i];
    if (is_ready(server, creation)) {
      lc_vec_remove_swap(&server->creations, i);
      end_creation(server, creation);
    } else {
      waits |= creation->is_published;
      i++;
    }
  }
  return waits;
}

/* ---- what the API asks ---- */

static lc_hosted *site_find(void *context, const lc_identity *identity) {
  lc_server *server = context;
  int32_t position = find_host(server, identity);
  return position < 0 ? NULL : &server->hosts.items[position]->hosted;
}

static lc_err site_remove(void *context, lc_hosted *hosted) {
  lc_server *server = context;
  lc_identity identity = hosted->identity;
  int32_t position = find_host(server, &identity);
  lc_assert(position >= 0);
  if (is_being_made(server, &identity)) return lc_fail(LC_ERR_EXISTS, "a publish of this database is under way; try again when it is done");
  lc_err err = lc_control_remove_database(server->control, &identity);
  bool is_durable = !lc_failed(err);
  if (!is_durable && err.code != LC_ERR_NOT_DURABLE) return err;
  lc__host *host = server->hosts.items[position];
  lc_vec_remove_swap(&server->hosts, position);
  char hex[65], directory[128];
  lc_u256_hex(hex, &identity);
  snprintf(directory, sizeof directory, "databases/%s", hex);
  retire(host);
  if (!is_durable) return lc_error(LC_ERR_NOT_DURABLE); /* its files stay: a crash may bring it back */
  lc_err swept = lc_dir_remove_all(server->io, directory);
  if (lc_failed(swept)) lc_log_warn("what is left of a deleted database: %s", lc_err_text(swept)); /* swept at the next start */
  return lc_ok();
}

static uint32_t site_owned_by(void *context, const lc_identity *owner, lc_arena *arena, lc_identity **databases) {
  lc_server *server = context;
  uint32_t count = 0;
  *databases = LC_ARENA_ARRAY(arena, lc_identity, server->hosts.count + 1);
  for (size_t i = 0; i < server->hosts.count; i++) {
    const lc_hosted *hosted = &server->hosts.items[i]->hosted;
    if (lc_u256_equal(&hosted->owner, owner)) (*databases)[count++] = hosted->identity;
  }
  return count;
}

static lc_control *control_of(void *server) {
  return ((lc_server *)server)->control;
}
static bool site_name_find(void *server, lc_str name, lc_identity *database) {
  return lc_control_name(control_of(server), name, database);
}
static bool site_name_holder(void *server, lc_str name, lc_identity *holder) {
  return lc_control_holder(control_of(server), name, holder);
}
static lc_err site_name_add(void *server, lc_str name, const lc_identity *database, const lc_identity *holder) {
  return lc_control_add_name(control_of(server), name, database, holder);
}
static lc_err site_names_replace(void *server, const lc_identity *database, const lc_str *names, uint32_t count,
                                 const lc_identity *holder) {
  return lc_control_replace_names(control_of(server), database, names, count, holder);
}
static uint32_t site_names_of(void *server, const lc_identity *database, lc_arena *arena, lc_str **names) {
  return lc_control_names(control_of(server), database, arena, names);
}
static bool site_is_locked(void *server, const lc_identity *database) {
  return lc_control_is_locked(control_of(server), database);
}
static lc_err site_set_locked(void *server, const lc_identity *database, bool locked) {
  return lc_control_set_locked(control_of(server), database, locked);
}

const lc_site_ops lc__hosting_ops = {
    .enter = host_enter,
    .find = site_find,
    .unref = host_unref,
    .name_find = site_name_find,
    .name_holder = site_name_holder,
    .name_add = site_name_add,
    .names_replace = site_names_replace,
    .names_of = site_names_of,
    .owned_by = site_owned_by,
    .is_locked = site_is_locked,
    .set_locked = site_set_locked,
    .create = site_create,
    .remove = site_remove,
};
