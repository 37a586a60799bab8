// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import org.jspecify.annotations.Nullable;

/** Which generator a stripe works with. Safe for many threads. */
interface Drbgs {
    /** A generator that is there at once; its state is public until its first {@link Drbg#reseed}. */
    Drbg first();

    /**
     * Called by a stripe that is much used, from time to time: a better generator, not seeded, that shall take the place of
     * {@code current}; null when that is good enough or nothing better is ready. Must return quickly: what takes long is
     * done elsewhere, until a later call finds it done.
     */
    @Nullable
    Drbg better(Drbg current);
}
