/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The acting half of a behaviour program: the device under test, and threads and processes that block in it.
 *
 * Nothing here waits for a span of time to prove something. "It blocks" means: the kernel says that the thread sleeps
 * inside a system call. "It is not woken" means: it sleeps there after a later request of ours was answered, and the
 * server answers in order.
 */
#ifndef DEVICE_H
#define DEVICE_H

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "sysgenid.h"
#include "tap.h"

static const char *device;			/* path of the device: the program's first argument */
static int control;				/* a descriptor that is never tracked: bumps, asks, disturbs nobody */
static const _Atomic uint32_t *generation;	/* the page of that descriptor */
static bool stored_pages;			/* SYSGENID_MAPPING=store: the server has no passthrough, see mapping.c */

static inline void device_setup(int argc, char **argv)
{
	void *page;

	if (argc < 2) {
		fprintf(stderr, "usage: %s DEVICE\n", argv[0]);
		exit(2);
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	stored_pages = getenv("SYSGENID_MAPPING") && strcmp(getenv("SYSGENID_MAPPING"), "store") == 0;
	device = realpath(argv[1], NULL);	/* not the link that leads to it: a test may try to remove it */
	if (!device) {
		perror(argv[1]);
		exit(99);
	}
	control = must(open(device, O_RDONLY | O_CLOEXEC));
	page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, control, 0);
	if (page == MAP_FAILED) {
		perror("mmap");
		exit(99);
	}
	generation = page;
}

static inline uint32_t current(void)
{
	return atomic_load_explicit(generation, memory_order_acquire);
}

static inline int open_device(int flags)
{
	return must(open(device, flags | O_CLOEXEC));
}

static inline uint32_t bump(void)
{
	must(ioctl(control, SYSGENID_V4_FORCE_GEN_UPDATE, 0UL));
	return current();
}

/* Any request whose answer proves that the server has dealt with everything sent before it. */
static inline int outdated_watchers(void)
{
	return must(ioctl(control, SYSGENID_V4_GET_OUTDATED_WATCHERS));
}

static inline long long ack(int fd)
{
	uint32_t value = current();

	return result(pwrite(fd, &value, sizeof(value), 0));
}

/* pread of a generation at offset 0: its value, or -errno, or -1000 - n for an odd count. */
static inline long long take(int fd)
{
	uint32_t value;
	long long n = result(pread(fd, &value, sizeof(value), 0));

	if (n < 0)
		return n;
	return n == sizeof(value) ? (long long)value : -1000 - n;
}

static inline short ready(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM | POLLPRI };

	must(poll(&p, 1, 0));
	return p.revents;
}

static inline void sleep_ms(long ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

/* Whether this thread or process sleeps inside a system call at this moment. */
static inline bool sleeps_in_call(pid_t tid)
{
	char path[64], text[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(text, sizeof(text), file))
		text[0] = 'x';
	fclose(file);
	return text[0] >= '0' && text[0] <= '9';
}

static inline void until_sleeps_in_call(pid_t tid)
{
	while (!sleeps_in_call(tid))
		sleep_ms(1);
}

/* As above, and the server has taken what this thread or process asks: whatever was sent before ours is dealt with. */
static inline void until_parked_in_call(pid_t tid)
{
	do {
		until_sleeps_in_call(tid);
		outdated_watchers();
	} while (!sleeps_in_call(tid));
}

/* One blocking call in a thread of its own. */
struct task {
	long long (*call)(struct task *);
	int fd;
	unsigned long argument;
	pthread_t thread;
	atomic_int tid;
	atomic_bool done;
	long long result;
};

static inline void *task_main(void *argument)
{
	struct task *task = argument;

	atomic_store(&task->tid, (int)syscall(SYS_gettid));
	task->result = task->call(task);
	atomic_store(&task->done, true);
	return NULL;
}

/* Starts the call and returns when it blocks, or is over already. */
static inline void task_start(struct task *task, long long (*call)(struct task *), int fd, unsigned long argument)
{
	*task = (struct task){ .call = call, .fd = fd, .argument = argument };
	if (pthread_create(&task->thread, NULL, task_main, task) != 0) {
		fprintf(stderr, "pthread_create failed\n");
		_exit(99);
	}
	while (!atomic_load(&task->tid))
		sched_yield();
	while (!atomic_load(&task->done) && !sleeps_in_call(atomic_load(&task->tid)))
		sleep_ms(1);
}

/*
 * Whether the call still blocks, after everything asked of the server so far. A thread that is on its feet now either
 * comes to its end, or only looked (poll asks the server and then sleeps): wait for which it is.
 */
static inline bool task_blocks(struct task *task)
{
	outdated_watchers();
	while (!atomic_load(&task->done)) {
		if (sleeps_in_call(atomic_load(&task->tid)))
			return true;
		sched_yield();
	}
	return false;
}

static inline long long task_result(struct task *task)
{
	pthread_join(task->thread, NULL);
	return task->result;
}

static inline long long call_take(struct task *task)
{
	return take(task->fd);
}

static inline long long call_read(struct task *task)
{
	uint32_t value;
	long long n = result(read(task->fd, &value, sizeof(value)));

	if (n < 0)
		return n;
	return n == sizeof(value) ? (long long)value : -1000 - n;
}

static inline long long call_wait_v4(struct task *task)
{
	return result(ioctl(task->fd, SYSGENID_V4_WAIT_WATCHERS, task->argument));
}

static inline long long call_wait(struct task *task)
{
	return result(ioctl(task->fd, SYSGENID_WAIT_WATCHERS, task->argument));
}

static inline long long call_poll(struct task *task)
{
	struct pollfd p = { .fd = task->fd, .events = POLLIN };
	long long n = result(poll(&p, 1, -1));

	return n == 1 ? p.revents : n;
}

/* A child process that dies with its parent. Its exit status is what body returns, 0 to 255. */
static inline pid_t child(int (*body)(void *), void *argument)
{
	pid_t parent = getpid();
	pid_t pid;

	fflush(NULL);
	pid = must(fork());
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(98);
		_exit(body(argument));
	}
	return pid;
}

/* The exit status of a child, or 1000 + the signal that killed it. */
static inline int child_status(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

#endif
