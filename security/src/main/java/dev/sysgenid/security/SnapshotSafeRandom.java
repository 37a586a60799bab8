// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import java.util.random.RandomGenerator;

/**
 * Random numbers that cannot repeat in a clone, for code that takes a {@link RandomGenerator}: numbers, ranges, doubles,
 * streams. As unpredictable as a {@link java.security.SecureRandom}, without its locks and without a provider installed.
 *
 * <p><b>Threads:</b> any number; there is one instance.
 */
public final class SnapshotSafeRandom implements RandomGenerator {
    private static final SnapshotSafeRandom INSTANCE = new SnapshotSafeRandom();

    private SnapshotSafeRandom() {}

    /** {@return the one instance} */
    public static SnapshotSafeRandom instance() {
        return INSTANCE;
    }

    /**
     * 64 random bits.
     *
     * @throws java.security.ProviderException when a seed is due and the kernel cannot be asked for it
     */
    @Override
    public long nextLong() {
        return Shared.GENERATOR.nextLong();
    }

    /**
     * Fills {@code bytes} with random bytes.
     *
     * @throws java.security.ProviderException when a seed is due and the kernel cannot be asked for it
     */
    @Override
    public void nextBytes(byte[] bytes) {
        Shared.GENERATOR.nextBytes(bytes);
    }

    /**
     * Overwrites every state and every buffered byte of this process's generator, here and behind the provider, and closes
     * its descriptor: to be called before a checkpoint is taken, whose image then holds none of them. The next draw starts
     * from new kernel bytes. Where {@code org.crac} is on the class path this is done by itself.
     *
     * <p>Draws by other threads go on meanwhile and afterwards. Arrays that the JDK's cipher has let go of are not
     * reached; a garbage collection disposes of them.
     */
    public void erase() {
        Shared.GENERATOR.erase();
    }
}
