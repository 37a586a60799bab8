// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import static dev.sysgenid.linux.Native.INT;
import static dev.sysgenid.linux.Native.LONG;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** A counter on which a thread can wait: {@code sys/eventfd.h}. */
@SuppressWarnings("MemberName") // the names of C
public final class EventFd {
    public static final int EFD_SEMAPHORE = 0x1;
    public static final int EFD_NONBLOCK = Unistd.O_NONBLOCK;
    public static final int EFD_CLOEXEC = Unistd.O_CLOEXEC;

    private EventFd() {}

    /** Makes a counter. Returns a descriptor, which is readable while the counter is not 0. */
    public static int eventfd(int initial, int flags) {
        CallState state = CallState.current();
        try {
            return state.result((int) Eventfd.HANDLE.invokeExact(state.errno, initial, flags));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Adds to the counter. Returns 0, or the negated error number. Allocates nothing. */
    public static int eventfd_write(int fd, long value) {
        MemorySegment count = CallState.current().scratch;
        count.set(LONG, 0, value);
        long written = Unistd.write(fd, count, Long.BYTES);
        return written < 0 ? (int) written : 0;
    }

    /**
     * Takes the counter, which becomes 0. Returns it, or the negated error number: {@code -EAGAIN} when it was 0 and the
     * descriptor does not block. A counter of 2<sup>63</sup> or more cannot be told from an error. Allocates nothing.
     */
    public static long eventfd_read(int fd) {
        MemorySegment count = CallState.current().scratch;
        long read = Unistd.read(fd, count, Long.BYTES);
        return read < 0 ? read : count.get(LONG, 0);
    }

    private static final class Eventfd {
        /** {@code int eventfd(unsigned int initval, int flags)}. */
        static final MethodHandle HANDLE = Native.bind("eventfd", INT, INT, INT);
    }
}
