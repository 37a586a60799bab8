// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.fuse;

/** How the kernel is to treat an open file: the flags of the reply to an open. */
public final class OpenFlags {
    /** Reads and writes go to the server, not through the page cache. */
    public static final int DIRECT_IO = 1;

    /** close() does not send a FLUSH. */
    public static final int NO_FLUSH = 1 << 5;

    /** Writes to one inode may run side by side: the server has its own order. */
    public static final int PARALLEL_DIRECT_WRITES = 1 << 6;

    /** Mappings (and reads and writes too, without {@link #DIRECT_IO}) go to the backing file. */
    public static final int PASSTHROUGH = 1 << 7;

    private OpenFlags() {}
}
