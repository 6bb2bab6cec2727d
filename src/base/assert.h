#pragma once
/* Assertions stay on in release builds: a broken invariant stops the process before it can damage the log. Never for input (L13). */
#define lc_assert(condition) (__builtin_expect(!(condition), 0) ? lc_assert_failed(#condition, __FILE__, __LINE__) : (void)0)

_Noreturn void lc_assert_failed(const char *condition, const char *file, int line);
