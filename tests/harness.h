#pragma once
/*
 * The test harness: TEST(name) { ... } registers a test; main runs each in a process of its own, so that a crash or a leak of state
 * fails one test only. Arguments choose tests by substring; --list lists; LC_TEST_NO_FORK=1 runs in one process, for a debugger.
 * One file per program: include this once.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"

typedef struct lc_test {
  const char *name;
  void (*run)(void);
  struct lc_test *next;
} lc_test;

static lc_test *lc_tests, **lc_tests_end = &lc_tests;
static const char *lc_test_now = "?";

#define TEST(test_name)                                                             \
  static void test_name(void);                                                      \
  __attribute__((constructor)) static void test_name##_register(void) {             \
    static lc_test self = {#test_name, test_name, NULL};                            \
    *lc_tests_end = &self;                                                          \
    lc_tests_end = &self.next;                                                      \
  }                                                                                 \
  static void test_name(void)

#define lc_test_fail(...)                                                           \
  do {                                                                              \
    fprintf(stderr, "FAIL %s (%s:%d): ", lc_test_now, __FILE__, __LINE__);          \
    fprintf(stderr, __VA_ARGS__);                                                   \
    fputc('\n', stderr);                                                            \
    fflush(NULL);                                                                   \
    abort();                                                                        \
  } while (0)

#define expect(condition) do { if (!(condition)) lc_test_fail("expected %s", #condition); } while (0)
#define expect_equal(actual, expected)                                                                                  \
  do {                                                                                                                  \
    long long lc_a_ = (long long)(actual), lc_e_ = (long long)(expected);                                               \
    if (lc_a_ != lc_e_) lc_test_fail("%s is %lld, expected %lld", #actual, lc_a_, lc_e_);                               \
  } while (0)
#define expect_text(actual, expected)                                                                                   \
  do {                                                                                                                  \
    const char *lc_a_ = (actual), *lc_e_ = (expected);                                                                  \
    if (lc_a_ == NULL || strcmp(lc_a_, lc_e_) != 0) lc_test_fail("%s is\n  %s\nexpected\n  %s", #actual, lc_a_, lc_e_); \
  } while (0)
#define expect_null(pointer) do { if ((pointer) != NULL) lc_test_fail("%s is not NULL", #pointer); } while (0)
#define expect_ok(result) do { lc_err lc_r_ = (result); if (lc_failed(lc_r_)) lc_test_fail("%s: %s", #result, lc_err_text(lc_r_)); } while (0)
#define expect_failure(result) do { lc_err lc_r_ = (result); if (!lc_failed(lc_r_)) lc_test_fail("%s did not fail", #result); } while (0)
#define expect_error(result, expected_code)                                                                             \
  do {                                                                                                                  \
    lc_err lc_r_ = (result);                                                                                            \
    if (lc_r_.code != (expected_code))                                                                                  \
      lc_test_fail("%s gave %s (%s), expected %s", #result, lc_err_name(lc_r_.code), lc_err_text(lc_r_), #expected_code); \
  } while (0)
#define expect_bytes(actual, actual_len, expected, expected_len) lc_expect_bytes(__FILE__, __LINE__, actual, actual_len, expected, expected_len)

__attribute__((unused)) static void lc_expect_bytes(const char *file, int line, const void *actual, size_t actual_len, const void *expected, size_t expected_len) {
  if (actual_len == expected_len && (actual_len == 0 || memcmp(actual, expected, actual_len) == 0)) return;
  fprintf(stderr, "FAIL %s (%s:%d): bytes differ\n  actual  ", lc_test_now, file, line);
  for (size_t i = 0; i < actual_len; i++) fprintf(stderr, " %02x", ((const unsigned char *)actual)[i]);
  fprintf(stderr, "\n  expected");
  for (size_t i = 0; i < expected_len; i++) fprintf(stderr, " %02x", ((const unsigned char *)expected)[i]);
  fputc('\n', stderr);
  abort();
}

static int lc_test_run(const lc_test *test) {
  lc_test_now = test->name;
  if (getenv("LC_TEST_NO_FORK")) {
    test->run();
    return 0;
  }
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    test->run();
    exit(0); /* not _exit: the leak checker runs at exit */
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status == 0 ? 0 : 1;
}

int main(int argc, char **argv) {
  int passed = 0, failed = 0;
  for (const lc_test *test = lc_tests; test; test = test->next) {
    if (argc > 1 && strcmp(argv[1], "--list") == 0) {
      puts(test->name);
      continue;
    }
    if (argc > 1 && strstr(test->name, argv[1]) == NULL) continue;
    if (lc_test_run(test) == 0) {
      passed++;
    } else {
      failed++;
      fprintf(stderr, "FAILED %s\n", test->name);
    }
  }
  printf("%d passed, %d failed\n", passed, failed);
  return failed ? 1 : 0;
}
