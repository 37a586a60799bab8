// SPDX-License-Identifier: Apache-2.0
/*
 * A user who wants more than there is for one: opens a file, keeps it open, and again; then several threads go on trying,
 * as fast as they can, while another one writes to its mapping and maps the file again. Until the end of its input.
 *
 *	greedy FILE USER TRIES THREADS
 *
 * It says how often it was let in, and why no more.
 */
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "tap.h"

static const char *file;
static int first;

static int open_it(void)
{
	int fd = open(file, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	return fd < 0 && errno == EACCES ? open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC) : fd;
}

/* Without a look-up of its name: each request of this thread is an open. */
static void *go_on(void *unused)
{
	char again[32];

	snprintf(again, sizeof(again), "/proc/self/fd/%d", first);
	while (true) {
		int fd = open(again, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

		if (fd >= 0)
			close(fd);
	}
	return unused;
}

static void *launder(void *unused)
{
	while (true) {
		volatile uint32_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, first, 0);

		if (page == MAP_FAILED)
			return unused; /* not a device */
		page[1]++;
		munmap(mmap(NULL, 4096, PROT_READ, MAP_SHARED, first, 0), 4096);
		munmap((void *)page, 4096);
	}
}

int main(int argc, char **argv)
{
	int opened = 0, why = 0;
	struct rlimit limit;
	pthread_t thread;
	uid_t user;
	char byte;

	if (argc < 5)
		return 2;
	file = argv[1];
	user = (uid_t)atoi(argv[2]);
	must(getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = limit.rlim_max;
	must(setrlimit(RLIMIT_NOFILE, &limit));
	if (user != getuid()) {
		must(setgroups(0, NULL));
		must(setresgid(user, user, user));
		must(setresuid(user, user, user));
	}
	for (int i = atoi(argv[3]); i > 0; i--) {
		int fd = open_it();

		if (fd < 0) {
			why = errno;
		} else if (opened++ == 0) {
			first = fd;
		}
	}
	if (atoi(argv[4]) > 0)
		pthread_create(&thread, NULL, launder, NULL);
	for (int i = atoi(argv[4]); i > 0; i--)
		pthread_create(&thread, NULL, go_on, NULL);
	printf("opened %d, then %s\n", opened, why ? strerrorname_np(why) : "all were");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	_exit(0);
}
