// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.conformance;

import dev.sysgenid.linux.Errno;

/** A call failed whose success would have made an object: an open, a map. */
final class Refused extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int errno;

    Refused(String call, int errno) {
        super(call + ": " + Errno.describe(errno));
        this.errno = errno;
    }

    /** The positive error number. */
    int errno() {
        return errno;
    }
}
