#pragma once
/* What server.c (opening, the loop, closing) and hosting.c (databases) share. */
#include <stdatomic.h>

#include "api/api.h"
#include "base/assert.h"
#include "base/map.h"
#include "base/vec.h"
#include "server/config.h"
#include "server/control.h"
#include "server/server.h"
#include "server/workers.h"

/* A hosted database with what the loop needs of it. `hosted` is first: the API's pointers are these. */
typedef struct lc__host {
  lc_hosted hosted;
  lc_server *server;
  lc_watch log_watch; /* a log write has completed */
  int log_fd;         /* what it watches; -1: nothing */
  lc_timer due;       /* the next schedule */
  lc_timer retry;     /* the disk is full: look again whether there is room */
  char directory[128];
} lc__host;

/* A database that is being made, beside the one that it will replace. */
typedef struct lc__creation {
  lc_server *server;
  lc_control_database record;
  lc_database *database;
  char directory[128];
  bool is_published, is_failed;
  lc_err_code failure;
  char *failure_text;
  uint64_t offset; /* durable before anybody hears of it */
  lc_site_created created;
  void *context;
} lc__creation;

struct lc_server {
  lc_io *io, *key_io;
  int lock_fd;
  lc_server_settings config;
  bool in_memory, has_host;
  uint64_t call_budget_micros;
  lc_auth *auth;
  lc_control *control;
  lc_loop *loop;
  lc_net *net;
  lc_workers *workers;
  lc_api *api;
  lc_site site;
  LC_VEC(lc__host *) hosts;
  LC_VEC(lc__creation *) creations;
  lc_hosted *in_turn; /* entered since the last turn end */
  int64_t now_micros; /* of this turn; 0: not read yet */
  uint16_t port;
  lc_err failure; /* what makes it impossible to go on */
  atomic_bool is_stopping;
};

/* ---- hosting.c ---- */
extern const lc_site_ops lc__hosting_ops;
/* Opens every database that the control database knows; one that cannot be opened is kept, with its reason, and the others go on. */
lc_err lc__hosting_open(lc_server *server);
/* Before background work finishes: it may concern any database, and is rare. */
void lc__hosting_enter_all(lc_server *server);
/* Ends what was entered: submits logs, sends what is durable, sets timers. */
void lc__hosting_turn_end(lc_server *server);
/* Moves creations on. True: one waits for the disk, look again soon. */
bool lc__hosting_creations(lc_server *server);
void lc__hosting_close(lc_server *server);
