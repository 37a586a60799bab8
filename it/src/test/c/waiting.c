// SPDX-License-Identifier: Apache-2.0
/* WAIT_WATCHERS across processes: who ends it, with what, and many watchers that ack at the same time. */
#include "device.h"

static const struct {
	long long (*call)(struct task *);
	int timeout_errno;
	const char *name;
} families[] = {
	{ call_wait_v4, EINTR, "first family" },
	{ call_wait, ETIME, "second family" },
};

struct request {
	int family;
	unsigned long timeout;
};

/* Opens a watcher of its own, waits, and exits with 0 or the errno. */
static int wait_in_child(void *argument)
{
	struct request *request = argument;
	struct task task = { .fd = open_device(O_RDWR), .argument = request->timeout };

	return -(int)families[request->family].call(&task);
}

static int sleep_in_child(void *argument)
{
	(void)argument;
	pause();
	return 1;
}

static void several_processes(void)
{
	enum { WAITERS = 4 };
	pid_t pids[WAITERS];

	for (int family = 0; family < 2; family++) {
		struct request for_ever = { family, 0 }, short_time = { family, 20 };
		const char *name = families[family].name;
		int late = open_device(O_RDWR), right = 0;

		bump();
		for (int i = 0; i < WAITERS; i++)
			pids[i] = child(wait_in_child, &short_time);
		for (int i = 0; i < WAITERS; i++)
			right += child_status(pids[i]) == families[family].timeout_errno;
		is(right, WAITERS, "%s: 4 processes wait, nobody acks: each has its timeout", name);

		for (int i = 0; i < WAITERS; i++) {
			pids[i] = child(wait_in_child, &for_ever);
			until_sleeps_in_call(pids[i]);
		}
		ack(late);
		for (int i = right = 0; i < WAITERS; i++)
			right += child_status(pids[i]) == 0;
		is(right, WAITERS, "%s: 4 processes wait, the last one acks: each returns 0", name);
		close(late);
	}
}

static void ended_by(void)
{
	for (int family = 0; family < 2; family++) {
		struct request for_ever = { family, 0 };
		const char *name = families[family].name;
		int late = open_device(O_RDWR);
		struct task waiter;
		pid_t pid, sleeper;
		int fd;

		bump();
		fd = open_device(O_RDWR);
		task_start(&waiter, families[family].call, fd, 0);
		ok(task_blocks(&waiter), "%s: waits for the late one", name);
		close(late);
		is(task_result(&waiter), 0, "%s: it closes: 0", name);

		late = open_device(O_RDWR);
		sleeper = child(sleep_in_child, NULL);
		close(late);
		bump();
		ack(fd);
		task_start(&waiter, families[family].call, fd, 0);
		ok(task_blocks(&waiter), "%s: waits for one in a process that sleeps", name);
		kill(sleeper, SIGKILL);
		child_status(sleeper);
		is(task_result(&waiter), 0, "%s: it is killed: 0", name);

		late = open_device(O_RDWR);
		bump();
		ack(fd);
		task_start(&waiter, families[family].call, fd, 0);
		must(ioctl(late, SYSGENID_SET_WATCHER_TRACKING, 0UL));
		is(task_result(&waiter), 0, "%s: it turns its tracking off: 0", name);
		must(ioctl(late, SYSGENID_SET_WATCHER_TRACKING, 1UL));

		task_start(&waiter, families[family].call, fd, 0);
		ok(task_blocks(&waiter), "%s: it turns its tracking on, outdated as it is: waited for", name);
		bump();
		is(task_result(&waiter), -EINTR, "%s: a bump makes the waiter outdated itself: EINTR", name);

		ack(fd);
		ack(late);
		must(ioctl(fd, SYSGENID_SET_WATCHER_TRACKING, 0UL));
		bump();
		is(result(ioctl(fd, SYSGENID_WAIT_WATCHERS, 1UL)), -EINTR,
		   "%s: an untracked caller that is outdated: EINTR as well", name);
		ack(fd);
		ack(late);

		bump();
		pid = child(wait_in_child, &for_ever);
		until_parked_in_call(pid);
		kill(pid, SIGKILL);
		is(child_status(pid), 1000 + SIGKILL, "%s: a killed waiter dies", name);
		ack(fd);
		is(outdated_watchers(), 1, "%s: and changes nothing for the others", name);
		close(late);
		close(fd);
	}
}

/* A watcher as it should be: reads, acks, until told to stop by a generation at or above the last one. */
struct watchers {
	uint32_t last;
	atomic_int ready;
	atomic_int rounds;
};

static struct watchers *watchers;	/* shared between the processes */

static int watch_in_child(void *argument)
{
	int fd = open_device(O_RDWR);
	bool by_poll = argument != NULL;
	uint32_t seen = current();

	atomic_fetch_add(&watchers->ready, 1);
	while (seen != watchers->last) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (by_poll && poll(&p, 1, -1) != 1)
			return 1;
		if (read(fd, &seen, sizeof(seen)) != sizeof(seen))
			return 2;
		if (write(fd, &seen, sizeof(seen)) == sizeof(seen))
			atomic_fetch_add(&watchers->rounds, 1);
		else if (errno != EINVAL)	/* superseded */
			return 3;
	}
	return 0;
}

static int bump_in_child(void *argument)
{
	int bumps = *(int *)argument;

	for (int i = 0; i < bumps; i++)
		if (ioctl(control, SYSGENID_TRIGGER_GEN_UPDATE, 0UL) < 0)
			return 1;
	return 0;
}

static void many_watchers(void)
{
	enum { PROCESSES = 64, ROUNDS = 30 };
	pid_t pids[PROCESSES];
	int fd = open_device(O_RDWR), wrong = 0;

	watchers = mmap(NULL, sizeof(*watchers), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	watchers->last = current() + ROUNDS;
	for (int i = 0; i < PROCESSES; i++)
		pids[i] = child(watch_in_child, i % 2 ? &fd : NULL);
	while (atomic_load(&watchers->ready) < PROCESSES)
		sleep_ms(1);
	for (int round = 0; round < ROUNDS; round++) {
		bump();
		ack(fd);
		wrong += ioctl(fd, SYSGENID_WAIT_WATCHERS, 0UL) != 0;
		wrong += outdated_watchers() != 0;
	}
	is(wrong, 0, "64 processes read and ack, 30 bumps: WAIT is 0 after each, and then GET is 0");
	for (int i = wrong = 0; i < PROCESSES; i++)
		wrong += child_status(pids[i]) != 0;
	is(wrong, 0, "each process saw the last generation");
	is(atomic_load(&watchers->rounds), PROCESSES * ROUNDS, "each process acked each generation once");
	close(fd);
}

/* No orchestrator holds the bumps back: acks are overtaken and repeated, and in the end everybody has the last one. */
static void many_watchers_many_bumpers(void)
{
	enum { PROCESSES = 32, BUMPERS = 4 };
	pid_t pids[PROCESSES], bumpers[BUMPERS];
	int fd = open_device(O_RDWR), bumps = 250, wrong = 0;

	atomic_store(&watchers->ready, 0);
	watchers->last = current() + (uint32_t)(BUMPERS * bumps);
	for (int i = 0; i < PROCESSES; i++)
		pids[i] = child(watch_in_child, i % 2 ? &fd : NULL);
	while (atomic_load(&watchers->ready) < PROCESSES)
		sleep_ms(1);
	for (int i = 0; i < BUMPERS; i++)
		bumpers[i] = child(bump_in_child, &bumps);
	for (int i = 0; i < BUMPERS; i++)
		wrong += child_status(bumpers[i]) != 0;
	is(wrong, 0, "4 processes bump 250 times each while 32 read and ack");
	is(current(), watchers->last, "no bump is lost, none is counted twice");
	ack(fd);
	is(result(ioctl(fd, SYSGENID_WAIT_WATCHERS, 0UL)), 0, "WAIT returns 0");
	for (int i = wrong = 0; i < PROCESSES; i++)
		wrong += child_status(pids[i]) != 0;
	is(wrong, 0, "everybody saw the last generation");
	close(fd);
}

int main(int argc, char **argv)
{
	device_setup(argc, argv);
	several_processes();
	ended_by();
	many_watchers();
	many_watchers_many_bumpers();
	return plan();
}
