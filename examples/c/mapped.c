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
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "sysgenid.h"

static const volatile struct sysgenid_page *page;	/* the device's: changes under our feet */

static void map_page(const char *device)
{
	int fd = open(device, O_RDONLY | O_CLOEXEC);
	void *mapped;

	if (fd < 0)
		err(EXIT_FAILURE, "%s", device);
	mapped = mmap(NULL, sizeof(*page), PROT_READ, MAP_SHARED, fd, 0);
	if (mapped == MAP_FAILED)
		err(EXIT_FAILURE, "%s: mmap", device);
	close(fd);
	page = mapped;
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
		uint32_t now = sysgenid_generation(page);

		/* Nobody changes the page any more: then nothing is kept. The device must be mapped anew. */
		if (sysgenid_is_extended(page) && sysgenid_is_gone(page))
			errx(EXIT_FAILURE, "the daemon has ended: the generation is unknown from here on");
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

	map_page(argc > 1 ? argv[1] : "/dev/sysgenid");
	while (fgets(line, sizeof(line), stdin)) {
		uint64_t secret = safe_cached_secret();

		printf("secret %016" PRIx64 "\n", secret);
		fflush(stdout);
	}
	return EXIT_SUCCESS;
}
