// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import java.util.ArrayDeque;
import java.util.Deque;

/** The descriptors of one test, closed with it. */
final class Fds implements AutoCloseable {
    private final Deque<Integer> open = new ArrayDeque<>();

    /** Checks that a call returned a descriptor, and keeps it to be closed. */
    int own(int fd) throws SystemCallException {
        open.push(SystemCallException.check(fd, "opening", "a descriptor"));
        return fd;
    }

    int[] pipe() throws SystemCallException {
        int[] fds = new int[2];
        SystemCallException.check(Unistd.pipe2(fds, Unistd.O_CLOEXEC), "pipe2", "");
        own(fds[0]);
        own(fds[1]);
        return fds;
    }

    int[] socketpair(int type) throws SystemCallException {
        int[] fds = new int[2];
        SystemCallException.check(
                Sockets.socketpair(Sockets.AF_UNIX, type | Sockets.SOCK_CLOEXEC, 0, fds), "socketpair", "");
        own(fds[0]);
        own(fds[1]);
        return fds;
    }

    /** Closes one before the others. */
    void close(int fd) throws SystemCallException {
        if (!open.remove(fd)) {
            throw new IllegalStateException("Not owned: " + fd);
        }
        SystemCallException.check(Unistd.close(fd), "close", fd);
    }

    @Override
    public void close() {
        open.forEach(Unistd::close);
    }
}
