// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

/**
 * The page that one inode of the device shows to those who map it. Nobody else's mapping shows the same memory, so a
 * client that writes to it deceives only itself.
 *
 * <p>Lives from the first open of the inode until the kernel forgets the inode, which it does not before the last
 * mapping is gone. Closing it twice is harmless.
 */
abstract class Page implements AutoCloseable {
    /** The id of the file that backs mappings, or 0 where the kernel asks the server for a page's contents. */
    abstract int backingId();

    /** Where the contents come from the server: they were asked for, so the kernel holds a copy from now on. */
    void filled() {}

    @Override
    public abstract void close();
}
