// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import static dev.sysgenid.linux.Native.INT;
import static dev.sysgenid.linux.Native.LONG;
import static dev.sysgenid.linux.Native.POINTER;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Signals that are read from a descriptor: {@code sys/signalfd.h}. A set of signals is a {@code long} here, in which bit
 * {@code n - 1} stands for signal {@code n} (see {@link #mask}).
 *
 * <p>Only signals that are blocked are read so, and a signal sent to a process goes to any thread that has not blocked
 * it. In a JVM there always is such a thread (and the JVM acts on SIGTERM, SIGINT and SIGHUP there, unless started with
 * {@code -Xrs}), so this reads those that are sent to the calling thread, and those that a whole JVM was started with
 * blocked.
 *
 * <pre>{@code
 * struct signalfd_siginfo {
 *         uint32_t ssi_signo;        //  0
 *         ...
 * };                                 // 128 bytes
 *
 * sigset_t                           // 128 bytes; the kernel knows 64 signals, in the first 8
 * }</pre>
 */
@SuppressWarnings("MemberName") // the names of C
public final class SignalFd {
    public static final int SFD_NONBLOCK = Unistd.O_NONBLOCK;
    public static final int SFD_CLOEXEC = Unistd.O_CLOEXEC;

    public static final int SIG_BLOCK = 0;
    public static final int SIG_UNBLOCK = 1;
    public static final int SIG_SETMASK = 2;

    private static final long SIGINFO_SIZE = 128;
    private static final long SIGNO_OFFSET = 0;

    private SignalFd() {}

    /** The set of these signals, each 1 to 64. */
    public static long mask(int... signals) {
        long mask = 0;
        for (int signal : signals) {
            if (signal < 1 || signal > Long.SIZE) {
                throw new IllegalArgumentException("Not a signal: " + signal);
            }
            mask |= 1L << (signal - 1);
        }
        return mask;
    }

    /**
     * Makes a descriptor from which the signals of a set are read, or, when {@code fd} is one, changes its set.
     *
     * @param fd -1 for a new one
     * @return the descriptor, or the negated error number
     */
    public static int signalfd(int fd, long mask, int flags) {
        CallState state = CallState.current();
        MemorySegment set = set(state, mask);
        try {
            return state.result((int) Signalfd.HANDLE.invokeExact(state.errno, fd, set, flags));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /**
     * Blocks or unblocks signals for the calling thread, and for the threads and processes that it starts from then on
     * ({@link Processes#spawn} excepted). Returns 0, or the negated error number.
     */
    public static int pthread_sigmask(int how, long mask) {
        MemorySegment set = set(CallState.current(), mask);
        try {
            return -(int) PthreadSigmask.HANDLE.invokeExact(how, set, MemorySegment.NULL);
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /**
     * Takes a signal. Returns its number, or the negated error number: {@code -EAGAIN} when there is none and the
     * descriptor does not block. Allocates nothing.
     */
    public static int read(int fd) {
        MemorySegment info = CallState.current().scratch;
        long read = Unistd.read(fd, info, SIGINFO_SIZE);
        return read < 0 ? (int) read : info.get(INT, SIGNO_OFFSET);
    }

    /** A {@code sigset_t}, good until the thread's next call. */
    static MemorySegment set(CallState state, long mask) {
        state.scratch.fill((byte) 0);
        state.scratch.set(LONG, 0, mask);
        return state.scratch;
    }

    private static final class Signalfd {
        /** {@code int signalfd(int fd, const sigset_t *mask, int flags)}. */
        static final MethodHandle HANDLE = Native.bind("signalfd", INT, INT, POINTER, INT);
    }

    private static final class PthreadSigmask {
        /** {@code int pthread_sigmask(int how, const sigset_t *set, sigset_t *oldset)}; returns the error number. */
        static final MethodHandle HANDLE = Native.bindPlain("pthread_sigmask", INT, INT, POINTER, POINTER);
    }
}
