// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;

/**
 * A program compiled for Java 17 against what is shipped, once a build: one of {@code examples/java}, or one of those of
 * these tests in {@code dev.sysgenid.security}.
 */
final class JavaProgram {
    /** Where a program runs: the JDK, and whether it may make system calls of its own. */
    enum Platform {
        JAVA_17,
        JAVA_25,
        JAVA_25_WITHOUT_NATIVE_ACCESS;

        /** The path of the java command; skips the test, aloud, where there is no such JDK. */
        private String java() {
            if (this != JAVA_17) {
                return Path.of(System.getProperty("java.home"), "bin/java").toString();
            }
            @Nullable String home = System.getenv("SYSGENID_JDK17");
            Assumptions.assumeTrue(
                    home != null, "SKIPPED: no JDK 17 found (SYSGENID_JDK17 is not set; ./mvnw looks for one)");
            return home + "/bin/java";
        }

        private List<String> options() {
            return switch (this) {
                case JAVA_17 -> List.of();
                case JAVA_25 -> List.of("--enable-native-access=ALL-UNNAMED", "--illegal-native-access=deny");
                case JAVA_25_WITHOUT_NATIVE_ACCESS -> List.of("--illegal-native-access=deny");
            };
        }
    }

    private static final Path SOURCES = Path.of("../examples/java");
    private static final Path OUTPUT = Path.of("target/examples-java").toAbsolutePath();
    private static final Path TEST_SOURCES = Path.of("src/test/java/dev/sysgenid/security");
    private static final Path TEST_OUTPUT = Path.of("target/programs-java").toAbsolutePath();
    private static final Map<String, Path> COMPILED = new ConcurrentHashMap<>();

    private JavaProgram() {}

    /** The command that runs an example. */
    static List<String> command(Platform runtime, String name, List<String> jvmOptions, String... arguments) {
        String library = library("abi", "client", "security");
        Path classes =
                COMPILED.computeIfAbsent(name, _ -> compile(library, OUTPUT, List.of(SOURCES.resolve(name + ".java"))));
        return command(runtime, "64m", jvmOptions, classes + ":" + library, name, arguments);
    }

    /** The command that runs a program of these tests, with the security library. */
    static List<String> security(Platform runtime, String main, String... arguments) {
        String library = library("abi", "client", "security");
        Path classes = COMPILED.computeIfAbsent(
                TEST_SOURCES.toString(),
                _ -> compile(library + ":" + jar("jspecify"), TEST_OUTPUT, sources(TEST_SOURCES)));
        return command(runtime, "256m", List.of(), classes + ":" + library, main, arguments);
    }

    private static List<Path> sources(Path directory) {
        try (Stream<Path> files = Files.list(directory)) {
            return files.sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<String> command(
            Platform runtime,
            String heap,
            List<String> jvmOptions,
            String classPath,
            String main,
            String... arguments) {
        return Stream.of(
                        List.of(runtime.java(), "-XX:+UseSerialGC", "-Xmx" + heap),
                        runtime.options(),
                        jvmOptions,
                        List.of("--class-path", classPath, main),
                        List.of(arguments))
                .flatMap(List::stream)
                .toList();
    }

    private static Path compile(String classPath, Path output, List<Path> sources) {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StringWriter messages = new StringWriter();
        try (StandardJavaFileManager files = compiler.getStandardFileManager(null, Locale.ROOT, null)) {
            List<String> options = List.of(
                    "--release", "17", "-Xlint:all,-options", "-Werror", "-d", output.toString(), "-cp", classPath);
            boolean compiled = compiler.getTask(
                            messages, files, null, options, null, files.getJavaFileObjectsFromPaths(sources))
                    .call();
            assertThat(compiled).as("%s compiles:%n%s", sources, messages).isTrue();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return output;
    }

    /** What applications put on their class path: the jars of some modules. */
    private static String library(String... modules) {
        return Arrays.stream(modules).map(module -> jar("sysgenid-" + module)).collect(Collectors.joining(":"));
    }

    private static String jar(String name) {
        String classPath = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        List<String> found = Arrays.stream(classPath.split(":"))
                .filter(path -> path.matches(".*/" + name + "-[0-9][^/]*\\.jar"))
                .toList();
        assertThat(found).as("%s in %s", name, classPath).hasSize(1);
        return found.get(0);
    }
}
