// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.fuse.Connection;

/**
 * Wakes whoever may sleep in poll, where it is lost by which names the kernel knows them: by all names that it has given, the
 * latest first. It takes no notice of those that are nobody's. So many at a time, in turns with the requests; a daemon that takes over
 * meanwhile begins again.
 *
 * <p>Belongs to the loop's thread.
 */
final class WakeAll {
    /** In one turn: about a millisecond's worth. */
    private static final int PART = 1024;

    private final Loop loop;
    private final Connection connection;
    private final StateFile state;
    private long next;

    private WakeAll(Loop loop, Connection connection, StateFile state, long highest) {
        this.loop = loop;
        this.connection = connection;
        this.state = state;
        next = highest;
    }

    /** Begins, if it is noted that it is to be done. */
    static void startIfDue(Loop loop, Connection connection, StateFile state, long highest) {
        if (state.doubt().isWakingAll()) {
            loop.again(new WakeAll(loop, connection, state, highest)::turn);
        }
    }

    private void turn() {
        for (int left = PART; left > 0 && next > 0; left--) {
            connection.notifyPoll(next--);
        }
        if (next > 0) {
            loop.again(this::turn);
        } else {
            state.doubt().setWakingAll(false);
        }
    }
}
