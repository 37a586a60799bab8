// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.fuse;

import static dev.sysgenid.fuse.Wire.U16;
import static dev.sysgenid.fuse.Wire.U32;
import static dev.sysgenid.fuse.Wire.U64;

import dev.sysgenid.linux.Errno;
import dev.sysgenid.linux.Unistd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The descriptor of {@code /dev/fuse}: requests come out of it, replies and notifications go in. One write is one
 * message.
 *
 * <p>Belongs to one thread, except {@link #notifyStore}, which has a buffer of its own and may be called by one other
 * thread.
 *
 * <p>A reply to a request that is gone (its caller was killed, or the file system unmounted) is dropped without a word:
 * nobody waits for it. Any other failure of a write is a defect of this server: it is told to the log, and never thrown,
 * because the next message may be for somebody else.
 */
public final class Connection {
    /** A request is at most this long, in bytes: 16 KiB of ioctl data or {@link #MAX_WRITE}, and the headers. */
    private static final int BUFFER_SIZE = 64 * 1024;

    /** The kernel splits longer writes. No longer one makes sense here. */
    static final int MAX_WRITE = 4096;

    /** The reply to a read is at most this long, in bytes; a shorter one is an ordinary short read. */
    public static final int MAX_READ_REPLY = BUFFER_SIZE - Wire.OutHeader.SIZE;

    /** How long the kernel may believe attributes, in seconds. */
    private static final long ATTRIBUTES_VALID = 1;

    private final int descriptor;
    private final Consumer<String> log;
    private final MemorySegment in;
    private final MemorySegment out;
    private final MemorySegment store;

    /**
     * Wraps a descriptor.
     *
     * @param descriptor of {@code /dev/fuse}, non-blocking; stays the caller's to close
     * @param log told of messages that the kernel refused, one line each
     * @param arena holds the buffers; must be usable by every thread that uses this connection
     */
    public Connection(int descriptor, Consumer<String> log, Arena arena) {
        this.descriptor = descriptor;
        this.log = log;
        in = arena.allocate(BUFFER_SIZE, 8);
        out = arena.allocate(BUFFER_SIZE, 8);
        store = arena.allocate(Wire.OutHeader.SIZE + Wire.NotifyStoreOut.SIZE + 4096, 8);
    }

    /** The descriptor, to wait on. */
    public int descriptor() {
        return descriptor;
    }

    /**
     * Takes the next message into the buffer.
     *
     * @return its length in bytes, or a negative errno: EAGAIN when there is none, ENODEV after an unmount
     */
    long receive() {
        return Unistd.read(descriptor, in, BUFFER_SIZE);
    }

    /** The message that {@link #receive} took. */
    Request request(long length) {
        return RequestReader.read(in, length);
    }

    /** Answers with an error; the errno is positive. */
    public void replyError(long unique, int errno) {
        send(unique, -errno, 0);
    }

    /** Answers "done" where there is nothing to tell. */
    public void replyOk(long unique) {
        send(unique, 0, 0);
    }

    /**
     * Answers a lookup. The name is looked up again at every use, so each use may be answered with another node.
     *
     * @param node the node id by which the kernel asks from now on; not 0
     */
    public void replyEntry(long unique, long node, Attributes attributes) {
        clear(Wire.EntryOut.SIZE);
        body(U64, Wire.EntryOut.NODE, node);
        body(U64, Wire.EntryOut.ATTR_VALID, ATTRIBUTES_VALID);
        putAttributes(Wire.EntryOut.ATTR, attributes);
        send(unique, 0, Wire.EntryOut.SIZE);
    }

    /** Answers stat, chmod and their like. */
    public void replyAttributes(long unique, Attributes attributes) {
        clear(Wire.AttrOut.SIZE);
        body(U64, Wire.AttrOut.ATTR_VALID, ATTRIBUTES_VALID);
        putAttributes(Wire.AttrOut.ATTR, attributes);
        send(unique, 0, Wire.AttrOut.SIZE);
    }

    /** Answers statx. */
    public void replyExtendedAttributes(long unique, Attributes attributes) {
        clear(Wire.StatxOut.SIZE);
        body(U64, Wire.StatxOut.ATTR_VALID, ATTRIBUTES_VALID);
        body(U32, Wire.StatxOut.MASK, Wire.StatxOut.BASIC_STATS);
        body(U32, Wire.StatxOut.BLKSIZE, BLOCK_SIZE);
        body(U32, Wire.StatxOut.NLINK, attributes.links());
        body(U32, Wire.StatxOut.UID, attributes.uid());
        body(U32, Wire.StatxOut.GID, attributes.gid());
        out.set(U16, Wire.OutHeader.SIZE + Wire.StatxOut.MODE, (short) attributes.mode());
        body(U64, Wire.StatxOut.INO, attributes.inode());
        body(U64, Wire.StatxOut.FILE_SIZE, attributes.size());
        body(U64, Wire.StatxOut.BLOCKS, blocks(attributes));
        for (int time : STATX_TIMES) {
            body(U64, time, attributes.changedSeconds());
            body(U32, time + Wire.StatxOut.NSEC, attributes.changedNanos());
        }
        send(unique, 0, Wire.StatxOut.SIZE);
    }

    private static final int[] STATX_TIMES = {Wire.StatxOut.ATIME, Wire.StatxOut.CTIME, Wire.StatxOut.MTIME};

    /**
     * Answers an open.
     *
     * @param handle comes back with every request on this open file
     * @param openFlags see {@link OpenFlags}
     * @param backingId with {@link OpenFlags#PASSTHROUGH}: from {@link #openBacking}; else 0
     */
    public void replyOpen(long unique, long handle, int openFlags, int backingId) {
        clear(Wire.OpenOut.SIZE);
        body(U64, Wire.OpenOut.HANDLE, handle);
        body(U32, Wire.OpenOut.OPEN_FLAGS, openFlags);
        body(U32, Wire.OpenOut.BACKING_ID, backingId);
        send(unique, 0, Wire.OpenOut.SIZE);
    }

    /** Answers a read with {@code length} bytes of {@code data} from {@code from} on; no more than were asked for. */
    public void replyData(long unique, byte[] data, int from, int length) {
        MemorySegment.copy(MemorySegment.ofArray(data), from, out, Wire.OutHeader.SIZE, length);
        send(unique, 0, length);
    }

    /** Answers a read with one u32 in host byte order. */
    public void replyInt(long unique, int value) {
        body(U32, 0, value);
        send(unique, 0, Integer.BYTES);
    }

    /** Answers a write: how many bytes were taken. */
    public void replyWritten(long unique, int bytes) {
        clear(Wire.WriteOut.SIZE);
        body(U32, Wire.WriteOut.BYTES, bytes);
        send(unique, 0, Wire.WriteOut.SIZE);
    }

    /** Answers an ioctl with what the call returns, 0 or more. */
    public void replyIoctl(long unique, int result) {
        clear(Wire.IoctlOut.SIZE);
        body(U32, Wire.IoctlOut.RESULT, result);
        send(unique, 0, Wire.IoctlOut.SIZE);
    }

    /** Answers a poll: the events that are there, as poll(2) has them. */
    public void replyPoll(long unique, int events) {
        clear(Wire.PollOut.SIZE);
        body(U32, Wire.PollOut.REVENTS, events);
        send(unique, 0, Wire.PollOut.SIZE);
    }

    /** Answers statfs: a file system without blocks, as the kernel's own virtual ones are. */
    public void replyFileSystem(long unique) {
        clear(Wire.StatfsOut.SIZE);
        body(U32, Wire.StatfsOut.BSIZE, BLOCK_SIZE);
        body(U32, Wire.StatfsOut.FRSIZE, BLOCK_SIZE);
        body(U32, Wire.StatfsOut.NAMELEN, 255);
        send(unique, 0, Wire.StatfsOut.SIZE);
    }

    /**
     * Answers a read of a directory with as many of {@code entries} as fit, from the {@code offset}-th on.
     *
     * @param entries null where there was one, or will be: so the others keep their place
     * @param offset how many entries the caller has already, nulls counted
     * @param size how many bytes the caller takes
     */
    public void replyDirectory(long unique, List<? extends @Nullable DirectoryEntry> entries, long offset, int size) {
        int room = Math.clamp(Integer.toUnsignedLong(size), 0, MAX_READ_REPLY);
        int length = 0;
        for (int i = Math.clamp(offset, 0, entries.size()); i < entries.size(); i++) {
            DirectoryEntry entry = entries.get(i);
            if (entry == null) {
                continue;
            }
            byte[] name = entry.name().getBytes(StandardCharsets.UTF_8);
            int padded = (Wire.Dirent.NAME + name.length + 7) & ~7;
            if (length + padded > room) {
                break;
            }
            int at = Wire.OutHeader.SIZE + length;
            out.asSlice(at, padded).fill((byte) 0);
            out.set(U64, at + Wire.Dirent.INO, entry.inode());
            out.set(U64, at + Wire.Dirent.OFFSET, i + 1L);
            out.set(U32, at + Wire.Dirent.NAMELEN, name.length);
            out.set(U32, at + Wire.Dirent.TYPE, entry.mode() >>> 12);
            MemorySegment.copy(MemorySegment.ofArray(name), 0, out, (long) at + Wire.Dirent.NAME, name.length);
            length += padded;
        }
        send(unique, 0, length);
    }

    /**
     * One line of a directory.
     *
     * @param name without a slash
     * @param inode as in {@link Attributes#inode}
     * @param mode the file's type bits, as in {@link Attributes#mode}
     */
    public record DirectoryEntry(String name, long inode, int mode) {}

    void replyInit(long unique, int maxReadahead, int flags, int flags2) {
        clear(Wire.InitOut.SIZE);
        body(U32, Wire.InitOut.MAJOR, Wire.MAJOR);
        body(U32, Wire.InitOut.MINOR, Wire.MINOR);
        body(U32, Wire.InitOut.MAX_READAHEAD, maxReadahead);
        body(U32, Wire.InitOut.FLAGS, flags);
        // A RELEASE is a background request. With no limit it is queued before close() returns, and so stands in front
        // of
        // whatever anybody does after that: a closed watcher is gone when the caller of close() goes on.
        out.set(U16, Wire.OutHeader.SIZE + Wire.InitOut.MAX_BACKGROUND, (short) 0xffff);
        out.set(U16, Wire.OutHeader.SIZE + Wire.InitOut.CONGESTION_THRESHOLD, (short) 0xffff);
        body(U32, Wire.InitOut.MAX_WRITE, MAX_WRITE);
        body(U32, Wire.InitOut.TIME_GRANULARITY, 1);
        body(U32, Wire.InitOut.FLAGS2, flags2);
        body(U32, Wire.InitOut.MAX_STACK_DEPTH, 1);
        send(unique, 0, Wire.InitOut.SIZE);
    }

    /** Wakes those who sleep in poll, select or epoll on an open file; they look again. */
    public void notifyPoll(long kernelHandle) {
        body(U64, Wire.NotifyPollOut.KERNEL_HANDLE, kernelHandle);
        send(0, Wire.NotifyPollOut.CODE, Wire.NotifyPollOut.SIZE);
    }

    /**
     * Puts bytes into the kernel's page cache, and so into live mappings, of a node.
     *
     * <p>May block for as long as the kernel itself fills the same page, that is until somebody answers the read that it
     * sent for this. So it must not be called by the only thread that could.
     *
     * @param node a node that has been looked up; one that is gone is ignored
     * @param offset where in the file
     * @param data at most a page
     */
    public void notifyStore(long node, long offset, byte[] data) {
        int length = Wire.OutHeader.SIZE + Wire.NotifyStoreOut.SIZE + data.length;
        store.set(U32, Wire.OutHeader.LENGTH, length);
        store.set(U32, Wire.OutHeader.ERROR, Wire.NotifyStoreOut.CODE);
        store.set(U64, Wire.OutHeader.UNIQUE, 0);
        store.set(U64, Wire.OutHeader.SIZE + Wire.NotifyStoreOut.NODE, node);
        store.set(U64, Wire.OutHeader.SIZE + Wire.NotifyStoreOut.OFFSET, offset);
        store.set(U32, Wire.OutHeader.SIZE + Wire.NotifyStoreOut.BYTES, data.length);
        MemorySegment.copy(
                MemorySegment.ofArray(data), 0, store, Wire.OutHeader.SIZE + Wire.NotifyStoreOut.SIZE, data.length);
        write(store, length);
    }

    /**
     * Asks for everything that was handed out and not answered: each such request comes again, before any new one and in
     * no particular order, as one for which {@link Request#resent} holds. It is for a server that takes over the
     * connection of another one.
     *
     * @return 0, or a negative errno: EINVAL before Linux 6.9, which cannot do this
     */
    public int requestResend() {
        return notify(Wire.NotifyResendOut.CODE, 0);
    }

    /** Whether the kernel still has an inode for a node that was looked up. A look-up whose answer is under way does not count. */
    public boolean knowsNode(long node) {
        clear(Wire.NotifyInvalidateOut.SIZE);
        body(U64, Wire.NotifyInvalidateOut.NODE, node);
        body(U64, Wire.NotifyInvalidateOut.OFFSET, -1);
        return notify(Wire.NotifyInvalidateOut.CODE, Wire.NotifyInvalidateOut.SIZE) != -Errno.ENOENT;
    }

    private int notify(int code, int bodyLength) {
        int length = Wire.OutHeader.SIZE + bodyLength;
        out.set(U32, Wire.OutHeader.LENGTH, length);
        out.set(U32, Wire.OutHeader.ERROR, code);
        out.set(U64, Wire.OutHeader.UNIQUE, 0);
        return (int) Math.min(0, writeOnce(out, length));
    }

    /**
     * Registers an open file as one that others can be backed by. The descriptor can be closed afterwards.
     *
     * @return an id above 0 for {@link #replyOpen}, or a negative errno: EPERM without CAP_SYS_ADMIN
     */
    public int openBacking(int file) {
        MemorySegment map = out;
        map.asSlice(0, Wire.BackingMap.SIZE).fill((byte) 0);
        map.set(U32, Wire.BackingMap.FD, file);
        return Unistd.ioctl(descriptor, Wire.BackingMap.OPEN, map);
    }

    /** Gives an id of {@link #openBacking} back. Files that are open with it, and mappings of them, keep the backing file. */
    public void closeBacking(int backingId) {
        int result = closeBackingIfThere(backingId);
        if (result < 0) {
            log.accept("a defect: cannot close backing id " + backingId + ": " + Errno.describe(-result));
        }
    }

    /** As {@link #closeBacking}, of an id that may be gone. Returns 0 or a negative errno: ENOENT when it is. */
    public int closeBackingIfThere(int backingId) {
        out.set(U32, 0, backingId);
        return Unistd.ioctl(descriptor, Wire.BackingMap.CLOSE, out);
    }

    private static final int BLOCK_SIZE = 4096;

    private static long blocks(Attributes attributes) {
        return (attributes.size() + 511) / 512;
    }

    private void putAttributes(int at, Attributes attributes) {
        body(U64, at + Wire.Attr.INO, attributes.inode());
        body(U64, at + Wire.Attr.FILE_SIZE, attributes.size());
        body(U64, at + Wire.Attr.BLOCKS, blocks(attributes));
        body(U64, at + Wire.Attr.ATIME, attributes.changedSeconds());
        body(U64, at + Wire.Attr.MTIME, attributes.changedSeconds());
        body(U64, at + Wire.Attr.CTIME, attributes.changedSeconds());
        body(U32, at + Wire.Attr.ATIME_NSEC, attributes.changedNanos());
        body(U32, at + Wire.Attr.MTIME_NSEC, attributes.changedNanos());
        body(U32, at + Wire.Attr.CTIME_NSEC, attributes.changedNanos());
        body(U32, at + Wire.Attr.MODE, attributes.mode());
        body(U32, at + Wire.Attr.NLINK, attributes.links());
        body(U32, at + Wire.Attr.UID, attributes.uid());
        body(U32, at + Wire.Attr.GID, attributes.gid());
        body(U32, at + Wire.Attr.BLKSIZE, BLOCK_SIZE);
    }

    private void clear(int bodyLength) {
        out.asSlice(Wire.OutHeader.SIZE, bodyLength).fill((byte) 0);
    }

    private void body(ValueLayout.OfLong layout, int offset, long value) {
        out.set(layout, Wire.OutHeader.SIZE + (long) offset, value);
    }

    private void body(ValueLayout.OfInt layout, int offset, int value) {
        out.set(layout, Wire.OutHeader.SIZE + (long) offset, value);
    }

    private void send(long unique, int error, int bodyLength) {
        int length = Wire.OutHeader.SIZE + bodyLength;
        out.set(U32, Wire.OutHeader.LENGTH, length);
        out.set(U32, Wire.OutHeader.ERROR, error);
        out.set(U64, Wire.OutHeader.UNIQUE, unique);
        write(out, length);
    }

    private long writeOnce(MemorySegment message, int length) {
        long written;
        do {
            written = Unistd.write(descriptor, message, length);
        } while (written == -Errno.EINTR);
        return written;
    }

    private void write(MemorySegment message, int length) {
        long written = writeOnce(message, length);
        if (written == length) {
            return;
        }
        switch ((int) -written) {
            // The request, or the node or sleeper of a notification, is gone; or all of the file system is.
            case Errno.ENOENT, Errno.ENODEV, Errno.EPERM -> {}
            // The kernel could not take the answer just now; its caller gets the error that the kernel made of it.
            case Errno.ENOMEM, Errno.EFAULT -> {}
            default ->
                log.accept("a defect: the kernel refused a message of " + length + " bytes on /dev/fuse: "
                        + (written < 0 ? Errno.describe((int) -written) : "it took only " + written));
        }
    }
}
