#include "cli/cli.h"

int main(int argc, char **argv) {
  return lc_cli_main(argc, argv);
}
