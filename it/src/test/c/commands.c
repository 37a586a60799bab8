// SPDX-License-Identifier: Apache-2.0
/*
 * ioctl(2): both families, and everything that is no command. Compiled for 32 bits too: the numbers are the same and
 * the argument travels by value, through the kernel's compatibility path.
 */
#include <limits.h>
#include <linux/fs.h>

#include "device.h"

#define GET	SYSGENID_V4_GET_OUTDATED_WATCHERS
#define WAIT4	SYSGENID_V4_WAIT_WATCHERS
#define FORCE	SYSGENID_V4_FORCE_GEN_UPDATE
#define TRACK	SYSGENID_SET_WATCHER_TRACKING
#define WAIT	SYSGENID_WAIT_WATCHERS
#define TRIGGER	SYSGENID_TRIGGER_GEN_UPDATE

static long long call(int fd, unsigned long command, unsigned long argument)
{
	return result(ioctl(fd, command, argument));
}

static void numbers(void)
{
	is(GET, 0x2d01, "GET_OUTDATED_WATCHERS");
	is(WAIT4, 0x2d02, "WAIT_WATCHERS, first family");
	is(FORCE, 0x2d03, "FORCE_GEN_UPDATE");
	is(TRACK, 0xE401, "SET_WATCHER_TRACKING");
	is(WAIT, 0xE402, "WAIT_WATCHERS, second family");
	is(TRIGGER, 0xE403, "TRIGGER_GEN_UPDATE");
}

static void unknown(void)
{
	static char buffer[16384];
	static const unsigned long commands[] = {
		0, 0x2d00, 0x2d04, 0x2dff, 0xE400, 0xE404, 0xE4ff, 0x2c01, 0x2e01, 0xE301, 0xE501,
		0x5401 /* TCGETS */, 0x5413 /* TIOCGWINSZ */, 0xffff, 0x7fffffff, 0xffffffff,
		_IO(0xE4, 4), _IO(0xE4, 255), _IO(0, 3), _IO('f', 1),
		_IOR(0xE4, 1, int), _IOR(0xE4, 2, long), _IOR(0x2d, 1, int),
		_IOW(0xE4, 3, int), _IOWR(0xE4, 3, int), _IOW(0x2d, 3, char[4096]), _IOWR(0x2d, 2, char[16383]),
		_IOR(0, 0, char[16383]),
	};
	static const struct { int flags; const char *name; } modes[] = {
		{ O_RDONLY, "O_RDONLY" }, { O_WRONLY, "O_WRONLY" }, { O_RDWR, "O_RDWR" },
	};
	uint32_t before = current();

	for (size_t m = 0; m < sizeof(modes) / sizeof(modes[0]); m++) {
		int fd = open_device(modes[m].flags);

		for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
			is(call(fd, commands[i], (unsigned long)buffer), -EINVAL, "%s: unknown command 0x%lx",
			   modes[m].name, commands[i]);
		close(fd);
	}
	is(current(), before, "none of them changed the generation");
}

/* Commands that the kernel answers itself for any file. */
static void generic(void)
{
	int fd = open_device(O_RDWR), on = 1, off = 0, bytes = -1;

	is(call(fd, FIONBIO, (unsigned long)&on), 0, "FIONBIO 1");
	is(take(fd), -EAGAIN, "sets O_NONBLOCK");
	is(call(fd, FIONBIO, (unsigned long)&off), 0, "FIONBIO 0");
	is(must(fcntl(fd, F_GETFL)) & O_NONBLOCK, 0, "clears it");
	is(call(fd, FIONREAD, (unsigned long)&bytes), 0,
	   "deviation: FIONREAD is answered by the kernel, as for any regular file");
	ok(bytes > 0, "and means nothing here: %d", bytes);
	is(call(fd, FIGETBSZ, (unsigned long)&bytes), 0, "the kernel answers FIGETBSZ, as for any file");
	close(fd);
}

static void counting(void)
{
	static const struct { int flags; int tracked; const char *name; } modes[] = {
		{ O_RDONLY, 0, "O_RDONLY" }, { O_WRONLY, 1, "O_WRONLY" }, { O_RDWR, 1, "O_RDWR" },
	};

	for (size_t m = 0; m < sizeof(modes) / sizeof(modes[0]); m++) {
		int fd = open_device(modes[m].flags);
		const char *name = modes[m].name;

		is(call(fd, GET, 0), 0, "%s: GET while up to date", name);
		bump();
		is(call(fd, GET, 0), modes[m].tracked, "%s: GET while outdated, as opened", name);
		is(call(fd, TRACK, 1), 0, "%s: tracking on", name);
		is(call(fd, GET, 0), 1, "%s: counts at once", name);
		is(call(fd, TRACK, 1), 0, "%s: tracking on again", name);
		is(call(fd, GET, 0), 1, "%s: counts once", name);
		is(call(fd, TRACK, 0), 0, "%s: tracking off", name);
		is(call(fd, GET, 0), 0, "%s: counts no more", name);
		is(call(fd, TRACK, 0), 0, "%s: tracking off again", name);
		is(call(fd, GET, 0), 0, "%s: still 0", name);
		is(ready(fd), POLLIN | POLLRDNORM, "%s: an untracked watcher is outdated all the same", name);
		is(call(fd, TRACK, 1), 0, "%s: tracking on once more", name);
		is(outdated_watchers(), 1, "%s: another descriptor sees the same count", name);
		if (modes[m].flags != O_RDONLY) {
			is(ack(fd), 4, "%s: ack", name);
			is(call(fd, GET, 0), 0, "%s: GET after the ack", name);
		}
		close(fd);
		is(outdated_watchers(), 0, "%s: GET after the close", name);
	}
}

static void waiting(void)
{
	int fd = open_device(O_RDWR), late;

	is(call(fd, WAIT4, 0), 0, "nobody outdated: WAIT, first family");
	is(call(fd, WAIT, 0), 0, "nobody outdated: WAIT, second family");
	is(call(fd, WAIT, 1000000), 0, "nobody outdated: WAIT with a timeout");
	late = open_device(O_RDWR);
	bump();
	is(call(fd, WAIT4, 1), -EINTR, "the caller outdated: EINTR, first family");
	is(call(fd, WAIT, 1), -EINTR, "the caller outdated: EINTR, second family");
	is(call(fd, WAIT4, 0), -EINTR, "the caller outdated: EINTR, first family, without a timeout");
	is(call(fd, WAIT, 0), -EINTR, "the caller outdated: EINTR, second family, without a timeout");
	ack(fd);
	is(call(fd, WAIT4, 1), -EINTR, "another one outdated: the timeout is EINTR, first family");
	is(call(fd, WAIT, 1), -ETIME, "another one outdated: the timeout is ETIME, second family");
	is(call(fd, WAIT, 50), -ETIME, "a longer timeout");
	close(late);
	is(call(fd, WAIT, 0), 0, "it closed: WAIT returns 0");
	close(fd);
}

/* Timeouts so long that arithmetic on them overflows somewhere are long, not short, and not an error. */
static void long_timeouts(void)
{
	static const unsigned long long timeouts[] = {
		0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 9223372036855, 18446744073709, 18446744073710,
		1ull << 54, 1ull << 58, INT64_MAX / 1000000, INT64_MAX / 1000000 + 1, INT64_MAX, 1ull << 63, UINT64_MAX,
	};
	int fd = open_device(O_RDWR), late = open_device(O_RDWR);

	for (size_t i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++) {
		struct task waiter;

		if (timeouts[i] > ULONG_MAX)
			continue;
		for (int family = 1; family <= 2; family++) {
			bump();
			ack(fd);
			task_start(&waiter, family == 1 ? call_wait_v4 : call_wait, fd, (unsigned long)timeouts[i]);
			ok(task_blocks(&waiter), "timeout %llu, family %d: waits", timeouts[i], family);
			ack(late);
			is(task_result(&waiter), 0, "timeout %llu, family %d: 0 at the ack", timeouts[i], family);
		}
	}
	close(fd);
	close(late);
}

static void bumping(void)
{
	static const unsigned long commands[] = { FORCE, TRIGGER };
	static const char *names[] = { "FORCE", "TRIGGER" };
	static const struct { int flags; const char *name; } modes[] = {
		{ O_RDONLY, "O_RDONLY" }, { O_WRONLY, "O_WRONLY" }, { O_RDWR, "O_RDWR" },
	};

	for (int c = 0; c < 2; c++) {
		for (size_t m = 0; m < sizeof(modes) / sizeof(modes[0]); m++) {
			int fd = open_device(modes[m].flags);
			uint32_t before = current();

			is(call(fd, commands[c], 0), 0, "%s 0 on %s", names[c], modes[m].name);
			is(current(), before + 1, "%s 0 on %s: one more", names[c], modes[m].name);
			is(ready(fd), POLLIN | POLLRDNORM, "%s 0 on %s: its own watcher is outdated", names[c],
			   modes[m].name);
			is(call(fd, commands[c], before), 0, "%s of an old one on %s", names[c], modes[m].name);
			is(current(), before + 2, "%s of an old one on %s: one more", names[c], modes[m].name);
			is(call(fd, commands[c], before + 2), 0, "%s of the current one on %s", names[c],
			   modes[m].name);
			is(current(), before + 3, "%s of the current one on %s: one more", names[c], modes[m].name);
			is(call(fd, commands[c], before + 10), 0, "%s of a higher one on %s", names[c], modes[m].name);
			is(current(), before + 10, "%s of a higher one on %s: that one", names[c], modes[m].name);
			close(fd);
		}
	}
}

/* Around 2^31 and 2^32. This comes last: the generation does not go back. */
static void far_numbers(void)
{
	int fd = open_device(O_RDWR | O_NONBLOCK);
	uint32_t before = current();

#if ULONG_MAX > 0xffffffff
	is(call(fd, FORCE, 0x100000000), -EINVAL, "FORCE 2^32");
	is(call(fd, TRIGGER, 0x100000000), -EINVAL, "TRIGGER 2^32");
	is(call(fd, FORCE, 0x123456789abcdef0), -EINVAL, "FORCE beyond");
	is(call(fd, TRIGGER, ULONG_MAX), -EINVAL, "TRIGGER 2^64-1");
#endif
	is(current(), before, "and nothing happened");
	is(take(fd), -EAGAIN, "to anyone");
	is(call(fd, FORCE, 0x7fffffff), 0, "FORCE 2^31-1");
	is(current(), 0x7fffffff, "is done");
	is(call(fd, FORCE, 0), 0, "the next one");
	is(current(), 0x80000000, "is 2^31, not 0");
	is(take(fd), 0x80000000, "read");
	is(ack(fd), 4, "ack");
	is(call(fd, TRIGGER, 0xfffffffe), 0, "TRIGGER 2^32-2");
	is(current(), 0xfffffffe, "is done");
	is(call(fd, TRIGGER, 5), 0, "TRIGGER 5");
	is(current(), 0xffffffff, "is one more: unsigned");
	is(ack(fd), 4, "ack");
	is(call(fd, FORCE, 0), 0, "the next one");
	is(current(), 1, "is 1: 0 is never come back to");
	is(ready(fd), POLLIN | POLLRDNORM, "and is seen");
	is(take(fd), 1, "read");
	is(call(fd, FORCE, 0xffffffff), 0, "FORCE 2^32-1");
	is(current(), 0xffffffff, "all the way round");
	is(take(fd), 0xffffffff, "seen too");
	is(ack(fd), 4, "ack");

	/* One that slept through a whole turn: the numbers are equal, and yet it is outdated. */
	is(call(control, FORCE, 0), 0, "one bump");
	is(call(control, FORCE, 0xffffffff), 0, "and one that comes back to what the watcher has acked");
	is(ready(fd), POLLIN | POLLRDNORM, "it lived through two bumps: outdated");
	is(outdated_watchers(), 1, "and counted");
	is(ack(fd), 4, "until it acks");
	is(outdated_watchers(), 0, "then not");
	close(fd);
}

int main(int argc, char **argv)
{
	device_setup(argc, argv);
	numbers();
	unknown();
	generic();
	counting();
	waiting();
	long_timeouts();
	bumping();
	far_numbers();
	return plan();
}
