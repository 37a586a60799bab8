// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import static dev.sysgenid.linux.Native.INT;
import static dev.sysgenid.linux.Native.LONG;
import static dev.sysgenid.linux.Native.POINTER;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * A timer on which a thread can wait: {@code sys/timerfd.h}.
 *
 * <pre>{@code
 * struct itimerspec {
 *         struct timespec it_interval;   //  0
 *         struct timespec it_value;      // 16
 * };                                     // 32 bytes
 * }</pre>
 */
@SuppressWarnings("MemberName") // the names of C
public final class TimerFd {
    public static final int CLOCK_REALTIME = Clock.CLOCK_REALTIME;
    public static final int CLOCK_MONOTONIC = Clock.CLOCK_MONOTONIC;
    public static final int CLOCK_BOOTTIME = Clock.CLOCK_BOOTTIME;

    public static final int TFD_NONBLOCK = Unistd.O_NONBLOCK;
    public static final int TFD_CLOEXEC = Unistd.O_CLOEXEC;

    private static final int TFD_TIMER_ABSTIME = 1;
    private static final long INTERVAL_OFFSET = 0;
    private static final long VALUE_OFFSET = Clock.TIMESPEC_SIZE;

    private TimerFd() {}

    /** Makes a timer that is not set. Returns a descriptor, which is readable once the timer has expired. */
    public static int timerfd_create(int clock, int flags) {
        CallState state = CallState.current();
        try {
            return state.result((int) TimerfdCreate.HANDLE.invokeExact(state.errno, clock, flags));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /**
     * Sets a timer to expire once, at a time of its clock in nanoseconds (see {@link Clock#gettime}); a time that has
     * passed expires it at once, 0 disarms it. An expiration not yet read is forgotten. Returns 0, or the negated error
     * number. Allocates nothing.
     */
    public static int settimeAbsolute(int fd, long nanos) {
        CallState state = CallState.current();
        MemorySegment spec = state.scratch;
        Clock.putTimespec(spec, INTERVAL_OFFSET, 0);
        Clock.putTimespec(spec, VALUE_OFFSET, nanos);
        try {
            return state.result((int)
                    TimerfdSettime.HANDLE.invokeExact(state.errno, fd, TFD_TIMER_ABSTIME, spec, MemorySegment.NULL));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /**
     * Takes the number of expirations since the last time. Returns it, or the negated error number: {@code -EAGAIN} when
     * there was none and the descriptor does not block. Allocates nothing.
     */
    public static long read(int fd) {
        MemorySegment count = CallState.current().scratch;
        long read = Unistd.read(fd, count, Long.BYTES);
        return read < 0 ? read : count.get(LONG, 0);
    }

    private static final class TimerfdCreate {
        /** {@code int timerfd_create(int clockid, int flags)}. */
        static final MethodHandle HANDLE = Native.bind("timerfd_create", INT, INT, INT);
    }

    private static final class TimerfdSettime {
        /** {@code int timerfd_settime(int fd, int flags, const struct itimerspec *new, struct itimerspec *old)}. */
        static final MethodHandle HANDLE = Native.bind("timerfd_settime", INT, INT, INT, POINTER, POINTER);
    }
}
