// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.fuse;

/**
 * One request of the kernel. What a field means is said in the kernel's words in {@link Wire}.
 *
 * <p>Requests that a {@link FileSystem} never sees, because the {@link Session} answers them alone, are not exported.
 */
public sealed interface Request {
    /** Who asks, and about which node. */
    Header header();

    /** The number by which this request is answered and interrupted. */
    default long unique() {
        return header().unique();
    }

    /**
     * Whether the request was handed out before, to this server or to one before it, and is sent again because it was not
     * answered: see {@link Connection#requestResend}. Its number then differs from the earlier one in this alone.
     */
    default boolean resent() {
        return (unique() & Wire.RESENT) != 0;
    }

    /** A request's number as it was when it was handed out for the first time. */
    static long firstUnique(long unique) {
        return unique & ~Wire.RESENT;
    }

    /** The node that the request is about. */
    default long node() {
        return header().node();
    }

    /**
     * What every request carries.
     *
     * @param opcode the number of the operation
     * @param unique identifies the request until it is answered
     * @param node the node id, as given in the reply to a lookup
     * @param uid of the calling thread, as the server's user namespace sees it
     * @param gid of the calling thread
     * @param pid the calling <em>thread's</em> id in the pid namespace of the mounter; 0 where it is not visible there
     */
    record Header(int opcode, long unique, long node, int uid, int gid, int pid) {}

    /** A name is looked up in a directory; the answer counts as one lookup until it is forgotten. */
    record Lookup(Header header, String name) implements Request {}

    /** The kernel drops lookups of a node. Not answered. */
    record Forget(Header header, long lookups) implements Request {}

    /** The kernel drops lookups of several nodes. Not answered. {@code nodes[i]} loses {@code lookups[i]}. */
    @SuppressWarnings("ArrayRecordComponent") // short-lived, never compared
    record BatchForget(Header header, long[] nodes, long[] lookups) implements Request {}

    /** stat. */
    record GetAttributes(Header header) implements Request {}

    /** statx, where it asks for more than stat tells. */
    record GetExtendedAttributes(Header header) implements Request {}

    /**
     * chmod, chown, truncate, utimes.
     *
     * @param valid says which: the constants below
     * @param size with {@link #SIZE}: the new size in bytes
     */
    record SetAttributes(Header header, int valid, long size, int mode, int uid, int gid) implements Request {
        /** In {@link #valid}. */
        public static final int MODE = 1;
        /** In {@link #valid}. */
        public static final int UID = 1 << 1;
        /** In {@link #valid}. */
        public static final int GID = 1 << 2;
        /** In {@link #valid}. */
        public static final int SIZE = 1 << 3;
        /** In {@link #valid}: through a descriptor. An open with O_TRUNC sets a size of 0 without this. */
        public static final int HANDLE = 1 << 6;
    }

    /** A file is opened; {@code flags} are those of open(2). */
    record Open(Header header, int flags) implements Request {}

    /** A directory is opened. */
    record OpenDirectory(Header header) implements Request {}

    /**
     * A read.
     *
     * @param handle as given in the reply to the open
     * @param offset where, in bytes
     * @param size how much at most, in bytes
     * @param fileFlags the open file's flags as they are now (O_NONBLOCK may have changed)
     * @param byProcess a process called read; false when the kernel fills its page cache
     */
    record Read(Header header, long handle, long offset, int size, int fileFlags, boolean byProcess)
            implements Request {}

    /** A directory's entries are read, from {@code offset} on. */
    record ReadDirectory(Header header, long handle, long offset, int size) implements Request {}

    /**
     * A write.
     *
     * @param handle as given in the reply to the open
     * @param offset where, in bytes
     * @param data what
     * @param byProcess a process called write; false when the kernel writes back a page of its cache
     */
    @SuppressWarnings("ArrayRecordComponent") // short-lived, never compared
    record Write(Header header, long handle, long offset, byte[] data, boolean byProcess) implements Request {}

    /** An ioctl. The argument is as the caller gave it: a number, or a pointer into its memory. */
    record Ioctl(Header header, long handle, int command, long argument) implements Request {}

    /**
     * poll, select or epoll look at a file. To be answered at once.
     *
     * @param handle as given in the reply to the open
     * @param kernelHandle names the sleeper for {@link Connection#notifyPoll}
     * @param scheduleNotify whether somebody sleeps and wants to be notified
     */
    record Poll(Header header, long handle, long kernelHandle, boolean scheduleNotify) implements Request {}

    /** A signal came to the caller of the request {@code interrupted}. Not answered; the request itself is. */
    record Interrupt(Header header, long interrupted) implements Request {}

    /** A descriptor of the open file was closed; others may be left. */
    record Flush(Header header, long handle) implements Request {}

    /** The last descriptor of the open file was closed. */
    record Release(Header header, long handle) implements Request {}

    /** The last descriptor of the open directory was closed. */
    record ReleaseDirectory(Header header, long handle) implements Request {}

    /** statfs. */
    record StatFileSystem(Header header) implements Request {}

    /**
     * A directory is to be made.
     *
     * @param mode the permissions wanted, without what the umask takes away
     * @param umask of the caller
     */
    record MakeDirectory(Header header, String name, int mode, int umask) implements Request {}

    /** An empty directory is to be removed; what is empty is for the server to say. */
    record RemoveDirectory(Header header, String name) implements Request {}

    /** A name is to be made, removed or changed: mknod, create, symlink, link, unlink, rename. */
    record ChangeDirectory(Header header) implements Request {}

    /** The handshake. */
    record Initialize(Header header, int major, int minor, int maxReadahead, int flags, int flags2)
            implements Request {}

    /** The file system was unmounted. */
    record Destroy(Header header) implements Request {}

    /** An operation that this server does not have. */
    record Unsupported(Header header) implements Request {}

    /** A message that does not hold together; {@code why} is for the log. */
    record Malformed(Header header, String why) implements Request {}
}
