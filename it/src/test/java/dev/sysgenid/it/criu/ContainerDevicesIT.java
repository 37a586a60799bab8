// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.criu;

import static dev.sysgenid.it.criu.Podman.DEVICE;
import static dev.sysgenid.it.criu.Podman.MOUNT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.it.Child;
import dev.sysgenid.it.ServedDevice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A container that finds its domain at {@code /dev/sysgenid}, where some programs look and nowhere else; and the hook at the paths
 * to which it is installed.
 */
class ContainerDevicesIT {
    private static final String USUAL = "/dev/sysgenid";
    private static final Path WEB = MOUNT.resolve("web");
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

    private static long generation() throws IOException {
        return Long.parseLong(Files.readString(WEB.resolve("generation")).strip());
    }

    private static String sysgenid(String... words) {
        Child.Ended ended = ServedDevice.runCommand(List.of(words));
        assertThat(ended.status()).as(ended.output()).isZero();
        return ended.output();
    }

    /** Everybody in it has renewed for that generation, and its mapping shows it. */
    private List<String> requireRenewed(String container, long generation) throws IOException {
        sysgenid("wait", "--domain", "web", "--timeout", "60s", "--device", DEVICE);
        List<String> drawn = podman.draw(container);
        assertThat(drawn).hasSize(CLIENTS).allMatch(line -> line.endsWith(" " + generation + " " + generation));
        return drawn;
    }

    /** A bump of the domain reaches it, and one of the machine. */
    private void requireThatItIsTold(ServedDevice device, String container) throws IOException {
        long before = generation();
        sysgenid("bump", "--domain", "web", "--wait", "--timeout", "60s", "--device", DEVICE);
        assertThat(generation()).isEqualTo(before + 1);
        assertThat(device.generation()).isZero();
        requireRenewed(container, before + 1);
        sysgenid("bump", "--device", DEVICE);
        requireRenewed(container, before + 2);
    }

    /** The file itself, mounted there: all opens show the same page. */
    @Test
    void theFileTellsAndIsAcknowledgedAndCannotBeCheckpointedOnceItWasOpenedOutside() throws IOException {
        try (ServedDevice device = ServedDevice.startAtDefaultPaths()) {
            Files.createDirectory(WEB);
            podman.start(
                    "original",
                    podman.configuration(),
                    WEB.resolve("sysgenid") + ":" + USUAL,
                    "/clones",
                    "/data",
                    USUAL);
            String export = podman.checkpoint("original");
            long dumped = generation();
            podman.restore(export, "clone");
            assertThat(generation()).as("the hook finds the domain by its file").isGreaterThan(dumped);
            assertThat(device.generation()).isZero();
            requireRenewed("clone", generation());
            requireThatItIsTold(device, "clone");

            // By now somebody outside has opened it by its name, and the file of the mount has that name no more.
            Child.Ended refused = podman.mayFail(
                    "container",
                    "checkpoint",
                    "--export",
                    directory.resolve("second.tar").toString(),
                    "clone");
            assertThat(refused.status()).as(refused.output()).isNotZero();
            assertThat(podman.criuSaid()).contains("Can't create link remap for " + USUAL);
            sysgenid("bump", "--domain", "web", "--wait", "--timeout", "60s", "--device", DEVICE);
            requireRenewed("clone", generation());
            podman.close();
        }
    }

    /** The directory, and a link to it that the container's start makes: this can be checkpointed at any time. */
    @Test
    void aLinkToTheDirectoryTellsAndCanBeCheckpointed() throws IOException {
        try (ServedDevice device = ServedDevice.startAtDefaultPaths()) {
            Files.createDirectory(WEB);
            podman.start(
                    "original",
                    podman.configuration(),
                    WEB + ":" + MOUNT,
                    "/linked",
                    DEVICE,
                    USUAL,
                    "/clones",
                    "/data",
                    USUAL);
            requireThatItIsTold(device, "original");
            String export = podman.checkpoint("original");
            List<String> all = new ArrayList<>();
            for (String clone : List.of("clone1", "clone2")) {
                podman.restore(export, clone);
            }
            for (String clone : List.of("clone1", "clone2")) {
                all.addAll(requireRenewed(clone, generation()));
            }
            assertThat(all).doesNotHaveDuplicates();
            podman.close();
        }
    }

    /** Runc and podman as they are configured by it, with nothing said to the container. */
    @Test
    void whatIsInstalledIsCalled() throws IOException {
        Path etc = directory.resolve("etc");
        Path configuration = Path.of("/etc/criu/runc.conf");
        Child.Ended mounted = Child.run(List.of(
                "/bin/sh",
                "-ec",
                "cp -a /etc \"$1\"; mount --bind \"$1\" /etc; mkdir -p /etc/criu",
                "sh",
                etc.toString()));
        assertThat(mounted.status()).as(mounted.output()).isZero();
        try (ServedDevice device = ServedDevice.startAtDefaultPaths()) {
            Files.writeString(configuration, Podman.PATIENCE);
            String launcher = Hook.launcher(directory).toString();
            assertThat(sysgenid("hook", "install", "runc", "--command", launcher))
                    .isEqualTo("written    /etc/criu/sysgenid-hook\nchanged    /etc/criu/runc.conf");
            assertThat(configuration)
                    .content()
                    .startsWith(Podman.PATIENCE)
                    .contains("action-script /etc/criu/sysgenid-hook");
            device.bump(20);
            podman.start("original", null, MOUNT + ":" + MOUNT, "/clones", "/data", DEVICE);
            String export = podman.checkpoint("original");
            podman.restore(export, "runc");
            assertThat(device.generation()).isGreaterThan(20);

            assertThat(sysgenid("hook", "uninstall", "runc")).contains("removed    /etc/criu/sysgenid-hook");
            long before = device.generation();
            podman.restore(export, "uninstalled");
            assertThat(device.generation()).as("nobody has told of that one").isEqualTo(before);

            sysgenid("hook", "install", "podman", "--command", launcher);
            podman.restore(export, "podman");
            assertThat(device.generation()).isGreaterThan(before);
            sysgenid("wait", "--timeout", "60s", "--device", DEVICE);
            List<String> all = new ArrayList<>();
            for (String clone : List.of("runc", "uninstalled", "podman")) {
                all.addAll(podman.draw(clone));
            }
            assertThat(all)
                    .as("the last restore has all renew")
                    .hasSize(3 * CLIENTS)
                    .doesNotHaveDuplicates();
            podman.close();
        } finally {
            Child.Ended ended = Child.run(
                    List.of("/bin/sh", "-ec", "umount -l /etc; rm -rf --one-file-system \"$1\"", "sh", etc.toString()));
            assertThat(ended.status()).as(ended.output()).isZero();
        }
    }
}
