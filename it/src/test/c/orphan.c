// SPDX-License-Identifier: Apache-2.0
/*
 * A client whose daemon goes away: nothing sleeps for ever, every way to ask says that there is no answer, and the
 * mapped page stays readable with what it showed last. Without passthrough it does so only for as long as the kernel
 * keeps the page, and the kernel drops it at each write to the file: then to look at it is fatal.
 *
 *	orphan DEVICE		prints "# ready", then waits for a line: the daemon is gone by then
 */
#include <setjmp.h>

#include "device.h"

static sigjmp_buf fault;

static void on_fault(int number)
{
	siglongjmp(fault, number);
}

/* The value, or minus the signal. */
static long long look(const uint32_t *page)
{
	int number = sigsetjmp(fault, 1);

	return number ? -number : (long long)*(const volatile uint32_t *)page;
}

static long long call_poll_errors(struct task *task)
{
	struct pollfd p = { .fd = task->fd, .events = POLLIN };
	long long n = result(poll(&p, 1, -1));

	return n == 1 ? p.revents : n;
}

static bool says_gone(long long answer)
{
	return answer == -ECONNABORTED || answer == -ENOTCONN;
}

int main(int argc, char **argv)
{
	struct task reader, positional, waiter, poller;
	int fd, late, own;
	uint32_t *page, value, shown;
	char byte;
	bool stopped = strcmp(getenv("SYSGENID_END"), "stopped") == 0;

	device_setup(argc, argv);
	late = open_device(O_RDWR);
	bump();
	fd = open_device(O_RDWR);
	own = open_device(O_RDWR);
	page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	ok(page != MAP_FAILED, "it maps the page");
	shown = page == MAP_FAILED ? 0 : *(volatile uint32_t *)page;
	is(shown, current(), "the page shows the generation");
	task_start(&reader, call_read, own, 0);
	task_start(&positional, call_take, fd, 0);
	task_start(&waiter, call_wait, fd, 0);
	task_start(&poller, call_poll_errors, fd, 0);
	ok(task_blocks(&reader) && task_blocks(&positional) && task_blocks(&waiter) && task_blocks(&poller),
	   "read, pread, WAIT and poll block");
	printf("# ready\n");
	must(read(STDIN_FILENO, &byte, 1));

	ok(says_gone(task_result(&reader)), "the blocked read ends: %lld", reader.result);
	ok(says_gone(task_result(&positional)), "the blocked pread ends: %lld", positional.result);
	ok(says_gone(task_result(&waiter)), "the blocked WAIT ends: %lld", waiter.result);
	ok(task_result(&poller) & POLLERR, "the blocked poll ends with POLLERR: 0x%llx", poller.result);
	ok(says_gone(result(pread(fd, &value, 4, 0))), "pread says that it is gone");
	ok(says_gone(result(pread(late, &value, 4, 0))), "also to a watcher that was outdated");
	is(look(page), shown, "the page shows what it showed when the daemon went");
	is(sysgenid_is_gone((void *)page), stopped, "and says that it is gone, if the daemon could");
	ok(says_gone(result(pwrite(fd, &shown, 4, 0))), "pwrite says so");
	ok(says_gone(result(ioctl(fd, SYSGENID_V4_GET_OUTDATED_WATCHERS))), "GET says so");
	ok(says_gone(result(ioctl(fd, SYSGENID_TRIGGER_GEN_UPDATE, 0UL))), "TRIGGER says so");
	ok(ready(fd) & POLLERR, "poll says POLLERR");
	signal(SIGBUS, on_fault);
	is(look(page), stored_pages ? -SIGBUS : (long long)shown, stored_pages ?
	   "deviation without passthrough: after a write the page is gone too" : "the page shows what it showed");
	is(result(close(fd)), 0, "close succeeds");
	return plan();
}
