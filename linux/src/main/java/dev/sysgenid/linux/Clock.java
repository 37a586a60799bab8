// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import static dev.sysgenid.linux.Native.INT;
import static dev.sysgenid.linux.Native.LONG;
import static dev.sysgenid.linux.Native.POINTER;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The kernel's clocks: {@code time.h}.
 *
 * <pre>{@code
 * struct timespec {
 *         time_t tv_sec;             //  0
 *         long   tv_nsec;            //  8
 * };                                 // 16 bytes
 * }</pre>
 */
public final class Clock {
    public static final int CLOCK_REALTIME = 0;
    public static final int CLOCK_MONOTONIC = 1;
    public static final int CLOCK_MONOTONIC_RAW = 4;
    public static final int CLOCK_BOOTTIME = 7;

    static final long NANOS_PER_SECOND = 1_000_000_000;
    static final long TIMESPEC_SIZE = 16;
    private static final long SEC_OFFSET = 0;
    private static final long NSEC_OFFSET = 8;

    private Clock() {}

    /** The time of a clock, in nanoseconds since its beginning, or the negated error number. Allocates nothing. */
    public static long gettime(int clock) {
        CallState state = CallState.current();
        MemorySegment time = state.scratch;
        try {
            int result = state.result((int) ClockGettime.HANDLE.invokeExact(state.errno, clock, time));
            return result < 0 ? result : time.get(LONG, SEC_OFFSET) * NANOS_PER_SECOND + time.get(LONG, NSEC_OFFSET);
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Fills a {@code struct timespec} at {@code offset}. */
    static void putTimespec(MemorySegment segment, long offset, long nanos) {
        segment.set(LONG, offset + SEC_OFFSET, Math.floorDiv(nanos, NANOS_PER_SECOND));
        segment.set(LONG, offset + NSEC_OFFSET, Math.floorMod(nanos, NANOS_PER_SECOND));
    }

    private static final class ClockGettime {
        /** {@code int clock_gettime(clockid_t clockid, struct timespec *tp)}. */
        static final MethodHandle HANDLE = Native.bind("clock_gettime", INT, INT, POINTER);
    }
}
