// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import static dev.sysgenid.abi.Page.END;
import static dev.sysgenid.abi.Page.GENERATION_OFFSET;
import static dev.sysgenid.abi.Page.MAGIC_OFFSET;
import static dev.sysgenid.abi.Page.SEQUENCE_OFFSET;

import dev.sysgenid.abi.Generation;
import dev.sysgenid.fuse.Connection;
import dev.sysgenid.fuse.OpenFlags;
import dev.sysgenid.linux.Epoll;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.EventFd;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;

/**
 * Pages in the kernel's page cache, for where there is no passthrough: the kernel asks the server for a page when it is
 * first touched, and a bump stores the new generation into each page that was asked for.
 *
 * <p>A store blocks while the kernel fills the same page, or writes back what a client scribbled on it, which it does by
 * a request to us. So a thread of its own does the stores, and the loop answers such requests, and only such, until they
 * are done: to everybody the bump is one step.
 *
 * <pre>
 *   a client's first touch          the loop's thread               the storing thread
 *   page locked, READ queued
 *                                   bump
 *                                                                   store: waits for the page's lock
 *                                   READ answered with the new
 *                                   generation (without this the
 *                                   three would wait for ever)
 *   page unlocked                                                   store done
 *                                   the bump goes on
 *
 *   a client maps a page that it wrote to: page locked, WRITE queued; and so on
 * </pre>
 */
final class StoredPages implements Pages {
    /** Serves the requests for which pages are locked, while others wait. */
    interface Filler {
        /** Serves those that were taken before and put off. */
        default void fillThosePutOff() {}

        /** Takes the next request, if there is one. */
        void fillPagesOnly();
    }

    private final Connection connection;
    private final boolean sharedMappings;
    /** The pages of which the kernel holds a copy: by the slot of the domain, by node. */
    private final Map<Integer, Map<Long, Stored>> filled = new HashMap<>();

    private final BlockingQueue<Runnable> work = new LinkedBlockingQueue<>();
    private final Thread storer;
    private final int done;
    /** The connection, and {@link #done}. */
    private final Epoll either;

    private Filler filler = () -> {};
    private int size;
    /** Why a store was not made. */
    private volatile @Nullable Throwable failure;

    StoredPages(Connection connection, boolean sharedMappings) throws SystemCallException {
        this.connection = connection;
        this.sharedMappings = sharedMappings;
        done = SystemCallException.check(
                EventFd.eventfd(0, EventFd.EFD_NONBLOCK | EventFd.EFD_CLOEXEC), "eventfd", "page stores");
        either = Epoll.create();
        SystemCallException.check(either.add(done, Epoll.EPOLLIN, 0), "epoll_ctl", "page stores");
        SystemCallException.check(
                either.add(connection.descriptor(), Epoll.EPOLLIN, 0), "epoll_ctl", "the FUSE connection");
        storer = Thread.ofPlatform().name("sysgenid-page-stores").daemon().start(this::storeForEver);
    }

    void setFiller(Filler filler) {
        this.filler = filler;
    }

    @Override
    public int openFlags() {
        return OpenFlags.DIRECT_IO | OpenFlags.NO_FLUSH | OpenFlags.PARALLEL_DIRECT_WRITES;
    }

    @Override
    public Page create(long node, int uid, PageContent content) {
        size++;
        return new Stored(node);
    }

    /** The page of an inode that another daemon served: the kernel may hold a copy of it. */
    Page restore(long node) {
        size++;
        Page page = new Stored(node);
        page.filled();
        return page;
    }

    @Override
    public void publish(int slot, PageContent content) {
        Map<Long, Stored> there = filled.get(slot);
        if (there == null) {
            return;
        }
        long[] nodes = there.keySet().stream().mapToLong(Long::longValue).toArray();
        work.add(() -> {
            for (long node : nodes) {
                store(node, content);
            }
        });
        // No descriptor tells of these.
        filler.fillThosePutOff();
        long wakeUps;
        do {
            int events = either.await(-1);
            if (events < 0 && events != -Errno.EINTR) {
                throw new IllegalStateException("epoll_wait: " + Errno.describe(-events));
            }
            filler.fillPagesOnly();
            wakeUps = EventFd.eventfd_read(done);
        } while (wakeUps <= 0);
        if (failure != null) {
            // Not for the caller of this bump alone: there are pages that show the old generation.
            throw new InternalError("a page could not be stored", failure);
        }
    }

    /** Answers for daemons that wait for pages, until they have ended. */
    void release(Undead undead) {
        while (undead.areThere()) {
            filler.fillPagesOnly();
            int _ = either.await(1);
        }
    }

    /** The kernel holds these pages: nothing is here to compare. What a client scribbled goes at the next bump. */
    @Override
    public int mend(int slot, PageContent content, int from, int count) {
        return 0;
    }

    /**
     * One page: what {@link PageContent#show} does in memory. The kernel copies the bytes of one store in any order, so each
     * step is a store of its own.
     */
    private void store(long node, PageContent content) {
        byte[] changing = content.bytes(true);
        byte[] changed = content.bytes(false);
        store(node, changing, SEQUENCE_OFFSET, Integer.BYTES);
        store(node, changing, MAGIC_OFFSET, END - MAGIC_OFFSET);
        store(node, changed, SEQUENCE_OFFSET, Integer.BYTES);
        store(node, changed, GENERATION_OFFSET, Generation.BYTES);
    }

    private void store(long node, byte[] page, int offset, int length) {
        connection.notifyStore(node, offset, Arrays.copyOfRange(page, offset, offset + length));
    }

    private void storeForEver() {
        try {
            while (true) {
                try {
                    work.take().run();
                } catch (RuntimeException | Error e) {
                    // A defect; what the kernel refuses is no exception, and it does so only for a node that it
                    // forgets.
                    failure = e;
                } finally {
                    EventFd.eventfd_write(done, 1);
                }
            }
        } catch (InterruptedException e) {
            // Closed.
        }
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public int size(int slot) {
        return 0;
    }

    @Override
    public String describe() {
        return sharedMappings
                ? "store (no passthrough: a bump stores into the kernel's page cache)"
                : "none (this kernel has neither passthrough nor shared mappings of such files: mmap fails)";
    }

    /** Ends the storing thread; nothing is published any more. */
    void stop() {
        storer.interrupt();
        either.close();
        Unistd.close(done);
    }

    private final class Stored extends Page {
        private final long node;
        private boolean closed;

        Stored(long node) {
            this.node = node;
        }

        @Override
        int backingId() {
            return 0;
        }

        @Override
        void filled() {
            filled.computeIfAbsent(NodeIds.slot(node), _ -> new LinkedHashMap<>())
                    .put(node, this);
        }

        @Override
        public void close() {
            if (!closed) {
                closed = true;
                size--;
                filled.computeIfPresent(NodeIds.slot(node), (_, there) -> {
                    there.remove(node);
                    return there.isEmpty() ? null : there;
                });
            }
        }
    }
}
