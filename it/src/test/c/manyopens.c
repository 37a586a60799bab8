// SPDX-License-Identifier: Apache-2.0
/*
 * Very many open files: one process, uid 65534, opens and maps the device so many times, lives through bumps, reads
 * and acks on each, and lets go.
 *
 *	manyopens DEVICE FILES
 */
#include <grp.h>
#include <sys/resource.h>

#include "device.h"

#define NOBODY 65534

struct job {
	int files;
	int from_parent[2], to_parent[2];
};

static void tell(int fd)
{
	must(write(fd, "", 1));
}

static void await(int fd)
{
	char byte;

	if (must(read(fd, &byte, 1)) != 1)
		_exit(97);	/* the other side is gone */
}

static int hold(void *argument)
{
	struct job *job = argument;
	int *fds = calloc((size_t)job->files, sizeof(int));
	uint32_t **pages = calloc((size_t)job->files, sizeof(uint32_t *));
	int wrong = 0;

	must(setgroups(0, NULL));
	must(setresgid(NOBODY, NOBODY, NOBODY));
	must(setresuid(NOBODY, NOBODY, NOBODY));
	for (int i = 0; i < job->files; i++) {
		fds[i] = open_device(i % 2 ? O_RDWR | O_NONBLOCK : O_RDONLY | O_NONBLOCK);
		pages[i] = mmap(NULL, 4, PROT_READ, MAP_SHARED, fds[i], 0);
		if (pages[i] == MAP_FAILED)
			return 1;
	}
	tell(job->to_parent[1]);
	for (int round = 0; round < 3; round++) {
		await(job->from_parent[0]);	/* the parent has bumped */
		for (int i = 0; i < job->files; i++) {
			wrong += *(volatile uint32_t *)pages[i] != current();
			wrong += take(fds[i]) != (long long)current();
			if (i % 2)
				wrong += ack(fds[i]) != 4;
		}
		tell(job->to_parent[1]);
	}
	return wrong ? 2 : 0;	/* and the kernel closes them all at once */
}

int main(int argc, char **argv)
{
	struct job job = { .files = argc > 2 ? atoi(argv[2]) : 10000 };
	struct rlimit limit;
	pid_t pid;

	device_setup(argc, argv);
	must(getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = limit.rlim_max;
	must(setrlimit(RLIMIT_NOFILE, &limit));
	ok(job.files > 0 && (rlim_t)job.files + 64 < limit.rlim_max, "the limit of descriptors here, %llu, allows %d",
	   (unsigned long long)limit.rlim_max, job.files);
	must(pipe2(job.from_parent, O_CLOEXEC));
	must(pipe2(job.to_parent, O_CLOEXEC));
	pid = child(hold, &job);
	close(job.to_parent[1]);
	await(job.to_parent[0]);
	is(outdated_watchers(), 0, "%d opens and mappings by one process", job.files);
	for (int round = 1; round <= 3; round++) {
		bump();
		is(outdated_watchers(), job.files / 2, "bump %d: the writers among them are waited for", round);
		tell(job.from_parent[1]);
		await(job.to_parent[0]);
		is(outdated_watchers(), 0, "bump %d: all have acked", round);
	}
	is(child_status(pid), 0, "each mapping and each read showed each bump");
	bump();
	is(outdated_watchers(), 0, "the process is gone, and all its watchers with it");
	return plan();
}
