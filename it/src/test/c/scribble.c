// SPDX-License-Identifier: Apache-2.0
/*
 * A client that writes to its page: through an O_RDWR descriptor the kernel cannot refuse it. What it changes, only it
 * sees. Every way to a writable mapping is tried, as uid 65534; the victims are descriptors and mappings of another
 * process, opened before and after, and the file "generation" beside the device.
 */
#include <grp.h>
#include <libgen.h>

#include "device.h"

#define PAGE 4096
#define NOBODY 65534

/* A page of ours, seen through every kind of open there is. */
struct victim {
	int fd;
	const uint32_t *page;
};

static struct victim victim(int flags)
{
	struct victim v = { .fd = open_device(flags) };

	v.page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, v.fd, 0);
	if (v.page == MAP_FAILED) {
		perror("mmap");
		exit(99);
	}
	return v;
}

/* How many words of the page are not what they should be. */
static int damage(const struct victim *v)
{
	const volatile uint32_t *words = v->page, *ours = (const volatile uint32_t *)generation;
	int wrong = words[0] != current() || !sysgenid_is_extended((const void *)v->page);

	/* What follows the generation is the same in all pages; then come zeros. */
	for (int i = 1; i < PAGE / 4; i++)
		wrong += words[i] != (i < 14 ? ours[i] : 0);
	return wrong;
}

static long long generation_file(void)
{
	char copy[4096], path[4200], text[32] = "";
	FILE *file;

	snprintf(copy, sizeof(copy), "%s", device);
	snprintf(path, sizeof(path), "%s/generation", dirname(copy));
	file = fopen(path, "re");
	if (!file || !fgets(text, sizeof(text), file))
		return -1;
	fclose(file);
	return strtoll(text, NULL, 10);
}

enum { DIRECT, BY_READER, BY_PATH_ONLY, BY_MPROTECT, BY_WRITER, BY_OTHER_READER, WAYS };

static const char *const names[] = {
	[DIRECT] = "O_RDWR",
	[BY_READER] = "O_RDONLY, opened again O_RDWR through /proc/self/fd",
	[BY_PATH_ONLY] = "O_PATH, opened again O_RDWR through /proc/self/fd",
	[BY_MPROTECT] = "O_RDWR, mapped for reading, then mprotect",
	[BY_WRITER] = "O_RDWR, opened again O_RDWR through /proc/self/fd",
	[BY_OTHER_READER] = "a second O_RDONLY, opened again O_RDWR through /proc/self/fd",
};

static int again(int flags)
{
	char link[32];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", open_device(flags));
	return open(link, O_RDWR | O_CLOEXEC);
}

struct attack {
	int way;
	int go[2], done[2];
};

/* 0: wrote the whole page, and saw its own writing; 1: the way was refused, which is as good. */
static int scribble(void *argument)
{
	struct attack *attack = argument;
	int protection = attack->way == BY_MPROTECT ? PROT_READ : PROT_READ | PROT_WRITE, fd = -1;
	uint32_t *page;
	char byte = 0;

	must(setgroups(0, NULL));
	must(setresgid(NOBODY, NOBODY, NOBODY));
	must(setresuid(NOBODY, NOBODY, NOBODY));
	switch (attack->way) {
	case DIRECT:
	case BY_MPROTECT:
		fd = open(device, O_RDWR | O_CLOEXEC);
		break;
	case BY_READER:
		fd = again(O_RDONLY);
		break;
	case BY_OTHER_READER:
		open_device(O_RDONLY);
		fd = again(O_RDONLY);
		break;
	case BY_PATH_ONLY:
		fd = again(O_PATH);
		break;
	case BY_WRITER:
		fd = again(O_RDWR);
		break;
	}
	if (fd < 0)
		return 1;
	page = mmap(NULL, PAGE, protection, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		return 1;
	if (attack->way == BY_MPROTECT && mprotect(page, PAGE, PROT_READ | PROT_WRITE) < 0)
		return 1;
	for (int i = 0; i < PAGE / 4; i++)
		((volatile uint32_t *)page)[i] = 0xdeadbeef;
	msync(page, PAGE, MS_SYNC);
	fsync(fd);

	/* Goes on until told to stop: each bump is scribbled over at once. */
	must(write(attack->done[1], &byte, 1));
	while (read(attack->go[0], &byte, 1) < 0 && errno == EAGAIN)
		((volatile uint32_t *)page)[0] = 0xdeadbeef;
	msync(page, PAGE, MS_SYNC);
	return 0;
}

/* The number behind a name in the file "health" beside the device. */
static long health(const char *name)
{
	char copy[4096], path[4200], line[128];
	size_t length = strlen(name);
	long value = -1;
	FILE *file;

	snprintf(copy, sizeof(copy), "%s", device);
	snprintf(path, sizeof(path), "%s/health", dirname(copy));
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, name, length) == 0 && line[length] == ' ')
			value = atol(line + length);
	if (file)
		fclose(file);
	return value;
}

/* Whether a page shows what ours shows. What is zero in ours may be room that nobody writes to. */
static bool shown(const volatile uint32_t *page)
{
	const volatile uint32_t *ours = (const volatile uint32_t *)generation;

	for (int i = 0; i < 14; i++)
		if (ours[i] && page[i] != ours[i])
			return false;
	return true;
}

/* Nobody bumps: what mends the page is the daemon's look at it. It writes once, so mended is mended. */
static void self_check(void)
{
	volatile uint32_t *page;
	long mended = health("pages-mended");
	int fd = open_device(O_RDWR);

	is(mended >= 0 && health("pages") > 0 && health("pages-checked") >= 0, true, "the file health tells");
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	for (int i = 0; i < 14; i++)
		page[i] = 0xdeadbeef;
	is(page[0], 0xdeadbeef, "a page that was scribbled on");
	for (int i = 0; i < 6000 && !shown(page); i++)
		usleep(10 * 1000);
	is(shown(page), true, "is mended without a bump");
	is(health("pages-mended") > mended, true, "and counted");
	munmap((void *)page, PAGE);
	close(fd);
}

int main(int argc, char **argv)
{
	struct victim before[2], after[2];

	device_setup(argc, argv);
	for (int way = 0; way < WAYS; way++) {
		struct attack attack = { .way = way };
		int wrong = 0, late, status;
		pid_t pid;
		char byte;

		must(pipe2(attack.go, O_CLOEXEC | O_NONBLOCK));
		must(pipe2(attack.done, O_CLOEXEC));
		before[0] = victim(O_RDWR);
		before[1] = victim(O_RDONLY);
		pid = child(scribble, &attack);
		close(attack.done[1]);
		if (read(attack.done[0], &byte, 1) == 1) {
			after[0] = victim(O_RDWR);
			after[1] = victim(O_RDONLY);
			for (int i = 0; i < 100; i++) {
				uint32_t expected = current() + 1;

				wrong += bump() != expected;
				for (int k = 0; k < 2; k++) {
					wrong += damage(&before[k]) + damage(&after[k]);
					wrong += take(before[k].fd) != (long long)expected;
					wrong += take(after[k].fd) != (long long)expected;
				}
				wrong += generation_file() != (long long)expected;
			}
			is(wrong, 0, "%s: nobody else sees a thing, at any of 100 bumps", names[way]);
			late = open_device(O_RDWR | O_NONBLOCK);
			is(take(late), -EAGAIN, "%s: whoever opens now is up to date", names[way]);
			is(ack(late), 4, "%s: and acks the true generation", names[way]);
			close(late);
			must(write(attack.go[1], "", 1));
			status = child_status(pid);
			is(status, 0, "%s: the scribbler ends as it likes", names[way]);
			for (int k = 0; k < 2; k++)
				wrong += damage(&before[k]) + damage(&after[k]);
			is(wrong, 0, "%s: and its end changes nothing either", names[way]);
			/* The page it left behind: whoever is given one now finds it clean. */
			for (int i = 0; i < 64; i++) {
				struct victim fresh = victim(O_RDWR);

				wrong += damage(&fresh);
				munmap((void *)fresh.page, PAGE);
				close(fresh.fd);
			}
			is(wrong, 0, "%s: 64 pages handed out afterwards are clean", names[way]);
			for (int k = 0; k < 2; k++) {
				munmap((void *)after[k].page, PAGE);
				close(after[k].fd);
			}
		} else {
			is(child_status(pid), 1, "%s: refused", names[way]);
		}
		for (int k = 0; k < 2; k++) {
			munmap((void *)before[k].page, PAGE);
			close(before[k].fd);
		}
		close(attack.go[0]);
		close(attack.go[1]);
		close(attack.done[0]);
	}
	if (!stored_pages)
		self_check();
	return plan();
}
