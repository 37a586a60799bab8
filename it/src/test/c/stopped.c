// SPDX-License-Identifier: Apache-2.0
/*
 * A daemon that is stopped (SIGSTOP, a debugger, a frozen cgroup) and continued. The driver is part of the kernel and
 * cannot be stopped: there nobody waits for it.
 *
 *	stopped DEVICE PID
 */
#include "device.h"

static char state_of(pid_t pid)
{
	char path[64], state = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
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
	while (state_of(pid) != state)
		sleep_ms(1);
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
	until_sleeps_in_call(reader);
	must(kill(daemon, SIGSTOP));
	until_state(daemon, 'T');

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
