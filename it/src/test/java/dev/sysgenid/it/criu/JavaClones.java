// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.criu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.it.Child;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;

/** The program {@code src/test/clones/Clones.java}, compiled for Java 17 once a build, as a command for a JDK. */
final class JavaClones {
    /** What repeats in clones whatever the JVM's options are. */
    static final Set<String> ALWAYS_REPEATED = Set.of(
            "Random",
            "SplittableRandom",
            "SplittableRandom, made after the restore",
            "L64X128MixRandom",
            "ThreadLocalRandom",
            "Math.random",
            "Collections.shuffle",
            "session token",
            "DRBG");

    private static final Path SOURCE = Path.of("src/test/clones/Clones.java").toAbsolutePath();
    private static final Path OUTPUT = Path.of("target/clones").toAbsolutePath();
    private static final Path JAVA_25 = Path.of(System.getProperty("java.home"));

    private static boolean compiled;

    private JavaClones() {}

    /** The command, with {@code DIRECTORY} where the directory goes; skips the test, aloud, where there is no such JDK. */
    static List<String> command(String version, String how) {
        compile();
        List<String> command = new ArrayList<>(List.of(
                java(version),
                "-XX:+UseSerialGC",
                "-Xmx64m",
                // With it the JDK's SecureRandom repeats too. By itself it mixes in the time, and repeats where the
                // clones' clocks stand at the same instant.
                "-Djava.security.egd=file:/dev/./urandom"));
        if (version.equals("25")) {
            command.add("--enable-native-access=ALL-UNNAMED");
        }
        command.addAll(List.of("--class-path", OUTPUT + ":" + library(), "Clones", "DIRECTORY", how));
        return command;
    }

    private static String java(String version) {
        if (version.equals("25")) {
            return JAVA_25.resolve("bin/java").toString();
        }
        @Nullable String home = System.getenv("SYSGENID_JDK17");
        Assumptions.assumeTrue(
                home != null, "SKIPPED: no JDK 17 found (SYSGENID_JDK17 is not set; ./mvnw looks for one)");
        return home + "/bin/java";
    }

    private static synchronized void compile() {
        if (!compiled) {
            Child.Ended javac = Child.run(List.of(
                    JAVA_25.resolve("bin/javac").toString(),
                    "--release",
                    "17",
                    "-proc:none",
                    "-d",
                    OUTPUT.toString(),
                    "-cp",
                    library(),
                    SOURCE.toString()));
            assertThat(javac.status()).as(javac.output()).isZero();
            compiled = Files.exists(OUTPUT);
        }
    }

    private static String library() {
        String classPath = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        String found = Arrays.stream(classPath.split(":"))
                .filter(path -> path.matches(".*/sysgenid-(abi|client|security)-[^/]*\\.jar"))
                .collect(Collectors.joining(":"));
        assertThat(found.split(":")).as("jars in %s", classPath).hasSize(3);
        return found;
    }
}
