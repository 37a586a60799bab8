// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class NetlinkTest {
    private static final int LIMIT_MILLIS = 60_000;

    private final Fds fds = new Fds();
    private final Arena arena = Arena.ofShared();
    private final MemorySegment buffer = arena.allocate(8192);
    private final long[] sender = {-7};

    @AfterEach
    void release() {
        fds.close();
        arena.close();
    }

    private int uevents(int groups) throws Exception {
        int socket = fds.own(Sockets.socket(
                Sockets.AF_NETLINK,
                Sockets.SOCK_RAW | Sockets.SOCK_CLOEXEC | Sockets.SOCK_NONBLOCK,
                Netlink.NETLINK_KOBJECT_UEVENT));
        assertThat(Netlink.bind(socket, 0, groups)).isZero();
        return socket;
    }

    private String text(long n) {
        return new String(buffer.asSlice(0, n).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.ISO_8859_1);
    }

    @Test
    void aProgramsMessageBearsItsPort() throws Exception {
        OwnThread.needRoot();
        int to = uevents(0);
        int from = uevents(0);
        assertThat(Netlink.receive(to, buffer, 100, sender)).isEqualTo(-Errno.EAGAIN);
        buffer.setString(0, "hello", StandardCharsets.US_ASCII);
        assertThat(Netlink.sendto(from, buffer, 5, (int) Netlink.port(to), 0)).isEqualTo(5);
        buffer.fill((byte) 0);
        assertThat(Netlink.receive(to, buffer, 100, sender)).isEqualTo(5);
        assertThat(text(5)).isEqualTo("hello");
        assertThat(sender[0]).isEqualTo(Netlink.port(from)).isPositive();
    }

    /** The kernel sends an event about /dev/null, when root asks for it. */
    @Test
    void theKernelsMessageBearsNone() throws Exception {
        OwnThread.needRoot();
        int socket = uevents(Netlink.UEVENT_GROUP);
        String mark = "X" + System.nanoTime();
        Files.writeString(
                Path.of("/sys/class/mem/null/uevent"), "change 01234567-89ab-cdef-0123-456789abcdef " + mark + "=1");
        String received;
        do {
            assertThat(Poll.poll(socket, Poll.POLLIN, LIMIT_MILLIS)).isPositive();
            long n = Netlink.receive(socket, buffer, 8192, sender);
            assertThat(n).isPositive();
            received = text(n);
        } while (!received.contains("SYNTH_ARG_" + mark + "=1\0"));
        assertThat(received).startsWith("change@/devices/virtual/mem/null\0");
        assertThat(sender[0]).isZero();
    }

    @Test
    void failures() {
        assertThat(Netlink.bind(1_000_000, 0, 0)).isEqualTo(-Errno.EBADF);
        assertThat(Netlink.port(1_000_000)).isEqualTo(-Errno.EBADF);
        assertThat(Netlink.sendto(1_000_000, buffer, 1, 0, 0)).isEqualTo(-Errno.EBADF);
        assertThat(Netlink.receive(1_000_000, buffer, 1, sender)).isEqualTo(-Errno.EBADF);
    }
}
