// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.core.Watcher;
import org.jspecify.annotations.Nullable;

/**
 * One inode of the device that was opened. Each lookup of the device's name gives the kernel a fresh number for one, so that each
 * open by name has an inode, and with it a page, of its own. Whoever reaches an inode in another way (a bind mount of
 * the file, {@code /proc/PID/fd}) shares it and its page. Each number is looked up once, so one forget is the end of it.
 */
final class DeviceNode {
    private final long id;
    private final Device device;
    private @Nullable Page page;
    private int pageOwner;
    private @Nullable Expected expected;

    /**
     * Somebody who may be there.
     *
     * @param slot where that is noted in the {@link StateFile}; -1 where it could not be
     */
    record Expected(Watcher watcher, int slot) {}

    DeviceNode(long id, Device device) {
        this.id = id;
        this.device = device;
    }

    /** The device whose inode it is. */
    Device device() {
        return device;
    }

    long id() {
        return id;
    }

    /** The page, from the first open on. */
    @Nullable
    Page page() {
        return page;
    }

    void setPage(Page page, int owner) {
        this.page = page;
        this.pageOwner = owner;
    }

    /** The user id of who opened it first. */
    int pageOwner() {
        return pageOwner;
    }

    /** Makes a watcher stand for the one that may be here, or none; see {@link Device#expectWatcher}. */
    void expect(@Nullable Expected watcher) {
        expected = watcher;
    }

    /** Who is expected here; null for nobody. */
    @Nullable
    Expected expected() {
        return expected;
    }

    /** Gives the page back. */
    void drop() {
        if (page != null) {
            page.close();
            page = null;
        }
    }
}
