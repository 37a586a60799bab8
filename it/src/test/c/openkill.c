// SPDX-License-Identifier: Apache-2.0
/*
 * Opens and kills in a loop: processes that open, map, block and poll, and are killed at any moment of it.
 *
 *	openkill DEVICE SECONDS LOOPS SEED
 */
#include <grp.h>
#include <sys/epoll.h>

#include "device.h"

#define NOBODY 65534

struct run {
	long long seconds;
	unsigned int seed;
};

static int act(void *argument)
{
	unsigned int seed = *(unsigned int *)argument;
	int count = 1 + rand_r(&seed) % 8, fds[8];
	int loop = must(epoll_create1(EPOLL_CLOEXEC));
	struct epoll_event event = { .events = EPOLLIN };
	struct task tasks[2];

	for (int i = 0; i < count; i++) {
		fds[i] = open_device(rand_r(&seed) % 3 ? O_RDWR : O_RDONLY);
		if (rand_r(&seed) % 2)
			mmap(NULL, 4096, PROT_READ, MAP_SHARED | MAP_POPULATE, fds[i], 0);
		if (rand_r(&seed) % 4 == 0)
			epoll_ctl(loop, EPOLL_CTL_ADD, fds[i], &event);
	}
	if (rand_r(&seed) % 3 == 0)
		task_start(&tasks[0], call_take, fds[0], 0);
	if (rand_r(&seed) % 3 == 0)
		task_start(&tasks[1], call_wait, fds[count - 1], 0);
	switch (rand_r(&seed) % 6) {
	case 0: take(fds[0]); break;
	case 1: poll(&(struct pollfd){ .fd = fds[0], .events = POLLIN }, 1, -1); break;
	case 2: epoll_wait(loop, &event, 1, -1); break;
	case 3: ioctl(fds[0], SYSGENID_WAIT_WATCHERS, 0UL); break;
	case 4: _exit(0);
	default: pause();
	}
	return 0;
}

static int open_and_kill(void *argument)
{
	struct run *run = argument;
	unsigned int seed = run->seed;
	struct timespec start, now;

	must(setgroups(0, NULL));
	must(setresgid(NOBODY, NOBODY, NOBODY));
	must(setresuid(NOBODY, NOBODY, NOBODY));
	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		unsigned int one = (unsigned int)rand_r(&seed);
		pid_t pid = child(act, &one);
		struct timespec delay = { .tv_nsec = rand_r(&seed) % 3000000 };
		int status;

		nanosleep(&delay, NULL);
		kill(pid, SIGKILL);
		status = child_status(pid);
		if (status != 1000 + SIGKILL && status != 0)
			return 1;
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec - start.tv_sec < run->seconds);
	return 0;
}

int main(int argc, char **argv)
{
	long long seconds = argc > 2 ? strtoll(argv[2], NULL, 10) : 3;
	int loops = argc > 3 ? atoi(argv[3]) : 3;
	unsigned int seed = argc > 4 ? (unsigned int)strtoul(argv[4], NULL, 10) : 1;
	pid_t pids[16];

	device_setup(argc, argv);
	if (loops < 1 || loops > 16)
		return 2;
	printf("# seed %u\n", seed);
	for (int i = 0; i < loops; i++) {
		struct run run = { seconds, seed + (unsigned int)i };

		pids[i] = child(open_and_kill, &run);
	}
	for (int i = 0; i < loops; i++)
		is(child_status(pids[i]), 0, "loop %d opened and killed until the end", i + 1);
	return plan();
}
