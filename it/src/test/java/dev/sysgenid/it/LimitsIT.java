// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.abi.Ioctl;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Unistd;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A daemon that gets no more descriptors, and what it has beforehand. ({@code HostileIT#moreOpensThanCanBe} is of mappings.) */
class LimitsIT {
    @BeforeEach
    void needsPrivilege() {
        Namespace.require();
    }

    private static int open(ServedDevice device) {
        return Unistd.open(
                device.mount().resolve("sysgenid").toString(), Unistd.O_RDWR | Unistd.O_NONBLOCK | Unistd.O_CLOEXEC, 0);
    }

    private static void limitDescriptors(ServedDevice device, int most) {
        Child.Ended prlimit = Child.run(List.of("prlimit", "--pid=" + device.pid(), "--nofile=" + most + ":"));
        assertThat(prlimit.status()).as(prlimit.output()).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"passthrough", "store"})
    void withoutDescriptorsItRefusesOpensAndGoesOnServing(String mapping) {
        try (ServedDevice device = ServedDevice.start("--mapping", mapping);
                Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(ValueLayout.JAVA_INT);
            int watcher = open(device);
            assertThat(watcher).isPositive();

            limitDescriptors(device, 3);

            List<Integer> opens = new ArrayList<>();
            for (int i = 1; i <= 100; i++) {
                opens.add(open(device));
                assertThat(Unistd.ioctl(watcher, Ioctl.TRIGGER_GEN_UPDATE, 0L))
                        .as("bump")
                        .isZero();
                assertThat(Unistd.pread(watcher, value, 4, 0)).as("read").isEqualTo(4);
                assertThat(value.get(ValueLayout.JAVA_INT, 0)).isEqualTo(i);
                assertThat(Unistd.pwrite(watcher, value, 4, 0)).as("ack").isEqualTo(4);
                assertThat(Unistd.pread(watcher, value, 4, 0)).as("read").isEqualTo(-Errno.EAGAIN);
            }
            if (mapping.equals("passthrough")) {
                assertThat(opens).as("a page is a file").containsOnly(-Errno.EMFILE);
            } else {
                assertThat(opens).as("a page is the kernel's").allMatch(file -> file >= 0);
            }
            assertThat(device.generation()).isEqualTo(100);
            opens.stream().filter(file -> file >= 0).forEach(Unistd::close);

            limitDescriptors(device, 1024);

            int another = open(device);
            assertThat(another).isPositive();
            assertThat(device.watchers()).hasSize(2);
            Unistd.close(another);
            Unistd.close(watcher);
            assertThat(device.log()).doesNotContain("defect", "makes no sense");
        }
    }

    /** Pages are mapped when they are opened, not at the bump for which everybody waits. */
    @Test
    void theFirstBumpMapsNoMemory() throws IOException {
        int watchers = 4000;
        try (ServedDevice device = ServedDevice.start("--mapping", "passthrough");
                DeviceCalls calls = new DeviceCalls()) {
            int first = calls.open(device.device(), Unistd.O_RDWR | Unistd.O_NONBLOCK);
            for (int i = 0; i < 100; i++) {
                DeviceCalls.bump(first); // what the daemon itself needs for one
            }
            for (int i = 0; i < watchers; i++) {
                calls.open(device.device(), Unistd.O_RDONLY | Unistd.O_NONBLOCK);
            }
            long before = minorFaults(device.pid());
            DeviceCalls.bump(first);
            assertThat(minorFaults(device.pid()) - before).isLessThan(watchers / 2);
        }
    }

    private static long minorFaults(long pid) throws IOException {
        String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
        return Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1)[7]);
    }
}
