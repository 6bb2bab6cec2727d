#include "cli/build_module.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/vec.h"
#include "cli/cli.h"
#include "cli/process.h"

#define WASM_TARGET "wasm32-unknown-unknown"

typedef LC_VEC(const char *) argument_list;

static bool exists(const char *format, const char *a, const char *b) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, format, a, b);
  return access(path, R_OK) == 0;
}

/* ---- finding sources ---- */

static bool has_suffix(const char *name, const char *suffix) {
  size_t len = strlen(name), suffix_len = strlen(suffix);
  return len > suffix_len && strcmp(name + len - suffix_len, suffix) == 0;
}

static int compare_strings(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Paths of the .c files, in `directory` and its `src`. */
static void find_c_files(lc_arena *arena, const char *directory, argument_list *files) {
  static const char *const places[] = {".", "src"};
  for (size_t p = 0; p < 2; p++) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", directory, places[p]);
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
      if (has_suffix(entry->d_name, ".c")) {
        const char *file = lc_arena_printf(arena, p == 0 ? "%s/%s" : "%s/src/%s", directory, entry->d_name).ptr;
        lc_vec_push(files, file);
      }
    if (dir) closedir(dir);
  }
  if (files->count) qsort(files->items, files->count, sizeof *files->items, compare_strings);
}

bool lc_build_is_module(const char *directory) {
  if (exists("%s/%s", directory, "Cargo.toml")) return true;
  lc_arena arena = {0};
  argument_list files = {0};
  find_c_files(&arena, directory, &files);
  bool is_module = files.count > 0;
  lc_vec_deinit(&files);
  lc_arena_deinit(&arena);
  return is_module;
}

/* ---- Rust ---- */

/* The directory that `rustc --print sysroot` names; false when it cannot be asked. */
static bool sysroot_of(const char *rustc, char *path, size_t capacity) {
  const char *argv[] = {rustc, "--print", "sysroot", NULL};
  lc_buf output = {0};
  int status = 1;
  lc_err err = lc_process_run(argv, NULL, NULL, &output, &status);
  while (output.len && output.data[output.len - 1] == '\n') output.len--;
  snprintf(path, capacity, "%.*s", LC_STR_ARGS(lc_buf_str(&output)));
  lc_buf_deinit(&output);
  return !lc_failed(err) && status == 0;
}

static bool newest_wasm_ld(char *path, size_t capacity) {
  for (int version = 30; version >= 14; version--) {
    char name[32];
    snprintf(name, sizeof name, "wasm-ld-%d", version);
    if (lc_process_find(name, path, capacity)) return true;
  }
  return lc_process_find("wasm-ld", path, capacity);
}

/* Fills in how cargo is called, and the environment that it needs. */
static lc_err choose_cargo(argument_list *argv, const char **note) {
  static char linker[PATH_MAX];
  char rustc[PATH_MAX], cargo[PATH_MAX], sysroot[PATH_MAX - 64];
  *note = "";
  if (lc_process_find("rustc", rustc, sizeof rustc) && lc_process_find("cargo", cargo, sizeof cargo) &&
      sysroot_of(rustc, sysroot, sizeof sysroot) && exists("%s/lib/rustlib/%s/lib", sysroot, WASM_TARGET)) {
    lc_vec_push(argv, "cargo");
    lc_vec_push(argv, "build");
    return lc_ok();
  }
  if (access("/usr/bin/rustc", X_OK) == 0 && access("/usr/bin/cargo", X_OK) == 0 && sysroot_of("/usr/bin/rustc", sysroot, sizeof sysroot) &&
      exists("%s/lib/rustlib/src/rust/library/%s", sysroot, "Cargo.lock") && newest_wasm_ld(linker, sizeof linker)) {
    setenv("RUSTC", "/usr/bin/rustc", 1);
    setenv("RUSTC_BOOTSTRAP", "1", 1);
    setenv("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker, 1);
    *note = " (the first time also the standard library: several minutes)";
    lc_vec_push(argv, "/usr/bin/cargo");
    lc_vec_push(argv, "build");
    lc_vec_push(argv, "-Zbuild-std=std,panic_abort");
    return lc_ok();
  }
  return lc_fail(LC_ERR_BUILD, "no Rust toolchain here can build for " WASM_TARGET ". Either `rustup target add " WASM_TARGET
                               "`, or on Debian `apt-get install rustc-web cargo-web rust-web-src lld-22`.");
}

/* cargo's messages, one JSON object per line: the first file of the last artifact is the module. */
static const char *last_artifact(lc_arena *arena, lc_str output) {
  const char *artifact = NULL;
  while (output.len) {
    const char *end = memchr(output.ptr, '\n', output.len);
    size_t len = end ? (size_t)(end - output.ptr) : output.len;
    json_t *message = json_loadb(output.ptr, len, 0, NULL);
    const char *reason = json_string_value(json_object_get(message, "reason"));
    const char *file = json_string_value(json_array_get(json_object_get(message, "filenames"), 0));
    if (reason && file && strcmp(reason, "compiler-artifact") == 0) artifact = lc_arena_str(arena, lc_str_of(file)).ptr;
    json_decref(message);
    output.ptr += len + (end != NULL);
    output.len -= len + (end != NULL);
  }
  return artifact;
}

/* Modules have no standard output: printing is a mistake that would go unnoticed. */
static uint32_t lint_file(const char *path) {
  static const char *const banned[] = {"println!", "print!", "eprintln!", "eprint!", "dbg!"};
  lc_buf text = {0};
  uint32_t hits = 0, line_number = 0;
  lc_err err = lc_cli_read_file(path, &text);
  char *rest = (char *)(lc_failed(err) ? "" : lc_buf_cstr(&text));
  for (char *line; (line = strsep(&rest, "\n"));) {
    line_number++;
    for (size_t i = 0; i < sizeof banned / sizeof *banned; i++) {
      if (!strstr(line, banned[i])) continue;
      lc_cli_say("%s:%u: %s", path, line_number, banned[i]);
      hits++;
      break;
    }
    if (!rest) break;
  }
  lc_buf_deinit(&text);
  return hits;
}

static uint32_t lint_directory(const char *directory) {
  DIR *dir = opendir(directory);
  uint32_t hits = 0;
  for (struct dirent *entry; dir && (entry = readdir(dir));) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
    if (entry->d_name[0] == '.') continue;
    struct stat info;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
      hits += lint_directory(path);
    else if (has_suffix(entry->d_name, ".rs"))
      hits += lint_file(path);
  }
  if (dir) closedir(dir);
  return hits;
}

static lc_err build_rust(lc_arena *arena, const char *directory, const lc_build_options *options, const char **wasm_path) {
  const char *lint = options->lint_directory ? options->lint_directory : "src";
  if (lint[0]) {
    uint32_t hits = lint_directory(lc_arena_printf(arena, "%s/%s", directory, lint).ptr);
    if (hits)
      return lc_fail(LC_ERR_BUILD,
                     "%u line(s) of %s print to the standard output, which modules do not have: use log::info! instead (or --lint-dir=)",
                     hits, directory);
  }
  argument_list argv = {0};
  const char *note;
  LC_TRY(choose_cargo(&argv, &note));
  setenv("CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS", "fallback", 0); /* the newest crates that this compiler can build */
  lc_vec_push(&argv, "--config=net.git-fetch-with-cli=true");
  lc_vec_push(&argv, "--target=" WASM_TARGET);
  lc_vec_push(&argv, "--message-format=json-render-diagnostics");
  if (!options->debug) lc_vec_push(&argv, "--release");
  if (options->features) {
    const char *features = lc_arena_printf(arena, "--features=%s", options->features).ptr;
    lc_vec_push(&argv, features);
  }
  lc_vec_push(&argv, (const char *)NULL);
  lc_buf output = {0};
  int status = 0;
  const char *doing = lc_arena_printf(arena, "Building the Rust module %s%s …", directory, note).ptr;
  lc_err err =
      lc_process_run(argv.items, directory, lc_cli_is_terminal(2) ? NULL : doing, &output, &status); /* cargo shows its own progress */
  if (!lc_failed(err) && status != 0)
    err = lc_fail(LC_ERR_BUILD, "building %s: cargo ended with code %d; its messages are above", directory, status);
  *wasm_path = lc_failed(err) ? NULL : last_artifact(arena, lc_buf_str(&output));
  if (!lc_failed(err) && (!*wasm_path || !has_suffix(*wasm_path, ".wasm")))
    err = lc_fail(LC_ERR_BUILD, "building %s: cargo made no .wasm file. Does Cargo.toml say `[lib] crate-type = [\"cdylib\"]`?", directory);
  lc_buf_deinit(&output);
  lc_vec_deinit(&argv);
  return err;
}

/* ---- C ---- */

/* The newest clang that can compile for WebAssembly. */
static bool find_clang(char *path, size_t capacity) {
  for (int version = 30; version >= 13; version--) {
    char name[32];
    snprintf(name, sizeof name, version == 13 ? "clang" : "clang-%d", version);
    if (!lc_process_find(name, path, capacity)) continue;
    const char *argv[] = {path, "--print-targets", NULL};
    lc_buf output = {0};
    int status = 1;
    lc_err err = lc_process_run(argv, NULL, NULL, &output, &status);
    bool wasm = !lc_failed(err) && status == 0 && strstr(lc_buf_cstr(&output), "wasm32");
    lc_buf_deinit(&output);
    if (wasm) return true;
  }
  return false;
}

/* Where lightcone.h lies: $LIGHTCONE_SDK, or in a directory above the program, be that a checkout or an installation. */
static bool find_sdk(lc_arena *arena, const char **sdk) {
  char directory[PATH_MAX - 64];
  *sdk = getenv("LIGHTCONE_SDK");
  if (*sdk && exists("%s/%s", *sdk, "lightcone.h")) return true;
  ssize_t len = readlink("/proc/self/exe", directory, sizeof directory - 1);
  directory[len > 0 ? len : 0] = 0;
  for (char *slash; (slash = strrchr(directory, '/'));) {
    static const char *const places[] = {"sdk/module-c", "share/lightcone/module-c"};
    *slash = 0;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
      *sdk = lc_arena_printf(arena, "%s/%s", directory, places[i]).ptr;
      if (exists("%s/%s", *sdk, "lightcone.h")) return true;
    }
  }
  return false;
}

static lc_err build_c(lc_arena *arena, const char *directory, const lc_build_options *options, argument_list *files,
                      const char **wasm_path) {
  char clang[PATH_MAX], linker[PATH_MAX];
  const char *sdk;
  if (!find_clang(clang, sizeof clang) || !newest_wasm_ld(linker, sizeof linker))
    return lc_fail(
        LC_ERR_BUILD,
        "building %s needs clang with WebAssembly support and wasm-ld: `apt-get install clang-22 lld-22` (any version from 16 will do)",
        directory);
  if (!find_sdk(arena, &sdk))
    return lc_fail(
        LC_ERR_BUILD,
        "building %s needs the C SDK, and lightcone.h is not beside this program: set LIGHTCONE_SDK to the directory sdk/module-c",
        directory);
  const char *output_directory = lc_arena_printf(arena, "%s/target", directory).ptr;
  LC_TRY(lc_cli_make_directory(output_directory));
  *wasm_path = lc_arena_printf(arena, "%s/module.wasm", output_directory).ptr;
  const char *const fixed[] = {clang,
                               "--target=" WASM_TARGET,
                               "-std=gnu2x",
                               options->debug ? "-O0" : "-O2",
                               "-g0",
                               "-ffreestanding",
                               "-nostdlib",
                               "-Wall",
                               "-Wextra",
                               "-Wno-unused-parameter",
                               "-Wl,--no-entry",
                               "-o",
                               *wasm_path,
                               "-I",
                               sdk};
  argument_list argv = {0};
  for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) lc_vec_push(&argv, fixed[i]);
  const char *use_linker = lc_arena_printf(arena, "-fuse-ld=%s", linker).ptr, *runtime = lc_arena_printf(arena, "%s/lightcone.c", sdk).ptr;
  lc_vec_push(&argv, use_linker);
  for (size_t i = 0; i < files->count; i++) lc_vec_push(&argv, files->items[i]);
  lc_vec_push(&argv, runtime);
  lc_vec_push(&argv, (const char *)NULL);
  lc_buf output = {0};
  int status = 0;
  lc_err err = lc_process_run(argv.items, NULL, lc_arena_printf(arena, "Building the C module %s …", directory).ptr, &output, &status);
  if (!lc_failed(err) && status != 0)
    err = lc_fail(LC_ERR_BUILD, "building %s: clang ended with code %d; its messages are above", directory, status);
  lc_buf_deinit(&output);
  lc_vec_deinit(&argv);
  return err;
}

/* ---- both ---- */

/* A few per cent faster modules, when the tool is there. */
static void optimise(lc_arena *arena, const char **wasm_path) {
  char tool[PATH_MAX];
  if (!lc_process_find("wasm-opt", tool, sizeof tool)) return;
  size_t len = strlen(*wasm_path) - strlen(".wasm");
  const char *optimised = lc_arena_printf(arena, "%.*s.opt.wasm", (int)len, *wasm_path).ptr;
  const char *argv[] = {tool, "-all", "-g", "-O2", *wasm_path, "-o", optimised, NULL};
  lc_buf output = {0};
  int status = 1;
  lc_err err = lc_process_run(argv, NULL, "Optimising with wasm-opt …", &output, &status);
  if (!lc_failed(err) && status == 0)
    *wasm_path = optimised;
  else
    lc_cli_say("wasm-opt failed; the module stays as the compiler made it.");
  lc_buf_deinit(&output);
}

lc_err lc_build_module(lc_arena *arena, const char *directory, const lc_build_options *options, const char **wasm_path) {
  argument_list files = {0};
  lc_err err;
  if (access(directory, R_OK | X_OK) != 0) return lc_fail(LC_ERR_BUILD, "the module directory %s: %s", directory, strerror(errno));
  if (exists("%s/%s", directory, "Cargo.toml")) {
    err = build_rust(arena, directory, options, wasm_path);
  } else {
    find_c_files(arena, directory, &files);
    if (files.count && options->features)
      err = lc_fail(LC_ERR_USAGE, "--features is for Rust modules; %s is a C module", directory);
    else if (files.count)
      err = build_c(arena, directory, options, &files, wasm_path);
    else
      err = lc_fail(
          LC_ERR_BUILD,
          "%s holds no module: neither a Cargo.toml nor .c files. --module-path names another directory, --bin-path a compiled module.",
          directory);
  }
  lc_vec_deinit(&files);
  if (!lc_failed(err) && !options->debug) optimise(arena, wasm_path);
  return err;
}
