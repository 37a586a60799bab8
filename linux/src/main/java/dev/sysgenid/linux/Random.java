// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import static dev.sysgenid.linux.Native.INT;
import static dev.sysgenid.linux.Native.LONG;
import static dev.sysgenid.linux.Native.POINTER;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** The kernel's random number generator: {@code sys/random.h}. */
public final class Random {
    public static final int GRND_NONBLOCK = 0x1;
    public static final int GRND_RANDOM = 0x2;
    /** Since Linux 5.6. */
    public static final int GRND_INSECURE = 0x4;

    private Random() {}

    /** Fills {@code n} bytes. Returns how many were filled: all when it is 256 or fewer and the generator is ready. */
    public static long getrandom(MemorySegment buffer, long n, int flags) {
        Native.checkLength(buffer, n);
        CallState state = CallState.current();
        try {
            return state.result((long) Getrandom.HANDLE.invokeExact(state.errno, Getrandom.NUMBER, buffer, n, flags));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    private static final class Getrandom {
        static final long NUMBER = Native.number(318, 278);

        /**
         * {@code ssize_t getrandom(void *buf, size_t buflen, unsigned int flags)}, by its number; not through {@link
         * Native#syscall}, as the caller's memory must stay valid during the call.
         */
        static final MethodHandle HANDLE = Native.bindVariadic("syscall", 1, LONG, LONG, POINTER, LONG, INT);
    }
}
