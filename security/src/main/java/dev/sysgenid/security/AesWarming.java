// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import java.lang.System.Logger.Level;
import java.security.GeneralSecurityException;
import java.security.ProviderException;
import org.jspecify.annotations.Nullable;

/**
 * The thread that makes the first cipher of the process, and what came of it.
 *
 * <table>
 * <caption>States</caption>
 * <tr><th>state</th><th>event</th><th>next</th></tr>
 * <tr><td>WARMING</td><td>a cipher has worked</td><td>READY</td></tr>
 * <tr><td>WARMING, READY</td><td>the JDK has no such cipher, or it fails</td><td>ABSENT: ChaCha20 stays</td></tr>
 * </table>
 */
final class AesWarming implements Runnable {
    private enum State {
        WARMING,
        READY,
        ABSENT
    }

    /** Enough for the keystream to be on its way through the compilers. */
    private static final int WARM_UP_ROUNDS = 2_000;

    private volatile State state = State.WARMING;

    void start() {
        Thread thread = new Thread(null, this, "sysgenid-aes", 0, false);
        thread.setDaemon(true);
        thread.setContextClassLoader(null);
        thread.start();
    }

    /** A new generator; null while there is none, or for ever. */
    @Nullable
    Drbg result() {
        if (state == State.READY) {
            try {
                return new CtrDrbg();
            } catch (GeneralSecurityException | ProviderException e) {
                absent(e);
            }
        }
        return null;
    }

    /** Makes the first cipher and lets it work. */
    @Override
    public void run() {
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
