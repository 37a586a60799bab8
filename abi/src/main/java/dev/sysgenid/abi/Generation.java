// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.abi;

/**
 * A system generation: an unsigned 32-bit counter that changes whenever the system was restored from a snapshot.
 *
 * <p>It is carried in an {@code int}. Compare generations with {@code ==} and {@code !=} only: the counter wraps, and
 * clones of one snapshot count alike.
 */
public final class Generation {
    /** The generation of a domain in which no bump has happened yet. */
    public static final int INITIAL = 0;

    /** The number of bytes of a generation on the device: it is read and written whole, in host byte order. */
    public static final int BYTES = 4;

    private Generation() {}

    /**
     * The generation after a bump: one more than {@code current}, or {@code minimum} if that is more. The counter wraps
     * from 2<sup>32</sup>-1 to 1: 0 is reserved for "no bump yet". The result always differs from {@code current}.
     *
     * @param current the generation before the bump, unsigned
     * @param minimum the least generation that the caller accepts, unsigned; 0 for no wish
     * @return the new generation, unsigned
     */
    public static int next(int current, int minimum) {
        int successor = current == -1 ? 1 : current + 1;
        int next = Integer.compareUnsigned(minimum, successor) > 0 ? minimum : successor;
        return next == current ? successor : next;
    }

    /**
     * The wide generation after a bump: the least number above {@code current} whose lower half is {@code next}. So wide
     * generations only grow, and 2<sup>32</sup> wraps of the narrow one would have to come before this one wraps.
     *
     * @param current the wide generation before the bump, unsigned; its lower half is the generation before the bump
     * @param next the generation after the bump
     * @return the wide generation after it, unsigned
     */
    public static long widen(long current, int next) {
        long sameUpperHalf = (current & 0xffff_ffff_0000_0000L) | Integer.toUnsignedLong(next);
        return Long.compareUnsigned(sameUpperHalf, current) > 0 ? sameUpperHalf : sameUpperHalf + (1L << 32);
    }

    /**
     * The wide generation after a number of bumps with no wish: {@link #next} and {@link #widen} that many times.
     *
     * @param current the wide generation before them, unsigned
     * @param bumps how many; not negative
     * @return the wide generation after them, unsigned
     */
    public static long advance(long current, long bumps) {
        if (bumps == 0) {
            return current;
        }
        // Narrow generations run through 1 to 2^32-1 again and again; 0 stands before the first of them.
        long from = (current & 0xffff_ffffL) - 1;
        long to = from + bumps;
        long wraps = to / 0xffff_ffffL;
        return (((current >>> 32) + wraps) << 32) | (to % 0xffff_ffffL + 1);
    }

    /**
     * The generation in decimal, as people and shell scripts read it.
     *
     * @param generation unsigned
     * @return digits
     */
    public static String toString(int generation) {
        return Integer.toUnsignedString(generation);
    }
}
