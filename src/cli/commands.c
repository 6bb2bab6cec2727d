/* The table of commands: adding one is adding a row here and a file. */
#include "cli/cli.h"

#define ROW(name, usage, summary, details) {#name, usage, summary, lc_options_##name, lc_command_##name, details}

const lc_command lc_commands[] = {
    ROW(start, "[options]", "run a server on this machine", NULL),
    ROW(publish, "[NAME|IDENTITY] [options]", "build a module and create or update a database with it", NULL),
    ROW(build, "[options]", "compile a module to WebAssembly", "Rust modules are recognised by Cargo.toml, C modules by their .c files."),
    ROW(generate, "[options]", "write client bindings for a module", NULL),
    ROW(call, "DATABASE FUNCTION [ARGUMENT]…", "call a reducer or procedure",
        "Arguments are JSON; a string parameter needs no quotes. Example: lightcone call chat send_message \"Hello there\""),
    ROW(sql, "DATABASE QUERY", "run an SQL statement", NULL),
    ROW(subscribe, "DATABASE QUERY…", "follow what queries return: one JSON object per transaction", NULL),
    ROW(logs, "DATABASE [options]", "show what a module logged", NULL),
    ROW(describe, "DATABASE [reducer|table NAME] [options]", "show tables and reducers of a database", NULL),
    ROW(list, "[options]", "list your databases", NULL),
    ROW(delete, "DATABASE [options]", "delete a database and its data", NULL),
    ROW(lock, "DATABASE [options]", "protect a database against deletion", NULL),
    ROW(unlock, "DATABASE [options]", "remove that protection", NULL),
    ROW(rename, "--to NEW-NAME DATABASE [options]", "give a database another name", NULL),
    ROW(login, "[show] [options]", "get or save the token that says who you are", NULL),
    ROW(logout, "", "forget the saved token", NULL),
    ROW(server, "list|add|remove|set-default|ping [options]", "manage the servers that you use", NULL),
    ROW(version, "", "show the version", NULL),
    ROW(help, "[COMMAND]", "show help", NULL),
    {0},
};
