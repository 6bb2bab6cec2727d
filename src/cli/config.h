#pragma once
/*
 * cli.toml: which servers there are, which one is meant by default, and the token. The file is kept as lines, so that what is not
 * touched keeps its comments, order and formatting.
 *
 *   default_server = "local"                nickname or host
 *   listen_addr = "127.0.0.1:3000"          for `start`
 *   spacetimedb_token = "…"                 sent to servers
 *   [[server_configs]]
 *   nickname = "local"
 *   host = "127.0.0.1:3000"
 *   protocol = "http"
 *   ecdsa_public_key = "…"
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/vec.h"

typedef struct lc_server_config {
  lc_str nickname, host, protocol;
} lc_server_config;

typedef struct lc_config {
  char *path;           /* of cli.toml */
  char *directory;      /* that holds it and the keys */
  char *data_directory; /* of `start` */
  LC_VEC(lc_str) lines;
  LC_VEC(lc_server_config) servers;
  lc_arena arena;
} lc_config;

/* Paths from --root-dir, --config-path and the XDG variables; a missing file is an empty configuration with the server `local`. */
lc_err lc_config_open(lc_config *config, const char *root_directory, const char *config_path);
void lc_config_close(lc_config *config);
lc_err lc_config_save(lc_config *config);

/* A top-level string; ptr NULL when absent. */
lc_str lc_config_get(const lc_config *config, const char *key);
void lc_config_set(lc_config *config, const char *key, const char *value); /* NULL removes it */
/* By nickname or host. NULL: none. */
const lc_server_config *lc_config_server(const lc_config *config, const char *name);
lc_err lc_config_add_server(lc_config *config, const char *nickname, const char *host, const char *protocol);
lc_err lc_config_remove_server(lc_config *config, const char *name);
