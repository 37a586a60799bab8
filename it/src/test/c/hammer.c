// SPDX-License-Identifier: Apache-2.0
/*
 * Descriptors and mappings that live long and in many hands, as uid 65534: duplicated, inherited by children that are
 * killed in the middle of a call, passed through sockets, mapped and mapped again, put into pipes and event sets, reopened
 * through /proc and through a bind mount in a namespace. What garbage.c does to one file at a time is not repeated here.
 *
 *	hammer DEVICE SECONDS PROCESSES SEED [COUNT]
 *
 * Each process ends after SECONDS, or after COUNT operations, whichever is first; COUNT 0 means no limit.
 */
/* What the calls answer is the point of other programs; this one only asks. */
#pragma GCC diagnostic ignored "-Wunused-result"

#include <grp.h>
#include <libgen.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

#include "chance.h"
#include "device.h"

#define NOBODY 65534
#define FILES 24
#define MAPPINGS 12
#define CHILDREN 6

struct run {
	long long seconds;
	uint64_t seed;
	long count;
};

static int files[FILES];
static struct { unsigned char *at; size_t length; } mappings[MAPPINGS];
static pid_t children[CHILDREN];
static int pipes[2], sockets[2], events, notes, directory;
static aio_context_t aio;
static struct iocb iocbs[4];
static unsigned char buffer[65536];
static bool is_child;
static const struct itimerval often = { { 0, 3000 }, { 0, 3000 } };

static void nothing(int number)
{
	(void)number;
}

static int *some_file(void)
{
	return &files[any() % FILES];
}

/* Mostly without blocking: what blocks ends with the next signal of the timer. */
static int some_open(void)
{
	static const int odd[] = { O_PATH, O_TRUNC, O_APPEND, O_SYNC, O_NOATIME, O_DIRECT, O_ASYNC, O_NOFOLLOW, O_CREAT };

	return open(device, (int)(any() % 3) | (any() % 4 ? O_NONBLOCK : 0) | O_CLOEXEC |
		    (any() % 4 ? 0 : odd[any() % (sizeof(odd) / sizeof(odd[0]))]), 0666);
}

static void replace(int *slot, int fd)
{
	if (fd < 0)
		return;
	close(*slot);
	*slot = fd;
}

/* ---- More names for the same open file ---- */

static void duplicate(void)
{
	int *from = some_file(), *to = some_file();

	switch (any() % 4) {
	case 0: replace(to, dup(*from)); break;
	case 1: if (*to >= 0) dup3(*from, *to, from != to ? O_CLOEXEC : 0); break;
	case 2: replace(to, fcntl(*from, any() % 2 ? F_DUPFD_CLOEXEC : F_DUPFD, 3 + any() % 100)); break;
	case 3: replace(to, some_open()); break;
	}
}

static void reopen(void)
{
	char path[64];
	int fd = *some_file();

	snprintf(path, sizeof(path), any() % 2 ? "/proc/self/fd/%d" : "/proc/thread-self/fd/%d", fd);
	replace(some_file(), any() % 2 ? open(path, (int)(any() % 3) | O_NONBLOCK | O_CLOEXEC)
				       : openat(fd, "", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
	linkat(AT_FDCWD, path, directory, "another", AT_SYMLINK_FOLLOW);
	linkat(fd, "", directory, "another", AT_EMPTY_PATH);
}

/* To a socket and back: for a while it is nobody's. */
static void pass(void)
{
	int fd = *some_file();
	char room[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec byte = { buffer, 1 };
	struct msghdr message = { .msg_iov = &byte, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room) };
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);

	if (any() % 2) {
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(rights), &fd, sizeof(fd));
		sendmsg(sockets[0], &message, MSG_DONTWAIT | MSG_NOSIGNAL);
		return;
	}
	if (recvmsg(sockets[1], &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) > 0 && (rights = CMSG_FIRSTHDR(&message))) {
		memcpy(&fd, CMSG_DATA(rights), sizeof(fd));
		replace(some_file(), fd);
	}
}

/* ---- Mappings that stay ---- */

static void map(void)
{
	size_t i = any() % MAPPINGS, length = 4096 * (1 + any() % 5);
	void *at;

	switch (any() % 8) {
	case 0: case 1:
		if (mappings[i].at)
			munmap(mappings[i].at, mappings[i].length);
		at = mmap(NULL, length, any() % 3 ? PROT_READ : PROT_READ | PROT_WRITE,
			  any() % 4 ? MAP_SHARED : MAP_PRIVATE, *some_file(), 0);
		mappings[i].at = at == MAP_FAILED ? NULL : at;
		mappings[i].length = length;
		break;
	case 2:
		if (!mappings[i].at)
			break;
		at = mremap(mappings[i].at, mappings[i].length, length, MREMAP_MAYMOVE);
		if (at != MAP_FAILED) {
			mappings[i].at = at;
			mappings[i].length = length;
		}
		break;
	case 3: mprotect(mappings[i].at, mappings[i].length, (int)any() & (PROT_READ | PROT_WRITE | PROT_EXEC)); break;
	case 4: madvise(mappings[i].at, mappings[i].length, (int)(any() % 26)); break;
	case 5: mincore(mappings[i].at, mappings[i].length, buffer); break;
	/* The kernel looks and scribbles, not we: a fault is an error of the call and not a signal. */
	case 6: write(pipes[1], mappings[i].at, 4); break;
	case 7: read(pipes[0], mappings[i].at, 4); break;
	}
}

/* ---- Ways for bytes to go in and out ---- */

static void flow(void)
{
	int fd = *some_file();
	size_t size = any() % 4 ? 4 : any() % sizeof(buffer);
	struct iovec vectors[3] = { { buffer, any() % 5 }, { buffer, size }, { buffer, any() % 3 } };
	off64_t offset = any() % 2 ? 0 : (off64_t)number();
	uint32_t value = current();

	switch (any() % 12) {
	case 0: splice(fd, any() % 2 ? &offset : NULL, pipes[1], NULL, size, SPLICE_F_NONBLOCK); break;
	case 1: splice(pipes[0], NULL, fd, any() % 2 ? &offset : NULL, size, SPLICE_F_NONBLOCK); break;
	case 2: vmsplice(pipes[1], vectors, 3, SPLICE_F_NONBLOCK); break;
	case 3: sendfile64(any() % 2 ? pipes[1] : sockets[0], fd, any() % 2 ? &offset : NULL, size); break;
	case 4: readv(fd, vectors, 3); break;
	case 5: writev(fd, vectors, 3); break;
	case 6: preadv64v2(fd, vectors, 3, any() % 2 ? -1 : offset, (int)any() & 0x1f); break;
	case 7: pwritev64v2(fd, vectors, 3, any() % 2 ? -1 : offset, (int)any() & 0x1f); break;
	case 8: case 9: pwrite(fd, &value, 4, 0); break;
	case 10: write(fd, &value, 4); break;
	case 11: copy_file_range(fd, NULL, *some_file(), NULL, size, 0); break;
	}
}

static void ask_asynchronously(void)
{
	struct iocb *control = &iocbs[any() % 4], *list[] = { control };
	struct io_event done[4];
	struct timespec none = { 0, 0 };

	switch (any() % 4) {
	case 0: case 1: {
		static const uint16_t commands[] = {
			IOCB_CMD_PREAD, IOCB_CMD_PWRITE, IOCB_CMD_FSYNC, IOCB_CMD_POLL, IOCB_CMD_PREADV,
		};

		*control = (struct iocb){
			.aio_lio_opcode = commands[any() % 5], .aio_fildes = (uint32_t)*some_file(),
			.aio_buf = control->aio_lio_opcode == IOCB_CMD_POLL ? POLLIN : (uintptr_t)buffer, .aio_nbytes = 4,
		};
		syscall(SYS_io_submit, aio, 1, list);
		break;
	}
	case 2: syscall(SYS_io_cancel, aio, control, &done[0]); break;
	case 3: syscall(SYS_io_getevents, aio, 0, 4, done, &none); break;
	}
}

/* ---- Waiting for it ---- */

static void wait_for(void)
{
	int fd = *some_file();
	struct epoll_event event = { .events = EPOLLIN | (any() % 2 ? EPOLLET : 0) | (any() % 4 ? 0 : EPOLLONESHOT) };
	struct epoll_event ready[8];
	struct timeval soon = { 0, (long)(any() % 2000) };
	fd_set set;

	switch (any() % 7) {
	case 0: epoll_ctl(events, EPOLL_CTL_ADD, fd, &event); break;
	case 1: epoll_ctl(events, any() % 2 ? EPOLL_CTL_MOD : EPOLL_CTL_DEL, fd, &event); break;
	case 2: case 3: epoll_wait(events, ready, 8, (int)(any() % 3)); break;
	case 4:
		FD_ZERO(&set);
		for (int i = 0; i < FILES; i++)
			if (files[i] >= 0 && files[i] < FD_SETSIZE)
				FD_SET(files[i], &set);
		select(FD_SETSIZE, &set, any() % 2 ? &set : NULL, NULL, &soon);
		break;
	case 5:
		inotify_add_watch(notes, device, (uint32_t)any() & IN_ALL_EVENTS);
		read(notes, buffer, sizeof(buffer));
		break;
	case 6:
		fcntl(fd, F_SETOWN, getpid());
		fcntl(fd, F_SETSIG, any() % 2 ? SIGIO : 0);
		fcntl(fd, F_SETFL, (any() % 2 ? O_ASYNC : 0) | (any() % 2 ? O_NONBLOCK : 0));
		break;
	}
}

static void ask(void)
{
	static const unsigned long others[] = { FIONREAD, FIONBIO, FIOASYNC, FIBMAP, FICLONE, FS_IOC_GETFLAGS, FIGETBSZ };
	int fd = *some_file(), id;
	struct { struct file_handle head; unsigned char room[128]; } handle = { .head.handle_bytes = 128 };
	struct statx status;

	switch (any() % 8) {
	case 0: case 1: case 2: ioctl(fd, command(), any() % 2 ? any() % 4 : number()); break;
	case 3: ioctl(fd, others[any() % (sizeof(others) / sizeof(others[0]))], buffer); break;
	case 4: statx(fd, "", AT_EMPTY_PATH | ((int)any() & AT_STATX_FORCE_SYNC), (uint32_t)any(), &status); break;
	case 5:
		if (name_to_handle_at(fd, "", &handle.head, &id, AT_EMPTY_PATH) == 0)
			close(open_by_handle_at(directory, &handle.head, O_RDWR));
		break;
	case 6: fcntl(fd, F_SETLEASE, any() % 2 ? F_RDLCK : F_UNLCK); break;
	case 7: fcntl(fd, 1033 + (int)(any() % 12), number()); break; /* F_ADD_SEALS and its neighbours */
	}
}

static void operate(void);

/* A bind mount of the device in a namespace where one is root: it is the same inode, and the right to bump is not here. */
static int in_a_namespace(void)
{
	int fd;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) || mount("none", "/tmp", "tmpfs", 0, NULL))
		return 0;
	close(open("/tmp/device", O_CREAT | O_CLOEXEC, 0600));
	if (mount(device, "/tmp/device", NULL, MS_BIND, NULL))
		return 0;
	for (int i = 0; i < 3; i++)
		replace(some_file(), open("/tmp/device", (int)(any() % 3) | O_NONBLOCK | O_CLOEXEC));
	fd = open("/tmp/device", O_RDWR | O_CLOEXEC);
	if (fd >= 0 && ioctl(fd, SYSGENID_V4_FORCE_GEN_UPDATE, 0UL) == 0)
		return 1;
	for (int i = 0; i < 20; i++)
		operate();
	if (any() % 2)
		umount2("/tmp/device", MNT_DETACH);
	return 0;
}

static void inherit(void)
{
	pid_t *slot = &children[any() % CHILDREN];
	int status;

	if (is_child)
		return;
	if (*slot > 0) {
		if (any() % 2)
			kill(*slot, SIGKILL);
		if (waitpid(*slot, &status, WNOHANG) == *slot)
			*slot = 0;
		return;
	}
	*slot = fork();
	if (*slot != 0)
		return;
	must(prctl(PR_SET_PDEATHSIG, SIGKILL));
	must(setitimer(ITIMER_REAL, &often, NULL)); /* nor is this */
	is_child = true;
	state ^= any() << 1;
	aio = 0; /* is not inherited */
	if (any() % 8 == 0)
		_exit(in_a_namespace());
	if (any() % 16 == 0)
		execveat(*some_file(), "", (char *[]){ "device", NULL }, (char *[]){ NULL }, AT_EMPTY_PATH);
	for (int i = 0; i < 200; i++)
		operate();
	_exit(0);
}

static void operate(void)
{
	switch (any() % 16) {
	case 0: case 1: duplicate(); break;
	case 2: reopen(); break;
	case 3: pass(); break;
	case 4: case 5: map(); break;
	case 6: case 7: case 8: flow(); break;
	case 9: ask_asynchronously(); break;
	case 10: case 11: wait_for(); break;
	case 12: case 13: ask(); break;
	case 14: inherit(); break;
	case 15: {
		int *slot = some_file();

		close(*slot);
		*slot = some_open();
		break;
	}
	}
}

static int hammer(void *argument)
{
	struct run *run = argument;
	struct sigaction action = { .sa_handler = nothing };
	struct timespec start, now;
	char copy[4000];
	long done = 0;
	int null = must(open("/dev/null", O_RDWR | O_CLOEXEC));
	int status, bad = 0;

	state = run->seed | 1;
	must(setgroups(0, NULL));
	must(setresgid(NOBODY, NOBODY, NOBODY));
	must(setresuid(NOBODY, NOBODY, NOBODY));
	must(prctl(PR_SET_DUMPABLE, 1));	/* /proc/self is its own again, as for whoever is nobody from the start */
	must(dup2(null, STDERR_FILENO));
	snprintf(copy, sizeof(copy), "%s", device);
	directory = must(open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	must(pipe2(pipes, O_NONBLOCK | O_CLOEXEC));
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets));
	events = must(epoll_create1(EPOLL_CLOEXEC));
	notes = must(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
	syscall(SYS_io_setup, 4, &aio);
	must(sigaction(SIGALRM, &action, NULL));	/* no SA_RESTART: whatever blocks ends with EINTR */
	must(sigaction(SIGPIPE, &action, NULL));
	must(sigaction(SIGIO, &action, NULL));
	must(setitimer(ITIMER_REAL, &often, NULL));
	for (int i = 0; i < FILES; i++)
		files[i] = some_open();

	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		for (int i = 0; i < 50; i++, done++)
			operate();
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec - start.tv_sec < run->seconds && (!run->count || done < run->count));

	for (int i = 0; i < CHILDREN; i++) {
		if (children[i] <= 0)
			continue;
		kill(children[i], SIGKILL);
		while (waitpid(children[i], &status, 0) < 0 && errno == EINTR)
			;
		bad |= WIFEXITED(status) && WEXITSTATUS(status);
	}
	printf("# %ld operations\n", done);
	return bad;
}

int main(int argc, char **argv)
{
	long long seconds = argc > 2 ? strtoll(argv[2], NULL, 10) : 3;
	int processes = argc > 3 ? atoi(argv[3]) : 4;
	uint64_t seed = argc > 4 ? strtoull(argv[4], NULL, 10) : 1;
	long count = argc > 5 ? strtol(argv[5], NULL, 10) : 0;
	pid_t pids[64];

	device_setup(argc, argv);
	if (processes < 1 || processes > 64)
		return 2;
	printf("# seed %llu\n", (unsigned long long)seed);
	for (int i = 0; i < processes; i++) {
		struct run run = { seconds, (seed + (uint64_t)i) * UINT64_C(0x9e3779b97f4a7c15), count };

		pids[i] = child(hammer, &run);
	}
	for (int i = 0; i < processes; i++)
		is(child_status(pids[i]), 0, "process %d hammered and ended as it should", i + 1);
	return plan();
}
