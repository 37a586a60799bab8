// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.linux.Sockets;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * Where the daemon is told to hand over: a socket in the state's directory, which only its own user can reach.
 *
 * <p>Belongs to the loop's thread.
 */
final class Control implements AutoCloseable {
    /** The one thing that can be said. */
    static final String HAND_OVER = "hand over";

    private static final String NAME = "control";
    private static final int ROOM = 64;

    private final int socket;
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment buffer = arena.allocate(ROOM);
    private final Runnable handOver;

    private Control(int socket, Runnable handOver) {
        this.socket = socket;
        this.handOver = handOver;
    }

    /** Where the socket of a state's directory is. */
    static Path in(Path directory) {
        return directory.resolve(NAME);
    }

    /** Listens until closed; {@code handOver} is run by the loop. */
    static Control open(StateDirectory directory, Loop loop, Runnable handOver) throws SystemCallException {
        String path = in(directory.path()).toString();
        Unistd.unlink(path); // an earlier daemon's
        int socket = SystemCallException.check(
                Sockets.socket(Sockets.AF_UNIX, Sockets.SOCK_DGRAM | Sockets.SOCK_CLOEXEC | Sockets.SOCK_NONBLOCK, 0),
                "socket",
                path);
        Control control = new Control(socket, handOver);
        try {
            SystemCallException.check(Sockets.bindUnix(socket, path), "bind", path);
            loop.watch(socket, control::receive);
        } catch (SystemCallException e) {
            control.close();
            throw e;
        }
        return control;
    }

    private void receive() {
        long length = Sockets.recv(socket, buffer, ROOM, Sockets.MSG_DONTWAIT);
        byte[] wanted = HAND_OVER.getBytes(StandardCharsets.US_ASCII);
        if (length == wanted.length
                && MemorySegment.mismatch(buffer, 0, length, MemorySegment.ofArray(wanted), 0, length) == -1) {
            handOver.run();
        }
    }

    @Override
    public void close() {
        Unistd.close(socket);
        arena.close();
    }
}
