// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sysgenid.daemon.source.KernelLog;
import dev.sysgenid.daemon.source.KernelRandom;
import dev.sysgenid.daemon.source.Source;
import dev.sysgenid.daemon.source.VmClockPage;
import dev.sysgenid.linux.SystemCallException;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which sources are chosen, and what becomes of what they tell; on files that stand in for a machine. */
class SourcesTest {
    private static final long LIMIT_NANOS = 240_000_000_000L;

    @TempDir
    Path directory;

    @TempDir
    Path state;

    private Machine machine;
    private KernelLog kernelLog;
    private boolean takeOver;
    private boolean processor = true;

    private final List<String> log = new ArrayList<>();
    private final List<String> bumps = new ArrayList<>();
    private Loop loop;
    private VmClockPage clock;

    @BeforeEach
    void open() throws Exception {
        loop = new Loop();
        kernelLog = new KernelLog();
        machine = new Machine(directory) {
            @Override
            Source open(String name, @Nullable String mark) throws SystemCallException {
                return name.equals("vmgenid") ? kernelLog.openWithUevents(mark) : super.open(name, mark);
            }

            @Override
            long searchNanos() {
                return 10_000_000;
            }

            @Override
            KernelRandom random(Consumer<String> told) {
                return new KernelRandom(told, directory.resolve("dev/hwrng").toString(), processor);
            }
        };
        Files.createDirectories(directory.resolve("dev"));
        clock = new VmClockPage(directory.resolve("dev/vmclock0"), VmClockPage.COUNTED);
        writeIdentifier(1);
    }

    @AfterEach
    void release() throws IOException {
        loop.close();
        clock.close();
        kernelLog.close();
    }

    private void writeIdentifier(int value) throws IOException {
        Path guid = directory.resolve(SourceRequirements.FW_CFG_GUID);
        Files.createDirectories(guid.getParent());
        byte[] blob = new byte[4096];
        blob[40] = (byte) value;
        Files.write(guid, blob);
    }

    /** The device, its driver and the log; what the log says comes through {@link #kernelLog}. */
    private void addVmGenId() throws IOException {
        Path device = Files.createDirectories(directory.resolve("sys/bus/platform/devices/VMGENCTR:00"));
        Path driver = Files.createDirectories(directory.resolve("sys/bus/platform/drivers/vmgenid"));
        Files.createSymbolicLink(driver.resolve("VMGENCTR:00"), device);
        Files.write(directory.resolve("dev/kmsg"), new byte[0]);
    }

    private Sources start(SourceChoice choice) throws Exception {
        Sources sources = Sources.open(choice, machine, state, takeOver, log::add);
        sources.start(loop, by -> {
            bumps.add(by);
            sources.freshen();
        });
        return sources;
    }

    private void runUntil(BooleanSupplier condition) throws InterruptedException {
        long end = System.nanoTime() + LIMIT_NANOS;
        AtomicBoolean over = new AtomicBoolean();
        Thread asking = Thread.ofPlatform().start(() -> {
            while (!over.get() && System.nanoTime() < end) {
                LockSupport.parkNanos(1_000_000);
                loop.submit(() -> {
                    if (condition.getAsBoolean()) {
                        over.set(true);
                        loop.stop();
                    }
                });
            }
            loop.submit(loop::stop);
        });
        loop.run();
        asking.join();
        assertThat(over).as("before the time is over").isTrue();
        loop.submit(loop::stop); // what it has submitted since
        loop.run();
    }

    private static boolean reports(Sources sources, String line) {
        return sources.report().lines().anyMatch(each -> each.startsWith(line));
    }

    /** Each shows both restores; that they are fresh at the first sign takes root. */
    @Test
    void twoSignsOfOneRestoreAreOneBump() throws Exception {
        OwnThread.needRoot();
        try (Sources sources = start(SourceChoice.AUTO)) {
            for (int restore = 1; restore <= 3; restore++) {
                int number = restore;
                writeIdentifier(1 + restore);
                clock.clone(100 + restore);
                runUntil(() ->
                        reports(sources, "vmclock active " + number) && reports(sources, "fw_cfg active " + number));
                assertThat(bumps).hasSize(restore);
            }
            assertThat(log).isEmpty();
        }
    }

    /** The other sign is there all the time, and is not heard before the bump is over. */
    @Test
    void aSlowBumpIsNotTwo() throws Exception {
        OwnThread.needRoot();
        try (Sources sources = Sources.open(SourceChoice.AUTO, machine, state, takeOver, log::add)) {
            sources.start(loop, by -> {
                bumps.add(by);
                sources.freshen();
                LockSupport.parkNanos(2 * Sources.SAME_RESTORE_NANOS);
            });
            writeIdentifier(2);
            clock.clone(101);
            runUntil(() -> reports(sources, "vmclock active 1") && reports(sources, "fw_cfg active 1"));
            assertThat(bumps).hasSize(1);
        }
    }

    /** However soon. */
    @Test
    void theSameSignAgainIsAnotherRestore() throws Exception {
        try (Sources sources = start(new SourceChoice(Set.of("vmclock"), false))) {
            for (int restore = 1; restore <= 5; restore++) {
                int number = restore;
                clock.clone(100 + restore);
                runUntil(() -> bumps.size() == number);
            }
            assertThat(bumps).first().isEqualTo("vmclock: generation counter 100 -> 101");
            assertThat(reports(sources, "fw_cfg off 0 not among the chosen ones"))
                    .isTrue();
        }
    }

    /** And a take-over alone is none. */
    @Test
    void aRestoreWhileNoDaemonLookedIsFoundByTheNext() throws Exception {
        try (Sources _ = start(SourceChoice.AUTO)) {
            clock.clone(101);
            runUntil(() -> !bumps.isEmpty());
        }
        bumps.clear();
        takeOver = true;
        try (Sources _ = start(SourceChoice.AUTO)) {
            assertThat(bumps).isEmpty();
        }
        clock.clone(102);
        try (Sources _ = start(SourceChoice.AUTO)) {
            assertThat(bumps).containsExactly("vmclock: generation counter 101 -> 102");
        }
        Files.writeString(state.resolve(SourceMarks.FILE), "vmclock x:y\nvm");
        bumps.clear();
        try (Sources _ = start(SourceChoice.AUTO)) {
            assertThat(bumps).as("in doubt there was one").isNotEmpty();
        }
        Files.delete(state.resolve(SourceMarks.FILE));
        bumps.clear();
        try (Sources _ = start(SourceChoice.AUTO)) {
            assertThat(bumps).isNotEmpty();
            assertThat(log).anyMatch(line -> line.contains("what the last daemon knew of restores is lost"));
        }
    }

    @Test
    void aDisruptionBumpsOnlyWhenAsked() throws Exception {
        try (Sources _ = start(SourceChoice.AUTO)) {
            clock.u64(0x10, 2);
            runUntil(() -> !log.isEmpty());
            assertThat(log)
                    .singleElement()
                    .asString()
                    .contains("disruption marker 1 -> 2")
                    .contains("the generation stays");
            assertThat(bumps).isEmpty();
        }
        try (Sources _ = start(new SourceChoice(null, true))) {
            clock.u64(0x10, 3);
            runUntil(() -> !bumps.isEmpty());
            assertThat(bumps).containsExactly("vmclock: disruption marker 2 -> 3");
        }
    }

    /** Nor does it say that the kernel's random numbers are fresh: a gap, and the real line soon after. */
    @Test
    void aGuessSparesNoSign() throws Exception {
        addVmGenId();
        Files.writeString(state.resolve(SourceMarks.FILE), "vmgenid 10\n");
        takeOver = true;
        try (Sources _ = start(SourceChoice.parse("vmgenid"))) {
            kernelLog.write("6,20,1,-;after a gap\n");
            runUntil(() -> bumps.size() == 1);
            kernelLog.write("6,21,2,-;" + KernelLog.LINE + "\n");
            runUntil(() -> bumps.size() == 2);
            kernelLog.write("6,22,3,-;" + KernelLog.LINE + "\n");
            runUntil(() -> bumps.size() == 3);
            assertThat(bumps.get(0)).contains("went on while no daemon read it");
            assertThat(bumps.get(1)).isEqualTo("vmgenid: " + KernelLog.LINE);
        }
    }

    @Test
    void aDisruptionSparesNoSign() throws Exception {
        try (Sources _ = start(new SourceChoice(null, true))) {
            clock.u64(0x10, 2);
            runUntil(() -> bumps.size() == 1);
            writeIdentifier(2);
            runUntil(() -> bumps.size() == 2);
            assertThat(bumps.get(1)).startsWith("fw_cfg: another identifier");
        }
    }

    /** The first sign came when nothing was known to differ between clones; the second brings something. */
    @Test
    void aSecondSignBumpsAgainWhenTheFirstMayNotHaveBeenFresh() throws Exception {
        OwnThread.needRoot();
        processor = false;
        try (Sources _ = start(SourceChoice.AUTO)) {
            clock.clone(101);
            runUntil(() -> bumps.size() == 1);
            assertThat(log).singleElement().asString().contains("neither the processor nor ");
            writeIdentifier(2);
            runUntil(() -> bumps.size() == 2);
            assertThat(bumps.get(1)).startsWith("fw_cfg: ");
        }
    }

    /** The hardware's generator may be slow: when it has answered, everybody renews again, and once. */
    @Test
    void lateHardwareBumpsAgain() throws Exception {
        OwnThread.needRoot();
        processor = false;
        Path hardware = directory.resolve("dev/hwrng");
        assertThat(new ProcessBuilder("mkfifo", hardware.toString()).start().waitFor())
                .isZero();
        try (Sources sources = start(SourceChoice.parse("vmclock"))) {
            sources.freshen(); // the operator's
            assertThat(log).isEmpty();
            clock.clone(101);
            runUntil(() -> bumps.size() == 1);
            assertThat(log)
                    .singleElement()
                    .asString()
                    .contains(hardware + " has not answered yet; a further bump follows");
            try (FileOutputStream end = new FileOutputStream(hardware.toFile())) {
                // Half of it is for the operator's bump, and may be from before the restore.
                end.write(new byte[1024]);
                runUntil(() -> bumps.size() == 2);
            }
            assertThat(bumps.get(1)).startsWith("hwrng: the hardware's generator has answered late");
            assertThat(log).hasSize(1);
        }
    }

    /** Modules may be loaded when the daemon serves already. */
    @Test
    void whatAppearsLaterIsASourceFromThenOn() throws Exception {
        Path page = directory.resolve("dev/vmclock0");
        Path hidden = directory.resolve("hidden");
        Files.move(page, hidden);
        Files.delete(directory.resolve(SourceRequirements.FW_CFG_GUID));
        try (Sources sources = start(SourceChoice.AUTO)) {
            assertThat(reports(sources, "vmclock off 0 none offered")).isTrue();
            Files.move(hidden, page);
            runUntil(() -> reports(sources, "vmclock active 0 "));
            assertThat(log)
                    .containsExactly("vmclock tells of restores from now on (" + page + ", looked at every 100 ms)");
            clock.clone(101);
            runUntil(() -> bumps.size() == 1);
            addVmGenId();
            runUntil(() -> reports(sources, "vmgenid active 0 "));
            kernelLog.write("6,21,2,-;x\n6,22,2,-;" + KernelLog.LINE + "\n");
            runUntil(() -> reports(sources, "vmgenid active 1 "));
            runUntil(() -> reports(sources, "fw_cfg off 0 not needed beside vmgenid"));
            writeIdentifier(2);
        }
        try (Sources sources = start(SourceChoice.parse("vmclock"))) {
            runUntil(() -> reports(sources, "fw_cfg off 0 not among the chosen ones"));
        }
    }

    /** What was noted by the daemon before is compared, too. */
    @Test
    void whatAppearsLaterTellsOfWhatWasMeanwhile() throws Exception {
        Path page = directory.resolve("dev/vmclock0");
        Path hidden = directory.resolve("hidden");
        Files.writeString(state.resolve(SourceMarks.FILE), "vmclock counted:99:1\nfw_cfg 01" + "00".repeat(15) + "\n");
        Files.move(page, hidden);
        takeOver = true;
        try (Sources _ = start(SourceChoice.AUTO)) {
            bumps.clear();
            Files.move(hidden, page);
            runUntil(() -> !bumps.isEmpty());
            assertThat(bumps).containsExactly("vmclock: generation counter 99 -> 100");
        }
    }

    /** Then the kernel says nothing of a restore, and somebody else must. */
    @Test
    void aDriverThatDoesNotServeTheDeviceIsNoSource() throws Exception {
        addVmGenId();
        try (Sources sources = start(SourceChoice.AUTO)) {
            assertThat(reports(sources, "vmgenid active 0")).isTrue();
            assertThat(reports(sources, "fw_cfg off 0 not needed beside vmgenid"))
                    .isTrue();
        }
        Files.delete(directory.resolve("sys/bus/platform/drivers/vmgenid/VMGENCTR:00"));
        try (Sources sources = start(SourceChoice.AUTO)) {
            assertThat(reports(sources, "vmgenid off 0 /sys/bus/platform/devices/VMGENCTR:00, but the kernel's driver"))
                    .isTrue();
            assertThat(reports(sources, "fw_cfg active 0")).isTrue();
        }
    }

    /** The kernel says one thing in two ways. */
    @Test
    void theLineAndTheUeventAreOneBump() throws Exception {
        addVmGenId();
        try (Sources sources = start(SourceChoice.parse("vmgenid"))) {
            for (int restore = 1; restore <= 3; restore++) {
                int number = restore;
                kernelLog.sendUevent();
                kernelLog.write("6,2" + restore + ",1,-;" + KernelLog.LINE + "\n");
                runUntil(() -> reports(sources, "vmgenid active " + 2 * number));
                assertThat(bumps).hasSize(restore);
            }
        }
    }

    /** It ends the daemon, and the next one finds the restore. */
    @Test
    void aBumpThatFailsIsNoDefectOfTheSource() throws Exception {
        try (Sources sources = Sources.open(SourceChoice.AUTO, machine, state, takeOver, log::add)) {
            sources.start(loop, _ -> {
                throw new IllegalStateException("no bump");
            });
            clock.clone(101);
            assertThatThrownBy(loop::run).hasMessage("no bump");
            assertThat(reports(sources, "vmclock active 1")).isTrue();
            assertThat(log).isEmpty();
        }
        takeOver = true;
        try (Sources _ = start(SourceChoice.AUTO)) {
            assertThat(bumps).containsExactly("vmclock: generation counter 100 -> 101");
        }
    }

    @Test
    void whatIsNotThereIsSaid() throws Exception {
        try (Sources sources = Sources.open(SourceChoice.AUTO, machine, state, takeOver, log::add)) {
            assertThat(sources.report())
                    .contains("vmgenid off 0 none offered by this hypervisor")
                    .contains("fw_cfg active 0 ");
            assertThat(sources.describe("  "))
                    .contains("\n  not vmgenid: none offered")
                    .startsWith("vmclock (");
        }
        clock.u32(0, 7);
        try (Sources sources = Sources.open(SourceChoice.AUTO, machine, state, takeOver, log::add)) {
            assertThat(sources.report()).contains("vmclock off 0 ").contains("its magic is wrong");
        }
        try (Sources sources = Sources.open(SourceChoice.parse("none"), machine, state, takeOver, log::add)) {
            assertThat(sources.describe("")).startsWith("none but the operator");
        }
        for (String name : List.of("vmclock", "vmgenid", "operator,vmgenid")) {
            assertThatThrownBy(() -> Sources.open(SourceChoice.parse(name), machine, state, takeOver, log::add))
                    .isInstanceOf(StartException.class)
                    .hasMessageStartingWith("--source vm");
        }
    }
}
