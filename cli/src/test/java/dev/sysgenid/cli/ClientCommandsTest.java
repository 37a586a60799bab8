// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.abi.Ioctl;
import dev.sysgenid.core.Tracking;
import dev.sysgenid.core.Watcher;
import dev.sysgenid.daemon.ExitCodes;
import dev.sysgenid.linux.Errno;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands that use the device, on a machine that is all state machine. */
class ClientCommandsTest {
    private final FakeMachine machine = new FakeMachine(7);

    @TempDir
    Path directory;

    @Test
    void bumpPrintsTheNewGeneration() {
        assertThat(machine.run("bump")).isEqualTo(ExitCodes.OK);
        assertThat(machine.out()).isEqualTo("8\n");
        assertThat(machine.err()).isEmpty();
        assertThat(machine.run("bump", "--min-gen", "4294967295")).isEqualTo(ExitCodes.OK);
        assertThat(machine.out()).isEqualTo("4294967295\n");
        assertThat(machine.run("bump", "--min-gen=0")).isEqualTo(ExitCodes.OK);
        assertThat(machine.out()).isEqualTo("1\n");
        assertThat(machine.domain.watchers()).isZero();
    }

    @Test
    void bumpWithoutThePrivilege() {
        machine.mayBump = false;
        assertThat(machine.run("bump", "--wait")).isEqualTo(ExitCodes.NO_PERMISSION);
        assertThat(machine.out()).isEmpty();
        assertThat(machine.err()).isEqualTo("""
                        sysgenid: you may not bump the generation of /dev/sysgenid
                          run it as root, or with CAP_CHECKPOINT_RESTORE in the user namespace of the device's server
                        """);
        assertThat(machine.domain.generation()).isEqualTo(7);
    }

    @Test
    void bumpDoesNotWaitUnlessAsked() {
        machine.domain.open(true);
        assertThat(machine.run("bump")).isEqualTo(ExitCodes.OK);
        assertThat(machine.domain.outdated()).isEqualTo(1);
    }

    @Test
    void bumpWaitsForAll() {
        Watcher first = machine.domain.open(true);
        Watcher second = machine.domain.open(true);
        machine.domain.open(false);
        machine.meanwhile(() -> machine.ack(first));
        machine.meanwhile(() -> machine.ack(second));
        assertThat(machine.run("bump", "--wait")).isEqualTo(ExitCodes.OK);
        assertThat(machine.out()).isEqualTo("8\n");
        assertThat(machine.meanwhile).isEmpty();
    }

    @Test
    void aWatcherThatLeavesIsNotWaitedFor() {
        Watcher only = machine.domain.open(true);
        machine.meanwhile(() -> machine.domain.close(only));
        assertThat(machine.run("bump", "--wait", "--timeout", "1h")).isEqualTo(ExitCodes.OK);
    }

    @Test
    void timeoutOfADriverThatCounts() {
        machine.domain.open(true);
        machine.domain.open(true);
        assertThat(machine.run("bump", "--wait", "--timeout", "1500ms")).isEqualTo(ExitCodes.TIMEOUT);
        assertThat(machine.out()).isEqualTo("8\n");
        assertThat(machine.err()).isEqualTo("""
                        sysgenid: not acknowledged by 2 watchers after 1500ms
                          a kernel driver does not tell by whom
                        """);
        assertThat(machine.nanos).isEqualTo(12345 + 1_500_000_000L);
    }

    @Test
    void timeoutOfADriverThatDoesNotCount() {
        machine.refused.put(Ioctl.V4_GET_OUTDATED_WATCHERS, Errno.EINVAL);
        machine.domain.open(true);
        machine.bump();
        assertThat(machine.run("wait", "--timeout", "2s")).isEqualTo(ExitCodes.TIMEOUT);
        assertThat(machine.out()).isEmpty();
        assertThat(machine.err()).startsWith("sysgenid: not acknowledged by at least one watcher after 2s\n");
    }

    @Test
    void timeoutOfADaemonNamesTheLate() throws IOException {
        Files.writeString(directory.resolve("generation"), "8\n");
        Files.writeString(
                directory.resolve("watchers"),
                DaemonReportTest.HEADER
                        + "3 1234 0 rw yes 8 - postgres\n"
                        + "4 1240 65534 rw yes 7 2015 my prog\n"
                        + "5 1241 65534 r no 7 2015 looker\n"
                        + "6 0 1000 rw yes 5 65000 other\n");
        machine.domain.open(true);
        machine.bump();
        assertThat(machine.run("wait", "--timeout", "2s", "--device", directory + "/sysgenid"))
                .isEqualTo(ExitCodes.TIMEOUT);
        assertThat(machine.err()).isEqualTo("""
                        sysgenid: generation 8 is not acknowledged by 2 of 3 tracked watchers after 2s
                          my prog (pid 1240, uid 65534) has been late for 2.0s, is at generation 7
                          other (pid unknown, uid 1000) has been late for 1m05s, is at generation 5
                        """);
    }

    @Test
    void acknowledgedInTheVeryLastMoment() throws IOException {
        Files.writeString(directory.resolve("generation"), "8\n");
        Files.writeString(directory.resolve("watchers"), DaemonReportTest.HEADER + "3 1234 0 rw yes 8 - postgres\n");
        machine.domain.open(true);
        machine.bump();
        assertThat(machine.run("wait", "--timeout", "2s", "--device", directory + "/sysgenid"))
                .isEqualTo(ExitCodes.OK);
        assertThat(machine.out()).isEqualTo("8\n");
    }

    @Test
    void waitPrintsWhatAllHaveAcknowledged() {
        assertThat(machine.run("wait")).isEqualTo(ExitCodes.OK);
        assertThat(machine.out()).isEqualTo("7\n");
    }

    @Test
    void waitGoesOnWithTheTimeThatIsLeftWhenTheGenerationChanges() {
        Watcher watcher = machine.domain.open(true);
        machine.bump();
        machine.meanwhile(() -> machine.pass(600));
        machine.meanwhile(machine::bump);
        machine.meanwhile(() -> machine.pass(300));
        machine.meanwhile(() -> machine.ack(watcher));
        assertThat(machine.run("wait", "--timeout", "1s")).isEqualTo(ExitCodes.OK);
        assertThat(machine.out()).isEqualTo("9\n");

        machine.bump();
        machine.meanwhile(() -> machine.pass(600));
        machine.meanwhile(machine::bump);
        long start = machine.nanos;
        assertThat(machine.run("wait", "--timeout", "1s")).isEqualTo(ExitCodes.TIMEOUT);
        assertThat(machine.nanos).isEqualTo(start + 1_000_000_000L);
    }

    @Test
    void waitGoesOnAfterASignal() {
        Watcher watcher = machine.domain.open(true);
        machine.bump();
        machine.meanwhile(() -> machine.pass(999));
        machine.meanwhile(machine::signal);
        machine.meanwhile(() -> machine.ack(watcher));
        assertThat(machine.run("wait", "--timeout", "1s")).isEqualTo(ExitCodes.OK);
        assertThat(machine.out()).isEqualTo("8\n");
    }

    @Test
    void aTimeoutOfZeroLooksOnce() {
        Watcher watcher = machine.domain.open(true);
        assertThat(machine.run("wait", "--timeout", "0s")).isEqualTo(ExitCodes.OK);
        machine.bump();
        assertThat(machine.run("wait", "--timeout", "0s")).isEqualTo(ExitCodes.TIMEOUT);
        machine.ack(watcher);
        assertThat(machine.run("wait", "--timeout", "0s")).isEqualTo(ExitCodes.OK);
    }

    @Test
    void whoWaitsIsNobodysWatcher() {
        Watcher late = machine.domain.open(true);
        machine.bump();
        machine.meanwhile(() -> assertThat(machine.domain.tracked()).isEqualTo(1));
        machine.meanwhile(() -> machine.ack(late));
        assertThat(machine.run("bump", "--wait")).isEqualTo(ExitCodes.OK);
        assertThat(machine.meanwhile).isEmpty();
    }

    @Test
    void anOlderDriver() {
        machine.refused.put(Ioctl.SET_WATCHER_TRACKING, Errno.EINVAL);
        machine.refused.put(Ioctl.WAIT_WATCHERS, Errno.EINVAL);
        assertThat(machine.run("wait")).isEqualTo(ExitCodes.UNAVAILABLE);
        assertThat(machine.err()).startsWith("sysgenid: the driver of /dev/sysgenid does not know WAIT_WATCHERS\n");
        machine.refused.put(Ioctl.TRIGGER_GEN_UPDATE, Errno.EINVAL);
        assertThat(machine.run("bump")).isEqualTo(ExitCodes.UNAVAILABLE);
        assertThat(machine.err()).startsWith("sysgenid: the driver of /dev/sysgenid does not know TRIGGER_GEN_UPDATE");
    }

    @Test
    void theDaemonGoesWhileOneWaits() {
        machine.domain.open(true);
        machine.bump();
        machine.meanwhile(() -> machine.broken = Errno.ECONNABORTED);
        machine.meanwhile(machine::signal);
        assertThat(machine.run("wait")).isEqualTo(ExitCodes.UNAVAILABLE);
        assertThat(machine.err()).isEqualTo("""
                        sysgenid: the daemon that served /dev/sysgenid is gone
                          start it again (it cleans up after the old one): sysgenid serve
                        """);
    }

    @Test
    void statusOfAKernelDriver() {
        machine.domain.open(true);
        machine.bump();
        assertThat(machine.run("status")).isEqualTo(ExitCodes.OK);
        assertThat(machine.out())
                .isEqualTo("device      /dev/sysgenid, of the kernel's driver\ngeneration  8\noutdated    1\n");
        assertThat(machine.run("status", "--json")).isEqualTo(ExitCodes.OK);
        assertThat(machine.out())
                .isEqualTo("{\"device\":\"/dev/sysgenid\",\"server\":\"kernel\",\"generation\":8,\"outdated\":1}\n");
    }

    @Test
    void statusOfADaemonDoesNotOpenTheDevice() throws IOException {
        Files.writeString(directory.resolve("generation"), "8\n");
        Files.writeString(directory.resolve("watchers"), DaemonReportTest.HEADER);
        assertThat(machine.run("status", "--device", directory + "/sysgenid")).isEqualTo(ExitCodes.OK);
        assertThat(machine.out()).startsWith("device      " + directory + "/sysgenid\ngeneration  8\n");
        assertThat(machine.opens).isZero();
    }

    @Test
    void statusWatchesUntilTheDaemonGoes() {
        machine.meanwhile(machine::bump);
        machine.meanwhile(() -> machine.broken = Errno.ENOTCONN);
        machine.meanwhile(machine::bump);
        assertThat(machine.run("status", "--watch", "--json")).isEqualTo(ExitCodes.UNAVAILABLE);
        assertThat(machine.out()).isEqualTo("""
                        {"device":"/dev/sysgenid","server":"kernel","generation":7,"outdated":0}
                        {"device":"/dev/sysgenid","server":"kernel","generation":8,"outdated":0}
                        """);
    }

    @Test
    void watchPrintsAndAcknowledgesEachChange() {
        machine.meanwhile(() -> assertThat(machine.domain.tracked()).isEqualTo(1));
        machine.meanwhile(machine::bump);
        machine.meanwhile(() -> assertThat(machine.domain.outdated()).isZero());
        machine.meanwhile(machine::bump);
        machine.meanwhile(() -> assertThat(machine.domain.outdated()).isZero());
        assertThat(machine.run("watch")).isEqualTo(ExitCodes.UNAVAILABLE); // by the end of the fake daemon
        assertThat(machine.meanwhile).isEmpty();
        assertThat(machine.out()).isEqualTo("8\n9\n");
        assertThat(machine.err()).startsWith("watching /dev/sysgenid, at generation 7\nsysgenid: the daemon that");
    }

    @Test
    void watchAsksToBeTrackedWhereNobodyIsUnasked() {
        FakeMachine amazon = new FakeMachine(Tracking.OPT_IN, 7);
        amazon.meanwhile(() -> assertThat(amazon.domain.tracked()).isEqualTo(1));
        amazon.meanwhile(amazon::bump);
        assertThat(amazon.run("watch", "--once")).isEqualTo(ExitCodes.OK);
        assertThat(amazon.out()).isEqualTo("8\n");
    }

    @Test
    void watchOnlyLooksWithoutAck() {
        machine.meanwhile(machine::bump);
        machine.meanwhile(() -> assertThat(machine.domain.tracked()).isZero());
        machine.meanwhile(machine::bump);
        assertThat(machine.run("watch", "--no-ack")).isEqualTo(ExitCodes.UNAVAILABLE);
        assertThat(machine.out()).isEqualTo("8\n9\n");
    }

    @Test
    void watchTellsTheCommandTheGenerationAndAcknowledgesItsSuccess() throws IOException {
        Path seen = directory.resolve("seen");
        machine.meanwhile(machine::bump);
        machine.meanwhile(() -> assertThat(machine.domain.outdated()).isZero());
        assertThat(machine.run("watch", "--exec", "echo $SYSGENID_GENERATION >> " + seen))
                .isEqualTo(ExitCodes.UNAVAILABLE);
        assertThat(machine.meanwhile).isEmpty();
        assertThat(seen).hasContent("8\n");
    }

    @Test
    void watchDoesNotAcknowledgeAFailureAndGoesOn() throws IOException {
        Path seen = directory.resolve("seen");
        machine.meanwhile(machine::bump);
        machine.meanwhile(() -> assertThat(machine.domain.outdated()).isEqualTo(1));
        machine.meanwhile(machine::bump);
        machine.meanwhile(() -> assertThat(machine.domain.outdated()).isZero());
        assertThat(machine.run(
                        "watch",
                        "--exec",
                        "echo $SYSGENID_GENERATION >> " + seen + "; test $SYSGENID_GENERATION -ne 8 || exit 3"))
                .isEqualTo(ExitCodes.UNAVAILABLE);
        assertThat(machine.meanwhile).isEmpty();
        assertThat(seen).hasContent("8\n9\n");
        assertThat(machine.err()).contains("sysgenid: the command ended with 3: generation 8 is not acknowledged\n");
    }

    @Test
    void watchOnceEndsWithTheFirstChange() {
        machine.meanwhile(machine::bump);
        machine.meanwhile(() -> {
            throw new AssertionError("went on");
        });
        assertThat(machine.run("watch", "--once", "--exec", "true")).isEqualTo(ExitCodes.OK);
        machine.meanwhile.addFirst(machine::bump);
        assertThat(machine.run("watch", "--once", "--exec", "false")).isEqualTo(ExitCodes.FAILURE);
    }

    @Test
    void whatWasDoneForAGenerationThatIsOverIsDoneAgain() throws Failure {
        try (Device device = Device.open(Path.of("/dev/sysgenid"), machine)) {
            machine.bump();
            long newest = device.unacknowledged();
            machine.bump();
            assertThat(device.acknowledge((int) newest)).isFalse();
            assertThat(device.unacknowledged()).isEqualTo(9);
            assertThat(device.acknowledge(9)).isTrue();
            assertThat(device.unacknowledged()).isEqualTo(-1);
        }
    }

    @Test
    void theVariableNamesTheDevice() {
        machine.environment.put("SYSGENID_PATH", "/elsewhere");
        machine.run("status");
        assertThat(machine.out()).startsWith("device      /elsewhere,");
        machine.run("status", "--device", "/here");
        assertThat(machine.out()).startsWith("device      /here,");
        machine.environment.put("SYSGENID_PATH", "");
        machine.run("status");
        assertThat(machine.out()).startsWith("device      /dev/sysgenid,");
    }
}
