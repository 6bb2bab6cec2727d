#pragma once
/*
 * config.toml: the subset of TOML that it needs (sections, `key = value` with strings, integers, numbers, booleans and lists of strings,
 * comments). What is written wrongly is an error with its line; what is unknown is a warning, so that a file of the reference works.
 */
#include "base/bytes.h"
#include "base/error.h"

typedef struct lc_server_settings {
  char private_key_path[1024], public_key_path[1024];           /* empty: not given */
  uint32_t ping_interval_ms, idle_timeout_ms, close_timeout_ms; /* 0: the default */
  uint32_t log_level;                                           /* lc_log_level */
} lc_server_settings;

void lc_server_settings_init(lc_server_settings *config);
/* Errors: LC_ERR_INVALID with the line and what is wrong with it. */
lc_err lc_server_settings_parse(lc_server_settings *config, lc_str text);
