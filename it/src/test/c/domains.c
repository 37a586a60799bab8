// SPDX-License-Identifier: Apache-2.0
/*
 * Kills the daemon at random moments while domains are made, used and removed, and the machine's domain is bumped.
 *
 *	domains DEVICE KEEPER SECONDS MAKERS SEED
 *
 * KEEPER is the process whose child is the daemon. Each maker has names of its own, so it knows what each call must answer:
 * that mkdir makes its domain once and rmdir removes it once, however often they are sent again, that no bump of a domain is
 * lost or done twice, and that none is seen but its own and the machine's, which a bracket counts:
 *
 *	returned, before the call  <=  bumps of the machine  <=  begun, after the call
 */
#include "keeper.h"

struct model {
	_Atomic uint64_t begun, returned;
	atomic_bool end;
	_Atomic uint64_t made, removed, bumped;
	atomic_int failures;
	char message[256];
};

static struct model *model;
static char root[3000];

__attribute__((format(printf, 1, 2)))
static void violation(const char *format, ...)
{
	va_list arguments;

	if (atomic_fetch_add(&model->failures, 1) == 0) {
		va_start(arguments, format);
		vsnprintf(model->message, sizeof(model->message), format, arguments);
		va_end(arguments);
	}
	model->end = true;
}

/* The life of one domain, from its making to its removal. */
static void live(const char *name, unsigned int *seed)
{
	char directory[4000], file[4200], text[4200];
	int bumps = rand_r(seed) % 5, own = 0, fd, r;
	uint64_t least = model->returned, most;
	const _Atomic uint32_t *page;
	uint32_t first;

	snprintf(directory, sizeof(directory), "%s/%s", root, name);
	snprintf(file, sizeof(file), "%s/sysgenid", directory);
	snprintf(text, sizeof(text), "%s/generation", directory);
	if (mkdir(directory, 0755) < 0) {
		violation("mkdir %s: %s", name, strerror(errno));
		return;
	}
	model->made++;
	if (mkdir(directory, 0755) == 0 || errno != EEXIST)
		violation("a second mkdir %s: %s", name, strerror(errno));
	fd = open(file, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		violation("open %s: %s", file, strerror(errno));
		return;
	}
	page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED) {
		violation("mmap %s: %s", file, strerror(errno));
		return;
	}
	/* What was there before the open is not counted; what began by now may be in it. */
	first = *page;
	most = model->begun;
	for (int i = 0; i <= bumps && !model->failures; i++) {
		uint64_t returned = model->returned;
		uint32_t seen = *page;
		uint64_t others, begun = model->begun;

		others = (uint64_t)(seen - first) - (uint64_t)own;
		if (seen - first < (uint32_t)own || others > begun - least || others + (most - least) < returned - least)
			violation("%s is at %u, was at %u, was bumped %d times; the machine %llu to %llu times since %llu to %llu",
				  name, seen, first, own, (unsigned long long)returned, (unsigned long long)begun,
				  (unsigned long long)least, (unsigned long long)most);
		if (rmdir(directory) == 0 || errno != EBUSY)
			violation("rmdir of %s, which is open: %s", name, strerror(errno));
		if (i == bumps)
			break;
		if (rand_r(seed) % 2) {
			r = ioctl(fd, SYSGENID_TRIGGER_GEN_UPDATE, 0UL);
		} else {
			int write_to = open(text, O_WRONLY | O_CLOEXEC);

			r = write_to < 0 || write(write_to, "0\n", 2) != 2 ? -1 : 0;
			if (write_to >= 0)
				close(write_to);
		}
		if (r < 0)
			violation("bump of %s: %s", name, strerror(errno));
		own++;
		model->bumped++;
		if (take(fd) < 0)
			violation("%s is not outdated after its bump", name);
	}
	munmap((void *)page, 4096);
	close(fd);
	if (rmdir(directory) < 0)
		violation("rmdir %s: %s", name, strerror(errno));
	model->removed++;
	if (rmdir(directory) == 0 || errno != ENOENT)
		violation("a second rmdir %s: %s", name, strerror(errno));
}

static void maker(int me, unsigned int seed)
{
	char name[64];

	for (unsigned long i = 0; !model->end; i++) {
		/* Every other life has a name that was there before. */
		snprintf(name, sizeof(name), "m%d-%lu", me, i / 2);
		live(name, &seed);
	}
}

static void *bumper(void *unused)
{
	(void)unused;
	while (!model->end) {
		model->begun++;
		if (ioctl(control, SYSGENID_TRIGGER_GEN_UPDATE, 0UL) < 0)
			violation("bump of the machine: %s", strerror(errno));
		model->returned++;
		sleep_ms(7);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	unsigned int seed;
	time_t end;
	int kills = 0, makers, keeper;
	pthread_t thread;
	char *slash;

	device_setup(argc, argv);
	if (argc != 6)
		return 2;
	snprintf(root, sizeof(root), "%s", device);
	slash = strrchr(root, '/');
	*slash = 0;
	keeper = atoi(argv[2]);
	end = time(NULL) + atoi(argv[3]);
	makers = atoi(argv[4]);
	seed = (unsigned int)atoi(argv[5]);
	model = mmap(NULL, sizeof(*model), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < makers; i++) {
		pid_t pid = must(fork());

		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			maker(i, seed * 100 + (unsigned int)i);
			_exit(0);
		}
	}
	pthread_create(&thread, NULL, bumper, NULL);
	/* A time, and not less than one kill and one life of a domain. */
	while ((time(NULL) < end || kills == 0 || model->removed == 0) && !model->end) {
		uint64_t served = model->removed;
		pid_t daemon;

		sleep_ms(rand_r(&seed) % 300);
		daemon = daemon_of(keeper);
		if (daemon <= 0 || kill(daemon, SIGKILL) < 0)
			continue;
		kills++;
		if (rand_r(&seed) % 3 == 0)
			continue;	/* the next one is killed while it takes over, perhaps */
		for (int i = 0; i < 18000 && model->removed < served + 2 && !model->end; i++)
			sleep_ms(5);
		if (model->removed < served + 2 && !model->failures)
			violation("no domain came and went for 90 s after a kill");
	}
	model->end = true;
	pthread_join(thread, NULL);
	for (int i = 0; i < makers; i++)
		wait(NULL);
	printf("# %d kills; %llu domains made, %llu removed, %llu bumps of domains, %llu of the machine\n", kills,
	       (unsigned long long)model->made, (unsigned long long)model->removed, (unsigned long long)model->bumped,
	       (unsigned long long)model->begun);
	ok(model->failures == 0, "%s", model->failures ? model->message : "every answer fits the model");
	ok(kills > 0 && model->made > 0 && model->made == model->removed, "domains came and went between kills");
	return plan();
}
