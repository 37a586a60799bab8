// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import java.security.DrbgParameters;
import java.security.SecureRandomParameters;
import java.security.SecureRandomSpi;
import org.jspecify.annotations.Nullable;

/**
 * What stands behind each {@link java.security.SecureRandom} of this provider. It has no state: all of them draw from the
 * one generator of the process, which {@code setSeed} adds to and cannot replace. Its constructor does nothing, because it
 * runs while the JDK is still looking for its providers.
 */
final class Spi extends SecureRandomSpi {
    private static final long serialVersionUID = 1;

    private static final int STRENGTH = 256;

    @Override
    protected void engineNextBytes(byte[] bytes) {
        Shared.GENERATOR.nextBytes(bytes);
    }

    /**
     * As {@code nextBytes}; with prediction resistance the bytes depend on kernel bytes read in this call. Additional
     * input is mixed into the state.
     */
    @Override
    protected void engineNextBytes(byte[] bytes, SecureRandomParameters parameters) {
        if (!(parameters instanceof DrbgParameters.NextBytes wish)) {
            throw new IllegalArgumentException("not DrbgParameters.NextBytes: " + parameters);
        }
        if (wish.getStrength() > STRENGTH) {
            throw new IllegalArgumentException("strength " + wish.getStrength() + " is more than " + STRENGTH);
        }
        mix(wish.getAdditionalInput());
        if (wish.getPredictionResistance()) {
            Shared.GENERATOR.nextFreshBytes(bytes);
        } else {
            Shared.GENERATOR.nextBytes(bytes);
        }
    }

    @Override
    protected void engineSetSeed(byte[] seed) {
        mix(seed);
    }

    @Override
    protected byte[] engineGenerateSeed(int count) {
        return Shared.GENERATOR.generateSeed(count);
    }

    @Override
    protected void engineReseed(@Nullable SecureRandomParameters parameters) {
        if (parameters != null && !(parameters instanceof DrbgParameters.Reseed)) {
            throw new IllegalArgumentException("not DrbgParameters.Reseed: " + parameters);
        }
        Shared.GENERATOR.reseed();
        if (parameters instanceof DrbgParameters.Reseed wish) {
            mix(wish.getAdditionalInput());
        }
    }

    @Override
    protected SecureRandomParameters engineGetParameters() {
        return DrbgParameters.instantiation(STRENGTH, DrbgParameters.Capability.PR_AND_RESEED, null);
    }

    private static void mix(byte @Nullable [] bytes) {
        if (bytes != null && bytes.length > 0) {
            Shared.GENERATOR.mix(bytes);
        }
    }

    @Override
    public String toString() {
        return SysGenIdProvider.NAME;
    }

    /** Whether an instance can be had that does what {@code parameters} ask for. */
    static boolean supports(@Nullable Object parameters) {
        return parameters == null
                || (parameters instanceof DrbgParameters.Instantiation wish && wish.getStrength() <= STRENGTH);
    }
}
