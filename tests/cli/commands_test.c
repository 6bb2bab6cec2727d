/*
 * The commands against a real server: each runs as a process of its own through lc_cli_main, with its exit code and all it prints looked
 * at. What is expected is what scripts look for (docs/cli.md).
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>

#include "cli/cli.h"
#include "harness.h"

static char root[64];
static char url[64];
static pid_t server;
static lc_buf said; /* what the last command printed */

static void in_child(int output, const char *const *argv) {
  const char *full[32] = {"lightcone", "--root-dir", root};
  int count = 3;
  for (; *argv; argv++) full[count++] = *argv;
  dup2(output, 1);
  dup2(output, 2);
  int nothing = open("/dev/null", O_RDONLY);
  dup2(nothing, 0);
  _exit(lc_cli_main(count, (char **)full));
}

static int run(const char *const *argv) {
  int pipe_ends[2], status;
  expect(pipe(pipe_ends) == 0);
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) in_child(pipe_ends[1], argv);
  close(pipe_ends[1]);
  lc_buf_clear(&said);
  ssize_t got;
  do {
    lc_buf_reserve(&said, 4096);
    got = read(pipe_ends[0], said.data + said.len, said.cap - said.len);
    if (got > 0) said.len += (size_t)got;
  } while (got > 0);
  close(pipe_ends[0]);
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}
#define RUN(...) run((const char *const[]){__VA_ARGS__, NULL})
#define expect_run(code, ...)                                                                                            \
  do {                                                                                                                   \
    int code_ = RUN(__VA_ARGS__);                                                                                        \
    if (code_ != (code)) lc_test_fail("exit code %d, expected %d: %.*s", code_, (code), LC_STR_ARGS(lc_buf_str(&said))); \
  } while (0)
#define expect_said(part)                                                                                                        \
  do {                                                                                                                           \
    if (!strstr(lc_buf_cstr(&said), part)) lc_test_fail("printed\n  %.*s\nwithout\n  %s", LC_STR_ARGS(lc_buf_str(&said)), part); \
  } while (0)

static void stop_server(void) {
  if (server > 0) kill(server, SIGTERM), waitpid(server, NULL, 0);
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", root);
  if (root[0] && system(command) != 0) fprintf(stderr, "could not remove %s\n", root);
}

/* A server on a free port with a directory of its own. */
static void start_server(void) {
  int pipe_ends[2];
  char text[1024] = "";
  size_t len = 0;
  snprintf(root, sizeof root, "/tmp/lightcone-cli-XXXXXX");
  expect(mkdtemp(root) != NULL);
  expect(pipe(pipe_ends) == 0);
  setenv("LIGHTCONE_SDK", LC_SOURCE_DIR "/sdk/module-c", 1);
  fflush(NULL);
  server = fork();
  if (server == 0) prctl(PR_SET_PDEATHSIG, SIGTERM); /* also when a test fails */
  if (server == 0) in_child(pipe_ends[1], (const char *const[]){"start", "--listen-addr", "127.0.0.1:0", NULL});
  close(pipe_ends[1]);
  atexit(stop_server);
  const char *at = NULL;
  for (ssize_t got = 1; got > 0 && !(at && strchr(at, '\n'));) {
    got = read(pipe_ends[0], text + len, sizeof text - 1 - len);
    if (got > 0) len += (size_t)got;
    at = strstr(text, "listening on ");
  }
  if (!at) lc_test_fail("the server did not start: %s", text);
  snprintf(url, sizeof url, "%.*s", (int)strcspn(at + 13, "\n"), at + 13);
  expect_run(0, "server", "add", "test", "--url", url, "--default");
}

/* A module of one C file; returns its directory. */
static const char *module(const char *name, const char *source) {
  static char directory[128];
  char path[160];
  snprintf(directory, sizeof directory, "%s/%s", root, name);
  snprintf(path, sizeof path, "%s/module.c", directory);
  expect_ok(lc_cli_make_directory(directory));
  expect_ok(lc_cli_write_file(path, lc_str_span(lc_str_of(source)), 0600));
  return directory;
}

#define NOTES                                                                                               \
  "#include <lightcone.h>\n"                                                                                \
  "LC_TABLE(note, Note, public, (auto_key, u32, id), (column, string, text), (column, option_u8, stars))\n" \
  "LC_REDUCER(add_note, (string, text), (option_u8, stars)) {\n"                                            \
  "  if (!text.len) return lc_error(\"a note needs a text\");\n"                                            \
  "  lc_log_info(\"noted\");\n"                                                                             \
  "  note_insert(&(Note){.text = text, .stars = stars});\n"                                                 \
  "  return lc_ok();\n"                                                                                     \
  "}\n"

TEST(the_life_of_a_database) {
  start_server();
  const char *notes = module("notes", NOTES);
  expect_run(0, "publish", "my-notes", "--no-config", "-p", notes);
  expect_said("Created new database with name: my-notes, identity: c200");
  expect_run(0, "publish", "my-notes", "--no-config", "-p", notes);
  expect_said("Updated database with name: my-notes, identity: c200");
  expect_run(0, "call", "--no-config", "my-notes", "add_note", "it's \"fine\"", "{\"some\":5}");
  expect_equal(said.len, 0);
  expect_run(0, "call", "--no-config", "my-notes", "add_note", "\"quoted\"", "null");

  expect_run(0, "sql", "--no-config", "my-notes", "SELECT * FROM note WHERE id = 1");
  expect_text(lc_buf_cstr(&said),
              " id | text          | stars      \n----+---------------+------------\n 1  | \"it's \"fine\"\" | (some = 5) \n");
  expect_run(0, "sql", "--no-config", "my-notes", "--json", "SELECT * FROM note WHERE id = 2");
  expect_said("\"rows\":[[2,\"quoted\",[1,[]]]]");
  expect_run(1, "sql", "--no-config", "my-notes", "SELECT * FROM nowhere");
  expect_said("Error: running the statement: ");

  expect_run(0, "logs", "--no-config", "my-notes");
  expect_said(" Info: add_note ");
  expect_said(": noted\n");
  expect_run(0, "list");
  expect_said("my-notes\tc200");
  expect_run(0, "rename", "--to", "your-notes", "my-notes");
  expect_run(1, "sql", "--no-config", "my-notes", "SELECT * FROM note");
  expect_said("there is no database called my-notes");
  expect_run(0, "lock", "--no-config", "your-notes");
  expect_run(1, "delete", "--no-config", "your-notes", "--yes");
  expect_said("ocked");
  expect_run(0, "unlock", "--no-config", "your-notes");
  expect_run(0, "delete", "--no-config", "your-notes"); /* end of input is no */
  expect_said("Aborting");
  expect_run(0, "delete", "--no-config", "your-notes", "--yes");
  expect_said("Skipping confirmation due to --yes");
  expect_run(1, "call", "--no-config", "your-notes", "add_note", "x", "null");
}

TEST(calls_that_go_wrong_say_why) {
  start_server();
  expect_run(0, "publish", "n", "--no-config", "-p", module("notes", NOTES));
  expect_run(1, "call", "--no-config", "n", "add_note", "", "null");
  expect_text(lc_buf_cstr(&said), "Error: add_note: a note needs a text\n");
  expect_run(1, "call", "--no-config", "n", "addnote", "x");
  expect_said("No such reducer or procedure `addnote` for database `n` resolving to identity `c200");
  expect_said("\n\nA function with a similar name exists: `add_note`");
  expect_run(1, "call", "--no-config", "n", "something_else");
  expect_said("\n\nHere are its reducers:\n- add_note\n\nThe database has no procedures.");
  expect_run(1, "call", "--no-config", "n", "add_note", "x");
  expect_said("add_note takes 2 argument(s), 1 given: add_note(text: String, stars: Option<U8>)");
  expect_run(1, "call", "--no-config", "n", "add_note", "x", "300");
  expect_said("invalid arguments");
  expect_said("add_note(text: String, stars: Option<U8>), with arguments in JSON");
  expect_run(2, "publish", "Not A Name", "--no-config", "-b", "x");
}

TEST(describe_is_for_people_and_for_scripts) {
  start_server();
  expect_run(0, "publish", "n", "--no-config", "-p", module("notes", NOTES));
  expect_run(0, "describe", "--no-config", "n");
  expect_text(lc_buf_cstr(&said),
              "Tables\n  note (public)\n    Columns:\n      id     U32         primary key, auto-increment\n      text   String\n      "
              "stars  Option<U8>\n"
              "    Indexes:\n      note_id_idx_btree  btree (id)\n\nReducers\n  add_note(text: String, stars: Option<U8>)\n");
  expect_run(0, "describe", "--no-config", "n", "table", "note", "--json");
  expect_said("\"source_name\": \"note\"");
  expect_run(1, "describe", "--no-config", "n", "table", "nothing");
  expect_run(2, "describe", "--no-config", "n", "view", "x");
}

TEST(a_change_that_loses_data_needs_permission) {
  start_server();
  expect_run(0, "publish", "n", "--no-config", "-p", module("notes", NOTES));
  expect_run(0, "call", "--no-config", "n", "add_note", "kept", "null");
  const char *other = module("other", "#include <lightcone.h>\nLC_TABLE(note, Note, public, (auto_key, u32, id), (column, u64, text))\n");
  expect_run(1, "publish", "n", "--no-config", "-p", other);
  expect_said("cannot be migrated to this module automatically");
  expect_run(0, "sql", "--no-config", "n", "SELECT text FROM note");
  expect_said("\"kept\"");
  expect_run(1, "publish", "n", "--no-config", "-p", other, "--delete-data=on-conflict"); /* nobody says yes */
  expect_said("aborted; nothing was published");
  expect_run(0, "publish", "n", "--no-config", "-p", other, "--delete-data=on-conflict", "--yes=delete-data");
  expect_said("Updated database with name: n");
  expect_run(0, "sql", "--no-config", "n", "SELECT * FROM note");
  expect_said(" id | text \n");
}

TEST(module_that_does_not_build_or_run) {
  start_server();
  expect_run(1, "build", "-p", module("broken", "#include <lightcone.h>\nLC_TABLE(t, T, public, (key, f32, x))\n"));
  expect_said("column x of table t: a f32 cannot be an index key"); /* checked by the compiler */
  expect_said("its messages are above");
  expect_run(1, "build", "-p", root);
  expect_said("holds no module");
  expect_run(1, "publish", "n", "--no-config", "-b", "/dev/null");
  expect_run(0, "build", "-p", module("notes", NOTES));
  expect_said("/notes/target/module.wasm\n");
}

TEST(subscribe_prints_transactions) {
  start_server();
  expect_run(0, "publish", "n", "--no-config", "-p", module("notes", NOTES));
  expect_run(0, "call", "--no-config", "n", "add_note", "first", "[0,3]");
  expect_run(0, "subscribe", "--no-config", "n", "SELECT * FROM note", "--print-initial-update", "-t", "0.3");
  expect_said("{\"note\":{\"deletes\":[],\"inserts\":[{\"id\":1,\"text\":\"first\",\"stars\":{\"some\":3}}]}}\n");
  expect_run(1, "subscribe", "--no-config", "n", "SELECT * FROM note", "-n", "1", "-t", "0.3");
  expect_said("the time is over before 1 more transaction(s) came");
  expect_run(1, "subscribe", "--no-config", "n", "SELECT * FROM nowhere", "-t", "5");
  expect_said("Error: subscribing: ");
}

TEST(login_and_servers) {
  start_server();
  expect_run(0, "login", "show");
  expect_said("You are not logged in.");
  expect_run(0, "login", "--server-issued-login", "test");
  expect_said("Logged in with identity c200");
  expect_run(0, "login", "show", "--token");
  expect_said("You are logged in as c200");
  expect_run(0, "logout");
  expect_said("Logged out (identity c200");
  expect_run(0, "server", "list");
  expect_said("***\t127.0.0.1:");
  expect_run(0, "server", "ping", "test");
  expect_said("Server is online: http://127.0.0.1:");
  expect_run(1, "server", "ping", "http://127.0.0.1:1");
  expect_said("no server answers at http://127.0.0.1:1: Connection refused.");
  expect_said("`lightcone start` runs one");
  expect_run(1, "list", "--server", "nobody");
  expect_said("there is no server called nobody");
  expect_run(1, "list", "--server", "ftp://127.0.0.1");
  expect_said("is no address of a server");
  expect_run(2, "server", "add", "x", "--url", "http://");
}

static int run_as(const char *who, const char *command, const char *more, const char *database) {
  char directory[96];
  snprintf(directory, sizeof directory, "%s/%s", root, who);
  return RUN("--root-dir", directory, command, "--server", url, database, more);
}

TEST(a_stranger_is_told_whose_it_is) {
  start_server();
  expect_run(0, "publish", "n", "--no-config", "-p", module("notes", NOTES));
  expect(run_as("stranger", "logs", "--no-config", "n") == 1);
  expect_said("is not authorized to perform action");
  expect_said("Only the owner may do that.");
  expect(run_as("stranger", "rename", "--to=other", "n") == 1); /* not: your token is bad */
  expect_said("renaming: the database n at ");
  expect_said("belongs to somebody else");
  expect_run(1, "rename", "nothing", "--to", "x");
  expect_said("there is no database called nothing");
  expect_run(1, "rename", "n", "--to", "a \"quoted\" name");
  expect_run(0, "lock", "--no-config", "n");
  expect_run(1, "delete", "--no-config", "n", "--yes");
  expect_said("Run `lightcone unlock` first");
}

TEST(an_identity_is_not_lost_by_a_slip) {
  start_server();
  expect_run(0, "login", "--server-issued-login", "test");
  expect_run(0, "login", "show");
  char before[128];
  snprintf(before, sizeof before, "%s", lc_buf_cstr(&said));
  expect_run(2, "login", "sho");
  expect_run(0, "login", "show");
  expect_text(lc_buf_cstr(&said), before);
  expect_run(0, "login", "--server-issued-login", "test");
  expect_said("which was saved before, is forgotten.");
}

TEST(what_was_not_printed_is_a_failure) {
  start_server();
  fflush(NULL);
  pid_t child = fork();
  int status, full = open("/dev/full", O_WRONLY);
  if (child == 0) in_child(full, (const char *const[]){"server", "list", NULL});
  close(full);
  expect(waitpid(child, &status, 0) == child);
  expect(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

TEST(usage) {
  snprintf(root, sizeof root, "/tmp/lightcone-cli-usage");
  expect_run(2, "frobnicate");
  expect_said("there is no command called frobnicate");
  expect_run(2, "publsh");
  expect_said("Did you mean publish?");
  expect_run(2, "--nope");
  expect_said("unknown option --nope");
  expect_run(2, "list", "surplus");
  expect_said("one argument too many: surplus");
  expect_run(2, "logs", "n", "--num-lines", "many");
  expect_said("a whole number is expected");
  expect_run(2, "subscribe", "n", "q", "--timeout", "-1");
  expect_run(2, "sql", "n", "q", "--format", "yaml");
  expect_said("expected is text|json");
  expect_run(1, "publish", "n", "--no-config", "--server", "http://127.0.0.1:1");
  expect_run(2, "call");
  expect_said("Usage: lightcone call DATABASE FUNCTION");
  expect_run(2, "publish", "--nope");
  expect_run(0, "help", "publish");
  expect_said("--bin-path WASM");
  expect_run(0, "publish", "--help");
  expect_said("--delete-data[=always|on-conflict|never]");
  expect_run(0, "--version");
  expect_said("lightcone " LC_VERSION);
  stop_server();
}
