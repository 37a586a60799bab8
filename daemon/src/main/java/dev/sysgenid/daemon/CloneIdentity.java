// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.linux.Random;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Draws clone identities from the kernel, which is asked each time: nothing is drawn ahead, for a clone would have it too. */
final class CloneIdentity {
    private final MemorySegment drawn = Arena.ofAuto().allocate(dev.sysgenid.abi.Page.CLONE_IDENTITY_SIZE, Long.BYTES);

    /** Draws another one. Blocks, early in a boot, until the kernel's generator is ready. */
    void draw() {
        long result;
        do {
            result = Random.getrandom(drawn, drawn.byteSize(), 0);
        } while (result == -dev.sysgenid.linux.Errno.EINTR);
        if (result != drawn.byteSize()) {
            throw new IllegalStateException("getrandom: " + result);
        }
    }

    long head() {
        return drawn.get(ValueLayout.JAVA_LONG, 0);
    }

    long tail() {
        return drawn.get(ValueLayout.JAVA_LONG, Long.BYTES);
    }
}
