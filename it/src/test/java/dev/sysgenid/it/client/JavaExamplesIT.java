// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.it.Child;
import dev.sysgenid.it.ServedDevice;
import dev.sysgenid.it.client.JavaProgram.Platform;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** The programs of {@code examples/java} do what their twins in {@code examples/c} do. */
class JavaExamplesIT {
    private static final String ORCHESTRATOR = "Orchestrator";
    private static final int LOOKS = 20_000;

    @ParameterizedTest
    @EnumSource(Platform.class)
    void aWatchdogRenewsAndAcknowledgesEachGeneration(Platform runtime) {
        try (ServedDevice device = ServedDevice.start()) {
            Child watchdog = start(device, runtime, "Watchdog");
            watchdog.awaitLine("watching");
            for (int generation = 1; generation <= 5; generation++) {
                device.bump();
                watchdog.awaitLine("renewed for generation " + generation);
            }
            // Its last ack comes after it prints; whoever waits for it is not kept waiting.
            assertThat(orchestrate(device)).isEqualTo("generation 6: all have renewed");
            watchdog.awaitLine("renewed for generation 6");
            assertThat(watchdog.isAlive()).isTrue();
            assertThat(device.watchers())
                    .as("it is waited for")
                    .anyMatch(line -> line.matches("\\d+ " + watchdog.pid() + " 0 rw yes 6 - java"));
        }
    }

    @ParameterizedTest
    @EnumSource(Platform.class)
    void anEventLoopServesItsRequestsUnderASessionOfTheMoment(Platform runtime) {
        try (ServedDevice device = ServedDevice.start()) {
            Child loop = start(device, runtime, "EventLoop");
            String first = afterSession(loop.awaitLine("session "));
            loop.send("hello");
            assertThat(afterSession(loop.awaitLine("served: "))).isEqualTo(first);

            device.bump();
            String second = afterSession(loop.awaitLine("generation 1: "));
            loop.send("hello");
            assertThat(afterSession(loop.awaitLine("served: ")))
                    .isEqualTo(second)
                    .isNotEqualTo(first);
            assertThat(orchestrate(device)).isEqualTo("generation 2: all have renewed");
            loop.awaitLine("generation 2: ");
            loop.closeInput();
            assertThat(loop.awaitExit()).isZero();
        }
    }

    @ParameterizedTest
    @EnumSource(Platform.class)
    void aCachedSecretIsKeptWithinAGenerationAndNotBeyond(Platform runtime) {
        try (ServedDevice device = ServedDevice.start()) {
            Child mapped = device.startProgram(
                    JavaProgram.command(runtime, "Mapped", List.of("-Dsysgenid.path=" + device.device())));
            String first = secret(mapped);
            assertThat(secret(mapped)).isEqualTo(first);
            assertThat(device.watchers()).as("nobody waits for it").allMatch(line -> line.contains(" r no "));
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

    /** The page in a constant: the same code, compiled long since, looks at the page of the next daemon. */
    @ParameterizedTest
    @EnumSource(Platform.class)
    void aCachedSecretSurvivesTheDaemonAndNeverItsOwnGeneration(Platform runtime) {
        Child mapped;
        String first;
        try (ServedDevice device = ServedDevice.startAtDefaultPaths()) {
            // Not one of the fixture's own programs: those end with it.
            mapped = Child.start(JavaProgram.command(runtime, "Mapped", List.of()));
            first = secret(mapped);
            // All at once: an answer is two changes of processes, for which others may not make room at once.
            mapped.send("\n".repeat(LOOKS - 1));
            for (int i = 0; i < LOOKS; i++) {
                assertThat(mapped.awaitLine("secret ")).isEqualTo(first);
            }
            device.bump();
            assertThat(secret(mapped)).isNotEqualTo(first);
        }
        try (mapped) {
            // Gone: each use has its own.
            mapped.awaitLine("the loss of the daemon", line -> line.contains("lost /dev/sysgenid"));
            mapped.send("");
            mapped.awaitLine("not to be relied on: UNKNOWN");
            try (ServedDevice device = ServedDevice.startAtDefaultPaths()) {
                mapped.awaitLine("its return", line -> line.contains("/dev/sysgenid is back"));
                // It counts from 0 again, and reaches the number of its predecessor.
                String zero = secret(mapped);
                assertThat(secret(mapped)).isEqualTo(zero).isNotEqualTo(first);
                device.bump();
                assertThat(secret(mapped)).isNotIn(zero, first);
                mapped.closeInput();
                assertThat(mapped.awaitExit()).isZero();
            }
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
            Child late = start(device, Platform.JAVA_25, ORCHESTRATOR, "200");
            assertThat(late.awaitExit()).isEqualTo(124);
            assertThat(late.output()).isEqualTo("generation 1: 1 late after 200 ms");
            deaf.close();
            assertThat(orchestrate(device)).isEqualTo("generation 2: all have renewed");
        }
    }

    @ParameterizedTest
    @EnumSource(value = Platform.class, names = "JAVA_25", mode = Mode.EXCLUDE)
    void anOrchestratorWithoutSystemCallsNamesTheAlternative(Platform runtime) {
        try (ServedDevice device = ServedDevice.start()) {
            Child child = start(device, runtime, ORCHESTRATOR);
            assertThat(child.awaitExit()).isEqualTo(1);
            assertThat(child.output())
                    .contains("sysgenid bump")
                    .contains(runtime == Platform.JAVA_17 ? "Java 22 or newer" : "--enable-native-access=ALL-UNNAMED");
            assertThat(device.generation()).isZero();
        }
    }

    @Test
    void errorsNameTheThing() {
        try (ServedDevice device = ServedDevice.start()) {
            List<String> command = JavaProgram.command(
                    Platform.JAVA_25, ORCHESTRATOR, List.of(), device.device().toString());
            List<String> unprivileged = new java.util.ArrayList<>(
                    List.of("setpriv", "--bounding-set=-sys_admin,-checkpoint_restore", "--inh-caps=-all"));
            unprivileged.addAll(command);
            Child child = device.startProgram(unprivileged);
            assertThat(child.awaitExit()).isEqualTo(1);
            assertThat(child.output()).contains(device.device().toString()).contains("CAP_CHECKPOINT_RESTORE");

            for (String program : List.of("Watchdog", "EventLoop", ORCHESTRATOR)) {
                try (Child nowhere =
                        Child.start(JavaProgram.command(Platform.JAVA_25, program, List.of(), "/nowhere/sysgenid"))) {
                    assertThat(nowhere.awaitExit()).isEqualTo(1);
                    assertThat(nowhere.output()).contains("/nowhere/sysgenid");
                }
            }
            assertThat(device.generation()).isZero();
        }
    }

    private static Child start(ServedDevice device, Platform runtime, String example, String... arguments) {
        String[] all = new String[arguments.length + 1];
        all[0] = device.device().toString();
        System.arraycopy(arguments, 0, all, 1, arguments.length);
        return device.startProgram(JavaProgram.command(runtime, example, List.of(), all));
    }

    private static String orchestrate(ServedDevice device) {
        // By itself it has the patience that a machine of one's own needs.
        Child child = start(device, Platform.JAVA_25, ORCHESTRATOR, Long.toString(Child.LIMIT.toMillis()));
        assertThat(child.awaitExit()).as("%s", child.output()).isZero();
        return child.output();
    }

    private static String secret(Child mapped) {
        mapped.send("");
        return mapped.awaitLine("secret ");
    }

    private static String afterSession(String line) {
        return line.substring(line.indexOf("session "));
    }
}
