// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.core.Watcher;

/** An open file description of a device: a watcher, and what the kernel and people call it. */
final class OpenFile {
    final DeviceNode node;
    final long handle;
    /** Where it is in the {@link StateFile}. */
    final int slot;

    final Watcher watcher;
    final int uid;
    /** As of the open, and renewed at the first use: what CRIU opens for a process has that one's own name only then. */
    Callers.Identity opener;

    /** Whether it was used since the open. */
    boolean used;
    /** By which the kernel knows those who sleep on it; 0 before the first of them. */
    long pollHandle;

    OpenFile(DeviceNode node, long handle, int slot, Watcher watcher, Callers.Identity opener, int uid) {
        this.node = node;
        this.handle = handle;
        this.slot = slot;
        this.watcher = watcher;
        this.opener = opener;
        this.uid = uid;
        watcher.attach(this);
    }

    long pollHandle() {
        return pollHandle;
    }

    Device device() {
        return node.device();
    }
}
