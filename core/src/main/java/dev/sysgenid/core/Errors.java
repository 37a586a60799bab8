// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.core;

/**
 * The error numbers that a {@link Domain} gives, with the values that Linux gives them on x86-64 and aarch64. Methods
 * return them negated; {@link Effects} carry them as they are.
 */
public final class Errors {
    /** Interrupted: by a signal, by a bump while waiting, by a close; in the older family also by a timeout. */
    public static final int EINTR = 4;

    /** A read that must not block has nothing new to give. */
    public static final int EAGAIN = 11;

    /** The caller may not bump. */
    public static final int EACCES = 13;

    /** A size, a value or a command that is not one. */
    public static final int EINVAL = 22;

    /** A WAIT of the younger family reached its timeout. */
    public static final int ETIME = 62;

    private Errors() {}
}
