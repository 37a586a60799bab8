// SPDX-License-Identifier: Apache-2.0
/*
 * The least that a FUSE server of this device can be: one thread, one epoll, no checks, no names, no limits, one page
 * for everybody. It answers what sysgenid-bench asks, and nothing else. What it cannot do faster, no server can; so
 * its numbers are what the daemon's are held against where a goal is out of reach.
 *
 *   bare-server DIRECTORY     mounts and serves until it is unmounted
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#define PAGE 4096
#define BUFFER 65536
#define WATCHERS 65536
#define POLL_IN 0x41

#define GET_OUTDATED_WATCHERS 0x2d01
#define WAIT_WATCHERS 0xE402
#define TRIGGER_GEN_UPDATE 0xE403

/* Of the protocol's version 7.40, which the header of the system may not know. */
#define OPEN_PASSTHROUGH 0x80
#define OPEN_NOFLUSH 0x20
#define OPEN_PARALLEL_WRITES 0x40
#define INIT_EXT (1u << 30)
#define INIT2_PASSTHROUGH_AND_MMAP 0x70
#define INIT_OUT_STACK_DEPTH 9 /* in words */
#define OPEN_OUT_BACKING_ID 3  /* in words */
#define BACKING_OPEN 0x4010e501

struct watcher {
	uint32_t acked;
	int in_use;
	uint64_t parked_read, poll_handle;
	int wants_wake;
};

static int fuse, backing_id;
static volatile uint32_t *page;
static struct watcher watchers[WATCHERS];
static int used, free_slots[WATCHERS], free_count, outdated;
static uint64_t parked_wait;
static char in[BUFFER] __attribute__((aligned(PAGE)));
static struct {
	struct fuse_out_header header;
	uint32_t words[64];
} out;

static void die(const char *what)
{
	fprintf(stderr, "bare-server: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void send_message(uint64_t unique, int error, int length)
{
	out.header = (struct fuse_out_header){sizeof out.header + length, error, unique};
	if (write(fuse, &out, out.header.len) < 0 && errno != ENOENT)
		die("write to /dev/fuse");
}

static void reply_error(uint64_t unique, int error)
{
	send_message(unique, -error, 0);
}

/* A reply of zeros but for one word. */
static void reply_word(uint64_t unique, int length, int index, uint32_t value)
{
	memset(out.words, 0, length);
	out.words[index] = value;
	send_message(unique, 0, length);
}

static void reply_generation(uint64_t unique)
{
	reply_word(unique, 4, 0, *page);
}

static void end_wait_unless_outdated(void)
{
	if (!outdated && parked_wait) {
		reply_word(parked_wait, sizeof(struct fuse_ioctl_out), 0, 0);
		parked_wait = 0;
	}
}

static void acknowledge(struct watcher *w)
{
	if (w->acked != *page) {
		w->acked = *page;
		outdated--;
		end_wait_unless_outdated();
	}
}

static void bump(void)
{
	*page = *page + 1;
	outdated = 0;
	for (int i = 0; i < used; i++) {
		struct watcher *w = &watchers[i];

		if (!w->in_use)
			continue;
		outdated++;
		if (w->parked_read) {
			reply_generation(w->parked_read);
			w->parked_read = 0;
		}
		if (w->wants_wake) {
			w->wants_wake = 0;
			memcpy(out.words, &w->poll_handle, sizeof w->poll_handle);
			send_message(0, FUSE_NOTIFY_POLL, sizeof w->poll_handle);
		}
	}
}

static void initialize(uint64_t unique, struct fuse_init_in *init)
{
	struct fuse_init_out *reply = (void *)out.words;

	memset(reply, 0, sizeof *reply);
	reply->major = FUSE_KERNEL_VERSION;
	reply->minor = init->minor;
	reply->max_readahead = init->max_readahead;
	reply->flags = INIT_EXT;
	reply->flags2 = INIT2_PASSTHROUGH_AND_MMAP;
	reply->max_background = reply->congestion_threshold = UINT16_MAX;
	reply->max_write = PAGE;
	out.words[INIT_OUT_STACK_DEPTH] = 1;
	send_message(unique, 0, sizeof *reply);
}

static struct fuse_attr attributes(uint64_t node)
{
	return (struct fuse_attr){.ino = node, .size = PAGE, .mode = node == 1 ? 040755 : 0100666, .nlink = 1};
}

static void look_up(uint64_t unique)
{
	static uint64_t next_node = 2;
	struct fuse_entry_out *reply = (void *)out.words;

	memset(reply, 0, sizeof *reply);
	reply->nodeid = next_node++;
	reply->attr_valid = 1;
	reply->attr = attributes(reply->nodeid);
	send_message(unique, 0, sizeof *reply);
}

static void get_attributes(uint64_t unique, uint64_t node)
{
	struct fuse_attr_out *reply = (void *)out.words;

	memset(reply, 0, sizeof *reply);
	reply->attr_valid = 1;
	reply->attr = attributes(node);
	send_message(unique, 0, sizeof *reply);
}

static void open_file(uint64_t unique)
{
	int slot = free_count ? free_slots[--free_count] : used < WATCHERS ? used++ : -1;
	struct fuse_open_out *reply = (void *)out.words;

	if (slot < 0) {
		reply_error(unique, ENFILE);
		return;
	}
	watchers[slot] = (struct watcher){.acked = *page, .in_use = 1};
	memset(reply, 0, sizeof *reply);
	reply->fh = slot;
	reply->open_flags = FOPEN_DIRECT_IO | OPEN_PASSTHROUGH | OPEN_NOFLUSH | OPEN_PARALLEL_WRITES;
	out.words[OPEN_OUT_BACKING_ID] = backing_id;
	send_message(unique, 0, sizeof *reply);
}

static void release(uint64_t unique, uint64_t slot)
{
	acknowledge(&watchers[slot]);
	watchers[slot].in_use = 0;
	free_slots[free_count++] = slot;
	send_message(unique, 0, 0);
}

static void read_file(uint64_t unique, struct fuse_read_in *read)
{
	struct watcher *w = &watchers[read->fh];

	if (w->acked != *page)
		reply_generation(unique);
	else if (read->flags & O_NONBLOCK)
		reply_error(unique, EAGAIN);
	else
		w->parked_read = unique;
}

static void write_file(uint64_t unique, struct fuse_write_in *write)
{
	acknowledge(&watchers[write->fh]);
	reply_word(unique, sizeof(struct fuse_write_out), 0, 4);
}

static void poll_file(uint64_t unique, struct fuse_poll_in *poll)
{
	struct watcher *w = &watchers[poll->fh];

	if (poll->flags & FUSE_POLL_SCHEDULE_NOTIFY) {
		w->poll_handle = poll->kh;
		w->wants_wake = 1;
	}
	reply_word(unique, sizeof(struct fuse_poll_out), 0, w->acked != *page ? POLL_IN : 0);
}

static void control(uint64_t unique, struct fuse_ioctl_in *ioctl)
{
	switch (ioctl->cmd) {
	case GET_OUTDATED_WATCHERS:
		reply_word(unique, sizeof(struct fuse_ioctl_out), 0, outdated);
		break;
	case WAIT_WATCHERS:
		parked_wait = unique;
		end_wait_unless_outdated();
		break;
	case TRIGGER_GEN_UPDATE:
		bump();
		reply_word(unique, sizeof(struct fuse_ioctl_out), 0, 0);
		break;
	default:
		reply_error(unique, EINVAL);
	}
}

static void serve(struct fuse_in_header *header)
{
	void *body = header + 1;

	switch (header->opcode) {
	case FUSE_INIT:
		initialize(header->unique, body);
		break;
	case FUSE_LOOKUP:
		look_up(header->unique);
		break;
	case FUSE_GETATTR:
		get_attributes(header->unique, header->nodeid);
		break;
	case FUSE_OPEN:
		open_file(header->unique);
		break;
	case FUSE_RELEASE:
		release(header->unique, ((struct fuse_release_in *)body)->fh);
		break;
	case FUSE_READ:
		read_file(header->unique, body);
		break;
	case FUSE_WRITE:
		write_file(header->unique, body);
		break;
	case FUSE_POLL:
		poll_file(header->unique, body);
		break;
	case FUSE_IOCTL:
		control(header->unique, body);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		reply_error(header->unique, ENOSYS);
	}
}

/* One page for everybody, which clients map through the kernel. */
static void make_page(void)
{
	int file = memfd_create("bare-server", MFD_CLOEXEC);
	uint32_t map[4] = {file};

	if (file < 0 || ftruncate(file, PAGE) < 0)
		die("memfd");
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (page == MAP_FAILED)
		die("mmap");
	backing_id = ioctl(fuse, BACKING_OPEN, map);
	if (backing_id < 0)
		die("FUSE_DEV_IOC_BACKING_OPEN");
}

static void mount_at(const char *directory)
{
	char data[100];

	fuse = open("/dev/fuse", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fuse < 0)
		die("/dev/fuse");
	snprintf(data, sizeof data, "fd=%d,rootmode=40755,user_id=0,group_id=0,allow_other,default_permissions", fuse);
	if (mount("bare-server", directory, "fuse.bare-server", MS_NOSUID | MS_NODEV | MS_NOEXEC, data) < 0)
		die(directory);
}

int main(int argc, char **argv)
{
	struct epoll_event event = {.events = EPOLLIN};
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	if (argc != 2) {
		fputs("usage: bare-server DIRECTORY\n", stderr);
		return 2;
	}
	mount_at(argv[1]);
	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fuse, &event) < 0)
		die("epoll");
	for (;;) {
		if (epoll_wait(epoll, &event, 1, -1) < 0)
			continue;
		if (read(fuse, in, sizeof in) > 0) {
			struct fuse_in_header *header = (void *)in;

			serve(header);
			if (header->opcode == FUSE_INIT)
				make_page();
		} else if (errno == ENODEV) {
			return 0;
		}
	}
}
