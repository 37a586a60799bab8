// SPDX-License-Identifier: Apache-2.0
/*
 * Event loop: the device is one more file descriptor in epoll, beside the ones that carry the work.
 *
 *	eventloop [DEVICE]
 *
 * Here the work comes on standard input: each line is a request and is answered under the session id of the moment.
 * The device is looked at before the requests of the same wake-up, so that none is served with an id of before.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <unistd.h>

#include "sysgenid.h"

static uint64_t session_id;

static void new_session_id(void)
{
	if (getrandom(&session_id, sizeof(session_id), 0) != sizeof(session_id))
		err(EXIT_FAILURE, "getrandom");
}

/* Takes up every change there is. O_NONBLOCK makes the read after the last one fail with EAGAIN. */
static void renew_if_changed(int device)
{
	uint32_t generation;

	while (read(device, &generation, sizeof(generation)) == sizeof(generation)) {
		new_session_id();
		/* EINVAL: superseded meanwhile; read again. */
		if (write(device, &generation, sizeof(generation)) < 0 && errno != EINVAL && errno != EINTR)
			err(EXIT_FAILURE, "cannot acknowledge generation %" PRIu32, generation);
		printf("generation %" PRIu32 ": session %016" PRIx64 "\n", generation, session_id);
	}
	if (errno != EAGAIN && errno != EINTR)
		err(EXIT_FAILURE, "the generation is unknown from here on");
}

/* Answers the requests that are there; false at the end of the input. */
static bool serve(void)
{
	char buffer[4096];
	ssize_t n = read(STDIN_FILENO, buffer, sizeof(buffer));

	if (n < 0)
		err(EXIT_FAILURE, "standard input");
	for (ssize_t i = 0; i < n; i++)
		if (buffer[i] == '\n')
			printf("served: session %016" PRIx64 "\n", session_id);
	return n > 0;
}

static void watch(int loop, int fd, const char *name)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event) < 0)
		err(EXIT_FAILURE, "cannot watch %s", name);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "/dev/sysgenid";
	int device = open(name, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int loop = epoll_create1(EPOLL_CLOEXEC);

	if (device < 0)
		err(EXIT_FAILURE, "%s", name);
	if (loop < 0)
		err(EXIT_FAILURE, "epoll_create1");
	if (ioctl(device, SYSGENID_SET_WATCHER_TRACKING, 1UL) < 0 && errno != EINVAL)
		err(EXIT_FAILURE, "%s: cannot ask to be tracked", name);
	watch(loop, device, name);
	watch(loop, STDIN_FILENO, "standard input");
	new_session_id();
	printf("session %016" PRIx64 "\n", session_id);

	for (bool input = true; input;) {
		struct epoll_event events[2];
		bool requests = false;
		int n;

		fflush(stdout);
		n = epoll_wait(loop, events, 2, -1);
		if (n < 0 && errno != EINTR)
			err(EXIT_FAILURE, "epoll_wait");
		for (int i = 0; i < n; i++)
			if (events[i].data.fd == STDIN_FILENO)
				requests = true;
		renew_if_changed(device);
		if (requests)
			input = serve();
	}
	return EXIT_SUCCESS;
}
