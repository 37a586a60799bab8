// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;

/**
 * The native memory that a thread needs for one call at a time: where errno is put, and room for a small struct.
 *
 * <p>Each thread has its own, allocated at its first call and freed after its end. Its content is good only until the
 * thread's next call.
 */
final class CallState {
    /** Enough for every struct of fixed size that is put there; the largest are those of signals. */
    private static final long SCRATCH_SIZE = 128;

    private static final StructLayout LAYOUT = Linker.Option.captureStateLayout();
    private static final long ERRNO_OFFSET = LAYOUT.byteOffset(PathElement.groupElement("errno"));
    private static final ThreadLocal<CallState> CURRENT = ThreadLocal.withInitial(CallState::new);

    /** The first argument of every handle made by {@link Native#bind}. */
    final MemorySegment errno;

    /** 128 bytes, aligned to 8, holding whatever the last call left there. */
    final MemorySegment scratch;

    private CallState() {
        Arena arena = Arena.ofAuto();
        errno = arena.allocate(LAYOUT);
        scratch = arena.allocate(SCRATCH_SIZE, Long.BYTES);
    }

    static CallState current() {
        return CURRENT.get();
    }

    /** Turns C's convention (-1 and errno) into the kernel's (the negated error number). */
    int result(int returned) {
        return returned == -1 ? -errno.get(Native.INT, ERRNO_OFFSET) : returned;
    }

    /** As {@link #result(int)}. */
    long result(long returned) {
        return returned == -1 ? -errno.get(Native.INT, ERRNO_OFFSET) : returned;
    }
}
