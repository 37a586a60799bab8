// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/** Shows tests of another package whether the process's generator holds any secret. */
public final class ErasedProbe {
    private ErasedProbe() {}

    /** Draws, so that there is something to erase. */
    public static void draw() {
        byte[] out = new byte[16];
        // Where nothing tells of restores a draw needs a stripe too.
        SnapshotSafeRandom.instance().nextBytes(out);
    }

    /** Whether every stripe that exists is erased. */
    public static boolean isErased() {
        AtomicReferenceArray<@Nullable Stripe> stripes = Shared.GENERATOR.stripes();
        for (int i = 0; i < stripes.length(); i++) {
            Stripe stripe = stripes.get(i);
            if (stripe != null && !stripe.isErased()) {
                return false;
            }
        }
        return true;
    }
}
