// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.it.Child;
import dev.sysgenid.it.Namespace;
import dev.sysgenid.it.ServedDevice;
import dev.sysgenid.it.client.JavaProgram.Platform;
import dev.sysgenid.it.client.LyingDevice.Answer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Devices that may not be read, are exchanged, or answer what they like; and listeners that never return. */
class BadInputIT {
    private static final String LOOK = "dev.sysgenid.security.LookProgram";
    private static final int TIMEOUT = 124;

    @BeforeEach
    void needsPrivilege() {
        Namespace.require();
    }

    private static Child look(Platform runtime, Path device) {
        return Child.start(JavaProgram.security(runtime, LOOK, device.toString()));
    }

    private static String see(Child program) {
        program.send("look");
        return program.awaitLine("sees ");
    }

    /** Looks until it sees something; fails when it never does. */
    private static void awaitSight(Child program, String pattern) throws InterruptedException {
        long start = System.nanoTime();
        String seen = see(program);
        while (!seen.matches(pattern)) {
            assertThat(System.nanoTime() - start)
                    .as("never: %s; last: %s", pattern, seen)
                    .isLessThan(Child.LIMIT.toNanos());
            TimeUnit.MILLISECONDS.sleep(10);
            seen = see(program);
        }
    }

    private static void end(Child program) {
        program.closeInput();
        assertThat(program.awaitExit()).as("%s", program.output()).isZero();
        program.awaitLine("the end");
    }

    @ParameterizedTest
    @EnumSource(names = {"JAVA_17", "JAVA_25"})
    void aDeviceThatMayNotBeReadIsRefusedByNameAndTheProcessWorksWithoutIt(Platform runtime) {
        try (ServedDevice device = ServedDevice.start("--mode", "0600")) {
            List<String> nobody =
                    List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--");
            List<String> named = new ArrayList<>(nobody);
            named.addAll(JavaProgram.security(runtime, LOOK, device.device().toString()));
            Child refused = device.startProgram(named);
            refused.awaitLine("refused: AccessDeniedException: " + device.device());

            List<String> shared = new ArrayList<>(nobody);
            shared.addAll(JavaProgram.security(runtime, LOOK));
            Child works = device.startProgram(
                    shared, Map.of("SYSGENID_PATH", device.device().toString()));
            works.awaitLine("opened SysGenId[in process, generation 0]");
            assertThat(works.output()).contains(device.device() + " is not readable");
            device.bump();
            assertThat(see(works)).isEqualTo("sees generation 0, known, the stamp stands, a UUID of version 4");
            end(works);
        }
    }

    /** The link is turned to another device while the first is served: the next change of that one tells. */
    @ParameterizedTest
    @EnumSource(names = {"JAVA_17", "JAVA_25"})
    void aDeviceThatIsReplacedIsLeftForTheOtherOne(Platform runtime) throws Exception {
        try (ServedDevice first = ServedDevice.start();
                ServedDevice second = ServedDevice.start()) {
            Path link = first.directory().resolve("link");
            Files.createSymbolicLink(link, first.device());
            try (Child program = look(runtime, link)) {
                program.awaitLine("opened");
                first.bump();
                program.awaitLine("told of generation 1");
                Path other = first.directory().resolve("other");
                Files.createSymbolicLink(other, second.device());
                Files.move(other, link, StandardCopyOption.ATOMIC_MOVE);
                first.bump();
                awaitSight(program, "sees generation 0, known, the stamp stands, .*");
                second.bump();
                program.awaitLine("told of generation 1");
                assertThat(see(program)).startsWith("sees generation 1, known, the stamp stands");
                end(program);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "0, PARKED, PARKED, has 0 bytes",
        "4095, PARKED, PARKED, has 4095 bytes",
        // It says that it has a page, and has none: an error, not the end of the process.
        "4096, PARKED, FAILURE, cannot be read where it is mapped",
        // Not even a read of one byte: as a plain file that is shorter than it says.
        "4096, EMPTY, PARKED, ended before a generation could be read",
    })
    void aDeviceWithoutAPageIsRefused(long size, Answer reads, Answer page, String why) throws Exception {
        for (Platform runtime : List.of(Platform.JAVA_17, Platform.JAVA_25)) {
            try (LyingDevice device = new LyingDevice(size, reads, page);
                    Child program = look(runtime, device.path())) {
                assertThat(program.awaitLine("refused: "))
                        .contains(device.path() + ": ")
                        .contains(why);
                assertThat(program.awaitExit()).isZero();
            }
        }
    }

    /** It is opened, for it refuses a read of one byte; what comes then is no generation. */
    @ParameterizedTest
    @CsvSource({"HALF, JAVA_17", "HALF, JAVA_25", "NOTHING, JAVA_25", "FAILURE, JAVA_17", "FAILURE, JAVA_25"})
    void whereReadsGiveNonsenseTheGenerationIsUnknown(Answer reads, Platform runtime) throws Exception {
        try (LyingDevice device = new LyingDevice(4096, reads, Answer.PARKED);
                Child program = look(runtime, device.path())) {
            program.awaitLine("opened");
            program.awaitLine("its loss", line -> line.contains("lost " + device.path()));
            awaitSight(program, "sees generation 7, unknown, the stamp moves, a UUID of version 4");
            TimeUnit.SECONDS.sleep(1);
            assertThat(device.opensASecond())
                    .as("opened again and again, but not without a pause")
                    .isLessThan(500);
            assertThat(program.isAlive()).isTrue();
        }
    }

    /** Woken all the time, although nothing changes: listeners are called in vain, and no processor is kept busy. */
    @ParameterizedTest
    @EnumSource(names = {"JAVA_17", "JAVA_25"})
    void aDeviceThatWakesForNothingIsNotListenedToAllTheTime(Platform runtime) throws Exception {
        try (LyingDevice device = new LyingDevice(4096, Answer.AT_ONCE, Answer.PARKED);
                Child program = look(runtime, device.path())) {
            program.awaitLine("told of generation 7");
            TimeUnit.SECONDS.sleep(1);
            assertThat(see(program)).startsWith("sees generation 7, known, the stamp stands");
            device.awaitOpens(2);
            assertThat(device.opensASecond()).isLessThan(500);
        }
    }

    @ParameterizedTest
    @CsvSource({"1099511627776, JAVA_17", "9223372036854775807, JAVA_25"})
    void aSizeThatCannotBeIsNoHarm(long size, Platform runtime) throws Exception {
        try (LyingDevice device = new LyingDevice(size, Answer.PARKED, Answer.PARKED);
                Child program = look(runtime, device.path())) {
            program.awaitLine("opened");
            assertThat(see(program)).startsWith("sees generation 7, known, the stamp stands");
        }
    }

    /** The page is cut off: the kernel finds nothing behind it when it is looked at. No fault ends the process. */
    @ParameterizedTest
    @EnumSource(names = {"JAVA_17", "JAVA_25"})
    void aPageOfNoBytesIsNoFault(Platform runtime) throws Exception {
        try (LyingDevice device = new LyingDevice(4096, Answer.PARKED, Answer.NOTHING);
                Child program = look(runtime, device.path())) {
            String line = program.awaitLine("anything", said -> said.matches("(opened|refused: IOException).*"));
            if (line.startsWith("opened")) {
                assertThat(see(program)).startsWith("sees generation 0, known");
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"JAVA_17", "JAVA_25"})
    void aListenerThatBlocksForEverIsNamedAndHoldsBackNobody(Platform runtime) {
        try (ServedDevice device = ServedDevice.start()) {
            List<String> command =
                    JavaProgram.security(runtime, LOOK, device.device().toString(), "block");
            Child program = device.startProgram(command);
            program.awaitLine("opened");
            for (int generation = 1; generation <= 3; generation++) {
                device.bump();
                program.awaitLine("told of generation " + generation);
                assertThat(see(program)).startsWith("sees generation " + generation + ", known, the stamp stands");
            }
            Child.Ended waited = ServedDevice.runCommand(List.of(
                    "wait", "--timeout", "0s", "--device", device.device().toString()));
            assertThat(waited.status()).as("%s", waited.output()).isEqualTo(TIMEOUT);
            assertThat(waited.output()).contains(String.valueOf(program.pid())).contains("java");
            // Once it is gone nobody is late.
            program.close();
            Child.Ended again = ServedDevice.runCommand(List.of(
                    "wait", "--timeout", "30s", "--device", device.device().toString()));
            assertThat(again.status()).as("%s", again.output()).isZero();
        }
    }
}
