// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.fuse.Connection;
import dev.sysgenid.fuse.OpenFlags;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Mman;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Pages that are files in memory ({@link PageFiles}), which the kernel maps into clients directly (FUSE passthrough): a
 * client's load is a load from shared memory, and a bump is a store.
 *
 * <p>One page costs a file, a backing id and one mapping of the daemon's; no descriptor stays open. The daemon
 * maps its pages side by side, in the slots of one range of addresses that is reserved for them, so that a bump is one
 * loop of stores, for the most part over memory in order.
 */
final class PassthroughPages implements Pages, AutoCloseable {
    /** At most this many pages, also where the kernel would allow more mappings; a slot costs only addresses. */
    private static final int MOST = 1 << 18;

    /** How many mappings are left to the JVM, which does not survive it when it gets none: threads, heap, libraries. */
    private static final int FOR_THE_JVM = 4096;

    private final Connection connection;
    private final PageFiles files;
    private final int capacity;
    private final MemorySegment slots;
    /** From one slot to the next, in bytes: a page of this machine, which may be larger than the device's. */
    private final int stride = Math.max(dev.sysgenid.abi.Page.SIZE, Mman.getpagesize());

    /** By the slot of a domain: its pages' slots, null where it has none. */
    private @Nullable Used[] domains = new Used[1];
    /** By slot of a page: where in {@link Used#slots} it stands. */
    private int[] place = new int[64];

    private int size;

    /** The slots of the pages of one domain, in any order. */
    private static final class Used {
        int[] slots = new int[4];
        int size;
    }

    /** Slots that were in use and are free. */
    private int[] free = new int[64];

    private int freed;
    /** The first slot that was never in use. */
    private int fresh;

    /**
     * Reserves the addresses.
     *
     * @param maxMappings how many mappings the kernel allows this process ({@code vm.max_map_count}); beyond that many
     *     pages, less some for the JVM, opens are refused with ENOSPC
     */
    PassthroughPages(Connection connection, PageFiles files, int maxMappings) throws SystemCallException {
        this.connection = connection;
        this.files = files;
        capacity = capacity(maxMappings);
        slots = Mman.mmap(
                (long) capacity * stride,
                Mman.PROT_NONE,
                Mman.MAP_PRIVATE | Mman.MAP_ANONYMOUS | Mman.MAP_NORESERVE,
                -1,
                0);
    }

    /** How many pages there can be. */
    static int capacity(int maxMappings) {
        return Math.clamp(maxMappings - FOR_THE_JVM, 1, MOST);
    }

    @Override
    public int openFlags() {
        return OpenFlags.DIRECT_IO | OpenFlags.PASSTHROUGH | OpenFlags.NO_FLUSH | OpenFlags.PARALLEL_DIRECT_WRITES;
    }

    @Override
    public Page create(long node, int uid, PageContent content) throws SystemCallException {
        if (freed == 0 && fresh == capacity) {
            throw new SystemCallException(Errno.ENOSPC, "reserve", "a page");
        }
        int file = files.create(content);
        try {
            int backingId = connection.openBacking(file);
            if (backingId < 0) {
                files.discard();
                throw new SystemCallException(-backingId, "FUSE_DEV_IOC_BACKING_OPEN", "a page");
            }
            PageFiles.Entry entry = new PageFiles.Entry(node, backingId, uid);
            boolean made = false;
            try {
                files.name(entry);
                Page page = new Mapped(map(file, entry.node()), entry, false);
                made = true;
                return page;
            } finally {
                if (!made) {
                    connection.closeBacking(backingId);
                    files.remove(entry);
                    files.discard();
                }
            }
        } finally {
            Unistd.close(file);
        }
    }

    /** A page that another daemon made on this connection; what it shows is old until the next {@link #publish}. */
    Page restore(PageFiles.Entry entry) throws SystemCallException {
        int file = files.open(entry);
        try {
            return new Mapped(map(file, entry.node()), entry, true);
        } finally {
            Unistd.close(file);
        }
    }

    private int map(int file, long node) throws SystemCallException {
        if (freed == 0 && fresh == capacity) {
            throw new SystemCallException(Errno.ENOSPC, "reserve", "a page");
        }
        int slot = freed > 0 ? free[--freed] : fresh++;
        // With what it shows: else each page would be a fault at the first bump.
        int flags = Mman.MAP_SHARED | Mman.MAP_POPULATE;
        int result = Mman.mmapOver(memory(slot), Mman.PROT_READ | Mman.PROT_WRITE, flags, file, 0);
        if (result < 0) {
            // The kernel may have unmapped the slot before it failed, and something else may be there by now. So the
            // slot is given up for good.
            throw new SystemCallException(-result, "mmap", "a page");
        }
        use(slot, NodeIds.slot(node));
        return slot;
    }

    @Override
    public void publish(int domain, PageContent content) {
        Used used = domain < domains.length ? domains[domain] : null;
        if (used == null) {
            return;
        }
        int[] inUse = used.slots;
        for (int i = 0; i < used.size; i++) {
            show(inUse[i], content);
        }
        // A client that is told of the bump in any other way must find it in its page: all stores first.
        VarHandle.fullFence();
    }

    @Override
    public int mend(int domain, PageContent content, int from, int count) {
        Used used = domain < domains.length ? domains[domain] : null;
        if (used == null) {
            return 0;
        }
        int mended = 0;
        int end = (int) Math.min(used.size, (long) from + count);
        for (int i = from; i < end; i++) {
            int slot = used.slots[i];
            if (!content.isShown(slots, (long) slot * stride)) {
                show(slot, content);
                mended++;
            }
        }
        if (mended > 0) {
            VarHandle.fullFence();
        }
        return mended;
    }

    /**
     * Stores to one line of the processor's cache. Each open does it, so where there are many pages this is compiled before
     * the first bump comes.
     */
    private void show(int slot, PageContent content) {
        content.show(slots, (long) slot * stride);
    }

    private MemorySegment memory(int slot) {
        return slots.asSlice((long) slot * stride, dev.sysgenid.abi.Page.SIZE);
    }

    private void use(int slot, int domain) {
        if (domain >= domains.length) {
            domains = Arrays.copyOf(domains, Math.max(domain + 1, 2 * domains.length));
        }
        Used used = domains[domain];
        if (used == null) {
            used = new Used();
            domains[domain] = used;
        }
        used.slots = withRoomFor(used.size, used.slots);
        place = withRoomFor(slot, place);
        used.slots[used.size] = slot;
        place[slot] = used.size++;
        size++;
    }

    private void release(int slot, int domain) {
        // Back to plain reserved addresses, which gives the mapping up.
        int result = Mman.mmapOver(
                memory(slot), Mman.PROT_NONE, Mman.MAP_PRIVATE | Mman.MAP_ANONYMOUS | Mman.MAP_NORESERVE, -1, 0);
        Used used = Objects.requireNonNull(domains[domain]);
        int last = used.slots[--used.size];
        used.slots[place[slot]] = last;
        place[last] = place[slot];
        size--;
        if (used.size == 0) {
            domains[domain] = null;
        }
        if (result == 0) {
            free = withRoomFor(freed, free);
            free[freed++] = slot;
        }
    }

    private static int[] withRoomFor(int index, int[] array) {
        return index < array.length ? array : Arrays.copyOf(array, Math.max(index + 1, array.length * 2));
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public int size(int domain) {
        Used used = domain < domains.length ? domains[domain] : null;
        return used == null ? 0 : used.size;
    }

    @Override
    public String describe() {
        return "passthrough (every open has a page of its own in shared memory)";
    }

    /** Gives the addresses back, and with them every page that is still there. */
    @Override
    public void close() {
        Mman.munmap(slots);
    }

    private final class Mapped extends Page {
        private final int slot;
        private final PageFiles.Entry entry;
        private final boolean inherited;
        private boolean closed;

        Mapped(int slot, PageFiles.Entry entry, boolean inherited) {
            this.slot = slot;
            this.entry = entry;
            this.inherited = inherited;
        }

        @Override
        int backingId() {
            return entry.backingId();
        }

        @Override
        public void close() {
            if (!closed) {
                closed = true;
                // In this order: what has a name can still be closed by the next daemon.
                if (inherited) {
                    // Whoever made it may have been killed between this and the next step.
                    connection.closeBackingIfThere(entry.backingId());
                } else {
                    connection.closeBacking(entry.backingId());
                }
                files.remove(entry);
                release(slot, NodeIds.slot(entry.node()));
            }
        }
    }
}
