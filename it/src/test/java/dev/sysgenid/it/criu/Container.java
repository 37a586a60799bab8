// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.criu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.it.CProgram;
import dev.sysgenid.it.Child;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The C program as process 1 of a container that no engine made: its own namespaces for processes and mounts, and a root of
 * its own in which nothing of the machine is mounted but the device's directory. It is dumped, and restored more than once, by
 * CRIU alone; each clone has a copy of the root.
 *
 * <p>{@link #close} ends it and its clones.
 */
final class Container implements AutoCloseable {
    /** Where a container has the device's directory, wherever the machine has it. */
    private static final String INSIDE = "/run/sysgenid";

    /** What the images call that mount. */
    private static final String NAME = "sysgenid";

    private static final long LOOK_MILLIS = 5;

    private final Path directory;
    private final @Nullable Path hook;
    private final Child process;
    private final List<Clone> clones = new ArrayList<>();

    private Container(Path directory, @Nullable Path hook, Child process) {
        this.directory = directory;
        this.hook = hook;
        this.process = process;
    }

    /**
     * Starts it, and returns when its program is at rest.
     *
     * @param directory empty, to be used for all of it
     * @param source the device's directory, or that of a domain; null for none
     * @param hook the action script of CRIU, or null for none
     */
    static Container start(Path directory, @Nullable Path source, @Nullable Path hook) {
        Path root = directory.resolve("root");
        shell(
                """
                mkdir -p "$1/data" "$1/dev" "$1/proc" "$1%s"
                mknod -m 666 "$1/dev/null" c 1 3
                cp "$2" "$1/clones"
                """.formatted(INSIDE),
                root,
                CProgram.behaviour("clones", CProgram.Bits.STATIC).executable());
        List<String> command = new ArrayList<>(
                List.of(CProgram.behaviour("container").executable().toString(), root.toString()));
        if (source != null) {
            command.add(source + ":" + INSIDE);
        }
        command.addAll(List.of("--", "/clones", "/data"));
        if (source != null) {
            command.add(INSIDE + "/sysgenid");
        }
        Container container = new Container(directory, hook, Child.start(command));
        await(root.resolve("data/ready"), container.process);
        return container;
    }

    private static void shell(String script, Path... arguments) {
        List<String> words = new ArrayList<>(List.of("/bin/sh", "-ec", script, "sh"));
        for (Path argument : arguments) {
            words.add(argument.toString());
        }
        Child.Ended ended = Child.run(words);
        assertThat(ended.status()).as(script + ended.output()).isZero();
    }

    private static void await(Path file, Child process) {
        long end = System.nanoTime() + Child.LIMIT.toNanos();
        while (!Files.exists(file)) {
            assertThat(process.isAlive() && System.nanoTime() < end)
                    .as("%s is made; %s", file, process.output())
                    .isTrue();
            try {
                Thread.sleep(LOOK_MILLIS);
            } catch (InterruptedException e) {
                throw new AssertionError("interrupted", e);
            }
        }
    }

    private Path images() {
        return directory.resolve("images");
    }

    /** Dumps it, and has CRIU told that the device's directory is a mount of the machine's; it ends. */
    void dump() {
        Child.Ended dumped = tryDump("--external", "mnt[" + INSIDE + "]:" + NAME);
        assertThat(dumped.status()).as(dumped.output()).isZero();
        process.awaitExit();
    }

    /** Tries to, with these options; where that fails it goes on. */
    Child.Ended tryDump(String... options) {
        try {
            Files.createDirectories(images());
            long init =
                    Long.parseLong(Files.readString(Path.of("/proc/%1$d/task/%1$d/children".formatted(process.pid())))
                            .strip());
            List<String> words = new ArrayList<>(Criu.command());
            words.addAll(List.of("dump", "-t", Long.toString(init), "-D", images().toString()));
            words.addAll(common());
            words.addAll(List.of(options));
            return Child.run(words);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private List<String> common() {
        List<String> words = new ArrayList<>(List.of("-v1", "-W", directory.toString()));
        if (hook != null) {
            words.addAll(List.of("--action-script", hook.toString()));
        }
        return words;
    }

    /**
     * Restores one more clone, and returns when it runs.
     *
     * @param source what is mounted where the dumped one had the device's directory; null if it had none
     */
    Clone restore(@Nullable Path source) {
        String name = "clone" + (clones.size() + 1);
        Path root = directory.resolve(name);
        Path noted = directory.resolve(name + ".noted");
        Path resumed = directory.resolve(name + ".resumed");
        shell("cp -a \"$1\" \"$2\"; rm -f \"$2\"/data/*", directory.resolve("root"), root);
        List<String> restore = new ArrayList<>(Criu.command());
        restore.addAll(List.of("restore", "-D", images().toString(), "--root", root.toString()));
        restore.addAll(common());
        if (source != null) {
            restore.addAll(List.of("--external", "mnt[" + NAME + "]:" + source));
        }
        restore.addAll(List.of("--action-script", stages(name, source, noted, resumed)));
        Clone clone = new Clone(
                root,
                noted,
                // Not exec: a CRIU that is process 1 itself takes its own clock for that of the process 1 which it
                // restores.
                Criu.apart("mount --bind " + root + " " + root + " && " + Criu.quoted(restore) + "; exit $?"));
        clones.add(clone);
        await(resumed, clone.process);
        return clone;
    }

    /** Notes the generation before anything of the clone runs, and then that it does. */
    private String stages(String name, @Nullable Path source, Path noted, Path resumed) {
        try {
            Path script = Files.writeString(directory.resolve(name + ".stages"), """
                    #!/bin/sh
                    case $CRTOOLS_SCRIPT_ACTION in
                      pre-resume) cat '%s/generation' >'%s' 2>&1 ;;
                      post-resume) : >'%s' ;;
                    esac
                    exit 0
                    """.formatted(source, noted, resumed));
            Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
            return script.toString();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        clones.forEach(clone -> clone.process.close());
        process.close();
    }

    /** One restored container. */
    record Clone(Path root, Path noted, Child process) {
        /** The generation when all of it was restored, and nothing of it ran. */
        long generationBeforeItRan() throws IOException {
            return Long.parseLong(Files.readString(noted).strip());
        }

        /** What it holds: by the client's name its token, the token's generation, and the one that the mapping shows. */
        Map<String, String> draw() throws IOException {
            Path tokens = root.resolve("data/tokens");
            Files.deleteIfExists(tokens);
            Files.createFile(root.resolve("data/go"));
            await(tokens, process);
            Map<String, String> drawn = new TreeMap<>();
            for (String line : Files.readAllLines(tokens)) {
                String[] words = line.split(" ", 2);
                drawn.put(words[0], words[1]);
            }
            return drawn;
        }
    }
}
