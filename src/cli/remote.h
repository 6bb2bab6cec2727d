#pragma once
/* Which server, which token, which database: what every command that talks to a server begins with. */
#include <jansson.h>

#include "cli/cli.h"
#include "cli/http.h"

typedef struct lc_remote {
  const char *url;   /* scheme and host, no slash at the end */
  const char *token; /* NULL: none */
} lc_remote;

/* From --server, `configured` (of spacetime.json, may be NULL) or the default. Does not ask the network. */
lc_err lc_remote_server(lc_cli *cli, const lc_args *args, const char *configured, lc_remote *remote);
/*
 * Also with a token: the saved one, or, when there is none, an identity issued by that server, which is then saved. None with --anonymous.
 */
lc_err lc_remote_open(lc_cli *cli, const lc_args *args, const char *configured, lc_remote *remote);
/* The identity (64 hex digits) behind a name or identity. */
lc_err lc_remote_database(lc_cli *cli, const lc_remote *remote, const char *name, const char **identity);
/* A request under /v1; `format` makes the path. On a status other than 2xx: LC_ERR_SERVER, beginning with `doing`. */
lc_err lc_remote_request(lc_cli *cli, const lc_remote *remote, const char *method, lc_span body, const char *content_type,
                         lc_http_result *result, const char *doing, const char *format, ...) __attribute__((format(printf, 8, 9)));
/* The same for an answer in JSON; `*json` is owned by the caller. */
lc_err lc_remote_json(lc_cli *cli, const lc_remote *remote, const char *method, lc_span body, const char *content_type, json_t **json,
                      const char *doing, const char *format, ...) __attribute__((format(printf, 8, 9)));
/* POST /v1/identity, and saves the token. */
lc_err lc_remote_login(lc_cli *cli, lc_remote *remote, const char **identity);
/* The identity in a token's payload; NULL when it cannot be read. */
const char *lc_token_identity(lc_arena *arena, const char *token);

/*
 * The database of a command: the positional, or the one of spacetime.json. `*rest` is the index of the first positional that is not it;
 * `needed` is how many positionals the command needs behind it.
 */
lc_err lc_remote_target(lc_cli *cli, const lc_args *args, size_t needed, lc_remote *remote, const char **name, const char **identity,
                        size_t *rest);
