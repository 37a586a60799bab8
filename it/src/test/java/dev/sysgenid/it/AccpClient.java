// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import com.amazon.corretto.crypto.provider.AmazonCorrettoCryptoProvider;
import java.security.SecureRandom;

/** Draws random bytes from Amazon Corretto Crypto Provider, unmodified; a program of its own. See {@link DrawingClient}. */
final class AccpClient {
    private AccpClient() {}

    /** Runs until standard input ends. */
    public static void main(String[] arguments) throws Exception {
        AmazonCorrettoCryptoProvider provider = AmazonCorrettoCryptoProvider.INSTANCE;
        provider.assertHealthy();
        SecureRandom random = SecureRandom.getInstance("DEFAULT", provider);
        DrawingClient.run(() -> random.nextBytes(new byte[32]));
    }
}
