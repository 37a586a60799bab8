// SPDX-License-Identifier: Apache-2.0
// Runs a program as process 1 of a container: namespaces of its own for processes and mounts, and a root of its own, with
// nothing of the machine's mounts but those that are named.
//
//   container ROOT [SOURCE:TARGET]... -- PROGRAM ARGUMENT...
//
// SOURCE is a directory or file of the machine, TARGET where the container finds it: an absolute path, below ROOT for now.
// Ends as the program does.
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void bind_into(const char *root, char *pair) {
  char *target = strchr(pair, ':');
  if (!target) {
    fprintf(stderr, "%s is not SOURCE:TARGET\n", pair);
    exit(2);
  }
  *target++ = 0;
  char path[4096];
  snprintf(path, sizeof path, "%s%s", root, target);
  if (mount(pair, path, NULL, MS_BIND, NULL)) die(path);
}

// The machine's mounts are gone afterwards.
static void enter(const char *root) {
  if (chdir(root) || syscall(SYS_pivot_root, ".", ".")) die("pivot_root");
  if (umount2(".", MNT_DETACH) || chdir("/")) die("umount2");
  if (mount("proc", "/proc", "proc", 0, NULL)) die("/proc");
}

// A dump cannot find the machine's files again.
static void close_files(void) {
  int null = open("/dev/null", O_RDWR);
  if (null < 0) die("/dev/null");
  for (int i = 0; i < 3; i++) dup2(null, i);
  close_range(3, ~0U, 0);
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  const char *root = argv[1];
  if (unshare(CLONE_NEWNS | CLONE_NEWPID)) die("unshare");
  pid_t child = fork();
  if (child < 0) die("fork");
  if (child) {
    int status;
    if (waitpid(child, &status, 0) < 0) die("waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) die("private mounts");
  if (mount(root, root, NULL, MS_BIND, NULL)) die(root);
  int at = 2;
  for (; at < argc && strcmp(argv[at], "--"); at++) bind_into(root, argv[at]);
  if (at + 1 >= argc) return 2;
  enter(root);
  close_files();
  if (setsid() < 0) die("setsid");
  execv(argv[at + 1], argv + at + 1);
  die(argv[at + 1]);
}
