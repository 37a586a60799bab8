// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.cli.DaemonReport.SourceEntry;
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

    @Test
    void whatTheRunningDaemonMakesOfTheSources() {
        List<Requirement> here = List.of(
                new Requirement("vmclock", Status.OK, "/dev/vmclock0", null),
                new Requirement("vmgenid", Status.WARNING, "VMGENCTR:00, but /dev/kmsg: EACCES", "run it as root"),
                new Requirement("fw_cfg", Status.OK, "/sys/raw", null));
        assertThat(DoctorCommand.sources(here, List.of()))
                .startsWith(here.toArray(new Requirement[0]))
                .last()
                .isEqualTo(new Requirement("operator", Status.OK, "can always bump: sysgenid bump", null));
        assertThat(DoctorCommand.text(DoctorCommand.sources(
                        here,
                        List.of(
                                new SourceEntry("vmclock", "lost", 1, "/dev/vmclock0: its magic is wrong"),
                                new SourceEntry("vmgenid", "active", 2, "/dev/kmsg and uevents"),
                                new SourceEntry("fw_cfg", "off", 0, "not needed beside vmgenid")))))
                .startsWith("""
                        warning  vmclock   the running daemon uses it, and has lost it: /dev/vmclock0: its magic is wrong
                                           -> it goes on trying
                        ok       vmgenid   /dev/kmsg and uevents, and the running daemon uses it
                        ok       fw_cfg    /sys/raw, but the running daemon does not use it: not needed beside vmgenid
                        ok       operator  can always bump: sysgenid bump
                        """);
        assertThat(DoctorCommand.text(DoctorCommand.sources(
                        here.subList(0, 2),
                        List.of(
                                new SourceEntry("vmclock", "off", 1, "given up after a defect: x"),
                                new SourceEntry("vmgenid", "off", 0, "not among the chosen ones")))))
                .startsWith("""
                        warning  vmclock   /dev/vmclock0, but the running daemon does not use it: given up after a defect: x
                                           -> its log may say more
                        warning  vmgenid   VMGENCTR:00, but /dev/kmsg: EACCES
                                           -> run it as root
                        warning  operator  the only one to tell the running daemon of restores
                                           -> let whatever restores this machine run: sysgenid bump
                        """);
    }

    @Test
    void ofADomain() throws IOException {
        Files.writeString(directory.resolve("generation"), "8\n");
        Files.writeString(directory.resolve("watchers"), DaemonReportTest.HEADER);
        Files.writeString(
                directory.resolve("sources"),
                "SOURCE STATE RESTORES DETAIL\nvmclock active 0 /dev/vmclock0, notified\n");
        Path domain = Files.createDirectory(directory.resolve("web"));
        Files.writeString(domain.resolve("generation"), "9\n");
        Files.writeString(domain.resolve("watchers"), DaemonReportTest.HEADER);
        machine.run("doctor", "--device", directory + "/sysgenid", "--domain", "web");
        assertThat(machine.out())
                .contains(domain + "/sysgenid is served by a daemon: generation 9, 0 watchers\n")
                .contains("/dev/vmclock0, notified, and the running daemon uses it");
    }
}
