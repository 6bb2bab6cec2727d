#pragma once
/*
 * Worker threads for what takes long: compiling modules. A job's `work` runs on one of them, its `done` on the core thread, in
 * lc_workers_finish. Threads: submit and finish belong to the core thread.
 */
#include "io/loop.h"

typedef struct lc_workers lc_workers;

/* `loop` is woken when a job is done. */
lc_err lc_workers_create(uint32_t threads, lc_loop *loop, lc_workers **workers);
/* Waits for all jobs, runs what is left of `done`, ends the threads. */
void lc_workers_destroy(lc_workers *workers);
void lc_workers_submit(lc_workers *workers, void (*work)(void *job), void (*done)(void *job), void *job);
/* Whether lc_workers_finish has something to do. */
bool lc_workers_has_finished(lc_workers *workers);
/* Runs `done` of the jobs whose work is finished. Returns how many. */
size_t lc_workers_finish(lc_workers *workers);
