// SPDX-License-Identifier: Apache-2.0
/* mmap(2): what is in the page, who may write it, how long it lives, who sees its changes. */
#include <setjmp.h>

#include "device.h"

#define PAGE 4096

static sigjmp_buf fault;

static void on_fault(int number)
{
	siglongjmp(fault, number);
}

/* 0 when the byte can be loaded, else the signal. */
static int touch(const volatile unsigned char *at)
{
	int number = sigsetjmp(fault, 1);

	if (number == 0)
		(void)*at;
	return number;
}

static long long map(size_t length, int protection, int flags, int fd, off_t offset)
{
	void *page = mmap(NULL, length, protection, flags, fd, offset);

	if (page == MAP_FAILED)
		return -errno;
	munmap(page, length);
	return 0;
}

static const uint32_t *map_u32(int fd, size_t length, int flags)
{
	void *page = mmap(NULL, length, PROT_READ, flags, fd, 0);

	if (page == MAP_FAILED) {
		perror("mmap");
		exit(99);
	}
	return page;
}

static uint32_t load(const uint32_t *at)
{
	return *(const volatile uint32_t *)at;
}

static void contents(void)
{
	static const struct { int flags; const char *name; } modes[] = { { O_RDONLY, "O_RDONLY" }, { O_RDWR, "O_RDWR" } };

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		int fd = open_device(modes[i].flags);
		const uint32_t *shared = map_u32(fd, PAGE, MAP_SHARED), *private = map_u32(fd, PAGE, MAP_PRIVATE);
		const uint32_t *four = map_u32(fd, 4, MAP_SHARED), *validated = map_u32(fd, PAGE, MAP_SHARED_VALIDATE);
		const uint32_t *populated = map_u32(fd, PAGE, MAP_SHARED | MAP_POPULATE);
		int other = 0;

		is(load(shared), current(), "%s: the generation is at offset 0", modes[i].name);
		other = load(shared + 1) != 0 || load(shared + 7) != 0;
		for (int k = 14; k < PAGE / 4; k++)
			other += load(shared + k) != 0;
		is(other, 0, "%s: the rest is zero, but for what extension.c looks at", modes[i].name);
		for (int round = 1; round <= 3; round++) {
			bump();
			is(load(shared), current(), "%s: bump %d: shared", modes[i].name, round);
			is(load(private), current(), "%s: bump %d: private", modes[i].name, round);
			is(load(four), current(), "%s: bump %d: mapped with length 4", modes[i].name, round);
			is(load(validated), current(), "%s: bump %d: MAP_SHARED_VALIDATE", modes[i].name, round);
			is(load(populated), current(), "%s: bump %d: MAP_POPULATE", modes[i].name, round);
		}
		madvise((void *)shared, PAGE, MADV_DONTNEED);
		is(load(shared), current(), "%s: after MADV_DONTNEED", modes[i].name);
		if (modes[i].flags == O_RDWR) {
			is(take(fd), current(), "%s: looking at the page acks nothing", modes[i].name);
			is(ack(fd), 4, "%s: the ack", modes[i].name);
			is(load(shared), current(), "%s: leaves the page alone", modes[i].name);
		}
		munmap((void *)shared, PAGE);
		munmap((void *)private, PAGE);
		munmap((void *)four, 4);
		munmap((void *)validated, PAGE);
		munmap((void *)populated, PAGE);
		close(fd);
	}
}

static void refusals(void)
{
	int reader = open_device(O_RDONLY), writer = open_device(O_WRONLY), both = open_device(O_RDWR);
	const uint32_t *page;

	is(map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, reader, 0), -EACCES, "O_RDONLY: PROT_WRITE");
	page = map_u32(reader, PAGE, MAP_SHARED);
	is(result(mprotect((void *)page, PAGE, PROT_READ | PROT_WRITE)), -EACCES, "O_RDONLY: mprotect to PROT_WRITE");
	munmap((void *)page, PAGE);
	is(map(PAGE, PROT_READ, MAP_SHARED, writer, 0), -EACCES, "O_WRONLY: PROT_READ");
	is(map(PAGE, PROT_WRITE, MAP_SHARED, writer, 0), -EACCES, "O_WRONLY: PROT_WRITE");
	is(map(0, PROT_READ, MAP_SHARED, both, 0), -EINVAL, "length 0");
	is(map(PAGE, PROT_READ, MAP_SHARED, both, 1), -EINVAL, "an offset that is no multiple of the page size");
	close(reader);
	close(writer);
	close(both);
}

/* The driver says EINVAL; here the map succeeds and whatever lies beyond the page faults. */
static void beyond_the_page(void)
{
	int fd = open_device(O_RDONLY);
	const unsigned char *two = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	const unsigned char *second = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, PAGE);

	signal(SIGBUS, on_fault);
	signal(SIGSEGV, on_fault);
	ok(two != MAP_FAILED, "deviation: two pages can be mapped");
	is(touch(two), 0, "the first can be read");
	is(touch(two + PAGE), SIGBUS, "deviation: the second is SIGBUS");
	ok(second != MAP_FAILED, "deviation: offset 4096 can be mapped");
	is(touch(second), SIGBUS, "deviation: and is SIGBUS");
	is(*(const uint32_t *)two, current(), "the first is still right");
	munmap((void *)two, 2 * PAGE);
	munmap((void *)second, PAGE);
	close(fd);
}

static const uint32_t *inherited;
static atomic_bool *watching;	/* shared with the child */

static int watch_inherited_page(void *argument)
{
	uint32_t before = load(inherited);

	(void)argument;
	atomic_store(watching, true);
	while (load(inherited) == before)
		sched_yield();
	return load(inherited) == before + 1 ? 3 : 4;
}

/* A mapping needs neither the descriptor nor the process that made it, and is no watcher. */
static void lifetime(void)
{
	int fd = open_device(O_RDWR), before, other;
	const uint32_t *page = map_u32(fd, PAGE, MAP_SHARED);
	pid_t pid;

	before = outdated_watchers();
	close(fd);
	is(load(page), current(), "after close: still mapped");
	for (int i = 1; i <= 3; i++) {
		bump();
		is(load(page), current(), "after close: bump %d is seen", i);
	}
	other = open_device(O_RDWR);
	if (stored_pages) {
		/* The mapping holds the file, and no message tells the server that the descriptor is gone. */
		is(outdated_watchers(), before + 1, "deviation without passthrough: the mapping stays a watcher");
		is(result(ioctl(other, SYSGENID_WAIT_WATCHERS, 1UL)), -ETIME, "that nobody can ack");
	} else {
		is(outdated_watchers(), before, "after close: nobody is waited for");
		is(result(ioctl(other, SYSGENID_WAIT_WATCHERS, 0UL)), 0, "after close: WAIT returns at once");
	}
	close(other);

	inherited = page;
	watching = mmap(NULL, sizeof(*watching), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid = child(watch_inherited_page, NULL);
	while (!atomic_load(watching))
		sched_yield();
	bump();
	is(child_status(pid), 3, "a forked child sees the change in the mapping it inherited");
	is(load(page), current(), "and so does the parent");

	munmap((void *)page, PAGE);
	is(outdated_watchers(), before, "after munmap: nobody is waited for");
	fd = open_device(O_RDONLY);
	page = map_u32(fd, PAGE, MAP_SHARED);
	close(fd);
	for (int i = 0; i < 200; i++)	/* whoever is given a page now must not be given this one */
		close(open_device(O_RDWR));
	bump();
	is(load(page), current(), "after 200 further opens and closes: the page of a closed file goes on");
	munmap((void *)page, PAGE);
}

/* Many mappings, of descriptors that are open and of ones that are closed: one bump changes all. */
static void many(void)
{
	enum { PAGES = 500 };
	static const uint32_t *pages[PAGES];
	static int fds[PAGES];
	int wrong = 0;

	for (int i = 0; i < PAGES; i++) {
		fds[i] = open_device(i % 3 ? O_RDWR : O_RDONLY);
		pages[i] = map_u32(fds[i], PAGE, i % 2 ? MAP_SHARED : MAP_PRIVATE);
		if (i % 5 == 0)
			close(fds[i]);
	}
	for (int round = 0; round < 3; round++) {
		bump();
		for (int i = 0; i < PAGES; i++)
			wrong += load(pages[i]) != current();
	}
	is(wrong, 0, "500 mappings, a fifth of closed files: each shows each of three bumps when the bump returns");
	for (int i = 0; i < PAGES; i++) {
		munmap((void *)pages[i], PAGE);
		if (i % 5)
			close(fds[i]);
	}
}

/* The page changes before anybody is told: whoever wakes up finds the new generation in it. */
static long long call_take_and_look(struct task *task)
{
	long long n = take(task->fd);
	uint32_t shown = load((const uint32_t *)task->argument);

	return n == (long long)shown;
}

static void page_before_wakeup(void)
{
	int fd = open_device(O_RDWR), behind = 0;
	const uint32_t *page = map_u32(fd, PAGE, MAP_SHARED);

	for (int i = 0; i < 100; i++) {
		struct task reader;

		task_start(&reader, call_take_and_look, fd, (unsigned long)page);
		bump();
		behind += task_result(&reader) != 1;
		ack(fd);
	}
	is(behind, 0, "a hundred blocked reads: when each returns, the page already shows what it returns");
	munmap((void *)page, PAGE);
	close(fd);
}

int main(int argc, char **argv)
{
	device_setup(argc, argv);
	contents();
	refusals();
	beyond_the_page();
	lifetime();
	many();
	page_before_wakeup();
	return plan();
}
