// SPDX-License-Identifier: Apache-2.0
/*
 * Who may bump: the calling thread needs CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN, effective, in the user namespace that
 * owns the domain. Run as root. Every case tries both families; what is refused must leave the generation alone.
 */
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

#include "device.h"

#define NOBODY 65534

#define FULL	(~UINT64_C(0))
#define BIT(capability) (UINT64_C(1) << (capability))

static uint64_t capability_mask(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	must(syscall(SYS_capget, &header, data));
	return (uint64_t)data[1].permitted << 32 | data[0].permitted;
}

/* Of what this thread holds, keeps these. */
static void set_capabilities(uint64_t effective, uint64_t permitted)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { 0 };
	uint64_t held = capability_mask();

	for (int i = 0; i < 2; i++) {
		data[i].effective = (uint32_t)((effective & held) >> 32 * i);
		data[i].permitted = (uint32_t)((permitted & held) >> 32 * i);
	}
	must(syscall(SYS_capset, &header, data));
}

/* Becomes nobody, keeping the permitted set: the caller says what of it stays. */
static void become_nobody(void)
{
	must(prctl(PR_SET_KEEPCAPS, 1));
	must(setgroups(0, NULL));
	must(setresgid(NOBODY, NOBODY, NOBODY));
	must(setresuid(NOBODY, NOBODY, NOBODY));
	must(prctl(PR_SET_DUMPABLE, 1));	/* else /proc/self/uid_map is root's */
}

static void write_file(const char *path, const char *text)
{
	int fd = must(open(path, O_WRONLY));

	must(write(fd, text, strlen(text)));
	close(fd);
}

static void enter_user_namespace(int more, uid_t uid)
{
	char map[32];

	must(unshare(CLONE_NEWUSER | more));
	write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", uid);
	write_file("/proc/self/uid_map", map);
	write_file("/proc/self/gid_map", map);
	must(setresuid(0, 0, 0));
}

/* The answer of both families, which must be the same: 0 or the errno; 250 when they differ. */
static int try_bump(int fd)
{
	long long force = result(ioctl(fd, SYSGENID_V4_FORCE_GEN_UPDATE, 0UL));
	long long trigger = result(ioctl(fd, SYSGENID_TRIGGER_GEN_UPDATE, 0UL));

	return force == trigger ? -(int)force : 250;
}

static int with_capabilities(uint64_t effective, uint64_t permitted)
{
	set_capabilities(effective, permitted);
	return try_bump(open_device(O_RDWR));
}

static int root(void *unused) { (void)unused; return try_bump(open_device(O_RDWR)); }
static int root_without_any(void *unused) { (void)unused; return with_capabilities(0, 0); }
static int root_not_effective(void *unused) { (void)unused; return with_capabilities(0, FULL); }

static int root_with_sys_admin(void *unused)
{
	(void)unused;
	return with_capabilities(BIT(CAP_SYS_ADMIN), BIT(CAP_SYS_ADMIN));
}

static int root_with_checkpoint_restore(void *unused)
{
	(void)unused;
	return with_capabilities(BIT(CAP_CHECKPOINT_RESTORE), BIT(CAP_CHECKPOINT_RESTORE));
}

static int root_with_all_others(void *unused)
{
	uint64_t others = ~(BIT(CAP_CHECKPOINT_RESTORE) | BIT(CAP_SYS_ADMIN));

	(void)unused;
	return with_capabilities(others, others);
}

static int nobody(void *unused)
{
	(void)unused;
	become_nobody();
	return with_capabilities(0, 0);
}

static int nobody_with(uint64_t effective, uint64_t permitted)
{
	become_nobody();
	return with_capabilities(effective, permitted);
}

static int nobody_with_checkpoint_restore(void *unused)
{
	(void)unused;
	return nobody_with(BIT(CAP_CHECKPOINT_RESTORE), BIT(CAP_CHECKPOINT_RESTORE));
}

static int nobody_with_sys_admin(void *unused)
{
	(void)unused;
	return nobody_with(BIT(CAP_SYS_ADMIN), BIT(CAP_SYS_ADMIN));
}

static int nobody_not_effective(void *unused)
{
	(void)unused;
	return nobody_with(0, BIT(CAP_CHECKPOINT_RESTORE) | BIT(CAP_SYS_ADMIN));
}

static int nobody_in_user_namespace(void *unused)
{
	(void)unused;
	become_nobody();
	set_capabilities(0, 0);
	enter_user_namespace(0, NOBODY);
	if (!(capability_mask() & BIT(CAP_SYS_ADMIN)))
		return 251;	/* the case would show nothing */
	return try_bump(open_device(O_RDWR));
}

static int bump_as_first_process(void *unused)
{
	(void)unused;
	return getpid() == 1 ? try_bump(open_device(O_RDWR)) : 252;
}

/* A whole container's worth of namespaces, made without any privilege. */
static int nobody_in_all_namespaces(void *unused)
{
	pid_t pid;

	(void)unused;
	become_nobody();
	set_capabilities(0, 0);
	enter_user_namespace(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC, NOBODY);
	pid = must(fork());
	if (pid == 0)
		_exit(bump_as_first_process(NULL));
	return child_status(pid);
}

static int root_in_user_namespace(void *unused)
{
	(void)unused;
	enter_user_namespace(0, 0);
	return try_bump(open_device(O_RDWR));
}

static int root_in_process_namespace(void *unused)
{
	pid_t pid;

	(void)unused;
	must(unshare(CLONE_NEWPID));
	pid = must(fork());
	if (pid == 0)
		_exit(bump_as_first_process(NULL));
	return child_status(pid);
}

/* What counts is what the caller may when it calls: not when it opened. */
static int dropped_after_open(void *unused)
{
	int fd = open_device(O_RDWR);

	(void)unused;
	set_capabilities(0, 0);
	return try_bump(fd);
}

static int gained_after_open(void *unused)
{
	int fd;

	(void)unused;
	become_nobody();
	set_capabilities(0, BIT(CAP_CHECKPOINT_RESTORE));
	fd = open_device(O_RDWR);
	set_capabilities(BIT(CAP_CHECKPOINT_RESTORE), BIT(CAP_CHECKPOINT_RESTORE));
	return try_bump(fd);
}

/* This program itself, as a copy that is setuid root; nobody runs it, and it says by its exit code what it may. */
static const char *setuid_copy;

static int run_setuid(void *how)
{
	become_nobody();
	set_capabilities(0, 0);
	execl(setuid_copy, setuid_copy, device, how, (char *)NULL);
	return 99;
}

static void make_setuid_copy(void)
{
	static char path[] = "/run/sysgenid-setuid-XXXXXX";
	char buffer[65536];
	int from = must(open("/proc/self/exe", O_RDONLY | O_CLOEXEC)), to = must(mkostemp(path, O_CLOEXEC));
	ssize_t length;

	while ((length = must(read(from, buffer, sizeof(buffer)))) > 0)
		must(write(to, buffer, (size_t)length));
	must(fchmod(to, 04755));
	close(to);
	close(from);
	setuid_copy = path;
}

static int inherited_descriptor(void *argument)
{
	become_nobody();
	set_capabilities(0, 0);
	return try_bump(*(int *)argument);
}

static int descriptor_for_parent;

static int send_to_parent(void *argument)
{
	/* Opened by nobody, used by root: /proc/PID/fd would be another open, so the parent takes it by pidfd. */
	int *ready = argument;

	become_nobody();
	set_capabilities(0, 0);
	descriptor_for_parent = open_device(O_RDWR);
	must(write(ready[1], &descriptor_for_parent, sizeof(int)));
	pause();
	return 1;
}

static long long call_bump_without_capability(struct task *task)
{
	set_capabilities(0, 0);
	return try_bump(task->fd);
}

static long long call_bump(struct task *task)
{
	return try_bump(task->fd);
}

/* Capabilities belong to threads: this one has none, its process's other threads have all. */
static int thread_without(void *unused)
{
	struct task task;

	(void)unused;
	task_start(&task, call_bump_without_capability, open_device(O_RDWR), 0);
	return (int)task_result(&task);
}

/* And the other way round: the first thread gives all up, a thread that was there before has kept them. */
static atomic_bool given_up;

static long long call_bump_later(struct task *task)
{
	while (!atomic_load(&given_up))
		sleep_ms(1);
	return call_bump(task);
}

static int thread_with(void *unused)
{
	struct task task;
	int mine;

	(void)unused;
	task_start(&task, call_bump_later, open_device(O_RDWR), 0);
	set_capabilities(0, 0);
	mine = try_bump(task.fd);
	atomic_store(&given_up, true);
	return mine == EACCES ? (int)task_result(&task) : 253;
}

/* The right is judged before the argument. */
static int nobody_with_bad_argument(void *unused)
{
	int fd;

	(void)unused;
	become_nobody();
	set_capabilities(0, 0);
	fd = open_device(O_RDWR);
	if (result(ioctl(fd, SYSGENID_TRIGGER_GEN_UPDATE, ~0UL)) != -EACCES)
		return 1;
	return -(int)result(ioctl(fd, SYSGENID_V4_FORCE_GEN_UPDATE, ~0UL));
}

/* What nobody may do: everything else. */
static int nobody_as_a_watcher(void *argument)
{
	int fd, *ready = argument;
	uint32_t value;

	become_nobody();
	set_capabilities(0, 0);
	fd = open_device(O_RDWR);
	must(write(ready[1], "", 1));
	if (read(fd, &value, 4) != 4)
		return 1;
	if (outdated_watchers() != 1)
		return 2;
	if (write(fd, &value, 4) != 4)
		return 3;
	if (ioctl(fd, SYSGENID_WAIT_WATCHERS, 0UL) != 0)
		return 4;
	if (ioctl(fd, SYSGENID_SET_WATCHER_TRACKING, 0UL) != 0)
		return 5;
	return 0;
}

/* Reads the list, in which it stands itself, and cannot unmount the directory, abort the connection, or remove anything. */
static int looks_and_cannot_stop(void)
{
	char path[PATH_MAX], text[65536], *directory = strdup(device);
	struct stat file;
	int list, mine = open_device(O_RDWR), abort_file;
	size_t length = 0;
	ssize_t count;

	*strrchr(directory, '/') = '\0';
	snprintf(path, sizeof(path), "%s/watchers", directory);
	list = must(open(path, O_RDONLY | O_CLOEXEC));
	while (length < sizeof(text) - 1 && (count = must(read(list, text + length, sizeof(text) - 1 - length))) > 0)
		length += (size_t)count;
	text[length] = '\0';
	if (strncmp(text, "ID PID UID ", 11) != 0 || !strstr(text, " 65534 rw "))
		return 1;
	if (result(open(path, O_WRONLY)) != -EACCES)
		return 2;
	if (result(umount2(directory, MNT_DETACH)) != -EPERM)
		return 3;
	if (unlink(device) == 0 || rename(device, path) == 0 || rmdir(directory) == 0)
		return 4;
	must(fstat(mine, &file));
	snprintf(path, sizeof(path), "/sys/fs/fuse/connections/%u/abort", minor(file.st_dev));
	abort_file = open(path, O_WRONLY);	/* not there where nobody has mounted fusectl */
	if (abort_file >= 0)
		return 5;
	return 0;
}

static int nobody_looks(void *unused)
{
	(void)unused;
	become_nobody();
	set_capabilities(0, 0);
	return looks_and_cannot_stop();
}

static int nobody_in_user_namespace_looks(void *unused)
{
	(void)unused;
	become_nobody();
	set_capabilities(0, 0);
	enter_user_namespace(0, NOBODY);
	return looks_and_cannot_stop();
}

static void expect(int expected, int (*body)(void *), void *argument, const char *name)
{
	uint32_t before = current();

	is(child_status(child(body, argument)), expected, "%s", name);
	is(current() - before, expected == 0 ? 2 : 0, "%s: the generation", name);
}

int main(int argc, char **argv)
{
	int fd, ready[2];
	char byte;
	pid_t pid;

	device_setup(argc, argv);
	if (argc > 2 && geteuid() == 0 && getuid() == NOBODY) {
		if (strcmp(argv[2], "dropped") == 0)
			must(seteuid(NOBODY));
		return try_bump(open_device(O_RDWR));
	}
	expect(0, root, NULL, "root may");
	expect(EACCES, root_without_any, NULL, "root without capabilities may not");
	expect(EACCES, root_not_effective, NULL, "root with capabilities that are not effective may not");
	expect(0, root_with_sys_admin, NULL, "CAP_SYS_ADMIN alone suffices");
	expect(0, root_with_checkpoint_restore, NULL, "CAP_CHECKPOINT_RESTORE alone suffices");
	expect(EACCES, root_with_all_others, NULL, "all other capabilities together do not");
	expect(EACCES, nobody, NULL, "uid 65534 may not");
	expect(0, nobody_with_checkpoint_restore, NULL, "uid 65534 with CAP_CHECKPOINT_RESTORE may");
	expect(0, nobody_with_sys_admin, NULL, "uid 65534 with CAP_SYS_ADMIN may");
	expect(EACCES, nobody_not_effective, NULL, "uid 65534 with both, not effective, may not");
	expect(EACCES, nobody_in_user_namespace, NULL, "uid 65534, root in a user namespace it made, may not");
	expect(EACCES, nobody_in_all_namespaces, NULL, "nor in one with all other namespaces new as well");
	expect(EACCES, root_in_user_namespace, NULL, "nor may root, in a user namespace below ours");
	expect(0, root_in_process_namespace, NULL, "root in a process namespace below ours may");

	fd = open_device(O_RDWR);
	expect(EACCES, inherited_descriptor, &fd, "uid 65534 on a descriptor that root opened may not");
	close(fd);

	expect(EACCES, dropped_after_open, NULL, "who drops the capability after the open may not");
	expect(0, gained_after_open, NULL, "who raises it after the open may");
	make_setuid_copy();
	expect(0, run_setuid, "kept", "a setuid-root program, run by uid 65534, may: its capabilities are effective");
	expect(EACCES, run_setuid, "dropped", "and may not once it has given its effective uid back");
	must(unlink(setuid_copy));

	must(pipe2(ready, O_CLOEXEC));
	pid = child(send_to_parent, ready);
	must(read(ready[0], &fd, sizeof(fd)));
	fd = must(syscall(SYS_pidfd_getfd, (int)must(syscall(SYS_pidfd_open, pid, 0)), fd, 0));
	is(try_bump(fd), 0, "root on a descriptor that uid 65534 opened may");
	kill(pid, SIGKILL);
	child_status(pid);
	close(fd);

	expect(EACCES, thread_without, NULL, "a thread without capabilities in a process with them may not");
	expect(0, thread_with, NULL, "a thread with capabilities in a process without them may");
	is(child_status(child(nobody_with_bad_argument, NULL)), EACCES,
	   "the right is judged before the argument");

	is(child_status(child(nobody_looks, NULL)), 0, "uid 65534 sees who watches, and cannot stop the service");
	is(child_status(child(nobody_in_user_namespace_looks, NULL)), 0, "nor can it as root of a user namespace");

	pid = child(nobody_as_a_watcher, ready);
	must(read(ready[0], &byte, 1));
	bump();
	is(child_status(pid), 0, "uid 65534 opens, reads, counts, acks, waits, turns tracking off");
	return plan();
}
