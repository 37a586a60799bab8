// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

/**
 * How many requests the loop takes in a row before it waits again.
 *
 * <p>While callers come one at a time, that is one: a second try would find nothing, and be one more system call for each
 * of them. While many wait, it is many: then the wait between two requests is the system call that nobody needs. Each
 * batch that was full doubles the next one, up to a limit which leaves the loop's other descriptors their turn; one that
 * was not is followed by batches of one. That there may be more waiting is found out by trying now and then.
 */
final class Batch {
    /** The largest batch. */
    static final int MOST = 64;

    /** Of this many batches of one in a row, the last is followed by a try of two. */
    static final int PATIENCE = 8;

    private int size = 1;
    private int single;

    /** How many requests to take now. */
    int size() {
        return size;
    }

    /** How many there were of the {@link #size} that were wanted. */
    void took(int count) {
        if (count < size) {
            size = 1;
            single = 0;
        } else if (size > 1) {
            size = Math.min(MOST, 2 * size);
        } else if (++single == PATIENCE) {
            size = 2;
        }
    }
}
