// SPDX-License-Identifier: Apache-2.0
/* read(2) and write(2) and their relatives: sizes, offsets, vectors, O_NONBLOCK, who is acked by what. */
#include <limits.h>
#include <sys/resource.h>
#include <sys/uio.h>

#include "device.h"

/* Also for a 32-bit program, whose off_t would be too small without this name. */
#define OFFSETS (int)(sizeof(offsets) / sizeof(offsets[0]))
static const off64_t offsets[] = {
	0, 1, 2, 3, 4, 5, 4095, 4096, 4097, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x100000003,
	INT64_C(1) << 40, INT64_C(1) << 62, INT64_MAX - 4096,
};

static void sizes(void)
{
	static unsigned char buffer[1 << 20];
	int fd = open_device(O_RDWR | O_NONBLOCK);
	static const size_t enough[] = { 4, 5, 7, 8, 4095, 4096, 4097, 65536, 131072, 1 << 20 };
	static const size_t wrong[] = { 1, 2, 3, 5, 7, 8, 4096, 65536, 1 << 20 };

	is(result(read(fd, buffer, 0)), 0, "up to date: read of 0 bytes");
	for (size_t n = 1; n < 4; n++)
		is(result(read(fd, buffer, n)), -EINVAL, "up to date: read of %zu bytes", n);
	is(result(read(fd, buffer, 4)), -EAGAIN, "up to date: read of 4 bytes with O_NONBLOCK");
	is(result(read(fd, buffer, sizeof(buffer))), -EAGAIN, "up to date: read of 1 MiB with O_NONBLOCK");

	bump();
	is(result(read(fd, buffer, 0)), 0, "outdated: read of 0 bytes");
	for (size_t n = 1; n < 4; n++)
		is(result(read(fd, buffer, n)), -EINVAL, "outdated: read of %zu bytes", n);
	for (size_t i = 0; i < sizeof(enough) / sizeof(enough[0]); i++) {
		uint32_t value;

		memset(buffer, 0xa5, 16);
		is(result(read(fd, buffer, enough[i])), 4, "outdated: read of %zu bytes gives 4", enough[i]);
		memcpy(&value, buffer, 4);
		is(value, current(), "outdated: read of %zu bytes gives the generation", enough[i]);
		is(buffer[4], 0xa5, "outdated: read of %zu bytes touches no fifth", enough[i]);
	}

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		uint32_t value = current();

		memcpy(buffer, &value, 4);
		is(result(write(fd, buffer, wrong[i])), -EINVAL, "write of %zu bytes", wrong[i]);
	}
	is(take(fd), current(), "still outdated after writes of a wrong size");
	is(result(write(fd, buffer, 0)), 0, "deviation: a write of 0 bytes is 0, not EINVAL: it reaches no server");
	is(take(fd), current(), "and acks nothing");
	close(fd);
}

static void values(void)
{
	int fd = open_device(O_RDWR | O_NONBLOCK);
	uint32_t old = current(), value;

	bump();
	bump();
	value = old;
	is(result(write(fd, &value, 4)), -EINVAL, "write of an old generation");
	value = current() - 1;
	is(result(write(fd, &value, 4)), -EINVAL, "write of a superseded generation");
	value = current() + 1;
	is(result(write(fd, &value, 4)), -EINVAL, "write of a future generation");
	is(take(fd), current(), "each leaves the watcher outdated");
	is(ack(fd), 4, "write of the current generation, nothing read before");
	is(take(fd), -EAGAIN, "acks");
	is(ack(fd), 4, "once more: nothing changes");
	is(take(fd), -EAGAIN, "still up to date");
	value = current() - 1;
	is(result(write(fd, &value, 4)), -EINVAL, "write of an old one while up to date");
	is(take(fd), -EAGAIN, "does not make it outdated");
	close(fd);
}

static void every_offset_is_the_same(void)
{
	int fd = open_device(O_RDWR | O_NONBLOCK | O_LARGEFILE);
	uint32_t value;

	for (int i = 0; i < OFFSETS; i++) {
		long long at = offsets[i];

		is(result(pread64(fd, &value, 4, at)), -EAGAIN, "pread at %lld, up to date", at);
		is(result(pread64(fd, &value, 3, at)), -EINVAL, "pread of 3 bytes at %lld", at);
		bump();
		value = ~current();
		is(result(pread64(fd, &value, 4, at)), 4, "pread at %lld, outdated", at);
		is(value, current(), "pread at %lld gives the generation", at);
		is(result(pwrite64(fd, &value, 3, at)), -EINVAL, "pwrite of 3 bytes at %lld", at);
		is(result(pwrite64(fd, &value, 4, at)), 4, "pwrite at %lld acks", at);
		is(take(fd), -EAGAIN, "up to date after pwrite at %lld", at);
	}
	is(result(pread64(fd, &value, 4, -1)), -EINVAL, "pread at -1");
	is(result(pwrite64(fd, &value, 4, -1)), -EINVAL, "pwrite at -1");
	close(fd);
}

/* The position that read and write leave behind is of no consequence, wherever it is. */
static void position(void)
{
	int fd = open_device(O_RDWR | O_NONBLOCK | O_LARGEFILE);
	uint32_t value;

	for (int i = 0; i < OFFSETS; i++) {
		if (lseek64(fd, offsets[i], SEEK_SET) != offsets[i])
			continue;	/* no seeking here: then there is no position either */
		bump();
		is(result(read(fd, &value, 4)), 4, "read at position %lld", (long long)offsets[i]);
		is(value, current(), "read at position %lld gives the generation", (long long)offsets[i]);
		is(result(read(fd, &value, 4)), 4, "read at position %lld, again", (long long)offsets[i]);
		is(result(write(fd, &value, 4)), 4, "write at position %lld", (long long)offsets[i] + 8);
	}
	lseek(fd, 0, SEEK_SET);
	for (int i = 0; i < 2000; i++) {
		bump();
		if (read(fd, &value, 4) != 4 || write(fd, &value, 4) != 4) {
			ok(false, "bump %d of 2000: read and write", i);
			break;
		}
	}
	is(take(fd), -EAGAIN, "2000 reads and acks in sequence, well past the size of the file");
	close(fd);
}

static void vectors(void)
{
	int fd = open_device(O_RDWR | O_NONBLOCK | O_LARGEFILE);
	unsigned char a[8], b[8], c[8];
	struct iovec two_two[] = { { a, 2 }, { b, 2 } };
	struct iovec one_three[] = { { a, 1 }, { b, 3 } };
	struct iovec ones[] = { { a, 1 }, { b, 1 }, { c, 1 }, { a + 4, 1 } };
	struct iovec short_ones[] = { { a, 1 }, { b, 1 }, { c, 1 } };
	struct iovec four_four[] = { { a, 4 }, { b, 4 } };
	struct iovec empty_four[] = { { a, 0 }, { b, 4 } };
	uint32_t value;

	is(result(readv(fd, two_two, 2)), -EAGAIN, "readv 2+2, up to date");
	is(result(readv(fd, short_ones, 3)), -EINVAL, "readv 1+1+1");
	bump();
	is(result(readv(fd, two_two, 2)), 4, "readv 2+2 is one read of 4 (deviation: the driver takes each part alone)");
	memcpy(&value, a, 2);
	memcpy((char *)&value + 2, b, 2);
	is(value, current(), "readv 2+2 gives the generation");
	is(result(readv(fd, ones, 4)), 4, "readv 1+1+1+1");
	is(result(readv(fd, empty_four, 2)), 4, "readv 0+4");
	memset(b, 0xa5, sizeof(b));
	is(result(readv(fd, four_four, 2)), 4, "readv 4+4 is one read of 8 and gives 4 (deviation, as above)");
	is(b[0], 0xa5, "readv 4+4 leaves the second part alone");
	is(result(preadv64(fd, two_two, 2, INT64_C(0x100000001))), 4, "preadv 2+2 at an odd offset beyond 32 bits");

	value = current();
	memcpy(a, &value, 4);
	memcpy(b, &value, 4);
	is(result(writev(fd, four_four, 2)), -EINVAL, "writev 4+4 is one write of 8 (deviation, as above)");
	is(take(fd), current(), "writev 4+4 acks nothing");
	memcpy(b, (char *)&value + 1, 3);
	is(result(writev(fd, one_three, 2)), 4, "writev 1+3 is one write of 4 (deviation, as above)");
	is(take(fd), -EAGAIN, "writev 1+3 acks");
	bump();
	value = current();
	memcpy(a, &value, 2);
	memcpy(b, (char *)&value + 2, 2);
	is(result(pwritev64(fd, two_two, 2, INT64_C(0x100000001))), 4, "pwritev 2+2 at an odd offset beyond 32 bits");
	is(take(fd), -EAGAIN, "pwritev acks");
	close(fd);
}

static void bad_addresses(void)
{
	int fd = open_device(O_RDWR | O_NONBLOCK);
	void *nowhere = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	bump();
	is(result(read(fd, nowhere, 4)), -EFAULT, "read to a bad address");
	is(result(write(fd, nowhere, 4)), -EFAULT, "write from a bad address");
	is(take(fd), current(), "the watcher stays outdated");
	munmap(nowhere, 4096);
	close(fd);
}

/* The flag is looked at with each call, so it can be changed on an open file. */
static void toggling_nonblock(void)
{
	int fd = open_device(O_RDWR);
	struct task reader;

	for (int round = 1; round <= 3; round++) {
		must(fcntl(fd, F_SETFL, O_NONBLOCK));
		is(take(fd), -EAGAIN, "round %d: O_NONBLOCK set by fcntl: EAGAIN", round);
		must(fcntl(fd, F_SETFL, 0));
		task_start(&reader, call_take, fd, 0);
		ok(task_blocks(&reader), "round %d: cleared: blocks", round);
		must(fcntl(fd, F_SETFL, O_NONBLOCK));
		is(take(fd), -EAGAIN, "round %d: set while another thread is blocked: EAGAIN", round);
		ok(task_blocks(&reader), "round %d: and that one stays blocked", round);
		bump();
		is(task_result(&reader), current(), "round %d: until the bump", round);
		is(ack(fd), 4, "round %d: ack", round);
	}
	close(fd);
}

/*
 * The kernel's lock of the file position: a thread in read(2) holds it, so write(2) on the same descriptor waits for
 * the bump. Positional calls do not take it.
 */
static long long call_write(struct task *task)
{
	uint32_t value = (uint32_t)task->argument;

	return result(write(task->fd, &value, 4));
}

static void position_lock(void)
{
	int fd = open_device(O_RDWR);
	struct task reader, writer;

	task_start(&reader, call_read, fd, 0);
	ok(task_blocks(&reader), "position lock: read blocks");
	is(ack(fd), 4, "position lock: pwrite passes a blocked read");
	task_start(&writer, call_write, fd, current());
	ok(task_blocks(&writer), "deviation: write on the same descriptor is held back by a blocked read");
	bump();
	is(task_result(&reader), current(), "position lock: the bump ends the read");
	is(task_result(&writer), -EINVAL, "position lock: and lets the write through, which is superseded by now");
	close(fd);
}

/* The file is a regular one to the kernel, so RLIMIT_FSIZE counts, and it counts the position. */
static int limited_writer(void *argument)
{
	struct rlimit limit = { .rlim_cur = 8, .rlim_max = 8 };
	uint32_t value = current();
	int fd = *(int *)argument;

	signal(SIGXFSZ, SIG_IGN);
	must(setrlimit(RLIMIT_FSIZE, &limit));
	if (pwrite(fd, &value, 4, 0) != 4)
		return 1;
	if (pwrite(fd, &value, 4, 4) != 4)
		return 2;
	if (pwrite(fd, &value, 4, 8) >= 0 || errno != EFBIG)
		return 3;
	return 0;
}

static void file_size_limit(void)
{
	int fd = open_device(O_RDWR);

	is(child_status(child(limited_writer, &fd)), 0,
	   "deviation: RLIMIT_FSIZE bounds the position of a write; pwrite at 0 keeps clear of it");
	close(fd);
}

#if ULONG_MAX == 0xffffffff
/* For the same reason a 32-bit program that did not ask for large files cannot write beyond 2 GiB. */
static void small_file_program(void)
{
	int fd = must(syscall(SYS_open, device, O_RDWR | O_NONBLOCK | O_CLOEXEC));
	uint32_t value = current();

	is(result(pwrite64(fd, &value, 4, 0x7ffffff0)), 4, "32 bits, no O_LARGEFILE: pwrite below 2 GiB");
	is(result(pwrite64(fd, &value, 4, 0x80000000)), -EFBIG,
	   "deviation: 32 bits, no O_LARGEFILE: pwrite at 2 GiB is EFBIG");
	is(result(pread64(fd, &value, 4, 0x80000000)), -EAGAIN, "32 bits, no O_LARGEFILE: pread at 2 GiB");
	close(fd);
}
#else
static void small_file_program(void)
{
}
#endif

int main(int argc, char **argv)
{
	device_setup(argc, argv);
	sizes();
	values();
	every_offset_is_the_same();
	position();
	vectors();
	bad_addresses();
	toggling_nonblock();
	position_lock();
	file_size_limit();
	small_file_program();
	return plan();
}
