// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/**
 * The page that the hypervisor shows to the guest: it tells of a clone before the guest's first instruction, so before
 * any daemon can.
 *
 * <pre>{@code
 * struct vmclock_abi {                        // little-endian
 *         uint32_t magic;                     // 0x00  "VCLK"
 *         uint32_t size;                      // 0x04
 *         ...
 *         uint64_t flags;                     // 0x18  bit 8: the generation counter is there
 *         ...
 *         uint64_t vm_generation_counter;     // 0x68
 * };
 * }</pre>
 *
 * <p>One u64 is read whole, and it changes only while no instruction of the guest runs: no sequence lock is needed.
 *
 * <p>Java maps no device that has no size, so where this process makes no system calls of its own (Java 17 to 21, or no
 * native access) the page is read instead, now and then, as the kernel's driver lets one do from any offset. Then a clone
 * is found some time after its first instruction, and until then nothing is as it should be: see {@link #isMapped}.
 */
final class VmClock {
    static final Path DEVICE = Path.of("/dev/vmclock0");

    private static final int MAGIC = 0x4b4c4356;
    private static final int MAGIC_OFFSET = 0x00;
    private static final int FLAGS_OFFSET = 0x18;
    private static final long FLAG_GENERATION_COUNTER = 1L << 8;
    private static final int GENERATION_COUNTER_OFFSET = 0x68;
    /** The structure up to the end of the counter. */
    private static final int SIZE = GENERATION_COUNTER_OFFSET + Long.BYTES;

    /** In a class of its own: where there is no such page, a JVM need not set it up. */
    private static final class Words {
        static final VarHandle LONG = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    }

    private final ByteBuffer memory;

    /** Where the page is read from; null when it is mapped. */
    private final @Nullable Path device;

    /** The counter that the owner has taken note of. */
    private volatile long noted;

    private VmClock(ByteBuffer memory, @Nullable Path device) {
        this.memory = memory;
        this.device = device;
        this.noted = counter();
    }

    /** The machine's; null where there is none, or this process may not read it. */
    static @Nullable VmClock find(Path device) {
        if (!Files.isReadable(device)) {
            return null;
        }
        SystemCalls calls = NativeAccess.calls();
        if (calls == null) {
            return reading(device);
        }
        int fd = calls.open(device, false);
        if (fd < 0) {
            return null;
        }
        try {
            ByteBuffer memory = calls.map(fd, SIZE);
            return memory == null ? null : of(memory);
        } finally {
            calls.close(fd);
        }
    }

    /** One that is read; null as with {@link #find}. */
    static @Nullable VmClock reading(Path device) {
        // Direct, as the counter is then aligned.
        ByteBuffer copy = ByteBuffer.allocateDirect(SIZE);
        return readPage(device, copy) ? of(copy, device) : null;
    }

    /** Opened anew each time: so nothing is open when the process is checkpointed. Returns whether all of it was there. */
    private static boolean readPage(Path device, ByteBuffer into) {
        try (FileChannel channel = FileChannel.open(device, StandardOpenOption.READ)) {
            return channel.read(into.duplicate(), 0) == into.capacity();
        } catch (IOException e) {
            return false;
        }
    }

    /** A clock in some memory; null when that holds none, or one without a generation counter. */
    static @Nullable VmClock of(ByteBuffer memory) {
        return of(memory, null);
    }

    private static @Nullable VmClock of(ByteBuffer memory, @Nullable Path device) {
        ByteBuffer page = memory.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        if (page.limit() < SIZE
                || page.getInt(MAGIC_OFFSET) != MAGIC
                || (page.getLong(FLAGS_OFFSET) & FLAG_GENERATION_COUNTER) == 0) {
            return null;
        }
        return new VmClock(memory, device);
    }

    /** Whether every look is at the page itself. Otherwise it shows what the last {@link #read} found. */
    boolean isMapped() {
        return device == null;
    }

    /** Reads the page, if it is not mapped; one that cannot be read any more stands still. For one thread. */
    void read() {
        if (device != null) {
            ByteBuffer fresh = ByteBuffer.allocate(SIZE).order(ByteOrder.LITTLE_ENDIAN);
            if (readPage(device, fresh) && fresh.getInt(MAGIC_OFFSET) == MAGIC) {
                Words.LONG.setRelease(memory, GENERATION_COUNTER_OFFSET, fresh.getLong(GENERATION_COUNTER_OFFSET));
            }
        }
    }

    private long counter() {
        return (long) Words.LONG.getAcquire(memory, GENERATION_COUNTER_OFFSET);
    }

    /** Whether the counter is another than noted. */
    boolean hasChanged() {
        return counter() != noted;
    }

    /**
     * Notes the counter after having published that it changed: whoever finds it noted finds that published. The owner
     * sees to it that one thread at a time does this.
     *
     * @return whether it had changed
     */
    boolean note(Runnable publish) {
        long now = counter();
        if (now == noted) {
            return false;
        }
        publish.run();
        noted = now;
        return true;
    }
}
