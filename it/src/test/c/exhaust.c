// SPDX-License-Identifier: Apache-2.0
/*
 * More open files than any server can give a page of its own (vm.max_map_count, the limits of descriptors): several
 * processes, each a user of its own, open until they have what they want or are refused. A refusal is an errno that says
 * so; nobody else's bump may suffer, nor an open by root.
 *
 *	exhaust DEVICE PROCESSES FILES
 */
#include <grp.h>
#include <sys/resource.h>

#include "device.h"

#define FIRST_USER 20000

struct job {
	int files;
	uid_t user;
	int done[2];
};

struct outcome {
	int opened, refused, full, odd_errno, wrong;
};

static int grab(void *argument)
{
	struct job *job = argument;
	struct outcome outcome = { 0 };

	must(setgroups(0, NULL));
	must(setresgid(job->user, job->user, job->user));
	must(setresuid(job->user, job->user, job->user));
	for (int i = 0; i < job->files; i++) {
		int fd = open(device, O_RDWR | O_NONBLOCK | O_CLOEXEC);

		if (fd >= 0) {
			outcome.opened++;
			if (i % 100 == 0) {
				volatile uint32_t *page = mmap(NULL, 4, PROT_READ, MAP_SHARED, fd, 0);

				outcome.wrong += page == MAP_FAILED || *page != current();
			}
		} else if (errno == ENFILE || errno == EMFILE || errno == ENOMEM || errno == ENOSPC) {
			outcome.refused++;
			outcome.full += errno == ENOSPC;
		} else {
			outcome.odd_errno = errno;
		}
	}
	must(write(job->done[1], &outcome, sizeof(outcome)));
	pause();
	return 0;
}

int main(int argc, char **argv)
{
	int processes = argc > 2 ? atoi(argv[2]) : 5;
	struct job job = { .files = argc > 3 ? atoi(argv[3]) : 15000 };
	struct outcome all = { 0 };
	struct rlimit limit;
	pid_t pids[64];
	uint32_t *page;
	int fd;

	device_setup(argc, argv);
	if (processes < 1 || processes > 64)
		return 2;
	must(getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = limit.rlim_max;
	must(setrlimit(RLIMIT_NOFILE, &limit));
	must(pipe2(job.done, O_CLOEXEC));
	fd = open_device(O_RDWR | O_NONBLOCK);
	page = mmap(NULL, 4, PROT_READ, MAP_SHARED, fd, 0);
	for (int i = 0; i < processes; i++) {
		job.user = FIRST_USER + (uid_t)i;	/* the child has a copy */
		pids[i] = child(grab, &job);
	}
	for (int i = 0; i < processes; i++) {
		struct outcome one;

		is(must(read(job.done[0], &one, sizeof(one))), sizeof(one), "process %d has all it could get", i + 1);
		all.opened += one.opened;
		all.refused += one.refused;
		all.full += one.full;
		all.wrong += one.wrong;
		if (one.odd_errno)
			all.odd_errno = one.odd_errno;
	}
	is(all.opened + all.refused, processes * job.files, "each open succeeded or was refused with ENFILE or the like");
	is(-all.odd_errno, 0, "no open failed otherwise");
	ok(all.full > 0, "the server was full: ENOSPC");
	is(all.wrong, 0, "pages that were looked at were right");
	close(open_device(O_RDONLY));	/* for root there is some left */
	for (int i = 0; i < 3; i++) {
		uint32_t expected = current() + 1;

		is(bump(), expected, "with all those open, a bump");
		is(*(volatile uint32_t *)page, expected, "is in the page of who was there before");
		is(take(fd), expected, "and is read");
		is(ack(fd), 4, "and acked");
	}
	is(outdated_watchers(), all.opened, "all of them are late");
	for (int i = 0; i < processes; i++) {
		kill(pids[i], SIGKILL);
		child_status(pids[i]);
	}
	is(outdated_watchers(), 0, "and gone when they are killed");
	/* The kernel tells the server of forgotten inodes when it has nothing more urgent to tell. */
	do {
		fd = open(device, O_RDWR | O_CLOEXEC);
	} while (fd < 0 && (errno == ENFILE || errno == EMFILE || errno == ENOMEM || errno == ENOSPC));
	ok(fd >= 0, "open succeeds again");
	printf("# %d opened, %d refused, %d of these with ENOSPC\n", all.opened, all.refused, all.full);
	return plan();
}
