// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.it.Child;
import dev.sysgenid.it.ServedDevice;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The Java runtime of the guests: Java 25 with the daemon and the client libraries linked in, made by {@code jlink} from
 * what the build made, with a cache for a fast start; and the Java programs that are cloned.
 */
final class GuestRuntime {
    /** Names of the caches, in the runtime's directory. */
    private static final String DAEMONS = "daemon.aot";

    private static final String CLIENTS = "clients.aot";

    private static final String JAR = "programs.jar";
    private static final String CLASS_PATH = "/programs/" + JAR;

    /** With the option the JDK's SecureRandom repeats too: by itself it mixes in the time. */
    private static final String URANDOM = "-Djava.security.egd=file:/dev/./urandom";

    /** The launcher's, as far as they matter here: emulated processors are slow, and one compiler is enough. */
    static final String OPTIONS =
            "-XX:+UseSerialGC -XX:-UsePerfData -Xmx64m -XX:TieredStopAtLevel=1 -Xlog:disable -Xlog:all=error:stderr";

    private static final String NATIVE = "--enable-native-access=dev.sysgenid.linux,dev.sysgenid";
    private static final Path JAVA_HOME = Path.of(System.getProperty("java.home"));
    private static final Path HOME = Path.of("target", "vm-runtime").toAbsolutePath();
    private static final Path RUNTIME = HOME.resolve("jre");
    private static final Path PROGRAMS = HOME.resolve("programs");
    private static final Path SOURCES = Path.of("src", "test", "clones").toAbsolutePath();

    private static final List<String> PROGRAM_SOURCES = List.of("Clones.java", "Draws.java");

    /** Written at the end: older than what it was made of, it is outdated. */
    private static final Path STAMP = HOME.resolve("stamp");

    private GuestRuntime() {}

    /** Where it is. */
    static synchronized Path directory() {
        if (isOutdated()) {
            long start = System.nanoTime();
            deleteTree(HOME);
            link();
            compile();
            train();
            write(STAMP);
            System.out.printf(
                    "runtime of the guests: linked and trained in %.1f s%n", (System.nanoTime() - start) / 1e9);
        }
        return RUNTIME;
    }

    private static boolean isOutdated() {
        if (!Files.exists(STAMP)) {
            return true;
        }
        return Stream.concat(
                        Arrays.stream(modulePath().split(":")).map(Path::of),
                        PROGRAM_SOURCES.stream().map(SOURCES::resolve))
                .anyMatch(file -> file.toFile().lastModified() > STAMP.toFile().lastModified());
    }

    private static void write(Path stamp) {
        try {
            Files.writeString(stamp, "");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The programs, in one archive. */
    static Path programs() {
        directory();
        return PROGRAMS.resolve(JAR);
    }

    /** The words that run {@code sysgenid} in a guest. */
    static String sysgenid(String arguments) {
        return "java " + OPTIONS + " -XX:AOTCache=/" + GuestImage.RUNTIME + "/" + DAEMONS + " " + NATIVE
                + " -m dev.sysgenid.cli/dev.sysgenid.cli.Main " + arguments;
    }

    /** The words that run a program of {@code src/test/clones} in a guest. */
    static String program(String arguments) {
        return "java " + OPTIONS + " -XX:AOTCache=/" + GuestImage.RUNTIME + "/" + CLIENTS + " " + URANDOM + " " + NATIVE
                + ",ALL-UNNAMED -cp " + CLASS_PATH + " " + arguments;
    }

    private static String modulePath() {
        String classPath = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        return Arrays.stream(classPath.split(":"))
                .filter(path -> path.matches(
                        ".*/(sysgenid-(abi|cli|client|core|daemon|fuse|linux|security)|picocli)-[^/]*\\.jar"))
                .collect(Collectors.joining(":"));
    }

    private static void link() {
        run(List.of(
                JAVA_HOME.resolve("bin/jlink").toString(),
                "--module-path",
                modulePath(),
                "--add-modules",
                "dev.sysgenid.cli,dev.sysgenid.security",
                "--strip-debug",
                "--no-header-files",
                "--no-man-pages",
                "--generate-cds-archive",
                "--output",
                RUNTIME.toString()));
    }

    /** Has the JVM note what a daemon and a client need, so that they start quickly. */
    private static void train() {
        String java = RUNTIME + "/bin/java " + OPTIONS + " -XX:AOTCacheOutput=" + RUNTIME + "/";
        try {
            Path directory = Files.createTempDirectory(Path.of("/run"), "sysgenid-training-");
            run(List.of(
                    "/bin/sh",
                    "-c",
                    "exec " + java + DAEMONS + " " + NATIVE + " -m dev.sysgenid.cli/dev.sysgenid.cli.Training "
                            + Files.createDirectory(directory.resolve("mnt"))));
            try (ServedDevice device = ServedDevice.start();
                    Child client = device.startProgram(
                            List.of(
                                    "/bin/sh",
                                    "-c",
                                    "exec " + java + CLIENTS + " " + URANDOM + " " + NATIVE + ",ALL-UNNAMED -cp "
                                            + PROGRAMS.resolve(JAR) + " Clones " + directory + " guarded"),
                            Map.of("SYSGENID_PATH", device.device().toString()))) {
                await(directory.resolve("ready"), client);
                device.bump();
                Files.createFile(directory.resolve("go"));
                await(directory.resolve("tokens"), client);
                // Java's own way would close the output of the process, which it needs for what it does at its end.
                run(List.of("kill", Long.toString(client.pid())));
                client.awaitExit();
                assertThat(RUNTIME.resolve(CLIENTS)).as(client.output()).exists();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void await(Path file, Child program) {
        long end = System.nanoTime() + Child.LIMIT.toNanos();
        while (!Files.exists(file)) {
            assertThat(program.isAlive() && System.nanoTime() < end)
                    .as("%s is made; %s", file, program.output())
                    .isTrue();
            Conversation.sleep(5);
        }
    }

    private static void compile() {
        List<String> command = new ArrayList<>(List.of(
                JAVA_HOME.resolve("bin/javac").toString(),
                "-proc:none",
                "-d",
                PROGRAMS.resolve("classes").toString(),
                "-cp",
                modulePath()));
        PROGRAM_SOURCES.forEach(source -> command.add(SOURCES.resolve(source).toString()));
        run(command);
        run(List.of(
                JAVA_HOME.resolve("bin/jar").toString(),
                "--create",
                "--file",
                PROGRAMS.resolve(JAR).toString(),
                "-C",
                PROGRAMS.resolve("classes").toString(),
                "."));
    }

    private static void run(List<String> command) {
        Child.Ended ended = Child.run(command);
        assertThat(ended.status()).as("%s\n%s", command, ended.output()).isZero();
    }

    private static void deleteTree(Path directory) {
        if (!Files.exists(directory)) {
            return;
        }
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
