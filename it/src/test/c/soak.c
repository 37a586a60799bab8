// SPDX-License-Identifier: Apache-2.0
/*
 * Very many watchers in several processes, again and again: in each round the processes, each a user of its own, open
 * and map, live through bumps, of which each watcher is woken, reads and acks, and go: half of them close, half are killed. A
 * line on standard input starts a round, another ends it; between them all are open.
 *
 *	soak DEVICE PROCESSES FILES REQUESTS
 *
 * FILES are those of each process, REQUESTS the calls of a round; each call takes one request of the server, or more.
 */
#include <grp.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include "device.h"

#define FIRST_USER 20000
#define MOST 64
#define BATCH 256

static const char act = 'a', quit = 'q';

struct shared {
	atomic_llong calls;
	atomic_llong wrong;
};

static struct shared *shared;
static int processes, files;

struct worker {
	int number;
	int commands[2], answers[2];
	pid_t pid;
};

static int opened[1 << 20];

static void wake_read_ack(int loop, uint32_t expected)
{
	struct epoll_event events[BATCH];
	long long calls = 0, wrong = 0;

	for (int done = 0; done < files;) {
		int n = epoll_wait(loop, events, BATCH, -1);

		if (n < 0 && errno == EINTR)
			continue;
		must(n);
		calls++;
		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;
			uint32_t value = 0;

			/* A list that has come round: a watcher that had been woken and has acked since. */
			if (pread(fd, &value, sizeof(value), 0) < 0 && errno == EAGAIN)
				continue;
			wrong += value != expected;
			wrong += pwrite(fd, &value, sizeof(value), 0) != sizeof(value);
			calls += 2;
			done++;
		}
	}
	for (int i = 0; i < files; i++)
		wrong += ready(opened[i]) != 0;
	atomic_fetch_add(&shared->calls, calls + files);
	atomic_fetch_add(&shared->wrong, wrong);
}

static int work(void *argument)
{
	struct worker *self = argument;
	uid_t user = FIRST_USER + (uid_t)self->number;
	int loop = must(epoll_create1(EPOLL_CLOEXEC));
	char command;

	must(setgroups(0, NULL));
	must(setresgid(user, user, user));
	must(setresuid(user, user, user));
	for (int i = 0; i < files; i++) {
		struct epoll_event event = { .events = EPOLLIN };
		uint32_t *page;

		event.data.fd = opened[i] = open_device(O_RDWR | O_NONBLOCK);
		must(epoll_ctl(loop, EPOLL_CTL_ADD, opened[i], &event));
		if (i % 2)
			continue;
		page = mmap(NULL, sizeof(*page), PROT_READ, MAP_SHARED, opened[i], 0);
		if (page == MAP_FAILED || *(volatile uint32_t *)page != current())
			atomic_fetch_add(&shared->wrong, 1);
		else if (i % 4)
			munmap(page, sizeof(*page));
	}
	atomic_fetch_add(&shared->calls, 2LL * files);
	for (;;) {
		must(write(self->answers[1], "", 1));
		if (read(self->commands[0], &command, 1) != 1 || command == quit)
			break;
		wake_read_ack(loop, current());
	}
	for (int i = 0; i < files; i++)
		close(opened[i]);
	atomic_fetch_add(&shared->calls, files);
	return 0;
}

static void await(struct worker *workers)
{
	for (int i = 0; i < processes; i++) {
		char byte;

		if (must(read(workers[i].answers[0], &byte, 1)) != 1)
			_exit(97);	/* it is gone */
	}
}

static void start(struct worker *workers)
{
	for (int i = 0; i < processes; i++) {
		struct worker *worker = &workers[i];

		worker->number = i;
		must(pipe2(worker->commands, O_CLOEXEC));
		must(pipe2(worker->answers, O_CLOEXEC));
		worker->pid = child(work, worker);
		close(worker->answers[1]);
		close(worker->commands[0]);
	}
	await(workers);
}

static void end(struct worker *workers)
{
	int odd = 0;

	for (int i = 0; i < processes; i++) {
		struct worker *worker = &workers[i];
		bool killed = i % 2;

		if (killed)
			kill(worker->pid, SIGKILL);
		else
			must(write(worker->commands[1], &quit, 1));
		odd += child_status(worker->pid) != (killed ? 1000 + SIGKILL : 0);
		close(worker->commands[1]);
		close(worker->answers[0]);
	}
	is(odd, 0, "half of them closed, half were killed");
	bump();
	is(outdated_watchers(), 0, "none of them is waited for");
}

static bool told(void)
{
	char line[8];

	return fgets(line, sizeof(line), stdin) != NULL;
}

int main(int argc, char **argv)
{
	long long requests = argc > 4 ? strtoll(argv[4], NULL, 10) : 1000;
	struct worker workers[MOST];
	struct rlimit limit;

	processes = argc > 2 ? atoi(argv[2]) : 2;
	files = argc > 3 ? atoi(argv[3]) : 10;
	if (processes < 1 || processes > MOST || files < 1 || files > (int)(sizeof(opened) / sizeof(opened[0])))
		return 2;
	device_setup(argc, argv);
	must(getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = limit.rlim_max;
	must(setrlimit(RLIMIT_NOFILE, &limit));
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 99;
	for (int round = 1; told(); round++) {
		long long before = atomic_load(&shared->calls), first = before, bumps = 0, late = 0;

		start(workers);
		do {
			int waiter;

			bump();
			late += outdated_watchers() != processes * files;
			for (int i = 0; i < processes; i++)
				must(write(workers[i].commands[1], &act, 1));
			waiter = open_device(O_RDONLY);	/* not outdated, as the control descriptor is */
			late += ioctl(waiter, SYSGENID_WAIT_WATCHERS, 0UL) < 0;
			close(waiter);
			await(workers);
			late += outdated_watchers() != 0;
			bumps++;
			atomic_fetch_add(&shared->calls, 6);
			if (atomic_load(&shared->calls) - before >= 100000) {
				before = atomic_load(&shared->calls);
				printf("# going on: %lld calls\n", before);
			}
		} while (atomic_load(&shared->calls) - first < requests);
		is(late, 0, "round %d: at each bump all were waited for, and none when all had acked", round);
		is(atomic_load(&shared->wrong), 0, "each page, each read, each ack and each poll was right");
		printf("# full: %lld calls, %lld bumps\n", (long long)atomic_load(&shared->calls), bumps);
		if (!told())
			break;
		end(workers);
		printf("# empty: %lld calls\n", (long long)atomic_load(&shared->calls));
	}
	return plan();
}
