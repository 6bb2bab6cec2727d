/* The table of commands: adding one is adding a row here and a file. */
#include <stdint.h>

#include "cli/cli.h"

#define ANY SIZE_MAX
#define ROW(name, arguments_max, usage, summary, details) \
  {#name, usage, summary, lc_options_##name, lc_command_##name, details, arguments_max}

const lc_command lc_commands[] = {
    ROW(start, 0, "[options]", "run a server on this machine", NULL),
    ROW(publish, 1, "[NAME|IDENTITY] [options]", "build a module and create or update a database with it", NULL),
    ROW(build, 1, "[options]", "compile a module to WebAssembly", "Rust modules are recognised by Cargo.toml, C modules by their .c files."),
    ROW(generate, 1, "[DATABASE] [options]", "write client bindings for a module", NULL),
    ROW(call, ANY, "DATABASE FUNCTION [ARGUMENT]…", "call a reducer or procedure",
        "Arguments are JSON; a string parameter needs no quotes. Example: lightcone call chat send_message \"Hello there\""),
    ROW(sql, ANY, "DATABASE QUERY", "run an SQL statement", NULL),
    ROW(subscribe, ANY, "DATABASE QUERY…", "follow what queries return: one JSON object per transaction", NULL),
    ROW(logs, 1, "DATABASE [options]", "show what a module logged", NULL),
    ROW(describe, 3, "DATABASE [reducer|table NAME] [options]", "show tables and reducers of a database", NULL),
    ROW(list, 0, "[options]", "list your databases", NULL),
    ROW(delete, 1, "DATABASE [options]", "delete a database and its data", NULL),
    ROW(lock, 1, "DATABASE [options]", "protect a database against deletion", NULL),
    ROW(unlock, 1, "DATABASE [options]", "remove that protection", NULL),
    ROW(rename, 1, "--to NEW-NAME DATABASE [options]", "give a database another name", NULL),
    ROW(login, 1, "[show] [options]", "get or save the token that says who you are", NULL),
    ROW(logout, 0, "", "forget the saved token", NULL),
    ROW(server, 2, "list|add|remove|set-default|ping [options]", "manage the servers that you use", NULL),
    ROW(version, 0, "", "show the version", NULL),
    ROW(help, 1, "[COMMAND]", "show help", NULL),
    {0},
};
