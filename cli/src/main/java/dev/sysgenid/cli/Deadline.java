// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import java.time.Duration;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** The end of a time that was given, or no end. */
final class Deadline {
    private static final long NANOS_PER_MILLI = 1_000_000;

    private final LongSupplier nanoTime;
    private final long start;

    /** How long, in nanoseconds; negative for no end. */
    private final long length;

    private Deadline(LongSupplier nanoTime, long length) {
        this.nanoTime = nanoTime;
        this.start = nanoTime.getAsLong();
        this.length = length;
    }

    /**
     * The time begins now.
     *
     * @param time how long; null for ever. A time that is longer than 292 years has no end either.
     * @param nanoTime a clock as {@link System#nanoTime}
     */
    static Deadline in(@Nullable Duration time, LongSupplier nanoTime) {
        if (time == null || time.toMillis() > Long.MAX_VALUE / NANOS_PER_MILLI) {
            return new Deadline(nanoTime, -1);
        }
        return new Deadline(nanoTime, time.toMillis() * NANOS_PER_MILLI);
    }

    /** Whether it never comes. */
    boolean isNever() {
        return length < 0;
    }

    /** The time that is left, in milliseconds, rounded up; 0 when it is over. Not to be asked of one that never comes. */
    long millisLeft() {
        if (isNever()) {
            throw new IllegalStateException("no end");
        }
        long left = length - (nanoTime.getAsLong() - start);
        return left <= 0 ? 0 : (left + NANOS_PER_MILLI - 1) / NANOS_PER_MILLI;
    }
}
