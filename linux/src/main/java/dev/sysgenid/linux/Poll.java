// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import static dev.sysgenid.linux.Native.INT;
import static dev.sysgenid.linux.Native.LONG;
import static dev.sysgenid.linux.Native.POINTER;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Waiting for one descriptor: {@code poll.h}.
 *
 * <pre>{@code
 * struct pollfd {
 *         int   fd;                  //  0
 *         short events;              //  4
 *         short revents;             //  6
 * };                                 //  8 bytes
 * }</pre>
 */
public final class Poll {
    public static final int POLLIN = 0x1;
    public static final int POLLPRI = 0x2;
    public static final int POLLOUT = 0x4;
    public static final int POLLERR = 0x8;
    public static final int POLLHUP = 0x10;
    public static final int POLLNVAL = 0x20;
    public static final int POLLRDNORM = 0x40;
    public static final int POLLRDBAND = 0x80;
    public static final int POLLWRNORM = 0x100;
    public static final int POLLWRBAND = 0x200;
    public static final int POLLRDHUP = 0x2000;

    private static final long FD_OFFSET = 0;
    private static final long EVENTS_OFFSET = 4;
    private static final long REVENTS_OFFSET = 6;

    private Poll() {}

    /**
     * Waits until a descriptor is ready.
     *
     * @param events a set of {@code POLL} constants; POLLERR, POLLHUP and POLLNVAL are always in it
     * @param timeoutMillis how long at most, in milliseconds; 0 does not wait, -1 has no limit
     * @return what happened, as a set of {@code POLL} constants, 0 when the time is over, or the negated error number
     */
    public static int poll(int fd, int events, int timeoutMillis) {
        CallState state = CallState.current();
        MemorySegment poll = state.scratch;
        poll.set(INT, FD_OFFSET, fd);
        poll.set(ValueLayout.JAVA_SHORT, EVENTS_OFFSET, (short) events);
        poll.set(ValueLayout.JAVA_SHORT, REVENTS_OFFSET, (short) 0);
        try {
            int count = state.result((int) PollCall.HANDLE.invokeExact(state.errno, poll, 1L, timeoutMillis));
            return count < 0 ? count : poll.get(ValueLayout.JAVA_SHORT, REVENTS_OFFSET) & 0xffff;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    private static final class PollCall {
        /** {@code int poll(struct pollfd *fds, nfds_t nfds, int timeout)}. */
        static final MethodHandle HANDLE = Native.bind("poll", INT, POINTER, LONG, INT);
    }
}
