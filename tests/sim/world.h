#pragma once
/* The simulated database of a run: store and log on a simulated machine, with the model beside them. */
#include "io/sim/sim.h"
#include "log/log.h"
#include "log/record.h"
#include "sim/model.h"
#include "store/store.h"

/* The tables, in the order they are created in. */
enum { MODEL_ACCOUNTS, MODEL_NOTES, MODEL_BAG, MODEL_SLOTS, MODEL_TABLES };

typedef struct world {
  uint64_t seed;
  lc_io *io;
  lc_store *store;
  lc_log *log;
  lc_table *tables[MODEL_TABLES], *events;
  model model;
  uint64_t acknowledged;                           /* offsets below it have been reported durable */
  uint64_t acknowledged_drawn;                     /* highest number of the sequence that an acknowledged transaction received */
  uint64_t transactions, crashes, stops, refusals; /* for the summary */
} world;

/* Ends the run: which promise was broken, and how. */
_Noreturn void broken(const world *w, const char *rule, const char *format, ...) __attribute__((format(printf, 3, 4)));
static inline uint64_t pick(const world *w, uint64_t limit) {
  return lc_sim_random(w->io, limit);
}

/* workload.c */
/* Defines the tables in the open transaction. */
void world_create_tables(world *w);
/* Finds the tables of a recovered store. */
void world_find_tables(world *w);
/* A few random changes and reads in the open transaction, in store and model; every outcome is compared. */
void world_change(world *w);
/* Rows, indexes and sequences against the model (L6). */
void world_compare(world *w);
