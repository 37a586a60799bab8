// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.criu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.it.Namespace;
import dev.sysgenid.it.ServedDevice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A JVM that is told of its checkpoint and its restores through the real {@code org.crac}. No JDK with CRaC can be had from where
 * the build gets its tools: {@code src/test/crac} stands in for what such a JDK tells resources, and CRIU dumps and restores the
 * process, as it does there. No hook tells the daemon: what clones renew, they renew because of {@code org.crac}.
 */
class CracIT {
    private static final List<String> ALL = List.of(
            "early's token",
            "early's SecureRandom",
            "late's token",
            "late's SecureRandom",
            "program's token",
            "program's SecureRandom");

    @TempDir(factory = InRun.class)
    Path directory;

    @BeforeEach
    void needsPrivilege() {
        Namespace.require();
        Criu.command();
    }

    private List<Map<String, String>> clones(String version, @Nullable ServedDevice device) throws IOException {
        Path place = Files.createDirectory(directory.resolve("snapshot"));
        List<String> program = JavaClones.checkpointed(version, Snapshot.home(place), device);
        try (Snapshot snapshot = Snapshot.dump(place, program, Map.of(), null)) {
            return List.of(snapshot.restore().draw(), snapshot.restore().draw());
        }
    }

    /** Who registered before the library is told of the restore before it, and who registered after it, later: both renew. */
    private static void requireThatNoneRepeats(List<Map<String, String>> clones, List<String> what) {
        Map<String, String> first = clones.getFirst();
        Map<String, String> second = clones.getLast();
        assertThat(first).as("they are clones").containsEntry("unguarded", second.get("unguarded"));
        assertThat(first)
                .containsEntry("order", "late library early early late")
                .containsEntry("guarded", "true")
                .containsEntry("late, known before", "true")
                .containsEntry("early, known before", "false")
                .containsEntry("early, known after", "false")
                .containsEntry("late, known after", "true")
                .containsEntry("program, known after", "true");
        for (String name : what) {
            assertThat(first.get(name + " after"))
                    .as(name)
                    .isNotNull()
                    .isNotEqualTo(second.get(name + " after"))
                    .isNotEqualTo(first.get(name + " before"));
        }
        assertThat(first).containsEntry("program's token after", first.get("late's token after"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"17", "25"})
    void withoutADeviceBothResourcesSeeTheNewGeneration(String version) throws IOException {
        requireThatNoneRepeats(clones(version, null), ALL);
    }

    /** Nothing of the device is open at the checkpoint, of {@code SysGenId.open(Path)} neither. */
    @ParameterizedTest
    @ValueSource(strings = {"17", "25"})
    void withADeviceToo(String version) throws IOException {
        try (ServedDevice device = ServedDevice.start()) {
            List<Map<String, String>> clones = clones(version, device);
            requireThatNoneRepeats(clones, ALL);
            requireThatNoneRepeats(clones, List.of("own device's token"));
            assertThat(clones.getFirst()).containsEntry("own device, known after", "true");
            assertThat(device.generation()).as("nobody has told the daemon").isZero();
        }
    }
}
