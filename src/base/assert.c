#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

void lc_assert_failed(const char *condition, const char *file, int line) {
  fprintf(stderr, "lightcone: broken invariant: %s (%s:%d)\n", condition, file, line);
  abort();
}
