// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.criu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.it.Child;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A process that was dumped, and is gone; and its clones, each restored in namespaces of its own for processes and mounts.
 *
 * <p>The program is given a directory. It makes {@code ready} in it, and whenever it finds {@code go} there it writes the
 * file {@code tokens} and removes {@code go}. A clone finds another directory at the same path.
 *
 * <p>{@link #close} ends the clones.
 */
final class Snapshot implements AutoCloseable {
    private static final long LOOK_MILLIS = 5;

    private final Path directory;
    private final @Nullable Path hook;
    private final List<Clone> clones = new ArrayList<>();

    private Snapshot(Path directory, @Nullable Path hook) {
        this.directory = directory;
        this.hook = hook;
    }

    /**
     * Starts a program, waits until it is ready, and dumps it.
     *
     * @param directory empty, to be used for all of it
     * @param program its command line; each {@code DIRECTORY} in it is replaced by its directory
     * @param hook the action script of CRIU, or null for none
     */
    static Snapshot dump(Path directory, List<String> program, Map<String, String> environment, @Nullable Path hook) {
        List<String> criu = Criu.command();
        Snapshot snapshot = new Snapshot(directory, hook);
        try {
            Files.createDirectory(snapshot.images());
            Files.createDirectory(snapshot.home());
            Path resumed = Files.writeString(
                    snapshot.resumedScript(),
                    "#!/bin/sh\n[ \"$CRTOOLS_SCRIPT_ACTION\" != post-resume ] || : >" + snapshot.home() + "/resumed\n");
            Files.setPosixFilePermissions(resumed, PosixFilePermissions.fromString("rwxr-xr-x"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        List<String> words = program.stream()
                .map(word -> word.equals("DIRECTORY") ? snapshot.home().toString() : word)
                .toList();
        // A session of its own and no open file of ours: what a dump has to find again at a restore.
        String script = "exec setsid " + Criu.quoted(words) + " </dev/null >" + directory + "/output 2>&1";
        try (Child child = Child.start(List.of("/bin/sh", "-c", script), environment)) {
            await(snapshot.home(), "ready", child, "the program");
            List<String> dump = new ArrayList<>(criu);
            dump.addAll(List.of(
                    "dump",
                    "-t",
                    Long.toString(child.pid()),
                    "-D",
                    snapshot.images().toString()));
            // By itself it gives up after ten seconds, as if a thread could not be stopped and not only has no
            // processor.
            dump.addAll(List.of("--timeout", Long.toString(Child.LIMIT.toSeconds())));
            dump.addAll(snapshot.options("dump"));
            Child.Ended dumped = Child.run(dump);
            assertThat(dumped.status())
                    .as(() -> "dump\n" + dumped.output() + "\n" + snapshot.errors("dump"))
                    .isZero();
            child.awaitExit();
        }
        return snapshot;
    }

    private List<String> options(String log) {
        List<String> options = new ArrayList<>(List.of("-v3", "-W", directory.toString(), "-o", log + ".log"));
        // Two clones cannot go on with one connection: each finds it closed.
        options.add("--tcp-close");
        if (hook != null) {
            options.addAll(List.of("--action-script", hook.toString()));
        }
        return options;
    }

    /** Restores one more clone, and returns when it runs. */
    Clone restore() {
        Clone clone = tryRestore();
        try {
            await(clone.directory, "resumed", clone.process, clone.name);
        } catch (AssertionError e) {
            throw new AssertionError(e.getMessage() + "\n" + errors(clone.name), e);
        }
        return clone;
    }

    /** Begins to restore one more clone. */
    Clone tryRestore() {
        String name = "clone" + (clones.size() + 1);
        Path own = directory.resolve(name);
        try {
            Files.createDirectory(own);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        List<String> restore = new ArrayList<>(Criu.command());
        restore.addAll(List.of("restore", "-D", images().toString()));
        restore.addAll(options(name));
        restore.addAll(List.of("--action-script", resumedScript().toString()));
        Child process = Criu.apart("mount --bind " + own + " " + home() + " && exec " + Criu.quoted(restore));
        Clone clone = new Clone(name, own, process);
        clones.add(clone);
        return clone;
    }

    /** What CRIU said went wrong, and what its hooks said. */
    String errors(String log) {
        try {
            Path file = directory.resolve(log + ".log");
            return Files.exists(file)
                    ? String.join(
                            "\n",
                            Files.readAllLines(file, StandardCharsets.ISO_8859_1).stream()
                                    .filter(line -> line.contains("Error") || !line.startsWith("("))
                                    .toList())
                    : "";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Where the images are. */
    Path images() {
        return directory.resolve("images");
    }

    private Path home() {
        return home(directory);
    }

    /** The directory that a program is given whose snapshot is made in {@code directory}. */
    static Path home(Path directory) {
        return directory.resolve("home");
    }

    private Path resumedScript() {
        return directory.resolve("resumed");
    }

    private static void await(Path directory, String name, Child process, String who) {
        Path file = directory.resolve(name);
        long end = System.nanoTime() + Child.LIMIT.toNanos();
        while (!Files.exists(file)) {
            if (!process.isAlive() || System.nanoTime() > end) {
                String said = process.output() + texts(directory);
                throw new AssertionError(
                        who + (process.isAlive() ? " does not make " : " ended without ") + file + said);
            }
            try {
                Thread.sleep(LOOK_MILLIS);
            } catch (InterruptedException e) {
                throw new AssertionError("interrupted", e);
            }
        }
    }

    private static String texts(Path directory) {
        StringBuilder text = new StringBuilder();
        for (Path file : List.of(directory.resolve("error"), directory.resolveSibling("output"))) {
            try {
                text.append('\n').append(Files.exists(file) ? Files.readString(file) : "");
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return text.toString();
    }

    @Override
    public void close() {
        clones.forEach(clone -> clone.process.close());
    }

    /** One restored process. */
    final class Clone {
        private final String name;
        private final Path directory;
        private final Child process;

        private Clone(String name, Path directory, Child process) {
            this.name = name;
            this.directory = directory;
            this.process = process;
        }

        /** Lets it draw, and returns what it drew: by a name, a text. */
        Map<String, String> draw() {
            try {
                Files.deleteIfExists(directory.resolve("tokens"));
                Files.createFile(directory.resolve("go"));
                await(directory, "tokens", process, name);
                Map<String, String> tokens = new LinkedHashMap<>();
                for (String line : Files.readAllLines(directory.resolve("tokens"))) {
                    String[] words = line.split("[\t ]", 2);
                    if (line.indexOf('\t') >= 0) {
                        words = line.split("\t", 2);
                    }
                    tokens.put(words[0], words[1]);
                }
                return tokens;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /** The end of a restore that does not come to run: its exit status, and what was said. */
        Child.Ended awaitEnd() {
            int status = process.awaitExit();
            return new Child.Ended(status, process.output() + "\n" + errors(name));
        }

        /** Ends it, before another one needs what it has. */
        void end() {
            process.close();
        }

        /** Whether it came to run. */
        boolean resumed() {
            return Files.exists(directory.resolve("resumed"));
        }
    }
}
