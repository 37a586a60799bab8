// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.conformance;

import dev.sysgenid.abi.Generation;
import dev.sysgenid.linux.Errno;

/**
 * How a call ended.
 *
 * @param result what it returned, or the negated error number
 * @param generation what a read delivered when it returned 4; else 0
 */
record Outcome(long result, int generation) {
    static Outcome of(long result) {
        return new Outcome(result, 0);
    }

    static Outcome delivered(int generation) {
        return new Outcome(Generation.BYTES, generation);
    }

    static Outcome error(int errno) {
        return of(-errno);
    }

    @Override
    public String toString() {
        if (result < 0) {
            return Errno.name((int) -result);
        }
        return result + (generation == 0 ? "" : " (generation " + Generation.toString(generation) + ")");
    }
}
