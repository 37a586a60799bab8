// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import java.nio.charset.StandardCharsets;
import software.amazon.awssdk.crt.CRT;
import software.amazon.awssdk.crt.auth.credentials.Credentials;
import software.amazon.awssdk.crt.cal.EccKeyPair;
import software.amazon.awssdk.crt.io.TlsContext;
import software.amazon.awssdk.crt.io.TlsContextOptions;

/**
 * Makes a TLS context with aws-crt, unmodified, and then ECDSA signatures, each of which needs a random number; a
 * program of its own. See {@link DrawingClient}.
 */
final class CrtClient {
    private CrtClient() {}

    /** Runs until standard input ends. */
    public static void main(String[] arguments) throws Exception {
        DrawingClient.mark("load");
        new CRT();
        DrawingClient.mark("context");
        try (TlsContextOptions options = TlsContextOptions.createDefaultClient();
                TlsContext _ = new TlsContext(options);
                EccKeyPair key = EccKeyPair.newDeriveFromCredentials(
                        new Credentials(bytes("an access key id"), bytes("a secret access key"), null),
                        EccKeyPair.AwsEccCurve.AWS_ECDSA_P256)) {
            DrawingClient.run(() -> key.signMessage(new byte[32]));
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
