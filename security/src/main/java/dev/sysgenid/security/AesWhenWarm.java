// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import java.lang.System.Logger.Level;
import java.security.GeneralSecurityException;
import java.security.ProviderException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * ChaCha20 first, AES as soon as it is ready. The first cipher of a JVM takes tens of milliseconds of class loading, so a
 * thread of our own makes it, started when a stripe turns out to be much used; no draw waits for it. A JVM that draws
 * little never loads it.
 *
 * <table>
 * <caption>States</caption>
 * <tr><th>state</th><th>event</th><th>next</th></tr>
 * <tr><td>COLD</td><td>a much used stripe asks</td><td>WARMING, the thread starts</td></tr>
 * <tr><td>WARMING</td><td>a cipher has worked</td><td>READY</td></tr>
 * <tr><td>WARMING, READY</td><td>the JDK has no such cipher, or it fails</td><td>ABSENT: ChaCha20 stays</td></tr>
 * </table>
 */
final class AesWhenWarm implements Drbgs {
    private enum State {
        COLD,
        WARMING,
        READY,
        ABSENT
    }

    /** Enough for the keystream to be on its way through the compilers. */
    private static final int WARM_UP_ROUNDS = 2_000;

    private final AtomicBoolean started = new AtomicBoolean();
    private volatile State state = State.COLD;

    @Override
    public Drbg first() {
        return new ChaChaDrbg();
    }

    @Override
    public @Nullable Drbg better(Drbg current) {
        if (!(current instanceof ChaChaDrbg)) {
            return null;
        }
        switch (state) {
            case READY -> {
                try {
                    return new CtrDrbg();
                } catch (GeneralSecurityException | ProviderException e) {
                    absent(e);
                }
            }
            case COLD -> {
                if (started.compareAndSet(false, true)) {
                    state = State.WARMING;
                    startWarming();
                }
            }
            case WARMING, ABSENT -> {}
        }
        return null;
    }

    private void startWarming() {
        Thread thread = new Thread(null, this::warm, "sysgenid-aes", 0, false);
        thread.setDaemon(true);
        thread.setContextClassLoader(null);
        thread.start();
    }

    /** Makes the first cipher and lets it work. */
    void warm() {
        try {
            Drbg drbg = new CtrDrbg();
            byte[] out = new byte[512];
            for (int i = 0; i < WARM_UP_ROUNDS; i++) {
                drbg.generate(out, 0, out.length);
            }
            state = State.READY;
        } catch (GeneralSecurityException | ProviderException e) {
            absent(e);
        }
    }

    private void absent(Exception e) {
        if (state != State.ABSENT) {
            state = State.ABSENT;
            System.getLogger("dev.sysgenid.security")
                    .log(Level.INFO, "no AES/CTR/NoPadding in this JDK; random bytes stay with ChaCha20", e);
        }
    }
}
