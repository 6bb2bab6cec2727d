/*
 * Opening and closing a server, and its loop. One turn:
 *
 *   wait and receive     every readable connection, every due timer; handlers run the calls right there
 *   finished background  programs that were compiled
 *   ended sessions       disconnect reducers of clients that went away
 *   end of turn          one log submission per database that was touched; what has become durable is released
 *   flush                one send per connection
 *
 * So a busy turn takes all that has arrived, runs it, and pays for the log and the sockets once. The net work runs in this same thread:
 * with few cores that is the measured optimum; net threads will take over what is called through lc_api_handler here.
 */
#include "server/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/logging.h"
#include "server/lock.h"
#include "server/server_internal.h"

enum {
  CONFIG_MAX = 1 << 20,
  GOODBYE_TURNS = 50,
  GOODBYE_NANOS = 10 * 1000 * 1000, /* per turn: half a second for closing handshakes */
  CREATION_NANOS = 500 * 1000,      /* between looks at a new database's log */
};

/* ---- opening ---- */

static lc_err read_config(lc_server *server, const lc_server_options *options) {
  lc_server_settings_init(&server->config);
  lc_buf text = {0};
  lc_err err = lc_ok();
  if (options->config_path) {
    lc_io *io;
    LC_TRY(lc_io_linux_open("/", &io));
    err = lc_path_read(io, options->config_path[0] == '/' ? options->config_path + 1 : options->config_path, CONFIG_MAX, &text);
    lc_io_close(io);
  } else if (lc_path_exists(server->io, "config.toml")) {
    err = lc_path_read(server->io, "config.toml", CONFIG_MAX, &text);
  }
  if (!lc_failed(err)) err = lc_err_context(lc_server_settings_parse(&server->config, lc_buf_str(&text)), "config.toml");
  lc_buf_deinit(&text);
  if (!lc_failed(err)) lc_log_set_level((lc_log_level)server->config.log_level);
  return err;
}

/* Key files may lie anywhere: an io of the whole machine, and absolute paths. */
static lc_err open_keys(lc_server *server, const lc_server_options *options) {
  char private_path[2048], public_path[2048], directory[1024];
  const char *keys = options->key_directory ? options->key_directory : options->data_directory;
  if (realpath(keys, directory) == NULL) { /* made on the way */
    LC_TRY(lc_io_linux_open(keys, &server->key_io));
    lc_io_close(server->key_io);
    server->key_io = NULL;
    if (realpath(keys, directory) == NULL) return lc_fail(LC_ERR_IO, "the key directory %s cannot be used", keys);
  }
  bool has_config = server->config.private_key_path[0] && server->config.public_key_path[0];
  const char *private_key = options->private_key_path ? options->private_key_path : has_config ? server->config.private_key_path : NULL;
  const char *public_key = options->public_key_path ? options->public_key_path : has_config ? server->config.public_key_path : NULL;
  if ((private_key == NULL) != (public_key == NULL))
    return lc_fail(LC_ERR_INVALID, "give the paths of both keys, private and public, or of none");
  if (private_key) {
    snprintf(private_path, sizeof private_path, "%s", private_key);
    snprintf(public_path, sizeof public_path, "%s", public_key);
  } else {
    snprintf(private_path, sizeof private_path, "%s/id_ecdsa", directory);
    snprintf(public_path, sizeof public_path, "%s/id_ecdsa.pub", directory);
  }
  LC_TRY(lc_io_linux_open(private_path[0] == '/' ? "/" : ".", &server->key_io));
  int skip = private_path[0] == '/';
  return lc_auth_open(server->key_io, private_path + skip, public_path + (public_path[0] == '/'), &server->auth);
}

static lc_err open_host(lc_server *server, const lc_server_options *options) {
  char cache[1200];
  snprintf(cache, sizeof cache, "%s/cache/wasmtime", options->data_directory);
  LC_TRY(lc_dir_create(server->io, "cache/wasmtime"));
  LC_TRY(lc_host_init(&(lc_host_options){.cache_directory = cache}));
  server->has_host = true;
  return lc_ok();
}

static lc_err open_net(lc_server *server, const lc_server_options *options) {
  LC_TRY(lc_net_create(&(lc_net_options){.loop = server->loop,
                                         .io = server->io,
                                         .handler = lc_api_handler(),
                                         .context = server->api,
                                         .ping_interval_ms = server->config.ping_interval_ms,
                                         .idle_timeout_ms = server->config.idle_timeout_ms,
                                         .close_timeout_ms = server->config.close_timeout_ms},
                       &server->net));
  return lc_net_listen(server->net, options->listen_host ? options->listen_host : "127.0.0.1", options->listen_port, &server->port);
}

static uint32_t worker_count(void) {
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  return cores < 2 ? 1 : cores > 8 ? 8 : (uint32_t)cores;
}

static lc_err open_parts(lc_server *server, const lc_server_options *options) {
  char lock_path[1200];
  snprintf(lock_path, sizeof lock_path, "%s/server.pid", options->data_directory);
  LC_TRY(lc_io_linux_open(options->data_directory, &server->io));
  LC_TRY(lc_lock_acquire(lock_path, &server->lock_fd));
  LC_TRY(read_config(server, options));
  LC_TRY(open_keys(server, options));
  LC_TRY(lc_control_open(server->io, "control", &server->control));
  LC_TRY(lc_loop_create(&server->loop));
  LC_TRY(lc_workers_create(worker_count(), server->loop, &server->workers));
  LC_TRY(open_host(server, options));
  server->site = (lc_site){.io = server->io, .auth = server->auth, .server = server, .ops = &lc__hosting_ops};
  server->api = lc_api_create(&server->site);
  LC_TRY(lc__hosting_open(server));
  return open_net(server, options);
}

lc_err lc_server_open(const lc_server_options *options, lc_server **server) {
  lc_server *opened = calloc(1, sizeof *opened);
  lc_assert(opened != NULL);
  opened->lock_fd = -1;
  opened->in_memory = options->in_memory;
  opened->call_budget_micros = options->call_budget_micros;
  lc_err err = open_parts(opened, options);
  if (lc_failed(err)) {
    lc_server_close(opened);
    return err;
  }
  *server = opened;
  return lc_ok();
}

uint16_t lc_server_port(const lc_server *server) {
  return server->port;
}

/* ---- the loop ---- */

static void run_turn(lc_server *server, uint64_t timeout_nanos) {
  lc_loop_run_once(server->loop, timeout_nanos);
  if (lc_workers_has_finished(server->workers)) {
    lc__hosting_enter_all(server);
    lc_workers_finish(server->workers);
  }
  lc_api_turn(server->api);
  lc__hosting_creations(server);
  lc__hosting_turn_end(server);
  lc_net_flush(server->net);
}

/* How long the next turn may wait for something to happen. */
static uint64_t next_timeout(lc_server *server) {
  if (lc_api_has_ended(server->api) || server->in_turn) return 0;
  for (size_t i = 0; i < server->creations.count; i++) {
    if (server->creations.items[i]->is_published) return CREATION_NANOS;
  }
  return UINT64_MAX;
}

lc_err lc_server_run(lc_server *server) {
  while (!atomic_load_explicit(&server->is_stopping, memory_order_relaxed) && !lc_failed(server->failure))
    run_turn(server, next_timeout(server));
  return server->failure;
}

void lc_server_stop(lc_server *server) {
  atomic_store(&server->is_stopping, true);
  lc_loop_wake(server->loop);
}

/* ---- closing ---- */

/* Everybody hears that the server goes, and gets a moment to answer. */
static void say_goodbye(lc_server *server) {
  lc_net_stop_listening(server->net);
  lc__hosting_close(server);
  for (int i = 0; i < GOODBYE_TURNS && lc_net_connection_count(server->net); i++) {
    lc_net_flush(server->net);
    lc_loop_run_once(server->loop, GOODBYE_NANOS);
    lc_api_turn(server->api);
  }
  lc_net_destroy(server->net);
  while (lc_api_turn(server->api)) continue;
}

void lc_server_close(lc_server *server) {
  if (server->net) {
    say_goodbye(server);
  } else {
    lc__hosting_close(server);
  }
  lc_workers_destroy(server->workers);
  lc_api_destroy(server->api);
  if (server->has_host) lc_host_deinit();
  if (server->loop) lc_loop_destroy(server->loop);
  lc_control_close(server->control);
  lc_auth_close(server->auth);
  if (server->key_io) lc_io_close(server->key_io);
  if (server->io) lc_io_close(server->io);
  lc_lock_release(server->lock_fd);
  free(server);
}
