// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import static dev.sysgenid.abi.Page.CLONE_IDENTITY_OFFSET;
import static dev.sysgenid.abi.Page.GONE;
import static dev.sysgenid.abi.Page.MAGIC;
import static dev.sysgenid.abi.Page.MAGIC_OFFSET;
import static dev.sysgenid.abi.Page.SEQUENCE_OFFSET;
import static dev.sysgenid.abi.Page.STATE_OFFSET;
import static dev.sysgenid.abi.Page.VERSION;
import static dev.sysgenid.abi.Page.VERSION_OFFSET;
import static dev.sysgenid.abi.Page.WIDE_GENERATION_OFFSET;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * What the page says beside the generation, where a daemon shows it that has more to say than the kernel driver. The rules
 * by which it is read are those of {@link dev.sysgenid.abi.Page}.
 */
final class PageExtension {
    /** After that many looks at a page in the middle of a change, about a second, its writer is taken for dead. */
    private static final int ATTEMPTS = 10_000;

    private static final int SPINS = 100;
    private static final long PAUSE_NANOS = 50_000;

    private static final VarHandle INT = MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.nativeOrder());
    private static final VarHandle LONG = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.nativeOrder());
    private static final VarHandle BYTES = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

    private final ByteBuffer memory;

    private PageExtension(ByteBuffer memory) {
        this.memory = memory;
    }

    /** Null when the page has none. */
    static @Nullable PageExtension of(Page page) {
        if (!(page instanceof MappedPage mapped)) {
            return null;
        }
        ByteBuffer memory = mapped.buffer();
        if (memory.limit() < dev.sysgenid.abi.Page.SIZE) {
            return null;
        }
        try {
            long magic = memory.duplicate().order(ByteOrder.LITTLE_ENDIAN).getLong(MAGIC_OFFSET);
            int version = (int) INT.getAcquire(memory, VERSION_OFFSET);
            return magic == MAGIC && version >= VERSION ? new PageExtension(memory) : null;
        } catch (InternalError e) {
            return null; // as below
        }
    }

    /** What belongs together. */
    record Clone(long wideGeneration, CloneIdentity identity) {}

    /** Whether the daemon has ended, and nobody changes the page any more. */
    boolean isGone() {
        try {
            return (int) INT.getAcquire(memory, STATE_OFFSET) == GONE;
        } catch (InternalError e) {
            return true; // so much so that there is no memory any more: the kernel kept the page, and dropped it
        }
    }

    /** Null when the daemon was killed in the middle of a change. */
    @Nullable
    Clone read() {
        try {
            for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
                int sequence = (int) INT.getAcquire(memory, SEQUENCE_OFFSET);
                if ((sequence & 1) == 0) {
                    long wideGeneration = (long) LONG.getOpaque(memory, WIDE_GENERATION_OFFSET);
                    long head = (long) BYTES.getOpaque(memory, CLONE_IDENTITY_OFFSET);
                    long tail = (long) BYTES.getOpaque(memory, CLONE_IDENTITY_OFFSET + Long.BYTES);
                    VarHandle.acquireFence();
                    if ((int) INT.getOpaque(memory, SEQUENCE_OFFSET) == sequence) {
                        return new Clone(wideGeneration, new CloneIdentity(head, tail));
                    }
                }
                if (attempt < SPINS) {
                    Thread.onSpinWait();
                } else {
                    LockSupport.parkNanos(PAUSE_NANOS); // the daemon may wait for this processor
                }
            }
            return null;
        } catch (InternalError e) {
            return null;
        }
    }
}
