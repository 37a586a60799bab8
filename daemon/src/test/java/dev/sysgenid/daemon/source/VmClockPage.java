// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon.source;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A file that is laid out as the hypervisor's page. */
public final class VmClockPage implements AutoCloseable {
    public static final long COUNTED = 1L << 8;

    private final FileChannel file;

    public VmClockPage(Path path, long flags) throws IOException {
        file = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        put(0, ByteBuffer.allocate(4096));
        u32(0x00, 0x4b4c4356);
        u32(0x04, 4096);
        u32(0x08, 1);
        u32(0x0c, 2);
        u64(0x10, 1);
        u64(0x18, flags);
        u64(0x68, 100);
    }

    private void put(long offset, ByteBuffer bytes) throws IOException {
        file.write(bytes, offset);
    }

    public void u32(long offset, int value) throws IOException {
        put(offset, ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(0, value));
    }

    public void u64(long offset, long value) throws IOException {
        put(offset, ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, value));
    }

    /** As a hypervisor does that counts clones: this one is the {@code counter}-th. */
    public void clone(long counter) throws IOException {
        u64(0x10, counter);
        u64(0x68, counter);
    }

    /** Cuts it off. */
    public void truncate(long size) throws IOException {
        file.truncate(size);
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
