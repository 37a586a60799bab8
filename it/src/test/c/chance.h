/* SPDX-License-Identifier: Apache-2.0 */
/* Choices that look like chance, and come again with their seed. */
#ifndef CHANCE_H
#define CHANCE_H

#include <stdint.h>

static uint64_t state;

/* xorshift: any will do, but a seed must give the same run. */
static inline uint64_t any(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * UINT64_C(0x2545f4914f6cdd1d);
}

/* Any number, with a liking for the edges. */
static inline uint64_t number(void)
{
	static const uint64_t edges[] = {
		0, 1, 2, 3, 4, 5, 8, 4095, 4096, 4097, 65535, 65536, 1 << 20, 0x7fffffff, 0x80000000, 0xfffffffc,
		0xffffffff, 0x100000000, 0x7ffffffffffff000, INT64_MAX, UINT64_C(1) << 63, UINT64_MAX,
	};

	return any() % 3 ? edges[any() % (sizeof(edges) / sizeof(edges[0]))] : any() >> any() % 64;
}

/* The number of an ioctl: one of ours, one that nearly is, any. */
static inline unsigned long command(void)
{
	switch (any() % 4) {
	case 0:
		return 0x2d00 + any() % 6;
	case 1:
		return 0xE400 + any() % 6;
	case 2:
		return (any() & 0xffffff00) | (any() % 2 ? 0x2d : 0xE4) << 8 | any() % 8;
	default:
		return (uint32_t)any();
	}
}

#endif
