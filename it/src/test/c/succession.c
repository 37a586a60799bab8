// SPDX-License-Identifier: Apache-2.0
/*
 * Very many watchers, of several users, live through the death of the daemon: some mapped, most polled, a third with nothing left to
 * acknowledge, readers and WAITs parked. The next one knows all of them, and so does the one after it, when that one is
 * killed while it takes over.
 *
 *	succession DEVICE KEEPER PROCESSES FILES QUOTA [once]
 *
 * Each process is a user of its own and opens FILES; QUOTA is how many the daemon allows each. KEEPER is the process whose child the
 * daemon is. A line "# pause: WHAT" is printed where somebody may look at the daemon; a line on standard input goes on. With
 * "once" no daemon is killed while it takes over.
 */
#include <grp.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include "keeper.h"

#define FIRST_USER 20000
#define MOST_PROCESSES 64
#define READERS 8		/* of each process: opens of their own, on which threads sleep */
#define BATCH 256
#define TRIES 20

enum { ACK_A_THIRD = 'a', LOOK, ACK_THE_REST, LIVE_THROUGH_A_BUMP, GO };

static int processes, files, quota;

/* What a process reports after each step. */
struct report {
	long long wrong, late, tracked;
};

struct worker {
	int number;
	int commands[2], reports[2];
	pid_t pid;
};

static int opened[1 << 17];
static volatile uint32_t *pages[1 << 17];
static bool woken[1 << 17];
static struct task readers[READERS], poller;

static bool is_mapped(int i)
{
	return i % 2 == 0;
}

static bool is_polled(int i)
{
	return i % 4 != 3;
}

static bool is_tracked(int i)
{
	return i % 16 != 15;
}

static bool acks_at_once(int i)
{
	return i % 3 == 0;
}

/* Makes no call after its ack, until it is woken: nobody but the daemons can have remembered it. */
static bool is_quiet(int i)
{
	return i % 6 == 0;
}

static void open_all(int loop)
{
	for (int i = 0; i < files; i++) {
		struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.fd = i };

		opened[i] = open_device(O_RDWR | O_NONBLOCK);
		if (is_mapped(i)) {
			void *page = mmap(NULL, sizeof(uint32_t), PROT_READ, MAP_SHARED, opened[i], 0);

			pages[i] = page == MAP_FAILED ? NULL : page;
			must(pages[i] && *pages[i] == current() ? 0 : -1);
		}
		if (is_polled(i))
			must(epoll_ctl(loop, EPOLL_CTL_ADD, opened[i], &event));
	}
}

/* Takes all events that there are, so that later ones are of later bumps. */
static void drain(int loop)
{
	struct epoll_event events[BATCH];

	while (must(epoll_wait(loop, events, BATCH, 0)) > 0)
		;
}

static struct report ack_a_third(int loop)
{
	struct report report = { 0 };

	for (int i = 0; i < files; i++) {
		if (!is_tracked(i))
			report.wrong += ioctl(opened[i], SYSGENID_SET_WATCHER_TRACKING, 0UL) != 0;
		if (acks_at_once(i))
			report.wrong += ack(opened[i]) != 4;
		report.late += is_tracked(i) && !acks_at_once(i);
		report.tracked += is_tracked(i);
	}
	drain(loop);
	for (int i = 0; i < READERS; i++) {
		int fd = open_device(O_RDWR);

		if (i == 0)
			task_start(&poller, call_poll, fd, 0);
		task_start(&readers[i], call_take, fd, 0);
		report.tracked++;
	}
	return report;
}

static struct report look(void)
{
	struct report report = { 0 };
	int extra;

	for (int i = 0; i < files; i++) {
		report.wrong += is_mapped(i) && *pages[i] != current();
		if (is_quiet(i))
			continue;
		report.wrong += ready(opened[i]) != (acks_at_once(i) ? 0 : POLLIN | POLLRDNORM);
		report.wrong += take(opened[i]) != (acks_at_once(i) ? -EAGAIN : (long long)current());
	}
	for (int i = 0; i < READERS; i++)
		report.wrong += !task_blocks(&readers[i]);
	report.wrong += !task_blocks(&poller);
	/* One more than it may have is refused still. */
	extra = open(device, O_RDWR | O_CLOEXEC);
	report.wrong += files + READERS == quota ? extra >= 0 || errno != EMFILE : extra < 0;
	if (extra >= 0)
		close(extra);
	return report;
}

static struct report ack_the_rest(int loop)
{
	struct report report = { 0 };

	for (int i = 0; i < files; i++)
		if (!acks_at_once(i))
			report.wrong += ack(opened[i]) != 4;
	drain(loop);
	return report;
}

/* There was a bump: all that are polled are woken, all pages show it, all parked reads have ended. */
static struct report live_through_a_bump(int loop)
{
	struct epoll_event events[BATCH];
	struct report report = { 0 };
	int expected = 0;

	for (int i = 0; i < files; i++)
		expected += is_polled(i);
	while (expected > 0) {
		int n = epoll_wait(loop, events, BATCH, -1);

		if (n < 0 && errno == EINTR)
			continue;
		for (int i = 0; i < must(n); i++) {
			expected -= !woken[events[i].data.fd];
			woken[events[i].data.fd] = true;
		}
	}
	for (int i = 0; i < files; i++) {
		report.wrong += is_mapped(i) && *pages[i] != current();
		report.wrong += take(opened[i]) != (long long)current();
		report.wrong += ack(opened[i]) != 4;
	}
	report.wrong += task_result(&poller) != POLLIN;
	for (int i = 0; i < READERS; i++) {
		report.wrong += task_result(&readers[i]) != (long long)current();
		report.wrong += ack(readers[i].fd) != 4;
	}
	return report;
}

static int work(void *argument)
{
	struct worker *self = argument;
	uid_t user = FIRST_USER + (uid_t)self->number;
	int loop = must(epoll_create1(EPOLL_CLOEXEC));
	struct report report = { 0 };
	char command;

	must(setgroups(0, NULL));
	must(setresgid(user, user, user));
	must(setresuid(user, user, user));
	must(prctl(PR_SET_DUMPABLE, 1));	/* else it may not look whether its own threads sleep */
	open_all(loop);
	do {
		must(write(self->reports[1], &report, sizeof(report)));
		if (read(self->commands[0], &command, 1) != 1)
			return 1;
		switch (command) {
		case ACK_A_THIRD: report = ack_a_third(loop); break;
		case LOOK: report = look(); break;
		case ACK_THE_REST: report = ack_the_rest(loop); break;
		case LIVE_THROUGH_A_BUMP: report = live_through_a_bump(loop); break;
		default: break;
		}
	} while (command != GO);
	return 0;	/* the kernel closes them all at once */
}

/* All processes do a step at the same time; what they found. */
static struct report all(struct worker *workers, char command)
{
	struct report sum = { 0 };

	for (int i = 0; command && i < processes; i++)
		must(write(workers[i].commands[1], &command, 1));
	for (int i = 0; i < processes; i++) {
		struct report one;

		if (must(read(workers[i].reports[0], &one, sizeof(one))) != sizeof(one))
			_exit(97);	/* it is gone */
		sum.wrong += one.wrong;
		sum.late += one.late;
		sum.tracked += one.tracked;
	}
	return sum;
}

static void start(struct worker *workers)
{
	for (int i = 0; i < processes; i++) {
		struct worker *worker = &workers[i];

		worker->number = i;
		must(pipe2(worker->commands, O_CLOEXEC));
		must(pipe2(worker->reports, O_CLOEXEC));
		worker->pid = child(work, worker);
		close(worker->reports[1]);
		close(worker->commands[0]);
	}
	all(workers, 0);
}

static void end(struct worker *workers)
{
	const char go = GO;
	int odd = 0;

	for (int i = 0; i < processes; i++) {
		bool killed = i % 2;

		if (killed)
			kill(workers[i].pid, SIGKILL);
		else
			must(write(workers[i].commands[1], &go, 1));
		odd += child_status(workers[i].pid) != (killed ? 1000 + SIGKILL : 0);
	}
	is(odd, 0, "half of them end, half are killed");
	bump();
	is(outdated_watchers(), 0, "none of them is waited for");
}

static void pause_at(const char *what)
{
	char line[8];

	printf("# pause: %s\n", what);
	if (!fgets(line, sizeof(line), stdin))
		_exit(96);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static pid_t await_opened_state(pid_t daemon)
{
	while (daemon != 0 && !has_opened_state(daemon) && kill(daemon, 0) == 0)
		sleep_ms(1);
	return daemon;
}

/* The processor time that a process has used, in ms. */
static double used_ms(pid_t pid)
{
	struct timespec t = { 0 };
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) == 0)
		clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Kills the daemon and waits until the next one answers. Returns how long that took from when it had begun to take over, in ms. */
static double take_over(pid_t keeper)
{
	double killed = now_ms(), gone, opened, answered, used;
	pid_t daemon = daemon_of(keeper), next;

	must(kill(daemon, SIGKILL));
	next = daemon_after(keeper, daemon);
	gone = now_ms();
	await_opened_state(next);
	opened = now_ms();
	used = used_ms(next);
	must(outdated_watchers());
	answered = now_ms();
	used = used_ms(next) - used;
	ok(next != 0 && daemon_of(keeper) == next, "the next daemon serves");
	printf("# took over: %.0f ms from the kill to the first answer: %.0f until the next one started, %.0f until it took over,"
	       " %.0f until it answered, %.0f of these on a processor\n",
	       answered - killed, gone - killed, opened - gone, answered - opened, used);
	return answered - opened;
}

/* As above, and the next one is killed when it has just begun to take over, and the one after it in the middle of that. */
static void take_over_again_and_again(pid_t keeper, double lasts)
{
	bool at_once = false, in_the_middle = false;
	pid_t daemon = daemon_of(keeper), next;
	int tries;

	for (tries = 0; tries < TRIES && !(at_once && in_the_middle); tries++) {
		struct served before = served_so_far(), between;

		must(kill(daemon, SIGKILL));
		next = await_opened_state(daemon_after(keeper, daemon));
		must(kill(next, SIGKILL));
		daemon = daemon_after(keeper, next);
		between = served_so_far();
		at_once |= !has_served(next, before, between);

		next = await_opened_state(daemon);
		sleep_ms((long)(lasts / (tries + 2)));	/* sooner from try to try: this one may be faster */
		must(kill(next, SIGKILL));
		daemon = daemon_after(keeper, next);
		in_the_middle |= !has_served(next, between, served_so_far());
		outdated_watchers();
	}
	ok(at_once, "the next daemon is killed when it has just begun to take over");
	ok(in_the_middle, "and the one after it in the middle of that");
	printf("# after %d tries\n", tries);
}

static void all_is_there(struct worker *workers, struct task *waits, long long late)
{
	int fd;

	is(outdated_watchers(), late, "those who were late are late, and no others");
	ok(task_blocks(&waits[0]) && task_blocks(&waits[1]), "both WAITs go on");
	fd = open_device(O_RDWR);
	ok(fd >= 0, "root opens at once, though each user has all that he may");
	is(result(ioctl(fd, SYSGENID_WAIT_WATCHERS, 1UL)), -ETIME, "and waits, for a millisecond");
	close(fd);
	is(all(workers, LOOK).wrong, 0,
	   "whoever acked is up to date, whoever did not reads and polls, pages are right, readers sleep, quotas hold");
}

int main(int argc, char **argv)
{
	pid_t keeper = argc > 2 ? atoi(argv[2]) : 0;
	struct worker workers[MOST_PROCESSES];
	struct task waits[2];
	struct rlimit limit;
	struct report report;
	double lasts;

	processes = argc > 3 ? atoi(argv[3]) : 2;
	files = argc > 4 ? atoi(argv[4]) : 10;
	quota = argc > 5 ? atoi(argv[5]) : 16384;
	if (keeper < 1 || processes < 1 || processes > MOST_PROCESSES || files < 1 ||
	    files > (int)(sizeof(opened) / sizeof(opened[0])))
		return 2;
	device_setup(argc, argv);
	must(getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = limit.rlim_max;
	must(setrlimit(RLIMIT_NOFILE, &limit));

	start(workers);
	bump();
	report = all(workers, ACK_A_THIRD);
	is(report.wrong, 0, "%d watchers are open, and a third of them has acked", processes * (files + READERS));
	is(outdated_watchers(), report.late, "the others are waited for");
	/* Opened now: neither late nor tracked. */
	task_start(&waits[0], call_wait, open_device(O_RDONLY), 0);
	task_start(&waits[1], call_wait_v4, open_device(O_RDONLY), 3600000);
	until_parked_in_call(waits[0].tid);
	until_parked_in_call(waits[1].tid);
	pause_at("before");

	lasts = take_over(keeper);
	pause_at("taken over");
	all_is_there(workers, waits, report.late);

	if (argc <= 6) {
		take_over_again_and_again(keeper, lasts);
		pause_at("taken over again");
		all_is_there(workers, waits, report.late);
	}

	is(all(workers, ACK_THE_REST).wrong, 0, "the others ack");
	is(task_result(&waits[0]), 0, "so the WAIT ends");
	is(task_result(&waits[1]), 0, "and so does the one with a timeout");
	is(outdated_watchers(), 0, "nobody is late");
	bump();
	is(outdated_watchers(), report.tracked, "a bump: all who are tracked are waited for");
	is(all(workers, LIVE_THROUGH_A_BUMP).wrong, 0, "all pollers and readers are woken, all pages show it");
	is(outdated_watchers(), 0, "all have acked");
	pause_at("after a bump");
	end(workers);
	return plan();
}
