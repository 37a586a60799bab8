// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import java.util.UUID;

/**
 * UUIDs that cannot repeat in a clone of this system.
 *
 * <p><b>Threads:</b> any number.
 */
public final class Uuids {
    private Uuids() {}

    /** Set up by the first UUID of version 7: who draws bytes does not wait for it. */
    private static final class Sequence {
        static final TimeOrdered TIME_ORDERED = new TimeOrdered(Shared.GENERATOR, System::currentTimeMillis);
    }

    /**
     * A random UUID (version 4 of RFC 9562, 122 random bits): what {@link UUID#randomUUID} gives, except to clones.
     *
     * @return a new one
     * @throws java.security.ProviderException when a seed is due and the kernel cannot be asked for it
     */
    public static UUID v4() {
        return Shared.GENERATOR.nextUuid();
    }

    /**
     * A UUID that begins with the time (version 7 of RFC 9562): each is greater than all that this process got from here
     * before, by {@link UUID#compareTo} and in text. 58 bits are random. The time is Unix time in milliseconds; it runs
     * ahead of the clock when the clock is set back, and while more than 65,536 are drawn in each millisecond.
     *
     * @return a new one
     * @throws java.security.ProviderException when a seed is due and the kernel cannot be asked for it
     */
    public static UUID v7() {
        return Sequence.TIME_ORDERED.next();
    }
}
