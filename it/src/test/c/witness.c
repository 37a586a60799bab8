// SPDX-License-Identifier: Apache-2.0
// Runs in a virtual machine that is snapshotted and restored, and writes down when what was seen: a line for each event,
// with CLOCK_MONOTONIC in nanoseconds.
//
//   witness ADDRESS [DEVICE]
//
// ADDRESS is where the hypervisor shows the identifier of the virtual machine, in the guest's physical memory: it is another
// one from the first instruction of a clone on. With DEVICE also: when its page shows another generation, or a read says so
// where it cannot be mapped, and when all watchers have acknowledged it.
//
//   restored LAST FIRST    the identifier was the old one at LAST, and another one at FIRST
//   kernel TIME NUMBER     what getrandom gives then, before the kernel can have made its random numbers new
//   log TIME               the kernel has said that it made its random numbers new
//   vmclock TIME           the driver's page shows another generation counter
//   notified TIME          the driver has woken who sleeps until that page changes, and it has
//   page TIME GENERATION
//   acked TIME
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "sysgenid.h"

enum { GUID_SIZE = 16, PAGE = 4096, COUNTER = 0x68, PAUSE_NANOS = 300000, RECORD = 8192 };

static _Noreturn void die(const char *what) {
  perror(what);
  exit(1);
}

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

// With a file of its own: who is outdated itself may not wait for others.
static void *wait_for_all(void *name) {
  for (;;) {
    int device = open(name, O_RDONLY);
    if (device < 0) die(name);
    int result = ioctl(device, SYSGENID_WAIT_WATCHERS, 0UL);
    close(device);
    if (!result) break;
    if (errno != EINTR) die("wait");
  }
  printf("acked %lld\n", now());
  return NULL;
}

static void start(void *(*routine)(void *), void *argument) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, routine, argument)) die("pthread_create");
}

// One generation after another, by a file that cannot acknowledge.
static void *read_generations(void *name) {
  for (;;) {
    int device = open(name, O_RDONLY);
    if (device < 0) die(name);
    uint32_t generation;
    if (read(device, &generation, sizeof generation) == sizeof generation) {
      printf("page %lld %u\n", now(), generation);
      start(wait_for_all, name);
    } else if (errno != EINTR) {
      die("read");
    }
    close(device);
  }
}

// Who is not notified is told of an error at once.
static void *sleep_on_clock(void *name) {
  int device = open(name, O_RDONLY);
  uint64_t counter, last;
  if (device < 0 || pread(device, &last, sizeof last, COUNTER) != sizeof last) die(name);
  for (;;) {
    struct pollfd wanted = {.fd = device, .events = POLLIN};
    if (poll(&wanted, 1, -1) < 0) die("poll");
    if (wanted.revents & (POLLERR | POLLHUP)) return NULL;
    if (pread(device, &counter, sizeof counter, COUNTER) != sizeof counter) die(name);
    if (counter != last) printf("notified %lld\n", now());
    last = counter;
  }
}

static volatile uint8_t *map(int file, off_t at) {
  volatile uint8_t *page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, file, at);
  if (page == MAP_FAILED) die("mmap");
  return page;
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  setvbuf(stdout, NULL, _IOLBF, 0);
  off_t address = strtoll(argv[1], NULL, 0);
  int memory = open("/dev/mem", O_RDONLY);
  if (memory < 0) die("/dev/mem");
  volatile uint8_t *identifier = map(memory, address & -PAGE) + (address & (PAGE - 1));
  int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
  if (log < 0) die("/dev/kmsg");
  lseek(log, 0, SEEK_END);
  volatile struct sysgenid_page *page = NULL;
  if (argc > 2) {
    int device = open(argv[2], O_RDONLY);
    if (device < 0) die(argv[2]);
    void *mapped = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, device, 0);
    if (mapped != MAP_FAILED) page = mapped;
    else if (errno == ENODEV) start(read_generations, argv[2]);
    else die("mmap");
  }
  int clock_device = open("/dev/vmclock0", O_RDONLY);
  volatile uint64_t *counter = clock_device < 0 ? NULL : (volatile uint64_t *)(map(clock_device, 0) + COUNTER);
  if (counter) start(sleep_on_clock, "/dev/vmclock0");

  struct sched_param priority = {.sched_priority = 50};
  if (sched_setscheduler(0, SCHED_FIFO, &priority)) die("sched_setscheduler");

  uint8_t noted[GUID_SIZE], shown[GUID_SIZE];
  for (int i = 0; i < GUID_SIZE; i++) noted[i] = identifier[i];
  uint32_t generation = page ? sysgenid_generation(page) : 0;
  uint64_t count = counter ? *counter : 0;
  long long last = now();
  printf("ready %lld\n", last);
  for (;;) {
    for (int i = 0; i < GUID_SIZE; i++) shown[i] = identifier[i];
    long long time = now();
    if (memcmp(shown, noted, GUID_SIZE)) {
      memcpy(noted, shown, GUID_SIZE);
      uint64_t number;
      if (getrandom(&number, sizeof number, 0) != sizeof number) die("getrandom");
      printf("restored %lld %lld\n", last, time);
      printf("kernel %lld %016llx\n", now(), (unsigned long long)number);
    }
    last = time;
    if (counter && *counter != count) {
      count = *counter;
      printf("vmclock %lld\n", now());
    }
    char record[RECORD];
    ssize_t n = read(log, record, sizeof record - 1);
    if (n > 0) {
      record[n] = 0;
      if (strstr(record, ";random: crng reseeded due to virtual machine fork")) printf("log %lld\n", now());
    }
    if (page && sysgenid_generation(page) != generation) {
      generation = sysgenid_generation(page);
      printf("page %lld %u\n", now(), generation);
      start(wait_for_all, argv[2]);
    }
    nanosleep(&(struct timespec){.tv_nsec = PAUSE_NANOS}, NULL);
  }
}
