/*
 * Editions of tests/engine/bank.c as wasm: compiled into a temporary directory, read, and kept in memory. The same directory holds the
 * machine code made of them, so that a run does not spend its time compiling: it opens a database again and again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sim/database_world.h"

static char directory[] = "/tmp/lc-sim-XXXXXX";

static void remove_directory(void) {
  char command[64];
  snprintf(command, sizeof command, "rm -rf %s", directory);
  if (system(command) != 0) fprintf(stderr, "%s failed\n", command);
}

const char *program_directory(void) {
  static bool is_made;
  if (is_made) return directory;
  if (mkdtemp(directory) == NULL) abort();
  is_made = true;
  atexit(remove_directory);
  return directory;
}

static void read_file(const char *path, lc_buf *to) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) abort();
  for (size_t got = 1; got > 0;) {
    got = fread(lc_buf_extend(to, 4096), 1, 4096, file);
    to->len -= 4096 - got;
  }
  fclose(file);
}

lc_span program(int edition) {
  static lc_buf programs[EDITIONS];
  lc_buf *bytes = &programs[edition];
  if (bytes->len) return lc_buf_span(bytes);
  char path[64], command[1024];
  snprintf(path, sizeof path, "%s/bank%d.wasm", program_directory(), edition);
  snprintf(command, sizeof command,
           "clang-22 --target=wasm32-unknown-unknown -nostdlib -fno-builtin -O2 -DEDITION=%d -Wl,--no-entry,--strip-all -o %s "
           "%s/tests/engine/bank.c",
           edition, path, LC_SOURCE_DIR);
  if (system(command) != 0) {
    fprintf(stderr, "the test module does not compile: %s\n", command);
    exit(1);
  }
  read_file(path, bytes);
  return lc_buf_span(bytes);
}
