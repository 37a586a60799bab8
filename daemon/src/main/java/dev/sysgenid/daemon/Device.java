// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.daemon;

import dev.sysgenid.abi.Generation;
import dev.sysgenid.core.Domain;
import dev.sysgenid.core.Effects;
import dev.sysgenid.core.Tracking;
import dev.sysgenid.core.Watcher;
import dev.sysgenid.fuse.Connection;
import dev.sysgenid.fuse.Request;
import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.SystemCallException;
import dev.sysgenid.linux.Unistd;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The device file of one domain: what a system call on it does. Asks the {@link Domain}, and carries its answers and
 * {@link Effects} to the kernel.
 *
 * <p>Order at a bump: every page shows the new generation; every watcher is outdated; parked reads return; pollers are
 * woken; parked waits return; last, the caller of the bump is answered. So whoever learns of a bump in one way finds it
 * in every other.
 *
 * <p>Belongs to the loop's thread.
 */
final class Device implements Effects {
    private static final ValueLayout.OfInt GENERATION = ValueLayout.JAVA_INT_UNALIGNED;

    /** Of the highest generation. */
    private static final int MAX_DIGITS = 10;

    private final Domain domain;
    private final CloneIdentity identity = new CloneIdentity();
    private PageContent content;
    private final Connection connection;
    private final Pages pages;
    private final Callers callers;
    private final Privileges privileges;
    private final Journal journal;
    private final Loop loop;
    private final Runnable reclaim;

    /** Who may bump. */
    @FunctionalInterface
    interface Privileges {
        boolean mayBump(Request.Header caller);
    }

    /** Told of each bump, for people. */
    @FunctionalInterface
    interface Journal {
        void bumped(int generation, int outdated, Callers.Identity by);
    }

    /** An open file description of the device: a watcher, and what the kernel and people call it. */
    static final class OpenFile {
        final DeviceNode node;
        final Watcher watcher;
        final int uid;
        /** As of the open, and renewed at the first use: what CRIU opens for a process has that one's own name only then. */
        Callers.Identity opener;

        private boolean used;
        /** By which the kernel knows those who sleep on it; 0 before the first of them. */
        private long pollHandle;

        OpenFile(DeviceNode node, Watcher watcher, Callers.Identity opener, int uid) {
            this.node = node;
            this.watcher = watcher;
            this.opener = opener;
            this.uid = uid;
            watcher.attach(this);
        }
    }

    /**
     * A device that nobody has opened.
     *
     * @param reclaim takes in what the kernel has to say of inodes that it forgets, before all else
     */
    Device(
            Tracking tracking,
            Connection connection,
            Pages pages,
            Callers callers,
            Privileges privileges,
            Loop loop,
            Runnable reclaim,
            Journal journal) {
        this.domain = new Domain(tracking, this);
        identity.draw();
        this.content = PageContent.first(domain.generation(), identity.head(), identity.tail());
        this.connection = connection;
        this.pages = pages;
        this.callers = callers;
        this.privileges = privileges;
        this.loop = loop;
        this.reclaim = reclaim;
        this.journal = journal;
        loop.onDeadline(() -> {
            domain.expire(loop.now());
            loop.wakeAt(domain.nextDeadline());
        });
    }

    Domain domain() {
        return domain;
    }

    /** Opens a node, and answers with {@code handle}; on failure answers with the error and returns null. */
    @Nullable
    OpenFile open(Request.Open request, DeviceNode node, long handle) {
        Page page = node.page();
        if (page == null) {
            try {
                page = newPage(node);
            } catch (SystemCallException e) {
                connection.replyError(request.unique(), e.errno());
                return null;
            }
            node.setPage(page);
        }
        Callers.Identity opener = callers.identify(request.header().pid());
        int access = request.flags() & Unistd.O_ACCMODE;
        boolean writable = access == Unistd.O_WRONLY || access == Unistd.O_RDWR;
        OpenFile file = new OpenFile(
                node, domain.open(writable), opener, request.header().uid());
        connection.replyOpen(request.unique(), handle, pages.openFlags(), page.backingId());
        return file;
    }

    private void used(Request.Header by, OpenFile file) {
        if (!file.used) {
            file.used = true;
            Callers.Identity now = callers.identify(by.pid());
            if (now.pid() == file.opener.pid()) {
                file.opener = now;
            }
        }
    }

    private Page newPage(DeviceNode node) throws SystemCallException {
        try {
            return pages.create(node.id(), content);
        } catch (SystemCallException e) {
            // Pages of inodes that are gone may still be held, because the kernel is slow to say so.
            reclaim.run();
            return pages.create(node.id(), content);
        }
    }

    void read(Request.Read request, OpenFile file) {
        if (!request.byProcess()) {
            fill(request, file.node);
            return;
        }
        used(request.header(), file);
        boolean nonblocking = (request.fileFlags() & Unistd.O_NONBLOCK) != 0;
        int result = domain.read(file.watcher, request.unique(), Integer.toUnsignedLong(request.size()), nonblocking);
        if (result == Domain.PARKED) {
            return;
        }
        if (result == Generation.BYTES) {
            connection.replyInt(request.unique(), domain.generation());
        } else {
            reply(request.unique(), result);
        }
    }

    /**
     * The kernel fills a page of its cache. Where mappings are the daemon's own pages nobody has a use for that but
     * splice and sendfile, and what they would find later is stale; so it is refused.
     */
    private void fill(Request.Read request, DeviceNode node) {
        Page page = node.page();
        if (page == null || page.backingId() != 0) {
            connection.replyError(request.unique(), Errno.EINVAL);
            return;
        }
        page.filled();
        byte[] bytes = Arrays.copyOf(content.bytes(false), dev.sysgenid.abi.Page.SIZE);
        int from = Math.clamp(request.offset(), 0, bytes.length);
        int length = (int) Math.min(Integer.toUnsignedLong(request.size()), bytes.length - from);
        connection.replyData(request.unique(), bytes, from, length);
    }

    /** Whether the kernel asks for its page cache: it holds the lock of a page until this is answered. */
    static boolean isOfThePageCache(Request request) {
        return switch (request) {
            case Request.Read read -> !read.byProcess();
            case Request.Write write -> !write.byProcess();
            default -> false;
        };
    }

    void write(Request.Write request, OpenFile file) {
        byte[] data = request.data();
        if (!request.byProcess()) {
            // Somebody scribbled on a mapping of the kernel's cache, and the kernel writes that back: to nowhere.
            connection.replyWritten(request.unique(), data.length);
            return;
        }
        used(request.header(), file);
        int value =
                data.length == Generation.BYTES ? MemorySegment.ofArray(data).get(GENERATION, 0) : 0;
        int result = domain.write(file.watcher, data.length, value);
        if (result < 0) {
            connection.replyError(request.unique(), -result);
        } else {
            connection.replyWritten(request.unique(), result);
        }
    }

    void ioctl(Request.Ioctl request, OpenFile file) {
        used(request.header(), file);
        long bumps = domain.serial();
        int result = domain.ioctl(
                file.watcher,
                request.unique(),
                request.command(),
                request.argument(),
                () -> privileges.mayBump(request.header()),
                loop.now());
        loop.wakeAt(domain.nextDeadline());
        if (result != Domain.PARKED) {
            if (result < 0) {
                connection.replyError(request.unique(), -result);
            } else {
                connection.replyIoctl(request.unique(), result);
            }
        }
        if (domain.serial() != bumps) {
            journal.bumped(domain.generation(), domain.outdated(), file.opener);
        }
    }

    /** A decimal number written to the text file {@code generation}: a bump with that as the least new generation. */
    void writeGeneration(Request.Write request) {
        byte[] data = request.data();
        if (!request.byProcess()) {
            connection.replyWritten(request.unique(), data.length); // as on the device: to nowhere
            return;
        }
        long minimum = parseGeneration(data);
        if (minimum < 0 || request.offset() != 0) {
            connection.replyError(request.unique(), Errno.EINVAL);
        } else if (!privileges.mayBump(request.header())) {
            connection.replyError(request.unique(), Errno.EACCES);
        } else {
            Callers.Identity by = callers.identify(request.header().pid());
            domain.bump((int) minimum, loop.now());
            loop.wakeAt(domain.nextDeadline());
            connection.replyWritten(request.unique(), data.length);
            journal.bumped(domain.generation(), domain.outdated(), by);
        }
    }

    /** A generation in decimal, with a line end or without; -1 for anything else. */
    private static long parseGeneration(byte[] text) {
        int digits = text.length > 0 && text[text.length - 1] == '\n' ? text.length - 1 : text.length;
        if (digits == 0 || digits > MAX_DIGITS) {
            return -1;
        }
        long value = 0;
        for (int i = 0; i < digits; i++) {
            if (text[i] < '0' || text[i] > '9') {
                return -1;
            }
            value = value * 10 + (text[i] - '0');
        }
        return value <= 0xffff_ffffL ? value : -1;
    }

    void poll(Request.Poll request, OpenFile file) {
        used(request.header(), file);
        file.pollHandle = request.kernelHandle();
        connection.replyPoll(request.unique(), domain.poll(file.watcher, request.scheduleNotify()));
    }

    void close(OpenFile file) {
        domain.close(file.watcher);
        loop.wakeAt(domain.nextDeadline());
    }

    void interrupt(long unique) {
        domain.interrupt(unique);
        loop.wakeAt(domain.nextDeadline());
    }

    /** Tells those who look at their page, and at nothing else, that this daemon serves them no longer. */
    void retire() {
        content = content.gone();
        pages.publish(content);
    }

    private void reply(long unique, int result) {
        if (result < 0) {
            connection.replyError(unique, -result);
        } else {
            connection.replyOk(unique);
        }
    }

    // The domain's effects.

    @Override
    public void bumped(int generation) {
        identity.draw();
        content = content.bumped(generation, identity.head(), identity.tail());
        pages.publish(content);
    }

    @Override
    public void readCompleted(long request, int generation) {
        connection.replyInt(request, generation);
    }

    @Override
    public void readFailed(long request, int errno) {
        connection.replyError(request, errno);
    }

    @Override
    public void wake(Watcher watcher) {
        OpenFile file = watcher.attachment(OpenFile.class);
        if (file != null) {
            connection.notifyPoll(file.pollHandle);
        }
    }

    @Override
    public void waitCompleted(long request, int errnoOrZero) {
        if (errnoOrZero == 0) {
            connection.replyIoctl(request, 0);
        } else {
            connection.replyError(request, errnoOrZero);
        }
    }
}
