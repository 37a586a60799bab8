// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sysgenid.SysGenId;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.InputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DrbgParameters;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.security.SecureRandomParameters;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarOutputStream;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The provider, installed in every way in JVMs of their own, of the version that runs this test. */
class ProviderTest {
    private static final String SHIPPED_FILE = "/META-INF/sysgenid.security";

    private static final String[] TAKEN_OVER = {
        "SysGenID SysGenID SysGenID true",
        "NativePRNG SysGenID NativePRNG true",
        "NativePRNGBlocking SysGenID NativePRNGBlocking true",
        "NativePRNGNonBlocking SysGenID NativePRNGNonBlocking true",
        "DRBG SysGenID DRBG true",
        "DRBG(256) SysGenID DRBG true",
        "strength 256",
        "seed 20",
        "seeded alike false",
        "uuids alike false"
    };

    /** One class of each module that an application has on its path. */
    private static final List<Class<?>> SHIPPED = List.of(SysGenIdProvider.class, SysGenId.class, abi());

    @TempDir
    Path directory;

    @Test
    void byOneLineOfCode() throws Exception {
        assertThat(run(List.of(), "install"))
                .contains(TAKEN_OVER)
                .contains("new SysGenID SysGenID true", "installed 1 first SysGenID")
                .contains("strong SysGenID SysGenID true", "SHA1PRNG SUN SHA1PRNG true");
    }

    @Test
    void twiceIsAsOnce() throws Exception {
        assertThat(run(List.of(), "install", "install", "insert", "install"))
                .contains(TAKEN_OVER)
                .contains("new SysGenID SysGenID true", "installed 1 first SysGenID");
        assertThat(run(configured(), "install", "insert"))
                .contains(TAKEN_OVER)
                .contains("new SysGenID SysGenID true", "installed 1 first SysGenID");
    }

    @Test
    void fromTheLastPlaceToTheFirst() throws Exception {
        assertThat(run(List.of(), "last", "install"))
                .contains(TAKEN_OVER)
                .contains("new SysGenID SysGenID true", "installed 1 first SysGenID");
    }

    @Test
    void byAFileNamedOnTheCommandLine() throws Exception {
        assertThat(run(configured()))
                .contains(TAKEN_OVER)
                .contains("new SysGenID SysGenID true", "installed 1 first SysGenID")
                .contains("strong SysGenID SysGenID true");
    }

    @Test
    void byTheFileInsideTheJar() throws Exception {
        Path jar = directory.resolve("security.jar");
        try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar));
                InputStream in = shippedFile().openStream()) {
            out.putNextEntry(new ZipEntry(SHIPPED_FILE.substring(1)));
            in.transferTo(out);
        }
        assertThat(run(List.of("-Djava.security.properties=jar:" + jar.toUri() + "!" + SHIPPED_FILE)))
                .contains(TAKEN_OVER)
                .contains("new SysGenID SysGenID true", "installed 1 first SysGenID");
    }

    /** Held on each version that the tests run on: a JDK with another list of providers fails this. */
    @Test
    void theFileKeepsWhatTheJdkHas() throws Exception {
        Path keys = keyStore();
        List<String> before = run(JdkProgram.class, List.of(), keys.toString());
        List<String> after = run(JdkProgram.class, configured(), keys.toString());
        assertThat(before)
                .contains("SHA-256 ba7816bf", "SHA256withRSA true", "SHA256withECDSA true", "AES 19", "TLS TLSv1.3 42");
        assertThat(after.get(0)).isEqualTo(before.get(0).replace("[", "[SysGenID, "));
        assertThat(after).containsAll(before.subList(1, before.size()));
    }

    private Path keyStore() throws Exception {
        Path keys = directory.resolve("keys.p12");
        Process keytool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-keyalg",
                        "EC",
                        "-alias",
                        "key",
                        "-dname",
                        "CN=localhost",
                        "-storetype",
                        "PKCS12",
                        "-storepass",
                        JdkProgram.PASSWORD,
                        "-keystore",
                        keys.toString())
                .redirectErrorStream(true)
                .start();
        String output = new String(keytool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(keytool.waitFor()).as(output).isZero();
        return keys;
    }

    @Test
    void asAModuleByTheSameFile() throws Exception {
        List<String> options = new ArrayList<>(configured());
        options.add("--module-path=" + classes(SHIPPED));
        options.add("--add-modules=dev.sysgenid.security");
        options.add("--patch-module=dev.sysgenid.security=" + classes(List.of(RandomProgram.class)));
        assertThat(run(options)).contains(TAKEN_OVER).contains("installed 1 first SysGenID");
    }

    @Test
    void takesOverSha1PrngOnlyWhenAsked() throws Exception {
        assertThat(run(List.of("-Dsysgenid.random.sha1prng=true"), "install"))
                .contains("SHA1PRNG SysGenID SHA1PRNG true");
    }

    @Test
    void worksWithEachChoiceForUnguardedMachines() throws Exception {
        for (String choice : List.of("mix", "strict", "trust")) {
            assertThat(run(List.of("-Dsysgenid.random.unguarded=" + choice), "install"))
                    .contains(TAKEN_OVER);
        }
    }

    @Test
    void instancesCanBeHadWithoutInstalling() {
        SecureRandom random = SysGenIdProvider.secureRandom();
        assertThat(random.getProvider().getName()).isEqualTo(SysGenIdProvider.NAME);
        assertThat(random.nextLong()).isNotEqualTo(random.nextLong());
        assertThat(new SysGenIdProvider().getServices())
                .extracting(service -> service.getAttribute("ThreadSafe"))
                .containsOnly("true");
    }

    @Test
    void refusesWhatItCannotKeep() {
        assertThatThrownBy(
                        () -> SecureRandom.getInstance("DRBG", new SecureRandomParameters() {}, new SysGenIdProvider()))
                .isInstanceOf(NoSuchAlgorithmException.class);
        SecureRandom random = SysGenIdProvider.secureRandom();
        assertThatThrownBy(() -> random.nextBytes(new byte[1], DrbgParameters.nextBytes(257, false, null)))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> random.nextBytes(new byte[1], DrbgParameters.reseed(false, null)))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> random.reseed(DrbgParameters.nextBytes(1, false, null)))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void canBeSerializedWithoutState() throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(SysGenIdProvider.secureRandom());
        }
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            SecureRandom random = (SecureRandom) in.readObject();
            assertThat(random.nextLong()).isNotEqualTo(random.nextLong());
        }
    }

    private static List<String> configured() {
        return List.of("-Djava.security.properties=" + shippedFile());
    }

    private static URL shippedFile() {
        return Objects.requireNonNull(SysGenIdProvider.class.getResource(SHIPPED_FILE));
    }

    private static List<String> run(List<String> options, String... arguments) throws Exception {
        return run(RandomProgram.class, options, arguments);
    }

    private static List<String> run(Class<?> program, List<String> options, String... arguments) throws Exception {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx64m"));
        command.addAll(options);
        boolean asModule = options.stream().anyMatch(option -> option.startsWith("--module-path"));
        if (asModule) {
            command.addAll(List.of("-m", "dev.sysgenid.security/" + program.getName()));
        } else {
            String path = classes(SHIPPED) + File.pathSeparator + classes(List.of(program));
            command.addAll(List.of("-cp", path, program.getName()));
        }
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(4, TimeUnit.MINUTES)).isTrue();
        assertThat(process.exitValue()).as(output).isZero();
        return output.lines().toList();
    }

    /** By name: this module does not read that one. */
    private static Class<?> abi() {
        try {
            return Class.forName("dev.sysgenid.abi.Generation");
        } catch (ClassNotFoundException e) {
            throw new AssertionError(e);
        }
    }

    /** Where these classes were loaded from, as a path. */
    private static String classes(List<Class<?>> of) throws Exception {
        List<String> places = new ArrayList<>();
        for (Class<?> each : of) {
            places.add(Path.of(each.getProtectionDomain()
                            .getCodeSource()
                            .getLocation()
                            .toURI())
                    .toString());
        }
        return String.join(File.pathSeparator, places);
    }
}
