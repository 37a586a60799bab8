// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import static dev.sysgenid.linux.Native.INT;
import static dev.sysgenid.linux.Native.LONG;
import static dev.sysgenid.linux.Native.POINTER;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** The kernel's random number generator: {@code sys/random.h}, {@code linux/random.h}. */
public final class Random {
    public static final int GRND_NONBLOCK = 0x1;
    public static final int GRND_RANDOM = 0x2;
    /** Since Linux 5.6. */
    public static final int GRND_INSECURE = 0x4;

    /**
     * <pre>{@code
     * struct rand_pool_info {
     *         int   entropy_count;           //  0  bits
     *         int   buf_size;                //  4  bytes
     *         __u32 buf[0];                  //  8
     * };
     * }</pre>
     *
     * {@code _IOW('R', 0x03, int[2])}.
     */
    private static final long RNDADDENTROPY = 0x40085203L;

    /** {@code _IO('R', 0x07)}. */
    private static final long RNDRESEEDCRNG = 0x5207L;

    private static final long ENTROPY_COUNT_OFFSET = 0;
    private static final long BUF_SIZE_OFFSET = 4;
    private static final long BUF_OFFSET = 8;

    private Random() {}

    /**
     * Mixes {@code n} bytes into what the kernel makes its random numbers of, which does not change them yet.
     *
     * @param fd /dev/random or /dev/urandom
     * @param bits for how many bits of entropy they count
     * @return 0, or the negated error number; {@code -EPERM} without CAP_SYS_ADMIN in the initial user namespace
     */
    public static int addEntropy(int fd, int bits, MemorySegment buffer, int n) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment info = arena.allocate(BUF_OFFSET + n, Integer.BYTES);
            info.set(INT, ENTROPY_COUNT_OFFSET, bits);
            info.set(INT, BUF_SIZE_OFFSET, n);
            MemorySegment.copy(buffer, 0, info, BUF_OFFSET, n);
            return Unistd.ioctl(fd, RNDADDENTROPY, info);
        }
    }

    /**
     * Has the kernel make new keys of what was mixed in, before the next random number of anybody.
     *
     * @param fd /dev/random or /dev/urandom
     * @return 0, or the negated error number; {@code -EPERM} without CAP_SYS_ADMIN in the initial user namespace,
     *     {@code -ENODATA} while the generator is not ready
     */
    public static int reseed(int fd) {
        return Unistd.ioctl(fd, RNDRESEEDCRNG, 0L);
    }

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
