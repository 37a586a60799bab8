// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import java.util.concurrent.atomic.AtomicLong;

/** Generations that a test passes by hand, and that remember what each thread last saw. */
final class TestGenerations implements Generations {
    final AtomicLong current = new AtomicLong();
    volatile boolean guarded = true;
    volatile Unguarded unguarded = Unguarded.MIX;

    /** Whether every look shows another generation, as while the daemon is gone. */
    volatile boolean unknown;

    private final ThreadLocal<long[]> seen = ThreadLocal.withInitial(() -> new long[1]);

    @Override
    public long stamp() {
        long stamp = unknown ? current.incrementAndGet() : current.get();
        seen.get()[0] = stamp;
        return stamp;
    }

    @Override
    public boolean isGuarded() {
        return guarded;
    }

    @Override
    public Unguarded unguarded() {
        return unguarded;
    }

    /** What the calling thread's last probe found. */
    long lastSeenHere() {
        return seen.get()[0];
    }

    /** A restore from a snapshot. */
    void bump() {
        current.incrementAndGet();
    }
}
