// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import org.jspecify.annotations.Nullable;

/**
 * ChaCha20 first, AES as soon as it is ready. The first cipher of a JVM takes tens of milliseconds of class loading, so a
 * thread of our own makes it, started when a stripe turns out to be much used; no draw waits for it. A JVM that draws
 * little never loads it, nor {@link AesWarming}.
 */
final class AesWhenWarm implements Drbgs {
    /** Null: no stripe has asked yet. */
    private volatile @Nullable AesWarming warming;

    @Override
    public Drbg first() {
        return new ChaChaDrbg();
    }

    @Override
    public @Nullable Drbg better(Drbg current) {
        return current instanceof ChaChaDrbg ? warming().result() : null;
    }

    /** Prepares AES in the calling thread. For tests. */
    void warm() {
        AesWarming done = new AesWarming();
        done.run();
        warming = done;
    }

    private AesWarming warming() {
        AesWarming present = warming;
        return present != null ? present : begin();
    }

    private synchronized AesWarming begin() {
        AesWarming present = warming;
        if (present == null) {
            present = new AesWarming();
            present.start();
            warming = present;
        }
        return present;
    }
}
