// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.abi.Page;
import dev.sysgenid.linux.Unistd;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Restores of which nobody tells the daemon but the machine; a directory of files stands in for the hypervisor. */
class SourcesIT {
    private static final int STORM_SECONDS = Integer.getInteger("sysgenid.storm.seconds", 3);
    private static final int STORM_WATCHERS = 1000;
    private static final int STORM_MILLIS = 50;

    private static final Path KERNEL_LOG = Path.of("/dev/kmsg");

    /** What a hypervisor with VMClock and a generation counter shows. */
    private static final class Machine {
        private final Path directory;

        Machine() {
            try {
                directory = Files.createTempDirectory(Path.of("/run"), "sysgenid-machine-");
                Files.createDirectories(directory.resolve("dev"));
                ByteBuffer page = ByteBuffer.allocate(Page.SIZE).order(ByteOrder.LITTLE_ENDIAN);
                page.putInt(0x00, 0x4b4c4356).putInt(0x04, Page.SIZE).putShort(0x08, (short) 1);
                page.putLong(0x10, 1).putLong(0x18, 1 << 8).putLong(0x68, 1);
                Files.write(clock(), page.array());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        Path clock() {
            return directory.resolve("dev/vmclock0");
        }

        void set(long offset, long value) {
            try (FileChannel file = FileChannel.open(clock(), StandardOpenOption.WRITE)) {
                file.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, value), offset);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /** A clone begins: the {@code number}-th. */
        void restore(long number) {
            set(0x10, number);
            set(0x68, number);
        }

        String property() {
            return "-Dsysgenid.machine=" + directory;
        }
    }

    private static void awaitGeneration(ServedDevice device, long generation) throws InterruptedException {
        long start = System.nanoTime();
        while (device.generation() != generation) {
            if (System.nanoTime() - start > Child.LIMIT.toNanos()) {
                throw new AssertionError("generation " + device.generation() + ", not " + generation);
            }
            Thread.sleep(1);
        }
    }

    /** Whether the log comes to show that, soon. */
    private static boolean shows(ServedDevice device, String part) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
        while (!device.log().contains(part)) {
            if (System.nanoTime() > end) {
                return false;
            }
            Thread.sleep(5);
        }
        return true;
    }

    private static List<String> sources(ServedDevice device) throws IOException {
        return Files.readAllLines(device.mount().resolve("sources"));
    }

    @Test
    void aRestoreBumpsByItself() throws Exception {
        Namespace.require();
        Machine machine = new Machine();
        try (ServedDevice device = ServedDevice.startOn(machine.property())) {
            device.awaitLog("sources    vmclock (" + machine.clock());
            Child watchdog = device.start(CProgram.example("watchdog"));
            watchdog.awaitLine("watching");
            for (int number = 2; number <= 4; number++) {
                machine.restore(number);
                watchdog.awaitLine("renewed for generation " + (number - 1));
            }
            device.awaitLog("generation 1, by vmclock: generation counter 1 -> 2; 1 watcher outdated");
            assertThat(sources(device)).contains("vmclock active 3 " + machine.clock() + ", looked at every 100 ms");
        }
    }

    @Test
    void aLiveMigrationBumpsOnlyWhenAsked() throws Exception {
        Namespace.require();
        Machine machine = new Machine();
        try (ServedDevice device = ServedDevice.startOn(machine.property())) {
            machine.set(0x10, 2);
            device.awaitLog("vmclock: disruption marker 1 -> 2; nobody says that this is a clone");
            assertThat(device.generation()).isZero();
        }
        try (ServedDevice device = ServedDevice.startOn(machine.property(), "--bump-on-disruption")) {
            machine.set(0x10, 3);
            awaitGeneration(device, 1);
        }
    }

    @Test
    void aSourceThatBreaksIsToldAndItsReturnToo() throws Exception {
        Namespace.require();
        Machine machine = new Machine();
        try (ServedDevice device = ServedDevice.startOn(machine.property())) {
            machine.set(0, 0);
            device.awaitLog("WARNING: vmclock tells of restores no longer: its magic is wrong; trying again");
            assertThat(sources(device)).contains("vmclock lost 0 " + machine.clock() + ": its magic is wrong");
            device.bump();
            machine.restore(9);
            machine.set(0, 0x4b4c4356L | (long) Page.SIZE << 32);
            awaitGeneration(device, 2);
            device.awaitLog("vmclock tells of restores again");
        }
    }

    @Test
    void whatWasChosenMustBeThere() {
        Namespace.require();
        Child.Ended ended = ServedDevice.runCommand(List.of("serve", "--source", "fw_cfg"));
        assertThat(ended.output()).contains("--source fw_cfg: ").contains("let --source choose (auto)");
        assertThat(ended.status()).isEqualTo(69);
        try (ServedDevice device = ServedDevice.start("--source", "none")) {
            device.awaitLog("sources    none but the operator");
            device.awaitLog("not vmgenid: not among the chosen ones");
        }
    }

    /** Where the kernel has the driver, the daemon listens to it, and to nobody who imitates it. */
    @Test
    void thisMachine() throws Exception {
        Namespace.require();
        boolean driver = false;
        for (String bus : List.of("platform", "acpi")) {
            Path path = Path.of("/sys/bus/" + bus + "/drivers/vmgenid");
            if (Files.isDirectory(path)) {
                try (DirectoryStream<Path> bound = Files.newDirectoryStream(path, "*:*")) {
                    driver |= bound.iterator().hasNext();
                }
            }
        }
        // The tests' own /dev has none; with one the daemon has what it has outside.
        Child.Ended made = Child.run(List.of("mknod", "-m", "600", KERNEL_LOG.toString(), "c", "1", "11"));
        assertThat(made.status()).as(made.output()).isZero();
        int log = Unistd.open(KERNEL_LOG.toString(), Unistd.O_WRONLY | Unistd.O_CLOEXEC, 0);
        System.out.println("this machine " + (driver ? "has" : "has no") + " vmgenid and its driver; its log can "
                + (log >= 0 ? "" : "not ") + "be opened");
        try (ServedDevice device = ServedDevice.start()) {
            assertThat(sources(device).stream().anyMatch(line -> line.startsWith("vmgenid active ")))
                    .isEqualTo(driver && log >= 0);
            device.awaitLog("the kernel's random numbers are made new before each bump");
            if (log >= 0) {
                Files.writeString(
                        KERNEL_LOG, "<0>random: crng reseeded due to virtual machine fork\n", StandardOpenOption.WRITE);
                device.bump();
                // What the daemon was told before this bump would have made another one.
                device.awaitLog("generation 1, by ");
                device.bump();
                assertThat(device.generation()).isEqualTo(2);
            }
        } finally {
            Unistd.close(log);
            Files.delete(KERNEL_LOG);
        }
    }

    /** A restore every 50 ms, with a thousand watchers: each of them has acknowledged the last one in the end. */
    @Test
    void aStormOfRestores() throws Exception {
        Namespace.require();
        Machine machine = new Machine();
        try (ServedDevice device = ServedDevice.startOn(machine.property())) {
            Child crowd = device.startProgram(
                    List.of(
                            CProgram.behaviour("crowd").executable().toString(),
                            device.device().toString(),
                            Integer.toString(STORM_WATCHERS)),
                    Map.of());
            crowd.awaitLine("ready");
            int restores = STORM_SECONDS * 1000 / STORM_MILLIS;
            long end = System.nanoTime() + Child.LIMIT.toNanos();
            int number = 2;
            // The page is looked at every 100 ms, less often by a daemon without a processor: what lies between two
            // looks is one change.
            while (number < 2 + restores || (device.generation() < restores / 10 && System.nanoTime() < end)) {
                machine.restore(number++);
                Thread.sleep(STORM_MILLIS);
            }
            // The last is seen; when the log shows every bump again, it shows that one.
            do {
                Thread.sleep(1100);
                machine.restore(number);
            } while (!shows(device, "-> " + number++ + ";") && System.nanoTime() < end);
            Child.Ended waited = ServedDevice.runCommand(
                    List.of("wait", "--device", device.device().toString(), "--timeout", "60s"));
            assertThat(waited.output()).isEqualTo(Long.toString(device.generation()));
            assertThat(waited.status()).isZero();
            assertThat(device.generation()).isBetween((long) restores / 10, (long) number);
            String generation = Long.toString(device.generation());
            List<String> watchers = device.watchers().stream()
                    .filter(line -> line.contains(" rw yes "))
                    .toList();
            assertThat(watchers)
                    .hasSize(STORM_WATCHERS)
                    .allMatch(line -> line.contains(" rw yes " + generation + " - "));
            crowd.send("end");
            assertThat(crowd.awaitExit()).isZero();
        }
    }

    /** The same of an operator's bumps, each of which is one: nobody is lost on the way, and all acknowledge the last one. */
    @Test
    void aStormOfBumps() throws Exception {
        try (ServedDevice device = ServedDevice.start()) {
            Child crowd = device.startProgram(
                    List.of(
                            CProgram.behaviour("crowd").executable().toString(),
                            device.device().toString(),
                            Integer.toString(STORM_WATCHERS)),
                    Map.of());
            crowd.awaitLine("ready");
            int bumps = STORM_SECONDS * 1000 / STORM_MILLIS;
            long start = System.nanoTime();
            for (int number = 1; number <= bumps; number++) {
                device.bump();
                assertThat(device.generation()).isEqualTo(number);
                Thread.sleep(STORM_MILLIS);
            }
            double seconds = (System.nanoTime() - start) / 1e9;
            Child.Ended waited = ServedDevice.runCommand(
                    List.of("wait", "--device", device.device().toString(), "--timeout", "60s"));
            assertThat(waited.output()).isEqualTo(Integer.toString(bumps));
            assertThat(waited.status()).isZero();
            assertThat(device.watchers().stream().filter(line -> line.contains(" rw yes ")))
                    .hasSize(STORM_WATCHERS)
                    .allMatch(line -> line.contains(" rw yes " + bumps + " - "));
            crowd.send("end");
            assertThat(crowd.awaitExit()).isZero();
            System.out.printf(
                    "a storm of bumps: %d in %.1f s, %d watchers, all at the last one%n",
                    bumps, seconds, STORM_WATCHERS);
        }
    }
}
