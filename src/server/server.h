#pragma once
/*
 * The server: one data directory, one listening socket, all databases. Databases run on the core thread, which is the thread that calls
 * lc_server_run; compilation runs on worker threads.
 *
 *   lc_server_open   locks and opens the data directory, the keys, the control database and every database, and listens
 *   lc_server_run    serves until lc_server_stop
 *   lc_server_close  says goodbye to everybody, flushes every log, frees
 *
 * Threads: lc_server_stop may be called from any thread and from a signal handler; everything else belongs to the core thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct lc_server lc_server;

typedef struct lc_server_options {
  const char *data_directory; /* made when it is missing */
  const char *config_path;    /* config.toml; NULL: the one in the data directory, which may be missing */
  /* The key pair (PEM); made when both files are missing. NULL: what the configuration says, else `id_ecdsa` and `id_ecdsa.pub` in
   * key_directory. */
  const char *private_key_path, *public_key_path;
  const char *key_directory;   /* NULL: the data directory */
  const char *listen_host;     /* a numeric address; NULL: 127.0.0.1 */
  uint16_t listen_port;        /* 0: a free one, see lc_server_port */
  bool in_memory;              /* databases keep nothing on disk (the control database does) */
  uint64_t call_budget_micros; /* CPU time of one call, 0: 10 s */
} lc_server_options;

/* Errors: LC_ERR_IO, LC_ERR_EXISTS when another server uses the directory, LC_ERR_INVALID for the configuration or the keys; the message
 * says what to do. */
lc_err lc_server_open(const lc_server_options *options, lc_server **server);
/* Returns after lc_server_stop, or with the failure that makes it impossible to go on. */
lc_err lc_server_run(lc_server *server);
/* Makes lc_server_run return soon. Async-signal-safe. */
void lc_server_stop(lc_server *server);
void lc_server_close(lc_server *server);
/* The port that it listens on. */
uint16_t lc_server_port(const lc_server *server);
