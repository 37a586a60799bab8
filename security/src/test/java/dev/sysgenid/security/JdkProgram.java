// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.Provider;
import java.security.Security;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.concurrent.CompletableFuture;
import javax.crypto.Cipher;
import javax.crypto.KeyGenerator;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/** What {@link ProviderTest} starts in fresh JVMs: uses what the other providers of the JDK are there for. */
final class JdkProgram {
    static final String PASSWORD = "password";

    private JdkProgram() {}

    /** The argument is a key store with a key of "localhost". Prints a line for each thing that works. */
    public static void main(String[] arguments) throws Exception {
        System.out.println("providers "
                + Arrays.stream(Security.getProviders()).map(Provider::getName).toList());
        byte[] message = "abc".getBytes(StandardCharsets.US_ASCII);
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(message);
        System.out.println("SHA-256 " + HexFormat.of().formatHex(digest, 0, 4));
        sign("RSA", "SHA256withRSA", message);
        sign("EC", "SHA256withECDSA", message);
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(Cipher.ENCRYPT_MODE, KeyGenerator.getInstance("AES").generateKey());
        System.out.println("AES " + cipher.doFinal(message).length);
        System.out.println("TLS " + handshake(Path.of(arguments[0])));
    }

    private static void sign(String key, String algorithm, byte[] message) throws Exception {
        KeyPair pair = KeyPairGenerator.getInstance(key).generateKeyPair();
        Signature signature = Signature.getInstance(algorithm);
        signature.initSign(pair.getPrivate());
        signature.update(message);
        byte[] signed = signature.sign();
        signature.initVerify(KeyFactory.getInstance(key)
                .generatePublic(new X509EncodedKeySpec(pair.getPublic().getEncoded())));
        signature.update(message);
        System.out.println(algorithm + " " + signature.verify(signed));
    }

    /** Both ends of a connection, and a byte over it; the version that they agreed on. */
    private static String handshake(Path keys) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (var in = Files.newInputStream(keys)) {
            store.load(in, PASSWORD.toCharArray());
        }
        KeyManagerFactory mine = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        mine.init(store, PASSWORD.toCharArray());
        TrustManagerFactory trusted = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trusted.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(mine.getKeyManagers(), trusted.getTrustManagers(), null);
        InetAddress here = InetAddress.getLoopbackAddress();
        try (SSLServerSocket listening =
                        (SSLServerSocket) context.getServerSocketFactory().createServerSocket(0, 1, here);
                SSLSocket client =
                        (SSLSocket) context.getSocketFactory().createSocket(here, listening.getLocalPort())) {
            CompletableFuture<Void> served = CompletableFuture.runAsync(() -> {
                try (var server = listening.accept()) {
                    server.getOutputStream().write(42);
                } catch (java.io.IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            });
            int received = client.getInputStream().read();
            served.get();
            return client.getSession().getProtocol() + " " + received;
        }
    }
}
