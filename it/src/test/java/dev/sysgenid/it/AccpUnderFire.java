// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import com.amazon.corretto.crypto.provider.AmazonCorrettoCryptoProvider;
import java.security.SecureRandom;

/** Draws from Amazon Corretto Crypto Provider on eight threads, until it is killed; a program of its own. */
public final class AccpUnderFire {
    private static final int THREADS = 8;

    private AccpUnderFire() {}

    /** Prints "drawing", and does not end by itself. */
    public static void main(String[] arguments) throws Exception {
        AmazonCorrettoCryptoProvider provider = AmazonCorrettoCryptoProvider.INSTANCE;
        provider.assertHealthy();
        SecureRandom random = SecureRandom.getInstance("DEFAULT", provider);
        random.nextBytes(new byte[16]);
        System.out.println("drawing");
        for (int i = 0; i < THREADS; i++) {
            Thread.ofPlatform().start(() -> {
                while (true) {
                    random.nextBytes(new byte[336]);
                }
            });
        }
    }
}
