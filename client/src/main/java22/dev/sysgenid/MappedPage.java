// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;

/**
 * The device's page in this process's memory, which others change: a look is one acquire load. Unmapped some time after
 * nobody refers to it. This is the class for Java 22 and newer, where a segment is mapped in half the time that a buffer
 * takes a JVM that has mapped nothing yet, and is a constant to the compiler where it stands in a constant.
 */
final class MappedPage extends Page {
    static final VarHandle INT = ValueLayout.JAVA_INT.varHandle();

    final MemorySegment memory;

    private MappedPage(MemorySegment memory) {
        this.memory = memory;
    }

    /**
     * Maps the page of a file.
     *
     * @throws IOException when it cannot be mapped
     */
    static MappedPage map(FileChannel channel) throws IOException {
        return new MappedPage(channel.map(MapMode.READ_ONLY, 0, dev.sysgenid.abi.Page.SIZE, Arena.ofAuto()));
    }

    /** A page in some memory: direct, and of a page's size at least. */
    static MappedPage of(ByteBuffer memory) {
        return new MappedPage(MemorySegment.ofBuffer(memory));
    }

    /** The page as a buffer. */
    ByteBuffer buffer() {
        return memory.asByteBuffer();
    }

    @Override
    int load() {
        return (int) INT.getAcquire(memory, (long) dev.sysgenid.abi.Page.GENERATION_OFFSET);
    }
}
