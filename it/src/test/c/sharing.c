// SPDX-License-Identifier: Apache-2.0
/* What is one watcher and what are two: dup, fork, descriptors sent over a socket, exec, separate opens. */
#include <sys/socket.h>

#include "device.h"

static void duplicates(void)
{
	int fd = open_device(O_RDWR | O_NONBLOCK), copy = must(dup(fd)), third = must(fcntl(fd, F_DUPFD_CLOEXEC, 100));
	int own = open_device(O_RDWR | O_NONBLOCK);

	bump();
	is(outdated_watchers(), 2, "a descriptor, its two duplicates and a separate open: two watchers");
	is(take(copy), current(), "a duplicate is outdated as well");
	is(ack(third), 4, "an ack through one duplicate");
	is(take(fd), -EAGAIN, "holds for the first");
	is(take(copy), -EAGAIN, "and for the other");
	is(ready(fd), 0, "and for poll");
	is(take(own), current(), "and not for the separate open");
	is(outdated_watchers(), 1, "which is still waited for");
	close(fd);
	close(third);
	bump();
	is(take(copy), current(), "the last duplicate goes on");
	is(outdated_watchers(), 2, "and is a watcher still");
	close(copy);
	is(outdated_watchers(), 1, "until it is closed too");
	close(own);
	is(outdated_watchers(), 0, "nobody is left");
}

static int ack_in_child(void *argument)
{
	return (int)ack(*(int *)argument);
}

static int reset_flag_in_child(void *argument)
{
	return must(fcntl(*(int *)argument, F_SETFL, O_NONBLOCK));
}

static int read_in_child(void *argument)
{
	return take(*(int *)argument) == (long long)current() ? 10 : 11;
}

static int sleep_in_child(void *argument)
{
	(void)argument;
	pause();
	return 1;
}

static void forks(void)
{
	int fd = open_device(O_RDWR | O_NONBLOCK);
	pid_t pid;

	bump();
	is(child_status(child(ack_in_child, &fd)), 4, "a child acks on the descriptor it inherited");
	is(take(fd), -EAGAIN, "and the parent is up to date: one watcher");

	must(fcntl(fd, F_SETFL, 0));
	is(child_status(child(reset_flag_in_child, &fd)), 0, "a child sets O_NONBLOCK");
	is(take(fd), -EAGAIN, "and the parent does not block");
	must(fcntl(fd, F_SETFL, 0));

	pid = child(read_in_child, &fd);
	until_sleeps_in_call(pid);
	bump();
	is(child_status(pid), 10, "a child blocked on the shared watcher is woken");
	is(ack(fd), 4, "the parent acks");

	pid = child(sleep_in_child, NULL);
	close(fd);
	bump();
	is(outdated_watchers(), 1, "the parent has closed, the child has not: the watcher lives and is waited for");
	kill(pid, SIGKILL);
	child_status(pid);
	is(outdated_watchers(), 0, "the child is killed: the watcher is gone");
}

static void two_readers_on_one_description(void)
{
	int fd = open_device(O_RDWR);
	struct task first, second;
	pid_t pid;

	task_start(&first, call_take, fd, 0);
	task_start(&second, call_take, fd, 0);
	ok(task_blocks(&first) && task_blocks(&second), "two threads are blocked in pread on one description");
	bump();
	is(task_result(&first), current(), "the bump ends the one");
	is(task_result(&second), current(), "and the other");
	ack(fd);

	task_start(&first, call_read, fd, 0);
	task_start(&second, call_read, fd, 0);
	ok(task_blocks(&first) && task_blocks(&second), "the same with read");
	bump();
	is(task_result(&first), current(), "the bump ends the one");
	is(task_result(&second), current(), "and the other");
	ack(fd);

	pid = child(read_in_child, &fd);
	until_sleeps_in_call(pid);
	task_start(&first, call_take, fd, 0);
	ok(task_blocks(&first) && sleeps_in_call(pid), "the same with another process");
	bump();
	is(task_result(&first), current(), "the bump ends the one");
	is(child_status(pid), 10, "and the other");
	close(fd);
}

static void send_descriptor(int socket, int fd)
{
	union { struct cmsghdr header; char space[CMSG_SPACE(sizeof(int))]; } control = { 0 };
	char byte = 0;
	struct iovec data = { &byte, 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	must(sendmsg(socket, &message, 0));
}

static int receive_descriptor(int socket)
{
	union { struct cmsghdr header; char space[CMSG_SPACE(sizeof(int))]; } control = { 0 };
	char byte;
	struct iovec data = { &byte, 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	int fd;

	must(recvmsg(socket, &message, MSG_CMSG_CLOEXEC));
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

static int receive_and_ack(void *argument)
{
	return (int)ack(receive_descriptor(*(int *)argument));
}

static void sent_over_a_socket(void)
{
	int ends[2], fd;
	pid_t pid;

	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
	pid = child(receive_and_ack, &ends[1]);
	fd = open_device(O_RDWR | O_NONBLOCK);
	bump();
	send_descriptor(ends[0], fd);
	is(child_status(pid), 4, "a process acks on a descriptor it was sent");
	is(take(fd), -EAGAIN, "and the sender is up to date: one watcher");

	send_descriptor(ends[0], fd);
	close(fd);
	bump();
	is(outdated_watchers(), 1, "a descriptor on its way through a socket is a watcher");
	fd = receive_descriptor(ends[1]);
	is(take(fd), current(), "it arrives outdated");
	is(ack(fd), 4, "acks");
	is(outdated_watchers(), 0, "and all is well");
	close(fd);
	close(ends[0]);
	close(ends[1]);
}

static int exec_sleep(void *argument)
{
	int fd = *(int *)argument;

	must(fcntl(fd, F_SETFD, 0));
	execlp("sleep", "sleep", "1000", (char *)NULL);
	return 1;
}

static void exec(void)
{
	int fd = open_device(O_RDWR | O_CLOEXEC), before;
	char path[64], name[64] = "";
	FILE *file;
	pid_t pid = child(exec_sleep, &fd);

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	while (strcmp(name, "sleep\n") != 0) {
		file = fopen(path, "re");
		if (!file || !fgets(name, sizeof(name), file))
			break;
		fclose(file);
	}
	close(fd);
	bump();
	before = outdated_watchers();
	kill(pid, SIGKILL);
	child_status(pid);
	is(before, 1, "a descriptor that survives exec is a watcher still");
	is(outdated_watchers(), 0, "until that program ends");
}

int main(int argc, char **argv)
{
	device_setup(argc, argv);
	duplicates();
	forks();
	two_readers_on_one_description();
	sent_over_a_socket();
	exec();
	return plan();
}
