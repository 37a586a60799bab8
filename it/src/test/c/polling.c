// SPDX-License-Identifier: Apache-2.0
/* poll(2), select(2) and epoll(7), level and edge triggered, from one process and from several. */
#include <sys/epoll.h>
#include <sys/select.h>

#include "device.h"

#define READABLE (POLLIN | POLLRDNORM)

static void add(int loop, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	must(epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event));
}

/* The events there are now: their union, or -1 for none. Fails the program if one comes twice. */
static int events_now(int loop)
{
	struct epoll_event events[4];
	int n = must(epoll_wait(loop, events, 4, 0));

	return n == 0 ? -1 : n == 1 ? (int)events[0].events : -1000 - n;
}

static void levels(void)
{
	static const struct { int flags; const char *name; } modes[] = {
		{ O_RDONLY, "O_RDONLY" }, { O_WRONLY, "O_WRONLY" }, { O_RDWR, "O_RDWR" },
	};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		int fd = open_device(modes[i].flags);

		is(ready(fd), 0, "%s: poll, up to date: nothing, and never POLLOUT", modes[i].name);
		bump();
		is(ready(fd), READABLE, "%s: poll, outdated", modes[i].name);
		if (modes[i].flags != O_WRONLY) {
			take(fd);
			is(ready(fd), READABLE, "%s: a read does not clear it", modes[i].name);
		}
		bump();
		is(ready(fd), READABLE, "%s: nor does another bump", modes[i].name);
		if (modes[i].flags != O_RDONLY) {
			ack(fd);
			is(ready(fd), 0, "%s: an ack does", modes[i].name);
		}
		close(fd);
	}
}

/* Only what was asked for is told. */
static void masks(void)
{
	int fd = open_device(O_RDWR);
	struct pollfd p = { .fd = fd };
	struct timeval none = { 0 };
	fd_set r, w, x;

	bump();
	p.events = POLLOUT;
	is(poll(&p, 1, 0), 0, "POLLOUT alone, outdated: no event");
	p.events = POLLRDNORM;
	is(poll(&p, 1, 0), 1, "POLLRDNORM alone, outdated: an event");
	is(p.revents, POLLRDNORM, "and it is that one");
	p.events = POLLIN;
	is(poll(&p, 1, 0), 1, "POLLIN alone, outdated: an event");
	is(p.revents, POLLIN, "and it is that one");

	FD_ZERO(&r);
	FD_SET(fd, &r);
	w = x = r;
	is(select(fd + 1, &r, &w, &x, &none), 1, "select, outdated: one bit");
	ok(FD_ISSET(fd, &r) && !FD_ISSET(fd, &w) && !FD_ISSET(fd, &x), "in the set for reading");
	ack(fd);
	FD_ZERO(&r);
	FD_SET(fd, &r);
	w = x = r;
	is(select(fd + 1, &r, &w, &x, &none), 0, "select, up to date: no bit");
	close(fd);
}

static void sleepers(void)
{
	enum { THREADS = 8 };
	int fd = open_device(O_RDWR), own[THREADS];
	struct task shared[THREADS], alone[THREADS];
	int woken = 0;

	for (int i = 0; i < THREADS; i++) {
		own[i] = open_device(i % 2 ? O_RDONLY : O_RDWR);
		task_start(&shared[i], call_poll, fd, 0);
		task_start(&alone[i], call_poll, own[i], 0);
	}
	for (int i = 0; i < THREADS; i++)
		woken += !task_blocks(&shared[i]) + !task_blocks(&alone[i]);
	is(woken, 0, "8 threads sleep in poll on one descriptor and 8 on their own");
	bump();
	for (int i = 0; i < THREADS; i++)
		woken += (task_result(&shared[i]) == POLLIN) + (task_result(&alone[i]) == POLLIN);
	is(woken, 2 * THREADS, "one bump wakes them all");

	for (int i = 0; i < THREADS; i++)
		close(own[i]);
	ack(fd);
	for (int round = 0; round < 50; round++) {
		task_start(&shared[0], call_poll, fd, 0);
		bump();
		if (task_result(&shared[0]) != POLLIN) {
			ok(false, "sleeper %d of 50 woken", round);
			break;
		}
		ack(fd);
	}
	is(ready(fd), 0, "fifty times in a row, acked in between");
	close(fd);
}

static void level_triggered(void)
{
	int fd = open_device(O_RDWR), loop = must(epoll_create1(EPOLL_CLOEXEC));

	add(loop, fd, EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLPRI);
	is(events_now(loop), -1, "level: up to date: no event");
	bump();
	is(events_now(loop), EPOLLIN | EPOLLRDNORM, "level: a bump: readable");
	is(events_now(loop), EPOLLIN | EPOLLRDNORM, "level: told again");
	take(fd);
	is(events_now(loop), EPOLLIN | EPOLLRDNORM, "level: a read does not clear it");
	ack(fd);
	is(events_now(loop), -1, "level: an ack does");
	bump();
	bump();
	is(events_now(loop), EPOLLIN | EPOLLRDNORM, "level: two bumps");
	ack(fd);
	is(events_now(loop), -1, "level: one ack of the newest");
	close(fd);
	bump();
	is(events_now(loop), -1, "level: a closed file is out of the set");

	fd = open_device(O_RDWR);
	bump();
	add(loop, fd, EPOLLIN);
	is(events_now(loop), EPOLLIN, "level: added while outdated: told at once");
	ack(fd);
	is(events_now(loop), -1, "level: added while outdated, then acked: none");
	bump();
	is(events_now(loop), EPOLLIN, "level: added while outdated: later bumps are told too");
	close(fd);
	close(loop);
}

static void edge_triggered(void)
{
	int fd = open_device(O_RDWR), loop = must(epoll_create1(EPOLL_CLOEXEC));
	int one = 0;

	add(loop, fd, EPOLLIN | EPOLLET);
	is(events_now(loop), -1, "edge: up to date: no event");
	bump();
	is(events_now(loop), EPOLLIN, "edge: a bump");
	is(events_now(loop), -1, "edge: told once");
	bump();
	is(events_now(loop), EPOLLIN, "edge: the next bump, though nothing was acked");
	is(events_now(loop), -1, "edge: told once");
	for (int i = 0; i < 5; i++)
		bump();
	is(events_now(loop), EPOLLIN, "edge: five bumps before a wait");
	is(events_now(loop), -1, "edge: are one event");
	for (int i = 0; i < 100; i++) {
		bump();
		one += events_now(loop) == EPOLLIN && events_now(loop) == -1;
	}
	is(one, 100, "edge: a hundred bumps, none acked: one event each");
	ack(fd);
	is(events_now(loop), -1, "edge: an ack is no event");
	bump();
	ack(fd);
	is(events_now(loop), -1, "edge: a bump acked before the wait: no event");
	bump();
	is(events_now(loop), EPOLLIN, "edge: and the bump after that is one");
	close(fd);

	fd = open_device(O_RDWR);
	bump();
	add(loop, fd, EPOLLIN | EPOLLET);
	is(events_now(loop), EPOLLIN, "edge: added while outdated: told");
	is(events_now(loop), -1, "edge: once");
	bump();
	is(events_now(loop), EPOLLIN, "edge: added while outdated: the next bump is told (the driver lost it)");
	close(fd);
	close(loop);
}

static void rearmed(void)
{
	int fd = open_device(O_RDWR), loop = must(epoll_create1(EPOLL_CLOEXEC));
	struct epoll_event event = { .events = EPOLLIN | EPOLLONESHOT };

	add(loop, fd, EPOLLIN | EPOLLONESHOT);
	bump();
	is(events_now(loop), EPOLLIN, "one shot: a bump");
	bump();
	is(events_now(loop), -1, "one shot: disarmed");
	must(epoll_ctl(loop, EPOLL_CTL_MOD, fd, &event));
	is(events_now(loop), EPOLLIN, "one shot: armed again while outdated: told at once");
	ack(fd);
	must(epoll_ctl(loop, EPOLL_CTL_MOD, fd, &event));
	is(events_now(loop), -1, "one shot: armed again while up to date: none");
	bump();
	is(events_now(loop), EPOLLIN, "one shot: then the bump");
	must(epoll_ctl(loop, EPOLL_CTL_DEL, fd, NULL));
	ack(fd);
	bump();
	add(loop, fd, EPOLLIN | EPOLLET);
	is(events_now(loop), EPOLLIN, "removed and added again while outdated: told");
	close(fd);
	close(loop);
}

static void two_sets(void)
{
	int fd = open_device(O_RDWR), other = must(dup(fd));
	int level = must(epoll_create1(EPOLL_CLOEXEC)), edge = must(epoll_create1(EPOLL_CLOEXEC));
	int nested = must(epoll_create1(EPOLL_CLOEXEC));

	add(level, fd, EPOLLIN);
	add(edge, other, EPOLLIN | EPOLLET);
	add(nested, level, EPOLLIN | EPOLLET);
	for (int round = 1; round <= 3; round++) {
		bump();
		is(events_now(edge), EPOLLIN, "two sets, round %d: the edge set is told", round);
		is(events_now(level), EPOLLIN, "two sets, round %d: and the level set", round);
		is(events_now(nested), EPOLLIN, "two sets, round %d: and a set that holds that set", round);
	}
	ack(fd);
	bump();
	is(events_now(nested), EPOLLIN, "two sets: after an ack, through the nested set");
	close(nested);
	close(level);
	close(edge);
	close(other);
	close(fd);
}

static int wait_for_event(void *argument)
{
	int loop = must(epoll_create1(EPOLL_CLOEXEC));
	struct epoll_event event;

	add(loop, *(int *)argument, EPOLLIN | EPOLLET);
	return must(epoll_wait(loop, &event, 1, -1)) == 1 && event.events == EPOLLIN ? 5 : 6;
}

static void other_processes(void)
{
	enum { CHILDREN = 8 };
	int fd = open_device(O_RDWR), right = 0;
	pid_t pids[CHILDREN];

	for (int i = 0; i < CHILDREN; i++) {
		pids[i] = child(wait_for_event, &fd);
		until_sleeps_in_call(pids[i]);
	}
	/*
	 * Asleep may still mean: in the question of epoll_ctl. Whoever is there, asks before the bump and is woken by
	 * it; or asks after it and is told at once.
	 */
	bump();
	for (int i = 0; i < CHILDREN; i++)
		right += child_status(pids[i]) == 5;
	is(right, CHILDREN, "8 processes in epoll_wait on one watcher are told of a bump");
	is(ready(fd), READABLE, "none of them has acked by that");
	close(fd);
}

/* Many descriptors in one set: each is told, and the acked ones fall silent one by one. */
static void many(void)
{
	enum { FILES = 200 };
	struct epoll_event events[FILES + 1];
	int loop = must(epoll_create1(EPOLL_CLOEXEC)), fds[FILES], wrong = 0;

	for (int i = 0; i < FILES; i++) {
		fds[i] = open_device(O_RDWR);
		add(loop, fds[i], EPOLLIN);
	}
	is(must(epoll_wait(loop, events, FILES + 1, 0)), 0, "200 watchers in a set: silent");
	bump();
	is(must(epoll_wait(loop, events, FILES + 1, 0)), FILES, "a bump: all of them");
	for (int i = 0; i < FILES; i++) {
		ack(fds[i]);
		wrong += must(epoll_wait(loop, events, FILES + 1, 0)) != FILES - 1 - i;
	}
	is(wrong, 0, "each ack takes one out");
	for (int i = 0; i < FILES; i++)
		close(fds[i]);
	close(loop);
}

int main(int argc, char **argv)
{
	device_setup(argc, argv);
	levels();
	masks();
	sleepers();
	level_triggered();
	edge_triggered();
	rearmed();
	two_sets();
	other_processes();
	many();
	return plan();
}
