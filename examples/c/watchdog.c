// SPDX-License-Identifier: Apache-2.0
/*
 * Watchdog: sleeps until the system was restored from a snapshot, renews what must not exist twice, and says so.
 *
 *	watchdog [DEVICE]
 *
 * In a larger program this is a thread of its own; the file descriptor belongs to it alone, because a thread that
 * sleeps in read() holds back the write() of another one on the same descriptor.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sysgenid.h"

/* What a real program does here: reseed its random numbers, draw new session ids, drop cached secrets, reconnect. */
static void renew(uint32_t generation)
{
	printf("renewed for generation %" PRIu32 "\n", generation);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	const char *device = argc > 1 ? argv[1] : "/dev/sysgenid";
	int fd = open(device, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		err(EXIT_FAILURE, "%s", device);

	/* Be waited for. A driver of the first family tracks everyone and does not know the call: that is no error. */
	if (ioctl(fd, SYSGENID_SET_WATCHER_TRACKING, 1UL) < 0 && errno != EINVAL)
		err(EXIT_FAILURE, "%s: cannot ask to be tracked", device);
	printf("watching\n");
	fflush(stdout);

	for (;;) {
		uint32_t generation;
		ssize_t n = read(fd, &generation, sizeof(generation));

		if (n < 0 && errno == EINTR)
			continue;
		if (n != sizeof(generation))
			err(EXIT_FAILURE, "%s: the generation is unknown from here on", device);

		renew(generation);

		/* EINVAL: the generation changed again while we renewed. The next read returns at once. */
		if (write(fd, &generation, sizeof(generation)) < 0 && errno != EINVAL && errno != EINTR)
			err(EXIT_FAILURE, "%s: cannot acknowledge", device);
	}
}
