#pragma once
/*
 * What clients see: HTTP routes and WebSocket sessions, on top of net (bytes), wire (messages) and engine (databases).
 *
 * The owner of the loop calls, every turn: lc_net's handlers through lc_loop_run_once, then lc_api_turn, then (the logs submitted and
 * polled) lc_api_durable for each database that got further, then lc_net_flush. Threads: the core thread.
 */
#include "api/site.h"

typedef struct lc_api lc_api;

/* `site` must outlive the API. The net is created with lc_api_handler() and the API as its context. */
lc_api *lc_api_create(const lc_site *site);
void lc_api_destroy(lc_api *api);
const lc_net_handler *lc_api_handler(void);
/* Ends sessions whose connection or database went away since the last turn. True: there is more to do in the next turn. */
bool lc_api_turn(lc_api *api);
/* Whether lc_api_turn has something to do: the loop must not wait. */
bool lc_api_has_ended(const lc_api *api);
/* Offsets below `durable` are safe now: sends what waited for that. UINT64_MAX: nothing more will come, all that was is safe. */
void lc_api_durable(lc_hosted *hosted, uint64_t durable);
/* The database has closed, and lc_api_durable has said how far it got: answers that still wait for more become errors, sessions are cut. */
void lc_api_ended(lc_hosted *hosted);
/* The database is about to close for good: those who follow its log get the end of it. */
void lc_api_close_streams(lc_hosted *hosted);
