// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.criu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.it.Child;
import dev.sysgenid.it.ServedDevice;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;

/** Programs in Java that are cloned, compiled for Java 17 once a build, as commands for a JDK. */
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

    private static final List<String> SOURCES = List.of("src/test/clones/Clones.java");
    private static final Path OUTPUT = Path.of("target/clones").toAbsolutePath();
    private static final List<String> CRAC_SOURCES = List.of(
            "src/test/crac/Checkpointed.java",
            "src/test/crac/jdk/crac/CheckpointException.java",
            "src/test/crac/jdk/crac/Context.java",
            "src/test/crac/jdk/crac/Core.java",
            "src/test/crac/jdk/crac/Resource.java",
            "src/test/crac/jdk/crac/RestoreException.java");
    private static final Path CRAC_OUTPUT = Path.of("target/crac").toAbsolutePath();
    private static final Path JAVA_25 = Path.of(System.getProperty("java.home"));

    /** What has been compiled in this JVM. */
    private static final Set<Path> COMPILED = new HashSet<>();

    private JavaClones() {}

    /**
     * The command that runs {@code Clones}, with {@code DIRECTORY} where the directory goes; skips the test, aloud, where there is no
     * such JDK.
     */
    static List<String> command(String version, String how) {
        compile(OUTPUT, library(), SOURCES);
        List<String> command = new ArrayList<>(java(version));
        command.addAll(List.of("--class-path", OUTPUT + ":" + library(), "Clones", "DIRECTORY", how));
        return command;
    }

    /**
     * The same of {@code Checkpointed}, which runs on what stands in for a JDK with checkpoints.
     *
     * @param directory what the program is given as its directory
     * @param device its device, and what must be closed at the checkpoint; null for none
     */
    static List<String> checkpointed(String version, Path directory, @Nullable ServedDevice device) {
        String library = library() + ":" + jars("crac-[0-9.]*", 1);
        compile(CRAC_OUTPUT, library, CRAC_SOURCES);
        List<String> command = new ArrayList<>(java(version));
        command.add("-Dcrac.directory=" + directory);
        if (device != null) {
            command.add("-Dcrac.closed=" + device.mount());
            command.add("-Dsysgenid.path=" + device.device());
        }
        command.addAll(List.of("--class-path", CRAC_OUTPUT + ":" + library, "Checkpointed", directory.toString()));
        if (device != null) {
            command.add(device.device().toString());
        }
        return command;
    }

    private static List<String> java(String version) {
        List<String> command = new ArrayList<>(List.of(
                program(version),
                "-XX:+UseSerialGC",
                "-Xmx64m",
                // With it the JDK's SecureRandom repeats too. By itself it mixes in the time, and repeats where the
                // clones' clocks stand at the same instant.
                "-Djava.security.egd=file:/dev/./urandom"));
        if (version.equals("25")) {
            command.add("--enable-native-access=ALL-UNNAMED");
        }
        return command;
    }

    private static String program(String version) {
        if (version.equals("25")) {
            return JAVA_25.resolve("bin/java").toString();
        }
        @Nullable String home = System.getenv("SYSGENID_JDK17");
        Assumptions.assumeTrue(
                home != null, "SKIPPED: no JDK 17 found (SYSGENID_JDK17 is not set; ./mvnw looks for one)");
        return home + "/bin/java";
    }

    private static synchronized void compile(Path output, String library, List<String> sources) {
        if (!COMPILED.add(output)) {
            return;
        }
        List<String> command = new ArrayList<>(List.of(
                JAVA_25.resolve("bin/javac").toString(), "--release", "17", "-proc:none", "-Xlint:all,-options"));
        command.addAll(List.of("-Werror", "-d", output.toString(), "-cp", library));
        sources.forEach(source -> command.add(Path.of(source).toAbsolutePath().toString()));
        Child.Ended javac = Child.run(command);
        assertThat(javac.status()).as(javac.output()).isZero();
    }

    private static String library() {
        return jars("sysgenid-(abi|client|security)-[^/]*", 3);
    }

    private static String jars(String name, int count) {
        String classPath = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        List<String> found = Arrays.stream(classPath.split(":"))
                .filter(path -> path.matches(".*/" + name + "\\.jar"))
                .toList();
        assertThat(found).as("%s in %s", name, classPath).hasSize(count);
        return String.join(":", found);
    }
}
