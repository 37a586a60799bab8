// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

/**
 * What a generator must know of system generations: whether one has passed, and whether it would ever be told.
 *
 * <p>Implementations are called by many threads at once, twice in every draw, and must not draw random bytes.
 */
interface Generations {
    /**
     * The current generation, as a number that means nothing but "the same" or "another": compare with {@code ==} and
     * {@code !=}. Each call may return another value when the generation is not known, which makes every draw start from
     * new kernel bytes.
     */
    long stamp();

    /** Whether a restore from a snapshot would change {@link #stamp}; false when nothing here would tell. */
    boolean isGuarded();

    /** What to do where {@link #isGuarded} says false. Asked only then. */
    default Unguarded unguarded() {
        return Unguarded.MIX;
    }
}
