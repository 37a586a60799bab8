// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sysgenid.SysGenId;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DrbgParameters;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.security.SecureRandomParameters;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The provider, installed in every way in JVMs of their own, of the version that runs this test. */
class ProviderTest {
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
                .contains("SHA1PRNG SUN SHA1PRNG true");
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
                .contains("new SysGenID SysGenID true", "installed 1 first SysGenID");
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

    /** The options that make a file the list of providers: the one that the documentation gives. */
    private List<String> configured() throws Exception {
        Path file = directory.resolve("sysgenid.security");
        List<String> lines = new ArrayList<>(List.of("security.provider.1=SysGenID"));
        int number = 2;
        for (var provider : java.security.Security.getProviders()) {
            lines.add("security.provider." + number++ + "=" + provider.getName());
        }
        Files.write(file, lines);
        return List.of("-Djava.security.properties=" + file);
    }

    private static List<String> run(List<String> options, String... arguments) throws Exception {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx64m"));
        command.addAll(options);
        boolean asModule = options.stream().anyMatch(option -> option.startsWith("--module-path"));
        if (asModule) {
            command.addAll(List.of("-m", "dev.sysgenid.security/" + RandomProgram.class.getName()));
        } else {
            String path = classes(SHIPPED) + File.pathSeparator + classes(List.of(RandomProgram.class));
            command.addAll(List.of("-cp", path, RandomProgram.class.getName()));
        }
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
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
