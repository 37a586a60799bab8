// SPDX-License-Identifier: Apache-2.0
/*
 * Measures a mounted device from C, each number beside a peer that is measured in the same run.
 *
 * Ours and the peer take turns in rounds, so that whatever else the machine does hits both. What is printed is medians
 * (with the least and the 90th percentile) of single calls, as lines of tab-separated fields:
 *
 *   row <section> <what> <placement> <unit> <median> <min> <p90> <peer> <median> <min> <p90> <ratio> <goal> <reached>
 *
 * Placement says where the daemon's loop thread and the measuring process (or the two ends of the peer) run: on the
 * same processor, on two, or free, that is, where the scheduler puts them.
 *
 * Each section is a command; see usage().
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GET_OUTDATED_WATCHERS 0x2d01
#define WAIT_WATCHERS 0xE402
#define TRIGGER_GEN_UPDATE 0xE403

#define PAGE 4096
#define WAIT_MILLIS 60000UL

static void die(const char *what)
{
	fprintf(stderr, "sysgenid-bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int must(int result, const char *what)
{
	if (result < 0)
		die(what);
	return result;
}

static void *must_map(int fd, size_t length, int prot, int flags)
{
	void *memory = mmap(NULL, length, prot, flags, fd, 0);

	if (memory == MAP_FAILED)
		die("mmap");
	return memory;
}

static void *must_allocate(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	if (!memory)
		die("calloc");
	return memory;
}

/* Nanoseconds of CLOCK_MONOTONIC, without a system call. */
static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void sleep_micros(long micros)
{
	struct timespec t = {micros / 1000000, micros % 1000000 * 1000};

	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

/* ---- Samples ---- */

struct series {
	double *values;
	size_t count, capacity;
};

static void add(struct series *s, double value)
{
	if (s->count == s->capacity) {
		s->capacity = s->capacity ? 2 * s->capacity : 1024;
		s->values = realloc(s->values, s->capacity * sizeof *s->values);
		if (!s->values)
			die("realloc");
	}
	s->values[s->count++] = value;
}

static void add_micros(struct series *s, int64_t since)
{
	add(s, (now() - since) / 1e3);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double percentile(struct series *s, double share)
{
	if (s->count == 0)
		return 0;
	qsort(s->values, s->count, sizeof *s->values, ascending);
	return s->values[(size_t)(share * (s->count - 1) + 0.5)];
}

static double median(struct series *s)
{
	return percentile(s, 0.5);
}

static void forget(struct series *s)
{
	free(s->values);
	*s = (struct series){0};
}

/* ---- Results ---- */

enum goal_kind { NO_GOAL, RATIO_AT_MOST, VALUE_AT_MOST };

struct goal {
	enum goal_kind kind;
	double limit;
};

static const struct goal no_goal = {NO_GOAL, 0};

static struct goal ratio_at_most(double limit)
{
	return (struct goal){RATIO_AT_MOST, limit};
}

static struct goal value_at_most(double limit)
{
	return (struct goal){VALUE_AT_MOST, limit};
}

static const char *placement_name = "-";
static const char *section; /* by default, the command's name */

/* Three significant digits, without an exponent. */
static void print_number(double value)
{
	int decimals = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3;

	printf("\t%.*f", decimals, value);
}

/* Median, least, 90th percentile. */
static void print_series(struct series *s)
{
	print_number(median(s));
	print_number(percentile(s, 0));
	print_number(percentile(s, 0.9));
}

/* Prints one row; a peer of NULL is none. */
static void report(const char *what, const char *unit, struct series *ours, const char *peer, struct series *theirs,
		   struct goal goal)
{
	double value = median(ours), ratio = theirs ? value / median(theirs) : 0;
	double judged = goal.kind == RATIO_AT_MOST ? ratio : value;

	printf("row\t%s\t%s\t%s\t%s", section, what, placement_name, unit);
	print_series(ours);
	if (theirs) {
		printf("\t%s", peer);
		print_series(theirs);
		printf("\t%.2f", ratio);
	} else {
		printf("\t-\t-\t-\t-\t-");
	}
	if (goal.kind == NO_GOAL)
		printf("\t-\t-\n");
	else
		printf("\t<= %g%s%s\t%s\n", goal.limit, goal.kind == RATIO_AT_MOST ? "x" : " ",
		       goal.kind == RATIO_AT_MOST ? "" : unit, judged <= goal.limit ? "yes" : "no");
	fflush(stdout);
}

/* ---- The device ---- */

static struct {
	const char *device;
	pid_t daemon;
	int rounds;
	bool quick;
} options = {"/dev/sysgenid", 0, 0, false};

static int open_device(int flags)
{
	return must(open(options.device, flags | O_CLOEXEC), options.device);
}

static void bump(int fd)
{
	must(ioctl(fd, TRIGGER_GEN_UPDATE, 0UL), "TRIGGER_GEN_UPDATE");
}

/* Reads the generation, which must have been bumped since the last ack. */
static uint32_t read_generation(int fd)
{
	uint32_t generation;

	if (read(fd, &generation, sizeof generation) != sizeof generation)
		die("read of the generation");
	return generation;
}

static void ack(int fd, uint32_t generation)
{
	if (write(fd, &generation, sizeof generation) != sizeof generation)
		die("ack");
}

static volatile uint32_t *map_generation(int fd)
{
	return must_map(fd, PAGE, PROT_READ, MAP_SHARED);
}

/* Makes sure that this watcher is up to date; the device must not be bumped by anybody else meanwhile. */
static uint32_t catch_up(int fd)
{
	volatile uint32_t *page = map_generation(fd);
	uint32_t generation = *page;

	munmap((void *)page, PAGE);
	ack(fd, generation);
	return generation;
}

/* ---- Placement ---- */

enum placement { FREE, SAME_CPU, TWO_CPUS, PLACEMENTS };

static cpu_set_t all_cpus;
static int first_cpu = -1, second_cpu = -1;
static pid_t loop_thread;

static void learn_cpus(void)
{
	must(sched_getaffinity(0, sizeof all_cpus, &all_cpus), "sched_getaffinity");
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all_cpus))
			continue;
		if (first_cpu < 0)
			first_cpu = cpu;
		else if (second_cpu < 0)
			second_cpu = cpu;
	}
}

static void pin(pid_t thread, int cpu)
{
	cpu_set_t set = all_cpus;

	if (cpu >= 0) {
		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
	}
	must(sched_setaffinity(thread, sizeof set, &set), "sched_setaffinity");
}

static int client_cpu(enum placement p)
{
	return p == FREE ? -1 : first_cpu;
}

static int server_cpu(enum placement p)
{
	return p == FREE ? -1 : p == SAME_CPU ? first_cpu : second_cpu;
}

static bool possible(enum placement p)
{
	return p != TWO_CPUS || second_cpu >= 0;
}

/* Where the scheduler is free it may treat the two differently: a ratio to be seen, not to be judged. */
static struct goal pinned_ratio(enum placement p, double limit)
{
	return p == FREE ? no_goal : ratio_at_most(limit);
}

static long slices_of(pid_t thread)
{
	char path[64];
	long slices = -1;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/task/%d/schedstat", options.daemon, thread);
	file = fopen(path, "re");
	if (file) {
		if (fscanf(file, "%*u %*u %ld", &slices) != 1)
			slices = -1;
		fclose(file);
	}
	return slices;
}

/* The daemon's loop thread: the one that ran once for each of many calls. */
static pid_t find_loop_thread(void)
{
	enum { MAX_THREADS = 256, CALLS = 2000 };
	pid_t threads[MAX_THREADS], busiest = 0;
	long before[MAX_THREADS], most = 0;
	int count = 0, fd = open_device(O_RDWR);
	char path[64];
	DIR *tasks;
	struct dirent *task;

	snprintf(path, sizeof path, "/proc/%d/task", options.daemon);
	tasks = opendir(path);
	if (!tasks)
		die(path);
	while ((task = readdir(tasks)) && count < MAX_THREADS) {
		if (task->d_name[0] == '.')
			continue;
		threads[count] = atoi(task->d_name);
		before[count] = slices_of(threads[count]);
		count++;
	}
	closedir(tasks);
	for (int i = 0; i < CALLS; i++)
		must(ioctl(fd, GET_OUTDATED_WATCHERS, 0UL), "GET_OUTDATED_WATCHERS");
	for (int i = 0; i < count; i++) {
		long ran = slices_of(threads[i]) - before[i];

		if (ran > most) {
			most = ran;
			busiest = threads[i];
		}
	}
	close(fd);
	return busiest;
}

/* Puts this process and the daemon's loop in their places. */
static void place(enum placement p)
{
	static const char *const names[] = {"free", "same cpu", "two cpus"};

	if (!loop_thread && options.daemon)
		loop_thread = find_loop_thread();
	pin(0, client_cpu(p));
	if (loop_thread)
		pin(loop_thread, server_cpu(p));
	placement_name = names[p];
}

static void place_freely(void)
{
	place(FREE);
}

/* ---- The peers ---- */

/* Two processes that hand one byte back and forth through two pipes: what a round trip to a server costs at least. */
struct ping_pong {
	int to, from;
	pid_t child;
};

static void echo(int from, int to)
{
	char byte;

	while (read(from, &byte, 1) == 1)
		if (write(to, &byte, 1) != 1)
			break;
	_exit(0);
}

static struct ping_pong start_ping_pong(void)
{
	int there[2], back[2];
	struct ping_pong p;

	must(pipe2(there, O_CLOEXEC), "pipe2");
	must(pipe2(back, O_CLOEXEC), "pipe2");
	p.child = must(fork(), "fork");
	if (p.child == 0) {
		close(there[1]);
		close(back[0]);
		echo(there[0], back[1]);
	}
	close(there[0]);
	close(back[1]);
	p.to = there[1];
	p.from = back[0];
	return p;
}

static void stop_ping_pong(struct ping_pong *p)
{
	close(p->to);
	close(p->from);
	waitpid(p->child, NULL, 0);
}

static void ping(struct ping_pong *p)
{
	char byte = 0;

	if (write(p->to, &byte, 1) != 1 || read(p->from, &byte, 1) != 1)
		die("ping-pong");
}

static void time_pings(struct ping_pong *p, struct series *s, int count)
{
	for (int i = 0; i < count; i++) {
		int64_t start = now();

		ping(p);
		add_micros(s, start);
	}
}

/* One call on an eventfd: what any system call on a descriptor costs at least. Timed in batches, being so short. */
static void time_eventfd_calls(int fd, struct series *s, int count)
{
	enum { BATCH = 50 };
	uint64_t one = 1;

	for (int i = 0; i < count; i += BATCH) {
		int64_t start = now();

		for (int j = 0; j < BATCH; j++)
			if (write(fd, &one, sizeof one) != sizeof one || read(fd, &one, sizeof one) != sizeof one)
				die("eventfd");
		add(s, (now() - start) / 1e3 / (2 * BATCH));
	}
}

/* ---- calls: the four short calls ---- */

enum call { READ_EAGAIN, ACK, POLL_0, GET_OUTDATED, CALLS };

static const char *const call_names[CALLS] = {"read, EAGAIN", "ack (write)", "poll, timeout 0", "GET_OUTDATED"};

static void make_call(enum call call, int fd, uint32_t generation)
{
	struct pollfd p = {fd, POLLIN, 0};
	uint32_t value;

	switch (call) {
	case READ_EAGAIN:
		if (read(fd, &value, sizeof value) != -1 || errno != EAGAIN)
			die("read was not EAGAIN");
		break;
	case ACK:
		ack(fd, generation);
		break;
	case POLL_0:
		if (poll(&p, 1, 0) != 0)
			die("poll was not 0");
		break;
	default:
		must(ioctl(fd, GET_OUTDATED_WATCHERS, 0UL), "GET_OUTDATED_WATCHERS");
	}
}

static void time_calls(enum call call, int fd, uint32_t generation, struct series *s, int count)
{
	for (int i = 0; i < count; i++) {
		int64_t start = now();

		make_call(call, fd, generation);
		add_micros(s, start);
	}
}

static void calls_placed(enum placement p)
{
	struct series series[CALLS] = {0}, pings = {0}, events = {0};
	struct ping_pong pong = start_ping_pong();
	int count = options.quick ? 100 : 400, fd, event;
	uint32_t generation;

	place(p);
	pin(pong.child, server_cpu(p));
	fd = open_device(O_RDWR | O_NONBLOCK);
	event = must(eventfd(0, EFD_CLOEXEC), "eventfd");
	generation = catch_up(fd);
	for (int round = 0; round < options.rounds; round++) {
		for (int call = 0; call < CALLS; call++)
			time_calls(call, fd, generation, &series[call], count);
		time_pings(&pong, &pings, count);
		time_eventfd_calls(event, &events, count);
	}
	for (int call = 0; call < CALLS; call++) {
		report(call_names[call], "us", &series[call], "pipe ping-pong", &pings, pinned_ratio(p, 1.5));
		if (p == FREE)
			report(call_names[call], "us", &series[call], "eventfd call", &events, no_goal);
		forget(&series[call]);
	}
	forget(&pings);
	forget(&events);
	stop_ping_pong(&pong);
	close(fd);
	close(event);
}

static void measure_calls(void)
{
	for (enum placement p = FREE; p < PLACEMENTS; p++)
		if (possible(p))
			calls_placed(p);
	place_freely();
}

/* ---- warmup: until the daemon is compiled ---- */

static void warm_up(int count)
{
	int fd = open_device(O_RDWR | O_NONBLOCK);
	uint32_t generation = catch_up(fd);

	for (int i = 0; i < count; i++) {
		for (int call = 0; call < CALLS; call++)
			make_call(call, fd, generation);
		if (i % 8 == 0) {
			bump(fd);
			generation = read_generation(fd);
			ack(fd, generation);
			close(open_device(i % 16 ? O_RDWR : O_RDONLY));
		}
	}
	close(fd);
	fprintf(stderr, "warmed up with %d calls\n", CALLS * count);
}

/* ---- probe: a load from the mapped page ---- */

/*
 * Nanoseconds for one check of a generation, as a client makes it: load, compare, branch. Not inlined, so that it is the
 * very same loop, at the same address, for ours and for the peer.
 */
static __attribute__((noinline)) double time_probes(volatile uint32_t *generation, int count)
{
	uint32_t seen = *generation;
	int64_t start = now();

	for (int i = 0; i < count; i++)
		if (__builtin_expect(*generation != seen, 0))
			die("the generation changed");
	return (double)(now() - start) / count;
}

static void measure_probe(void)
{
	struct series ours = {0}, plain = {0};
	int fd = open_device(O_RDONLY), count = 100000; /* short, so that few are interrupted */
	volatile uint32_t *mapped = map_generation(fd);
	volatile uint32_t *own = must_map(-1, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);

	close(fd);
	*own = *mapped;
	time_probes(mapped, count);
	time_probes(own, count);
	for (int round = 0; round < 40 * options.rounds; round++) {
		add(&ours, time_probes(mapped, count));
		add(&plain, time_probes(own, count));
	}
	report("mmap probe, C", "ns", &ours, "load of own memory", &plain, ratio_at_most(1.05));
	forget(&ours);
	forget(&plain);
	munmap((void *)mapped, PAGE);
	munmap((void *)own, PAGE);
}

/* ---- bump: the time of the ioctl, with many idle watchers ---- */

static int *open_many(int count, struct series *times)
{
	int *fds = must_allocate(count + 1, sizeof *fds);

	for (int i = 0; i < count; i++) {
		int64_t start = now();

		fds[i] = open_device(O_RDWR);
		if (times)
			add_micros(times, start);
	}
	return fds;
}

static void close_many(int *fds, int count)
{
	for (int i = 0; i < count; i++)
		close(fds[i]);
	free(fds);
}

static void bump_with(int watchers)
{
	struct series bumps = {0}, first = {0}, pings = {0}, opens = {0};
	struct ping_pong pong = start_ping_pong();
	int *fds = open_many(watchers, &opens), fd = open_device(O_RDWR);
	char what[80];
	int64_t start = now();

	bump(fd);
	add_micros(&first, start);
	for (int round = 0; round < options.rounds; round++) {
		for (int i = 0; i < 20; i++) {
			start = now();
			bump(fd);
			add_micros(&bumps, start);
		}
		time_pings(&pong, &pings, 50);
	}
	snprintf(what, sizeof what, "bump, %d idle watchers", watchers);
	report(what, "us", &bumps, "pipe ping-pong", &pings, watchers == 10000 ? value_at_most(1000) : no_goal);
	snprintf(what, sizeof what, "the first bump with %d idle watchers", watchers);
	report(what, "us", &first, NULL, NULL, no_goal);
	if (watchers > 1000) {
		snprintf(what, sizeof what, "open, up to %d watchers", watchers);
		report(what, "us", &opens, "pipe ping-pong", &pings, no_goal);
	}
	close(fd);
	close_many(fds, watchers);
	stop_ping_pong(&pong);
	forget(&bumps);
	forget(&first);
	forget(&pings);
	forget(&opens);
}

/* ---- wake: from before the bump until a blocked reader in another process has returned ---- */

struct wake_up {
	_Atomic int about_to_block;
	_Atomic int64_t returned;
	int device, event;
};

/* In turns: a read of the device, then one of the eventfd. */
static void be_woken(struct wake_up *shared, int count)
{
	for (int i = 1; i <= count; i++) {
		uint64_t value;

		if (i % 2) {
			shared->about_to_block = i;
			uint32_t generation = read_generation(shared->device);

			shared->returned = now();
			ack(shared->device, generation);
		} else {
			shared->about_to_block = i;
			if (read(shared->event, &value, sizeof value) != sizeof value)
				die("read of the eventfd");
			shared->returned = now();
		}
	}
	_exit(0);
}

static void wake_placed(enum placement p)
{
	struct wake_up *shared = must_map(-1, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
	struct series ours = {0}, theirs = {0};
	int count = 2 * options.rounds * (options.quick ? 10 : 40), fd;
	pid_t reader;

	place(p);
	shared->device = open_device(O_RDWR);
	shared->event = must(eventfd(0, EFD_CLOEXEC), "eventfd");
	fd = open_device(O_RDWR);
	reader = must(fork(), "fork");
	if (reader == 0) {
		pin(0, server_cpu(p));
		be_woken(shared, count);
	}
	for (int i = 1; i <= count; i++) {
		uint64_t one = 1;
		int64_t start;

		while (shared->about_to_block < i)
			sleep_micros(20);
		sleep_micros(300); /* until it surely sleeps */
		shared->returned = 0;
		start = now();
		if (i % 2)
			bump(fd);
		else if (write(shared->event, &one, sizeof one) != sizeof one)
			die("write to the eventfd");
		while (!shared->returned)
			sched_yield();
		add(i % 2 ? &ours : &theirs, (shared->returned - start) / 1e3);
	}
	waitpid(reader, NULL, 0);
	report("bump until a blocked reader returned", "us", &ours, "eventfd wake-up of a process", &theirs,
	       pinned_ratio(p, 2));
	close(fd);
	close(shared->device);
	close(shared->event);
	munmap(shared, PAGE);
	forget(&ours);
	forget(&theirs);
}

static void measure_wake(void)
{
	for (enum placement p = FREE; p < PLACEMENTS; p++)
		if (possible(p))
			wake_placed(p);
	place_freely();
}

/* ---- storm: from before the bump until all N have acked and WAIT returned ---- */

static long futex(_Atomic uint32_t *word, int operation, uint32_t value)
{
	return syscall(SYS_futex, word, operation | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

/* N sleepers and one who waits for them all. */
struct crowd {
	int size;
	int *fds; /* one watcher each; NULL for the crowd on a futex */
	pthread_t *threads;
	void *(*body)(void *);
	_Atomic int turn;    /* the number of the next thread to start */
	_Atomic int settled; /* how many times one of them was about to sleep */
	_Atomic bool stopping;
	/* On a futex only. */
	_Atomic uint32_t generation, all_acked;
	_Atomic int missing;
	int event;
	/* With epoll only. */
	int epoll, stop_event;
	volatile uint32_t *page;
};

/* A client that does nothing else: blocked in read; acks what it has read. */
static void *read_and_ack(void *argument)
{
	struct crowd *crowd = argument;
	int fd = crowd->fds[crowd->turn++];
	uint32_t generation;

	for (;;) {
		crowd->settled++;
		generation = read_generation(fd);
		if (crowd->stopping)
			return NULL;
		ack(fd, generation);
	}
}

/* The same on a futex: woken by the broadcast, acks by a short system call and a count, the last one wakes the waiter. */
static void *wait_and_count(void *argument)
{
	struct crowd *crowd = argument;
	uint32_t seen = 0;
	uint64_t one = 1;

	for (;;) {
		crowd->settled++;
		while (crowd->generation == seen)
			futex(&crowd->generation, FUTEX_WAIT, seen);
		seen = crowd->generation;
		if (crowd->stopping)
			return NULL;
		if (write(crowd->event, &one, sizeof one) != sizeof one)
			die("eventfd");
		if (--crowd->missing == 0) {
			crowd->all_acked = seen;
			futex(&crowd->all_acked, FUTEX_WAKE, 1);
		}
	}
}

/* One event loop for all watchers; the generation comes from the mapped page. */
static void *loop_and_ack(void *argument)
{
	enum { EVENTS = 256 };
	struct crowd *crowd = argument;
	struct epoll_event events[EVENTS];

	for (;;) {
		int count = epoll_wait(crowd->epoll, events, EVENTS, -1);

		for (int i = 0; i < count; i++) {
			if (events[i].data.fd == crowd->stop_event)
				return NULL;
			ack(events[i].data.fd, *crowd->page);
		}
	}
}

static void start_threads(struct crowd *crowd, int count)
{
	pthread_attr_t attributes;

	crowd->threads = must_allocate(count, sizeof *crowd->threads);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 64 * 1024);
	for (int i = 0; i < count; i++) {
		errno = pthread_create(&crowd->threads[i], &attributes, crowd->body, crowd);
		if (errno)
			die("pthread_create");
	}
	pthread_attr_destroy(&attributes);
}

static void join_threads(struct crowd *crowd, int count)
{
	for (int i = 0; i < count; i++)
		pthread_join(crowd->threads[i], NULL);
	free(crowd->threads);
}

/* Sleeps until every thread has been about to sleep for the turn-th time, and then long enough that all do. */
static void settle(struct crowd *crowd, int turn)
{
	while (crowd->settled < crowd->size * turn)
		sleep_micros(200);
	sleep_micros(2000 + 10L * crowd->size);
}

/* What an orchestrator does. */
static double bump_and_wait(int fd, volatile uint32_t *page)
{
	int64_t start = now();

	bump(fd);
	ack(fd, *page);
	must(ioctl(fd, WAIT_WATCHERS, WAIT_MILLIS), "WAIT_WATCHERS");
	return (now() - start) / 1e3;
}

static double broadcast_and_wait(struct crowd *crowd)
{
	int64_t start = now();
	uint32_t generation = crowd->generation + 1, acked;

	crowd->missing = crowd->size;
	crowd->generation = generation;
	futex(&crowd->generation, FUTEX_WAKE, INT_MAX);
	while ((acked = crowd->all_acked) != generation)
		futex(&crowd->all_acked, FUTEX_WAIT, acked);
	return (now() - start) / 1e3;
}

static void stop_futex_crowd(struct crowd *crowd)
{
	crowd->stopping = true;
	crowd->generation++;
	futex(&crowd->generation, FUTEX_WAKE, INT_MAX);
	join_threads(crowd, crowd->size);
	close(crowd->event);
}

static void storm_of_threads(int size, int fd, volatile uint32_t *page)
{
	struct crowd ours = {.size = size, .body = read_and_ack}, theirs = {.size = size, .body = wait_and_count};
	struct series storms = {0}, broadcasts = {0};
	char what[80];

	ours.fds = open_many(size, NULL);
	theirs.event = must(eventfd(0, EFD_CLOEXEC), "eventfd");
	start_threads(&ours, size);
	start_threads(&theirs, size);
	settle(&theirs, 1);
	for (int round = 1; round <= options.rounds + 3; round++) {
		double time;

		settle(&ours, round);
		time = bump_and_wait(fd, page);
		if (round > 3)
			add(&storms, time);
		settle(&ours, round + 1);
		settle(&theirs, round);
		time = broadcast_and_wait(&theirs);
		if (round > 3)
			add(&broadcasts, time);
		settle(&theirs, round + 1);
	}
	snprintf(what, sizeof what, "bump until %d acked, threads in read", size);
	report(what, "us", &storms, "futex broadcast", &broadcasts, ratio_at_most(2));
	ours.stopping = true;
	bump(fd);
	join_threads(&ours, size);
	close_many(ours.fds, size);
	stop_futex_crowd(&theirs);
	forget(&storms);
	forget(&broadcasts);
}

static void watch_all(struct crowd *crowd)
{
	crowd->epoll = must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
	crowd->stop_event = must(eventfd(0, EFD_CLOEXEC), "eventfd");
	for (int i = 0; i <= crowd->size; i++) {
		struct epoll_event event = {.events = EPOLLIN | EPOLLET};

		event.data.fd = i == crowd->size ? crowd->stop_event : crowd->fds[i];
		must(epoll_ctl(crowd->epoll, EPOLL_CTL_ADD, event.data.fd, &event), "epoll_ctl");
	}
}

static void storm_of_events(int size, int fd, volatile uint32_t *page)
{
	struct crowd ours = {.size = size, .body = loop_and_ack}, theirs = {.size = size, .body = wait_and_count};
	struct series storms = {0}, broadcasts = {0};
	uint64_t one = 1;
	char what[80];

	ours.fds = open_many(size, NULL);
	ours.page = map_generation(ours.fds[0]);
	theirs.event = must(eventfd(0, EFD_CLOEXEC), "eventfd");
	watch_all(&ours);
	start_threads(&ours, 1);
	start_threads(&theirs, size);
	settle(&theirs, 1);
	for (int round = 1; round <= options.rounds + 3; round++) {
		double time = bump_and_wait(fd, page);

		if (round > 3)
			add(&storms, time);
		sleep_micros(2000 + 10L * size);
		time = broadcast_and_wait(&theirs);
		if (round > 3)
			add(&broadcasts, time);
		settle(&theirs, round + 1);
	}
	snprintf(what, sizeof what, "bump until %d acked, one epoll loop", size);
	report(what, "us", &storms, "futex broadcast", &broadcasts, ratio_at_most(2));
	if (write(ours.stop_event, &one, sizeof one) != sizeof one)
		die("eventfd");
	join_threads(&ours, 1);
	close(ours.epoll);
	close(ours.stop_event);
	munmap((void *)ours.page, PAGE);
	close_many(ours.fds, size);
	stop_futex_crowd(&theirs);
	forget(&storms);
	forget(&broadcasts);
}

static void storm_with(int size)
{
	int fd = open_device(O_RDWR);
	volatile uint32_t *page = map_generation(fd);

	storm_of_threads(size, fd, page);
	storm_of_events(size, fd, page);
	munmap((void *)page, PAGE);
	close(fd);
}

/* ---- open: open and map ---- */

static void time_open(const char *path, int flags, struct series *opened, struct series *whole)
{
	int64_t start = now();
	int fd = must(open(path, flags | O_CLOEXEC), path);
	volatile uint32_t *page = map_generation(fd);

	(void)*page;
	add_micros(opened, start);
	close(fd);
	munmap((void *)page, PAGE);
	add_micros(whole, start);
}

static void measure_open(void)
{
	struct series opened[2] = {0}, whole[2] = {0}, file_opened = {0}, file_whole = {0}, pings = {0};
	struct ping_pong pong = start_ping_pong();
	char path[] = "/dev/shm/sysgenid-bench-XXXXXX";
	int file = must(mkstemp(path), path);

	place_freely();
	must(ftruncate(file, PAGE), "ftruncate");
	for (int round = 0; round < options.rounds; round++) {
		for (int i = 0; i < 25; i++)
			time_open(options.device, O_RDWR, &opened[0], &whole[0]);
		for (int i = 0; i < 25; i++)
			time_open(options.device, O_RDONLY, &opened[1], &whole[1]);
		for (int i = 0; i < 25; i++)
			time_open(path, O_RDWR, &file_opened, &file_whole);
		time_pings(&pong, &pings, 50);
	}
	unlink(path);
	close(file);
	for (int i = 0; i < 2; i++) {
		const char *mode = i ? "O_RDONLY" : "O_RDWR";
		char what[80];

		snprintf(what, sizeof what, "open %s, mmap, load", mode);
		report(what, "us", &opened[i], "the same on tmpfs", &file_opened, no_goal);
		report(what, "us", &opened[i], "pipe ping-pong", &pings, no_goal);
		snprintf(what, sizeof what, "open %s, mmap, load, close, munmap", mode);
		report(what, "us", &whole[i], "the same on tmpfs", &file_whole, no_goal);
		forget(&opened[i]);
		forget(&whole[i]);
	}
	forget(&file_opened);
	forget(&file_whole);
	forget(&pings);
	stop_ping_pong(&pong);
}

/* ---- hold: keeps many watchers open, for those who look at the daemon's memory; cold, when the daemon is ---- */

static void hold(int count)
{
	struct series opens = {0}, first = {0};
	int *fds = open_many(count, &opens), fd = open_device(O_RDWR);
	int64_t start = now();
	char what[80], byte;

	bump(fd);
	add_micros(&first, start);
	snprintf(what, sizeof what, "fresh daemon: open, up to %d watchers", count);
	report(what, "us", &opens, NULL, NULL, no_goal);
	snprintf(what, sizeof what, "fresh daemon: its first bump, %d watchers", count);
	report(what, "us", &first, NULL, NULL, no_goal);
	printf("holding\n");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	close(fd);
	close_many(fds, count);
	forget(&opens);
	forget(&first);
}

/* ---- start: from launch until the device can be opened, and what the first callers of a fresh daemon see ---- */

enum { COLD = 100 }; /* so many calls of each kind are cold */

/* The first of each kind, and the first COLD, of every start. */
struct cold {
	struct series launch, first_open, opens, first_call[CALLS], calls[CALLS], first_bump, bumps;
};

static void add_all(struct series *first, struct series *all, struct series *calls)
{
	add(first, calls->values[0]);
	for (size_t i = 0; i < calls->count; i++)
		add(all, calls->values[i]);
	forget(calls);
}

static void time_cold_calls(struct cold *cold)
{
	struct series calls = {0};
	uint32_t generation;
	int fds[COLD];

	for (int i = 0; i < COLD; i++) {
		int64_t start = now();

		fds[i] = open_device(O_RDWR | O_NONBLOCK);
		add_micros(&calls, start);
	}
	add_all(&cold->first_open, &cold->opens, &calls);
	generation = catch_up(fds[0]);
	for (int call = 0; call < CALLS; call++) {
		time_calls(call, fds[0], generation, &calls, COLD);
		add_all(&cold->first_call[call], &cold->calls[call], &calls);
	}
	for (int i = 0; i < COLD; i++) {
		int64_t start = now();

		bump(fds[0]);
		add_micros(&calls, start);
	}
	add_all(&cold->first_bump, &cold->bumps, &calls);
	for (int i = 0; i < COLD; i++)
		close(fds[i]);
}

static pid_t launch(char **command)
{
	pid_t daemon = must(fork(), "fork");

	if (daemon == 0) {
		int out = must(open("/dev/null", O_WRONLY), "/dev/null");

		dup2(out, STDOUT_FILENO);
		execvp(command[0], command);
		die(command[0]);
	}
	return daemon;
}

static void wait_until_served(pid_t daemon, int64_t since)
{
	int fd, status;

	while ((fd = open(options.device, O_RDONLY | O_CLOEXEC)) < 0) {
		if (waitpid(daemon, &status, WNOHANG) != 0) {
			fprintf(stderr, "sysgenid-bench: the daemon ended before it served %s\n", options.device);
			exit(1);
		}
		if (now() - since > INT64_C(60000000000)) {
			kill(daemon, SIGTERM);
			fprintf(stderr, "sysgenid-bench: %s is not served after a minute\n", options.device);
			exit(1);
		}
		sleep_micros(500);
	}
	close(fd);
}

static void time_start(struct cold *cold, char **command)
{
	int64_t start = now();
	pid_t daemon = launch(command);

	wait_until_served(daemon, start);
	add(&cold->launch, (now() - start) / 1e9);
	time_cold_calls(cold);
	kill(daemon, SIGTERM);
	waitpid(daemon, NULL, 0);
}

static void report_cold(const char *what, struct series *first, struct series *all)
{
	char text[80];

	snprintf(text, sizeof text, "fresh daemon: its first %s", what);
	report(text, "us", first, NULL, NULL, no_goal);
	snprintf(text, sizeof text, "fresh daemon: its first %d of %s", COLD, what);
	report(text, "us", all, NULL, NULL, no_goal);
}

static void measure_start(int count, char **command)
{
	struct cold cold = {0};

	for (int i = 0; i < count; i++)
		time_start(&cold, command);
	report("launch until the device can be opened", "s", &cold.launch, NULL, NULL, value_at_most(0.7));
	report_cold("open", &cold.first_open, &cold.opens);
	for (int call = 0; call < CALLS; call++)
		report_cold(call_names[call], &cold.first_call[call], &cold.calls[call]);
	report_cold("bump, 100 watchers", &cold.first_bump, &cold.bumps);
}

/* ---- The command line ---- */

static void usage(void)
{
	fputs("usage: sysgenid-bench [--device PATH] [--daemon PID] [--rounds N] [--quick] [--section NAME] COMMAND\n"
	      "  warmup CALLS       calls until the daemon is compiled\n"
	      "  probe              a load from the mapped page\n"
	      "  calls              read, ack, poll, GET_OUTDATED\n"
	      "  bump N...          a bump with N idle watchers\n"
	      "  wake               a bump until a blocked reader has returned\n"
	      "  storm N...         a bump until all of N have acked\n"
	      "  open               open and mmap\n"
	      "  hold N             N watchers, a bump, and then nothing until the end of standard input\n"
	      "  start N COMMAND... N starts of the daemon, and the first calls of each\n",
	      stderr);
	exit(2);
}

static int number(const char *text)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (!*text || *end || value < 0 || value > INT_MAX)
		usage();
	return value;
}

static char **parse_options(char **arguments)
{
	for (; *arguments && !strncmp(*arguments, "--", 2); arguments++) {
		if (!strcmp(*arguments, "--quick"))
			options.quick = true;
		else if (!arguments[1])
			usage();
		else if (!strcmp(*arguments, "--device"))
			options.device = *++arguments;
		else if (!strcmp(*arguments, "--daemon"))
			options.daemon = number(*++arguments);
		else if (!strcmp(*arguments, "--rounds"))
			options.rounds = number(*++arguments);
		else if (!strcmp(*arguments, "--section"))
			section = *++arguments;
		else
			usage();
	}
	if (!options.rounds)
		options.rounds = options.quick ? 8 : 25;
	return arguments;
}

static void run(const char *command, char **arguments)
{
	if (!section)
		section = command;
	if (!strcmp(command, "warmup") && *arguments)
		warm_up(number(*arguments));
	else if (!strcmp(command, "probe"))
		measure_probe();
	else if (!strcmp(command, "calls"))
		measure_calls();
	else if (!strcmp(command, "bump") && *arguments)
		for (place_freely(); *arguments; arguments++)
			bump_with(number(*arguments));
	else if (!strcmp(command, "wake"))
		measure_wake();
	else if (!strcmp(command, "storm") && *arguments)
		for (place_freely(); *arguments; arguments++)
			storm_with(number(*arguments));
	else if (!strcmp(command, "open"))
		measure_open();
	else if (!strcmp(command, "hold") && *arguments)
		hold(number(*arguments));
	else if (!strcmp(command, "start") && *arguments && arguments[1])
		measure_start(number(*arguments), arguments + 1);
	else
		usage();
}

int main(int argc, char **argv)
{
	struct rlimit files;
	char **arguments = parse_options(argv + 1);

	(void)argc;
	if (!*arguments)
		usage();
	signal(SIGPIPE, SIG_IGN);
	learn_cpus();
	must(getrlimit(RLIMIT_NOFILE, &files), "getrlimit");
	files.rlim_cur = files.rlim_max;
	must(setrlimit(RLIMIT_NOFILE, &files), "setrlimit");
	run(arguments[0], arguments + 1);
	return 0;
}
