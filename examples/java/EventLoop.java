// SPDX-License-Identifier: Apache-2.0

import dev.sysgenid.SysGenId;
import dev.sysgenid.Watcher;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.Pipe;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.file.Path;

/**
 * Event loop: one thread that serves requests under a session id, and draws a new id before it serves anything more
 * when the system was restored from a snapshot.
 *
 * <p>{@code java --class-path JARS EventLoop.java [DEVICE]}
 *
 * <p>A request is a line on standard input.
 */
public final class EventLoop {
    private static String session = newSession();

    private EventLoop() {}

    /** From the kernel, unbuffered: a generator inside the JVM may have been copied with the snapshot. */
    private static String newSession() {
        try (InputStream random = new FileInputStream("/dev/urandom")) {
            return String.format(
                    "session %016x",
                    ByteBuffer.wrap(random.readNBytes(Long.BYTES)).getLong());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Before anything is served: renew, and say so. Afterwards the session is of the generation that was looked at. */
    private static void renewIfChanged(Watcher watcher) {
        while (watcher.isOutdated()) {
            int generation = watcher.next();
            session = newSession();
            if (!watcher.acknowledge(generation)) {
                // It changed again, or is unknown while the daemon is gone: this session serves one turn.
                return;
            }
            System.out.println("generation " + Integer.toUnsignedString(generation) + ": " + session);
        }
    }

    public static void main(String[] arguments) {
        Path device = Path.of(arguments.length > 0 ? arguments[0] : "/dev/sysgenid");
        try (SysGenId id = SysGenId.open(device);
                Selector selector = Selector.open();
                Watcher watcher = id.watcher(selector::wakeup);
                Pipe.SourceChannel requests = standardInput()) {
            requests.configureBlocking(false);
            requests.register(selector, SelectionKey.OP_READ);
            System.out.println(session);
            ByteBuffer buffer = ByteBuffer.allocate(4096);
            for (boolean open = true; open; ) {
                selector.select();
                selector.selectedKeys().clear();
                renewIfChanged(watcher);
                open = serve(requests, buffer);
            }
        } catch (IOException e) {
            System.err.println("eventloop: " + e);
            System.exit(1);
        }
    }

    /** Answers the requests that are there; false at the end of the input. */
    private static boolean serve(Pipe.SourceChannel requests, ByteBuffer buffer) throws IOException {
        int count = requests.read(buffer.clear());
        for (int i = 0; i < count; i++) {
            if (buffer.get(i) == '\n') {
                System.out.println("served: " + session);
            }
        }
        return count >= 0;
    }

    /** Standard input as something that a selector can wait for. */
    private static Pipe.SourceChannel standardInput() throws IOException {
        Pipe pipe = Pipe.open();
        Thread copier = new Thread(() -> {
            try (var sink = Channels.newOutputStream(pipe.sink())) {
                System.in.transferTo(sink);
            } catch (IOException e) {
                System.err.println("eventloop: standard input: " + e);
            }
        });
        copier.setDaemon(true);
        copier.start();
        return pipe.source();
    }
}
