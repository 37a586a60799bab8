// SPDX-License-Identifier: Apache-2.0
// What the first lines of a container's start script do: makes a symbolic link, and goes on as a program.
//
//   linked TARGET LINK PROGRAM ARGUMENT...
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  if (symlink(argv[1], argv[2])) {
    perror(argv[2]);
    return 1;
  }
  execv(argv[3], argv + 3);
  perror(argv[3]);
  return 1;
}
