// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

/** How the page that {@code mmap} of the device shows comes to the client. */
public enum Mapping {
    /** {@link #PASSTHROUGH} where the kernel and the privileges allow it, else {@link #STORE}. */
    AUTO,

    /**
     * The client maps memory of the daemon: a page fault never waits for the daemon, and the mapping outlives it. Needs
     * Linux 6.9 and CAP_SYS_ADMIN in the initial user namespace.
     */
    PASSTHROUGH,

    /** The kernel caches the page and the daemon stores each change into it. Needs Linux 6.6 and no privilege. */
    STORE
}
