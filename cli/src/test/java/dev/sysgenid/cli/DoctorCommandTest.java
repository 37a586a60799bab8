// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.daemon.ExitCodes;
import dev.sysgenid.daemon.Requirements;
import dev.sysgenid.daemon.Requirements.Requirement;
import dev.sysgenid.daemon.Requirements.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DoctorCommandTest {
    private final FakeMachine machine = new FakeMachine(7);

    @TempDir
    Path directory;

    @Test
    void textOfWhatWasFound() {
        assertThat(DoctorCommand.text(List.of(
                        new Requirement("kernel", Status.OK, "Linux 6.18", null),
                        new Requirement("fusermount3", Status.WARNING, "old", "apt install fuse3"),
                        new Requirement("/dev/fuse", Status.MISSING, "not there", "modprobe fuse\nor a kernel"))))
                .isEqualTo("""
                        ok       kernel       Linux 6.18
                        warning  fusermount3  old
                                              -> apt install fuse3
                        MISSING  /dev/fuse    not there
                                              -> modprobe fuse
                                              -> or a kernel

                        The device cannot be served here: 1 missing.
                        """);
        assertThat(DoctorCommand.text(List.of(new Requirement("a", Status.WARNING, "b", null))))
                .isEqualTo("warning  a  b\n\nThe device can be served here.\n");
    }

    @Test
    void theExitCodeSaysWhetherThisMachineCanServe() {
        boolean missing = Requirements.check().stream().anyMatch(requirement -> requirement.status() == Status.MISSING);
        assertThat(machine.run("doctor")).isEqualTo(missing ? ExitCodes.UNAVAILABLE : ExitCodes.OK);
        assertThat(machine.out()).contains("/dev/fuse", "kernel", "vmclock", "vmgenid");
        assertThat(machine.out())
                .contains("device", "/dev/sysgenid is served by the kernel: generation 7; no daemon is needed");
        assertThat(machine.domain.generation()).isEqualTo(7);
    }

    @Test
    void aDaemonThatServesAlready() throws IOException {
        Files.writeString(directory.resolve("generation"), "8\n");
        Files.writeString(directory.resolve("watchers"), DaemonReportTest.HEADER + "3 1234 0 rw yes 8 - postgres\n");
        machine.run("doctor", "--device", directory + "/sysgenid");
        assertThat(machine.out()).contains(directory + "/sysgenid is served by a daemon: generation 8, 1 watcher\n");
    }
}
