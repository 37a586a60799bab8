// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import java.util.Arrays;

/** Shows tests of another package whether the process's generator holds any secret. */
public final class ErasedProbe {
    private ErasedProbe() {}

    /** Draws, so that there is something to erase. */
    public static void draw() {
        byte[] out = new byte[16];
        // Where nothing tells of restores a draw needs a stripe too.
        SnapshotSafeRandom.instance().nextBytes(out);
    }

    /** Whether every stripe is erased. */
    public static boolean isErased() {
        return Arrays.stream(Shared.GENERATOR.stripes()).allMatch(Stripe::isErased);
    }
}
