// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.qemu;

import dev.sysgenid.it.Child;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * Lines sent to and received from a socket that QEMU listens on. Everything that waits has a limit.
 *
 * <p>Belongs to one thread.
 */
final class Conversation implements AutoCloseable {
    private static final long RETRY_MILLIS = 5;

    private final String name;
    private final SocketChannel channel;
    private final Child qemu;

    /** All lines so far; guarded by itself. */
    private final List<String> lines = new ArrayList<>();

    /** How many of them were taken; guarded by {@link #lines}. */
    private int taken;

    /** Guarded by {@link #lines}. */
    private boolean ended;

    private Conversation(String name, SocketChannel channel, Child qemu) {
        this.name = name;
        this.channel = channel;
        this.qemu = qemu;
        Thread.ofPlatform().daemon().name("lines of " + name).start(this::readAll);
    }

    /** Connects as soon as QEMU listens. */
    static Conversation connect(Path socket, Child qemu) {
        long end = System.nanoTime() + Child.LIMIT.toNanos();
        while (true) {
            try {
                return new Conversation(
                        String.valueOf(socket.getFileName()),
                        SocketChannel.open(UnixDomainSocketAddress.of(socket)),
                        qemu);
            } catch (IOException e) {
                if (!qemu.isAlive() || System.nanoTime() > end) {
                    throw new AssertionError("QEMU does not listen on " + socket + ":\n" + qemu.output(), e);
                }
                sleep(RETRY_MILLIS);
            }
        }
    }

    static void sleep(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted", e);
        }
    }

    private void readAll() {
        try (BufferedReader reader = new BufferedReader(
                new InputStreamReader(Channels.newInputStream(channel), StandardCharsets.ISO_8859_1))) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                synchronized (lines) {
                    lines.add(line);
                    lines.notifyAll();
                }
            }
        } catch (IOException e) {
            // It was closed.
        }
        synchronized (lines) {
            ended = true;
            lines.notifyAll();
        }
    }

    void send(String line) {
        try {
            ByteBuffer bytes = StandardCharsets.UTF_8.encode(line + "\n");
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(name + describe(), e);
        }
    }

    /** The next lines up to one that is wanted, which is the last of them. */
    List<String> await(String what, Predicate<String> wanted, Duration limit) {
        long end = System.nanoTime() + limit.toNanos();
        synchronized (lines) {
            for (int at = taken; ; at++) {
                while (at == lines.size()) {
                    long left = (end - System.nanoTime()) / 1_000_000;
                    if (ended || left <= 0) {
                        throw new AssertionError(
                                name + (ended ? " ended without " : " does not say ") + what + describe());
                    }
                    try {
                        lines.wait(left);
                    } catch (InterruptedException e) {
                        throw new AssertionError("interrupted while waiting for " + what, e);
                    }
                }
                if (wanted.test(lines.get(at))) {
                    List<String> found = List.copyOf(lines.subList(taken, at + 1));
                    taken = at + 1;
                    return found;
                }
            }
        }
    }

    private String describe() {
        synchronized (lines) {
            return "; so far:\n" + String.join("\n", lines) + "\nQEMU: " + qemu.output();
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
