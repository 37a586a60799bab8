// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import dev.sysgenid.security.SnapshotSafeRandom;

/** Where everything that is renewed gets its new value: random bytes that no clone has. */
public final class Fresh {
    private Fresh() {}

    /** 64 random bits, not 0. */
    public static long nonZeroLong() {
        long drawn;
        do {
            drawn = SnapshotSafeRandom.instance().nextLong();
        } while (drawn == 0);
        return drawn;
    }

    /** 32 random bits, not 0. */
    public static int nonZeroInt() {
        int drawn;
        do {
            drawn = (int) SnapshotSafeRandom.instance().nextLong();
        } while (drawn == 0);
        return drawn;
    }

    /** Bytes enough to seed any generator of the JDK. */
    public static byte[] seed() {
        byte[] seed = new byte[64];
        SnapshotSafeRandom.instance().nextBytes(seed);
        return seed;
    }
}
