// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.criu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.it.CProgram;
import dev.sysgenid.it.Child;
import dev.sysgenid.it.Namespace;
import dev.sysgenid.it.ServedDevice;
import dev.sysgenid.linux.Poll;
import dev.sysgenid.linux.Unistd;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A container of podman's and runc's, with mounts of its own, whose exported checkpoint is restored twice, side by side. */
class ContainersIT {
    /** A container has the device's directory. Its path is the same inside, so that CRIU's paths mean the same. */
    private static final Path MOUNT = Path.of("/run/sysgenid");

    private static final String DEVICE = "/run/sysgenid/sysgenid";
    private static final List<String> CLONES = List.of("clone1", "clone2");

    @TempDir(factory = InRun.class)
    Path directory;

    /** By itself CRIU gives up on a dump after ten seconds, as if a thread could not be stopped. */
    private static final String PATIENCE = "timeout " + Child.LIMIT.toSeconds() + "\n";

    private List<String> podman = List.of();

    @BeforeEach
    void needsPodman() throws IOException {
        Namespace.require();
        Criu.command();
        Child.Ended probe = Child.run(List.of("/bin/sh", "-c", "podman --version && runc --version"));
        if (probe.status() != 0 && System.getenv("SYSGENID_CI_RUN") != null) {
            throw new AssertionError("no podman with runc: " + probe.output());
        }
        Assumptions.assumeTrue(
                probe.status() == 0,
                () -> "SKIPPED: no podman with runc (Debian: apt install podman runc): " + probe.output());
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
    }

    @AfterEach
    void removeContainers() {
        if (!podman.isEmpty()) {
            podmanMayFail("rm", "--all", "--force", "--time", "0");
            // Empty now, if nobody else's containers are in it; podman makes it again when it wants it.
            Child.run(List.of(
                    "/bin/sh", "-c", "find /sys/fs/cgroup -depth -path '*/libpod_parent*' -type d -exec rmdir {} +"));
        }
    }

    private Child.Ended podmanMayFail(String... arguments) {
        List<String> command = new ArrayList<>(podman);
        command.addAll(List.of(arguments));
        return Child.run(command);
    }

    private String podman(String... arguments) {
        Child.Ended ended = podmanMayFail(arguments);
        assertThat(ended.status())
                .as(() -> "podman " + String.join(" ", arguments) + "\n" + ended.output() + "\n" + criuSaid())
                .isZero();
        return ended.output().strip();
    }

    /** What CRIU and the hook said went wrong, wherever podman keeps that. */
    private String criuSaid() {
        return Child.run(
                        List.of(
                                "/bin/sh",
                                "-c",
                                "find " + directory + " -name 'dump.log' -o -name 'restore.log' | while read -r log; do"
                                        + " echo \"$log\"; grep -a -e Error -e '^sysgenid' -e '^  ' \"$log\" | tail -n 20; done"))
                .output();
    }

    /** The image: one program without libraries. */
    private void makeImage() throws IOException {
        Path root = Files.createDirectory(directory.resolve("image"));
        for (String name : List.of("data", "dev", "proc", "sys", "run", "tmp", "etc")) {
            Files.createDirectory(root.resolve(name));
        }
        Files.copy(
                CProgram.behaviour("clones", CProgram.Bits.STATIC).executable(),
                root.resolve("clones"),
                java.nio.file.StandardCopyOption.COPY_ATTRIBUTES);
        Path archive = directory.resolve("image.tar");
        Child.Ended tar = Child.run(List.of("tar", "-C", root.toString(), "-cf", archive.toString(), "."));
        assertThat(tar.status()).as(tar.output()).isZero();
        podman("import", archive.toString(), "clones");
    }

    /** What {@code hook install runc} writes, under the name that an annotation gives it: it travels with the export. */
    private Path configuration() throws IOException {
        Path hook = Hook.install(directory, Path.of(DEVICE));
        return Files.writeString(
                directory.resolve("criu.conf"),
                Files.readString(directory.resolve("etc/criu/default.conf"))
                                .replace("/etc/criu/sysgenid-hook", hook.toString())
                        + PATIENCE);
    }

    private Path files(String container) {
        return Path.of(podman("mount", container)).resolve("data");
    }

    private static void await(Path file) {
        long end = System.nanoTime() + Child.LIMIT.toNanos();
        while (!Files.exists(file)) {
            assertThat(System.nanoTime()).as("%s does not come", file).isLessThan(end);
            try {
                Thread.sleep(5);
            } catch (InterruptedException e) {
                throw new AssertionError("interrupted", e);
            }
        }
    }

    /** What a container's program holds: client, token, generation of the token, generation that its mapping shows. */
    private List<String> draw(String container) throws IOException {
        Path files = files(container);
        Files.createFile(files.resolve("go"));
        await(files.resolve("tokens"));
        return Files.readAllLines(files.resolve("tokens"));
    }

    private void startContainer(Path configuration, Path source) {
        podman(
                "run",
                "--detach",
                "--name=original",
                "--annotation=org.criu.config=" + configuration,
                "--network=none",
                "--ulimit=nofile=1000:1000",
                "--ulimit=nproc=1000:1000",
                "--volume=" + source + ":" + MOUNT,
                "clones",
                "/clones",
                "/data",
                DEVICE);
        await(files("original").resolve("ready"));
    }

    @Test
    void clonesOfAContainerRenewEach() throws IOException {
        try (ServedDevice device = ServedDevice.startAtDefaultPaths()) {
            makeImage();
            startContainer(configuration(), MOUNT);
            String export = directory.resolve("export.tar").toString();
            podman("container", "checkpoint", "--export", export, "original");
            podman("rm", "--force", "original");
            assertThat(device.watchers()).isEmpty();

            for (String clone : CLONES) {
                long before = device.generation();
                podman("container", "restore", "--import", export, "--name", clone);
                assertThat(device.generation()).as("the restore has bumped").isGreaterThan(before);
            }
            assertThat(device.watchers()).hasSize(8);

            Child.Ended waited = ServedDevice.runCommand(List.of("wait", "--timeout", "60s", "--device", DEVICE));
            assertThat(waited.status()).as(waited.output()).isZero();
            List<String> first = draw(CLONES.getFirst());
            List<String> second = draw(CLONES.getLast());
            assertThat(first).hasSize(5).doesNotContainAnyElementsOf(second);
            String generation = " " + device.generation() + " " + device.generation();
            assertThat(first).allMatch(line -> line.endsWith(generation));
            assertThat(second).allMatch(line -> line.endsWith(generation));
            removeContainers();
        }
    }

    /**
     * An export with another domain mounted. Podman restores a container with the mounts that it had, so what is made of one export has
     * one domain, unless the export says otherwise.
     */
    private String exportFor(String clone, Path export) throws IOException {
        Path made = directory.resolve(clone + ".tar");
        Path unpacked = Files.createDirectory(directory.resolve(clone));
        Child.Ended ended = Child.run(List.of(
                "/bin/sh",
                "-ec",
                "tar -C \"$1\" -xf \"$2\"; sed -i \"s|$4/original|$4/$5|g\" \"$1\"/config.dump \"$1\"/spec.dump;"
                        + " tar -C \"$1\" -cf \"$3\" .",
                "sh",
                unpacked.toString(),
                export.toString(),
                made.toString(),
                MOUNT.toString(),
                clone));
        assertThat(ended.status()).as(ended.output()).isZero();
        return made.toString();
    }

    private static long generation(String domain) throws IOException {
        return Long.parseLong(
                Files.readString(MOUNT.resolve(domain).resolve("generation")).strip());
    }

    /** Each clone has a domain of its own, and its restore is a bump of that one: nobody else hears of it. */
    @Test
    void aContainersRestoreIsABumpOfItsOwnDomain() throws IOException {
        try (ServedDevice device = ServedDevice.startAtDefaultPaths()) {
            for (String domain : List.of("original", "clone1", "clone2", "bystander")) {
                Files.createDirectory(MOUNT.resolve(domain));
            }
            int ofMachine = Unistd.open(DEVICE, Unistd.O_RDWR | Unistd.O_NONBLOCK | Unistd.O_CLOEXEC, 0);
            int bystander = Unistd.open(
                    MOUNT.resolve("bystander/sysgenid").toString(),
                    Unistd.O_RDWR | Unistd.O_NONBLOCK | Unistd.O_CLOEXEC,
                    0);
            makeImage();
            startContainer(configuration(), MOUNT.resolve("original"));
            Files.writeString(MOUNT.resolve("original/generation"), "20\n");
            Path export = directory.resolve("export.tar");
            podman("container", "checkpoint", "--compress", "none", "--export", export.toString(), "original");
            podman("rm", "--force", "original");
            Files.delete(MOUNT.resolve("original"));

            for (String clone : CLONES) {
                long first = generation("clone1");
                podman("container", "restore", "--import", exportFor(clone, export), "--name", clone);
                assertThat(generation(clone)).as("above the dumped one").isGreaterThan(20);
                assertThat(generation("clone1")).isGreaterThanOrEqualTo(first);
                if (clone.equals("clone2")) {
                    assertThat(generation("clone1"))
                            .as("when the other is restored")
                            .isEqualTo(first);
                }
            }
            assertThat(device.generation()).isZero();
            assertThat(generation("bystander")).isZero();
            for (int undisturbed : List.of(ofMachine, bystander)) {
                assertThat(events(undisturbed)).as("nobody else is disturbed").isZero();
            }
            for (String clone : CLONES) {
                Child.Ended waited = ServedDevice.runCommand(
                        List.of("wait", "--timeout", "60s", "--domain", clone, "--device", DEVICE));
                assertThat(waited.status()).as(waited.output()).isZero();
                assertThat(Files.readAllLines(MOUNT.resolve(clone).resolve("watchers")))
                        .hasSize(5);
            }
            List<String> first = draw("clone1");
            List<String> second = draw("clone2");
            assertThat(first).hasSize(5).doesNotContainAnyElementsOf(second);
            String generation = " " + generation("clone1") + " " + generation("clone1");
            assertThat(first).allMatch(line -> line.endsWith(generation));

            device.bump();
            assertThat(events(ofMachine)).as("a restore of the machine").isNotZero();
            assertThat(events(bystander)).isNotZero();
            assertThat(generation("bystander")).isEqualTo(1);
            Unistd.close(ofMachine);
            Unistd.close(bystander);
            removeContainers();
        }
    }

    private static int events(int watcher) {
        return Poll.poll(watcher, Poll.POLLIN, 0);
    }

    /** The same program without the device, and without the hook: what the other test is worth. */
    @Test
    void withoutItTheyRepeatEachOther() throws IOException {
        makeImage();
        podman(
                "run",
                "--detach",
                "--name=original",
                "--network=none",
                "--ulimit=nofile=1000:1000",
                "--ulimit=nproc=1000:1000",
                "clones",
                "/clones",
                "/data");
        await(files("original").resolve("ready"));
        String export = directory.resolve("export.tar").toString();
        podman("container", "checkpoint", "--export", export, "original");
        podman("rm", "--force", "original");
        for (String clone : CLONES) {
            podman("container", "restore", "--import", export, "--name", clone);
        }
        assertThat(draw(CLONES.getFirst())).hasSize(5).isEqualTo(draw(CLONES.getLast()));
    }

    @Test
    void withoutADaemonNoContainerIsRestored() throws IOException {
        String export = directory.resolve("export.tar").toString();
        try (ServedDevice device = ServedDevice.startAtDefaultPaths()) {
            makeImage();
            startContainer(configuration(), MOUNT);
            podman("container", "checkpoint", "--export", export, "original");
            podman("rm", "--force", "original");
            assertThat(device.watchers()).isEmpty();
        }
        Child.Ended restored = podmanMayFail("container", "restore", "--import", export, "--name", "clone1");
        assertThat(restored.status()).as(restored.output()).isNotZero();
    }
}
