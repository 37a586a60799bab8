// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import java.io.IOException;
import java.io.Serial;

/** Tells that a system call failed: which, on what, and why, as in "mount /run/x: EPERM (Operation not permitted)". */
public final class SystemCallException extends IOException {
    @Serial
    private static final long serialVersionUID = 1;

    /** The error number. */
    private final int errno;

    /**
     * An exception for a call that failed.
     *
     * @param errno the error number, positive
     * @param call what was called, in C's words
     * @param about what it was called on, as a person would name it: a path, a descriptor
     */
    public SystemCallException(int errno, String call, Object about) {
        super(call + " " + about + ": " + Errno.describe(errno));
        this.errno = errno;
    }

    /** The error number, positive: one of {@link Errno}. */
    public int errno() {
        return errno;
    }

    /**
     * Returns the result of a call, or throws when it is a negated error number.
     *
     * @param result what the call returned
     * @param call what was called, in C's words
     * @param about what it was called on, as a person would name it: a path, a descriptor
     */
    public static int check(int result, String call, Object about) throws SystemCallException {
        if (result < 0) {
            throw new SystemCallException(-result, call, about);
        }
        return result;
    }

    /** As {@link #check(int, String, Object)}, for a result that is a {@code long}. */
    public static long check(long result, String call, Object about) throws SystemCallException {
        if (result < 0) {
            throw new SystemCallException(Math.toIntExact(-result), call, about);
        }
        return result;
    }
}
