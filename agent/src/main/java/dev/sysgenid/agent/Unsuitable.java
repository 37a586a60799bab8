// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

/** This JVM has not what a mend expects; the message says what is missing. */
public final class Unsuitable extends Exception {
    private static final long serialVersionUID = 1;

    private final boolean absent;

    private Unsuitable(String message, boolean absent) {
        super(message);
        this.absent = absent;
    }

    /** There is nothing to be mended: that part of the JDK is not in this runtime. */
    static Unsuitable absent(String what) {
        return new Unsuitable(what + " is not in this runtime", true);
    }

    /** This JDK is another one than those that the mend knows. */
    public static Unsuitable differs(String what) {
        return new Unsuitable(what, false);
    }

    /** Whether there is nothing to be mended. */
    boolean isAbsent() {
        return absent;
    }
}
