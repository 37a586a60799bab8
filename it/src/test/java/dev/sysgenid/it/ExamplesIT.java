// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/** The programs of {@code examples/c} do what they say: the four ways to use the device. */
class ExamplesIT {
    @Test
    void aWatchdogRenewsAndAcknowledgesEachGeneration() {
        try (ServedDevice device = ServedDevice.start()) {
            Child watchdog = device.start(CProgram.example("watchdog"));
            watchdog.awaitLine("watching");
            for (int generation = 1; generation <= 5; generation++) {
                device.bump();
                watchdog.awaitLine("renewed for generation " + generation);
            }
            // Its last ack comes after it prints; whoever waits for it is not kept waiting.
            orchestrate(device, "generation 6: all have renewed");
            watchdog.awaitLine("renewed for generation 6");
            assertThat(watchdog.isAlive()).isTrue();
            assertThat(watchdog.output().lines()).hasSize(7);
        }
    }

    @Test
    void anEventLoopServesItsRequestsUnderASessionOfTheMoment() {
        try (ServedDevice device = ServedDevice.start()) {
            Child loop = device.start(CProgram.example("eventloop"));
            String first = afterSession(loop.awaitLine("session "));
            loop.send("hello");
            assertThat(afterSession(loop.awaitLine("served: "))).isEqualTo(first);

            device.bump();
            String second = afterSession(loop.awaitLine("generation 1: "));
            loop.send("hello");
            assertThat(afterSession(loop.awaitLine("served: ")))
                    .isEqualTo(second)
                    .isNotEqualTo(first);
            assertThat(loop.output()).doesNotContain("generation 2");
            loop.closeInput();
            assertThat(loop.awaitExit()).isZero();
        }
    }

    @Test
    void aCachedSecretIsKeptWithinAGenerationAndNotBeyond() {
        try (ServedDevice device = ServedDevice.start()) {
            Child mapped = device.start(CProgram.example("mapped"));
            String first = secret(mapped);
            assertThat(secret(mapped)).isEqualTo(first);
            assertThat(device.watchers()).as("it is no watcher").isEmpty();
            device.bump();
            String second = secret(mapped);
            assertThat(second).isNotEqualTo(first);
            assertThat(secret(mapped)).isEqualTo(second);
            device.bump();
            device.bump();
            assertThat(secret(mapped)).isNotIn(first, second);
            mapped.closeInput();
            assertThat(mapped.awaitExit()).isZero();
        }
    }

    @Test
    void anOrchestratorReportsWhenAllHaveRenewed() {
        try (ServedDevice device = ServedDevice.start()) {
            orchestrate(device, "generation 1: all have renewed");

            Child watchdog = device.start(CProgram.example("watchdog"));
            Child loop = device.start(CProgram.example("eventloop"));
            Child mapped = device.start(CProgram.example("mapped"));
            watchdog.awaitLine("watching");
            loop.awaitLine("session ");
            String secret = secret(mapped);

            orchestrate(device, "generation 2: all have renewed");
            watchdog.awaitLine("renewed for generation 2");
            loop.awaitLine("generation 2: ");
            assertThat(secret(mapped)).isNotEqualTo(secret);
        }
    }

    @Test
    void anOrchestratorReportsWhoIsLate() {
        try (ServedDevice device = ServedDevice.start()) {
            // Opens for writing, and never looks.
            Child deaf = device.startProgram(List.of(
                    "/bin/sh",
                    "-c",
                    "exec 3<>\"$0\"; echo open; exec sleep 1000",
                    device.device().toString()));
            deaf.awaitLine("open");
            Child.Ended late = run(device, "orchestrator", "200");
            assertThat(late.output()).contains("generation 1: 1 late after 200 ms");
            assertThat(late.status()).isEqualTo(124);
            assertThat(device.watchers())
                    .singleElement()
                    .asString()
                    .matches("\\d+ " + deaf.pid() + " 0 rw yes 0 \\d+ sh");
            deaf.close();
            orchestrate(device, "generation 2: all have renewed");
        }
    }

    @Test
    void errorsNameTheThing() {
        try (ServedDevice device = ServedDevice.start()) {
            Child unprivileged = device.startProgram(List.of(
                    "setpriv",
                    "--bounding-set=-sys_admin,-checkpoint_restore",
                    "--inh-caps=-all",
                    CProgram.example("orchestrator").executable().toString(),
                    device.device().toString()));
            assertThat(unprivileged.awaitExit()).isEqualTo(1);
            assertThat(unprivileged.output())
                    .contains(device.device() + ": cannot change the generation: Permission denied");

            assertThat(run(device, "orchestrator", "0").output()).contains("at least 1");
            for (String program : List.of("watchdog", "eventloop", "mapped", "orchestrator")) {
                Child.Ended ended =
                        Child.run(List.of(CProgram.example(program).executable().toString(), "/nowhere/sysgenid"));
                assertThat(ended.output()).contains("/nowhere/sysgenid: No such file or directory");
                assertThat(ended.status()).isEqualTo(1);
            }
            assertThat(device.generation()).isZero();
        }
    }

    /** A watcher whose daemon ends learns that, rather than sleep for ever. */
    @Test
    void aWatchdogLearnsThatTheDaemonHasGone() {
        try (ServedDevice device = ServedDevice.start();
                // Not one of the fixture's own programs: those are killed before the daemon is stopped.
                Child watchdog = Child.start(List.of(
                        CProgram.example("watchdog").executable().toString(),
                        device.device().toString()))) {
            watchdog.awaitLine("watching");
            device.stop();
            assertThat(watchdog.awaitExit()).isEqualTo(1);
            assertThat(watchdog.output()).contains("the generation is unknown from here on");
        }
    }

    private static void orchestrate(ServedDevice device, String report) {
        // By itself it has the patience that a machine of one's own needs.
        Child.Ended ended = run(device, "orchestrator", Long.toString(Child.LIMIT.toMillis()));
        assertThat(ended.output()).isEqualTo(report);
        assertThat(ended.status()).isZero();
    }

    private static Child.Ended run(ServedDevice device, String example, String... arguments) {
        Child child = device.start(CProgram.example(example), arguments);
        child.closeInput();
        return new Child.Ended(child.awaitExit(), child.output());
    }

    private static String secret(Child mapped) {
        mapped.send("");
        return mapped.awaitLine("secret ");
    }

    private static String afterSession(String line) {
        return line.substring(line.indexOf("session "));
    }
}
