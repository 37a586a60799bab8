// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import dev.sysgenid.abi.Generation;
import dev.sysgenid.abi.Ioctl;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A served device, or the kernel driver's.
 *
 * <p>Its page is mapped. What sleeps until a change is a descriptor that can only read, and so is tracked by nobody and
 * never acknowledged: each return opens another one, which starts up to date. Watchers have descriptors of their own.
 * All reads and writes are positional, so that none waits for another's file position.
 */
final class DeviceDomain implements Domain {
    private static final int LOOK_MILLIS = 20;

    private static final int S_IFMT = 0xf000;
    private static final int S_IFCHR = 0x2000;
    private static final int S_IFREG = 0x8000;

    private final Path path;
    /** The number of its file system: each mount has its own. */
    private final Object mount;

    private final Page page;

    /** Up to date when it was opened; replaced by the one thread that sleeps on it; guarded by this. */
    private FileChannel sleeper;

    /** Guarded by this. */
    private boolean closed;

    /** Nobody sleeps in the kernel any more: the page is looked at now and then. */
    private volatile boolean awake;

    /** What the page showed at the last return of {@link #awaitChange}; for its one thread. */
    private int told;

    /** Sought by the first who asks: a JVM that starts need not wait for it. Guarded by this, as the next. */
    private @Nullable PageExtension extension;

    private boolean extensionSought;

    private DeviceDomain(Path path, Object mount, Page page, FileChannel sleeper) {
        this.path = path;
        this.mount = mount;
        this.page = page;
        this.sleeper = sleeper;
        this.told = page.load();
    }

    /**
     * Attaches to what is at a path.
     *
     * @param chosen whether a user named this path: only then a plain file may stand in for a device, for at the usual
     *     place it is a remainder of something, which nobody will ever change
     * @throws java.nio.file.NoSuchFileException when there is nothing
     * @throws AccessDeniedException when this process may not read it
     * @throws UnusableDeviceException when it is something else
     * @throws IOException otherwise: there is a device, and its daemon is gone
     */
    static Domain attach(Path path, boolean chosen) throws IOException {
        Object mount = mount(path);
        int type = fileType(path);
        if (type != S_IFREG && type != S_IFCHR) {
            // Not opened at all: to open a pipe may block for ever.
            throw new UnusableDeviceException(path, "is neither a regular file nor a character device");
        }
        FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
        boolean attached = false;
        try {
            if (!refusesShortRead(channel)) {
                if (type == S_IFCHR) {
                    throw new UnusableDeviceException(path, "is a character device of another kind");
                }
                if (!chosen) {
                    throw new UnusableDeviceException(path, "is a plain file, which nobody would ever change");
                }
                return PageFile.attach(path);
            }
            Page page = type == S_IFREG ? mapFile(path, channel) : mapCharacterDevice(path);
            attached = true;
            return new DeviceDomain(path, mount, page, channel);
        } finally {
            if (!attached) {
                channel.close();
            }
        }
    }

    private static int fileType(Path path) throws IOException {
        return (int) attribute(path, "unix:mode") & S_IFMT;
    }

    private static Object mount(Path path) throws IOException {
        return attribute(path, "unix:dev");
    }

    private static Object attribute(Path path, String name) throws IOException {
        try {
            return java.nio.file.Files.getAttribute(path, name);
        } catch (UnsupportedOperationException | IllegalArgumentException e) {
            throw new UnusableDeviceException(path, "is on a system that has no such devices");
        }
    }

    /** Whether it refuses to read less than a generation, as the device does, up to date or not, and no other file. */
    private static boolean refusesShortRead(FileChannel channel) {
        try {
            channel.read(ByteBuffer.allocate(1), 0);
            return false;
        } catch (IOException e) {
            return true;
        }
    }

    @SuppressWarnings("ThreadPriorityCheck") // not to let others run: see there
    private static Page mapFile(Path path, FileChannel channel) throws IOException {
        // What lies beyond the end of a file cannot be touched without a fault, so look before mapping.
        long size = channel.size();
        if (size < dev.sysgenid.abi.Page.SIZE) {
            throw new UnusableDeviceException(
                    path, "has " + size + " bytes, and a page has " + dev.sysgenid.abi.Page.SIZE);
        }
        Page page;
        try {
            page = MappedPage.map(channel);
        } catch (IOException e) {
            return new Page.Held(Generation.INITIAL); // served on a kernel that cannot map it: reads tell
        }
        try {
            int unused = page.load();
            Thread.yield(); // what went wrong with memory is thrown some time later, here at the latest
        } catch (InternalError e) {
            throw new IOException(path + ": cannot be read where it is mapped", e);
        }
        return page;
    }

    /** A character device has no size, so Java does not map it; without native access its page is what reads tell. */
    private static Page mapCharacterDevice(Path path) {
        SystemCalls calls = NativeAccess.calls();
        if (calls != null) {
            int fd = calls.open(path, false);
            if (fd >= 0) {
                ByteBuffer memory = calls.map(fd, dev.sysgenid.abi.Page.SIZE);
                calls.close(fd);
                if (memory != null) {
                    return MappedPage.of(memory);
                }
            }
        }
        return new Page.Held(Generation.INITIAL);
    }

    @Override
    public Page page() {
        return page;
    }

    private synchronized @Nullable PageExtension extension() {
        if (!extensionSought) {
            extension = PageExtension.of(page);
            extensionSought = true;
        }
        return extension;
    }

    @Override
    public @Nullable CloneIdentity cloneIdentity() {
        PageExtension present = extension();
        PageExtension.Clone clone = present == null ? null : present.read();
        return clone == null ? null : clone.identity();
    }

    @Override
    public boolean isGone() {
        PageExtension present = extension();
        return present != null && present.isGone();
    }

    @Override
    public int wraps() {
        PageExtension present = extension();
        PageExtension.Clone clone = present == null ? null : present.read();
        return clone == null ? 0 : (int) (clone.wideGeneration() >>> Integer.SIZE);
    }

    /**
     * Each bump shows on at least one of the two descriptors:
     *
     * <pre>
     *   old:  open ........ read returns ..................... read: the newest generation so far; close
     *   new:                               open: up to date ........................................ read
     *   bumps:              x              y                   z
     * </pre>
     *
     * x ends the sleep, y is in what the second read returns, and z is in that too, or makes the new one outdated.
     */
    @Override
    public void awaitChange() throws IOException {
        if (awake) {
            lookForChange();
            return;
        }
        FileChannel old;
        synchronized (this) {
            old = sleeper;
        }
        try {
            read(old);
        } catch (IOException e) {
            if (!awake) {
                throw e;
            }
            lookForChange();
            return;
        }
        told = page.load();
        FileChannel fresh = FileChannel.open(path, StandardOpenOption.READ);
        if (!isOfThisMount()) {
            fresh.close();
            throw new IOException(path + ": was replaced by another device"); // and the page is the old one's
        }
        synchronized (this) {
            if (closed) {
                fresh.close();
                throw new java.nio.channels.AsynchronousCloseException();
            }
            sleeper = fresh;
            if (awake) {
                fresh.close();
            }
        }
        try (old) {
            int generation = read(old);
            if (page instanceof Page.Held held) {
                held.store(generation);
            }
        } catch (IOException e) {
            if (!awake) {
                throw e;
            } // else closed by stayAwake in the middle of this
        }
    }

    /** As {@link #awaitChange}, without sleeping in the kernel. A page that is not mapped stands still. */
    private void lookForChange() throws IOException {
        while (page.load() == told) {
            synchronized (this) {
                if (closed) {
                    throw new java.nio.channels.AsynchronousCloseException();
                }
            }
            if (isGone()) {
                throw new EOFException(path + ": its daemon has ended");
            }
            try {
                Thread.sleep(LOOK_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new java.io.InterruptedIOException();
            }
        }
        told = page.load();
    }

    @Override
    public void stayAwake() {
        FileChannel sleptOn;
        synchronized (this) {
            awake = true;
            sleptOn = sleeper;
        }
        // By another thread: it waits until the daemon has answered whoever sleeps.
        Thread closer = new Thread(() -> close(sleptOn), "sysgenid-end");
        closer.setDaemon(true);
        closer.start();
    }

    private static void close(FileChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            // It is closed all the same.
        }
    }

    private boolean isOfThisMount() {
        try {
            return mount.equals(mount(path));
        } catch (IOException e) {
            return false; // it is gone
        }
    }

    private int read(FileChannel channel) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(Generation.BYTES).order(ByteOrder.nativeOrder());
        int count = channel.read(buffer, 0);
        if (count != Generation.BYTES) {
            throw new EOFException(path + ": a generation of " + count + " bytes");
        }
        return buffer.getInt(0);
    }

    @Override
    public Link openLink() throws IOException {
        SystemCalls calls = NativeAccess.calls();
        if (calls != null) {
            int fd = calls.open(path, true);
            if (fd >= 0) {
                return new NativeLink(calls, fd);
            }
        }
        // For the exception, too: it says why.
        return new ChannelLink(FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE));
    }

    @Override
    public synchronized void close() {
        closed = true;
        close(sleeper); // wakes the thread that sleeps on it
    }

    /** Refused, because it is not the current generation; or is the device gone? */
    private boolean refused(int generation, String why) throws IOException {
        try {
            if (page.load() != generation || page instanceof Page.Held) {
                return false;
            }
        } catch (InternalError e) {
            throw new IOException(path + ": its page is gone", e);
        }
        throw new IOException(path + ": cannot acknowledge generation " + Generation.toString(generation) + ": " + why);
    }

    /** A watcher by Java's own means. It is tracked where all who can acknowledge are. */
    private final class ChannelLink implements Link {
        private final FileChannel channel;

        ChannelLink(FileChannel channel) {
            this.channel = channel;
        }

        @Override
        public synchronized boolean acknowledge(int generation) throws IOException {
            ByteBuffer buffer = ByteBuffer.allocate(Generation.BYTES).order(ByteOrder.nativeOrder());
            buffer.putInt(0, generation);
            // An interrupt would close the channel, and until there is another one nobody would wait for this watcher.
            // So another thread writes, which nobody knows.
            CompletableFuture<@Nullable Throwable> written = new CompletableFuture<>();
            Thread writer = new Thread(() -> written.complete(write(buffer)), "sysgenid-acknowledge");
            writer.setDaemon(true);
            writer.start();
            Throwable failure = written.join();
            return failure == null || refused(generation, String.valueOf(failure.getMessage()));
        }

        /** Returns what was thrown, or null. */
        private @Nullable Throwable write(ByteBuffer buffer) {
            try {
                channel.write(buffer, 0);
                return null;
            } catch (Throwable t) {
                return t;
            }
        }

        @Override
        public synchronized void close() {
            try {
                channel.close();
            } catch (IOException e) {
                // It is closed all the same.
            }
        }
    }

    /** A watcher by system calls, which can ask to be tracked where nobody is unless they ask. */
    private final class NativeLink implements Link {
        private final SystemCalls calls;
        /** -1 when closed. */
        private int fd;

        NativeLink(SystemCalls calls, int fd) {
            this.calls = calls;
            this.fd = fd;
            // A driver of the first family tracks everyone and does not know the call: no error.
            calls.ioctl(fd, Ioctl.SET_WATCHER_TRACKING, 1);
        }

        @Override
        public synchronized boolean acknowledge(int generation) throws IOException {
            if (fd < 0) {
                throw new java.nio.channels.ClosedChannelException();
            }
            int result;
            do {
                result = calls.pwrite(fd, generation);
            } while (result == -SystemCalls.EINTR);
            if (result == Generation.BYTES) {
                return true;
            }
            return result == -SystemCalls.EINVAL ? false : refused(generation, "error " + -result);
        }

        @Override
        public synchronized void close() {
            if (fd >= 0) {
                calls.close(fd);
                fd = -1;
            }
        }
    }

    /** Makes the bump of an orchestrator, and its other questions. */
    static int ask(SystemCalls calls, Path path, int command, long argument) throws IOException {
        // Opened anew each time: so it is up to date, and it is tracked by nobody.
        int fd = calls.open(path, false);
        if (fd == -SystemCalls.EACCES) {
            throw new AccessDeniedException(path.toString());
        }
        if (fd < 0) {
            throw new IOException(path + ": cannot be opened: error " + -fd);
        }
        try {
            return calls.ioctl(fd, command, argument);
        } finally {
            calls.close(fd);
        }
    }
}
