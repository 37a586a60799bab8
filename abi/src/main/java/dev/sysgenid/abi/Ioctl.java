// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.abi;

/**
 * The ioctl commands of the device: two families on one file, told apart by their magic number. All are {@code _IO}
 * numbers: the argument travels by value.
 *
 * <p>The {@code V4_} family is that of the driver as posted in January 2021 (magic 0x2d). The other one is that of its
 * sixth to eighth version and of the driver that Amazon Linux ships (magic 0xE4).
 */
public final class Ioctl {
    /** Returns how many tracked watchers are outdated. */
    public static final int V4_GET_OUTDATED_WATCHERS = 0x2d01;

    /** Waits until no tracked watcher is outdated; the argument is a timeout in milliseconds, 0 for none. */
    public static final int V4_WAIT_WATCHERS = 0x2d02;

    /** Bumps the generation; the argument is the least generation wanted. */
    public static final int V4_FORCE_GEN_UPDATE = 0x2d03;

    /** Turns tracking of the calling watcher on (argument not 0) or off (0). */
    public static final int SET_WATCHER_TRACKING = 0xE401;

    /** As {@link #V4_WAIT_WATCHERS}, but a timeout is told by ETIME. */
    public static final int WAIT_WATCHERS = 0xE402;

    /** As {@link #V4_FORCE_GEN_UPDATE}. */
    public static final int TRIGGER_GEN_UPDATE = 0xE403;

    /**
     * Of the device of a domain below the machine's: gives the domain to the user namespace of which the argument, a
     * descriptor of the caller's, is open. Ours, and in no driver.
     */
    public static final int SET_DOMAIN_OWNER = 0xE440;

    private Ioctl() {}
}
