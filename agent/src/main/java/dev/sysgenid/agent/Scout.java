// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Stands for the rest of the agent in the first moment of a program. To attach to the device as the client does, with its
 * page mapped, would keep a starting JVM waiting several times as long as all else.
 *
 * <p>It holds two descriptors, which are up to date when they are opened. One is tracked: whoever waits for all watchers
 * waits for this program from the start on, until the rest of the agent has renewed what there is. The other one tells in
 * the end whether there was a change: then a read returns. Nobody reads before: a thread that waits in the kernel keeps a
 * JVM from ending for 0.3 s.
 *
 * <p>Where a VMClock page or a plain file stands for the device, what it shows is compared instead.
 *
 * <p><b>Threads:</b> one at a time.
 */
final class Scout {
    private static final Path VMCLOCK = Path.of("/dev/vmclock0");
    private static final int COUNTER_OFFSET = 0x68;
    private static final int S_IFMT = 0xf000;
    private static final int S_IFCHR = 0x2000;

    /** Long enough for a read that need not wait; else a change is assumed. */
    private static final long READ_MILLIS = 20;

    private static final long END_MILLIS = 5_000;

    private final Path path;
    private final byte @Nullable [] clock;
    private byte @Nullable [] file;
    private @Nullable FileChannel device;
    private @Nullable FileChannel tracked;

    private Scout(Path path) {
        this.path = path;
        this.clock = words(VMCLOCK, COUNTER_OFFSET, Long.BYTES);
    }

    /** Begins. */
    static Scout begin() {
        String named = System.getProperty("sysgenid.path", "");
        if (named.isEmpty()) {
            String variable = System.getenv("SYSGENID_PATH");
            named = variable == null ? "" : variable;
        }
        Scout scout = new Scout(Path.of(named.isEmpty() ? "/dev/sysgenid" : named));
        try {
            scout.open();
        } catch (IOException | RuntimeException e) {
            // There is none, or it cannot be opened so: the client says so when its time comes.
        }
        return scout;
    }

    private void open() throws IOException {
        File found = path.toFile();
        if (!found.isFile() && (!found.exists() || !isCharacterDevice())) {
            return; // to open a pipe may block for ever
        }
        FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
        if (refusesShortRead(channel)) {
            device = channel;
            tracked = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
        } else {
            channel.close();
            file = words(path, 0, Integer.BYTES);
        }
    }

    /** The kernel driver's. */
    private boolean isCharacterDevice() throws IOException {
        return ((int) Files.getAttribute(path, "unix:mode") & S_IFMT) == S_IFCHR;
    }

    /** As the device does, and no other file. */
    private static boolean refusesShortRead(FileChannel channel) {
        try {
            int unused = channel.read(ByteBuffer.allocate(1), 0);
            return false;
        } catch (IOException e) {
            return true;
        }
    }

    private static byte @Nullable [] words(Path from, int offset, int size) {
        if (!from.toFile().canRead()) {
            return null;
        }
        try (FileChannel channel = FileChannel.open(from, StandardOpenOption.READ)) {
            ByteBuffer read = ByteBuffer.allocate(size);
            return channel.read(read, offset) == size ? read.array() : null;
        } catch (IOException e) {
            return null;
        }
    }

    /** Whether there was, or may have been, a change; asked once, when the client watches. */
    boolean isChanged() {
        if (clock != null && !Arrays.equals(clock, words(VMCLOCK, COUNTER_OFFSET, Long.BYTES))) {
            return true;
        }
        FileChannel channel = device;
        if (channel == null) {
            return file == null || !Arrays.equals(file, words(path, 0, Integer.BYTES));
        }
        Reader reader = new Reader(channel);
        Thread thread = new Thread(null, reader, "sysgenid-agent-scout", 0, false);
        thread.setDaemon(true);
        thread.setContextClassLoader(null);
        thread.start();
        try {
            thread.join(READ_MILLIS);
            close(channel); // ends a read that waits
            thread.join(END_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return reader.changed;
    }

    /** Reads once, which returns if there was a change. */
    private static final class Reader implements Runnable {
        private final FileChannel channel;
        volatile boolean changed = true;

        Reader(FileChannel channel) {
            this.channel = channel;
        }

        @Override
        public void run() {
            try {
                int unused = channel.read(ByteBuffer.allocate(Integer.BYTES), 0);
            } catch (AsynchronousCloseException e) {
                changed = false; // it waited until it was closed
            } catch (IOException | RuntimeException e) {
                // Who knows.
            }
        }
    }

    /** What there was has been dealt with: nobody needs to wait any longer. */
    void end() {
        FileChannel first = device;
        FileChannel second = tracked;
        if (first != null) {
            close(first);
        }
        if (second != null) {
            close(second);
        }
    }

    private static void close(FileChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            // It is closed all the same.
        }
    }
}
