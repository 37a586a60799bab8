// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.it.Child;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** One of the applications of the modules below {@code apps}: how it is started, and where it answers. */
public enum WebApp {
    TOMCAT_10,
    TOMCAT_11,
    SPRING_BOOT_3,
    SPRING_BOOT_4;

    private static final String PASSWORD = "password";
    private static final String ALIAS = "app";

    /** The file that it makes in its directory when it is ready. */
    public static final String READY = "ready";

    /**
     * The command that starts it.
     *
     * @param jvmOptions what stands between java and the application
     * @param keyStore its certificate, of {@link #makeKeyStore}
     * @param directory where it tells its ports
     */
    public List<String> command(int version, List<String> jvmOptions, Path keyStore, String directory) {
        Path jar = Path.of("../apps", name().toLowerCase(Locale.ROOT).replace('_', '-'), "target/app.jar")
                .toAbsolutePath()
                .normalize();
        List<String> command = new ArrayList<>();
        command.add(AgentJar.java(version));
        command.addAll(jvmOptions);
        command.addAll(List.of("-jar", jar.toString(), keyStore.toString(), directory));
        return command;
    }

    /** Makes a key and a certificate that it signs itself, as an operator would. */
    public static Path makeKeyStore(Path directory) {
        Path keyStore = directory.resolve("keystore");
        Path keytool = Path.of(System.getProperty("java.home"), "bin/keytool");
        Child.Ended made = Child.run(List.of(
                keytool.toString(),
                "-genkeypair",
                "-alias",
                ALIAS,
                "-keyalg",
                "EC",
                "-groupname",
                "secp256r1",
                "-dname",
                "CN=localhost",
                "-ext",
                "SAN=dns:localhost",
                "-storetype",
                "PKCS12",
                "-keystore",
                keyStore.toString(),
                "-storepass",
                PASSWORD));
        assertThat(made.status()).as(made.output()).isZero();
        return keyStore;
    }

    /** What a client needs that trusts this certificate and no other. */
    public static SSLContext trusting(Path keyStore) {
        try (InputStream in = Files.newInputStream(keyStore)) {
            KeyStore keys = KeyStore.getInstance("PKCS12");
            keys.load(in, PASSWORD.toCharArray());
            KeyStore trusted = KeyStore.getInstance("PKCS12");
            trusted.load(null, null);
            trusted.setCertificateEntry(ALIAS, keys.getCertificate(ALIAS));
            TrustManagerFactory managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            managers.init(trusted);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, managers.getTrustManagers(), null);
            return context;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Where an application answers. */
    public record Ports(int plain, int secure) {
        /** Out of the file that it made. */
        public static Ports read(Path ready) {
            try {
                String[] ports = Files.readString(ready).strip().split(" ", -1);
                return new Ports(Integer.parseInt(ports[0]), Integer.parseInt(ports[1]));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /** What is asked in the clear. */
        public URI http() {
            return URI.create("http://localhost:" + plain + "/draw");
        }

        /** The same over TLS. */
        public URI https() {
            return URI.create("https://localhost:" + secure + "/draw");
        }
    }

    /** Waits until it is ready. */
    public static Ports awaitReady(Child process, Path directory) {
        Path ready = directory.resolve(READY);
        long end = System.nanoTime() + Child.LIMIT.toNanos();
        while (!Files.exists(ready)) {
            if (!process.isAlive() || System.nanoTime() > end) {
                throw new AssertionError("the application does not come to be ready; it printed:\n" + process.output());
            }
            try {
                Thread.sleep(10);
            } catch (InterruptedException e) {
                throw new AssertionError("interrupted", e);
            }
        }
        return Ports.read(ready);
    }
}
