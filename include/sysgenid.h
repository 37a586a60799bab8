/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /dev/sysgenid for programs in C and C++: the ioctls, the page that mmap shows, and its readers. The device and its
 * calls are described in sysgenid(4). It needs nothing but this file, and GCC or Clang.
 */
#ifndef SYSGENID_H
#define SYSGENID_H

#include <linux/ioctl.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

/*
 * ioctls. Two families live on one file and are told apart by their magic number. Every argument is passed by value, as
 * an unsigned long:
 *
 *	ioctl(fd, SYSGENID_WAIT_WATCHERS, 5000UL);
 */

/* The family of the driver as Amazon Linux ships it. Use this one in new programs. */
#define SYSGENID_SET_WATCHER_TRACKING	_IO(0xE4, 1)	/* 1: WAIT waits for this watcher; 0: it does not */
#define SYSGENID_WAIT_WATCHERS		_IO(0xE4, 2)	/* until nobody is outdated, or so many ms; 0: for ever */
#define SYSGENID_TRIGGER_GEN_UPDATE	_IO(0xE4, 3)	/* bump, to at least this generation; 0: no wish */

/* Of the device of a domain, not in any driver: gives it to the user namespace of this open descriptor. */
#define SYSGENID_SET_DOMAIN_OWNER	_IO(0xE4, 0x40)

/* The family of the driver as posted in January 2021. GET has no counterpart in the other one. */
#define SYSGENID_V4_GET_OUTDATED_WATCHERS	_IO(0x2d, 1)	/* returns how many are outdated */
#define SYSGENID_V4_WAIT_WATCHERS		_IO(0x2d, 2)	/* as above, but a timeout is told by EINTR */
#define SYSGENID_V4_FORCE_GEN_UPDATE		_IO(0x2d, 3)	/* as TRIGGER */

/*
 * The page. A kernel driver's has the generation and then zeros; sysgenid(1) serves all of it. Map it with
 *
 *	mmap(NULL, sizeof(struct sysgenid_page), PROT_READ, MAP_SHARED, fd, 0);
 */
#define SYSGENID_MAGIC		"SYSGENID"	/* without a zero at its end */
#define SYSGENID_SERVING	1
#define SYSGENID_GONE		2
#define SYSGENID_PAGE_SIZE	4096

struct sysgenid_page {
	uint32_t generation;
	uint32_t zero1;
	uint8_t magic[8];
	uint32_t version;		/* 1; in a later one, fields are added behind these */
	uint32_t state;
	uint32_t sequence;		/* odd while the two fields below are being changed */
	uint32_t zero2;
	uint64_t generation64;
	uint8_t clone_identity[16];
	uint8_t zero3[SYSGENID_PAGE_SIZE - 56];
};

/* The generation, by one load. Compare generations with != only. */
static inline uint32_t sysgenid_generation(const volatile struct sysgenid_page *page)
{
	return __atomic_load_n(&page->generation, __ATOMIC_ACQUIRE);
}

/* Whether the page has more than a generation. It either always has, or never: ask once, after mapping. */
static inline int sysgenid_is_extended(const volatile struct sysgenid_page *page)
{
	int i;

	for (i = 0; i < 8; i++)
		if (page->magic[i] != (uint8_t)SYSGENID_MAGIC[i])
			return 0;
	return page->version >= 1;
}

/*
 * Whether the daemon has ended: the generation is unknown from then on, renew at every use, and open the device anew.
 * A daemon that was killed could not say so; only calls on the descriptor tell. Only for an extended page.
 */
static inline int sysgenid_is_gone(const volatile struct sysgenid_page *page)
{
	return __atomic_load_n(&page->state, __ATOMIC_ACQUIRE) == SYSGENID_GONE;
}

/* What tells clones apart that count alike. */
struct sysgenid_clone {
	uint64_t generation;		/* its lower half is a generation; only grows, never wraps */
	uint8_t identity[16];		/* drawn anew from the kernel at each bump; no secret */
};

/*
 * Reads what belongs together. If the generation was looked at before, this is of the same bump or of a later one.
 * Returns 1, or 0 when no change was complete for about a second: the daemon was killed in the middle of one. Only for
 * an extended page.
 */
static inline int sysgenid_read_clone(const volatile struct sysgenid_page *page, struct sysgenid_clone *clone)
{
	const struct timespec pause = { 0, 50000 };
	int attempt, i;

	for (attempt = 0; attempt < 10000; attempt++) {
		uint32_t sequence = __atomic_load_n(&page->sequence, __ATOMIC_ACQUIRE);

		if (!(sequence & 1)) {
			clone->generation = page->generation64;
			for (i = 0; i < 16; i++)
				clone->identity[i] = page->clone_identity[i];
			__atomic_thread_fence(__ATOMIC_ACQUIRE);
			if (__atomic_load_n(&page->sequence, __ATOMIC_RELAXED) == sequence)
				return 1;
		}
		if (attempt >= 1000)
			nanosleep(&pause, 0);	/* the daemon has no processor at all: a second of that is enough */
		else if (attempt >= 100)
			sched_yield();	/* the daemon may wait for this processor */
	}
	memset(clone, 0, sizeof(*clone));
	return 0;
}

#endif
