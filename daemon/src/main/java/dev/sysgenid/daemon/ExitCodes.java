// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

/**
 * The exit codes of the {@code sysgenid} command, documented in sysgenid(1). Those from 64 on have their meaning from
 * sysexits.h, 124 is what timeout(1) uses.
 */
public final class ExitCodes {
    /** What was asked for is done. */
    public static final int OK = 0;

    /** It went wrong in a way that none of the others names. */
    public static final int FAILURE = 1;

    /** The command line is wrong: an unknown option, a value out of range. Nothing was done. */
    public static final int USAGE = 2;

    /** Something that is needed is not there: the device, its daemon, FUSE, a kernel feature. */
    public static final int UNAVAILABLE = 69;

    /** A file, directory or mount could not be made: the path is in use, or is something else. */
    public static final int CANNOT_CREATE = 73;

    /** Somebody else has unmounted the device, or aborted its connection, while the daemon served it. */
    public static final int TAKEN_AWAY = 74;

    /**
     * The daemon hands over: whoever started it is to start it again, with the connection that it leaves. Only a keeper
     * gets this.
     */
    public static final int HAND_OVER = 75;

    /** As {@link #HAND_OVER}, with a new connection: the old one is over. */
    public static final int BEGIN_ANEW = 76;

    /** The caller may not do this. */
    public static final int NO_PERMISSION = 77;

    /** The time that was given is over, and somebody has not acknowledged yet. */
    public static final int TIMEOUT = 124;

    /**
     * The daemon met a defect of its own and left everything for the next one, as a process does that aborts: that is what a
     * shell makes of SIGABRT, and keepers start another daemon. Only a keeper gets this.
     */
    public static final int DEFECT = 134;

    private ExitCodes() {}
}
