/* Runs a fuzz target over its corpus: every file of the directories given, then every truncation and some bit flips of each. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replay_exact(const uint8_t *bytes, size_t size) {
  uint8_t *copy = malloc(size ? size : 1); /* exactly as large as the input, so that a sanitizer sees a read past it */
  if (copy == NULL) abort();
  if (size) memcpy(copy, bytes, size);
  LLVMFuzzerTestOneInput(copy, size);
  free(copy);
}

static void replay_variants(uint8_t *bytes, size_t size) {
  replay_exact(bytes, size);
  size_t step = size > 512 ? size / 512 : 1;
  for (size_t kept = 0; kept < size; kept += step) replay_exact(bytes, kept);
  for (size_t at = 0; at < size; at += step) {
    for (int bit = 0; bit < 8; bit += 3) {
      bytes[at] ^= (uint8_t)(1u << bit);
      replay_exact(bytes, size);
      bytes[at] ^= (uint8_t)(1u << bit);
    }
  }
}

int main(int argc, char **argv) {
  size_t inputs = 0;
  for (int i = 1; i < argc; i++) {
    DIR *directory = opendir(argv[i]);
    if (directory == NULL) continue;
    for (struct dirent *entry; (entry = readdir(directory));) {
      if (entry->d_name[0] == '.') continue;
      char path[4096];
      snprintf(path, sizeof path, "%s/%s", argv[i], entry->d_name);
      FILE *file = fopen(path, "rb");
      if (file == NULL) continue;
      static uint8_t bytes[1 << 20];
      size_t size = fread(bytes, 1, sizeof bytes, file);
      fclose(file);
      replay_variants(bytes, size);
      inputs++;
    }
    closedir(directory);
  }
  replay_exact((const uint8_t *)"", 0);
  printf("%zu inputs\n", inputs);
  if (inputs == 0) fprintf(stderr, "the corpus is empty\n");
  return inputs ? 0 : 1;
}
