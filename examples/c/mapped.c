// SPDX-License-Identifier: Apache-2.0
/*
 * Mapped polling: a cached secret that is checked with one load of ordinary memory at every use.
 *
 *	mapped [DEVICE]
 *
 * For each line on standard input it prints the secret. The descriptor can be closed once the page is mapped; such a
 * program is no watcher: it needs no wake-up, acknowledges nothing, and nobody waits for it.
 */
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

static const _Atomic uint32_t *generation;	/* the device's page: changes under our feet */

static void map_generation(const char *device)
{
	int fd = open(device, O_RDONLY | O_CLOEXEC);
	void *page;

	if (fd < 0)
		err(EXIT_FAILURE, "%s", device);
	page = mmap(NULL, sizeof(*generation), PROT_READ, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		err(EXIT_FAILURE, "%s: mmap", device);
	close(fd);
	generation = page;
}

/*
 * Returns a secret that no clone of this system holds: one that was drawn wholly inside the present generation.
 *
 * Look, draw, look again. Without the second look, a snapshot taken between the draw and the return would hand the
 * same secret to every clone, marked as one of the new generation. The caller has the same duty: what it sends out
 * under this secret is safe only if the generation is still the same afterwards.
 */
static uint64_t safe_cached_secret(void)
{
	static bool cached;
	static uint64_t secret;
	static uint32_t drawn_in;

	for (;;) {
		uint32_t now = atomic_load_explicit(generation, memory_order_acquire);

		if (cached && now == drawn_in)
			return secret;
		if (getrandom(&secret, sizeof(secret), 0) != sizeof(secret))
			err(EXIT_FAILURE, "getrandom");
		drawn_in = now;
		cached = true;
	}
}

int main(int argc, char **argv)
{
	char line[256];

	map_generation(argc > 1 ? argv[1] : "/dev/sysgenid");
	while (fgets(line, sizeof(line), stdin)) {
		uint64_t secret = safe_cached_secret();

		printf("secret %016" PRIx64 "\n", secret);
		fflush(stdout);
	}
	return EXIT_SUCCESS;
}
