// SPDX-License-Identifier: Apache-2.0
/* What the page says beside the generation, read with the inline functions of sysgenid.h. */
#include <stddef.h>

#include "device.h"

enum { BUMPS = 2000 };

static const volatile struct sysgenid_page *map_page(int fd, int prot)
{
	void *page = mmap(NULL, sizeof(struct sysgenid_page), prot, MAP_SHARED, fd, 0);

	if (page == MAP_FAILED) {
		perror("mmap");
		exit(99);
	}
	return page;
}

static struct sysgenid_clone clone_of(const volatile struct sysgenid_page *page)
{
	struct sysgenid_clone clone;

	if (!sysgenid_read_clone(page, &clone)) {
		fprintf(stderr, "the page is never consistent\n");
		exit(99);
	}
	return clone;
}

static bool same(struct sysgenid_clone a, struct sysgenid_clone b)
{
	return a.generation == b.generation && memcmp(a.identity, b.identity, sizeof(a.identity)) == 0;
}

static void layout(void)
{
	is(sizeof(struct sysgenid_page), 4096, "the structure is a page");
	is(offsetof(struct sysgenid_page, generation), 0, "offset of the generation");
	is(offsetof(struct sysgenid_page, magic), 8, "offset of the magic");
	is(offsetof(struct sysgenid_page, version), 16, "offset of the version");
	is(offsetof(struct sysgenid_page, state), 20, "offset of the state");
	is(offsetof(struct sysgenid_page, sequence), 24, "offset of the sequence");
	is(offsetof(struct sysgenid_page, generation64), 32, "offset of the wide generation");
	is(offsetof(struct sysgenid_page, clone_identity), 40, "offset of the clone identity");
	is(offsetof(struct sysgenid_page, zero3), 56, "offset of the zeros");
}

static void contents(void)
{
	int fd = open_device(O_RDONLY);
	const volatile struct sysgenid_page *page = map_page(fd, PROT_READ);
	const volatile struct sysgenid_page *other = map_page(open_device(O_RDONLY), PROT_READ);
	struct sysgenid_clone before = clone_of(page), after;

	close(fd);
	ok(sysgenid_is_extended(page), "the page is extended");
	is(page->version, 1, "version");
	is(page->state, SYSGENID_SERVING, "state");
	ok(!sysgenid_is_gone(page), "the daemon is not gone");
	is((uint32_t)before.generation, sysgenid_generation(page), "the wide generation ends in the generation");
	ok(same(before, clone_of(page)), "between two bumps nothing changes");
	ok(same(before, clone_of(other)), "every open shows the same");
	bump();
	after = clone_of(page);
	is(after.generation, before.generation + 1, "a bump counts the wide generation up");
	ok(memcmp(before.identity, after.identity, sizeof(before.identity)) != 0, "and draws another identity");
	ok(same(after, clone_of(other)), "which is that of every open");
	must(ioctl(control, SYSGENID_V4_FORCE_GEN_UPDATE, 0xffffffffUL));
	before = clone_of(page);
	bump();
	is(sysgenid_generation(page), 1, "the generation wraps");
	ok(clone_of(page).generation == before.generation + 2, "the wide generation does not");
}

static atomic_int looks;

/* Now and then it waits for a look: else a reader without a processor could sleep through all of them. */
static void *bump_often(void *unused)
{
	for (int i = 0; i < BUMPS; i++) {
		if (i % 100 == 0)
			for (int before = looks; looks == before;)
				sched_yield();
		bump();
	}
	return unused;
}

/* No mixture of two bumps, and nothing older than the generation that was seen before. */
static void under_fire(void)
{
	const volatile struct sysgenid_page *page = map_page(open_device(O_RDONLY), PROT_READ);
	struct sysgenid_clone last = clone_of(page);
	uint32_t end = sysgenid_generation(page) + BUMPS;
	int mixed = 0, older = 0, seen = 0;
	pthread_t thread;

	must(-pthread_create(&thread, NULL, bump_often, NULL));
	while (sysgenid_generation(page) != end) {
		uint32_t looked = sysgenid_generation(page);
		struct sysgenid_clone now = clone_of(page);

		older += (uint32_t)now.generation < looked || now.generation < last.generation;
		/* One and the same number with two identities, or two numbers with one. */
		mixed += (now.generation == last.generation) != (memcmp(now.identity, last.identity, 16) == 0);
		seen += now.generation != last.generation;
		last = now;
		looks++;
	}
	pthread_join(thread, NULL);
	is(mixed, 0, "no reader sees a mixture of two bumps");
	is(older, 0, "nor anything older than it has seen");
	ok(seen > 0, "while the generation changes: %d times", seen);
}

static void scribble(void)
{
	int fd = open_device(O_RDWR);
	const volatile struct sysgenid_page *mine = map_page(fd, PROT_READ | PROT_WRITE);
	const volatile struct sysgenid_page *other = map_page(open_device(O_RDONLY), PROT_READ);

	for (int i = 0; i < 56; i++)
		((volatile uint8_t *)mine)[i] = 0xff;
	ok(!sysgenid_is_extended(mine), "who scribbles on his page loses what it says");
	ok(sysgenid_is_extended(other), "nobody else does");
	bump();
	ok(sysgenid_is_extended(mine), "until the next bump");
	ok(!sysgenid_is_gone(mine), "which restores the state, too");
	ok(same(clone_of(mine), clone_of(other)), "and the identity");
	close(fd);
	munmap((void *)mine, sizeof(*mine));
}

/* A daemon that was killed in the middle of a change. */
static void half_a_change(void)
{
	static struct sysgenid_page page;
	struct sysgenid_clone clone = { .generation = 7 };

	memcpy(page.magic, SYSGENID_MAGIC, sizeof(page.magic));
	ok(!sysgenid_is_extended(&page), "a magic without a version is none");
	page.version = 2;
	ok(sysgenid_is_extended(&page), "a later version has these fields");
	page.sequence = 3;
	page.generation64 = 8;
	ok(!sysgenid_read_clone(&page, &clone), "an odd sequence that stays is given up");
	is(clone.generation, 0, "and leaves nothing to be taken for an identity");
	page.sequence = 4;
	ok(sysgenid_read_clone(&page, &clone) && clone.generation == 8, "an even one is read");
}

int main(int argc, char **argv)
{
	device_setup(argc, argv);
	layout();
	contents();
	under_fire();
	scribble();
	half_a_change();
	return plan();
}
