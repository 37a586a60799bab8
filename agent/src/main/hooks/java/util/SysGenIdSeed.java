// SPDX-License-Identifier: Apache-2.0
package java.util;

import java.util.concurrent.atomic.AtomicLong;

/**
 * The seed of a {@link Random} that seeded itself: it is changed at its first use after each change of the generation. A
 * Random that the program gave a seed has a plain AtomicLong, and goes on as it would have.
 */
final class SysGenIdSeed extends AtomicLong {
    private static final long serialVersionUID = 1;

    private static final long MASK = (1L << 48) - 1;

    /** Another one at each change; 0 until the first. */
    static volatile long salt;

    /** 0 until its first use after a change: the seed may have been drawn just before that, whenever this was made. */
    private transient volatile long seen;

    /** The program has given it a seed meanwhile. */
    private transient volatile boolean fixed;

    SysGenIdSeed(long seed) {
        super(seed);
    }

    /** Called before each use. Returns true when the seed was changed: then nothing kept beside it is valid. */
    static boolean renew(AtomicLong seed) {
        return seed instanceof SysGenIdSeed && ((SysGenIdSeed) seed).renew();
    }

    /** The program gives it a seed. */
    static void fix(AtomicLong seed) {
        if (seed instanceof SysGenIdSeed) {
            ((SysGenIdSeed) seed).fixed = true;
        }
    }

    private boolean renew() {
        return seen != salt && !fixed && change();
    }

    private synchronized boolean change() {
        long now = salt;
        if (seen == now) {
            return false;
        }
        long before;
        do {
            before = get();
        } while (!compareAndSet(before, (before ^ now) & MASK));
        seen = now;
        return true;
    }
}
