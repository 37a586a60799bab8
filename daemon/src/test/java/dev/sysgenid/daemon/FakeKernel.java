// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sysgenid.fuse.Connection;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Sockets;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * Stands in for the kernel's end of {@code /dev/fuse}: a pair of sockets that keep the bounds of messages. What the
 * messages look like byte by byte is tested where they are made; here they are taken apart.
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

    /**
     * A reply or a notification.
     *
     * @param code a reply: 0 or a negated errno; a notification: its kind
     * @param unique the number of the request; 0: a notification
     */
    record Message(int code, long unique, ByteBuffer body) {
        static final int POLL = 1;
        static final int STORE = 4;

        int errno() {
            return -code;
        }

        long u64(int at) {
            return body.getLong(at);
        }

        int u32(int at) {
            return body.getInt(at);
        }

        String text() {
            return java.nio.charset.StandardCharsets.UTF_8
                    .decode(body.duplicate())
                    .toString();
        }
    }

    /** Sends a request. */
    void send(byte[] request) {
        MemorySegment.copy(request, 0, buffer, ValueLayout.JAVA_BYTE, 0, request.length);
        assertThat(Sockets.send(ends[1], buffer, request.length, Sockets.MSG_NOSIGNAL))
                .isEqualTo(request.length);
    }

    /** From now on the connection's writes wait while there is no room, as on the real device a store may wait. */
    void letWritesWait() {
        assertThat(Unistd.fcntl(ends[0], Unistd.F_SETFL, 0)).isZero();
    }

    /** Makes the connection readable. What is in it is the reader's business. */
    void give() {
        assertThat(Sockets.send(ends[1], buffer, 1, Sockets.MSG_NOSIGNAL)).isEqualTo(1);
    }

    /** Takes what {@link #give} gave, if there is anything; for any thread. */
    boolean takeGiven() {
        try (Arena own = Arena.ofConfined()) {
            return Sockets.recv(ends[0], own.allocate(1), 1, Sockets.MSG_DONTWAIT) > 0;
        }
    }

    /** Fills the way from the connection to here until not one byte more fits. */
    void block() {
        while (Sockets.send(ends[0], buffer, 1, Sockets.MSG_NOSIGNAL | Sockets.MSG_DONTWAIT) > 0) {}
    }

    /**
     * Sends a request, by uid and thread 65534.
     *
     * @param body what follows the header, as numbers of 32 bits
     */
    void ask(int opcode, long unique, long node, int... body) {
        ByteBuffer message = ByteBuffer.allocate(40 + 4 * body.length).order(ByteOrder.nativeOrder());
        message.putInt(message.capacity()).putInt(opcode).putLong(unique).putLong(node);
        message.putInt(65534).putInt(65534).putInt(65534).putInt(0);
        for (int number : body) {
            message.putInt(number);
        }
        MemorySegment.copy(message.array(), 0, buffer, ValueLayout.JAVA_BYTE, 0, message.capacity());
        assertThat(Sockets.send(ends[1], buffer, message.capacity(), Sockets.MSG_NOSIGNAL))
                .isEqualTo(message.capacity());
    }

    /** The next message, or null when there is none. */
    @Nullable
    Message next() {
        while (true) {
            long length = Unistd.read(ends[1], buffer, ROOM);
            if (length == -Errno.EAGAIN || length == 0) {
                return null;
            }
            if (length == 1) {
                continue; // one of block()
            }
            byte[] bytes = buffer.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
            ByteBuffer view = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
            if (length < 16 || view.getInt(0) != length) {
                throw new AssertionError(
                        "not a message: " + java.util.HexFormat.of().formatHex(bytes));
            }
            return new Message(
                    view.getInt(4),
                    view.getLong(8),
                    view.slice(16, bytes.length - 16).order(ByteOrder.nativeOrder()));
        }
    }

    /** All messages that are there. */
    List<Message> all() {
        List<Message> messages = new ArrayList<>();
        for (Message message = next(); message != null; message = next()) {
            messages.add(message);
        }
        return messages;
    }

    /** The one message that is there. */
    Message only() {
        List<Message> messages = all();
        assertThat(messages).hasSize(1);
        return messages.getFirst();
    }

    /** The kernel's end is gone. */
    void hangUp() {
        if (ends[1] >= 0) {
            Unistd.close(ends[1]);
            ends[1] = -1;
        }
    }

    @Override
    public void close() {
        hangUp();
        Unistd.close(ends[0]);
        arena.close();
    }
}
