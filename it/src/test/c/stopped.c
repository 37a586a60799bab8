// SPDX-License-Identifier: Apache-2.0
/*
 * A daemon that is stopped (SIGSTOP, a debugger, a frozen cgroup) and continued. The driver is part of the kernel and
 * cannot be stopped: there nobody waits for it.
 *
 *	stopped DEVICE PID
 */
#include <dirent.h>

#include "device.h"

static char state_in(const char *path)
{
	char state = 0;
	FILE *file;

	file = fopen(path, "re");
	if (file) {
		if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
			state = 0;
		fclose(file);
	}
	return state;
}

static void until_state(pid_t pid, char state)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	while (state_in(path) != state)
		sleep_ms(1);
}

/* Stopped is each of its threads: one that is not yet may still answer. */
static bool is_stopped(pid_t pid)
{
	char path[512];
	struct dirent *task;
	bool stopped = true;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	if (!tasks)
		return false;
	while ((task = readdir(tasks))) {
		if (task->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/stat", pid, task->d_name);
		stopped &= state_in(path) == 'T';
	}
	closedir(tasks);
	return stopped;
}

static int read_in_child(void *argument)
{
	return take(*(int *)argument) == (long long)current() ? 10 : 11;
}

static int ask_in_child(void *argument)
{
	return result(ioctl(*(int *)argument, SYSGENID_V4_GET_OUTDATED_WATCHERS)) < 0 ? 11 : 10;
}

int main(int argc, char **argv)
{
	pid_t daemon = argc > 2 ? atoi(argv[2]) : 0, reader, killed, patient;
	int fd;

	device_setup(argc, argv);
	if (daemon <= 1)
		return 2;
	fd = open_device(O_RDWR);
	reader = child(read_in_child, &fd);
	until_parked_in_call(reader);
	must(kill(daemon, SIGSTOP));
	while (!is_stopped(daemon))
		sleep_ms(1);

	killed = child(ask_in_child, &fd);
	until_sleeps_in_call(killed);
	kill(killed, SIGKILL);
	is(child_status(killed), 1000 + SIGKILL, "a call that the daemon has not taken yet can be killed");
	patient = child(ask_in_child, &fd);
	until_sleeps_in_call(patient);
	kill(reader, SIGKILL);
	until_state(reader, 'D');
	ok(true, "a call that the daemon has taken cannot: SIGKILL waits");
	if (!stored_pages)
		ok(current() == 0, "a mapping is read as ever");

	must(kill(daemon, SIGCONT));
	is(child_status(reader), 1000 + SIGKILL, "the daemon is continued: the killed one dies");
	is(child_status(patient), 10, "and the other one gets its answer");
	return plan();
}
