// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.criu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.it.CProgram;
import dev.sysgenid.it.Child;
import dev.sysgenid.it.Namespace;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Podman with runc and CRIU, whose containers, images and settings are in a directory of their own. {@link #close} removes all
 * containers.
 */
final class Podman implements AutoCloseable {
    /** A container has the device's directory. Its path is the same inside, so that CRIU's paths mean the same. */
    static final Path MOUNT = Path.of("/run/sysgenid");

    static final String DEVICE = "/run/sysgenid/sysgenid";

    /** By itself CRIU gives up on a dump after ten seconds, as if a thread could not be stopped. */
    static final String PATIENCE = "timeout " + Child.LIMIT.toSeconds() + "\n";

    private static final String IMAGE = "clones";

    /** A line of {@code /proc/PID/stat} of one that watches a container, and is no zombie. */
    private static final Predicate<String> WATCHES =
            Pattern.compile("\\((conmon|podman)\\) [^ZX]").asPredicate();

    private final Path directory;
    private final List<String> podman;

    /**
     * It is there; else the test is skipped, aloud.
     *
     * @param directory empty, to be used for all of it
     */
    Podman(Path directory) throws IOException {
        Namespace.require();
        Criu.command();
        Child.Ended probe = Child.run(List.of("/bin/sh", "-c", "podman --version && runc --version"));
        if (probe.status() != 0) {
            throw Namespace.skip("no podman with runc (Debian: apt install podman runc): " + probe.output());
        }
        this.directory = directory;
        Path programs = Criu.directory(Files.createDirectory(directory.resolve("bin")));
        podman = List.of(
                "env",
                "PATH=" + programs + ":" + System.getenv("PATH"),
                "podman",
                "--root=" + directory.resolve("root"),
                "--runroot=" + directory.resolve("runroot"),
                "--tmpdir=" + directory.resolve("tmp"),
                "--cgroup-manager=cgroupfs",
                "--storage-driver=vfs",
                "--runtime=runc");
        makeImage();
    }

    @Override
    public void close() {
        mayFail("rm", "--all", "--force", "--time", "0");
        awaitNobody();
        // Empty now, if nobody else's containers are in it; podman makes it again when it wants it.
        Child.run(List.of(
                "/bin/sh", "-c", "find /sys/fs/cgroup -depth -path '*/libpod_parent*' -type d -exec rmdir {} +"));
    }

    /**
     * Waits for those who watched the containers: when one has ended they still start a podman that cleans up after it, and writes to the
     * directory. The namespace of processes is the tests' own, so they are no others.
     */
    private static void awaitNobody() {
        long end = System.nanoTime() + Child.LIMIT.toNanos();
        while (ProcessHandle.allProcesses().map(Podman::stat).anyMatch(WATCHES)) {
            assertThat(System.nanoTime()).as("conmon and podman do not end").isLessThan(end);
            pause();
        }
    }

    /** The process's name and state, among others; empty when it is over. Unlike its command line they never block. */
    private static String stat(ProcessHandle process) {
        try {
            return Files.readString(
                    Path.of("/proc", Long.toString(process.pid()), "stat"), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return "";
        }
    }

    /** Runs it, whatever comes of it. */
    Child.Ended mayFail(String... arguments) {
        List<String> command = new ArrayList<>(podman);
        command.addAll(List.of(arguments));
        return Child.run(command);
    }

    /** Runs it, and returns what it says. */
    String run(String... arguments) {
        Child.Ended ended = mayFail(arguments);
        assertThat(ended.status())
                .as(() -> "podman " + String.join(" ", arguments) + "\n" + ended.output() + "\n" + criuSaid())
                .isZero();
        return ended.output().strip();
    }

    /** What CRIU and the hook said went wrong, wherever podman keeps that. */
    String criuSaid() {
        return Child.run(
                        List.of(
                                "/bin/sh",
                                "-c",
                                "find " + directory + " -name 'dump.log' -o -name 'restore.log' | while read -r log; do"
                                        + " echo \"$log\"; grep -a -e Error -e '^sysgenid' -e '^  ' \"$log\" | tail -n 20; done"))
                .output();
    }

    /** The image: two programs without libraries. */
    private void makeImage() throws IOException {
        Path root = Files.createDirectory(directory.resolve("image"));
        for (String name : List.of("data", "dev", "proc", "sys", "run", "tmp", "etc")) {
            Files.createDirectory(root.resolve(name));
        }
        for (String program : List.of("clones", "linked")) {
            Files.copy(
                    CProgram.behaviour(program, CProgram.Bits.STATIC).executable(),
                    root.resolve(program),
                    java.nio.file.StandardCopyOption.COPY_ATTRIBUTES);
        }
        Path archive = directory.resolve("image.tar");
        Child.Ended tar = Child.run(List.of("tar", "-C", root.toString(), "-cf", archive.toString(), "."));
        assertThat(tar.status()).as(tar.output()).isZero();
        run("import", archive.toString(), IMAGE);
    }

    /** What {@code hook install criu} writes, under the name that an annotation gives it: it travels with the export. */
    Path configuration() throws IOException {
        Path hook = Hook.install(directory, Path.of(DEVICE));
        return Files.writeString(
                directory.resolve("criu.conf"),
                Files.readString(directory.resolve("etc/criu/default.conf"))
                                .replace("/etc/criu/sysgenid-hook", hook.toString())
                        + PATIENCE);
    }

    /**
     * Starts a container, and returns when its program is at rest.
     *
     * @param configuration of CRIU, or null for that of the machine
     * @param volume what is mounted, and where; null for nothing
     * @param program what runs, and its arguments
     */
    void start(String name, @Nullable Path configuration, @Nullable String volume, String... program)
            throws IOException {
        List<String> run = new ArrayList<>(List.of("run", "--detach", "--name=" + name, "--network=none"));
        run.addAll(List.of("--ulimit=nofile=1000:1000", "--ulimit=nproc=1000:1000"));
        if (configuration != null) {
            run.add("--annotation=org.criu.config=" + configuration);
        }
        if (volume != null) {
            run.add("--volume=" + volume);
        }
        run.add(IMAGE);
        run.addAll(List.of(program));
        run(run.toArray(String[]::new));
        await(files(name).resolve("ready"), files(name));
    }

    /** Dumps a container, and removes it. */
    String checkpoint(String name) {
        String export = directory.resolve(name + ".tar").toString();
        run("container", "checkpoint", "--compress", "none", "--export", export, name);
        run("rm", "--force", name);
        return export;
    }

    void restore(String export, String name) {
        run("container", "restore", "--import", export, "--name", name);
    }

    private Path files(String container) {
        return Path.of(run("mount", container)).resolve("data");
    }

    private static void await(Path file, Path files) throws IOException {
        long end = System.nanoTime() + Child.LIMIT.toNanos();
        while (!Files.exists(file)) {
            Path error = files.resolve("error");
            assertThat(error)
                    .as(Files.exists(error) ? Files.readString(error) : "")
                    .doesNotExist();
            assertThat(System.nanoTime()).as("%s does not come", file).isLessThan(end);
            pause();
        }
    }

    private static void pause() {
        try {
            Thread.sleep(5);
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted", e);
        }
    }

    /** What a container's program holds: client, token, generation of the token, generation that its mapping shows. */
    List<String> draw(String container) throws IOException {
        Path files = files(container);
        Files.deleteIfExists(files.resolve("tokens"));
        Files.createFile(files.resolve("go"));
        await(files.resolve("tokens"), files);
        return Files.readAllLines(files.resolve("tokens"));
    }
}
