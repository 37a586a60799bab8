// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.criu;

import static dev.sysgenid.it.criu.Podman.DEVICE;
import static dev.sysgenid.it.criu.Podman.MOUNT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.it.Child;
import dev.sysgenid.it.ServedDevice;
import dev.sysgenid.linux.Poll;
import dev.sysgenid.linux.Unistd;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A container of podman's and runc's, with mounts of its own, whose exported checkpoint is restored more than once, side by side. */
class ContainersIT {
    private static final List<String> CLONES = IntStream.rangeClosed(
                    1, Math.max(2, Integer.getInteger("sysgenid.it.clones", 2)))
            .mapToObj(number -> "clone" + number)
            .toList();

    private static final int CLIENTS = 5;

    @TempDir(factory = InRun.class)
    Path directory;

    @SuppressWarnings("NullAway.Init") // before each test
    private Podman podman;

    @BeforeEach
    void makePodman() throws IOException {
        podman = new Podman(directory);
    }

    @AfterEach
    void removeContainers() {
        if (podman != null) { // where there is none the test is skipped
            podman.close();
        }
    }

    private void startContainer(Path configuration, Path source) throws IOException {
        podman.start("original", configuration, source + ":" + MOUNT, "/clones", "/data", DEVICE);
    }

    /** All of them hold other tokens, of this generation. */
    private void requireThatNoneRepeats(String clone, long generation, Set<String> others) throws IOException {
        List<String> drawn = podman.draw(clone);
        assertThat(drawn).hasSize(CLIENTS).allMatch(line -> line.endsWith(" " + generation + " " + generation));
        assertThat(others).doesNotContainAnyElementsOf(drawn);
        others.addAll(drawn);
    }

    private static void awaitAcknowledged(String... options) {
        List<String> words = new ArrayList<>(List.of("wait", "--timeout", "60s", "--device", DEVICE));
        words.addAll(List.of(options));
        Child.Ended waited = ServedDevice.runCommand(words);
        assertThat(waited.status()).as(waited.output()).isZero();
    }

    @Test
    void clonesOfAContainerRenewEach() throws IOException {
        try (ServedDevice device = ServedDevice.startAtDefaultPaths()) {
            startContainer(podman.configuration(), MOUNT);
            String export = podman.checkpoint("original");
            assertThat(device.watchers()).isEmpty();

            for (String clone : CLONES) {
                long before = device.generation();
                podman.restore(export, clone);
                assertThat(device.generation()).as("the restore has bumped").isGreaterThan(before);
            }
            assertThat(device.watchers()).hasSize(4 * CLONES.size());

            awaitAcknowledged();
            Set<String> all = new HashSet<>();
            for (String clone : CLONES) {
                requireThatNoneRepeats(clone, device.generation(), all);
            }
            podman.close();
        }
    }

    /**
     * An export with another domain mounted. Podman restores a container with the mounts that it had, so what is made of one export has
     * one domain, unless the export says otherwise.
     */
    private String exportFor(String clone, String export) throws IOException {
        Path made = directory.resolve(clone + ".tar");
        Path unpacked = Files.createDirectory(directory.resolve(clone));
        Child.Ended ended = Child.run(List.of(
                "/bin/sh",
                "-ec",
                "tar -C \"$1\" -xf \"$2\"; sed -i \"s|$4/original|$4/$5|g\" \"$1\"/config.dump \"$1\"/spec.dump;"
                        + " tar -C \"$1\" -cf \"$3\" .",
                "sh",
                unpacked.toString(),
                export,
                made.toString(),
                MOUNT.toString(),
                clone));
        assertThat(ended.status()).as(ended.output()).isZero();
        return made.toString();
    }

    /** Each clone has a domain of its own, and its restore is a bump of that one: nobody else hears of it. */
    @Test
    void aContainersRestoreIsABumpOfItsOwnDomain() throws IOException {
        try (ServedDevice device = ServedDevice.startAtDefaultPaths()) {
            Files.createDirectory(MOUNT.resolve("original"));
            Files.createDirectory(MOUNT.resolve("bystander"));
            for (String clone : CLONES) {
                Files.createDirectory(MOUNT.resolve(clone));
            }
            int ofMachine = watcher(DEVICE);
            int bystander = watcher(MOUNT.resolve("bystander/sysgenid").toString());
            startContainer(podman.configuration(), MOUNT.resolve("original"));
            Files.writeString(MOUNT.resolve("original/generation"), "20\n");
            String export = podman.checkpoint("original");
            Files.delete(MOUNT.resolve("original"));

            List<Long> generations = new ArrayList<>();
            for (String clone : CLONES) {
                podman.restore(exportFor(clone, export), clone);
                assertThat(generation(clone)).as("above the dumped one").isGreaterThan(20);
                generations.add(generation(clone));
                for (int i = 0; i < generations.size(); i++) {
                    assertThat(generation(CLONES.get(i)))
                            .as("%s when %s is restored", CLONES.get(i), clone)
                            .isEqualTo(generations.get(i));
                }
            }
            assertThat(device.generation()).isZero();
            assertThat(generation("bystander")).isZero();
            for (int undisturbed : List.of(ofMachine, bystander)) {
                assertThat(events(undisturbed)).as("nobody else is disturbed").isZero();
            }
            Set<String> all = new HashSet<>();
            for (String clone : CLONES) {
                awaitAcknowledged("--domain", clone);
                assertThat(Files.readAllLines(MOUNT.resolve(clone).resolve("watchers")))
                        .hasSize(5);
                requireThatNoneRepeats(clone, generation(clone), all);
            }

            device.bump();
            assertThat(events(ofMachine)).as("a restore of the machine").isNotZero();
            assertThat(events(bystander)).isNotZero();
            assertThat(generation("bystander")).isEqualTo(1);
            Unistd.close(ofMachine);
            Unistd.close(bystander);
            podman.close();
        }
    }

    private static int watcher(String device) {
        return Unistd.open(device, Unistd.O_RDWR | Unistd.O_NONBLOCK | Unistd.O_CLOEXEC, 0);
    }

    private static int events(int watcher) {
        return Poll.poll(watcher, Poll.POLLIN, 0);
    }

    /** The same program without the device, and without the hook: what the other tests are worth. */
    @Test
    void withoutItTheyRepeatEachOther() throws IOException {
        podman.start("original", null, null, "/clones", "/data");
        String export = podman.checkpoint("original");
        for (String clone : CLONES) {
            podman.restore(export, clone);
        }
        List<String> first = podman.draw(CLONES.getFirst());
        assertThat(first).hasSize(CLIENTS);
        for (String clone : CLONES.subList(1, CLONES.size())) {
            assertThat(podman.draw(clone)).isEqualTo(first);
        }
    }

    /**
     * It is the hook that keeps a container from being restored where nobody would be told. Its program does not have the device open,
     * which is there no more, so CRIU itself could restore it, and does without the hook.
     */
    @Test
    void withoutADaemonNoContainerIsRestored() throws IOException {
        Path configuration;
        String export;
        try (ServedDevice device = ServedDevice.startAtDefaultPaths()) {
            configuration = podman.configuration();
            podman.start("original", configuration, MOUNT + ":" + MOUNT, "/clones", "/data");
            export = podman.checkpoint("original");
            assertThat(device.watchers()).isEmpty();
        }
        Files.createDirectory(MOUNT); // what the daemon took away, and podman mounts
        try {
            Child.Ended restored = podman.mayFail("container", "restore", "--import", export, "--name", "clone1");
            assertThat(restored.status()).as(restored.output()).isNotZero();
            assertThat(podman.criuSaid())
                    .contains("sysgenid: the restore is aborted: ", "start it with: sysgenid serve");

            podman.mayFail("rm", "--force", "clone1");
            Files.writeString(configuration, Podman.PATIENCE);
            podman.restore(export, "clone2");
            assertThat(podman.draw("clone2")).hasSize(CLIENTS);
            podman.close();
        } finally {
            Files.delete(MOUNT);
        }
    }

    private static long generation(String domain) throws IOException {
        return Long.parseLong(
                Files.readString(MOUNT.resolve(domain).resolve("generation")).strip());
    }
}
