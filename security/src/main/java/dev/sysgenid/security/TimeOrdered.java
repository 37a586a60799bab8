// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/**
 * UUIDs of version 7 (RFC 9562), each greater than the one before it.
 *
 * <p>The first 64 bits that are free are a sequence: 48 bits of milliseconds and a counter of 16 bits (the RFC's rand_a and
 * the first 4 bits of rand_b) that begins at 0 in each millisecond. When it runs over, or the clock goes back, the
 * sequence runs ahead of the clock rather than stand still. The other 58 bits are random, and are drawn <em>after</em> the
 * place in the sequence: two clones may take the same place, but they cannot take the same random bits to it.
 *
 * <p><b>Threads:</b> any number.
 */
final class TimeOrdered {
    private static final int COUNTER_BITS = 16;
    private static final int COUNTER_LOW_BITS = 4;
    private static final int RANDOM_BITS = 58;

    private final Generator generator;
    private final LongSupplier milliseconds;
    private final AtomicLong last = new AtomicLong();

    /** A sequence of its own, over a clock that gives Unix time in milliseconds. */
    TimeOrdered(Generator generator, LongSupplier milliseconds) {
        this.generator = generator;
        this.milliseconds = milliseconds;
    }

    UUID next() {
        long place = place();
        long random = generator.nextLong() & ((1L << RANDOM_BITS) - 1);
        long high = (place & (-1L << COUNTER_BITS)) | 0x7000L | ((place >>> COUNTER_LOW_BITS) & 0xFFFL);
        long low = 0x8000_0000_0000_0000L | ((place & ((1L << COUNTER_LOW_BITS) - 1)) << RANDOM_BITS) | random;
        return new UUID(high, low);
    }

    private long place() {
        long now = milliseconds.getAsLong() << COUNTER_BITS;
        while (true) {
            long before = last.get();
            long place = Math.max(now, before + 1);
            if (last.compareAndSet(before, place)) {
                return place;
            }
        }
    }
}
