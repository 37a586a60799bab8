// SPDX-License-Identifier: Apache-2.0
/* Blocked calls and what ends them: signals, SIGKILL, exit, close by another thread, a stop and a continue. */
#include <sys/epoll.h>
#include <sys/select.h>

#include "device.h"

static atomic_int handled;

static void on_signal(int number)
{
	(void)number;
	atomic_fetch_add(&handled, 1);
}

static void handle(int number, int flags)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = flags };

	must(sigaction(number, &action, NULL));
}

static void interrupt(struct task *task, int number)
{
	int before = atomic_load(&handled);

	pthread_kill(task->thread, number);
	while (atomic_load(&handled) == before)
		sched_yield();
}

static void blocked_read(void)
{
	int fd = open_device(O_RDWR);
	struct task reader;

	handle(SIGUSR1, 0);
	task_start(&reader, call_read, fd, 0);
	ok(task_blocks(&reader), "read blocks while up to date");
	interrupt(&reader, SIGUSR1);
	is(task_result(&reader), -EINTR, "a signal without SA_RESTART: EINTR");

	task_start(&reader, call_take, fd, 0);
	interrupt(&reader, SIGUSR1);
	is(task_result(&reader), -EINTR, "the same for pread");

	handle(SIGUSR1, SA_RESTART);
	task_start(&reader, call_read, fd, 0);
	interrupt(&reader, SIGUSR1);
	is(task_result(&reader), -EINTR, "deviation: a signal with SA_RESTART: EINTR too");

	is(result(pread(fd, &(uint32_t){ 0 }, 3, 0)), -EINVAL, "after the interruptions the file works");
	bump();
	is(take(fd), current(), "and sees a bump");
	is(ack(fd), 4, "and acks");

	task_start(&reader, call_read, fd, 0);
	ok(task_blocks(&reader), "read blocks again");
	bump();
	is(task_result(&reader), current(), "and a bump ends it");
	close(fd);
}

static void ignored_signals(void)
{
	int fd = open_device(O_RDWR);
	struct task reader;

	signal(SIGUSR2, SIG_IGN);
	task_start(&reader, call_read, fd, 0);
	pthread_kill(reader.thread, SIGUSR2);
	ok(task_blocks(&reader), "an ignored signal leaves a read blocked");
	pthread_kill(reader.thread, SIGCHLD);
	ok(task_blocks(&reader), "so does one that is ignored by default");
	bump();
	is(task_result(&reader), current(), "the bump ends it");
	close(fd);
}

/* Interrupts and answers cross each other on the way: whatever comes first, the call ends, and no bump is lost. */
static void interrupts_against_bumps(void)
{
	int fd = open_device(O_RDWR);
	int got = 0, interrupted = 0, odd = 0, lost = 0;

	handle(SIGUSR1, 0);
	for (int i = 0; i < 300; i++) {
		struct task reader;
		long long n;

		task_start(&reader, call_take, fd, 0);
		if (i % 2)
			pthread_kill(reader.thread, SIGUSR1);
		bump();
		if (i % 2 == 0)
			pthread_kill(reader.thread, SIGUSR1);
		n = task_result(&reader);
		if (n == (long long)current())
			got++;
		else if (n == -EINTR)
			interrupted++;
		else
			odd++;
		if (take(fd) != (long long)current())
			lost++;
		ack(fd);
	}
	is(odd, 0, "300 signals against 300 bumps: each read is a generation or EINTR");
	is(got + interrupted, 300, "each of them ended");
	is(lost, 0, "and after each the bump is there to be read");
	close(fd);
}

static long long call_select(struct task *task)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(task->fd, &set);
	return result(select(task->fd + 1, &set, NULL, NULL, NULL));
}

static long long call_epoll(struct task *task)
{
	struct epoll_event event;

	return result(epoll_wait(task->fd, &event, 1, -1));
}

static void other_blocked_calls(void)
{
	int late = open_device(O_RDWR), fd = open_device(O_RDWR), loop = must(epoll_create1(EPOLL_CLOEXEC));
	struct epoll_event event = { .events = EPOLLIN };
	struct task task;
	static const struct { long long (*call)(struct task *); const char *name; } calls[] = {
		{ call_wait_v4, "WAIT of the first family" },
		{ call_wait, "WAIT of the second family" },
		{ call_poll, "poll" },
		{ call_select, "select" },
		{ call_epoll, "epoll_wait" },
	};

	bump();
	ack(fd);
	must(epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event));
	for (int flags = 0; flags <= 1; flags++) {
		handle(SIGUSR1, flags ? SA_RESTART : 0);
		for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
			task_start(&task, calls[i].call, calls[i].call == call_epoll ? loop : fd, 0);
			ok(task_blocks(&task), "%s blocks", calls[i].name);
			interrupt(&task, SIGUSR1);
			is(task_result(&task), -EINTR, "%s: a signal %s SA_RESTART: EINTR", calls[i].name,
			   flags ? "with" : "without");
		}
	}
	bump();
	is(take(fd), current(), "after all of them the watcher sees a bump");
	close(loop);
	close(fd);
	close(late);
}

struct blocker {
	long long (*call)(struct task *);
	int fd;
};

static int block_in_child(void *argument)
{
	struct blocker *blocker = argument;
	struct task task = { .fd = blocker->fd };

	blocker->call(&task);
	return 1;
}

static int block_in_child_with_own_file(void *argument)
{
	struct blocker *blocker = argument;
	struct task task = { .fd = open_device(O_RDWR) };

	blocker->call(&task);
	return 1;
}

static int exit_beside_blocked_thread(void *argument)
{
	struct blocker *blocker = argument;
	struct task task;

	task_start(&task, blocker->call, blocker->fd, 0);
	_exit(task_blocks(&task) ? 7 : 1);
}

static void killed(void)
{
	static const struct { long long (*call)(struct task *); const char *name; } calls[] = {
		{ call_read, "read" },
		{ call_take, "pread" },
		{ call_wait_v4, "WAIT of the first family" },
		{ call_wait, "WAIT of the second family" },
		{ call_poll, "poll" },
	};
	int late = open_device(O_RDWR);

	bump();	/* late: so that WAIT has somebody to wait for */
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		int shared = open_device(O_RDWR);
		struct blocker blocker = { calls[i].call, shared };
		pid_t pid = child(block_in_child, &blocker);

		until_sleeps_in_call(pid);
		kill(pid, SIGKILL);
		is(child_status(pid), 1000 + SIGKILL, "SIGKILL of a process blocked in %s", calls[i].name);
		is(ack(shared), 4, "%s: the file it shared with us works", calls[i].name);

		pid = child(block_in_child_with_own_file, &blocker);
		until_sleeps_in_call(pid);
		kill(pid, SIGTERM);
		is(child_status(pid), 1000 + SIGTERM, "SIGTERM of one blocked in %s on a file of its own",
		   calls[i].name);

		pid = child(exit_beside_blocked_thread, &blocker);
		is(child_status(pid), 7, "exit while another thread is blocked in %s", calls[i].name);
		close(shared);
	}
	is(outdated_watchers(), 1, "the dead ones left nothing behind: only ours is late");
	close(late);
}

static void close_by_another_thread(void)
{
	int fd = open_device(O_RDWR), other;
	struct task reader;

	task_start(&reader, call_take, fd, 0);
	close(fd);
	ok(task_blocks(&reader), "close by another thread does not wake the reader");
	other = open_device(O_RDWR);
	ok(task_blocks(&reader), "nor does an open that gets the same number");
	bump();
	is(task_result(&reader), current(), "the bump does");
	close(other);

	fd = open_device(O_RDWR);
	task_start(&reader, call_take, fd, 0);
	close(fd);
	handle(SIGUSR1, 0);
	interrupt(&reader, SIGUSR1);
	is(task_result(&reader), -EINTR, "after close by another thread a signal ends the read too");
}

static int read_in_child(void *argument)
{
	long long n = take(*(int *)argument);

	return n == (long long)current() ? 10 : n == -EINTR ? 11 : 12;
}

/* Ctrl-Z and fg, or a debugger that attaches. */
static void stopped_and_continued(void)
{
	int fd = open_device(O_RDWR), status;
	pid_t pid = child(read_in_child, &fd);

	until_sleeps_in_call(pid);
	kill(pid, SIGSTOP);
	must(waitpid(pid, &status, WUNTRACED));
	ok(WIFSTOPPED(status), "a process blocked in a read can be stopped");
	kill(pid, SIGCONT);
	is(child_status(pid), 11, "deviation: and when it is continued, the read is EINTR");
	close(fd);
}

int main(int argc, char **argv)
{
	device_setup(argc, argv);
	blocked_read();
	ignored_signals();
	interrupts_against_bumps();
	other_blocked_calls();
	killed();
	close_by_another_thread();
	stopped_and_continued();
	return plan();
}
