// SPDX-License-Identifier: Apache-2.0
/*
 * Nonsense, for some seconds, from several processes as uid 65534: whatever a file can be asked, with arguments of any
 * size, interrupted by signals all the while.
 *
 *	garbage DEVICE SECONDS PROCESSES SEED
 */
/* What the calls answer is the point of other programs; this one only asks. */
#pragma GCC diagnostic ignored "-Wunused-result"

#include <dirent.h>
#include <grp.h>
#include <libgen.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/statfs.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <utime.h>

#include "chance.h"
#include "device.h"

#define NOBODY 65534
#define FILES 32

static void nothing(int number)
{
	(void)number;
}

static unsigned char buffer[1 << 20];
static char directory[4000];

static void some_path(char *path, size_t size)
{
	static const char *const known[] = { "sysgenid", "generation", "watchers", ".", "..", "" };
	char name[300];
	size_t length = any() % 5 ? any() % 20 : 250 + any() % 10;

	if (any() % 3) {
		snprintf(path, size, "%s/%s", directory, known[any() % 6]);
		return;
	}
	for (size_t i = 0; i < length; i++)
		name[i] = (char)(1 + any() % 255);
	name[length] = 0;
	snprintf(path, size, "%s/%s", directory, name);
}

static int some_open(void)
{
	char path[4400];

	some_path(path, sizeof(path));
	return open(any() % 4 ? device : path, (int)(any() & 3) | (any() % 2 ? O_NONBLOCK : 0) |
		    (any() % 4 ? 0 : (int)any() & (O_TRUNC | O_APPEND | O_CREAT | O_EXCL | O_DIRECTORY | O_SYNC |
		    O_DIRECT | O_PATH | O_NOFOLLOW)) | O_CLOEXEC, 0666);
}

static void on_the_mapping(int fd)
{
	size_t length = 1 + any() % 20000;
	unsigned char *at = mmap(NULL, length, (int)any() & (PROT_READ | PROT_WRITE),
				 any() % 2 ? MAP_SHARED : MAP_PRIVATE, fd, (off_t)(any() % 4) * 4096);
	int protection = PROT_READ | (any() % 2 ? PROT_WRITE : 0);

	if (at == MAP_FAILED)
		return;
	if (any() % 2)
		mprotect(at, length, protection);
	madvise(at, length, any() % 2 ? MADV_DONTNEED : MADV_WILLNEED);
	msync(at, length, any() % 2 ? MS_SYNC : MS_ASYNC);
	/* The kernel looks, not we: a fault is an error of the call and not a signal. */
	if (any() % 2)
		pwrite(fd, at, any() % 2 ? 4 : length, 0);
	else
		pread(fd, at, any() % 2 ? 4 : length, 0);
	mlock(at, length);
	munmap(at, length);
}

static void on_paths(void)
{
	char one[4400], two[4400];
	struct statfs fs;
	struct stat s;

	some_path(one, sizeof(one));
	some_path(two, sizeof(two));
	switch (any() % 18) {
	case 0: unlink(one); break;
	case 1: rename(one, two); break;
	case 2: link(one, two); break;
	case 3: symlink(one, two); break;
	case 4: mkdir(one, 0777); break;
	case 5: rmdir(one); break;
	case 6: mknod(one, S_IFIFO | 0666, 0); break;
	case 7: truncate(one, (off_t)number()); break;
	case 8: chmod(one, (mode_t)number()); break;
	case 9: chown(one, (uid_t)number(), (gid_t)number()); break;
	case 10: access(one, (int)any() & 7); break;
	case 11: stat(one, &s); break;
	case 12: statfs(one, &fs); break;
	case 13: setxattr(one, "user.x", buffer, number() % 65536, 0); break;
	case 14: getxattr(one, any() % 2 ? "security.capability" : "user.x", buffer, sizeof(buffer)); break;
	case 15: listxattr(one, (char *)buffer, sizeof(buffer)); break;
	case 16: utime(one, NULL); break;
	case 17: syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, two, any() & 7); break;
	}
}

static void on_the_directory(void)
{
	DIR *d = opendir(directory);

	if (!d)
		return;
	for (int i = 0; i < 5; i++) {
		seekdir(d, (long)number());
		readdir(d);
	}
	rewinddir(d);
	readdir(d);
	fsync(dirfd(d));
	ioctl(dirfd(d), command(), number());
	read(dirfd(d), buffer, 100);
	closedir(d);
}

static void on_the_file(int fd, int other)
{
	struct iovec vectors[8];
	struct epoll_event event = { .events = (uint32_t)any() };
	struct pollfd p = { .fd = fd, .events = (short)any() };
	struct flock lock = { .l_type = (short)(any() % 3), .l_start = (off_t)number(), .l_len = (off_t)number() };
	struct timespec times[2] = { { 1, 1 }, { 2, 2 } };
	off64_t offset = (off64_t)number();
	size_t size = number() % sizeof(buffer);
	char one[4400];
	int set;

	switch (any() % 34) {
	case 0: case 1: case 2:
		ioctl(fd, command(), number());
		break;
	case 3:
		ioctl(fd, command(), buffer);
		break;
	case 4: case 5:
		read(fd, buffer, size);
		break;
	case 6: case 7:
		pread64(fd, buffer, size, offset);
		break;
	case 8: case 9:
		write(fd, buffer, size);
		break;
	case 10: case 11:
		pwrite64(fd, buffer, size, offset);
		break;
	case 12: case 13:
		for (int i = 0; i < 8; i++)
			vectors[i] = (struct iovec){ buffer + any() % 1000, number() % 10000 };
		if (any() % 2)
			preadv64(fd, vectors, (int)(any() % 9), offset);
		else
			pwritev64(fd, vectors, (int)(any() % 9), offset);
		break;
	case 14: {
		uint32_t value = current();

		pwrite64(fd, &value, 4, offset);
		break;
	}
	case 15: poll(&p, 1, (int)(any() % 3)); break;
	case 16:
		set = epoll_create1(EPOLL_CLOEXEC);
		epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
		epoll_ctl(set, EPOLL_CTL_MOD, fd, &event);
		epoll_wait(set, &event, 1, (int)(any() % 3));
		close(set);
		break;
	case 17: case 18: on_the_mapping(fd); break;
	case 19: ftruncate64(fd, offset); break;
	case 20: fallocate64(fd, (int)any() & 0x7f, offset, (off64_t)number()); break;
	case 21: any() % 2 ? fsync(fd) : fdatasync(fd); break;
	case 22: flock(fd, (any() % 2 ? LOCK_EX : LOCK_SH) | LOCK_NB); break;
	case 23: fcntl(fd, any() % 2 ? F_SETLK : F_GETLK, &lock); break;
	case 24: fcntl(fd, F_SETFL, (int)any()); break;
	case 25: lseek64(fd, offset, (int)(any() % 5)); break;
	case 26: sendfile64(other, fd, any() % 2 ? &offset : NULL, size); break;
	case 27: copy_file_range(fd, any() % 2 ? &offset : NULL, other, NULL, size, 0); break;
	case 28: fchmod(fd, (mode_t)number()); break;
	case 29: fchown(fd, (uid_t)number(), (gid_t)number()); break;
	case 30: futimens(fd, times); break;
	case 31: readahead(fd, offset, size); break;
	case 32:
		snprintf(one, sizeof(one), "/proc/self/fd/%d", fd);
		set = open(one, ((int)any() & 3) | O_NONBLOCK | O_CLOEXEC);
		read(set, buffer, 4);
		close(set);
		break;
	case 33:
		posix_fadvise64(fd, offset, (off64_t)number(), (int)(any() % 6));
		syscall(SYS_sync_file_range, fd, offset, number(), any() & 7);
		break;
	}
}

struct run {
	long long seconds;
	uint64_t seed;
};

static int make_garbage(void *argument)
{
	struct run *run = argument;
	struct itimerval often = { { 0, 3000 }, { 0, 3000 } };
	struct sigaction action = { .sa_handler = nothing };
	struct timespec start, now;
	int files[FILES];
	char copy[4000];
	int null = must(open("/dev/null", O_RDWR | O_CLOEXEC));

	state = run->seed | 1;
	must(setgroups(0, NULL));
	must(setresgid(NOBODY, NOBODY, NOBODY));
	must(setresuid(NOBODY, NOBODY, NOBODY));
	must(dup2(null, STDERR_FILENO));
	snprintf(copy, sizeof(copy), "%s", device);
	snprintf(directory, sizeof(directory), "%s", dirname(copy));
	must(sigaction(SIGALRM, &action, NULL));	/* no SA_RESTART: whatever blocks ends with EINTR */
	action.sa_handler = SIG_IGN;
	must(sigaction(SIGPIPE, &action, NULL));
	must(sigaction(SIGIO, &action, NULL));
	must(setitimer(ITIMER_REAL, &often, NULL));
	for (int i = 0; i < FILES; i++)
		files[i] = some_open();

	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		for (int i = 0; i < 50; i++) {
			int slot = (int)(any() % FILES);

			switch (any() % 12) {
			case 0: case 1:
				close(files[slot]);
				files[slot] = some_open();
				break;
			case 2: on_paths(); break;
			case 3: on_the_directory(); break;
			default: on_the_file(files[slot], any() % 2 ? null : files[any() % FILES]); break;
			}
		}
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec - start.tv_sec < run->seconds);
	return 0;
}

int main(int argc, char **argv)
{
	long long seconds = argc > 2 ? strtoll(argv[2], NULL, 10) : 3;
	int processes = argc > 3 ? atoi(argv[3]) : 4;
	uint64_t seed = argc > 4 ? strtoull(argv[4], NULL, 10) : 1;
	pid_t pids[64];

	device_setup(argc, argv);
	if (processes < 1 || processes > 64)
		return 2;
	printf("# seed %llu\n", (unsigned long long)seed);
	for (int i = 0; i < processes; i++) {
		struct run run = { seconds, (seed + (uint64_t)i) * UINT64_C(0x9e3779b97f4a7c15) };

		pids[i] = child(make_garbage, &run);
	}
	for (int i = 0; i < processes; i++)
		is(child_status(pids[i]), 0, "process %d made garbage and ended as it should", i + 1);
	return plan();
}
