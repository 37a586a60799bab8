// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

/**
 * A deterministic generator with fast key erasure: after each call its state tells nothing of what it gave before.
 *
 * <p><b>Threads:</b> one at a time.
 */
interface Drbg {
    /** The bytes of a seed. */
    int SEED = 48;

    /** The most bytes of one {@link #generate}: SP 800-90A's limit of 2<sup>19</sup> bits. */
    int MAX_REQUEST = 65_536;

    /** Mixes {@link #SEED} bytes of {@code entropy} into the state; what was in it before stays in it. */
    void reseed(byte[] entropy);

    /** Writes {@code length} bytes, at most {@link #MAX_REQUEST}, and moves to a state from which they cannot be told. */
    void generate(byte[] out, int offset, int length);

    /** Overwrites the state; until the next {@link #reseed} what this gives is known to everyone. */
    void erase();

    /** Another generator in the same state, to show in tests what an old state would have given. */
    Drbg copy();
}
