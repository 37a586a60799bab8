// SPDX-License-Identifier: Apache-2.0
/* open(2) and what the file is: access modes, flags, the attributes that clients rely on, a file nobody can replace. */
#include <libgen.h>
#include <sys/statfs.h>

#include "device.h"

static void access_modes(void)
{
	uint32_t value = current();
	int reader = open_device(O_RDONLY | O_NONBLOCK);
	int writer = open_device(O_WRONLY);
	int both = open_device(O_RDWR | O_NONBLOCK);

	is(result(read(reader, &value, 4)), -EAGAIN, "O_RDONLY reads");
	is(result(write(reader, &value, 4)), -EBADF, "O_RDONLY does not write");
	is(result(read(writer, &value, 4)), -EBADF, "O_WRONLY does not read");
	is(result(write(writer, &value, 4)), 4, "O_WRONLY writes");
	is(result(read(both, &value, 4)), -EAGAIN, "O_RDWR reads");
	is(result(write(both, &value, 4)), 4, "O_RDWR writes");
	bump();
	is(take(reader), current(), "O_RDONLY: the new generation");
	is(ready(writer) & POLLIN, POLLIN, "O_WRONLY: poll says readable, as any watcher");
	is(ack(writer), 4, "O_WRONLY acks");
	is(ready(writer), 0, "O_WRONLY: up to date");
	is(take(both), current(), "O_RDWR: the other one's ack is not ours");
	close(reader);
	close(writer);
	close(both);
}

static void flags(void)
{
	static const struct { int flags; const char *name; } accepted[] = {
		{ O_TRUNC, "O_TRUNC" },
		{ O_CREAT, "O_CREAT" },
		{ O_CREAT | O_TRUNC, "O_CREAT|O_TRUNC" },
		{ O_APPEND, "O_APPEND" },
		{ O_SYNC, "O_SYNC" },
		{ O_DSYNC, "O_DSYNC" },
		{ O_NOCTTY, "O_NOCTTY" },
		{ O_NOFOLLOW, "O_NOFOLLOW" },
		{ O_NOATIME, "O_NOATIME" },
		{ O_CREAT | O_TRUNC | O_APPEND | O_SYNC | O_NONBLOCK, "O_CREAT|O_TRUNC|O_APPEND|O_SYNC|O_NONBLOCK" },
	};
	uint32_t before = current();

	for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
		int fd = open(device, O_RDWR | O_CLOEXEC | accepted[i].flags, 0600);

		ok(fd >= 0, "open with %s", accepted[i].name);
		is(ack(fd), 4, "%s: write acks", accepted[i].name);
		bump();
		is(take(fd), current(), "%s: read sees a bump", accepted[i].name);
		is(ack(fd), 4, "%s: write acks again", accepted[i].name);
		close(fd);
	}
	is(current() - before, sizeof(accepted) / sizeof(accepted[0]), "no flag changed the generation");
	is(result(open(device, O_RDWR | O_CREAT | O_EXCL, 0600)), -EEXIST, "O_CREAT|O_EXCL");
	is(result(open(device, O_RDONLY | O_DIRECTORY)), -ENOTDIR, "O_DIRECTORY");
}

static int change_as_nobody(void *argument)
{
	int fd = *(int *)argument;

	must(setresuid(65534, 65534, 65534));
	if (fchmod(fd, 0) == 0 || chmod(device, 0) == 0)
		return 1;
	if (fchown(fd, 65534, 65534) == 0 || chown(device, 65534, 65534) == 0)
		return 2;
	return 0;
}

static void attributes(void)
{
	uint32_t value = current();
	struct stat before, after;
	int fd;

	is(result(access(device, F_OK)), 0, "access(F_OK)");
	is(result(stat(device, &before)), 0, "stat");
	ok(S_ISREG(before.st_mode), "a regular file: a FIFO would hang AWS-LC");
	is(before.st_mode & 0444, 0444, "readable by everyone");
	ok(before.st_size >= 4, "not shorter than a generation: a mapping of an empty file kills");

	fd = open_device(O_RDWR | O_TRUNC);
	must(fstat(fd, &after));
	is(after.st_size, before.st_size, "O_TRUNC leaves the size");
	is(result(ftruncate(fd, 0)), -EINVAL, "ftruncate to 0 is refused, as by any device");
	must(fstat(fd, &after));
	is(after.st_size, before.st_size, "ftruncate to 0 leaves the size");
	is(result(ftruncate(fd, 1 << 20)), -EINVAL, "ftruncate to 1 MiB");
	must(fstat(fd, &after));
	is(after.st_size, before.st_size, "ftruncate to 1 MiB leaves the size");
	result(truncate(device, 0));
	must(stat(device, &after));
	is(after.st_size, before.st_size, "truncate by path leaves the size");
	is(result(fallocate(fd, 0, 0, 1 << 20)), -ENODEV, "fallocate");
	must(fstat(fd, &after));
	is(after.st_size, before.st_size, "fallocate leaves the size");
	is(result(fsync(fd)), -EINVAL, "fsync");
	is(result(fdatasync(fd)), -EINVAL, "fdatasync");
	is(current(), value, "a page mapped before is still there, and unchanged");
	is(child_status(child(change_as_nobody, &fd)), 0, "uid 65534 can change neither mode nor owner");
	must(stat(device, &after));
	is(after.st_mode, before.st_mode, "the mode is as before");
	is(after.st_uid, before.st_uid, "the owner is as before");
	is(after.st_size, before.st_size, "the size is as before");
	close(fd);
}

/* Root may not do what nobody may do: a client that finds another file, or none, is lost for its lifetime. */
static void nobody_replaces_it(void)
{
	char copy[4096], other[4200], *directory;
	struct stat s;
	int fd;

	snprintf(copy, sizeof(copy), "%s", device);
	directory = dirname(copy);
	snprintf(other, sizeof(other), "%s/other", directory);
	ok(unlink(device) < 0, "unlink fails");
	ok(rename(device, other) < 0, "rename away fails");
	ok(symlink("/dev/null", other) < 0, "symlink fails");
	ok(link(device, other) < 0, "link fails");
	ok(mknod(other, S_IFIFO | 0600, 0) < 0, "mknod fails");
	fd = open(other, O_CREAT | O_RDWR, 0600);
	ok(fd < 0, "creat fails");
	ok(rename(other, device) < 0, "rename over it fails");
	is(result(stat(other, &s)), -ENOENT, "nothing new is in the directory");
	is(result(stat(device, &s)), 0, "the device still is");
	fd = open_device(O_RDWR);
	is(ack(fd), 4, "and works");
	close(fd);
}

/* The file can be reached again through a descriptor: each such open is a watcher of its own. */
static void reopening(void)
{
	static const struct { int first, second; const char *name; } cases[] = {
		{ O_RDONLY, O_RDONLY, "O_RDONLY, then O_RDONLY" },
		{ O_RDONLY, O_RDWR, "O_RDONLY, then O_RDWR" },
		{ O_RDWR, O_RDONLY, "O_RDWR, then O_RDONLY" },
		{ O_RDWR, O_RDWR, "O_RDWR, then O_RDWR" },
		{ O_PATH, O_RDWR, "O_PATH, then O_RDWR" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int first = open_device(cases[i].first);
		char link[32];
		int second;
		const uint32_t *page;

		snprintf(link, sizeof(link), "/proc/self/fd/%d", first);
		second = open(link, cases[i].second | O_NONBLOCK | O_CLOEXEC);
		ok(second >= 0, "/proc/self/fd: %s: opens", cases[i].name);
		if (second < 0)
			continue;
		is(take(second), -EAGAIN, "/proc/self/fd: %s: up to date at open", cases[i].name);
		bump();
		is(take(second), current(), "/proc/self/fd: %s: sees a bump", cases[i].name);
		page = mmap(NULL, 4, PROT_READ, MAP_SHARED, second, 0);
		ok(page != MAP_FAILED, "/proc/self/fd: %s: maps", cases[i].name);
		if (page != MAP_FAILED) {
			is(*page, current(), "/proc/self/fd: %s: the page is right", cases[i].name);
			munmap((void *)page, 4);
		}
		if (cases[i].second == O_RDWR) {
			is(ack(second), 4, "/proc/self/fd: %s: acks", cases[i].name);
			is(take(second), -EAGAIN, "/proc/self/fd: %s: is up to date", cases[i].name);
		}
		if (cases[i].first != O_PATH)
			is(take(first), current(), "/proc/self/fd: %s: the first one is a watcher of its own",
			   cases[i].name);
		close(first);
		close(second);
	}
}

int main(int argc, char **argv)
{
	device_setup(argc, argv);
	access_modes();
	flags();
	attributes();
	nobody_replaces_it();
	reopening();
	return plan();
}
