// SPDX-License-Identifier: Apache-2.0
/*
 * Kills the daemon at random moments while hundreds of clients in several processes use the device, and holds every answer
 * that they get against a model.
 *
 *	crash DEVICE KEEPER SECONDS PROCESSES THREADS SEED
 *
 * KEEPER is the process whose child is the daemon. The model is two numbers in memory that all share: how many bumps were
 * begun, and how many have returned. A call that was made in between lived in a generation g with
 *
 *	returned, before the call  <=  g  <=  begun, after the call
 *
 * and each client knows what it acked. That no ack is lost, no bump is lost or done twice, nobody sleeps through a bump, no
 * page stands still and no watcher stays behind, follows from the checks below.
 */
#include <grp.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include "keeper.h"

#define NOBODY 65534
#define MOST_PAUSES 100000
#define MORE_TIME 180000000000u	/* ns */
#define LONG 600	/* seconds: a kill in a take-over is left to chance before */

struct model {
	_Atomic uint64_t begun, returned;
	atomic_bool stop, end;
	/* Odd: a tracked watcher is outdated, and stays so until this changes. */
	_Atomic uint64_t laggard;
	_Atomic uint64_t calls, waits_done, waits_timed_out, opens, clients_killed;
	atomic_int failures;
	char message[256];
	/* Of these: of a daemon that had begun to take over and did not serve yet; of one that had not even begun. */
	int kills, kills_in_takeover, kills_in_start;
	int pauses;
	double pause[MOST_PAUSES];
};

static struct model *model;
static struct served served;	/* until the last kill */
static uint32_t base;

__attribute__((format(printf, 1, 2)))
static void violation(const char *format, ...)
{
	va_list arguments;

	if (atomic_fetch_add(&model->failures, 1) == 0) {
		va_start(arguments, format);
		vsnprintf(model->message, sizeof(model->message), format, arguments);
		va_end(arguments);
	}
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Starts far from 0, but there is no wrap in the length of a run: so numbers can be compared. */
static uint64_t since_base(uint32_t g)
{
	return (uint32_t)(g - base);
}

struct client {
	unsigned int seed;
	int fd;
	bool tracked;
	const _Atomic uint32_t *page;
	uint64_t acked;		/* the generation, since the base */
	bool acked_known;	/* of a fresh open it is somewhere between these */
	uint64_t acked_most;
	uint64_t seen;		/* in the page */
};

static void open_client(struct client *c)
{
	uint64_t before = model->returned;
	void *page;

	c->fd = open(device, O_RDWR | O_CLOEXEC);
	if (c->fd < 0) {
		violation("open: %s", strerror(errno));
		_exit(97);
	}
	c->acked = before;
	c->acked_most = model->begun;
	c->acked_known = false;
	c->tracked = true;
	page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, c->fd, 0);
	if (page == MAP_FAILED) {
		violation("mmap: %s", strerror(errno));
		_exit(97);
	}
	c->page = page;
	c->seen = 0;
	atomic_fetch_add(&model->opens, 1);
}

static void close_client(struct client *c)
{
	if (close(c->fd) < 0)
		violation("close: %s", strerror(errno));
	munmap((void *)c->page, 4096);
}

/* The least that a call made from now on can see, taken before it; the most, taken after it. */
static uint64_t least(void)
{
	return model->returned;
}

static uint64_t most(void)
{
	return model->begun;
}

static uint64_t look(struct client *c)
{
	uint64_t from = least(), g = since_base(atomic_load_explicit(c->page, memory_order_acquire)), to = most();

	if (g < from || g > to)
		violation("a page shows %llu, which must be %llu to %llu", (unsigned long long)g,
			  (unsigned long long)from, (unsigned long long)to);
	if (g < c->seen)
		violation("a page shows %llu after %llu", (unsigned long long)g, (unsigned long long)c->seen);
	c->seen = g;
	return g;
}

/* A read returned g. */
static void check_read(struct client *c, uint32_t value, uint64_t from, uint64_t to)
{
	uint64_t g = since_base(value);

	if (g < from || g > to)
		violation("a read returned %llu, which must be %llu to %llu", (unsigned long long)g,
			  (unsigned long long)from, (unsigned long long)to);
	if (g <= c->acked)
		violation("a read returned %llu to one who acked %llu", (unsigned long long)g,
			  (unsigned long long)c->acked);
}

/* The client was outdated at some moment of a call, or was not. */
static void check_outdated(struct client *c, const char *call, uint64_t to)
{
	if (to <= c->acked)
		violation("%s: outdated, having acked %llu, when %llu was the last", call,
			  (unsigned long long)c->acked, (unsigned long long)to);
}

static void check_current(struct client *c, const char *call, uint64_t from)
{
	if (from > c->acked_most)
		violation("%s: up to date, having acked %llu, when there had been %llu", call,
			  (unsigned long long)c->acked_most, (unsigned long long)from);
}

static void do_read(struct client *c, bool blocking)
{
	uint32_t value = 0;
	uint64_t from = least();
	ssize_t n;

	if (!blocking)
		fcntl(c->fd, F_SETFL, O_NONBLOCK);
	n = pread(c->fd, &value, sizeof(value), 0);
	if (n == sizeof(value))
		check_read(c, value, from, most());
	else if (n < 0 && errno == EAGAIN && !blocking)
		check_current(c, "read", from);
	else
		violation("a read returned %zd: %s", n, n < 0 ? strerror(errno) : "?");
	if (!blocking)
		fcntl(c->fd, F_SETFL, 0);
}

static void do_ack(struct client *c)
{
	uint64_t g = look(c), from = least();
	uint32_t value = base + (uint32_t)g;
	ssize_t n = pwrite(c->fd, &value, sizeof(value), 0);
	uint64_t to = most();

	if (n == sizeof(value)) {
		if (g < from)
			violation("an ack of %llu was taken when there had been %llu", (unsigned long long)g,
				  (unsigned long long)from);
		c->acked = c->acked_most = g;
		c->acked_known = true;
	} else if (n < 0 && errno == EINVAL) {
		if (to <= g)
			violation("an ack of %llu was refused when that was the last", (unsigned long long)g);
	} else {
		violation("an ack returned %zd: %s", n, n < 0 ? strerror(errno) : "?");
	}
}

static void do_poll(struct client *c, int timeout)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	uint64_t from = least();
	int n = poll(&p, 1, timeout);
	uint64_t to = most();

	if (n < 0 || p.revents & (POLLERR | POLLHUP | POLLNVAL))
		violation("poll returned %d, %x: %s", n, p.revents, n < 0 ? strerror(errno) : "?");
	else if (p.revents & POLLIN)
		check_outdated(c, "poll", to);
	else if (timeout == 0)
		check_current(c, "poll", from);
	else if (timeout < 0)
		violation("poll returned without an event");
}

static void do_epoll(struct client *c)
{
	struct epoll_event event = { .events = EPOLLIN | (rand_r(&c->seed) % 2 ? EPOLLET : 0) };
	int loop = epoll_create1(EPOLL_CLOEXEC), n;

	if (loop < 0 || epoll_ctl(loop, EPOLL_CTL_ADD, c->fd, &event) < 0)
		violation("epoll: %s", strerror(errno));
	n = epoll_wait(loop, &event, 1, -1);
	if (n != 1 || event.events & (EPOLLERR | EPOLLHUP))
		violation("epoll_wait returned %d: %s", n, n < 0 ? strerror(errno) : "?");
	check_outdated(c, "epoll", most());
	close(loop);
}

static void do_wait(struct client *c)
{
	bool v4 = rand_r(&c->seed) % 2;
	unsigned long limit = rand_r(&c->seed) % 4 ? 1 + (unsigned long)rand_r(&c->seed) % 400 : 0;
	uint64_t late = model->laggard, began = now_ns();
	int n = ioctl(c->fd, v4 ? SYSGENID_V4_WAIT_WATCHERS : SYSGENID_WAIT_WATCHERS, limit), error = errno;
	double took = (double)(now_ns() - began) / 1e6;
	uint64_t to = most();

	if (n == 0) {
		atomic_fetch_add(&model->waits_done, 1);
		if (late % 2 && model->laggard == late)
			violation("a WAIT ended while somebody was outdated all the time");
	} else if (n < 0 && error == ETIME && !v4 && limit) {
		atomic_fetch_add(&model->waits_timed_out, 1);
		if (took < (double)limit - 1)
			violation("a WAIT of %lu ms timed out after %.1f", limit, took);
	} else if (n < 0 && error == EINTR) {
		if (!(v4 && limit && took >= (double)limit - 1))
			check_outdated(c, "WAIT", to);
	} else {
		violation("WAIT returned %d: %s", n, strerror(error));
	}
}

static void do_count(struct client *c)
{
	uint64_t late = model->laggard;
	int n = ioctl(c->fd, SYSGENID_V4_GET_OUTDATED_WATCHERS, 0UL);

	if (n < 0)
		violation("GET: %s", strerror(errno));
	else if (n == 0 && late % 2 && model->laggard == late)
		violation("GET counted nobody while somebody was outdated all the time");
}

static void do_tracking(struct client *c)
{
	c->tracked = rand_r(&c->seed) % 3;
	if (ioctl(c->fd, SYSGENID_SET_WATCHER_TRACKING, (unsigned long)c->tracked) != 0)
		violation("SET_WATCHER_TRACKING: %s", strerror(errno));
}

/* A child that shares the open file and the page, and is killed, perhaps in a call. */
static void do_fork(struct client *c)
{
	int what = rand_r(&c->seed) % 4, status;
	struct timespec delay = { .tv_nsec = rand_r(&c->seed) % 20000000 };
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		look(c);
		switch (what) {
		case 0: do_read(c, true); break;
		case 1: do_poll(c, -1); break;
		case 2: { /* one of its own, mapped, and killed with it */
			struct client other = { .seed = c->seed };

			open_client(&other);
			do_ack(&other);
			do_read(&other, true);
			break;
		}
		default: break;
		}
		look(c);
		_exit(0);
	}
	if (pid < 0)
		return;
	nanosleep(&delay, NULL);
	kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	atomic_fetch_add(&model->clients_killed, 1);
}

static void *client_main(void *argument)
{
	struct client c = { .seed = *(unsigned int *)argument };

	open_client(&c);
	while (!model->end) {
		struct timespec idle = { .tv_nsec = rand_r(&c.seed) % 20000000 };

		look(&c);
		switch (rand_r(&c.seed) % 24) {
		case 0: case 1: case 2: do_read(&c, false); break;
		case 3: case 4: do_read(&c, true); break;
		case 5: case 6: case 7: case 8: case 9: do_ack(&c); break;
		case 10: do_poll(&c, 0); break;
		case 11: do_poll(&c, -1); break;
		case 12: do_poll(&c, 30); break;
		case 13: do_epoll(&c); break;
		case 14: case 15: do_wait(&c); break;
		case 16: do_count(&c); break;
		case 17: do_tracking(&c); break;
		case 18: close_client(&c); open_client(&c); break;
		case 19: if (rand_r(&c.seed) % 4 == 0) do_fork(&c); break;
		default: nanosleep(&idle, NULL);
		}
		atomic_fetch_add(&model->calls, 1);
	}
	close_client(&c);
	return NULL;
}

static int clients(void *argument)
{
	unsigned int *given = argument, count = given[1], seeds[1024];
	pthread_t threads[1024];
	pthread_attr_t attributes;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 256 * 1024);
	must(setgroups(0, NULL));
	must(setresgid(NOBODY, NOBODY, NOBODY));
	must(setresuid(NOBODY, NOBODY, NOBODY));
	for (unsigned int i = 0; i < count; i++) {
		seeds[i] = given[0] + i * 7919;
		if (pthread_create(&threads[i], &attributes, client_main, &seeds[i]))
			return 96;
	}
	for (unsigned int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

/* Changes the generation, alone, so that its number is known. */
static void *bumper_main(void *argument)
{
	unsigned int seed = *(unsigned int *)argument;

	while (!model->end) {
		struct timespec pause = { .tv_nsec = rand_r(&seed) % 8 ? rand_r(&seed) % 40000000 : 0 };
		uint64_t next = model->begun + 1, g;

		model->begun = next;
		if (ioctl(control, SYSGENID_TRIGGER_GEN_UPDATE, 0UL) != 0)
			violation("a bump: %s", strerror(errno));
		g = since_base(current());
		if (g != next)
			violation("after bump %llu the generation is %llu", (unsigned long long)next,
				  (unsigned long long)g);
		model->returned = next;
		nanosleep(&pause, NULL);
	}
	return NULL;
}

/* A watcher that is outdated for a while, and says so. */
static void *laggard_main(void *argument)
{
	struct client c = { .seed = *(unsigned int *)argument };

	open_client(&c);
	do_ack(&c);
	while (!model->end) {
		struct timespec while_late = { .tv_nsec = 1000000 + rand_r(&c.seed) % 200000000 };

		do_read(&c, true);
		atomic_fetch_add(&model->laggard, 1);
		nanosleep(&while_late, NULL);
		atomic_fetch_add(&model->laggard, 1);
		do_ack(&c);
	}
	close_client(&c);
	return NULL;
}

/* Asks again and again: how long the daemon does not answer. */
static void *prober_main(void *argument)
{
	(void)argument;
	while (!model->stop) {
		uint64_t began = now_ns();
		double took;

		if (ioctl(control, SYSGENID_V4_GET_OUTDATED_WATCHERS, 0UL) < 0)
			violation("the prober: %s", strerror(errno));
		took = (double)(now_ns() - began) / 1e6;
		if (took > 50 && model->pauses < MOST_PAUSES)
			model->pause[model->pauses++] = took;
		sleep_ms(1);
	}
	return NULL;
}

/*
 * Kills a daemon. Returns the next one, or 0.
 *
 *	began	whether it had begun to take over, or more, when that was looked at: before this
 */
static pid_t kill_daemon(pid_t keeper, pid_t pid, bool began)
{
	struct served now;
	pid_t next;

	if (kill(pid, SIGKILL) < 0)
		return 0;
	model->kills++;
	next = daemon_after(keeper, pid);
	now = served_so_far();
	if (next != 0 && !has_served(pid, served, now))
		(*(began ? &model->kills_in_takeover : &model->kills_in_start))++;
	served = now;
	return next;
}

/* Kills the daemon that comes after one that was killed: most of the times while it takes over. */
static void kill_successor(pid_t keeper, pid_t pid, unsigned int *seed)
{
	if (rand_r(seed) % 4 != 0) {
		for (uint64_t watch = now_ns() + 60000000000u; !has_opened_state(pid) && now_ns() < watch;)
			sleep_ms(1);
		/* How long a take-over takes depends on the machine: rather short times than long ones. */
		sleep_ms(rand_r(seed) % (1 << rand_r(seed) % 10));
	} else {
		sleep_ms(rand_r(seed) % 1200);
	}
	kill_daemon(keeper, pid, has_opened_state(pid));
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	pid_t keeper = argc > 2 ? atoi(argv[2]) : 0, pids[64];
	double seconds = argc > 3 ? atof(argv[3]) : 10;
	unsigned int processes = argc > 4 ? (unsigned int)atoi(argv[4]) : 4;
	unsigned int per_process = argc > 5 ? (unsigned int)atoi(argv[5]) : 40;
	unsigned int seed = argc > 6 ? (unsigned int)strtoul(argv[6], NULL, 10) : 1, seeds[4];
	pthread_t bumper, laggard, prober;
	uint64_t end, watch, calls;
	bool hung = false;
	int left, least;

	device_setup(argc, argv);
	if (processes > 64 || per_process > 1024 || keeper < 1)
		return 2;
	model = mmap(NULL, sizeof(*model), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (model == MAP_FAILED)
		return 99;
	base = current();
	served = served_so_far();
	printf("# seed %u, %u clients in %u processes\n", seed, processes * per_process, processes);
	for (unsigned int i = 0; i < processes; i++) {
		unsigned int given[2] = { seed + i * 104729, per_process };

		pids[i] = child(clients, given);
	}
	for (int i = 0; i < 4; i++)
		seeds[i] = seed ^ (unsigned int)(0x9e3779b9u * (unsigned int)(i + 1));
	pthread_create(&bumper, NULL, bumper_main, &seeds[0]);
	pthread_create(&laggard, NULL, laggard_main, &seeds[1]);
	pthread_create(&prober, NULL, prober_main, &seeds[2]);

	end = now_ns() + (uint64_t)(seconds * 1e9);
	least = seconds / 60 > 2 ? (int)(seconds / 60) : 2;
	/* A time, and on a machine that is too busy for the least number of kills some more. */
	while ((now_ns() < end || (model->kills < least && now_ns() < end + MORE_TIME)) && model->failures == 0) {
		bool at_once = rand_r(&seeds[3]) % 4 == 0;
		pid_t pid = daemon_of(keeper);
		uint64_t returned;
		bool began;

		sleep_ms(rand_r(&seeds[3]) % 700);
		began = has_opened_state(pid);
		/* Half of the times in the middle of a bump. */
		if (rand_r(&seeds[3]) % 2) {
			for (watch = now_ns() + 200000000; now_ns() < watch && model->begun == model->returned;)
				;
			for (watch = now_ns() + rand_r(&seeds[3]) % 400000; now_ns() < watch;)
				;
		}
		pid = pid != 0 ? kill_daemon(keeper, pid, began) : 0;
		if (pid == 0)
			continue;
		if (at_once)
			kill_successor(keeper, pid, &seeds[3]);
		/* Somebody serves again. */
		returned = model->returned;
		for (watch = now_ns() + 90000000000ull; now_ns() < watch && model->returned == returned; sleep_ms(5))
			if (model->failures)
				break;
		if (model->returned == returned && model->failures == 0) {
			violation("no bump came through for 90 s after a kill");
			break;
		}
	}

	/* Everybody comes to an end: whoever sleeps in a call is woken by bumps, which go on until the last one has. */
	calls = model->calls;
	sleep_ms(1000);
	model->stop = true;
	pthread_join(prober, NULL);
	model->end = true;
	pthread_join(bumper, NULL);
	left = (int)processes + 1;
	for (watch = now_ns() + 120000000000ull; left > 0; sleep_ms(5)) {
		model->begun++;
		if (ioctl(control, SYSGENID_TRIGGER_GEN_UPDATE, 0UL) != 0)
			violation("a last bump: %s", strerror(errno));
		model->returned = model->begun;
		for (unsigned int i = 0; i < processes; i++) {
			int status;

			if (pids[i] > 0 && waitpid(pids[i], &status, WNOHANG) == pids[i]) {
				if (status != 0)
					violation("clients %u ended with %x", i, status);
				pids[i] = 0;
				left--;
			}
		}
		if (laggard && pthread_tryjoin_np(laggard, NULL) == 0) {
			laggard = 0;
			left--;
		}
		if (now_ns() > watch) {
			hung = true;
			for (unsigned int i = 0; i < processes; i++)
				if (pids[i] > 0)
					kill(pids[i], SIGKILL);
			break;
		}
	}

	qsort(model->pause, (size_t)model->pauses, sizeof(double), compare);
	printf("# %d kills, %d of them during a take-over, %d while the next daemon had not begun it; %llu bumps, %llu calls,"
	       " %llu opens, %llu clients killed\n",
	       model->kills, model->kills_in_takeover, model->kills_in_start, (unsigned long long)model->begun,
	       (unsigned long long)model->calls, (unsigned long long)model->opens,
	       (unsigned long long)model->clients_killed);
	printf("# WAITs: %llu ended, %llu timed out\n", (unsigned long long)model->waits_done,
	       (unsigned long long)model->waits_timed_out);
	if (model->pauses)
		printf("# pause: median %.0f ms, worst %.0f ms, of %d longer than 50 ms\n",
		       model->pause[model->pauses / 2], model->pause[model->pauses - 1], model->pauses);
	if (model->failures)
		printf("# %s\n", model->message);
	is(model->failures, 0, "every answer fits the model");
	ok(!hung, "nobody hangs");
	ok(model->kills >= least, "the daemon was killed %d times at least", least);
	if (seconds >= LONG)
		ok(model->kills_in_takeover > 0, "also while it took over");
	ok(calls > 0, "there were calls");
	is(since_base(current()), model->begun, "no bump was lost, none was done twice");
	for (watch = now_ns() + 60000000000ull; (left = outdated_watchers()) != 0 && now_ns() < watch;)
		sleep_ms(10);
	is(left, 0, "no watcher was left behind");
	return plan();
}
