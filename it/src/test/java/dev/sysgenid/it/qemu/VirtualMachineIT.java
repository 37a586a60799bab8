// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.it.Namespace;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Virtual machines that are saved once and restored more than once, with the daemon inside: nobody tells it of a restore but
 * the hypervisor. Beside the programs that are told run the same ones that are not.
 *
 * <p>Saved machines are some hundred megabytes, so they lie on the disk, below {@code target}.
 */
@Timeout(value = 15, unit = TimeUnit.MINUTES)
class VirtualMachineIT {
    private static final int CLONES = Integer.getInteger("sysgenid.it.vm.clones", 2);
    private static final int RUNS = Integer.getInteger("sysgenid.it.vm.runs", 1);

    /** Suites of Debian, each with its kernel. */
    private static final List<String> KERNELS =
            List.of(System.getProperty("sysgenid.it.vm.kernels", "forky").split(","));

    /** Whether this is the long form, which tries what a build has no time for. */
    private static final boolean LONG = Boolean.getBoolean("sysgenid.it.vm.long");

    /** Of VMClock's page: it has a generation counter. */
    private static final long COUNTED = 1 << 8;

    /** Of VMClock's page: the hypervisor notifies of changes. */
    private static final long NOTIFIES = 1 << 9;

    private static final Path DIRECTORY = Path.of("target", "vm").toAbsolutePath();

    @BeforeEach
    void needsPrivilege() {
        Namespace.require();
    }

    static Stream<Arguments> runs() {
        List<Arguments> runs = new ArrayList<>();
        for (String kernel : KERNELS) {
            for (int run = 1; run <= RUNS; run++) {
                runs.add(Arguments.of(kernel, run));
            }
        }
        return runs.stream();
    }

    @ParameterizedTest
    @MethodSource("runs")
    void clonesOfAMachineWithVmgenid(String suite, int run) {
        Qemu.Kernel kernel = Qemu.servingKernel(suite);
        try (Experiment experiment = begin("vmgenid", Experiment.Choice.of(kernel), run)) {
            assertThat(experiment.serveLog()).contains("vmgenid (/dev/kmsg");
            Clones clones = clone(experiment);
            clones.requireThatOthersRepeat();
            clones.requireThatNoneRepeats();
            for (Restored clone : clones.all()) {
                assertThat(clone.log()).contains("by vmgenid: random: crng reseeded due to virtual machine fork");
                assertThat(clone.sources()).contains("vmgenid active 1 ");
            }
        }
    }

    @ParameterizedTest
    @MethodSource("runs")
    void clonesOfAMachineWithVmClock(String suite, int run) {
        Experiment.Choice choice = withClock(suite, COUNTED);
        try (Experiment experiment = begin("vmclock", choice, run)) {
            assertThat(experiment.serveLog()).contains("vmclock (/dev/vmclock0, looked at every 100 ms)");
            for (Restored clone : requireNoWindow(experiment).all()) {
                assertThat(clone.time("notified")).as("nobody notifies").isEqualTo(-1);
            }
            requireThatAMigrationBumpsNothing(experiment);
        }
    }

    @ParameterizedTest
    @MethodSource("runs")
    void clonesOfAMachineWithAVmClockThatNotifies(String suite, int run) {
        Experiment.Choice choice = withClock(suite, COUNTED | NOTIFIES);
        byte[] table = Experiment.vmgenidTable(DIRECTORY.resolve("table"), choice);
        Experiment.Choice notifying = choice.withArchive(AcpiTable.notifyingClock(table));
        try (Experiment experiment = begin("vmclock-notifying", notifying, run)) {
            assertThat(experiment.serveLog()).contains("vmclock (/dev/vmclock0, notified)");
            for (Restored clone : requireNoWindow(experiment).all()) {
                assertThat(clone.time("notified"))
                        .as("the driver wakes who sleeps")
                        .isPositive();
            }
        }
    }

    private static Experiment.Choice withClock(String suite, long flags) {
        Assumptions.assumeTrue(LONG, "SKIPPED: for the long form, -Dvm.long=true");
        Qemu.Kernel kernel = Qemu.servingKernel(suite);
        Assumptions.assumeTrue(
                kernel.module("ptp_vmclock") != null,
                "SKIPPED: Linux " + kernel.release() + " has no driver of VMClock");
        return Experiment.Choice.of(kernel).withClock(flags);
    }

    private static Clones requireNoWindow(Experiment experiment) {
        Clones clones = clone(experiment);
        clones.requireThatOthersRepeat();
        clones.requireThatNoneRepeats();
        clones.requireNoWindow();
        for (Restored clone : clones.all()) {
            assertThat(clone.log()).containsPattern("generation 1, by (vmclock: generation counter 41 -> |vmgenid: )");
            assertThat(clone.sources()).contains("vmclock active 1 ").contains("vmgenid active 1 ");
        }
        return clones;
    }

    private static void requireThatAMigrationBumpsNothing(Experiment experiment) {
        String migrated = experiment.migrate();
        assertThat(migrated)
                .contains("vmclock: disruption marker", "nobody says that this is a clone")
                .contains("generations 0 1\n")
                .doesNotContain("\nlog ", "\nrestored ");
        System.out.println("  as after a live migration: no bump");
    }

    /**
     * A guest whose kernel knows nothing of the hypervisor's identifier, and whose processor has no random numbers: the daemon
     * is the first to know of a restore, and the identifier is all there is to make the kernel's numbers differ. At the first
     * look these are those of the snapshot in all clones, which is printed, unless the kernel has made new keys by itself in
     * between, as it does every so often.
     */
    @ParameterizedTest
    @MethodSource("runs")
    void clonesOfAMachineWhoseKernelHasNoDriver(String suite, int run) {
        Assumptions.assumeTrue(LONG, "SKIPPED: for the long form, -Dvm.long=true");
        try (Experiment experiment = begin("fw_cfg", Experiment.Choice.withoutDriver(Qemu.servingKernel(suite)), run)) {
            assertThat(experiment.serveLog()).contains("fw_cfg (/sys/firmware", "not vmgenid: ");
            Clones clones = clone(experiment);
            clones.requireThatOthersRepeat();
            clones.requireThatNoneRepeats();
            for (Restored clone : clones.all()) {
                assertThat(clone.log()).contains("by fw_cfg: another identifier, 00000ec1");
            }
        }
    }

    /** Linux 6.1, for one: no mappings, and programs that need none. */
    @ParameterizedTest
    @MethodSource("runs")
    void clonesOfAMachineWhoseFilesCannotBeMapped(String suite, int run) {
        Assumptions.assumeTrue(LONG, "SKIPPED: for the long form, -Dvm.long=true");
        Qemu.Kernel clouds = Qemu.kernel(suite);
        Assumptions.assumeFalse(clouds.serves(), "SKIPPED: Linux " + clouds.release() + " has mappings");
        try (Experiment experiment = begin("unmapped", Experiment.Choice.of(Qemu.genericKernel(suite)), run)) {
            assertThat(experiment.serveLog()).contains("  mappings   none", "vmgenid (/dev/kmsg");
            Clones clones = clone(experiment);
            clones.requireThatOthersRepeat();
            clones.requireThatNoneRepeatsUnmapped();
            for (Restored clone : clones.all()) {
                assertThat(clone.log()).contains("by vmgenid: random: crng reseeded due to virtual machine fork");
                assertThat(clone.sources()).contains("vmgenid active 1 ");
            }
        }
    }

    /** Debian 12's kernel for clouds, for one, which has no driver of vmgenid either: no mappings, but a restore bumps. */
    @ParameterizedTest
    @MethodSource("runs")
    void aGuestWhoseFilesCannotBeMapped(String suite, int run) {
        Assumptions.assumeTrue(LONG, "SKIPPED: for the long form, -Dvm.long=true");
        Qemu.Kernel kernel = Qemu.kernel(suite);
        Assumptions.assumeFalse(kernel.serves(), "Linux " + kernel.release() + " has mappings");
        List<String> said = Experiment.daemonAlone(DIRECTORY.resolve("old"), Experiment.Choice.withoutDriver(kernel));
        System.out.printf("%nLinux %s, run %d:%n%s%n", kernel.release(), run, String.join("\n", said));
        assertThat(said.get(0)).contains("a FUSE file cannot be mapped as the device must be", "Linux 6.6 or later");
        assertThat(said.get(1)).contains("  mappings   none", "fw_cfg (/sys/firmware");
        assertThat(said.subList(2, 4))
                .allSatisfy(line -> assertThat(line).contains("generation 1, by fw_cfg: another identifier, 00000ec1"));
    }

    private static Experiment begin(String name, Experiment.Choice choice, int run) {
        Experiment experiment = Experiment.begin(DIRECTORY.resolve(name), choice);
        System.out.printf("%n%s, Linux %s, run %d: %s%n", name, choice.kernel().release(), run, experiment.describe());
        System.out.println(experiment
                .serveLog()
                .lines()
                .filter(line -> line.contains("ource") || line.contains("not "))
                .toList());
        return experiment;
    }

    private static Clones clone(Experiment experiment) {
        List<Restored> clones = new ArrayList<>();
        for (int number = 1; number <= CLONES; number++) {
            Restored clone = experiment.clone(number);
            System.out.println("  " + clone.describe());
            clones.add(clone);
        }
        Clones all = new Clones(clones);
        System.out.println(all.describe());
        return all;
    }
}
