// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import java.lang.foreign.MemorySegment;

/**
 * The layout of an element of the vectors that {@link Unistd#readv} and {@link Unistd#writev} take.
 *
 * <pre>{@code
 * struct iovec {
 *         void  *iov_base;           //  0
 *         size_t iov_len;            //  8
 * };
 * }</pre>
 */
public final class IoVec {
    /** The size of an element, in bytes. */
    public static final int SIZE = 16;

    /** The alignment of a vector, in bytes. */
    public static final int ALIGNMENT = 8;

    private static final long BASE_OFFSET = 0;
    private static final long LEN_OFFSET = 8;

    private IoVec() {}

    /**
     * Points element {@code index} of {@code vector} to {@code length} bytes of {@code buffer}. The vector holds the
     * address only: the caller keeps the buffer alive until the call that uses it has returned.
     */
    public static void set(MemorySegment vector, int index, MemorySegment buffer, long length) {
        Native.checkLength(buffer, length);
        long element = (long) index * SIZE;
        vector.set(Native.LONG, element + BASE_OFFSET, buffer.address());
        vector.set(Native.LONG, element + LEN_OFFSET, length);
    }
}
