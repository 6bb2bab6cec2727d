#pragma once
/*
 * spacetime.json: which databases a project has and how they are published. JSON5: comments, trailing commas, unquoted keys and single
 * quotes are understood. Layers, later wins: spacetime.json, spacetime.local.json, spacetime.<env>.json, spacetime.<env>.local.json;
 * a layer replaces whole top-level keys, `children` are merged by position. The file is looked for upwards from a directory.
 *
 * Children inherit what they do not set, except `generate`, and except the other module sources when they name one themselves.
 */
#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/vec.h"

typedef struct lc_target {
  const char *database, *server;                       /* NULL: not set */
  const char *module_path, *wasm_file, *build_options; /* module_path is relative to the project's directory */
  bool break_clients, anonymous;
  json_t *generate; /* borrowed array or NULL */
} lc_target;

typedef struct lc_project {
  const char *directory; /* NULL: there is no project */
  json_t *root;
  LC_VEC(lc_target) targets;
} lc_project;

/* No project is no error. Errors: LC_ERR_JSON with file and place; LC_ERR_INVALID for an unknown key. */
lc_err lc_project_load(lc_project *project, lc_arena *arena, const char *from_directory, const char *env);
void lc_project_deinit(lc_project *project);
const lc_target *lc_project_target(const lc_project *project, const char *database);
/* Rewrites JSON5 text as JSON. */
void lc_json5_to_json(lc_str text, lc_buf *to);
