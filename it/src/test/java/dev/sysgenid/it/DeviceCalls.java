// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.abi.Ioctl;
import dev.sysgenid.linux.Unistd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Open files of the device, and the calls on them; all are closed with this. */
final class DeviceCalls implements AutoCloseable {
    private final List<Integer> open = new ArrayList<>();

    int open(Path device, int flags) {
        int file = Unistd.open(device.toString(), flags | Unistd.O_CLOEXEC, 0);
        assertThat(file).isPositive();
        open.add(file);
        return file;
    }

    static void bump(int file) {
        assertThat(Unistd.ioctl(file, Ioctl.TRIGGER_GEN_UPDATE, 0L)).isZero();
    }

    static long ack(int file, int generation) {
        try (Arena arena = Arena.ofConfined()) {
            return Unistd.pwrite(file, arena.allocateFrom(ValueLayout.JAVA_INT, generation), 4, 0);
        }
    }

    /** The generation that a read delivers, or a negative errno. */
    static long read(int file) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(ValueLayout.JAVA_INT);
            long length = Unistd.pread(file, value, 4, 0);
            return length < 0 ? length : value.get(ValueLayout.JAVA_INT, 0);
        }
    }

    @Override
    public void close() {
        open.forEach(Unistd::close);
    }
}
