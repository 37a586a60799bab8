// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Sockets;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Stands in for the kernel's end of {@code /dev/fuse}: a pair of sockets that keep the bounds of messages, so that a
 * {@link Connection} reads and writes for real and its messages can be looked at.
 */
final class FakeKernel implements AutoCloseable {
    private static final int ROOM = 256 * 1024;

    private final int[] ends = new int[2];
    private final Arena arena = Arena.ofShared();
    private final MemorySegment buffer = arena.allocate(ROOM, 8);
    final Connection connection;
    /** What the connection said of messages that were refused. */
    final List<String> log = new CopyOnWriteArrayList<>();

    FakeKernel() throws SystemCallException {
        SystemCallException.check(
                Sockets.socketpair(
                        Sockets.AF_UNIX,
                        Sockets.SOCK_SEQPACKET | Sockets.SOCK_NONBLOCK | Sockets.SOCK_CLOEXEC,
                        0,
                        ends),
                "socketpair",
                "a connection");
        connection = new Connection(ends[0], log::add, arena);
    }

    /** From now on the connection's writes wait while there is no room, as they never need to on the real device. */
    void letWritesWait() {
        assertThat(Unistd.fcntl(ends[0], Unistd.F_SETFL, 0)).isZero();
    }

    /** Sends one request. */
    void give(byte[] message) {
        MemorySegment.copy(MemorySegment.ofArray(message), 0, buffer, 0, message.length);
        long sent = Sockets.send(ends[1], buffer, message.length, Sockets.MSG_NOSIGNAL);
        if (sent != message.length) {
            throw new AssertionError("sent " + sent + " of " + message.length + " bytes");
        }
    }

    /** Takes the next reply or notification, or an array of no bytes when there is none. */
    byte[] takeOrNothing() {
        long length = Unistd.read(ends[1], buffer, ROOM);
        if (length == -Errno.EAGAIN) {
            return new byte[0];
        }
        if (length <= 0) {
            throw new AssertionError("no reply can be read: " + length);
        }
        return buffer.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
    }

    /** Checks that the next reply is exactly these bytes. */
    void expect(byte[] golden) {
        byte[] reply = takeOrNothing();
        if (!Arrays.equals(reply, golden)) {
            throw new AssertionError("expected " + Bytes.show(golden) + "but was " + Bytes.show(reply));
        }
    }

    void expect(String... golden) {
        expect(Bytes.of(golden));
    }

    /** Checks that the next reply is an error: the header alone, with the errno negated. */
    void expectError(long unique, int errno) {
        byte[] golden = new byte[16];
        Bytes.view(golden).putInt(0, 16).putInt(4, -errno).putLong(8, unique);
        expect(golden);
    }

    /** Checks that there is no reply. */
    void expectNothing() {
        byte[] reply = takeOrNothing();
        assertThat(reply).as(() -> HexFormat.of().formatHex(reply)).isEmpty();
    }

    /** The other end of the connection is gone. */
    void closeConnection() {
        if (ends[0] >= 0) {
            Unistd.close(ends[0]);
            ends[0] = -1;
        }
    }

    @Override
    public void close() {
        closeConnection();
        Unistd.close(ends[1]);
        arena.close();
    }
}
