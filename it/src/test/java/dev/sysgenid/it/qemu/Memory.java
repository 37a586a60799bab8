// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.qemu;

import dev.sysgenid.it.Child;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HexFormat;

/**
 * The physical memory of a stopped machine, through QEMU's stub for debuggers. By it the page of VMClock is made what other
 * hypervisors show: QEMU's own has no generation counter.
 */
final class Memory implements AutoCloseable {
    /** Where QEMU has the page of VMClock. */
    private static final long CLOCK = 0xfeffb000L;

    private static final long FLAGS = CLOCK + 0x18;
    private static final long COUNTER = CLOCK + 0x68;

    private final SocketChannel stub;

    Memory(Path socket) {
        try {
            stub = SocketChannel.open(UnixDomainSocketAddress.of(socket));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        ask("qSupported");
        expect(ask("Qqemu.PhyMemMode:1"), "OK");
    }

    void setClockFlags(long flags) {
        write(FLAGS, flags);
    }

    void setClockCounter(long counter) {
        write(COUNTER, counter);
    }

    private void write(long address, long value) {
        String bytes = HexFormat.of()
                .formatHex(ByteBuffer.allocate(Long.BYTES)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(value)
                        .array());
        expect(ask("M%x,8:%s".formatted(address, bytes)), "OK");
        expect(ask("m%x,8".formatted(address)), bytes);
    }

    private static void expect(String answer, String expected) {
        if (!answer.equals(expected)) {
            throw new AssertionError("the stub says " + answer + ", not " + expected);
        }
    }

    /** A packet is {@code $text#checksum}, and is confirmed with a plus. */
    private String ask(String text) {
        int sum = text.chars().sum();
        try {
            send("$" + text + "#%02x".formatted(sum & 0xff));
            StringBuilder got = new StringBuilder();
            ByteBuffer bytes = ByteBuffer.allocate(4096);
            long end = System.nanoTime() + Child.LIMIT.toNanos();
            while (true) {
                int start = got.indexOf("$");
                int stop = got.indexOf("#", Math.max(0, start));
                if (start >= 0 && stop >= 0 && got.length() >= stop + 3) {
                    send("+");
                    return got.substring(start + 1, stop);
                }
                bytes.clear();
                if (stub.read(bytes) < 0 || System.nanoTime() > end) {
                    throw new AssertionError("the stub does not answer " + text + ": " + got);
                }
                got.append(StandardCharsets.ISO_8859_1.decode(bytes.flip()));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void send(String text) throws IOException {
        ByteBuffer bytes = StandardCharsets.ISO_8859_1.encode(text);
        while (bytes.hasRemaining()) {
            stub.write(bytes);
        }
    }

    @Override
    public void close() {
        try {
            stub.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
