// SPDX-License-Identifier: Apache-2.0
/*
 * Clients that write to their mapping and map the file again, over and over, while there are bumps. In the fallback the
 * kernel then holds the page's lock, writes the page back through the server, and waits; a bump's store waits for the
 * lock. The server must answer the one while it waits for the other, or nobody is served ever again, and neither these
 * processes nor the server can be killed.
 *
 *	launder DEVICE SECONDS
 *
 * SIGTERM ends it before.
 */
#include <grp.h>
#include <signal.h>

#include "device.h"

#define NOBODY 65534
#define LAUNDERERS 3

static volatile sig_atomic_t over;

static void end(int signal)
{
	over = signal;
}

static int launder(void *argument)
{
	int ready = *(int *)argument;
	bool told = false;
	int fd;

	must(setgroups(0, NULL));
	must(setresgid(NOBODY, NOBODY, NOBODY));
	must(setresuid(NOBODY, NOBODY, NOBODY));
	fd = must(open(device, O_RDWR | O_NONBLOCK | O_CLOEXEC));
	while (true) {
		volatile uint32_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

		if (page == MAP_FAILED)
			return 1;
		page[1]++;
		/* Two at a time: the page is dirty when it is mapped again. */
		must(munmap(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0), 4096));
		must(munmap((void *)page, 4096));
		if (!told)
			must(write(ready, "", 1));
		told = true;
	}
}

int main(int argc, char **argv)
{
	long long seconds = argc > 2 ? strtoll(argv[2], NULL, 10) : 3;
	struct timespec start, now;
	pid_t pids[LAUNDERERS];
	long bumps = 0, wrong = 0;
	int ready[2];
	char byte;

	device_setup(argc, argv);
	sigaction(SIGTERM, &(struct sigaction){ .sa_handler = end, .sa_flags = SA_RESTART }, NULL);
	must(pipe2(ready, O_CLOEXEC));
	for (int i = 0; i < LAUNDERERS; i++)
		pids[i] = child(launder, &ready[1]);
	for (int i = 0; i < LAUNDERERS; i++)
		must(read(ready[0], &byte, 1));
	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		uint32_t before = current();

		wrong += bump() != before + 1;
		bumps++;
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (!over && now.tv_sec - start.tv_sec < seconds);
	is(wrong, 0, "each bump was seen in our own page");
	for (int i = 0; i < LAUNDERERS; i++) {
		kill(pids[i], SIGKILL);
		is(child_status(pids[i]), 1000 + SIGKILL, "client %d was at work until it was killed", i + 1);
	}
	printf("# %ld bumps\n", bumps);
	return plan();
}
