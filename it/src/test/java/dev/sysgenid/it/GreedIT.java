// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.abi.Ioctl;
import dev.sysgenid.linux.Processes;
import dev.sysgenid.linux.Unistd;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Users who want more than there is for one of them. */
class GreedIT {
    private static final int NOBODY = 65534;

    @BeforeEach
    void needsPrivilege() {
        Namespace.require();
    }

    private static Child greedy(ServedDevice device, List<String> as, Path file, int user, int tries, int threads) {
        List<String> command = new ArrayList<>(as);
        command.addAll(List.of(
                CProgram.behaviour("greedy").executable().toString(),
                file.toString(),
                Integer.toString(user),
                Integer.toString(tries),
                Integer.toString(threads)));
        return device.startProgram(command);
    }

    private static int open(ServedDevice device) {
        int file = Unistd.open(
                device.mount().resolve("sysgenid").toString(), Unistd.O_RDWR | Unistd.O_NONBLOCK | Unistd.O_CLOEXEC, 0);
        assertThat(file).isPositive();
        return file;
    }

    /** Each refusal makes the daemon look for what was given back; it goes on with everything else all the same. */
    @ParameterizedTest
    @ValueSource(strings = {"passthrough", "store"})
    void whoIsRefusedInALoopHoldsUpNobody(String mapping) throws Exception {
        try (ServedDevice device = ServedDevice.start("--mapping", mapping, "--watchers-per-user", "4")) {
            Path file = device.mount().resolve("sysgenid");
            Child greedy = greedy(device, List.of(), file, NOBODY, 5, 64);
            greedy.awaitLine("opened 4, then EMFILE");

            int late = open(device);
            for (int i = 1; i <= 50; i++) {
                assertThat(Unistd.ioctl(late, Ioctl.TRIGGER_GEN_UPDATE, 0L)).isZero();
            }
            assertThat(device.generation()).isEqualTo(50);
            Child.Ended wait = Child.run(ServedDevice.command(
                    List.of("wait", "--device", device.device().toString(), "--timeout", "1s")));
            assertThat(wait.status()).as(wait.output()).isEqualTo(124);

            assertThat(greedy.isAlive()).isTrue();
            ProcessHandle daemon = ProcessHandle.of(device.pid()).orElseThrow();
            assertThat(Processes.kill((int) device.pid(), 15)).isZero();
            daemon.onExit().get(Child.LIMIT.toSeconds(), TimeUnit.SECONDS);
            Unistd.close(late);
            assertThat(device.log()).doesNotContain("defect", "makes no sense");
        }
    }

    @Test
    void listsOfWatchersAreCounted() {
        try (ServedDevice device = ServedDevice.start()) {
            Child greedy = greedy(device, List.of(), device.mount().resolve("watchers"), NOBODY, 20_000, 0);
            greedy.awaitLine("opened 1024, then EMFILE");
            assertThat(device.watchers()).as("root reads it").isEmpty();
            greedy.closeInput();
            assertThat(greedy.awaitExit()).isZero();
            greedy(device, List.of(), device.mount().resolve("watchers"), NOBODY, 1, 0)
                    .awaitLine("opened 1, then all were");
        }
    }

    /** A setuid program that writes a number to its output would be one who may bump. */
    @Test
    void theGenerationIsNoOutputForOthers() {
        try (ServedDevice device = ServedDevice.start()) {
            Path domain = device.mount().resolve("web");
            assertThat(Unistd.mkdir(domain.toString(), 0755)).isZero();
            String file = domain.resolve("generation").toString();
            List<String> nobody = List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--");
            List<String> command = new ArrayList<>(nobody);
            command.addAll(List.of("/bin/sh", "-c", "cat $0; (: 9>$0) && echo opened", file));
            Child.Ended ended = Child.run(command);
            assertThat(ended.output())
                    .startsWith("0\n")
                    .contains("Permission denied")
                    .doesNotContain("opened");
            Child.Ended root = Child.run(List.of("/bin/sh", "-c", "echo 7 >$0; cat $0", file));
            assertThat(root.output().strip()).isEqualTo("7");
        }
    }

    /** Whoever has a domain's device open keeps it from being removed. */
    @Test
    void aDomainCanBeClosedToOthers() {
        try (ServedDevice device = ServedDevice.start()) {
            Child.Ended made = Child.run(ServedDevice.command(
                    List.of("domain", "create", "--device", device.device().toString(), "--mode", "0700", "web")));
            assertThat(made.status()).as(made.output()).isZero();
            Path file = device.mount().resolve("web/sysgenid");
            greedy(device, List.of(), file, NOBODY, 3, 0).awaitLine("opened 0, then EACCES");
            greedy(device, List.of(), file, 0, 3, 0).awaitLine("opened 3, then all were");
            assertThat(Unistd.chmod(device.mount() + "/web", 0711)).isZero();
            greedy(device, List.of(), file, NOBODY, 3, 0).awaitLine("opened 3, then all were");
            assertThat(Child.run(List.of("mkdir", "-m", "700", device.mount() + "/other"))
                            .status())
                    .isZero();
            greedy(device, List.of(), device.mount().resolve("other/sysgenid"), NOBODY, 3, 0)
                    .awaitLine("opened 0, then EACCES");
        }
    }

    /** As in a container without a user namespace of its own: the number 0, and nothing else of root. */
    @Test
    void rootWithoutCapabilitiesIsAUserAsAllOthers() {
        try (ServedDevice device = ServedDevice.start("--watchers-per-user", "4")) {
            Path file = device.mount().resolve("sysgenid");
            greedy(device, List.of("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--"), file, 0, 10, 0)
                    .awaitLine("opened 4, then EMFILE");
            greedy(device, List.of(), file, 0, 10, 0).awaitLine("opened 10, then all were");
        }
    }
}
