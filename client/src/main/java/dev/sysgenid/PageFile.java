// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

import dev.sysgenid.abi.Generation;
import java.io.EOFException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A plain file that stands in for a device: a page that somebody else writes. For tests, and for where a directory is
 * all that can be shared.
 *
 * <p>It is read, never mapped: any file can be truncated by whoever may write it, and to touch a mapping of what is no
 * longer there is a fault. So a look costs a system call here. A file that was truncated or replaced is lost, as a
 * device whose daemon is gone.
 */
final class PageFile implements Domain {
    private static final int LOOK_MILLIS = 20;

    private final Path path;
    private final RandomAccessFile file;
    private final @Nullable Object identity;
    private final Shown page = new Shown();

    /** What {@link #awaitChange} has told; for its one thread. */
    private int told;

    private volatile boolean closed;

    private PageFile(Path path, RandomAccessFile file, @Nullable Object identity) {
        this.path = path;
        this.file = file;
        this.identity = identity;
    }

    static PageFile attach(Path path) throws IOException {
        BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
        if (attributes.size() < dev.sysgenid.abi.Page.SIZE) {
            throw new UnusableDeviceException(
                    path, "has " + attributes.size() + " bytes, and a page has " + dev.sysgenid.abi.Page.SIZE);
        }
        // Not a channel: those are closed when a thread that looks is interrupted.
        PageFile attached = new PageFile(path, new RandomAccessFile(path.toFile(), "r"), attributes.fileKey());
        try {
            attached.told = attached.read();
        } catch (IOException e) {
            attached.close();
            throw e;
        }
        return attached;
    }

    private int read() throws IOException {
        byte[] bytes = new byte[Generation.BYTES];
        synchronized (file) {
            if (file.length() < dev.sysgenid.abi.Page.SIZE) {
                throw new UnusableDeviceException(path, "was truncated");
            }
            file.seek(dev.sysgenid.abi.Page.GENERATION_OFFSET);
            try {
                file.readFully(bytes);
            } catch (EOFException e) {
                throw new UnusableDeviceException(path, "ended before a generation could be read");
            }
        }
        return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).getInt();
    }

    @Override
    public Shown page() {
        return page;
    }

    @Override
    public @Nullable CloneIdentity cloneIdentity() {
        return null;
    }

    @Override
    public void awaitChange() throws IOException {
        try {
            while (true) {
                if (closed) {
                    throw new java.nio.channels.AsynchronousCloseException();
                }
                int generation = read();
                Object now =
                        Files.readAttributes(path, BasicFileAttributes.class).fileKey();
                if (!Objects.equals(now, identity)) {
                    throw new UnusableDeviceException(path, "was replaced");
                }
                if (generation != told) {
                    told = generation;
                    return;
                }
                Thread.sleep(LOOK_MILLIS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new java.io.InterruptedIOException();
        }
    }

    /** A file takes no acknowledgements: it is only looked whether the generation is the current one. */
    @Override
    public Link openLink() {
        return new Link() {
            @Override
            public boolean acknowledge(int generation) throws IOException {
                return read() == generation;
            }

            @Override
            public void close() {}
        };
    }

    @Override
    public void close() {
        closed = true;
        try {
            file.close();
        } catch (IOException e) {
            // It is closed all the same.
        }
    }

    /** The page: fails, rather than show an old generation, when the file is lost. */
    final class Shown extends Page {
        private volatile int last;

        @Override
        int load() {
            try {
                int generation = read();
                last = generation;
                return generation;
            } catch (IOException e) {
                throw new LostException(e, PageFile.this, last);
            }
        }
    }

    /** The page cannot be read any more. */
    static final class LostException extends RuntimeException {
        private static final long serialVersionUID = 1;

        final transient Domain domain;
        /** The generation that was seen last. */
        final int last;

        LostException(IOException cause, Domain domain, int last) {
            super(cause);
            this.domain = domain;
            this.last = last;
        }
    }
}
