#include "cli/similar.h"

#include <stdint.h>

size_t lc_similar_distance(lc_str a, lc_str b) {
  enum { LEN_MAX = 64 };
  static size_t table[LEN_MAX + 1][LEN_MAX + 1];
  if (a.len > LEN_MAX || b.len > LEN_MAX) return SIZE_MAX;
  for (size_t i = 0; i <= a.len; i++)
    for (size_t j = 0; j <= b.len; j++) {
      size_t best = i == 0 ? j : j == 0 ? i : table[i - 1][j - 1] + (a.ptr[i - 1] != b.ptr[j - 1]);
      if (i && j && table[i - 1][j] + 1 < best) best = table[i - 1][j] + 1;
      if (i && j && table[i][j - 1] + 1 < best) best = table[i][j - 1] + 1;
      if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1] && table[i - 2][j - 2] + 1 < best)
        best = table[i - 2][j - 2] + 1;
      table[i][j] = best;
    }
  return table[a.len][b.len];
}

size_t lc_similar_allowed(size_t len) {
  return (len > 3 ? len : 3) / 3;
}
