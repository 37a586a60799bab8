// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import static dev.sysgenid.linux.Native.INT;
import static dev.sysgenid.linux.Native.POINTER;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * What a thread may do: {@code linux/capability.h}.
 *
 * <pre>{@code
 * struct __user_cap_header_struct {
 *         __u32 version;             //  0
 *         int   pid;                 //  4
 * };                                 //  8 bytes
 * struct __user_cap_data_struct {
 *         __u32 effective;           //  0
 *         __u32 permitted;           //  4
 *         __u32 inheritable;         //  8
 * };                                 // 12 bytes, and two of them: the lower 32 capabilities and the higher ones
 * }</pre>
 */
public final class Capability {
    public static final int CAP_SYS_ADMIN = 21;
    /** Since Linux 5.9. */
    public static final int CAP_CHECKPOINT_RESTORE = 40;

    private static final int VERSION_3 = 0x20080522;

    private static final long HEADER_VERSION_OFFSET = 0;
    private static final long HEADER_PID_OFFSET = 4;
    private static final long DATA_OFFSET = 8;
    private static final long EFFECTIVE_LOW_OFFSET = DATA_OFFSET;
    private static final long EFFECTIVE_HIGH_OFFSET = DATA_OFFSET + 12;

    private Capability() {}

    /**
     * The effective capabilities of a thread, bit {@code 1L << CAP_...} for each, in whatever user namespace it is. Never
     * negative, as there are not that many; or the negated error number, ESRCH when there is no such thread.
     *
     * @param thread its id in the pid namespace of this process; 0 for the calling thread
     */
    public static long effective(int thread) {
        CallState state = CallState.current();
        MemorySegment header = state.scratch;
        header.set(INT, HEADER_VERSION_OFFSET, VERSION_3);
        header.set(INT, HEADER_PID_OFFSET, thread);
        try {
            int result =
                    state.result((int) Capget.HANDLE.invokeExact(state.errno, header, header.asSlice(DATA_OFFSET)));
            if (result < 0) {
                return result;
            }
            return Integer.toUnsignedLong(header.get(INT, EFFECTIVE_HIGH_OFFSET)) << 32
                    | Integer.toUnsignedLong(header.get(INT, EFFECTIVE_LOW_OFFSET));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    private static final class Capget {
        /** {@code int capget(cap_user_header_t hdrp, cap_user_data_t datap)}. */
        static final MethodHandle HANDLE = Native.bind("capget", INT, POINTER, POINTER);
    }
}
