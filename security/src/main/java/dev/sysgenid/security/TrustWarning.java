// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import java.lang.System.Logger.Level;

/** The warning that clones will repeat, given once in the life of the process: when this class is initialized. */
final class TrustWarning {
    static {
        System.getLogger("dev.sysgenid.security")
                .log(
                        Level.WARNING,
                        "nothing on this machine tells of a restore from a snapshot, and " + Unguarded.PROPERTY
                                + "=trust: clones of this system will draw the same random bytes");
    }

    private TrustWarning() {}

    /** True: whoever asks has it given. */
    static boolean isGiven() {
        return true;
    }
}
