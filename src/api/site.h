#pragma once
/*
 * What the API needs of the server around it: which databases there are, what they are called and who owns them, and the life of a
 * database. `src/server` fills in the table of functions; tests may put something smaller there.
 *
 * Invariants
 *   A1  A hosted database outlives every session and answer that refers to it (`references`); when the database itself is gone,
 *       `database` is NULL.
 *   A2  Before anything is asked of a database it is entered (lc_hosted_enter): that begins its turn, with one clock read for all.
 *
 * Threads: the core thread.
 */
#include "auth/auth.h"
#include "engine/database.h"
#include "net/connection.h"

typedef struct lc_hosted lc_hosted;
typedef struct lc_site_ops lc_site_ops;
struct lc_exchange;
struct lc_log_stream;

/* A database as the server holds it. */
struct lc_hosted {
  lc_identity identity, owner;
  lc_hash256 initial_program;
  uint64_t generation;   /* counts creations and resets: where its files are */
  lc_database *database; /* NULL: deleted, or it could not be opened and `trouble` says why */
  char *trouble;
  lc_release_group group;                     /* sessions whose messages wait for durability */
  struct lc_exchange *waiting, *last_waiting; /* answers that do, in order of arrival */
  struct lc_log_stream *log_streams;
  uint32_t references;
  void *server;
  const lc_site_ops *ops;
  bool is_in_turn;
  lc_hosted *next_in_turn; /* the server's list */
};

typedef struct lc_site {
  lc_io *io;
  lc_auth *auth;
  void *server;
  const lc_site_ops *ops;
} lc_site;

typedef void (*lc_site_created)(void *context, const lc_publish_result *result);

struct lc_site_ops {
  void (*enter)(void *server, lc_hosted *hosted);
  /* NULL: there is no such database. */
  lc_hosted *(*find)(void *server, const lc_identity *identity);
  void (*unref)(void *server, lc_hosted *hosted);

  /* Names. One that was bound once stays with its holder, also when it is free again. */
  bool (*name_find)(void *server, lc_str name, lc_identity *database);
  bool (*name_holder)(void *server, lc_str name, lc_identity *holder);
  lc_err (*name_add)(void *server, lc_str name, const lc_identity *database, const lc_identity *holder);
  lc_err (*names_replace)(void *server, const lc_identity *database, const lc_str *names, uint32_t count, const lc_identity *holder);
  uint32_t (*names_of)(void *server, const lc_identity *database, lc_arena *arena, lc_str **names);
  uint32_t (*owned_by)(void *server, const lc_identity *owner, lc_arena *arena, lc_identity **databases);

  bool (*is_locked)(void *server, const lc_identity *database);
  lc_err (*set_locked)(void *server, const lc_identity *database, bool locked);

  /*
   * Makes a database with this program, in the place of one that is there already (whose clients and data go when the new one is complete,
   * and stay when it fails). `program` is copied. `created` comes once, maybe before this returns; what is created is durable then.
   */
  void (*create)(void *server, const lc_identity *identity, const lc_identity *owner, lc_span program, lc_site_created created,
                 void *context);
  lc_err (*remove)(void *server, lc_hosted *hosted);
};

/* Begins the database's turn unless it has begun. */
static inline void lc_hosted_enter(lc_hosted *hosted) {
  if (!hosted->is_in_turn && hosted->database) hosted->ops->enter(hosted->server, hosted);
}
