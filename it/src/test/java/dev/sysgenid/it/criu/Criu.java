// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.criu;

import dev.sysgenid.it.Child;
import dev.sysgenid.it.Namespace;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * CRIU from 4.2 on: version 3 does not run on kernels from 6.13 on, and 4.1 cannot dump a program that listens on a port on
 * those from 6.16 on. The machine's own where it is new enough, else that of a newer Debian, unpacked into
 * {@code target/criu-4.2}.
 */
final class Criu {
    private static final String SUITE = "forky";
    private static final Path UNPACKED = Path.of("target", "criu-4.2").toAbsolutePath();
    private static final Path FETCH =
            Path.of("src", "test", "sh", "debian-package").toAbsolutePath();

    private static @Nullable List<String> command;
    private static @Nullable String why;

    private Criu() {}

    /** The words that run CRIU. Skips the test, aloud, where it cannot be had; on CI that is a failure. */
    static synchronized List<String> command() {
        if (command == null && why == null) {
            find();
        }
        if (command == null) {
            throw Namespace.skip("no CRIU 4.2: " + why);
        }
        return command;
    }

    /** A directory in which {@code criu} is a program, for those who look for it along PATH. */
    static Path directory(Path directory) throws java.io.IOException {
        Path program = directory.resolve("criu");
        Files.writeString(program, "#!/bin/sh\nexec " + String.join(" ", command()) + " \"$@\"\n");
        Files.setPosixFilePermissions(program, java.nio.file.attribute.PosixFilePermissions.fromString("rwxr-xr-x"));
        return directory;
    }

    private static void find() {
        Child.Ended own = Child.run(List.of("/bin/sh", "-c", "criu --version"));
        if (own.status() == 0 && own.output().matches("(?s)Version: (4\\.[2-9]|[5-9]|\\d\\d).*")) {
            command = List.of("criu");
            return;
        }
        List<String> unpacked = List.of(UNPACKED.resolve("run").toString(), "usr/sbin/criu");
        if (!Files.exists(UNPACKED)) {
            Child.Ended fetched = Child.run(List.of(FETCH.toString(), SUITE, UNPACKED.toString(), "criu"));
            if (fetched.status() != 0) {
                why = "the machine has none, and that of Debian " + SUITE + " cannot be fetched:\n" + fetched.output();
                return;
            }
        }
        Child.Ended check = run(unpacked, List.of("check"));
        if (check.status() == 0) {
            command = unpacked;
        } else {
            why = "criu check says:\n" + check.output();
        }
    }

    private static Child.Ended run(List<String> criu, List<String> arguments) {
        List<String> words = new ArrayList<>(criu);
        words.addAll(arguments);
        return Child.run(words);
    }

    /** Runs it. */
    static Child.Ended run(List<String> arguments) {
        return run(command(), arguments);
    }

    /** The words of a shell script, quoted. */
    static String quoted(List<String> words) {
        return String.join(
                " ",
                words.stream()
                        .map(word -> "'" + word.replace("'", "'\\''") + "'")
                        .toList());
    }

    /** Starts a shell in namespaces of its own for processes and mounts, as each clone has: clones have the same numbers. */
    static Child apart(String script) {
        return Child.start(List.of(
                "unshare",
                "--pid",
                "--fork",
                "--kill-child",
                "--mount",
                "--mount-proc",
                "--propagation",
                "private",
                "/bin/sh",
                "-c",
                script));
    }
}
