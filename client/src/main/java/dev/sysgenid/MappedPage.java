// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;

/**
 * The device's page in this process's memory, which others change: a look is one acquire load. Unmapped some time after
 * nobody refers to it. This is the class for Java 17 to 21.
 */
final class MappedPage extends Page {
    private static final VarHandle INT = MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.nativeOrder());

    private final ByteBuffer memory;

    private MappedPage(ByteBuffer memory) {
        this.memory = memory;
    }

    /**
     * Maps the page of a file.
     *
     * @throws IOException when it cannot be mapped
     */
    static MappedPage map(FileChannel channel) throws IOException {
        return of(channel.map(MapMode.READ_ONLY, 0, dev.sysgenid.abi.Page.SIZE));
    }

    /** A page in some memory: direct, and of a page's size at least. */
    static MappedPage of(ByteBuffer memory) {
        return new MappedPage(memory);
    }

    /** The page as a buffer. */
    ByteBuffer buffer() {
        return memory;
    }

    @Override
    int load() {
        return (int) INT.getAcquire(memory, dev.sysgenid.abi.Page.GENERATION_OFFSET);
    }
}
