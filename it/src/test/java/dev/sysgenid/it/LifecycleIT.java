// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The daemon comes, goes, and dies: what its clients see of that, and what is left for the next one. */
class LifecycleIT {
    private static final Path DEVICE = Path.of("/dev/sysgenid");

    @ParameterizedTest
    @ValueSource(strings = {"passthrough", "store"})
    void clientsLearnThatTheDaemonWasStopped(String mapping) {
        try (ServedDevice device = ServedDevice.start("--mapping", mapping);
                Child orphan = orphan(device, mapping, "stopped")) {
            device.stop();
            checkOrphan(orphan);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"passthrough", "store"})
    void clientsLearnThatTheDaemonWasKilled(String mapping) {
        try (ServedDevice device = ServedDevice.start("--mapping", mapping);
                Child orphan = orphan(device, mapping, "killed")) {
            device.kill();
            checkOrphan(orphan);
        }
    }

    @Test
    void theNextDaemonTakesAwayWhatAKilledOneLeft() {
        try (ServedDevice killed = ServedDevice.startAtDefaultPaths();
                Child holder =
                        Child.start(List.of("/bin/sh", "-c", "exec 3<>/dev/sysgenid; echo open; exec sleep 1000"))) {
            holder.awaitLine("open");
            killed.bump();
            killed.kill();
            assertThat(Files.exists(DEVICE, LinkOption.NOFOLLOW_LINKS))
                    .as("the link it left")
                    .isTrue();
            try (ServedDevice next = ServedDevice.startAtDefaultPaths()) {
                assertThat(next.log()).contains("removed the mount at /run/sysgenid that a dead daemon had left");
                assertThat(next.generation()).isZero();
                next.bump();
                assertThat(next.generation()).isEqualTo(1);
            }
        }
    }

    /** By sendfile, as busybox's {@code cat} reads: the kernel gives it nothing of a file whose size is 0. */
    @Test
    void theTextFilesCanBeSent() throws IOException {
        try (ServedDevice device = ServedDevice.start()) {
            for (String name : List.of("generation", "watchers", "sources")) {
                Path file = device.mount().resolve(name);
                Path copy = device.directory().resolve(name);
                try (FileChannel from = FileChannel.open(file, StandardOpenOption.READ);
                        FileChannel to = FileChannel.open(copy, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
                    from.transferTo(0, Integer.MAX_VALUE, to);
                }
                assertThat(Files.readString(copy)).isNotEmpty().isEqualTo(Files.readString(file));
                Files.delete(copy);
            }
        }
    }

    @Test
    void aDeviceOfTheKernelIsNeverTouched() {
        Namespace.require();
        assertThat(Child.run(List.of("mknod", DEVICE.toString(), "c", "1", "3")).status())
                .isZero();
        try {
            Child.Ended refused = ServedDevice.runCommand(List.of("serve"));
            assertThat(refused.output())
                    .contains("/dev/sysgenid is a device of this kernel")
                    .contains("--device");
            assertThat(refused.status()).isEqualTo(73);
            Child.Ended node = Child.run(List.of("stat", "--format=%F %t %T", DEVICE.toString()));
            assertThat(node.output()).isEqualTo("character special file 1 3");
            assertThat(Namespace.mounts()).noneMatch(line -> line.contains(" /run/sysgenid "));
        } finally {
            Child.run(List.of("rm", DEVICE.toString()));
        }
    }

    @Test
    void aSecondDaemonIsRefusedAndTheFirstGoesOn() {
        try (ServedDevice device = ServedDevice.startAtDefaultPaths()) {
            Child.Ended refused = ServedDevice.runCommand(List.of("serve"));
            assertThat(refused.output()).contains("another daemon is serving at /run/sysgenid");
            assertThat(refused.status()).isEqualTo(73);
            device.bump();
            assertThat(device.generation()).isEqualTo(1);
        }
    }

    private static Child orphan(ServedDevice device, String mapping, String end) {
        // Not one of the fixture's own programs: those are killed before the daemon is stopped.
        Child orphan = Child.start(
                List.of(
                        CProgram.behaviour("orphan").executable().toString(),
                        device.device().toString()),
                Map.of("SYSGENID_MAPPING", mapping, "SYSGENID_END", end));
        orphan.awaitLine("# ready");
        return orphan;
    }

    private static void checkOrphan(Child orphan) {
        orphan.send("gone");
        int status = orphan.awaitExit();
        new Tap("orphan", status, orphan.output()).check();
    }
}
