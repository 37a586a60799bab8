// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.qemu;

import dev.sysgenid.it.Child;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/**
 * QEMU and kernels for its guests, packages of Debian's, unpacked below {@code target} once a build. The emulator is a new one
 * because older ones have no VMClock; kernels of every suite run in it.
 */
final class Qemu {
    private static final Path FETCH =
            Path.of("src", "test", "sh", "debian-package").toAbsolutePath();
    private static final Path UNPACKED = Path.of("target", "qemu").toAbsolutePath();
    private static final String SUITE = "forky";

    private Qemu() {}

    /** A guest's kernel. */
    record Kernel(String suite, Path root, String release) {
        Path image() {
            Path classic = root.resolve("boot/vmlinuz-" + release);
            return Files.exists(classic) ? classic : modules().resolve("vmlinuz");
        }

        Path modules() {
            Path old = root.resolve("lib/modules/" + release);
            return Files.exists(old) ? old : root.resolve("usr/lib/modules/" + release);
        }

        /** Whether the device can be mapped: a FUSE file as it must be from Linux 6.6 on. */
        boolean serves() {
            String[] numbers = release.split("\\.", -1);
            return Integer.parseInt(numbers[0]) * 100 + Integer.parseInt(numbers[1]) >= 606;
        }

        /** A module, compressed or not; null where it is built in, or not to be had. */
        @org.jspecify.annotations.Nullable
        Path module(String name) {
            try (Stream<Path> files = Files.walk(modules())) {
                return files.filter(file -> file.getFileName().toString().matches(name + "\\.ko(\\.xz)?"))
                        .findFirst()
                        .orElse(null);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** As {@link #kernel}; skips the test, aloud, where the device cannot be mapped. */
    static Kernel servingKernel(String suite) {
        Kernel kernel = kernel(suite);
        Assumptions.assumeTrue(kernel.serves(), "SKIPPED: the device cannot be mapped on Linux " + kernel.release());
        return kernel;
    }

    /** The newest kernel for clouds of a suite. Skips the test, aloud, where it cannot be had; on CI that is a failure. */
    static Kernel kernel(String suite) {
        return kernel(suite, "linux-" + suite, "linux-image-cloud-amd64");
    }

    /** As {@link #kernel}, the one that is for every machine: Debian 12's has a driver of vmgenid, and its one for clouds not. */
    static Kernel genericKernel(String suite) {
        return kernel(suite, "linux-" + suite + "-generic", "linux-image-amd64");
    }

    private static Kernel kernel(String suite, String directory, String name) {
        Path root = Path.of("target", directory).toAbsolutePath();
        fetch(root, List.of("--kernel", suite, root.toString(), name));
        for (String modules : List.of("usr/lib/modules", "lib/modules")) {
            if (Files.isDirectory(root.resolve(modules))) {
                try (Stream<Path> releases = Files.list(root.resolve(modules))) {
                    return new Kernel(
                            suite,
                            root,
                            releases.findFirst().orElseThrow().getFileName().toString());
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
        }
        throw new AssertionError("no kernel in " + root);
    }

    /** The words that begin each command line of QEMU. */
    static List<String> command() {
        unpack();
        List<String> command =
                new ArrayList<>(List.of(UNPACKED.resolve("run").toString(), "usr/bin/qemu-system-x86_64"));
        for (String directory : List.of("seabios", "qemu")) {
            command.add("-L");
            command.add(UNPACKED.resolve("usr/share").resolve(directory).toString());
        }
        return command;
    }

    private static void unpack() {
        fetch(UNPACKED, List.of(SUITE, UNPACKED.toString(), "qemu-system-x86", "busybox-static"));
    }

    /** A shell and its tools, which need no library. */
    static Path busybox() {
        unpack();
        return UNPACKED.resolve("usr/bin/busybox");
    }

    /** {@code QEMU emulator version ...}. */
    static String version() {
        List<String> words = new ArrayList<>(command());
        words.add("--version");
        return Child.run(words).output().lines().findFirst().orElseThrow();
    }

    private static synchronized void fetch(Path directory, List<String> arguments) {
        if (Files.exists(directory)) {
            return;
        }
        List<String> words = new ArrayList<>(List.of(FETCH.toString()));
        words.addAll(arguments);
        long start = System.nanoTime();
        Child.Ended fetched = Child.run(words);
        if (fetched.status() == 0) {
            System.out.printf(
                    "%s into %s: %s, %.1f s%n",
                    arguments.getLast(),
                    directory.getFileName(),
                    fetched.output().strip(),
                    (System.nanoTime() - start) / 1e9);
            return;
        }
        String reason = arguments.getLast() + " cannot be fetched from Debian:\n" + fetched.output();
        if (System.getenv("SYSGENID_CI_RUN") != null) {
            throw new AssertionError(reason);
        }
        Assumptions.abort("SKIPPED: " + reason);
    }
}
