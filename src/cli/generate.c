/* `lightcone generate`: client bindings, written where only what changed is touched. */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/build_module.h"
#include "cli/definition.h"
#include "cli/project.h"
#include "codegen/codegen.h"

const lc_option lc_options_generate[] = {
    {"lang", NULL, 'l', LC_OPTION_VALUE, "LANGUAGE", "typescript (default: found from the client's files)"},
    {"out-dir", NULL, 'o', LC_OPTION_VALUE, "DIR", "where to write (default src/module_bindings)"},
    {"module-path", NULL, 'p', LC_OPTION_VALUE, "DIR", "the module's directory (default ./spacetimedb)"},
    {"bin-path", NULL, 'b', LC_OPTION_VALUE, "WASM", "a compiled module"},
    {"database", NULL, 0, LC_OPTION_VALUE, "NAME", "take the schema of this database from the server"},
    {"include-private", NULL, 0, LC_OPTION_FLAG, NULL, "also private tables and functions"},
    {"build-options", "build-opts", 0, LC_OPTION_VALUE, "TEXT", NULL},
    {"env", NULL, 0, LC_OPTION_VALUE, "ENV", "also read spacetime.ENV.json"},
    LC_OPTION_SERVER,
    LC_OPTION_YES,
    LC_OPTION_NO_CONFIG,
    LC_OPTION_END,
};

typedef struct generation {
  const char *language, *out_directory, *module_path, *wasm_file;
  bool include_private;
} generation;

static lc_err choose_language(generation *what, const char *directory) {
  char path[PATH_MAX];
  if (!what->language) {
    snprintf(path, sizeof path, "%s/package.json", directory);
    if (access(path, F_OK) != 0)
      return lc_fail(LC_ERR_USAGE, "which language? --lang typescript (there is no package.json in %s to tell)", directory);
    lc_cli_say("Language: typescript (because of package.json)");
    return lc_ok();
  }
  if (strcmp(what->language, "typescript") == 0 || strcmp(what->language, "ts") == 0) return lc_ok();
  return lc_fail(LC_ERR_NOT_SUPPORTED, "bindings for %s are not generated yet: typescript is", what->language);
}

static lc_err load_definition(lc_cli *cli, const lc_args *args, const generation *what, lc_module_def **def) {
  const char *database = lc_args_value(args, "database"), *wasm_path = what->wasm_file;
  if (database) {
    lc_remote remote = {0};
    const char *identity;
    LC_TRY(lc_remote_server(cli, args, NULL, &remote));
    LC_TRY(lc_remote_database(cli, &remote, database, &identity));
    return lc_definition_from_server(cli, &remote, identity, def);
  }
  if (!wasm_path) {
    lc_build_options options = {0};
    LC_TRY(lc_build_module(&cli->arena, what->module_path, &options, &wasm_path));
  }
  lc_buf wasm = {0};
  lc_err err = lc_cli_read_file(wasm_path, &wasm);
  if (!lc_failed(err)) err = lc_err_context(lc_definition_from_wasm(lc_buf_span(&wasm), def), "reading the module %s", wasm_path);
  lc_buf_deinit(&wasm);
  return err;
}

static lc_err write_file(lc_cli *cli, const char *directory, const lc_codegen_file *file) {
  lc_buf old = {0};
  const char *path = lc_arena_printf(&cli->arena, "%s/%.*s", directory, LC_STR_ARGS(file->path)).ptr;
  lc_str parent = lc_arena_str(&cli->arena, lc_str_of(path));
  *strrchr((char *)parent.ptr, '/') = 0;
  LC_TRY(lc_cli_make_directory(parent.ptr));
  lc_err err = lc_cli_read_file(path, &old);
  bool same = !lc_failed(err) && lc_span_equal(lc_buf_span(&old), lc_buf_span(&file->text));
  lc_buf_deinit(&old);
  if (same) return lc_ok();
  lc_cli_say("Writing file %s", path);
  return lc_cli_write_file(path, lc_buf_span(&file->text), 0666);
}

/* Files of earlier runs, found by the marker, that this run did not write. */
static void find_stale(lc_cli *cli, const char *directory, const char *prefix, const lc_codegen_output *output, lc_buf *list) {
  DIR *dir = opendir(directory);
  for (struct dirent *entry; dir && (entry = readdir(dir));) {
    char path[PATH_MAX], start[sizeof LC_CODEGEN_MARKER] = "";
    if (entry->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
    const char *relative = lc_arena_printf(&cli->arena, "%s%s", prefix, entry->d_name).ptr;
    struct stat info;
    if (stat(path, &info) != 0) continue;
    if (S_ISDIR(info.st_mode)) {
      find_stale(cli, path, lc_arena_printf(&cli->arena, "%s/", relative).ptr, output, list);
      continue;
    }
    bool written = false;
    for (size_t i = 0; i < output->files.count; i++) written |= lc_str_is(output->files.items[i].path, relative);
    FILE *file = written ? NULL : fopen(path, "r");
    if (!file) continue;
    size_t got = fread(start, 1, sizeof start - 1, file);
    fclose(file);
    if (got == sizeof start - 1 && strcmp(start, LC_CODEGEN_MARKER) == 0) lc_buf_append(list, path, strlen(path) + 1);
  }
  if (dir) closedir(dir);
}

static void delete_stale(lc_cli *cli, const char *directory, const lc_codegen_output *output, bool yes) {
  lc_buf list = {0};
  find_stale(cli, directory, "", output, &list);
  for (size_t at = 0; at < list.len; at += strlen((char *)list.data + at) + 1) lc_cli_say("No longer needed: %s", (char *)list.data + at);
  if (list.len && lc_cli_ask("Delete these files of an earlier run?", yes))
    for (size_t at = 0; at < list.len; at += strlen((char *)list.data + at) + 1) unlink((char *)list.data + at);
  lc_buf_deinit(&list);
}

static lc_err generate(lc_cli *cli, const lc_args *args, const generation *what) {
  lc_module_def *def = NULL;
  lc_codegen_output output = {0};
  lc_codegen_options options = {.include_private = what->include_private};
  LC_TRY(load_definition(cli, args, what, &def));
  lc_codegen_typescript(def, &options, &output);
  lc_err err = lc_cli_make_directory(what->out_directory);
  for (uint32_t i = 0; i < def->table_count && !options.include_private; i++)
    if (!def->tables[i].is_public)
      lc_cli_say("Skipping private table %.*s (--include-private takes it in)", LC_STR_ARGS(def->tables[i].name));
  for (size_t i = 0; i < output.files.count && !lc_failed(err); i++) err = write_file(cli, what->out_directory, &output.files.items[i]);
  if (!lc_failed(err)) {
    delete_stale(cli, what->out_directory, &output, lc_args_has(args, "yes"));
    lc_cli_say("Generated %zu files in %s", output.files.count, what->out_directory);
  }
  lc_codegen_output_deinit(&output);
  lc_module_def_destroy(def);
  return err;
}

static const char *under(lc_cli *cli, const char *directory, const char *path) {
  return path[0] == '/' ? path : lc_arena_printf(&cli->arena, "%s/%s", directory, path).ptr;
}

static const char *entry_string(json_t *entry, const char *key) {
  return json_string_value(json_object_get(entry, key));
}

/* The `generate` entries of spacetime.json; the command line beats them. */
static lc_err generate_entries(lc_cli *cli, const lc_args *args, const lc_project *project, bool *any) {
  const char *wanted = lc_args_positional(args, 0);
  for (size_t i = 0; i < project->targets.count; i++) {
    const lc_target *target = &project->targets.items[i];
    size_t index;
    json_t *entry;
    if (wanted && (!target->database || strcmp(wanted, target->database) != 0)) continue;
    json_array_foreach(target->generate, index, entry) {
      const char *module = entry_string(entry, "module-path"), *out = entry_string(entry, "out-dir");
      if (!module) module = target->module_path ? target->module_path : "spacetimedb";
      generation what = {
          .language = entry_string(entry, "language"),
          .wasm_file = entry_string(entry, "wasm-file"),
          .module_path = under(cli, project->directory, module),
          .out_directory = under(cli, project->directory, out ? out : "src/module_bindings"),
          .include_private = json_is_true(json_object_get(entry, "include-private")) || lc_args_has(args, "include-private")};
      if (lc_args_value(args, "lang")) what.language = lc_args_value(args, "lang");
      if (lc_args_value(args, "out-dir")) what.out_directory = lc_args_value(args, "out-dir");
      if (lc_args_value(args, "module-path")) what.module_path = lc_args_value(args, "module-path");
      if (lc_args_value(args, "bin-path")) what.wasm_file = lc_args_value(args, "bin-path");
      *any = true;
      LC_TRY(choose_language(&what, project->directory));
      LC_TRY(generate(cli, args, &what));
    }
  }
  return lc_ok();
}

lc_err lc_command_generate(lc_cli *cli, const lc_args *args) {
  lc_project project = {0};
  bool any = false;
  lc_err err = lc_args_has(args, "no-config") ? lc_ok() : lc_project_load(&project, &cli->arena, ".", lc_args_value(args, "env"));
  if (!lc_failed(err) && project.root) err = generate_entries(cli, args, &project, &any);
  if (!lc_failed(err) && !any) {
    const char *base = project.directory ? project.directory : ".";
    generation what = {.language = lc_args_value(args, "lang"),
                       .out_directory = lc_args_value(args, "out-dir"),
                       .module_path = lc_args_value(args, "module-path"),
                       .wasm_file = lc_args_value(args, "bin-path"),
                       .include_private = lc_args_has(args, "include-private")};
    if (!what.out_directory) what.out_directory = under(cli, base, "src/module_bindings");
    if (!what.module_path) what.module_path = under(cli, base, "spacetimedb");
    err = choose_language(&what, base);
    if (!lc_failed(err)) err = generate(cli, args, &what);
  }
  lc_project_deinit(&project);
  return err;
}
