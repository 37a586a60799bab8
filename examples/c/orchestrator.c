// SPDX-License-Identifier: Apache-2.0
/*
 * Orchestrator: after a restore, changes the generation, waits until every watcher has renewed itself, and reports.
 *
 *	orchestrator [DEVICE [TIMEOUT_MS]]
 *
 * Exit status: 0 all have acknowledged, 124 the time is over and some have not, 1 anything else. It needs
 * CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "sysgenid.h"

#define EXIT_TIMEOUT 124

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* Acknowledges on our own descriptor: it is a watcher like any other, and whoever is outdated is not let wait. */
static uint32_t acknowledge(int fd)
{
	static uint32_t generation;

	/* EAGAIN: there is nothing new. EINVAL from write: there is something newer; read it. */
	while (read(fd, &generation, sizeof(generation)) == sizeof(generation))
		if (write(fd, &generation, sizeof(generation)) == sizeof(generation))
			return generation;
	if (errno != EAGAIN)
		err(EXIT_FAILURE, "cannot read the generation");
	return generation;
}

int main(int argc, char **argv)
{
	const char *device = argc > 1 ? argv[1] : "/dev/sysgenid";
	long long timeout = argc > 2 ? strtoll(argv[2], NULL, 10) : 10000;
	int fd = open(device, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	uint32_t generation;
	long long deadline;

	if (fd < 0)
		err(EXIT_FAILURE, "%s", device);
	if (timeout <= 0)
		errx(EXIT_FAILURE, "the timeout must be a number of milliseconds, at least 1");
	if (ioctl(fd, SYSGENID_TRIGGER_GEN_UPDATE, 0UL) < 0)
		err(EXIT_FAILURE, "%s: cannot change the generation", device);
	deadline = now_ms() + timeout;

	for (;;) {
		long long left = deadline - now_ms();

		generation = acknowledge(fd);
		/* A timeout of 0 would mean "for ever". */
		if (ioctl(fd, SYSGENID_WAIT_WATCHERS, (unsigned long)(left > 0 ? left : 1)) == 0)
			break;
		if (errno == ETIME) {
			int late = ioctl(fd, SYSGENID_V4_GET_OUTDATED_WATCHERS);

			if (late < 0)	/* a driver of the other family does not count them */
				errx(EXIT_TIMEOUT, "generation %" PRIu32 ": some are late after %lld ms", generation, timeout);
			errx(EXIT_TIMEOUT, "generation %" PRIu32 ": %d late after %lld ms", generation, late, timeout);
		}
		if (errno != EINTR)	/* EINTR: a signal, or it changed again */
			err(EXIT_FAILURE, "%s: cannot wait", device);
	}
	printf("generation %" PRIu32 ": all have renewed\n", generation);
	return EXIT_SUCCESS;
}
