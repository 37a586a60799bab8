// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent.program;

import java.security.SecureRandomSpi;

/** A generator of a library, as bad as can be: what it draws follows from its seed, which setSeed adds to. */
public final class Lcg extends SecureRandomSpi {
    private static final long serialVersionUID = 1;

    private long state;

    Lcg(long seed) {
        state = seed;
    }

    @Override
    protected synchronized void engineSetSeed(byte[] seed) {
        for (byte each : seed) {
            state = state * 31 + each;
        }
    }

    @Override
    protected synchronized void engineNextBytes(byte[] bytes) {
        for (int i = 0; i < bytes.length; i++) {
            state = state * 6364136223846793005L + 1442695040888963407L;
            bytes[i] = (byte) (state >>> 56);
        }
    }

    @Override
    protected byte[] engineGenerateSeed(int count) {
        byte[] seed = new byte[count];
        engineNextBytes(seed);
        return seed;
    }
}
