// SPDX-License-Identifier: Apache-2.0
/*
 * Many watchers in one event loop, each of which acknowledges whatever comes, until a line is read on standard input.
 *
 *	crowd DEVICE COUNT
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

static void watch(int loop, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event) < 0)
		err(EXIT_FAILURE, "epoll_ctl");
}

static void acknowledge(int fd)
{
	uint32_t generation;

	if (pread(fd, &generation, sizeof(generation), 0) == sizeof(generation))
		/* EINVAL: superseded meanwhile; it is still readable. */
		if (pwrite(fd, &generation, sizeof(generation), 0) == sizeof(generation) || errno == EINVAL)
			return;
	if (errno != EAGAIN)
		err(EXIT_FAILURE, "a watcher");
}

int main(int argc, char **argv)
{
	int count = argc > 2 ? atoi(argv[2]) : 1, loop = epoll_create1(EPOLL_CLOEXEC);
	struct rlimit files = { .rlim_cur = count + 64, .rlim_max = count + 64 };

	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		warn("RLIMIT_NOFILE");
	for (int i = 0; i < count; i++) {
		int fd = open(argv[1], O_RDWR | O_NONBLOCK | O_CLOEXEC);

		if (fd < 0)
			err(EXIT_FAILURE, "%s", argv[1]);
		watch(loop, fd);
	}
	watch(loop, STDIN_FILENO);
	printf("ready\n");
	fflush(stdout);

	for (;;) {
		struct epoll_event events[256];
		int n = epoll_wait(loop, events, 256, -1);

		if (n < 0 && errno != EINTR)
			err(EXIT_FAILURE, "epoll_wait");
		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == STDIN_FILENO)
				return EXIT_SUCCESS;
			acknowledge(events[i].data.fd);
		}
	}
}
