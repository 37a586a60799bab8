// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.StringWriter;
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

/** A program of {@code examples/java}, compiled for Java 17 against the libraries as they are shipped, once a build. */
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
    private static final Map<String, Path> COMPILED = new ConcurrentHashMap<>();

    private JavaProgram() {}

    /** The command that runs an example. */
    static List<String> command(Platform runtime, String name, List<String> jvmOptions, String... arguments) {
        Path classes = COMPILED.computeIfAbsent(name, JavaProgram::compile);
        return Stream.of(
                        List.of(runtime.java(), "-XX:+UseSerialGC", "-Xmx64m"),
                        runtime.options(),
                        jvmOptions,
                        List.of("--class-path", classes + ":" + library(), name),
                        List.of(arguments))
                .flatMap(List::stream)
                .toList();
    }

    private static Path compile(String name) {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StringWriter messages = new StringWriter();
        try (StandardJavaFileManager files = compiler.getStandardFileManager(null, Locale.ROOT, null)) {
            List<String> options = List.of(
                    "--release", "17", "-Xlint:all,-options", "-Werror", "-d", OUTPUT.toString(), "-cp", library());
            boolean compiled = compiler.getTask(
                            messages,
                            files,
                            null,
                            options,
                            null,
                            files.getJavaFileObjects(SOURCES.resolve(name + ".java")))
                    .call();
            assertThat(compiled).as("%s compiles:%n%s", name, messages).isTrue();
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        return OUTPUT;
    }

    /** What applications put on their class path: three jars. */
    private static String library() {
        String classPath = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        String found = Arrays.stream(classPath.split(":"))
                .filter(path -> path.matches(".*/sysgenid-(abi|client|security)-[^/]*\\.jar"))
                .collect(Collectors.joining(":"));
        assertThat(found.split(":"))
                .as("jars of abi, client and security in %s", classPath)
                .hasSize(3);
        return found;
    }
}
