/* W3: compiled code from disk is used when it is whole, and never trusted when it is not. */
#include <dirent.h>
#include <sys/stat.h>

#include "base/logging.h"
#include "host_fixture.h"

static char directory[64];

static void host_with_cache(void) {
  lc_log_set_level(LC_LOG_ERROR);
  snprintf(directory, sizeof directory, "%s", "/tmp/lc-cache-XXXXXX");
  expect(mkdtemp(directory) != NULL);
  expect_ok(lc_host_init(&(lc_host_options){.cache_directory = directory}));
}

/* The path of the only cache file; false when there is none. */
static bool cache_file(char path[400]) {
  DIR *dir = opendir(directory);
  expect(dir != NULL);
  bool found = false;
  for (struct dirent *entry; (entry = readdir(dir));) {
    if (entry->d_name[0] == '.') continue;
    expect(!found);
    found = true;
    snprintf(path, 400, "%s/%s", directory, entry->d_name);
  }
  closedir(dir);
  return found;
}

static void host_close(void) {
  char path[400];
  if (cache_file(path)) unlink(path);
  rmdir(directory);
  lc_host_deinit();
}

static lc_buf read_file(const char *path) {
  lc_buf bytes = {0};
  FILE *file = fopen(path, "rb");
  expect(file != NULL);
  struct stat info;
  expect_equal(fstat(fileno(file), &info), 0);
  expect_equal(fread(lc_buf_extend(&bytes, (size_t)info.st_size), 1, (size_t)info.st_size, file), info.st_size);
  fclose(file);
  return bytes;
}

static void write_file(const char *path, const void *bytes, size_t len) {
  FILE *file = fopen(path, "wb");
  expect(file != NULL);
  expect_equal(fwrite(bytes, 1, len, file), len);
  expect_equal(fclose(file), 0);
}

/* The module returns 1 with no text: an error of the user's, seen from here. */
static void compile_and_run(void) {
  lc_program *program;
  expect_ok(compile_wat(WAT_MODULE("", "(i32.const 1)"), &program));
  fixture fx;
  fixture_init(&fx);
  lc_instance *instance;
  expect_ok(lc_instance_create(program, &fx.services, NULL, &instance));
  expect_error(call_reducer(&fx, instance, (lc_span){0}, NULL), LC_ERR_USER);
  lc_instance_destroy(instance);
  lc_program_unref(program);
  fixture_deinit(&fx);
}

TEST(compiled_code_is_kept_and_used_again) {
  host_with_cache();
  compile_and_run();
  char path[400];
  expect(cache_file(path));
  struct stat before, after;
  expect_equal(stat(path, &before), 0);
  expect_equal(before.st_mode & 0777, 0600);
  compile_and_run();
  expect_equal(stat(path, &after), 0);
  expect_equal(before.st_ino, after.st_ino); /* not written again: it was good */
  host_close();
}

TEST(a_damaged_file_is_replaced_and_never_loaded) {
  host_with_cache();
  compile_and_run();
  char path[400];
  expect(cache_file(path));
  lc_buf good = read_file(path);
  /* Every kind of damage, at places all over the file: a flipped bit, a cut, nothing at all, other bytes. */
  for (size_t at = 0; at < good.len; at += good.len / 23 + 1) {
    good.data[at] ^= 0x10;
    write_file(path, good.data, good.len);
    good.data[at] ^= 0x10;
    compile_and_run();
    write_file(path, good.data, at);
    compile_and_run();
    lc_buf now = read_file(path);
    expect_bytes(now.data, now.len, good.data, good.len);
    lc_buf_deinit(&now);
  }
  lc_buf_deinit(&good);
  host_close();
}

/* Code of another module under this one's name is whole, but Wasmtime alone could not tell: the name is the module's hash. */
TEST(each_module_has_its_own_file) {
  host_with_cache();
  compile_and_run();
  lc_program *program;
  char path[400];
  expect(cache_file(path));
  expect_ok(compile_wat(WAT_MODULE("", "(i32.const 0)"), &program));
  lc_program_unref(program);
  unlink(path);
  char other[400];
  expect(cache_file(other));
  expect(strcmp(path, other) != 0);
  host_close();
}
