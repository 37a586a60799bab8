// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.criu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.it.Child;
import dev.sysgenid.it.Namespace;
import dev.sysgenid.it.ServedDevice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Containers with mounts of their own that CRIU alone dumps and restores: the device's directory is a mount from outside. */
class MountNamespaceIT {
    private static final int CLONES = Integer.getInteger("sysgenid.it.clones", 2);

    /** Of everything that has a token, those whom a WAIT waits for. */
    private static final int WATCHERS = 4;

    @TempDir(factory = InRun.class)
    Path directory;

    @BeforeEach
    void needsPrivilege() {
        Namespace.require();
        Criu.command();
    }

    private Container start(@Nullable Path source, @Nullable Path hook) throws IOException {
        return Container.start(Files.createDirectory(directory.resolve("container")), source, hook);
    }

    /** Reader, poller, mapping, descriptor, and a mapping whose descriptor is closed: each is told, and none repeats. */
    @Test
    void clonesRenewEach() throws IOException {
        try (ServedDevice device = ServedDevice.start();
                Container container = start(device.mount(), Hook.install(directory, device.device()))) {
            Child.Ended refused = container.tryDump();
            assertThat(refused.status()).as("CRIU is to be told of the mount").isNotZero();
            assertThat(refused.output()).contains("fuse");
            container.dump();
            assertThat(device.watchers()).isEmpty();

            List<Container.Clone> clones = new ArrayList<>();
            for (int i = 1; i <= CLONES; i++) {
                Container.Clone clone = container.restore(device.mount());
                assertThat(clone.generationBeforeItRan()).isEqualTo(i);
                clones.add(clone);
            }
            assertThat(device.watchers()).hasSize(CLONES * WATCHERS);
            requireThatNoneRepeats(clones, device, CLONES);

            // All of it works on: a bump reaches each in every way, and each acknowledges.
            device.bump();
            requireThatNoneRepeats(clones, device, CLONES + 1);
        }
    }

    private static void requireThatNoneRepeats(List<Container.Clone> clones, ServedDevice device, long generation)
            throws IOException {
        awaitAcknowledged(device);
        Set<String> all = new HashSet<>();
        for (Container.Clone clone : clones) {
            Map<String, String> drawn = clone.draw();
            assertThat(drawn).hasSize(5);
            assertThat(drawn.values()).allMatch(token -> token.endsWith(" " + generation + " " + generation));
            all.addAll(drawn.values());
        }
        assertThat(all).hasSize(5 * clones.size());
    }

    private static void awaitAcknowledged(ServedDevice device, String... options) {
        List<String> words = new ArrayList<>(List.of("wait", "--timeout", "60s"));
        words.addAll(List.of("--device", device.device().toString()));
        words.addAll(List.of(options));
        Child.Ended waited = ServedDevice.runCommand(words);
        assertThat(waited.status()).as(waited.output()).isZero();
    }

    /** What CRIU mounts is a matter of the restore: each clone gets a domain of its own, and only that one is bumped. */
    @Test
    void eachCloneHasADomainOfItsOwn() throws IOException {
        try (ServedDevice device = ServedDevice.start()) {
            Path original = Files.createDirectory(device.mount().resolve("original"));
            Files.writeString(original.resolve("generation"), "20\n");
            try (Container container = start(original, Hook.install(directory, device.device()))) {
                container.dump();
                Set<String> all = new HashSet<>();
                for (int i = 1; i <= CLONES; i++) {
                    String domain = "clone" + i;
                    Path own = Files.createDirectory(device.mount().resolve(domain));
                    Container.Clone clone = container.restore(own);
                    assertThat(clone.generationBeforeItRan())
                            .as("above the dumped one")
                            .isEqualTo(21);
                    awaitAcknowledged(device, "--domain", domain);
                    Map<String, String> drawn = clone.draw();
                    assertThat(drawn.values()).hasSize(5).allMatch(token -> token.endsWith(" 21 21"));
                    all.addAll(drawn.values());
                }
                assertThat(all).hasSize(5 * CLONES);
                assertThat(device.generation()).as("nobody else is disturbed").isZero();
                for (int i = 1; i <= CLONES; i++) {
                    assertThat(device.mount().resolve("clone" + i + "/generation"))
                            .hasContent("21");
                }
            }
        }
    }

    /** The same container without the device, and without the hook: what the other tests are worth. */
    @Test
    void withoutItTheyRepeatEachOther() throws IOException {
        try (Container container = start(null, null)) {
            container.dump();
            Map<String, String> first = container.restore(null).draw();
            assertThat(first).hasSize(5).isEqualTo(container.restore(null).draw());
        }
    }
}
