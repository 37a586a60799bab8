/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon that a keeper has started, and how far it has come.
 */
#ifndef KEEPER_H
#define KEEPER_H

#include <dirent.h>

#include "device.h"

/* Where the daemon notes what a successor must know. */
static inline const char *state_file(void)
{
	static char path[4096];

	if (!path[0])	/* device is MOUNT/sysgenid, without links */
		snprintf(path, sizeof(path), "%.*s.state/state", (int)(strrchr(device, '/') - device), device);
	return path;
}

/* The daemon's process; 0 when there is none that lives. */
static inline pid_t daemon_of(pid_t keeper)
{
	char path[64];
	int pid = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", keeper, keeper);
	file = fopen(path, "re");
	if (!file)
		return 0;
	while (fscanf(file, "%d", &pid) == 1) {
		char exe[64], program[4096];
		ssize_t n;

		/*
		 * A name would not do: what the keeper forks has its own until it is another program, and that is the daemon's
		 * too. Of a process that has been killed nothing can be read.
		 */
		snprintf(exe, sizeof(exe), "/proc/%d/exe", pid);
		n = readlink(exe, program, sizeof(program) - 1);
		program[n > 0 ? n : 0] = 0;
		if (n > 5 && strcmp(program + n - 5, "/java") == 0)
			break;
		pid = 0;
	}
	fclose(file);
	return pid;
}

/* The next daemon after one that was killed; 0 when there is none after a minute. */
static inline pid_t daemon_after(pid_t keeper, pid_t killed)
{
	for (int i = 0; i < 60000; i++) {
		pid_t pid = daemon_of(keeper);

		if (pid != 0 && pid != killed)
			return pid;
		sleep_ms(1);
	}
	return 0;
}

/* Whether a daemon has opened what its predecessor noted: from then on it takes over, or serves. */
static inline bool has_opened_state(pid_t daemon)
{
	char path[64], link[4096];
	struct dirent *entry;
	bool found = false;
	DIR *fds;

	snprintf(path, sizeof(path), "/proc/%d/fd", daemon);
	fds = opendir(path);
	if (!fds)
		return false;
	while (!found && (entry = readdir(fds))) {
		ssize_t n = readlinkat(dirfd(fds), entry->d_name, link, sizeof(link) - 1);

		link[n > 0 ? n : 0] = 0;
		found = strcmp(link, state_file()) == 0;
	}
	closedir(fds);
	return found;
}

/* How many processes have served, and which one was the last: a daemon notes itself just before it takes the first request. */
struct served {
	uint64_t count, last;
};

static inline struct served served_so_far(void)
{
	enum { INCARNATION = 456 };	/* where, in StateFile; the pid is behind it */
	struct served served = { 0 };
	int file = open(state_file(), O_RDONLY | O_CLOEXEC);

	if (file < 0)
		return served;
	if (pread(file, &served, sizeof(served), INCARNATION) != sizeof(served))
		served = (struct served){ 0 };
	close(file);
	return served;
}

/*
 * Whether a daemon that is dead has ever served. This may be asked late, when the one after it has noted itself as well.
 *
 *	before, now	what was noted before it was killed or earlier, and what is noted when it is dead
 */
static inline bool has_served(pid_t daemon, struct served before, struct served now)
{
	return before.last == (uint64_t)daemon || now.last == (uint64_t)daemon || now.count - before.count > 1;
}

#endif
