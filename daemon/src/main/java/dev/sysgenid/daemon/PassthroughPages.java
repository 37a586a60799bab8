// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.fuse.Connection;
import dev.sysgenid.fuse.OpenFlags;
import dev.sysgenid.linux.Mman;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;

/**
 * Pages that are memory files of the daemon, which the kernel maps into clients directly (FUSE passthrough): a client's
 * load is a load from shared memory, and a bump is a store.
 *
 * <p>One page costs a memory file, a backing id and one mapping of the daemon's; no descriptor stays open.
 */
final class PassthroughPages implements Pages {
    private static final int SEALS = Unistd.F_SEAL_SHRINK | Unistd.F_SEAL_GROW | Unistd.F_SEAL_SEAL;

    private final Connection connection;
    private final List<Mapped> pages = new ArrayList<>();

    PassthroughPages(Connection connection) {
        this.connection = connection;
    }

    @Override
    public int openFlags() {
        return OpenFlags.DIRECT_IO | OpenFlags.PASSTHROUGH | OpenFlags.NO_FLUSH | OpenFlags.PARALLEL_DIRECT_WRITES;
    }

    @Override
    public Page create(long node, int generation) throws SystemCallException {
        int file = SystemCallException.check(
                Mman.memfd_create("sysgenid", Mman.MFD_CLOEXEC | Mman.MFD_ALLOW_SEALING), "memfd_create", "a page");
        try {
            SystemCallException.check(Unistd.ftruncate(file, dev.sysgenid.abi.Page.SIZE), "ftruncate", "a page");
            // The size is for ever, so no access of ours can fault.
            SystemCallException.check(Unistd.fcntl(file, Unistd.F_ADD_SEALS, SEALS), "fcntl(F_ADD_SEALS)", "a page");
            MemorySegment memory =
                    Mman.mmap(dev.sysgenid.abi.Page.SIZE, Mman.PROT_READ | Mman.PROT_WRITE, Mman.MAP_SHARED, file, 0);
            store(memory, generation);
            int backingId = connection.openBacking(file);
            if (backingId < 0) {
                Mman.munmap(memory);
                throw new SystemCallException(-backingId, "FUSE_DEV_IOC_BACKING_OPEN", "a page");
            }
            return new Mapped(memory, backingId);
        } finally {
            Unistd.close(file);
        }
    }

    @Override
    public void publish(int generation) {
        for (Mapped page : pages) {
            store(page.memory, generation);
        }
        // A client that is told of the bump through any other way must find it in its page: all stores first.
        VarHandle.fullFence();
    }

    private static void store(MemorySegment page, int generation) {
        GENERATION.setRelease(page, (long) dev.sysgenid.abi.Page.GENERATION_OFFSET, generation);
    }

    private static final VarHandle GENERATION = ValueLayout.JAVA_INT.varHandle();

    @Override
    public int size() {
        return pages.size();
    }

    @Override
    public String describe() {
        return "passthrough (every open has a page of its own in shared memory)";
    }

    private final class Mapped extends Page {
        private final MemorySegment memory;
        private final int backingId;
        /** Where in {@link #pages} this stands; -1 when closed. */
        private int index;

        Mapped(MemorySegment memory, int backingId) {
            this.memory = memory;
            this.backingId = backingId;
            index = pages.size();
            pages.add(this);
        }

        @Override
        int backingId() {
            return backingId;
        }

        @Override
        public void close() {
            if (index < 0) {
                return;
            }
            Mapped last = pages.removeLast();
            if (last != this) {
                pages.set(index, last);
                last.index = index;
            }
            index = -1;
            connection.closeBacking(backingId);
            Mman.munmap(memory);
        }
    }
}
