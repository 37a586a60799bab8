// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon.source;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** A pipe that says what the kernel's log says, for the source that reads it. */
public final class KernelLog implements AutoCloseable {
    /** The line of a restore, behind the numbers. */
    public static final String LINE = "random: crng reseeded due to virtual machine fork";

    private static final String UEVENT =
            "change@/devices/platform/VMGENCTR:00\0ACTION=change\0NEW_VMGENID=1\0SEQNUM=7\0";

    private final int[] pipe = new int[2];
    private boolean uevent;

    public KernelLog() throws SystemCallException {
        SystemCallException.check(Unistd.pipe2(pipe, Unistd.O_NONBLOCK | Unistd.O_CLOEXEC), "pipe2", "the log");
    }

    VmGenId open(@Nullable String mark) {
        return open(mark, "/nonexistent");
    }

    VmGenId open(@Nullable String mark, String next) {
        return VmGenId.ofPipe(pipe[0], next, mark);
    }

    /** As {@link VmGenId}, and hears {@link #sendUevent} too; such a socket cannot be had, for only the kernel writes to it. */
    public Source openWithUevents(@Nullable String mark) {
        VmGenId source = open(mark);
        return new Source() {
            @Override
            public int[] descriptors() {
                return source.descriptors();
            }

            @Override
            public long periodNanos() {
                return source.periodNanos();
            }

            @Override
            public void look(Listener listener) {
                source.look(listener);
                if (uevent) {
                    uevent = false;
                    VmGenId.readUevent(UEVENT, listener);
                }
            }

            @Override
            public String mark() {
                return source.mark();
            }

            @Override
            public String describe() {
                return source.describe();
            }

            @Override
            public void close() {
                source.close();
            }
        };
    }

    public void write(String text) {
        try (Arena arena = Arena.ofConfined()) {
            byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
            MemorySegment memory = arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes);
            assertThat(Unistd.write(pipe[1], memory, bytes.length)).isEqualTo(bytes.length);
        }
    }

    /** To be heard at the next look, after the log. */
    public void sendUevent() {
        uevent = true;
    }

    @Override
    public void close() {
        end();
    }

    /** The log ends. */
    void end() {
        if (pipe[1] >= 0) {
            Unistd.close(pipe[1]);
            pipe[1] = -1;
        }
    }
}
