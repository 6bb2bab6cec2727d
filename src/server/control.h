#pragma once
/*
 * The control database: which databases there are, their names and owners. An ordinary store and log of its own.
 *
 *   database  identity u256 · owner u256 · initial_program u256 · generation u64   generation: which of its directories counts
 *   name      name string · database u256                                          what a name stands for
 *   domain    name string · holder u256                                            who may bind it; stays when the name is free
 *   lock      identity u256                                                        not to be deleted; outlives the database
 *
 * Invariants
 *   C1  A change is durable when its function succeeds: control changes are rare, so each waits for the disk. On LC_ERR_NOT_DURABLE it was
 *       made but a full disk did not take it: a crash may bring back the state before, so what that needs must stay. After any other
 *       failure nothing has changed.
 *   C2  A name stands for at most one database; only its domain's holder can bind it.
 * Threads: the core thread.
 */
#include "io/io.h"

typedef struct lc_control lc_control;

typedef struct lc_control_database {
  lc_identity identity, owner;
  lc_hash256 initial_program;
  uint64_t generation;
} lc_control_database;

lc_err lc_control_open(lc_io *io, const char *directory, lc_control **control);
void lc_control_close(lc_control *control);

/* All of them, in the arena; ascending by nothing in particular. */
uint32_t lc_control_databases(lc_control *control, lc_arena *arena, lc_control_database **databases);
/* Adds or replaces. */
lc_err lc_control_put_database(lc_control *control, const lc_control_database *database);
lc_err lc_control_remove_database(lc_control *control, const lc_identity *identity);

bool lc_control_name(lc_control *control, lc_str name, lc_identity *database);
bool lc_control_holder(lc_control *control, lc_str name, lc_identity *holder);
/* Errors: LC_ERR_EXISTS, LC_ERR_DENIED (C2). */
lc_err lc_control_add_name(lc_control *control, lc_str name, const lc_identity *database, const lc_identity *holder);
/* The database's names become these, all or none. Errors as above. */
lc_err lc_control_replace_names(lc_control *control, const lc_identity *database, const lc_str *names, uint32_t count,
                                const lc_identity *holder);
/* Sorted, in the arena. */
uint32_t lc_control_names(lc_control *control, const lc_identity *database, lc_arena *arena, lc_str **names);

bool lc_control_is_locked(lc_control *control, const lc_identity *identity);
lc_err lc_control_set_locked(lc_control *control, const lc_identity *identity, bool locked);
