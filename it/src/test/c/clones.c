// SPDX-License-Identifier: Apache-2.0
// A program that is dumped and restored more than once. It holds tokens that must not exist twice, and has one client of
// each kind that renews them: one sleeps in read, one in poll, one looks at its mapping, and one at its descriptor.
//
//   clones DIRECTORY [DEVICE [unmapped]]
//
// Without a device nobody tells it of a restore. Unmapped: on a kernel that cannot map the device, without those clients that
// need it. It keeps no file open but the device. DIRECTORY/ready is made when all
// clients are at rest; when there is DIRECTORY/go, each clone writes its tokens into DIRECTORY/tokens: a restored one is
// given a directory of its own at that path.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

static const char *directory, *device;
static int unmapped;

static void die(const char *what) {
  char path[4096];
  snprintf(path, sizeof path, "%s/error", directory);
  FILE *file = fopen(path, "w");
  if (file) {
    fprintf(file, "%s: %s\n", what, strerror(errno));
    fclose(file);
  }
  exit(1);
}

// A client: what it may not share with a clone, and of which generation that is.
struct client {
  const char *name;
  int file;
  volatile uint32_t *page;
  uint64_t token;
  uint32_t generation;
  pthread_mutex_t lock;
};

static struct client reader = {.name = "read"}, poller = {.name = "poll"}, mapped = {.name = "mapping"},
                     descriptor = {.name = "descriptor"}, forgotten = {.name = "closed"};

static void draw(struct client *client) {
  if (getrandom(&client->token, sizeof client->token, 0) != sizeof client->token) die("getrandom");
}

static void renew(struct client *client, uint32_t generation) {
  pthread_mutex_lock(&client->lock);
  draw(client);
  client->generation = generation;
  pthread_mutex_unlock(&client->lock);
  if (client->file >= 0 && pwrite(client->file, &generation, sizeof generation, 0) != sizeof generation &&
      errno != EINVAL) // another bump has come: it will be told of that one too
    die("ack");
}

static void open_device(struct client *client, int flags) {
  pthread_mutex_init(&client->lock, NULL);
  client->file = -1;
  draw(client);
  if (!device) return;
  client->file = open(device, flags | O_CLOEXEC);
  if (client->file < 0) die("open");
  if (unmapped) return; // every device begins at 0
  client->page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, client->file, 0);
  if (client->page == MAP_FAILED) die("mmap");
  client->generation = *client->page;
}

static void *read_for_ever(void *argument) {
  struct client *client = argument;
  for (;;) {
    uint32_t generation;
    ssize_t n = read(client->file, &generation, sizeof generation);
    if (n == sizeof generation) renew(client, generation);
    else if (errno != EINTR) die("read"); // a checkpoint interrupts
  }
  return NULL;
}

static void *poll_for_ever(void *argument) {
  struct client *client = argument;
  for (;;) {
    struct pollfd wanted = {.fd = client->file, .events = POLLIN};
    uint32_t generation;
    if (poll(&wanted, 1, -1) < 0) {
      if (errno != EINTR) die("poll");
    } else if (wanted.revents & (POLLERR | POLLHUP)) {
      die("poll: the device is gone");
    } else if (read(client->file, &generation, sizeof generation) == sizeof generation) {
      renew(client, generation);
    } else if (errno != EAGAIN) {
      die("read after poll");
    }
  }
  return NULL;
}

static void look(void) {
  if (!device) return;
  uint32_t generation;
  if (!unmapped) {
    generation = *mapped.page;
    if (generation != mapped.generation) renew(&mapped, generation);
    generation = *forgotten.page; // its descriptor was closed long ago: it renews, and nobody waits for it
    if (generation != forgotten.generation) renew(&forgotten, generation);
  }
  if (read(descriptor.file, &generation, sizeof generation) == sizeof generation) renew(&descriptor, generation);
  else if (errno != EAGAIN) die("read without waiting");
}

static void make(const char *name) {
  char path[4096], final[4096];
  snprintf(path, sizeof path, "%s/new", directory);
  snprintf(final, sizeof final, "%s/%s", directory, name);
  FILE *file = fopen(path, "w");
  if (!file) die(path);
  struct client *all[] = {&reader, &poller, &descriptor, &mapped, &forgotten};
  for (int i = 0; i < (unmapped ? 3 : 5); i++) {
    pthread_mutex_lock(&all[i]->lock);
    fprintf(file, "%s %016llx %u %u\n", all[i]->name, (unsigned long long)all[i]->token, all[i]->generation,
            all[i]->page ? *all[i]->page : all[i]->generation);
    pthread_mutex_unlock(&all[i]->lock);
  }
  if (fclose(file) || rename(path, final)) die(path);
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  directory = argv[1];
  device = argc > 2 ? argv[2] : NULL;
  unmapped = argc > 3;
  open_device(&reader, O_RDWR);
  open_device(&poller, O_RDWR | O_NONBLOCK);
  if (!unmapped) open_device(&mapped, O_RDWR);
  open_device(&descriptor, O_RDWR | O_NONBLOCK);
  if (!unmapped) open_device(&forgotten, O_RDONLY);
  if (device) {
    if (!unmapped) close(forgotten.file);
    forgotten.file = -1;
    pthread_t thread;
    if (pthread_create(&thread, NULL, read_for_ever, &reader) || pthread_create(&thread, NULL, poll_for_ever, &poller))
      die("pthread_create");
  }
  char go[4096];
  snprintf(go, sizeof go, "%s/go", directory);
  usleep(100000); // the threads come to rest
  make("ready");
  for (;;) {
    look();
    if (access(go, F_OK) == 0) {
      make("tokens");
      unlink(go);
    }
    usleep(5000);
  }
}
