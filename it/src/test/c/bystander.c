// SPDX-License-Identifier: Apache-2.0
/*
 * A well-behaved client beside hostile ones. Until its standard input ends it does what clients do, over and over, and
 * checks each answer; it also bumps, so run it as root. At the end it reports, and fails if one call took longer than
 * the limit: not a measure of speed, which depends on who else has the processor, but of "was it ever shut out".
 */
#include "device.h"

#define LIMIT_MS 60000

static long long longest_us;
static const char *longest_name = "none";
static long calls;

static long long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

#define timed(expression)						\
	({								\
		long long timed_start = now_us();			\
		__typeof__(expression) timed_result = (expression);	\
		long long timed_us = now_us() - timed_start;		\
									\
		calls++;						\
		if (timed_us > longest_us) {				\
			longest_us = timed_us;				\
			longest_name = #expression;			\
		}							\
		timed_result;						\
	})

int main(int argc, char **argv)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	long wrong = 0, bumps = 0;
	uint32_t start;
	int fd;

	device_setup(argc, argv);
	fd = open_device(O_RDWR | O_NONBLOCK);
	start = current();
	printf("# ready\n");
	do {
		int other = timed(open(device, O_RDWR | O_CLOEXEC));
		uint32_t expected = current() + 1;

		wrong += other < 0;
		wrong += timed(take(fd)) != -EAGAIN;
		wrong += timed(bump()) != expected;
		bumps++;
		wrong += timed(take(fd)) != (long long)expected;
		wrong += timed(ready(fd)) != (POLLIN | POLLRDNORM);
		wrong += timed(ack(fd)) != 4;
		wrong += timed(ready(fd)) != 0;
		wrong += timed(ioctl(fd, SYSGENID_V4_GET_OUTDATED_WATCHERS)) < 0;
		wrong += timed(take(other)) != (long long)expected;
		wrong += timed(close(other)) != 0;
	} while (must(poll(&input, 1, 1)) == 0);

	is(wrong, 0, "every answer was right");
	is((uint32_t)(current() - start), bumps, "the generation counts our bumps and no others");
	ok(longest_us < LIMIT_MS * 1000LL, "no call took as long as %d ms", LIMIT_MS);
	printf("# %ld calls, %ld bumps; the longest call took %lld us: %s\n", calls, bumps, longest_us, longest_name);
	return plan();
}
