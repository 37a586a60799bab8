// SPDX-License-Identifier: Apache-2.0
/*
 * What differs from a character device because the kernel takes the file for a regular one, or for one of FUSE, and
 * never asks the server. The other half of each name is what any character device answers.
 */
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <sys/xattr.h>

#include "device.h"

#define FUSE_SUPER_MAGIC 0x65735546
#define PAGE 4096

static void what_stat_shows(void)
{
	int one = open_device(O_RDONLY), two = open_device(O_RDWR);
	struct stat s, t;
	struct statfs fs;

	must(fstat(one, &s));
	must(fstat(two, &t));
	ok(S_ISREG(s.st_mode), "stat: a regular file (driver: a character device)");
	is(s.st_size, PAGE, "stat: of 4096 bytes (driver: 0)");
	is(s.st_rdev, 0, "stat: without a device number (driver: that of a misc device)");
	ok(s.st_ino == t.st_ino && s.st_dev == t.st_dev, "stat: the same inode number for every open");
	must(fstatfs(one, &fs));
	is(fs.f_type, FUSE_SUPER_MAGIC, "statfs: FUSE (driver: tmpfs)");
	close(one);
	close(two);
}

static void opening(void)
{
	int fd = open(device, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_DIRECT);
	unsigned char buffer[8];

	ok(fd >= 0, "open with O_DIRECT (driver: EINVAL)");
	bump();
	is(result(read(fd, buffer + 1, 4)), 4, "O_DIRECT: reads into any address");
	is(ack(fd), 4, "O_DIRECT: acks");
	close(fd);
	is(result(truncate(device, 0)), 0, "truncate to 0 by path succeeds and means nothing (driver: EINVAL)");
	is(result(truncate(device, PAGE)), -EINVAL, "truncate to another size by path does not");
}

static void seeking(void)
{
	int fd = open_device(O_RDWR | O_NONBLOCK);
	uint32_t value;

	is(result(lseek(fd, 0, SEEK_END)), PAGE, "lseek to the end is 4096 (driver: ESPIPE)");
	is(result(lseek(fd, 12345, SEEK_SET)), 12345, "lseek anywhere (driver: ESPIPE)");
	bump();
	is(result(read(fd, &value, 4)), 4, "read there gives 4 bytes");
	is(value, current(), "and they are the generation");
	is(result(write(fd, &value, 4)), 4, "write there acks");
	close(fd);
}

static void attributes_and_leases(void)
{
	int fd = open_device(O_RDWR), alone = open_device(O_RDONLY);
	char buffer[64];

	is(result(fsetxattr(fd, "user.x", "1", 1, 0)), -EOPNOTSUPP, "fsetxattr of user.x (driver: EPERM)");
	is(result(fgetxattr(fd, "user.x", buffer, sizeof(buffer))), -EOPNOTSUPP, "fgetxattr (driver: ENODATA)");
	is(result(flistxattr(fd, buffer, sizeof(buffer))), -EOPNOTSUPP, "flistxattr (driver: 0)");
	is(result(fcntl(alone, F_SETLEASE, F_RDLCK)), 0, "fcntl(F_SETLEASE) of one's own open (driver: EINVAL)");
	is(result(open(device, O_RDWR | O_CLOEXEC)) >= 0, 1, "which holds nobody else back");
	is(result(readahead(fd, 0, PAGE)), 0, "readahead (driver: EINVAL)");
	is(result(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE)), 0, "sync_file_range (driver: ESPIPE)");
	close(fd);
	close(alone);
}

static void commands_of_files(void)
{
	int fd = open_device(O_RDWR), other = open_device(O_RDONLY), block = 0;
	long long size = 0;
	struct file_dedupe_range range = { 0 };

	is(result(ioctl(fd, FIOQSIZE, &size)), 0, "ioctl FIOQSIZE (driver: ENOTTY, from the kernel)");
	is(result(ioctl(fd, FIBMAP, &block)), 0, "ioctl FIBMAP by root (driver: EINVAL)");
	is(result(ioctl(fd, FICLONE, other)), -EOPNOTSUPP, "ioctl FICLONE (driver: EINVAL, from the kernel)");
	is(result(ioctl(fd, FIDEDUPERANGE, &range)), -EOPNOTSUPP, "ioctl FIDEDUPERANGE (driver: EINVAL)");
	close(fd);
	close(other);
}

static void splicing(void)
{
	int fd = open_device(O_RDWR | O_NONBLOCK), ends[2], null = must(open("/dev/null", O_WRONLY | O_CLOEXEC));
	int file = must(open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
	uint32_t value;
	off_t zero = 0;
	loff_t start = 0;

	must(pipe2(ends, O_CLOEXEC | O_NONBLOCK));
	bump();
	value = current();
	must(write(ends[1], &value, 4));
	is(result(splice(ends[0], NULL, fd, NULL, 4, 0)), 4, "splice into it is a write, and acks (driver: EINVAL)");
	is(take(fd), -EAGAIN, "and the watcher is up to date");
	bump();
	value = current();
	must(pwrite(file, &value, 4, 0));
	is(result(sendfile(fd, file, &zero, 4)), 4, "so is sendfile (driver: EINVAL)");
	is(take(fd), -EAGAIN, "and the watcher is up to date");

	bump();
	zero = 0;
	if (stored_pages) {
		is(result(sendfile(null, fd, &zero, 4)), 4,
		   "without passthrough, sendfile out of it gives the page (driver: EINVAL)");
		is(result(splice(fd, &start, ends[1], NULL, 4, 0)), 4, "and so does splice");
		value = ~current();
		must(read(ends[0], &value, 4));
		is(value, current(), "which shows the generation");
	} else {
		is(result(sendfile(null, fd, &zero, 4)), -EINVAL, "sendfile out of it is EINVAL, as the driver's");
		is(result(splice(fd, &start, ends[1], NULL, 4, 0)), -EINVAL, "so is splice");
	}
	is(take(fd), current(), "and is no read of the device");
	start = 0;
	is(result(copy_file_range(fd, &start, file, NULL, 4, 0)), -EXDEV, "copy_file_range to a file (driver: EINVAL)");
	close(file);
	close(null);
	close(ends[0]);
	close(ends[1]);
	close(fd);
}

static void flags_of_one_call(void)
{
	int fd = open_device(O_RDWR | O_NONBLOCK);
	uint32_t value;
	struct iovec whole = { &value, 4 };

	bump();
	value = current();
	is(result(pwritev2(fd, &whole, 1, 0, RWF_DSYNC)), 4, "pwritev2 with RWF_DSYNC acks (driver: EOPNOTSUPP)");
	bump();
	value = current();
	is(result(pwritev2(fd, &whole, 1, 0, RWF_APPEND)), 4, "and with RWF_APPEND (driver: EOPNOTSUPP)");
	is(result(preadv2(fd, &whole, 1, 0, RWF_NOWAIT)), -EOPNOTSUPP, "preadv2 with RWF_NOWAIT is not, as the driver's");
	close(fd);
}

static void executable_mapping(void)
{
	int fd = open_device(O_RDONLY);

	is(result((long)mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0)), -EPERM,
	   "mmap for execution: the mount is noexec (driver: as /dev is mounted)");
	close(fd);
}

/* By another way than its name an inode, and so a page, can be reached a second time. */
static void shared_page(int first, int second, const char *way)
{
	volatile uint32_t *seen = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, first, 0);
	volatile uint32_t *written = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, second, 0);

	if (seen == MAP_FAILED || written == MAP_FAILED) {
		ok(false, "%s: both map", way);
		return;
	}
	written[1] = 0x5a5a5a5a;
	is(seen[1], 0x5a5a5a5a, "%s: the two share a page", way);
	is(generation[1], 0, "%s: nobody else sees what is written there", way);
	munmap((void *)seen, PAGE);
	munmap((void *)written, PAGE);
	close(first);
	close(second);
}

static void sharing(void)
{
	char link[32], bound[] = "/tmp/sysgenid-bind-XXXXXX";
	int first = open_device(O_RDONLY), file;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", first);
	shared_page(first, must(open(link, O_RDWR | O_CLOEXEC)), "opened again through /proc/self/fd");

	file = must(mkstemp(bound));
	close(file);
	must(mount(device, bound, NULL, MS_BIND, NULL));
	first = must(open(bound, O_RDONLY | O_CLOEXEC));
	shared_page(first, must(open(bound, O_RDWR | O_CLOEXEC)), "opened twice through a bind mount of the file");
	must(umount2(bound, MNT_DETACH));
	must(unlink(bound));
}

static char state_of(pid_t pid)
{
	char path[64], state = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (file) {
		if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
			state = 0;
		fclose(file);
	}
	return state;
}

static int read_in_child(void *argument)
{
	uint32_t value;

	return read(*(int *)argument, &value, 4) == 4 ? 10 : 11;
}

static int write_in_child(void *argument)
{
	uint32_t value = current();

	return write(*(int *)argument, &value, 4) == 4 ? 10 : 11;
}

/* Who waits for the position does so where no signal reaches, not even SIGKILL. */
static void position_lock_and_sigkill(void)
{
	int fd = open_device(O_RDWR);
	pid_t reader = child(read_in_child, &fd), writer;

	until_sleeps_in_call(reader);
	writer = child(write_in_child, &fd);
	while (state_of(writer) != 'D' || !sleeps_in_call(writer))	/* not in a page fault, on its way there */
		sleep_ms(1);
	kill(writer, SIGKILL);
	outdated_watchers();
	is(state_of(writer), 'D', "SIGKILL of one whose write is held back by another's read: it stays");
	bump();
	is(child_status(reader), 10, "the bump ends the read");
	is(child_status(writer), 1000 + SIGKILL, "and then the writer dies");
	close(fd);
}

static int limited(void *argument)
{
	struct rlimit limit = { .rlim_cur = *(int *)argument, .rlim_max = 8 };
	uint32_t value = current();

	signal(SIGXFSZ, SIG_IGN);
	must(setrlimit(RLIMIT_FSIZE, &limit));
	return -(int)result(pwrite(open_device(O_RDWR), &value, 4, 0));
}

static void tiny_file_size_limit(void)
{
	int nothing = 0, less = 2;

	is(child_status(child(limited, &nothing)), EFBIG, "RLIMIT_FSIZE of 0: pwrite at 0 is EFBIG (driver: acks)");
	is(child_status(child(limited, &less)), EINVAL, "RLIMIT_FSIZE of 2: it is cut to 2 bytes: EINVAL (driver: acks)");
}

int main(int argc, char **argv)
{
	device_setup(argc, argv);
	what_stat_shows();
	opening();
	seeking();
	attributes_and_leases();
	commands_of_files();
	splicing();
	flags_of_one_call();
	executable_mapping();
	sharing();
	position_lock_and_sigkill();
	tiny_file_size_limit();
	return plan();
}
