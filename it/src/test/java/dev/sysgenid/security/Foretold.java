// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * What a clone would draw: a copy of every stripe's state, and what each would hand out next if nothing seeded it. To be
 * taken while nobody draws.
 */
final class Foretold {
    private final List<byte[]> futures = new ArrayList<>();

    /** All eight bytes that follow each other anywhere in the futures, as numbers: a hash table, 0 where nothing is. */
    private final long[] windows;

    /**
     * Copies the states of a generator.
     *
     * @param length of each future in bytes, with what is in the buffer already
     */
    Foretold(Generator generator, int length) {
        for (Stripe stripe : generator.stripes()) {
            if (stripe.isSeeded()) {
                futures.add(stripe.foretell(length));
            }
        }
        windows = new long[Integer.highestOneBit(length * futures.size()) << 2];
        for (byte[] future : futures) {
            ByteBuffer bytes = ByteBuffer.wrap(future).order(ByteOrder.nativeOrder());
            for (int i = 0; i + Long.BYTES <= future.length; i++) {
                long window = bytes.getLong(i);
                windows[place(window)] = window;
            }
        }
    }

    /** Where it is in the table, or the empty place where it would be. */
    private int place(long window) {
        int mask = windows.length - 1;
        int at = (int) (window >>> 32) & mask; // random enough as it is
        while (windows[at] != 0 && windows[at] != window) {
            at = (at + 1) & mask;
        }
        return at;
    }

    int stripes() {
        return futures.size();
    }

    /** Whether any eight bytes of a draw, or all of it if it has fixed bits, are among them. */
    boolean tells(Drawn drawn) {
        if (drawn.isWhole()) {
            ByteBuffer bytes = ByteBuffer.wrap(drawn.bytes()).order(ByteOrder.nativeOrder());
            for (int i = 0; i + Long.BYTES <= drawn.bytes().length; i += Long.BYTES) {
                if (windows[place(bytes.getLong(i))] != 0) {
                    return true;
                }
            }
            return false;
        }
        for (byte[] future : futures) {
            for (int i = 0; i + drawn.bytes().length <= future.length; i++) {
                if (drawn.standsIn(future, i)) {
                    return true;
                }
            }
        }
        return false;
    }
}
