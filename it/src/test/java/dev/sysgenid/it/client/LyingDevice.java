// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.it.client;

import dev.sysgenid.fuse.Attributes;
import dev.sysgenid.fuse.Connection;
import dev.sysgenid.fuse.FileSystem;
import dev.sysgenid.fuse.OpenFlags;
import dev.sysgenid.fuse.Request;
import dev.sysgenid.fuse.Session;
import dev.sysgenid.it.Child;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Mount;
import dev.sysgenid.linux.Poll;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A mounted device, of a server that answers what a test tells it to, and not what the interface says. Served by a thread
 * of this JVM, so it is for others to map: a JVM that waits for a page of its own stands still.
 */
final class LyingDevice implements AutoCloseable {
    /** How a read is answered. */
    enum Answer {
        /** As the device does: less than four bytes are refused; else nothing, until the mount ends. */
        PARKED,
        /** The same for less than four bytes; else a generation at once, although nothing has changed. */
        AT_ONCE,
        /** The same for less than four bytes; else half a generation. */
        HALF,
        /** The same for less than four bytes; else the end of the file. */
        NOTHING,
        /** Everything is an input error. */
        FAILURE,
        /** Every read, also one of a byte, is the end of the file. */
        EMPTY
    }

    private static final int GENERATION = 7;
    private static final int PAGE = 4096;

    private final Path directory;
    private final int fuse;
    private final Thread server;
    private final long size;
    private final Answer reads;
    /** How a mapping's page is answered. */
    private final Answer page;

    private final AtomicInteger opens = new AtomicInteger();
    private final long began = System.nanoTime();
    private volatile boolean over;

    LyingDevice(long size, Answer reads, Answer page) throws IOException {
        this.size = size;
        this.reads = reads;
        this.page = page;
        directory = Files.createTempDirectory(Path.of("/run"), "lying");
        fuse = SystemCallException.check(
                Unistd.open("/dev/fuse", Unistd.O_RDWR | Unistd.O_CLOEXEC | Unistd.O_NONBLOCK, 0), "open", "/dev/fuse");
        SystemCallException.check(
                Mount.mount(
                        "lying",
                        directory.toString(),
                        "fuse.lying",
                        Mount.MS_NOSUID | Mount.MS_NODEV,
                        "fd=" + fuse + ",rootmode=40755,user_id=0,group_id=0,allow_other"),
                "mount",
                directory);
        server = Thread.ofPlatform().name("lying").start(this::serve);
    }

    /** What clients open. */
    Path path() {
        return directory.resolve("sysgenid");
    }

    /** How often it was opened in each second since it is there, on average. */
    double opensASecond() {
        return opens.get() * 1e9 / (System.nanoTime() - began);
    }

    /** Waits until it was opened so often. */
    void awaitOpens(int count) throws InterruptedException {
        long end = System.nanoTime() + Child.LIMIT.toNanos();
        while (opens.get() < count) {
            if (System.nanoTime() > end) {
                throw new AssertionError("opened " + opens + " times, not " + count);
            }
            Thread.sleep(5);
        }
    }

    private void serve() {
        try (Arena arena = Arena.ofConfined()) {
            Connection connection = new Connection(fuse, _ -> {}, arena);
            Session session = new Session(connection, false);
            session.start(new Lies(connection));
            while (!over) {
                if (Poll.poll(fuse, Poll.POLLIN, 20) > 0 && session.serveOne() == Session.Outcome.ENDED) {
                    return;
                }
            }
        }
    }

    @Override
    public void close() throws IOException {
        Mount.umount2(directory.toString(), Mount.MNT_DETACH);
        over = true;
        try {
            server.join();
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted while the server ends", e);
        }
        Unistd.close(fuse); // aborts the connection: whoever waits for it is told
        Files.delete(directory);
    }

    private final class Lies implements FileSystem {
        private final Connection connection;
        private long node = 1;

        Lies(Connection connection) {
            this.connection = connection;
        }

        private Attributes attributes(long of) {
            return of == 1
                    ? new Attributes(1, 0040755, 2, 0, 0, 0, 0, 0)
                    : new Attributes(of, 0100666, 1, 0, 0, size, 0, 0);
        }

        @Override
        public void lookup(Request.Lookup request) {
            node++;
            connection.replyEntry(request.unique(), node, attributes(node));
        }

        @Override
        public void makeDirectory(Request.MakeDirectory request) {
            connection.replyError(request.unique(), Errno.EPERM);
        }

        @Override
        public void removeDirectory(Request.RemoveDirectory request) {
            connection.replyError(request.unique(), Errno.EPERM);
        }

        @Override
        public void forget(long forgotten, long lookups) {}

        @Override
        public void getAttributes(Request.GetAttributes request) {
            connection.replyAttributes(request.unique(), attributes(request.node()));
        }

        @Override
        public void getExtendedAttributes(Request.GetExtendedAttributes request) {
            connection.replyExtendedAttributes(request.unique(), attributes(request.node()));
        }

        @Override
        public void setAttributes(Request.SetAttributes request) {
            connection.replyAttributes(request.unique(), attributes(request.node()));
        }

        @Override
        public void open(Request.Open request) {
            opens.incrementAndGet();
            connection.replyOpen(request.unique(), 1, OpenFlags.DIRECT_IO, 0);
        }

        @Override
        public void read(Request.Read request) {
            if (!request.byProcess()) {
                switch (page) {
                    case FAILURE -> connection.replyError(request.unique(), Errno.EIO);
                    case EMPTY, NOTHING -> connection.replyData(request.unique(), new byte[0], 0, 0);
                    default -> {
                        byte[] whole = new byte[Math.min(PAGE, request.size())];
                        whole[0] = GENERATION;
                        connection.replyData(request.unique(), whole, 0, whole.length);
                    }
                }
                return;
            }
            if (reads == Answer.FAILURE) {
                connection.replyError(request.unique(), Errno.EIO);
            } else if (reads == Answer.EMPTY) {
                connection.replyData(request.unique(), new byte[0], 0, 0);
            } else if (request.size() < Integer.BYTES) {
                connection.replyError(request.unique(), Errno.EINVAL);
            } else {
                switch (reads) {
                    case AT_ONCE -> connection.replyInt(request.unique(), GENERATION);
                    case HALF -> connection.replyData(request.unique(), new byte[] {GENERATION, 0}, 0, 2);
                    case NOTHING -> connection.replyData(request.unique(), new byte[0], 0, 0);
                    default -> {} // the caller sleeps
                }
            }
        }

        @Override
        public void write(Request.Write request) {
            connection.replyWritten(request.unique(), request.data().length);
        }

        @Override
        public void ioctl(Request.Ioctl request) {
            connection.replyIoctl(request.unique(), 0);
        }

        @Override
        public void poll(Request.Poll request) {
            connection.replyPoll(request.unique(), 0);
        }

        @Override
        public void release(Request.Release request) {
            connection.replyOk(request.unique());
        }

        @Override
        public void readDirectory(Request.ReadDirectory request) {
            connection.replyDirectory(request.unique(), List.of(), request.offset(), request.size());
        }

        @Override
        public void interrupt(long unique) {
            connection.replyError(unique, Errno.EINTR);
        }

        @Override
        public void malformed(String why) {}

        @Override
        public void failed(Request request, RuntimeException defect) {}
    }
}
