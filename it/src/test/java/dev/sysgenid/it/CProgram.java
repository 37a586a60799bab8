// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** A program in C, compiled once, when a test first asks for it, into {@code target/c}. */
public final class CProgram {
    /** For which kind of process it is compiled. */
    public enum Bits {
        /** What the compiler makes by itself. */
        NATIVE,
        /** {@code gcc -m32}: the kernel's compatibility system calls. */
        BITS_32,
        /** Without libraries, for a container that has none. */
        STATIC
    }

    private static final Path BEHAVIOUR = Path.of("src", "test", "c").toAbsolutePath();
    private static final Path EXAMPLES =
            Path.of("..", "examples", "c").toAbsolutePath().normalize();
    private static final Path INCLUDE =
            Path.of("..", "include").toAbsolutePath().normalize();
    private static final Path OUTPUT = Path.of("target", "c").toAbsolutePath();

    private static final Map<Path, CProgram> COMPILED = new ConcurrentHashMap<>();

    private final Path executable;

    private CProgram(Path executable) {
        this.executable = executable;
    }

    /** A program of {@code src/test/c}. */
    public static CProgram behaviour(String name, Bits bits) {
        return compiled(BEHAVIOUR.resolve(name + ".c"), bits);
    }

    /** A program of {@code src/test/c}. */
    public static CProgram behaviour(String name) {
        return behaviour(name, Bits.NATIVE);
    }

    /** A program of {@code examples/c}. */
    static CProgram example(String name) {
        return compiled(EXAMPLES.resolve(name + ".c"), Bits.NATIVE);
    }

    /** Skips the test, aloud, where 32-bit programs cannot be made. */
    static void require32Bits() {
        Child.Ended probe =
                Child.run(List.of("/bin/sh", "-c", "echo 'int main(void){return 0;}' | gcc -m32 -xc - -o /dev/null"));
        if (probe.status() != 0) {
            throw Namespace.skip(
                    "gcc makes no 32-bit programs here (Debian: apt install gcc-multilib): " + probe.output());
        }
    }

    /** Where it is. */
    public Path executable() {
        return executable;
    }

    private static CProgram compiled(Path source, Bits bits) {
        String name = source.getFileName()
                .toString()
                .replace(
                        ".c",
                        switch (bits) {
                            case NATIVE -> "";
                            case BITS_32 -> "-32";
                            case STATIC -> "-static";
                        });
        return COMPILED.computeIfAbsent(OUTPUT.resolve(name), executable -> compile(source, bits, executable));
    }

    private static CProgram compile(Path source, Bits bits, Path executable) {
        try {
            Files.createDirectories(OUTPUT);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        List<String> command = new ArrayList<>(List.of(
                "gcc",
                "-std=c17",
                "-D_GNU_SOURCE",
                "-O2",
                "-g",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-pthread",
                "-I" + INCLUDE,
                source.toString(),
                "-o",
                executable.toString()));
        if (bits == Bits.BITS_32) {
            command.add(1, "-m32");
        } else if (bits == Bits.STATIC) {
            command.add(1, "-static");
        }
        Child.Ended gcc = Child.run(command);
        if (gcc.status() != 0) {
            throw new AssertionError(String.join(" ", command) + "\n" + gcc.output());
        }
        return new CProgram(executable);
    }
}
