// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import static dev.sysgenid.linux.Native.INT;
import static dev.sysgenid.linux.Native.POINTER;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Objects;

/**
 * An epoll instance with room for the events of one wait: {@code sys/epoll.h}.
 *
 * <p>One thread waits, reads the events and closes; descriptors may be added, modified and removed by any thread.
 *
 * <pre>{@code
 * struct epoll_event {               // x86-64 (packed)   aarch64
 *         uint32_t events;           //  0                 0
 *         uint64_t data;             //  4                 8
 * };                                 // 12 bytes          16 bytes
 * }</pre>
 */
public final class Epoll implements AutoCloseable {
    public static final int EPOLLIN = 0x1;
    public static final int EPOLLPRI = 0x2;
    public static final int EPOLLOUT = 0x4;
    public static final int EPOLLERR = 0x8;
    public static final int EPOLLHUP = 0x10;
    public static final int EPOLLRDNORM = 0x40;
    public static final int EPOLLRDBAND = 0x80;
    public static final int EPOLLWRNORM = 0x100;
    public static final int EPOLLWRBAND = 0x200;
    public static final int EPOLLMSG = 0x400;
    public static final int EPOLLRDHUP = 0x2000;
    public static final int EPOLLEXCLUSIVE = 0x10000000;
    public static final int EPOLLWAKEUP = 0x20000000;
    public static final int EPOLLONESHOT = 0x40000000;
    public static final int EPOLLET = 0x80000000;

    private static final int EPOLL_CLOEXEC = Unistd.O_CLOEXEC;
    private static final int EPOLL_CTL_ADD = 1;
    private static final int EPOLL_CTL_DEL = 2;
    private static final int EPOLL_CTL_MOD = 3;

    private static final long EVENTS_OFFSET = 0;
    private static final long DATA_OFFSET = Native.AARCH64 ? 8 : 4;
    private static final long EVENT_SIZE = DATA_OFFSET + Long.BYTES;
    private static final int CAPACITY = 64;

    private final MemorySegment events = Arena.ofAuto().allocate(CAPACITY * EVENT_SIZE, Long.BYTES);
    private volatile int fd;
    private int ready;

    private Epoll(int fd) {
        this.fd = fd;
    }

    /** Makes an instance, close-on-exec, with nothing in it. */
    public static Epoll create() throws SystemCallException {
        CallState state = CallState.current();
        int fd;
        try {
            fd = state.result((int) EpollCreate1.HANDLE.invokeExact(state.errno, EPOLL_CLOEXEC));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
        return new Epoll(SystemCallException.check(fd, "epoll_create1", "EPOLL_CLOEXEC"));
    }

    /** The instance's own descriptor, which is readable when one of those in it is ready; -1 after {@link #close}. */
    public int fd() {
        return fd;
    }

    /**
     * Begins to watch a descriptor.
     *
     * @param events a set of {@code EPOLL} constants; EPOLLERR and EPOLLHUP are always in it
     * @param data what {@link #data(int)} returns with its events
     * @return 0, or the negated error number
     */
    public int add(int fd, int events, long data) {
        return control(EPOLL_CTL_ADD, fd, events, data);
    }

    /** Changes the events and the data of a descriptor that is watched. Returns 0, or the negated error number. */
    public int modify(int fd, int events, long data) {
        return control(EPOLL_CTL_MOD, fd, events, data);
    }

    /** Ends to watch a descriptor. Returns 0, or the negated error number. */
    public int remove(int fd) {
        return control(EPOLL_CTL_DEL, fd, 0, 0);
    }

    private int control(int operation, int target, int mask, long data) {
        CallState state = CallState.current();
        MemorySegment event = state.scratch;
        event.set(INT, EVENTS_OFFSET, mask);
        event.set(ValueLayout.JAVA_LONG_UNALIGNED, DATA_OFFSET, data);
        try {
            return state.result((int) EpollCtl.HANDLE.invokeExact(state.errno, fd, operation, target, event));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /**
     * Waits until a watched descriptor is ready. At most 64 are told at once; the others are told next time.
     *
     * @param timeoutMillis how long at most, in milliseconds; 0 does not wait, -1 has no limit
     * @return how many are ready, 0 when the time is over, or the negated error number; the caller retries {@code
     *     -EINTR} with the time that is left
     */
    public int await(int timeoutMillis) {
        CallState state = CallState.current();
        try {
            int count =
                    state.result((int) EpollWait.HANDLE.invokeExact(state.errno, fd, events, CAPACITY, timeoutMillis));
            ready = Math.max(count, 0);
            return count;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** What happened to the {@code i}-th descriptor that the last {@link #await} found ready, counted from 0. */
    public int events(int i) {
        return events.get(INT, Objects.checkIndex(i, ready) * EVENT_SIZE + EVENTS_OFFSET);
    }

    /** The data of the {@code i}-th descriptor that the last {@link #await} found ready, counted from 0. */
    public long data(int i) {
        return events.get(ValueLayout.JAVA_LONG_UNALIGNED, Objects.checkIndex(i, ready) * EVENT_SIZE + DATA_OFFSET);
    }

    /** Closes the instance, not the descriptors in it. A second call does nothing. */
    @Override
    public void close() {
        int open = fd;
        if (open >= 0) {
            fd = -1;
            ready = 0;
            Unistd.close(open);
        }
    }

    private static final class EpollCreate1 {
        /** {@code int epoll_create1(int flags)}. */
        static final MethodHandle HANDLE = Native.bind("epoll_create1", INT, INT);
    }

    private static final class EpollCtl {
        /** {@code int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)}. */
        static final MethodHandle HANDLE = Native.bind("epoll_ctl", INT, INT, INT, INT, POINTER);
    }

    private static final class EpollWait {
        /** {@code int epoll_wait(int epfd, struct epoll_event *events, int maxevents, int timeout)}. */
        static final MethodHandle HANDLE = Native.bind("epoll_wait", INT, INT, POINTER, INT, INT);
    }
}
